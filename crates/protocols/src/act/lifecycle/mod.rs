//! `ADD-IAC-LCM`: the four states of a credential, who may move it, and what holds when nobody can say.
//!
//! A [`Lifecycle`] is what the keeper of the state holds; a [`StatusDocument`] is what it answers; a
//! [`Knowledge`] is what somebody who once asked still knows (ACT 2.1 section 4).

mod knowledge;
mod state;
mod status;

pub use knowledge::{Knowledge, ProvisionalPolicy, Standing, StatusService};
pub use state::{Caller, Change, DelegationEvent, IacState, Lifecycle, NotChanged, NotUsable, Transition};
pub use status::StatusDocument;
