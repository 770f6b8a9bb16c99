//! Tiles: the book's Merkle log as files, and the signed checkpoint that covers them.
//!
//! Level 0 is one file with the hash of every entry, level 1 one with the root of every 256 of them, and so on, each
//! only appended to. They can be deleted: the follower makes them again from the journal.

use crate::follower::{Follower, FollowerFault};
use crate::growth::{Growth, Growths};
use crate::limits::{CHECKPOINT_MILLIS, TILE_CACHE_MAX};
use book::Seq;
use evidence::note::NoteSigner;
use evidence::{Checkpoint, Frontier, Hash, HashReader, MissingHash};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

const STATE: &str = "state";
const HASH_BYTES: u64 = 32;
const TILE_HASHES: u64 = 256;

/// A signed checkpoint, and what it covers.
///
/// While a log is made again whose key was changed, its size is 0 and its checkpoint the last one of the retired key:
/// no key may sign what lies between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// How many entries.
    pub size: u64,
    /// Their root.
    pub root: Hash,
    /// The signed note.
    pub checkpoint: String,
}

/// The log, to read: its newest checkpoint and every hash below it.
#[derive(Clone, Debug)]
pub struct Log {
    directory: Arc<PathBuf>,
    published: Arc<RwLock<Arc<Published>>>,
}

impl Log {
    /// The newest checkpoint. Every hash below it can be read.
    pub fn published(&self) -> Arc<Published> {
        self.published.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A reader for proofs; it keeps the tiles it has read.
    pub fn hashes(&self) -> TileHashes {
        TileHashes { directory: self.directory.clone(), tiles: Mutex::new(BTreeMap::new()) }
    }
}

/// Tiles that were read, and where the others are.
#[derive(Debug)]
pub struct TileHashes {
    directory: Arc<PathBuf>,
    tiles: Mutex<BTreeMap<(u8, u64), Vec<u8>>>,
}

impl HashReader for TileHashes {
    fn hash(&self, level: u8, index: u64) -> Result<Hash, MissingHash> {
        let missing = MissingHash { level, index };
        let tile = index.div_euclid(TILE_HASHES);
        let start =
            usize::try_from(index.rem_euclid(TILE_HASHES).saturating_mul(HASH_BYTES)).map_err(|_| missing)?;
        let mut tiles = self.tiles.lock().unwrap_or_else(PoisonError::into_inner);
        if tiles.len() == TILE_CACHE_MAX {
            tiles.clear();
        }
        let read = match tiles.entry((level, tile)) {
            std::collections::btree_map::Entry::Occupied(read) => read.into_mut(),
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(read_tile(&self.directory, level, tile).map_err(|_| missing)?)
            }
        };
        let bytes = read.get(start..).and_then(|rest| rest.first_chunk::<32>()).ok_or(missing)?;
        Ok(Hash(*bytes))
    }
}

fn read_tile(directory: &Path, level: u8, tile: u64) -> io::Result<Vec<u8>> {
    let file = File::open(directory.join(level.to_string()))?;
    let mut bytes = vec![0; 8_192];
    let at = tile.saturating_mul(TILE_HASHES).saturating_mul(HASH_BYTES);
    let mut read = 0usize;
    while let Some(rest) = bytes.get_mut(read..).filter(|rest| !rest.is_empty()) {
        let more = file.read_at(rest, at.saturating_add(u64::try_from(read).unwrap_or(u64::MAX)))?;
        if more == 0 {
            break;
        }
        read = read.saturating_add(more);
    }
    bytes.truncate(read);
    Ok(bytes)
}

/// The follower that writes the log.
#[derive(Debug)]
pub struct Tiles {
    directory: Arc<PathBuf>,
    signer: NoteSigner,
    /// The last checkpoint of the key before the signer's: only larger ones are the signer's to sign.
    inherited: Option<Published>,
    frontier: Frontier,
    levels: Vec<File>,
    published: Arc<RwLock<Arc<Published>>>,
    kept_at: Option<Instant>,
    growths: Growths,
}

impl Tiles {
    /// The log in `directory`, as far as it was kept; what was written beyond is written again.
    ///
    /// # Errors
    /// Any failure of the files.
    pub fn open(directory: &Path, signer: NoteSigner) -> io::Result<(Tiles, Log)> {
        Tiles::go_on(directory, signer, None)
    }

    /// The same of a log whose key was changed: what the retired key signed last is `inherited`, and `signer` signs
    /// only what is larger.
    ///
    /// # Errors
    /// Any failure of the files.
    pub fn succeed(directory: &Path, signer: NoteSigner, inherited: Published) -> io::Result<(Tiles, Log)> {
        Tiles::go_on(directory, signer, Some(inherited))
    }

    fn go_on(directory: &Path, signer: NoteSigner, inherited: Option<Published>) -> io::Result<(Tiles, Log)> {
        fs::create_dir_all(directory)?;
        let frontier = kept(directory);
        let published = Arc::new(publish(&signer, inherited.as_ref(), &frontier));
        let published = Arc::new(RwLock::new(published));
        let directory = Arc::new(directory.to_path_buf());
        let log = Log { directory: directory.clone(), published: published.clone() };
        let mut tiles = Tiles {
            directory,
            signer,
            inherited,
            frontier,
            levels: Vec::new(),
            published,
            kept_at: None,
            growths: Growths::default(),
        };
        let mut items = tiles.frontier.size();
        for level in 0u8.. {
            let path = tiles.directory.join(level.to_string());
            if items == 0 && !path.exists() {
                break;
            }
            let file = tiles.level(level)?;
            file.set_len(items.saturating_mul(HASH_BYTES))?;
            items = items.div_euclid(TILE_HASHES);
        }
        Ok((tiles, log))
    }

    fn level(&mut self, level: u8) -> io::Result<&File> {
        let place = usize::from(level);
        while self.levels.len() <= place {
            let path = self.directory.join(self.levels.len().to_string());
            self.levels.push(OpenOptions::new().create(true).append(true).read(true).open(path)?);
        }
        self.levels.get(place).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Makes what was written so far survive a crash. It is only there to begin from later, so it is not done each time.
    fn keep(&mut self) -> io::Result<()> {
        for file in &self.levels {
            file.sync_data()?;
        }
        let published = self.published.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut state = self.frontier.to_bytes();
        state.extend_from_slice(published.checkpoint.as_bytes());
        replace(&self.directory, STATE, &state)?;
        self.kept_at = Some(Instant::now());
        Ok(())
    }

    fn write(&mut self, first: Seq, entries: &[&[u8]]) -> io::Result<()> {
        let place = |size: u64| usize::try_from(size.saturating_sub(first.0)).unwrap_or(usize::MAX);
        while let Some(entries) = entries.get(place(self.frontier.size())..).filter(|rest| !rest.is_empty()) {
            let entries = self.until_inherited(entries);
            let count = u64::try_from(entries.len()).unwrap_or(u64::MAX);
            let end = self.frontier.size().saturating_add(count);
            let hashed = self.growths.at(self.frontier.size()).filter(|growth| growth.after.size() <= end);
            let growth = hashed
                .unwrap_or_else(|| Arc::new(Growth::of(self.frontier.clone(), entries.iter().copied())));
            self.fits_inherited(&growth.after)?;
            for (level, hashes) in (0u8..).zip(&growth.levels) {
                let mut file = self.level(level)?;
                file.write_all(hashes)?;
            }
            self.frontier = growth.after.clone();
        }
        let published = Arc::new(publish(&self.signer, self.inherited.as_ref(), &self.frontier));
        *self.published.write().unwrap_or_else(PoisonError::into_inner) = published;
        let due = Duration::from_millis(CHECKPOINT_MILLIS);
        if self.kept_at.is_none_or(|at| due <= at.elapsed()) {
            self.keep()?;
        }
        Ok(())
    }

    /// Those of `entries`, which come next, that lead no further than to the inherited size: it is looked at there.
    fn until_inherited<'a>(&self, entries: &'a [&'a [u8]]) -> &'a [&'a [u8]] {
        let inherited = self.inherited.as_ref().map_or(0, |last| last.size);
        let missing = usize::try_from(inherited.saturating_sub(self.frontier.size())).unwrap_or(usize::MAX);
        entries.get(..missing).filter(|until| !until.is_empty()).unwrap_or(entries)
    }

    /// A new key never vouches for another past than the one the retired key has signed.
    fn fits_inherited(&self, frontier: &Frontier) -> io::Result<()> {
        let same_size = self.inherited.as_ref().filter(|last| last.size == frontier.size());
        match same_size {
            Some(last) if last.root != frontier.root() => {
                let why =
                    format!("the first {} entries are not those that the retired key signed", last.size);
                Err(io::Error::other(why))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// How many entries the checkpoint covers that was last made durable in `directory`; 0 where there is none.
    ///
    /// A journal with fewer has lost answered entries.
    pub fn at_least(directory: &Path) -> u64 {
        kept(directory).size()
    }

    /// The checkpoint that was last made durable in `directory`, as it was signed; none where there is none.
    pub fn checkpoint(directory: &Path) -> Option<String> {
        let bytes = fs::read(directory.join(STATE)).ok()?;
        let note = bytes.get(frontier_bytes(&bytes)?..)?;
        String::from_utf8(note.to_vec()).ok()
    }
}

impl Follower for Tiles {
    fn name(&self) -> &'static str {
        "tiles"
    }

    fn begin(&mut self, growths: Growths) {
        self.growths = growths;
    }

    fn position(&self) -> Seq {
        Seq(self.frontier.size())
    }

    fn handle(&mut self, first: Seq, entries: &[&[u8]]) -> Result<(), FollowerFault> {
        let done = self.write(first, entries);
        if done.is_err() {
            // What a failed write left behind would shift everything after it.
            let mut items = self.frontier.size();
            for file in &self.levels {
                let cut = file.set_len(items.saturating_mul(HASH_BYTES));
                cut.map_err(|fault| FollowerFault(fault.to_string()))?;
                items = items.div_euclid(TILE_HASHES);
            }
        }
        done.map_err(|fault| FollowerFault(fault.to_string()))
    }
}

impl Drop for Tiles {
    fn drop(&mut self) {
        // Whatever is not kept is written again.
        let _ = self.keep();
    }
}

fn publish(signer: &NoteSigner, inherited: Option<&Published>, frontier: &Frontier) -> Published {
    let (size, root) = (frontier.size(), frontier.root());
    if let Some(last) = inherited.filter(|last| size <= last.size) {
        let (size, root) = if size == last.size { (size, root) } else { (0, Hash::EMPTY_TREE) };
        return Published { size, root, checkpoint: last.checkpoint.clone() };
    }
    let checkpoint = Checkpoint { origin: signer.verifier().name().to_owned(), size, root };
    Published { size, root, checkpoint: checkpoint.sign(signer) }
}

/// The frontier that was kept; an empty one where there is none, or none that fits.
fn kept(directory: &Path) -> Frontier {
    let Ok(bytes) = fs::read(directory.join(STATE)) else {
        return Frontier::default();
    };
    let frontier = frontier_bytes(&bytes).and_then(|end| bytes.get(..end));
    frontier.and_then(|bytes| Frontier::from_bytes(bytes).ok()).unwrap_or_default()
}

/// How many of the bytes that were kept are the frontier; the checkpoint lies behind it.
fn frontier_bytes(bytes: &[u8]) -> Option<usize> {
    let size = u64::from_be_bytes(*bytes.first_chunk::<8>()?);
    let peaks = usize::try_from(size.count_ones()).ok()?;
    Some(peaks.saturating_mul(32).saturating_add(8))
}

/// Replaces a file as one step: afterwards it is the old one or the new one, also after a crash.
///
/// # Errors
/// Any failure of the files; the old one is then still there.
pub fn replace(directory: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let new = directory.join(format!("{name}.new"));
    let mut file = File::create(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, directory.join(name))?;
    File::open(directory)?.sync_all()
}
