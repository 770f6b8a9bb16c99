//! Who and what a mandate names: merchants, instruments, initiators of payments, keys and lifetimes.

use super::money::{Iso4217, Money};
use crate::a402::Misshapen;
use crate::a402::members::{Malformed, Members};
use crate::limits::{AP2_AMOUNT_MINOR_MAX, AP2_LIST_MAX, AP2_TEXT_BYTES_MAX};
use evidence::{PublicKey, base64url};
use serde_json::{Map, Value, json};

/// A seller, as a mandate names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merchant {
    pub id: String,
    pub name: String,
    pub website: Option<String>,
}

/// What is paid with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instrument {
    pub id: String,
    /// Its category, `type` on the wire.
    pub kind: String,
    pub description: Option<String>,
}

/// Who initiates a payment from an account elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pisp {
    pub legal_name: String,
    pub brand_name: String,
    pub domain_name: String,
}

/// When a mandate is good, in seconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lifetime {
    pub issued_at: Option<u64>,
    pub valid_from: Option<u64>,
    /// From then on it is not.
    pub expires_at: Option<u64>,
}

impl Merchant {
    /// Whether both are the same seller: by id where both have one, and else by name and website.
    pub fn is_same(&self, other: &Merchant) -> bool {
        if !self.id.is_empty() && !other.id.is_empty() {
            return self.id == other.id;
        }
        let is_named = !self.name.is_empty() && self.website.as_ref().is_some_and(|site| !site.is_empty());
        is_named && self.name == other.name && self.website == other.website
    }

    pub(super) fn read(path: &'static str, value: Value) -> Result<Merchant, Malformed> {
        let mut members = Members::open(path, value)?;
        let merchant = Merchant {
            id: members.text("id", text)?,
            name: members.text("name", text)?,
            website: members.text_if_any("website", text)?,
        };
        members.end()?;
        Ok(merchant)
    }

    pub(super) fn to_json(&self) -> Value {
        let mut members = Map::new();
        members.insert("id".to_owned(), self.id.as_str().into());
        members.insert("name".to_owned(), self.name.as_str().into());
        insert(&mut members, "website", self.website.as_deref());
        Value::Object(members)
    }
}

impl Instrument {
    pub(super) fn read(path: &'static str, value: Value) -> Result<Instrument, Malformed> {
        let mut members = Members::open(path, value)?;
        let instrument = Instrument {
            id: members.text("id", text)?,
            kind: members.text("type", text)?,
            description: members.text_if_any("description", text)?,
        };
        members.end()?;
        Ok(instrument)
    }

    pub(super) fn to_json(&self) -> Value {
        let mut members = Map::new();
        members.insert("id".to_owned(), self.id.as_str().into());
        members.insert("type".to_owned(), self.kind.as_str().into());
        insert(&mut members, "description", self.description.as_deref());
        Value::Object(members)
    }
}

impl Pisp {
    pub(super) fn read(path: &'static str, value: Value) -> Result<Pisp, Malformed> {
        let mut members = Members::open(path, value)?;
        let pisp = Pisp {
            legal_name: members.text("legal_name", text)?,
            brand_name: members.text("brand_name", text)?,
            domain_name: members.text("domain_name", text)?,
        };
        members.end()?;
        Ok(pisp)
    }

    pub(super) fn to_json(&self) -> Value {
        json!({
            "legal_name": self.legal_name,
            "brand_name": self.brand_name,
            "domain_name": self.domain_name,
        })
    }
}

impl Money {
    pub(super) fn read(path: &'static str, value: Value) -> Result<Money, Malformed> {
        let mut members = Members::open(path, value)?;
        let money = Money {
            amount_minor: minor(path, "amount", &members.take("amount")?)?,
            currency: members.text("currency", Iso4217::parse)?,
        };
        members.end()?;
        Ok(money)
    }

    pub(super) fn to_json(self) -> Value {
        json!({ "amount": self.amount_minor, "currency": self.currency.as_str() })
    }
}

impl Lifetime {
    pub(super) fn read(path: &'static str, members: &mut Members) -> Result<Lifetime, Malformed> {
        let mut second = |name| match members.take_if_any(name) {
            None => Ok(None),
            Some(value) => match value.as_u64() {
                Some(second) => Ok(Some(second)),
                None => Err(Members::unfit(path, name, "a second since 1970")),
            },
        };
        Ok(Lifetime { issued_at: second("iat")?, valid_from: second("nbf")?, expires_at: second("exp")? })
    }

    pub(super) fn write(&self, members: &mut Map<String, Value>) {
        for (name, second) in [("iat", self.issued_at), ("nbf", self.valid_from), ("exp", self.expires_at)] {
            if let Some(second) = second {
                members.insert(name.to_owned(), second.into());
            }
        }
    }
}

/// The agent's key that an open mandate names, a public one on P-256.
pub(super) fn read_key(path: &'static str, value: Value) -> Result<PublicKey, Malformed> {
    let mut members = Members::open(path, value)?;
    let mut jwk = Members::open("cnf.jwk", members.take("jwk")?)?;
    members.end()?;
    for (name, word) in [("kty", "EC"), ("crv", "P-256")] {
        if jwk.text(name, text)? != word {
            return Err(Members::unfit("cnf.jwk", name, "that of a key on P-256"));
        }
    }
    for (name, word) in [("use", "sig"), ("alg", "ES256")] {
        if jwk.text_if_any(name, text)?.is_some_and(|found| found != word) {
            return Err(Members::unfit("cnf.jwk", name, "that of a key for ES256"));
        }
    }
    let mut coordinate = |name| {
        let decoded = base64url::decode(&jwk.text(name, text)?);
        decoded.ok_or_else(|| Members::unfit("cnf.jwk", name, "a coordinate in Base64URL"))
    };
    let (x, y) = (coordinate("x")?, coordinate("y")?);
    for name in ["kid", "key_ops"] {
        jwk.take_if_any(name);
    }
    // A private key, or a pointer to some other one, has no business here.
    jwk.end()?;
    PublicKey::es256(&x, &y).map_err(|_| Members::unfit("cnf.jwk", "x", "a point on P-256"))
}

pub(super) fn key_to_json(key: &PublicKey) -> Value {
    let (x, y) =
        key.bytes().strip_prefix(&[4]).and_then(|both| both.split_at_checked(32)).unwrap_or_default();
    let (x, y) = (base64url::encode(x), base64url::encode(y));
    json!({ "jwk": { "kty": "EC", "crv": "P-256", "x": x, "y": y } })
}

/// Reads a text of a mandate, of any letters and no more than there is room for.
pub(super) fn text(text: String) -> Result<String, Misshapen> {
    if AP2_TEXT_BYTES_MAX < text.len() {
        return Err(Misshapen::new(&text, "a text of up to 1024 bytes"));
    }
    Ok(text)
}

/// Reads an amount in the smallest unit.
pub(super) fn minor(path: &'static str, name: &'static str, value: &Value) -> Result<u64, Malformed> {
    let amount = value.as_u64().filter(|amount| *amount <= AP2_AMOUNT_MINOR_MAX);
    amount.ok_or_else(|| Members::unfit(path, name, "a whole number of the smallest unit"))
}

/// Reads a list of the constraint `path`, each element by its own rule.
pub(super) fn list<T>(
    path: &'static str,
    name: &'static str,
    value: Value,
    read: impl Fn(&'static str, Value) -> Result<T, Malformed>,
) -> Result<Vec<T>, Malformed> {
    match value {
        Value::Array(elements) if elements.len() <= AP2_LIST_MAX => {
            elements.into_iter().map(|element| read(path, element)).collect()
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Object(_)
        | Value::Array(_) => Err(Members::unfit(path, name, "a list of up to 128 entries")),
    }
}

pub(super) fn insert(members: &mut Map<String, Value>, name: &'static str, text: Option<&str>) {
    if let Some(text) = text {
        members.insert(name.to_owned(), text.into());
    }
}
