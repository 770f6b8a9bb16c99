//! x402 at the gateway: the same bill in other words, the same proof, and the same delivery. It is paid as stock clients pay:
//! they echo what they accepted, and add what the scheme made of it.

use crate::house::{House, Reply, id};
use crate::upstream::Mood;
use protocols::a402::headers::PAYMENT_PROOF;
use protocols::x402::{PAYMENT_REQUIRED, PAYMENT_RESPONSE, PAYMENT_SIGNATURE};
use sdk::{Answer, Failure};
use serde_json::{Value, json};
use wire::HoldId;
use wire::unsigned::UnsignedPayment;
use wire::x402::NewX402Payment;

fn decode(value: &str) -> Value {
    use base64::Engine;
    let text = base64::engine::general_purpose::STANDARD.decode(value).expect("Base64");
    serde_json::from_slice(&text).expect("JSON")
}

pub(crate) fn encode(value: &Value) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(value.to_string())
}

/// What a bill says in x402.
pub(crate) fn asked(bill: &Reply) -> Value {
    decode(&bill.header(PAYMENT_REQUIRED).expect("a bill in x402"))
}

#[track_caller]
fn response(answer: &Reply) -> Value {
    decode(&answer.header(PAYMENT_RESPONSE).unwrap_or_else(|| panic!("no response in x402: {answer:?}")))
}

async fn pay(house: &House, asked: &Value, hold: u128) -> UnsignedPayment {
    match try_to_pay(house, asked, hold).await.expect("it is paid") {
        Answer::Done(paid) => paid,
        Answer::Asked(asked) => panic!("{asked:?}"),
    }
}

pub(crate) async fn try_to_pay(
    house: &House,
    asked: &Value,
    hold: u128,
) -> Result<Answer<UnsignedPayment>, Failure> {
    let new = NewX402Payment {
        id: HoldId(hold),
        wallet: house.wallet,
        mandate: Some(house.mandate),
        accepted: asked["accepts"][0].to_string(),
        resource: asked["resource"]["url"].as_str().expect("an address").to_owned(),
        approval: None,
        why: None,
    };
    house.agent.x402_pay(&new).await
}

/// The header that a stock client sends.
pub(crate) fn signature(asked: &Value, paid: &UnsignedPayment) -> Value {
    json!({
        "x402Version": 2,
        "resource": asked["resource"],
        "accepted": asked["accepts"][0],
        "payload": { "credential": paid.payload.credential },
    })
}

pub(crate) async fn get(house: &House, path: &str, payload: &Value) -> Reply {
    house.send("GET", path, &[(PAYMENT_SIGNATURE, &encode(payload))], "").await
}

#[tokio::test]
async fn a_bill_is_paid_in_x402_and_delivered_once() {
    let house = House::new().await;
    let bill = house.get("/search").await;
    assert_eq!(bill.status, 402);
    let asked = asked(&bill);
    let accepted = &asked["accepts"][0];
    assert_eq!(asked["x402Version"], 2);
    assert_eq!(asked["resource"]["url"], format!("{}/search", house.url));
    assert_eq!((&accepted["scheme"], &accepted["network"]), (&json!("exact"), &json!("toll:test")));
    assert_eq!((&accepted["amount"], &accepted["asset"]), (&json!("3"), &json!("CNY")));
    assert_eq!(accepted["payTo"], house.payee.to_string());
    assert_eq!(accepted["extra"]["decimals"], 2);

    let hold = id();
    let paid = pay(&house, &asked, hold).await;
    assert_eq!(pay(&house, &asked, hold).await.payload, paid.payload, "asked again, it is the same payment");
    let (available, held, _) = house.money().await;
    assert_eq!(held, 3);
    let payload = signature(&asked, &paid);
    let answer = get(&house, "/search", &payload).await;
    assert_eq!((answer.status, response(&answer)["success"].clone()), (200, json!(true)), "{answer:?}");
    assert_eq!(response(&answer)["transaction"], paid.hold.to_string());
    house.settled().await;
    assert_eq!(house.money().await, (available, 0, 3));

    // The same payment gets the same answer, in either dialect, and moves nothing.
    let again = get(&house, "/search", &payload).await;
    assert_eq!((again.status, &again.body), (200, &answer.body));
    assert_eq!((house.upstream.calls(), house.money().await), (1, (available, 0, 3)));
}

#[tokio::test]
async fn what_is_altered_moved_or_mixed_does_not_count() {
    let house = House::new().await;
    let bill = house.get("/search").await;
    let asked = asked(&bill);
    let paid = pay(&house, &asked, id()).await;
    let good = signature(&asked, &paid);
    let mut credential = paid.payload.credential.clone();
    credential.replace_range(40..41, if &credential[40..41] == "A" { "B" } else { "A" });
    for (pointer, value) in [
        ("/x402Version", json!(1)),
        ("/accepted/network", json!("toll:main")),
        ("/accepted/network", json!("eip155:8453")),
        ("/accepted/scheme", json!("deferred")),
        ("/accepted/extra/bill/outTradeNo", json!("bill_other")),
        ("/accepted/extra/bill/resourceId", json!("other")),
        ("/payload/credential", json!(credential)),
        ("/payload/credential", json!("")),
        ("/payload", json!({})),
    ] {
        let mut payload = good.clone();
        *payload.pointer_mut(pointer).expect("it is there") = value;
        let no = get(&house, "/search", &payload).await;
        assert!(no.status == 402, "{pointer}: {no:?}");
        assert_eq!(response(&no)["success"], false, "{pointer}");
    }
    // Another address, another method, and two ways of paying at once.
    let moved = get(&house, "/cheap/1", &good).await;
    assert_eq!((moved.status, response(&moved)["success"].clone()), (402, json!(false)));
    let proof = house.proof("/search").await;
    let mixed = [(PAYMENT_PROOF, proof.as_str()), (PAYMENT_SIGNATURE, &encode(&good))];
    house.send("GET", "/search", &mixed, "").await.code(400, "payment_headers_invalid");
    let twice = [(PAYMENT_SIGNATURE, encode(&good)), (PAYMENT_SIGNATURE, encode(&good))];
    let twice: Vec<_> = twice.iter().map(|(name, value)| (*name, value.as_str())).collect();
    house.send("GET", "/search", &twice, "").await.code(400, "payment_headers_invalid");
    let older = [("X-PAYMENT", "e30="), (PAYMENT_SIGNATURE, &*encode(&good))];
    house.send("GET", "/search", &older, "").await.code(400, "payment_headers_invalid");
    assert_eq!((house.upstream.calls(), house.money().await.2), (0, 0));
    assert_eq!(
        get(&house, "/search", &good).await.status,
        200,
        "the payment still counts for what it was made for"
    );
}

#[tokio::test]
async fn what_is_not_delivered_is_not_charged() {
    let house = House::new().await;
    let before = house.money().await;
    let asked = asked(&house.get("/search").await);
    let paid = pay(&house, &asked, id()).await;
    house.upstream.be(Mood::Status(500));
    let failed = get(&house, "/search", &signature(&asked, &paid)).await;
    assert_eq!((failed.status, response(&failed)["success"].clone()), (502, json!(false)), "{failed:?}");
    assert_eq!(response(&failed)["errorReason"], "payment_released");
    house.settled().await;
    assert_eq!(house.money().await, before);
}

#[tokio::test]
async fn of_a_price_by_units_only_what_it_came_to_is_taken() {
    let house = House::new().await;
    house.upstream.be(Mood::Says("", r#"{"usage":{"pages":7}}"#.to_owned()));
    let asked = asked(&house.get("/pages").await);
    assert_eq!(
        (&asked["accepts"][0]["scheme"], &asked["accepts"][0]["amount"]),
        (&json!("upto"), &json!("20"))
    );
    let paid = pay(&house, &asked, id()).await;
    let answer = get(&house, "/pages", &signature(&asked, &paid)).await;
    assert_eq!((answer.status, response(&answer)["amount"].clone()), (200, json!("3")), "{answer:?}");
    house.settled().await;
    assert_eq!(house.money().await, (97, 0, 3));
}
