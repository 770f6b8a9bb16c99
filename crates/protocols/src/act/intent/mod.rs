//! `ADD-INT-ICS`: from what a principal said to rules a machine can check, confirmed by the principal.
//!
//! A [`ConversationHistory`] holds the words, an [`IntentStructuringResult`] the rules drawn from them. A
//! [`Draft`] asks until nothing is missing and nothing contradicts, shows a [`Summary`], and becomes a
//! [`ConfirmedIsr`] by the answer to that summary. Nothing else may be issued from (ACT 2.1 section 2).

mod draft;
mod error;
mod extension;
mod history;
mod isr;

pub use draft::{Answer, ConfirmedIsr, Draft, Summary};
pub use error::{Conflict, IntentClass, IntentError, MainLimit, Question};
pub(crate) use extension::conflicts;
pub use extension::{
    Address, AgentBehavior, Commerce, Extension, Fulfillment, PaymentFailureAction, PriceDeviationAction,
};
pub use history::{ConversationHistory, InputModes, Turn, UserIntent};
pub use isr::{DelegationMode, IntentStructuringResult};
