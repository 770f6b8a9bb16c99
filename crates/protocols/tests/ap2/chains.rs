//! Chains: signatures, bindings, addressees, times and disclosures, each broken alone.

use crate::world::*;
use book::Time;
use evidence::{SigningKey, base64url};
use protocols::ap2::*;
use serde_json::{Value, json};

fn usual() -> OpenPayment {
    let payees = PaymentConstraint::AllowedPayees { allowed: vec![merchant("m0"), merchant("m1")] };
    open(vec![reference("open-checkout"), range(0, 5_000), payees])
}

fn good() -> String {
    presented(usual(), paid())
}

/// The parts of a chain: for each token its signed part and its disclosures.
fn parts(chain: &str) -> Vec<Vec<String>> {
    let token = |token: &str| token.split('~').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    chain.split("~~").map(token).collect()
}

fn joined(parts: &[Vec<String>]) -> String {
    let tokens: Vec<String> = parts.iter().map(|token| token.join("~")).collect();
    format!("{}~", tokens.join("~~"))
}

fn payload_of(jwt: &str) -> Value {
    let payload = jwt.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64url::decode(payload).unwrap()).unwrap()
}

/// The good chain whose last token is signed anew by `key`, with another header or other claims.
fn resigned(header: Value, change: impl FnOnce(&mut Value), key: &SigningKey) -> String {
    let mut parts = parts(&good());
    let mut payload = payload_of(&parts[1][0]);
    change(&mut payload);
    parts[1][0] = forged(&header, &payload, key);
    joined(&parts)
}

/// A chain whose user signed `content` by hand, with these disclosures, and whose agent closed it as usual.
fn of_root(payload: &Value, disclosures: &[String]) -> String {
    let header = json!({ "alg": "ES256", "typ": "example+sd-jwt", "kid": ROOT });
    let jwt = forged(&header, payload, &user());
    let root = format!("{}~", [&[jwt], disclosures].concat().join("~"));
    present(&root, &closed(paid()), &agent(), &to(), &mut salts()).unwrap_or(root)
}

fn content() -> Value {
    json!({
        "vct": "mandate.payment.open.1",
        "constraints": [{ "type": "payment.reference", "conditional_transaction_id": "open-checkout" }],
        "cnf": cnf(agent().public()),
    })
}

#[test]
fn a_chain_is_verified_and_kept_letter_by_letter() {
    let text = good();
    let chain = verified(&text).unwrap();
    assert_eq!(chain.text(), text);
    assert_eq!(chain.mode(), Mode::Autonomous);
    assert_eq!(Claimed::read(&text).unwrap().key_id(), Some(ROOT));
    assert_eq!(reference_of(&text), chain.reference());
    let Mandate::Payment(payment) = chain.presented() else { panic!("a closed payment") };
    assert_eq!(**payment, paid());
    let (_, Mandate::OpenPayment(left_open)) = chain.open().next().unwrap() else {
        panic!("an open payment")
    };
    assert_eq!(**left_open, usual());
    assert!(judged(&text).is_ok());
}

#[test]
fn each_binding_that_is_broken_alone_refuses() {
    let terminal = || json!({ "alg": "ES256", "typ": "kb+sd-jwt" });
    let with =
        |name: &'static str, value: Value| resigned(terminal(), move |claims| claims[name] = value, &agent());
    let without = |name: &'static str| {
        resigned(terminal(), move |claims| drop(claims.as_object_mut().unwrap().remove(name)), &agent())
    };
    let now = NOW.0 / 1_000_000_000;
    assert!(judged(&resigned(terminal(), |_| {}, &agent())).is_ok());
    for (text, refusal) in [
        (resigned(terminal(), |_| {}, &user()), Refusal::BadSignature { hop: 1 }),
        (with("aud", "https://other.example".into()), Refusal::Audience),
        (with("nonce", "n-4712".into()), Refusal::Nonce),
        (without("aud"), Refusal::Claim { hop: 1, claim: "aud" }),
        (without("nonce"), Refusal::Claim { hop: 1, claim: "nonce" }),
        (with("aud", json!([AUDIENCE])), Refusal::Claim { hop: 1, claim: "aud" }),
        (without("iat"), Refusal::Claim { hop: 1, claim: "iat" }),
        (with("iat", (now + 61).into()), Refusal::IssuedInFuture { hop: 1 }),
        (with("iat", json!("now")), Refusal::Claim { hop: 1, claim: "iat" }),
        (with("iat", (now - 961).into()), Refusal::TooOld),
        (with("nbf", (now + 61).into()), Refusal::NotYetValid { hop: 1 }),
        (with("exp", now.into()), Refusal::Expired { hop: 1 }),
        (with("sd_hash", "AAAA".into()), Refusal::Unbound { hop: 1 }),
        (without("sd_hash"), Refusal::Unbound { hop: 1 }),
        (with("issuer_jwt_hash", "AAAA".into()), Refusal::Unbound { hop: 1 }),
        (with("_sd_alg", "sha-512".into()), Refusal::HashAlgorithm),
    ] {
        assert_eq!(judged(&text), Err(refusal.clone()));
        assert_eq!(refusal.code(), ErrorCode::InvalidCredential);
    }
    for text in
        [with("iat", (now + 60).into()), with("iat", (now - 960).into()), with("exp", (now + 1).into())]
    {
        assert!(judged(&text).is_ok());
    }
}

#[test]
fn only_es256_of_the_right_type_is_taken() {
    let header = |header: Value| judged(&resigned(header, |_| {}, &agent()));
    for alg in ["none", "HS256", "RS256", "ES384", "es256", ""] {
        let said = header(json!({ "alg": alg, "typ": "kb+sd-jwt" }));
        assert_eq!(said, Err(Refusal::Algorithm { hop: 1 }), "{alg}");
    }
    for typ in ["kb+jwt", "JWT", "example+sd-jwt", ""] {
        assert_eq!(
            header(json!({ "alg": "ES256", "typ": typ })),
            Err(Refusal::OtherType { hop: 1 }),
            "{typ}"
        );
    }
    let crit = json!({ "alg": "ES256", "typ": "kb+sd-jwt", "crit": ["b64"], "b64": false });
    assert_eq!(header(crit), Err(Refusal::Critical { hop: 1 }));
    // The older spelling; and a key in the header, which nobody looks at.
    let jwk = cnf(user().public());
    assert!(
        header(json!({ "alg": "ES256", "typ": "kb-sd-jwt", "jwk": jwk["jwk"], "jku": "http://x" })).is_ok()
    );
    // A chain that says it goes on, and does not.
    let passed_on = header(json!({ "alg": "ES256", "typ": "kb+sd-jwt+kb" }));
    assert!(matches!(passed_on, Err(Refusal::OutOfPlace { hop: 1, .. })), "{passed_on:?}");
}

#[test]
fn a_signature_counts_in_its_one_spelling_and_with_its_twin() {
    let mut parts = parts(&good());
    let (signed, signature) =
        parts[1][0].rsplit_once('.').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let changed = [if signature.starts_with('A') { "B" } else { "A" }, &signature[1..]].concat();
    for other in ["", "AAAA", &signature[1..], &format!("{signature}="), &changed] {
        parts[1][0] = format!("{signed}.{other}");
        assert!(judged(&joined(&parts)).is_err(), "{other}");
    }
    // One that fits something else.
    let (_, of_the_root) = parts[0][0].rsplit_once('.').unwrap();
    parts[1][0] = format!("{signed}.{of_the_root}");
    assert_eq!(judged(&joined(&parts)), Err(Refusal::BadSignature { hop: 1 }));
    // The same with the other of two possible halves: it fits too, so nothing is kept under its bytes alone.
    let bytes = base64url::decode(&signature).unwrap();
    let twin = [&bytes[..32], &less_than_the_order(&bytes[32..])].concat();
    parts[1][0] = format!("{signed}.{}", base64url::encode(&twin));
    assert!(judged(&joined(&parts)).is_ok());
}

/// The order of P-256 less `number`.
fn less_than_the_order(number: &[u8]) -> Vec<u8> {
    const ORDER: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
        0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let (mut rest, mut borrow) = (vec![0; 32], 0);
    for place in (0..32).rev() {
        let digit = i16::from(ORDER[place]) - i16::from(number[place]) - borrow;
        borrow = i16::from(digit < 0);
        rest[place] = u8::try_from(digit.rem_euclid(256)).unwrap();
    }
    rest
}

#[test]
fn the_user_and_not_whoever_holds_the_root_key_of_another_has_signed() {
    let said = Claimed::read(&good()).unwrap().verify(merchant_key().public(), &expected());
    assert_eq!(said.err(), Some(Refusal::BadSignature { hop: 0 }));
    let ed25519 = SigningKey::ed25519(&[7; 32]);
    let said = Claimed::read(&good()).unwrap().verify(ed25519.public(), &expected());
    assert_eq!(said.err(), Some(Refusal::Algorithm { hop: 0 }));
}

#[test]
fn a_mandate_ends_when_it_says() {
    let ends = 1_795_500_000;
    let at = |second| {
        let to = Addressed { at: Time::from_seconds(second), ..to() };
        let root = issued(&Mandate::OpenPayment(Box::new(usual())));
        let payment = Payment { lifetime: Lifetime::default(), ..paid() };
        let text = present(&root, &closed(payment), &agent(), &to, &mut salts()).unwrap();
        let expected = Expected { now: to.at, ..expected() };
        Claimed::read(&text).unwrap().verify(user().public(), &expected).err()
    };
    assert_eq!(at(ends - 1), None);
    assert_eq!(at(ends), Some(Refusal::Expired { hop: 0 }));
    assert_eq!(at(1_795_426_940), None);
    assert_eq!(at(1_795_426_939), Some(Refusal::IssuedInFuture { hop: 0 }));
}

#[test]
fn an_agent_passes_on_less_and_never_more() {
    let second = key(0x22);
    let root = issued(&Mandate::OpenPayment(Box::new(usual())));
    let narrower = |max| OpenPayment {
        constraints: vec![range(0, max)],
        agent: second.public().clone(),
        preset: Preset::default(),
        lifetime: lifetime(),
    };
    let passed_on = |max, to: &Addressed<'_>| {
        present(&root, &Mandate::OpenPayment(Box::new(narrower(max))), &agent(), to, &mut salts()).unwrap()
    };
    let to_second = Addressed { audience: "agent-2", nonce: "n-2", at: Time::from_seconds(1_795_427_000) };
    let closed_by =
        |chain: &str, key: &SigningKey| present(chain, &closed(paid()), key, &to(), &mut salts()).unwrap();
    let standing = judged(&closed_by(&passed_on(2_000, &to_second), &second)).unwrap();
    assert_eq!(standing.len(), 2);
    let above = judged(&closed_by(&passed_on(1_000, &to_second), &second));
    assert!(matches!(above, Err(Refusal::Violated { constraint: "payment.amount_range", .. })), "{above:?}");
    // What the first agent passes on wider stays as narrow as the user left it.
    let dear = Payment { amount: Money { amount_minor: 5_001, currency: usd() }, ..paid() };
    let wider = present(&passed_on(9_999, &to_second), &closed(dear), &second, &to(), &mut salts()).unwrap();
    assert!(matches!(judged(&wider), Err(Refusal::Violated { constraint: "payment.amount_range", .. })));
    // It is no longer the first agent's to close.
    let taken_back = closed_by(&passed_on(2_000, &to_second), &agent());
    assert_eq!(judged(&taken_back), Err(Refusal::BadSignature { hop: 2 }));
    // Whoever is passed a chain checks that it is for him: the last token counts, whatever its type.
    let received = |audience| Expected { audience, nonce: "n-2", now: to_second.at };
    let check = |audience| {
        Claimed::read(&passed_on(1, &to_second)).unwrap().verify(user().public(), &received(audience))
    };
    assert!(check("agent-2").is_ok());
    assert_eq!(check("agent-3").err(), Some(Refusal::Audience));
    // Every token that passes on says for whom, when, and on which word.
    for claim in ["aud", "nonce", "iat"] {
        let mut parts = parts(&passed_on(2_000, &to_second));
        let mut payload = payload_of(&parts[1][0]);
        payload.as_object_mut().unwrap().remove(claim);
        parts[1][0] = forged(&json!({ "alg": "ES256", "typ": "kb+sd-jwt+kb" }), &payload, &agent());
        let said = judged(&closed_by(&joined(&parts), &second));
        assert_eq!(said, Err(Refusal::Claim { hop: 1, claim }));
    }
}

#[test]
fn a_chain_is_of_one_kind_and_is_closed_at_its_end_only() {
    let root = issued(&Mandate::OpenPayment(Box::new(usual())));
    let checkout = Mandate::Checkout(ClosedCheckout::of("a.b.c".to_owned(), lifetime()));
    let mixed = present(&root, &checkout, &agent(), &to(), &mut salts()).unwrap();
    assert!(matches!(judged(&mixed), Err(Refusal::OutOfPlace { hop: 1, .. })));
    let after_the_end = present(&good(), &closed(paid()), &agent(), &to(), &mut salts()).unwrap();
    assert!(matches!(judged(&after_the_end), Err(Refusal::OutOfPlace { hop: 1, .. })));
    // An open mandate pays nothing.
    assert!(matches!(judged(&root), Err(Refusal::OutOfPlace { .. })));
}

#[test]
fn a_user_who_is_there_signs_the_closed_mandate_alone() {
    let text = issued(&closed(paid()));
    assert_eq!(verified(&text).unwrap().mode(), Mode::Direct);
    assert_eq!(judged(&text), Ok(Vec::new()));
    // What it says of its addressee counts.
    for (claim, value, refusal) in [("aud", "other", Refusal::Audience), ("nonce", "other", Refusal::Nonce)] {
        let mut parts = parts(&text);
        let mut payload = payload_of(&parts[0][0]);
        payload[claim] = value.into();
        parts[0][0] = forged(&json!({ "alg": "ES256", "typ": "dc+sd-jwt" }), &payload, &user());
        assert_eq!(judged(&joined(&parts)), Err(refusal));
    }
}

#[test]
fn what_could_limit_is_not_hidden_and_what_only_allows_may_be() {
    let shown = |keep: &str| {
        let root = issued(&Mandate::OpenPayment(Box::new(usual())));
        let root = show_only(&root, |value| value["id"] == keep).unwrap();
        judged(&present(&root, &closed(paid()), &agent(), &to(), &mut salts()).unwrap())
    };
    assert!(shown("m1").is_ok());
    let payee = Err(Refusal::Violated {
        constraint: "payment.allowed_payees",
        why: "the payee is none of those shown",
    });
    assert_eq!(shown("m0"), payee);
    assert_eq!(shown("nobody"), payee);

    let (text, digest) =
        disclosure(&json!(["salt-of-it", { "type": "payment.amount_range", "currency": "USD", "max": 1 }]));
    let mut hiding = content();
    hiding["constraints"].as_array_mut().unwrap().push(json!({ "...": digest }));
    let payload = json!({ "delegate_payload": [hiding], "_sd_alg": "sha-256" });
    let hidden = Refusal::Hidden { hop: 0 };
    assert_eq!(judged(&of_root(&payload, &[])), Err(hidden.clone()));
    let shown = judged(&of_root(&payload, &[text]));
    assert!(matches!(shown, Err(Refusal::Violated { constraint: "payment.amount_range", .. })), "{shown:?}");
    assert_eq!(hidden.code(), ErrorCode::UnresolvedConstraint);

    // A member that is hidden: of the mandate, of a constraint, of the token.
    let (_, digest) = disclosure(&json!(["salt-of-it", "exp", 1]));
    let payload = |content: Value| json!({ "delegate_payload": [content], "_sd_alg": "sha-256" });
    let mut in_mandate = content();
    in_mandate["_sd"] = json!([digest]);
    let mut in_constraint = content();
    in_constraint["constraints"][0]["_sd"] = json!([digest]);
    let mut in_token = payload(content());
    in_token["_sd"] = json!([digest]);
    for payload in [payload(in_mandate), payload(in_constraint), in_token] {
        assert_eq!(judged(&of_root(&payload, &[])), Err(Refusal::Hidden { hop: 0 }), "{payload}");
    }
    // Another mandate of the same user beside it is nobody's business.
    let both = json!({ "delegate_payload": [content(), { "...": digest }] });
    assert!(judged(&of_root(&both, &[])).is_ok());
    let twice = json!({ "delegate_payload": [content(), content()] });
    assert_eq!(judged(&of_root(&twice, &[])), Err(Refusal::NotOneMandate { hop: 0 }));
    assert_eq!(judged(&of_root(&json!({}), &[])), Err(Refusal::NotOneMandate { hop: 0 }));
}

#[test]
fn disclosures_are_those_of_the_token_each_once() {
    let (whole, digest) = disclosure(&json!(["salt-of-it", content()]));
    let payload = json!({ "delegate_payload": [{ "...": digest }], "_sd_alg": "sha-256" });
    assert!(judged(&of_root(&payload, std::slice::from_ref(&whole))).is_ok());
    let (other, other_digest) = disclosure(&json!(["salt", "exp", 99]));
    let (plain, plain_digest) = disclosure(&json!(["salt", "vct", "mandate.payment.open.1"]));
    let (sd, sd_digest) = disclosure(&json!(["salt", "_sd", []]));
    let (dots, dots_digest) = disclosure(&json!(["salt", "...", "x"]));
    let bad = |payload: &Value, disclosures: &[&String]| {
        let disclosures: Vec<String> = disclosures.iter().map(|text| (*text).clone()).collect();
        let said = judged(&of_root(payload, &disclosures));
        assert!(matches!(said, Err(Refusal::Disclosure { .. } | Refusal::Json(_))), "{payload}: {said:?}");
    };
    bad(&payload, &[&whole, &other]);
    bad(&payload, &[&whole, &whole]);
    bad(&json!({ "delegate_payload": [{ "...": digest }, { "...": digest }] }), &[&whole]);
    bad(&json!({ "delegate_payload": [{ "...": digest, "more": 1 }] }), &[&whole]);
    bad(&json!({ "delegate_payload": [{ "...": 1 }] }), &[&whole]);
    bad(&json!({ "delegate_payload": [{ "...": other_digest }] }), &[&other]);
    bad(&json!({ "delegate_payload": { "...": digest } }), &[&whole]);
    let mut mandate = content();
    for digests in [
        json!([plain_digest]),
        json!([sd_digest]),
        json!([dots_digest]),
        json!("x"),
        json!([1]),
        json!([digest]),
    ] {
        mandate["_sd"] = digests.clone();
        let disclosed = [&plain, &sd, &dots, &whole];
        let at =
            [&plain_digest, &sd_digest, &dots_digest, &digest].into_iter().position(|it| digests[0] == **it);
        let disclosed: Vec<&String> = at.map(|at| disclosed[at]).into_iter().collect();
        bad(&json!({ "delegate_payload": [mandate] }), &disclosed);
    }
    for parts in
        [json!(["salt"]), json!(["salt", "a", "b", "c"]), json!([1, {}]), json!(["salt", 1, 2]), json!({})]
    {
        let (text, digest) = disclosure(&parts);
        bad(&json!({ "delegate_payload": [{ "...": digest }] }), &[&text]);
    }
    // A member twice means two things to two readers.
    let double = base64url::encode(br#"["salt",{"vct":"a","vct":"b"}]"#);
    bad(&payload, &[&double]);
}

#[test]
fn disclosures_within_disclosures_end_somewhere() {
    let (mut texts, mut inner) = (Vec::new(), json!("deep"));
    for _ in 0..200 {
        let (text, digest) = disclosure(&json!(["salt", inner]));
        texts.push(text);
        inner = json!([{ "...": digest }]);
    }
    let said = judged(&of_root(&json!({ "delegate_payload": inner }), &texts));
    assert!(matches!(said, Err(Refusal::Disclosure { .. })), "{said:?}");
}

#[test]
fn what_is_no_chain_is_refused_by_its_form() {
    let long = "a".repeat(64 * 1024 + 1);
    let many = ["a"; 9].join("~~");
    let good = good();
    let with_kb = format!("{good}a.b.c");
    for text in
        ["", "~", "~~", "a", "a.b.c~", "a.b~", "~a.b.c~", "é.b.c~", &long, &many, &with_kb, &good[1..]]
    {
        let said = judged(text);
        assert!(said.as_ref().is_err_and(|no| no.code() == ErrorCode::InvalidCredential), "{said:?}");
    }
    assert!(judged(good.trim_end_matches('~')).is_err());
    assert!(judged(&good.replace("~~", "~~~")).is_err());
}

#[test]
fn what_a_mandate_may_not_say_is_refused_with_its_code() {
    let said = |change: fn(&mut Value)| {
        let mut content = content();
        change(&mut content);
        judged(&of_root(&json!({ "delegate_payload": [content] }), &[])).unwrap_err().code()
    };
    use ErrorCode::{InvalidMandate, MandatesNotSupported, UnresolvedConstraint};
    for vct in ["mandate.payment.open", "mandate.payment.open.2", "mandate.intent.1", ""] {
        let mut content = content();
        content["vct"] = vct.into();
        let said = judged(&of_root(&json!({ "delegate_payload": [content] }), &[])).unwrap_err();
        assert_eq!(said.code(), MandatesNotSupported, "{vct}");
    }
    let add = |constraint: Value| {
        let mut content = content();
        content["constraints"].as_array_mut().unwrap().push(constraint);
        judged(&of_root(&json!({ "delegate_payload": [content] }), &[])).unwrap_err().code()
    };
    assert_eq!(add(json!({ "type": "payment.weather", "rain": false })), UnresolvedConstraint);
    assert_eq!(add(json!({ "type": "checkout.line_items", "items": [] })), UnresolvedConstraint);
    for malformed in [
        json!({ "type": "payment.amount_range", "currency": "USD", "max": 100.5 }),
        json!({ "type": "payment.amount_range", "currency": "USD", "max": 100.0 }),
        json!({ "type": "payment.amount_range", "currency": "USD", "max": -1 }),
        json!({ "type": "payment.amount_range", "currency": "USD", "max": "100" }),
        json!({ "type": "payment.amount_range", "currency": "usd", "max": 100 }),
        json!({ "type": "payment.amount_range", "currency": "USD", "max": 100, "per": "day" }),
        json!({ "type": "payment.budget", "currency": "JPY", "max": 0.5 }),
        json!({ "type": "payment.budget", "currency": "USD", "max": 19.999 }),
        json!({ "type": "payment.agent_recurrence", "frequency": "HOURLY" }),
        json!({ "type": "payment.execution_date", "not_after": "soon" }),
        json!({ "max": 1 }),
        json!("payment.budget"),
    ] {
        assert_eq!(add(malformed.clone()), InvalidMandate, "{malformed}");
    }
    assert_eq!(said(|content| content["region"] = "EU".into()), InvalidMandate);
    assert_eq!(said(|content| content["constraints"] = Value::Null), InvalidMandate);
    assert_eq!(said(|content| drop(content.as_object_mut().unwrap().remove("cnf"))), InvalidMandate);
    assert_eq!(said(|content| content["cnf"]["jwk"]["d"] = "AAAA".into()), InvalidMandate);
    assert_eq!(said(|content| content["cnf"]["jwk"]["crv"] = "P-384".into()), InvalidMandate);
    assert_eq!(said(|content| content["cnf"]["jwk"]["x"] = "AAAA".into()), InvalidMandate);
    assert_eq!(said(|content| content["cnf"]["jwk"]["alg"] = "none".into()), InvalidMandate);
    assert_eq!(said(|content| content["cnf"]["kid"] = "other".into()), InvalidMandate);
}
