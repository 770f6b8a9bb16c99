//! Books to try the offline commands on: made with the engine, and kept in directories that end with their test.

use book::{
    Account, Action, Actor, AgentId, Amount, Capture, CloseWallet, Code, Command, EnrolAgent, HoldId, Id,
    KeyId, Limit, OpenBook, OpenSubAccount, OpenWallet, Outcome, OwnerId, PartsPerMillion, Pay, PayeeId,
    Payees, PlaceHold, Presence, Provenance, PublicKeyBytes, Purchase, Refund, RegisterAsset, RegisterOwner,
    RegisterPayee, Share, Split, Time, Transfer, Verdict, Void, WalletId,
};
use engine::{BookId, Clock, Engine, FileJournal, Options, Tiles};
use evidence::{NoteSigner, SigningKey};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command as Program, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A data directory that ends with its test.
pub(crate) struct Directory(pub(crate) PathBuf);

impl Directory {
    pub(crate) fn new() -> Directory {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("tollbridge-cli-{}-{number}", std::process::id()));
        fs::create_dir(&path).expect("the directory is new");
        Directory(path)
    }

    pub(crate) fn text(&self) -> &str {
        self.0.to_str().expect("the path is text")
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).expect("the directory is ours");
    }
}

/// Runs the built program.
pub(crate) fn tollbridge(words: &[&str]) -> Output {
    let mut program = Program::new(env!("CARGO_BIN_EXE_tollbridge"));
    program
        .args(words)
        .env("NO_COLOR", "1")
        .env_remove("TOLLBRIDGE_KEY")
        .output()
        .expect("the program starts")
}

/// What it printed.
pub(crate) fn printed(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("it prints text")
}

/// What it complained about.
pub(crate) fn complained(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("it complains in text")
}

/// The key of the log of every book here.
pub(crate) fn vkey() -> String {
    signer().verifier().to_string()
}

fn signer() -> NoteSigner {
    NoteSigner::new("cli.test", SigningKey::ed25519(&[3; 32])).expect("the name is plain")
}

/// A small shop's book in `directory`: a payment with a fee, a split one, a denied one, a hold captured in part, one
/// voided, a refund of each kind, and a sub-account that was closed. Each unit is a frame of its own.
pub(crate) fn shop(directory: &Path) {
    let clock = Arc::new(Clock::default());
    let (tiles, log) = Tiles::open(&directory.join("log"), signer()).expect("the log opens");
    let journal = directory.join("journal");
    fs::create_dir_all(&journal).expect("the directory is ours");
    let id = BookId(*b"the shop's book!");
    let options = Options {
        clock: clock.clone(),
        followers: vec![Box::new(tiles)],
        stopped: Box::new(|stepdown| panic!("{stepdown}")),
        faulted: |name, fault| panic!("{name}: {fault}"),
        recovering: Box::new(|_| {}),
        beside: Arc::new(()),
        snapshots: None,
        queue_units_max: engine::limits::QUEUE_UNITS_MAX,
    };
    let journal = FileJournal::open(&journal, id, 0).expect("the journal opens");
    let engine = Engine::start(id, journal, options).expect("the engine starts");
    let now = clock.now();
    for command in commands(now) {
        let ticket = engine.submit(vec![command.clone()]).expect("the queue has room");
        for verdict in ticket.blocking_recv().expect("the writer answers") {
            let verdict = verdict.expect("no rule fails");
            assert!(matches!(verdict, Verdict::Record(..)), "{command:?}: {verdict:?}");
            let denied = matches!(verdict, Verdict::Record(_, Outcome::Denied(_)));
            assert_eq!(denied, command.id == numbered(now, 23), "{command:?}: {verdict:?}");
        }
    }
    let size = engine.size();
    while log.published().size < size {
        std::thread::yield_now();
    }
    drop(engine);
}

/// Ids that tell their number, made at the same time.
fn numbered(at: Time, number: u8) -> Id {
    let made = at.0 / 86_400_000_000_000 * 86_400_000_000_000;
    Id::new(Time(made), [number; 16])
}

fn commands(at: Time) -> Vec<Command> {
    let id = |number| numbered(at, number);
    let cny = Code::new("CNY").expect("a code");
    let amount = |minor| Amount::new(minor).expect("it is small");
    let public_key = PublicKeyBytes::Ed25519([7; 32]);
    let operator = Actor::Operator { key: KeyId(id(100)) };
    let owner = Actor::Owner { owner: OwnerId(id(3)), key: KeyId(id(101)), presence: Presence::Fresh };
    let agent = Actor::Agent { agent: AgentId(id(7)), key: KeyId(id(102)) };
    let (wallet, sub) = (WalletId(id(4)), WalletId(id(8)));
    let (baker, miller) = (PayeeId(id(5)), PayeeId(id(6)));
    let payee = |fee| RegisterPayee {
        owner: None,
        asset: cny,
        category: Code::new("bread").expect("a code"),
        provenance: Provenance::Registry,
        fee: PartsPerMillion::new(fee).expect("a rate"),
        key: None,
    };
    let buy = |to: Payees, minor| Purchase {
        wallet,
        mandate: None,
        to,
        amount: amount(minor),
        asset: cny,
        category: None,
        reference: None,
        approval: None,
    };
    let split = Payees::Split(Split {
        whole: 3,
        shares: vec![Share { payee: baker, weight: 2 }, Share { payee: miller, weight: 1 }],
    });
    let later = at.after(3_600_000_000_000);
    let transfer =
        |from, to, minor| Action::Transfer(Transfer { from, to, amount: amount(minor), asset: cny });
    let limits = vec![Limit::PerPayment { max: amount(500) }];
    let enrol = EnrolAgent { wallet, limits, key: KeyId(id(102)), public_key };
    let hold =
        |minor| Action::PlaceHold(PlaceHold { purchase: buy(Payees::One(miller), minor), expires_at: later });
    let capture =
        |hold, minor, last| Action::Capture(Capture { hold: HoldId(hold), amount: amount(minor), last });
    let opened = OpenBook { test: true, retention_seconds: 400 * 86_400, key: KeyId(id(100)), public_key };
    let rows = vec![
        (1, operator, Action::OpenBook(opened)),
        (2, operator, Action::RegisterAsset(RegisterAsset { code: cny, scale: 2 })),
        (3, operator, Action::RegisterOwner(RegisterOwner { key: KeyId(id(101)), public_key })),
        (
            4,
            operator,
            Action::OpenWallet(OpenWallet { owner: OwnerId(id(3)), asset: cny, limits: Vec::new() }),
        ),
        (5, operator, Action::RegisterPayee(payee(10_000))),
        (6, operator, Action::RegisterPayee(payee(0))),
        (7, owner, Action::EnrolAgent(enrol)),
        (
            8,
            owner,
            Action::OpenSubAccount(OpenSubAccount { wallet, agent: AgentId(id(7)), limits: Vec::new() }),
        ),
        (9, operator, transfer(Account::World, Account::Wallet(wallet), 10_000)),
        (20, owner, transfer(Account::Wallet(wallet), Account::Wallet(sub), 777)),
        (21, agent, Action::Pay(Pay { purchase: buy(Payees::One(baker), 400) })),
        (22, agent, Action::Pay(Pay { purchase: buy(split, 100) })),
        (23, agent, Action::Pay(Pay { purchase: buy(Payees::One(baker), 501) })),
        (24, agent, hold(300)),
        (25, agent, hold(50)),
        (26, operator, capture(id(24), 120, false)),
        (27, operator, capture(id(24), 30, true)),
        (28, operator, Action::Void(Void { hold: HoldId(id(25)) })),
        (29, operator, Action::Refund(Refund { payment: id(22), amount: amount(50) })),
        (30, operator, Action::Refund(Refund { payment: id(24), amount: amount(10) })),
        (31, owner, Action::CloseWallet(CloseWallet { wallet: sub })),
        (32, operator, transfer(Account::Payee(miller), Account::World, 5)),
    ];
    rows.into_iter().map(|(number, by, action)| Command { id: id(number), by, action }).collect()
}
