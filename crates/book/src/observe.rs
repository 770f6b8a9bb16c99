//! Observations: what sellers say their items cost, signed, and the limits that wait for a price.
//!
//! Only a seller's own key says what it charges, so nobody makes an agent buy by inventing a price. The book keeps the
//! latest word on each item; what was said before stays in the journal.

use crate::agent::Holder;
use crate::book::{Book, Decision};
use crate::canon::{Code, canon_struct};
use crate::command::Actor;
use crate::entry::{Denial, Outcome, Reject};
use crate::freeze::Status;
use crate::id::PayeeId;
use crate::limit::PayeeFacts;
use crate::limits::OBSERVATIONS_MAX;
use crate::money::Amount;
use crate::open::deny;
use crate::time::Time;
use evidence::Hash;

/// Says what an item costs at the seller who asks, and how many there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observe {
    /// The digest of what is sold: the `reference` of a purchase of it.
    pub item: Hash,
    /// What one costs. Never nothing.
    pub price: Amount,
    /// The asset of the price, which must be the seller's.
    pub asset: Code,
    /// How many there are.
    pub stock: u32,
}

canon_struct!(Observe { item, price, asset, stock });

/// The latest word of a seller on one item.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Observation {
    item: Hash,
    price: Amount,
    stock: u32,
    at: Time,
}

canon_struct!(Observation { item, price, stock, at });

/// What a limit waits for: that a seller has one item, for so much at most, and said so of late.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// The seller; whoever else is to be paid is refused.
    pub payee: PayeeId,
    /// The digest of the item, and of nothing else.
    pub item: Hash,
    /// The most that it may cost.
    pub max: Amount,
    /// How long ago the seller may have said so: 1 to [`OBSERVATION_SECONDS_MAX`](crate::limits::OBSERVATION_SECONDS_MAX).
    pub within_seconds: u32,
}

canon_struct!(Trigger { payee, item, max, within_seconds });

impl Trigger {
    /// Why a purchase is not the one that was waited for, and what it may cost where only that is wrong.
    pub(crate) fn check(
        &self,
        at: Time,
        amount: Amount,
        payees: &[PayeeFacts<'_>],
        reference: Option<&Hash>,
    ) -> Option<(Denial, Option<Amount>)> {
        let [payee] = payees else {
            return Some((Denial::TriggerNotMet, None));
        };
        if payee.payee != self.payee || reference != Some(&self.item) {
            return Some((Denial::TriggerNotMet, None));
        }
        let within_nanos = Time::from_seconds(u64::from(self.within_seconds)).0;
        let seen = payee.observed.iter().find(|seen| seen.item == self.item);
        let Some(seen) = seen.filter(|seen| at < seen.at.after(within_nanos)) else {
            return Some((Denial::ObservationStale, None));
        };
        if self.max < seen.price {
            return Some((Denial::TriggerNotMet, None));
        }
        if seen.stock == 0 {
            return Some((Denial::OutOfStock, None));
        }
        (seen.price < amount).then_some((Denial::TriggerNotMet, Some(seen.price)))
    }

    /// Whether whatever this one lets through, `outer` does too.
    pub(crate) fn is_within(&self, outer: &Trigger) -> bool {
        self.payee == outer.payee
            && self.item == outer.item
            && self.max <= outer.max
            && self.within_seconds <= outer.within_seconds
    }
}

impl Observe {
    pub(crate) fn decide(&self, book: &Book, by: Actor) -> Decision {
        let (payee, key) = match by {
            Actor::Payee { payee, key } => (payee, key),
            Actor::Operator { .. } | Actor::Owner { .. } | Actor::Agent { .. } | Actor::Book => {
                return deny(Denial::Forbidden);
            }
        };
        let Some(slot) = book.payees.find(payee.0) else {
            return Decision::Reject(Reject::PayeeUnknown);
        };
        if let Some(no) = book.check_key(key, Holder::Payee(slot)) {
            return no;
        }
        if self.price.is_zero() {
            return Decision::Reject(Reject::AmountZero);
        }
        let row = book.payees.at(slot);
        if row.status != Status::Active {
            return deny(Denial::PayeeClosed);
        }
        if book.asset(self.asset) != Some(usize::from(row.asset)) {
            return deny(Denial::AssetMismatch);
        }
        Decision::Record(Outcome::Done)
    }

    pub(crate) fn apply(&self, book: &mut Book, at: Time, by: Actor) {
        let Actor::Payee { payee, .. } = by else { unreachable!("decided: a seller says so") };
        let seen = &mut book.payees.get_mut(payee.0).expect("decided: the payee is known").observed;
        seen.retain(|seen| seen.item != self.item);
        if OBSERVATIONS_MAX <= seen.len() {
            seen.remove(0);
        }
        seen.push(Observation { item: self.item, price: self.price, stock: self.stock, at });
    }
}
