//! The canonical workload: 1,000 payees of which one takes a fifth, and wallets with one agent and one mandate each.
//!
//! A mandate has three limits: per payment, in total, and per calendar day in Shanghai. Payments choose wallets at
//! random. The random numbers are seeded, so every run asks for the same.

use book::limits::{DELEGATION_DEPTH_MAX, LIMITS_MAX};
use book::{
    Account, Action, Actor, AgentId, Amount, Carry, Code, Command, Delegate, EnrolAgent, GrantMandate, Id,
    KeyId, Limit, LimitSubject, MandateId, OpenBook, OpenWallet, OwnerId, PartsPerMillion, Past, PastPayee,
    Pay, PayeeId, Payees, PaymentId, Period, Presence, Provenance, PublicKeyBytes, Purchase, RegisterAsset,
    RegisterOwner, RegisterPayee, SetLimits, Time, Transfer, WalletId, Window, Zone,
};
use evidence::{Hash, SigningKey};

pub(crate) const PAYEES: usize = 1_000;
const RETENTION_SECONDS: u64 = 400 * 86_400;

/// Who can pay from what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spender {
    pub(crate) wallet: WalletId,
    agent: AgentId,
    pub(crate) key: KeyId,
    pub(crate) mandate: MandateId,
}

/// The book that the workload is made in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    /// A new one, which nobody talks to with a key.
    New,
    /// One that was opened, with its operator's key.
    Opened(KeyId),
}

/// The key of the spender with this number, where anybody asks for it.
pub(crate) fn spender_key(number: u32) -> SigningKey {
    let mut seed = [9; 32];
    seed[..4].copy_from_slice(&number.to_le_bytes());
    SigningKey::ed25519(&seed)
}

/// The rows of the workload, and the seeded numbers it draws.
#[derive(Debug)]
pub(crate) struct Workload {
    random: u64,
    asset: Code,
    payees: Vec<PayeeId>,
    spenders: Vec<Spender>,
    /// Whose the wallets are.
    owner: Option<Actor>,
    /// How often the limits of each spender's mandate were changed.
    changes: Vec<u32>,
}

impl Workload {
    pub(crate) fn new() -> Workload {
        let asset = Code::new("CNY").expect("three letters are a code");
        let (payees, spenders, changes) = (Vec::new(), Vec::new(), Vec::new());
        Workload { random: 88_172_645_463_325_252, asset, payees, spenders, owner: None, changes }
    }

    /// The commands that make a book with `wallets` wallets, handed over in units.
    pub(crate) fn set_up(
        &mut self,
        at: Time,
        wallets: u32,
        place: Place,
        mut submit: impl FnMut(Vec<Command>),
    ) {
        let public_key = PublicKeyBytes::Ed25519([7; 32]);
        let (new_key, owner_id, owner_key) = (KeyId(self.id(at)), self.id(at), KeyId(self.id(at)));
        let operator_key = match place {
            Place::New => new_key,
            Place::Opened(key) => key,
        };
        let operator = Actor::Operator { key: operator_key };
        let owner = OwnerId(owner_id);
        let present = Actor::Owner { owner, key: owner_key, presence: Presence::Fresh };
        self.owner = Some(present);
        let asset = self.asset;
        let mut first = Vec::new();
        if matches!(place, Place::New) {
            let retention_seconds = RETENTION_SECONDS;
            let open = OpenBook { test: true, retention_seconds, key: operator_key, public_key };
            first.push(self.command(at, operator, Action::OpenBook(open)));
            let register = RegisterAsset { code: asset, scale: 2 };
            first.push(self.command(at, operator, Action::RegisterAsset(register)));
        }
        first.push(Command {
            id: owner_id,
            by: operator,
            action: Action::RegisterOwner(RegisterOwner { key: owner_key, public_key }),
        });
        for _ in 0..PAYEES {
            let payee = RegisterPayee {
                owner: None,
                asset,
                category: category(),
                provenance: Provenance::Registry,
                fee: PartsPerMillion::default(),
                key: None,
            };
            let command = self.command(at, operator, Action::RegisterPayee(payee));
            self.payees.push(PayeeId(command.id));
            first.push(command);
        }
        submit(first);
        let limits = limits();
        for number in 0..wallets {
            let (wallet, agent, mandate) = (self.id(at), self.id(at), self.id(at));
            let spender = Spender {
                wallet: WalletId(wallet),
                agent: AgentId(agent),
                key: KeyId(self.id(at)),
                mandate: MandateId(mandate),
            };
            let open = OpenWallet { owner, asset, limits: Vec::new() };
            let public_key = match place {
                Place::New => public_key,
                Place::Opened(_) => {
                    let key = spender_key(number).public().bytes().try_into();
                    PublicKeyBytes::Ed25519(key.expect("an Ed25519 key has 32 bytes"))
                }
            };
            let enrol =
                EnrolAgent { wallet: spender.wallet, limits: Vec::new(), key: spender.key, public_key };
            let grant = GrantMandate {
                wallet: spender.wallet,
                agent: spender.agent,
                valid_from: Time(0),
                expires_at: Time::MAX,
                limits: limits.clone(),
                document: Hash([0; 32]),
                carry: Carry::Inherit,
            };
            let fill = Transfer {
                from: Account::World,
                to: Account::Wallet(spender.wallet),
                amount: amount(1_000_000_000),
                asset,
            };
            let fill = self.command(at, operator, Action::Transfer(fill));
            submit(vec![
                Command { id: wallet, by: operator, action: Action::OpenWallet(open) },
                Command { id: agent, by: present, action: Action::EnrolAgent(enrol) },
                Command { id: mandate, by: present, action: Action::GrantMandate(grant) },
                fill,
            ]);
            self.spenders.push(spender);
        }
        self.changes = vec![0; self.spenders.len()];
    }

    /// One payment made at `at`.
    pub(crate) fn payment(&mut self, at: Time) -> Command {
        let place = self.below(self.spenders.len());
        self.payment_by(at, self.spenders[place])
    }

    /// One payment made at `at` by this spender.
    pub(crate) fn payment_by(&mut self, at: Time, spender: Spender) -> Command {
        // One payee takes a fifth, and its share of the rest.
        let payee = if self.below(5) == 0 { 0 } else { self.below(self.payees.len()) };
        let purchase = Purchase {
            wallet: spender.wallet,
            mandate: Some(spender.mandate),
            to: Payees::One(self.payees[payee]),
            amount: amount(1 + self.below(100) as u128),
            asset: self.asset,
            category: None,
            reference: None,
            approval: None,
        };
        let by = Actor::Agent { agent: spender.agent, key: spender.key };
        self.command(at, by, Action::Pay(Pay { purchase }))
    }

    /// One change of the limits of a mandate: the same ones again, in a new version.
    pub(crate) fn change(&mut self, at: Time) -> Command {
        let place = self.below(self.spenders.len());
        self.changes[place] += 1;
        let (subject, version) = (LimitSubject::Mandate(self.spenders[place].mandate), self.changes[place]);
        self.set_limits(at, subject, version, limits())
    }

    /// What puts `limits` on the first spender's wallet, agent and mandate, and delegates the mandate as far as it goes,
    /// to agents and under mandates with the same limits; and who can pay at the end of that chain.
    pub(crate) fn delegate(&mut self, at: Time, limits: &[Limit]) -> (Vec<Command>, Spender) {
        let owner = self.owner();
        let mut last = self.spenders[0];
        self.changes[0] += 1;
        let version = self.changes[0];
        let mut commands = vec![
            self.set_limits(at, LimitSubject::Wallet(last.wallet), 0, limits.to_vec()),
            self.set_limits(at, LimitSubject::Agent(last.agent), 0, limits.to_vec()),
            self.set_limits(at, LimitSubject::Mandate(last.mandate), version, limits.to_vec()),
        ];
        for _ in 0..DELEGATION_DEPTH_MAX {
            let key = KeyId(self.id(at));
            let public_key = PublicKeyBytes::Ed25519([7; 32]);
            let enrol = EnrolAgent { wallet: last.wallet, limits: limits.to_vec(), key, public_key };
            let enrol = self.command(at, owner, Action::EnrolAgent(enrol));
            let delegate = Delegate {
                parent: last.mandate,
                agent: AgentId(enrol.id),
                valid_from: Time(0),
                expires_at: Time::MAX,
                limits: limits.to_vec(),
                document: Hash([0; 32]),
            };
            let delegate = self.command(at, owner, Action::Delegate(delegate));
            let (agent, mandate) = (AgentId(enrol.id), MandateId(delegate.id));
            last = Spender { wallet: last.wallet, agent, key, mandate };
            commands.extend([enrol, delegate]);
        }
        (commands, last)
    }

    /// A history of `count` payments, one a minute until `until`, for rules to be tried on.
    pub(crate) fn history(&mut self, until: Time, count: u32) -> Vec<Past> {
        let category = category();
        let past = |minutes_ago: u32| {
            let place = self.below(self.payees.len());
            let payee = self.payees[place];
            Past {
                at: Time(until.0 - u64::from(minutes_ago) * 60_000_000_000),
                amount: amount(1 + self.below(100) as u128),
                payees: vec![PastPayee { payee, category, is_trusted: true }],
                category: None,
            }
        };
        (0..count).rev().map(past).collect()
    }

    /// Those who can pay, in the order of their numbers.
    pub(crate) fn spenders(&self) -> &[Spender] {
        &self.spenders
    }

    /// One payment by this spender, as the public API takes it.
    pub(crate) fn payment_text(&mut self, at: Time, by: Spender) -> String {
        let payee = if self.below(5) == 0 { 0 } else { self.below(self.payees.len()) };
        let (id, payee, minor) = (PaymentId(self.id(at)), self.payees[payee], 1 + self.below(100));
        format!(
            r#"{{"id":"{id}","wallet":"{}","mandate":"{}","payee":"{payee}","amount":{{"amount":"{minor}","asset":"CNY/2"}}}}"#,
            by.wallet, by.mandate
        )
    }

    fn set_limits(&mut self, at: Time, subject: LimitSubject, version: u32, limits: Vec<Limit>) -> Command {
        let set = SetLimits { subject, version, limits, document: Hash([0; 32]) };
        self.command(at, self.owner(), Action::SetLimits(set))
    }

    fn owner(&self) -> Actor {
        self.owner.expect("the workload was set up, and its owner with it")
    }

    fn command(&mut self, at: Time, by: Actor, action: Action) -> Command {
        Command { id: self.id(at), by, action }
    }

    fn id(&mut self, at: Time) -> Id {
        let mut random = [0; 16];
        random[..8].copy_from_slice(&self.next().to_le_bytes());
        random[8..].copy_from_slice(&self.next().to_le_bytes());
        Id::new(at, random)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// Xorshift: what is drawn here is no secret.
    fn next(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }
}

fn limits() -> Vec<Limit> {
    let zone = Zone::new("Asia/Shanghai").expect("the zone is in the table");
    vec![
        Limit::PerPayment { max: amount(1_000) },
        Limit::Total { max: amount(1_000_000_000) },
        Limit::Window { window: Window::Calendar { period: Period::Day, zone }, max: amount(100_000_000) },
    ]
}

/// As many limits as one policy may have, all of which the workload's payments keep to: five that look at the payment or
/// at a sum, and so many windows, no two alike.
pub(crate) fn most_limits(windows: impl Iterator<Item = Window>) -> Vec<Limit> {
    let others = [
        Limit::PerPayment { max: amount(1_000) },
        Limit::Total { max: amount(1_000_000_000) },
        Limit::Uses { max: u64::MAX },
        Limit::Validity { from: Time(0), until: Time::MAX },
        Limit::CategoriesAllowed { categories: vec![category()] },
    ];
    let windows = windows.map(|window| Limit::Window { window, max: amount(100_000_000) });
    let limits: Vec<Limit> = others.into_iter().chain(windows).take(LIMITS_MAX).collect();
    assert!(limits.len() == LIMITS_MAX, "there are as many windows as fit");
    limits
}

fn category() -> Code {
    Code::new("api").expect("three letters are a code")
}

fn amount(minor: u128) -> Amount {
    Amount::new(minor).expect("the workload's amounts are small")
}
