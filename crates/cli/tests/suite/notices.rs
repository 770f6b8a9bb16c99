//! Notices: what waits for an owner is told once, in a file or to a webhook, and nothing waits for whoever hears it.

use crate::books::{Directory, printed, tollbridge};
use crate::dev::{Dev, three_addresses};
use evidence::{MacKey, Secret, base64url};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

/// An agent that may do nothing by itself, and wants to buy something.
fn ask(dev: &Dev, purchase: &str) {
    let directory = dev.text("directory");
    let (server, wallet) = (dev.text("server"), dev.text("wallet"));
    let (owner, key) = (format!("{directory}/owner.json"), format!("{directory}/{purchase}.json"));
    let create = ["agent", "create", "--server", server, "--key", &owner, "--wallet", wallet];
    let made = tollbridge(&[&create[..], &["--key-out", &key, "--label", "Robot\u{202e}"]].concat());
    assert_eq!(made.status.code(), Some(0), "{}", String::from_utf8_lossy(&made.stderr));
    let purchases = format!("{directory}/purchases");
    let words = ["pay", dev.page(), "--purchase", purchase, "--max-price", "0.50", "--why", "to know"];
    let places = ["--server", server, "--key", &key, "--wallet", wallet, "--purchases", &purchases];
    let asked = tollbridge(&[&words[..], &places[..]].concat());
    assert_eq!(asked.status.code(), Some(4), "{}", printed(&asked));
}

/// What everybody is told of one question, whichever way.
fn check(notice: &Value) {
    let members: Vec<&str> = notice.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(members, ["asked", "entry", "owner", "refused", "text", "url"]);
    assert_eq!((&notice["asked"], &notice["refused"]), (&1.into(), &0.into()));
    let text = notice["text"].as_str().expect("a text");
    // Money and seller, and a name that cannot pretend.
    assert!(text.starts_with("Robot⟨U+202E⟩ asks: ¥0.01 · weather"), "{text}");
    let url = notice["url"].as_str().expect("an address");
    assert!(url.starts_with("http://localhost:") && url.ends_with("/approvals"), "{url}");
}

#[test]
fn what_waits_is_written_to_a_file() {
    let directory = Directory::new();
    let file = directory.0.join("told.jsonl");
    let variables = [("TOLLBRIDGE_NOTIFY_FILE", file.to_str().expect("the path is text"))];
    let dev = Dev::start_with(&directory.0.join("dev").display().to_string(), three_addresses(), &variables);
    let mode = std::fs::metadata(&file).expect("it is there from the start").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "who buys what is nobody else's business");
    ask(&dev, "first");
    let began = Instant::now();
    let lines = loop {
        let lines = std::fs::read_to_string(&file).expect("it is text");
        if lines.ends_with('\n') {
            break lines;
        }
        assert!(began.elapsed() < Duration::from_secs(10), "nobody was told");
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(lines.lines().count(), 1);
    check(&serde_json::from_str(lines.trim()).expect("a line of JSON"));
    drop(dev);
    let nowhere = directory.0.join("nowhere/told.jsonl").display().to_string();
    let data = directory.0.join("dev/book").display().to_string();
    let words = ["serve", "--data", &data, "--listen", "127.0.0.1:0", "--notify-file", &nowhere];
    assert_eq!(tollbridge(&words).status.code(), Some(1), "it is said at once that nobody would be told");
}

#[test]
fn what_waits_is_sent_to_a_webhook() {
    let directory = Directory::new();
    let secret = directory.0.join("secret");
    std::fs::write(&secret, format!("whsec_{}=\n", "A".repeat(43))).expect("it is written");
    let receiver = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let url = format!("http://{}/told", receiver.local_addr().expect("it listens"));
    let variables = [
        ("TOLLBRIDGE_NOTIFY_WEBHOOK", url.as_str()),
        ("TOLLBRIDGE_NOTIFY_SECRET", secret.to_str().expect("the path is text")),
    ];
    let dev = Dev::start_with(&directory.0.join("dev").display().to_string(), three_addresses(), &variables);
    ask(&dev, "first");
    // The receiver is out of order first; the same is sent again under the same id.
    let (first, first_body) = receive(&receiver, "503 Service Unavailable");
    let (headers, body) = receive(&receiver, "204 No Content");
    assert_eq!((&first["webhook-id"], &first_body), (&headers["webhook-id"], &body));
    check(&serde_json::from_str(&body).expect("JSON"));
    let signed = format!("{}.{}.{body}", headers["webhook-id"], headers["webhook-timestamp"]);
    let mac = base64url::encode(&MacKey::new(&Secret::new([0; 32])).mac(signed.as_bytes()).0);
    let standard = mac.replace('-', "+").replace('_', "/");
    assert_eq!(headers["webhook-signature"], format!("v1,{standard}="));
    assert_eq!(headers["content-type"], "application/json");
}

/// One request, its headers and its body, answered so.
fn receive(receiver: &TcpListener, status: &str) -> (BTreeMap<String, String>, String) {
    let (stream, _) = receiver.accept().expect("somebody comes");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a socket has one");
    let mut reader = BufReader::new(&stream);
    let mut line = String::new();
    reader.read_line(&mut line).expect("a request");
    assert_eq!(line, "POST /told HTTP/1.1\r\n");
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a header");
        let Some((name, value)) = line.trim().split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let mut body = vec![0; headers["content-length"].parse().expect("a number")];
    reader.read_exact(&mut body).expect("the body");
    answer(&stream, status);
    (headers, String::from_utf8(body).expect("text"))
}

fn answer(mut stream: &TcpStream, status: &str) {
    let text = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    stream.write_all(text.as_bytes()).expect("it listens");
}
