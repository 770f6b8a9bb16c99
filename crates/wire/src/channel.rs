//! Channels: a hold that is drawn down by vouchers, which the buyer signs as he goes.

use crate::account::{Algorithm, answers, requests};
use crate::id::{Digest, MandateId, MeterId, PayeeId, WalletId};
use crate::meter::Rounding;
use crate::money::Money;

requests! {
    /// Sets aside the most that vouchers may come to.
    pub struct NewChannel {
        /// The channel's name; it is a meter that vouchers count on.
        pub id: MeterId,
        /// The wallet or sub-account that pays.
        pub wallet: WalletId,
        /// The mandate that allows it; without one, the agent's own limits must.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub mandate: Option<MandateId>,
        /// Who collects.
        pub payee: PayeeId,
        /// The most it may come to.
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
        /// When it is settled by itself; at most 90 days ahead.
        #[cfg_attr(feature = "schema", schema(format = DateTime))]
        pub expires_at: String,
        /// How the exact sum becomes an amount when it is settled.
        #[serde(default)]
        pub rounding: Rounding,
        /// The scheme of the vouchers' signatures.
        pub algorithm: Algorithm,
        /// The key that vouchers are signed with, base64url. It signs nothing else.
        pub voucher_key: String,
    }

    /// The latest voucher: worth all before it.
    pub struct NewClaim {
        /// What everything so far comes to, in billionths of the smallest unit, as digits.
        #[cfg_attr(feature = "schema", schema(pattern = "^(0|[1-9][0-9]{0,38})$"))]
        pub total_nanos: String,
        /// The buyer's signature, base64url: over `toll:voucher/1`, a line end, the channel's 16 bytes, and the total in 16
        /// bytes, the most significant first.
        pub signature: String,
    }
}

answers! {
    /// A channel as it stands.
    pub struct Channel {
        /// Its name.
        pub id: MeterId,
        /// `held`, `captured`, `released` or `expired`.
        pub status: String,
        /// The wallet that pays.
        pub wallet: WalletId,
        /// Who collects.
        pub payee: PayeeId,
        /// The most it may come to.
        pub amount: Money,
        /// What was claimed, in billionths of the smallest unit.
        pub claimed_nanos: String,
        /// When it is settled by itself.
        pub expires_at: String,
        /// The scheme of the vouchers' signatures.
        pub algorithm: Algorithm,
        /// The key that vouchers are signed with, base64url.
        pub voucher_key: String,
        /// The place in the journal.
        pub entry: u64,
        /// Whether real money is meant.
        pub livemode: bool,
    }
}
