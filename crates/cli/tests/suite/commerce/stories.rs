//! S1 and S3 as their stories tell them: the money to the fen, and each refusal.

use super::town::{BEGINNING, Town};
use serde_json::json;

const A: &str = "[[delivery]]\nid = \"rider\"\nname = \"Rider\"\nprice = \"3.00\"\ndelivery_seconds = 1800\n\
    [[item]]\nid = \"tea\"\nname = \"Milk tea\"\ncategory = \"drink\"\nprice = \"18.00\"\nasset = \"CNY/2\"\nstock = 5\ndelivery_seconds = 0\n";
const B: &str = "[[delivery]]\nid = \"rider\"\nname = \"Rider\"\nprice = \"2.00\"\ndelivery_seconds = 1800\n\
    [[coupon]]\ncode = \"FIVE\"\noff = \"5.00\"\noffered = true\n\
    [[item]]\nid = \"milk-tea\"\nname = \"Milk tea\"\ncategory = \"drink\"\nprice = \"19.00\"\nasset = \"CNY/2\"\nstock = 5\ndelivery_seconds = 0\n";

#[test]
fn s1_milk_tea_with_one_sentence() {
    let town = Town::new();
    let (one, mut two) = (town.shop("MA", 0, A), town.shop("MB", 6_250, B));
    let asked = town.buyer(
        "ask",
        "tea",
        &[
            "milk tea, less sugar",
            "--max",
            "20.00",
            "--currency",
            "CNY",
            "--category",
            "drink",
            "--at",
            &one.at,
            "--at",
            &two.at,
        ],
    );
    let asked = asked.ends(0);
    // 21.00 breaks the budget where it is sold already; 16.00 is chosen.
    assert_eq!(asked.said[0]["error"], "NO_MATCH", "{:?}", asked.said);
    assert_eq!(asked.member("chosen")["total"], "16.00");
    assert_eq!(town.record("tea")["events"][0]["event"], "act:commerce:decision-logged");
    let confirmed = town.buyer("confirm", "tea", &["--address", "the office"]).ends(0);
    let order = confirmed.text("merchant_order_id");
    assert_eq!(confirmed.text("total_amount"), "16.00");
    assert_eq!(town.record("tea")["events"][1]["event"], "act:commerce:cart-confirmed");

    // The owner sees exactly that, and nothing moves before her yes.
    let waiting = town.buyer("pay", "tea", &["--token", &town.token]).ends(4);
    let question = waiting.text("question");
    let prompt = town.prompt(&question);
    assert_eq!(
        (&prompt["amount"], &prompt["payee_name"], &prompt["order"]),
        (&json!("16.00"), &json!("MB"), &json!(order))
    );
    assert_eq!(town.money(&two), (BEGINNING, 0, 0));

    // (b) The price changes after the lock: the order keeps the one that was agreed on.
    town.reopen(&mut two, &B.replace("19.00", "20.00"));
    let paid = town.say_yes(&question, None).expect("she is there");
    assert_eq!(town.money(&two), (BEGINNING - 1_600, 1_600, 0));
    // (d) A second yes is answered by the first result.
    assert_eq!(town.say_yes(&question, None).expect("she is there")["trade_no"], paid["trade_no"]);
    let again = town.buyer("pay", "tea", &["--token", &town.token]).ends(0);
    assert_eq!(again.member("trade_no"), paid["trade_no"]);
    assert_eq!(town.money(&two), (BEGINNING - 1_600, 1_600, 0));

    // It is delivered: 15.90 to the merchant, 0.10 to the operator.
    let shown = town.buyer("show", "tea", &[]).ends(0);
    assert_eq!(
        (shown.text("status"), shown.member("trade_no")),
        ("PAID".to_owned(), paid["trade_no"].clone())
    );
    assert_eq!(town.seller(&two, "fulfil", &order).ends(0).text("status"), "FULFILLED");
    assert_eq!(town.money(&two), (BEGINNING - 1_600, 0, 1_590));
    // Once: neither a second delivery nor a cancellation moves anything.
    assert_eq!(town.seller(&two, "fulfil", &order).ends(0).text("status"), "FULFILLED");
    town.buyer("cancel", "tea", &[]).ends(3);
    assert_eq!(town.money(&two), (BEGINNING - 1_600, 0, 1_590));
}

#[test]
fn s1_without_a_yes_in_time_or_with_one_for_another_order_nothing_moves() {
    let town = Town::new();
    let shop = town.shop("MB", 0, B);
    let ask = |purchase: &str| {
        town.buyer("ask", purchase, &["milk tea", "--max", "20.00", "--currency", "CNY", "--at", &shop.at])
            .ends(0);
        town.buyer("confirm", purchase, &[]).ends(0);
        town.buyer("pay", purchase, &["--token", &town.token]).ends(4).text("question")
    };
    // (c) A yes to one order is none to another.
    let (first, second) = (ask("first"), ask("second"));
    let digest = town.prompt(&first)["digest"].clone();
    let refused = town.say_yes(&second, Some(&digest)).expect_err("it is another order");
    assert_eq!(refused.code(), Some("approval_mismatch"), "{refused}");
    assert_eq!(town.spent(), 0);
    // (a) Five minutes later it is too late.
    town.advance(301);
    assert!(town.say_yes(&first, None).is_err());
    town.buyer("pay", "first", &["--token", &town.token]).ends(3);
    assert_eq!(town.money(&shop), (BEGINNING, 0, 0));
}

const FLIGHTS: &str = "settle = \"at_once\"\n\
    [[item]]\nid = \"F1\"\nname = \"Flight to Hangzhou\"\ncategory = \"flight\"\nprice = \"420.00\"\nasset = \"CNY/2\"\nstock = 9\nshipped = false\n[item.details]\ndeparts = \"23:30\"\n\
    [[item]]\nid = \"F2\"\nname = \"Flight to Hangzhou\"\ncategory = \"flight\"\nprice = \"850.00\"\nasset = \"CNY/2\"\nstock = 9\nshipped = false\n[item.details]\ndeparts = \"09:00\"\n\
    [[item]]\nid = \"F3\"\nname = \"Flight to Hangzhou\"\ncategory = \"flight\"\nprice = \"780.00\"\nasset = \"CNY/2\"\nstock = 9\nshipped = false\n[item.details]\ndeparts = \"14:00\"\n\
    [[item]]\nid = \"F4\"\nname = \"Flight to Hangzhou\"\ncategory = \"flight\"\nprice = \"799.00\"\nasset = \"CNY/2\"\nstock = 9\nshipped = false\n[item.details]\ndeparts = \"10:00\"\n";
const FLIGHT: &str =
    "Book me a flight to Hangzhou tomorrow within a budget of 800 yuan, avoiding red-eye flights";
const AVOID: [&str; 2] = ["--avoid", "departs=22:00-05:59"];

#[test]
fn s3_a_flight_for_at_most_800_and_no_red_eye() {
    let town = Town::new();
    let air = town.shop("Air", 0, FLIGHTS);
    let credential = town.credential(FLIGHT);
    let ask = ["flight to Hangzhou", "--at", &air.at, "--delegation", &credential, AVOID[0], AVOID[1]];
    let asked = town.buyer("ask", "ticket", &ask).ends(0);
    assert_eq!(asked.member("chosen")["item"], "F3");
    let out = asked.said.iter().find(|said| said["item"] == "F1").expect("the cheapest is looked at");
    assert_eq!(out["out"], "its time of day is to be avoided");
    assert!(!asked.said.iter().any(|said| said["item"] == "F2"), "what is over the budget is not offered");
    let order = town.buyer("confirm", "ticket", &[]).ends(0).text("merchant_order_id");
    let paid = town.buyer("pay", "ticket", &["--token", &town.token]).ends(0);
    assert_eq!(paid.text("merchant_order_id"), order, "the number is unchanged");
    assert_eq!(town.money(&air), (BEGINNING - 78_000, 0, 78_000));

    // A second ticket is beyond the total: nothing is sent to the merchant, and the owner is asked.
    town.buyer("ask", "second", &ask).ends(0);
    let stopped = town.buyer("confirm", "second", &[]).ends(4);
    assert_eq!(stopped.member("stopped")["reason"], "CUMULATIVE_AMOUNT_EXCEEDED");
    assert!(town.record("second")["cart"].is_null(), "the merchant has heard nothing");
    assert_eq!(town.spent(), 78_000);
    // Under limits that nothing keeps, nothing is relaxed.
    let none = town.buyer("ask", "cheap", &[&ask[..], &["--max", "400.00"]].concat()).ends(3);
    assert!(none.complaint.contains("keeps every limit"), "{}", none.complaint);
    // After its time the credential is worth nothing.
    town.advance(3 * 86_400);
    assert_ne!(town.buyer("ask", "late", &ask).code, Some(0));
    assert_eq!(town.spent(), 78_000);
}

#[test]
fn s3_a_tax_at_the_checkout_beyond_the_limit_pauses_and_exactly_the_limit_is_paid() {
    let town = Town::new();
    let mut air = town.shop("Air", 0, FLIGHTS);
    let (at, credential) = (air.at.clone(), town.credential(FLIGHT));
    let ask = ["flight to Hangzhou", "--at", &at, "--delegation", &credential, AVOID[0], AVOID[1]];
    town.buyer("ask", "ticket", &ask).ends(0);
    // 780.00 and 2.57 percent are 800.05.
    town.reopen(&mut air, &format!("{FLIGHTS}[[tax]]\npercent = \"2.57\"\n"));
    let stopped = town.buyer("confirm", "ticket", &[]).ends(4);
    assert_eq!(stopped.member("stopped")["policy"], "PAUSE_AND_NOTIFY");
    assert_eq!(town.money(&air), (BEGINNING, 0, 0));
    let asked_in = stopped.member("stopped")["intent"].as_str().expect("the owner is asked").to_owned();
    let shown: serde_json::Value =
        town.run(town.owner.get(&format!("/v1/intents/{asked_in}"))).expect("it is hers");
    assert!(shown["questions"].to_string().contains("800.05 CNY"), "{}", shown["questions"]);

    // Exactly 800.00 is inside.
    town.reopen(&mut air, &FLIGHTS.replace("780.00", "800.00").replace("799.00", "900.00"));
    town.buyer("ask", "exact", &ask).ends(0);
    town.buyer("confirm", "exact", &[]).ends(0);
    town.buyer("pay", "exact", &["--token", &town.token]).ends(0);
    assert_eq!(town.money(&air), (BEGINNING - 80_000, 0, 80_000));
}
