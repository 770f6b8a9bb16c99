//! Sessions: the intent `session` of the `Payment` scheme with our method `toll`. A session is a channel, and what pays in
//! it are the channel's vouchers.
//!
//! All sums here are in billionths of the asset's smallest unit, so `decimals` is nine more than the asset has. A challenge
//! has no number that is used up, for each sum is good for one delivery: it is the same for all calls of one price, and
//! its id is the digest of what it says. Its document is `docs/mpp.md`.

mod stated;

use super::{Challenge, Fault, Intent, SCHEME};
use crate::a402::members::{Malformed, Members};
use crate::a402::wallet::{AssetText, Network};
use crate::a402::{Currency, Identifier, Misshapen, digest};
use crate::bare::members_of;
use crate::json;
use crate::limits::AUTHORITY_BYTES_MAX;
use crate::voucher::{Voucher, read_sum};
use book::{Id, MeterId};
use evidence::{Signature, base64url};
use serde_json::{Map, Value, json};

pub use stated::{NeedVoucher, SessionReceipt};

/// The decimals of a billionth of a unit.
const NANOS_SCALE: u8 = 9;

/// What a seller takes vouchers for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    pub network: Network,
    /// Who is paid, and so for whom the channel is opened.
    pub payee: Identifier,
    pub currency: Currency,
    /// The decimals of the asset's smallest unit, at most 18.
    pub scale: u8,
    /// The payment service at which the channel is opened.
    pub authority: String,
    /// What is counted.
    pub unit: Unit,
    /// What one unit costs, in billionths; more than nothing.
    pub price_nanos: u128,
    /// The smallest channel that makes sense, in billionths; a whole number of smallest units.
    pub deposit_nanos: u128,
}

/// What one price is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A call, with its whole answer.
    Call,
    /// An event of an answer that is passed on as it comes.
    Event,
}

/// How a channel stands with the seller: said to whoever has shown a voucher of it that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The bits of the channel's name.
    pub channel: u128,
    /// What everything that was delivered comes to.
    pub spent_nanos: u128,
}

/// What a buyer wants of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A call, paid by the first voucher of a channel that was opened at the payment service.
    Open(Voucher),
    /// A call.
    Voucher(Voucher),
    /// No call: the channel is closed with what is owed, and another one is there for what comes.
    TopUp {
        /// What is owed on the channel that is closed.
        last: Voucher,
        /// The bits of the name of the channel that goes on.
        next: u128,
    },
    /// No call: the channel is closed with what is owed.
    Close(Voucher),
}

/// A challenge, and what a buyer wants.
#[derive(Clone, Debug)]
pub struct SessionCredential {
    pub challenge: Challenge,
    pub action: Action,
}

/// Why a voucher does not count, in the scheme's own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The challenge is not one that is asked now.
    ChallengeNotFound,
    /// Nobody here knows the channel, or it is for somebody else.
    ChannelNotFound,
    /// It has ended, or is about to.
    ChannelFinalized,
    /// The signature is not one of the channel's key.
    InvalidSignature,
    /// With this call it comes to more than was set aside.
    AmountExceedsDeposit,
    /// The voucher says less than everything with this call comes to.
    InsufficientBalance,
    /// Anything else about it.
    VerificationFailed,
}

impl Problem {
    /// What is wrong with a voucher for one sum where another is needed.
    pub fn of_sum(shown_nanos: u128, needed_nanos: u128) -> Problem {
        if shown_nanos < needed_nanos {
            return Problem::InsufficientBalance;
        }
        Problem::VerificationFailed
    }

    /// The problem's address at the scheme's own site.
    pub fn address(self) -> &'static str {
        match self {
            Problem::ChallengeNotFound => "https://paymentauth.org/problems/session/challenge-not-found",
            Problem::ChannelNotFound => "https://paymentauth.org/problems/session/channel-not-found",
            Problem::ChannelFinalized => "https://paymentauth.org/problems/session/channel-finalized",
            Problem::InvalidSignature => "https://paymentauth.org/problems/session/invalid-signature",
            Problem::AmountExceedsDeposit => {
                "https://paymentauth.org/problems/session/amount-exceeds-deposit"
            }
            Problem::InsufficientBalance => "https://paymentauth.org/problems/session/insufficient-balance",
            Problem::VerificationFailed => "https://paymentauth.org/problems/verification-failed",
        }
    }
}

impl Terms {
    /// Asks for a voucher. Whoever has shown one that does not fit is told how the channel stands.
    pub fn challenge(&self, realm: &str, standing: Option<Standing>) -> Challenge {
        let asked = json!({
            "amount": self.price_nanos.to_string(),
            "currency": self.currency.as_str().to_ascii_lowercase(),
            "recipient": self.payee.as_str(),
            "suggestedDeposit": self.deposit_nanos.to_string(),
            "unitType": self.unit.as_str(),
            "methodDetails": {
                "authority": self.authority,
                "decimals": self.scale + NANOS_SCALE,
                "network": self.network.as_str(),
            },
        });
        let named = json!({ "realm": realm, "request": asked });
        let id = digest(&json::canonical(&named)).as_str().replace("sha-256:", "session_");
        let mut request = members_of(asked);
        if let (Some(standing), Some(Value::Object(details))) = (standing, request.get_mut("methodDetails")) {
            let standing = json!({
                "channelId": channel_text(standing.channel),
                "spent": standing.spent_nanos.to_string(),
            });
            details.insert("session".to_owned(), standing);
        }
        Challenge {
            id,
            realm: realm.to_owned(),
            request,
            expires: None,
            intent: Intent::Session,
            rest: Map::new(),
        }
    }

    /// Reads what a challenge asks for, and how the channel stands where it says so.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn read(challenge: &Challenge) -> Result<(Terms, Option<Standing>), Fault> {
        match challenge.intent {
            Intent::Session => {}
            Intent::Charge => return Err(Fault::Method),
        }
        let mut request = Members::open("request", Value::Object(challenge.request.clone()))?;
        let mut details = Members::open("request.methodDetails", request.take("methodDetails")?)?;
        let decimals = details
            .integer("decimals", (NANOS_SCALE.into(), u32::from(AssetText::SCALE_MAX + NANOS_SCALE)))?;
        let standing = details.take_if_any("session").map(Standing::read).transpose()?;
        let terms = Terms {
            network: details.text("network", network)?,
            payee: request.text("recipient", Identifier::parse)?,
            currency: request.text("currency", |text| Currency::parse(text.to_ascii_uppercase()))?,
            scale: u8::try_from(decimals).expect("it is within its bounds") - NANOS_SCALE,
            authority: details.text("authority", authority)?,
            unit: request.text("unitType", Unit::read)?,
            price_nanos: request.text("amount", sum_above_nothing)?,
            deposit_nanos: request.text("suggestedDeposit", sum_above_nothing)?,
        };
        details.end()?;
        request.end()?;
        Ok((terms, standing))
    }
}

impl Unit {
    fn as_str(self) -> &'static str {
        match self {
            Unit::Call => "call",
            Unit::Event => "event",
        }
    }

    fn read(word: String) -> Result<Unit, Misshapen> {
        let found = [Unit::Call, Unit::Event].into_iter().find(|unit| unit.as_str() == word);
        found.ok_or_else(|| Misshapen::new(&word, "`call` or `event`"))
    }
}

impl Standing {
    fn read(value: Value) -> Result<Standing, Malformed> {
        let mut members = Members::open("request.methodDetails.session", value)?;
        let standing = Standing {
            channel: members.text("channelId", channel)?,
            spent_nanos: members.text("spent", sum)?,
        };
        members.end()?;
        Ok(standing)
    }
}

impl Action {
    /// The voucher that it carries.
    pub fn voucher(&self) -> &Voucher {
        match self {
            Action::Open(voucher) | Action::Voucher(voucher) | Action::Close(voucher) => voucher,
            Action::TopUp { last, .. } => last,
        }
    }

    fn read(value: Value) -> Result<Action, Malformed> {
        let mut payload = Members::open("payload", value)?;
        let name = payload.text("action", Ok)?;
        let voucher = Voucher {
            channel: payload.text("channelId", channel)?,
            total_nanos: payload.text("cumulativeAmount", sum)?,
            signature: payload.text("signature", signature)?,
        };
        let action = match name.as_str() {
            "open" => Action::Open(voucher),
            "voucher" => Action::Voucher(voucher),
            "close" => Action::Close(voucher),
            "topUp" => Action::TopUp { last: voucher, next: payload.text("nextChannelId", channel)? },
            _ => {
                return Err(Members::unfit("payload", "action", "`open`, `voucher`, `topUp` or `close`"));
            }
        };
        payload.end()?;
        Ok(action)
    }

    fn to_json(self) -> Value {
        let voucher = self.voucher();
        let mut payload = json!({
            "channelId": channel_text(voucher.channel),
            "cumulativeAmount": voucher.total_nanos.to_string(),
            "signature": base64url::encode(voucher.signature.as_bytes()),
        });
        let mut put = |name: &str, text: String| {
            if let Value::Object(members) = &mut payload {
                members.insert(name.to_owned(), text.into());
            }
        };
        match self {
            Action::Open(_) => put("action", "open".to_owned()),
            Action::Voucher(_) => put("action", "voucher".to_owned()),
            Action::Close(_) => put("action", "close".to_owned()),
            Action::TopUp { next, .. } => {
                put("action", "topUp".to_owned());
                put("nextChannelId", channel_text(next));
            }
        }
        payload
    }
}

impl SessionCredential {
    pub(super) fn read(challenge: Challenge, payload: Value) -> Result<SessionCredential, Fault> {
        Ok(SessionCredential { challenge, action: Action::read(payload)? })
    }

    /// Writes the value of an `Authorization` header.
    pub fn encode(&self) -> String {
        let value = json!({ "challenge": self.challenge.to_json(), "payload": self.action.to_json() });
        format!("{SCHEME}{}", base64url::encode(&json::canonical(&value)))
    }
}

fn channel_text(bits: u128) -> String {
    MeterId(Id(bits.to_be_bytes())).to_string()
}

fn channel(text: String) -> Result<u128, Misshapen> {
    let id: Result<MeterId, _> = text.parse();
    let MeterId(id) = id.map_err(|_| Misshapen::new(&text, "a channel like `mtr_…`"))?;
    Ok(u128::from_be_bytes(id.0))
}

fn sum(text: String) -> Result<u128, Misshapen> {
    read_sum(&text)
        .ok_or_else(|| Misshapen::new(&text, "a sum in billionths of the smallest unit, in digits"))
}

fn sum_above_nothing(text: String) -> Result<u128, Misshapen> {
    let wrong = Misshapen::new(&text, "a sum above nothing");
    sum(text).and_then(|sum| if sum == 0 { Err(wrong) } else { Ok(sum) })
}

fn signature(text: String) -> Result<Signature, Misshapen> {
    let bytes = base64url::decode(&text).and_then(|bytes| Signature::from_slice(&bytes).ok());
    bytes.ok_or_else(|| Misshapen::unshown("64 bytes in Base64URL"))
}

fn network(text: String) -> Result<Network, Misshapen> {
    Network::parse(&text).ok_or_else(|| Misshapen::new(&text, "`toll:main` or `toll:test`"))
}

fn authority(text: String) -> Result<String, Misshapen> {
    let fits = !text.is_empty()
        && text.len() <= AUTHORITY_BYTES_MAX
        && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\');
    if fits { Ok(text) } else { Err(Misshapen::unshown("the address of a payment service")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mpp::Shown;
    use evidence::SigningKey;

    fn terms() -> Terms {
        Terms {
            network: Network::Test,
            payee: Identifier::parse("pye_1").unwrap(),
            currency: Currency::parse("CNY").unwrap(),
            scale: 2,
            authority: "https://pay.example/".to_owned(),
            unit: Unit::Call,
            price_nanos: 100_000_000,
            deposit_nanos: 10_000_000_000,
        }
    }

    fn voucher() -> Voucher {
        Voucher::sign(&SigningKey::ed25519(&[7; 32]), 5, 100_000_000)
    }

    fn with(value: &Value, pointer: &str, name: &str, new: Option<Value>) -> Value {
        let mut changed = value.clone();
        let Some(Value::Object(members)) = changed.pointer_mut(pointer) else { panic!("{pointer}") };
        match new {
            Some(new) => members.insert(name.to_owned(), new),
            None => members.remove(name),
        };
        changed
    }

    #[test]
    fn a_challenge_is_the_same_for_all_calls_of_one_price_and_says_how_a_channel_stands() {
        let asked = terms().challenge("shop.example", None);
        assert_eq!(Terms::read(&asked), Ok((terms(), None)));
        let standing = Standing { channel: 5, spent_nanos: 7 };
        let told = terms().challenge("shop.example", Some(standing));
        assert_eq!((Terms::read(&told), &told.id), (Ok((terms(), Some(standing))), &asked.id));
        assert!(asked.encode().starts_with("Payment id=\"session_"), "{}", asked.encode());
        let dearer = Terms { price_nanos: 100_000_001, ..terms() };
        assert_ne!(dearer.challenge("shop.example", None).id, asked.id);
        let by_event = Terms { unit: Unit::Event, ..terms() };
        assert_eq!(Terms::read(&by_event.challenge("shop.example", None)), Ok((by_event.clone(), None)));
        assert_ne!(by_event.challenge("shop.example", None).id, asked.id);
        assert_ne!(terms().challenge("other.example", None).id, asked.id);
        assert!(asked.price().is_err(), "a session is no charge");
        assert!(asked.demand(book::Time(0)).is_err(), "a session is no charge");
    }

    #[test]
    fn terms_are_read_strictly() {
        let told = terms().challenge("r", Some(Standing { channel: 5, spent_nanos: 7 })).to_json();
        let read = |value: &Value| Challenge::parse(&value.to_string()).and_then(|asked| Terms::read(&asked));
        assert!(read(&told).is_ok());
        assert!(read(&with(&told, "", "intent", Some(json!("charge")))).is_err());
        for (pointer, name, new) in [
            ("/request", "amount", json!("0")),
            ("/request", "amount", json!("01")),
            ("/request", "amount", json!(1)),
            ("/request", "suggestedDeposit", json!("0")),
            ("/request", "currency", json!("cnyy")),
            ("/request", "recipient", json!("")),
            ("/request", "unitType", json!("token")),
            ("/request", "minVoucherDelta", json!("1")),
            ("/request/methodDetails", "network", json!("tempo:1")),
            ("/request/methodDetails", "decimals", json!(8)),
            ("/request/methodDetails", "decimals", json!(28)),
            ("/request/methodDetails", "authority", json!("a b")),
            ("/request/methodDetails", "authority", json!("a".repeat(257))),
            ("/request/methodDetails", "chainId", json!(1)),
            ("/request/methodDetails", "session", json!({})),
            ("/request/methodDetails/session", "spent", json!("-1")),
            ("/request/methodDetails/session", "channelId", json!("hld_1")),
            ("/request/methodDetails/session", "more", json!("1")),
        ] {
            assert!(read(&with(&told, pointer, name, Some(new.clone()))).is_err(), "{pointer}/{name} {new}");
        }
        for (pointer, name) in [
            ("/request", "amount"),
            ("/request", "suggestedDeposit"),
            ("/request", "unitType"),
            ("/request", "methodDetails"),
            ("/request/methodDetails", "authority"),
            ("/request/methodDetails", "network"),
            ("/request/methodDetails", "decimals"),
        ] {
            assert!(read(&with(&told, pointer, name, None)).is_err(), "without {pointer}/{name}");
        }
    }

    #[test]
    fn an_action_is_read_as_it_was_written_and_no_other_way() {
        let challenge = terms().challenge("shop.example", None);
        for action in [
            Action::Open(voucher()),
            Action::Voucher(voucher()),
            Action::Close(voucher()),
            Action::TopUp { last: voucher(), next: 6 },
        ] {
            let credential = SessionCredential { challenge: challenge.clone(), action };
            let Ok(Shown::Session(read)) = Shown::decode(&credential.encode()) else {
                panic!("{action:?} is not read")
            };
            assert_eq!((&read.challenge, read.action), (&challenge, action));
        }
        let good = Action::Voucher(voucher()).to_json();
        for (name, new) in [
            ("action", Some(json!("settle"))),
            ("action", Some(json!("topUp"))),
            ("action", None),
            ("channelId", Some(json!("hld_00000000000000000000000005"))),
            ("channelId", None),
            ("cumulativeAmount", Some(json!(100_000_000))),
            ("cumulativeAmount", Some(json!("0100000000"))),
            ("cumulativeAmount", Some(json!("-1"))),
            ("cumulativeAmount", Some(json!("340282366920938463463374607431768211456"))),
            ("signature", Some(json!("AAAA"))),
            ("signature", None),
            ("nextChannelId", Some(json!("mtr_00000000000000000000000006"))),
            ("credential", Some(json!("x"))),
        ] {
            let payload = with(&good, "", name, new.clone());
            assert!(Action::read(payload).is_err(), "{name} {new:?}");
        }
        // A charge's payload pays no session, and a session's no charge.
        let mixed = json!({ "challenge": challenge.to_json(), "payload": { "credential": "e30" } });
        assert!(
            Shown::decode(&format!("Payment {}", base64url::encode(mixed.to_string().as_bytes()))).is_err()
        );
    }
}
