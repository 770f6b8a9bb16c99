//! What was delegated, held against what was there to delegate.

use super::entry::{By, Holder, Limit, Name};
use super::state::{Mandate, Status};
use super::usage::{Policy, Usage};
use super::walk::Walk;

/// The fields of a delegation.
pub(super) struct Delegated<'a> {
    pub(super) parent: Name,
    pub(super) agent: Name,
    pub(super) from: u64,
    pub(super) until: u64,
    pub(super) limits: &'a [Limit],
}

impl Walk {
    pub(super) fn delegate(&mut self, at: u64, id: Name, by: By, it: Delegated<'_>) {
        self.may_delegate(at, by, it.parent, it.agent);
        let Some(above) = self.state.mandates.get(&it.parent) else { return };
        let is_within = above.from <= it.from && it.until <= above.until;
        let wallet = above.wallet;
        self.expect(is_within, "I3", "delegated for longer than it lasts");
        self.is_narrower(it.parent, it.limits);
        let mandate = Mandate {
            wallet,
            agent: it.agent,
            status: Status::Active,
            from: it.from,
            until: it.until,
            policy: Policy::new(it.limits.to_vec(), Usage::default(), at),
            parent: Some(it.parent),
        };
        self.state.mandates.insert(id, mandate);
    }

    /// Whether `by` may delegate `parent` to `agent` now.
    fn may_delegate(&mut self, at: u64, by: By, parent: Name, agent: Name) {
        let state = &self.state;
        let Some(above) = state.mandates.get(&parent) else {
            self.wrong("form", "no such mandate");
            return;
        };
        let is_its_agent = matches!(by, By::Agent { agent, key }
            if agent == above.agent && state.key_speaks(key, Holder::Agent(agent)).is_ok());
        let owner = state.wallets[&above.wallet].owner;
        let is_present = matches!(by, By::Owner { fresh: true, .. });
        let is_allowed = is_its_agent || is_present && state.is_owner(by, owner).is_ok();
        let is_running = state.nothing_stopped(above.wallet, Some(above.agent), Some(parent)).is_ok();
        let lineage: Vec<(Name, Name)> =
            [(parent, above.agent)].into_iter().chain(state.above(parent)).collect();
        let is_new = lineage.iter().all(|(_, above)| *above != agent);
        let is_of_wallet = state.agents.get(&agent).is_some_and(|row| row.wallet == above.wallet);
        let (is_in_time, depth) = (at < above.until, lineage.len());
        self.allowed(is_allowed);
        self.expect(is_running && is_in_time, "I9", "what is stopped or over was delegated");
        self.expect(is_new && is_of_wallet && depth <= 4, "I3", "delegated round, abroad or too deep");
    }

    /// Totals, uses and lists of payees that were delegated are within those above.
    fn is_narrower(&mut self, parent: Name, limits: &[Limit]) {
        let lineage = [parent].into_iter().chain(self.state.above(parent).into_iter().map(|above| above.0));
        let above: Vec<Limit> =
            lineage.flat_map(|name| self.state.mandates[&name].policy.limits.clone()).collect();
        let total = |limit: &Limit| if let Limit::Total(max) = limit { Some(*max) } else { None };
        let uses = |limit: &Limit| if let Limit::Uses(max) = limit { Some(*max) } else { None };
        let totals = (limits.iter().filter_map(total).min(), above.iter().filter_map(total).min());
        let counts = (limits.iter().filter_map(uses).min(), above.iter().filter_map(uses).min());
        let allows = |set: &[Limit], name: &Name| {
            set.iter().all(|limit| {
                let is_left_out = matches!(limit, Limit::PayeesAllowed(list) if !list.contains(name));
                let is_denied = matches!(limit, Limit::PayeesDenied(list) if list.contains(name));
                !is_left_out && !is_denied
            })
        };
        let mut named = limits
            .iter()
            .flat_map(|limit| if let Limit::PayeesAllowed(list) = limit { list.as_slice() } else { &[] });
        let is_list_within = named.all(|name| !allows(limits, name) || allows(&above, name));
        let is_within = |(ours, theirs): (Option<u128>, Option<u128>)| {
            ours.zip(theirs).is_none_or(|(ours, theirs)| ours <= theirs)
        };
        let counts = (counts.0.map(u128::from), counts.1.map(u128::from));
        let all_within = is_within(totals) && is_within(counts) && is_list_within;
        self.expect(all_within, "I3", "more was delegated than there is");
    }
}
