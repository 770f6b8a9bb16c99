//! Holds: money set aside for a payee, captured in parts, given back, or redeemed for a delivery.

use crate::account::{answers, requests};
use crate::id::{Digest, HoldId, MandateId, PayeeId, WalletId};
use crate::money::Money;
use crate::payment::{Part, Split};
use serde::{Deserialize, Serialize};

requests! {
    /// Sets money aside.
    pub struct NewHold {
        /// The hold's name.
        pub id: HoldId,
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
        /// The most that can be captured.
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
        /// When what is left goes back, or is captured, by itself; at most 90 days ahead.
        #[cfg_attr(feature = "schema", schema(format = DateTime))]
        pub expires_at: String,
        /// What then becomes of what is left. Where it is to be captured, owner and agent may object before.
        #[serde(skip_serializing_if = "AtExpiry::is_release", default)]
        pub at_expiry: AtExpiry,
    }

    /// Moves held money to the payees.
    pub struct NewCapture {
        /// How much.
        pub amount: Money,
        /// Whether what is left then goes back to the payer.
        pub last: bool,
    }

    /// Uses a hold up as proof of payment, for one delivery.
    pub struct NewRedemption {
        /// The digest of what is delivered for it.
        pub delivery: Digest,
    }
}

/// What becomes by itself of what a hold has left when its time is up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AtExpiry {
    /// It goes back to the payer.
    #[default]
    Release,
    /// It is captured, unless the buyer's side objected.
    Capture,
}

impl AtExpiry {
    fn is_release(&self) -> bool {
        *self == AtExpiry::Release
    }
}

answers! {
    /// Money that is set aside.
    pub struct Hold {
        /// Its name.
        pub id: HoldId,
        /// `held`.
        pub status: String,
        /// The wallet that pays.
        pub wallet: WalletId,
        /// The most that can be captured.
        pub amount: Money,
        /// When what is left goes back, or is captured, by itself.
        pub expires_at: String,
        /// Which of the two.
        pub at_expiry: AtExpiry,
        /// The place in the journal.
        pub entry: u64,
        /// Whether this answers a request that was answered before.
        pub repeated: bool,
        /// Whether real money is meant.
        pub livemode: bool,
    }

    /// Held money that moved.
    pub struct Capture {
        /// Of which hold.
        pub hold: HoldId,
        /// `captured`.
        pub status: String,
        /// How much.
        pub amount: Money,
        /// Who got how much of it.
        pub parts: Vec<Part>,
        /// The place in the journal.
        pub entry: u64,
        /// Whether this answers a request that was answered before.
        pub repeated: bool,
        /// Whether real money is meant.
        pub livemode: bool,
    }

    /// Held money that went back.
    pub struct Release {
        /// Of which hold.
        pub hold: HoldId,
        /// `released`.
        pub status: String,
        /// How much.
        pub amount: Money,
        /// The place in the journal.
        pub entry: u64,
        /// Whether this answers a request that was answered before.
        pub repeated: bool,
        /// Whether real money is meant.
        pub livemode: bool,
    }
}
