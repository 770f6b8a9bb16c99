//! The stream of decisions: to many at once, each what is theirs, soon, and on from where it broke off.

use crate::house::{House, Tricks};
use http::Method;
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use std::time::{Duration, Instant};

/// How many listen at once.
const LISTENERS: usize = 200;

struct Listener {
    body: hyper::body::Incoming,
    text: String,
}

impl Listener {
    async fn open(house: &House, who: &crate::house::Party, last: Option<u64>) -> Listener {
        let client = Client::builder(TokioExecutor::new()).build_http::<http_body_util::Full<bytes::Bytes>>();
        let headers = last.into_iter().map(|last| ("last-event-id", last.to_string())).collect();
        let tricks = Tricks { headers, ..Tricks::default() };
        let request = house.signed(who, Method::GET, "/v1/decisions/stream", None, tricks);
        let response = client.request(request).await.unwrap();
        assert_eq!(response.status(), 200);
        Listener { body: response.into_body(), text: String::new() }
    }

    /// The next event: its place, and the entry.
    async fn next(&mut self) -> (u64, Value) {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let of =
                    |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
                let found = of("id: ").zip(of("data: "));
                self.text = rest.to_owned();
                if let Some((id, data)) = found {
                    return (id.parse().unwrap(), serde_json::from_str(&data).unwrap());
                }
                continue;
            }
            let frame =
                tokio::time::timeout(Duration::from_secs(10), self.body.frame()).await.expect("an event");
            let data = frame.unwrap().unwrap().into_data().unwrap();
            self.text.push_str(std::str::from_utf8(&data).unwrap());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_listeners_hear_of_a_payment_within_a_second() {
    let house = House::new().await;
    let mut listeners = Vec::new();
    for _ in 0..LISTENERS {
        listeners.push(Listener::open(&house, &house.owner, None).await);
    }
    let paid = house.post(&house.agent, "/v1/payments", house.payment("5")).await.expect(201);
    let told_at = Instant::now();
    for listener in &mut listeners {
        let (place, entry) = listener.next().await;
        assert_eq!((place, &entry["id"]), (paid["entry"].as_u64().unwrap(), &paid["id"]));
    }
    assert!(told_at.elapsed() < Duration::from_secs(1), "{:?}", told_at.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_goes_on_behind_the_last_event_and_tells_nobody_of_others() {
    let house = House::new().await;
    let mut paid = Vec::new();
    for amount in ["1", "2", "3"] {
        paid.push(house.post(&house.agent, "/v1/payments", house.payment(amount)).await.expect(201));
    }
    let place = |number: usize| paid[number]["entry"].as_u64().unwrap();
    let mut agent = Listener::open(&house, &house.agent, Some(place(0))).await;
    assert_eq!((agent.next().await.0, agent.next().await.0), (place(1), place(2)));

    let (stranger, _) = house.stranger().await;
    let mut stranger = Listener::open(&house, &stranger, Some(place(0))).await;
    let mut seller = Listener::open(&house, &house.seller, Some(place(2))).await;
    house.post(&house.agent, "/v1/payments", house.payment("9000000")).await.expect(403);
    let fourth = house.post(&house.agent, "/v1/payments", house.payment("4")).await.expect(201);
    assert_eq!(seller.next().await.1["id"], fourth["id"], "a seller hears of payments, not of denials");
    // Hers are her own registration and wallet, and nothing of what went on meanwhile.
    let (first, second) = (stranger.next().await.1, stranger.next().await.1);
    assert_eq!((&first["action"], &second["action"]), (&"register_owner".into(), &"open_wallet".into()));
    tokio::time::timeout(Duration::from_millis(300), stranger.next())
        .await
        .expect_err("nothing else is hers");
}
