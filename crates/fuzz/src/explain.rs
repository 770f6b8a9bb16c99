//! Explaining: whatever a stranger sends, something short is said of it, and nothing that hides or turns what is shown.
#![no_main]

use protocols::explain::{Answer, answer, text};
use protocols::limits::EXPLAINED_TEXT_CHARS_MAX;
use protocols::{Time, is_hidden};

fuzz::target!(|bytes: &[u8]| {
    let now = Time::from_seconds(1_795_430_850);
    let headers = String::from_utf8_lossy(bytes);
    let headers = headers.lines().filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect();
    let whole = Answer { status: 402, headers, body: bytes, asked: Some("https://shop.example/") };
    for one in text(bytes, now).into_iter().chain(answer(&whole, now)) {
        let facts = one.facts.iter().map(|(_, value)| value);
        for said in facts
            .chain(&one.wrong)
            .chain([&one.what])
            .chain(one.costs.iter().flat_map(|c| [&c.amount, &c.way]))
        {
            assert!(!said.chars().any(is_hidden), "{said:?}");
            assert!(said.chars().count() <= EXPLAINED_TEXT_CHARS_MAX + 1, "{said:?}");
        }
    }
});
