//! What the gateway adds to a stream: time to the first token, and for each chunk, over the bare upstream in the same run.
//!
//! The upstream writes when it sent each chunk into it, and both are asked in turns, so that a busy machine is busy for both.
//! `cargo bench -p llm --bench added` prints one line of JSON, times in microseconds.

// What it measures in is the house of the tests.
#![allow(clippy::unwrap_used)]

#[path = "../tests/llm/house.rs"]
#[allow(dead_code)]
mod house;
#[path = "../../gateway/tests/paywall/place.rs"]
mod place;
#[path = "../tests/llm/upstream.rs"]
#[allow(dead_code)]
mod upstream;

use house::{House, chat_body};
use serde_json::json;
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// How often each is asked.
const ROUNDS: usize = 200;

/// How many chunks an answer has.
const CHUNKS: usize = 100;

/// How far the chunks are apart.
const APART: Duration = Duration::from_micros(500);

static BEGAN: OnceLock<Instant> = OnceLock::new();

fn now() -> u128 {
    BEGAN.get_or_init(Instant::now).elapsed().as_nanos()
}

/// A model whose tokens are the times at which they were sent.
async fn model() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                stream.set_nodelay(true).ok()?;
                let (mut text, mut buffer) = (Vec::new(), [0; 8192]);
                loop {
                    // Every request of this benchmark ends with the same two letters.
                    while !text.ends_with(b"}]}") {
                        match stream.read(&mut buffer).await.ok()? {
                            0 => return None::<()>,
                            bytes => text.extend_from_slice(&buffer[..bytes]),
                        }
                    }
                    text.clear();
                    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
                    stream.write_all(head.as_bytes()).await.ok()?;
                    for _ in 0..CHUNKS {
                        let event = format!(
                            "data: {{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"model\":\"small\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"@{:020}@\"}},\"finish_reason\":null}}]}}\n\n",
                            now()
                        );
                        stream
                            .write_all(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes())
                            .await
                            .ok()?;
                        tokio::time::sleep(APART).await;
                    }
                    stream.write_all(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n").await.ok()?;
                }
            });
        }
    });
    url
}

/// Time to the first token, and of each later chunk from model to caller, in nanoseconds.
async fn ask(request: reqwest::RequestBuilder, first: &mut Vec<u128>, each: &mut Vec<u128>) {
    let began = now();
    let mut answer = request.send().await.expect("it answers");
    assert!(answer.status().is_success());
    let mut is_first = true;
    while let Some(chunk) = answer.chunk().await.expect("it goes on") {
        let at = now();
        let text = String::from_utf8_lossy(&chunk);
        let sent = text.split('@').filter_map(|part| part.parse::<u128>().ok());
        for sent in sent {
            if std::mem::take(&mut is_first) {
                first.push(at - began)
            } else {
                each.push(at.saturating_sub(sent))
            }
        }
    }
}

/// The value that so many of a hundred are below, in microseconds.
fn percentile(values: &mut [u128], of_hundred: usize) -> f64 {
    values.sort_unstable();
    let at = (values.len() * of_hundred / 100).min(values.len() - 1);
    values[at] as f64 / 1_000.0
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime starts").block_on(async {
        let url = model().await;
        let mut house = House::unopened("").await;
        let path = house.directory.join("models.toml");
        let config = std::fs::read_to_string(&path).expect("it was written");
        std::fs::write(&path, config.replace(&house.upstream.url, &url)).expect("it can be written");
        house.open_shop().await;
        let key = house.deposit("10.00").await;
        // The messages come last, so that the model knows where a request ends.
        let body = chat_body(json!({"max_tokens": 200, "stream": true, "a": 1})).to_string();
        let (head, messages) = body.split_once("\"messages\":").expect("it has messages");
        let (messages, rest) = messages.split_once("],").expect("they end");
        let body = format!("{head}{},\"stream_options\":{{\"include_usage\":true}},\"messages\":{messages}]}}", &rest[..rest.len() - 1]);
        let (mut bare, mut through) = ((Vec::new(), Vec::new()), (Vec::new(), Vec::new()));
        for _ in 0..ROUNDS {
            let to = |base: &str| {
                let request = house.http.post(format!("{base}/v1/chat/completions"));
                request.header("content-type", "application/json").header("x-api-key", &key).body(body.clone())
            };
            ask(to(&url), &mut bare.0, &mut bare.1).await;
            ask(to(&house.url), &mut through.0, &mut through.1).await;
        }
        let line = |bare: &mut [u128], through: &mut [u128]| {
            let of = |values: &mut [u128]| [50, 99].map(|of_hundred| percentile(values, of_hundred));
            let (bare, through) = (of(bare), of(through));
            json!({"bare_p50": bare[0], "bare_p99": bare[1], "gateway_p50": through[0], "gateway_p99": through[1],
                "added_p50": through[0] - bare[0]})
        };
        let shown = json!({
            "rounds": ROUNDS, "chunks": CHUNKS,
            "first_token_us": line(&mut bare.0, &mut through.0), "chunk_us": line(&mut bare.1, &mut through.1),
        });
        println!("{shown}");
    });
}
