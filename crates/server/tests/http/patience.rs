//! Strangers who are slow, or too many, keep nobody else waiting.

use crate::house::{House, Tricks};
use evidence::Algorithm;
use http::Method;
use server::serve::Patience;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const SHORT: Duration = Duration::from_millis(50);

async fn impatient() -> House {
    let mut house = House::new().await;
    house.patience = Patience { head: SHORT, body: SHORT };
    house.restart().await;
    house
}

#[tokio::test]
async fn who_does_not_finish_the_head_of_a_request_is_hung_up_on() {
    let house = impatient().await;
    let mut stream = TcpStream::connect(&house.authority).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: ").await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut answer))
        .await
        .expect("it hangs up")
        .unwrap();
    assert!(!String::from_utf8_lossy(&answer).contains(" 200 "), "{answer:?}");
}

#[tokio::test]
async fn who_does_not_finish_the_body_of_a_request_is_told_so() {
    let house = impatient().await;
    let mut stream = TcpStream::connect(&house.authority).await.unwrap();
    let head = "POST /v1/payments HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4_096];
    let read =
        tokio::time::timeout(Duration::from_secs(5), stream.read(&mut answer)).await.expect("it answers");
    let answer = String::from_utf8_lossy(&answer[..read.unwrap()]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("request_timeout"), "{answer}");
}

/// Nothing is recorded of what found the queue full, so the same id is good a moment later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_is_503_and_the_same_payment_is_made_a_moment_later() {
    let mut house = House::new().await;
    house.queue_units_max = 1;
    house.restart().await;
    let stop = Arc::new(AtomicBool::new(false));
    let (app, told) = (house.app.clone(), stop.clone());
    let crowd = std::thread::spawn(move || {
        let app = app.upgrade().unwrap();
        while !told.load(Ordering::Relaxed) {
            // Somebody always waits already.
            let _ = app.engine.submit(Vec::new());
        }
    });
    let payment = house.payment("10");
    let mut refused = 0;
    for _ in 0..1_000 {
        let reply = house.post(&house.agent, "/v1/payments", payment.clone()).await;
        if reply.status == 503 {
            assert_eq!(reply.headers["retry-after"], "1");
            let problem = reply.problem(503, "busy");
            assert_eq!((&problem["retryable"], &problem["next"]), (&true.into(), &"same_id".into()));
            refused += 1;
            break;
        }
    }
    stop.store(true, Ordering::Relaxed);
    crowd.join().unwrap();
    assert_eq!(refused, 1, "the queue never was full");
    // What the crowd left is decided first.
    let paid = loop {
        let reply = house.post(&house.agent, "/v1/payments", payment.clone()).await;
        if reply.status != 503 {
            break reply;
        }
    };
    paid.expect(201);
}

#[tokio::test]
async fn an_agent_with_an_es256_key_pays_by_signature_and_in_a_session() {
    let mut house = House::new().await;
    let mut agent = crate::house::Party::new("agt");
    agent.algorithm = Algorithm::Es256;
    agent.seed[0] = 1; // below the order of the group
    let new = serde_json::json!({"id": agent.id, "wallet": house.wallet, "key": agent.key_json(),
        "limits": [{"kind": "per_payment", "max": "1000"}]});
    house.post(&house.owner, "/v1/agents", new).await.expect(201);
    let payment = |amount: &str| {
        let mut payment = house.payment(amount);
        payment.as_object_mut().unwrap().remove("mandate");
        payment
    };
    let (first, second) = (payment("10"), payment("20"));
    house.post(&agent, "/v1/payments", first.clone()).await.expect(201);
    let session = house.session(&agent).await;
    let request =
        house.in_session(&session, Method::POST, "/v1/payments", &second.to_string(), crate::house::nonce());
    house.send(request).await.expect(201);
    // The other half of the same rule: what it did not sign is not its.
    let tricks = Tricks { sent_body: Some(payment("30")), ..Tricks::default() };
    house
        .tricky(&agent, Method::POST, "/v1/payments", Some(&first), tricks)
        .await
        .problem(401, "content_digest_mismatch");
    house.restart().await;
    assert_eq!(house.post(&agent, "/v1/payments", first).await.expect(201)["repeated"], true);
}
