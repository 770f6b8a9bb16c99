//! The life of the task that an agreement is for: seven states, and the moves between them.
//!
//! The agreement itself has four words only ([`AgreementStatus`]); payment services tell more, and their word for the
//! whole is the task. Nothing leads out of the last five states.

use super::messages::AgreementStatus;
use crate::a402::words::words;
use crate::act::object::word_fields;

words! {
    /// Where a task stands.
    TaskState {
        /// The principal has not answered yet.
        Signing = "SIGNING",
        /// Signed: it is paid under while its limits and the price allow.
        Normal = "NORMAL",
        /// Final: everything that it allowed was paid.
        Finished = "FINISHED",
        /// Final: the principal or the agent ended it.
        Cancelled = "CANCELLED",
        /// Final: its time is over.
        Expired = "EXPIRED",
        /// Final: the payment service ended it.
        Terminate = "TERMINATE",
        /// Final: it never came about.
        Invalid = "INVALID",
    }
}

words! {
    /// What happens to a task.
    TaskEvent {
        /// The principal says yes.
        Sign = "SIGN",
        /// The principal says no.
        Decline = "DECLINE",
        /// A payment that leaves something to be paid.
        Pay = "PAY",
        /// The last payment there is room for.
        Complete = "COMPLETE",
        /// The principal or the agent ends it.
        Cancel = "CANCEL",
        /// Its time is over.
        Expire = "EXPIRE",
        /// The payment service ends it.
        Terminate = "TERMINATE",
    }
}

word_fields!(TaskState);

/// A move that no task makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a task that is `{from}` does not take `{event}`")]
pub struct NoSuchMove {
    pub from: TaskState,
    pub event: TaskEvent,
}

impl TaskState {
    /// Where the task stands after `event`.
    ///
    /// # Errors
    /// [`NoSuchMove`]; nothing changes then.
    pub fn after(self, event: TaskEvent) -> Result<TaskState, NoSuchMove> {
        use TaskEvent as E;
        match (self, event) {
            (TaskState::Signing, E::Sign) => Ok(TaskState::Normal),
            (TaskState::Signing, E::Decline | E::Expire) => Ok(TaskState::Invalid),
            (TaskState::Normal, E::Pay) => Ok(TaskState::Normal),
            (TaskState::Normal, E::Complete) => Ok(TaskState::Finished),
            (TaskState::Normal, E::Cancel) => Ok(TaskState::Cancelled),
            (TaskState::Normal, E::Expire) => Ok(TaskState::Expired),
            (TaskState::Normal, E::Terminate) => Ok(TaskState::Terminate),
            (
                TaskState::Signing
                | TaskState::Normal
                | TaskState::Finished
                | TaskState::Cancelled
                | TaskState::Expired
                | TaskState::Terminate
                | TaskState::Invalid,
                event,
            ) => Err(NoSuchMove { from: self, event }),
        }
    }

    /// The agreement's own word for it. One that is used up is signed still: the next payment is refused for its total.
    pub fn agreement(self) -> AgreementStatus {
        match self {
            TaskState::Signing => AgreementStatus::Signing,
            TaskState::Normal | TaskState::Finished => AgreementStatus::Signed,
            TaskState::Cancelled | TaskState::Expired | TaskState::Terminate => AgreementStatus::Cancelled,
            TaskState::Invalid => AgreementStatus::Unsigned,
        }
    }
}
