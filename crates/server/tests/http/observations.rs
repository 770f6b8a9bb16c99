//! Prices over HTTP: a seller says what an item costs, whoever waits for it hears, and it is bought once.

use crate::house::{House, cny};
use evidence::{Hash, base64url};
use http::Method;
use serde_json::{Value, json};

fn item() -> String {
    base64url::encode(&Hash::of(b"tv").0)
}

impl House {
    async fn observe(&self, price: &str, stock: u32) -> Value {
        let said = json!({"item": item(), "price": cny(price), "stock": stock});
        self.change(&self.seller, Method::POST, "/v1/observations", Some(said)).await.expect(201)
    }

    fn buy(&self, amount: &str) -> Value {
        let mut payment = self.payment(amount);
        payment["reference"] = json!(item());
        payment
    }
}

#[tokio::test]
async fn an_item_is_bought_once_when_its_price_comes_down() {
    let mut house = House::new().await;
    let trigger = json!({"kind": "price_at_most", "payee": house.seller.id, "item": item(), "max": "7000",
        "within_seconds": 3600});
    let limits = json!([trigger, {"kind": "uses", "max": 1}]);
    let path = format!("/v1/mandates/{}/limits", house.mandate);
    let change = json!({"version": 1, "limits": limits});
    house.change(&house.owner, Method::PUT, &path, Some(change)).await.expect(201);
    let shown = house.get(&house.owner, &format!("/v1/mandates/{}", house.mandate)).await.expect(200);
    assert_eq!(shown["limits"], limits);

    let forged = json!({"item": item(), "price": cny("1"), "stock": 1});
    let no = house.change(&house.agent, Method::POST, "/v1/observations", Some(forged)).await;
    no.problem(403, "audience_wrong");
    house.post(&house.agent, "/v1/payments", house.buy("7000")).await.problem(403, "observation_stale");
    house.observe("7001", 3).await;
    house.post(&house.agent, "/v1/payments", house.buy("7000")).await.problem(403, "trigger_not_met");
    house.observe("7000", 0).await;
    house.post(&house.agent, "/v1/payments", house.buy("7000")).await.problem(403, "out_of_stock");
    let entry = house.observe("7000", 3).await["entry"].clone();
    for listener in [&house.agent, &house.owner, &house.seller] {
        let heard = house.get(listener, "/v1/entries?limit=100").await.expect(200);
        let last = heard["data"].as_array().unwrap().last().unwrap();
        assert_eq!((&last["entry"], &last["action"]), (&entry, &json!("observe")));
    }
    // What was said survives a restart.
    house.restart().await;
    house.post(&house.agent, "/v1/payments", house.buy("7000")).await.expect(201);
    house.post(&house.agent, "/v1/payments", house.buy("7000")).await.problem(403, "uses_exceeded");
    assert_eq!(house.money().await, ("93000".into(), "0".into(), "7000".into()));
}

#[tokio::test]
async fn the_latest_prices_are_listed_for_their_seller_and_for_those_who_wait() {
    let house = House::new().await;
    house.observe("9000", 3).await;
    let rows = async |who| house.get(who, "/v1/observations").await.expect(200)["data"].clone();
    assert_eq!(rows(&house.agent).await, json!([]), "it waits for no price");
    let trigger = json!({"kind": "price_at_most", "payee": house.seller.id, "item": item(), "max": "7000",
        "within_seconds": 3600});
    let path = format!("/v1/mandates/{}/limits", house.mandate);
    let change = json!({"version": 1, "limits": [trigger]});
    house.change(&house.owner, Method::PUT, &path, Some(change)).await.expect(201);
    let entry = house.observe("7000", 2).await["entry"].clone();
    for who in [&house.seller, &house.agent, &house.owner, &house.operator] {
        let rows = rows(who).await;
        let [row] = &rows.as_array().unwrap()[..] else { panic!("{rows}") };
        assert_eq!(
            (&row["payee"], &row["item"], &row["price"], &row["stock"], &row["entry"]),
            (&json!(house.seller.id), &json!(item()), &cny("7000"), &json!(2), &entry)
        );
    }
}
