//! Zeros ahead of a tape's end, so that appending overwrites and never has to grow the file.
//!
//! Growing costs twice an overwrite, because the file's length has to become durable too. Space is taken
//! here, too, before it is needed: a full disk shows while filling, not in the midst of a frame.

use std::{
    io,
    sync::{Arc, mpsc},
    thread,
};

use super::tape::{Storage, plus};
use crate::limits::FILL_BYTES;

/// Fills a storage with zeros, in this thread or in one of its own.
#[derive(Debug)]
pub(super) struct Filler<S> {
    /// Everything between the tape's end and here is durably zero.
    filled: u64,
    place: Place<S>,
    /// Why filling stopped, until [`Filler::has_room`] says so.
    fault: Option<io::Error>,
}

#[derive(Debug)]
enum Place<S> {
    Here(Arc<S>),
    Beside(Worker),
}

#[derive(Debug)]
struct Worker {
    /// `None` only while being dropped.
    orders: Option<mpsc::Sender<(u64, u64)>>,
    answers: mpsc::Receiver<Filled>,
    busy: Busy,
    thread: Option<thread::JoinHandle<()>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Busy {
    Yes,
    No,
}

/// How far filling came, and what ended it early.
#[derive(Debug)]
struct Filled {
    to: u64,
    fault: Option<io::Error>,
}

impl<S: Storage> Filler<S> {
    /// Fills in the calling thread: for simulation, where everything happens in one order.
    pub(super) fn here(storage: Arc<S>) -> Filler<S> {
        Filler { filled: 0, place: Place::Here(storage), fault: None }
    }

    /// Fills in a thread of its own while the writer goes on committing.
    ///
    /// `storage` is a file description of its own: the system reports a failed write-back once to each, and
    /// this thread's sync must not use up the answer the writer's sync is waiting for.
    pub(super) fn beside(storage: S) -> io::Result<Filler<S>> {
        let (orders, todo) = mpsc::channel::<(u64, u64)>();
        let (done, answers) = mpsc::channel();
        let thread = thread::Builder::new().name("journal-fill".to_owned()).spawn(move || {
            while let Ok((from, to)) = todo.recv() {
                if done.send(fill(&storage, from, to)).is_err() {
                    return;
                }
            }
        })?;
        let worker = Worker { orders: Some(orders), answers, busy: Busy::No, thread: Some(thread) };
        Ok(Filler { filled: 0, place: Place::Beside(worker), fault: None })
    }

    /// Writes zeros from the tape's end `end` to `to`, however far space reaches, and returns how far.
    pub(super) fn start(&mut self, end: u64, to: u64) -> io::Result<u64> {
        self.filled = end;
        self.has_room(to)?;
        Ok(self.filled)
    }

    /// Whether everything up to `to` is filled, after filling it if need and space be.
    ///
    /// Fails on anything but a lack of space.
    pub(super) fn has_room(&mut self, to: u64) -> io::Result<bool> {
        self.collect(Patience::None);
        if self.filled < to {
            self.collect(Patience::UntilIdle);
        }
        if self.filled < to && self.fault.as_ref().is_none_or(is_lack_of_space) {
            // What failed for lack of space may succeed now: somebody may have made some.
            self.order(to);
            self.collect(Patience::UntilIdle);
        }
        match self.fault.take() {
            Some(fault) if !is_lack_of_space(&fault) => Err(fault),
            Some(_) | None => Ok(to <= self.filled),
        }
    }

    /// Up to where the tape is filled.
    pub(super) fn filled(&self) -> u64 {
        self.filled
    }

    /// Begins to fill up to `to`, if filling does not reach `low` and is not already under way.
    pub(super) fn ahead(&mut self, low: u64, to: u64) {
        self.collect(Patience::None);
        let idle = match &self.place {
            Place::Here(_) => true,
            Place::Beside(worker) => worker.busy == Busy::No,
        };
        if idle && self.filled < low && self.fault.is_none() {
            self.order(to);
        }
    }

    fn order(&mut self, to: u64) {
        match &mut self.place {
            Place::Here(storage) => {
                let filled = fill(&**storage, self.filled, to);
                self.take(filled);
            }
            Place::Beside(worker) => {
                let orders = worker.orders.as_ref().expect("orders end when the filler is dropped");
                match orders.send((self.filled, to)) {
                    Ok(()) => worker.busy = Busy::Yes,
                    Err(_) => self.fault = Some(gone()),
                }
            }
        }
    }

    fn collect(&mut self, patience: Patience) {
        let Place::Beside(worker) = &mut self.place else {
            return;
        };
        if worker.busy == Busy::No {
            return;
        }
        let filled = match patience {
            Patience::None => match worker.answers.try_recv() {
                Ok(filled) => filled,
                Err(mpsc::TryRecvError::Empty) => return,
                Err(mpsc::TryRecvError::Disconnected) => Filled { to: 0, fault: Some(gone()) },
            },
            Patience::UntilIdle => {
                worker.answers.recv().unwrap_or_else(|_| Filled { to: 0, fault: Some(gone()) })
            }
        };
        worker.busy = Busy::No;
        self.take(filled);
    }

    fn take(&mut self, filled: Filled) {
        self.filled = self.filled.max(filled.to);
        self.fault = filled.fault;
    }
}

#[derive(Clone, Copy)]
enum Patience {
    None,
    UntilIdle,
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // A worker that panicked has nothing left to say: whoever needed its answer was told.
            let _ = thread.join();
        }
    }
}

fn fill<S: Storage>(storage: &S, from: u64, to: u64) -> Filled {
    let zeros = vec![0; usize::try_from(FILL_BYTES).expect("a machine has at least 32 bits")];
    let mut at = from;
    while at < to {
        let left = to.saturating_sub(at).min(FILL_BYTES);
        let step = zeros.get(..usize::try_from(left).expect("a step fits")).expect("a step fits");
        if let Err(fault) = storage.write_at(at, step).and_then(|()| storage.sync()) {
            return Filled { to: at, fault: Some(fault) };
        }
        at = plus(at, left);
    }
    Filled { to: at, fault: None }
}

fn is_lack_of_space(fault: &io::Error) -> bool {
    matches!(fault.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

fn gone() -> io::Error {
    io::Error::other("the thread that fills the journal ahead has ended")
}
