//! The payment services domain: tools, sub-accounts, and payments at the three levels of delegation.
//!
//! Reading order:
//!
//! 1. [`PaymentError`], [`Retry`]: every class of refusal, and what may be done about it.
//! 2. [`BindingRequest`], [`Binding`]: a tool is a reference, never an account (`PSD-PMT-BND`).
//!    [`SubAccount`]: money of its own for one agent (`PSD-AGT-SUB`).
//! 3. [`SignedRequest`], [`sign`]: what an agent signs. [`InstantRequest`], [`DelegatedRequest`],
//!    [`AutonomousRequest`]: what it asks for.
//! 4. [`SelfCheck`]: what an agent asks itself first. [`CheckStep`], [`check_instant`],
//!    [`check_delegated`], [`check_autonomous`]: what the payment service asks, in this order, with
//!    [`PaymentFacts`] for whatever only it can know.
//! 5. [`agreement`]: the standing agreements of version 2.0.
//!
//! Access never changes the rule: however a request arrived, it passes the same checks (GEN-03). What is
//! decided here may be out of date a moment later; the book that moves the money decides again.

pub mod agreement;
mod autonomous;
mod binding;
mod checks;
mod delegated;
mod error;
mod facts;
mod instant;
pub(crate) mod scope;
mod self_check;
pub(crate) mod signature;
mod steps;
mod subaccount;
mod subaccount_proof;
mod tool;

pub use autonomous::{AutonomousRequest, AutonomousResponse};
pub use binding::{
    Binding, BindingError, BindingRequest, BindingResponse, BindingState, BindingStatus, Consent, Identified,
    TokenConstraints, ValidityPeriod,
};
pub use checks::{Passed, Refused, check_autonomous, check_delegated, check_instant, is_fresh};
pub use delegated::{DelegatedRequest, DelegatedResponse, IacText};
pub use error::{PaymentError, PaymentErrorEntry, PaymentRefusal, RefusalReason, Retry};
pub use facts::{IntentFit, OrderFacts, PaymentFacts, RiskVerdict, SubAccountFacts, Tool};
pub use instant::{
    AuthorizedInstant, CashierOutcome, ConfirmationEvidence, InstantRequest, InstantResponse,
    PendingConfirmation, Prompt, TradeStatus,
};
pub use self_check::{LocalTotal, NotSent, SelfCheck, ToolReadiness};
pub use signature::{NotSigned, SignedRequest, sign, signing_bytes, verify_signature};
pub use steps::{AUTONOMOUS_STEPS, CheckStep, DELEGATED_STEPS, INSTANT_STEPS};
pub use subaccount::{
    KeyReference, KeyType, Requester, RiskLimits, SubAccount, SubAccountError, SubAccountOperation,
    SubAccountRequest, SubAccountState,
};
pub use subaccount_proof::{ProofFacts, SubAccountKey};
pub use tool::{Level, PaymentClaim, ToolClaim};

/// The six components of the domain, as a declaration of coverage lists them (PSD-TEST-001).
///
/// The last is a way in, used by every level and owned by none: it is [`a402`](crate::a402).
pub const COMPONENTS: [&str; 6] =
    ["PSD-PMT-BND", "PSD-AGT-SUB", "PSD-PAY-INS", "PSD-PAY-DEL", "PSD-PAY-AUP", "PSD-PAY-A402"];
