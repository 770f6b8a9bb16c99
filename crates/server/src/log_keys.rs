//! The keys of the log: the one that signs, those it followed, and how a new one takes over.
//!
//! A retired key is kept as what it may vouch for: its public half, the sizes it signed, and its last checkpoint. Its
//! seed is gone, so nothing can be signed with it any more, not even by whoever takes the directory.

use crate::data::{DataFault, SERVER_KEYS, ServerKeys, malformed, read_private, seed_of, write_private};
use book::Seq;
use engine::{FileJournal, Published, Tiles, Writer};
use evidence::{Checkpoint, KeyHistory, NoteSigner, SigningKey, base64url};
use serde::{Deserialize, Serialize};
use std::path::Path;
use zeroize::Zeroizing;

/// A key that signs no more.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetiredKey {
    /// The vkey and the sizes it may sign, as a line of the history.
    term: String,
    /// The last it signed: nothing else can vouch for that size while the log is made again.
    last_checkpoint: String,
}

/// The key that signs, and what is known of those before it.
#[derive(Debug)]
pub(crate) struct LogKeys {
    pub(crate) signer: NoteSigner,
    pub(crate) history: KeyHistory,
    /// The last checkpoint of the key before, where there was one.
    pub(crate) inherited: Option<Published>,
}

impl LogKeys {
    /// The keys in `keys`, which lie at `path`.
    pub(crate) fn of(keys: &ServerKeys, path: &Path) -> Result<LogKeys, DataFault> {
        let log_key = SigningKey::ed25519(&*seed_of(&keys.log_seed, path)?);
        let signer = NoteSigner::new(&keys.origin, log_key).map_err(|why| malformed(path, why))?;
        let Some(last) = keys.retired_log_keys.last() else {
            let history = KeyHistory::of(signer.verifier().clone());
            return Ok(LogKeys { signer, history, inherited: None });
        };
        let false_history =
            |why: &dyn std::fmt::Display| malformed(path, format!("`retired_log_keys`: {why}"));
        let newest_first: Vec<&str> = keys.retired_log_keys.iter().rev().map(|key| &*key.term).collect();
        let retired = KeyHistory::parse(&newest_first.join("\n")).map_err(|why| false_history(&why))?;
        let until_size = retired.terms().last().and_then(|term| term.until_size);
        let until_size = until_size.ok_or_else(|| false_history(&"the last key was not retired"))?;
        let history = retired.rotate(signer.verifier().clone(), until_size);
        let history = history.map_err(|why| false_history(&why))?;
        let inherited =
            history.verify(&last.last_checkpoint).map_err(|why| false_history(&why))?.into_inner();
        if inherited.size.checked_add(1) != Some(until_size) {
            return Err(false_history(&"the last checkpoint is not where the key ended"));
        }
        let Checkpoint { size, root, .. } = inherited;
        let inherited = Published { size, root, checkpoint: last.last_checkpoint.clone() };
        Ok(LogKeys { signer, history, inherited: Some(inherited) })
    }

    /// The entries that a journal has to have: all that a checkpoint covers.
    pub(crate) fn at_least(&self, log: &Path) -> u64 {
        Tiles::at_least(log).max(self.inherited.as_ref().map_or(0, |last| last.size))
    }
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
/// The old key vouches for everything up to the journal's end, and signs that once more before its seed is forgotten.
/// A key that has signed nothing yet is replaced and leaves no trace. `progress` is told how far the journal was read.
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
    let old = LogKeys::of(&keys, &path)?;
    let leader = Writer::recover(book, journal, progress)?;

    let seed = Zeroizing::new(rand::random::<[u8; 32]>());
    let checkpoint =
        Checkpoint { origin: keys.origin.clone(), size: leader.book().head().seq.0, root: leader.root() };
    let term = old.history.terms().last().expect("a history has a term");
    if term.from_size <= checkpoint.size {
        let until_size = checkpoint.size.checked_add(1);
        let term = evidence::KeyTerm { until_size, ..term.clone() }.to_string();
        keys.retired_log_keys.push(RetiredKey { term, last_checkpoint: checkpoint.sign(&old.signer) });
    }
    keys.log_seed = base64url::encode(&*seed);
    // Whatever the next start would refuse is refused now.
    let new = LogKeys::of(&keys, &path)?;
    write_private(&path, SERVER_KEYS, &keys)?;
    drop(leader);
    Ok(new.history)
}
