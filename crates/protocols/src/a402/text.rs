//! The texts an A402 payload is made of: each type holds only what its rule allows.
//!
//! The rules are those of artefact 2.1-artifact.1. A text is kept as it came, letter by letter, so
//! that what was signed and what is compared are the same bytes.

use crate::rfc3339;
use book::Time;
use evidence::base64url;
use std::fmt;

/// A text that breaks the rule of its field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{shown} is not {rule}")]
pub struct Misshapen {
    shown: String,
    rule: &'static str,
}

impl Misshapen {
    pub(crate) fn new(text: &str, rule: &'static str) -> Self {
        // A stranger chose the text: quote it harmlessly and no longer than a line.
        let start: String = text.chars().take(48).collect();
        Misshapen { shown: format!("`{}`", start.escape_debug()), rule }
    }

    pub(crate) fn unshown(rule: &'static str) -> Self {
        Misshapen { shown: "the value".to_owned(), rule }
    }
}

macro_rules! text {
    ($(#[$meaning:meta])* $name:ident, $rule:literal, $holds:expr) => {
        $(#[$meaning])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Takes `text` if the rule allows it.
            pub fn parse(text: impl Into<String>) -> Result<Self, Misshapen> {
                let text = text.into();
                let holds: fn(&str) -> bool = $holds;
                if holds(&text) {
                    return Ok($name(text));
                }
                Err(Misshapen::new(&text, $rule))
            }

            /// The text, letter by letter.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }
    };
}

pub(crate) use text;

text! {
    /// The name of a payment method, such as `toll:main/wallet`.
    MethodId, "a method id like `scheme:path` of 3 to 160 characters", |text| {
        let Some((scheme, path)) = text.split_once(':') else { return false };
        text.len() <= 160
            && starts_with(scheme, |byte| byte.is_ascii_lowercase())
            && scheme.bytes().all(|byte| is_lower_or_digit(byte) || b"+.-".contains(&byte))
            && starts_with(path, is_lower_or_digit)
            && path.bytes().all(|byte| is_lower_or_digit(byte) || b"._/-".contains(&byte))
    }
}

text! {
    /// The version of a payment method's document: three numbers, perhaps a pre-release.
    MethodVersion, "a version like `1.0.0` of up to 64 characters", |text| {
        let (numbers, pre_release) = match text.split_once('-') {
            Some((numbers, pre_release)) => (numbers, Some(pre_release)),
            None => (text, None),
        };
        text.len() <= 64
            && numbers.split('.').count() == 3
            && numbers.split('.').all(is_plain_number)
            && pre_release.is_none_or(|text| {
                !text.is_empty()
                    && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))
            })
    }
}

text! {
    /// A name somebody gave to a party, an order, a trade, a resource or a key.
    Identifier, "an identifier of 1 to 256 characters", |text| {
        (1..=256).contains(&text.chars().count())
    }
}

text! {
    /// An amount of money in whole units of its currency: `0.10` is ten cents of a dollar.
    ///
    /// Never negative, at most 18 decimals; `0.10` and `0.1` are different texts of one amount.
    AmountText, "an amount like `12.50`, with up to 18 decimals and 80 characters", |text| {
        let (whole, decimals) = match text.split_once('.') {
            Some((whole, decimals)) => (whole, Some(decimals)),
            None => (text, None),
        };
        text.len() <= 80
            && is_plain_number(whole)
            && decimals.is_none_or(|digits| (1..=18).contains(&digits.len()) && is_digits(digits))
    }
}

impl AmountText {
    /// The amount in units of `10^-scale`: `0.10` at scale 2 is 10.
    ///
    /// Nothing if it is finer than that unit or does not fit: it is never rounded.
    pub fn minor(&self, scale: u8) -> Option<u128> {
        let (whole, decimals) = self.0.split_once('.').unwrap_or((&self.0, ""));
        let scale = usize::from(scale);
        let (kept, finer) = decimals.split_at_checked(scale).unwrap_or((decimals, ""));
        if finer.bytes().any(|digit| digit != b'0') {
            return None;
        }
        let zeros = std::iter::repeat_n(b'0', scale.checked_sub(kept.len())?);
        whole.bytes().chain(kept.bytes()).chain(zeros).try_fold(0_u128, |sum, digit| {
            sum.checked_mul(10)?.checked_add(u128::from(digit.checked_sub(b'0')?))
        })
    }

    /// The text of `amount_minor` units of `10^-scale`, with exactly `scale` decimals.
    ///
    /// # Errors
    /// [`Misshapen`] for a scale beyond 18.
    pub fn of_minor(amount_minor: u128, scale: u8) -> Result<Self, Misshapen> {
        let width = usize::from(scale).saturating_add(1);
        let digits = format!("{amount_minor:0>width$}");
        let (whole, decimals) = digits.split_at(digits.len().saturating_sub(width - 1));
        if decimals.is_empty() {
            return AmountText::parse(whole);
        }
        AmountText::parse(format!("{whole}.{decimals}"))
    }
}

text! {
    /// A currency as three capital letters.
    Currency, "a currency of three capital letters", |text| {
        text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())
    }
}

text! {
    /// The digest of a request, or of a document: `sha-256:` and 43 characters of Base64URL.
    Fingerprint, "a digest like `sha-256:` and 43 characters of Base64URL", |text| {
        text.strip_prefix("sha-256:").is_some_and(|digest| {
            digest.len() == 43 && digest.bytes().all(is_base64url)
        })
    }
}

text! {
    /// An HTTP method in capital letters.
    HttpMethod, "an HTTP method of up to 32 capital letters", |text| {
        (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_uppercase())
    }
}

impl HttpMethod {
    /// Whether a request of this method must carry an idempotency key (A402-19).
    pub fn needs_idempotency_key(&self) -> bool {
        !matches!(self.as_str(), "GET" | "HEAD" | "OPTIONS" | "TRACE")
    }
}

text! {
    /// The kind of a signature as the wire names it. It is compared with the key's, never obeyed.
    SignatureType, "a signature type of 2 to 32 capitals, digits, `_` and `-`", |text| {
        (2..=32).contains(&text.len())
            && text.bytes().all(|byte| {
                byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"_-".contains(&byte)
            })
    }
}

text! {
    /// The text of a signature in Base64URL.
    SignatureText, "unpadded Base64URL of at least one character", |text| {
        !text.is_empty() && text.bytes().all(is_base64url)
    }
}

text! {
    /// The address of a document, as an absolute URI of up to 2048 characters.
    Uri, "an absolute URI of up to 2048 characters", |text| {
        text.len() <= 2048
            && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte))
            && url::Url::parse(text).is_ok()
    }
}

/// An instant as RFC 3339 text. Compare instants with [`DateTime::time`]; `==` compares texts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DateTime {
    text: String,
    time: Time,
}

impl DateTime {
    /// Takes `text` if it is an RFC 3339 date-time between the years 1970 and 2554.
    pub fn parse(text: impl Into<String>) -> Result<Self, Misshapen> {
        let text = text.into();
        match rfc3339::parse(&text) {
            Some(time) => Ok(DateTime { text, time }),
            None => Err(Misshapen::new(&text, "an RFC 3339 date-time")),
        }
    }

    /// The second in which `time` lies, in UTC.
    pub fn second_of(time: Time) -> Self {
        let text = rfc3339::format_seconds(time);
        let time = rfc3339::parse(&text).expect("a written date-time can be read");
        DateTime { text, time }
    }

    /// The instant.
    pub fn time(&self) -> Time {
        self.time
    }

    /// The text, letter by letter.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// The text of a payment credential: a bearer secret until it is redeemed.
///
/// It has no `Display`, no `==`, and its `Debug` shows nothing of it.
#[derive(Clone)]
pub struct CredentialText(String);

impl CredentialText {
    /// Takes any Base64URL: what it says is found out by [`super::Credential::open`].
    pub fn parse(text: impl Into<String>) -> Result<Self, Misshapen> {
        let text = text.into();
        if !text.is_empty() && text.bytes().all(is_base64url) {
            return Ok(CredentialText(text));
        }
        Err(Misshapen::unshown("unpadded Base64URL of at least one character"))
    }

    pub(crate) fn of_bytes(bytes: &[u8]) -> Self {
        CredentialText(base64url::encode(bytes))
    }

    /// The secret itself, to be sent and not to be logged.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for CredentialText {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("CredentialText(…)")
    }
}

fn starts_with(text: &str, holds: impl Fn(u8) -> bool) -> bool {
    text.bytes().next().is_some_and(holds)
}

fn is_lower_or_digit(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_".contains(&byte)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Digits without a leading zero, as in JSON.
fn is_plain_number(text: &str) -> bool {
    is_digits(text) && (text == "0" || !text.starts_with('0'))
}
