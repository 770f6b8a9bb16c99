//! The `Payment` scheme of HTTP authentication (draft-ryan-httpauth-payment-01), our method `toll`: the intent `charge`
//! here, and `session` in [`session`].
//!
//! A charge's challenge stands for one bill, and has the bill's number for its id: so it is new each time, and the seller
//! knows it again without a store. A credential's payload is the payment service's credential for it: see `docs/mpp.md`.

pub mod session;

use crate::a402::members::{Malformed, Members};
use crate::a402::wallet::Network;
use crate::a402::{CredentialText, Currency, DateTime, Demand, Identifier, Misshapen, Proof, Validation};
use crate::bare::{Note, Price, is_sold, members_of, proof_for, read_amount, read_scale};
use crate::json;
use crate::limits::{HEADER_VALUE_BYTES_MAX, UNBILLED_SECONDS_MAX};
use book::Time;
use evidence::base64url;
use serde_json::{Map, Value, json};
use session::SessionCredential;

/// The header of a challenge.
pub const CHALLENGE: &str = "www-authenticate";
/// The header of a credential.
pub const CREDENTIAL: &str = "authorization";
/// The header of a receipt.
pub const RECEIPT: &str = "payment-receipt";
/// Our method's name.
pub const METHOD: &str = "toll";
/// The name of the scheme, as a header begins with it.
pub(crate) const SCHEME: &str = "Payment ";

/// What a challenge is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// One payment for one bill.
    Charge,
    /// Many calls by vouchers of one channel.
    Session,
}

/// What a seller asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Challenge {
    /// Names it; of ours it is the number of the bill.
    pub id: String,
    /// Where it is asked.
    pub realm: String,
    /// What is to be paid: the members of the intent.
    pub request: Map<String, Value>,
    /// The instant from which it cannot be paid.
    pub expires: Option<DateTime>,
    /// What it is for.
    pub intent: Intent,
    /// Whatever else the seller wants back as it was.
    rest: Map<String, Value>,
}

/// A challenge, and what pays it.
#[derive(Clone, Debug)]
pub struct Credential {
    pub challenge: Challenge,
    pub credential: CredentialText,
}

/// What is shown in an `Authorization` header.
#[derive(Clone, Debug)]
pub enum Shown {
    /// A charge was paid.
    Charge(Credential),
    /// A session goes on, or ends.
    Session(SessionCredential),
}

/// Why something is not a payment in this scheme that we take. Nothing of it is paid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("the value is not Base64URL in its one spelling")]
    Encoding,
    #[error("the method is not `toll`, or the intent not the one that is meant here")]
    Method,
    #[error("the credential is for another challenge")]
    Other,
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

impl Fault {
    /// The last part of the problem's address at the scheme's own site.
    pub fn problem(&self) -> &'static str {
        match self {
            Fault::Encoding | Fault::Malformed(_) => "malformed-credential",
            Fault::Method => "method-unsupported",
            Fault::Other => "invalid-challenge",
        }
    }
}

impl Challenge {
    /// Asks for a bill of ours.
    pub fn of_bill(price: &Price, note: &Note, authority: &str, realm: &str) -> Challenge {
        let request = json!({
            "amount": price.amount_minor.to_string(),
            "currency": price.currency.as_str().to_ascii_lowercase(),
            "recipient": price.payee.as_str(),
            "methodDetails": {
                "authority": authority,
                "bill": note.to_json(),
                "decimals": price.scale,
                "network": price.network.as_str(),
            },
        });
        Challenge {
            id: note.out_trade_no.as_str().to_owned(),
            realm: realm.to_owned(),
            request: members_of(request),
            expires: Some(note.pay_before.clone()),
            intent: Intent::Charge,
            rest: Map::new(),
        }
    }

    /// Writes the value of a `WWW-Authenticate` header.
    pub fn encode(&self) -> String {
        let request = base64url::encode(&json::canonical(&Value::Object(self.request.clone())));
        let mut text = format!(
            "{SCHEME}id=\"{}\", realm=\"{}\", method=\"{METHOD}\", intent=\"{}\", request=\"{request}\"",
            self.id,
            self.realm,
            self.intent.as_str()
        );
        if let Some(expires) = &self.expires {
            text.push_str(&format!(", expires=\"{}\"", expires.as_str()));
        }
        text
    }

    /// Reads a challenge from the JSON text in which credentials carry it; `request` is Base64URL, or an object.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn parse(text: &str) -> Result<Challenge, Fault> {
        if HEADER_VALUE_BYTES_MAX < text.len() {
            return Err(Malformed::TooLong { bytes: text.len() }.into());
        }
        Challenge::read(json::parse(text.as_bytes()).map_err(Malformed::from)?)
    }

    fn read(value: Value) -> Result<Challenge, Fault> {
        let mut rest = match value {
            Value::Object(rest) => rest,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                return Err(Malformed::NotAnObject { path: "challenge" }.into());
            }
        };
        let names = ["id", "realm", "method", "intent", "request", "expires"];
        let known =
            names.into_iter().filter_map(|name| Some((name.to_owned(), rest.remove(name)?))).collect();
        let mut known = Members::open("challenge", Value::Object(known))?;
        let method = known.text("method", Ok)?;
        let intent = Intent::parse(&known.text("intent", Ok)?);
        let intent = intent.filter(|_| method == METHOD).ok_or(Fault::Method)?;
        let request = known.take("request")?;
        let request = match request.as_str() {
            Some(text) => {
                json::parse(&base64url::decode(text).ok_or(Fault::Encoding)?).map_err(Malformed::from)?
            }
            None => request,
        };
        let Value::Object(request) = request else {
            return Err(Malformed::NotAnObject { path: "challenge.request" }.into());
        };
        Ok(Challenge {
            id: known.text("id", short)?,
            realm: known.text("realm", short)?,
            request,
            expires: known.text_if_any("expires", DateTime::parse)?,
            intent,
            rest,
        })
    }

    fn to_json(&self) -> Value {
        let mut members = self.rest.clone();
        members.insert("id".to_owned(), self.id.clone().into());
        members.insert("realm".to_owned(), self.realm.clone().into());
        members.insert("method".to_owned(), METHOD.into());
        members.insert("intent".to_owned(), self.intent.as_str().into());
        members.insert("request".to_owned(), Value::Object(self.request.clone()));
        if let Some(expires) = &self.expires {
            members.insert("expires".to_owned(), expires.as_str().into());
        }
        Value::Object(members)
    }

    /// What is to be paid for a charge.
    ///
    /// # Errors
    /// [`Malformed`]; a session is no charge.
    pub fn price(&self) -> Result<Price, Malformed> {
        match self.intent {
            Intent::Charge => {}
            Intent::Session => return Err(Members::unfit("challenge", "intent", "`charge`")),
        }
        let mut request = Members::open("request", Value::Object(self.request.clone()))?;
        let details = request.take("methodDetails")?;
        let unfit = |name, rule| Members::unfit("request.methodDetails", name, rule);
        let network = details.get("network").and_then(Value::as_str).and_then(Network::parse);
        let scale = read_scale(details.get("decimals"));
        Ok(Price {
            network: network.ok_or_else(|| unfit("network", "`toll:main` or `toll:test`"))?,
            payee: request.text("recipient", Identifier::parse)?,
            amount_minor: request.text("amount", read_amount)?,
            currency: request.text("currency", |text| Currency::parse(text.to_ascii_uppercase()))?,
            scale: scale.ok_or_else(|| unfit("decimals", "a number of decimals from 0 to 18"))?,
        })
    }

    /// The bill that this challenge is: the seller's own where it carries one, and else one for just this challenge, to be
    /// paid before it expires and within minutes from `asked_at` on.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn demand(&self, asked_at: Time) -> Result<Demand, Fault> {
        let price = self.price()?;
        let note = match self.note() {
            Some(note) => {
                let note = Note::read(note.clone())?;
                if note.out_trade_no.as_str() != self.id {
                    return Err(Fault::Other);
                }
                note
            }
            None => {
                let left = self.expires.as_ref().map(|expires| expires.time().0.saturating_sub(asked_at.0));
                let left = left.map(|nanos| nanos / Time::from_seconds(1).0).unwrap_or(u64::MAX);
                let seconds = u32::try_from(left).unwrap_or(UNBILLED_SECONDS_MAX);
                let note = Note::unbilled(&self.to_json(), &self.realm, asked_at, seconds);
                let sooner = self.expires.clone().filter(|expires| expires.time() < note.pay_before.time());
                Note { pay_before: sooner.unwrap_or(note.pay_before.clone()), ..note }
            }
        };
        Ok(note.demand(&price)?)
    }

    /// Whether a seller has billed it; else the payment service settles.
    pub fn is_billed(&self) -> bool {
        self.note().is_some()
    }

    fn note(&self) -> Option<&Value> {
        self.request.get("methodDetails")?.get("bill")
    }
}

impl Credential {
    /// Whether a value of an `Authorization` header is of this scheme.
    pub fn is_one(value: &[u8]) -> bool {
        value.get(..SCHEME.len()).is_some_and(|scheme| scheme.eq_ignore_ascii_case(SCHEME.as_bytes()))
    }

    /// Reads the value of an `Authorization` header.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn decode(value: &str) -> Result<Credential, Fault> {
        match Shown::decode(value)? {
            Shown::Charge(credential) => Ok(credential),
            Shown::Session(_) => Err(Fault::Method),
        }
    }

    /// The proof that pays a seller's own bill: what the credential states is what was asked for.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn into_proof(self) -> Result<Proof, Fault> {
        let demand = self.challenge.demand(Time(0))?;
        proof_for(&demand, self.credential)?.ok_or(Fault::Other)
    }
}

impl Shown {
    /// Reads the value of an `Authorization` header, whichever intent it is for.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn decode(value: &str) -> Result<Shown, Fault> {
        if HEADER_VALUE_BYTES_MAX < value.len() {
            return Err(Malformed::TooLong { bytes: value.len() }.into());
        }
        let text = value.get(SCHEME.len()..).filter(|_| Credential::is_one(value.as_bytes()));
        let text = base64url::decode(text.ok_or(Fault::Encoding)?.trim()).ok_or(Fault::Encoding)?;
        let value = json::parse(&text).map_err(Malformed::from)?;
        let mut outer = Members::open("credential", value)?;
        let challenge = Challenge::read(outer.take("challenge")?)?;
        let payload = outer.take("payload")?;
        // Who pays is what the payment service states.
        Ok(match challenge.intent {
            Intent::Charge => {
                let mut payload = Members::open("payload", payload)?;
                let credential = payload.text("credential", CredentialText::parse)?;
                payload.end()?;
                Shown::Charge(Credential { challenge, credential })
            }
            Intent::Session => Shown::Session(SessionCredential::read(challenge, payload)?),
        })
    }
}

impl Intent {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Intent::Charge => "charge",
            Intent::Session => "session",
        }
    }

    fn parse(word: &str) -> Option<Intent> {
        [Intent::Charge, Intent::Session].into_iter().find(|intent| intent.as_str() == word)
    }
}

/// Writes the value of a `Payment-Receipt` header from what A402 says of the same delivery; nothing where it failed, for
/// this scheme has receipts of success only.
pub fn receipt(said: &Validation) -> Option<String> {
    let is_sold = is_sold(said);
    let text = json!({
        "status": "success",
        "method": METHOD,
        "timestamp": said.validated_at().as_str(),
        "reference": said.about().trade_no.as_str(),
    });
    is_sold.then(|| base64url::encode(&json::canonical(&text)))
}

fn short(text: String) -> Result<String, Misshapen> {
    let fits = !text.is_empty()
        && text.len() <= 256
        && text.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'"' && byte != b'\\');
    if fits { Ok(text) } else { Err(Misshapen::unshown("a text of 1 to 256 plain characters")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> Value {
        json!({
            "id": "c1", "realm": "shop.example", "method": "toll", "intent": "charge", "opaque": "e30",
            "expires": "1970-01-01T00:20:00Z",
            "request": {
                "amount": "3", "currency": "cny", "recipient": "pye_1",
                "methodDetails": { "network": "toll:test", "decimals": 2 },
            },
        })
    }

    fn read(value: &Value) -> Result<Challenge, Fault> {
        Challenge::parse(&value.to_string())
    }

    #[test]
    fn a_challenge_is_the_same_whether_its_request_is_text_or_object() {
        let challenge = read(&asked()).unwrap();
        let mut as_text = asked();
        as_text["request"] = base64url::encode(asked()["request"].to_string().as_bytes()).into();
        assert_eq!(read(&as_text).unwrap(), challenge);
        let price = challenge.price().unwrap();
        assert_eq!((price.amount_minor, price.currency.as_str(), price.scale), (3, "CNY", 2));
        for (pointer, value) in [
            ("/method", json!("tempo")),
            ("/intent", json!("subscription")),
            ("/id", json!("a\"b")),
            ("/id", json!("a\r\nb")),
            ("/id", json!("")),
            ("/request", json!("not base64url!")),
            ("/request", json!(3)),
        ] {
            let mut wrong = asked();
            *wrong.pointer_mut(pointer).unwrap() = value.clone();
            assert!(read(&wrong).is_err(), "{pointer} {value}");
        }
        for (pointer, value) in [
            ("/request/amount", json!("3.5")),
            ("/request/currency", json!("cnyy")),
            ("/request/methodDetails/network", json!("tempo:1")),
            ("/request/methodDetails/decimals", json!(19)),
            ("/request/methodDetails", json!({})),
            ("/intent", json!("session")),
        ] {
            let mut wrong = asked();
            *wrong.pointer_mut(pointer).unwrap() = value.clone();
            assert!(read(&wrong).unwrap().price().is_err(), "{pointer} {value}");
        }
    }

    #[test]
    fn a_challenge_without_a_bill_lasts_until_it_expires_and_minutes_at_most() {
        let demand = |value: &Value, at: u64| read(value).unwrap().demand(Time::from_seconds(at)).unwrap();
        assert_eq!(demand(&asked(), 1_000).replay_window_seconds, 200);
        assert_eq!(demand(&asked(), 0).replay_window_seconds, 900);
        assert_eq!(
            demand(&asked(), 5_000).replay_window_seconds,
            1,
            "what is over is paid before the next second or never"
        );
        let mut endless = asked();
        endless.as_object_mut().unwrap().remove("expires");
        assert_eq!(demand(&endless, 5_000).replay_window_seconds, 900);
        let mut other = asked();
        other["opaque"] = json!("e31");
        assert_ne!(demand(&asked(), 0).request_fingerprint, demand(&other, 0).request_fingerprint);
    }

    #[test]
    fn a_bill_and_the_challenge_that_names_it_are_one() {
        let price = read(&asked()).unwrap().price().unwrap();
        let note = Note::unbilled(&json!({}), "", Time::from_seconds(60), 300);
        let challenge = Challenge::of_bill(&price, &note, "https://pay.example", "shop.example");
        assert!(challenge.encode().starts_with("Payment id=\"asked_"), "{}", challenge.encode());
        let demand = challenge.demand(Time(0)).unwrap();
        assert_eq!((demand.out_trade_no.as_str(), demand.amount.as_str()), (challenge.id.as_str(), "0.03"));
        let renamed = Challenge { id: "asked_other".to_owned(), ..challenge };
        assert_eq!(renamed.demand(Time(0)), Err(Fault::Other));
    }
}
