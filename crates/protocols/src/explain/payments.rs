//! Payments and what is said of them: proofs, credentials, vouchers, validations and receipts of a seller.

use super::bills::strip_scheme;
use super::{Explained, said};
use crate::a402::{self, CredentialText, Proof, Validation};
use crate::bare::Price;
use crate::mpp::session::{Action, SessionCredential};
use crate::mpp::{self, Shown};
use crate::voucher::Voucher;
use crate::x402::{Fault, Payload};
use crate::{json, rfc3339};
use book::{Id, MeterId, Time};
use evidence::base64url;
use serde_json::Value;

/// What to do with a payment.
const IT_IS_MONEY: &str =
    "Whoever has it can use it once, for just this: keep it. The seller's server checks its signature.";

/// What a voucher says, by name.
const SUM_SO_FAR: &str = "sum so far, in billionths of the smallest unit";

/// A proof or a validation in A402.
pub(super) fn a402(value: &Value, now: Time) -> Option<Explained> {
    let protocol = value.get("protocol")?;
    let header = base64url::encode(&json::canonical(value));
    if protocol.get("payment_proof").is_some() {
        let mut told = Explained::new("a payment in A402: a proof for one bill").next(IT_IS_MONEY);
        match Proof::decode(&header) {
            Ok(proof) => credential_facts(&mut told, &proof.payment_proof, None, now),
            Err(fault) => told.wrong(fault.to_string()),
        }
        return Some(told);
    }
    protocol.get("validation_status")?;
    let mut told = Explained::new("what a seller says of a payment in A402");
    match Validation::decode(&header) {
        Ok(said) => {
            told.fact("payment", said.validation_status());
            told.fact("delivery", said.delivery_status());
            told.fact("state", said.transaction_state());
            told.fact("number", &said.about().trade_no);
            told.fact("at", said.validated_at().as_str());
            if let Some(charged) = said.method().members().get("charged").and_then(Value::as_str) {
                told.fact("charged", charged);
            }
            if let Some(error) = said.error() {
                told.wrong(format!("the seller reports: {}", error.error_id().as_str()));
            }
        }
        Err(fault) => told.wrong(fault.to_string()),
    }
    Some(told)
}

/// A payment or its outcome in x402.
pub(super) fn x402(value: &Value, now: Time) -> Option<Explained> {
    if value.get("x402Version").is_some() && value.get("payload").is_some() {
        return Some(x402_payment(value, now));
    }
    let (success, network) = (value.get("success")?.as_bool()?, said(value, "network")?);
    let mut told = Explained::new(if success {
        "an outcome in x402: the payment was settled"
    } else {
        "an outcome in x402: the payment was not settled"
    });
    told.fact("network", network);
    told.fact_if_any("transaction", said(value, "transaction").filter(|text| !text.is_empty()));
    told.fact_if_any("payer", said(value, "payer"));
    told.fact_if_any("smallest units", said(value, "amount"));
    if let Some(reason) = said(value, "errorReason") {
        told.wrong(format!("the reason is `{reason}`"));
    }
    if success && said(value, "transaction").is_none_or(str::is_empty) {
        told.wrong("`transaction` is missing: nobody can look it up");
    }
    Some(told)
}

fn x402_payment(value: &Value, now: Time) -> Explained {
    let mut told = Explained::new("a payment in x402").next(IT_IS_MONEY);
    if value.get("x402Version").and_then(Value::as_u64) == Some(1) {
        told.wrong("version 1 is left by its authors: sellers of version 2 do not take it");
        told.fact_if_any("network", said(value, "network"));
        return told;
    }
    match Payload::read(value.clone()) {
        Ok(payload) => {
            let accepted = &payload.accepted;
            told.fact("scheme", accepted.scheme);
            told.fact("network", accepted.network);
            told.fact_if_any("at", payload.resource.as_ref());
            match accepted.price() {
                Ok(price) => credential_facts(&mut told, &payload.credential, Some(&price), now),
                Err(fault) => told.wrong(fault.to_string()),
            }
            if accepted.are_billed()
                && let Err(fault) = payload.into_proof()
            {
                told.wrong(fault.to_string());
            }
        }
        Err(Fault::Network) => {
            let accepted = value.get("accepted").unwrap_or(&Value::Null);
            told.fact_if_any("network", said(accepted, "network"));
            told.fact_if_any("scheme", said(accepted, "scheme"));
            told.fact_if_any("smallest units", said(accepted, "amount"));
            told.fact_if_any("asset", said(accepted, "asset"));
            told.fact_if_any("to", said(accepted, "payTo"));
            told.next = "It is on another network: its facilitator verifies and settles it.";
        }
        Err(fault) => told.wrong(fault.to_string()),
    }
    told
}

/// A credential of the `Payment` scheme, as it stands in `Authorization`.
pub(super) fn authorization(text: &str, now: Time) -> Option<Explained> {
    let token = strip_scheme(text, mpp::SCHEME.trim())?;
    let value = base64url::decode(token).and_then(|text| json::parse(&text).ok());
    let Some(value) = value else {
        let mut told = Explained::new("a credential of the `Payment` scheme");
        told.wrong("it is not JSON in Base64URL");
        return Some(told);
    };
    credential_of_payment_scheme(&value, now)
}

/// A credential or a receipt of the `Payment` scheme.
pub(super) fn credential_of_payment_scheme(value: &Value, now: Time) -> Option<Explained> {
    if let Some(challenge) = value.get("challenge").filter(|_| value.get("payload").is_some()) {
        let mut told = Explained::new("a payment in the `Payment` scheme").next(IT_IS_MONEY);
        let method = said(challenge, "method").unwrap_or("?");
        told.fact("method", method);
        told.fact_if_any("at", said(challenge, "realm"));
        if method != mpp::METHOD {
            told.next = "It is of another method: the seller checks it by the document of that.";
            return Some(told);
        }
        let header = format!("{}{}", mpp::SCHEME, base64url::encode(&json::canonical(value)));
        match Shown::decode(&header) {
            Ok(Shown::Session(SessionCredential { action, .. })) => {
                let (wanted, voucher) = match action {
                    Action::Open(voucher) | Action::Voucher(voucher) => ("a call", voucher),
                    Action::TopUp { last, .. } => ("another channel in place of this one", last),
                    Action::Close(voucher) => ("the end of the session", voucher),
                };
                told.fact("for", wanted);
                told.fact("channel", MeterId(Id(voucher.channel.to_be_bytes())));
                told.fact(SUM_SO_FAR, voucher.total_nanos);
            }
            Ok(Shown::Charge(credential)) => {
                match credential.challenge.price() {
                    Ok(price) => credential_facts(&mut told, &credential.credential, Some(&price), now),
                    Err(fault) => told.wrong(fault.to_string()),
                }
                if credential.challenge.is_billed()
                    && let Err(fault) = credential.into_proof()
                {
                    told.wrong(fault.to_string());
                }
            }
            Err(fault) => told.wrong(fault.to_string()),
        }
        return Some(told);
    }
    let (status, method, reference) =
        (said(value, "status")?, said(value, "method")?, said(value, "reference")?);
    let mut told = Explained::new("a receipt of the `Payment` scheme");
    told.fact("status", status);
    told.fact("method", method);
    told.fact("number", reference);
    told.fact_if_any("at", said(value, "timestamp"));
    if status != "success" {
        told.wrong("a receipt states success or does not exist");
    }
    if said(value, "timestamp").and_then(rfc3339::parse).is_none() {
        told.wrong("`timestamp` is no instant");
    }
    Some(told)
}

/// The payment service's signed statement that a bill is paid, alone.
pub(super) fn statement(value: &Value, now: Time) -> Option<Explained> {
    value.get("credential").filter(|_| value.get("signature").is_some())?;
    let mut told = Explained::new("a payment service's statement that a bill is paid").next(IT_IS_MONEY);
    match CredentialText::parse(base64url::encode(&json::canonical(value))) {
        Ok(text) => credential_facts(&mut told, &text, None, now),
        Err(fault) => told.wrong(fault.to_string()),
    }
    Some(told)
}

/// A voucher of a channel.
pub(super) fn voucher(text: &str) -> Explained {
    let mut told = Explained::new("a voucher: the sum of all calls through one channel, signed by the buyer")
        .next("Only the latest counts. The seller's gateway checks the signature against the channel's key.");
    match Voucher::parse(text) {
        Ok(voucher) => {
            let channel = text.split('.').next().unwrap_or_default();
            told.fact("channel", channel);
            told.fact(SUM_SO_FAR, voucher.total_nanos);
        }
        Err(fault) => told.wrong(fault.to_string()),
    }
    told
}

/// What a credential claims, and whether it is for what was asked.
fn credential_facts(told: &mut Explained, text: &CredentialText, asked: Option<&Price>, now: Time) {
    let stated = match a402::Credential::claimed(text) {
        Ok(stated) => stated,
        Err(fault) => {
            told.wrong(fault.to_string());
            return;
        }
    };
    told.fact("states as paid", format!("{} {}", stated.amount, stated.currency));
    told.fact("to", &stated.seller_unique_id);
    told.fact("for", &stated.resource_id);
    told.fact("bill", &stated.out_trade_no);
    told.fact("payment", &stated.trade_no);
    told.fact("buyer", &stated.buyer_unique_id);
    told.fact("good until", stated.expires_at.as_str());
    if stated.expires_at.time() <= now {
        told.wrong("its time is over: it pays for nothing any more");
    }
    let Some(asked) = asked else { return };
    let is_same = stated.currency == asked.currency
        && stated.amount.minor(asked.scale) == Some(asked.amount_minor)
        && stated.seller_unique_id == asked.payee
        && stated.method_id == asked.network.method_id();
    if !is_same {
        told.wrong("it states another amount, payee or network than what was accepted: it does not pay that");
    }
}
