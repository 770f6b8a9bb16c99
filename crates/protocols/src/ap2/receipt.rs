//! What whoever verified a mandate says of it: signed, and also where it says no.

use super::mandate::Family;
use super::parties::text;
use super::refusal::Refusal;
use super::token::{read_signed, sign};
use crate::a402::members::Members;
use evidence::{PublicKey, SigningKey};
use serde_json::{Map, Value, json};

/// A receipt for a payment or for a checkout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Who verified.
    pub issuer: String,
    /// In seconds since 1970.
    pub issued_at: u64,
    /// The closed mandate, by the hash of its signed part.
    pub reference: String,
    pub result: ReceiptResult,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReceiptResult {
    Paid { payment_id: String, psp_confirmation_id: String, network_confirmation_id: String },
    NotPaid { payment_id: String, error: String, description: String },
    Ordered { order_id: String },
    NotOrdered { error: String, description: String },
}

impl Receipt {
    /// The receipt for a payment that was refused.
    pub fn not_paid(
        issuer: &str,
        issued_at: u64,
        reference: String,
        payment_id: &str,
        why: &Refusal,
    ) -> Receipt {
        let result = ReceiptResult::NotPaid {
            payment_id: payment_id.to_owned(),
            error: why.code().as_str().to_owned(),
            description: why.to_string(),
        };
        Receipt { issuer: issuer.to_owned(), issued_at, reference, result }
    }

    /// Whether it says yes.
    pub fn is_success(&self) -> bool {
        match self.result {
            ReceiptResult::Paid { .. } | ReceiptResult::Ordered { .. } => true,
            ReceiptResult::NotPaid { .. } | ReceiptResult::NotOrdered { .. } => false,
        }
    }

    /// Signs the receipt.
    pub fn sign(&self, key: &SigningKey, key_id: &str) -> String {
        let status = if self.is_success() { "Success" } else { "Error" };
        let mut members = Map::new();
        let mut put = |name: &str, value: &str| members.insert(name.to_owned(), value.into());
        put("status", status);
        put("iss", &self.issuer);
        put("reference", &self.reference);
        match &self.result {
            ReceiptResult::Paid { payment_id, psp_confirmation_id, network_confirmation_id } => {
                put("payment_id", payment_id);
                put("psp_confirmation_id", psp_confirmation_id);
                put("network_confirmation_id", network_confirmation_id);
            }
            ReceiptResult::NotPaid { payment_id, error, description } => {
                put("payment_id", payment_id);
                put("error", error);
                put("error_description", description);
            }
            ReceiptResult::Ordered { order_id } => {
                put("order_id", order_id);
            }
            ReceiptResult::NotOrdered { error, description } => {
                put("error", error);
                put("error_description", description);
            }
        }
        members.insert("iat".to_owned(), self.issued_at.into());
        sign(&json!({ "alg": "ES256", "kid": key_id, "typ": "JWT" }), &Value::Object(members), key)
    }

    /// Reads a receipt for a payment or a checkout that `key` signed.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn verify(jwt: &str, family: Family, key: &PublicKey) -> Result<Receipt, Refusal> {
        let payload = read_signed(jwt, key)?.ok_or(Refusal::BadSignature { hop: 0 })?;
        let mut members = Members::open("receipt", payload)?;
        let status = members.text("status", text)?;
        let is_success = match status.as_str() {
            "Success" => true,
            "Error" => false,
            _ => return Err(Members::unfit("receipt", "status", "`Success` or `Error`").into()),
        };
        let issued_at = members.take("iat")?.as_u64();
        let issued_at = issued_at.ok_or(Members::unfit("receipt", "iat", "a second since 1970"))?;
        let (issuer, reference) = (members.text("iss", text)?, members.text("reference", text)?);
        let result = match (family, is_success) {
            (Family::Payment, true) => ReceiptResult::Paid {
                payment_id: members.text("payment_id", text)?,
                psp_confirmation_id: members.text("psp_confirmation_id", text)?,
                network_confirmation_id: members.text("network_confirmation_id", text)?,
            },
            (Family::Payment, false) => ReceiptResult::NotPaid {
                payment_id: members.text("payment_id", text)?,
                error: members.text("error", text)?,
                description: members.text("error_description", text)?,
            },
            (Family::Checkout, true) => ReceiptResult::Ordered { order_id: members.text("order_id", text)? },
            (Family::Checkout, false) => ReceiptResult::NotOrdered {
                error: members.text("error", text)?,
                description: members.text("error_description", text)?,
            },
        };
        Ok(Receipt { issuer, issued_at, reference, result })
    }
}
