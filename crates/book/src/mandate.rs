//! Mandates: what an owner lets one agent do, and how that changes.

use crate::agent::presence_required;
use crate::book::{Book, Decision};
use crate::canon::{canon_enum, canon_struct};
use crate::command::Actor;
use crate::compare::compare;
use crate::entry::{Denial, Outcome, Reject};
use crate::freeze::Status;
use crate::id::{AgentId, Id, MandateId, WalletId};
use crate::limit::{Limit, Policy, Usage};
use crate::open::deny;
use crate::table::Slot;
use crate::time::Time;
use evidence::Hash;

/// A standing permission.
#[derive(Debug)]
pub(crate) struct Mandate {
    pub(crate) wallet: Slot,
    pub(crate) agent: Slot,
    pub(crate) status: Status,
    pub(crate) valid_from: Time,
    pub(crate) expires_at: Time,
    pub(crate) policy: Policy,
    /// The mandate it was delegated from; none where the owner granted it.
    pub(crate) parent: Option<Slot>,
    /// So many mandates were ever delegated from it.
    pub(crate) children: u32,
    /// So many times it was stopped.
    pub(crate) stops: u32,
}

canon_struct!(Mandate { wallet, agent, status, valid_from, expires_at, policy, parent, children, stops });

/// Whether a new mandate begins with what was used under those that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carry {
    /// It does: ending a mandate and granting it again makes no room.
    Inherit,
    /// It does not. The owner says so.
    Reset,
}

canon_enum!(Carry { 1 => Inherit, 2 => Reset });

/// Lets an agent spend within limits. The command's id becomes the [`MandateId`].
///
/// It takes the owner's presence for this very request, like whatever lets more through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantMandate {
    /// From this wallet, or from sub-accounts of it.
    pub wallet: WalletId,
    /// This agent.
    pub agent: AgentId,
    /// From then on.
    pub valid_from: Time,
    /// Until then, exclusive.
    pub expires_at: Time,
    /// Within these. A mandate without limits allows nothing.
    pub limits: Vec<Limit>,
    /// The digest of the text or credential that the owner agreed to.
    pub document: Hash,
    /// What it begins with.
    pub carry: Carry,
}

canon_struct!(GrantMandate { wallet, agent, valid_from, expires_at, limits, document, carry });

impl GrantMandate {
    pub(crate) fn decide(&self, book: &Book, at: Time, id: Id, by: Actor) -> Decision {
        let Some(slot) = book.wallets.find(self.wallet.0) else {
            return Decision::Reject(Reject::WalletUnknown);
        };
        let wallet = book.wallets.at(slot);
        if let Some(no) = book.owner_only(by, wallet.owner, Reject::WalletUnknown) {
            return no;
        }
        let Some(agent) = book.agents.get(self.agent.0) else {
            return Decision::Reject(Reject::AgentUnknown);
        };
        if agent.wallet != slot {
            return Decision::Reject(Reject::AgentUnknown);
        }
        if book.mandates.get(id).is_some() {
            return Decision::Reject(Reject::AlreadyExists);
        }
        if self.expires_at <= self.valid_from || self.expires_at <= at {
            return Decision::Reject(Reject::TimeOutOfRange);
        }
        if agent.status == Status::Revoked {
            return deny(Denial::AgentRevoked);
        }
        if wallet.status == Status::Revoked {
            return deny(Denial::WalletClosed);
        }
        presence_required(by).unwrap_or(Decision::Record(Outcome::Done))
    }

    pub(crate) fn apply(&self, book: &mut Book, at: Time, id: Id) {
        let wallet = book.wallets.find(self.wallet.0).expect("decided: the wallet is known");
        let agent = book.agents.find(self.agent.0).expect("decided: the agent is known");
        let ended = book.agents.at_mut(agent).ended.take();
        let usage = match self.carry {
            Carry::Inherit => ended.map(|usage| *usage).unwrap_or_default(),
            Carry::Reset => Usage::default(),
        };
        let (valid_from, expires_at) = (self.valid_from, self.expires_at);
        let policy = Policy::new(self.limits.clone(), usage, at);
        let (status, parent, children, stops) = (Status::Active, None, 0, 0);
        let row = Mandate { wallet, agent, status, valid_from, expires_at, policy, parent, children, stops };
        book.mandates.insert(id, row);
    }
}

/// Replaces the limits of a wallet, an agent or a mandate. What was used stays used.
///
/// Whatever lets more through takes the owner's presence for this very request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetLimits {
    /// Whose.
    pub subject: LimitSubject,
    /// The version that is to be replaced; 0 where there were no limits.
    pub version: u32,
    /// The new limits.
    pub limits: Vec<Limit>,
    /// The digest of the text that the owner agreed to.
    pub document: Hash,
}

canon_struct!(SetLimits { subject, version, limits, document });

/// Whose limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitSubject {
    /// A wallet's or sub-account's.
    Wallet(WalletId),
    /// An agent's.
    Agent(AgentId),
    /// A mandate's.
    Mandate(MandateId),
}

canon_enum!(LimitSubject { 1 => Wallet(it), 2 => Agent(it), 3 => Mandate(it) });

impl SetLimits {
    pub(crate) fn decide(&self, book: &Book, by: Actor) -> Decision {
        let found = match self.subject {
            LimitSubject::Wallet(id) => book
                .wallets
                .get(id.0)
                .map(|w| (w.owner, w.status, w.policy.as_deref()))
                .ok_or(Reject::WalletUnknown),
            LimitSubject::Agent(id) => book
                .agents
                .get(id.0)
                .map(|a| (book.wallets.at(a.wallet).owner, a.status, a.policy.as_deref()))
                .ok_or(Reject::AgentUnknown),
            LimitSubject::Mandate(id) => book
                .mandates
                .get(id.0)
                .map(|m| (book.wallets.at(m.wallet).owner, m.status, Some(&m.policy)))
                .ok_or(Reject::MandateUnknown),
        };
        let (owner, status, policy) = match found {
            Ok(found) => found,
            Err(reject) => return Decision::Reject(reject),
        };
        let unknown = match self.subject {
            LimitSubject::Wallet(_) => Reject::WalletUnknown,
            LimitSubject::Agent(_) => Reject::AgentUnknown,
            LimitSubject::Mandate(_) => Reject::MandateUnknown,
        };
        if let Some(no) = book.owner_only(by, owner, unknown) {
            return no;
        }
        if status == Status::Revoked {
            return deny(Denial::Revoked);
        }
        if policy.map_or(0, |policy| policy.version) != self.version {
            return deny(Denial::VersionConflict);
        }
        if let LimitSubject::Mandate(id) = self.subject
            && let Some(parent) = book.mandates.get(id.0).and_then(|mandate| mandate.parent)
            && book.is_wider_than(parent, &self.limits)
        {
            return deny(Denial::DelegationTooWide);
        }
        if let Some(no) = presence_required(by)
            && self.widens(policy.map(|policy| &*policy.limits).unwrap_or_default())
        {
            return no;
        }
        Decision::Record(Outcome::Done)
    }

    /// Whether the new limits let anything through that those `before` do not.
    ///
    /// An agent without limits of its own is asked about whatever it buys without a mandate, and a mandate without any
    /// allows nothing: any limits are more.
    fn widens(&self, before: &[Limit]) -> bool {
        match self.subject {
            LimitSubject::Agent(_) | LimitSubject::Mandate(_) if before.is_empty() => !self.limits.is_empty(),
            LimitSubject::Wallet(_) | LimitSubject::Agent(_) | LimitSubject::Mandate(_) => {
                !compare(before, &self.limits).change().is_no_wider()
            }
        }
    }

    pub(crate) fn apply(&self, book: &mut Book, at: Time) {
        let limits = self.limits.clone();
        let policy = match self.subject {
            LimitSubject::Wallet(id) => {
                let wallet = book.wallets.get_mut(id.0).expect("decided: the wallet is known");
                wallet.policy.get_or_insert_with(|| Box::new(Policy::empty(at)))
            }
            LimitSubject::Agent(id) => {
                let agent = book.agents.get_mut(id.0).expect("decided: the agent is known");
                agent.policy.get_or_insert_with(|| Box::new(Policy::empty(at)))
            }
            LimitSubject::Mandate(id) => {
                &mut book.mandates.get_mut(id.0).expect("decided: the mandate is known").policy
            }
        };
        policy.amend(limits, at);
    }
}

impl Book {
    /// The agent's next mandate begins with what was used under this one.
    pub(crate) fn end_mandate(&mut self, mandate: Slot, at: Time) {
        let row = self.mandates.at_mut(mandate);
        row.status = Status::Revoked;
        if row.parent.is_some() {
            // What was used of it was used of the mandates above it, which go on.
            return;
        }
        let usage = row.policy.usage.clone();
        let agent = self.agents.at_mut(row.agent);
        agent.ended.get_or_insert_default().absorb(at, usage);
    }
}
