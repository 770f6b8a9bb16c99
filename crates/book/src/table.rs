//! Tables: the book's rows, found by identifier, kept in the order they were made.
//!
//! The only place with a hash table. Identifiers are chosen by strangers, so the hash is keyed by a secret of this
//! process; nothing ever walks a table in hash order.

use crate::id::Id;
use hashbrown::HashTable;
use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU32;

/// The place of a row in its table. It never changes while the row lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Slot(NonZeroU32);

impl Slot {
    fn new(number: u32) -> Slot {
        let next = number.checked_add(1).and_then(NonZeroU32::new);
        Slot(next.expect("a table holds fewer than 2^32 rows"))
    }

    fn number(self) -> u32 {
        self.0.get().wrapping_sub(1)
    }
}

const CHUNK: usize = 1_024;

/// Rows by identifier, in chunks, so that growing never moves a row.
#[derive(Debug)]
pub(crate) struct Table<R> {
    index: HashTable<u32>,
    chunks: Vec<Vec<(Id, R)>>,
    hasher: RandomState,
}

impl<R> Default for Table<R> {
    fn default() -> Self {
        Table { index: HashTable::new(), chunks: Vec::new(), hasher: RandomState::new() }
    }
}

impl<R> Table<R> {
    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    /// The place of the row named `id`.
    pub(crate) fn find(&self, id: Id) -> Option<Slot> {
        let hash = self.hasher.hash_one(id);
        self.index.find(hash, |slot| self.row(Slot::new(*slot)).0 == id).map(|slot| Slot::new(*slot))
    }

    pub(crate) fn get(&self, id: Id) -> Option<&R> {
        self.find(id).map(|slot| self.at(slot))
    }

    pub(crate) fn at(&self, slot: Slot) -> &R {
        &self.row(slot).1
    }

    pub(crate) fn id_at(&self, slot: Slot) -> Id {
        self.row(slot).0
    }

    pub(crate) fn at_mut(&mut self, slot: Slot) -> &mut R {
        let (chunk, place) = place(slot);
        let row = self.chunks.get_mut(chunk).and_then(|rows| rows.get_mut(place));
        &mut row.expect("a slot names a row").1
    }

    pub(crate) fn get_mut(&mut self, id: Id) -> Option<&mut R> {
        self.find(id).map(|slot| self.at_mut(slot))
    }

    /// Adds a row under an identifier that the table does not have yet.
    pub(crate) fn insert(&mut self, id: Id, row: R) -> Slot {
        let slot = u32::try_from(self.index.len()).expect("a table holds fewer than 2^32 rows");
        if self.chunks.last().is_none_or(|rows| rows.len() == CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        self.chunks.last_mut().expect("pushed above").push((id, row));
        let (chunks, hasher) = (&self.chunks, &self.hasher);
        self.index.insert_unique(hasher.hash_one(id), slot, |slot| {
            let (chunk, place) = place(Slot::new(*slot));
            let row = chunks.get(chunk).and_then(|rows| rows.get(place));
            hasher.hash_one(row.expect("a slot names a row").0)
        });
        Slot::new(slot)
    }

    /// The rows in the order they were made.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Id, &R)> {
        self.chunks.iter().flatten().map(|(id, row)| (*id, row))
    }

    fn row(&self, slot: Slot) -> &(Id, R) {
        let (chunk, place) = place(slot);
        self.chunks.get(chunk).and_then(|rows| rows.get(place)).expect("a slot names a row")
    }
}

fn place(slot: Slot) -> (usize, usize) {
    let slot = usize::try_from(slot.number()).expect("32 bits fit");
    (slot / CHUNK, slot % CHUNK)
}

/// Rows that are forgotten in the order they came.
#[derive(Debug)]
pub(crate) struct Queue<R> {
    index: HashTable<u32>,
    chunks: VecDeque<Vec<(Id, R)>>,
    /// The number of the first row still here, counted from the first ever; its chunk may begin earlier.
    first: u64,
    /// The number the next row gets.
    next: u64,
    hasher: RandomState,
}

impl<R> Default for Queue<R> {
    fn default() -> Self {
        Queue {
            index: HashTable::new(),
            chunks: VecDeque::new(),
            first: 0,
            next: 0,
            hasher: RandomState::new(),
        }
    }
}

impl<R> Queue<R> {
    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    pub(crate) fn get(&self, id: Id) -> Option<&R> {
        let hash = self.hasher.hash_one(id);
        let found = self.index.find(hash, |low| self.row(*low).is_some_and(|row| row.0 == id))?;
        self.row(*found).map(|row| &row.1)
    }

    pub(crate) fn get_mut(&mut self, id: Id) -> Option<&mut R> {
        let hash = self.hasher.hash_one(id);
        let found = *self.index.find(hash, |low| self.row(*low).is_some_and(|row| row.0 == id))?;
        let (chunk, place) = self.locate(found)?;
        self.chunks.get_mut(chunk).and_then(|rows| rows.get_mut(place)).map(|row| &mut row.1)
    }

    /// Adds a row under an identifier that the queue does not have.
    pub(crate) fn push(&mut self, id: Id, row: R) {
        if self.chunks.back().is_none_or(|rows| rows.len() == CHUNK) {
            self.chunks.push_back(Vec::with_capacity(CHUNK));
        }
        self.chunks.back_mut().expect("pushed above").push((id, row));
        let low = low(self.next);
        self.next = self.next.checked_add(1).expect("a queue sees fewer than 2^64 rows");
        let (chunks, first, hasher) = (&self.chunks, self.first, &self.hasher);
        self.index.insert_unique(hasher.hash_one(id), low, |low| {
            let row = locate(*low, first).and_then(|(chunk, place)| chunks.get(chunk)?.get(place));
            hasher.hash_one(row.expect("an indexed row is here").0)
        });
    }

    pub(crate) fn front(&self) -> Option<(Id, &R)> {
        if self.first == self.next { None } else { self.row(low(self.first)).map(|(id, row)| (*id, row)) }
    }

    /// Forgets the oldest row.
    pub(crate) fn pop(&mut self) {
        let Some((id, _)) = self.front() else { return };
        let oldest = low(self.first);
        let hash = self.hasher.hash_one(id);
        if let Ok(entry) = self.index.find_entry(hash, |candidate| *candidate == oldest) {
            entry.remove();
        }
        self.first = self.first.checked_add(1).expect("at most `next`");
        if self.first.is_multiple_of(CHUNK_ROWS) {
            self.chunks.pop_front();
        }
    }

    /// Forgets the oldest row, or moves it behind the newest where `keep` says so.
    pub(crate) fn rotate_front(&mut self, keep: impl Fn(&R) -> bool)
    where
        R: Default,
    {
        let Some((id, row)) = self.front() else { return };
        if !keep(row) {
            self.pop();
            return;
        }
        let row = std::mem::take(self.get_mut(id).expect("the front is here"));
        self.pop();
        self.push(id, row);
    }

    /// The rows in the order they came.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Id, &R)> {
        let skip = usize::try_from(self.first % CHUNK_ROWS).expect("below a chunk");
        self.chunks.iter().flatten().skip(skip).map(|(id, row)| (*id, row))
    }

    fn row(&self, low: u32) -> Option<&(Id, R)> {
        let (chunk, place) = self.locate(low)?;
        self.chunks.get(chunk)?.get(place)
    }

    fn locate(&self, low: u32) -> Option<(usize, usize)> {
        locate(low, self.first)
    }
}

const CHUNK_ROWS: u64 = 1_024;

/// The 32 bits of a row's number that the index keeps; fewer than 2^32 rows are here at once.
fn low(number: u64) -> u32 {
    u32::try_from(number & u64::from(u32::MAX)).expect("masked")
}

fn locate(number: u32, first: u64) -> Option<(usize, usize)> {
    let ahead = u64::from(number.wrapping_sub(low(first)));
    let place = (first % CHUNK_ROWS).checked_add(ahead)?;
    Some((usize::try_from(place / CHUNK_ROWS).ok()?, usize::try_from(place % CHUNK_ROWS).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u32) -> Id {
        let mut bytes = [7; 16];
        bytes[..4].copy_from_slice(&number.to_le_bytes());
        Id(bytes)
    }

    #[test]
    fn rows_stay_where_they_were_put() {
        let mut table = Table::default();
        let slots: Vec<Slot> = (0..5_000).map(|n| table.insert(id(n), n)).collect();
        assert_eq!(table.len(), 5_000);
        for (n, slot) in (0..).zip(slots) {
            assert_eq!(table.find(id(n)), Some(slot));
            assert_eq!((table.id_at(slot), *table.at(slot)), (id(n), n));
        }
        assert_eq!(table.get(id(5_000)), None);
        assert!(table.iter().map(|(_, n)| *n).eq(0..5_000));
    }

    #[test]
    fn a_queue_forgets_in_order_and_only_that() {
        let mut queue = Queue::default();
        for n in 0..10_000u32 {
            queue.push(id(n), n);
            if n >= 3_000 {
                queue.pop();
            }
            let oldest = n.saturating_sub(2_999);
            assert_eq!(queue.front(), Some((id(oldest), &oldest)));
        }
        assert_eq!(queue.len(), 3_000);
        assert!(queue.iter().map(|(_, n)| *n).eq(7_000..10_000));
        assert_eq!(queue.get(id(6_999)), None);
        for n in 7_000..10_000 {
            assert_eq!(queue.get(id(n)), Some(&n));
            *queue.get_mut(id(n)).unwrap() += 1;
        }
        while queue.front().is_some() {
            queue.pop();
        }
        queue.pop();
        assert_eq!(queue.len(), 0);
    }
}
