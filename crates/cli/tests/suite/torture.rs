//! The torture of what is sold: our own gateway holds up in every cell, and sellers that do not are found out.

use crate::books::{Directory, printed, tollbridge};
use crate::dev::Dev;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{sleep, spawn};
use std::time::Duration;

/// A process of the program's, ended with the test.
struct Running(Child);

impl Running {
    fn start(words: &[&str], at: SocketAddr) -> Running {
        let program =
            Command::new(env!("CARGO_BIN_EXE_tollbridge")).args(words).stdout(Stdio::null()).spawn();
        let running = Running(program.expect("the program starts"));
        for _ in 0..400 {
            if TcpStream::connect(at).is_ok() {
                return running;
            }
            sleep(Duration::from_millis(25));
        }
        panic!("nobody listens at {at}");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port is free")
}

/// A gateway before `misbehave`, known to buyers as `public`.
struct Shop {
    dev: Dev,
    gateway: SocketAddr,
    _running: [Running; 2],
    _directory: Directory,
}

impl Shop {
    fn open(public: Option<SocketAddr>) -> Shop {
        let directory = Directory::new();
        let at = directory.0.join("dev");
        let dev = Dev::anywhere(&at.display().to_string());
        let (behind, gateway) = (free(), free());
        let misbehave = Running::start(&["misbehave", "--listen", &behind.to_string()], behind);
        let prices = std::fs::read_to_string(at.join("weather-prices.toml")).expect("dev wrote it");
        let begin = prices.find("\nurl = ").expect("there is an upstream") + 1;
        let end = prices[begin..].find('\n').expect("a line ends") + begin;
        let upstream = format!("url = \"http://{behind}\"\ntimeout_seconds = 2");
        let mut prices = prices.replace(&prices[begin..end], &upstream);
        let public = public.unwrap_or(gateway);
        let begin = prices.find("public_url").expect("it has one");
        let end = prices[begin..].find('\n').expect("a line ends") + begin;
        prices.replace_range(begin..end, &format!("public_url = \"http://{public}\""));
        let prices = prices.replace("data = \"weather-gateway\"", "data = \"misbehaving-gateway\"");
        let list = at.join("misbehaving-prices.toml");
        std::fs::write(&list, prices).expect("the directory is ours");
        let words = ["gateway", "--config", &list.display().to_string(), "--listen", &gateway.to_string()];
        let running = [misbehave, Running::start(&words, gateway)];
        Shop { dev, gateway, _running: running, _directory: directory }
    }

    fn torture(&self, at: SocketAddr, more: &[&str]) -> (Output, Vec<Value>) {
        let key = format!("{}/agent.json", self.dev.text("directory"));
        let (url, server, wallet) =
            (format!("http://{at}/"), self.dev.text("server"), self.dev.text("wallet"));
        let words = ["torture", &url, "--json", "--max-price", "0.50", "--server", server, "--key", &key];
        let output = tollbridge(&[&words[..], &["--wallet", wallet], more].concat());
        let said = printed(&output).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        (output, said)
    }
}

#[test]
fn our_own_gateway_holds_up_in_every_cell() {
    let shop = Shop::open(None);
    let (output, said) = shop.torture(shop.gateway, &["--misbehaving"]);
    assert_eq!(output.status.code(), Some(0), "{}", printed(&output));
    let (sum, cells) = said.split_last().expect("it says something");
    assert_eq!((cells.len(), &sum["failed"], &sum["skipped"]), (25, &0.into(), &0.into()));
    let charges = cells.iter().filter(|cell| cell["charges"] == 1).count();
    assert_eq!((charges, &sum["spent"]["amount"]), (15, &"15".into()), "0.01 CNY each, and nothing besides");
}

/// A seller that does something wrong with what its honest gateway answers: gets the request's head and the answer.
fn front(
    at: SocketAddr,
    gateway: SocketAddr,
    wrong: impl Fn(&str, Vec<u8>) -> Vec<u8> + Send + Sync + 'static,
) {
    let (listener, wrong) = (TcpListener::bind(at).expect("the port is free"), Arc::new(wrong));
    spawn(move || {
        for connection in listener.incoming() {
            let (mut buyer, wrong) = (connection.expect("somebody comes"), wrong.clone());
            spawn(move || {
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && buyer.read(&mut byte).is_ok_and(|read| read == 1) {
                    head.push(byte[0]);
                }
                let head = String::from_utf8_lossy(&head).replacen("\r\n", "\r\nconnection: close\r\n", 1);
                let mut answer = Vec::new();
                let mut seller = TcpStream::connect(gateway).expect("the gateway listens");
                let asked = seller.write_all(head.as_bytes()).and_then(|()| seller.read_to_end(&mut answer));
                if asked.is_ok() {
                    // The buyer may be gone.
                    let _ = buyer.write_all(&wrong(&head.to_lowercase(), answer));
                }
            });
        }
    });
}

fn is_paid(head: &str) -> bool {
    head.contains("\r\npayment-proof: ")
}

#[test]
fn a_seller_that_delivers_twice_is_found_out() {
    let at = free();
    let shop = Shop::open(Some(at));
    let uses = AtomicUsize::new(0);
    front(at, shop.gateway, move |head, answer| {
        let is_second = is_paid(head) && 0 < uses.fetch_add(1, Ordering::SeqCst);
        let text = String::from_utf8_lossy(&answer);
        if is_second { text.replace("it goes on", "it goes ON").into_bytes() } else { answer }
    });
    let (output, said) = shop.torture(at, &["--only", "replayed"]);
    assert_eq!(output.status.code(), Some(6), "{}", printed(&output));
    assert_eq!((&said[0]["held_up"], &said[0]["deliveries"]), (&false.into(), &2.into()), "{}", said[0]);
}

#[test]
fn a_seller_that_delivers_for_nothing_is_found_out() {
    let at = free();
    let shop = Shop::open(Some(at));
    front(at, shop.gateway, |head, answer| {
        if is_paid(head) { b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfree".to_vec() } else { answer }
    });
    let (output, said) = shop.torture(at, &["--only", "junk"]);
    assert_eq!(output.status.code(), Some(6), "{}", printed(&output));
    assert!(said[0]["why"].as_str().is_some_and(|why| why.contains("delivered")), "{}", said[0]);
}

#[test]
fn a_seller_that_takes_the_money_and_keeps_the_goods_is_found_out() {
    let at = free();
    let shop = Shop::open(Some(at));
    let first = Mutex::new(None);
    front(at, shop.gateway, move |head, answer| {
        let text = String::from_utf8_lossy(&answer).into_owned();
        if !is_paid(head) {
            *first.lock().expect("nobody panicked") = Some(answer.clone());
            return answer;
        }
        // It was delivered and collected inside; the buyer is asked to pay again.
        if text.starts_with("HTTP/1.1 200") {
            return first.lock().expect("nobody panicked").clone().unwrap_or_default();
        }
        answer
    });
    let (output, said) = shop.torture(at, &["--only", "at-once"]);
    assert_eq!(output.status.code(), Some(6), "{}", printed(&output));
    assert_eq!(said[0]["why"], "charged, and not delivered", "{}", said[0]);
}
