//! Price lists from descriptions, and what they would have earned.

use crate::books::{Directory, complained, printed, tollbridge};
use crate::dev::Dev;
use serde_json::{Value, json};
use std::fs;

const WHO: [&str; 4] = ["--payee", "pye_01KAZ0A3C0ET1N8R7P6QGX5W9D", "--asset", "CNY/2"];

const YAML: &str = "openapi: 3.1.0\npaths:\n  /search:\n    get: {summary: \"One \\\"search\\\"\"}\n  /render:\n    post: {}\n  /health:\n    get: {}\n";

fn init(directory: &Directory, description: &str, more: &[&str]) -> std::process::Output {
    fs::create_dir_all(&directory.0).expect("the directory is ours");
    let (from, out) = (directory.0.join("openapi"), directory.0.join("prices.toml"));
    fs::write(&from, description).expect("the directory is ours");
    let (from, out) = (from.display().to_string(), out.display().to_string());
    let mut arguments =
        vec!["seller", "init", "--upstream", "http://127.0.0.1:3000", "--openapi", &from, "--out", &out];
    arguments.extend(WHO);
    arguments.extend(more);
    tollbridge(&arguments)
}

#[test]
fn a_price_list_is_suggested_and_never_written_over_in_silence() {
    let directory = Directory::new();
    let made = init(&directory, YAML, &["--json"]);
    assert_eq!(made.status.code(), Some(0), "{}", complained(&made));
    let mut found: Vec<Value> =
        printed(&made).lines().map(|line| serde_json::from_str(line).expect("it is JSON")).collect();
    found.sort_by_key(|it| it["path"].as_str().map(str::to_owned));
    let found: Vec<Value> =
        found.iter().map(|it| json!([it["path"], it["suggestion"], it["amount"]])).collect();
    assert_eq!(
        Value::from(found),
        json!([["/health", "free", null], ["/render", "write", "0.10 CNY"], ["/search", "read", "0.01 CNY"]])
    );
    let list = directory.0.join("prices.toml");
    fs::write(&list, "mine").expect("the directory is ours");
    let again = init(&directory, YAML, &[]);
    assert_eq!(again.status.code(), Some(2));
    assert!(complained(&again).contains("--overwrite"), "{}", complained(&again));
    assert_eq!(fs::read_to_string(&list).expect("it is there"), "mine");
    // The same in JSON, on purpose over it, with prices of one's own.
    let description = json!({"paths": {"/search": {"get": {}}, "/render": {"post": {}}}}).to_string();
    let over = init(&directory, &description, &["--overwrite", "--read", "0.02", "--write", "1"]);
    assert_eq!(over.status.code(), Some(0), "{}", complained(&over));
    let text = fs::read_to_string(&list).expect("it is there");
    assert!(text.contains("amount = \"0.02 CNY\"") && text.contains("amount = \"1.00 CNY\""), "{text}");
    for (description, more, why) in [
        ("{}", &[][..], "no `paths`"),
        (": :\n  -", &[], "description"),
        (YAML, &["--read", "0.001"], "no price"),
    ] {
        let no = init(&directory, description, &[&["--overwrite"], more].concat());
        assert_eq!(no.status.code(), Some(2), "{description}");
        assert!(complained(&no).contains(why), "{}", complained(&no));
    }
}

#[test]
fn a_log_is_added_up_exactly() {
    let directory = Directory::new();
    assert_eq!(init(&directory, YAML, &[]).status.code(), Some(0));
    let log = directory.0.join("access.log");
    let mut lines = String::new();
    for n in 0..1_000 {
        lines.push_str(&format!(
            "10.0.0.{} - - [22/Nov/2026:08:00:00 +0000] \"GET /search?q={n} HTTP/1.1\" 200 9\n",
            n % 7
        ));
    }
    lines.push_str("{\"method\":\"POST\",\"path\":\"/render\",\"status\":201}\n");
    lines.push_str("{\"method\":\"POST\",\"path\":\"/render\",\"status\":503}\n");
    lines.push_str("{\"method\":\"GET\",\"path\":\"/health\",\"status\":200}\nnonsense\n");
    fs::write(&log, lines).expect("the directory is ours");
    let (log, list) = (log.display().to_string(), directory.0.join("prices.toml").display().to_string());
    let planned = tollbridge(&["seller", "plan", "--log", &log, "--config", &list, "--json"]);
    assert_eq!(planned.status.code(), Some(0), "{}", complained(&planned));
    let found: Vec<Value> =
        printed(&planned).lines().map(|line| serde_json::from_str(line).expect("it is JSON")).collect();
    assert_eq!((&found[0]["route"], &found[0]["most"]["amount"]), (&json!("GET /search"), &json!("1000")));
    assert_eq!((&found[1]["calls"], &found[1]["failed"]), (&json!(1), &json!(1)));
    let all = &found[2];
    assert_eq!(
        (&all["least"], &all["most"]["amount"]),
        (&json!({"amount": "1010", "asset": "CNY/2"}), &json!("1010"))
    );
    assert_eq!((&all["lines"], &all["unreadable"], &all["given"]), (&json!(1_004), &json!(1), &json!(1)));
}

#[test]
fn a_gateway_that_nobody_could_use_does_not_start() {
    let directory = Directory::new();
    assert_eq!(init(&directory, YAML, &[]).status.code(), Some(0));
    let list = directory.0.join("prices.toml");
    let text = fs::read_to_string(&list).expect("it is there");
    let without = text.replace("[upstream]\nurl = \"http://127.0.0.1:3000\"\n", "");
    assert_ne!(text, without);
    fs::write(&list, without).expect("the directory is ours");
    let no = tollbridge(&["gateway", "--config", &list.display().to_string(), "--listen", "127.0.0.1:0"]);
    assert_eq!(no.status.code(), Some(2), "{}", complained(&no));
    assert!(complained(&no).contains("front_secret_file"), "{}", complained(&no));
}

#[test]
fn a_key_is_drawn_for_a_page_and_never_over_another() {
    let directory = Directory::new();
    fs::create_dir_all(&directory.0).expect("the directory is ours");
    let file = directory.0.join("seller.json").display().to_string();
    let drawn = tollbridge(&["seller", "key", "--save", &file, "--json"]);
    assert_eq!(drawn.status.code(), Some(0), "{}", complained(&drawn));
    let said: Value = serde_json::from_str(&printed(&drawn)).expect("it is JSON");
    let line = said["line"].as_str().expect("it has a line");
    let kept = fs::read_to_string(&file).expect("it is kept");
    let words: Vec<&str> = line.split(' ').collect();
    let [key, "ed25519", public] = words[..] else { panic!("{line}") };
    assert!(kept.contains(key) && !kept.contains(public), "the file has the name and the secret half");
    let again = tollbridge(&["seller", "key", "--save", &file]);
    assert_eq!(again.status.code(), Some(2));
    assert_eq!(fs::read_to_string(&file).expect("it is there"), kept);
}

#[test]
fn a_statement_comes_to_the_balance_and_a_record_is_held_against_it() {
    let directory = Directory::new();
    let at = directory.0.join("dev");
    let dev = Dev::anywhere(&at.display().to_string());
    let mut ids: Vec<String> = (0..3)
        .map(|n| dev.buy(&format!("sale-{n}"))["hold"].as_str().expect("it is held").to_owned())
        .collect();
    let key = at.join("weather-seller.json").display().to_string();
    let who = ["--server", dev.text("server"), "--key", &key];
    let seller = |words: &[&str]| tollbridge(&[&["seller"], words, &who].concat());
    // What was delivered is collected a moment later.
    let statement = (0..200).find_map(|_| {
        let statement = seller(&["statement"]);
        assert_eq!(statement.status.code(), Some(0), "{}", complained(&statement));
        let text = printed(&statement);
        if text.matches(",sale,").count() == 3 {
            return Some(text);
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
        None
    });
    let statement = statement.expect("three sales are collected");
    assert!(statement.lines().last().is_some_and(|line| line.ends_with(",CNY,0.03")), "{statement}");
    let camt = printed(&seller(&["statement", "--form", "camt053"]));
    assert_eq!(camt.matches("<CdtDbtInd>CRDT</CdtDbtInd><Sts>").count(), 3, "{camt}");

    let record = directory.0.join("record.csv");
    let compare = |rows: &[String]| {
        fs::write(&record, format!("id,amount\n{}\n", rows.join("\n"))).expect("the directory is ours");
        let compared = seller(&["reconcile", &record.display().to_string(), "--json"]);
        let said: Vec<Value> =
            printed(&compared).lines().map(|line| serde_json::from_str(line).expect("it is JSON")).collect();
        (compared.status.code(), said)
    };
    let honest: Vec<String> = ids.iter().map(|id| format!("{id},0.01")).collect();
    assert_eq!(compare(&honest), (Some(0), vec![json!({"agree": 3, "differ": 0})]));
    // One row is missing, one has another amount, one was never sold.
    let other = "hld_01KAZ0A3C0ET1N8R7P6QGX5W9D,0.01".to_owned();
    ids.sort();
    let (code, said) = compare(&[format!("{},0.02", ids[0]), format!("{},0.01", ids[1]), other.clone()]);
    let found: Vec<_> = said.iter().map(|it| (it["difference"].as_str(), it["id"].as_str())).collect();
    assert_eq!(code, Some(6), "{said:?}");
    assert_eq!(
        found,
        [
            (Some("amount"), Some(ids[0].as_str())),
            (Some("missing"), Some(ids[2].as_str())),
            (Some("extra"), other.split(',').next()),
            (None, None)
        ]
    );
}
