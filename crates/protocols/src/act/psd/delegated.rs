//! `PSD-PAY-DEL`, level 2: paying for what was fixed beforehand, under a `SPECIFIED` credential.

use super::instant::TradeStatus;
use super::signature::signed_request;
use super::tool::{Level, PaymentClaim, ToolClaim};
use crate::a402::{AmountText, Currency, Fingerprint, Identifier, Misshapen, SignatureText, text::text};
use crate::act::object::{Fault, Field, Malformed, messages, object, quote, string};
use crate::act::text::{Sentence, UtcTime};
use crate::limits::IAC_TEXT_BYTES_MAX;
use std::fmt;

text! {
    /// A compact credential as a request carries it: whole, and unchecked.
    IacText, "a compact credential of up to 32768 characters", |text| {
        (1..=IAC_TEXT_BYTES_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    }
}

impl Field for IacText {
    fn read(raw: &str) -> Result<Self, Fault> {
        IacText::parse(string(raw)?).map_err(Fault::Itself)
    }

    fn write(&self, out: &mut String) {
        quote(self.as_str(), out);
    }
}

object! {
    /// Asks for a payment under a credential (DEL-03). Names as in version 2.0.
    pub struct DelegatedRequest closed "request" checked check {
        required request_id: Identifier,
        required buyer_agent_id: Identifier,
        required delegation_id: Identifier,
        /// The complete credential.
        required iac: IacText,
        optional merchant_id: Identifier,
        required merchant_order_id: Identifier,
        /// The digest of the cart that was confirmed.
        optional cart_snapshot_hash: Fingerprint,
        required amount: AmountText,
        required currency: Currency,
        optional payment_method: Identifier,
        /// One tool: a reference, or a sub-account with its key's proof.
        optional payment_token: Identifier,
        optional subaccount_id: Identifier,
        optional subaccount_proof: SignatureText,
        optional description: Sentence,
        required timestamp: UtcTime,
        required signature: SignatureText,
        optional signature_covered_fields: Vec<Identifier>,
    }
}

object! {
    /// How it went. The agent adds up what this confirms, and nothing else (DEL-11).
    pub struct DelegatedResponse open_ended "response" {
        required request_id: Identifier,
        required trade_no: Identifier,
        required delegation_id: Identifier,
        required merchant_order_id: Identifier,
        required trade_status: TradeStatus,
        /// What was paid.
        optional amount: AmountText,
        optional currency: Currency,
        optional payment_time: UtcTime,
    }
}

messages!(DelegatedRequest in "request", DelegatedResponse in "response");
signed_request!(DelegatedRequest lists its coverage, must cover must_cover);

fn check(request: &DelegatedRequest) -> Result<(), Malformed> {
    let tool = tool(&request.payment_token, &request.subaccount_id, &request.subaccount_proof);
    tool.map(|_| ()).ok_or(NO_TOOL)
}

fn must_cover(_: &DelegatedRequest) -> Vec<&'static str> {
    vec!["request_id", "delegation_id", "merchant_order_id", "amount", "currency", "timestamp"]
}

impl DelegatedRequest {
    /// What the request says; nothing where it does not name one tool.
    pub fn claim(&self) -> Option<PaymentClaim<'_>> {
        Some(PaymentClaim {
            level: Level::Delegated,
            request_id: &self.request_id,
            agent_id: &self.buyer_agent_id,
            order_no: &self.merchant_order_id,
            order_field: "merchant_order_id",
            merchant_id: self.merchant_id.as_ref(),
            cart_snapshot_hash: self.cart_snapshot_hash.as_ref(),
            amount: &self.amount,
            currency: &self.currency,
            payment_method: self.payment_method.as_ref(),
            tool: tool(&self.payment_token, &self.subaccount_id, &self.subaccount_proof)?,
            delegation_id: Some(&self.delegation_id),
            iac: Some(&self.iac),
            timestamp: &self.timestamp,
        })
    }

    /// The answer to the agent.
    pub fn respond(
        &self,
        trade_no: Identifier,
        trade_status: TradeStatus,
        payment_time: Option<UtcTime>,
    ) -> DelegatedResponse {
        DelegatedResponse {
            request_id: self.request_id.clone(),
            trade_no,
            delegation_id: self.delegation_id.clone(),
            merchant_order_id: self.merchant_order_id.clone(),
            trade_status,
            amount: Some(self.amount.clone()),
            currency: Some(self.currency.clone()),
            payment_time,
        }
    }
}

pub(super) const NO_TOOL: Malformed = Malformed::Rule {
    path: "request",
    name: "payment_token",
    rule: "either it, or `subaccount_id` and `subaccount_proof`, must be there",
};

/// The one tool a request names.
pub(super) fn tool<'a>(
    token: &'a Option<Identifier>,
    subaccount_id: &'a Option<Identifier>,
    proof: &'a Option<SignatureText>,
) -> Option<ToolClaim<'a>> {
    match (token, subaccount_id, proof) {
        (Some(token), None, None) => Some(ToolClaim::Token(token)),
        (None, Some(subaccount_id), Some(proof)) => Some(ToolClaim::SubAccount { subaccount_id, proof }),
        (Some(_), _, _) | (None, Some(_), None) | (None, None, _) => None,
    }
}
