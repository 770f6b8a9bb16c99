//! What can be asked for about shops on the command line: opening one, and buying at others.

use super::Caller;
use clap::{Args, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;
use url::Url;

/// Commands of a shop's owner.
#[derive(Debug, Subcommand)]
pub(crate) enum SellerShop {
    /// Open a shop that agents can buy at: its catalogue, candidates for what they want, carts and orders.
    Serve(ShopServe),
    /// Say that an order is delivered; what was set aside for it is collected.
    Fulfil(ShopChange),
    /// End an order that is not delivered; what was paid goes back.
    Cancel(ShopChange),
}

/// Which shop, and where.
#[derive(Debug, Args)]
pub(crate) struct ShopServe {
    /// Who sells what: a TOML file.
    #[arg(long, value_name = "FILE", default_value = "shop.toml")]
    pub(crate) config: PathBuf,
    /// Where to listen.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8430")]
    pub(crate) listen: SocketAddr,
}

/// Which order of which shop.
#[derive(Debug, Args)]
pub(crate) struct ShopChange {
    /// The order's number.
    #[arg(value_name = "ORDER")]
    pub(crate) order: String,
    /// The shop's file; its address is asked, in the name of its key.
    #[arg(long, value_name = "FILE", default_value = "shop.toml")]
    pub(crate) config: PathBuf,
    /// Why, for the buyer to read.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
}

/// Commands of an agent that shops.
#[derive(Debug, Subcommand)]
pub(crate) enum ShopCommand {
    /// Ask shops for something, all at once, and compare what they have. Repeated for a purchase, it asks with what changes.
    Ask(ShopAsk),
    /// Check the best candidate against the limits, and have it confirmed: price and stock are kept, and it gets a number.
    Confirm(ShopConfirm),
    /// Pay the confirmed order by its number.
    Pay(ShopPay),
    /// Show a purchase, with the order as its shop tells it.
    Show(ShopPurchase),
    /// End the order; what was paid comes back.
    Cancel(ShopCancel),
}

/// Which purchase, and who makes it.
#[derive(Debug, Args)]
pub(crate) struct ShopPurchase {
    /// The purchase's name: its record is kept under it, and a command that is repeated goes on where it was.
    #[arg(long, value_name = "NAME")]
    pub(crate) purchase: String,
    /// Where records are kept.
    #[arg(long, value_name = "DIR", default_value = "purchases")]
    pub(crate) purchases: PathBuf,
    #[command(flatten)]
    pub(crate) caller: Caller,
}

/// What is wanted, of whom, and within which limits.
#[derive(Debug, Args)]
pub(crate) struct ShopAsk {
    #[command(flatten)]
    pub(crate) purchase: ShopPurchase,
    /// What is wanted, in words.
    #[arg(value_name = "WORDS")]
    pub(crate) words: Option<String>,
    /// A shop to ask; several are asked at once.
    #[arg(long = "at", value_name = "URL")]
    pub(crate) at: Vec<Url>,
    /// The credential that allows it: its limits are told and kept.
    #[arg(long, value_name = "MANDATE")]
    pub(crate) delegation: Option<String>,
    /// The most that everything together may cost, such as `20.00`.
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) max: Option<String>,
    /// In which currency.
    #[arg(long, value_name = "CURRENCY")]
    pub(crate) currency: Option<String>,
    /// Only this category; may be repeated.
    #[arg(long, value_name = "CATEGORY")]
    pub(crate) category: Vec<String>,
    /// Only this item.
    #[arg(long, value_name = "ITEM")]
    pub(crate) item: Option<String>,
    /// How many.
    #[arg(long, value_name = "COUNT")]
    pub(crate) quantity: Option<u64>,
    /// The longest that delivery may take, in seconds.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) within: Option<u64>,
    /// A time of day that a detail must not lie in, such as `departs=22:00-05:59`; kept here, not told.
    #[arg(long, value_name = "RULE")]
    pub(crate) avoid: Vec<String>,
    /// Something that would be nice. It is told to shops only with `--share-preferences`.
    #[arg(long, value_name = "TEXT")]
    pub(crate) preference: Vec<String>,
    /// The owner has agreed that preferences are told.
    #[arg(long)]
    pub(crate) share_preferences: bool,
}

/// How the best candidate is to be had.
#[derive(Debug, Args)]
pub(crate) struct ShopConfirm {
    #[command(flatten)]
    pub(crate) purchase: ShopPurchase,
    /// A choice about the item, such as `size=large`.
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) option: Vec<String>,
    /// Another item of the same shop in the same cart, and how many of it, such as `cake,2`; may be repeated.
    #[arg(long, value_name = "ITEM[,COUNT]")]
    pub(crate) also: Vec<String>,
    /// What all of it comes to, where the shop has said so: taxes and discounts of several items are its to compute.
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) total: Option<String>,
    /// Where to.
    #[arg(long, value_name = "TEXT")]
    pub(crate) address: Option<String>,
    /// The wallet whose owner is asked where a limit is in the way; otherwise that of the credential.
    #[arg(long, value_name = "WALLET")]
    pub(crate) wallet: Option<String>,
}

/// With what it is paid.
#[derive(Debug, Args)]
pub(crate) struct ShopPay {
    #[command(flatten)]
    pub(crate) purchase: ShopPurchase,
    /// The reference to the payment tool, as the owner has bound it.
    #[arg(long, value_name = "TOKEN")]
    pub(crate) token: String,
}

/// Why it ends.
#[derive(Debug, Args)]
pub(crate) struct ShopCancel {
    #[command(flatten)]
    pub(crate) purchase: ShopPurchase,
    /// Why, for the shop to read.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
}
