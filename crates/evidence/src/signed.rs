//! What was claimed and what was checked, told apart by type.

use crate::batch::{BatchItem, verify_batch};
use crate::key::{BadSignature, PublicKey, Signature};

/// A value whose proof was checked: a signature, a MAC, or a place in a signed log.
///
/// Only this crate's checks make one, so code that asks for a `Verified<T>` cannot be reached with an
/// unchecked value. What exactly was checked is said by the function that returned it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    pub(crate) fn new(value: T) -> Verified<T> {
        Verified(value)
    }

    /// The value.
    pub fn get(&self) -> &T {
        &self.0
    }

    /// The value, no longer marked as checked.
    pub fn into_inner(self) -> T {
        self.0
    }
}

/// A value that somebody claims to have signed.
///
/// It keeps the exact bytes that were signed, and the value was read from just those bytes, so the
/// two cannot drift apart.
#[derive(Clone, Debug)]
pub struct Signed<T> {
    value: T,
    bytes: Vec<u8>,
    key: PublicKey,
    signature: Signature,
}

impl<T> Signed<T> {
    /// Reads a value from the bytes that were signed.
    ///
    /// `key` is the key the caller has enrolled for the signer, looked up by name: a key that came
    /// with the message proves only that somebody has a key.
    ///
    /// # Errors
    ///
    /// Those of `read`.
    pub fn read<E>(
        bytes: Vec<u8>,
        key: PublicKey,
        signature: Signature,
        read: impl FnOnce(&[u8]) -> Result<T, E>,
    ) -> Result<Signed<T>, E> {
        Ok(Signed { value: read(&bytes)?, bytes, key, signature })
    }

    /// The value as claimed; nothing is known about it yet.
    pub fn claimed(&self) -> &T {
        &self.value
    }

    /// The bytes that were signed.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The key the signature should be by.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// The signature.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// Checks that the key signed the bytes the value was read from.
    ///
    /// # Errors
    ///
    /// [`BadSignature`].
    pub fn verify(self) -> Result<Verified<T>, BadSignature> {
        self.key.verify(&self.bytes, &self.signature)?;
        Ok(Verified::new(self.value))
    }

    /// The value as if it had been checked: for programs that are broken on purpose.
    #[cfg(feature = "sabotage")]
    pub fn unverified(self) -> Verified<T> {
        Verified::new(self.value)
    }

    /// Checks many at once, with the same answers as [`verify`](Signed::verify), in order.
    pub fn verify_all(all: Vec<Signed<T>>) -> Vec<Result<Verified<T>, BadSignature>> {
        let items: Vec<BatchItem<'_>> = all.iter().map(Signed::item).collect();
        let fits = verify_batch(&items);
        let answers = all.into_iter().zip(fits);
        answers
            .map(|(signed, fits)| if fits { Ok(Verified::new(signed.value)) } else { Err(BadSignature) })
            .collect()
    }

    fn item(&self) -> BatchItem<'_> {
        BatchItem { key: &self.key, message: &self.bytes, signature: &self.signature }
    }
}
