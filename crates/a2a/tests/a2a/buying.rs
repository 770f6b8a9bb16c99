//! Agents that buy of agents: within a price, once for each purchase key, of whom they know.

use crate::market::{Market, fen};
use a2a::customer::{Called, NotCalled, Order, Seen, call, shown, task};
use axum::body::Body;
use protocols::a2a::{Part, State};
use sdk::{NotBought, PaymentOutcome};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::net::TcpListener;

fn order(market: &Market, skill: &str, purchase: &str, price_max: u128) -> Order {
    Order {
        at: market.url.parse().expect("an address"),
        skill: Some(skill.to_owned()),
        parts: vec![Part::text("bridges")],
        purchase: purchase.to_owned(),
        price_max: fen(price_max),
        why: None,
    }
}

async fn buy(market: &Market, order: Order) -> Result<Called, NotCalled> {
    call(market.buyer(), &market.client(), &market.memory(), order).await
}

fn words(called: &Called) -> Vec<String> {
    shown(&task(&called.purchase).expect("a task"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_skill_is_bought_once_for_each_purchase_key_within_its_price() {
    let market = Market::new().await;
    let before = market.settled().await;
    let dear = buy(&market, order(&market, "find", "dear", 2)).await;
    assert!(matches!(dear, Err(NotCalled::NotBought(NotBought::TooDear { .. }))), "{dear:?}");
    assert_eq!(market.settled().await, before);
    let mut holds = Vec::new();
    for _ in 0..3 {
        let called = buy(&market, order(&market, "find", "one", 3)).await.expect("it is bought");
        assert_eq!((called.card, called.agent.as_str()), (Seen::Signed, "Bridges"));
        assert_eq!(words(&called), ["found bridges"]);
        match called.purchase.payment {
            PaymentOutcome::Held(hold) | PaymentOutcome::Paid(hold) => holds.push(hold),
            other => panic!("{other:?}"),
        }
    }
    holds.dedup();
    assert_eq!((holds.len(), market.asked("/search").len()), (1, 1));
    assert_eq!(market.settled().await, (before.0 - 3, 0, 3));
    // Another purchase of the same is another.
    let called = buy(&market, order(&market, "find", "two", 3)).await.expect("it is bought");
    assert_eq!(words(&called), ["found bridges"]);
    assert_eq!(market.settled().await, (before.0 - 6, 0, 6));
    let free = buy(&market, order(&market, "ping", "free", 0)).await.expect("it is done");
    assert!(matches!(free.purchase.payment, PaymentOutcome::NotNeeded), "{free:?}");
    let unknown = buy(&market, order(&market, "other", "other", 50)).await;
    assert!(matches!(unknown, Err(NotCalled::NoSkill(_))), "{unknown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_done_is_bought_anew_when_it_is_wanted_again() {
    let market = Market::new().await;
    let before = market.settled().await;
    for times in 1..=3 {
        let called = buy(&market, order(&market, "refuse", "one", 50)).await.expect("it is tried");
        assert!(matches!(called.purchase.payment, PaymentOutcome::Returned(_)), "{called:?}");
        assert_eq!(task(&called.purchase).expect("a task").status.state, State::Rejected);
        assert_eq!((market.asked("/skills/refuse").len(), market.settled().await), (times, before));
    }
}

/// A stranger between the two, who changes what passes when told to.
async fn between(market: &Market, change: Arc<AtomicBool>) -> String {
    let place = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", place.local_addr().expect("it is bound"));
    let (there, here) = (market.url.clone(), url.clone());
    let http = reqwest::Client::new();
    let pass = move |request: axum::extract::Request| {
        let (there, here, http, change) = (there.clone(), here.clone(), http.clone(), Arc::clone(&change));
        async move {
            let (parts, body) = request.into_parts();
            let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
            let body = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
            let mut headers = parts.headers;
            headers.remove("host");
            let answer = http.request(parts.method, format!("{there}{target}")).headers(headers).body(body);
            let text = answer.send().await.expect("an answer").text().await.expect("text");
            let changed = change.load(Ordering::SeqCst);
            Body::from(if changed {
                text.replace("Finds bridges.", "Finds tolls.").replace(&there, &here)
            } else {
                text
            })
        }
    };
    tokio::spawn(
        async move { axum::serve(place, axum::Router::new().fallback(pass)).await.expect("it serves") },
    );
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_was_changed_or_leads_elsewhere_is_not_taken() {
    let market = Market::new().await;
    let before = market.settled().await;
    let change = Arc::new(AtomicBool::new(true));
    let at = between(&market, Arc::clone(&change)).await;
    let through =
        |purchase: &str| Order { at: at.parse().expect("an address"), ..order(&market, "find", purchase, 3) };
    let changed = buy(&market, through("one")).await;
    assert!(matches!(&changed, Err(NotCalled::Card(why)) if why.contains("changed")), "{changed:?}");
    change.store(false, Ordering::SeqCst);
    let elsewhere = buy(&market, through("two")).await;
    assert!(
        matches!(&elsewhere, Err(NotCalled::Agent(why)) if why.contains("another host")),
        "{elsewhere:?}"
    );
    assert_eq!(market.settled().await, before);
}
