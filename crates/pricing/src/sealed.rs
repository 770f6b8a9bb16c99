//! Signed texts: a body in its canonical form, the key that signed it, and the name by which others cite it.

use crate::limits::SEALED_BYTES_MAX;
use evidence::{Hash, PublicKey, Signature, Signed, SigningKey, base64url};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt::Display;

/// Something that is signed as a whole.
pub trait Body: Sized {
    /// Comes before the bytes that are signed, so that a signature fits no other kind of text.
    const DOMAIN: &'static str;
    /// Why a text is not one.
    type Fault: Display;

    /// Reads it from JSON.
    ///
    /// # Errors
    /// `Fault`.
    fn read(body: &Value) -> Result<Self, Self::Fault>;

    /// Writes it as JSON.
    fn write(&self) -> Value;
}

/// A body whose signature was checked, with all that a stranger needs to check it again.
#[derive(Clone, Debug)]
pub struct Sealed<T> {
    body: T,
    name: String,
    text: SealedText,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SealedText {
    body: Value,
    key_id: String,
    signature: String,
}

/// Why a signed text is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealFault {
    /// It is too long, or not of the shape.
    #[error("it is no signed text: {0}")]
    Shape(String),
    /// Nobody known signs with that key.
    #[error("key `{0}` is not known")]
    UnknownKey(String),
    /// Somebody else signed it, or something else was signed.
    #[error("the signature does not fit")]
    BadSignature,
    /// The body is not what it should be.
    #[error("{0}")]
    Body(String),
}

impl<T: Body> Sealed<T> {
    /// Signs a body with the key known as `key_id`.
    pub fn sign(body: T, key_id: &str, key: &SigningKey) -> Sealed<T> {
        let value = body.write();
        let bytes = covered::<T>(&value);
        let signature = base64url::encode(key.sign(&bytes).as_bytes());
        let text = SealedText { body: value, key_id: key_id.to_owned(), signature };
        Sealed { body, name: name_of(&bytes), text }
    }

    /// Reads a signed text and checks it. `key` finds the public key known under a name.
    ///
    /// # Errors
    /// [`SealFault`].
    pub fn open(text: &[u8], key: impl FnOnce(&str) -> Option<PublicKey>) -> Result<Sealed<T>, SealFault> {
        if SEALED_BYTES_MAX < text.len() {
            return Err(SealFault::Shape(format!("it is longer than {SEALED_BYTES_MAX} bytes")));
        }
        let value = serde_json::from_slice(text).map_err(|fault| SealFault::Shape(fault.to_string()))?;
        Sealed::open_value(value, key)
    }

    /// Like [`Sealed::open`], of JSON that is read already.
    ///
    /// # Errors
    /// [`SealFault`].
    pub fn open_value(
        value: Value,
        key: impl FnOnce(&str) -> Option<PublicKey>,
    ) -> Result<Sealed<T>, SealFault> {
        let text: SealedText =
            serde_json::from_value(value).map_err(|fault| SealFault::Shape(fault.to_string()))?;
        let key = key(&text.key_id).ok_or_else(|| SealFault::UnknownKey(text.key_id.clone()))?;
        let signature = base64url::decode(&text.signature).ok_or(SealFault::BadSignature)?;
        let signature = Signature::from_slice(&signature).map_err(|_| SealFault::BadSignature)?;
        let bytes = covered::<T>(&text.body);
        let name = name_of(&bytes);
        let read = |_: &[u8]| T::read(&text.body).map_err(|fault| SealFault::Body(fault.to_string()));
        let signed = Signed::read(bytes, key, signature, read)?;
        let body = signed.verify().map_err(|_| SealFault::BadSignature)?.into_inner();
        Ok(Sealed { body, name, text })
    }

    /// What was signed.
    pub fn body(&self) -> &T {
        &self.body
    }

    /// The name by which others cite this text: SHA-256 over its domain and the canonical form of its body, as base64url.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Under which name the signing key is known.
    pub fn key_id(&self) -> &str {
        &self.text.key_id
    }

    /// The signed text as JSON.
    pub fn to_value(&self) -> Value {
        serde_json::to_value(&self.text).expect("a signed text is JSON")
    }
}

fn name_of(covered: &[u8]) -> String {
    base64url::encode(Hash::of(covered).as_bytes())
}

/// The bytes under the signature: the domain, a line end, and the body in its canonical form (RFC 8785).
fn covered<T: Body>(body: &Value) -> Vec<u8> {
    let mut bytes = format!("{}\n", T::DOMAIN).into_bytes();
    bytes.extend(serde_json_canonicalizer::to_vec(body).expect("every JSON value has a canonical form"));
    bytes
}
