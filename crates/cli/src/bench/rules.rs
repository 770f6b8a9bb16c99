//! Rules: how many can be changed a second, what a decision costs under as many as there can be, and a rehearsal.

use super::ledger::{Ledger, Round};
use super::machine::percentile;
use super::report::{Bar, Figures};
use super::workload::{Place, Workload, most_limits};
use crate::args::Bench;
use crate::exit::{Failure, Outcome};
use crate::output::Output;
use book::{
    Book, Command, Decision, Limit, Outcome as Came, Period, Rehearsed, Time, Verdict, Window, Zone, rehearse,
};
use engine::Clock;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

/// The changes of one round.
const CHANGES: u32 = 500_000;
/// The mandates that they are spread over.
const MANDATES: u32 = 1_000;
/// The decisions that are timed, one by one; as many come before them, so that rolling windows are full.
const DECISIONS: usize = 2_000;
/// The payments of one rehearsal.
const REHEARSED: u32 = 10_000;
/// Where the days, weeks and months of calendar windows begin.
const ZONES: [&str; 9] = [
    "UTC",
    "Asia/Shanghai",
    "Asia/Tokyo",
    "Asia/Kolkata",
    "Europe/Berlin",
    "Europe/London",
    "America/New_York",
    "America/Los_Angeles",
    "Australia/Sydney",
];

/// Measures the rules.
pub(crate) fn measure(output: &Output, figures: &mut Figures, args: &Bench, scratch: &Path) -> Outcome {
    let mut ledger = Ledger::start(&scratch.join("rules"), Workload::new())?;
    ledger.set_up(output, MANDATES)?;
    let rounds = (0..args.rounds).map(|_| ledger.change_rules(CHANGES)).collect::<Outcome<Vec<Round>>>()?;
    drop(ledger.stop());
    figures.rounds(output, "rule_changes_per_s", &rounds, Bar::AtLeast(5_000.0));

    let at = Clock::default().now();
    let (calendar, rolling) = (most_limits(calendar()), most_limits(rolling()));
    let mut decisions = |name: &str, limits: &[Limit]| -> Outcome {
        let rounds = (0..args.rounds).map(|_| decision_p99_us(at, limits)).collect::<Outcome<Vec<f64>>>()?;
        figures.median(output, name, &rounds, Bar::AtMost(50.0));
        Ok(())
    };
    decisions("decision_p99_us", &calendar)?;
    decisions("decision_rolling_p99_us", &rolling)?;

    let millis = (0..args.rounds).map(|_| rehearsal_ms(at, &rolling)).collect::<Outcome<Vec<f64>>>()?;
    figures.median(output, "rehearsal_ms", &millis, Bar::AtMost(1_000.0));
    Ok(())
}

/// What one payment waits for at the end of the longest chain of mandates, each of them, each agent and the wallet with
/// these limits. Only deciding is timed; every payment is then made, so that it counts for the next.
fn decision_p99_us(at: Time, limits: &[Limit]) -> Outcome<f64> {
    let (mut book, mut workload, mut bytes) = (Book::default(), Workload::new(), Vec::new());
    let mut commands = Vec::new();
    workload.set_up(at, 1, Place::New, |unit| commands.extend(unit));
    let (chain, last) = workload.delegate(at, limits);
    commands.extend(chain);
    for command in &commands {
        execute(&mut book, at, command, &mut bytes)?;
    }
    let mut micros = Vec::with_capacity(DECISIONS);
    for number in 0..2 * DECISIONS {
        let command = workload.payment_by(at, last);
        let began = Instant::now();
        let decided = black_box(book.decide(at, black_box(&command)));
        let took = began.elapsed();
        if !matches!(decided.decision(), Decision::Record(Came::Paid(_))) {
            return Err(Failure::fault(format!("a payment was not made: {:?}", decided.decision())));
        }
        book.record(decided, &command);
        if DECISIONS <= number {
            micros.push(took.as_secs_f64() * 1e6);
        }
    }
    micros.sort_by(f64::total_cmp);
    Ok(percentile(&micros, 99))
}

fn execute(book: &mut Book, at: Time, command: &Command, bytes: &mut Vec<u8>) -> Outcome {
    bytes.clear();
    match book.execute(at, command, bytes) {
        Verdict::Record(_, Came::Done) => Ok(()),
        other @ (Verdict::Record(..) | Verdict::Repeat(_) | Verdict::Reject(_)) => {
            Err(Failure::fault(format!("the rules were not set up: {other:?}")))
        }
    }
}

fn rehearsal_ms(at: Time, limits: &[Limit]) -> Outcome<f64> {
    let mut workload = Workload::new();
    workload.set_up(at, 1, Place::New, drop);
    let past = workload.history(at, REHEARSED);
    let began = Instant::now();
    let rehearsed = black_box(rehearse(limits, Time(0), &[], black_box(&past)));
    let took = began.elapsed();
    match rehearsed.iter().find(|it| **it != Rehearsed::Allowed) {
        None => Ok(took.as_secs_f64() * 1e3),
        Some(other) => Err(Failure::fault(format!("a payment would not have been made: {other:?}"))),
    }
}

/// The day, the week and the month of every zone.
fn calendar() -> impl Iterator<Item = Window> {
    ZONES.into_iter().flat_map(|name| {
        let zone = Zone::new(name).expect("the zone is in the table");
        [Period::Day, Period::Week, Period::Month].map(|period| Window::Calendar { period, zone })
    })
}

/// One day, two days, and so on.
fn rolling() -> impl Iterator<Item = Window> {
    (1..).map(|days| Window::Rolling { seconds: days * 86_400 })
}
