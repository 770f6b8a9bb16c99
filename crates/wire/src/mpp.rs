//! The `Payment` scheme of HTTP authentication: the server as payment service of its method `toll`.

use crate::account::{answers, requests};
use crate::id::{HoldId, MandateId, WalletId};
use crate::money::Money;

requests! {
    /// Pays a challenge: holds the money for the seller, and states that it does.
    pub struct NewMppPayment {
        /// The hold's name. Sending it again pays nothing again, and gives the same payload.
        pub id: HoldId,
        /// The wallet or sub-account that pays.
        pub wallet: WalletId,
        /// The mandate that allows it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub mandate: Option<MandateId>,
        /// The challenge, as the JSON text in which a credential carries it.
        #[cfg_attr(feature = "schema", schema(max_length = 16384))]
        pub challenge: String,
        /// The question whose approval this uses.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(pattern = "^(pay|hld|mtr)_[0-7][0-9A-HJKMNP-TV-Z]{25}$"))]
        pub approval: Option<String>,
        /// Why it is bought, in the agent's own words, for the owner to read. No rule reads it, and no yes is bound to it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(max_length = 200))]
        pub why: Option<String>,
    }

    /// Collects what a credential pays.
    pub struct NewMppSettlement {
        /// The value of the buyer's `Authorization` header.
        #[cfg_attr(feature = "schema", schema(max_length = 16384))]
        pub authorization: String,
    }
}

answers! {
    /// What a seller has collected.
    pub struct MppSettlement {
        /// The hold: the `reference` of the receipt.
        pub hold: HoldId,
        /// What the seller got, before any fee.
        pub amount: Money,
        /// Who paid.
        pub payer: String,
        /// Of which challenge.
        pub challenge: String,
        /// Whether real money is meant.
        pub livemode: bool,
    }
}
