//! Offers: how many demands a seller's own gateways made, as they report it.

use crate::account::{answers, requests};

requests! {
    /// What one gateway counted since it was started. Counts only grow: reporting the same again changes nothing.
    pub struct NewOffers {
        /// Which gateway, since which start: a text that it drew then.
        #[cfg_attr(feature = "schema", schema(pattern = "^[0-9A-Za-z_-]{8,64}$"))]
        pub gateway: String,
        /// Day by day, each once.
        #[cfg_attr(feature = "schema", schema(min_items = 1, max_items = 8))]
        pub days: Vec<DayOfOffers>,
    }

    /// What was counted on one day.
    pub struct DayOfOffers {
        /// The day, of UTC.
        #[cfg_attr(feature = "schema", schema(pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"))]
        pub day: String,
        /// How many requests were answered with a demand so far.
        pub demands: u64,
    }
}

answers! {
    /// The report was kept.
    pub struct Offers {
        /// How many days it had.
        pub days: u64,
        /// False in a book of play money.
        pub livemode: bool,
    }
}
