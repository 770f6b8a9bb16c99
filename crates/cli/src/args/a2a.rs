//! What can be asked about A2A on the command line.

use super::PurchaseArgs;
use clap::{Args, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;
use url::Url;

/// Commands about A2A.
#[derive(Debug, Subcommand)]
pub(crate) enum A2aCommand {
    /// Say something to an agent, and pay for what it does: once for each purchase key, whatever happens.
    Call(A2aCall),
}

/// What is said to whom, and what it may cost.
#[derive(Debug, Args)]
pub(crate) struct A2aCall {
    /// Where the agent is: its scheme, host and port.
    #[arg(value_name = "URL")]
    pub(crate) at: Url,
    /// The skill; the agent's first, where nothing is said.
    #[arg(long, value_name = "ID")]
    pub(crate) skill: Option<String>,
    /// What is said, in words.
    #[arg(long, value_name = "TEXT", required_unless_present = "data")]
    pub(crate) message: Option<String>,
    /// What is said, as JSON.
    #[arg(long, value_name = "JSON")]
    pub(crate) data: Option<String>,
    #[command(flatten)]
    pub(crate) purchase: PurchaseArgs,
    /// Where to remember purchases and agents; by default `~/.tollbridge/purchases`.
    #[arg(long, value_name = "DIR", env = "TOLLBRIDGE_PURCHASES")]
    pub(crate) purchases: Option<PathBuf>,
}

/// Which skills, for how much, and where they are offered.
#[derive(Debug, Args)]
pub(crate) struct SellerA2a {
    /// What is sold, for how much, whose it is, and the service that does the work: a TOML file.
    #[arg(long, value_name = "FILE", default_value = "prices.toml")]
    pub(crate) config: PathBuf,
    /// What the agent says of itself and its skills: a TOML file.
    #[arg(long, value_name = "FILE", default_value = "agent.toml")]
    pub(crate) profile: PathBuf,
    /// Where the agent listens.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8411")]
    pub(crate) listen: SocketAddr,
}
