//! The four mandates of AP2 0.2: for a checkout and for a payment, each left open to an agent or closed.

use super::constraint::{CheckoutConstraint, PaymentConstraint};
use super::date::Date;
use super::money::Money;
pub use super::parties::Lifetime;
use super::parties::{Instrument, Merchant, Pisp, insert, key_to_json, read_key, text};
use super::refusal::{Refusal, shown};
use super::token::digest;
use crate::a402::members::{Malformed, Members};
use crate::limits::AP2_PRESENTATION_BYTES_MAX;
use evidence::PublicKey;
use serde_json::{Map, Value};

const OPEN_CHECKOUT: &str = "mandate.checkout.open.1";
const CHECKOUT: &str = "mandate.checkout.1";
const OPEN_PAYMENT: &str = "mandate.payment.open.1";
const PAYMENT: &str = "mandate.payment.1";

/// A mandate, as it was signed.
#[derive(Clone, Debug, PartialEq)]
pub enum Mandate {
    OpenCheckout(OpenCheckout),
    Checkout(ClosedCheckout),
    OpenPayment(Box<OpenPayment>),
    Payment(Box<Payment>),
}

/// What a mandate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    Checkout,
    Payment,
}

/// Whether it is for one transaction yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Open,
    Closed,
}

/// Lets an agent check out within constraints.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenCheckout {
    pub constraints: Vec<CheckoutConstraint>,
    /// The key of the agent that may close it.
    pub agent: PublicKey,
    pub lifetime: Lifetime,
}

/// Approves one checkout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClosedCheckout {
    /// What the merchant signed, letter by letter.
    pub checkout_jwt: String,
    /// Its hash; the payment for it bears the same.
    pub checkout_hash: String,
    pub lifetime: Lifetime,
}

/// Lets an agent pay within constraints.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenPayment {
    pub constraints: Vec<PaymentConstraint>,
    /// The key of the agent that may close it.
    pub agent: PublicKey,
    /// What is settled already.
    pub preset: Preset,
    pub lifetime: Lifetime,
}

/// Members of a closed payment that an open one already states: the closed one has to state the same.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Preset {
    pub transaction_id: Option<String>,
    pub payee: Option<Merchant>,
    pub amount: Option<Money>,
    pub instrument: Option<Instrument>,
    pub pisp: Option<Pisp>,
    pub execution_date: Option<Date>,
    /// Signals about the moment of approval; no term of the payment.
    pub risk_data: Option<Map<String, Value>>,
}

/// Approves one payment.
#[derive(Clone, Debug, PartialEq)]
pub struct Payment {
    /// The hash of the checkout that is paid for.
    pub transaction_id: String,
    pub payee: Merchant,
    pub amount: Money,
    pub instrument: Instrument,
    pub pisp: Option<Pisp>,
    /// At once where it says nothing.
    pub execution_date: Option<Date>,
    pub risk_data: Option<Map<String, Value>>,
    pub lifetime: Lifetime,
}

impl Mandate {
    /// The type on the wire.
    pub fn vct(&self) -> &'static str {
        match self {
            Mandate::OpenCheckout(_) => OPEN_CHECKOUT,
            Mandate::Checkout(_) => CHECKOUT,
            Mandate::OpenPayment(_) => OPEN_PAYMENT,
            Mandate::Payment(_) => PAYMENT,
        }
    }

    pub fn family(&self) -> Family {
        match self {
            Mandate::OpenCheckout(_) | Mandate::Checkout(_) => Family::Checkout,
            Mandate::OpenPayment(_) | Mandate::Payment(_) => Family::Payment,
        }
    }

    pub fn state(&self) -> State {
        match self {
            Mandate::OpenCheckout(_) | Mandate::OpenPayment(_) => State::Open,
            Mandate::Checkout(_) | Mandate::Payment(_) => State::Closed,
        }
    }

    pub fn lifetime(&self) -> &Lifetime {
        match self {
            Mandate::OpenCheckout(mandate) => &mandate.lifetime,
            Mandate::Checkout(mandate) => &mandate.lifetime,
            Mandate::OpenPayment(mandate) => &mandate.lifetime,
            Mandate::Payment(mandate) => &mandate.lifetime,
        }
    }

    /// The key of the agent that an open mandate names.
    pub(super) fn agent_key(&self) -> Option<&PublicKey> {
        match self {
            Mandate::OpenCheckout(mandate) => Some(&mandate.agent),
            Mandate::OpenPayment(mandate) => Some(&mandate.agent),
            Mandate::Checkout(_) | Mandate::Payment(_) => None,
        }
    }

    /// Reads a mandate from its JSON, with everything in its place.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn read(value: Value) -> Result<Mandate, Refusal> {
        let mut members = Members::open("mandate", value)?;
        let vct = members.text("vct", text)?;
        let lifetime = Lifetime::read("mandate", &mut members)?;
        // Names of an issuer and of a token say nothing about what is allowed.
        for name in ["iss", "sub", "jti"] {
            members.text_if_any(name, text)?;
        }
        let mandate = match vct.as_str() {
            OPEN_CHECKOUT => Mandate::OpenCheckout(OpenCheckout {
                constraints: CheckoutConstraint::read_all(members.take("constraints")?)?,
                agent: read_key("cnf", members.take("cnf")?)?,
                lifetime,
            }),
            CHECKOUT => Mandate::Checkout(ClosedCheckout::read(&mut members, lifetime)?),
            OPEN_PAYMENT => Mandate::OpenPayment(Box::new(OpenPayment {
                constraints: PaymentConstraint::read_all(members.take("constraints")?)?,
                agent: read_key("cnf", members.take("cnf")?)?,
                preset: Preset::read(&mut members)?,
                lifetime,
            })),
            PAYMENT => Mandate::Payment(Box::new(Payment::read(&mut members, lifetime)?)),
            _ => return Err(Refusal::Unsupported { vct: shown(&vct) }),
        };
        // What we do not know could be a bound: an open mandate must have none, and a closed one no second meaning.
        members.end()?;
        Ok(mandate)
    }

    /// The mandate as JSON.
    pub fn to_json(&self) -> Value {
        let mut members = Map::new();
        members.insert("vct".to_owned(), self.vct().into());
        match self {
            Mandate::OpenCheckout(mandate) => {
                let constraints = mandate.constraints.iter().map(CheckoutConstraint::to_json).collect();
                members.insert("constraints".to_owned(), constraints);
                members.insert("cnf".to_owned(), key_to_json(&mandate.agent));
            }
            Mandate::Checkout(mandate) => {
                members.insert("checkout_jwt".to_owned(), mandate.checkout_jwt.as_str().into());
                members.insert("checkout_hash".to_owned(), mandate.checkout_hash.as_str().into());
            }
            Mandate::OpenPayment(mandate) => {
                let constraints = mandate.constraints.iter().map(PaymentConstraint::to_json).collect();
                members.insert("constraints".to_owned(), constraints);
                members.insert("cnf".to_owned(), key_to_json(&mandate.agent));
                mandate.preset.write(&mut members);
            }
            Mandate::Payment(payment) => payment.as_preset().write(&mut members),
        }
        self.lifetime().write(&mut members);
        Value::Object(members)
    }
}

impl ClosedCheckout {
    /// Approves what the merchant signed.
    pub fn of(checkout_jwt: String, lifetime: Lifetime) -> ClosedCheckout {
        let checkout_hash = digest(&checkout_jwt);
        ClosedCheckout { checkout_jwt, checkout_hash, lifetime }
    }

    fn read(members: &mut Members, lifetime: Lifetime) -> Result<ClosedCheckout, Refusal> {
        let checkout_jwt = members.text("checkout_jwt", Ok)?;
        if AP2_PRESENTATION_BYTES_MAX < checkout_jwt.len() {
            return Err(Refusal::TooLong { bytes: checkout_jwt.len() });
        }
        let stated = members.text("checkout_hash", text)?;
        let closed = ClosedCheckout::of(checkout_jwt, lifetime);
        if closed.checkout_hash == stated { Ok(closed) } else { Err(Refusal::CheckoutHash) }
    }
}

impl Preset {
    fn read(members: &mut Members) -> Result<Preset, Malformed> {
        let mut any = |name| members.take_if_any(name);
        let payee = any("payee").map(|value| Merchant::read("payee", value));
        let amount = any("payment_amount").map(|value| Money::read("payment_amount", value));
        let instrument = any("payment_instrument").map(|value| Instrument::read("payment_instrument", value));
        let pisp = any("pisp").map(|value| Pisp::read("pisp", value));
        let risk_data = match any("risk_data") {
            None => None,
            Some(Value::Object(signals)) => Some(signals),
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
                return Err(Malformed::NotAnObject { path: "risk_data" });
            }
        };
        Ok(Preset {
            transaction_id: members.text_if_any("transaction_id", text)?,
            payee: payee.transpose()?,
            amount: amount.transpose()?,
            instrument: instrument.transpose()?,
            pisp: pisp.transpose()?,
            execution_date: members.text_if_any("execution_date", Date::parse)?,
            risk_data,
        })
    }

    fn write(&self, members: &mut Map<String, Value>) {
        insert(members, "transaction_id", self.transaction_id.as_deref());
        insert(members, "execution_date", self.execution_date.as_ref().map(Date::as_str));
        for (name, value) in [
            ("payee", self.payee.as_ref().map(Merchant::to_json)),
            ("payment_amount", self.amount.map(Money::to_json)),
            ("payment_instrument", self.instrument.as_ref().map(Instrument::to_json)),
            ("pisp", self.pisp.as_ref().map(Pisp::to_json)),
            ("risk_data", self.risk_data.clone().map(Value::Object)),
        ] {
            if let Some(value) = value {
                members.insert(name.to_owned(), value);
            }
        }
    }
}

impl Payment {
    fn read(members: &mut Members, lifetime: Lifetime) -> Result<Payment, Malformed> {
        let stated = Preset::read(members)?;
        let missing = |name| Malformed::Missing { path: "mandate", name };
        Ok(Payment {
            transaction_id: stated.transaction_id.ok_or(missing("transaction_id"))?,
            payee: stated.payee.ok_or(missing("payee"))?,
            amount: stated.amount.ok_or(missing("payment_amount"))?,
            instrument: stated.instrument.ok_or(missing("payment_instrument"))?,
            pisp: stated.pisp,
            execution_date: stated.execution_date,
            risk_data: stated.risk_data,
            lifetime,
        })
    }

    fn as_preset(&self) -> Preset {
        Preset {
            transaction_id: Some(self.transaction_id.clone()),
            payee: Some(self.payee.clone()),
            amount: Some(self.amount),
            instrument: Some(self.instrument.clone()),
            pisp: self.pisp.clone(),
            execution_date: self.execution_date.clone(),
            risk_data: self.risk_data.clone(),
        }
    }
}
