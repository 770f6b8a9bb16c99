//! Recovery: a book from its journal, at the speed of both processors.
//!
//! One thread reads frames and hashes their entries, the other applies them; after each frame the root that was written
//! behind it must be the root of what was read.

use crate::journal::{Frame, Frames, JournalFault};
use crate::limits::{READ_FRAMES_MAX, RECOVERY_FRAMES_MAX};
use crate::writer::RecoveryError;
use book::{Book, Entry, Seq};
use evidence::{Hash, leaf_hash};
use std::sync::mpsc::sync_channel;

/// Reads the whole journal into a book that is still empty. `progress` is told the place behind each frame, `learn` each
/// entry.
pub(crate) fn recover(
    mut book: Book,
    journal: &dyn Frames,
    mut progress: impl FnMut(Seq),
    mut learn: impl FnMut(&Entry),
) -> Result<Book, RecoveryError> {
    let (send, receive) = sync_channel(RECOVERY_FRAMES_MAX);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut from = Seq(0);
            loop {
                match journal.frames(from, READ_FRAMES_MAX) {
                    Ok(frames) => {
                        let Some(last) = frames.last() else { return };
                        from = last.next();
                        for frame in frames {
                            let leaves = frame.entries().map(|(_, entry)| leaf_hash(entry)).collect();
                            if send.send(Ok((frame, leaves))).is_err() {
                                return;
                            }
                        }
                    }
                    Err(fault) => {
                        // The other side has gone where it found a fault of its own.
                        let _ = send.send(Err(fault));
                        return;
                    }
                }
            }
        });
        for read in receive {
            let (frame, leaves): (Frame, Vec<Hash>) = read.map_err(|fault: JournalFault| fault)?;
            for ((seq, entry), leaf) in frame.entries().zip(leaves) {
                let replayed = book.replay_hashed(entry, leaf);
                learn(&replayed.map_err(|why| RecoveryError::Entry { at: seq, why })?);
            }
            if book.root().0 != frame.root() {
                return Err(RecoveryError::Root { before: frame.next() });
            }
            progress(frame.next());
        }
        Ok(book)
    })
}
