//! The payment credential: the payment service's signed statement that one demand was paid.
//!
//! Its text is Base64URL of canonical JSON `{"credential":{…},"key_id":"…","signature":"…"}`. There is
//! one text for one statement and signature, and no algorithm in it: the key of that name has one.

use super::envelope::put;
use super::error::ErrorId;
use super::keys::{KeyFault, Keyring};
use super::members::{Malformed, Members};
use super::needed::Demand;
use super::text::{
    AmountText, CredentialText, Currency, DateTime, Fingerprint, HttpMethod, Identifier, MethodId,
    MethodVersion, SignatureText,
};
use crate::json;
use crate::limits::CREDENTIAL_TEXT_BYTES_MAX;
use book::Time;
use evidence::{Signature, Signed, SigningKey, Verified, base64url};
use serde_json::{Map, Value};

/// Comes before the signed bytes, so that this signature fits nothing else the key ever signs.
const DOMAIN: &[u8] = b"toll:a402-credential/1\n";

/// What the payment service states: who paid whom how much, for which request, and until when that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    pub trade_no: Identifier,
    pub out_trade_no: Identifier,
    pub resource_id: Identifier,
    pub method_id: MethodId,
    pub method_version: MethodVersion,
    pub amount: AmountText,
    pub currency: Currency,
    pub seller_unique_id: Identifier,
    pub buyer_unique_id: Identifier,
    pub request_fingerprint: Fingerprint,
    pub request_method: HttpMethod,
    pub idempotency_key: Option<Identifier>,
    /// The second in which it was paid.
    pub issued_at: DateTime,
    /// The instant from which the statement redeems nothing.
    pub expires_at: DateTime,
}

/// A payment the payment service has made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    pub trade_no: Identifier,
    pub buyer_unique_id: Identifier,
    pub paid_at: Time,
}

/// Why a demand must not be paid, or not by this buyer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotPayable {
    #[error("the bill had to be paid earlier")]
    TooLate,
    #[error("the bill is for another buyer")]
    OtherBuyer,
}

impl NotPayable {
    /// The catalogue's error for this.
    pub fn error_id(&self) -> ErrorId {
        match self {
            NotPayable::TooLate => ErrorId::RequestInvalid,
            NotPayable::OtherBuyer => ErrorId::ParticipantInvalid,
        }
    }
}

/// Why a credential is not a statement of a payment service we trust.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotGenuine {
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error(transparent)]
    Key(#[from] KeyFault),
}

impl Credential {
    /// States that `payment` paid `demand`. It counts for the demand's replay window.
    ///
    /// # Errors
    /// [`NotPayable`]: ask before taking the money, not after.
    pub fn for_demand(demand: &Demand, payment: Payment) -> Result<Self, NotPayable> {
        if demand.pay_before.time() <= payment.paid_at {
            return Err(NotPayable::TooLate);
        }
        if demand.buyer_unique_id.as_ref().is_some_and(|buyer| *buyer != payment.buyer_unique_id) {
            return Err(NotPayable::OtherBuyer);
        }
        let issued_at = DateTime::second_of(payment.paid_at);
        let window = Time::from_seconds(demand.replay_window_seconds.into());
        let expires_at = DateTime::second_of(issued_at.time().after(window.0));
        Ok(Credential {
            trade_no: payment.trade_no,
            out_trade_no: demand.out_trade_no.clone(),
            resource_id: demand.resource_id.clone(),
            method_id: demand.method_id.clone(),
            method_version: demand.method_version.clone(),
            amount: demand.amount.clone(),
            currency: demand.currency.clone(),
            seller_unique_id: demand.seller_unique_id.clone(),
            buyer_unique_id: payment.buyer_unique_id,
            request_fingerprint: demand.request_fingerprint.clone(),
            request_method: demand.request_method.clone(),
            idempotency_key: demand.idempotency_key.clone(),
            issued_at,
            expires_at,
        })
    }

    /// Signs the statement with the key others know as `key_id`.
    pub fn sign(&self, key_id: &Identifier, key: &SigningKey) -> CredentialText {
        let signature = key.sign(&signed_bytes(self.to_json(), key_id));
        CredentialText::of_bytes(&written(self.to_json(), key_id, &signature))
    }

    /// Opens a credential signed by a key that vouches for payments of `method_id`.
    ///
    /// In `keys`, the owner of a payment service's key is the *method* it may speak for, so a key of the
    /// test network states nothing about the main one (PR-14, PR-21).
    ///
    /// # Errors
    /// [`NotGenuine`].
    pub fn open(
        text: &CredentialText,
        method_id: &MethodId,
        keys: &Keyring,
    ) -> Result<Verified<Self>, NotGenuine> {
        let Statement { bytes, claims, key_id, signature } = Statement::read(text)?;
        let signature = base64url::decode(signature.as_str()).ok_or(KeyFault::BadSignature)?;
        let signature = Signature::from_slice(&signature).map_err(|_| KeyFault::BadSignature)?;
        if written(claims.clone(), &key_id, &signature) != bytes {
            return Err(Malformed::Encoding.into()); // another spelling of the same statement
        }

        let speaks_for = Identifier::parse(method_id.as_str()).expect("a method id is an identifier");
        let key = keys.key_of(&key_id, &speaks_for)?.clone();
        let message = signed_bytes(claims.clone(), &key_id);
        let signed = Signed::read(message, key, signature, |_| Credential::read(claims))?;
        #[cfg(feature = "sabotage")]
        if crate::sabotage::has(crate::sabotage::Sabotage::AnySignature) {
            return Ok(signed.unverified());
        }
        Ok(signed.verify().map_err(|_| KeyFault::BadSignature)?)
    }

    /// What a credential claims, whoever signed it.
    ///
    /// # Errors
    /// [`Malformed`], naming the member.
    pub(crate) fn claimed(text: &CredentialText) -> Result<Self, Malformed> {
        Credential::read(Statement::read(text)?.claims)
    }

    fn read(claims: Value) -> Result<Self, Malformed> {
        let mut members = Members::open("credential", claims)?;
        let credential = Credential {
            trade_no: members.text("trade_no", Identifier::parse)?,
            out_trade_no: members.text("out_trade_no", Identifier::parse)?,
            resource_id: members.text("resource_id", Identifier::parse)?,
            method_id: members.text("method_id", MethodId::parse)?,
            method_version: members.text("method_version", MethodVersion::parse)?,
            amount: members.text("amount", AmountText::parse)?,
            currency: members.text("currency", Currency::parse)?,
            seller_unique_id: members.text("seller_unique_id", Identifier::parse)?,
            buyer_unique_id: members.text("buyer_unique_id", Identifier::parse)?,
            request_fingerprint: members.text("request_fingerprint", Fingerprint::parse)?,
            request_method: members.text("request_method", HttpMethod::parse)?,
            idempotency_key: members.text_if_any("idempotency_key", Identifier::parse)?,
            issued_at: members.text("issued_at", DateTime::parse)?,
            expires_at: members.text("expires_at", DateTime::parse)?,
        };
        members.end()?;
        Ok(credential)
    }

    fn to_json(&self) -> Value {
        let mut members = Map::new();
        put(&mut members, "trade_no", self.trade_no.as_str());
        put(&mut members, "out_trade_no", self.out_trade_no.as_str());
        put(&mut members, "resource_id", self.resource_id.as_str());
        put(&mut members, "method_id", self.method_id.as_str());
        put(&mut members, "method_version", self.method_version.as_str());
        put(&mut members, "amount", self.amount.as_str());
        put(&mut members, "currency", self.currency.as_str());
        put(&mut members, "seller_unique_id", self.seller_unique_id.as_str());
        put(&mut members, "buyer_unique_id", self.buyer_unique_id.as_str());
        let fingerprint = self.request_fingerprint.as_str();
        put(&mut members, "request_fingerprint", fingerprint);
        put(&mut members, "request_method", self.request_method.as_str());
        let idempotency_key = self.idempotency_key.as_ref().map(Identifier::as_str);
        put(&mut members, "idempotency_key", idempotency_key);
        put(&mut members, "issued_at", self.issued_at.as_str());
        put(&mut members, "expires_at", self.expires_at.as_str());
        Value::Object(members)
    }
}

/// A credential's text, taken apart.
struct Statement {
    bytes: Vec<u8>,
    claims: Value,
    key_id: Identifier,
    signature: SignatureText,
}

impl Statement {
    fn read(text: &CredentialText) -> Result<Statement, Malformed> {
        let text = text.reveal();
        if CREDENTIAL_TEXT_BYTES_MAX < text.len() {
            return Err(Malformed::TooLong { bytes: text.len() });
        }
        let bytes = base64url::decode(text).ok_or(Malformed::Encoding)?;
        let mut members = Members::open("payment_proof", json::parse(&bytes)?)?;
        let claims = members.take("credential")?;
        let key_id = members.text("key_id", Identifier::parse)?;
        let signature = members.text("signature", SignatureText::parse)?;
        members.end()?;
        Ok(Statement { bytes, claims, key_id, signature })
    }
}

fn signed_bytes(claims: Value, key_id: &Identifier) -> Vec<u8> {
    let statement = json::canonical(&Value::Object(statement(claims, key_id)));
    [DOMAIN, &statement].concat()
}

fn written(claims: Value, key_id: &Identifier, signature: &Signature) -> Vec<u8> {
    let mut members = statement(claims, key_id);
    let signature = base64url::encode(signature.as_bytes());
    put(&mut members, "signature", signature.as_str());
    json::canonical(&Value::Object(members))
}

fn statement(claims: Value, key_id: &Identifier) -> Map<String, Value> {
    let mut members = Map::new();
    members.insert("credential".to_owned(), claims);
    put(&mut members, "key_id", key_id.as_str());
    members
}
