//! What sellers ask about paper: invoices for what they were paid, and credit notes for what they gave back.

use super::ask::Asker;
use ::book::*;
use evidence::Hash;

impl Asker<'_> {
    /// An invoice over a few late sales, or a credit note.
    pub(super) fn bill(&mut self) -> Option<(Actor, Action)> {
        let world = self.world;
        let known = self.chance.pick_late(&world.invoices, 20).copied();
        let total = if self.chance.one_in(5) { Amount::new(u128::from(self.chance.below(90))) } else { None };
        let document = Hash(self.chance.bytes());
        if let Some((invoice, payee)) = known.filter(|_| self.chance.one_in(3)) {
            let note = IssueCreditNote { invoice, total, document };
            return Some((world.payee(payee)?, Action::IssueCreditNote(note)));
        }
        let first = self.chance.pick_late(&world.bought, 30)?;
        let mut purchases = vec![first.id];
        for _ in 0..self.chance.below(3) {
            let next = self.chance.pick_late(&world.bought, 30)?;
            let is_alike = (next.payee, next.wallet) == (first.payee, first.wallet);
            if is_alike && !purchases.contains(&next.id) || self.chance.one_in(20) {
                purchases.push(next.id);
            }
        }
        let invoice = IssueInvoice { purchases, total, document };
        Some((world.payee(first.payee)?, Action::IssueInvoice(invoice)))
    }
}
