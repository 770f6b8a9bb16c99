//! Words of a row: taken from the front, or as options from anywhere, until none is left.

use super::minor;
use book::{Amount, Time};
use jiff::Timestamp;
use std::collections::VecDeque;

/// The words that begin a verdict.
const VERDICTS: [&str; 16] = [
    "done",
    "paid",
    "held",
    "captured",
    "released",
    "refunded",
    "charged",
    "settled",
    "asked",
    "denied",
    "repeat",
    "reject",
    "subscribed",
    "invoiced",
    "credited",
    "whatever",
];

/// What is left of a row.
#[derive(Clone, Debug)]
pub(super) struct Words(VecDeque<String>);

impl Words {
    /// The words of `row`; a semicolon is one of its own.
    pub(super) fn new(row: &str) -> Words {
        let row = row.replace(';', " ; ");
        Words(row.split_whitespace().map(str::to_owned).collect())
    }

    pub(super) fn peek(&self) -> Option<&str> {
        self.0.front().map(String::as_str)
    }

    pub(super) fn next(&mut self, what: &str) -> Result<String, String> {
        self.0.pop_front().ok_or_else(|| format!("{what} is missing"))
    }

    /// Takes `key` and the word behind it, wherever they stand.
    pub(super) fn option(&mut self, key: &str) -> Option<String> {
        let place = self.0.iter().position(|word| word == key)?;
        self.0.remove(place);
        self.0.remove(place)
    }

    /// Takes `key`, wherever it stands.
    pub(super) fn flag(&mut self, key: &str) -> bool {
        let place = self.0.iter().position(|word| word == key);
        place.and_then(|place| self.0.remove(place)).is_some()
    }

    /// Says a word that was left out.
    pub(super) fn add(&mut self, word: &str) {
        self.0.push_back(word.to_owned());
    }

    /// Takes everything from the word that begins a verdict on.
    pub(super) fn split_off_verdict(&mut self) -> Option<Words> {
        self.split_off(|word| VERDICTS.contains(&word))
    }

    /// Takes everything behind `limits:`.
    pub(super) fn split_off_limits(&mut self) -> Option<Words> {
        let mut limits = self.split_off(|word| word == "limits:")?;
        limits.0.pop_front();
        Some(limits)
    }

    /// The wallet and the first payee of a purchase whose words are next.
    pub(super) fn wallet_and_payee(&self) -> Result<(String, String), String> {
        let (Some(wallet), Some(payees)) = (self.0.front(), self.0.get(2)) else {
            return Err("a purchase names a wallet, a mandate, and who is paid".to_owned());
        };
        let payee = payees.split(['=', ',']).next().unwrap_or(payees);
        Ok((wallet.clone(), payee.to_owned()))
    }

    fn split_off(&mut self, at: impl Fn(&str) -> bool) -> Option<Words> {
        let place = self.0.iter().position(|word| at(word))?;
        Some(Words(self.0.split_off(place)))
    }

    pub(super) fn finish(&self) -> Result<(), String> {
        match self.peek() {
            None => Ok(()),
            Some(word) => Err(format!("`{word}` is one word too many")),
        }
    }

    pub(super) fn text(&self) -> String {
        self.0.iter().cloned().collect::<Vec<_>>().join(" ")
    }
}

pub(super) fn number<N: std::str::FromStr>(word: &str) -> Result<N, String> {
    word.replace('_', "").parse().map_err(|_| format!("`{word}` is no number"))
}

pub(super) fn amount(word: &str) -> Result<Amount, String> {
    number(word).and_then(minor)
}

/// A time: absolute, or so much before or behind `now`.
pub(super) fn time(word: &str, now: Time) -> Result<Time, String> {
    let nanos = match word.split_at_checked(1) {
        Some(("+", ahead)) => now.0.checked_add(nanos(ahead)?),
        Some(("-", back)) => now.0.checked_sub(nanos(back)?),
        _ => {
            let stamp: Timestamp = word.parse().map_err(|_| format!("`{word}` is no time"))?;
            u64::try_from(stamp.as_nanosecond()).ok()
        }
    };
    nanos.map(Time).ok_or_else(|| format!("`{word}` is out of range"))
}

/// Nanoseconds of a duration such as `1d`, `90m` or `1d1ns`.
pub(super) fn nanos(word: &str) -> Result<u64, String> {
    let wrong = || format!("`{word}` is no duration");
    let mut total = 0u64;
    let mut rest = word;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let (count, unit_on) = rest.split_at(digits);
        let length = unit_on.find(|c: char| c.is_ascii_digit()).unwrap_or(unit_on.len());
        let (unit, next) = unit_on.split_at(length);
        let one: u64 = match unit {
            "ns" => 1,
            "us" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            "d" => 86_400_000_000_000,
            _ => return Err(wrong()),
        };
        let part = number::<u64>(count)?.checked_mul(one).ok_or_else(wrong)?;
        total = total.checked_add(part).ok_or_else(wrong)?;
        rest = next;
    }
    Ok(total)
}
