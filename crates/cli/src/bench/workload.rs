//! The canonical workload: 1,000 payees of which one takes a fifth, and wallets with one agent and one mandate each.
//!
//! A mandate has three limits: per payment, in total, and per calendar day in Shanghai. Payments choose wallets at
//! random. The random numbers are seeded, so every run asks for the same.

use book::{
    Account, Action, Actor, AgentId, Amount, Carry, Code, Command, EnrolAgent, GrantMandate, Id, KeyId,
    Limit, MandateId, OpenBook, OpenWallet, OwnerId, PartsPerMillion, Pay, PayeeId, Payees, Period, Presence,
    Provenance, PublicKeyBytes, Purchase, RegisterAsset, RegisterOwner, RegisterPayee, Time, Transfer,
    WalletId, Window, Zone,
};
use evidence::Hash;

pub(crate) const PAYEES: usize = 1_000;
const RETENTION_SECONDS: u64 = 400 * 86_400;

/// Who can pay from what.
#[derive(Clone, Copy, Debug)]
struct Spender {
    wallet: WalletId,
    agent: AgentId,
    key: KeyId,
    mandate: MandateId,
}

/// The rows of the workload, and the seeded numbers it draws.
#[derive(Debug)]
pub(crate) struct Workload {
    random: u64,
    asset: Code,
    payees: Vec<PayeeId>,
    spenders: Vec<Spender>,
}

impl Workload {
    pub(crate) fn new() -> Workload {
        let asset = Code::new("CNY").expect("three letters are a code");
        Workload { random: 88_172_645_463_325_252, asset, payees: Vec::new(), spenders: Vec::new() }
    }

    /// The commands that make a book with `wallets` wallets, handed over in units.
    pub(crate) fn set_up(&mut self, at: Time, wallets: u32, mut submit: impl FnMut(Vec<Command>)) {
        let public_key = PublicKeyBytes::Ed25519([7; 32]);
        let (operator_key, owner_id, owner_key) = (KeyId(self.id(at)), self.id(at), KeyId(self.id(at)));
        let operator = Actor::Operator { key: operator_key };
        let owner = OwnerId(owner_id);
        let present = Actor::Owner { owner, key: owner_key, presence: Presence::Fresh };
        let asset = self.asset;
        let mut first = vec![
            self.command(
                at,
                operator,
                Action::OpenBook(OpenBook {
                    test: true,
                    retention_seconds: RETENTION_SECONDS,
                    key: operator_key,
                    public_key,
                }),
            ),
            self.command(at, operator, Action::RegisterAsset(RegisterAsset { code: asset, scale: 2 })),
            Command {
                id: owner_id,
                by: operator,
                action: Action::RegisterOwner(RegisterOwner { key: owner_key, public_key }),
            },
        ];
        for _ in 0..PAYEES {
            let payee = RegisterPayee {
                owner: None,
                asset,
                category: Code::new("api").expect("three letters are a code"),
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
        for _ in 0..wallets {
            let (wallet, agent, mandate) = (self.id(at), self.id(at), self.id(at));
            let spender = Spender {
                wallet: WalletId(wallet),
                agent: AgentId(agent),
                key: KeyId(self.id(at)),
                mandate: MandateId(mandate),
            };
            let open = OpenWallet { owner, asset, limits: Vec::new() };
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
    }

    /// One payment made at `at`.
    pub(crate) fn payment(&mut self, at: Time) -> Command {
        let place = self.below(self.spenders.len());
        let spender = self.spenders[place];
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

fn amount(minor: u128) -> Amount {
    Amount::new(minor).expect("the workload's amounts are small")
}
