//! Every route and every form of credential either costs, or is refused, or was meant to be free (R-B8).

use crate::house::{House, Options};
use protocols::a402::headers::{PAYMENT_NEEDED, PAYMENT_PROOF, PAYMENT_VALIDATION};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_route_and_no_credential_gets_round_the_price() {
    for (default, unlisted) in [("default = \"refuse\"", 404), ("default = \"free\"", 200)] {
        let options = Options { top: default.to_owned(), ..Options::default() };
        let house = House::with(options).await;
        let stale = house.proof("/search?stale").await;
        for (method, path, expected) in [
            ("GET", "/search", 402),
            ("GET", "/search/", 402),
            ("GET", "/SEARCH", 402),
            ("GET", "/%73earch", 402),
            ("GET", "/search?x=/about", 402),
            ("GET", "/cheap/1", 402),
            ("GET", "/cheap/%31", 402),
            ("HEAD", "/search", 402),
            ("POST", "/search", 405),
            ("PUT", "/search", 405),
            ("OPTIONS", "/search", 405),
            ("PURGE", "/search", 405),
            ("GET", "/search;x", 400),
            ("GET", "/search%2f", 400),
            ("GET", "/cheap/a%2fb", 400),
            ("GET", "/about%2f..%2fsearch", 400),
            ("GET", "//search", 400),
            ("GET", "/cheap/1/2", unlisted),
            ("GET", "/searches", unlisted),
            ("GET", "/about", 200),
        ] {
            for credential in [
                None,
                Some((PAYMENT_PROOF, "e30")),
                Some((PAYMENT_PROOF, stale.as_str())),
                Some(("payment-signature", "x")),
                Some(("x-payment", "x")),
                Some(("authorization", "Payment x")),
                Some(("authorization", "Bearer x")),
                Some(("x-http-method-override", "GET")),
                Some(("x-original-url", "/about")),
            ] {
                let calls = house.upstream.calls();
                let headers: Vec<(&str, &str)> = credential.into_iter().collect();
                let answer = house.send(method, path, &headers, "").await;
                // A proof beside nothing else can be refused as a payment, or not be looked at.
                assert_eq!(answer.status, expected, "{default} {method} {path} {credential:?}");
                let passed = usize::from(expected == 200);
                assert_eq!(house.upstream.calls() - calls, passed, "{method} {path} {credential:?}");
                if passed == 1 {
                    let sent = house.upstream.last().to_lowercase();
                    for name in
                        ["payment-", "x-payment", "authorization: payment", "x-http-method", "x-original"]
                    {
                        assert!(!sent.contains(name), "{sent}");
                    }
                    assert_eq!(
                        answer.header(PAYMENT_VALIDATION),
                        None,
                        "the upstream says nothing in our name"
                    );
                    assert_eq!(answer.header("x-hop"), None);
                }
            }
        }
        assert_eq!(house.money().await, (97, 3, 0), "only what was held at the beginning");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_would_be_refused_is_refused_before_it_is_billed() {
    let house = House::new().await;
    let json = ("content-type", "application/json");
    house.send("POST", "/render", &[], "").await.code(415, "content_type_refused");
    house
        .send("POST", "/render", &[("content-type", "text/plain")], "a")
        .await
        .code(415, "content_type_refused");
    house.send("POST", "/render", &[json], &"x".repeat(101)).await.code(413, "body_too_large");
    house.send("GET", "/search", &[], &"x".repeat(2_000_000)).await.code(413, "body_too_large");
    house
        .send("POST", "/render", &[json, ("idempotency-key", "a"), ("idempotency-key", "b")], "{}")
        .await
        .code(400, "payment_headers_invalid");
    let bill = house.send("POST", "/render", &[json, ("idempotency-key", "mine")], "{}").await;
    assert_eq!(bill.needed().demand.idempotency_key.unwrap().as_str(), "mine");
    let bill = house.send("POST", "/render", &[json], &"x".repeat(100)).await;
    let demand = bill.needed().demand;
    assert_eq!(
        demand.idempotency_key,
        Some(demand.out_trade_no),
        "the seller gives a key where the buyer has none"
    );
    assert_eq!(house.upstream.calls(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn head_shows_the_price_and_never_settles() {
    let house = House::new().await;
    let shown = house.send("HEAD", "/search", &[], "").await;
    assert_eq!((shown.status, shown.body.as_str()), (402, ""));
    let proof = house.pay(&shown).await.payment_proof;
    let again = house.send("HEAD", "/search", &[(PAYMENT_PROOF, &proof)], "").await;
    assert_eq!((again.status, house.upstream.calls()), (402, 0));
    assert_eq!(house.get_with("/search", &proof).await.status, 200, "the bill shown was that of the GET");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_to_the_upstream_is_the_request_without_the_payment() {
    let house = House::new().await;
    let proof = house.proof("/search?q=%20tea").await;
    let headers = [
        (PAYMENT_PROOF, proof.as_str()),
        ("connection", "x-secret"),
        ("x-secret", "1"),
        ("x-kept", "yes"),
        ("range", "bytes=0-1"),
        ("if-none-match", "*"),
        ("authorization", "Bearer mine"),
    ];
    let answer = house.send("GET", "/search?q=%20tea", &headers, "").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control").as_deref(), Some("no-store"));
    assert_eq!(answer.header("x-hop"), None);
    let sent = house.upstream.last().to_lowercase();
    assert!(sent.starts_with("get /search?q=%20tea http/1.1\r\n"), "{sent}");
    for kept in ["x-kept: yes", "authorization: bearer mine", "idempotency-key: "] {
        assert!(sent.contains(kept), "{sent}");
    }
    for gone in ["payment", "x-secret", "range", "if-none-match"] {
        assert!(!sent.contains(gone), "{sent}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn older_header_names_count_only_where_they_are_switched_on() {
    let house = House::new().await;
    let proof = house.proof("/search").await;
    let older = [("payment-signature", proof.as_str())];
    house.send("GET", "/search", &older, "").await.code(402, "proof_refused");
    let options = Options { seller: "header_aliases = true\n".to_owned(), ..Options::default() };
    let house = House::with(options).await;
    let bill = house.get("/search").await;
    assert_eq!(bill.header("payment-required"), bill.header(PAYMENT_NEEDED));
    let proof = house.pay(&bill).await.payment_proof;
    let answer = house.send("GET", "/search", &[("payment-signature", proof.as_str())], "").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("payment-response"), answer.header(PAYMENT_VALIDATION));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_gateway_answers_for_itself_under_its_own_prefix() {
    let house = House::new().await;
    assert_eq!(house.get("/.tollbridge/healthz").await.body, "ok\n");
    let proof = house.get("/.well-known/tollbridge.json").await;
    assert_eq!(proof.body, serde_json::json!({"payees": [house.payee.to_string()]}).to_string());
    house.get("/search").await;
    let metrics = house.get("/.tollbridge/metrics").await.body;
    assert!(metrics.contains("tollbridge_gateway_bills_total 1\n"), "{metrics}");
    house.get("/.tollbridge/other").await.code(404, "not_sold");
    assert_eq!(house.upstream.calls(), 0);
}
