//! Calls: what is reported and what is not, what is refused before the model is asked, and what is asked twice.

use crate::house::{House, chat_body};
use crate::upstream::{Script, chat};
use serde_json::{Value, json};

const CHAT: &str = "/v1/chat/completions";

fn whole(usage: &Value) -> Script {
    let mut body = json!({"id": "chatcmpl-1", "choices": [{"message": {"content": "x".repeat(60)}}]});
    body.as_object_mut().unwrap().insert("usage".to_owned(), usage.clone());
    Script::json(&body)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn usage_that_is_missing_or_makes_no_sense_is_estimated_and_marked() {
    let house = House::new().await;
    let key = house.deposit("5.00").await;
    // Of the body's text, 344 bytes: 57 tokens of 6 bytes. Of the answer's, 60 bytes: 10 tokens.
    let estimated = "0.000194 CNY; est=true";
    for (usage, cost) in [
        (
            json!({"prompt_tokens": 300, "completion_tokens": 20, "total_tokens": 320}),
            "0.00076 CNY; est=false",
        ),
        (json!({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}), "0 CNY; est=false"),
        (json!(null), estimated),
        (json!({"prompt_tokens": -5, "completion_tokens": 20}), estimated),
        (json!({"prompt_tokens": 300, "completion_tokens": 20, "total_tokens": 999}), estimated),
        (json!({"prompt_tokens": 1, "completion_tokens": 1e30}), estimated),
        // More than the call can reach: 50 out.
        (
            json!({"prompt_tokens": 300, "completion_tokens": 51, "total_tokens": 351}),
            "0.00068 CNY; est=true",
        ),
        (
            json!({"prompt_tokens": 900_000, "completion_tokens": 20, "total_tokens": 900_020}),
            "0.000274 CNY; est=true",
        ),
    ] {
        house.upstream.says(whole(&usage));
        let reply = house.call(&key, CHAT, &chat_body(json!({"max_tokens": 50}))).await.ok();
        let found = reply.header("x-tollbridge-cost").unwrap();
        assert_eq!(found.rsplit_once(';').unwrap().0, cost, "{usage}");
    }
    house.upstream.says(Script::stream(chat(20, 0, false, None)));
    let reply = house.call(&key, CHAT, &chat_body(json!({"max_tokens": 50, "stream": true}))).await.ok();
    assert!(reply.body.contains(": tollbridge cost=0.000274 CNY; est=true; "), "{}", reply.body);
    let (_, checked) = house.checked_bill(&key).await;
    assert_eq!((checked.calls, checked.estimated), (9, 7));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_path_either_debits_or_is_refused() {
    let house = House::new().await;
    let key = house.deposit("5.00").await;
    house.upstream.says(whole(&json!({"prompt_tokens": 300, "completion_tokens": 20})));
    let body = chat_body(json!({"max_tokens": 50})).to_string();
    let paths = ["/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/messages"];
    let bearer = format!("Bearer {key}");
    for path in paths {
        house.send("POST", path, &[], &body).await.code(402, "payment_required");
        for no in
            [("x-api-key", "sk-toll-none"), ("authorization", "Bearer x"), ("authorization", "Basic eDp5")]
        {
            house.send("POST", path, &[no], &body).await.code(401, "invalid_api_key");
        }
        let two = [("x-api-key", key.as_str()), ("authorization", "Bearer other")];
        house.send("POST", path, &two, &body).await.code(400, "invalid_request");
        house.send("GET", path, &[("x-api-key", &key)], "").await.code(405, "method_not_allowed");
    }
    for path in [
        "/",
        "/v1/responses",
        "/v1/files",
        "/v1/chat/completions/",
        "/v1//messages",
        "/V1/messages",
        "/v1/%6dessages",
    ] {
        house.send("POST", path, &[("x-api-key", &key)], &body).await.code(404, "not_sold");
    }
    assert_eq!(house.upstream.calls(), 0);
    for (calls, header) in [("authorization", bearer.as_str()), ("x-api-key", &key)].into_iter().enumerate() {
        let reply = house.send("POST", CHAT, &[header], &body).await.ok();
        assert!(reply.header("x-tollbridge-cost").is_some());
        assert_eq!(house.upstream.calls(), calls + 1);
    }
    let models = house.send("GET", "/v1/models", &[], "").await.ok().json();
    assert_eq!(models["data"][0]["id"], "small");
    assert!(!house.upstream.last().contains("sk-toll-"), "the buyer's key stays here");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_costs_nothing() {
    let house = House::new().await;
    let key = house.deposit("5.00").await;
    for (body, status, code) in [
        (json!({"model": "large", "messages": []}), 404, "model_not_found"),
        (json!({"messages": []}), 400, "invalid_request"),
        (json!([]), 400, "invalid_request"),
        (chat_body(json!({"max_tokens": 8_001})), 400, "invalid_request"),
        (chat_body(json!({"max_tokens": 8_000, "n": 100})), 402, "insufficient_quota"),
    ] {
        house.call(&key, CHAT, &body).await.code(status, code);
    }
    assert_eq!(house.upstream.calls(), 0);
    let overloaded = Script { status: 529, ..Script::json(&json!({"error": {"message": "overloaded"}})) };
    house.upstream.says(overloaded);
    let reply = house.call(&key, CHAT, &chat_body(json!({}))).await;
    assert_eq!((reply.status, reply.json()["error"]["message"].as_str()), (529, Some("overloaded")));
    house.upstream.says(whole(&json!(null)).broken());
    house.call(&key, CHAT, &chat_body(json!({}))).await.code(502, "upstream_failed");
    // A service that says in its stream, or with 200, that it failed has delivered nothing.
    let error = b"data: {\"error\":{\"message\":\"overloaded\"}}\n\n".to_vec();
    house.upstream.says(Script::stream(vec![error, b"data: [DONE]\n\n".to_vec()]));
    let reply = house.call(&key, CHAT, &chat_body(json!({"stream": true}))).await.ok();
    assert!(reply.body.contains("overloaded") && !reply.body.contains("tollbridge"), "{}", reply.body);
    house.upstream.says(Script::json(&json!({"error": {"message": "overloaded"}})));
    house.call(&key, CHAT, &chat_body(json!({}))).await.ok();
    assert_eq!(house.spent(&key).await, "0 CNY");
    house.close(&key).await;
    assert_eq!(house.money().await, (1_000, 0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_under_one_name_is_made_and_billed_once() {
    let house = House::new().await;
    let key = house.deposit("5.00").await;
    let usage = r#"{"prompt_tokens":300,"completion_tokens":2,"total_tokens":302}"#;
    for (name, script, more) in [
        ("a", whole(&json!({"prompt_tokens": 300, "completion_tokens": 2})), json!({"max_tokens": 50})),
        ("b", Script::stream(chat(2, 300, false, Some(usage))), json!({"max_tokens": 50, "stream": true})),
    ] {
        house.upstream.says(script);
        let before = house.upstream.calls();
        let headers = [("x-api-key", key.as_str()), ("idempotency-key", name)];
        let body = chat_body(more).to_string();
        let first = house.send("POST", CHAT, &headers, &body).await.ok();
        let again = house.send("POST", CHAT, &headers, &body).await.ok();
        let unmarked = |text: &str| -> String {
            text.split_inclusive("\n\n").filter(|line| !line.starts_with(": tollbridge")).collect()
        };
        assert_eq!(unmarked(&again.body), unmarked(&first.body));
        assert_eq!(again.header("x-tollbridge-repeated").as_deref(), Some("true"));
        let other = chat_body(json!({"max_tokens": 49})).to_string();
        house.send("POST", CHAT, &headers, &other).await.code(409, "idempotency_key_reused");
        assert_eq!(house.upstream.calls(), before + 1);
    }
    assert_eq!(house.spent(&key).await, "0.001232 CNY");
    // The same name in another session is another call.
    let other = house.deposit("1.00").await;
    let headers = [("x-api-key", other.as_str()), ("idempotency-key", "a")];
    house.send("POST", CHAT, &headers, &chat_body(json!({"max_tokens": 50})).to_string()).await.ok();
    assert_eq!(house.upstream.calls(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_who_leaves_before_the_answer_frees_what_was_set_aside() {
    let house = House::new().await;
    let key = house.deposit("0.05").await;
    let gate = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
    house.upstream.says(whole(&json!({"prompt_tokens": 300, "completion_tokens": 20})).gated(&gate));
    // Each sets aside all there is, so the second is served only if the first gave it back.
    for calls in 1..=3 {
        let body = chat_body(json!({"max_tokens": 5_800})).to_string();
        let request = house.request("POST", CHAT, &[("x-api-key", &key)], &body);
        let call = tokio::spawn(request.send());
        while house.upstream.calls() < calls {
            tokio::task::yield_now().await;
        }
        call.abort();
        assert_eq!(house.spent(&key).await, "0 CNY");
    }
}
