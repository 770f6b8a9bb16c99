//! Message authentication codes for sessions: HMAC-SHA256, and the keys it is used with.
//!
//! A MAC shows that a holder of the session's key sent a request. It is no evidence towards a third
//! party, since both sides hold the key: what must stand in a dispute is signed.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::signed::Verified;

/// A secret of 32 bytes: wiped when dropped, compared in constant time, printed as `[secret]`.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Secret([u8; 32]);

impl Secret {
    /// The secret with these bytes. The caller wipes its copy.
    pub fn new(bytes: [u8; 32]) -> Secret {
        Secret(bytes)
    }

    /// The bytes, for whoever has to hand them over; never for a log.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Secret) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// Derives the 32-byte key for `context` from a secret: HKDF-SHA256 without salt (RFC 5869).
///
/// Other contexts give unrelated keys. Begin the context with what the key is for, and make its parts
/// unambiguous. `secret` has to be random already: this stretches no passwords.
pub fn derive_key(secret: &Secret, context: &[u8]) -> Secret {
    // RFC 5869 §2.2: without a salt, the extracting key is a hash's length of zeros.
    let extracted = MacKey::new(&Secret([0; 32])).mac(&secret.0);
    // RFC 5869 §2.3: the first and only block of the output.
    Secret(MacKey::new(&Secret(extracted.0)).mac_of(&[context, &[0x01]]).0)
}

/// A key of HMAC-SHA256, with the part of the work that depends on the key alone already done.
#[derive(Clone)]
pub struct MacKey(Hmac<Sha256>);

/// A message authentication code, not yet checked. It is no secret, but is compared only by [`MacKey::verify`].
#[derive(Clone, Copy, Debug)]
pub struct Mac(pub [u8; 32]);

/// A message authentication code that does not fit its key and message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the MAC does not fit the key and the message")]
pub struct BadMac;

impl MacKey {
    /// The key with these bytes.
    pub fn new(secret: &Secret) -> MacKey {
        MacKey(Hmac::new_from_slice(&secret.0).expect("HMAC takes a key of any length"))
    }

    /// The code of `message`.
    pub fn mac(&self, message: &[u8]) -> Mac {
        self.mac_of(&[message])
    }

    /// Checks a code in constant time.
    ///
    /// # Errors
    ///
    /// [`BadMac`].
    pub fn verify(&self, message: &[u8], mac: &Mac) -> Result<(), BadMac> {
        if bool::from(self.mac(message).0.ct_eq(&mac.0)) { Ok(()) } else { Err(BadMac) }
    }

    /// Checks a code, and only then reads the value from the bytes it covers.
    ///
    /// # Errors
    ///
    /// [`BadMac`], or those of `read`.
    pub fn open<T, E: From<BadMac>>(
        &self,
        message: &[u8],
        mac: &Mac,
        read: impl FnOnce(&[u8]) -> Result<T, E>,
    ) -> Result<Verified<T>, E> {
        self.verify(message, mac)?;
        Ok(Verified::new(read(message)?))
    }

    fn mac_of(&self, parts: &[&[u8]]) -> Mac {
        let mut hmac = self.0.clone();
        for part in parts {
            hmac.update(part);
        }
        Mac(hmac.finalize().into_bytes().into())
    }
}

impl Mac {
    /// The code in these bytes.
    ///
    /// # Errors
    ///
    /// [`BadMac`] unless there are exactly 32.
    pub fn from_slice(bytes: &[u8]) -> Result<Mac, BadMac> {
        bytes.try_into().map(Mac).map_err(|_| BadMac)
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}
