//! A frame: the entries of one commit as bytes, the same on every journal.
//!
//! | bytes | what, integers little-endian |
//! | --- | --- |
//! | 0..4 | magic `TBFR` |
//! | 4..8 | CRC-32 of the book's id and bytes 8..64 |
//! | 8..12 | CRC-32 of the book's id and everything from byte 64 on |
//! | 12..16 | length of the entries, without padding |
//! | 16..24 | position of the first entry |
//! | 24..28 | number of entries |
//! | 28..32 | zero |
//! | 32..64 | Merkle root behind the last entry |
//! | 64.. | the entries, each its length (4 bytes) and its canonical bytes; then zeros up to a multiple of 8 |
//!
//! Two checks, because a whole header over torn entries still says where the frame would have ended. What lies
//! inside is then known to be entries, whatever it looks like.

use book::Seq;

use super::BookId;
use crate::limits::{ENTRY_BYTES_MAX, FRAME_BYTES_MAX, FRAME_ENTRIES_MAX};

/// Length of a frame's header, in bytes.
pub(super) const HEADER: usize = 64;
/// Every frame begins at a multiple of this.
pub(super) const ALIGN: usize = 8;
/// The first bytes of every frame.
pub(super) const MAGIC: [u8; 4] = *b"TBFR";
/// Length of an entry's length.
const PREFIX: usize = 4;

/// The entries of one commit, with the Merkle root behind them.
///
/// Fill it with [`push`](Frame::push) or [`push_with`](Frame::push_with), [`seal`](Frame::seal) it, append it,
/// [`clear`](Frame::clear) it and use its buffer again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    book: BookId,
    first: Seq,
    count: u32,
    sealed: bool,
    bytes: Vec<u8>,
}

/// What a frame's header says, once its check has been found right.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) first: Seq,
    pub(super) count: u32,
    entries_bytes: usize,
    entries_check: u32,
}

impl Frame {
    /// An empty frame of `book` whose first entry will be `first`.
    pub fn after(book: BookId, first: Seq) -> Frame {
        Frame { book, first, count: 0, sealed: false, bytes: vec![0; HEADER] }
    }

    /// Empties the frame, keeping its buffer.
    pub fn clear(&mut self, first: Seq) {
        self.first = first;
        self.count = 0;
        self.sealed = false;
        self.bytes.clear();
        self.bytes.resize(HEADER, 0);
    }

    /// Whether an entry of any permitted length still fits.
    pub fn has_room(&self) -> bool {
        const LENGTH_LAST: usize = FRAME_BYTES_MAX - PREFIX - ENTRY_BYTES_MAX - ALIGN;
        self.count < FRAME_ENTRIES_MAX && self.bytes.len() <= LENGTH_LAST
    }

    /// Adds an entry, given as its canonical bytes.
    pub fn push(&mut self, entry: &[u8]) {
        self.push_with(|bytes| bytes.extend_from_slice(entry));
    }

    /// Adds an entry that `encode` appends to the frame's own buffer, and nothing else.
    ///
    /// Only when [`has_room`](Frame::has_room), and for entries of 1 to
    /// [`ENTRY_BYTES_MAX`] bytes; anything else is our mistake and stops the process.
    pub fn push_with(&mut self, encode: impl FnOnce(&mut Vec<u8>)) {
        assert!(!self.sealed, "a sealed frame takes no more entries");
        assert!(self.has_room(), "the writer ends a frame before it is full");
        let prefix = self.bytes.len();
        self.bytes.extend_from_slice(&[0; PREFIX]);
        let start = self.bytes.len();
        encode(&mut self.bytes);
        let length = self.bytes.len().checked_sub(start).expect("encoding only appends");
        assert!(0 < length, "an entry has bytes");
        assert!(length <= ENTRY_BYTES_MAX, "an entry fits into a bundle of the log");
        let length = u32::try_from(length).expect("64 KiB fit 32 bits");
        self.bytes
            .get_mut(prefix..start)
            .expect("encoding only appends")
            .copy_from_slice(&length.to_le_bytes());
        self.count = self.count.checked_add(1).expect("has_room bounds the count");
    }

    /// Ends the frame: `root` is the Merkle root behind its last entry.
    pub fn seal(&mut self, root: [u8; 32]) {
        assert!(!self.sealed, "a frame is sealed once");
        assert!(0 < self.count, "a frame has entries");
        let length = self.bytes.len().checked_sub(HEADER).expect("a frame begins with its header");
        let padded = self.bytes.len().next_multiple_of(ALIGN);
        self.bytes.resize(padded, 0);
        assert!(self.bytes.len() <= FRAME_BYTES_MAX, "has_room bounds the length");

        let (header, entries) =
            self.bytes.split_first_chunk_mut::<HEADER>().expect("a frame begins with its header");
        let entries_check = check(self.book, entries);
        header[0..4].copy_from_slice(&MAGIC);
        header[8..12].copy_from_slice(&entries_check.to_le_bytes());
        header[12..16]
            .copy_from_slice(&u32::try_from(length).expect("FRAME_BYTES_MAX fits 32 bits").to_le_bytes());
        header[16..24].copy_from_slice(&self.first.0.to_le_bytes());
        header[24..28].copy_from_slice(&self.count.to_le_bytes());
        header[28..32].fill(0);
        header[32..64].copy_from_slice(&root);
        let header_check = check(self.book, &header[8..]);
        header[4..8].copy_from_slice(&header_check.to_le_bytes());
        self.sealed = true;
    }

    /// Reads a frame of `book` back. `None` if `bytes` are not exactly one, whole.
    pub fn decode(book: BookId, bytes: Vec<u8>) -> Option<Frame> {
        let (header, entries) = bytes.split_first_chunk::<HEADER>()?;
        let header = Header::decode(book, header)?;
        if bytes.len() != header.frame_bytes() || check(book, entries) != header.entries_check {
            return None;
        }
        let entries = Entries { next: header.first, bytes: entries.get(..header.entries_bytes)? };
        let mut count = 0_u32;
        let mut rest = entries.clone();
        while rest.next().is_some() {
            count = count.checked_add(1)?;
        }
        if count != header.count || !rest.bytes.is_empty() {
            return None;
        }
        Some(Frame { book, first: header.first, count, sealed: true, bytes })
    }

    /// The book this frame belongs to.
    pub fn book(&self) -> BookId {
        self.book
    }

    /// The position of the first entry.
    pub fn first(&self) -> Seq {
        self.first
    }

    /// The position behind the last entry.
    pub fn next(&self) -> Seq {
        behind(self.first, self.count)
    }

    /// How many entries there are.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The Merkle root behind the last entry; of a sealed frame.
    pub fn root(&self) -> [u8; 32] {
        let header = self.bytes().first_chunk::<HEADER>().expect("a frame begins with its header");
        let mut root = [0; 32];
        root.copy_from_slice(&header[32..64]);
        root
    }

    /// The frame as it lies in a journal; of a sealed frame.
    pub fn bytes(&self) -> &[u8] {
        assert!(self.sealed, "only a sealed frame has its bytes");
        &self.bytes
    }

    /// The entries with their positions, in order.
    pub fn entries(&self) -> Entries<'_> {
        let (_, entries) = self.bytes.split_first_chunk::<HEADER>().expect("a frame begins with its header");
        let mut entries = Entries { next: self.first, bytes: entries };
        if let Some(header) = self.bytes.first_chunk::<HEADER>().filter(|_| self.sealed) {
            let length = to_usize(u32_at(header, 12));
            entries.bytes = entries.bytes.get(..length).expect("a sealed frame is whole");
        }
        entries
    }
}

impl Header {
    /// Reads a header of `book`. `None` if its check is wrong or it could not be ours.
    pub(super) fn decode(book: BookId, bytes: &[u8; HEADER]) -> Option<Header> {
        if bytes[0..4] != MAGIC || check(book, &bytes[8..]) != u32_at(bytes, 4) {
            return None;
        }
        let mut first = [0; 8];
        first.copy_from_slice(&bytes[16..24]);
        let header = Header {
            first: Seq(u64::from_le_bytes(first)),
            count: u32_at(bytes, 24),
            entries_bytes: to_usize(u32_at(bytes, 12)),
            entries_check: u32_at(bytes, 8),
        };
        let fits = header.entries_bytes <= FRAME_BYTES_MAX
            && header.frame_bytes() <= FRAME_BYTES_MAX
            && 0 < header.count
            && header.first.0.checked_add(u64::from(header.count)).is_some();
        fits.then_some(header)
    }

    /// The position behind the frame's last entry.
    pub(super) fn next(&self) -> Seq {
        behind(self.first, self.count)
    }

    /// The length of the whole frame, in bytes.
    pub(super) fn frame_bytes(&self) -> usize {
        HEADER.checked_add(self.entries_bytes).expect("32 bits of length fit").next_multiple_of(ALIGN)
    }
}

/// The entries of a frame with their positions. See [`Frame::entries`].
#[derive(Clone, Debug)]
pub struct Entries<'frame> {
    next: Seq,
    bytes: &'frame [u8],
}

impl<'frame> Iterator for Entries<'frame> {
    type Item = (Seq, &'frame [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (length, rest) = self.bytes.split_first_chunk::<PREFIX>()?;
        let length = to_usize(u32::from_le_bytes(*length));
        if length == 0 || ENTRY_BYTES_MAX < length {
            return None;
        }
        let (entry, rest) = rest.split_at_checked(length)?;
        let seq = self.next;
        self.next = seq.next();
        self.bytes = rest;
        Some((seq, entry))
    }
}

fn behind(first: Seq, count: u32) -> Seq {
    Seq(first.0.checked_add(u64::from(count)).expect("a journal holds fewer than 2^64 entries"))
}

fn u32_at(header: &[u8; HEADER], at: usize) -> u32 {
    let (_, from) = header.split_at(at);
    u32::from_le_bytes(*from.first_chunk().expect("the field lies in the header"))
}

fn to_usize(value: u32) -> usize {
    usize::try_from(value).expect("a machine has at least 32 bits")
}

/// CRC-32 of `bytes` behind the book's id.
pub(super) fn check(book: BookId, bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&book.0);
    hasher.update(bytes);
    hasher.finalize()
}
