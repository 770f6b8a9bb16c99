//! The scenarios S11 and S12, to the last digit, and sums over many calls.

use crate::house::{House, chat_body};
use crate::upstream::{Script, chat, message};
use serde_json::json;
use std::sync::Arc;
use tokio::sync::Semaphore;

const CHAT: &str = "/v1/chat/completions";

fn usage(input: u64, output: u64) -> String {
    json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output}).to_string()
}

fn answer(input: u64, output: u64) -> Script {
    Script::json(
        &json!({"id": "chatcmpl-1", "choices": [{"message": {"role": "assistant", "content": "hello"}}],
        "usage": serde_json::from_str::<serde_json::Value>(&usage(input, output)).unwrap()}),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s12_one_call_is_reserved_counted_and_settled_with_one_rounding() {
    let house = House::new().await;
    let key = house.deposit("0.05").await;
    assert_eq!(house.money().await, (995, 5, 0));
    house.upstream.says(answer(1_234, 5_678));
    let reply = house.call(&key, CHAT, &chat_body(json!({"max_tokens": 5_678}))).await.ok();
    assert_eq!(reply.header("x-tollbridge-cost").unwrap(), "0.047892 CNY; est=false; total=0.047892 CNY");
    assert_eq!(reply.header("set-cookie"), None);
    // What is left does not reach as far as the same call: it is refused before the model is asked.
    let no = house.call(&key, CHAT, &chat_body(json!({"max_tokens": 5_678}))).await;
    no.code(402, "insufficient_quota");
    assert_eq!(house.upstream.calls(), 1);
    let (bill, checked) = house.checked_bill(&key).await;
    assert_eq!((checked.calls, checked.estimated, checked.amount.minor()), (1, 0, 5));
    assert_eq!(checked.exact.get(), 4_789_200_000);
    assert_eq!(bill["records"][0]["body"]["usage"], json!({"call": 1, "input": 1_234, "output": 5_678}));
    house.close(&key).await;
    assert_eq!(house.money().await, (995, 0, 5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s12_ten_calls_are_rounded_once() {
    let house = House::new().await;
    let key = house.deposit("0.50").await;
    house.upstream.says(answer(1_234, 5_678));
    for _ in 0..10 {
        house.call(&key, CHAT, &chat_body(json!({"max_tokens": 5_678}))).await.ok();
    }
    assert_eq!(house.spent(&key).await, "0.47892 CNY");
    house.close(&key).await;
    assert_eq!(house.money().await, (952, 0, 48));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s12_a_stream_cut_at_100_tokens_is_charged_for_100() {
    let house = House::with("continuous_usage = true").await;
    for (path, parts, events) in
        [(CHAT, chat(5_000, 1_234, true, None), 101), ("/v1/messages", message(5_000, 1_234, 5_000), 102)]
    {
        let key = house.deposit("0.05").await;
        let gate = Arc::new(Semaphore::new(events));
        house.upstream.says(Script::stream(parts).gated(&gate));
        let body = chat_body(json!({"max_tokens": 5_000, "stream": true}));
        house.hang_up_after(&key, path, &body, events).await;
        assert_eq!(house.spent(&key).await, "0.003268 CNY", "{path}");
        house.close(&key).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s11_a_task_goes_on_where_the_money_ended() {
    let house = House::new().await;
    let key = house.deposit("0.10").await;
    house.upstream.says(answer(1_234, 5_678));
    let body = |step: usize| chat_body(json!({"max_tokens": 5_678, "user": format!("step {step}")}));
    for step in 1..=2 {
        house.call(&key, CHAT, &body(step)).await.ok();
    }
    let no = house.call(&key, CHAT, &body(3)).await;
    no.code(402, "insufficient_quota");
    assert_eq!(house.upstream.calls(), 2);
    // "Top up": the bill in the refusal is paid, and taken under the same key.
    let proof = house.pay(&no).await;
    let pay = [("payment-proof", proof.as_str()), ("x-api-key", &key)];
    let session = house.send("POST", "/.tollbridge/sessions?deposit=1.00", &pay, "").await.ok().json();
    assert_eq!((session["deposits"].as_array().unwrap().len(), session.get("api_key")), (2, None));
    for step in 3..=5 {
        house.call(&key, CHAT, &body(step)).await.ok();
    }
    assert_eq!(house.upstream.calls(), 5);
    assert_eq!(house.spent(&key).await, "0.23946 CNY");
    house.close(&key).await;
    // 9.5784 and 14.3676 fen, each deposit rounded once.
    assert_eq!(house.money().await, (1_000 - 10 - 14, 0, 24));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_parallel_calls_never_take_more_than_the_deposit() {
    let house = Arc::new(House::new().await);
    let key = house.deposit("0.50").await;
    let gate = Arc::new(Semaphore::new(0));
    house.upstream.says(answer(1_234, 5_678).gated(&gate));
    let calls: Vec<_> = (0..100)
        .map(|_| {
            let (house, key) = (Arc::clone(&house), key.clone());
            tokio::spawn(async move {
                house.call(&key, CHAT, &chat_body(json!({"max_tokens": 5_678}))).await.status
            })
        })
        .collect();
    // Each reaches 4.8288 fen: ten fit.
    while house.upstream.calls() < 10 {
        tokio::task::yield_now().await;
    }
    let session = house.session(&key).await;
    let reserved = session["deposits"][0]["reserved"].as_str().unwrap().to_owned();
    gate.add_permits(100);
    let mut served = 0;
    for call in calls {
        match call.await.unwrap() {
            200 => served += 1,
            status => assert_eq!(status, 402),
        }
    }
    assert_eq!((served, house.upstream.calls()), (10, 10));
    assert!(reserved.starts_with("0.4"), "{reserved}");
    assert_eq!(house.spent(&key).await, "0.47892 CNY");
    house.close(&key).await;
    assert_eq!(house.money().await, (952, 0, 48));
}

/// How many calls the sum is over; the long lane asks for 50,000.
fn many() -> u64 {
    std::env::var("LLM_CALLS").ok().and_then(|text| text.parse().ok()).unwrap_or(2_000)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_calls_settle_to_their_exact_sum() {
    let house = Arc::new(House::new().await);
    let key = house.deposit("9.00").await;
    // 7 in and 3 out: 0.0014 + 0.0024 = 0.0038 fen.
    house.upstream.says(answer(7, 3));
    let calls: Vec<_> = (0..16)
        .map(|worker| {
            let (house, key) = (Arc::clone(&house), key.clone());
            tokio::spawn(async move {
                for _ in (worker..many()).step_by(16) {
                    house.call(&key, CHAT, &chat_body(json!({"max_tokens": 3}))).await.ok();
                }
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    let exact = u128::from(many()) * 3_800_000;
    house.spent(&key).await;
    if many() <= 100_000 {
        let (_, checked) = house.checked_bill(&key).await;
        assert_eq!((checked.calls as u64, checked.exact.get()), (many(), exact));
    }
    house.close(&key).await;
    let settled = (exact + 500_000_000) / 1_000_000_000;
    assert_eq!(house.money().await, (1_000 - settled, 0, settled));
    println!("{} calls in {} charges", many(), house.shop().metrics().charges.get());
}
