//! Keys and signatures: what is enrolled, and what signs.
//!
//! The rule for Ed25519 signatures is in [`ed25519`](crate::ed25519), the one for ES256 in [`es256`].

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use thiserror::Error;

use crate::base64url;
use crate::ed25519::Ed25519Key;
use crate::es256::{self, Es256Key};
use crate::hash::Hash;

/// A signature scheme. Which one applies is a property of the enrolled key, never of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// Ed25519 (RFC 8032), with the acceptance rule of [`ed25519`](crate::ed25519).
    Ed25519,
    /// ECDSA on P-256 with SHA-256, the signature as `r || s` (RFC 7518 §3.4).
    Es256,
}

/// A public key that was worth enrolling.
///
/// Parsing refuses weak keys, and does all the work that depends on the key alone: keep the parsed
/// key rather than its bytes. Keys compare by algorithm and bytes.
#[derive(Clone)]
pub enum PublicKey {
    /// An Ed25519 key: canonical, and in the prime-order subgroup.
    Ed25519(Ed25519Key),
    /// A P-256 key: on the curve, and not the identity.
    Es256(Es256Key),
}

/// A key that is not enrolled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    /// The bytes have the wrong length, name no point, or are not its only encoding.
    #[error("the key is malformed")]
    Malformed,
    /// The point has a small order or a small-order part, so one signature could fit many messages (ID-17).
    #[error("the key is weak")]
    Weak,
}

/// A signature that does not fit its key and message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the signature does not fit the key and the message")]
pub struct BadSignature;

/// The 64 bytes of a signature, not yet checked.
///
/// Both schemes have other bytes that pass for the same key and message, so a signature is never an
/// identity: recognise a repeated request by its signer and nonce (PR-02).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature(pub [u8; Signature::BYTES]);

impl Signature {
    /// The length of a signature, in bytes.
    pub const BYTES: usize = 64;

    /// The signature in these bytes.
    ///
    /// # Errors
    ///
    /// [`BadSignature`] unless there are exactly 64.
    pub fn from_slice(bytes: &[u8]) -> Result<Signature, BadSignature> {
        bytes.try_into().map(Signature).map_err(|_| BadSignature)
    }

    /// The signature as 64 bytes.
    pub fn as_bytes(&self) -> &[u8; Signature::BYTES] {
        &self.0
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({})", base64url::encode(&self.0))
    }
}

impl PublicKey {
    /// The Ed25519 key with these 32 bytes (RFC 8032 §5.1.5; the `x` of a JWK, RFC 8037 §2).
    ///
    /// # Errors
    ///
    /// [`KeyError::Malformed`] or [`KeyError::Weak`].
    pub fn ed25519(bytes: &[u8]) -> Result<PublicKey, KeyError> {
        Ed25519Key::parse(bytes).map(PublicKey::Ed25519)
    }

    /// The P-256 key with these coordinates, 32 bytes each, as in a JWK (RFC 7518 §6.2.1).
    ///
    /// # Errors
    ///
    /// [`KeyError::Malformed`] when a length is wrong or the point is not on the curve.
    pub fn es256(x: &[u8], y: &[u8]) -> Result<PublicKey, KeyError> {
        Es256Key::from_coordinates(x, y).map(PublicKey::Es256)
    }

    /// The key with these [`bytes`](PublicKey::bytes).
    ///
    /// # Errors
    ///
    /// [`KeyError::Malformed`] or [`KeyError::Weak`].
    pub fn from_bytes(algorithm: Algorithm, bytes: &[u8]) -> Result<PublicKey, KeyError> {
        match algorithm {
            Algorithm::Ed25519 => PublicKey::ed25519(bytes),
            Algorithm::Es256 => Es256Key::parse(bytes).map(PublicKey::Es256),
        }
    }

    /// The scheme of this key's signatures.
    pub fn algorithm(&self) -> Algorithm {
        match self {
            PublicKey::Ed25519(_) => Algorithm::Ed25519,
            PublicKey::Es256(_) => Algorithm::Es256,
        }
    }

    /// The key's only encoding: 32 bytes for Ed25519; for ES256 65, `0x04 || x || y` (SEC 1 §2.3.3).
    pub fn bytes(&self) -> &[u8] {
        match self {
            PublicKey::Ed25519(key) => key.bytes(),
            PublicKey::Es256(key) => key.bytes(),
        }
    }

    /// The JWK thumbprint (RFC 7638 §3; for Ed25519 RFC 8037 §2): SHA-256 of the key's required members.
    pub fn thumbprint(&self) -> Hash {
        let members = match self {
            PublicKey::Ed25519(key) => {
                format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, base64url::encode(key.bytes()))
            }
            PublicKey::Es256(key) => {
                let (x, y) = key.coordinates();
                let (x, y) = (base64url::encode(x), base64url::encode(y));
                format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#)
            }
        };
        Hash::of(members.as_bytes())
    }

    /// Checks one signature. The answer is always that of [`verify_batch`](crate::verify_batch).
    ///
    /// # Errors
    ///
    /// [`BadSignature`], without saying why: whoever made it knows.
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<(), BadSignature> {
        let fits = match self {
            PublicKey::Ed25519(key) => key.fits(message, signature),
            PublicKey::Es256(key) => key.fits(message, signature),
        };
        if fits { Ok(()) } else { Err(BadSignature) }
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &PublicKey) -> bool {
        (self.algorithm(), self.bytes()) == (other.algorithm(), other.bytes())
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}({})", self.algorithm(), base64url::encode(self.bytes()))
    }
}

/// A key that signs.
///
/// The secret lies in AWS-LC's memory, which is wiped when it is freed; `Debug` prints `[secret]`.
/// ES256 signatures draw a fresh nonce inside AWS-LC, so the same call gives other bytes each time;
/// Ed25519 signatures are the same each time, which is what a simulation needs.
pub struct SigningKey {
    secret: Secret,
    public: PublicKey,
}

enum Secret {
    Ed25519(Ed25519KeyPair),
    Es256(EcdsaKeyPair),
}

impl SigningKey {
    /// The Ed25519 key of a 32-byte seed (RFC 8032 §5.1.5). The caller wipes its copy of the seed.
    pub fn ed25519(seed: &[u8; 32]) -> SigningKey {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).expect("every 32 bytes are a seed");
        let public =
            PublicKey::ed25519(pair.public_key().as_ref()).expect("a multiple of the base is enrolled");
        SigningKey { secret: Secret::Ed25519(pair), public }
    }

    /// The P-256 key whose secret number these 32 bytes are, most significant first: the `d` of a JWK.
    ///
    /// # Errors
    ///
    /// [`KeyError::Malformed`] when the number is zero or not below the group order, which happens to
    /// one in 2³² of all random seeds: draw another.
    pub fn es256(seed: &[u8; 32]) -> Result<SigningKey, KeyError> {
        let pair = es256::key_pair(seed)?;
        let public = PublicKey::from_bytes(Algorithm::Es256, pair.public_key().as_ref())?;
        Ok(SigningKey { secret: Secret::Es256(pair), public })
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Signs `message`.
    pub fn sign(&self, message: &[u8]) -> Signature {
        let signature = match &self.secret {
            Secret::Ed25519(pair) => pair.sign(message),
            // AWS-LC draws the nonce itself and ignores the generator it is handed.
            Secret::Es256(pair) => pair.sign(&SystemRandom::new(), message).expect("a valid key signs"),
        };
        Signature::from_slice(signature.as_ref()).expect("both schemes sign with 64 bytes")
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}
