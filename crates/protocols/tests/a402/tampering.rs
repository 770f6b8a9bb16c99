//! Every single thing that could be altered, forged, moved or borrowed, and that none of it pays.

use crate::shop::*;
use evidence::{MacKey, SigningKey, mac::Secret};
use protocols::a402::{
    AmountText, CannotPay, Credential, CredentialText, Currency, ErrorId, HttpMethod, KeyFault, NotGenuine,
    NotOurBill, Proof, ProofCheck, Refusal, RequestFacts, SellerKey, check_proof_of_offer, digest,
    open_needed, wallet::Network, wallet::network_layer,
};
use serde_json::json;

#[test]
fn every_member_of_a_demand_is_under_the_signature() {
    let good = payload(&needed().encode().unwrap());
    let mut tried = 0;
    for layer in ["protocol", "method"] {
        for (name, value) in good[layer].as_object().unwrap() {
            let mut bad = good.clone();
            bad[layer][name] = altered(name, value);
            assert_ne!(bad, good, "`{name}` was altered");
            assert!(open(&header(&bad)).is_err(), "`{layer}.{name}` altered");
            bad[layer].as_object_mut().unwrap().remove(name);
            assert!(open(&header(&bad)).is_err(), "`{layer}.{name}` removed");
            tried += 1;
        }
    }
    assert_eq!(tried, 15 + 4);
    for (layer, name, value) in [
        ("protocol", "buyer_unique_id", json!("agent-ana")),
        (
            "protocol",
            "commerce_confirmation",
            json!({"confirmation_id": "c",
            "confirmation_digest": request().fingerprint.as_str()}),
        ),
        ("method", "goods_name", json!("weather")),
    ] {
        let mut bad = good.clone();
        bad[layer][name] = value;
        assert_eq!(open(&header(&bad)).unwrap_err().error_id(), ErrorId::SignatureInvalid, "`{name}` added");
    }
}

#[test]
fn every_member_of_a_proof_is_checked() {
    let good = payload(&proof().encode().unwrap());
    for (name, value) in good["protocol"].as_object().unwrap() {
        let mut bad = good.clone();
        bad["protocol"][name] = altered(name, value);
        let refused = match Proof::decode(&header(&bad)) {
            Ok(proof) => check(&proof).is_err(),
            Err(_) => true,
        };
        assert!(refused, "`{name}` altered");
        bad["protocol"].as_object_mut().unwrap().remove(name);
        assert!(Proof::decode(&header(&bad)).is_err(), "`{name}` removed");
    }
}

#[test]
fn every_claim_of_a_credential_is_under_its_signature() {
    let good = payload(proof().payment_proof.reveal());
    let mut tried = 0;
    for (name, value) in good["credential"].as_object().unwrap() {
        let mut bad = good.clone();
        bad["credential"][name] = altered(name, value);
        let mut shown = payload(&proof().encode().unwrap());
        // The thief alters the open claim as well, so that only the signature can tell.
        if shown["protocol"].get(name).is_some() {
            shown["protocol"][name] = altered(name, value);
        }
        shown["protocol"]["payment_proof"] = header(&bad).into();
        assert!(check(&Proof::decode(&header(&shown)).unwrap()).is_err(), "`{name}` altered");
        tried += 1;
    }
    assert_eq!(tried, 14);
}

#[test]
fn a_signed_claim_that_is_not_the_bills_is_refused() {
    // Here the payment service itself signed something else than this bill.
    let text = credential().sign(&id("psp-2026"), &psp_key());
    let claims = payload(text.reveal())["credential"].clone();
    for name in claims.as_object().unwrap().keys() {
        let mut other = credential();
        match name.as_str() {
            "trade_no" => other.trade_no = id("pay_2"),
            "out_trade_no" => other.out_trade_no = id("bill_other"),
            "resource_id" => other.resource_id = id("forecast-rome"),
            "method_id" => other.method_id = Network::Main.method_id(),
            "method_version" => other.method_version = version("1.0.1"),
            "amount" => other.amount = AmountText::parse("0.3").unwrap(),
            "currency" => other.currency = Currency::parse("EUR").unwrap(),
            "seller_unique_id" => other.seller_unique_id = id("evil.example"),
            "buyer_unique_id" => other.buyer_unique_id = id("agent-bob"),
            "request_fingerprint" => other.request_fingerprint = digest(b"another request"),
            "request_method" => other.request_method = HttpMethod::parse("PUT").unwrap(),
            "idempotency_key" => other.idempotency_key = None,
            "issued_at" => other.issued_at = date("2026-11-22T10:00:59Z"),
            "expires_at" => other.expires_at = date("2026-11-22T10:16:01Z"),
            name => panic!("`{name}` is a new claim: say how to change it"),
        }
        let mut shown = proof();
        shown.payment_proof = other.sign(&id("psp-2026"), &psp_key());
        assert!(check(&shown).is_err(), "`{name}`");
    }
}

#[test]
fn a_buyer_pays_only_for_the_request_that_was_sent() {
    let value = needed().encode().unwrap();
    let uri = "https://api.weather.example/v1/forecast?city=Oslo";
    for (what, sent) in [
        ("method", RequestFacts::of("PUT", uri, "application/json", BODY)),
        ("body", RequestFacts::of("POST", uri, "application/json", b"{}")),
        ("type", RequestFacts::of("POST", uri, "text/plain", BODY)),
        (
            "query",
            RequestFacts::of(
                "POST",
                "https://api.weather.example/v1/forecast?city=Rome",
                "application/json",
                BODY,
            ),
        ),
        (
            "host",
            RequestFacts::of(
                "POST",
                "https://api.evil.example/v1/forecast?city=Oslo",
                "application/json",
                BODY,
            ),
        ),
        (
            "slash",
            RequestFacts::of(
                "POST",
                "https://api.weather.example/v1%2Fforecast?city=Oslo",
                "application/json",
                BODY,
            ),
        ),
        (
            "scheme",
            RequestFacts::of(
                "POST",
                "http://api.weather.example/v1/forecast?city=Oslo",
                "application/json",
                BODY,
            ),
        ),
    ] {
        let sent = sent.unwrap();
        let opened = open_needed(&value, &sent, &seller_keys(), &policy(), today("10:00:30"));
        assert!(matches!(opened, Err(CannotPay::RequestDiffers { .. })), "{what}");
        assert!(
            matches!(check_at(&proof(), &sent, today("10:02:00")), Err(Refusal::Differs { .. })),
            "{what}"
        );
    }
    let mut keyed = request();
    keyed.idempotency_key = Some(id("my-own-key"));
    let opened = open_needed(&value, &keyed, &seller_keys(), &policy(), today("10:00:30"));
    assert_eq!(opened, Err(CannotPay::RequestDiffers { field: "idempotency_key" }));
}

#[test]
fn the_key_decides_who_signed_and_how() {
    let value = needed().encode().unwrap();
    let other = SigningKey::ed25519(&[8; 32]);
    let es256 = SigningKey::es256(&[8; 32]).unwrap();
    for (keys, fault) in [
        (seller_keys(), None),
        (keyring("other", "weather.example", seller_key().signing_key.public()), Some(KeyFault::UnknownKey)),
        (
            keyring("weather.example/2026", "evil.example", seller_key().signing_key.public()),
            Some(KeyFault::WrongOwner),
        ),
        (keyring("weather.example/2026", "weather.example", es256.public()), Some(KeyFault::WrongAlgorithm)),
        (keyring("weather.example/2026", "weather.example", other.public()), Some(KeyFault::BadSignature)),
    ] {
        assert_eq!(needed().verify(&keys).err(), fault);
        let opened = open_needed(&value, &request(), &keys, &policy(), today("10:00:30"));
        assert_eq!(opened.is_ok(), fault.is_none());
    }
    let key = SellerKey { signer_id: id("weather.example/2026"), signing_key: es256 };
    let keys = keyring("weather.example/2026", "weather.example", key.signing_key.public());
    let needed = demand().sign(terms().to_layer(), &key).unwrap();
    assert_eq!(needed.signature_type.as_str(), "ES256");
    assert_eq!(needed.verify(&keys), Ok(()));
}

#[test]
fn a_key_of_the_test_network_states_nothing_about_the_main_one() {
    let mut statement = credential();
    statement.method_id = Network::Main.method_id();
    let text = statement.sign(&id("psp-2026"), &psp_key());
    let opened = Credential::open(&text, &Network::Main.method_id(), &psp_keys());
    assert_eq!(opened.unwrap_err(), NotGenuine::Key(KeyFault::WrongOwner));
}

#[test]
fn a_credential_has_one_spelling_and_its_signature_one_purpose() {
    let text = credential().sign(&id("psp-2026"), &psp_key());
    let good = payload(text.reveal());
    let spaced = serde_json::to_string_pretty(&good).unwrap();
    let mut extra = good.clone();
    extra["alg"] = "none".into();
    let statement = json!({"credential": good["credential"], "key_id": "psp-2026"});
    let mut bare = statement.clone();
    // The same statement, signed without the words that say what it is.
    bare["signature"] =
        evidence::base64url::encode(psp_key().sign(statement.to_string().as_bytes()).as_bytes()).into();
    for bad in [spaced, extra.to_string(), bare.to_string(), statement.to_string(), "{}".to_owned()] {
        let bad = CredentialText::parse(evidence::base64url::encode(bad.as_bytes())).unwrap();
        assert!(Credential::open(&bad, &Network::Test.method_id(), &psp_keys()).is_err());
    }
    assert!(Credential::open(&text, &Network::Test.method_id(), &psp_keys()).is_ok());
    assert!(!format!("{:?}", proof()).contains(text.reveal()), "a bearer secret is not shown");
}

#[test]
fn a_bill_needs_no_memory_and_cannot_be_made_up() {
    let shown = proof();
    let keys = psp_keys();
    let request = request();
    let check = ProofCheck { proof: &shown, request: &request, psp_keys: &keys, now: today("10:02:00") };

    let mut dearer = offer();
    dearer.amount = AmountText::parse("9.00").unwrap();
    dearer.replay_window_seconds = 60;
    let verified = check_proof_of_offer(&dearer, &bill_key(), check).unwrap();
    assert_eq!(verified.demand(), &demand(), "what was paid stays paid when the price changes");

    let other_key = MacKey::new(&Secret::new([12; 32]));
    let refused = check_proof_of_offer(&offer(), &other_key, check).unwrap_err();
    assert_eq!(refused, Refusal::NotOurBill(NotOurBill));
    let mut other = offer();
    other.resource_id = id("forecast-rome");
    let refused = check_proof_of_offer(&other, &bill_key(), check).unwrap_err();
    assert_eq!(refused, Refusal::Differs { field: "resource_id" });

    // A cheap bill of our own making, honestly paid, for the dear resource.
    let mut cheap = offer();
    cheap.amount = AmountText::parse("0.01").unwrap();
    let cheap = cheap.bill(&request, &other_key, [0; 16], today("10:05:00"));
    let statement = Credential::for_demand(&cheap, payment()).unwrap();
    let mut shown = proof();
    shown.out_trade_no = statement.out_trade_no.clone();
    shown.idempotency_key = statement.idempotency_key.clone();
    shown.payment_proof = statement.sign(&id("psp-2026"), &psp_key());
    let check = ProofCheck { proof: &shown, ..check };
    let refused = check_proof_of_offer(&offer(), &bill_key(), check).unwrap_err();
    assert_eq!(refused, Refusal::NotOurBill(NotOurBill));
}

#[test]
fn a_credential_for_something_else_makes_no_proof() {
    let bill = open(&needed().encode().unwrap()).unwrap();
    let layer = || network_layer(Network::Test);
    let mut dearer = credential();
    dearer.amount = AmountText::parse("3.00").unwrap();
    let dearer = dearer.sign(&id("psp-2026"), &psp_key());
    assert_eq!(bill.proof(dearer, &psp_keys(), layer()).unwrap_err(), Refusal::Differs { field: "amount" });
    let mut bobs = credential();
    bobs.buyer_unique_id = id("agent-bob");
    let bobs = bobs.sign(&id("psp-2026"), &psp_key());
    assert_eq!(bill.proof(bobs, &psp_keys(), layer()).unwrap_err(), Refusal::NotTheBuyer);
}
