//! Payment links: what a seller asks for, to be paid by whoever is given the address.

use crate::account::{Provenance, answers, requests};
use crate::id::{Digest, LinkId, MandateId, PayeeId, PaymentId, WalletId};
use crate::money::Money;
use crate::payment::Split;
use serde::{Deserialize, Serialize};

/// Whose word a link takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum LinkPayer {
    /// Anybody who may spend: an agent under its limits, or an owner.
    #[default]
    Anyone,
    /// A person: an owner who signs for it, or an agent whose owner was asked about this very payment. For tips.
    Owner,
}

requests! {
    /// Asks for payments.
    pub struct NewLink {
        /// The link's name, and what its address ends with: drawn at random, so that nobody guesses it.
        pub id: LinkId,
        /// Who collects. The seller that asks, where nothing is said; an operator has to say it, or `split`.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub payee: Option<PayeeId>,
        /// Several payees who collect by shares; the seller that asks is the first.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub split: Option<Split>,
        /// The least that one payment may be.
        pub least: Money,
        /// The most. Left out, `least` is the price.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub most: Option<Money>,
        /// How often it may be paid: 1 is once. Left out, as often as anybody likes.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(minimum = 1))]
        pub uses: Option<u32>,
        /// Until then; at most 366 days ahead.
        #[cfg_attr(feature = "schema", schema(format = DateTime))]
        pub until: String,
        /// Whose word it takes.
        #[serde(default)]
        pub by: LinkPayer,
        /// What is paid for, in one line, for whoever opens the link.
        #[cfg_attr(feature = "schema", schema(max_length = 120))]
        pub what: String,
    }

    /// Pays what a link asks for.
    pub struct NewLinkPayment {
        /// The payment's name. Sending it again pays nothing again.
        pub id: PaymentId,
        /// The wallet or sub-account that pays.
        pub wallet: WalletId,
        /// The mandate that allows it; without one, the agent's own limits must.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub mandate: Option<MandateId>,
        /// How much, within what the link asks for. Needed where it leaves that open.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub amount: Option<Money>,
        /// A line for the seller to read.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(max_length = 200))]
        pub message: Option<String>,
        /// The question whose approval this uses.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(pattern = "^pay_[0-7][0-9A-HJKMNP-TV-Z]{25}$"))]
        pub approval: Option<String>,
        /// Why it is bought, in the agent's own words, for the owner to read. No rule reads it, and no yes is bound to it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(max_length = 200))]
        pub why: Option<String>,
    }
}

answers! {
    /// What a link asks for, for whoever has its address.
    pub struct LinkTerms {
        /// The link.
        pub id: LinkId,
        /// `open`, or why it cannot be paid any more: `used`, `expired` or `closed`.
        pub status: String,
        /// Who collects, the seller first.
        pub payees: Vec<LinkPayee>,
        /// The least that one payment may be.
        pub least: Money,
        /// The most; where it is the least, the price.
        pub most: Money,
        /// How often it may still be paid; absent where as often as anybody likes.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub uses_left: Option<u32>,
        /// Until then.
        pub until: String,
        /// Whose word it takes.
        pub by: LinkPayer,
        /// What is paid for, as the seller says it. Nobody has checked it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub what: Option<String>,
        /// The digest of that: what the payment refers to.
        pub document: Digest,
        /// Where an agent pays.
        pub pay: String,
        /// Where a person pays.
        pub page: String,
        /// Whether real money is meant.
        pub livemode: bool,
    }

    /// Who collects.
    pub struct LinkPayee {
        /// Who.
        pub id: PayeeId,
        /// What it is called in the register.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub name: Option<String>,
        /// Who says that it is who it says it is.
        pub provenance: Provenance,
    }

    /// A link, as its seller sees it.
    pub struct Link {
        /// What it asks for.
        #[serde(flatten)]
        pub terms: LinkTerms,
        /// How often it was paid.
        pub used: u32,
        /// What was paid by it, before fees and refunds.
        pub paid: Money,
        /// When it was closed.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub closed_at: Option<String>,
        /// The place in the journal.
        pub entry: u64,
        /// When it was opened.
        pub at: String,
    }

    /// A payment by a link, as its seller sees it.
    pub struct LinkPayment {
        /// The payment: the name to refund it under.
        pub payment: PaymentId,
        /// How much.
        pub amount: Money,
        /// What the payer said with it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub message: Option<String>,
        /// The place in the journal.
        pub entry: u64,
        /// When.
        pub at: String,
    }

    /// What an owner would pay by, where an agent asks to pay a link.
    pub struct AskedLink {
        /// The link.
        pub id: LinkId,
        /// What would be said to the seller.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub message: Option<String>,
    }
}
