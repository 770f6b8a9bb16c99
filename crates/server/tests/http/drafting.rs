//! Clearer words from a drafting endpoint: they may only say what the owner said, and are hers only when she sends them.

use crate::act::{codes, draw_up, intent};
use crate::house::House;
use axum::extract::State;
use axum::http::StatusCode;
use http::Method;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

const UNCLEAR: &str = "my usual coffee you know, 30 yuan, up to 300 yuan a month";

/// An endpoint that speaks chat completions: it says what it is told to, and keeps what it was asked.
#[derive(Clone, Default)]
struct Endpoint {
    says: Arc<Mutex<(u16, String)>>,
    asked: Arc<Mutex<Vec<Value>>>,
}

impl Endpoint {
    async fn start() -> (Endpoint, url::Url) {
        async fn complete(State(endpoint): State<Endpoint>, text: String) -> (StatusCode, String) {
            endpoint.asked.lock().unwrap().push(serde_json::from_str(&text).unwrap());
            let (status, text) = endpoint.says.lock().unwrap().clone();
            (StatusCode::from_u16(status).unwrap(), text)
        }
        let endpoint = Endpoint::default();
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", socket.local_addr().unwrap()).parse().unwrap();
        let route = axum::routing::post(complete);
        let router = axum::Router::new().route("/v1/chat/completions", route).with_state(endpoint.clone());
        tokio::spawn(async move { axum::serve(socket, router).await });
        (endpoint, url)
    }

    fn says(&self, words: &str) {
        let completion = json!({"id": "c1", "choices": [{"index": 0, "message": {"role": "assistant", "content": words}}]});
        *self.says.lock().unwrap() = (200, completion.to_string());
    }
}

async fn house_that_drafts() -> (House, Endpoint) {
    let (endpoint, url) = Endpoint::start().await;
    let mut house = House::new().await;
    house.drafts_at = Some(url);
    house.restart().await;
    (house, endpoint)
}

#[tokio::test]
async fn clearer_words_are_offered_and_change_nothing() {
    let (house, endpoint) = house_that_drafts().await;
    let drawn = draw_up(&house, UNCLEAR).await;
    assert!(!codes(&drawn).is_empty(), "{drawn}");
    let path = format!("/v1/intents/{}/clearer", drawn["id"].as_str().unwrap());
    endpoint.says("Buy coffee, at most 30 yuan per payment and at most 300 yuan a month.");
    let clearer = house.change(&house.agent, Method::POST, &path, None).await.expect(200);
    assert_eq!(clearer["sentence"], "Buy coffee, at most 30 yuan per payment and at most 300 yuan a month.");
    assert_eq!(clearer["drafted_by"], "127.0.0.1");
    let asked = endpoint.asked.lock().unwrap().remove(0);
    assert_eq!((&asked["model"], &asked["messages"][1]["content"]), (&json!("plain-words"), &json!(UNCLEAR)));
    let unchanged = house.get(&house.owner, &format!("/v1/intents/{}", drawn["id"].as_str().unwrap())).await;
    assert_eq!(unchanged.expect(200), drawn);
    // Sent as her own they pass the same checks and the same confirmation.
    let mut own = intent(&house, clearer["sentence"].as_str().unwrap());
    own["delegation_mode"] = json!("BOUNDED");
    let own = house.post(&house.owner, "/v1/intents", own).await.expect(201);
    assert_eq!(own["limits"][0], json!({"kind": "per_payment", "max": "3000"}), "{own}");
}

#[tokio::test]
async fn words_that_say_more_or_less_are_never_shown() {
    let (house, endpoint) = house_that_drafts().await;
    let drawn = draw_up(&house, UNCLEAR).await;
    let path = format!("/v1/intents/{}/clearer", drawn["id"].as_str().unwrap());
    let refused = async || house.change(&house.agent, Method::POST, &path, None).await;
    for words in [
        "Buy coffee, at most 3000 yuan per payment and at most 300 yuan a month.",
        "Buy coffee, at most 30 yuan per payment.",
        "",
        &"a".repeat(2_000),
    ] {
        endpoint.says(words);
        let problem = refused().await.problem(422, "draft_unusable");
        assert!(!problem.to_string().contains("3000 yuan a"), "{problem}");
    }
    for (status, text) in [(500, "{}"), (200, "no JSON"), (200, "{\"choices\": []}"), (302, "")] {
        *endpoint.says.lock().unwrap() = (status, text.to_owned());
        refused().await.problem(422, "draft_unusable");
    }
    *endpoint.says.lock().unwrap() = (200, "x".repeat(1_000_000));
    refused().await.problem(422, "draft_unusable");
    house.change(&house.seller, Method::POST, &path, None).await.problem(403, "audience_wrong");

    let nobody = House::new().await;
    let drawn = draw_up(&nobody, UNCLEAR).await;
    let path = format!("/v1/intents/{}/clearer", drawn["id"].as_str().unwrap());
    nobody.change(&nobody.agent, Method::POST, &path, None).await.problem(409, "drafter_missing");
}
