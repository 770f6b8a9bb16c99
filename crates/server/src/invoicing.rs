//! Papers of invoices and credit notes: what the book decided and what the seller said of it, put together.
//!
//! The book gives numbers and amounts, the bodies what the seller said. Once that is erased there is no paper any more,
//! while the numbers and amounts stand.

use crate::answer::purchase_name;
use crate::codes::Edge;
use crate::problem::{Answered, Problem};
use crate::state::State;
use book::{Amount, Asset, CreditNoteId, Id, InvoiceId, KeyHolder, OwnerId, PayeeId, Reject, Time};
use engine::View;
use engine::views::{CreditNoteRow, Form, InvoiceRow};
use evidence::Hash;
use invoice::{Bill, Kind, Language, Line, Party, Tax};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::de::DeserializeOwned;
use wire::invoice::{CreditNoteDocument, InvoiceDocument};

/// What stands before the number where the seller says nothing.
pub const INVOICE_PREFIX: &str = "INV-";
/// Of a credit note.
pub const CREDIT_NOTE_PREFIX: &str = "CRN-";

/// In which form a paper is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paper {
    /// PDF, to read and to print out.
    Pdf,
    /// XML: UBL 2.1 in the core of EN 16931.
    Xml,
}

impl Paper {
    /// Every form.
    pub const ALL: &'static [Paper] = &[Paper::Pdf, Paper::Xml];

    /// How the name of its file ends.
    pub fn ending(self) -> &'static str {
        match self {
            Paper::Pdf => ".pdf",
            Paper::Xml => ".xml",
        }
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Paper::Pdf => "application/pdf",
            Paper::Xml => "application/xml",
        }
    }

    /// Its bytes.
    ///
    /// # Errors
    /// [`Edge::PaperUnavailable`] where the bill has no such form, and says why.
    pub fn print(self, bill: &Bill) -> Answered<Vec<u8>> {
        match self {
            Paper::Pdf => invoice::pdf::write(bill).map_err(unavailable),
            Paper::Xml => invoice::ubl::write(bill).map(String::into_bytes).map_err(unavailable),
        }
    }
}

/// The day of the calendar, in UTC.
pub fn day(at: Time) -> Date {
    let stamp = Timestamp::from_nanosecond(i128::from(at.0)).unwrap_or(Timestamp::MAX);
    stamp.to_zoned(TimeZone::UTC).date()
}

/// A party as the papers have it.
pub fn party(id: String, said: &wire::invoice::Party) -> Party {
    Party {
        id,
        name: said.name.clone(),
        street: said.street.clone(),
        city: said.city.clone(),
        postcode: said.postcode.clone(),
        country: said.country.clone(),
        vat_id: said.vat_id.clone(),
        registration: said.registration.clone(),
    }
}

/// A tax as the papers have it.
pub fn tax(said: &wire::invoice::Tax) -> Tax {
    match said {
        wire::invoice::Tax::Standard { rate_ppm } => Tax::Standard { rate_ppm: *rate_ppm },
        wire::invoice::Tax::Zero => Tax::Zero,
        wire::invoice::Tax::Exempt { reason } => Tax::Exempt { reason: reason.clone() },
        wire::invoice::Tax::ReverseCharge => Tax::ReverseCharge,
        wire::invoice::Tax::Outside => Tax::Outside,
    }
}

fn unavailable(wrong: invoice::Wrong) -> Problem {
    Problem::from(Edge::PaperUnavailable).because(format!("There is none because: {wrong}."))
}

impl State {
    /// What is kept under `digest`, if it was not erased.
    pub(crate) fn said<T: DeserializeOwned>(&self, digest: Hash) -> Answered<Option<T>> {
        let text = self.bodies.text(digest).map_err(|fault| {
            tracing::error!(%fault, "a text cannot be read");
            Problem::from(Edge::Internal)
        })?;
        text.map(|text| serde_json::from_str(&text)).transpose().map_err(|fault| {
            tracing::error!(%fault, "a text is not what was kept");
            Edge::Internal.into()
        })
    }

    /// An invoice, if `viewer` may see it: its seller, its buyer, and the operator.
    ///
    /// # Errors
    /// [`Reject::InvoiceUnknown`].
    pub fn invoice(&self, view: &View, viewer: KeyHolder, id: InvoiceId) -> Answered<InvoiceRow> {
        let row = view.invoice(id)?.filter(|row| sees_bill(viewer, row.payee, row.owner));
        row.ok_or_else(|| Reject::InvoiceUnknown.into())
    }

    /// A credit note, if `viewer` may see it.
    ///
    /// # Errors
    /// [`Reject::InvoiceUnknown`].
    pub fn credit_note(&self, view: &View, viewer: KeyHolder, id: CreditNoteId) -> Answered<CreditNoteRow> {
        let row = view.credit_note(id)?.filter(|row| sees_bill(viewer, row.payee, row.owner));
        row.ok_or_else(|| Reject::InvoiceUnknown.into())
    }

    /// The number of an invoice as printed.
    ///
    /// # Errors
    /// [`Edge::Internal`] where what the seller said cannot be read.
    pub fn invoice_number(&self, row: &InvoiceRow) -> Answered<String> {
        let said: Option<InvoiceDocument> = self.said(row.document)?;
        let prefix = said.map_or(INVOICE_PREFIX.to_owned(), |said| said.prefix);
        Ok(format!("{prefix}{}", row.number))
    }

    /// The number of a credit note as printed.
    ///
    /// # Errors
    /// [`Edge::Internal`] where what the seller said cannot be read.
    pub fn credit_note_number(&self, row: &CreditNoteRow) -> Answered<String> {
        let said: Option<CreditNoteDocument> = self.said(row.document)?;
        let prefix = said.map_or(CREDIT_NOTE_PREFIX.to_owned(), |said| said.prefix);
        Ok(format!("{prefix}{}", row.number))
    }

    /// An invoice as its paper has it.
    ///
    /// # Errors
    /// [`Edge::PaperUnavailable`] once what the seller said was erased.
    pub fn invoice_bill(&self, view: &View, row: &InvoiceRow) -> Answered<Bill> {
        let document: InvoiceDocument = self.said(row.document)?.ok_or_else(erased)?;
        let amounts: Vec<Amount> = view.invoice_lines(row.seq)?.into_iter().map(|line| line.amount).collect();
        self.bill(view, row, &document, &amounts)
    }

    /// A credit note as its paper has it: the lines of the invoice of which something went back.
    ///
    /// # Errors
    /// [`Edge::PaperUnavailable`] once what the seller said was erased.
    pub fn credit_note_bill(&self, view: &View, row: &CreditNoteRow) -> Answered<Bill> {
        let invoice = view.invoice(row.invoice)?.ok_or(Problem::from(Edge::Internal))?;
        let document: InvoiceDocument = self.said(invoice.document)?.ok_or_else(erased)?;
        let said: CreditNoteDocument = self.said(row.document)?.ok_or_else(erased)?;
        let amounts = view.credit_note_amounts(row.seq)?;
        let of = self.bill(view, &invoice, &document, &amounts)?;
        Ok(Bill {
            kind: Kind::CreditNote { of: of.printed_number(), issued: of.date },
            prefix: said.prefix,
            number: row.number,
            date: day(row.at),
            note: said.note,
            ..of
        })
    }

    fn bill(
        &self,
        view: &View,
        row: &InvoiceRow,
        document: &InvoiceDocument,
        amounts: &[Amount],
    ) -> Answered<Bill> {
        let asset: Asset = self.directory.asset(row.asset).ok_or(Problem::from(Edge::Internal))?;
        let mut lines = Vec::new();
        let rows = view.invoice_lines(row.seq)?;
        for ((line, amount), (text, taxed)) in rows.iter().zip(amounts).zip(&document.lines) {
            if !amount.is_zero() {
                let purchase = self.purchase_called(view, line.purchase)?;
                lines.push(Line { purchase, text: text.clone(), gross: amount.minor(), tax: tax(taxed) });
            }
        }
        Ok(Bill {
            kind: Kind::Invoice,
            prefix: document.prefix.clone(),
            number: row.number,
            date: day(row.at),
            currency: asset.code.as_str().to_owned(),
            scale: asset.scale,
            seller: party(row.payee.to_string(), &document.seller),
            buyer: party(row.owner.to_string(), &document.buyer),
            lines,
            note: document.note.clone(),
            language: match document.language {
                wire::invoice::Language::En => Language::English,
                wire::invoice::Language::Zh => Language::Chinese,
            },
        })
    }

    /// The name of a purchase with its kind.
    pub(crate) fn purchase_called(&self, view: &View, purchase: Id) -> Answered<String> {
        let form = view.purchase(purchase)?.map_or(Form::Payment, |row| row.form);
        Ok(purchase_name(purchase, form))
    }
}

fn erased() -> Problem {
    Problem::from(Edge::PaperUnavailable).because("What the seller said of it was erased.".to_owned())
}

fn sees_bill(viewer: KeyHolder, payee: PayeeId, owner: OwnerId) -> bool {
    match viewer {
        KeyHolder::Operator => true,
        KeyHolder::Owner(viewer) => viewer == owner,
        KeyHolder::Payee(viewer) => viewer == payee,
        KeyHolder::Agent(_) => false,
    }
}
