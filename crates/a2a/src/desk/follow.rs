//! Whoever follows a task: each hears every step in order, from the one after what it was shown first.

use crate::limits::{FOLLOW_TIME_MAX, FOLLOWERS_MAX, STEPS_WAITING_MAX};
use crate::store::Kept;
use protocols::a2a::{Event, Task};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast};
use tokio::time::Instant;

type Steps = HashMap<String, broadcast::Sender<(i64, Event)>>;

/// All who follow tasks.
#[derive(Debug)]
pub(crate) struct Followers {
    steps: Arc<Mutex<Steps>>,
    room: Arc<Semaphore>,
}

/// One who follows a task.
#[derive(Debug)]
pub(crate) struct Following {
    id: String,
    /// What is shown first.
    first: Option<Box<Task>>,
    /// The number of the last change that was shown.
    shown: i64,
    steps: broadcast::Receiver<(i64, Event)>,
    all: Arc<Mutex<Steps>>,
    until: Instant,
    _room: OwnedSemaphorePermit,
}

impl Followers {
    pub(super) fn new() -> Followers {
        Followers { steps: Arc::default(), room: Arc::new(Semaphore::new(FOLLOWERS_MAX)) }
    }

    /// Hears every step of a task from now on, if there is room.
    pub(super) fn follow(&self, id: &str) -> Option<Following> {
        let room = Arc::clone(&self.room).try_acquire_owned().ok()?;
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = steps.entry(id.to_owned()).or_insert_with(|| broadcast::Sender::new(STEPS_WAITING_MAX));
        Some(Following {
            id: id.to_owned(),
            shown: 0,
            first: None,
            steps: sender.subscribe(),
            all: Arc::clone(&self.steps),
            until: Instant::now() + FOLLOW_TIME_MAX,
            _room: room,
        })
    }

    /// Tells whoever follows a task about a step of it.
    pub(super) fn tell(&self, kept: &Kept, event: Event) {
        let steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = steps.get(&kept.task.id) {
            // All of them may have gone.
            let _nobody = sender.send((kept.changed, event));
        }
    }
}

impl Following {
    /// Shows the task first, as it was read after the first step could be heard: no step is missed between the two.
    pub(super) fn beginning_with(mut self, kept: Kept) -> Following {
        self.shown = kept.changed;
        self.first = Some(Box::new(kept.task));
        self
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The task as it was when it was begun to be followed, the first time; then each step. None when it took too long, or
    /// when whoever follows was too slow.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        if let Some(task) = self.first.take() {
            return Some(Event::Task(*task));
        }
        loop {
            let step = tokio::time::timeout_at(self.until, self.steps.recv()).await;
            match step.ok()?.ok()? {
                // It was shown with the task.
                (changed, _) if changed <= self.shown => {}
                (_, event) => return Some(event),
            }
        }
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let mut steps = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        // Ours is the last.
        if steps.get(&self.id).is_some_and(|sender| sender.receiver_count() <= 1) {
            steps.remove(&self.id);
        }
    }
}
