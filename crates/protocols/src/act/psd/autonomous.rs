//! `PSD-PAY-AUP`, level 3: the agent chooses what to buy inside a `BOUNDED` credential, payment by payment.

use super::delegated::{IacText, NO_TOOL, tool};
use super::instant::TradeStatus;
use super::signature::signed_request;
use super::tool::{Level, PaymentClaim, order};
use crate::a402::{AmountText, Currency, Fingerprint, Identifier, SignatureText};
use crate::act::object::{Malformed, messages, object};
use crate::act::text::{Sentence, UtcTime};

object! {
    /// Asks for a payment under a `BOUNDED` credential (AUP-05). The layout is ours.
    pub struct AutonomousRequest closed "request" checked check {
        required request_id: Identifier,
        required buyer_agent_id: Identifier,
        required delegation_id: Identifier,
        /// The complete credential.
        required iac: IacText,
        /// The bill of A402, or a merchant's order.
        optional out_trade_no: Identifier,
        optional resource_id: Identifier,
        optional merchant_order_id: Identifier,
        optional merchant_id: Identifier,
        optional cart_snapshot_hash: Fingerprint,
        required amount: AmountText,
        required currency: Currency,
        optional payment_method: Identifier,
        /// One tool: a reference, or a sub-account with its key's proof. The latter keeps money apart.
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
    /// How it went (AUP-09).
    pub struct AutonomousResponse open_ended "response" {
        required request_id: Identifier,
        required trade_no: Identifier,
        required delegation_id: Identifier,
        optional out_trade_no: Identifier,
        optional merchant_order_id: Identifier,
        required trade_status: TradeStatus,
        /// What was paid.
        optional amount: AmountText,
        optional currency: Currency,
        optional payment_time: UtcTime,
    }
}

messages!(AutonomousRequest in "request", AutonomousResponse in "response");
signed_request!(AutonomousRequest lists its coverage, must cover must_cover);

fn check(request: &AutonomousRequest) -> Result<(), Malformed> {
    let tool = tool(&request.payment_token, &request.subaccount_id, &request.subaccount_proof);
    let order = order(request.merchant_order_id.as_ref(), request.out_trade_no.as_ref());
    if order.is_none() {
        let rule = "either it or `merchant_order_id` must be there";
        return Err(Malformed::Rule { path: "request", name: "out_trade_no", rule });
    }
    tool.map(|_| ()).ok_or(NO_TOOL)
}

fn must_cover(request: &AutonomousRequest) -> Vec<&'static str> {
    let order = order(request.merchant_order_id.as_ref(), request.out_trade_no.as_ref());
    let fixed = ["request_id", "delegation_id", "amount", "currency", "timestamp"];
    order.map(|(field, _)| field).into_iter().chain(fixed).collect()
}

impl AutonomousRequest {
    /// What the request says; nothing where it does not name one order and one tool.
    pub fn claim(&self) -> Option<PaymentClaim<'_>> {
        let (order_field, order_no) = order(self.merchant_order_id.as_ref(), self.out_trade_no.as_ref())?;
        Some(PaymentClaim {
            level: Level::Autonomous,
            request_id: &self.request_id,
            agent_id: &self.buyer_agent_id,
            order_no,
            order_field,
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
    ) -> AutonomousResponse {
        AutonomousResponse {
            request_id: self.request_id.clone(),
            trade_no,
            delegation_id: self.delegation_id.clone(),
            out_trade_no: self.out_trade_no.clone(),
            merchant_order_id: self.merchant_order_id.clone(),
            trade_status,
            amount: Some(self.amount.clone()),
            currency: Some(self.currency.clone()),
            payment_time,
        }
    }
}
