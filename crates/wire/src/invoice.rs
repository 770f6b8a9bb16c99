//! Invoices and credit notes: what a seller bills of what it was paid, and takes back of what it refunded.

use crate::account::{answers, requests};
use crate::id::{CreditNoteId, Digest, InvoiceId, OwnerId, PayeeId};
use crate::money::{AmountText, Money};
use serde::{Deserialize, Serialize};

/// How a line is taxed. What was paid includes the tax.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Tax {
    /// At so many millionths: 190000 is 19 %.
    Standard {
        /// The rate, above 0 and at most 1000000.
        rate_ppm: u32,
    },
    /// At a rate of nothing.
    Zero,
    /// Exempt, for a reason.
    Exempt {
        /// Why, as the law says it.
        reason: String,
    },
    /// The buyer owes it.
    ReverseCharge,
    /// There is no tax on it, or the seller owes none. Then it is so of every line.
    #[default]
    Outside,
}

/// In which language labels are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Chinese.
    Zh,
}

/// Which page of invoices.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "schema", into_params(parameter_in = Query))]
#[serde(deny_unknown_fields)]
pub struct InvoicesQuery {
    /// Only those that say more than was kept, so that a credit note is due.
    #[serde(default)]
    pub to_credit: bool,
    /// How many, at most 100.
    #[serde(default = "crate::list::default_limit")]
    #[cfg_attr(feature = "schema", param(minimum = 1, maximum = 100, default = 20))]
    pub limit: u32,
    /// The `next_cursor` of the page before.
    #[cfg_attr(feature = "schema", param(pattern = "^[0-9A-Za-z_-]{1,64}$"))]
    pub cursor: Option<String>,
    /// Answer as soon as everything before this entry is shown; by default all that was answered until now is.
    pub at_least: Option<u64>,
}

requests! {
    /// A seller or a buyer, as its papers say.
    pub struct Party {
        /// Its name.
        pub name: String,
        /// Street and number, if it has any.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub street: Option<String>,
        /// The city.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub city: Option<String>,
        /// The post code.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub postcode: Option<String>,
        /// The country, by the two letters of ISO 3166-1.
        #[cfg_attr(feature = "schema", schema(pattern = "^[A-Z]{2}$"))]
        pub country: String,
        /// The number it is registered under for value added tax, with its country before it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub vat_id: Option<String>,
        /// The number it is registered under as a company, or for taxes where that is not value added tax.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub registration: Option<String>,
    }

    /// A purchase, and what is said of it.
    pub struct NewInvoiceLine {
        /// The payment, captured hold or settled meter.
        #[cfg_attr(feature = "schema", schema(pattern = "^(pay|hld|mtr|sub)_[0-7][0-9A-HJKMNP-TV-Z]{25}$"))]
        pub purchase: String,
        /// What was sold.
        pub text: String,
        /// How it is taxed.
        #[serde(default)]
        pub tax: Tax,
    }

    /// Bills what one buyer paid. The amounts and the number are the book's.
    pub struct NewInvoice {
        /// The invoice's name. Sending it again issues nothing again.
        pub id: InvoiceId,
        /// The purchases, each once; at most 1,000.
        pub lines: Vec<NewInvoiceLine>,
        /// What it is expected to come to, in smallest units; if it comes to another sum, none is issued.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub total: Option<AmountText>,
        /// Who sells.
        pub seller: Party,
        /// Who bought.
        pub buyer: Party,
        /// What stands before the number; `INV-` where nothing is said.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(pattern = "^[A-Za-z0-9/._-]{0,16}$"))]
        pub prefix: Option<String>,
        /// A remark.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub note: Option<String>,
        /// In which language it is printed.
        #[serde(default)]
        pub language: Language,
    }

    /// Takes back what was refunded of an invoice since it was issued.
    pub struct NewCreditNote {
        /// The credit note's name. Sending it again issues nothing again.
        pub id: CreditNoteId,
        /// Against which invoice.
        pub invoice: InvoiceId,
        /// What it is expected to come to, in smallest units; if it comes to another sum, none is issued.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub total: Option<AmountText>,
        /// What stands before the number; `CRN-` where nothing is said.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(pattern = "^[A-Za-z0-9/._-]{0,16}$"))]
        pub prefix: Option<String>,
        /// Why.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub note: Option<String>,
    }
}

answers! {
    /// An invoice or a credit note that was issued.
    pub struct Issued {
        /// Its name.
        pub id: String,
        /// `issued`.
        pub status: String,
        /// Its number in its series.
        pub number: u64,
        /// What it comes to, in smallest units.
        pub total: AmountText,
        /// What it says of each purchase of the invoice, in its order.
        pub amounts: Vec<AmountText>,
        /// The place in the journal.
        pub entry: u64,
        /// Whether this answers a request that was answered before.
        pub repeated: bool,
        /// Whether real money is meant.
        pub livemode: bool,
    }

    /// A purchase on an invoice.
    pub struct InvoiceLine {
        /// The payment, hold or meter.
        pub purchase: String,
        /// What the invoice says of it, with tax.
        pub amount: Money,
        /// What credit notes took back.
        pub credited: Money,
        /// What was refunded and waits for a credit note.
        pub to_credit: Money,
        /// What was sold. Absent once it was erased.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub text: Option<String>,
        /// How it is taxed. Absent once it was erased.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub tax: Option<Tax>,
    }

    /// An invoice as it stands.
    pub struct Invoice {
        /// Its name.
        pub id: InvoiceId,
        /// Its number as printed.
        pub printed_number: String,
        /// Its number in its series.
        pub number: u64,
        /// The seller.
        pub payee: PayeeId,
        /// The buyer.
        pub owner: OwnerId,
        /// What it comes to, with tax.
        pub total: Money,
        /// What credit notes took back.
        pub credited: Money,
        /// What was refunded and waits for a credit note.
        pub to_credit: Money,
        /// Its purchases; in lists they are left out.
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        pub lines: Vec<InvoiceLine>,
        /// Who sells. Absent once it was erased.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub seller: Option<Party>,
        /// Who bought. Absent once it was erased.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub buyer: Option<Party>,
        /// The digest of the parties, the texts and the taxes.
        pub document: Digest,
        /// The place in the journal.
        pub entry: u64,
        /// When it was issued.
        #[cfg_attr(feature = "schema", schema(format = DateTime))]
        pub at: String,
        /// Whether real money is meant.
        pub livemode: bool,
    }

    /// A credit note.
    pub struct CreditNote {
        /// Its name.
        pub id: CreditNoteId,
        /// Its number as printed.
        pub printed_number: String,
        /// Its number in its series.
        pub number: u64,
        /// The invoice that it takes back from.
        pub invoice: InvoiceId,
        /// The seller.
        pub payee: PayeeId,
        /// The buyer.
        pub owner: OwnerId,
        /// What it comes to, with tax.
        pub total: Money,
        /// Why. Absent once it was erased, and where nothing was said.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub note: Option<String>,
        /// The digest of why.
        pub document: Digest,
        /// The place in the journal.
        pub entry: u64,
        /// When it was issued.
        #[cfg_attr(feature = "schema", schema(format = DateTime))]
        pub at: String,
        /// Whether real money is meant.
        pub livemode: bool,
    }
}

/// What of an invoice is kept beside the journal, which has its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoiceDocument {
    /// Who sells.
    pub seller: Party,
    /// Who bought.
    pub buyer: Party,
    /// What is said of each purchase, in their order.
    pub lines: Vec<(String, Tax)>,
    /// What stands before the number.
    pub prefix: String,
    /// A remark.
    pub note: Option<String>,
    /// In which language it is printed.
    pub language: Language,
}

/// What of a credit note is kept beside the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreditNoteDocument {
    /// What stands before the number.
    pub prefix: String,
    /// Why.
    pub note: Option<String>,
}
