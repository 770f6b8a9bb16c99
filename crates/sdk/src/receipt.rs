//! Checking a receipt without asking anybody: the entry is in the log, and the log's key signed that it is.

use evidence::receipt::ReceiptError;
use evidence::{Hash, KeyHistory, Proof, Receipt, Recorded, Verified, base64url};
use wire::entry;

/// Why a receipt shows nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAReceipt {
    /// A member is not what its name says.
    #[error("`{0}` of the receipt is malformed")]
    Malformed(&'static str),
    /// What it claims is not so.
    #[error(transparent)]
    False(#[from] ReceiptError),
}

/// Checks that the log with `keys` has this entry at this place.
///
/// `keys` are those the reader trusts already: the key that comes with a receipt proves nothing, and is not looked at.
///
/// # Errors
/// [`NotAReceipt`].
pub fn verify_receipt(
    receipt: &entry::Receipt,
    keys: &KeyHistory,
) -> Result<Verified<Recorded>, NotAReceipt> {
    let entry = base64url::decode(&receipt.bytes).ok_or(NotAReceipt::Malformed("bytes"))?;
    let hashes: Option<Vec<Hash>> = receipt.proof.iter().map(|hash| Hash::from_base64(hash)).collect();
    let proof = hashes.and_then(|hashes| Proof::new(hashes).ok()).ok_or(NotAReceipt::Malformed("proof"))?;
    let receipt = Receipt { entry, index: receipt.entry, proof, checkpoint: receipt.checkpoint.clone() };
    Ok(receipt.verify(keys)?)
}
