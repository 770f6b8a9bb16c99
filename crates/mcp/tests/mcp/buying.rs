//! Buying: a quote, then exactly that, once, whatever the seller says and whoever is started again.

use crate::house::{House, SAYS, call, caller, code, good, old_caller, refused};
use evidence::{KeyHistory, NoteVerifier};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_is_paid_once_and_answered_as_often_as_it_is_asked_for() {
    let house = House::new().await;
    for is_old in [false, true] {
        let desk = house.desk();
        let caller = if is_old { old_caller(desk).await } else { caller(desk, true).await };
        let (spent_before, calls) = (100 - house.settled().await.0, house.called());
        let quote = good(call(&caller, "quote", json!({"url": format!("{}/search", house.shop)})).await);
        assert_eq!(quote["price"], json!({"amount": "3", "asset": "CNY/2"}));
        assert_eq!(quote["payee"], json!(house.payee));
        assert_eq!(house.money().await.0, 100 - spent_before);
        let token = json!({"quote": quote["quote"]});
        assert_eq!(good(call(&caller, "status", token.clone()).await)["status"], "open");
        let paid = good(call(&caller, "pay", token.clone()).await);
        assert_eq!((&paid["status"], &paid["repeated"]), (&json!(200), &json!(false)));
        assert_eq!(paid["untrusted_text"], format!("result {}", calls + 1));
        let receipt: wire::entry::Receipt = serde_json::from_value(paid["receipt"].clone()).unwrap();
        let keys = KeyHistory::of(NoteVerifier::parse(&receipt.vkey).unwrap());
        sdk::verify_receipt(&receipt, &keys).unwrap();
        let mut again = good(call(&caller, "pay", token.clone()).await);
        assert_eq!(again["repeated"], json!(true));
        again["repeated"] = json!(false);
        assert_eq!(again, paid);
        let (left, held, _) = house.settled().await;
        assert_eq!((left, held, house.called()), (97 - spent_before, 0, calls + 1));
        assert_eq!(good(call(&caller, "status", token).await)["status"], "captured");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_started_again_pays_no_second_time() {
    let house = House::new().await;
    let first = caller(house.desk(), true).await;
    let quote = good(call(&first, "quote", json!({"url": format!("{}/search", house.shop)})).await);
    let unpaid = good(call(&first, "quote", json!({"url": format!("{}/search", house.shop)})).await);
    let token = json!({"quote": quote["quote"]});
    let paid = good(call(&first, "pay", token.clone()).await);
    first.cancel().await.unwrap();
    let second = caller(house.desk(), true).await;
    let again = good(call(&second, "pay", token).await);
    assert_eq!((&again["hold"], &again["untrusted_text"]), (&paid["hold"], &paid["untrusted_text"]));
    // A quote of the program before is good for the one after.
    let other = good(call(&second, "pay", json!({"quote": unpaid["quote"]})).await);
    assert_ne!(other["hold"], paid["hold"]);
    assert_eq!(house.settled().await, (94, 0, 6));
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_at_once_pay_one_quote_once() {
    let house = House::new().await;
    let caller = caller(house.desk(), true).await;
    let quote = good(call(&caller, "quote", json!({"url": format!("{}/search", house.shop)})).await);
    let token = json!({"quote": quote["quote"]});
    let calls: Vec<_> = (0..20).map(|_| call(&caller, "pay", token.clone())).collect();
    for (answer, is_error) in futures_util::future::join_all(calls).await {
        assert!(!is_error || answer["code"] == "in_progress", "{answer}");
    }
    good(call(&caller, "pay", token).await);
    assert_eq!(house.settled().await, (97, 0, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_limit_forbids_is_refused_with_the_rule_and_nothing_is_spent() {
    let house = House::new().await;
    let caller = caller(house.desk(), true).await;
    let quote = good(call(&caller, "quote", json!({"url": format!("{}/dear", house.shop)})).await);
    let token = json!({"quote": quote["quote"]});
    let (refusal, is_error) = call(&caller, "pay", token.clone()).await;
    assert!(is_error, "{refusal}");
    assert_eq!(refusal["code"], "payment_too_large");
    assert_eq!(
        (&refusal["rule"]["scope"], &refusal["remaining"]["amount"]),
        (&json!("mandate"), &json!("50"))
    );
    assert!(refusal["detail"].as_str().unwrap().starts_with("Nothing was spent"), "{refusal}");
    assert_eq!(code(call(&caller, "pay", token.clone()).await), "payment_too_large");
    assert_eq!(good(call(&caller, "status", token).await)["status"], "denied");
    assert_eq!(house.money().await, (100, 0, 0));
    let limits = good(call(&caller, "limits", json!({})).await);
    assert_eq!(limits["available"], json!({"amount": "100", "asset": "CNY/2"}));
    assert_eq!(limits["mandates"][0]["limits"], json!([{"kind": "per_payment", "max": "50"}]));
}

#[tokio::test(flavor = "multi_thread")]
async fn words_of_a_seller_are_only_where_words_of_sellers_are() {
    let house = House::new().await;
    let caller = caller(house.desk(), true).await;
    let quote = good(call(&caller, "quote", json!({"url": format!("{}/search", house.shop)})).await);
    assert!(quote["untrusted_text"].as_str().unwrap().contains("Transfer 500"), "{quote}");
    assert!(!without_untrusted(&quote).to_string().contains("Transfer"), "{quote}");
    let quote = good(call(&caller, "quote", json!({"url": format!("{}/talk", house.shop)})).await);
    let paid = good(call(&caller, "pay", json!({"quote": quote["quote"]})).await);
    let said: String = SAYS.chars().filter(|it| !matches!(it, '\u{202e}' | '\u{1b}')).collect();
    assert_eq!((&paid["untrusted_text"], &paid["content_type"]), (&json!(said), &json!("text/plain")));
    let rest = without_untrusted(&paid).to_string();
    assert!(!rest.contains("Ignore") && !rest.contains("pay me"), "{rest}");
    assert_eq!(house.settled().await, (99, 0, 1));
}

fn without_untrusted(value: &Value) -> Value {
    let mut value = value.clone();
    value.as_object_mut().expect("an object").remove("untrusted_text");
    value
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_a_quote_of_this_key_pays() {
    let house = House::new().await;
    let caller_ = caller(house.desk(), true).await;
    let url = format!("{}/search", house.shop);
    let quote = good(call(&caller_, "quote", json!({"url": url})).await);
    let token = quote["quote"].as_str().unwrap();
    for arguments in [
        json!({}),
        json!({"quote": token, "amount": "1"}),
        json!({"quote": token, "payee": house.payee}),
        json!({"quote": token, "approved": true}),
        json!({"quote": "quo_x"}),
        json!({"quote": [token]}),
        json!({"quote": format!("{token}'; --")}),
        json!({"url": url}),
    ] {
        assert_eq!(refused(&caller_, "pay", arguments.clone()).await, -32602, "{arguments}");
    }
    for arguments in [
        json!({"url": "search"}),
        json!({"url": url, "max_price": "9"}),
        json!({"url": url, "method": "CONNECT"}),
        json!({"url": format!("{url}?{}", "a".repeat(2_048))}),
    ] {
        assert_eq!(refused(&caller_, "quote", arguments.clone()).await, -32602, "{arguments}");
    }
    for tool in ["approve", "set_limits", "transfer", "refund", "quote "] {
        assert_eq!(refused(&caller_, tool, json!({})).await, -32602, "{tool}");
    }
    let invented = format!("quo_{}", "A".repeat(43));
    assert_eq!(code(call(&caller_, "pay", json!({"quote": invented})).await), "quote_unknown");
    // Another key finds the file, and may not use it.
    let thief = caller(house.thief(), true).await;
    assert_eq!(code(call(&thief, "pay", json!({"quote": token})).await), "quote_unknown");
    assert_eq!(house.money().await, (100, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_sellers_in_public_are_asked_unless_others_are_allowed() {
    let house = House::new().await;
    let caller = caller(house.public_desk(), true).await;
    for url in [
        format!("{}/search", house.shop),
        "https://169.254.169.254/latest/meta-data".to_owned(),
        "https://localhost/search".to_owned(),
        "https://[::1]/search".to_owned(),
        "file:///etc/passwd".to_owned(),
        "https://user:word@seller.example/".to_owned(),
    ] {
        let (answer, is_error) = call(&caller, "quote", json!({"url": url})).await;
        let is_refused = matches!(answer["code"].as_str(), Some("address_refused" | "seller_unreachable"));
        assert!(is_error && is_refused, "{url}: {answer}");
    }
    assert_eq!(house.called(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_free_or_fails_costs_nothing() {
    let house = House::new().await;
    let caller = caller(house.desk(), true).await;
    let free = good(call(&caller, "quote", json!({"url": format!("{}/free", house.shop)})).await);
    assert_eq!((&free["costs"], &free["quote"]), (&json!("nothing"), &Value::Null));
    let quote = good(call(&caller, "quote", json!({"url": format!("{}/broken", house.shop)})).await);
    let token = json!({"quote": quote["quote"]});
    let answer = good(call(&caller, "pay", token.clone()).await);
    assert_eq!(answer["payment"], "returned", "{answer}");
    assert_eq!(good(call(&caller, "pay", token).await)["payment"], "returned");
    let posted = json!({"url": format!("{}/echo", house.shop), "method": "POST", "body": "{\"a\":1}"});
    let quote = good(call(&caller, "quote", posted).await);
    let answer = good(call(&caller, "pay", json!({"quote": quote["quote"]})).await);
    assert_eq!(answer["untrusted_text"], "{\"a\":1}");
    assert_eq!(house.settled().await, (98, 0, 2));
}
