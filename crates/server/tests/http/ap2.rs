//! AP2 from outside: an owner states a mandate, her agent closes and presents it, and every limit holds whatever is signed.

use crate::house::{House, Party, cny, new_id};
use book::Time;
use evidence::{PublicKey, SigningKey, base64url};
use http::Method;
use protocols::ap2::{
    Addressed, Claimed, Expected, Family, Frequency, Instrument, Iso4217, Lifetime, Mandate, Merchant, Mode,
    Money, OpenPayment, Payment, PaymentConstraint, Preset, Receipt, ReceiptResult, present, sign_checkout,
};
use serde_json::{Value, json};

const ITEMS: &str = r#"[{"type":"checkout.line_items","items":[{"id":"line","acceptable_items":[{"id":"a","title":"A"}],"quantity":1}]}]"#;

fn agent_key() -> SigningKey {
    SigningKey::es256(&[0x31; 32]).unwrap()
}

fn jwk(key: &SigningKey) -> Value {
    let (x, y) = key.public().bytes()[1..].split_at(32);
    json!({"x": base64url::encode(x), "y": base64url::encode(y)})
}

/// Limits of each payment and in total, in fen.
async fn house(total: &str) -> House {
    House::with_mandate(json!([{"kind": "per_payment", "max": "20000"}, {"kind": "total", "max": total}]))
        .await
}

async fn open(house: &House) -> Value {
    let body = json!({"agent_key": jwk(&agent_key()), "checkout": ITEMS});
    house.post(&house.owner, &format!("/v1/mandates/{}/ap2", house.mandate), body).await.expect(201)
}

fn closing(house: &House, amount_minor: u64) -> Payment {
    Payment {
        transaction_id: "the-checkout".to_owned(),
        payee: Merchant { id: house.seller.id.clone(), name: "Shop".to_owned(), website: None },
        amount: Money { amount_minor, currency: Iso4217::parse("CNY").unwrap() },
        instrument: Instrument {
            id: house.mandate.clone(),
            kind: "tollbridge".to_owned(),
            description: None,
        },
        pisp: None,
        execution_date: None,
        risk_data: None,
        lifetime: Lifetime::default(),
    }
}

fn seconds_now() -> u64 {
    crate::house::now().as_secs()
}

/// What the agent sends to present `payment` under the name `id`.
fn presentation(open: &Value, payment: Payment, id: &str, nonce: &str, key: &SigningKey) -> Value {
    let to = Addressed {
        audience: open["audience"].as_str().unwrap(),
        nonce,
        at: Time::from_seconds(seconds_now()),
    };
    let mut salts = rand::random::<[u8; 16]>;
    let closed = Mandate::Payment(Box::new(payment));
    let chain = present(open["open_payment"].as_str().unwrap(), &closed, key, &to, &mut salts).unwrap();
    json!({"id": id, "payment_mandate": chain, "open_checkout": open["open_checkout"],
        "transaction_id": "the-checkout"})
}

fn good(house: &House, open: &Value, amount_minor: u64) -> Value {
    let id = new_id("pay");
    presentation(open, closing(house, amount_minor), &id, &id, &agent_key())
}

async fn settle(house: &House, who: &Party, body: &Value) -> Value {
    house.post(who, "/v1/ap2/settle", body.clone()).await.expect(200)
}

/// What a receipt says, signed by the key that the server publishes.
async fn receipt(house: &House, said: &Value) -> Receipt {
    let keys = house.plain(Method::GET, "/v1/ap2/keys", &[], "").await.expect(200);
    let part = |name: &str| base64url::decode(keys["keys"][0][name].as_str().unwrap()).unwrap();
    let key = PublicKey::es256(&part("x"), &part("y")).unwrap();
    Receipt::verify(said["receipt"].as_str().unwrap(), Family::Payment, &key).unwrap()
}

/// The error of a refusal.
async fn no(house: &House, said: &Value) -> (String, String) {
    let result = receipt(house, said).await.result;
    let ReceiptResult::NotPaid { error, description, .. } = result else { panic!("{result:?}") };
    (error, description)
}

#[tokio::test]
async fn what_an_owner_leaves_open_is_paid_once_and_receipted() {
    let house = house("5000").await;
    let open = open(&house).await;
    let asked = good(&house, &open, 3_000);
    let verdict = house.post(&house.agent, "/v1/ap2/verify", asked.clone()).await.expect(200);
    assert_eq!((&verdict["valid"], &verdict["receipt"]), (&json!(true), &Value::Null), "{verdict}");
    assert_eq!(house.money().await.2, "0", "asking moves nothing");

    let said = settle(&house, &house.agent, &asked).await;
    assert_eq!(said["status"], "Success", "{said}");
    let paid = receipt(&house, &said).await;
    let chain = asked["payment_mandate"].as_str().unwrap();
    assert_eq!(paid.reference, protocols::ap2::reference_of(chain));
    assert_eq!(house.money().await, ("97000".into(), "0".into(), "3000".into()));
    let entry = house.get(&house.operator, &format!("/v1/entries/{}", said["entry"])).await.expect(200);
    let by = entry["by"].as_str().unwrap();
    assert_eq!((by, &entry["action"], &entry["outcome"]), (&*house.agent.id, &json!("pay"), &json!("paid")));
    // The same again, in one piece or in many at once: the same receipt, and no more money.
    let again = settle(&house, &house.agent, &asked).await;
    assert_eq!(receipt(&house, &again).await.reference, paid.reference);
    let many = (0..16).map(|_| settle(&house, &house.agent, &asked));
    for said in futures_util::future::join_all(many).await {
        assert_eq!((&said["status"], &said["entry"]), (&json!("Success"), &again["entry"]));
    }
    assert_eq!(house.money().await.2, "3000");
}

#[tokio::test]
async fn the_mandate_holds_in_total_across_dialects() {
    let house = house("5000").await;
    let open = open(&house).await;
    house.post(&house.agent, "/v1/payments", house.payment("3000")).await.expect(201);
    let said = settle(&house, &house.agent, &good(&house, &open, 2_001)).await;
    assert_eq!(said["status"], "Error");
    assert_eq!(
        no(&house, &said).await,
        ("unresolved_constraint".into(), "`total_exceeded`: nothing was spent".into())
    );
    assert!(said["entry"].is_u64(), "the refusal is an entry: {said}");
    assert_eq!(settle(&house, &house.agent, &good(&house, &open, 2_000)).await["status"], "Success");
    assert_eq!(house.money().await.2, "5000");
}

#[tokio::test]
async fn sixteen_presentations_at_once_spend_no_more_than_the_total() {
    let house = house("5000").await;
    let open = open(&house).await;
    let asked: Vec<Value> = (0..16).map(|_| good(&house, &open, 1_000)).collect();
    let many = asked.iter().map(|asked| settle(&house, &house.agent, asked));
    let said = futures_util::future::join_all(many).await;
    assert_eq!(said.iter().filter(|said| said["status"] == "Success").count(), 5);
    assert_eq!(house.money().await.2, "5000");
}

#[tokio::test]
async fn whatever_is_wrong_with_a_presentation_is_refused_with_a_receipt() {
    let house = house("50000").await;
    let open = open(&house).await;
    let id = new_id("pay");
    let with = |payment: Payment| presentation(&open, payment, &id, &id, &agent_key());
    let usual = || closing(&house, 3_000);
    let (credential, constraint) = ("invalid_credential", "unresolved_constraint");
    let mut other_checkout = with(usual());
    other_checkout["transaction_id"] = "another".into();
    let mut no_checkout = with(usual());
    no_checkout["open_checkout"] = "".into();
    let mut torn = with(usual());
    torn["payment_mandate"] = "torn".into();
    let payee = Merchant { id: "m1".into(), ..usual().payee };
    let card = Instrument { id: new_id("mdt"), ..usual().instrument };
    let euros = Money { currency: Iso4217::parse("EUR").unwrap(), ..usual().amount };
    let later = protocols::ap2::Date::parse("2499-01-01").unwrap();
    for (what, body, error) in [
        ("another nonce", presentation(&open, usual(), &id, "other", &agent_key()), credential),
        (
            "another key",
            presentation(&open, usual(), &id, &id, &SigningKey::es256(&[9; 32]).unwrap()),
            credential,
        ),
        ("another checkout", other_checkout, constraint),
        ("no open checkout", no_checkout, credential),
        ("no chain", torn, credential),
        ("a payee of nobody's", with(Payment { payee, ..usual() }), constraint),
        ("another instrument", with(Payment { instrument: card, ..usual() }), constraint),
        ("another currency", with(Payment { amount: euros, ..usual() }), constraint),
        ("too much", with(closing(&house, 20_001)), constraint),
        ("nothing", with(closing(&house, 0)), constraint),
        ("not yet", with(Payment { execution_date: Some(later), ..usual() }), constraint),
    ] {
        let said = settle(&house, &house.agent, &body).await;
        assert_eq!(said["status"], "Error", "{what}");
        assert_eq!(no(&house, &said).await.0, error, "{what}");
        let verdict = house.post(&house.agent, "/v1/ap2/verify", body).await.expect(200);
        assert_eq!(verdict["valid"], false, "{what}");
    }
    assert_eq!(house.money().await, ("100000".into(), "0".into(), "0".into()));
    // Nobody else's key opens the door, and another agent has no such mandate.
    house.post(&house.owner, "/v1/ap2/settle", with(usual())).await.problem(403, "audience_wrong");
    let other = Party::new("agt");
    let agent = json!({"id": other.id, "wallet": house.wallet, "key": other.key_json()});
    house.post(&house.owner, "/v1/agents", agent).await.expect(201);
    let said = settle(&house, &other, &with(usual())).await;
    assert_eq!(no(&house, &said).await.0, constraint);
    assert_eq!(settle(&house, &house.agent, &with(usual())).await["status"], "Success");
}

/// The same, passed on to another key with these constraints, and closed with that.
fn passed_on(
    house: &House,
    open: &Value,
    constraints: &[PaymentConstraint],
    amount_minor: u64,
    closer: &SigningKey,
) -> Value {
    let id = new_id("pay");
    let next = SigningKey::es256(&[0x51; 32]).unwrap();
    let narrower = OpenPayment {
        constraints: constraints.to_vec(),
        agent: next.public().clone(),
        preset: Preset::default(),
        lifetime: Lifetime::default(),
    };
    let to = Addressed { audience: "the next agent", nonce: "any", at: Time::from_seconds(seconds_now()) };
    let mut salts = rand::random::<[u8; 16]>;
    let mandate = Mandate::OpenPayment(Box::new(narrower));
    let chain = present(open["open_payment"].as_str().unwrap(), &mandate, &agent_key(), &to, &mut salts);
    let mut passed = open.clone();
    passed["open_payment"] = chain.unwrap().into();
    presentation(&passed, closing(house, amount_minor), &id, &id, closer)
}

#[tokio::test]
async fn whoever_passes_a_mandate_on_can_only_narrow_it() {
    let house = house("5000").await;
    let open = open(&house).await;
    let next = SigningKey::es256(&[0x51; 32]).unwrap();
    let currency = Iso4217::parse("CNY").unwrap();
    let range = PaymentConstraint::AmountRange { currency, min_minor: None, max_minor: 3_000 };
    let again = PaymentConstraint::Recurrence { every: Frequency::OnDemand, occurrences_max: None };
    let budget = |max_minor| PaymentConstraint::Budget { currency, max_minor };
    let good = [range.clone(), again.clone(), budget(5_000)];
    let poorer = [range.clone(), again, budget(4_900)];
    let once = [range];
    for (what, body) in [
        ("more than the next may", passed_on(&house, &open, &good, 3_001, &next)),
        ("closed by who passed it on", passed_on(&house, &open, &good, 3_000, &agent_key())),
        ("a budget that nobody counts", passed_on(&house, &open, &poorer, 3_000, &next)),
        ("a number of uses that nobody counts", passed_on(&house, &open, &once, 3_000, &next)),
    ] {
        let said = settle(&house, &house.agent, &body).await;
        assert_eq!(said["status"], "Error", "{what}");
        receipt(&house, &said).await;
    }
    assert_eq!(house.money().await.2, "0");
    let said = settle(&house, &house.agent, &passed_on(&house, &open, &good, 3_000, &next)).await;
    assert_eq!(said["status"], "Success", "{said}");
    // In total with what the agent pays itself.
    let said = settle(&house, &house.agent, &passed_on(&house, &open, &good, 2_001, &next)).await;
    assert_eq!(no(&house, &said).await.1, "`total_exceeded`: nothing was spent");
    assert_eq!(house.money().await.2, "3000");
}

#[tokio::test]
async fn a_mandate_that_was_stopped_or_widened_since_pays_nothing() {
    let house = house("5000").await;
    let open = open(&house).await;
    let wider = json!({"version": 1, "document": "more",
        "limits": [{"kind": "per_payment", "max": "20000"}, {"kind": "total", "max": "9000"}]});
    let path = format!("/v1/mandates/{}/limits", house.mandate);
    house.change(&house.owner, Method::PUT, &path, Some(wider)).await.expect(201);
    let said = settle(&house, &house.agent, &good(&house, &open, 3_000)).await;
    let (error, description) = no(&house, &said).await;
    assert_eq!(error, "unresolved_constraint");
    assert!(description.contains("issued again"), "{description}");

    let open = self::open(&house).await;
    let frozen = json!({"subject": house.mandate});
    house.change(&house.owner, Method::POST, "/v1/freeze", Some(frozen)).await.expect(201);
    let said = settle(&house, &house.agent, &good(&house, &open, 3_000)).await;
    assert_eq!(no(&house, &said).await.1, "`mandate_frozen`: nothing was spent");
    assert_eq!(house.money().await.2, "0");
}

/// A refusal of what was paid would have the agent present it again.
#[tokio::test]
async fn what_was_paid_is_answered_the_same_after_the_mandate_was_changed_and_revoked() {
    let house = house("25000").await;
    let open = open(&house).await;
    let body = good(&house, &open, 19_900);
    let paid = settle(&house, &house.agent, &body).await;
    assert_eq!(paid["status"], "Success");
    let hold = new_id("hld");
    let aside = presentation(&open, closing(&house, 100), &hold, &hold, &agent_key());
    let credential = house.post(&house.agent, "/v1/ap2/credentials", aside.clone()).await.expect(200);
    assert!(credential["credential"].is_string(), "{credential}");
    let wider = json!({"version": 1, "document": "more",
        "limits": [{"kind": "per_payment", "max": "20000"}, {"kind": "total", "max": "90000"}]});
    let path = format!("/v1/mandates/{}/limits", house.mandate);
    house.change(&house.owner, Method::PUT, &path, Some(wider)).await.expect(201);
    let revoked = json!({"subject": house.mandate});
    house.change(&house.owner, Method::POST, "/v1/revoke", Some(revoked)).await.expect(201);
    let again = settle(&house, &house.agent, &body).await;
    assert_eq!((&again["status"], &again["entry"]), (&paid["status"], &paid["entry"]));
    let again = house.post(&house.agent, "/v1/ap2/credentials", aside).await.expect(200);
    assert_eq!(
        (&again["credential"], &again["receipt"]),
        (&credential["credential"], &Value::Null),
        "{again}"
    );
    // Under another name, or by another's letters, nothing was.
    no(&house, &settle(&house, &house.agent, &good(&house, &open, 19_900)).await).await;
}

#[tokio::test]
async fn only_what_ap2_can_say_is_stated_and_only_to_its_owner() {
    let house = House::new().await;
    let path = format!("/v1/mandates/{}/ap2", house.mandate);
    let body = json!({"agent_key": jwk(&agent_key()), "checkout": ITEMS});
    // No limit in total.
    house.post(&house.owner, &path, body.clone()).await.problem(422, "open_mandate_refused");
    let (stranger, _) = house.stranger().await;
    house.post(&stranger, &path, body.clone()).await.problem(404, "mandate_unknown");
    house.post(&house.agent, &path, body.clone()).await.problem(403, "audience_wrong");

    let house = self::house("5000").await;
    let path = format!("/v1/mandates/{}/ap2", house.mandate);
    for checkout in [
        "",
        "{}",
        "[]",
        r#"[{"type":"checkout.weather"}]"#,
        r#"[{"type":"checkout.allowed_merchants","allowed":[]}]"#,
    ] {
        let body = json!({"agent_key": jwk(&agent_key()), "checkout": checkout});
        house.post(&house.owner, &path, body).await.problem(422, "open_mandate_refused");
    }
    let off_the_curve = json!({"x": base64url::encode(&[1; 32]), "y": base64url::encode(&[1; 32])});
    let body = json!({"agent_key": off_the_curve, "checkout": ITEMS});
    house.post(&house.owner, &path, body).await.problem(422, "key_malformed");
}

#[tokio::test]
async fn a_mandate_for_one_use_pays_once() {
    let limits = json!([{"kind": "per_payment", "max": "20000"}, {"kind": "uses", "max": 1}]);
    let house = House::with_mandate(limits).await;
    let open = open(&house).await;
    assert_eq!(settle(&house, &house.agent, &good(&house, &open, 3_000)).await["status"], "Success");
    let said = settle(&house, &house.agent, &good(&house, &open, 1)).await;
    assert_eq!(no(&house, &said).await.1, "`uses_exceeded`: nothing was spent");
    assert_eq!(house.money().await.2, "3000");
}

#[tokio::test]
async fn a_credential_is_collected_by_its_payee_for_its_checkout_only() {
    let house = house("5000").await;
    let open = open(&house).await;
    let id = new_id("hld");
    let asked = presentation(&open, closing(&house, 3_000), &id, &id, &agent_key());
    let said = house.post(&house.agent, "/v1/ap2/credentials", asked.clone()).await.expect(200);
    assert_eq!(said["receipt"], Value::Null, "{said}");
    assert_eq!(house.money().await, ("97000".into(), "3000".into(), "0".into()));
    let again = house.post(&house.agent, "/v1/ap2/credentials", asked).await.expect(200);
    assert_eq!(again["entry"], said["entry"], "nothing more is set aside");
    // What is set aside counts.
    let hold = new_id("hld");
    let more = presentation(&open, closing(&house, 2_001), &hold, &hold, &agent_key());
    let denied = house.post(&house.agent, "/v1/ap2/credentials", more).await.expect(200);
    assert_eq!(
        (&denied["credential"], no(&house, &denied).await.0.as_str()),
        (&Value::Null, "unresolved_constraint")
    );

    let payload = payload(&said);
    let mut elsewhere = payload.clone();
    elsewhere["resource"]["url"] = "another-checkout".into();
    assert_eq!(collect(&house, &elsewhere).await["success"], false);
    assert_eq!(house.money().await.2, "0");
    assert_eq!(collect(&house, &payload).await["success"], true);
    assert_eq!(house.money().await, ("97000".into(), "0".into(), "3000".into()));
    assert_eq!(collect(&house, &payload).await["errorReason"], "already_settled");
}

/// What a credential says.
fn payload(said: &Value) -> Value {
    use base64::Engine;
    let bytes = base64::engine::general_purpose::STANDARD.decode(said["credential"].as_str().unwrap());
    serde_json::from_slice(&bytes.unwrap()).unwrap()
}

async fn collect(house: &House, payload: &Value) -> Value {
    let body =
        json!({"x402Version": 2, "paymentPayload": payload, "paymentRequirements": payload["accepted"]});
    let headers = [("content-type", "application/json")];
    house.plain(Method::POST, "/v1/x402/settle", &headers, &body.to_string()).await.expect(200)
}

/// A checkout of one item, which comes to this.
fn checkout_jwt(total: u64) -> String {
    let checkout = json!({"id": "chk", "currency": "CNY", "line_items": [{"item": {"id": "a"}, "quantity": 1}],
        "totals": [{"type": "subtotal", "amount": 1}, {"type": "total", "amount": total}]});
    let Value::Object(checkout) = checkout else { unreachable!("it is an object") };
    sign_checkout(checkout, [7; 16], &SigningKey::es256(&[0x41; 32]).unwrap(), "shop")
}

fn approval(house: &House, amount: &str, total: u64) -> Value {
    json!({"id": new_id("hld"), "wallet": house.wallet, "payee": house.seller.id, "amount": cny(amount),
        "checkout_jwt": checkout_jwt(total)})
}

#[tokio::test]
async fn what_an_owner_approves_in_person_is_signed_closed_and_set_aside_once() {
    // Her agent may spend next to nothing; she may.
    let house = house("1").await;
    let asked = approval(&house, "3000", 3_000);
    let said = house.post(&house.owner, "/v1/ap2/approvals", asked.clone()).await.expect(201);
    assert_eq!(house.money().await, ("97000".into(), "3000".into(), "0".into()));

    let keys = house.plain(Method::GET, "/v1/ap2/keys", &[], "").await.expect(200);
    let part = |name: &str| base64url::decode(keys["keys"][0][name].as_str().unwrap()).unwrap();
    let key = PublicKey::es256(&part("x"), &part("y")).unwrap();
    let origin = text(&said, "audience");
    let verified = |name: &str, (audience, nonce): (&str, &str)| {
        let expected = Expected { audience, nonce, now: Time::from_seconds(seconds_now()) };
        Claimed::read(said[name].as_str().unwrap()).unwrap().verify(&key, &expected)
    };
    let id = asked["id"].as_str().unwrap();
    let chain = verified("payment_mandate", (&origin, id)).unwrap();
    assert_eq!(chain.mode(), Mode::Direct);
    let Mandate::Payment(payment) = chain.presented() else { panic!("{chain:?}") };
    assert_eq!((payment.amount.amount_minor, payment.payee.id.as_str()), (3_000, house.seller.id.as_str()));
    assert_eq!(
        (&payment.transaction_id, &payment.instrument.id),
        (&text(&said, "transaction_id"), &house.wallet)
    );
    let merchant = SigningKey::es256(&[0x41; 32]).unwrap();
    let checkout = verified("checkout_mandate", ("the merchant", "whatever it asked for")).unwrap();
    let approved = protocols::ap2::checkout(&checkout, merchant.public()).unwrap();
    assert_eq!(approved.mandate.checkout_hash, payment.transaction_id);
    assert!(verified("payment_mandate", (&origin, &new_id("hld"))).is_err(), "it is for one payment");
    assert!(verified("payment_mandate", ("another server", id)).is_err());

    // Asked again, in one piece or in many at once: the same payment mandate, and no more money.
    let many = (0..8).map(|_| house.post(&house.owner, "/v1/ap2/approvals", asked.clone()));
    for again in futures_util::future::join_all(many).await {
        let again = again.expect(201);
        assert_eq!((&again["payment_mandate"], &again["entry"]), (&said["payment_mandate"], &said["entry"]));
    }
    assert_eq!(house.money().await, ("97000".into(), "3000".into(), "0".into()));
    let mut other = asked.clone();
    other["checkout_jwt"] = format!("{}A", checkout_jwt(3_000)).into();
    house.post(&house.owner, "/v1/ap2/approvals", other).await.problem(409, "id_reused");

    assert_eq!(collect(&house, &payload(&said)).await["success"], true);
    assert_eq!(house.money().await, ("97000".into(), "0".into(), "3000".into()));
    assert_eq!(collect(&house, &payload(&said)).await["errorReason"], "already_settled");
}

#[tokio::test]
async fn nothing_is_approved_for_who_is_not_there_or_for_another_amount() {
    let house = house("5000").await;
    let asked = approval(&house, "3000", 3_000);
    let post = async |who: &Party, body: Value| house.post(who, "/v1/ap2/approvals", body).await;
    post(&house.agent, asked.clone()).await.problem(403, "audience_wrong");
    let (stranger, _) = house.stranger().await;
    post(&stranger, asked.clone()).await.problem(404, "wallet_unknown");
    let session = house.session(&house.owner).await;
    let (path, nonce) = ("/v1/ap2/approvals", crate::house::nonce());
    let lazy = house.in_session(&session, Method::POST, path, &asked.to_string(), nonce);
    house.send(lazy).await.problem(403, "presence_required");
    for (body, code) in [
        (approval(&house, "3000", 3_001), "open_mandate_refused"),
        (approval(&house, "0", 0), "open_mandate_refused"),
        (json!({"checkout_jwt": "a.b.c"}), "open_mandate_refused"),
        (json!({"checkout_jwt": ""}), "open_mandate_refused"),
        (approval(&house, "100001", 100_001), "funds_insufficient"),
    ] {
        let mut asked = asked.clone();
        for (name, value) in body.as_object().unwrap() {
            asked[name] = value.clone();
        }
        let reply = house.post(&house.owner, path, asked).await;
        assert_eq!((reply.status / 100, &reply.json()["code"]), (4, &json!(code)), "{body}");
    }
    assert_eq!(house.money().await, ("100000".into(), "0".into(), "0".into()));
}

fn text(said: &Value, name: &str) -> String {
    said[name].as_str().unwrap().to_owned()
}
