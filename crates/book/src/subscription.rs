//! Subscriptions: a seller's work by the month, paid by itself at the beginning of each period, on terms agreed once.
//!
//! Whoever may buy may subscribe: it is a purchase like any other, and what the owner is asked covers its terms. The book
//! renews it ([`crate::renewal`]) and asks every limit again each time. What it costs changes by [`ChangePlan`] alone,
//! which is the buyer's; a seller can only end it.

use crate::agent::Holder;
use crate::book::{Book, Decision};
use crate::calendar::{Cadence, Zone, edge_after};
use crate::canon::{self, canon_struct};
use crate::command::Actor;
use crate::entry::{Denial, Moved, Outcome, Reject, Term};
use crate::id::{Id, SubscriptionId};
use crate::limits::{GRACE_NANOS_MAX, SUBSCRIPTION_DAYS_MAX, SUBSCRIPTION_MONTHS_MAX, TRIAL_NANOS_MAX};
use crate::money::Amount;
use crate::open::deny;
use crate::purchase::{Kind, Moves, Payer, Purchase, Rows, Weighed};
use crate::table::Slot;
use crate::time::Time;
use evidence::Hash;

/// What was agreed, beside the price of one period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// How long one period is.
    pub every: Cadence,
    /// Whose calendar it is.
    pub zone: Zone,
    /// How often the book may renew it; none is until somebody cancels.
    pub renewals: Option<u32>,
    /// How long it stays usable, and is tried again, after a renewal failed; at most 90 days.
    pub grace_nanos: u64,
    /// The digest of what the seller promises for it.
    pub document: Hash,
}

canon_struct!(Terms { every, zone, renewals, grace_nanos, document });

/// Begins a subscription. The command's id becomes the [`SubscriptionId`], and the name of the first payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscribe {
    /// Who is paid from where; the amount is the price of one period.
    pub purchase: Purchase,
    /// What was agreed beside the price.
    pub terms: Terms,
    /// Until then it is free; the first period that is paid begins there. At most 366 days ahead.
    pub trial_until: Option<Time>,
}

canon_struct!(Subscribe { purchase, terms, trial_until });

/// Agrees on another price or other terms with the same seller, from the same wallet. For who may buy.
///
/// A higher price for periods of the same length counts at once: the rest of the current period costs the difference in
/// proportion, rounded down. Everything else counts from the next period on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangePlan {
    /// Which.
    pub subscription: SubscriptionId,
    /// The same wallet, payees and asset; the amount is the new price. Whoever asks is who pays from then on.
    pub purchase: Purchase,
    /// The new terms. Renewals are counted anew.
    pub terms: Terms,
}

canon_struct!(ChangePlan { subscription, purchase, terms });

/// Ends it with the period that is paid: there is no renewal. For its owner, the agent that pays, the seller and the
/// operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CancelSubscription {
    /// Which.
    pub subscription: SubscriptionId,
}

canon_struct!(CancelSubscription { subscription });

/// What counts until something else is agreed.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) payer: Payer,
    /// Without the approval it was bought with.
    pub(crate) purchase: Purchase,
    pub(crate) terms: Terms,
    /// Whether the owner agreed to it in person, or by answering a question.
    pub(crate) approved: bool,
    /// How often it was renewed.
    pub(crate) renewed: u32,
}

canon_struct!(Plan { payer, purchase, terms, approved, renewed });

/// A subscription.
#[derive(Debug)]
pub(crate) struct Subscription {
    pub(crate) plan: Plan,
    /// What counts from the next period on.
    pub(crate) next: Option<Box<Plan>>,
    /// What the edges of the periods are counted from.
    pub(crate) anchor: Time,
    /// The number of the edge at which the current period ends.
    pub(crate) edge: u32,
    pub(crate) from: Time,
    pub(crate) until: Time,
    /// Whether the current period is free.
    pub(crate) is_trial: bool,
    pub(crate) is_cancelled: bool,
    pub(crate) failed: Option<Failed>,
}

canon_struct!(Subscription { plan, next, anchor, edge, from, until, is_trial, is_cancelled, failed });

/// A renewal that did not succeed yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failed {
    pub(crate) since: Time,
    pub(crate) tries: u32,
    /// When it is tried again, where that is within the time of grace.
    pub(crate) next: Time,
}

canon_struct!(Failed { since, tries, next });

/// Where a subscription stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubscriptionState {
    /// When the current period began.
    pub from: Time,
    /// When it ends.
    pub until: Time,
    /// When the book renews it, or tries again; none where it does not.
    pub next_try: Option<Time>,
    /// Until when it may be used although a renewal failed.
    pub grace_until: Option<Time>,
    /// Whether somebody cancelled it.
    pub is_cancelled: bool,
    /// Whether the current period is free.
    pub is_trial: bool,
}

impl Terms {
    /// Whether they can be kept at all.
    pub(crate) fn are_well_formed(&self) -> bool {
        let lasts = match self.every {
            Cadence::Days(days) => (1..=SUBSCRIPTION_DAYS_MAX).contains(&days),
            Cadence::Months(months) => (1..=SUBSCRIPTION_MONTHS_MAX).contains(&months),
        };
        lasts && self.grace_nanos <= GRACE_NANOS_MAX
    }

    fn has_periods_of(&self, other: &Terms) -> bool {
        (self.every, self.zone) == (other.every, other.zone)
    }
}

/// What an approval of a plan is good for beside the purchase: these terms, and nothing else.
fn digest(before: Option<SubscriptionId>, terms: &Terms, trial_until: Option<Time>) -> Hash {
    let mut bytes = b"tollbridge terms 1\n".to_vec();
    bytes.extend_from_slice(&canon::bytes(&before.map(|id| id.0)));
    bytes.extend_from_slice(&canon::bytes(terms));
    bytes.extend_from_slice(&canon::bytes(&trial_until));
    Hash::of(&bytes)
}

impl Subscribe {
    /// What tells it from another one that an owner may have been asked about.
    pub(crate) fn kind(&self) -> Kind {
        Kind::Subscription { terms: digest(None, &self.terms, self.trial_until) }
    }

    pub(crate) fn decide(&self, book: &Book, at: Time, id: Id, by: Actor) -> Decision {
        let is_trial = self.trial_until.is_some();
        if self.trial_until.is_some_and(|until| until <= at || at.after(TRIAL_NANOS_MAX) < until) {
            return Decision::Reject(Reject::TimeOutOfRange);
        }
        if book.subscriptions.get(id).is_some() {
            return Decision::Reject(Reject::AlreadyExists);
        }
        let moves = if is_trial { Moves::Nothing } else { Moves::Amount(self.purchase.amount) };
        let weighed = match book.authorize_plan(at, by, self.kind(), &self.purchase, moves) {
            Ok(weighed) => weighed,
            Err(no) => return no,
        };
        let (until, paid) = match self.trial_until {
            Some(until) => (until, None),
            None => {
                let (_, until) = edge_after(at, self.terms.every, self.terms.zone, 0);
                (until, Some(book.moved(&self.purchase, self.purchase.amount, weighed)))
            }
        };
        Decision::Record(Outcome::Subscribed(Term { from: at, until, paid }))
    }

    pub(crate) fn apply(&self, book: &mut Book, at: Time, id: Id, by: Actor, term: &Term) {
        let rows = book.rows(by, &self.purchase);
        book.pay_term(at, id, rows, &self.purchase, term.paid.as_ref());
        let is_trial = term.paid.is_none();
        let row = Subscription {
            plan: plan(by, rows.payer, &self.purchase, &self.terms),
            next: None,
            anchor: if is_trial { term.until } else { term.from },
            edge: if is_trial { 0 } else { edge_after(term.from, self.terms.every, self.terms.zone, 0).0 },
            from: term.from,
            until: term.until,
            is_trial,
            is_cancelled: false,
            failed: None,
        };
        let slot = book.subscriptions.insert(id, row);
        book.await_renewal(slot);
    }
}

fn plan(by: Actor, payer: Payer, purchase: &Purchase, terms: &Terms) -> Plan {
    let approved = matches!(by, Actor::Owner { .. }) || purchase.approval.is_some();
    let purchase = Purchase { approval: None, ..purchase.clone() };
    Plan { payer, purchase, terms: terms.clone(), approved, renewed: 0 }
}

impl ChangePlan {
    /// See [`Subscribe::kind`].
    pub(crate) fn kind(&self) -> Kind {
        Kind::Subscription { terms: digest(Some(self.subscription), &self.terms, None) }
    }

    pub(crate) fn decide(&self, book: &Book, at: Time, by: Actor) -> Decision {
        let Some(row) = book.subscriptions.get(self.subscription.0) else {
            return Decision::Reject(Reject::SubscriptionUnknown);
        };
        if let Some(no) = book.is_buyer(by, row) {
            return no;
        }
        let (new, old) = (&self.purchase, &row.plan.purchase);
        if (new.wallet, &new.to, new.asset) != (old.wallet, &old.to, old.asset) {
            return Decision::Reject(Reject::AccountsMismatch);
        }
        if row.is_over(at) {
            return deny(Denial::SubscriptionEnded);
        }
        let due = self.due_now(row, at);
        let moves = due.map_or(Moves::Nothing, Moves::Amount);
        let weighed = match book.authorize_plan(at, by, self.kind(), new, moves) {
            Ok(weighed) => weighed,
            Err(no) => return no,
        };
        let paid = due.map(|due| book.moved(new, due, weighed));
        let from = if self.counts_now(row, at) { at } else { row.until };
        Decision::Record(Outcome::Subscribed(Term { from, until: row.until, paid }))
    }

    /// Whether the new plan counts within the current period.
    fn counts_now(&self, row: &Subscription, at: Time) -> bool {
        let is_paid = !row.is_trial && at < row.until;
        let is_higher = row.plan.purchase.amount < self.purchase.amount;
        is_paid && is_higher && row.plan.terms.has_periods_of(&self.terms)
    }

    /// What the rest of the current period costs more: the difference in proportion, rounded down.
    fn due_now(&self, row: &Subscription, at: Time) -> Option<Amount> {
        if !self.counts_now(row, at) {
            return None;
        }
        let (left, whole) = (row.until.0.saturating_sub(at.0), row.until.0.saturating_sub(row.from.0));
        let difference = self.purchase.amount.saturating_sub(row.plan.purchase.amount);
        Some(difference.portion(left, whole)).filter(|due| !due.is_zero())
    }

    pub(crate) fn apply(&self, book: &mut Book, at: Time, id: Id, by: Actor, term: &Term) {
        let rows = book.rows(by, &self.purchase);
        book.pay_term(at, id, rows, &self.purchase, term.paid.as_ref());
        let plan = plan(by, rows.payer, &self.purchase, &self.terms);
        let slot = book.subscriptions.find(self.subscription.0).expect("decided: it is known");
        book.change_subscription(slot, |row| {
            if term.from < term.until {
                row.plan = plan;
                row.next = None;
            } else {
                row.next = Some(Box::new(plan));
                // Somebody who pays for less, or from elsewhere, need not wait for the next try.
                row.failed = row.failed.map(|failed| Failed { next: at, ..failed });
            }
        });
    }
}

impl CancelSubscription {
    pub(crate) fn decide(&self, book: &Book, at: Time, by: Actor) -> Decision {
        let unknown = Decision::Reject(Reject::SubscriptionUnknown);
        let Some(row) = book.subscriptions.get(self.subscription.0) else { return unknown };
        let no = match by {
            Actor::Owner { .. } | Actor::Agent { .. } => book.is_buyer(by, row),
            Actor::Operator { .. } => book.operator_only(by),
            Actor::Payee { payee, key } => {
                let seller = book.payees.find(payee.0).filter(|_| row.plan.purchase.to.is_led_by(payee));
                seller.map_or(Some(unknown), |seller| book.check_key(key, Holder::Payee(seller)))
            }
            Actor::Book => Some(deny(Denial::Forbidden)),
        };
        match no {
            Some(no) => no,
            None if row.is_over(at) => deny(Denial::SubscriptionEnded),
            None => Decision::Record(Outcome::Done),
        }
    }

    pub(crate) fn apply(&self, book: &mut Book) {
        let slot = book.subscriptions.find(self.subscription.0).expect("decided: it is known");
        book.change_subscription(slot, |row| row.is_cancelled = true);
    }
}

impl Subscription {
    /// What counts when it is renewed.
    pub(crate) fn plan_to_come(&self) -> &Plan {
        self.next.as_deref().unwrap_or(&self.plan)
    }

    /// Until when it may be used although a renewal failed.
    pub(crate) fn grace_until(&self) -> Option<Time> {
        self.failed.map(|failed| failed.since.after(self.plan.terms.grace_nanos))
    }

    /// Whether nothing can be changed any more: it was cancelled, is not renewed, or its grace is over.
    pub(crate) fn is_over(&self, at: Time) -> bool {
        let graced = self.grace_until().is_some_and(|until| until <= at);
        let spent = self.until <= at && self.failed.is_none() && self.next_try().is_none();
        self.is_cancelled || graced || spent
    }
}

impl Book {
    /// Where a subscription stands.
    pub fn subscription(&self, id: SubscriptionId) -> Option<SubscriptionState> {
        let row = self.subscriptions.get(id.0)?;
        Some(SubscriptionState {
            from: row.from,
            until: row.until,
            next_try: row.next_try(),
            grace_until: row.grace_until().filter(|_| !row.is_cancelled),
            is_cancelled: row.is_cancelled,
            is_trial: row.is_trial,
        })
    }

    /// The answer to whoever is neither the owner of the wallet nor the agent that pays.
    fn is_buyer(&self, by: Actor, row: &Subscription) -> Option<Decision> {
        let unknown = Reject::SubscriptionUnknown;
        match by {
            Actor::Owner { .. } => self.owner_only(by, self.wallets.at(row.plan.payer.wallet).owner, unknown),
            Actor::Agent { agent, key } => {
                let payers = [row.plan.payer.agent, row.plan_to_come().payer.agent];
                let agent = self.agents.find(agent.0).filter(|agent| payers.contains(&Some(*agent)));
                agent.map_or(Some(Decision::Reject(unknown)), |agent| {
                    self.check_key(key, Holder::Agent(agent))
                })
            }
            Actor::Operator { .. } | Actor::Payee { .. } | Actor::Book => Some(deny(Denial::Forbidden)),
        }
    }

    /// A payment of `amount` as part of a plan.
    pub(crate) fn moved(&self, buy: &Purchase, amount: Amount, weighed: Weighed) -> Moved {
        Moved { amount, parts: self.divide(&buy.to, weighed.payee, amount), versions: weighed.versions }
    }

    /// Counts what was paid of a plan, and moves it.
    pub(crate) fn pay_term(&mut self, at: Time, id: Id, rows: Rows, buy: &Purchase, paid: Option<&Moved>) {
        match paid {
            Some(moved) => {
                self.count_purchase(at, rows, &Purchase { amount: moved.amount, ..buy.clone() });
                self.move_to_payees(id, rows, &buy.to, moved);
            }
            None => self.use_approval(buy.approval),
        }
    }

    /// Changes a subscription, and with it when the book looks at it again.
    pub(crate) fn change_subscription(&mut self, slot: Slot, change: impl FnOnce(&mut Subscription)) {
        let id = self.subscriptions.id_at(slot);
        let row = self.subscriptions.at_mut(slot);
        if let Some(at) = row.next_try() {
            self.renewals.remove(&(at, id));
        }
        change(row);
        self.await_renewal(slot);
    }

    /// Notes when the book looks at a subscription again.
    pub(crate) fn await_renewal(&mut self, slot: Slot) {
        let id = self.subscriptions.id_at(slot);
        if let Some(at) = self.subscriptions.at(slot).next_try() {
            self.renewals.insert((at, id));
        }
    }
}
