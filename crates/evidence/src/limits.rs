//! The greatest sizes this crate accepts, each with its reason, so that no input can make it work without end.

/// The most leaves a tree may have: what other implementations can hold in a signed 64-bit integer.
pub const TREE_SIZE_MAX: u64 = (1 << 63) - 1;

/// The most hashes a proof may have: one for each height of the largest tree, and one more where a
/// consistency proof names its starting node.
pub const PROOF_HASH_COUNT_MAX: usize = 64;

/// The longest entry, in bytes: an entry bundle gives the length in 16 bits.
pub const ENTRY_BYTES_MAX: usize = 65_535;

/// The longest signed note, in bytes, signatures included.
///
/// Sixteen of the largest post-quantum signatures fit, which is what the specification asks for.
pub const NOTE_BYTES_MAX: usize = 131_072;

/// The most signature lines a note may carry; the specification asks for at least 16.
pub const NOTE_SIGNATURE_COUNT_MAX: usize = 32;

/// The longest name of a note's key, and so of a log's origin, in bytes.
pub const KEY_NAME_BYTES_MAX: usize = 255;

/// The most signatures checked in one equation; longer batches are cut into pieces of this many.
pub const BATCH_COUNT_MAX: usize = 1_024;

/// The most keys the history of one log may name.
pub const KEY_TERM_COUNT_MAX: usize = 1_024;
