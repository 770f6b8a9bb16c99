//! An order that is paid twice at the same moment: it keeps one payment, and the other goes back by itself, once.

use crate::house::{House, fen};
use serde_json::json;
use shop::{Links, ShopNo, Stage};
use wire::token::NewTaking;

/// A session for two maps, and its order, locked.
async fn locked(house: &House) -> (String, shop::Order) {
    let wanted = json!({"line_items": [{"id": "map", "quantity": 2}], "currency": "cny", "capabilities": {}});
    let session = house.acp("/checkout_sessions", wanted).await.expect(201);
    let name = session["id"].as_str().unwrap().to_owned();
    let order = house.shop.confirm(&name, &Links::default()).await.unwrap();
    assert_eq!(order.stage, Stage::Locked);
    (name, order)
}

/// Takes a token for a checkout, as the seller. Answers the trade number.
async fn taken(house: &House, checkout: &str) -> String {
    let token = house.token(checkout, 300, None).await;
    let taking = NewTaking { checkout: checkout.to_owned(), cart: None, amount: fen(300) };
    house.seller.take_token(&token, &taking).await.unwrap().hold.to_string()
}

#[tokio::test]
async fn the_second_payment_of_an_order_goes_back_once() {
    let house = House::new().await;
    let (name, order) = locked(&house).await;
    let (first, second) = (taken(&house, &name).await, taken(&house, &name).await);
    assert_eq!(house.money().await, (9_400, 0, 600));
    let both = [house.shop.paid(order.number, &first), house.shop.paid(order.number, &second)];
    let [one, other] = futures_of(both).await;
    // Whichever came first is the order's.
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
    let no = one.or(other).map(|order| order.stage);
    assert_eq!(no.unwrap(), Stage::Paid);
    assert_eq!(house.money().await, (9_700, 0, 300));
    for trade in [&first, &second, &first, &second] {
        let again = house.shop.paid(order.number, trade).await;
        assert!(matches!(again, Ok(_) | Err(ShopNo::NotThisPayment { .. })), "{again:?}");
    }
    house.shop.sweep().await.unwrap();
    assert_eq!(house.money().await, (9_700, 0, 300), "once");
    let house = house.reopen().await;
    house.shop.sweep().await.unwrap();
    assert_eq!(house.money().await, (9_700, 0, 300), "also after a restart");
    assert_eq!(house.shop.order(order.number).await.unwrap().stage, Stage::Paid);
}

#[tokio::test]
async fn a_second_payment_that_is_only_set_aside_is_let_go() {
    let house = House::new().await;
    let (name, order) = locked(&house).await;
    let first = taken(&house, &name).await;
    let order = house.shop.paid(order.number, &first).await.unwrap();
    let token = house.token(&name, 300, None).await;
    let held = token.replace("vt_", "hld_");
    assert_eq!(house.money().await, (9_400, 300, 300));
    house.shop.one_too_many(&order, &held).await.unwrap();
    assert_eq!(house.money().await, (9_700, 0, 300));
    // The order's own payment is never one too many.
    house.shop.one_too_many(&order, &first).await.unwrap();
    house.shop.sweep().await.unwrap();
    assert_eq!(house.money().await, (9_700, 0, 300));
}

async fn futures_of<T, F: Future<Output = T>>([one, other]: [F; 2]) -> [T; 2] {
    let (one, other) = tokio::join!(one, other);
    [one, other]
}
