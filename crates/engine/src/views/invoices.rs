//! Invoices and credit notes: what a seller billed to whom, what it took back, and what it still has to.

use crate::views::ViewsFault;
use crate::views::activity::Touched;
use crate::views::batch::{Batch, lower, raise};
use crate::views::reader::{Page, View};
use crate::views::rows::PurchaseRow;
use crate::views::stored::{Columns, stored};
use book::{
    Action, Actor, Amount, Billed, Code, CreditNoteId, Entry, Id, InvoiceId, IssueCreditNote, IssueInvoice,
    Outcome, OwnerId, PayeeId, Seq, Time, WalletId,
};
use evidence::Hash;

macro_rules! select_invoice {
    ($rest:literal) => {
        concat!(
            "SELECT i.seq, i.at, i.id, i.payee, i.owner, i.wallet, i.asset, i.number, i.amount, i.credited, i.to_credit,
             i.document FROM invoices i",
            $rest
        )
    };
}

macro_rules! select_credit_note {
    ($rest:literal) => {
        concat!(
            "SELECT c.seq, c.at, c.id, c.invoice, c.payee, c.owner, c.asset, c.number, c.amount, c.document
             FROM credit_notes c",
            $rest
        )
    };
}

/// An invoice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvoiceRow {
    /// The entry that issued it.
    pub seq: Seq,
    /// When.
    pub at: Time,
    /// Its name.
    pub id: InvoiceId,
    /// The seller.
    pub payee: PayeeId,
    /// The buyer.
    pub owner: OwnerId,
    /// A wallet of the buyer's: that of the first purchase.
    pub wallet: WalletId,
    /// What was paid with.
    pub asset: Code,
    /// Its number among the seller's invoices.
    pub number: u64,
    /// What it comes to.
    pub amount: Amount,
    /// What credit notes took back.
    pub credited: Amount,
    /// What was refunded and waits for a credit note.
    pub to_credit: Amount,
    /// The digest of the parties, texts and taxes.
    pub document: Hash,
}

impl InvoiceRow {
    fn read(columns: &mut Columns<'_>) -> rusqlite::Result<InvoiceRow> {
        Ok(InvoiceRow {
            seq: columns.next()?,
            at: columns.next()?,
            id: columns.next()?,
            payee: columns.next()?,
            owner: columns.next()?,
            wallet: columns.next()?,
            asset: columns.next()?,
            number: columns.next()?,
            amount: columns.next()?,
            credited: columns.next()?,
            to_credit: columns.next()?,
            document: columns.next()?,
        })
    }
}

/// A purchase on an invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvoiceLineRow {
    /// Its place, from 0.
    pub line: u32,
    /// The payment, hold or meter.
    pub purchase: Id,
    /// What the invoice says of it.
    pub amount: Amount,
    /// What credit notes took back.
    pub credited: Amount,
    /// What was refunded and waits for a credit note.
    pub to_credit: Amount,
}

impl InvoiceLineRow {
    fn read(columns: &mut Columns<'_>) -> rusqlite::Result<InvoiceLineRow> {
        Ok(InvoiceLineRow {
            line: columns.next()?,
            purchase: columns.next()?,
            amount: columns.next()?,
            credited: columns.next()?,
            to_credit: columns.next()?,
        })
    }

    /// What of it is billed and stays so.
    fn stands(&self) -> Amount {
        self.amount.saturating_sub(self.credited).saturating_sub(self.to_credit)
    }
}

/// A credit note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditNoteRow {
    /// The entry that issued it.
    pub seq: Seq,
    /// When.
    pub at: Time,
    /// Its name.
    pub id: CreditNoteId,
    /// What it takes back from.
    pub invoice: InvoiceId,
    /// The seller.
    pub payee: PayeeId,
    /// The buyer.
    pub owner: OwnerId,
    /// What was paid with.
    pub asset: Code,
    /// Its number among the seller's credit notes.
    pub number: u64,
    /// What it comes to.
    pub amount: Amount,
    /// The digest of why.
    pub document: Hash,
}

impl CreditNoteRow {
    fn read(columns: &mut Columns<'_>) -> rusqlite::Result<CreditNoteRow> {
        Ok(CreditNoteRow {
            seq: columns.next()?,
            at: columns.next()?,
            id: columns.next()?,
            invoice: columns.next()?,
            payee: columns.next()?,
            owner: columns.next()?,
            asset: columns.next()?,
            number: columns.next()?,
            amount: columns.next()?,
            document: columns.next()?,
        })
    }
}

impl View {
    /// An invoice.
    pub fn invoice(&self, id: InvoiceId) -> Result<Option<InvoiceRow>, ViewsFault> {
        self.find(select_invoice!(" WHERE i.id = ?1"), stored![id], InvoiceRow::read)
    }

    /// The purchases on an invoice, in its order.
    pub fn invoice_lines(&self, invoice: Seq) -> Result<Vec<InvoiceLineRow>, ViewsFault> {
        let query = "SELECT line, purchase, amount, credited, to_credit FROM invoice_lines WHERE invoice = ?1
             ORDER BY line";
        self.all(query, stored![invoice], InvoiceLineRow::read)
    }

    /// The invoices that a seller issued, newest first.
    pub fn invoices_of_payee(
        &self,
        payee: PayeeId,
        cursor: Option<Seq>,
        limit: usize,
    ) -> Result<Page<InvoiceRow>, ViewsFault> {
        let query = select_invoice!(" WHERE i.payee = ?3 AND i.seq <= ?1 ORDER BY i.seq DESC LIMIT ?2");
        self.page(query, Some(payee.0), cursor, limit, InvoiceRow::read, |row| row.seq)
    }

    /// Those of them that say more than was kept, newest first.
    pub fn invoices_to_credit(
        &self,
        payee: PayeeId,
        cursor: Option<Seq>,
        limit: usize,
    ) -> Result<Page<InvoiceRow>, ViewsFault> {
        let query = select_invoice!(
            " WHERE i.payee = ?3 AND i.to_credit <> 0 AND i.seq <= ?1 ORDER BY i.seq DESC LIMIT ?2"
        );
        self.page(query, Some(payee.0), cursor, limit, InvoiceRow::read, |row| row.seq)
    }

    /// The invoices to a buyer, newest first.
    pub fn invoices_of_owner(
        &self,
        owner: OwnerId,
        cursor: Option<Seq>,
        limit: usize,
    ) -> Result<Page<InvoiceRow>, ViewsFault> {
        let query = select_invoice!(" WHERE i.owner = ?3 AND i.seq <= ?1 ORDER BY i.seq DESC LIMIT ?2");
        self.page(query, Some(owner.0), cursor, limit, InvoiceRow::read, |row| row.seq)
    }

    /// The invoices that a purchase is on, in their order.
    pub fn invoices_of_purchase(&self, purchase: Id) -> Result<Vec<InvoiceRow>, ViewsFault> {
        let query = select_invoice!(
            " WHERE i.seq IN (SELECT l.invoice FROM invoice_lines l WHERE l.purchase = ?1) ORDER BY i.seq"
        );
        self.all(query, stored![purchase], InvoiceRow::read)
    }

    /// A credit note.
    pub fn credit_note(&self, id: CreditNoteId) -> Result<Option<CreditNoteRow>, ViewsFault> {
        self.find(select_credit_note!(" WHERE c.id = ?1"), stored![id], CreditNoteRow::read)
    }

    /// What a credit note takes back of each line of its invoice, in their order.
    pub fn credit_note_amounts(&self, note: Seq) -> Result<Vec<Amount>, ViewsFault> {
        let query = "SELECT amount FROM credit_note_lines WHERE note = ?1 ORDER BY line";
        self.all(query, stored![note], |columns| columns.next())
    }

    /// The credit notes that a seller issued, newest first.
    pub fn credit_notes_of_payee(
        &self,
        payee: PayeeId,
        cursor: Option<Seq>,
        limit: usize,
    ) -> Result<Page<CreditNoteRow>, ViewsFault> {
        let query = select_credit_note!(" WHERE c.payee = ?3 AND c.seq <= ?1 ORDER BY c.seq DESC LIMIT ?2");
        self.page(query, Some(payee.0), cursor, limit, CreditNoteRow::read, |row| row.seq)
    }

    /// The credit notes to a buyer, newest first.
    pub fn credit_notes_of_owner(
        &self,
        owner: OwnerId,
        cursor: Option<Seq>,
        limit: usize,
    ) -> Result<Page<CreditNoteRow>, ViewsFault> {
        let query = select_credit_note!(" WHERE c.owner = ?3 AND c.seq <= ?1 ORDER BY c.seq DESC LIMIT ?2");
        self.page(query, Some(owner.0), cursor, limit, CreditNoteRow::read, |row| row.seq)
    }
}

impl Batch<'_> {
    /// Whom an invoice would concern: whoever paid for the first purchase on it.
    pub(super) fn concerns_bill(&self, it: &IssueInvoice, touched: &mut Touched) -> Result<(), ViewsFault> {
        let Some(first) = it.purchases.first() else { return Ok(()) };
        touched.about = Some(*first);
        touched.amount = it.total;
        if let Some(bought) = self.purchase(*first)? {
            touched.wallet = Some(bought.purchase.wallet);
            touched.asset = Some(bought.purchase.asset);
        }
        Ok(())
    }

    /// Whom a credit note concerns: whom its invoice is to.
    pub(super) fn concerns_invoice(
        &self,
        it: &IssueCreditNote,
        touched: &mut Touched,
    ) -> Result<(), ViewsFault> {
        touched.about = Some(it.invoice.0);
        touched.amount = it.total;
        if let Some(row) = self.invoice(it.invoice)? {
            (touched.owner, touched.wallet) = (Some(row.owner), Some(row.wallet));
            touched.asset = Some(row.asset);
        }
        Ok(())
    }

    fn invoice(&self, id: InvoiceId) -> Result<Option<InvoiceRow>, ViewsFault> {
        self.find(select_invoice!(" WHERE i.id = ?1"), stored![id], InvoiceRow::read)
    }

    /// Notes what was issued.
    pub(super) fn issue(&mut self, entry: &Entry, touched: &mut Touched) -> Result<(), ViewsFault> {
        match (&entry.command.action, &entry.outcome) {
            (Action::IssueInvoice(it), Outcome::Invoiced(billed)) => {
                touched.amount = Some(billed.total());
                self.issue_invoice(entry, it, billed, touched)
            }
            (Action::IssueCreditNote(it), Outcome::Credited(billed)) => {
                touched.amount = Some(billed.total());
                self.issue_credit_note(entry, it, billed)
            }
            _ => Err(self.disagrees()),
        }
    }

    fn issue_invoice(
        &self,
        entry: &Entry,
        it: &IssueInvoice,
        billed: &Billed,
        touched: &Touched,
    ) -> Result<(), ViewsFault> {
        let Actor::Payee { payee, .. } = entry.command.by else { return Err(self.disagrees()) };
        let nothing = Amount::ZERO;
        self.run(
            "INSERT INTO invoices VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, ?11)",
            stored![
                entry.seq,
                entry.at,
                entry.command.id,
                payee,
                touched.owner,
                touched.wallet,
                touched.asset,
                billed.number,
                billed.total(),
                nothing,
                it.document,
            ],
        )?;
        for ((line, purchase), amount) in (0u32..).zip(&it.purchases).zip(&billed.amounts) {
            self.run(
                "INSERT INTO invoice_lines VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
                stored![entry.seq, line, *purchase, *amount, nothing],
            )?;
        }
        Ok(())
    }

    fn issue_credit_note(
        &self,
        entry: &Entry,
        it: &IssueCreditNote,
        billed: &Billed,
    ) -> Result<(), ViewsFault> {
        let invoice = self.invoice(it.invoice)?.ok_or_else(|| self.disagrees())?;
        self.run(
            "INSERT INTO credit_notes VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            stored![
                entry.seq,
                entry.at,
                entry.command.id,
                it.invoice,
                invoice.payee,
                invoice.owner,
                invoice.asset,
                billed.number,
                billed.total(),
                it.document,
            ],
        )?;
        for (line, amount) in (0u32..).zip(&billed.amounts) {
            self.run("INSERT INTO credit_note_lines VALUES (?1, ?2, ?3)", stored![entry.seq, line, *amount])?;
            if !amount.is_zero() {
                self.change_line(invoice.seq, line, |row, seq| {
                    lower(&mut row.to_credit, *amount, seq)?;
                    raise(&mut row.credited, *amount, seq)
                })?;
            }
        }
        self.save_invoice(invoice, |row, seq| {
            lower(&mut row.to_credit, billed.total(), seq)?;
            raise(&mut row.credited, billed.total(), seq)
        })
    }

    /// Notes on the invoices of a purchase, the latest first, what a refund left them saying too much.
    pub(super) fn owe_credit(&mut self, bought: &PurchaseRow) -> Result<(), ViewsFault> {
        let on = self.lines_of(bought.id)?;
        let mut kept = Amount::ZERO;
        for part in &bought.parts {
            raise(&mut kept, part.paid.amount, self.seq)?;
        }
        lower(&mut kept, bought.refunded, self.seq)?;
        let mut over = Amount::ZERO;
        for (_, row) in &on {
            raise(&mut over, row.stands(), self.seq)?;
        }
        over = over.saturating_sub(kept);
        for (invoice, row) in on.into_iter().rev() {
            let here = over.min(row.stands());
            over = over.saturating_sub(here);
            if here.is_zero() {
                continue;
            }
            self.change_line(invoice.seq, row.line, |row, seq| raise(&mut row.to_credit, here, seq))?;
            self.save_invoice(invoice, |row, seq| raise(&mut row.to_credit, here, seq))?;
        }
        Ok(())
    }

    /// The lines that a purchase is on, in the order of their invoices.
    fn lines_of(&self, purchase: Id) -> Result<Vec<(InvoiceRow, InvoiceLineRow)>, ViewsFault> {
        let mut statement = self.connection.prepare_cached(
            "SELECT i.seq, i.at, i.id, i.payee, i.owner, i.wallet, i.asset, i.number, i.amount, i.credited, i.to_credit,
             i.document, l.line, l.purchase, l.amount, l.credited, l.to_credit
             FROM invoice_lines l JOIN invoices i ON i.seq = l.invoice WHERE l.purchase = ?1 ORDER BY i.seq",
        )?;
        let rows = statement.query_map(stored![purchase], |row| {
            let mut columns = Columns::of(row);
            Ok((InvoiceRow::read(&mut columns)?, InvoiceLineRow::read(&mut columns)?))
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn change_line(
        &self,
        invoice: Seq,
        line: u32,
        change: impl FnOnce(&mut InvoiceLineRow, Seq) -> Result<(), ViewsFault>,
    ) -> Result<(), ViewsFault> {
        let query = "SELECT line, purchase, amount, credited, to_credit FROM invoice_lines
             WHERE invoice = ?1 AND line = ?2";
        let row = self.find(query, stored![invoice, line], InvoiceLineRow::read)?;
        let mut row = row.ok_or_else(|| self.disagrees())?;
        change(&mut row, self.seq)?;
        self.run_one(
            "UPDATE invoice_lines SET credited = ?3, to_credit = ?4 WHERE invoice = ?1 AND line = ?2",
            stored![invoice, line, row.credited, row.to_credit],
        )
    }

    fn save_invoice(
        &self,
        mut row: InvoiceRow,
        change: impl FnOnce(&mut InvoiceRow, Seq) -> Result<(), ViewsFault>,
    ) -> Result<(), ViewsFault> {
        change(&mut row, self.seq)?;
        self.run_one(
            "UPDATE invoices SET credited = ?2, to_credit = ?3 WHERE seq = ?1",
            stored![row.seq, row.credited, row.to_credit],
        )
    }
}
