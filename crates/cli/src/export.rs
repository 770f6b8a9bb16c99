//! `export`: a book as plain double-entry text, for the accounting programs of others.

use crate::args::Export;
use crate::data::{Data, walk};
use crate::exit::{Exit, Failure, Outcome};
use crate::ledger::{Account, Ledger, Movement, Referred};
use crate::output::Output;
use crate::words;
use book::{Code, Entry, Seq};
use server::answer::{name, name_of_action};
use server::convert::time_text;
use std::collections::BTreeSet;
use std::fmt::Write;

/// Prints the book as a Beancount file (<https://beancount.github.io>).
///
/// The operator keeps these books: what is in wallets and with payees is owed, the world is an asset, fees are income.
/// The last lines assert every balance, so that whoever reads the file counts again.
pub(crate) fn run(output: &Output, args: &Export) -> Outcome {
    let journal = Data::at(&args.directory)?.read()?;
    let wrong = |seq: Seq, why: &dyn std::fmt::Display| {
        Failure::new(Exit::False, format!("entry {} is wrong: {why}", seq.0))
    };
    let bar = output.progress(journal.next().0.saturating_mul(2), "exporting");
    let mut referred = Referred::default();
    walk(&journal, Seq(0), |frame| {
        for (seq, bytes) in frame.entries() {
            referred.note(&Entry::from_bytes(bytes).map_err(|why| wrong(seq, &why))?);
        }
        bar.set_position(frame.next().0);
        Ok(())
    })?;
    let mut ledger = Ledger::new(referred);
    let mut opened = BTreeSet::new();
    let mut date = String::new();
    output.product("option \"title\" \"Tollbridge\"\n\n");
    walk(&journal, Seq(0), |frame| {
        let mut text = String::new();
        for (seq, bytes) in frame.entries() {
            let entry = Entry::from_bytes(bytes).map_err(|why| wrong(seq, &why))?;
            let movements = ledger.count(&entry).map_err(|why| wrong(seq, &why))?;
            date = day(&entry);
            declare(&mut text, &ledger, &entry, &date);
            transaction(&mut text, &ledger, &entry, &movements, &date, &mut opened);
        }
        output.product(&text);
        bar.inc(u64::from(frame.count()));
        Ok(())
    })?;
    bar.finish_and_clear();
    output.product(&balances(&ledger, &date));
    Ok(())
}

/// A commodity for each asset.
fn declare(text: &mut String, ledger: &Ledger, entry: &Entry, date: &str) {
    if let book::Action::RegisterAsset(it) = &entry.command.action
        && ledger.scales().contains_key(&it.code)
    {
        line(text, format_args!("{date} commodity {}\n  scale: {}", commodity(it.code), it.scale));
    }
}

fn transaction(
    text: &mut String,
    ledger: &Ledger,
    entry: &Entry,
    movements: &[Movement],
    date: &str,
    opened: &mut BTreeSet<Account>,
) {
    if movements.is_empty() {
        return;
    }
    for account in movements.iter().flat_map(|it| [it.from, it.to]) {
        if opened.insert(account) {
            line(text, format_args!("{date} open {}", account_name(account)));
        }
    }
    let (action, _) = name_of_action(&entry.command.action);
    let (outcome, _) = words::outcome(&entry.outcome);
    line(text, format_args!("{date} * \"{action}\" \"{} {outcome}\"", name(&entry.command)));
    line(text, format_args!("  entry: {}\n  at: \"{}\"", entry.seq.0, time_text(entry.at)));
    for it in movements {
        let amount = number(ledger, i128::try_from(it.minor).expect("an amount fits"), it.asset);
        line(text, format_args!("  {}  {amount}", account_name(it.from)));
        line(text, format_args!("  {}  -{amount}", account_name(it.to)));
    }
    text.push('\n');
}

/// Asserts every balance, on the day after the last entry: assertions hold at the beginning of their day.
fn balances(ledger: &Ledger, date: &str) -> String {
    let mut text = String::new();
    let Some(next) = next_day(date) else { return text };
    for (account, asset, balance) in ledger.balances() {
        let amount = number(ledger, -balance, asset);
        line(&mut text, format_args!("{next} balance {}  {amount}", account_name(account)));
    }
    text
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("a text takes what is written to it");
}

fn day(entry: &Entry) -> String {
    time_text(entry.at).chars().take(10).collect()
}

fn next_day(date: &str) -> Option<String> {
    let date: jiff::civil::Date = date.parse().ok()?;
    Some(date.tomorrow().ok()?.to_string())
}

fn account_name(account: Account) -> String {
    let digits = |id: String| id.split_once('_').map_or(id.clone(), |(_, digits)| digits.to_owned());
    match account {
        Account::World => "Assets:World".to_owned(),
        Account::Fees => "Income:Fees".to_owned(),
        Account::Transit => "Liabilities:PayoutsInTransit".to_owned(),
        Account::Wallet(wallet) => format!("Liabilities:Wallets:{}", digits(wallet.to_string())),
        Account::Payee(payee) => format!("Liabilities:Payees:{}", digits(payee.to_string())),
    }
}

/// Beancount writes commodities in capitals, with a letter in front and a letter or digit behind.
fn commodity(code: Code) -> String {
    let allowed =
        |c: char| if c.is_ascii_alphanumeric() || "._-'".contains(c) { c.to_ascii_uppercase() } else { '-' };
    let text: String = code.as_str().chars().map(allowed).collect();
    let plain = text.len() > 1
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric());
    if plain { text } else { format!("X{text}X") }
}

/// An amount with its decimals, exactly.
fn number(ledger: &Ledger, minor: i128, asset: Code) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    let words = ledger.money(minor.unsigned_abs(), asset).in_words();
    let digits = words.split(' ').next().unwrap_or_default();
    format!("{sign}{digits} {}", commodity(asset))
}
