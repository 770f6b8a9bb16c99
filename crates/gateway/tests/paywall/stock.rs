//! The buyer of the SDK at a stock x402 seller, who signs nothing and has the payment service settle: paid once all the same.

use crate::house::{House, fen, id};
use crate::tunnel::Cut;
use crate::x402::encode;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use protocols::x402::{PAYMENT_REQUIRED, PAYMENT_SIGNATURE};
use sdk::{Fetch, NotBought, PaymentOutcome};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

/// A seller with the payment service as its facilitator.
#[derive(Debug)]
struct Stock {
    url: String,
    facilitator: String,
    /// What it asks for.
    accepts: Mutex<Value>,
    sold: Mutex<u32>,
    /// Whether it takes the money and says nothing.
    hangs_up: Mutex<bool>,
    http: reqwest::Client,
}

impl Stock {
    async fn open(house: &House) -> Arc<Stock> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let accepts = json!({
            "scheme": "exact", "network": "toll:test", "amount": "3", "asset": "CNY",
            "payTo": house.payee.to_string(), "maxTimeoutSeconds": 60,
            "extra": { "decimals": 2, "authority": house.tunnel.url },
        });
        let stock = Arc::new(Stock {
            url: format!("http://{}", listener.local_addr().unwrap()),
            facilitator: format!("{}/v1/x402", house.tunnel.url),
            accepts: Mutex::new(accepts),
            sold: Mutex::default(),
            hangs_up: Mutex::default(),
            http: reqwest::Client::new(),
        });
        let app = axum::Router::new().fallback(answer).with_state(Arc::clone(&stock));
        tokio::spawn(async move { axum::serve(listener, app).await });
        stock
    }

    fn ask_for(&self, member: &str, value: Value) {
        *self.accepts.lock().unwrap().pointer_mut(member).expect("a member") = value;
    }

    fn sold(&self) -> u32 {
        *self.sold.lock().unwrap()
    }

    async fn facilitator(&self, path: &str, payload: &Value) -> Value {
        let body =
            json!({ "paymentPayload": payload, "paymentRequirements": self.accepts.lock().unwrap().clone() });
        let request = self.http.post(format!("{}{path}", self.facilitator)).body(body.to_string());
        let answer = request.header("content-type", "application/json").send().await.unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }
}

async fn answer(State(stock): State<Arc<Stock>>, headers: HeaderMap) -> Response {
    let ask = || {
        let required = json!({
            "x402Version": 2, "resource": { "url": "http://behind.a.proxy/tea" },
            "accepts": [stock.accepts.lock().unwrap().clone()],
        });
        (StatusCode::PAYMENT_REQUIRED, [(PAYMENT_REQUIRED, encode(&required))]).into_response()
    };
    let Some(signature) = headers.get(PAYMENT_SIGNATURE) else { return ask() };
    use base64::Engine;
    let text = base64::engine::general_purpose::STANDARD.decode(signature.as_bytes()).unwrap();
    let payload: Value = serde_json::from_slice(&text).unwrap();
    if stock.facilitator("/verify", &payload).await["isValid"] != true {
        return ask();
    }
    if stock.facilitator("/settle", &payload).await["success"] != true {
        return ask();
    }
    *stock.sold.lock().unwrap() += 1;
    if std::mem::take(&mut *stock.hangs_up.lock().unwrap()) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    "tea".into_response()
}

fn fetch(house: &House, stock: &Stock, purchase: &str) -> Fetch {
    Fetch { url: format!("{}/tea", stock.url), ..house.fetch("", purchase) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stock_seller_is_paid_once_for_each_purchase() {
    let house = House::new().await;
    let stock = Stock::open(&house).await;
    let bought = house.buyer().fetch(&fetch(&house, &stock, "one")).await.unwrap();
    assert!(matches!(bought.payment, PaymentOutcome::Paid(_)), "{:?}", bought.payment);
    assert_eq!(bought.answer.unwrap().body, b"tea");
    assert_eq!(house.money().await, (97, 0, 3));
    // Such a seller delivers once only; what was bought stays bought.
    let again = house.buyer().fetch(&fetch(&house, &stock, "one")).await.unwrap();
    assert!(matches!(again.payment, PaymentOutcome::Paid(_)), "{:?}", again.payment);
    assert_eq!((again.answer.unwrap().status, stock.sold()), (402, 1));
    house.buyer().fetch(&fetch(&house, &stock, "two")).await.unwrap();
    assert_eq!((stock.sold(), house.money().await), (2, (94, 0, 6)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_gets_lost_at_a_stock_seller_nothing_is_paid_twice() {
    let house = House::new().await;
    let stock = Stock::open(&house).await;
    let order = fetch(&house, &stock, "one");
    for cut in [Cut::Before, Cut::After] {
        house.tunnel.cut(cut, "/v1/x402/pay");
        let unknown = house.buyer().fetch(&order).await.unwrap();
        assert!(matches!(unknown.payment, PaymentOutcome::Unknown(..)), "{cut:?}: {unknown:?}");
    }
    assert_eq!(house.money().await, (97, 3, 0));
    house.tunnel.heal();
    // The seller takes the money, and its answer gets lost.
    *stock.hangs_up.lock().unwrap() = true;
    let bought = house.buyer().fetch(&order).await.unwrap();
    assert!(matches!(bought.payment, PaymentOutcome::Paid(_)), "{:?}", bought.payment);
    assert_eq!((stock.sold(), house.money().await), (1, (97, 0, 3)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_stock_seller_asks_in_vain_costs_nothing() {
    let house = House::new().await;
    let stranger = wire::PayeeId(id()).to_string();
    for (member, value, why) in [
        ("/amount", json!("6"), "dear"),
        ("/payTo", json!(stranger), "stranger"),
        ("/network", json!("eip155:8453"), "network"),
        ("/extra/authority", json!("https://elsewhere.example"), "authority"),
        ("/extra/decimals", json!("two"), "decimals"),
        ("/asset", json!("USD"), "asset"),
    ] {
        let stock = Stock::open(&house).await;
        stock.ask_for(member, value);
        let no = house.buyer().fetch(&fetch(&house, &stock, why)).await;
        let expected = match why {
            "dear" | "asset" => matches!(no, Err(NotBought::TooDear { .. })),
            "stranger" => matches!(no, Err(NotBought::PayeeUnknown(_))),
            _ => matches!(no, Err(NotBought::Demand(_))),
        };
        assert!(expected, "{why}: {no:?}");
    }
    assert_eq!(house.money().await, (100, 0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offer_of_a_stock_seller_is_paid_as_it_was_quoted() {
    let house = House::new().await;
    let stock = Stock::open(&house).await;
    let order = fetch(&house, &stock, "one");
    let offer = house.buyer().offer(&order).await.unwrap().expect("it costs something");
    assert_eq!((offer.price, offer.payee), (fen(3), house.payee));
    // By now it asks for more; what is paid is what was offered, and the seller does not deliver for it.
    stock.ask_for("/amount", json!("4"));
    let kept = house.buyer().fetch_offered(&order, &offer).await.unwrap();
    assert!(matches!(kept.payment, PaymentOutcome::Held(_)), "{:?}", kept.payment);
    assert_eq!((stock.sold(), house.money().await), (0, (97, 3, 0)));
    stock.ask_for("/amount", json!("3"));
    let bought = house.buyer().fetch_offered(&order, &offer).await.unwrap();
    assert!(matches!(bought.payment, PaymentOutcome::Paid(_)), "{:?}", bought.payment);
    assert_eq!((stock.sold(), house.money().await), (1, (97, 0, 3)));
}
