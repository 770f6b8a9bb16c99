//! A402 from outside: the server as payment service between an agent and a seller. Names follow ACT's assertions.

use crate::house::{House, in_seconds, new_id};
use book::Time;
use protocols::a402::wallet::{AssetText, Network, WalletTerms, method_version};
use protocols::a402::{
    AmountText, Currency, DateTime, Demand, Identifier, MethodLayer, Proof, RequestFacts, SellerKey, Uri,
};
use serde_json::{Value, json};

/// A demand for one request, signed by the seller, and the facts of that request.
fn demand(house: &House, amount: &str, order: &str) -> (String, Value) {
    demand_with(house, amount, order, None)
}

/// The same, with a member `metered` of the method.
pub(crate) fn demand_with(
    house: &House,
    amount: &str,
    order: &str,
    metered: Option<Value>,
) -> (String, Value) {
    let identifier = |text: &str| Identifier::parse(text).unwrap();
    let facts = RequestFacts::of("GET", "https://shop.example/data", "", b"").unwrap();
    let now = Time(u64::try_from(crate::house::now().as_nanos()).unwrap());
    let demand = Demand {
        method_id: Network::Test.method_id(),
        method_version: method_version(),
        out_trade_no: identifier(order),
        amount: AmountText::parse(amount).unwrap(),
        currency: Currency::parse("CNY").unwrap(),
        resource_id: identifier("data"),
        pay_before: DateTime::second_of(now.after(Time::from_seconds(300).0)),
        seller_unique_id: identifier(&house.seller.id),
        buyer_unique_id: None,
        request_method: facts.method.clone(),
        request_fingerprint: facts.fingerprint.clone(),
        idempotency_key: None,
        replay_window_seconds: 600,
        commerce_confirmation: None,
    };
    let terms = WalletTerms {
        network: Network::Test,
        psp: Uri::parse("http://127.0.0.1:8402/").unwrap(),
        payee: identifier(&house.seller.id),
        asset: AssetText::parse("CNY/2").unwrap(),
    };
    let key = SellerKey { signer_id: identifier(&house.seller.key), signing_key: house.seller.signing_key() };
    let mut layer = terms.to_layer().members().clone();
    layer.extend(metered.map(|metered| ("metered".to_owned(), metered)));
    let layer = MethodLayer::new(layer).unwrap();
    let needed = demand.sign(layer, &key).unwrap().encode().unwrap();
    let facts = json!({"request_method": facts.method.as_str(), "request_fingerprint": facts.fingerprint.as_str(),
        "resource_id": "data", "out_trade_no": order});
    (needed, facts)
}

async fn pay(house: &House, needed: &str) -> Value {
    let body = json!({"id": new_id("hld"), "wallet": house.wallet, "mandate": house.mandate, "payment_needed": needed});
    house.post(&house.agent, "/v1/a402/pay", body).await.expect(201)
}

fn confirm(trade: &Value, outcome: &str) -> Value {
    json!({"trade_no": trade["trade_no"], "outcome": outcome})
}

#[tokio::test]
async fn a402_test_002_a_demand_is_paid_once_and_only_if_it_is_genuine() {
    let house = House::new().await;
    let (needed, _) = demand(&house, "1.50", "order-1");
    let body = json!({"id": new_id("hld"), "wallet": house.wallet, "mandate": house.mandate, "payment_needed": needed});
    let first = house.post(&house.agent, "/v1/a402/pay", body.clone()).await.expect(201);
    assert_eq!(house.money().await, ("99850".into(), "150".into(), "0".into()));
    let again = house.post(&house.agent, "/v1/a402/pay", body).await.expect(201);
    assert_eq!((&again["repeated"], &again["payment_proof"]), (&json!(true), &first["payment_proof"]));

    let mut other_seller = house.seller.clone();
    other_seller.seed = rand::random();
    let forged = House::forged(&house, &other_seller);
    for (needed, error) in [
        ("", "ACT-A402-REQUEST_INVALID"),
        ("e30", "ACT-A402-REQUEST_INVALID"),
        (&needed[1..], "ACT-A402-REQUEST_INVALID"),
        (forged.as_str(), "ACT-A402-SIGNATURE_INVALID"),
    ] {
        let body = json!({"id": new_id("hld"), "wallet": house.wallet, "mandate": house.mandate, "payment_needed": needed});
        let no = house.post(&house.agent, "/v1/a402/pay", body).await.problem(422, "a402_refused");
        assert_eq!(no["a402"]["error_id"], error);
    }
    let (large, _) = demand(&house, "200.01", "order-2");
    let body = json!({"id": new_id("hld"), "wallet": house.wallet, "mandate": house.mandate, "payment_needed": large});
    let no = house.post(&house.agent, "/v1/a402/pay", body).await.problem(403, "payment_too_large");
    assert_eq!(no["a402"]["error_id"], "ACT-A402-LIMIT_OR_ASSET_REJECTED");
    assert_eq!(house.money().await, ("99850".into(), "150".into(), "0".into()));
}

#[tokio::test]
async fn a402_test_003_and_004_a_proof_is_a_claim_until_it_was_checked() {
    let house = House::new().await;
    let (needed, facts) = demand(&house, "1.50", "order-1");
    let paid = pay(&house, &needed).await;
    let proof = paid["payment_proof"].as_str().unwrap();
    let mut tampered = Proof::decode(proof).unwrap();
    tampered.trade_no = Identifier::parse(new_id("hld")).unwrap();
    let tampered = tampered.encode().unwrap();
    let mut late = Proof::decode(proof).unwrap();
    late.expires_at = DateTime::parse(in_seconds(86_400).as_str()).unwrap();
    let late = late.encode().unwrap();
    let mut other_request = facts.clone();
    other_request["request_fingerprint"] = json!(format!("sha-256:{}", "A".repeat(43)));
    let mut other_method = facts.clone();
    other_method["request_method"] = json!("POST");
    for (proof, facts) in [
        ("", &facts),
        ("bm90aGluZw", &facts),
        (tampered.as_str(), &facts),
        (late.as_str(), &facts),
        (proof, &other_request),
        (proof, &other_method),
    ] {
        let body = json!({"payment_proof": proof, "facts": facts});
        let no = house.post(&house.seller, "/v1/a402/verify", body).await.problem(422, "a402_refused");
        assert_eq!(no["a402"]["error_id"], "ACT-A402-PROOF_INVALID");
    }
    let body = json!({"payment_proof": proof, "facts": facts});
    house.post(&house.agent, "/v1/a402/verify", body.clone()).await.problem(403, "audience_wrong");
    house.post(&house.operator, "/v1/clock/advance", json!({"seconds": 601})).await.expect(200);
    house.post(&house.seller, "/v1/a402/verify", body).await.problem(422, "a402_refused");
}

#[tokio::test]
async fn a402_test_005_payment_delivery_and_fulfilment_are_three_results() {
    let house = House::new().await;
    let (needed, facts) = demand(&house, "1.50", "order-1");
    let paid = pay(&house, &needed).await;
    let path = format!("/v1/a402/trades/{}", paid["trade_no"].as_str().unwrap());
    let states = |trade: &Value| {
        ["transaction_state", "payment_status", "delivery_status", "fulfillment_status"]
            .map(|name| trade[name].as_str().unwrap().to_owned())
    };
    let trade = house.get(&house.agent, &path).await.expect(200);
    assert_eq!(states(&trade), ["WAIT_BUYER_PAY", "held", "none", "pending"]);
    let early = house
        .post(&house.seller, "/v1/a402/confirm", confirm(&paid, "fulfilled"))
        .await
        .problem(422, "a402_refused");
    assert_eq!(early["a402"]["error_id"], "ACT-A402-STATE_CONFLICT");
    let body = json!({"payment_proof": paid["payment_proof"], "facts": facts});
    let verified = house.post(&house.seller, "/v1/a402/verify", body).await.expect(201);
    assert_eq!((&verified["amount"], &verified["currency"]), (&json!("1.50"), &json!("CNY")));
    let trade = house.get(&house.seller, &path).await.expect(200);
    assert_eq!(states(&trade), ["WAIT_SELLER_FULFILLMENT", "held", "pending", "pending"]);
    assert_eq!(house.money().await, ("99850".into(), "150".into(), "0".into()), "nothing moved yet");
    let over = house.post(&house.seller, "/v1/a402/confirm", confirm(&paid, "fulfilled")).await.expect(201);
    assert_eq!(states(&over), ["TRADE_FINISHED", "paid", "accepted", "fulfilled"]);
    assert_eq!(house.money().await, ("99850".into(), "0".into(), "150".into()));
    house.post(&house.seller, "/v1/a402/confirm", confirm(&paid, "fulfilled")).await.expect(201);
    let no = house
        .post(&house.seller, "/v1/a402/confirm", confirm(&paid, "failed"))
        .await
        .problem(403, "hold_closed");
    assert_eq!(no["a402"]["error_id"], "ACT-A402-STATE_CONFLICT");
    let (stranger, _) = house.stranger().await;
    house.get(&stranger, &path).await.problem(404, "trade_unknown");
    assert_eq!(house.money().await, ("99850".into(), "0".into(), "150".into()));
}

#[tokio::test]
async fn a402_test_006_a_proof_is_good_for_its_own_order_and_resource() {
    let house = House::new().await;
    let (needed, facts) = demand(&house, "1.50", "order-1");
    let paid = pay(&house, &needed).await;
    for (member, value) in [("resource_id", "other"), ("out_trade_no", "order-2")] {
        let mut other = facts.clone();
        other[member] = json!(value);
        let body = json!({"payment_proof": paid["payment_proof"], "facts": other});
        let no = house.post(&house.seller, "/v1/a402/verify", body).await.problem(422, "a402_refused");
        assert_eq!(no["a402"]["error_id"], "ACT-A402-PROOF_INVALID");
    }
    let body = json!({"payment_proof": paid["payment_proof"], "facts": facts});
    house.post(&house.seller, "/v1/a402/verify", body).await.expect(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a402_test_007_twenty_copies_of_a_proof_are_one_delivery_also_after_a_restart() {
    let mut house = House::new().await;
    let (needed, facts) = demand(&house, "1.50", "order-1");
    let paid = pay(&house, &needed).await;
    let body = json!({"payment_proof": paid["payment_proof"], "facts": facts});
    let copies = (0..20).map(|_| house.post(&house.seller, "/v1/a402/verify", body.clone()));
    let replies = futures_util::future::join_all(copies).await;
    let verified: Vec<Value> = replies.into_iter().map(|reply| reply.expect(201)).collect();
    assert_eq!(verified.iter().filter(|it| it["repeated"] == false).count(), 1);
    let key = &verified[0]["delivery_key"];
    assert!(verified.iter().all(|it| it["delivery_key"] == *key));
    house.restart().await;
    let later = house.post(&house.seller, "/v1/a402/verify", body).await.expect(201);
    assert_eq!((&later["repeated"], &later["delivery_key"]), (&json!(true), key));
}

#[tokio::test]
async fn a402_test_008_what_failed_is_named_and_nothing_after_it_is_claimed() {
    let house = House::new().await;
    let (needed, facts) = demand(&house, "1.50", "order-1");
    let paid = pay(&house, &needed).await;
    let body = json!({"payment_proof": paid["payment_proof"], "facts": facts});
    house.post(&house.seller, "/v1/a402/verify", body.clone()).await.expect(201);
    let failed = house.post(&house.seller, "/v1/a402/confirm", confirm(&paid, "failed")).await.expect(201);
    assert_eq!(
        (&failed["transaction_state"], &failed["payment_status"]),
        (&json!("TRADE_CLOSED"), &json!("returned"))
    );
    assert_eq!(failed["fulfillment_status"], "failed");
    assert_eq!(house.money().await, ("100000".into(), "0".into(), "0".into()));
    let no = house
        .post(&house.seller, "/v1/a402/confirm", confirm(&paid, "fulfilled"))
        .await
        .problem(403, "hold_closed");
    assert!(no["a402"]["phase"].is_string());
    let never = json!({"trade_no": new_id("hld"), "outcome": "fulfilled"});
    house.post(&house.seller, "/v1/a402/confirm", never).await.problem(404, "trade_unknown");
}

/// A deposit of 5 yuan that was paid and whose proof was redeemed, and its meter.
async fn deposit(house: &House, order: &str) -> (Value, String) {
    let (needed, facts) = demand_with(house, "5.00", order, Some(json!(true)));
    let paid = pay(house, &needed).await;
    let body = json!({"payment_proof": paid["payment_proof"], "facts": facts});
    let verified = house.post(&house.seller, "/v1/a402/verify", body).await.expect(201);
    assert_eq!(verified["meter"], paid["meter"]);
    let meter = verified["meter"].as_str().expect("a meter was opened").to_owned();
    assert_eq!(
        meter.split_once('_').unwrap().1,
        paid["trade_no"].as_str().unwrap().split_once('_').unwrap().1
    );
    (paid, meter)
}

async fn charge(house: &House, meter: &str, sequence: u64, nanos: u64) -> Value {
    let charge = json!([{"id": new_id("req"), "sequence": sequence, "units": [nanos]}]);
    house.post(&house.seller, &format!("/v1/meters/{meter}/charges"), charge).await.expect(200)[0].clone()
}

#[tokio::test]
async fn a_metered_demand_collects_what_was_counted_and_gives_back_the_rest() {
    let house = House::new().await;
    let (paid, meter) = deposit(&house, "order-1").await;
    assert_eq!(house.money().await, ("99500".into(), "500".into(), "0".into()));
    // 4.7892 fen, twice: 9.5784 fen, which is 10 when it is settled and not before.
    charge(&house, &meter, 1, 4_789_200_000).await;
    let second = charge(&house, &meter, 2, 4_789_200_000).await;
    assert_eq!(second["answer"]["total_nanos"], "9578400000");
    assert_eq!(house.money().await, ("99500".into(), "500".into(), "0".into()));
    let no = charge(&house, &meter, 3, 490_421_600_001).await;
    assert_eq!(no["problem"]["code"], "meter_exceeded", "{no}");
    for _ in 0..2 {
        let over =
            house.post(&house.seller, "/v1/a402/confirm", confirm(&paid, "fulfilled")).await.expect(201);
        assert_eq!(
            (&over["transaction_state"], &over["payment_status"]),
            (&json!("TRADE_FINISHED"), &json!("paid"))
        );
    }
    assert_eq!(house.money().await, ("99990".into(), "0".into(), "10".into()));
    house.post(&house.seller, "/v1/a402/confirm", confirm(&paid, "failed")).await.problem(403, "hold_closed");
}

#[tokio::test]
async fn a_metered_demand_that_failed_collects_nothing_whatever_was_counted() {
    let house = House::new().await;
    let (paid, meter) = deposit(&house, "order-1").await;
    charge(&house, &meter, 1, 4_789_200_000).await;
    house.post(&house.seller, "/v1/a402/confirm", confirm(&paid, "failed")).await.expect(201);
    assert_eq!(house.money().await, ("100000".into(), "0".into(), "0".into()));
    let path = format!("/v1/a402/trades/{}", paid["trade_no"].as_str().unwrap());
    let trade = house.get(&house.agent, &path).await.expect(200);
    assert_eq!(trade["payment_status"], "returned");
}

#[tokio::test]
async fn only_true_makes_a_demand_metered() {
    let house = House::new().await;
    let (whole, _) = demand_with(&house, "1.50", "order-1", Some(json!(false)));
    assert_eq!(pay(&house, &whole).await["meter"], Value::Null);
    for metered in [json!("true"), json!(1), Value::Null] {
        let (needed, _) = demand_with(&house, "1.50", "order-2", Some(metered));
        let body = json!({"id": new_id("hld"), "wallet": house.wallet, "mandate": house.mandate, "payment_needed": needed});
        let no = house.post(&house.agent, "/v1/a402/pay", body).await.problem(422, "a402_refused");
        assert_eq!(no["a402"]["error_id"], "ACT-A402-REQUEST_INVALID");
    }
    assert_eq!(house.money().await, ("99850".into(), "150".into(), "0".into()));
}

impl House {
    /// A demand in the seller's name by somebody else's key.
    fn forged(house: &House, forger: &crate::house::Party) -> String {
        let (genuine, _) = demand(house, "1.50", "order-9");
        let needed = protocols::a402::Needed::decode(&genuine).unwrap();
        let key = SellerKey {
            signer_id: Identifier::parse(forger.key.as_str()).unwrap(),
            signing_key: forger.signing_key(),
        };
        needed.demand.sign(needed.method, &key).unwrap().encode().unwrap()
    }
}

#[tokio::test]
async fn what_a_delivery_cost_less_than_was_held_goes_back() {
    // What the seller says it cost, what it is answered, and what the buyer then has and the seller got.
    for (amount, status, left, got) in [
        (Some("CNY/2 40"), 201, "99960", "40"),
        (Some("CNY/2 150"), 201, "99850", "150"),
        (Some("CNY/2 0"), 201, "100000", "0"),
        (None, 201, "99850", "150"),
        (Some("CNY/2 151"), 422, "99850", "0"),
        (Some("CNY/3 40"), 422, "99850", "0"),
    ] {
        let house = House::new().await;
        let (needed, facts) = demand(&house, "1.50", "order-1");
        let paid = pay(&house, &needed).await;
        let body = json!({"payment_proof": paid["payment_proof"], "facts": facts});
        house.post(&house.seller, "/v1/a402/verify", body).await.expect(201);
        let mut said = confirm(&paid, "fulfilled");
        if let Some((asset, amount)) = amount.and_then(|text| text.split_once(' ')) {
            said["amount"] = json!({"amount": amount, "asset": asset});
        }
        house.post(&house.seller, "/v1/a402/confirm", said.clone()).await.expect(status);
        let held = if status == 201 { "0" } else { "150" };
        assert_eq!(house.money().await, (left.into(), held.into(), got.into()), "{amount:?}");
        // Saying it again changes nothing, and saying another amount is refused.
        house.post(&house.seller, "/v1/a402/confirm", said.clone()).await.expect(status);
        if status == 201 {
            said["amount"] = json!({"amount": "41", "asset": "CNY/2"});
            let no = house.post(&house.seller, "/v1/a402/confirm", said).await;
            assert!((403..=422).contains(&no.status), "{}", no.status);
            assert_eq!(house.money().await, (left.into(), held.into(), got.into()), "{amount:?}");
        } else {
            // A mistake does not use up the right to say it right.
            house.post(&house.seller, "/v1/a402/confirm", confirm(&paid, "fulfilled")).await.expect(201);
        }
    }
}
