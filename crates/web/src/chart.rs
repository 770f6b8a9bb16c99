//! Charts, drawn on the server: bars that are read without scripts, each with its number in words.

use crate::shown::{Money, Text};
use book::Amount;

/// The height of a chart, in its own units.
const HEIGHT: u64 = 120;
/// The width of one bar and of the gap behind it.
const STEP: u64 = 20;
const BAR: u64 = 14;

/// One bar for each day.
#[derive(Debug, Default)]
pub struct Bars {
    /// In order.
    pub bars: Vec<Bar>,
    /// The whole width.
    pub width: u64,
    /// The largest amount.
    pub most: String,
}

/// One bar.
#[derive(Debug)]
pub struct Bar {
    /// Where it stands.
    pub x: u64,
    /// Where it begins, from the top.
    pub y: u64,
    /// How high it is.
    pub height: u64,
    /// What it is of.
    pub label: String,
    /// How much.
    pub amount: Money,
    /// Whether there is nothing.
    pub is_zero: bool,
}

impl Bars {
    /// Bars in proportion to their amounts.
    pub fn of(days: Vec<(String, Amount, Money)>) -> Bars {
        let most = days.iter().map(|(_, amount, _)| *amount).max().unwrap_or(Amount::ZERO);
        let shown = days.iter().find(|(_, amount, _)| *amount == most).map(|(.., money)| money.short.clone());
        let count = u64::try_from(days.len()).unwrap_or_default();
        let bars = days.into_iter().zip(0u64..).map(|((label, amount, money), place)| {
            let height = scaled(amount, most, HEIGHT);
            let (x, y) = (place * STEP, HEIGHT - height);
            Bar { x, y, height, label, amount: money, is_zero: amount.is_zero() }
        });
        Bars { bars: bars.collect(), width: count * STEP, most: shown.unwrap_or_default() }
    }

    /// The width of one bar.
    pub fn bar(&self) -> u64 {
        BAR
    }
}

/// A part of a whole, with its bar in percent.
#[derive(Debug)]
pub struct Share {
    /// Whose.
    pub name: Text,
    /// How much.
    pub amount: Money,
    /// Of the largest, in percent.
    pub percent: u64,
}

impl Share {
    /// The largest first, at most ten.
    pub fn of(list: Vec<(Text, Amount, Money)>) -> Vec<Share> {
        let most = list.iter().map(|(_, amount, _)| *amount).max().unwrap_or(Amount::ZERO);
        let share = |(name, amount, money): (Text, Amount, Money)| Share {
            name,
            amount: money,
            percent: scaled(amount, most, 100),
        };
        list.into_iter().take(10).map(share).collect()
    }
}

/// An amount in proportion to the largest; what is not nothing is seen.
fn scaled(amount: Amount, most: Amount, whole: u64) -> u64 {
    if most.is_zero() || amount.is_zero() {
        return 0;
    }
    let part = amount.minor().saturating_mul(u128::from(whole)) / most.minor();
    u64::try_from(part).unwrap_or(whole).clamp(1, whole)
}
