//! UCP: a profile, a checkout from its first item to its order, and who may ask.

use crate::house::{House, KEY, fresh, platform_key, request};
use bytes::Bytes;
use http::{HeaderValue, Method, Request};
use protocols::ucp::signature::{Signable, sign};
use sdk::Clock;
use serde_json::{Value, json};

const AGENT: &str = "profile=\"https://platform.example/ucp.json\"";

fn wanted(items: &[(&str, u64)]) -> Value {
    let items: Vec<Value> = items.iter().map(|(id, n)| json!({"item": {"id": id}, "quantity": n})).collect();
    json!({"line_items": items, "context": {"address_country": "CN"}})
}

fn paying(token: &str) -> Value {
    json!({"payment": {"instruments": [{"id": "i", "handler_id": "tollbridge", "type": "tollbridge_token",
        "selected": true, "credential": {"type": "token", "token": token}}]}})
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_else(|| panic!("{member}: {value}"))
}

async fn open(house: &House, items: &[(&str, u64)]) -> Value {
    house.ucp(Method::POST, "/checkout-sessions", Some(wanted(items))).await.expect(201)
}

#[tokio::test]
async fn a_profile_says_where_how_and_by_which_keys() {
    let house = House::new().await;
    let reply = house.ask(request(Method::GET, "/.well-known/ucp", &[], None)).await;
    assert_eq!(reply.header("cache-control"), Some("public, max-age=300"));
    let profile = reply.expect(200);
    assert_eq!(profile["ucp"]["services"]["dev.ucp.shopping"][0]["endpoint"], "http://shop.example");
    let handler = &profile["ucp"]["payment_handlers"]["example.shop.pay"][0];
    assert_eq!(text(handler, "id"), "tollbridge");
    assert_eq!(profile["keys"], profile["signing_keys"]);
    assert_eq!(text(&profile["keys"][0], "crv"), "P-256");
    for page in ["spec", "schema"] {
        let path = text(handler, page).strip_prefix("http://shop.example").unwrap();
        house.ask(request(Method::GET, path, &[], None)).await.expect(200);
    }
}

#[tokio::test]
async fn a_checkout_is_changed_paid_and_money_moves_exactly() {
    let house = House::new().await;
    let checkout = open(&house, &[("map", 1)]).await;
    let path = format!("/checkout-sessions/{}", text(&checkout, "id"));
    let checkout = house.ucp(Method::PUT, &path, Some(wanted(&[("map", 2)]))).await.expect(200);
    assert_eq!((text(&checkout, "status"), text(&checkout, "currency")), ("ready_for_complete", "CNY"));
    let handler = &checkout["ucp"]["payment_handlers"]["example.shop.pay"][0];
    let cart = text(&handler["config"], "cart").to_owned();
    let token = house.token(text(&checkout, "id"), 300, Some(&cart)).await;
    let done = house.ucp(Method::POST, &format!("{path}/complete"), Some(paying(&token))).await.expect(200);
    assert_eq!(text(&done, "status"), "completed");
    assert!(text(&done["order"], "permalink_url").starts_with("http://shop.example/checkouts/orders/ord_"));
    assert_eq!(house.money().await, (9_700, 0, 300));
    let again = house.ucp(Method::POST, &format!("{path}/complete"), Some(paying(&token))).await.expect(200);
    assert_eq!((again, house.money().await), (done, (9_700, 0, 300)));
    house.ucp(Method::POST, &format!("{path}/cancel"), None).await.message(409, "conflict");
    house.ucp(Method::PUT, &path, Some(wanted(&[("map", 1)]))).await.message(409, "conflict");
}

#[tokio::test]
async fn another_body_under_the_same_key_is_a_conflict() {
    let house = House::new().await;
    let headers = [("x-api-key", KEY.to_owned()), ("idempotency-key", fresh())];
    let ask = |n| request(Method::POST, "/checkout-sessions", &headers, Some(wanted(&[("map", n)])));
    let first = house.ask(ask(1)).await.expect(201);
    assert_eq!(house.ask(ask(1)).await.expect(201), first);
    house.ask(ask(2)).await.message(409, "idempotency_conflict");
    let bare = request(Method::POST, "/checkout-sessions", &headers[..1], Some(wanted(&[("map", 1)])));
    house.ask(bare).await.message(400, "idempotency_key_required");
}

#[tokio::test]
async fn a_payment_that_is_not_for_just_this_is_refused() {
    let house = House::new().await;
    let (first, second) = (open(&house, &[("map", 1)]).await, open(&house, &[("map", 1)]).await);
    let token = house.token(text(&first, "id"), 150, None).await;
    let complete = |checkout: &Value| format!("/checkout-sessions/{}/complete", text(checkout, "id"));
    let said = house.ucp(Method::POST, &complete(&second), Some(paying(&token))).await;
    said.message(402, "payment_failed");
    let mut card = paying(&token);
    card["payment"]["instruments"][0]["type"] = json!("card");
    house.ucp(Method::POST, &complete(&first), Some(card)).await.message(422, "invalid");
    assert_eq!(house.money().await, (9_850, 150, 0));
    house.ucp(Method::POST, &complete(&first), Some(paying(&token))).await.expect(200);
    assert_eq!(house.money().await, (9_850, 0, 150));
}

#[tokio::test]
async fn whoever_asks_shows_a_key_or_signs_just_this_request() {
    let house = House::new().await;
    let nobody = request(
        Method::POST,
        "/checkout-sessions",
        &[("idempotency-key", fresh())],
        Some(wanted(&[("map", 1)])),
    );
    house.ask(nobody).await.message(401, "unauthorized");
    let mut nameless =
        request(Method::POST, "/checkout-sessions", &[("x-api-key", KEY.to_owned())], Some(json!({})));
    nameless.headers_mut().remove("ucp-agent");
    house.ask(nameless).await.message(400, "invalid_profile_url");
    house.ask(signed(|_| {})).await.expect(201);
    for (change, code) in [
        ((|it| *it.body_mut() = Bytes::from_static(b"{}")) as fn(&mut Request<Bytes>), "digest_mismatch"),
        (|it| drop(it.headers_mut().remove("content-digest")), "digest_mismatch"),
        (|it| drop(it.headers_mut().remove("signature")), "signature_invalid"),
        (|it| set(it, "idempotency-key", "another"), "signature_invalid"),
        (|it| set(it, "host", "other.example"), "signature_invalid"),
        (|it| set(it, "ucp-agent", "profile=\"https://other.example/\""), "signature_invalid"),
        (|it| *it.uri_mut() = "/checkout-sessions/x/cancel".parse().unwrap(), "signature_invalid"),
    ] {
        house.ask(signed(change)).await.message(401, code);
    }
}

fn set(request: &mut Request<Bytes>, name: &'static str, value: &'static str) {
    request.headers_mut().insert(name, HeaderValue::from_static(value));
}

/// A request that the platform signed, and that was changed afterwards.
fn signed(change: fn(&mut Request<Bytes>)) -> Request<Bytes> {
    let key = fresh();
    let mut asked = request(
        Method::POST,
        "/checkout-sessions",
        &[("idempotency-key", key.clone())],
        Some(wanted(&[("map", 1)])),
    );
    let body = asked.body().clone();
    let signable = Signable {
        method: "POST",
        authority: "shop.example",
        path: "/checkout-sessions",
        query: None,
        agent: Some(AGENT),
        idempotency_key: Some(&key),
        content_type: "application/json",
        body: &body,
    };
    let seconds = Clock::system().now().0 / 1_000_000_000;
    let headers = sign(&signable, &platform_key(), "platform-1", seconds);
    let mut add = |name: &'static str, value: String| {
        asked.headers_mut().insert(name, HeaderValue::from_str(&value).unwrap());
    };
    add("signature-input", headers.signature_input);
    add("signature", headers.signature);
    add("content-digest", headers.content_digest.unwrap());
    change(&mut asked);
    asked
}
