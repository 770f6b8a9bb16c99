//! The schemas, fixtures and vectors of the ACT 2.1 pack, read from beside the repository if they are there.

use crate::shop::*;
use jsonschema::{Registry, Validator};
use protocols::a402::{
    Category, ErrorId, Needed, NextAction, Outcome, Phase, Proof, Retryability, TradeEvent, TradeState,
    Validation, fingerprint,
};
use serde_json::{Value, json};

const SCHEMAS: &str = "schemas/code/schemas/a402";

/// A file of the pack, or a line that says the test has nothing to read.
fn pack(path: &str) -> Option<Value> {
    let file = format!("{}/../../../shared/act/{path}", env!("CARGO_MANIFEST_DIR"));
    match std::fs::read(&file) {
        Ok(bytes) => Some(serde_json::from_slice(&bytes).unwrap()),
        Err(_) => {
            println!("skipped: {file} is not there");
            None
        }
    }
}

fn validator(name: &str) -> Option<Validator> {
    const BASE: &str = "https://schemas.invalid/a402/";
    let mut registry = Registry::new();
    for part in ["common", "error", "transaction-state"] {
        let schema = pack(&format!("{SCHEMAS}/{part}.schema.json"))?;
        registry = registry.add(format!("{BASE}{part}.schema.json"), absolute(schema, BASE)).unwrap();
    }
    let registry = registry.prepare().unwrap();
    let schema = absolute(pack(&format!("{SCHEMAS}/{name}.schema.json"))?, BASE);
    let options = jsonschema::options();
    Some(options.should_validate_formats(true).with_registry(&registry).build(&schema).unwrap())
}

/// The pack's schemas name themselves relatively; a registry wants a whole address.
fn absolute(mut schema: Value, base: &str) -> Value {
    let id = schema["$id"].as_str().unwrap();
    schema["$id"] = json!(format!("{base}{id}"));
    schema
}

#[test]
fn what_we_send_fits_the_schemas() {
    let fits = |name: &str, value: String| {
        let Some(schema) = validator(name) else { return };
        let payload = payload(&value);
        assert!(schema.is_valid(&payload), "{payload}");
    };
    fits("payment-needed", needed().encode().unwrap());
    fits("payment-proof", proof().encode().unwrap());
    fits("payment-validation", report(Outcome::Finished).encode().unwrap());
    for id in ErrorId::ALL {
        let error = id.report().retry_after(30);
        let outcome = Outcome::ProofRefused { error, trade: TradeState::WaitBuyerPay };
        fits("payment-validation", report(outcome).encode().unwrap());
    }
}

#[test]
fn we_and_the_schemas_refuse_the_same() {
    let changes = [
        json!(null),
        json!(0),
        json!(1),
        json!(2_592_001),
        json!(""),
        json!("x"),
        json!("GET"),
        json!("get"),
        json!("POST"),
        json!("1.0.0"),
        json!("0.10"),
        json!("01"),
        json!("USD"),
        json!("a:b"),
        json!("a:b:c"),
        json!("2026-11-22T10:02:00Z"),
        json!("sha-256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        json!("x".repeat(257)),
        json!([]),
        json!({}),
        json!("VALID"),
        json!("INVALID"),
        json!("DELIVERED"),
        json!("TRADE_CLOSED"),
    ];
    type Reads = fn(&str) -> bool;
    let rows: [(&str, String, Reads); 3] = [
        ("payment-needed", needed().encode().unwrap(), |value| Needed::decode(value).is_ok()),
        ("payment-proof", proof().encode().unwrap(), |value| Proof::decode(value).is_ok()),
        ("payment-validation", report(Outcome::Delivered).encode().unwrap(), |value| {
            Validation::decode(value).is_ok()
        }),
    ];
    for (name, value, reads) in rows {
        let Some(schema) = validator(name) else { return };
        let good = payload(&value);
        let mut members: Vec<String> = good["protocol"].as_object().unwrap().keys().cloned().collect();
        let others = [
            "error",
            "evidence_refs",
            "buyer_unique_id",
            "idempotency_key",
            "commerce_confirmation",
            "status",
        ];
        members.extend(others.map(str::to_owned));
        for member in members {
            let mut removed = good.clone();
            removed["protocol"].as_object_mut().unwrap().remove(&member);
            assert_eq!(reads(&header(&removed)), schema.is_valid(&removed), "{name}: without {member}");
            for change in &changes {
                let mut changed = good.clone();
                changed["protocol"][&member] = change.clone();
                assert_eq!(
                    reads(&header(&changed)),
                    schema.is_valid(&changed),
                    "{name}: {member} = {change}"
                );
            }
        }
    }
}

#[test]
fn the_fixtures_read_as_they_should() {
    let Some(needed) = pack(&format!("{SCHEMAS}/fixtures/valid/payment-needed.json")) else {
        return;
    };
    let read = Needed::decode(&header(&needed)).unwrap();
    assert_eq!(payload(&read.encode().unwrap()), needed);
    let Some(collapsed) =
        pack("schemas/specs/2.1/a402/fixtures/invalid/payment-validation-collapsed-success.json")
    else {
        return;
    };
    assert!(Validation::decode(&header(&collapsed)).is_err()); // A402-20
}

#[test]
fn header_vectors_read_as_they_should() {
    let Some(vectors) = pack("vectors/derived/a402-headers.json") else {
        return;
    };
    for case in vectors["ok"].as_array().unwrap() {
        let read = Needed::decode(case["value"].as_str().unwrap()).unwrap();
        assert_eq!(payload(&read.encode().unwrap()), case["decoded"]);
    }
    for case in vectors["must_reject"].as_array().unwrap() {
        assert!(Needed::decode(case["value"].as_str().unwrap()).is_err(), "{}", case["name"]);
    }
}

#[test]
fn fingerprints_are_those_of_the_vectors() {
    let Some(vectors) = pack("vectors/derived/a402-fingerprint.json") else {
        return;
    };
    for case in vectors["cases"].as_array().unwrap() {
        let text = |name: &str| case[name].as_str().unwrap();
        let found = fingerprint(text("method"), text("uri"), text("content_type"), text("body").as_bytes());
        assert_eq!(found.unwrap().as_str(), text("fingerprint"));
    }
}

#[test]
fn canonical_json_is_that_of_the_vectors() {
    // Through the front door: the method layer of a demand carries each document.
    let Some(vectors) = pack("vectors/derived/jcs.json") else {
        return;
    };
    let around = |document: &str| {
        let good = payload(&needed().encode().unwrap());
        let text = format!(r#"{{"method":{{"document":{document}}},"protocol":{}}}"#, good["protocol"]);
        evidence::base64url::encode(text.as_bytes())
    };
    for case in vectors["cases"].as_array().unwrap() {
        let read = Needed::decode(&around(case["input"].as_str().unwrap())).unwrap();
        let written = evidence::base64url::decode(&read.encode().unwrap()).unwrap();
        let expected = format!(r#"{{"method":{{"document":{}}},"#, case["canonical"].as_str().unwrap());
        assert!(written.starts_with(expected.as_bytes()), "{}", case["name"]);
    }
    for case in vectors["must_reject"].as_array().unwrap() {
        assert!(Needed::decode(&around(case["input"].as_str().unwrap())).is_err(), "{}", case["name"]);
    }
}

#[test]
fn trades_move_only_as_listed() {
    let state = |value: &Value| TradeState::parse(value.as_str().unwrap()).unwrap();
    let Some(table) = pack("vectors/derived/lifecycles.json") else {
        return;
    };
    for row in table["a402_trade"].as_array().unwrap() {
        let (from, to) = (state(&row["from"]), state(&row["to"]));
        let reached = TradeEvent::ALL.iter().any(|event| from.next(*event) == Ok(to));
        assert_eq!(reached, row["allowed"], "{row}");
    }
    let Some(fixture) = pack("schemas/specs/2.1/fixtures/a402/state-transitions.json") else {
        return;
    };
    let moves = |row: &Value| {
        let event = TradeEvent::parse(row["event"].as_str().unwrap()).unwrap();
        state(&row["from"]).next(event) == Ok(state(&row["to"]))
    };
    let allowed = fixture["allowed"].as_array().unwrap();
    assert!(allowed.iter().all(moves));
    assert!(!fixture["forbidden"].as_array().unwrap().iter().any(moves));
    let ours = TradeState::ALL.iter().flat_map(|from| TradeEvent::ALL.iter().map(|event| from.next(*event)));
    assert_eq!(ours.filter(Result::is_ok).count(), allowed.len(), "no transition is our own");
}

#[test]
fn the_catalogue_is_the_artefacts_but_for_the_sentences() {
    let Some(catalogue) = pack(&format!("{SCHEMAS}/error-catalog.json")) else {
        return;
    };
    let theirs = catalogue["errors"].as_array().unwrap();
    assert_eq!(theirs.len(), ErrorId::ALL.len());
    for (theirs, ours) in theirs.iter().zip(ErrorId::ALL) {
        let entry = ours.entry();
        let actions: Vec<&str> = entry.valid_next_actions.iter().map(|action| action.as_str()).collect();
        assert_eq!(theirs["error_id"], ours.as_str());
        assert_eq!(theirs["category"], entry.category.as_str());
        assert_eq!(theirs["phase"], entry.phase.as_str());
        assert_eq!(theirs["retryability"], entry.retryability.as_str());
        assert_eq!(theirs["valid_next_actions"], json!(actions));
        assert_ne!(theirs["message"], entry.message);
    }
    let Some(schema) = pack(&format!("{SCHEMAS}/error.schema.json")) else {
        return;
    };
    let words = |member: &str| schema["properties"][member]["enum"].clone();
    let all = |words: Vec<&str>| json!(words);
    assert_eq!(words("category"), all(Category::ALL.iter().map(|word| word.as_str()).collect()));
    assert_eq!(words("phase"), all(Phase::ALL.iter().map(|word| word.as_str()).collect()));
    assert_eq!(words("retryability"), all(Retryability::ALL.iter().map(|word| word.as_str()).collect()));
    let actions = schema["properties"]["valid_next_actions"]["items"]["enum"].clone();
    assert_eq!(actions, all(NextAction::ALL.iter().map(|word| word.as_str()).collect()));
}
