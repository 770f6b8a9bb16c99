//! From a draft to a confirmed intent: questions, a summary, and the principal's answer to that very summary.

use super::error::{IntentError, Question};
use super::history::{InputModes, UserIntent};
use super::isr::{DelegationMode, IntentStructuringResult};
use crate::a402::{Currency, Fingerprint, Identifier};
use crate::act::amount::AmountNumber;
use crate::act::object::Malformed;
use crate::act::text::{UtcTime, Word};

/// Rules nobody has agreed to yet. Nothing can be issued from it.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    isr: IntentStructuringResult,
}

/// What the principal is shown: the goal and the limits in words, and the digest of the rules meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// One line each: what was said, then every limit by name (ICS-06).
    pub lines: Vec<String>,
    /// The rules this is the summary of. A confirmation quotes it.
    pub of: Fingerprint,
}

/// The principal's answer to a [`Summary`]. A refusal is no answer: the draft then stays a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The digest of the summary that was shown.
    pub to: Fingerprint,
    /// By what the principal was recognised, such as `FINGERPRINT`.
    pub user_confirmation_method: Word,
    pub user_confirmation_timestamp: UtcTime,
}

/// Rules the principal has confirmed: complete, consistent, and with the time they were agreed to.
///
/// Only [`Draft::confirm`] and [`ConfirmedIsr::from_record`] make one (ICS-07).
#[derive(Clone, Debug, PartialEq)]
pub struct ConfirmedIsr {
    isr: IntentStructuringResult,
    pub(crate) limits: MainLimits,
}

/// The main limits of an intent, each known to be there.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MainLimits {
    pub(crate) mode: DelegationMode,
    pub(crate) start: UtcTime,
    pub(crate) end: UtcTime,
    pub(crate) total: AmountNumber,
    pub(crate) currency: Currency,
    pub(crate) agent_id: Identifier,
}

impl Draft {
    /// Starts from what is known. A confirmation that came with it is dropped: it was for other rules.
    ///
    /// # Errors
    /// [`IntentError::Invalid`] for a way of input nobody has registered.
    pub fn of(isr: IntentStructuringResult, registered: &InputModes) -> Result<Self, IntentError> {
        isr.conversation_history.check_modes(registered)?;
        let unconfirmed = IntentStructuringResult {
            user_confirmation_method: None,
            user_confirmation_timestamp: None,
            ..isr
        };
        Ok(Draft { isr: unconfirmed })
    }

    /// The rules as they stand.
    pub fn isr(&self) -> &IntentStructuringResult {
        &self.isr
    }

    /// What has to be asked before anybody can agree. Empty when all is clear (ICS-05).
    pub fn questions(&self) -> Vec<Question> {
        self.isr.questions()
    }

    /// The draft with a clarification worked in. Summaries shown before are of no use any more (ICS-06).
    ///
    /// # Errors
    /// [`IntentError::Invalid`] where the change breaks a rule of the form; the draft is then unchanged.
    pub fn clarified(
        &self,
        change: impl FnOnce(&mut IntentStructuringResult),
        registered: &InputModes,
    ) -> Result<Draft, IntentError> {
        let mut isr = self.isr.clone();
        change(&mut isr);
        if isr.intent_id != self.isr.intent_id {
            let rule = "is the same throughout the life of an intent";
            return Err(Malformed::Rule { path: "isr", name: "intent_id", rule }.into());
        }
        // Through its own text, so that no rule of the form is missed.
        Draft::of(IntentStructuringResult::from_json(isr.to_json().as_bytes())?, registered)
    }

    /// What to show the principal, once there is nothing left to ask.
    ///
    /// # Errors
    /// [`IntentError::Incomplete`] and [`IntentError::Contradictory`].
    pub fn summary(&self) -> Result<Summary, IntentError> {
        main_limits(&self.isr)?;
        Ok(Summary { lines: lines(&self.isr), of: self.isr.digest() })
    }

    /// Takes the principal's answer.
    ///
    /// # Errors
    /// [`IntentError::Unconfirmed`] for an answer to another summary, and those of [`Draft::summary`].
    pub fn confirm(self, answer: Answer) -> Result<ConfirmedIsr, IntentError> {
        if self.summary()?.of != answer.to {
            return Err(IntentError::Unconfirmed);
        }
        ConfirmedIsr::of(IntentStructuringResult {
            user_confirmation_method: Some(answer.user_confirmation_method),
            user_confirmation_timestamp: Some(answer.user_confirmation_timestamp),
            ..self.isr
        })
    }
}

impl ConfirmedIsr {
    /// Reads what was confirmed from our own record of it.
    ///
    /// Calling this states that the text comes from where only confirmed rules are kept: a member says
    /// that somebody confirmed, and proves nothing.
    ///
    /// # Errors
    /// [`IntentError`], each missing limit and each contradiction by name.
    pub fn from_record(text: &[u8], registered: &InputModes) -> Result<Self, IntentError> {
        ConfirmedIsr::of(IntentStructuringResult::read(text, registered)?)
    }

    /// The rules.
    pub fn isr(&self) -> &IntentStructuringResult {
        &self.isr
    }

    /// The digest an IAC may quote as `source_isr_digest`.
    pub fn digest(&self) -> Fingerprint {
        self.isr.digest()
    }

    fn of(isr: IntentStructuringResult) -> Result<Self, IntentError> {
        let limits = main_limits(&isr)?;
        if isr.user_confirmation_method.is_none() || isr.user_confirmation_timestamp.is_none() {
            return Err(IntentError::Unconfirmed);
        }
        Ok(ConfirmedIsr { isr, limits })
    }
}

/// The main limits, or why the rules are not ready to be agreed to.
fn main_limits(isr: &IntentStructuringResult) -> Result<MainLimits, IntentError> {
    let conflicts = isr.conflicts();
    if !conflicts.is_empty() {
        return Err(IntentError::Contradictory { conflicts });
    }
    let limits = || {
        Some(MainLimits {
            mode: isr.delegation_mode?,
            start: isr.validity_start_time.clone()?,
            end: isr.validity_end_time.clone()?,
            total: isr.max_total_amount?,
            currency: isr.currency.clone()?,
            agent_id: isr.agent_id.clone()?,
        })
    };
    limits().ok_or_else(|| IntentError::Incomplete { missing: isr.missing() })
}

fn lines(isr: &IntentStructuringResult) -> Vec<String> {
    let mut lines = Vec::new();
    let history = &isr.conversation_history;
    match &history.user_intent_raw {
        Some(UserIntent::Text(text)) => lines.push(format!("intent: {text}")),
        Some(UserIntent::Dialogue(turns)) => {
            lines.extend(turns.iter().map(|turn| format!("{}: {}", turn.role, turn.content)));
        }
        None => lines.extend(history.context_ref.iter().map(|place| format!("intent: see {place}"))),
    }
    let tree = crate::act::object::tree(isr);
    for (name, value) in tree.as_object().into_iter().flatten() {
        if name != "conversation_history" && name != "ext" {
            lines.push(format!("{name}: {}", plain(value)));
        }
    }
    // What is private to a vendor changes nothing, so nobody is asked to agree to it (ICS-11).
    let shared = ["commerce", "agent_behavior", "fulfillment"];
    for space in shared {
        for (name, value) in tree["ext"][space].as_object().into_iter().flatten() {
            lines.push(format!("{name}: {}", plain(value)));
        }
    }
    lines
}

fn plain(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
