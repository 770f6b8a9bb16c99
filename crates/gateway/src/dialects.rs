//! The other dialects in which a bill is said and a proof is shown, beside A402: x402, and the `Payment` scheme of HTTP
//! authentication.
//!
//! They are translated at the door, in and out: behind it there is one bill and one proof, so what was paid in one dialect
//! was paid in all, and is delivered once.

// An error here is the answer that goes out, whole.
#![allow(clippy::result_large_err)]

use crate::gateway::Inner;
use crate::problem::{Code, Whole};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, Uri};
use protocols::a402::headers::{Aliases, PAYMENT_PROOF, PAYMENT_VALIDATION};
use protocols::a402::{Demand, Proof, Validation};
use protocols::bare::{Note, Price};
use protocols::mpp::session::{SessionCredential, Standing, Unit};
use protocols::mpp::{self, CHALLENGE, Challenge, Credential, RECEIPT, Shown};
use protocols::voucher::VOUCHER;
use protocols::x402::{self, PAYMENT_REQUIRED, PAYMENT_RESPONSE, PAYMENT_SIGNATURE, Payload, Reason, Scheme};

/// A value that is no proof, whoever reads it.
const UNREADABLE: &str = "-";

/// In which words somebody pays.
#[derive(Clone, Debug)]
pub(crate) enum Dialect {
    /// Ours, or nothing is paid.
    A402,
    /// x402, with what was shown in it.
    X402(Box<Proof>),
    /// x402, and what was shown cannot be read.
    NotX402(Reason),
    /// The `Payment` scheme, and a charge in it.
    Mpp,
    /// The `Payment` scheme, and a session in it: nothing is put where ours has it.
    Session(Box<SessionCredential>),
}

/// The bill of an answer, which goes with it to the door.
#[derive(Clone, Debug)]
pub(crate) struct Billed {
    pub(crate) demand: Demand,
    /// Whether it costs just that, and not at most that.
    pub(crate) is_exact: bool,
    /// What it costs by voucher, in billionths, and what is counted.
    pub(crate) by_session: Option<(u128, Unit)>,
}

impl Inner {
    /// Puts a proof that came in another dialect where ours has it.
    pub(crate) fn take_proof(&self, headers: &mut HeaderMap) -> Result<Dialect, Whole> {
        // Whoever knows A402 by the names that x402 has now means A402; and two proofs are refused as two.
        if self.config.seller.aliases == Aliases::On || headers.contains_key(PAYMENT_PROOF) {
            return Ok(Dialect::A402);
        }
        let twice = || {
            let detail = "Nothing was spent. A request is paid once, and in one dialect.";
            Err(self.problem(Code::HeadersInvalid, detail))
        };
        let credentials =
            headers.get_all(AUTHORIZATION).iter().filter(|value| Credential::is_one(value.as_bytes()));
        let mut shown = headers.get_all(PAYMENT_SIGNATURE).iter().chain(credentials);
        let (value, dialect) = match (shown.next(), shown.next()) {
            (None, _) => return Ok(Dialect::A402),
            (Some(_), Some(_)) => return twice(),
            (Some(value), None) if Credential::is_one(value.as_bytes()) => {
                let proof = match Shown::decode(value.to_str().unwrap_or_default()) {
                    Ok(Shown::Session(_)) if headers.contains_key(VOUCHER) => return twice(),
                    Ok(Shown::Session(credential)) => {
                        strip_credentials(headers, &AUTHORIZATION);
                        return Ok(Dialect::Session(Box::new(credential)));
                    }
                    Ok(Shown::Charge(credential)) => credential.into_proof().ok(),
                    Err(_) => None,
                };
                (proof.and_then(|proof| proof.encode().ok()), Dialect::Mpp)
            }
            (Some(value), None) => {
                let payload = Payload::decode(value.to_str().unwrap_or_default());
                match payload.and_then(Payload::into_proof) {
                    Ok(proof) => (proof.encode().ok(), Dialect::X402(Box::new(proof))),
                    Err(fault) => (None, Dialect::NotX402(fault.reason())),
                }
            }
        };
        // What cannot be read in its dialect cannot be read in ours: it is refused with a new bill, as any such proof.
        let value = value.as_deref().unwrap_or(UNREADABLE);
        strip_credentials(headers, &AUTHORIZATION);
        headers.remove(PAYMENT_SIGNATURE);
        put(headers, PAYMENT_PROOF, value);
        Ok(dialect)
    }

    /// Says in the other dialects what an answer says in ours: what is asked for in all, and what came of a payment in the
    /// one in which it was shown.
    pub(crate) fn say_in_all<B>(&self, dialect: &Dialect, target: &Uri, answer: &mut Response<B>) {
        if self.config.seller.aliases == Aliases::On {
            return;
        }
        let standing = answer.extensions_mut().remove();
        if let Some(billed) = answer.extensions_mut().remove() {
            self.ask(target, &billed, standing, answer.headers_mut());
        }
        let network = self.config.seller.network;
        let said = || Validation::decode(text(answer.headers(), PAYMENT_VALIDATION)?).ok();
        let (name, value) = match dialect {
            Dialect::A402 | Dialect::Session(_) => return,
            Dialect::NotX402(reason) => (PAYMENT_RESPONSE, Some(x402::refused(network, *reason))),
            Dialect::Mpp => (RECEIPT, said().and_then(|said| mpp::receipt(&said))),
            Dialect::X402(proof) => {
                let refused = || x402::refused(network, Reason::InvalidRequirements);
                let response = match said() {
                    Some(said) => {
                        Some(x402::response(proof, network, self.config.seller.asset.scale(), &said))
                    }
                    None => (answer.status() == StatusCode::PAYMENT_REQUIRED).then(refused),
                };
                (PAYMENT_RESPONSE, response)
            }
        };
        if let Some(value) = value {
            put(answer.headers_mut(), name, &value);
        }
    }

    /// Says a bill in the other dialects.
    fn ask(&self, target: &Uri, billed: &Billed, standing: Option<Standing>, headers: &mut HeaderMap) {
        let Billed { demand, is_exact, by_session } = billed;
        let seller = &self.config.seller;
        let scale = seller.asset.scale();
        let Some(amount_minor) = demand.amount.minor(scale) else { return };
        let price = Price {
            network: seller.network,
            payee: demand.seller_unique_id.clone(),
            amount_minor,
            currency: demand.currency.clone(),
            scale,
        };
        let (note, authority) = (Note::of(demand), seller.server.as_str());
        let scheme = if *is_exact { Scheme::Exact } else { Scheme::Upto };
        let asked = x402::Requirements::of_bill(&price, &note, scheme, authority, seller.pay_window_seconds);
        let origin = seller.public_url.as_str().trim_end_matches('/');
        let path = target.path_and_query().map_or("/", |target| target.as_str());
        let asked = x402::required(&format!("{origin}{path}"), "Payment required", &[asked]);
        put(headers, PAYMENT_REQUIRED, &asked);
        // A charge is for all of its amount.
        if *is_exact {
            let realm = seller.public_url.host_str().unwrap_or_default();
            put(headers, CHALLENGE, &Challenge::of_bill(&price, &note, authority, realm).encode());
        }
        let session = by_session.and_then(|price| self.session_terms(price));
        if let Some(terms) = session {
            let challenge = self.session_challenge(&terms, standing).encode();
            let challenge = HeaderValue::try_from(challenge).expect("it is printable");
            headers.append(HeaderName::from_static(CHALLENGE), challenge);
        }
    }
}

/// Removes what is in the `Payment` scheme from a header, and leaves what is in others.
pub(crate) fn strip_credentials(headers: &mut HeaderMap, name: &HeaderName) {
    if !headers.get_all(name).iter().any(|value| Credential::is_one(value.as_bytes())) {
        return;
    }
    let all: Vec<HeaderValue> = headers.get_all(name).iter().cloned().collect();
    headers.remove(name);
    for value in all.into_iter().filter(|value| !Credential::is_one(value.as_bytes())) {
        headers.append(name.clone(), value);
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    let value = HeaderValue::try_from(value).expect("it is printable");
    headers.insert(HeaderName::try_from(name).expect("our names are header names"), value);
}
