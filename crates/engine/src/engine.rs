//! The engine: a writer in threads of its own, a bounded queue before it, and followers behind it.

use crate::clock::Clock;
use crate::follower::{Follower, FollowerFault, Positions, Tide, follow};
use crate::journal::{BookId, Journal, JournalFault, Reader};
use crate::limits::{
    AHEAD_COMMANDS_MIN, GATHER_COMMANDS_MIN, GATHER_MICROS, GATHERS_MAX, IDLE_MILLIS_MAX, WRITER_THREADS,
};
use crate::queue::{Come, Queue, Waiting, Work};
use crate::schedule::{Scheduling, hurry_this_thread};
use crate::snapshot::keeper::Keeper;
use crate::snapshot::{Beside, Snapshots};
use crate::writer::{Answer, Batch, Commit, Decider, RecoveryError, Room, Scribe, Stepdown, Unit, Writer};
use book::{Book, Seq};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// The promise of an answer. It fails where the process could not learn what became of the request: the same request
/// under the same ids finds out.
pub type Ticket = oneshot::Receiver<Answer>;

/// Why a request was not taken. Nothing was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Busy {
    /// Too many requests wait.
    #[error("too many requests wait")]
    Full,
    /// The writer has stopped.
    #[error("the writer has stopped")]
    Stopped,
}

/// What an engine needs to run.
pub struct Options {
    /// What time it is.
    pub clock: Arc<Clock>,
    /// Those who read the journal behind the writer.
    pub followers: Vec<Box<dyn Follower>>,
    /// Told when the writer had to stop; the process should end, and find out by starting again.
    pub stopped: Box<dyn Fn(&Stepdown) + Send>,
    /// Told when a follower fails; it is tried again.
    pub faulted: fn(&'static str, &FollowerFault),
    /// Told the place up to which the journal was read at the start.
    pub recovering: Box<dyn FnMut(Seq) + Send>,
    /// The requests that may wait for the writer; one more is answered as busy.
    pub queue_units_max: usize,
    /// What is kept in memory beside the book: it knows every entry once the engine has started.
    pub beside: Arc<dyn Beside>,
    /// Where a snapshot is kept, which a start begins with. None reads the whole journal.
    pub snapshots: Option<Snapshots>,
}

/// Where the entries of a book came from at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// So many a snapshot stood for.
    pub from_snapshot: u64,
    /// So many were read.
    pub replayed: u64,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("clock", &self.clock).finish_non_exhaustive()
    }
}

/// A running book. Dropping it finishes what waits, then stops the writer and the followers.
#[derive(Debug)]
pub struct Engine {
    queue: Arc<Queue>,
    journal: Reader,
    tide: Arc<Tide>,
    positions: Positions,
    scheduling: Arc<Mutex<Option<Scheduling>>>,
    writers: Vec<JoinHandle<()>>,
    followers: Vec<JoinHandle<()>>,
    saving: Option<Saving>,
    recovered: Recovered,
}

impl Engine {
    /// Recovers the book from `journal` and begins to take requests.
    ///
    /// # Errors
    /// [`RecoveryError`] where the journal cannot be read or contradicts itself.
    pub fn start<J: Journal + 'static>(
        id: BookId,
        journal: J,
        mut options: Options,
    ) -> Result<Engine, RecoveryError> {
        let beside = options.beside.clone();
        let keeper = options.snapshots.take().map(|snapshots| Arc::new(Keeper { id, snapshots, beside }));
        let (writer, recovered) = recover(id, journal, keeper.as_deref(), &mut options)?;
        let next = writer.book().head().seq;
        let Writer { decider, scribe, .. } = writer;
        let reader = scribe.reader();
        let tide = Arc::new(Tide::default());
        tide.rise(next);
        let positions = Positions::default();
        let (mut writers, mut followers) = (Vec::new(), Vec::new());
        for mut follower in options.followers {
            follower.begin(scribe.growths().clone());
            let (tide, positions) = (tide.clone(), positions.clone());
            let thread = follow(follower, reader.clone(), tide, positions, options.faulted);
            followers.push(thread.map_err(JournalFault::Storage)?);
        }
        if let Some(keeper) = &keeper {
            let newest = if keeper.is_due(recovered.replayed) { next } else { Seq(recovered.from_snapshot) };
            let thread = keeper.clone().renew_behind(reader.clone(), tide.clone(), newest);
            followers.push(thread.map_err(JournalFault::Storage)?);
        }
        let queue = Arc::new(Queue::new(options.queue_units_max));
        let scheduling = Arc::new(Mutex::new(None));
        let lead = Arc::new(Lead {
            queue: queue.clone(),
            turn: Mutex::new(Turn { decider, last: (Instant::now(), 0) }),
            scribe: Mutex::new(scribe),
            clock: options.clock,
            tide: tide.clone(),
            stopped: Mutex::new(Some(options.stopped)),
        });
        for number in 1..=WRITER_THREADS {
            let (lead, class) = (lead.clone(), scheduling.clone());
            let lead = move || {
                if let Ok(mut class) = class.lock() {
                    *class = Some(hurry_this_thread());
                }
                let _end = Ending(&lead.queue);
                lead.run(Batch::new(id, next));
            };
            let thread = std::thread::Builder::new().name(format!("writer-{number}")).spawn(lead);
            writers.push(thread.map_err(JournalFault::Storage)?);
        }
        let saving = keeper.map(|keeper| Saving(Box::new(move || lead.save(&keeper))));
        Ok(Engine {
            queue,
            journal: reader,
            tide,
            positions,
            scheduling,
            writers,
            followers,
            saving,
            recovered,
        })
    }

    /// Puts a request into the queue.
    ///
    /// # Errors
    /// [`Busy`] where it was not taken.
    pub fn submit(&self, unit: Unit) -> Result<Ticket, Busy> {
        let (reply, ticket) = oneshot::channel();
        self.queue.push(Work { unit, reply })?;
        Ok(ticket)
    }

    /// The canonical bytes of one entry, or none where there is no such entry yet.
    ///
    /// # Errors
    /// [`JournalFault`] where the journal cannot be read.
    pub fn entry(&self, seq: Seq) -> Result<Option<Vec<u8>>, JournalFault> {
        let frames = self.journal.frames(seq, 1)?;
        let mut entries = frames.iter().flat_map(|frame| frame.entries());
        Ok(entries.find(|(found, _)| *found == seq).map(|(_, bytes)| bytes.to_vec()))
    }

    /// How many entries are durable.
    pub fn size(&self) -> u64 {
        self.journal.next().0
    }

    /// The journal, to read.
    pub fn journal(&self) -> Reader {
        self.journal.clone()
    }

    /// Where the entries came from at the start.
    pub fn recovered(&self) -> Recovered {
        self.recovered
    }

    /// Where every follower stands.
    pub fn positions(&self) -> Positions {
        self.positions.clone()
    }

    /// How the writer's thread is scheduled, once it runs.
    pub fn scheduling(&self) -> Option<Scheduling> {
        self.scheduling.lock().ok().and_then(|class| *class)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.queue.close();
        for writer in self.writers.drain(..) {
            // A thread that panicked has said so already.
            let _ = writer.join();
        }
        self.tide.end();
        for follower in self.followers.drain(..) {
            let _ = follower.join();
        }
        // Last: by now, what is kept beside the book has learnt from every entry.
        if let Some(Saving(save)) = self.saving.take() {
            save();
        }
    }
}

/// What the writer's threads share. Each takes its turn to decide a batch, and gives the turn away when it has the journal,
/// so that batches reach the journal in the order they were decided while the next is being decided already.
struct Lead<J> {
    queue: Arc<Queue>,
    turn: Mutex<Turn>,
    scribe: Mutex<Scribe<J>>,
    clock: Arc<Clock>,
    tide: Arc<Tide>,
    /// Told once.
    stopped: Mutex<Option<Stopped>>,
}

/// Writes a snapshot once everything has stopped.
struct Saving(Box<dyn FnOnce() + Send + Sync>);

impl fmt::Debug for Saving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Saving")
    }
}

/// Who is told why the writer has stopped.
type Stopped = Box<dyn Fn(&Stepdown) + Send>;

struct Turn {
    decider: Decider,
    /// When the last batch was complete, and the commands in it.
    last: (Instant, usize),
}

impl Turn {
    /// Waits for more where requests come thick and fast, and for as long as they do: a commit costs the processors as much
    /// as several requests, and takes them away from whoever reads the next one.
    fn gather(&self, queue: &Queue, waiting: &mut Waiting) {
        let gather = Duration::from_micros(GATHER_MICROS);
        let (at, commands) = self.last;
        let brisk = u32::try_from(commands).unwrap_or(u32::MAX) / GATHER_COMMANDS_MIN;
        if gather.saturating_mul(brisk) < at.elapsed() {
            return;
        }
        for _ in 0..GATHERS_MAX {
            let before = waiting.commands;
            if AHEAD_COMMANDS_MIN <= before {
                return;
            }
            std::thread::sleep(gather);
            queue.take(waiting);
            if waiting.commands == before {
                return;
            }
        }
    }
}

impl<J: Journal> Lead<J> {
    /// Takes turns until there is nothing more to come, or the journal fails.
    fn run(&self, mut batch: Batch) {
        loop {
            match self.take_turn(&mut batch) {
                Ok(true) => {}
                Ok(false) => break,
                Err(stepdown) => {
                    // Whatever is durable is known to the followers already.
                    self.tide.end();
                    let stopped = self.stopped.lock().ok().and_then(|mut stopped| stopped.take());
                    if let Some(stopped) = stopped {
                        stopped(&stepdown);
                    }
                    break;
                }
            }
        }
    }

    /// Writes a snapshot, if everything that was decided is durable.
    fn save(&self, keeper: &Keeper) {
        let (Ok(turn), Ok(scribe)) = (self.turn.lock(), self.scribe.lock()) else { return };
        let book = &turn.decider.book;
        if let Some(frontier) = scribe.frontier().filter(|frontier| frontier.size() == book.head().seq.0) {
            keeper.save(book, frontier);
        }
    }

    /// Decides what waits, makes it durable, and answers. False once nobody can ask any more.
    fn take_turn(&self, batch: &mut Batch) -> Result<bool, Stepdown> {
        let mut turn = self.turn.lock().map_err(|_| gone())?;
        let mut waiting = Waiting::default();
        if self.queue.wait(until_due(&turn.decider.book, &self.clock)) == Come::Over {
            return Ok(false);
        }
        self.queue.take(&mut waiting);
        turn.gather(&self.queue, &mut waiting);
        if waiting.commands < AHEAD_COMMANDS_MIN {
            drop(self.scribe()?);
            self.queue.take(&mut waiting);
        }
        turn.last = (Instant::now(), waiting.commands);
        let answers = turn.decider.decide(self.clock.now(), &waiting.units, batch, &mut &self.scribe)?;
        let next = turn.decider.book.head().seq;
        let mut scribe = self.scribe()?;
        drop(turn);
        scribe.commit(batch)?;
        self.tide.rise(next);
        drop(scribe);
        for (reply, answer) in waiting.replies.into_iter().zip(answers) {
            // Whoever asked may have gone; what was decided stands.
            let _ = reply.send(answer);
        }
        Ok(true)
    }

    fn scribe(&self) -> Result<MutexGuard<'_, Scribe<J>>, Stepdown> {
        self.scribe.lock().map_err(|_| gone())
    }
}

/// The other thread panicked.
fn gone() -> Stepdown {
    Stepdown::Journal(JournalFault::Stopped)
}

/// However a writer's thread ends, nobody waits for it.
struct Ending<'a>(&'a Queue);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

impl<J: Journal> Commit for &Mutex<Scribe<J>> {
    fn commit(&mut self, batch: &mut Batch) -> Result<(), Stepdown> {
        self.lock().map_err(|_| Stepdown::Journal(JournalFault::Stopped))?.commit(batch)
    }

    fn room(&mut self, wanted: usize) -> Room {
        self.lock().map_or(Room::default(), |mut scribe| scribe.room(wanted))
    }

    fn room_now(&mut self, wanted: usize) -> Option<Room> {
        self.try_lock().ok().map(|mut scribe| scribe.room(wanted))
    }
}

/// The book of a journal, and how much of it came from a snapshot. Where much was read, the next start need not.
fn recover<J: Journal>(
    id: BookId,
    journal: J,
    keeper: Option<&Keeper>,
    options: &mut Options,
) -> Result<(Writer<J>, Recovered), RecoveryError> {
    let Options { recovering, beside, .. } = options;
    let restored = keeper.and_then(|keeper| keeper.begin(journal.reader().as_ref())).unwrap_or_default();
    let from_snapshot = restored.frontier.size();
    recovering(Seq(from_snapshot));
    let writer = Writer::recover_restored(restored, id, journal, recovering, |entry| beside.learn(entry))?;
    let replayed = writer.book().head().seq.0.saturating_sub(from_snapshot);
    if let (Some(keeper), Some(frontier)) = (keeper, writer.scribe.frontier())
        && keeper.is_due(replayed)
    {
        keeper.save(writer.book(), frontier);
    }
    Ok((writer, Recovered { from_snapshot, replayed }))
}

/// How long there is nothing to do where nobody asks anything.
fn until_due(book: &Book, clock: &Clock) -> Option<Duration> {
    let nanos = book.next_due()?.0.saturating_sub(clock.now().0);
    // The clock may be put forward meanwhile: look again soon.
    Some(Duration::from_nanos(nanos).min(Duration::from_millis(IDLE_MILLIS_MAX)))
}
