//! Renewals: what the passing of time brings a subscription. Only the book itself says this.
//!
//! A renewal is a payment that nobody sends: it asks the limits, the statuses and the money of this moment, moves the
//! price in the same entry, and can be refunded like any other. Where it is refused, the entry says why; it is tried again
//! by the schedule of [`crate::limits::RENEWAL_RETRIES`] while the time of grace lasts, and then no more. What an owner
//! agreed to in person she is not asked again; what an agent agreed to unasked is refused where she wants to be asked now.

use crate::book::{Book, Decision};
use crate::calendar::edge_after;
use crate::canon::canon_struct;
use crate::command::{Action, Actor, Command};
use crate::entry::{Denial, Outcome, Reject, Term};
use crate::id::{Id, SubscriptionId};
use crate::limits::{RENEWAL_RETRIES, RENEWAL_RETRY_NANOS};
use crate::open::deny;
use crate::purchase::{Moves, Payees, Rows};
use crate::subscription::{Failed, Plan, Subscription};
use crate::time::Time;
use evidence::Hash;

/// Pays the next period of a subscription. The command's id becomes the name of the payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renew {
    /// Which.
    pub subscription: SubscriptionId,
    /// The instant at which the period begins: each is paid once.
    pub from: Time,
}

canon_struct!(Renew { subscription, from });

impl Renew {
    pub(crate) fn decide(&self, book: &Book, at: Time, id: Id, by: Actor) -> Decision {
        if by != Actor::Book {
            return deny(Denial::Forbidden);
        }
        let row = book.subscriptions.get(self.subscription.0);
        let is_due =
            |row: &&Subscription| row.next_try().is_some_and(|due| due <= at) && row.until == self.from;
        let Some(row) = row.filter(is_due) else {
            return Decision::Reject(Reject::SubscriptionUnknown);
        };
        if book.records.get(id).is_some() {
            return Decision::Reject(Reject::IdReused);
        }
        let Plan { payer, purchase, approved, .. } = row.plan_to_come();
        let weighed = match book.weigh(at, *payer, purchase, Moves::Amount(purchase.amount)) {
            Ok(weighed) => weighed,
            Err(Decision::Record(denied)) => return Decision::Record(denied),
            // Whoever can count no more gets no more: the rows that it names are known.
            Err(Decision::Reject(_) | Decision::Repeat(_)) => return deny(Denial::PayeeClosed),
        };
        if payer.agent.is_some() && weighed.asked.is_some() && !approved {
            return deny(Denial::RenewalUnapproved);
        }
        let paid = Some(book.moved(purchase, purchase.amount, weighed));
        let (_, _, until) = row.next_period();
        Decision::Record(Outcome::Subscribed(Term { from: self.from, until, paid }))
    }

    pub(crate) fn apply(&self, book: &mut Book, at: Time, id: Id, term: &Term) {
        let slot = book.subscriptions.find(self.subscription.0).expect("decided: it is known");
        let Plan { payer, purchase, .. } = book.subscriptions.at(slot).plan_to_come().clone();
        let payee = match &purchase.to {
            Payees::One(payee) => book.payees.find(payee.0),
            Payees::Split(_) => None,
        };
        book.pay_term(at, id, Rows { payer, payee }, &purchase, term.paid.as_ref());
        book.change_subscription(slot, |row| {
            let (anchor, edge, _) = row.next_period();
            if let Some(next) = row.next.take() {
                row.plan = *next;
            }
            row.plan.renewed = row.plan.renewed.saturating_add(1);
            (row.anchor, row.edge) = (anchor, edge);
            (row.from, row.until) = (term.from, term.until);
            row.is_trial = false;
            row.failed = None;
        });
    }

    /// Notes a renewal that was refused.
    pub(crate) fn apply_denied(&self, book: &mut Book, at: Time) {
        let Some(slot) = book.subscriptions.find(self.subscription.0) else { return };
        book.change_subscription(slot, |row| {
            let failed = row.failed.get_or_insert(Failed { since: at, tries: 0, next: at });
            failed.tries = failed.tries.saturating_add(1);
            failed.next = failed.since.after(wait(failed.tries));
        });
    }
}

impl Subscription {
    /// When the book renews it, or tries again.
    pub(crate) fn next_try(&self) -> Option<Time> {
        let Plan { terms, renewed, .. } = self.plan_to_come();
        let is_renewed = terms.renewals.is_none_or(|most| *renewed < most);
        if self.is_cancelled || !is_renewed || self.until == Time::MAX {
            return None;
        }
        let Some(Failed { next, .. }) = self.failed else { return Some(self.until) };
        Some(next).filter(|at| self.grace_until().is_some_and(|end| *at < end))
    }

    /// The anchor of the next period, the number of the edge at which it ends, and when that is.
    fn next_period(&self) -> (Time, u32, Time) {
        let (now, next) = (&self.plan.terms, &self.plan_to_come().terms);
        let goes_on = (now.every, now.zone) == (next.every, next.zone);
        let (anchor, edge) = if goes_on { (self.anchor, self.edge) } else { (self.until, 0) };
        let (edge, until) = edge_after(anchor, next.every, next.zone, edge);
        (anchor, edge, until)
    }
}

/// How long after the first failure the next try is, once there were `tries`, in nanoseconds.
pub fn wait(tries: u32) -> u64 {
    let named = usize::try_from(tries.saturating_sub(1)).ok().and_then(|place| RENEWAL_RETRIES.get(place));
    let last = RENEWAL_RETRIES.last().copied().unwrap_or(RENEWAL_RETRY_NANOS);
    let beyond = u64::from(tries).saturating_sub(u64::try_from(RENEWAL_RETRIES.len()).unwrap_or(u64::MAX));
    named.copied().unwrap_or_else(|| last.saturating_add(beyond.saturating_mul(RENEWAL_RETRY_NANOS)))
}

impl Book {
    /// The next renewal that is due by `now`.
    pub(crate) fn renewal_due(&self, now: Time) -> Option<Command> {
        let (due, id) = self.renewals.first()?;
        if now < *due {
            return None;
        }
        let row = self.subscriptions.get(*id).expect("a subscription that is awaited is known");
        let subscription = SubscriptionId(*id);
        let tries = row.failed.map_or(0, |failed| failed.tries);
        let action = Action::Renew(Renew { subscription, from: row.until });
        Some(Command {
            id: self.name_of_renewal(now, subscription, row.until, tries),
            by: Actor::Book,
            action,
        })
    }

    /// A name that is not taken, and the same for whoever knows the book.
    fn name_of_renewal(&self, now: Time, subscription: SubscriptionId, from: Time, tries: u32) -> Id {
        let mut salt = 0u32;
        loop {
            let mut bytes = b"tollbridge renewal 1\n".to_vec();
            bytes.extend_from_slice(&subscription.0.0);
            bytes.extend_from_slice(&from.0.to_be_bytes());
            bytes.extend_from_slice(&tries.to_be_bytes());
            bytes.extend_from_slice(&salt.to_be_bytes());
            let random = Hash::of(&bytes).0.first_chunk::<16>().copied().expect("32 bytes have 16");
            let id = Id::new(now, random);
            if self.records.get(id).is_none() {
                return id;
            }
            salt = salt.saturating_add(1);
        }
    }
}
