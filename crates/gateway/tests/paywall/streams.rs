//! Answers that are passed on as they come: delivered when the upstream has ended them, and void otherwise.

use crate::house::House;
use crate::upstream::Mood;
use protocols::a402::headers::{PAYMENT_PROOF, PAYMENT_VALIDATION};
use std::sync::Arc;
use tokio::sync::Semaphore;

const EVENTS: &str = "text/event-stream";

fn pieces(kind: &'static str, ends: bool) -> (Mood, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let pieces = ["data: one\n\n", "data: two\n\n", "data: three\n\n"].map(str::to_owned).to_vec();
    (Mood::Pieces { kind, pieces, gate: Arc::clone(&gate), ends }, gate)
}

async fn open(house: &House, path: &str, proof: &str) -> reqwest::Response {
    let request = house.http.get(format!("{}{path}", house.url)).header(PAYMENT_PROOF, proof);
    request.send().await.unwrap()
}

/// Waits until the gateway has ended so many deliveries, well or badly.
async fn ended(house: &House, delivered: u64, failed: u64) {
    let metrics = house.shop().metrics();
    while metrics.delivered.get() < delivered || metrics.failed.get() < failed {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_is_passed_on_as_it_comes_and_charged_when_it_has_ended() {
    // Events by themselves, anything where the price says so.
    for (path, kind) in
        [("/search", EVENTS), ("/search", "Text/Event-Stream; charset=utf-8"), ("/flow", "text/plain")]
    {
        let house = House::new().await;
        let (mood, gate) = pieces(kind, true);
        house.upstream.be(mood);
        let proof = house.proof(path).await;
        let answer = open(&house, path, &proof).await;
        assert_eq!(answer.status(), 200);
        let said = answer.headers()[PAYMENT_VALIDATION].to_str().unwrap().to_owned();
        let said = protocols::a402::Validation::decode(&said).unwrap();
        assert_eq!(
            (said.validation_status().as_str(), said.delivery_status().as_str()),
            ("VALID", "STARTED")
        );
        let mut stream = answer;
        for expected in ["data: one\n\n", "data: two\n\n", "data: three\n\n"] {
            gate.add_permits(1);
            assert_eq!(&stream.chunk().await.unwrap().unwrap()[..], expected.as_bytes());
            assert_eq!(house.money().await, (97, 3, 0), "nothing is charged before the end");
        }
        gate.add_permits(1);
        assert!(stream.chunk().await.unwrap().is_none());
        house.settled().await;
        assert_eq!(house.money().await, (97, 0, 3));
        let again = house.get_with(path, &proof).await;
        assert_eq!((again.status, again.body.as_str()), (200, "data: one\n\ndata: two\n\ndata: three\n\n"));
        assert_eq!(house.upstream.calls(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_cut_at_any_piece_costs_nothing_and_looks_cut() {
    for cut_after in 0..=3 {
        let house = House::new().await;
        let (mood, gate) = pieces(EVENTS, false);
        let Mood::Pieces { kind, pieces, gate: inner, ends } = mood else { unreachable!() };
        let pieces: Vec<String> = pieces.into_iter().take(cut_after).collect();
        house.upstream.be(Mood::Pieces { kind, pieces, gate: inner, ends });
        let proof = house.proof("/search").await;
        let answer = open(&house, "/search", &proof).await;
        gate.add_permits(10);
        assert!(answer.bytes().await.is_err(), "cut after {cut_after}: the buyer sees no proper end");
        ended(&house, 0, 1).await;
        house.settled().await;
        assert_eq!(house.money().await, (100, 0, 0), "cut after {cut_after}");
        house.get_with("/search", &proof).await.code(402, "proof_refused");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_buyer_who_hangs_up_has_not_undone_the_delivery() {
    let house = House::new().await;
    let (mood, gate) = pieces(EVENTS, true);
    house.upstream.be(mood);
    let proof = house.proof("/search").await;
    let mut stream = open(&house, "/search", &proof).await;
    gate.add_permits(1);
    stream.chunk().await.unwrap().unwrap();
    drop(stream);
    gate.add_permits(3);
    ended(&house, 1, 0).await;
    house.settled().await;
    assert_eq!(house.money().await, (97, 0, 3));
    let again = house.get_with("/search", &proof).await;
    assert_eq!(again.body, "data: one\n\ndata: two\n\ndata: three\n\n", "the same proof brings all of it");
    assert_eq!(house.upstream.calls(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_of_a_proof_during_a_stream_wait_for_its_end() {
    let house = House::new().await;
    let (mood, gate) = pieces(EVENTS, true);
    house.upstream.be(mood);
    let proof = house.proof("/search").await;
    let first = open(&house, "/search", &proof).await;
    let copies = futures_util::future::join_all((0..10).map(|_| house.get_with("/search", &proof)));
    let (first, copies) = futures_util::future::join(
        async {
            gate.add_permits(4);
            first.text().await.unwrap()
        },
        copies,
    )
    .await;
    assert!(copies.iter().all(|copy| (copy.status, &copy.body) == (200, &first)), "{copies:?}");
    house.settled().await;
    assert_eq!((house.upstream.calls(), house.money().await), (1, (97, 0, 3)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_long_to_be_kept_is_passed_on_and_delivered_once() {
    let options =
        crate::house::Options { upstream: "answer_body_bytes_max = 1000\n".to_owned(), ..Default::default() };
    let house = House::with(options).await;
    house.upstream.be(Mood::Long(300_000));
    let proof = house.proof("/search").await;
    let answer = house.get_with("/search", &proof).await;
    assert_eq!((answer.status, answer.body.len()), (200, 300_000));
    house.settled().await;
    assert_eq!(house.money().await, (97, 0, 3));
    let again = house.get_with("/search", &proof).await;
    assert!(again.code(402, "proof_refused").body.contains("too long to be kept"), "{}", again.body);
    house.settled().await;
    assert_eq!((house.upstream.calls(), house.money().await), (1, (97, 0, 3)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upstream_that_falls_silent_in_a_stream_is_given_up() {
    let options =
        crate::house::Options { upstream: "timeout_seconds = 1\n".to_owned(), ..Default::default() };
    let house = House::with(options).await;
    let (mood, gate) = pieces(EVENTS, true);
    house.upstream.be(mood);
    let proof = house.proof("/search").await;
    gate.add_permits(1);
    let answer = open(&house, "/search", &proof).await;
    assert!(answer.bytes().await.is_err());
    ended(&house, 0, 1).await;
    house.settled().await;
    assert_eq!(house.money().await, (100, 0, 0));
}
