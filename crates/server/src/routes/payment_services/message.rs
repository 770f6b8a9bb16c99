//! The four requests for a payment, as one: what each claims, how it is checked, and how it is answered.

use super::facts::Facts;
use super::refusal::malformed;
use super::tools;
use crate::problem::Answered;
use book::{Id, MandateId, Time};
use protocols::act::psd::agreement::{PayRequest, PayResponse, check_agreement_payment};
use protocols::act::psd::{
    AutonomousRequest, DelegatedRequest, InstantRequest, InstantResponse, Level, PaymentClaim, PaymentError,
    TradeStatus, check_autonomous, check_delegated, check_instant,
};
use protocols::act::{AmountText, Currency, Identifier, UtcTime};
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
    /// Under a standing agreement of version 2.0.
    Agreed(PayRequest),
}

/// What a request under an agreement is kept as, in the place of a level.
const AGREED: &str = "AGREEMENT";

/// What every request says, whatever it pays with.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// Its own id.
    pub request_id: &'a Identifier,
    /// Who asks.
    pub agent_id: &'a Identifier,
    /// What is paid.
    pub order_no: &'a Identifier,
    /// How much.
    pub amount: &'a AmountText,
    /// Of what.
    pub currency: &'a Currency,
    /// By which method.
    pub payment_method: Option<&'a Identifier>,
    /// When it was made.
    pub timestamp: &'a UtcTime,
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

    /// Reads a request under an agreement.
    ///
    /// # Errors
    /// A [`Problem`](crate::problem::Problem) naming the member that is wrong.
    pub fn read_agreed(text: &[u8]) -> Answered<Message> {
        PayRequest::from_json(text).map(Message::Agreed).map_err(|fault| malformed(&fault))
    }

    /// Its level. An agreement is one of the second: what to pay was fixed beforehand.
    pub fn level(&self) -> Level {
        match self {
            Message::Instant(_) => Level::Instant,
            Message::Delegated(_) | Message::Agreed(_) => Level::Delegated,
            Message::Autonomous(_) => Level::Autonomous,
        }
    }

    /// The request as it is kept: its level, then its canonical JSON.
    pub(crate) fn text(&self) -> String {
        let bytes = match self {
            Message::Instant(it) => it.canonical(),
            Message::Delegated(it) => it.canonical(),
            Message::Autonomous(it) => it.canonical(),
            Message::Agreed(it) => it.canonical(),
        };
        let kind = if matches!(self, Message::Agreed(_)) { AGREED } else { self.level().as_str() };
        format!("{kind} {}", String::from_utf8_lossy(&bytes))
    }

    /// Reads a request that was kept.
    pub(crate) fn of_text(text: &str) -> Option<Message> {
        let (level, text) = text.split_once(' ')?;
        if level == AGREED {
            return Message::read_agreed(text.as_bytes()).ok();
        }
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

    /// What it claims; nothing where it does not name one order and one tool. Under an agreement none is needed.
    pub(crate) fn claim(&self) -> Option<PaymentClaim<'_>> {
        match self {
            Message::Instant(it) => it.claim(),
            Message::Delegated(it) => it.claim(),
            Message::Autonomous(it) => it.claim(),
            Message::Agreed(_) => None,
        }
    }

    /// What it says; nothing where it does not name one order.
    pub fn head(&self) -> Option<Head<'_>> {
        if let Message::Agreed(it) = self {
            return Some(Head {
                request_id: &it.request_id,
                agent_id: &it.buyer_agent_id,
                order_no: &it.merchant_order_id,
                amount: &it.amount,
                currency: &it.currency,
                payment_method: Some(&it.payment_method),
                timestamp: &it.timestamp,
            });
        }
        self.claim().map(|claim| Head {
            request_id: claim.request_id,
            agent_id: claim.agent_id,
            order_no: claim.order_no,
            amount: claim.amount,
            currency: claim.currency,
            payment_method: claim.payment_method,
            timestamp: claim.timestamp,
        })
    }

    /// The order it pays.
    pub(crate) fn order(&self) -> Option<Id> {
        let order: wire::OrderId = self.head()?.order_no.as_str().parse().ok()?;
        Some(crate::convert::id(order.0))
    }

    /// The credential it carries.
    pub(crate) fn credential(&self) -> Option<&str> {
        match self {
            Message::Instant(_) | Message::Agreed(_) => None,
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
            Message::Agreed(_) => None,
        }
    }

    /// Everything that can say no before the book is asked, in the order of its level.
    pub(crate) fn check(&self, facts: &Facts<'_>, now: Time) -> Result<(), PaymentError> {
        match self {
            Message::Instant(it) => check_instant(it, facts, now, now).map(|_| ()).map_err(|no| no.error),
            Message::Delegated(it) => check_delegated(it, facts, now).map(|_| ()).map_err(|no| no.error),
            Message::Autonomous(it) => check_autonomous(it, facts, now).map(|_| ()).map_err(|no| no.error),
            Message::Agreed(it) => check_agreement_payment(it, facts, now).map(|_| ()).map_err(|no| no.error),
        }
    }

    /// The answer in ACT's form; under an agreement, with its number and what was paid under it until `now`.
    pub(crate) fn answer(
        &self,
        trade_no: Identifier,
        trade_status: TradeStatus,
        payment_time: Option<UtcTime>,
        agreement: Option<(Identifier, AmountText)>,
        now: Time,
    ) -> Option<String> {
        Some(match self {
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
            Message::Agreed(it) => {
                let (agreement_no, deducted_amount_total) = agreement?;
                PayResponse {
                    request_id: it.request_id.clone(),
                    trade_no,
                    out_trade_no: it.merchant_order_id.clone(),
                    agreement_no,
                    trade_status,
                    amount: it.amount.clone(),
                    currency: it.currency.clone(),
                    buyer_principal_id: it.principal_id.clone(),
                    buyer_agent_id: it.buyer_agent_id.clone(),
                    payment_method: it.payment_method.clone(),
                    payment_time,
                    deducted_amount_total,
                    error_code: None,
                    error_message: None,
                    timestamp: UtcTime::second_of(now),
                }
                .to_json()
            }
        })
    }
}

/// The class of a request that names no order or no tool.
pub(crate) const UNREAD: PaymentError = PaymentError::RequestInvalid;
