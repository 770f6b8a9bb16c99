//! Payments: one purchase as an agent asks for it, and what came of it.

use crate::account::{answers, requests};
use crate::answer::Asked;
use crate::id::{Digest, MandateId, PayeeId, PaymentId, RefundId, WalletId};
use crate::money::Money;
use crate::problem::Problem;
use serde::{Deserialize, Serialize};

requests! {
    /// Pays at once.
    pub struct NewPayment {
        /// The payment's name. Sending it again pays nothing again.
        pub id: PaymentId,
        /// The wallet or sub-account that pays.
        pub wallet: WalletId,
        /// The mandate that allows it; without one, the agent's own limits must.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub mandate: Option<MandateId>,
        /// Who collects. Either this or `split`.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub payee: Option<PayeeId>,
        /// Several payees who collect by shares. Either this or `payee`.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub split: Option<Split>,
        /// How much.
        pub amount: Money,
        /// What is bought, where the seller says so.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(pattern = "^[A-Za-z0-9_./-]{1,16}$"))]
        pub category: Option<String>,
        /// The digest of what is bought: a cart, a quote.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub reference: Option<Digest>,
        /// The question whose approval this uses.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(pattern = "^(pay|hld|mtr)_[0-7][0-9A-HJKMNP-TV-Z]{25}$"))]
        pub approval: Option<String>,
        /// Why it is bought, in the agent's own words, for the owner to read. No rule reads it, and no yes is bound to it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(max_length = 200))]
        pub why: Option<String>,
    }

    /// Shares of a whole, which they must add up to.
    pub struct Split {
        /// What all shares add up to.
        pub whole: u32,
        /// Each payee once; at most 16. The first delivers, and may capture and refund.
        #[cfg_attr(feature = "schema", schema(min_items = 1, max_items = 16))]
        pub shares: Vec<Share>,
    }

    /// One payee's share.
    pub struct Share {
        /// Who.
        pub payee: PayeeId,
        /// How much of the whole. Never nothing.
        pub weight: u32,
    }

    /// Gives back part or all of a payment or of a captured hold.
    pub struct NewRefund {
        /// The refund's name.
        pub id: RefundId,
        /// The id of the payment, hold or meter.
        #[cfg_attr(feature = "schema", schema(pattern = "^(pay|hld|mtr)_[0-7][0-9A-HJKMNP-TV-Z]{25}$"))]
        pub payment: String,
        /// How much: at most what was paid and not refunded.
        pub amount: Money,
    }
}

answers! {
    /// A payment that was made.
    pub struct Payment {
        /// Its name.
        pub id: PaymentId,
        /// `paid`.
        pub status: String,
        /// The wallet that paid.
        pub wallet: WalletId,
        /// What the wallet gave.
        pub amount: Money,
        /// Who got how much of it, before and after the operator's fee.
        pub parts: Vec<Part>,
        /// The place in the journal.
        pub entry: u64,
        /// Whether this answers a request that was answered before.
        pub repeated: bool,
        /// Whether real money is meant.
        pub livemode: bool,
    }

    /// What one payee got.
    pub struct Part {
        /// Who.
        pub payee: PayeeId,
        /// Before the fee.
        pub amount: Money,
        /// What the operator took of it.
        pub fee: Money,
    }

    /// Money that went back.
    pub struct Refund {
        /// Its name.
        pub id: RefundId,
        /// `refunded`.
        pub status: String,
        /// The payment, hold or meter it is of.
        pub payment: String,
        /// How much.
        pub amount: Money,
        /// The place in the journal.
        pub entry: u64,
        /// Whether this answers a request that was answered before.
        pub repeated: bool,
        /// Whether real money is meant.
        pub livemode: bool,
    }

    /// A purchase as it stands now.
    pub struct PaymentState {
        /// Its name.
        pub id: String,
        /// `paid`, `asked`, `denied`, or of a hold `held`, `disputed`, `captured`, `released` or `expired`.
        pub status: String,
        /// The wallet that pays.
        pub wallet: WalletId,
        /// The agent that asked; absent where the owner did.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub agent: Option<crate::id::AgentId>,
        /// Under which mandate.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub mandate: Option<MandateId>,
        /// Who collects.
        pub payees: Vec<PayeeId>,
        /// How much was asked for.
        pub amount: Money,
        /// What the payees have got of it, where it is a hold.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub captured: Option<Money>,
        /// What went back.
        pub refunded: Money,
        /// Why it was denied or asked about: a code from the closed list.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub code: Option<String>,
        /// When a hold ends by itself.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub expires_at: Option<String>,
        /// What then becomes of what a hold has left.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub at_expiry: Option<crate::hold::AtExpiry>,
        /// The place in the journal.
        pub entry: u64,
        /// When it was decided.
        pub at: String,
        /// Whether real money is meant.
        pub livemode: bool,
    }
}

/// One payment, or as many as a request may carry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum OneOrMany {
    /// One.
    One(Box<NewPayment>),
    /// At most 1,000. Each is answered for itself.
    Many(Vec<NewPayment>),
}

/// What came of one payment of an array: one of the three.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PaymentResult {
    /// The HTTP status the item would have had alone.
    pub status: u16,
    /// The payment, where it was made.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub answer: Option<Payment>,
    /// The question, where the owner is asked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub asked: Option<Asked>,
    /// Why not, otherwise.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub problem: Option<Problem>,
}
