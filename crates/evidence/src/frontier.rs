//! The right edge of an append-only Merkle tree: all that a writer needs to grow it.

use thiserror::Error;

use crate::hash::{Hash, node_hash};
use crate::limits::TREE_SIZE_MAX;
use crate::tile::TILE_HEIGHT;

/// A Merkle tree of which only the right edge is kept, enough to append to it and to know its root.
///
/// There is one hash for each set bit of the size, the root of a perfect subtree, largest first:
/// never more than 63, so copying one is cheap. Equal frontiers are equal trees.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Hash>,
}

/// Bytes that are not a frontier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FrontierError {
    /// There are fewer than the eight bytes of a size.
    #[error("a frontier has at least 8 bytes, not `{0}`")]
    Short(usize),
    /// The size is larger than [`TREE_SIZE_MAX`].
    #[error("a tree has at most 2^63-1 leaves, not `{0}`")]
    Size(u64),
    /// The number of bytes does not fit the size.
    #[error("the frontier of `{size}` leaves has another length than `{found}` bytes")]
    Length {
        /// The size that was read.
        size: u64,
        /// The bytes that were there.
        found: usize,
    },
}

impl Frontier {
    /// The tree without leaves.
    pub fn new() -> Frontier {
        Frontier::default()
    }

    /// The number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf, given its [`leaf_hash`](crate::leaf_hash).
    ///
    /// # Panics
    ///
    /// When the tree already has [`TREE_SIZE_MAX`] leaves.
    pub fn push(&mut self, leaf: Hash) {
        self.push_tiled(leaf, |_, _, _| ());
    }

    /// Appends a leaf and reports each tile item that became final by it: `(level, index, hash)`.
    ///
    /// The leaf itself comes first, as level 0; then, whenever 256 items of a level are full, their
    /// root as one item of the next. Appending each to its level's file keeps what a
    /// [`HashReader`](crate::tile::HashReader) reads.
    ///
    /// # Panics
    ///
    /// When the tree already has [`TREE_SIZE_MAX`] leaves.
    pub fn push_tiled(&mut self, leaf: Hash, mut completed: impl FnMut(u8, u64, Hash)) {
        assert!(self.size < TREE_SIZE_MAX, "a tree has at most 2^63-1 leaves");
        completed(0, self.size, leaf);
        let mut node = leaf;
        let mut index = self.size;
        let mut height = 0_u8;
        while index & 1 == 1 {
            let left = self.peaks.pop().expect("there is a peak for each set bit of the size");
            node = node_hash(&left, &node);
            index >>= 1;
            height = height.checked_add(1).expect("a tree is at most 63 high");
            if height.is_multiple_of(TILE_HEIGHT) {
                completed(height.div_euclid(TILE_HEIGHT), index, node);
            }
        }
        self.peaks.push(node);
        self.size = self.size.checked_add(1).expect("the size was checked above");
    }

    /// The root of the tree: [`Hash::EMPTY_TREE`] when there are no leaves.
    pub fn root(&self) -> Hash {
        let from_the_right = self.peaks.iter().rev().copied();
        from_the_right.reduce(|right, left| node_hash(&left, &right)).unwrap_or(Hash::EMPTY_TREE)
    }

    /// The only encoding: the size as eight bytes, most significant first, then the hashes, largest subtree first.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.size.to_be_bytes().to_vec();
        for peak in &self.peaks {
            bytes.extend_from_slice(peak.as_bytes());
        }
        bytes
    }

    /// Reads what [`to_bytes`](Frontier::to_bytes) wrote, and nothing else.
    ///
    /// # Errors
    ///
    /// [`FrontierError`] for a size out of range or a length that does not fit it. Whether the hashes
    /// are the right ones only a checkpoint can tell: compare [`root`](Frontier::root) with it.
    pub fn from_bytes(bytes: &[u8]) -> Result<Frontier, FrontierError> {
        let (size, hashes) = bytes.split_first_chunk::<8>().ok_or(FrontierError::Short(bytes.len()))?;
        let size = u64::from_be_bytes(*size);
        if TREE_SIZE_MAX < size {
            return Err(FrontierError::Size(size));
        }
        let (peaks, rest) = hashes.as_chunks::<{ Hash::BYTES }>();
        let peak_count = usize::try_from(size.count_ones()).expect("a bit count is at most 64");
        if !rest.is_empty() || peaks.len() != peak_count {
            return Err(FrontierError::Length { size, found: bytes.len() });
        }
        Ok(Frontier { size, peaks: peaks.iter().copied().map(Hash).collect() })
    }
}
