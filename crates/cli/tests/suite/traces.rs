//! What one purchase leaves in the book, whatever its dialect: who did what, and of each entry a receipt that anybody can check.

use crate::agents::Stand;
use crate::books::{complained, printed, tollbridge};
use crate::commerce::buying::{self, DIALECTS};
use crate::dev::Dev;
use crate::mcp::Tools;
use crate::tools::Stall;
use crate::{books::Directory, commerce::town::Town};
use evidence::{KeyHistory, SigningKey, base64url};
use sdk::{Auth, Client, Credentials, verify_receipt};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What a purchase at a gateway of ours leaves: set aside by the agent, shown once and taken by the seller.
const AT_A_GATEWAY: [&str; 3] = ["agt place_hold held", "pye redeem done", "pye capture captured"];

/// What a purchase at a shop leaves: whoever captures what is set aside for one order needs to show nothing first.
const AT_A_SHOP: [&str; 2] = ["agt place_hold held", "pye capture captured"];

/// Who looks at a book from now on.
struct Witness {
    book: PathBuf,
    client: Client,
    runtime: tokio::runtime::Runtime,
    began: u64,
}

impl Witness {
    fn new(book: &Path, server: &str) -> Witness {
        let own = server::data::operator_key(book).expect("the operator's key is there");
        let seed: [u8; 32] = base64url::decode(&own.seed).expect("a seed").try_into().expect("32 bytes");
        let key_id = own.key.parse().expect("a key's name");
        let client = Client::new(server, Credentials { key_id, key: SigningKey::ed25519(&seed) });
        let client = client.expect("an address").with_auth(Auth::Signed);
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let mut witness = Witness { book: book.to_owned(), client, runtime, began: 0 };
        witness.began = witness.entries().len().try_into().expect("a count fits");
        witness
    }

    fn of(dev: &Dev) -> Witness {
        Witness::new(&Path::new(dev.text("directory")).join("book"), dev.text("server"))
    }

    /// All entries since it looks.
    fn entries(&self) -> Vec<Value> {
        let (book, from) = (self.book.display().to_string(), self.began.to_string());
        let said = tollbridge(&["entries", &book, "--json", "--from", &from, "--limit", "10000"]);
        assert_eq!(said.status.code(), Some(0), "{}", complained(&said));
        printed(&said).lines().map(|line| serde_json::from_str(line).expect("it is JSON")).collect()
    }

    /// Waits until exactly this was done, in this order. That a request was signed is an entry too, and left out here.
    #[track_caller]
    fn sees(&self, deeds: &[&str], dialect: &str) {
        let text = |entry: &Value, name: &str| entry[name].as_str().expect("a text").to_owned();
        let deed = |entry: &Value| {
            let by = text(entry, "by");
            let by = by.split('_').next().unwrap_or_default();
            format!("{by} {} {}", text(entry, "action"), text(entry, "outcome"))
        };
        let is_deed = |entry: &Value| entry["action"] != "present";
        let until = Instant::now() + Duration::from_secs(20);
        let entries = loop {
            let entries = self.entries();
            let done: Vec<String> = entries.iter().filter(|entry| is_deed(entry)).map(deed).collect();
            if done == deeds {
                break entries;
            }
            assert!(Instant::now() < until, "{dialect}: {done:#?}");
            std::thread::sleep(Duration::from_millis(20));
        };
        self.runtime.block_on(async {
            let at = format!("{}log/vkey", self.client.base_url());
            let keys = reqwest::get(at).await.expect("it answers").text().await.expect("a text");
            let keys = KeyHistory::parse(&keys).expect("keys");
            for entry in entries {
                let number = entry["entry"].as_u64().expect("a number");
                // The log is signed a moment later.
                let receipt = loop {
                    match self.client.receipt(number).await {
                        Ok(receipt) => break receipt,
                        Err(failure) => assert!(Instant::now() < until, "{dialect}: {failure}"),
                    }
                };
                let recorded = verify_receipt(&receipt, &keys).expect("it is proven");
                assert_eq!(
                    base64url::encode(&recorded.into_inner().entry),
                    text(&entry, "bytes"),
                    "{dialect}"
                );
            }
        });
    }
}

#[test]
fn a_page_bought_over_http_or_by_the_tools_of_mcp() {
    let directory = Directory::new();
    let dev = Dev::anywhere(&format!("{}/dev", directory.text()));
    let witness = Witness::of(&dev);
    dev.buy("one");
    witness.sees(&AT_A_GATEWAY, "A402");

    let witness = Witness::of(&dev);
    let (key, keep) =
        (format!("{}/agent.json", dev.text("directory")), format!("{}/tools", directory.text()));
    let words = ["--server", dev.text("server"), "--key", &key, "--keep", &keep, "--local-sellers"];
    let mut tools = Tools::start(&words);
    let quote = tools.call("quote", json!({"url": dev.page()}));
    tools.call("pay", json!({"quote": quote["quote"]}));
    witness.sees(&AT_A_GATEWAY, "A402, by a tool");
}

#[test]
fn a_tool_bought_by_x402_over_mcp() {
    let stall = Stall::new();
    let _booth = stall.open(&[]);
    let witness = Witness::of(&stall.dev);
    assert_eq!(stall.buy("search", "one", "0.03 CNY").0, Some(0));
    witness.sees(&AT_A_GATEWAY, "x402 over MCP");
}

#[test]
fn a_skill_bought_over_a2a() {
    let stand = Stand::new();
    let _seller = stand.open();
    let witness = Witness::of(&stand.dev);
    assert_eq!(stand.buy("search", "one", "0.03 CNY").0, Some(0));
    witness.sees(&AT_A_GATEWAY, "x402 over A2A");
}

#[test]
fn a_cart_bought_at_the_checkouts_of_acp_and_ucp() {
    for (dialect, chosen) in DIALECTS {
        let (town, shop) = buying::town();
        let witness = Witness::new(&town.directory.0.join("book"), &town.url);
        let words = [&["--item", "tea", "--max-price", "18.00"], chosen].concat();
        buying::buy(&town, &shop.at, "one", &words).ends(0);
        witness.sees(&AT_A_SHOP, dialect);
    }
}

#[test]
fn a_cart_bought_in_acts_commerce() {
    let town = Town::new();
    let tea = "lock_seconds = 120\n[[item]]\nid = \"tea\"\nname = \"Milk tea\"\ncategory = \"drink\"\nprice = \"18.00\"\n\
               asset = \"CNY/2\"\nstock = 1\nshipped = false\n";
    let shop = town.shop("Tea", 0, tea);
    let witness = Witness::new(&town.directory.0.join("book"), &town.url);
    let words = ["milk tea", "--max", "20.00", "--currency", "CNY", "--at", &shop.at];
    town.buyer("ask", "one", &words).ends(0);
    let order = town.buyer("confirm", "one", &[]).ends(0).text("merchant_order_id");
    let question = town.buyer("pay", "one", &["--token", &town.token]).ends(4).text("question");
    town.say_yes(&question, None).expect("she is there");
    town.seller(&shop, "fulfil", &order).ends(0);
    let asked = ["agt place_hold asked", "own approve done"];
    witness.sees(&[&asked[..], &AT_A_SHOP].concat(), "ACT");
}
