//! Why there is no answer, told apart by what the caller may do about it.

use wire::Problem;

/// Why a request was not done.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Failure {
    /// The server said no, and why. Refusals of purchases are recorded, and have receipts.
    #[error("{}", .0.detail)]
    Refused(Box<Problem>),
    /// The server was never reached: nothing has happened.
    #[error("the server cannot be reached: {0}")]
    Unreachable(String),
    /// The request went out and no answer came: it may have been done. Ask again, under the same id.
    #[error("no answer came; ask again under the same id: {0}")]
    Unknown(String),
    /// An answer came and cannot be read: it was done or not. Ask again, under the same id.
    #[error("the answer cannot be read: {0}")]
    Unreadable(String),
}

impl Failure {
    /// The code of the server's refusal.
    pub fn code(&self) -> Option<&str> {
        match self {
            Failure::Refused(problem) => Some(&problem.code),
            Failure::Unreachable(_) | Failure::Unknown(_) | Failure::Unreadable(_) => None,
        }
    }

    /// Whether it may have been done all the same.
    pub fn is_unknown(&self) -> bool {
        match self {
            Failure::Refused(problem) => 500 <= problem.status,
            Failure::Unknown(_) | Failure::Unreadable(_) => true,
            Failure::Unreachable(_) => false,
        }
    }
}

/// What came of a purchase: it was done, or its owner is asked first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer<T> {
    /// It was done.
    Done(T),
    /// Nothing was spent: the owner has to say. Then send the same purchase under a new id, with `approval`.
    Asked(Box<wire::answer::Asked>),
}
