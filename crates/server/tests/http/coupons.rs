//! What gateways report of coupons: for their own seller, and uses only where the book has the money.

use crate::house::{House, cny, in_seconds, new_id};
use http::Method;
use serde_json::{Value, json};

fn coupon(code: &str) -> Value {
    json!({"code": code, "percent_off": 50, "budget": cny("400"), "given": cny("3"), "once_per_buyer": false})
}

fn report(coupons: Value, uses: Value) -> Value {
    json!({"gateway": "gateway-1", "coupons": coupons, "uses": uses})
}

#[tokio::test]
async fn a_use_counts_where_its_hold_was_captured_for_this_seller() {
    let house = House::new().await;
    let path = format!("/v1/payees/{}/coupons", house.seller.id);
    let mut holds = Vec::new();
    for _ in 0..3 {
        let mut hold = house.payment("40");
        (hold["id"], hold["expires_at"]) = (new_id("hld").into(), in_seconds(3_600).into());
        house.post(&house.agent, "/v1/holds", hold.clone()).await.expect(201);
        holds.push(hold["id"].as_str().unwrap().to_owned());
    }
    let [captured, voided, open] = &holds[..] else { panic!("{holds:?}") };
    for (hold, what, body) in
        [(captured, "capture", Some(json!({"amount": cny("40"), "last": true}))), (voided, "void", None)]
    {
        let path = format!("/v1/holds/{hold}/{what}");
        house.change(&house.seller, Method::POST, &path, body).await.expect(201);
    }
    let used = |hold: &str| json!({"hold": hold, "code": "SPRING", "off": cny("2")});
    let unknown = new_id("hld");
    let uses = json!([used(captured), used(voided), used(open), used(&unknown)]);
    for _ in 0..2 {
        let kept = house.post(&house.seller, &path, report(json!([coupon("SPRING")]), uses.clone())).await;
        assert_eq!(kept.expect(200), json!({"uses": 1, "switched_off": [], "livemode": false}));
    }
    let app = house.app.upgrade().unwrap();
    let payee: book::PayeeId = house.seller.id.parse().unwrap();
    let known = app.coupons_of(payee).await.unwrap();
    assert_eq!((known[0].uses, known[0].off.minor()), (1, 2));
    // What is switched off is told to whoever has it.
    let off = server::coupons::Switch::Off;
    assert!(app.switch_coupon(payee, "SPRING".to_owned(), off).await.unwrap());
    assert!(!app.switch_coupon(payee, "AUTUMN".to_owned(), off).await.unwrap());
    let kept = house
        .post(&house.seller, &path, report(json!([coupon("SPRING"), coupon("AUTUMN")]), json!([])))
        .await;
    assert_eq!(kept.expect(200)["switched_off"], json!(["SPRING"]));
    let kept = house.post(&house.seller, &path, report(json!([coupon("AUTUMN")]), json!([]))).await;
    assert_eq!(kept.expect(200)["switched_off"], json!([]));
}

#[tokio::test]
async fn a_report_of_coupons_is_of_ones_own_and_whole() {
    let house = House::new().await;
    let path = format!("/v1/payees/{}/coupons", house.seller.id);
    let with = |member: &str, value: Value| {
        let mut coupon = coupon("SPRING");
        coupon[member] = value;
        report(json!([coupon]), json!([]))
    };
    let dollars = json!({"amount": "1", "asset": "USD/2"});
    let hold = new_id("hld");
    let used = |code: &str, off: &Value| {
        report(json!([coupon("SPRING")]), json!([{"hold": hold, "code": code, "off": off}]))
    };
    let many = |count: usize| Value::from(vec![coupon("SPRING"); count]);
    for (body, code) in [
        (json!({"gateway": "short", "coupons": [coupon("A")], "uses": []}), "text_malformed"),
        (report(json!([]), json!([])), "text_malformed"),
        (report(many(101), json!([])), "text_malformed"),
        (with("code", "".into()), "text_malformed"),
        (with("code", "A B".into()), "text_malformed"),
        (with("code", "A".repeat(33).into()), "text_malformed"),
        (with("percent_off", 0.into()), "text_malformed"),
        (with("percent_off", 101.into()), "text_malformed"),
        (with("percent_off", Value::Null), "text_malformed"),
        (with("amount_off", cny("1")), "text_malformed"),
        (with("until", "tomorrow".into()), "text_malformed"),
        (with("budget", dollars.clone()), "unit_mismatch"),
        (with("given", dollars.clone()), "unit_mismatch"),
        (used("SPRING", &dollars), "unit_mismatch"),
        (used("SPR ING", &cny("1")), "text_malformed"),
    ] {
        house.post(&house.seller, &path, body.clone()).await.problem(422, code);
    }
    let good = report(many(100), json!([]));
    house.post(&house.seller, &path, good.clone()).await.expect(200);
    house.post(&house.owner, &path, good.clone()).await.problem(403, "audience_wrong");
    let other = path.replace(&house.seller.id, &new_id("pye"));
    house.post(&house.seller, &other, good).await.problem(404, "payee_unknown");
}
