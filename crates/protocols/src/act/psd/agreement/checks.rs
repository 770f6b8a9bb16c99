//! The check of a payment under a standing agreement, as an ordered list (DLP-02).

use super::messages::{Agreement, AgreementStatus, AgreementType};
use super::pay::{AgreementKey, PayRequest};
use crate::a402::{Identifier, words::words};
use crate::act::amount::AmountNumber;
use crate::act::psd::checks::{is_fresh, unless};
use crate::act::psd::error::PaymentError;
use crate::act::psd::facts::OrderFacts;
use crate::act::psd::signature::verify_signature;
use book::Time;
use evidence::PublicKey;

words! {
    /// One check, in the order of version 2.0: replay, signature, agreement, money, merchants.
    AgreementStep {
        /// The request names one agreement, and an amount that can be compared.
        Form = "FORM",
        RequestUnused = "REQUEST_UNUSED",
        Fresh = "FRESH",
        AgentSignature = "AGENT_SIGNATURE",
        /// Known, signed, and not ended by anybody.
        Status = "AGREEMENT_STATUS",
        /// Of this agent and this principal.
        Parties = "AGREEMENT_PARTIES",
        /// Begun, and not over.
        Window = "AGREEMENT_WINDOW",
        Currency = "CURRENCY",
        SingleAmount = "SINGLE_AMOUNT",
        TotalAmount = "TOTAL_AMOUNT",
        PaymentMethod = "PAYMENT_METHOD",
        Merchant = "MERCHANT",
    }
}

/// A payment that was refused: at which step, and in which class. Nothing was moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgreementRefused {
    pub step: AgreementStep,
    pub error: PaymentError,
}

/// What only the payment service knows about agreements, all as of one moment.
pub trait AgreementFacts {
    /// Whether the agent has not used this id before, for anything.
    fn request_is_unused(&self, agent_id: &Identifier, request_id: &Identifier) -> bool;

    /// The keys the agent signs requests with.
    fn agent_keys(&self, agent_id: &Identifier) -> Vec<PublicKey>;

    /// The agreement of that number.
    fn agreement(&self, key: AgreementKey<'_>) -> Option<Agreement>;
}

/// What the check has found out.
#[derive(Clone, Debug, PartialEq)]
pub struct AgreementPassed {
    pub amount: AmountNumber,
    /// As it stood: [`Agreement::deducted`] is what it becomes.
    pub agreement: Agreement,
}

/// Checks a payment under an agreement, every step of [`AgreementStep::ALL`] in turn.
///
/// # Errors
/// [`AgreementRefused`], of the first step that fails.
pub fn check_agreement_payment(
    request: &PayRequest,
    facts: &dyn AgreementFacts,
    now: Time,
) -> Result<AgreementPassed, AgreementRefused> {
    let refused = |step, error| AgreementRefused { step, error };
    let unread = refused(AgreementStep::Form, PaymentError::RequestInvalid);
    let amount = AmountNumber::of_text(&request.amount).ok_or(unread)?;
    let agreement = request.agreement().ok_or(unread).map(|key| facts.agreement(key))?;
    let payment = Payment { request, amount, agreement: agreement.as_ref(), facts, now };
    for step in AgreementStep::ALL {
        payment.step(*step).map_err(|error| refused(*step, error))?;
    }
    let unknown = refused(AgreementStep::Status, PaymentError::AgreementUnknown);
    Ok(AgreementPassed { amount, agreement: agreement.ok_or(unknown)? })
}

/// Checks a payment against the order that its merchant confirmed.
///
/// # Errors
/// [`PaymentError::OrderMismatch`] and [`PaymentError::AmountSnapshotMismatch`].
pub fn check_agreement_order(request: &PayRequest, order: &OrderFacts) -> Result<(), PaymentError> {
    let is_equal = AmountNumber::of_text(&order.amount) == AmountNumber::of_text(&request.amount)
        && order.currency == request.currency
        && order.merchant_id == request.merchant_id;
    unless(is_equal, PaymentError::OrderMismatch)?;
    let carts = request.cart_snapshot_hash.as_ref().zip(order.cart_snapshot_hash.as_ref());
    unless(
        carts.is_none_or(|(claimed, confirmed)| claimed == confirmed),
        PaymentError::AmountSnapshotMismatch,
    )
}

struct Payment<'a> {
    request: &'a PayRequest,
    amount: AmountNumber,
    agreement: Option<&'a Agreement>,
    facts: &'a dyn AgreementFacts,
    now: Time,
}

impl Payment<'_> {
    fn step(&self, step: AgreementStep) -> Result<(), PaymentError> {
        use PaymentError as E;
        let (request, facts, now) = (self.request, self.facts, self.now);
        let known = self.agreement.ok_or(E::AgreementUnknown);
        match step {
            AgreementStep::Form => Ok(()),
            AgreementStep::RequestUnused => {
                let unused = facts.request_is_unused(&request.buyer_agent_id, &request.request_id);
                unless(unused, E::DuplicateRequest)
            }
            AgreementStep::Fresh => unless(is_fresh(&request.timestamp, now), E::RequestExpired),
            AgreementStep::AgentSignature => {
                let signed = verify_signature(request, &facts.agent_keys(&request.buyer_agent_id));
                signed.map_err(|_| E::AgentSignatureInvalid)
            }
            // Whether it is over is asked below: it has a class of its own.
            AgreementStep::Status => match known?.status {
                AgreementStatus::Signed => Ok(()),
                AgreementStatus::Signing | AgreementStatus::Unsigned | AgreementStatus::Cancelled => {
                    Err(E::AgreementNotSigned)
                }
            },
            AgreementStep::Parties => {
                let fits = known?.agent_id == request.buyer_agent_id;
                unless(fits && known?.principal_id == request.principal_id, E::AgentIdentityMismatch)
            }
            AgreementStep::Window => {
                let validity = &known?.validity;
                let (start, end) = (validity.start_time.time(), validity.end_time.time());
                unless(start <= now && now < end, E::AgreementExpired)
            }
            AgreementStep::Currency => unless(known?.currency == request.currency, E::CurrencyMismatch),
            AgreementStep::SingleAmount => {
                let most = AmountNumber::of_text(&known?.single_amount_limit);
                unless(most.is_some_and(|most| self.amount <= most), E::SingleAmountExceeded)
            }
            AgreementStep::TotalAmount => {
                let spent = AmountNumber::of_text(&known?.deducted_amount_total);
                let sum = spent.and_then(|spent| spent.checked_add(self.amount));
                let fits = match known?.total_amount_limit.as_ref().map(AmountNumber::of_text) {
                    Some(most) => sum.is_some() && sum <= most,
                    None => sum.is_some(),
                };
                unless(fits, E::CumulativeAmountExceeded)
            }
            AgreementStep::PaymentMethod => {
                let list = known?.allowed_payment_methods.as_ref();
                let allowed = list.is_none_or(|list| list.contains(&request.payment_method));
                unless(allowed, E::PaymentMethodNotAllowed)
            }
            AgreementStep::Merchant => {
                let list = known?.allowed_merchants.as_deref();
                let is_named = list.is_some_and(|list| list.contains(&request.merchant_id));
                let allowed = match known?.agreement_type {
                    AgreementType::Specified => is_named,
                    AgreementType::General => list.is_none() || is_named,
                };
                unless(allowed, E::MerchantNotInScope)
            }
        }
    }
}
