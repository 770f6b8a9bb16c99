//! Followers: whoever reads the journal behind the writer, each at its own pace.
//!
//! A follower sees every durable entry in order, at least once. It keeps its own position beside what it makes of the
//! entries; whoever deletes both makes it begin again.

use crate::growth::Growths;
use crate::journal::{JournalFault, Reader};
use crate::limits::{BEHIND_REST_MILLIS_MAX, FOLLOW_FRAMES_MAX, FOLLOW_REST_MILLIS};
use crate::schedule::stand_back_this_thread;
use book::Seq;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What a follower does with entries.
pub trait Follower: Send {
    /// What it is called in logs and metrics.
    fn name(&self) -> &'static str;

    /// Told before anything else where the hashes of the latest frames are.
    fn begin(&mut self, _growths: Growths) {}

    /// The place of the next entry it wants.
    fn position(&self) -> Seq;

    /// Whether it may take processor time that payments could use.
    fn pace(&self) -> Pace {
        Pace::Ordinary
    }

    /// Takes entries in order; the first has place `first`, which may lie before what was handled last.
    ///
    /// # Errors
    /// [`FollowerFault`] where it should be tried again, from [`Follower::position`].
    fn handle(&mut self, first: Seq, entries: &[&[u8]]) -> Result<(), FollowerFault>;
}

/// How a follower shares the processors with whoever pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Like every other thread.
    Ordinary,
    /// Behind them: it may lag while they have much to do.
    Behind,
}

impl Pace {
    /// How long to rest after work that took `took`, when there was not much of it.
    fn rest(self, took: Duration) -> Duration {
        let least = Duration::from_millis(FOLLOW_REST_MILLIS);
        match self {
            Pace::Ordinary => least,
            // A quarter of a processor, at most, as long as that is enough.
            Pace::Behind => {
                took.saturating_mul(3).clamp(least, Duration::from_millis(BEHIND_REST_MILLIS_MAX))
            }
        }
    }
}

/// Why a follower could not go on.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct FollowerFault(pub String);

impl From<JournalFault> for FollowerFault {
    fn from(fault: JournalFault) -> FollowerFault {
        FollowerFault(fault.to_string())
    }
}

/// How far the journal is, and whether there will be more.
#[derive(Debug, Default)]
pub(crate) struct Tide {
    state: Mutex<(Seq, bool)>,
    changed: Condvar,
}

impl Tide {
    pub(crate) fn rise(&self, next: Seq) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).0 = next;
        self.changed.notify_all();
    }

    pub(crate) fn end(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).1 = true;
        self.changed.notify_all();
    }

    /// Whether there will be no more.
    pub(crate) fn is_over(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).1
    }

    /// Waits for an entry at `from`; false when there will be none.
    pub(crate) fn wait(&self, from: Seq) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while state.0 <= from && !state.1 {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        from < state.0
    }

    /// Rests between two tries; false when there will be nothing more to try for.
    fn rest(&self, rest: Duration) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (state, _) = self.changed.wait_timeout(state, rest).unwrap_or_else(PoisonError::into_inner);
        !state.1
    }
}

/// Where every follower stands: by name, the place of the next entry it wants.
pub type Positions = Arc<Mutex<Vec<(&'static str, Seq)>>>;

/// Starts a thread that feeds `follower` until the journal ends.
pub(crate) fn follow(
    mut follower: Box<dyn Follower>,
    journal: Reader,
    tide: Arc<Tide>,
    positions: Positions,
    report: fn(&'static str, &FollowerFault),
) -> std::io::Result<JoinHandle<()>> {
    let name = follower.name();
    std::thread::Builder::new().name(format!("follow-{name}")).spawn(move || {
        if follower.pace() == Pace::Behind {
            stand_back_this_thread();
        }
        while tide.wait(follower.position()) {
            let began = Instant::now();
            match feed(follower.as_mut(), &journal) {
                Ok(frames) => {
                    let mut positions = positions.lock().unwrap_or_else(PoisonError::into_inner);
                    let position = follower.position();
                    match positions.iter_mut().find(|(known, _)| *known == name) {
                        Some(known) => known.1 = position,
                        None => positions.push((name, position)),
                    }
                    drop(positions);
                    // To be woken for every commit costs more than the entries do. What comes meanwhile comes together.
                    if frames < FOLLOW_FRAMES_MAX {
                        std::thread::sleep(follower.pace().rest(began.elapsed()));
                    }
                }
                Err(fault) => {
                    report(name, &fault);
                    if !tide.rest(Duration::from_secs(1)) {
                        return;
                    }
                }
            }
        }
    })
}

/// Answers how many frames there were.
fn feed(follower: &mut dyn Follower, journal: &Reader) -> Result<u32, FollowerFault> {
    let from = follower.position();
    let frames = journal.frames(from, FOLLOW_FRAMES_MAX)?;
    let entries: Vec<(Seq, &[u8])> =
        frames.iter().flat_map(|frame| frame.entries()).skip_while(|(seq, _)| *seq < from).collect();
    let Some((first, _)) = entries.first() else {
        return Ok(0);
    };
    let bytes: Vec<&[u8]> = entries.iter().map(|(_, bytes)| *bytes).collect();
    follower.handle(*first, &bytes)?;
    Ok(u32::try_from(frames.len()).unwrap_or(FOLLOW_FRAMES_MAX))
}
