//! What an open mandate leaves open, and within which bounds: the ten constraints of AP2 0.2, and no others.

use super::date::Date;
use super::money::{Iso4217, budget_major, budget_minor};
use super::parties::{Instrument, Merchant, Pisp, list, minor, text};
use super::refusal::{Refusal, shown};
use crate::a402::members::{Malformed, Members};
use crate::a402::words::words;
use crate::limits::{AP2_CONSTRAINTS_MAX, AP2_QUANTITY_MAX};
use crate::sabotage::{Sabotage, has};
use serde_json::{Map, Value, json};

pub(super) const LINE_ITEMS: &str = "checkout.line_items";
pub(super) const ALLOWED_MERCHANTS: &str = "checkout.allowed_merchants";
pub(super) const REFERENCE: &str = "payment.reference";
pub(super) const AMOUNT_RANGE: &str = "payment.amount_range";
pub(super) const ALLOWED_PAYEES: &str = "payment.allowed_payees";
pub(super) const ALLOWED_INSTRUMENTS: &str = "payment.allowed_payment_instruments";
pub(super) const ALLOWED_PISPS: &str = "payment.allowed_pisps";
pub(super) const AGENT_RECURRENCE: &str = "payment.agent_recurrence";
pub(super) const BUDGET: &str = "payment.budget";
pub(super) const EXECUTION_DATE: &str = "payment.execution_date";

/// What a checkout has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckoutConstraint {
    /// Exactly these requirements, each filled with items that are acceptable for it.
    LineItems { requirements: Vec<Requirement> },
    /// With one of these.
    AllowedMerchants { allowed: Vec<Merchant> },
}

/// So many items out of those that are acceptable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    pub id: String,
    pub acceptable: Vec<Item>,
    pub quantity: u64,
}

/// An item that may fill a requirement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub id: String,
    pub title: String,
}

/// What a payment has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentConstraint {
    /// For the checkout that this open one led to.
    Reference { conditional_transaction_id: String },
    /// Within these bounds, both allowed.
    AmountRange { currency: Iso4217, min_minor: Option<u64>, max_minor: u64 },
    /// To one of these.
    AllowedPayees { allowed: Vec<Merchant> },
    /// With one of these.
    AllowedInstruments { allowed: Vec<Instrument> },
    /// Through one of these.
    AllowedPisps { allowed: Vec<Pisp> },
    /// Again, so often and so many times in all.
    Recurrence { every: Frequency, occurrences_max: Option<u64> },
    /// All together no more than this.
    Budget { currency: Iso4217, max_minor: u64 },
    /// On a day between these, both allowed.
    ExecutionDate { not_before: Option<Date>, not_after: Option<Date> },
}

words! {
    /// How often an open mandate may be used again.
    Frequency {
        OnDemand = "ON_DEMAND",
        Daily = "DAILY",
        Weekly = "WEEKLY",
        Biweekly = "BIWEEKLY",
        Monthly = "MONTHLY",
        Quarterly = "QUARTERLY",
        Annually = "ANNUALLY",
    }
}

impl Frequency {
    /// How far apart two payments are at least, in days: as far as the shortest period of that name, so that a payment
    /// on the same day of each is never too early.
    pub fn days_apart(self) -> u32 {
        match self {
            Frequency::OnDemand => 0,
            Frequency::Daily => 1,
            Frequency::Weekly => 7,
            Frequency::Biweekly => 14,
            Frequency::Monthly => 28,
            Frequency::Quarterly => 89,
            Frequency::Annually => 365,
        }
    }
}

/// Whether a constraint is looked at, which each is that was read or is unknown.
fn counts<T>(read: &Result<T, Refusal>) -> bool {
    !(has(Sabotage::AnyConstraint) && matches!(read, Err(Refusal::UnknownConstraint { .. })))
}

impl CheckoutConstraint {
    /// Reads the constraints of an open checkout.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn read_all(value: Value) -> Result<Vec<CheckoutConstraint>, Refusal> {
        each(value)?.into_iter().map(CheckoutConstraint::read).filter(counts).collect()
    }

    fn read(value: Value) -> Result<CheckoutConstraint, Refusal> {
        let (kind, mut members) = kind_of(value)?;
        let constraint = match kind.as_str() {
            LINE_ITEMS => CheckoutConstraint::LineItems {
                requirements: list(LINE_ITEMS, "items", members.take("items")?, Requirement::read)?,
            },
            ALLOWED_MERCHANTS => CheckoutConstraint::AllowedMerchants {
                allowed: list(ALLOWED_MERCHANTS, "allowed", members.take("allowed")?, Merchant::read)?,
            },
            _ => return Err(Refusal::UnknownConstraint { kind: shown(&kind) }),
        };
        members.end()?;
        Ok(constraint)
    }

    pub(super) fn to_json(&self) -> Value {
        match self {
            CheckoutConstraint::LineItems { requirements } => {
                let items: Vec<Value> = requirements.iter().map(Requirement::to_json).collect();
                json!({ "type": LINE_ITEMS, "items": items })
            }
            CheckoutConstraint::AllowedMerchants { allowed } => {
                let allowed: Vec<Value> = allowed.iter().map(Merchant::to_json).collect();
                json!({ "type": ALLOWED_MERCHANTS, "allowed": allowed })
            }
        }
    }
}

impl Requirement {
    fn read(path: &'static str, value: Value) -> Result<Requirement, Malformed> {
        let mut members = Members::open(path, value)?;
        let quantity = members.take("quantity")?;
        let requirement = Requirement {
            id: members.text("id", text)?,
            acceptable: list(path, "acceptable_items", members.take("acceptable_items")?, Item::read)?,
            quantity: read_quantity(path, &quantity)?,
        };
        members.end()?;
        Ok(requirement)
    }

    fn to_json(&self) -> Value {
        let item = |item: &Item| json!({ "id": item.id, "title": item.title });
        let acceptable: Vec<Value> = self.acceptable.iter().map(item).collect();
        json!({ "id": self.id, "acceptable_items": acceptable, "quantity": self.quantity })
    }
}

impl Item {
    fn read(path: &'static str, value: Value) -> Result<Item, Malformed> {
        let mut members = Members::open(path, value)?;
        let item = Item { id: members.text("id", text)?, title: members.text("title", text)? };
        members.end()?;
        Ok(item)
    }
}

impl PaymentConstraint {
    pub(super) fn read_all(value: Value) -> Result<Vec<PaymentConstraint>, Refusal> {
        each(value)?.into_iter().map(PaymentConstraint::read).filter(counts).collect()
    }

    fn read(value: Value) -> Result<PaymentConstraint, Refusal> {
        let (kind, mut members) = kind_of(value)?;
        let constraint = match kind.as_str() {
            REFERENCE => PaymentConstraint::Reference {
                conditional_transaction_id: members.text("conditional_transaction_id", text)?,
            },
            AMOUNT_RANGE => PaymentConstraint::AmountRange {
                currency: members.text("currency", Iso4217::parse)?,
                min_minor: match members.take_if_any("min") {
                    None => None,
                    Some(min) => Some(minor(AMOUNT_RANGE, "min", &min)?),
                },
                max_minor: minor(AMOUNT_RANGE, "max", &members.take("max")?)?,
            },
            ALLOWED_PAYEES => PaymentConstraint::AllowedPayees {
                allowed: list(ALLOWED_PAYEES, "allowed", members.take("allowed")?, Merchant::read)?,
            },
            ALLOWED_INSTRUMENTS => PaymentConstraint::AllowedInstruments {
                allowed: list(ALLOWED_INSTRUMENTS, "allowed", members.take("allowed")?, Instrument::read)?,
            },
            ALLOWED_PISPS => PaymentConstraint::AllowedPisps {
                allowed: list(ALLOWED_PISPS, "allowed", members.take("allowed")?, Pisp::read)?,
            },
            AGENT_RECURRENCE => PaymentConstraint::Recurrence {
                every: Frequency::parse(&members.text("frequency", text)?)
                    .ok_or_else(|| Members::unfit(AGENT_RECURRENCE, "frequency", "a frequency of AP2 0.2"))?,
                occurrences_max: match members.take_if_any("max_occurrences") {
                    None => None,
                    Some(max) => Some(minor(AGENT_RECURRENCE, "max_occurrences", &max)?),
                },
            },
            BUDGET => read_budget(&mut members)?,
            EXECUTION_DATE => PaymentConstraint::ExecutionDate {
                not_before: members.text_if_any("not_before", Date::parse)?,
                not_after: members.text_if_any("not_after", Date::parse)?,
            },
            _ => return Err(Refusal::UnknownConstraint { kind: shown(&kind) }),
        };
        members.end()?;
        Ok(constraint)
    }

    pub(super) fn to_json(&self) -> Value {
        let mut members = Map::new();
        let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
        match self {
            PaymentConstraint::Reference { conditional_transaction_id } => {
                put("type", REFERENCE.into());
                put("conditional_transaction_id", conditional_transaction_id.as_str().into());
            }
            PaymentConstraint::AmountRange { currency, min_minor, max_minor } => {
                put("type", AMOUNT_RANGE.into());
                put("currency", currency.as_str().into());
                put("max", (*max_minor).into());
                min_minor.map(|min| put("min", min.into()));
            }
            PaymentConstraint::AllowedPayees { allowed } => {
                put("type", ALLOWED_PAYEES.into());
                put("allowed", allowed.iter().map(Merchant::to_json).collect());
            }
            PaymentConstraint::AllowedInstruments { allowed } => {
                put("type", ALLOWED_INSTRUMENTS.into());
                put("allowed", allowed.iter().map(Instrument::to_json).collect());
            }
            PaymentConstraint::AllowedPisps { allowed } => {
                put("type", ALLOWED_PISPS.into());
                put("allowed", allowed.iter().map(Pisp::to_json).collect());
            }
            PaymentConstraint::Recurrence { every, occurrences_max } => {
                put("type", AGENT_RECURRENCE.into());
                put("frequency", every.as_str().into());
                occurrences_max.map(|max| put("max_occurrences", max.into()));
            }
            PaymentConstraint::Budget { currency, max_minor } => {
                put("type", BUDGET.into());
                put("currency", currency.as_str().into());
                put("max", budget_major(*max_minor, *currency).unwrap_or(Value::Null));
            }
            PaymentConstraint::ExecutionDate { not_before, not_after } => {
                put("type", EXECUTION_DATE.into());
                not_before.as_ref().map(|date| put("not_before", date.as_str().into()));
                not_after.as_ref().map(|date| put("not_after", date.as_str().into()));
            }
        }
        Value::Object(members)
    }
}

fn read_budget(members: &mut Members) -> Result<PaymentConstraint, Refusal> {
    let currency = members.text("currency", Iso4217::parse)?;
    let max = members.take("max")?;
    let max_minor = max.as_number().and_then(|max| budget_minor(max, currency));
    let unfit = || Members::unfit(BUDGET, "max", "an amount in whole units that its currency can pay");
    Ok(PaymentConstraint::Budget { currency, max_minor: max_minor.ok_or_else(unfit)? })
}

/// Reads a quantity from one on.
pub(super) fn read_quantity(path: &'static str, value: &Value) -> Result<u64, Malformed> {
    let quantity = value.as_u64().filter(|quantity| (1..=AP2_QUANTITY_MAX).contains(quantity));
    quantity.ok_or_else(|| Members::unfit(path, "quantity", "a whole number from 1 to 1,000,000,000"))
}

fn each(value: Value) -> Result<Vec<Value>, Refusal> {
    match value {
        Value::Array(constraints) if constraints.len() <= AP2_CONSTRAINTS_MAX => Ok(constraints),
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Object(_)
        | Value::Array(_) => {
            Err(Members::unfit("mandate", "constraints", "a list of up to 32 constraints").into())
        }
    }
}

fn kind_of(value: Value) -> Result<(String, Members), Refusal> {
    let mut members = Members::open("constraint", value)?;
    Ok((members.text("type", text)?, members))
}
