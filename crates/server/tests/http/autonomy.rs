//! Autonomy levels over HTTP: what they mean, and the limits that go into a mandate as they come.

use crate::house::House;
use http::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn levels_come_with_limits_that_a_mandate_takes_as_they_are() {
    let house = House::new().await;
    let bare = house.plain(Method::GET, "/v1/autonomy", &[], "").await.expect(200);
    let names: Vec<&str> =
        bare["data"].as_array().unwrap().iter().map(|it| it["level"].as_str().unwrap()).collect();
    assert_eq!(names, ["L0", "L1", "L2", "L3", "L4", "L5"]);
    assert_eq!(bare["data"][1]["own_definition"], true);
    assert_eq!(bare["data"][3]["own_definition"], false);
    assert_eq!(bare["data"][0]["limits"], Value::Null);

    let budget = "small=10&per_payment=100&per_day=250&total=400&zone=Asia/Shanghai";
    let with = |more: &str| format!("/v1/autonomy?{budget}{more}");
    let payees = format!("&payees={}", house.seller.id);
    let levels = house.plain(Method::GET, &with(&payees), &[], "").await.expect(200);
    let zone = json!({"kind": "calendar", "period": "day", "zone": "Asia/Shanghai"});
    let expected = json!([
        {"kind": "per_payment", "max": "100"},
        {"kind": "window", "window": zone, "max": "250"},
        {"kind": "total", "max": "400"},
        {"kind": "payees_allowed", "payees": [house.seller.id]},
        {"kind": "ask_above", "amount": "10"},
        {"kind": "ask_first_contact"},
    ]);
    assert_eq!(levels["data"][1]["limits"], expected);

    for (query, param) in [
        ("small=10", "per_payment"),
        ("small=10&per_payment=100&per_day=250&total=400&zone=Mars/Base", "zone"),
        ("small=10&per_payment=100&per_day=250&total=400&zone=UTC&payees=agt_1", "payees"),
    ] {
        let reply = house.plain(Method::GET, &format!("/v1/autonomy?{query}"), &[], "").await;
        assert_eq!(reply.problem(400, "param_malformed")["param"], param, "{query}");
    }
    house.plain(Method::GET, "/v1/autonomy?level=L9", &[], "").await.problem(400, "param_malformed");
}
