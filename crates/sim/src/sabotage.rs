//! `sabotage`: plants each bug in a book or its writer, and requires that the simulator finds it.
//!
//! A program of its own, in a build with bugs on purpose; the product cannot be built together with it.

use book::sabotage::Sabotage;
use sim::lives::{Lived, Plan, number, only, range};
use std::process::ExitCode;

const USAGE: &str = "\
Plants bugs, and requires that a simulation finds each.

  sabotage               plants one after the other, and lives the same seeds without any
           --bug NAME    plants only this one, and says what comes of it
           --seeds A..B  in these seeds; 0..200 if not given
           --seed N      in this one
           --jobs N      so many at once; as many as there are processors if not given";

struct Arguments {
    plan: Plan,
    bug: Option<Sabotage>,
}

impl Arguments {
    fn read(mut words: impl Iterator<Item = String>) -> Result<Arguments, String> {
        let mut arguments = Arguments { plan: Plan::of(0..200), bug: None };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("`{word}` needs a value"));
            match word.as_str() {
                "--bug" => arguments.bug = Some(bug(&value()?)?),
                "--seeds" => arguments.plan.seeds = range(&value()?)?,
                "--seed" => arguments.plan.seeds = only(&value()?)?,
                "--jobs" => arguments.plan.jobs = number(&value()?)?.max(1),
                _ => return Err(format!("`{word}` is not known")),
            }
        }
        Ok(arguments)
    }
}

fn bug(name: &str) -> Result<Sabotage, String> {
    let found = Sabotage::ALL.iter().copied().find(|bug| bug.name() == name);
    let names = || Sabotage::ALL.iter().map(|bug| bug.name()).collect::<Vec<&str>>().join(", ");
    found.ok_or_else(|| format!("no bug is called `{name}`; there are: {}", names()))
}

fn main() -> ExitCode {
    let Arguments { plan, bug } = match Arguments::read(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(wrong) => {
            eprintln!("{wrong}\n\n{USAGE}");
            return ExitCode::FAILURE;
        }
    };
    // A panic is caught and told as what should not happen.
    std::panic::set_hook(Box::new(|_| {}));
    let is_proved = match bug {
        Some(bug) => caught(bug, &plan).is_some(),
        None => each(&plan),
    };
    if is_proved { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Whether every bug is found in these seeds, and nothing is found in the same seeds without one.
fn each(plan: &Plan) -> bool {
    let seeds: Vec<u64> = Sabotage::ALL.iter().filter_map(|bug| caught(*bug, plan)).collect();
    // What finds something in an unharmed book has not found the bug.
    let last = seeds.iter().max().map_or(plan.seeds.start, |seed| seed + 1);
    let clean = Plan { seeds: plan.seeds.start..last, jobs: plan.jobs }.live(None);
    for failure in &clean.failures {
        println!("found at seed {} without a planted bug: {}", failure.seed, failure.what);
    }
    let (found, all) = (seeds.len(), Sabotage::ALL.len());
    println!("{found} of {all} planted bugs caught; {} seeds without one are clean", clean.lives);
    found == all && clean.failures.is_empty()
}

/// The seed that a planted bug is found at.
fn caught(bug: Sabotage, plan: &Plan) -> Option<u64> {
    let Lived { lives, failures, seconds, .. } = plan.live(Some(bug));
    let name = bug.name();
    let Some(failure) = failures.first() else {
        println!("missed {name} in {lives} seeds, {seconds:.1} s");
        return None;
    };
    let what: String = failure.what.chars().take(120).collect();
    println!("caught {name} in {seconds:.1} s: {what}");
    println!("    to repeat it: cargo xtask sabotage --bug {name} --seed {}", failure.seed);
    Some(failure.seed)
}
