//! Signing one request: RFC 9421 over method, authority, path, query and the digest of the body (RFC 9530).

use crate::credentials::Credentials;
use evidence::Hash;
use sfv::{DictSerializer, KeyRef, StringRef, key_ref};
use url::Url;
use wire::version::SIGNATURE_TAG;

/// The label of our signature in both headers.
const LABEL: &str = "sig";

/// A request to be signed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ToSign<'a> {
    pub(crate) method: &'a str,
    pub(crate) url: &'a Url,
    pub(crate) body: &'a [u8],
    pub(crate) created_seconds: u64,
    pub(crate) nonce: u64,
}

/// The three headers that carry a signature.
#[derive(Debug)]
pub(crate) struct SignatureHeaders {
    /// Absent where there is no body.
    pub(crate) content_digest: Option<String>,
    pub(crate) signature_input: String,
    pub(crate) signature: String,
}

impl ToSign<'_> {
    /// Signs the request.
    pub(crate) fn sign(self, by: &Credentials) -> SignatureHeaders {
        let content_digest = (!self.body.is_empty()).then(|| {
            let mut digest = DictSerializer::new();
            digest.bare_item(key_ref("sha-256"), &Hash::of(self.body).as_bytes()[..]);
            digest.finish().expect("one member is not none")
        });
        let mut covered = vec![
            ("@method", self.method.to_owned()),
            ("@authority", authority(self.url)),
            ("@path", self.url.path().to_owned()),
            ("@query", format!("?{}", self.url.query().unwrap_or_default())),
        ];
        if let Some(digest) = &content_digest {
            covered.push(("content-digest", digest.clone()));
        }
        let names: Vec<&str> = covered.iter().map(|(name, _)| *name).collect();
        let signature_input = self.input(&names, by);
        let params = signature_input
            .strip_prefix(LABEL)
            .and_then(|rest| rest.strip_prefix('='))
            .expect("the dictionary begins with its one key");
        let mut base = String::new();
        for (name, value) in &covered {
            base.push_str(&format!("\"{name}\": {value}\n"));
        }
        base.push_str(&format!("\"@signature-params\": {params}"));
        let mut signature = DictSerializer::new();
        signature.bare_item(label(), &by.key.sign(base.as_bytes()).as_bytes()[..]);
        SignatureHeaders {
            content_digest,
            signature: signature.finish().expect("one member is not none"),
            signature_input,
        }
    }

    fn input(self, names: &[&str], by: &Credentials) -> String {
        let text = |text: &str| StringRef::from_str(text).expect("it is printable ASCII").to_owned();
        let created = i64::try_from(self.created_seconds).unwrap_or(i64::MAX);
        let created = sfv::Integer::try_from(created).expect("seconds since 1970 have fewer than 16 digits");
        let mut input = DictSerializer::new();
        let mut list = input.inner_list(label());
        for name in names {
            list.bare_item(&*text(name));
        }
        let key_id = by.key_id.to_string();
        list.finish()
            .parameter(key_ref("created"), created)
            .parameter(key_ref("keyid"), &*text(&key_id))
            .parameter(key_ref("nonce"), &*text(&self.nonce.to_string()))
            .parameter(key_ref("tag"), &*text(SIGNATURE_TAG));
        input.finish().expect("one member is not none")
    }
}

fn label() -> &'static KeyRef {
    key_ref(LABEL)
}

/// Host in lower case, and the port unless it is the scheme's own (RFC 9421 section 2.2.3).
pub(crate) fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use evidence::{Signature, SigningKey, base64url};
    use wire::KeyId;

    #[test]
    fn the_signature_is_over_exactly_what_the_headers_say() {
        let by = Credentials { key_id: KeyId(1), key: SigningKey::ed25519(&[7; 32]) };
        let url = Url::parse("http://EXAMPLE.com:80/v1/wallets?limit=2").unwrap();
        let signed = ToSign {
            method: "POST",
            url: &url,
            body: b"{}",
            created_seconds: 1_800_000_000,
            nonce: 1_800_000_000_000_001,
        }
        .sign(&by);
        // SHA-256 of `{}`, from `printf '{}' | sha256sum`.
        let digest = "sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:";
        assert_eq!(signed.content_digest.as_deref(), Some(digest));
        let params = concat!(
            r#"("@method" "@authority" "@path" "@query" "content-digest");created=1800000000;"#,
            r#"keyid="key_00000000000000000000000001";nonce="1800000000000001";tag="tollbridge""#
        );
        assert_eq!(signed.signature_input, format!("sig={params}"));
        let base = format!(
            "\"@method\": POST\n\"@authority\": example.com\n\"@path\": /v1/wallets\n\"@query\": ?limit=2\n\
             \"content-digest\": {digest}\n\"@signature-params\": {params}"
        );
        let text = signed.signature.strip_prefix("sig=:").and_then(|rest| rest.strip_suffix(":")).unwrap();
        let unpadded = text.trim_end_matches('=').replace('+', "-").replace('/', "_");
        let signature = Signature::from_slice(&base64url::decode(&unpadded).unwrap()).unwrap();
        by.key.public().verify(base.as_bytes(), &signature).unwrap();
    }

    #[test]
    fn without_a_body_there_is_no_digest() {
        let by = Credentials { key_id: KeyId(1), key: SigningKey::ed25519(&[7; 32]) };
        let url = Url::parse("http://127.0.0.1:8402/v1/me").unwrap();
        let signed = ToSign { method: "GET", url: &url, body: b"", created_seconds: 1, nonce: 2 }.sign(&by);
        assert_eq!(signed.content_digest, None);
        assert!(signed.signature_input.starts_with(r#"sig=("@method" "@authority" "@path" "@query");"#));
    }
}
