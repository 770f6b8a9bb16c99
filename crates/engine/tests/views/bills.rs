//! What sellers of the town bill, and take back.

use super::Town;
use book::{Action, Actor, Id, IssueCreditNote, IssueInvoice};
use evidence::Hash;

impl Town {
    /// A seller who bills what it was paid, and takes back what it refunded since.
    pub(super) fn bill(&mut self, seller: Actor, bought: Id, which: usize) {
        let document = Hash([5; 32]);
        let older = self.bought.iter().rev().nth(which % 7).copied().filter(|older| *older != bought);
        for purchases in [vec![bought], older.into_iter().chain([bought]).collect()] {
            let invoice = IssueInvoice { purchases, total: None, document };
            self.act(seller, Action::IssueInvoice(invoice));
        }
        if let Some(invoice) = self.invoices.iter().rev().nth(which % 3).copied() {
            let note = IssueCreditNote { invoice, total: None, document };
            self.act(seller, Action::IssueCreditNote(note));
        }
    }
}
