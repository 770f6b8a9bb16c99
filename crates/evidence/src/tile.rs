//! Tiles: a Merkle tree cut into immutable files of 256 hashes ([c2sp.org/tlog-tiles]).
//!
//! [c2sp.org/tlog-tiles]: https://c2sp.org/tlog-tiles

use std::fmt;

use thiserror::Error;

use crate::hash::{Hash, node_hash};
use crate::limits::TREE_SIZE_MAX;

/// The tree heights one tile spans.
pub const TILE_HEIGHT: u8 = 8;

/// The items of a full tile: `2^TILE_HEIGHT`.
pub const TILE_WIDTH: u16 = 256;

/// The highest level that has an item in a tree of [`TREE_SIZE_MAX`] leaves.
pub const TILE_LEVEL_MAX: u8 = 7;

/// Where tile items are read from.
///
/// Item `index` of level 0 is the hash of leaf `index`; item `index` of a higher level is the root of
/// the 256 items of the level below that start at `index × 256`. Only final items exist, so each
/// level can be one append-only file. [`Frontier::push_tiled`](crate::Frontier::push_tiled) reports
/// them in the order to append.
pub trait HashReader {
    /// The hash of one item.
    ///
    /// # Errors
    ///
    /// [`MissingHash`] when it is not there: never written, or not readable.
    fn hash(&self, level: u8, index: u64) -> Result<Hash, MissingHash>;
}

/// A tile item that could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("hash `{index}` of tile level `{level}` is missing")]
pub struct MissingHash {
    /// The tile level asked for.
    pub level: u8,
    /// The index within the level.
    pub index: u64,
}

/// The root of the leaves `start..end`, where `start` is a multiple of the power of two at or above
/// their number: the subtrees proofs are made of, and whole trees.
///
/// # Errors
///
/// [`MissingHash`] from the reader.
pub(crate) fn range_hash(reader: &impl HashReader, start: u64, end: u64) -> Result<Hash, MissingHash> {
    let count = end.checked_sub(start).expect("a range ends after its start");
    let Some(below) = count.checked_sub(1) else {
        return Ok(Hash::EMPTY_TREE);
    };
    if count.is_power_of_two() {
        return perfect_hash(reader, count.trailing_zeros(), start.wrapping_shr(count.trailing_zeros()));
    }
    let split = start.checked_add(largest_power_within(below)).expect("the split is before the end");
    Ok(node_hash(&range_hash(reader, start, split)?, &range_hash(reader, split, end)?))
}

/// The greatest power of two that is not above `number`, which is not zero.
pub(crate) fn largest_power_within(number: u64) -> u64 {
    1_u64.checked_shl(number.checked_ilog2().expect("the number is not zero")).expect("a shift of at most 63")
}

/// The root of the perfect subtree `index` of `2^height` leaves: an item, or the nodes above up to 128 of them.
fn perfect_hash(reader: &impl HashReader, height: u32, index: u64) -> Result<Hash, MissingHash> {
    let tile_height = u32::from(TILE_HEIGHT);
    if height.is_multiple_of(tile_height) {
        let level = u8::try_from(height.div_euclid(tile_height)).expect("a tree is at most 63 high");
        return reader.hash(level, index);
    }
    let below = height.checked_sub(1).expect("height 0 is a tile level");
    let left = index.checked_mul(2).expect("a subtree lies within the tree");
    let right = left.checked_add(1).expect("an even number is not the greatest");
    Ok(node_hash(&perfect_hash(reader, below, left)?, &perfect_hash(reader, below, right)?))
}

/// What a tile file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TileLevel {
    /// The entries themselves: a bundle, see [`bundle`](crate::bundle).
    Entries,
    /// Hashes; level 0 are the leaves'. At most [`TILE_LEVEL_MAX`].
    Hashes(u8),
}

/// The coordinates of one tile: which level, which one, and how much of it there is.
///
/// Its text is the path below the log's prefix: `tile/0/x001/234.p/5`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    level: TileLevel,
    index: u64,
    width: u16,
}

/// Coordinates or a path that name no tile.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TileError {
    /// The level is above [`TILE_LEVEL_MAX`].
    #[error("tile levels end at 7, before `{0}`")]
    Level(u8),
    /// The tile lies beyond the largest tree.
    #[error("no tree reaches as far as tile `{0}`")]
    Index(u64),
    /// The width is not within 1 and 256.
    #[error("a tile is 1 to 256 wide, not `{0}`")]
    Width(u16),
    /// The text is not a tile's path in its one spelling.
    #[error("`{0}` is not the path of a tile")]
    Path(String),
}

impl Tile {
    /// The tile with these coordinates.
    ///
    /// # Errors
    ///
    /// [`TileError`] for a coordinate out of range.
    pub fn new(level: TileLevel, index: u64, width: u16) -> Result<Tile, TileError> {
        let height = match level {
            TileLevel::Entries => 0,
            TileLevel::Hashes(level) if level <= TILE_LEVEL_MAX => level,
            TileLevel::Hashes(level) => return Err(TileError::Level(level)),
        };
        // Shifting by all 64 bits leaves nothing: the tile of the highest level has index 0.
        let span = shift_of(height).saturating_add(u32::from(TILE_HEIGHT));
        if TREE_SIZE_MAX.checked_shr(span).unwrap_or(0) < index {
            return Err(TileError::Index(index));
        }
        if !(1..=TILE_WIDTH).contains(&width) {
            return Err(TileError::Width(width));
        }
        Ok(Tile { level, index, width })
    }

    /// The tile `index` of a level as it stands in a tree of `size` leaves, or `None` if it has no item yet.
    ///
    /// # Errors
    ///
    /// [`TileError`] for a coordinate out of range.
    pub fn within(level: TileLevel, index: u64, size: u64) -> Result<Option<Tile>, TileError> {
        let tile = Tile::new(level, index, TILE_WIDTH)?;
        let items = size.wrapping_shr(shift_of(tile.hash_level()));
        let before = tile.first_item();
        let width = items.saturating_sub(before).min(u64::from(TILE_WIDTH));
        let width = u16::try_from(width).expect("the width was limited to 256");
        Ok(if width == 0 { None } else { Some(Tile { width, ..tile }) })
    }

    /// What the tile holds.
    pub fn level(&self) -> TileLevel {
        self.level
    }

    /// The tile's index within its level.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The tile's items: 1 to 256, and 256 means it is full and final.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// The index, within the level, of the tile's first item.
    pub fn first_item(&self) -> u64 {
        self.index.checked_mul(u64::from(TILE_WIDTH)).expect("a tile lies within the largest tree")
    }

    /// The bytes of a hash tile: its items, one behind the other. A bundle's level reads the leaves' hashes.
    ///
    /// # Errors
    ///
    /// [`MissingHash`] from the reader.
    pub fn read(&self, reader: &impl HashReader) -> Result<Vec<u8>, MissingHash> {
        let mut bytes = Vec::with_capacity(usize::from(self.width).saturating_mul(Hash::BYTES));
        for offset in 0..u64::from(self.width) {
            let item = self.first_item().checked_add(offset).expect("a tile lies within the largest tree");
            bytes.extend_from_slice(reader.hash(self.hash_level(), item)?.as_bytes());
        }
        Ok(bytes)
    }

    /// Reads a path, in its one spelling.
    ///
    /// # Errors
    ///
    /// [`TileError::Path`] for anything [`Display`](fmt::Display) would not have written.
    pub fn parse(path: &str) -> Result<Tile, TileError> {
        let tile = parse(path).ok_or_else(|| TileError::Path(path.to_owned()))?;
        // One tile, one name: leading zeros, spare `x000` parts and `.p/256` do not come back the same.
        if tile.to_string() != path {
            return Err(TileError::Path(path.to_owned()));
        }
        Ok(tile)
    }

    fn hash_level(&self) -> u8 {
        match self.level {
            TileLevel::Entries => 0,
            TileLevel::Hashes(level) => level,
        }
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.level {
            TileLevel::Entries => f.write_str("tile/entries/")?,
            TileLevel::Hashes(level) => write!(f, "tile/{level}/")?,
        }
        let mut thousands = vec![self.index % 1_000];
        let mut rest = self.index.div_euclid(1_000);
        while rest != 0 {
            thousands.push(rest % 1_000);
            rest = rest.div_euclid(1_000);
        }
        while let Some(part) = thousands.pop() {
            match thousands.is_empty() {
                false => write!(f, "x{part:03}/")?,
                true => write!(f, "{part:03}")?,
            }
        }
        if self.width < TILE_WIDTH {
            write!(f, ".p/{}", self.width)?;
        }
        Ok(())
    }
}

fn parse(path: &str) -> Option<Tile> {
    let (level, rest) = path.strip_prefix("tile/")?.split_once('/')?;
    let level = match level {
        "entries" => TileLevel::Entries,
        number => TileLevel::Hashes(number.parse().ok()?),
    };
    let (index, width) = match rest.split_once(".p/") {
        Some((index, width)) => (index, width.parse().ok()?),
        None => (rest, TILE_WIDTH),
    };
    let mut number = 0_u64;
    for part in index.split('/') {
        let part: u64 = part.strip_prefix('x').unwrap_or(part).parse().ok()?;
        number = number.checked_mul(1_000)?.checked_add(part)?;
    }
    Tile::new(level, number, width).ok()
}

/// The tree height at which a tile level lies: at most 56, so shifting by it is never too far.
fn shift_of(level: u8) -> u32 {
    u32::from(level).saturating_mul(u32::from(TILE_HEIGHT))
}
