//! Payment tokens from outside: for one checkout, one seller, one time and one amount, and within every limit.

use crate::house::{House, Party, Reply, Tricks, cny, in_seconds, new_id, ulid};
use http::Method;
use serde_json::{Value, json};

const DELEGATE: &str = "/v1/agentic_commerce/delegate_payment";

/// Limits of each payment and in total, in fen.
async fn house(total: &str) -> House {
    House::with_mandate(json!([{"kind": "per_payment", "max": "20000"}, {"kind": "total", "max": total}]))
        .await
}

fn asked(house: &House, max_amount: u64) -> Value {
    json!({
        "payment_method": {"type": "tollbridge", "wallet": house.wallet, "mandate": house.mandate},
        "allowance": {
            "reason": "one_time", "max_amount": max_amount, "currency": "cny", "checkout_session_id": "cs_1",
            "merchant_id": house.seller.id, "expires_at": in_seconds(600),
        },
        "risk_signals": [{"type": "card_testing", "score": 1, "action": "authorized"}],
        "metadata": {},
    })
}

async fn under(house: &House, who: &Party, key: &str, path: &str, body: &Value) -> Reply {
    let tricks = Tricks { headers: vec![("idempotency-key", key.to_owned())], ..Tricks::default() };
    house.tricky(who, Method::POST, path, Some(body), tricks).await
}

async fn token(house: &House, body: &Value) -> String {
    let said = under(house, &house.agent, &ulid(), DELEGATE, body).await.expect(201);
    said["id"].as_str().unwrap().to_owned()
}

async fn take(house: &House, who: &Party, token: &str, body: Value) -> Reply {
    house.post(who, &format!("/v1/tokens/{token}/take"), body).await
}

fn taking(amount: &str) -> Value {
    json!({"checkout": "cs_1", "amount": cny(amount)})
}

fn money(available: &str, held: &str, seller: &str) -> (String, String, String) {
    (available.to_owned(), held.to_owned(), seller.to_owned())
}

#[tokio::test]
async fn a_token_is_taken_once_for_at_most_its_amount_and_the_rest_goes_back() {
    let house = house("50000").await;
    let (key, body) = (ulid(), asked(&house, 3_000));
    let said = under(&house, &house.agent, &key, DELEGATE, &body).await.expect(201);
    let token = format!("vt_{key}");
    assert_eq!(said["id"], token);
    assert_eq!(said["metadata"]["max_amount"], "3000", "{said}");
    assert_eq!(house.money().await, money("97000", "3000", "0"));
    // Asked for again, it is the same token, and nothing more is set aside.
    assert_eq!(under(&house, &house.agent, &key, DELEGATE, &body).await.expect(201), said);
    assert_eq!(house.money().await, money("97000", "3000", "0"));
    let dearer = asked(&house, 3_001);
    under(&house, &house.agent, &key, DELEGATE, &dearer).await.problem(409, "id_reused");

    take(&house, &house.seller, &token, taking("3001")).await.problem(403, "capture_too_large");
    let first = take(&house, &house.seller, &token, taking("2500")).await.expect(201);
    assert_eq!(house.money().await, money("97500", "0", "2500"));
    let again = take(&house, &house.seller, &token, taking("2500")).await.expect(201);
    assert_eq!((&again["entry"], &again["repeated"]), (&first["entry"], &json!(true)));
    take(&house, &house.seller, &token, taking("500")).await.problem(409, "token_taken");
    assert_eq!(house.money().await, money("97500", "0", "2500"));
}

#[tokio::test]
async fn sixteen_takings_at_once_are_one_payment() {
    let house = house("50000").await;
    let token = token(&house, &asked(&house, 3_000)).await;
    let many = (0..16).map(|_| take(&house, &house.seller, &token, taking("3000")));
    let mut entries = futures_util::future::join_all(many).await.into_iter().map(|reply| {
        assert_eq!(reply.status, 201, "{reply:?}");
        reply.json()["entry"].as_u64().unwrap()
    });
    let first = entries.next().unwrap();
    assert!(entries.all(|entry| entry == first));
    assert_eq!(house.money().await, money("97000", "0", "3000"));
}

#[tokio::test]
async fn a_token_is_for_its_seller_its_checkout_and_its_cart() {
    let house = house("50000").await;
    let other = Party::new("pye");
    let payee = json!({"id": other.id, "asset": "CNY/2", "category": "data", "provenance": "registry",
        "key": other.key_json()});
    house.post(&house.operator, "/v1/payees", payee).await.expect(201);
    let plain = token(&house, &asked(&house, 3_000)).await;
    let mut body = asked(&house, 4_000);
    body["metadata"] = json!({"cart": "sha-256:one"});
    let bound = token(&house, &body).await;
    let elsewhere = json!({"checkout": "cs_2", "amount": cny("3000")});
    let cart = |cart: &str| json!({"checkout": "cs_1", "cart": cart, "amount": cny("4000")});
    for (who, token, body, status, code) in [
        (&other, &plain, taking("3000"), 404, "token_unknown"),
        (&house.seller, &plain, elsewhere.clone(), 409, "token_elsewhere"),
        (&house.seller, &bound, taking("4000"), 409, "token_elsewhere"),
        (&house.seller, &bound, cart("sha-256:two"), 409, "token_elsewhere"),
        (&house.seller, &bound, elsewhere, 409, "token_elsewhere"),
        (&house.seller, &format!("vt_{}", ulid()), taking("1"), 404, "token_unknown"),
        (&house.seller, &"vt_nothing".to_owned(), taking("1"), 404, "token_unknown"),
        (&house.agent, &plain, taking("3000"), 403, "audience_wrong"),
    ] {
        take(&house, who, token, body.clone()).await.problem(status, code);
    }
    assert_eq!(house.money().await, money("93000", "7000", "0"));
    take(&house, &house.seller, &bound, cart("sha-256:one")).await.expect(201);
    // A token that is for any cart of its checkout is taken whatever the cart is called.
    let body = json!({"checkout": "cs_1", "cart": "sha-256:one", "amount": cny("3000")});
    take(&house, &house.seller, &plain, body).await.expect(201);
    assert_eq!(house.money().await, money("93000", "0", "7000"));
}

#[tokio::test]
async fn what_is_not_taken_in_time_goes_back() {
    let house = house("50000").await;
    let token = token(&house, &asked(&house, 3_000)).await;
    house.post(&house.operator, "/v1/clock/advance", json!({"seconds": 601})).await.expect(200);
    take(&house, &house.seller, &token, taking("3000")).await.problem(409, "token_taken");
    assert_eq!(house.money().await, money("100000", "0", "0"));
}

#[tokio::test]
async fn tokens_and_payments_keep_one_limit_together() {
    let house = house("5000").await;
    house.post(&house.agent, "/v1/payments", house.payment("2000")).await.expect(201);
    let body = asked(&house, 3_001);
    under(&house, &house.agent, &ulid(), DELEGATE, &body).await.problem(403, "total_exceeded");
    let many =
        (0..8).map(|_| async { under(&house, &house.agent, &ulid(), DELEGATE, &asked(&house, 1_000)).await });
    let said = futures_util::future::join_all(many).await;
    assert_eq!(said.iter().filter(|reply| reply.status == 201).count(), 3);
    assert_eq!(house.money().await, money("95000", "3000", "2000"));
    // In UCP's shape, too.
    under(&house, &house.agent, &ulid(), "/v1/ucp/tokenize", &ucp(&house))
        .await
        .problem(403, "total_exceeded");
}

fn ucp(house: &House) -> Value {
    json!({
        "credential": {"type": "tollbridge", "wallet": house.wallet, "mandate": house.mandate,
            "max_amount": 3_000, "currency": "CNY", "expires_at": in_seconds(600)},
        "binding": {"checkout_id": "cs_1", "identity": {"access_token": house.seller.id}},
    })
}

#[tokio::test]
async fn a_tokenized_credential_is_shown_only_to_its_seller_for_its_checkout() {
    let house = house("50000").await;
    let said = under(&house, &house.agent, &ulid(), "/v1/ucp/tokenize", &ucp(&house)).await.expect(200);
    let token = said["token"].as_str().unwrap();
    let ask = |checkout: &str, who: Option<&str>| {
        let identity = who.map(|who| json!({"access_token": who}));
        let mut binding = json!({"checkout_id": checkout});
        if let Some(identity) = identity {
            binding["identity"] = identity;
        }
        json!({"token": token, "binding": binding})
    };
    let path = "/v1/ucp/detokenize";
    let shown = house.post(&house.seller, path, ask("cs_1", Some(&house.seller.id))).await.expect(200);
    assert_eq!((&shown["type"], &shown["amount"]), (&json!("tollbridge_hold"), &cny("3000")));
    assert_eq!(shown["hold"], format!("hld_{}", &token[3..]));
    house.post(&house.seller, path, ask("cs_1", None)).await.expect(200);
    house.post(&house.seller, path, ask("cs_2", None)).await.problem(409, "token_elsewhere");
    house.post(&house.seller, path, ask("cs_1", Some(&new_id("pye")))).await.problem(404, "token_unknown");
    house.post(&house.agent, path, ask("cs_1", None)).await.problem(403, "audience_wrong");
    take(&house, &house.seller, token, taking("3000")).await.expect(201);
    assert_eq!(house.money().await, money("97000", "0", "3000"));
}

#[tokio::test]
async fn cards_and_whatever_else_cannot_be_a_token_set_nothing_aside() {
    let house = house("50000").await;
    let with = |change: fn(&mut Value)| {
        let mut body = asked(&house, 3_000);
        change(&mut body);
        body
    };
    let number = "4242424242424242";
    let mut card = asked(&house, 3_000);
    card["payment_method"] = json!({"type": "card", "card_number_type": "fpan", "number": number,
        "display_card_funding_type": "credit", "metadata": {}});
    for (body, status, code) in [
        (card, 422, "card_refused"),
        (with(|it| it["payment_method"]["number"] = json!("4242424242424242")), 400, "body_malformed"),
        (with(|it| it["allowance"]["reason"] = json!("recurring")), 422, "token_refused"),
        (with(|it| it["allowance"]["max_amount"] = json!(0)), 422, "token_refused"),
        (with(|it| it["allowance"]["max_amount"] = json!(1_u64 << 53)), 422, "token_refused"),
        (with(|it| it["allowance"]["max_amount"] = json!(30.5)), 400, "body_malformed"),
        (with(|it| it["allowance"]["max_amount"] = json!("3000")), 400, "body_malformed"),
        (with(|it| it["allowance"]["currency"] = json!("xxx")), 404, "asset_unknown"),
        (with(|it| it["allowance"]["checkout_session_id"] = json!("")), 422, "token_refused"),
        (with(|it| it["allowance"]["checkout_session_id"] = json!("a\nb")), 422, "token_refused"),
        (with(|it| it["allowance"]["expires_at"] = json!(in_seconds(86_500))), 422, "token_refused"),
        (with(|it| it["allowance"]["merchant_id"] = json!(new_id("pye"))), 404, "payee_unknown"),
    ] {
        let reply = under(&house, &house.agent, &ulid(), DELEGATE, &body).await;
        assert!(!String::from_utf8_lossy(&reply.body).contains(number), "a card's number is not said again");
        reply.problem(status, code);
    }
    house.post(&house.agent, DELEGATE, asked(&house, 3_000)).await.problem(400, "idempotency_key_missing");
    let body = asked(&house, 3_000);
    under(&house, &house.seller, &ulid(), DELEGATE, &body).await.problem(403, "audience_wrong");
    let mut nobody = ucp(&house);
    nobody["binding"]["identity"] = Value::Null;
    under(&house, &house.agent, &ulid(), "/v1/ucp/tokenize", &nobody).await.problem(400, "body_malformed");
    assert_eq!(house.money().await, money("100000", "0", "0"));
}
