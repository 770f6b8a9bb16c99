//! Verifying one intent authorization credential: its issuer signed it, and its window is open. Nobody is asked.

use crate::exit::{Exit, Failure, Outcome};
use crate::output::Output;
use evidence::{PublicKey, base64url};
use protocols::act::iac::{ClaimedIac, Iac};
use protocols::act::{Identifier, Keyring};
use serde::Serialize;
use std::fs;
use std::path::Path;
use wire::act::{Credential, CredentialKeys};

#[derive(Serialize)]
struct Verified {
    verified: &'static str,
    delegation_id: String,
    delegator_identity: String,
    agent_id: String,
    delegation_mode: String,
    max_total_amount: String,
    currency: String,
    valid_until: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_reference: Option<String>,
}

/// Verifies the credential in the file with the issuer's keys in another.
pub(crate) fn verify(output: &Output, path: &Path, keys: &Path) -> Outcome {
    let text = read(path)?;
    // Either the compact text alone, or the answer that a server gave with it.
    let answer = serde_json::from_str::<Credential>(&text).map(|answer| answer.credential);
    let token = answer.unwrap_or_else(|_| text.trim().to_owned());
    let is_false =
        |why: &dyn std::fmt::Display| Failure::new(Exit::False, format!("the credential is false: {why}"));
    let claimed = ClaimedIac::read(&token).map_err(|why| is_false(&why))?;
    let keys = keyring(&read(keys)?, &claimed.claimed().payload.delegator_identity)
        .ok_or_else(|| Failure::usage("`--jwks` is no set of keys on P-256"))?;
    let now = engine::Clock::default().now();
    let verified = claimed.verify(&keys, now).map_err(|why| is_false(&why))?;
    let shown = shown(verified.iac());
    output.line(format!(
        "{} `{}` of `{}` lets `{}` spend at most {} {} in all, {}, until {}",
        output.good("✓"),
        shown.delegation_id,
        shown.delegator_identity,
        shown.agent_id,
        shown.max_total_amount,
        shown.currency,
        shown.delegation_mode,
        shown.valid_until,
    ));
    if let Some(place) = &shown.status_reference {
        output.line(format!("     whether it was suspended or revoked since says {place}"));
    }
    output.object(&shown);
    Ok(())
}

fn shown(iac: &Iac) -> Verified {
    let payload = &iac.payload;
    Verified {
        verified: "credential",
        delegation_id: payload.delegation_id.as_str().to_owned(),
        delegator_identity: payload.delegator_identity.as_str().to_owned(),
        agent_id: payload.agent_id.as_str().to_owned(),
        delegation_mode: payload.mode().as_str().to_owned(),
        max_total_amount: payload.max_total_amount.to_string(),
        currency: payload.currency_or_default().as_str().to_owned(),
        valid_until: payload.validity_end_time.as_str().to_owned(),
        status_reference: iac.status_reference.as_ref().map(|place| place.as_str().to_owned()),
    }
}

/// The keys in the set: whoever chose the file says that they speak for this principal.
fn keyring(text: &str, delegator: &Identifier) -> Option<Keyring> {
    let set: CredentialKeys = serde_json::from_str(text).ok()?;
    let mut keys = Keyring::default();
    for key in set.keys {
        let (x, y) = (base64url::decode(&key.x)?, base64url::decode(&key.y)?);
        let public = PublicKey::es256(&x, &y).ok()?;
        keys.trust(Identifier::parse(key.kid).ok()?, delegator.clone(), public);
    }
    Some(keys)
}

fn read(path: &Path) -> Outcome<String> {
    fs::read_to_string(path).map_err(|fault| Failure::fault(format!("`{}`: {fault}", path.display())))
}
