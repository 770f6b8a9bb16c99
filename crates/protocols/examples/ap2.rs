//! Answers questions about AP2 mandates, one line of JSON each: for the lane that compares us with the reference
//! implementation. Keys are the secret numbers of tests, and the time is the one that is asked for.

use book::Time;
use evidence::{PublicKey, SigningKey, base64url};
use protocols::ap2::{
    Addressed, Asked, Chain, Claimed, Expected, Family, Mandate, Past, Receipt, ReceiptResult, Refusal,
    Transaction, checkout, issue, payment, present, sign_checkout,
};
use serde_json::{Value, json};
use std::io::BufRead;

/// Why a question has no answer: it is one of the lane's mistakes, or a refusal of what it asks about.
enum No {
    Unasked(&'static str),
    Refused(Refusal),
}

impl From<Refusal> for No {
    fn from(refusal: Refusal) -> No {
        No::Refused(refusal)
    }
}

fn main() {
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("standard input can be read");
        let question: Value = serde_json::from_str(&line).expect("the lane writes JSON");
        let answer = match answer(&question) {
            Ok(answer) => answer,
            Err(No::Refused(refusal)) => {
                json!({ "ok": false, "code": refusal.code().as_str(), "why": refusal.to_string() })
            }
            Err(No::Unasked(what)) => json!({ "ok": false, "code": "unasked", "why": what }),
        };
        println!("{answer}");
    }
}

fn answer(question: &Value) -> Result<Value, No> {
    match text(question, "op")? {
        "payment" => judge_payment(question),
        "checkout" => judge_checkout(question),
        "issue" => write(question),
        "sign_checkout" => {
            let members = question["checkout"].as_object().ok_or(No::Unasked("checkout"))?;
            let jwt = sign_checkout(members.clone(), salt(question)?, &secret(question, "key")?, "shop-1");
            Ok(json!({ "ok": true, "jwt": jwt }))
        }
        "receipt" => {
            let result = match text(question, "error") {
                Ok(error) => ReceiptResult::NotPaid {
                    payment_id: "pay-1".to_owned(),
                    error: error.to_owned(),
                    description: "said by the lane".to_owned(),
                },
                Err(_) => ReceiptResult::Paid {
                    payment_id: "pay-1".to_owned(),
                    psp_confirmation_id: "psp-1".to_owned(),
                    network_confirmation_id: "net-1".to_owned(),
                },
            };
            let receipt = Receipt {
                issuer: "https://pay.example".to_owned(),
                issued_at: second(question, "now")?,
                reference: text(question, "reference")?.to_owned(),
                result,
            };
            Ok(json!({ "ok": true, "jwt": receipt.sign(&secret(question, "key")?, "pay-1") }))
        }
        "read_receipt" => {
            let key = public(question, "root")?;
            let family =
                if text(question, "family")? == "payment" { Family::Payment } else { Family::Checkout };
            let receipt = Receipt::verify(text(question, "jwt")?, family, &key)?;
            Ok(json!({ "ok": true, "success": receipt.is_success(), "reference": receipt.reference }))
        }
        _ => Err(No::Unasked("op")),
    }
}

fn chain(question: &Value) -> Result<Chain, No> {
    let expected = Expected {
        audience: text(question, "aud")?,
        nonce: text(question, "nonce")?,
        now: Time::from_seconds(second(question, "now")?),
    };
    Ok(Claimed::read(text(question, "token")?)?.verify(&public(question, "root")?, &expected)?)
}

fn judge_payment(question: &Value) -> Result<Value, No> {
    let chain = chain(question)?;
    let open_checkouts: Vec<String> =
        question["open_checkout_hash"].as_str().map(str::to_owned).into_iter().collect();
    let now = Time::from_seconds(second(question, "now")?);
    let transaction = question["transaction_id"].as_str().map_or(Transaction::AsStated, Transaction::Is);
    let approval = payment(&chain, &Asked { transaction, open_checkouts: &open_checkouts, now })?;
    let past = Past {
        spent_minor: question["past"]["spent"].as_u64().unwrap_or_default(),
        payments: question["past"]["payments"].as_u64().unwrap_or_default(),
        last_at: question["past"]["last_at"].as_u64().map(Time::from_seconds),
    };
    for standing in &approval.standing {
        standing.check(&past, approval.payment.amount, now)?;
    }
    Ok(json!({ "ok": true, "reference": chain.reference() }))
}

fn judge_checkout(question: &Value) -> Result<Value, No> {
    let chain = chain(question)?;
    let approval = checkout(&chain, &public(question, "merchant")?)?;
    let hash = &approval.mandate.checkout_hash;
    if question["checkout_hash"].as_str().is_some_and(|expected| expected != hash) {
        return Err(Refusal::CheckoutHash.into());
    }
    let open_checkouts = chain.open_checkouts();
    Ok(json!({ "ok": true, "checkout_hash": hash, "open_checkout_hash": open_checkouts.first() }))
}

/// Issues `root`, and presents each of `hops` on top of it.
fn write(question: &Value) -> Result<Value, No> {
    let mut count = 0u8;
    let mut salts = || {
        count = count.wrapping_add(1);
        [count; 16]
    };
    let root = Mandate::read(question["root_content"].clone())?;
    let mut text_of = issue(&root, &secret(question, "root_key")?, "surface-1", &mut salts)?;
    for hop in question["hops"].as_array().into_iter().flatten() {
        let to = Addressed {
            audience: text(hop, "aud")?,
            nonce: text(hop, "nonce")?,
            at: Time::from_seconds(second(hop, "now")?),
        };
        let mandate = Mandate::read(hop["content"].clone())?;
        text_of = present(&text_of, &mandate, &secret(hop, "key")?, &to, &mut salts)?;
    }
    Ok(json!({ "ok": true, "token": text_of }))
}

fn text<'a>(question: &'a Value, name: &'static str) -> Result<&'a str, No> {
    question[name].as_str().ok_or(No::Unasked(name))
}

fn second(question: &Value, name: &'static str) -> Result<u64, No> {
    question[name].as_u64().ok_or(No::Unasked(name))
}

fn salt(question: &Value) -> Result<[u8; 16], No> {
    let bytes = base64url::decode(text(question, "salt")?).and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or(No::Unasked("salt"))
}

fn secret(question: &Value, name: &'static str) -> Result<SigningKey, No> {
    let bytes = base64url::decode(text(question, name)?).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    bytes.and_then(|bytes| SigningKey::es256(&bytes).ok()).ok_or(No::Unasked(name))
}

fn public(question: &Value, name: &'static str) -> Result<PublicKey, No> {
    let coordinate = |coordinate: &str| question[name][coordinate].as_str().and_then(base64url::decode);
    let key = coordinate("x").zip(coordinate("y")).and_then(|(x, y)| PublicKey::es256(&x, &y).ok());
    key.ok_or(No::Unasked(name))
}
