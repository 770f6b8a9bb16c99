//! What a seller asks for a resource, and bills whose number carries all that a seller must remember.
//!
//! Anybody can ask for a price, a million times. So a bill is not stored: its `out_trade_no` holds a
//! nonce, two times, and a MAC over everything the bill says. When a proof comes back, the seller
//! derives the bill again from the request, and the MAC shows that it is one he issued.

use super::fingerprint::RequestFacts;
use super::needed::{CommerceConfirmation, Demand};
use super::text::{AmountText, Currency, DateTime, Identifier, MethodId, MethodVersion};
use crate::json;
use crate::limits::REPLAY_WINDOW_SECONDS_MAX;
use book::Time;
use evidence::{Mac, MacKey, base64url};
use serde_json::Value;

/// Comes before the bytes under the MAC, so that the key may have other uses.
const DOMAIN: &[u8] = b"toll:a402-bill/1\n";

const PREFIX: &str = "bill_";

/// What a seller asks for one resource, whoever wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    pub method_id: MethodId,
    pub method_version: MethodVersion,
    pub amount: AmountText,
    pub currency: Currency,
    pub resource_id: Identifier,
    pub seller_unique_id: Identifier,
    /// From 1 to 2,592,000.
    pub replay_window_seconds: u32,
    pub commerce_confirmation: Option<CommerceConfirmation>,
}

/// A number that is not one of our bills for this request: made up, altered, or for something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bill was not issued here for this request")]
pub struct NotOurBill;

/// A bill's number, taken apart.
#[derive(Clone, Copy, Debug)]
struct OutTradeNo {
    nonce: [u8; 16],
    pay_before_seconds: u64,
    replay_window_seconds: u32,
    mac: Mac,
}

impl Offer {
    /// Bills the offer for one request, to be paid before the second in which `pay_before` lies.
    ///
    /// `nonce` has to be random: it makes every bill's number another one (A402-01). A caller who is known
    /// is the only one who may pay. A request that needs an idempotency key and has none gets
    /// the bill's number as its key.
    pub fn bill(&self, request: &RequestFacts, key: &MacKey, nonce: [u8; 16], pay_before: Time) -> Demand {
        let unnumbered = self.unnumbered(request, DateTime::second_of(pay_before));
        let out_trade_no = OutTradeNo {
            nonce,
            pay_before_seconds: seconds_of(unnumbered.pay_before.time()),
            replay_window_seconds: self.replay_window_seconds,
            mac: key.mac(&covered_bytes(&nonce, &unnumbered)),
        };
        numbered(unnumbered, out_trade_no.to_identifier())
    }

    /// Derives again the bill that [`Offer::bill`] gave for this request under this number.
    ///
    /// Amount and currency are taken from whoever claims to have paid, and the window from the number:
    /// the MAC shows that they were ours, so a price that has changed since does not hurt
    /// somebody who has already paid the old one.
    ///
    /// # Errors
    /// [`NotOurBill`].
    pub fn recall(
        &self,
        request: &RequestFacts,
        key: &MacKey,
        out_trade_no: &Identifier,
        (amount, currency): (&AmountText, &Currency),
    ) -> Result<Demand, NotOurBill> {
        let number = OutTradeNo::parse(out_trade_no).ok_or(NotOurBill)?;
        let billed = Offer {
            amount: amount.clone(),
            currency: currency.clone(),
            replay_window_seconds: number.replay_window_seconds,
            ..self.clone()
        };
        let pay_before = DateTime::second_of(Time::from_seconds(number.pay_before_seconds));
        let unnumbered = billed.unnumbered(request, pay_before);
        key.verify(&covered_bytes(&number.nonce, &unnumbered), &number.mac).map_err(|_| NotOurBill)?;
        Ok(numbered(unnumbered, out_trade_no.clone()))
    }

    fn unnumbered(&self, request: &RequestFacts, pay_before: DateTime) -> Demand {
        assert!(
            (1..=REPLAY_WINDOW_SECONDS_MAX).contains(&self.replay_window_seconds),
            "the replay window of an offer is within its bounds"
        );
        Demand {
            method_id: self.method_id.clone(),
            method_version: self.method_version.clone(),
            out_trade_no: Identifier::parse(PREFIX).expect("the prefix is an identifier"),
            amount: self.amount.clone(),
            currency: self.currency.clone(),
            resource_id: self.resource_id.clone(),
            pay_before,
            seller_unique_id: self.seller_unique_id.clone(),
            buyer_unique_id: request.caller.clone(),
            request_method: request.method.clone(),
            request_fingerprint: request.fingerprint.clone(),
            idempotency_key: request.idempotency_key.clone(),
            replay_window_seconds: self.replay_window_seconds,
            commerce_confirmation: self.commerce_confirmation.clone(),
        }
    }
}

impl OutTradeNo {
    fn to_identifier(self) -> Identifier {
        let bytes = [
            &self.nonce[..],
            &self.pay_before_seconds.to_be_bytes(),
            &self.replay_window_seconds.to_be_bytes(),
            &self.mac.0,
        ];
        let text = format!("{PREFIX}{}", base64url::encode(&bytes.concat()));
        Identifier::parse(text).expect("85 characters are an identifier")
    }

    fn parse(text: &Identifier) -> Option<Self> {
        let bytes = base64url::decode(text.as_str().strip_prefix(PREFIX)?)?;
        let (nonce, rest) = bytes.split_first_chunk()?;
        let (pay_before, rest) = rest.split_first_chunk()?;
        let (window, mac) = rest.split_first_chunk()?;
        let replay_window_seconds = u32::from_be_bytes(*window);
        if !(1..=REPLAY_WINDOW_SECONDS_MAX).contains(&replay_window_seconds) {
            return None;
        }
        Some(OutTradeNo {
            nonce: *nonce,
            pay_before_seconds: u64::from_be_bytes(*pay_before),
            replay_window_seconds,
            mac: Mac::from_slice(mac).ok()?,
        })
    }
}

fn numbered(unnumbered: Demand, out_trade_no: Identifier) -> Demand {
    let key_is_missing =
        unnumbered.request_method.needs_idempotency_key() && unnumbered.idempotency_key.is_none();
    Demand {
        idempotency_key: if key_is_missing { Some(out_trade_no.clone()) } else { unnumbered.idempotency_key },
        out_trade_no,
        ..unnumbered
    }
}

fn covered_bytes(nonce: &[u8], unnumbered: &Demand) -> Vec<u8> {
    let bill = json::canonical(&Value::Object(unnumbered.members()));
    [DOMAIN, nonce, &bill].concat()
}

fn seconds_of(time: Time) -> u64 {
    time.0 / Time::from_seconds(1).0
}
