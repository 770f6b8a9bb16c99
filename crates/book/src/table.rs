//! Tables: the book's rows, found by identifier, kept in the order they were made.
//!
//! The only place with a hash. Identifiers are chosen by strangers, so the hash is keyed by a secret of this
//! process; nothing ever walks a table in hash order.

use crate::canon::{Canon, Malformed, Reader, canon_struct};
use crate::id::Id;
use siphasher::sip::SipHasher13;
use std::collections::VecDeque;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::hint::black_box;
use std::num::NonZeroU32;

/// The place of a row in its table. It never changes while the row lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Slot(NonZeroU32);

impl Slot {
    pub(crate) fn new(number: u32) -> Slot {
        let next = number.checked_add(1).and_then(NonZeroU32::new);
        Slot(next.expect("a table holds fewer than 2^32 rows"))
    }

    fn number(self) -> u32 {
        self.0.get().wrapping_sub(1)
    }
}

impl Canon for Slot {
    fn encode(&self, out: &mut Vec<u8>) {
        self.number().encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, Malformed> {
        let next = u32::decode(input)?.checked_add(1).and_then(NonZeroU32::new);
        next.map(Slot).ok_or(Malformed)
    }
}

/// What nobody outside knows, so that nobody can look for two texts with one digest.
///
/// It is drawn by the process that began to read the journal, and goes on in the snapshots that are made from there.
pub(crate) struct Secret {
    low: u64,
    high: u64,
}

canon_struct!(Secret { low, high });

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret([secret])")
    }
}

impl Default for Secret {
    fn default() -> Self {
        let random = RandomState::new();
        Secret { low: random.hash_one(0u8), high: random.hash_one(1u8) }
    }
}

impl Secret {
    /// SipHash-1-3, as in the tables of the standard library, whose own lends nobody its key.
    ///
    /// A digest is compared in here and shown to nobody, so that there is nothing to learn the secret from.
    pub(crate) fn digest(&self, bytes: &[u8]) -> u64 {
        let mut hasher = SipHasher13::new_with_keys(self.low, self.high);
        hasher.write(bytes);
        hasher.finish()
    }
}

/// An identifier and its hash in one table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Foreseen {
    id: Id,
    hash: NonZeroU32,
}

/// The rows in one piece of memory, so that growing never moves a row.
const CHUNK: usize = 4_096;

/// [`CHUNK`], for counting.
const CHUNK_ROWS: u64 = 4_096;

/// The parts of an index. Each grows by itself, so that no request waits for all of it.
const PARTS: usize = 64;

/// The cells that a part begins with. Their number is a power of two at all times.
const CELLS_MIN: usize = 16;

/// Numbers of rows by the hash of their identifiers.
///
/// Cells are searched one behind the other, so that a look-up is most often one read of memory. The hash is kept beside
/// the number: an index grows, and passes over strangers, without looking at a row.
#[derive(Debug)]
struct Index {
    parts: Vec<Part>,
    hasher: RandomState,
}

/// A hash, and the number that was inserted under it.
type Cell = Option<(NonZeroU32, u32)>;

#[derive(Debug)]
struct Part {
    cells: Vec<Cell>,
    used: usize,
}

impl Default for Index {
    fn default() -> Self {
        let part = || Part { cells: vec![None; CELLS_MIN], used: 0 };
        Index { parts: (0..PARTS).map(|_| part()).collect(), hasher: RandomState::new() }
    }
}

impl Index {
    fn hash(&self, id: Id) -> NonZeroU32 {
        let half =
            u32::try_from(self.hasher.hash_one(u128::from_le_bytes(id.0)) >> 32).expect("half of 64 bits");
        NonZeroU32::new(half).unwrap_or(NonZeroU32::MIN)
    }

    fn foresee(&self, id: Id) -> Foreseen {
        let hash = self.hash(id);
        Foreseen { id, hash }
    }

    fn read_ahead(&self, hash: NonZeroU32) {
        let part = self.part(hash);
        black_box(part.cell(part.home(hash)));
    }

    fn part(&self, hash: NonZeroU32) -> &Part {
        self.parts.get(part(hash)).expect("there are as many parts")
    }

    fn part_mut(&mut self, hash: NonZeroU32) -> &mut Part {
        self.parts.get_mut(part(hash)).expect("there are as many parts")
    }

    /// The number for which `is` holds, among those with this hash.
    fn find(&self, hash: NonZeroU32, is: impl Fn(u32) -> bool) -> Option<u32> {
        let part = self.part(hash);
        part.find(hash, is).and_then(|place| part.cell(place)).map(|(_, number)| number)
    }

    fn insert(&mut self, hash: NonZeroU32, number: u32) {
        let part = self.part_mut(hash);
        // At three quarters, a search for what is not there passes over eight cells: one line of cache.
        if part.cells.len().saturating_sub(part.cells.len() / 4) <= part.used {
            part.grow();
        }
        part.put((hash, number));
        part.used = part.used.saturating_add(1);
    }

    fn remove(&mut self, hash: NonZeroU32, number: u32) {
        let part = self.part_mut(hash);
        if let Some(place) = part.find(hash, |found| found == number) {
            part.take(place);
            part.used = part.used.saturating_sub(1);
        }
    }
}

fn part(hash: NonZeroU32) -> usize {
    usize::try_from(hash.get()).expect("32 bits fit") % PARTS
}

impl Part {
    /// Where a search for `hash` begins.
    fn home(&self, hash: NonZeroU32) -> usize {
        self.wrap(usize::try_from(hash.get()).expect("32 bits fit") / PARTS)
    }

    fn wrap(&self, place: usize) -> usize {
        place & self.cells.len().wrapping_sub(1)
    }

    fn next(&self, place: usize) -> usize {
        self.wrap(place.wrapping_add(1))
    }

    fn cell(&self, place: usize) -> Cell {
        *self.cells.get(place).expect("places wrap around")
    }

    fn set(&mut self, place: usize, cell: Cell) {
        *self.cells.get_mut(place).expect("places wrap around") = cell;
    }

    fn find(&self, hash: NonZeroU32, is: impl Fn(u32) -> bool) -> Option<usize> {
        let mut place = self.home(hash);
        while let Some((known, number)) = self.cell(place) {
            if known == hash && is(number) {
                return Some(place);
            }
            place = self.next(place);
        }
        None
    }

    fn put(&mut self, cell: (NonZeroU32, u32)) {
        let mut place = self.home(cell.0);
        while self.cell(place).is_some() {
            place = self.next(place);
        }
        self.set(place, Some(cell));
    }

    /// Empties a cell, and moves up those behind it that a search would no longer reach.
    fn take(&mut self, mut gap: usize) {
        let mut place = self.next(gap);
        while let Some((hash, number)) = self.cell(place) {
            let (from_home, from_gap) =
                (self.wrap(place.wrapping_sub(self.home(hash))), self.wrap(place.wrapping_sub(gap)));
            if from_gap <= from_home {
                self.set(gap, Some((hash, number)));
                gap = place;
            }
            place = self.next(place);
        }
        self.set(gap, None);
    }

    fn grow(&mut self) {
        let cells = vec![None; self.cells.len().saturating_mul(2)];
        for cell in std::mem::replace(&mut self.cells, cells).into_iter().flatten() {
            self.put(cell);
        }
    }
}

/// Rows by identifier.
#[derive(Debug)]
pub(crate) struct Table<R> {
    index: Index,
    chunks: Vec<Vec<(Id, R)>>,
}

impl<R> Default for Table<R> {
    fn default() -> Self {
        Table { index: Index::default(), chunks: Vec::new() }
    }
}

impl<R> Table<R> {
    /// The place of the row named `id`.
    pub(crate) fn find(&self, id: Id) -> Option<Slot> {
        self.find_foreseen(self.foresee(id))
    }

    /// The same with the search begun.
    pub(crate) fn find_foreseen(&self, Foreseen { id, hash }: Foreseen) -> Option<Slot> {
        let found = self.index.find(hash, |number| self.row(Slot::new(number)).0 == id);
        found.map(Slot::new)
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

    /// An identifier that will be searched for; see [`Book::foresee`](crate::Book::foresee).
    pub(crate) fn foresee(&self, id: Id) -> Foreseen {
        self.index.foresee(id)
    }

    /// Reads what the search for it begins with.
    pub(crate) fn read_ahead(&self, foreseen: Foreseen) {
        self.index.read_ahead(foreseen.hash);
    }

    /// Adds a row under an identifier that the table does not have yet.
    pub(crate) fn insert(&mut self, id: Id, row: R) -> Slot {
        if self.chunks.last().is_none_or(|rows| rows.len() == CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        let before = self.chunks.len().saturating_sub(1).saturating_mul(CHUNK);
        let chunk = self.chunks.last_mut().expect("pushed above");
        let number = before.saturating_add(chunk.len());
        let number = u32::try_from(number).expect("a table holds fewer than 2^32 rows");
        chunk.push((id, row));
        self.index.insert(self.index.hash(id), number);
        Slot::new(number)
    }

    /// Every row, in the order of the slots.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &(Id, R)> {
        self.chunks.iter().flatten()
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
    index: Index,
    chunks: VecDeque<Vec<(Id, R)>>,
    /// The number of the first row still here, counted from the first ever; its chunk may begin earlier.
    first: u64,
    /// The number the next row gets.
    next: u64,
}

impl<R> Default for Queue<R> {
    fn default() -> Self {
        Queue { index: Index::default(), chunks: VecDeque::new(), first: 0, next: 0 }
    }
}

impl<R> Queue<R> {
    pub(crate) fn get(&self, id: Id) -> Option<&R> {
        let found = self.find(id)?;
        self.row(found).map(|row| &row.1)
    }

    /// An identifier that will be searched for; see [`Book::foresee`](crate::Book::foresee).
    pub(crate) fn foresee(&self, id: Id) -> Foreseen {
        self.index.foresee(id)
    }

    /// Reads what the search for it begins with.
    pub(crate) fn read_ahead(&self, foreseen: Foreseen) {
        self.index.read_ahead(foreseen.hash);
    }

    pub(crate) fn get_mut(&mut self, id: Id) -> Option<&mut R> {
        // The newest row is asked for most: it was made for the command that is being applied.
        if self.chunks.back().and_then(|rows| rows.last()).is_some_and(|(newest, _)| *newest == id) {
            return self.chunks.back_mut()?.last_mut().map(|row| &mut row.1);
        }
        let (chunk, place) = locate(self.find(id)?, self.first)?;
        self.chunks.get_mut(chunk).and_then(|rows| rows.get_mut(place)).map(|row| &mut row.1)
    }

    /// Adds a row under an identifier that the queue does not have.
    pub(crate) fn push(&mut self, id: Id, row: R) {
        if self.chunks.back().is_none_or(|rows| rows.len() == CHUNK) {
            self.chunks.push_back(Vec::with_capacity(CHUNK));
        }
        self.chunks.back_mut().expect("pushed above").push((id, row));
        self.index.insert(self.index.hash(id), low(self.next));
        self.next = self.next.checked_add(1).expect("a queue sees fewer than 2^64 rows");
    }

    pub(crate) fn front(&self) -> Option<(Id, &R)> {
        if self.first == self.next { None } else { self.row(low(self.first)).map(|(id, row)| (*id, row)) }
    }

    /// Forgets the oldest row.
    pub(crate) fn pop(&mut self) {
        let Some((id, _)) = self.front() else { return };
        self.index.remove(self.index.hash(id), low(self.first));
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

    /// Every row that is not forgotten, oldest first.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &(Id, R)> {
        let forgotten = usize::try_from(self.first % CHUNK_ROWS).expect("less than a chunk");
        self.chunks.iter().flatten().skip(forgotten)
    }

    fn find(&self, id: Id) -> Option<u32> {
        self.index.find(self.index.hash(id), |low| self.row(low).is_some_and(|row| row.0 == id))
    }

    fn row(&self, low: u32) -> Option<&(Id, R)> {
        let (chunk, place) = locate(low, self.first)?;
        self.chunks.get(chunk)?.get(place)
    }
}

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
        for (n, slot) in (0..).zip(slots) {
            assert_eq!(table.find(id(n)), Some(slot));
            assert_eq!((table.id_at(slot), *table.at(slot)), (id(n), n));
        }
        assert_eq!(table.get(id(5_000)), None);
    }

    #[test]
    fn a_search_passes_over_gaps_that_removing_left() {
        let mut part = Part { cells: vec![None; CELLS_MIN], used: 0 };
        // Three with one home at the end of the cells, one with the next, so that they wrap around.
        let hash = |home: u32| NonZeroU32::new(home * 64 + 1).unwrap();
        let cells = [(hash(15), 1), (hash(15), 2), (hash(15), 3), (hash(0), 4)];
        for gone in 0..cells.len() {
            cells.iter().for_each(|cell| part.put(*cell));
            let place = part.find(cells[gone].0, |number| number == cells[gone].1).unwrap();
            part.take(place);
            for (number, cell) in cells.iter().enumerate() {
                assert_eq!(
                    part.find(cell.0, |found| found == cell.1).is_some(),
                    number != gone,
                    "{gone} {cell:?}"
                );
            }
            part.cells.fill(None);
        }
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
        assert_eq!(queue.get(id(6_999)), None);
        for n in 7_000..10_000 {
            assert_eq!(queue.get(id(n)), Some(&n));
            *queue.get_mut(id(n)).unwrap() += 1;
        }
        while queue.front().is_some() {
            queue.pop();
        }
        queue.pop();
        assert_eq!(queue.get(id(9_999)), None);
    }
}
