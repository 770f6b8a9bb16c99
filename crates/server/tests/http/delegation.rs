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

#[tokio::test]
async fn an_agent_takes_back_what_it_delegated_and_nothing_else() {
    let house = House::with_mandate(json!([{"kind": "total", "max": "1000"}])).await;
    let (helper, third) = (house.another_agent().await, house.another_agent().await);
    let child = house.delegation(&helper, json!([]));
    let path = format!("/v1/mandates/{}/delegate", house.mandate);
    house.post(&house.agent, &path, child.clone()).await.expect(201);
    let revoke = json!({"subject": child["id"]});
    let send =
        async |who, path, body: &Value| house.change(who, Method::POST, path, Some(body.clone())).await;
    send(&third, "/v1/revoke", &revoke).await.problem(404, "mandate_unknown");
    send(&helper, "/v1/revoke", &json!({"subject": house.mandate})).await.problem(404, "mandate_unknown");
    send(&house.agent, "/v1/freeze", &revoke).await.problem(403, "audience_wrong");
    send(&house.agent, "/v1/revoke", &revoke).await.expect(201);
    let mut payment = house.payment("10");
    payment["mandate"] = child["id"].clone();
    house.post(&helper, "/v1/payments", payment).await.problem(403, "mandate_revoked");
    // Its own stands, until it hands it back.
    house.post(&house.agent, "/v1/payments", house.payment("10")).await.expect(201);
    send(&house.agent, "/v1/revoke", &json!({"subject": house.mandate})).await.expect(201);
    house.post(&house.agent, "/v1/payments", house.payment("10")).await.problem(403, "mandate_revoked");
}

#[tokio::test]
async fn nobody_is_let_spend_in_a_session() {
    let house = House::new().await;
    let session = house.session(&house.owner).await;
    let other = Party::new("agt");
    let send = async |path: &str, body: Value| {
        let request =
            house.in_session(&session, Method::POST, path, &body.to_string(), crate::house::nonce());
        house.send(request).await
    };
    let mut mandate = house.delegation(&house.agent, json!([{"kind": "total", "max": "5"}]));
    mandate["wallet"] = json!(house.wallet);
    send("/v1/mandates", mandate).await.problem(403, "presence_required");
    let limits = json!([{"kind": "per_payment", "max": "5"}]);
    let mut agent =
        json!({"id": other.id, "wallet": house.wallet, "key": other.key_json(), "limits": limits});
    send("/v1/agents", agent.clone()).await.problem(403, "presence_required");
    let ruleless = Party::new("agt");
    agent = json!({"id": ruleless.id, "wallet": house.wallet, "key": ruleless.key_json()});
    send("/v1/agents", agent).await.expect(201);
    let path = format!("/v1/mandates/{}/delegate", house.mandate);
    send(&path, house.delegation(&ruleless, json!([]))).await.problem(403, "presence_required");
    let mut key = Party::new("agt").key_json();
    key["holder"] = json!(house.agent.id);
    send("/v1/keys", key).await.problem(403, "presence_required");
}
