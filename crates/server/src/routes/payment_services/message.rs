//! The three requests for a payment, as one: what each claims, how it is checked, and how it is answered.

use super::refusal::malformed;
use super::tools;
use crate::problem::Answered;
use book::{MandateId, Time};
use protocols::act::psd::{
    AutonomousRequest, DelegatedRequest, InstantRequest, InstantResponse, Level, PaymentClaim, PaymentError,
    PaymentFacts, Refused, TradeStatus, check_autonomous, check_delegated, check_instant,
};
use protocols::act::{Identifier, UtcTime};
use serde_json::Value;

/// A request for a payment, at its level.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// The owner confirms this payment.
    Instant(InstantRequest),
    /// What to buy was fixed beforehand.
    Delegated(DelegatedRequest),
    /// The agent chose.
    Autonomous(AutonomousRequest),
}

impl Message {
    /// Reads a request of one level.
    ///
    /// # Errors
    /// A [`Problem`](crate::problem::Problem) naming the member that is wrong.
    pub fn read(level: Level, text: &[u8]) -> Answered<Message> {
        let read = match level {
            Level::Instant => InstantRequest::from_json(text).map(Message::Instant),
            Level::Delegated => DelegatedRequest::from_json(text).map(Message::Delegated),
            Level::Autonomous => AutonomousRequest::from_json(text).map(Message::Autonomous),
        };
        read.map_err(|fault| malformed(&fault))
    }

    /// Its level.
    pub fn level(&self) -> Level {
        match self {
            Message::Instant(_) => Level::Instant,
            Message::Delegated(_) => Level::Delegated,
            Message::Autonomous(_) => Level::Autonomous,
        }
    }

    /// The request as it is kept: its level, then its canonical JSON.
    pub(crate) fn text(&self) -> String {
        let bytes = match self {
            Message::Instant(it) => it.canonical(),
            Message::Delegated(it) => it.canonical(),
            Message::Autonomous(it) => it.canonical(),
        };
        format!("{} {}", self.level(), String::from_utf8_lossy(&bytes))
    }

    /// Reads a request that was kept.
    pub(crate) fn of_text(text: &str) -> Option<Message> {
        let (level, text) = text.split_once(' ')?;
        Message::read(Level::parse(level)?, text.as_bytes()).ok()
    }

    /// Whether a request that was kept asks for the same; one signature may differ from another of the same.
    pub(crate) fn is_kept_as(&self, text: &str) -> bool {
        let unsigned = |text: &str| {
            let (level, text) = text.split_once(' ')?;
            let mut value: Value = serde_json::from_str(text).ok()?;
            value.as_object_mut()?.remove("signature");
            Some((level.to_owned(), value))
        };
        unsigned(text).is_some_and(|kept| Some(kept) == unsigned(&self.text()))
    }

    /// What it claims; nothing where it does not name one order and one tool.
    pub fn claim(&self) -> Option<PaymentClaim<'_>> {
        match self {
            Message::Instant(it) => it.claim(),
            Message::Delegated(it) => it.claim(),
            Message::Autonomous(it) => it.claim(),
        }
    }

    /// The credential it carries.
    pub(crate) fn credential(&self) -> Option<&str> {
        match self {
            Message::Instant(_) => None,
            Message::Delegated(it) => Some(it.iac.as_str()),
            Message::Autonomous(it) => Some(it.iac.as_str()),
        }
    }

    /// The mandate it is measured by: the credential's, or the one behind the reference.
    pub(crate) fn mandate(&self) -> Option<MandateId> {
        match self {
            Message::Instant(it) => tools::mandate_of(it.payment_token.as_str()),
            Message::Delegated(it) => it.delegation_id.as_str().parse().ok(),
            Message::Autonomous(it) => it.delegation_id.as_str().parse().ok(),
        }
    }

    /// Everything that can say no before the book is asked, in the order of its level.
    pub(crate) fn check(&self, facts: &dyn PaymentFacts, now: Time) -> Result<(), Refused> {
        match self {
            Message::Instant(it) => check_instant(it, facts, now, now).map(|_| ()),
            Message::Delegated(it) => check_delegated(it, facts, now).map(|_| ()),
            Message::Autonomous(it) => check_autonomous(it, facts, now).map(|_| ()),
        }
    }

    /// The answer in ACT's form.
    pub(crate) fn answer(
        &self,
        trade_no: Identifier,
        trade_status: TradeStatus,
        payment_time: Option<UtcTime>,
    ) -> String {
        match self {
            Message::Instant(it) => InstantResponse {
                request_id: it.request_id.clone(),
                trade_no,
                merchant_order_id: it.merchant_order_id.clone(),
                out_trade_no: it.out_trade_no.clone(),
                trade_status,
                payment_time,
            }
            .to_json(),
            Message::Delegated(it) => it.respond(trade_no, trade_status, payment_time).to_json(),
            Message::Autonomous(it) => it.respond(trade_no, trade_status, payment_time).to_json(),
        }
    }
}

/// The class of a request that names no order or no tool.
pub(crate) const UNREAD: PaymentError = PaymentError::RequestInvalid;
