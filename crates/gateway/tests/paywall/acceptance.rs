//! Acceptance terms: quoted, held, evaluated on both sides, and captured as far as they are met.

use crate::house::{House, Reply};
use crate::upstream::Mood;
use axum::body::{Body, Bytes};
use axum::http::{Request, Response};
use evidence::{SigningKey, base64url};
use pricing::{Amount, EVALUATION_HEADER, Evaluated, QUOTE_HEADER, Quote, Sealed};
use protocols::a402::headers::PAYMENT_NEEDED;
use protocols::a402::{Identifier, MethodLayer, Needed, SellerKey};
use reqwest::header::{HeaderMap, HeaderValue};
use sdk::{Buyer, NotBought, PaymentOutcome, Purchase};
use std::sync::Arc;
use tokio::net::TcpListener;
use url::Url;

/// Two rows or more, and an object, of which the seller loses 60 % and all.
const WHOLE: &str = r#"{"rows":[1,2]}"#;
const HALF: &str = r#"{"rows":[1]}"#;
const NOTHING: &str = r#"[1,2]"#;

fn said(reply: &Reply, name: &str) -> Option<String> {
    let members = reply.validation().method().members().clone();
    members.get(name).map(|value| value.as_str().unwrap().to_owned())
}

fn sealed<T: pricing::Body>(house: &House, header: &str) -> Sealed<T> {
    let known = |id: &str| (id == house.seller_key_id()).then(|| house.seller_signs().public().clone());
    Sealed::of_header(header, known).unwrap_or_else(|fault| panic!("{fault}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_met_is_captured_and_the_rest_goes_back() {
    for (body, charged, met) in [
        (WHOLE, 5, [true, true, true]),
        (HALF, 2, [true, false, true]),
        (NOTHING, 0, [false, false, true]),
        ("no json", 0, [false, false, true]),
    ] {
        let house = House::new().await;
        house.upstream.be(Mood::Says("", body.to_owned()));
        let bill = house.get("/listing").await;
        let needed = bill.needed();
        let quote = sealed::<Quote>(&house, &bill.header(QUOTE_HEADER).expect("a quote"));
        assert_eq!(needed.method.members()["quote"], quote.name());
        assert_eq!(needed.method.members()["capture"], "up_to");
        assert_eq!(quote.body().amount, Amount::new(5).unwrap());
        assert_eq!(quote.body().expires_at, needed.demand.pay_before.time());
        assert_eq!(quote.body().resource, needed.demand.resource_id.as_str());
        assert!(bill.body.contains("at least 2 rows at `/rows`, or 60 % less"), "{}", bill.body);

        let proof = house.pay(&bill).await.payment_proof;
        assert_eq!(house.money().await, (95, 5, 0));
        let answer = house.get_with("/listing", &proof).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, body));
        let evaluated = sealed::<Evaluated>(&house, &answer.header(EVALUATION_HEADER).expect("a word on it"));
        assert_eq!(
            (&evaluated.body().met[..], evaluated.body().owed.as_str()),
            (&met[..], &*charged.to_string())
        );
        assert_eq!(evaluated.body().check(&quote, answer.body.as_bytes()), Ok(()));
        assert_eq!(said(&answer, "charged"), Some(format!("0.{charged:02}")));
        house.settled().await;
        assert_eq!(house.money().await, (100 - charged, 0, charged), "{body}");
        // Whoever asks again gets the same answer, with the same word on it.
        let again = house.get_with("/listing", &proof).await;
        assert_eq!(
            (&again.body, again.header(EVALUATION_HEADER)),
            (&answer.body, answer.header(EVALUATION_HEADER))
        );
        assert_eq!(house.upstream.calls(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_delivered_is_not_evaluated() {
    let house = House::new().await;
    house.upstream.be(Mood::Status(500));
    let proof = house.proof("/listing").await;
    let answer = house.get_with("/listing", &proof).await;
    assert_eq!((answer.status, answer.header(EVALUATION_HEADER)), (502, None));
    house.settled().await;
    assert_eq!(house.money().await, (100, 0, 0));
    assert_eq!(house.get("/search").await.header(QUOTE_HEADER), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_buyer_evaluates_what_it_bought_and_comes_to_the_same() {
    let house = House::new().await;
    let buyer = house.buyer();
    for (purchase, body, owed) in [("one", WHOLE, 5), ("two", HALF, 2), ("three", NOTHING, 0)] {
        house.upstream.be(Mood::Says("", body.to_owned()));
        let bought = buyer.fetch(&house.fetch("/listing", purchase)).await.unwrap();
        let accepted = bought.accepted.expect("it was bought on terms");
        assert_eq!((accepted.ours.owed.minor(), accepted.disagrees), (owed, None));
        // Again, from disk: nothing is paid again, and it comes to the same.
        let again = buyer.fetch(&house.fetch("/listing", purchase)).await.unwrap();
        assert_eq!(again.accepted.map(|it| (it.ours.owed.minor(), it.disagrees)), Some((owed, None)));
    }
    house.settled().await;
    assert_eq!(house.money().await, (93, 0, 7));
    assert!(buyer.fetch(&house.fetch("/search", "plain")).await.unwrap().accepted.is_none());
}

/// Between buyer and gateway, and able to change what is said.
async fn swindled(
    house: &House,
    change: impl Fn(&mut HeaderMap, &mut Bytes) + Send + Sync + 'static,
) -> Buyer {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (http, change) = (reqwest::Client::new(), Arc::new(change));
    let app = axum::Router::new().fallback(move |request: Request<Body>| {
        let (http, change) = (http.clone(), Arc::clone(&change));
        async move {
            let (parts, _) = request.into_parts();
            let asked = http.get(parts.uri.to_string()).headers(parts.headers).send().await.unwrap();
            let (status, mut headers) = (asked.status(), asked.headers().clone());
            let mut body = asked.bytes().await.unwrap();
            change(&mut headers, &mut body);
            headers.remove("content-length");
            let mut answer = Response::new(Body::from(body));
            *answer.status_mut() = status;
            *answer.headers_mut() = headers;
            answer
        }
    });
    tokio::spawn(async move { axum::serve(listener, app).await });
    house.buyer().through(&Url::parse(&url).unwrap()).unwrap()
}

fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    headers.insert(name, HeaderValue::try_from(value).unwrap());
}

async fn refused(house: &House, buyer: Buyer, purchase: &str, code: &str) {
    let why = buyer.fetch(&house.fetch("/listing", purchase)).await.unwrap_err();
    let NotBought::Quote(fault) = &why else { panic!("{why:?}") };
    assert_eq!(fault.code(), code, "{why}");
    assert_eq!(house.money().await, (100, 0, 0), "{code}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quote_that_is_not_the_one_of_the_bill_is_not_paid() {
    let house = House::new().await;
    let taken = swindled(&house, |headers, _| drop(headers.remove(QUOTE_HEADER))).await;
    refused(&house, taken, "taken", "quote_missing").await;

    let altered = swindled(&house, |headers, _| {
        let Some(header) = headers.get(QUOTE_HEADER) else { return };
        let text = String::from_utf8(base64url::decode(header.to_str().unwrap()).unwrap()).unwrap();
        let text = text.replace("600000", "100000");
        set(headers, QUOTE_HEADER, &base64url::encode(text.as_bytes()));
    });
    refused(&house, altered.await, "altered", "quote_signature").await;

    // Signed by the seller, and for another request.
    let other = house.get("/listing?page=2").await.header(QUOTE_HEADER).unwrap();
    let swapped = swindled(&house, move |headers, _| set(headers, QUOTE_HEADER, &other));
    refused(&house, swapped.await, "swapped", "quote_foreign").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quote_for_another_price_than_the_demand_is_not_paid() {
    let house = House::new().await;
    let (id, seed) = (house.seller_key_id(), house.seller_seed());
    let cheaper = swindled(&house, move |headers, _| {
        let Some(header) = headers.get(QUOTE_HEADER) else { return };
        let key = SigningKey::ed25519(&seed);
        let known = |_: &str| Some(key.public().clone());
        let quote = Sealed::<Quote>::of_header(header.to_str().unwrap(), known).unwrap();
        let quote =
            Sealed::sign(Quote { amount: Amount::new(4).unwrap(), ..quote.body().clone() }, &id, &key);
        // The seller means it: its own bill names the quote, and asks for more.
        let needed = Needed::decode(headers[PAYMENT_NEEDED].to_str().unwrap()).unwrap();
        let mut members = needed.method.members().clone();
        members.insert("quote".to_owned(), quote.name().into());
        let seller = SellerKey { signer_id: Identifier::parse(&*id).unwrap(), signing_key: key };
        let needed = needed.demand.sign(MethodLayer::new(members).unwrap(), &seller).unwrap();
        set(headers, PAYMENT_NEEDED, &needed.encode().unwrap());
        set(headers, QUOTE_HEADER, &quote.to_header());
    });
    refused(&house, cheaper.await, "cheaper", "quote_price").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_buyer_says_where_the_seller_comes_to_another_sum() {
    let house = House::new().await;
    house.upstream.be(Mood::Says("", WHOLE.to_owned()));
    let bought = |bought: Purchase| {
        assert!(matches!(bought.payment, PaymentOutcome::Held(_) | PaymentOutcome::Paid(_)), "{bought:?}");
        let accepted = bought.accepted.expect("it was bought on terms");
        (accepted.ours.owed.minor(), accepted.disagrees.expect("the two differ"))
    };
    // What arrives is less than what the seller evaluated.
    let less = swindled(&house, |headers, body| {
        if headers.contains_key(EVALUATION_HEADER) {
            *body = Bytes::from_static(HALF.as_bytes());
        }
    });
    let found = bought(less.await.fetch(&house.fetch("/listing", "less")).await.unwrap());
    assert_eq!(found, (2, "it is about another `body_sha256`".to_owned()));

    let silent = swindled(&house, |headers, _| drop(headers.remove(EVALUATION_HEADER))).await;
    let (owed, why) = bought(silent.fetch(&house.fetch("/listing", "silent")).await.unwrap());
    assert_eq!((owed, why.contains("does not say what it came to")), (5, true), "{why}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sold_on_terms_is_not_sold_where_nobody_could_evaluate_it() {
    let wrong = |lines: &str, why: &str| {
        let text = format!("{}{lines}", crate::config::GOOD);
        let fault = gateway::Config::parse(&text, std::path::Path::new("")).unwrap_err().to_string();
        assert!(fault.contains(why), "{fault}\nexpected {why}");
    };
    let term = "[[price.terms]]\nlatency_ms = 100\nlost_ppm = 1000\n";
    wrong(&format!("stream = true\n{term}"), "cannot be streamed");
    wrong(&format!("by_voucher = \"0.001 CNY\"\n{term}"), "not sold by voucher");
    wrong("[[price.terms]]\nlatency_ms = 100\n", "lost_ppm");
    wrong("[[price.terms]]\nlatency_ms = 0\nlost_ppm = 1\n", "`terms`: term 1: `latency_ms` is from 1");
    wrong("terms = []\n", "there are 1 to 16 terms");
}
