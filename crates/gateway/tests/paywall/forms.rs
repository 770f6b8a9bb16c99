//! The three forms of the price, and every way of coming to it: each either debits, or is refused, or is free by rule (R-B8).

use crate::house::{House, Options};
use crate::upstream::Mood;
use axum::extract::Request;
use axum::middleware::map_request;
use gateway::{Layer, Peer};
use protocols::a402::headers::PAYMENT_PROOF;
use reqwest::Response;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

#[path = "../../examples/axum.rs"]
mod example;

const SECRET: &str = "front-secret-of-at-least-32-characters";

/// How a request comes to the price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Proxy,
    Layer,
    Front,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// It was answered, and paid for.
    Debits,
    /// It was answered with what was paid for before.
    Repeats,
    /// It was answered for nothing, by a rule.
    Free,
    /// It got a bill.
    Billed,
    /// It got neither.
    Refused,
}

struct Shop {
    house: House,
    form: Form,
    /// Deliveries of the app behind the layer.
    calls: Arc<AtomicUsize>,
}

impl Shop {
    async fn open(form: Form) -> Shop {
        let options = Options {
            seller: "front_secret_file = \"front.secret\"\nheader_aliases = true\n".to_owned(),
            ..Options::default()
        };
        let mut house = House::unopened(options).await;
        std::fs::write(house.directory.join("front.secret"), format!("{SECRET}\n")).unwrap();
        let calls = Arc::new(AtomicUsize::new(0));
        if form == Form::Layer {
            let gateway = house.gateway_without_upstream();
            let counted = Arc::clone(&calls);
            let app = axum::Router::new().fallback(async move || {
                counted.fetch_add(1, Ordering::SeqCst);
                ([("x-rows", "5")], "from the app\n")
            });
            let app =
                app.layer(Layer::new(gateway.clone())).layer(map_request(async |mut request: Request| {
                    request.extensions_mut().insert(Peer([127, 0, 0, 1].into()));
                    request
                }));
            house.serve_app(app, gateway).await;
        } else {
            house.open_shop().await;
            house.upstream.be(Mood::Says("X-Rows: 5\r\n", "from upstream".to_owned()));
        }
        Shop { house, form, calls }
    }

    fn calls(&self) -> usize {
        self.house.upstream.calls() + self.calls.load(Ordering::SeqCst)
    }

    /// Sends a request as its form does. Answers the status, and the name of a delivery that is to be confirmed.
    async fn send(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        let url = match self.form {
            Form::Proxy | Form::Layer => format!("{}{path}", self.house.url),
            Form::Front => format!("{}/.tollbridge/check", self.house.url),
        };
        let mut request = self.house.http.get(url);
        if self.form == Form::Front {
            request = request.header("tollbridge-front", SECRET);
            request = request.header("x-original-method", "GET").header("x-original-uri", path);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    }

    async fn post(&self, page: &str, secret: &str) -> u16 {
        let url = format!("{}/.tollbridge/{page}", self.house.url);
        let request = self.house.http.post(url).header("tollbridge-front", secret);
        request.send().await.unwrap().status().as_u16()
    }

    async fn proof(&self, path: &str, coupon: Option<&str>) -> String {
        let headers: Vec<(&str, &str)> = coupon.iter().map(|code| ("tollbridge-coupon", *code)).collect();
        let bill = self.send(path, &headers).await;
        assert_eq!(bill.status(), 402, "{path}");
        let reply = crate::house::Reply { status: 402, headers: bill.headers().clone(), body: String::new() };
        self.house.pay(&reply).await.payment_proof
    }

    /// Sends, and finds out what became of it by what was delivered and what was paid: the status alone proves nothing.
    async fn outcome(&self, path: &str, headers: &[(&str, &str)]) -> Outcome {
        let (calls, paid) = (self.calls(), self.house.money().await.2);
        let answer = self.send(path, headers).await;
        let (status, has_bill) = (answer.status().as_u16(), answer.headers().contains_key("payment-needed"));
        let delivery = answer.headers().get("tollbridge-delivery").map(|id| id.to_str().unwrap().to_owned());
        let _read = answer.bytes().await.unwrap();
        let mut calls = self.calls() - calls;
        if self.form == Form::Front {
            calls = usize::from(status == 200);
            if let Some(id) = delivery {
                assert_eq!(self.post(&format!("deliveries/{id}/confirm?units=5"), SECRET).await, 200);
            }
        }
        self.house.settled().await;
        let paid = self.house.money().await.2 - paid;
        match (status, calls, paid, has_bill) {
            (200, 1, 1.., false) => Outcome::Debits,
            (200, 0, 0, false) => Outcome::Repeats,
            (200, 1, 0, false) => Outcome::Free,
            (402, 0, 0, true) => Outcome::Billed,
            (400..=499, 0, 0, false) => Outcome::Refused,
            other => panic!("{:?} {path} {headers:?}: {other:?}", self.form),
        }
    }
}

/// How a request shows that it was paid for.
const CREDENTIALS: &[&str] = &[
    "none",
    "garbled",
    "another's",
    "foreign",
    "twice",
    "proof",
    "replayed",
    "alias",
    "coupon",
    "coupon's proof",
    "other route's proof",
    // The last, since it puts the clock forward, and another day has other free calls.
    "expired",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_and_credential_form_debits_or_is_refused_or_is_free_by_rule() {
    use Outcome::{Billed, Debits, Free, Refused, Repeats};
    for form in [Form::Proxy, Form::Layer, Form::Front] {
        // A front has the answer; so a proof opens the door once, and is refused then.
        let again = if form == Form::Front { Billed } else { Repeats };
        for (path, rule) in [
            ("/search", "priced"),
            ("/flow", "priced"),
            ("/kept", "priced"),
            ("/rows", "priced"),
            ("/quota", "free at first"),
            ("/trial", "free at first"),
            ("/about", "free"),
            ("/elsewhere", "not sold"),
            ("/a;b", "not sold"),
        ] {
            let shop = Shop::open(form).await;
            if rule == "free at first" {
                for _ in 0..(if path == "/quota" { 3 } else { 2 }) {
                    assert_eq!(shop.outcome(path, &[]).await, Free, "{form:?} {path}");
                }
            }
            for credential in CREDENTIALS {
                let proof = match (rule, *credential) {
                    ("free" | "not sold", _) | (_, "other route's proof") => {
                        shop.proof("/cheap/7", None).await
                    }
                    (_, "expired") => shop.proof(path, None).await,
                    (_, "coupon's proof") => shop.proof(path, Some("ONCE")).await,
                    (_, "proof" | "replayed" | "alias" | "twice") => shop.proof(path, None).await,
                    (_, _) => String::new(),
                };
                let headers: Vec<(&str, &str)> = match *credential {
                    "none" => vec![],
                    "garbled" => vec![(PAYMENT_PROOF, "e30")],
                    "another's" => vec![(PAYMENT_PROOF, "eyJtZXRob2QiOnt9fQ")],
                    "foreign" => vec![("x-payment", "x")],
                    "twice" => vec![(PAYMENT_PROOF, &proof), (PAYMENT_PROOF, &proof)],
                    "alias" => vec![("payment-signature", &proof)],
                    "coupon" => vec![("tollbridge-coupon", "ONCE")],
                    _ => vec![(PAYMENT_PROOF, &proof)],
                };
                if *credential == "expired" {
                    shop.house
                        .operator
                        .advance_clock(&wire::account::Advance { seconds: 601 })
                        .await
                        .unwrap();
                }
                if *credential == "replayed" && rule != "free" && rule != "not sold" {
                    assert_eq!(shop.outcome(path, &headers).await, Debits, "{form:?} {path} {credential}");
                }
                let expected = match (rule, *credential) {
                    ("free", _) => Free,
                    ("not sold", _) => Refused,
                    (_, "twice") => Refused,
                    (_, "proof" | "alias" | "coupon's proof") => Debits,
                    (_, "replayed") => again,
                    (_, _) => Billed,
                };
                assert_eq!(shop.outcome(path, &headers).await, expected, "{form:?} {path} {credential}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_example_of_the_layer_sells() {
    let mut house = House::unopened(Options::default()).await;
    let gateway = house.gateway_without_upstream();
    house.serve_app(example::app(gateway.clone()), gateway).await;
    house.get("/search").await.code(402, "payment_required");
    assert_eq!(house.get("/about").await.body, "about this shop\n");
    let bought = house.buyer().fetch(&house.fetch("/search", "one")).await.unwrap();
    assert_eq!(bought.answer.unwrap().body, b"what was searched for\n");
    house.settled().await;
    assert_eq!(house.money().await, (97, 0, 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_front_says_how_a_delivery_ended_once_and_silence_gives_the_money_back() {
    let shop = Shop::open(Form::Front).await;
    let begin = async |path: &str| {
        let proof = shop.proof(path, None).await;
        let answer = shop.send(path, &[(PAYMENT_PROOF, &proof)]).await;
        assert_eq!(answer.status(), 200);
        let id = answer.headers()["tollbridge-delivery"].to_str().unwrap().to_owned();
        let copy = shop.send(path, &[(PAYMENT_PROOF, &proof)]).await;
        assert_eq!(copy.status(), 402, "the door is open once");
        id
    };
    // What it says, and again, and otherwise.
    let id = begin("/search").await;
    assert_eq!(shop.post(&format!("deliveries/{id}/confirm"), "wrong").await, 403);
    assert_eq!(shop.house.money().await, (97, 3, 0));
    for (ending, status) in [("confirm", 200), ("confirm", 200), ("void", 409)] {
        assert_eq!(shop.post(&format!("deliveries/{id}/{ending}"), SECRET).await, status, "{ending}");
    }
    shop.house.settled().await;
    assert_eq!(shop.house.money().await, (97, 0, 3));
    let id = begin("/search?b").await;
    for (ending, status) in [("void", 200), ("void", 200), ("confirm", 409)] {
        assert_eq!(shop.post(&format!("deliveries/{id}/{ending}"), SECRET).await, status, "{ending}");
    }
    shop.house.settled().await;
    assert_eq!(shop.house.money().await, (97, 0, 3));
    // Units that only the front can count; none are the least.
    for (path, said, paid) in [("/rows?1", "?units=4", 4), ("/rows?2", "", 2), ("/rows?3", "?units=x", 2)] {
        let before = shop.house.money().await.2;
        let id = begin(path).await;
        assert_eq!(shop.post(&format!("deliveries/{id}/confirm{said}"), SECRET).await, 200);
        shop.house.settled().await;
        assert_eq!(shop.house.money().await.2 - before, paid, "{path}");
    }
    // Silence, also over the death of the gateway.
    let (wallet, _, seller) = shop.house.money().await;
    let id = begin("/search?c").await;
    let mut shop = shop;
    shop.house.kill_shop().await;
    shop.house.open_shop().await;
    shop.house.operator.advance_clock(&wire::account::Advance { seconds: 601 }).await.unwrap();
    while shop.house.money().await.1 != 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(shop.house.money().await, (wallet, 0, seller));
    assert_eq!(shop.post(&format!("deliveries/{id}/confirm"), SECRET).await, 409);
    assert_eq!(shop.post("deliveries/hld_7ZZZZZZZZZZZZZZZZZZZZZZZZZ/confirm", SECRET).await, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_front_is_told_in_words_that_nginx_has_and_strangers_are_told_nothing() {
    let shop = Shop::open(Form::Front).await;
    let ask = async |secret: &str, method: &str, uri: &str, more: &[(&str, &str)]| {
        let url = format!("{}/.tollbridge/check?for=nginx", shop.house.url);
        let mut request = shop.house.http.get(url).header("tollbridge-front", secret);
        request = request.header("x-original-method", method).header("x-original-uri", uri);
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.unwrap();
        let real =
            answer.headers().get("tollbridge-status").map(|status| status.to_str().unwrap().to_owned());
        (answer.status().as_u16(), real, answer.headers().contains_key("payment-needed"))
    };
    for (secret, method, uri, status, real, has_bill) in [
        (SECRET, "GET", "/search", 401, Some("402"), true),
        (SECRET, "HEAD", "/search", 401, Some("402"), true),
        (SECRET, "POST", "/search", 403, Some("405"), false),
        (SECRET, "GET", "/elsewhere", 403, Some("404"), false),
        (SECRET, "GET", "/a%2fb", 403, Some("400"), false),
        (SECRET, "GET", "/about", 200, None, false),
        ("", "GET", "/about", 403, None, false),
        ("front-secret-of-at-least-32-character", "GET", "/about", 403, None, false),
    ] {
        let real = real.map(str::to_owned);
        assert_eq!(ask(secret, method, uri, &[]).await, (status, real, has_bill), "{method} {uri}");
    }
    let house = House::new().await;
    house.get("/.tollbridge/check").await.code(404, "not_sold");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_voucher_debits_in_every_form_that_can_keep_its_answer() {
    const TICK: u128 = 100_000_000;
    for (form, status, owed, offers) in
        [(Form::Proxy, 200, TICK, true), (Form::Layer, 200, TICK, true), (Form::Front, 402, 0, false)]
    {
        let shop = Shop::open(form).await;
        let bill = shop.send("/tick", &[]).await;
        let bill = crate::house::Reply { status: 402, headers: bill.headers().clone(), body: String::new() };
        assert_eq!(bill.needed().method.members().contains_key("vouchers"), offers, "{form:?}");
        let channel = shop.house.channel(1).await;
        let voucher = channel.voucher(TICK);
        for _ in 0..2 {
            let answer = shop.send("/tick", &[("tollbridge-voucher", &voucher)]).await;
            assert_eq!(answer.status().as_u16(), status, "{form:?}");
        }
        shop.house.settled().await;
        let claimed = shop.house.seller.channel(channel.id).await.unwrap().claimed_nanos;
        assert_eq!((shop.calls(), claimed), (usize::from(offers), owed.to_string()), "{form:?}");
    }
}

#[tokio::test]
async fn what_is_sold_is_published_where_the_seller_wants_that() {
    let silent = House::new().await;
    assert_eq!(silent.get("/openapi.json").await.status, 404);
    let options = Options { seller: "discovery = true".to_owned(), ..Options::default() };
    let house = House::with(options).await;
    let published = house.get("/openapi.json").await;
    assert_eq!((published.status, house.upstream.calls()), (200, 0));
    let document: Value = serde_json::from_str(&published.body).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let offer = |path: &str, method: &str| {
        let operation = &document["paths"][path][method];
        assert!(operation["responses"]["402"].is_object(), "{path}");
        operation["x-payment-info"]["offers"][0].clone()
    };
    // What is published is what is asked.
    for (path, method, target) in
        [("/search", "get", "/search"), ("/cheap/{id}", "get", "/cheap/7"), ("/render", "post", "/render")]
    {
        let bill =
            house.send(&method.to_uppercase(), target, &[("content-type", "application/json")], "{}").await;
        let challenge = crate::mpp::challenge(&bill);
        let request = crate::mpp::request(&challenge);
        assert_eq!(
            (&offer(path, method)["amount"], &offer(path, method)["currency"]),
            (&request["amount"], &request["currency"]),
            "{path}"
        );
    }
    assert_eq!(offer("/pages", "get")["amount"], Value::Null, "it depends on the answer");
}
