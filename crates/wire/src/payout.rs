//! Payouts: what a seller collected, on its way to its bank account.

use crate::account::{answers, requests};
use crate::id::{Digest, PayeeId, PayoutBatchId, PayoutId};
use crate::money::{AssetText, Money};
use serde::{Deserialize, Serialize};

/// How far a payout is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PayoutStatus {
    /// It waits to be handed to the bank.
    Requested,
    /// The bank has it, and has not answered.
    Sent,
    /// It was paid.
    Paid,
    /// It was not, and the money is the seller's again.
    Failed,
}

requests! {
    /// An account at a bank: with an IBAN or, where there is none, with its number.
    pub struct BankAccount {
        /// Whose it is, as the bank knows the holder.
        #[cfg_attr(feature = "schema", schema(max_length = 70))]
        pub holder: String,
        /// Its IBAN.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(max_length = 64))]
        pub iban: Option<String>,
        /// Its number, where it has no IBAN.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(max_length = 64))]
        pub number: Option<String>,
        /// The bank's BIC.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(max_length = 16))]
        pub bic: Option<String>,
    }

    /// Asks for a payout.
    pub struct NewPayout {
        /// The payout's name. Sending it again pays nothing again.
        pub id: PayoutId,
        /// Whose money. The seller that asks, where nothing is said; an operator has to say it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub payee: Option<PayeeId>,
        /// How much; at most what the seller has.
        pub amount: Money,
        /// The digest of the bank account that is meant. Left out, the one that counts now.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub destination: Option<Digest>,
    }

    /// The bank has paid.
    pub struct SettlePayout {
        /// The bank's reference.
        #[cfg_attr(feature = "schema", schema(max_length = 200))]
        pub reference: String,
    }

    /// The bank has not paid, and will not.
    pub struct FailPayout {
        /// Why, for the seller to read.
        #[cfg_attr(feature = "schema", schema(max_length = 200))]
        pub why: String,
    }

    /// Takes all payouts of one asset that wait, to hand them to the bank together: each is in one batch at most.
    pub struct NewPayoutBatch {
        /// The batch's name, and the name of what the bank is told.
        pub id: PayoutBatchId,
        /// Which asset; it must be a currency.
        pub asset: AssetText,
        /// The account that pays: the operator's own.
        pub from: BankAccount,
        /// On which day the bank is to pay.
        #[cfg_attr(feature = "schema", schema(pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"))]
        pub on: String,
    }
}

answers! {
    /// A bank account, as its seller is shown it.
    pub struct Destination {
        /// Whose it is. Absent where that was erased.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub holder: Option<String>,
        /// The last characters of its number.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub account: Option<String>,
        /// Its digest, as in the journal.
        pub digest: Digest,
        /// Until then payouts still go to the one before.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub counts_from: Option<String>,
    }

    /// What of a seller's money can be paid out, and whither.
    pub struct PayoutStanding {
        /// Whose.
        pub payee: PayeeId,
        /// What can be paid out now.
        pub available: Money,
        /// What is on its way.
        pub in_transit: Money,
        /// What was paid out, ever.
        pub paid: Money,
        /// Where payouts go.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub destination: Option<Destination>,
        /// Where they go from a time on.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub next: Option<Destination>,
        /// Whether real money is meant.
        pub livemode: bool,
    }

    /// A payout as it stands.
    pub struct Payout {
        /// Its name: the reference from end to end that the bank has.
        pub id: PayoutId,
        /// Whose money.
        pub payee: PayeeId,
        /// How much.
        pub amount: Money,
        /// How far it is.
        pub status: PayoutStatus,
        /// Whither.
        pub destination: Destination,
        /// What it was handed to the bank with.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub batch: Option<PayoutBatchId>,
        /// When it was handed to the bank.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub sent_at: Option<String>,
        /// When it was paid, or came back.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub ended_at: Option<String>,
        /// The bank's reference, or why it failed.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub said: Option<String>,
        /// The entry that asked for it.
        pub entry: u64,
        /// When it was asked for.
        pub at: String,
    }

    /// Payouts that a bank is told to make together.
    pub struct PayoutBatch {
        /// Its name.
        pub id: PayoutBatchId,
        /// How many there are.
        pub count: u64,
        /// What they come to, where there are any.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub total: Option<Money>,
        /// On which day the bank is to pay.
        pub on: String,
        /// The payouts, the oldest first.
        pub payouts: Vec<Payout>,
        /// Where the bank's file is: ISO 20022, `pain.001.001.09`.
        pub file: String,
        /// Whether real money is meant.
        pub livemode: bool,
    }
}
