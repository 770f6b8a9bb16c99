//! The `exact` scheme of x402 on EVM chains: an owner's signed authorization (EIP-3009) to move just this much of a token
//! to just this account, once, while it is valid. Whoever sends it to the chain pays for that and can change nothing of it.
//!
//! Read and checked here is what needs no chain; the rest is for a node to say. Only accounts with a key of their own sign
//! here: signatures of contracts are refused by name.
//!
//! Reading order: this file for what is asked and paid, [`signature`] for what is signed and by whom, [`number`] for how
//! such chains write things down.

pub mod number;
pub mod signature;

use crate::a402::Misshapen;
use crate::a402::members::{Malformed, Members};
use crate::a402::words::words;
use crate::json;
use crate::limits::{
    EVM_AUTHORIZATION_SECONDS_MAX, EVM_MARGIN_SECONDS, EVM_NAME_BYTES_MAX, X402_REQUEST_BYTES_MAX,
};
use crate::sabotage::{Sabotage, has};
use crate::x402::VERSION;
use number::{Address, Chain, NAMESPACE, Uint256, hex, read_hex};
use serde_json::{Value, json};
use sha3::{Digest, Keccak256};
use signature::Signature;

words! {
    /// Why a payment does not count, or what is not known of it, in the words of the official facilitator.
    Reason {
        /// It cannot be read.
        Payload = "invalid_payload",
        /// The version is another.
        Version = "invalid_x402_version",
        /// No such chain is served here.
        Network = "invalid_network",
        /// The scheme is another.
        Scheme = "invalid_exact_evm_scheme",
        /// It was accepted for something else than what is asked, or the seller is none that is served.
        Requirements = "invalid_payment_requirements",
        /// The token is none that is served, or moves in another way.
        Token = "unsupported_payload_type",
        /// The token has another name.
        Name = "invalid_exact_evm_token_name_mismatch",
        /// The token has another version.
        TokenVersion = "invalid_exact_evm_token_version_mismatch",
        /// The money would go to somebody else.
        Recipient = "invalid_exact_evm_recipient_mismatch",
        /// It is for more or less.
        Value = "invalid_exact_evm_payload_authorization_value_mismatch",
        /// Its time is over, or nearly, or too long.
        ValidBefore = "invalid_exact_evm_payload_authorization_valid_before",
        /// Its time has not come.
        ValidAfter = "invalid_exact_evm_payload_authorization_valid_after",
        /// The payer has not signed it.
        Signature = "invalid_exact_evm_signature",
        /// It is a contract's signature.
        SmartWallet = "invalid_exact_evm_failed_to_parse_signature",
        /// It was used before.
        Used = "invalid_exact_evm_nonce_already_used",
        /// The payer has less than that.
        Balance = "invalid_exact_evm_insufficient_balance",
        /// The token says no, whatever the reason is.
        Simulation = "invalid_exact_evm_transaction_simulation_failed",
        /// The chain has the transaction, and it moved nothing.
        Failed = "invalid_exact_evm_transaction_failed",
        /// It is not known yet: asked again, with the same payment, there may be an answer.
        Pending = "settlement_pending",
        /// Nobody could say, and nothing was sent.
        VerifyUnknown = "unexpected_verify_error",
        /// Nobody could say, and nothing was sent.
        SettleUnknown = "unexpected_settle_error",
    }
}

impl Reason {
    /// What it means for the money, and what to do.
    pub fn words(self) -> &'static str {
        match self {
            Reason::Payload | Reason::Version | Reason::Network | Reason::Scheme => {
                "Nothing was sent. It is not x402 that this facilitator takes."
            }
            Reason::Requirements => {
                "Nothing was sent. The payer accepted something else, or this seller is not served here."
            }
            Reason::Token => "Nothing was sent. The token, or this way of moving it, is not served here.",
            Reason::Name | Reason::TokenVersion => {
                "Nothing was sent. The token is called otherwise: ask with the name and version that `/supported` says."
            }
            Reason::Recipient => {
                "Nothing was sent. The authorization is for another account than the seller's."
            }
            Reason::Value => "Nothing was sent. The authorization is for another amount than the price.",
            Reason::ValidBefore => {
                "Nothing was sent. The authorization is over, or nearly, or lasts longer than 16 minutes: ask for a new one."
            }
            Reason::ValidAfter => "Nothing was sent. The authorization is not valid yet.",
            Reason::Signature => "Nothing was sent. The payer has not signed this authorization.",
            Reason::SmartWallet => {
                "Nothing was sent. Signatures of contracts are not taken: pay from an account with a key of its own."
            }
            Reason::Used => "Nothing was sent now. The authorization was used before.",
            Reason::Balance => "Nothing was sent. The payer has less than that.",
            Reason::Simulation => "Nothing was sent. The token would refuse it.",
            Reason::Failed => "Nothing was moved. The chain has the transaction, and the token refused it.",
            Reason::Pending => {
                "The money may have moved. Do not pay again: ask again with the same payment until it is known."
            }
            Reason::VerifyUnknown | Reason::SettleUnknown => {
                "Nothing was sent. The chain could not be asked: ask again with the same payment."
            }
        }
    }
}

/// A token of a chain, as its signatures name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    pub name: String,
    pub version: String,
    pub chain: Chain,
    pub token: Address,
}

/// What a seller asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirements {
    pub domain: Domain,
    /// In the token's smallest unit.
    pub amount: Uint256,
    pub pay_to: Address,
}

/// What a payer allows: this much, to this account, once, between these moments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization {
    pub from: Address,
    pub to: Address,
    pub value: Uint256,
    /// In seconds since 1970; it is valid after this one.
    pub valid_after: Uint256,
    /// It is valid before this one.
    pub valid_before: Uint256,
    /// What makes it one of its own.
    pub nonce: [u8; 32],
}

/// What a facilitator is asked: whether this authorization pays for these requirements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    pub accepted: Requirements,
    pub requirements: Requirements,
    pub authorization: Authorization,
    pub signature: Signature,
}

/// Whether the body of a request for `/verify` or `/settle` is about such a chain.
pub fn is_asked(body: &[u8]) -> bool {
    let Ok(Value::Object(asked)) = json::parse(body) else { return false };
    let network = asked.get("paymentRequirements").and_then(|asked| asked.get("network"));
    network.and_then(Value::as_str).is_some_and(|network| network.starts_with(NAMESPACE))
}

impl Ask {
    /// Reads the body of a request for `/verify` or `/settle`.
    ///
    /// # Errors
    /// A [`Reason`]. Members that a later version adds are not ours to refuse, but none of an authorization.
    pub fn read(body: &[u8]) -> Result<Ask, Reason> {
        if X402_REQUEST_BYTES_MAX < body.len() {
            return Err(Reason::Payload);
        }
        let mut asked = Members::open("request", json::parse(body).map_err(|_| Reason::Payload)?)?;
        check_version(asked.take_if_any("x402Version"))?;
        let requirements = Requirements::read(asked.take("paymentRequirements")?)?;
        let mut payload = Members::open("payload", asked.take("paymentPayload")?)?;
        check_version(Some(payload.take("x402Version")?))?;
        let accepted = Requirements::read(payload.take("accepted")?)?;
        let mut inner = Members::open("payload.payload", payload.take("payload")?)?;
        if inner.take_if_any("permit2Authorization").is_some() {
            return Err(Reason::Token);
        }
        let authorization = Authorization::read(inner.take("authorization")?)?;
        let signature = inner.text("signature", Ok)?;
        inner.end()?;
        Ok(Ask { accepted, requirements, authorization, signature: Signature::parse(&signature)? })
    }

    /// Whether it pays what is asked, to whom it is asked for, and the payer has signed that, whatever time it is.
    ///
    /// # Errors
    /// A [`Reason`].
    pub fn check(&self) -> Result<(), Reason> {
        let Ask { accepted, requirements, authorization, signature } = self;
        if accepted != requirements {
            return Err(Reason::Requirements);
        }
        if !authorization.is_signed(&requirements.domain, signature) {
            return Err(Reason::Signature);
        }
        if has(Sabotage::AnyBill) {
            return Ok(());
        }
        if authorization.to != requirements.pay_to {
            return Err(Reason::Recipient);
        }
        if authorization.value != requirements.amount {
            return Err(Reason::Value);
        }
        Ok(())
    }
}

impl Requirements {
    fn read(value: Value) -> Result<Requirements, Reason> {
        let mut members = Members::open("requirements", value)?;
        if members.text("scheme", Ok)? != "exact" {
            return Err(Reason::Scheme);
        }
        let chain = Chain::parse(&members.text("network", Ok)?).ok_or(Reason::Network)?;
        let mut extra = Members::open("requirements.extra", members.take("extra")?)?;
        if extra.text_if_any("assetTransferMethod", Ok)?.is_some_and(|method| method != "eip3009") {
            return Err(Reason::Token);
        }
        let (name, version) = (extra.text("name", read_name)?, extra.text("version", read_name)?);
        let token = members.text("asset", read_address)?;
        Ok(Requirements {
            domain: Domain { name, version, chain, token },
            amount: members.text("amount", read_number)?,
            pay_to: members.text("payTo", read_address)?,
        })
    }
}

impl Authorization {
    fn read(value: Value) -> Result<Authorization, Reason> {
        let mut members = Members::open("authorization", value)?;
        let read_nonce =
            |text: String| read_hex(&text).ok_or(Misshapen::unshown("`0x` and 64 hexadecimal digits"));
        let authorization = Authorization {
            from: members.text("from", read_address)?,
            to: members.text("to", read_address)?,
            value: members.text("value", read_number)?,
            valid_after: members.text("validAfter", read_number)?,
            valid_before: members.text("validBefore", read_number)?,
            nonce: members.text("nonce", read_nonce)?,
        };
        members.end()?;
        Ok(authorization)
    }

    /// Whether it is valid now, in seconds since 1970, long enough to reach the chain, and not for longer than need be.
    ///
    /// # Errors
    /// A [`Reason`].
    pub fn check_time(&self, now: u64) -> Result<(), Reason> {
        let at = |seconds: u64| Uint256::from(now.saturating_add(seconds));
        if at(0) <= self.valid_after {
            return Err(Reason::ValidAfter);
        }
        let is_over = self.valid_before < at(EVM_MARGIN_SECONDS);
        if is_over || at(EVM_AUTHORIZATION_SECONDS_MAX) < self.valid_before {
            return Err(Reason::ValidBefore);
        }
        Ok(())
    }

    /// As JSON, in the words of x402.
    pub fn to_json(&self) -> Value {
        json!({
            "from": self.from.to_string(),
            "to": self.to.to_string(),
            "value": self.value.to_string(),
            "validAfter": self.valid_after.to_string(),
            "validBefore": self.valid_before.to_string(),
            "nonce": format!("0x{}", hex(&self.nonce)),
        })
    }
}

/// What is stated of a payment that a chain has: canonical JSON.
pub fn statement(
    domain: &Domain,
    authorization: &Authorization,
    transaction: [u8; 32],
    block: u64,
) -> String {
    let statement = json!({
        "type": "toll:evm-settlement/1",
        "network": domain.chain.to_string(),
        "asset": domain.token.to_string(),
        "authorization": authorization.to_json(),
        "transaction": format!("0x{}", hex(&transaction)),
        "block": block.to_string(),
    });
    String::from_utf8(json::canonical(&statement)).expect("JSON is text")
}

impl From<Malformed> for Reason {
    fn from(_: Malformed) -> Reason {
        Reason::Payload
    }
}

/// The hash of EVM chains: Keccak with 256 bits, as it was before it became SHA-3.
pub fn keccak(bytes: &[u8]) -> [u8; 32] {
    Keccak256::digest(bytes).into()
}

fn check_version(version: Option<Value>) -> Result<(), Reason> {
    if version.is_none_or(|version| version == VERSION) { Ok(()) } else { Err(Reason::Version) }
}

fn read_address(text: String) -> Result<Address, Misshapen> {
    Address::parse(&text).ok_or(Misshapen::unshown("an address with its checksum, or in letters of one case"))
}

fn read_number(text: String) -> Result<Uint256, Misshapen> {
    Uint256::parse(&text).ok_or(Misshapen::unshown("decimal digits of a number of 256 bits"))
}

fn read_name(text: String) -> Result<String, Misshapen> {
    let fits = !text.is_empty() && text.len() <= EVM_NAME_BYTES_MAX;
    if fits { Ok(text) } else { Err(Misshapen::unshown("a name of 1 to 64 bytes")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Signed by the library `viem` with keys of nobody: domain, authorization, digest, and the signature in both spellings.
    const VECTORS: &str = include_str!("../../../vectors/x402/evm.json");

    fn vectors() -> Vec<Value> {
        serde_json::from_str(VECTORS).unwrap()
    }

    /// A facilitator is asked just what the vector signs.
    fn asked(vector: &Value) -> Value {
        let (domain, authorization) = (&vector["domain"], &vector["authorization"]);
        let requirements = json!({
            "scheme": "exact", "network": domain["network"], "asset": domain["token"],
            "amount": authorization["value"], "payTo": authorization["to"], "maxTimeoutSeconds": 300,
            "extra": { "name": domain["name"], "version": domain["version"], "decimals": 6 },
        });
        let payload = json!({
            "x402Version": 2, "accepted": requirements, "resource": { "url": "https://shop.example/" },
            "payload": { "authorization": authorization, "signature": vector["signature"] },
        });
        json!({ "x402Version": 2, "paymentPayload": payload, "paymentRequirements": requirements })
    }

    fn ask(value: &Value) -> Result<Ask, Reason> {
        Ask::read(value.to_string().as_bytes())
    }

    /// What comes of the first vector with one member changed, in both places where requirements stand.
    fn changed(pointer: &str, value: &Value) -> Result<(), Reason> {
        let mut asked = asked(&vectors()[0]);
        let both = ["/paymentRequirements", "/paymentPayload/accepted"];
        let places = both.map(|place| pointer.replace("/both", place));
        for place in &places {
            let (parent, name) = place.rsplit_once('/').unwrap();
            asked.pointer_mut(parent).unwrap()[name] = value.clone();
        }
        ask(&asked)?.check()
    }

    #[test]
    fn what_another_library_signed_was_signed_by_whom_it_says() {
        for vector in vectors() {
            let ask = ask(&asked(&vector)).unwrap();
            let domain = &ask.requirements.domain;
            let shown = |bytes: [u8; 32]| format!("0x{}", hex(&bytes));
            assert_eq!(shown(domain.separator()), vector["separator"]);
            assert_eq!(shown(ask.authorization.digest(domain)), vector["digest"]);
            assert_eq!(ask.signature.to_string(), vector["signature"]);
            assert_eq!(ask.authorization.to_json(), vector["authorization"]);
            assert_eq!(ask.check(), Ok(()));
        }
    }

    #[test]
    fn nothing_that_was_signed_can_be_changed() {
        let other = vectors()[1]["authorization"].clone();
        let inner = "/paymentPayload/payload/authorization";
        for (pointer, value, reason) in [
            (format!("{inner}/from"), other["from"].clone(), Reason::Signature),
            (format!("{inner}/to"), other["from"].clone(), Reason::Signature),
            (format!("{inner}/value"), json!("10001"), Reason::Signature),
            (format!("{inner}/validAfter"), json!("1"), Reason::Signature),
            (format!("{inner}/validBefore"), json!("1900000001"), Reason::Signature),
            (format!("{inner}/nonce"), other["nonce"].clone(), Reason::Signature),
            ("/both/network".to_owned(), json!("eip155:1"), Reason::Signature),
            ("/both/asset".to_owned(), other["from"].clone(), Reason::Signature),
            ("/both/extra/name".to_owned(), json!("USDC"), Reason::Signature),
            ("/both/extra/version".to_owned(), json!("1"), Reason::Signature),
            ("/both/payTo".to_owned(), other["from"].clone(), Reason::Recipient),
            ("/both/amount".to_owned(), json!("9999"), Reason::Value),
            ("/both/amount".to_owned(), json!("10001"), Reason::Value),
            ("/paymentRequirements/amount".to_owned(), json!("9999"), Reason::Requirements),
            ("/paymentRequirements/payTo".to_owned(), other["from"].clone(), Reason::Requirements),
            (
                "/paymentPayload/payload/signature".to_owned(),
                vectors()[1]["signature"].clone(),
                Reason::Signature,
            ),
        ] {
            assert_eq!(changed(&pointer, &value), Err(reason), "{pointer} {value}");
        }
    }

    #[test]
    fn what_is_not_in_its_one_spelling_is_refused() {
        let inner = "/paymentPayload/payload";
        for (pointer, value, reason) in [
            ("/both/scheme", json!("upto"), Reason::Scheme),
            ("/both/network", json!("eip155:08453"), Reason::Network),
            ("/both/network", json!("toll:test"), Reason::Network),
            ("/both/amount", json!(10000), Reason::Payload),
            ("/both/amount", json!("010000"), Reason::Payload),
            ("/both/amount", json!("-1"), Reason::Payload),
            ("/both/asset", json!("USDC"), Reason::Payload),
            ("/both/payTo", json!("0x70997970c51812dc3A010C7d01b50e0d17dc79C8"), Reason::Payload),
            ("/both/extra", Value::Null, Reason::Payload),
            ("/both/extra/name", json!(""), Reason::Payload),
            ("/both/extra/name", json!("n".repeat(65)), Reason::Payload),
            ("/both/extra/assetTransferMethod", json!("permit2"), Reason::Token),
            ("/x402Version", json!(1), Reason::Version),
            ("/paymentPayload/x402Version", json!(1), Reason::Version),
            (&format!("{inner}/permit2Authorization"), json!({}), Reason::Token),
            (&format!("{inner}/more"), json!(1), Reason::Payload),
            (&format!("{inner}/authorization/more"), json!(1), Reason::Payload),
            (&format!("{inner}/authorization/nonce"), json!("0x00"), Reason::Payload),
            (&format!("{inner}/authorization/value"), json!("1e4"), Reason::Payload),
            (&format!("{inner}/authorization"), json!([]), Reason::Payload),
        ] {
            assert_eq!(changed(pointer, &value), Err(reason), "{pointer} {value}");
        }
        assert_eq!(changed("/both/extra/assetTransferMethod", &json!("eip3009")), Ok(()));
        assert_eq!(changed("/both/asset", &json!("0x833589fcd6edb6e08f4c7c32d4f71b54bda02913")), Ok(()));
        assert_eq!(Ask::read(&vec![b' '; X402_REQUEST_BYTES_MAX + 1]), Err(Reason::Payload));
    }

    #[test]
    fn a_signature_has_one_spelling_but_for_its_last_byte() {
        for vector in vectors() {
            let text = vector["signature"].as_str().unwrap();
            let (rest, v) = text.split_at(130);
            let short = if v == "1b" { "00" } else { "01" };
            assert_eq!(Signature::parse(&format!("{rest}{short}")), Signature::parse(text));
            assert_eq!(Signature::parse(vector["high_s"].as_str().unwrap()), Err(Reason::Signature));
            let order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
            for wrong in [
                "0x".to_owned(),
                rest.to_owned(),
                format!("{rest}02"),
                format!("{rest}1d"),
                format!("{rest}ff"),
                text[2..].to_owned(),
                format!("0x{order}{}", &text[66..]),
                format!("0x{}{}", "0".repeat(64), &text[66..]),
                format!("{}{}{v}", &text[..66], "0".repeat(64)),
            ] {
                assert_eq!(Signature::parse(&wrong), Err(Reason::Signature), "{wrong}");
            }
            assert_eq!(Signature::parse(&format!("{text}00")), Err(Reason::SmartWallet));
        }
    }

    #[test]
    fn the_times_are_those_of_the_token_with_a_margin() {
        let authorization = |after: u64, before: u64| Authorization {
            valid_after: Uint256::from(after),
            valid_before: Uint256::from(before),
            ..ask(&asked(&vectors()[0])).unwrap().authorization
        };
        let now = 1_800_000_000;
        for (after, before, comes) in [
            (0, now + 10, Ok(())),
            (0, now + 9, Err(Reason::ValidBefore)),
            (0, now - 1, Err(Reason::ValidBefore)),
            (0, 0, Err(Reason::ValidBefore)),
            (0, now + 960, Ok(())),
            (0, now + 961, Err(Reason::ValidBefore)),
            (0, u64::MAX, Err(Reason::ValidBefore)),
            (now - 1, now + 300, Ok(())),
            (now, now + 300, Err(Reason::ValidAfter)),
            (now + 1, now + 300, Err(Reason::ValidAfter)),
        ] {
            assert_eq!(authorization(after, before).check_time(now), comes, "{after} {before}");
        }
    }

    #[test]
    fn only_what_is_on_such_a_chain_is_asked_here() {
        assert!(is_asked(asked(&vectors()[0]).to_string().as_bytes()));
        for other in [&br#"{"paymentRequirements":{"network":"toll:test"}}"#[..], b"{}", b"", b"[]"] {
            assert!(!is_asked(other));
        }
    }

    proptest! {
        #[test]
        fn a_signature_with_any_bit_changed_is_nobodys_or_anothers(bit in 0..65 * 8usize) {
            let ask = ask(&asked(&vectors()[0])).unwrap();
            let mut bytes: [u8; 65] = read_hex(&ask.signature.to_string()).unwrap();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let changed = Signature::parse(&format!("0x{}", hex(&bytes)));
            let is_signed = |it: Signature| ask.authorization.is_signed(&ask.requirements.domain, &it);
            prop_assert!(changed.is_err() || changed.is_ok_and(|changed| !is_signed(changed)));
        }

        #[test]
        fn whatever_is_asked_ends_in_an_answer(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = is_asked(&body);
            prop_assert!(Ask::read(&body).is_err());
        }
    }
}
