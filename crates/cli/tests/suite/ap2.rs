//! AP2 on the command line: what an owner states there is a mandate that others read, and that says what hers says.

use crate::books::{Directory, complained, printed, tollbridge};
use crate::dev::Dev;
use evidence::{SigningKey, base64url};
use serde_json::Value;
use std::fs;

const CHECKOUT: &str = r#"[{"type":"checkout.line_items","items":[{"id":"line","acceptable_items":[{"id":"a","title":"A"}],"quantity":1}]}]"#;

#[test]
fn an_owner_states_a_mandate_in_the_format_of_ap2() {
    let directory = Directory::new();
    let at = directory.0.join("dev");
    let dev = Dev::anywhere(&at.display().to_string());
    let (book, owner) =
        (at.join("book").display().to_string(), directory.0.join("owner.json").display().to_string());
    let by = |key: &str, words: &[&str]| {
        tollbridge(&[words, &["--json", "--server", dev.text("server"), "--key", key]].concat())
    };
    let named = |key: &str, words: &[&str]| {
        let made = by(key, words);
        let made: Value =
            serde_json::from_str(&printed(&made)).unwrap_or_else(|_| panic!("{}", complained(&made)));
        made["id"].as_str().expect("it is named").to_owned()
    };
    let who = named(&book, &["owner", "create", "--key-out", &owner, "--label", "Wen"]);
    let wallet = named(&owner, &["wallet", "create", "--owner", &who, "--asset", "CNY/2"]);
    let agent_key = directory.0.join("agent.json").display().to_string();
    let agent = named(&owner, &["agent", "create", "--wallet", &wallet, "--key-out", &agent_key]);
    let granted = |limits: &[&str]| {
        named(&owner, &[&["mandate", "create", "--wallet", &wallet, "--agent", &agent], limits].concat())
    };
    let checkout = directory.0.join("checkout.json").display().to_string();
    fs::write(&checkout, CHECKOUT).expect("it is written");
    let key = SigningKey::es256(&[0x31; 32]).expect("a key");
    let (x, y) = key.public().bytes()[1..].split_at(32);
    let key = format!("{}.{}", base64url::encode(x), base64url::encode(y));
    let state = |mandate: &str, key: &str| {
        by(&owner, &["mandate", "ap2", mandate, "--agent-key", key, "--checkout", &checkout])
    };

    let mandate = granted(&["--per-payment", "20.00", "--total", "50.00"]);
    let stated = state(&mandate, &key);
    assert_eq!(stated.status.code(), Some(0), "{}", complained(&stated));
    let stated: Value = serde_json::from_str(&printed(&stated)).expect("it is JSON");
    assert_eq!(stated["mandate"], mandate.as_str());
    let file = directory.0.join("open_payment.txt").display().to_string();
    fs::write(&file, stated["open_payment"].as_str().expect("a mandate")).expect("it is written");
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
