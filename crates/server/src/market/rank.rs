//! How a seller's services are ranked: by what became of its newest purchases, whoever bought.

use crate::limits::{SERVICE_OF_ONE_BUYER_MAX, SERVICE_PURCHASES_MAX};
use crate::problem::Answered;
use book::{OwnerId, PayeeId};
use engine::View;
use engine::views::{PurchaseRow, State, Whom};
use std::collections::HashMap;

/// What became of a seller's newest purchases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Purchases that are over, of each buyer so many at most.
    pub purchases: u64,
    /// Those of them that were delivered and not given back.
    pub delivered: u64,
    /// The buyers.
    pub buyers: u64,
}

impl Record {
    /// The share of purchases that were delivered, in millionths, as if there had been one more of each kind: a seller of
    /// whom nothing is known stands in the middle, and one purchase moves nobody to an end.
    pub(super) fn rank(&self) -> u64 {
        (self.delivered + 1) * 1_000_000 / (self.purchases + 2)
    }
}

/// Looks at a seller's newest purchases.
///
/// # Errors
/// Where the views cannot be read.
pub fn record(view: &View, payee: PayeeId) -> Answered<Record> {
    let of = Whom::Payee(payee);
    let payments = view.payments(of, None, SERVICE_PURCHASES_MAX)?;
    let holds = view.holds(of, None, SERVICE_PURCHASES_MAX)?;
    Ok(count(payments.rows.iter().chain(&holds.rows).map(Ended::of)))
}

/// What became of those of them that an owner made herself.
///
/// # Errors
/// Where the views cannot be read.
pub fn record_of_owner(view: &View, payee: PayeeId, owner: OwnerId) -> Answered<Record> {
    let of = Whom::Payee(payee);
    let payments = view.payments(of, None, SERVICE_PURCHASES_MAX)?;
    let holds = view.holds(of, None, SERVICE_PURCHASES_MAX)?;
    let own = payments.rows.iter().chain(&holds.rows).filter(|row| row.owner == Some(owner));
    Ok(count(own.map(Ended::of)))
}

/// A purchase, as far as it counts here.
struct Ended {
    buyer: Option<OwnerId>,
    /// None while it is under way.
    is_delivered: Option<bool>,
}

impl Ended {
    fn of(row: &PurchaseRow) -> Ended {
        let is_delivered = match row.state {
            State::Held | State::Disputed => None,
            State::Paid | State::Captured => Some(row.refunded < row.captured),
            State::Voided | State::Expired => Some(false),
        };
        Ended { buyer: row.owner, is_delivered }
    }
}

fn count(purchases: impl Iterator<Item = Ended>) -> Record {
    let mut record = Record::default();
    let mut of_buyers = HashMap::<Option<OwnerId>, u64>::new();
    for Ended { buyer, is_delivered } in purchases {
        let Some(is_delivered) = is_delivered else { continue };
        let of_buyer = of_buyers.entry(buyer).or_default();
        // Whoever buys from his friend all day moves nobody far.
        if SERVICE_OF_ONE_BUYER_MAX <= *of_buyer {
            continue;
        }
        *of_buyer += 1;
        record.purchases += 1;
        record.delivered += u64::from(is_delivered);
    }
    record.buyers = u64::try_from(of_buyers.len()).unwrap_or(u64::MAX);
    record
}

#[cfg(test)]
mod tests {
    use super::*;
    use book::Id;

    fn by(buyer: u8, is_delivered: Option<bool>) -> Ended {
        Ended { buyer: Some(OwnerId(Id([buyer; 16]))), is_delivered }
    }

    #[test]
    fn no_buyer_counts_for_many_and_what_is_under_way_for_nothing() {
        let friend = (0..50).map(|_| by(2, Some(true)));
        let others = [by(3, Some(false)), by(4, None), by(5, Some(true))];
        assert_eq!(count(friend.chain(others)), Record { purchases: 22, delivered: 21, buyers: 3 });
    }

    #[test]
    fn who_delivers_stands_before_who_is_new_before_who_does_not() {
        let rank = |purchases, delivered| Record { purchases, delivered, ..Record::default() }.rank();
        assert!(rank(40, 40) > rank(2, 2));
        assert!(rank(2, 2) > rank(0, 0));
        assert!(rank(0, 0) > rank(2, 0));
        assert!(rank(2, 0) > rank(40, 1));
    }
}
