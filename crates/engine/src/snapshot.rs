//! A snapshot: a book as it stood behind one frame of its journal, so that a start reads only what came later.
//!
//! | bytes | what, integers little-endian |
//! | --- | --- |
//! | 8 | magic `TOLLSNAP` |
//! | 4 | format version, 5 |
//! | 16 | the book's id |
//! | … | pieces: the release, the Merkle frontier, what is kept beside the book, then the book's own; then an empty one |
//!
//! A piece is its length (4 bytes), its bytes, and a hash over them and the hash before; the first hash is over the 28
//! bytes of the header. Nothing is made of a piece before its hash was found right.
//!
//! A snapshot is never needed: whatever is wrong with one, it is ignored and the whole journal is read. Only the release
//! that wrote it believes it, for the next may know its entries to mean more.

pub(crate) mod keeper;

pub use keeper::{Beside, SnapshotNews, Snapshots};

use crate::journal::{BookId, Frames, JournalFault};
use crate::limits::{READ_FRAMES_MAX, SNAPSHOT_PIECE_BYTES_MAX};
use crate::recovery;
use crate::writer::RecoveryError;
use book::{Book, Entry, Restoring, Seq};
use evidence::{Frontier, Hash};
use std::fs::{self, File, Permissions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

const MAGIC: [u8; 8] = *b"TOLLSNAP";
const VERSION: u32 = 10;
const RELEASE: &str = env!("CARGO_PKG_VERSION");

/// What is read or written of the file at once.
const FILE_BUFFER_BYTES: usize = 1 << 20;

/// Why a snapshot is of no use.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotFault {
    /// It cannot be read or written.
    #[error("snapshot storage: {0}")]
    Storage(#[from] io::Error),
    /// The journal that it has to agree with cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalFault),
    /// It is torn or damaged, or no snapshot.
    #[error("the snapshot is damaged")]
    Damaged,
    /// It was written by another release.
    #[error("the snapshot was written by another release")]
    OtherRelease,
    /// It is of another book.
    #[error("the snapshot is of another book")]
    OtherBook,
    /// Others than its owner may read it or change it.
    #[error("the snapshot may be read or changed by others: its mode is `{0:o}`, and has to be `600`")]
    Exposed(u32),
    /// The journal has no frame that ends where the snapshot does, or one with another root.
    #[error("the snapshot of `{}` entries does not fit the journal", .0.0)]
    OtherJournal(Seq),
    /// What is kept beside the book cannot be had from it.
    #[error("the snapshot does not say what is kept beside the book")]
    Beside,
}

/// A book out of a snapshot, with what goes on beside it.
#[derive(Debug, Default)]
pub struct Restored {
    pub(crate) book: Book,
    pub(crate) frontier: Frontier,
    pub(crate) beside: Vec<u8>,
}

impl Restored {
    /// The book.
    pub fn book(&self) -> &Book {
        &self.book
    }

    /// Reads what `journal` has behind it, frame by frame as long as `on` says so; `learn` is told each entry.
    ///
    /// # Errors
    /// [`RecoveryError`] where the journal cannot be read or does not go on from here.
    pub fn catch_up(
        &mut self,
        journal: &dyn Frames,
        mut learn: impl FnMut(&Entry),
        on: impl Fn() -> bool,
    ) -> Result<(), RecoveryError> {
        let end = journal.next();
        while self.book.head().seq < end && on() {
            for frame in journal.frames(self.book.head().seq, READ_FRAMES_MAX)?.iter().take_while(|_| on()) {
                let entries = recovery::read(frame, &mut self.frontier)?;
                recovery::apply(&mut self.book, &entries, &mut learn)?;
            }
        }
        Ok(())
    }

    /// Writes it as a snapshot.
    ///
    /// # Errors
    /// Those of `into`.
    pub fn write(&self, id: BookId, into: &mut impl Write) -> io::Result<()> {
        write(id, &self.book, &self.frontier, &self.beside, into)
    }
}

/// The book of `journal`, from a snapshot of it and the entries behind that.
///
/// # Errors
/// [`RecoveryError::Snapshot`] where the snapshot is not to be believed; the others where the journal is not.
pub fn resume(id: BookId, journal: &dyn Frames, from: &mut impl Read) -> Result<Restored, RecoveryError> {
    let mut restored = read(id, journal, from)?;
    restored.catch_up(journal, |_| (), || true)?;
    Ok(restored)
}

/// Writes a book and the frontier of its entries.
pub(crate) fn write(
    id: BookId,
    book: &Book,
    frontier: &Frontier,
    beside: &[u8],
    into: &mut impl Write,
) -> io::Result<()> {
    assert_eq!(frontier.size(), book.head().seq.0, "a frontier is of the book's entries");
    let header = header(id);
    into.write_all(&header)?;
    let mut chain = Hash::of(&header);
    let mut write = |piece: &[u8]| {
        chain = link(chain, piece);
        let length = u32::try_from(piece.len()).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
        into.write_all(&length.to_le_bytes())?;
        into.write_all(piece)?;
        into.write_all(chain.as_bytes())
    };
    write(RELEASE.as_bytes())?;
    write(&frontier.to_bytes())?;
    // A piece without bytes is the end.
    write(&[&[0], beside].concat())?;
    book.save(&mut write)?;
    write(&[])
}

/// Reads a snapshot of the same book, if `journal` has a frame that ends there with that root.
///
/// # Errors
/// [`SnapshotFault`] where it is not to be believed.
pub fn read(id: BookId, journal: &dyn Frames, from: &mut impl Read) -> Result<Restored, SnapshotFault> {
    let mut header = [0; 28];
    fill(from, &mut header)?;
    check_header(id, &header)?;
    let mut pieces = Pieces { from, chain: Hash::of(&header) };
    if pieces.next()? != RELEASE.as_bytes() {
        return Err(SnapshotFault::OtherRelease);
    }
    let frontier = Frontier::from_bytes(&pieces.next()?).map_err(|_| SnapshotFault::Damaged)?;
    check_root(journal, &frontier)?;
    let beside = pieces.next()?.split_first().ok_or(SnapshotFault::Damaged)?.1.to_vec();
    let mut restoring = Restoring::default();
    loop {
        let piece = pieces.next()?;
        if piece.is_empty() {
            break;
        }
        restoring.take(&piece).map_err(|_| SnapshotFault::Damaged)?;
    }
    let book = restoring.finish().map_err(|_| SnapshotFault::Damaged)?;
    if book.head().seq.0 != frontier.size() || pieces.from.read(&mut [0])? != 0 {
        return Err(SnapshotFault::Damaged);
    }
    Ok(Restored { book, frontier, beside })
}

/// Lets `write` make the snapshot at `path`: it is there whole, or the one before still is, also after power loss.
pub(crate) fn replace(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), SnapshotFault> {
    let new = path.with_extension("new");
    let file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    // What lay there before kept its mode.
    file.set_permissions(Permissions::from_mode(0o600))?;
    let mut buffered = BufWriter::with_capacity(FILE_BUFFER_BYTES, file);
    let written = write(&mut buffered).and_then(|()| {
        buffered.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        fs::rename(&new, path)
    });
    written.inspect_err(|_| {
        // Half a snapshot would only take space. If it cannot be removed, the next one overwrites it.
        let _ = fs::remove_file(&new);
    })?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(())
}

/// Opens the snapshot at `path`, if there is one, and nobody but its owner may read it.
pub(crate) fn open(path: &Path) -> Result<Option<BufReader<File>>, SnapshotFault> {
    let file = match File::open(path) {
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mode = file.metadata()?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(SnapshotFault::Exposed(mode));
    }
    Ok(Some(BufReader::with_capacity(FILE_BUFFER_BYTES, file)))
}

fn header(id: BookId) -> [u8; 28] {
    let mut header = [0; 28];
    header[0..8].copy_from_slice(&MAGIC);
    header[8..12].copy_from_slice(&VERSION.to_le_bytes());
    header[12..28].copy_from_slice(&id.0);
    header
}

fn check_header(id: BookId, found: &[u8; 28]) -> Result<(), SnapshotFault> {
    let ours = header(id);
    if found[0..8] != ours[0..8] {
        return Err(SnapshotFault::Damaged);
    }
    if found[8..12] != ours[8..12] {
        return Err(SnapshotFault::OtherRelease);
    }
    if found[12..28] != ours[12..28] {
        return Err(SnapshotFault::OtherBook);
    }
    Ok(())
}

/// Whether the journal has a frame that ends with the entries of `frontier`, and says they have that root.
fn check_root(journal: &dyn Frames, frontier: &Frontier) -> Result<(), SnapshotFault> {
    let size = Seq(frontier.size());
    let other = SnapshotFault::OtherJournal(size);
    let Some(last) = size.0.checked_sub(1) else { return Err(other) };
    match journal.frames(Seq(last), 1)?.first() {
        Some(frame) if frame.next() == size && frame.root() == frontier.root().0 => Ok(()),
        Some(_) | None => Err(other),
    }
}

fn link(chain: Hash, piece: &[u8]) -> Hash {
    Hash::of(&[chain.as_bytes(), piece].concat())
}

/// The pieces of a snapshot, each checked before it is handed out.
struct Pieces<'a, R> {
    from: &'a mut R,
    chain: Hash,
}

impl<R: Read> Pieces<'_, R> {
    fn next(&mut self) -> Result<Vec<u8>, SnapshotFault> {
        let mut length = [0; 4];
        fill(self.from, &mut length)?;
        let length = u32::from_le_bytes(length);
        if SNAPSHOT_PIECE_BYTES_MAX < length {
            return Err(SnapshotFault::Damaged);
        }
        // What is not there takes no memory, whatever the length says.
        let mut piece = Vec::new();
        Read::take(&mut *self.from, u64::from(length)).read_to_end(&mut piece)?;
        let mut check = [0; Hash::BYTES];
        fill(self.from, &mut check)?;
        self.chain = link(self.chain, &piece);
        if self.chain != Hash(check) { Err(SnapshotFault::Damaged) } else { Ok(piece) }
    }
}

/// Fills `into`; what ends early is torn.
fn fill(from: &mut impl Read, into: &mut [u8]) -> Result<(), SnapshotFault> {
    from.read_exact(into).map_err(|fault| {
        if fault.kind() == io::ErrorKind::UnexpectedEof {
            return SnapshotFault::Damaged;
        }
        SnapshotFault::Storage(fault)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_that_is_not_written_to_its_end_leaves_the_one_before() {
        let directory = std::env::temp_dir().join(format!("tollbridge-replace-{}", std::process::id()));
        fs::create_dir_all(&directory).expect("a place for it");
        let path = directory.join("snapshot");
        let there = || fs::read(&path).expect("there is one");
        replace(&path, |file| file.write_all(b"the one before")).expect("it is written");
        let fault = replace(&path, |file| {
            file.write_all(b"half")?;
            file.flush()?;
            // What a kill would leave here.
            assert_eq!(there(), b"the one before");
            Err(io::Error::other("the disk is full"))
        });
        assert!(fault.is_err());
        assert_eq!(there(), b"the one before");
        assert_eq!(fs::read_dir(&directory).expect("it is there").count(), 1, "half a snapshot is removed");
        replace(&path, |file| file.write_all(b"the next")).expect("it is written");
        assert_eq!(there(), b"the next");
        fs::remove_dir_all(&directory).expect("it is ours");
    }
}
