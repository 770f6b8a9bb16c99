//! Quotas: work that is paid for before it is done, and how it is used and divided.

use crate::account::{answers, requests};
use crate::id::{AgentId, Digest, PayeeId, QuotaId, RequestId, WalletId};
use crate::money::AmountText;
use serde::{Deserialize, Serialize};

/// What a quota counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum QuotaUnit {
    /// Uses, calls or seats.
    Count,
    /// Billionths of the smallest unit of the seller's asset.
    Nanos,
}

requests! {
    /// Gives a wallet units of the seller's work.
    pub struct NewQuota {
        /// The name of the new quota; with `into`, of the grant.
        pub id: QuotaId,
        /// Whose owner may use and divide it.
        pub wallet: WalletId,
        /// The payment or captured hold that it was bought with, good for one grant. A trial has none.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(pattern = "^(pay|hld|mtr)_[0-7][0-9A-HJKMNP-TV-Z]{25}$"))]
        pub payment: Option<String>,
        /// What is counted.
        pub unit: QuotaUnit,
        /// How many units; at most 10^18.
        pub units: AmountText,
        /// Until then, exclusive.
        #[cfg_attr(feature = "schema", schema(format = DateTime))]
        pub expires_at: String,
        /// The quota that it is added to.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub into: Option<QuotaId>,
        /// What was sold: what a unit is good for.
        pub document: String,
    }

    /// Uses units, all or none.
    pub struct NewDeduction {
        /// The deduction's name.
        pub id: RequestId,
        /// How many.
        pub units: AmountText,
    }

    /// Gives units of a deduction back, or moves units to the quota above.
    pub struct Units {
        /// How many.
        pub units: AmountText,
    }

    /// Moves units to a quota below.
    pub struct NewAllotment {
        /// The name of the new quota; with `into`, of the change.
        pub id: QuotaId,
        /// How many units.
        pub units: AmountText,
        /// The agent that a new one is for.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub agent: Option<AgentId>,
        /// A quota right below that it is added to.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub into: Option<QuotaId>,
        /// What people call a new one: a department, a person.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub label: Option<String>,
    }
}

answers! {
    /// A quota as it stands. `granted` is `used`, `allotted` and `left` together.
    pub struct Quota {
        /// Its name.
        pub id: QuotaId,
        /// The seller who owes the work.
        pub payee: PayeeId,
        /// Whose it is.
        pub wallet: WalletId,
        /// The agent it is for.
        pub agent: Option<AgentId>,
        /// The quota that it was allotted from.
        pub parent: Option<QuotaId>,
        /// What it counts.
        pub unit: QuotaUnit,
        /// All that came in, less what was reclaimed.
        pub granted: AmountText,
        /// What was used.
        pub used: AmountText,
        /// What went to the quotas below.
        pub allotted: AmountText,
        /// What can still be used or allotted.
        pub left: AmountText,
        /// Until when.
        pub expires_at: String,
        /// The digest of what was sold.
        pub document: Digest,
        /// What people call it.
        pub label: Option<String>,
        /// The place in the journal.
        pub entry: u64,
        /// Whether real money is meant.
        pub livemode: bool,
    }

    /// What a deduction took, and what of it was given back.
    pub struct Deduction {
        /// Its name.
        pub id: RequestId,
        /// Of which quota.
        pub quota: QuotaId,
        /// How many units.
        pub units: AmountText,
        /// How many of them came back.
        pub restored: AmountText,
        /// The place in the journal.
        pub entry: u64,
        /// Whether real money is meant.
        pub livemode: bool,
    }
}

/// What came of one deduction of an array: one of the two.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DeductionResult {
    /// The HTTP status the item would have had alone.
    pub status: u16,
    /// That it was taken.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub answer: Option<crate::answer::Done>,
    /// Why not, otherwise.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub problem: Option<crate::problem::Problem>,
}
