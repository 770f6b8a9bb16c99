//! The other dialects in which a bill is said and a proof is shown, beside A402: x402.
//!
//! They are translated at the door, in and out: behind it there is one bill and one proof, so what was paid in one dialect
//! was paid in all, and is delivered once.

// An error here is the answer that goes out, whole.
#![allow(clippy::result_large_err)]

use crate::gateway::Inner;
use crate::problem::{Code, Whole};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, Uri};
use protocols::a402::headers::{Aliases, PAYMENT_NEEDED, PAYMENT_PROOF, PAYMENT_VALIDATION};
use protocols::a402::{Needed, Proof, Validation};
use protocols::bare::{Note, Price};
use protocols::x402::{self, PAYMENT_REQUIRED, PAYMENT_RESPONSE, PAYMENT_SIGNATURE, Payload, Reason, Scheme};

/// In which words somebody pays.
#[derive(Clone, Debug)]
pub(crate) enum Dialect {
    /// Ours, or nothing is paid.
    A402,
    /// x402, with what was shown in it.
    X402(Box<Proof>),
}

impl Inner {
    /// Puts a proof that came in another dialect where ours has it.
    pub(crate) fn into_ours(&self, headers: &mut HeaderMap) -> Result<Dialect, Whole> {
        // Whoever knows A402 by the names that x402 has now means A402; and two proofs are refused as two.
        if self.config.seller.aliases == Aliases::On || headers.contains_key(PAYMENT_PROOF) {
            return Ok(Dialect::A402);
        }
        let mut values = headers.get_all(PAYMENT_SIGNATURE).iter();
        let value = match (values.next(), values.next()) {
            (None, _) => return Ok(Dialect::A402),
            (Some(value), None) => value.to_str().unwrap_or_default(),
            (Some(_), Some(_)) => {
                let detail = "Nothing was spent. `PAYMENT-SIGNATURE` comes more than once.";
                return Err(self.problem(Code::HeadersInvalid, detail));
            }
        };
        let refuse = |fault: &dyn std::fmt::Display, reason: Reason| {
            let detail = format!("Nothing was spent now. `PAYMENT-SIGNATURE` does not count: {fault}.");
            let mut answer = self.problem(Code::HeadersInvalid, detail);
            put(answer.headers_mut(), PAYMENT_RESPONSE, &x402::refused(self.config.seller.network, reason));
            answer
        };
        let proof = Payload::decode(value).and_then(Payload::into_proof);
        let proof = proof.map_err(|fault| refuse(&fault, fault.reason()))?;
        let value = proof.encode().map_err(|fault| refuse(&fault, Reason::InvalidPayload))?;
        headers.remove(PAYMENT_SIGNATURE);
        put(headers, PAYMENT_PROOF, &value);
        Ok(Dialect::X402(Box::new(proof)))
    }

    /// Says in the other dialects what an answer says in ours: what is asked for in all, and what came of a payment in the
    /// one in which it was shown.
    pub(crate) fn from_ours<B>(&self, dialect: &Dialect, target: &Uri, answer: &mut Response<B>) {
        if self.config.seller.aliases == Aliases::On {
            return;
        }
        if let Some(asked) = self.asked_in_x402(target, answer.headers()) {
            put(answer.headers_mut(), PAYMENT_REQUIRED, &asked);
        }
        let proof = match dialect {
            Dialect::A402 => return,
            Dialect::X402(proof) => proof,
        };
        let network = self.config.seller.network;
        let said = text(answer.headers(), PAYMENT_VALIDATION).and_then(|said| Validation::decode(said).ok());
        let response = match said {
            Some(said) => x402::response(proof, network, self.config.seller.asset.scale(), &said),
            None if answer.status() == StatusCode::PAYMENT_REQUIRED => {
                x402::refused(network, Reason::InvalidRequirements)
            }
            None => return,
        };
        put(answer.headers_mut(), PAYMENT_RESPONSE, &response);
    }

    /// The bill of an answer in the words of x402.
    fn asked_in_x402(&self, target: &Uri, headers: &HeaderMap) -> Option<String> {
        let seller = &self.config.seller;
        let Needed { demand, method, .. } = Needed::decode(text(headers, PAYMENT_NEEDED)?).ok()?;
        let scale = seller.asset.scale();
        let price = Price {
            network: seller.network,
            payee: demand.seller_unique_id.clone(),
            amount_minor: demand.amount.minor(scale)?,
            currency: demand.currency.clone(),
            scale,
        };
        let scheme = if method.members().contains_key("capture") { Scheme::Upto } else { Scheme::Exact };
        let (note, authority) = (Note::of(&demand), seller.server.as_str());
        let asked = x402::Requirements::of_bill(&price, &note, scheme, authority, seller.pay_window_seconds);
        let origin = seller.public_url.as_str().trim_end_matches('/');
        let path = target.path_and_query().map_or("/", |target| target.as_str());
        Some(x402::required(&format!("{origin}{path}"), "Payment required", &[asked]))
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    let value = HeaderValue::try_from(value).expect("Base64 is a header");
    headers.insert(HeaderName::try_from(name).expect("our names are header names"), value);
}
