//! Purchases: what an agent wants to spend, and everything that can say no to it.
//!
//! The order of the questions is fixed. Who asks; what is frozen, ended or closed; whom it would pay; the limits of the
//! wallet, the agent and the mandate; the money. The first no is the answer. Only what nobody denies is asked about.

use crate::agent::Holder;
use crate::book::{Book, Decision};
use crate::canon::{self, Code, canon_enum, canon_struct};
use crate::command::Actor;
use crate::entry::{Ask, Denial, Moved, Outcome, Part, Parts, Question, Refusal, Reject, RuleRef, Scope};
use crate::freeze::Status;
use crate::id::{Id, MandateId, PayeeId, WalletId};
use crate::limit::{PayeeFacts, Policy, Spending, Versions, consult};
use crate::money::Amount;
use crate::open::deny;
use crate::payee::Payee;
use crate::record::PaidPart;
use crate::table::Slot;
use crate::time::Time;
use evidence::Hash;

pub use crate::share::{Payees, Share, Split};

/// What is to be bought, from which money, under which permission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purchase {
    /// The wallet or sub-account that pays.
    pub wallet: WalletId,
    /// The mandate that allows it; without one, the agent's own limits must.
    pub mandate: Option<MandateId>,
    /// Who collects.
    pub to: Payees,
    /// The most it may cost. Never nothing.
    pub amount: Amount,
    /// The asset the amount is in; it must be the wallet's and the payees'.
    pub asset: Code,
    /// What is bought, where the seller says so.
    pub category: Option<Code>,
    /// The digest of what is bought: a cart, a quote, a demand for payment.
    pub reference: Option<Hash>,
    /// The question whose approval this uses.
    pub approval: Option<Id>,
}

canon_struct!(Purchase { wallet, mandate, to, amount, asset, category, reference, approval });

impl crate::canon::Canon for Id {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }

    fn decode(input: &mut crate::canon::Reader<'_>) -> Result<Self, crate::canon::Malformed> {
        input.array().map(Id)
    }
}

/// How a purchase is to be paid, as far as an approval must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Pay,
    Hold,
    Meter,
    /// By the period, on terms with this digest.
    Subscription {
        terms: Hash,
    },
    /// Set aside, and captured when the time is up.
    Escrow,
    /// By a link, with what is said; this is their digest.
    Link {
        terms: Hash,
    },
}

canon_enum!(Kind {
    1 => Pay,
    2 => Hold,
    3 => Meter,
    4 => Subscription { terms },
    5 => Escrow,
    6 => Link { terms },
});

/// A purchase that nobody denies: the limits that allowed it, and the rows that were found on the way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowed {
    pub(crate) versions: Versions,
    pub(crate) rows: Rows,
}

/// What a purchase would take of the wallet now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moves {
    /// So much.
    Amount(Amount),
    /// Nothing yet: the limits speak of the price, and the money need not be there.
    Nothing,
}

/// What the limits and the money say of a purchase that they do not deny.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weighed {
    pub(crate) versions: Versions,
    /// The payee, where there is one.
    pub(crate) payee: Option<Slot>,
    /// Why the owner has to be asked, if she has to.
    pub(crate) asked: Option<(RuleRef, Ask)>,
}

/// The rows of a purchase. Deciding finds them; recording what was just decided need not look for them again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows {
    pub(crate) payer: Payer,
    /// The payee, where there is one.
    pub(crate) payee: Option<Slot>,
}

impl Book {
    /// Who may spend, what they may spend on, and whether there is enough.
    pub(crate) fn authorize(
        &self,
        at: Time,
        by: Actor,
        kind: Kind,
        buy: &Purchase,
    ) -> Result<Allowed, Decision> {
        if buy.amount.is_zero() {
            return Err(Decision::Reject(Reject::AmountZero));
        }
        let payer = self.find_payer(by, buy)?;
        let Weighed { versions, payee, asked } = self.weigh(at, payer, buy, Moves::Amount(buy.amount))?;
        self.check_asked(at, payer, kind, buy, asked)?;
        Ok(Allowed { versions, rows: Rows { payer, payee } })
    }

    /// Like [`Book::authorize`], of a plan that may take more or less now than what it costs.
    pub(crate) fn authorize_plan(
        &self,
        at: Time,
        by: Actor,
        kind: Kind,
        buy: &Purchase,
        moves: Moves,
    ) -> Result<Weighed, Decision> {
        if buy.amount.is_zero() {
            return Err(Decision::Reject(Reject::AmountZero));
        }
        let payer = self.find_payer(by, buy)?;
        let mut weighed = self.weigh(at, payer, buy, moves)?;
        if moves != Moves::Amount(buy.amount) {
            // What is due now may be little; what is agreed on comes again each period.
            let priced = self.weigh(at, payer, buy, Moves::Nothing)?;
            weighed.asked = weighed.asked.or(priced.asked);
        }
        self.check_asked(at, payer, kind, buy, weighed.asked)?;
        Ok(weighed)
    }

    /// The rows that would pay, for whoever may spend from them.
    pub(crate) fn find_payer(&self, by: Actor, buy: &Purchase) -> Result<Payer, Decision> {
        let mandate = buy.mandate.and_then(|id| self.mandates.find(id.0));
        let wallet = self.find_wallet(buy, mandate).ok_or(Decision::Reject(Reject::WalletUnknown))?;
        if buy.mandate.is_some() && mandate.is_none() {
            return Err(Decision::Reject(Reject::MandateUnknown));
        }
        let agent = self.check_payer(by, wallet, mandate)?;
        Ok(Payer { wallet, agent, mandate })
    }

    /// What is stopped, whom it would pay, the limits, and the money.
    pub(crate) fn weigh(
        &self,
        at: Time,
        payer: Payer,
        buy: &Purchase,
        moves: Moves,
    ) -> Result<Weighed, Decision> {
        let Payer { wallet: slot, agent, mandate } = payer;
        let amount = match moves {
            Moves::Amount(amount) => amount,
            Moves::Nothing => buy.amount,
        };
        let wallet = self.wallets.at(slot);
        self.check_statuses(at, slot, agent, mandate)?;
        let facts = self.check_payees(slot, buy)?;
        let (payee, trusted) = (facts.slot, facts.trusted);
        let facts = facts.as_slice();

        let contacts = wallet.contacts();
        let (category, reference) = (buy.category, buy.reference.as_ref());
        let spending = Spending { at, amount, payees: facts, contacts, category, reference };
        let agent_policy = agent.and_then(|agent| self.agents.at(agent).policy.as_deref());
        let mandate_policy = mandate.map(|mandate| &self.mandates.at(mandate).policy);
        let policies = [
            (Scope::Wallet, wallet.policy.as_deref()),
            (Scope::Agent, agent_policy),
            (Scope::Mandate, mandate_policy),
        ];
        let policies = policies.into_iter().chain(self.policies_above(mandate));
        let asked = match (agent, mandate, agent_policy.is_none_or(|policy| policy.limits.is_empty())) {
            (Some(_), None, true) => Some((RuleRef::BOOK, Ask::NoRulesYet)),
            (Some(_), _, _) if !trusted => Some((RuleRef::BOOK, Ask::PayeeUnverified)),
            _ => None,
        };
        let asked = consult(policies, self.root_policy(mandate), &spending, asked)
            .map_err(|refusal| Decision::Record(Outcome::Denied(refusal)))?;
        let available = wallet.balance.available();
        if moves == Moves::Amount(amount) && available < amount {
            let refusal = Refusal {
                rule: RuleRef::BOOK,
                denial: Denial::FundsInsufficient,
                remaining: Some(available),
            };
            return Err(Decision::Record(Outcome::Denied(refusal)));
        }
        let version = |policy: Option<&Policy>| policy.map_or(0, |policy| policy.version);
        let versions = Versions {
            wallet: version(wallet.policy.as_deref()),
            agent: version(agent_policy),
            mandate: version(mandate_policy),
        };
        Ok(Weighed { versions, payee, asked })
    }

    /// The rows of a purchase that was allowed.
    pub(crate) fn rows(&self, by: Actor, buy: &Purchase) -> Rows {
        let agent = match by {
            Actor::Agent { agent, .. } => self.agents.find(agent.0),
            Actor::Operator { .. } | Actor::Owner { .. } | Actor::Payee { .. } | Actor::Book => None,
        };
        let payee = match &buy.to {
            Payees::One(payee) => self.payees.find(payee.0),
            Payees::Split(_) => None,
        };
        let wallet = self.wallets.find(buy.wallet.0).expect("decided: the wallet is known");
        let mandate = buy.mandate.and_then(|id| self.mandates.find(id.0));
        Rows { payer: Payer { wallet, agent, mandate }, payee }
    }

    /// The wallet that pays: most often the mandate's own, which is found without a search.
    fn find_wallet(&self, buy: &Purchase, mandate: Option<Slot>) -> Option<Slot> {
        let likely = mandate.map(|mandate| self.mandates.at(mandate).wallet);
        likely
            .filter(|slot| self.wallets.id_at(*slot) == buy.wallet.0)
            .or_else(|| self.wallets.find(buy.wallet.0))
    }

    /// The agent that pays, or none where the owner does.
    fn check_payer(&self, by: Actor, slot: Slot, mandate: Option<Slot>) -> Result<Option<Slot>, Decision> {
        let wallet = self.wallets.at(slot);
        match by {
            Actor::Owner { .. } => {
                self.owner_only(by, wallet.owner, Reject::WalletUnknown).map_or(Ok(None), Err)
            }
            Actor::Agent { agent, key } => {
                let likely = mandate.map(|mandate| self.mandates.at(mandate).agent);
                let likely = likely.filter(|slot| self.agents.id_at(*slot) == agent.0);
                let agent = likely.or_else(|| self.agents.find(agent.0));
                let agent = agent.ok_or(Decision::Reject(Reject::AgentUnknown))?;
                if let Some(no) = self.check_key(key, Holder::Agent(agent)) {
                    return Err(no);
                }
                let home = self.agents.at(agent).wallet;
                let may_use = wallet.sub.map_or(slot == home, |sub| sub == (home, agent));
                if may_use { Ok(Some(agent)) } else { Err(deny(Denial::AgentNotRegistered)) }
            }
            Actor::Operator { .. } | Actor::Payee { .. } | Actor::Book => Err(deny(Denial::Forbidden)),
        }
    }

    fn check_statuses(
        &self,
        at: Time,
        slot: Slot,
        agent: Option<Slot>,
        mandate: Option<Slot>,
    ) -> Result<(), Decision> {
        let wallet = self.wallets.at(slot);
        let unless_active = |status: Status, frozen: Denial, revoked: Denial| match status {
            Status::Active => Ok(()),
            Status::Frozen => Err(deny(frozen)),
            Status::Revoked => Err(deny(revoked)),
        };
        unless_active(self.owners.at(wallet.owner).status, Denial::OwnerFrozen, Denial::OwnerFrozen)?;
        unless_active(wallet.status, Denial::WalletFrozen, Denial::WalletClosed)?;
        if let Some((parent, _)) = wallet.sub {
            unless_active(self.wallets.at(parent).status, Denial::WalletFrozen, Denial::WalletClosed)?;
        }
        if let Some(agent) = agent {
            unless_active(self.agents.at(agent).status, Denial::AgentFrozen, Denial::AgentRevoked)?;
        }
        let Some(mandate) = mandate.map(|slot| self.mandates.at(slot)) else {
            return Ok(());
        };
        let home = wallet.sub.map_or(slot, |(parent, _)| parent);
        if Some(mandate.agent) != agent || mandate.wallet != home {
            return Err(deny(Denial::MandateMismatch));
        }
        unless_active(mandate.status, Denial::MandateFrozen, Denial::MandateRevoked)?;
        // Those above are valid whenever this one is.
        if at < mandate.valid_from {
            return Err(deny(Denial::MandateNotYetValid));
        }
        if mandate.expires_at <= at {
            return Err(deny(Denial::MandateExpired));
        }
        self.stopped_above(mandate.parent).map_or(Ok(()), |denial| Err(deny(denial)))
    }

    fn check_payees(&self, slot: Slot, buy: &Purchase) -> Result<Facts<'_>, Decision> {
        let wallet = self.wallets.at(slot);
        let mut facts = Facts { one: None, slot: None, many: Vec::new(), trusted: true };
        for id in buy.to.each() {
            let payee_slot = self.payees.find(id.0).ok_or(Decision::Reject(Reject::PayeeUnknown))?;
            let payee = self.payees.at(payee_slot);
            if payee.status != Status::Active {
                return Err(deny(Denial::PayeeClosed));
            }
            let wallet_asset = self.assets.get(usize::from(wallet.asset)).map(|row| row.asset.code);
            if payee.asset != wallet.asset || wallet_asset != Some(buy.asset) {
                return Err(deny(Denial::AssetMismatch));
            }
            if payee.owner == Some(wallet.owner) {
                return Err(deny(Denial::SelfPayment));
            }
            if !self.can_count(payee, buy.amount) {
                return Err(Decision::Reject(Reject::AmountTooLarge));
            }
            if matches!(buy.to, Payees::One(_)) {
                facts.slot = Some(payee_slot);
            }
            facts.trusted &= payee.provenance.is_trusted();
            let (category, observed) = (payee.category, payee.observed.as_slice());
            facts.push(PayeeFacts { payee: id, slot: payee_slot, category, observed });
        }
        Ok(facts)
    }

    /// Whether a payee, and the fees on what it collects, can count `amount` more.
    fn can_count(&self, payee: &Payee, amount: Amount) -> bool {
        let fees = self.assets.get(usize::from(payee.asset)).map(|row| row.fees);
        payee.balance.has_room(amount) && fees.is_some_and(|fees| fees.has_room(amount))
    }

    /// Whether everybody who collects can count `amount` more.
    pub(crate) fn has_room_for(&self, to: &Payees, amount: Amount) -> bool {
        to.each().all(|id| self.payees.get(id.0).is_some_and(|payee| self.can_count(payee, amount)))
    }

    /// What nobody denies may still need the owner's word.
    pub(crate) fn check_asked(
        &self,
        at: Time,
        payer: Payer,
        kind: Kind,
        buy: &Purchase,
        asked: Option<(RuleRef, Ask)>,
    ) -> Result<(), Decision> {
        let wallet = payer.wallet;
        let Some(agent) = payer.agent else {
            // The owner who pays has been asked, and no answer to another question is hers to use up.
            return match buy.approval {
                None => Ok(()),
                Some(_) => Err(Decision::Reject(Reject::QuestionUnknown)),
            };
        };
        let agent = self.agents.id_at(agent);
        match (buy.approval, asked) {
            (Some(question), _) => {
                self.check_approval(question, wallet, buy.digest(agent, kind), at).map_or(Ok(()), Err)
            }
            (None, None) => Ok(()),
            (None, Some((_, ask))) if self.is_alike(at, payer, kind, buy, ask) => Ok(()),
            (None, Some((rule, ask))) => {
                let digest = buy.digest(agent, kind);
                // Whoever asks again is told what it was told, and the owner is left in peace.
                Err(match self.waiting_for(wallet, digest, at) {
                    Some(seq) => Decision::Repeat(seq),
                    None if !self.may_ask(payer, at) => deny(Denial::AskRateLimited),
                    None => Decision::Record(Outcome::Asked(Question { rule, ask, digest })),
                })
            }
        }
    }

    /// Counts a purchase against every limit it was measured by.
    pub(crate) fn count_purchase(&mut self, at: Time, rows: Rows, buy: &Purchase) {
        #[cfg(feature = "sabotage")]
        let (is_later, in_utc) = (self.count_later(at, rows.payer, buy.amount), self.has_utc());
        self.each_policy(rows.payer, |policy| {
            #[cfg(feature = "sabotage")]
            if is_later {
                return;
            }
            policy.usage.spend(at, buy.amount);
            #[cfg(feature = "sabotage")]
            policy.usage.end_in_utc(at, in_utc);
        });
        self.use_approval(buy.approval);
        if rows.payer.agent.is_none() {
            return;
        }
        let wallet = self.wallets.at_mut(rows.payer.wallet);
        match rows.payee {
            Some(payee) => wallet.remember(payee),
            None => {
                for id in buy.to.each() {
                    wallet.remember(self.payees.find(id.0).expect("decided: the payee is known"));
                }
            }
        }
    }

    /// Takes back from every limit what a hold did not use.
    pub(crate) fn give_back(&mut self, payer: Payer, placed_at: Time, amount: Amount, unused: bool) {
        #[cfg(feature = "sabotage")]
        if self.has(crate::sabotage::Sabotage::LimitNotGivenBack) {
            return;
        }
        self.each_policy(payer, |policy| policy.usage.give_back(placed_at, amount, unused));
    }

    /// Changes every policy that stands over a payer, those that were delegated from included.
    pub(crate) fn each_policy(&mut self, payer: Payer, mut change: impl FnMut(&mut Policy)) {
        self.wallets.at_mut(payer.wallet).policy.as_deref_mut().into_iter().for_each(&mut change);
        let mut agent = payer.agent;
        let mut mandate = payer.mandate;
        while let Some(slot) = mandate {
            self.agent_policy_mut(agent).into_iter().for_each(&mut change);
            let row = self.mandates.at_mut(slot);
            change(&mut row.policy);
            mandate = row.parent;
            agent = mandate.map(|parent| self.mandates.at(parent).agent);
        }
        self.agent_policy_mut(agent).into_iter().for_each(&mut change);
    }

    fn agent_policy_mut(&mut self, agent: Option<Slot>) -> Option<&mut Policy> {
        agent.and_then(|agent| self.agents.at_mut(agent).policy.as_deref_mut())
    }

    /// How `amount` is divided among the payees, and what each of them owes in fees.
    pub(crate) fn divide(&self, to: &Payees, payee: Option<Slot>, amount: Amount) -> Parts {
        let fee = |slot: Slot, amount: Amount| {
            let payee = self.payees.at(slot);
            payee.fee.fee(amount, payee.fee_carry).0
        };
        let find = |id: PayeeId| self.payees.find(id.0).expect("decided: the payee is known");
        match to {
            Payees::One(id) => Parts::One { fee: fee(payee.unwrap_or_else(|| find(*id)), amount) },
            Payees::Split(split) => {
                let weights: Vec<u128> = split.shares.iter().map(|share| u128::from(share.weight)).collect();
                let amounts = amount.split(&weights).expect("decided: the shares are a whole");
                #[cfg(feature = "sabotage")]
                let amounts = if self.has(crate::sabotage::Sabotage::SplitRemainderLost) {
                    crate::sabotage::rounded_down(amount, &weights, amounts)
                } else {
                    amounts
                };
                let parts = split.shares.iter().zip(amounts);
                let parts = parts.map(|(share, amount)| Part { amount, fee: fee(find(share.payee), amount) });
                Parts::Many { parts: parts.collect() }
            }
        }
    }

    /// Moves `amount` from the wallet to the payees and the fees (I1), and notes who got what.
    pub(crate) fn move_to_payees(&mut self, record: Id, rows: Rows, to: &Payees, moved: &Moved) {
        let wallet = rows.payer.wallet;
        let row = self.wallets.at_mut(wallet);
        row.balance.debit(moved.amount);
        row.balance.assert_owes_nothing(); // I2
        let asset = usize::from(row.asset);
        match (to, &moved.parts) {
            (Payees::One(id), Parts::One { fee }) => {
                let payee =
                    rows.payee.or_else(|| self.payees.find(id.0)).expect("decided: the payee is known");
                let paid = self.pay_one(asset, payee, Part { amount: moved.amount, fee: *fee });
                let record = self.records.get_mut(record).expect("every command has its record");
                if fee.is_zero() && record.hold().is_none() {
                    record.set_paid(wallet, payee, moved.amount);
                } else {
                    record.add_parts(wallet, &[paid]);
                }
            }
            (_, Parts::Many { parts }) => {
                let mut paid = Vec::with_capacity(parts.len());
                for (id, part) in to.each().zip(parts) {
                    let payee = self.payees.find(id.0).expect("decided: the payee is known");
                    paid.push(self.pay_one(asset, payee, *part));
                }
                let record = self.records.get_mut(record).expect("every command has its record");
                record.add_parts(wallet, &paid);
            }
            (Payees::Split(_), Parts::One { .. }) => panic!("an outcome belongs to its command"),
        }
    }

    fn pay_one(&mut self, asset: usize, slot: Slot, part: Part) -> PaidPart {
        let payee = self.payees.at_mut(slot);
        payee.fee_carry = payee.fee.fee(part.amount, payee.fee_carry).1;
        #[cfg(feature = "sabotage")]
        if self.sabotage == Some(crate::sabotage::Sabotage::FeeCarryDropped) {
            payee.fee_carry = 0;
        }
        payee.balance.credit(part.amount.saturating_sub(part.fee));
        if !part.fee.is_zero() {
            self.assets.get_mut(asset).expect("a wallet's asset is registered").fees.credit(part.fee);
        }
        PaidPart::new(slot, part.amount, part.fee)
    }
}

/// The rows whose limits a purchase counts against.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Payer {
    pub(crate) wallet: Slot,
    pub(crate) agent: Option<Slot>,
    pub(crate) mandate: Option<Slot>,
}

canon_struct!(Payer { wallet, agent, mandate });

/// What the limits may know of the payees; a single one costs no allocation.
struct Facts<'a> {
    one: Option<PayeeFacts<'a>>,
    slot: Option<Slot>,
    many: Vec<PayeeFacts<'a>>,
    trusted: bool,
}

impl<'a> Facts<'a> {
    fn push(&mut self, facts: PayeeFacts<'a>) {
        match self.one {
            None if self.many.is_empty() => self.one = Some(facts),
            _ => {
                self.many.extend(self.one.take());
                self.many.push(facts);
            }
        }
    }

    fn as_slice(&self) -> &[PayeeFacts<'a>] {
        if self.many.is_empty() { self.one.as_slice() } else { &self.many }
    }
}

impl Purchase {
    /// What an approval is good for: everything but the id, which is new with each try.
    fn digest(&self, agent: Id, kind: Kind) -> Hash {
        let bought = Purchase { approval: None, ..self.clone() };
        let mut bytes = b"tollbridge question 1\n".to_vec();
        bytes.push(match kind {
            Kind::Pay => 1,
            Kind::Hold => 2,
            Kind::Meter => 3,
            Kind::Subscription { .. } => 4,
            Kind::Escrow => 5,
            Kind::Link { .. } => 6,
        });
        bytes.extend_from_slice(&agent.0);
        bytes.extend_from_slice(&canon::bytes(&bought));
        if let Kind::Subscription { terms } | Kind::Link { terms } = kind {
            bytes.extend_from_slice(&terms.0);
        }
        Hash::of(&bytes)
    }
}
