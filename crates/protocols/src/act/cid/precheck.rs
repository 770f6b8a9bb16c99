//! What a buyer asks itself before a merchant hears of a cart: every limit of the principal's, one after the other.
//!
//! It is a filter: the payment service asks once more what it can know (CART-01, CART-02).

use crate::a402::{Currency, Identifier, words::words};
use crate::act::amount::AmountNumber;
use crate::act::iac::IacPayload;
use crate::act::intent::PriceDeviationAction;
use crate::act::psd::{PaymentError, scope};
use crate::act::text::UtcTime;
use book::Time;

words! {
    /// What of a cart is outside the limits.
    Breach {
        /// The credential is not good now.
        Window = "OUTSIDE_VALIDITY",
        Currency = "CURRENCY_MISMATCH",
        SingleAmount = "SINGLE_AMOUNT_EXCEEDED",
        BelowMinimum = "SINGLE_AMOUNT_BELOW_MINIMUM",
        CumulativeAmount = "CUMULATIVE_AMOUNT_EXCEEDED",
        Merchant = "MERCHANT_NOT_IN_SCOPE",
        Category = "CATEGORY_NOT_IN_SCOPE",
        Method = "PAYMENT_METHOD_NOT_ALLOWED",
        FulfilmentTime = "FULFILLMENT_TOO_LATE",
        PriceDeviation = "PRICE_DEVIATION_EXCEEDED",
    }
}

/// A cart that a buyer is about to have confirmed.
#[derive(Clone, Copy, Debug)]
pub struct PreCheck<'a> {
    /// The principal's limits.
    pub limits: &'a IacPayload,
    /// What was paid under them before.
    pub spent: AmountNumber,
    /// What would be paid.
    pub total: AmountNumber,
    /// Of what.
    pub currency: &'a Currency,
    /// To whom.
    pub merchant_id: &'a Identifier,
    /// For what: the category of every line.
    pub categories: &'a [Identifier],
    /// By which method, where that is fixed.
    pub payment_method: Option<&'a Identifier>,
    /// How long delivery takes, in seconds, where the merchant says so.
    pub delivery_seconds: Option<u64>,
    /// What the same was shown to cost before, where it was.
    pub shown: Option<AmountNumber>,
}

impl PreCheck<'_> {
    /// Checks window, money, merchant, kind, method, fulfilment and price, in this order.
    ///
    /// # Errors
    /// The first [`Breach`]: nothing is sent.
    pub fn run(&self, now: Time) -> Result<(), Breach> {
        let limits = self.limits;
        if now < limits.validity_start_time.time() || limits.validity_end_time.time() <= now {
            return Err(Breach::Window);
        }
        scope::currency(limits, self.currency).map_err(breach)?;
        scope::single(limits, self.total).map_err(breach)?;
        scope::total(limits, self.spent, self.total).map_err(breach)?;
        scope::merchant(limits, self.merchant_id).map_err(breach)?;
        scope::categories(limits, self.categories).map_err(breach)?;
        if self.payment_method.is_some() {
            scope::method(limits, self.payment_method).map_err(breach)?;
        }
        self.fulfilment(now)?;
        self.price()
    }

    fn fulfilment(&self, now: Time) -> Result<(), Breach> {
        let wanted = self.limits.ext.as_ref().and_then(|ext| ext.fulfillment.as_ref());
        let Some(wanted) = wanted.and_then(|wanted| wanted.delivery_time_requirement.as_ref()) else {
            return Ok(());
        };
        // What cannot be read, or is not promised, is not kept.
        let latest = latest(wanted.as_str(), now).ok_or(Breach::FulfilmentTime)?;
        let takes = self.delivery_seconds.ok_or(Breach::FulfilmentTime)?;
        if latest < now.after(Time::from_seconds(takes).0) { Err(Breach::FulfilmentTime) } else { Ok(()) }
    }

    fn price(&self) -> Result<(), Breach> {
        let behavior = self.limits.ext.as_ref().and_then(|ext| ext.agent_behavior.as_ref());
        let tolerance = behavior.and_then(|behavior| behavior.price_deviation_tolerance);
        match (tolerance, self.shown) {
            (Some(tolerance), Some(shown)) if !tolerance.allows(self.total, shown) => {
                Err(Breach::PriceDeviation)
            }
            (Some(_), _) | (None, _) => Ok(()),
        }
    }
}

/// What happens after a breach: what the principal said, else a pause (CART-05).
pub fn policy(limits: &IacPayload) -> PriceDeviationAction {
    let behavior = limits.ext.as_ref().and_then(|ext| ext.agent_behavior.as_ref());
    behavior.and_then(|it| it.price_deviation_action).unwrap_or(PriceDeviationAction::PauseAndNotify)
}

/// The latest instant that a requirement allows: a time in UTC, or a duration from now such as `PT45M` or `P2D`.
///
/// ACT leaves the form open; this one is ours.
pub fn latest(requirement: &str, now: Time) -> Option<Time> {
    if let Ok(time) = UtcTime::parse(requirement) {
        return Some(time.time());
    }
    let (text, is_time) = match requirement.strip_prefix("PT") {
        Some(text) => (text, true),
        None => (requirement.strip_prefix('P')?, false),
    };
    let unit = text.chars().next_back()?;
    let digits = text.strip_suffix(unit)?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds: u64 = match (is_time, unit) {
        (true, 'S') => 1,
        (true, 'M') => 60,
        (true, 'H') => 3_600,
        (false, 'D') => 86_400,
        (true | false, _other) => return None,
    };
    Some(now.after(Time::from_seconds(digits.parse::<u64>().ok()?.checked_mul(seconds)?).0))
}

/// The breach that a limit of a payment stands for.
fn breach(no: PaymentError) -> Breach {
    if no == PaymentError::CurrencyMismatch {
        return Breach::Currency;
    }
    if no == PaymentError::SingleAmountExceeded {
        return Breach::SingleAmount;
    }
    if no == PaymentError::SingleAmountBelowMinimum {
        return Breach::BelowMinimum;
    }
    if no == PaymentError::MerchantNotInScope {
        return Breach::Merchant;
    }
    if no == PaymentError::CategoryNotInScope {
        return Breach::Category;
    }
    if no == PaymentError::PaymentMethodNotAllowed {
        return Breach::Method;
    }
    Breach::CumulativeAmount
}
