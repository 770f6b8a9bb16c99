//! A payment: money that moves at once from a wallet to its payees.

use crate::book::{Book, Decision};
use crate::canon::canon_struct;
use crate::command::Actor;
use crate::entry::{Moved, Outcome, Parts};
use crate::id::Id;
use crate::purchase::{Kind, Payees, Purchase};
use crate::time::Time;

/// Pays. The command's id becomes the [`PaymentId`](crate::PaymentId).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pay {
    /// What, from where, to whom.
    pub purchase: Purchase,
}

canon_struct!(Pay { purchase });

impl Pay {
    pub(crate) fn decide(&self, book: &Book, at: Time, by: Actor) -> Decision {
        let allowed = match book.authorize(at, by, Kind::Pay, &self.purchase) {
            Ok(allowed) => allowed,
            Err(no) => return no,
        };
        let amount = self.purchase.amount;
        let parts = book.divide(&self.purchase.to, amount);
        Decision::Record(Outcome::Paid(Moved { amount, parts, versions: allowed.versions }))
    }

    pub(crate) fn apply(&self, book: &mut Book, at: Time, id: Id, by: Actor, moved: &Moved) {
        let wallet = book.count_purchase(at, by, &self.purchase).wallet;
        let paid = book.move_to_payees(wallet, &self.purchase.to, moved.amount, &moved.parts);
        let record = book.records.get_mut(id).expect("every command has its record");
        match (paid.as_slice(), &self.purchase.to, &moved.parts) {
            ([only], Payees::One(_), Parts::One { fee }) if fee.is_zero() => {
                record.set_paid(wallet, only.payee, only.amount);
            }
            _ => record.add_parts(wallet, &paid),
        }
    }
}
