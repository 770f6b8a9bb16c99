//! Sessions: deposits, keys, and what closing them gives back.

use crate::house::{House, chat_body};
use crate::upstream::Script;
use protocols::a402::headers::PAYMENT_PROOF;
use serde_json::json;

const SESSIONS: &str = "/.tollbridge/sessions";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proof_opens_one_session_however_often_it_is_shown() {
    let mut house = House::new().await;
    let path = format!("{SESSIONS}?deposit=2.00");
    let bill = house.send("POST", &path, &[], "").await;
    let proof = house.pay(&bill).await;
    let first = house.send("POST", &path, &[(PAYMENT_PROOF, &proof)], "").await.ok().json();
    house.close_shop().await;
    house.open_shop().await;
    let again = house.send("POST", &path, &[(PAYMENT_PROOF, &proof)], "").await.ok().json();
    assert_eq!(again["api_key"], first["api_key"]);
    assert_eq!(again["deposits"].as_array().unwrap().len(), 1);
    assert_eq!(house.shop().metrics().deposits.get(), 0);
    // It is for that request and that seller only.
    let other = format!("{SESSIONS}?deposit=3.00");
    house.send("POST", &other, &[(PAYMENT_PROOF, &proof)], "").await.code(402, "proof_refused");
    house.send("POST", &path, &[(PAYMENT_PROOF, "bm90aGluZw")], "").await.code(402, "proof_refused");
    house.send("POST", &format!("{SESSIONS}?deposit=200.00"), &[], "").await.code(400, "invalid_request");
    house.send("POST", &format!("{SESSIONS}?deposit=0.001"), &[], "").await.code(400, "invalid_request");
    let key = first["api_key"].as_str().unwrap();
    let closed = house.close(key).await;
    assert_eq!((&closed["closed"], &closed["deposits"][0]["settled"]), (&json!(true), &json!(true)));
    house.call(key, "/v1/messages", &chat_body(json!({"max_tokens": 5}))).await.code(403, "session_closed");
    house.send("POST", &path, &[("x-api-key", key)], "").await.code(403, "session_closed");
    assert_eq!(house.money().await, (1_000, 0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unpaid_call_says_how_to_pay() {
    let house = House::new().await;
    let bill = house.send("POST", "/v1/messages", &[], &chat_body(json!({})).to_string()).await;
    assert_eq!(bill.json()["type"], "error");
    let proof = house.pay(&bill).await;
    let path = format!("{SESSIONS}?deposit=1.00");
    let session = house.send("POST", &path, &[(PAYMENT_PROOF, &proof)], "").await.ok().json();
    assert_eq!((&session["left"], &session["spent"]), (&json!("1 CNY"), &json!("0 CNY")));
    assert_eq!(session["openai_base_url"], format!("{}/v1", house.url));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_spent_is_known_after_a_restart_and_charged_once() {
    let mut house = House::new().await;
    let key = house.deposit("1.00").await;
    let usage = json!({"prompt_tokens": 1_000, "completion_tokens": 5_000});
    house.upstream.says(Script::json(&json!({"choices": [{"message": {"content": "hi"}}], "usage": usage})));
    let body = chat_body(json!({"max_tokens": 5_000}));
    for _ in 0..3 {
        house.call(&key, "/v1/chat/completions", &body).await.ok();
    }
    house.close_shop().await;
    house.open_shop().await;
    // Three calls of 4.2 fen.
    assert_eq!(house.session(&key).await["spent"], "0.126 CNY");
    house.shop().settle().await.unwrap();
    house.call(&key, "/v1/chat/completions", &body).await.ok();
    let (_, checked) = house.checked_bill(&key).await;
    assert_eq!((checked.calls, checked.exact.get()), (4, 16_800_000_000));
    house.close(&key).await;
    assert_eq!(house.money().await, (983, 0, 17));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_gateways_do_not_share_their_sessions() {
    let house = House::new().await;
    let config = house.config();
    let second =
        tokio::task::spawn_blocking(move || llm::Gateway::open(config, sdk::Clock::system())).await.unwrap();
    assert!(matches!(second, Err(llm::StartFault::Store(_))), "{second:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bill_that_was_touched_does_not_add_up() {
    let house = House::new().await;
    let key = house.deposit("1.00").await;
    let usage = json!({"prompt_tokens": 1_000, "completion_tokens": 5_000});
    house.upstream.says(Script::json(&json!({"choices": [{"message": {"content": "hi"}}], "usage": usage})));
    house.call(&key, "/v1/chat/completions", &chat_body(json!({"max_tokens": 5_000}))).await.ok();
    let (mut bill, _) = house.checked_bill(&key).await;
    bill["records"][0]["body"]["usage"]["output"] = json!(4_999);
    let bill = pricing::Bill::read(bill.to_string().as_bytes()).unwrap();
    let public = evidence::SigningKey::ed25519(&house.seller_key.1).public().clone();
    assert!(matches!(bill.check(|_| Some(public.clone())), Err(pricing::BillFault::Record { .. })));
    let catalogue = house.send("GET", "/.tollbridge/catalogue", &[], "").await.ok().json();
    assert_eq!(catalogue["body"]["models"][0]["name"], "small");
}
