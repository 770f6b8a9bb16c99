//! Atoms: what the grammar works on. A number is joined with its unit, a date is a day, a phrase is its sense.

use crate::chinese::{MEASURES, PERCENT_PREFIX};
use crate::dates::{self, When};
use crate::decimal::Decimal;
use crate::lexer::{Token, TokenKind};
use crate::limits::{COUNT_MAX, ROLLING_SECONDS_MAX};
use crate::number;
use crate::sense::{self, CurrencyWord, DayWord, LengthUnit, Sense, Unit, Window};
use crate::text::Span;
use jiff::Span as Length;
use jiff::civil::{DateTime, Time};

/// The smallest piece with a meaning.
#[derive(Clone, Debug)]
pub(crate) struct Atom {
    pub(crate) kind: Kind,
    pub(crate) span: Span,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// A number of money.
    Amount(Sum),
    /// A number that does not say of what; `None` where nothing reads it.
    Number(Option<Decimal>),
    Percent(Option<Decimal>),
    /// "30 days"; `None` where it is no length.
    Length(Option<Length>),
    /// "three times"; `None` where it is no count.
    Times(Option<u32>),
    /// "three cups"; `None` where it is no count.
    Pieces(Option<u32>),
    When(When),
    /// `None` where it could be in the morning or in the evening.
    Clock(Option<Time>),
    Sense(Sense),
    Quoted,
    Word,
    Stop(Stop),
}

impl Kind {
    /// The number that a sum or a plain number is.
    pub(crate) fn value(&self) -> Option<Decimal> {
        if let Kind::Amount(sum) = self {
            return sum.value;
        }
        if let Kind::Number(value) = self { *value } else { None }
    }
}

/// How much a stop parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    Comma,
    Sentence,
}

/// A number and the words that say it is money.
#[derive(Clone, Debug)]
pub(crate) struct Sum {
    /// In whole units of the currency; `None` where nothing reads it.
    pub(crate) value: Option<Decimal>,
    pub(crate) words: Vec<(CurrencyWord, Span)>,
}

/// The atoms of a text.
pub(crate) fn atoms(tokens: &[Token], now: DateTime) -> Vec<Atom> {
    let mut atoms: Vec<Atom> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let (kind, next) = atom(tokens, at, now, atoms.last());
        let (Some(first), Some(last)) = (tokens.get(at), tokens.get(next.saturating_sub(1))) else {
            break;
        };
        atoms.push(Atom { kind, span: first.span.through(last.span) });
        at = next;
    }
    split_compounds(&mut atoms);
    join_windows(join_numbers(atoms))
}

fn atom(tokens: &[Token], at: usize, now: DateTime, before: Option<&Atom>) -> (Kind, usize) {
    let one = at.saturating_add(1);
    let Some(token) = tokens.get(at) else {
        return (Kind::Word, one);
    };
    if token.kind == TokenKind::Quoted {
        return (Kind::Quoted, one);
    }
    if let Some((when, next)) = dates::date(tokens, at, now) {
        return (Kind::When(when), next);
    }
    let phrase = sense::phrase(tokens, at);
    let number = numeric(tokens, at);
    if let Some((kind, next)) = number
        && phrase.is_none_or(|(_, end)| end < next)
    {
        return (kind, next);
    }
    if let Some((time, next)) = dates::clock(tokens, at) {
        return (Kind::Clock(time), next);
    }
    match phrase {
        Some((Sense::When(DayWord::Month(_)), next)) if !names_a_month(before) => (Kind::Word, next),
        // `本周三十元` is Wednesday and ten, or a week and thirty.
        Some((Sense::When(DayWord::Weekday(..)), next)) if number::goes_on(tokens, next) => {
            (Kind::When(When::Unclear), next)
        }
        Some((Sense::When(word), next)) => (Kind::When(dates::of_word(word, now)), next),
        Some((sense, next)) => (Kind::Sense(sense), next),
        None => match (token.kind, token.text.as_str()) {
            (_, ":" | "：") => (Kind::Sense(Sense::Filler), one),
            (TokenKind::Stop, "," | "，") => (Kind::Stop(Stop::Comma), one),
            (TokenKind::Stop, _) => (Kind::Stop(Stop::Sentence), one),
            (_, _) => (Kind::Word, one),
        },
    }
}

/// "march" and the like are months only after a word that leads to one.
fn names_a_month(before: Option<&Atom>) -> bool {
    let Some(Atom { kind: Kind::Sense(sense), .. }) = before else {
        return false;
    };
    matches!(sense, Sense::Until | Sense::From | Sense::To | Sense::For | Sense::Before | Sense::Filler)
}

/// A number and what its unit makes of it, and the token after both.
fn numeric(tokens: &[Token], at: usize) -> Option<(Kind, usize)> {
    if is_sign_of_number(tokens, at) {
        let (kind, next) = numeric(tokens, at.saturating_add(1))?;
        return Some((unreadable(kind), next));
    }
    if let Some((word, next)) = sense::currency(tokens, at) {
        let numeral = number::read(tokens, next)?;
        let value =
            numeral.value.and_then(|value| value.shifted(word.decimals())).filter(|_| !is_signed(tokens, at));
        let mut words = vec![(word, through(tokens, at, next))];
        let mut end = numeral.next;
        if let Some((Unit::Money(again), after)) = sense::unit(tokens, end) {
            words.push((again, through(tokens, end, after)));
            end = after;
        }
        let value = value.filter(|_| !is_broken_after(tokens, end));
        return Some((Kind::Amount(Sum { value, words }), end));
    }
    let prefix = usize::from(PERCENT_PREFIX.chars().count() > 0 && starts_with(tokens, at, PERCENT_PREFIX))
        .saturating_mul(3);
    let numeral = number::read(tokens, at.saturating_add(prefix))?;
    if 0 < prefix {
        return Some((Kind::Percent(numeral.value), numeral.next));
    }
    if let Some((time, next)) = dates::clock(tokens, at) {
        return Some((Kind::Clock(time), next));
    }
    let value = numeral.value.filter(|_| !is_signed(tokens, at));
    let Some((unit, next)) = sense::unit(tokens, numeral.next) else {
        let next = numeral.next;
        if is_broken_after(tokens, next) {
            let is_glued_word =
                tokens.get(next).is_some_and(|token| token.glued && token.kind != TokenKind::Sign);
            let next = if is_glued_word { next.saturating_add(1) } else { next };
            return Some(match sense::unit(tokens, next) {
                Some((Unit::Money(word), end)) => {
                    (Kind::Amount(Sum { value: None, words: vec![(word, through(tokens, next, end))] }), end)
                }
                Some(_) | None => (Kind::Number(None), next),
            });
        }
        return Some((Kind::Number(value), next));
    };
    let count = |max: u32| value.and_then(|value| value.count(max));
    Some(match unit {
        Unit::Money(word) => money(tokens, at, value, word, numeral.next, next),
        Unit::Length(unit) => (Kind::Length(value.and_then(|value| dates::length(value, unit))), next),
        Unit::Times => (Kind::Times(count(COUNT_MAX)), next),
        Unit::Pieces => (Kind::Pieces(count(COUNT_MAX)), next),
        Unit::Percent => (Kind::Percent(value), next),
    })
}

/// A sum whose first unit ends before `next`, with the smaller units after it: `三块五毛`, `5 dollars and 20 cents`.
fn money(
    tokens: &[Token],
    at: usize,
    value: Option<Decimal>,
    word: CurrencyWord,
    unit_at: usize,
    next: usize,
) -> (Kind, usize) {
    let mut value = value.and_then(|value| value.shifted(word.decimals()));
    let mut words = vec![(word, through(tokens, unit_at, next))];
    let mut end = next;
    let mut decimals = word.decimals();
    let is_chinese = matches!(word, CurrencyWord::Yuan | CurrencyWord::Jiao);
    loop {
        let text = tokens.get(end).map(|token| token.text.as_str());
        if is_chinese && decimals == 0 && text == Some("半") {
            value = value.zip(Decimal::new(5, 1)).and_then(|(a, b)| a.plus(b));
            end = end.saturating_add(1);
            break;
        }
        let place = if text == Some("and") { end.saturating_add(1) } else { end };
        let Some(part) = number::read(tokens, place) else {
            break;
        };
        let (smaller, after) = match sense::unit(tokens, part.next) {
            Some((Unit::Money(smaller), after)) if decimals < smaller.decimals() => {
                words.push((smaller, through(tokens, part.next, after)));
                (smaller.decimals(), after)
            }
            // `三块五`: one digit, nothing behind it that it could belong to.
            None if is_chinese && place == end && part.value.and_then(|v| v.count(9)).is_some() => {
                let is_free =
                    tokens.get(part.next).is_none_or(|token| !token.glued || token.kind != TokenKind::Digits);
                let is_glued = tokens.get(place).is_some_and(|token| token.glued);
                if !is_free || !is_glued || dates::date(tokens, place, DateTime::MIN).is_some() {
                    break;
                }
                (decimals.saturating_add(1), part.next)
            }
            Some(_) | None => break,
        };
        let part = part.value.and_then(|part| part.shifted(smaller));
        value = value.zip(part).and_then(|(a, b)| a.plus(b));
        (decimals, end) = (smaller, after);
        if smaller == 2 || text == Some("and") {
            break;
        }
    }
    if let Some((Unit::Money(again @ CurrencyWord::Code(_)), after)) = sense::unit(tokens, end) {
        words.push((again, through(tokens, end, after)));
        end = after;
    }
    let value = value.filter(|_| !is_signed(tokens, at) && !is_broken_after(tokens, end));
    (Kind::Amount(Sum { value, words }), end)
}

fn through(tokens: &[Token], from: usize, next: usize) -> Span {
    let first = tokens.get(from).map_or(Span { text: 0, from: 0, to: 0 }, |token| token.span);
    tokens.get(next.saturating_sub(1)).map_or(first, |last| first.through(last.span))
}

fn starts_with(tokens: &[Token], at: usize, text: &str) -> bool {
    let mut found = tokens.iter().skip(at).map(|token| token.text.as_str());
    text.chars().all(|letter| found.next().is_some_and(|token| token.chars().eq([letter])))
}

/// Marks that make another number of the one beside them.
const ARITHMETIC: &[&str] = &["+", "*", "×", "/", "÷", "^", "=", "±", "−", "_", "'", "\\", "#", "~", "≈"];

/// Whether a mark before the number changes it: `-20`, `2*3`.
fn is_signed(tokens: &[Token], at: usize) -> bool {
    let Some(before) = at.checked_sub(1).and_then(|place| tokens.get(place)) else {
        return false;
    };
    let number_before = at
        .checked_sub(2)
        .and_then(|place| tokens.get(place))
        .is_some_and(|token| token.kind == TokenKind::Digits);
    let glued = tokens.get(at).is_some_and(|token| token.glued);
    ARITHMETIC.contains(&before.text.as_str())
        || (before.text == "-" && !number_before)
        || (glued && before.kind == TokenKind::Digits)
}

/// Whether a sign stands here that belongs to the number after it: the `-` of `-20`, the `~` of `~100`.
fn is_sign_of_number(tokens: &[Token], at: usize) -> bool {
    let is_sign = tokens
        .get(at)
        .is_some_and(|t| t.kind == TokenKind::Sign && matches!(t.text.as_str(), "-" | "−" | "+" | "~" | "≈"));
    let next = at.saturating_add(1);
    let glued =
        tokens.get(next).is_some_and(|t| t.glued && matches!(t.kind, TokenKind::Digits | TokenKind::Sign));
    let before = at.checked_sub(1).and_then(|place| tokens.get(place));
    is_sign
        && glued
        && before
            .is_none_or(|token| !matches!(token.kind, TokenKind::Digits | TokenKind::Date | TokenKind::Clock))
        && before.is_none_or(|token| {
            !tokens.get(at).is_some_and(|t| t.glued)
                || token.kind == TokenKind::Han && number::read(tokens, at.saturating_sub(1)).is_none()
                || token.kind == TokenKind::Stop
                || token.kind == TokenKind::Sign
        })
}

/// The same, with nothing to read in it.
fn unreadable(kind: Kind) -> Kind {
    match kind {
        Kind::Amount(sum) => Kind::Amount(Sum { value: None, ..sum }),
        Kind::Number(_) => Kind::Number(None),
        Kind::Percent(_) => Kind::Percent(None),
        Kind::Length(_) => Kind::Length(None),
        Kind::Times(_) => Kind::Times(None),
        Kind::Pieces(_) => Kind::Pieces(None),
        Kind::Clock(_) => Kind::Clock(None),
        Kind::When(_) | Kind::Sense(_) | Kind::Quoted | Kind::Word | Kind::Stop(_) => kind,
    }
}

/// Whether something touches the end of the number that makes it another one: `20x`, `10²`, `2*3`.
fn is_broken_after(tokens: &[Token], next: usize) -> bool {
    let Some(after) = tokens.get(next) else {
        return false;
    };
    let is_arithmetic = after.kind == TokenKind::Sign && ARITHMETIC.contains(&after.text.as_str());
    let is_rate = after.text == "/" && sense::phrase(tokens, next).is_some();
    let touches = after.glued && matches!(after.kind, TokenKind::Word | TokenKind::Digits | TokenKind::Date);
    (is_arithmetic && !is_rate) || touches
}

/// `花` is a flower, but not in `花生`: one character with an unknown one touching it is a part of a word.
fn split_compounds(atoms: &mut [Atom]) {
    for at in 0..atoms.len() {
        let next = atoms
            .get(at.saturating_add(1))
            .filter(|next| matches!(next.kind, Kind::Word))
            .map(|next| next.span.from);
        let Some(atom) = atoms.get_mut(at) else {
            continue;
        };
        let is_one = atom.span.to.saturating_sub(atom.span.from) == '花'.len_utf8();
        if is_one && matches!(atom.kind, Kind::Sense(Sense::Category(_))) && next == Some(atom.span.to) {
            atom.kind = Kind::Word;
        }
    }
}

/// Two numbers with nothing between them are one that nobody can read: `1 000 yuan`.
fn join_numbers(atoms: Vec<Atom>) -> Vec<Atom> {
    let mut joined: Vec<Atom> = Vec::with_capacity(atoms.len());
    for atom in atoms {
        let is_number = |kind: &Kind| matches!(kind, Kind::Amount(_) | Kind::Number(_) | Kind::Percent(_));
        match joined.last_mut() {
            Some(before) if is_number(&before.kind) && is_number(&atom.kind) => {
                let words =
                    |kind: &Kind| if let Kind::Amount(sum) = kind { sum.words.clone() } else { Vec::new() };
                let words = [words(&before.kind), words(&atom.kind)].concat();
                before.kind = if words.is_empty() {
                    Kind::Number(None)
                } else {
                    Kind::Amount(Sum { value: None, words })
                };
                before.span = before.span.through(atom.span);
            }
            Some(_) | None => joined.push(atom),
        }
    }
    joined
}

/// "in any 24 hours" and "每7天" become windows; `每杯` becomes "each".
fn join_windows(atoms: Vec<Atom>) -> Vec<Atom> {
    let mut joined: Vec<Atom> = Vec::with_capacity(atoms.len());
    for atom in atoms {
        let leads = |kind: &Kind| matches!(kind, Kind::Sense(Sense::AnyOf | Sense::Any));
        match (joined.last_mut(), &atom.kind) {
            (Some(before), Kind::Length(length)) if leads(&before.kind) => {
                let seconds =
                    length.and_then(dates::seconds).filter(|seconds| *seconds <= ROLLING_SECONDS_MAX);
                let window = seconds
                    .map_or(Sense::WindowUnknown, |seconds| Sense::Window(Window::Rolling { seconds }));
                before.kind = Kind::Sense(window);
                before.span = before.span.through(atom.span);
            }
            // "a book" is a thing.
            (Some(Atom { kind: Kind::Sense(Sense::Article), .. }), Kind::Sense(Sense::Buy)) => {
                joined.push(Atom { kind: Kind::Sense(Sense::Plain), ..atom });
            }
            (Some(before), Kind::Amount(_) | Kind::Number(_)) if is_spending(&before.kind, &before.span) => {
                before.kind = Kind::Sense(Sense::Filler);
                joined.push(atom);
            }
            (Some(_) | None, _) => joined.push(atom),
        }
    }
    joined
}

/// `花` before an amount is to spend it, where it otherwise is a flower.
fn is_spending(kind: &Kind, span: &Span) -> bool {
    let is_flower = matches!(kind, Kind::Sense(Sense::Category(category)) if category.code() == "flowers");
    is_flower && span.to.saturating_sub(span.from) == '花'.len_utf8()
}

/// Whether a word is one that measures a single thing after a verb of buying.
pub(crate) fn is_measure(text: &str) -> bool {
    MEASURES.contains(&text)
}

/// The length that "a day" or "一周" is, where it says how long and not how often.
pub(crate) fn length_of(window: Window) -> Option<Length> {
    use crate::sense::Period;
    let one = Decimal::whole(1)?;
    match window {
        Window::Rolling { seconds: 3_600 } => dates::length(one, LengthUnit::Hour),
        Window::Rolling { .. } => None,
        Window::Calendar(Period::Day) => dates::length(one, LengthUnit::Day),
        Window::Calendar(Period::Week) => dates::length(one, LengthUnit::Week),
        Window::Calendar(Period::Month) => dates::length(one, LengthUnit::Month),
    }
}
