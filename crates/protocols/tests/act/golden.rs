//! Our own vectors in `/vectors/act`: written by another implementation, read by every language's.

use crate::world::*;
use evidence::{PublicKey, base64url};
use protocols::act::Keyring;
use protocols::act::iac::{IacPayload, verify};
use protocols::act::intent::{ConfirmedIsr, InputModes};
use protocols::act::psd::{
    AutonomousRequest, DelegatedRequest, SubAccountKey, signing_bytes, verify_signature,
};
use serde_json::Value;

fn vectors(name: &str) -> Value {
    let path = format!("{}/../../vectors/act/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn public_key(jwk: &Value) -> PublicKey {
    let coordinate = |name: &str| base64url::decode(jwk[name].as_str().unwrap()).unwrap();
    PublicKey::es256(&coordinate("x"), &coordinate("y")).unwrap()
}

#[test]
fn an_intent_has_this_digest() {
    let golden = vectors("intent.json");
    let text = golden["isr"].as_str().unwrap();
    let confirmed = ConfirmedIsr::from_record(text.as_bytes(), &InputModes::default()).unwrap();
    assert_eq!(String::from_utf8(confirmed.isr().canonical()).unwrap(), golden["canonical"]);
    assert_eq!(confirmed.digest().as_str(), golden["digest"]);
    assert_eq!(confirmed.isr().to_json(), text, "two decimals and this order");
}

#[test]
fn a_credential_of_another_implementation_verifies() {
    let golden = vectors("credential.json");
    let mut keys = Keyring::default();
    keys.trust(id(KEY_ID), id(ANA), public_key(&golden["public_jwk"]));
    let verified = verify(golden["vc_jwt"].as_str().unwrap(), &keys, now()).unwrap();
    assert_eq!(String::from_utf8(verified.payload().canonical()).unwrap(), golden["canonical"]);
    let payload = IacPayload::from_json(golden["canonical"].as_str().unwrap().as_bytes()).unwrap();
    assert_eq!(payload.digest().as_str(), golden["digest"]);
    for refused in golden["refused"].as_array().unwrap() {
        let result = verify(refused["vc_jwt"].as_str().unwrap(), &keys, now());
        assert!(result.is_err(), "{}", refused["why"]);
    }
}

#[test]
fn requests_signed_by_another_implementation_verify() {
    let golden = vectors("requests.json");
    let keys = [public_key(&golden["agent_jwk"])];
    let delegated = &golden["delegated"];
    let request = DelegatedRequest::from_json(delegated["request"].to_string().as_bytes()).unwrap();
    assert_eq!(String::from_utf8(signing_bytes(&request).unwrap()).unwrap(), delegated["signed"]);
    assert_eq!(verify_signature(&request, &keys), Ok(()));

    let autonomous = &golden["autonomous"];
    let request = AutonomousRequest::from_json(autonomous["request"].to_string().as_bytes()).unwrap();
    assert_eq!(String::from_utf8(signing_bytes(&request).unwrap()).unwrap(), autonomous["signed"]);
    assert_eq!(verify_signature(&request, &keys), Ok(()));
    let proof = request.claim().unwrap().proof_facts(&id("SA-1"));
    assert_eq!(String::from_utf8(proof.bytes()).unwrap(), autonomous["proved"]);
    let key = SubAccountKey::Asymmetric(public_key(&golden["subaccount_jwk"]));
    assert!(proof.is_proved_by(request.subaccount_proof.as_ref().unwrap(), &key));
}
