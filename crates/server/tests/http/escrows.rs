//! Holds that are captured when their time is up, over HTTP: agreed, captured by time, disputed, and given back.

use crate::house::{House, Party, Reply, cny, in_seconds, new_id};
use http::Method;
use serde_json::{Value, json};
use std::time::Duration;

const DAY: u64 = 86_400;

impl House {
    fn escrow(&self, amount: &str) -> Value {
        json!({"id": new_id("hld"), "wallet": self.wallet, "mandate": self.mandate, "payee": self.seller.id,
            "amount": cny(amount), "expires_at": in_seconds(3_600), "at_expiry": "capture"})
    }

    async fn advance(&self, seconds: u64) {
        self.post(&self.operator, "/v1/clock/advance", json!({"seconds": seconds})).await.expect(200);
    }

    async fn hold(&self, by: &Party, id: &Value) -> Value {
        self.get(by, &format!("/v1/holds/{}", id.as_str().unwrap())).await.expect(200)
    }

    async fn to_hold(&self, by: &Party, id: &Value, what: &str, body: Option<Value>) -> Reply {
        let path = format!("/v1/holds/{}/{what}", id.as_str().unwrap());
        self.change(by, Method::POST, &path, body).await
    }

    /// Waits until the book has done what was due: it looks several times a second.
    async fn until_hold_is(&self, id: &Value, status: &str) -> Value {
        for _ in 0..100 {
            let found = self.hold(&self.owner, id).await;
            if found["status"] == status {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("never {status}: {}", self.hold(&self.owner, id).await);
    }
}

fn amounts(money: &(String, String, String)) -> (&str, &str, &str) {
    (&money.0, &money.1, &money.2)
}

#[tokio::test]
async fn what_was_agreed_is_captured_when_its_time_is_up() {
    let house = House::new().await;
    let escrow = house.escrow("500");
    let held = house.post(&house.agent, "/v1/holds", escrow.clone()).await.expect(201);
    assert_eq!((&held["status"], &held["at_expiry"]), (&json!("held"), &json!("capture")));
    let again = house.post(&house.agent, "/v1/holds", escrow.clone()).await.expect(201);
    assert_eq!((&again["repeated"], &again["at_expiry"]), (&json!(true), &json!("capture")));
    // The same name for a hold that goes back is another request.
    let mut other = escrow.clone();
    other["at_expiry"] = json!("release");
    house.post(&house.agent, "/v1/holds", other).await.problem(409, "id_reused");
    let found = house.hold(&house.seller, &escrow["id"]).await;
    assert_eq!((&found["status"], &found["at_expiry"]), (&json!("held"), &json!("capture")));
    assert_eq!(amounts(&house.money().await), ("99500", "500", "0"));

    house.advance(3_601).await;
    let captured = house.until_hold_is(&escrow["id"], "captured").await;
    assert_eq!(captured["captured"], cny("500"));
    assert_eq!(amounts(&house.money().await), ("99500", "0", "500"));
    house.to_hold(&house.agent, &escrow["id"], "dispute", None).await.problem(403, "hold_closed");
    let refund = json!({"id": new_id("ref"), "payment": escrow["id"], "amount": cny("200")});
    house.post(&house.seller, "/v1/refunds", refund).await.expect(201);
    assert_eq!(amounts(&house.money().await), ("99700", "0", "300"));
}

#[tokio::test]
async fn a_disputed_hold_waits_for_owner_or_seller_and_then_goes_back() {
    let house = House::new().await;
    let [first, second, third] = [house.escrow("500"), house.escrow("300"), house.escrow("200")];
    for escrow in [&first, &second, &third] {
        house.post(&house.agent, "/v1/holds", escrow.clone()).await.expect(201);
    }
    house.to_hold(&house.seller, &first["id"], "dispute", None).await.problem(403, "audience_wrong");
    let (stranger, _) = house.stranger().await;
    house.to_hold(&stranger, &first["id"], "dispute", None).await.problem(404, "hold_unknown");
    house.to_hold(&house.agent, &first["id"], "dispute", None).await.expect(201);
    house.to_hold(&house.owner, &second["id"], "dispute", None).await.expect(201);
    house.to_hold(&house.owner, &third["id"], "dispute", None).await.expect(201);
    house.to_hold(&house.owner, &third["id"], "dispute", None).await.problem(403, "hold_disputed");
    let found = house.hold(&house.seller, &first["id"]).await;
    assert_eq!((&found["status"], &found["at_expiry"]), (&json!("disputed"), &json!("release")));
    let all = json!({"amount": cny("500"), "last": true});
    house.to_hold(&house.seller, &first["id"], "capture", Some(all)).await.problem(403, "hold_disputed");

    let part = json!({"amount": cny("100"), "last": true});
    house.to_hold(&house.owner, &second["id"], "capture", Some(part)).await.expect(201);
    house.to_hold(&house.seller, &third["id"], "void", None).await.expect(201);
    assert_eq!(amounts(&house.money().await), ("99400", "500", "100"));

    house.advance(3_601).await;
    assert_eq!(house.hold(&house.owner, &first["id"]).await["status"], "disputed");
    house.advance(7 * DAY).await;
    let back = house.until_hold_is(&first["id"], "expired").await;
    assert_eq!(back["captured"], cny("0"));
    assert_eq!(amounts(&house.money().await), ("99900", "0", "100"));
}

#[tokio::test]
async fn a_hold_that_goes_back_cannot_be_disputed() {
    let house = House::new().await;
    let mut hold = house.escrow("500");
    hold.as_object_mut().unwrap().remove("at_expiry");
    let held = house.post(&house.agent, "/v1/holds", hold.clone()).await.expect(201);
    assert_eq!(held["at_expiry"], "release");
    house.to_hold(&house.agent, &hold["id"], "dispute", None).await.problem(403, "hold_not_disputable");
    hold["at_expiry"] = json!("keep");
    hold["id"] = json!(new_id("hld"));
    house.post(&house.agent, "/v1/holds", hold.clone()).await.problem(400, "body_malformed");
}
