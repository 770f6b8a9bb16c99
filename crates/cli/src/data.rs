//! A data directory, to read: its journal, the leaves of its log, its newest checkpoint and the log's keys.

use crate::exit::{Exit, Failure, Outcome};
use crate::verify::damage;
use book::Seq;
use engine::journal::{Frame, JournalFault, Reader};
use engine::limits::READ_FRAMES_MAX;
use engine::{FileJournal, Tiles};
use evidence::{Hash, KeyHistory};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// The data directory of a server.
#[derive(Clone, Debug)]
pub(crate) struct Data(PathBuf);

impl Data {
    /// The data directory at `path`.
    pub(crate) fn at(path: &Path) -> Outcome<Data> {
        let data = Data(path.to_owned());
        if data.journal().join("journal").is_file() {
            return Ok(data);
        }
        let why = if path.is_dir() { "has no journal in it" } else { "is no directory" };
        Err(Failure::usage(format!("`{}` {why}; make one with `tollbridge init`", path.display())))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.0.join("journal")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.0.join("log")
    }

    pub(crate) fn keys(&self) -> PathBuf {
        self.0.join("keys")
    }

    /// The journal, without leading it: a server may be running.
    pub(crate) fn read(&self) -> Outcome<Reader> {
        // A frame that is being appended while we look for the end looks torn, and whole a moment later.
        let read = FileJournal::read(&self.journal()).or_else(|_| FileJournal::read(&self.journal()));
        read.map_err(|fault| match fault {
            JournalFault::Damaged { .. } => Failure::new(Exit::False, self.damage(&fault)),
            JournalFault::NotAJournal
            | JournalFault::Version(_)
            | JournalFault::Locked(_)
            | JournalFault::OtherBook
            | JournalFault::Spoiled { .. }
            | JournalFault::BehindCheckpoint { .. }
            | JournalFault::Stopped
            | JournalFault::Storage(_) => Failure::fault(fault),
        })
    }

    /// What is damaged in the journal, by the number of the entry where the log's leaves tell.
    pub(crate) fn damage(&self, fault: &JournalFault) -> String {
        match damage::first(&self.journal().join("journal"), &self.leaves()) {
            Some(seq) => format!("entry {} is damaged: it is not the one that was recorded ({fault})", seq.0),
            None => fault.to_string(),
        }
    }

    /// The newest checkpoint that was made durable, as it was signed.
    pub(crate) fn checkpoint(&self) -> Option<String> {
        Tiles::checkpoint(&self.log())
    }

    /// The leaves of the log.
    pub(crate) fn leaves(&self) -> Leaves {
        Leaves(File::open(self.log().join("0")).ok())
    }

    /// The log's keys: those given, or the directory's own.
    pub(crate) fn log_keys(&self, given: Option<&str>) -> Outcome<KeyHistory> {
        match given {
            Some(text) => log_keys_of(text),
            None => Ok(server::log_keys::log_keys(self.path())?),
        }
    }
}

/// Reads a log's keys, as `GET /log/vkey` gives them.
pub(crate) fn log_keys_of(text: &str) -> Outcome<KeyHistory> {
    KeyHistory::parse(text.trim()).map_err(|fault| Failure::usage(format!("`--vkey`: {fault}")))
}

/// The hashes of all entries, as the log's follower wrote them: a second record beside the journal.
#[derive(Debug)]
pub(crate) struct Leaves(Option<File>);

impl Leaves {
    /// The hash of the entry at `seq`, where it was written.
    pub(crate) fn hash(&self, seq: Seq) -> Option<Hash> {
        let mut bytes = [0; Hash::BYTES];
        self.0.as_ref()?.read_exact_at(&mut bytes, seq.0.checked_mul(32)?).ok()?;
        Some(Hash(bytes))
    }
}

/// Reads all frames from the one that holds `from` on, and hands each to `each`.
pub(crate) fn walk(journal: &Reader, from: Seq, mut each: impl FnMut(&Frame) -> Outcome) -> Outcome {
    let mut from = from;
    loop {
        let frames = journal.frames(from, READ_FRAMES_MAX)?;
        let Some(last) = frames.last() else { return Ok(()) };
        from = last.next();
        for frame in &frames {
            each(frame)?;
        }
    }
}
