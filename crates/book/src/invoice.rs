//! Invoices and credit notes: what a seller says on paper of what it was paid, once, under numbers without a gap.
//!
//! The book gives the amount and the number. An invoice says of each of its purchases what was paid, not refunded, and not
//! on an invoice before; what is refunded afterwards is due to be credited, and listed until a credit note says so. The
//! buyer, the texts and the taxes are in a document that the book knows by its digest: amounts here are what was paid,
//! taxes included.

use crate::book::{Book, Decision};
use crate::canon::canon_struct;
use crate::command::Actor;
use crate::entry::{Denial, Outcome, Refusal, Reject, RuleRef};
use crate::id::{Id, InvoiceId, PayeeId};
use crate::limits::INVOICE_LINES_MAX;
use crate::money::Amount;
use crate::open::deny;
use crate::record::{Bill, Record};
use crate::table::Slot;
use evidence::Hash;

/// Bills what one buyer paid the seller. The command's id becomes the [`InvoiceId`]. For the seller that leads the purchases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssueInvoice {
    /// Payments, captured holds, settled meters and paid periods of one owner's wallets; each once.
    pub purchases: Vec<Id>,
    /// What the seller expects it to come to. The book's own sum counts: another expectation is denied.
    pub total: Option<Amount>,
    /// The digest of the parties, the texts and the tax rates.
    pub document: Hash,
}

canon_struct!(IssueInvoice { purchases, total, document });

/// Takes back what was refunded since it was billed. The command's id becomes the [`CreditNoteId`](crate::CreditNoteId).
/// For the seller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssueCreditNote {
    /// Against which invoice.
    pub invoice: InvoiceId,
    /// What the seller expects it to come to.
    pub total: Option<Amount>,
    /// The digest of why.
    pub document: Hash,
}

canon_struct!(IssueCreditNote { invoice, total, document });

/// What an invoice or a credit note says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Billed {
    /// Its number among the seller's invoices, or credit notes: the first is 1, and none is left out.
    pub number: u64,
    /// Of each purchase of the invoice, in its order.
    pub amounts: Vec<Amount>,
}

canon_struct!(Billed { number, amounts });

impl Billed {
    /// What it comes to.
    pub fn total(&self) -> Amount {
        total(&self.amounts).expect("decided: the sum fits")
    }
}

/// Where an invoice stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvoiceState {
    /// What it says.
    pub billed: Amount,
    /// What credit notes took back.
    pub credited: Amount,
    /// What was refunded and waits for a credit note.
    pub to_credit: Amount,
}

/// An invoice.
#[derive(Debug)]
pub(crate) struct Invoice {
    seller: Slot,
    lines: Vec<Line>,
}

canon_struct!(Invoice { seller, lines });

/// What it says of one purchase.
#[derive(Clone, Copy, Debug)]
struct Line {
    billed: Amount,
    credited: Amount,
    to_credit: Amount,
}

canon_struct!(Line { billed, credited, to_credit });

impl Line {
    /// What of the purchase is billed and stays so.
    fn stands(&self) -> Amount {
        self.billed.saturating_sub(self.credited).saturating_sub(self.to_credit)
    }
}

impl IssueInvoice {
    /// Whether it names its purchases well: at least one, not too many, and each once.
    pub(crate) fn is_well_formed(&self) -> bool {
        let mut sorted = self.purchases.clone();
        sorted.sort_unstable();
        let twice = sorted.iter().zip(sorted.iter().skip(1)).any(|(one, next)| one == next);
        (1..=INVOICE_LINES_MAX).contains(&sorted.len()) && !twice
    }

    pub(crate) fn decide(&self, book: &Book, id: Id, by: Actor) -> Decision {
        let seller = match book.seller(by) {
            Ok(seller) => seller,
            Err(no) => return no,
        };
        if book.invoices.get(id).is_some() {
            return Decision::Reject(Reject::AlreadyExists);
        }
        let mut buyer = None;
        let mut amounts = Vec::with_capacity(self.purchases.len());
        for purchase in &self.purchases {
            let Some((record, payer)) = book.sale(*purchase, seller) else {
                return Decision::Reject(Reject::PaymentUnknown);
            };
            let owner = book.wallets.at(payer).owner;
            if *buyer.get_or_insert(owner) != owner {
                return Decision::Reject(Reject::BuyersDiffer);
            }
            amounts.push(book.unbilled(record));
        }
        if amounts.iter().any(|amount| amount.is_zero()) {
            return deny(Denial::NothingToInvoice);
        }
        let number = book.payees.at(seller).invoices.saturating_add(1);
        bill(number, amounts, self.total, Outcome::Invoiced)
    }

    pub(crate) fn apply(&self, book: &mut Book, id: Id, by: Actor, billed: &Billed) {
        let seller = issuer(book, by);
        let row = book.payees.at_mut(seller);
        assert!(row.invoices.checked_add(1) == Some(billed.number), "I11: numbers have no gap");
        row.invoices = billed.number;
        let line =
            |billed: &Amount| Line { billed: *billed, credited: Amount::ZERO, to_credit: Amount::ZERO };
        let lines = billed.amounts.iter().map(line).collect();
        let invoice = book.invoices.insert(id, Invoice { seller, lines });
        for (line, purchase) in (0u32..).zip(&self.purchases) {
            let record = book.records.get_mut(*purchase).expect("decided: the purchase is known");
            record.add_bill(Bill { invoice, line });
        }
    }
}

impl IssueCreditNote {
    pub(crate) fn decide(&self, book: &Book, by: Actor) -> Decision {
        let seller = match book.seller(by) {
            Ok(seller) => seller,
            Err(no) => return no,
        };
        let Some(invoice) = book.invoices.get(self.invoice.0).filter(|row| row.seller == seller) else {
            return Decision::Reject(Reject::InvoiceUnknown);
        };
        let amounts: Vec<Amount> = invoice.lines.iter().map(|line| line.to_credit).collect();
        if amounts.iter().all(|amount| amount.is_zero()) {
            return deny(Denial::NothingToCredit);
        }
        let number = book.payees.at(seller).credit_notes.saturating_add(1);
        bill(number, amounts, self.total, Outcome::Credited)
    }

    pub(crate) fn apply(&self, book: &mut Book, by: Actor, billed: &Billed) {
        let seller = issuer(book, by);
        let row = book.payees.at_mut(seller);
        assert!(row.credit_notes.checked_add(1) == Some(billed.number), "I11: numbers have no gap");
        row.credit_notes = billed.number;
        let invoice = book.invoices.get_mut(self.invoice.0).expect("decided: the invoice is known");
        for (line, amount) in invoice.lines.iter_mut().zip(&billed.amounts) {
            line.to_credit = line.to_credit.checked_sub(*amount).expect("decided: it is to be credited");
            line.credited = line.credited.checked_add(*amount).expect("I11: no more than was billed");
        }
    }
}

/// The answer that gives `number` to `amounts`, unless another sum was expected.
fn bill(
    number: u64,
    amounts: Vec<Amount>,
    expected: Option<Amount>,
    outcome: fn(Billed) -> Outcome,
) -> Decision {
    let Some(total) = total(&amounts) else {
        return Decision::Reject(Reject::AmountTooLarge);
    };
    if expected.is_some_and(|expected| expected != total) {
        let denial = Denial::BillTotalDiffers;
        return Decision::Record(Outcome::Denied(Refusal {
            rule: RuleRef::BOOK,
            denial,
            remaining: Some(total),
        }));
    }
    Decision::Record(outcome(Billed { number, amounts }))
}

fn total(amounts: &[Amount]) -> Option<Amount> {
    amounts.iter().try_fold(Amount::ZERO, |sum, amount| sum.checked_add(*amount))
}

fn issuer(book: &Book, by: Actor) -> Slot {
    let Actor::Payee { payee: PayeeId(payee), .. } = by else { panic!("decided: a seller asks") };
    book.payees.find(payee).expect("decided: the seller is known")
}

impl Book {
    /// Where an invoice stands.
    pub fn invoice(&self, id: InvoiceId) -> Option<InvoiceState> {
        let lines = &self.invoices.get(id.0)?.lines;
        let sum = |of: fn(&Line) -> Amount| {
            lines.iter().fold(Amount::ZERO, |sum, line| sum.saturating_add(of(line)))
        };
        Some(InvoiceState {
            billed: sum(|line| line.billed),
            credited: sum(|line| line.credited),
            to_credit: sum(|line| line.to_credit),
        })
    }

    /// What was paid to `seller` first of all, and the wallet it came from.
    fn sale(&self, purchase: Id, seller: Slot) -> Option<(&Record, Slot)> {
        let record = self.records.get(purchase)?;
        let leads = record.parts().first().map(|part| part.payee) == Some(seller);
        record.payer().filter(|_| leads).map(|payer| (record, payer))
    }

    /// What of a purchase is on invoices, and stays there.
    fn billed(&self, record: &Record) -> Amount {
        let lines = record.bills().iter().filter_map(|bill| self.invoices.at(bill.invoice).line(bill.line));
        lines.fold(Amount::ZERO, |sum, line| sum.saturating_add(line.stands()))
    }

    /// What of a purchase was paid, not refunded, and is on no invoice.
    fn unbilled(&self, record: &Record) -> Amount {
        record.kept().saturating_sub(self.billed(record))
    }

    /// Notes on the invoices of a purchase, the latest first, what a refund left them saying too much.
    pub(crate) fn owe_credit(&mut self, purchase: Id) {
        let record = self.records.get(purchase).expect("decided: the payment is known");
        let mut over = self.billed(record).saturating_sub(record.kept());
        let bills = record.bills().to_vec();
        for Bill { invoice, line } in bills.into_iter().rev() {
            let Some(line) = self.invoices.at_mut(invoice).line_mut(line) else { continue };
            let here = over.min(line.stands());
            line.to_credit = line.to_credit.checked_add(here).expect("I11: no more than was billed");
            over = over.saturating_sub(here);
        }
        assert!(over.is_zero(), "I11: what is billed was paid, or is to be credited");
    }
}

impl Invoice {
    fn line(&self, place: u32) -> Option<&Line> {
        usize::try_from(place).ok().and_then(|place| self.lines.get(place))
    }

    fn line_mut(&mut self, place: u32) -> Option<&mut Line> {
        usize::try_from(place).ok().and_then(|place| self.lines.get_mut(place))
    }
}
