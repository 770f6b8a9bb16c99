//! AP2 on the command line: what an owner states there is a mandate that others read, and that says what hers says.

use crate::books::{Directory, complained, printed, tollbridge};
use crate::dev::Dev;
use evidence::{SigningKey, base64url};
use protocols::ap2::sign_checkout;
use serde_json::{Value, json};
use std::fs;
use std::process::Output;

const CHECKOUT: &str = r#"[{"type":"checkout.line_items","items":[{"id":"line","acceptable_items":[{"id":"a","title":"A"}],"quantity":1}]}]"#;

/// A server, an owner there with a wallet, and who calls it by which key.
struct Desk {
    directory: Directory,
    dev: Dev,
    book: String,
    owner: String,
    wallet: String,
}

impl Desk {
    fn new() -> Desk {
        let directory = Directory::new();
        let at = directory.0.join("dev");
        let dev = Dev::anywhere(&at.display().to_string());
        let book = at.join("book").display().to_string();
        let owner = directory.0.join("owner.json").display().to_string();
        let mut desk = Desk { directory, dev, book, owner, wallet: String::new() };
        let who = desk.named(&desk.book, &["owner", "create", "--key-out", &desk.owner, "--label", "Wen"]);
        desk.wallet = desk.named(&desk.owner, &["wallet", "create", "--owner", &who, "--asset", "CNY/2"]);
        desk
    }

    fn by(&self, key: &str, words: &[&str]) -> Output {
        tollbridge(&[words, &["--json", "--server", self.dev.text("server"), "--key", key]].concat())
    }

    fn said(&self, key: &str, words: &[&str]) -> Value {
        let said = self.by(key, words);
        serde_json::from_str(&printed(&said)).unwrap_or_else(|_| panic!("{}", complained(&said)))
    }

    fn named(&self, key: &str, words: &[&str]) -> String {
        self.said(key, words)["id"].as_str().expect("it is named").to_owned()
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.directory.0.join(name);
        fs::write(&path, text).expect("it is written");
        path.display().to_string()
    }
}

#[test]
fn an_owner_states_a_mandate_in_the_format_of_ap2() {
    let desk = Desk::new();
    let (owner, wallet) = (&desk.owner, &desk.wallet);
    let agent_key = desk.directory.0.join("agent.json").display().to_string();
    let agent = desk.named(owner, &["agent", "create", "--wallet", wallet, "--key-out", &agent_key]);
    let granted = |limits: &[&str]| {
        desk.named(owner, &[&["mandate", "create", "--wallet", wallet, "--agent", &agent], limits].concat())
    };
    let checkout = desk.file("checkout.json", CHECKOUT);
    let key = SigningKey::es256(&[0x31; 32]).expect("a key");
    let (x, y) = key.public().bytes()[1..].split_at(32);
    let key = format!("{}.{}", base64url::encode(x), base64url::encode(y));
    let state = |mandate: &str, key: &str| {
        desk.by(owner, &["mandate", "ap2", mandate, "--agent-key", key, "--checkout", &checkout])
    };

    let mandate = granted(&["--per-payment", "20.00", "--total", "50.00"]);
    let stated = state(&mandate, &key);
    assert_eq!(stated.status.code(), Some(0), "{}", complained(&stated));
    let stated: Value = serde_json::from_str(&printed(&stated)).expect("it is JSON");
    assert_eq!(stated["mandate"], mandate.as_str());
    let file = desk.file("open_payment.txt", stated["open_payment"].as_str().expect("a mandate"));
    let explained = printed(&tollbridge(&["explain", &file]));
    for part in ["AP2", "2000 smallest units of CNY", "all payments together at most 50 CNY"] {
        assert!(explained.contains(part), "`{part}`: {explained}");
    }

    // Nothing is signed where it could not say what the mandate says, or for whom.
    let unlimited = state(&granted(&["--per-payment", "20.00"]), &key);
    assert_eq!(unlimited.status.code(), Some(8), "{}", complained(&unlimited));
    assert!(complained(&unlimited).contains("Nothing was signed"), "{}", complained(&unlimited));
    for wrong in ["", "one", "one.two"] {
        let refused = state(&mandate, wrong);
        assert!(matches!(refused.status.code(), Some(2 | 8)), "`{wrong}`: {}", complained(&refused));
        assert!(printed(&refused).is_empty(), "{}", printed(&refused));
    }
}

#[test]
fn an_owner_approves_a_checkout_in_person_once() {
    let desk = Desk::new();
    let (owner, wallet) = (&desk.owner, &desk.wallet);
    let seller = desk.directory.0.join("seller.json").display().to_string();
    let payee = ["payee", "create", "--asset", "CNY/2", "--category", "books", "--key-out", &seller];
    let payee = desk.named(&desk.book, &payee);
    desk.said(&desk.book, &["wallet", "fill", wallet, "100.00"]);
    let checkout = json!({"id": "chk", "currency": "CNY", "line_items": [], "totals": [{"type": "total", "amount": 1_250}]});
    let members = checkout.as_object().expect("it is an object").clone();
    let key = SigningKey::es256(&[0x41; 32]).expect("a key");
    let checkout = desk.file("checkout.jwt", &sign_checkout(members, [7; 16], &key, "shop"));
    let approve = |amount: &str, id: &[&str]| {
        let words = ["wallet", "ap2", wallet, "--payee", &payee, "--amount", amount, "--checkout", &checkout];
        desk.by(owner, &[&words[..], id].concat())
    };
    let held = || desk.said(owner, &["wallet", "show", wallet])["held"]["amount"].clone();

    let other = approve("12.49", &[]);
    assert_eq!(other.status.code(), Some(8), "{}", complained(&other));
    assert!(complained(&other).contains("Nothing was signed"), "{}", complained(&other));
    assert_eq!(held(), "0");
    let made = approve("12.50", &[]);
    let made: Value =
        serde_json::from_str(&printed(&made)).unwrap_or_else(|_| panic!("{}", complained(&made)));
    assert_eq!(held(), "1250");
    let again = approve("12.50", &["--id", made["id"].as_str().expect("it is named")]);
    let again: Value =
        serde_json::from_str(&printed(&again)).unwrap_or_else(|_| panic!("{}", complained(&again)));
    assert_eq!((&again["payment_mandate"], &again["entry"]), (&made["payment_mandate"], &made["entry"]));
    assert_eq!(held(), "1250");
}
