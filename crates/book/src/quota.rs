//! Quotas: work that was paid for before it is done, counted down by the seller, divided among departments and agents by
//! the buyer.
//!
//! A quota counts units of its seller's work, or billionths of money that the seller owes in work. It is never money of
//! the buyer's again: who wants money back is refunded. At every quota, what was granted is what was used, what was
//! allotted further and what is left (I10), so the report over a tree of quotas adds up by itself.

use crate::agent::Holder;
use crate::book::{Book, Decision};
use crate::canon::{canon_enum, canon_struct};
use crate::command::Actor;
use crate::entry::{Denial, Outcome, Reject};
use crate::freeze::Status;
use crate::id::{AgentId, Id, PayeeId, QuotaId, WalletId};
use crate::limits::{QUOTA_CHILDREN_MAX, QUOTA_DEPTH_MAX, QUOTA_UNITS_MAX};
use crate::open::deny;
use crate::table::Slot;
use crate::time::Time;
use evidence::Hash;

/// What a quota counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotaUnit {
    /// Uses, calls, seats: whatever the seller's document says one is.
    Count,
    /// Billionths of the smallest unit of the seller's asset.
    Nanos,
}

canon_enum!(QuotaUnit { 1 => Count, 2 => Nanos });

/// Gives a wallet units of the seller's work. The command's id becomes the [`QuotaId`]. For the seller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantQuota {
    /// Whose owner may use and divide it.
    pub wallet: WalletId,
    /// The payment or captured hold of that wallet that it was bought with, which is good for one grant. A trial has none.
    pub payment: Option<Id>,
    /// What is counted.
    pub unit: QuotaUnit,
    /// How much. Never nothing.
    pub units: u64,
    /// Until then, exclusive.
    pub expires_at: Time,
    /// The quota that it is added to, of the same seller, wallet and unit, which then lasts at least as long. None makes a
    /// new one.
    pub into: Option<QuotaId>,
    /// The digest of what was sold: what a unit is good for.
    pub document: Hash,
}

canon_struct!(GrantQuota { wallet, payment, unit, units, expires_at, into, document });

/// Uses units, all or none. For the seller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deduct {
    /// Of which quota.
    pub quota: QuotaId,
    /// How many. Never none.
    pub units: u64,
}

canon_struct!(Deduct { quota, units });

/// Gives units of a deduction back: work that was reserved and not done. For the seller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restore {
    /// The command that deducted them.
    pub deduct: Id,
    /// How many; all of one deduction's together are no more than it took.
    pub units: u64,
}

canon_struct!(Restore { deduct, units });

/// Moves units to a quota below: a department's, a seat's. The command's id becomes its [`QuotaId`]. For the wallet's owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allot {
    /// Out of this quota.
    pub from: QuotaId,
    /// To this one right below it; none makes a new one.
    pub into: Option<QuotaId>,
    /// The agent that a new one is for; it stops with the agent.
    pub agent: Option<AgentId>,
    /// How many. Never none.
    pub units: u64,
}

canon_struct!(Allot { from, into, agent, units });

/// Moves units back to the quota above. For the wallet's owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reclaim {
    /// Out of this quota.
    pub quota: QuotaId,
    /// How many. Never none.
    pub units: u64,
}

canon_struct!(Reclaim { quota, units });

/// Where a quota stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaState {
    /// What it counts.
    pub unit: QuotaUnit,
    /// All that ever came in, less what was reclaimed.
    pub granted: u64,
    /// What the seller used.
    pub used: u64,
    /// What went to the quotas below.
    pub allotted: u64,
    /// Until then.
    pub expires_at: Time,
}

impl QuotaState {
    /// What can still be used or allotted.
    pub fn left(&self) -> u64 {
        self.granted.saturating_sub(self.used).saturating_sub(self.allotted)
    }
}

/// Work that is paid for.
#[derive(Debug)]
pub(crate) struct Quota {
    seller: Slot,
    wallet: Slot,
    agent: Option<Slot>,
    unit: QuotaUnit,
    granted: u64,
    used: u64,
    allotted: u64,
    expires_at: Time,
    parent: Option<Slot>,
    children: u32,
}

canon_struct!(Quota { seller, wallet, agent, unit, granted, used, allotted, expires_at, parent, children });

/// What one command took of a quota.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deducted {
    quota: Slot,
    units: u64,
    restored: u64,
}

canon_struct!(Deducted { quota, units, restored });

impl Quota {
    fn left(&self) -> u64 {
        self.granted.saturating_sub(self.used).saturating_sub(self.allotted)
    }

    fn assert_adds_up(&self) {
        let out = self.used.checked_add(self.allotted).expect("I10: units do not overflow");
        assert!(out <= self.granted, "I10: no more is used and allotted than was granted");
    }
}

impl GrantQuota {
    pub(crate) fn decide(&self, book: &Book, at: Time, id: Id, by: Actor) -> Decision {
        let seller = match book.seller(by) {
            Ok(seller) => seller,
            Err(no) => return no,
        };
        let Some(wallet) = book.wallets.find(self.wallet.0) else {
            return Decision::Reject(Reject::WalletUnknown);
        };
        if self.units == 0 {
            return Decision::Reject(Reject::AmountZero);
        }
        if self.expires_at <= at {
            return Decision::Reject(Reject::TimeOutOfRange);
        }
        let before = match self.into {
            None if book.quotas.get(id).is_some() => return Decision::Reject(Reject::AlreadyExists),
            None => 0,
            Some(into) => {
                let quota = book.quotas.get(into.0).filter(|quota| {
                    (quota.seller, quota.wallet, quota.unit, quota.parent)
                        == (seller, wallet, self.unit, None)
                });
                let Some(quota) = quota else { return Decision::Reject(Reject::QuotaUnknown) };
                quota.granted
            }
        };
        if before.checked_add(self.units).is_none_or(|sum| QUOTA_UNITS_MAX < sum) {
            return Decision::Reject(Reject::AmountTooLarge);
        }
        if let Some(payment) = self.payment {
            let record = book.records.get(payment);
            let paid = record.filter(|record| {
                record.payer() == Some(wallet)
                    && record.parts().first().map(|part| part.payee) == Some(seller)
            });
            let Some(paid) = paid else { return Decision::Reject(Reject::PaymentUnknown) };
            if paid.is_granted() {
                return deny(Denial::PaymentGranted);
            }
        }
        Decision::Record(Outcome::Done)
    }

    pub(crate) fn apply(&self, book: &mut Book, id: Id, by: Actor) {
        let Actor::Payee { payee, .. } = by else { panic!("decided: a seller asks") };
        let seller = book.payees.find(payee.0).expect("decided: the seller is known");
        let wallet = book.wallets.find(self.wallet.0).expect("decided: the wallet is known");
        if let Some(payment) = self.payment {
            book.records.get_mut(payment).expect("decided: the payment is known").set_granted();
        }
        match self.into {
            Some(into) => {
                let quota = book.quotas.get_mut(into.0).expect("decided: the quota is known");
                quota.granted = quota.granted.checked_add(self.units).expect("decided: it fits");
                quota.expires_at = quota.expires_at.max(self.expires_at);
            }
            None => {
                book.quotas.insert(
                    id,
                    Quota {
                        seller,
                        wallet,
                        agent: None,
                        unit: self.unit,
                        granted: self.units,
                        used: 0,
                        allotted: 0,
                        expires_at: self.expires_at,
                        parent: None,
                        children: 0,
                    },
                );
            }
        }
    }
}

impl Deduct {
    pub(crate) fn decide(&self, book: &Book, at: Time, by: Actor) -> Decision {
        let (slot, quota) = match book.quota_of_seller(by, self.quota) {
            Ok(found) => found,
            Err(no) => return no,
        };
        if self.units == 0 {
            return Decision::Reject(Reject::AmountZero);
        }
        if let Some(denial) = book.quota_stopped(quota) {
            return deny(denial);
        }
        if book.quota_expiry(slot) <= at {
            return deny(Denial::QuotaExpired);
        }
        if quota.left() < self.units {
            return deny(Denial::QuotaInsufficient);
        }
        Decision::Record(Outcome::Done)
    }

    pub(crate) fn apply(&self, book: &mut Book, id: Id) {
        let slot = book.quotas.find(self.quota.0).expect("decided: the quota is known");
        let quota = book.quotas.at_mut(slot);
        quota.used = quota.used.checked_add(self.units).expect("decided: it is left");
        quota.assert_adds_up();
        let record = book.records.get_mut(id).expect("every command has its record");
        record.set_deducted(Deducted { quota: slot, units: self.units, restored: 0 });
    }
}

impl Restore {
    pub(crate) fn decide(&self, book: &Book, by: Actor) -> Decision {
        let seller = match book.seller(by) {
            Ok(seller) => seller,
            Err(no) => return no,
        };
        let deducted = book.records.get(self.deduct).and_then(|record| record.deducted());
        let Some(deducted) = deducted.filter(|it| book.quotas.at(it.quota).seller == seller) else {
            return Decision::Reject(Reject::DeductionUnknown);
        };
        if self.units == 0 {
            return Decision::Reject(Reject::AmountZero);
        }
        if deducted.units.saturating_sub(deducted.restored) < self.units {
            return deny(Denial::RestoreTooLarge);
        }
        Decision::Record(Outcome::Done)
    }

    pub(crate) fn apply(&self, book: &mut Book) {
        let record = book.records.get_mut(self.deduct).expect("decided: the deduction is known");
        let mut deducted = record.deducted().expect("decided: it deducted");
        deducted.restored = deducted.restored.checked_add(self.units).expect("decided: it was taken");
        record.set_deducted(deducted);
        let quota = book.quotas.at_mut(deducted.quota);
        quota.used = quota.used.checked_sub(self.units).expect("I10: what was deducted is used");
    }
}

impl Allot {
    pub(crate) fn decide(&self, book: &Book, at: Time, id: Id, by: Actor) -> Decision {
        let (slot, quota) = match book.quota_of_owner(by, self.from) {
            Ok(found) => found,
            Err(no) => return no,
        };
        let agent = match self.agent {
            None => None,
            Some(agent) => match book.agents.find(agent.0) {
                Some(agent) if book.agents.at(agent).wallet == quota.wallet => Some(agent),
                Some(_) | None => return Decision::Reject(Reject::AgentUnknown),
            },
        };
        if self.units == 0 {
            return Decision::Reject(Reject::AmountZero);
        }
        match self.into {
            Some(into) => {
                let below = book.quotas.get(into.0).filter(|below| below.parent == Some(slot));
                if below.is_none_or(|below| agent.is_some() && below.agent != agent) {
                    return Decision::Reject(Reject::QuotaUnknown);
                }
            }
            None if book.quotas.get(id).is_some() => return Decision::Reject(Reject::AlreadyExists),
            None if QUOTA_CHILDREN_MAX <= quota.children => return Decision::Reject(Reject::TooMany),
            None if QUOTA_DEPTH_MAX <= book.quota_lineage(slot).count() => {
                return Decision::Reject(Reject::TooMany);
            }
            None => {}
        }
        if book.quota_expiry(slot) <= at {
            return deny(Denial::QuotaExpired);
        }
        if quota.left() < self.units {
            return deny(Denial::QuotaInsufficient);
        }
        Decision::Record(Outcome::Done)
    }

    pub(crate) fn apply(&self, book: &mut Book, id: Id) {
        let slot = book.quotas.find(self.from.0).expect("decided: the quota is known");
        let agent = self.agent.map(|agent| book.agents.find(agent.0).expect("decided: the agent is known"));
        let quota = book.quotas.at_mut(slot);
        quota.allotted = quota.allotted.checked_add(self.units).expect("decided: it is left");
        quota.assert_adds_up();
        match self.into {
            Some(into) => {
                let below = book.quotas.get_mut(into.0).expect("decided: the quota below is known");
                below.granted = below.granted.checked_add(self.units).expect("I10: a part of the whole");
            }
            None => {
                quota.children = quota.children.saturating_add(1);
                let (seller, wallet, unit) = (quota.seller, quota.wallet, quota.unit);
                let below = Quota {
                    seller,
                    wallet,
                    agent,
                    unit,
                    granted: self.units,
                    used: 0,
                    allotted: 0,
                    expires_at: Time::MAX,
                    parent: Some(slot),
                    children: 0,
                };
                book.quotas.insert(id, below);
            }
        }
    }
}

impl Reclaim {
    pub(crate) fn decide(&self, book: &Book, by: Actor) -> Decision {
        let quota = match book.quota_of_owner(by, self.quota) {
            Ok((_, quota)) => quota,
            Err(no) => return no,
        };
        if quota.parent.is_none() {
            return deny(Denial::Forbidden);
        }
        if self.units == 0 {
            return Decision::Reject(Reject::AmountZero);
        }
        if quota.left() < self.units {
            return deny(Denial::QuotaInsufficient);
        }
        Decision::Record(Outcome::Done)
    }

    pub(crate) fn apply(&self, book: &mut Book) {
        let quota = book.quotas.get_mut(self.quota.0).expect("decided: the quota is known");
        quota.granted = quota.granted.checked_sub(self.units).expect("decided: it is left");
        quota.assert_adds_up();
        let parent = quota.parent.expect("decided: there is one above");
        let above = book.quotas.at_mut(parent);
        above.allotted = above.allotted.checked_sub(self.units).expect("I10: it was allotted");
    }
}

impl Book {
    /// Where a quota stands; one below another ends with it.
    pub fn quota(&self, id: QuotaId) -> Option<QuotaState> {
        let slot = self.quotas.find(id.0)?;
        let Quota { unit, granted, used, allotted, .. } = *self.quotas.at(slot);
        Some(QuotaState { unit, granted, used, allotted, expires_at: self.quota_expiry(slot) })
    }

    /// The seller that asks.
    pub(crate) fn seller(&self, by: Actor) -> Result<Slot, Decision> {
        let Actor::Payee { payee: PayeeId(payee), key } = by else { return Err(deny(Denial::Forbidden)) };
        let slot = self.payees.find(payee).ok_or(Decision::Reject(Reject::PayeeUnknown))?;
        match self.check_key(key, Holder::Payee(slot)) {
            Some(no) => Err(no),
            None if self.payees.at(slot).status != Status::Active => Err(deny(Denial::PayeeClosed)),
            None => Ok(slot),
        }
    }

    fn quota_of_seller(&self, by: Actor, id: QuotaId) -> Result<(Slot, &Quota), Decision> {
        let seller = self.seller(by)?;
        let slot = self.quotas.find(id.0).filter(|slot| self.quotas.at(*slot).seller == seller);
        slot.map(|slot| (slot, self.quotas.at(slot))).ok_or(Decision::Reject(Reject::QuotaUnknown))
    }

    fn quota_of_owner(&self, by: Actor, id: QuotaId) -> Result<(Slot, &Quota), Decision> {
        let slot = self.quotas.find(id.0).ok_or(Decision::Reject(Reject::QuotaUnknown))?;
        let quota = self.quotas.at(slot);
        match self.owner_only(by, self.wallets.at(quota.wallet).owner, Reject::QuotaUnknown) {
            Some(no) => Err(no),
            None => Ok((slot, quota)),
        }
    }

    /// What stops the use of a quota: its owner, its wallet, or the agent it or one above it is for.
    fn quota_stopped(&self, quota: &Quota) -> Option<Denial> {
        let wallet = self.wallets.at(quota.wallet);
        if self.owners.at(wallet.owner).status != Status::Active {
            return Some(Denial::OwnerFrozen);
        }
        match wallet.status {
            Status::Active => {}
            Status::Frozen => return Some(Denial::WalletFrozen),
            Status::Revoked => return Some(Denial::WalletClosed),
        }
        let above = quota.parent.into_iter().flat_map(|parent| self.quota_lineage(parent));
        let agents = [quota.agent].into_iter().chain(above.map(|slot| self.quotas.at(slot).agent));
        agents.flatten().find_map(|agent| match self.agents.at(agent).status {
            Status::Active => None,
            Status::Frozen => Some(Denial::AgentFrozen),
            Status::Revoked => Some(Denial::AgentRevoked),
        })
    }

    /// The quota, the one above it, and so on up to the one that the seller granted.
    fn quota_lineage(&self, quota: Slot) -> impl Iterator<Item = Slot> {
        std::iter::successors(Some(quota), |slot| self.quotas.at(*slot).parent)
    }

    /// Until when a quota is good: as long as the one that the seller granted.
    fn quota_expiry(&self, quota: Slot) -> Time {
        self.quota_lineage(quota).last().map_or(Time(0), |root| self.quotas.at(root).expires_at)
    }
}
