//! The configuration: who sells, what stands behind, what a deposit is, and what each model costs.

use crate::limits::{
    CONFIG_BYTES_MAX, DEPOSIT_MINOR_MAX, UPSTREAM_TIMEOUT_DEFAULT, UPSTREAM_TIMEOUT_SECONDS_MAX,
};
use protocols::a402::wallet::{AssetText, Network, WalletTerms};
use protocols::a402::{AmountText, Identifier, Uri};
use protocols::limits::REPLAY_WINDOW_SECONDS_MAX;
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;
use url::Url;
use wire::PayeeId;
use zeroize::Zeroizing;

/// A checked configuration.
#[derive(Debug)]
pub struct Config {
    /// Who sells.
    pub seller: Seller,
    /// What stands behind.
    pub upstream: Upstream,
    /// What a buyer may pay in advance.
    pub deposit: DepositTerms,
    /// The price list as it is to be signed, where the file has one.
    pub catalogue: Option<Value>,
}

/// Who sells.
#[derive(Debug)]
pub struct Seller {
    /// The payment service.
    pub server: Url,
    /// The seller's account there.
    pub payee: PayeeId,
    /// The file with the seller's key.
    pub key_file: PathBuf,
    /// Which money.
    pub network: Network,
    /// The scheme, host and port that buyers use.
    pub public_url: Url,
    /// The asset of all prices.
    pub asset: AssetText,
    /// Where sessions and records are kept.
    pub data: PathBuf,
}

/// What stands behind.
#[derive(Debug)]
pub struct Upstream {
    /// Its scheme, host and port.
    pub url: Url,
    /// The key that it wants.
    pub api_key: Option<Zeroizing<String>>,
    /// How long it may be silent.
    pub timeout: Duration,
    /// Whether it can say in each event of a stream what was used so far.
    pub continuous_usage: bool,
    /// The member by which it wants to be told the longest answer of a chat.
    pub output_member: String,
    /// What becomes of a stream whose caller leaves.
    pub on_hang_up: OnHangUp,
}

/// What becomes of a stream whose caller leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnHangUp {
    /// The upstream is told to stop.
    #[default]
    Cancel,
    /// The rest is read, so that what was used is known; the caller pays for the part that arrived.
    Drain,
}

/// What a buyer may pay in advance.
#[derive(Clone, Debug)]
pub struct DepositTerms {
    /// Where the buyer says nothing, in smallest units.
    pub default_minor: u128,
    /// The smallest.
    pub min_minor: u128,
    /// The largest.
    pub max_minor: u128,
    /// How long calls may be made for it, in seconds.
    pub lasts_seconds: u32,
}

/// Why a configuration is not used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigFault {
    /// The text is not TOML, has members we do not know, or a value that is wrong.
    #[error("{0}")]
    Content(String),
    /// A file cannot be read.
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
    seller: SellerSection,
    upstream: UpstreamSection,
    #[serde(default)]
    deposit: DepositSection,
    catalogue: Option<CatalogueSection>,
    #[serde(default)]
    model: Vec<toml::Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SellerSection {
    server: String,
    payee: String,
    key_file: PathBuf,
    network: String,
    public_url: String,
    asset: String,
    data: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UpstreamSection {
    url: String,
    api_key_file: Option<PathBuf>,
    timeout_seconds: Option<u64>,
    #[serde(default)]
    continuous_usage: bool,
    output_member: Option<String>,
    #[serde(default)]
    on_hang_up: OnHangUp,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct DepositSection {
    default: String,
    min: String,
    max: String,
    lasts_seconds: u32,
}

impl Default for DepositSection {
    fn default() -> DepositSection {
        let [default, min, max] = ["5.00", "1.00", "500.00"].map(str::to_owned);
        DepositSection { default, min, max, lasts_seconds: 7 * 86_400 }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CatalogueSection {
    version: u32,
    effective_from: String,
}

impl Config {
    /// Reads a configuration file. Paths in it are relative to it.
    ///
    /// # Errors
    /// [`ConfigFault`].
    pub fn read(path: &Path) -> Result<Config, ConfigFault> {
        let text = read_file(path)?;
        Config::parse(&text, path.parent().unwrap_or(Path::new("")))
    }

    /// Reads the text of a configuration, whose paths are relative to `directory`.
    ///
    /// # Errors
    /// [`ConfigFault`].
    pub fn parse(text: &str, directory: &Path) -> Result<Config, ConfigFault> {
        let file: File = toml::from_str(text).map_err(wrong)?;
        let seller = seller(file.seller, directory)?;
        let upstream = upstream(file.upstream, directory)?;
        let deposit = deposit(&file.deposit, &seller.asset)?;
        let catalogue = file.catalogue.map(|section| {
            json!({
                "seller": seller.payee.to_string(), "asset": seller.asset.as_str(),
                "version": section.version, "effective_from": section.effective_from, "models": file.model,
            })
        });
        Ok(Config { seller, upstream, deposit, catalogue })
    }
}

impl Seller {
    /// Where signed price lists are.
    pub fn catalogues(&self) -> PathBuf {
        self.data.join("catalogues")
    }

    /// The terms of every bill.
    pub(crate) fn terms(&self) -> WalletTerms {
        WalletTerms {
            network: self.network,
            psp: Uri::parse(self.server.as_str()).expect("checked when it was read"),
            payee: Identifier::parse(self.payee.to_string()).expect("30 characters are an identifier"),
            asset: self.asset.clone(),
        }
    }
}

fn wrong(why: impl std::fmt::Display) -> ConfigFault {
    ConfigFault::Content(why.to_string())
}

fn read_file(path: &Path) -> Result<String, ConfigFault> {
    let fault = |fault| ConfigFault::Read { path: path.to_owned(), fault };
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(fault)?;
    file.take(CONFIG_BYTES_MAX).read_to_string(&mut text).map_err(fault)?;
    Ok(text)
}

fn seller(section: SellerSection, directory: &Path) -> Result<Seller, ConfigFault> {
    let network = Network::parse(&section.network).ok_or_else(|| {
        wrong(format!("network `{}` is neither `toll:main` nor `toll:test`", section.network))
    })?;
    let server = origin(&section.server)?;
    if network == Network::Main && server.scheme() != "https" {
        return Err(wrong(format!("server `{}`: real money moves over `https` only", section.server)));
    }
    Ok(Seller {
        server,
        payee: section.payee.parse().map_err(|fault| wrong(format!("payee `{}`: {fault}", section.payee)))?,
        key_file: directory.join(section.key_file),
        network,
        public_url: origin(&section.public_url)?,
        asset: AssetText::parse(section.asset).map_err(wrong)?,
        data: directory.join(section.data),
    })
}

fn upstream(section: UpstreamSection, directory: &Path) -> Result<Upstream, ConfigFault> {
    let timeout = match section.timeout_seconds {
        Some(seconds) if (1..=UPSTREAM_TIMEOUT_SECONDS_MAX).contains(&seconds) => {
            Duration::from_secs(seconds)
        }
        Some(seconds) => {
            let why = format!("timeout_seconds is from 1 to {UPSTREAM_TIMEOUT_SECONDS_MAX}, not {seconds}");
            return Err(wrong(why));
        }
        None => UPSTREAM_TIMEOUT_DEFAULT,
    };
    let api_key = match section.api_key_file {
        Some(path) => Some(Zeroizing::new(read_file(&directory.join(path))?.trim().to_owned())),
        None => None,
    };
    let output_member = section.output_member.unwrap_or_else(|| "max_tokens".to_owned());
    if !matches!(output_member.as_str(), "max_tokens" | "max_completion_tokens") {
        let why = format!("output_member is `max_tokens` or `max_completion_tokens`, not `{output_member}`");
        return Err(wrong(why));
    }
    Ok(Upstream {
        url: origin(&section.url)?,
        api_key,
        timeout,
        continuous_usage: section.continuous_usage,
        output_member,
        on_hang_up: section.on_hang_up,
    })
}

fn deposit(section: &DepositSection, asset: &AssetText) -> Result<DepositTerms, ConfigFault> {
    let minor = |name: &str, text: &str| {
        let minor = AmountText::parse(text).ok().and_then(|amount| amount.minor(asset.scale()));
        minor.filter(|minor| (1..=DEPOSIT_MINOR_MAX).contains(minor)).ok_or_else(|| {
            wrong(format!("deposit `{name}`: `{text}` is not an amount of `{}`", asset.as_str()))
        })
    };
    let terms = DepositTerms {
        default_minor: minor("default", &section.default)?,
        min_minor: minor("min", &section.min)?,
        max_minor: minor("max", &section.max)?,
        lasts_seconds: section.lasts_seconds,
    };
    if !(60..=REPLAY_WINDOW_SECONDS_MAX).contains(&terms.lasts_seconds) {
        return Err(wrong(format!("lasts_seconds is from 60 to {REPLAY_WINDOW_SECONDS_MAX}")));
    }
    if terms.default_minor < terms.min_minor || terms.max_minor < terms.default_minor {
        return Err(wrong("the default deposit is not between the smallest and the largest"));
    }
    Ok(terms)
}

/// An address that is only scheme, host and port.
fn origin(text: &str) -> Result<Url, ConfigFault> {
    let is_origin = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && Uri::parse(url.as_str()).is_ok()
    };
    let url = Url::parse(text).ok().filter(is_origin);
    url.ok_or_else(|| wrong(format!("`{text}` is not an address like `https://api.example` without a path")))
}
