//! What can be asked for about the checkouts of shops on the command line.

use super::PurchaseArgs;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;
use url::Url;

/// Commands of an agent that buys at checkouts.
#[derive(Debug, Subcommand)]
pub(crate) enum CheckoutCommand {
    /// Buy at a shop's checkout, in ACP or UCP: once for each purchase key, whatever happens.
    Buy(CheckoutBuy),
}

/// What is bought where.
#[derive(Debug, Args)]
pub(crate) struct CheckoutBuy {
    /// The shop, or the address of its checkouts.
    #[arg(value_name = "URL")]
    pub(crate) at: Url,
    /// An item by the shop's name, and how many of it, such as `tea,2`; may be repeated.
    #[arg(long = "item", value_name = "ITEM[,COUNT]", required = true)]
    pub(crate) items: Vec<String>,
    /// What the shop speaks; found out, where nothing is said.
    #[arg(long, value_enum, value_name = "DIALECT")]
    pub(crate) dialect: Option<ShopDialect>,
    /// A file with the key under which the shop knows this buyer.
    #[arg(long, value_name = "FILE")]
    pub(crate) shop_key: Option<PathBuf>,
    /// Where this buyer's profile is, for shops that speak UCP and read it.
    #[arg(long, value_name = "URL")]
    pub(crate) profile: Option<Url>,
    #[command(flatten)]
    pub(crate) purchase: PurchaseArgs,
    /// Where to remember purchases; by default `~/.tollbridge/purchases`.
    #[arg(long, value_name = "DIR", env = "TOLLBRIDGE_PURCHASES")]
    pub(crate) purchases: Option<PathBuf>,
}

/// What a shop may speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ShopDialect {
    /// The Agentic Commerce Protocol.
    Acp,
    /// The Universal Commerce Protocol.
    Ucp,
}
