//! `sim`: lives many lives of a book, prints what happened in them, and for a bad one the command that repeats it.

use sim::lives::{Lived, Plan, number, only, range};
use sim::simulate::Failure;
use std::collections::BTreeMap;
use std::process::ExitCode;

const USAGE: &str = "\
Simulates a book under clients, clocks and disks that misbehave.

  sim [--seeds A..B]   lives every seed from A, up to but without B; 0..500 if not given
  sim --seed N         lives one, and prints the root it comes to
      --jobs N         so many at once; as many as there are processors if not given
      --json           one line of JSON at the end";

#[derive(Debug)]
struct Arguments {
    plan: Plan,
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Text,
    Json,
}

impl Arguments {
    fn read(mut words: impl Iterator<Item = String>) -> Result<Arguments, String> {
        let mut arguments = Arguments { plan: Plan::of(0..500), format: Format::Text };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("`{word}` needs a value"));
            match word.as_str() {
                "--seed" => arguments.plan.seeds = only(&value()?)?,
                "--seeds" => arguments.plan.seeds = range(&value()?)?,
                "--jobs" => arguments.plan.jobs = number(&value()?)?.max(1),
                "--json" => arguments.format = Format::Json,
                _ => return Err(format!("`{word}` is not known")),
            }
        }
        Ok(arguments)
    }
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
    report(&arguments, &arguments.plan.live(None))
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
        if let (1, Some(life)) = (*lives, last) {
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
    eprintln!("to repeat it: cargo xtask simulate --seed {seed}");
    ExitCode::FAILURE
}

fn print(title: &str, counts: &BTreeMap<&'static str, u64>) {
    let width = counts.keys().map(|kind| kind.len()).max().unwrap_or(0);
    println!("{title}");
    for (kind, count) in counts {
        println!("  {kind:width$} {count:>10}");
    }
}
