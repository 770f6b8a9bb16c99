//! `CID-INT-XFR`: a buyer says what it wants and within which limits; a merchant answers with candidates, or why not.
//!
//! A purchase may take rounds: each has an id of its own and names the one before, and says only what changes.

use super::catalogue::CatalogueItem;
use super::modern;
use crate::a402::{AmountText, Currency, Identifier, SignatureText, words::words};
use crate::act::amount::AmountNumber;
use crate::act::object::{Malformed, messages, object, word_fields};
use crate::act::psd::signature::signed_request;
use crate::act::text::{Sentence, UtcTime, Word};
use serde_json::{Map, Value};

object! {
    /// What a buyer wants. A first round says all of it, a later one what has changed.
    pub struct TransferRequest closed "request" checked check {
        /// Of this round alone.
        required request_id: Identifier,
        /// The round before.
        optional previous_request_id: Identifier,
        optional intent_id: Identifier,
        optional delegation_id: Identifier,
        required buyer_agent_id: Identifier,
        optional intent_context: IntentContext,
        optional constraints: Constraints,
        optional response_requirements: ResponseRequirements,
        required timestamp: UtcTime,
        /// The key that signs, by name.
        optional signer_id: Identifier,
        optional signature_algorithm: Word,
        required signature: SignatureText,
    }
}

object! {
    /// What is wanted, in words. Implicit needs and preferences are there with the principal's consent only, and
    /// never loosen a constraint (XFR-05).
    pub struct IntentContext closed "intent_context" {
        optional explicit_intent: Sentence,
        optional implicit_intent: Vec<Sentence>,
        optional preferences: Vec<Sentence>,
    }
}

object! {
    /// What no candidate may break.
    #[derive(Default)]
    pub struct Constraints closed "constraints" {
        /// The most that everything together may cost, delivery and taxes too.
        optional max_amount: AmountNumber,
        optional currency: Currency,
        optional allowed_categories: Vec<Identifier>,
        optional forbidden_categories: Vec<Identifier>,
        optional allowed_merchants: Vec<Identifier>,
        optional forbidden_merchants: Vec<Identifier>,
        /// The longest that delivery may take, in seconds.
        optional max_delivery_seconds: u64,
        /// Only this item, where the buyer knows which.
        optional item_id: Identifier,
        optional quantity: u64,
    }
}

object! {
    /// What the answer should be like.
    pub struct ResponseRequirements closed "response_requirements" {
        optional max_candidates: u64,
        optional sort_preference: SortPreference,
    }
}

words! {
    /// What comes first.
    SortPreference {
        PriceAscending = "PRICE_ASC",
        PriceDescending = "PRICE_DESC",
        DeliveryAscending = "DELIVERY_ASC",
    }
}

word_fields!(SortPreference);

object! {
    /// What a merchant has. At least one candidate: an empty list is no answer.
    pub struct TransferResponse open_ended "response" checked not_empty {
        required request_id: Identifier,
        required merchant_id: Identifier,
        required merchant_name: Sentence,
        required candidates: Vec<Candidate>,
        required timestamp: UtcTime,
    }
}

object! {
    /// An item with what it would cost altogether.
    pub struct Candidate open_ended "candidates" {
        required item: CatalogueItem,
        required quantity: u64,
        required shipping_fee: AmountText,
        required discount_amount: AmountText,
        required tax_amount: AmountText,
        /// What would be paid: price times quantity, less discount, plus shipping and taxes.
        required total_amount: AmountText,
        required currency: Currency,
        /// The coupon that makes the discount.
        optional coupon_code: Identifier,
        /// The way of delivery that was counted.
        optional delivery_option: Identifier,
        /// How long delivery takes altogether, in seconds.
        optional delivery_seconds: u64,
    }
}

messages!(
    TransferRequest in "request",
    TransferResponse in "response",
    Candidate in "candidates"
);

/// Names of version 2.0 among the constraints.
const OLD_CONSTRAINTS: &[(&str, &str)] = &[("amount_currency", "currency")];

impl TransferRequest {
    /// Reads a request, also one with names of version 2.0.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn read(text: &[u8]) -> Result<TransferRequest, Malformed> {
        let members = modern("request", text, &[])?;
        let value: Map<String, Value> = serde_json::from_slice(&members).unwrap_or_default();
        let old = value.get("constraints").and_then(Value::as_object);
        if old.is_some_and(|old| OLD_CONSTRAINTS.iter().any(|(name, _)| old.contains_key(*name))) {
            return TransferRequest::from_json(&renamed(&members)?);
        }
        TransferRequest::from_json(&members)
    }

    /// The request that a round comes to: what the round before said, with what this one changes.
    ///
    /// # Errors
    /// [`Malformed::Rule`], where it names another round, agent or purchase.
    pub fn after(&self, previous: &TransferRequest) -> Result<TransferRequest, Malformed> {
        if self.previous_request_id.as_ref() != Some(&previous.request_id) {
            return broken("previous_request_id", "must name the round before");
        }
        if self.buyer_agent_id != previous.buyer_agent_id {
            return broken("buyer_agent_id", "must be that of the round before");
        }
        let differs = |new: &Option<Identifier>, old: &Option<Identifier>| new.is_some() && new != old;
        if differs(&self.intent_id, &previous.intent_id) {
            return broken("intent_id", "must be that of the round before");
        }
        if differs(&self.delegation_id, &previous.delegation_id) {
            return broken("delegation_id", "must be that of the round before");
        }
        let mut whole = self.clone();
        whole.intent_id = previous.intent_id.clone();
        whole.delegation_id = previous.delegation_id.clone();
        whole.intent_context = match (&self.intent_context, &previous.intent_context) {
            (Some(new), Some(old)) => Some(IntentContext {
                explicit_intent: new.explicit_intent.clone().or_else(|| old.explicit_intent.clone()),
                implicit_intent: new.implicit_intent.clone().or_else(|| old.implicit_intent.clone()),
                preferences: new.preferences.clone().or_else(|| old.preferences.clone()),
            }),
            (new, old) => new.clone().or_else(|| old.clone()),
        };
        whole.constraints = match (&self.constraints, &previous.constraints) {
            (Some(new), Some(old)) => Some(Constraints {
                max_amount: new.max_amount.or(old.max_amount),
                currency: new.currency.clone().or_else(|| old.currency.clone()),
                allowed_categories: new.allowed_categories.clone().or_else(|| old.allowed_categories.clone()),
                forbidden_categories: new
                    .forbidden_categories
                    .clone()
                    .or_else(|| old.forbidden_categories.clone()),
                allowed_merchants: new.allowed_merchants.clone().or_else(|| old.allowed_merchants.clone()),
                forbidden_merchants: new
                    .forbidden_merchants
                    .clone()
                    .or_else(|| old.forbidden_merchants.clone()),
                max_delivery_seconds: new.max_delivery_seconds.or(old.max_delivery_seconds),
                item_id: new.item_id.clone().or_else(|| old.item_id.clone()),
                quantity: new.quantity.or(old.quantity),
            }),
            (new, old) => new.clone().or_else(|| old.clone()),
        };
        whole.response_requirements = match (&self.response_requirements, &previous.response_requirements) {
            (Some(new), Some(old)) => Some(ResponseRequirements {
                max_candidates: new.max_candidates.or(old.max_candidates),
                sort_preference: new.sort_preference.or(old.sort_preference),
            }),
            (new, old) => new.clone().or_else(|| old.clone()),
        };
        Ok(whole)
    }
}

impl Constraints {
    /// The members that contradict each other; none where all can be kept at once.
    pub fn conflicts(&self) -> Vec<&'static str> {
        let overlap = |allowed: &Option<Vec<Identifier>>, forbidden: &Option<Vec<Identifier>>| {
            let forbidden = forbidden.as_deref().unwrap_or_default();
            allowed.as_deref().unwrap_or_default().iter().any(|name| forbidden.contains(name))
        };
        let is_empty = |list: &Option<Vec<Identifier>>| list.as_ref().is_some_and(Vec::is_empty);
        let mut found = Vec::new();
        if overlap(&self.allowed_categories, &self.forbidden_categories) || is_empty(&self.allowed_categories)
        {
            found.push("allowed_categories");
        }
        if overlap(&self.allowed_merchants, &self.forbidden_merchants) || is_empty(&self.allowed_merchants) {
            found.push("allowed_merchants");
        }
        if self.max_amount == Some(AmountNumber::ZERO) {
            found.push("max_amount");
        }
        if self.quantity == Some(0) {
            found.push("quantity");
        }
        found
    }
}

fn check(request: &TransferRequest) -> Result<(), Malformed> {
    if request.previous_request_id.as_ref() == Some(&request.request_id) {
        return broken("previous_request_id", "must be of another round");
    }
    if request.previous_request_id.is_some() {
        return Ok(());
    }
    if request.intent_context.is_none() {
        return Err(Malformed::Missing { path: "request", name: "intent_context" });
    }
    if request.constraints.is_none() {
        return Err(Malformed::Missing { path: "request", name: "constraints" });
    }
    if request.response_requirements.is_none() {
        return Err(Malformed::Missing { path: "request", name: "response_requirements" });
    }
    Ok(())
}

fn not_empty(response: &TransferResponse) -> Result<(), Malformed> {
    if response.candidates.is_empty() {
        return Err(Malformed::Rule {
            path: "response",
            name: "candidates",
            rule: "must hold at least one; nothing found is an error of its own",
        });
    }
    Ok(())
}

fn broken<T>(name: &'static str, rule: &'static str) -> Result<T, Malformed> {
    Err(Malformed::Rule { path: "request", name, rule })
}

fn renamed(members: &[u8]) -> Result<Vec<u8>, Malformed> {
    use serde_json::value::RawValue;
    use std::collections::BTreeMap;
    let mut outer: BTreeMap<String, &RawValue> =
        serde_json::from_slice(members).map_err(|_| Malformed::NotAnObject { path: "request" })?;
    let inner = outer.get("constraints").map(|raw| raw.get()).unwrap_or("{}");
    let inner = modern("constraints", inner.as_bytes(), OLD_CONSTRAINTS)?;
    let inner: &RawValue =
        serde_json::from_slice(&inner).map_err(|_| Malformed::NotAnObject { path: "constraints" })?;
    outer.insert("constraints".to_owned(), inner);
    Ok(serde_json::to_vec(&outer).expect("what was read as JSON is written as such"))
}

signed_request!(TransferRequest covers every member);
