//! x402 from outside: the server as payment service of a buyer, and as facilitator of a seller who has nothing else of ours.

use crate::house::{House, new_id};
use http::Method;
use serde_json::{Value, json};

const URL: &str = "https://shop.example/weather";

fn accepted(house: &House, scheme: &str, amount: &str) -> Value {
    json!({"scheme": scheme, "network": "toll:test", "amount": amount, "asset": "CNY", "payTo": house.seller.id,
        "maxTimeoutSeconds": 300, "extra": {"decimals": 2}})
}

async fn pay(house: &House, accepted: &Value) -> Value {
    let body = json!({"id": new_id("hld"), "wallet": house.wallet, "mandate": house.mandate,
        "accepted": accepted.to_string(), "resource": URL});
    house.post(&house.agent, "/v1/x402/pay", body).await.expect(201)
}

fn ask(accepted: &Value, paid: &Value) -> Value {
    json!({"x402Version": 2, "paymentRequirements": accepted,
        "paymentPayload": {"x402Version": 2, "resource": {"url": URL}, "accepted": accepted,
            "payload": paid["payload"]}})
}

/// Asks the facilitator as stock sellers do: with no word of who asks.
async fn facilitator(house: &House, path: &str, body: &Value) -> Value {
    let headers = [("content-type", "application/json")];
    house.plain(Method::POST, path, &headers, &body.to_string()).await.expect(200)
}

async fn verify(house: &House, body: &Value) -> Value {
    facilitator(house, "/v1/x402/verify", body).await
}

async fn settle(house: &House, body: &Value) -> Value {
    facilitator(house, "/v1/x402/settle", body).await
}

#[tokio::test]
async fn a_seller_with_nothing_of_ours_is_paid_once() {
    let house = House::new().await;
    let kinds = house.plain(Method::GET, "/v1/x402/supported", &[], "").await.expect(200);
    assert_eq!(kinds["kinds"][0], json!({"x402Version": 2, "scheme": "exact", "network": "toll:test"}));
    let accepted = accepted(&house, "exact", "150");
    let paid = pay(&house, &accepted).await;
    assert_eq!(house.money().await, ("99850".into(), "150".into(), "0".into()));
    let asked = ask(&accepted, &paid);
    assert_eq!(verify(&house, &asked).await["isValid"], true);
    assert_eq!(house.money().await.1, "150", "asking moves nothing");
    let done = settle(&house, &asked).await;
    assert_eq!((&done["success"], &done["transaction"]), (&json!(true), &paid["hold"]), "{done}");
    assert_eq!(done["payer"], house.agent.id);
    assert_eq!(house.money().await, ("99850".into(), "0".into(), "150".into()));
    let again = settle(&house, &asked).await;
    assert_eq!(
        (&again["success"], &again["errorReason"]),
        (&json!(false), &json!("already_settled")),
        "{again}"
    );
    assert_eq!(again["transaction"], paid["hold"], "the transaction that has the money is named");
    assert_eq!(verify(&house, &asked).await["invalidReason"], "already_settled");
    assert_eq!(house.money().await, ("99850".into(), "0".into(), "150".into()));
}

#[tokio::test]
async fn who_cannot_say_what_it_buys_is_bound_to_seller_and_amount() {
    let house = House::new().await;
    let accepted = accepted(&house, "exact", "150");
    let body = json!({"id": new_id("hld"), "wallet": house.wallet, "mandate": house.mandate,
        "accepted": accepted.to_string()});
    let paid = house.post(&house.agent, "/v1/x402/pay", body).await.expect(201);
    let asked = ask(&accepted, &paid);
    let mut dearer = asked.clone();
    dearer["paymentRequirements"]["amount"] = json!("151");
    dearer["paymentPayload"]["accepted"]["amount"] = json!("151");
    assert_eq!(settle(&house, &dearer).await["errorReason"], "invalid_payment_requirements");
    assert_eq!(settle(&house, &asked).await["success"], true);
}

#[tokio::test]
async fn a_hundred_settle_at_once_and_one_does() {
    let house = House::new().await;
    let accepted = accepted(&house, "exact", "150");
    let asked = ask(&accepted, &pay(&house, &accepted).await);
    let all = futures_util::future::join_all((0..100).map(|_| settle(&house, &asked))).await;
    assert_eq!(all.iter().filter(|said| said["success"] == true).count(), 1);
    assert_eq!(house.money().await, ("99850".into(), "0".into(), "150".into()));
}

#[tokio::test]
async fn a_payment_counts_for_what_was_accepted_and_nothing_else() {
    let house = House::new().await;
    let good = accepted(&house, "exact", "150");
    let asked = ask(&good, &pay(&house, &good).await);
    let (stranger, _) = house.stranger().await;
    for (pointer, value, reason) in [
        ("/paymentRequirements/amount", json!("149"), "invalid_payment_requirements"),
        ("/paymentRequirements/amount", json!("151"), "invalid_payment_requirements"),
        ("/paymentRequirements/payTo", json!(stranger.id), "invalid_payment_requirements"),
        ("/paymentRequirements/network", json!("toll:main"), "invalid_network"),
        ("/paymentRequirements/network", json!("eip155:1"), "invalid_network"),
        ("/paymentPayload/accepted/scheme", json!("upto"), "invalid_payment_requirements"),
        ("/paymentPayload/resource/url", json!("https://shop.example/gold"), "invalid_payment_requirements"),
        ("/paymentPayload/payload/credential", json!("e30"), "invalid_payload"),
        ("/paymentPayload/x402Version", json!(1), "invalid_x402_version"),
        ("/paymentPayload/payload", json!({"signature": "0x"}), "invalid_payload"),
    ] {
        let mut other = asked.clone();
        *other.pointer_mut(pointer).unwrap() = value.clone();
        assert_eq!(verify(&house, &other).await["invalidReason"], reason, "{pointer} {value}");
        let no = settle(&house, &other).await;
        assert_eq!(
            (&no["success"], &no["errorReason"]),
            (&json!(false), &json!(reason)),
            "{pointer} {value}"
        );
    }
    // Both sides of the same lie.
    for (name, value) in [("amount", json!("1500")), ("payTo", json!(stranger.id))] {
        let mut other = asked.clone();
        other["paymentRequirements"][name] = value.clone();
        other["paymentPayload"]["accepted"][name] = value;
        assert_eq!(settle(&house, &other).await["errorReason"], "invalid_payment_requirements", "{name}");
    }
    assert_eq!(house.money().await, ("99850".into(), "150".into(), "0".into()));
}

#[tokio::test]
async fn up_to_is_settled_by_the_seller_for_what_it_came_to() {
    let house = House::new().await;
    let accepted = accepted(&house, "upto", "150");
    let mut asked = ask(&accepted, &pay(&house, &accepted).await);
    asked["paymentRequirements"]["amount"] = json!("40");
    assert_eq!(settle(&house, &asked).await["errorReason"], "seller_not_authenticated");
    let buyer = house.post(&house.agent, "/v1/x402/settle", asked.clone()).await.expect(200);
    assert_eq!(buyer["errorReason"], "seller_not_authenticated", "a buyer does not say what it cost");
    asked["paymentRequirements"]["amount"] = json!("151");
    let more = house.post(&house.seller, "/v1/x402/settle", asked.clone()).await.expect(200);
    assert_eq!(more["errorReason"], "invalid_payment_requirements");
    asked["paymentRequirements"]["amount"] = json!("40");
    let done = house.post(&house.seller, "/v1/x402/settle", asked.clone()).await.expect(200);
    assert_eq!((&done["success"], &done["amount"]), (&json!(true), &json!("40")), "{done}");
    assert_eq!(house.money().await, ("99960".into(), "0".into(), "40".into()));
    let nothing = ask(&accepted, &pay(&house, &accepted).await);
    let mut nothing = nothing;
    nothing["paymentRequirements"]["amount"] = json!("0");
    let done = house.post(&house.seller, "/v1/x402/settle", nothing).await.expect(200);
    assert_eq!(done["success"], true, "{done}");
    assert_eq!(house.money().await, ("99960".into(), "0".into(), "40".into()));
}

#[tokio::test]
async fn limits_stops_and_time_hold_in_this_dialect_too() {
    let house = House::new().await;
    let large = accepted(&house, "exact", "20001");
    let body = json!({"id": new_id("hld"), "wallet": house.wallet, "mandate": house.mandate,
        "accepted": large.to_string(), "resource": URL});
    house.post(&house.agent, "/v1/x402/pay", body).await.problem(403, "payment_too_large");
    for (name, value) in [("network", json!("toll:main")), ("payTo", json!("0xabc")), ("extra", json!({}))] {
        let mut other = accepted(&house, "exact", "150");
        other[name] = value;
        let body = json!({"id": new_id("hld"), "wallet": house.wallet, "mandate": house.mandate,
            "accepted": other.to_string(), "resource": URL});
        house.post(&house.agent, "/v1/x402/pay", body).await.problem(422, "bill_refused");
    }
    assert_eq!(house.money().await, ("100000".into(), "0".into(), "0".into()));
    let accepted = accepted(&house, "exact", "150");
    let asked = ask(&accepted, &pay(&house, &accepted).await);
    let agent = || Some(json!({"subject": house.agent.id}));
    house.change(&house.owner, Method::POST, "/v1/freeze", agent()).await.expect(201);
    assert_eq!(settle(&house, &asked).await["errorReason"], "payer_stopped");
    house.change(&house.owner, Method::POST, "/v1/unfreeze", agent()).await.expect(201);
    house.post(&house.operator, "/v1/clock/advance", json!({"seconds": 1_000})).await.expect(200);
    assert_eq!(settle(&house, &asked).await["errorReason"], "payment_expired");
    assert_eq!(house.money().await, ("99850".into(), "150".into(), "0".into()));
}
