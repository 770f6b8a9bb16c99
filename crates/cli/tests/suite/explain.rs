//! What `explain` says of an address that sells, of files, and of what nobody knows.

use crate::books::{Directory, complained, printed, tollbridge};
use crate::dev::Dev;
use serde_json::{Value, json};
use std::fs;

fn objects(printed: &str) -> Vec<Value> {
    printed.lines().map(|line| serde_json::from_str(line).expect("it is JSON")).collect()
}

#[test]
fn an_address_is_asked_once_and_its_price_is_said_in_every_dialect() {
    let directory = Directory::new();
    let dev = Dev::anywhere(&directory.0.join("dev").display().to_string());
    let before = dev.buy("before")["left"].clone();
    let address = dev.page();
    let said = tollbridge(&["explain", address, "--json"]);
    assert_eq!(said.status.code(), Some(0), "{}{}", printed(&said), complained(&said));
    let costs: Vec<Value> =
        objects(&printed(&said)).iter().flat_map(|one| one["costs"].as_array().cloned()).flatten().collect();
    assert_eq!(costs.len(), 3, "{costs:?}");
    for cost in &costs {
        assert_eq!([&cost["amount"], &cost["bound"]], ["0.01 CNY", "exactly"], "{costs:?}");
        assert_eq!(cost["payable"], true);
    }
    assert_eq!(dev.buy("before")["left"], before, "nothing was spent");
    // What costs nothing.
    let free = tollbridge(&["explain", &format!("{}/healthz", dev.text("server"))]);
    assert!(
        printed(&free).contains("costs nothing") || printed(&free).contains("no payment"),
        "{}",
        printed(&free)
    );
    let nobody = tollbridge(&["explain", "http://127.0.0.1:1/"]);
    assert_eq!(nobody.status.code(), Some(7), "{}", complained(&nobody));
    assert!(complained(&nobody).contains("nothing was spent"), "{}", complained(&nobody));
}

#[test]
fn a_file_is_told_and_the_exit_status_says_whether_something_is_wrong() {
    let vectors = concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors/explain");
    let status = |name: &str| {
        let said = tollbridge(&["explain", &format!("{vectors}/{name}.txt"), "--json"]);
        (said.status.code(), objects(&printed(&said)))
    };
    let (code, found) = status("receipt");
    assert_eq!((code, found.len(), &found[0]["wrong"]), (Some(0), 1, &json!([])), "{found:?}");
    let (code, found) = status("receipt-of-another-log");
    assert_eq!((code, found[0]["wrong"].as_array().map(Vec::len)), (Some(6), Some(1)), "{found:?}");
    let directory = Directory::new();
    fs::create_dir_all(&directory.0).expect("the directory is ours");
    let file = directory.0.join("letter");
    fs::write(&file, "Dear agent").expect("the directory is ours");
    for (subject, code) in
        [(file.display().to_string(), 6), (directory.0.join("none").display().to_string(), 1)]
    {
        let said = tollbridge(&["explain", &subject]);
        assert_eq!(said.status.code(), Some(code), "{}", complained(&said));
        assert!(complained(&said).contains(&subject), "{}", complained(&said));
    }
}
