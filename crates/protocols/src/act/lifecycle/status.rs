//! The answer of a status service: where a credential stands, since when, and by whom.

use super::state::{IacState, Lifecycle};
use crate::a402::Identifier;
use crate::act::object::{messages, object};
use crate::act::text::UtcTime;
use book::Time;

object! {
    /// What `status_reference` answers. ACT leaves the protocol open: the whole message is ours.
    pub struct StatusDocument open_ended "status" {
        required delegation_id: Identifier,
        required status: IacState,
        /// When the credential came into this state.
        required changed_at: UtcTime,
        /// Who brought it there; nobody where it was time or issuance.
        optional changed_by: Identifier,
    }
}

messages!(StatusDocument in "status");

impl StatusDocument {
    /// The answer about `lifecycle` at `now`.
    pub fn of(
        delegation_id: Identifier,
        lifecycle: &Lifecycle,
        changed_by: Option<Identifier>,
        now: Time,
    ) -> Self {
        let status = lifecycle.state_at(now);
        StatusDocument {
            delegation_id,
            status,
            changed_at: UtcTime::second_of(lifecycle.changed_at(now)),
            changed_by: match status {
                IacState::Expired => None,
                IacState::Active | IacState::Suspended | IacState::Revoked => changed_by,
            },
        }
    }
}
