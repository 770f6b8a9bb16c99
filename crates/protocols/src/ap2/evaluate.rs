//! Whether what an agent presents is within what the user left open to it.
//!
//! Every open mandate of a chain has its say, so that an agent who passes one on can only narrow it. What depends on
//! earlier payments is not decided here: it comes back as a [`Standing`] for whoever keeps the history.

use super::chain::{Chain, Mode, seconds};
use super::checkout::Checkout;
use super::constraint::{
    AGENT_RECURRENCE, ALLOWED_INSTRUMENTS, ALLOWED_MERCHANTS, ALLOWED_PAYEES, ALLOWED_PISPS, AMOUNT_RANGE,
    BUDGET, CheckoutConstraint, EXECUTION_DATE, Frequency, LINE_ITEMS, PaymentConstraint, REFERENCE,
};
use super::date::Date;
use super::line_items;
use super::mandate::{ClosedCheckout, Mandate, OpenPayment, Payment, Preset};
use super::money::Money;
use super::refusal::Refusal;
use book::Time;
use evidence::PublicKey;

/// What a payment is presented for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    pub transaction: Transaction<'a>,
    /// The hashes of the open checkouts that the transaction came from: see [`Chain::open_checkouts`].
    pub open_checkouts: &'a [String],
    pub now: Time,
}

/// Which transaction is to be paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transaction<'a> {
    /// The one with this hash.
    Is(&'a str),
    /// Whichever the mandate states.
    AsStated,
}

/// A payment within what was left open, as far as one presentation can tell.
#[derive(Clone, Debug)]
pub struct Approval<'a> {
    pub payment: &'a Payment,
    pub mode: Mode,
    /// What each open mandate still asks of the payments before this one, the user's first.
    pub standing: Vec<Standing>,
}

/// What an open mandate asks of the payments made under it, this one included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The hash of the open mandate's signed part: what the history is kept under.
    pub open_mandate: String,
    pub uses: Uses,
    /// All of them together.
    pub budget: Option<Money>,
}

/// How often an open mandate may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uses {
    /// For one payment.
    Once,
    /// Again, this far apart, and so many times in all.
    Again { every: Frequency, occurrences_max: Option<u64> },
}

/// The payments made under an open mandate so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Past {
    pub spent_minor: u64,
    pub payments: u64,
    pub last_at: Option<Time>,
}

/// A checkout within what was left open.
#[derive(Clone, Debug)]
pub struct CheckoutApproval<'a> {
    pub mandate: &'a ClosedCheckout,
    pub checkout: Checkout,
    pub mode: Mode,
}

/// Whether a chain approves a payment.
///
/// # Errors
/// [`Refusal`]: the first constraint that does not hold, or is not met by what is shown.
pub fn payment<'a>(chain: &'a Chain, asked: &Asked<'_>) -> Result<Approval<'a>, Refusal> {
    let Mandate::Payment(payment) = chain.presented() else {
        return Err(not_closed(chain, "a closed payment mandate"));
    };
    match asked.transaction {
        Transaction::Is(id) if id != payment.transaction_id => {
            return Err(violated("transaction_id", "it is for another checkout"));
        }
        Transaction::Is(_) | Transaction::AsStated => {}
    }
    let mut standing = Vec::new();
    for (open_mandate, mandate) in chain.open() {
        let Mandate::OpenPayment(open) = mandate else { continue };
        let is_reference = |it: &PaymentConstraint| matches!(it, PaymentConstraint::Reference { .. });
        // Who passes a mandate on need not repeat what the user has said.
        if standing.is_empty() && !open.constraints.iter().any(is_reference) {
            return Err(Refusal::ConstraintMissing { kind: REFERENCE });
        }
        check_preset(&open.preset, payment)?;
        for constraint in &open.constraints {
            check_payment(constraint, payment, asked)?;
        }
        standing.push(standing_of(open_mandate, open)?);
    }
    let alone = Past::default();
    standing.iter().try_for_each(|standing| standing.check(&alone, payment.amount, asked.now))?;
    Ok(Approval { payment, mode: chain.mode(), standing })
}

/// Whether a chain approves the checkout that `merchant` signed.
///
/// # Errors
/// [`Refusal`].
pub fn checkout<'a>(chain: &'a Chain, merchant: &PublicKey) -> Result<CheckoutApproval<'a>, Refusal> {
    let Mandate::Checkout(mandate) = chain.presented() else {
        return Err(not_closed(chain, "a closed checkout mandate"));
    };
    let checkout = Checkout::verify(&mandate.checkout_jwt, merchant)?;
    let mut is_first = true;
    for (_, open) in chain.open() {
        let Mandate::OpenCheckout(open) = open else { continue };
        let is_items = |it: &CheckoutConstraint| matches!(it, CheckoutConstraint::LineItems { .. });
        if is_first && !open.constraints.iter().any(is_items) {
            return Err(Refusal::ConstraintMissing { kind: LINE_ITEMS });
        }
        is_first = false;
        open.constraints.iter().try_for_each(|constraint| check_checkout(constraint, &checkout))?;
    }
    Ok(CheckoutApproval { mandate, checkout, mode: chain.mode() })
}

impl Standing {
    /// Whether one more payment is allowed after these.
    ///
    /// # Errors
    /// [`Refusal::Violated`].
    pub fn check(&self, past: &Past, amount: Money, now: Time) -> Result<(), Refusal> {
        match self.uses {
            Uses::Once if 0 < past.payments => {
                return Err(violated(AGENT_RECURRENCE, "the mandate was used, and is for one payment"));
            }
            Uses::Once => {}
            Uses::Again { every, occurrences_max } => {
                if occurrences_max.is_some_and(|max| max <= past.payments) {
                    return Err(violated(AGENT_RECURRENCE, "it was used as many times as it may be"));
                }
                let apart = u64::from(every.days_apart()).saturating_mul(86_400);
                if past.last_at.is_some_and(|last| seconds(now) < seconds(last).saturating_add(apart)) {
                    return Err(violated(AGENT_RECURRENCE, "it is too soon after the payment before"));
                }
            }
        }
        let Some(budget) = self.budget else { return Ok(()) };
        if budget.currency != amount.currency {
            return Err(violated(BUDGET, "the currency is another"));
        }
        let spent = past.spent_minor.checked_add(amount.amount_minor);
        if spent.is_none_or(|spent| budget.amount_minor < spent) {
            return Err(violated(BUDGET, "it would be spent beyond its end"));
        }
        Ok(())
    }
}

/// What an open mandate asks of the history: the least that all its budgets leave, and its one recurrence.
fn standing_of(open_mandate: &str, open: &OpenPayment) -> Result<Standing, Refusal> {
    let (mut uses, mut budget, mut has_range) = (Uses::Once, None::<Money>, false);
    for constraint in &open.constraints {
        match constraint {
            PaymentConstraint::Recurrence { every, occurrences_max } => {
                if uses != Uses::Once {
                    return Err(violated(AGENT_RECURRENCE, "it comes twice"));
                }
                uses = Uses::Again { every: *every, occurrences_max: *occurrences_max };
            }
            PaymentConstraint::Budget { currency, max_minor } => {
                let least = budget.map_or(*max_minor, |budget| budget.amount_minor.min(*max_minor));
                if budget.is_some_and(|budget| budget.currency != *currency) {
                    return Err(violated(BUDGET, "the currency is another"));
                }
                budget = Some(Money { amount_minor: least, currency: *currency });
            }
            PaymentConstraint::AmountRange { .. } => has_range = true,
            PaymentConstraint::Reference { .. }
            | PaymentConstraint::AllowedPayees { .. }
            | PaymentConstraint::AllowedInstruments { .. }
            | PaymentConstraint::AllowedPisps { .. }
            | PaymentConstraint::ExecutionDate { .. } => {}
        }
    }
    match uses {
        Uses::Again { .. } if !has_range => Err(Refusal::ConstraintMissing { kind: AMOUNT_RANGE }),
        Uses::Again { .. } if budget.is_none() => Err(Refusal::ConstraintMissing { kind: BUDGET }),
        Uses::Again { .. } | Uses::Once => {
            Ok(Standing { open_mandate: open_mandate.to_owned(), uses, budget })
        }
    }
}

/// What the user has settled stays as it is, letter by letter.
fn check_preset(preset: &Preset, payment: &Payment) -> Result<(), Refusal> {
    fn same<T: PartialEq>(preset: Option<&T>, stated: Option<&T>) -> bool {
        preset.is_none() || preset == stated
    }
    for (name, holds) in [
        ("transaction_id", same(preset.transaction_id.as_ref(), Some(&payment.transaction_id))),
        ("payee", same(preset.payee.as_ref(), Some(&payment.payee))),
        ("payment_amount", same(preset.amount.as_ref(), Some(&payment.amount))),
        ("payment_instrument", same(preset.instrument.as_ref(), Some(&payment.instrument))),
        ("pisp", same(preset.pisp.as_ref(), payment.pisp.as_ref())),
        ("execution_date", same(preset.execution_date.as_ref(), payment.execution_date.as_ref())),
    ] {
        if !holds {
            return Err(violated(name, "it is not what the open mandate states"));
        }
    }
    Ok(())
}

fn check_payment(
    constraint: &PaymentConstraint,
    payment: &Payment,
    asked: &Asked<'_>,
) -> Result<(), Refusal> {
    match constraint {
        PaymentConstraint::Reference { conditional_transaction_id } => {
            if asked.open_checkouts.is_empty() {
                return Err(violated(REFERENCE, "the checkout's open mandate is not shown"));
            }
            holds(
                asked.open_checkouts.contains(conditional_transaction_id),
                REFERENCE,
                "it is for another checkout",
            )
        }
        PaymentConstraint::AmountRange { currency, min_minor, max_minor } => {
            holds(payment.amount.currency == *currency, AMOUNT_RANGE, "the currency is another")?;
            let amount = payment.amount.amount_minor;
            holds(min_minor.is_none_or(|min| min <= amount), AMOUNT_RANGE, "the amount is below")?;
            holds(amount <= *max_minor, AMOUNT_RANGE, "the amount is above")
        }
        PaymentConstraint::AllowedPayees { allowed } => {
            let is_allowed = allowed.iter().any(|merchant| merchant.is_same(&payment.payee));
            holds(is_allowed, ALLOWED_PAYEES, "the payee is none of those shown")
        }
        PaymentConstraint::AllowedInstruments { allowed } => {
            let is_allowed = allowed.iter().any(|instrument| instrument.id == payment.instrument.id);
            holds(is_allowed, ALLOWED_INSTRUMENTS, "the instrument is none of those shown")
        }
        PaymentConstraint::AllowedPisps { allowed } => {
            let is_allowed = payment.pisp.as_ref().is_some_and(|pisp| allowed.contains(pisp));
            holds(is_allowed, ALLOWED_PISPS, "the initiator is none of those shown")
        }
        PaymentConstraint::ExecutionDate { not_before, not_after } => {
            // Where no date is stated, it is now.
            let date = payment.execution_date.as_ref();
            let (first, last) = date.map_or((asked.now, asked.now), |date| (date.first, date.last));
            let begins = |bound: &Date| bound.first <= first;
            let ends = |bound: &Date| last <= bound.last;
            holds(not_before.as_ref().is_none_or(begins), EXECUTION_DATE, "the day is too early")?;
            holds(not_after.as_ref().is_none_or(ends), EXECUTION_DATE, "the day is too late")
        }
        // Of the history, which `Standing` asks about.
        PaymentConstraint::Recurrence { .. } | PaymentConstraint::Budget { .. } => Ok(()),
    }
}

fn check_checkout(constraint: &CheckoutConstraint, checkout: &Checkout) -> Result<(), Refusal> {
    match constraint {
        CheckoutConstraint::LineItems { requirements } => {
            let fits = checkout.cart().is_some_and(|cart| line_items::fills(&cart, requirements));
            holds(fits, LINE_ITEMS, "the cart is not what was asked for")
        }
        CheckoutConstraint::AllowedMerchants { allowed } => {
            let merchant = checkout.merchant.as_ref();
            let is_allowed = merchant.is_some_and(|found| allowed.iter().any(|it| it.is_same(found)));
            holds(is_allowed, ALLOWED_MERCHANTS, "the merchant is none of those shown")
        }
    }
}

fn not_closed(chain: &Chain, due: &'static str) -> Refusal {
    let hop = chain.open().count().saturating_sub(1);
    Refusal::OutOfPlace { hop, found: chain.presented().vct(), due }
}

fn holds(holds: bool, constraint: &'static str, why: &'static str) -> Result<(), Refusal> {
    if holds { Ok(()) } else { Err(violated(constraint, why)) }
}

fn violated(constraint: &'static str, why: &'static str) -> Refusal {
    Refusal::Violated { constraint, why }
}
