//! The envelope of all three headers: Base64URL of UTF-8 JSON with the layers `protocol` and `method`.
//!
//! `protocol` is read to the last member. `method` belongs to the payment method: it is carried as
//! it is and never looked into for a base field, so it cannot change one (A402-04).

use super::members::{Malformed, Members};
use super::text::HttpMethod;
use crate::json;
use crate::limits::HEADER_VALUE_BYTES_MAX;
use evidence::base64url;
use serde_json::{Map, Value};

/// The free layer of a payload: at least one member, content up to the payment method.
#[derive(Clone, Debug, PartialEq)]
pub struct MethodLayer(Map<String, Value>);

impl MethodLayer {
    /// Takes `members` unless there is none.
    ///
    /// # Errors
    /// [`Malformed::MethodEmpty`].
    pub fn new(members: Map<String, Value>) -> Result<Self, Malformed> {
        if members.is_empty() {
            return Err(Malformed::MethodEmpty);
        }
        Ok(MethodLayer(members))
    }

    /// The members. None of them has a say about amount, parties, resource or time.
    pub fn members(&self) -> &Map<String, Value> {
        &self.0
    }
}

/// Opens a header value into its two layers.
pub(crate) fn open(value: &str) -> Result<(Members, MethodLayer), Malformed> {
    if HEADER_VALUE_BYTES_MAX < value.len() {
        return Err(Malformed::TooLong { bytes: value.len() });
    }
    let text = base64url::decode(value).ok_or(Malformed::Encoding)?;
    let mut payload = Members::open("payload", json::parse(&text)?)?;
    let protocol = Members::open("protocol", payload.take("protocol")?)?;
    let method = match payload.take("method")? {
        Value::Object(members) => MethodLayer::new(members)?,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            return Err(Malformed::NotAnObject { path: "method" });
        }
    };
    payload.end()?;
    Ok((protocol, method))
}

/// Writes two layers as a header value, in canonical JSON.
///
/// # Errors
/// [`Malformed::TooLong`] and [`Malformed::Json`], where `method` holds what no header can carry.
pub(crate) fn seal(protocol: Map<String, Value>, method: &MethodLayer) -> Result<String, Malformed> {
    let text = canonical(protocol, method);
    // A method layer built in code may hold an integer that its canonical form would bend.
    json::parse(&text)?;
    let value = base64url::encode(&text);
    if HEADER_VALUE_BYTES_MAX < value.len() {
        return Err(Malformed::TooLong { bytes: value.len() });
    }
    Ok(value)
}

/// The canonical bytes of two layers: what a header carries, and what a seller signs.
pub(crate) fn canonical(protocol: Map<String, Value>, method: &MethodLayer) -> Vec<u8> {
    let payload = [
        ("protocol".to_owned(), Value::Object(protocol)),
        ("method".to_owned(), Value::Object(method.0.clone())),
    ];
    json::canonical(&Value::Object(payload.into_iter().collect()))
}

/// Refuses a request that may change something and has no idempotency key.
pub(crate) fn demand_idempotency_key<T>(
    request_method: &HttpMethod,
    key: Option<&T>,
) -> Result<(), Malformed> {
    if request_method.needs_idempotency_key() && key.is_none() {
        let request_method = request_method.as_str().to_owned();
        return Err(Malformed::IdempotencyKeyMissing { request_method });
    }
    Ok(())
}

/// Adds a string member, if there is one.
pub(crate) fn put<'a>(members: &mut Map<String, Value>, name: &str, text: impl Into<Option<&'a str>>) {
    if let Some(text) = text.into() {
        members.insert(name.to_owned(), Value::String(text.to_owned()));
    }
}
