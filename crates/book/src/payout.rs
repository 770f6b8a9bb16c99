//! Payouts: how what a seller collected leaves the book for its bank account, and comes back where the bank says no.
//!
//! A payout goes to an account that was named before. What a seller's own key names counts a day later, so that a stolen
//! key cannot send the money elsewhere before its seller hears of it. From the moment it is asked for, the money is on its
//! way: it is the seller's no more, and not outside either, until the operator says what its bank said. Not hearing from
//! the bank is no answer: the money stays on its way. The book has digests alone of bank accounts and of what banks say.

use crate::agent::Holder;
use crate::book::{Book, Decision};
use crate::canon::{Code, canon_enum, canon_struct};
use crate::command::Actor;
use crate::entry::{Denial, Outcome, Refusal, Reject, RuleRef};
use crate::freeze::Status;
use crate::id::{Id, PayeeId, PayoutBatchId, PayoutId};
use crate::limits::DESTINATION_NANOS;
use crate::money::{Amount, Asset};
use crate::open::{Balance, deny};
use crate::table::Slot;
use crate::time::Time;
use evidence::Hash;

/// Says where a seller's payouts go. For the seller, and the operator, who has looked at the account.
///
/// What the operator names counts at once; what the seller names counts after [`DESTINATION_NANOS`], and until then the one
/// before it does. Naming that one again takes the change back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetDestination {
    /// Whose.
    pub payee: PayeeId,
    /// The digest of the bank account.
    pub destination: Hash,
}

canon_struct!(SetDestination { payee, destination });

/// Pays out. The command's id becomes the [`PayoutId`]. For the seller, and the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestPayout {
    /// Whose money.
    pub payee: PayeeId,
    /// How much. Never nothing; at most what the seller has.
    pub amount: Amount,
    /// In what; it must be what the seller collects.
    pub asset: Code,
    /// The digest of the bank account: the one that counts now, so that nobody is surprised by a change.
    pub destination: Hash,
}

canon_struct!(RequestPayout { payee, amount, asset, destination });

/// Says how far a payout is. For the operator, who sends it and whose bank answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdvancePayout {
    /// Which.
    pub payout: PayoutId,
    /// How far.
    pub step: PayoutStep,
}

canon_struct!(AdvancePayout { payout, step });

/// What happens to a payout that was requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayoutStep {
    /// It was handed to the bank: once, in one batch.
    Sent {
        /// With all others of this name.
        batch: PayoutBatchId,
        /// The digest of what the bank is told beside: from which account, and when.
        order: Hash,
    },
    /// The bank has paid: the money is outside.
    Paid {
        /// The digest of the bank's reference.
        said: Hash,
    },
    /// The bank has not paid and will not: the money is the seller's again.
    Failed {
        /// The digest of why.
        said: Hash,
    },
}

canon_enum!(PayoutStep { 1 => Sent { batch, order }, 2 => Paid { said }, 3 => Failed { said } });

impl PayoutStep {
    /// Whether the payout ends with it.
    pub fn ends(self) -> bool {
        match self {
            PayoutStep::Sent { .. } => false,
            PayoutStep::Paid { .. } | PayoutStep::Failed { .. } => true,
        }
    }
}

/// How far a payout is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayoutStage {
    /// It waits to be handed to the bank.
    Requested,
    /// The bank has it, and has not answered.
    Sent,
    /// It was paid.
    Paid,
    /// It was not, and the money is back.
    Failed,
}

canon_enum!(PayoutStage { 1 => Requested, 2 => Sent, 3 => Paid, 4 => Failed });

/// Where a seller's payouts go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Destinations {
    /// The account before `next`, if any.
    pub first: Option<Hash>,
    /// The account that counts from that time on.
    pub next: Option<(Hash, Time)>,
}

canon_struct!(Destinations { first, next });

impl Destinations {
    /// The account that counts at `at`.
    pub fn at(&self, at: Time) -> Option<Hash> {
        self.next.filter(|(_, from)| *from <= at).map(|(hash, _)| hash).or(self.first)
    }

    /// What follows when an account is named at `at` that shall count from `from` on.
    pub fn named(&self, destination: Hash, at: Time, from: Time) -> Destinations {
        let first = self.at(at);
        if first == Some(destination) {
            return Destinations { first, next: None };
        }
        let sooner =
            self.next.filter(|(next, _)| *next == destination).map_or(from, |(_, then)| then.min(from));
        Destinations { first, next: Some((destination, sooner)) }
    }
}

/// When what is named at `at` counts.
pub fn destination_counts(by: Actor, at: Time) -> Time {
    match by {
        Actor::Operator { .. } => at,
        Actor::Payee { .. } | Actor::Owner { .. } | Actor::Agent { .. } | Actor::Book => {
            at.after(DESTINATION_NANOS)
        }
    }
}

/// A payout.
#[derive(Debug)]
pub(crate) struct Payout {
    pub(crate) payee: Slot,
    pub(crate) amount: Amount,
    pub(crate) stage: PayoutStage,
}

canon_struct!(Payout { payee, amount, stage });

impl SetDestination {
    pub(crate) fn decide(&self, book: &Book, by: Actor) -> Decision {
        book.not_of_payout(by, self.payee, Reject::PayeeUnknown).unwrap_or(Decision::Record(Outcome::Done))
    }

    pub(crate) fn apply(&self, book: &mut Book, at: Time, by: Actor) {
        let payee = book.payees.get_mut(self.payee.0).expect("decided: the payee is known");
        payee.destinations = payee.destinations.named(self.destination, at, destination_counts(by, at));
    }
}

impl RequestPayout {
    pub(crate) fn decide(&self, book: &Book, at: Time, id: Id, by: Actor) -> Decision {
        if self.amount.is_zero() {
            return Decision::Reject(Reject::AmountZero);
        }
        if let Some(no) = book.not_of_payout(by, self.payee, Reject::PayeeUnknown) {
            return no;
        }
        if book.payouts.get(id).is_some() {
            return Decision::Reject(Reject::AlreadyExists);
        }
        let Some(payee) = book.payees.get(self.payee.0) else {
            return Decision::Reject(Reject::PayeeUnknown);
        };
        let asset = usize::from(payee.asset);
        if book.asset(self.asset) != Some(asset) {
            return deny(Denial::AssetMismatch);
        }
        if let Some(no) = book.stops_payouts(payee.status, payee.owner) {
            return no;
        }
        if let Some(no) = self.misses(&payee.destinations, at) {
            return deny(no);
        }
        let available = payee.balance.available();
        if available < self.amount {
            let (rule, denial) = (RuleRef::BOOK, Denial::FundsInsufficient);
            return Decision::Record(Outcome::Denied(Refusal { rule, denial, remaining: Some(available) }));
        }
        let row = book.assets.get(asset).expect("a payee's asset is registered");
        let debits = payee.balance.debits.checked_add(self.amount);
        if debits.is_none() || !row.in_transit.has_room(self.amount) {
            return Decision::Reject(Reject::AmountTooLarge);
        }
        Decision::Record(Outcome::Done)
    }

    pub(crate) fn apply(&self, book: &mut Book, id: Id) {
        let slot = book.payees.find(self.payee.0).expect("decided: the payee is known");
        let payee = book.payees.at_mut(slot);
        payee.balance.debit(self.amount);
        payee.balance.assert_owes_nothing(); // I2
        let asset = usize::from(payee.asset);
        book.transit_mut(asset).credit(self.amount); // I1
        let stage = PayoutStage::Requested;
        book.payouts.insert(id, Payout { payee: slot, amount: self.amount, stage });
    }

    /// Why the account it names is not the one that counts.
    fn misses(&self, destinations: &Destinations, at: Time) -> Option<Denial> {
        match destinations.at(at) {
            Some(counts) if counts == self.destination => None,
            Some(_) | None if destinations.next.is_some_and(|(next, _)| next == self.destination) => {
                Some(Denial::DestinationCooling)
            }
            Some(_) => Some(Denial::DestinationMismatch),
            None => Some(Denial::DestinationUnset),
        }
    }
}

impl AdvancePayout {
    pub(crate) fn decide(&self, book: &Book, by: Actor) -> Decision {
        if let Some(no) = book.operator_only(by) {
            return no;
        }
        let Some(payout) = book.payouts.get(self.payout.0) else {
            return Decision::Reject(Reject::PayoutUnknown);
        };
        let payee = book.payees.at(payout.payee);
        let row = book.assets.get(usize::from(payee.asset)).expect("a payee's asset is registered");
        let taker = match (payout.stage, self.step) {
            (PayoutStage::Paid | PayoutStage::Failed, _) => return deny(Denial::PayoutEnded),
            (PayoutStage::Requested, PayoutStep::Sent { .. }) => return Decision::Record(Outcome::Done),
            (PayoutStage::Sent, PayoutStep::Sent { .. }) => return Decision::Reject(Reject::PayoutSent),
            (_, PayoutStep::Paid { .. }) => &row.world,
            (_, PayoutStep::Failed { .. }) => &payee.balance,
        };
        if !taker.has_room(payout.amount) || row.in_transit.debits.checked_add(payout.amount).is_none() {
            return Decision::Reject(Reject::AmountTooLarge);
        }
        Decision::Record(Outcome::Done)
    }

    pub(crate) fn apply(&self, book: &mut Book) {
        let payout = book.payouts.get_mut(self.payout.0).expect("decided: the payout is known");
        payout.stage = match self.step {
            PayoutStep::Sent { .. } => PayoutStage::Sent,
            PayoutStep::Paid { .. } => PayoutStage::Paid,
            PayoutStep::Failed { .. } => PayoutStage::Failed,
        };
        let (slot, amount) = (payout.payee, payout.amount);
        let asset = usize::from(book.payees.at(slot).asset);
        match self.step {
            PayoutStep::Sent { .. } => {}
            PayoutStep::Paid { .. } => {
                book.take_from_transit(asset, amount);
                book.assets.get_mut(asset).expect("a payee's asset is registered").world.credit(amount);
            }
            PayoutStep::Failed { .. } => {
                book.take_from_transit(asset, amount);
                book.payees.at_mut(slot).balance.credit(amount);
            }
        }
    }
}

impl Book {
    /// How far a payout is.
    pub fn payout(&self, id: PayoutId) -> Option<PayoutStage> {
        self.payouts.get(id.0).map(|row| row.stage)
    }

    /// Where a seller's payouts go.
    pub fn destinations(&self, payee: PayeeId) -> Option<Destinations> {
        self.payees.get(payee.0).map(|row| row.destinations)
    }

    /// What is on its way to banks, in each asset.
    pub fn in_transit(&self) -> impl Iterator<Item = (Asset, Balance)> {
        self.assets.iter().map(|row| (row.asset, row.in_transit))
    }

    fn transit_mut(&mut self, asset: usize) -> &mut Balance {
        &mut self.assets.get_mut(asset).expect("a payee's asset is registered").in_transit
    }

    fn take_from_transit(&mut self, asset: usize, amount: Amount) {
        let transit = self.transit_mut(asset);
        transit.debit(amount);
        transit.assert_owes_nothing(); // I12
    }

    /// Why nothing of a seller leaves the book now.
    fn stops_payouts(&self, status: Status, owner: Option<Slot>) -> Option<Decision> {
        if status != Status::Active {
            return Some(deny(Denial::PayoutsStopped));
        }
        let owner = owner.map(|owner| self.owners.at(owner).status);
        owner.is_some_and(|status| status != Status::Active).then(|| deny(Denial::OwnerFrozen))
    }

    /// The answer to whoever is neither the seller nor the operator.
    fn not_of_payout(&self, by: Actor, of: PayeeId, unknown: Reject) -> Option<Decision> {
        let Some(seller) = self.payees.find(of.0) else {
            return Some(Decision::Reject(unknown));
        };
        match by {
            Actor::Operator { .. } => self.operator_only(by),
            Actor::Payee { payee, key } if payee == of => self.check_key(key, Holder::Payee(seller)),
            Actor::Payee { .. } => Some(Decision::Reject(unknown)),
            Actor::Owner { .. } | Actor::Agent { .. } | Actor::Book => Some(deny(Denial::Forbidden)),
        }
    }
}
