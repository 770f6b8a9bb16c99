//! UCP's signatures of messages: RFC 9421 with ES256, over exactly the components that UCP names, in its order.
//!
//! The algorithm is a property of the key that is named, never of the message. A message has one signature.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use evidence::{Hash, PublicKey, Signature, SigningKey};

/// The longest of the three headers, in bytes.
pub const SIGNATURE_HEADER_BYTES_MAX: usize = 2 * 1024;

/// How far the second in a signature, where there is one, may be from the receiver's, in seconds.
pub const SKEW_SECONDS_MAX: u64 = 300;

/// A request, as it is signed.
#[derive(Clone, Copy, Debug)]
pub struct Signable<'a> {
    pub method: &'a str,
    /// In lower case.
    pub authority: &'a str,
    pub path: &'a str,
    pub query: Option<&'a str>,
    pub agent: Option<&'a str>,
    pub idempotency_key: Option<&'a str>,
    pub content_type: &'a str,
    pub body: &'a [u8],
}

/// The three headers of a signed message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headers {
    pub signature_input: String,
    pub signature: String,
    /// Where there is a body.
    pub content_digest: Option<String>,
}

/// Why a signature does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSigned {
    #[error("the signature's headers are malformed, or do not cover what they must")]
    Malformed,
    #[error("`Content-Digest` is missing, malformed, or not that of the body")]
    Digest,
    #[error("it was signed too long ago, or in the future")]
    Stale,
    #[error("no such key is known")]
    UnknownKey,
    #[error("the signature does not fit the key and the message")]
    Invalid,
}

/// Signs a request at a second.
pub fn sign(request: &Signable<'_>, key: &SigningKey, key_id: &str, seconds: u64) -> Headers {
    let components = components(request);
    let names: Vec<String> = components.iter().map(|(name, _)| format!("\"{name}\"")).collect();
    let params = format!("({});created={seconds};keyid=\"{key_id}\"", names.join(" "));
    let signature = key.sign(base(&components, &params).as_bytes());
    Headers {
        signature_input: format!("sig1={params}"),
        signature: format!("sig1=:{}:", STANDARD.encode(signature.as_bytes())),
        content_digest: digest(request.body),
    }
}

/// Checks a request's signature against the key that it names.
///
/// # Errors
/// [`NotSigned`].
pub fn verify<'k>(
    request: &Signable<'_>,
    headers: &Headers,
    now_seconds: u64,
    find: impl FnOnce(&str) -> Option<&'k PublicKey>,
) -> Result<(), NotSigned> {
    let Headers { signature_input, signature, content_digest } = headers;
    let lengths = [signature_input, signature].into_iter().chain(content_digest).map(String::len);
    if lengths.max() > Some(SIGNATURE_HEADER_BYTES_MAX) {
        return Err(NotSigned::Malformed);
    }
    if *content_digest != digest(request.body) {
        return Err(NotSigned::Digest);
    }
    let (label, params) = signature_input.split_once('=').ok_or(NotSigned::Malformed)?;
    let bytes = signature.strip_prefix(label).and_then(|rest| rest.strip_prefix("=:")?.strip_suffix(':'));
    let bytes = bytes.and_then(|text| STANDARD.decode(text).ok()).ok_or(NotSigned::Malformed)?;
    let signature = Signature::from_slice(&bytes).map_err(|_| NotSigned::Malformed)?;
    let components = components(request);
    let names: Vec<String> = components.iter().map(|(name, _)| format!("\"{name}\"")).collect();
    let rest = params.strip_prefix(&format!("({})", names.join(" "))).ok_or(NotSigned::Malformed)?;
    let Params { key_id, created } = Params::read(rest).ok_or(NotSigned::Malformed)?;
    if created.is_some_and(|created| SKEW_SECONDS_MAX < now_seconds.abs_diff(created)) {
        return Err(NotSigned::Stale);
    }
    let key = find(key_id).ok_or(NotSigned::UnknownKey)?;
    key.verify(base(&components, params).as_bytes(), &signature).map_err(|_| NotSigned::Invalid)
}

/// `Content-Digest` of a body; nothing for none.
pub fn digest(body: &[u8]) -> Option<String> {
    (!body.is_empty()).then(|| format!("sha-256=:{}:", STANDARD.encode(Hash::of(body).as_bytes())))
}

/// What a signature says of itself.
struct Params<'a> {
    key_id: &'a str,
    created: Option<u64>,
}

impl Params<'_> {
    /// `;created=1;keyid="k"` in any order, each once; others are covered by the signature and say nothing here.
    fn read(text: &str) -> Option<Params<'_>> {
        let (mut key_id, mut created) = (None, None);
        for param in text.strip_prefix(';')?.split(';') {
            let (name, value) = param.split_once('=')?;
            match name {
                "keyid" if key_id.is_none() => {
                    let quoted = value.strip_prefix('"')?.strip_suffix('"')?;
                    key_id = Some(quoted).filter(|it| !it.contains(['"', '\\']));
                }
                "created" if created.is_none() => created = Some(value.parse().ok()?),
                "keyid" | "created" => return None,
                _ => {}
            }
        }
        Some(Params { key_id: key_id?, created })
    }
}

/// What is signed, in UCP's order.
fn components<'a>(request: &Signable<'a>) -> Vec<(&'static str, String)> {
    let mut components = vec![
        ("@method", request.method.to_owned()),
        ("@authority", request.authority.to_owned()),
        ("@path", request.path.to_owned()),
    ];
    let mut add = |name: &'static str, value: Option<&'a str>| {
        components.extend(value.map(|value| (name, value.to_owned())));
    };
    let query = request.query.map(|query| format!("?{query}"));
    add("ucp-agent", request.agent);
    add("idempotency-key", request.idempotency_key);
    if let Some(query) = query {
        components.insert(3, ("@query", query));
    }
    if let Some(digest) = digest(request.body) {
        components.push(("content-digest", digest));
        components.push(("content-type", request.content_type.to_owned()));
    }
    components
}

/// The bytes that are signed (RFC 9421 section 2.5).
fn base(components: &[(&'static str, String)], params: &str) -> String {
    let mut base = String::with_capacity(512);
    for (name, value) in components {
        base.push_str(&format!("\"{name}\": {value}\n"));
    }
    base.push_str("\"@signature-params\": ");
    base.push_str(params);
    base
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Signable<'static> {
        Signable {
            method: "POST",
            authority: "shop.example",
            path: "/checkout-sessions",
            query: None,
            agent: Some("profile=\"https://p.example/ucp\""),
            idempotency_key: Some("key"),
            content_type: "application/json",
            body: b"{}",
        }
    }

    fn check(request: &Signable<'_>, headers: &Headers, now: u64) -> Result<(), NotSigned> {
        let key = SigningKey::es256(&[5; 32]).unwrap();
        verify(request, headers, now, |id| (id == "k1").then_some(key.public()))
    }

    fn signed(request: &Signable<'_>) -> Headers {
        sign(request, &SigningKey::es256(&[5; 32]).unwrap(), "k1", 1_000)
    }

    #[test]
    fn what_is_signed_cannot_be_changed() {
        let good = request();
        let headers = signed(&good);
        assert_eq!(check(&good, &headers, 1_300), Ok(()));
        assert_eq!(
            headers.signature_input,
            "sig1=(\"@method\" \"@authority\" \"@path\" \"ucp-agent\" \"idempotency-key\" \"content-digest\" \
             \"content-type\");created=1000;keyid=\"k1\""
        );
        assert_eq!(
            headers.content_digest.as_deref(),
            Some("sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:")
        );
        for (changed, expected) in [
            (Signable { method: "PUT", ..good }, NotSigned::Invalid),
            (Signable { authority: "other.example", ..good }, NotSigned::Invalid),
            (Signable { path: "/checkout-sessions/1", ..good }, NotSigned::Invalid),
            (Signable { agent: Some("profile=\"https://q.example/ucp\""), ..good }, NotSigned::Invalid),
            (Signable { idempotency_key: Some("other"), ..good }, NotSigned::Invalid),
            (Signable { content_type: "text/plain", ..good }, NotSigned::Invalid),
            (Signable { agent: None, ..good }, NotSigned::Malformed),
            (Signable { query: Some("a=1"), ..good }, NotSigned::Malformed),
            (Signable { body: b"[]", ..good }, NotSigned::Digest),
            (Signable { body: b"", ..good }, NotSigned::Digest),
        ] {
            assert_eq!(check(&changed, &headers, 1_000), Err(expected), "{changed:?}");
        }
        assert_eq!(check(&good, &headers, 1_301), Err(NotSigned::Stale));
        assert_eq!(check(&good, &headers, 699), Err(NotSigned::Stale));
        let unknown = sign(&good, &SigningKey::es256(&[5; 32]).unwrap(), "k2", 1_000);
        assert_eq!(check(&good, &unknown, 1_000), Err(NotSigned::UnknownKey));
    }

    #[test]
    fn a_signature_over_less_does_not_count() {
        let good = request();
        let less = Signable { idempotency_key: None, ..good };
        let headers = Headers { content_digest: digest(good.body), ..signed(&less) };
        assert_eq!(check(&good, &headers, 1_000), Err(NotSigned::Malformed));
        let query = Signable { query: Some("a=1"), body: b"", ..good };
        assert_eq!(check(&query, &signed(&query), 1_000), Ok(()));
        for (from, to) in [
            ("sig1=", "sig2="),
            ("keyid=", "kid="),
            ("created=1000", "created=-1"),
            (";created", ";created=1000;created"),
        ] {
            let headers = signed(&good);
            let headers =
                Headers { signature_input: headers.signature_input.replacen(from, to, 1), ..headers };
            assert_eq!(check(&good, &headers, 1_000), Err(NotSigned::Malformed), "{from} → {to}");
        }
    }
}
