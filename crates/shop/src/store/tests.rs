//! Tests of the store: stock under parallel confirmations, endings, and what survives.

use super::*;
use crate::cart::{Wanted, WantedLine};
use crate::catalogue::Catalogue;
use crate::surplus::store::Surplus;
use std::path::PathBuf;

const NOW: Time = Time(1_000_000_000_000);

fn directory() -> PathBuf {
    let path = std::env::temp_dir().join(format!("tollbridge-shop-{:032x}", rand::random::<u128>()));
    std::fs::create_dir(&path).unwrap();
    path
}

fn cart(quantity: u32) -> Cart {
    let text =
        "[[item]]\nid = \"tea\"\nname = \"Tea\"\ncategory = \"drink\"\nprice = \"1.00\"\nasset = \"CNY/2\"\n";
    let catalogue = Catalogue::parse(text, "CNY/2".parse().unwrap()).unwrap();
    let line = WantedLine { item: "tea".to_owned(), quantity, options: BTreeMap::new() };
    Cart::price(&Wanted { lines: vec![line], ..Wanted::default() }, &catalogue, NOW).unwrap()
}

fn lock(name: &str, number: u128, quantity: u32, stock: u64) -> Lock {
    Lock {
        name: name.to_owned(),
        cart: cart(quantity),
        number: OrderId(number),
        confirmed_at: NOW,
        lock_until: NOW.after(60_000_000_000),
        fulfil_by: None,
        links: Links::default(),
        snapshot_hash: Fingerprint::parse(format!("sha-256:{}", "A".repeat(43))).unwrap(),
        stock: BTreeMap::from([("tea".to_owned(), stock)]),
    }
}

fn change(number: u128, event: Event, unless: Owed) -> Change {
    Change { number: OrderId(number), event, owed: Owed::Nothing, unless, act: RequestId(7), reason: None }
}

async fn taken(store: &Store) -> u64 {
    store.taken().await.unwrap().get("tea").copied().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn stock_is_never_oversold_by_parallel_confirmations() {
    let path = directory();
    let store = Store::open(&path).unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for each in 0..40_u128 {
        let store = store.clone();
        tasks.spawn(async move {
            let name = format!("cart {each}");
            store.put(name.clone(), format!("buyer {each}"), cart(3), NOW).await.unwrap();
            store.lock(lock(&name, each, 3, 20)).await.unwrap()
        });
    }
    let outcomes = tasks.join_all().await;
    let locked = outcomes.iter().filter(|outcome| matches!(outcome, Locked::Order(_))).count();
    let short = Locked::Short(BTreeMap::from([("tea".to_owned(), 2)]));
    assert_eq!((locked, outcomes.iter().filter(|outcome| **outcome == short).count()), (6, 34));
    assert_eq!(taken(&store).await, 18);
    std::fs::remove_dir_all(path).unwrap();
}

#[tokio::test]
async fn stock_comes_back_once_when_a_lock_ends() {
    let path = directory();
    let store = Store::open(&path).unwrap();
    for (number, name, events, left_taken) in [
        (1, "expired", vec![Event::Expire, Event::Expire, Event::Cancel], 0),
        (2, "cancelled", vec![Event::Cancel, Event::Expire, Event::Cancel], 0),
        (3, "paid and cancelled", vec![Event::Pay, Event::Cancel, Event::Cancel], 0),
        (4, "fulfilled", vec![Event::Pay, Event::Fulfil, Event::Cancel, Event::Expire], 2),
    ] {
        store.put(name.to_owned(), "buyer".to_owned(), cart(2), NOW).await.unwrap();
        assert!(matches!(store.lock(lock(name, number, 2, 4)).await.unwrap(), Locked::Order(_)), "{name}");
        assert_eq!(taken(&store).await, 2, "{name}");
        for event in events {
            store.step(change(number, event, Owed::Capture)).await.unwrap();
        }
        assert_eq!(taken(&store).await, left_taken, "{name}");
    }
    std::fs::remove_dir_all(path).unwrap();
}

#[tokio::test]
async fn a_second_lock_of_a_cart_answers_the_first_order_and_takes_nothing() {
    let path = directory();
    let store = Store::open(&path).unwrap();
    store.put("a".to_owned(), "buyer".to_owned(), cart(2), NOW).await.unwrap();
    let first = store.lock(lock("a", 1, 2, 10)).await.unwrap();
    let second = store.lock(lock("a", 2, 2, 10)).await.unwrap();
    assert_eq!(first, second);
    assert_eq!(taken(&store).await, 2);
    // An order is not changed any more, and nobody else's cart is.
    let put = store.put("a".to_owned(), "buyer".to_owned(), cart(1), NOW).await.unwrap();
    assert!(matches!(put, Put::NotOpen(_)));
    let put = store.put("a".to_owned(), "another".to_owned(), cart(1), NOW).await.unwrap();
    assert_eq!(put, Put::Foreign);
    // A cart that was changed after it was priced is not locked.
    store.put("b".to_owned(), "buyer".to_owned(), cart(1), NOW).await.unwrap();
    assert_eq!(store.lock(lock("b", 3, 2, 10)).await.unwrap(), Locked::Changed);
    assert_eq!(taken(&store).await, 2);
    std::fs::remove_dir_all(path).unwrap();
}

#[tokio::test]
async fn an_order_is_paid_once_and_a_late_payment_is_owed_back() {
    let path = directory();
    let store = Store::open(&path).unwrap();
    for (number, name) in [(1, "a"), (2, "b")] {
        store.put(name.to_owned(), "buyer".to_owned(), cart(1), NOW).await.unwrap();
        store.lock(lock(name, number, 1, 10)).await.unwrap();
    }
    let pay = |number: u128, trade: &str| {
        store.pay(OrderId(number), trade.to_owned(), RequestId(9), Paid::ByNumber)
    };
    let order = pay(1, "pay_1").await.unwrap().unwrap();
    assert_eq!((order.stage, order.owed), (Stage::Paid, Owed::Nothing));
    let again = pay(1, "pay_2").await.unwrap().unwrap();
    assert_eq!(again.trade_no.as_deref(), Some("pay_1"));
    // One payment is no two orders'.
    assert!(pay(2, "pay_1").await.is_err());
    store.step(change(2, Event::Expire, Owed::Capture)).await.unwrap();
    let late = pay(2, "pay_3").await.unwrap().unwrap();
    assert_eq!((late.stage, late.owed), (Stage::Expired, Owed::Refund));
    assert_eq!(taken(&store).await, 1);
    std::fs::remove_dir_all(path).unwrap();
}

#[tokio::test]
async fn an_order_that_is_paid_aside_is_looked_at_twice_and_a_surplus_is_owed_until_it_went_back() {
    let path = directory();
    let store = Store::open(&path).unwrap();
    for (number, name) in [(1, "a"), (2, "b")] {
        store.put(name.to_owned(), "buyer".to_owned(), cart(1), NOW).await.unwrap();
        store.lock(lock(name, number, 1, 10)).await.unwrap();
    }
    store.pay(OrderId(1), "hld_1".to_owned(), RequestId(9), Paid::Aside).await.unwrap();
    store.pay(OrderId(2), "pay_2".to_owned(), RequestId(9), Paid::ByNumber).await.unwrap();
    // At once, and when the lock is over with a margin; then no more.
    let watched = |at: Time| store.watched(at, 10);
    assert_eq!(watched(NOW).await.unwrap(), [OrderId(1)]);
    store.looked(OrderId(1), NOW).await.unwrap();
    assert_eq!(watched(NOW.after(119_999_999_999)).await.unwrap(), []);
    let over = NOW.after(120_000_000_000);
    assert_eq!(watched(over).await.unwrap(), [OrderId(1)]);
    store.looked(OrderId(1), over).await.unwrap();
    assert_eq!(watched(Time(u64::MAX)).await.unwrap(), []);
    // Noted twice it keeps its first name, and the payment of another order is not given back.
    let note = |trade: &str, act: u128| {
        let surplus = Surplus { trade_no: trade.to_owned(), number: OrderId(1), act: RequestId(act) };
        store.note_surplus(surplus)
    };
    for (trade, act) in [("pay_9", 20), ("pay_9", 21), ("pay_2", 22), ("hld_1", 23)] {
        note(trade, act).await.unwrap();
    }
    let owed = store.surplus(10).await.unwrap();
    assert_eq!(owed, [Surplus { trade_no: "pay_9".to_owned(), number: OrderId(1), act: RequestId(20) }]);
    store.gave_back("pay_9".to_owned()).await.unwrap();
    note("pay_9", 24).await.unwrap();
    assert_eq!(store.surplus(10).await.unwrap(), []);
    std::fs::remove_dir_all(path).unwrap();
}

#[tokio::test]
async fn a_shop_of_before_is_opened_with_what_it_has() {
    let path = directory();
    let store = Store::open(&path).unwrap();
    store.put("a".to_owned(), "buyer".to_owned(), cart(1), NOW).await.unwrap();
    drop(store);
    // The writer's thread lets go of the file a moment later.
    drop(Store::open(&path).unwrap());
    let file = Connection::open(path.join("shop.sqlite")).unwrap();
    file.execute_batch("DROP TABLE watched; DROP TABLE surplus; PRAGMA user_version = 1;").unwrap();
    drop(file);
    let store = Store::open(&path).unwrap();
    assert!(store.cart("a".to_owned()).await.unwrap().is_some());
    assert_eq!(store.surplus(10).await.unwrap(), []);
    std::fs::remove_dir_all(path).unwrap();
}

#[tokio::test]
async fn what_is_being_captured_is_not_cancelled() {
    let path = directory();
    let store = Store::open(&path).unwrap();
    store.put("a".to_owned(), "buyer".to_owned(), cart(1), NOW).await.unwrap();
    store.lock(lock("a", 1, 1, 10)).await.unwrap();
    store.pay(OrderId(1), "hld_1".to_owned(), RequestId(9), Paid::ByNumber).await.unwrap();
    store.owe(OrderId(1), Stage::Paid, Owed::Capture, RequestId(10)).await.unwrap();
    assert!(!store.step(change(1, Event::Cancel, Owed::Capture)).await.unwrap());
    assert!(store.step(change(1, Event::Fulfil, Owed::Refund)).await.unwrap());
    std::fs::remove_dir_all(path).unwrap();
}

#[tokio::test]
async fn one_buyer_has_at_most_so_many_carts() {
    let path = directory();
    let store = Store::open(&path).unwrap();
    for each in 0..CART_COUNT_MAX {
        let put = store.put(format!("cart {each}"), "buyer".to_owned(), cart(1), NOW).await.unwrap();
        assert_eq!(put, Put::Done);
    }
    let put = |name: &str, buyer: &str| store.put(name.to_owned(), buyer.to_owned(), cart(2), NOW);
    assert_eq!(put("one more", "buyer").await.unwrap(), Put::TooMany);
    assert_eq!(put("cart 0", "buyer").await.unwrap(), Put::Done);
    assert_eq!(put("one more", "another").await.unwrap(), Put::Done);
    store.forget_open(NOW.after(1)).await.unwrap();
    assert_eq!(put("one more", "buyer").await.unwrap(), Put::Done);
    std::fs::remove_dir_all(path).unwrap();
}

#[tokio::test]
async fn what_was_answered_is_there_when_the_file_is_opened_again() {
    let path = directory();
    let store = Store::open(&path).unwrap();
    store.put("a".to_owned(), "buyer".to_owned(), cart(2), NOW).await.unwrap();
    let Locked::Order(order) = store.lock(lock("a", 1, 2, 10)).await.unwrap() else { panic!("no order") };
    // As after a kill: nobody closes the file in order, the bytes on disk are all there is.
    let copy = directory();
    for name in ["shop.sqlite", "shop.sqlite-wal"] {
        std::fs::copy(path.join(name), copy.join(name)).unwrap();
    }
    let again = Store::open(&copy).unwrap();
    assert_eq!(again.order(OrderId(1)).await.unwrap(), Some(*order));
    assert_eq!(taken(&again).await, 2);
    // And one store has one shop.
    drop(store);
    std::fs::remove_dir_all(path).unwrap();
    std::fs::remove_dir_all(copy).unwrap();
}
