//! The market over real sockets: who is found, in which order, and who never is.

use crate::a402::demand_with;
use crate::house::{House, Party, cny, new_id};
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use http::Method;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;

/// A host where services are called: what it answers where nobody pays, and whom it names.
#[derive(Clone, Default)]
struct Host(Arc<Mutex<Says>>);

#[derive(Clone, Default)]
struct Says {
    needed: Option<String>,
    payees: Vec<String>,
    calls: usize,
}

impl Host {
    /// Serves on loopback; returns the address too.
    async fn start() -> (Host, String) {
        async fn say(State(host): State<Host>, uri: Uri) -> Response {
            let mut says = host.0.lock().unwrap();
            if uri.path() == "/.well-known/tollbridge.json" {
                return axum::Json(json!({"payees": says.payees, "more": 1})).into_response();
            }
            says.calls += 1;
            match &says.needed {
                Some(needed) => {
                    (StatusCode::PAYMENT_REQUIRED, [("payment-needed", needed.clone())]).into_response()
                }
                None => "for nothing".into_response(),
            }
        }
        let host = Host::default();
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/maps", socket.local_addr().unwrap());
        let router = axum::Router::new().fallback(say).with_state(host.clone());
        tokio::spawn(async move { axum::serve(socket, router).await });
        (host, url)
    }

    fn asks(&self, needed: Option<String>, payees: &[&str]) {
        let mut says = self.0.lock().unwrap();
        says.needed = needed;
        says.payees = payees.iter().map(|payee| (*payee).to_owned()).collect();
    }
}

fn service(house: &House, name: &str, url: &str) -> Value {
    json!({"id": new_id("svc"), "payee": house.seller.id, "name": name, "description": "Maps of bridges.",
        "category": "maps", "method": "GET", "url": url, "price": cny("300")})
}

async fn offer(house: &House, who: &Party, service: Value) -> Value {
    house.post(who, "/v1/services", service).await.expect(201)
}

/// The service, once somebody has looked at it and found this.
async fn looked(house: &House, service: &Value, state: &str) -> Value {
    let path = format!("/v1/services/{}", service["id"].as_str().unwrap());
    let mut found = json!(null);
    for _ in 0..200 {
        found = house.get(&house.agent, &path).await.expect(200);
        if found["state"] == state {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("not {state}: {found}");
}

async fn names(house: &House, query: &str) -> Vec<String> {
    let found = house.get(&house.agent, &format!("/v1/services?{query}")).await.expect(200);
    found["data"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap().to_owned()).collect()
}

async fn withdraw(house: &House, who: &Party, service: &Value) -> crate::house::Reply {
    let path = format!("/v1/services/{}/withdraw", service["id"].as_str().unwrap());
    house.change(who, Method::POST, &path, None).await
}

/// Looks at the newest again: what was offered anew is looked at, and so is what is due; these tests offer it anew.
async fn again(house: &House, service: &Value, name: &str, url: &str) -> Value {
    withdraw(house, &house.seller, service).await.expect(201);
    offer(house, &house.seller, self::service(house, name, url)).await
}

#[tokio::test]
async fn what_asks_for_its_price_is_found_and_nothing_else() {
    let house = House::new().await;
    let (host, url) = Host::start().await;
    let (right, _) = demand_with(&house, "3.00", "order-1", None);
    let (dearer, _) = demand_with(&house, "3.01", "order-2", None);
    let (metered, _) = demand_with(&house, "3.00", "order-3", Some(json!(true)));

    host.asks(Some(right.clone()), &[&house.seller.id]);
    let first = offer(&house, &house.seller, service(&house, "Bridge maps", &url)).await;
    assert_eq!((&first["state"], &first["domain_proved"]), (&json!("unchecked"), &json!(false)));
    let found = looked(&house, &first, "open").await;
    assert_eq!((&found["domain_proved"], &found["price"]), (&json!(true), &cny("300")));
    assert_eq!(names(&house, "query=BRIDGE+maps&category=maps").await, ["Bridge maps"]);
    assert_eq!(names(&house, "max_price=300&asset=CNY/2").await, ["Bridge maps"]);
    for nothing in ["query=tunnel", "category=food", "max_price=299&asset=CNY/2", "query=%25", "cursor=1"] {
        assert!(names(&house, nothing).await.is_empty(), "{nothing}");
    }

    let forged = {
        let mut letters = right.clone().into_bytes();
        let middle = letters.len() / 2;
        letters[middle] = if letters[middle] == b'A' { b'B' } else { b'A' };
        String::from_utf8(letters).unwrap()
    };
    let mut before = first;
    for (needed, state) in [
        (Some(dearer), "price_differs"),
        (Some(metered), "not_sold"),
        (Some(forged), "not_sold"),
        (None, "not_sold"),
    ] {
        host.asks(needed, &[]);
        before = again(&house, &before, "Bridge maps", &url).await;
        assert_eq!(looked(&house, &before, state).await["domain_proved"], false);
        assert!(names(&house, "").await.is_empty(), "{state}");
    }
    let nobody = again(&house, &before, "Bridge maps", "http://127.0.0.1:9/maps").await;
    looked(&house, &nobody, "unreachable").await;
    // Whoever is frozen sells nothing.
    let frozen = json!({"subject": house.seller.id});
    house.change(&house.operator, Method::POST, "/v1/freeze", Some(frozen)).await.expect(201);
    host.asks(Some(right), &[&house.seller.id]);
    let calls = host.0.lock().unwrap().calls;
    let frozen = offer(&house, &house.seller, service(&house, "Other maps", &url)).await;
    looked(&house, &frozen, "not_sold").await;
    assert_eq!(host.0.lock().unwrap().calls, calls);
}

#[tokio::test]
async fn a_service_is_its_sellers_and_is_offered_once() {
    let mut house = House::new().await;
    let (host, url) = Host::start().await;
    let (needed, _) = demand_with(&house, "3.00", "order-1", None);
    host.asks(Some(needed), &[]);
    let new = service(&house, "Bridge maps", &url);
    let first = offer(&house, &house.seller, new.clone()).await;
    assert_eq!(offer(&house, &house.seller, new.clone()).await["id"], first["id"]);
    let mut other = new.clone();
    other["price"] = cny("301");
    house.post(&house.seller, "/v1/services", other).await.problem(409, "id_reused");
    let (stranger, _) = house.stranger().await;
    house
        .post(&stranger, "/v1/services", service(&house, "Mine now", &url))
        .await
        .problem(404, "payee_unknown");
    withdraw(&house, &stranger, &first).await.problem(404, "service_unknown");
    house
        .post(&house.agent, "/v1/services", service(&house, "Mine now", &url))
        .await
        .problem(403, "audience_wrong");
    let list = format!("/v1/payees/{}/services", house.seller.id);
    house.get(&stranger, &list).await.problem(404, "payee_unknown");
    looked(&house, &first, "open").await;
    house.restart().await;
    assert_eq!(names(&house, "").await, ["Bridge maps"], "it stays across restarts");
    withdraw(&house, &house.seller, &first).await.expect(201);
    assert!(names(&house, "").await.is_empty());
    house.post(&house.seller, "/v1/services", new).await.problem(409, "id_reused");
    assert_eq!(house.get(&house.seller, &list).await.expect(200)["data"][0]["state"], "withdrawn");
    for number in 0..10 {
        offer(&house, &house.seller, service(&house, &format!("Bridge maps, part {number}"), &url)).await;
    }
    house
        .post(&house.seller, "/v1/services", service(&house, "One more", &url))
        .await
        .problem(409, "too_many");
}

#[tokio::test]
async fn what_cannot_be_a_service_says_why() {
    let house = House::new().await;
    let (_host, url) = Host::start().await;
    for (member, value, code, param) in [
        ("name", json!(""), "service_malformed", "name"),
        ("name", json!("Maps\u{202e}"), "service_malformed", "name"),
        ("name", json!("m".repeat(61)), "service_malformed", "name"),
        ("name", json!("…"), "service_malformed", "name"),
        ("description", json!("d".repeat(501)), "service_malformed", "description"),
        ("description", json!("two\nlines"), "service_malformed", "description"),
        ("url", json!("ftp://example.com/"), "service_malformed", "url"),
        ("price", cny("0"), "service_malformed", "price"),
        ("price", json!({"amount": "1", "asset": "CNY/3"}), "unit_mismatch", "price.asset"),
        ("input_schema", json!("[]"), "service_malformed", "input_schema"),
        ("output_schema", json!("{"), "service_malformed", "output_schema"),
        (
            "output_schema",
            json!(format!("{{\"a\": \"{}\"}}", "x".repeat(8_192))),
            "service_malformed",
            "output_schema",
        ),
    ] {
        let mut new = service(&house, "Bridge maps", &url);
        new[member] = value;
        let no = house.post(&house.seller, "/v1/services", new).await.json();
        assert_eq!((&no["code"], &no["param"]), (&json!(code), &json!(param)), "{member}: {no}");
    }
    for (query, param) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("max_price=1", "asset"),
        ("query=a+b+c+d+e+f+g+h+i", "query"),
    ] {
        let no = house.get(&house.agent, &format!("/v1/services?{query}")).await;
        assert_eq!(no.problem(400, "param_malformed")["param"], param, "{query}");
    }
    house.get(&house.agent, "/v1/services?cursor=x").await.problem(400, "cursor_invalid");
}

/// A second seller, of an owner of this book, that asks for the same price.
async fn second_seller(house: &House, owner: &Party) -> Party {
    let seller = Party::new("pye");
    let payee = json!({"id": seller.id, "owner": owner.id, "asset": "CNY/2", "category": "maps", "provenance": "registry",
        "key": seller.key_json()});
    house.post(&house.operator, "/v1/payees", payee).await.expect(201);
    seller
}

#[tokio::test]
async fn nobody_takes_a_name_that_looks_like_anothers() {
    let house = House::new().await;
    let (_host, url) = Host::start().await;
    offer(&house, &house.seller, service(&house, "Bridge maps", &url)).await;
    let other = second_seller(&house, &house.owner).await;
    for name in ["bridge-maps", "Bridge mаps", "Brldge maps", "Bridge map", "8ridge maps"] {
        let mut new = service(&house, name, &url);
        new["payee"] = json!(other.id);
        let no = house.post(&other, "/v1/services", new).await.problem(409, "service_name_alike");
        assert!(no["detail"].as_str().unwrap().contains("Bridge maps"), "{no}");
    }
    let mut new = service(&house, "Tunnel maps", &url);
    new["payee"] = json!(other.id);
    offer(&house, &other, new).await;
    // One's own may be alike.
    offer(&house, &house.seller, service(&house, "Bridge maps 2", &url)).await;
}

#[tokio::test]
async fn what_delivers_stands_before_what_nobody_knows_before_what_fails() {
    let house = House::new().await;
    let (host, url) = Host::start().await;
    let (needed, _) = demand_with(&house, "3.00", "order-1", None);
    host.asks(Some(needed), &[]);
    let new = offer(&house, &house.seller, service(&house, "Bridge maps", &url)).await;
    assert_eq!(
        looked(&house, &new, "open").await["record"],
        json!({"purchases": 0, "delivered": 0, "buyers": 0})
    );
    let mut paid = json!(null);
    for _ in 0..3 {
        paid = house.post(&house.agent, "/v1/payments", house.payment("100")).await.expect(201);
    }
    let refund = json!({"id": new_id("ref"), "payment": paid["id"], "amount": cny("100")});
    house.post(&house.seller, "/v1/refunds", refund).await.expect(201);
    let new = again(&house, &new, "Bridge maps", &url).await;
    assert_eq!(
        looked(&house, &new, "open").await["record"],
        json!({"purchases": 3, "delivered": 2, "buyers": 1})
    );
}
