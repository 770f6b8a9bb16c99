//! ACP: a session from its first item to its order, and all that is refused on the way.

use crate::house::{House, KEY, OTHER_KEY, Reply, fresh, request};
use http::Method;
use serde_json::{Value, json};

fn wanted(items: &[(&str, u64)]) -> Value {
    let items: Vec<Value> = items.iter().map(|(id, n)| json!({"id": id, "quantity": n})).collect();
    json!({"line_items": items, "currency": "cny", "capabilities": {},
        "buyer": {"email": "wen@example.com"}})
}

fn paying(token: &str) -> Value {
    json!({"payment_data": {"handler_id": "tollbridge", "instrument": {"type": "tollbridge_token",
        "credential": {"type": "token", "token": token}}}})
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_else(|| panic!("{member}: {value}"))
}

async fn open(house: &House, items: &[(&str, u64)]) -> Value {
    house.acp("/checkout_sessions", wanted(items)).await.expect(201)
}

async fn complete(house: &House, session: &str, token: &str) -> Reply {
    house.acp(&format!("/checkout_sessions/{session}/complete"), paying(token)).await
}

fn total(session: &Value) -> u64 {
    let totals = session["totals"].as_array().unwrap();
    totals.iter().find(|total| total["type"] == "total").unwrap()["amount"].as_u64().unwrap()
}

#[tokio::test]
async fn a_session_is_opened_changed_paid_and_money_moves_exactly() {
    let house = House::new().await;
    let session = open(&house, &[("tea?size=large", 1), ("map", 2)]).await;
    assert_eq!((text(&session, "status"), text(&session, "currency")), ("ready_for_payment", "cny"));
    assert_eq!(total(&session), 2_000 + 300 + 300);
    let id = text(&session, "id").to_owned();
    let path = format!("/checkout_sessions/{id}");
    let update = json!({"selected_fulfillment_options":
        [{"type": "shipping", "option_id": "self", "item_ids": ["tea?size=large"]}], "coupons": ["FIVE"]});
    let session = house.acp(&path, update).await.expect(200);
    assert_eq!(total(&session), 1_800);
    let handler = &session["capabilities"]["payment"]["handlers"][0];
    assert_eq!(
        (text(handler, "name"), &handler["requires_delegate_payment"]),
        ("example.shop.pay", &json!(true))
    );
    assert_eq!(handler["config"]["merchant_id"], house.payee.to_string());

    let token = house.token(&id, 2_000, Some(text(&session["metadata"], "cart"))).await;
    assert_eq!(house.money().await, (8_000, 2_000, 0));
    let done = complete(&house, &id, &token).await.expect(200);
    assert_eq!(text(&done, "status"), "completed");
    assert_eq!(done["order"]["checkout_session_id"], *id);
    assert_eq!(house.money().await, (8_200, 0, 1_800), "what was not taken went back");
    // The same payment under another key is the order that there is.
    assert_eq!(complete(&house, &id, &token).await.expect(200), done);
    assert_eq!(house.acp_get(KEY, &path).await.expect(200), done);
    assert_eq!(house.money().await, (8_200, 0, 1_800));
    house.acp(&path, json!({"coupons": []})).await.error(405, "conflict");
    house.acp(&format!("{path}/cancel"), json!({})).await.error(405, "conflict");
}

#[tokio::test]
async fn sixteen_completions_at_once_are_one_payment() {
    let house = House::new().await;
    let id = text(&open(&house, &[("map", 1)]).await, "id").to_owned();
    let token = house.token(&id, 150, None).await;
    let mut tasks = tokio::task::JoinSet::new();
    let house = std::sync::Arc::new(house);
    for _ in 0..16 {
        let (house, id, token) = (house.clone(), id.clone(), token.clone());
        tasks.spawn(async move { complete(&house, &id, &token).await });
    }
    let replies = tasks.join_all().await;
    for reply in &replies {
        match reply.status {
            200 => assert_eq!(reply.body["status"], "completed"),
            409 => {
                assert_eq!(reply.body["code"], "idempotency_in_flight");
                assert_eq!(reply.header("retry-after"), Some("1"));
            }
            _ => panic!("{reply:?}"),
        }
    }
    assert!(replies.iter().any(|reply| reply.status == 200));
    assert_eq!(house.money().await, (9_850, 0, 150));
}

#[tokio::test]
async fn a_payment_that_is_not_for_just_this_is_refused_and_nothing_moves() {
    let house = House::new().await;
    let session = open(&house, &[("map", 2)]).await;
    let id = text(&session, "id").to_owned();
    let cart = text(&session["metadata"], "cart").to_owned();
    let other = text(&open(&house, &[("map", 1)]).await, "id").to_owned();
    let low = house.token(&id, 299, None).await;
    let elsewhere = house.token(&other, 300, None).await;
    let bound = house.token(&id, 300, Some(&cart)).await;
    let before = house.money().await;
    for token in [low.as_str(), &elsewhere, "vt_nothing", "4242424242424242"] {
        let error = complete(&house, &id, token).await.error(402, "payment_declined");
        assert!(!error.to_string().contains("4242"), "{error}");
    }
    let mut card = paying(&bound);
    card["payment_data"]["instrument"]["type"] = json!("card");
    house.acp(&format!("/checkout_sessions/{id}/complete"), card).await.error(400, "invalid");
    let mut handler = paying(&bound);
    handler["payment_data"]["handler_id"] = json!("stripe");
    house.acp(&format!("/checkout_sessions/{id}/complete"), handler).await.error(402, "payment_declined");
    // The cart is changed after the agent agreed to it: even a cheaper one is another.
    house.acp(&format!("/checkout_sessions/{id}"), json!({"line_items": [{"id": "map"}]})).await.expect(200);
    complete(&house, &id, &bound).await.error(402, "payment_declined");
    assert_eq!(house.money().await, before);
    // The session of another client is none.
    house
        .acp_as(OTHER_KEY, &fresh(), &format!("/checkout_sessions/{id}/complete"), paying(&bound))
        .await
        .error(404, "not_found");
    house.acp_get(OTHER_KEY, &format!("/checkout_sessions/{id}")).await.error(404, "not_found");
    // A token whose time is over.
    house.advance(3_001).await;
    complete(&house, &id, &low).await.error(402, "payment_declined");
    assert_eq!(house.money().await, (10_000, 0, 0));
}

#[tokio::test]
async fn a_token_of_another_seller_is_not_taken() {
    let (house, neighbour) = (House::new().await, House::new().await);
    let id = text(&open(&house, &[("map", 1)]).await, "id").to_owned();
    let token = neighbour.token(&id, 150, None).await;
    complete(&house, &id, &token).await.error(402, "payment_declined");
    assert_eq!((house.money().await.2, neighbour.money().await.2), (0, 0));
}

#[tokio::test]
async fn what_is_sold_at_one_door_is_sold_out_at_the_other() {
    let house = House::new().await;
    let id = text(&open(&house, &[("tea?size=small", 3)]).await, "id").to_owned();
    let wants = json!({"line_items": [{"item": {"id": "tea?size=small"}, "quantity": 1}]});
    let there = house.ucp(Method::POST, "/checkout-sessions", Some(wants.clone())).await.expect(201);
    assert_eq!(there["status"], "ready_for_complete");
    let token = house.token(&id, 5_700, None).await;
    complete(&house, &id, &token).await.expect(200);
    let path = format!("/checkout-sessions/{}", text(&there, "id"));
    let there = house.ucp(Method::GET, &path, None).await.expect(200);
    assert_eq!(
        (&there["status"], &there["messages"][0]["code"]),
        (&json!("incomplete"), &json!("out_of_stock"))
    );
    let token = house.token(text(&there, "id"), 2_100, None).await;
    let body = json!({"payment": {"instruments": [{"id": "i", "handler_id": "tollbridge",
        "type": "tollbridge_token", "credential": {"type": "token", "token": token}}]}});
    house.ucp(Method::POST, &format!("{path}/complete"), Some(body)).await.message(409, "out_of_stock");
    assert_eq!(house.money().await, (10_000 - 5_700 - 2_100, 2_100, 5_700));
}

#[tokio::test]
async fn a_request_happens_once_under_its_key() {
    let house = House::new().await;
    let (key, body) = (fresh(), wanted(&[("map", 1)]));
    let first = house.acp_as(KEY, &key, "/checkout_sessions", body.clone()).await;
    assert_eq!(
        (first.header("idempotency-key"), first.header("idempotent-replayed")),
        (Some(key.as_str()), None)
    );
    let session = first.expect(201);
    let again = house.acp_as(KEY, &key, "/checkout_sessions", body.clone()).await;
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(again.expect(201), session);
    let house = house.reopen().await;
    let later = house.acp_as(KEY, &key, "/checkout_sessions", body.clone()).await;
    assert_eq!(later.header("idempotent-replayed"), Some("true"), "also after a restart");
    assert_eq!(later.expect(201), session);
    house
        .acp_as(KEY, &key, "/checkout_sessions", wanted(&[("map", 2)]))
        .await
        .error(422, "idempotency_conflict");
    // Another client's key of the same letters is another key.
    let other = house.acp_as(OTHER_KEY, &key, "/checkout_sessions", body.clone()).await.expect(201);
    assert_ne!(other["id"], session["id"]);
    let headers = [("authorization", format!("Bearer {KEY}"))];
    let bare = request(Method::POST, "/checkout_sessions", &headers, Some(body));
    house.ask(bare).await.error(400, "idempotency_key_required");
    let long = house.acp_as(KEY, &"k".repeat(256), "/checkout_sessions", wanted(&[("map", 1)])).await;
    long.error(400, "idempotency_key_required");
}

#[tokio::test]
async fn strangers_other_versions_and_other_shapes_are_refused() {
    let house = House::new().await;
    house
        .acp_as("no such key", &fresh(), "/checkout_sessions", wanted(&[("map", 1)]))
        .await
        .error(401, "unauthorized");
    let headers = [("authorization", format!("Bearer {KEY}")), ("idempotency-key", fresh())];
    let mut old = request(Method::POST, "/checkout_sessions", &headers, Some(wanted(&[("map", 1)])));
    old.headers_mut().insert("api-version", "2025-09-29".parse().unwrap());
    let said = house.ask(old).await.error(400, "unsupported_api_version");
    assert_eq!(said["supported_versions"], json!(["2026-04-17"]));
    for (body, code) in [
        (wanted(&[]), "invalid"),
        (wanted(&[("nothing", 1)]), "invalid"),
        (wanted(&[("tea", 1)]), "invalid"),
        (wanted(&[("map", 0)]), "invalid"),
        (json!({"line_items": [{"id": "map"}], "currency": "usd", "capabilities": {}}), "unsupported"),
        (json!({"line_items": [{"id": "map"}], "currency": "CNY", "capabilities": {}}), "unsupported"),
        (json!({"items": [{"id": "map"}]}), "invalid"),
    ] {
        house.acp("/checkout_sessions", body).await.error(400, code);
    }
    house.acp_get(KEY, "/checkout_sessions/cs_nothing").await.error(404, "not_found");
    house.acp_get(KEY, "/checkout_sessions").await.error(405, "method_not_allowed");
    house.acp("/checkout_sessions/a/b", json!({})).await.error(404, "not_found");
    let elsewhere = request(Method::GET, "/somewhere", &[], None);
    assert!(house.doors.answer(elsewhere).await.is_none());
}

#[tokio::test]
async fn a_session_that_is_canceled_cannot_be_paid() {
    let house = House::new().await;
    let id = text(&open(&house, &[("map", 1)]).await, "id").to_owned();
    let token = house.token(&id, 150, None).await;
    let path = format!("/checkout_sessions/{id}");
    let why = json!({"intent_trace": {"reason_code": "comparison", "trace_summary": "cheaper elsewhere"}});
    let said = house.acp(&format!("{path}/cancel"), why).await.expect(200);
    assert_eq!(text(&said, "status"), "canceled");
    complete(&house, &id, &token).await.error(405, "conflict");
    house.acp(&format!("{path}/cancel"), json!({})).await.error(405, "conflict");
    assert_eq!(house.money().await, (9_850, 150, 0), "the agent's to let go, or its time's");
    assert_eq!(house.shop.stock_left().await.unwrap()["map"], 5);
}
