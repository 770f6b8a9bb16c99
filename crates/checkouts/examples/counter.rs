//! A server, and a shop with both doors open, to try clients of ACP and UCP on: play money, on loopback, until it is ended.
//! It prints where it is and the key of its client. The lane `checkouts` asks it whatever ACP's own description allows.

#![allow(clippy::unwrap_used, dead_code)]

#[path = "../tests/counter/house.rs"]
mod house;

use house::{House, KEY};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() {
    let house = House::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    println!("http://{}", listener.local_addr().expect("it is bound"));
    println!("{KEY}");
    checkouts::serve(listener, house.shop.clone(), house.doors.clone(), std::future::pending()).await;
}
