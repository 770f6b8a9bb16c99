//! Keys as the server publishes them, made into rings that signatures are checked by.

use evidence::{Algorithm, PublicKey, base64url};
use protocols::a402::{Identifier, Keyring};
use wire::a402::{A402Key, A402SellerKeys};
use wire::account;
use wire::act::AgentKeys;

/// A published key that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("key `{id}`: {why}")]
pub struct NotAKey {
    /// Which.
    pub id: String,
    /// Why not.
    pub why: String,
}

/// The ring with the key that signs credentials. It speaks for its payment method, and for nothing else.
///
/// # Errors
/// [`NotAKey`].
pub fn credential_ring(key: &A402Key) -> Result<Keyring, NotAKey> {
    let mut ring = Keyring::default();
    trust(&mut ring, &key.key_id, &key.method_id, key.algorithm, &key.public_key)?;
    Ok(ring)
}

/// The ring with the keys that sign a seller's demands.
///
/// # Errors
/// [`NotAKey`] for the first that is weak or malformed.
pub fn seller_ring(keys: &A402SellerKeys) -> Result<Keyring, NotAKey> {
    let mut ring = Keyring::default();
    let payee = keys.payee.to_string();
    for key in &keys.keys {
        trust(&mut ring, &key.key_id.to_string(), &payee, key.algorithm, &key.public_key)?;
    }
    Ok(ring)
}

/// The keys of an agent, to check what it signed.
///
/// # Errors
/// [`NotAKey`].
pub fn agent_keys(keys: &AgentKeys) -> Result<Vec<PublicKey>, NotAKey> {
    let each = keys.keys.iter().map(|key| {
        parse(key.algorithm, &key.public_key).map_err(|why| NotAKey { id: key.key_id.to_string(), why })
    });
    each.collect()
}

fn trust(
    ring: &mut Keyring,
    id: &str,
    owner: &str,
    algorithm: account::Algorithm,
    public_key: &str,
) -> Result<(), NotAKey> {
    let unusable = |why: String| NotAKey { id: id.to_owned(), why };
    let name = Identifier::parse(id).map_err(|fault| unusable(fault.to_string()))?;
    let owner = Identifier::parse(owner).map_err(|fault| unusable(fault.to_string()))?;
    ring.trust(name, owner, parse(algorithm, public_key).map_err(unusable)?);
    Ok(())
}

/// A public key as the API writes it: 32 bytes, or the two coordinates of ES256.
fn parse(algorithm: account::Algorithm, text: &str) -> Result<PublicKey, String> {
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
