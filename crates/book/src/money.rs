//! Money: amounts, assets and prices. No other file does arithmetic on money.

use crate::canon::Code;
use crate::limits::{AMOUNT_MAX, ASSET_SCALE_MAX};

/// A quantity of one asset, in that asset's smallest unit: cents of `USD/2`, millionths of `USDC/6`.
///
/// Never negative, never fractional, at most [`AMOUNT_MAX`]. Direction is carried by debit and credit, and
/// rounding happens only where this file says so.
///
/// There is no `+`: every sum states what happens when it does not fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(u128);

impl Amount {
    /// Nothing.
    pub const ZERO: Amount = Amount(0);

    /// `minor` smallest units, or `None` above [`AMOUNT_MAX`].
    pub const fn new(minor: u128) -> Option<Amount> {
        if AMOUNT_MAX < minor { None } else { Some(Amount(minor)) }
    }

    /// The number of smallest units.
    pub const fn minor(self) -> u128 {
        self.0
    }

    /// Whether this is nothing.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum, or `None` where it exceeds [`AMOUNT_MAX`].
    pub fn checked_add(self, other: Amount) -> Option<Amount> {
        self.0.checked_add(other.0).and_then(Amount::new)
    }

    /// The sum, or [`AMOUNT_MAX`] where it exceeds that: for what only ever refuses more by being larger.
    pub(crate) fn saturating_add(self, other: Amount) -> Amount {
        self.checked_add(other).unwrap_or(Amount(AMOUNT_MAX))
    }

    /// The difference, or `None` where `other` is larger.
    pub fn checked_sub(self, other: Amount) -> Option<Amount> {
        self.0.checked_sub(other.0).map(Amount)
    }

    /// `part` of `whole` of it, rounded down; all of it where `part` is no less.
    pub fn portion(self, part: u64, whole: u64) -> Amount {
        if whole <= part {
            return self;
        }
        let (portion, _) = mul_div_rem(self.0, u128::from(part), u128::from(whole)).unwrap_or_default();
        Amount(portion)
    }

    /// The difference, or nothing where `other` is larger.
    pub fn saturating_sub(self, other: Amount) -> Amount {
        Amount(self.0.saturating_sub(other.0))
    }

    /// Splits this amount over `weights` by the largest remainder; the parts add up to the whole.
    ///
    /// Each part is its exact share rounded down; the units left over go, one each, to the parts with the largest
    /// fractions, earlier parts first among equals. No part exceeds its weight when the amount is at most their
    /// sum, so a split of what remains never takes more than remains. `None` where the weights add up to nothing.
    pub fn split(self, weights: &[u128]) -> Option<Vec<Amount>> {
        let whole = weights.iter().try_fold(0u128, |sum, weight| sum.checked_add(*weight))?;
        if whole == 0 {
            return None;
        }
        let mut parts = Vec::with_capacity(weights.len());
        let mut fractions = Vec::with_capacity(weights.len());
        let mut left = self.0;
        for (place, weight) in weights.iter().enumerate() {
            let (share, fraction) = mul_div_rem(self.0, *weight, whole)?;
            left = left.checked_sub(share).expect("shares rounded down do not exceed the whole");
            parts.push(Amount(share));
            fractions.push((fraction, place));
        }
        fractions.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        for (_, place) in fractions {
            if left == 0 {
                break;
            }
            let part = parts.get_mut(place).expect("every fraction belongs to a part");
            part.0 = part.0.checked_add(1).expect("a share is below the whole");
            left = left.checked_sub(1).expect("checked above");
        }
        Some(parts)
    }
}

/// `a × b ÷ c` and its remainder, exact over 256 bits. `None` where the quotient does not fit.
fn mul_div_rem(a: u128, b: u128, c: u128) -> Option<(u128, u128)> {
    if let Some(product) = a.checked_mul(b) {
        return Some((product.checked_div(c)?, product.checked_rem(c)?));
    }
    // Schoolbook long division, one bit of `b` at a time: remainder stays below c ≤ 2^127.
    if c >> 127 != 0 {
        return None;
    }
    let (mut quotient, mut remainder) = (0u128, 0u128);
    let (a_quotient, a_remainder) = (a.checked_div(c)?, a.checked_rem(c)?);
    for bit in (0..128u32).rev() {
        quotient = quotient.checked_mul(2)?;
        remainder = remainder.checked_mul(2)?;
        if remainder >= c {
            remainder = remainder.checked_sub(c)?;
            quotient = quotient.checked_add(1)?;
        }
        if (b >> bit) & 1 == 1 {
            quotient = quotient.checked_add(a_quotient)?;
            remainder = remainder.checked_add(a_remainder)?;
            if remainder >= c {
                remainder = remainder.checked_sub(c)?;
                quotient = quotient.checked_add(1)?;
            }
        }
    }
    Some((quotient, remainder))
}

/// What money is denominated in: a code and the number of decimals of its smallest unit, such as `CNY/2`.
///
/// The registry of assets in the book is the only source of a scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asset {
    /// Upper-case letters and digits, such as `CNY` or `USDC`.
    pub code: Code,
    /// Decimals between the written amount and its smallest unit, at most [`ASSET_SCALE_MAX`].
    pub scale: u8,
}

crate::canon::canon_struct!(Asset { code, scale });

impl Asset {
    /// An asset, or `None` where the scale exceeds [`ASSET_SCALE_MAX`].
    pub fn new(code: Code, scale: u8) -> Option<Asset> {
        if ASSET_SCALE_MAX < scale { None } else { Some(Asset { code, scale }) }
    }
}

/// Billionths of a smallest unit: the resolution in which metered work is priced.
pub const NANOS: u128 = 1_000_000_000;

/// A price: billionths of a smallest unit for each unit of work.
///
/// 0.0002 fen for a token of `CNY/2` is 200,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NanosPerUnit(pub u64);

impl NanosPerUnit {
    /// What `units` cost in billionths, exactly.
    pub fn price(self, units: u64) -> Nanos {
        let product = u128::from(self.0).checked_mul(u128::from(units));
        Nanos(product.expect("64 × 64 bits fit in 128"))
    }
}

/// Exact money below the smallest unit, in billionths of it.
///
/// Metered work adds up here without losing a fraction; [`Nanos::round`] is the one place where it becomes an amount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Nanos(u128);

impl Nanos {
    /// Nothing.
    pub const ZERO: Nanos = Nanos(0);

    /// `nanos` billionths of a smallest unit.
    pub const fn new(nanos: u128) -> Nanos {
        Nanos(nanos)
    }

    /// The number of billionths.
    pub const fn get(self) -> u128 {
        self.0
    }

    /// The sum, or `None` where it does not fit.
    pub fn checked_add(self, other: Nanos) -> Option<Nanos> {
        self.0.checked_add(other.0).map(Nanos)
    }

    /// The amount this settles to, and the billionths that `rounding` left over or gave away: nothing is lost unseen.
    ///
    /// `None` where the amount exceeds [`AMOUNT_MAX`].
    pub fn round(self, rounding: Rounding) -> Option<(Amount, Nanos)> {
        let whole = self.0 / NANOS;
        let rest = self.0 % NANOS;
        let up = match rounding {
            Rounding::Down => false,
            Rounding::HalfUp => NANOS / 2 <= rest,
            Rounding::Up => 0 < rest,
        };
        let amount = if up { Amount::new(whole.checked_add(1)?)? } else { Amount::new(whole)? };
        Some((amount, if up { Nanos::ZERO } else { Nanos(rest) }))
    }
}

/// How metered work becomes an amount at its settlement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// To the payer's favour; the fraction stays visible in the entry.
    Down,
    /// To the nearest smallest unit, halves up.
    HalfUp,
    /// To the next smallest unit: what a hold must cover.
    Up,
}

/// A fee rate in millionths of the amount, at most the whole of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PartsPerMillion(u32);

impl PartsPerMillion {
    /// The whole.
    pub const WHOLE: u128 = 1_000_000;

    /// A rate, or `None` above the whole.
    pub fn new(ppm: u32) -> Option<PartsPerMillion> {
        if PartsPerMillion::WHOLE < u128::from(ppm) { None } else { Some(PartsPerMillion(ppm)) }
    }

    /// The rate in millionths.
    pub fn get(self) -> u32 {
        self.0
    }

    /// The fee on `amount`, passing the millionths not yet taken on to the next fee.
    ///
    /// A thousand small payments therefore cost the same fee as one large one, to the smallest unit.
    pub fn fee(self, amount: Amount, carry: u32) -> (Amount, u32) {
        let millionths =
            amount.0.checked_mul(u128::from(self.0)).and_then(|m| m.checked_add(u128::from(carry)));
        let millionths = millionths.expect("AMOUNT_MAX times a million fits in 128 bits");
        let carry =
            u32::try_from(millionths % PartsPerMillion::WHOLE).expect("a remainder of a million fits");
        (Amount(millionths / PartsPerMillion::WHOLE), carry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn amount(minor: u128) -> Amount {
        Amount::new(minor).unwrap()
    }

    #[test]
    fn splits_give_the_left_over_units_to_the_largest_fractions() {
        let rows: [(u128, &[u128], &[u128]); 6] = [
            (10_000, &[60, 30, 10], &[6_000, 3_000, 1_000]),
            (10_001, &[1, 1, 1], &[3_334, 3_334, 3_333]),
            (10_000, &[1, 1, 1], &[3_334, 3_333, 3_333]),
            (1, &[1, 2], &[0, 1]),
            (0, &[1, 2], &[0, 0]),
            (2_500, &[6_000, 3_000, 1_000], &[1_500, 750, 250]),
        ];
        for (whole, weights, parts) in rows {
            let got: Vec<u128> = amount(whole).split(weights).unwrap().iter().map(|p| p.minor()).collect();
            assert_eq!(got, parts, "{whole} over {weights:?}");
        }
        assert_eq!(amount(5).split(&[]), None);
        assert_eq!(amount(5).split(&[0, 0]), None);
    }

    #[test]
    fn portions_are_rounded_down() {
        let day = 86_400_000_000_000;
        let rows = [
            (2_000, 15 * day, 30 * day, 1_000),
            (2_001, 15 * day, 30 * day, 1_000),
            (2_999, 1, 30 * day, 0),
            (AMOUNT_MAX, 29 * day, 30 * day, 966_666_666_666_666_666_666_666_666_666),
            (7, 2, 2, 7),
            (7, 0, 2, 0),
        ];
        for (whole, part, of, portion) in rows {
            assert_eq!(amount(whole).portion(part, of).minor(), portion, "{part} of {of} of {whole}");
        }
    }

    #[test]
    fn amounts_end_at_their_maximum() {
        assert_eq!(Amount::new(AMOUNT_MAX + 1), None);
        assert_eq!(amount(AMOUNT_MAX).checked_add(amount(1)), None);
        assert_eq!(amount(1).checked_sub(amount(2)), None);
    }

    #[test]
    fn fractions_are_rounded_once_and_shown() {
        let rows = [
            (4_789_200_000, Rounding::HalfUp, 5, 0),
            (47_892_000_000, Rounding::HalfUp, 48, 0),
            (100_500_000_000, Rounding::Down, 100, 500_000_000),
            (4_500_000_000, Rounding::HalfUp, 5, 0),
            (4_499_999_999, Rounding::HalfUp, 4, 499_999_999),
            (4_000_000_001, Rounding::Up, 5, 0),
            (4_000_000_000, Rounding::Up, 4, 0),
        ];
        for (nanos, rounding, minor, rest) in rows {
            assert_eq!(Nanos::new(nanos).round(rounding), Some((amount(minor), Nanos::new(rest))));
        }
    }

    #[test]
    fn splitting_a_payment_does_not_evade_the_fee() {
        let rate = PartsPerMillion::new(6_250).unwrap();
        assert_eq!(rate.fee(amount(1_600), 0), (amount(10), 0));
        let (mut taken, mut carry) = (0, 0);
        for _ in 0..1_000 {
            let (fee, rest) = rate.fee(amount(1), carry);
            taken += fee.minor();
            carry = rest;
        }
        assert_eq!(taken, rate.fee(amount(1_000), 0).0.minor());
    }

    proptest! {
        #[test]
        fn parts_add_up_and_stay_within_one_unit(
            whole in 0..=AMOUNT_MAX,
            weights in proptest::collection::vec(0..=AMOUNT_MAX, 1..12),
        ) {
            prop_assume!(weights.iter().any(|w| *w != 0));
            let parts = amount(whole).split(&weights).unwrap();
            prop_assert_eq!(parts.iter().map(|p| p.minor()).sum::<u128>(), whole);
            let total: u128 = weights.iter().sum();
            for (part, weight) in parts.iter().zip(&weights) {
                if let Some(product) = whole.checked_mul(*weight) {
                    prop_assert!(part.minor() == product / total || part.minor() == product / total + 1);
                }
                if whole <= total {
                    prop_assert!(part.minor() <= *weight);
                }
            }
        }

        #[test]
        fn metering_in_pieces_costs_the_same(rate in 0u64.., pieces in proptest::collection::vec(0u64..1 << 40, 1..50)) {
            let rate = NanosPerUnit(rate >> 8);
            let total: u64 = pieces.iter().sum();
            let sum = pieces.iter().try_fold(Nanos::ZERO, |sum, p| sum.checked_add(rate.price(*p)));
            prop_assert_eq!(sum, Some(rate.price(total)));
        }

        #[test]
        fn wide_products_divide_like_narrow_ones(a in 0u128..1 << 60, b in 0u128..1 << 60, c in 1u128..1 << 60, shift in 0u32..60) {
            let wide = mul_div_rem(a << shift, b, c << shift);
            let narrow = (a * b / c, ((a * b) % c) << shift);
            prop_assert_eq!(wide, Some(narrow));
        }
    }
}
