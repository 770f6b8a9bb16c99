//! What can be proved to a stranger: hashes, a Merkle log, signatures, and the checks that turn a
//! claim into a [`Verified`] fact.
//!
//! Everything here is a function of its arguments: no clock, no files, no network, and randomness only
//! where AWS-LC signs with ES256. It knows nothing of money.
//!
//! Reading order:
//!
//! 1. [`hash`]: leaves and nodes. [`frontier`]: a tree that only grows. [`tile`] and [`bundle`]: the
//!    same tree as files. [`proof`]: that an entry is in it, that it only grew.
//! 2. [`key`], [`ed25519`], [`es256`], [`batch`]: who signs, and the one rule for what is accepted.
//! 3. [`note`] and [`checkpoint`]: the signed state of a log, and which key may sign it. [`succession`]: how one key
//!    leads to the next.
//! 4. [`signed`]: [`Verified`] and what makes one. [`receipt`]: all of it in one piece, checked offline.
//! 5. [`mac`]: sessions, where a signature for each request would cost too much.
#![cfg_attr(
    not(test),
    deny(clippy::indexing_slicing, clippy::as_conversions, clippy::arithmetic_side_effects)
)]
#![deny(missing_docs)]
#![forbid(unsafe_code)]

pub mod base64url;
pub mod batch;
pub mod bundle;
pub mod checkpoint;
pub mod ed25519;
pub mod es256;
pub mod frontier;
pub mod hash;
pub mod key;
pub mod limits;
pub mod mac;
pub mod note;
pub mod proof;
pub mod receipt;
pub mod signed;
pub mod succession;
pub mod tile;

pub use batch::{BatchItem, verify_batch};
pub use checkpoint::{Checkpoint, CheckpointError, KeyHistory, KeyHistoryError, KeyTerm};
pub use frontier::{Frontier, FrontierError};
pub use hash::{Hash, leaf_hash, node_hash};
pub use key::{Algorithm, BadSignature, KeyError, PublicKey, Signature, SigningKey};
pub use mac::{BadMac, Mac, MacKey, Secret, derive_key};
pub use note::{KeyId, Note, NoteError, NoteKeyError, NoteSigner, NoteVerifier};
pub use proof::{Proof, ProofError, ProveError, verify_consistency, verify_inclusion};
pub use receipt::{Receipt, ReceiptError, Recorded};
pub use signed::{Signed, Verified};
pub use succession::{Succession, SuccessionError};
pub use tile::{HashReader, MissingHash, Tile, TileLevel};
