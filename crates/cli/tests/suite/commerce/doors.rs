//! The doors of a shop for ACP and UCP, between processes: bought once whoever is killed, and sold out for everybody.

use super::town::{BEGINNING, Stall, Town, fen};
use evidence::Hash;
use protocols::a402::wallet::Network;
use sdk::{
    Buyer, BuyerSettings, CheckedOut, CheckoutDialect, CheckoutOrder, NewCheckout, NotCheckedOut, Purchases,
};
use wire::account::{Carry, NewMandate};
use wire::limit::Limit;
use wire::{AmountText, MandateId, RequestId};

const KEY: &str = "the assistant's";

const TEA: &str = "lock_seconds = 120\n\
    [[item]]\nid = \"tea\"\nname = \"Milk tea\"\ncategory = \"drink\"\nprice = \"18.00\"\nasset = \"CNY/2\"\nstock = 1\nshipped = false\n";

/// The shop's file with both doors open for one client.
fn doors() -> String {
    let digest: String = Hash::of(KEY.as_bytes()).0.iter().map(|byte| format!("{byte:02x}")).collect();
    format!(
        "{TEA}[checkouts]\nnamespace = \"example.shop.pay\"\nacp = true\nucp = true\n\
         [[checkouts.client]]\nname = \"assistant\"\nkey_sha256 = \"{digest}\"\n"
    )
}

fn buyer(town: &Town) -> Buyer {
    let mandate = MandateId(town.agent.fresh_id());
    let now = jiff::Timestamp::now().as_second();
    let time = |seconds: i64| jiff::Timestamp::from_second(now + seconds).expect("a time").to_string();
    let new = NewMandate {
        id: mandate,
        wallet: town.wallet,
        agent: town.agent_id,
        valid_from: time(-60),
        expires_at: time(86_400),
        limits: vec![Limit::PerPayment { max: AmountText::new(5_000).expect("it is small") }],
        document: "tea".to_owned(),
        carry: Carry::Inherit,
    };
    town.run(town.owner.grant(&new)).expect("a mandate");
    let settings = BuyerSettings {
        wallet: town.wallet,
        mandate: Some(mandate),
        network: Network::Test,
        payees: Vec::new(),
        seller_keys: Default::default(),
    };
    let purchases = Purchases::open(&town.directory.0.join("checkouts")).expect("a directory of ours");
    Buyer::new(town.agent.clone(), settings, purchases).expect("a buyer")
}

fn new(town: &Town, shop: &Stall) -> NewCheckout {
    NewCheckout {
        purchase: RequestId(town.agent.fresh_id()).to_string(),
        shop: shop.at.parse().expect("an address"),
        dialect: Some(CheckoutDialect::Acp),
        api_key: Some(KEY.to_owned()),
        profile: None,
        items: vec![("tea".to_owned(), 1)],
        price_max: fen(1_800),
        why: None,
    }
}

fn bought(town: &Town, buyer: &Buyer, new: &NewCheckout) -> CheckoutOrder {
    match town.run(buyer.check_out(new)).expect("it is for sale") {
        CheckedOut::Bought(order) => *order,
        CheckedOut::Asked { question, .. } => panic!("{question}"),
    }
}

#[test]
fn what_is_bought_by_acp_is_paid_once_over_kills_and_sold_out_for_act() {
    let town = Town::new();
    let mut shop = town.shop("Tea", 0, &doors());
    let buyer = buyer(&town);
    let new_one = new(&town, &shop);
    let order = bought(&town, &buyer, &new_one);
    assert_eq!(town.money(&shop), (BEGINNING - 1_800, 0, 1_800));
    town.reopen(&mut shop, &doors());
    assert_eq!(bought(&town, &buyer, &new_one), order, "killed, opened again, and asked again");
    assert_eq!(town.money(&shop), (BEGINNING - 1_800, 0, 1_800));

    let gone = town.run(buyer.check_out(&new(&town, &shop))).expect_err("it was the last one");
    assert!(matches!(&gone, NotCheckedOut::Refused { code, .. } if code == "not_ready"), "{gone}");
    let words = ["milk tea", "--currency", "CNY", "--max", "20.00", "--at", &shop.at];
    let asked = town.buyer("ask", "act", &words);
    if asked.code == Some(0) {
        let no = town.buyer("confirm", "act", &[]).ends(3);
        assert!(no.complaint.contains("OUT_OF_STOCK"), "{}", no.complaint);
    }
    assert_eq!(town.spent(), 1_800);

    town.seller(&shop, "cancel", &order.order).ends(0);
    assert_eq!(town.money(&shop), (BEGINNING, 0, 0), "all of it went back");
}

#[test]
fn a_door_that_is_not_opened_is_none() {
    let town = Town::new();
    let shop = town.shop("Tea", 0, TEA);
    let no = town.run(buyer(&town).check_out(&new(&town, &shop))).expect_err("it has no doors");
    assert!(matches!(no, NotCheckedOut::Refused { .. } | NotCheckedOut::Shop(_)), "{no}");
    assert_eq!(town.spent(), 0);
}
