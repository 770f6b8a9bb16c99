//! The writer: decides a batch, makes it durable, and only then lets anybody know.
//!
//! The batch is whatever came while the last one was being decided, and for a moment longer where requests come fast. A writer
//! has two halves, so that one batch may be decided while the one before it is hashed and synced: [`Decider`] has the book to
//! itself, [`Scribe`] the journal. Time is an argument, so that a simulation can own it.

use crate::growth::{Growth, Growths};
use crate::journal::{Appended, BookId, Frame, Journal, JournalFault, Purpose};
use crate::limits::{BATCH_COMMANDS_MAX as FRAME_COMMANDS, FORESIGHT_COMMANDS};
use crate::snapshot::{self, Restored};
use book::{Action, Book, Command, Decision, Entry, Seq, Time, Verdict};
use evidence::{Frontier, Hash};
use std::io::{self, Write};
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

/// A book and its journal: what decides, and what makes durable what was decided.
#[derive(Debug)]
pub struct Writer<J> {
    pub(crate) decider: Decider,
    pub(crate) scribe: Scribe<J>,
    pub(crate) batch: Batch,
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
    /// A snapshot that is not to be believed. The journal alone is enough.
    #[error(transparent)]
    Snapshot(#[from] crate::snapshot::SnapshotFault),
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
        Writer::recover_restored(Restored::default(), id, journal, progress, |_| ())
    }

    /// The same from a snapshot of this journal, so that only what came later is read; each entry of that is told to
    /// somebody who keeps what they want of it.
    ///
    /// # Errors
    /// [`RecoveryError`] where the journal cannot be read or contradicts itself.
    pub fn recover_restored(
        restored: Restored,
        id: BookId,
        journal: J,
        progress: impl FnMut(Seq),
        learn: impl FnMut(&Entry),
    ) -> Result<Writer<J>, RecoveryError> {
        let Restored { book, frontier, .. } = restored;
        let (book, frontier) =
            crate::recovery::recover(book, frontier, journal.reader().as_ref(), progress, learn)?;
        let batch = Batch::new(id, book.head().seq);
        let decider = Decider { book, entry: Vec::new(), room: Room::default(), is_full: false };
        Ok(Writer { decider, scribe: Scribe::new(journal, frontier), batch })
    }

    /// Writes a snapshot of the book as it stands.
    ///
    /// # Errors
    /// Those of `into`.
    pub fn save(&self, id: BookId, into: &mut impl Write) -> io::Result<()> {
        snapshot::write(id, &self.decider.book, &self.scribe.frontier, &[], into)
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
        let mut empty = Restored::default();
        empty.book.plant(planted);
        let mut writer = Writer::recover_restored(empty, id, journal, |_| (), |_| ())?;
        writer.scribe.sabotage = planted;
        Ok(writer)
    }

    /// The book as it stands.
    pub fn book(&self) -> &Book {
        &self.decider.book
    }

    /// The Merkle root over all entries that were made durable.
    pub fn root(&self) -> Hash {
        self.scribe.frontier.root()
    }

    /// The journal.
    pub fn journal(&self) -> &J {
        &self.scribe.journal
    }

    /// Gives the journal back.
    pub fn into_journal(self) -> J {
        self.scribe.journal
    }

    /// Executes what the passing of time brings by `now`, then `units`, and answers once all of it is durable.
    ///
    /// # Errors
    /// [`Stepdown`] where it may not be. Nobody may then be told anything.
    pub fn run(&mut self, now: Time, units: &[Unit]) -> Result<Vec<Answer>, Stepdown> {
        let answers = self.decider.decide(now, units, &mut self.batch, &mut self.scribe)?;
        self.scribe.commit(&mut self.batch)?;
        Ok(answers)
    }
}

/// What was decided and is not durable yet: at most one frame.
#[derive(Debug)]
pub(crate) struct Batch {
    frame: Frame,
    purpose: Purpose,
}

impl Batch {
    pub(crate) fn new(id: BookId, first: Seq) -> Batch {
        Batch { frame: Frame::after(id, first), purpose: Purpose::Ordinary }
    }
}

/// How many bytes of frames each purpose may still append.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Room {
    ordinary: usize,
    closing: usize,
}

impl Room {
    /// The most that an entry of that purpose may take.
    fn of(self, purpose: Purpose) -> usize {
        match purpose {
            Purpose::Ordinary => self.ordinary,
            Purpose::Closing => self.ordinary.max(self.closing),
        }
    }
}

/// What makes batches durable, in the order they were decided.
#[derive(Debug)]
pub(crate) struct Scribe<J> {
    journal: J,
    frontier: Frontier,
    /// A batch was lost or may be: what was decided behind it must not reach the journal.
    stopped: bool,
    /// What each frame added to the log, for the followers.
    growths: Growths,
    #[cfg(feature = "sabotage")]
    sabotage: Option<book::sabotage::Sabotage>,
}

impl<J: Journal> Scribe<J> {
    fn new(journal: J, frontier: Frontier) -> Scribe<J> {
        Scribe {
            journal,
            frontier,
            stopped: false,
            growths: Growths::default(),
            #[cfg(feature = "sabotage")]
            sabotage: None,
        }
    }

    /// Where followers are told what each frame adds to the log.
    pub(crate) fn growths(&self) -> &Growths {
        &self.growths
    }

    /// What was made durable, unless the journal failed: nobody knows then.
    pub(crate) fn frontier(&self) -> Option<&Frontier> {
        (!self.stopped).then_some(&self.frontier)
    }

    pub(crate) fn reader(&self) -> crate::journal::Reader {
        self.journal.reader()
    }
}

/// Whoever a decider asks to make durable what it decided.
pub(crate) trait Commit {
    /// Makes durable what `batch` holds, and empties it.
    fn commit(&mut self, batch: &mut Batch) -> Result<(), Stepdown>;

    /// How much may be appended behind everything that was decided, after trying to make it at least `wanted` bytes.
    fn room(&mut self, wanted: usize) -> Room;

    /// The same where that needs no waiting.
    fn room_now(&mut self, wanted: usize) -> Option<Room>;
}

impl<J: Journal> Commit for Scribe<J> {
    fn commit(&mut self, batch: &mut Batch) -> Result<(), Stepdown> {
        if batch.frame.count() == 0 {
            return Ok(());
        }
        if std::mem::replace(&mut self.stopped, true) {
            return Err(Stepdown::Journal(JournalFault::Stopped));
        }
        let entries = batch.frame.entries().map(|(_, entry)| entry);
        let growth = Growth::of(self.frontier.clone(), entries);
        self.frontier = growth.after.clone();
        batch.frame.seal(self.frontier.root().0);
        match self.journal.append(&batch.frame, batch.purpose) {
            Appended::Durable => {}
            #[cfg(feature = "sabotage")]
            Appended::Unknown(_) if self.sabotage == Some(book::sabotage::Sabotage::AckBeforeSync) => {}
            #[cfg(feature = "sabotage")]
            Appended::Fenced if self.sabotage == Some(book::sabotage::Sabotage::NotFenced) => {}
            Appended::Fenced => return Err(Stepdown::Fenced),
            Appended::Unknown(fault) => return Err(Stepdown::Journal(fault)),
            // The room was there a moment ago; memory is ahead of the journal now.
            Appended::Full => return Err(Stepdown::Journal(JournalFault::Stopped)),
        }
        self.stopped = false;
        self.growths.push(growth);
        batch.frame.clear(batch.frame.next());
        batch.purpose = Purpose::Ordinary;
        Ok(())
    }

    fn room(&mut self, wanted: usize) -> Room {
        let ordinary = self.journal.room(wanted, Purpose::Ordinary);
        Room { ordinary, closing: self.journal.room(wanted, Purpose::Closing) }
    }

    fn room_now(&mut self, wanted: usize) -> Option<Room> {
        Some(self.room(wanted))
    }
}

/// The book, and what it takes to write its entries down.
#[derive(Debug)]
pub(crate) struct Decider {
    pub(crate) book: Book,
    entry: Vec<u8>,
    room: Room,
    /// The disk had no more room for this batch: each further try would cost a sync.
    is_full: bool,
}

impl Decider {
    /// Decides what the passing of time brings by `now`, then `units`, into `batch`. A full batch is committed on the
    /// way; what is left in it may not be answered before it is, too.
    pub(crate) fn decide(
        &mut self,
        now: Time,
        units: &[Unit],
        batch: &mut Batch,
        commit: &mut impl Commit,
    ) -> Result<Vec<Answer>, Stepdown> {
        let commands = units.iter().fold(0usize, |sum, unit| sum.saturating_add(unit.len()));
        #[cfg(feature = "sabotage")]
        self.book.end_batch();
        batch.frame.clear(self.book.head().seq);
        let wanted = wanted(commands.min(FRAME_COMMANDS));
        self.room = commit.room_now(wanted).unwrap_or(self.room);
        self.is_full = false;
        while let Some(due) = self.book.due(now) {
            // What cannot be recorded now, for want of space, is still due the next time.
            if !matches!(self.execute(now, &due, batch, commit)?, Ok(Verdict::Record(..))) {
                break;
            }
        }
        let mut answers = Vec::with_capacity(units.len());
        let mut foreseen = 0;
        for (unit, number) in units.iter().zip(0usize..) {
            if foreseen <= number {
                foreseen = number.saturating_add(self.foresee(units.get(number..).unwrap_or_default()));
            }
            let mut answer = Vec::with_capacity(unit.len());
            for command in unit {
                match stopped(unit, &answer) {
                    Some(stop) => answer.push(stop),
                    None => answer.push(self.execute(now, command, batch, commit)?),
                }
            }
            answers.push(answer);
        }
        Ok(answers)
    }

    /// Reads what the next units will ask for, and says how many it looked at.
    fn foresee(&self, units: &[Unit]) -> usize {
        let mut commands = Vec::with_capacity(FORESIGHT_COMMANDS.saturating_mul(2));
        let mut count: usize = 0;
        for unit in units {
            if FORESIGHT_COMMANDS <= commands.len() {
                break;
            }
            commands.extend(unit);
            count = count.saturating_add(1);
        }
        if 1 < commands.len() {
            self.book.foresee(&commands);
        }
        count
    }

    fn execute(
        &mut self,
        now: Time,
        command: &Command,
        batch: &mut Batch,
        commit: &mut impl Commit,
    ) -> Result<Result<Verdict, Fault>, Stepdown> {
        // Deciding only reads, so that a rule which fails has changed nothing.
        let Ok(decided) = catch_unwind(AssertUnwindSafe(|| self.book.decide(now, command))) else {
            return Ok(Err(Fault::Panicked));
        };
        if matches!(decided.decision(), Decision::Record(_)) {
            if !batch.frame.has_room() {
                commit.commit(batch)?;
                self.room = commit.room(wanted(FRAME_COMMANDS));
            }
            self.entry.clear();
            self.book.write(&decided, command, &mut self.entry);
            let purpose = if command.action.closes() { Purpose::Closing } else { Purpose::Ordinary };
            if !self.take(purpose, batch, commit)? {
                return Ok(Err(Fault::Full));
            }
            batch.frame.push(&self.entry);
        }
        Ok(Ok(self.book.record(decided, command)))
    }

    /// Takes room for the entry that was written, if there is any for its purpose.
    fn take(
        &mut self,
        purpose: Purpose,
        batch: &mut Batch,
        commit: &mut impl Commit,
    ) -> Result<bool, Stepdown> {
        // The frame's header, the entry's length, and what the frame is filled up with.
        let bytes = self.entry.len().saturating_add(256);
        if self.room.of(purpose) < bytes && !self.is_full {
            commit.commit(batch)?;
            self.room = commit.room(wanted(FRAME_COMMANDS));
            self.is_full = self.room.of(purpose) < bytes;
        }
        if bytes <= self.room.ordinary {
            self.room.ordinary = self.room.ordinary.saturating_sub(bytes);
            self.room.closing = self.room.closing.saturating_sub(bytes);
            return Ok(true);
        }
        if purpose == Purpose::Closing && bytes <= self.room.closing {
            batch.purpose = Purpose::Closing;
            self.room.closing = self.room.closing.saturating_sub(bytes);
            return Ok(true);
        }
        Ok(false)
    }
}

/// The bytes that so many commands need, by rule of thumb.
fn wanted(commands: usize) -> usize {
    commands.saturating_add(1).saturating_mul(512)
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
