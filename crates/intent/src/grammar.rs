//! The grammar: rules that turn atoms into readings and doubts, the most specific first.
//!
//! Each rule takes the atoms it explains. What no rule has taken is, in [`leftover`], either what to buy or a doubt.

use crate::atom::{Atom, Kind, Stop, Sum, atoms};
use crate::decimal::Decimal;
use crate::draft::Context;
use crate::lexer::lex;
use crate::question::Code;
use crate::reading::{Doubt, Matter, Meaning, Reading, Scope};
use crate::sense::Sense;
use crate::text::Span;
use jiff::Timestamp;
use jiff::civil::DateTime;

mod amounts;
mod behaviour;
mod counts;
mod leftover;
mod parties;
mod times;
mod triggers;

/// What a text says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Statement {
    pub(crate) readings: Vec<Reading>,
    pub(crate) doubts: Vec<Doubt>,
    /// What an owner says of a question rather than of a purchase.
    pub(crate) replies: Vec<Reply>,
}

/// A short word of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Yes,
    LeaveOut,
    Merchant,
    Product,
    /// "each", "in total", "a day", with no amount.
    Scope(Scope),
    Allow,
    Refuse,
    Buy,
    Notify,
    Pause,
    Cancel,
}

/// Reads a text, the draft's `number`-th.
pub(crate) fn read(text: &str, number: usize, context: &Context) -> Statement {
    read_as(Purpose::Sentence, text, number, context)
}

fn read_as(purpose: Purpose, text: &str, number: usize, context: &Context) -> Statement {
    let now = context.now.to_zoned(context.zone.clone()).datetime();
    let tokens = lex(text, number);
    let mut parser = Parser::new(text, atoms(&tokens, now), now, context);
    parser.purpose = purpose;
    parser.overrides();
    parser.failures();
    parser.deviations();
    parser.asking();
    parser.triggers();
    parser.deliveries();
    parser.counts();
    parser.amounts();
    parser.validity();
    parser.parties();
    parser.things();
    parser.errands();
    parser.leftovers();
    parser.said
}

/// Reads a text that answers a question: the same rules, and the short words that only answers have.
pub(crate) fn read_answer(text: &str, number: usize, context: &Context) -> Statement {
    let now = context.now.to_zoned(context.zone.clone()).datetime();
    let tokens = lex(text, number);
    let atoms = atoms(&tokens, now);
    let whole = text.trim().to_lowercase();
    if let Some((_, reply)) = VERDICTS.iter().find(|(words, _)| words.contains(&whole.as_str())) {
        return Statement { replies: vec![*reply], ..Statement::default() };
    }
    let words = atoms.iter().filter(|atom| !matches!(atom.kind, Kind::Stop(_) | Kind::Sense(Sense::Filler)));
    let reply = words.map(|atom| reply(&atom.kind)).collect::<Option<Vec<Reply>>>();
    match reply {
        Some(replies) if !replies.is_empty() => Statement { replies, ..Statement::default() },
        Some(_) | None => read_as(Purpose::Answer, text, number, context),
    }
}

const VERDICTS: &[(&[&str], Reply)] = &[
    (&["allow", "allowed", "允许", "可以"], Reply::Allow),
    (&["refuse", "deny", "never", "拒绝", "不允许", "不可以"], Reply::Refuse),
];

fn reply(kind: &Kind) -> Option<Reply> {
    let Kind::Sense(sense) = kind else {
        return None;
    };
    let pairs = [
        (Sense::Yes, Reply::Yes),
        (Sense::LeaveOut, Reply::LeaveOut),
        (Sense::Merchant, Reply::Merchant),
        (Sense::Product, Reply::Product),
        (Sense::Each, Reply::Scope(Scope::Each)),
        (Sense::Cap, Reply::Yes),
        (Sense::Total, Reply::Scope(Scope::Total)),
        (Sense::Buy, Reply::Buy),
        (Sense::Auto, Reply::Buy),
        (Sense::Notify, Reply::Notify),
        (Sense::Ask, Reply::Notify),
        (Sense::Pause, Reply::Pause),
        (Sense::Cancel, Reply::Cancel),
    ];
    if let Sense::Window(window) = sense {
        return Some(Reply::Scope(Scope::Window(*window)));
    }
    pairs.iter().find(|(known, _)| known == sense).map(|(_, reply)| *reply)
}

/// What a text is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Sentence,
    /// What stands in it alone, an amount or a length, is what was asked for.
    Answer,
}

/// How a rule has used an atom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Free,
    /// Explained; it is still a word of what to buy.
    Soft,
    Taken,
}

struct Parser<'a> {
    text: &'a str,
    atoms: Vec<Atom>,
    used: Vec<Use>,
    now: DateTime,
    context: &'a Context,
    said: Statement,
    purpose: Purpose,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, atoms: Vec<Atom>, now: DateTime, context: &'a Context) -> Parser<'a> {
        let used = vec![Use::Free; atoms.len()];
        Parser { text, atoms, used, now, context, said: Statement::default(), purpose: Purpose::Sentence }
    }

    /// The atom at `at`, if no rule has taken it.
    fn free(&self, at: usize) -> Option<&Atom> {
        self.atoms.get(at).filter(|_| self.used.get(at) != Some(&Use::Taken))
    }

    fn sense(&self, at: usize) -> Option<Sense> {
        if let Kind::Sense(sense) = self.free(at)?.kind { Some(sense) } else { None }
    }

    fn is(&self, at: usize, senses: &[Sense]) -> bool {
        self.sense(at).is_some_and(|sense| senses.contains(&sense))
    }

    fn is_comma(&self, at: usize) -> bool {
        matches!(self.free(at), Some(Atom { kind: Kind::Stop(Stop::Comma), .. }))
    }

    /// The places of all free atoms with one of these senses.
    fn places(&self, senses: &[Sense]) -> Vec<usize> {
        (0..self.atoms.len()).filter(|at| self.is(*at, senses)).collect()
    }

    fn has(&self, senses: &[Sense]) -> bool {
        let of = |atom: &Atom| matches!(atom.kind, Kind::Sense(sense) if senses.contains(&sense));
        self.atoms.iter().any(of)
    }

    /// The first place from `at` on that is none of these.
    fn skip(&self, at: usize, senses: &[Sense]) -> usize {
        let mut at = at;
        while self.is(at, senses) {
            at = at.saturating_add(1);
        }
        at
    }

    /// The first place before `at` that is none of these.
    fn skip_back(&self, at: usize, senses: &[Sense]) -> Option<usize> {
        let mut at = at.checked_sub(1)?;
        while self.is(at, senses) {
            at = at.checked_sub(1)?;
        }
        Some(at)
    }

    /// A sum, or a number that a rule takes for one where it has a place for an amount.
    fn sum(&self, at: usize) -> Option<Sum> {
        let kind = &self.free(at)?.kind;
        if let Kind::Number(value) = kind {
            return Some(Sum { value: *value, words: Vec::new() });
        }
        if let Kind::Amount(sum) = kind { Some(sum.clone()) } else { None }
    }

    fn span(&self, from: usize, to: usize) -> Span {
        let first = self.atoms.get(from).map_or(Span { text: 0, from: 0, to: 0 }, |atom| atom.span);
        self.atoms.get(to).map_or(first, |last| first.through(last.span))
    }

    /// The words from one place to another, as they were typed.
    fn words(&self, from: usize, to: usize) -> String {
        let span = self.span(from, to);
        self.text.get(span.from..span.to).unwrap_or_default().to_owned()
    }

    fn take(&mut self, from: usize, to: usize) {
        for used in self.used.iter_mut().take(to.saturating_add(1)).skip(from) {
            *used = Use::Taken;
        }
    }

    fn soften(&mut self, from: usize, to: usize) {
        for used in
            self.used.iter_mut().take(to.saturating_add(1)).skip(from).filter(|used| **used == Use::Free)
        {
            *used = Use::Soft;
        }
    }

    fn say(&mut self, meaning: Meaning, from: usize, to: usize) {
        let span = self.span(from, to);
        self.said.readings.push(Reading::new(meaning, span));
    }

    fn doubt(&mut self, code: Code, matter: Matter, from: usize, to: usize) {
        let span = self.span(from, to);
        self.said.doubts.push(Doubt { code, span, matter });
    }

    /// Says an amount in its role, together with its currency; or doubts it where nothing reads it.
    fn say_sum(&mut self, sum: &Sum, scope: Scope, at: usize, whole: (usize, usize)) {
        self.say_currency(sum);
        let (from, last) = whole;
        match sum.value {
            Some(value) => {
                let (span, whole) = (self.span(at, at), self.span(from, last));
                self.said.readings.push(Reading { meaning: scope.of(value), span, whole });
            }
            None => self.doubt(Code::AmountUnreadable, Matter::Scope(scope), from, last),
        }
    }

    fn say_currency(&mut self, sum: &Sum) {
        for (word, span) in &sum.words {
            let candidates = word.candidates(self.context.currency);
            match candidates.as_slice() {
                [only] => self.said.readings.push(Reading::new(Meaning::Currency(*only), *span)),
                _ => self.said.doubts.push(Doubt {
                    code: Code::CurrencyAmbiguous,
                    span: *span,
                    matter: Matter::Currencies(candidates),
                }),
            }
        }
    }

    fn instant(&self, at: DateTime) -> Option<Timestamp> {
        at.to_zoned(self.context.zone.clone()).ok().map(|zoned| zoned.timestamp())
    }

    /// Words that try to lift limits. They lift none: the owner is asked, and may only leave them out.
    fn overrides(&mut self) {
        for at in self.places(&[Sense::Override]) {
            // "ignore all previous limits", "raise the limit to 99999" are one thing to ask about.
            let mut last = at;
            loop {
                let next = last.saturating_add(1);
                let is_part = self.is(
                    next,
                    &[
                        Sense::Override,
                        Sense::Filler,
                        Sense::Restricts,
                        Sense::Cap,
                        Sense::To,
                        Sense::Total,
                        Sense::Each,
                        Sense::Always,
                    ],
                ) || matches!(self.sense(next), Some(Sense::Window(_)))
                    || (self.is(last, &[Sense::To, Sense::Cap]) && self.sum(next).is_some());
                if !is_part {
                    break;
                }
                last = next;
            }
            if self.sense(at).is_some() {
                self.doubt(Code::Override, Matter::Words, at, last);
                self.take(at, last);
            }
        }
    }
}

/// Whether a value is nothing, which no limit means.
fn is_zero(value: Option<Decimal>) -> bool {
    value.is_some_and(Decimal::is_zero)
}
