//! The engine in process: payments at full batches, each acknowledged when durable, with the log of tiles following.

use super::machine::percentile;
use super::workload::{Place, Workload};
use crate::exit::{Failure, Outcome};
use crate::output::Output;
use book::{Command, Outcome as Came, Time, Verdict};
use engine::schedule::Scheduling;
use engine::{BookId, Clock, Engine, FileJournal, Log, Options, Stepdown, Ticket, Tiles};
use evidence::{NoteSigner, SigningKey};
use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

const BOOK: BookId = BookId(*b"the bench's book");
/// The commands of one unit: what an HTTP request with an array of 100 becomes.
const UNIT: u32 = 100;
/// The units that are under way at once: three full batches.
const WINDOW: usize = 240;

/// One round: so many a second, and how long each unit waited.
#[derive(Clone, Debug)]
pub(crate) struct Round {
    pub(crate) per_s: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

impl Round {
    /// A round since `began`, of so many units; each wait is in milliseconds.
    pub(crate) fn of(units: f64, mut millis: Vec<f64>, began: Instant) -> Round {
        let per_s = units / began.elapsed().as_secs_f64();
        millis.sort_by(f64::total_cmp);
        Round { per_s, p50_ms: percentile(&millis, 50), p99_ms: percentile(&millis, 99) }
    }
}

/// A journal in a directory of its own, and the engine that leads it.
pub(crate) struct Ledger {
    engine: Engine,
    log: Log,
    clock: Arc<Clock>,
    workload: Workload,
}

impl Ledger {
    /// An engine over the journal in `directory`; what is there is recovered.
    pub(crate) fn start(directory: &Path, workload: Workload) -> Outcome<Ledger> {
        let (engine, log, clock) = start(directory, Evidence::On)?;
        Ok(Ledger { engine, log, clock, workload })
    }

    /// Makes wallets, agents, mandates and payees.
    pub(crate) fn set_up(&mut self, output: &Output, wallets: u32) -> Outcome {
        let bar = output.progress(u64::from(wallets), "making wallets");
        let (engine, at) = (&self.engine, self.clock.now());
        let (mut waiting, mut wrong) = (VecDeque::new(), None);
        self.workload.set_up(at, wallets, Place::New, |unit| {
            // A short window: what waits would be counted as the book's memory.
            if WINDOW <= waiting.len() {
                wrong = wrong.take().or(waiting.pop_front().and_then(|ticket| done(ticket).err()));
            }
            match engine.submit(unit) {
                Ok(ticket) => waiting.push_back(ticket),
                Err(busy) => wrong = Some(Failure::fault(busy)),
            }
            bar.inc(1);
        });
        for ticket in waiting {
            done(ticket)?;
        }
        bar.finish_and_clear();
        wrong.map_or(Ok(()), Err)
    }

    /// Makes `payments` payments in units of 100, many of them under way at once.
    pub(crate) fn pay(&mut self, payments: u32) -> Outcome<Round> {
        self.play(payments, Workload::payment, all_paid)
    }

    /// Changes the limits of mandates as often, in the same way.
    pub(crate) fn change_rules(&mut self, changes: u32) -> Outcome<Round> {
        self.play(changes, Workload::change, |ticket| done(ticket).map(|()| UNIT))
    }

    fn play(
        &mut self,
        commands: u32,
        draw: impl Fn(&mut Workload, Time) -> Command,
        count: impl Fn(Ticket) -> Outcome<u32>,
    ) -> Outcome<Round> {
        let mut waiting: VecDeque<(Instant, Ticket)> = VecDeque::with_capacity(WINDOW);
        let mut millis = Vec::new();
        let mut counted = 0u32;
        let began = Instant::now();
        for _ in 0..commands.div_ceil(UNIT) {
            let at = self.clock.now();
            let unit = (0..UNIT).map(|_| draw(&mut self.workload, at)).collect();
            if waiting.len() == WINDOW
                && let Some((began, ticket)) = waiting.pop_front()
            {
                counted += count(ticket)?;
                millis.push(began.elapsed().as_secs_f64() * 1e3);
            }
            waiting.push_back((Instant::now(), self.engine.submit(unit).map_err(Failure::fault)?));
        }
        for (began, ticket) in waiting {
            counted += count(ticket)?;
            millis.push(began.elapsed().as_secs_f64() * 1e3);
        }
        Ok(Round::of(f64::from(counted), millis, began))
    }

    /// The entries that the signed log is behind the journal.
    pub(crate) fn log_is_behind_by(&self) -> u64 {
        self.engine.size().saturating_sub(self.log.published().size)
    }

    pub(crate) fn size(&self) -> u64 {
        self.engine.size()
    }

    pub(crate) fn scheduling(&self) -> Option<Scheduling> {
        self.engine.scheduling()
    }

    /// Ends the engine, and gives the workload back for the next.
    pub(crate) fn stop(self) -> Workload {
        self.workload
    }
}

/// How long the journal in `directory` takes to become a book again: entries a second.
pub(crate) fn recovery(directory: &Path) -> Outcome<f64> {
    let began = Instant::now();
    let (engine, ..) = start(directory, Evidence::Off)?;
    let per_s = engine.size() as f64 / began.elapsed().as_secs_f64();
    drop(engine);
    Ok(per_s)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Evidence {
    On,
    Off,
}

fn start(directory: &Path, evidence: Evidence) -> Outcome<(Engine, Log, Arc<Clock>)> {
    let journal = directory.join("journal");
    fs::create_dir_all(&journal)?;
    let signer =
        NoteSigner::new("bench.tollbridge", SigningKey::ed25519(&[1; 32])).map_err(Failure::fault)?;
    let (tiles, log) = Tiles::open(&directory.join("log"), signer)?;
    let clock = Arc::new(Clock::default());
    let options = Options {
        clock: clock.clone(),
        followers: if evidence == Evidence::On { vec![Box::new(tiles)] } else { Vec::new() },
        stopped: Box::new(|stepdown: &Stepdown| eprintln!("error: the writer has stopped: {stepdown}")),
        faulted: |name, fault| eprintln!("error: follower `{name}`: {fault}"),
        recovering: Box::new(|_| {}),
        beside: Arc::new(()),
        snapshots: None,
        queue_units_max: engine::limits::QUEUE_UNITS_MAX,
    };
    let engine =
        Engine::start(BOOK, FileJournal::open(&journal, BOOK, 0)?, options).map_err(Failure::fault)?;
    Ok((engine, log, clock))
}

pub(super) fn done(ticket: Ticket) -> Outcome {
    for verdict in ticket.blocking_recv().map_err(Failure::fault)? {
        match verdict.map_err(Failure::fault)? {
            Verdict::Record(_, Came::Done) => {}
            other @ (Verdict::Record(..) | Verdict::Repeat(_) | Verdict::Reject(_)) => {
                return Err(Failure::fault(format!("a change of the workload was not made: {other:?}")));
            }
        }
    }
    Ok(())
}

fn all_paid(ticket: Ticket) -> Outcome<u32> {
    let mut paid = 0;
    for verdict in ticket.blocking_recv().map_err(Failure::fault)? {
        match verdict.map_err(Failure::fault)? {
            Verdict::Record(_, Came::Paid(_)) => paid += 1,
            other @ (Verdict::Record(..) | Verdict::Repeat(_) | Verdict::Reject(_)) => {
                return Err(Failure::fault(format!("a payment of the workload was not made: {other:?}")));
            }
        }
    }
    Ok(paid)
}
