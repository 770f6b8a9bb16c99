//! A tape: frames one behind the other on some storage, and how their end is found again.
//!
//! | bytes | what, integers little-endian |
//! | --- | --- |
//! | 0..8 | magic `TOLLTAPE` |
//! | 8..12 | format version, 1 |
//! | 12..16 | CRC-32 of the book's id and bytes 0..12 |
//! | 16..32 | the book's id |
//! | 32..64 | zero |
//! | 64.. | frames (`journal/frame.rs`), each at a multiple of 8; then zeros |
//!
//! Only the last append can be in doubt, for none begins before the one before it is durable. So a frame that
//! is not whole, with no later one behind it, is what a crash left of an append nobody was told about: it is
//! cut. With a later one behind it, it had been durable: entries somebody relies on are gone, and that is for
//! a person to settle. The one case these bytes cannot tell apart is damage to the very last frame, hence
//! `at_least`: how many entries a checkpoint, kept elsewhere, knows of.

use std::{
    collections::VecDeque,
    fmt, io,
    sync::{Arc, Mutex, MutexGuard},
};

use book::Seq;

use super::{
    Appended, BookId, Frames, JournalFault, Purpose,
    fill::Filler,
    frame::{self, Frame, Header},
};
use crate::limits::{MARK_BYTES, READ_BYTES_MAX, READ_FRAMES_MAX, RECENT_MARKS_MAX};

const MAGIC: [u8; 8] = *b"TOLLTAPE";
const VERSION: u32 = 1;
const HEADER: usize = 64;
/// Where the first frame begins.
const START: u64 = 64;
/// How much of the space behind the end is read at once while looking for later frames.
const WINDOW: usize = 1024 * 1024;

/// Where a tape lies: in a file, or on the simulator's disk.
pub(super) trait Storage: fmt::Debug + Send + Sync + 'static {
    /// The length, in bytes.
    fn len(&self) -> io::Result<u64>;
    /// Fills `into` from byte `at` on.
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()>;
    /// Writes all of `bytes` at `at`, growing the storage if they reach beyond its end.
    fn write_at(&self, at: u64, bytes: &[u8]) -> io::Result<()>;
    /// Answers once everything written would survive power loss. Never tried again after it failed.
    fn sync(&self) -> io::Result<()>;
}

/// How much space a tape keeps filled ahead of its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Space {
    pub(super) chunk_bytes: u64,
    pub(super) reserve_bytes: u64,
}

/// The writing end of a tape; there is one.
#[derive(Debug)]
pub(super) struct Tape<S> {
    book: BookId,
    space: Space,
    storage: Arc<S>,
    filler: Filler<S>,
    end: u64,
    state: State,
    shared: Arc<Shared<S>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Running,
    /// A write or sync failed: what is durable can be told only by opening again.
    Stopped,
}

/// What the writer and its readers share.
#[derive(Debug)]
pub(super) struct Shared<S> {
    book: BookId,
    storage: Arc<S>,
    durable: Mutex<Durable>,
}

#[derive(Debug)]
struct Durable {
    next: Seq,
    end: u64,
    /// Where some positions lie, in order, one every [`MARK_BYTES`].
    marks: Vec<Mark>,
    /// Where each of the newest frames lies: whoever follows reads those.
    recent: VecDeque<Mark>,
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    first: Seq,
    at: u64,
}

/// Makes an empty tape of `book`, with its first space, on an empty storage.
pub(super) fn format<S: Storage>(storage: &S, book: BookId, space: Space) -> io::Result<()> {
    let mut header = [0; HEADER];
    header[0..8].copy_from_slice(&MAGIC);
    header[8..12].copy_from_slice(&VERSION.to_le_bytes());
    let check = frame::check(book, &header[0..12]);
    header[12..16].copy_from_slice(&check.to_le_bytes());
    header[16..32].copy_from_slice(&book.0);
    storage.write_at(0, &header)?;
    let zeros = plus(space.chunk_bytes, space.reserve_bytes);
    let zeros = vec![0; usize::try_from(zeros).expect("the first space fits in memory")];
    storage.write_at(START, &zeros)?;
    storage.sync()
}

/// What a tape holds, for whoever does not write it: nothing of it is changed, and what a crash left behind its end
/// is not shown. Another process may be writing it meanwhile.
pub(super) fn read<S: Storage>(storage: S) -> Result<Shared<S>, JournalFault> {
    let book = owner(&storage, storage.len()?)?;
    let found = recover(&storage, book)?;
    Ok(Shared { book, storage: Arc::new(storage), durable: Mutex::new(found.durable) })
}

impl<S: Storage> Tape<S> {
    /// Finds the end of the tape of `book`, cuts off what a crash left behind it, and makes the rest durable.
    ///
    /// Writes nothing before it is sure that the tape is whole and holds `at_least` so many entries.
    pub(super) fn open(
        storage: Arc<S>,
        mut filler: Filler<S>,
        book: BookId,
        space: Space,
        at_least: u64,
    ) -> Result<Tape<S>, JournalFault> {
        let found = recover(&*storage, book)?;
        if found.durable.next.0 < at_least {
            return Err(JournalFault::BehindCheckpoint {
                entries: found.durable.next.0,
                checkpoint: at_least,
            });
        }
        let end = found.durable.end;
        // If the process before this one stopped because a sync failed, its last frame may be in the system's
        // cache, counted as clean, and not on the disk. Writing it again makes it dirty, so the sync is true.
        if let Some((at, last)) = &found.last {
            storage.write_at(*at, last.bytes())?;
            storage.sync()?;
        }
        // The same holds for the zeros, and a torn frame must be gone before anything lies before it.
        let wanted = plus(plus(end, space.reserve_bytes), space.chunk_bytes);
        let filled = filler.start(end, wanted.max(storage.len()?))?;
        if filled < found.soiled {
            return Err(JournalFault::Storage(io::ErrorKind::StorageFull.into()));
        }
        let shared = Shared { book, storage: storage.clone(), durable: Mutex::new(found.durable) };
        let shared = Arc::new(shared);
        Ok(Tape { book, space, storage, filler, end, state: State::Running, shared })
    }

    pub(super) fn reader(&self) -> Arc<Shared<S>> {
        self.shared.clone()
    }

    /// See [`Journal::room`](super::Journal::room).
    pub(super) fn room(&mut self, wanted: usize, purpose: Purpose) -> usize {
        if self.state == State::Stopped {
            return 0;
        }
        let taken = plus(self.end, self.untouched(purpose));
        let wanted = plus(taken, u64::try_from(wanted).expect("lengths fit 64 bits"));
        match self.filler.has_room(wanted) {
            Ok(_) => {}
            // The append that follows fails the same way, and says so.
            Err(_) => return 0,
        }
        usize::try_from(self.filler.filled().saturating_sub(taken)).unwrap_or(usize::MAX)
    }

    fn untouched(&self, purpose: Purpose) -> u64 {
        match purpose {
            Purpose::Ordinary => self.space.reserve_bytes,
            Purpose::Closing => 0,
        }
    }

    /// See [`Journal::append`](super::Journal::append).
    pub(super) fn append(&mut self, frame: &Frame, purpose: Purpose) -> Appended {
        if self.state == State::Stopped {
            return Appended::Unknown(JournalFault::Stopped);
        }
        assert!(frame.book() == self.book, "a frame goes into its own book's journal");
        assert_eq!(frame.first(), self.shared.durable().next, "a frame begins where the journal ends");

        let bytes = frame.bytes();
        let end = plus(self.end, u64::try_from(bytes.len()).expect("lengths fit 64 bits"));
        match self.filler.has_room(plus(end, self.untouched(purpose))) {
            Ok(true) => {}
            Ok(false) => return Appended::Full,
            Err(fault) => return self.stop(fault),
        }
        if let Err(fault) = self.storage.write_at(self.end, bytes).and_then(|()| self.storage.sync()) {
            return self.stop(fault);
        }
        self.shared.durable().extend(frame.first(), self.end, frame.next(), end);
        self.end = end;

        let reserved = plus(end, self.space.reserve_bytes);
        let half = self.space.chunk_bytes.div_euclid(2);
        self.filler.ahead(plus(reserved, half), plus(reserved, self.space.chunk_bytes));
        Appended::Durable
    }

    fn stop(&mut self, fault: io::Error) -> Appended {
        self.state = State::Stopped;
        Appended::Unknown(JournalFault::Storage(fault))
    }
}

impl Durable {
    fn extend(&mut self, first: Seq, at: u64, next: Seq, end: u64) {
        let marked = self.marks.last().is_some_and(|mark| at < plus(mark.at, MARK_BYTES));
        if !marked {
            self.marks.push(Mark { first, at });
        }
        if self.recent.len() == RECENT_MARKS_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(Mark { first, at });
        self.next = next;
        self.end = end;
    }

    /// Where to begin to read for the entry at `from`: at its frame, or at most [`MARK_BYTES`] before it.
    fn near(&self, from: Seq) -> u64 {
        let behind = self.recent.partition_point(|mark| mark.first <= from);
        if let Some(mark) = behind.checked_sub(1).and_then(|last| self.recent.get(last)) {
            return mark.at;
        }
        let behind = self.marks.partition_point(|mark| mark.first <= from);
        let mark = behind.checked_sub(1).and_then(|last| self.marks.get(last));
        mark.expect("the first frame is marked").at
    }
}

impl<S: Storage> Shared<S> {
    fn durable(&self) -> MutexGuard<'_, Durable> {
        self.durable.lock().expect("nobody panics while holding the end of the journal")
    }
}

impl<S: Storage> Frames for Shared<S> {
    fn frames(&self, from: Seq, count_max: u32) -> Result<Vec<Frame>, JournalFault> {
        let (mut at, end) = {
            let durable = self.durable();
            if durable.next <= from {
                return Ok(Vec::new());
            }
            (durable.near(from), durable.end)
        };
        let count_max = usize::try_from(count_max.min(READ_FRAMES_MAX)).expect("the maximum fits");
        let mut frames = Vec::new();
        let mut bytes_left = READ_BYTES_MAX;
        while at < end && frames.len() < count_max && 0 < bytes_left {
            let header = read_header(&*self.storage, self.book, at)?.ok_or(JournalFault::Spoiled { at })?;
            if from < header.next() {
                let frame = read_frame(&*self.storage, self.book, at, &header)?;
                frames.push(frame.ok_or(JournalFault::Spoiled { at })?);
                bytes_left = bytes_left.saturating_sub(header.frame_bytes());
            }
            at = behind(at, &header);
        }
        Ok(frames)
    }

    fn next(&self) -> Seq {
        self.durable().next
    }
}

/// What a tape was found to hold.
struct Found {
    durable: Durable,
    /// The last frame and where it begins.
    last: Option<(u64, Frame)>,
    /// Behind here everything is zero.
    soiled: u64,
}

fn recover<S: Storage>(storage: &S, book: BookId) -> Result<Found, JournalFault> {
    let len = storage.len()?;
    check_header(storage, book, len)?;
    let mut durable = Durable { next: Seq(0), end: START, marks: Vec::new(), recent: VecDeque::new() };
    let mut last = None;
    loop {
        let at = durable.end;
        let mut header = None;
        if fits(at, frame::HEADER, len) {
            header = read_header(storage, book, at)?;
        }
        let mut frame = None;
        if let Some(header) = &header {
            // Only a write that strayed puts a whole header where another belongs.
            if header.first != durable.next {
                return Err(JournalFault::Damaged { at, expected: durable.next, later: at });
            }
            if fits(at, header.frame_bytes(), len) {
                frame = read_frame(storage, book, at, header)?;
            }
        }
        if let (Some(header), Some(frame)) = (&header, frame) {
            durable.extend(header.first, at, header.next(), behind(at, header));
            last = Some((at, frame));
            continue;
        }
        // Bytes inside a frame whose header is whole are its entries, whatever they look like.
        let later_from = match &header {
            Some(header) => behind(at, header),
            None => at,
        };
        let rest = survey(storage, book, at, later_from)?;
        if let Some(later) = rest.later {
            return Err(JournalFault::Damaged { at, expected: durable.next, later });
        }
        return Ok(Found { durable, last, soiled: rest.soiled });
    }
}

fn check_header<S: Storage>(storage: &S, book: BookId, len: u64) -> Result<(), JournalFault> {
    if owner(storage, len)? != book {
        return Err(JournalFault::OtherBook);
    }
    Ok(())
}

/// Whose tape it is.
fn owner<S: Storage>(storage: &S, len: u64) -> Result<BookId, JournalFault> {
    let mut header = [0; HEADER];
    if len < START {
        return Err(JournalFault::NotAJournal);
    }
    storage.read_at(0, &mut header)?;
    let number = |bytes: [u8; 4]| u32::from_le_bytes(bytes);
    let version = number([header[8], header[9], header[10], header[11]]);
    let check = number([header[12], header[13], header[14], header[15]]);
    let mut owner = BookId([0; 16]);
    owner.0.copy_from_slice(&header[16..32]);
    if header[0..8] != MAGIC || check != frame::check(owner, &header[0..12]) {
        return Err(JournalFault::NotAJournal);
    }
    if version != VERSION {
        return Err(JournalFault::Version(version));
    }
    Ok(owner)
}

/// What lies behind the last whole frame.
struct Rest {
    /// The first later frame, told by its header alone: nobody else could have made one.
    later: Option<u64>,
    soiled: u64,
}

fn survey<S: Storage>(storage: &S, book: BookId, at: u64, later_from: u64) -> io::Result<Rest> {
    let len = storage.len()?;
    let mut soiled = at;
    let mut start = at;
    let mut window = Vec::new();
    while start < len {
        // A header may begin at any place of the window, so the window reaches one header further.
        let reach = WINDOW.saturating_add(frame::HEADER);
        let left = usize::try_from(len.saturating_sub(start)).unwrap_or(reach).min(reach);
        window.resize(left, 0);
        storage.read_at(start, &mut window)?;
        let mut place = start;
        let mut rest = window.as_slice();
        while let Some((word, behind)) = rest.split_at_checked(frame::ALIGN) {
            if word != [0; frame::ALIGN] {
                soiled = plus(place, 8);
                let header = rest.first_chunk().filter(|_| later_from <= place);
                if header.is_some_and(|bytes| Header::decode(book, bytes).is_some()) {
                    return Ok(Rest { later: Some(place), soiled });
                }
            }
            place = plus(place, 8);
            rest = behind;
        }
        if rest.iter().any(|byte| *byte != 0) {
            soiled = len;
        }
        start = plus(start, u64::try_from(WINDOW).expect("lengths fit 64 bits"));
    }
    Ok(Rest { later: None, soiled })
}

fn read_header<S: Storage>(storage: &S, book: BookId, at: u64) -> io::Result<Option<Header>> {
    let mut header = [0; frame::HEADER];
    storage.read_at(at, &mut header)?;
    Ok(Header::decode(book, &header))
}

fn read_frame<S: Storage>(storage: &S, book: BookId, at: u64, header: &Header) -> io::Result<Option<Frame>> {
    let mut bytes = vec![0; header.frame_bytes()];
    storage.read_at(at, &mut bytes)?;
    Ok(Frame::decode(book, bytes))
}

fn behind(at: u64, header: &Header) -> u64 {
    plus(at, u64::try_from(header.frame_bytes()).expect("lengths fit 64 bits"))
}

fn fits(at: u64, bytes: usize, len: u64) -> bool {
    plus(at, u64::try_from(bytes).expect("lengths fit 64 bits")) <= len
}

/// Adds byte positions.
pub(super) fn plus(at: u64, bytes: u64) -> u64 {
    at.checked_add(bytes).expect("a journal is shorter than 2^64 bytes")
}
