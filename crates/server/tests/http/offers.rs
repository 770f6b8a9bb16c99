//! What gateways report of the demands they made: for their own seller, for days that can be, and nothing else.

use crate::house::House;
use serde_json::{Value, json};

fn report(gateway: &str, day: &str, demands: u64) -> Value {
    json!({"gateway": gateway, "days": [{"day": day, "demands": demands}]})
}

#[tokio::test]
async fn a_gateway_reports_for_its_own_seller() {
    let house = House::new().await;
    let path = format!("/v1/payees/{}/offers", house.seller.id);
    let today = jiff::Timestamp::now().to_string()[..10].to_owned();
    for _ in 0..2 {
        let kept = house.post(&house.seller, &path, report("gateway-1", &today, 12)).await.expect(200);
        assert_eq!(kept, json!({"days": 1, "livemode": false}));
    }
    // A reader of the seller's page sees it, and how many bought.
    let app = house.app.upgrade().unwrap();
    let payee: book::PayeeId = house.seller.id.parse().unwrap();
    assert_eq!(app.offered(payee, Some(0)).await.unwrap(), Some((12, 0)));
    drop(app);
    for (gateway, day, demands) in [
        ("short", today.as_str(), 1),
        ("with a blank", &today, 1),
        ("gateway-1", "2026-1-2", 1),
        ("gateway-1", "2020-01-01", 1),
        ("gateway-1", "2999-01-01", 1),
        ("gateway-1", &today, 1_000_000_000_001),
    ] {
        let refused = house.post(&house.seller, &path, report(gateway, day, demands)).await;
        refused.problem(422, "text_malformed");
    }
    let none = json!({"gateway": "gateway-1", "days": []});
    house.post(&house.seller, &path, none).await.problem(422, "text_malformed");
    house.post(&house.owner, &path, report("gateway-1", &today, 1)).await.problem(403, "audience_wrong");
    let other = path.replace(&house.seller.id, &crate::house::new_id("pye"));
    house.post(&house.seller, &other, report("gateway-1", &today, 1)).await.problem(404, "payee_unknown");
}
