//! Numbers in a text: in digits, in English words and in Chinese numerals.

use crate::decimal::{Decimal, literal};
use crate::lexer::{Token, TokenKind};
use crate::limits::DIGITS_MAX;

/// A number that begins at a token, and the token after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Numeral {
    /// `None` where something stands there that is meant as a number and has no one reading.
    pub(crate) value: Option<Decimal>,
    pub(crate) next: usize,
}

/// The number at `at`, if one begins there.
pub(crate) fn read(tokens: &[Token], at: usize) -> Option<Numeral> {
    let token = tokens.get(at)?;
    match token.kind {
        TokenKind::Digits => Some(in_digits(tokens, at)),
        TokenKind::Han => is_numeral(token).then(|| in_chinese(tokens, at)),
        TokenKind::Word => in_english(tokens, at),
        TokenKind::Date | TokenKind::Clock | TokenKind::Sign | TokenKind::Stop | TokenKind::Quoted => None,
    }
}

/// What a word after digits multiplies them by. `k` and `m` must touch the digits.
const MULTIPLIERS: &[(&str, u128, Touch)] = &[
    ("k", 1_000, Touch::Glued),
    ("hundred", 100, Touch::Apart),
    ("thousand", 1_000, Touch::Apart),
    ("grand", 1_000, Touch::Apart),
    ("million", 1_000_000, Touch::Apart),
    ("billion", 1_000_000_000, Touch::Apart),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Touch {
    Glued,
    Apart,
}

fn multiplier(token: &Token) -> Option<u128> {
    let row = MULTIPLIERS.iter().find(|(word, _, touch)| {
        *word == token.text && (*touch == Touch::Apart || token.glued) && token.kind == TokenKind::Word
    });
    row.map(|(_, factor, _)| *factor)
}

fn in_digits(tokens: &[Token], at: usize) -> Numeral {
    let mut next = at.saturating_add(1);
    let mut value = tokens.get(at).and_then(|token| literal(&token.text));
    while let Some(factor) = tokens.get(next).and_then(multiplier) {
        value = value.and_then(|value| value.times(factor));
        next = next.saturating_add(1);
    }
    let Some(mut unit) = tokens.get(next).filter(|token| token.glued).and_then(han_unit) else {
        return Numeral { value, next };
    };
    // `3千5`, `1万2千`, `20万`.
    value = value.and_then(|value| value.times(unit));
    next = next.saturating_add(1);
    while let Some(token) = tokens.get(next).filter(|token| token.glued) {
        let digit = match token.kind {
            TokenKind::Digits => literal(&token.text),
            TokenKind::Han => han_digit(token).and_then(Decimal::whole),
            TokenKind::Word
            | TokenKind::Date
            | TokenKind::Clock
            | TokenKind::Sign
            | TokenKind::Stop
            | TokenKind::Quoted => None,
        };
        let Some(digit) = digit else {
            // `20万亿`: a unit upon a unit.
            if let Some(factor) = han_unit(token).filter(|factor| *factor == 100_000_000) {
                value = value.and_then(|value| value.times(factor));
                next = next.saturating_add(1);
                continue;
            }
            break;
        };
        next = next.saturating_add(1);
        let below = tokens.get(next).filter(|token| token.glued).and_then(han_unit);
        let factor = match below {
            Some(below) if below < unit => {
                next = next.saturating_add(1);
                unit = below;
                Some(below)
            }
            Some(_) => None,
            None => Some(unit / 10).filter(|_| digit.count(9).is_some()),
        };
        let part = factor.and_then(|factor| digit.times(factor));
        value = value.zip(part).and_then(|(value, part)| value.plus(part));
        if below.is_none() {
            break;
        }
    }
    Numeral { value, next }
}

const HAN_DIGITS: &[(&str, u128)] = &[
    ("零", 0),
    ("一", 1),
    ("二", 2),
    ("两", 2),
    ("三", 3),
    ("四", 4),
    ("五", 5),
    ("六", 6),
    ("七", 7),
    ("八", 8),
    ("九", 9),
];

const HAN_UNITS: &[(&str, u128)] =
    &[("十", 10), ("百", 100), ("千", 1_000), ("万", 10_000), ("亿", 100_000_000)];

/// What makes a number before it a rough one: `二十多`.
const MORE_OR_LESS: &[&str] = &["几", "多", "来", "余"];

fn han_digit(token: &Token) -> Option<u128> {
    let is_han = token.kind == TokenKind::Han;
    HAN_DIGITS.iter().find(|(text, _)| is_han && *text == token.text).map(|(_, digit)| *digit)
}

fn han_unit(token: &Token) -> Option<u128> {
    let is_han = token.kind == TokenKind::Han;
    HAN_UNITS.iter().find(|(text, _)| is_han && *text == token.text).map(|(_, unit)| *unit)
}

/// Whether a unit such as `十` stands at `at`, which makes another number of a numeral right before it.
pub(crate) fn goes_on(tokens: &[Token], at: usize) -> bool {
    tokens.get(at).is_some_and(|token| token.glued && han_unit(token).is_some())
}

fn is_numeral(token: &Token) -> bool {
    han_digit(token).is_some() || han_unit(token).is_some()
}

/// `一百二十`, `两百五`, `一万零五十`, `十五`, `三点五`, `二零二六`.
fn in_chinese(tokens: &[Token], at: usize) -> Numeral {
    let run: Vec<&Token> = tokens.iter().skip(at).take_while(|token| is_numeral(token)).collect();
    let mut next = at.saturating_add(run.len());
    let mut value = chinese_whole(&run);
    if tokens.get(next).is_some_and(|token| MORE_OR_LESS.contains(&token.text.as_str())) {
        return Numeral { value: None, next: next.saturating_add(1) };
    }
    let point = tokens.get(next).is_some_and(|token| token.text == "点");
    let decimals: Vec<u128> =
        tokens.iter().skip(next.saturating_add(1)).map_while(han_digit).take(DIGITS_MAX).collect();
    let after = next.saturating_add(decimals.len()).saturating_add(1);
    // `三点五元` is 3.5; `三点五分` is a time of day and is read as one elsewhere.
    let is_time =
        tokens.get(after).is_some_and(|token| matches!(token.text.as_str(), "分" | "十" | "点" | "刻"));
    if point && !decimals.is_empty() && !is_time {
        let digits = decimals.iter().try_fold(0u128, |sum, digit| sum.checked_mul(10)?.checked_add(*digit));
        let fraction = digits.zip(u8::try_from(decimals.len()).ok()).and_then(|(d, s)| Decimal::new(d, s));
        value = value.zip(fraction).and_then(|(value, fraction)| value.plus(fraction));
        next = after;
    }
    Numeral { value, next }
}

fn chinese_whole(run: &[&Token]) -> Option<Decimal> {
    let digits: Option<Vec<u128>> = run.iter().map(|token| han_digit(token)).collect();
    if let Some(digits) = digits {
        // Digit by digit only for years and longer; `三四` means three or four.
        let is_read_out = digits.len() == 1 || 4 <= digits.len() && digits.len() <= DIGITS_MAX;
        let read = digits.iter().try_fold(0u128, |sum, digit| sum.checked_mul(10)?.checked_add(*digit));
        return read.filter(|_| is_read_out).and_then(Decimal::whole);
    }
    let (mut sum, mut section, mut digit) = (0u128, 0u128, None);
    let (mut unit_before, mut big_before, mut zero) = (u128::MAX, u128::MAX, false);
    for (place, token) in run.iter().enumerate() {
        if let Some(found) = han_digit(token) {
            if digit.is_some() {
                return None;
            }
            if found == 0 {
                zero = true;
            } else {
                digit = Some(found);
            }
            continue;
        }
        let unit = han_unit(token)?;
        if unit < 10_000 {
            // `百` without a digit is not a number by itself, except in `十`.
            let count = digit.or((unit == 10).then_some(1))?;
            if unit_before <= unit {
                return None;
            }
            section = section.checked_add(count.checked_mul(unit)?)?;
            (digit, unit_before, zero) = (None, unit, false);
            continue;
        }
        let whole = section.checked_add(digit.unwrap_or(0))?;
        if whole == 0 && !(unit == 100_000_000 && 0 < sum && place != 0) {
            return None;
        }
        if unit == 100_000_000 && big_before == 10_000 {
            sum = sum.checked_add(whole)?.checked_mul(unit)?;
        } else {
            if big_before <= unit {
                return None;
            }
            sum = sum.checked_add(whole.checked_mul(unit)?)?;
        }
        (section, digit, unit_before, big_before, zero) = (0, None, u128::MAX, unit, false);
    }
    if let Some(last) = digit {
        // `两百五` is 250, `两百零五` is 205.
        let unit_last = if unit_before == u128::MAX { big_before } else { unit_before };
        let factor = if zero || unit_last <= 10 || unit_last == u128::MAX { 1 } else { unit_last / 10 };
        section = section.checked_add(last.checked_mul(factor)?)?;
    }
    Decimal::whole(sum.checked_add(section)?)
}

const ENGLISH_NUMBERS: &[(&str, u128)] = &[
    ("zero", 0),
    ("one", 1),
    ("two", 2),
    ("three", 3),
    ("four", 4),
    ("five", 5),
    ("six", 6),
    ("seven", 7),
    ("eight", 8),
    ("nine", 9),
    ("ten", 10),
    ("eleven", 11),
    ("twelve", 12),
    ("thirteen", 13),
    ("fourteen", 14),
    ("fifteen", 15),
    ("sixteen", 16),
    ("seventeen", 17),
    ("eighteen", 18),
    ("nineteen", 19),
    ("twenty", 20),
    ("thirty", 30),
    ("forty", 40),
    ("fifty", 50),
    ("sixty", 60),
    ("seventy", 70),
    ("eighty", 80),
    ("ninety", 90),
    ("dozen", 12),
];

fn english_number(word: &str) -> Option<u128> {
    let of = |word: &str| ENGLISH_NUMBERS.iter().find(|(name, _)| *name == word).map(|(_, number)| *number);
    if let Some((tens, ones)) = word.split_once('-') {
        let (tens, ones) = (of(tens)?, of(ones)?);
        return (20 <= tens && (1..10).contains(&ones)).then(|| tens.saturating_add(ones));
    }
    of(word)
}

/// `twenty-five`, `one hundred and twenty`, `a thousand`, `two thousand five hundred`.
fn in_english(tokens: &[Token], at: usize) -> Option<Numeral> {
    let word = |place: usize| tokens.get(place).filter(|token| token.kind == TokenKind::Word);
    let scale =
        |place: usize| word(place).and_then(|token| multiplier(token).filter(|factor| 100 <= *factor));
    let first = word(at)?;
    let (mut sum, mut section, mut next) = (0u128, 0u128, at);
    let mut is_odd = false;
    let mut small_before = u128::MAX;
    if matches!(first.text.as_str(), "a" | "one") && scale(at.saturating_add(1)).is_some() {
        (section, next) = (1, at.saturating_add(1));
    } else if english_number(&first.text).is_none() {
        return None;
    }
    while let Some(token) = word(next) {
        if let Some(number) = english_number(&token.text) {
            // `twenty five` adds up, `five twenty` does not.
            let joins = small_before == u128::MAX || 20 <= small_before && number < 10 && small_before < 100;
            is_odd |= !joins || (number == 12 && token.text == "dozen" && small_before != u128::MAX);
            section = section.saturating_add(number);
            small_before = number;
        } else if let Some(factor) = scale(next) {
            if factor == 100 {
                section = section.saturating_mul(100);
            } else {
                is_odd |= 0 < sum && sum < factor;
                sum = sum.saturating_add(section.saturating_mul(factor));
                section = 0;
            }
            small_before = u128::MAX;
        } else {
            let joins = token.text == "and"
                && small_before == u128::MAX
                && word(next.saturating_add(1)).is_some_and(|after| english_number(&after.text).is_some());
            if !joins {
                break;
            }
        }
        next = next.saturating_add(1);
    }
    let value = Decimal::whole(sum.saturating_add(section)).filter(|_| !is_odd);
    Some(Numeral { value, next })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexer::lex;

    #[test]
    fn numbers_have_one_reading_or_none() {
        for (text, expected) in [
            ("20", "20"),
            ("１２０", "120"),
            ("1,000.50", "1000.5"),
            ("10,000", "10000"),
            ("0.10", "0.1"),
            ("1.5k", "1500"),
            ("3千5", "3500"),
            ("1万", "10000"),
            ("1万2千", "12000"),
            ("20万", "200000"),
            ("1.5万", "15000"),
            ("2 hundred", "200"),
            ("5 million", "5000000"),
            ("一百二十", "120"),
            ("两百", "200"),
            ("两百五", "250"),
            ("两百零五", "205"),
            ("三千五百", "3500"),
            ("三千五", "3500"),
            ("一万二", "12000"),
            ("一万零五十", "10050"),
            ("十", "10"),
            ("十五", "15"),
            ("二十", "20"),
            ("二十五", "25"),
            ("一百一十", "110"),
            ("十二万三千", "123000"),
            ("一亿二千万", "120000000"),
            ("五万亿", "5000000000000"),
            ("三点五", "3.5"),
            ("二零二六", "2026"),
            ("贰佰", "200"),
            ("twenty", "20"),
            ("twenty-five", "25"),
            ("twenty five", "25"),
            ("one hundred and twenty", "120"),
            ("a thousand", "1000"),
            ("two thousand five hundred", "2500"),
            ("a dozen", "none"),
            ("dozen", "12"),
            ("1.000,50", "odd"),
            ("1,00", "odd"),
            ("1,0000", "odd"),
            ("1.2.3", "odd"),
            ("1.000", "odd"),
            ("1.0005", "1.0005"),
            ("三四", "odd"),
            ("七八百", "odd"),
            ("百", "odd"),
            ("千", "odd"),
            ("一百二百", "odd"),
            ("①", "odd"),
            ("1，200", "odd"),
            ("five twenty", "odd"),
            ("apple", "none"),
            ("元", "none"),
            ("0,500", "odd"),
            (".5", "odd"),
            ("几十", "none"),
            ("二十几", "odd"),
            ("三百多", "odd"),
            ("99999999999999999999999999999999", "odd"),
        ] {
            let tokens = lex(text, 0);
            let found = match read(&tokens, 0) {
                None => "none".to_owned(),
                Some(Numeral { value: None, .. }) => "odd".to_owned(),
                Some(Numeral { value: Some(value), .. }) => value.to_string(),
            };
            assert_eq!(found, expected, "{text}");
        }
    }
}
