//! The vectors, samples and examples of the ACT 2.1 pack, read from beside the repository if they are there.

use crate::world::*;
use evidence::{PublicKey, base64url};
use protocols::act::Keyring;
use protocols::act::iac::{IacPayload, UnsignedIac, verify};
use protocols::act::intent::{InputModes, IntentStructuringResult};
use protocols::act::lifecycle::{IacState, StatusDocument};
use protocols::act::psd::agreement::{
    ApplyRequest, ApplyResponse, CancelRequest, PayRequest, PayResponse, QueryRequest, QueryResponse,
};
use protocols::act::psd::{
    AutonomousRequest, BindingRequest, BindingResponse, DelegatedRequest, InstantRequest, InstantResponse,
    SubAccount,
};
use serde_json::{Value, json};

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

#[test]
fn iss_07_the_vector_has_these_canonical_bytes_and_this_digest() {
    let Some(vector) = pack("vectors/derived/iac.json") else {
        return;
    };
    let payload = IacPayload::from_json(vector["to_be_signed"].to_string().as_bytes()).unwrap();
    assert_eq!(String::from_utf8(payload.canonical()).unwrap(), vector["canonical"]);
    let digest = format!("sha-256:{}", vector["canonical_sha256_b64url"].as_str().unwrap());
    assert_eq!(payload.digest().as_str(), digest);
    // The intent of these tests is the vector's, so its selection is too.
    let selected = UnsignedIac::select(&confirmed(&isr_json("BOUNDED")), selection());
    assert_eq!(selected.payload(), &payload);
}

#[test]
fn iss_09_the_vector_verifies_and_its_negatives_do_not() {
    let Some(vector) = pack("vectors/derived/iac.json") else {
        return;
    };
    let coordinate = |name: &str| base64url::decode(vector["public_jwk"][name].as_str().unwrap()).unwrap();
    let mut keys = Keyring::default();
    keys.trust(id(KEY_ID), id(ANA), PublicKey::es256(&coordinate("x"), &coordinate("y")).unwrap());
    let verified = verify(vector["vc_jwt"].as_str().unwrap(), &keys, now()).unwrap();
    assert_eq!(verified.payload().delegation_id, id(DELEGATION));
    for negative in vector["negative"].as_array().unwrap() {
        let refused = verify(negative["vc_jwt"].as_str().unwrap(), &keys, now());
        assert!(refused.is_err(), "{}", negative["name"]);
    }
}

#[test]
fn iss_09_we_seal_as_the_vector_does() {
    let Some(vector) = pack("vectors/derived/iac.json") else {
        return;
    };
    let token = issue(&isr_json("BOUNDED"));
    let signed = |token: &str| token.rsplit_once('.').unwrap().0.to_owned();
    assert_eq!(signed(&token), signed(vector["vc_jwt"].as_str().unwrap()), "all but the signature");
}

#[test]
fn lcm_02_the_transitions_are_the_vectors() {
    let Some(table) = pack("vectors/derived/lifecycles.json") else {
        return;
    };
    let state = |value: &Value| IacState::parse(value.as_str().unwrap()).unwrap();
    for row in table["iac"].as_array().unwrap() {
        assert_eq!(state(&row["from"]).may_become(state(&row["to"])), row["allowed"], "{row}");
    }
}

#[test]
fn our_own_examples_read() {
    let Some(examples) = pack("examples-own.json") else {
        return;
    };
    // The examples have words where signatures and credentials go.
    let text = examples.to_string().replace("<b64u>", "AA").replace("<b64u signature by key-sa-1>", "AA");
    let text =
        text.replace("<compact VC-JWT, SPECIFIED>", "a.b.c").replace("<compact VC-JWT, BOUNDED>", "a.b.c");
    let text = text.replace("sha-256:AA", "sha-256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    let examples: Value = serde_json::from_str(&text).unwrap();
    let bytes = |path: [&str; 2]| examples[path[0]][path[1]].to_string().into_bytes();

    let isr = IntentStructuringResult::read(&bytes(["ADD-INT-ICS", "isr"]), &InputModes::default()).unwrap();
    assert_eq!(isr.questions(), []);
    StatusDocument::from_json(&bytes(["ADD-IAC-LCM", "status_answer"])).unwrap();
    BindingRequest::from_json(&bytes(["PSD-PMT-BND", "request"])).unwrap();
    BindingResponse::from_json(&bytes(["PSD-PMT-BND", "response"])).unwrap();
    SubAccount::from_json(&bytes(["PSD-AGT-SUB", "account"])).unwrap();
    InstantRequest::from_json(&bytes(["PSD-PAY-INS", "request"])).unwrap();
    InstantResponse::from_json(&bytes(["PSD-PAY-INS", "response"])).unwrap();
    let delegated = DelegatedRequest::from_json(&bytes(["PSD-PAY-DEL", "request"])).unwrap();
    assert!(protocols::act::psd::signing_bytes(&delegated).is_ok(), "its coverage is enough");
    QueryRequest::from_json(&bytes(["PSD-PAY-DEL-QUERY (2.0)", "request"])).unwrap();
    AutonomousRequest::from_json(&bytes(["PSD-PAY-AUP", "request"])).unwrap();
}

#[test]
fn the_samples_of_version_2_0_read_but_for_their_placeholders() {
    let sample = |name: &str| pack(&format!("schemas/examples/payloads/{name}-example.json"));
    let (
        Some(binding),
        Some(account),
        Some(apply),
        Some(applied),
        Some(cancel),
        Some(agreements),
        Some(pay),
        Some(paid),
    ) = (
        sample("payment-method-binding"),
        sample("agent-subaccount"),
        sample("delegation-agreement-apply"),
        sample("delegation-agreement-apply-response"),
        sample("delegation-agreement-cancel"),
        sample("delegation-agreement-query-response"),
        sample("delegation-pay"),
        sample("delegation-pay-response"),
    )
    else {
        return;
    };
    let signed = |value: Value| with(value, &["signature"], Some(json!("AA"))).to_string().into_bytes();
    let text = |value: &Value| value.to_string().into_bytes();
    // The sample's token is sixteen digits long, and is still a token: only accounts are masked.
    BindingRequest::from_json(&text(&binding["request"])).unwrap();
    BindingResponse::from_json(&text(&binding["response"])).unwrap();
    SubAccount::from_json(&text(&account)).unwrap();
    ApplyRequest::from_json(&signed(apply)).unwrap();
    ApplyResponse::from_json(&text(&applied)).unwrap();
    CancelRequest::from_json(&signed(cancel)).unwrap();
    QueryResponse::from_json(&text(&agreements)).unwrap();
    let pay = with(pay, &["cart_snapshot_hash"], None);
    let pay = PayRequest::from_json(&signed(pay)).unwrap();
    assert!(protocols::act::psd::signing_bytes(&pay).is_err(), "the sample leaves its request id uncovered");
    PayResponse::from_json(&text(&paid)).unwrap();
}
