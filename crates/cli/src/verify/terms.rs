//! Verifying what was bought on terms: the seller's quote, the seller's evaluation of the answer, and the answer itself.

use crate::exit::{Exit, Failure, Outcome};
use crate::output::Output;
use pricing::{Body, Evaluated, Quote, SealFault, Sealed};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use wire::a402::A402SellerKeys;

/// What `pay --terms-out` writes: the quote that was paid, and what the seller says the answer came to.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kept {
    pub(crate) quote: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) evaluation: Option<Value>,
}

#[derive(Serialize)]
struct Verified {
    verified: &'static str,
    quote: String,
    payee: String,
    resource: String,
    price: String,
    asset: String,
    terms: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    met: Option<Vec<bool>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owed: Option<String>,
}

/// What is in a file that may be a quote: the quote alone, as a header or as JSON, or with its evaluation. None where it is
/// something else.
pub(crate) fn read(text: &[u8]) -> Option<Kept> {
    if let Ok(kept) = serde_json::from_slice::<Kept>(text) {
        return Some(kept);
    }
    let header = std::str::from_utf8(text).ok().and_then(|text| evidence::base64url::decode(text.trim()));
    let value: Value = serde_json::from_slice(header.as_deref().unwrap_or(text)).ok()?;
    let is_sealed = value.get("body").is_some() && value.get("signature").is_some();
    is_sealed.then_some(Kept { quote: value, evaluation: None })
}

/// Verifies a quote and, where it is there, evaluates the answer again.
pub(crate) fn verify(
    output: &Output,
    kept: Kept,
    keys: &A402SellerKeys,
    body: Option<&std::path::Path>,
) -> Outcome {
    let is_false =
        |why: &dyn std::fmt::Display| Failure::new(Exit::False, format!("the quote is false: {why}"));
    let quote = open::<Quote>(kept.quote, keys).map_err(|why| is_false(&why))?;
    if quote.body().payee != keys.payee.to_string() {
        return Err(is_false(&format!("it is of `{}`, and the keys are another's", quote.body().payee)));
    }
    let terms: Vec<String> = quote.body().terms.in_words().collect();
    let price = format!("{} smallest units of {}", quote.body().amount.minor(), quote.body().asset);
    let evaluated = match (kept.evaluation, body) {
        (None, None) => None,
        (None, Some(_)) => {
            return Err(Failure::usage("there is no evaluation beside the quote to check a body by"));
        }
        (Some(_), None) => {
            return Err(Failure::usage("an evaluation is of an answer: give it with `--body FILE`"));
        }
        (Some(said), Some(path)) => {
            let body = std::fs::read(path).map_err(|fault| Failure::from(fault).during(path.display()))?;
            let is_false = |why: &dyn std::fmt::Display| {
                Failure::new(Exit::False, format!("the evaluation is false: {why}"))
            };
            let said = open::<Evaluated>(said, keys).map_err(|why| is_false(&why))?;
            said.body().check(&quote, &body).map_err(|why| is_false(&why))?;
            Some(said)
        }
    };
    output.line(format!(
        "{} {price} for {}, signed by {}",
        output.good("✓"),
        quote.body().resource,
        quote.body().payee
    ));
    let met = evaluated.as_ref().map(|said| said.body().met.clone());
    for (at, term) in terms.iter().enumerate() {
        let mark = match met.as_ref().and_then(|met| met.get(at)) {
            None => "-",
            Some(true) => "met",
            Some(false) => "not met",
        };
        output.line(format!("     {mark}: {term}"));
    }
    let owed = evaluated.as_ref().map(|said| said.body().owed.clone());
    if let Some(owed) = &owed {
        output.line(format!("     so {owed} is owed"));
    }
    output.object(&Verified {
        verified: if owed.is_some() { "evaluation" } else { "quote" },
        quote: quote.name().to_owned(),
        payee: quote.body().payee.clone(),
        resource: quote.body().resource.clone(),
        price: quote.body().amount.minor().to_string(),
        asset: quote.body().asset.clone(),
        terms,
        met,
        owed,
    });
    Ok(())
}

fn open<T: Body>(value: Value, keys: &A402SellerKeys) -> Result<Sealed<T>, SealFault> {
    Sealed::open_value(value, |name| super::bill::key(keys, name))
}
