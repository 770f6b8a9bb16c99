//! A server, and a shop with both doors open, to try clients of ACP and UCP on: play money, on loopback, until it is ended.
//! It prints where it is, the key of its client, and what there is to ask for: items, and sessions with a token each. The lane
//! `checkouts` asks it whatever ACP's own description allows.

#![allow(clippy::unwrap_used, dead_code)]

#[path = "../tests/counter/house.rs"]
mod house;

use house::{House, KEY};
use serde_json::json;
use tokio::net::TcpListener;

/// Sessions that can be paid: each sets 1.50 CNY aside.
const PAYABLE_COUNT: usize = 24;

#[tokio::main]
async fn main() {
    let house = House::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    println!("http://{}", listener.local_addr().expect("it is bound"));
    println!("{KEY}");
    let mut payable = Vec::with_capacity(PAYABLE_COUNT);
    for _ in 0..PAYABLE_COUNT {
        let wanted = json!({"line_items": [{"id": "map"}], "currency": "cny", "capabilities": {}});
        let session = house.acp("/checkout_sessions", wanted).await.expect(201);
        let id = session["id"].as_str().expect("it has a name");
        payable.push(json!([id, house.token(id, 150, None).await]));
    }
    let items = ["map", "tea?size=small", "tea?size=large", "tea"];
    println!("{}", json!({ "items": items, "payable": payable }));
    checkouts::serve(listener, house.shop.clone(), house.doors.clone(), std::future::pending()).await;
}
