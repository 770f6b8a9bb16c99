//! The assertions A402-TEST-002 to 008 of ACT 2.1, by name, at a gateway before an unmodified service.

use crate::house::House;
use crate::tunnel::Cut;
use crate::upstream::Mood;
use futures_util::future::join_all;
use protocols::a402::headers::PAYMENT_NEEDED;
use protocols::a402::{ErrorId, Proof};
use std::sync::Arc;
use tokio::sync::Semaphore;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a402_test_002_without_a_proof_the_answer_is_402_and_a_bill() {
    let house = House::new().await;
    let bill = house.get("/search?q=tea").await;
    bill.code(402, "payment_required");
    assert_eq!(bill.header("cache-control").as_deref(), Some("no-store"));
    assert!(bill.body.contains("Nothing was spent. This costs 0.03 CNY. One search."), "{}", bill.body);
    let demand = bill.needed().demand;
    assert_eq!((demand.amount.as_str(), demand.currency.as_str()), ("0.03", "CNY"));
    assert_eq!(demand.resource_id.as_str(), "GET /search");
    let other = house.get("/search?q=tea").await.needed().demand;
    assert_ne!(demand.out_trade_no, other.out_trade_no, "every challenge has a number of its own");
    assert_eq!(house.upstream.calls(), 0);
    assert_eq!(house.money().await, (100, 0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a402_test_003_a_proof_is_a_claim_until_it_was_checked() {
    let house = House::new().await;
    let needed = house.get("/search").await.header(PAYMENT_NEEDED).unwrap();
    for proof in ["e30", "bm90aGluZw", "=", "%", "{}", "not+base64/url", needed.as_str()] {
        let no = house.get_with("/search", proof).await;
        no.code(402, "proof_refused");
        assert!(no.header(PAYMENT_NEEDED).is_some());
    }
    assert_eq!(house.upstream.calls(), 0);
    assert_eq!(house.money().await, (100, 0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a402_test_004_authenticity_expiry_replay_and_consistency_come_before_delivery() {
    let house = House::new().await;
    let good = house.proof("/search?q=tea").await;
    // Consistency: the proof says other than the credential.
    let mut tampered = Proof::decode(&good).unwrap();
    tampered.expires_at = protocols::a402::DateTime::parse("2099-01-01T00:00:00Z").unwrap();
    let tampered = tampered.encode().unwrap();
    let no = house.get_with("/search?q=tea", &tampered).await;
    assert_eq!(no.code(402, "proof_refused").words()[0], "INVALID");
    // Expiry, by the clock of the book.
    let late = house.proof("/search?q=milk").await;
    house.later(601).await;
    let no = house.get_with("/search?q=milk", &late).await;
    assert_eq!(no.code(402, "proof_refused").words()[0], "INVALID");
    assert_eq!(house.upstream.calls(), 0);
    // Replay: the same answer, and no second delivery.
    let proof = house.proof("/search?q=tea").await;
    let first = house.get_with("/search?q=tea", &proof).await;
    let again = house.get_with("/search?q=tea", &proof).await;
    assert_eq!((first.status, &first.body), (200, &again.body));
    assert_eq!(house.upstream.calls(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a402_test_005_payment_delivery_and_fulfilment_are_three_results() {
    let house = House::new().await;
    let proof = house.proof("/search").await;
    house.tunnel.cut(Cut::Before, "/v1/a402/confirm");
    let answer = house.get_with("/search", &proof).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.words(), ["VALID", "DELIVERED", "PENDING", "WAIT_BUYER_RECEIPT"]);
    assert_eq!(house.money().await, (97, 3, 0), "delivered, and not yet paid out");
    house.tunnel.heal();
    house.settled().await;
    assert_eq!(house.money().await, (97, 0, 3));
    let again = house.get_with("/search", &proof).await;
    assert_eq!(again.words(), ["VALID", "DELIVERED", "CONFIRMED", "TRADE_FINISHED"]);
    assert_eq!(again.body, answer.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a402_test_006_a_proof_stays_with_its_resource_and_order() {
    let house = House::new().await;
    let proof = house.proof("/search?q=tea").await;
    for path in ["/search?q=milk", "/search", "/cheap/1", "/strict"] {
        house.get_with(path, &proof).await.code(402, "proof_refused");
    }
    let mut other_order = Proof::decode(&proof).unwrap();
    other_order.out_trade_no = house.get("/search?q=tea").await.needed().demand.out_trade_no;
    let other_order = other_order.encode().unwrap();
    house.get_with("/search?q=tea", &other_order).await.code(402, "proof_refused");
    assert_eq!(house.upstream.calls(), 0);
    assert_eq!(house.get_with("/search?q=tea", &proof).await.status, 200, "nothing of that used it up");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a402_test_007_a_hundred_copies_of_a_proof_are_one_delivery_and_one_debit() {
    let mut house = House::new().await;
    let proof = house.proof("/search").await;
    // The first copy is not answered before all are there.
    let gate = Arc::new(Semaphore::new(0));
    house.upstream.be(Mood::Gated(Arc::clone(&gate)));
    let all_there = async {
        while house.shop().metrics().requests.get() < 101 || house.upstream.calls() == 0 {
            tokio::task::yield_now().await;
        }
        gate.add_permits(100);
    };
    let copies = join_all((0..100).map(|_| house.get_with("/search", &proof)));
    let (copies, ()) = futures_util::future::join(copies, all_there).await;
    for copy in &copies {
        assert_eq!((copy.status, copy.body.as_str()), (200, "{\"call\":1}"));
    }
    house.settled().await;
    assert_eq!(house.upstream.calls(), 1);
    assert_eq!(house.money().await, (97, 0, 3));
    house.kill_shop().await;
    house.open_shop().await;
    assert_eq!(house.get_with("/search", &proof).await.body, "{\"call\":1}");
    assert_eq!(house.upstream.calls(), 1);
    assert_eq!(house.money().await, (97, 0, 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a402_test_008_what_failed_is_named_and_nothing_after_it_is_claimed() {
    let house = House::new().await;
    // The proof cannot be checked: nobody says that it is false, and nobody asks for another payment.
    let proof = house.proof("/search?n=1").await;
    house.tunnel.cut(Cut::Before, "/v1/a402/verify");
    let unknown = house.get_with("/search?n=1", &proof).await;
    unknown.code(503, "unavailable");
    assert_eq!(unknown.header(PAYMENT_NEEDED), None);
    assert_eq!(unknown.words(), ["UNKNOWN", "NOT_STARTED", "NOT_CONFIRMED", "WAIT_BUYER_PAY"]);
    let error = unknown.validation().error().cloned().unwrap();
    assert_eq!(error.error_id().known(), Some(ErrorId::SystemUnavailable));
    house.tunnel.heal();
    // Delivery fails: the proof was good.
    house.upstream.be(Mood::Status(500));
    let failed = house.get_with("/search?n=1", &proof).await;
    failed.code(502, "upstream_failed");
    assert_eq!(failed.words(), ["VALID", "FAILED", "NOT_CONFIRMED", "WAIT_SELLER_FULFILLMENT"]);
    house.upstream.be(Mood::Well);
    // Delivered; that the payment service has not heard of it is a fact of its own.
    let proof = house.proof("/search?n=2").await;
    house.tunnel.cut(Cut::Before, "/v1/a402/confirm");
    let delivered = house.get_with("/search?n=2", &proof).await;
    assert_eq!(delivered.words(), ["VALID", "DELIVERED", "PENDING", "WAIT_BUYER_RECEIPT"]);
    house.tunnel.heal();
    house.settled().await;
    assert_eq!(house.money().await, (97, 0, 3), "one delivery, one debit");
}
