//! Whatever a stranger sends: it is read or refused, what was read can be written, and nothing panics.

use crate::world::*;
use proptest::prelude::*;
use protocols::act::iac::{IacPayload, verify};
use protocols::act::intent::{ConversationHistory, IntentStructuringResult};
use protocols::act::lifecycle::StatusDocument;
use protocols::act::psd::agreement::{ApplyRequest, PayRequest, QueryResponse};
use protocols::act::psd::{
    AutonomousRequest, BindingRequest, DelegatedRequest, InstantRequest, SubAccount, SubAccountRequest,
    check_delegated, signing_bytes,
};
use protocols::act::{AmountNumber, Malformed, Opaque, Percent};
use serde_json::{Value, json};

macro_rules! read_and_write {
    ($text:expr; $($name:ident),+) => { $(
        if let Ok(read) = $name::from_json($text) {
            let again = $name::from_json(read.to_json().as_bytes());
            prop_assert_eq!(again.as_ref(), Ok(&read));
            let canonical = $name::from_json(&read.canonical());
            prop_assert_eq!(canonical.as_ref(), Ok(&read));
        }
    )+ };
}

/// Reads `text` as everything there is.
fn read_all(text: &[u8]) -> Result<(), TestCaseError> {
    read_and_write!(text; ConversationHistory, IntentStructuringResult, IacPayload, StatusDocument,
        BindingRequest, SubAccount, SubAccountRequest, InstantRequest, DelegatedRequest, AutonomousRequest,
        ApplyRequest, PayRequest, QueryResponse);
    if let Ok(request) = DelegatedRequest::from_json(text) {
        let _ = signing_bytes(&request);
        let _ = check_delegated(&request, &world(), now());
    }
    if let Ok(isr) = IntentStructuringResult::from_json(text) {
        let _ = isr.questions();
    }
    Ok(())
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|value| json!(value)),
        any::<i64>().prop_map(|value| json!(value)),
        any::<f64>().prop_map(|value| json!(value)),
        "\\PC{0,8}".prop_map(|value| json!(value)),
        Just(json!("2026-09-01T00:00:00Z")),
        Just(json!("BOUNDED")),
        Just(json!("12.34")),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            proptest::collection::btree_map("[a-z_]{0,6}", inner, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        read_all(&bytes)?;
    }

    #[test]
    fn any_changed_message_is_read_or_refused(
        which in 0..5_usize,
        place in any::<prop::sample::Index>(),
        new in any_json(),
    ) {
        let sample = [isr_json("BOUNDED"), delegated_json(), autonomous_json(), account_json(), instant_json()]
            [which].clone();
        let names: Vec<String> = sample.as_object().unwrap().keys().cloned().collect();
        let changed = with(sample, &[place.get(&names).as_str()], Some(new));
        read_all(changed.to_string().as_bytes())?;
    }

    #[test]
    fn any_text_is_no_credential(token in "[a-zA-Z0-9_.-]{0,200}") {
        prop_assert!(verify(&token, &iac_keys(), now()).is_err());
    }

    #[test]
    fn an_amount_is_its_digits(hundredths in 0..=999_999_999_999_999_u64) {
        let written = AmountNumber::new(hundredths).unwrap().to_string();
        prop_assert_eq!(AmountNumber::parse(&written).unwrap().hundredths(), hundredths);
        // The canonical form goes through a double, and nothing is lost on the way.
        let status = with(isr_json("BOUNDED"), &["max_total_amount"], None).to_string();
        let text = status.replacen('{', &format!(r#"{{"max_total_amount":{written},"#), 1);
        let isr = IntentStructuringResult::from_json(text.as_bytes()).unwrap();
        let again = IntentStructuringResult::from_json(&isr.canonical()).unwrap();
        prop_assert_eq!(again.max_total_amount.unwrap().hundredths(), hundredths);
    }

    #[test]
    fn no_text_makes_an_amount_panic(text in "\\PC{0,24}") {
        let _ = (AmountNumber::parse(&text), Percent::parse(&text));
    }
}

#[test]
fn sizes_have_maxima() {
    let long = "x".repeat(64 * 1024);
    let text = json!({"user_intent_raw": long}).to_string();
    let refused = ConversationHistory::from_json(text.as_bytes());
    assert_eq!(refused, Err(Malformed::TooLong { bytes: text.len() }));
    let sentence = |bytes: usize| {
        let text = json!({"user_intent_raw": "x".repeat(bytes)}).to_string();
        ConversationHistory::from_json(text.as_bytes()).is_ok()
    };
    assert!(sentence(16 * 1024) && !sentence(16 * 1024 + 1));
    let methods = |count: usize| {
        let methods: Vec<String> = (0..count).map(|number| format!("urn:{number}")).collect();
        let intent = with(isr_json("BOUNDED"), &["allowed_payment_methods"], Some(json!(methods)));
        IntentStructuringResult::from_json(intent.to_string().as_bytes()).is_ok()
    };
    assert!(methods(256) && !methods(257));
    assert!(verify(&"a".repeat(32 * 1024 + 1), &iac_keys(), now()).is_err());
    let nested = |depth: usize| Opaque::from_json(&format!("{}{}", "[".repeat(depth), "]".repeat(depth)));
    assert!(nested(100).is_ok() && nested(120).is_err());
}
