//! What was not delivered is not charged (R-C2, R-C4).

use crate::house::{House, Options};
use crate::upstream::Mood;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upstream_that_fails_costs_nothing() {
    let options = Options {
        upstream: "timeout_seconds = 1\nanswer_body_bytes_max = 1000\n".to_owned(),
        ..Options::default()
    };
    let house = House::with(options).await;
    for mood in
        [Mood::Status(500), Mood::Status(503), Mood::Silent, Mood::HangUp, Mood::Truncated, Mood::Long(1_001)]
    {
        house.upstream.be(mood.clone());
        let proof = house.proof("/kept").await;
        assert_eq!(house.money().await, (97, 3, 0));
        let failed = house.get_with("/kept", &proof).await;
        failed.code(502, "upstream_failed");
        assert!(failed.body.contains("You were not charged."), "{}", failed.body);
        assert_eq!(failed.words()[..2], ["VALID", "FAILED"]);
        assert_eq!(house.money().await, (100, 0, 0), "{mood:?}");
        // The upstream is well again; the money is back, so the old proof buys nothing.
        house.upstream.be(Mood::Well);
        let calls = house.upstream.calls();
        let no = house.get_with("/kept", &proof).await;
        assert_eq!(
            no.code(402, "proof_refused").words(),
            ["INVALID", "NOT_STARTED", "NOT_CONFIRMED", "TRADE_CLOSED"]
        );
        assert_eq!(house.upstream.calls(), calls);
    }
    house.upstream.be(Mood::Long(1_000));
    let proof = house.proof("/search").await;
    assert_eq!(house.get_with("/search", &proof).await.body.len(), 1_000);
    house.settled().await;
    assert_eq!(house.money().await, (97, 0, 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upstream_that_is_not_there_costs_nothing() {
    let options = Options {
        // Discard service: nobody listens.
        upstream: String::new(),
        ..Options::default()
    };
    let mut house = House::with(options).await;
    house.kill_shop().await;
    let text = house.config().replace(&house.upstream.url, "http://127.0.0.1:9");
    let config = gateway::Config::parse(&text, &house.directory).unwrap();
    let shop = gateway::Gateway::open(config, sdk::Clock::system()).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    assert!(text.contains(&house.url));
    house.gateway = Some(shop.clone());
    let serving = tokio::spawn(async move { gateway::serve(listener, shop, std::future::pending()).await });
    // Bills name the public address, so the request is made as if to it.
    let bill = house.http.get(format!("{address}/search")).send().await.unwrap();
    let needed = bill.headers()["payment-needed"].to_str().unwrap().to_owned();
    let reply = crate::house::Reply { status: 402, headers: bill.headers().clone(), body: String::new() };
    assert!(!needed.is_empty());
    let proof = house.pay(&reply).await.payment_proof;
    let request = house.http.get(format!("{address}/search")).header("payment-proof", proof);
    assert_eq!(request.send().await.unwrap().status(), 502);
    assert_eq!(house.money().await, (100, 0, 0));
    serving.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_asked_wrongly_is_answered_as_it_is_and_costs_nothing_unless_the_price_says_so() {
    let house = House::new().await;
    for status in [404, 422, 302] {
        house.upstream.be(Mood::Status(status));
        let proof = house.proof("/search").await;
        let answer = house.get_with("/search", &proof).await;
        assert_eq!((answer.status, answer.body.as_str()), (status, &*format!("status {status}")));
        assert_eq!(answer.words()[..2], ["VALID", "FAILED"]);
        assert_eq!(house.money().await, (100, 0, 0));
    }
    house.upstream.be(Mood::Status(404));
    let proof = house.proof("/strict").await;
    let answer = house.get_with("/strict", &proof).await;
    assert_eq!((answer.status, answer.words()[1]), (404, "DELIVERED"));
    house.settled().await;
    assert_eq!(house.money().await, (99, 0, 1));
}
