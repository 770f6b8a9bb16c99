//! ES256: ECDSA on P-256 with SHA-256, and which signatures are accepted.
//!
//! A signature is exactly 64 bytes, `r || s`, each from 1 to the group order less one; DER is refused.
//! High `s` is accepted: RFC 7518 does not forbid it, and common signers produce it. So each signature
//! has a twin, and nothing may be keyed on its bytes (PR-02).

use aws_lc_rs::agreement::{ECDH_P256, PrivateKey};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, ParsedPublicKey,
};

use crate::key::{KeyError, Signature};

/// An enrolled P-256 key, parsed once.
#[derive(Clone)]
pub struct Es256Key {
    bytes: [u8; 65],
    parsed: ParsedPublicKey,
}

/// The first byte of an uncompressed point (SEC 1 §2.3.3), the one form accepted.
const UNCOMPRESSED: u8 = 0x04;

impl Es256Key {
    /// The key with this uncompressed point; the identity and points off the curve have none.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Es256Key, KeyError> {
        let bytes: [u8; 65] = bytes.try_into().map_err(|_| KeyError::Malformed)?;
        if bytes.first() != Some(&UNCOMPRESSED) {
            return Err(KeyError::Malformed);
        }
        let parsed =
            ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, bytes).map_err(|_| KeyError::Malformed)?;
        Ok(Es256Key { bytes, parsed })
    }

    pub(crate) fn from_coordinates(x: &[u8], y: &[u8]) -> Result<Es256Key, KeyError> {
        if x.len() != 32 || y.len() != 32 {
            return Err(KeyError::Malformed);
        }
        Es256Key::parse(&[&[UNCOMPRESSED], x, y].concat())
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn coordinates(&self) -> (&[u8], &[u8]) {
        let (_, coordinates) = self.bytes.split_first().expect("an uncompressed point has 65 bytes");
        coordinates.split_at(32)
    }

    pub(crate) fn fits(&self, message: &[u8], signature: &Signature) -> bool {
        self.parsed.verify_sig(message, &signature.0).is_ok()
    }
}

impl std::fmt::Debug for Es256Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Es256Key({})", crate::base64url::encode(&self.bytes))
    }
}

/// The key pair of a secret number.
pub(crate) fn key_pair(secret: &[u8; 32]) -> Result<EcdsaKeyPair, KeyError> {
    let private = PrivateKey::from_private_key(&ECDH_P256, secret).map_err(|_| KeyError::Malformed)?;
    let public = private.compute_public_key().map_err(|_| KeyError::Malformed)?;
    EcdsaKeyPair::from_private_key_and_public_key(&ECDSA_P256_SHA256_FIXED_SIGNING, secret, public.as_ref())
        .map_err(|_| KeyError::Malformed)
}
