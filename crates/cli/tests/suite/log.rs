//! The log's key: a new one takes over, what the old one signed stays good, and it can sign nothing more.

use crate::books::{Directory, complained, printed, tollbridge};
use book::Entry;
use evidence::bundle::{entries, push_entry};
use evidence::{SigningKey, base64url, leaf_hash};
use sdk::{Client, Credentials};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// What `init` writes: the book, three assets and the key of the desk.
const FIRST_ENTRIES: u64 = 5;

#[test]
fn a_rotated_log_is_good_before_and_after() {
    let directory = Directory::new();
    let (book, thief) = (directory.0.join("book"), directory.0.join("thief"));
    let (old, new, stolen) = (directory.0.join("old"), directory.0.join("new"), directory.0.join("stolen"));
    let (old, new, stolen) = (text(&old), text(&new), text(&stolen));
    let keys_file = book.join("keys/server.toml");
    let (vouched, other) = (directory.0.join("vouched"), directory.0.join("other"));
    let (book, other) = (text(&book), text(&other));
    let first = json(&["init", book, "--json"])["vkey"].as_str().expect("a key").to_owned();

    let server = Server::serve(book);
    server.enrol("one.json");
    server.receipt(FIRST_ENTRIES, old);
    let before = fs::read(&keys_file).expect("it is there");
    let refused = tollbridge(&["log", "rotate-key", book]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(complained(&refused).contains("a server runs on"), "{}", complained(&refused));
    assert_eq!(fs::read(&keys_file).expect("it is there"), before);
    drop(server);

    copy(Path::new(book), &thief);
    let rotated = json(&["log", "rotate-key", book, "--json"]);
    let from = rotated["from_size"].as_u64().expect("a size");
    // A key that has signed nothing goes without a trace.
    let rotated_again = json(&["log", "rotate-key", book, "--json"]);
    assert_ne!(rotated_again["vkey"], rotated["vkey"]);
    let second = rotated_again["vkey"].as_str().expect("a key");
    let history = format!("{second} {from}\n{first} 0 {from}\n");
    assert_eq!(rotated_again["keys"], Value::from(history.lines().collect::<Vec<_>>()));
    assert_eq!(fs::metadata(&keys_file).expect("it is there").permissions().mode() & 0o777, 0o600);

    // What was kept was signed by the old key, also where the server was killed; so is what it shows at first.
    verifies(&["verify", book], 0);
    verifies(&["verify", old, "--data", book], 0);
    let server = Server::serve(book);
    assert_eq!(server.public("/log/vkey"), history);
    let successions = server.public("/log/successions");
    let inherited = directory.0.join("inherited");
    fs::write(&inherited, server.public("/log/checkpoint")).expect("the directory is ours");
    verifies(&["verify", book, "--checkpoint", text(&inherited), "--vkey", &first], 0);
    server.enrol("two.json");
    server.receipt(from, new);
    verifies(&["verify", "--log", &server.address, "--vkey", &first, "--key", book], 0);
    drop(server);
    verifies(&["verify", book], 0);
    for (receipt, key, exit) in [
        (old, history.as_str(), 0),
        (new, history.as_str(), 0),
        (old, first.as_str(), 0),
        (old, second, 6),
        (new, first.as_str(), 6),
    ] {
        verifies(&["verify", receipt, "--vkey", key], exit);
    }
    // Whoever knows the first key alone can follow it, over one that signed nothing else.
    let mut notes = successions.split_inclusive("\n\n— ");
    assert_eq!(notes.clone().count(), 3, "{successions}");
    assert!(notes.all(|note| !note.contains("successor") || note.contains(&format!("\n{}\n", from - 1))));
    let vouched = text(&vouched);
    fs::write(vouched, &successions).expect("the directory is ours");
    verifies(&["verify", new, "--vkey", &first, "--successions", vouched], 0);
    verifies(&["verify", old, "--vkey", &first, "--successions", vouched], 0);
    verifies(&["verify", book, "--vkey", &first, "--successions", vouched], 0);
    // Whoever would like to be that key has to do without the first one's signature.
    let (origin, _) = first.split_once('+').expect("a key has a name");
    let forger =
        json(&["init", other, "--origin", origin, "--json"])["vkey"].as_str().expect("a key").to_owned();
    let server = Server::serve(other);
    server.enrol("four.json");
    server.enrol("five.json");
    server.settled(from);
    server.receipt(FIRST_ENTRIES, stolen);
    drop(server);
    verifies(&["verify", stolen, "--vkey", &forger], 0);
    fs::write(vouched, successions.replace(second, &forger)).expect("the directory is ours");
    verifies(&["verify", stolen, "--vkey", &first, "--successions", vouched], 6);

    // Who stole the old key can extend the log, and nobody believes it.
    let server = Server::serve(text(&thief));
    server.enrol("three.json");
    server.receipt(from, stolen);
    drop(server);
    verifies(&["verify", stolen, "--vkey", &first], 0);
    verifies(&["verify", stolen, "--vkey", &history], 6);

    // The log can be made again, though nothing can sign its beginning any more.
    fs::remove_dir_all(Path::new(book).join("log")).expect("the directory is ours");
    let server = Server::serve(book);
    server.receipt(FIRST_ENTRIES, new);
    drop(server);
    verifies(&["verify", new, "--vkey", &history], 0);

    // An earlier key can be followed by many.
    let third = json(&["log", "rotate-key", book, "--json"]);
    assert_eq!(third["keys"].as_array().map(Vec::len), Some(3));
    for receipt in [old, new] {
        verifies(&["verify", receipt, "--data", book], 0);
    }
}

#[test]
fn a_history_that_was_tampered_with_is_refused() {
    let directory = Directory::new();
    let book = directory.0.join("book");
    let keys_file = book.join("keys/server.toml");
    let book = text(&book);
    let first = json(&["init", book, "--json"])["vkey"].as_str().expect("a key").to_owned();
    let rotated = json(&["log", "rotate-key", book, "--json"]);
    let second = rotated["vkey"].as_str().expect("a key");
    let good = fs::read_to_string(&keys_file).expect("it is there");
    for (part, instead) in [
        (format!("first = \"{first}"), format!("first = \"{second}")),
        (format!("first = \"{first}"), format!("first = \"{first}x")),
        (format!("successor {second}"), format!("successor {first}")),
        ("\n5\n".to_owned(), "\n4\n".to_owned()),
        ("\n— ".to_owned(), String::new()),
    ] {
        assert!(good.contains(&part), "`{part}` is not in the keys");
        fs::write(&keys_file, good.replace(&part, &instead)).expect("the directory is ours");
        // Nobody can listen there, so a server that took the keys would end too, and complain of something else.
        let served = tollbridge(&["serve", "--data", book, "--listen", "192.0.2.1:1"]);
        assert_eq!(served.status.code(), Some(1), "{instead}");
        let said = complained(&served);
        assert!(said.contains("retired_log_keys") && said.contains("is malformed"), "{said}");
        assert_eq!(tollbridge(&["log", "rotate-key", book]).status.code(), Some(1), "{instead}");
    }
    // The journal may not end before what a retired key has signed, even where the log is gone too.
    fs::write(&keys_file, &good).expect("the directory is ours");
    fs::remove_file(Path::new(book).join("journal/journal")).expect("the directory is ours");
    let said = complained(&tollbridge(&["log", "rotate-key", book]));
    assert!(said.contains("has no journal"), "{said}");

    for (text, exit) in [
        (format!("{second} 5\n{first} 0 6"), 2),
        (format!("{second} 4\n{first} 0 5"), 2),
        (format!("{second}\n{first}"), 2),
        (format!("{first} 0 5\n{second} 5"), 2),
    ] {
        let receipt = Path::new(book).join("receipt.json");
        fs::write(&receipt, NO_RECEIPT).expect("the directory is ours");
        let receipt = receipt.to_str().expect("it is text");
        verifies(&["verify", receipt, "--vkey", &text], exit);
    }
}

#[test]
fn a_log_is_verified_at_its_server() {
    let directory = Directory::new();
    let book = directory.0.join("book");
    let leaves = book.join("log/0");
    let book = text(&book);
    let key = json(&["init", book, "--json"])["vkey"].as_str().expect("a key").to_owned();
    let other = json(&["init", text(&directory.0.join("other")), "--json"])["vkey"]
        .as_str()
        .expect("a key")
        .to_owned();
    let server = Server::serve(book);
    server.enrol("one.json");
    let url = server.address.as_str();
    let signed = server.settled(FIRST_ENTRIES + 2);
    let verified = json(&["verify", "--log", url, "--vkey", &key, "--key", book, "--json"]);
    assert_eq!(verified["entries"].as_u64(), Some(FIRST_ENTRIES + 2));
    assert_eq!(verified["root"].as_str(), signed.lines().nth(2));
    verifies(&["verify", "--log", url, "--vkey", &other, "--key", book], 6);
    // Not a public one, and not the owner's to read.
    verifies(&["verify", "--log", url, "--vkey", &key], 8);
    verifies(&["verify", "--log", url, "--vkey", &key, "--key", text(&Path::new(book).join("one.json"))], 8);
    verifies(&["verify", "--log", url], 2);

    let good = fs::read(&leaves).expect("it is there");
    let mut bad = good.clone();
    bad[3 * 32] ^= 1;
    fs::write(&leaves, &bad).expect("the directory is ours");
    let found = tollbridge(&["verify", "--log", url, "--vkey", &key, "--key", book]);
    assert_eq!(found.status.code(), Some(6));
    assert!(complained(&found).contains("entry 3 is wrong: it is not the one that the log has"));
    fs::write(&leaves, &good).expect("the directory is ours");
    drop(server);

    let server = Server::serve_with(book, &["--log-readers", "everybody"]);
    verifies(&["verify", "--log", &server.address, "--vkey", &key], 0);
}

#[test]
fn a_server_that_makes_up_entries_is_seen_through() {
    let directory = Directory::new();
    let book = directory.0.join("book");
    let book = text(&book);
    let key = json(&["init", book, "--json"])["vkey"].as_str().expect("a key").to_owned();
    let server = Server::serve_with(book, &["--log-readers", "everybody"]);
    let signed = server.settled(FIRST_ENTRIES);
    let honest = server.public_bytes(&format!("/log/tile/entries/000.p/{FIRST_ENTRIES}"));
    drop(server);
    let honest: Vec<Vec<u8>> =
        entries(&honest).expect("it is a bundle").into_iter().map(<[u8]>::to_vec).collect();
    let seen_through = |entries: &[Vec<u8>], leaves: &[Vec<u8>], why: &str| {
        let mut bundle = Vec::new();
        for entry in entries {
            push_entry(&mut bundle, entry).expect("it fits");
        }
        let leaves = leaves.iter().flat_map(|entry| leaf_hash(entry).0).collect();
        let address = forge([
            ("/log/successions".to_owned(), Vec::new()),
            ("/log/checkpoint".to_owned(), signed.clone().into_bytes()),
            (format!("/log/tile/0/000.p/{FIRST_ENTRIES}"), leaves),
            (format!("/log/tile/entries/000.p/{FIRST_ENTRIES}"), bundle),
        ]);
        let found = tollbridge(&["verify", "--log", &address, "--vkey", &key]);
        let complained = complained(&found);
        assert_eq!(found.status.code(), Some(if why.is_empty() { 0 } else { 6 }), "{why}: {complained}");
        assert!(complained.contains(why), "{why}: {complained}");
    };
    seen_through(&honest, &honest, "");
    let mut later = Entry::from_bytes(&honest[4]).expect("it is one");
    later.at = later.at.after(1);
    let mut another = honest.clone();
    another[4] = later.to_bytes();
    seen_through(&another, &honest, "entry 4 is wrong: it is not the one");
    seen_through(&another, &another, "are not those that were signed");
    another[4] = honest[3].clone();
    seen_through(&another, &another, "entry 4 is wrong");
    another[4] = honest[4].clone();
    another.push(honest[4].clone());
    seen_through(&another, &honest, "its bundle has not as many entries as its tile has hashes");
    seen_through(&honest[..4], &honest[..4], "has not as many entries");
    seen_through(&honest[..4], &honest, "has not as many entries");
}

/// Answers each of these addresses with these bytes, and returns where.
fn forge<const N: usize>(answers: [(String, Vec<u8>); N]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = format!("http://{}", listener.local_addr().expect("it listens"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("it listens");
            let mut head = BufReader::new(&stream).lines();
            let asked = head.next().expect("a request has a line").expect("it is text");
            while !head.next().expect("a head ends").expect("it is text").is_empty() {}
            let asked = asked.split(' ').nth(1).expect("a request has a target");
            let (_, body) = answers.iter().find(|(path, _)| path == asked).expect("it is known");
            let length = body.len();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
            stream.write_all(&[head.as_bytes(), body].concat()).expect("it is read");
        }
    });
    address
}

/// The shape of a receipt, with nothing in it.
const NO_RECEIPT: &str = r#"{"entry":0,"bytes":"","proof":[],"checkpoint":"","vkey":"","livemode":false}"#;

/// A server that is killed at the end of its test, or before.
struct Server {
    process: Child,
    address: String,
    book: String,
}

impl Server {
    fn serve(book: &str) -> Server {
        Server::serve_with(book, &[])
    }

    fn serve_with(book: &str, words: &[&str]) -> Server {
        let mut program = Command::new(env!("CARGO_BIN_EXE_tollbridge"));
        program.args(["serve", "--data", book, "--listen", "127.0.0.1:0"]).args(words);
        let mut process =
            program.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program starts");
        let mut lines = BufReader::new(process.stdout.take().expect("it is piped")).lines();
        let line = lines.next().expect("it says where it listens").expect("it is text");
        let address = line.strip_prefix("listening at ").expect("it says where").to_owned();
        Server { process, address, book: book.to_owned() }
    }

    /// Registers an owner.
    fn enrol(&self, key: &str) {
        let key = Path::new(&self.book).join(key);
        let words =
            ["owner", "create", "--server", &self.address, "--key", &self.book, "--key-out", text(&key)];
        verifies(&words, 0);
    }

    /// Writes the receipt of an entry to `path`, as the operator gets it.
    fn receipt(&self, entry: u64, path: &str) {
        let operator = server::data::operator_key(Path::new(&self.book)).expect("the operator has a key");
        let seed: [u8; 32] = base64url::decode(&operator.seed).expect("text").try_into().expect("a seed");
        let key_id = operator.key.parse().expect("a name");
        let credentials = Credentials { key_id, key: SigningKey::ed25519(&seed) };
        let client = Client::new(&self.address, credentials).expect("it is an address");
        let runtime = tokio::runtime::Runtime::new().expect("threads can be made");
        let shown = runtime.block_on(async {
            loop {
                match client.receipt(entry).await {
                    Ok(shown) => break shown,
                    Err(failure) if failure.code() == Some("receipt_pending") => {}
                    Err(failure) => panic!("entry {entry}: {failure:?}"),
                }
            }
        });
        fs::write(path, serde_json::to_vec(&shown).expect("it is JSON")).expect("the directory is ours");
    }

    /// The checkpoint, once it covers just so many entries.
    fn settled(&self, size: u64) -> String {
        loop {
            let checkpoint = self.public("/log/checkpoint");
            let covers = checkpoint.lines().nth(1).and_then(|line| line.parse::<u64>().ok());
            assert!(covers.is_none_or(|covers| covers <= size), "more than {size} entries:\n{checkpoint}");
            if covers == Some(size) {
                return checkpoint;
            }
        }
    }

    /// What it tells anybody, as text.
    fn public(&self, path: &str) -> String {
        String::from_utf8(self.public_bytes(path)).expect("it is text")
    }

    /// What it tells anybody.
    fn public_bytes(&self, path: &str) -> Vec<u8> {
        let address = self.address.strip_prefix("http://").expect("it speaks HTTP");
        let mut stream = TcpStream::connect(address).expect("it listens");
        let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("it listens");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("it answers");
        let head = answer.windows(4).position(|end| end == b"\r\n\r\n").expect("an answer has a body");
        answer.split_off(head + 4)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().expect("it is ours");
        self.process.wait().expect("it is ours");
    }
}

fn json(words: &[&str]) -> Value {
    let ended = tollbridge(words);
    assert_eq!(ended.status.code(), Some(0), "{words:?}: {}", complained(&ended));
    serde_json::from_str(&printed(&ended)).expect("it is JSON")
}

fn verifies(words: &[&str], exit: i32) {
    let ended = tollbridge(words);
    assert_eq!(ended.status.code(), Some(exit), "{words:?}: {}", complained(&ended));
}

fn text(path: &Path) -> &str {
    path.to_str().expect("the path is text")
}

/// Copies a directory with all that is in it, and who may read it.
fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").args([from, to]).status().expect("there is `cp`");
    assert!(copied.success());
}
