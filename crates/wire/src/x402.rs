//! The server as payment service of agents that speak x402.

use crate::account::requests;
use crate::id::{HoldId, MandateId, WalletId};

requests! {
    /// Pays what a seller asks for over x402: holds the money for the seller, and states that it does.
    pub struct NewX402Payment {
        /// The hold's name. Sending it again pays nothing again, and gives the same payload.
        pub id: HoldId,
        /// The wallet or sub-account that pays.
        pub wallet: WalletId,
        /// The mandate that allows it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub mandate: Option<MandateId>,
        /// One of the `accepts` of the seller's `PAYMENT-REQUIRED`, as its JSON text.
        #[cfg_attr(feature = "schema", schema(max_length = 16384))]
        pub accepted: String,
        /// The `resource.url` of the same answer. Without it, what the seller has not billed itself is bound to seller and
        /// amount only.
        #[serde(skip_serializing_if = "String::is_empty", default)]
        #[cfg_attr(feature = "schema", schema(max_length = 2048))]
        pub resource: String,
        /// The question whose approval this uses.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(pattern = "^(pay|hld|mtr)_[0-7][0-9A-HJKMNP-TV-Z]{25}$"))]
        pub approval: Option<String>,
        /// Why it is bought, in the agent's own words, for the owner to read. No rule reads it, and no yes is bound to it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(max_length = 200))]
        pub why: Option<String>,
    }
}
