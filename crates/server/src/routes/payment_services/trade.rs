//! Where a payment that was asked for stands: read from the book every time, never kept beside it.

use super::ids;
use super::message::Message;
use crate::answer::purchase_name;
use crate::limits::INSTANT_SECONDS_MAX;
use crate::problem::Answered;
use book::{Id, PaymentId, Seq, Time};
use engine::View;
use engine::views::{Answer, DecisionRow, Kind, QuestionRow, Ruling, State};
use evidence::Secret;
use protocols::act::psd::{Level, TradeStatus};

/// Where a payment stands.
#[derive(Clone, Debug)]
pub(crate) enum Trade {
    /// The book was never asked.
    Unknown,
    /// Paid, or set aside for the delivery, under this name.
    Paid { name: String, at: Time, entry: Seq, is_given_back: bool },
    /// The owner has not answered.
    Waiting(Box<QuestionRow>),
    /// The owner said yes, and the payment is to be made.
    Approved(Box<QuestionRow>),
    /// A rule said no, or the owner did: nothing moved, and nothing will.
    Over { entry: Seq, code: &'static str },
}

impl Trade {
    /// Where what `asked` asked for stands.
    pub(crate) fn of(
        secret: &Secret,
        view: &View,
        asked: Id,
        message: Option<&Message>,
        now: Time,
    ) -> Answered<Trade> {
        let Some(first) = view.decision_of(asked)? else { return Ok(Trade::Unknown) };
        if !matches!(first.kind, Kind::Pay | Kind::PlaceHold) {
            return Ok(Trade::Over { entry: first.seq, code: "id_reused" });
        }
        match first.ruling {
            Ruling::Allowed => return paid(view, &first),
            Ruling::Denied(refusal) => {
                return Ok(Trade::Over { entry: first.seq, code: refusal.denial.code() });
            }
            Ruling::Asked(..) => {}
        }
        let name = ids::approved(secret, asked);
        // Told to the agent before it is used, the name may have been used for something else.
        let uses = view.purchase(name)?.map(|row| row.purchase.approval == Some(asked));
        let second = view.decision_of(name)?.filter(|_| uses != Some(false));
        match second.as_ref().map(|second| (second, second.ruling)) {
            Some((second, Ruling::Allowed)) => return paid(view, second),
            Some((second, Ruling::Denied(refusal))) => {
                return Ok(Trade::Over { entry: second.seq, code: refusal.denial.code() });
            }
            Some((_, Ruling::Asked(..))) | None => {}
        }
        let over = |code| Trade::Over { entry: first.seq, code };
        let Some(question) = view.question(asked, now)? else { return Ok(over("question_unknown")) };
        let deadline = deadline(&question, message);
        let in_time = match question.answered {
            Some(seq) => view.decision(seq)?.is_some_and(|answer| answer.at < deadline),
            None => now < deadline,
        };
        Ok(match question.answer {
            Answer::Waiting { .. } if in_time => Trade::Waiting(Box::new(question)),
            Answer::Approved { .. } if in_time => Trade::Approved(Box::new(question)),
            Answer::Waiting { .. } | Answer::Approved { .. } | Answer::Expired => over("approval_expired"),
            Answer::Refused => over("approval_refused"),
            Answer::Used => over("approval_used"),
        })
    }

    /// ACT's word for it.
    pub(crate) fn status(&self) -> TradeStatus {
        match self {
            Trade::Paid { is_given_back: true, .. } => TradeStatus::Closed,
            Trade::Paid { is_given_back: false, .. } => TradeStatus::Success,
            Trade::Unknown | Trade::Waiting(_) | Trade::Approved(_) => TradeStatus::Pending,
            Trade::Over { code, .. } if code.starts_with("approval_") => TradeStatus::Closed,
            Trade::Over { .. } => TradeStatus::Failed,
        }
    }
}

/// Until when an owner may say yes: minutes where she stands at the till, else as long as the book waits.
pub(crate) fn deadline(question: &QuestionRow, message: Option<&Message>) -> Time {
    let minutes = question.at.after(Time::from_seconds(INSTANT_SECONDS_MAX).0);
    match message.map(Message::level) {
        Some(Level::Instant) => minutes,
        Some(Level::Delegated | Level::Autonomous) | None => Time(u64::MAX),
    }
}

fn paid(view: &View, row: &DecisionRow) -> Answered<Trade> {
    let bought = view.purchase(row.id)?;
    let name = bought.as_ref().map(|bought| purchase_name(bought.id, bought.form));
    let name = name.unwrap_or_else(|| PaymentId(row.id).to_string());
    // What was set aside and never delivered is the owner's again.
    let is_given_back = bought.is_some_and(|bought| matches!(bought.state, State::Voided | State::Expired));
    Ok(Trade::Paid { name, at: row.at, entry: row.seq, is_given_back })
}
