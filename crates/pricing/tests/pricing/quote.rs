//! Quotes and evaluations: signed, good for one thing until a time, and computed again by the buyer.

use crate::shop;
use book::{Amount, Time};
use evidence::SigningKey;
use pricing::{Asked, Delivery, Evaluated, Quote, Sealed, Terms};
use serde_json::{Value, json};

const BODY: &[u8] = br#"{"rows":[1]}"#;

fn terms() -> Terms {
    let texts = json!([
        {"rows": {"at": "/rows", "at_least": 2}, "lost_ppm": 500_000},
        {"latency_ms": 1_000, "lost_ppm": 100_000},
    ]);
    Terms::read(serde_json::from_value(texts).expect("it is a list of terms")).expect("they are terms")
}

fn quote() -> Sealed<Quote> {
    let quote = Quote {
        payee: "pye_seller".to_owned(),
        resource: "GET /rows".to_owned(),
        request: "fingerprint".to_owned(),
        amount: Amount::new(100).expect("it fits"),
        asset: "CNY/2".to_owned(),
        terms: terms(),
        expires_at: at("2026-11-22T09:05:00Z"),
    };
    Sealed::sign(quote, shop::KEY, &shop::key())
}

fn at(text: &str) -> Time {
    let at: jiff::Timestamp = text.parse().expect("it is a time");
    Time(u64::try_from(at.as_nanosecond()).expect("it is after 1970"))
}

#[test]
fn a_quote_counts_for_what_it_says_until_its_time() {
    let quote = quote();
    let asked = Asked {
        name: quote.name(),
        payee: "pye_seller",
        resource: "GET /rows",
        request: "fingerprint",
        amount: Amount::new(100).expect("it fits"),
        asset: "CNY/2",
    };
    let before = at("2026-11-22T09:04:59.999999999Z");
    assert_eq!(Quote::check(&quote, &asked, before), Ok(()));
    let dearer = Amount::new(101).expect("it fits");
    for (asked, now, code) in [
        (Asked { name: "another", ..asked }, before, "quote_foreign"),
        (Asked { payee: "pye_other", ..asked }, before, "quote_foreign"),
        (Asked { resource: "GET /other", ..asked }, before, "quote_foreign"),
        (Asked { request: "other", ..asked }, before, "quote_foreign"),
        (Asked { asset: "USD/2", ..asked }, before, "quote_foreign"),
        (Asked { amount: dearer, ..asked }, before, "quote_price"),
        (asked, at("2026-11-22T09:05:00Z"), "quote_expired"),
    ] {
        let fault = Quote::check(&quote, &asked, now).expect_err("it does not count");
        assert_eq!(fault.code(), code, "{fault}");
    }
}

#[test]
fn a_quote_that_was_altered_is_none() {
    let quote = quote();
    let code = |header: &str| {
        let fault = Sealed::<Quote>::of_header(header, shop::keys).expect_err("it is refused");
        pricing::QuoteFault::from(fault).code()
    };
    let header = quote.to_header();
    let again = Sealed::<Quote>::of_header(&header, shop::keys).expect("it is whole");
    assert_eq!((again.name(), again.body()), (quote.name(), quote.body()));
    let altered = |change: &dyn Fn(&mut Value)| {
        let mut text = quote.to_value();
        change(&mut text);
        evidence::base64url::encode(text.to_string().as_bytes())
    };
    assert_eq!(code(&altered(&|text| text["body"]["amount"] = "90".into())), "quote_signature");
    assert_eq!(code(&altered(&|text| text["body"]["terms"][0]["lost_ppm"] = 1.into())), "quote_signature");
    assert_eq!(code(&altered(&|text| text["key_id"] = "another".into())), "quote_signature");
    assert_eq!(code(&altered(&|text| text["more"] = 1.into())), "quote_malformed");
    assert_eq!(code("%"), "quote_malformed");
    assert_eq!(code(&"A".repeat(8_193)), "quote_malformed");
    let stranger = SigningKey::ed25519(&[8; 32]);
    let forged = Sealed::sign(quote.body().clone(), shop::KEY, &stranger);
    assert_eq!(code(&forged.to_header()), "quote_signature");
}

#[test]
fn what_a_seller_says_a_delivery_came_to_is_computed_again() {
    let quote = quote();
    let delivery = Delivery {
        body: BODY,
        paid_at: at("2026-11-22T09:00:00Z"),
        asked_at: at("2026-11-22T09:00:01Z"),
        answered_at: at("2026-11-22T09:00:02Z"),
    };
    let said = Evaluated::of(quote.body(), quote.name(), "hld_trade", &delivery);
    assert_eq!((&said.met[..], said.owed.as_str()), (&[false, true][..], "50"));
    let sealed = Sealed::sign(said.clone(), shop::KEY, &shop::key());
    let opened = Sealed::<Evaluated>::of_header(&sealed.to_header(), shop::keys).expect("it is whole");
    assert_eq!(opened.body(), &said);
    assert_eq!(said.check(&quote, BODY), Ok(()));
    let wrong = |change: &dyn Fn(&mut Evaluated), body: &[u8]| {
        let mut said = said.clone();
        change(&mut said);
        said.check(&quote, body).expect_err("it is not right").to_string()
    };
    assert_eq!(wrong(&|it| it.owed = "51".to_owned(), BODY), "the terms come to 50, and 51 is owed by it");
    assert_eq!(wrong(&|it| it.met[0] = true, BODY), "the terms come to 50, and 50 is owed by it");
    assert_eq!(
        wrong(&|it| it.answered_at = (delivery.asked_at.0 + 1_000_000_001).to_string(), BODY),
        "the terms come to 40, and 50 is owed by it"
    );
    assert_eq!(wrong(&|_| {}, br#"{"rows":[1,2]}"#), "it is about another `body_sha256`");
    assert_eq!(wrong(&|it| it.quote = "other".to_owned(), BODY), "it is about another `quote`");
    assert_eq!(wrong(&|it| it.price = "99".to_owned(), BODY), "it is about another `price`");
}
