//! Owners, keys, wallets, payees, agents and mandates: how they are made and changed, and how they are shown.

use crate::id::{AgentId, Digest, KeyId, MandateId, OwnerId, PayeeId, TransferId, WalletId};
use crate::limit::Limit;
use crate::money::{AssetText, Money};
use serde::{Deserialize, Serialize};

/// Declares the shapes of requests: closed, so that a misspelled member is an error and never ignored.
macro_rules! requests {
    ($($item:item)*) => {$(
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
        #[serde(deny_unknown_fields)]
        $item
    )*};
}

/// Declares the shapes of answers: open, for they may gain members.
macro_rules! answers {
    ($($item:item)*) => {$(
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
        $item
    )*};
}
pub(crate) use {answers, requests};

/// The scheme of a key's signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    /// Ed25519: `public_key` is 32 bytes.
    Ed25519,
    /// ECDSA on P-256 with SHA-256: `public_key` is the two coordinates, 64 bytes.
    Es256,
}

/// Who says that a payee is who it says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Provenance {
    /// The operator's registry.
    Registry,
    /// The seller's verified signature.
    Merchant,
    /// The owner.
    Owner,
    /// An agent.
    Agent,
    /// A document nobody vouches for.
    Untrusted,
}

/// Whether a new mandate begins with what was used under those that ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Carry {
    /// It does: ending a mandate and granting it again makes no room.
    #[default]
    Inherit,
    /// It does not.
    Reset,
}

requests! {
    /// Adds an asset that accounts may be kept in.
    pub struct NewAsset {
        /// Its code and decimals.
        pub asset: AssetText,
    }

    /// A public key with a name.
    pub struct NewKey {
        /// The key's name.
        pub id: KeyId,
        /// Its scheme.
        pub algorithm: Algorithm,
        /// Its bytes in Base64URL: 32 for `ed25519`, 64 for `es256`.
        #[cfg_attr(feature = "schema", schema(pattern = "^[A-Za-z0-9_-]{43,86}$"))]
        pub public_key: String,
    }

    /// Adds a key that speaks for somebody.
    pub struct EnrolKey {
        /// The key's name.
        pub id: KeyId,
        /// `operator`, or the id of an owner, agent or payee.
        #[cfg_attr(feature = "schema", schema(pattern = "^(operator|(own|agt|pye)_[0-7][0-9A-HJKMNP-TV-Z]{25})$"))]
        pub holder: String,
        /// Its scheme.
        pub algorithm: Algorithm,
        /// Its bytes in Base64URL: 32 for `ed25519`, 64 for `es256`.
        #[cfg_attr(feature = "schema", schema(pattern = "^[A-Za-z0-9_-]{43,86}$"))]
        pub public_key: String,
    }

    /// Registers an owner with a first key.
    pub struct NewOwner {
        /// The owner's name.
        pub id: OwnerId,
        /// The first key.
        pub key: NewKey,
        /// What people call the owner. It stays out of the journal.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(max_length = 120))]
        pub label: Option<String>,
    }

    /// Opens a wallet.
    pub struct NewWallet {
        /// The wallet's name.
        pub id: WalletId,
        /// Whose it is.
        pub owner: OwnerId,
        /// The one asset it holds.
        pub asset: AssetText,
        /// Its limits; none leaves it to agents and mandates.
        #[serde(default)]
        #[cfg_attr(feature = "schema", schema(max_items = 32))]
        pub limits: Vec<Limit>,
        /// What people call it. It stays out of the journal.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(max_length = 120))]
        pub label: Option<String>,
    }

    /// Opens a sub-account that one agent alone may spend from.
    pub struct NewSubAccount {
        /// The sub-account's name.
        pub id: WalletId,
        /// An agent of the wallet.
        pub agent: AgentId,
        /// Its limits.
        #[serde(default)]
        #[cfg_attr(feature = "schema", schema(max_items = 32))]
        pub limits: Vec<Limit>,
        /// What people call it. It stays out of the journal.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(max_length = 120))]
        pub label: Option<String>,
    }

    /// Registers a payee.
    pub struct NewPayee {
        /// The payee's name.
        pub id: PayeeId,
        /// Whose it is, where that is an owner of this book.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub owner: Option<OwnerId>,
        /// What it collects.
        pub asset: AssetText,
        /// What it sells.
        #[cfg_attr(feature = "schema", schema(pattern = "^[A-Za-z0-9_./-]{1,16}$"))]
        pub category: String,
        /// Who vouches for it.
        pub provenance: Provenance,
        /// The operator's fee, in millionths.
        #[serde(default)]
        #[cfg_attr(feature = "schema", schema(maximum = 1000000))]
        pub fee_ppm: u32,
        /// The seller's first key.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub key: Option<NewKey>,
        /// What people call it. It stays out of the journal.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(max_length = 120))]
        pub label: Option<String>,
    }

    /// Registers an agent with a wallet.
    pub struct NewAgent {
        /// The agent's name.
        pub id: AgentId,
        /// The wallet it may spend from.
        pub wallet: WalletId,
        /// Its limits; without any, every payment without a mandate asks.
        #[serde(default)]
        #[cfg_attr(feature = "schema", schema(max_items = 32))]
        pub limits: Vec<Limit>,
        /// Its first key.
        pub key: NewKey,
        /// What people call it. It stays out of the journal.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(max_length = 120))]
        pub label: Option<String>,
    }

    /// Replaces the limits of a wallet, an agent or a mandate. What was used stays used.
    pub struct SetLimits {
        /// The version that is to be replaced; 0 where there were no limits.
        pub version: u32,
        /// The new limits.
        #[cfg_attr(feature = "schema", schema(max_items = 32))]
        pub limits: Vec<Limit>,
        /// The text that the owner agreed to. The journal gets its digest.
        #[serde(default)]
        #[cfg_attr(feature = "schema", schema(max_length = 16000))]
        pub document: String,
    }

    /// Lets an agent spend within limits.
    pub struct NewMandate {
        /// The mandate's name.
        pub id: MandateId,
        /// From this wallet, or sub-accounts of it.
        pub wallet: WalletId,
        /// This agent.
        pub agent: AgentId,
        /// From then on.
        #[cfg_attr(feature = "schema", schema(format = DateTime))]
        pub valid_from: String,
        /// Until then, exclusive.
        #[cfg_attr(feature = "schema", schema(format = DateTime))]
        pub expires_at: String,
        /// Within these. A mandate without limits allows nothing.
        #[cfg_attr(feature = "schema", schema(max_items = 32))]
        pub limits: Vec<Limit>,
        /// The text that the owner agreed to. The journal gets its digest.
        #[serde(default)]
        #[cfg_attr(feature = "schema", schema(max_length = 16000))]
        pub document: String,
        /// What it begins with.
        #[serde(default)]
        pub carry: Carry,
    }

    /// Lets another agent of the same wallet spend within a mandate.
    pub struct NewDelegation {
        /// The new mandate's name.
        pub id: MandateId,
        /// This agent.
        pub agent: AgentId,
        /// From then on; not before the mandate above.
        #[cfg_attr(feature = "schema", schema(format = DateTime))]
        pub valid_from: String,
        /// Until then, exclusive; not behind the mandate above.
        #[cfg_attr(feature = "schema", schema(format = DateTime))]
        pub expires_at: String,
        /// Within these, and within all of the mandate above.
        #[serde(default)]
        #[cfg_attr(feature = "schema", schema(max_items = 32))]
        pub limits: Vec<Limit>,
        /// The text that was agreed to. The journal gets its digest.
        #[serde(default)]
        #[cfg_attr(feature = "schema", schema(max_length = 16000))]
        pub document: String,
    }

    /// What a seller says of an item's price.
    pub struct NewObservation {
        /// The digest of what is sold.
        pub item: Digest,
        /// What it costs now.
        pub price: Money,
        /// How many there are.
        pub stock: u32,
    }

    /// Stops something, starts it again, or ends it.
    pub struct Subject {
        /// The id of an owner, wallet, agent, mandate or payee.
        #[cfg_attr(feature = "schema", schema(pattern = "^(own|wal|agt|mdt|pye)_[0-7][0-9A-HJKMNP-TV-Z]{25}$"))]
        pub subject: String,
    }

    /// Says yes to one question: to exactly what was asked, once, until a time.
    pub struct Approve {
        /// What the owner saw: the question's digest.
        pub digest: Digest,
        /// Until then, exclusive; at most 7 days ahead, or 24 hours for what is alike.
        #[cfg_attr(feature = "schema", schema(format = DateTime))]
        pub until: String,
        /// Whether what the same agent will ask in the same way is approved as well: no larger, to the same payees, for the
        /// same reason. The owner has to sign this very request; freezing or revoking ends it.
        #[serde(default)]
        pub alike: bool,
    }

    /// Moves money between accounts.
    pub struct NewTransfer {
        /// The transfer's name.
        pub id: TransferId,
        /// `world`, `fees`, or the id of a wallet or payee.
        #[cfg_attr(feature = "schema", schema(pattern = "^(world|fees|(wal|pye)_[0-7][0-9A-HJKMNP-TV-Z]{25})$"))]
        pub from: String,
        /// `world`, `fees`, or the id of a wallet or payee.
        #[cfg_attr(feature = "schema", schema(pattern = "^(world|fees|(wal|pye)_[0-7][0-9A-HJKMNP-TV-Z]{25})$"))]
        pub to: String,
        /// How much.
        pub amount: Money,
    }

    /// Puts the clock of a test book forward.
    pub struct Advance {
        /// By how much.
        #[cfg_attr(feature = "schema", schema(minimum = 1, maximum = 316224000))]
        pub seconds: u64,
    }
}

answers! {
    /// An asset.
    pub struct Asset {
        /// Its code and decimals.
        pub asset: AssetText,
        /// What came in from outside, less what went out.
        pub in_circulation: String,
        /// What the operator earned in fees and still has.
        pub fees: String,
        /// What is on its way to sellers' banks.
        #[serde(default)]
        pub in_transit: String,
        /// Whether real money is meant.
        pub livemode: bool,
    }

    /// A wallet or sub-account.
    pub struct Wallet {
        /// Its name.
        pub id: WalletId,
        /// Whose it is.
        pub owner: OwnerId,
        /// Of a sub-account: the wallet it belongs to.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub parent: Option<WalletId>,
        /// Of a sub-account: the one agent that spends from it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub agent: Option<AgentId>,
        /// What can be spent.
        pub available: Money,
        /// What is set aside.
        pub held: Money,
        /// `active`, `frozen` or `closed`.
        pub status: String,
        /// Its limits.
        pub limits: Vec<Limit>,
        /// The version of its limits; 0 where there are none.
        pub limits_version: u32,
        /// What people call it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub label: Option<String>,
        /// Whether real money is meant.
        pub livemode: bool,
    }

    /// A payee.
    pub struct Payee {
        /// Its name.
        pub id: PayeeId,
        /// Whose it is, where that is an owner of this book.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub owner: Option<OwnerId>,
        /// What it has; shown to itself and the operator.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub available: Option<Money>,
        /// What it collects.
        pub asset: AssetText,
        /// What it sells.
        pub category: String,
        /// Who vouches for it.
        pub provenance: Provenance,
        /// The operator's fee, in millionths.
        pub fee_ppm: u32,
        /// `active` or `frozen`.
        pub status: String,
        /// What people call it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub label: Option<String>,
        /// Whether real money is meant.
        pub livemode: bool,
    }

    /// An agent.
    pub struct Agent {
        /// Its name.
        pub id: AgentId,
        /// The wallet it spends from.
        pub wallet: WalletId,
        /// `active`, `frozen` or `revoked`.
        pub status: String,
        /// Its limits.
        pub limits: Vec<Limit>,
        /// The version of its limits; 0 where there are none.
        pub limits_version: u32,
        /// What people call it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub label: Option<String>,
        /// Whether real money is meant.
        pub livemode: bool,
    }

    /// A mandate.
    pub struct Mandate {
        /// Its name.
        pub id: MandateId,
        /// From which wallet.
        pub wallet: WalletId,
        /// Which agent.
        pub agent: AgentId,
        /// `active`, `frozen`, `revoked` or `expired`.
        pub status: String,
        /// From then on.
        pub valid_from: String,
        /// Until then, exclusive.
        pub expires_at: String,
        /// Within these; of a delegated mandate, within all of those above it too.
        pub limits: Vec<Limit>,
        /// Their version.
        pub limits_version: u32,
        /// Of a delegated mandate: the one it was delegated from.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub parent: Option<MandateId>,
        /// So many delegations below the mandate that the owner granted.
        #[serde(default)]
        pub depth: u8,
        /// Where the task that it is for stands: `NORMAL`, `FINISHED` once its uses or its total are used up, `CANCELLED`,
        /// `EXPIRED`, or `TERMINATE` where the operator ended it.
        pub task_state: String,
        /// Whether real money is meant.
        pub livemode: bool,
    }

    /// The latest word of a seller on an item.
    pub struct Observation {
        /// The seller.
        pub payee: PayeeId,
        /// The digest of what is sold.
        pub item: Digest,
        /// What it costs.
        pub price: Money,
        /// How many there are.
        pub stock: u32,
        /// When the seller said so.
        pub observed_at: String,
        /// Its place in the journal.
        pub entry: u64,
        /// Whether real money is meant.
        pub livemode: bool,
    }

    /// A question that was put to an owner.
    pub struct Question {
        /// The id of the payment, hold or meter that raised it.
        pub id: String,
        /// From which wallet.
        pub wallet: WalletId,
        /// Which agent asks.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub agent: Option<AgentId>,
        /// Whom it would pay.
        pub payees: Vec<PayeeId>,
        /// How much.
        pub amount: Money,
        /// Of a subscription: what else would be agreed on, and renewed without asking again.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub subscription: Option<crate::subscription::AskedTerms>,
        /// Of a payment by a link: which, and what would be said to the seller.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub link: Option<crate::link::AskedLink>,
        /// Why the owner is asked.
        pub ask: String,
        /// Why the agent would buy it, in its own words. Nobody has checked them.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub why: Option<String>,
        /// What exactly would be approved.
        pub digest: Digest,
        /// `waiting`, `approved`, `refused`, `used` or `expired`.
        pub status: String,
        /// When it was asked.
        pub asked_at: String,
        /// Whether real money is meant.
        pub livemode: bool,
    }

    /// A transfer.
    pub struct Transfer {
        /// Its name.
        pub id: TransferId,
        /// Whence.
        pub from: String,
        /// Whither.
        pub to: String,
        /// How much.
        pub amount: Money,
        /// `done` or `denied`.
        pub status: String,
        /// Its place in the journal.
        pub entry: u64,
        /// When.
        pub at: String,
        /// Whether real money is meant.
        pub livemode: bool,
    }

    /// The clock of a test book.
    pub struct ClockTime {
        /// What time it is now.
        pub now: String,
        /// Whether real money is meant.
        pub livemode: bool,
    }
}
