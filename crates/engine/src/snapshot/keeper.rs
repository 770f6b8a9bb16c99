//! Who keeps a book's snapshot: a start begins with it, a thread renews it while requests are taken, and an orderly stop
//! writes it from the book itself.
//!
//! The thread that renews never touches the book that takes requests. It makes a second one, from the snapshot before and
//! what the journal has behind that, writes it down and forgets it: nobody waits for it, and it goes behind every other
//! thread. What it costs is the memory of a second book meanwhile.

use super::{Restored, SnapshotFault, open, read, replace, write};
use crate::follower::Tide;
use crate::journal::{BookId, Frames, Reader};
use crate::schedule::stand_back_this_thread;
use crate::writer::RecoveryError;
use book::{Book, Entry, Seq};
use evidence::Frontier;
use std::fmt;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Where an engine keeps its snapshot, and how often it makes one.
#[derive(Debug)]
pub struct Snapshots {
    /// The file; its directory is there.
    pub path: PathBuf,
    /// So many entries behind a snapshot, the next is made.
    pub every_entries: u64,
    /// Told what becomes of snapshots.
    pub told: fn(&SnapshotNews<'_>),
}

/// What became of a snapshot. Whatever went wrong, nothing is lost by it but time at the next start.
#[derive(Debug)]
pub enum SnapshotNews<'a> {
    /// There was one, and it is of no use: the whole journal is read.
    PassedOver(&'a SnapshotFault),
    /// There is a new one.
    Written {
        /// The entries that it stands for.
        size: Seq,
        /// How long it took.
        took: Duration,
    },
    /// There is no new one; the one before still is.
    NotWritten(&'a RecoveryError),
}

/// What is learnt from entries and kept in memory beside the book.
pub trait Beside: Send + Sync {
    /// Another one, which knows nothing and learns apart from this one.
    fn apart(&self) -> Box<dyn Beside>;

    /// Learns from the next entry.
    fn learn(&self, entry: &Entry);

    /// All that is known, if it was learnt from exactly the entries before `size`.
    fn save(&self, size: Seq) -> Option<Vec<u8>>;

    /// Knows what was saved at `size`, or answers false and knows nothing.
    fn restore(&self, saved: &[u8], size: Seq) -> bool;
}

/// Nothing is kept beside the book.
impl Beside for () {
    fn apart(&self) -> Box<dyn Beside> {
        Box::new(())
    }

    fn learn(&self, _entry: &Entry) {}

    fn save(&self, _size: Seq) -> Option<Vec<u8>> {
        Some(Vec::new())
    }

    fn restore(&self, saved: &[u8], _size: Seq) -> bool {
        saved.is_empty()
    }
}

/// Who keeps the snapshot of one book.
pub(crate) struct Keeper {
    pub(crate) id: BookId,
    pub(crate) snapshots: Snapshots,
    pub(crate) beside: Arc<dyn Beside>,
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper").field("snapshots", &self.snapshots).finish_non_exhaustive()
    }
}

impl Keeper {
    /// What a start begins with: the snapshot, where there is one that can be believed.
    pub(crate) fn begin(&self, journal: &dyn Frames) -> Option<Restored> {
        self.restore(journal, self.beside.as_ref(), &Tide::default())
    }

    /// Writes the snapshot of a book that nobody changes meanwhile.
    pub(crate) fn save(&self, book: &Book, frontier: &Frontier) {
        let began = Instant::now();
        let size = book.head().seq;
        let Some(beside) = self.beside.save(size).filter(|_| 0 < size.0) else { return };
        let written = replace(&self.snapshots.path, |into| write(self.id, book, frontier, &beside, into));
        self.tell(began, written.map(|()| size).map_err(RecoveryError::from));
    }

    /// Whether so many entries were read behind a snapshot that a start should write the next one.
    pub(crate) fn is_due(&self, read: u64) -> bool {
        self.snapshots.every_entries <= read
    }

    /// Starts the thread that renews the snapshot, of which `newest` is the size.
    pub(crate) fn renew_behind(
        self: Arc<Keeper>,
        journal: Reader,
        tide: Arc<Tide>,
        newest: Seq,
    ) -> io::Result<JoinHandle<()>> {
        std::thread::Builder::new().name("snapshot".to_owned()).spawn(move || {
            stand_back_this_thread();
            let mut due = self.due_behind(newest);
            while tide.wait(due) && !tide.is_over() {
                let began = Instant::now();
                let renewed = self.renew(journal.as_ref(), &tide);
                // Also where it failed: whatever was wrong, it is not tried again at once.
                due = self.due_behind(*renewed.as_ref().unwrap_or(&journal.next()));
                if !tide.is_over() {
                    self.tell(began, renewed);
                }
            }
        })
    }

    /// The entry with which the snapshot is due that follows one of `size`.
    fn due_behind(&self, size: Seq) -> Seq {
        Seq(size.0.saturating_add(self.snapshots.every_entries.saturating_sub(1)))
    }

    /// Makes a snapshot from the one before and the journal, unless the tide is over meanwhile.
    fn renew(&self, journal: &dyn Frames, tide: &Tide) -> Result<Seq, RecoveryError> {
        let beside = self.beside.apart();
        let mut restored = self.restore(journal, beside.as_ref(), tide).unwrap_or_default();
        restored.catch_up(journal, |entry| beside.learn(entry), || !tide.is_over())?;
        let size = restored.book.head().seq;
        restored.beside = beside.save(size).ok_or(SnapshotFault::Beside)?;
        replace(&self.snapshots.path, |file| restored.write(self.id, &mut During { tide, file }))?;
        Ok(size)
    }

    fn restore(&self, journal: &dyn Frames, beside: &dyn Beside, tide: &Tide) -> Option<Restored> {
        let restored = open(&self.snapshots.path).and_then(|file| {
            let Some(file) = file else { return Ok(None) };
            let restored = read(self.id, journal, &mut During { tide, file })?;
            if beside.restore(&restored.beside, restored.book.head().seq) {
                return Ok(Some(restored));
            }
            Err(SnapshotFault::Beside)
        });
        restored.unwrap_or_else(|fault| {
            if !tide.is_over() {
                (self.snapshots.told)(&SnapshotNews::PassedOver(&fault));
            }
            None
        })
    }

    fn tell(&self, began: Instant, written: Result<Seq, RecoveryError>) {
        (self.snapshots.told)(&match &written {
            Ok(size) => SnapshotNews::Written { size: *size, took: began.elapsed() },
            Err(fault) => SnapshotNews::NotWritten(fault),
        });
    }
}

/// A file that fails once the tide is over, so that whoever stops need not wait for whoever renews a snapshot.
struct During<'a, F> {
    tide: &'a Tide,
    file: F,
}

impl<F> During<'_, F> {
    fn go_on(&self) -> io::Result<()> {
        if self.tide.is_over() { Err(io::Error::other("the engine stops")) } else { Ok(()) }
    }
}

impl<F: Read> Read for During<'_, F> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.go_on()?;
        self.file.read(into)
    }
}

impl<F: Write> Write for During<'_, F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.go_on()?;
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
