//! The `Payment` scheme from outside: the server as payment service of a buyer, and of a seller who has nothing else of ours.

use crate::house::{House, in_seconds, new_id};
use evidence::base64url;
use http::Method;
use serde_json::{Value, json};

fn challenge(house: &House, amount: &str) -> Value {
    json!({"id": "challenge-1", "realm": "shop.example", "method": "toll", "intent": "charge",
        "expires": in_seconds(120), "opaque": "e30",
        "request": {"amount": amount, "currency": "cny", "recipient": house.seller.id,
            "methodDetails": {"network": "toll:test", "decimals": 2}}})
}

async fn pay(house: &House, challenge: &Value) -> Value {
    let body = json!({"id": new_id("hld"), "wallet": house.wallet, "mandate": house.mandate,
        "challenge": challenge.to_string()});
    house.post(&house.agent, "/v1/mpp/pay", body).await.expect(201)
}

/// The header as clients make it: `request` is a text in it.
fn authorization(challenge: &Value, paid: &Value) -> String {
    let mut challenge = challenge.clone();
    challenge["request"] = json!(base64url::encode(challenge["request"].to_string().as_bytes()));
    let text = json!({"challenge": challenge, "payload": paid["payload"]});
    format!("Payment {}", base64url::encode(text.to_string().as_bytes()))
}

async fn settle(house: &House, authorization: &str) -> crate::house::Reply {
    let headers = [("content-type", "application/json")];
    let body = json!({"authorization": authorization}).to_string();
    house.plain(Method::POST, "/v1/mpp/settle", &headers, &body).await
}

#[tokio::test]
async fn a_seller_with_nothing_of_ours_collects_once() {
    let house = House::new().await;
    let asked = challenge(&house, "150");
    let paid = pay(&house, &asked).await;
    assert_eq!(house.money().await, ("99850".into(), "150".into(), "0".into()));
    let shown = authorization(&asked, &paid);
    let done = settle(&house, &shown).await.expect(201);
    assert_eq!((&done["hold"], &done["amount"]["amount"]), (&paid["hold"], &json!("150")));
    assert_eq!((&done["challenge"], &done["payer"]), (&json!("challenge-1"), &json!(house.agent.id)));
    settle(&house, &shown).await.problem(409, "already_settled");
    assert_eq!(house.money().await, ("99850".into(), "0".into(), "150".into()));
}

#[tokio::test]
async fn a_credential_counts_for_its_challenge_and_nothing_else() {
    let house = House::new().await;
    let asked = challenge(&house, "150");
    let paid = pay(&house, &asked).await;
    let (stranger, _) = house.stranger().await;
    for (pointer, value) in [
        ("/id", json!("challenge-2")),
        ("/realm", json!("other.example")),
        ("/opaque", json!("e31")),
        ("/request/amount", json!("149")),
        ("/request/recipient", json!(stranger.id)),
        ("/request/methodDetails/network", json!("toll:main")),
        ("/method", json!("tempo")),
        ("/intent", json!("session")),
    ] {
        let mut other = asked.clone();
        *other.pointer_mut(pointer).unwrap() = value;
        settle(&house, &authorization(&other, &paid)).await.problem(422, "credential_refused");
    }
    settle(&house, "Payment e30").await.problem(422, "credential_refused");
    settle(&house, "").await.problem(422, "credential_refused");
    let mut main = asked.clone();
    main["request"]["methodDetails"]["network"] = json!("toll:main");
    let body = json!({"id": new_id("hld"), "wallet": house.wallet, "mandate": house.mandate, "challenge": main.to_string()});
    house.post(&house.agent, "/v1/mpp/pay", body).await.problem(422, "bill_refused");
    let mut over = asked.clone();
    over["expires"] = json!(in_seconds(-1));
    let body = json!({"id": new_id("hld"), "wallet": house.wallet, "mandate": house.mandate, "challenge": over.to_string()});
    house.post(&house.agent, "/v1/mpp/pay", body).await.problem(422, "bill_refused");
    assert_eq!(house.money().await, ("99850".into(), "150".into(), "0".into()));
    house.post(&house.operator, "/v1/clock/advance", json!({"seconds": 300})).await.expect(200);
    settle(&house, &authorization(&asked, &paid)).await.problem(422, "credential_refused");
    assert_eq!(house.money().await, ("99850".into(), "150".into(), "0".into()));
}
