//! Quotas as the auditor counts them: what came in, what was used, and what went further down.

use super::entry::{Action, By, Holder, Name, Subject};
use super::judge::{Judgement, denied};
use super::state::Status;
use super::walk::Walk;

const UNITS: u64 = 1_000_000_000_000_000_000;

/// Work that is paid for.
#[derive(Debug)]
pub(super) struct Quota {
    seller: Name,
    wallet: Name,
    agent: Option<Name>,
    is_money: bool,
    granted: u64,
    used: u64,
    allotted: u64,
    until: u64,
    parent: Option<Name>,
}

impl Quota {
    fn left(&self) -> u64 {
        self.granted.saturating_sub(self.used).saturating_sub(self.allotted)
    }
}

impl Walk {
    /// Believes what was done to a quota or a link, or that a subscription was cancelled.
    #[allow(clippy::wildcard_enum_match_arm)] // No other action is about these.
    pub(super) fn believe_quota(&mut self, at: u64, id: Name, by: By, action: &Action) {
        match action {
            Action::GrantQuota { wallet, payment, is_money, units, until, into } => {
                let Some(seller) = self.seller(by) else { return };
                self.expect(at < *until && *units != 0, "I10", "nothing was granted, or until yesterday");
                self.pay_for(seller, *wallet, *payment);
                let known = into.is_none_or(|into| {
                    self.state.quotas.get(&into).is_some_and(|row| {
                        (row.seller, row.wallet, row.is_money) == (seller, *wallet, *is_money)
                            && row.parent.is_none()
                    })
                });
                self.expect(known, "I10", "added to another's quota");
                let (wallet, is_money) = (*wallet, *is_money);
                let row = self.state.quotas.entry(into.unwrap_or(id)).or_insert(Quota {
                    seller,
                    wallet,
                    agent: None,
                    is_money,
                    granted: 0,
                    used: 0,
                    allotted: 0,
                    until: 0,
                    parent: None,
                });
                row.granted += units;
                row.until = row.until.max(*until);
                let is_too_much = UNITS < row.granted;
                self.expect(!is_too_much, "I10", "more than a quota can be");
            }
            Action::Deduct { quota, units } => {
                self.may_use(at, by, *quota);
                let Some(row) = self.state.quotas.get_mut(quota) else { return };
                let is_there = *units != 0 && *units <= row.left();
                row.used += units;
                self.state.deductions.insert(id, (*quota, *units));
                self.expect(is_there, "I10", "more was used than was left");
            }
            Action::Restore { deduct, units } => {
                let seller = self.seller(by);
                let Some((quota, taken)) = self.state.deductions.get_mut(deduct) else {
                    self.wrong("form", "no such deduction");
                    return;
                };
                let is_taken = *units != 0 && *units <= *taken;
                *taken = taken.saturating_sub(*units);
                let row = self.state.quotas.get_mut(quota);
                let is_own = row.as_ref().map(|row| row.seller) == seller;
                row.into_iter().for_each(|row| row.used = row.used.saturating_sub(*units));
                self.expect(is_taken && is_own, "I10", "given back what was not taken");
            }
            Action::Allot { from, into, agent, units } => {
                self.may_divide(by, *from);
                let is_in_time = at < self.lasts_until(*from);
                let deep = self.quotas_above(*from).len();
                let Some(above) = self.state.quotas.get_mut(from) else { return };
                let is_there = *units != 0 && *units <= above.left();
                above.allotted += units;
                let (seller, wallet, is_money) = (above.seller, above.wallet, above.is_money);
                let row = self.state.quotas.entry(into.unwrap_or(id)).or_insert(Quota {
                    seller,
                    wallet,
                    agent: *agent,
                    is_money,
                    granted: 0,
                    used: 0,
                    allotted: 0,
                    until: u64::MAX,
                    parent: Some(*from),
                });
                row.granted += units;
                let is_below = row.parent == Some(*from);
                let is_new = into.is_none();
                self.expect(is_there && is_in_time, "I10", "more was allotted than was left");
                self.expect(is_below && (!is_new || deep < 4), "I10", "allotted elsewhere, or too deep");
            }
            Action::Reclaim { quota, units } => {
                self.may_divide(by, *quota);
                let Some(row) = self.state.quotas.get_mut(quota) else { return };
                let is_there = *units != 0 && *units <= row.left();
                row.granted = row.granted.saturating_sub(*units);
                let parent = row.parent;
                let above = parent.and_then(|parent| self.state.quotas.get_mut(&parent));
                let is_below = above.is_some();
                above.into_iter().for_each(|above| above.allotted = above.allotted.saturating_sub(*units));
                self.expect(is_there && is_below, "I10", "more was reclaimed than was left");
            }
            Action::CancelSubscription { subscription } => self.cancel(at, by, *subscription),
            Action::OpenLink { .. } | Action::CloseLink { .. } => self.believe_link(at, id, by, action),
            Action::SetDestination { .. } | Action::RequestPayout { .. } | Action::AdvancePayout { .. } => {
                self.believe_payout(at, id, by, action);
            }
            _ => self.wrong("form", "the outcome is not one of this action"),
        }
    }

    /// The seller who asks, if one does.
    fn seller(&mut self, by: By) -> Option<Name> {
        let By::Payee { payee, key } = by else {
            self.wrong("I9", "a quota that no seller counts");
            return None;
        };
        let speaks = self.state.key_speaks(key, Holder::Payee(payee)).is_ok();
        self.allowed(speaks && self.state.status(Subject::Payee(payee)) == Some(Status::Active));
        Some(payee)
    }

    /// A payment is good for one grant, to whoever paid, by whoever got it.
    fn pay_for(&mut self, seller: Name, wallet: Name, payment: Option<Name>) {
        let Some(payment) = payment else { return };
        let is_paid = self.state.bought.get(&payment).is_some_and(|row| {
            row.purchase.wallet == wallet && row.paid.first().is_some_and(|part| part.payee == seller)
        });
        let is_first = self.state.granted.insert(payment);
        self.expect(is_paid && is_first, "I10", "granted for what was not paid, or twice");
    }

    /// Whether a seller who counts on a quota of his that nothing stops finds enough; all else is checked when it is believed.
    pub(super) fn judge_deduct(&self, at: u64, by: By, quota: Name, units: u64) -> Judgement {
        let By::Payee { payee, key } = by else { return denied("forbidden") };
        if let Err(no) = self.state.key_speaks(key, Holder::Payee(payee)) {
            return no;
        }
        let Some(row) = self.state.quotas.get(&quota).filter(|row| row.seller == payee) else {
            return Judgement::Rejected("quota_unknown");
        };
        if !self.is_usable(row, quota) || self.state.status(Subject::Payee(payee)) != Some(Status::Active) {
            return Judgement::Unsure;
        }
        if self.lasts_until(quota) <= at {
            return denied("quota_expired");
        }
        if row.left() < units {
            return denied("quota_insufficient");
        }
        Judgement::Fine
    }

    /// Whether owner, wallet and agents are all running.
    fn is_usable(&self, row: &Quota, quota: Name) -> bool {
        let agents: Vec<Name> = [quota].into_iter().chain(self.quotas_above(quota)).collect();
        let agents = agents.iter().filter_map(|name| self.state.quotas.get(name)?.agent).map(Subject::Agent);
        let owner = self.state.owner_of(Subject::Wallet(row.wallet)).map(Subject::Owner);
        let mut subjects = owner.into_iter().chain([Subject::Wallet(row.wallet)]).chain(agents);
        subjects.all(|subject| self.state.status(subject) == Some(Status::Active))
    }

    fn may_use(&mut self, at: u64, by: By, quota: Name) {
        let seller = self.seller(by);
        let Some(row) = self.state.quotas.get(&quota) else {
            self.wrong("form", "no such quota");
            return;
        };
        let is_own = Some(row.seller) == seller;
        let is_usable = self.is_usable(row, quota);
        let is_in_time = at < self.lasts_until(quota);
        self.allowed(is_own);
        self.expect(is_usable && is_in_time, "I9", "what is stopped or over was used");
    }

    fn may_divide(&mut self, by: By, quota: Name) {
        let wallet = self.state.quotas.get(&quota).map(|row| row.wallet);
        let owner = wallet.and_then(|wallet| self.state.owner_of(Subject::Wallet(wallet)));
        self.allowed(owner.is_some_and(|owner| self.state.is_owner(by, owner).is_ok()));
    }

    fn quotas_above(&self, quota: Name) -> Vec<Name> {
        let parent = |name: &Name| self.state.quotas.get(name).and_then(|row| row.parent);
        std::iter::successors(parent(&quota), parent).collect()
    }

    fn lasts_until(&self, quota: Name) -> u64 {
        let root = self.quotas_above(quota).last().copied().unwrap_or(quota);
        self.state.quotas.get(&root).map_or(0, |row| row.until)
    }
}
