//! Two agents over A2A, and no person between them: one program sells, another buys, and either may die.

use crate::books::{Directory, complained, printed, tollbridge};
use crate::dev::Dev;
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

const SERVICE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../a2a/tests/service.py");

const PROFILE: &str = r#"
name = "Bridges"
description = "Finds bridges."
version = "1.0"
"#;

/// `tollbridge dev`, a service, and a price list of its first seller for skills.
struct Stand {
    directory: Directory,
    dev: Dev,
    at: String,
    workshop: PathBuf,
    _service: Running,
}

/// A program that runs until it is killed.
struct Running(Child);

impl Drop for Running {
    /// `kill -9`.
    fn drop(&mut self) {
        // It may have ended.
        let _ = (self.0.kill(), self.0.wait());
    }
}

impl Stand {
    fn new() -> Stand {
        let directory = Directory::new();
        let dev = Dev::anywhere(&format!("{}/dev", directory.text()));
        let workshop = directory.0.join("workshop");
        fs::create_dir(&workshop).expect("the directory is ours");
        let mut service = Command::new("python3")
            .args([SERVICE, &workshop.display().to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the service starts");
        let mut behind = String::new();
        let said = service.stdout.take().expect("it is a pipe");
        BufReader::new(said).read_line(&mut behind).expect("it says where it listens");
        // A port that was free a moment ago.
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
        let (list, api) = (directory.0.join("prices.toml"), directory.0.join("api.json"));
        fs::write(&api, r#"{"paths": {"/x": {"get": {}}}}"#).expect("the directory is ours");
        let key = format!("{}/weather-seller.json", dev.text("directory"));
        let (list, api) = (list.display().to_string(), api.display().to_string());
        let at = format!("http://{port}");
        let words = ["seller", "init", "--upstream", behind.trim(), "--openapi", &api, "--out", &list];
        let who = ["--key", &key, "--server", dev.text("server"), "--public-url", &at];
        let made = tollbridge(&[&words[..], &who[..]].concat());
        assert_eq!(made.status.code(), Some(0), "{}", complained(&made));
        let text = fs::read_to_string(&list).expect("it is there");
        let text = text.split("[[price]]").next().expect("there is a beginning").to_owned();
        let prices = "[[price]]\nskill = \"search\"\namount = \"0.03 CNY\"\n[[price]]\nskill = \"*\"\namount = \"0.02 CNY\"\n[[free]]\nskill = \"ping\"\n";
        fs::write(&list, text + prices).expect("the directory is ours");
        let skill = |id: &str| {
            format!(
                "[[skill]]\nid = \"{id}\"\nname = \"{id}\"\ndescription = \"Does {id}.\"\ntags = [\"test\"]\npath = \"/{id}\"\n"
            )
        };
        let skills = ["search", "wait", "refuse", "ping"].map(skill).concat();
        fs::write(directory.0.join("agent.toml"), format!("{PROFILE}{skills}"))
            .expect("the directory is ours");
        Stand { directory, dev, at, workshop, _service: Running(service) }
    }

    /// Starts the agent that sells, and waits until it says that it listens.
    fn open(&self) -> (Running, Vec<Value>) {
        let listen = self.at.trim_start_matches("http://");
        let mut child = Command::new(env!("CARGO_BIN_EXE_tollbridge"))
            .args(["seller", "a2a", "--json", "--listen", listen])
            .arg("--config")
            .arg(self.directory.0.join("prices.toml"))
            .arg("--profile")
            .arg(self.directory.0.join("agent.toml"))
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

    fn buying(&self, skill: &str, purchase: &str, max_price: &str) -> Command {
        let directory = self.dev.text("directory");
        let mut command = Command::new(env!("CARGO_BIN_EXE_tollbridge"));
        command
            .args(["a2a", "call", &self.at, "--skill", skill, "--message", "bridges", "--json"])
            .args(["--purchase", purchase, "--max-price", max_price, "--server", self.dev.text("server")])
            .args(["--key", &format!("{directory}/agent.json"), "--wallet", self.dev.text("wallet")])
            .args(["--purchases", &format!("{directory}/purchases")])
            .env("NO_COLOR", "1");
        command
    }

    /// Buys, and answers how that ended and what was said.
    fn buy(&self, skill: &str, purchase: &str, max_price: &str) -> (Option<i32>, Value) {
        let done = self.buying(skill, purchase, max_price).output().expect("the program starts");
        let said = serde_json::from_str(&printed(&done)).unwrap_or_else(|_| json!(complained(&done)));
        (done.status.code(), said)
    }

    /// What the service was asked at a path.
    fn asked(&self, path: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.workshop.join("calls")).unwrap_or_default();
        let calls = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        calls.filter(|call| call["path"] == path).collect()
    }

    fn left(&self) -> u64 {
        let key = format!("{}/agent.json", self.dev.text("directory"));
        let words = ["wallet", "show", "--json", "--server", self.dev.text("server"), "--key", &key];
        let shown = tollbridge(&[&words[..], &[self.dev.text("wallet")]].concat());
        let said: Value = serde_json::from_str(&printed(&shown)).expect("it is JSON");
        said["available"]["amount"].as_str().and_then(|text| text.parse().ok()).expect("an amount")
    }
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
