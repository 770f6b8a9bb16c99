//! Two agents over A2A, and no person between them: one program sells, another buys, and either may die.

use crate::stand::{self, Running, bought};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader};
use std::ops::Deref;
use std::path::Path;
use std::process::{Command, Stdio};

const SERVICE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../a2a/tests/service.py");

const PROFILE: &str = r#"
name = "Bridges"
description = "Finds bridges."
version = "1.0"
"#;

const PRICES: &str = r#"
[[price]]
skill = "search"
amount = "0.03 CNY"
[[price]]
skill = "*"
amount = "0.02 CNY"
[[free]]
skill = "ping"
"#;

/// A service, and an agent that sells what it does.
pub(crate) struct Stand {
    stand: stand::Stand,
    _service: Running,
}

impl Deref for Stand {
    type Target = stand::Stand;

    fn deref(&self) -> &stand::Stand {
        &self.stand
    }
}

impl Stand {
    pub(crate) fn new() -> Stand {
        let mut service = None;
        let stand = stand::Stand::new(|workshop| served(workshop, &mut service), PRICES);
        let skill = |id: &str| {
            format!(
                "[[skill]]\nid = \"{id}\"\nname = \"{id}\"\ndescription = \"Does {id}.\"\ntags = [\"test\"]\npath = \"/{id}\"\n"
            )
        };
        let skills = ["search", "wait", "refuse", "ping"].map(skill).concat();
        fs::write(stand.directory.0.join("agent.toml"), format!("{PROFILE}{skills}"))
            .expect("the directory is ours");
        Stand { stand, _service: service.expect("it was started") }
    }

    pub(crate) fn open(&self) -> (Running, Vec<Value>) {
        let profile = self.directory.0.join("agent.toml").display().to_string();
        self.stand.open("a2a", &["--profile", &profile])
    }

    fn buying(&self, skill: &str, purchase: &str, max_price: &str) -> Command {
        let words = ["a2a", "call", &self.at, "--skill", skill, "--message", "bridges"];
        self.stand.buying(&words, purchase, max_price)
    }

    pub(crate) fn buy(&self, skill: &str, purchase: &str, max_price: &str) -> (Option<i32>, Value) {
        bought(self.buying(skill, purchase, max_price))
    }

    /// What the service was asked at a path.
    fn asked(&self, path: &str) -> Vec<Value> {
        let text = self.calls();
        let calls = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        calls.filter(|call| call["path"] == path).collect()
    }
}

/// Starts the service, and answers where it is.
fn served(workshop: &Path, service: &mut Option<Running>) -> String {
    let mut child = Command::new("python3")
        .args([SERVICE, &workshop.display().to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the service starts");
    let mut at = String::new();
    let said = child.stdout.take().expect("it is a pipe");
    BufReader::new(said).read_line(&mut at).expect("it says where it listens");
    *service = Some(Running(child));
    at.trim().to_owned()
}

fn made(said: &Value) -> &Value {
    &said["task"]["artifacts"][0]["parts"][0]["text"]
}

#[test]
fn a_skill_is_bought_once_for_each_purchase_key_within_its_price() {
    let stand = Stand::new();
    let (seller, said) = stand.open();
    let prices: Vec<Value> = said.iter().filter(|line| line["skill"].is_string()).cloned().collect();
    let priced = json!([
        { "skill": "search", "price": "0.03 CNY" }, { "skill": "wait", "price": "0.02 CNY" },
        { "skill": "refuse", "price": "0.02 CNY" }, { "skill": "ping", "price": null },
    ]);
    assert_eq!(Value::from(prices), priced);
    let before = stand.left();
    let (code, said) = stand.buy("search", "dear", "0.02 CNY");
    assert_eq!((code, stand.left()), (Some(3), before), "{said}");
    let (code, said) = stand.buy("search", "one", "0.03 CNY");
    assert_eq!((code, made(&said)), (Some(0), &json!("search bridges")), "{said}");
    assert_eq!((&said["card"], &said["agent"]), (&json!("signed"), &json!("Bridges")));
    let (code, again) = stand.buy("search", "one", "0.03 CNY");
    assert_eq!((code, &again["hold"], made(&again)), (Some(0), &said["hold"], made(&said)));
    assert_eq!((stand.asked("/search").len(), before - stand.left()), (1, 3));
    let (code, said) = stand.buy("ping", "free", "0.01 CNY");
    assert_eq!((code, &said["payment"]), (Some(0), &json!("free")), "{said}");
    let (code, said) = stand.buy("refuse", "no", "0.02 CNY");
    assert_eq!((code, before - stand.left()), (Some(3), 3), "{said}");
    assert_eq!(stand.buy("nothing", "nothing", "0.50 CNY").0, Some(2));
    drop(seller);
    assert_eq!(stand.buy("search", "two", "0.03 CNY").0, Some(7), "nobody is there");
    assert_eq!(before - stand.left(), 3);
}

#[test]
fn two_agents_of_which_both_are_killed_in_the_midst_come_to_the_end_and_pay_once() {
    let stand = Stand::new();
    let before = stand.left();
    let (seller, _) = stand.open();
    let mut buying = stand
        .buying("wait", "one", "0.50 CNY")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    while stand.asked("/wait").is_empty() {
        assert!(buying.try_wait().expect("it runs").is_none(), "it ended before the service was asked");
        std::thread::yield_now();
    }
    drop(Running(buying));
    drop(seller);
    assert_eq!(before - stand.left(), 2, "it is held");
    // The seller goes on by itself, before anybody asks.
    let (seller, _) = stand.open();
    while stand.asked("/wait").len() < 2 {
        std::thread::yield_now();
    }
    fs::write(stand.workshop.join("go"), "").expect("the directory is ours");
    let (code, said) = stand.buy("wait", "one", "0.50 CNY");
    assert_eq!((code, made(&said)), (Some(0), &json!("wait bridges")), "{said}");
    drop(seller);
    let (_seller, _) = stand.open();
    let (code, again) = stand.buy("wait", "one", "0.50 CNY");
    assert_eq!((code, &again["hold"], &again["task"]["id"]), (Some(0), &said["hold"], &said["task"]["id"]));
    // The service was asked by each of the two sellers, under one key; the buyer paid once.
    let asked = stand.asked("/wait");
    assert_eq!((asked.len(), &asked[0]["key"]), (2, &asked[1]["key"]));
    assert_eq!(before - stand.left(), 2);
}
