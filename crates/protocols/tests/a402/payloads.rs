//! The payloads: what is read, what is refused, and that nothing a stranger sends can do worse than that.

use crate::shop::*;
use proptest::prelude::*;
use protocols::a402::{
    AmountText, Credential, CredentialText, Demand, ErrorId, ErrorReport, Identifier, Malformed, MethodLayer,
    Needed, NextAction, Proof, TradeEvent, TradeState, Validation, wallet::Network,
};
use serde_json::{Map, Value, json};

/// Whether a demand with `member` of the protocol layer set to `value` (or removed) can be read.
fn reads(member: &str, value: Option<Value>) -> bool {
    let mut payload = payload(&needed().encode().unwrap());
    let protocol = payload["protocol"].as_object_mut().unwrap();
    match value {
        Some(value) => protocol.insert(member.to_owned(), value),
        None => protocol.remove(member),
    };
    Needed::decode(&header(&payload)).is_ok()
}

#[test]
fn each_field_has_its_rule() {
    let long = |count: usize| "x".repeat(count);
    let sent = request();
    let rows: &[(&str, &[&str], &[&str])] = &[
        (
            "method_id",
            &["a:b", "toll:main/wallet", "a+.-1:0._/-", &format!("a:{}", long(158))],
            &[
                "",
                "a:",
                ":b",
                "A:b",
                "1:b",
                "a:B",
                "a:/b",
                "a:b:c",
                "urn:act:payment:x",
                "a b:c",
                "a:b\n",
                &format!("a:{}", long(159)),
            ],
        ),
        (
            "method_version",
            &["0.0.0", "1.2.3", "10.20.30", "1.0.0-rc.1", "1.0.0--", "1.0.0-.."],
            &[
                "",
                "1",
                "1.0",
                "1.0.0.0",
                "01.0.0",
                "1.0.0-",
                "1.0.0+1",
                "1.0.0-ä",
                "v1.0.0",
                "1..0",
                &format!("1.0.0-{}", long(59)),
            ],
        ),
        ("out_trade_no", &["x", "天", &long(256), &"天".repeat(256)], &["", &long(257)]),
        (
            "amount",
            &["0", "0.0", "1", "12.50", "0.000000000000000001", &"9".repeat(80)],
            &[
                "",
                ".",
                "1.",
                ".1",
                "01",
                "-1",
                "+1",
                "1e3",
                "1,0",
                "0.0000000000000000001",
                " 1",
                "１",
                &"9".repeat(81),
            ],
        ),
        ("currency", &["USD", "XXX"], &["", "usd", "US", "USDC", "U D"]),
        (
            "pay_before",
            &["2026-11-22T10:05:00Z", "2026-11-22T10:05:00.5+01:00"],
            &["", "not-a-date", "2026-11-22"],
        ),
        ("request_method", &["GET", "M", &"A".repeat(32)], &["", "get", "GE-T", "GET ", &"A".repeat(33)]),
        (
            "request_fingerprint",
            &[sent.fingerprint.as_str()],
            &[
                "",
                "sha-256:",
                &format!("sha-256:{}", long(42)),
                &format!("sha-256:{}", long(44)),
                &format!("SHA-256:{}", long(43)),
                &format!("sha-256:{}=", long(42)),
            ],
        ),
        (
            "signature_type",
            &["ED25519", "ES256", "SM2-SM3", "A_"],
            &["", "A", "ed25519", "ED 25519", &"A".repeat(33)],
        ),
        ("signature_content", &["c2ln", "_-"], &["", "c2ln=", "+/", "a.b"]),
    ];
    for (member, good, bad) in rows {
        good.iter().for_each(|text| assert!(reads(member, Some(json!(text))), "{member}: `{text}` is good"));
        bad.iter().for_each(|text| assert!(!reads(member, Some(json!(text))), "{member}: `{text}` is bad"));
        for value in [json!(1), json!(null), json!(["x"]), json!({"x": 1}), json!(true)] {
            assert!(!reads(member, Some(value)), "{member} is a string");
        }
    }
    for (value, good) in [
        (json!(1), true),
        (json!(2_592_000), true),
        (json!(0), false),
        (json!(2_592_001), false),
        (json!(-1), false),
        (json!("900"), false),
        (json!(900.5), false),
        (json!(900.0), false),
        (json!(u64::MAX), false),
    ] {
        assert_eq!(reads("replay_window_seconds", Some(value.clone())), good, "{value}");
    }
    let digest = request().fingerprint.as_str().to_owned();
    for (value, good) in [
        (json!({"confirmation_id": "c", "confirmation_digest": digest}), true),
        (json!({"confirmation_id": "c", "confirmation_digest": digest, "confirmation_uri": "urn:x:y"}), true),
        (
            json!({"confirmation_id": "c", "confirmation_digest": digest, "confirmation_uri": "relative"}),
            false,
        ),
        (
            json!({"confirmation_id": "c", "confirmation_digest": digest, "confirmation_uri": "https://a b"}),
            false,
        ),
        (json!({"confirmation_id": "c"}), false),
        (json!({"confirmation_id": "c", "confirmation_digest": digest, "more": 1}), false),
        (json!("c"), false),
    ] {
        assert_eq!(reads("commerce_confirmation", Some(value.clone())), good, "{value}");
    }
    assert!(!reads("payment_proof", Some(json!("cHJvb2Y"))), "a member of another payload");
    assert!(!reads("colour", Some(json!("blue"))));
}

#[test]
fn only_safe_requests_need_no_idempotency_key() {
    for (method, without_key) in [
        ("GET", true),
        ("HEAD", true),
        ("OPTIONS", true),
        ("TRACE", true),
        ("POST", false),
        ("PUT", false),
        ("PATCH", false),
        ("DELETE", false),
        ("CONNECT", false),
        ("QUERY", false),
    ] {
        for encode in [needed().encode(), proof().encode()] {
            let mut payload = payload(&encode.unwrap());
            payload["protocol"]["request_method"] = method.into();
            let decodes = |payload: &Value| match payload["protocol"].get("amount") {
                Some(_) => Needed::decode(&header(payload)).err(),
                None => Proof::decode(&header(payload)).err(),
            };
            assert_eq!(decodes(&payload), None, "{method} with a key");
            payload["protocol"].as_object_mut().unwrap().remove("idempotency_key");
            let missing = Malformed::IdempotencyKeyMissing { request_method: method.to_owned() };
            assert_eq!(decodes(&payload), (!without_key).then_some(missing), "{method} without");
        }
    }
    let keyless = Demand { idempotency_key: None, ..demand() };
    assert!(keyless.sign(terms().to_layer(), &seller_key()).is_err());
}

#[test]
fn a_value_that_is_no_envelope_is_refused() {
    let good = payload(&needed().encode().unwrap());
    let text = good.to_string();
    let encode = |text: &str| evidence::base64url::encode(text.as_bytes());
    assert!(Needed::decode(&encode(&text)).is_ok());
    let mut twice = text.clone();
    twice.insert_str(text.find("\"amount\"").unwrap(), "\"amount\":\"0.01\",");
    let mut twice_in_method = text.clone();
    twice_in_method.insert_str(text.find("\"payee\"").unwrap(), "\"payee\":\"acct_evil\",");
    let mut more = good.clone();
    more["extra"] = json!({});
    let mut emptied = good.clone();
    emptied["method"] = json!({});
    let mut listed = good.clone();
    listed["method"] = json!([1]);
    let padding = json!({"x": "y".repeat(16 * 1024)});
    let mut large = good.clone();
    large["method"] = padding.clone();
    for bad in [
        String::new(),
        encode(""),
        encode("{}"),
        encode("[1]"),
        encode("null"),
        encode("\"x\""),
        encode("{\"protocol\":{}}"),
        encode(&format!("{text} x")),
        encode(&twice),
        encode(&twice_in_method),
        header(&more),
        header(&emptied),
        header(&listed),
        header(&large),
        format!("{}=", encode(&text)),
        format!(" {}", encode(&text)),
        format!("{}\n", encode(&text)),
    ] {
        let start: String = bad.chars().take(40).collect();
        assert!(Needed::decode(&bad).is_err(), "`{start}`");
    }
    let Value::Object(padding) = padding else { unreachable!() };
    let large = demand().sign(MethodLayer::new(padding).unwrap(), &seller_key()).unwrap();
    assert!(matches!(large.encode(), Err(Malformed::TooLong { .. })), "what cannot be read is not written");
    let mut vague = Map::new();
    vague.insert("count".to_owned(), u64::MAX.into());
    let vague = demand().sign(MethodLayer::new(vague).unwrap(), &seller_key()).unwrap();
    assert!(vague.encode().is_err());
    assert!(MethodLayer::new(Map::new()).is_err());
}

#[test]
fn an_error_goes_with_a_status_that_is_not_valid() {
    let base = json!({"protocol": {
        "method_id": "toll:test/wallet", "method_version": "1.0.0", "out_trade_no": "o", "resource_id": "r",
        "trade_no": "t", "request_fingerprint": request().fingerprint.as_str(), "delivery_status": "NOT_STARTED",
        "fulfillment_status": "NOT_CONFIRMED", "transaction_state": "WAIT_BUYER_PAY",
        "validated_at": "2026-11-22T10:02:00Z"}, "method": {"network": "toll:test"}});
    let error = ErrorId::ProofInvalid.report().to_json();
    for (status, error, good) in [
        ("VALID", None, true),
        ("VALID", Some(&error), false),
        ("INVALID", Some(&error), true),
        ("INVALID", None, false),
        ("UNKNOWN", Some(&error), true),
        ("UNKNOWN", None, false),
        ("SUCCESS", None, false),
        ("valid", None, false),
    ] {
        let mut payload = base.clone();
        payload["protocol"]["validation_status"] = status.into();
        if let Some(error) = error {
            payload["protocol"]["error"] = error.clone();
        }
        assert_eq!(Validation::decode(&header(&payload)).is_ok(), good, "{status} {error:?}");
    }
    for (member, value) in [
        ("error_id", json!("ACT-A402-")),
        ("error_id", json!("ACT-A402-x")),
        ("category", json!("OTHER")),
        ("phase", json!("payment")),
        ("retryability", json!("")),
        ("valid_next_actions", json!([])),
        ("valid_next_actions", json!(["ABORT", "ABORT"])),
        ("valid_next_actions", json!(["PANIC"])),
        ("message", json!("")),
        ("message", json!("x".repeat(1025))),
        ("retry_after_seconds", json!(86_401)),
        ("retry_after_seconds", json!(-1)),
        ("details", json!("text")),
        ("hint", json!("x")),
    ] {
        let mut payload = base.clone();
        payload["protocol"]["validation_status"] = "INVALID".into();
        payload["protocol"]["error"] = error.clone();
        payload["protocol"]["error"][member] = value.clone();
        assert!(Validation::decode(&header(&payload)).is_err(), "{member} {value}");
    }
    let digest = request().fingerprint.as_str().to_owned();
    let refs = |count: usize| {
        (0..count)
            .map(|at| json!({"type": "PAYMENT", "digest": digest, "uri": format!("urn:n:{at}")}))
            .collect()
    };
    for (refs, good) in [
        (json!([]), true),
        (Value::Array(refs(20)), true),
        (Value::Array(refs(21)), false),
        (json!([{"type": "PAYMENT", "digest": digest}, {"type": "PAYMENT", "digest": digest}]), false),
        (json!([{"type": "RUMOUR", "digest": digest}]), false),
        (json!({}), false),
    ] {
        let mut payload = base.clone();
        payload["protocol"]["validation_status"] = "VALID".into();
        payload["protocol"]["evidence_refs"] = refs.clone();
        assert_eq!(Validation::decode(&header(&payload)).is_ok(), good, "{refs}");
    }
}

#[test]
fn amounts_are_exact_or_nothing() {
    for (text, scale, minor) in [
        ("0.30", 2, Some(30)),
        ("0.3", 2, Some(30)),
        ("0.300", 2, Some(30)),
        ("0.301", 2, None),
        ("12", 0, Some(12)),
        ("12.0", 0, Some(12)),
        ("12.5", 0, None),
        ("1", 18, Some(1_000_000_000_000_000_000)),
        ("0", 2, Some(0)),
        ("340282366920938463463374607431768211455", 0, Some(u128::MAX)),
        ("340282366920938463463374607431768211456", 0, None),
        ("340282366920938463463374607431768211455", 1, None),
    ] {
        assert_eq!(AmountText::parse(text).unwrap().minor(scale), minor, "{text} at {scale}");
    }
    for (minor, scale, text) in
        [(30, 2, "0.30"), (0, 2, "0.00"), (1234, 2, "12.34"), (7, 0, "7"), (1, 18, "0.000000000000000001")]
    {
        assert_eq!(AmountText::of_minor(minor, scale).unwrap().as_str(), text);
    }
    assert!(AmountText::of_minor(1, 19).is_err());
}

#[test]
fn every_error_knows_what_may_be_done() {
    assert_eq!(ErrorId::ALL.len(), 11);
    for id in ErrorId::ALL {
        let report = id.report();
        assert_eq!(report.error_id().known(), Some(*id));
        assert!(!report.valid_next_actions().is_empty(), "{id}");
        let mut actions: Vec<NextAction> = report.valid_next_actions().to_vec();
        actions.sort();
        actions.dedup();
        assert_eq!(actions.len(), report.valid_next_actions().len(), "{id}");
        assert_eq!(ErrorReport::read(report.to_json()), Ok(report));
    }
    assert_eq!(ErrorId::SystemUnavailable.report().retry_after(u32::MAX).retry_after_seconds(), Some(86_400));
}

proptest! {
    #[test]
    fn nothing_a_stranger_sends_makes_us_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let encoded = evidence::base64url::encode(&bytes);
        for value in [String::from_utf8_lossy(&bytes).into_owned(), encoded] {
            let _ = Needed::decode(&value);
            let _ = Proof::decode(&value);
            let _ = Validation::decode(&value);
            if let Ok(text) = CredentialText::parse(value) {
                prop_assert!(Credential::open(&text, &Network::Test.method_id(), &psp_keys()).is_err());
            }
        }
    }

    #[test]
    fn a_broken_genuine_value_is_refused_or_means_the_same(at in 0_usize..4000, byte in any::<u8>()) {
        for value in [needed().encode().unwrap(), proof().encode().unwrap()] {
            let mut bytes = evidence::base64url::decode(&value).unwrap();
            let at = at % bytes.len();
            let unchanged = bytes[at] == byte;
            bytes[at] = byte;
            let value = evidence::base64url::encode(&bytes);
            prop_assert_eq!(open(&value).is_ok(), unchanged && Needed::decode(&value).is_ok());
            if let Ok(proof) = Proof::decode(&value) {
                // The method layer of a proof is the buyer's own and binds nobody.
                let in_method = at < bytes.windows(9).position(|part| part == b"protocol\"").unwrap();
                prop_assert!(unchanged || in_method || check(&proof).is_err());
            }
        }
    }

    #[test]
    fn what_was_written_reads_the_same(
        names in proptest::collection::vec("\\PC{1,40}", 4),
        amount_minor in any::<u128>(), scale in 0_u8..=18, window in 1_u32..=2_592_000,
        layer in proptest::collection::btree_map("\\PC{0,10}", "\\PC{0,40}", 1..5),
    ) {
        let name = |at: usize| Identifier::parse(names[at].as_str()).unwrap();
        let mut demand = demand();
        demand.amount = AmountText::of_minor(amount_minor, scale).unwrap();
        demand.resource_id = name(0);
        demand.buyer_unique_id = Some(name(1));
        demand.idempotency_key = Some(name(2));
        demand.out_trade_no = name(3);
        demand.replay_window_seconds = window;
        prop_assert_eq!(demand.amount.minor(scale), Some(amount_minor));
        let layer = layer.into_iter().map(|(name, value)| (name, Value::String(value))).collect();
        let needed = demand.sign(MethodLayer::new(layer).unwrap(), &seller_key()).unwrap();
        let read = Needed::decode(&needed.encode().unwrap()).unwrap();
        prop_assert_eq!(read.verify(&seller_keys()), Ok(()));
        prop_assert_eq!(read, needed);
    }

    #[test]
    fn a_trade_ends_at_most_once(events in proptest::collection::vec(0_usize..7, 0..20)) {
        let mut state = TradeState::Create;
        let mut ended = false;
        for event in events {
            match state.next(TradeEvent::ALL[event]) {
                Ok(next) => {
                    prop_assert!(!ended);
                    prop_assert_ne!(next, state);
                    state = next;
                }
                Err(refused) => prop_assert_eq!(refused.from, state),
            }
            ended = matches!(state, TradeState::TradeFinished | TradeState::TradeClosed);
        }
    }
}
