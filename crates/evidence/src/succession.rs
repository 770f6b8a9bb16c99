//! Successions: a log's key says with its last word which key follows, so who trusts the one can come to trust the other.
//!
//! A succession is a checkpoint with one line more, signed by the key whose term ends: the state of the log at its end, and
//! the key that signs whatever is larger. To readers who do not know of that line it is a checkpoint like any other.
//!
//! ```text
//! log.example
//! 4710
//! dGhlIHJvb3Qgb2YgdGhlIGZpcnN0IDQ3MTAgZW50cmk=
//! successor log.example+8b24be67+AbC…
//!
//! — log.example BNeNGw…
//! ```
//!
//! Several stand one behind the other, oldest first, with an empty line between them.

use std::fmt;

use thiserror::Error;

use crate::checkpoint::{Checkpoint, CheckpointError, KeyHistory, KeyHistoryError, KeyTerm};
use crate::limits::KEY_TERM_COUNT_MAX;
use crate::note::{Note, NoteError, NoteSigner, NoteVerifier};

/// What the line begins with that names the next key.
const LINE_START: &str = "successor ";

/// With which state of the log a key ends, and which key goes on from there.
///
/// Its text, by `Display`, is what is signed: four lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Succession {
    /// The largest state of the log that the old key signs.
    pub last: Checkpoint,
    /// The key that signs what is larger.
    pub successor: NoteVerifier,
}

/// Why successions lead nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SuccessionError {
    /// One is no checkpoint, of another log, or not signed by the key that it should end.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// One does not name the next key of the same log, in its one spelling.
    #[error("the succession is malformed")]
    Malformed,
    /// A key says where it ends, and was not the log's key there.
    #[error("a key that was not in use for `{0}` leaves names a successor there")]
    OutsideTerm(u64),
    /// There are more than [`KEY_TERM_COUNT_MAX`].
    #[error("a log has at most 1024 keys")]
    TooMany,
    /// The keys make no history.
    #[error(transparent)]
    History(#[from] KeyHistoryError),
}

impl Succession {
    /// Reads a succession's text, as [`Note::text`] has it; nothing is known about it yet.
    ///
    /// # Errors
    ///
    /// [`SuccessionError::Checkpoint`] or [`SuccessionError::Malformed`].
    pub fn parse(text: &str) -> Result<Succession, SuccessionError> {
        let last = Checkpoint::parse(text)?;
        let line = text.lines().nth(3).and_then(|line| line.strip_prefix(LINE_START));
        let successor =
            line.and_then(|vkey| NoteVerifier::parse(vkey).ok()).ok_or(SuccessionError::Malformed)?;
        let succession = Succession { last, successor };
        let of_one_log = succession.successor.name() == succession.last.origin;
        if of_one_log && succession.to_string() == text {
            Ok(succession)
        } else {
            Err(SuccessionError::Malformed)
        }
    }

    /// Signs the succession with the key that ends by it: a note with one signature line.
    ///
    /// # Panics
    ///
    /// When the signer's name is not the origin.
    pub fn sign(&self, signer: &NoteSigner) -> String {
        assert_eq!(signer.verifier().name(), self.last.origin, "a log signs under its own name");
        let text = self.to_string();
        format!("{text}\n{}", signer.line(&text))
    }
}

impl fmt::Display for Succession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}{LINE_START}{}", self.last, self.successor)
    }
}

impl KeyHistory {
    /// The same history with the keys that `successions` lead to from its last one.
    ///
    /// Those of earlier keys stand in front and count for nothing. From the last key's on, each has to be signed by the
    /// key that the one before it names. A key that signed nothing but its succession gets no term.
    ///
    /// Nobody can forge one without a key of this log, but somebody who stole an old key can make another future for
    /// those who know no later one, and anybody can leave out the last ones.
    ///
    /// # Errors
    ///
    /// [`SuccessionError`], of every variant.
    pub fn follow(&self, successions: &str) -> Result<KeyHistory, SuccessionError> {
        let mut terms = self.terms().to_vec();
        let mut follows = false;
        for note in notes(successions)? {
            let note = Note::parse(&note).map_err(CheckpointError::from)?;
            let Succession { last, successor } = Succession::parse(note.text())?;
            let size = last.size;
            let key = &terms.last().expect("a history has a term").verifier;
            match last.verify_by(&note, key) {
                Ok(_) => follows = true,
                Err(CheckpointError::Note(NoteError::NotSigned(_))) if !follows => continue,
                Err(why) => return Err(why.into()),
            }
            succeed(&mut terms, size, successor)?;
        }
        Ok(KeyHistory::new(terms)?)
    }
}

/// Ends the last term behind a log of `size` leaves, where the successor's begins.
fn succeed(terms: &mut Vec<KeyTerm>, size: u64, successor: NoteVerifier) -> Result<(), SuccessionError> {
    let outside = SuccessionError::OutsideTerm(size);
    let Some(from_size) = size.checked_add(1) else { return Err(outside) };
    let term = terms.pop().expect("a history has a term");
    if from_size < term.from_size || term.until_size.is_some_and(|until_size| until_size < from_size) {
        return Err(outside);
    }
    if term.from_size < from_size {
        terms.push(KeyTerm { until_size: Some(from_size), ..term });
    }
    terms.push(KeyTerm { verifier: successor, from_size, until_size: None });
    Ok(())
}

/// The notes of a list: each is a text and its signature lines, and an empty line is between any two of these.
fn notes(list: &str) -> Result<Vec<String>, SuccessionError> {
    if list.is_empty() {
        return Ok(Vec::new());
    }
    let list = list.strip_suffix('\n').ok_or(SuccessionError::Malformed)?;
    let parts: Vec<&str> = list.splitn(KEY_TERM_COUNT_MAX.saturating_mul(2), "\n\n").collect();
    if KEY_TERM_COUNT_MAX.saturating_mul(2) <= parts.len() {
        return Err(SuccessionError::TooMany);
    }
    let (pairs, rest) = parts.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(SuccessionError::Malformed);
    }
    Ok(pairs.iter().map(|[text, lines]| format!("{text}\n\n{lines}\n")).collect())
}
