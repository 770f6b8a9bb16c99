//! Merkle trees written straight from RFC 9162 §2.1, with no care for speed: what the tests compare with.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use evidence::{Frontier, Hash, HashReader, MissingHash, leaf_hash};

fn sha256(parts: &[&[u8]]) -> Hash {
    Hash::from_slice(digest(&SHA256, &parts.concat()).as_ref()).expect("SHA-256 has 32 bytes")
}

/// A list of entries, `D` in the RFC, with every hash it was ever asked for.
pub(crate) struct Naive {
    entries: Vec<Vec<u8>>,
    known: BTreeMap<(usize, usize), Hash>,
}

impl Naive {
    pub(crate) fn new(entries: Vec<Vec<u8>>) -> Naive {
        Naive { entries, known: BTreeMap::new() }
    }

    /// `MTH(D[start:end])`, §2.1.1.
    pub(crate) fn root(&mut self, start: usize, end: usize) -> Hash {
        if let Some(known) = self.known.get(&(start, end)) {
            return *known;
        }
        let hash = match end - start {
            0 => sha256(&[]),
            1 => sha256(&[&[0], &self.entries[start]]),
            n => {
                let split = start + split(n);
                let (left, right) = (self.root(start, split), self.root(split, end));
                sha256(&[&[1], &left.0, &right.0])
            }
        };
        self.known.insert((start, end), hash);
        hash
    }

    /// `PATH(m, D[start:end])`, §2.1.3.1, with `m` counted from `start`.
    pub(crate) fn path(&mut self, m: usize, start: usize, end: usize) -> Vec<Hash> {
        if end - start == 1 {
            return Vec::new();
        }
        let k = split(end - start);
        let (mut path, sibling) = match m < k {
            true => (self.path(m, start, start + k), self.root(start + k, end)),
            false => (self.path(m - k, start + k, end), self.root(start, start + k)),
        };
        path.push(sibling);
        path
    }

    /// `SUBPROOF(m, D[start:end], b)`, §2.1.4.1, with `m` counted from `start`.
    pub(crate) fn subproof(&mut self, m: usize, start: usize, end: usize, b: bool) -> Vec<Hash> {
        if m == end - start {
            return if b { Vec::new() } else { vec![self.root(start, end)] };
        }
        let k = split(end - start);
        let (mut proof, sibling) = match m <= k {
            true => (self.subproof(m, start, start + k, b), self.root(start + k, end)),
            false => (self.subproof(m - k, start + k, end, false), self.root(start, start + k)),
        };
        proof.push(sibling);
        proof
    }
}

/// The largest power of two smaller than `n`, `k` in the RFC.
fn split(n: usize) -> usize {
    let mut k = 1;
    while k * 2 < n {
        k *= 2;
    }
    k
}

/// A tree kept as a follower keeps it: one growing list of hashes for each tile level.
#[derive(Default)]
pub(crate) struct Stored {
    pub(crate) frontier: Frontier,
    pub(crate) levels: Vec<Vec<Hash>>,
}

impl Stored {
    pub(crate) fn of(entries: &[Vec<u8>]) -> Stored {
        let mut stored = Stored::default();
        for entry in entries {
            stored.push(entry);
        }
        stored
    }

    pub(crate) fn push(&mut self, entry: &[u8]) {
        let levels = &mut self.levels;
        self.frontier.push_tiled(leaf_hash(entry), |level, index, hash| {
            levels.resize_with(levels.len().max(usize::from(level) + 1), Vec::new);
            assert_eq!(levels[usize::from(level)].len() as u64, index, "items are appended in order");
            levels[usize::from(level)].push(hash);
        });
    }
}

impl HashReader for Stored {
    fn hash(&self, level: u8, index: u64) -> Result<Hash, MissingHash> {
        let items = self.levels.get(usize::from(level));
        items.and_then(|items| items.get(index as usize)).copied().ok_or(MissingHash { level, index })
    }
}

/// Entries that differ from each other: the numbers up to `count`.
pub(crate) fn entries(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|number| number.to_string().into_bytes()).collect()
}
