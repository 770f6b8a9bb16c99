//! `PSD-PAY-INS`, level 1: the principal confirms every single payment before money moves.
//!
//! The types follow the steps: [`check_instant`](super::check_instant) makes a [`PendingConfirmation`], an
//! answer of the principal makes that an [`AuthorizedInstant`], and only that may be carried out.

use super::error::PaymentError;
use super::signature::signed_request;
use super::tool::{Level, PaymentClaim, ToolClaim, order};
use crate::a402::{AmountText, Currency, Identifier, SignatureText, words::words};
use crate::act::object::{Malformed, messages, object, word_fields};
use crate::act::text::{Sentence, UtcTime, Word};
use book::Time;

object! {
    /// Asks for a payment the principal will confirm. ACT lists what it holds; the names are ours.
    pub struct InstantRequest closed "request" checked check {
        /// Used once, ever.
        required request_id: Identifier,
        /// The merchant's order, or, for a bill of A402, the two members below.
        optional merchant_order_id: Identifier,
        optional out_trade_no: Identifier,
        optional resource_id: Identifier,
        /// The reference from `PSD-PMT-BND`.
        required payment_token: Identifier,
        required amount: AmountText,
        required currency: Currency,
        optional payment_method: Identifier,
        required timestamp: UtcTime,
        required buyer_agent_id: Identifier,
        required signature: SignatureText,
        optional signature_covered_fields: Vec<Identifier>,
    }
}

object! {
    /// How it went.
    pub struct InstantResponse open_ended "response" {
        required request_id: Identifier,
        /// The payment service's number of the payment.
        required trade_no: Identifier,
        optional merchant_order_id: Identifier,
        optional out_trade_no: Identifier,
        required trade_status: TradeStatus,
        optional payment_time: UtcTime,
    }
}

words! {
    /// How a payment stands.
    TradeStatus {
        Success = "TRADE_SUCCESS",
        /// Not decided yet: ask again, never pay again.
        Pending = "TRADE_PENDING",
        Failed = "TRADE_FAILED",
        Closed = "TRADE_CLOSED",
    }
}

word_fields!(TradeStatus);
messages!(InstantRequest in "request", InstantResponse in "response");
signed_request!(InstantRequest lists its coverage, must cover must_cover);

fn check(request: &InstantRequest) -> Result<(), Malformed> {
    let order = order(request.merchant_order_id.as_ref(), request.out_trade_no.as_ref());
    if order.is_none() {
        return Err(Malformed::Rule {
            path: "request",
            name: "merchant_order_id",
            rule: "either it or `out_trade_no` must be there",
        });
    }
    Ok(())
}

fn must_cover(request: &InstantRequest) -> Vec<&'static str> {
    let order = order(request.merchant_order_id.as_ref(), request.out_trade_no.as_ref());
    let fixed = ["request_id", "payment_token", "amount", "currency", "timestamp", "buyer_agent_id"];
    order.map(|(field, _)| field).into_iter().chain(fixed).collect()
}

impl InstantRequest {
    /// What the request says; nothing where it names no order.
    pub fn claim(&self) -> Option<PaymentClaim<'_>> {
        let (order_field, order_no) = order(self.merchant_order_id.as_ref(), self.out_trade_no.as_ref())?;
        Some(PaymentClaim {
            level: Level::Instant,
            request_id: &self.request_id,
            agent_id: &self.buyer_agent_id,
            order_no,
            order_field,
            merchant_id: None,
            cart_snapshot_hash: None,
            amount: &self.amount,
            currency: &self.currency,
            payment_method: self.payment_method.as_ref(),
            tool: ToolClaim::Token(&self.payment_token),
            delegation_id: None,
            iac: None,
            timestamp: &self.timestamp,
        })
    }
}

/// What the principal is shown, letter by letter as the request has it (INS-05).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    pub amount: AmountText,
    pub currency: Currency,
    /// The name of who is paid, from the order.
    pub payee_name: Sentence,
    pub payment_method: Option<Identifier>,
}

/// A request that has passed every check and waits for the principal. No money may move yet.
#[derive(Clone, Debug, PartialEq)]
pub struct PendingConfirmation {
    request: InstantRequest,
    prompt: Prompt,
    deadline: Time,
}

/// What came of the prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CashierOutcome {
    /// The principal was recognised and said yes.
    Confirmed {
        method: Word,
        at: UtcTime,
    },
    Declined,
    Cancelled,
    VerificationFailed,
    TimedOut,
}

/// That the principal agreed: by what and when (INS-07).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfirmationEvidence {
    pub method: Word,
    pub at: UtcTime,
}

/// A payment its principal has confirmed, and the evidence of that. This, and only this, may be made.
#[derive(Clone, Debug, PartialEq)]
pub struct AuthorizedInstant {
    request: InstantRequest,
    evidence: ConfirmationEvidence,
}

impl PendingConfirmation {
    pub(super) fn of(request: InstantRequest, payee_name: Sentence, deadline: Time) -> Self {
        let prompt = Prompt {
            amount: request.amount.clone(),
            currency: request.currency.clone(),
            payee_name,
            payment_method: request.payment_method.clone(),
        };
        PendingConfirmation { request, prompt, deadline }
    }

    /// What to show.
    pub fn prompt(&self) -> &Prompt {
        &self.prompt
    }

    /// The instant from which a yes comes too late.
    pub fn deadline(&self) -> Time {
        self.deadline
    }

    /// Takes the principal's answer, as it is known at `now`.
    ///
    /// # Errors
    /// [`PaymentError::UserConfirmationFailed`] for everything but a yes in time (INS-06).
    pub fn resolve(self, outcome: CashierOutcome, now: Time) -> Result<AuthorizedInstant, PaymentError> {
        match outcome {
            CashierOutcome::Confirmed { method, at } => {
                if self.deadline <= now || self.deadline <= at.time() {
                    return Err(PaymentError::UserConfirmationFailed);
                }
                let evidence = ConfirmationEvidence { method, at };
                Ok(AuthorizedInstant { request: self.request, evidence })
            }
            CashierOutcome::Declined
            | CashierOutcome::Cancelled
            | CashierOutcome::VerificationFailed
            | CashierOutcome::TimedOut => Err(PaymentError::UserConfirmationFailed),
        }
    }
}

impl AuthorizedInstant {
    /// What to carry out.
    pub fn request(&self) -> &InstantRequest {
        &self.request
    }

    /// What to keep as evidence.
    pub fn evidence(&self) -> &ConfirmationEvidence {
        &self.evidence
    }

    /// The answer to the agent.
    pub fn respond(
        &self,
        trade_no: Identifier,
        trade_status: TradeStatus,
        payment_time: Option<UtcTime>,
    ) -> InstantResponse {
        InstantResponse {
            request_id: self.request.request_id.clone(),
            trade_no,
            merchant_order_id: self.request.merchant_order_id.clone(),
            out_trade_no: self.request.out_trade_no.clone(),
            trade_status,
            payment_time,
        }
    }
}
