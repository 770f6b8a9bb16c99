//! Checkpoints: the signed state of a log, and which key may sign which ([c2sp.org/tlog-checkpoint]).
//!
//! [c2sp.org/tlog-checkpoint]: https://c2sp.org/tlog-checkpoint

use std::fmt;

use thiserror::Error;

use crate::hash::Hash;
use crate::limits::{KEY_TERM_COUNT_MAX, TREE_SIZE_MAX};
use crate::note::{Note, NoteError, NoteKeyError, NoteSigner, NoteVerifier, is_key_name};
use crate::signed::Verified;

/// The state of a log: which log, how many leaves, and the root of its tree.
///
/// Its text, by `Display`, is what is signed: three lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name, which is also the name of the keys it signs with.
    pub origin: String,
    /// The number of leaves, at most [`TREE_SIZE_MAX`].
    pub size: u64,
    /// The root of the tree of those leaves.
    pub root: Hash,
}

/// Why a checkpoint is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CheckpointError {
    /// The note around it is malformed or not signed by the key that counts.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The text is not an origin, a size and a root, each in its one spelling.
    #[error("the checkpoint is malformed")]
    Malformed,
    /// It is by another log than the key.
    #[error("the checkpoint is by `{found}`, not by `{expected}`")]
    Origin {
        /// The log whose key was given.
        expected: String,
        /// The log named in the checkpoint.
        found: String,
    },
    /// None of the log's keys is valid for a tree of this size.
    #[error("the log has no key for a tree of `{0}` leaves")]
    NoKey(u64),
}

impl Checkpoint {
    /// Reads a checkpoint's text, as [`Note::text`] has it; nothing is known about it yet.
    ///
    /// Extension lines are allowed, if not empty, and ignored, as the specification asks.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Malformed`].
    pub fn parse(text: &str) -> Result<Checkpoint, CheckpointError> {
        parse(text).ok_or(CheckpointError::Malformed)
    }

    /// Signs the checkpoint: a note with one signature line.
    ///
    /// Further lines are added by [`add_signature`](crate::note::add_signature). A log signs no two
    /// checkpoints of which one did not grow out of the other; that is for the caller to see to.
    ///
    /// # Panics
    ///
    /// When the signer's name is not the origin, or the size above [`TREE_SIZE_MAX`].
    pub fn sign(&self, signer: &NoteSigner) -> String {
        assert_eq!(signer.verifier().name(), self.origin, "a log signs under its own name");
        assert!(self.size <= TREE_SIZE_MAX, "a tree has at most 2^63-1 leaves");
        let text = self.to_string();
        format!("{text}\n{}", signer.line(&text))
    }

    /// Checks that a note is a checkpoint by the log with this key.
    ///
    /// # Errors
    ///
    /// [`CheckpointError`], of every variant but [`CheckpointError::NoKey`].
    pub fn verify(note: &str, verifier: &NoteVerifier) -> Result<Verified<Checkpoint>, CheckpointError> {
        let note = Note::parse(note)?;
        let checkpoint = Checkpoint::parse(note.text())?;
        checkpoint.verify_by(&note, verifier)
    }

    fn verify_by(
        self,
        note: &Note<'_>,
        verifier: &NoteVerifier,
    ) -> Result<Verified<Checkpoint>, CheckpointError> {
        if self.origin != verifier.name() {
            return Err(CheckpointError::Origin { expected: verifier.name().to_owned(), found: self.origin });
        }
        note.verify(verifier)?;
        Ok(Verified::new(self))
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}\n{}\n", self.origin, self.size, self.root)
    }
}

fn parse(text: &str) -> Option<Checkpoint> {
    let mut lines = text.strip_suffix('\n')?.split('\n');
    let (origin, size_text, root) = (lines.next()?, lines.next()?, lines.next()?);
    let size: u64 = size_text.parse().ok()?;
    let root = Hash::from_base64(root)?;
    let size_is_canonical = size.to_string() == size_text && size <= TREE_SIZE_MAX;
    let root_fits_size = size != 0 || root == Hash::EMPTY_TREE;
    if !is_key_name(origin) || !size_is_canonical || !root_fits_size || lines.any(str::is_empty) {
        return None;
    }
    Some(Checkpoint { origin: origin.to_owned(), size, root })
}

/// One key of a log, and the tree sizes it may sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyTerm {
    /// The key.
    pub verifier: NoteVerifier,
    /// The smallest tree it may sign.
    pub from_size: u64,
    /// The first tree it may no longer sign; `None` while it is in use.
    pub until_size: Option<u64>,
}

/// The keys of one log, in the order they were in use, none overlapping another.
///
/// A key signs only within its term, so that one that leaks after its rotation cannot sign the log's
/// future (EV-10). It could still sign another past: a reader who keeps a checkpoint sees through that
/// with a consistency proof.
///
/// Its text form, by `Display`, has a line for each key, newest first: the vkey, the smallest tree it may
/// sign, and the first one it may no longer sign. A key in use has no third part, and one that was in use
/// from the beginning no second part either, so a log that never changed its key has a vkey and no more.
///
/// ```text
/// log.example+8b24be67+AbC… 4711
/// log.example+04d78b19+AdE… 0 4711
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyHistory(Vec<KeyTerm>);

/// Terms that make no history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyHistoryError {
    /// There is no term, or more than [`KEY_TERM_COUNT_MAX`].
    #[error("a log has 1 to 1024 keys, not `{0}`")]
    Count(usize),
    /// The keys have different names, so they are not of one log.
    #[error("the keys are of different logs")]
    Names,
    /// A term is empty, or begins before the one in front of it ended.
    #[error("term `{0}` is empty or overlaps the one before it")]
    Order(usize),
    /// A line, counted from 1, is not a key and the sizes it may sign, in their one spelling.
    #[error("line `{0}` is not a key and the sizes it signs")]
    Line(usize),
    /// A key is none.
    #[error(transparent)]
    Key(#[from] NoteKeyError),
}

impl KeyHistory {
    /// The history with these terms, oldest first.
    ///
    /// # Errors
    ///
    /// [`KeyHistoryError`].
    pub fn new(terms: Vec<KeyTerm>) -> Result<KeyHistory, KeyHistoryError> {
        let Some(first) = terms.first().filter(|_| terms.len() <= KEY_TERM_COUNT_MAX) else {
            return Err(KeyHistoryError::Count(terms.len()));
        };
        if terms.iter().any(|term| term.verifier.name() != first.verifier.name()) {
            return Err(KeyHistoryError::Names);
        }
        let mut free_from = Some(0);
        for (position, term) in terms.iter().enumerate() {
            let begins_in_time = free_from.is_some_and(|free_from| free_from <= term.from_size);
            let is_empty = term.until_size.is_some_and(|until_size| until_size <= term.from_size);
            if !begins_in_time || is_empty {
                return Err(KeyHistoryError::Order(position));
            }
            free_from = term.until_size;
        }
        Ok(KeyHistory(terms))
    }

    /// The history of a log that never changed its key.
    pub fn of(verifier: NoteVerifier) -> KeyHistory {
        KeyHistory(vec![KeyTerm { verifier, from_size: 0, until_size: None }])
    }

    /// Reads the text form; the newline at its end may be missing.
    ///
    /// # Errors
    ///
    /// [`KeyHistoryError`].
    pub fn parse(text: &str) -> Result<KeyHistory, KeyHistoryError> {
        let lines = text.strip_suffix('\n').unwrap_or(text).split('\n');
        let mut terms = Vec::new();
        for (number, line) in (1..).zip(lines) {
            if KEY_TERM_COUNT_MAX < number {
                return Err(KeyHistoryError::Count(number));
            }
            terms.push(parse_term(line, number)?);
        }
        terms.reverse();
        KeyHistory::new(terms)
    }

    /// The same history with the last key's term ended and a new key in use from `from_size` on.
    ///
    /// # Errors
    ///
    /// [`KeyHistoryError`], for one when the last key was not yet in use at that size.
    pub fn rotate(&self, verifier: NoteVerifier, from_size: u64) -> Result<KeyHistory, KeyHistoryError> {
        let mut terms = self.0.clone();
        if let Some(last) = terms.last_mut() {
            last.until_size = Some(last.until_size.map_or(from_size, |until_size| until_size.min(from_size)));
        }
        terms.push(KeyTerm { verifier, from_size, until_size: None });
        KeyHistory::new(terms)
    }

    /// The terms, oldest first; there is at least one.
    pub fn terms(&self) -> &[KeyTerm] {
        &self.0
    }

    /// The key that signs trees of `size` leaves, if there is one.
    pub fn key_for(&self, size: u64) -> Option<&NoteVerifier> {
        let within =
            |term: &&KeyTerm| term.from_size <= size && term.until_size.is_none_or(|until| size < until);
        self.0.iter().find(within).map(|term| &term.verifier)
    }

    /// Checks that a note is a checkpoint of this log, signed by the key for its size.
    ///
    /// Lines by the log's other keys count for nothing.
    ///
    /// # Errors
    ///
    /// [`CheckpointError`].
    pub fn verify(&self, note: &str) -> Result<Verified<Checkpoint>, CheckpointError> {
        let note = Note::parse(note)?;
        let checkpoint = Checkpoint::parse(note.text())?;
        let verifier = self.key_for(checkpoint.size).ok_or(CheckpointError::NoKey(checkpoint.size))?;
        checkpoint.verify_by(&note, verifier)
    }
}

impl fmt::Display for KeyTerm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.from_size, self.until_size) {
            (0, None) => write!(f, "{}", self.verifier),
            (from_size, None) => write!(f, "{} {from_size}", self.verifier),
            (from_size, Some(until_size)) => write!(f, "{} {from_size} {until_size}", self.verifier),
        }
    }
}

impl fmt::Display for KeyHistory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().rev().try_for_each(|term| writeln!(f, "{term}"))
    }
}

fn parse_term(line: &str, number: usize) -> Result<KeyTerm, KeyHistoryError> {
    let mut parts = line.split(' ');
    let verifier = NoteVerifier::parse(parts.next().unwrap_or_default())?;
    let mut size = || parts.next().map(str::parse).transpose().map_err(|_| KeyHistoryError::Line(number));
    let (from_size, until_size) = (size()?.unwrap_or(0), size()?);
    let term = KeyTerm { verifier, from_size, until_size };
    // One spelling: a leading zero, or a part too many, would not be written so.
    if term.to_string() != line { Err(KeyHistoryError::Line(number)) } else { Ok(term) }
}
