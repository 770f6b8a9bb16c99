//! Prices on the tools of somebody else's MCP server: sold by one program, bought by another, and either may die.

use crate::stand::{self, Running, bought};
use serde_json::{Value, json};
use std::fs;
use std::ops::Deref;
use std::process::{Command, Stdio};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../mcp/tests/upstream.py");

const PRICES: &str = r#"
[[price]]
tool = "search"
amount = "0.03 CNY"
[[price]]
tool = "wait"
amount = "0.02 CNY"
[[free]]
tool = "ping"
"#;

/// A booth before a server of tools.
pub(crate) struct Stall(stand::Stand);

impl Deref for Stall {
    type Target = stand::Stand;

    fn deref(&self) -> &stand::Stand {
        &self.0
    }
}

impl Stall {
    pub(crate) fn new() -> Stall {
        let stand = stand::Stand::new(|_| "http://127.0.0.1:1".to_owned(), PRICES);
        // What stands behind is no server of HTTP.
        let list = stand.directory.0.join("prices.toml");
        let text = fs::read_to_string(&list).expect("it is there");
        let text = text.replace("url = \"http://127.0.0.1:1\"\n", "timeout_seconds = 20\n");
        fs::write(&list, text).expect("the directory is ours");
        Stall(stand)
    }

    pub(crate) fn open(&self, more: &[&str]) -> (Running, Vec<Value>) {
        let workshop = self.workshop.display().to_string();
        self.0.open("mcp", &[more, &["--", "python3", SCRIPT, &workshop]].concat())
    }

    fn buying(&self, tool: &str, purchase: &str, max_price: &str) -> Command {
        let at = format!("{}/mcp", self.at);
        let words = ["mcp", "call", tool, r#"{"q": "bridges"}"#, "--at", &at];
        self.0.buying(&words, purchase, max_price)
    }

    pub(crate) fn buy(&self, tool: &str, purchase: &str, max_price: &str) -> (Option<i32>, Value) {
        bought(self.buying(tool, purchase, max_price))
    }

    fn asked(&self, tool: &str) -> usize {
        self.calls().lines().filter(|line| line.contains(&format!("\"name\": \"{tool}\""))).count()
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
