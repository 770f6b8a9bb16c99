//! Random rows over a small world: whatever is asked, debits equal credits, replay agrees, and the auditor finds nothing.
//!
//! A failing table is printed as rows; put `check("…")` around it and it is a test.

use book::{Book, Command, Entry, Id, Restoring};
use proptest::prelude::*;
use proptest::sample::select;
use sim::table::run;
use std::collections::BTreeMap;
use std::convert::Infallible;

const WORLD: &str = "
    at       2026-03-28T20:00:00Z
    asset    CNY/2
    asset    USD/2
    owner    O1
    owner    O2
    wallet   W1 O1 600                   limits: day 400 Europe/Berlin; never M5
    wallet   W2 O2 600
    payee    M1 food
    payee    M2 toys fee 333333
    payee    M3 food fee 6250 owner O2
    payee    M4 food known-from document
    payee    M5 food
    payee    M6 food asset USD
    agent    A1 W1                       limits: per-payment 200; total 500; rolling 6h 250; times 9 1d
    agent    A2 W1                       limits: ask-above 50; ask-first; uses 9; week 300 UTC
    agent    A3 W1
    agent    A4 W2                       limits: per-payment 300; month 500 Asia/Shanghai
    sub      S1 W1 A1                    limits: only-for food
    mandate  D1 W1 A1 until +2d          limits: total 200; day 120 Europe/Berlin
    mandate  D2 W1 A2 from +3h           limits: rolling 1h 90; only M1,M2
    mandate  D3 W2 A4                    limits: ask-above 20; uses 3
    mandate  D7 W1 A2                    limits: price-at-most M1 cart 60 2h; uses 4
    delegate D8 D1 A2                    limits: total 150; times 5 2h
    delegate D9 D8 A3 by A2              limits: per-payment 60
    transfer X0 W1 S1 150
";

/// Who pays from what by which permission: mostly somebody who may.
const PAYERS: [&str; 20] = [
    "A1 W1 -", "A1 W1 -", "A1 W1 D1", "A1 W1 D1", "A1 S1 -", "A1 S1 D1", "A2 W1 -", "A2 W1 D2", "A2 W1 D2",
    "A3 W1 -", "A4 W2 -", "A4 W2 D3", "A4 W2 D3", "O1 W1 -", "A2 S1 D1", "O2 W1 D3", "A2 W1 D8", "A2 W1 D8",
    "A3 W1 D9", "A3 W1 D9",
];
const PAYEES: [&str; 12] =
    ["M1", "M1", "M1", "M2", "M2", "M3", "M4", "M5", "M6", "M1=2,M2=1", "M3=1,M1=1,M2=1", "M2=1"];
const AMOUNTS: [u32; 14] = [0, 1, 1, 2, 7, 7, 20, 21, 50, 51, 90, 120, 200, 201];
const OTHERS: [&str; 12] = ["", "", "", "", "", "", "", "by O1", "by OP", "by O2", "by M2", "by A1"];
const LIMITS: [&str; 6] = [
    "",
    "limits: total 300",
    "limits: day 100 Europe/Berlin; uses 9",
    "limits: week 200 UTC; rolling 6h 90",
    "limits: month 250 Asia/Shanghai; ask-above 10",
    "limits: times 3 1h; per-payment 60",
];
const STOPPED: [&str; 10] = ["O1", "W1", "S1", "A1", "A2", "D1", "D2", "M1", "A4", "D8"];
const ENDS: [(&str, &str); 9] = [
    ("W1 S1", ""),
    ("S1 W1", ""),
    ("W1 world", "fresh"),
    ("W1 world", ""),
    ("world W1", ""),
    ("M1 world", "by M1"),
    ("M3 W2", "by O2"),
    ("fees world", ""),
    ("world W2", "by O2"),
];

/// A row. `P+` is a new payment, hold or meter, `H~7` one of the holds so far.
fn row() -> impl Strategy<Value = String> {
    let purchase = || {
        let question = prop_oneof![
            6 => Just(String::new()),
            1 => (0..9u32).prop_map(|n| format!("approval Q~{n}")),
        ];
        let parts = (select(&PAYERS[..]), select(&PAYEES[..]), select(&AMOUNTS[..]), question);
        parts.prop_map(|(payer, payee, amount, question)| format!("{payer} {payee} {amount} {question}"))
    };
    let by = || select(&OTHERS[..]);
    let amount = || select(&AMOUNTS[..]);
    let bought = || (select(vec!["P", "H", "H", "T"]), 0..9u32).prop_map(|(kind, n)| format!("{kind}~{n}"));
    prop_oneof![
        12 => purchase().prop_map(|p| format!("pay P+ {p}")),
        1 => (0..9u32, purchase()).prop_map(|(n, p)| format!("pay P~{n} {p}")),
        9 => (purchase(), select(vec!["1h", "5h", "2d"])).prop_map(|(p, until)| format!("hold H+ {p} until +{until}")),
        5 => (purchase(), select(vec!["up", "down", "half-up"]))
            .prop_map(|(p, round)| format!("meter T+ {p} rates 700000000,3 round {round} until +4h")),
        8 => (0..9u32, amount(), select(vec!["", "last"]), by())
            .prop_map(|(n, amount, last, by)| format!("capture H~{n} {amount} {last} {by}")),
        3 => (bought(), by()).prop_map(|(id, by)| format!("void {id} {by}")),
        1 => (bought(), by()).prop_map(|(id, by)| format!("redeem {id} goods {by}")),
        1 => bought().prop_map(|id| format!("expire {id}")),
        7 => (0..9u32, 1..20u32, 0..40u32, by())
            .prop_map(|(n, sequence, units, by)| format!("charge T~{n} #{sequence} {units},{sequence} {by}")),
        2 => (0..9u32, by()).prop_map(|(n, by)| format!("close T~{n} {by}")),
        6 => (bought(), amount(), by()).prop_map(|(id, amount, by)| format!("refund R+ {id} {amount} {by}")),
        6 => (0..9u32, by()).prop_map(|(n, by)| format!("approve Q~{n} {by}")),
        1 => (0..9u32, by()).prop_map(|(n, by)| format!("refuse Q~{n} {by}")),
        3 => (0..9u32).prop_map(|n| format!("approve Q~{n} alike until +5h fresh")),
        6 => (0..9u32).prop_map(|n| format!("again {n}")),
        2 => (select(vec!["W1", "A1", "A2", "A3", "D1", "D2", "S1", "D8", "D9"]), 0..4u32, select(&LIMITS[..]))
            .prop_map(|(of, version, limits)| format!("set-limits {of} v{version} {limits}")),
        1 => (4..8u32, select(vec!["A1", "A2"]), select(&LIMITS[..]), select(vec!["", "reset fresh"]))
            .prop_map(|(n, agent, limits, reset)| format!("mandate D{n} W1 {agent} {reset} {limits}")),
        1 => (4..8u32, select(vec!["D1", "D2", "D8", "D9"]), select(vec!["A1", "A2", "A3", "A4"]),
            select(vec!["", "limits: total 90", "limits: only M1; per-payment 40", "limits: uses 2"]),
            select(vec!["", "by A1", "by A2"]))
            .prop_map(|(n, of, agent, limits, by)| format!("delegate D{n} {of} {agent} until +3h {by} {limits}")),
        1 => (4..8u32, select(vec!["A1", "A2", "A3"]), amount())
            .prop_map(|(n, agent, amount)| format!("pay P+ {agent} W1 D{n} M1 {amount}")),
        1 => (select(&STOPPED[..]), select(vec!["by OP", ""])).prop_map(|(of, by)| format!("freeze {of} {by}")),
        4 => select(&STOPPED[..]).prop_map(|of| format!("unfreeze {of} {}", if of == "M1" { "" } else { "fresh" })),
        1 => select(vec!["D1", "D2", "D4", "D5", "D8"]).prop_map(|of| format!("stranger mandate {of} O1\nrevoke {of}")),
        2 => (select(&ENDS[..]), amount())
            .prop_map(|((ends, by), amount)| format!("transfer X+ {ends} {amount} {by}")),
        3 => (select(vec!["M1", "M1", "M4"]), select(vec!["cart", "tv"]), amount(), 0..3u32, by())
            .prop_map(|(of, item, price, stock, by)| format!("observe {of} {item} {price} stock {stock} {by}")),
        3 => (amount(), select(vec!["cart", "tv"]), select(vec!["M1", "M4", "M1=1"]))
            .prop_map(|(amount, item, payee)| format!("pay P+ A2 W1 D7 {payee} {amount} ref {item}")),
        1 => (0..9u32, by()).prop_map(|(n, by)| format!("present +{n}us {by}")),
        4 => select(vec!["1s", "20m", "1h", "3h", "7h", "1d"]).prop_map(|time| format!("advance +{time}")),
    ]
}

fn table() -> impl Strategy<Value = String> {
    // Some tables end with the closing of the sub-account, and with it of its agent.
    let rows = (proptest::collection::vec(row(), 1..100), any::<bool>());
    rows.prop_map(|(mut rows, closes)| {
        if closes {
            rows.insert(rows.len() / 2, "close-wallet S1".to_owned());
        }
        let mut made = BTreeMap::new();
        let mut purchases: Vec<String> = Vec::new();
        let rows = rows.into_iter().map(|row| {
            let row = again(&row, &purchases).unwrap_or(row);
            let row = row.split(' ').map(|word| numbered(word, &mut made)).collect::<Vec<_>>().join(" ");
            if row.starts_with("pay") || row.starts_with("hold") || row.starts_with("meter") {
                purchases.push(row.clone());
            }
            if row.starts_with("advance") { row } else { format!("{row}   whatever") }
        });
        format!("{WORLD}\n{}", rows.collect::<Vec<_>>().join("\n"))
    })
}

/// The row that asks again for one of the purchases, with the approval of its question: `again 3`.
fn again(row: &str, purchases: &[String]) -> Option<String> {
    let number: usize = row.strip_prefix("again ")?.parse().ok()?;
    let place = purchases.len().checked_sub(1 + number % purchases.len().max(1));
    let Some(purchase) = place.map(|place| &purchases[place]) else { return Some("approve P0".to_owned()) };
    let (verb, rest) = purchase.split_once(' ')?;
    let (name, rest) = rest.split_once(' ')?;
    let rest = rest.split(" approval ").next()?;
    Some(format!("{verb} {}+ {rest} approval {name}", &name[..1]))
}

/// Replaces `P+` by the next payment, and `P~3` by one of those that were made.
fn numbered(word: &str, made: &mut BTreeMap<String, Vec<String>>) -> String {
    if let Some(kind) = word.strip_suffix('+').filter(|kind| kind.len() == 1) {
        let of_kind = made.entry(kind.to_owned()).or_default();
        let name = format!("{kind}{}", of_kind.len() + 1);
        of_kind.push(name.clone());
        if "PHT".contains(kind) {
            made.entry("Q".to_owned()).or_default().push(name.clone());
        }
        return name;
    }
    let Some((kind, number)) = word.split_once('~') else { return word.to_owned() };
    let number: usize = number.parse().expect("a number");
    let of_kind = made.get(kind).map_or(&[][..], Vec::as_slice);
    // Mostly the latest ones.
    let place = of_kind.len().checked_sub(1 + number % of_kind.len().max(1));
    place.map_or(format!("{kind}0"), |place| of_kind[place].clone())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_asked_the_auditor_finds_nothing(table in table()) {
        let run = run(&table).map_err(|wrong| TestCaseError::fail(format!("{wrong}\n{table}")))?;
        run.audit().map_err(|wrong| TestCaseError::fail(format!("{wrong}\n{table}")))?;
    }
}

/// A book as it would be saved.
fn saved(book: &Book) -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    let Ok(()) = book.save(|piece| {
        pieces.push(piece.to_vec());
        Ok::<(), Infallible>(())
    });
    pieces
}

fn restored(pieces: &[Vec<u8>]) -> Book {
    let mut restoring = Restoring::default();
    pieces.iter().for_each(|piece| restoring.take(piece).expect("a piece"));
    restoring.finish().expect("a book")
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_was_asked_a_saved_book_decides_the_same(table in table(), cut in 0..999usize) {
        let run = run(&table).map_err(|wrong| TestCaseError::fail(format!("{wrong}\n{table}")))?;
        let cut = cut % (run.entries.len() + 1);
        let mut book = Book::default();
        let mut other = restored(&saved(&book));
        for (place, bytes) in run.entries.iter().enumerate() {
            if place == cut {
                other = restored(&saved(&book));
            }
            let entry = Entry::from_bytes(bytes).expect("an entry");
            let new = Command { id: Id([place as u8; 16]), ..entry.command.clone() };
            for command in [&entry.command, &new] {
                let (one, two) = (book.decide(entry.at, command), other.decide(entry.at, command));
                prop_assert_eq!(one.decision(), two.decision(), "entry {} of\n{}", place, table);
            }
            book.follow(&entry).expect("the next entry");
            other.follow(&entry).expect("the next entry");
        }
        prop_assert!(saved(&book) == saved(&other), "cut at {cut}\n{table}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_asked_every_journal_holds_the_same(table in table()) {
        let run = run(&table).map_err(|wrong| TestCaseError::fail(format!("{wrong}\n{table}")))?;
        run.confirm().map_err(|wrong| TestCaseError::fail(format!("{wrong}\n{table}")))?;
    }
}
