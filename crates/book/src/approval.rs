//! Approvals: what the owner is asked, and the one thing that an answer is good for.

use crate::alike::Like;
use crate::book::{Book, Decision};
use crate::canon::{canon_enum, canon_struct};
use crate::command::{Actor, Command};
use crate::entry::{self, Denial, Outcome, Reject};
use crate::id::Id;
use crate::limits::{APPROVAL_NANOS_MAX, ASK_NANOS_MAX, ASKS_AGENT_MAX, ASKS_AGENT_NANOS, ASKS_OPEN_MAX};
use crate::open::deny;
use crate::purchase::Payer;
use crate::table::Slot;
use crate::time::{Seq, Time};
use evidence::Hash;

/// A question that was put to an owner.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) wallet: Slot,
    pub(crate) digest: Hash,
    /// Its entry, also where the id of the purchase is not remembered any more.
    seq: Seq,
    asked_at: Time,
    answer: Answer,
    /// What the owner may say yes to for longer.
    pub(crate) like: Like,
}

canon_struct!(Question { wallet, digest, seq, asked_at, answer, like });

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Waiting,
    Approved { until: Time },
    Refused,
    Used,
}

canon_enum!(Answer { 1 => Waiting, 2 => Approved { until }, 3 => Refused, 4 => Used });

impl Question {
    /// When nothing can be done with it any more.
    pub(crate) fn forgotten_at(&self) -> Time {
        self.asked_at.after(ASK_NANOS_MAX).after(APPROVAL_NANOS_MAX)
    }

    fn is_waiting(&self, at: Time) -> bool {
        self.answer == Answer::Waiting && at < self.asked_at.after(ASK_NANOS_MAX)
    }
}

/// Says yes to one question: to exactly what was asked, once, until a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approve {
    /// The id of the payment or hold that raised the question.
    pub question: Id,
    /// What the owner saw: the question's digest.
    pub digest: Hash,
    /// Good until then, exclusive; at most 7 days ahead.
    pub until: Time,
}

canon_struct!(Approve { question, digest, until });

/// Says no to one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refuse {
    /// The id of the payment or hold that raised the question.
    pub question: Id,
}

canon_struct!(Refuse { question });

impl Approve {
    pub(crate) fn decide(&self, book: &Book, at: Time, by: Actor) -> Decision {
        let question = match book.waiting_question(self.question, at, by) {
            Ok(question) => question,
            Err(no) => return no,
        };
        if question.digest != self.digest {
            return deny(Denial::ApprovalMismatch);
        }
        if self.until <= at || at.after(APPROVAL_NANOS_MAX) < self.until {
            return Decision::Reject(Reject::TimeOutOfRange);
        }
        Decision::Record(Outcome::Done)
    }

    pub(crate) fn apply(&self, book: &mut Book) {
        book.answer(self.question, Answer::Approved { until: self.until });
    }
}

impl Refuse {
    pub(crate) fn decide(&self, book: &Book, at: Time, by: Actor) -> Decision {
        match book.waiting_question(self.question, at, by) {
            Ok(_) => Decision::Record(Outcome::Done),
            Err(no) => no,
        }
    }

    pub(crate) fn apply(&self, book: &mut Book) {
        book.answer(self.question, Answer::Refused);
    }
}

impl Book {
    /// A question that `by` may answer now.
    pub(crate) fn waiting_question(&self, id: Id, at: Time, by: Actor) -> Result<&Question, Decision> {
        let question = self.questions.get(id).ok_or(Decision::Reject(Reject::QuestionUnknown))?;
        let wallet = question.wallet;
        if let Some(no) = self.owner_only(by, self.wallets.at(wallet).owner, Reject::QuestionUnknown) {
            return Err(no);
        }
        match question.answer {
            Answer::Waiting if question.is_waiting(at) => Ok(question),
            Answer::Waiting => Err(deny(Denial::ApprovalExpired)),
            Answer::Approved { .. } | Answer::Used => Err(deny(Denial::ApprovalUsed)),
            Answer::Refused => Err(deny(Denial::ApprovalRefused)),
        }
    }

    pub(crate) fn answer(&mut self, id: Id, answer: Answer) {
        let question = self.questions.get_mut(id).expect("decided: the question is known");
        question.answer = answer;
        let wallet = question.wallet;
        if let Some(waiting) = &mut self.wallets.at_mut(wallet).asked {
            waiting.retain(|(asked, _)| *asked != id);
        }
    }

    /// Puts a question to the owner.
    pub(crate) fn ask(&mut self, at: Time, command: &Command, question: &entry::Question) {
        let purchase = command.action.purchase().expect("only purchases raise questions");
        let wallet = self.wallets.find(purchase.wallet.0).expect("decided: the wallet is known");
        let asked = self.wallets.at_mut(wallet).asked.get_or_insert_default();
        asked.retain(|(_, asked_at)| at < asked_at.after(ASK_NANOS_MAX));
        asked.push((command.id, at));
        let (digest, answer, seq) = (question.digest, Answer::Waiting, self.head.seq);
        let like = self.like(command, purchase, question.ask);
        self.count_question(like.agent, at);
        self.questions.push(command.id, Question { wallet, digest, seq, asked_at: at, answer, like });
    }

    /// The questions of `wallet` that wait.
    fn waiting(&self, wallet: Slot, at: Time) -> impl Iterator<Item = Id> {
        let asked = self.wallets.at(wallet).asked.iter().flat_map(|asked| asked.iter());
        asked.filter(move |(_, asked_at)| at < asked_at.after(ASK_NANOS_MAX)).map(|(id, _)| *id)
    }

    /// Whether `payer` may ask the owner one more thing.
    pub(crate) fn may_ask(&self, payer: Payer, at: Time) -> bool {
        let is_calm = payer.agent.is_none_or(|agent| {
            let (since, count) = self.agents.at(agent).asked;
            since.after(ASKS_AGENT_NANOS) <= at || count < ASKS_AGENT_MAX
        });
        is_calm && self.waiting(payer.wallet, at).count() < usize::from(ASKS_OPEN_MAX)
    }

    /// The entry of the question that waits for the same.
    pub(crate) fn waiting_for(&self, wallet: Slot, digest: Hash, at: Time) -> Option<Seq> {
        let questions = self.waiting(wallet, at).filter_map(|id| self.questions.get(id));
        questions.into_iter().find(|question| question.digest == digest).map(|question| question.seq)
    }

    /// Counts a question of an agent.
    fn count_question(&mut self, agent: Option<Slot>, at: Time) {
        let Some(agent) = agent else { return };
        let (since, count) = &mut self.agents.at_mut(agent).asked;
        if since.after(ASKS_AGENT_NANOS) <= at {
            (*since, *count) = (at, 0);
        }
        *count = count.saturating_add(1);
    }

    /// Why the approval of `question` does not allow what has `digest`.
    pub(crate) fn check_approval(
        &self,
        question: Id,
        wallet: Slot,
        digest: Hash,
        at: Time,
    ) -> Option<Decision> {
        let Some(row) = self.questions.get(question).filter(|row| row.wallet == wallet) else {
            return Some(Decision::Reject(Reject::QuestionUnknown));
        };
        match row.answer {
            Answer::Used => Some(deny(Denial::ApprovalUsed)),
            Answer::Refused => Some(deny(Denial::ApprovalRefused)),
            _ if row.digest != digest => Some(deny(Denial::ApprovalMismatch)),
            Answer::Waiting if row.is_waiting(at) => Some(deny(Denial::ApprovalPending)),
            Answer::Waiting => Some(deny(Denial::ApprovalExpired)),
            Answer::Approved { until } if at < until => None,
            Answer::Approved { .. } => Some(deny(Denial::ApprovalExpired)),
        }
    }

    /// An approval is good once.
    pub(crate) fn use_approval(&mut self, question: Option<Id>) {
        #[cfg(feature = "sabotage")]
        if self.has(crate::sabotage::Sabotage::ApprovalTwice) {
            return;
        }
        if let Some(id) = question {
            self.questions.get_mut(id).expect("decided: the question is known").answer = Answer::Used;
        }
    }
}
