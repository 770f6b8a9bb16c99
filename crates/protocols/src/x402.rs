//! Version 2 of x402: a price in `PAYMENT-REQUIRED`, a payment in `PAYMENT-SIGNATURE`, an outcome in `PAYMENT-RESPONSE`, and
//! what a facilitator is asked.
//!
//! The network is our ledger's, `toll:main` or `toll:test`; the schemes are `exact` and `upto`. A payment is the payment
//! service's credential for the requirement that was accepted: see `docs/x402.md`. Chains are not spoken here.

use crate::a402::members::{Malformed, Members};
use crate::a402::wallet::Network;
use crate::a402::words::words;
use crate::a402::{
    AmountText, CredentialText, Currency, Demand, Identifier, Misshapen, Proof, Validation, ValidationStatus,
};
use crate::bare::{Note, Price, is_sold, members_of, proof_for, read_amount, read_scale};
use crate::json;
use crate::limits::{HEADER_VALUE_BYTES_MAX, X402_ACCEPTS_MAX, X402_REQUEST_BYTES_MAX, X402_URL_BYTES_MAX};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use book::Time;
use serde_json::{Map, Value, json};

/// The version of the protocol.
pub const VERSION: u32 = 2;

/// Sent by a seller with a 402.
pub const PAYMENT_REQUIRED: &str = "payment-required";
/// Sent by a buyer on the second request.
pub const PAYMENT_SIGNATURE: &str = "payment-signature";
/// Sent by a seller with the answer.
pub const PAYMENT_RESPONSE: &str = "payment-response";

words! {
    /// How much of what was agreed to is taken.
    Scheme {
        /// All of it.
        Exact = "exact",
        /// As much as the answer costs.
        Upto = "upto",
    }
}

words! {
    /// Why a payment does not count.
    Reason {
        /// It cannot be read.
        InvalidPayload = "invalid_payload",
        /// The version is another.
        InvalidVersion = "invalid_x402_version",
        /// The network is another.
        InvalidNetwork = "invalid_network",
        /// The scheme is another.
        InvalidScheme = "invalid_scheme",
        /// It is for another price, payee, resource or request.
        InvalidRequirements = "invalid_payment_requirements",
        /// Nobody who may has signed it.
        InvalidSignature = "invalid_signature",
        /// Its time is over, or has not come.
        Expired = "payment_expired",
        /// It was taken before: the transaction that is named has the money.
        AlreadySettled = "already_settled",
        /// The money went back.
        Released = "payment_released",
        /// The payer's side has been stopped.
        PayerStopped = "payer_stopped",
        /// Whoever settles `upto` has to show that he is the seller.
        SellerUnknown = "seller_not_authenticated",
        /// Nobody could say: ask again.
        Unknown = "unexpected_settle_error",
    }
}

/// What a seller asks for, in one way of paying it.
#[derive(Clone, Debug, PartialEq)]
pub struct Requirements {
    pub scheme: Scheme,
    pub network: Network,
    /// In the smallest unit; the most of it for [`Scheme::Upto`].
    pub amount_minor: u128,
    pub currency: Currency,
    pub pay_to: Identifier,
    pub max_timeout_seconds: u32,
    /// What the scheme needs beside: `decimals`, `authority` and `bill` of ours.
    pub extra: Map<String, Value>,
}

/// A payment for one of the requirements.
#[derive(Clone, Debug)]
pub struct Payload {
    /// What is bought, where the buyer says so.
    pub resource: Option<String>,
    pub accepted: Requirements,
    pub credential: CredentialText,
}

/// What a facilitator is asked: whether this payload pays for these requirements.
#[derive(Clone, Debug)]
pub struct Ask {
    pub payload: Payload,
    pub requirements: Requirements,
}

/// Why something is not x402 that we take. Nothing of it is paid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("the value is not Base64 in its one spelling")]
    Encoding,
    #[error("`x402Version` is not 2")]
    Version,
    #[error("the network is neither `toll:main` nor `toll:test`")]
    Network,
    #[error("the scheme is neither `exact` nor `upto`")]
    Scheme,
    #[error("the credential is for something else than what was accepted")]
    Other,
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

impl Fault {
    /// What x402 calls it.
    pub fn reason(&self) -> Reason {
        match self {
            Fault::Encoding | Fault::Malformed(_) => Reason::InvalidPayload,
            Fault::Version => Reason::InvalidVersion,
            Fault::Network => Reason::InvalidNetwork,
            Fault::Scheme => Reason::InvalidScheme,
            Fault::Other => Reason::InvalidRequirements,
        }
    }
}

impl Requirements {
    /// Asks for a bill of ours.
    pub fn of_bill(
        price: &Price,
        note: &Note,
        scheme: Scheme,
        authority: &str,
        seconds: u32,
    ) -> Requirements {
        let extra = json!({
            "assetTransferMethod": "ledger",
            "authority": authority,
            "bill": note.to_json(),
            "decimals": price.scale,
        });
        Requirements {
            scheme,
            network: price.network,
            amount_minor: price.amount_minor,
            currency: price.currency.clone(),
            pay_to: price.payee.clone(),
            max_timeout_seconds: seconds,
            extra: members_of(extra),
        }
    }

    /// Reads requirements from their JSON text.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn parse(text: &str) -> Result<Requirements, Fault> {
        if HEADER_VALUE_BYTES_MAX < text.len() {
            return Err(Malformed::TooLong { bytes: text.len() }.into());
        }
        Requirements::read(json::parse(text.as_bytes()).map_err(Malformed::from)?)
    }

    fn read(value: Value) -> Result<Requirements, Fault> {
        let mut members = Members::open("accepted", value)?;
        let scheme = members.text("scheme", Ok)?;
        let network = members.text("network", Ok)?;
        let extra = match members.take_if_any("extra") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(extra)) => extra,
            Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
                return Err(Malformed::NotAnObject { path: "accepted.extra" }.into());
            }
        };
        // Members that a later version adds are not ours to refuse.
        Ok(Requirements {
            scheme: Scheme::parse(&scheme).ok_or(Fault::Scheme)?,
            network: Network::parse(&network).ok_or(Fault::Network)?,
            amount_minor: members.text("amount", read_amount)?,
            currency: members.text("asset", Currency::parse)?,
            pay_to: members.text("payTo", Identifier::parse)?,
            max_timeout_seconds: members.integer("maxTimeoutSeconds", (1, u32::MAX))?,
            extra,
        })
    }

    /// Writes them as JSON text.
    pub fn to_text(&self) -> String {
        self.to_json().to_string()
    }

    fn to_json(&self) -> Value {
        json!({
            "scheme": self.scheme.as_str(),
            "network": self.network.as_str(),
            "amount": self.amount_minor.to_string(),
            "asset": self.currency.as_str(),
            "payTo": self.pay_to.as_str(),
            "maxTimeoutSeconds": self.max_timeout_seconds,
            "extra": self.extra,
        })
    }

    /// The price, if the decimals of its asset are said.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn price(&self) -> Result<Price, Malformed> {
        let unfit = || Members::unfit("accepted.extra", "decimals", "a number of decimals from 0 to 18");
        Ok(Price {
            network: self.network,
            payee: self.pay_to.clone(),
            amount_minor: self.amount_minor,
            currency: self.currency.clone(),
            scale: read_scale(self.extra.get("decimals")).ok_or_else(unfit)?,
        })
    }

    /// The bill that these requirements are: the seller's own where they carry one, and else one for just them, to be paid
    /// within their time from `asked_at` on.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn demand(&self, resource: &str, asked_at: Time) -> Result<Demand, Malformed> {
        let price = self.price()?;
        if X402_URL_BYTES_MAX < resource.len() {
            return Err(Malformed::TooLong { bytes: resource.len() });
        }
        let note = match self.extra.get("bill") {
            Some(note) => Note::read(note.clone())?,
            None => {
                let asked = json!({ "accepted": self.to_json(), "resource": resource });
                Note::unbilled(&asked, resource, asked_at, self.max_timeout_seconds)
            }
        };
        note.demand(&price)
    }

    /// Whether a seller has billed them; else a facilitator settles.
    pub fn are_billed(&self) -> bool {
        self.extra.contains_key("bill")
    }

    /// Whether what is to be settled is what was agreed to, or less of it where the scheme allows that.
    pub fn fit(&self, settled: &Requirements) -> bool {
        let same_amount = Requirements { amount_minor: self.amount_minor, ..settled.clone() };
        let amount_fits = match self.scheme {
            Scheme::Exact => settled.amount_minor == self.amount_minor,
            Scheme::Upto => settled.amount_minor <= self.amount_minor,
        };
        amount_fits && same_amount == *self
    }
}

/// Writes the value of a `PAYMENT-REQUIRED` header.
pub fn required(url: &str, error: &str, accepts: &[Requirements]) -> String {
    let accepts: Vec<Value> = accepts.iter().map(Requirements::to_json).collect();
    let resource = json!({ "url": url });
    let text = json!({ "x402Version": VERSION, "error": error, "resource": resource, "accepts": accepts });
    STANDARD.encode(json::canonical(&text))
}

/// Reads what of a `PAYMENT-REQUIRED` header can be paid here: the resource, and the requirements on our network.
///
/// # Errors
/// [`Fault`]. Ways of paying that are not ours are left out, not faults.
pub fn read_required(value: &str) -> Result<(String, Vec<Requirements>), Fault> {
    let mut members = Members::open("payment_required", decode(value)?)?;
    check_version(&mut members)?;
    let mut resource = Members::open("resource", members.take("resource")?)?;
    let url = resource.text("url", read_url)?;
    let accepts = match members.take("accepts")? {
        Value::Array(accepts) if accepts.len() <= X402_ACCEPTS_MAX => accepts,
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Object(_)
        | Value::Array(_) => {
            return Err(
                Members::unfit("payment_required", "accepts", "a list of up to 64 ways of paying").into()
            );
        }
    };
    let mut ours = Vec::new();
    for each in accepts {
        match Requirements::read(each) {
            Ok(requirements) => ours.push(requirements),
            Err(Fault::Network | Fault::Scheme) => {}
            // Another network may have amounts and assets that we cannot read.
            Err(Fault::Malformed(_)) => {}
            Err(fault @ (Fault::Encoding | Fault::Version | Fault::Other)) => return Err(fault),
        }
    }
    Ok((url, ours))
}

impl Payload {
    /// Writes the value of a `PAYMENT-SIGNATURE` header.
    pub fn encode(&self) -> String {
        let mut text = json!({
            "x402Version": VERSION,
            "accepted": self.accepted.to_json(),
            "payload": { "credential": self.credential.reveal() },
        });
        if let (Some(url), Value::Object(members)) = (&self.resource, &mut text) {
            members.insert("resource".to_owned(), json!({ "url": url }));
        }
        STANDARD.encode(json::canonical(&text))
    }

    /// Reads the value of a `PAYMENT-SIGNATURE` header.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn decode(value: &str) -> Result<Payload, Fault> {
        Payload::read(decode(value)?)
    }

    /// The proof that pays a seller's own bill: what the credential states is what was accepted.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn into_proof(self) -> Result<Proof, Fault> {
        let demand = self.accepted.demand(self.resource.as_deref().unwrap_or_default(), Time(0))?;
        proof_for(&demand, self.credential)?.ok_or(Fault::Other)
    }

    pub(crate) fn read(value: Value) -> Result<Payload, Fault> {
        let mut members = Members::open("payload", value)?;
        check_version(&mut members)?;
        let resource = match members.take_if_any("resource") {
            None | Some(Value::Null) => None,
            Some(resource) => Some(Members::open("resource", resource)?.text("url", read_url)?),
        };
        let accepted = Requirements::read(members.take("accepted")?)?;
        let mut inner = Members::open("payload.payload", members.take("payload")?)?;
        let credential = inner.text("credential", CredentialText::parse)?;
        inner.end()?;
        Ok(Payload { resource, accepted, credential })
    }
}

impl Ask {
    /// Reads the body of a request for `/verify` or `/settle`.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn read(body: &[u8]) -> Result<Ask, Fault> {
        if X402_REQUEST_BYTES_MAX < body.len() {
            return Err(Malformed::TooLong { bytes: body.len() }.into());
        }
        let mut members = Members::open("request", json::parse(body).map_err(Malformed::from)?)?;
        if members.take_if_any("x402Version").is_some_and(|version| version != VERSION) {
            return Err(Fault::Version);
        }
        Ok(Ask {
            payload: Payload::read(members.take("paymentPayload")?)?,
            requirements: Requirements::read(members.take("paymentRequirements")?)?,
        })
    }
}

/// Writes the value of a `PAYMENT-RESPONSE` header from what A402 says of the same delivery, in an asset with so many
/// decimals.
pub fn response(proof: &Proof, network: Network, scale: u8, said: &Validation) -> String {
    let is_sold = is_sold(said);
    let mut members = Map::new();
    members.insert("success".to_owned(), is_sold.into());
    members.insert("transaction".to_owned(), said.about().trade_no.as_str().into());
    members.insert("network".to_owned(), network.as_str().into());
    members.insert("payer".to_owned(), proof.buyer_unique_id.as_str().into());
    // What it cost, where that depended on the answer.
    let charged = said.method().members().get("charged").and_then(Value::as_str);
    let charged = charged.and_then(|text| AmountText::parse(text).ok()?.minor(scale));
    if let Some(charged) = charged.filter(|_| is_sold) {
        members.insert("amount".to_owned(), charged.to_string().into());
    }
    if !is_sold {
        let reason = match said.validation_status() {
            ValidationStatus::Valid => Reason::Released,
            ValidationStatus::Invalid => Reason::InvalidRequirements,
            ValidationStatus::Unknown => Reason::Unknown,
        };
        members.insert("errorReason".to_owned(), reason.as_str().into());
    }
    STANDARD.encode(json::canonical(&Value::Object(members)))
}

/// Writes the value of a `PAYMENT-RESPONSE` header for a payload that nobody could check.
pub fn refused(network: Network, reason: Reason) -> String {
    let text = json!({
        "success": false,
        "errorReason": reason.as_str(),
        "transaction": "",
        "network": network.as_str(),
    });
    STANDARD.encode(json::canonical(&text))
}

fn decode(value: &str) -> Result<Value, Fault> {
    if HEADER_VALUE_BYTES_MAX < value.len() {
        return Err(Malformed::TooLong { bytes: value.len() }.into());
    }
    let text = STANDARD.decode(value).map_err(|_| Fault::Encoding)?;
    Ok(json::parse(&text).map_err(Malformed::from)?)
}

fn check_version(members: &mut Members) -> Result<(), Fault> {
    if members.take("x402Version")? == VERSION { Ok(()) } else { Err(Fault::Version) }
}

fn read_url(text: String) -> Result<String, Misshapen> {
    if X402_URL_BYTES_MAX < text.len() {
        return Err(Misshapen::unshown("an address of up to 2048 bytes"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> Value {
        json!({
            "scheme": "exact", "network": "toll:test", "amount": "3", "asset": "CNY", "payTo": "pye_1",
            "maxTimeoutSeconds": 300, "extra": { "decimals": 2 },
        })
    }

    fn read(value: &Value) -> Result<Requirements, Fault> {
        Requirements::parse(&value.to_string())
    }

    #[test]
    fn only_our_network_in_its_one_spelling_is_read() {
        let good = read(&asked()).unwrap();
        assert_eq!((good.amount_minor, good.network, good.scheme), (3, Network::Test, Scheme::Exact));
        for (name, value, reason) in [
            ("scheme", json!("batch-settlement"), Reason::InvalidScheme),
            ("network", json!("eip155:8453"), Reason::InvalidNetwork),
            ("amount", json!(3), Reason::InvalidPayload),
            ("amount", json!("03"), Reason::InvalidPayload),
            ("amount", json!("-3"), Reason::InvalidPayload),
            ("amount", json!("3.0"), Reason::InvalidPayload),
            ("amount", json!("340282366920938463463374607431768211456"), Reason::InvalidPayload),
            ("asset", json!("0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"), Reason::InvalidPayload),
            ("maxTimeoutSeconds", json!(0), Reason::InvalidPayload),
            ("extra", json!([]), Reason::InvalidPayload),
        ] {
            let mut wrong = asked();
            wrong[name] = value.clone();
            assert_eq!(read(&wrong).unwrap_err().reason(), reason, "{name} {value}");
        }
        for decimals in [json!(19), json!("2"), json!(-1), json!(2.5), Value::Null] {
            let mut wrong = asked();
            wrong["extra"]["decimals"] = decimals.clone();
            assert!(read(&wrong).unwrap().price().is_err(), "{decimals}");
        }
    }

    #[test]
    fn a_demand_without_a_bill_is_for_all_that_was_asked_and_minutes() {
        let asked_at = Time::from_seconds(1_000);
        let demand = |value: &Value, url: &str| read(value).unwrap().demand(url, asked_at).unwrap();
        let one = demand(&asked(), "https://shop.example/a");
        assert_eq!(one, demand(&asked(), "https://shop.example/a"));
        assert_eq!((one.amount.as_str(), one.replay_window_seconds), ("0.03", 300));
        let mut other = Vec::from([demand(&asked(), "https://shop.example/b")]);
        for (name, value) in [
            ("amount", json!("4")),
            ("payTo", json!("pye_2")),
            ("scheme", json!("upto")),
            ("extra", json!({ "decimals": 3 })),
            ("maxTimeoutSeconds", json!(299)),
        ] {
            let mut changed = asked();
            changed[name] = value;
            other.push(demand(&changed, "https://shop.example/a"));
        }
        for other in other {
            assert_ne!(one.request_fingerprint, other.request_fingerprint);
            assert_ne!(one.out_trade_no, other.out_trade_no);
        }
        let mut long = asked();
        long["maxTimeoutSeconds"] = json!(31_536_000);
        let long = demand(&long, "");
        assert_eq!(long.replay_window_seconds, 900);
        assert!(long.pay_before.time() <= asked_at.after(Time::from_seconds(901).0));
    }

    #[test]
    fn less_fits_where_the_scheme_says_so() {
        let with = |scheme: &str, amount: &str| {
            let mut asked = asked();
            (asked["scheme"], asked["amount"]) = (json!(scheme), json!(amount));
            read(&asked).unwrap()
        };
        for (accepted, settled, fits) in [
            (with("exact", "3"), with("exact", "3"), true),
            (with("exact", "3"), with("exact", "2"), false),
            (with("exact", "3"), with("exact", "4"), false),
            (with("upto", "3"), with("upto", "0"), true),
            (with("upto", "3"), with("upto", "3"), true),
            (with("upto", "3"), with("upto", "4"), false),
            (with("exact", "3"), with("upto", "3"), false),
        ] {
            assert_eq!(accepted.fit(&settled), fits, "{accepted:?} {settled:?}");
        }
    }

    #[test]
    fn a_header_is_base64_in_its_one_spelling() {
        let payload = Payload {
            resource: Some("https://shop.example/a".to_owned()),
            accepted: read(&asked()).unwrap(),
            credential: CredentialText::parse("e30").unwrap(),
        };
        let value = payload.encode();
        let again = Payload::decode(&value).unwrap();
        assert_eq!((again.accepted, again.resource), (payload.accepted, payload.resource));
        let bare = value.trim_end_matches('=');
        let longer = format!("{value}=");
        for wrong in [
            if bare.len() < value.len() { bare } else { &longer },
            &longer,
            &value.replace('e', "-"),
            " e30=",
            "",
        ] {
            assert!(Payload::decode(wrong).is_err(), "{wrong}");
        }
        assert!(Payload::decode(&"A".repeat(HEADER_VALUE_BYTES_MAX + 4)).is_err());
    }

    #[test]
    fn of_many_ways_of_paying_ours_are_taken() {
        let theirs = json!({
            "scheme": "exact", "network": "eip155:8453", "amount": "10000",
            "asset": "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913", "payTo": "0x1", "maxTimeoutSeconds": 60,
        });
        let text = json!({
            "x402Version": 2, "resource": { "url": "https://shop.example/a", "mimeType": "text/plain" },
            "accepts": [theirs, asked()], "extensions": {},
        });
        let (url, ours) = read_required(&STANDARD.encode(text.to_string())).unwrap();
        assert_eq!((url.as_str(), ours), ("https://shop.example/a", vec![read(&asked()).unwrap()]));
        let many = json!({ "x402Version": 2, "resource": { "url": "" }, "accepts": vec![asked(); X402_ACCEPTS_MAX + 1] });
        assert!(read_required(&STANDARD.encode(many.to_string())).is_err());
    }
}
