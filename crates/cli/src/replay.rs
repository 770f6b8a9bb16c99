//! `replay`: a book computed again from its journal, and what today's rules would have decided otherwise.

use crate::args::Replay;
use crate::bench::machine::resident_bytes;
use crate::data::{Data, walk};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::Output;
use book::{Book, Decision, Entry, Seq};
use evidence::{Frontier, leaf_hash};
use serde::Serialize;
use server::answer::name_of_action;
use std::time::Instant;

/// An entry that would have another outcome today.
#[derive(Serialize)]
struct Difference {
    entry: u64,
    action: &'static str,
    recorded: String,
    today: String,
}

#[derive(Serialize)]
struct Report {
    replayed: u64,
    differences: Option<u64>,
    root: String,
    entries_per_second: u64,
    /// With the book in it: what `bench` reads.
    resident_bytes: u64,
}

/// Replays a journal.
pub(crate) fn run(output: &Output, args: &Replay) -> Outcome {
    let journal = Data::at(&args.directory)?.read()?;
    let (began, mut book, mut differences) = (Instant::now(), Book::default(), 0u64);
    let mut frontier = Frontier::default();
    let bar = output.progress(journal.next().0, "replaying");
    walk(&journal, Seq(0), |frame| {
        for (seq, bytes) in frame.entries() {
            if args.against
                && let Some(difference) = differs(&book, seq, bytes)?
            {
                differences += 1;
                bar.suspend(|| show(output, &difference));
            }
            book.replay(bytes).map_err(|why| wrong(seq, why))?;
            frontier.push(leaf_hash(bytes));
        }
        bar.set_position(frame.next().0);
        Ok(())
    })?;
    bar.finish_and_clear();
    let replayed = book.head().seq.0;
    let rate = rate(replayed, began.elapsed().as_secs_f64());
    let differences = args.against.then_some(differences);
    let report = Report {
        replayed,
        differences,
        root: frontier.root().to_string(),
        entries_per_second: rate,
        resident_bytes: resident_bytes(),
    };
    output.line(format!("{replayed} entries replayed, {rate} a second; root {}", report.root));
    output.object(&report);
    match differences {
        None => {}
        Some(0) => output.line(format!("{} today's rules decide every entry the same", output.good("same"))),
        Some(count) => {
            output.line(format!(
                "{count} entries would be decided otherwise today; the recorded outcomes stand"
            ));
            return Err(Failure::said(Exit::False));
        }
    }
    Ok(())
}

/// What today's rules say of an entry, where it is not what was recorded.
fn differs(book: &Book, seq: Seq, bytes: &[u8]) -> Outcome<Option<Difference>> {
    let entry = Entry::from_bytes(bytes).map_err(|why| wrong(seq, why))?;
    let decided = book.decide(entry.at, &entry.command);
    let today = match decided.decision() {
        Decision::Record(outcome) if *outcome == entry.outcome => return Ok(None),
        Decision::Record(outcome) => words(outcome),
        Decision::Repeat(seq) => format!("repeat of entry {}", seq.0),
        Decision::Reject(reject) => format!("rejected, {}", reject.code()),
    };
    let (action, _) = name_of_action(&entry.command.action);
    Ok(Some(Difference { entry: seq.0, action, recorded: words(&entry.outcome), today }))
}

fn show(output: &Output, it: &Difference) {
    output.line(format!("entry {}  {}: recorded {}, today {}", it.entry, it.action, it.recorded, it.today));
    output.object(it);
}

fn words(outcome: &book::Outcome) -> String {
    match crate::words::outcome(outcome) {
        (word, None) => word.to_owned(),
        (word, Some(code)) => format!("{word}, {code}"),
    }
}

fn wrong(seq: Seq, why: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::False, format!("entry {} is wrong: {why}", seq.0))
}

/// So many a second.
pub(crate) fn rate(count: u64, seconds: f64) -> u64 {
    // Whole numbers a second, of at most 2^53 things: exact enough for people.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let rate = (count as f64 / seconds.max(1e-9)).round() as u64;
    rate
}
