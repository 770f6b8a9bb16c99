//! Subscriptions: a seller's work by the period, agreed once and renewed by itself.

use crate::account::{answers, requests};
use crate::id::{AgentId, Digest, MandateId, PayeeId, PaymentId, SubscriptionId, WalletId};
use crate::money::Money;
use crate::payment::{Part, Split};
use serde::{Deserialize, Serialize};

/// How long one period is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Every {
    /// So many days of the calendar; at most 366.
    Days(u16),
    /// So many months of the calendar; at most 60. Beginning on a 31st, it is due on the last day of shorter months.
    Months(u16),
}

requests! {
    /// Begins a subscription, and pays its first period unless that is free.
    pub struct NewSubscription {
        /// The subscription's name. Sending it again pays nothing again.
        pub id: SubscriptionId,
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
        /// The price of one period.
        pub price: Money,
        /// What is bought, where the seller says so.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(pattern = "^[A-Za-z0-9_./-]{1,16}$"))]
        pub category: Option<String>,
        /// The digest of what is bought: a quote.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub reference: Option<Digest>,
        /// The question whose approval this uses.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(pattern = "^sub_[0-7][0-9A-HJKMNP-TV-Z]{25}$"))]
        pub approval: Option<String>,
        /// How long one period is.
        pub every: Every,
        /// Whose calendar it is: a name of the IANA database.
        pub zone: String,
        /// How often it is renewed at most; until somebody cancels where this is left out.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub renewals: Option<u32>,
        /// How long it stays usable, and is tried again, after a renewal failed; at most 90 days.
        #[serde(default)]
        pub grace_seconds: u64,
        /// Until then it is free, and the first period that is paid begins there; at most 366 days ahead.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(format = DateTime))]
        pub trial_until: Option<String>,
        /// What the seller promises for it.
        pub document: String,
    }

    /// Another price or other terms, with the same seller and from the same wallet.
    pub struct PlanChange {
        /// The name of the change, and of the payment where something is due at once.
        pub id: PaymentId,
        /// The mandate that allows it; without one, the agent's own limits must.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub mandate: Option<MandateId>,
        /// The new price of one period.
        pub price: Money,
        /// What is bought, where the seller says so.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(pattern = "^[A-Za-z0-9_./-]{1,16}$"))]
        pub category: Option<String>,
        /// The digest of what is bought: a quote.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub reference: Option<Digest>,
        /// The question whose approval this uses.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(pattern = "^(pay|sub)_[0-7][0-9A-HJKMNP-TV-Z]{25}$"))]
        pub approval: Option<String>,
        /// How long one period is.
        pub every: Every,
        /// Whose calendar it is.
        pub zone: String,
        /// How often it is renewed at most, counted from here.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub renewals: Option<u32>,
        /// How long it stays usable after a renewal failed.
        #[serde(default)]
        pub grace_seconds: u64,
        /// What the seller promises for it.
        pub document: String,
    }
}

answers! {
    /// What was agreed, and what was paid for it at once.
    pub struct SubscriptionTerm {
        /// The subscription.
        pub id: SubscriptionId,
        /// `subscribed` or `changed`.
        pub status: String,
        /// The wallet that pays.
        pub wallet: WalletId,
        /// The price of one period.
        pub price: Money,
        /// When what was agreed begins to count.
        pub from: String,
        /// When the current period ends.
        pub until: String,
        /// What was paid at once: the name to refund it under.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub payment: Option<PaymentId>,
        /// How much that was.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub paid: Option<Money>,
        /// Who got how much of it, before and after the operator's fee.
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        pub parts: Vec<Part>,
        /// The place in the journal.
        pub entry: u64,
        /// Whether this answers a request that was answered before.
        pub repeated: bool,
        /// Whether real money is meant.
        pub livemode: bool,
    }

    /// What counts from some time on.
    pub struct Plan {
        /// The agent that pays; without one the owner does.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub agent: Option<AgentId>,
        /// Under which mandate.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub mandate: Option<MandateId>,
        /// The price of one period.
        pub price: Money,
        /// How long one period is.
        pub every: Every,
        /// Whose calendar it is.
        pub zone: String,
        /// How often it is renewed at most.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub renewals: Option<u32>,
        /// How long it stays usable after a renewal failed.
        pub grace_seconds: u64,
        /// The digest of what the seller promises.
        pub document: Digest,
    }

    /// What an owner would agree on beside the price.
    pub struct AskedTerms {
        /// How long one period is.
        pub every: Every,
        /// Whose calendar it is.
        pub zone: String,
        /// How often it is renewed at most; until somebody cancels where this is left out.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub renewals: Option<u32>,
        /// Until when it is free.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub trial_until: Option<String>,
        /// The digest of what the seller promises.
        pub document: Digest,
    }

    /// A subscription as it stands.
    pub struct Subscription {
        /// Its name.
        pub id: SubscriptionId,
        /// `trial`, `active`, `grace`, `cancelled` (usable until its period ends) or `ended`.
        pub status: String,
        /// The wallet that pays.
        pub wallet: WalletId,
        /// Who collects, the seller first.
        pub payees: Vec<PayeeId>,
        /// What counts now.
        pub plan: Plan,
        /// What counts from the next period on, where that is something else.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub next_plan: Option<Plan>,
        /// When the current period began.
        pub from: String,
        /// When it ends.
        pub until: String,
        /// When it is renewed or tried again; never where this is left out.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub next_renewal: Option<String>,
        /// Until when it stays usable although a renewal failed.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub grace_until: Option<String>,
        /// Why the renewal failed the last time: a code from the closed list.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub code: Option<String>,
        /// How often it was renewed under this plan.
        pub renewed: u32,
        /// The last payment for it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub last_payment: Option<PaymentId>,
        /// The place in the journal where it began.
        pub entry: u64,
        /// When that was.
        pub at: String,
        /// Whether real money is meant.
        pub livemode: bool,
    }

    /// Whether the seller owes the work now.
    pub struct Access {
        /// The subscription.
        pub id: SubscriptionId,
        /// Whether it may be used.
        pub usable: bool,
        /// `trial`, `active`, `grace`, `cancelled` or `ended`.
        pub status: String,
        /// Until when it may be used, as things stand now.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub until: Option<String>,
        /// Whether real money is meant.
        pub livemode: bool,
    }
}
