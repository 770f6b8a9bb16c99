//! The walk: entry by entry, what it claims is compared with what follows from those before it, and then believed.

use super::Violation;
use super::entry::{self, Action, By, DENIALS, Entry, Name, Outcome, Place};
use super::judge::Judgement;
use super::money::{Sums, fee, shares};
use super::state::{Bought, Hold, Paid, State, Status};
use std::collections::BTreeMap;

pub(super) fn walk(entries: &[Vec<u8>]) -> (State, Vec<Violation>) {
    let mut walk = Walk { state: State::default(), violations: Vec::new(), seq: 0 };
    let mut last_at = 0;
    for (seq, bytes) in (0u64..).zip(entries) {
        walk.seq = seq;
        match entry::decode(bytes) {
            Err(wrong) => walk.wrong("form", &wrong),
            Ok(entry) => {
                walk.expect(entry.seq == seq, "I5", "its position is not the next");
                walk.expect(entry.at > last_at, "I5", "it is not later than the one before");
                last_at = entry.at;
                walk.entry(&entry);
            }
        }
        walk.balance();
    }
    (walk.state, walk.violations)
}

pub(super) struct Walk {
    pub(super) state: State,
    violations: Vec<Violation>,
    seq: u64,
}

impl Walk {
    pub(super) fn wrong(&mut self, rule: &'static str, what: &str) {
        self.violations.push(Violation { seq: self.seq, rule, what: what.to_owned() });
    }

    pub(super) fn expect(&mut self, holds: bool, rule: &'static str, what: &str) {
        if !holds {
            self.wrong(rule, what);
        }
    }

    /// I1 and I2, over every account there is.
    fn balance(&mut self) {
        let mut sums: BTreeMap<String, (u128, u128)> = BTreeMap::new();
        let mut owing = false;
        for ((place, asset), money) in &self.state.money {
            let sum = sums.entry(asset.clone()).or_default();
            sum.0 += money.debits;
            sum.1 += money.credits;
            owing |= *place != Place::World && money.owes();
        }
        self.expect(sums.values().all(|sum| sum.0 == sum.1), "I1", "debits are not credits");
        self.expect(!owing, "I2", "an account owes");
    }

    fn entry(&mut self, entry: &Entry) {
        let Entry { at, id, by, action, outcome, .. } = entry;
        if *by == By::Book && !matches!(action, Action::Renew { .. }) {
            let is_named = matches!(action, Action::Expire { hold } if hold == id)
                || matches!(outcome, Outcome::Denied { .. });
            self.expect(is_named, "I4", "what time brings has the id of its hold");
        } else {
            let is_new = self.state.ids.insert(*id);
            self.expect(is_new, "I4", "its id was used before");
        }
        let opens = matches!(action, Action::OpenBook { .. });
        self.expect(self.state.is_open != opens, "form", "a book is opened first, and once");
        if !self.knows(action) {
            self.wrong("form", "it is about something that is not there");
            return;
        }
        let judgement = self.judge(*at, *by, action);
        self.compare(&judgement, outcome);
        match outcome {
            Outcome::Denied { denial, left, .. } => {
                self.check_funds(action, *denial, *left);
                self.note_failure(*at, *by, action);
            }
            Outcome::Asked { digest, ask, .. } => self.ask(*at, *id, *by, action, (*digest, *ask)),
            Outcome::Done
            | Outcome::Paid(_)
            | Outcome::Held { .. }
            | Outcome::Captured(_)
            | Outcome::Released { .. }
            | Outcome::Charged { .. }
            | Outcome::Settled { .. }
            | Outcome::Subscribed { .. } => {
                self.believe(*at, *id, *by, action, outcome);
                self.use_link(action, outcome);
            }
            Outcome::Refunded { .. } => {
                self.believe(*at, *id, *by, action, outcome);
                self.owe_credit_for(action);
            }
            Outcome::Invoiced { .. } | Outcome::Credited { .. } => {
                self.believe_bill(*id, *by, action, outcome);
            }
        }
    }

    /// A transfer that was refused for want of money says how much there was.
    fn check_funds(&mut self, action: &Action, denial: u8, left: Option<u128>) {
        if let Action::Transfer { from, amount, asset, .. } = action
            && DENIALS[usize::from(denial) - 1] == "funds_insufficient"
        {
            let available = self.state.sums(*from, asset).available();
            self.expect(left == Some(available) && available < *amount, "I2", "there was another amount");
        }
    }

    /// Whether everything a purchase names is there, so that the rest may rely on it.
    fn knows(&self, action: &Action) -> bool {
        let (Action::Pay { purchase }
        | Action::PlaceHold { purchase, .. }
        | Action::OpenMeter { purchase, .. }
        | Action::OpenChannel { purchase, .. }
        | Action::Subscribe { purchase, .. }
        | Action::ChangePlan { purchase, .. }
        | Action::PayLink { purchase, .. }) = action
        else {
            return true;
        };
        let state = &self.state;
        state.wallets.contains_key(&purchase.wallet)
            && purchase.mandate.is_none_or(|name| state.mandates.contains_key(&name))
            && !purchase.shares.is_empty()
            && purchase.shares.iter().all(|share| state.payees.contains_key(&share.0))
    }

    /// What the auditor would have answered, where it is one of those questions.
    #[allow(clippy::wildcard_enum_match_arm)] // The others are checked when they are believed.
    fn judge(&self, at: u64, by: By, action: &Action) -> Judgement {
        match action {
            Action::Pay { purchase } => self.state.judge_purchase(at, by, 1, purchase),
            Action::PlaceHold { purchase, is_escrow, .. } => {
                self.state.judge_purchase(at, by, if *is_escrow { 5 } else { 2 }, purchase)
            }
            Action::Dispute { hold } => self.state.judge_dispute(*hold, at, by),
            Action::OpenMeter { purchase, .. } | Action::OpenChannel { purchase, .. } => {
                self.state.judge_purchase(at, by, 3, purchase)
            }
            Action::Claim { channel, total } => self.state.judge_claim(*channel, at, by, *total),
            Action::Capture { hold, amount, .. } => self.state.judge_capture(*hold, at, by, *amount),
            Action::Charge { meter, sequence, units } => {
                self.state.judge_charge(*meter, at, by, *sequence, units)
            }
            Action::Refund { payment, amount } => self.state.judge_refund(*payment, by, *amount),
            Action::CloseMeter { meter } => match self.state.hold_for(*meter, at, by) {
                Ok((_, hold)) if hold.meter.is_some() => Judgement::Fine,
                Ok(_) => Judgement::Rejected("meter_unknown"),
                Err(no) => no,
            },
            Action::Redeem { hold } => match self.state.hold_for(*hold, at, by) {
                Ok((_, hold)) if hold.is_redeemed => super::judge::denied("hold_redeemed"),
                Ok(_) => Judgement::Fine,
                Err(no) => no,
            },
            Action::Deduct { quota, units } => self.judge_deduct(at, by, *quota, *units),
            Action::Subscribe { .. } | Action::ChangePlan { .. } | Action::Renew { .. } => {
                self.judge_plan(at, by, action)
            }
            Action::PayLink { .. } => self.judge_link(at, by, action),
            Action::IssueInvoice { .. } | Action::IssueCreditNote { .. } => self.judge_bill(by, action),
            Action::SetDestination { .. } | Action::RequestPayout { .. } | Action::AdvancePayout { .. } => {
                self.judge_payout(at, by, action)
            }
            _ => Judgement::Unsure,
        }
    }

    fn compare(&mut self, judgement: &Judgement, outcome: &Outcome) {
        let same = match (judgement, outcome) {
            (Judgement::Unsure, _) => true,
            (Judgement::Fine, Outcome::Denied { .. } | Outcome::Asked { .. }) => false,
            (Judgement::Fine, _) => true,
            (
                Judgement::Denied { rule, denial, left },
                Outcome::Denied { rule: said, denial: number, left: remaining },
            ) => rule == said && *denial == DENIALS[usize::from(*number) - 1] && left == remaining,
            (
                Judgement::Asked { rule, ask, digest },
                Outcome::Asked { rule: said, ask: number, digest: shown },
            ) => rule == said && *ask == entry::ASKS[usize::from(*number) - 1] && digest == shown,
            (Judgement::Denied { .. } | Judgement::Asked { .. } | Judgement::Rejected(_), _) => false,
        };
        if !same {
            self.wrong("I3", &format!("should be {judgement:?}, is {outcome:?}"));
        }
    }

    fn ask(&mut self, at: u64, id: Name, by: By, action: &Action, (digest, ask): (entry::Digest, u8)) {
        let (Action::Pay { purchase }
        | Action::PlaceHold { purchase, .. }
        | Action::OpenMeter { purchase, .. }
        | Action::OpenChannel { purchase, .. }
        | Action::Subscribe { purchase, .. }
        | Action::ChangePlan { purchase, .. }
        | Action::PayLink { purchase, .. }) = action
        else {
            self.wrong("form", "only purchases are asked about");
            return;
        };
        let said = super::link::digest(action);
        let is_by_link = said.is_some();
        let terms = super::subscription::digest(action).or(said);
        let question = super::state::Question {
            wallet: purchase.wallet,
            digest,
            at,
            answer: super::state::Answer::Waiting,
            agent: if let By::Agent { agent, .. } = by { Some(agent) } else { None },
            kind: if matches!(action, Action::Pay { .. }) {
                1
            } else if is_by_link {
                6
            } else if let Action::PlaceHold { is_escrow, .. } = action {
                if *is_escrow { 5 } else { 2 }
            } else if terms.is_some() {
                4
            } else {
                3
            },
            terms,
            purchase: purchase.clone(),
            ask,
            alike: None,
        };
        let asker = question.agent.and_then(|agent| self.state.agents.get_mut(&agent));
        if let Some(row) = asker {
            if row.asked.0.saturating_add(3_600_000_000_000) <= at {
                row.asked = (at, 0);
            }
            row.asked.1 += 1;
        }
        self.state.questions.insert(id, question);
    }

    /// What a movement should be divided into, and what it costs each payee in fees.
    pub(super) fn divide(&self, bought: &entry::Purchase, amount: u128) -> Vec<entry::Part> {
        let amounts = if bought.is_split {
            let weights: Vec<u128> = bought.shares.iter().map(|share| share.1).collect();
            shares(amount, &weights)
        } else {
            vec![amount]
        };
        let parts = bought.shares.iter().zip(amounts);
        let parts = parts.map(|((name, _), amount)| {
            let payee = &self.state.payees[name];
            let (fee, _) = fee(amount, payee.fee_ppm, payee.fee_carry);
            entry::Part { amount, fee }
        });
        parts.collect()
    }

    /// Moves what a payment or capture says, after checking that it says the right thing.
    pub(super) fn move_to_payees(&mut self, id: Name, moved: &entry::Moved) {
        let Some(bought) = self.state.bought.get(&id) else { return };
        let purchase = bought.purchase.clone();
        let should_be = self.divide(&purchase, moved.amount);
        self.expect(moved.parts == should_be, "I1", "it is divided wrongly");
        let asset = self.state.wallets[&purchase.wallet].asset.clone();
        let mut paid = Vec::new();
        for ((name, _), part) in purchase.shares.iter().zip(&moved.parts) {
            let from = Place::Wallet(purchase.wallet);
            let net = part.amount.saturating_sub(part.fee);
            self.state.post(from, Place::Payee(*name), &asset, net);
            self.state.post(from, Place::Fees, &asset, part.fee);
            if let Some(payee) = self.state.payees.get_mut(name) {
                payee.fee_carry = fee(part.amount, payee.fee_ppm, payee.fee_carry).1;
            }
            paid.push(Paid { payee: *name, amount: part.amount, fee: part.fee, back: 0, fee_back: 0 });
        }
        let Some(bought) = self.state.bought.get_mut(&id) else { return };
        if bought.paid.is_empty() {
            bought.paid = paid;
            return;
        }
        for (all, more) in bought.paid.iter_mut().zip(paid) {
            all.amount += more.amount;
            all.fee += more.fee;
        }
    }

    /// Counts a purchase against every limit it was measured by, and uses its approval up.
    pub(super) fn count(
        &mut self,
        at: u64,
        id: Name,
        by: By,
        purchase: &entry::Purchase,
        hold: Option<Hold>,
    ) {
        let agent = match by {
            By::Agent { agent, .. } => Some(agent),
            By::Operator { .. } | By::Owner { .. } | By::Payee { .. } | By::Book => None,
        };
        self.count_for(at, id, agent, purchase, hold);
    }

    /// Like [`Walk::count`], of what an agent buys without asking for it now.
    pub(super) fn count_for(
        &mut self,
        at: u64,
        id: Name,
        agent: Option<Name>,
        purchase: &entry::Purchase,
        hold: Option<Hold>,
    ) {
        let (wallet, mandate, amount) = (purchase.wallet, purchase.mandate, purchase.amount);
        self.state.each_usage(wallet, agent, mandate, |usage| usage.spend(at, amount));
        if let Some(question) = purchase.approval.and_then(|name| self.state.questions.get_mut(&name)) {
            question.answer = super::state::Answer::Used;
        }
        if agent.is_some()
            && let Some(row) = self.state.wallets.get_mut(&wallet)
        {
            row.known.extend(purchase.shares.iter().map(|share| share.0));
        }
        let bought = Bought { purchase: purchase.clone(), agent, paid: Vec::new(), hold };
        self.state.bought.insert(id, bought);
    }

    /// Ends a hold: what is left is the payer's again, in money and in every limit that counted it.
    pub(super) fn end_hold(&mut self, name: Name) {
        let Some(bought) = self.state.bought.get_mut(&name) else { return };
        let (wallet, agent, mandate) = (bought.purchase.wallet, bought.agent, bought.purchase.mandate);
        let Some(hold) = bought.hold.as_mut() else { return };
        hold.is_open = false;
        let (left, placed_at, unused) = (hold.amount - hold.captured, hold.placed_at, hold.captured == 0);
        let sums = self.held_mut(wallet);
        sums.held = sums.held.saturating_sub(left);
        self.state.each_usage(wallet, agent, mandate, |usage| usage.give_back(placed_at, left, unused));
    }

    pub(super) fn held_mut(&mut self, wallet: Name) -> &mut Sums {
        let asset = self.state.wallets[&wallet].asset.clone();
        self.state.sums_mut(Place::Wallet(wallet), &asset)
    }

    /// Whether something that a hold's payer hangs on is stopped.
    pub(super) fn is_stopped(&self, bought: &Bought) -> bool {
        let purchase = &bought.purchase;
        let running = self.state.nothing_stopped(purchase.wallet, bought.agent, purchase.mandate);
        running.is_err() || self.state.wallets[&purchase.wallet].status != Status::Active
    }
}
