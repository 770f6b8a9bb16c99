//! Rows about invoices and credit notes.

use super::Run;
use super::commands::Asked;
use super::names::{Names, Thing};
use super::words::{self, Words};
use book::{Action, Command, InvoiceId, IssueCreditNote, IssueInvoice, Time};
use evidence::Hash;

impl Names {
    /// `invoice I1 P1,P2 [total 60]` and `credit-note C1 I1 [total 60]`, by the seller.
    pub(super) fn billed(&mut self, verb: &str, words: &mut Words, now: Time) -> Result<Vec<Asked>, String> {
        let (name, of) = (words.next("a name")?, words.next("what of")?);
        let total = words.option("total").map(|total| words::amount(&total)).transpose()?;
        let first = of.split(',').next().unwrap_or(&of).to_owned();
        let (seller, owner) = (self.seller(&first), self.speaker(&first));
        let (action, verdict) = if verb == "invoice" {
            self.set(&name, Thing::Purchase { owner, payee: seller.clone() });
            let purchases = of.split(',').filter(|purchase| *purchase != "-");
            let purchases = purchases.map(|purchase| self.name(purchase, now)).collect();
            let document = Hash::of(b"whom, what for, which taxes");
            (Action::IssueInvoice(IssueInvoice { purchases, total, document }), "invoiced")
        } else {
            let invoice = InvoiceId(self.name(&of, now));
            let document = Hash::of(b"why");
            (Action::IssueCreditNote(IssueCreditNote { invoice, total, document }), "credited")
        };
        let by = self.actor(words, &seller, now)?;
        let id = self.name(&name, now);
        Ok(vec![(Command { id, by, action }, verdict)])
    }
}

impl Run {
    /// `billed I1 says 7500 credited 0 to-credit 2500`: what must be so of an invoice.
    pub(super) fn check_billed(&self, words: &mut Words) -> Result<(), String> {
        let name = words.next("an invoice")?;
        let invoice = self.names.known(&name).and_then(|id| self.book.invoice(InvoiceId(id)));
        let invoice = invoice.ok_or_else(|| format!("no invoice `{name}`"))?;
        while words.peek().is_some() {
            let what = words.next("what of it")?;
            let found = match what.as_str() {
                "says" => invoice.billed,
                "credited" => invoice.credited,
                "to-credit" => invoice.to_credit,
                _ => return Err(format!("`{what}` is nothing an invoice has")),
            };
            if found != words::amount(&words.next("an amount")?)? {
                return Err(format!("{what} is {}", found.minor()));
            }
        }
        Ok(())
    }
}
