//! The Merkle tree against an independent one: roots, frontiers, and proofs of both kinds.

use crate::oracle::{Naive, Stored, entries};
use evidence::limits::TREE_SIZE_MAX;
use evidence::proof::{consistency, inclusion};
use evidence::{
    Frontier, FrontierError, Hash, HashReader, MissingHash, Proof, ProofError, ProveError, leaf_hash,
    node_hash, verify_consistency, verify_inclusion,
};
use proptest::prelude::*;

const SIZE_MAX: usize = 300;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The leaves and roots that Certificate Transparency implementations have shared since RFC 6962.
#[test]
fn roots_are_those_of_certificate_transparency() {
    let rows: [(&[u8], &str); 8] = [
        (b"", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
        (b"\x00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
        (b"\x10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
        (b"\x20\x21", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
        (b"\x30\x31", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
        (b"\x40\x41\x42\x43", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
        (
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        ),
        (
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ),
    ];
    let mut frontier = Frontier::new();
    assert_eq!(hex(&frontier.root().0), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    for (entry, root) in rows {
        frontier.push(leaf_hash(entry));
        assert_eq!(hex(&frontier.root().0), root, "{} leaves", frontier.size());
    }
}

#[test]
fn a_frontier_has_the_root_of_the_tree_it_grew_and_survives_a_snapshot() {
    let mut naive = Naive::new(entries(SIZE_MAX));
    let mut frontier = Frontier::new();
    for size in 0..=SIZE_MAX {
        assert_eq!(frontier.root(), naive.root(0, size), "{size} leaves");
        assert_eq!(frontier.size(), size as u64);
        let snapshot = frontier.to_bytes();
        assert_eq!(snapshot.len(), 8 + 32 * size.count_ones() as usize);
        assert_eq!(Frontier::from_bytes(&snapshot), Ok(frontier.clone()));
        frontier.push(leaf_hash(size.to_string().as_bytes()));
    }
}

#[test]
fn a_snapshot_has_one_encoding() {
    let mut frontier = Frontier::new();
    for size in 0..5_u8 {
        frontier.push(leaf_hash(&[size]));
    }
    let bytes = frontier.to_bytes();
    assert_eq!(bytes.len(), 72);
    let changed = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = bytes.clone();
        change(&mut bytes);
        Frontier::from_bytes(&bytes)
    };
    let length = |size, found| Err(FrontierError::Length { size, found });
    assert_eq!(Frontier::from_bytes(&bytes[..7]), Err(FrontierError::Short(7)));
    assert_eq!(changed(&|bytes| bytes.truncate(71)), length(5, 71));
    assert_eq!(changed(&|bytes| bytes.push(0)), length(5, 73));
    assert_eq!(changed(&|bytes| bytes.truncate(40)), length(5, 40));
    assert_eq!(changed(&|bytes| bytes[7] = 7), length(7, 72));
    assert_eq!(changed(&|bytes| bytes[0] = 0x80), Err(FrontierError::Size((1 << 63) + 5)));
    assert_ne!(changed(&|bytes| bytes[40] ^= 1).map(|frontier| frontier.root()), Ok(frontier.root()));
}

#[test]
fn every_inclusion_proof_is_the_one_of_rfc_9162_and_passes() {
    let entries = entries(SIZE_MAX);
    let stored = Stored::of(&entries);
    let mut naive = Naive::new(entries.clone());
    for size in 1..=SIZE_MAX {
        let root = naive.root(0, size);
        for (index, entry) in entries.iter().enumerate().take(size) {
            let proof = inclusion(&stored, index as u64, size as u64).unwrap();
            assert_eq!(proof.hashes(), naive.path(index, 0, size), "leaf {index} of {size}");
            let leaf = leaf_hash(entry);
            assert_eq!(verify_inclusion(&leaf, index as u64, size as u64, &root, &proof), Ok(()));
        }
    }
}

#[test]
fn every_consistency_proof_is_the_one_of_rfc_9162_and_passes() {
    let entries = entries(SIZE_MAX);
    let stored = Stored::of(&entries);
    let mut naive = Naive::new(entries);
    for new in 1..=SIZE_MAX {
        for old in 1..=new {
            let proof = consistency(&stored, old as u64, new as u64).unwrap();
            assert_eq!(proof.hashes(), naive.subproof(old, 0, new, true), "{old} to {new}");
            let (old_root, new_root) = (naive.root(0, old), naive.root(0, new));
            assert_eq!(verify_consistency(old as u64, &old_root, new as u64, &new_root, &proof), Ok(()));
        }
    }
}

/// Every way to spoil a proof: one hash less, one more, two swapped, one bit flipped.
fn spoiled(proof: &Proof) -> Vec<Proof> {
    let hashes = proof.hashes();
    let mut all = Vec::new();
    for position in 0..=hashes.len() {
        let mut longer = hashes.to_vec();
        longer.insert(position, Hash::of(b"another"));
        all.push(longer);
        let mut repeated = hashes.to_vec();
        repeated.insert(position, hashes.first().copied().unwrap_or(Hash::EMPTY_TREE));
        all.push(repeated);
    }
    for position in 0..hashes.len() {
        let mut shorter = hashes.to_vec();
        shorter.remove(position);
        all.push(shorter);
        let mut flipped = hashes.to_vec();
        flipped[position].0[31] ^= 1;
        all.push(flipped);
        let mut swapped = hashes.to_vec();
        swapped.swap(position, 0);
        if swapped != hashes {
            all.push(swapped);
        }
    }
    all.into_iter().map(|hashes| Proof::new(hashes).expect("it is still short")).collect()
}

#[test]
fn a_spoiled_inclusion_proof_is_refused() {
    let entries = entries(40);
    let stored = Stored::of(&entries);
    let mut naive = Naive::new(entries.clone());
    for size in 1..=40_u64 {
        let root = naive.root(0, size as usize);
        for index in 0..size {
            let proof = inclusion(&stored, index, size).unwrap();
            let leaf = leaf_hash(&entries[index as usize]);
            for bad in spoiled(&proof) {
                assert!(verify_inclusion(&leaf, index, size, &root, &bad).is_err(), "leaf {index} of {size}");
            }
            let other_root = naive.root(0, size as usize - 1);
            let refused = Err(ProofError::Root);
            assert_eq!(verify_inclusion(&leaf, index, size, &other_root, &proof), refused);
            // EV-07: a proof is for one leaf at one place.
            assert_eq!(verify_inclusion(&leaf_hash(b"other"), index, size, &root, &proof), refused);
            for other in (0..size).filter(|other| *other != index) {
                assert!(verify_inclusion(&leaf, other, size, &root, &proof).is_err());
            }
            let past = Err(ProofError::NoSuchLeaf { index: size, size });
            assert_eq!(verify_inclusion(&leaf, size, size, &root, &proof), past);
        }
    }
}

#[test]
fn a_spoiled_consistency_proof_is_refused() {
    let entries = entries(40);
    let stored = Stored::of(&entries);
    let mut naive = Naive::new(entries);
    for new in 1..=40_u64 {
        for old in 0..=new {
            let proof = consistency(&stored, old, new).unwrap();
            let (old_root, new_root) = (naive.root(0, old as usize), naive.root(0, new as usize));
            assert_eq!(verify_consistency(old, &old_root, new, &new_root, &proof), Ok(()));
            for bad in spoiled(&proof) {
                assert!(verify_consistency(old, &old_root, new, &new_root, &bad).is_err(), "{old} to {new}");
            }
            let other = Hash::of(b"other");
            let refused = Err(ProofError::Root);
            assert_eq!(verify_consistency(old, &other, new, &new_root, &proof), refused);
            if old != 0 {
                assert_eq!(verify_consistency(old, &old_root, new, &other, &proof), refused);
            }
            if old < new {
                let shrinks = Err(ProofError::Shrinks { old: new, new: old });
                assert_eq!(verify_consistency(new, &new_root, old, &old_root, &proof), shrinks);
            }
        }
    }
}

/// EV-06: the node above leaves 0 and 1 is no entry, though its hash is where a leaf of a smaller tree would be.
#[test]
fn a_node_is_not_a_leaf() {
    let stored = Stored::of(&entries(4));
    let root = stored.frontier.root();
    let (a, b) = (stored.hash(0, 0).unwrap(), stored.hash(0, 1).unwrap());
    let right = node_hash(&stored.hash(0, 2).unwrap(), &stored.hash(0, 3).unwrap());
    let proof = Proof::new(vec![right]).unwrap();
    let forged_entry = [a.0, b.0].concat();
    assert_eq!(
        verify_inclusion(&node_hash(&a, &b), 0, 2, &root, &proof),
        Ok(()),
        "as a bare hash it would fit"
    );
    assert_eq!(verify_inclusion(&leaf_hash(&forged_entry), 0, 2, &root, &proof), Err(ProofError::Root));
    let with_prefix = [&[1_u8][..], &forged_entry].concat();
    assert_eq!(verify_inclusion(&leaf_hash(&with_prefix), 0, 2, &root, &proof), Err(ProofError::Root));
}

/// The hashes lead to the root, but of a larger tree than is claimed.
#[test]
fn a_proof_that_climbs_past_the_claimed_size_is_refused() {
    let stored = Stored::of(&entries(2));
    let root = stored.frontier.root();
    let (first, second) = (stored.hash(0, 0).unwrap(), stored.hash(0, 1).unwrap());
    let proof = Proof::new(vec![first]).unwrap();
    assert_eq!(verify_inclusion(&second, 1, 2, &root, &proof), Ok(()));
    assert_eq!(verify_inclusion(&second, 0, 1, &root, &proof), Err(ProofError::Length));
}

#[test]
fn there_is_no_proof_of_what_is_not_there() {
    let stored = Stored::of(&entries(5));
    assert_eq!(inclusion(&stored, 0, 0), Err(ProveError::NoSuchLeaf { index: 0, size: 0 }));
    assert_eq!(inclusion(&stored, 5, 5), Err(ProveError::NoSuchLeaf { index: 5, size: 5 }));
    assert_eq!(inclusion(&stored, 0, TREE_SIZE_MAX + 1), Err(ProveError::Size(TREE_SIZE_MAX + 1)));
    assert_eq!(consistency(&stored, 5, 4), Err(ProveError::Shrinks { old: 5, new: 4 }));
    assert_eq!(consistency(&stored, 0, u64::MAX), Err(ProveError::Size(u64::MAX)));
    let missing = MissingHash { level: 0, index: 5 };
    assert_eq!(inclusion(&stored, 0, 6), Err(ProveError::Missing(missing)));
    assert_eq!(consistency(&stored, 5, 6), Err(ProveError::Missing(missing)));
    assert_eq!(Proof::new(vec![Hash::EMPTY_TREE; 64]).unwrap().to_bytes().len(), 2_048);
    assert_eq!(Proof::new(vec![Hash::EMPTY_TREE; 65]), Err(ProofError::Length));
    assert_eq!(Proof::from_bytes(&[0; 65 * 32]), Err(ProofError::Length));
    assert_eq!(Proof::from_bytes(&[0; 33]), Err(ProofError::Length));
}

/// Three tile levels, so that proofs read roots of tiles and roots of tiles of tiles.
#[test]
fn proofs_reach_over_tile_levels() {
    let entries = entries(70_000);
    let stored = Stored::of(&entries);
    let mut naive = Naive::new(entries.clone());
    assert_eq!(stored.levels.iter().map(Vec::len).collect::<Vec<_>>(), [70_000, 273, 1]);
    let sizes = [70_000, 69_999, 65_537, 65_536, 65_535, 40_000, 512, 257, 256, 255];
    for size in sizes {
        let root = naive.root(0, size);
        for index in [0, 1, 254, 255, 256, 511, 39_999, 65_535, 65_536, size - 2, size - 1] {
            if index < size {
                let proof = inclusion(&stored, index as u64, size as u64).unwrap();
                assert_eq!(proof.hashes(), naive.path(index, 0, size), "leaf {index} of {size}");
                let leaf = leaf_hash(&entries[index]);
                assert_eq!(verify_inclusion(&leaf, index as u64, size as u64, &root, &proof), Ok(()));
            }
        }
        for old in sizes.into_iter().filter(|old| *old <= size) {
            let proof = consistency(&stored, old as u64, size as u64).unwrap();
            assert_eq!(proof.hashes(), naive.subproof(old, 0, size, true), "{old} to {size}");
        }
    }
}

/// A tree whose leaves are all alike, so that it can be as large as trees get.
struct Uniform {
    by_height: Vec<Hash>,
}

impl Uniform {
    fn new() -> Uniform {
        let mut by_height = vec![leaf_hash(b"alike")];
        for height in 0..63 {
            by_height.push(node_hash(&by_height[height], &by_height[height]));
        }
        Uniform { by_height }
    }

    fn root(&self, size: u64) -> Hash {
        let peaks = (0..64).filter(|height| size >> height & 1 == 1).map(|height| self.by_height[height]);
        peaks.reduce(|right, left| node_hash(&left, &right)).unwrap_or(Hash::EMPTY_TREE)
    }
}

impl HashReader for Uniform {
    fn hash(&self, level: u8, _: u64) -> Result<Hash, MissingHash> {
        Ok(self.by_height[usize::from(level) * 8])
    }
}

proptest! {
    #[test]
    fn proofs_hold_in_trees_of_every_size(a in 0..=TREE_SIZE_MAX, b in 0..=TREE_SIZE_MAX, low in 0..64_u32) {
        let tree = Uniform::new();
        let (old, new) = (a.min(b) >> low, a.max(b));
        let proof = consistency(&tree, old, new).unwrap();
        prop_assert_eq!(verify_consistency(old, &tree.root(old), new, &tree.root(new), &proof), Ok(()));
        if old < new {
            let proof = inclusion(&tree, old, new).unwrap();
            prop_assert_eq!(verify_inclusion(&leaf_hash(b"alike"), old, new, &tree.root(new), &proof), Ok(()));
        }
    }

    #[test]
    fn no_claim_makes_a_verifier_fail_otherwise_than_by_refusing(
        old in any::<u64>(), new in any::<u64>(), hashes in proptest::collection::vec(any::<[u8; 32]>(), 0..=64),
    ) {
        let hashes: Vec<Hash> = hashes.into_iter().map(Hash).collect();
        let proof = Proof::new(hashes).unwrap();
        let (a, b) = (Hash::of(b"a"), Hash::of(b"b"));
        prop_assert!(verify_inclusion(&a, old, new, &b, &proof).is_err());
        prop_assert!(verify_consistency(old, &a, new, &b, &proof).is_err());
    }

    #[test]
    fn proofs_are_those_of_another_implementation(size in 1_usize..600, part in 0.0..1.0_f64) {
        let entries = entries(size);
        let stored = Stored::of(&entries);
        let mut theirs = ct_merkle::mem_backed_tree::MemoryBackedTree::<sha2::Sha256, Vec<u8>>::new();
        entries.iter().for_each(|entry| theirs.push(entry.clone()));
        let index = (size as f64 * part) as usize;
        let their_root = theirs.root();
        prop_assert_eq!(&stored.frontier.root().0[..], &their_root.as_bytes()[..]);
        let proof = inclusion(&stored, index as u64, size as u64).unwrap();
        prop_assert_eq!(proof.to_bytes(), theirs.prove_inclusion(index).as_bytes().to_vec());
        if index != 0 {
            let proof = consistency(&stored, index as u64, size as u64).unwrap();
            prop_assert_eq!(proof.to_bytes(), theirs.prove_consistency(size - index).as_bytes().to_vec());
        }
    }
}

#[test]
fn the_largest_trees_have_proofs() {
    let tree = Uniform::new();
    let leaf = leaf_hash(b"alike");
    for size in [TREE_SIZE_MAX, TREE_SIZE_MAX - 1, 1 << 62, (1 << 62) + 1] {
        for index in [0, 1, size / 2, size - 2, size - 1] {
            let proof = inclusion(&tree, index, size).unwrap();
            assert_eq!(verify_inclusion(&leaf, index, size, &tree.root(size), &proof), Ok(()));
            let proof = consistency(&tree, index, size).unwrap();
            assert_eq!(verify_consistency(index, &tree.root(index), size, &tree.root(size), &proof), Ok(()));
        }
    }
}
