//! Keys as the server publishes them, made into rings that signatures are checked by.

use crate::limits::{SELLER_KEYS_AGE_MAX, SELLERS_KNOWN_MAX};
use evidence::{Algorithm, PublicKey, base64url};
use protocols::a402::{Identifier, Keyring};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use wire::PayeeId;
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

/// The keys of sellers, as the server said them not long ago. What was signed with a key that was taken away since then, the server
/// does not pay.
#[derive(Debug, Default)]
pub(crate) struct SellerKeys(Mutex<HashMap<PayeeId, (Instant, Arc<Keyring>)>>);

impl SellerKeys {
    pub(crate) fn find(&self, payee: PayeeId) -> Option<Arc<Keyring>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (asked_at, keys) = known.get(&payee)?;
        (asked_at.elapsed() < SELLER_KEYS_AGE_MAX).then(|| Arc::clone(keys))
    }

    pub(crate) fn keep(&self, payee: PayeeId, keys: Arc<Keyring>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if SELLERS_KNOWN_MAX <= known.len() {
            known.clear();
        }
        known.insert(payee, (Instant::now(), keys));
    }
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
