//! Subscriptions: what was agreed, until when it is paid, and when it is renewed.

use crate::views::ViewsFault;
use crate::views::activity::Touched;
use crate::views::batch::Batch;
use crate::views::reader::{Page, View};
use crate::views::stored::{Canonical, Columns, stored};
use book::{
    Action, Actor, AgentId, Denial, Entry, Id, Outcome, OwnerId, PayeeId, PaymentId, Purchase, Refusal, Seq,
    SubscriptionId, Term, Terms, Time, WalletId,
};
use rusqlite::Result;

/// What an owner is asked to agree on beside the price: the terms, and until when it is free.
pub type AskedTerms = (Terms, Option<Time>);

/// What an action would agree on beside the price.
pub(super) fn asked_terms(action: &Action) -> Option<AskedTerms> {
    if let Action::Subscribe(it) = action {
        Some((it.terms.clone(), it.trial_until))
    } else if let Action::ChangePlan(it) = action {
        Some((it.terms.clone(), None))
    } else {
        None
    }
}

macro_rules! select_subscription {
    ($rest:literal) => {
        concat!(
            "SELECT s.seq, s.at, s.id, s.owner, s.wallet, s.payee, s.agent, s.plan, s.next_agent, s.next_plan, s.began,
             s.until, s.trial, s.cancelled, s.renewed, s.failed, s.tries, s.next_try, s.denial, s.last_payment
             FROM subscriptions s",
            $rest
        )
    };
}

/// What was agreed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The agent that pays; none where the owner does.
    pub agent: Option<AgentId>,
    /// Who is paid from where; the amount is the price of one period.
    pub purchase: Purchase,
    /// The rest.
    pub terms: Terms,
}

/// Where a subscription stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Usable, and free.
    Trial,
    /// Usable, and paid.
    Active,
    /// Usable, although a renewal failed.
    Grace,
    /// Usable until its period ends.
    Cancelled,
    /// Over.
    Ended,
}

impl Standing {
    /// Its code.
    pub fn code(self) -> &'static str {
        match self {
            Standing::Trial => "trial",
            Standing::Active => "active",
            Standing::Grace => "grace",
            Standing::Cancelled => "cancelled",
            Standing::Ended => "ended",
        }
    }
}

/// A seller's work by the period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionRow {
    /// The entry that began it.
    pub seq: Seq,
    /// When.
    pub at: Time,
    /// Its name.
    pub id: SubscriptionId,
    /// Whose wallet pays.
    pub owner: Option<OwnerId>,
    /// Which.
    pub wallet: WalletId,
    /// The seller; of a split, the first.
    pub payee: PayeeId,
    /// What counts now.
    pub plan: Plan,
    /// What counts from the next period on, where that is something else.
    pub next_plan: Option<Plan>,
    /// When the current period began.
    pub from: Time,
    /// When it ends.
    pub until: Time,
    /// Whether it is free.
    pub is_trial: bool,
    /// When it was cancelled.
    pub cancelled: Option<Time>,
    /// How often it was renewed since its plan was agreed.
    pub renewed: u32,
    /// Since when a renewal fails.
    pub failed: Option<Time>,
    /// How often it did.
    pub tries: u32,
    /// When it is tried again.
    pub retry: Option<Time>,
    /// Why it failed the last time.
    pub denial: Option<Denial>,
    /// The last payment for it.
    pub last_payment: Option<PaymentId>,
}

impl SubscriptionRow {
    fn read(columns: &mut Columns<'_>) -> Result<SubscriptionRow> {
        let (seq, at, id) = (columns.next()?, columns.next()?, columns.next()?);
        let (owner, wallet, payee) = (columns.next()?, columns.next()?, columns.next()?);
        let agent = columns.next()?;
        let Canonical((purchase, terms)) = columns.next::<Canonical<(Purchase, Terms)>>()?;
        let next_agent = columns.next()?;
        let next = columns.next::<Option<Canonical<(Purchase, Terms)>>>()?;
        Ok(SubscriptionRow {
            seq,
            at,
            id,
            owner,
            wallet,
            payee,
            plan: Plan { agent, purchase, terms },
            next_plan: next.map(|Canonical((purchase, terms))| Plan { agent: next_agent, purchase, terms }),
            from: columns.next()?,
            until: columns.next()?,
            is_trial: columns.next()?,
            cancelled: columns.next()?,
            renewed: columns.next()?,
            failed: columns.next()?,
            tries: columns.next()?,
            retry: columns.next()?,
            denial: columns.next::<Option<Canonical<Denial>>>()?.map(|denial| denial.0),
            last_payment: columns.next()?,
        })
    }

    /// What counts when it is renewed.
    pub fn plan_to_come(&self) -> &Plan {
        self.next_plan.as_ref().unwrap_or(&self.plan)
    }

    /// Until when it may be used although a renewal failed.
    pub fn grace_until(&self) -> Option<Time> {
        self.failed.map(|failed| failed.after(self.plan.terms.grace_nanos))
    }

    /// When the book renews it, or tries again.
    pub fn next_try(&self) -> Option<Time> {
        let renewed = if self.next_plan.is_some() { 0 } else { self.renewed };
        let is_renewed = self.plan_to_come().terms.renewals.is_none_or(|most| renewed < most);
        if self.cancelled.is_some() || !is_renewed || self.until == Time::MAX {
            return None;
        }
        match self.failed {
            None => Some(self.until),
            Some(_) => self.retry.filter(|retry| self.grace_until().is_some_and(|end| *retry < end)),
        }
    }

    /// Where it stands at `now`. Between the end of a period and the book's first try, which is at once, it goes on.
    pub fn standing(&self, now: Time) -> Standing {
        if self.cancelled.is_some() {
            return if now < self.until { Standing::Cancelled } else { Standing::Ended };
        }
        if let Some(end) = self.grace_until() {
            return if now < end { Standing::Grace } else { Standing::Ended };
        }
        if self.until <= now && self.next_try().is_none() {
            return Standing::Ended;
        }
        if self.is_trial { Standing::Trial } else { Standing::Active }
    }

    /// Until when it may be used, as things stand at `now`; none where it may not.
    pub fn usable_until(&self, now: Time) -> Option<Time> {
        match self.standing(now) {
            Standing::Trial | Standing::Active | Standing::Cancelled => Some(self.until),
            Standing::Grace => self.grace_until(),
            Standing::Ended => None,
        }
    }
}

impl View {
    /// A subscription.
    pub fn subscription(&self, id: SubscriptionId) -> Result<Option<SubscriptionRow>, ViewsFault> {
        self.find(select_subscription!(" WHERE s.id = ?1"), stored![id], SubscriptionRow::read)
    }

    /// The subscriptions of a wallet.
    pub fn subscriptions_of_wallet(
        &self,
        wallet: WalletId,
        cursor: Option<Seq>,
        limit: usize,
    ) -> Result<Page<SubscriptionRow>, ViewsFault> {
        let query = select_subscription!(" WHERE s.wallet = ?3 AND s.seq <= ?1 ORDER BY s.seq DESC LIMIT ?2");
        self.page(query, Some(wallet.0), cursor, limit, SubscriptionRow::read, |row| row.seq)
    }

    /// The subscriptions that an owner's wallets pay.
    pub fn subscriptions_of_owner(
        &self,
        owner: OwnerId,
        cursor: Option<Seq>,
        limit: usize,
    ) -> Result<Page<SubscriptionRow>, ViewsFault> {
        let query = select_subscription!(" WHERE s.owner = ?3 AND s.seq <= ?1 ORDER BY s.seq DESC LIMIT ?2");
        self.page(query, Some(owner.0), cursor, limit, SubscriptionRow::read, |row| row.seq)
    }

    /// The subscriptions to a seller.
    pub fn subscriptions_of_payee(
        &self,
        payee: PayeeId,
        cursor: Option<Seq>,
        limit: usize,
    ) -> Result<Page<SubscriptionRow>, ViewsFault> {
        let query = select_subscription!(" WHERE s.payee = ?3 AND s.seq <= ?1 ORDER BY s.seq DESC LIMIT ?2");
        self.page(query, Some(payee.0), cursor, limit, SubscriptionRow::read, |row| row.seq)
    }
}

impl Batch<'_> {
    fn subscription(&self, id: SubscriptionId) -> Result<Option<SubscriptionRow>, ViewsFault> {
        self.find(select_subscription!(" WHERE s.id = ?1"), stored![id], SubscriptionRow::read)
    }

    /// Whom a subscription concerns.
    pub(super) fn concerns_subscription(
        &self,
        id: SubscriptionId,
        touched: &mut Touched,
    ) -> Result<(), ViewsFault> {
        touched.about = Some(id.0);
        if let Some(row) = self.subscription(id)? {
            let plan = row.plan_to_come();
            touched.agent = plan.agent;
            touched.buys(&plan.purchase);
        }
        Ok(())
    }

    /// Notes what was agreed, paid or cancelled.
    pub(super) fn change_subscription(
        &mut self,
        entry: &Entry,
        touched: &mut Touched,
    ) -> Result<(), ViewsFault> {
        let Entry { command, outcome, .. } = entry;
        let agent = if let Actor::Agent { agent, .. } = command.by { Some(agent) } else { None };
        match (&command.action, outcome) {
            (Action::Subscribe(it), Outcome::Subscribed(term)) => {
                let plan = Plan { agent, purchase: it.purchase.clone(), terms: it.terms.clone() };
                self.pay_plan(entry, &plan, term, touched)?;
                self.subscribe(entry, &plan, term, touched)
            }
            (Action::ChangePlan(it), Outcome::Subscribed(term)) => {
                let plan = Plan { agent, purchase: it.purchase.clone(), terms: it.terms.clone() };
                self.pay_plan(entry, &plan, term, touched)?;
                self.change_plan(entry, it.subscription, &plan, term)
            }
            (Action::Renew(it), Outcome::Subscribed(term)) => {
                let row = self.subscription(it.subscription)?.ok_or_else(|| self.disagrees())?;
                self.pay_plan(entry, row.plan_to_come(), term, touched)?;
                self.run_one(
                    "UPDATE subscriptions SET agent = CASE WHEN next_plan IS NULL THEN agent ELSE next_agent END,
                     plan = coalesce(next_plan, plan), next_agent = NULL,
                     renewed = CASE WHEN next_plan IS NULL THEN renewed ELSE 0 END + 1, next_plan = NULL,
                     began = ?2, until = ?3, trial = 0, failed = NULL, tries = 0, next_try = NULL, denial = NULL,
                     last_payment = ?4 WHERE id = ?1",
                    stored![it.subscription, term.from, term.until, command.id],
                )
            }
            (Action::CancelSubscription(it), Outcome::Done) => self.run_one(
                "UPDATE subscriptions SET cancelled = ?2 WHERE id = ?1",
                stored![it.subscription, entry.at],
            ),
            _ => Err(self.disagrees()),
        }
    }

    /// Notes what was paid, or that it is free for now.
    fn pay_plan(
        &mut self,
        entry: &Entry,
        plan: &Plan,
        term: &Term,
        touched: &mut Touched,
    ) -> Result<(), ViewsFault> {
        touched.amount = term.paid.as_ref().map(|moved| moved.amount);
        match &term.paid {
            Some(moved) => self.pay_as(entry, plan.agent, &plan.purchase, moved),
            None => self.use_approval(plan.purchase.approval),
        }
    }

    fn subscribe(
        &mut self,
        entry: &Entry,
        plan: &Plan,
        term: &Term,
        touched: &Touched,
    ) -> Result<(), ViewsFault> {
        let id = entry.command.id;
        let paid: Option<Id> = term.paid.as_ref().map(|_| id);
        self.run(
            "INSERT INTO subscriptions VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, NULL, NULL, ?9, ?10, ?11, NULL, 0,
             NULL, 0, NULL, NULL, ?12)",
            stored![
                entry.seq,
                entry.at,
                id,
                touched.owner,
                plan.purchase.wallet,
                touched.payee,
                plan.agent,
                agreed(plan),
                term.from,
                term.until,
                term.paid.is_none(),
                paid,
            ],
        )?;
        Ok(())
    }

    fn change_plan(
        &mut self,
        entry: &Entry,
        id: SubscriptionId,
        plan: &Plan,
        term: &Term,
    ) -> Result<(), ViewsFault> {
        if let Some(paid) = term.paid.as_ref().map(|_| entry.command.id) {
            self.run_one("UPDATE subscriptions SET last_payment = ?2 WHERE id = ?1", stored![id, paid])?;
        }
        if term.from < term.until {
            return self.run_one(
                "UPDATE subscriptions SET agent = ?2, plan = ?3, next_agent = NULL, next_plan = NULL, renewed = 0
                 WHERE id = ?1",
                stored![id, plan.agent, agreed(plan)],
            );
        }
        self.run_one(
            "UPDATE subscriptions SET next_agent = ?2, next_plan = ?3,
             next_try = CASE WHEN failed IS NULL THEN NULL ELSE ?4 END WHERE id = ?1",
            stored![id, plan.agent, agreed(plan), entry.at],
        )
    }

    /// Notes a renewal that was refused.
    pub(super) fn note_failure(&mut self, entry: &Entry, refusal: &Refusal) -> Result<(), ViewsFault> {
        let (Action::Renew(it), Actor::Book) = (&entry.command.action, entry.command.by) else {
            return Ok(());
        };
        let row = self.subscription(it.subscription)?.ok_or_else(|| self.disagrees())?;
        let (since, tries) = (row.failed.unwrap_or(entry.at), row.tries.saturating_add(1));
        let retry = since.after(book::renewal::wait(tries));
        self.run_one(
            "UPDATE subscriptions SET failed = ?2, tries = ?3, next_try = ?4, denial = ?5 WHERE id = ?1",
            stored![it.subscription, since, tries, retry, Canonical(refusal.denial)],
        )
    }
}

/// The price and the terms, without the approval they were bought with.
fn agreed(plan: &Plan) -> Canonical<(Purchase, Terms)> {
    Canonical((Purchase { approval: None, ..plan.purchase.clone() }, plan.terms.clone()))
}
