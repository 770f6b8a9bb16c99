//! What a seller's answer says about payment, in its headers.

use crate::buyer::{Dialect, NotBought, SellerAnswer};
use pricing::QUOTE_HEADER;
use protocols::a402::Validation;
use protocols::a402::headers::{Aliases, HeaderRole, PAYMENT_NEEDED, find};
use protocols::x402::PAYMENT_REQUIRED;
use reqwest::header::HeaderMap;

/// A demand, as its headers have it.
#[derive(Clone, Debug)]
pub(crate) struct Demanded {
    pub(crate) dialect: Dialect,
    /// The bill, or what x402 requires.
    pub(crate) needed: String,
    /// What is promised for it, where it was signed.
    pub(crate) quote: Option<String>,
}

/// What an answer asks for, in whatever dialect; a signed bill counts first.
pub(crate) fn demanded_by(answer: &SellerAnswer) -> Result<Option<Demanded>, NotBought> {
    let required = answer.headers.get(PAYMENT_REQUIRED).and_then(|value| value.to_str().ok());
    match (demand_of(answer), required) {
        (Ok(Some(needed)), _) => {
            Ok(Some(Demanded { dialect: Dialect::A402, needed, quote: quote_of(answer)? }))
        }
        (Err(_), Some(required)) if !answer.headers.contains_key(PAYMENT_NEEDED) => {
            Ok(Some(Demanded { dialect: Dialect::X402, needed: required.to_owned(), quote: None }))
        }
        (Ok(None), _) => Ok(None),
        (Err(fault), _) => Err(fault),
    }
}

/// The signed bill of an answer.
pub(crate) fn demand_of(answer: &SellerAnswer) -> Result<Option<String>, NotBought> {
    if answer.status != 402 {
        return Ok(None);
    }
    find(HeaderRole::Needed, Aliases::Off, named(&answer.headers))
        .map_err(|fault| NotBought::Demand(fault.to_string()))?
        .map(str::to_owned)
        .ok_or_else(|| NotBought::Demand("it is not one of A402".to_owned()))
        .map(Some)
}

pub(crate) fn validation_of(answer: &SellerAnswer) -> Option<Validation> {
    let value = find(HeaderRole::Validation, Aliases::Off, named(&answer.headers)).ok()??;
    Validation::decode(value).ok()
}

fn named(headers: &HeaderMap) -> impl Iterator<Item = (&str, &[u8])> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()))
}

/// The quote that came with an answer, as its header has it.
pub(crate) fn quote_of(answer: &SellerAnswer) -> Result<Option<String>, NotBought> {
    let mut values = answer.headers.get_all(QUOTE_HEADER).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => Ok(value.to_str().ok().map(str::to_owned)),
        (Some(_), Some(_)) => Err(NotBought::Demand(format!("`{QUOTE_HEADER}` is there more than once"))),
    }
}
