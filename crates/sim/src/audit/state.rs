//! What the auditor knows so far: maps in order, every row that ever was, nothing forgotten.

use super::entry::{Digest, Holder, Name, Place, Purchase, Subject};
use super::invoice::{Counts, Invoice};
use super::link::Link;
use super::money::Sums;
use super::payout::Payout;
use super::quota::Quota;
use super::subscription::Subscription;
use super::usage::{Policy, Usage};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Active,
    Frozen,
    Ended,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) is_open: bool,
    pub(super) ids: BTreeSet<Name>,
    pub(super) keys: BTreeMap<Name, Key>,
    pub(super) assets: BTreeSet<String>,
    pub(super) owners: BTreeMap<Name, Status>,
    pub(super) wallets: BTreeMap<Name, Wallet>,
    pub(super) payees: BTreeMap<Name, Payee>,
    pub(super) agents: BTreeMap<Name, Agent>,
    pub(super) mandates: BTreeMap<Name, Mandate>,
    pub(super) questions: BTreeMap<Name, Question>,
    pub(super) bought: BTreeMap<Name, Bought>,
    pub(super) quotas: BTreeMap<Name, Quota>,
    pub(super) subscriptions: BTreeMap<Name, Subscription>,
    pub(super) links: BTreeMap<Name, Link>,
    pub(super) payouts: BTreeMap<Name, Payout>,
    /// The bank accounts that each seller named, and from when on each counts; at most the last does not yet.
    pub(super) accounts: BTreeMap<Name, Vec<(Digest, u64)>>,
    /// Invoices, each with how many there were before it, and how many each seller issued.
    pub(super) invoices: BTreeMap<Name, (usize, Invoice)>,
    pub(super) counts: BTreeMap<Name, Counts>,
    /// Of which quota each deduction took how much that it still has.
    pub(super) deductions: BTreeMap<Name, (Name, u64)>,
    /// Payments that a quota was granted for.
    pub(super) granted: BTreeSet<Name>,
    pub(super) money: BTreeMap<(Place, String), Sums>,
}

#[derive(Debug)]
pub(super) struct Key {
    pub(super) holder: Holder,
    pub(super) is_revoked: bool,
    pub(super) nonces: BTreeSet<u64>,
}

#[derive(Debug)]
pub(super) struct Wallet {
    pub(super) owner: Name,
    pub(super) asset: String,
    pub(super) status: Status,
    /// Of a sub-account: its wallet and its agent.
    pub(super) sub: Option<(Name, Name)>,
    pub(super) policy: Option<Policy>,
    pub(super) known: BTreeSet<Name>,
}

#[derive(Debug)]
pub(super) struct Payee {
    pub(super) owner: Option<Name>,
    pub(super) asset: String,
    pub(super) category: String,
    pub(super) is_trusted: bool,
    pub(super) fee_ppm: u128,
    pub(super) fee_carry: u128,
    pub(super) status: Status,
    /// What it last said: item, price, stock, when; the newest last.
    pub(super) observed: Vec<(Digest, u128, u64, u64)>,
}

#[derive(Debug)]
pub(super) struct Agent {
    pub(super) wallet: Name,
    pub(super) status: Status,
    pub(super) policy: Option<Policy>,
    pub(super) ended: Option<Usage>,
    /// So many questions since then.
    pub(super) asked: (u64, u64),
}

#[derive(Debug)]
pub(super) struct Mandate {
    pub(super) wallet: Name,
    pub(super) agent: Name,
    pub(super) status: Status,
    pub(super) from: u64,
    pub(super) until: u64,
    pub(super) policy: Policy,
    /// What it was delegated from.
    pub(super) parent: Option<Name>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Waiting,
    Approved { until: u64 },
    Refused,
    Used,
}

#[derive(Debug)]
pub(super) struct Question {
    pub(super) wallet: Name,
    pub(super) digest: Digest,
    pub(super) at: u64,
    pub(super) answer: Answer,
    /// Who asked in which form, for what, and why.
    pub(super) agent: Option<Name>,
    pub(super) kind: u8,
    pub(super) terms: Option<Digest>,
    pub(super) purchase: Purchase,
    pub(super) ask: u8,
    /// Whether the like of it is approved, and until when.
    pub(super) alike: Option<u64>,
}

/// A payment, hold or meter, and what it came to.
#[derive(Debug)]
pub(super) struct Bought {
    pub(super) purchase: Purchase,
    pub(super) agent: Option<Name>,
    pub(super) paid: Vec<Paid>,
    pub(super) hold: Option<Hold>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Paid {
    pub(super) payee: Name,
    pub(super) amount: u128,
    pub(super) fee: u128,
    pub(super) back: u128,
    pub(super) fee_back: u128,
}

#[derive(Debug)]
pub(super) struct Hold {
    pub(super) amount: u128,
    pub(super) captured: u128,
    pub(super) placed_at: u64,
    pub(super) until: u64,
    pub(super) is_open: bool,
    pub(super) is_redeemed: bool,
    /// Captured when its time is up.
    pub(super) is_escrow: bool,
    /// The buyer's side objected.
    pub(super) is_disputed: bool,
    pub(super) meter: Option<Meter>,
}

#[derive(Debug)]
pub(super) struct Meter {
    pub(super) rates: Vec<u128>,
    pub(super) rounding: u8,
    pub(super) sequence: u64,
    pub(super) total: u128,
    pub(super) is_by_vouchers: bool,
}

impl State {
    pub(super) fn sums(&self, place: Place, asset: &str) -> Sums {
        let sums = self.money.get(&(place, asset.to_owned()));
        sums.copied().unwrap_or_default()
    }

    pub(super) fn sums_mut(&mut self, place: Place, asset: &str) -> &mut Sums {
        self.money.entry((place, asset.to_owned())).or_default()
    }

    /// I1: one amount, out of one account and into another.
    pub(super) fn post(&mut self, from: Place, to: Place, asset: &str, amount: u128) {
        self.sums_mut(from, asset).debits += amount;
        self.sums_mut(to, asset).credits += amount;
    }

    pub(super) fn status(&self, subject: Subject) -> Option<Status> {
        match subject {
            Subject::Owner(name) => self.owners.get(&name).copied(),
            Subject::Wallet(name) => self.wallets.get(&name).map(|row| row.status),
            Subject::Agent(name) => self.agents.get(&name).map(|row| row.status),
            Subject::Mandate(name) => self.mandates.get(&name).map(|row| row.status),
            Subject::Payee(name) => self.payees.get(&name).map(|row| row.status),
        }
    }

    pub(super) fn set_status(&mut self, subject: Subject, to: Status) {
        let status = match subject {
            Subject::Owner(name) => self.owners.get_mut(&name),
            Subject::Wallet(name) => self.wallets.get_mut(&name).map(|row| &mut row.status),
            Subject::Agent(name) => self.agents.get_mut(&name).map(|row| &mut row.status),
            Subject::Mandate(name) => self.mandates.get_mut(&name).map(|row| &mut row.status),
            Subject::Payee(name) => self.payees.get_mut(&name).map(|row| &mut row.status),
        };
        if let Some(status) = status {
            *status = to;
        }
    }

    /// Who may stop or change `subject` beside the operator.
    pub(super) fn owner_of(&self, subject: Subject) -> Option<Name> {
        let of_wallet = |name: &Name| self.wallets.get(name).map(|row| row.owner);
        match subject {
            Subject::Owner(name) => Some(name),
            Subject::Wallet(name) => of_wallet(&name),
            Subject::Agent(name) => of_wallet(&self.agents.get(&name)?.wallet),
            Subject::Mandate(name) => of_wallet(&self.mandates.get(&name)?.wallet),
            Subject::Payee(_) => None,
        }
    }

    /// The policies a purchase is measured by, with their numbers in a rule: 2 wallet, 3 agent, 4 mandate.
    pub(super) fn policies(
        &self,
        wallet: Name,
        agent: Option<Name>,
        mandate: Option<Name>,
    ) -> [Option<&Policy>; 3] {
        [
            self.wallets.get(&wallet).and_then(|row| row.policy.as_ref()),
            agent.and_then(|name| self.agents.get(&name)?.policy.as_ref()),
            mandate.and_then(|name| self.mandates.get(&name)).map(|row| &row.policy),
        ]
    }

    /// What `mandate` was delegated from, nearest first: each mandate, and its agent.
    pub(super) fn above(&self, mandate: Name) -> Vec<(Name, Name)> {
        let mut above = Vec::new();
        let mut next = self.mandates.get(&mandate).and_then(|row| row.parent);
        while let Some(name) = next {
            let row = &self.mandates[&name];
            above.push((name, row.agent));
            next = row.parent;
        }
        above
    }

    /// Their policies, each with its number in a rule (5 the mandate's, 6 the agent's) and how far up it is.
    pub(super) fn policies_above(&self, mandate: Name) -> Vec<(u8, u8, Option<&Policy>)> {
        let above = (1..).zip(self.above(mandate));
        above
            .flat_map(|(up, (name, agent))| {
                let agent = self.agents.get(&agent).and_then(|row| row.policy.as_ref());
                [(5, up, Some(&self.mandates[&name].policy)), (6, up, agent)]
            })
            .collect()
    }

    pub(super) fn each_usage(
        &mut self,
        wallet: Name,
        agent: Option<Name>,
        mandate: Option<Name>,
        mut change: impl FnMut(&mut Usage),
    ) {
        for (name, agent) in mandate.map(|mandate| self.above(mandate)).unwrap_or_default() {
            self.mandates.get_mut(&name).into_iter().for_each(|row| change(&mut row.policy.usage));
            let policy = self.agents.get_mut(&agent).and_then(|row| row.policy.as_mut());
            policy.into_iter().for_each(|policy| change(&mut policy.usage));
        }
        let wallet = self.wallets.get_mut(&wallet).and_then(|row| row.policy.as_mut());
        let agent = agent.and_then(|name| self.agents.get_mut(&name)?.policy.as_mut());
        let mandate = mandate.and_then(|name| self.mandates.get_mut(&name)).map(|row| &mut row.policy);
        for policy in [wallet, agent, mandate].into_iter().flatten() {
            change(&mut policy.usage);
        }
    }

    pub(super) fn versions(&self, wallet: Name, agent: Option<Name>, mandate: Option<Name>) -> [u32; 3] {
        self.policies(wallet, agent, mandate).map(|policy| policy.map_or(0, |policy| policy.version))
    }
}
