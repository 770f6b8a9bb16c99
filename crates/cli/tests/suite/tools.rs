//! Prices on the tools of somebody else's MCP server: sold by one program, bought by another, and either may die.

use crate::books::{Directory, complained, printed, tollbridge};
use crate::dev::Dev;
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../mcp/tests/upstream.py");

/// `tollbridge dev`, and a price list of its first seller for tools.
struct Stall {
    directory: Directory,
    dev: Dev,
    at: String,
    workshop: PathBuf,
}

/// A booth that runs until it is killed.
struct Running(Child);

impl Drop for Running {
    /// `kill -9`.
    fn drop(&mut self) {
        // It may have ended.
        let _ = (self.0.kill(), self.0.wait());
    }
}

impl Stall {
    fn new() -> Stall {
        let directory = Directory::new();
        let dev = Dev::anywhere(&format!("{}/dev", directory.text()));
        let workshop = directory.0.join("workshop");
        fs::create_dir(&workshop).expect("the directory is ours");
        // A port that was free a moment ago.
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
        let (list, api) = (directory.0.join("prices.toml"), directory.0.join("api.json"));
        fs::write(&api, r#"{"paths": {"/x": {"get": {}}}}"#).expect("the directory is ours");
        let key = format!("{}/weather-seller.json", dev.text("directory"));
        let (list, api) = (list.display().to_string(), api.display().to_string());
        let at = format!("http://{port}");
        let words = ["seller", "init", "--upstream", "http://127.0.0.1:1", "--openapi", &api, "--out", &list];
        let who = ["--key", &key, "--server", dev.text("server"), "--public-url", &at];
        let made = tollbridge(&[&words[..], &who[..]].concat());
        assert_eq!(made.status.code(), Some(0), "{}", complained(&made));
        let text = fs::read_to_string(&list).expect("it is there");
        let text = text.replace("url = \"http://127.0.0.1:1\"\n", "timeout_seconds = 20\n");
        let text = text.split("[[price]]").next().expect("there is a beginning").to_owned();
        let prices = "[[price]]\ntool = \"search\"\namount = \"0.03 CNY\"\n[[price]]\ntool = \"wait\"\namount = \"0.02 CNY\"\n[[free]]\ntool = \"ping\"\n";
        fs::write(&list, text + prices).expect("the directory is ours");
        Stall { directory, dev, at, workshop }
    }

    /// Starts the booth, and waits until it says that it listens.
    fn open(&self, more: &[&str]) -> (Running, Vec<Value>) {
        let listen = self.at.trim_start_matches("http://");
        let list = self.directory.0.join("prices.toml");
        let mut child = Command::new(env!("CARGO_BIN_EXE_tollbridge"))
            .args(["seller", "mcp", "--json", "--listen", listen, "--config"])
            .arg(list)
            .args(more)
            .args(["--", "python3", SCRIPT])
            .arg(&self.workshop)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut said = Vec::new();
        for line in BufReader::new(child.stdout.take().expect("it is a pipe")).lines() {
            let line: Value = serde_json::from_str(&line.expect("a line")).expect("it is JSON");
            said.push(line);
            if said.last().is_some_and(|line| line["listening"].is_string()) {
                break;
            }
        }
        (Running(child), said)
    }

    fn buying(&self, tool: &str, purchase: &str, max_price: &str) -> Command {
        let directory = self.dev.text("directory");
        let mut command = Command::new(env!("CARGO_BIN_EXE_tollbridge"));
        command
            .args(["mcp", "call", tool, r#"{"q": "bridges"}"#, "--json", "--at"])
            .arg(format!("{}/mcp", self.at))
            .args(["--purchase", purchase, "--max-price", max_price, "--server", self.dev.text("server")])
            .args(["--key", &format!("{directory}/agent.json"), "--wallet", self.dev.text("wallet")])
            .args(["--purchases", &format!("{directory}/purchases")])
            .env("NO_COLOR", "1");
        command
    }

    /// Buys a call, and answers how that ended and what was said.
    fn buy(&self, tool: &str, purchase: &str, max_price: &str) -> (Option<i32>, Value) {
        let done = self.buying(tool, purchase, max_price).output().expect("the program starts");
        let said = serde_json::from_str(&printed(&done)).unwrap_or_else(|_| json!(complained(&done)));
        (done.status.code(), said)
    }

    fn asked(&self, tool: &str) -> usize {
        let text = fs::read_to_string(self.workshop.join("calls")).unwrap_or_default();
        text.lines().filter(|line| line.contains(&format!("\"name\": \"{tool}\""))).count()
    }

    fn left(&self) -> u64 {
        let key = format!("{}/agent.json", self.dev.text("directory"));
        let words = ["wallet", "show", "--json", "--server", self.dev.text("server"), "--key", &key];
        let shown = tollbridge(&[&words[..], &[self.dev.text("wallet")]].concat());
        let said: Value = serde_json::from_str(&printed(&shown)).expect("it is JSON");
        said["available"]["amount"].as_str().and_then(|text| text.parse().ok()).expect("an amount")
    }
}

#[test]
fn a_tool_is_bought_once_for_each_purchase_key_within_its_price() {
    let stall = Stall::new();
    let (booth, said) = stall.open(&[]);
    let prices: Vec<Value> = said.iter().filter(|line| line["tool"].is_string()).cloned().collect();
    let priced = json!([{"tool": "ping", "price": null}, {"tool": "search", "price": "0.03 CNY"}, {"tool": "wait", "price": "0.02 CNY"}]);
    assert_eq!(Value::from(prices), priced);
    let before = stall.left();
    let (code, said) = stall.buy("search", "dear", "0.02 CNY");
    assert_eq!((code, stall.left()), (Some(3), before), "{said}");
    let (code, said) = stall.buy("search", "one", "0.03 CNY");
    assert_eq!(
        (code, &said["result"]["content"][0]["text"]),
        (Some(0), &json!("search {'q': 'bridges'}")),
        "{said}"
    );
    let (code, again) = stall.buy("search", "one", "0.03 CNY");
    assert_eq!(
        (code, &again["hold"], &again["result"]["content"]),
        (Some(0), &said["hold"], &said["result"]["content"])
    );
    assert_eq!((stall.asked("search"), before - stall.left()), (1, 3));
    let (code, said) = stall.buy("ping", "free", "0.01 CNY");
    assert_eq!((code, &said["payment"]), (Some(0), &json!("free")), "{said}");
    for (tool, code) in [("hidden", 2), ("nothing", 2)] {
        assert_eq!(stall.buy(tool, tool, "0.50 CNY").0, Some(code), "{tool}");
    }
    drop(booth);
    assert_eq!(stall.buy("search", "two", "0.03 CNY").0, Some(7), "nobody is there");
    assert_eq!(before - stall.left(), 3);
}

#[test]
fn a_booth_that_is_killed_in_the_midst_of_a_call_charges_once() {
    let stall = Stall::new();
    let before = stall.left();
    let (booth, _) = stall.open(&[]);
    let mut buying = stall
        .buying("wait", "one", "0.50 CNY")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    while stall.asked("wait") == 0 {
        assert!(buying.try_wait().expect("it runs").is_none(), "it ended before it was called");
        std::thread::yield_now();
    }
    drop(booth);
    let ended = buying.wait().expect("it ends");
    assert!(!ended.success(), "nobody answered");
    assert_eq!(before - stall.left(), 2, "it is held");
    fs::write(stall.workshop.join("go"), "").expect("the directory is ours");
    let (_booth, said) = stall.open(&[]);
    assert!(!said.iter().any(|line| line["differs"].is_string()), "{said:?}");
    let (code, said) = stall.buy("wait", "one", "0.50 CNY");
    assert_eq!(
        (code, &said["result"]["content"][0]["text"]),
        (Some(0), &json!("wait {'q': 'bridges'}")),
        "{said}"
    );
    let (code, again) = stall.buy("wait", "one", "0.50 CNY");
    assert_eq!((code, &again["hold"]), (Some(0), &said["hold"]));
    // The server behind was asked by each of the two booths, under one key; the buyer paid once.
    let text = fs::read_to_string(stall.workshop.join("calls")).expect("it was called");
    let key = |line: &str| {
        serde_json::from_str::<Value>(line).expect("JSON")["meta"]["tollbridge/delivery-key"].clone()
    };
    let keys: Vec<Value> = text.lines().map(key).collect();
    assert_eq!((keys.len(), &keys[0]), (2, &keys[1]));
    assert_eq!(before - stall.left(), 2);
}

#[test]
fn changed_tools_are_shown_to_the_seller_and_sold_when_he_agrees() {
    let stall = Stall::new();
    drop(stall.open(&[]));
    fs::write(stall.workshop.join("changed"), "").expect("the directory is ours");
    let changed = json!({"tool": "search", "differs": "changed", "agreed": false});
    let (booth, said) = stall.open(&[]);
    assert!(said.contains(&changed), "{said:?}");
    assert_eq!(stall.buy("search", "one", "0.50 CNY").0, Some(2), "it is not offered");
    drop(booth);
    let (_booth, said) = stall.open(&["--agree"]);
    assert!(said.contains(&json!({"tool": "search", "differs": "changed", "agreed": true})), "{said:?}");
    assert_eq!(stall.buy("search", "one", "0.50 CNY").0, Some(0));
}
