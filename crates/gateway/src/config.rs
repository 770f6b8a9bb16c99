//! The configuration: who sells, what stands behind, and what each route costs.

use crate::channels::terms::{VoucherTerms, VouchersSection};
use crate::limits::{
    ANSWER_BODY_BYTES_DEFAULT, BODY_BYTES_MAX, CONFIG_BYTES_MAX, FRONT_DEADLINE_SECONDS_DEFAULT,
    FRONT_DEADLINE_SECONDS_MAX, PAY_WINDOW_SECONDS_MAX, ROUTE_COUNT_MAX, UPSTREAM_TIMEOUT_DEFAULT,
    UPSTREAM_TIMEOUT_SECONDS_MAX,
};
use crate::pricing::{Coupon, CouponSection, Price, PriceSection};
use crate::route::{Free, Path, Pattern, Table, Unpriced};
use crate::tools;
use protocols::a402::headers::Aliases;
use protocols::a402::wallet::{AssetText, Network, WalletTerms};
use protocols::a402::{Identifier, Uri};
use protocols::limits::REPLAY_WINDOW_SECONDS_MAX;
use serde::Deserialize;
use std::io::Read;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use toml::Spanned;
use url::Url;
use wire::PayeeId;
use wire::a402::A402Key;

/// A checked configuration.
#[derive(Debug)]
pub struct Config {
    /// Who sells.
    pub seller: Seller,
    /// What stands behind, where that is another service.
    pub upstream: Option<Upstream>,
    /// What it costs.
    pub routes: Table,
    /// What makes it cost less.
    pub coupons: Vec<Coupon>,
    /// How vouchers are taken.
    pub vouchers: VoucherTerms,
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
    /// The asset that prices are in.
    pub asset: AssetText,
    /// How long a bill may be paid, in seconds.
    pub pay_window_seconds: u32,
    /// How long after the payment a proof counts, in seconds.
    pub proof_window_seconds: u32,
    /// Where deliveries are kept.
    pub data: PathBuf,
    /// The header in which a trusted front names the buyer; it must remove it from what strangers send.
    pub caller_header: Option<http::HeaderName>,
    /// Whether the older header names are read.
    pub aliases: Aliases,
    /// Whether the gateway says at `/openapi.json` what is sold; what stands behind is not asked there.
    pub discovery: bool,
    /// Under which path the gateway answers for itself.
    pub own_prefix: String,
    /// The file with the secret of a web server that asks the gateway before it answers; without it nobody may ask.
    pub front_secret_file: Option<PathBuf>,
    /// How long that web server may take to say how a delivery ended, in seconds.
    pub front_deadline_seconds: u32,
    /// The key that signs credentials, where it is not to be asked for.
    pub credential_key: Option<A402Key>,
}

/// What stands behind.
#[derive(Debug)]
pub struct Upstream {
    /// Its scheme, host and port; none where it is no server of HTTP, such as one of MCP.
    pub url: Option<Url>,
    /// How long it may take for an answer.
    pub timeout: Duration,
    /// The longest answer to a paid request, in bytes.
    pub answer_body_bytes_max: usize,
}

/// Why a configuration is not used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigFault {
    /// The text is not TOML, or has members we do not know.
    #[error("{0}")]
    Syntax(String),
    /// A value is wrong.
    #[error("line {line}: {why}")]
    Value {
        /// Which line, counted from 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// The file cannot be read.
    #[error("configuration `{path}`: {fault}")]
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
    #[serde(default)]
    default: Option<Unpriced>,
    seller: SellerSection,
    upstream: Option<UpstreamSection>,
    #[serde(default)]
    price: Vec<PriceSection>,
    #[serde(default)]
    free: Vec<FreeSection>,
    #[serde(default)]
    coupon: Vec<CouponSection>,
    #[serde(default)]
    vouchers: VouchersSection,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SellerSection {
    server: Spanned<String>,
    payee: Spanned<String>,
    key_file: PathBuf,
    network: Spanned<String>,
    public_url: Spanned<String>,
    asset: Spanned<String>,
    #[serde(default = "pay_window")]
    pay_window_seconds: Spanned<u32>,
    #[serde(default = "proof_window")]
    proof_window_seconds: Spanned<u32>,
    data: PathBuf,
    caller_header: Option<Spanned<String>>,
    #[serde(default)]
    header_aliases: bool,
    #[serde(default)]
    discovery: bool,
    #[serde(default = "own_prefix")]
    own_prefix: Spanned<String>,
    front_secret_file: Option<PathBuf>,
    #[serde(default = "front_deadline")]
    front_deadline_seconds: Spanned<u32>,
    credential_key: Option<CredentialKeySection>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CredentialKeySection {
    id: String,
    algorithm: wire::account::Algorithm,
    public_key: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UpstreamSection {
    url: Option<Spanned<String>>,
    timeout_seconds: Option<Spanned<u64>>,
    answer_body_bytes_max: Option<Spanned<usize>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FreeSection {
    method: Option<Spanned<String>>,
    path: Option<Spanned<String>>,
    tool: Option<Spanned<String>>,
    skill: Option<Spanned<String>>,
}

fn pay_window() -> Spanned<u32> {
    Spanned::new(0..0, 300)
}

fn proof_window() -> Spanned<u32> {
    Spanned::new(0..0, 600)
}

fn front_deadline() -> Spanned<u32> {
    Spanned::new(0..0, FRONT_DEADLINE_SECONDS_DEFAULT)
}

fn own_prefix() -> Spanned<String> {
    Spanned::new(0..0, "/.tollbridge".to_owned())
}

impl Config {
    /// Reads a configuration file. Paths in it are relative to it.
    ///
    /// # Errors
    /// [`ConfigFault`].
    pub fn read(path: &std::path::Path) -> Result<Config, ConfigFault> {
        let fault = |fault| ConfigFault::Read { path: path.to_owned(), fault };
        let mut text = String::new();
        let file = std::fs::File::open(path).map_err(fault)?;
        file.take(CONFIG_BYTES_MAX).read_to_string(&mut text).map_err(fault)?;
        Config::parse(&text, path.parent().unwrap_or(std::path::Path::new("")))
    }

    /// Reads the text of a configuration, whose paths are relative to `directory`.
    ///
    /// # Errors
    /// [`ConfigFault`], which names the line.
    pub fn parse(text: &str, directory: &std::path::Path) -> Result<Config, ConfigFault> {
        let file: File = toml::from_str(text).map_err(|fault| ConfigFault::Syntax(fault.to_string()))?;
        let lines = Lines(text);
        let seller = lines.seller(file.seller, directory)?;
        let upstream = file.upstream.map(|section| lines.upstream(section)).transpose()?;
        if ROUTE_COUNT_MAX < file.price.len() + file.free.len() {
            return Err(ConfigFault::Syntax(format!("there are more than {ROUTE_COUNT_MAX} routes")));
        }
        let mut routes = Table {
            prices: Vec::new(),
            free: Vec::new(),
            unpriced: file.default.unwrap_or(Unpriced::Refuse),
        };
        for section in file.price {
            let at = section.at();
            let price = lines.price(section, &seller)?;
            let twin =
                |other: &&Arc<Price>| other.method == price.method && other.path.same_paths(&price.path);
            if let Some(twin) = routes.prices.iter().find(twin) {
                let why = format!(
                    "`{} {}` has a price already: `{}`",
                    price.method,
                    price.path.as_str(),
                    twin.in_words
                );
                return Err(lines.fault(at, why));
            }
            routes.prices.push(Arc::new(price));
        }
        for section in file.free {
            routes.free.push(lines.free(section, &routes.prices)?);
        }
        let coupons = lines.coupons(file.coupon, &seller)?;
        let vouchers = lines.vouchers(file.vouchers, &seller.asset)?;
        Ok(Config { seller, upstream, routes, coupons, vouchers })
    }
}

/// The text, to say on which line something is wrong.
pub(crate) struct Lines<'a>(&'a str);

impl Lines<'_> {
    pub(crate) fn fault(&self, at: Range<usize>, why: impl Into<String>) -> ConfigFault {
        let before = self.0.get(..at.start).unwrap_or_default();
        ConfigFault::Value { line: before.matches('\n').count() + 1, why: why.into() }
    }

    /// Reads one value, and says on which line it is wrong.
    pub(crate) fn value<T, V, E: std::fmt::Display>(
        &self,
        value: Spanned<V>,
        read: impl FnOnce(V) -> Result<T, E>,
    ) -> Result<T, ConfigFault> {
        let at = value.span();
        read(value.into_inner()).map_err(|why| self.fault(at, why.to_string()))
    }

    fn seller(&self, section: SellerSection, directory: &std::path::Path) -> Result<Seller, ConfigFault> {
        let network = self.value(section.network, |text| {
            Network::parse(&text)
                .ok_or_else(|| format!("network `{text}` is neither `toll:main` nor `toll:test`"))
        })?;
        let server = self.value(section.server, |text| {
            let url = origin(&text)?;
            if network == Network::Main && url.scheme() != "https" {
                return Err(format!("server `{text}`: real money moves over `https` only"));
            }
            Ok(url)
        })?;
        let pay_window_seconds = self.value(section.pay_window_seconds, |seconds| {
            within("pay_window_seconds", seconds, 1, PAY_WINDOW_SECONDS_MAX)
        })?;
        let proof_window_seconds = self.value(section.proof_window_seconds, |seconds| {
            within("proof_window_seconds", seconds, 1, REPLAY_WINDOW_SECONDS_MAX)
        })?;
        let caller_header = match section.caller_header {
            Some(name) => Some(self.value(name, |text| {
                http::HeaderName::try_from(&text).map_err(|_| format!("`{text}` is not the name of a header"))
            })?),
            None => None,
        };
        let own_prefix = self.value(section.own_prefix, |text| match Path::read(&text) {
            Ok(_) if text != "/" && !text.ends_with('/') => Ok(text),
            Ok(_) => Err("own_prefix needs a name, such as `/.tollbridge`".to_owned()),
            Err(fault) => Err(format!("own_prefix `{text}`: {fault}")),
        })?;
        let credential_key = section.credential_key.map(|key| A402Key {
            key_id: key.id,
            method_id: network.method_id().as_str().to_owned(),
            algorithm: key.algorithm,
            public_key: key.public_key,
            now: String::new(),
            livemode: network == Network::Main,
        });
        Ok(Seller {
            server,
            payee: self.value(section.payee, |text| {
                text.parse().map_err(|fault| format!("payee `{text}`: {fault}"))
            })?,
            key_file: directory.join(section.key_file),
            network,
            public_url: self.value(section.public_url, |text| origin(&text))?,
            asset: self.value(section.asset, AssetText::parse)?,
            pay_window_seconds,
            proof_window_seconds,
            data: directory.join(section.data),
            caller_header,
            aliases: if section.header_aliases { Aliases::On } else { Aliases::Off },
            discovery: section.discovery,
            own_prefix,
            front_secret_file: section.front_secret_file.map(|path| directory.join(path)),
            front_deadline_seconds: self.value(section.front_deadline_seconds, |seconds| {
                within("front_deadline_seconds", seconds, 1, FRONT_DEADLINE_SECONDS_MAX)
            })?,
            credential_key,
        })
    }

    fn upstream(&self, section: UpstreamSection) -> Result<Upstream, ConfigFault> {
        let timeout = match section.timeout_seconds {
            Some(seconds) => Duration::from_secs(self.value(seconds, |seconds| {
                within("timeout_seconds", seconds, 1, UPSTREAM_TIMEOUT_SECONDS_MAX)
            })?),
            None => UPSTREAM_TIMEOUT_DEFAULT,
        };
        Ok(Upstream {
            url: section.url.map(|url| self.value(url, |text| origin(&text))).transpose()?,
            timeout,
            answer_body_bytes_max: self.body_max(section.answer_body_bytes_max, ANSWER_BODY_BYTES_DEFAULT)?,
        })
    }

    fn free(&self, section: FreeSection, prices: &[Arc<Price>]) -> Result<Free, ConfigFault> {
        let (method, path) = self.place(section.method, &section.path, [&section.tool, &section.skill])?;
        let method = match method {
            Some(method) => Some(self.method(method)?),
            None => None,
        };
        let at = path.span();
        let path = self.value(path, |text| Pattern::parse(&text))?;
        let priced = |price: &&Arc<Price>| {
            method.as_deref().is_none_or(|method| method == price.method) && price.path.same_paths(&path)
        };
        if let Some(price) = prices.iter().find(priced) {
            let why = format!("`{}` is free here and costs {} above", path.as_str(), price.in_words);
            return Err(self.fault(at, why));
        }
        Ok(Free { method, path })
    }

    /// Where something is sold or given: at a method and a path, or as a tool or a skill, which are paths of their own.
    pub(crate) fn place(
        &self,
        method: Option<Spanned<String>>,
        path: &Option<Spanned<String>>,
        [tool, skill]: [&Option<Spanned<String>>; 2],
    ) -> Result<(Option<Spanned<String>>, Spanned<String>), ConfigFault> {
        let named = [(tool, tools::ABOVE), (skill, tools::ABOVE_SKILLS)];
        let mut named = named.into_iter().filter_map(|(name, above)| Some((name.as_ref()?, above)));
        match (path, named.next(), named.next()) {
            (Some(path), None, _) => Ok((method, path.clone())),
            (None, Some((name, above)), None) if method.is_none() => {
                let at = name.span();
                let path = self.value(name.clone(), |name| tools::pattern(above, &name))?;
                let method = Spanned::new(at.clone(), tools::METHOD.to_owned());
                Ok((Some(method), Spanned::new(at, path)))
            }
            (_, Some((name, _)), _) => {
                let why = "a `tool` or a `skill` is sold by its name, without a `method` and a `path`";
                Err(self.fault(name.span(), why))
            }
            (None, None, _) => {
                let why = "what is sold or free is a `path`, a `tool` or a `skill`";
                match method {
                    Some(method) => Err(self.fault(method.span(), why)),
                    None => Err(ConfigFault::Syntax(why.to_owned())),
                }
            }
        }
    }

    pub(crate) fn method(&self, method: Spanned<String>) -> Result<String, ConfigFault> {
        self.value(method, |text| {
            let capitals =
                (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_uppercase());
            match text.as_str() {
                "HEAD" | "CONNECT" | "TRACE" => Err(format!("`{text}` cannot be sold or given away by name")),
                _ if capitals => Ok(text),
                _ => Err(format!("method `{text}` is not made of capital letters")),
            }
        })
    }

    pub(crate) fn body_max(
        &self,
        bytes: Option<Spanned<usize>>,
        default: usize,
    ) -> Result<usize, ConfigFault> {
        match bytes {
            Some(bytes) => self.value(bytes, |bytes| within("a longest body", bytes, 0, BODY_BYTES_MAX)),
            None => Ok(default),
        }
    }
}

pub(crate) fn within<N: PartialOrd + std::fmt::Display>(
    name: &str,
    value: N,
    min: N,
    max: N,
) -> Result<N, String> {
    if value < min || max < value {
        return Err(format!("{name} is from {min} to {max}, not {value}"));
    }
    Ok(value)
}

/// An address that is only scheme, host and port.
fn origin(text: &str) -> Result<Url, String> {
    Url::parse(text)
        .ok()
        .filter(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.path() == "/"
                && url.query().is_none()
                && url.fragment().is_none()
                && url.username().is_empty()
                && Uri::parse(url.as_str()).is_ok()
        })
        .ok_or_else(|| format!("`{text}` is not an address like `https://api.example` without a path"))
}

impl Seller {
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
