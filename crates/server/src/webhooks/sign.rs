//! Signatures of messages, as Standard Webhooks 1.0.0 has them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use evidence::{MacKey, Secret, SigningKey};

/// What is signed: the message's id, when it is sent, and its body.
fn signed(id: &str, seconds: u64, body: &str) -> Vec<u8> {
    format!("{id}.{seconds}.{body}").into_bytes()
}

/// A signature with a secret that both sides know: HMAC-SHA256.
pub fn with_secret(secret: &Secret, id: &str, seconds: u64, body: &str) -> String {
    format!("v1,{}", STANDARD.encode(MacKey::new(secret).mac(&signed(id, seconds, body)).0))
}

/// A signature with a key whose public half everybody may know: Ed25519.
pub fn with_key(key: &SigningKey, id: &str, seconds: u64, body: &str) -> String {
    format!("v1a,{}", STANDARD.encode(key.sign(&signed(id, seconds, body)).as_bytes()))
}

/// A secret as the standard writes it.
pub fn secret_text(secret: &Secret) -> String {
    format!("whsec_{}", STANDARD.encode(secret.expose()))
}

/// The public half of a key as the standard writes it.
pub fn key_text(key: &SigningKey) -> String {
    format!("whpk_{}", STANDARD.encode(key.public().bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_signed_as_the_standard_says() {
        // Computed with OpenSSL: `printf 'msg.1.{}' | openssl dgst -sha256 -mac HMAC -macopt hexkey:0707… -binary | base64`.
        let signature = with_secret(&Secret::new([7; 32]), "msg", 1, "{}");
        assert_eq!(signature, "v1,uXTvmwh5HMJg5GRc7mWExxZplm5/6NofczP6MXgwim4=");
        assert_eq!(
            secret_text(&Secret::new([0xfb; 32])),
            "whsec_+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s="
        );

        let key = SigningKey::ed25519(&[7; 32]);
        let signature = with_key(&key, "msg", 1, "{}");
        let bytes = STANDARD.decode(signature.strip_prefix("v1a,").unwrap()).unwrap();
        let signature = evidence::Signature::from_slice(&bytes).unwrap();
        assert!(key.public().verify(b"msg.1.{}", &signature).is_ok());
    }
}
