//! The intent structuring result: a dictionary of rules, with names, types and meanings fixed by ACT.

use super::error::{Conflict, IntentError, MainLimit, Question};
use super::extension::{Extension, conflicts};
use super::history::{ConversationHistory, InputModes};
use crate::a402::{Currency, Fingerprint, Identifier, digest, words::words};
use crate::act::amount::AmountNumber;
use crate::act::object::{Malformed, messages, object, word_fields};
use crate::act::text::{UtcTime, Word};

words! {
    /// How much the agent decides (ICS-10).
    DelegationMode {
        /// Target, merchant and limits are fixed beforehand: level 2, `PSD-PAY-DEL`.
        Specified = "SPECIFIED",
        /// The agent chooses within limits: level 3, `PSD-PAY-AUP`.
        Bounded = "BOUNDED",
    }
}

word_fields!(DelegationMode);

object! {
    /// The rules drawn from an intent, as far as they are known (ACT 2.1 section 2.2).
    ///
    /// Reading one says nothing about whether it is complete, consistent or agreed to.
    pub struct IntentStructuringResult closed "isr" checked check {
        /// Unique within the intent chain: the key of everything that follows (GEN-01).
        required intent_id: Identifier,
        required conversation_history: ConversationHistory,
        optional delegation_mode: DelegationMode,
        /// The first instant the rules hold.
        optional validity_start_time: UtcTime,
        /// The instant from which they hold no longer.
        optional validity_end_time: UtcTime,
        /// The most all payments together may be.
        optional max_total_amount: AmountNumber,
        optional currency: Currency,
        /// Only these methods of payment, where there is a list; the list is not empty.
        optional allowed_payment_methods: Vec<Identifier>,
        optional agent_id: Identifier,
        /// By what the principal confirmed. It comes with the time.
        optional user_confirmation_method: Word,
        optional user_confirmation_timestamp: UtcTime,
        optional ext: Extension,
    }
}

messages!(IntentStructuringResult in "isr");

impl IntentStructuringResult {
    /// Reads rules, the ways of input among those registered (ICS-04).
    ///
    /// # Errors
    /// [`IntentError::Invalid`].
    pub fn read(text: &[u8], registered: &InputModes) -> Result<Self, IntentError> {
        let isr = IntentStructuringResult::from_json(text)?;
        isr.conversation_history.check_modes(registered)?;
        Ok(isr)
    }

    /// What the principal has to be asked: first what is missing, then what contradicts (ICS-05).
    pub fn questions(&self) -> Vec<Question> {
        let missing = self.missing().into_iter().map(Question::Missing);
        missing.chain(self.conflicts().into_iter().map(Question::Contradiction)).collect()
    }

    /// The digest of the rules: SHA-256 of their canonical JSON, all members taking part.
    ///
    /// ACT leaves the scope of `source_isr_digest` open; this is our rule.
    pub fn digest(&self) -> Fingerprint {
        digest(&self.canonical())
    }

    pub(crate) fn missing(&self) -> Vec<MainLimit> {
        let stated = |limit: &MainLimit| match limit {
            MainLimit::DelegationMode => self.delegation_mode.is_some(),
            MainLimit::ValidityStartTime => self.validity_start_time.is_some(),
            MainLimit::ValidityEndTime => self.validity_end_time.is_some(),
            MainLimit::MaxTotalAmount => self.max_total_amount.is_some(),
            MainLimit::Currency => self.currency.is_some(),
            MainLimit::AgentId => self.agent_id.is_some(),
        };
        MainLimit::ALL.iter().copied().filter(|limit| !stated(limit)).collect()
    }

    pub(crate) fn conflicts(&self) -> Vec<Conflict> {
        let window = (self.validity_start_time.as_ref(), self.validity_end_time.as_ref());
        conflicts(window, self.max_total_amount, self.ext.as_ref())
    }
}

fn check(isr: &IntentStructuringResult) -> Result<(), Malformed> {
    if isr.allowed_payment_methods.as_ref().is_some_and(Vec::is_empty) {
        return broken("allowed_payment_methods", "must name at least one method");
    }
    if isr.user_confirmation_method.is_some() && isr.user_confirmation_timestamp.is_none() {
        return broken("user_confirmation_timestamp", "must come with the method");
    }
    Ok(())
}

fn broken(name: &'static str, rule: &'static str) -> Result<(), Malformed> {
    Err(Malformed::Rule { path: "isr", name, rule })
}
