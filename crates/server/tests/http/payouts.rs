//! Payouts over HTTP: whose money goes where and when, once; what the bank is told; and S13's refund after a payout.

use crate::house::{House, Party, Reply, cny, new_id};
use http::Method;
use serde_json::{Value, json};

impl House {
    async fn name_account(&self, by: &Party, account: Value) -> Reply {
        let path = format!("/v1/payees/{}/destination", self.seller.id);
        self.change(by, Method::PUT, &path, Some(account)).await
    }

    async fn standing(&self) -> Value {
        let path = format!("/v1/payees/{}/destination", self.seller.id);
        self.get(&self.seller, &path).await.expect(200)
    }

    async fn ask_payout(&self, id: &str, amount: &str) -> Reply {
        self.post(&self.seller, "/v1/payouts", json!({"id": id, "amount": cny(amount)})).await
    }

    async fn end_payout(&self, id: &str, verb: &str, body: Value) -> Reply {
        self.change(&self.operator, Method::POST, &format!("/v1/payouts/{id}/{verb}"), Some(body)).await
    }

    /// What the seller has, what is on its way and what was paid.
    async fn sums(&self) -> [String; 3] {
        let standing = self.standing().await;
        ["available", "in_transit", "paid"].map(|name| standing[name]["amount"].as_str().unwrap().to_owned())
    }

    async fn wait_hours(&self, hours: u64) {
        let body = json!({"seconds": hours * 3_600});
        self.post(&self.operator, "/v1/clock/advance", body).await.expect(200);
    }

    async fn sell(&self, amount: &str) -> String {
        let paid = self.post(&self.agent, "/v1/payments", self.payment(amount)).await.expect(201);
        paid["id"].as_str().unwrap().to_owned()
    }
}

fn account(number: &str) -> Value {
    json!({"holder": "Mulberry & Sons", "number": number})
}

fn batch(id: &str) -> Value {
    json!({"id": id, "asset": "CNY/2", "from": {"holder": "Operator", "number": "1000 2000 3000"},
        "on": "2026-11-24"})
}

#[tokio::test]
async fn what_a_seller_collected_goes_to_its_bank_once() {
    let house = House::new().await;
    house.sell("1000").await;
    house.name_account(&house.operator, account("6222 0212 3456 7890")).await.expect(201);
    let collected: u64 = house.sums().await[0].parse().unwrap();
    let standing = house.standing().await;
    assert_eq!(standing["destination"]["account"], "•••• 7890");
    assert!(!standing.to_string().contains("6222"), "{standing}");

    let id = new_id("pyo");
    let too_much = (collected + 1).to_string();
    let denied = house.ask_payout(&new_id("pyo"), &too_much).await.problem(403, "funds_insufficient");
    assert_eq!(denied["remaining"], cny(&collected.to_string()));
    house.ask_payout(&id, "600").await.expect(201);
    assert_eq!(house.ask_payout(&id, "600").await.expect(201)["repeated"], true);
    house.ask_payout(&id, "601").await.problem(409, "id_reused");
    assert_eq!(house.sums().await, [(collected - 600).to_string(), "600".into(), "0".into()]);

    // The bank is told once: another batch has nothing, and the same one the same bytes.
    let (first, second) = (new_id("pob"), new_id("pob"));
    let sent = house.post(&house.operator, "/v1/payouts/batches", batch(&first)).await.expect(201);
    assert_eq!((&sent["count"], &sent["total"]), (&json!(1), &cny("600")));
    assert_eq!(house.post(&house.operator, "/v1/payouts/batches", batch(&first)).await.expect(201), sent);
    let mut changed = batch(&first);
    changed["on"] = json!("2026-11-25");
    house.post(&house.operator, "/v1/payouts/batches", changed).await.problem(409, "id_reused");
    let none = house.post(&house.operator, "/v1/payouts/batches", batch(&second)).await.expect(200);
    assert_eq!(none["count"], 0);
    let path = format!("/v1/payouts/batches/{first}.xml");
    let read = async || String::from_utf8(house.get(&house.operator, &path).await.body.to_vec()).unwrap();
    let file = read().await;
    assert!(file.contains("<InstdAmt Ccy=\"CNY\">6.00</InstdAmt>"), "{file}");
    assert!(file.contains(&format!("<EndToEndId>{id}</EndToEndId>")), "{file}");
    assert!(file.contains("<Id>6222021234567890</Id>") && file.contains("Mulberry &amp; Sons"), "{file}");
    assert_eq!(read().await, file);
    house.get(&house.seller, &path).await.problem(403, "audience_wrong");
    house.get(&house.operator, &format!("/v1/payouts/batches/{second}")).await.problem(404, "payout_unknown");

    // Nothing comes of waiting; only the bank's word ends it, and once.
    house.wait_hours(24 * 90).await;
    assert_eq!(house.get(&house.seller, &format!("/v1/payouts/{id}")).await.expect(200)["status"], "sent");
    let reference = json!({"reference": "TX-4711"});
    house
        .change(&house.seller, Method::POST, &format!("/v1/payouts/{id}/settle"), Some(reference.clone()))
        .await
        .problem(403, "audience_wrong");
    house.end_payout(&id, "settle", json!({"reference": " "})).await.problem(422, "text_malformed");
    house.end_payout(&id, "settle", reference.clone()).await.expect(201);
    house.end_payout(&id, "settle", reference).await.problem(403, "payout_ended");
    house.end_payout(&id, "fail", json!({"why": "no such account"})).await.problem(403, "payout_ended");
    let paid = house.get(&house.seller, &format!("/v1/payouts/{id}")).await.expect(200);
    assert_eq!((&paid["status"], &paid["said"]), (&json!("paid"), &json!("TX-4711")));
    assert_eq!(house.sums().await, [(collected - 600).to_string(), "0".into(), "600".into()]);
    let (stranger, _) = house.stranger().await;
    house.get(&stranger, &format!("/v1/payouts/{id}")).await.problem(403, "audience_wrong");
}

#[tokio::test]
async fn a_stolen_key_sends_nothing_elsewhere() {
    let house = House::new().await;
    house.sell("1000").await;
    house.ask_payout(&new_id("pyo"), "10").await.problem(403, "destination_unset");
    house.name_account(&house.seller, account("6222 0212 3456 7890")).await.expect(201);
    house.ask_payout(&new_id("pyo"), "10").await.problem(403, "destination_cooling");
    house.wait_hours(25).await;
    house.ask_payout(&new_id("pyo"), "10").await.expect(201);

    // Somebody has the key and names an account of their own.
    house.name_account(&house.seller, account("9999888877776666")).await.expect(201);
    let standing = house.standing().await;
    assert_eq!(standing["next"]["account"], "•••• 6666");
    assert_eq!(standing["destination"]["account"], "•••• 7890");
    let thief = standing["next"]["digest"].clone();
    let stolen = json!({"id": new_id("pyo"), "amount": cny("10"), "destination": thief});
    house.post(&house.seller, "/v1/payouts", stolen).await.problem(403, "destination_cooling");
    let out = json!({"id": new_id("trf"), "from": house.seller.id, "to": "world", "amount": cny("10")});
    house.post(&house.seller, "/v1/transfers", out).await.problem(403, "forbidden");
    // The seller hears of it and names the old one again.
    house.name_account(&house.seller, account("6222021234567890")).await.expect(201);
    house.wait_hours(25).await;
    assert_eq!(house.standing().await["next"], Value::Null);
    house.ask_payout(&new_id("pyo"), "10").await.expect(201);
    let payouts = house.get(&house.seller, "/v1/payouts").await.expect(200);
    for payout in payouts["data"].as_array().unwrap() {
        assert_eq!(payout["destination"]["account"], "•••• 7890");
    }

    let odd = json!({"holder": "A", "iban": "DE88370400440532013000"});
    house.name_account(&house.seller, odd).await.problem(422, "text_malformed");
    let path = format!("/v1/payees/{}/destination", house.seller.id);
    house
        .change(&house.owner, Method::PUT, &path, Some(account("12345678")))
        .await
        .problem(403, "audience_wrong");
}

#[tokio::test]
async fn s13_what_was_paid_out_is_not_refunded_from_others() {
    let house = House::new().await;
    let payment = house.sell("10000").await;
    house.name_account(&house.operator, account("6222 0212 3456 7890")).await.expect(201);
    let collected = house.sums().await[0].clone();
    let id = new_id("pyo");
    house.ask_payout(&id, &collected).await.expect(201);
    let refund = |id: String| json!({"id": id, "payment": payment, "amount": cny("2500")});
    let asked = house.post(&house.seller, "/v1/refunds", refund(new_id("ref"))).await;
    asked.problem(403, "funds_insufficient");
    house.end_payout(&id, "fail", json!({"why": "account closed"})).await.expect(201);
    assert_eq!(house.sums().await, [collected, "0".into(), "0".into()]);
    house.post(&house.seller, "/v1/refunds", refund(new_id("ref"))).await.expect(201);
    let failed = house.get(&house.seller, &format!("/v1/payouts/{id}")).await.expect(200);
    assert_eq!((&failed["status"], &failed["said"]), (&json!("failed"), &json!("account closed")));
}
