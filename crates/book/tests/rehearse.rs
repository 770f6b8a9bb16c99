//! Rehearsal equals reality: what a rule is said to have answered is what a book with that rule answers.

use book::{
    Account, Action, Actor, AgentId, Amount, Book, Carry, Code, Command, EnrolAgent, GrantMandate, Id, KeyId,
    Limit, MandateId, OpenBook, OpenWallet, Outcome, OwnerId, PartsPerMillion, Past, PastPayee, Pay, PayeeId,
    Payees, Period, Presence, Provenance, PublicKeyBytes, Purchase, RegisterAsset, RegisterOwner,
    RegisterPayee, Rehearsed, Share, Split, Time, Transfer, Verdict, WalletId, Window, Zone, rehearse,
};
use evidence::Hash;
use sim::seed::Chance;
use std::collections::BTreeMap;

/// So many random pairs of limits and a history.
const PAIRS: u32 = 100_000;
const DAY: u64 = 86_400_000_000_000;
const PAYEES: u64 = 5;

fn code(text: &str) -> Code {
    Code::new(text).expect("a code")
}

fn amount(minor: u64) -> Amount {
    Amount::new(minor.into()).expect("an amount")
}

/// A book in which every pair has a wallet, an agent and a mandate to itself.
struct Reality {
    book: Book,
    now: Time,
    ids: u64,
    owner: Actor,
    payees: Vec<PastPayee>,
}

impl Reality {
    fn new() -> Reality {
        let now = Time::from_seconds(1_790_000_000);
        let owner =
            Actor::Owner { owner: OwnerId(Id([2; 16])), key: KeyId(Id([3; 16])), presence: Presence::Fresh };
        let mut reality = Reality { book: Book::default(), now, ids: 0, owner, payees: Vec::new() };
        let key = KeyId(Id([1; 16]));
        let operator = Actor::Operator { key };
        let public_key = PublicKeyBytes::Ed25519([7; 32]);
        let open = OpenBook { test: true, retention_seconds: 10 * 366 * 86_400, key, public_key };
        reality.done(operator, Action::OpenBook(open));
        reality.done(operator, Action::RegisterAsset(RegisterAsset { code: code("CNY"), scale: 2 }));
        let owner = reality
            .done(operator, Action::RegisterOwner(RegisterOwner { key: KeyId(Id([3; 16])), public_key }));
        reality.owner =
            Actor::Owner { owner: OwnerId(owner), key: KeyId(Id([3; 16])), presence: Presence::Fresh };
        for number in 0..PAYEES {
            let (category, is_trusted) = (code(["food", "data", "toys"][number as usize % 3]), number != 4);
            let provenance = if is_trusted { Provenance::Registry } else { Provenance::Untrusted };
            let fee = PartsPerMillion::default();
            let payee =
                RegisterPayee { owner: None, asset: code("CNY"), category, provenance, fee, key: None };
            let payee = PayeeId(reality.done(operator, Action::RegisterPayee(payee)));
            reality.payees.push(PastPayee { payee, category, is_trusted });
        }
        reality
    }

    fn ask(&mut self, by: Actor, action: Action) -> (Id, Verdict) {
        self.ids += 1;
        let mut random = [0; 16];
        random[8..].copy_from_slice(&self.ids.to_be_bytes());
        let id = Id::new(self.now, random);
        (id, self.book.execute(self.now, &Command { id, by, action }, &mut Vec::new()))
    }

    #[track_caller]
    fn done(&mut self, by: Actor, action: Action) -> Id {
        let (id, verdict) = self.ask(by, action);
        assert!(matches!(verdict, Verdict::Record(_, Outcome::Done)), "{verdict:?}");
        id
    }

    /// What the book answers to each purchase of `past` under a mandate with `limits` and nothing else.
    fn live(&mut self, limits: Vec<Limit>, contacts: &[PayeeId], past: &[Past]) -> Vec<Rehearsed> {
        let owner = self.owner;
        let Actor::Owner { owner: name, .. } = owner else { unreachable!() };
        let asset = code("CNY");
        let wallet =
            WalletId(self.done(owner, Action::OpenWallet(OpenWallet { owner: name, asset, limits: vec![] })));
        let (from, to) = (Account::World, Account::Wallet(wallet));
        let operator = Actor::Operator { key: KeyId(Id([1; 16])) };
        self.done(operator, Action::Transfer(Transfer { from, to, amount: amount(1_000_000_000), asset }));
        let key = KeyId(Id(u128::from(self.ids).to_be_bytes()));
        let enrol = EnrolAgent { wallet, limits: vec![], key, public_key: PublicKeyBytes::Ed25519([7; 32]) };
        let agent = AgentId(self.done(owner, Action::EnrolAgent(enrol)));
        let agent = Actor::Agent { agent, key };
        let Actor::Agent { agent: name, .. } = agent else { unreachable!() };
        let grant = |limits| {
            let (valid_from, expires_at, document) = (Time(0), Time::MAX, Hash::of(b"agreed"));
            Action::GrantMandate(GrantMandate {
                wallet,
                agent: name,
                valid_from,
                expires_at,
                limits,
                document,
                carry: Carry::Reset,
            })
        };
        if !contacts.is_empty() {
            let anything = MandateId(self.done(owner, grant(vec![Limit::PerPayment { max: amount(1) }])));
            for payee in contacts {
                let to = Payees::One(*payee);
                let pay = pay(wallet, anything, to, amount(1), None);
                let (_, verdict) = self.ask(agent, pay);
                assert!(matches!(verdict, Verdict::Record(_, Outcome::Paid(_))), "{verdict:?}");
            }
        }
        let mandate = MandateId(self.done(owner, grant(limits)));
        let (mut answers, mut asked) = (Vec::new(), BTreeMap::new());
        for purchase in past {
            self.now = purchase.at;
            let shares =
                purchase.payees.iter().map(|it| Share { payee: it.payee, weight: 1 }).collect::<Vec<_>>();
            let to = match shares.as_slice() {
                [one] => Payees::One(one.payee),
                _ => Payees::Split(Split { whole: shares.len() as u32, shares }),
            };
            let pay = pay(wallet, mandate, to, purchase.amount, purchase.category);
            answers.push(match self.ask(agent, pay).1 {
                Verdict::Record(_, Outcome::Paid(_)) => Rehearsed::Allowed,
                Verdict::Record(seq, Outcome::Asked(question)) => {
                    asked.insert(seq, Rehearsed::Asked { rule: question.rule, ask: question.ask });
                    asked[&seq]
                }
                // It is asked about already.
                Verdict::Repeat(seq) => asked[&seq],
                Verdict::Record(_, Outcome::Denied(refusal)) => Rehearsed::Denied(refusal),
                other @ (Verdict::Record(..) | Verdict::Reject(_)) => {
                    panic!("{other:?}")
                }
            });
        }
        answers
    }
}

fn pay(wallet: WalletId, mandate: MandateId, to: Payees, amount: Amount, category: Option<Code>) -> Action {
    let (asset, mandate) = (code("CNY"), Some(mandate));
    Action::Pay(Pay {
        purchase: Purchase { wallet, mandate, to, amount, asset, category, reference: None, approval: None },
    })
}

fn window(chance: &mut Chance) -> Window {
    if chance.one_in(2) {
        return Window::Rolling { seconds: chance.weigh(&[(1, 60), (2, 3_600), (2, 86_400)]) };
    }
    let period = chance.weigh(&[(3, Period::Day), (1, Period::Week), (1, Period::Month)]);
    let zone = chance.weigh(&[(1, "Asia/Shanghai"), (1, "America/New_York"), (1, "UTC")]);
    Window::Calendar { period, zone: Zone::new(zone).expect("a zone") }
}

fn limit(chance: &mut Chance, reality: &Reality) -> Limit {
    let some_payees = |chance: &mut Chance| {
        let count = chance.between(0, 4) as usize;
        (0..count).map(|_| reality.payees[chance.place(reality.payees.len())].payee).collect()
    };
    let max = amount(chance.below(300));
    match chance.below(14) {
        0 => Limit::PerPayment { max },
        1 => Limit::Total { max },
        2 => Limit::Uses { max: chance.below(8) },
        3..=5 => Limit::Window { window: window(chance), max },
        6 => Limit::Velocity { window: window(chance), max: chance.below(6) as u32 },
        7 => Limit::PayeesAllowed { payees: some_payees(chance) },
        8 => Limit::PayeesDenied { payees: some_payees(chance) },
        9 => Limit::CategoriesAllowed { categories: vec![code("food"), code("data")] },
        10 => Limit::CategoriesDenied { categories: vec![code("toys")] },
        11 => {
            let from = Time(reality.now.0 - DAY + chance.below(3 * DAY));
            Limit::Validity { from, until: from.after(1 + chance.below(3 * DAY)) }
        }
        12 => Limit::AskAbove { amount: max },
        13 if chance.one_in(8) => Limit::Unknown { constraint: Box::new(Hash(chance.bytes())) },
        _ if chance.one_in(4) => Limit::AskAlways,
        _ => Limit::AskFirstContact,
    }
}

fn history(chance: &mut Chance, reality: &Reality) -> Vec<Past> {
    let mut at = reality.now.after(1_000_000);
    let mut past = Vec::new();
    for _ in 0..chance.between(1, 12) {
        at = at.after(
            chance.weigh(&[(3, 1_000_000), (3, DAY / 24), (2, DAY / 3), (1, DAY)]) + chance.below(1_000),
        );
        let first = chance.place(reality.payees.len());
        let mut payees = vec![reality.payees[first]];
        if chance.one_in(5) {
            payees.push(reality.payees[(first + 1) % reality.payees.len()]);
        }
        let category = chance.one_in(4).then(|| code("toys"));
        past.push(Past { at, amount: amount(chance.between(2, 120)), payees, category });
    }
    past
}

/// One pair after another in one book; the seed is the number of the pair.
#[test]
fn for_100_000_rules_and_histories_rehearsal_is_reality() {
    let mut seen = [0u32; 3];
    let mut reality = Reality::new();
    for pair in 0..PAIRS {
        if pair % 2_000 == 0 {
            reality = Reality::new();
        }
        let mut chance = Chance::new(pair.into());
        let count = chance.below(5);
        let limits: Vec<Limit> = (0..count).map(|_| limit(&mut chance, &reality)).collect();
        let contacts: Vec<PayeeId> =
            reality.payees.iter().filter(|it| it.is_trusted && chance.one_in(3)).map(|it| it.payee).collect();
        let past = history(&mut chance, &reality);
        let rehearsed = rehearse(&limits, past[0].at, &contacts, &past);
        let live = reality.live(limits.clone(), &contacts, &past);
        assert_eq!(rehearsed, live, "pair {pair}: {limits:?}\n{past:?}");
        for answer in live {
            seen[match answer {
                Rehearsed::Allowed => 0,
                Rehearsed::Asked { .. } => 1,
                Rehearsed::Denied(_) => 2,
            }] += 1;
        }
    }
    assert!(seen.iter().all(|count| 30_000 < *count), "allowed, asked and denied often enough: {seen:?}");
}

/// 60 + 41 is above 100; what was refused leaves room for 40, and what was asked is not counted.
#[test]
fn what_would_have_been_refused_or_asked_is_not_counted() {
    let payee = PastPayee { payee: PayeeId(Id([9; 16])), category: code("food"), is_trusted: true };
    let shady = PastPayee { payee: PayeeId(Id([8; 16])), category: code("food"), is_trusted: false };
    let past =
        |at, minor, payee| Past { at: Time(at), amount: amount(minor), payees: vec![payee], category: None };
    let past =
        [past(1, 60, payee), past(2, 41, payee), past(3, 40, shady), past(4, 40, payee), past(5, 1, payee)];
    let answers = rehearse(&[Limit::Total { max: amount(100) }], Time(0), &[], &past);
    let words: Vec<String> = answers
        .iter()
        .map(|answer| match answer {
            Rehearsed::Allowed => "allowed".to_owned(),
            Rehearsed::Asked { ask, .. } => ask.code().to_owned(),
            Rehearsed::Denied(no) => format!("{} {:?}", no.denial.code(), no.remaining.map(Amount::minor)),
        })
        .collect();
    let expected =
        ["allowed", "total_exceeded Some(40)", "payee_unverified", "allowed", "total_exceeded Some(0)"];
    assert_eq!(words, expected);
}
