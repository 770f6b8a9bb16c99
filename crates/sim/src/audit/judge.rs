//! What the auditor would have answered: to a purchase, and to whoever wants a hold's money.

use super::entry::{By, Holder, Name, Place, Purchase, Rule, Subject};
use super::state::{Answer, Bought, Hold, State, Status};
use super::usage::{Spending, Word};
use sha2::{Digest, Sha256};

const DAY: u64 = 86_400_000_000_000;

/// What should have come of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    Fine,
    Denied {
        rule: Rule,
        denial: &'static str,
        left: Option<u128>,
    },
    Asked {
        rule: Rule,
        ask: &'static str,
        digest: [u8; 32],
    },
    /// It should not have been written down at all.
    Rejected(&'static str),
    /// Not for the auditor to say.
    Unsure,
}

/// How something is bought: in which form, on which terms, and what moves at once, if anything.
#[derive(Clone, Copy)]
pub(super) struct Deal {
    pub(super) kind: u8,
    pub(super) terms: Option<[u8; 32]>,
    pub(super) moves: Option<u128>,
}

pub(super) const BOOK: Rule = Rule { scope: 1, above: 0, version: 0, limit: 0 };

pub(super) fn denied(denial: &'static str) -> Judgement {
    Judgement::Denied { rule: BOOK, denial, left: None }
}

pub(super) fn left(denial: &'static str, left: u128) -> Judgement {
    Judgement::Denied { rule: BOOK, denial, left: Some(left) }
}

type No = Result<(), Judgement>;

impl State {
    /// The answer to a key that does not speak for `holder`.
    pub(super) fn key_speaks(&self, key: Name, holder: Holder) -> No {
        match self.keys.get(&key) {
            Some(row) if row.holder == holder && row.is_revoked => Err(denied("key_revoked")),
            Some(row) if row.holder == holder => Ok(()),
            _ => Err(Judgement::Rejected("key_unknown")),
        }
    }

    pub(super) fn is_operator(&self, by: By) -> No {
        match by {
            By::Operator { key } => self.key_speaks(key, Holder::Operator),
            By::Owner { .. } | By::Agent { .. } | By::Payee { .. } | By::Book => Err(denied("forbidden")),
        }
    }

    /// The answer to anybody but the owner `name`.
    pub(super) fn is_owner(&self, by: By, name: Name) -> No {
        match by {
            By::Owner { owner, key, .. } if owner == name => self.key_speaks(key, Holder::Owner(owner)),
            By::Owner { .. } => Err(Judgement::Rejected("unknown")),
            By::Operator { .. } | By::Agent { .. } | By::Payee { .. } | By::Book => Err(denied("forbidden")),
        }
    }

    pub(super) fn judge_purchase(&self, at: u64, by: By, kind: u8, buy: &Purchase) -> Judgement {
        match self.try_purchase(at, by, Deal { kind, terms: None, moves: Some(buy.amount) }, buy) {
            Ok(()) => Judgement::Fine,
            Err(no) => no,
        }
    }

    pub(super) fn try_purchase(&self, at: u64, by: By, deal: Deal, buy: &Purchase) -> No {
        let weights: u128 = buy.shares.iter().map(|share| share.1).sum();
        if buy.amount == 0 || weights != buy.whole || buy.shares.is_empty() || buy.shares.len() > 16 {
            return Err(Judgement::Rejected("no purchase"));
        }
        let agent = self.payer(by, buy)?;
        let mut asked = self.weigh(at, agent, buy, deal.moves)?;
        if deal.moves != Some(buy.amount) {
            asked = asked.or(self.weigh(at, agent, buy, None)?);
        }
        self.is_approved(at, agent, deal, buy, asked)
    }

    /// The agent that would pay, where no owner does.
    pub(super) fn payer(&self, by: By, buy: &Purchase) -> Result<Option<Name>, Judgement> {
        let wallet = self.wallets.get(&buy.wallet);
        let wallet = wallet.ok_or(Judgement::Rejected("wallet_unknown"))?;
        if buy.mandate.is_some_and(|name| !self.mandates.contains_key(&name)) {
            return Err(Judgement::Rejected("mandate_unknown"));
        }
        match by {
            By::Owner { .. } => {
                self.is_owner(by, wallet.owner)?;
                Ok(None)
            }
            By::Agent { agent, key } => {
                let row = self.agents.get(&agent).ok_or(Judgement::Rejected("agent_unknown"))?;
                self.key_speaks(key, Holder::Agent(agent))?;
                let mine = match wallet.sub {
                    Some(sub) => sub == (row.wallet, agent),
                    None => row.wallet == buy.wallet,
                };
                if !mine {
                    return Err(denied("agent_not_registered"));
                }
                Ok(Some(agent))
            }
            By::Operator { .. } | By::Payee { .. } | By::Book => Err(denied("forbidden")),
        }
    }

    /// What is stopped, the limits, and the money; what some limit asks, if anything.
    pub(super) fn weigh(
        &self,
        at: u64,
        agent: Option<Name>,
        buy: &Purchase,
        moves: Option<u128>,
    ) -> Result<Option<(Rule, &'static str)>, Judgement> {
        self.is_running(buy, agent)?;
        self.is_in_time(at, buy)?;
        buy.mandate.map_or(Ok(()), |mandate| self.nothing_stopped_above(mandate))?;
        let mut spending = self.spending(at, buy)?;
        spending.amount = moves.unwrap_or(buy.amount);
        let asked = self.within_limits(buy, agent, &spending)?;
        let asset = &self.wallets[&buy.wallet].asset;
        let available = self.sums(Place::Wallet(buy.wallet), asset).available();
        if moves.is_some_and(|amount| available < amount) {
            return Err(left("funds_insufficient", available));
        }
        Ok(asked)
    }

    /// Nothing that this purchase hangs on is stopped.
    fn is_running(&self, buy: &Purchase, agent: Option<Name>) -> No {
        let wallet = &self.wallets[&buy.wallet];
        self.nothing_stopped(buy.wallet, None, None)?;
        if let Some(agent) = agent {
            self.stopped(Subject::Agent(agent), "agent_frozen", "agent_revoked")?;
        }
        if let Some(name) = buy.mandate {
            let mandate = &self.mandates[&name];
            let home = wallet.sub.map_or(buy.wallet, |sub| sub.0);
            if agent != Some(mandate.agent) || mandate.wallet != home {
                return Err(denied("mandate_mismatch"));
            }
            self.stopped(Subject::Mandate(name), "mandate_frozen", "mandate_revoked")?;
        }
        Ok(())
    }

    /// What a payer hangs on, from the owner down.
    pub(super) fn nothing_stopped(&self, wallet: Name, agent: Option<Name>, mandate: Option<Name>) -> No {
        let row = &self.wallets[&wallet];
        self.stopped(Subject::Owner(row.owner), "owner_frozen", "owner_frozen")?;
        self.stopped(Subject::Wallet(wallet), "wallet_frozen", "wallet_closed")?;
        if let Some((parent, _)) = row.sub {
            self.stopped(Subject::Wallet(parent), "wallet_frozen", "wallet_closed")?;
        }
        if let Some(agent) = agent {
            self.stopped(Subject::Agent(agent), "agent_frozen", "agent_revoked")?;
        }
        let Some(mandate) = mandate else { return Ok(()) };
        self.stopped(Subject::Mandate(mandate), "mandate_frozen", "mandate_revoked")?;
        self.nothing_stopped_above(mandate)
    }

    /// Of what `mandate` was delegated from: each mandate, and its agent.
    pub(super) fn nothing_stopped_above(&self, mandate: Name) -> No {
        for (name, agent) in self.above(mandate) {
            self.stopped(Subject::Mandate(name), "mandate_frozen", "mandate_revoked")?;
            self.stopped(Subject::Agent(agent), "agent_frozen", "agent_revoked")?;
        }
        Ok(())
    }

    fn stopped(&self, subject: Subject, frozen: &'static str, ended: &'static str) -> No {
        match self.status(subject) {
            Some(Status::Active) => Ok(()),
            Some(Status::Frozen) => Err(denied(frozen)),
            Some(Status::Ended) | None => Err(denied(ended)),
        }
    }

    fn is_in_time(&self, at: u64, buy: &Purchase) -> No {
        let Some(mandate) = buy.mandate.map(|name| &self.mandates[&name]) else {
            return Ok(());
        };
        if at < mandate.from {
            return Err(denied("mandate_not_yet_valid"));
        }
        if at >= mandate.until {
            return Err(denied("mandate_expired"));
        }
        Ok(())
    }

    fn spending(&self, at: u64, buy: &Purchase) -> Result<Spending, Judgement> {
        let wallet = &self.wallets[&buy.wallet];
        let mut spending = Spending {
            at,
            amount: buy.amount,
            payees: Vec::new(),
            categories: buy.category.iter().cloned().collect(),
            all_known: true,
            reference: buy.reference,
            observed: None,
        };
        if let ([(payee, _)], Some(item)) = (buy.shares.as_slice(), buy.reference) {
            let seen = self.payees.get(payee).and_then(|row| row.observed.iter().find(|seen| seen.0 == item));
            spending.observed = seen.map(|(_, price, stock, at)| (*price, *stock, *at));
        }
        for (name, _) in &buy.shares {
            let payee = self.payees.get(name).ok_or(Judgement::Rejected("payee_unknown"))?;
            if payee.status != Status::Active {
                return Err(denied("payee_closed"));
            }
            if payee.asset != wallet.asset || buy.asset != wallet.asset {
                return Err(denied("asset_mismatch"));
            }
            if payee.owner == Some(wallet.owner) {
                return Err(denied("self_payment"));
            }
            if !self.can_count(*name, buy.amount) {
                return Err(Judgement::Rejected("amount_too_large"));
            }
            spending.payees.push(*name);
            spending.categories.push(payee.category.clone());
            spending.all_known &= wallet.known.contains(name);
        }
        Ok(spending)
    }

    /// Whether a payee, and the fees on what it collects, can count so much more.
    pub(super) fn can_count(&self, payee: Name, amount: u128) -> bool {
        let asset = &self.payees[&payee].asset;
        [Place::Payee(payee), Place::Fees].iter().all(|place| self.sums(*place, asset).has_room(amount))
    }

    /// What some limit asks, if anything, once none denies.
    fn within_limits(
        &self,
        buy: &Purchase,
        agent: Option<Name>,
        spending: &Spending,
    ) -> Result<Option<(Rule, &'static str)>, Judgement> {
        let policies = self.policies(buy.wallet, agent, buy.mandate);
        let has_rules = policies[1].is_some_and(|policy| !policy.limits.is_empty());
        let trusted = spending.payees.iter().all(|name| self.payees[name].is_trusted);
        let mut asked = None;
        if agent.is_some() && buy.mandate.is_none() && !has_rules {
            asked = Some((BOOK, "no_rules_yet"));
        } else if agent.is_some() && !trusted {
            asked = Some((BOOK, "payee_unverified"));
        }
        let own = policies.into_iter().zip(2..).map(|(policy, scope)| (scope, 0, policy));
        let above = buy.mandate.map(|mandate| self.policies_above(mandate)).unwrap_or_default();
        for (scope, above, policy) in own.chain(above) {
            let Some(policy) = policy else { continue };
            let (limit, word) = policy.judge(spending);
            let rule = Rule { scope, above, version: policy.version, limit };
            match word {
                Word::Allow => {}
                Word::Ask(ask) => asked = asked.or(Some((rule, ask))),
                Word::Deny(denial, left) => return Err(Judgement::Denied { rule, denial, left }),
                Word::Blurred => return Err(Judgement::Unsure),
            }
        }
        let root = buy.mandate.map(|mandate| self.above(mandate).last().map_or(mandate, |last| last.0));
        if root.is_some_and(|root| self.mandates[&root].policy.limits.is_empty()) {
            return Err(denied("no_rules"));
        }
        Ok(asked)
    }

    pub(super) fn is_approved(
        &self,
        at: u64,
        agent: Option<Name>,
        deal: Deal,
        buy: &Purchase,
        asked: Option<(Rule, &'static str)>,
    ) -> No {
        let Some(agent) = agent else {
            // The owner who pays is asked nothing, and can use up nobody's approval.
            return match buy.approval {
                Some(_) => Err(Judgement::Rejected("question_unknown")),
                None => Ok(()),
            };
        };
        let digest: [u8; 32] = Sha256::new()
            .chain_update(b"tollbridge question 1\n")
            .chain_update([deal.kind])
            .chain_update(agent)
            .chain_update(&buy.bytes_unapproved)
            .chain_update(deal.terms.as_ref().map_or(&[][..], |terms| &terms[..]))
            .finalize()
            .into();
        let Some(name) = buy.approval else {
            let Some((rule, ask)) = asked else { return Ok(()) };
            let is_alike = |question: &super::state::Question| {
                let asked = &question.purchase;
                question.alike.is_some_and(|until| at < until)
                    && question.agent == Some(agent)
                    && (question.kind, question.terms) == (deal.kind, deal.terms)
                    && super::entry::ASKS[usize::from(question.ask) - 1] == ask
                    && (asked.wallet, asked.mandate) == (buy.wallet, buy.mandate)
                    && (asked.is_split, asked.whole, &asked.shares) == (buy.is_split, buy.whole, &buy.shares)
                    && buy.amount <= asked.amount
            };
            if self.questions.values().any(is_alike) {
                return Ok(());
            }
            let waits = |question: &&super::state::Question| {
                question.wallet == buy.wallet
                    && question.answer == Answer::Waiting
                    && at < question.at.saturating_add(DAY)
            };
            if self.questions.values().filter(waits).any(|question| question.digest == digest) {
                return Err(Judgement::Rejected("it is asked already"));
            }
            let (since, count) = self.agents[&agent].asked;
            let is_calm = since.saturating_add(DAY / 24) <= at || count < 32;
            if !is_calm || self.questions.values().filter(waits).count() >= 32 {
                return Err(denied("ask_rate_limited"));
            }
            return Err(Judgement::Asked { rule, ask, digest });
        };
        let question = self.questions.get(&name).filter(|row| row.wallet == buy.wallet);
        let question = question.ok_or(Judgement::Rejected("question_unknown"))?;
        match question.answer {
            Answer::Used => Err(denied("approval_used")),
            Answer::Refused => Err(denied("approval_refused")),
            _ if question.digest != digest => Err(denied("approval_mismatch")),
            Answer::Waiting if at < question.at.saturating_add(DAY) => Err(denied("approval_pending")),
            Answer::Approved { until } if at < until => Ok(()),
            Answer::Waiting | Answer::Approved { .. } => Err(denied("approval_expired")),
        }
    }

    /// The open hold `name`, for `by` to take from now.
    pub(super) fn hold_for(&self, name: Name, at: u64, by: By) -> Result<(&Bought, &Hold), Judgement> {
        let unknown = Judgement::Rejected("hold_unknown");
        let bought = self.bought.get(&name).ok_or(unknown.clone())?;
        let hold = bought.hold.as_ref().ok_or(unknown.clone())?;
        let owner = self.wallets[&bought.purchase.wallet].owner;
        match by {
            By::Payee { payee, .. } if payee != bought.purchase.shares[0].0 => return Err(unknown),
            By::Payee { payee, key } => self.key_speaks(key, Holder::Payee(payee))?,
            By::Owner { .. } => self.is_owner(by, owner)?,
            By::Operator { .. } => self.is_operator(by)?,
            By::Agent { .. } | By::Book => return Err(denied("forbidden")),
        }
        self.is_takeable(bought, hold, at, by).map(|()| (bought, hold))
    }

    /// The open hold `name`, for the agent that placed it to give away.
    fn own_hold(
        &self,
        name: Name,
        at: u64,
        (agent, key): (Name, Name),
    ) -> Result<(&Bought, &Hold), Judgement> {
        let unknown = Judgement::Rejected("hold_unknown");
        let bought = self.bought.get(&name).filter(|bought| bought.agent == Some(agent));
        let hold = bought.and_then(|bought| Some((bought, bought.hold.as_ref()?)));
        let (bought, hold) = hold.ok_or(unknown)?;
        self.key_speaks(key, Holder::Agent(agent))?;
        self.is_takeable(bought, hold, at, By::Agent { agent, key }).map(|()| (bought, hold))
    }

    fn is_takeable(&self, bought: &Bought, hold: &Hold, at: u64, by: By) -> Result<(), Judgement> {
        if !hold.is_open {
            return Err(denied("hold_closed"));
        }
        if at >= hold.until {
            return Err(denied("hold_expired"));
        }
        if hold.is_disputed && !matches!(by, By::Owner { .. }) {
            return Err(denied("hold_disputed"));
        }
        if matches!(by, By::Payee { .. } | By::Agent { .. }) {
            self.nothing_stopped(bought.purchase.wallet, bought.agent, bought.purchase.mandate)?;
        }
        Ok(())
    }

    pub(super) fn judge_capture(&self, name: Name, at: u64, by: By, amount: u128) -> Judgement {
        let given = match by {
            By::Agent { agent, key } => self.own_hold(name, at, (agent, key)),
            By::Payee { .. } | By::Owner { .. } | By::Operator { .. } | By::Book => {
                self.hold_for(name, at, by)
            }
        };
        let (_, hold) = match given {
            Ok(found) => found,
            Err(no) => return no,
        };
        let is_all = hold.amount.checked_sub(hold.captured) == Some(amount);
        if hold.meter.is_some() || (matches!(by, By::Agent { .. }) && !is_all) {
            return denied("forbidden");
        }
        if amount == 0 {
            return Judgement::Rejected("amount_zero");
        }
        let rest = hold.amount.saturating_sub(hold.captured);
        if amount > rest {
            return left("capture_too_large", rest);
        }
        if !self.can_all_count(name, amount) {
            return Judgement::Rejected("amount_too_large");
        }
        Judgement::Fine
    }

    /// Whether everybody whom a hold pays can count so much more.
    pub(super) fn can_all_count(&self, hold: Name, amount: u128) -> bool {
        let bought = &self.bought[&hold];
        bought.purchase.shares.iter().all(|share| self.can_count(share.0, amount))
    }

    pub(super) fn judge_charge(
        &self,
        name: Name,
        at: u64,
        by: By,
        sequence: u64,
        units: &[u128],
    ) -> Judgement {
        let (_, hold) = match self.hold_for(name, at, by) {
            Ok(found) => found,
            Err(no) => return no,
        };
        let Some(meter) = &hold.meter else {
            return Judgement::Rejected("meter_unknown");
        };
        if !matches!(by, By::Payee { .. }) {
            return denied("forbidden");
        }
        if meter.is_by_vouchers || units.len() != meter.rates.len() || units.iter().all(|units| *units == 0) {
            return Judgement::Rejected("no charge");
        }
        if sequence <= meter.sequence {
            return denied("meter_sequence");
        }
        let cost = meter.cost(units).and_then(|cost| cost.checked_add(meter.total));
        let most = hold.amount.saturating_mul(1_000_000_000);
        if cost.is_none_or(|cost| cost > most) {
            let used = meter.total.div_ceil(1_000_000_000);
            return left("meter_exceeded", hold.amount.saturating_sub(used));
        }
        Judgement::Fine
    }

    pub(super) fn judge_claim(&self, name: Name, at: u64, by: By, total: u128) -> Judgement {
        let (_, hold) = match self.hold_for(name, at, by) {
            Ok(found) => found,
            Err(no) => return no,
        };
        let Some(meter) = hold.meter.as_ref().filter(|meter| meter.is_by_vouchers) else {
            return Judgement::Rejected("meter_unknown");
        };
        if !matches!(by, By::Payee { .. }) {
            return denied("forbidden");
        }
        if total <= meter.total {
            return denied("meter_sequence");
        }
        if hold.amount.saturating_mul(1_000_000_000) < total {
            let used = meter.total.div_ceil(1_000_000_000);
            return left("meter_exceeded", hold.amount.saturating_sub(used));
        }
        Judgement::Fine
    }

    pub(super) fn judge_refund(&self, payment: Name, by: By, amount: u128) -> Judgement {
        let Some(bought) = self.bought.get(&payment) else {
            return Judgement::Rejected("payment_unknown");
        };
        let wallet = &self.wallets[&bought.purchase.wallet];
        let allowed = match by {
            By::Operator { .. } => self.is_operator(by),
            By::Payee { payee, key } if bought.paid.first().is_some_and(|paid| paid.payee == payee) => {
                self.key_speaks(key, Holder::Payee(payee))
            }
            By::Payee { .. } => Err(Judgement::Rejected("payment_unknown")),
            By::Owner { .. } => self.is_owner(by, wallet.owner).and(Err(denied("forbidden"))),
            By::Agent { .. } | By::Book => Err(denied("forbidden")),
        };
        if let Err(no) = allowed {
            return no;
        }
        let rest: u128 =
            bought.paid.iter().map(|paid| paid.amount.saturating_sub(paid.back + paid.fee_back)).sum();
        if amount == 0 {
            return Judgement::Rejected("amount_zero");
        }
        if amount > rest {
            return left("refund_too_large", rest);
        }
        let target = &self.wallets[&self.refund_target(bought.purchase.wallet)];
        if target.status == Status::Ended {
            return denied("wallet_closed");
        }
        // Whether the payees still have the money is seen when it is moved.
        Judgement::Unsure
    }

    /// The wallet a refund goes to: the payer's, or its parent once the payer is closed.
    pub(super) fn refund_target(&self, wallet: Name) -> Name {
        let row = &self.wallets[&wallet];
        match row.sub {
            Some((parent, _)) if row.status == Status::Ended => parent,
            _ => wallet,
        }
    }
}

impl super::state::Meter {
    pub(super) fn cost(&self, units: &[u128]) -> Option<u128> {
        let costs = self.rates.iter().zip(units).map(|(rate, units)| rate.checked_mul(*units));
        costs.into_iter().try_fold(0u128, |sum, cost| sum.checked_add(cost?))
    }
}
