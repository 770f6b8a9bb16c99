//! Entry bundles: the entries of one tile in one file ([c2sp.org/tlog-tiles], *Log entries*).
//!
//! [c2sp.org/tlog-tiles]: https://c2sp.org/tlog-tiles

use thiserror::Error;

use crate::limits::ENTRY_BYTES_MAX;
use crate::tile::TILE_WIDTH;

/// Entries that fit no bundle, or bytes that are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BundleError {
    /// An entry is longer than [`ENTRY_BYTES_MAX`]. Refuse it before it gets a place in the log:
    /// once it is a leaf, the log can no longer be published.
    #[error("an entry has at most 65535 bytes, not `{0}`")]
    EntryTooLong(usize),
    /// There are more than 256 entries.
    #[error("a bundle has at most 256 entries")]
    TooMany,
    /// The bytes end in the middle of an entry.
    #[error("the bundle ends within entry `{0}`")]
    CutOff(usize),
}

/// Appends one entry to a bundle: its length in two bytes, most significant first, then its bytes.
///
/// # Errors
///
/// [`BundleError::EntryTooLong`]; then nothing was appended.
pub fn push_entry(bundle: &mut Vec<u8>, entry: &[u8]) -> Result<(), BundleError> {
    let length = u16::try_from(entry.len()).map_err(|_| BundleError::EntryTooLong(entry.len()))?;
    debug_assert!(entry.len() <= ENTRY_BYTES_MAX);
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    Ok(())
}

/// The entries of a bundle, in order; a full one has 256.
///
/// # Errors
///
/// [`BundleError::CutOff`] or [`BundleError::TooMany`].
pub fn entries(bundle: &[u8]) -> Result<Vec<&[u8]>, BundleError> {
    let mut entries = Vec::new();
    let mut rest = bundle;
    while !rest.is_empty() {
        if entries.len() == usize::from(TILE_WIDTH) {
            return Err(BundleError::TooMany);
        }
        let (entry, behind) = split_entry(rest).ok_or(BundleError::CutOff(entries.len()))?;
        entries.push(entry);
        rest = behind;
    }
    Ok(entries)
}

fn split_entry(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}
