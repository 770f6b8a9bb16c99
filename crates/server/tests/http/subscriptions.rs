//! Subscriptions over HTTP: scenario S10 with its exact money and everything it refuses, on a clock that is put forward.

use crate::house::{House, Party, Reply, cny, in_seconds, new_id};
use http::Method;
use serde_json::{Value, json};
use std::time::Duration;

const DAY: u64 = 86_400;

impl House {
    /// An agent that may spend up to `limits` for a year, and the wallet's money as it stands.
    async fn with_a_long_mandate(limits: Value) -> House {
        let mut house = House::new().await;
        house.mandate = new_id("mdt");
        let mandate = json!({"id": house.mandate, "wallet": house.wallet, "agent": house.agent.id, "limits": limits,
            "valid_from": in_seconds(-60), "expires_at": in_seconds(400 * 86_400), "document": "subscribe"});
        house.post(&house.owner, "/v1/mandates", mandate).await.expect(201);
        house
    }

    fn plan(&self, price: &str) -> Value {
        json!({"id": new_id("sub"), "wallet": self.wallet, "mandate": self.mandate, "payee": self.seller.id,
            "price": cny(price), "every": {"days": 30}, "zone": "Asia/Shanghai", "grace_seconds": 3 * DAY,
            "document": "everything, for 30 days"})
    }

    async fn days(&self, days: u64) {
        self.post(&self.operator, "/v1/clock/advance", json!({"seconds": days * DAY})).await.expect(200);
    }

    async fn subscription(&self, by: &Party, id: &Value) -> Value {
        self.get(by, &format!("/v1/subscriptions/{}", id.as_str().unwrap())).await.expect(200)
    }

    async fn access(&self, id: &Value) -> (bool, String) {
        let path = format!("/v1/subscriptions/{}/access", id.as_str().unwrap());
        let access = self.get(&self.seller, &path).await.expect(200);
        (access["usable"].as_bool().unwrap(), access["status"].as_str().unwrap().to_owned())
    }

    /// Waits until the book has done what was due: it looks several times a second.
    async fn until_status(&self, id: &Value, status: &str) -> Value {
        for _ in 0..100 {
            let found = self.subscription(&self.owner, id).await;
            if found["status"] == status {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("never {status}: {}", self.subscription(&self.owner, id).await);
    }

    async fn until_renewed(&self, id: &Value, times: u64) -> Value {
        for _ in 0..100 {
            let found = self.subscription(&self.owner, id).await;
            if found["renewed"] == times {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("not renewed {times} times: {}", self.subscription(&self.owner, id).await);
    }

    async fn cancel(&self, by: &Party, id: &Value) -> Reply {
        let path = format!("/v1/subscriptions/{}/cancel", id.as_str().unwrap());
        self.change(by, Method::POST, &path, None).await
    }

    async fn change_plan(&self, by: &Party, id: &Value, price: &str) -> Reply {
        let path = format!("/v1/subscriptions/{}/change", id.as_str().unwrap());
        let mandate = if by.id == self.agent.id { json!(self.mandate) } else { Value::Null };
        let change = json!({"id": new_id("pay"), "mandate": mandate, "price": cny(price), "every": {"days": 30},
            "zone": "Asia/Shanghai", "grace_seconds": 3 * DAY, "document": "more, for 30 days"});
        self.post(by, &path, change).await
    }
}

fn amounts(money: &(String, String, String)) -> (&str, &str, &str) {
    (&money.0, &money.1, &money.2)
}

#[tokio::test]
async fn s10_thirty_days_renewed_once_cancelled_on_day_40_over_on_day_60() {
    let mut house = House::with_a_long_mandate(json!([{"kind": "per_payment", "max": "3000"}])).await;
    let plan = house.plan("3000");
    let id = plan["id"].clone();
    let made = house.post(&house.agent, "/v1/subscriptions", plan.clone()).await.expect(201);
    assert_eq!((&made["status"], &made["paid"]), (&json!("subscribed"), &cny("3000")));
    let again = house.post(&house.agent, "/v1/subscriptions", plan).await.expect(201);
    assert_eq!((&again["repeated"], &again["until"]), (&json!(true), &made["until"]));
    assert_eq!(amounts(&house.money().await), ("97000", "0", "3000"));
    assert_eq!(house.access(&id).await, (true, "active".to_owned()));

    // Nobody else sees it.
    let (stranger, _) = house.stranger().await;
    let path = format!("/v1/subscriptions/{}", id.as_str().unwrap());
    house.get(&stranger, &path).await.problem(404, "subscription_unknown");
    house.cancel(&stranger, &id).await.problem(404, "subscription_unknown");

    house.days(30).await;
    let renewed = house.until_renewed(&id, 1).await;
    assert_eq!(amounts(&house.money().await), ("94000", "0", "6000"));
    assert_eq!((&renewed["from"], &renewed["status"]), (&made["until"], &json!("active")));
    // The renewal is a payment like any other, with a receipt.
    let payments = house.get(&house.owner, "/v1/payments").await.expect(200);
    assert_eq!(payments["data"].as_array().unwrap().len(), 2);
    assert_eq!(payments["data"][0]["id"], renewed["last_payment"]);
    assert_eq!(payments["data"][0]["agent"], house.agent.id);
    let entry = payments["data"][0]["entry"].as_u64().unwrap();
    let receipt = house.get(&house.seller, &format!("/v1/entries/{entry}/receipt")).await;
    assert!(matches!(receipt.status, 200 | 409), "{:?}", receipt.body);
    let shown = house.get(&house.seller, &format!("/v1/entries/{entry}")).await.expect(200);
    assert_eq!(
        (&shown["action"], &shown["outcome"], &shown["by"]),
        (&json!("renew"), &json!("subscribed"), &json!("book"))
    );

    house.days(10).await;
    house.cancel(&house.owner, &id).await.expect(201);
    house.cancel(&house.owner, &id).await.problem(403, "subscription_ended");
    assert_eq!(house.access(&id).await, (true, "cancelled".to_owned()));
    house.days(19).await;
    assert_eq!(house.access(&id).await, (true, "cancelled".to_owned()));
    house.days(1).await;
    assert_eq!(house.access(&id).await, (false, "ended".to_owned()));
    house.days(1).await;
    assert_eq!(house.access(&id).await, (false, "ended".to_owned()));
    house.days(60).await;
    house.change_plan(&house.agent, &id, "10").await.problem(403, "subscription_ended");
    // Also after a restart nothing is paid that was paid before.
    house.restart().await;
    house.days(400).await;
    assert_eq!(house.access(&id).await, (false, "ended".to_owned()));
    assert_eq!(amounts(&house.money().await), ("94000", "0", "6000"));
}

#[tokio::test]
async fn s10_too_little_money_is_grace_and_then_no_access() {
    let house = House::with_a_long_mandate(json!([{"kind": "per_payment", "max": "100000"}])).await;
    let plan = house.plan("60000");
    let id = plan["id"].clone();
    house.post(&house.agent, "/v1/subscriptions", plan).await.expect(201);
    house.days(30).await;
    let found = house.until_status(&id, "grace").await;
    assert_eq!(found["code"], "funds_insufficient");
    assert_eq!(house.access(&id).await, (true, "grace".to_owned()));
    house.days(3).await;
    assert_eq!(house.access(&id).await, (false, "ended".to_owned()));
    let transfer = json!({"id": new_id("trf"), "from": "world", "to": house.wallet, "amount": cny("100000")});
    house.post(&house.operator, "/v1/transfers", transfer).await.expect(201);
    house.days(40).await;
    house.cancel(&house.agent, &id).await.problem(403, "subscription_ended");
    assert_eq!(amounts(&house.money().await), ("140000", "0", "60000"));

    // Money that comes within the time of grace pays for the same period.
    let plan = house.plan("80000");
    let id = plan["id"].clone();
    let made = house.post(&house.agent, "/v1/subscriptions", plan).await.expect(201);
    house.days(30).await;
    house.until_status(&id, "grace").await;
    let transfer = json!({"id": new_id("trf"), "from": "world", "to": house.wallet, "amount": cny("20000")});
    house.post(&house.operator, "/v1/transfers", transfer).await.expect(201);
    house.days(1).await;
    let renewed = house.until_renewed(&id, 1).await;
    assert_eq!((&renewed["from"], &renewed["code"]), (&made["until"], &Value::Null));
    assert_eq!(amounts(&house.money().await), ("0", "0", "220000"));
}

#[tokio::test]
async fn s10_a_price_is_raised_by_the_buyers_signature_alone() {
    let house = House::with_a_long_mandate(json!([{"kind": "per_payment", "max": "5000"}])).await;
    let plan = house.plan("3000");
    let id = plan["id"].clone();
    house.post(&house.agent, "/v1/subscriptions", plan).await.expect(201);
    house.change_plan(&house.seller, &id, "4000").await.problem(403, "audience_wrong");
    house.change_plan(&house.operator, &id, "4000").await.problem(403, "audience_wrong");
    house.change_plan(&house.agent, &id, "9000").await.problem(403, "payment_too_large");
    house.days(15).await;
    let changed = house.change_plan(&house.agent, &id, "5000").await.expect(201);
    // Somewhat less than half of the period is left, and rounding is the buyer's.
    let paid: u64 = changed["paid"]["amount"].as_str().unwrap().parse().unwrap();
    assert!((999..=1_000).contains(&paid), "{changed}");
    let payment = changed["payment"].clone();
    let refund = json!({"id": new_id("ref"), "payment": payment, "amount": cny("999")});
    house.post(&house.seller, "/v1/refunds", refund).await.expect(201);
    let lower = house.change_plan(&house.owner, &id, "1000").await.expect(201);
    assert_eq!((&lower["status"], &lower["paid"]), (&json!("changed"), &Value::Null));
    let found = house.subscription(&house.seller, &id).await;
    assert_eq!((&found["plan"]["price"], &found["next_plan"]["price"]), (&cny("5000"), &cny("1000")));
    house.days(15).await;
    let found = house.until_renewed(&id, 1).await;
    assert_eq!((&found["plan"]["price"], &found["next_plan"]), (&cny("1000"), &Value::Null));
    let seller: u64 = house.money().await.2.parse().unwrap();
    assert_eq!(seller, 3_000 + paid - 999 + 1_000);
}

/// What the owner is asked is the whole agreement; her yes is good for that and nothing else.
#[tokio::test]
async fn an_owner_agrees_to_what_she_was_shown() {
    let house = House::with_a_long_mandate(json!([{"kind": "ask_above", "amount": "1000"}])).await;
    let asked = house.post(&house.agent, "/v1/subscriptions", house.plan("3000")).await.expect(202);
    let questions = house.get(&house.owner, "/v1/questions").await.expect(200);
    let shown = &questions["data"][0];
    assert_eq!((&shown["id"], &shown["subscription"]["every"]), (&asked["id"], &json!({"days": 30})));
    let path = format!("/v1/questions/{}/approve", asked["id"].as_str().unwrap());
    let yes = json!({"digest": asked["digest"], "until": in_seconds(3_600)});
    house.change(&house.owner, Method::POST, &path, Some(yes)).await.expect(201);
    let mut longer = house.plan("3000");
    longer["approval"] = asked["id"].clone();
    longer["every"] = json!({"months": 3});
    house.post(&house.agent, "/v1/subscriptions", longer).await.problem(403, "approval_mismatch");
    let mut same = house.plan("3000");
    same["approval"] = asked["id"].clone();
    let id = same["id"].clone();
    house.post(&house.agent, "/v1/subscriptions", same).await.expect(201);
    house.days(30).await;
    house.until_renewed(&id, 1).await;
    // Freezing stops what would be renewed.
    house
        .change(&house.owner, Method::POST, "/v1/freeze", Some(json!({"subject": house.owner.id})))
        .await
        .expect(201);
    house.days(30).await;
    assert_eq!(house.until_status(&id, "grace").await["code"], "owner_frozen");
    assert_eq!(amounts(&house.money().await), ("94000", "0", "6000"));
}

#[tokio::test]
async fn a_trial_and_a_malformed_plan() {
    let house = House::with_a_long_mandate(json!([{"kind": "per_payment", "max": "5000"}])).await;
    let mut trial = house.plan("3000");
    trial["trial_until"] = json!(in_seconds(14 * 86_400));
    let id = trial["id"].clone();
    let made = house.post(&house.agent, "/v1/subscriptions", trial).await.expect(201);
    assert_eq!(made["payment"], Value::Null);
    assert_eq!(house.access(&id).await, (true, "trial".to_owned()));
    house.days(14).await;
    house.until_renewed(&id, 1).await;
    assert_eq!(amounts(&house.money().await), ("97000", "0", "3000"));
    house.cancel(&house.seller, &id).await.expect(201);

    for (member, value, status, code) in [
        ("zone", json!("Mars/Olympus"), 422, "text_malformed"),
        ("every", json!({"days": 0}), 422, "terms_malformed"),
        ("every", json!({"weeks": 1}), 400, "body_malformed"),
        ("grace_seconds", json!(91 * DAY), 422, "terms_malformed"),
        ("until", json!(1), 400, "body_malformed"),
        ("trial_until", json!(in_seconds(-5)), 422, "time_out_of_range"),
    ] {
        let mut plan = house.plan("3000");
        plan[member] = value;
        house.post(&house.agent, "/v1/subscriptions", plan).await.problem(status, code);
    }
    let lists = ["/v1/subscriptions".to_owned(), format!("/v1/wallets/{}/subscriptions", house.wallet)];
    for (by, path) in [(&house.owner, &lists[0]), (&house.seller, &lists[0]), (&house.agent, &lists[1])] {
        let list = house.get(by, path).await.expect(200);
        assert_eq!(list["data"][0]["id"], id);
        assert_eq!(list["data"].as_array().unwrap().len(), 1);
    }
}
