//! Freezing, unfreezing and revoking: how an owner stops what is under way. Each takes effect for the next command.

use crate::agent::{Holder, presence_required};
use crate::book::{Book, Decision};
use crate::canon::{canon_enum, canon_struct};
use crate::command::Actor;
use crate::entry::{Denial, Outcome, Reject};
use crate::id::{AgentId, MandateId, OwnerId, PayeeId, WalletId};
use crate::open::deny;
use crate::table::Slot;
use crate::time::Time;

/// Whether a row takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It does.
    Active,
    /// It does not for now.
    Frozen,
    /// It never will again.
    Revoked,
}

canon_enum!(Status { 1 => Active, 2 => Frozen, 3 => Revoked });

/// What can be stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Everything of an owner.
    Owner(OwnerId),
    /// A wallet or sub-account.
    Wallet(WalletId),
    /// An agent, in everything it does.
    Agent(AgentId),
    /// One mandate.
    Mandate(MandateId),
    /// A seller: nothing new is paid to it, and it is paid out nothing.
    Payee(PayeeId),
}

canon_enum!(Subject { 1 => Owner(it), 2 => Wallet(it), 3 => Agent(it), 4 => Mandate(it), 5 => Payee(it) });

/// Stops for now. What is held stays held until the owner decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freeze {
    /// What.
    pub subject: Subject,
}

canon_struct!(Freeze { subject });

/// Goes on. The owner must have authenticated for this very request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfreeze {
    /// What.
    pub subject: Subject,
}

canon_struct!(Unfreeze { subject });

/// Ends an agent or a mandate for good. An agent may hand its own mandate back, and take back one delegated from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoke {
    /// What.
    pub subject: Subject,
}

canon_struct!(Revoke { subject });

/// A row that can be stopped.
#[derive(Clone, Copy)]
enum Found {
    Owner(Slot),
    Wallet(Slot),
    Agent(Slot),
    Mandate(Slot),
    Payee(Slot),
}

impl Freeze {
    pub(crate) fn decide(&self, book: &Book, by: Actor) -> Decision {
        match book.may_stop(self.subject, by) {
            Err(no) => no,
            Ok(found) if book.status(found) == Status::Revoked => deny(Denial::Revoked),
            Ok(_) => Decision::Record(Outcome::Done),
        }
    }

    pub(crate) fn apply(&self, book: &mut Book) {
        let found = book.find_subject(self.subject).expect("decided: the subject is known");
        *book.status_mut(found) = Status::Frozen;
        match found {
            Found::Owner(slot) => count(&mut book.owners.at_mut(slot).stops),
            Found::Wallet(slot) => count(&mut book.wallets.at_mut(slot).stops),
            Found::Agent(slot) => count(&mut book.agents.at_mut(slot).stops),
            Found::Mandate(slot) => count(&mut book.mandates.at_mut(slot).stops),
            Found::Payee(_) => {}
        }
    }
}

fn count(stops: &mut u32) {
    *stops = stops.saturating_add(1);
}

impl Unfreeze {
    pub(crate) fn decide(&self, book: &Book, by: Actor) -> Decision {
        match book.may_stop(self.subject, by) {
            Err(no) => no,
            Ok(found) if book.status(found) == Status::Revoked => deny(Denial::Revoked),
            // What an owner stopped, the operator does not start.
            Ok(Found::Owner(_) | Found::Wallet(_) | Found::Agent(_) | Found::Mandate(_))
                if matches!(by, Actor::Operator { .. }) =>
            {
                deny(Denial::Forbidden)
            }
            Ok(_) => presence_required(by).unwrap_or(Decision::Record(Outcome::Done)),
        }
    }

    pub(crate) fn apply(&self, book: &mut Book) {
        let found = book.find_subject(self.subject).expect("decided: the subject is known");
        *book.status_mut(found) = Status::Active;
    }
}

impl Revoke {
    pub(crate) fn decide(&self, book: &Book, by: Actor) -> Decision {
        match book.may_end(self.subject, by) {
            Err(no) => no,
            Ok(Found::Agent(_) | Found::Mandate(_)) => Decision::Record(Outcome::Done),
            Ok(Found::Owner(_) | Found::Wallet(_) | Found::Payee(_)) => deny(Denial::Forbidden),
        }
    }

    pub(crate) fn apply(&self, book: &mut Book, at: Time) {
        match book.find_subject(self.subject).expect("decided: the subject is known") {
            Found::Mandate(mandate) if book.mandates.at(mandate).status != Status::Revoked => {
                book.end_mandate(mandate, at);
            }
            found @ (Found::Owner(_)
            | Found::Wallet(_)
            | Found::Agent(_)
            | Found::Mandate(_)
            | Found::Payee(_)) => *book.status_mut(found) = Status::Revoked,
        }
    }
}

impl Book {
    fn find_subject(&self, subject: Subject) -> Result<Found, Reject> {
        match subject {
            Subject::Owner(id) => self.owners.find(id.0).map(Found::Owner).ok_or(Reject::OwnerUnknown),
            Subject::Wallet(id) => self.wallets.find(id.0).map(Found::Wallet).ok_or(Reject::WalletUnknown),
            Subject::Agent(id) => self.agents.find(id.0).map(Found::Agent).ok_or(Reject::AgentUnknown),
            Subject::Mandate(id) => {
                self.mandates.find(id.0).map(Found::Mandate).ok_or(Reject::MandateUnknown)
            }
            Subject::Payee(id) => self.payees.find(id.0).map(Found::Payee).ok_or(Reject::PayeeUnknown),
        }
    }

    /// The row, for its owner and the operator.
    fn may_stop(&self, subject: Subject, by: Actor) -> Result<Found, Decision> {
        let found = self.find_subject(subject).map_err(Decision::Reject)?;
        let (owner, unknown) = match found {
            Found::Owner(slot) => (Some(slot), Reject::OwnerUnknown),
            Found::Wallet(slot) => (Some(self.wallets.at(slot).owner), Reject::WalletUnknown),
            Found::Agent(slot) => {
                (Some(self.wallets.at(self.agents.at(slot).wallet).owner), Reject::AgentUnknown)
            }
            Found::Mandate(slot) => {
                (Some(self.wallets.at(self.mandates.at(slot).wallet).owner), Reject::MandateUnknown)
            }
            Found::Payee(_) => (None, Reject::PayeeUnknown),
        };
        let no = match owner {
            Some(owner) => self.owner_or_operator(by, owner).map(|no| match no {
                Decision::Reject(Reject::OwnerUnknown) => Decision::Reject(unknown),
                Decision::Reject(_) | Decision::Record(_) | Decision::Repeat(_) => no,
            }),
            None => self.operator_only(by),
        };
        no.map_or(Ok(found), Err)
    }

    /// The row, for its owner and the operator, for the agent that hands its own mandate back, and for the agent of the
    /// mandate that it was delegated from. Those further up stop their own.
    fn may_end(&self, subject: Subject, by: Actor) -> Result<Found, Decision> {
        let (Subject::Mandate(mandate), Actor::Agent { agent, key }) = (subject, by) else {
            return self.may_stop(subject, by);
        };
        let unknown = Decision::Reject(Reject::MandateUnknown);
        let slot = self.mandates.find(mandate.0).ok_or(unknown)?;
        let mandate = self.mandates.at(slot);
        let parent = mandate.parent.map(|parent| self.mandates.at(parent).agent);
        let agent =
            self.agents.find(agent.0).filter(|agent| *agent == mandate.agent || Some(*agent) == parent);
        let Some(agent) = agent else {
            return Err(Decision::Reject(Reject::MandateUnknown));
        };
        self.check_key(key, Holder::Agent(agent)).map_or(Ok(Found::Mandate(slot)), Err)
    }

    fn status(&self, found: Found) -> Status {
        match found {
            Found::Owner(slot) => self.owners.at(slot).status,
            Found::Wallet(slot) => self.wallets.at(slot).status,
            Found::Agent(slot) => self.agents.at(slot).status,
            Found::Mandate(slot) => self.mandates.at(slot).status,
            Found::Payee(slot) => self.payees.at(slot).status,
        }
    }

    fn status_mut(&mut self, found: Found) -> &mut Status {
        match found {
            Found::Owner(slot) => &mut self.owners.at_mut(slot).status,
            Found::Wallet(slot) => &mut self.wallets.at_mut(slot).status,
            Found::Agent(slot) => &mut self.agents.at_mut(slot).status,
            Found::Mandate(slot) => &mut self.mandates.at_mut(slot).status,
            Found::Payee(slot) => &mut self.payees.at_mut(slot).status,
        }
    }
}
