//! What can be asked about language models.

use super::Caller;
use clap::{Args, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum LlmCommand {
    /// Write a configuration with every model that a service lists, and room for its prices.
    Init(Init),
    /// Sign the prices of a configuration, so that buyers can hold you to them.
    Sign(Sign),
    /// Sell calls by the token, in the shapes of OpenAI and Anthropic.
    Serve(Serve),
    /// Compare a provider's invoice with what was recorded, and list every row that differs, with the reason.
    Reconcile(Reconcile),
    /// Print a seller's keys as the payment service knows them, to verify bills with.
    Keys {
        /// The seller's account.
        #[arg(value_name = "PAYEE")]
        payee: String,
        #[command(flatten)]
        caller: Caller,
    },
    /// Pay a deposit, and print the address and key for any client of OpenAI's or Anthropic's.
    Connect(Connect),
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The service that has the models: scheme, host and port.
    #[arg(long, value_name = "URL")]
    pub(crate) base: String,
    /// The file to write.
    #[arg(long, short, value_name = "FILE", default_value = "models.toml")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Sign {
    /// What is sold, for how much, and whose it is: a TOML file.
    #[arg(value_name = "FILE", default_value = "models.toml")]
    pub(crate) config: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// What is sold, for how much, and whose it is: a TOML file.
    #[arg(long, value_name = "FILE", default_value = "models.toml")]
    pub(crate) config: PathBuf,
    /// Where to listen.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8420")]
    pub(crate) listen: SocketAddr,
}

#[derive(Debug, Args)]
pub(crate) struct Reconcile {
    /// The invoice: CSV with the columns `id`, `model`, `input_tokens`, `output_tokens` and perhaps `cached_tokens`.
    #[arg(value_name = "INVOICE")]
    pub(crate) invoice: PathBuf,
    /// What is sold, for how much, and whose it is: a TOML file.
    #[arg(long, value_name = "FILE", default_value = "models.toml")]
    pub(crate) config: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Connect {
    /// The gateway: scheme, host and port.
    pub(crate) url: String,
    /// How much to pay in advance, such as `5.00`. What is not used goes back.
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) deposit: String,
    #[command(flatten)]
    pub(crate) caller: Caller,
    /// Names the deposit: the same name pays once, and prints the same key again.
    #[arg(long, value_name = "KEY")]
    pub(crate) purchase: String,
    /// The wallet to pay from.
    #[arg(long, value_name = "WALLET", env = "TOLLBRIDGE_WALLET")]
    pub(crate) wallet: String,
    /// The mandate that allows it; without one, the agent's newest for this wallet, and where it has none its own limits.
    #[arg(long, value_name = "MANDATE")]
    pub(crate) mandate: Option<String>,
    /// Where to remember purchases; by default `~/.tollbridge/purchases`.
    #[arg(long, value_name = "DIR", env = "TOLLBRIDGE_PURCHASES")]
    pub(crate) purchases: Option<PathBuf>,
}
