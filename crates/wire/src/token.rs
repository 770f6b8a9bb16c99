//! Payment tokens: money set aside for one checkout of one seller, by the words of ACP's delegated payment and of UCP's
//! tokenization.

use crate::account::{answers, requests};
use crate::id::{HoldId, MandateId, PayeeId, WalletId};
use crate::money::Money;
use std::collections::BTreeMap;

requests! {
    /// Asks for a token in ACP's shape.
    pub struct NewDelegatedPayment {
        /// Out of which wallet. Numbers of cards are refused.
        pub payment_method: TokenMethod,
        /// How much may be taken, by whom, for what, until when.
        pub allowance: Allowance,
        /// What somebody else thinks of the risk. No rule reads it.
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        #[cfg_attr(feature = "schema", schema(max_items = 16))]
        pub risk_signals: Vec<RiskSignal>,
        /// `cart` binds the token to just this cart, in the letters in which the seller will show it. Nothing else is read.
        #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
        pub metadata: BTreeMap<String, String>,
    }

    /// What pays: a wallet of this server.
    pub struct TokenMethod {
        /// `tollbridge`.
        #[serde(rename = "type")]
        #[cfg_attr(feature = "schema", schema(pattern = "^tollbridge$"))]
        pub kind: String,
        /// The wallet or sub-account that pays.
        pub wallet: WalletId,
        /// The mandate that allows it; without one, the agent's own limits must.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub mandate: Option<MandateId>,
        /// The question whose approval this uses.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(pattern = "^(pay|hld|mtr)_[0-7][0-9A-HJKMNP-TV-Z]{25}$"))]
        pub approval: Option<String>,
        /// Why it is bought, in the agent's own words, for the owner to read. No rule reads it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(max_length = 200))]
        pub why: Option<String>,
    }

    /// What a token lets its seller do.
    pub struct Allowance {
        /// `one_time`.
        #[cfg_attr(feature = "schema", schema(pattern = "^one_time$"))]
        pub reason: String,
        /// The most that can be taken, in the currency's smallest unit.
        #[cfg_attr(feature = "schema", schema(minimum = 1, maximum = 9007199254740991i64))]
        pub max_amount: u64,
        /// Three letters of ISO 4217, in lower case.
        #[cfg_attr(feature = "schema", schema(pattern = "^[a-z]{3}$"))]
        pub currency: String,
        /// The seller's name of the checkout.
        #[cfg_attr(feature = "schema", schema(min_length = 1, max_length = 128))]
        pub checkout_session_id: String,
        /// The seller: a payee of this server.
        pub merchant_id: PayeeId,
        /// When it is worth nothing any more, and what was not taken goes back; at most a day ahead.
        #[cfg_attr(feature = "schema", schema(format = DateTime))]
        pub expires_at: String,
    }

    /// What somebody thinks of the risk.
    pub struct RiskSignal {
        /// Of what.
        #[serde(rename = "type")]
        #[cfg_attr(feature = "schema", schema(max_length = 64))]
        pub kind: String,
        /// How much.
        pub score: i64,
        /// What to do about it.
        #[cfg_attr(feature = "schema", schema(max_length = 64))]
        pub action: String,
    }

    /// Asks for a token in UCP's shape.
    pub struct NewUcpToken {
        /// Out of which wallet, and how much at most.
        pub credential: UcpCredential,
        /// For which checkout of whom.
        pub binding: UcpBinding,
    }

    /// What is turned into a token.
    pub struct UcpCredential {
        /// `tollbridge`.
        #[serde(rename = "type")]
        #[cfg_attr(feature = "schema", schema(pattern = "^tollbridge$"))]
        pub kind: String,
        /// The wallet or sub-account that pays.
        pub wallet: WalletId,
        /// The mandate that allows it; without one, the agent's own limits must.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub mandate: Option<MandateId>,
        /// The question whose approval this uses.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(pattern = "^(pay|hld|mtr)_[0-7][0-9A-HJKMNP-TV-Z]{25}$"))]
        pub approval: Option<String>,
        /// The most that can be taken, in the currency's smallest unit.
        #[cfg_attr(feature = "schema", schema(minimum = 1, maximum = 9007199254740991i64))]
        pub max_amount: u64,
        /// Three letters of ISO 4217, in upper case.
        #[cfg_attr(feature = "schema", schema(pattern = "^[A-Z]{3}$"))]
        pub currency: String,
        /// When it is worth nothing any more, and what was not taken goes back; at most a day ahead.
        #[cfg_attr(feature = "schema", schema(format = DateTime))]
        pub expires_at: String,
        /// The cart, in the letters in which the seller will show it, where the token is to be for just this one.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(min_length = 1, max_length = 128))]
        pub cart: Option<String>,
    }

    /// Which checkout a token is for.
    pub struct UcpBinding {
        /// The seller's name of it.
        #[cfg_attr(feature = "schema", schema(min_length = 1, max_length = 128))]
        pub checkout_id: String,
        /// The seller. Whoever asks for a token has to say it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub identity: Option<UcpIdentity>,
    }

    /// Who takes part.
    pub struct UcpIdentity {
        /// A payee of this server, as the seller's handler declares it.
        pub access_token: PayeeId,
    }

    /// Shows a token for what it stands for.
    pub struct NewDetokenization {
        /// The token.
        #[cfg_attr(feature = "schema", schema(pattern = "^vt_[0-7][0-9A-HJKMNP-TV-Z]{25}$"))]
        pub token: String,
        /// The checkout it was made for.
        pub binding: UcpBinding,
        /// The cart, where it was made for just one.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(min_length = 1, max_length = 128))]
        pub cart: Option<String>,
    }

    /// Takes what a token stands for: once.
    pub struct NewTaking {
        /// The seller's name of the checkout that is paid for.
        #[cfg_attr(feature = "schema", schema(min_length = 1, max_length = 128))]
        pub checkout: String,
        /// The cart, in the letters in which the agent was shown it. A token that is for just one cart needs it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(min_length = 1, max_length = 128))]
        pub cart: Option<String>,
        /// How much. The rest goes back.
        pub amount: Money,
    }
}

answers! {
    /// A token, in ACP's shape.
    pub struct DelegatedPayment {
        /// The token: `vt_…`.
        pub id: String,
        /// When it was made.
        pub created: String,
        /// What it may be used for, as it was recorded, and the place in the journal.
        pub metadata: BTreeMap<String, String>,
    }

    /// A token, in UCP's shape.
    pub struct UcpToken {
        /// The token: `vt_…`.
        pub token: String,
    }

    /// What a token stands for.
    pub struct TokenCredential {
        /// `tollbridge_hold`.
        #[serde(rename = "type")]
        pub kind: String,
        /// The hold.
        pub hold: HoldId,
        /// The most that can be taken.
        pub amount: Money,
        /// When it is worth nothing any more.
        pub expires_at: String,
        /// Whether real money is meant.
        pub livemode: bool,
    }
}
