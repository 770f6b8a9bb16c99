//! Coupons: what a seller's own gateways report of them, and which of them the seller has switched off.

use crate::account::{answers, requests};
use crate::id::HoldId;
use crate::money::Money;

requests! {
    /// What one gateway knows of its coupons. Everything is absolute: reporting the same again changes nothing.
    pub struct NewCouponReport {
        /// Which gateway: the same text for as long as it keeps its data.
        #[cfg_attr(feature = "schema", schema(pattern = "^[0-9A-Za-z_-]{8,64}$"))]
        pub gateway: String,
        /// Coupons of its price list.
        #[cfg_attr(feature = "schema", schema(min_items = 1, max_items = 100))]
        pub coupons: Vec<ReportedCoupon>,
        /// Uses that were delivered and paid for.
        #[cfg_attr(feature = "schema", schema(max_items = 100))]
        pub uses: Vec<ReportedUse>,
    }

    /// A coupon, as the price list has it.
    pub struct ReportedCoupon {
        /// What is presented.
        #[cfg_attr(feature = "schema", schema(pattern = "^[0-9A-Za-z-]{1,32}$"))]
        pub code: String,
        /// How many hundredths of a price it takes off; either this or `amount_off`.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(minimum = 1, maximum = 100))]
        pub percent_off: Option<u8>,
        /// How much of a price it takes off.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub amount_off: Option<Money>,
        /// How much it may take off in all.
        pub budget: Money,
        /// How much of that is given, or set aside for what is being delivered.
        pub given: Money,
        /// Whether each buyer may use it once only.
        pub once_per_buyer: bool,
        /// From when on it does not count.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(format = DateTime))]
        pub until: Option<String>,
    }

    /// One use of a coupon.
    pub struct ReportedUse {
        /// The hold that paid the lower price.
        pub hold: HoldId,
        /// Which coupon.
        #[cfg_attr(feature = "schema", schema(pattern = "^[0-9A-Za-z-]{1,32}$"))]
        pub code: String,
        /// How much it took off.
        pub off: Money,
    }
}

answers! {
    /// The report was kept.
    pub struct CouponReport {
        /// How many uses of it are known now: those whose hold was captured for this seller.
        pub uses: u64,
        /// The coupons of it that the seller has switched off.
        pub switched_off: Vec<String>,
        /// False in a book of play money.
        pub livemode: bool,
    }
}
