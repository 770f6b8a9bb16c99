//! The developer's machine in one command: it sells, it is ended with all that belongs to it, and it goes on.

use crate::books::{Directory, printed, tollbridge};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

pub(crate) struct Dev {
    child: Child,
    said: Value,
}

impl Dev {
    fn start(directory: &str, at: SocketAddr) -> Dev {
        Dev::start_with(directory, at, &[])
    }

    /// With these variables set: its server reads them, too.
    pub(crate) fn start_with(directory: &str, at: SocketAddr, variables: &[(&str, &str)]) -> Dev {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tollbridge"))
            .args(["dev", "--json", "--directory", directory, "--listen", &at.to_string()])
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("it is a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("it says where");
        // Nothing where it ended: then somebody has one of its ports.
        let said = serde_json::from_str(&line).unwrap_or_default();
        Dev { child, said }
    }

    /// At three ports that are free. Between looking and taking, another test may be quicker: then at three others.
    pub(crate) fn anywhere(directory: &str) -> Dev {
        for _ in 0..20 {
            let dev = Dev::start(directory, three_addresses());
            if dev.said.is_object() {
                return dev;
            }
        }
        panic!("no three ports are free");
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        self.said[name].as_str().expect("a text")
    }

    /// The first seller's page.
    pub(crate) fn page(&self) -> &str {
        self.said["sellers"][0].as_str().expect("there are two")
    }

    /// Buys the first seller's page, as the printed line does.
    pub(crate) fn buy(&self, purchase: &str) -> Value {
        let directory = self.text("directory");
        let (key, purchases) = (format!("{directory}/agent.json"), format!("{directory}/purchases"));
        let seller = self.page();
        let (server, wallet) = (self.text("server"), self.text("wallet"));
        let words = ["pay", seller, "--json", "--purchase", purchase, "--max-price", "0.50"];
        let places = ["--server", server, "--key", &key, "--wallet", wallet, "--purchases", &purchases];
        let paid = tollbridge(&[&words[..], &places[..]].concat());
        assert_eq!(paid.status.code(), Some(0), "{}", String::from_utf8_lossy(&paid.stderr));
        serde_json::from_str(&printed(&paid)).expect("one object")
    }
}

/// `kill -9`, and what it started ends, too.
impl Drop for Dev {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if !self.said.is_object() {
            return;
        }
        let at: SocketAddr = self.text("server").trim_start_matches("http://").parse().expect("an address");
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(20) {
            if TcpStream::connect(at).is_err() {
                return;
            }
            sleep(Duration::from_millis(20));
        }
        assert!(std::thread::panicking(), "the server outlived its parent");
    }
}

/// An address behind which two more are free.
pub(crate) fn three_addresses() -> SocketAddr {
    loop {
        let first = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let at = first.local_addr().expect("it listens");
        let next = |step| TcpListener::bind((at.ip(), at.port().checked_add(step)?)).ok();
        if next(1).is_some() && next(2).is_some() {
            return at;
        }
    }
}

#[test]
fn dev_sells_ends_with_all_that_is_its_own_and_goes_on() {
    let directory = Directory::new();
    let kept = directory.0.join("dev").display().to_string();
    let at = three_addresses();
    let dev = Dev::start(&kept, at);
    let first = dev.buy("first");
    assert!(first["hold"].is_string(), "{first}");
    assert_eq!(dev.buy("first")["hold"], first["hold"], "one key, one purchase");

    let key = format!("{kept}/book");
    let put_forward = ["clock", "advance", "1d", "--server", dev.text("server"), "--key", &key];
    assert_eq!(tollbridge(&put_forward).status.code(), Some(0));
    // The sellers learn of the new day by themselves.
    sleep(Duration::from_millis(500));
    dev.buy("tomorrow");
    drop(dev);

    let dev = Dev::start(&kept, at);
    assert_eq!(dev.buy("first")["hold"], first["hold"], "what was bought is remembered");
    dev.buy("third");
    let taken = tollbridge(&["dev", "--directory", &format!("{kept}-2"), "--listen", &at.to_string()]);
    assert_eq!(taken.status.code(), Some(1), "somebody else's server is not taken for its own");
}
