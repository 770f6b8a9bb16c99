//! `ADD-INT-ICS`: words become rules, questions are asked, and only an answer to the summary confirms.

use crate::world::*;
use protocols::act::intent::{
    Answer, ConfirmedIsr, Conflict, ConversationHistory, Draft, InputModes, IntentClass, IntentError,
    IntentStructuringResult, MainLimit, Question, UserIntent,
};
use protocols::act::{AmountNumber, Percent, Sentence, Word};
use serde_json::{Value, json};

/// Reads an intent with the member at `path` set to `new`, and says in which class it was refused.
fn read(path: &[&str], new: Value) -> Result<IntentStructuringResult, IntentClass> {
    let changed = with(isr_json("BOUNDED"), path, Some(new));
    read_text(&changed.to_string())
}

fn read_text(text: &str) -> Result<IntentStructuringResult, IntentClass> {
    IntentStructuringResult::read(text.as_bytes(), &InputModes::default()).map_err(|error| error.class())
}

/// What has to be asked about the intent with the member at `path` set to `new`.
fn asked(path: &[&str], new: Value) -> Vec<Question> {
    read(path, new).unwrap().questions()
}

const INVALID: Result<(), IntentClass> = Err(IntentClass::IsrInvalid);

#[test]
fn ics_01_an_intent_without_its_words_is_refused() {
    let silent = with(isr_json("BOUNDED"), &["conversation_history"], None);
    assert_eq!(read_text(&silent.to_string()).map(|_| ()), INVALID);
    assert!(read_text(&isr_json("BOUNDED").to_string()).is_ok());
}

#[test]
fn ics_02_words_or_their_digest_must_be_there() {
    let digest = "sha-256:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
    for (history, fits) in [
        (json!({}), false),
        (json!({"input_mode": ["TEXT"]}), false),
        (json!({"user_intent_raw": "buy it"}), true),
        (json!({"user_intent_raw": ""}), false),
        (json!({"user_intent_raw": []}), false),
        (json!({"user_intent_raw": [{"role": "USER", "content": "buy it"}]}), true),
        (json!({"user_intent_raw": [{"role": "USER"}]}), false),
        (json!({"user_intent_raw_digest": digest, "context_ref": "urn:demo:voice-note:17"}), true),
        (
            json!({"user_intent_raw": "buy it", "user_intent_raw_digest": digest,
            "context_ref": "urn:demo:voice-note:17"}),
            true,
        ),
    ] {
        let found = read(&["conversation_history"], history.clone());
        assert_eq!(found.is_ok(), fits, "{history}");
    }
}

#[test]
fn ics_03_a_digest_says_where_its_material_lies_and_what_it_is() {
    let digest = UserIntent::Text(Sentence::parse("buy it").unwrap()).digest();
    let history = json!({"user_intent_raw_digest": digest.as_str(), "context_ref": "urn:demo:note"});
    let without = with(history.clone(), &["context_ref"], None);
    assert!(ConversationHistory::from_json(without.to_string().as_bytes()).is_err());

    let history = ConversationHistory::from_json(history.to_string().as_bytes()).unwrap();
    assert!(history.is_of(b"buy it"));
    assert!(!history.is_of(b"buy two"));
    let words = UserIntent::Text(Sentence::parse("buy it").unwrap());
    assert!(!ConversationHistory::of(words).is_of(b"buy it"), "there is no digest");
}

#[test]
fn ics_03_the_digest_of_a_dialogue_is_that_of_its_canonical_json() {
    let history = r#"{"user_intent_raw":[{"content":"buy it" , "role":"USER"}]}"#;
    let history = ConversationHistory::from_json(history.as_bytes()).unwrap();
    let canonical = br#"[{"content":"buy it","role":"USER"}]"#;
    let expected = protocols::a402::digest(canonical);
    assert_eq!(history.user_intent_raw.unwrap().digest(), expected);
}

#[test]
fn ics_04_only_registered_ways_of_input_may_be_named() {
    let path = ["conversation_history", "input_mode"];
    assert!(read(&path, json!(["TEXT", "VOICE", "IMAGE", "INTERACTIVE_CARD", "OTHER"])).is_ok());
    assert_eq!(read(&path, json!(["TEXT", "GESTURE"])).map(|_| ()), INVALID);
    assert_eq!(read(&path, json!(["text"])).map(|_| ()), INVALID);

    let mut modes = InputModes::default();
    modes.register(&Word::parse("GESTURE").unwrap());
    let text = with(isr_json("BOUNDED"), &path, Some(json!(["TEXT", "GESTURE"]))).to_string();
    assert!(IntentStructuringResult::read(text.as_bytes(), &modes).is_ok());
}

#[test]
fn ics_05_what_is_missing_or_contradicts_is_asked_and_nothing_is_final() {
    let buy_it = json!({"intent_id": "urn:1", "conversation_history": {"user_intent_raw": "buy it"}});
    let vague = draft(&buy_it);
    let missing: Vec<Question> = MainLimit::ALL.iter().copied().map(Question::Missing).collect();
    assert_eq!(vague.questions(), missing);
    assert_eq!(vague.summary().unwrap_err().class(), IntentClass::IntentIncomplete);

    let budget = with(isr_json("BOUNDED"), &["ext", "commerce", "max_single_amount"], Some(json!(300.01)));
    let contradictory = draft(&budget);
    assert_eq!(contradictory.questions(), [Question::Contradiction(Conflict::SingleAboveTotal)]);
    assert_eq!(contradictory.summary().unwrap_err().class(), IntentClass::IntentConflict);
    assert!(draft(&isr_json("BOUNDED")).questions().is_empty());
}

#[test]
fn ics_06_a_clarification_changes_rules_and_summary_and_voids_what_was_shown_before() {
    let modes = InputModes::default();
    let first = draft(&isr_json("BOUNDED"));
    let shown = answer(&first);
    let second = first.clarified(|isr| isr.max_total_amount = AmountNumber::new(25_000), &modes).unwrap();
    assert_eq!(second.isr().max_total_amount, Some(amount("250.00")));
    let summary = second.summary().unwrap();
    assert!(summary.lines.contains(&"max_total_amount: 250.0".to_owned()), "{:?}", summary.lines);
    for limit in ["currency: CNY", "max_single_amount: 120.5", "delegation_mode: BOUNDED"] {
        assert!(summary.lines.contains(&limit.to_owned()), "{limit}");
    }
    assert!(summary.lines.iter().any(|line| line.contains("map data")), "the goal is said");
    assert_eq!(second.clone().confirm(shown).unwrap_err(), IntentError::Unconfirmed);
    let shown = answer(&second);
    assert!(second.confirm(shown).is_ok());

    let other = first.clarified(|isr| isr.intent_id = id("urn:other"), &modes);
    assert_eq!(other.unwrap_err().class(), IntentClass::IsrInvalid);
    let empty = first.clarified(|isr| isr.allowed_payment_methods = Some(Vec::new()), &modes);
    assert_eq!(empty.unwrap_err().class(), IntentClass::IsrInvalid);
}

#[test]
fn ics_07_only_an_answer_to_the_summary_makes_rules_final() {
    let asked = draft(&isr_json("BOUNDED"));
    let other = draft(&isr_json("SPECIFIED"));
    let wrong = Answer { to: answer(&other).to, ..answer(&asked) };
    let refused = asked.clone().confirm(wrong).unwrap_err();
    assert_eq!(refused.class(), IntentClass::ConfirmationMissing);
    let agreed = answer(&asked);
    assert!(asked.confirm(agreed).is_ok());

    // What claims to be confirmed becomes a draft like any other.
    let claimed = confirmed(&isr_json("BOUNDED")).isr().clone();
    let again = Draft::of(claimed, &InputModes::default()).unwrap();
    assert_eq!(again.isr().user_confirmation_method, None);
    assert_eq!(again.isr().user_confirmation_timestamp, None);
}

#[test]
fn ics_08_the_end_is_later_than_the_start_and_both_are_utc() {
    for (end, conflicts) in [
        ("2026-09-01T00:00:00Z", true),
        ("2026-08-31T23:59:59Z", true),
        ("2026-09-01T00:00:01Z", false),
        ("2026-09-01T00:00:01+00:00", false),
    ] {
        let found = asked(&["validity_end_time"], json!(end));
        assert_eq!(found == [Question::Contradiction(Conflict::WindowEmpty)], conflicts, "{end}");
    }
    for end in
        ["2026-09-08T00:00:00+08:00", "2026-09-08T00:00:00", "2026-09-08", "soon", "2026-09-08T00:00:00z"]
    {
        assert_eq!(read(&["validity_end_time"], json!(end)).map(|_| ()), INVALID, "{end}");
    }
}

#[test]
fn ics_09_amounts_have_two_decimals_and_an_order() {
    let text = |number: &str| isr_json("BOUNDED").to_string().replace("300.0", number);
    for (number, read) in [
        ("0", Some("0.00")),
        ("0.1", Some("0.10")),
        ("300.00", Some("300.00")),
        ("9999999999999.99", Some("9999999999999.99")),
        ("-0.01", None),
        ("-0", None),
        ("0.001", None),
        ("300.000", None),
        ("300.000000000000000001", None),
        ("3e2", None),
        ("10000000000000.00", None),
        ("1e400", None),
        ("00", None),
        ("\"300.00\"", None),
    ] {
        let found = read_text(&text(number)).ok().and_then(|isr| isr.max_total_amount);
        assert_eq!(found.map(|amount| amount.to_string()).as_deref(), read, "{number}");
    }
    for text in ["", ".", "1.", ".5", "007", "+1", " 1", "1_0", "１"] {
        assert!(AmountNumber::parse(text).is_err(), "{text}");
    }
    let commerce = |max: &str, min: &str| {
        let limits = format!(r#"{{"max_single_amount":{max},"min_single_amount":{min}}}"#);
        asked(&["ext", "commerce"], serde_json::from_str(&limits).unwrap())
    };
    assert_eq!(commerce("300.00", "0"), []);
    assert_eq!(commerce("300.01", "0"), [Question::Contradiction(Conflict::SingleAboveTotal)]);
    assert_eq!(commerce("120.50", "120.50"), []);
    assert_eq!(commerce("120.50", "120.51"), [Question::Contradiction(Conflict::MinimumAboveSingle)]);
    let minimum = asked(&["ext", "commerce"], json!({"min_single_amount": 300.01}));
    assert_eq!(minimum, [Question::Contradiction(Conflict::MinimumAboveSingle)]);

    assert_eq!(read(&["allowed_payment_methods"], json!([])).map(|_| ()), INVALID);
    for (count, fits) in [(json!(0), true), (json!(7), true), (json!(-1), false), (json!(1.5), false)] {
        let found = read(&["ext", "agent_behavior", "max_retry_count"], count.clone());
        assert_eq!(found.is_ok(), fits, "{count}");
    }
}

#[test]
fn ics_09_no_amount_passes_through_a_double() {
    // Neither of these is what a double would make of it.
    let isr = read_text(&isr_json("BOUNDED").to_string().replace("300.0", "4503599627370.57")).unwrap();
    assert_eq!(isr.max_total_amount.unwrap().hundredths(), 450_359_962_737_057);
    assert!(isr.to_json().contains(r#""max_total_amount":4503599627370.57,"#));
    assert_eq!(amount("0.29").hundredths(), 29);
}

#[test]
fn ics_10_only_listed_words_are_read_and_a_method_has_a_time() {
    for (path, good, bad) in [
        (&["delegation_mode"][..], "SPECIFIED", "specified"),
        (&["ext", "agent_behavior", "price_deviation_action"], "AUTO_CANCEL", "IGNORE"),
        (&["ext", "agent_behavior", "on_payment_failure"], "AUTO_RETRY", "RETRY"),
    ] {
        assert!(read(path, json!(good)).is_ok(), "{good}");
        assert_eq!(read(path, json!(bad)).map(|_| ()), INVALID, "{bad}");
    }
    assert_eq!(read(&["user_confirmation_method"], json!("PASSWORD")).map(|_| ()), INVALID);
}

#[test]
fn ics_11_what_is_private_to_a_vendor_changes_nothing() {
    let plain = isr_json("BOUNDED");
    let private = json!({"max_total_amount": 9e9, "currency": "USD", "deep": [{"a": 1}]});
    let marked = with(plain.clone(), &["ext", "vendor_private"], Some(private.clone()));
    let (plain, marked) = (draft(&plain), draft(&marked));
    assert_eq!(marked.isr().max_total_amount, plain.isr().max_total_amount);
    assert_eq!(marked.isr().currency, plain.isr().currency);
    assert_eq!(marked.questions(), []);
    assert_eq!(marked.summary().unwrap().lines, plain.summary().unwrap().lines);
    // Carried all the same: the digest is of the whole.
    let kept: Value = serde_json::from_str(&marked.isr().to_json()).unwrap();
    assert_eq!(kept["ext"]["vendor_private"]["deep"], private["deep"]);
    assert_ne!(marked.isr().digest(), plain.isr().digest());
    assert_eq!(
        read(&["ext", "my_company"], json!({})).map(|_| ()),
        INVALID,
        "another name is no private one"
    );
}

#[test]
fn ics_12_a_record_of_what_was_confirmed_can_be_read_back() {
    let confirmed = confirmed(&isr_json("BOUNDED"));
    let modes = InputModes::default();
    let text = confirmed.isr().to_json();
    assert!(text.contains(r#""max_total_amount":300.00,"#), "two decimals: {text}");
    let read = ConfirmedIsr::from_record(text.as_bytes(), &modes).unwrap();
    assert_eq!(read, confirmed);
    assert_eq!(read.digest(), confirmed.digest());
    let draft = draft(&isr_json("BOUNDED")).isr().to_json();
    let unconfirmed = ConfirmedIsr::from_record(draft.as_bytes(), &modes).unwrap_err();
    assert_eq!(unconfirmed.class(), IntentClass::ConfirmationMissing);
}

#[test]
fn a_price_may_move_by_its_tolerance_and_no_further() {
    let five = Percent::parse("5").unwrap();
    for (price, fits) in
        [("100.00", true), ("105.00", true), ("105.01", false), ("95.00", true), ("94.99", false)]
    {
        assert_eq!(five.allows(amount(price), amount("100.00")), fits, "{price}");
    }
    assert!(five.allows(AmountNumber::ZERO, AmountNumber::ZERO));
    assert!(!five.allows(amount("0.01"), AmountNumber::ZERO));
    let (huge, cent) = (amount("9999999999999.99"), amount("0.01"));
    let most = Percent::parse("9999999999999.99").unwrap();
    assert!(most.allows(huge, huge));
    assert!(!most.allows(huge, cent), "no overflow on the way");
}
