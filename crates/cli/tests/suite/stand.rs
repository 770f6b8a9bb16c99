//! `tollbridge dev`, and a seller of its first account whose price list has no routes of HTTP: sold by one program, bought by
//! another, and either may be killed.

use crate::books::{Directory, complained, printed, tollbridge};
use crate::dev::Dev;
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// What stands ready before anything is sold.
pub(crate) struct Stand {
    pub(crate) directory: Directory,
    pub(crate) dev: Dev,
    /// Where it is sold.
    pub(crate) at: String,
    /// Where the service behind writes down what it was asked.
    pub(crate) workshop: PathBuf,
}

/// A program that runs until it is killed.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    /// `kill -9`.
    fn drop(&mut self) {
        // It may have ended.
        let _ = (self.0.kill(), self.0.wait());
    }
}

impl Stand {
    /// With the prices that are said, for what `behind` answers at; what it is given is the workshop.
    pub(crate) fn new(behind: impl FnOnce(&Path) -> String, prices: &str) -> Stand {
        let directory = Directory::new();
        let dev = Dev::anywhere(&format!("{}/dev", directory.text()));
        let workshop = directory.0.join("workshop");
        fs::create_dir(&workshop).expect("the directory is ours");
        let behind = behind(&workshop);
        // A port that was free a moment ago.
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
        let (list, api) = (directory.0.join("prices.toml"), directory.0.join("api.json"));
        fs::write(&api, r#"{"paths": {"/x": {"get": {}}}}"#).expect("the directory is ours");
        let key = format!("{}/weather-seller.json", dev.text("directory"));
        let (list, api) = (list.display().to_string(), api.display().to_string());
        let at = format!("http://{port}");
        let words = ["seller", "init", "--upstream", &behind, "--openapi", &api, "--out", &list];
        let who = ["--key", &key, "--server", dev.text("server"), "--public-url", &at];
        let made = tollbridge(&[&words[..], &who[..]].concat());
        assert_eq!(made.status.code(), Some(0), "{}", complained(&made));
        let text = fs::read_to_string(&list).expect("it is there");
        let text = text.split("[[price]]").next().expect("there is a beginning").to_owned();
        fs::write(&list, text + prices).expect("the directory is ours");
        Stand { directory, dev, at, workshop }
    }

    /// Starts `seller` with these words, and waits until it says that it listens.
    pub(crate) fn open(&self, seller: &str, words: &[&str]) -> (Running, Vec<Value>) {
        let listen = self.at.trim_start_matches("http://");
        let mut child = Command::new(env!("CARGO_BIN_EXE_tollbridge"))
            .args(["seller", seller, "--json", "--listen", listen, "--config"])
            .arg(self.directory.0.join("prices.toml"))
            .args(words)
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

    /// A program that buys with these words.
    pub(crate) fn buying(&self, words: &[&str], purchase: &str, max_price: &str) -> Command {
        let directory = self.dev.text("directory");
        let mut command = Command::new(env!("CARGO_BIN_EXE_tollbridge"));
        command
            .args(words)
            .args(["--json", "--purchase", purchase, "--max-price", max_price])
            .args(["--server", self.dev.text("server"), "--wallet", self.dev.text("wallet")])
            .args(["--key", &format!("{directory}/agent.json")])
            .args(["--purchases", &format!("{directory}/purchases")])
            .env("NO_COLOR", "1");
        command
    }

    /// What is left in the agent's wallet, in fen.
    pub(crate) fn left(&self) -> u64 {
        let key = format!("{}/agent.json", self.dev.text("directory"));
        let words = ["wallet", "show", "--json", "--server", self.dev.text("server"), "--key", &key];
        let shown = tollbridge(&[&words[..], &[self.dev.text("wallet")]].concat());
        let said: Value = serde_json::from_str(&printed(&shown)).expect("it is JSON");
        said["available"]["amount"].as_str().and_then(|text| text.parse().ok()).expect("an amount")
    }

    /// What the service behind was asked, a line each.
    pub(crate) fn calls(&self) -> String {
        fs::read_to_string(self.workshop.join("calls")).unwrap_or_default()
    }
}

/// Runs what buys, and answers how that ended and what was said.
pub(crate) fn bought(mut buying: Command) -> (Option<i32>, Value) {
    let done = buying.output().expect("the program starts");
    let said = serde_json::from_str(&printed(&done)).unwrap_or_else(|_| json!(complained(&done)));
    (done.status.code(), said)
}
