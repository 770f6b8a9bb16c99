//! Many lives: every seed of a range, on as many threads as wanted, and what came of them together.

use crate::simulate::{self, Failure, Life, Planted, Tally};
use std::io::{IsTerminal as _, Write as _};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Instant;

/// Which lives, and how many of them at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The seeds.
    pub seeds: Range<u64>,
    /// How many threads.
    pub jobs: u64,
}

/// What came of all seeds.
#[derive(Debug)]
pub struct Lived {
    /// How many lives went as they should.
    pub lives: u64,
    /// What happened in them.
    pub tally: Tally,
    /// The others, the smallest seed first.
    pub failures: Vec<Failure>,
    /// How long it all took.
    pub seconds: f64,
    /// One life that went as it should.
    pub last: Option<Life>,
}

impl Plan {
    /// These seeds, on every processor.
    pub fn of(seeds: Range<u64>) -> Plan {
        let jobs = std::thread::available_parallelism().map_or(1, |count| count.get() as u64);
        Plan { seeds, jobs }
    }

    /// Lives every seed, or stops soon after the first that fails.
    pub fn live(&self, planted: Planted) -> Lived {
        let started = Instant::now();
        let end = self.seeds.end;
        let total = end.saturating_sub(self.seeds.start);
        let next = AtomicU64::new(self.seeds.start);
        let mut lived =
            Lived { lives: 0, tally: Tally::default(), failures: Vec::new(), seconds: 0.0, last: None };
        std::thread::scope(|scope| {
            let (send, receive) = mpsc::channel();
            for _ in 0..self.jobs {
                let (send, next) = (send.clone(), &next);
                scope.spawn(move || {
                    loop {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if end <= seed || send.send(simulate::run(seed, planted)).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(send);
            for outcome in receive {
                match outcome {
                    Ok(life) => {
                        lived.lives += 1;
                        lived.tally.add(&life.tally);
                        lived.last = Some(life);
                        progress(lived.lives, total);
                    }
                    Err(failure) => {
                        lived.failures.push(failure);
                        // Seeds that were begun are lived to their end; the smallest that fails is told.
                        next.store(u64::MAX / 2, Ordering::Relaxed);
                    }
                }
            }
        });
        lived.failures.sort_by_key(|failure| failure.seed);
        lived.seconds = started.elapsed().as_secs_f64();
        lived
    }
}

fn progress(lives: u64, total: u64) {
    let mut screen = std::io::stderr();
    if screen.is_terminal() && (lives.is_multiple_of(10) || lives == total) {
        let end = if lives == total { "\n" } else { "" };
        // A screen that cannot be written to needs no progress.
        let _ = write!(screen, "\r{lives} of {total} seeds{end}").and_then(|()| screen.flush());
    }
}

/// Reads a number from a command line.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("`{text}` is not a number"))
}

/// Reads seeds from a command line, such as `0..500`.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn range(text: &str) -> Result<Range<u64>, String> {
    let (first, end) =
        text.split_once("..").ok_or(format!("`{text}` is not two numbers with `..` between"))?;
    let seeds = number(first)?..number(end)?;
    if seeds.is_empty() { Err(format!("`{text}` holds no seed")) } else { Ok(seeds) }
}

/// Reads one seed as the range that holds it alone.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn only(text: &str) -> Result<Range<u64>, String> {
    let seed = number(text)?;
    Ok(seed..seed.checked_add(1).ok_or("the seed is too large")?)
}
