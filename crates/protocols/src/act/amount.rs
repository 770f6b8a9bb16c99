//! Amounts and percentages that ACT writes as JSON numbers, read from their digits and never from a double.
//!
//! Intents and credentials state money as a number with two decimals, payments as a string. Both are
//! compared here, in hundredths of the currency's unit.

use super::object::{Fault, Field};
use crate::a402::{AmountText, Misshapen};
use crate::limits::ACT_AMOUNT_HUNDREDTHS_MAX;
use std::fmt;

const RULE: &str = "a number from 0 with at most two decimals and fifteen digits";

/// A quantity of money in hundredths of its currency's unit, at most [`ACT_AMOUNT_HUNDREDTHS_MAX`].
///
/// As a JSON number it is written with two decimals; one or none is read as well (ICS-09).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AmountNumber(u64);

impl AmountNumber {
    /// Nothing.
    pub const ZERO: AmountNumber = AmountNumber(0);

    /// This many hundredths, or nothing above [`ACT_AMOUNT_HUNDREDTHS_MAX`].
    pub fn new(hundredths: u64) -> Option<Self> {
        (hundredths <= ACT_AMOUNT_HUNDREDTHS_MAX).then_some(AmountNumber(hundredths))
    }

    /// Reads the text of a JSON number, digit by digit.
    ///
    /// # Errors
    /// [`Misshapen`] for a sign, an exponent, a third decimal or a sixteenth digit.
    pub fn parse(text: &str) -> Result<Self, Misshapen> {
        hundredths_of(text).map(AmountNumber)
    }

    /// The amount of a payment's text, or nothing where that is finer or larger than a number may be.
    pub fn of_text(text: &AmountText) -> Option<Self> {
        let hundredths = u64::try_from(text.minor(2)?).ok()?;
        AmountNumber::new(hundredths)
    }

    /// The number of hundredths.
    pub fn hundredths(self) -> u64 {
        self.0
    }

    /// The sum, or nothing where it does not fit.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).and_then(AmountNumber::new)
    }

    /// The difference, or nothing where `other` is larger.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(AmountNumber)
    }

    /// The amount as the text of a payment, with two decimals.
    pub fn to_text(self) -> AmountText {
        AmountText::of_minor(self.0.into(), 2).expect("two decimals are at most eighteen")
    }
}

impl fmt::Display for AmountNumber {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

impl Field for AmountNumber {
    fn read(raw: &str) -> Result<Self, Fault> {
        AmountNumber::parse(raw).map_err(Fault::Itself)
    }

    fn write(&self, out: &mut String) {
        out.push_str(&self.to_string());
    }
}

/// A share in percent, in hundredths of a percent: 5 percent are 500.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percent(u64);

impl Percent {
    /// Reads the text of a JSON number, digit by digit.
    ///
    /// # Errors
    /// [`Misshapen`], as for an [`AmountNumber`].
    pub fn parse(text: &str) -> Result<Self, Misshapen> {
        hundredths_of(text).map(Percent)
    }

    /// Whether `price` is at most this many percent away from `reference`, in either direction.
    ///
    /// The reference is the price shown when the intent was confirmed; ACT leaves the calculation open
    /// (section 2.3). Nothing may deviate from a reference of nothing.
    pub fn allows(self, price: AmountNumber, reference: AmountNumber) -> bool {
        let deviation = u128::from(price.0.abs_diff(reference.0));
        // Each factor is below 10^15, so neither product comes near 2^128.
        deviation * 10_000 <= u128::from(self.0) * u128::from(reference.0)
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 % 100 {
            0 => write!(out, "{}", self.0 / 100),
            part if part % 10 == 0 => write!(out, "{}.{}", self.0 / 100, part / 10),
            part => write!(out, "{}.{part:02}", self.0 / 100),
        }
    }
}

impl Field for Percent {
    fn read(raw: &str) -> Result<Self, Fault> {
        Percent::parse(raw).map_err(Fault::Itself)
    }

    fn write(&self, out: &mut String) {
        out.push_str(&self.to_string());
    }
}

fn hundredths_of(text: &str) -> Result<u64, Misshapen> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let leads_with_zero = 1 < whole.len() && whole.starts_with('0');
    if !is_digits(whole) || !is_digits(decimals) || leads_with_zero || 2 < decimals.len() {
        return Err(Misshapen::new(text, RULE));
    }
    let digits = format!("{whole}{decimals:0<2}");
    let hundredths: u64 = digits.parse().map_err(|_| Misshapen::new(text, RULE))?;
    if ACT_AMOUNT_HUNDREDTHS_MAX < hundredths {
        return Err(Misshapen::new(text, RULE));
    }
    Ok(hundredths)
}
