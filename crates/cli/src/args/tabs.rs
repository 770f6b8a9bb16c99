//! What a buyer can ask for who pays many small calls by voucher.

use super::Caller;
use crate::exit::Outcome;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Commands of tabs.
#[derive(Debug, Subcommand)]
pub(crate) enum TabCommand {
    /// Fetch an address through a tab, and pay by voucher. The first call opens the tab.
    Call(TabCall),
    /// Close a tab: the seller gets what is owed, and the rest comes back.
    Close(TabArgs),
}

/// Which tab, and who pays.
#[derive(Debug, Args)]
pub(crate) struct TabArgs {
    #[command(flatten)]
    pub(crate) caller: Caller,
    /// Names the tab: it is for one seller, and goes on where it stopped.
    #[arg(long, value_name = "NAME")]
    pub(crate) tab: String,
    /// The wallet to pay from.
    #[arg(long, value_name = "WALLET", env = "TOLLBRIDGE_WALLET")]
    pub(crate) wallet: String,
    /// The mandate that allows it; without one, the agent's newest for this wallet, and where it has none its own limits.
    #[arg(long, value_name = "MANDATE")]
    pub(crate) mandate: Option<String>,
    /// Where to remember tabs; by default `~/.tollbridge/purchases`.
    #[arg(long, value_name = "DIR", env = "TOLLBRIDGE_PURCHASES")]
    purchases: Option<PathBuf>,
}

/// One address, and what it may cost.
#[derive(Debug, Args)]
pub(crate) struct TabCall {
    /// What to fetch.
    pub(crate) url: String,
    #[command(flatten)]
    pub(crate) tab: TabArgs,
    /// The most that the tab may come to in all, such as `1.00 CNY`.
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) cap: String,
    /// The most that one call may cost, such as `0.001`.
    #[arg(long, value_name = "PRICE")]
    pub(crate) max_price: String,
    /// How much is set aside at a time; by default as little as the seller takes.
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) deposit: Option<String>,
    /// How often to fetch it.
    #[arg(long, value_name = "COUNT", default_value_t = 1, conflicts_with = "call", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) times: u32,
    /// Names this call: the latest call of a tab, done again under its name, is not paid again.
    #[arg(long, value_name = "KEY")]
    pub(crate) call: Option<String>,
    /// The HTTP method.
    #[arg(long, value_name = "METHOD", default_value = "GET")]
    pub(crate) method: String,
    /// The body to send.
    #[arg(long, value_name = "TEXT")]
    pub(crate) body: Option<String>,
}

impl TabArgs {
    /// Where tabs are remembered.
    pub(crate) fn purchases(&self) -> Outcome<PathBuf> {
        crate::pay::purchases(&self.purchases)
    }
}
