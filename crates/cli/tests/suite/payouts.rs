//! Payouts on the command line: from the seller's account to the bank's file, in the statement and in the whole journal.

use crate::books::{Directory, complained, printed, tollbridge};
use crate::dev::Dev;
use serde_json::Value;
use std::fs;
use std::time::Duration;

const ACCOUNT: [&str; 4] = ["--holder", "Mulberry & Sons", "--number", "6222 0212 3456 7890"];

#[test]
fn what_a_seller_collected_is_paid_out_and_accounted_for() {
    let directory = Directory::new();
    let at = directory.0.join("dev");
    let dev = Dev::anywhere(&at.display().to_string());
    dev.buy("one-page");
    let (seller_key, book) = (at.join("weather-seller.json"), at.join("book"));
    let ask = |words: &[&str], key: &std::path::Path| {
        let key = key.display().to_string();
        tollbridge(&[words, &["--server", dev.text("server"), "--key", &key]].concat())
    };
    let well = |words: &[&str], key: &std::path::Path| {
        let done = ask(words, key);
        assert_eq!(done.status.code(), Some(0), "{words:?}: {}", complained(&done));
        printed(&done)
    };
    let seller = |words: &[&str]| well(&[&["seller"], words].concat(), &seller_key);
    let operator = |words: &[&str]| well(&[&["payout"], words].concat(), &book);
    let available = || {
        let shown: Value = serde_json::from_str(&seller(&["payout", "show", "--json"])).expect("it is JSON");
        shown
    };
    // What was delivered is collected a moment later.
    let standing = (0..200).map(|_| available()).find(|shown| {
        std::thread::sleep(Duration::from_millis(50));
        shown["available"]["amount"] == "1"
    });
    let standing = standing.expect("the sale is collected");
    let payee = standing["payee"].as_str().expect("a seller has a name");

    let early = ask(&["seller", "payout", "request", "0.01"], &seller_key);
    assert_eq!(early.status.code(), Some(3), "{}", complained(&early));
    assert!(complained(&early).contains("Nothing was paid out"), "{}", complained(&early));
    operator(&[&["account", payee], &ACCOUNT[..]].concat());
    let asked = seller(&["payout", "request", "0.01"]);
    let payout = asked.trim().rsplit(' ').next().expect("it is named").to_owned();
    assert!(seller(&["payout", "show"]).contains("•••• 7890"));

    let file = directory.0.join("bank.xml").display().to_string();
    let export = |out: &str| {
        let from = ["--holder", "Operator", "--iban", "GB82 WEST 1234 5698 7654 32", "--on", "2026-11-24"];
        operator(&[&["export", "--asset", "CNY/2", "--out", out], &from[..]].concat())
    };
    export(&file);
    let xml = fs::read_to_string(&file).expect("it is written");
    assert!(xml.contains("<InstdAmt Ccy=\"CNY\">0.01</InstdAmt>"), "{xml}");
    assert!(xml.contains(&payout) && xml.contains("6222021234567890"), "{xml}");
    // A second file does not pay it twice.
    let second = directory.0.join("again.xml").display().to_string();
    assert!(export(&second).contains("nothing waits"));
    assert!(!std::path::Path::new(&second).exists());

    let statement = seller(&["statement"]);
    assert!(statement.contains(&format!(",payout,{payout},-0.01,CNY,0.00")), "{statement}");
    operator(&["fail", &payout, "--why", "account closed"]);
    let statement = seller(&["statement"]);
    assert!(statement.contains(&format!(",payout returned,{payout},0.01,CNY,0.01")), "{statement}");
    assert!(seller(&["payout", "list"]).contains("account closed"));
    let asked = seller(&["payout", "request", "0.01"]);
    let payout = asked.trim().rsplit(' ').next().expect("it is named").to_owned();
    operator(&["settle", &payout, "--reference", "TX-4711"]);
    assert!(operator(&["list"]).contains("TX-4711"));
    assert!(seller(&["statement"]).lines().last().is_some_and(|line| line.ends_with(",CNY,0.00")));
    drop(dev);
    // Somebody who only reads entries comes to the same.
    let verified = tollbridge(&["verify", &book.display().to_string()]);
    assert_eq!(verified.status.code(), Some(0), "{}", complained(&verified));
}
