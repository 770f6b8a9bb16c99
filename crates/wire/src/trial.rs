//! Limits on trial: compared with others, and rehearsed on past payments.

use crate::account::{answers, requests};
use crate::id::{AgentId, PayeeId, WalletId};
use crate::limit::Limit;
use crate::money::Money;

requests! {
    /// Two sets of limits to compare.
    pub struct NewComparison {
        /// The old ones.
        #[cfg_attr(feature = "schema", schema(max_items = 32))]
        pub before: Vec<Limit>,
        /// The new ones.
        #[cfg_attr(feature = "schema", schema(max_items = 32))]
        pub after: Vec<Limit>,
    }

    /// Limits to try on the past payments of a wallet.
    pub struct NewRehearsal {
        /// The wallet.
        pub wallet: WalletId,
        /// Only what this agent paid.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub agent: Option<AgentId>,
        /// The limits.
        #[cfg_attr(feature = "schema", schema(max_items = 32))]
        pub limits: Vec<Limit>,
    }
}

answers! {
    /// How new limits relate to old ones, were each to stand alone.
    pub struct Comparison {
        /// `same`, `narrower`, `wider`, or `mixed` where it is both or nobody can tell.
        pub change: String,
        /// Each respect that changed.
        pub differences: Vec<Difference>,
        /// Whether real money is meant.
        pub livemode: bool,
    }

    /// What changed in one respect.
    pub struct Difference {
        /// In which: `per_payment`, `total`, `uses`, `window`, `velocity`, `payees`, `categories`, `validity`, `ask_above`,
        /// `ask_first_contact`, `price`, or `unknown`.
        pub dimension: String,
        /// How.
        pub change: String,
        /// The places of the old limits of it, counted from 0.
        pub before: Vec<u8>,
        /// The places of the new limits of it, counted from 0.
        pub after: Vec<u8>,
    }

    /// What limits would have said of past payments.
    pub struct Rehearsal {
        /// How many would have been made.
        pub allowed: u64,
        /// How many the owner would have been asked about.
        pub asked: u64,
        /// How many would have been refused.
        pub denied: u64,
        /// The newest that would not simply have been made, newest first.
        pub rows: Vec<RehearsedPayment>,
        /// Whether real money is meant.
        pub livemode: bool,
    }

    /// A past payment that would have gone otherwise.
    pub struct RehearsedPayment {
        /// The payment, hold or meter.
        pub payment: String,
        /// When it was made.
        pub at: String,
        /// How much.
        pub amount: Money,
        /// To whom.
        pub payees: Vec<PayeeId>,
        /// `ask` or `deny`.
        pub verdict: String,
        /// Why.
        pub code: String,
        /// The place of the limit that says so, counted from 0; none where it is a rule of the book.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub limit: Option<u8>,
        /// What was left.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub remaining: Option<Money>,
    }
}
