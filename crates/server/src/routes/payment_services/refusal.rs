//! Refusals of the payment services: ACT's class and advice, beside our own code and status.

use crate::codes::Edge;
use crate::problem::Problem;
use protocols::act::Malformed;
use protocols::act::psd::{BindingError, PaymentError, SubAccountError};
use wire::act::ActError;

/// The refusal of a request in this class.
pub(crate) fn of_class(error: PaymentError, request: &str) -> Problem {
    Problem::from(edge(error)).because(sentence(error)).with_act(act(error, request))
}

/// A request that is not one.
pub(crate) fn malformed(fault: &Malformed) -> Problem {
    let error = PaymentError::RequestInvalid;
    Problem::from(Edge::ActRefused).because(format!("{fault}.")).with_act(act(error, ""))
}

/// Why there is no reference to a payment tool.
pub(crate) fn unbound(error: BindingError, request: &str) -> Problem {
    let message = match error {
        BindingError::IdentityVerificationFailed => "the principal was not recognised",
        BindingError::AgentIdentificationFailed => "the agent is not the principal's",
        BindingError::AccountAmountExceeded => "the account does not allow amounts as large as asked for",
        BindingError::Other => "the reference would be of no use",
    };
    named(Edge::ActRefused, error.as_str(), "AFTER_CORRECTION", message, request)
}

/// Why a sub-account does not do what was asked.
pub(crate) fn of_sub_account(error: SubAccountError, request: &str) -> Problem {
    let message = match error {
        SubAccountError::IdentityVerificationFailed => "the principal was not recognised",
        SubAccountError::NotOpened => "there is no such sub-account",
        SubAccountError::Frozen => "the sub-account is frozen",
        SubAccountError::Closed => "the sub-account is closed",
        SubAccountError::BalanceInsufficient => "the balance does not cover this",
        SubAccountError::KeyInvalid => "the key is none of the agent's, or cannot sign",
        SubAccountError::BindingMismatch => "the sub-account is another agent's",
        SubAccountError::NothingToDo => "it stands as asked already",
    };
    named(Edge::ActRefused, error.as_str(), "AFTER_CORRECTION", message, request)
}

/// A refusal with a class that is none of a payment.
pub(crate) fn named(edge: Edge, code: &str, retry: &str, message: &str, request: &str) -> Problem {
    let error = ActError {
        code: code.to_owned(),
        retry: retry.to_owned(),
        message: message.to_owned(),
        request_id: request.to_owned(),
    };
    Problem::from(edge).because(format!("{message}.")).with_act(error)
}

/// Adds ACT's class to what the book, or the way there, said no for.
pub(crate) fn in_acts_words(problem: Problem, request: &str) -> Problem {
    match of_code(problem.code(), request) {
        Some(error) => problem.with_act(error),
        None => problem,
    }
}

/// ACT's class of one of our codes; none where nothing was done, and the same may be sent again.
pub(crate) fn of_code(code: &str, request: &str) -> Option<ActError> {
    use PaymentError as E;
    let error = match code {
        "payment_too_large" => E::SingleAmountExceeded,
        "total_exceeded" | "uses_exceeded" | "window_exceeded" | "velocity_exceeded" => {
            E::CumulativeAmountExceeded
        }
        "payee_not_allowed" | "payee_denied" => E::MerchantNotInScope,
        "category_not_allowed" | "category_denied" => E::CategoryNotInScope,
        "funds_insufficient" => E::BalanceInsufficient,
        "asset_mismatch" => E::CurrencyMismatch,
        "mandate_frozen" => E::IacSuspended,
        "mandate_revoked" => E::IacRevoked,
        "mandate_expired" | "outside_validity" => E::IacExpired,
        "mandate_not_yet_valid" => E::IacNotYetValid,
        "mandate_mismatch" | "agent_not_registered" => E::AgentIdentityMismatch,
        "wallet_frozen" | "owner_frozen" | "wallet_closed" | "wallet_unknown" | "mandate_unknown" => {
            E::PaymentToolInvalid
        }
        "agent_frozen" | "agent_revoked" | "key_revoked" | "ask_rate_limited" => E::RiskRefused,
        "approval_refused" | "approval_expired" | "approval_pending" | "approval_used"
        | "approval_mismatch" => E::UserConfirmationFailed,
        "payee_closed" | "payee_unknown" | "self_payment" => E::OrderMismatch,
        "id_reused" => E::DuplicateRequest,
        "outcome_unknown" | "internal" => E::ResultUnknown,
        "busy" | "not_ready" | "disk_full" | "views_behind" => return None,
        _ => E::PaymentExecutionFailed,
    };
    Some(act(error, request))
}

fn act(error: PaymentError, request: &str) -> ActError {
    let entry = error.entry();
    ActError {
        code: error.as_str().to_owned(),
        retry: entry.retry.as_str().to_owned(),
        message: entry.message.to_owned(),
        request_id: request.to_owned(),
    }
}

fn sentence(error: PaymentError) -> String {
    format!("{}.", error.entry().message)
}

/// Whether it is the request that is wrong, or what was allowed.
fn edge(error: PaymentError) -> Edge {
    use PaymentError as E;
    match error {
        E::DuplicateRequest => Edge::ActDuplicate,
        E::ResultUnknown => Edge::OutcomeUnknown,
        E::RequestInvalid
        | E::RequestExpired
        | E::AgentSignatureInvalid
        | E::OrderMismatch
        | E::AmountSnapshotMismatch
        | E::IacSignatureInvalid
        | E::PaymentExecutionFailed
        | E::SubaccountNotOpened
        | E::SubaccountProofInvalid
        | E::AgreementUnknown => Edge::ActRefused,
        E::PaymentToolInvalid
        | E::PaymentToolAgentMismatch
        | E::PaymentToolPrincipalMismatch
        | E::UserConfirmationFailed
        | E::IacNotYetValid
        | E::IacExpired
        | E::IacRevoked
        | E::IacSuspended
        | E::IacStatusUnknown
        | E::AgentIdentityMismatch
        | E::DelegationModeInvalid
        | E::CurrencyMismatch
        | E::SingleAmountExceeded
        | E::SingleAmountBelowMinimum
        | E::CumulativeAmountExceeded
        | E::PaymentMethodNotAllowed
        | E::MerchantNotInScope
        | E::CategoryNotInScope
        | E::IntentMismatch
        | E::SubaccountFrozen
        | E::SubaccountClosed
        | E::BalanceInsufficient
        | E::RiskRefused
        | E::AgreementNotSigned
        | E::AgreementExpired => Edge::ActNotAllowed,
    }
}
