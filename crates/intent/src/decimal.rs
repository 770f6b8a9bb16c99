//! Exact decimal numbers, and the one way they are written in digits.

use crate::limits::{DIGITS_MAX, SCALE_MAX};
use std::fmt;

/// An exact decimal number, never negative: `digits` ÷ 10^`scale`, with no zero at the end of its decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal {
    digits: u128,
    scale: u8,
}

impl Decimal {
    /// `digits` ÷ 10^`scale`, or `None` beyond [`DIGITS_MAX`] digits or [`SCALE_MAX`] decimals.
    pub fn new(digits: u128, scale: u8) -> Option<Decimal> {
        let (mut digits, mut scale) = (digits, scale);
        while 0 < scale && digits.is_multiple_of(10) {
            digits = digits.checked_div(10)?;
            scale = scale.checked_sub(1)?;
        }
        let digits_max = 10u128.checked_pow(u32::try_from(DIGITS_MAX).ok()?)?;
        (digits < digits_max && scale <= SCALE_MAX).then_some(Decimal { digits, scale })
    }

    /// A whole number.
    pub(crate) fn whole(number: u128) -> Option<Decimal> {
        Decimal::new(number, 0)
    }

    /// The number in units of 10^-`scale`, or `None` where it is finer than that or does not fit.
    pub fn minor(self, scale: u8) -> Option<u128> {
        let shift = scale.checked_sub(self.scale)?;
        self.digits.checked_mul(10u128.checked_pow(u32::from(shift))?)
    }

    /// Whether this is nothing.
    pub fn is_zero(self) -> bool {
        self.digits == 0
    }

    /// Whether `self` is less than `other`.
    pub fn is_below(self, other: Decimal) -> bool {
        let scale = self.scale.max(other.scale);
        match (self.minor(scale), other.minor(scale)) {
            (Some(ours), Some(theirs)) => ours < theirs,
            // Only the one with fewer decimals can fail to fit, and then it is the larger.
            (None, Some(_)) => false,
            (Some(_), None) => true,
            (None, None) => self.scale > other.scale,
        }
    }

    /// A count, where it is one of at most `max`.
    pub(crate) fn count(self, max: u32) -> Option<u32> {
        self.minor(0).and_then(|whole| u32::try_from(whole).ok()).filter(|count| *count <= max)
    }

    pub(crate) fn times(self, factor: u128) -> Option<Decimal> {
        Decimal::new(self.digits.checked_mul(factor)?, self.scale)
    }

    pub(crate) fn shifted(self, decimals: u8) -> Option<Decimal> {
        Decimal::new(self.digits, self.scale.checked_add(decimals)?)
    }

    pub(crate) fn plus(self, other: Decimal) -> Option<Decimal> {
        let scale = self.scale.max(other.scale);
        Decimal::new(self.minor(scale)?.checked_add(other.minor(scale)?)?, scale)
    }

    /// The number with at least `decimals` decimals: `12.50`.
    pub(crate) fn with_decimals(self, decimals: u8) -> String {
        let shown = self.scale.max(decimals);
        let Some(minor) = self.minor(shown) else {
            return self.to_string();
        };
        let width = usize::from(shown).saturating_add(1);
        let digits = format!("{minor:0>width$}");
        let (whole, rest) = digits.split_at(digits.len().saturating_sub(usize::from(shown)));
        if rest.is_empty() { whole.to_owned() } else { format!("{whole}.{rest}") }
    }

    /// The same with a comma between groups of three: `1,234.50`.
    pub(crate) fn grouped(self, decimals: u8) -> String {
        let plain = self.with_decimals(decimals);
        let (whole, rest) = plain.split_at(plain.find('.').unwrap_or(plain.len()));
        let mut shown = String::new();
        for (place, digit) in whole.chars().enumerate() {
            if 0 < place && whole.len().saturating_sub(place).is_multiple_of(3) {
                shown.push(',');
            }
            shown.push(digit);
        }
        shown + rest
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.with_decimals(self.scale))
    }
}

/// The digits of a literal, with commas between groups of three and at most one point.
pub(crate) fn literal(text: &str) -> Option<Decimal> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let mut groups = whole.split(',');
    let first = groups.next()?;
    let rest: Vec<&str> = groups.collect();
    let is_grouped = !rest.is_empty();
    let fits = |group: &&str| group.len() == 3;
    if is_grouped && (!(1..=3).contains(&first.len()) || first.starts_with('0') || !rest.iter().all(fits)) {
        return None;
    }
    if text.ends_with('.') || first.is_empty() {
        return None;
    }
    // `1.000` is one or a thousand, depending on where it was learnt.
    if decimals.len() == 3 && !is_grouped && first != "0" && first.len() <= 3 {
        return None;
    }
    let all: String = format!("{first}{}{decimals}", rest.concat());
    if DIGITS_MAX < all.len() || !all.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Decimal::new(all.parse().ok()?, u8::try_from(decimals.len()).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_compare_and_print_exactly() {
        let of = |text: &str| literal(text).unwrap();
        for (a, b) in [("1.99", "2"), ("0", "0.1"), ("999", "1000"), ("1.5", "1.50001")] {
            assert!(of(a).is_below(of(b)), "{a} {b}");
            assert!(!of(b).is_below(of(a)), "{b} {a}");
            assert!(!of(a).is_below(of(a)), "{a}");
        }
        assert_eq!(of("12.5").with_decimals(2), "12.50");
        assert_eq!(of("0.05").with_decimals(2), "0.05");
        assert_eq!(of("7").with_decimals(0), "7");
        let written = |code: &str, text: &str| crate::Currency::new(code).unwrap().written(of(text));
        assert_eq!(written("CNY", "0.5"), "¥0.50");
        assert_eq!(written("USD", "1234567.8"), "$1,234,567.80");
        assert_eq!(written("EUR", "123"), "123.00 EUR");
        assert_eq!(written("JPY", "1000"), "1,000 JPY");
        assert_eq!(of("20.50").minor(2), Some(2050));
        assert_eq!(of("0.001").minor(2), None);
    }
}
