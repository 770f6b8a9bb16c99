//! Delegation over HTTP: an agent lets another one spend, and both are held to what the owner said.

use crate::house::{House, Party, cny, in_seconds, new_id};
use http::Method;
use serde_json::{Value, json};

impl House {
    /// Another agent of the wallet.
    pub(crate) async fn another_agent(&self) -> Party {
        let other = Party::new("agt");
        let agent = json!({"id": other.id, "wallet": self.wallet, "key": other.key_json()});
        self.post(&self.owner, "/v1/agents", agent).await.expect(201);
        other
    }

    fn delegation(&self, to: &Party, limits: Value) -> Value {
        json!({"id": new_id("mdt"), "agent": to.id, "valid_from": in_seconds(-1), "expires_at": in_seconds(3_600),
            "limits": limits})
    }
}

#[tokio::test]
async fn an_agent_delegates_within_its_mandate_and_the_chain_is_held_to_it() {
    let house = House::with_mandate(json!([{"kind": "total", "max": "1000"}])).await;
    let (helper, third) = (house.another_agent().await, house.another_agent().await);
    let path = format!("/v1/mandates/{}/delegate", house.mandate);

    let wide = house.delegation(&helper, json!([{"kind": "total", "max": "1001"}]));
    house.post(&house.agent, &path, wide.clone()).await.problem(403, "delegation_too_wide");
    let child = house.delegation(&helper, json!([{"kind": "per_payment", "max": "600"}]));
    house.post(&helper, &path, child.clone()).await.problem(404, "mandate_unknown");
    house.post(&house.seller, &path, child.clone()).await.problem(403, "audience_wrong");
    house.post(&house.agent, &path, child.clone()).await.expect(201);
    let child = child["id"].as_str().unwrap();
    let shown = house.get(&helper, &format!("/v1/mandates/{child}")).await.expect(200);
    assert_eq!((&shown["parent"], &shown["depth"]), (&json!(house.mandate), &json!(1)));
    let granted = house.get(&house.owner, &format!("/v1/mandates/{}", house.mandate)).await.expect(200);
    assert_eq!((&granted["parent"], &granted["depth"]), (&Value::Null, &json!(0)));

    let pay = |mandate: &str, amount: &str| {
        let mut payment = house.payment(amount);
        payment["mandate"] = json!(mandate);
        payment["amount"] = cny(amount);
        payment
    };
    let no = house.post(&helper, "/v1/payments", pay(child, "601")).await.problem(403, "payment_too_large");
    assert_eq!(no["rule"]["scope"], "mandate");
    house.post(&helper, "/v1/payments", pay(child, "600")).await.expect(201);
    let no = house.post(&helper, "/v1/payments", pay(child, "401")).await.problem(403, "total_exceeded");
    assert_eq!((&no["rule"]["scope"], &no["rule"]["above"]), (&json!("parent"), &json!(1)));
    assert_eq!(no["remaining"], cny("400"));
    house.post(&house.agent, "/v1/payments", pay(&house.mandate, "401")).await.problem(403, "total_exceeded");

    let path = format!("/v1/mandates/{child}/delegate");
    let circle = house.delegation(&house.agent, json!([]));
    house.post(&helper, &path, circle).await.problem(403, "delegation_circular");
    let mut grandchild = house.delegation(&third, json!([]));
    grandchild["expires_at"] = json!(in_seconds(7_200));
    house.post(&helper, &path, grandchild.clone()).await.problem(403, "delegation_too_wide");
    grandchild["id"] = json!(new_id("mdt"));
    (grandchild["valid_from"], grandchild["expires_at"]) =
        (shown["valid_from"].clone(), shown["expires_at"].clone());
    house.post(&helper, &path, grandchild.clone()).await.expect(201);
    let grandchild = grandchild["id"].as_str().unwrap();
    house.post(&third, "/v1/payments", pay(grandchild, "1")).await.expect(201);

    let frozen = json!({"subject": house.mandate});
    house.change(&house.owner, Method::POST, "/v1/freeze", Some(frozen)).await.expect(201);
    house.post(&third, "/v1/payments", pay(grandchild, "1")).await.problem(403, "mandate_frozen");
    assert_eq!(house.money().await.0, "99399");
}
