//! `Payment-Needed`: what a seller demands for one request, and the signature that makes it his.
//!
//! A [`Demand`] is the protocol layer without its signature: amount, parties, resource, time and the
//! request it is for. A [`Needed`] is a demand with a method layer, signed over both.

use super::envelope::{self, MethodLayer, demand_idempotency_key, put};
use super::keys::{KeyFault, Keyring, SellerKey, signature_type_of};
use super::members::{Malformed, Members};
use super::text::{
    AmountText, Currency, DateTime, Fingerprint, HttpMethod, Identifier, MethodId, MethodVersion,
    SignatureText, SignatureType, Uri,
};
use crate::limits::REPLAY_WINDOW_SECONDS_MAX;
use evidence::{Signature, base64url};
use serde_json::{Map, Value};

/// What a seller demands for one request of one buyer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    pub method_id: MethodId,
    pub method_version: MethodVersion,
    /// The seller's number of this bill: another one for every challenge (A402-01).
    pub out_trade_no: Identifier,
    /// In whole units of `currency`.
    pub amount: AmountText,
    pub currency: Currency,
    /// What the payment unlocks.
    pub resource_id: Identifier,
    /// The instant from which the bill can no longer be paid.
    pub pay_before: DateTime,
    pub seller_unique_id: Identifier,
    /// The only buyer this bill is for, if the seller knows who is asking.
    pub buyer_unique_id: Option<Identifier>,
    pub request_method: HttpMethod,
    pub request_fingerprint: Fingerprint,
    /// Present unless the request is safe to repeat by its method (A402-19).
    pub idempotency_key: Option<Identifier>,
    /// How long after payment a proof may be presented, from 1 to 2,592,000 seconds.
    pub replay_window_seconds: u32,
    pub commerce_confirmation: Option<CommerceConfirmation>,
}

/// The confirmed cart this bill belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommerceConfirmation {
    pub confirmation_id: Identifier,
    pub confirmation_digest: Fingerprint,
    pub confirmation_uri: Option<Uri>,
}

/// A signed demand, as the header carries it. Holding one says nothing about its signature.
#[derive(Clone, Debug, PartialEq)]
pub struct Needed {
    pub demand: Demand,
    /// The method's own facts. Where they name a base field too, the demand's counts (A402-04).
    pub method: MethodLayer,
    /// Names the key, and with it the algorithm.
    pub signer_id: Identifier,
    pub signature_type: SignatureType,
    pub signature_content: SignatureText,
}

impl Demand {
    /// Refuses a demand that could not be written: the rules that no single field can hold.
    fn check(&self) -> Result<(), Malformed> {
        demand_idempotency_key(&self.request_method, self.idempotency_key.as_ref())?;
        Members::check_integer(
            ("protocol", "replay_window_seconds"),
            self.replay_window_seconds,
            (1, REPLAY_WINDOW_SECONDS_MAX),
        )
    }

    fn read(protocol: &mut Members) -> Result<Self, Malformed> {
        let demand = Demand {
            method_id: protocol.text("method_id", MethodId::parse)?,
            method_version: protocol.text("method_version", MethodVersion::parse)?,
            out_trade_no: protocol.text("out_trade_no", Identifier::parse)?,
            amount: protocol.text("amount", AmountText::parse)?,
            currency: protocol.text("currency", Currency::parse)?,
            resource_id: protocol.text("resource_id", Identifier::parse)?,
            pay_before: protocol.text("pay_before", DateTime::parse)?,
            seller_unique_id: protocol.text("seller_unique_id", Identifier::parse)?,
            buyer_unique_id: protocol.text_if_any("buyer_unique_id", Identifier::parse)?,
            request_method: protocol.text("request_method", HttpMethod::parse)?,
            request_fingerprint: protocol.text("request_fingerprint", Fingerprint::parse)?,
            idempotency_key: protocol.text_if_any("idempotency_key", Identifier::parse)?,
            replay_window_seconds: protocol
                .integer("replay_window_seconds", (1, REPLAY_WINDOW_SECONDS_MAX))?,
            commerce_confirmation: match protocol.take_if_any("commerce_confirmation") {
                Some(value) => Some(CommerceConfirmation::read(value)?),
                None => None,
            },
        };
        demand.check()?;
        Ok(demand)
    }

    pub(crate) fn members(&self) -> Map<String, Value> {
        let mut members = Map::new();
        put(&mut members, "method_id", self.method_id.as_str());
        put(&mut members, "method_version", self.method_version.as_str());
        put(&mut members, "out_trade_no", self.out_trade_no.as_str());
        put(&mut members, "amount", self.amount.as_str());
        put(&mut members, "currency", self.currency.as_str());
        put(&mut members, "resource_id", self.resource_id.as_str());
        put(&mut members, "pay_before", self.pay_before.as_str());
        put(&mut members, "seller_unique_id", self.seller_unique_id.as_str());
        put(&mut members, "buyer_unique_id", self.buyer_unique_id.as_ref().map(Identifier::as_str));
        put(&mut members, "request_method", self.request_method.as_str());
        put(&mut members, "request_fingerprint", self.request_fingerprint.as_str());
        put(&mut members, "idempotency_key", self.idempotency_key.as_ref().map(Identifier::as_str));
        let window = self.replay_window_seconds.into();
        members.insert("replay_window_seconds".to_owned(), window);
        if let Some(confirmation) = &self.commerce_confirmation {
            members.insert("commerce_confirmation".to_owned(), confirmation.to_json());
        }
        members
    }

    /// Signs the demand with its method layer.
    ///
    /// # Errors
    /// [`Malformed::IdempotencyKeyMissing`] and [`Malformed::Misshapen`] for a demand that breaks a
    /// rule between its fields.
    pub fn sign(self, method: MethodLayer, key: &SellerKey) -> Result<Needed, Malformed> {
        self.check()?;
        let signature_type = signature_type_of(key.signing_key.public().algorithm());
        let message = signed_bytes(&self, &method, &key.signer_id, &signature_type);
        let signature = base64url::encode(key.signing_key.sign(&message).as_bytes());
        Ok(Needed {
            demand: self,
            method,
            signer_id: key.signer_id.clone(),
            signature_type,
            signature_content: SignatureText::parse(signature).expect("Base64URL of 64 bytes is its text"),
        })
    }
}

impl Needed {
    /// Reads the value of a `Payment-Needed` header.
    ///
    /// # Errors
    /// [`Malformed`], naming the member. The signature is not looked at.
    pub fn decode(value: &str) -> Result<Self, Malformed> {
        let (mut protocol, method) = envelope::open(value)?;
        let demand = Demand::read(&mut protocol)?;
        let needed = Needed {
            demand,
            method,
            signer_id: protocol.text("signer_id", Identifier::parse)?,
            signature_type: protocol.text("signature_type", SignatureType::parse)?,
            signature_content: protocol.text("signature_content", SignatureText::parse)?,
        };
        protocol.end()?;
        Ok(needed)
    }

    /// Writes the value of a `Payment-Needed` header.
    ///
    /// # Errors
    /// [`Malformed`] for a value that [`Needed::decode`] would refuse.
    pub fn encode(&self) -> Result<String, Malformed> {
        self.demand.check()?;
        let mut protocol = signed_members(&self.demand, &self.signer_id, &self.signature_type);
        put(&mut protocol, "signature_content", self.signature_content.as_str());
        envelope::seal(protocol, &self.method)
    }

    /// Checks that the demanding seller signed every member, by a key that `keys` says is his.
    ///
    /// The key decides the algorithm; `signature_type` may only agree with it.
    ///
    /// # Errors
    /// [`KeyFault`].
    pub fn verify(&self, keys: &Keyring) -> Result<(), KeyFault> {
        let key = keys.key_of(&self.signer_id, &self.demand.seller_unique_id)?;
        if signature_type_of(key.algorithm()) != self.signature_type {
            return Err(KeyFault::WrongAlgorithm);
        }
        let signature = base64url::decode(self.signature_content.as_str()).ok_or(KeyFault::BadSignature)?;
        let signature = Signature::from_slice(&signature).map_err(|_| KeyFault::BadSignature)?;
        let message = signed_bytes(&self.demand, &self.method, &self.signer_id, &self.signature_type);
        key.verify(&message, &signature).map_err(|_| KeyFault::BadSignature)
    }
}

impl CommerceConfirmation {
    fn read(value: Value) -> Result<Self, Malformed> {
        let mut members = Members::open("commerce_confirmation", value)?;
        let confirmation = CommerceConfirmation {
            confirmation_id: members.text("confirmation_id", Identifier::parse)?,
            confirmation_digest: members.text("confirmation_digest", Fingerprint::parse)?,
            confirmation_uri: members.text_if_any("confirmation_uri", Uri::parse)?,
        };
        members.end()?;
        Ok(confirmation)
    }

    fn to_json(&self) -> Value {
        let mut members = Map::new();
        put(&mut members, "confirmation_id", self.confirmation_id.as_str());
        put(&mut members, "confirmation_digest", self.confirmation_digest.as_str());
        put(&mut members, "confirmation_uri", self.confirmation_uri.as_ref().map(Uri::as_str));
        Value::Object(members)
    }
}

/// Everything the header says except `signature_content`, in canonical JSON.
///
/// ACT leaves the coverage to the method; this is the choice of `docs/method-toll-wallet.md`. Every
/// member of `protocol` is one of [`Demand`]'s or of these two, so nothing unsigned is ever read.
fn signed_bytes(
    demand: &Demand,
    method: &MethodLayer,
    signer_id: &Identifier,
    signature_type: &SignatureType,
) -> Vec<u8> {
    envelope::canonical(signed_members(demand, signer_id, signature_type), method)
}

fn signed_members(
    demand: &Demand,
    signer_id: &Identifier,
    signature_type: &SignatureType,
) -> Map<String, Value> {
    let mut members = demand.members();
    put(&mut members, "signer_id", signer_id.as_str());
    put(&mut members, "signature_type", signature_type.as_str());
    members
}
