//! The eight invariants of payment services, each by the plainest thing that would break it.

use crate::act::{credential, merchant, order, pay, refused, request, say_yes, second, signed, token, under};
use crate::house::House;
use serde_json::{Value, json};

const DATA: &str = "Spend up to 300 yuan this week on map data, at most 120 yuan each";

#[tokio::test]
async fn invariant_1_authorization_stands_before_funds() {
    let house = House::new().await;
    let seller = merchant(&house, "Maps", "data").await;
    let (token, order) = (token(&house).await, order(&house, &seller, "3000", &["data"]).await);
    let asked = pay(&house, "instant", &request(&house, &order, "30.00", &token)).await.expect(202);
    let (available, held, _) = house.money().await;
    assert_eq!(
        (available.as_str(), held.as_str()),
        ("100000", "0"),
        "neither debited nor held before the yes"
    );
    say_yes(&house, asked["question"].as_str().unwrap()).await.expect(201);
    assert_eq!(house.money().await.0, "97000");
}

#[tokio::test]
async fn invariant_2_psd_test_004_no_check_of_the_agents_replaces_the_services() {
    let house = House::new().await;
    let seller = merchant(&house, "Maps", "data").await;
    let (issued, token) = (credential(&house, DATA).await, token(&house).await);
    // An agent that checks nothing itself, and one that says it has spent nothing yet, come as far as honest ones.
    for (minor, amount, paid) in
        [("12000", "120.00", true), ("12000", "120.00", true), ("12000", "120.00", false)]
    {
        let order = order(&house, &seller, minor, &["data"]).await;
        let reply = pay(&house, "autonomous", &under(&issued, request(&house, &order, amount, &token))).await;
        if paid {
            reply.expect(201);
        } else {
            refused(reply, "CUMULATIVE_AMOUNT_EXCEEDED");
        }
    }
}

#[tokio::test]
async fn invariant_3_every_request_has_an_id_a_time_and_a_signature() {
    let house = House::new().await;
    let seller = merchant(&house, "Maps", "data").await;
    let (issued, token) = (credential(&house, DATA).await, token(&house).await);
    let order = order(&house, &seller, "3000", &["data"]).await;
    let good = under(&issued, request(&house, &order, "30.00", &token));
    for name in ["request_id", "timestamp", "signature", "amount", "currency", "delegation_id", "iac"] {
        let mut without = signed("autonomous", &good, &house.agent);
        without.as_object_mut().unwrap().remove(name);
        refused(house.post(&house.agent, "/v1/act/payments/autonomous", without).await, "REQUEST_INVALID");
    }
    for name in ["request_id", "delegation_id", "merchant_order_id", "amount", "currency", "timestamp"] {
        let mut uncovered = good.clone();
        let names = ["request_id", "delegation_id", "merchant_order_id", "amount", "currency", "timestamp"];
        let names: Vec<&str> = names.into_iter().filter(|kept| *kept != name).collect();
        uncovered["signature_covered_fields"] = json!(names);
        refused(
            house.post(&house.agent, "/v1/act/payments/autonomous", uncovered).await,
            "AGENT_SIGNATURE_INVALID",
        );
    }
    let mut old = good.clone();
    old["timestamp"] = second(-301).into();
    refused(pay(&house, "autonomous", &old).await, "REQUEST_EXPIRED");
    assert_eq!(house.money().await.0, "100000");
    pay(&house, "autonomous", &good).await.expect(201);
}

#[tokio::test]
async fn invariants_4_and_5_a_payment_says_nothing_of_delivery_and_is_repeated_alone() {
    let house = House::new().await;
    let seller = merchant(&house, "Maps", "data").await;
    let (issued, token) = (credential(&house, DATA).await, token(&house).await);
    let order = order(&house, &seller, "3000", &["data"]).await;
    let paying = under(&issued, request(&house, &order, "30.00", &token));
    let paid = pay(&house, "autonomous", &paying).await.expect(201);
    let before = house.get(&seller, &format!("/v1/orders/{order}")).await.expect(200);
    for text in ["fulfill", "deliver", "proof"] {
        assert!(!paid.to_string().contains(text) && !before.to_string().contains(text), "{text}");
    }
    let again = pay(&house, "autonomous", &paying).await.expect(201);
    assert_eq!(again["trade_no"], paid["trade_no"]);
    let after = house.get(&seller, &format!("/v1/orders/{order}")).await.expect(200);
    assert_eq!(before, after, "a payment repeated orders nothing again");
    assert_eq!(house.money().await.0, "97000");
}

#[tokio::test]
async fn invariant_6_the_way_in_changes_no_level() {
    let house = House::new().await;
    let seller = merchant(&house, "Maps", "data").await;
    let (issued, token) = (credential(&house, DATA).await, token(&house).await);
    let order = order(&house, &seller, "3000", &["data"]).await;
    let bounded = under(&issued, request(&house, &order, "30.00", &token));
    refused(pay(&house, "delegated", &bounded).await, "DELEGATION_MODE_INVALID");
    // The reference behind an instant payment asks by every other way in, too.
    let mandate = token.replace("tok_", "mdt_");
    let plain = json!({"id": crate::house::new_id("pay"), "wallet": house.wallet, "mandate": mandate,
        "payee": seller.id, "amount": crate::house::cny("3000")});
    let asked = house.post(&house.agent, "/v1/payments", plain).await.expect(202);
    assert_eq!(asked["ask"], "ask_always");
    // An authorization is no reference.
    let posing = issued["delegation_id"].as_str().unwrap().replace("mdt_", "tok_");
    refused(pay(&house, "instant", &request(&house, &order, "30.00", &posing)).await, "PAYMENT_TOOL_INVALID");
    assert_eq!(house.money().await.0, "100000");
}

#[tokio::test]
async fn invariant_7_account_and_keys_stay_out_of_what_an_agent_is_told() {
    let house = House::new().await;
    let seller = merchant(&house, "Maps", "data").await;
    let (issued, token) = (credential(&house, DATA).await, token(&house).await);
    let order = order(&house, &seller, "3000", &["data"]).await;
    let paying = under(&issued, request(&house, &order, "30.00", &token));
    let paid = pay(&house, "autonomous", &paying).await.expect(201);
    let query = format!("/v1/act/payments/{}", paying["request_id"].as_str().unwrap());
    let queried = house.get(&house.agent, &query).await.expect(200);
    let bound = house.get(&house.agent, &format!("/v1/act/bindings/{token}")).await.expect(200);
    let keys = std::fs::read_to_string(house.directory.join("keys/server.toml")).unwrap();
    let secrets =
        keys.lines().filter_map(|line| line.split_once(" = \"")).map(|(_, text)| text.trim_end_matches('"'));
    let secrets: Vec<&str> = secrets.filter(|text| text.len() == 43).collect();
    assert!(4 <= secrets.len());
    for told in [&paid, &queried, &bound] {
        let told = told.to_string();
        assert!(!told.contains(&house.wallet), "{told}");
        assert!(secrets.iter().all(|secret| !told.contains(secret)), "{told}");
    }
}

#[tokio::test]
async fn invariant_8_what_is_unknown_is_asked_for_and_never_paid_again() {
    let mut house = House::new().await;
    let seller = merchant(&house, "Maps", "data").await;
    let (issued, token) = (credential(&house, DATA).await, token(&house).await);
    let order = order(&house, &seller, "3000", &["data"]).await;
    let paying = under(&issued, request(&house, &order, "30.00", &token));
    // The answer is lost: the agent does not know, and the process has started again meanwhile.
    drop(pay(&house, "autonomous", &paying).await);
    house.restart().await;
    let query = format!("/v1/act/payments/{}", paying["request_id"].as_str().unwrap());
    let found: Value = house.get(&house.agent, &query).await.expect(200);
    assert_eq!(found["trade_status"], "TRADE_SUCCESS");
    // Under another request id it is refused, for the order is paid.
    let other = under(&issued, request(&house, &order, "30.00", &token));
    refused(pay(&house, "autonomous", &other).await, "ORDER_MISMATCH");
    assert_eq!(house.money().await.0, "97000");
}
