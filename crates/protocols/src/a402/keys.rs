//! Who holds which key: a key is known under a name, belongs to one party, and has one algorithm.

use super::text::{Identifier, SignatureType};
use evidence::{Algorithm, PublicKey, SigningKey};
use std::collections::BTreeMap;

/// The public keys we trust, each under the name its signatures give.
///
/// A key that is revoked or out of date is simply not in it: whoever fills it knows the time.
#[derive(Clone, Debug, Default)]
pub struct Keyring(BTreeMap<Identifier, Holding>);

#[derive(Clone, Debug)]
struct Holding {
    owner: Identifier,
    key: PublicKey,
}

/// Why a key or its signature was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// Nobody vouches for a key of this name: fetch it over a trusted way, or leave it.
    #[error("the signing key is not known")]
    UnknownKey,
    #[error("the signing key belongs to another party")]
    WrongOwner,
    #[error("the named signature type is not the one of the key")]
    WrongAlgorithm,
    #[error("the signature does not fit")]
    BadSignature,
}

impl Keyring {
    /// Adds a key of `owner`, in place of any earlier key of that name.
    pub fn trust(&mut self, key_id: Identifier, owner: Identifier, key: PublicKey) {
        self.0.insert(key_id, Holding { owner, key });
    }

    /// The key of that name, if it is `owner`'s.
    ///
    /// # Errors
    /// [`KeyFault::UnknownKey`] and [`KeyFault::WrongOwner`].
    pub fn key_of(&self, key_id: &Identifier, owner: &Identifier) -> Result<&PublicKey, KeyFault> {
        let holding = self.0.get(key_id).ok_or(KeyFault::UnknownKey)?;
        if holding.owner != *owner {
            return Err(KeyFault::WrongOwner);
        }
        Ok(&holding.key)
    }
}

/// The key a seller signs demands with, and the name under which others know it.
#[derive(Debug)]
pub struct SellerKey {
    pub signer_id: Identifier,
    pub signing_key: SigningKey,
}

/// The word `signature_type` for an algorithm.
pub(crate) fn signature_type_of(algorithm: Algorithm) -> SignatureType {
    let word = match algorithm {
        Algorithm::Ed25519 => "ED25519",
        Algorithm::Es256 => "ES256",
    };
    SignatureType::parse(word).expect("both words are signature types")
}
