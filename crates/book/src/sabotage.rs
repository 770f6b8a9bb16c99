//! Bugs on purpose, one at a time, to see that the simulator finds each: compiled with the feature `sabotage` only.
//!
//! Every place that a bug changes stands behind `#[cfg(feature = "sabotage")]` and names it, so that
//! `grep -rn sabotage crates/book/src crates/engine/src` shows all there is. No product is built with it.

use crate::book::{Book, Decision};
use crate::entry::{Entry, Moved, Outcome};
use crate::hold::{Capture, Hold};
use crate::limit::Versions;
use crate::money::Amount;
use crate::purchase::Payer;
use crate::time::Time;

/// Declares the bugs with their names.
macro_rules! bugs {
    ($($(#[$doc:meta])* $bug:ident $name:literal,)*) => {
        /// A bug.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Sabotage { $($(#[$doc])* $bug,)* }

        impl Sabotage {
            /// The whole list.
            pub const ALL: &'static [Sabotage] = &[$(Sabotage::$bug),*];

            /// What it is called on a command line.
            pub fn name(self) -> &'static str {
                match self { $(Sabotage::$bug => $name,)* }
            }
        }
    };
}

bugs! {
    /// Answers are given without waiting for the sync to succeed.
    AckBeforeSync "ack-before-sync",
    /// Limits are judged by what was used before the batch.
    CheckThenAct "check-then-act",
    /// Days end at midnight in Greenwich, whatever the zone.
    WindowInUtc "window-in-utc",
    /// Amounts lose what a float of 53 bits does not hold.
    FloatAmount "float-amount",
    /// A refund is not noted, so it can be had again.
    RefundTwice "refund-twice",
    /// The book never says that a hold is due.
    HoldNeverExpires "hold-never-expires",
    /// Replaying a journal forgets which nonces were used.
    NonceForgotten "nonce-forgotten",
    /// Each capture is within the hold, all of them together need not be.
    CaptureAboveHold "capture-above-hold",
    /// An approval stays good once it is used.
    ApprovalTwice "approval-twice",
    /// What rounding leaves over in a split is nobody's.
    SplitRemainderLost "split-remainder-lost",
    /// The fraction of a fee is dropped instead of carried to the next.
    FeeCarryDropped "fee-carry-dropped",
    /// An agent's first key goes on speaking for it after it was revoked.
    RevokedKeyCached "revoked-key-cached",
    /// A leader that was replaced does not notice.
    NotFenced "not-fenced",
    /// What a hold does not use is not given back to the limits.
    LimitNotGivenBack "limit-not-given-back",
    /// Replaying a journal forgets what was asked under an id, so that a repetition looks like another command.
    RequestForgotten "request-forgotten",
}

impl Book {
    /// Whether `bug` is planted.
    pub fn has(&self, bug: Sabotage) -> bool {
        self.sabotage == Some(bug)
    }

    /// Whether days end in Greenwich.
    pub(crate) fn has_utc(&self) -> bool {
        self.has(Sabotage::WindowInUtc)
    }

    /// Plants [`Sabotage::CaptureAboveHold`].
    pub(crate) fn capture_anyway(&self, capture: &Capture, hold: &Hold) -> Option<Decision> {
        if !self.has(Sabotage::CaptureAboveHold) || hold.amount < capture.amount {
            return None;
        }
        let parts = self.divide(&hold.to, None, capture.amount);
        let moved = Moved { amount: capture.amount, parts, versions: Versions::default() };
        Some(Decision::Record(Outcome::Captured(moved)))
    }

    /// Plants a bug.
    pub fn plant(&mut self, bug: Option<Sabotage>) {
        self.sabotage = bug;
    }

    /// Plants [`Sabotage::CheckThenAct`] for one purchase: it is counted only once the batch is over.
    pub(crate) fn count_later(&mut self, at: Time, payer: Payer, amount: Amount) -> bool {
        let is_planted = self.has(Sabotage::CheckThenAct);
        if is_planted {
            self.uncounted.push((at, payer, amount));
        }
        is_planted
    }

    /// The batch is over.
    pub fn end_batch(&mut self) {
        for (at, payer, amount) in std::mem::take(&mut self.uncounted) {
            self.each_policy(payer, |policy| policy.usage.spend(at, amount));
        }
    }

    /// Forgets what a replayed entry would have to be remembered for.
    pub(crate) fn forget_replayed(&mut self, entry: &Entry) {
        if self.has(Sabotage::NonceForgotten)
            && let Some(key) = entry.command.by.key().and_then(|key| self.keys.get_mut(key.0))
        {
            key.forget_nonces();
        }
        if self.has(Sabotage::RequestForgotten)
            && let Some(record) = self.records.get_mut(entry.command.id)
        {
            record.request = 0;
        }
    }
}

/// What is left of `amount` in a float of 53 bits.
pub(crate) fn floated(amount: Amount) -> Amount {
    let spare = 128u32.saturating_sub(amount.minor().leading_zeros()).saturating_sub(53);
    Amount::new(amount.minor() >> spare << spare).unwrap_or(amount)
}

/// `amounts`, rounded down to what `weights` give them.
pub(crate) fn rounded_down(amount: Amount, weights: &[u128], amounts: Vec<Amount>) -> Vec<Amount> {
    let whole = weights.iter().fold(0u128, |sum, weight| sum.saturating_add(*weight));
    let down = |(weight, rounded): (&u128, Amount)| {
        let share = amount.minor().checked_mul(*weight).and_then(|product| product.checked_div(whole));
        share.and_then(Amount::new).unwrap_or(rounded)
    };
    weights.iter().zip(amounts).map(down).collect()
}
