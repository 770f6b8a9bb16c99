//! Entries in words, money first: what `entries` prints and the other commands borrow.

use crate::ledger::{Account, Ledger, Movement};
use book::Outcome;

/// The word for an outcome, and the code of the reason where it has one.
pub(crate) fn outcome(outcome: &Outcome) -> (&'static str, Option<&'static str>) {
    match outcome {
        Outcome::Done => ("done", None),
        Outcome::Paid(_) => ("paid", None),
        Outcome::Held(_) => ("held", None),
        Outcome::Captured(_) => ("captured", None),
        Outcome::Released(_) => ("released", None),
        Outcome::Refunded(_) => ("refunded", None),
        Outcome::Charged(_) => ("charged", None),
        Outcome::Settled(_) => ("settled", None),
        Outcome::Subscribed(_) => ("subscribed", None),
        Outcome::Invoiced(_) => ("invoiced", None),
        Outcome::Credited(_) => ("credited", None),
        Outcome::Asked(question) => ("asked", Some(question.ask.code())),
        Outcome::Denied(refusal) => ("denied", Some(refusal.denial.code())),
    }
}

/// A movement, such as `0.50 CNY  wal_… → pye_…`.
pub(crate) fn movement(ledger: &Ledger, it: &Movement) -> String {
    let money = ledger.money(it.minor, it.asset).in_words();
    format!("{money}  {} → {}", short(&it.from.to_string()), short(&it.to.to_string()))
}

/// An id short enough for a line: its kind and its last six characters.
pub(crate) fn short(id: &str) -> String {
    match id.split_once('_') {
        Some((kind, rest)) if rest.len() == 26 => format!("{kind}_…{}", rest.get(20..).unwrap_or(rest)),
        Some(_) | None => id.to_owned(),
    }
}

/// An account's name in text that other programs read.
pub(crate) fn account(account: Account) -> String {
    account.to_string()
}
