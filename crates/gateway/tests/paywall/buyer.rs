//! The buyer of the SDK: one purchase key is paid for once, whatever dies in between (R-A2, R-A6, R-A8).

use crate::house::{House, fen};
use crate::tunnel::Cut;
use crate::upstream::Mood;
use sdk::{NotBought, PaymentOutcome, PurchaseFault};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purchase_is_paid_once_however_often_it_is_made() {
    let house = House::new().await;
    for _ in 0..3 {
        let bought = house.buyer().fetch(&house.fetch("/search?q=tea", "row-7")).await.unwrap();
        let answer = bought.answer.unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (200, &b"{\"call\":1}"[..]));
        assert!(
            matches!(bought.payment, PaymentOutcome::Held(_) | PaymentOutcome::Paid(_)),
            "{:?}",
            bought.payment
        );
        house.settled().await;
    }
    assert_eq!((house.upstream.calls(), house.money().await), (1, (97, 0, 3)));
    let other = house.buyer().fetch(&house.fetch("/search?q=milk", "row-7")).await;
    assert!(matches!(other, Err(NotBought::Purchase(PurchaseFault::KeyReused(_)))), "{other:?}");
    house.buyer().fetch(&house.fetch("/search?q=tea", "row-8")).await.unwrap();
    house.settled().await;
    assert_eq!((house.upstream.calls(), house.money().await), (2, (94, 0, 6)));
}

// The server held the money, and the buyer never heard of it: asking again is not paying again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_gets_lost_is_asked_for_under_the_same_name() {
    let house = House::new().await;
    for (cut, answered) in [(Cut::Before, Some(402)), (Cut::After, None)] {
        house.tunnel.cut(cut, "/v1/a402/pay");
        let unknown = house.buyer().fetch(&house.fetch("/search", "one")).await.unwrap();
        assert!(matches!(unknown.payment, PaymentOutcome::Unknown(..)), "{unknown:?}");
        assert_eq!(
            unknown.answer.map(|answer| answer.status),
            answered,
            "the seller is asked for one bill only"
        );
    }
    assert_eq!(house.money().await, (97, 3, 0));
    house.tunnel.heal();
    let mut poorer = house.fetch("/search", "one");
    poorer.price_max = fen(1);
    let unknown = house.buyer().fetch(&poorer).await.unwrap();
    assert!(matches!(unknown.payment, PaymentOutcome::Unknown(..)), "it was paid, whatever it may cost now");
    let bought = house.buyer().fetch(&house.fetch("/search", "one")).await.unwrap();
    assert_eq!(bought.answer.unwrap().status, 200);
    house.settled().await;
    assert_eq!((house.upstream.calls(), house.money().await), (1, (97, 0, 3)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_not_delivered_is_given_back_and_bought_anew() {
    let house = House::new().await;
    house.upstream.be(Mood::Status(500));
    let failed = house.buyer().fetch(&house.fetch("/search", "one")).await.unwrap();
    assert!(matches!(failed.payment, PaymentOutcome::Returned(_)), "{failed:?}");
    assert_eq!(failed.answer.unwrap().status, 502);
    assert_eq!(house.money().await, (100, 0, 0));
    house.upstream.be(Mood::Well);
    let bought = house.buyer().fetch(&house.fetch("/search", "one")).await.unwrap();
    assert_eq!(bought.answer.unwrap().status, 200);
    house.settled().await;
    assert_eq!(house.money().await, (97, 0, 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_buyer_keeps_to_its_price_and_its_owner_s_limits() {
    let house = House::new().await;
    let mut dear = house.fetch("/search", "dear");
    dear.price_max = fen(2);
    let no = house.buyer().fetch(&dear).await;
    assert!(matches!(no, Err(NotBought::TooDear { .. })), "{no:?}");
    let mut render = house.fetch("/render", "render");
    render.method = "POST".to_owned();
    render.body = b"{}".to_vec();
    render.headers.insert("content-type", "application/json".parse().unwrap());
    render.price_max = fen(20);
    let bought = house.buyer().fetch(&render).await.unwrap();
    assert_eq!(bought.answer.unwrap().status, 200);
    house.settled().await;
    for n in 0..3 {
        render.purchase = format!("render-{n}");
        house.buyer().fetch(&render).await.unwrap();
    }
    house.settled().await;
    assert_eq!(house.money().await, (20, 0, 80));
    render.purchase = "render-4".to_owned();
    house.buyer().fetch(&render).await.unwrap();
    render.purchase = "render-5".to_owned();
    let poor = house.buyer().fetch(&render).await.unwrap();
    assert!(
        matches!(&poor.payment, PaymentOutcome::Refused(problem) if problem.code == "funds_insufficient"),
        "{poor:?}"
    );
    assert_eq!(poor.answer.unwrap().status, 402);
    house.settled().await;
    assert_eq!(house.money().await, (0, 0, 100));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_buyers_of_one_purchase_pay_once() {
    let house = House::new().await;
    let fetch = house.fetch("/search", "both");
    let (one, other) = (house.buyer(), house.buyer());
    let both = futures_util::future::join(one.fetch(&fetch), other.fetch(&fetch)).await;
    let busy = [both.0, both.1]
        .into_iter()
        .filter(|it| matches!(it, Err(NotBought::Purchase(PurchaseFault::InProgress(_)))));
    assert!(busy.count() <= 1);
    house.settled().await;
    assert_eq!((house.upstream.calls(), house.money().await), (1, (97, 0, 3)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_costs_nothing_is_fetched_without_paying() {
    let house = House::new().await;
    let free = house.buyer().fetch(&house.fetch("/about", "about")).await.unwrap();
    assert!(matches!(free.payment, PaymentOutcome::NotNeeded));
    assert_eq!((free.answer.unwrap().status, house.money().await), (200, (100, 0, 0)));
}
