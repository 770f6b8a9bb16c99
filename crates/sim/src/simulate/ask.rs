//! What clients ask: commands of every kind, mostly such as an honest client would send, and some by somebody who is
//! confused or means harm.

use super::rule::{amount, category, code, item, limits, price, purchase};
use crate::seed::Chance;
use crate::world::World;
use ::book::*;
use evidence::Hash;

const SECOND: u64 = 1_000_000_000;
const DAY: u64 = 86_400 * SECOND;

/// Everything a request is made up from.
#[derive(Debug)]
pub(super) struct Asker<'a> {
    pub(super) chance: &'a mut Chance,
    pub(super) world: &'a World,
    pub(super) now: Time,
}

#[derive(Clone, Copy)]
enum Kind {
    Pay,
    PayApproved,
    PlaceHold,
    OpenMeter,
    Capture,
    Void,
    Redeem,
    Charge,
    CloseMeter,
    Refund,
    Transfer,
    Answer,
    SetLimits,
    GrantMandate,
    Delegate,
    Observe,
    Prepaid,
    Link,
    Payout,
    Stop,
    Start,
    EnrolAgent,
    Keys,
    OpenAccount,
    CloseWallet,
    Register,
}

const KINDS: &[(u64, Kind)] = &[
    (60, Kind::Pay),
    (12, Kind::PayApproved),
    (14, Kind::PlaceHold),
    (7, Kind::OpenMeter),
    (16, Kind::Capture),
    (5, Kind::Void),
    (4, Kind::Redeem),
    (12, Kind::Charge),
    (5, Kind::CloseMeter),
    (14, Kind::Refund),
    (10, Kind::Transfer),
    (10, Kind::Answer),
    (4, Kind::SetLimits),
    (4, Kind::GrantMandate),
    (3, Kind::Delegate),
    (4, Kind::Observe),
    (20, Kind::Prepaid),
    (8, Kind::Link),
    (7, Kind::Payout),
    (2, Kind::Stop),
    (5, Kind::Start),
    (2, Kind::EnrolAgent),
    (3, Kind::Keys),
    (2, Kind::OpenAccount),
    (1, Kind::CloseWallet),
    (2, Kind::Register),
];

impl Asker<'_> {
    /// The commands of one request: one, or an array of payments by one agent.
    pub(super) fn request(&mut self) -> Vec<Command> {
        let mut commands = vec![self.command()];
        if matches!(commands[0].action, Action::Pay(_)) && self.chance.one_in(4) {
            let by = commands[0].by;
            for _ in 0..self.chance.between(1, 8) {
                let mut next = commands[0].clone();
                next.id = self.id();
                if let (Action::Pay(pay), Actor::Agent { agent, .. }) = (&mut next.action, by) {
                    let Purchase { wallet, asset, .. } = pay.purchase;
                    if let Some(other) = purchase(self.chance, self.world, wallet, asset, Some(agent)) {
                        pay.purchase = other;
                    }
                }
                commands.push(next);
            }
        }
        commands
    }

    /// One command, of any kind.
    pub(super) fn command(&mut self) -> Command {
        let (by, action) = loop {
            if let Some(made) = self.made() {
                break made;
            }
        };
        let mut command = Command { id: self.id(), by, action };
        if self.chance.one_in(14) {
            self.spoil(&mut command);
        }
        command
    }

    /// A new identifier, made at about the present.
    pub(super) fn id(&mut self) -> Id {
        let made = self.now.0 - self.chance.below(30 * SECOND) + self.chance.below(30 * SECOND);
        Id::new(Time(made), self.chance.bytes())
    }

    /// Presents a request by `by`, almost always in its own way.
    pub(super) fn present(&mut self, by: Actor) -> Command {
        let mut nonce = self.now.0 / 1_000 + self.chance.below(1_000_000);
        if self.chance.one_in(25) {
            let used = self.world.nonces.iter().rev().filter(|used| used.0 == by).map(|used| used.1);
            let used: Vec<u64> = used.take(50).collect();
            nonce = self.chance.pick(&used).copied().unwrap_or(nonce);
        }
        let request = Hash(self.chance.bytes());
        Command { id: self.id(), by, action: Action::Present(Present { nonce, request }) }
    }

    /// Makes an honest command into one of somebody who is confused, or means harm.
    fn spoil(&mut self, command: &mut Command) {
        let made_long_ago = Time(self.now.0 - self.chance.between(3_600 * SECOND, 40 * DAY));
        match self.chance.below(8) {
            0 | 1 => command.by = self.anybody(),
            2 => command.id = Id::new(made_long_ago, self.chance.bytes()),
            3 => command.id = Id::new(self.now.after(self.chance.below(300) * SECOND), self.chance.bytes()),
            4 | 5 => {
                if let Some(used) = self.chance.pick_late(&self.world.recorded, 200) {
                    command.id = used.id;
                }
            }
            6 => {
                if let Some(used) = self.chance.pick_late(&self.world.recorded, 200) {
                    *command = used.clone();
                }
            }
            _ => self.swell(&mut command.action),
        }
    }

    /// Somebody, with a key that may be another's.
    fn anybody(&mut self) -> Actor {
        let world = self.world;
        let owner = self.chance.pick(&world.owners).map(|row| row.id).unwrap_or_default();
        let agent = self.chance.pick(&world.agents).map(|row| row.id).unwrap_or_default();
        let payee = self.chance.pick(&world.payees).map(|row| row.id).unwrap_or_default();
        let key = match self.chance.below(4) {
            0 => world.operator.first().copied(),
            1 => self.chance.pick(&world.owners).and_then(|row| row.keys.first().copied()),
            2 => self.chance.pick(&world.agents).and_then(|row| row.keys.first().copied()),
            _ => self.chance.pick(&world.payees).and_then(|row| row.keys.first().copied()),
        };
        let key = key.unwrap_or_default();
        match self.chance.below(4) {
            0 => Actor::Operator { key },
            1 => Actor::Owner { owner, key, presence: Presence::Fresh },
            2 => Actor::Agent { agent, key },
            _ => Actor::Payee { payee, key },
        }
    }

    fn made(&mut self) -> Option<(Actor, Action)> {
        match self.chance.weigh(KINDS) {
            Kind::Pay => self.buy().map(|(by, purchase)| (by, Action::Pay(Pay { purchase }))),
            Kind::PayApproved => self.buy_approved(),
            Kind::PlaceHold => {
                let (by, purchase) = self.buy()?;
                let expires_at = self.expiry();
                if self.chance.one_in(3) {
                    return Some((by, Action::PlaceEscrow(PlaceEscrow { purchase, expires_at })));
                }
                Some((by, Action::PlaceHold(PlaceHold { purchase, expires_at })))
            }
            Kind::OpenMeter => self.open_meter(),
            Kind::Capture | Kind::Void | Kind::Redeem | Kind::Charge | Kind::CloseMeter => self.with_hold(),
            Kind::Refund => self.refund(),
            Kind::Transfer => self.transfer(),
            Kind::Answer => self.answer(),
            Kind::SetLimits => self.set_limits(),
            Kind::GrantMandate => self.grant(),
            Kind::Delegate => self.delegate(),
            Kind::Observe => self.observe(),
            Kind::Prepaid => self.prepaid(),
            Kind::Link => self.link(),
            Kind::Payout => self.payout(),
            Kind::Stop => self.stop(),
            Kind::Start => self.start(),
            Kind::EnrolAgent => self.enrol_agent(),
            Kind::Keys => self.keys(),
            Kind::OpenAccount => self.open_account(),
            Kind::CloseWallet => {
                let (wallet, owner) = self.chance.pick(&self.world.wallets).map(|it| (it.id, it.owner))?;
                Some((self.owner(owner), Action::CloseWallet(CloseWallet { wallet })))
            }
            Kind::Register => self.register(),
        }
    }

    pub(super) fn owner(&mut self, id: OwnerId) -> Actor {
        let presence = if self.chance.one_in(3) { Presence::Session } else { Presence::Fresh };
        self.world.owner(id, presence)
    }

    /// Somebody who buys, from a wallet or sub-account that may be used: an agent, or now and then the owner.
    pub(super) fn buy(&mut self) -> Option<(Actor, Purchase)> {
        let world = self.world;
        if self.chance.one_in(8) {
            let wallet = self.chance.pick(&world.wallets)?;
            let bought = purchase(self.chance, world, wallet.id, wallet.asset, None)?;
            return Some((self.owner(wallet.owner), bought));
        }
        let agent = self.chance.pick(&world.agents)?;
        let key = *self.chance.pick_late(&agent.keys, 2)?;
        let subs: Vec<WalletId> =
            world.wallets.iter().filter(|row| row.agent == Some(agent.id)).map(|row| row.id).collect();
        let wallet = match self.chance.pick(&subs) {
            Some(sub) if self.chance.one_in(3) => *sub,
            _ => agent.wallet,
        };
        let asset = world.wallet(wallet)?.asset;
        let bought = purchase(self.chance, world, wallet, asset, Some(agent.id))?;
        Some((Actor::Agent { agent: agent.id, key }, bought))
    }

    /// Buys again what the owner was asked about.
    fn buy_approved(&mut self) -> Option<(Actor, Action)> {
        let question = self.chance.pick_late(&self.world.questions, 40)?;
        let mut action = question.action.clone();
        let later = self.expiry();
        let purchase = if let Action::Pay(it) = &mut action {
            &mut it.purchase
        } else if let Action::PlaceHold(it) = &mut action {
            it.expires_at = later;
            &mut it.purchase
        } else if let Action::PlaceEscrow(it) = &mut action {
            it.expires_at = later;
            &mut it.purchase
        } else if let Action::OpenMeter(it) = &mut action {
            it.expires_at = later;
            &mut it.purchase
        } else if let Action::OpenChannel(it) = &mut action {
            it.expires_at = later;
            &mut it.purchase
        } else if let Action::PayLink(it) = &mut action {
            &mut it.purchase
        } else {
            return None;
        };
        purchase.approval = Some(question.id);
        if self.chance.one_in(12) {
            purchase.amount = price(self.chance, purchase.asset, 1);
        }
        Some((question.by, action))
    }

    pub(super) fn expiry(&mut self) -> Time {
        let most = self.chance.weigh(&[(1, 2), (2, 60), (3, 3_600), (5, 86_400), (2, 91 * 86_400)]);
        self.now.after(self.chance.between(1, most * SECOND))
    }

    fn refund(&mut self) -> Option<(Actor, Action)> {
        let bought = self.chance.pick_late(&self.world.bought, 30)?;
        let by = self.world.payee(bought.payee).filter(|_| !self.chance.one_in(6));
        let part = bought.amount.minor() / u128::from(self.chance.weigh(&[(2, 1u64), (2, 2), (1, 5)]));
        let refund = Refund { payment: bought.id, amount: amount(part) };
        Some((by.unwrap_or(self.world.operator()), Action::Refund(refund)))
    }

    fn transfer(&mut self) -> Option<(Actor, Action)> {
        let world = self.world;
        let wallet = self.chance.pick(&world.wallets)?;
        let other = self.chance.pick(&world.wallets)?;
        let payee = self.chance.pick(&world.payees)?;
        let (from_wallet, to_wallet) = (Account::Wallet(wallet.id), Account::Wallet(other.id));
        let (by, from, to, asset) = match self.chance.below(12) {
            0..=4 => (world.operator(), Account::World, from_wallet, wallet.asset),
            5..=7 => (self.owner(wallet.owner), from_wallet, to_wallet, wallet.asset),
            8 => (self.owner(wallet.owner), from_wallet, Account::World, wallet.asset),
            9 => (world.payee(payee.id)?, Account::Payee(payee.id), Account::World, payee.asset),
            10 => (world.operator(), Account::Fees, Account::World, payee.asset),
            _ => (self.owner(payee.owner?), Account::Payee(payee.id), to_wallet, payee.asset),
        };
        let times = u128::from(self.chance.between(1, 60));
        let amount = price(self.chance, asset, times);
        Some((by, Action::Transfer(Transfer { from, to, amount, asset })))
    }

    fn answer(&mut self) -> Option<(Actor, Action)> {
        let world = self.world;
        let question = self.chance.pick_late(&world.questions, 30)?;
        let by = self.owner(world.wallet(question.wallet)?.owner);
        if self.chance.one_in(8) {
            return Some((by, Action::Refuse(Refuse { question: question.id })));
        }
        let digest = if self.chance.one_in(15) { Hash(self.chance.bytes()) } else { question.digest };
        if self.chance.one_in(4) {
            let until = self.now.after(self.chance.below(DAY + 3_600 * SECOND));
            return Some((by, Action::ApproveAlike(ApproveAlike { question: question.id, digest, until })));
        }
        let until = self.now.after(self.chance.below(3 * DAY));
        Some((by, Action::Approve(Approve { question: question.id, digest, until })))
    }

    fn set_limits(&mut self) -> Option<(Actor, Action)> {
        let world = self.world;
        let (subject, version, wallet) = match self.chance.below(3) {
            0 => {
                let row = self.chance.pick(&world.wallets)?;
                (LimitSubject::Wallet(row.id), row.version, row.id)
            }
            1 => {
                let row = self.chance.pick(&world.agents)?;
                (LimitSubject::Agent(row.id), row.version, row.wallet)
            }
            _ => {
                let row = self.chance.pick_late(&world.mandates, 8)?;
                (LimitSubject::Mandate(row.id), row.version, row.wallet)
            }
        };
        let row = world.wallet(wallet)?;
        let version = if self.chance.one_in(12) { version + 1 } else { version };
        let limits = limits(self.chance, world, row.asset, self.now);
        let document = Hash(self.chance.bytes());
        Some((self.owner(row.owner), Action::SetLimits(SetLimits { subject, version, limits, document })))
    }

    pub(super) fn grant(&mut self) -> Option<(Actor, Action)> {
        let world = self.world;
        let agent = self.chance.pick_late(&world.agents, 8)?;
        let row = world.wallet(agent.wallet)?;
        let valid_from = Time(self.now.0 - DAY).after(self.chance.below(DAY + 600 * SECOND));
        let grant = GrantMandate {
            wallet: agent.wallet,
            agent: agent.id,
            valid_from,
            expires_at: self.now.after(self.chance.between(1, 20 * DAY)),
            limits: limits(self.chance, world, row.asset, self.now),
            document: Hash(self.chance.bytes()),
            carry: if self.chance.one_in(3) { Carry::Reset } else { Carry::Inherit },
        };
        Some((self.owner(row.owner), Action::GrantMandate(grant)))
    }

    /// An agent that lets another one spend, or its owner who does; within the mandate more often than not.
    fn delegate(&mut self) -> Option<(Actor, Action)> {
        let world = self.world;
        let parent = self.chance.pick_late(&world.mandates, 8)?;
        let row = world.wallet(parent.wallet)?;
        let others: Vec<_> = world.agents.iter().filter(|agent| agent.wallet == parent.wallet).collect();
        let agent = self.chance.pick(&others)?.id;
        let by = world.agents.iter().find(|agent| agent.id == parent.agent).and_then(|agent| {
            let key = *agent.keys.last()?;
            Some(Actor::Agent { agent: agent.id, key })
        });
        let by = by.filter(|_| !self.chance.one_in(4)).unwrap_or(self.owner(row.owner));
        let limits =
            if self.chance.one_in(2) { Vec::new() } else { limits(self.chance, world, row.asset, self.now) };
        let delegate = Delegate {
            parent: parent.id,
            agent,
            valid_from: self.now,
            expires_at: self.now.after(self.chance.between(1, 5 * DAY)),
            limits,
            document: Hash(self.chance.bytes()),
        };
        Some((by, Action::Delegate(delegate)))
    }

    /// A seller that says what one of a few items costs.
    fn observe(&mut self) -> Option<(Actor, Action)> {
        let world = self.world;
        let payee = self.chance.pick(&world.payees)?;
        let (price, stock) = (price(self.chance, payee.asset, 1), self.chance.below(3) as u32);
        let observe = Observe { item: item(self.chance), price, asset: payee.asset, stock };
        Some((world.payee(payee.id)?, Action::Observe(observe)))
    }

    /// What can be stopped, and whoever it belongs to.
    fn subject(&mut self) -> Option<(Actor, Subject)> {
        let world = self.world;
        let of = |wallet| world.wallet(wallet).map(|row| row.owner);
        let (owner, subject) = match self.chance.below(12) {
            0 => {
                let owner = self.chance.pick(&world.owners)?.id;
                (owner, Subject::Owner(owner))
            }
            1..=3 => {
                let row = self.chance.pick(&world.wallets)?;
                (row.owner, Subject::Wallet(row.id))
            }
            4..=6 => {
                let row = self.chance.pick(&world.agents)?;
                (of(row.wallet)?, Subject::Agent(row.id))
            }
            7..=10 => {
                let row = self.chance.pick_late(&world.mandates, 10)?;
                (of(row.wallet)?, Subject::Mandate(row.id))
            }
            _ => return Some((world.operator(), Subject::Payee(self.chance.pick(&world.payees)?.id))),
        };
        let by = if self.chance.one_in(6) { world.operator() } else { self.owner(owner) };
        Some((by, subject))
    }

    fn stop(&mut self) -> Option<(Actor, Action)> {
        let (mut by, subject) = self.subject()?;
        let of_mandate = matches!(subject, Subject::Mandate(_));
        let ends = self.chance.one_in(if of_mandate { 2 } else { 10 });
        if ends && of_mandate && self.chance.one_in(2) {
            // Perhaps its own, perhaps one that it delegated, perhaps none of its business.
            let agent = self.chance.pick_late(&self.world.agents, 4)?;
            by = Actor::Agent { agent: agent.id, key: *agent.keys.last()? };
        }
        let action =
            if ends { Action::Revoke(Revoke { subject }) } else { Action::Freeze(Freeze { subject }) };
        Some((by, action))
    }

    fn start(&mut self) -> Option<(Actor, Action)> {
        let (by, subject) = match self.chance.pick(&self.world.stopped) {
            Some((by, subject)) => (*by, *subject),
            None => self.subject()?,
        };
        Some((by, Action::Unfreeze(Unfreeze { subject })))
    }

    pub(super) fn key(&mut self) -> (KeyId, PublicKeyBytes) {
        (KeyId(self.id()), PublicKeyBytes::Ed25519(self.chance.bytes()))
    }

    fn enrol_agent(&mut self) -> Option<(Actor, Action)> {
        let wallet = self.chance.pick(&self.world.wallets)?;
        let limits = limits(self.chance, self.world, wallet.asset, self.now);
        let (key, public_key) = self.key();
        let enrol = EnrolAgent { wallet: wallet.id, limits, key, public_key };
        Some((self.owner(wallet.owner), Action::EnrolAgent(enrol)))
    }

    fn keys(&mut self) -> Option<(Actor, Action)> {
        let world = self.world;
        let (by, holder, keys) = match self.chance.below(5) {
            0 => (world.operator(), KeyHolder::Operator, world.operator.get(1..)?),
            1 => {
                let row = self.chance.pick(&world.owners)?;
                // An owner with one key left keeps it.
                (self.owner(row.id), KeyHolder::Owner(row.id), row.keys.get(..row.keys.len() - 1)?)
            }
            2 | 3 => {
                let row = self.chance.pick(&world.agents)?;
                let owner = world.wallet(row.wallet)?.owner;
                (self.owner(owner), KeyHolder::Agent(row.id), row.keys.as_slice())
            }
            _ => {
                let row = self.chance.pick(&world.payees)?;
                (world.operator(), KeyHolder::Payee(row.id), row.keys.as_slice())
            }
        };
        let public_key = PublicKeyBytes::Es256(self.chance.bytes());
        match self.chance.pick(keys) {
            Some(key) if self.chance.one_in(3) => Some((by, Action::RevokeKey(RevokeKey { key: *key }))),
            _ => Some((by, Action::EnrolKey(EnrolKey { holder, public_key }))),
        }
    }

    fn open_account(&mut self) -> Option<(Actor, Action)> {
        let world = self.world;
        if self.chance.one_in(2) {
            let owner = self.chance.pick(&world.owners)?.id;
            let asset = *self.chance.pick(&world.assets)?;
            let limits = limits(self.chance, world, asset, self.now);
            return Some((self.owner(owner), Action::OpenWallet(OpenWallet { owner, asset, limits })));
        }
        let agent = self.chance.pick(&world.agents)?;
        let row = world.wallet(agent.wallet)?;
        let limits = limits(self.chance, world, row.asset, self.now);
        let open = OpenSubAccount { wallet: agent.wallet, agent: agent.id, limits };
        Some((self.owner(row.owner), Action::OpenSubAccount(open)))
    }

    fn register(&mut self) -> Option<(Actor, Action)> {
        let world = self.world;
        let (key, public_key) = self.key();
        let asset = *self.chance.pick(&world.assets)?;
        let action = match self.chance.below(6) {
            0 => Action::RegisterOwner(RegisterOwner { key, public_key }),
            1 => Action::RegisterAsset(RegisterAsset {
                code: code(["USD", "EUR", super::rule::COARSE][self.chance.place(3)]),
                scale: self.chance.below(20) as u8,
            }),
            2 => Action::OpenBook(OpenBook { test: true, retention_seconds: 3_600, key, public_key }),
            _ => Action::RegisterPayee(self.payee(asset)),
        };
        Some((world.operator(), action))
    }

    pub(super) fn payee(&mut self, asset: Code) -> RegisterPayee {
        use Provenance::{Agent, Merchant, Owner, Registry, Untrusted};
        let ppm = self.chance.weigh(&[(3, 0), (3, 6_250), (1, 333_333), (1, 29_000), (1, 1_000_000)]);
        let owner = self.chance.pick(&self.world.owners).map(|row| row.id);
        RegisterPayee {
            owner: owner.filter(|_| self.chance.one_in(8)),
            asset,
            category: category(self.chance),
            provenance: self.chance.weigh(&[
                (6, Registry),
                (2, Merchant),
                (1, Owner),
                (1, Agent),
                (1, Untrusted),
            ]),
            fee: PartsPerMillion::new(ppm).expect("at most the whole"),
            key: (!self.chance.one_in(8)).then(|| self.key()),
        }
    }
}
