//! A seller's tools: links, payments, and refunds that are made once.

use crate::house::{House, call, caller, code, good, refused};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_seller_asks_sees_and_gives_back_once() {
    let house = House::new().await;
    let agent = caller(house.desk(), false).await;
    let seller = caller(house.counter(), false).await;
    let price = json!({"amount": "20", "asset": "CNY/2", "what": "A bag"});
    let link = good(call(&seller, "create_payment_link", price).await);
    let name = link["payment_link"].as_str().unwrap();
    assert_eq!(link["url"], format!("https://pages.example/pay/{name}"));
    let found = good(call(&seller, "query_payment", json!({"payment": name})).await);
    assert_eq!(
        (&found["status"], &found["uses_left"], &found["used"]),
        (&json!("open"), &json!(1), &json!(0))
    );
    let quote = good(call(&agent, "quote", json!({"url": format!("{}/search", house.shop)})).await);
    let paid = good(call(&agent, "pay", json!({"quote": quote["quote"]})).await);
    assert_eq!(house.settled().await, (97, 0, 3));
    let found = good(call(&seller, "query_payment", json!({"payment": paid["hold"]})).await);
    assert_eq!(found["status"], "captured");
    let mut back = json!({"refund_no": "r-1", "payment": paid["hold"], "amount": "2", "asset": "CNY/2"});
    assert_eq!(code(call(&seller, "query_refund", json!({"refund_no": "r-1"})).await), "refund_unknown");
    let first = good(call(&seller, "refund", back.clone()).await);
    let again = caller(house.counter(), false).await;
    assert_eq!(good(call(&again, "refund", back.clone()).await)["id"], first["id"]);
    assert_eq!(good(call(&again, "query_refund", json!({"refund_no": "r-1"})).await), first);
    assert_eq!(house.money().await, (99, 0, 1));
    back["amount"] = json!("1");
    assert_eq!(code(call(&again, "refund", back.clone()).await), "refund_no_reused");
    back["refund_no"] = json!("r-2");
    back["amount"] = json!("2");
    let (too_much, is_error) = call(&again, "refund", back).await;
    assert!(is_error, "{too_much}");
    assert_eq!(house.money().await, (99, 0, 1));
    for (tool, arguments) in [
        ("pay", json!({"quote": quote["quote"]})),
        ("create_payment_link", json!({"amount": 20, "asset": "CNY/2", "what": "A bag"})),
        ("create_payment_link", json!({"amount": "0.20", "asset": "CNY/2", "what": "A bag"})),
        (
            "create_payment_link",
            json!({"amount": "20", "asset": "CNY/2", "what": "A bag", "payee": house.payee}),
        ),
        ("query_payment", json!({"payment": "../wallets"})),
        ("query_refund", json!({"refund_no": "../r-1"})),
    ] {
        assert_eq!(refused(&seller, tool, arguments.clone()).await, -32602, "{arguments}");
    }
}
