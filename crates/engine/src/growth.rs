//! Growth: what each frame added to the log, hashed once for the frame's root and for the tiles.

use crate::limits::GROWTH_FRAMES_MAX;
use evidence::{Frontier, leaf_hash};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// What some entries added to the log.
#[derive(Debug)]
pub(crate) struct Growth {
    /// The size of the log before.
    first: u64,
    /// The hashes that became final, by level, each level's one behind the other.
    pub(crate) levels: Vec<Vec<u8>>,
    /// The log with the entries.
    pub(crate) after: Frontier,
}

impl Growth {
    /// Appends entries, given as their canonical bytes, to the log that `before` is the edge of.
    pub(crate) fn of<'a>(before: Frontier, entries: impl Iterator<Item = &'a [u8]>) -> Growth {
        let (first, mut after) = (before.size(), before);
        let mut levels: Vec<Vec<u8>> = Vec::new();
        for entry in entries {
            after.push_tiled(leaf_hash(entry), |level, _, hash| {
                let level = usize::from(level);
                while levels.len() <= level {
                    levels.push(Vec::new());
                }
                if let Some(hashes) = levels.get_mut(level) {
                    hashes.extend_from_slice(&hash.0);
                }
            });
        }
        Growth { first, levels, after }
    }
}

/// The growth by the latest frames, for followers that are not far behind.
#[derive(Clone, Debug, Default)]
pub struct Growths(Arc<Mutex<VecDeque<Arc<Growth>>>>);

impl Growths {
    pub(crate) fn push(&self, growth: Growth) {
        let mut latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if latest.len() == GROWTH_FRAMES_MAX {
            latest.pop_front();
        }
        latest.push_back(Arc::new(growth));
    }

    /// The growth of a log that has `size` entries.
    pub(crate) fn at(&self, size: u64) -> Option<Arc<Growth>> {
        let latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = latest.binary_search_by_key(&size, |growth| growth.first).ok()?;
        latest.get(place).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_growths_are_found_by_the_size_before_them() {
        let growths = Growths::default();
        let mut edge = Frontier::default();
        for _ in 0..GROWTH_FRAMES_MAX + 3 {
            let growth = Growth::of(edge, [b"one".as_slice(), b"two"].into_iter());
            edge = growth.after.clone();
            growths.push(growth);
        }
        assert!(growths.at(4).is_none(), "forgotten");
        assert!(growths.at(7).is_none(), "in the midst of a frame");
        let growth = growths.at(6).expect("the oldest that is kept");
        assert_eq!((growth.first, growth.after.size(), growth.levels[0].len()), (6, 8, 64));
    }
}
