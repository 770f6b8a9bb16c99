//! Limits: what a wallet, an agent or a mandate allows. Amounts are in the wallet's asset; bounds are inclusive.

use crate::id::{Digest, PayeeId};
use crate::money::AmountText;
use serde::{Deserialize, Serialize};

/// One limit. All limits of a wallet, an agent and a mandate have to agree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Limit {
    /// Denies a payment above `max`.
    PerPayment {
        /// The most one payment may be.
        max: AmountText,
    },
    /// Denies what would bring everything ever spent above `max`.
    Total {
        /// The most that may be spent in all.
        max: AmountText,
    },
    /// Denies the payment after the `max`-th.
    Uses {
        /// How many payments.
        max: u64,
    },
    /// Denies what would bring the spending of one window above `max`.
    Window {
        /// Which stretch of time.
        window: Window,
        /// The most that may be spent in it.
        max: AmountText,
    },
    /// Denies more than `max` payments in one window.
    Velocity {
        /// Which stretch of time.
        window: Window,
        /// How many payments.
        max: u32,
    },
    /// Denies every payee but these.
    PayeesAllowed {
        /// At most 256.
        payees: Vec<PayeeId>,
    },
    /// Denies these payees.
    PayeesDenied {
        /// At most 256.
        payees: Vec<PayeeId>,
    },
    /// Denies every category but these.
    CategoriesAllowed {
        /// At most 256.
        categories: Vec<String>,
    },
    /// Denies these categories.
    CategoriesDenied {
        /// At most 256.
        categories: Vec<String>,
    },
    /// Denies before `from`, and from `until` on.
    Validity {
        /// RFC 3339, UTC.
        #[cfg_attr(feature = "schema", schema(format = DateTime))]
        from: String,
        /// RFC 3339, UTC.
        #[cfg_attr(feature = "schema", schema(format = DateTime))]
        until: String,
    },
    /// Asks the owner above `amount`.
    AskAbove {
        /// The line.
        amount: AmountText,
    },
    /// Asks the owner for a payee that this wallet has never paid.
    AskFirstContact,
    /// Asks the owner every time.
    AskAlways,
    /// A constraint the server does not know, by the digest of its text. Denies.
    Unknown {
        /// SHA-256 of the constraint's text.
        constraint: Digest,
    },
    /// Denies all but one item, until its seller says that it has it for little enough.
    PriceAtMost {
        /// The seller.
        payee: PayeeId,
        /// What is bought: the `reference` of the payment, and the `item` of the seller's observations.
        item: Digest,
        /// The most that it may cost.
        max: AmountText,
        /// How long ago the seller may have said so; at most a day.
        #[cfg_attr(feature = "schema", schema(minimum = 1, maximum = 86400))]
        within_seconds: u32,
    },
}

/// The stretch of time that a window counts over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Window {
    /// The `seconds` before each payment.
    Rolling {
        /// At most 366 days.
        seconds: u32,
    },
    /// The day, week or month in a zone.
    Calendar {
        /// Which.
        period: Period,
        /// A zone of the IANA database, such as `Asia/Shanghai`.
        #[cfg_attr(feature = "schema", schema(example = "Asia/Shanghai", max_length = 64))]
        zone: String,
    },
}

/// A stretch of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// From midnight to midnight.
    Day,
    /// From Monday on.
    Week,
    /// From the first on.
    Month,
}
