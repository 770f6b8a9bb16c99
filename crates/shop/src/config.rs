//! The configuration: who sells, how orders are paid, and the catalogue, all in one TOML file.

use crate::catalogue::{Catalogue, CouponSection, DeliverySection, ItemSection, Sections, TaxSection};
use crate::limits::{
    CONFIG_BYTES_MAX, DELIVERY_SECONDS_DEFAULT, DELIVERY_SECONDS_MAX, LOCK_SECONDS_DEFAULT, LOCK_SECONDS_MAX,
    NAME_CHARS_MAX, REFUSED_COUNT_MAX,
};
use serde::Deserialize;
use std::io::Read;
use std::path::{Path, PathBuf};
use url::Url;
use wire::{AgentId, AssetText, PayeeId};

/// A checked configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Who sells.
    pub seller: Seller,
    /// What.
    pub catalogue: Catalogue,
    /// Which further doors are open: whoever serves them reads it.
    pub checkouts: Option<toml::Table>,
}

/// Who sells, and how orders are paid.
#[derive(Clone, Debug)]
pub struct Seller {
    /// The shop's name, as payers are shown it.
    pub name: String,
    /// The payment service.
    pub server: Url,
    /// The seller's account there.
    pub payee: PayeeId,
    /// The file with the seller's key.
    pub key_file: PathBuf,
    /// Whether real money is meant.
    pub money: RealMoney,
    /// The scheme, host and port that buyers use.
    pub public_url: Url,
    /// The asset of all prices.
    pub asset: AssetText,
    /// Where carts and orders are kept.
    pub data: PathBuf,
    /// How long a confirmed cart keeps its price and stock unpaid, in seconds.
    pub lock_seconds: u32,
    /// When the money is the seller's.
    pub settle: Settle,
    /// How its card says that it tells by which methods it is paid.
    pub negotiation: Negotiation,
    /// The agents that it does not deal with.
    pub refused: Vec<AgentId>,
}

/// Which kind of book the prices are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RealMoney {
    /// `toll:main`.
    Yes,
    /// `toll:test`: a book of play money, whose clock may be put forward.
    No,
}

/// How a shop tells by which methods it is paid. It answers both ways; its card names one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Negotiation {
    /// In a file.
    #[default]
    OneWay,
    /// When it is asked.
    TwoWay,
}

/// When the money of an order is the seller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settle {
    /// As soon as it is paid.
    AtOnce,
    /// When it is delivered; until then it is set aside, and goes back by itself after so many seconds.
    OnDelivery(u32),
}

/// Why a configuration is not used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigFault {
    /// The text is not TOML, has members we do not know, or a value that is wrong.
    #[error("{0}")]
    Content(String),
    /// The file cannot be read.
    #[error("`{path}`: {fault}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        fault: std::io::Error,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    shop: ShopSection,
    checkouts: Option<toml::Table>,
    #[serde(default)]
    item: Vec<ItemSection>,
    #[serde(default)]
    delivery: Vec<DeliverySection>,
    #[serde(default)]
    coupon: Vec<CouponSection>,
    #[serde(default)]
    tax: Vec<TaxSection>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ShopSection {
    name: String,
    server: String,
    payee: String,
    key_file: PathBuf,
    network: String,
    public_url: String,
    asset: String,
    data: PathBuf,
    lock_seconds: Option<u32>,
    #[serde(default)]
    settle: SettleWord,
    deliver_within_seconds: Option<u32>,
    #[serde(default)]
    negotiation: Negotiation,
    #[serde(default)]
    refused: Vec<AgentId>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SettleWord {
    AtOnce,
    #[default]
    OnDelivery,
}

impl Config {
    /// Reads a configuration file. Paths in it are relative to it.
    ///
    /// # Errors
    /// [`ConfigFault`].
    pub fn read(path: &Path) -> Result<Config, ConfigFault> {
        let fault = |fault| ConfigFault::Read { path: path.to_owned(), fault };
        let mut text = String::new();
        let file = std::fs::File::open(path).map_err(fault)?;
        file.take(CONFIG_BYTES_MAX).read_to_string(&mut text).map_err(fault)?;
        Config::parse(&text, path.parent().unwrap_or(Path::new("")))
    }

    /// Reads the text of a configuration, whose paths are relative to `directory`.
    ///
    /// # Errors
    /// [`ConfigFault`].
    pub fn parse(text: &str, directory: &Path) -> Result<Config, ConfigFault> {
        let file: File = toml::from_str(text).map_err(wrong)?;
        let seller = seller(file.shop, directory)?;
        let File { item, delivery, coupon, tax, checkouts, .. } = file;
        let catalogue = Catalogue::of(Sections { item, delivery, coupon, tax }, seller.asset);
        let catalogue = catalogue.map_err(wrong)?;
        Ok(Config { seller, catalogue, checkouts })
    }
}

fn seller(section: ShopSection, directory: &Path) -> Result<Seller, ConfigFault> {
    let money = match section.network.as_str() {
        "toll:main" => RealMoney::Yes,
        "toll:test" => RealMoney::No,
        other => return Err(wrong(format!("network `{other}` is neither `toll:main` nor `toll:test`"))),
    };
    let server = origin(&section.server)?;
    if money == RealMoney::Yes && server.scheme() != "https" {
        return Err(wrong(format!("server `{}`: real money moves over `https` only", section.server)));
    }
    let chars = section.name.chars().count();
    if chars == 0 || NAME_CHARS_MAX < chars || section.name.chars().any(char::is_control) {
        return Err(wrong(format!("the name is not a line of 1 to {NAME_CHARS_MAX} characters")));
    }
    let lock_seconds = section.lock_seconds.unwrap_or(LOCK_SECONDS_DEFAULT);
    if !(1..=LOCK_SECONDS_MAX).contains(&lock_seconds) {
        return Err(wrong(format!("lock_seconds is from 1 to {LOCK_SECONDS_MAX}, not {lock_seconds}")));
    }
    if REFUSED_COUNT_MAX < section.refused.len() {
        return Err(wrong(format!("more than {REFUSED_COUNT_MAX} agents are refused")));
    }
    let settle = match (section.settle, section.deliver_within_seconds) {
        (SettleWord::AtOnce, None) => Settle::AtOnce,
        (SettleWord::AtOnce, Some(_)) => {
            return Err(wrong("deliver_within_seconds is for `settle = \"on_delivery\"` only"));
        }
        (SettleWord::OnDelivery, within) => {
            let within = within.unwrap_or(DELIVERY_SECONDS_DEFAULT);
            if within <= lock_seconds || DELIVERY_SECONDS_MAX < within {
                let most = DELIVERY_SECONDS_MAX;
                return Err(wrong(format!(
                    "deliver_within_seconds is more than lock_seconds and at most {most}, not {within}"
                )));
            }
            Settle::OnDelivery(within)
        }
    };
    Ok(Seller {
        name: section.name,
        server,
        payee: section.payee.parse().map_err(|fault| wrong(format!("payee `{}`: {fault}", section.payee)))?,
        key_file: directory.join(section.key_file),
        money,
        public_url: origin(&section.public_url)?,
        asset: currency(&section.asset)?,
        data: directory.join(section.data),
        lock_seconds,
        settle,
        negotiation: section.negotiation,
        refused: section.refused,
    })
}

/// An asset that is a currency in ACT's messages: three capitals.
fn currency(text: &str) -> Result<AssetText, ConfigFault> {
    let asset = protocols::a402::wallet::AssetText::parse(text).ok().and_then(|_| text.parse().ok());
    asset.ok_or_else(|| {
        wrong(format!("asset `{text}` is not three capitals, a slash and decimals, like `CNY/2`"))
    })
}

/// An address that is only scheme, host and port.
fn origin(text: &str) -> Result<Url, ConfigFault> {
    let is_origin = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
    };
    let url = Url::parse(text).ok().filter(is_origin);
    url.ok_or_else(|| wrong(format!("`{text}` is not an address like `https://shop.example` without a path")))
}

fn wrong(why: impl std::fmt::Display) -> ConfigFault {
    ConfigFault::Content(why.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: &str = r#"
        [shop]
        name = "Corner Tea"
        server = "http://127.0.0.1:8402"
        payee = "pye_01KAZ0A3C0ET1N8R7P6QGX5W9D"
        key_file = "seller.toml"
        network = "toll:test"
        public_url = "http://127.0.0.1:8430"
        asset = "CNY/2"
        data = "shop"
    "#;

    #[test]
    fn a_configuration_says_who_sells_what_and_when_it_is_paid() {
        let config = Config::parse(
            &format!("{SHOP}[[item]]\nid = \"a\"\nname = \"A\"\ncategory = \"c\"\n"),
            Path::new("/etc"),
        )
        .unwrap();
        assert_eq!(config.seller.key_file, Path::new("/etc/seller.toml"));
        assert_eq!(config.seller.lock_seconds, 600);
        assert_eq!(config.seller.settle, Settle::OnDelivery(14 * 86_400));
        assert_eq!(config.catalogue.items.len(), 1);
        let at_once = Config::parse(&format!("{SHOP}settle = \"at_once\"\n"), Path::new("")).unwrap();
        assert_eq!(at_once.seller.settle, Settle::AtOnce);
    }

    #[test]
    fn what_is_wrong_in_a_configuration_is_said() {
        for (text, says) in [
            (SHOP.replace("toll:test", "toll:play"), "neither `toll:main` nor `toll:test`"),
            (SHOP.replace("toll:test", "toll:main"), "over `https` only"),
            (SHOP.replace("8430", "8430/shop"), "without a path"),
            (SHOP.replace("pye_", "wal_"), "payee `wal_"),
            (SHOP.replace("CNY/2", "CNY"), "asset `CNY`"),
            (SHOP.replace("Corner Tea", ""), "the name"),
            (format!("{SHOP}lock_seconds = 0\n"), "lock_seconds"),
            (format!("{SHOP}lock_seconds = 86401\n"), "lock_seconds"),
            (format!("{SHOP}deliver_within_seconds = 600\n"), "more than lock_seconds"),
            (format!("{SHOP}settle = \"at_once\"\ndeliver_within_seconds = 900\n"), "on_delivery"),
            (format!("{SHOP}colour = \"red\"\n"), "unknown field"),
            (format!("{SHOP}[[thing]]\nid = \"a\"\n"), "unknown field `thing`"),
            (String::new(), "missing field `shop`"),
        ] {
            let no = Config::parse(&text, Path::new("")).unwrap_err().to_string();
            assert!(no.contains(says), "{says}: {no}");
        }
    }
}
