//! The keys of the log: the one that signs, those it followed, and how a new one takes over.
//!
//! Of a retired key is kept which one it was and what it signed last: the log as it stood then, and the key that follows.
//! Its seed is gone, so nothing can be signed with it any more, not even by whoever takes the directory.

use crate::data::{DataFault, SERVER_KEYS, ServerKeys, malformed, read_private, seed_of, write_private};
use book::Seq;
use engine::{FileJournal, Published, Tiles, Writer};
use evidence::{Checkpoint, KeyHistory, NoteSigner, NoteVerifier, SigningKey, Succession, base64url};
use serde::{Deserialize, Serialize};
use std::path::Path;
use zeroize::Zeroizing;

/// The keys that sign no more.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetiredKeys {
    /// The vkey of the log's first key.
    first: String,
    /// The last word of each of them, oldest first: notes in the form of [`Succession`].
    successions: Vec<String>,
}

/// The key that signs, and what is known of those before it.
#[derive(Debug)]
pub(crate) struct LogKeys {
    pub(crate) signer: NoteSigner,
    pub(crate) history: KeyHistory,
    /// What each key said of the next, oldest first.
    pub(crate) successions: String,
    /// The last checkpoint of the key before, where there was one.
    pub(crate) inherited: Option<Published>,
}

impl LogKeys {
    /// The keys in `keys`, which lie at `path`.
    pub(crate) fn of(keys: &ServerKeys, path: &Path) -> Result<LogKeys, DataFault> {
        let signer = signer(keys, path)?;
        let Some(retired) = &keys.retired_log_keys else {
            let history = KeyHistory::of(signer.verifier().clone());
            return Ok(LogKeys { signer, history, successions: String::new(), inherited: None });
        };
        let false_history =
            |why: &dyn std::fmt::Display| malformed(path, format!("`retired_log_keys`: {why}"));
        let first = NoteVerifier::parse(&retired.first).map_err(|why| false_history(&why))?;
        let successions = retired.successions.join("\n");
        let history = KeyHistory::of(first).follow(&successions).map_err(|why| false_history(&why))?;
        if history.terms().last().is_none_or(|term| term.verifier != *signer.verifier()) {
            return Err(false_history(&"they do not lead to the key that signs"));
        }
        // A key that signed nothing but its succession is in no history, and the one before it spoke last.
        let last = retired.successions.iter().rev().find_map(|note| Some((note, history.verify(note).ok()?)));
        let (note, last) = last.ok_or_else(|| false_history(&"the first key has not signed how it ends"))?;
        let Checkpoint { size, root, .. } = last.into_inner();
        let inherited = Published { size, root, checkpoint: note.clone() };
        Ok(LogKeys { signer, history, successions, inherited: Some(inherited) })
    }

    /// The entries that a journal has to have: all that a checkpoint covers.
    pub(crate) fn at_least(&self, log: &Path) -> u64 {
        Tiles::at_least(log).max(self.inherited.as_ref().map_or(0, |last| last.size))
    }
}

/// Who signs with the newest key.
fn signer(keys: &ServerKeys, path: &Path) -> Result<NoteSigner, DataFault> {
    let log_key = SigningKey::ed25519(&*seed_of(&keys.log_seed, path)?);
    NoteSigner::new(&keys.origin, log_key).map_err(|why| malformed(path, why))
}

/// The keys that the log of a data directory is checked with. They are no secret; where they are read from is.
///
/// # Errors
/// [`DataFault`].
pub fn log_keys(directory: &Path) -> Result<KeyHistory, DataFault> {
    let path = directory.join("keys");
    Ok(LogKeys::of(&read_private(&path, SERVER_KEYS)?, &path)?.history)
}

/// Gives the log of a data directory a new key, and returns its keys. No server may run there.
///
/// The old key vouches for everything up to the journal's end, signs that once more together with the name of the key that
/// follows, and its seed is forgotten. `progress` is told how far the journal was read.
///
/// # Errors
/// [`DataFault`]. The old key goes on then, unless it is the new one's file that could not be made durable.
pub fn rotate_log_key(directory: &Path, progress: impl FnMut(Seq)) -> Result<KeyHistory, DataFault> {
    let path = directory.join("keys");
    let mut keys: ServerKeys = read_private(&path, SERVER_KEYS)?;
    let book = keys.book_id(&path)?;
    // What was read before the lead was taken may have been changed by whoever had it.
    let at_least = LogKeys::of(&keys, &path)?.at_least(&directory.join("log"));
    let journal = FileJournal::open(&directory.join("journal"), book, at_least)?;
    keys = read_private(&path, SERVER_KEYS)?;
    let old = LogKeys::of(&keys, &path)?.signer;
    let leader = Writer::recover(book, journal, progress)?;

    let seed = Zeroizing::new(rand::random::<[u8; 32]>());
    keys.log_seed = base64url::encode(&*seed);
    let successor = signer(&keys, &path)?.verifier().clone();
    let last =
        Checkpoint { origin: keys.origin.clone(), size: leader.book().head().seq.0, root: leader.root() };
    let first = || RetiredKeys { first: old.verifier().to_string(), successions: Vec::new() };
    let retired = keys.retired_log_keys.get_or_insert_with(first);
    retired.successions.push(Succession { last, successor }.sign(&old));
    // Whatever the next start would refuse is refused now.
    let new = LogKeys::of(&keys, &path)?;
    write_private(&path, SERVER_KEYS, &keys)?;
    drop(leader);
    Ok(new.history)
}
