//! UCP: a profile, a checkout from its first item to its order, and who may ask.

use crate::house::{House, KEY, OTHER_KEY, fresh, platform_key, request};
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

/// Tea, and more of a request beside it.
fn tea(more: Value) -> Value {
    let mut body = wanted(&[("tea?size=small", 1)]);
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

fn total(checkout: &Value) -> &Value {
    let totals = checkout["totals"].as_array().unwrap();
    &totals.iter().find(|total| total["type"] == "total").unwrap()["amount"]
}

#[tokio::test]
async fn a_delivery_and_a_place_are_chosen_and_the_order_says_them() {
    let house = House::new().await;
    let checkout = open(&house, &[("tea?size=small", 1), ("map", 1)]).await;
    let method = &checkout["fulfillment"]["methods"][0];
    assert_eq!((&method["line_item_ids"], method.get("destinations")), (&json!(["li_1"]), None));
    assert_eq!(method["groups"][0]["selected_option_id"], "courier");
    assert_eq!(method["groups"][0]["options"][1]["totals"], json!([{ "type": "total", "amount": 0 }]));
    assert_eq!(total(&checkout), 2_250);
    let path = format!("/checkout-sessions/{}", text(&checkout, "id"));
    let put = |more: Value| house.ucp(Method::PUT, &path, Some(tea(more)));
    let ways = |method: Value| json!({ "fulfillment": { "methods": [method] } });
    let home = json!({ "id": "home", "street_address": "2 Example Road", "address_country": "CN" });
    let changed = put(ways(json!({ "type": "shipping", "destinations": [home],
        "groups": [{ "id": "parcel", "selected_option_id": "self" }] })));
    let changed = changed.await.expect(200);
    assert_eq!(total(&changed), 1_800);
    let method = &changed["fulfillment"]["methods"][0];
    assert_eq!(
        (&method["destinations"], &method["selected_destination_id"]),
        (&json!([home]), &json!("home"))
    );
    // What is not named stays, and a place may be named again by its name.
    for more in [json!({}), ways(json!({ "selected_destination_id": "home" }))] {
        assert_eq!(put(more).await.expect(200), changed);
    }
    put(ways(json!({ "selected_destination_id": "elsewhere" }))).await.message(400, "unsupported");
    put(ways(json!({ "groups": [{ "selected_option_id": "rocket" }] }))).await.message(400, "invalid");
    put(ways(json!({ "type": "pickup" }))).await.message(422, "invalid");
    let token = house.token(text(&checkout, "id"), 1_800, None).await;
    let done = house.ucp(Method::POST, &format!("{path}/complete"), Some(paying(&token))).await.expect(200);
    let order = format!("/orders/{}", text(&done["order"], "id"));
    let order = house.ucp(Method::GET, &order, None).await.expect(200);
    assert_eq!((&order["checkout_id"], total(&order)), (&checkout["id"], &json!(1_800)));
    let place = json!({ "street_address": "2 Example Road", "address_country": "CN" });
    assert_eq!(
        order["fulfillment"]["expectations"],
        json!([{ "id": "parcel", "line_items": [{ "id": "li_1", "quantity": 1 }], "method_type": "shipping",
            "destination": place, "description": "Collect it" }])
    );
    let carried = open(&house, &[("map", 1)]).await;
    assert_eq!(carried.get("fulfillment"), None);
}

#[tokio::test]
async fn an_order_is_shown_to_the_client_whose_it_is() {
    let house = House::new().await;
    let checkout = open(&house, &[("map", 1)]).await;
    let token = house.token(text(&checkout, "id"), 150, None).await;
    let path = format!("/checkout-sessions/{}/complete", text(&checkout, "id"));
    let done = house.ucp(Method::POST, &path, Some(paying(&token))).await.expect(200);
    let path = format!("/orders/{}", text(&done["order"], "id"));
    let order = house.ucp(Method::GET, &path, None).await.expect(200);
    assert_eq!(
        (&order["id"], &order["line_items"][0]["status"]),
        (&done["order"]["id"], &json!("processing"))
    );
    let other = request(Method::GET, &path, &[("x-api-key", OTHER_KEY.to_owned())], None);
    house.ask(other).await.message(404, "not_found");
    house.ask(request(Method::GET, &path, &[], None)).await.message(401, "unauthorized");
    house.ucp(Method::PUT, &path, Some(json!({}))).await.message(405, "method_not_allowed");
    for nowhere in ["/orders", "/orders/ord_1", "/orders/ord_01KAZ0A3C0ET1N8R7P6QGX5W9D"] {
        house.ucp(Method::GET, nowhere, None).await.message(404, "not_found");
    }
}

#[tokio::test]
async fn one_discount_code_counts_and_the_others_are_said_not_to() {
    let house = House::new().await;
    let codes = |codes: &[&str]| tea(json!({ "discounts": { "codes": codes } }));
    let opened = house.ucp(Method::POST, "/checkout-sessions", Some(codes(&["NONE", "five", "FIVE"]))).await;
    let opened = opened.expect(201);
    assert_eq!(total(&opened), 1_600);
    assert_eq!(opened["discounts"]["applied"], json!([{ "code": "FIVE", "title": "FIVE", "amount": 500 }]));
    let said = |n: usize| (&opened["messages"][n]["code"], &opened["messages"][n]["path"]);
    assert_eq!(said(0), (&json!("discount_code_invalid"), &json!("$.discounts.codes[0]")));
    assert_eq!(said(1), (&json!("discount_code_combination_disallowed"), &json!("$.discounts.codes[2]")));
    assert_eq!(opened["status"], "ready_for_complete");
    let path = format!("/checkout-sessions/{}", text(&opened, "id"));
    for (body, left) in [(tea(json!({})), 1_600), (codes(&[]), 2_100), (codes(&["NONE"]), 2_100)] {
        assert_eq!(total(&house.ucp(Method::PUT, &path, Some(body)).await.expect(200)), left);
    }
}

#[tokio::test]
async fn what_a_shop_does_not_have_or_speak_is_said_by_its_name() {
    let house = House::new().await;
    let gone = house.ucp(Method::POST, "/checkout-sessions", Some(wanted(&[("pink wumpus", 1)]))).await;
    gone.message(400, "item_unavailable");
    let mut older = request(Method::GET, "/checkout-sessions/x", &[("x-api-key", KEY.to_owned())], None);
    set(&mut older, "ucp-agent", "profile=\"https://p.example/\"; version=\"2026-01-11\"");
    let said = house.ask(older).await.message(422, "version_unsupported");
    assert_eq!(said["messages"][0]["severity"], "unrecoverable");
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
