//! Acceptance terms: the signed quote that goes with a bill, and what a delivery comes to by it.
//!
//! Nothing is remembered between the two: the bill's number vouches for what was quoted, and the name of what is sold says on
//! which terms. Terms that were changed meanwhile are other terms, and what was paid on the old ones is not delivered.

use crate::config::{ConfigFault, Lines};
use crate::deliveries::Measured;
use crate::flight::Errand;
use crate::gateway::Inner;
use crate::pricing::{Answers, Price};
use evidence::{Hash, base64url};
use http::{HeaderMap, HeaderName, HeaderValue};
use pricing::{Delivery, EVALUATION_HEADER, Evaluated, QUOTE_HEADER, Quote, Sealed, TermText, Terms};
use protocols::a402::Demand;
use std::ops::Range;
use std::sync::Arc;

/// What stands between a resource and the terms it is sold on. No path has a space.
const TERMS_PREFIX: &str = " on terms ";

/// How many characters of their digest terms are known by.
const TERMS_NAME_CHARS: usize = 16;

/// What names a resource that is sold on terms.
pub(crate) const TERMS_NAME_BYTES: usize = TERMS_PREFIX.len() + TERMS_NAME_CHARS;

impl Lines<'_> {
    /// Reads the terms of a route.
    pub(crate) fn terms(
        &self,
        at: Range<usize>,
        texts: Vec<TermText>,
        answers: Answers,
    ) -> Result<Arc<Terms>, ConfigFault> {
        if answers == Answers::Streamed {
            let why = "what is sold on terms is kept whole before it is passed on; so it cannot be streamed";
            return Err(self.fault(at, why));
        }
        let terms = Terms::read(texts).map_err(|why| self.fault(at, format!("`terms`: {why}")))?;
        Ok(Arc::new(terms))
    }
}

/// The name of what is sold on these terms.
pub(crate) fn named(resource: &str, terms: &Terms) -> String {
    let digest = base64url::encode(Hash::of(terms.canonical().as_bytes()).as_bytes());
    format!("{resource}{TERMS_PREFIX}{}", digest.get(..TERMS_NAME_CHARS).unwrap_or_default())
}

impl Price {
    /// What an answer has to be, in words; nothing where it has to be nothing.
    pub(crate) fn acceptance_in_words(&self) -> String {
        let Some(terms) = &self.terms else { return String::new() };
        let each: Vec<String> = terms.in_words().collect();
        format!(" You pay for what it meets: {}.", each.join("; "))
    }
}

impl Inner {
    /// The quote that goes with a bill, where it is sold on terms.
    pub(crate) fn quote(&self, price: &Price, bill: &Demand) -> Option<Sealed<Quote>> {
        let terms = price.terms.as_ref()?;
        let asset = &self.config.seller.asset;
        let minor = bill.amount.minor(asset.scale())?;
        let quote = Quote {
            payee: bill.seller_unique_id.as_str().to_owned(),
            resource: bill.resource_id.as_str().to_owned(),
            request: bill.request_fingerprint.as_str().to_owned(),
            amount: pricing::Amount::new(minor)?,
            asset: asset.as_str().to_owned(),
            terms: Terms::clone(terms),
            expires_at: bill.pay_before.time(),
        };
        Some(Sealed::sign(quote, self.seller_key.signer_id.as_str(), &self.seller_key.signing_key))
    }

    /// What a delivery comes to by its quote, with the seller's signed word on it put into the answer.
    pub(crate) fn evaluate(
        &self,
        errand: &Errand,
        quote: &Sealed<Quote>,
        headers: &mut HeaderMap,
        body: &[u8],
    ) -> Measured {
        let delivery = Delivery {
            body,
            paid_at: errand.credential.issued_at.time(),
            asked_at: errand.asked_at,
            answered_at: self.service.now().max(errand.asked_at),
        };
        let trade_no = errand.trade_no.to_string();
        let evaluated = Evaluated::of(quote.body(), quote.name(), &trade_no, &delivery);
        let charged = evaluated.owed.parse().expect("an amount was written as digits");
        let (met, count) = (evaluated.met.iter().filter(|met| **met).count(), evaluated.met.len());
        let signer = &self.seller_key;
        let sealed = Sealed::sign(evaluated, signer.signer_id.as_str(), &signer.signing_key);
        put(headers, EVALUATION_HEADER, &sealed.to_header());
        let units = Some(format!("{met} of {count} terms"));
        Measured { held: errand.held, charged, units, off: None }
    }
}

/// Puts a quote into the answer that it goes with.
pub(crate) fn put_quote(headers: &mut HeaderMap, quote: &Sealed<Quote>) {
    put(headers, QUOTE_HEADER, &quote.to_header());
}

fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    let value = HeaderValue::try_from(value).expect("Base64URL is a header");
    headers.insert(HeaderName::from_static(name), value);
}
