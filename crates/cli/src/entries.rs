//! `entries`: what is in a journal, in words.

use crate::args::Entries;
use crate::data::{Data, walk};
use crate::exit::{Exit, Failure, Outcome};
use crate::ledger::{Ledger, Movement, Referred};
use crate::output::Output;
use crate::words;
use book::{Entry, Seq};
use serde::Serialize;
use server::routes::entries::entry_text;
use wire::money::Money;

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    entry: wire::entry::Entry,
    movements: Vec<Moved>,
}

#[derive(Serialize)]
struct Moved {
    from: String,
    to: String,
    amount: Money,
}

/// Prints entries.
pub(crate) fn run(output: &Output, args: &Entries) -> Outcome {
    let journal = Data::at(&args.directory)?.read()?;
    let end = args.from.saturating_add(args.limit);
    let wrong = |seq: Seq| Failure::new(Exit::False, format!("entry {} is no entry", seq.0));
    let mut referred = Referred::default();
    walk(&journal, Seq(0), |frame| {
        for (seq, bytes) in frame.entries().take_while(|(seq, _)| seq.0 < end) {
            referred.note(&Entry::from_bytes(bytes).map_err(|_| wrong(seq))?);
        }
        Ok(())
    })?;
    // What an entry moved may depend on what an earlier one held.
    let mut ledger = Ledger::new(referred);
    let mut livemode = false;
    walk(&journal, Seq(0), |frame| {
        for (seq, bytes) in frame.entries().take_while(|(seq, _)| seq.0 < end) {
            let entry = Entry::from_bytes(bytes).map_err(|_| wrong(seq))?;
            if let book::Action::OpenBook(open) = &entry.command.action {
                livemode = !open.test;
            }
            let movements = ledger.count(&entry);
            let movements =
                movements.map_err(|why| Failure::new(Exit::False, format!("entry {}: {why}", seq.0)))?;
            if args.from <= seq.0 {
                show(output, &ledger, &entry, entry_text(&entry, bytes, livemode), &movements);
            }
        }
        Ok(())
    })
}

fn show(output: &Output, ledger: &Ledger, entry: &Entry, text: wire::entry::Entry, movements: &[Movement]) {
    let moved = |it: &Movement| Moved {
        from: words::account(it.from),
        to: words::account(it.to),
        amount: ledger.money(it.minor, it.asset),
    };
    let time = text.at.split_once('.').map_or(text.at.as_str(), |(seconds, _)| seconds).replace('T', " ");
    let outcome = match words::outcome(&entry.outcome) {
        (word, None) => output.good(word),
        (word, Some(code)) => format!("{} {code}", output.bad(word)),
    };
    let money: Vec<String> = movements.iter().map(|it| words::movement(ledger, it)).collect();
    let by = words::short(&text.by);
    let line = format!(
        "{:>6}  {}  {by} {} {}",
        text.entry,
        output.faint(&time),
        text.action,
        words::short(&text.id)
    );
    output.line(format!(
        "{line}: {outcome}{}",
        if money.is_empty() { String::new() } else { format!("  {}", money.join(", ")) }
    ));
    output.object(&Shown { entry: text, movements: movements.iter().map(moved).collect() });
}
