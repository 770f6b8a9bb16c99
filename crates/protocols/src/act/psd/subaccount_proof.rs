//! The authorization a sub-account's own key makes for one payment.

use crate::a402::{AmountText, Currency, Identifier, SignatureText};
use crate::act::text::UtcTime;
use crate::json;
use evidence::{Mac, MacKey, PublicKey, Signature, SigningKey, base64url};
use serde_json::{Map, Value};

/// The payment a sub-account's key authorizes (SUB-05). ACT leaves the form open; this list is ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofFacts {
    pub request_id: Identifier,
    pub subaccount_id: Identifier,
    pub delegation_id: Option<Identifier>,
    /// `merchant_order_id`, or `out_trade_no` for a bill.
    pub order_field: &'static str,
    pub order_no: Identifier,
    pub amount: AmountText,
    pub currency: Currency,
    pub timestamp: UtcTime,
}

/// The key of a sub-account, as the payment service has registered it.
#[derive(Clone, Debug)]
pub enum SubAccountKey {
    /// Signatures: the payment service cannot make one itself.
    Asymmetric(PublicKey),
    /// MACs: the payment service holds the same key, so they settle no dispute.
    Symmetric(MacKey),
}

impl ProofFacts {
    /// The bytes the key signs: the canonical JSON of these members.
    pub fn bytes(&self) -> Vec<u8> {
        let delegation_id = self.delegation_id.as_ref().map(Identifier::as_str);
        let members = [
            ("request_id", Some(self.request_id.as_str())),
            ("subaccount_id", Some(self.subaccount_id.as_str())),
            ("delegation_id", delegation_id),
            (self.order_field, Some(self.order_no.as_str())),
            ("amount", Some(self.amount.as_str())),
            ("currency", Some(self.currency.as_str())),
            ("timestamp", Some(self.timestamp.as_str())),
        ];
        let there = members.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?.into())));
        json::canonical(&Value::Object(there.collect::<Map<String, Value>>()))
    }

    /// The proof made with an asymmetric key.
    pub fn sign(&self, key: &SigningKey) -> SignatureText {
        text_of(key.sign(&self.bytes()).as_bytes())
    }

    /// The proof made with a symmetric key.
    pub fn mac(&self, key: &MacKey) -> SignatureText {
        text_of(&key.mac(&self.bytes()).0)
    }

    /// Whether `proof` was made with `key` for this very payment.
    pub fn is_proved_by(&self, proof: &SignatureText, key: &SubAccountKey) -> bool {
        let Some(proof) = base64url::decode(proof.as_str()) else {
            return false;
        };
        match key {
            SubAccountKey::Asymmetric(key) => Signature::from_slice(&proof)
                .is_ok_and(|signature| key.verify(&self.bytes(), &signature).is_ok()),
            SubAccountKey::Symmetric(key) => {
                Mac::from_slice(&proof).is_ok_and(|mac| key.verify(&self.bytes(), &mac).is_ok())
            }
        }
    }
}

fn text_of(bytes: &[u8]) -> SignatureText {
    SignatureText::parse(base64url::encode(bytes)).expect("Base64URL of some bytes is a text")
}
