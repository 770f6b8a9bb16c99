//! What somebody who uses a credential knows of its state, and what it may decide while nobody answers.

use super::state::{IacState, NotUsable, usable};
use super::status::StatusDocument;
use crate::a402::Identifier;
use crate::act::amount::AmountNumber;
use crate::act::iac::VerifiedIac;
use book::Time;

/// What was learned about one credential from its status service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Knowledge {
    delegation_id: Identifier,
    last: Option<LastAnswer>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct LastAnswer {
    state: IacState,
    changed_at: Time,
    heard_at: Time,
}

/// Whether the status service answers now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusService {
    /// The last answer learned is of this moment.
    Answers,
    Down,
}

/// What may be decided without a fresh answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProvisionalPolicy {
    /// For how many seconds after the last good answer.
    pub answer_age_seconds_max: u64,
    /// The most one payment may be meanwhile.
    pub amount_max: AmountNumber,
}

/// How firmly a credential may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The status service has just said so.
    Confirmed,
    /// From memory: only up to this amount, and to be settled once the service answers (LCM-08).
    Provisional { amount_max: AmountNumber },
}

impl Knowledge {
    /// Nothing is known yet.
    pub fn nothing(delegation_id: Identifier) -> Self {
        Knowledge { delegation_id, last: None }
    }

    /// Learns an answer heard at `heard_at`.
    ///
    /// An answer about another credential, or about an earlier change than one we know of, teaches
    /// nothing; and nothing undoes a revocation or an expiry once known (LCM-03, LCM-08).
    pub fn learn(&mut self, answer: &StatusDocument, heard_at: Time) {
        if answer.delegation_id != self.delegation_id {
            return;
        }
        let learned = LastAnswer { state: answer.status, changed_at: answer.changed_at.time(), heard_at };
        let is_news = match self.last {
            Some(last) if last.state.is_final() => false,
            Some(last) => learned.state.is_final() || last.changed_at <= learned.changed_at,
            None => true,
        };
        if is_news {
            self.last = Some(learned);
        }
    }

    /// Whether `iac` may be used at `now`.
    ///
    /// # Errors
    /// [`NotUsable`]: what the window says counts first, then what is known; without a good answer that
    /// is young enough it is [`NotUsable::Unknown`].
    pub fn standing(
        &self,
        iac: &VerifiedIac,
        service: StatusService,
        policy: &ProvisionalPolicy,
        now: Time,
    ) -> Result<Standing, NotUsable> {
        let window = (iac.valid_from(), iac.valid_until());
        if iac.payload().delegation_id != self.delegation_id {
            return Err(NotUsable::Unknown);
        }
        let known = self.last.map_or(IacState::Active, |last| last.state);
        usable(known, window, now)?;
        let last = self.last.ok_or(NotUsable::Unknown)?;
        match service {
            StatusService::Answers => Ok(Standing::Confirmed),
            StatusService::Down => {
                let age_max = Time::from_seconds(policy.answer_age_seconds_max);
                if last.heard_at.after(age_max.0) < now {
                    return Err(NotUsable::Unknown);
                }
                Ok(Standing::Provisional { amount_max: policy.amount_max })
            }
        }
    }
}
