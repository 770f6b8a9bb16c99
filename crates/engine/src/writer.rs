//! The writer: decides a batch, makes it durable, and only then lets anybody know.
//!
//! It has the book to itself. The batch is whatever came while the last one was being synced; there is no timer and
//! nothing to tune. Time is an argument, so that a simulation can own it.

use crate::journal::{Appended, BookId, Frame, Journal, JournalFault, Purpose};
use crate::limits::BATCH_COMMANDS_MAX as FRAME_COMMANDS;
use book::{Action, Book, Command, Decision, Entry, Seq, Time, Verdict};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A request: commands that were authenticated together.
///
/// Where the first is a [`Present`](book::Present) that is not recorded as done, the rest is not executed.
pub type Unit = Vec<Command>;

/// What came of each command of a unit, in order.
pub type Answer = Vec<Result<Verdict, Fault>>;

/// What is our fault, and no word about the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The disk is nearly full: only what ends something is taken. Nothing was recorded.
    #[error("the disk is full")]
    Full,
    /// A rule failed on this request. Nothing was recorded.
    #[error("a rule failed")]
    Panicked,
}

/// The book in memory is ahead of the journal, or may be: drop both, and find out by opening the journal again.
#[derive(Debug, thiserror::Error)]
pub enum Stepdown {
    /// Somebody else leads this book.
    #[error("another process leads this book")]
    Fenced,
    /// Nobody knows whether the last batch is in the journal.
    #[error("the journal failed: {0}")]
    Journal(#[from] JournalFault),
}

/// A book and its journal.
#[derive(Debug)]
pub struct Writer<J> {
    book: Book,
    journal: J,
    frame: Frame,
    entry: Vec<u8>,
}

/// A journal that does not fit the book's rules.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// A journal that cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalFault),
    /// A journal that can be read and is wrong.
    #[error("entry `{}` of the journal is wrong: {why}", .at.0)]
    Entry {
        /// Its place.
        at: Seq,
        /// How.
        why: book::ReplayError,
    },
    /// Entries that are not the ones that were written.
    #[error("the entries before `{}` do not have the root that was written behind them", .before.0)]
    Root {
        /// The place behind the last of them.
        before: Seq,
    },
}

impl<J: Journal> Writer<J> {
    /// A writer over what `journal` holds: reads all of it, and checks it against the roots in it.
    ///
    /// # Errors
    /// [`RecoveryError`] where the journal cannot be read or contradicts itself.
    pub fn recover(id: BookId, journal: J, progress: impl FnMut(Seq)) -> Result<Writer<J>, RecoveryError> {
        Writer::recover_telling(id, journal, progress, |_| ())
    }

    /// The same, and tells each entry to somebody who keeps what they want of it.
    ///
    /// # Errors
    /// [`RecoveryError`] where the journal cannot be read or contradicts itself.
    pub fn recover_telling(
        id: BookId,
        journal: J,
        progress: impl FnMut(Seq),
        learn: impl FnMut(&Entry),
    ) -> Result<Writer<J>, RecoveryError> {
        let book = crate::recovery::recover(Book::default(), journal.reader().as_ref(), progress, learn)?;
        let frame = Frame::after(id, book.head().seq);
        Ok(Writer { book, journal, frame, entry: Vec::new() })
    }

    /// The same with a bug in the book or its writer.
    ///
    /// # Errors
    /// [`RecoveryError`] where the journal cannot be read or contradicts itself.
    #[cfg(feature = "sabotage")]
    pub fn recover_sabotaged(
        id: BookId,
        journal: J,
        planted: Option<book::sabotage::Sabotage>,
    ) -> Result<Writer<J>, RecoveryError> {
        let mut book = Book::default();
        book.plant(planted);
        let book = crate::recovery::recover(book, journal.reader().as_ref(), |_| (), |_| ())?;
        let frame = Frame::after(id, book.head().seq);
        Ok(Writer { book, journal, frame, entry: Vec::new() })
    }

    /// The book as it stands.
    pub fn book(&self) -> &Book {
        &self.book
    }

    /// The journal.
    pub fn journal(&self) -> &J {
        &self.journal
    }

    /// Gives the journal back.
    pub fn into_journal(self) -> J {
        self.journal
    }

    /// Executes what the passing of time brings by `now`, then `units`, and answers once all of it is durable.
    ///
    /// # Errors
    /// [`Stepdown`] where it may not be. Nobody may then be told anything.
    pub fn run(&mut self, now: Time, units: &[Unit]) -> Result<Vec<Answer>, Stepdown> {
        let commands = units.iter().fold(0usize, |sum, unit| sum.saturating_add(unit.len()));
        #[cfg(feature = "sabotage")]
        self.book.end_batch();
        let mut batch = Batch::new(&mut self.journal, commands);
        let writer = &mut Pen { book: &mut self.book, frame: &mut self.frame, entry: &mut self.entry };
        writer.frame.clear(writer.book.head().seq);
        while let Some(due) = writer.book.due(now) {
            // What cannot be recorded now, for want of space, is still due the next time.
            if !matches!(writer.execute(now, &due, &mut batch)?, Ok(Verdict::Record(..))) {
                break;
            }
        }
        let mut answers = Vec::with_capacity(units.len());
        for unit in units {
            let mut answer = Vec::with_capacity(unit.len());
            for command in unit {
                match stopped(unit, &answer) {
                    Some(stop) => answer.push(stop),
                    None => answer.push(writer.execute(now, command, &mut batch)?),
                }
            }
            answers.push(answer);
        }
        writer.flush(&mut batch)?;
        Ok(answers)
    }
}

/// The verdict that stops a unit, where its first command presented the request in vain.
fn stopped(unit: &Unit, answer: &Answer) -> Option<Result<Verdict, Fault>> {
    if !matches!(unit.first()?.action, Action::Present(_)) {
        return None;
    }
    match answer.first()? {
        Ok(Verdict::Record(_, book::Outcome::Done)) => None,
        stop => Some(stop.clone()),
    }
}

/// What a batch may still write.
struct Batch<'a, J> {
    journal: &'a mut J,
    ordinary: usize,
    closing: usize,
    purpose: Purpose,
}

impl<'a, J: Journal> Batch<'a, J> {
    fn new(journal: &'a mut J, commands: usize) -> Batch<'a, J> {
        let mut batch = Batch { journal, ordinary: 0, closing: 0, purpose: Purpose::Ordinary };
        batch.look(commands.min(FRAME_COMMANDS));
        batch
    }

    fn look(&mut self, commands: usize) {
        let wanted = commands.saturating_add(1).saturating_mul(512);
        self.ordinary = self.journal.room(wanted, Purpose::Ordinary);
        self.closing = self.journal.room(wanted, Purpose::Closing);
    }

    /// Takes room for an entry of `bytes`, if there is any for its purpose.
    fn take(&mut self, bytes: usize, purpose: Purpose) -> bool {
        // The frame's header, the entry's length, and what the frame is filled up with.
        let bytes = bytes.saturating_add(256);
        if bytes <= self.ordinary {
            self.ordinary = self.ordinary.saturating_sub(bytes);
            self.closing = self.closing.saturating_sub(bytes);
            return true;
        }
        if purpose == Purpose::Closing && bytes <= self.closing {
            self.purpose = Purpose::Closing;
            self.closing = self.closing.saturating_sub(bytes);
            return true;
        }
        false
    }
}

/// What writes entries: the book and the frame they go into.
struct Pen<'a> {
    book: &'a mut Book,
    frame: &'a mut Frame,
    entry: &'a mut Vec<u8>,
}

impl Pen<'_> {
    fn execute<J: Journal>(
        &mut self,
        now: Time,
        command: &Command,
        batch: &mut Batch<'_, J>,
    ) -> Result<Result<Verdict, Fault>, Stepdown> {
        // Deciding only reads, so that a rule which fails has changed nothing.
        let Ok(decided) = catch_unwind(AssertUnwindSafe(|| self.book.decide(now, command))) else {
            return Ok(Err(Fault::Panicked));
        };
        if matches!(decided.decision(), Decision::Record(_)) {
            if !self.frame.has_room() {
                self.flush(batch)?;
                batch.look(FRAME_COMMANDS);
            }
            self.entry.clear();
            self.book.write(&decided, command, self.entry);
            let purpose = if command.action.closes() { Purpose::Closing } else { Purpose::Ordinary };
            if !batch.take(self.entry.len(), purpose) {
                return Ok(Err(Fault::Full));
            }
            self.frame.push(self.entry);
        }
        Ok(Ok(self.book.record(decided, command, self.entry)))
    }

    /// Makes durable what the frame holds.
    fn flush<J: Journal>(&mut self, batch: &mut Batch<'_, J>) -> Result<(), Stepdown> {
        if self.frame.count() == 0 {
            return Ok(());
        }
        self.frame.seal(self.book.root().0);
        match batch.journal.append(self.frame, batch.purpose) {
            Appended::Durable => {}
            #[cfg(feature = "sabotage")]
            Appended::Unknown(_) if self.book.has(book::sabotage::Sabotage::AckBeforeSync) => {}
            #[cfg(feature = "sabotage")]
            Appended::Fenced if self.book.has(book::sabotage::Sabotage::NotFenced) => {}
            Appended::Fenced => return Err(Stepdown::Fenced),
            Appended::Unknown(fault) => return Err(Stepdown::Journal(fault)),
            // The room was there a moment ago; memory is ahead of the journal now.
            Appended::Full => return Err(Stepdown::Journal(JournalFault::Stopped)),
        }
        self.frame.clear(self.book.head().seq);
        batch.purpose = Purpose::Ordinary;
        Ok(())
    }
}
