//! Why an intent cannot go on: what is missing, what contradicts, what cannot be read, who has not agreed.

use crate::a402::words::words;
use crate::act::object::Malformed;

words! {
    /// The class of an [`IntentError`]. ACT 2.1 defines none; these are ours.
    IntentClass {
        IntentIncomplete = "INTENT_INCOMPLETE",
        IntentConflict = "INTENT_CONFLICT",
        IsrInvalid = "ISR_INVALID",
        ConfirmationMissing = "CONFIRMATION_MISSING",
    }
}

words! {
    /// What an intent must state before anybody may act on it, by the member's name.
    MainLimit {
        DelegationMode = "delegation_mode",
        ValidityStartTime = "validity_start_time",
        ValidityEndTime = "validity_end_time",
        MaxTotalAmount = "max_total_amount",
        Currency = "currency",
        AgentId = "agent_id",
    }
}

/// Two statements of an intent that cannot both hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Conflict {
    /// ICS-08.
    #[error("`validity_end_time` is not later than `validity_start_time`")]
    WindowEmpty,
    /// ICS-09.
    #[error("`max_single_amount` is more than `max_total_amount`")]
    SingleAboveTotal,
    /// ICS-09.
    #[error("`min_single_amount` is more than `max_single_amount`, or than the total where there is none")]
    MinimumAboveSingle,
    #[error("a category is both allowed and forbidden")]
    CategoryAllowedAndForbidden,
    #[error("a merchant is both allowed and forbidden")]
    MerchantAllowedAndForbidden,
}

/// What the principal has to be asked before the intent is clear (ICS-05).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Question {
    #[error("`{0}` is not said")]
    Missing(MainLimit),
    #[error("{0}")]
    Contradiction(Conflict),
}

/// Why an intent is not confirmed rules.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IntentError {
    /// Ask for each of these.
    #[error("the intent does not say enough: {}", listed(.missing))]
    Incomplete { missing: Vec<MainLimit> },
    /// Ask which side of each of these counts.
    #[error("the intent contradicts itself: {}", listed(.conflicts))]
    Contradictory { conflicts: Vec<Conflict> },
    /// Write it again.
    #[error(transparent)]
    Invalid(#[from] Malformed),
    /// Show the summary and ask for a confirmation of it.
    #[error("the principal has not confirmed these rules")]
    Unconfirmed,
}

impl IntentError {
    /// The class of this error.
    pub fn class(&self) -> IntentClass {
        match self {
            IntentError::Incomplete { .. } => IntentClass::IntentIncomplete,
            IntentError::Contradictory { .. } => IntentClass::IntentConflict,
            IntentError::Invalid(_) => IntentClass::IsrInvalid,
            IntentError::Unconfirmed => IntentClass::ConfirmationMissing,
        }
    }
}

fn listed(items: &[impl std::fmt::Display]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
