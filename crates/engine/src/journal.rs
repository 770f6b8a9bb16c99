//! The journal of a book: its entries in order, a frame per commit, and the only truth about it.
//!
//! Reading order: this file says what a journal promises, `journal/frame.rs` what one commit looks like in
//! bytes, `journal/tape.rs` how frames lie one behind the other and how their end is found again,
//! `journal/file.rs` puts a tape into a file, and `journal/memory.rs` onto a disk that can be broken at will.

mod file;
mod fill;
mod frame;
mod memory;
mod tape;

use std::{fmt, io, path::PathBuf, sync::Arc};

use book::Seq;

pub use file::FileJournal;
pub use frame::{Entries, Frame};
pub use memory::{Act, Disk, Fate, MemoryJournal, Remains};

/// The 16 bytes that tell one book from every other, drawn at random when the book is made.
///
/// Every check in its journal begins with them, so bytes that strayed here from another book, or that a
/// stranger had recorded in an entry to look like a frame, are no frame of this one. Do not publish them.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct BookId(pub [u8; 16]);

impl fmt::Debug for BookId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BookId([secret])")
    }
}

/// Where a book's frames are kept.
pub trait Journal: Send {
    /// Appends `frame` right behind the last one, and answers once it would survive power loss.
    ///
    /// `frame` is sealed, has entries, and begins where the journal ends; anything else is our mistake
    /// and stops the process.
    fn append(&mut self, frame: &Frame, purpose: Purpose) -> Appended;

    /// How many bytes of frames this purpose may append now, after trying to make it at least `wanted`.
    fn room(&mut self, wanted: usize, purpose: Purpose) -> usize;

    /// A handle for recovery, followers, audit and moving house; any thread may hold one.
    fn reader(&self) -> Reader;
}

/// A shared handle on what a journal holds.
pub type Reader = Arc<dyn Frames>;

/// The reading half of a journal. Shows durable frames only, also while others are being appended.
pub trait Frames: Send + Sync + fmt::Debug {
    /// Up to `count_max` frames, in order, beginning with the one that holds entry `from`; none if `from` lies
    /// ahead. That first frame may begin before `from`.
    ///
    /// Returns fewer when they are long ([`limits::READ_BYTES_MAX`](crate::limits::READ_BYTES_MAX)), but at
    /// least one if there is one and `count_max` is not 0.
    fn frames(&self, from: Seq, count_max: u32) -> Result<Vec<Frame>, JournalFault>;

    /// The position the next entry will have: how many are durable.
    fn next(&self) -> Seq;
}

/// What a frame is for: which space it may use when the disk is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// New business: leaves the reserve alone.
    Ordinary,
    /// Only ends what was begun (captures, releases): may use the reserve.
    Closing,
}

/// What became of a frame.
#[derive(Debug)]
#[must_use]
pub enum Appended {
    /// In the journal for good.
    Durable,
    /// Somebody else leads this book now: nothing was written; drop the book.
    Fenced,
    /// The frame may or may not be in the journal, and nobody may be told either. Stop: opening again tells.
    ///
    /// A failed write or sync is never tried again, for the system may have dropped the pages and would then
    /// answer that all is well. Every later append says the same.
    Unknown(JournalFault),
    /// No space left for this purpose: nothing was written, and the journal goes on.
    Full,
}

/// How a journal or the world below it can be broken.
#[derive(Debug, thiserror::Error)]
pub enum JournalFault {
    /// Another process leads what is in this directory.
    #[error("`{}` is in use by another process", .0.display())]
    Locked(PathBuf),
    /// The header is missing or damaged.
    #[error("not a journal, or its first 64 bytes are damaged")]
    NotAJournal,
    /// Written by a release that knows more than this one.
    #[error("journal format `{0}` is unknown to this release")]
    Version(u32),
    /// The journal is whole but belongs to another book.
    #[error("the journal belongs to another book")]
    OtherBook,
    /// A frame in the midst is damaged: entries that were answered are gone. Restore a copy.
    #[error(
        "the frame at byte `{at}`, which begins with entry `{}`, is damaged, and byte `{later}` holds a later frame",
        .expected.0
    )]
    Damaged {
        /// Where the damaged frame begins, in bytes from the start.
        at: u64,
        /// The position of its first entry.
        expected: Seq,
        /// Where what proves that it is not merely the last one begins.
        later: u64,
    },
    /// A frame that was whole when the journal was opened no longer is.
    #[error("the frame at byte `{at}` can no longer be read")]
    Spoiled {
        /// Where the frame begins, in bytes from the start.
        at: u64,
    },
    /// The journal ends before a checkpoint that was published: answered entries are gone. Restore a copy.
    #[error(
        "the journal is behind the checkpoint: it holds `{entries}` entries, the checkpoint `{checkpoint}`"
    )]
    BehindCheckpoint {
        /// How many entries the journal holds.
        entries: u64,
        /// How many the checkpoint covers.
        checkpoint: u64,
    },
    /// An earlier append failed; only opening again tells what is durable.
    #[error("an earlier append failed")]
    Stopped,
    /// The storage failed.
    #[error("journal storage: {0}")]
    Storage(#[from] io::Error),
}
