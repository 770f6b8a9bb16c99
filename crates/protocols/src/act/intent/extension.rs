//! The limits beyond the total: what may be bought from whom, how prices may move, how it is delivered.

use super::error::Conflict;
use crate::a402::{Identifier, Misshapen, words::words};
use crate::act::amount::{AmountNumber, Percent};
use crate::act::object::{Fault, Field, Opaque, object, word_fields};
use crate::act::text::Sentence;
use crate::act::text::UtcTime;

object! {
    /// The four namespaces of an intent's or credential's `ext`.
    pub struct Extension closed "ext" {
        optional commerce: Commerce,
        optional agent_behavior: AgentBehavior,
        optional fulfillment: Fulfillment,
        /// Anything. It is carried, and it changes no other member (ICS-11).
        optional vendor_private: Opaque,
    }
}

object! {
    /// What may be bought, from whom, and for how much at once.
    pub struct Commerce closed "ext.commerce" {
        /// The most one payment may be.
        optional max_single_amount: AmountNumber,
        /// The least one payment may be.
        optional min_single_amount: AmountNumber,
        /// Only these categories, where there is a list.
        optional allowed_categories: Vec<Identifier>,
        optional forbidden_categories: Vec<Identifier>,
        /// Only these merchants, where there is a list.
        optional allowed_merchants: Vec<Identifier>,
        optional forbidden_merchants: Vec<Identifier>,
    }
}

object! {
    /// What the agent does when something is not as it was.
    pub struct AgentBehavior closed "ext.agent_behavior" {
        /// How far a price may move, in percent of the price shown at confirmation.
        optional price_deviation_tolerance: Percent,
        optional price_deviation_action: PriceDeviationAction,
        optional on_payment_failure: PaymentFailureAction,
        optional max_retry_count: u64,
    }
}

object! {
    /// When and where the purchase is to arrive.
    pub struct Fulfillment closed "ext.fulfillment" {
        optional delivery_time_requirement: Sentence,
        optional delivery_address: Address,
    }
}

words! {
    /// What happens when a price moves too far (ICS-10).
    PriceDeviationAction {
        PauseAndNotify = "PAUSE_AND_NOTIFY",
        AutoCancel = "AUTO_CANCEL",
    }
}

words! {
    /// What happens when a payment fails (ICS-10).
    PaymentFailureAction {
        AutoRetry = "AUTO_RETRY",
        Cancel = "CANCEL",
    }
}

word_fields!(PriceDeviationAction, PaymentFailureAction);

/// Where to deliver: a reference somebody can resolve, or an address in parts.
#[derive(Clone, Debug, PartialEq)]
pub enum Address {
    Reference(Identifier),
    Structured(Opaque),
}

impl Field for Address {
    fn read(raw: &str) -> Result<Self, Fault> {
        match raw.bytes().next() {
            Some(b'"') => Identifier::read(raw).map(Address::Reference),
            Some(b'{') => Opaque::read(raw).map(Address::Structured),
            Some(_) | None => Err(Fault::Itself(Misshapen::unshown("a reference or an object"))),
        }
    }

    fn write(&self, out: &mut String) {
        match self {
            Address::Reference(reference) => reference.write(out),
            Address::Structured(parts) => parts.write(out),
        }
    }
}

/// What contradicts in a window, a total and the limits beyond it (ICS-08, ICS-09).
pub(crate) fn conflicts(
    (start, end): (Option<&UtcTime>, Option<&UtcTime>),
    total: Option<AmountNumber>,
    extension: Option<&Extension>,
) -> Vec<Conflict> {
    let mut found = Vec::new();
    if let (Some(start), Some(end)) = (start, end)
        && end.time() <= start.time()
    {
        found.push(Conflict::WindowEmpty);
    }
    let Some(commerce) = extension.and_then(|extension| extension.commerce.as_ref()) else {
        return found;
    };
    let (single, minimum) = (commerce.max_single_amount, commerce.min_single_amount);
    let exceeds = |amount: Option<AmountNumber>, bound: Option<AmountNumber>| match (amount, bound) {
        (Some(amount), Some(bound)) => bound < amount,
        (None, _) | (_, None) => false,
    };
    if exceeds(single, total) {
        found.push(Conflict::SingleAboveTotal);
    }
    if exceeds(minimum, single.or(total)) {
        found.push(Conflict::MinimumAboveSingle);
    }
    if overlap(commerce.allowed_categories.as_deref(), commerce.forbidden_categories.as_deref()) {
        found.push(Conflict::CategoryAllowedAndForbidden);
    }
    if overlap(commerce.allowed_merchants.as_deref(), commerce.forbidden_merchants.as_deref()) {
        found.push(Conflict::MerchantAllowedAndForbidden);
    }
    found
}

fn overlap(allowed: Option<&[Identifier]>, forbidden: Option<&[Identifier]>) -> bool {
    let forbidden = forbidden.unwrap_or_default();
    allowed.unwrap_or_default().iter().any(|name| forbidden.contains(name))
}
