//! What every request for a payment claims, whichever message it came in.

use super::delegated::IacText;
use super::subaccount_proof::ProofFacts;
use crate::a402::{AmountText, Currency, Fingerprint, Identifier, SignatureText, words::words};
use crate::act::text::UtcTime;

words! {
    /// Who decides about a payment: the three levels of ACT.
    Level {
        /// Level 1: the principal confirms this payment.
        Instant = "INS",
        /// Level 2: a `SPECIFIED` credential.
        Delegated = "DEL",
        /// Level 3: a `BOUNDED` credential.
        Autonomous = "AUP",
    }
}

/// With what the agent wants to pay.
#[derive(Clone, Copy, Debug)]
pub enum ToolClaim<'a> {
    /// A reference from `PSD-PMT-BND`.
    Token(&'a Identifier),
    /// A sub-account, and what its key made for this payment.
    SubAccount { subaccount_id: &'a Identifier, proof: &'a SignatureText },
}

/// What a request says, before any of it was checked.
#[derive(Clone, Copy, Debug)]
pub struct PaymentClaim<'a> {
    pub level: Level,
    pub request_id: &'a Identifier,
    pub agent_id: &'a Identifier,
    /// The merchant's order number, or the `out_trade_no` of a bill.
    pub order_no: &'a Identifier,
    /// What the order number is called in the request.
    pub order_field: &'static str,
    pub merchant_id: Option<&'a Identifier>,
    pub cart_snapshot_hash: Option<&'a Fingerprint>,
    pub amount: &'a AmountText,
    pub currency: &'a Currency,
    pub payment_method: Option<&'a Identifier>,
    pub tool: ToolClaim<'a>,
    pub delegation_id: Option<&'a Identifier>,
    pub iac: Option<&'a IacText>,
    pub timestamp: &'a UtcTime,
}

impl PaymentClaim<'_> {
    /// What a sub-account's key has to have signed for this payment.
    pub fn proof_facts(&self, subaccount_id: &Identifier) -> ProofFacts {
        ProofFacts {
            request_id: self.request_id.clone(),
            subaccount_id: subaccount_id.clone(),
            delegation_id: self.delegation_id.cloned(),
            order_field: self.order_field,
            order_no: self.order_no.clone(),
            amount: self.amount.clone(),
            currency: self.currency.clone(),
            timestamp: self.timestamp.clone(),
        }
    }
}

/// The one order number of a request, and what it is called there.
pub(super) fn order<'a>(
    merchant_order_id: Option<&'a Identifier>,
    out_trade_no: Option<&'a Identifier>,
) -> Option<(&'static str, &'a Identifier)> {
    match (merchant_order_id, out_trade_no) {
        (Some(order), None) => Some(("merchant_order_id", order)),
        (None, Some(order)) => Some(("out_trade_no", order)),
        (None, None) | (Some(_), Some(_)) => None,
    }
}
