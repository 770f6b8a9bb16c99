//! `ADD-IAC-ISS`: what a credential is selected from, who seals it, and that nothing in it can be altered.

use crate::world::*;
use evidence::{SigningKey, base64url};
use protocols::a402::KeyFault;
use protocols::act::Malformed;
use protocols::act::iac::{
    ClaimedIac, IacError, IacKey, IacPayload, IacReferences, IssueError, Risk, Selection, SourceDigest,
    UnsignedIac, verify,
};
use protocols::act::intent::{ConfirmedIsr, DelegationMode, InputModes, IntentClass, MainLimit};
use protocols::act::psd::{CheckStep, PaymentError, check_autonomous, check_delegated};
use protocols::act::{Keyring, Uri};
use serde_json::{Value, json};

/// The two readable parts of a token.
fn parts(token: &str) -> [Value; 2] {
    let mut parts = token.split('.');
    [(); 2].map(|()| serde_json::from_slice(&base64url::decode(parts.next().unwrap()).unwrap()).unwrap())
}

/// A token of these parts, with the key that signed every credential here.
fn seal(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| base64url::encode(value.to_string().as_bytes());
    let signed = format!("{}.{}", part(header), part(claims));
    let signature = SigningKey::es256(&[0x21; 32]).unwrap().sign(signed.as_bytes());
    format!("{signed}.{}", base64url::encode(signature.as_bytes()))
}

/// A well-signed token with the claim at `path` changed: only a check of the content can refuse it.
fn resealed(path: &[&str], new: Option<Value>) -> Result<(), IacError> {
    let [header, claims] = parts(&issue(&isr_json("BOUNDED")));
    verify(&seal(&header, &with(claims, path, new)), &iac_keys(), now()).map(|_| ())
}

#[test]
fn iss_01_only_what_is_confirmed_and_complete_can_be_issued_from() {
    let record: Value = serde_json::from_str(&confirmed(&isr_json("BOUNDED")).isr().to_json()).unwrap();
    let class = |record: &Value| {
        let read = ConfirmedIsr::from_record(record.to_string().as_bytes(), &InputModes::default());
        read.map(|_| ()).map_err(|error| error.class())
    };
    assert_eq!(class(&record), Ok(()));
    for limit in MainLimit::ALL {
        let without = with(record.clone(), &[limit.as_str()], None);
        assert_eq!(class(&without), Err(IntentClass::IntentIncomplete), "{limit}");
    }
    let unconfirmed = with(record.clone(), &["user_confirmation_method"], None);
    assert_eq!(class(&unconfirmed), Err(IntentClass::ConfirmationMissing));
    let reversed = with(record, &["validity_end_time"], Some(json!("2026-08-01T00:00:00Z")));
    assert_eq!(class(&reversed), Err(IntentClass::IntentConflict));
}

#[test]
fn iss_02_one_confirmation_is_enough() {
    // The confirmation of the intent is the only one there is: issuing takes no other.
    let draft = draft(&isr_json("BOUNDED"));
    let answer = answer(&draft);
    let unsigned = UnsignedIac::select(&draft.confirm(answer).unwrap(), selection());
    let issued = iac_key().issue(&unsigned, &IacReferences::default(), Risk::Ordinary, now());
    assert!(verify(&issued.unwrap(), &iac_keys(), now()).is_ok());
}

#[test]
fn iss_03_a_credential_is_a_selection() {
    let mut intent = isr_json("BOUNDED");
    intent["ext"]["fulfillment"] = json!({"delivery_address": {"street": "1 Main St"}});
    intent["ext"]["vendor_private"] = json!({"demo_color": "blue"});
    let token = issue(&intent);
    let [_, claims] = parts(&token);
    let subject = &claims["vc"]["credentialSubject"];
    assert_eq!(subject.get("conversation_history"), None);
    let spaces: Vec<&String> = subject["ext"].as_object().unwrap().keys().collect();
    assert_eq!(spaces, ["agent_behavior", "commerce"]);
    assert!(!claims.to_string().contains("map data"));
}

#[test]
fn iss_04_every_required_member_is_required() {
    for name in [
        "delegation_id",
        "delegator_identity",
        "agent_id",
        "validity_start_time",
        "validity_end_time",
        "max_total_amount",
    ] {
        let refused = resealed(&["vc", "credentialSubject", name], None);
        let missing = Malformed::Missing { path: "credentialSubject", name };
        assert_eq!(refused, Err(IacError::Malformed(missing)));
    }
    assert_eq!(resealed(&["vc", "credentialSubject", "allowed_payment_methods"], None), Ok(()));
}

#[test]
fn iss_05_what_is_absent_has_a_meaning() {
    let [header, claims] = parts(&issue(&isr_json("SPECIFIED")));
    let bare = with(claims, &["vc", "credentialSubject", "delegation_mode"], None);
    let bare = with(bare, &["vc", "credentialSubject", "currency"], None);
    let token = seal(&header, &bare);
    let verified = verify(&token, &iac_keys(), now()).unwrap();
    assert_eq!(verified.payload().mode(), DelegationMode::Specified);
    assert_eq!(verified.payload().currency_or_default().as_str(), "CNY");

    let delegated_json = with(delegated_json(), &["iac"], Some(json!(token)));
    assert!(check_delegated(&delegated(&delegated_json), &world(), now()).is_ok());
    let dollars = with(delegated_json, &["currency"], Some(json!("USD")));
    let refused = check_delegated(&delegated(&dollars), &world(), now()).unwrap_err();
    assert_eq!(refused.error, PaymentError::CurrencyMismatch);
    let level_3 = with(autonomous_json(), &["iac"], Some(json!(token)));
    let refused = check_autonomous(&autonomous(&level_3), &world(), now()).unwrap_err();
    assert_eq!(
        (refused.step, refused.error),
        (CheckStep::DelegationMode, PaymentError::DelegationModeInvalid)
    );
}

#[test]
fn iss_06_the_words_go_along_where_there_is_no_intent_to_refer_to() {
    let confirmed = confirmed(&isr_json("BOUNDED"));
    let referring = UnsignedIac::select(&confirmed, selection());
    assert!(referring.payload().intent_id.is_some() && referring.payload().conversation_history.is_none());
    assert_eq!(referring.payload().allowed_payment_methods, confirmed.isr().allowed_payment_methods);
    assert_eq!(
        (&referring.payload().user_confirmation_method, &referring.payload().user_confirmation_timestamp),
        (&confirmed.isr().user_confirmation_method, &confirmed.isr().user_confirmation_timestamp)
    );
    let own_words = referring.with_words_instead_of_intent(&confirmed);
    assert!(own_words.payload().intent_id.is_none() && own_words.payload().conversation_history.is_some());
    let token = iac_key().issue(&own_words, &IacReferences::default(), Risk::Ordinary, now()).unwrap();
    assert!(verify(&token, &iac_keys(), now()).is_ok());

    let subject = ["vc", "credentialSubject"];
    let at = |name| [subject[0], subject[1], name];
    assert!(resealed(&at("intent_id"), None).is_err(), "neither intent nor words");
    assert!(resealed(&at("user_confirmation_timestamp"), None).is_err(), "a method without its time");
    assert!(resealed(&at("allowed_payment_methods"), Some(json!([]))).is_err());
}

#[test]
fn iss_07_order_and_space_do_not_matter_and_names_do() {
    let payload = UnsignedIac::select(&confirmed(&isr_json("BOUNDED")), selection());
    let canonical = String::from_utf8(payload.payload().canonical()).unwrap();
    assert!(
        canonical.contains(r#""max_total_amount":300,"#)
            && canonical.contains(r#""max_single_amount":120.5}"#)
    );
    let Value::Object(members) = serde_json::from_str(&payload.payload().to_json()).unwrap() else {
        panic!("a payload is an object")
    };
    let reversed = members.iter().rev().map(|(name, value)| format!("\n  \"{name}\" :\t{value}"));
    let reordered = format!("{{{}\r\n}}", reversed.collect::<Vec<_>>().join(" ,"));
    let again = IacPayload::from_json(reordered.as_bytes()).unwrap();
    assert_eq!(again.digest(), payload.payload().digest());
    let renamed = canonical.replace("agent_id", "agentId");
    assert!(IacPayload::from_json(renamed.as_bytes()).is_err());
}

#[test]
fn iss_08_every_letter_of_a_credential_is_under_the_signature() {
    let token = issue(&isr_json("BOUNDED"));
    let [header, claims] = parts(&token);
    let signature = token.rsplit('.').next().unwrap();
    let forge = |header: &Value, claims: &Value| {
        let part = |value: &Value| base64url::encode(value.to_string().as_bytes());
        format!("{}.{}.{signature}", part(header), part(claims))
    };
    let bad = Err(IacError::Key(KeyFault::BadSignature));
    let mut tried = 0;
    for (name, value) in claims["vc"]["credentialSubject"].as_object().unwrap() {
        let altered = match (name.as_str(), value) {
            ("delegation_mode", _) => json!("SPECIFIED"),
            ("currency", _) => json!("USD"),
            ("validity_start_time" | "user_confirmation_timestamp", _) => json!("2026-08-01T00:00:00Z"),
            ("validity_end_time", _) => json!("2027-09-08T00:00:00Z"),
            ("ext", _) => json!({"commerce": {"max_single_amount": 299}}),
            (_, Value::Number(_)) => json!(3000),
            (_, Value::Array(_)) => json!(["urn:other"]),
            (_, _) => json!("X"),
        };
        let mut forged = with(claims.clone(), &["vc", "credentialSubject", name], Some(altered));
        // The forger keeps the envelope in agreement, so that only the signature can tell.
        forged["sub"] = forged["vc"]["credentialSubject"]["agent_id"].clone();
        forged["jti"] = forged["vc"]["credentialSubject"]["delegation_id"].clone();
        let mut keys = iac_keys();
        keys.trust(
            id(KEY_ID),
            id(forged["vc"]["credentialSubject"]["delegator_identity"].as_str().unwrap()),
            iac_key().public().clone(),
        );
        forged["iss"] = forged["vc"]["credentialSubject"]["delegator_identity"].clone();
        assert_eq!(verify(&forge(&header, &forged), &keys, now()).map(|_| ()), bad, "{name}");
        tried += 1;
    }
    assert_eq!(tried, 13);
    for (name, value) in [("iat", json!(1)), ("exp", json!(1_900_000_000)), ("nbf", json!(0))] {
        let forged = with(claims.clone(), &[name], Some(value));
        assert_eq!(verify(&forge(&header, &forged), &iac_keys(), now()).map(|_| ()), bad, "{name}");
    }
    let forged = with(claims, &["vc", "status_reference"], Some(json!("https://evil.example/")));
    assert_eq!(verify(&forge(&header, &forged), &iac_keys(), now()).map(|_| ()), bad);
}

#[test]
fn iss_08_every_single_bit_flip_is_refused() {
    let token = issue(&isr_json("BOUNDED"));
    for place in (0..token.len()).step_by(7) {
        let mut bytes = token.clone().into_bytes();
        bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
        let flipped = String::from_utf8(bytes).unwrap();
        assert!(verify(&flipped, &iac_keys(), now()).is_err(), "letter {place}");
    }
}

#[test]
fn iss_08_the_envelope_agrees_with_the_payload() {
    for claim in ["iss", "sub", "jti"] {
        let refused = resealed(&[claim], Some(json!("did:act:example.test/other")));
        assert_eq!(refused, Err(IacError::Disagreement { claim }));
    }
}

#[test]
fn iss_09_a_credential_is_verified_with_the_public_key_alone() {
    let iac = verify(&issue(&isr_json("BOUNDED")), &iac_keys(), now()).unwrap();
    let payload = iac.payload();
    assert_eq!(payload.delegator_identity, id(ANA));
    assert_eq!(payload.agent_id, id(AGENT));
    assert_eq!(payload.max_total_amount, amount("300.00"));
    assert_eq!(
        (iac.valid_from(), iac.valid_until()),
        (at("2026-09-01T00:00:00Z"), at("2026-09-08T00:00:00Z"))
    );
    let claimed = ClaimedIac::read(&issue(&isr_json("BOUNDED"))).unwrap();
    assert_eq!((claimed.key_id(), &claimed.claimed().payload), (&id(KEY_ID), payload));
}

#[test]
fn iss_09_of_two_windows_the_stricter_counts() {
    let token = issue(&isr_json("BOUNDED"));
    let tell = |token: &str, time: &str| verify(token, &iac_keys(), at(time)).map(|_| ());
    assert_eq!(tell(&token, "2026-08-31T23:59:59Z"), Err(IacError::NotYetValid));
    assert_eq!(tell(&token, "2026-09-01T00:00:00Z"), Ok(()));
    assert_eq!(tell(&token, "2026-09-07T23:59:59Z"), Ok(()));
    assert_eq!(tell(&token, "2026-09-08T00:00:00Z"), Err(IacError::Expired));

    let [header, claims] = parts(&token);
    let (second, third) = (1_788_307_200, 1_788_393_600); // the second and third of September
    let narrow = with(with(claims.clone(), &["nbf"], Some(json!(second))), &["exp"], Some(json!(third)));
    let narrow = seal(&header, &narrow);
    assert_eq!(tell(&narrow, "2026-09-01T23:59:59Z"), Err(IacError::NotYetValid));
    assert_eq!(tell(&narrow, "2026-09-02T00:00:00Z"), Ok(()));
    assert_eq!(tell(&narrow, "2026-09-03T00:00:00Z"), Err(IacError::Expired));
    let wide = with(with(claims.clone(), &["nbf"], None), &["exp"], Some(json!(1_900_000_000)));
    let wide = seal(&header, &wide);
    assert_eq!(tell(&wide, "2026-08-31T23:59:59Z"), Err(IacError::NotYetValid));
    assert_eq!(tell(&wide, "2026-09-08T00:00:00Z"), Err(IacError::Expired));

    // The slip in the sample of version 2.0: its envelope ends before its payload begins.
    let slip = seal(&header, &with(claims.clone(), &["exp"], Some(json!(1_750_377_599))));
    assert_eq!(tell(&slip, "2026-09-02T00:00:00Z"), Err(IacError::Expired));
    let early = seal(&header, &with(claims, &["iat"], Some(json!(second))));
    assert_eq!(tell(&early, "2026-09-01T23:58:59Z"), Err(IacError::IssuedInFuture));
    assert_eq!(tell(&early, "2026-09-01T23:59:00Z"), Ok(()));
}

#[test]
fn iss_09_a_key_speaks_only_for_its_owner_and_only_with_its_algorithm() {
    let token = issue(&isr_json("BOUNDED"));
    let tell = |keys: &Keyring| verify(&token, keys, now()).map(|_| ());
    assert_eq!(tell(&Keyring::default()), Err(IacError::Key(KeyFault::UnknownKey)));
    let mut keys = Keyring::default();
    keys.trust(id(KEY_ID), id(AGENT), iac_key().public().clone());
    assert_eq!(tell(&keys), Err(IacError::Key(KeyFault::WrongOwner)));
    keys.trust(id(KEY_ID), id(ANA), agent_key().public().clone());
    assert_eq!(tell(&keys), Err(IacError::Key(KeyFault::BadSignature)));
    keys.trust(id(KEY_ID), id(ANA), subaccount_key().public().clone());
    assert_eq!(tell(&keys), Err(IacError::Key(KeyFault::WrongAlgorithm)));

    let [header, claims] = parts(&token);
    for (name, value, refused) in [
        ("alg", "none", IacError::Algorithm),
        ("alg", "HS256", IacError::Algorithm),
        ("alg", "es256", IacError::Algorithm),
        ("typ", "JWT", IacError::OtherType),
    ] {
        let forged = seal(&with(header.clone(), &[name], Some(json!(value))), &claims);
        assert_eq!(verify(&forged, &iac_keys(), now()).map(|_| ()), Err(refused), "{value}");
    }
    for name in ["jwk", "jku", "x5c", "crit", "b64"] {
        let forged = seal(&with(header.clone(), &[name], Some(json!("x"))), &claims);
        assert!(matches!(verify(&forged, &iac_keys(), now()), Err(IacError::Malformed(_))), "{name}");
    }
    let other = resealed(&["vc", "type"], Some(json!(["VerifiableCredential"])));
    assert_eq!(other, Err(IacError::OtherType));
    assert_eq!(resealed(&["vc", "@context"], Some(json!(["https://www.w3.org/ns/credentials/v2"]))), Ok(()));
}

#[test]
fn iss_10_a_key_for_credentials_is_for_credentials_only() {
    let made = |key| IacKey::new(id(KEY_ID), id(ANA), key).map(|_| ());
    assert!(made(SigningKey::ed25519(&[1; 32])).is_err(), "ES256 only");
    assert!(made(SigningKey::es256(&[1; 32]).unwrap()).is_ok());
    assert!(format!("{:?}", iac_key()).contains("signing_key: [secret]"));

    // As the agent's own key it is good for nothing: the two rings are apart.
    let mut world = world();
    world.agent_keys = vec![iac_key().public().clone()];
    let refused = check_delegated(&delegated(&delegated_json()), &world, now()).unwrap_err();
    assert_eq!(refused.error, PaymentError::AgentSignatureInvalid);

    let foreign = Selection { delegator_identity: id("did:act:example.test/user-bob"), ..selection() };
    let foreign = UnsignedIac::select(&confirmed(&isr_json("BOUNDED")), foreign);
    let issued = iac_key().issue(&foreign, &IacReferences::default(), Risk::Ordinary, now());
    assert_eq!(issued.unwrap_err(), IssueError::OtherDelegator);
}

#[test]
fn iss_11_high_risk_needs_both_references() {
    let unsigned = UnsignedIac::select(&confirmed(&isr_json("BOUNDED")), selection());
    let status = Some(Uri::parse("https://psp.example.test/iac/1").unwrap());
    let proof = Some(id("urn:proof:1"));
    let issue = |status_reference, control_proof_ref, risk| {
        let references = IacReferences { status_reference, control_proof_ref };
        iac_key().issue(&unsigned, &references, risk, now())
    };
    assert_eq!(issue(None, None, Risk::High), Err(IssueError::ReferencesMissing));
    assert_eq!(issue(status.clone(), None, Risk::High), Err(IssueError::ReferencesMissing));
    assert_eq!(issue(None, proof.clone(), Risk::High), Err(IssueError::ReferencesMissing));
    let token = issue(status.clone(), proof.clone(), Risk::High).unwrap();
    let verified = verify(&token, &iac_keys(), now()).unwrap();
    assert_eq!((&verified.iac().status_reference, &verified.iac().control_proof_ref), (&status, &proof));
    assert!(issue(None, None, Risk::Ordinary).is_ok());
}

#[test]
fn iss_12_the_events_have_their_names() {
    use protocols::act::lifecycle::DelegationEvent as E;
    assert_eq!(E::IntentCreated.as_str(), "act:delegation:intent-created");
    assert_eq!(E::Issued.as_str(), "act:delegation:delegation-issued");
}

#[test]
fn a_credential_may_quote_the_rules_it_was_selected_from() {
    let confirmed = confirmed(&isr_json("BOUNDED"));
    let quoting = Selection { source_isr_digest: SourceDigest::Include, ..selection() };
    let payload = UnsignedIac::select(&confirmed, quoting);
    assert_eq!(payload.payload().source_isr_digest, Some(confirmed.digest()));
}

#[test]
fn nothing_is_issued_once_the_window_is_over() {
    let unsigned = UnsignedIac::select(&confirmed(&isr_json("BOUNDED")), selection());
    let issue = |time| iac_key().issue(&unsigned, &IacReferences::default(), Risk::Ordinary, at(time));
    assert_eq!(issue("2026-09-08T00:00:00Z"), Err(IssueError::WindowOver));
    assert!(issue("2026-09-07T23:59:59Z").is_ok());
}
