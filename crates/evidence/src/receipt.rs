//! A receipt: one entry of a log with all that is needed to check it offline.

use thiserror::Error;

use crate::checkpoint::{Checkpoint, CheckpointError, KeyHistory};
use crate::hash::leaf_hash;
use crate::proof::{Proof, ProofError, verify_inclusion};
use crate::signed::Verified;

/// An entry, its place in the log, and a proof that leads to a signed checkpoint.
///
/// Anybody with the log's key can check it, without asking the log (EV-11).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The entry's canonical bytes.
    pub entry: Vec<u8>,
    /// The entry's position in the log; the first is 0.
    pub index: u64,
    /// Proves that the entry's leaf is at this index of the checkpoint's tree.
    pub proof: Proof,
    /// The checkpoint as its log signed it: a note.
    pub checkpoint: String,
}

/// What a receipt shows, once checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The entry's canonical bytes.
    pub entry: Vec<u8>,
    /// The entry's position in the log.
    pub index: u64,
    /// The state of the log that contains it.
    pub checkpoint: Checkpoint,
}

/// Why a receipt shows nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReceiptError {
    /// The log did not sign the checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The entry is not at this place of the checkpoint's tree.
    #[error(transparent)]
    Proof(#[from] ProofError),
}

impl Receipt {
    /// Checks that the log with these keys has this entry at this place.
    ///
    /// # Errors
    ///
    /// [`ReceiptError::Checkpoint`] first, then [`ReceiptError::Proof`].
    pub fn verify(self, keys: &KeyHistory) -> Result<Verified<Recorded>, ReceiptError> {
        let checkpoint = keys.verify(&self.checkpoint)?.into_inner();
        let leaf = leaf_hash(&self.entry);
        verify_inclusion(&leaf, self.index, checkpoint.size, &checkpoint.root, &self.proof)?;
        Ok(Verified::new(Recorded { entry: self.entry, index: self.index, checkpoint }))
    }
}
