//! A gateway that is killed in mid-stream loses no spend and charges nothing twice.

use crate::house::{House, chat_body};
use crate::upstream::{Script, chat};
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Where the child finds its configuration, and at which port it serves.
const CHILD: &str = "LLM_CHILD";

/// The gateway as a process of its own: this program, asked for this one test.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let Ok(text) = std::env::var(CHILD) else { return };
    let (port, path) = text.split_once(' ').unwrap();
    let config = llm::Config::read(&PathBuf::from(path)).unwrap();
    let gateway = llm::Gateway::open(config, sdk::Clock::system()).unwrap();
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await.unwrap();
    llm::serve(listener, gateway, std::future::pending()).await;
}

fn spawn(house: &House) -> std::process::Child {
    std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::child"])
        .env(CHILD, format!("{} {}", house.port, house.directory.join("models.toml").display()))
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap()
}

async fn wait_for(house: &House) {
    while house.http.get(format!("{}/.tollbridge/healthz", house.url)).send().await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_in_mid_stream() {
    let mut house = House::unopened("continuous_usage = true").await;
    let mut process = spawn(&house);
    wait_for(&house).await;
    let key = house.deposit("5.00").await;
    let body = chat_body(json!({"max_tokens": 100, "stream": true}));
    let request = house.request("POST", "/v1/chat/completions", &[("x-api-key", &key)], &body.to_string());
    let gate = Arc::new(Semaphore::new(8));
    house.upstream.says(Script::stream(chat(50, 300, true, None)).gated(&gate));
    let mut answer = request.send().await.unwrap();
    let mut read = String::new();
    while read.matches("\n\n").count() < 8 {
        read.push_str(&String::from_utf8_lossy(&answer.chunk().await.unwrap().unwrap()));
    }
    process.kill().unwrap();
    process.wait().unwrap();
    // 7 pieces had arrived; the record is made when the gateway is there again, once.
    for _ in 0..2 {
        house.open_shop().await;
        wait_for(&house).await;
        assert_eq!(house.spent(&key).await, "0.000656 CNY");
        let (bill, checked) = house.checked_bill(&key).await;
        assert_eq!((checked.calls, &bill["records"][0]["body"]["ended"]), (1, &json!("cut")));
        house.close_shop().await;
    }
    house.open_shop().await;
    house.close(&key).await;
    assert_eq!(house.money().await, (1_000, 0, 0), "0.0656 fen are nothing when they are rounded");
}
