//! Tokens: mandates and other signed statements in three parts, and chains of them with disclosures.

use super::{Explained, said};
use crate::act::iac::ClaimedIac;
use crate::limits::EXPLAINED_LIST_COUNT_MAX;
use crate::{ap2, json};
use book::Time;
use evidence::base64url;
use serde_json::Value;

/// Any token, if `text` is one.
pub(super) fn token(text: &str, now: Time) -> Option<Explained> {
    if text.contains('~') {
        return chain(text, now);
    }
    let (header, claims) = parts(text)?;
    if said(&header, "typ") == Some("vc+jwt") {
        return Some(authorization_credential(text, now));
    }
    let mut told = match (said(&claims, "reference"), said(&claims, "status")) {
        (Some(_), Some(status @ ("Success" | "Error"))) => {
            let mut told = Explained::new("a receipt in AP2");
            told.fact("status", status);
            told.fact_if_any("payment", said(&claims, "payment_id"));
            told.fact_if_any("order", said(&claims, "order_id"));
            if let Some(error) = said(&claims, "error") {
                told.wrong(format!("it was refused: `{error}`"));
            }
            told
        }
        _ => Explained::new("a signed token (JWT)"),
    };
    header_facts(&mut told, &header);
    told.fact_if_any("issuer", said(&claims, "iss"));
    window(&mut told, &claims, now);
    Some(told.next("Its signature is checked with its issuer's key."))
}

/// A credential of ACT by which a person lets an agent act.
fn authorization_credential(text: &str, now: Time) -> Explained {
    let mut told = Explained::new("a mandate: an intent authorization credential of ACT 2.1")
        .next("`tollbridge verify FILE --jwks KEYS` checks its signature with its issuer's keys.");
    let claimed = match ClaimedIac::read(text) {
        Ok(claimed) => claimed,
        Err(fault) => {
            told.wrong(fault.to_string());
            return told;
        }
    };
    let payload = &claimed.claimed().payload;
    told.fact("from", &payload.delegator_identity);
    told.fact("to the agent", &payload.agent_id);
    told.fact("level", payload.mode());
    let currency = payload.currency_or_default();
    told.fact("all payments together at most", format!("{} {currency}", payload.max_total_amount));
    told.fact("from the instant", payload.validity_start_time.as_str());
    told.fact("until", payload.validity_end_time.as_str());
    if let Some(methods) = &payload.allowed_payment_methods {
        let methods: Vec<&str> = methods.iter().map(|method| method.as_str()).collect();
        told.fact("only by", methods.join(", "));
    }
    told.fact("signed by", claimed.key_id());
    if payload.validity_end_time.time() <= now {
        told.wrong("its time is over: nothing can be paid by it any more");
    } else if now < payload.validity_start_time.time() {
        told.wrong("its time has not come: nothing can be paid by it yet");
    }
    told
}

/// Tokens with disclosures, each of which may hand on what the one before allows.
fn chain(text: &str, now: Time) -> Option<Explained> {
    let mut hops = Vec::new();
    let mut disclosed = Vec::new();
    for part in text.split('~').filter(|part| !part.is_empty()).take(EXPLAINED_LIST_COUNT_MAX) {
        if part.contains('.') {
            hops.push(parts(part)?);
        } else {
            disclosed.push(json::parse(&base64url::decode(part)?).ok()?);
        }
    }
    let (header, _) = hops.first()?;
    let mut mandates = Vec::new();
    for value in disclosed.iter().chain(hops.iter().map(|(_, claims)| claims)) {
        // A disclosure is a list whose last member is what it discloses.
        let value = value.as_array().and_then(|list| list.last()).unwrap_or(value);
        mandates.extend(said(value, "vct").map(|vct| (vct, value)));
    }
    let is_mandate = mandates.iter().any(|(vct, _)| vct.starts_with("mandate."));
    let mut told = if is_mandate {
        Explained::new(format!("a mandate in AP2, of {} signed parts", hops.len()))
    } else {
        Explained::new(format!("a token with disclosures (SD-JWT), of {} signed parts", hops.len()))
    };
    header_facts(&mut told, header);
    for (vct, mandate) in &mandates {
        told.fact("kind", vct);
        mandate_facts(&mut told, mandate);
    }
    for (_, claims) in &hops {
        window(&mut told, claims, now);
    }
    for (_, mandate) in &mandates {
        window(&mut told, mandate, now);
    }
    if is_mandate {
        refusals(&mut told, text);
    }
    Some(told.next("Its signatures are checked with the key of whoever signed the first part."))
}

/// Why whoever verifies refuses it, whoever signed it.
fn refusals(told: &mut Explained, text: &str) {
    match ap2::Claimed::read(text) {
        Ok(claimed) => {
            let refusals = claimed.stated().into_iter().filter_map(Result::err);
            refusals.for_each(|refusal| told.wrong(format!("whoever verifies refuses it: {refusal}")));
        }
        Err(refusal) => told.wrong(format!("whoever verifies refuses it: {refusal}")),
    }
}

fn mandate_facts(told: &mut Explained, mandate: &Value) {
    let amount = mandate.get("payment_amount");
    if let Some((amount, currency)) =
        amount.and_then(|amount| Some((amount.get("amount")?.as_u64()?, said(amount, "currency")?)))
    {
        told.fact("pays", format!("{amount} smallest units of {currency}"));
    }
    told.fact_if_any("to", mandate.get("payee").and_then(|payee| said(payee, "name").or(said(payee, "id"))));
    for constraint in mandate.get("constraints").and_then(Value::as_array).into_iter().flatten() {
        told.fact_if_any(
            "constraint",
            said(constraint, "type").map(|kind| constraint_words(kind, constraint)),
        );
    }
}

fn constraint_words(kind: &str, constraint: &Value) -> String {
    let number = |name: &str| constraint.get(name).filter(|value| value.is_number()).map(Value::to_string);
    let currency = said(constraint, "currency").unwrap_or_default();
    match (kind, number("max")) {
        ("payment.amount_range", Some(max)) => {
            format!("each payment at most {max} smallest units of {currency}")
        }
        ("payment.budget", Some(max)) => format!("all payments together at most {max} {currency}"),
        _ => kind.to_owned(),
    }
}

fn header_facts(told: &mut Explained, header: &Value) {
    told.fact_if_any("type", said(header, "typ"));
    told.fact_if_any("signed by", said(header, "kid"));
    if matches!(said(header, "alg"), Some("none") | None) {
        told.wrong("it is not signed");
    }
}

/// The time in which a token counts, where it states one in seconds since 1970.
fn window(told: &mut Explained, claims: &Value, now: Time) {
    let instant = |name: &str| {
        let seconds = claims.get(name)?.as_u64()?;
        Some(Time::from_seconds(seconds))
    };
    if instant("exp").is_some_and(|expires| expires <= now) {
        told.wrong("its time is over");
    }
    if instant("nbf").is_some_and(|begins| now < begins) {
        told.wrong("its time has not come");
    }
}

/// Header and claims of a token in three parts.
fn parts(text: &str) -> Option<(Value, Value)> {
    let mut parts = text.split('.');
    let (header, claims, signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    base64url::decode(signature)?;
    let read = |part: &str| json::parse(&base64url::decode(part)?).ok().filter(Value::is_object);
    Some((read(header)?, read(claims)?))
}
