//! The words of x402 in A2A: what a task says about money in the metadata of its messages.
//!
//! The extension is older than A2A 1.0 and sleeps: its examples have version 1 of x402 in them. Here its members carry version
//! 2, as everywhere else; both of its addresses are known, and both headers in which clients name them.

use super::message::{Content, Part};
use crate::json;
use crate::limits::HEADER_VALUE_BYTES_MAX;
use crate::x402::{Fault, Reason};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// The addresses of the extension, the newest first.
pub const EXTENSIONS: [&str; 2] = [
    "https://github.com/google-agentic-commerce/a2a-x402/blob/main/spec/v0.2",
    "https://github.com/google-a2a/a2a-x402/v0.1",
];

/// The address of the extension of ours by which a card says what each skill costs.
pub const PRICES: &str = "https://tollbridge.dev/a2a/prices/v1";

/// Where a payment stands.
pub const STATUS: &str = "x402.payment.status";
/// What is asked for.
pub const REQUIRED: &str = "x402.payment.required";
/// What is paid.
pub const PAYLOAD: &str = "x402.payment.payload";
/// What came of every payment of the task.
pub const RECEIPTS: &str = "x402.payment.receipts";
/// Why a payment failed.
pub const ERROR: &str = "x402.payment.error";

/// The member of a message's metadata that says which skill is meant.
pub const SKILL: &str = "tollbridge/skill";
/// The member by which repetitions of a purchase are known; the task's name where there is none.
pub const IDEMPOTENCY_KEY: &str = "tollbridge/idempotency-key";
/// The member with a coupon.
pub const COUPON: &str = "tollbridge/coupon";

/// The words of [`STATUS`].
pub mod status {
    /// The agent asks.
    pub const REQUIRED: &str = "payment-required";
    /// The client pays.
    pub const SUBMITTED: &str = "payment-submitted";
    /// The client does not pay.
    pub const REJECTED: &str = "payment-rejected";
    /// It counts, and the work is under way.
    pub const VERIFIED: &str = "payment-verified";
    /// The agent has it.
    pub const COMPLETED: &str = "payment-completed";
    /// It does not count, or went back.
    pub const FAILED: &str = "payment-failed";
}

/// Why a payment failed: the closed list of the extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    InsufficientFunds,
    InvalidSignature,
    ExpiredPayment,
    DuplicateNonce,
    NetworkMismatch,
    InvalidAmount,
    SettlementFailed,
}

impl Error {
    /// Its code.
    pub fn as_str(self) -> &'static str {
        match self {
            Error::InsufficientFunds => "INSUFFICIENT_FUNDS",
            Error::InvalidSignature => "INVALID_SIGNATURE",
            Error::ExpiredPayment => "EXPIRED_PAYMENT",
            Error::DuplicateNonce => "DUPLICATE_NONCE",
            Error::NetworkMismatch => "NETWORK_MISMATCH",
            Error::InvalidAmount => "INVALID_AMOUNT",
            Error::SettlementFailed => "SETTLEMENT_FAILED",
        }
    }

    /// What the extension calls a reason of x402.
    pub fn of_reason(reason: Reason) -> Error {
        match reason {
            Reason::InvalidPayload
            | Reason::InvalidVersion
            | Reason::InvalidScheme
            | Reason::InvalidSignature => Error::InvalidSignature,
            Reason::InvalidNetwork => Error::NetworkMismatch,
            Reason::InvalidRequirements => Error::InvalidAmount,
            Reason::Expired => Error::ExpiredPayment,
            Reason::AlreadySettled => Error::DuplicateNonce,
            Reason::Released | Reason::PayerStopped | Reason::SellerUnknown | Reason::Unknown => {
                Error::SettlementFailed
            }
        }
    }
}

/// Whether a client names the extension, in the header of either name.
pub fn is_active(named: &str) -> bool {
    named.split(',').any(|uri| EXTENSIONS.contains(&uri.trim()))
}

/// A payment as the header of HTTP has it, where it is for `resource` or does not say for what.
///
/// # Errors
/// [`Fault`], where it is too long for one, or says that it is for another address. The rest is read where headers are.
pub fn signature(resource: &str, payment: &Value) -> Result<String, Fault> {
    let named = payment.get("resource").filter(|named| !named.is_null());
    if named.is_some_and(|named| named.get("url").and_then(Value::as_str) != Some(resource)) {
        return Err(Fault::Other);
    }
    let value = STANDARD.encode(json::canonical(payment));
    if HEADER_VALUE_BYTES_MAX < value.len() {
        return Err(Fault::Encoding);
    }
    Ok(value)
}

/// What a service without A2A gets to read of a message: its kind and its body.
///
/// One part is sent as what it is; several as the list they are. None where a part is an address, which nobody follows here,
/// or data that has no single meaning.
pub fn body_of(parts: &[Part]) -> Option<(String, Vec<u8>)> {
    let whole = |value: &Value| {
        let text = json::canonical(value);
        json::parse(&text).is_ok().then_some(text)
    };
    if parts.iter().any(|part| matches!(part.content, Content::Url(_))) {
        return None;
    }
    let kind = |part: &Part, otherwise: &str| part.media_type.clone().unwrap_or_else(|| otherwise.to_owned());
    match parts {
        [part] => match &part.content {
            Content::Text(text) => Some((kind(part, "text/plain; charset=utf-8"), text.clone().into_bytes())),
            Content::Data(data) => Some((kind(part, "application/json"), whole(data)?)),
            Content::Raw(bytes) => Some((kind(part, "application/octet-stream"), bytes.clone())),
            Content::Url(_) => None,
        },
        parts => {
            let list: Vec<Value> = parts.iter().map(Part::to_json).collect();
            Some((super::MEDIA_TYPE.to_owned(), whole(&serde_json::json!({ "parts": list }))?))
        }
    }
}

/// What a service without A2A answered, as parts: by its kind, JSON as data, words as text, anything else as bytes.
pub fn parts_of(kind: &str, body: &[u8]) -> Vec<Part> {
    let plain = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_json = plain == "application/json" || plain.ends_with("+json");
    let content = match (is_json.then(|| json::parse(body)), std::str::from_utf8(body)) {
        (Some(Ok(data)), _) if !data.is_null() => Content::Data(data),
        (_, Ok(text)) if plain.is_empty() || plain.starts_with("text/") || is_json => {
            Content::Text(text.to_owned())
        }
        (_, _) => Content::Raw(body.to_vec()),
    };
    let media_type = Some(plain).filter(|plain| !plain.is_empty());
    vec![Part { media_type, ..Part::of(content) }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_payment_for_another_skill_is_not_one_for_this() {
        let here = "https://shop.example/skills/a";
        for (resource, fits) in [
            (json!({ "url": here, "description": "x" }), true),
            (Value::Null, true),
            (json!({ "url": "https://shop.example/skills/b" }), false),
            (json!({ "url": "https://shop.example/skills/a/" }), false),
            (json!({ "url": "https://other.example/skills/a" }), false),
            (json!({}), false),
            (json!("https://shop.example/skills/a"), false),
        ] {
            let payment = json!({ "x402Version": 2, "resource": resource });
            assert_eq!(signature(here, &payment).is_ok(), fits, "{resource}");
        }
        assert!(signature(here, &json!({ "a": "x".repeat(HEADER_VALUE_BYTES_MAX) })).is_err());
    }

    #[test]
    fn a_message_is_one_body_and_an_answer_one_part() {
        let text = Part::text("bridges");
        let data = Part::of(Content::Data(json!({ "b": 1, "a": [2] })));
        let typed = Part { media_type: Some("text/markdown".to_owned()), ..text.clone() };
        let bytes = |text: &str| text.as_bytes().to_vec();
        for (parts, kind, body) in [
            (vec![text.clone()], "text/plain; charset=utf-8", bytes("bridges")),
            (vec![typed], "text/markdown", bytes("bridges")),
            (vec![data.clone()], "application/json", bytes(r#"{"a":[2],"b":1}"#)),
            (vec![Part::of(Content::Raw(vec![0, 255]))], "application/octet-stream", vec![0, 255]),
            (
                vec![text, data],
                "application/a2a+json",
                bytes(r#"{"parts":[{"text":"bridges"},{"data":{"a":[2],"b":1}}]}"#),
            ),
        ] {
            assert_eq!(body_of(&parts), Some((kind.to_owned(), body)));
        }
        assert_eq!(body_of(&[Part::of(Content::Url("https://a.example/".to_owned()))]), None);
        assert_eq!(body_of(&[Part::of(Content::Data(json!(9_007_199_254_740_993_u64)))]), None);
        for (kind, body, content) in [
            ("application/json", "{\"a\":1}", Content::Data(json!({ "a": 1 }))),
            ("application/problem+json; x=y", "[1]", Content::Data(json!([1]))),
            ("application/json", "{\"a\":1,\"a\":2}", Content::Text("{\"a\":1,\"a\":2}".to_owned())),
            ("application/json", "null", Content::Text("null".to_owned())),
            ("text/html", "<p>", Content::Text("<p>".to_owned())),
            ("", "words", Content::Text("words".to_owned())),
            ("image/png", "png", Content::Raw(b"png".to_vec())),
        ] {
            assert_eq!(parts_of(kind, body.as_bytes())[0].content, content, "{kind}");
        }
        assert_eq!(parts_of("text/plain", b"\xff")[0].content, Content::Raw(vec![255]));
    }

    #[test]
    fn either_name_of_the_extension_counts() {
        for (named, counts) in [
            (EXTENSIONS[0], true),
            (EXTENSIONS[1], true),
            (&*format!("https://other.example/e, {}", EXTENSIONS[0]), true),
            ("", false),
            ("https://other.example/e", false),
        ] {
            assert_eq!(is_active(named), counts, "{named}");
        }
    }
}
