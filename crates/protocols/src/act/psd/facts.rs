//! What only the payment service can know, as questions: the checks ask, the server answers.

use super::binding::Binding;
use super::subaccount::SubAccount;
use super::subaccount_proof::SubAccountKey;
use super::tool::{PaymentClaim, ToolClaim};
use crate::a402::{AmountText, Currency, Fingerprint, Identifier, Keyring};
use crate::act::amount::AmountNumber;
use crate::act::iac::VerifiedIac;
use crate::act::lifecycle::{NotUsable, Standing};
use crate::act::text::Sentence;
use book::Time;
use evidence::PublicKey;

/// Answers of the payment service, all as of one moment.
///
/// Answers are for deciding early and saying why. Whatever counts under concurrency, unused ids and totals
/// above all, is decided once more where the money moves (DEL-08).
pub trait PaymentFacts {
    /// Whether the agent has not used this id before, for anything.
    fn request_is_unused(&self, agent_id: &Identifier, request_id: &Identifier) -> bool;

    /// The keys the agent signs requests with, from its identity and not from the request.
    fn agent_keys(&self, agent_id: &Identifier) -> Vec<PublicKey>;

    /// The keys principals sign credentials with, and nothing else (ISS-10).
    fn iac_keys(&self) -> &Keyring;

    /// The tool a request names, whoever it belongs to.
    fn tool(&self, claim: &ToolClaim<'_>) -> Option<Tool>;

    /// The order a request names, as it was confirmed or billed.
    fn order(&self, claim: &PaymentClaim<'_>) -> Option<OrderFacts>;

    /// Where the credential stands, beyond its signature and window (LCM-08).
    fn iac_standing(&self, iac: &VerifiedIac, now: Time) -> Result<Standing, NotUsable>;

    /// What was paid or is held under the credential, by the payment service's own count (DEL-08).
    ///
    /// Count by principal and delegation id together: nobody keeps one principal from using another's id.
    fn spent_under(&self, iac: &VerifiedIac) -> AmountNumber;

    /// Whether the purchase is what the principal meant.
    fn intent_fit(&self, claim: &PaymentClaim<'_>, order: &OrderFacts, iac: &VerifiedIac) -> IntentFit;

    /// Whether the account behind a bound tool covers this much. A sub-account's balance is in its facts.
    fn account_covers(&self, binding: &Binding, amount: AmountNumber, currency: &Currency) -> bool;

    /// What the payment service's own rules say.
    fn risk(&self, claim: &PaymentClaim<'_>) -> RiskVerdict;
}

/// An order as it was confirmed by the merchant, or demanded by a bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderFacts {
    pub amount: AmountText,
    pub currency: Currency,
    pub merchant_id: Identifier,
    /// The name of who is paid, for people.
    pub payee_name: Sentence,
    /// What is bought, in the vocabulary of the limits. Empty where nobody knows.
    pub categories: Vec<Identifier>,
    /// The digest of the cart that was confirmed, where there was one.
    pub cart_snapshot_hash: Option<Fingerprint>,
}

/// A tool as the payment service knows it.
#[derive(Clone, Debug)]
pub enum Tool {
    Binding(Binding),
    SubAccount(Box<SubAccountFacts>),
}

/// A sub-account, and the key that authorizes payments from it.
#[derive(Clone, Debug)]
pub struct SubAccountFacts {
    pub account: SubAccount,
    pub key: SubAccountKey,
}

/// Whether a purchase is what the principal meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntentFit {
    Consistent,
    Inconsistent,
    /// Nobody can tell. Level 2 goes on, its target being fixed; level 3 does not (AUP-06).
    Unclear,
}

/// What the payment service's own rules say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RiskVerdict {
    Accept,
    Refuse,
}
