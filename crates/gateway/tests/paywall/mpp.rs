//! The `Payment` scheme at the gateway: the same bill as a challenge, the same proof as a credential, and the same delivery.

use crate::house::{House, Reply, id};
use crate::upstream::Mood;
use evidence::base64url;
use protocols::a402::headers::PAYMENT_PROOF;
use protocols::mpp::{CHALLENGE, RECEIPT};
use protocols::x402::PAYMENT_SIGNATURE;
use sdk::{Answer, Failure};
use serde_json::{Value, json};
use wire::HoldId;
use wire::mpp::NewMppPayment;
use wire::unsigned::UnsignedPayment;

/// The challenge of a bill, as clients keep it: the parameters, and `request` as it came.
#[track_caller]
pub(crate) fn challenge(bill: &Reply) -> Value {
    let text = bill.header(CHALLENGE).unwrap_or_else(|| panic!("no challenge: {bill:?}"));
    let parameters = text.strip_prefix("Payment ").expect("the scheme").split(", ").map(|parameter| {
        let (name, value) = parameter.split_once('=').expect("a parameter");
        (name.to_owned(), Value::from(value.trim_matches('"')))
    });
    Value::Object(parameters.collect())
}

pub(crate) fn request(challenge: &Value) -> Value {
    let text = base64url::decode(challenge["request"].as_str().expect("a text")).expect("Base64URL");
    serde_json::from_slice(&text).expect("JSON")
}

async fn pay(house: &House, challenge: &Value) -> UnsignedPayment {
    match try_to_pay(house, challenge).await.expect("it is paid") {
        Answer::Done(paid) => paid,
        Answer::Asked(asked) => panic!("{asked:?}"),
    }
}

pub(crate) async fn try_to_pay(house: &House, challenge: &Value) -> Result<Answer<UnsignedPayment>, Failure> {
    let new = NewMppPayment {
        id: HoldId(id()),
        wallet: house.wallet,
        mandate: Some(house.mandate),
        challenge: challenge.to_string(),
        approval: None,
        why: None,
    };
    house.agent.mpp_pay(&new).await
}

pub(crate) fn authorization(challenge: &Value, credential: &str) -> String {
    let text =
        json!({"challenge": challenge, "source": "did:key:z6Mk", "payload": {"credential": credential}});
    format!("Payment {}", base64url::encode(text.to_string().as_bytes()))
}

async fn get(house: &House, path: &str, authorization: &str) -> Reply {
    house.send("GET", path, &[("Authorization", authorization)], "").await
}

#[tokio::test]
async fn a_challenge_is_paid_and_delivered_once() {
    let house = House::new().await;
    house.upstream.be(Mood::Says(
        "Payment-Receipt: forged\r\nWWW-Authenticate: Payment id=\"x\"\r\n",
        "found".to_owned(),
    ));
    let bill = house.get("/search").await;
    let asked = challenge(&bill);
    assert_eq!((&asked["method"], &asked["intent"]), (&json!("toll"), &json!("charge")));
    let request = request(&asked);
    assert_eq!((&request["amount"], &request["currency"]), (&json!("3"), &json!("cny")));
    assert_ne!(challenge(&house.get("/search").await)["id"], asked["id"], "each challenge is another one");
    let (available, _, _) = house.money().await;
    let paid = pay(&house, &asked).await;
    assert_eq!(house.money().await.1, 3);
    let shown = authorization(&asked, &paid.payload.credential);
    let answer = get(&house, "/search", &shown).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "found"), "{answer:?}");
    let receipt = base64url::decode(&answer.header(RECEIPT).expect("a receipt")).expect("Base64URL");
    let receipt: Value = serde_json::from_slice(&receipt).expect("JSON");
    assert_eq!(
        (&receipt["status"], &receipt["reference"]),
        (&json!("success"), &json!(paid.hold.to_string()))
    );
    assert_eq!(answer.header(CHALLENGE), None, "nobody behind us asks for money");
    house.settled().await;
    let again = get(&house, "/search", &shown).await;
    assert_eq!((again.status, again.body.as_str()), (200, "found"));
    assert_eq!((house.upstream.calls(), house.money().await), (1, (available - 3, 0, 3)));
}

#[tokio::test]
async fn what_was_paid_in_one_dialect_is_delivered_once_in_all() {
    let house = House::new().await;
    let bill = house.get("/search").await;
    let asked = challenge(&bill);
    let paid = pay(&house, &asked).await;
    let in_mpp = authorization(&asked, &paid.payload.credential);
    assert_eq!(get(&house, "/search", &in_mpp).await.status, 200);
    let asked_in_x402 = crate::x402::asked(&bill);
    let payload = json!({"x402Version": 2, "resource": asked_in_x402["resource"],
        "accepted": asked_in_x402["accepts"][0], "payload": {"credential": paid.payload.credential}});
    assert_eq!(crate::x402::get(&house, "/search", &payload).await.status, 200);
    house.settled().await;
    assert_eq!((house.upstream.calls(), house.money().await.2), (1, 3));
    let (x402, proof) = (crate::x402::encode(&payload), house.proof("/search").await);
    for mixed in [
        [("Authorization", in_mpp.as_str()), (PAYMENT_SIGNATURE, x402.as_str())],
        [("Authorization", in_mpp.as_str()), (PAYMENT_PROOF, proof.as_str())],
        [("Authorization", in_mpp.as_str()), ("Authorization", in_mpp.as_str())],
    ] {
        house.send("GET", "/search", &mixed, "").await.code(400, "payment_headers_invalid");
    }
    assert_eq!((house.upstream.calls(), house.money().await.2), (1, 3));
}

#[tokio::test]
async fn a_credential_for_another_challenge_or_none_does_not_count() {
    let house = House::new().await;
    let (asked, other) = (challenge(&house.get("/search").await), challenge(&house.get("/search").await));
    let paid = pay(&house, &asked).await;
    let credential = paid.payload.credential.as_str();
    let mut renamed = asked.clone();
    renamed["id"] = other["id"].clone();
    let mut of_another_method = asked.clone();
    of_another_method["method"] = json!("tempo");
    for wrong in [
        authorization(&other, credential),
        authorization(&renamed, credential),
        authorization(&of_another_method, credential),
        authorization(&asked, ""),
        authorization(&asked, "e30"),
        "Payment e30".to_owned(),
        "Payment =".to_owned(),
        "Payment ".to_owned(),
    ] {
        let no = get(&house, "/search", &wrong).await;
        assert!(no.status == 402, "{wrong}: {no:?}");
        assert_eq!(no.header(RECEIPT), None);
    }
    assert_eq!(get(&house, "/cheap/1", &authorization(&asked, credential)).await.status, 402);
    assert_eq!((house.upstream.calls(), house.money().await.2), (0, 0));
    assert_eq!(get(&house, "/search", &authorization(&asked, credential)).await.status, 200);
}

#[tokio::test]
async fn another_scheme_is_the_upstreams_and_a_price_by_units_is_no_charge() {
    let house = House::new().await;
    assert_eq!(house.get("/pages").await.header(CHALLENGE), None);
    let asked = challenge(&house.get("/search").await);
    let paid = pay(&house, &asked).await;
    let both = [
        ("Authorization", "Bearer theirs"),
        ("Authorization", &*authorization(&asked, &paid.payload.credential)),
    ];
    assert_eq!(house.send("GET", "/search", &both, "").await.status, 200);
    let seen = house.upstream.last();
    assert!(seen.contains("Bearer theirs") && !seen.contains("Payment "), "{seen}");
}
