//! Each file in `vectors/explain` and what is said of it: adding a case is adding a file, and reading what is said.

use super::*;
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// After the payments in the files were made, and before they are over.
const NOW: Time = Time(1_795_430_850_000_000_000);

/// As the command line prints it.
fn told(found: &[Explained]) -> String {
    let mut text = String::new();
    for Explained { what, facts, costs, wrong, next } in found {
        writeln!(text, "{what}").unwrap();
        facts.iter().for_each(|(name, value)| writeln!(text, "  {name}: {value}").unwrap());
        for Cost { amount, bound, way, payer } in costs {
            writeln!(text, "  costs {} {amount}: {way}: {payer:?}", bound.in_words()).unwrap();
        }
        wrong.iter().for_each(|why| writeln!(text, "  WRONG {why}").unwrap());
        if !next.is_empty() {
            writeln!(text, "  next: {next}").unwrap();
        }
    }
    text
}

/// `UPDATE=1` writes what is said now.
#[test]
fn each_thing_is_told_as_it_was_reviewed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/explain");
    let mut count = 0;
    for file in fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|kind| kind != "txt") {
            continue;
        }
        count += 1;
        let said = told(&text(&fs::read(&path).unwrap(), NOW));
        let reviewed = path.with_extension("told");
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&reviewed, &said).unwrap();
        }
        assert_eq!(said, fs::read_to_string(&reviewed).unwrap_or_default(), "{}", path.display());
    }
    assert!(20 < count, "the files were not found");
}

#[test]
fn what_is_over_is_said_to_be_over() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/explain");
    for name in
        ["a402-bill", "a402-proof", "x402-payment", "payment-scheme-payment", "statement", "mandate-of-ap2"]
    {
        let bytes = fs::read(folder.join(format!("{name}.txt"))).unwrap();
        let is_over =
            |now| text(&bytes, now).iter().flat_map(|one| &one.wrong).any(|why| why.contains("is over"));
        assert!(!is_over(Time::from_seconds(1_795_429_999)), "{name}");
        assert!(is_over(Time::from_seconds(1_900_000_000)), "{name}");
    }
}

#[test]
fn a_demand_for_another_host_than_the_one_that_was_asked_is_wrong() {
    let body = br#"{"x402Version":2,"resource":{"url":"https://shop.example/a"},"accepts":[
        {"scheme":"exact","network":"toll:test","amount":"1","asset":"CNY","payTo":"p","maxTimeoutSeconds":9,
         "extra":{"decimals":2}}]}"#;
    let headers = vec![("cache-control".to_owned(), "no-store".to_owned())];
    for (asked, wrongs) in [
        ("https://shop.example/a?b", 0),
        ("https://shop.example", 0),
        ("https://shop.example.evil.example/a", 1),
        ("http://shop.example/a", 1),
        ("https://shop.example:444/a", 1),
    ] {
        let found = answer(&Answer { status: 402, headers: headers.clone(), body, asked: Some(asked) }, NOW);
        assert_eq!(found.iter().map(|one| one.wrong.len()).sum::<usize>(), wrongs, "{asked}: {found:?}");
    }
}

/// Found by fuzzing: an invoice whose last letter before the checksum is not one byte long.
#[test]
fn a_lightning_invoice_may_be_anything() {
    for (invoice, amount) in [
        ("lnbc2500u1p", "250000000 millisatoshi"),
        ("lnbc20m1p", "2000000000 millisatoshi"),
        ("lnbc10p1p", "1 millisatoshi"),
        ("lnbc2500é1p", "an amount that is not said"),
        ("lnbc1p", "an amount that is not said"),
        ("é1", "an amount that is not said"),
        ("", "an amount that is not said"),
    ] {
        let asked = format!("L402 macaroon=\"A\", invoice=\"{invoice}\"");
        assert_eq!(text(asked.as_bytes(), NOW)[0].costs[0].amount, amount, "{invoice}");
    }
}

#[test]
fn nothing_is_made_of_what_nobody_knows() {
    for unknown in
        ["", "hello", "{}", "[1]", "a.b.c", "Payment", "Accept: text/plain", "\u{0}", "~~~", "1.2.3"]
    {
        assert_eq!(text(unknown.as_bytes(), NOW), [], "{unknown:?}");
    }
    assert_eq!(text(&[0xff, 0xfe], NOW), []);
    assert_eq!(text(b"{\"a\":1,\"a\":2}", NOW)[0].wrong.len(), 1);
    assert_eq!(text(&vec![b'x'; EXPLAINED_BYTES_MAX + 1], NOW)[0].wrong.len(), 1);
}
