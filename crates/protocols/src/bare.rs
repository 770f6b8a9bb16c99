//! Bills in dialects in which a seller signs nothing: what x402 and MPP have no field for, in one member of their own
//! extension object.
//!
//! The number of the bill holds the seller's MAC over all that it says, so the seller knows it again. The buyer has
//! only the connection's word for who asks: [`crate::a402::Needed`] is the signed form of the same bill.

use crate::a402::members::{Malformed, Members};
use crate::a402::wallet::{AssetText, Network, method_version};
use crate::a402::{
    AmountText, Credential, CredentialText, Currency, DateTime, DeliveryStatus, Demand, Fingerprint,
    HttpMethod, Identifier, Misshapen, Proof, Validation, ValidationStatus, digest,
};
use crate::json;
use crate::limits::{REPLAY_WINDOW_SECONDS_MAX, UNBILLED_SECONDS_MAX};
use crate::voucher::read_sum;
use book::Time;
use serde_json::{Map, Value};

/// Whether A402 says of a delivery that it was paid for and made, or is being made.
pub(crate) fn is_sold(said: &Validation) -> bool {
    match (said.validation_status(), said.delivery_status()) {
        (ValidationStatus::Valid, DeliveryStatus::Failed | DeliveryStatus::NotStarted) => false,
        (
            ValidationStatus::Valid,
            DeliveryStatus::Started | DeliveryStatus::Delivered | DeliveryStatus::Unknown,
        ) => true,
        (ValidationStatus::Invalid | ValidationStatus::Unknown, _) => false,
    }
}

/// Reads an amount in the smallest unit, in its one spelling.
pub(crate) fn read_amount(text: String) -> Result<u128, Misshapen> {
    let wrong = || Misshapen::new(&text, "an amount in the smallest unit, in digits");
    read_sum(&text).ok_or_else(wrong)
}

/// Reads the decimals of an asset's smallest unit, from 0 to 18.
pub(crate) fn read_scale(value: Option<&Value>) -> Option<u8> {
    let scale = value.and_then(Value::as_u64).and_then(|scale| u8::try_from(scale).ok());
    scale.filter(|scale| *scale <= AssetText::SCALE_MAX)
}

/// The members of an object; none of anything else.
pub(crate) fn members_of(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}

/// The proof that a credential makes for a bill, if it was made for that one.
///
/// # Errors
/// [`Malformed`] where it cannot be read.
pub(crate) fn proof_for(demand: &Demand, credential: CredentialText) -> Result<Option<Proof>, Malformed> {
    let stated = Credential::claimed(&credential)?;
    let proof = Proof::of_credential(credential)?;
    let is_same = stated.amount == demand.amount
        && stated.currency == demand.currency
        && stated.seller_unique_id == demand.seller_unique_id
        && proof.out_trade_no == demand.out_trade_no
        && proof.resource_id == demand.resource_id
        && proof.request_fingerprint == demand.request_fingerprint
        && proof.method_id == demand.method_id;
    Ok(is_same.then_some(proof))
}

/// What a dialect says in fields of its own: how much, of what, to whom, where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    pub network: Network,
    /// Who is paid.
    pub payee: Identifier,
    /// In the smallest unit.
    pub amount_minor: u128,
    pub currency: Currency,
    /// The decimals of the smallest unit, at most 18.
    pub scale: u8,
}

/// The rest of a bill: which one it is, for which request, until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub out_trade_no: Identifier,
    pub resource_id: Identifier,
    pub request_method: HttpMethod,
    pub request_fingerprint: Fingerprint,
    pub pay_before: DateTime,
    pub replay_window_seconds: u32,
    pub idempotency_key: Option<Identifier>,
    /// The only buyer it is for, if the seller knows who is asking.
    pub buyer: Option<Identifier>,
}

impl Note {
    /// The rest of a bill of ours.
    pub fn of(demand: &Demand) -> Note {
        Note {
            out_trade_no: demand.out_trade_no.clone(),
            resource_id: demand.resource_id.clone(),
            request_method: demand.request_method.clone(),
            request_fingerprint: demand.request_fingerprint.clone(),
            pay_before: demand.pay_before.clone(),
            replay_window_seconds: demand.replay_window_seconds,
            idempotency_key: demand.idempotency_key.clone(),
            buyer: demand.buyer_unique_id.clone(),
        }
    }

    /// The note of a payment that no seller has billed: of what the dialect itself says, and good for minutes.
    ///
    /// `asked` is all that was asked for in its canonical form, `asked_at` the instant from which `seconds` count.
    pub fn unbilled(asked: &Value, resource: &str, asked_at: Time, seconds: u32) -> Note {
        let request_fingerprint = digest(&json::canonical(asked));
        let out_trade_no = request_fingerprint.as_str().replace("sha-256:", "asked_");
        let seconds = seconds.clamp(1, UNBILLED_SECONDS_MAX);
        Note {
            out_trade_no: Identifier::parse(out_trade_no).expect("49 characters are an identifier"),
            resource_id: Identifier::parse(digest(resource.as_bytes()).as_str()).expect("a digest is one"),
            request_method: HttpMethod::parse("GET").expect("`GET` is a method"),
            request_fingerprint,
            // A second of which nothing has passed counts whole.
            pay_before: DateTime::second_of(asked_at.after(Time::from_seconds(u64::from(seconds) + 1).0)),
            replay_window_seconds: seconds,
            idempotency_key: None,
            buyer: None,
        }
    }

    /// The note as a JSON object.
    pub fn to_json(&self) -> Value {
        let mut members = Map::new();
        let mut put = |name: &str, text: &str| members.insert(name.to_owned(), text.into());
        put("outTradeNo", self.out_trade_no.as_str());
        put("resourceId", self.resource_id.as_str());
        put("requestMethod", self.request_method.as_str());
        put("requestFingerprint", self.request_fingerprint.as_str());
        put("payBefore", self.pay_before.as_str());
        if let Some(key) = &self.idempotency_key {
            put("idempotencyKey", key.as_str());
        }
        if let Some(buyer) = &self.buyer {
            put("buyer", buyer.as_str());
        }
        members.insert("replayWindowSeconds".to_owned(), self.replay_window_seconds.into());
        Value::Object(members)
    }

    /// Reads a note.
    ///
    /// # Errors
    /// [`Malformed`], naming the member.
    pub fn read(value: Value) -> Result<Note, Malformed> {
        let mut members = Members::open("bill", value)?;
        let note = Note {
            out_trade_no: members.text("outTradeNo", Identifier::parse)?,
            resource_id: members.text("resourceId", Identifier::parse)?,
            request_method: members.text("requestMethod", HttpMethod::parse)?,
            request_fingerprint: members.text("requestFingerprint", Fingerprint::parse)?,
            pay_before: members.text("payBefore", DateTime::parse)?,
            replay_window_seconds: members.integer("replayWindowSeconds", (1, REPLAY_WINDOW_SECONDS_MAX))?,
            idempotency_key: members.text_if_any("idempotencyKey", Identifier::parse)?,
            buyer: members.text_if_any("buyer", Identifier::parse)?,
        };
        members.end()?;
        if note.request_method.needs_idempotency_key() && note.idempotency_key.is_none() {
            let request_method = note.request_method.as_str().to_owned();
            return Err(Malformed::IdempotencyKeyMissing { request_method });
        }
        Ok(note)
    }

    /// The bill that both halves make.
    ///
    /// # Errors
    /// [`Malformed`] where the amount has no text.
    pub fn demand(self, price: &Price) -> Result<Demand, Malformed> {
        let amount = AmountText::of_minor(price.amount_minor, price.scale);
        Ok(Demand {
            method_id: price.network.method_id(),
            method_version: method_version(),
            out_trade_no: self.out_trade_no,
            amount: amount.map_err(|fault| Malformed::Misshapen { path: "price", name: "amount", fault })?,
            currency: price.currency.clone(),
            resource_id: self.resource_id,
            pay_before: self.pay_before,
            seller_unique_id: price.payee.clone(),
            buyer_unique_id: self.buyer,
            request_method: self.request_method,
            request_fingerprint: self.request_fingerprint,
            idempotency_key: self.idempotency_key,
            replay_window_seconds: self.replay_window_seconds,
            commerce_confirmation: None,
        })
    }
}
