//! The limits of a credential, one question each: what agent and payment service ask in the same words.
//!
//! A limit itself is inside. Where a list says who or what is allowed, nobody else is, and somebody unknown
//! is nobody in it.

use super::error::PaymentError;
use super::tool::Level;
use crate::a402::{Currency, Identifier};
use crate::act::amount::AmountNumber;
use crate::act::iac::IacPayload;
use crate::act::intent::{Commerce, DelegationMode};

/// Level 2 needs a `SPECIFIED` credential and level 3 a `BOUNDED` one (DEL-01, AUP-01).
pub(crate) fn mode(iac: &IacPayload, level: Level) -> Result<(), PaymentError> {
    match (level, iac.mode()) {
        (Level::Delegated, DelegationMode::Specified) | (Level::Autonomous, DelegationMode::Bounded) => {
            Ok(())
        }
        (Level::Instant, DelegationMode::Specified | DelegationMode::Bounded)
        | (Level::Delegated, DelegationMode::Bounded)
        | (Level::Autonomous, DelegationMode::Specified) => Err(PaymentError::DelegationModeInvalid),
    }
}

pub(crate) fn currency(iac: &IacPayload, currency: &Currency) -> Result<(), PaymentError> {
    if iac.currency_or_default() == *currency { Ok(()) } else { Err(PaymentError::CurrencyMismatch) }
}

pub(crate) fn single(iac: &IacPayload, amount: AmountNumber) -> Result<(), PaymentError> {
    let commerce = commerce(iac);
    if commerce.and_then(|limits| limits.max_single_amount).is_some_and(|most| most < amount) {
        return Err(PaymentError::SingleAmountExceeded);
    }
    if commerce.and_then(|limits| limits.min_single_amount).is_some_and(|least| amount < least) {
        return Err(PaymentError::SingleAmountBelowMinimum);
    }
    Ok(())
}

pub(crate) fn total(iac: &IacPayload, spent: AmountNumber, amount: AmountNumber) -> Result<(), PaymentError> {
    match spent.checked_add(amount) {
        Some(sum) if sum <= iac.max_total_amount => Ok(()),
        Some(_) | None => Err(PaymentError::CumulativeAmountExceeded),
    }
}

pub(crate) fn method(iac: &IacPayload, method: Option<&Identifier>) -> Result<(), PaymentError> {
    let allowed = |list: &[Identifier]| method.is_some_and(|method| list.contains(method));
    match &iac.allowed_payment_methods {
        Some(list) if !allowed(list) => Err(PaymentError::PaymentMethodNotAllowed),
        Some(_) | None => Ok(()),
    }
}

pub(crate) fn merchant(iac: &IacPayload, merchant: &Identifier) -> Result<(), PaymentError> {
    let (allowed, forbidden) = commerce(iac).map_or((None, None), |limits| {
        (limits.allowed_merchants.as_deref(), limits.forbidden_merchants.as_deref())
    });
    let is_in = |list: &[Identifier]| list.contains(merchant);
    if allowed.is_some_and(|list| !is_in(list)) || forbidden.is_some_and(is_in) {
        return Err(PaymentError::MerchantNotInScope);
    }
    Ok(())
}

/// Every category of what is bought has to be allowed, and none forbidden.
pub(crate) fn categories(iac: &IacPayload, bought: &[Identifier]) -> Result<(), PaymentError> {
    let (allowed, forbidden) = commerce(iac).map_or((None, None), |limits| {
        (limits.allowed_categories.as_deref(), limits.forbidden_categories.as_deref())
    });
    let all_in = |list: &[Identifier]| !bought.is_empty() && bought.iter().all(|kind| list.contains(kind));
    let any_in = |list: &[Identifier]| bought.is_empty() || bought.iter().any(|kind| list.contains(kind));
    let outside = allowed.is_some_and(|list| !all_in(list));
    if outside || forbidden.is_some_and(|list| !list.is_empty() && any_in(list)) {
        return Err(PaymentError::CategoryNotInScope);
    }
    Ok(())
}

fn commerce(iac: &IacPayload) -> Option<&Commerce> {
    iac.ext.as_ref().and_then(|ext| ext.commerce.as_ref())
}
