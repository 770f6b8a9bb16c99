//! Tabs through real processes: a gateway that is killed in mid-session, and a client that is.

use crate::books::{Directory, complained, printed, tollbridge};
use crate::dev::{Dev, three_addresses};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// A tenth of a fen, in billionths.
const TICK: u64 = 100_000_000;

/// A process that ends with its test.
pub(crate) struct Running(Child);

/// A seller of ticks, in processes of its own: a book, a service, and a gateway that can be killed.
pub(crate) struct TickShop {
    pub(crate) dev: Dev,
    _service: Running,
    pub(crate) at: SocketAddr,
    config: String,
    gateway: Option<Running>,
}

impl TickShop {
    pub(crate) fn open(directory: &Directory) -> TickShop {
        let (at, [service_at, shop_at, _]) = (three_addresses(), addresses());
        let dev_at = format!("{}/dev", directory.text());
        let dev = Dev::start_with(&dev_at, at, &[]);
        let (server, book) = (dev.text("server"), format!("{dev_at}/book"));
        let seller_key = format!("{}/seller.json", directory.text());
        let words = ["payee", "create", "--server", server, "--key", &book, "--asset", "CNY/2"];
        let made = tollbridge(&[&words[..], &["--category", "pages", "--key-out", &seller_key]].concat());
        assert_eq!(made.status.code(), Some(0), "{}", complained(&made));
        let payee = printed(&made).split_whitespace().next().expect("its name").to_owned();
        fs::create_dir(directory.0.join("pages")).expect("the directory is ours");
        fs::write(directory.0.join("pages/tick.txt"), "tick\n").expect("the directory is ours");
        let service = Running::start(&["files", &format!("{}/pages", directory.text())], service_at);
        let config = format!("{}/prices.toml", directory.text());
        let text = format!(
            "[seller]\nserver = \"{server}\"\npayee = \"{payee}\"\nkey_file = \"seller.json\"\nnetwork = \"toll:test\"\n\
             public_url = \"http://{shop_at}\"\nasset = \"CNY/2\"\ndata = \"gateway\"\n[upstream]\n\
             url = \"http://{service_at}\"\n[[price]]\nmethod = \"GET\"\npath = \"/tick.txt\"\namount = \"0.01 CNY\"\n\
             by_voucher = \"0.001 CNY\"\n"
        );
        fs::write(&config, text).expect("the directory is ours");
        let gateway = Some(Running::start(&["gateway", "--config", &config], shop_at));
        TickShop { dev, _service: service, at: shop_at, config, gateway }
    }

    /// What is left in the agent's wallet, in fen.
    pub(crate) fn left(&self) -> u64 {
        let key = format!("{}/agent.json", self.dev.text("directory"));
        let words = ["wallet", "show", "--json", "--server", self.dev.text("server"), "--key", &key];
        let shown = tollbridge(&[&words[..], &[self.dev.text("wallet")]].concat());
        let said: Value = serde_json::from_str(&printed(&shown)).expect("it is JSON");
        said["available"]["amount"].as_str().and_then(|text| text.parse().ok()).expect("an amount")
    }

    /// Kills the gateway without a warning.
    pub(crate) fn kill(&mut self) {
        drop(self.gateway.take());
    }

    /// Kills it, and starts another one on what it has kept.
    pub(crate) fn restart(&mut self) {
        self.kill();
        self.gateway = Some(Running::start(&["gateway", "--config", &self.config], self.at));
    }
}

impl Running {
    fn start(words: &[&str], at: SocketAddr) -> Running {
        let program = Command::new(env!("CARGO_BIN_EXE_tollbridge"))
            .args(words)
            .args(["--listen", &at.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let mut running = Running(program.expect("the program starts"));
        while TcpStream::connect(at).is_err() {
            assert!(running.0.try_wait().expect("it is ours").is_none(), "`{words:?}` ended");
            sleep(Duration::from_millis(10));
        }
        running
    }
}

/// `kill -9`.
impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn who_is_killed_in_mid_session_loses_no_call_and_counts_none_twice() {
    let directory = Directory::new();
    let mut shop = TickShop::open(&directory);
    let (server, wallet) = (shop.dev.text("server").to_owned(), shop.dev.text("wallet").to_owned());
    let (key, purchases) =
        (format!("{}/dev/agent.json", directory.text()), format!("{}/tabs", directory.text()));
    let places = ["--tab", "ticks", "--server", &server, "--key", &key, "--wallet", &wallet];
    let places = [&places[..], &["--purchases", &purchases]].concat();
    let url = format!("http://{}/tick.txt", shop.at);
    let words = ["tab", "call", &url, "--json", "--cap", "0.50", "--deposit", "0.50", "--max-price", "0.001"];
    let call = |times: &str| {
        Command::new(env!("CARGO_BIN_EXE_tollbridge"))
            .args(words)
            .args(&places)
            .args(["--times", times])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts")
    };
    let lines = |child: &mut Child| {
        let lines = BufReader::new(child.stdout.take().expect("it is a pipe")).lines();
        lines.map(|line| -> Value { serde_json::from_str(&line.expect("a line")).expect("it is JSON") })
    };

    // The gateway dies again and again; each call is owed once.
    let mut client = call("300");
    let mut calls = 0;
    for line in lines(&mut client) {
        calls += 1;
        assert_eq!((&line["payment"], &line["body_bytes"]), (&"paid".into(), &5.into()), "{line}");
        assert_eq!(line["owed_nanos"], (calls * TICK).to_string(), "{line}");
        if calls % 50 == 0 {
            shop.restart();
        }
    }
    assert!(client.wait().expect("it is ours").success());
    assert_eq!(calls, 300);

    // The client dies: what it had under way is owed or not, and the next one knows which.
    for _ in 0..5 {
        let mut client = call("1000");
        let mut heard = lines(&mut client);
        for _ in 0..3 {
            calls += 1;
            assert_eq!(heard.next().expect("a line")["payment"], "paid");
        }
        client.kill().expect("it is ours");
        calls += u64::try_from(heard.count()).expect("not many");
        client.wait().expect("it is ours");
        let mut next = call("1");
        let line = lines(&mut next).next().expect("a line");
        next.wait().expect("it is ours");
        let owed: u64 = line["owed_nanos"].as_str().expect("a sum").parse().expect("digits");
        let unheard = owed / TICK - calls - 1;
        assert!(owed.is_multiple_of(TICK) && unheard <= 1, "{calls} were heard of, and {owed} is owed");
        calls = owed / TICK;
    }
    let closed = tollbridge(&[&["tab", "close", "--json"], &places[..]].concat());
    assert_eq!(closed.status.code(), Some(0), "{}", complained(&closed));
    let line: Value = serde_json::from_str(&printed(&closed)).expect("one object");
    let spent = (calls * TICK + 500_000_000) / 1_000_000_000;
    assert_eq!(line["spent"]["amount"], spent.to_string(), "{calls} calls");
}

fn addresses() -> [SocketAddr; 3] {
    let first = three_addresses();
    [0, 1, 2].map(|step| SocketAddr::new(first.ip(), first.port() + step))
}
