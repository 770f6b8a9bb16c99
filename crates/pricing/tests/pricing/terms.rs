//! Acceptance terms: when each is met, what is owed, and that nobody can come to another result.

use book::{Amount, Time};
use jsonschema::Validator;
use pricing::{Delivery, Schema, TermText, Terms};
use proptest::prelude::*;
use serde_json::{Value, json};

/// 2026-11-22T09:00:00Z.
const NOON: u64 = 1_795_338_000_000_000_000;

const SECOND: u64 = 1_000_000_000;

fn terms(texts: Value) -> Result<Terms, String> {
    let texts: Vec<TermText> = serde_json::from_value(texts).map_err(|fault| fault.to_string())?;
    Terms::read(texts)
}

fn owed(texts: Value, price: u128, body: &str, millis: u64) -> (Vec<bool>, u128) {
    let terms = terms(texts).expect("the terms are well formed");
    let delivery = Delivery {
        body: body.as_bytes(),
        paid_at: Time(NOON - 10 * SECOND),
        asked_at: Time(NOON - millis * 1_000_000),
        answered_at: Time(NOON),
    };
    let evaluation = terms.evaluate(Amount::new(price).expect("it fits"), &delivery);
    (evaluation.met, evaluation.owed.minor())
}

#[test]
fn each_term_is_met_up_to_its_edge() {
    let rows = |at_least: u64| json!({"rows": {"at": "/rows", "at_least": at_least}, "lost_ppm": 1_000_000});
    let fresh = |seconds: u64| json!({"fresh": {"at": "/at", "seconds": seconds}, "lost_ppm": 1_000_000});
    let hello = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    for (term, body, millis, met) in [
        (rows(2), r#"{"rows":[1,2]}"#, 0, true),
        (rows(3), r#"{"rows":[1,2]}"#, 0, false),
        (rows(1), r#"{"rows":{"a":1}}"#, 0, false),
        (rows(1), r#"{"other":[1]}"#, 0, false),
        (rows(1), "[1", 0, false),
        (json!({"rows": {"at": "", "at_least": 1}, "lost_ppm": 1}), "[1]", 0, true),
        (json!({"rows": {"at": "/a~1b/0", "at_least": 1}, "lost_ppm": 1}), r#"{"a/b":[[1]]}"#, 0, true),
        (json!({"sha256": hello, "lost_ppm": 1}), "hello", 0, true),
        (json!({"sha256": hello, "lost_ppm": 1}), "hello\n", 0, false),
        (json!({"latency_ms": 250, "lost_ppm": 1}), "", 250, true),
        (json!({"latency_ms": 250, "lost_ppm": 1}), "", 251, false),
        (json!({"deadline_seconds": 10, "lost_ppm": 1}), "", 0, true),
        (json!({"deadline_seconds": 9, "lost_ppm": 1}), "", 0, false),
        (fresh(60), r#"{"at":"2026-11-22T08:59:00Z"}"#, 0, true),
        (fresh(59), r#"{"at":"2026-11-22T08:59:00Z"}"#, 0, false),
        (fresh(59), r#"{"at":"2026-11-22T16:59:01+08:00"}"#, 0, true),
        (fresh(60), r#"{"at":"2026-11-22T09:01:00Z"}"#, 0, true),
        (fresh(60), r#"{"at":"2026-11-22T09:01:01Z"}"#, 0, false),
        (fresh(60), r#"{"at":1795338000}"#, 0, false),
        (fresh(60), r#"{"at":"yesterday"}"#, 0, false),
        (json!({"schema": {"type": "object", "required": ["a"]}, "lost_ppm": 1}), r#"{"a":1}"#, 0, true),
        (json!({"schema": {"type": "object", "required": ["a"]}, "lost_ppm": 1}), r#"{"b":1}"#, 0, false),
        (json!({"schema": {}, "lost_ppm": 1}), "null", 0, true),
        (json!({"schema": {}, "lost_ppm": 1}), "", 0, false),
    ] {
        let (found, _) = owed(json!([term]), 100, body, millis);
        assert_eq!(found, [met], "{term} of {body} after {millis} ms");
    }
}

#[test]
fn what_is_not_met_is_lost_and_the_rest_is_rounded_down() {
    let list = json!([
        {"rows": {"at": "/rows", "at_least": 2}, "lost_ppm": 300_000},
        {"latency_ms": 100, "lost_ppm": 50_001},
        {"schema": {"type": "object"}, "lost_ppm": 900_000},
    ]);
    for (price, body, millis, expected) in [
        (100, r#"{"rows":[1,2]}"#, 100, 100),
        (100, r#"{"rows":[1]}"#, 100, 70),
        (100, r#"{"rows":[1,2]}"#, 101, 94),
        (100, r#"{"rows":[1]}"#, 101, 64),
        (3, r#"{"rows":[1]}"#, 100, 2),
        (1, r#"{"rows":[1]}"#, 100, 0),
        (100, "[]", 100, 0),
        (1_000_000, r#"{"rows":[1,2]}"#, 101, 949_999),
    ] {
        let (met, found) = owed(list.clone(), price, body, millis);
        assert_eq!(found, expected, "{price} for {body} after {millis} ms: {met:?}");
    }
}

#[test]
fn what_is_no_term_is_refused_and_says_why() {
    for (list, why) in [
        (json!([]), "there are 1 to 16 terms"),
        (json!([{"lost_ppm": 1}]), "a term is one of"),
        (json!([{"latency_ms": 1, "deadline_seconds": 1, "lost_ppm": 1}]), "a term is one of"),
        (json!([{"latency_ms": 1, "lost_ppm": 0}]), "`lost_ppm` is from 1 to 1000000, not 0"),
        (json!([{"latency_ms": 1, "lost_ppm": 1_000_001}]), "`lost_ppm` is from 1"),
        (json!([{"latency_ms": 0, "lost_ppm": 1}]), "`latency_ms` is from 1 to 3600000, not 0"),
        (json!([{"deadline_seconds": 7_776_001, "lost_ppm": 1}]), "`deadline_seconds` is from 1 to 7776000"),
        (json!([{"rows": {"at": "rows", "at_least": 1}, "lost_ppm": 1}]), "`rows` is not a JSON pointer"),
        (json!([{"rows": {"at": "/rows", "at_least": 0}, "lost_ppm": 1}]), "`rows.at_least` is from 1"),
        (json!([{"sha256": "2CF2", "lost_ppm": 1}]), "`2CF2` is not 64 small"),
        (json!([{"later": 1, "lost_ppm": 1}]), "unknown field `later`"),
        (json!([{"schema": {"pattern": "a*"}, "lost_ppm": 1}]), "term 1: `schema`: `pattern` is no keyword"),
        (json!([{"schema": {"type": "text"}, "lost_ppm": 1}]), "is no type"),
        (json!([{"schema": {"minimum": 0.5}, "lost_ppm": 1}]), "`minimum`: `0.5` is not a whole number"),
        (json!([{"schema": {"enum": [[1]]}, "lost_ppm": 1}]), "is not a list of plain values"),
        (json!([{"schema": {"const": 1, "enum": [1]}, "lost_ppm": 1}]), "`const` or `enum`, not both"),
        (json!([{"schema": {"title": "x".repeat(3_000)}, "lost_ppm": 1}]), "longer than 3000 bytes"),
    ] {
        let said = terms(list.clone()).expect_err("the terms are refused");
        assert!(said.contains(why), "{list}: {said}");
    }
    let deep = (0..17).fold(json!({}), |inner, _| json!({"items": inner}));
    assert!(Schema::read(&deep).expect_err("it is too deep").contains("inside each other"));
}

#[test]
fn terms_are_said_in_words() {
    let terms = terms(json!([
        {"rows": {"at": "/rows", "at_least": 10}, "lost_ppm": 300_000},
        {"latency_ms": 250, "lost_ppm": 12_500},
    ]));
    let words: Vec<String> = terms.expect("they are terms").in_words().collect();
    assert_eq!(
        words,
        ["at least 10 rows at `/rows`, or 30 % less", "an answer within 250 ms, or 1.25 % less"]
    );
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-4i64..4).prop_map(Value::from),
        prop_oneof![Just(0.5f64), Just(1.0), Just(-2.5), Just(1e300)].prop_map(Value::from),
        "[ab纸]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[ab]", inner, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn schema() -> impl Strategy<Value = Value> {
    let kind =
        prop::sample::select(vec!["null", "boolean", "integer", "number", "string", "array", "object"]);
    let leaf = prop_oneof![
        kind.clone().prop_map(|kind| json!({"type": kind})),
        prop::collection::btree_set(kind, 1..3).prop_map(|kinds| json!({"type": kinds})),
        (0u64..3).prop_map(|count| json!({"minLength": count, "maxLength": count + 1})),
        (0u64..3).prop_map(|count| json!({"minItems": count, "maxItems": count + 1})),
        (-3i64..3).prop_map(|number| json!({"minimum": number})),
        (-3i64..3).prop_map(|number| json!({"maximum": number})),
        (-3i64..3).prop_map(|number| json!({"const": number})),
        Just(json!({"enum": ["a", 1, null, true]})),
        Just(json!({"required": ["a"]})),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|items| json!({"items": items})),
            (inner.clone(), inner, any::<bool>()).prop_map(|(a, b, more)| {
                json!({"properties": {"a": a, "b": b}, "required": ["b"], "additionalProperties": more})
            }),
        ]
    })
}

proptest! {
    /// The part of JSON Schema that terms may use says what all of JSON Schema says.
    #[test]
    fn a_shape_is_what_json_schema_says(schema in schema(), value in value()) {
        let ours = Schema::read(&schema).expect("every keyword is one of ours");
        let theirs: Validator = jsonschema::draft202012::new(&schema).expect("it is a schema");
        prop_assert_eq!(ours.fits(&value), theirs.is_valid(&value), "{} of {}", schema, value);
    }

    /// Whatever is met, no more than the price is owed; and meeting one more never costs the seller.
    #[test]
    fn owed_is_a_part_of_the_price(
        price in 0u128..=1_000_000_000_000_000_000_000_000_000_000,
        lost in prop::collection::vec(1u32..=1_000_000, 1..=16),
        met in any::<u16>(),
    ) {
        let list: Vec<Value> = lost.iter().map(|ppm| json!({"latency_ms": 1, "lost_ppm": ppm})).collect();
        let terms = terms(Value::from(list)).expect("they are terms");
        let price = Amount::new(price).expect("it fits");
        let met: Vec<bool> = (0..lost.len()).map(|at| met >> at & 1 == 1).collect();
        let owed = terms.owed(price, &met);
        prop_assert!(owed <= price);
        let missed: u64 = lost.iter().zip(&met).filter(|(_, met)| !**met).map(|(ppm, _)| u64::from(*ppm)).sum();
        let kept = u128::from(1_000_000u64.saturating_sub(missed));
        prop_assert!(owed.minor() * 1_000_000 <= price.minor() * kept);
        prop_assert!(price.minor() * kept < (owed.minor() + 1) * 1_000_000);
        for at in 0..met.len() {
            let mut more = met.clone();
            more[at] = true;
            prop_assert!(owed <= terms.owed(price, &more));
        }
        // Read again from what was written, they are the same terms.
        let written = serde_json::to_value(terms.texts().collect::<Vec<_>>()).expect("terms are JSON");
        prop_assert_eq!(&crate::terms::terms(written).expect("they are terms"), &terms);
    }
}
