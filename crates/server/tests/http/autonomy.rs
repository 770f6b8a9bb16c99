//! Autonomy levels over HTTP: what they mean, and the limits that go into a mandate as they come.

use crate::house::{House, cny};
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

#[tokio::test]
async fn limits_are_compared_and_rehearsed_before_anybody_agrees_to_them() {
    let house = House::new().await;
    for amount in ["100", "200", "300"] {
        house.post(&house.agent, "/v1/payments", house.payment(amount)).await.expect(201);
    }
    let per_payment = |max: &str| json!({"kind": "per_payment", "max": max});
    let compare = async |before: Value, after: Value| {
        let body = json!({"before": before, "after": after});
        house.post(&house.owner, "/v1/limits/compare", body).await.expect(200)
    };
    let narrower = compare(json!([per_payment("250")]), json!([per_payment("200")])).await;
    assert_eq!(
        (&narrower["change"], &narrower["differences"]),
        (
            &json!("narrower"),
            &json!([{"dimension": "per_payment", "change": "narrower", "before": [0], "after": [0]}])
        )
    );
    assert_eq!(compare(json!([per_payment("5")]), json!([])).await["change"], "wider");
    assert_eq!(compare(json!([]), json!([])).await["change"], "same");
    let mixed = compare(json!([per_payment("5")]), json!([{"kind": "total", "max": "9"}])).await;
    assert_eq!(mixed["change"], "mixed");

    let tried = json!({"wallet": house.wallet, "limits": [per_payment("250"), {"kind": "ask_above", "amount": "150"}]});
    let rehearsal = house.post(&house.owner, "/v1/limits/rehearse", tried.clone()).await.expect(200);
    assert_eq!(
        (&rehearsal["allowed"], &rehearsal["asked"], &rehearsal["denied"]),
        (&json!(1), &json!(1), &json!(1)),
        "{rehearsal}"
    );
    let rows = rehearsal["rows"].as_array().unwrap();
    let told: Vec<_> = rows.iter().map(|row| (&row["verdict"], &row["code"], &row["limit"])).collect();
    assert_eq!(
        told,
        [
            (&json!("deny"), &json!("payment_too_large"), &json!(0)),
            (&json!("ask"), &json!("above_amount"), &json!(1))
        ]
    );
    assert_eq!(rows[0]["remaining"], cny("250"));
    let other = house.another_agent().await;
    let its = house.post(&other, "/v1/limits/rehearse", tried.clone()).await.expect(200);
    assert_eq!((&its["allowed"], &its["rows"]), (&json!(0), &json!([])), "it never paid");
    let (stranger, _) = house.stranger().await;
    house.post(&stranger, "/v1/limits/rehearse", tried).await.problem(404, "wallet_unknown");
    assert_eq!(house.money().await.0, "99400", "nothing was spent for it");
}
