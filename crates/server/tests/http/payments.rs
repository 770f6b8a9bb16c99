//! Payments from outside: once each, within limits, alone and in arrays, across restarts.

use crate::house::{House, cny, new_id};
use http::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn a_payment_moves_money_once_however_often_it_is_sent() {
    let mut house = House::new().await;
    let payment = house.payment("1250");
    let first = house.post(&house.agent, "/v1/payments", payment.clone()).await.expect(201);
    assert_eq!(first["status"], "paid");
    assert_eq!(first["amount"], cny("1250"));
    assert_eq!(first["repeated"], false);
    assert_eq!(first["livemode"], false);
    let after = house.money().await;
    assert_eq!(after, ("98750".into(), "0".into(), "1250".into()));

    let mut again = house.post(&house.agent, "/v1/payments", payment.clone()).await.expect(201);
    assert_eq!(again["repeated"], true);
    again["repeated"] = json!(false);
    assert_eq!(again, first, "a repeated request gets the first answer");

    house.restart().await;
    let mut later = house.post(&house.agent, "/v1/payments", payment.clone()).await.expect(201);
    assert_eq!(later["repeated"], true);
    later["repeated"] = json!(false);
    assert_eq!(later, first, "also after a restart");

    let mut other = payment;
    other["amount"] = cny("1251");
    house.post(&house.agent, "/v1/payments", other).await.problem(409, "id_reused");
    assert_eq!(house.money().await, after);
}

#[tokio::test]
async fn a_denial_is_a_fact_with_its_rule_and_the_same_when_repeated() {
    let house = House::new().await;
    let payment = house.payment("20001");
    let mut no =
        house.post(&house.agent, "/v1/payments", payment.clone()).await.problem(403, "payment_too_large");
    assert_eq!(no["rule"]["scope"], "mandate");
    assert_eq!(no["rule"]["id"], house.mandate.as_str());
    assert_eq!(no["remaining"], cny("20000"));
    assert_eq!(no["next"], "ask_owner");
    assert!(no["detail"].as_str().unwrap().starts_with("Nothing was spent."));
    assert!(no["entry"].is_u64());
    let mut again = house.post(&house.agent, "/v1/payments", payment).await.problem(403, "payment_too_large");
    assert_eq!(again["repeated"], true);
    for answer in [&mut no, &mut again] {
        answer["repeated"] = Value::Null;
        answer["request_id"] = Value::Null;
    }
    assert_eq!(no, again);
    assert_eq!(house.money().await.0, "100000");
}

#[tokio::test]
async fn an_array_is_answered_item_by_item() {
    let house = House::new().await;
    let mut foreign = house.payment("5");
    foreign["payee"] = json!(new_id("pye"));
    let good = house.payment("700");
    let items = json!([good, house.payment("20001"), foreign, house.payment("300")]);
    let results = house.post(&house.agent, "/v1/payments", items.clone()).await.expect(200);
    let statuses: Vec<u64> =
        results.as_array().unwrap().iter().map(|item| item["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [201, 403, 404, 201]);
    assert_eq!(results[0]["answer"]["amount"], cny("700"));
    assert_eq!(results[1]["problem"]["code"], "payment_too_large");
    assert_eq!(results[2]["problem"]["code"], "payee_unknown");
    assert_eq!(house.money().await, ("99000".into(), "0".into(), "1000".into()));

    let again = house.post(&house.agent, "/v1/payments", items).await.expect(200);
    assert_eq!(again[0]["answer"]["repeated"], true);
    assert_eq!(house.money().await.0, "99000");

    let twice = json!([good, good]);
    house.post(&house.agent, "/v1/payments", twice).await.problem(422, "item_repeated");
    house.post(&house.agent, "/v1/payments", json!([])).await.problem(400, "body_malformed");
    let many: Vec<Value> = (0..1_001).map(|_| house.payment("1")).collect();
    house.post(&house.agent, "/v1/payments", json!(many)).await.problem(400, "body_malformed");
    assert_eq!(house.money().await.0, "99000");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_thousand_payments_at_once_exactly_as_many_succeed_as_the_limit_allows() {
    let house = std::sync::Arc::new(House::with_mandate(json!([{"kind": "total", "max": "5000"}])).await);
    let session = house.session(&house.agent).await;
    let tasks: Vec<_> = (0..1_000)
        .map(|_| {
            let (house, session) = (house.clone(), session.clone());
            tokio::spawn(async move {
                let body = house.payment("7").to_string();
                let request =
                    house.in_session(&session, Method::POST, "/v1/payments", &body, crate::house::nonce());
                house.send(request).await.status
            })
        })
        .collect();
    let mut paid = 0;
    for task in tasks {
        match task.await.unwrap() {
            201 => paid += 1,
            403 => {}
            status => panic!("{status}"),
        }
    }
    // 5,000 pay for 714 times 7. More nonces at once than a key remembers would be refused as used.
    assert_eq!(paid, 714);
    assert_eq!(house.money().await, ("95002".into(), "0".into(), "4998".into()));
}

#[tokio::test]
async fn amounts_and_units_are_not_guessed() {
    let house = House::new().await;
    let before = house.money().await;
    for (amount, status, code) in [
        (json!({"amount": 100, "asset": "CNY/2"}), 400, "body_malformed"),
        (json!({"amount": "1.00", "asset": "CNY/2"}), 400, "body_malformed"),
        (json!({"amount": "0100", "asset": "CNY/2"}), 400, "body_malformed"),
        (json!({"amount": "100", "asset": "CNY"}), 400, "body_malformed"),
        (json!({"amount": "100", "asset": "CNY/3"}), 422, "unit_mismatch"),
        (json!({"amount": "100", "asset": "EUR/2"}), 404, "asset_unknown"),
        (json!({"amount": "100", "asset": "USD/2"}), 403, "asset_mismatch"),
        (json!({"amount": "0", "asset": "CNY/2"}), 422, "amount_zero"),
        (json!({"amount": "100", "asset": "CNY/2", "tip": "1"}), 400, "body_malformed"),
    ] {
        let mut payment = house.payment("1");
        payment["amount"] = amount;
        house.post(&house.agent, "/v1/payments", payment).await.problem(status, code);
    }
    let problem =
        house.post(&house.agent, "/v1/payments", json!({"id": "pay_1"})).await.problem(400, "body_malformed");
    assert_eq!(problem["param"], "id");
    assert_eq!(house.money().await, before);
}
