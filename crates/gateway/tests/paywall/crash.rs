//! A gateway that dies at the worst moment delivers and collects once all the same.

use crate::house::House;
use crate::tunnel::Cut;
use protocols::a402::Proof;
use protocols::a402::headers::PAYMENT_PROOF;
use wire::RequestId;
use wire::a402::{A402Facts, NewA402Verification};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn died_between_keeping_and_confirming() {
    let mut house = House::new().await;
    let proof = house.proof("/search").await;
    for cut in [Cut::Before, Cut::After] {
        house.tunnel.cut(cut, "/v1/a402/confirm");
        let answer = house.get_with("/search", &proof).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "{\"call\":1}"));
        house.kill_shop().await;
        house.tunnel.heal();
        house.open_shop().await;
        let again = house.get_with("/search", &proof).await;
        assert_eq!(
            (again.status, &again.body, again.header("x-upstream")),
            (200, &answer.body, Some("yes".into()))
        );
        house.settled().await;
        assert_eq!(house.money().await, (97, 0, 3));
        assert_eq!(house.upstream.calls(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn died_between_redeeming_and_keeping() {
    let house = House::new().await;
    let proof = house.proof("/search").await;
    // What a gateway does first, and then no more.
    let claims = Proof::decode(&proof).unwrap();
    let redeemed = NewA402Verification {
        payment_proof: proof.clone(),
        facts: A402Facts {
            request_method: claims.request_method.as_str().to_owned(),
            request_fingerprint: claims.request_fingerprint.as_str().to_owned(),
            resource_id: claims.resource_id.as_str().to_owned(),
            out_trade_no: claims.out_trade_no.as_str().to_owned(),
            idempotency_key: None,
        },
    };
    let first = house.seller.a402_verify(RequestId(house.seller.fresh_id()), &redeemed).await.unwrap();
    let answer = house.get_with("/search", &proof).await;
    assert_eq!(answer.status, 200);
    let sent = house.upstream.last();
    assert!(sent.contains(&format!("idempotency-key: {}\r\n", first.delivery_key)), "{sent}");
    assert_eq!(house.get_with("/search", &proof).await.body, answer.body);
    house.settled().await;
    assert_eq!((house.upstream.calls(), house.money().await), (1, (97, 0, 3)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_its_deliveries_and_delivers_nothing_a_second_time() {
    let mut house = House::new().await;
    let proof = house.proof("/search").await;
    assert_eq!(house.get_with("/search", &proof).await.status, 200);
    house.settled().await;
    house.kill_shop().await;
    for name in ["deliveries.sqlite", "deliveries.sqlite-wal"] {
        let _absent = std::fs::remove_file(house.directory.join("gateway").join(name));
    }
    house.open_shop().await;
    house.get_with("/search", &proof).await.code(402, "proof_refused");
    assert_eq!((house.upstream.calls(), house.money().await), (1, (97, 0, 3)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_buyer_who_hangs_up_gets_the_same_answer_later() {
    let house = House::new().await;
    let proof = house.proof("/search").await;
    let request = house.http.get(format!("{}/search", house.url)).header(PAYMENT_PROOF, &proof);
    drop(tokio::time::timeout(std::time::Duration::from_micros(200), request.send()).await);
    assert_eq!(house.get_with("/search", &proof).await.body, "{\"call\":1}");
    house.settled().await;
    assert_eq!((house.upstream.calls(), house.money().await), (1, (97, 0, 3)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_gateways_do_not_share_their_deliveries() {
    let house = House::new().await;
    let config = gateway::Config::parse(&house.config(), &house.directory).unwrap();
    let second = gateway::Gateway::open(config, sdk::Clock::system());
    assert!(matches!(second, Err(gateway::StartFault::Store(_))), "{second:?}");
}

// Whatever the moment: one charge and one delivery, or everything back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn died_in_the_middle_of_a_stream() {
    use crate::upstream::Mood;
    for pieces_before in 0..=3 {
        let mut house = House::new().await;
        house.open_mortal_shop().await;
        let gate = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
        let pieces = ["one", "two", "three"].map(str::to_owned).to_vec();
        house.upstream.be(Mood::Pieces {
            kind: "text/event-stream",
            pieces,
            gate: std::sync::Arc::clone(&gate),
            ends: true,
        });
        let proof = house.proof("/search").await;
        let request = house.http.get(format!("{}/search", house.url)).header(PAYMENT_PROOF, &proof);
        let mut stream = request.send().await.unwrap();
        for _ in 0..pieces_before {
            gate.add_permits(1);
            stream.chunk().await.unwrap().unwrap();
        }
        house.strike_dead();
        assert!(stream.chunk().await.is_err(), "the buyer sees that it broke off");
        house.upstream.be(Mood::Well);
        house.open_shop().await;
        house.settled().await;
        assert_eq!(house.money().await, (100, 0, 0), "after {pieces_before} pieces");
        house.get_with("/search", &proof).await.code(402, "proof_refused");
        assert_eq!(house.upstream.calls(), 1, "and nothing is delivered a second time");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn died_after_the_end_of_a_stream() {
    use crate::upstream::Mood;
    let mut house = House::new().await;
    house.open_mortal_shop().await;
    let gate = std::sync::Arc::new(tokio::sync::Semaphore::new(9));
    let pieces = vec!["one".to_owned(), "two".to_owned()];
    house.upstream.be(Mood::Pieces { kind: "text/event-stream", pieces, gate, ends: true });
    house.tunnel.cut(Cut::Before, "/v1/a402/confirm");
    let proof = house.proof("/search").await;
    let answer = house.get_with("/search", &proof).await;
    assert_eq!(answer.body, "onetwo", "who has seen the proper end was delivered to");
    house.strike_dead();
    house.tunnel.heal();
    house.open_shop().await;
    house.settled().await;
    assert_eq!(house.money().await, (97, 0, 3));
    assert_eq!(house.get_with("/search", &proof).await.body, "onetwo");
    assert_eq!(house.upstream.calls(), 1);
}
