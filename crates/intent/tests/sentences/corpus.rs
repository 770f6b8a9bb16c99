//! Sentences with what a careful person expects of them, from `tests/corpus`.

use crate::facts::facts;
use intent::{Context, Currency, Draft, Refusal, compile};
use jiff::tz::TimeZone;

/// One sentence of the corpus.
pub(crate) struct Case {
    pub(crate) file: &'static str,
    pub(crate) line: usize,
    pub(crate) sentence: String,
    pub(crate) context: Context,
    pub(crate) expected: Vec<String>,
}

impl Case {
    pub(crate) fn draft(&self) -> Result<Draft, Refusal> {
        compile(&self.sentence, &self.context)
    }

    pub(crate) fn asks(&self) -> bool {
        self.expected.iter().any(|fact| fact.starts_with("ask ") || fact.starts_with("refuse "))
    }
}

/// Wednesday, 2026-11-18, 10:30 in Shanghai.
pub(crate) fn context(currency: &str, zone: &str) -> Context {
    Context {
        now: "2026-11-18T02:30:00Z".parse().unwrap(),
        zone: TimeZone::get(zone).unwrap(),
        currency: Currency::new(currency).unwrap(),
    }
}

pub(crate) fn cases() -> Vec<Case> {
    let english = parse("en.txt", include_str!("../corpus/en.txt"));
    english.into_iter().chain(parse("zh.txt", include_str!("../corpus/zh.txt"))).collect()
}

fn parse(file: &'static str, text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        if let Some(sentence) = line.strip_prefix("> ") {
            let context = context("CNY", "Asia/Shanghai");
            cases.push(Case {
                file,
                line: at + 1,
                sentence: sentence.to_owned(),
                context,
                expected: Vec::new(),
            });
        } else if let Some(place) = line.strip_prefix("@ ") {
            let (currency, zone) = place.split_once(' ').unwrap();
            cases.last_mut().unwrap().context = context(currency, zone);
        } else if !line.is_empty() && !line.starts_with('#') {
            cases.last_mut().unwrap().expected.push(line.to_owned());
        }
    }
    for case in &mut cases {
        case.expected.sort();
    }
    cases
}

fn found(case: &Case) -> Vec<String> {
    match case.draft() {
        Ok(draft) => facts(&draft),
        Err(Refusal::Hidden { .. }) => vec!["refuse hidden".to_owned()],
        Err(Refusal::Empty) => vec!["refuse empty".to_owned()],
        Err(other) => vec![format!("refuse {other:?}")],
    }
}

#[test]
fn every_sentence_means_what_a_careful_person_expects() {
    let mut report = String::new();
    let mut wrong = 0;
    for case in cases() {
        let found = found(&case);
        if found == case.expected {
            continue;
        }
        wrong += 1;
        report.push_str(&format!("\n{}:{} {}\n", case.file, case.line, case.sentence));
        let missing =
            case.expected.iter().filter(|fact| !found.contains(fact)).map(|fact| format!("  - {fact}\n"));
        let surplus =
            found.iter().filter(|fact| !case.expected.contains(fact)).map(|fact| format!("  + {fact}\n"));
        report.extend(missing.chain(surplus));
    }
    assert!(wrong == 0, "{wrong} sentences differ (- expected, + found):\n{report}");
}

#[test]
fn the_corpus_is_large_enough_and_says_nothing_twice() {
    let cases = cases();
    for file in ["en.txt", "zh.txt"] {
        let of_file: Vec<&Case> = cases.iter().filter(|case| case.file == file).collect();
        assert!(75 <= of_file.len(), "{file}: {}", of_file.len());
        assert!(25 <= of_file.iter().filter(|case| case.asks()).count(), "{file}");
        assert!(25 <= of_file.iter().filter(|case| !case.asks()).count(), "{file}");
    }
    let mut seen: Vec<(&str, &Context)> =
        cases.iter().map(|case| (case.sentence.as_str(), &case.context)).collect();
    let all = seen.len();
    seen.sort_by_key(|(sentence, _)| *sentence);
    seen.dedup();
    assert_eq!(seen.len(), all);
}
