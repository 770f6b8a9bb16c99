//! The queue before the writer: bounded, and emptied many at a time.
//!
//! Whoever waits here sleeps at once. A writer that runs before everybody else must not spin: it would take the processor from
//! those whose requests it waits for.

use crate::engine::Busy;
use crate::limits::BATCH_COMMANDS_MAX;
use crate::writer::{Answer, Unit};
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// A request, and who waits for its answer.
pub(crate) struct Work {
    pub(crate) unit: Unit,
    pub(crate) reply: oneshot::Sender<Answer>,
}

/// The requests that nobody has begun to decide.
pub(crate) struct Queue {
    state: Mutex<State>,
    came: Condvar,
    units_max: usize,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").field("units_max", &self.units_max).finish_non_exhaustive()
    }
}

struct State {
    works: VecDeque<Work>,
    phase: Phase,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// Nobody asks any more; what waits is still decided.
    Closed,
    /// Nobody decides any more.
    Stopped,
}

/// What waiting was good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Come {
    /// Something waits.
    Something,
    /// Nothing came in time.
    Nothing,
    /// Nothing will come.
    Over,
}

impl Queue {
    pub(crate) fn new(units_max: usize) -> Queue {
        let state = State { works: VecDeque::new(), phase: Phase::Open };
        Queue { state: Mutex::new(state), came: Condvar::new(), units_max }
    }

    /// Puts a request behind the others.
    pub(crate) fn push(&self, work: Work) -> Result<(), Busy> {
        let mut state = self.state();
        if state.phase != Phase::Open {
            return Err(Busy::Stopped);
        }
        if self.units_max <= state.works.len() {
            return Err(Busy::Full);
        }
        state.works.push_back(work);
        let is_first = state.works.len() == 1;
        drop(state);
        // Whoever takes something takes all there is, so that only the first has to wake anybody.
        if is_first {
            self.came.notify_one();
        }
        Ok(())
    }

    /// Sleeps until something waits, or for as long as that.
    pub(crate) fn wait(&self, longest: Option<Duration>) -> Come {
        let until = longest.and_then(|longest| Instant::now().checked_add(longest));
        let mut state = self.state();
        loop {
            if state.phase == Phase::Stopped {
                return Come::Over;
            }
            if !state.works.is_empty() {
                return Come::Something;
            }
            if state.phase == Phase::Closed {
                return Come::Over;
            }
            let Some(until) = until else {
                state = self.came.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Come::Nothing;
            }
            (state, _) = self.came.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes what waits, until the batch is full.
    pub(crate) fn take(&self, batch: &mut Waiting) {
        let mut state = self.state();
        while batch.commands < BATCH_COMMANDS_MAX {
            let Some(work) = state.works.pop_front() else { return };
            batch.take(work);
        }
    }

    /// Nobody asks any more.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        if state.phase == Phase::Open {
            state.phase = Phase::Closed;
        }
        self.came.notify_all();
    }

    /// Nobody decides any more: whoever waits learns that the answer will not come.
    pub(crate) fn stop(&self) {
        let mut state = self.state();
        state.phase = Phase::Stopped;
        let left = std::mem::take(&mut state.works);
        drop(state);
        self.came.notify_all();
        drop(left);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The requests of one batch.
#[derive(Default)]
pub(crate) struct Waiting {
    pub(crate) units: Vec<Unit>,
    pub(crate) replies: Vec<oneshot::Sender<Answer>>,
    pub(crate) commands: usize,
}

impl Waiting {
    fn take(&mut self, work: Work) {
        self.commands = self.commands.saturating_add(work.unit.len().max(1));
        self.units.push(work.unit);
        self.replies.push(work.reply);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn work() -> (Work, oneshot::Receiver<Answer>) {
        let (reply, ticket) = oneshot::channel();
        (Work { unit: Vec::new(), reply }, ticket)
    }

    #[test]
    fn a_queue_takes_so_many_and_no_more() {
        let queue = Queue::new(2);
        assert_eq!(queue.push(work().0), Ok(()));
        assert_eq!(queue.push(work().0), Ok(()));
        assert_eq!(queue.push(work().0), Err(Busy::Full));
        let mut batch = Waiting::default();
        queue.take(&mut batch);
        assert_eq!((batch.units.len(), batch.commands), (2, 2));
        assert_eq!(queue.push(work().0), Ok(()));
    }

    #[test]
    fn what_waits_is_decided_after_the_last_was_asked() {
        let queue = Queue::new(2);
        assert_eq!(queue.wait(Some(Duration::from_millis(1))), Come::Nothing);
        assert_eq!(queue.push(work().0), Ok(()));
        queue.close();
        assert_eq!(queue.push(work().0), Err(Busy::Stopped));
        assert_eq!(queue.wait(None), Come::Something);
        queue.take(&mut Waiting::default());
        assert_eq!(queue.wait(None), Come::Over);
    }

    #[test]
    fn whoever_waits_learns_that_nobody_decides() {
        let queue = Arc::new(Queue::new(2));
        let (asked, ticket) = work();
        let other = queue.clone();
        let sleeper = std::thread::spawn(move || other.wait(None));
        assert_eq!(queue.push(asked), Ok(()));
        assert_eq!(sleeper.join().expect("it wakes"), Come::Something);
        queue.stop();
        assert!(ticket.blocking_recv().is_err());
        assert_eq!(queue.wait(None), Come::Over);
        assert_eq!(queue.push(work().0), Err(Busy::Stopped));
    }
}
