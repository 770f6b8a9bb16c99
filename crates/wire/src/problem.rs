//! Problems: every answer that is not what was asked for, in the shape of RFC 9457.

use crate::money::Money;
use serde::{Deserialize, Serialize};

/// Why not, what happened to the money, and what can be done.
///
/// `code` is from a closed list, stable for ever. Programs read `code`, `next` and `retryable`; people read `detail`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Problem {
    /// The page that explains the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The code in a few words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// From the closed list.
    pub code: String,
    /// What happened to the money, then why, in plain words.
    pub detail: String,
    /// The member, header or parameter that is meant.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub param: Option<String>,
    /// Names the request in our log.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub request_id: Option<String>,
    /// Whether the same request may be answered otherwise later.
    pub retryable: bool,
    /// What to do now.
    pub next: Next,
    /// The same, with an address where there is one.
    pub next_action: NextAction,
    /// The rule that decided.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rule: Option<Rule>,
    /// What the rule would still have allowed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub remaining: Option<Money>,
    /// The place of the refusal in the journal: refusals are facts, with receipts.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub entry: Option<u64>,
    /// Whether this answers a request that was answered before.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub repeated: Option<bool>,
    /// The error in the words of ACT's A402 catalogue.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub a402: Option<A402Error>,
    /// The class of a refused payment, in the words of ACT's payment services.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub act: Option<crate::act::ActError>,
    /// Whether real money is meant.
    pub livemode: bool,
}

/// What to do about a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Next {
    /// Nothing: this will not succeed.
    Stop,
    /// Send it again under the same id.
    SameId,
    /// Correct it, and send it under a new id.
    NewId,
    /// The owner has to do something first.
    AskOwner,
}

/// What to do, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct NextAction {
    /// What.
    pub kind: Next,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub url: Option<String>,
}

/// The rule that decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Rule {
    /// Whose: `book`, `wallet`, `agent` or `mandate`.
    pub scope: Scope,
    /// The wallet, agent or mandate.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub id: Option<String>,
    /// Of a mandate that was delegated from, or its agent: so many delegations up.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub above: Option<u8>,
    /// The version of its limits; 0 for the book's own rules.
    pub version: u32,
    /// Which of its limits, counted from 0.
    pub limit: u8,
}

/// Whose rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Every book's.
    Book,
    /// The wallet's.
    Wallet,
    /// The agent's.
    Agent,
    /// The mandate's.
    Mandate,
    /// That of a mandate it was delegated from.
    Parent,
    /// That of the agent of such a mandate.
    ParentAgent,
}

/// An error of the A402 catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct A402Error {
    /// Such as `ACT-A402-PROOF_INVALID`.
    pub error_id: String,
    /// Its category.
    pub category: String,
    /// The phase that failed; later phases are not claimed.
    pub phase: String,
    /// Whether to try again.
    pub retryability: String,
    /// At least one, the most promising first.
    pub valid_next_actions: Vec<String>,
    /// A sentence for people.
    pub message: String,
}
