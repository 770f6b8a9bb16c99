//! Where the task of a mandate stands, read from the book: whether it is used up, over, or who ended it.

use crate::problem::Answered;
use book::freeze::Status;
use book::{KeyHolder, Limit, Time};
use engine::View;
use engine::views::MandateRow;
use protocols::act::psd::agreement::TaskState;

/// Where the task of a mandate that was granted stands at `now`. What is frozen is none the worse for it: nothing is
/// paid, and it goes on when it is thawed.
pub(crate) fn task(view: &View, row: &MandateRow, now: Time) -> Answered<TaskState> {
    if is_used_up(row) {
        return Ok(TaskState::Finished);
    }
    let change = match row.changed {
        Some(seq) => view.decision(seq)?,
        None => None,
    };
    if row.status == Status::Revoked
        && let Some(change) = change.filter(|change| change.at < row.expires_at)
    {
        return Ok(match change.by.holder() {
            Some(KeyHolder::Owner(_) | KeyHolder::Agent(_)) => TaskState::Cancelled,
            Some(KeyHolder::Operator | KeyHolder::Payee(_)) | None => TaskState::Terminate,
        });
    }
    if row.expires_at <= now {
        return Ok(TaskState::Expired);
    }
    // Without its agent or its wallet nobody ever pays under it again.
    let agent = view.agent(row.agent)?.map(|agent| agent.status);
    let wallet = view.wallet(row.wallet)?.map(|wallet| wallet.status);
    if [agent, wallet].contains(&Some(Status::Revoked)) {
        return Ok(TaskState::Terminate);
    }
    Ok(TaskState::Normal)
}

/// Whether its times or its total are used up. What is set aside counts.
fn is_used_up(row: &MandateRow) -> bool {
    row.limits.iter().any(|limit| match limit {
        Limit::Uses { max } => *max <= row.spent.uses,
        Limit::Total { max } => *max <= row.spent.amount,
        Limit::PerPayment { .. }
        | Limit::Window { .. }
        | Limit::Velocity { .. }
        | Limit::PayeesAllowed { .. }
        | Limit::PayeesDenied { .. }
        | Limit::CategoriesAllowed { .. }
        | Limit::CategoriesDenied { .. }
        | Limit::Validity { .. }
        | Limit::AskAbove { .. }
        | Limit::AskFirstContact
        | Limit::AskAlways
        | Limit::PriceAtMost { .. }
        | Limit::Unknown { .. } => false,
    })
}
