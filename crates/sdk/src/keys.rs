//! Keys as the server publishes them, made into a ring that signatures are checked by.

use evidence::{Algorithm, PublicKey, base64url};
use protocols::a402::{Identifier, Keyring};
use wire::a402::A402Key;
use wire::account;

/// A published key that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("key `{id}`: {why}")]
pub struct NotAKey {
    /// Which.
    pub id: String,
    /// Why not.
    pub why: String,
}

/// The ring of these keys.
///
/// # Errors
/// [`NotAKey`] for the first that is weak or malformed.
pub fn keyring<'a>(keys: impl IntoIterator<Item = &'a A402Key>) -> Result<Keyring, NotAKey> {
    let mut ring = Keyring::default();
    for key in keys {
        let unusable = |why: String| NotAKey {
            id: key.id.clone(),
            why,
        };
        let id = Identifier::parse(&*key.id).map_err(|fault| unusable(fault.to_string()))?;
        let owner = Identifier::parse(&*key.owner).map_err(|fault| unusable(fault.to_string()))?;
        let public = public_key(key.algorithm, &key.public_key).map_err(unusable)?;
        ring.trust(id, owner, public);
    }
    Ok(ring)
}

/// A public key as the API writes it: 32 bytes, or the two coordinates of ES256.
fn public_key(algorithm: account::Algorithm, text: &str) -> Result<PublicKey, String> {
    let mut bytes = base64url::decode(text).ok_or("it is not Base64URL")?;
    let algorithm = match algorithm {
        account::Algorithm::Ed25519 => Algorithm::Ed25519,
        account::Algorithm::Es256 => {
            bytes.insert(0, 4); // SEC 1 section 2.3.3: an uncompressed point
            Algorithm::Es256
        }
    };
    PublicKey::from_bytes(algorithm, &bytes).map_err(|fault| fault.to_string())
}
