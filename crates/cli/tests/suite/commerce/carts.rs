//! Carts: the limits first, then the lock, then exactly that is paid. Names begin with the rows of the requirements.

use super::town::{BEGINNING, Town};
use protocols::act::cid::cart::CartConfirmation;
use protocols::act::{AmountText, Identifier, UtcTime};
use sdk::shopping::{Shopper, ToPay};

const TEA: &str = "lock_seconds = 120\n\
    [[item]]\nid = \"tea\"\nname = \"Milk tea\"\ncategory = \"drink\"\nprice = \"18.00\"\nasset = \"CNY/2\"\nstock = 1\nshipped = false\n";

fn ask(town: &Town, purchase: &str, at: &str) {
    let words = ["milk tea", "--currency", "CNY", "--max", "20.00", "--at", at];
    town.buyer("ask", purchase, &words).ends(0);
}

#[test]
fn cart_01_03_05_what_is_outside_the_limits_is_never_said_to_the_merchant() {
    let town = Town::new();
    let mut shop = town.shop("Tea", 0, TEA);
    let credential = town.credential("Spend up to 30 yuan this week on drinks");
    let at = shop.at.clone();
    let words = ["milk tea", "--delegation", &credential, "--at", &at];
    town.buyer("ask", "first", &words).ends(0);
    town.buyer("confirm", "first", &[]).ends(0);
    town.buyer("pay", "first", &["--token", &town.token]).ends(0);
    town.reopen(&mut shop, &TEA.replace("stock = 1", "stock = 9"));
    town.buyer("ask", "second", &words).ends(0);
    // With nobody there to hear it, the answer is the same: the limits come first.
    shop.process = None;
    let stopped = town.buyer("confirm", "second", &[]).ends(4);
    let why = stopped.member("stopped");
    assert_eq!(
        (&why["policy"], &why["reason"]),
        (&"PAUSE_AND_NOTIFY".into(), &"CUMULATIVE_AMOUNT_EXCEEDED".into())
    );
    assert!(why["intent"].is_string(), "the owner is asked: {why}");
    town.buyer("pay", "second", &["--token", &town.token]).ends(2);
    assert_eq!(town.spent(), 1_800);
}

#[test]
fn cart_04_auto_cancel_ends_it_for_good_and_says_why() {
    let town = Town::new();
    let mut shop = town.shop("Tea", 0, TEA);
    let credential = town.credential(
        "Buy a milk tea, at most 30 yuan, price may vary within 5 %, if the price changes more, cancel",
    );
    let at = shop.at.clone();
    let words = ["milk tea", "--delegation", &credential, "--at", &at];
    town.buyer("ask", "first", &words).ends(0);
    // 18.90 is 5 percent away from 18.00, and 18.91 more.
    town.reopen(&mut shop, &TEA.replace("18.00", "18.91"));
    let stopped = town.buyer("confirm", "first", &[]).ends(3).member("stopped");
    assert_eq!(
        (&stopped["policy"], &stopped["reason"]),
        (&"AUTO_CANCEL".into(), &"PRICE_DEVIATION_EXCEEDED".into())
    );
    assert!(stopped["intent"].is_null(), "nobody is asked: {stopped}");
    town.reopen(&mut shop, TEA);
    town.buyer("confirm", "first", &[]).ends(3);
    town.buyer("ask", "first", &words).ends(3);
    // Within the tolerance it is told once, and taken when the agent asks again.
    town.buyer("ask", "second", &words).ends(0);
    town.reopen(&mut shop, &TEA.replace("18.00", "18.90"));
    let told = town.buyer("confirm", "second", &[]).ends(3);
    assert!(
        told.complaint.contains("PRICE_CHANGED") || told.complaint.contains("18.90"),
        "{}",
        told.complaint
    );
    town.buyer("confirm", "second", &[]).ends(0);
    town.buyer("pay", "second", &["--token", &town.token]).ends(0);
    assert_eq!(town.spent(), 1_890);
}

#[test]
fn cart_06_07_09_the_last_one_is_locked_for_one_and_comes_back() {
    let town = Town::new();
    let shop = town.shop("Tea", 0, TEA);
    ask(&town, "first", &shop.at);
    ask(&town, "second", &shop.at);
    let order = town.buyer("confirm", "first", &[]).ends(0).text("merchant_order_id");
    assert_eq!(town.buyer("confirm", "first", &[]).ends(0).text("merchant_order_id"), order, "once");
    let no = town.buyer("confirm", "second", &[]).ends(3);
    assert!(no.complaint.contains("OUT_OF_STOCK"), "{}", no.complaint);
    let record = town.record("second");
    assert!(record["confirmation"].is_null(), "a failed lock is no confirmation");
    assert!(!record["events"].to_string().contains("cart-confirmed"), "{}", record["events"]);
    town.buyer("pay", "second", &["--token", &town.token]).ends(2);
    town.buyer("cancel", "first", &["--reason", "changed my mind"]).ends(0);
    town.buyer("confirm", "second", &[]).ends(0);
    assert_eq!(town.spent(), 0);
}

#[test]
fn cart_06_a_lock_that_is_over_cannot_be_paid_and_its_stock_comes_back() {
    let town = Town::new();
    let shop = town.shop("Tea", 0, TEA);
    ask(&town, "first", &shop.at);
    town.buyer("confirm", "first", &[]).ends(0);
    // The owner is asked in time, and says yes too late: nothing moves.
    let question = town.buyer("pay", "first", &["--token", &town.token]).ends(4).text("question");
    town.advance(121);
    assert!(town.say_yes(&question, None).is_err());
    assert_eq!(town.money(&shop), (BEGINNING, 0, 0));
    town.advance(61);
    // The shop sees to its locks by itself, a moment later.
    let expired = (0..200).any(|_| town.buyer("show", "first", &[]).ends(0).text("status") == "EXPIRED");
    assert!(expired, "the lock ends");
    ask(&town, "second", &shop.at);
    town.buyer("confirm", "second", &[]).ends(0);
}

#[test]
fn cart_10_another_amount_under_the_same_hash_is_refused() {
    let town = Town::new();
    let shop = town.shop("Tea", 0, TEA);
    ask(&town, "first", &shop.at);
    town.buyer("confirm", "first", &[]).ends(0);
    let text = town.record("first")["confirmation"].as_str().expect("it is kept").to_owned();
    let honest = CartConfirmation::from_json(text.as_bytes()).expect("a confirmation");
    let shopper = Shopper::new(town.agent.clone(), town.agent_id, sdk::Clock::system()).expect("a client");
    let pay = |confirmation: &CartConfirmation, id: &str| {
        let request_id = Identifier::parse(id).expect("an id");
        let token = Identifier::parse(town.token.as_str()).expect("a token");
        let timestamp = UtcTime::second_of(town.agent.clock().now());
        town.run(shopper.pay_instant(ToPay {
            request_id: &request_id,
            confirmation,
            payment_token: &token,
            timestamp: &timestamp,
        }))
    };
    for amount in ["17.99", "18.01", "0.01"] {
        let mut changed = honest.clone();
        changed.total_amount = AmountText::parse(amount).expect("an amount");
        let refused = pay(&changed, &format!("r-{amount}")).expect_err("it is another amount");
        assert!(format!("{refused:?}").contains("ORDER_MISMATCH"), "{refused:?}");
    }
    assert!(pay(&honest, "r-honest").is_ok());
    assert_eq!(town.spent(), 0, "the owner is asked first");
}

#[test]
fn a_paid_order_that_is_cancelled_gives_its_money_and_its_stock_back() {
    let town = Town::new();
    let shop = town.shop("Tea", 0, TEA);
    ask(&town, "first", &shop.at);
    town.buyer("confirm", "first", &[]).ends(0);
    let question = town.buyer("pay", "first", &["--token", &town.token]).ends(4).text("question");
    town.say_yes(&question, None).expect("she is there");
    town.buyer("pay", "first", &["--token", &town.token]).ends(0);
    assert_eq!(town.money(&shop), (BEGINNING - 1_800, 1_800, 0));
    assert_eq!(town.buyer("cancel", "first", &[]).ends(0).text("status"), "CANCELLED");
    assert_eq!(town.money(&shop), (BEGINNING, 0, 0));
    assert_eq!(town.buyer("cancel", "first", &[]).ends(0).text("status"), "CANCELLED");
    ask(&town, "second", &shop.at);
    town.buyer("confirm", "second", &[]).ends(0);
}

#[test]
fn a_cart_of_several_items_is_one_order_within_the_limits() {
    let town = Town::new();
    let goods = |tax: &str| {
        format!(
            "{}[[item]]\nid = \"cake\"\nname = \"Cake\"\ncategory = \"food\"\nprice = \"9.90\"\nasset = \"CNY/2\"\nstock = 5\nshipped = false\n{tax}",
            TEA
        )
    };
    let mut shop = town.shop("Tea", 0, &goods(""));
    ask(&town, "one", &shop.at);
    // What nobody sells, and what is beyond the limit with it, is not said to the merchant.
    town.buyer("confirm", "one", &["--also", "coffee"]).ends(3);
    town.buyer("confirm", "one", &["--also", "cake"]).ends(4);
    assert!(town.record("one")["cart"].is_null(), "the merchant has heard nothing");

    let at = shop.at.clone();
    let words = ["milk tea", "--currency", "CNY", "--max", "50.00", "--item", "tea", "--at", &at];
    town.buyer("ask", "two", &words).ends(0);
    let confirmed = town.buyer("confirm", "two", &["--also", "cake,2"]).ends(0);
    assert_eq!(confirmed.text("total_amount"), "37.80");
    let question = town.buyer("pay", "two", &["--token", &town.token]).ends(4).text("question");
    town.say_yes(&question, None).expect("she is there");
    assert_eq!(town.money(&shop), (BEGINNING - 3_780, 3_780, 0));

    // A tax on all of it is the shop's to compute: it says the total, and that is what is taken, or not.
    town.reopen(&mut shop, &goods("[[tax]]\npercent = \"10\"\n").replace("stock = 1", "stock = 9"));
    town.buyer("ask", "three", &words).ends(0);
    let dearer = town.buyer("confirm", "three", &["--also", "cake"]).ends(3);
    assert!(
        dearer.complaint.contains("30.69") && dearer.complaint.contains("--total"),
        "{}",
        dearer.complaint
    );
    town.buyer("confirm", "three", &["--also", "cake", "--total", "30.68"]).ends(3);
    let confirmed = town.buyer("confirm", "three", &["--also", "cake", "--total", "30.69"]).ends(0);
    assert_eq!(confirmed.text("total_amount"), "30.69");
    assert_eq!(town.spent(), 3_780);
}
