//! `verify`: whether a journal is whole, follows from itself, adds up, and is what the log's key signed. Offline, but for
//! the log of a server.

mod bill;
mod credential;
pub(crate) mod damage;
mod log;
pub(crate) mod receipt;
pub(crate) mod terms;

use crate::args::Verify;
use crate::data::{Data, Leaves, walk};
use crate::exit::{Exit, Failure, Outcome};
use crate::ledger::{Account, Ledger, Referred};
use crate::output::Output;
use book::{Book, Entry, Seq};
use engine::journal::Frame;
use evidence::{Checkpoint, Frontier, Hash, KeyHistory, leaf_hash};
use indicatif::ProgressBar;
use serde::Serialize;
use std::time::Instant;
use wire::money::Money;

/// What was verified.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    verified: &'static str,
    pub(crate) entries: u64,
    pub(crate) root: String,
    pub(crate) checkpoint_size: u64,
    pub(crate) origin: String,
    pub(crate) accounts: u64,
    pub(crate) outside: Vec<Money>,
    seconds: f64,
}

/// Verifies a data directory, the receipt or credential in a file, or the log of a server.
pub(crate) fn run(output: &Output, args: &Verify) -> Outcome {
    let Some(path) = &args.path else { return log::verify(output, args) };
    if let Some(keys) = &args.jwks {
        return credential::verify(output, path, keys);
    }
    if let Some(keys) = &args.seller_keys {
        return bill::verify(output, path, keys, args.body.as_deref());
    }
    if path.is_file() {
        return receipt::verify(output, path, &receipt::keys(args)?);
    }
    let data = Data::at(path)?;
    let keys = given_keys(args)?.map_or_else(|| data.log_keys(), Ok)?;
    let report = directory(output, &data, &keys, args.checkpoint.as_deref())?;
    output.line(format!(
        "{} {} entries follow from each other, and every one is in the log that `{}` signed at {}",
        output.good("✓"),
        report.entries,
        report.origin,
        report.checkpoint_size,
    ));
    output.line(format!("     root {}", report.root));
    let outside: Vec<String> = report.outside.iter().map(Money::in_words).collect();
    let outside = if outside.is_empty() { "nothing".to_owned() } else { outside.join(", ") };
    output.line(format!(
        "     {} accounts add up and none owes; brought in from outside: {outside}",
        report.accounts
    ));
    output.object(&report);
    Ok(())
}

/// Verifies all of a data directory.
pub(crate) fn directory(
    output: &Output,
    data: &Data,
    keys: &KeyHistory,
    checkpoint: Option<&std::path::Path>,
) -> Outcome<Report> {
    let began = Instant::now();
    let note = match checkpoint {
        Some(path) => std::fs::read_to_string(path)
            .map_err(|fault| Failure::fault(format!("`{}`: {fault}", path.display())))?,
        None => data.checkpoint().ok_or_else(|| {
            is_false("there is no signed checkpoint in `log/`; give one you kept with `--checkpoint FILE`")
        })?,
    };
    let signed = keys.verify(&note);
    let signed = signed.map_err(|why| is_false(format!("the checkpoint is false: {why}")))?.into_inner();
    let journal = data.read()?;
    let size = journal.next().0;

    let mut referred = Referred::default();
    let bar = output.progress(size.saturating_mul(2), "verifying");
    walk(&journal, Seq(0), |frame| {
        for (seq, bytes) in frame.entries() {
            referred.note(&Entry::from_bytes(bytes).map_err(|why| wrong(seq, why))?);
        }
        bar.set_position(frame.next().0);
        Ok(())
    })?;

    let mut check = Check {
        book: Book::default(),
        frontier: Frontier::default(),
        ledger: Ledger::new(referred),
        leaves: data.leaves(),
        signed: &signed,
        is_met: signed.size == 0,
    };
    walk(&journal, Seq(0), |frame| check.frame(frame, &bar, size))?;
    bar.finish_and_clear();
    if !check.is_met {
        let found =
            data.damage(&engine::JournalFault::BehindCheckpoint { entries: size, checkpoint: signed.size });
        return Err(is_false(found));
    }
    check.agrees()?;
    let world = |(account, asset, balance): (Account, _, i128)| {
        (account == Account::World).then(|| check.ledger.money(balance.unsigned_abs(), asset))
    };
    Ok(Report {
        verified: "journal",
        entries: size,
        root: check.frontier.root().to_string(),
        checkpoint_size: signed.size,
        origin: signed.origin.clone(),
        accounts: u64::try_from(check.ledger.balances().count()).unwrap_or(u64::MAX),
        outside: check.ledger.balances().filter_map(world).collect(),
        seconds: began.elapsed().as_secs_f64(),
    })
}

struct Check<'a> {
    book: Book,
    frontier: Frontier,
    ledger: Ledger,
    leaves: Leaves,
    signed: &'a Checkpoint,
    /// Whether the journal has been seen to have the signed root at the signed size.
    is_met: bool,
}

impl Check<'_> {
    fn frame(&mut self, frame: &Frame, bar: &ProgressBar, size: u64) -> Outcome {
        for (seq, bytes) in frame.entries() {
            let leaf = leaf_hash(bytes);
            if self.leaves.hash(seq).is_some_and(|logged| logged != leaf) {
                return Err(wrong(seq, "it is not the one that the log has"));
            }
            let entry = self.book.replay(bytes).map_err(|why| wrong(seq, why))?;
            self.frontier.push(leaf);
            self.ledger.count(&entry).map_err(|why| wrong(seq, why))?;
            if seq.next().0 == self.signed.size {
                self.meets(self.frontier.root(), seq)?;
            }
        }
        if self.frontier.root().0 != frame.root() {
            let before = frame.next().0;
            return Err(is_false(format!(
                "the entries before {before} do not have the root written behind them"
            )));
        }
        bar.set_position(size.saturating_add(frame.next().0));
        Ok(())
    }

    fn meets(&mut self, root: Hash, last: Seq) -> Outcome {
        if root != self.signed.root {
            return Err(is_false(format!(
                "entries 0 to {} are not the ones that were signed: their root is {root}, the checkpoint's {}",
                last.0, self.signed.root
            )));
        }
        self.is_met = true;
        Ok(())
    }

    /// The book's own balances are what the movements add up to (I1, I7).
    fn agrees(&self) -> Outcome {
        self.ledger.adds_up().map_err(is_false)?;
        for (account, asset, balance) in self.ledger.balances() {
            let of_asset = self.book.assets().find(|(known, ..)| known.code == asset);
            let of_book = match account {
                Account::World => of_asset.map(|(_, world, _)| world),
                Account::Fees => of_asset.map(|(.., fees)| fees),
                Account::Transit => self.book.in_transit().find(|row| row.0.code == asset).map(|row| row.1),
                Account::Wallet(wallet) => self.book.wallet_balance(wallet).map(|(_, balance)| balance),
                Account::Payee(payee) => self.book.payee_balance(payee).map(|(_, balance)| balance),
            };
            let of_book = of_book.and_then(|it| {
                let (credits, debits) = (it.credits.minor(), it.debits.minor());
                Some(i128::try_from(credits).ok()? - i128::try_from(debits).ok()?)
            });
            if of_book != Some(balance) {
                return Err(is_false(format!(
                    "`{account}` has another balance in the book than its movements make"
                )));
            }
        }
        Ok(())
    }
}

/// The log's keys that the command line gives, with those that they are shown to lead to.
fn given_keys(args: &Verify) -> Outcome<Option<KeyHistory>> {
    let Some(text) = &args.vkey else { return Ok(None) };
    let keys = KeyHistory::parse(text.trim()).map_err(|why| Failure::usage(format!("`--vkey`: {why}")))?;
    let Some(path) = &args.successions else { return Ok(Some(keys)) };
    let named = path.display();
    let successions =
        std::fs::read_to_string(path).map_err(|why| Failure::fault(format!("`{named}`: {why}")))?;
    follow(&keys, &successions).map(Some)
}

/// The keys, with those that successions lead to.
fn follow(keys: &KeyHistory, successions: &str) -> Outcome<KeyHistory> {
    keys.follow(successions).map_err(|why| is_false(format!("the log's successions are false: {why}")))
}

fn wrong(seq: Seq, why: impl std::fmt::Display) -> Failure {
    is_false(format!("entry {} is wrong: {why}", seq.0))
}

fn is_false(why: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::False, why)
}
