//! What the auditor makes of escrows: when their time captures, and who may object.

use super::entry::{By, Holder, Moved, Name};
use super::judge::{Judgement, denied};
use super::state::State;
use super::walk::Walk;

const WEEK: u64 = 7 * 86_400_000_000_000;

impl State {
    /// The answer to whoever objects to the hold `name`.
    pub(super) fn judge_dispute(&self, name: Name, at: u64, by: By) -> Judgement {
        let unknown = Judgement::Rejected("hold_unknown");
        let Some(bought) = self.bought.get(&name) else { return unknown };
        let Some(hold) = &bought.hold else { return unknown };
        let may = match by {
            By::Owner { .. } => self.is_owner(by, self.wallets[&bought.purchase.wallet].owner),
            By::Agent { agent, .. } if bought.agent != Some(agent) => Err(unknown),
            By::Agent { agent, key } => self.key_speaks(key, Holder::Agent(agent)),
            By::Operator { .. } | By::Payee { .. } | By::Book => Err(denied("forbidden")),
        };
        if let Err(no) = may {
            return no;
        }
        if !hold.is_open {
            return denied("hold_closed");
        }
        if !hold.is_escrow {
            return denied("hold_not_disputable");
        }
        if hold.is_disputed {
            return denied("hold_disputed");
        }
        if hold.until <= at { denied("hold_expired") } else { Judgement::Fine }
    }
}

impl Walk {
    pub(super) fn dispute(&mut self, name: Name) {
        if let Some(hold) = self.hold_mut(name) {
            hold.is_disputed = true;
            hold.until = hold.until.saturating_add(WEEK);
        }
    }

    /// Whether time moves what is left of a hold to the seller, rather than back.
    pub(super) fn is_captured_by_time(&self, name: Name) -> bool {
        let Some(bought) = self.state.bought.get(&name) else { return false };
        let Some(hold) = &bought.hold else { return false };
        hold.is_escrow
            && !hold.is_disputed
            && !self.is_stopped(bought)
            && self.state.can_all_count(name, hold.amount - hold.captured)
    }

    pub(super) fn capture_by_time(&mut self, name: Name, moved: &Moved) {
        self.expect(self.is_captured_by_time(name), "I6", "captured by time, against what was agreed");
        let left = self.hold(name).map(|hold| hold.amount - hold.captured);
        self.expect(left == Some(moved.amount), "I6", "time captures all that is left");
        self.capture(name, moved);
        if self.hold(name).is_some_and(|hold| hold.is_open) {
            self.end_hold(name);
        }
    }
}
