//! Quotes: a seller's signed word on what one request costs, until when, and what the answer then has to be.

use crate::limits::QUOTE_BYTES_MAX;
use crate::sealed::{Body, SealFault, Sealed};
use crate::terms::{Delivery, TermText, Terms, time_of};
use book::{Amount, Time};
use evidence::{PublicKey, base64url};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What one request costs, and on which terms. It is known by the [name](Sealed::name) of its signed text.
#[derive(Clone, Debug, PartialEq)]
pub struct Quote {
    /// Who is to be paid.
    pub payee: String,
    /// What is sold.
    pub resource: String,
    /// The fingerprint of the request.
    pub request: String,
    /// The price, and the most that can be captured.
    pub amount: Amount,
    /// In which asset, such as `CNY/2`.
    pub asset: String,
    /// What the answer has to be.
    pub terms: Terms,
    /// Good until then, exclusive.
    pub expires_at: Time,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct QuoteText {
    payee: String,
    resource: String,
    request: String,
    amount: String,
    asset: String,
    terms: Vec<TermText>,
    expires_at: Timestamp,
}

/// What a buyer was asked for, which a quote has to agree with.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The name of the quote that the demand is about.
    pub name: &'a str,
    /// Who is to be paid.
    pub payee: &'a str,
    /// What is sold.
    pub resource: &'a str,
    /// The fingerprint of the request.
    pub request: &'a str,
    /// How much.
    pub amount: Amount,
    /// In which asset.
    pub asset: &'a str,
}

/// Why a quote does not count. Nothing is paid on it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuoteFault {
    /// It was announced, and is not there.
    #[error("the quote that was announced is not there")]
    Missing,
    /// It is none, or its signature does not fit.
    #[error("{0}")]
    Sealed(#[from] SealFault),
    /// Its time is over.
    #[error("the quote was good until {0}")]
    Expired(Timestamp),
    /// It is another quote, another seller's, or for something else.
    #[error("the quote is for another `{0}`")]
    Foreign(&'static str),
    /// It is for another price.
    #[error("the quote says {quoted}, and {asked} is asked for")]
    Price {
        /// In smallest units.
        quoted: String,
        /// In smallest units.
        asked: String,
    },
}

impl QuoteFault {
    /// The code, stable for ever.
    pub fn code(&self) -> &'static str {
        match self {
            QuoteFault::Missing => "quote_missing",
            QuoteFault::Sealed(SealFault::Shape(_) | SealFault::Body(_)) => "quote_malformed",
            QuoteFault::Sealed(SealFault::UnknownKey(_) | SealFault::BadSignature) => "quote_signature",
            QuoteFault::Expired(_) => "quote_expired",
            QuoteFault::Foreign(_) => "quote_foreign",
            QuoteFault::Price { .. } => "quote_price",
        }
    }
}

impl Body for Quote {
    const DOMAIN: &'static str = "toll:quote/1";
    type Fault = String;

    fn read(body: &Value) -> Result<Quote, String> {
        let text = QuoteText::deserialize(body).map_err(|fault| fault.to_string())?;
        Ok(Quote {
            payee: text.payee,
            resource: text.resource,
            request: text.request,
            amount: amount(&text.amount)?,
            asset: text.asset,
            terms: Terms::read(text.terms)?,
            expires_at: time_of(text.expires_at).ok_or("it was good until before 1970")?,
        })
    }

    fn write(&self) -> Value {
        let text = QuoteText {
            payee: self.payee.clone(),
            resource: self.resource.clone(),
            request: self.request.clone(),
            amount: self.amount.minor().to_string(),
            asset: self.asset.clone(),
            terms: self.terms.texts().cloned().collect(),
            expires_at: timestamp_of(self.expires_at),
        };
        serde_json::to_value(text).expect("a quote is JSON")
    }
}

impl Quote {
    /// Whether a quote is what was asked for, and still good at `now`.
    ///
    /// # Errors
    /// [`QuoteFault`].
    pub fn check(quote: &Sealed<Quote>, asked: &Asked<'_>, now: Time) -> Result<(), QuoteFault> {
        let body = quote.body();
        for (name, is_same) in [
            ("name", quote.name() == asked.name),
            ("payee", body.payee == asked.payee),
            ("resource", body.resource == asked.resource),
            ("request", body.request == asked.request),
            ("asset", body.asset == asked.asset),
        ] {
            if !is_same {
                return Err(QuoteFault::Foreign(name));
            }
        }
        if body.amount != asked.amount {
            let (quoted, asked) = (body.amount.minor().to_string(), asked.amount.minor().to_string());
            return Err(QuoteFault::Price { quoted, asked });
        }
        if body.expires_at <= now {
            return Err(QuoteFault::Expired(timestamp_of(body.expires_at)));
        }
        Ok(())
    }
}

/// What a seller says a delivery came to, signed: enough for the buyer to evaluate it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evaluated {
    /// The name of the quote.
    pub quote: String,
    /// The payment.
    pub trade_no: String,
    /// The SHA-256 of the answer's body, in hexadecimal.
    pub body_sha256: String,
    /// When it was paid, in nanoseconds since 1970, as digits.
    pub paid_at: String,
    /// When it was asked for.
    pub asked_at: String,
    /// When the answer was there.
    pub answered_at: String,
    /// What was agreed, in smallest units, as digits.
    pub price: String,
    /// Of each term, in their order, whether it was met.
    pub met: Vec<bool>,
    /// What is owed, in smallest units, as digits.
    pub owed: String,
}

/// Why an evaluation is not right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvaluatedFault {
    /// It is none, or its signature does not fit.
    #[error("{0}")]
    Sealed(#[from] SealFault),
    /// It is about something else.
    #[error("it is about another `{0}`")]
    Foreign(&'static str),
    /// The terms come to something else.
    #[error("the terms come to {computed}, and {claimed} is owed by it")]
    Sum {
        /// By the terms, in smallest units.
        computed: String,
        /// By the seller, in smallest units.
        claimed: String,
    },
}

impl Body for Evaluated {
    const DOMAIN: &'static str = "toll:evaluation/1";
    type Fault = String;

    fn read(body: &Value) -> Result<Evaluated, String> {
        let it = Evaluated::deserialize(body).map_err(|fault| fault.to_string())?;
        for digits in [&it.paid_at, &it.asked_at, &it.answered_at] {
            nanos(digits)?;
        }
        for digits in [&it.price, &it.owed] {
            amount(digits)?;
        }
        Ok(it)
    }

    fn write(&self) -> Value {
        serde_json::to_value(self).expect("an evaluation is JSON")
    }
}

impl Evaluated {
    /// Evaluates a delivery by a quote.
    pub fn of(quote: &Quote, name: &str, trade_no: &str, delivery: &Delivery<'_>) -> Evaluated {
        let evaluation = quote.terms.evaluate(quote.amount, delivery);
        Evaluated {
            quote: name.to_owned(),
            trade_no: trade_no.to_owned(),
            body_sha256: crate::terms::sha256_hex(delivery.body),
            paid_at: delivery.paid_at.0.to_string(),
            asked_at: delivery.asked_at.0.to_string(),
            answered_at: delivery.answered_at.0.to_string(),
            price: quote.amount.minor().to_string(),
            met: evaluation.met,
            owed: evaluation.owed.minor().to_string(),
        }
    }

    /// When it was paid, asked for and answered, by the seller.
    pub fn times(&self) -> Option<(Time, Time, Time)> {
        Some((nanos(&self.paid_at).ok()?, nanos(&self.asked_at).ok()?, nanos(&self.answered_at).ok()?))
    }

    /// Whether the seller's evaluation of `body` is what the quote's terms come to at the times it gives.
    ///
    /// # Errors
    /// [`EvaluatedFault`].
    pub fn check(&self, quote: &Sealed<Quote>, body: &[u8]) -> Result<(), EvaluatedFault> {
        let (paid_at, asked_at, answered_at) = self.times().ok_or(EvaluatedFault::Foreign("time"))?;
        let delivery = Delivery { body, paid_at, asked_at, answered_at };
        let ours = Evaluated::of(quote.body(), quote.name(), &self.trade_no, &delivery);
        if ours.quote != self.quote {
            return Err(EvaluatedFault::Foreign("quote"));
        }
        if ours.body_sha256 != self.body_sha256 {
            return Err(EvaluatedFault::Foreign("body_sha256"));
        }
        if ours.price != self.price {
            return Err(EvaluatedFault::Foreign("price"));
        }
        if ours.met != self.met || ours.owed != self.owed {
            return Err(EvaluatedFault::Sum { computed: ours.owed, claimed: self.owed.clone() });
        }
        Ok(())
    }
}

impl<T: Body> Sealed<T> {
    /// The signed text as a header carries it: Base64URL of its JSON.
    pub fn to_header(&self) -> String {
        base64url::encode(self.to_value().to_string().as_bytes())
    }

    /// Reads a signed text from a header and checks it.
    ///
    /// # Errors
    /// [`SealFault`].
    pub fn of_header(
        value: &str,
        key: impl FnOnce(&str) -> Option<PublicKey>,
    ) -> Result<Sealed<T>, SealFault> {
        if QUOTE_BYTES_MAX < value.len() {
            return Err(SealFault::Shape(format!("it is longer than {QUOTE_BYTES_MAX} characters")));
        }
        let text = base64url::decode(value).ok_or_else(|| SealFault::Shape("not Base64URL".to_owned()))?;
        Sealed::open(&text, key)
    }
}

fn timestamp_of(at: Time) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(at.0)).expect("the book's time ends before that of the calendar")
}

/// Digits without sign and leading zeros.
fn amount(digits: &str) -> Result<Amount, String> {
    let amount = digits.parse().ok().and_then(Amount::new);
    let amount = amount.filter(|amount| amount.minor().to_string() == digits);
    amount.ok_or_else(|| format!("`{digits}` is no amount"))
}

fn nanos(digits: &str) -> Result<Time, String> {
    let time = digits.parse().ok().map(Time).filter(|time| time.0.to_string() == digits);
    time.ok_or_else(|| format!("`{digits}` is no time in nanoseconds"))
}
