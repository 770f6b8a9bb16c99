//! Skills with a price: asked for in a task, paid for in x402, done once, and given back where nothing was.

use crate::market::{Market, about, made, message, paying, state};
use protocols::a2a::card::{Card, Signed};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_skill_says_its_price_is_paid_for_and_done_once() {
    let market = Market::new().await;
    let card = market
        .http
        .get(format!("{}/.well-known/agent-card.json", market.url))
        .send()
        .await
        .expect("an answer");
    assert!(card.headers()["cache-control"].to_str().expect("text").contains("max-age"));
    let card = card.bytes().await.expect("a body");
    let read = Card::read(&card).expect("a card");
    assert_eq!(read.skills, ["find", "refuse", "break", "long", "wait", "ping"]);
    let keys =
        sdk::seller_ring(&market.client().a402_seller_keys(market.payee).await.expect("keys")).expect("keys");
    let payee = protocols::a402::Identifier::parse(market.payee.to_string()).expect("a name");
    let known =
        |name: &str| keys.key_of(&protocols::a402::Identifier::parse(name).ok()?, &payee).ok().cloned();
    assert_eq!(read.signed(known), Signed::Well, "it is signed by the key that signs the bills");
    let card: Value = serde_json::from_slice(&card).expect("JSON");
    let words = "Does find.\n\nEach message costs 0.03 CNY. What fails costs nothing.";
    assert_eq!(card["skills"][0]["description"], words);
    assert_eq!(card["skills"][5]["description"], "Does ping.");
    let price = &read.prices.as_ref().expect("prices")["skills"]["find"];
    assert_eq!(
        (&price["amount"], &price["asset"], &price["capture"]),
        (&json!("3"), &json!("CNY/2"), &json!("exact"))
    );

    let before = market.settled().await;
    let task = market.say("find").await;
    assert_eq!(state(&task), "TASK_STATE_INPUT_REQUIRED");
    assert_eq!(about(&task)["x402.payment.status"], "payment-required");
    let words = task["status"]["message"]["parts"][0]["text"].as_str().expect("words");
    assert!(words.starts_with("Nothing was spent. This costs 0.03 CNY"), "{words}");
    let demand = &about(&task)["x402.payment.required"];
    assert_eq!(demand["accepts"][0]["amount"], "3");
    assert_eq!(demand["resource"]["url"], format!("{}/skills/find", market.url));

    let payment = market.pay(&task).await;
    let done = market.show(&task, payment.clone()).await;
    assert_eq!((state(&done), made(&done)), ("TASK_STATE_COMPLETED", "found bridges"), "{done}");
    assert_eq!(about(&done)["x402.payment.status"], "payment-completed");
    let receipt = &about(&done)["x402.payment.receipts"][0];
    assert_eq!((&receipt["success"], &receipt["network"]), (&json!(true), &json!("toll:test")));
    // The same payment a hundred times more: the same task, and the service behind hears nothing of it.
    for _ in 0..100 {
        let again = market.show(&task, payment.clone()).await;
        assert_eq!((state(&again), &again["artifacts"]), ("TASK_STATE_COMPLETED", &done["artifacts"]));
    }
    assert_eq!(market.settled().await, (before.0 - 3, 0, 3));
    let asked = market.asked("/search");
    assert_eq!(
        asked,
        [("/search".to_owned(), "bridges".to_owned(), task["id"].as_str().expect("a name").to_owned())]
    );
    let seen = market.rpc("GetTask", json!({ "id": task["id"] })).await;
    let said: Vec<&str> = seen["history"]
        .as_array()
        .expect("a history")
        .iter()
        .map(|it| it["role"].as_str().expect("a role"))
        .collect();
    assert_eq!(said, ["ROLE_USER", "ROLE_AGENT", "ROLE_USER", "ROLE_AGENT"]);
    assert!(!seen.to_string().contains("x402.payment.payload"), "what was paid with is not shown");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_payments_at_once_are_one() {
    let market = Market::new().await;
    let before = market.settled().await;
    let task = market.say("find").await;
    let payment = market.pay(&task).await;
    let shown =
        (0..100).map(|_| market.rpc("SendMessage", json!({ "message": paying(&task, payment.clone()) })));
    let done = futures_util::future::join_all(shown).await;
    for each in done {
        assert_eq!(state(&each["task"]), "TASK_STATE_COMPLETED", "{each}");
    }
    assert_eq!((market.settled().await, market.asked("/search").len()), ((before.0 - 3, 0, 3), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_for_anything_else_does_not_count() {
    let market = Market::new().await;
    let paid = market.say("find").await;
    let good = market.pay(&paid).await;
    let altered = |pointer: &str, value: Value| {
        let mut payment = good.clone();
        *payment.pointer_mut(pointer).expect("it is there") = value;
        payment
    };
    let mut credential = good["payload"]["credential"].as_str().expect("text").to_owned();
    let other = if &credential[40..41] == "A" { "B" } else { "A" };
    credential.replace_range(40..41, other);
    for (payment, error) in [
        (good.clone(), "INVALID_AMOUNT"),
        (altered("/x402Version", json!(1)), "INVALID_SIGNATURE"),
        (altered("/resource/url", json!(format!("{}/skills/ping", market.url))), "INVALID_SIGNATURE"),
        (altered("/accepted/amount", json!("2")), "INVALID_AMOUNT"),
        (altered("/accepted/payTo", json!("pye_01KAZ0A3C0ET1N8R7P6QGX5W9D")), "INVALID_AMOUNT"),
        (altered("/accepted/network", json!("toll:main")), "INVALID_AMOUNT"),
        (altered("/accepted/network", json!("eip155:8453")), "NETWORK_MISMATCH"),
        (altered("/payload/credential", json!(credential)), "INVALID_SIGNATURE"),
        (altered("/payload", json!({})), "INVALID_SIGNATURE"),
        (json!({}), "INVALID_SIGNATURE"),
        (json!("paid"), "INVALID_SIGNATURE"),
        (json!({ "x402Version": 2, "a": "x".repeat(100_000) }), "INVALID_SIGNATURE"),
    ] {
        // Another task of the same skill, with the same message at the same price: the payment is still not its own.
        let task = market.say("find").await;
        let refused = market.show(&task, payment.clone()).await;
        assert_eq!(state(&refused), "TASK_STATE_FAILED", "{payment}: {refused}");
        assert_eq!(about(&refused)["x402.payment.status"], "payment-failed");
        assert_eq!(about(&refused)["x402.payment.error"], error, "{payment}: {refused}");
        let words = refused["status"]["message"]["parts"][0]["text"].as_str().expect("words");
        assert!(words.starts_with("Nothing was spent"), "{words}");
    }
    assert_eq!((market.asked("/search").len(), market.settled().await.2), (0, 0));
    for skill in ["refuse", "wait"] {
        let task = market.say(skill).await;
        let refused = market.show(&task, good.clone()).await;
        assert_eq!(state(&refused), "TASK_STATE_FAILED", "another skill: {refused}");
    }
    // It was shown to tasks that it is not for, and still counts for its own; after that it is no other's.
    let done = market.show(&paid, good.clone()).await;
    assert_eq!(state(&done), "TASK_STATE_COMPLETED", "{done}");
    let late = market.show(&market.say("find").await, good).await;
    assert_eq!(about(&late)["x402.payment.error"], "DUPLICATE_NONCE", "{late}");
    assert_eq!(market.code("SendMessage", json!({ "message": paying(&done, json!({})) })).await, -32004);
    assert_eq!((market.asked("/search").len(), market.settled().await.2), (1, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_done_is_not_charged() {
    let market = Market::new().await;
    let before = market.settled().await;
    for (skill, ended, says) in [
        ("refuse", "TASK_STATE_REJECTED", "no such bridge"),
        ("break", "TASK_STATE_FAILED", "You were not charged"),
        ("long", "TASK_STATE_FAILED", "You were not charged"),
    ] {
        let task = market.say(skill).await;
        let payment = market.pay(&task).await;
        let over = market.show(&task, payment.clone()).await;
        assert_eq!(state(&over), ended, "{skill}: {over}");
        assert_eq!(about(&over)["x402.payment.status"], "payment-failed", "{skill}: {over}");
        assert_eq!(about(&over)["x402.payment.error"], "SETTLEMENT_FAILED", "{skill}: {over}");
        assert_eq!(about(&over)["x402.payment.receipts"][0]["success"], false, "{skill}");
        let words = over["status"]["message"]["parts"][0]["text"].as_str().expect("words");
        assert!(words.contains(says), "{skill}: {words}");
        assert_eq!(over.get("artifacts"), None, "{skill}");
        assert_eq!(market.settled().await, before, "{skill}");
        let again = market.show(&task, payment).await;
        assert_eq!((state(&again), market.asked(&format!("/skills/{skill}")).len()), (ended, 1));
    }
    // A client that does not pay ends its task, and one that only asks again hears the price again.
    let task = market.say("find").await;
    let mut asking = message("again", json!({}));
    asking["taskId"] = task["id"].clone();
    let asked = market.rpc("SendMessage", json!({ "message": asking })).await;
    assert_eq!(state(&asked["task"]), "TASK_STATE_INPUT_REQUIRED");
    let (first, second) = (about(&task), about(&asked["task"]));
    assert_ne!(first["tollbridge/payment-needed"], second["tollbridge/payment-needed"], "it is a new bill");
    let mut declining = message("no", json!({ "x402.payment.status": "payment-rejected" }));
    declining["taskId"] = task["id"].clone();
    let declined = market.rpc("SendMessage", json!({ "message": declining })).await;
    assert_eq!(state(&declined["task"]), "TASK_STATE_CANCELED");
    assert_eq!(market.settled().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_free_is_done_and_can_be_stopped() {
    let market = Market::new().await;
    let before = market.settled().await;
    let task = market.say("ping").await;
    assert_eq!(state(&task), "TASK_STATE_COMPLETED");
    assert_eq!(
        task["artifacts"][0]["parts"][0],
        json!({ "data": { "pong": "bridges" }, "mediaType": "application/json" })
    );
    assert_eq!(task["status"]["message"].get("metadata"), None, "it says nothing about money");
    // The same as a plain request, under the same prices.
    for (skill, status) in [("ping", 200), ("find", 402), ("other", 402), ("../ping", 404)] {
        let answer = market
            .http
            .post(format!("{}/skills/{skill}", market.url))
            .body("x")
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status().as_u16(), status, "{skill}");
    }
    assert_eq!(market.settled().await, before);
}
