//! Texts, amounts and times as people see them. What a stranger wrote is shown so that it cannot pretend.

use crate::limits::{SHOWN_CHARS_MAX, TOLD_CHARS_MAX};
use crate::words::Lang;
use book::{Amount, Asset, Time};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use unicode_security::{GeneralSecurityProfile, MixedScript, skeleton};

/// A text that somebody else chose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// What is shown: no character that reorders, hides or stretches, and not longer than a line or two.
    pub text: String,
    /// Whether something was hidden, replaced or cut, or imitates other letters.
    pub odd: bool,
}

impl Text {
    /// Makes a stranger's text safe to look at.
    pub fn of(text: &str) -> Text {
        Text::upto(text, SHOWN_CHARS_MAX)
    }

    /// The same for what somebody tells at length: its lines stay lines.
    pub fn told(text: &str) -> Text {
        let lines = text.lines().map(|line| Text::upto(line, TOLD_CHARS_MAX));
        let (lines, odd): (Vec<String>, Vec<bool>) = lines.map(|line| (line.text, line.odd)).unzip();
        Text { text: lines.join("\n"), odd: odd.contains(&true) }
    }

    /// In one line, where nothing can stand beside it: a sign warns.
    pub fn in_a_line(&self) -> String {
        if self.odd { format!("{} ⚠", self.text) } else { self.text.clone() }
    }

    fn upto(text: &str, chars_max: usize) -> Text {
        let mut shown = String::new();
        let mut odd = false;
        let mut marks = 0;
        for (place, letter) in text.chars().enumerate() {
            if chars_max <= place {
                shown.push('…');
                odd = true;
                break;
            }
            marks = if is_mark(letter) { marks + 1 } else { 0 };
            if is_hidden(letter) || MARKS_MAX < marks {
                shown.push_str(&format!("⟨U+{:04X}⟩", u32::from(letter)));
                odd = true;
            } else {
                shown.push(letter);
            }
        }
        let odd = odd || text.split_whitespace().any(imitates);
        Text { text: shown, odd }
    }
}

/// The accents that one letter may carry.
const MARKS_MAX: usize = 2;

fn is_mark(letter: char) -> bool {
    matches!(letter, '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}'
        | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

/// What is not seen, or changes how its neighbours are seen: controls, marks of direction, joiners, variation selectors,
/// tags, fillers, and characters for private use.
fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{ffff}'
            | '\u{e000}'..='\u{f8ff}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
            | '\u{f0000}'..='\u{10ffff}')
}

/// Whether a word mixes scripts, or looks like plain Latin letters without being any.
fn imitates(word: &str) -> bool {
    if word.is_ascii() {
        return false;
    }
    let looks_latin = || {
        let letters: String = word.chars().filter(|letter| letter.is_alphabetic()).collect();
        !letters.is_empty()
            && letters.chars().all(|letter| !letter.is_ascii())
            && letters.chars().all(GeneralSecurityProfile::identifier_allowed)
            && skeleton(&letters).all(|letter| letter.is_ascii_alphabetic())
    };
    !word.is_single_script() || looks_latin()
}

/// An amount with its currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Money {
    /// As people write it: `¥1,234.50`.
    pub short: String,
    /// The exact integer: `123450 CNY/2`.
    pub exact: String,
}

/// An amount as people write it. Both languages group by three digits and put the sign in front.
pub fn money(amount: Amount, asset: Asset) -> Money {
    let code = asset.code.as_str();
    let (sign, unit) = match code {
        "CNY" => ("¥", String::new()),
        "USD" => ("$", String::new()),
        _ => ("", format!(" {code}")),
    };
    let exact = format!("{} {code}/{}", amount.minor(), asset.scale);
    Money { short: format!("{sign}{}{unit}", decimal(amount, asset)), exact }
}

/// An amount in whole units, such as `1,234.50`.
fn decimal(amount: Amount, asset: Asset) -> String {
    let scale = usize::from(asset.scale);
    let digits = format!("{:0>width$}", amount.minor(), width = scale + 1);
    let (whole, part) = digits.split_at(digits.len() - scale);
    let mut grouped = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if 0 < place && (whole.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if part.is_empty() { grouped } else { format!("{grouped}.{part}") }
}

/// An amount that somebody typed in whole units, such as `1,234.5` or `¥20`.
pub fn typed(text: &str, asset: Asset) -> Option<Amount> {
    let plain: String =
        text.chars().filter(|letter| !matches!(letter, ',' | ' ' | '¥' | '￥' | '$')).collect();
    let (whole, part) = plain.split_once('.').unwrap_or((&plain, ""));
    let scale = usize::from(asset.scale);
    let digits = |text: &str| text.chars().all(|letter| letter.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(part) || scale < part.len() {
        return None;
    }
    let minor = format!("{whole}{part:0<scale$}").parse().ok()?;
    Amount::new(minor)
}

/// A moment on the reader's clock.
pub fn moment(at: Time, zone: &TimeZone, lang: Lang) -> String {
    let Ok(at) = Timestamp::from_nanosecond(i128::from(at.0)) else { return String::new() };
    let at = at.to_zoned(zone.clone());
    match lang {
        Lang::English => at.strftime("%-d %b %Y, %H:%M").to_string(),
        Lang::Chinese => at.strftime("%Y年%-m月%-d日 %H:%M").to_string(),
    }
}

/// A moment for programs: RFC 3339.
pub fn machine(at: Time) -> String {
    server::convert::time_text(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use book::Code;

    fn asset(code: &str, scale: u8) -> Asset {
        Asset { code: Code::new(code).unwrap(), scale }
    }

    #[test]
    fn what_hides_or_imitates_is_seen() {
        let cases = [
            ("Luckin Coffee", "Luckin Coffee", false),
            ("瑞幸咖啡 Luckin", "瑞幸咖啡 Luckin", false),
            ("Café Ünïversal", "Café Ünïversal", false),
            ("Кофейня", "Кофейня", false),
            ("evil\u{202e}txt", "evil⟨U+202E⟩txt", true),
            ("Open\u{200b}AI", "Open⟨U+200B⟩AI", true),
            ("shop\u{e0041}\u{e0042}", "shop⟨U+E0041⟩⟨U+E0042⟩", true),
            ("line\nbreak", "line⟨U+000A⟩break", true),
            ("pаypal", "pаypal", true),
            ("аррӏе", "аррӏе", true),
            ("z\u{300}\u{300}\u{300}\u{300}", "z\u{300}\u{300}⟨U+0300⟩⟨U+0300⟩", true),
        ];
        for (text, shown, odd) in cases {
            assert_eq!(Text::of(text), Text { text: shown.to_owned(), odd }, "{text:?}");
        }
        let told = Text::told("It was <b>late</b>.\r\nTwice\u{202e}.");
        assert_eq!(told, Text { text: "It was <b>late</b>.\nTwice⟨U+202E⟩.".to_owned(), odd: true });
        assert_eq!(told.in_a_line(), format!("{} ⚠", told.text));
        let long = Text::of(&"a".repeat(10_000));
        assert!(long.odd);
        assert_eq!(long.text.chars().count(), SHOWN_CHARS_MAX + 1);
    }

    #[test]
    fn amounts_are_written_and_read() {
        let (cny, usdc) = (asset("CNY", 2), asset("USDC", 6));
        let short = |minor: u128, asset: Asset| money(Amount::new(minor).unwrap(), asset).short;
        assert_eq!(short(0, cny), "¥0.00");
        assert_eq!(short(5, cny), "¥0.05");
        assert_eq!(short(123_456_789, cny), "¥1,234,567.89");
        assert_eq!(short(1, usdc), "0.000001 USDC");
        assert_eq!(money(Amount::new(7_300).unwrap(), cny).exact, "7300 CNY/2");
        let read = |text: &str| typed(text, cny).map(Amount::minor);
        for (text, minor) in
            [("20", Some(2_000)), ("¥1,234.5", Some(123_450)), ("0.01", Some(1)), ("0.001", None)]
        {
            assert_eq!(read(text), minor, "{text}");
        }
        for text in ["", ".5", "-1", "1e3", "1.2.3", "twenty", "99999999999999999999999999999999999999999"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
