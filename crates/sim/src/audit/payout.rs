//! Payouts as the auditor follows them: which bank account counts when, and what is on its way there.

use super::entry::{Action, By, Digest, Holder, Name, Place};
use super::judge::{Judgement, denied, left};
use super::state::Status;
use super::walk::Walk;

const DAY: u64 = 86_400_000_000_000;

/// What happens to a payout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Sent,
    Paid,
    Failed,
}

/// A payout, and what happened to it last.
#[derive(Clone, Debug)]
pub(super) struct Payout {
    payee: Name,
    asset: String,
    amount: u128,
    last: Option<Step>,
}

impl Payout {
    fn is_under_way(&self) -> bool {
        matches!(self.last, None | Some(Step::Sent))
    }
}

impl Walk {
    /// What should come of a payout, or of what is said of one.
    pub(super) fn judge_payout(&self, at: u64, by: By, action: &Action) -> Judgement {
        match self.try_payout(at, by, action) {
            Ok(()) => Judgement::Fine,
            Err(no) => no,
        }
    }

    fn try_payout(&self, at: u64, by: By, action: &Action) -> Result<(), Judgement> {
        if let Action::AdvancePayout { payout, step } = action {
            self.state.is_operator(by)?;
            let row = self.state.payouts.get(payout).ok_or(Judgement::Rejected("payout_unknown"))?;
            return match row.last {
                Some(Step::Paid | Step::Failed) => Err(denied("payout_ended")),
                Some(Step::Sent) if *step == Step::Sent => Err(Judgement::Rejected("payout_sent")),
                Some(Step::Sent) | None => Ok(()),
            };
        }
        let (Action::SetDestination { payee, .. } | Action::RequestPayout { payee, .. }) = action else {
            return Err(Judgement::Unsure);
        };
        let row = self.state.payees.get(payee).ok_or(Judgement::Rejected("payee_unknown"))?;
        match by {
            By::Payee { payee: named, key } if named == *payee => {
                self.state.key_speaks(key, Holder::Payee(named))?;
            }
            By::Payee { .. } => return Err(Judgement::Rejected("payee_unknown")),
            By::Operator { .. } | By::Owner { .. } | By::Agent { .. } | By::Book => {
                self.state.is_operator(by)?;
            }
        }
        let Action::RequestPayout { amount, asset, destination, .. } = action else { return Ok(()) };
        if *amount == 0 {
            return Err(Judgement::Rejected("amount_zero"));
        }
        if row.asset != *asset {
            return Err(denied("asset_mismatch"));
        }
        if row.status != Status::Active {
            return Err(denied("payouts_stopped"));
        }
        if row.owner.is_some_and(|owner| self.state.owners.get(&owner) != Some(&Status::Active)) {
            return Err(denied("owner_frozen"));
        }
        let accounts = self.state.accounts.get(payee).map_or(&[][..], Vec::as_slice);
        match counting(accounts, at) {
            Some(counts) if counts == *destination => {}
            counts => {
                let waits = accounts.last().is_some_and(|last| last.0 == *destination && at < last.1);
                return Err(denied(match (waits, counts) {
                    (true, _) => "destination_cooling",
                    (false, Some(_)) => "destination_mismatch",
                    (false, None) => "destination_unset",
                }));
            }
        }
        let available = self.state.sums(Place::Payee(*payee), asset).available();
        if available < *amount { Err(left("funds_insufficient", available)) } else { Ok(()) }
    }

    /// Believes that a bank account was named, that money left for it, or that its bank answered.
    pub(super) fn believe_payout(&mut self, at: u64, id: Name, by: By, action: &Action) {
        if let Action::SetDestination { payee, destination } = action {
            let accounts = self.state.accounts.entry(*payee).or_default();
            let from = if matches!(by, By::Operator { .. }) { at } else { at.saturating_add(DAY) };
            let waiting = accounts.last().copied().filter(|last| at < last.1);
            if waiting.is_some() {
                accounts.pop();
            }
            if counting(accounts, at) == Some(*destination) {
                return;
            }
            let sooner = waiting.filter(|last| last.0 == *destination).map_or(from, |last| from.min(last.1));
            accounts.push((*destination, sooner));
        } else if let Action::RequestPayout { payee, amount, asset, .. } = action {
            self.state.post(Place::Payee(*payee), Place::Transit, asset, *amount);
            let row = Payout { payee: *payee, asset: asset.clone(), amount: *amount, last: None };
            let replaced = self.state.payouts.insert(id, row);
            self.expect(replaced.is_none(), "I4", "the payout was there before");
        } else if let Action::AdvancePayout { payout, step } = action {
            let Some(row) = self.state.payouts.get_mut(payout) else { return };
            let was_under_way = row.is_under_way();
            row.last = Some(*step);
            let Payout { payee, asset, amount, .. } = row.clone();
            self.expect(was_under_way, "I12", "a payout ended twice");
            let to = match step {
                Step::Sent => return,
                Step::Paid => Place::World,
                Step::Failed => Place::Payee(payee),
            };
            self.state.post(Place::Transit, to, &asset, amount);
        } else {
            return;
        }
        self.weigh_transit();
    }

    /// I12: what is on its way is what the payouts come to that have not ended.
    fn weigh_transit(&mut self) {
        for asset in self.state.assets.clone() {
            let open = self.state.payouts.values().filter(|row| row.is_under_way());
            let open = open.filter(|row| row.asset == asset);
            let open: u128 = open.map(|row| row.amount).sum();
            let is = self.state.sums(Place::Transit, &asset).available();
            self.expect(open == is, "I12", "something else is on its way than was sent");
        }
    }
}

/// The account that counts at `at`: the last one whose time has come.
fn counting(accounts: &[(Digest, u64)], at: u64) -> Option<Digest> {
    accounts.iter().rev().find(|account| account.1 <= at).map(|account| account.0)
}
