//! The world as clients know it: everything they ever learnt from an entry, however stale by now.

use book::{
    Action, Actor, AgentId, Amount, Capture, CloseMeter, Code, Command, Entry, Expire, HoldId, Id, InvoiceId,
    KeyHolder, KeyId, LimitSubject, LinkId, MandateId, OpenLink, Outcome, OwnerId, PayeeId, Payees, PayoutId,
    Presence, Purchase, QuotaId, QuotaUnit, Subject, Subscribe, SubscriptionId, Void, WalletId,
};
use evidence::Hash;

/// Rows, each in the order they were learnt.
#[derive(Debug, Default)]
pub struct World {
    /// The operator's keys. The first is never revoked, so that somebody can always act.
    pub operator: Vec<KeyId>,
    /// Assets.
    pub assets: Vec<Code>,
    /// Owners.
    pub owners: Vec<Owner>,
    /// Wallets and sub-accounts.
    pub wallets: Vec<Wallet>,
    /// Agents.
    pub agents: Vec<Agent>,
    /// Mandates.
    pub mandates: Vec<Mandate>,
    /// Payees.
    pub payees: Vec<Payee>,
    /// Payments, holds and meters: what can be refunded.
    pub bought: Vec<Bought>,
    /// Holds and meters that are open.
    pub holds: Vec<Held>,
    /// Those that have ended.
    pub ended: Vec<Held>,
    /// Quotas: each, its wallet, its seller, and the deductions of late.
    pub quotas: Vec<Quota>,
    /// Subscriptions, and the purchase each began with.
    pub subscriptions: Vec<Subscribed>,
    /// Payment links, and what each asks for.
    pub links: Vec<(LinkId, OpenLink)>,
    /// Payouts.
    pub payouts: Vec<PayoutId>,
    /// Invoices, and whose they are.
    pub invoices: Vec<(InvoiceId, PayeeId)>,
    /// Questions that were asked.
    pub questions: Vec<Question>,
    /// What was frozen, and by whom.
    pub stopped: Vec<(Actor, Subject)>,
    /// Some commands that were recorded, to be asked again in other words.
    pub recorded: Vec<Command>,
    /// Nonces that were used, and by whom.
    pub nonces: Vec<(Actor, u64)>,
}

/// Who has wallets.
#[derive(Debug)]
pub struct Owner {
    /// Its name.
    pub id: OwnerId,
    /// Its keys, some of them revoked.
    pub keys: Vec<KeyId>,
}

/// What agents spend from.
#[derive(Debug)]
pub struct Wallet {
    /// Its name.
    pub id: WalletId,
    /// Which of the owners has it.
    pub owner: OwnerId,
    /// What it holds.
    pub asset: Code,
    /// Of a sub-account: its agent.
    pub agent: Option<AgentId>,
    /// Of its limits.
    pub version: u32,
}

/// A program that spends.
#[derive(Debug)]
pub struct Agent {
    /// Its name.
    pub id: AgentId,
    /// From which wallet.
    pub wallet: WalletId,
    /// Its keys.
    pub keys: Vec<KeyId>,
    /// Of its limits.
    pub version: u32,
}

/// What an agent may do.
#[derive(Debug)]
pub struct Mandate {
    /// Its name.
    pub id: MandateId,
    /// Whose.
    pub agent: AgentId,
    /// From which wallet.
    pub wallet: WalletId,
    /// Of its limits.
    pub version: u32,
}

/// Who collects.
#[derive(Debug)]
pub struct Payee {
    /// Its name.
    pub id: PayeeId,
    /// Its keys; none where it cannot speak.
    pub keys: Vec<KeyId>,
    /// What it collects.
    pub asset: Code,
    /// Its owner in the book.
    pub owner: Option<OwnerId>,
}

/// What can be refunded.
#[derive(Debug)]
pub struct Bought {
    /// Its name.
    pub id: Id,
    /// From which wallet.
    pub wallet: WalletId,
    /// The seller that leads it.
    pub payee: PayeeId,
    /// What it came to at first.
    pub amount: Amount,
}

/// Money that was set aside.
#[derive(Debug)]
pub struct Held {
    /// Its name.
    pub id: HoldId,
    /// From which wallet.
    pub wallet: WalletId,
    /// The seller that leads it.
    pub payee: PayeeId,
    /// How much.
    pub amount: Amount,
    /// Of a meter: how many rates it has.
    pub rates: usize,
    /// Whether vouchers count on it.
    pub is_channel: bool,
    /// Of a meter: the last number that was charged.
    pub sequence: u64,
}

/// Work that is paid for.
#[derive(Debug)]
pub struct Quota {
    /// Its name.
    pub id: QuotaId,
    /// Whose it is.
    pub wallet: WalletId,
    /// Who owes the work.
    pub payee: PayeeId,
    /// What it counts.
    pub unit: QuotaUnit,
    /// The commands that deducted of it.
    pub deductions: Vec<Id>,
}

/// A seller's work by the period.
#[derive(Debug)]
pub struct Subscribed {
    /// Its name.
    pub id: SubscriptionId,
    /// Who pays.
    pub by: Actor,
    /// What it began with, or was changed to.
    pub subscribe: Subscribe,
}

/// What an owner was asked.
#[derive(Debug)]
pub struct Question {
    /// The id of what was asked for.
    pub id: Id,
    /// What would be approved.
    pub digest: Hash,
    /// From which wallet.
    pub wallet: WalletId,
    /// Who asked.
    pub by: Actor,
    /// What was asked for.
    pub action: Action,
}

impl World {
    /// The operator, with the key that is never revoked.
    pub fn operator(&self) -> Actor {
        Actor::Operator { key: self.operator.first().copied().unwrap_or_default() }
    }

    /// An owner with its newest key.
    pub fn owner(&self, id: OwnerId, presence: Presence) -> Actor {
        let row = self.owners.iter().find(|row| row.id == id);
        let key = row.and_then(|row| row.keys.last()).copied().unwrap_or_default();
        Actor::Owner { owner: id, key, presence }
    }

    /// A payee with its newest key, where it has one.
    pub fn payee(&self, id: PayeeId) -> Option<Actor> {
        let row = self.payees.iter().find(|row| row.id == id)?;
        row.keys.last().map(|key| Actor::Payee { payee: id, key: *key })
    }

    /// The wallet of this name.
    pub fn wallet(&self, id: WalletId) -> Option<&Wallet> {
        self.wallets.iter().find(|row| row.id == id)
    }

    /// Learns what `entry` made.
    pub fn learn(&mut self, entry: &Entry) {
        let Entry { command, outcome, .. } = entry;
        let Command { id, by, action } = command;
        match outcome {
            Outcome::Denied(_) => return,
            Outcome::Asked(question) => {
                if let Some(purchase) = action.purchase() {
                    let (wallet, digest, action) = (purchase.wallet, question.digest, action.clone());
                    self.questions.push(Question { id: *id, digest, wallet, by: *by, action });
                }
                return;
            }
            Outcome::Done
            | Outcome::Paid(_)
            | Outcome::Held(_)
            | Outcome::Captured(_)
            | Outcome::Released(_)
            | Outcome::Refunded(_)
            | Outcome::Charged(_)
            | Outcome::Settled(_)
            | Outcome::Subscribed(_)
            | Outcome::Invoiced(_)
            | Outcome::Credited(_) => {}
        }
        self.learn_action(*id, *by, action);
        self.learn_end(action);
        if *by != Actor::Book {
            self.recorded.push(command.clone());
        }
    }

    fn learn_action(&mut self, id: Id, by: Actor, action: &Action) {
        match action {
            Action::OpenBook(it) => self.operator.push(it.key),
            Action::RegisterAsset(it) => self.assets.push(it.code),
            Action::RegisterOwner(it) => self.owners.push(Owner { id: OwnerId(id), keys: vec![it.key] }),
            Action::EnrolKey(it) => self.learn_key(it.holder, KeyId(id)),
            Action::RegisterPayee(it) => {
                let keys = it.key.iter().map(|(key, _)| *key).collect();
                self.payees.push(Payee { id: PayeeId(id), keys, asset: it.asset, owner: it.owner });
            }
            Action::OpenWallet(it) => self.wallets.push(Wallet {
                id: WalletId(id),
                owner: it.owner,
                asset: it.asset,
                agent: None,
                version: u32::from(!it.limits.is_empty()),
            }),
            Action::OpenSubAccount(it) => {
                let Some(parent) = self.wallet(it.wallet) else { return };
                let (owner, asset) = (parent.owner, parent.asset);
                let version = u32::from(!it.limits.is_empty());
                let agent = Some(it.agent);
                self.wallets.push(Wallet { id: WalletId(id), owner, asset, agent, version });
            }
            Action::EnrolAgent(it) => self.agents.push(Agent {
                id: AgentId(id),
                wallet: it.wallet,
                keys: vec![it.key],
                version: u32::from(!it.limits.is_empty()),
            }),
            Action::GrantMandate(it) => self.mandates.push(Mandate {
                id: MandateId(id),
                agent: it.agent,
                wallet: it.wallet,
                version: 1,
            }),
            Action::Delegate(it) => {
                let wallet = self.mandates.iter().find(|row| row.id == it.parent).map(|row| row.wallet);
                let wallet = wallet.unwrap_or_default();
                self.mandates.push(Mandate { id: MandateId(id), agent: it.agent, wallet, version: 1 });
            }
            Action::SetLimits(it) => self.learn_version(it.subject),
            Action::Pay(it) => self.learn_bought(id, &it.purchase),
            Action::PlaceHold(it) => self.learn_hold(id, &it.purchase, 0),
            Action::PlaceEscrow(it) => self.learn_hold(id, &it.purchase, 0),
            Action::OpenMeter(it) => self.learn_hold(id, &it.purchase, it.rates.len()),
            Action::OpenChannel(it) => {
                self.learn_hold(id, &it.purchase, 0);
                self.holds.iter_mut().rev().take(1).for_each(|hold| hold.is_channel = true);
            }
            Action::GrantQuota(it) if it.into.is_none() => {
                if let Actor::Payee { payee, .. } = by {
                    let (wallet, unit) = (it.wallet, it.unit);
                    let (id, deductions) = (QuotaId(id), Vec::new());
                    self.quotas.push(Quota { id, wallet, payee, unit, deductions });
                }
            }
            Action::Allot(it) if it.into.is_none() => {
                if let Some(above) = self.quotas.iter().find(|row| row.id == it.from) {
                    let (wallet, payee, unit) = (above.wallet, above.payee, above.unit);
                    let (id, deductions) = (QuotaId(id), Vec::new());
                    self.quotas.push(Quota { id, wallet, payee, unit, deductions });
                }
            }
            Action::Deduct(it) => {
                let quota = self.quotas.iter_mut().find(|row| row.id == it.quota);
                quota.into_iter().for_each(|row| row.deductions.push(id));
            }
            Action::Subscribe(it) => {
                self.subscriptions.push(Subscribed { id: SubscriptionId(id), by, subscribe: it.clone() });
                self.learn_bought(id, &it.purchase);
            }
            Action::ChangePlan(it) => {
                let row = self.subscriptions.iter_mut().find(|row| row.id == it.subscription);
                row.into_iter().for_each(|row| {
                    row.by = by;
                    row.subscribe.purchase = it.purchase.clone();
                });
                self.learn_bought(id, &it.purchase);
            }
            Action::Renew(it) => {
                let row = self.subscriptions.iter().find(|row| row.id == it.subscription);
                if let Some(purchase) = row.map(|row| row.subscribe.purchase.clone()) {
                    self.learn_bought(id, &purchase);
                }
            }
            Action::OpenLink(it) => self.links.push((LinkId(id), it.clone())),
            Action::PayLink(it) => self.learn_bought(id, &it.purchase),
            Action::RequestPayout(_) => self.payouts.push(PayoutId(id)),
            Action::IssueInvoice(_) => {
                if let Actor::Payee { payee, .. } = by {
                    self.invoices.push((InvoiceId(id), payee));
                }
            }
            Action::Charge(it) => {
                let hold = self.holds.iter_mut().rev().find(|hold| hold.id.0 == it.meter.0);
                if let Some(hold) = hold {
                    hold.sequence = it.sequence;
                }
            }
            Action::Present(it) => self.nonces.push((by, it.nonce)),
            Action::Freeze(it) => self.stopped.push((by, it.subject)),
            Action::Unfreeze(it) => self.stopped.retain(|(_, subject)| *subject != it.subject),
            Action::RevokeKey(_)
            | Action::Observe(_)
            | Action::ApproveAlike(_)
            | Action::CloseWallet(_)
            | Action::Revoke(_)
            | Action::Approve(_)
            | Action::Refuse(_)
            | Action::Transfer(_)
            | Action::Capture(_)
            | Action::Void(_)
            | Action::Expire(_)
            | Action::Refund(_)
            | Action::CloseMeter(_)
            | Action::Redeem(_)
            | Action::GrantQuota(_)
            | Action::Allot(_)
            | Action::Restore(_)
            | Action::Reclaim(_)
            | Action::Claim(_)
            | Action::CancelSubscription(_)
            | Action::CloseLink(_)
            | Action::SetDestination(_)
            | Action::AdvancePayout(_)
            | Action::Dispute(_)
            | Action::IssueCreditNote(_) => {}
        }
    }

    fn learn_end(&mut self, action: &Action) {
        let ended = if let Action::Capture(Capture { hold, last: true, .. }) = action {
            hold.0
        } else if let Action::Void(Void { hold }) | Action::Expire(Expire { hold }) = action {
            hold.0
        } else if let Action::CloseMeter(CloseMeter { meter }) = action {
            meter.0
        } else {
            return;
        };
        if let Some(place) = self.holds.iter().position(|hold| hold.id.0 == ended) {
            let hold = self.holds.remove(place);
            self.ended.push(hold);
        }
    }

    fn learn_key(&mut self, holder: KeyHolder, key: KeyId) {
        let keys = match holder {
            KeyHolder::Operator => Some(&mut self.operator),
            KeyHolder::Owner(id) => self.owners.iter_mut().find(|row| row.id == id).map(|row| &mut row.keys),
            KeyHolder::Agent(id) => self.agents.iter_mut().find(|row| row.id == id).map(|row| &mut row.keys),
            KeyHolder::Payee(id) => self.payees.iter_mut().find(|row| row.id == id).map(|row| &mut row.keys),
        };
        if let Some(keys) = keys {
            keys.push(key);
        }
    }

    fn learn_version(&mut self, subject: LimitSubject) {
        let version = match subject {
            LimitSubject::Wallet(id) => {
                self.wallets.iter_mut().find(|row| row.id == id).map(|row| &mut row.version)
            }
            LimitSubject::Agent(id) => {
                self.agents.iter_mut().find(|row| row.id == id).map(|row| &mut row.version)
            }
            LimitSubject::Mandate(id) => {
                self.mandates.iter_mut().find(|row| row.id == id).map(|row| &mut row.version)
            }
        };
        if let Some(version) = version {
            *version += 1;
        }
    }

    fn learn_bought(&mut self, id: Id, purchase: &Purchase) {
        if let Some(payee) = seller(purchase) {
            self.bought.push(Bought { id, wallet: purchase.wallet, payee, amount: purchase.amount });
        }
    }

    fn learn_hold(&mut self, id: Id, purchase: &Purchase, rates: usize) {
        let Some(payee) = seller(purchase) else { return };
        let (wallet, amount) = (purchase.wallet, purchase.amount);
        let (id, is_channel) = (HoldId(id), false);
        self.holds.push(Held { id, wallet, payee, amount, rates, is_channel, sequence: 0 });
        self.learn_bought(id.0, purchase);
    }
}

/// The payee that leads a purchase.
fn seller(purchase: &Purchase) -> Option<PayeeId> {
    match &purchase.to {
        Payees::One(payee) => Some(*payee),
        Payees::Split(split) => split.shares.first().map(|share| share.payee),
    }
}
