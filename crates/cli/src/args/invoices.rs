//! What a seller can ask for about invoices on the command line.

use super::Caller;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Commands about invoices.
#[derive(Debug, Subcommand)]
pub(crate) enum InvoiceCommand {
    /// Issue an invoice for what one buyer paid. The book gives its number and its amounts.
    Issue(InvoiceIssue),
    /// List invoices, newest first: the seller's or, with an owner's key, the buyer's.
    List(InvoiceList),
    /// Issue a credit note for all that was refunded of an invoice since.
    Credit(InvoiceCredit),
    /// Write an invoice or a credit note to a file, as PDF or XML.
    Get(InvoiceGet),
}

/// Whom to bill for what.
#[derive(Debug, Args)]
pub(crate) struct InvoiceIssue {
    /// A JSON file with `lines` (each with `purchase`, `text` and `tax`), `seller` and `buyer`.
    #[arg(value_name = "FILE")]
    pub(crate) said: PathBuf,
    #[command(flatten)]
    pub(crate) caller: Caller,
}

/// Which of them.
#[derive(Debug, Args)]
pub(crate) struct InvoiceList {
    #[command(flatten)]
    pub(crate) caller: Caller,
    /// Only those of which something was refunded that no credit note says.
    #[arg(long)]
    pub(crate) to_credit: bool,
}

/// Which invoice, and why.
#[derive(Debug, Args)]
pub(crate) struct InvoiceCredit {
    /// The invoice.
    #[arg(value_name = "INVOICE")]
    pub(crate) invoice: String,
    #[command(flatten)]
    pub(crate) caller: Caller,
    /// Why something went back.
    #[arg(long, value_name = "TEXT")]
    pub(crate) note: Option<String>,
}

/// Which paper, and where to.
#[derive(Debug, Args)]
pub(crate) struct InvoiceGet {
    /// The invoice (`inv_…`) or credit note (`crn_…`).
    #[arg(value_name = "INVOICE|NOTE")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) caller: Caller,
    /// In which form.
    #[arg(long, value_name = "FORM", default_value = "pdf")]
    pub(crate) form: PaperForm,
    /// A new file.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

/// A form of invoices.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum PaperForm {
    /// Pages to read and to print out.
    Pdf,
    /// UBL 2.1 in the core of EN 16931.
    Xml,
}
