//! Rehearsal: what a mandate's limits would have said of purchases that were made under others.
//!
//! An owner tries a rule on last month before agreeing to it. What is asked here is what a payment is asked: the same
//! limits count the same way, in the same order ([`crate::limit`]), only over a list instead of a book.

use crate::canon::Code;
use crate::entry::{Ask, Refusal, RuleRef, Scope};
use crate::id::PayeeId;
use crate::limit::{Limit, PayeeFacts, Policy, Spending, Usage, consult};
use crate::money::Amount;
use crate::table::Slot;
use crate::time::Time;
use crate::wallet::remember;
use std::collections::BTreeMap;

/// A purchase that an agent once made, or tried to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// When. Later than the one before.
    pub at: Time,
    /// How much.
    pub amount: Amount,
    /// Who would have collected; at least one.
    pub payees: Vec<PastPayee>,
    /// The category that the purchase itself named.
    pub category: Option<Code>,
}

/// A payee of a past purchase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastPayee {
    /// Who.
    pub payee: PayeeId,
    /// What it sells.
    pub category: Code,
    /// Whether somebody trustworthy had vouched for it.
    pub is_trusted: bool,
}

/// What would have come of a purchase, had there been money enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rehearsed {
    /// It would have been made.
    Allowed,
    /// The owner would have been asked. What she would have said is not known here: it is not counted.
    Asked {
        /// The limit that asks, in version 1 of a mandate; or a rule of the book.
        rule: RuleRef,
        /// Why.
        ask: Ask,
    },
    /// It would have been refused.
    Denied(Refusal),
}

/// What each of `past` would have come to, had `limits` been the limits of a mandate since `since`, and the only ones.
///
/// `contacts` are the payees that the wallet had paid before. They grow no further: limits to which that matters allow no
/// payee that is new. A purchase counts where the limits allow it. What prices were seen then is not known here: a limit
/// that waits for one denies.
pub fn rehearse(limits: &[Limit], since: Time, contacts: &[PayeeId], past: &[Past]) -> Vec<Rehearsed> {
    let mut policy = Policy::new(limits.to_vec(), Usage::default(), since);
    let mut slots = Slots::default();
    let mut known = Vec::new();
    contacts.iter().for_each(|payee| remember(&mut known, slots.of(*payee)));
    let mut rehearsed = Vec::with_capacity(past.len());
    for purchase in past {
        let facts = |it: &PastPayee| {
            let (payee, category) = (it.payee, it.category);
            PayeeFacts { payee, slot: slots.of(payee), category, observed: &[] }
        };
        let payees: Vec<PayeeFacts<'_>> = purchase.payees.iter().map(facts).collect();
        let Past { at, amount, category, .. } = *purchase;
        let spending = Spending { at, amount, payees: &payees, contacts: &known, category, reference: None };
        let is_trusted = purchase.payees.iter().all(|payee| payee.is_trusted);
        let unverified = (!is_trusted).then_some((RuleRef::BOOK, Ask::PayeeUnverified));
        rehearsed.push(
            match consult([(Scope::Mandate, Some(&policy))], Some(&policy), &spending, unverified) {
                Ok(None) => {
                    policy.usage.spend(at, amount);
                    Rehearsed::Allowed
                }
                Ok(Some((rule, ask))) => Rehearsed::Asked { rule, ask },
                Err(refusal) => Rehearsed::Denied(refusal),
            },
        );
    }
    rehearsed
}

/// A place for each payee, as in the table of a book that has no others.
#[derive(Default)]
struct Slots(BTreeMap<PayeeId, Slot>);

impl Slots {
    fn of(&mut self, payee: PayeeId) -> Slot {
        let next = u32::try_from(self.0.len()).expect("a list names fewer than 2^32 payees");
        *self.0.entry(payee).or_insert_with(|| Slot::new(next))
    }
}
