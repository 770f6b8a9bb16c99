//! Who collects a purchase: one payee, or several by shares.

use crate::canon::{canon_enum, canon_struct};
use crate::id::PayeeId;
use crate::limits::PARTS_MAX;

/// Who collects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payees {
    /// One payee, everything.
    One(PayeeId),
    /// Several, by shares.
    Split(Split),
}

canon_enum!(Payees { 1 => One(it), 2 => Split(it) });

/// Shares of a whole, such as 60, 30 and 10 of 100. They must add up to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// What all shares add up to.
    pub whole: u32,
    /// Each payee once; at most 16.
    pub shares: Vec<Share>,
}

canon_struct!(Split { whole, shares });

/// One payee's share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Who.
    pub payee: PayeeId,
    /// How much of the whole. Never nothing.
    pub weight: u32,
}

canon_struct!(Share { payee, weight });

impl Payees {
    pub(crate) fn is_whole(&self) -> bool {
        match self {
            Payees::One(_) => true,
            Payees::Split(Split { whole, shares }) => {
                let sum: u64 =
                    shares.iter().fold(0, |sum, share| sum.saturating_add(u64::from(share.weight)));
                let twice = |(n, share): (usize, &Share)| {
                    shares.iter().take(n).any(|earlier| earlier.payee == share.payee)
                };
                (1..=PARTS_MAX).contains(&shares.len())
                    && sum == u64::from(*whole)
                    && shares.iter().all(|share| 0 < share.weight)
                    && !shares.iter().enumerate().any(twice)
            }
        }
    }

    fn first(&self) -> Option<PayeeId> {
        match self {
            Payees::One(payee) => Some(*payee),
            Payees::Split(split) => split.shares.first().map(|share| share.payee),
        }
    }

    /// Whether `payee` is the first of them: the seller who delivers, and may capture and refund.
    pub(crate) fn is_led_by(&self, payee: PayeeId) -> bool {
        self.first() == Some(payee)
    }

    /// The payees in order.
    pub fn each(&self) -> impl Iterator<Item = PayeeId> {
        let (one, many) = match self {
            Payees::One(payee) => (Some(*payee), None),
            Payees::Split(split) => (None, Some(split.shares.iter().map(|share| share.payee))),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }
}
