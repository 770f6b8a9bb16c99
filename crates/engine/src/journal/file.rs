//! A journal in one file, the default: one write and one `fdatasync` per frame.
//!
//! Why a plain write into zeros written ahead, and no direct or synchronous writes, is measured and argued in
//! `docs/decisions/0002-journal-file.md`.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::FileExt,
    path::Path,
    sync::Arc,
};

use super::{
    Appended, BookId, Frame, Journal, JournalFault, Purpose, Reader,
    fill::Filler,
    tape::{self, Space, Storage, Tape},
};
use crate::limits::{CHUNK_BYTES, RESERVE_BYTES};

/// The file that holds the journal.
const JOURNAL: &str = "journal";
/// The same while it is being made.
const JOURNAL_NEW: &str = "journal.new";
/// The empty file whose lock says who leads.
const LOCK: &str = "lock";

const SPACE: Space = Space { chunk_bytes: CHUNK_BYTES, reserve_bytes: RESERVE_BYTES };

/// The journal of a book in a directory of this machine. Whoever has it open leads the book.
#[derive(Debug)]
pub struct FileJournal {
    tape: Tape<File>,
    /// Given back last, when nothing of the tape is being written any more.
    _lock: File,
}

impl FileJournal {
    /// Opens the journal of `book` in `directory`, or makes an empty one if there is none.
    ///
    /// `at_least` is how many entries the newest published checkpoint covers, 0 if there is none. A journal
    /// with fewer has lost answered entries and is refused, as is one that is not there at all.
    /// Cuts off what a crash left of an unanswered append.
    ///
    /// Errors: [`Locked`](JournalFault::Locked), [`NotAJournal`](JournalFault::NotAJournal),
    /// [`Version`](JournalFault::Version), [`OtherBook`](JournalFault::OtherBook),
    /// [`Damaged`](JournalFault::Damaged), [`BehindCheckpoint`](JournalFault::BehindCheckpoint),
    /// [`Storage`](JournalFault::Storage).
    pub fn open(directory: &Path, book: BookId, at_least: u64) -> Result<FileJournal, JournalFault> {
        let lock = lock(directory)?;
        let path = directory.join(JOURNAL);
        if !path.try_exists()? {
            if 0 < at_least {
                return Err(JournalFault::BehindCheckpoint { entries: 0, checkpoint: at_least });
            }
            create(directory, book).inspect_err(|_| {
                // Half a journal would only take space. If it cannot be removed, the next start overwrites it.
                let _ = fs::remove_file(directory.join(JOURNAL_NEW));
            })?;
        }
        // A crash may have come between making the file and making its name durable.
        File::open(directory)?.sync_all()?;
        let open = || OpenOptions::new().read(true).write(true).open(&path);
        let filler = Filler::beside(open()?)?;
        let tape = Tape::open(Arc::new(open()?), filler, book, SPACE, at_least)?;
        Ok(FileJournal { tape, _lock: lock })
    }

    /// Reads the journal in `directory` without leading it: takes no lock, writes nothing, and works on a copy, on a
    /// disk that cannot be written, and beside the process that leads. Shows what is whole at this moment.
    ///
    /// Errors: [`NotAJournal`](JournalFault::NotAJournal), [`Version`](JournalFault::Version),
    /// [`Damaged`](JournalFault::Damaged), [`Storage`](JournalFault::Storage).
    pub fn read(directory: &Path) -> Result<Reader, JournalFault> {
        Ok(Arc::new(tape::read(File::open(directory.join(JOURNAL))?)?))
    }
}

impl Journal for FileJournal {
    fn append(&mut self, frame: &Frame, purpose: Purpose) -> Appended {
        self.tape.append(frame, purpose)
    }

    fn room(&mut self, wanted: usize, purpose: Purpose) -> usize {
        self.tape.room(wanted, purpose)
    }

    fn reader(&self) -> Reader {
        self.tape.reader()
    }
}

impl Storage for File {
    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        self.read_exact_at(into, at)
    }

    fn write_at(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.write_all_at(bytes, at)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}

/// Takes the lead, which ends with the returned file, also when the process dies.
fn lock(directory: &Path) -> Result<File, JournalFault> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(directory.join(LOCK))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(JournalFault::Locked(directory.to_owned())),
        Err(TryLockError::Error(fault)) => Err(JournalFault::Storage(fault)),
    }
}

/// Makes an empty journal under another name first, so that a half-made one is never opened.
fn create(directory: &Path, book: BookId) -> Result<(), JournalFault> {
    let new = directory.join(JOURNAL_NEW);
    let file = OpenOptions::new().create(true).truncate(true).write(true).open(&new)?;
    tape::format(&file, book, SPACE)?;
    file.sync_all()?;
    fs::rename(&new, directory.join(JOURNAL))?;
    Ok(())
}
