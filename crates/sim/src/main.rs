//! `sim`: lives many lives of a book, prints what happened in them, and for a bad one the command that repeats it.

use clap::Parser;
use sim::simulate::{self, Failure, Life, Planted, Tally};
use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};
use std::ops::Range;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Instant;

/// Simulates a book under clients, clocks and disks that misbehave.
#[derive(Parser)]
#[command(name = "sim")]
struct Arguments {
    /// One seed, with everything that happened.
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Seeds from A, up to but without B.
    #[arg(long, value_name = "A..B", default_value = "0..500", value_parser = range)]
    seeds: Range<u64>,
    /// How many at once; as many as there are processors if not given.
    #[arg(long)]
    jobs: Option<u64>,
    /// One line of JSON at the end.
    #[arg(long)]
    json: bool,
    /// Plants a bug: its name, or `each` to plant one after the other and require that every one is found.
    #[cfg(feature = "sabotage")]
    #[arg(long)]
    sabotage: Option<String>,
}

fn range(text: &str) -> Result<Range<u64>, String> {
    let (first, end) = text.split_once("..").ok_or("two numbers with `..` between them")?;
    let number = |text: &str| text.parse::<u64>().map_err(|wrong| wrong.to_string());
    let seeds = number(first)?..number(end)?;
    if seeds.is_empty() { Err("a range with at least one seed".to_owned()) } else { Ok(seeds) }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let seeds = arguments.seed.map_or(arguments.seeds.clone(), |seed| seed..seed + 1);
    // A panic is caught and told as what should not happen.
    std::panic::set_hook(Box::new(|_| {}));
    let jobs = arguments.jobs.unwrap_or_else(processors).max(1);
    #[cfg(feature = "sabotage")]
    match &arguments.sabotage {
        Some(name) if name == "each" => return sabotage::each(seeds, jobs),
        Some(name) => match sabotage::named(name) {
            Some(bug) => return report(&arguments, &live(seeds, jobs, Some(bug))),
            None => return sabotage::unknown(name),
        },
        None => {}
    }
    report(&arguments, &live(seeds, jobs, None))
}

fn processors() -> u64 {
    std::thread::available_parallelism().map_or(1, |count| count.get() as u64)
}

/// What came of all seeds.
struct Lived {
    lives: u64,
    tally: Tally,
    failures: Vec<Failure>,
    seconds: f64,
    last: Option<Life>,
}

/// Lives every seed, or stops soon after the first that fails.
fn live(seeds: Range<u64>, jobs: u64, planted: Planted) -> Lived {
    let started = Instant::now();
    let next = AtomicU64::new(seeds.start);
    let total = seeds.end - seeds.start;
    let mut lived =
        Lived { lives: 0, tally: Tally::default(), failures: Vec::new(), seconds: 0.0, last: None };
    std::thread::scope(|scope| {
        let (send, receive) = mpsc::channel();
        for _ in 0..jobs {
            let (send, next) = (send.clone(), &next);
            scope.spawn(move || {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seeds.end <= seed || send.send(simulate::run(seed, planted)).is_err() {
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

fn progress(lives: u64, total: u64) {
    let mut screen = std::io::stderr();
    if screen.is_terminal() && (lives.is_multiple_of(10) || lives == total) {
        let end = if lives == total { "\n" } else { "" };
        // A screen that cannot be written to needs no progress.
        let _ = write!(screen, "\r{lives} of {total} seeds{end}").and_then(|()| screen.flush());
    }
}

fn report(arguments: &Arguments, lived: &Lived) -> ExitCode {
    let Lived { lives, tally, failures, seconds, last } = lived;
    let (operations, faults) = (tally.operations(), tally.faults());
    let per_second = operations as f64 / seconds.max(0.001);
    if arguments.json {
        let count = |counts: &BTreeMap<&'static str, u64>| {
            let pairs: Vec<String> =
                counts.iter().map(|(kind, count)| format!("\"{kind}\":{count}")).collect();
            format!("{{{}}}", pairs.join(","))
        };
        println!(
            "{{\"seeds\":{lives},\"failed\":{},\"operations\":{operations},\"faults\":{faults},\"entries\":{},\
             \"storms\":{},\"seconds\":{seconds:.1},\"operations_per_s\":{per_second:.0},\"by_operation\":{},\
             \"by_verdict\":{},\"by_fault\":{}}}",
            failures.len(),
            tally.entries,
            tally.storms,
            count(&tally.operations),
            count(&tally.verdicts),
            count(&tally.faults),
        );
    } else {
        print("operations", &tally.operations);
        print("verdicts", &tally.verdicts);
        print("faults", &tally.faults);
        if let (Some(_), Some(life)) = (arguments.seed, last) {
            println!("root {}", life.root.0.map(|byte| format!("{byte:02x}")).concat());
        }
        println!(
            "{lives} seeds, {operations} operations, {faults} faults, {} entries, {} storms, {seconds:.1} s, \
             {per_second:.0} operations/s",
            tally.entries, tally.storms
        );
    }
    let Some(Failure { seed, step, what }) = failures.first() else { return ExitCode::SUCCESS };
    eprintln!("seed {seed}, batch {step}: {what}");
    eprintln!("to repeat it: cargo run -p sim --release -- --seed {seed}");
    ExitCode::FAILURE
}

fn print(title: &str, counts: &BTreeMap<&'static str, u64>) {
    let width = counts.keys().map(|kind| kind.len()).max().unwrap_or(0);
    println!("{title}");
    for (kind, count) in counts {
        println!("  {kind:width$} {count:>10}");
    }
}

/// Bugs on purpose.
#[cfg(feature = "sabotage")]
mod sabotage {
    use super::live;
    use book::sabotage::Sabotage;
    use std::ops::Range;
    use std::process::ExitCode;

    pub(super) fn named(name: &str) -> Option<Sabotage> {
        Sabotage::ALL.iter().copied().find(|bug| bug.name() == name)
    }

    pub(super) fn unknown(name: &str) -> ExitCode {
        let names: Vec<&str> = Sabotage::ALL.iter().map(|bug| bug.name()).collect();
        eprintln!("no bug is called `{name}`; there are: {}", names.join(", "));
        ExitCode::FAILURE
    }

    /// Plants each bug, and requires that every one is found in these seeds, and nothing without one.
    pub(super) fn each(seeds: Range<u64>, jobs: u64) -> ExitCode {
        let mut missed = Vec::new();
        for bug in Sabotage::ALL {
            let lived = live(seeds.clone(), jobs, Some(*bug));
            match lived.failures.first() {
                Some(failure) => {
                    println!("caught sabotage-{} at seed {}: {}", bug.name(), failure.seed, failure.what)
                }
                None => {
                    println!("missed sabotage-{} in {} seeds", bug.name(), lived.lives);
                    missed.push(bug.name());
                }
            }
        }
        let clean = live(seeds, jobs, None);
        for failure in &clean.failures {
            println!("found at seed {} without a planted bug: {}", failure.seed, failure.what);
        }
        let caught = Sabotage::ALL.len() - missed.len();
        println!("{caught} of {} planted bugs caught, {} clean seeds", Sabotage::ALL.len(), clean.lives);
        if missed.is_empty() && clean.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
