//! A journal on a simulated disk that can be broken at will; recovery and bytes are the file's own.
//!
//! The disk behaves like a file on a real system: what is written is seen at once by everybody, is durable
//! only after a sync, and after a *failed* sync counts as clean although it may never have reached the disk.

use std::{
    fmt, io,
    sync::{Arc, Mutex, MutexGuard},
};

use super::{
    Appended, BookId, Frame, Journal, JournalFault, Purpose, Reader,
    fill::Filler,
    tape::{self, Space, Storage, Tape, plus},
};
use crate::limits::{MEMORY_CHUNK_BYTES, MEMORY_RESERVE_BYTES};

const SPACE: Space = Space { chunk_bytes: MEMORY_CHUNK_BYTES, reserve_bytes: MEMORY_RESERVE_BYTES };

/// What a drive writes whole or not at all.
const SECTOR_BYTES: u64 = 512;

/// The journal of a book on a [`Disk`].
#[derive(Debug)]
pub struct MemoryJournal {
    tape: Tape<Handle>,
    handle: Handle,
}

/// A simulated disk. Clones are the same disk.
#[derive(Clone)]
pub struct Disk(Arc<Mutex<Platter>>);

/// Something a disk is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Take bytes into its cache.
    Write {
        /// Where they go, in bytes from the start.
        at: u64,
        /// How many they are.
        bytes: u64,
    },
    /// Make durable what is in its cache.
    Sync {
        /// How many bytes that is.
        unsynced: u64,
    },
}

/// How that goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Well.
    Works,
    /// There is no space left: nothing happens.
    Full,
    /// With an error, after which so much of it has happened all the same.
    Fails(Remains),
}

/// What of some written bytes is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remains {
    /// All of them.
    All,
    /// None.
    Nothing,
    /// The first so many, in the order in which they were written.
    First(u64),
    /// Some sectors of 512 bytes, counted in the order in which they were written: the n-th if bit
    /// n mod 64 is set. Drives do reorder.
    Sectors(u64),
}

struct Platter {
    /// What survives power loss.
    durable: Vec<u8>,
    /// What reading shows.
    cached: Vec<u8>,
    unsynced: Vec<(u64, Vec<u8>)>,
    capacity: u64,
    /// Whether a journal has been made, durably, as the file's rename would tell.
    made: bool,
    /// How often the disk was opened or lost power: who came before may write no more.
    epoch: u64,
    decide: Box<dyn FnMut(Act) -> Fate + Send>,
}

/// A disk as one opening of it sees it.
#[derive(Clone, Debug)]
struct Handle {
    disk: Disk,
    epoch: u64,
}

impl Disk {
    /// An empty disk of `capacity` bytes whose every act goes the way `decide` says.
    ///
    /// All chance is the caller's: the same decisions make the same disk.
    pub fn new(capacity: u64, decide: impl FnMut(Act) -> Fate + Send + 'static) -> Disk {
        Disk(Arc::new(Mutex::new(Platter {
            durable: Vec::new(),
            cached: Vec::new(),
            unsynced: Vec::new(),
            capacity,
            made: false,
            epoch: 0,
            decide: Box::new(decide),
        })))
    }

    /// An empty disk on which everything works.
    pub fn perfect() -> Disk {
        Disk::new(u64::MAX, |_| Fate::Works)
    }

    /// Lets every act from now on go the way `decide` says.
    pub fn decide(&self, decide: impl FnMut(Act) -> Fate + Send + 'static) {
        self.platter().decide = Box::new(decide);
    }

    /// Makes the disk larger or smaller; what it holds stays.
    pub fn set_capacity(&self, capacity: u64) {
        self.platter().capacity = capacity;
    }

    /// Cuts the power: of what was not synced, `remains` is left. Whoever had the disk open can do nothing more.
    pub fn power_cut(&self, remains: Remains) {
        let mut platter = self.platter();
        platter.persist(remains);
        platter.cached = platter.durable.clone();
        platter.epoch = platter.epoch.checked_add(1).expect("a simulation ends");
    }

    /// Flips the bits of byte `at` that are set in `mask`, as decay would: in the cache and beneath it.
    pub fn flip(&self, at: u64, mask: u8) {
        let platter = &mut *self.platter();
        let at = usize::try_from(at).expect("a disk fits in memory");
        for bytes in [&mut platter.durable, &mut platter.cached] {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= mask;
            }
        }
    }

    /// What would survive power loss now.
    pub fn durable(&self) -> Vec<u8> {
        self.platter().durable.clone()
    }

    fn platter(&self) -> MutexGuard<'_, Platter> {
        self.0.lock().expect("nobody panics while holding the disk")
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disk").finish_non_exhaustive()
    }
}

impl MemoryJournal {
    /// Opens the journal of `book` on `disk`, or makes an empty one, and takes the lead from whoever had it:
    /// their appends are [`Fenced`](Appended::Fenced) from now on.
    ///
    /// `at_least` and the errors are those of [`FileJournal::open`](super::FileJournal::open).
    pub fn open(disk: &Disk, book: BookId, at_least: u64) -> Result<MemoryJournal, JournalFault> {
        let handle = {
            let mut platter = disk.platter();
            platter.epoch = platter.epoch.checked_add(1).expect("a simulation ends");
            Handle { disk: disk.clone(), epoch: platter.epoch }
        };
        if !disk.platter().made {
            if 0 < at_least {
                return Err(JournalFault::BehindCheckpoint { entries: 0, checkpoint: at_least });
            }
            disk.platter().clear();
            tape::format(&handle, book, SPACE)?;
            disk.platter().made = true;
        }
        let storage = Arc::new(handle.clone());
        let tape = Tape::open(storage.clone(), Filler::here(storage), book, SPACE, at_least)?;
        Ok(MemoryJournal { tape, handle })
    }
}

impl Journal for MemoryJournal {
    fn append(&mut self, frame: &Frame, purpose: Purpose) -> Appended {
        if self.handle.epoch < self.handle.disk.platter().epoch {
            return Appended::Fenced;
        }
        self.tape.append(frame, purpose)
    }

    fn room(&mut self, wanted: usize, purpose: Purpose) -> usize {
        self.tape.room(wanted, purpose)
    }

    fn reader(&self) -> Reader {
        self.tape.reader()
    }
}

impl Platter {
    fn clear(&mut self) {
        self.durable.clear();
        self.cached.clear();
        self.unsynced.clear();
    }

    /// Makes durable what `remains` of the unsynced bytes. All of them count as clean afterwards.
    fn persist(&mut self, remains: Remains) {
        let mut passed = 0;
        for (at, bytes) in std::mem::take(&mut self.unsynced) {
            for (at, piece) in pieces(at, &bytes, remains, &mut passed) {
                put(&mut self.durable, at, piece);
            }
        }
    }

    fn unsynced_bytes(&self) -> u64 {
        self.unsynced.iter().map(|(_, bytes)| size(bytes)).fold(0, plus)
    }
}

impl Handle {
    fn leading(&self) -> io::Result<MutexGuard<'_, Platter>> {
        let platter = self.disk.platter();
        if self.epoch < platter.epoch {
            return Err(io::Error::other("the disk was opened again or lost power"));
        }
        Ok(platter)
    }
}

impl Storage for Handle {
    fn len(&self) -> io::Result<u64> {
        Ok(size(&self.disk.platter().cached))
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        let platter = self.disk.platter();
        let at = usize::try_from(at).expect("a disk fits in memory");
        let end = at.saturating_add(into.len());
        let bytes = platter.cached.get(at..end).ok_or(io::ErrorKind::UnexpectedEof)?;
        into.copy_from_slice(bytes);
        Ok(())
    }

    fn write_at(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let mut platter = self.leading()?;
        let end = plus(at, size(bytes));
        let grows = size(&platter.cached) < end;
        let full = grows && platter.capacity < end;
        let (remains, answer) = match (platter.decide)(Act::Write { at, bytes: size(bytes) }) {
            Fate::Works if !full => (Remains::All, Ok(())),
            Fate::Works | Fate::Full => (Remains::Nothing, Err(io::ErrorKind::StorageFull.into())),
            Fate::Fails(remains) => (remains, Err(io::Error::other("the write failed"))),
        };
        for (at, piece) in pieces(at, bytes, remains, &mut 0) {
            put(&mut platter.cached, at, piece);
            platter.unsynced.push((at, piece.to_vec()));
        }
        answer
    }

    fn sync(&self) -> io::Result<()> {
        let mut platter = self.leading()?;
        let unsynced = platter.unsynced_bytes();
        let (remains, answer) = match (platter.decide)(Act::Sync { unsynced }) {
            Fate::Works => (Remains::All, Ok(())),
            Fate::Full => (Remains::Nothing, Err(io::ErrorKind::StorageFull.into())),
            Fate::Fails(remains) => (remains, Err(io::Error::other("the sync failed"))),
        };
        platter.persist(remains);
        answer
    }
}

/// The pieces of a write at `at` that remain; `passed` counts bytes or sectors from write to write.
fn pieces<'write>(
    at: u64,
    bytes: &'write [u8],
    remains: Remains,
    passed: &mut u64,
) -> Vec<(u64, &'write [u8])> {
    match remains {
        Remains::All => vec![(at, bytes)],
        Remains::Nothing => Vec::new(),
        Remains::First(count) => {
            let left = usize::try_from(count.saturating_sub(*passed)).unwrap_or(usize::MAX);
            *passed = plus(*passed, size(bytes));
            vec![(at, bytes.get(..left).unwrap_or(bytes))]
        }
        Remains::Sectors(mask) => {
            let mut kept = Vec::new();
            let (mut at, mut rest) = (at, bytes);
            while !rest.is_empty() {
                let room = SECTOR_BYTES.saturating_sub(at.rem_euclid(SECTOR_BYTES));
                let room = usize::try_from(room).expect("a sector fits").min(rest.len());
                let (piece, behind) = rest.split_at(room);
                if mask.rotate_right(u32::try_from(passed.rem_euclid(64)).expect("below 64")) & 1 == 1 {
                    kept.push((at, piece));
                }
                *passed = plus(*passed, 1);
                at = plus(at, size(piece));
                rest = behind;
            }
            kept
        }
    }
}

fn put(onto: &mut Vec<u8>, at: u64, bytes: &[u8]) {
    let at = usize::try_from(at).expect("a disk fits in memory");
    let end = at.saturating_add(bytes.len());
    if onto.len() < end {
        onto.resize(end, 0);
    }
    onto.get_mut(at..end).expect("made long enough above").copy_from_slice(bytes);
}

fn size(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).expect("lengths fit 64 bits")
}
