//! S1, S2, S3 and S6 as their stories tell them: the money to the fen, and each refusal.

use super::town::{BEGINNING, Town, fen};
use crate::books::{complained, printed, tollbridge};
use serde_json::{Value, json};
use std::fs;
use wire::account::{NewSubAccount, NewTransfer};
use wire::limit::Limit;
use wire::{TransferId, WalletId};

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
    let late = town.buyer("ask", "late", &ask).ends(3);
    assert!(late.complaint.contains("expired"), "{}", late.complaint);
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

const COFFEE: &str = "[[item]]\nid = \"latte\"\nname = \"Coconut latte\"\ncategory = \"drink\"\nprice = \"15.00\"\nasset = \"CNY/2\"\nstock = 9\nshipped = false\n\
    [[item.option]]\nname = \"size\"\nvalues = [\"medium\", \"large\"]\n\
    [[item]]\nid = \"secret\"\nname = \"Coconut secret\"\ncategory = \"drink\"\nshipped = false\n";

#[test]
fn s2_a_coconut_latte_whatever_is_killed_after_which_step() {
    let town = Town::new();
    let mut shop = town.shop("Luckin Coffee", 0, COFFEE);
    for killed_after in 0..5_usize {
        let purchase = format!("latte-{killed_after}");
        let at = shop.at.clone();
        let ask = ["coconut latte", "--at", &at, "--currency", "CNY", "--max", "20.00"];
        let asked = town.buyer("ask", &purchase, &ask).ends(0);
        assert!(!asked.said.iter().any(|said| said["item"] == "secret"), "what has no price is no candidate");
        let kill = |shop: &mut super::town::Stall, step: usize| {
            if step == killed_after {
                town.kill_and_restart();
                town.reopen(shop, COFFEE);
            }
        };
        kill(&mut shop, 0);
        // There are two sizes: which one is asked before anything is sent.
        let which = town.buyer("confirm", &purchase, &[]).ends(4);
        assert!(which.complaint.contains("medium, large"), "{}", which.complaint);
        let confirm = || town.buyer("confirm", &purchase, &["--option", "size=large"]).ends(0);
        let order = confirm().text("merchant_order_id");
        kill(&mut shop, 1);
        assert_eq!(confirm().text("merchant_order_id"), order);
        let question = town.buyer("pay", &purchase, &["--token", &town.token]).ends(4).text("question");
        kill(&mut shop, 2);
        assert_eq!(
            town.buyer("pay", &purchase, &["--token", &town.token]).ends(4).text("question"),
            question
        );
        town.say_yes(&question, None).expect("she is there");
        kill(&mut shop, 3);
        town.say_yes(&question, None).expect("the first result");
        town.buyer("pay", &purchase, &["--token", &town.token]).ends(0);
        let bought = u128::try_from(killed_after).expect("it is small");
        assert_eq!(town.money(&shop), (BEGINNING - 1_500 * (bought + 1), 1_500, 1_500 * bought));
        assert_eq!(town.seller(&shop, "fulfil", &order).ends(0).text("status"), "FULFILLED");
        kill(&mut shop, 4);
        assert_eq!(town.seller(&shop, "fulfil", &order).ends(0).text("status"), "FULFILLED");
        assert_eq!(town.buyer("show", &purchase, &[]).ends(0).text("status"), "FULFILLED");
        assert_eq!(town.money(&shop), (BEGINNING - 1_500 * (bought + 1), 0, 1_500 * (bought + 1)));
    }
}

const HOTEL: &str = "lock_seconds = 600\n[[item]]\nid = \"room\"\nname = \"Hotel room\"\ncategory = \"hotel\"\nprice = \"600.00\"\nasset = \"CNY/2\"\nstock = 1\nshipped = false\n";

#[test]
fn s6_three_paid_calls_and_a_room_are_two_layers_of_value() {
    let town = Town::new();
    let mut hotel = town.shop("Hotel", 0, HOTEL);
    // The service layer: a folder of answers behind prices of 2, 10 and 20 fen.
    let root = town.directory.0.join("services");
    fs::create_dir(&root).expect("it is new");
    for name in ["inventory", "quote", "reservation"] {
        fs::write(root.join(name), name).expect("the folder is ours");
    }
    let folder = root.display().to_string();
    let (_files, behind) = Town::start(&["files", &folder, "--listen", "127.0.0.1:0"]);
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .expect("a port is free")
        .local_addr()
        .expect("an address")
        .port();
    let front = format!("http://127.0.0.1:{port}");
    let prices = [("inventory", "0.02"), ("quote", "0.10"), ("reservation", "0.20")];
    let prices = prices.map(|(name, amount)| {
        format!("[[price]]\nmethod = \"GET\"\npath = \"/{name}\"\namount = \"{amount} CNY\"\n")
    });
    let config = hotel.config.with_file_name("gateway.toml");
    let text = format!(
        "[seller]\nserver = \"{}\"\npayee = \"{}\"\nkey_file = \"key.toml\"\nnetwork = \"toll:test\"\npublic_url = \"{front}\"\nasset = \"CNY/2\"\ndata = \"gateway\"\n[upstream]\nurl = \"{behind}\"\n{}",
        town.url,
        hotel.payee,
        prices.concat()
    );
    fs::write(&config, text).expect("the folder is ours");
    let (_gateway, _) = Town::start(&[
        "gateway",
        "--config",
        &config.display().to_string(),
        "--listen",
        &format!("127.0.0.1:{port}"),
    ]);

    // The agent's own money for services: 100 fen, of which 32 may be spent, or 30.
    let sub_account = |budget: u128| {
        let id = WalletId(town.owner.fresh_id());
        let limits = vec![Limit::Total { max: fen(budget).amount }];
        town.run(async {
            let new = NewSubAccount { id, agent: town.agent_id, limits, label: None };
            town.owner.open_sub_account(town.wallet, &new).await.expect("a sub-account");
            let fill = NewTransfer {
                id: TransferId(town.owner.fresh_id()),
                from: town.wallet.to_string(),
                to: id.to_string(),
                amount: fen(100),
            };
            town.owner.transfer(&fill).await.expect("money");
        });
        id.to_string()
    };
    let call = |name: &str, wallet: &str| {
        let (key, purchases) = (town.directory.0.join("agent.toml"), town.directory.0.join("calls"));
        let (key, purchases) = (key.display().to_string(), purchases.display().to_string());
        let (url, purchase) = (format!("{front}/{name}"), format!("{name}-{wallet}"));
        tollbridge(&[
            "pay",
            &url,
            "--purchase",
            &purchase,
            "--max-price",
            "0.50",
            "--server",
            &town.url,
            "--key",
            &key,
            "--wallet",
            wallet,
            "--purchases",
            &purchases,
        ])
    };
    let left = |wallet: &str| {
        let found = town.run(town.owner.wallet(wallet.parse().expect("a wallet"))).expect("it is hers");
        (found.available.amount.minor(), found.held.amount.minor())
    };
    let tight = sub_account(30);
    for (name, code) in [("inventory", 0), ("quote", 0), ("reservation", 3)] {
        let done = call(name, &tight);
        assert_eq!(done.status.code(), Some(code), "{name}: {}", complained(&done));
    }
    let enough = sub_account(32);
    for (name, spent) in [("inventory", 2), ("quote", 12), ("reservation", 32)] {
        let done = call(name, &enough);
        assert_eq!((done.status.code(), printed(&done).as_str()), (Some(0), name), "{}", complained(&done));
        let (free, held) = left(&enough);
        assert_eq!(100 - free, spent, "{name}: {held} are held");
    }
    // The proof of the query is none for the reservation: nothing is delivered for it, and it still counts where it belongs.
    let files = fs::read_dir(town.directory.0.join("calls")).expect("purchases are kept");
    let texts = files.filter_map(|file| fs::read_to_string(file.expect("it is ours").path()).ok());
    let kept = texts.filter_map(|text| serde_json::from_str::<Value>(&text).ok());
    let query = format!("inventory-{enough}");
    let query = kept.into_iter().find(|kept| kept["purchase"] == *query).expect("the query is kept");
    let proof = query["payment_proof"].as_str().expect("it was paid").to_owned();
    let show = |name: &str| {
        town.run(async {
            let asked = reqwest::Client::new().get(format!("{front}/{name}")).header("payment-proof", &proof);
            let answer = asked.send().await.expect("it answers");
            (answer.status().as_u16(), answer.text().await.expect("a body"))
        })
    };
    let (status, said) = show("reservation");
    assert!((400..500).contains(&status) && said != "reservation", "{status} {said}");
    assert_eq!(show("inventory"), (200, "inventory".to_owned()));
    assert_eq!(left(&enough).0, 68, "neither cost anything");
    let services = 32 + 12;
    let wait_for = |got: u128| {
        (0..400).any(|_| {
            town.money(&hotel).2 == got || {
                std::thread::yield_now();
                false
            }
        })
    };
    assert!(wait_for(services), "what was delivered is collected: {:?}", town.money(&hotel));

    // The room, by the owner's delegation: set aside until the check-in.
    let credential = town.credential("Book me a hotel in Hangzhou tomorrow within a budget of 700 yuan");
    let at = hotel.at.clone();
    let ask = ["hotel room", "--at", &at, "--delegation", &credential];
    town.buyer("ask", "room", &ask).ends(0);
    // 610.00 against a quote of 600.00 is not taken in silence.
    town.reopen(&mut hotel, &HOTEL.replace("600.00", "610.00"));
    let dearer = town.buyer("confirm", "room", &[]).ends(3);
    assert!(dearer.complaint.contains("610.00"), "{}", dearer.complaint);
    town.reopen(&mut hotel, HOTEL);
    let before = town.spent();
    town.buyer("ask", "room", &ask).ends(0);
    town.buyer("confirm", "room", &[]).ends(0);
    // After the lock it has to be quoted again.
    town.advance(601);
    town.buyer("pay", "room", &["--token", &town.token]).ends(3);
    assert_eq!(town.spent(), before);
    town.advance(60);
    let free = (0..200).any(|_| town.buyer("show", "room", &[]).ends(0).text("status") == "EXPIRED");
    assert!(free, "the room is free again");
    town.buyer("ask", "again", &ask).ends(0);
    let order = town.buyer("confirm", "again", &[]).ends(0).text("merchant_order_id");
    town.buyer("pay", "again", &["--token", &town.token]).ends(0);
    assert_eq!(town.money(&hotel), (BEGINNING - 200 - 60_000, 60_000, services));
    assert_eq!(town.seller(&hotel, "fulfil", &order).ends(0).text("status"), "FULFILLED");
    assert_eq!(town.money(&hotel), (BEGINNING - 200 - 60_000, 0, services + 60_000));
}

#[test]
fn s6_a_hotel_that_cancels_gives_the_room_back_and_keeps_what_its_services_earned() {
    let town = Town::new();
    let hotel = town.shop("Hotel", 0, HOTEL);
    let credential = town.credential("Book me a hotel in Hangzhou tomorrow within a budget of 700 yuan");
    town.buyer("ask", "room", &["hotel room", "--at", &hotel.at, "--delegation", &credential]).ends(0);
    let order = town.buyer("confirm", "room", &[]).ends(0).text("merchant_order_id");
    town.buyer("pay", "room", &["--token", &town.token]).ends(0);
    assert_eq!(town.money(&hotel), (BEGINNING - 60_000, 60_000, 0));
    let ended: Value = town.seller(&hotel, "cancel", &order).ends(0).member("status");
    assert_eq!(ended, json!("CANCELLED"));
    assert_eq!(town.money(&hotel), (BEGINNING, 0, 0));
}
