//! Paying a confirmed order at one of ACT's three levels, by its number and in exactly its total.

use super::{Shopper, name, unsigned};
use crate::failure::Failure;
use protocols::act::cid::cart::CartConfirmation;
use protocols::act::psd::{AutonomousRequest, DelegatedRequest, IacText, InstantRequest, TradeStatus, sign};
use protocols::act::{Identifier, UtcTime};
use serde::Deserialize;

/// How far the principal has let the agent decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// She confirms this payment.
    Instant,
    /// What to buy was fixed beforehand: a `SPECIFIED` credential.
    Delegated,
    /// The agent chose: a `BOUNDED` credential.
    Autonomous,
}

/// An order to be paid.
#[derive(Clone, Copy, Debug)]
pub struct ToPay<'a> {
    /// Of this request alone; the same again is answered by what came of it.
    pub request_id: &'a Identifier,
    /// What was agreed on.
    pub confirmation: &'a CartConfirmation,
    /// The reference to the payment tool.
    pub payment_token: &'a Identifier,
    /// When the request was made: the same for the same request.
    pub timestamp: &'a UtcTime,
}

/// What came of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trade {
    /// Its number.
    pub trade_no: String,
    /// Where it stands.
    pub status: TradeStatus,
    /// What the principal is asked, while she is.
    pub question: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    trade_no: String,
    trade_status: String,
    question: Option<String>,
}

impl Shopper {
    /// Pays what the principal confirms.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn pay_instant(&self, paying: ToPay<'_>) -> Result<Trade, Failure> {
        let ToPay { request_id, confirmation, payment_token, timestamp } = paying;
        let request = InstantRequest {
            request_id: request_id.clone(),
            merchant_order_id: Some(confirmation.merchant_order_id.clone()),
            out_trade_no: None,
            resource_id: None,
            payment_token: payment_token.clone(),
            amount: confirmation.total_amount.clone(),
            currency: confirmation.currency.clone(),
            payment_method: None,
            timestamp: timestamp.clone(),
            buyer_agent_id: name(&self.agent.to_string()),
            signature: unsigned(),
            signature_covered_fields: None,
        };
        self.pay(Level::Instant, sign(request, self.signing_key()?).to_json()).await
    }

    /// Pays under a `SPECIFIED` credential.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn pay_delegated(
        &self,
        paying: ToPay<'_>,
        delegation_id: &Identifier,
        iac: &IacText,
    ) -> Result<Trade, Failure> {
        let ToPay { request_id, confirmation, payment_token, timestamp } = paying;
        let request = DelegatedRequest {
            request_id: request_id.clone(),
            buyer_agent_id: name(&self.agent.to_string()),
            delegation_id: delegation_id.clone(),
            iac: iac.clone(),
            merchant_id: Some(confirmation.merchant_id.clone()),
            merchant_order_id: confirmation.merchant_order_id.clone(),
            cart_snapshot_hash: Some(confirmation.cart_snapshot.snapshot_hash.clone()),
            amount: confirmation.total_amount.clone(),
            currency: confirmation.currency.clone(),
            payment_method: None,
            payment_token: Some(payment_token.clone()),
            subaccount_id: None,
            subaccount_proof: None,
            description: None,
            timestamp: timestamp.clone(),
            signature: unsigned(),
            signature_covered_fields: None,
        };
        self.pay(Level::Delegated, sign(request, self.signing_key()?).to_json()).await
    }

    /// Pays under a `BOUNDED` credential.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn pay_autonomous(
        &self,
        paying: ToPay<'_>,
        delegation_id: &Identifier,
        iac: &IacText,
    ) -> Result<Trade, Failure> {
        let ToPay { request_id, confirmation, payment_token, timestamp } = paying;
        let request = AutonomousRequest {
            request_id: request_id.clone(),
            buyer_agent_id: name(&self.agent.to_string()),
            delegation_id: delegation_id.clone(),
            iac: iac.clone(),
            out_trade_no: None,
            resource_id: None,
            merchant_order_id: Some(confirmation.merchant_order_id.clone()),
            merchant_id: Some(confirmation.merchant_id.clone()),
            cart_snapshot_hash: Some(confirmation.cart_snapshot.snapshot_hash.clone()),
            amount: confirmation.total_amount.clone(),
            currency: confirmation.currency.clone(),
            payment_method: None,
            payment_token: Some(payment_token.clone()),
            subaccount_id: None,
            subaccount_proof: None,
            description: None,
            timestamp: timestamp.clone(),
            signature: unsigned(),
            signature_covered_fields: None,
        };
        self.pay(Level::Autonomous, sign(request, self.signing_key()?).to_json()).await
    }

    async fn pay(&self, level: Level, message: String) -> Result<Trade, Failure> {
        let path = match level {
            Level::Instant => "/v1/act/payments/instant",
            Level::Delegated => "/v1/act/payments/delegated",
            Level::Autonomous => "/v1/act/payments/autonomous",
        };
        let message: serde_json::Value = serde_json::from_str(&message).expect("what we write is JSON");
        let answer: Answer = self.client().make(path, &message).await?;
        let status = TradeStatus::parse(&answer.trade_status);
        let status =
            status.ok_or_else(|| Failure::Unreadable("a status that ACT has no word for".to_owned()))?;
        Ok(Trade { trade_no: answer.trade_no, status, question: answer.question })
    }

    fn signing_key(&self) -> Result<&evidence::SigningKey, Failure> {
        let none = || Failure::Unreachable("this client has no key to sign with".to_owned());
        self.client().inner.credentials.as_ref().map(|own| &own.key).ok_or_else(none)
    }
}
