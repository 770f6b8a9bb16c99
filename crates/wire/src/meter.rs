//! Meters: a hold that is drawn down by counted work and settled once.

use crate::account::{answers, requests};
use crate::id::{Digest, MandateId, MeterId, PayeeId, RequestId, WalletId};
use crate::money::Money;
use crate::payment::Split;
use serde::{Deserialize, Serialize};

/// How an exact cost becomes an amount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// In the payer's favour.
    #[default]
    Down,
    /// To the nearest, halves up.
    HalfUp,
    /// In the payee's favour.
    Up,
}

requests! {
    /// Sets aside the most that metered work may cost.
    pub struct NewMeter {
        /// The meter's name.
        pub id: MeterId,
        /// The wallet or sub-account that pays.
        pub wallet: WalletId,
        /// The mandate that allows it; without one, the agent's own limits must.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub mandate: Option<MandateId>,
        /// Who works. Either this or `split`.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub payee: Option<PayeeId>,
        /// Several payees who collect by shares. Either this or `payee`.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub split: Option<Split>,
        /// The most it may cost.
        pub amount: Money,
        /// What is bought, where the seller says so.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(pattern = "^[A-Za-z0-9_./-]{1,16}$"))]
        pub category: Option<String>,
        /// The digest of what is bought: a quote.
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
        /// When it is settled by itself; at most 90 days ahead.
        #[cfg_attr(feature = "schema", schema(format = DateTime))]
        pub expires_at: String,
        /// What a unit of each kind of work costs, in billionths of the smallest unit: 1 to 16 kinds.
        #[cfg_attr(feature = "schema", schema(min_items = 1, max_items = 16))]
        pub rates_nanos_per_unit: Vec<u64>,
        /// How the exact cost becomes an amount when it is settled.
        #[serde(default)]
        pub rounding: Rounding,
    }

    /// Counts work.
    pub struct NewCharge {
        /// The charge's name.
        pub id: RequestId,
        /// The seller's number of this charge; larger than the one before.
        pub sequence: u64,
        /// The units of each kind, in the order of the rates.
        #[cfg_attr(feature = "schema", schema(min_items = 1, max_items = 16))]
        pub units: Vec<u64>,
    }
}

answers! {
    /// A meter that was opened.
    pub struct Meter {
        /// Its name.
        pub id: MeterId,
        /// `held`.
        pub status: String,
        /// The wallet that pays.
        pub wallet: WalletId,
        /// The most it may cost.
        pub amount: Money,
        /// When it is settled by itself.
        pub expires_at: String,
        /// The place in the journal.
        pub entry: u64,
        /// Whether this answers a request that was answered before.
        pub repeated: bool,
        /// Whether real money is meant.
        pub livemode: bool,
    }

    /// Work that was counted.
    pub struct Charge {
        /// The charge's name.
        pub id: RequestId,
        /// On which meter.
        pub meter: MeterId,
        /// `charged`.
        pub status: String,
        /// The exact cost of everything counted so far, in billionths of the smallest unit.
        pub total_nanos: String,
        /// The place in the journal.
        pub entry: u64,
        /// Whether this answers a request that was answered before.
        pub repeated: bool,
        /// Whether real money is meant.
        pub livemode: bool,
    }

    /// A meter that was settled.
    pub struct Settlement {
        /// Which.
        pub meter: MeterId,
        /// `settled`.
        pub status: String,
        /// What moved, in the smallest units of the meter's asset.
        pub amount: String,
        /// What went back, in the same.
        pub released: String,
        /// The billionths that rounding left over.
        pub carry_nanos: String,
        /// The place in the journal.
        pub entry: u64,
        /// Whether this answers a request that was answered before.
        pub repeated: bool,
        /// Whether real money is meant.
        pub livemode: bool,
    }
}

/// What came of one charge of an array: one of the two.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ChargeResult {
    /// The HTTP status the item would have had alone.
    pub status: u16,
    /// The charge, where it was counted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub answer: Option<Charge>,
    /// Why not, otherwise.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub problem: Option<crate::problem::Problem>,
}
