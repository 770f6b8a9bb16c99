//! Recovery: a book from its journal, at the speed of both processors.
//!
//! One thread reads frames, takes their entries apart and compares the root that was written behind each with the root of
//! what was read; the other applies the entries.

use crate::journal::{Frame, Frames};
use crate::limits::{FORESIGHT_COMMANDS, READ_FRAMES_MAX, RECOVERY_FRAMES_MAX};
use crate::writer::RecoveryError;
use book::{Book, Command, Entry, ReplayError, Seq};
use evidence::{Frontier, leaf_hash};
use std::sync::mpsc::sync_channel;

/// Reads what the journal has behind `book` into it; `frontier` is of the entries it has already. `progress` is told the
/// place behind each frame, `learn` each entry.
pub(crate) fn recover(
    mut book: Book,
    frontier: Frontier,
    journal: &dyn Frames,
    mut progress: impl FnMut(Seq),
    mut learn: impl FnMut(&Entry),
) -> Result<(Book, Frontier), RecoveryError> {
    let (send, receive) = sync_channel(RECOVERY_FRAMES_MAX);
    assert_eq!(frontier.size(), book.head().seq.0, "a frontier is of the book's entries");
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || {
            let mut frontier = frontier;
            let mut from = Seq(frontier.size());
            loop {
                let frames = journal.frames(from, READ_FRAMES_MAX)?;
                let Some(last) = frames.last() else { return Ok(frontier) };
                from = last.next();
                for frame in &frames {
                    // The other side has gone where it found a fault of its own.
                    let Ok(()) = send.send(read(frame, &mut frontier)?) else { return Ok(frontier) };
                }
            }
        });
        let applied = receive.into_iter().try_for_each(|entries| {
            apply(&mut book, &entries, &mut learn)?;
            progress(book.head().seq);
            Ok(())
        });
        let read = reader.join().expect("the reader of the journal does not panic");
        applied.and(read).map(|frontier| (book, frontier))
    })
}

/// Applies the next entries to `book`, and tells `learn` each.
pub(crate) fn apply(
    book: &mut Book,
    entries: &[Entry],
    mut learn: impl FnMut(&Entry),
) -> Result<(), RecoveryError> {
    for entries in entries.chunks(FORESIGHT_COMMANDS) {
        let commands: Vec<&Command> = entries.iter().map(|entry| &entry.command).collect();
        book.foresee(&commands);
        for entry in entries {
            book.follow(entry).map_err(|why| RecoveryError::Entry { at: entry.seq, why })?;
            learn(entry);
        }
    }
    Ok(())
}

/// The entries of a frame, whose root is behind `frontier` what the frame says.
pub(crate) fn read(frame: &Frame, frontier: &mut Frontier) -> Result<Vec<Entry>, RecoveryError> {
    let mut entries = Vec::new();
    for (seq, bytes) in frame.entries() {
        frontier.push(leaf_hash(bytes));
        let malformed = |_| RecoveryError::Entry { at: seq, why: ReplayError::Malformed };
        entries.push(Entry::from_bytes(bytes).map_err(malformed)?);
    }
    if frontier.root().0 == frame.root() {
        Ok(entries)
    } else {
        Err(RecoveryError::Root { before: frame.next() })
    }
}
