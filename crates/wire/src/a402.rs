//! A402: the server as payment service between a buyer's wallet and a seller who answered 402.

use crate::account::{answers, requests};
use crate::id::{HoldId, MandateId, MeterId, WalletId};
use crate::money::Money;
use crate::problem::NextAction;
use serde::{Deserialize, Serialize};

requests! {
    /// Pays a demand: holds the money for the seller, and states that it does.
    pub struct NewA402Payment {
        /// The hold's name. Sending it again pays nothing again, and gives the same proof.
        pub id: HoldId,
        /// The wallet or sub-account that pays.
        pub wallet: WalletId,
        /// The mandate that allows it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub mandate: Option<MandateId>,
        /// The value of the seller's `Payment-Needed` header.
        #[cfg_attr(feature = "schema", schema(max_length = 16384))]
        pub payment_needed: String,
        /// The question whose approval this uses.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(pattern = "^(pay|hld|mtr)_[0-7][0-9A-HJKMNP-TV-Z]{25}$"))]
        pub approval: Option<String>,
        /// Why it is bought, in the agent's own words, for the owner to read. No rule reads it, and no yes is bound to it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(max_length = 200))]
        pub why: Option<String>,
    }

    /// Asks whether a proof counts, and redeems it once.
    pub struct NewA402Verification {
        /// The value of the buyer's `Payment-Proof` header.
        #[cfg_attr(feature = "schema", schema(max_length = 16384))]
        pub payment_proof: String,
        /// The request as it arrived at the seller now.
        pub facts: A402Facts,
    }

    /// One HTTP request, as far as a payment is bound to it.
    pub struct A402Facts {
        /// Its method.
        #[cfg_attr(feature = "schema", schema(max_length = 32))]
        pub request_method: String,
        /// Its fingerprint.
        #[cfg_attr(feature = "schema", schema(max_length = 64))]
        pub request_fingerprint: String,
        /// What the seller sells for it.
        #[cfg_attr(feature = "schema", schema(max_length = 256))]
        pub resource_id: String,
        /// The seller's number of the bill.
        #[cfg_attr(feature = "schema", schema(max_length = 256))]
        pub out_trade_no: String,
        /// Its idempotency key, if it has one.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(max_length = 256))]
        pub idempotency_key: Option<String>,
    }

    /// Says how a delivery ended.
    pub struct NewA402Confirmation {
        /// Of which trade: the hold's name.
        pub trade_no: HoldId,
        /// How.
        pub outcome: A402Outcome,
        /// What it cost, where that is less than what is held; only of what was delivered. The rest goes back, and where it
        /// cost nothing, all of it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub amount: Option<Money>,
    }
}

/// How a delivery ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum A402Outcome {
    /// Delivered: the money moves.
    Fulfilled,
    /// Not delivered: the money goes back.
    Failed,
}

answers! {
    /// A demand that was paid.
    pub struct A402Payment {
        /// The payment service's number of the payment: the hold's name.
        pub trade_no: HoldId,
        /// The hold.
        pub hold: HoldId,
        /// The meter, where the demand was for a deposit: the same name as the hold's. Only what is counted is collected.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub meter: Option<MeterId>,
        /// The value of the `Payment-Proof` header to send with the original request.
        pub payment_proof: String,
        /// The instant from which the proof is worth nothing.
        pub expires_at: String,
        /// The place in the journal.
        pub entry: u64,
        /// Whether this answers a request that was answered before.
        pub repeated: bool,
        /// Whether real money is meant.
        pub livemode: bool,
    }

    /// A proof that counts.
    pub struct A402Verification {
        /// The payment service's number of the payment.
        pub trade_no: HoldId,
        /// The seller's number of the bill.
        pub out_trade_no: String,
        /// What is unlocked.
        pub resource_id: String,
        /// Who paid.
        pub buyer_unique_id: String,
        /// How much, in whole units of the currency.
        pub amount: String,
        /// Of what.
        pub currency: String,
        /// The meter to charge, where a deposit was paid.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub meter: Option<MeterId>,
        /// Names the one delivery this pays for: keep the result under it.
        pub delivery_key: String,
        /// The instant from which the proof is worth nothing.
        pub expires_at: String,
        /// Where the trade stands.
        pub transaction_state: String,
        /// The place in the journal.
        pub entry: u64,
        /// Whether the proof was redeemed for this same delivery before.
        pub repeated: bool,
        /// Whether real money is meant.
        pub livemode: bool,
    }

    /// A trade: payment, delivery and fulfilment apart, for none is evidence of another.
    pub struct A402Trade {
        /// The payment service's number of the payment.
        pub trade_no: HoldId,
        /// Where the trade stands, in the words of ACT.
        pub transaction_state: String,
        /// `held`, `paid` or `returned`.
        pub payment_status: String,
        /// `pending`, `accepted` or `none`.
        pub delivery_status: String,
        /// `pending`, `fulfilled` or `failed`.
        pub fulfillment_status: String,
        /// What can be done.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub next_action: Option<NextAction>,
        /// The place in the journal.
        pub entry: u64,
        /// Whether real money is meant.
        pub livemode: bool,
    }
}

answers! {
    /// The key that signs payment credentials.
    pub struct A402Key {
        /// Its name in credentials: the thumbprint.
        pub key_id: String,
        /// The payment method it speaks for.
        pub method_id: String,
        /// Its scheme.
        pub algorithm: crate::account::Algorithm,
        /// Its bytes in Base64URL.
        pub public_key: String,
        /// What time it is in the book.
        pub now: String,
        /// Whether real money is meant.
        pub livemode: bool,
    }

    /// The keys that sign a seller's demands, for buyers who check them before they pay.
    pub struct A402SellerKeys {
        /// Whose they are.
        pub payee: crate::id::PayeeId,
        /// Those that count now.
        pub keys: Vec<A402SellerKey>,
        /// Whether real money is meant.
        pub livemode: bool,
    }

    /// One of them.
    pub struct A402SellerKey {
        /// The name its signatures give.
        pub key_id: crate::id::KeyId,
        /// Its scheme.
        pub algorithm: crate::account::Algorithm,
        /// Its bytes in Base64URL: 32 for `ed25519`, 64 for `es256`.
        pub public_key: String,
    }
}
