//! Tools of MCP, and skills of A2A, as what is sold: each is a path of its own, so that a price list has them like any other
//! route, and a call passes the same checks as any other request.

use crate::forward;
use crate::gateway::Gateway;
use crate::layer::Beyond;
use crate::limits::TOOL_NAME_BYTES_MAX;
use crate::pricing::Price;
use crate::route::{Path, Route};
use protocols::a402::SellerKey;
use protocols::a402::headers::{Aliases, PAYMENT_NEEDED, PAYMENT_VALIDATION};
use protocols::tools::NEEDED;
use std::path;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// The method by which tools are called.
pub const METHOD: &str = "POST";

/// What comes before a tool's name in its path.
pub const ABOVE: &str = "/tools/";

/// What comes before a skill's name in its path.
pub const ABOVE_SKILLS: &str = "/skills/";

/// The header in which a coupon is presented.
pub const COUPON: &str = forward::COUPON;

/// What an answer says about money in headers, and the members of `_meta` that say it of a tool's result.
pub const SAID: &[(&str, &str)] = &[
    (PAYMENT_NEEDED, NEEDED),
    (PAYMENT_VALIDATION, "tollbridge/payment-validation"),
    (pricing::QUOTE_HEADER, "tollbridge/quote"),
    (pricing::EVALUATION_HEADER, "tollbridge/evaluation"),
    (forward::FREE, "tollbridge/free"),
];

/// What calling a tool costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// This.
    Priced(Asked),
    /// Nothing.
    Free,
    /// It is not sold here.
    NotSold,
}

/// What is asked for a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// In the asset's smallest unit: the price, or the most it can be.
    pub amount_minor: u128,
    /// Such as `CNY/2`.
    pub asset: String,
    /// Whether it costs just that, and not at most that.
    pub is_exact: bool,
    /// The price in words.
    pub in_words: String,
    /// What the seller says about it: what counts as delivery, and when money goes back.
    pub terms: String,
}

/// The path of a tool. None for names that paths cannot have: such a tool is neither sold nor given away.
pub fn path(name: &str) -> Option<String> {
    below(ABOVE, name)
}

/// The same for a skill.
pub fn skill_path(name: &str) -> Option<String> {
    below(ABOVE_SKILLS, name)
}

fn below(above: &str, name: &str) -> Option<String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/');
    if name.is_empty()
        || TOOL_NAME_BYTES_MAX < name.len()
        || !name.bytes().all(is_plain)
        || name.ends_with('/')
    {
        return None;
    }
    let path = format!("{above}{name}");
    Path::read(&path).is_ok().then_some(path)
}

/// The pattern of a tool's name, or of all: below [`ABOVE`], or for a skill below [`ABOVE_SKILLS`].
pub(crate) fn pattern(above: &str, name: &str) -> Result<String, String> {
    if name == "*" {
        return Ok(format!("{above}*"));
    }
    below(above, name).ok_or_else(|| {
        format!("`{name}` is not 1 to {TOOL_NAME_BYTES_MAX} letters, digits, `_`, `-`, `.` and `/`, or `*` for all")
    })
}

impl Gateway {
    /// What calling a tool costs. It does not change while the gateway lives.
    pub fn tool(&self, name: &str) -> Standing {
        self.standing(path(name))
    }

    /// The same for a skill.
    pub fn skill(&self, name: &str) -> Standing {
        self.standing(skill_path(name))
    }

    fn standing(&self, path: Option<String>) -> Standing {
        let path = path.and_then(|path| Path::read(&path).ok());
        match path.map(|path| self.0.config.routes.route(METHOD, &path)) {
            Some(Route::Priced(price)) => Standing::Priced(self.asked(&price)),
            Some(Route::Free) => Standing::Free,
            Some(Route::Refused | Route::PriceOnly(_) | Route::MethodRefused(_)) | None => Standing::NotSold,
        }
    }

    /// Who sells.
    pub fn payee(&self) -> &str {
        &self.0.payee
    }

    /// Which money.
    pub fn network(&self) -> &'static str {
        self.0.config.seller.network.as_str()
    }

    /// The scheme, host and port that buyers use.
    pub fn public_url(&self) -> &Url {
        &self.0.config.seller.public_url
    }

    /// The directory with what has to be kept.
    pub fn data(&self) -> &path::Path {
        &self.0.config.seller.data
    }

    /// The longest answer that is kept.
    pub fn answer_body_bytes_max(&self) -> usize {
        self.0.answer_body_bytes_max
    }

    /// How long whoever stands behind may take.
    pub fn timeout(&self) -> Duration {
        self.0.timeout
    }

    /// Whether other dialects than ours are spoken.
    pub fn speaks_x402(&self) -> bool {
        self.0.config.seller.aliases == Aliases::Off
    }

    /// The name of the seller's key, and the key: what the seller signs, bills first of all.
    pub fn seller_key(&self) -> &SellerKey {
        &self.0.seller_key
    }

    /// The service that the configuration names, without a price: for whoever puts something between the price and it.
    pub fn beyond(&self) -> Option<Beyond> {
        self.0.upstream.clone().map(Beyond)
    }

    fn asked(&self, price: &Arc<Price>) -> Asked {
        let asset = &self.0.config.seller.asset;
        Asked {
            amount_minor: price.minor(asset),
            asset: asset.as_str().to_owned(),
            is_exact: price.is_exact(),
            in_words: price.in_words.clone(),
            terms: price.terms_in_words().trim_start().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_path_or_none() {
        for (name, expected) in [
            ("search", Some("/tools/search")),
            ("a.b-c_D9", Some("/tools/a.b-c_D9")),
            ("files/read", Some("/tools/files/read")),
            ("", None),
            ("..", None),
            ("a/../b", None),
            ("a//b", None),
            ("/a", None),
            ("a/", None),
            ("a b", None),
            ("a%2fb", None),
            ("a?b", None),
            ("*", None),
            ("{a}", None),
            ("é", None),
        ] {
            assert_eq!(path(name).as_deref(), expected, "{name}");
        }
        assert!(path(&"a".repeat(TOOL_NAME_BYTES_MAX)).is_some());
        assert!(path(&"a".repeat(TOOL_NAME_BYTES_MAX + 1)).is_none());
        assert_eq!(pattern(ABOVE, "*").unwrap(), "/tools/*");
        assert_eq!(pattern(ABOVE_SKILLS, "a").unwrap(), "/skills/a");
        assert!(pattern(ABOVE_SKILLS, "a/../b").is_err());
    }
}
