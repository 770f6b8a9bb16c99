//! Order events: each client is told once how its order stands, in its own dialect, and can see whose word it is.

use crate::house::{EVENT_SECRET, House, SHOP_SEED};
use axum::extract::State;
use bytes::Bytes;
use evidence::{Secret, SigningKey};
use http::{HeaderMap, Method, StatusCode, Uri};
use protocols::acp::signature::verify as verify_acp;
use protocols::ucp::profile::key_id;
use protocols::ucp::signature::{Headers, Signable, verify};
use sdk::Clock;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// What a listener was told, and by which headers.
struct Told {
    headers: HeaderMap,
    body: Bytes,
}

/// Listens, refuses the first event, and takes the others.
async fn listener() -> (String, mpsc::UnboundedReceiver<Told>) {
    let (told, events) = mpsc::unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let take = |State(told): State<mpsc::UnboundedSender<Told>>,
                _: Method,
                _: Uri,
                headers: HeaderMap,
                body: Bytes| async move {
        told.send(Told { headers, body }).unwrap();
        StatusCode::OK
    };
    let app = axum::Router::new().fallback(take).with_state(told);
    tokio::spawn(async move { axum::serve(listener, app).await });
    (format!("http://{address}/events"), events)
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_else(|| panic!("{member}: {value}"))
}

fn header<'a>(told: &'a Told, name: &str) -> &'a str {
    told.headers[name].to_str().unwrap()
}

fn now() -> u64 {
    Clock::system().now().0 / 1_000_000_000
}

async fn bought(house: &House) -> String {
    let body = json!({"line_items": [{"id": "map"}], "currency": "cny", "capabilities": {}});
    let session = house.acp("/checkout_sessions", body).await.expect(201);
    let id = text(&session, "id").to_owned();
    let token = house.token(&id, 150, None).await;
    let paying = json!({"payment_data": {"handler_id": "tollbridge", "instrument": {"type": "tollbridge_token",
        "credential": {"type": "token", "token": token}}}});
    let done = house.acp(&format!("/checkout_sessions/{id}/complete"), paying).await.expect(200);
    text(&done["order"], "id").to_owned()
}

#[tokio::test]
async fn a_client_of_acp_is_told_of_its_order_and_of_its_delivery() {
    let (url, mut events) = listener().await;
    let house = House::told_at(&url).await;
    let doors = house.doors.clone();
    tokio::spawn(async move { doors.run_always().await });
    let order = bought(&house).await;
    let told = events.recv().await.unwrap();
    let event: Value = serde_json::from_slice(&told.body).unwrap();
    assert_eq!((text(&event, "type"), text(&event["data"], "id")), ("order_create", order.as_str()));
    assert_eq!(text(&event["data"], "status"), "confirmed");
    let value = header(&told, "merchant-signature").to_owned();
    assert_eq!(verify_acp(&Secret::new(EVENT_SECRET), now(), &value, &told.body), Ok(()));
    assert!(verify_acp(&Secret::new([0; 32]), now(), &value, &told.body).is_err());

    house.shop.fulfil(order.parse().unwrap()).await.unwrap();
    let told = events.recv().await.unwrap();
    let event: Value = serde_json::from_slice(&told.body).unwrap();
    assert_eq!((text(&event, "type"), text(&event["data"], "status")), ("order_update", "fulfilled"));
    assert_eq!(house.money().await, (9_850, 0, 150));
}

#[tokio::test]
async fn an_order_that_is_canceled_gives_the_money_back_and_is_told() {
    let (url, mut events) = listener().await;
    let house = House::told_at(&url).await;
    let doors = house.doors.clone();
    tokio::spawn(async move { doors.run_always().await });
    let order = bought(&house).await;
    events.recv().await.unwrap();
    house.shop.cancel(order.parse().unwrap(), "out of paper").await.unwrap();
    let told = events.recv().await.unwrap();
    let event: Value = serde_json::from_slice(&told.body).unwrap();
    assert_eq!(text(&event["data"], "status"), "canceled");
    assert_eq!(house.money().await, (10_000, 0, 0));
    assert_eq!(house.shop.stock_left().await.unwrap()["map"], 5);
}

#[tokio::test]
async fn a_platform_of_ucp_is_told_by_the_shops_own_signature() {
    let (url, mut events) = listener().await;
    let house = House::told_at(&url).await;
    let doors = house.doors.clone();
    tokio::spawn(async move { doors.run_always().await });
    let body = json!({"line_items": [{"item": {"id": "map"}, "quantity": 1}]});
    let checkout = house.ucp(Method::POST, "/checkout-sessions", Some(body)).await.expect(201);
    let id = text(&checkout, "id");
    let token = house.token(id, 150, None).await;
    let paying = json!({"payment": {"instruments": [{"id": "i", "handler_id": "tollbridge",
        "type": "tollbridge_token", "credential": {"type": "token", "token": token}}]}});
    house.ucp(Method::POST, &format!("/checkout-sessions/{id}/complete"), Some(paying)).await.expect(200);
    let told = events.recv().await.unwrap();
    let order: Value = serde_json::from_slice(&told.body).unwrap();
    assert_eq!((text(&order, "checkout_id"), text(&order["line_items"][0], "status")), (id, "processing"));
    assert!(header(&told, "webhook-timestamp").parse::<u64>().unwrap().abs_diff(now()) < 60);
    assert!(header(&told, "webhook-id").starts_with("evt_"));
    let headers = Headers {
        signature_input: header(&told, "signature-input").to_owned(),
        signature: header(&told, "signature").to_owned(),
        content_digest: Some(header(&told, "content-digest").to_owned()),
    };
    let signable = Signable {
        method: "POST",
        authority: header(&told, "host"),
        path: "/events",
        query: None,
        agent: Some(header(&told, "ucp-agent")),
        idempotency_key: None,
        content_type: "application/json",
        body: &told.body,
    };
    let key = SigningKey::es256(&SHOP_SEED).unwrap();
    let find = |name: &str| (name == key_id(key.public())).then(|| key.public());
    assert_eq!(verify(&signable, &headers, now(), find), Ok(()));
}
