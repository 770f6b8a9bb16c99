//! Coupons: what sellers' gateways report of them, as far as the book bears it out.
//!
//! What a coupon takes off and what is left of its budget is what a gateway says. That it was used is what the book knows:
//! a use counts where the hold that it was for was captured for that seller. The seller can switch a coupon off; its
//! gateways are told whenever they report.

pub mod store;

use book::{Amount, Id, Time};

/// How much a coupon takes off a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Off {
    /// So many hundredths.
    Percent(u8),
    /// So much.
    Amount(Amount),
}

/// A coupon, as one gateway has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coupon {
    /// What is presented.
    pub code: String,
    /// How much it takes off.
    pub off: Off,
    /// How much it may take off in all.
    pub budget: Amount,
    /// How much of that is given, or set aside for what is being delivered.
    pub given: Amount,
    /// Whether each buyer may use it once only.
    pub once_per_buyer: bool,
    /// From when on it does not count.
    pub until: Option<Time>,
}

/// One use of a coupon, for which the seller has the money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// The hold that paid the lower price.
    pub hold: Id,
    /// Which coupon.
    pub code: String,
    /// How much it took off.
    pub off: Amount,
}

/// All that is known of a seller's coupon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its code.
    pub code: String,
    /// What each gateway that has it said last, and when; the latest first.
    pub gateways: Vec<(Coupon, Time)>,
    /// How often it was used.
    pub uses: u64,
    /// How much it took off in all.
    pub off: Amount,
    /// Whether the seller lets it count.
    pub switch: Switch,
}

/// Whether a seller lets a coupon count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// It counts, as far as its gateway says so.
    On,
    /// It does not.
    Off,
}
