//! The people of the tests: a user, an agent, a merchant, and what they sign.

use book::Time;
use evidence::{PublicKey, SigningKey, base64url};
use protocols::ap2::*;
use serde_json::{Map, Value, json};

pub(crate) const NOW: Time = Time(1_795_428_000 * 1_000_000_000);
pub(crate) const AUDIENCE: &str = "https://pay.example";
pub(crate) const NONCE: &str = "n-4711";
pub(crate) const ROOT: &str = "surface-1";

pub(crate) fn key(of: u8) -> SigningKey {
    SigningKey::es256(&[of; 32]).expect("a key")
}

pub(crate) fn user() -> SigningKey {
    key(0x11)
}

pub(crate) fn agent() -> SigningKey {
    key(0x12)
}

pub(crate) fn merchant_key() -> SigningKey {
    key(0x13)
}

/// Salts that count, so that no two are the same.
pub(crate) fn salts() -> impl FnMut() -> [u8; 16] {
    let mut count = 0u8;
    move || {
        count += 1;
        [count; 16]
    }
}

pub(crate) fn usd() -> Iso4217 {
    Iso4217::parse("USD").expect("a currency")
}

pub(crate) fn merchant(id: &str) -> Merchant {
    Merchant { id: id.to_owned(), name: format!("Shop {id}"), website: Some(format!("https://{id}.example")) }
}

pub(crate) fn instrument(id: &str) -> Instrument {
    Instrument { id: id.to_owned(), kind: "wallet".to_owned(), description: None }
}

pub(crate) fn pisp(name: &str) -> Pisp {
    Pisp {
        legal_name: format!("{name} Ltd"),
        brand_name: name.to_owned(),
        domain_name: format!("{name}.example"),
    }
}

pub(crate) fn lifetime() -> Lifetime {
    Lifetime { issued_at: Some(1_795_427_000), valid_from: None, expires_at: Some(1_795_500_000) }
}

pub(crate) fn reference(id: &str) -> PaymentConstraint {
    PaymentConstraint::Reference { conditional_transaction_id: id.to_owned() }
}

pub(crate) fn range(min_minor: u64, max_minor: u64) -> PaymentConstraint {
    PaymentConstraint::AmountRange { currency: usd(), min_minor: Some(min_minor), max_minor }
}

pub(crate) fn budget(max_minor: u64) -> PaymentConstraint {
    PaymentConstraint::Budget { currency: usd(), max_minor }
}

pub(crate) fn again(every: Frequency, occurrences_max: Option<u64>) -> PaymentConstraint {
    PaymentConstraint::Recurrence { every, occurrences_max }
}

/// What a user leaves open, to the agent of the tests.
pub(crate) fn open(constraints: Vec<PaymentConstraint>) -> OpenPayment {
    OpenPayment {
        constraints,
        agent: agent().public().clone(),
        preset: Preset::default(),
        lifetime: lifetime(),
    }
}

/// What the agent closes it with.
pub(crate) fn paid() -> Payment {
    Payment {
        transaction_id: "the-checkout".to_owned(),
        payee: merchant("m1"),
        amount: Money { amount_minor: 1_999, currency: usd() },
        instrument: instrument("card-1"),
        pisp: None,
        execution_date: None,
        risk_data: None,
        lifetime: lifetime(),
    }
}

pub(crate) fn closed(payment: Payment) -> Mandate {
    Mandate::Payment(Box::new(payment))
}

pub(crate) fn issued(mandate: &Mandate) -> String {
    issue(mandate, &user(), ROOT, &mut salts()).expect("it is issued")
}

pub(crate) fn to() -> Addressed<'static> {
    Addressed { audience: AUDIENCE, nonce: NONCE, at: NOW }
}

/// The chain that the agent presents.
pub(crate) fn presented(open: OpenPayment, payment: Payment) -> String {
    let root = issued(&Mandate::OpenPayment(Box::new(open)));
    present(&root, &closed(payment), &agent(), &to(), &mut salts()).expect("it is presented")
}

pub(crate) fn expected() -> Expected<'static> {
    Expected { audience: AUDIENCE, nonce: NONCE, now: NOW }
}

pub(crate) fn verified(text: &str) -> Result<Chain, Refusal> {
    Claimed::read(text)?.verify(user().public(), &expected())
}

pub(crate) fn is_open_checkout() -> Vec<String> {
    vec!["open-checkout".to_owned()]
}

/// What the verifier says of a presentation, for the transaction of the tests.
pub(crate) fn judged(text: &str) -> Result<Vec<Standing>, Refusal> {
    let chain = verified(text)?;
    let open_checkouts = is_open_checkout();
    let asked =
        Asked { transaction: Transaction::Is("the-checkout"), open_checkouts: &open_checkouts, now: NOW };
    Ok(payment(&chain, &asked)?.standing)
}

/// A checkout of so many of each item, signed by the merchant.
pub(crate) fn checkout_jwt(merchant: &Merchant, lines: &[(&str, u64)]) -> String {
    let line = |(item, quantity): &(&str, u64)| {
        json!({
            "id": format!("line-{item}"),
            "item": { "id": item, "title": item, "price": 100 },
            "quantity": quantity,
            "totals": [],
        })
    };
    let lines: Vec<Value> = lines.iter().map(line).collect();
    let total = json!([{ "type": "subtotal", "amount": 100 }, { "type": "total", "amount": 100 }]);
    let seller = json!({ "id": merchant.id, "name": merchant.name, "website": merchant.website });
    let checkout = json!({
        "id": "order-1", "merchant": seller, "line_items": lines, "status": "ready_for_complete",
        "currency": "USD", "totals": total, "links": [],
    });
    sign_checkout(members(checkout), [7; 16], &merchant_key(), "shop-1")
}

pub(crate) fn members(value: Value) -> Map<String, Value> {
    value.as_object().expect("an object").clone()
}

/// Signs any header and payload, as somebody who does not use our code might.
pub(crate) fn forged(header: &Value, payload: &Value, key: &SigningKey) -> String {
    let part = |value: &Value| base64url::encode(value.to_string().as_bytes());
    signed(&part(header), &part(payload), key)
}

pub(crate) fn signed(header: &str, payload: &str, key: &SigningKey) -> String {
    let signature = base64url::encode(key.sign(format!("{header}.{payload}").as_bytes()).as_bytes());
    format!("{header}.{payload}.{signature}")
}

pub(crate) fn cnf(key: &PublicKey) -> Value {
    let (x, y) = key.bytes()[1..].split_at(32);
    json!({ "jwk": { "kty": "EC", "crv": "P-256", "x": base64url::encode(x), "y": base64url::encode(y) } })
}

/// A disclosure, and the digest that stands for it.
pub(crate) fn disclosure(parts: &Value) -> (String, String) {
    let text = base64url::encode(parts.to_string().as_bytes());
    let digest = base64url::encode(&evidence::Hash::of(text.as_bytes()).0);
    (text, digest)
}
