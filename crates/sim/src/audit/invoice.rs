//! Invoices as the auditor adds them up: line by line, from what every purchase brought and every refund took.

use super::entry::{Action, By, Holder, Name, Outcome, Subject};
use super::judge::{BOOK, Judgement, denied};
use super::state::{Bought, Status};
use super::walk::Walk;
use std::collections::BTreeSet;

const LINES: usize = 1_000;

/// What was billed.
#[derive(Debug)]
pub(super) struct Invoice {
    seller: Name,
    lines: Vec<Line>,
}

/// One purchase on an invoice: what it says, what credit notes took back, and what they will have to.
#[derive(Debug)]
struct Line {
    purchase: Name,
    billed: u128,
    credited: u128,
    due: u128,
}

/// How many invoices and credit notes a seller has issued.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    invoices: u64,
    credit_notes: u64,
}

fn kept(bought: &Bought) -> u128 {
    let left = |paid: &super::state::Paid| paid.amount.saturating_sub(paid.back + paid.fee_back);
    bought.paid.iter().map(left).sum()
}

impl Walk {
    /// What of a purchase is billed and was not refunded since.
    fn standing(&self, purchase: Name) -> u128 {
        let lines = self.state.invoices.values().flat_map(|(_, invoice)| &invoice.lines);
        let lines = lines.filter(|line| line.purchase == purchase);
        lines.map(|line| line.billed.saturating_sub(line.credited + line.due)).sum()
    }

    /// What an invoice or a credit note has to say, line by line.
    fn bill(&self, by: By, action: &Action) -> Result<(Name, Vec<u128>), Judgement> {
        let By::Payee { payee, key } = by else { return Err(denied("forbidden")) };
        self.state.key_speaks(key, Holder::Payee(payee))?;
        if self.state.status(Subject::Payee(payee)) != Some(Status::Active) {
            return Err(denied("payee_closed"));
        }
        if let Action::IssueInvoice { purchases, .. } = action {
            let mut buyers = BTreeSet::new();
            let mut amounts = Vec::new();
            for name in purchases {
                let bought = self.state.bought.get(name);
                let bought = bought.filter(|row| row.paid.first().is_some_and(|paid| paid.payee == payee));
                let bought = bought.ok_or(Judgement::Rejected("payment_unknown"))?;
                buyers.insert(self.state.wallets[&bought.purchase.wallet].owner);
                amounts.push(kept(bought).saturating_sub(self.standing(*name)));
            }
            let named: BTreeSet<&Name> = purchases.iter().collect();
            if purchases.is_empty() || LINES < purchases.len() || named.len() != purchases.len() {
                return Err(Judgement::Rejected("purchases_malformed"));
            }
            if buyers.len() != 1 {
                return Err(Judgement::Rejected("buyers_differ"));
            }
            return if amounts.contains(&0) {
                Err(denied("nothing_to_invoice"))
            } else {
                Ok((payee, amounts))
            };
        }
        let Action::IssueCreditNote { invoice, .. } = action else { return Err(Judgement::Unsure) };
        let invoice = self.state.invoices.get(invoice).map(|(_, row)| row);
        let invoice = invoice.filter(|row| row.seller == payee);
        let invoice = invoice.ok_or(Judgement::Rejected("invoice_unknown"))?;
        let amounts: Vec<u128> = invoice.lines.iter().map(|line| line.due).collect();
        if amounts.iter().all(|amount| *amount == 0) {
            return Err(denied("nothing_to_credit"));
        }
        Ok((payee, amounts))
    }

    /// What the auditor would have answered to who wants an invoice or a credit note.
    pub(super) fn judge_bill(&self, by: By, action: &Action) -> Judgement {
        let (Action::IssueInvoice { total, .. } | Action::IssueCreditNote { total, .. }) = action else {
            return Judgement::Unsure;
        };
        match self.bill(by, action) {
            Err(no) => no,
            Ok((_, amounts)) => {
                let sum = amounts.iter().sum();
                if total.is_some_and(|total| total != sum) {
                    return Judgement::Denied { rule: BOOK, denial: "bill_total_differs", left: Some(sum) };
                }
                Judgement::Fine
            }
        }
    }

    /// Believes an invoice or a credit note, whose number has to be the next.
    pub(super) fn believe_bill(&mut self, id: Name, by: By, action: &Action, outcome: &Outcome) {
        let (Outcome::Invoiced { number, amounts } | Outcome::Credited { number, amounts }) = outcome else {
            return;
        };
        let Ok((seller, should_be)) = self.bill(by, action) else { return };
        self.expect(*amounts == should_be, "I11", "it says another sum than was paid or refunded");
        let counts = self.state.counts.entry(seller).or_default();
        let is_invoice = matches!(outcome, Outcome::Invoiced { .. });
        let count = if is_invoice { &mut counts.invoices } else { &mut counts.credit_notes };
        *count += 1;
        let is_next = *count == *number;
        self.expect(is_next, "I11", "its number is not the next");
        if let (Action::IssueInvoice { purchases, .. }, true) = (action, is_invoice) {
            let line = |(purchase, billed): (&Name, &u128)| Line {
                purchase: *purchase,
                billed: *billed,
                credited: 0,
                due: 0,
            };
            let lines = purchases.iter().zip(amounts).map(line).collect();
            let place = self.state.invoices.len();
            let before = self.state.invoices.insert(id, (place, Invoice { seller, lines }));
            self.expect(before.is_none(), "I4", "the invoice was there before");
        } else if let (Action::IssueCreditNote { invoice, .. }, false) = (action, is_invoice) {
            let lines = self.state.invoices.get_mut(invoice).map(|(_, row)| &mut row.lines);
            for (line, amount) in lines.into_iter().flatten().zip(amounts) {
                line.credited += amount;
                line.due = line.due.saturating_sub(*amount);
            }
        } else {
            self.wrong("form", "the outcome is not one of this action");
        }
    }

    /// After a refund: what invoices say too much is due to be credited, on the latest first.
    pub(super) fn owe_credit_for(&mut self, action: &Action) {
        let Action::Refund { payment: purchase, .. } = *action else { return };
        let Some(bought) = self.state.bought.get(&purchase) else { return };
        let mut over = self.standing(purchase).saturating_sub(kept(bought));
        let mut invoices: Vec<&mut (usize, Invoice)> = self.state.invoices.values_mut().collect();
        invoices.sort_by_key(|(place, _)| usize::MAX - place);
        let lines = invoices.into_iter().flat_map(|(_, invoice)| &mut invoice.lines);
        for line in lines.filter(|line| line.purchase == purchase) {
            let here = over.min(line.billed.saturating_sub(line.credited + line.due));
            line.due += here;
            over -= here;
        }
    }
}
