//! Verifying what a seller signed: one bill of counted work, or a quote. Of a bill each signature, each price under the catalogue that was in force, and the sum.

use crate::exit::{Exit, Failure, Outcome};
use crate::output::Output;
use evidence::{Algorithm, PublicKey, base64url};
use pricing::Bill;
use serde::Serialize;
use std::fs;
use std::path::Path;
use wire::a402::A402SellerKeys;

#[derive(Serialize)]
struct Verified {
    verified: &'static str,
    meter: String,
    calls: usize,
    estimated: usize,
    exact_nanos: String,
    amount: String,
}

/// Computes the bill in the file again, with the seller's keys in another.
pub(crate) fn verify(output: &Output, path: &Path, keys: &Path, body: Option<&Path>) -> Outcome {
    let read = |path: &Path| fs::read(path).map_err(|fault| Failure::from(fault).during(path.display()));
    let is_false =
        |why: &dyn std::fmt::Display| Failure::new(Exit::False, format!("the bill is false: {why}"));
    let keys: A402SellerKeys = serde_json::from_slice(&read(keys)?)
        .map_err(|why| Failure::usage(format!("`--seller-keys` is no answer with a seller's keys: {why}")))?;
    let text = read(path)?;
    if let Some(kept) = super::terms::read(&text) {
        return super::terms::verify(output, kept, &keys, body);
    }
    let bill = Bill::read(&text).map_err(|why| is_false(&why))?;
    let checked = bill.check(|name| key(&keys, name)).map_err(|why| is_false(&why))?;
    output.line(format!(
        "{} {} calls, {} of them estimated, come to {} smallest units on meter {}",
        output.good("✓"),
        checked.calls,
        checked.estimated,
        checked.amount.minor(),
        bill.meter,
    ));
    output.line(format!("     exactly {} billionths, rounded once", checked.exact.get()));
    output.object(&Verified {
        verified: "bill",
        meter: bill.meter.clone(),
        calls: checked.calls,
        estimated: checked.estimated,
        exact_nanos: checked.exact.get().to_string(),
        amount: checked.amount.minor().to_string(),
    });
    Ok(())
}

pub(crate) fn key(keys: &A402SellerKeys, name: &str) -> Option<PublicKey> {
    let found = keys.keys.iter().find(|key| key.key_id.to_string() == name)?;
    let mut bytes = base64url::decode(&found.public_key)?;
    let algorithm = match found.algorithm {
        wire::account::Algorithm::Ed25519 => Algorithm::Ed25519,
        wire::account::Algorithm::Es256 => {
            bytes.insert(0, 4); // SEC 1 section 2.3.3: an uncompressed point
            Algorithm::Es256
        }
    };
    PublicKey::from_bytes(algorithm, &bytes).ok()
}
