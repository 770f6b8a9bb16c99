//! Subscriptions as the auditor follows them: what was agreed, what was paid for, and what has to come next.

use super::entry::{Action, By, Digest, Holder, Moved, Name, Outcome, Purchase, Terms};
use super::judge::{Deal, Judgement, denied};
use super::state::Answer;
use super::walk::Walk;
use jiff::tz::TimeZone;
use sha2::Digest as _;

const HOUR: u64 = 3_600_000_000_000;
const DAY: u64 = 24 * HOUR;

/// What was agreed.
#[derive(Clone, Debug)]
struct Plan {
    agent: Option<Name>,
    purchase: Purchase,
    terms: Terms,
    is_approved: bool,
    renewed: u64,
}

/// A seller's work by the period.
#[derive(Debug)]
pub(super) struct Subscription {
    plan: Plan,
    next: Option<Plan>,
    anchor: u64,
    edge: i64,
    from: u64,
    until: u64,
    is_trial: bool,
    is_cancelled: bool,
    /// Since when a renewal fails, how often it did, and when it is tried again.
    failed: Option<(u64, u64, u64)>,
}

/// The digest of the terms that a command proposes.
pub(super) fn digest(action: &Action) -> Option<Digest> {
    let mut bytes = b"tollbridge terms 1\n".to_vec();
    if let Action::Subscribe { terms, trial_until, .. } = action {
        bytes.push(0);
        bytes.extend_from_slice(&terms.bytes);
        match trial_until {
            None => bytes.push(0),
            Some(until) => {
                bytes.push(1);
                let mut left = *until;
                while left > 127 {
                    bytes.push((left & 127) as u8 | 128);
                    left >>= 7;
                }
                bytes.push(left as u8);
            }
        }
    } else if let Action::ChangePlan { subscription, terms, .. } = action {
        bytes.push(1);
        bytes.extend_from_slice(subscription);
        bytes.extend_from_slice(&terms.bytes);
        bytes.push(0);
    } else {
        return None;
    }
    Some(sha2::Sha256::digest(&bytes).into())
}

/// The `number`-th edge of periods from `anchor`; the end of time where the calendar has none.
fn edge(anchor: u64, terms: &Terms, number: i64) -> u64 {
    let found = TimeZone::get(&terms.zone).ok().and_then(|zone| {
        let first = jiff::Timestamp::from_nanosecond(i128::from(anchor)).ok()?;
        let first = zone.to_datetime(first);
        let count = i64::try_from(terms.each).ok()?.checked_mul(number)?;
        let later = if terms.is_monthly {
            first.checked_add(jiff::Span::new().try_months(count).ok()?)
        } else {
            first.checked_add(jiff::Span::new().try_days(count).ok()?)
        };
        u64::try_from(zone.to_ambiguous_zoned(later.ok()?).compatible().ok()?.timestamp().as_nanosecond())
            .ok()
    });
    // The first edge is the anchor itself, also where its time of day is the second of two.
    if number == 0 { anchor } else { found.unwrap_or(u64::MAX) }
}

impl Subscription {
    fn to_come(&self) -> &Plan {
        self.next.as_ref().unwrap_or(&self.plan)
    }

    fn grace_until(&self) -> Option<u64> {
        self.failed.map(|failed| failed.0.saturating_add(self.plan.terms.grace))
    }

    fn next_try(&self) -> Option<u64> {
        let plan = self.to_come();
        let is_renewed = plan.terms.renewals.is_none_or(|most| plan.renewed < most);
        if self.is_cancelled || !is_renewed || self.until == u64::MAX {
            return None;
        }
        match self.failed {
            None => Some(self.until),
            Some((_, _, next)) => Some(next).filter(|next| self.grace_until().is_some_and(|end| *next < end)),
        }
    }

    fn is_over(&self, at: u64) -> bool {
        let is_spent = at >= self.until && self.failed.is_none() && self.next_try().is_none();
        self.is_cancelled || is_spent || self.grace_until().is_some_and(|end| end <= at)
    }

    /// Of the next period: its anchor, the number of the edge it ends at, and when.
    fn period(&self) -> (u64, i64, u64) {
        let (now, next) = (&self.plan.terms, &self.to_come().terms);
        let same = (now.is_monthly, now.each, &now.zone) == (next.is_monthly, next.each, &next.zone);
        let (anchor, number) = if same { (self.anchor, self.edge) } else { (self.until, 0) };
        let (number, until) = following(anchor, next, number);
        (anchor, number, until)
    }

    /// What a plan with this price and these terms costs more at once; none where it counts from the next period on.
    fn difference(&self, at: u64, amount: u128, terms: &Terms) -> Option<u128> {
        let (old, new) = (&self.plan.terms, terms);
        let same = (old.is_monthly, old.each, &old.zone) == (new.is_monthly, new.each, &new.zone);
        if self.is_trial || at >= self.until || !same || amount <= self.plan.purchase.amount {
            return None;
        }
        let (left, whole) = (u128::from(self.until - at), u128::from(self.until - self.from));
        let difference = amount - self.plan.purchase.amount;
        Some(difference / whole * left + difference % whole * left / whole)
    }
}

fn following(anchor: u64, terms: &Terms, number: i64) -> (i64, u64) {
    let from = edge(anchor, terms, number);
    let later = (number + 1..).map(|number| (number, edge(anchor, terms, number)));
    later.into_iter().find(|(_, at)| *at > from || from == u64::MAX).unwrap_or((number, u64::MAX))
}

impl Walk {
    /// What should come of a plan, or of a renewal.
    pub(super) fn judge_plan(&self, at: u64, by: By, action: &Action) -> Judgement {
        match self.try_plan(at, by, action) {
            Ok(()) => Judgement::Fine,
            Err(no) => no,
        }
    }

    fn try_plan(&self, at: u64, by: By, action: &Action) -> Result<(), Judgement> {
        let terms = digest(action);
        let unknown = Judgement::Rejected("subscription_unknown");
        if let Action::Subscribe { purchase, trial_until, .. } = action {
            if trial_until.is_some_and(|until| until <= at || at.saturating_add(366 * DAY) < until) {
                return Err(Judgement::Rejected("time_out_of_range"));
            }
            let moves = Some(purchase.amount).filter(|_| trial_until.is_none());
            return self.state.try_purchase(at, by, Deal { kind: 4, terms, moves }, purchase);
        }
        if let Action::ChangePlan { subscription, purchase, terms: new } = action {
            let row = self.state.subscriptions.get(subscription).ok_or(unknown.clone())?;
            self.is_buyer(by, row)?;
            let old = &row.plan.purchase;
            if (purchase.wallet, &purchase.shares, &purchase.asset) != (old.wallet, &old.shares, &old.asset) {
                return Err(Judgement::Rejected("accounts_mismatch"));
            }
            if row.is_over(at) {
                return Err(denied("subscription_ended"));
            }
            let moves = row.difference(at, purchase.amount, new).filter(|due| *due != 0);
            return self.state.try_purchase(at, by, Deal { kind: 4, terms, moves }, purchase);
        }
        let Action::Renew { subscription, from } = action else { return Err(Judgement::Unsure) };
        if by != By::Book {
            return Err(denied("forbidden"));
        }
        let row = self.state.subscriptions.get(subscription).ok_or(unknown.clone())?;
        if row.until != *from || row.next_try().is_none_or(|due| at < due) {
            return Err(unknown);
        }
        let Plan { agent, purchase, is_approved, .. } = row.to_come();
        match self.state.weigh(at, *agent, purchase, Some(purchase.amount)) {
            Ok(Some(_)) if agent.is_some() && !is_approved => Err(denied("renewal_unapproved")),
            Ok(_) => Ok(()),
            Err(Judgement::Rejected(_)) => Err(denied("payee_closed")),
            Err(no) => Err(no),
        }
    }

    fn is_buyer(&self, by: By, row: &Subscription) -> Result<(), Judgement> {
        match by {
            By::Owner { .. } => self.state.is_owner(by, self.state.wallets[&row.plan.purchase.wallet].owner),
            By::Agent { agent, key } => {
                if ![row.plan.agent, row.to_come().agent].contains(&Some(agent)) {
                    return Err(Judgement::Rejected("subscription_unknown"));
                }
                self.state.key_speaks(key, Holder::Agent(agent))
            }
            By::Operator { .. } | By::Payee { .. } | By::Book => Err(denied("forbidden")),
        }
    }

    /// Believes a period that was agreed on.
    pub(super) fn believe_term(&mut self, at: u64, id: Name, by: By, action: &Action, outcome: &Outcome) {
        let Outcome::Subscribed { from, until, paid } = outcome else { return };
        let (from, until, paid) = (*from, *until, paid.as_ref());
        let plan = |purchase: &Purchase, terms: &Terms| Plan {
            agent: if let By::Agent { agent, .. } = by { Some(agent) } else { None },
            is_approved: matches!(by, By::Owner { .. }) || purchase.approval.is_some(),
            purchase: Purchase { approval: None, ..purchase.clone() },
            terms: terms.clone(),
            renewed: 0,
        };
        if let Action::Subscribe { purchase, terms, trial_until } = action {
            let plan = plan(purchase, terms);
            let (edge, should_end) = trial_until.map_or_else(|| following(at, terms, 0), |until| (0, until));
            let is_trial = trial_until.is_some();
            self.expect(from == at && until == should_end, "I9", "another period than was agreed on");
            let due = Some(purchase.amount).filter(|_| !is_trial);
            self.pay_plan(at, id, plan.agent, purchase, due, paid);
            let anchor = trial_until.unwrap_or(at);
            let row = Subscription {
                plan,
                next: None,
                anchor,
                edge,
                from,
                until,
                is_trial,
                is_cancelled: false,
                failed: None,
            };
            let replaced = self.state.subscriptions.insert(id, row);
            self.expect(replaced.is_none(), "I4", "the subscription was there before");
        } else if let Action::ChangePlan { subscription, purchase, terms } = action {
            let plan = plan(purchase, terms);
            let Some(row) = self.state.subscriptions.get(subscription) else {
                return self.wrong("form", "no such subscription");
            };
            let difference = row.difference(at, purchase.amount, terms);
            let begins = if difference.is_some() { at } else { row.until };
            let is_right = from == begins && until == row.until;
            self.expect(is_right, "I9", "the change counts at another time");
            self.pay_plan(at, id, plan.agent, purchase, difference.filter(|due| *due != 0), paid);
            let Some(row) = self.state.subscriptions.get_mut(subscription) else { return };
            if difference.is_some() {
                (row.plan, row.next) = (plan, None);
            } else {
                row.next = Some(plan);
                row.failed = row.failed.map(|(since, tries, _)| (since, tries, at));
            }
        } else if let Action::Renew { subscription, .. } = action {
            let Some(row) = self.state.subscriptions.get(subscription) else {
                return self.wrong("form", "no such subscription");
            };
            let (anchor, edge, should_end) = row.period();
            let is_right = from == row.until && until == should_end;
            let Plan { agent, purchase, .. } = row.to_come().clone();
            self.expect(is_right, "I9", "a gap or an overlap between two periods");
            self.pay_plan(at, id, agent, &purchase, Some(purchase.amount), paid);
            let Some(row) = self.state.subscriptions.get_mut(subscription) else { return };
            if let Some(next) = row.next.take() {
                row.plan = next;
            }
            row.plan.renewed += 1;
            (row.anchor, row.edge, row.from, row.until) = (anchor, edge, from, until);
            (row.is_trial, row.failed) = (false, None);
        } else {
            self.wrong("form", "the outcome is not one of this action");
        }
    }

    fn pay_plan(
        &mut self,
        at: u64,
        id: Name,
        agent: Option<Name>,
        purchase: &Purchase,
        due: Option<u128>,
        paid: Option<&Moved>,
    ) {
        self.expect(due == paid.map(|moved| moved.amount), "I1", "another amount was paid");
        let Some(moved) = paid else {
            let question = purchase.approval.and_then(|name| self.state.questions.get_mut(&name));
            question.into_iter().for_each(|question| question.answer = Answer::Used);
            return;
        };
        let versions = self.state.versions(purchase.wallet, agent, purchase.mandate);
        self.expect(moved.versions == versions, "I9", "other limits decided");
        self.count_for(at, id, agent, &Purchase { amount: moved.amount, ..purchase.clone() }, None);
        self.move_to_payees(id, moved);
    }

    /// Notes a renewal that was refused, and when it is tried again.
    pub(super) fn note_failure(&mut self, at: u64, by: By, action: &Action) {
        let (By::Book, Action::Renew { subscription, .. }) = (by, action) else { return };
        let Some(row) = self.state.subscriptions.get_mut(subscription) else { return };
        let (since, tries, _) = row.failed.unwrap_or((at, 0, at));
        let wait = match tries {
            0 => HOUR,
            1 => 6 * HOUR,
            more => (more - 1) * DAY,
        };
        row.failed = Some((since, tries + 1, since.saturating_add(wait)));
    }

    /// Believes that a subscription was cancelled.
    pub(super) fn cancel(&mut self, at: u64, by: By, subscription: Name) {
        let Some(row) = self.state.subscriptions.get(&subscription) else {
            return self.wrong("form", "no such subscription");
        };
        let is_allowed = match by {
            By::Owner { .. } | By::Agent { .. } => self.is_buyer(by, row).is_ok(),
            By::Operator { .. } => self.state.is_operator(by).is_ok(),
            By::Payee { payee, key } => {
                row.plan.purchase.shares.first().is_some_and(|share| share.0 == payee)
                    && self.state.key_speaks(key, Holder::Payee(payee)).is_ok()
            }
            By::Book => false,
        };
        let is_over = row.is_over(at);
        self.allowed(is_allowed);
        self.expect(!is_over, "I9", "what had ended was cancelled");
        self.state.subscriptions.get_mut(&subscription).into_iter().for_each(|row| row.is_cancelled = true);
    }
}
