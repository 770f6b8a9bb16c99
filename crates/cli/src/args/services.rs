//! What can be asked about the market on the command line.

use super::Caller;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;
use wire::ServiceId;

/// Commands about services.
#[derive(Debug, Subcommand)]
pub(crate) enum ServiceCommand {
    /// Offer a service on the market. It is found once it asks for the price that is said here.
    Offer(ServiceOffer),
    /// List one's own services, and what was found there.
    List {
        #[command(flatten)]
        caller: Caller,
    },
    /// Take a service off the market, for good.
    Withdraw {
        /// Which.
        #[arg(value_name = "SERVICE")]
        service: ServiceId,
        #[command(flatten)]
        caller: Caller,
    },
    /// Find services, the best first.
    Search(ServiceSearch),
}

/// What is offered.
#[derive(Debug, Args)]
pub(crate) struct ServiceOffer {
    /// Where it is called, over HTTPS.
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    #[command(flatten)]
    pub(crate) caller: Caller,
    /// What people call it.
    #[arg(long, value_name = "TEXT")]
    pub(crate) name: String,
    /// What it does, for people and for agents.
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: String,
    /// What it is a kind of, such as `maps`.
    #[arg(long, value_name = "WORD")]
    pub(crate) category: String,
    /// What one call costs, such as `0.02`.
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) price: String,
    /// How it is called.
    #[arg(long, value_name = "METHOD", default_value = "get")]
    pub(crate) method: Method,
    /// A file with a JSON Schema of what it takes.
    #[arg(long, value_name = "FILE")]
    pub(crate) input_schema: Option<PathBuf>,
    /// A file with a JSON Schema of what it gives.
    #[arg(long, value_name = "FILE")]
    pub(crate) output_schema: Option<PathBuf>,
}

/// How a service is called.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Method {
    /// With GET.
    Get,
    /// With POST.
    Post,
}

/// What is looked for.
#[derive(Debug, Args)]
pub(crate) struct ServiceSearch {
    /// Words that its name, description or kind have to have.
    #[arg(value_name = "WORD")]
    pub(crate) words: Vec<String>,
    #[command(flatten)]
    pub(crate) caller: Caller,
    /// The kind it has to be of.
    #[arg(long, value_name = "WORD")]
    pub(crate) category: Option<String>,
    /// The most one call may cost, such as `0.05`; in `--asset`.
    #[arg(long, value_name = "AMOUNT", requires = "asset")]
    pub(crate) max_price: Option<String>,
    /// What it has to be paid in, such as `CNY/2`.
    #[arg(long, value_name = "ASSET")]
    pub(crate) asset: Option<wire::AssetText>,
}
