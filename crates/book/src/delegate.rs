//! Delegation: an agent lets another agent of the same wallet spend part of what it may spend itself.
//!
//! A delegated mandate is one more row of limits, never a share of money: at a payment the mandate, all those it was
//! delegated from and all their agents have to agree, and it counts for each of them. So the children of a mandate
//! together never spend more than it allows, and stopping it, or its agent, stops them with the next command.

use crate::agent::{Holder, presence_required};
use crate::book::{Book, Decision};
use crate::canon::canon_struct;
use crate::command::Actor;
use crate::compare::widens;
use crate::entry::{Denial, Outcome, Reject, Scope};
use crate::freeze::Status;
use crate::id::{AgentId, Id, MandateId};
use crate::limit::{Limit, Policy, Usage};
use crate::limits::{DELEGATION_DEPTH_MAX, DELEGATIONS_MAX};
use crate::mandate::Mandate;
use crate::open::deny;
use crate::table::Slot;
use crate::time::Time;
use evidence::Hash;

/// Lets another agent spend within a mandate. The command's id becomes the new [`MandateId`].
///
/// For the agent of the mandate, and for the owner who is present for this very request. What the new mandate does not limit is limited as in the one above.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delegate {
    /// The mandate that is delegated.
    pub parent: MandateId,
    /// To this agent of the same wallet, which is not above already.
    pub agent: AgentId,
    /// From then on; not before the parent.
    pub valid_from: Time,
    /// Until then, exclusive; not behind the parent.
    pub expires_at: Time,
    /// Within these too. None of them may claim more than the mandates above allow.
    pub limits: Vec<Limit>,
    /// The digest of the text or credential that was agreed to.
    pub document: Hash,
}

canon_struct!(Delegate { parent, agent, valid_from, expires_at, limits, document });

impl Delegate {
    pub(crate) fn decide(&self, book: &Book, at: Time, id: Id, by: Actor) -> Decision {
        let Some(slot) = book.mandates.find(self.parent.0) else {
            return Decision::Reject(Reject::MandateUnknown);
        };
        let parent = book.mandates.at(slot);
        if let Some(no) = book.may_delegate(by, parent) {
            return no;
        }
        let agent = book.agents.find(self.agent.0);
        let Some(agent) = agent.filter(|agent| book.agents.at(*agent).wallet == parent.wallet) else {
            return Decision::Reject(Reject::AgentUnknown);
        };
        if book.mandates.get(id).is_some() {
            return Decision::Reject(Reject::AlreadyExists);
        }
        if self.expires_at <= self.valid_from || self.expires_at <= at {
            return Decision::Reject(Reject::TimeOutOfRange);
        }
        if DELEGATIONS_MAX <= parent.children {
            return Decision::Reject(Reject::TooMany);
        }
        if let Some(denial) = book.stopped_with_owner(parent).or_else(|| book.stopped_above(Some(slot))) {
            return deny(denial);
        }
        if book.agents.at(agent).status == Status::Revoked {
            return deny(Denial::AgentRevoked);
        }
        if parent.expires_at <= at {
            return deny(Denial::MandateExpired);
        }
        if book.lineage(Some(slot)).any(|above| book.mandates.at(above).agent == agent) {
            return deny(Denial::DelegationCircular);
        }
        if usize::from(DELEGATION_DEPTH_MAX) < book.lineage(Some(slot)).count() {
            return deny(Denial::DelegationTooDeep);
        }
        let is_within = parent.valid_from <= self.valid_from && self.expires_at <= parent.expires_at;
        if !is_within || book.is_wider_than(slot, &self.limits) {
            return deny(Denial::DelegationTooWide);
        }
        presence_required(by).unwrap_or(Decision::Record(Outcome::Done))
    }

    pub(crate) fn apply(&self, book: &mut Book, at: Time, id: Id) {
        let parent = book.mandates.find(self.parent.0).expect("decided: the mandate is known");
        let agent = book.agents.find(self.agent.0).expect("decided: the agent is known");
        let row = book.mandates.at_mut(parent);
        row.children = row.children.saturating_add(1);
        let mandate = Mandate {
            wallet: row.wallet,
            agent,
            status: Status::Active,
            valid_from: self.valid_from,
            expires_at: self.expires_at,
            // It begins with nothing used: all that counts for it counts for those above as well, and goes on there.
            policy: Policy::new(self.limits.clone(), Usage::default(), at),
            parent: Some(parent),
            children: 0,
            stops: 0,
        };
        book.mandates.insert(id, mandate);
    }
}

impl Book {
    /// The answer to whoever may not delegate `parent`.
    fn may_delegate(&self, by: Actor, parent: &Mandate) -> Option<Decision> {
        match by {
            Actor::Agent { agent, key } => match self.agents.find(agent.0) {
                Some(agent) if agent == parent.agent => self.check_key(key, Holder::Agent(agent)),
                Some(_) | None => Some(Decision::Reject(Reject::MandateUnknown)),
            },
            Actor::Owner { .. } | Actor::Operator { .. } | Actor::Payee { .. } | Actor::Book => {
                self.owner_only(by, self.wallets.at(parent.wallet).owner, Reject::MandateUnknown)
            }
        }
    }

    /// What stops the owner or the wallet of `mandate`, if anything.
    fn stopped_with_owner(&self, mandate: &Mandate) -> Option<Denial> {
        let wallet = self.wallets.at(mandate.wallet);
        when_stopped(self.owners.at(wallet.owner).status, Denial::OwnerFrozen, Denial::OwnerFrozen)
            .or_else(|| when_stopped(wallet.status, Denial::WalletFrozen, Denial::WalletClosed))
    }

    /// What stops `parent`, one of those above it, or the agent of any of them.
    pub(crate) fn stopped_above(&self, parent: Option<Slot>) -> Option<Denial> {
        self.lineage(parent).find_map(|slot| {
            let mandate = self.mandates.at(slot);
            let agent = self.agents.at(mandate.agent).status;
            when_stopped(mandate.status, Denial::MandateFrozen, Denial::MandateRevoked)
                .or_else(|| when_stopped(agent, Denial::AgentFrozen, Denial::AgentRevoked))
        })
    }

    /// `mandate`, the one it was delegated from, and so on up to the one that the owner granted.
    pub(crate) fn lineage(&self, mandate: Option<Slot>) -> impl Iterator<Item = Slot> {
        std::iter::successors(mandate, |slot| self.mandates.at(*slot).parent)
    }

    /// The mandate's and its agent's policies for each of those above `mandate`, the nearest first.
    pub(crate) fn policies_above(
        &self,
        mandate: Option<Slot>,
    ) -> impl Iterator<Item = (Scope, Option<&Policy>)> {
        let parent = mandate.and_then(|slot| self.mandates.at(slot).parent);
        (1u8..).zip(self.lineage(parent)).flat_map(|(above, slot)| {
            let mandate = self.mandates.at(slot);
            let agent = self.agents.at(mandate.agent).policy.as_deref();
            [(Scope::Parent { above }, Some(&mandate.policy)), (Scope::ParentAgent { above }, agent)]
        })
    }

    /// The limits that the owner granted and `mandate` goes back to.
    pub(crate) fn root_policy(&self, mandate: Option<Slot>) -> Option<&Policy> {
        self.lineage(mandate).last().map(|slot| &self.mandates.at(slot).policy)
    }

    /// Whether `limits` claim more than `parent` and all above it allow together.
    pub(crate) fn is_wider_than(&self, parent: Slot, limits: &[Limit]) -> bool {
        let above = self.lineage(Some(parent)).flat_map(|slot| self.mandates.at(slot).policy.limits.iter());
        widens(&above.cloned().collect::<Vec<_>>(), limits).is_some()
    }
}

fn when_stopped(status: Status, frozen: Denial, revoked: Denial) -> Option<Denial> {
    match status {
        Status::Active => None,
        Status::Frozen => Some(frozen),
        Status::Revoked => Some(revoked),
    }
}
