//! Streams that end early, at every event and at every byte: charged for what arrived, never nothing, never the most.

use crate::house::{House, chat_body};
use crate::upstream::{Script, chat, message};
use serde_json::json;
use std::sync::Arc;
use tokio::sync::Semaphore;

const CHAT: &str = "/v1/chat/completions";
const MESSAGES: &str = "/v1/messages";

/// How many pieces of content are in the whole events of a text.
fn pieces(text: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(text);
    let whole = text.rfind("\n\n").map_or("", |end| &text[..end + 2]);
    let content = whole.matches(r#""content":"w"#).count() + whole.matches(r#""text":"word "#).count();
    content.try_into().unwrap()
}

/// What input and output come to, in words.
fn cost(input: u64, output: u64) -> String {
    let nanos = input * 200_000 + output * 800_000;
    llm::in_words(nanos.into(), &protocols::a402::wallet::AssetText::parse("CNY/2").unwrap())
}

/// `a − b` of two costs in words.
fn less(a: &str, b: &str) -> String {
    let nanos = |text: &str| {
        let number = text.strip_suffix(" CNY").unwrap();
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        format!("{whole}{fraction:0<11}").parse::<u128>().unwrap()
    };
    llm::in_words(nanos(a) - nanos(b), &protocols::a402::wallet::AssetText::parse("CNY/2").unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_who_leaves_after_any_event_pays_for_what_arrived() {
    let house = House::with("continuous_usage = true").await;
    let key = house.deposit("5.00").await;
    let body = chat_body(json!({"max_tokens": 100, "stream": true}));
    let mut before = "0 CNY".to_owned();
    for (path, parts) in [(CHAT, chat(6, 300, true, None)), (MESSAGES, message(6, 300, 6))] {
        for events in 1..parts.len() {
            let gate = Arc::new(Semaphore::new(events));
            house.upstream.says(Script::stream(parts.clone()).gated(&gate));
            let read = house.hang_up_after(&key, path, &body, events).await;
            let output = pieces(read.as_bytes());
            let expected = if output == 0 { "0 CNY".to_owned() } else { cost(300, output) };
            let spent = house.spent(&key).await;
            assert_eq!(less(&spent, &before), expected, "{path} after {events}: {read}");
            before = spent;
        }
    }
    let (_, checked) = house.checked_bill(&key).await;
    assert_eq!(checked.calls, 7 + 8, "one record for each call of which something arrived");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upstream_that_breaks_off_at_any_byte_is_paid_for_what_arrived() {
    let house = House::with("continuous_usage = true").await;
    let key = house.deposit("9.00").await;
    let body = chat_body(json!({"max_tokens": 100, "stream": true}));
    let mut before = "0 CNY".to_owned();
    for (path, parts) in [(CHAT, chat(2, 300, true, None)), (MESSAGES, message(2, 300, 2))] {
        let stream = parts.concat();
        let end = stream.len() - parts.last().unwrap().len();
        for cut in 1..end {
            house.upstream.says(Script::stream(vec![stream[..cut].to_vec()]).broken());
            let request = house.request("POST", path, &[("x-api-key", &key)], &body.to_string());
            let text = request.send().await.unwrap().text().await.unwrap();
            let mark = if path == CHAT { "data: {\"error\"" } else { "event: error\n" };
            let read = text.split(mark).next().unwrap().as_bytes().to_vec();
            assert!(
                text.len() != read.len() && text.contains("upstream_failed"),
                "{path} cut at {cut}: {text}"
            );
            assert!(stream.starts_with(&read), "{path} cut at {cut}");
            assert_eq!(pieces(&read), pieces(&stream[..cut]));
            let output = pieces(&read);
            let expected = if output == 0 { "0 CNY".to_owned() } else { cost(300, output) };
            let spent = house.spent(&key).await;
            assert_eq!(less(&spent, &before), expected, "{path} cut at {cut}");
            before = spent;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_is_the_same_wherever_the_network_cuts_it() {
    let house = House::new().await;
    let key = house.deposit("9.00").await;
    let usage = r#"{"prompt_tokens":300,"completion_tokens":2,"total_tokens":302}"#;
    let mut spent = 0;
    for (path, parts) in [(CHAT, chat(2, 300, false, Some(usage))), (MESSAGES, message(2, 300, 2))] {
        let stream = parts.concat();
        // What only says what was used is for those who asked for it.
        let expected: Vec<u8> = parts
            .iter()
            .filter(|part| !part.windows(13).any(|it| it == br#""choices":[],"#))
            .flatten()
            .copied()
            .collect();
        for cut in 0..stream.len() {
            house.upstream.says(Script::stream(vec![stream[..cut].to_vec(), stream[cut..].to_vec()]));
            let body = chat_body(json!({"max_tokens": 100, "stream": true}));
            let answer = house.call(&key, path, &body).await.ok();
            let lines: Vec<&str> = answer.body.split_inclusive("\n\n").collect();
            let comments: Vec<&&str> = lines.iter().filter(|line| line.starts_with(": tollbridge")).collect();
            spent += 1;
            let asset = protocols::a402::wallet::AssetText::parse("CNY/2").unwrap();
            let total = llm::in_words(u128::from(spent * (300 * 200_000 + 2 * 800_000_u64)), &asset);
            assert_eq!(
                comments,
                [&&*format!(": tollbridge cost=0.000616 CNY; est=false; total={total}\n\n")]
            );
            let rest: String =
                lines.iter().filter(|line| !line.starts_with(": tollbridge")).copied().collect();
            assert_eq!(rest.as_bytes(), expected, "{path} cut at {cut}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_read_to_its_end_is_shared_by_what_arrived() {
    let house = House::with("on_hang_up = \"drain\"").await;
    let key = house.deposit("5.00").await;
    // 40 tokens in 10 pieces: 4 each.
    let usage = r#"{"prompt_tokens":300,"completion_tokens":40,"total_tokens":340}"#;
    let gate = Arc::new(Semaphore::new(4));
    house.upstream.says(Script::stream(chat(10, 300, false, Some(usage))).gated(&gate));
    let body = chat_body(json!({"max_tokens": 100, "stream": true}));
    house.hang_up_after(&key, CHAT, &body, 4).await;
    while house.shop().metrics().left.get() == 0 {
        tokio::task::yield_now().await;
    }
    gate.add_permits(100);
    assert_eq!(house.spent(&key).await, cost(300, 12));
    let (bill, checked) = house.checked_bill(&key).await;
    assert_eq!((checked.estimated, &bill["records"][0]["body"]["ended"]), (1, &json!("cut")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asked_for_usage_gets_it_with_the_running_total() {
    let house = House::new().await;
    let key = house.deposit("5.00").await;
    let usage = r#"{"prompt_tokens":300,"completion_tokens":2,"total_tokens":302}"#;
    house.upstream.says(Script::stream(chat(2, 300, false, Some(usage))));
    let body = chat_body(json!({"max_tokens": 9, "stream": true, "stream_options": {"include_usage": true}}));
    let answer = house.call(&key, CHAT, &body).await.ok();
    let member = r#"data: {"tollbridge":{"cost":"0.000616 CNY","estimated":false,"total":"0.000616 CNY"},"id":"chatcmpl-1","choices":[],"#;
    assert!(answer.body.contains(member), "{}", answer.body);
    assert!(answer.body.ends_with("total=0.000616 CNY\n\ndata: [DONE]\n\n"), "{}", answer.body);
}
