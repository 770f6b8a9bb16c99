//! A payment: money that moves at once from a wallet to its payees.

use crate::book::{Book, Decision};
use crate::canon::canon_struct;
use crate::command::Actor;
use crate::entry::{Moved, Outcome};
use crate::id::Id;
use crate::purchase::{Kind, Purchase, Rows};
use crate::time::Time;

/// Pays. The command's id becomes the [`PaymentId`](crate::PaymentId).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pay {
    /// What, from where, to whom.
    pub purchase: Purchase,
}

canon_struct!(Pay { purchase });

impl Pay {
    pub(crate) fn decide(&self, book: &Book, at: Time, by: Actor, rows: &mut Option<Rows>) -> Decision {
        let allowed = match book.authorize(at, by, Kind::Pay, &self.purchase) {
            Ok(allowed) => allowed,
            Err(no) => return no,
        };
        *rows = Some(allowed.rows);
        let amount = self.purchase.amount;
        #[cfg(feature = "sabotage")]
        let amount = if book.has(crate::sabotage::Sabotage::FloatAmount) {
            crate::sabotage::floated(amount)
        } else {
            amount
        };
        let parts = book.divide(&self.purchase.to, allowed.rows.payee, amount);
        Decision::Record(Outcome::Paid(Moved { amount, parts, versions: allowed.versions }))
    }

    pub(crate) fn apply(&self, book: &mut Book, at: Time, id: Id, rows: Rows, moved: &Moved) {
        book.count_purchase(at, rows, &self.purchase);
        book.move_to_payees(id, rows, &self.purchase.to, moved);
    }
}
