//! Work that is paid for before it is done, over HTTP: quotas, and channels with their vouchers.

use crate::house::{House, Party, Reply, cny, in_seconds, new_id, ulid};
use book::{Id, MeterId, Nanos, voucher_bytes};
use evidence::{SigningKey, base64url};
use http::Method;
use serde_json::{Value, json};

impl House {
    fn grant(&self, payment: &Value, units: &str) -> Value {
        json!({"id": new_id("qta"), "wallet": self.wallet, "payment": payment, "unit": "count", "units": units,
            "expires_at": in_seconds(3_600), "document": "ten pictures"})
    }

    async fn deduct(&self, by: &Party, quota: &Value, ids: &[&str], units: &str) -> Reply {
        let quota = quota.as_str().unwrap();
        let items: Vec<Value> = ids.iter().map(|id| json!({"id": id, "units": units})).collect();
        self.post(by, &format!("/v1/quotas/{quota}/deductions"), json!(items)).await
    }

    async fn another_seller(&self) -> Party {
        let other = Party::new("pye");
        let payee = json!({"id": other.id, "asset": "CNY/2", "category": "data", "provenance": "registry",
            "key": other.key_json()});
        self.post(&self.operator, "/v1/payees", payee).await.expect(201);
        other
    }

    async fn quota(&self, by: &Party, quota: &Value) -> Value {
        self.get(by, &format!("/v1/quotas/{}", quota.as_str().unwrap())).await.expect(200)
    }
}

fn counts(quota: &Value) -> [&str; 4] {
    ["granted", "used", "allotted", "left"].map(|name| quota[name].as_str().unwrap())
}

#[tokio::test]
async fn a_package_is_bought_used_up_and_topped_up() {
    let mut house = House::with_mandate(json!([{"kind": "total", "max": "5000"}])).await;
    let payment = house.payment("1000");
    let paid = house.post(&house.agent, "/v1/payments", payment).await.expect(201)["id"].clone();
    let grant = house.grant(&paid, "10");
    house.post(&house.agent, "/v1/quotas", grant.clone()).await.problem(403, "audience_wrong");
    house.post(&house.seller, "/v1/quotas", grant.clone()).await.expect(201);
    let again = house.post(&house.seller, "/v1/quotas", grant.clone()).await.expect(201);
    assert_eq!(again["repeated"], true);
    let second = house.grant(&paid, "10");
    house.post(&house.seller, "/v1/quotas", second).await.problem(403, "payment_granted");

    let id = &grant["id"];
    let ids: Vec<String> = (0..11).map(|_| new_id("req")).collect();
    let all: Vec<&str> = ids.iter().map(String::as_str).collect();
    let results = house.deduct(&house.seller, id, &all, "1").await.expect(200);
    let statuses: Vec<u64> =
        results.as_array().unwrap().iter().map(|it| it["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [[201; 10].as_slice(), &[403]].concat());
    assert_eq!(results[10]["problem"]["code"], "quota_insufficient");
    assert_eq!(results[10]["problem"]["next"], "ask_owner");
    house.deduct(&house.owner, id, &all[..1], "1").await.problem(403, "audience_wrong");
    assert_eq!(counts(&house.quota(&house.owner, id).await), ["10", "10", "0", "0"]);

    // Whoever does not know whether it was taken asks, or sends it again: also after a restart.
    house.restart().await;
    let repeated = house.deduct(&house.seller, id, &all[..1], "1").await.expect(200);
    assert_eq!(repeated[0]["answer"]["repeated"], true);
    let found = house.get(&house.seller, &format!("/v1/deductions/{}", all[0])).await.expect(200);
    assert_eq!((&found["units"], &found["restored"]), (&json!("1"), &json!("0")));
    let unknown = format!("/v1/deductions/{}", new_id("req"));
    house.get(&house.seller, &unknown).await.problem(404, "deduction_unknown");
    let stranger = house.another_seller().await;
    house.get(&stranger, &format!("/v1/deductions/{}", all[0])).await.problem(404, "deduction_unknown");
    house.get(&stranger, &format!("/v1/quotas/{}", id.as_str().unwrap())).await.problem(404, "quota_unknown");

    let restore = format!("/v1/deductions/{}/restore", all[0]);
    let one = Some(json!({"units": "1"}));
    house.change(&house.seller, Method::POST, &restore, one.clone()).await.expect(201);
    house.change(&house.seller, Method::POST, &restore, one).await.problem(403, "restore_too_large");

    let payment = house.payment("2000");
    let paid = house.post(&house.agent, "/v1/payments", payment).await.expect(201)["id"].clone();
    let mut top_up = house.grant(&paid, "20");
    top_up["into"] = id.clone();
    house.post(&house.seller, "/v1/quotas", top_up).await.expect(201);
    assert_eq!(counts(&house.quota(&house.seller, id).await), ["30", "9", "0", "21"]);
    let mut huge = house.grant(&Value::Null, "18446744073709551616");
    huge.as_object_mut().unwrap().remove("payment");
    house.post(&house.seller, "/v1/quotas", huge).await.problem(422, "amount_too_large");
}

#[tokio::test]
async fn an_owner_divides_what_she_bought() {
    let house = House::with_mandate(json!([{"kind": "total", "max": "5000"}])).await;
    let payment = house.payment("1000");
    let paid = house.post(&house.agent, "/v1/payments", payment).await.expect(201)["id"].clone();
    let grant = house.grant(&paid, "100");
    house.post(&house.seller, "/v1/quotas", grant.clone()).await.expect(201);
    let root = grant["id"].as_str().unwrap().to_owned();
    let allot = |units: &str, label: &str| json!({"id": new_id("qta"), "units": units, "label": label});

    let path = format!("/v1/quotas/{root}/allot");
    let sales = allot("60", "Sales");
    house.post(&house.seller, &path, sales.clone()).await.problem(403, "audience_wrong");
    house.post(&house.owner, &path, sales.clone()).await.expect(201);
    house.post(&house.owner, &path, allot("41", "Research")).await.problem(403, "quota_insufficient");
    house.post(&house.owner, &path, allot("40", "Research")).await.expect(201);
    let below = house.get(&house.owner, &format!("/v1/quotas/{root}/below")).await.expect(200);
    let labels: Vec<&str> =
        below["data"].as_array().unwrap().iter().map(|row| row["label"].as_str().unwrap()).collect();
    assert_eq!(labels, ["Research", "Sales"]);
    assert_eq!(counts(&house.quota(&house.owner, &grant["id"]).await), ["100", "0", "100", "0"]);

    let id = new_id("req");
    house.deduct(&house.seller, &sales["id"], &[&id], "60").await.expect(200);
    let left = house.quota(&house.owner, &sales["id"]).await;
    assert_eq!(counts(&left), ["60", "60", "0", "0"]);
    let reclaim = format!("/v1/quotas/{}/reclaim", sales["id"].as_str().unwrap());
    let one = Some(json!({"units": "1"}));
    house.change(&house.owner, Method::POST, &reclaim, one).await.problem(403, "quota_insufficient");

    let of_wallet =
        house.get(&house.owner, &format!("/v1/wallets/{}/quotas", house.wallet)).await.expect(200);
    assert_eq!(of_wallet["data"].as_array().unwrap().len(), 3);
    let of_seller = house.get(&house.seller, "/v1/quotas").await.expect(200);
    assert_eq!(of_seller["data"].as_array().unwrap().len(), 1);
    house.get(&house.owner, "/v1/quotas").await.problem(403, "audience_wrong");
    let (stranger, _) = house.stranger().await;
    house.get(&stranger, &format!("/v1/quotas/{root}/below")).await.problem(404, "quota_unknown");
    house
        .get(&stranger, &format!("/v1/wallets/{}/quotas", house.wallet))
        .await
        .problem(404, "wallet_unknown");
}

#[tokio::test]
async fn vouchers_add_up_and_only_the_buyer_makes_them() {
    let mut house = House::with_mandate(json!([{"kind": "total", "max": "5000"}])).await;
    let vouchers = SigningKey::ed25519(&rand::random());
    let name = ulid();
    let channel = MeterId(Id::from_text(&name).unwrap());
    let open = json!({"id": format!("mtr_{name}"), "wallet": house.wallet, "mandate": house.mandate,
        "payee": house.seller.id, "amount": cny("200"), "expires_at": in_seconds(3_600), "rounding": "half_up",
        "algorithm": "ed25519", "voucher_key": base64url::encode(vouchers.public().bytes())});
    let mut weak = open.clone();
    weak["voucher_key"] = json!(base64url::encode(&[0; 32]));
    house.post(&house.agent, "/v1/channels", weak).await.problem(422, "key_weak");
    house.post(&house.seller, "/v1/channels", open.clone()).await.problem(403, "audience_wrong");
    house.post(&house.agent, "/v1/channels", open).await.expect(201);
    let path = format!("/v1/channels/mtr_{name}");
    let shown = house.get(&house.seller, &path).await.expect(200);
    assert_eq!(shown["voucher_key"], base64url::encode(vouchers.public().bytes()));
    let stranger = house.another_seller().await;
    house.get(&stranger, &path).await.problem(404, "meter_unknown");

    let claim = format!("{path}/claim");
    let voucher = |total: u128, key: &SigningKey, of: MeterId| {
        let signature = base64url::encode(key.sign(&voucher_bytes(of, Nanos::new(total))).as_bytes());
        Some(json!({"total_nanos": total.to_string(), "signature": signature}))
    };
    let seller = house.seller.clone();
    let first =
        house.change(&seller, Method::POST, &claim, voucher(100_500_000_000, &vouchers, channel)).await;
    assert_eq!(first.expect(201)["total_nanos"], "100500000000");
    house.restart().await;
    let forged = SigningKey::ed25519(&rand::random());
    let other = MeterId(Id::from_text(&ulid()).unwrap());
    let bad = [
        (voucher(150_000_000_000, &forged, channel), 422, "voucher_invalid"),
        (voucher(150_000_000_000, &vouchers, other), 422, "voucher_invalid"),
        (voucher(100_500_000_000, &vouchers, channel), 403, "meter_sequence"),
        (voucher(200_000_000_001, &vouchers, channel), 403, "meter_exceeded"),
        (Some(json!({"total_nanos": "007", "signature": ""})), 400, "body_malformed"),
    ];
    for (voucher, status, code) in bad {
        house.change(&seller, Method::POST, &claim, voucher).await.problem(status, code);
    }
    let mut altered = voucher(150_000_000_000, &vouchers, channel).unwrap();
    altered["total_nanos"] = json!("150000000001");
    house.change(&seller, Method::POST, &claim, Some(altered)).await.problem(422, "voucher_invalid");
    let close = format!("/v1/meters/mtr_{name}/close");
    let settled = house.change(&seller, Method::POST, &close, None).await.expect(201);
    assert_eq!((&settled["amount"], &settled["released"]), (&json!("101"), &json!("99")));
    let late = voucher(160_000_000_000, &vouchers, channel);
    house.change(&seller, Method::POST, &claim, late).await.problem(403, "hold_closed");
}
