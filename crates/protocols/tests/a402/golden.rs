//! Our own vectors in `/vectors/a402`: written by another implementation, read by every language's.

use crate::shop::*;
use protocols::a402::{Needed, Outcome, Proof, ProofCheck, check_proof_of_offer, fingerprint, open_needed};
use serde_json::Value;

fn vectors(name: &str) -> Value {
    let path = format!("{}/../../vectors/a402/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn the_exchange_has_these_very_bytes() {
    let golden = vectors("exchange.json");
    let text = |of: &str| golden[of]["value"].as_str().unwrap().to_owned();

    assert_eq!(request().fingerprint.as_str(), golden["request"]["fingerprint"]);
    assert_eq!(needed().encode().unwrap(), text("payment_needed"));
    assert_eq!(proof().encode().unwrap(), text("payment_proof"));
    let report = report(Outcome::Delivered);
    assert_eq!(report.encode().unwrap(), text("payment_validation"));

    assert_eq!(Needed::decode(&text("payment_needed")), Ok(needed()));
    let sent = request();
    open_needed(&text("payment_needed"), &sent, &seller_keys(), &policy(), today("10:00:30")).unwrap();
    let shown = Proof::decode(&text("payment_proof")).unwrap();
    let keys = psp_keys();
    let check = ProofCheck { proof: &shown, request: &sent, psp_keys: &keys, now: today("10:02:00") };
    check_proof_of_offer(&offer(), &bill_key(), check).unwrap();
}

#[test]
fn fingerprints_are_those_of_every_language() {
    for case in vectors("fingerprints.json")["cases"].as_array().unwrap() {
        let text = |name: &str| case[name].as_str().unwrap();
        let found = fingerprint(text("method"), text("uri"), text("content_type"), text("body").as_bytes());
        assert_eq!(found.unwrap().as_str(), text("fingerprint"), "{}", text("uri"));
    }
}

#[test]
fn what_is_no_request_has_no_fingerprint() {
    let long = format!("https://shop.example/{}", "a".repeat(8 * 1024));
    for (method, uri, content_type) in [
        ("", "https://shop.example/", ""),
        ("GE T", "https://shop.example/", ""),
        ("GET", "/relative", ""),
        ("GET", "shop.example", ""),
        ("GET", "file:///etc/passwd", ""),
        ("GET", "https://", ""),
        ("GET", &long, ""),
        ("GET", "https://shop.example/", "text/plain\nx"),
        ("GET", "https://shop.example/", &"x".repeat(257)),
    ] {
        assert!(fingerprint(method, uri, content_type, b"").is_err(), "{method} {uri} {content_type}");
    }
}
