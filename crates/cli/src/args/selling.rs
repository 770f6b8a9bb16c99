//! What a seller can ask for on the command line.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Commands of sellers.
#[derive(Debug, Subcommand)]
pub(crate) enum SellerCommand {
    /// Draw a key for a service, keep it in a file, and print the line that the seller's page takes.
    Key(SellerKey),
    /// Suggest a price list for a service from its OpenAPI description. It can be served as it is.
    Init(SellerInit),
    /// Show what the calls of an access log would have earned under a price list.
    Plan(SellerPlan),
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
