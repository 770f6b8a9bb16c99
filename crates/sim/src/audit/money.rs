//! Sums, shares, fees and the Merkle root, each in the plainest way there is.

use super::entry::AMOUNT_MAX;
use sha2::{Digest, Sha256};

/// What one account gave, got and has set aside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    pub(super) debits: u128,
    pub(super) credits: u128,
    pub(super) held: u128,
}

impl Sums {
    pub(super) fn available(&self) -> u128 {
        self.credits.saturating_sub(self.debits + self.held)
    }

    pub(super) fn owes(&self) -> bool {
        self.credits < self.debits + self.held
    }

    /// Whether `amount` more can come in without passing what can be counted.
    pub(super) fn has_room(&self, amount: u128) -> bool {
        self.credits + amount <= AMOUNT_MAX
    }
}

/// Shares of `amount` by `weights`: rounded down, then one more to the largest fractions, earlier ones first.
pub(super) fn shares(amount: u128, weights: &[u128]) -> Vec<u128> {
    let whole: u128 = weights.iter().sum();
    if whole == 0 {
        return vec![0; weights.len()];
    }
    let divided: Vec<(u128, u128)> = weights.iter().map(|weight| divide(amount, *weight, whole)).collect();
    let mut parts: Vec<u128> = divided.iter().map(|part| part.0).collect();
    let mut left = amount - parts.iter().sum::<u128>();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|place| (u128::MAX - divided[*place].1, *place));
    for place in order {
        if left == 0 {
            break;
        }
        parts[place] += 1;
        left -= 1;
    }
    parts
}

/// `a × b ÷ c` and the remainder, digit by digit in base two: slow, and without room for mistakes.
fn divide(a: u128, b: u128, c: u128) -> (u128, u128) {
    let (mut quotient, mut rest) = (0u128, 0u128);
    for bit in (0..128).rev() {
        quotient *= 2;
        rest *= 2;
        if b >> bit & 1 == 1 {
            quotient += a / c;
            rest += a % c;
        }
        quotient += rest / c;
        rest %= c;
    }
    (quotient, rest)
}

/// The fee on `amount` at so many millionths, and the millionths it passes on.
pub(super) fn fee(amount: u128, ppm: u128, carry: u128) -> (u128, u128) {
    let millionths = amount * ppm + carry;
    (millionths / 1_000_000, millionths % 1_000_000)
}

/// Billionths as an amount, and the billionths left over: 1 rounds down, 2 half up, 3 up.
pub(super) fn round(nanos: u128, rounding: u8) -> (u128, u128) {
    let (whole, rest) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
    let up = match rounding {
        1 => false,
        2 => rest >= 500_000_000,
        _ => rest > 0,
    };
    if up { (whole + 1, 0) } else { (whole, rest) }
}

/// The root of the Merkle tree over `leaves`, as in RFC 9162 §2.1.1, from the top down.
pub(super) fn root(leaves: &[Vec<u8>]) -> [u8; 32] {
    let digest = |parts: [&[u8]; 3]| {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part);
        }
        hash.finalize().into()
    };
    match leaves {
        [] => digest([&[], &[], &[]]),
        [leaf] => digest([&[0], leaf, &[]]),
        _ => {
            let half = leaves.len().next_power_of_two() / 2;
            let (left, right) = leaves.split_at(half);
            digest([&[1], &root(left), &root(right)])
        }
    }
}
