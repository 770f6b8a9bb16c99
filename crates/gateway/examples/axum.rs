//! A price in front of an axum app of your own: `cargo run -p gateway --example axum -- prices.toml 127.0.0.1:8411`

use axum::Router;
use axum::extract::Request;
use axum::routing::get;
use gateway::{Config, Gateway, Layer};

/// The app, as it was before, and one more line.
pub(crate) fn app(gateway: Gateway) -> Router {
    Router::new()
        .route("/search", get(async || "what was searched for\n"))
        .route("/about", get(async || "about this shop\n"))
        .fallback(async |request: Request| format!("{}\n", request.uri().path()))
        .layer(Layer::new(gateway))
}

#[tokio::main]
#[allow(dead_code)]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let config = arguments.next().expect("the first argument is a file with prices");
    let address = arguments.next().expect("the second argument is where to listen");
    let config = Config::read(config.as_ref()).expect("the prices can be read");
    let gateway = Gateway::open(config, sdk::Clock::system()).expect("the shop can be opened");
    let listener = tokio::net::TcpListener::bind(address).await.expect("the port is free");
    // Tells the payment service how deliveries ended.
    tokio::spawn(gateway.clone().run());
    axum::serve(listener, app(gateway)).await.expect("it serves until it ends");
}
