//! What a seller can ask for on the command line.

use super::invoices::InvoiceCommand;
use super::payouts::SellerPayout;
use super::{Caller, SellerA2a};
use clap::{Args, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use url::Url;

/// Commands of sellers.
#[derive(Debug, Subcommand)]
pub(crate) enum SellerCommand {
    /// Draw a key for a service, keep it in a file, and print the line that the seller's page takes.
    Key(SellerKey),
    /// Suggest a price list for a service from its OpenAPI description. It can be served as it is.
    Init(SellerInit),
    /// Show what the calls of an access log would have earned under a price list.
    Plan(SellerPlan),
    /// Write what came in and went out, for accounting programs. It is computed from the entries and has to come to the balance.
    Statement(SellerStatement),
    /// Compare a record of sales of one's own with the book, and list each row that differs.
    Reconcile(SellerReconcile),
    /// Issue invoices and credit notes for what was paid and refunded, list them, and write them to files.
    #[command(subcommand)]
    Invoice(InvoiceCommand),
    /// Offer a service as an agent that speaks A2A, with a price on each of its skills.
    #[command(name = "a2a")]
    A2a(SellerA2a),
    /// Put prices on the tools of an MCP server, which is not changed for it.
    Mcp(SellerMcp),
    /// A shop that agents can buy at.
    #[command(subcommand)]
    Shop(super::shops::SellerShop),
    /// Have what was collected paid out to a bank account.
    #[command(subcommand)]
    Payout(SellerPayout),
}

/// Which tools, for how much, and where they are offered.
#[derive(Debug, Args)]
pub(crate) struct SellerMcp {
    /// What is sold, for how much, and whose it is: a TOML file.
    #[arg(long, value_name = "FILE", default_value = "prices.toml")]
    pub(crate) config: PathBuf,
    /// Offer them over HTTP at this address, at the path `/mcp`; otherwise to one client, over standard input and output.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
    /// The server whose tools they are, at an address of streamable HTTP.
    #[arg(long, value_name = "URL", conflicts_with = "program", required_unless_present = "program")]
    pub(crate) upstream: Option<Url>,
    /// Agree to its tools as they are now: those that changed since you agreed are sold again.
    #[arg(long)]
    pub(crate) agree: bool,
    /// The same as a program with its arguments, which speaks over standard input and output.
    #[arg(last = true, value_name = "PROGRAM")]
    pub(crate) program: Vec<OsString>,
}

/// Which days, and in which form.
#[derive(Debug, Args)]
pub(crate) struct SellerStatement {
    #[command(flatten)]
    pub(crate) caller: Caller,
    /// The first day, such as `2026-11-01`; without it, from the beginning.
    #[arg(long, value_name = "DAY")]
    pub(crate) from: Option<String>,
    /// The last day, all of it; without it, until now.
    #[arg(long, value_name = "DAY")]
    pub(crate) to: Option<String>,
    /// Whose days they are.
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    pub(crate) zone: String,
    /// In which form.
    #[arg(long, value_name = "FORM", default_value = "csv")]
    pub(crate) form: StatementForm,
    /// Write it here instead of to standard output.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// A form of statements.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum StatementForm {
    /// A line for each movement, for spreadsheets.
    Csv,
    /// ISO 20022, camt.053.001.08, as banks give it.
    Camt053,
}

/// Whose record, of which days.
#[derive(Debug, Args)]
pub(crate) struct SellerReconcile {
    /// A CSV file with a column `id`, a sale's name, and a column `amount`, what it came to after refunds.
    #[arg(value_name = "FILE")]
    pub(crate) record: PathBuf,
    #[command(flatten)]
    pub(crate) caller: Caller,
    /// The first day, such as `2026-11-01`; without it, from the beginning.
    #[arg(long, value_name = "DAY")]
    pub(crate) from: Option<String>,
    /// The last day, all of it; without it, until now.
    #[arg(long, value_name = "DAY")]
    pub(crate) to: Option<String>,
    /// Whose days they are.
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    pub(crate) zone: String,
}

/// Where the key is kept.
#[derive(Debug, Args)]
pub(crate) struct SellerKey {
    /// A new file for the key, which only its owner may read.
    #[arg(long, value_name = "FILE", default_value = "seller.json")]
    pub(crate) save: PathBuf,
}

/// What is sold, and whose it is.
#[derive(Debug, Args)]
pub(crate) struct SellerInit {
    /// The service: its scheme, host and port.
    #[arg(long, value_name = "URL")]
    pub(crate) upstream: String,
    /// Its OpenAPI description, in JSON or YAML.
    #[arg(long, value_name = "FILE")]
    pub(crate) openapi: PathBuf,
    /// A new file for the price list.
    #[arg(long, value_name = "FILE", default_value = "prices.toml")]
    pub(crate) out: PathBuf,
    /// Write over the file if it is there.
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// The payment service.
    #[arg(long, value_name = "URL", env = "TOLLBRIDGE_SERVER", default_value = "http://127.0.0.1:8402")]
    pub(crate) server: String,
    /// The seller's key file, as seen from the price list.
    #[arg(long, value_name = "FILE", default_value = "seller.json")]
    pub(crate) key: PathBuf,
    /// The seller; by default the payment service is asked whose key it is.
    #[arg(long, value_name = "PAYEE", requires = "asset")]
    pub(crate) payee: Option<String>,
    /// What prices are in, such as `CNY/2`; by default what the seller collects.
    #[arg(long, value_name = "ASSET", requires = "payee")]
    pub(crate) asset: Option<String>,
    /// The payment service moves real money. Only with `--payee`; otherwise it is asked.
    #[arg(long, requires = "payee")]
    pub(crate) live: bool,
    /// Where buyers find it.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8410")]
    pub(crate) public_url: String,
    /// What reading costs, such as `0.01`; by default a hundredth.
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) read: Option<String>,
    /// What writing costs; by default ten times that.
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) write: Option<String>,
}

/// Which calls, and which prices.
#[derive(Debug, Args)]
pub(crate) struct SellerPlan {
    /// An access log: common or combined format, or lines of JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) log: PathBuf,
    /// The price list.
    #[arg(long, value_name = "FILE", default_value = "prices.toml")]
    pub(crate) config: PathBuf,
}
