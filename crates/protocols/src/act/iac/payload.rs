//! What an intent authorization credential states: who lets which agent do what, how long, for how much.

use crate::a402::{Currency, Fingerprint, Identifier, digest};
use crate::act::amount::AmountNumber;
use crate::act::intent::{Conflict, ConversationHistory, DelegationMode, Extension, conflicts};
use crate::act::object::{Malformed, messages, object};
use crate::act::text::{UtcTime, Word};

object! {
    /// The signed part of a credential (ACT 2.1 section 3.1).
    ///
    /// Members that are absent have a meaning: ask [`IacPayload::mode`] and [`IacPayload::currency_or_default`].
    pub struct IacPayload closed "credentialSubject" checked check {
        /// Unique to this credential and its life.
        required delegation_id: Identifier,
        /// The intent it was drawn from.
        optional intent_id: Identifier,
        /// The words, where there is no intent to refer to.
        optional conversation_history: ConversationHistory,
        /// The principal, or who acts for the principal.
        required delegator_identity: Identifier,
        /// The only agent that may act.
        required agent_id: Identifier,
        optional delegation_mode: DelegationMode,
        /// The first instant it is good.
        required validity_start_time: UtcTime,
        /// The instant from which it is good no longer.
        required validity_end_time: UtcTime,
        /// The most all payments under it together may be.
        required max_total_amount: AmountNumber,
        optional currency: Currency,
        /// Only these methods, where there is a list; the list is not empty.
        optional allowed_payment_methods: Vec<Identifier>,
        optional user_confirmation_method: Word,
        optional user_confirmation_timestamp: UtcTime,
        /// Ties the credential to the rules it was selected from.
        optional source_isr_digest: Fingerprint,
        optional ext: Extension,
    }
}

messages!(IacPayload in "credentialSubject");

impl IacPayload {
    /// The level of delegation. Absent means `SPECIFIED` (ISS-05).
    pub fn mode(&self) -> DelegationMode {
        self.delegation_mode.unwrap_or(DelegationMode::Specified)
    }

    /// The currency of every amount in it. Absent means `CNY` (ISS-05).
    pub fn currency_or_default(&self) -> Currency {
        let absent = || Currency::parse("CNY").expect("three capital letters");
        self.currency.clone().unwrap_or_else(absent)
    }

    /// SHA-256 of the canonical bytes: the same however the members were ordered and spaced (ISS-07).
    pub fn digest(&self) -> Fingerprint {
        digest(&self.canonical())
    }
}

fn check(payload: &IacPayload) -> Result<(), Malformed> {
    if payload.intent_id.is_none() && payload.conversation_history.is_none() {
        return broken("conversation_history", "must be there when there is no `intent_id`");
    }
    if payload.allowed_payment_methods.as_ref().is_some_and(Vec::is_empty) {
        return broken("allowed_payment_methods", "must name at least one method");
    }
    if payload.user_confirmation_method.is_some() && payload.user_confirmation_timestamp.is_none() {
        return broken("user_confirmation_timestamp", "must come with the method");
    }
    let window = (Some(&payload.validity_start_time), Some(&payload.validity_end_time));
    match conflicts(window, Some(payload.max_total_amount), payload.ext.as_ref()).first() {
        Some(Conflict::WindowEmpty) => broken("validity_end_time", "must be later than the start"),
        Some(
            Conflict::SingleAboveTotal
            | Conflict::MinimumAboveSingle
            | Conflict::CategoryAllowedAndForbidden
            | Conflict::MerchantAllowedAndForbidden,
        ) => broken("ext", "its limits must not contradict each other or the total"),
        None => Ok(()),
    }
}

fn broken(name: &'static str, rule: &'static str) -> Result<(), Malformed> {
    Err(Malformed::Rule { path: "credentialSubject", name, rule })
}
