//! Proofs about a Merkle tree: that an entry is in it, and that it grew out of an earlier one (RFC 9162 §2.1.3, §2.1.4).

use thiserror::Error;

use crate::hash::{Hash, node_hash};
use crate::limits::{PROOF_HASH_COUNT_MAX, TREE_SIZE_MAX};
use crate::tile::{HashReader, MissingHash, largest_power_within, range_hash};

/// The hashes a verifier needs besides what it already has, in the order of RFC 9162.
///
/// At most [`PROOF_HASH_COUNT_MAX`]. Nothing in a proof says what it proves: give it to
/// [`verify_inclusion`] or [`verify_consistency`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proof(Vec<Hash>);

/// Why there is no proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ProveError {
    /// There is no such leaf in a tree of this size.
    #[error("leaf `{index}` is not in a tree of `{size}` leaves")]
    NoSuchLeaf {
        /// The leaf asked for.
        index: u64,
        /// The size of the tree.
        size: u64,
    },
    /// The tree that should be the earlier is the larger.
    #[error("a tree of `{new}` leaves did not grow out of one of `{old}`")]
    Shrinks {
        /// The earlier size.
        old: u64,
        /// The later size.
        new: u64,
    },
    /// The size is larger than [`TREE_SIZE_MAX`].
    #[error("a tree has at most 2^63-1 leaves, not `{0}`")]
    Size(u64),
    /// A hash the proof needs is not there.
    #[error(transparent)]
    Missing(#[from] MissingHash),
}

/// Why a proof proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ProofError {
    /// There is no such leaf in a tree of this size.
    #[error("leaf `{index}` is not in a tree of `{size}` leaves")]
    NoSuchLeaf {
        /// The leaf claimed.
        index: u64,
        /// The size of the tree.
        size: u64,
    },
    /// The tree that should be the earlier is the larger.
    #[error("a tree of `{new}` leaves did not grow out of one of `{old}`")]
    Shrinks {
        /// The earlier size.
        old: u64,
        /// The later size.
        new: u64,
    },
    /// The size is larger than [`TREE_SIZE_MAX`].
    #[error("a tree has at most 2^63-1 leaves, not `{0}`")]
    Size(u64),
    /// The proof has too few or too many hashes for these sizes, or bytes that are no hashes.
    #[error("the proof has the wrong length")]
    Length,
    /// The hashes lead to another root.
    #[error("the proof leads to another root")]
    Root,
}

impl Proof {
    /// A proof of these hashes.
    ///
    /// # Errors
    ///
    /// [`ProofError::Length`] when there are more than [`PROOF_HASH_COUNT_MAX`].
    pub fn new(hashes: Vec<Hash>) -> Result<Proof, ProofError> {
        if PROOF_HASH_COUNT_MAX < hashes.len() {
            return Err(ProofError::Length);
        }
        Ok(Proof(hashes))
    }

    /// The hashes, in order.
    pub fn hashes(&self) -> &[Hash] {
        &self.0
    }

    /// The only encoding: the hashes one behind the other.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|hash| hash.0).collect()
    }

    /// Reads what [`to_bytes`](Proof::to_bytes) wrote.
    ///
    /// # Errors
    ///
    /// [`ProofError::Length`] unless there are whole hashes and not too many.
    pub fn from_bytes(bytes: &[u8]) -> Result<Proof, ProofError> {
        let (hashes, rest) = bytes.as_chunks::<{ Hash::BYTES }>();
        if !rest.is_empty() || PROOF_HASH_COUNT_MAX < hashes.len() {
            return Err(ProofError::Length);
        }
        Ok(Proof(hashes.iter().copied().map(Hash).collect()))
    }
}

/// Proves that leaf `index` is in the tree of the first `size` leaves (RFC 9162 §2.1.3.1).
///
/// # Errors
///
/// [`ProveError::NoSuchLeaf`], [`ProveError::Size`] or [`ProveError::Missing`].
pub fn inclusion(reader: &impl HashReader, index: u64, size: u64) -> Result<Proof, ProveError> {
    if TREE_SIZE_MAX < size {
        return Err(ProveError::Size(size));
    }
    if size <= index {
        return Err(ProveError::NoSuchLeaf { index, size });
    }
    let mut siblings = Vec::new();
    let (mut start, mut end) = (0, size);
    while let Some(split) = split_of(start, end) {
        if index < split {
            siblings.push((split, end));
            end = split;
        } else {
            siblings.push((start, split));
            start = split;
        }
    }
    hashes_upwards(reader, siblings)
}

/// Proves that the tree of `new` leaves grew out of the tree of `old` leaves (RFC 9162 §2.1.4.1).
///
/// The proof is empty when `old` is zero or equal to `new`.
///
/// # Errors
///
/// [`ProveError::Shrinks`], [`ProveError::Size`] or [`ProveError::Missing`].
pub fn consistency(reader: &impl HashReader, old: u64, new: u64) -> Result<Proof, ProveError> {
    if TREE_SIZE_MAX < new {
        return Err(ProveError::Size(new));
    }
    if new < old {
        return Err(ProveError::Shrinks { old, new });
    }
    if old == 0 || old == new {
        return Ok(Proof::default());
    }
    let mut parts = Vec::new();
    let (mut start, mut end) = (0, new);
    while end != old {
        let split = split_of(start, end).expect("a single leaf ends at or before the old size");
        if old <= split {
            parts.push((split, end));
            end = split;
        } else {
            parts.push((start, split));
            start = split;
        }
    }
    // The verifier has the old root; it needs the node where both trees part only if that is another one.
    if start != 0 {
        parts.push((start, end));
    }
    hashes_upwards(reader, parts)
}

/// Checks that `leaf` is leaf `index` of the tree of `size` leaves with this `root` (RFC 9162 §2.1.3.2).
///
/// `leaf` is [`leaf_hash`](crate::leaf_hash) of an entry *the caller* has: a proof for another entry
/// does not pass (EV-07), nor does a node given as a leaf, since the two are hashed differently (EV-06).
///
/// # Errors
///
/// [`ProofError`], of every variant but [`ProofError::Shrinks`].
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    root: &Hash,
    proof: &Proof,
) -> Result<(), ProofError> {
    if TREE_SIZE_MAX < size {
        return Err(ProofError::Size(size));
    }
    let Some(last) = size.checked_sub(1).filter(|last| index <= *last) else {
        return Err(ProofError::NoSuchLeaf { index, size });
    };
    let mut climb = Climb { node: index, last };
    let mut hash = *leaf;
    for sibling in &proof.0 {
        hash = match climb.step()? {
            Side::Left => node_hash(sibling, &hash),
            Side::Right => node_hash(&hash, sibling),
        };
    }
    climb.end()?;
    if hash != *root {
        return Err(ProofError::Root);
    }
    Ok(())
}

/// Checks that the tree of `new` leaves grew out of the tree of `old` leaves (RFC 9162 §2.1.4.2).
///
/// Every tree grew out of the empty one, and out of itself; both need an empty proof.
///
/// # Errors
///
/// [`ProofError`], of every variant but [`ProofError::NoSuchLeaf`].
pub fn verify_consistency(
    old: u64,
    old_root: &Hash,
    new: u64,
    new_root: &Hash,
    proof: &Proof,
) -> Result<(), ProofError> {
    if TREE_SIZE_MAX < new {
        return Err(ProofError::Size(new));
    }
    if new < old {
        return Err(ProofError::Shrinks { old, new });
    }
    let Some(last_old) = old.checked_sub(1).filter(|_| old < new) else {
        return verify_without_growth(old, old_root, new_root, proof);
    };
    let last_new = new.checked_sub(1).expect("new is above old");
    // Where the old tree is one perfect subtree, its root is where the climb begins, and is not in the proof.
    let (first, rest) = match old.is_power_of_two() {
        true => (old_root, proof.0.as_slice()),
        false => proof.0.split_first().ok_or(ProofError::Length)?,
    };
    let mut climb = Climb { node: last_old, last: last_new };
    while climb.node & 1 == 1 {
        climb.up();
    }
    let (mut old_hash, mut new_hash) = (*first, *first);
    for sibling in rest {
        match climb.step()? {
            Side::Left => {
                old_hash = node_hash(sibling, &old_hash);
                new_hash = node_hash(sibling, &new_hash);
            }
            Side::Right => new_hash = node_hash(&new_hash, sibling),
        }
    }
    climb.end()?;
    if old_hash != *old_root || new_hash != *new_root {
        return Err(ProofError::Root);
    }
    Ok(())
}

/// The two cases RFC 9162 leaves out: from the empty tree, and from a tree to itself.
fn verify_without_growth(
    old: u64,
    old_root: &Hash,
    new_root: &Hash,
    proof: &Proof,
) -> Result<(), ProofError> {
    if !proof.0.is_empty() {
        return Err(ProofError::Length);
    }
    let expected = if old == 0 { &Hash::EMPTY_TREE } else { new_root };
    if old_root != expected {
        return Err(ProofError::Root);
    }
    Ok(())
}

/// On which side of the path its next sibling stands.
enum Side {
    Left,
    Right,
}

/// The way from a node up to the root: *fn* and *sn* of RFC 9162.
struct Climb {
    node: u64,
    last: u64,
}

impl Climb {
    fn up(&mut self) {
        self.node >>= 1;
        self.last >>= 1;
    }

    /// Takes one sibling; a proof that still has one at the root is too long.
    fn step(&mut self) -> Result<Side, ProofError> {
        if self.last == 0 {
            return Err(ProofError::Length);
        }
        let side = if self.node & 1 == 1 || self.node == self.last { Side::Left } else { Side::Right };
        if matches!(side, Side::Left) {
            // On the right edge, heights without a sibling are passed over.
            while self.node & 1 == 0 && self.node != 0 {
                self.up();
            }
        }
        self.up();
        Ok(side)
    }

    /// A proof that ends below the root is too short.
    fn end(self) -> Result<(), ProofError> {
        if self.last != 0 {
            return Err(ProofError::Length);
        }
        Ok(())
    }
}

/// Where RFC 9162 splits the leaves `start..end`, or `None` for a single leaf.
fn split_of(start: u64, end: u64) -> Option<u64> {
    let count = end.checked_sub(start).expect("a range ends after its start");
    let below = count.checked_sub(1).filter(|below| *below != 0)?;
    Some(start.checked_add(largest_power_within(below)).expect("the split is before the end"))
}

/// Proofs are found from the root down, and read from the bottom up.
fn hashes_upwards(reader: &impl HashReader, downwards: Vec<(u64, u64)>) -> Result<Proof, ProveError> {
    let upwards = downwards.into_iter().rev();
    let hashes: Result<Vec<Hash>, MissingHash> =
        upwards.map(|(start, end)| range_hash(reader, start, end)).collect();
    Ok(Proof::new(hashes?).expect("a proof has at most one hash for each height"))
}
