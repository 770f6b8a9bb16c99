//! `tollbridge checkout buy`, as a process against a shop as a process, in both dialects: paid once whoever is killed when, and
//! every no leaves the money where it was.

use super::relay::{Relay, Side};
use super::town::{BEGINNING, Bought, Stall, Town, fen};
use crate::books::tollbridge;
use evidence::Hash;
use serde_json::json;
use std::process::{Command, Stdio};
use wire::account::{Approve, Carry, NewMandate};
use wire::limit::Limit;
use wire::{MandateId, RequestId};

/// The key under which the shops know the buyer.
const KEY: &str = "key-of-the-assistant";

const GOODS: &str = "lock_seconds = 120\n\
    [[item]]\nid = \"tea\"\nname = \"Milk tea\"\ncategory = \"drink\"\nprice = \"18.00\"\nasset = \"CNY/2\"\nstock = 5\nshipped = false\n\
    [[item]]\nid = \"cake\"\nname = \"Cake\"\ncategory = \"food\"\nprice = \"9.90\"\nasset = \"CNY/2\"\nstock = 5\nshipped = false\n";

/// Both dialects, each with the words that choose it: a shop that speaks UCP says so itself.
pub(crate) const DIALECTS: [(&str, &[&str]); 2] = [("ucp", &[]), ("acp", &["--dialect", "acp"])];

/// The shop's file with both doors open for one client.
fn doors() -> String {
    let digest: String = Hash::of(KEY.as_bytes()).0.iter().map(|byte| format!("{byte:02x}")).collect();
    format!(
        "{GOODS}[checkouts]\nnamespace = \"example.shop.pay\"\nacp = true\nucp = true\n\
         [[checkouts.client]]\nname = \"assistant\"\nkey_sha256 = \"{digest}\"\n"
    )
}

/// What the owner lets the agent do, beside at most 50.00 at once.
fn mandate(town: &Town, more: Option<Limit>) {
    let now = jiff::Timestamp::now().as_second();
    let time = |seconds: i64| jiff::Timestamp::from_second(now + seconds).expect("a time").to_string();
    let most = Limit::PerPayment { max: fen(5_000).amount };
    let new = NewMandate {
        id: MandateId(town.owner.fresh_id()),
        wallet: town.wallet,
        agent: town.agent_id,
        valid_from: time(-60),
        expires_at: time(86_400),
        limits: [most].into_iter().chain(more).collect(),
        document: "tea".to_owned(),
        carry: Carry::Inherit,
    };
    town.run(town.owner.grant(&new)).expect("a mandate");
    std::fs::write(town.directory.0.join("shop.key"), KEY).expect("the directory is ours");
}

/// A town with a shop whose doors are open, and an agent that may spend 50.00 at once.
pub(crate) fn town() -> (Town, Stall) {
    let town = Town::new();
    let shop = town.shop("Tea", 0, &doors());
    mandate(&town, None);
    (town, shop)
}

fn buying(town: &Town, server: &str, at: &str, purchase: &str, words: &[&str]) -> Command {
    let path = |name: &str| town.directory.0.join(name);
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollbridge"));
    command
        .args(["checkout", "buy", at, "--json", "--purchase", purchase, "--server", server])
        .args(["--wallet", &town.wallet.to_string()])
        .arg("--key")
        .arg(path("agent.toml"))
        .arg("--shop-key")
        .arg(path("shop.key"))
        .arg("--purchases")
        .arg(path("checkouts"))
        .args(words)
        .env("NO_COLOR", "1");
    command
}

pub(crate) fn buy(town: &Town, at: &str, purchase: &str, words: &[&str]) -> Bought {
    Bought::of(&buying(town, &town.url, at, purchase, words).output().expect("the program starts"))
}

#[test]
fn several_items_are_bought_once_for_each_purchase_key() {
    for (dialect, chosen) in DIALECTS {
        let (town, mut shop) = town();
        let at = shop.at.clone();
        let words = [&["--item", "tea,2", "--item", "cake", "--max-price", "45.90"], chosen].concat();
        let order = buy(&town, &at, "one", &words).ends(0);
        assert_eq!((order.text("dialect"), order.text("payment")), (dialect.to_owned(), "paid".to_owned()));
        assert_eq!((order.member("paid"), order.member("payee")), (json!(fen(4_590)), json!(shop.payee)));
        let after = (BEGINNING - 4_590, 0, 4_590);
        assert_eq!(town.money(&shop), after);
        town.reopen(&mut shop, &doors());
        let again = buy(&town, &at, "one", &words).ends(0);
        assert_eq!(
            (again.member("order"), again.member("hold")),
            (order.member("order"), order.member("hold"))
        );
        assert_eq!(town.money(&shop), after, "the same purchase is the same order");
        let other = [&["--item", "tea", "--max-price", "45.90"], chosen].concat();
        let reused = buy(&town, &at, "one", &other).ends(1);
        assert!(reused.complaint.contains("used for another request"), "{}", reused.complaint);
        assert_eq!(town.money(&shop), after);
        // Another key is another purchase.
        buy(&town, &at, "two", &other).ends(0);
        assert_eq!(town.money(&shop), (BEGINNING - 6_390, 0, 6_390));
        let number = order.text("order");
        town.seller(&shop, "cancel", &number).ends(0);
        assert_eq!(town.money(&shop), (BEGINNING - 1_800, 0, 1_800), "all of it went back");
    }
}

#[test]
fn what_is_beyond_a_limit_or_no_offer_spends_nothing_and_says_so() {
    for (_, chosen) in DIALECTS {
        let (town, mut shop) = town();
        let at = shop.at.clone();
        for (purchase, words, code, says) in [
            (
                "dear",
                ["--item", "tea,2", "--max-price", "35.99"],
                3,
                "it costs 36.00 CNY, and may cost 35.99 CNY",
            ),
            ("limit", ["--item", "tea,3", "--max-price", "100"], 3, "payment_too_large"),
            ("many", ["--item", "tea,6", "--max-price", "500"], 3, "5 are left"),
            ("none", ["--item", "coffee", "--max-price", "100"], 3, "no item `coffee`"),
            ("bad", ["--item", "tea,x", "--max-price", "100"], 2, "no item like"),
        ] {
            let no = buy(&town, &at, purchase, &[&words, chosen].concat()).ends(code);
            assert!(no.complaint.contains(says), "{purchase}: {}", no.complaint);
        }
        let words = [&["--item", "tea", "--max-price", "20"], chosen].concat();
        std::fs::write(town.directory.0.join("shop.key"), "somebody's").expect("the directory is ours");
        let stranger = buy(&town, &at, "stranger", &words).ends(3);
        assert!(stranger.complaint.contains("unauthorized"), "{}", stranger.complaint);
        shop.process = None;
        buy(&town, &at, "nobody", &words).ends(7);
        assert_eq!(town.spent(), 0);
        assert_eq!(tollbridge(&["checkout", "buy", &at, "--item", "tea"]).status.code(), Some(2));
    }
}

#[test]
fn a_shop_that_says_less_than_it_takes_or_that_another_is_paid_gets_nothing() {
    for (_, chosen) in DIALECTS {
        let (town, shop) = town();
        let neighbour = town.shop("Neighbour", 0, &doors());
        let words = [&["--item", "tea", "--max-price", "20"], chosen].concat();
        // The total that the buyer sees is one fen less: no token of that is enough for the shop.
        let relay = Relay::to(&town, &shop.at);
        relay.alter("\"amount\":1800", "\"amount\":1799");
        let no = buy(&town, &relay.at, "changed", &words).ends(3);
        assert!(no.complaint.contains("17.99 CNY stay set aside"), "{}", no.complaint);
        assert_eq!(town.money(&shop), (BEGINNING - 1_799, 1_799, 0));
        // The payee that the buyer sees is the neighbour: his token is nothing to the shop, and neither gets anything.
        let relay = Relay::to(&town, &shop.at);
        relay.alter(&shop.payee.to_string(), &neighbour.payee.to_string());
        buy(&town, &relay.at, "elsewhere", &words).ends(3);
        assert_eq!(town.money(&shop), (BEGINNING - 3_599, 3_599, 0));
        assert_eq!(town.money(&neighbour).2, 0);
        // Another cart than was asked for is not even looked at.
        let relay = Relay::to(&town, &shop.at);
        relay.alter("\"quantity\":1", "\"quantity\":2");
        let other = buy(&town, &relay.at, "cart", &words).ends(3);
        assert!(other.complaint.contains("another than was asked for"), "{}", other.complaint);
        // All of it comes back by itself.
        town.advance(901);
        let is_back = (0..2_000).any(|_| town.money(&shop) == (BEGINNING, 0, 0));
        assert!(is_back, "{:?}", town.money(&shop));
    }
}

#[test]
fn a_buyer_that_is_killed_in_the_midst_and_runs_again_pays_once() {
    for (dialect, chosen) in DIALECTS {
        let (town, shop) = town();
        let words = [&["--item", "tea", "--max-price", "20"], chosen].concat();
        let place = if dialect == "acp" { "checkout_sessions" } else { "checkout-sessions" };
        let mut bought = 0;
        for (end, side) in [
            (place, Side::Before),
            (place, Side::After),
            ("complete", Side::Before),
            ("complete", Side::After),
        ] {
            let relay = Relay::to(&town, &shop.at);
            relay.stop(end, side);
            let purchase = format!("{end}-{side:?}");
            let mut killed = buying(&town, &town.url, &relay.at, &purchase, &words)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("the program starts");
            relay.wait(&mut killed);
            killed.kill().and_then(|()| killed.wait()).expect("it is ours");
            relay.open();
            let order = buy(&town, &relay.at, &purchase, &words).ends(0);
            bought += 1_800;
            assert_eq!(town.money(&shop), (BEGINNING - bought, 0, bought), "{dialect} {purchase}");
            let again = buy(&town, &relay.at, &purchase, &words).ends(0);
            assert_eq!(again.member("order"), order.member("order"));
            assert_eq!(town.money(&shop), (BEGINNING - bought, 0, bought), "{dialect} {purchase}");
        }
    }
}

#[test]
fn a_shop_that_is_killed_after_it_took_the_money_has_one_order_for_it() {
    for (_, chosen) in DIALECTS {
        let (town, mut shop) = town();
        let words = [&["--item", "tea", "--max-price", "20"], chosen].concat();
        let server = Relay::to(&town, &town.url);
        shop.server = server.at.clone();
        town.reopen(&mut shop, &doors());
        server.stop("/take", Side::After);
        let mut buyer = buying(&town, &server.at, &shop.at, "one", &words)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        server.wait(&mut buyer);
        shop.process = None;
        let killed = Bought::of(&buyer.wait_with_output().expect("it ends"));
        let killed = killed.ends(5);
        assert!(killed.complaint.contains("do the same purchase again"), "{}", killed.complaint);
        assert_eq!(town.money(&shop), (BEGINNING - 1_800, 0, 1_800), "it was taken");
        server.open();
        town.reopen(&mut shop, &doors());
        let again =
            || Bought::of(&buying(&town, &server.at, &shop.at, "one", &words).output().expect("it starts"));
        let order = again().ends(0).text("order");
        assert_eq!(again().ends(0).text("order"), order);
        assert_eq!(town.money(&shop), (BEGINNING - 1_800, 0, 1_800));
    }
}

#[test]
fn what_the_owner_has_to_be_asked_is_bought_after_her_yes_and_exactly_that() {
    for (_, chosen) in DIALECTS {
        let town = Town::new();
        let shop = town.shop("Tea", 0, &doors());
        mandate(&town, Some(Limit::AskAlways));
        let words = [&["--item", "tea", "--max-price", "20"], chosen].concat();
        let asked = buy(&town, &shop.at, "one", &words).ends(4);
        assert!(asked.complaint.contains("the owner is asked"), "{}", asked.complaint);
        // Asking again before she answers is the same question.
        buy(&town, &shop.at, "one", &words).ends(4);
        assert_eq!(town.spent(), 0);
        let page = town.run(town.owner.questions(10, None)).expect("they are hers");
        let [question] = page.data.as_slice() else { panic!("{:?}", page.data) };
        let until = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
        let yes = Approve { digest: question.digest, until: until.to_string(), alike: false };
        let key = RequestId(town.owner.fresh_id());
        town.run(town.owner.approve(key, &question.id, &yes)).expect("she may");
        buy(&town, &shop.at, "one", &words).ends(0);
        assert_eq!(town.money(&shop), (BEGINNING - 1_800, 0, 1_800));
        // Her yes was for that one.
        buy(&town, &shop.at, "two", &words).ends(4);
        assert_eq!(town.spent(), 1_800);
    }
}

/// Has an order of the shop's paid by its number, in ACT: the owner says yes to it.
fn pay_by_number(town: &Town, shop: &Stall, announced: &str) -> String {
    let announced: serde_json::Value = serde_json::from_str(announced).expect("JSON");
    let words = ["milk tea", "--item", "tea", "--currency", "CNY", "--max", "20.00", "--at", &shop.at];
    town.buyer_by(&shop.server, "ask", "act", &words).ends(0);
    town.buyer_by(&shop.server, "confirm", "act", &[]).ends(0);
    // A confirmation of the same cart, and the number of the other order.
    let file = town.directory.0.join("purchases").join("act.shop.json");
    let mut record = town.record("act");
    let text = record["confirmation"].as_str().expect("it is confirmed");
    let mut confirmation: serde_json::Value = serde_json::from_str(text).expect("JSON");
    confirmation["merchant_order_id"] = announced["id"].clone();
    confirmation["cart_snapshot"]["snapshot_hash"] = announced["cart_snapshot_hash"].clone();
    confirmation["pay_before"] = announced["pay_before"].clone();
    record["confirmation"] = json!(confirmation.to_string());
    std::fs::write(file, record.to_string()).expect("the directory is ours");
    let question =
        town.buyer_by(&shop.server, "pay", "act", &["--token", &town.token]).ends(4).text("question");
    let paid = town.say_yes(&question, None).expect("she is there");
    paid["trade_no"].as_str().expect("it is paid").to_owned()
}

#[test]
fn an_order_that_is_paid_by_a_token_and_by_its_number_at_once_keeps_one_payment() {
    // The token is taken and the shop does not know yet, or is about to be; and of the other payment it hears later, or first.
    for (side, is_told_first) in [(Side::After, false), (Side::Before, false), (Side::After, true)] {
        let (town, mut shop) = town();
        let server = Relay::to(&town, &town.url);
        shop.server = server.at.clone();
        town.reopen(&mut shop, &doors());
        server.stop("/take", side);
        let words = ["--item", "tea", "--max-price", "20"];
        let mut buyer = buying(&town, &server.at, &shop.at, "one", &words)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        server.wait(&mut buyer);
        let announced = server.passed("/orders").pop().expect("the order is announced");
        pay_by_number(&town, &shop, &announced);
        assert_eq!(town.spent(), 3_600, "both are taken or set aside");
        if is_told_first {
            assert_eq!(town.buyer_by(&shop.server, "show", "act", &[]).ends(0).text("status"), "PAID");
        }
        shop.process = None;
        buyer.wait().expect("it ends");
        server.open();
        town.reopen(&mut shop, &doors());
        let is_settled = |_: u32| {
            let (free, held, got) = town.money(&shop);
            free == BEGINNING - 1_800 && held + got == 1_800
        };
        assert!((0..10_000).any(is_settled), "{side:?} {is_told_first} {:?}", town.money(&shop));
        let kept = town.money(&shop);
        assert_eq!(kept.2, if is_told_first { 0 } else { 1_800 }, "the first that the shop knew of is kept");
        assert_eq!(
            town.seller(&shop, "fulfil", announced_id(&announced).as_str()).ends(0).text("status"),
            "FULFILLED"
        );
        assert_eq!(town.money(&shop), (BEGINNING - 1_800, 0, 1_800));
    }
}

fn announced_id(announced: &str) -> String {
    let announced: serde_json::Value = serde_json::from_str(announced).expect("JSON");
    announced["id"].as_str().expect("a number").to_owned()
}
