//! Vouchers over HTTP: how a seller says in a bill that it takes them, and how a call carries one.
//!
//! What a voucher is worth, and the bytes that are signed, are the book's: [`voucher_bytes`]. This is the text around it.
//! The signature of the bill covers the [`Offer`], since it lies in the bill's method layer; so who collects and in
//! which asset is said once, by the bill. Its document is `docs/prepaid.md`.

use crate::a402::MethodLayer;
use crate::limits::{VOUCHER_PATH_BYTES_MAX, VOUCHER_TEXT_BYTES_MAX};
use book::{Id, MeterId, Nanos, voucher_bytes};
use evidence::{BadSignature, PublicKey, Signature, SigningKey, base64url};
use serde_json::{Map, Value};
use std::fmt;

/// The header in which a call carries its voucher.
pub const VOUCHER: &str = "tollbridge-voucher";

/// The header in which an answer says what everything so far comes to, in billionths of the smallest unit.
pub const OWED: &str = "tollbridge-owed";

/// The member of a bill's method layer that holds the offer.
pub const OFFER: &str = "vouchers";

/// A channel, the sum of everything so far, and the buyer's signature.
///
/// As text: the channel's name, the sum in digits and the signature in Base64URL, with points between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Voucher {
    /// The bits of the channel's name.
    pub channel: u128,
    /// The sum, in billionths of the smallest unit.
    pub total_nanos: u128,
    /// The signature, which nobody has checked yet.
    pub signature: Signature,
}

/// The text is not a voucher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a voucher is a channel, a sum and a signature like `mtr_….100000000.…`")]
pub struct NotAVoucher;

/// What a seller takes vouchers for: beside the bill's own price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The price of this call by voucher, in billionths of the smallest unit; more than nothing.
    pub price_nanos: u128,
    /// The smallest channel that the seller takes, in the smallest unit; more than nothing.
    pub deposit_minor: u128,
    /// The path at the seller's under which it answers for channels: `{at}/{channel}/close` settles one.
    pub at: String,
}

/// The member is there and is no offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`method.vouchers` is not an offer with `price_nanos`, `deposit` and `at`")]
pub struct NotAnOffer;

impl Voucher {
    /// A voucher for everything so far.
    pub fn sign(key: &SigningKey, channel: u128, total_nanos: u128) -> Voucher {
        let signature = key.sign(&signed(channel, total_nanos));
        Voucher { channel, total_nanos, signature }
    }

    /// Checks the signature.
    ///
    /// # Errors
    /// [`BadSignature`].
    pub fn verify(&self, key: &PublicKey) -> Result<(), BadSignature> {
        key.verify(&signed(self.channel, self.total_nanos), &self.signature)
    }

    /// Reads the text of a voucher, in its one spelling.
    ///
    /// # Errors
    /// [`NotAVoucher`].
    pub fn parse(text: &str) -> Result<Voucher, NotAVoucher> {
        if VOUCHER_TEXT_BYTES_MAX < text.len() {
            return Err(NotAVoucher);
        }
        let (channel, rest) = text.split_once('.').ok_or(NotAVoucher)?;
        let (total, signature) = rest.split_once('.').ok_or(NotAVoucher)?;
        let MeterId(channel) = channel.parse().map_err(|_| NotAVoucher)?;
        let signature = base64url::decode(signature).ok_or(NotAVoucher)?;
        Ok(Voucher {
            channel: u128::from_be_bytes(channel.0),
            total_nanos: read_sum(total).ok_or(NotAVoucher)?,
            signature: Signature::from_slice(&signature).map_err(|_| NotAVoucher)?,
        })
    }
}

impl fmt::Display for Voucher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let channel = MeterId(Id(self.channel.to_be_bytes()));
        write!(f, "{channel}.{}.{}", self.total_nanos, base64url::encode(self.signature.as_bytes()))
    }
}

impl Offer {
    /// Adds the offer to a bill's method layer.
    pub fn put(&self, layer: MethodLayer) -> MethodLayer {
        let offer = [
            ("price_nanos".to_owned(), self.price_nanos.to_string().into()),
            ("deposit".to_owned(), self.deposit_minor.to_string().into()),
            ("at".to_owned(), self.at.clone().into()),
        ];
        let mut members = layer.members().clone();
        members.insert(OFFER.to_owned(), Value::Object(offer.into_iter().collect()));
        MethodLayer::new(members).expect("a layer with one more member is not empty")
    }

    /// The offer of a bill's method layer, if it makes one.
    ///
    /// # Errors
    /// [`NotAnOffer`].
    pub fn read(layer: &MethodLayer) -> Result<Option<Offer>, NotAnOffer> {
        let members = match layer.members().get(OFFER) {
            None => return Ok(None),
            Some(Value::Object(members)) => members,
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
                return Err(NotAnOffer);
            }
        };
        let offer = Offer {
            price_nanos: read_sum(text(members, "price_nanos")?).ok_or(NotAnOffer)?,
            deposit_minor: read_sum(text(members, "deposit")?).ok_or(NotAnOffer)?,
            at: text(members, "at")?.to_owned(),
        };
        let is_path = offer.at.starts_with('/')
            && offer.at.len() <= VOUCHER_PATH_BYTES_MAX
            && offer.at.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#\\".contains(&byte));
        if members.len() != 3 || offer.price_nanos == 0 || offer.deposit_minor == 0 || !is_path {
            return Err(NotAnOffer);
        }
        Ok(Some(offer))
    }
}

/// Reads a sum in its one spelling: digits without a leading zero.
pub fn read_sum(text: &str) -> Option<u128> {
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let has_one_spelling = is_digits && (text == "0" || !text.starts_with('0'));
    if has_one_spelling { text.parse().ok() } else { None }
}

fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Result<&'a str, NotAnOffer> {
    members.get(name).and_then(Value::as_str).ok_or(NotAnOffer)
}

fn signed(channel: u128, total_nanos: u128) -> Vec<u8> {
    voucher_bytes(MeterId(Id(channel.to_be_bytes())), Nanos::new(total_nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_voucher_has_one_spelling_and_is_good_for_one_sum_of_one_channel() {
        let key = SigningKey::ed25519(&[7; 32]);
        let voucher = Voucher::sign(&key, 5, 100_500_000_000);
        let text = voucher.to_string();
        assert!(text.starts_with("mtr_00000000000000000000000005.100500000000."), "{text}");
        assert_eq!(Voucher::parse(&text), Ok(voucher));
        assert!(voucher.verify(key.public()).is_ok());
        for other in [
            Voucher { total_nanos: 100_500_000_001, ..voucher },
            Voucher { channel: 6, ..voucher },
            Voucher::sign(&SigningKey::ed25519(&[8; 32]), 5, 100_500_000_000),
        ] {
            assert!(other.verify(key.public()).is_err(), "{other}");
        }
        let (head, signature) = text.rsplit_once('.').unwrap();
        for wrong in [
            "",
            ".",
            "..",
            head,
            &format!("{head}."),
            &format!("{head}.{signature}."),
            &format!("{head}.{signature}="),
            &format!("{head}.{}", &signature[1..]),
            &format!("{head}.{signature}AA"),
            &text.replace(".1005", ".01005"),
            &text.replace(".1005", ".+1005"),
            &text.replace(".1005", ".-1005"),
            &text.replace(".100500000000.", "."),
            &text.replace(".100500000000.", ".340282366920938463463374607431768211456."),
            &text.replace("mtr_", "hld_"),
            &text.replace("mtr_0", "mtr_8"),
            &text.to_lowercase(),
            &format!(" {text}"),
        ] {
            assert_eq!(Voucher::parse(wrong), Err(NotAVoucher), "{wrong}");
        }
    }

    #[test]
    fn an_offer_is_read_as_it_was_put_and_no_other_way() {
        let offer =
            Offer { price_nanos: 100_000_000, deposit_minor: 10, at: "/.tollbridge/channels".to_owned() };
        let layer = |value: Value| {
            let members = [("network".to_owned(), "toll:test".into()), (OFFER.to_owned(), value)];
            MethodLayer::new(members.into_iter().collect()).unwrap()
        };
        let bare =
            MethodLayer::new([("network".to_owned(), "toll:test".into())].into_iter().collect()).unwrap();
        assert_eq!(Offer::read(&bare), Ok(None));
        assert_eq!(Offer::read(&offer.put(bare.clone())), Ok(Some(offer)));
        assert_eq!(bare.members().len(), 1);
        for wrong in [
            serde_json::json!(null),
            serde_json::json!("1"),
            serde_json::json!({"price_nanos": "1", "deposit": "1"}),
            serde_json::json!({"price_nanos": 1, "deposit": "1", "at": "/c"}),
            serde_json::json!({"price_nanos": "0", "deposit": "1", "at": "/c"}),
            serde_json::json!({"price_nanos": "1", "deposit": "0", "at": "/c"}),
            serde_json::json!({"price_nanos": "01", "deposit": "1", "at": "/c"}),
            serde_json::json!({"price_nanos": "1", "deposit": "1", "at": "c"}),
            serde_json::json!({"price_nanos": "1", "deposit": "1", "at": "/c?d"}),
            serde_json::json!({"price_nanos": "1", "deposit": "1", "at": "/c", "payee": "x"}),
        ] {
            assert_eq!(Offer::read(&layer(wrong.clone())), Err(NotAnOffer), "{wrong}");
        }
    }
}
