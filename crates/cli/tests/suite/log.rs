//! The log's key: a new one takes over, what the old one signed stays good, and it can sign nothing more.

use crate::books::{Directory, complained, printed, tollbridge};
use evidence::{SigningKey, base64url};
use sdk::{Client, Credentials};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// What `init` writes: the book and three assets.
const FIRST_ENTRIES: u64 = 4;

#[test]
fn a_rotated_log_is_good_before_and_after() {
    let directory = Directory::new();
    let (book, thief) = (directory.0.join("book"), directory.0.join("thief"));
    let (old, new, stolen) = (directory.0.join("old"), directory.0.join("new"), directory.0.join("stolen"));
    let (old, new, stolen) = (text(&old), text(&new), text(&stolen));
    let keys_file = book.join("keys/server.toml");
    let book = text(&book);
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
    let inherited = directory.0.join("inherited");
    fs::write(&inherited, server.public("/log/checkpoint")).expect("the directory is ours");
    verifies(&["verify", book, "--checkpoint", text(&inherited), "--vkey", &first], 0);
    server.enrol("two.json");
    server.receipt(from, new);
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
        (format!("{first} 0 5"), format!("{first} 0 6")),
        (format!("{first} 0 5"), format!("{first} 0 4")),
        (format!("{first} 0 5"), first.clone()),
        (format!("{first} 0 5"), format!("{second} 0 5")),
        (format!("{first} 0 5"), format!("{first} 5 0")),
        ("\n4\n".to_owned(), "\n3\n".to_owned()),
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
        let mut program = Command::new(env!("CARGO_BIN_EXE_tollbridge"));
        program.args(["serve", "--data", book, "--listen", "127.0.0.1:0"]);
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

    /// What it tells anybody.
    fn public(&self, path: &str) -> String {
        let address = self.address.strip_prefix("http://").expect("it speaks HTTP");
        let mut stream = TcpStream::connect(address).expect("it listens");
        let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("it listens");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers in text");
        answer.split_once("\r\n\r\n").expect("an answer has a body").1.to_owned()
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
