//! `sim`: lives many lives of a book, prints what happened in them, and for a bad one the command that repeats it.

use sim::simulate::{self, Failure, Life, Planted, Tally};
use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};
use std::ops::Range;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Instant;

const USAGE: &str = "\
Simulates a book under clients, clocks and disks that misbehave.

  sim [--seeds A..B]   lives every seed from A, up to but without B; 0..500 if not given
  sim --seed N         lives one
      --jobs N         so many at once; as many as there are processors if not given
      --json           one line of JSON at the end
      --sabotage BUG   plants a bug; `each` plants one after the other and requires that every one is found
                       (in a build with `--features sabotage`)";

#[derive(Debug)]
struct Arguments {
    seed: Option<u64>,
    seeds: Range<u64>,
    jobs: u64,
    format: Format,
    sabotage: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Text,
    Json,
}

impl Arguments {
    fn read(words: impl Iterator<Item = String>) -> Result<Arguments, String> {
        let mut arguments =
            Arguments { seed: None, seeds: 0..500, jobs: processors(), format: Format::Text, sabotage: None };
        let mut words = words;
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("`{word}` needs a value"));
            match word.as_str() {
                "--seed" => {
                    let seed = number(&value()?)?;
                    arguments.seed = Some(seed);
                    arguments.seeds = seed..seed.checked_add(1).ok_or("the seed is too large")?;
                }
                "--seeds" => arguments.seeds = range(&value()?)?,
                "--jobs" => arguments.jobs = number(&value()?)?.max(1),
                "--json" => arguments.format = Format::Json,
                "--sabotage" => arguments.sabotage = Some(value()?),
                _ => return Err(format!("`{word}` is not known")),
            }
        }
        Ok(arguments)
    }
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("`{text}` is not a number"))
}

fn range(text: &str) -> Result<Range<u64>, String> {
    let (first, end) =
        text.split_once("..").ok_or(format!("`{text}` is not two numbers with `..` between"))?;
    let seeds = number(first)?..number(end)?;
    if seeds.is_empty() { Err(format!("`{text}` holds no seed")) } else { Ok(seeds) }
}

fn main() -> ExitCode {
    let arguments = match Arguments::read(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(wrong) => {
            eprintln!("{wrong}\n\n{USAGE}");
            return ExitCode::FAILURE;
        }
    };
    // A panic is caught and told as what should not happen.
    std::panic::set_hook(Box::new(|_| {}));
    match &arguments.sabotage {
        None => report(&arguments, &live(arguments.seeds.clone(), arguments.jobs, None)),
        Some(name) => sabotage::run(name, &arguments),
    }
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
    if arguments.format == Format::Json {
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
    use super::{Arguments, live, report};
    use book::sabotage::Sabotage;
    use std::process::ExitCode;

    pub(super) fn run(name: &str, arguments: &Arguments) -> ExitCode {
        if name == "each" {
            return each(arguments);
        }
        match Sabotage::ALL.iter().copied().find(|bug| bug.name() == name) {
            Some(bug) => report(arguments, &live(arguments.seeds.clone(), arguments.jobs, Some(bug))),
            None => {
                let names: Vec<&str> = Sabotage::ALL.iter().map(|bug| bug.name()).collect();
                eprintln!("no bug is called `{name}`; there are: {}", names.join(", "));
                ExitCode::FAILURE
            }
        }
    }

    /// Plants each bug, and requires that every one is found in these seeds, and nothing without one.
    fn each(arguments: &Arguments) -> ExitCode {
        let mut missed = 0;
        for bug in Sabotage::ALL {
            let lived = live(arguments.seeds.clone(), arguments.jobs, Some(*bug));
            match lived.failures.first() {
                Some(failure) => {
                    println!("caught sabotage-{} at seed {}: {}", bug.name(), failure.seed, failure.what);
                }
                None => {
                    println!("missed sabotage-{} in {} seeds", bug.name(), lived.lives);
                    missed += 1;
                }
            }
        }
        let clean = live(arguments.seeds.clone(), arguments.jobs, None);
        for failure in &clean.failures {
            println!("found at seed {} without a planted bug: {}", failure.seed, failure.what);
        }
        let all = Sabotage::ALL.len();
        println!("{} of {all} planted bugs caught, {} clean seeds", all - missed, clean.lives);
        if missed == 0 && clean.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// There are none in this build.
#[cfg(not(feature = "sabotage"))]
mod sabotage {
    use super::Arguments;
    use std::process::ExitCode;

    pub(super) fn run(_name: &str, _arguments: &Arguments) -> ExitCode {
        eprintln!("this build has no bugs on purpose; add `--features sabotage`");
        ExitCode::FAILURE
    }
}
