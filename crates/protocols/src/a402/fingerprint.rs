//! The fingerprint that ties a demand, a payment and a proof to one HTTP request (A402-21).
//!
//! Four lines joined by LF, hashed with SHA-256: the method in capitals, the target URI as the WHATWG
//! URL standard writes it, without fragment and user, the `Content-Type` in lower case, and the SHA-256 of the body
//! in Base64URL. ACT names the inputs and the order; the lines are our layout.
//!
//! No header takes part but `Content-Type`, so no credential is ever hashed or kept.

use super::text::{Fingerprint, HttpMethod, Identifier};
use crate::limits::{CONTENT_TYPE_BYTES_MAX, URI_BYTES_MAX};
use evidence::{Hash, base64url};
use url::Url;

/// Why a request has no fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoFingerprint {
    #[error("the HTTP method is not made of 1 to 32 letters")]
    Method,
    #[error("the target is not an absolute `http` or `https` URI of up to {URI_BYTES_MAX} bytes")]
    Uri,
    #[error("the content type has control characters or more than {CONTENT_TYPE_BYTES_MAX} bytes")]
    ContentType,
}

/// What a payment is bound to: one request, as both sides saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestFacts {
    pub method: HttpMethod,
    pub fingerprint: Fingerprint,
    /// The request's own `Idempotency-Key`, if it has one. A demand then has to use it.
    pub idempotency_key: Option<Identifier>,
    /// Who is asking, if the transport or a session has shown it. A proof is then good only for them.
    pub caller: Option<Identifier>,
}

impl RequestFacts {
    /// The facts of a request whose caller is not known and that has no key of its own.
    ///
    /// `uri` is the one the buyer used: behind a proxy, the seller has to put scheme and host back.
    /// Both must also *route* by the normalised form, or a dot segment could unlock another resource.
    ///
    /// # Errors
    /// [`NoFingerprint`].
    pub fn of(method: &str, uri: &str, content_type: &str, body: &[u8]) -> Result<Self, NoFingerprint> {
        RequestFacts::of_digest(method, uri, content_type, &Hash::of(body))
    }

    /// The same, for a body that was hashed while it passed.
    ///
    /// # Errors
    /// [`NoFingerprint`].
    pub fn of_digest(
        method: &str,
        uri: &str,
        content_type: &str,
        body_sha256: &Hash,
    ) -> Result<Self, NoFingerprint> {
        let method = HttpMethod::parse(method.to_ascii_uppercase()).map_err(|_| NoFingerprint::Method)?;
        let uri = normalise(uri).ok_or(NoFingerprint::Uri)?;
        let content_type = content_type.trim().to_lowercase();
        if CONTENT_TYPE_BYTES_MAX < content_type.len() || content_type.chars().any(char::is_control) {
            return Err(NoFingerprint::ContentType);
        }
        let body = base64url::encode(body_sha256.as_bytes());
        let lines = [method.as_str(), uri.as_str(), &content_type, &body].join("\n");
        Ok(RequestFacts {
            fingerprint: digest(lines.as_bytes()),
            method,
            idempotency_key: None,
            caller: None,
        })
    }
}

/// The fingerprint of a request. [`RequestFacts::of`] gives it together with the method.
///
/// # Errors
/// [`NoFingerprint`].
pub fn fingerprint(
    method: &str,
    uri: &str,
    content_type: &str,
    body: &[u8],
) -> Result<Fingerprint, NoFingerprint> {
    RequestFacts::of(method, uri, content_type, body).map(|facts| facts.fingerprint)
}

/// The SHA-256 of `bytes` as `sha-256:` and Base64URL.
pub fn digest(bytes: &[u8]) -> Fingerprint {
    let text = base64url::encode(Hash::of(bytes).as_bytes());
    Fingerprint::parse(format!("sha-256:{text}")).expect("a SHA-256 is 43 characters of Base64URL")
}

fn normalise(uri: &str) -> Option<Url> {
    if URI_BYTES_MAX < uri.len() {
        return None;
    }
    let mut uri = Url::parse(uri).ok()?;
    if !matches!(uri.scheme(), "http" | "https") {
        return None;
    }
    uri.set_fragment(None);
    // A client turns these into an `Authorization` header, so the seller never sees them.
    uri.set_username("").ok()?;
    uri.set_password(None).ok()?;
    Some(uri)
}
