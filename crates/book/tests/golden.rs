//! Golden entries: one of each kind of action and outcome, byte for byte as `docs/entry-format.md` says.
//!
//! `UPDATE=1` rewrites `vectors/entries`; the difference is reviewed by a person.

use ::book::*;
use evidence::{Hash, Signature};
use std::path::PathBuf;

const AT: Time = Time(1_795_338_000_000_000_001);

fn id(last: u8) -> Id {
    Id::new(Time(1_795_338_000_000_000_000), [last; 16])
}

fn amount(minor: u128) -> Amount {
    Amount::new(minor).expect("an amount")
}

fn code(text: &str) -> Code {
    Code::new(text).expect("a code")
}

fn hash(byte: u8) -> Hash {
    Hash([byte; 32])
}

const OPERATOR: u8 = 0x01;
const OWNER: u8 = 0x02;
const WALLET: u8 = 0x03;
const AGENT: u8 = 0x04;
const PAYEE: u8 = 0x05;
const MANDATE: u8 = 0x06;
const PAYMENT: u8 = 0x07;
const HOLD: u8 = 0x08;
const KEY: u8 = 0x0f;
const QUOTA: u8 = 0x10;
const SUBSCRIPTION: u8 = 0x11;
const LINK: u8 = 0x12;

fn operator() -> Actor {
    Actor::Operator { key: KeyId(id(OPERATOR)) }
}

fn owner(presence: Presence) -> Actor {
    Actor::Owner { owner: OwnerId(id(OWNER)), key: KeyId(id(KEY)), presence }
}

fn agent() -> Actor {
    Actor::Agent { agent: AgentId(id(AGENT)), key: KeyId(id(KEY)) }
}

fn payee() -> Actor {
    Actor::Payee { payee: PayeeId(id(PAYEE)), key: KeyId(id(KEY)) }
}

fn ed25519() -> PublicKeyBytes {
    PublicKeyBytes::Ed25519([0xED; 32])
}

fn purchase() -> Purchase {
    Purchase {
        wallet: WalletId(id(WALLET)),
        mandate: Some(MandateId(id(MANDATE))),
        to: Payees::One(PayeeId(id(PAYEE))),
        amount: amount(1_600),
        asset: code("CNY"),
        category: None,
        reference: Some(hash(0xCA)),
        approval: None,
    }
}

fn moved(minor: u128, fee: u128) -> Moved {
    let versions = Versions { wallet: 1, agent: 2, mandate: 300 };
    Moved { amount: amount(minor), parts: Parts::One { fee: amount(fee) }, versions }
}

/// One limit of every kind.
fn every_limit() -> Vec<Limit> {
    let zone = Zone::new("Asia/Shanghai").expect("a zone");
    vec![
        Limit::PerPayment { max: amount(100) },
        Limit::Total { max: amount(::book::limits::AMOUNT_MAX) },
        Limit::Uses { max: 3 },
        Limit::Window { window: Window::Calendar { period: Period::Day, zone }, max: amount(127) },
        Limit::Window { window: Window::Rolling { seconds: 3_600 }, max: amount(128) },
        Limit::Velocity { window: Window::Calendar { period: Period::Week, zone }, max: 5 },
        Limit::Velocity { window: Window::Calendar { period: Period::Month, zone }, max: 6 },
        Limit::PayeesAllowed { payees: vec![PayeeId(id(PAYEE))] },
        Limit::PayeesDenied { payees: Vec::new() },
        Limit::CategoriesAllowed { categories: vec![code("food"), code("travel")] },
        Limit::CategoriesDenied { categories: vec![code("gambling")] },
        Limit::Validity { from: AT, until: AT.next() },
        Limit::AskAbove { amount: amount(0) },
        Limit::AskFirstContact,
        Limit::AskAlways,
        Limit::Unknown { constraint: Box::new(hash(0x77)) },
    ]
}

fn entries() -> Vec<(&'static str, Actor, Action, Outcome)> {
    let fresh = owner(Presence::Fresh);
    let session = owner(Presence::Session);
    let done = || Outcome::Done;
    let denied = |denial, remaining| Outcome::Denied(Refusal { rule: RuleRef::BOOK, denial, remaining });
    let split = Split {
        whole: 100,
        shares: vec![
            Share { payee: PayeeId(id(PAYEE)), weight: 60 },
            Share { payee: PayeeId(id(0x55)), weight: 40 },
        ],
    };
    let parts =
        vec![Part { amount: amount(960), fee: amount(6) }, Part { amount: amount(640), fee: amount(0) }];
    vec![
        (
            "open-book",
            operator(),
            Action::OpenBook(OpenBook {
                test: true,
                retention_seconds: 34_560_000,
                key: KeyId(id(OPERATOR)),
                public_key: ed25519(),
            }),
            done(),
        ),
        (
            "register-asset",
            operator(),
            Action::RegisterAsset(RegisterAsset { code: code("CNY"), scale: 2 }),
            done(),
        ),
        (
            "register-owner",
            operator(),
            Action::RegisterOwner(RegisterOwner {
                key: KeyId(id(KEY)),
                public_key: PublicKeyBytes::Es256([0xE5; 64]),
            }),
            done(),
        ),
        (
            "enrol-key-operator",
            operator(),
            Action::EnrolKey(EnrolKey { holder: KeyHolder::Operator, public_key: ed25519() }),
            done(),
        ),
        (
            "enrol-key-owner",
            fresh,
            Action::EnrolKey(EnrolKey {
                holder: KeyHolder::Owner(OwnerId(id(OWNER))),
                public_key: ed25519(),
            }),
            done(),
        ),
        (
            "enrol-key-agent",
            session,
            Action::EnrolKey(EnrolKey {
                holder: KeyHolder::Agent(AgentId(id(AGENT))),
                public_key: ed25519(),
            }),
            done(),
        ),
        (
            "enrol-key-payee",
            payee(),
            Action::EnrolKey(EnrolKey {
                holder: KeyHolder::Payee(PayeeId(id(PAYEE))),
                public_key: ed25519(),
            }),
            done(),
        ),
        ("revoke-key", session, Action::RevokeKey(RevokeKey { key: KeyId(id(KEY)) }), done()),
        (
            "open-wallet",
            session,
            Action::OpenWallet(OpenWallet {
                owner: OwnerId(id(OWNER)),
                asset: code("CNY"),
                limits: every_limit(),
            }),
            done(),
        ),
        (
            "open-sub-account",
            session,
            Action::OpenSubAccount(OpenSubAccount {
                wallet: WalletId(id(WALLET)),
                agent: AgentId(id(AGENT)),
                limits: Vec::new(),
            }),
            done(),
        ),
        ("close-wallet", session, Action::CloseWallet(CloseWallet { wallet: WalletId(id(WALLET)) }), done()),
        (
            "register-payee",
            operator(),
            Action::RegisterPayee(RegisterPayee {
                owner: None,
                asset: code("CNY"),
                category: code("food"),
                provenance: Provenance::Registry,
                fee: PartsPerMillion::new(6_250).expect("a rate"),
                key: Some((KeyId(id(KEY)), ed25519())),
            }),
            done(),
        ),
        (
            "register-payee-of-an-owner",
            operator(),
            Action::RegisterPayee(RegisterPayee {
                owner: Some(OwnerId(id(OWNER))),
                asset: code("CNY"),
                category: code("food"),
                provenance: Provenance::Untrusted,
                fee: PartsPerMillion::default(),
                key: None,
            }),
            done(),
        ),
        (
            "enrol-agent",
            session,
            Action::EnrolAgent(EnrolAgent {
                wallet: WalletId(id(WALLET)),
                limits: vec![Limit::AskAlways],
                key: KeyId(id(KEY)),
                public_key: ed25519(),
            }),
            done(),
        ),
        (
            "set-limits-of-a-wallet",
            session,
            Action::SetLimits(SetLimits {
                subject: LimitSubject::Wallet(WalletId(id(WALLET))),
                version: 0,
                limits: vec![Limit::AskFirstContact],
                document: hash(0xD0),
            }),
            done(),
        ),
        (
            "set-limits-of-an-agent",
            session,
            Action::SetLimits(SetLimits {
                subject: LimitSubject::Agent(AgentId(id(AGENT))),
                version: 300,
                limits: Vec::new(),
                document: hash(0xD0),
            }),
            denied(Denial::VersionConflict, None),
        ),
        (
            "set-limits-of-a-mandate",
            session,
            Action::SetLimits(SetLimits {
                subject: LimitSubject::Mandate(MandateId(id(MANDATE))),
                version: 1,
                limits: Vec::new(),
                document: hash(0xD0),
            }),
            done(),
        ),
        (
            "grant-mandate",
            session,
            Action::GrantMandate(GrantMandate {
                wallet: WalletId(id(WALLET)),
                agent: AgentId(id(AGENT)),
                valid_from: AT,
                expires_at: AT.after(86_400_000_000_000),
                limits: vec![Limit::Uses { max: 1 }],
                document: hash(0xD0),
                carry: Carry::Inherit,
            }),
            done(),
        ),
        (
            "grant-mandate-reset",
            fresh,
            Action::GrantMandate(GrantMandate {
                wallet: WalletId(id(WALLET)),
                agent: AgentId(id(AGENT)),
                valid_from: Time(0),
                expires_at: Time::MAX,
                limits: Vec::new(),
                document: hash(0xD0),
                carry: Carry::Reset,
            }),
            done(),
        ),
        (
            "freeze-owner",
            session,
            Action::Freeze(Freeze { subject: Subject::Owner(OwnerId(id(OWNER))) }),
            done(),
        ),
        (
            "freeze-wallet",
            session,
            Action::Freeze(Freeze { subject: Subject::Wallet(WalletId(id(WALLET))) }),
            done(),
        ),
        (
            "unfreeze-agent",
            fresh,
            Action::Unfreeze(Unfreeze { subject: Subject::Agent(AgentId(id(AGENT))) }),
            done(),
        ),
        (
            "unfreeze-payee",
            operator(),
            Action::Unfreeze(Unfreeze { subject: Subject::Payee(PayeeId(id(PAYEE))) }),
            done(),
        ),
        (
            "revoke-mandate",
            session,
            Action::Revoke(Revoke { subject: Subject::Mandate(MandateId(id(MANDATE))) }),
            done(),
        ),
        (
            "approve",
            session,
            Action::Approve(Approve { question: id(PAYMENT), digest: hash(0x44), until: AT.next() }),
            done(),
        ),
        ("refuse", session, Action::Refuse(Refuse { question: id(PAYMENT) }), done()),
        (
            "transfer-in",
            operator(),
            Action::Transfer(Transfer {
                from: Account::World,
                to: Account::Wallet(WalletId(id(WALLET))),
                amount: amount(100_000),
                asset: code("CNY"),
            }),
            done(),
        ),
        (
            "transfer-fees-out",
            operator(),
            Action::Transfer(Transfer {
                from: Account::Fees,
                to: Account::Payee(PayeeId(id(PAYEE))),
                amount: amount(1),
                asset: code("CNY"),
            }),
            denied(Denial::FundsInsufficient, Some(amount(0))),
        ),
        ("pay", agent(), Action::Pay(Pay { purchase: purchase() }), Outcome::Paid(moved(1_600, 10))),
        (
            "pay-split",
            agent(),
            Action::Pay(Pay {
                purchase: Purchase {
                    mandate: None,
                    to: Payees::Split(split),
                    category: Some(code("food")),
                    reference: None,
                    approval: Some(id(0x99)),
                    ..purchase()
                },
            }),
            Outcome::Paid(Moved {
                amount: amount(1_600),
                parts: Parts::Many { parts: parts.clone() },
                versions: Versions::default(),
            }),
        ),
        (
            "pay-asked",
            agent(),
            Action::Pay(Pay { purchase: purchase() }),
            Outcome::Asked(Question {
                rule: RuleRef { scope: Scope::Agent, version: 2, limit: 5 },
                ask: Ask::AboveAmount,
                digest: hash(0x44),
            }),
        ),
        (
            "pay-denied",
            agent(),
            Action::Pay(Pay { purchase: purchase() }),
            Outcome::Denied(Refusal {
                rule: RuleRef { scope: Scope::Mandate, version: 1, limit: 1 },
                denial: Denial::TotalExceeded,
                remaining: Some(amount(40)),
            }),
        ),
        (
            "place-hold",
            agent(),
            Action::PlaceHold(PlaceHold { purchase: purchase(), expires_at: AT.after(1) }),
            Outcome::Held(Versions { wallet: 0, agent: 1, mandate: 1 }),
        ),
        (
            "capture",
            payee(),
            Action::Capture(Capture { hold: HoldId(id(HOLD)), amount: amount(600), last: true }),
            Outcome::Captured(Moved { versions: Versions::default(), ..moved(600, 3) }),
        ),
        (
            "void",
            payee(),
            Action::Void(Void { hold: HoldId(id(HOLD)) }),
            Outcome::Released(Released { amount: amount(1_000) }),
        ),
        (
            "expire",
            Actor::Book,
            Action::Expire(Expire { hold: HoldId(id(HOLD)) }),
            Outcome::Released(Released { amount: amount(1_000) }),
        ),
        (
            "refund",
            payee(),
            Action::Refund(Refund { payment: id(PAYMENT), amount: amount(1_606) }),
            Outcome::Refunded(Refunded { parts }),
        ),
        (
            "open-meter",
            agent(),
            Action::OpenMeter(OpenMeter {
                purchase: purchase(),
                expires_at: AT.after(1),
                rates: vec![NanosPerUnit(200_000), NanosPerUnit(800_000)],
                rounding: Rounding::HalfUp,
            }),
            Outcome::Held(Versions::default()),
        ),
        (
            "charge",
            payee(),
            Action::Charge(Charge { meter: MeterId(id(HOLD)), sequence: 1, units: vec![1_234, 5_678] }),
            Outcome::Charged(Metered { total: Nanos::new(4_789_200_000) }),
        ),
        (
            "close-meter",
            payee(),
            Action::CloseMeter(CloseMeter { meter: MeterId(id(HOLD)) }),
            Outcome::Settled(Settled {
                moved: Moved { versions: Versions::default(), ..moved(4, 0) },
                released: amount(1_596),
                carry: Nanos::new(789_200_000),
            }),
        ),
        ("redeem", payee(), Action::Redeem(Redeem { hold: HoldId(id(HOLD)), delivery: hash(0xDE) }), done()),
        (
            "present",
            agent(),
            Action::Present(Present { nonce: 1_795_338_000_000_000, request: hash(0x4E) }),
            done(),
        ),
        (
            "delegate",
            agent(),
            Action::Delegate(Delegate {
                parent: MandateId(id(MANDATE)),
                agent: AgentId(id(PAYEE)),
                valid_from: AT,
                expires_at: AT.after(1),
                limits: vec![Limit::Total { max: amount(5_000) }],
                document: hash(0xD0),
            }),
            done(),
        ),
        (
            "observe",
            payee(),
            Action::Observe(Observe {
                item: hash(0x17),
                price: amount(700_000),
                asset: code("CNY"),
                stock: 3,
            }),
            done(),
        ),
        (
            "set-limits-with-a-trigger",
            owner(Presence::Fresh),
            Action::SetLimits(SetLimits {
                subject: LimitSubject::Mandate(MandateId(id(MANDATE))),
                version: 1,
                limits: vec![Limit::PriceAtMost {
                    trigger: Box::new(Trigger {
                        payee: PayeeId(id(PAYEE)),
                        item: hash(0x17),
                        max: amount(700_000),
                        within_seconds: 3_600,
                    }),
                }],
                document: hash(0xD0),
            }),
            done(),
        ),
        (
            "pay-denied-above",
            agent(),
            Action::Pay(Pay { purchase: purchase() }),
            Outcome::Denied(Refusal {
                rule: RuleRef { scope: Scope::Parent { above: 2 }, version: 1, limit: 3 },
                denial: Denial::TotalExceeded,
                remaining: Some(amount(5)),
            }),
        ),
        (
            "pay-denied-by-the-agent-above",
            agent(),
            Action::Pay(Pay { purchase: purchase() }),
            Outcome::Denied(Refusal {
                rule: RuleRef { scope: Scope::ParentAgent { above: 1 }, version: 1, limit: 0 },
                denial: Denial::UsesExceeded,
                remaining: None,
            }),
        ),
        (
            "approve-alike",
            owner(Presence::Fresh),
            Action::ApproveAlike(ApproveAlike {
                question: id(PAYMENT),
                digest: hash(0xA1),
                until: AT.after(1),
            }),
            done(),
        ),
        (
            "grant-quota",
            payee(),
            Action::GrantQuota(GrantQuota {
                wallet: WalletId(id(WALLET)),
                payment: Some(id(PAYMENT)),
                unit: QuotaUnit::Count,
                units: 100,
                expires_at: AT.after(1),
                into: None,
                document: hash(0xD0),
            }),
            done(),
        ),
        (
            "grant-quota-of-money",
            payee(),
            Action::GrantQuota(GrantQuota {
                wallet: WalletId(id(WALLET)),
                payment: None,
                unit: QuotaUnit::Nanos,
                units: 2_000_000_000_000,
                expires_at: AT.after(1),
                into: Some(QuotaId(id(QUOTA))),
                document: hash(0xD0),
            }),
            done(),
        ),
        ("deduct", payee(), Action::Deduct(Deduct { quota: QuotaId(id(QUOTA)), units: 7 }), done()),
        (
            "deduct-denied",
            payee(),
            Action::Deduct(Deduct { quota: QuotaId(id(QUOTA)), units: 300 }),
            Outcome::Denied(Refusal {
                rule: RuleRef::BOOK,
                denial: Denial::QuotaInsufficient,
                remaining: None,
            }),
        ),
        ("restore", payee(), Action::Restore(Restore { deduct: id(0xDE), units: 2 }), done()),
        (
            "allot",
            owner(Presence::Session),
            Action::Allot(Allot {
                from: QuotaId(id(QUOTA)),
                into: None,
                agent: Some(AgentId(id(AGENT))),
                units: 40,
            }),
            done(),
        ),
        (
            "reclaim",
            owner(Presence::Session),
            Action::Reclaim(Reclaim { quota: QuotaId(id(QUOTA)), units: 5 }),
            done(),
        ),
        (
            "open-channel",
            agent(),
            Action::OpenChannel(OpenChannel {
                purchase: purchase(),
                expires_at: AT.after(1),
                rounding: Rounding::HalfUp,
                voucher_key: ed25519(),
            }),
            Outcome::Held(Versions { wallet: 1, agent: 0, mandate: 2 }),
        ),
        (
            "claim",
            payee(),
            Action::Claim(Claim {
                channel: MeterId(id(HOLD)),
                total: Nanos::new(4_789_200_000),
                signature: VoucherSignature(Signature([0x51; 64])),
            }),
            Outcome::Charged(Metered { total: Nanos::new(4_789_200_000) }),
        ),
        (
            "subscribe",
            agent(),
            Action::Subscribe(Subscribe { purchase: purchase(), terms: terms(Some(11)), trial_until: None }),
            Outcome::Subscribed(Term { from: AT, until: AT.after(1), paid: Some(paid()) }),
        ),
        (
            "subscribe-trial",
            owner(Presence::Session),
            Action::Subscribe(Subscribe {
                purchase: purchase(),
                terms: Terms { every: Cadence::Days(30), ..terms(None) },
                trial_until: Some(AT.after(1)),
            }),
            Outcome::Subscribed(Term { from: AT, until: AT.after(1), paid: None }),
        ),
        (
            "renew",
            Actor::Book,
            Action::Renew(Renew { subscription: SubscriptionId(id(SUBSCRIPTION)), from: AT }),
            Outcome::Subscribed(Term { from: AT, until: AT.after(1), paid: Some(paid()) }),
        ),
        (
            "renew-denied",
            Actor::Book,
            Action::Renew(Renew { subscription: SubscriptionId(id(SUBSCRIPTION)), from: AT }),
            Outcome::Denied(Refusal {
                rule: RuleRef::BOOK,
                denial: Denial::FundsInsufficient,
                remaining: Some(amount(7)),
            }),
        ),
        (
            "change-plan",
            owner(Presence::Session),
            Action::ChangePlan(ChangePlan {
                subscription: SubscriptionId(id(SUBSCRIPTION)),
                purchase: purchase(),
                terms: terms(None),
            }),
            Outcome::Subscribed(Term { from: AT.after(1), until: AT.after(1), paid: None }),
        ),
        (
            "cancel-subscription",
            payee(),
            Action::CancelSubscription(CancelSubscription { subscription: SubscriptionId(id(SUBSCRIPTION)) }),
            done(),
        ),
        ("open-link", payee(), Action::OpenLink(link(Some(1), LinkPayer::Anyone)), done()),
        ("open-link-tip", payee(), Action::OpenLink(link(None, LinkPayer::Owner)), done()),
        (
            "pay-link",
            agent(),
            Action::PayLink(PayLink { link: LinkId(id(LINK)), purchase: purchase(), message: None }),
            Outcome::Paid(paid()),
        ),
        (
            "pay-link-asked",
            agent(),
            Action::PayLink(PayLink {
                link: LinkId(id(LINK)),
                purchase: purchase(),
                message: Some(hash(0x3E)),
            }),
            Outcome::Asked(Question { rule: RuleRef::BOOK, ask: Ask::PersonRequired, digest: hash(0x9A) }),
        ),
        (
            "pay-link-used",
            agent(),
            Action::PayLink(PayLink { link: LinkId(id(LINK)), purchase: purchase(), message: None }),
            denied(Denial::LinkUsed, None),
        ),
        ("close-link", payee(), Action::CloseLink(CloseLink { link: LinkId(id(LINK)) }), done()),
        (
            "place-escrow",
            agent(),
            Action::PlaceEscrow(PlaceEscrow { purchase: purchase(), expires_at: AT.after(1) }),
            Outcome::Held(Versions { wallet: 1, agent: 0, mandate: 2 }),
        ),
        ("dispute", agent(), Action::Dispute(Dispute { hold: HoldId(id(HOLD)) }), done()),
        (
            "expire-captured",
            Actor::Book,
            Action::Expire(Expire { hold: HoldId(id(HOLD)) }),
            Outcome::Captured(moved(600, 6)),
        ),
        (
            "issue-invoice",
            payee(),
            Action::IssueInvoice(IssueInvoice {
                purchases: vec![id(0xA1), id(HOLD)],
                total: Some(amount(7_500)),
                document: hash(0xD0),
            }),
            Outcome::Invoiced(Billed { number: 300, amounts: vec![amount(7_000), amount(500)] }),
        ),
        (
            "issue-invoice-denied",
            payee(),
            Action::IssueInvoice(IssueInvoice {
                purchases: vec![id(0xA1)],
                total: Some(amount(10_000)),
                document: hash(0xD0),
            }),
            Outcome::Denied(Refusal {
                rule: RuleRef::BOOK,
                denial: Denial::BillTotalDiffers,
                remaining: Some(amount(7_500)),
            }),
        ),
        (
            "issue-credit-note",
            payee(),
            Action::IssueCreditNote(IssueCreditNote {
                invoice: InvoiceId(id(0xB1)),
                total: None,
                document: hash(0xD0),
            }),
            Outcome::Credited(Billed { number: 1, amounts: vec![amount(0), amount(200)] }),
        ),
        (
            "set-destination",
            payee(),
            Action::SetDestination(SetDestination { payee: PayeeId(id(PAYEE)), destination: hash(0xBA) }),
            done(),
        ),
        ("request-payout", payee(), Action::RequestPayout(request_payout()), done()),
        (
            "request-payout-denied",
            payee(),
            Action::RequestPayout(request_payout()),
            denied(Denial::DestinationCooling, None),
        ),
        (
            "advance-payout-sent",
            operator(),
            advance_payout(PayoutStep::Sent { batch: PayoutBatchId(id(0xB2)), order: hash(0xD0) }),
            done(),
        ),
        ("advance-payout-paid", operator(), advance_payout(PayoutStep::Paid { said: hash(0xD1) }), done()),
        (
            "advance-payout-failed",
            operator(),
            advance_payout(PayoutStep::Failed { said: hash(0xD2) }),
            done(),
        ),
    ]
}

fn request_payout() -> RequestPayout {
    RequestPayout {
        payee: PayeeId(id(PAYEE)),
        amount: amount(96_000),
        asset: code("CNY"),
        destination: hash(0xBA),
    }
}

fn advance_payout(step: PayoutStep) -> Action {
    Action::AdvancePayout(AdvancePayout { payout: PayoutId(id(0xB3)), step })
}

fn link(uses: Option<u32>, by: LinkPayer) -> OpenLink {
    OpenLink {
        to: Payees::One(PayeeId(id(PAYEE))),
        asset: code("CNY"),
        least: amount(1),
        most: amount(20_000),
        uses,
        until: AT.after(1),
        by,
        document: hash(0xD0),
    }
}

fn terms(renewals: Option<u32>) -> Terms {
    Terms {
        every: Cadence::Months(1),
        zone: Zone::new("Asia/Shanghai").expect("a zone"),
        renewals,
        grace_nanos: 259_200_000_000_000,
        document: hash(0xD0),
    }
}

fn paid() -> Moved {
    Moved {
        amount: amount(3_000),
        parts: Parts::One { fee: amount(30) },
        versions: Versions { wallet: 1, agent: 0, mandate: 2 },
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../vectors/entries")
}

#[test]
fn entries_have_the_bytes_they_had() {
    let mut wrong = Vec::new();
    let mut names = Vec::new();
    for (seq, (name, by, action, outcome)) in (0u64..).zip(entries()) {
        let entry = Entry { seq: Seq(seq), at: AT, command: Command { id: id(0xAA), by, action }, outcome };
        let bytes = entry.to_bytes();
        assert_eq!(Entry::from_bytes(&bytes).as_ref(), Ok(&entry), "{name}");
        let path = folder().join(format!("{name}.hex"));
        wrong.extend(sim::golden::compare(&path, name, &bytes).err());
        names.push(format!("{name}.hex"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let files = std::fs::read_dir(folder()).unwrap();
    let mut files: Vec<String> = files.map(|f| f.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    names.sort();
    assert_eq!(files, names, "every golden file is of an entry here");
}

#[test]
fn golden_files_show_every_action_and_outcome() {
    let number = |bytes: &[u8], field: &str| {
        let fields = sim::audit::fields(bytes).unwrap();
        let field = fields.into_iter().find(|f| f.name == field).unwrap();
        bytes[field.bytes.start]
    };
    let (mut actions, mut outcomes) = (Vec::new(), Vec::new());
    for file in std::fs::read_dir(folder()).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let bytes = sim::golden::bytes(&text).unwrap();
        actions.push(number(&bytes, "action"));
        outcomes.push(number(&bytes, "outcome"));
    }
    let numbers =
        |ranges: [std::ops::RangeInclusive<u8>; 2]| ranges.into_iter().flatten().collect::<Vec<u8>>();
    for (mut found, expected) in
        [(actions, numbers([1..=48, 50..=54])), (outcomes, numbers([1..=11, 14..=15]))]
    {
        found.sort_unstable();
        found.dedup();
        assert_eq!(found, expected);
    }
}

/// Reasons have numbers in the journal and codes for everybody else; neither ever changes.
#[test]
fn reasons_keep_their_numbers_and_codes() {
    let list = |numbers: Vec<Vec<u8>>, codes: Vec<&str>| {
        let lines = numbers.iter().zip(codes).map(|(number, code)| format!("{} {code}", number[0]));
        lines.collect::<Vec<String>>()
    };
    let denials = list(
        Denial::ALL.iter().map(canon::bytes).collect(),
        Denial::ALL.iter().map(|denial| denial.code()).collect(),
    );
    assert_eq!(denials.len(), 73);
    assert_eq!(denials.first().map(String::as_str), Some("1 forbidden"));
    assert_eq!(denials.get(16).map(String::as_str), Some("17 total_exceeded"));
    assert_eq!(denials.get(45).map(String::as_str), Some("46 revoked"));
    assert_eq!(denials.get(57).map(String::as_str), Some("58 renewal_unapproved"));
    assert_eq!(denials.last().map(String::as_str), Some("74 payouts_stopped"));
    let asks =
        list(Ask::ALL.iter().map(canon::bytes).collect(), Ask::ALL.iter().map(|ask| ask.code()).collect());
    assert_eq!(
        asks,
        [
            "1 above_amount",
            "2 first_contact",
            "3 ask_always",
            "4 no_rules_yet",
            "5 payee_unverified",
            "6 person_required"
        ]
    );
}

#[test]
fn other_bytes_are_no_entry() {
    for file in std::fs::read_dir(folder()).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let bytes = sim::golden::bytes(&text).unwrap();
        for end in 0..bytes.len() {
            assert_eq!(Entry::from_bytes(&bytes[..end]), Err(Malformed), "{end} bytes of {text}");
        }
        assert_eq!(Entry::from_bytes(&[&bytes[..], &[0]].concat()), Err(Malformed));
        // Whatever decodes has one spelling, and both decoders agree on what decodes.
        for place in 0..bytes.len() {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[place] ^= 1 << bit;
                let decoded = Entry::from_bytes(&flipped);
                if let Ok(entry) = &decoded {
                    assert_eq!(entry.to_bytes(), flipped, "byte {place} of {text}");
                }
                let theirs = sim::audit::fields(&flipped);
                let zone = matches!(&theirs, Ok(fields) if fields.iter().any(|f| f.name == "zone"));
                assert!(decoded.is_ok() == theirs.is_ok() || zone, "byte {place} bit {bit} of {text}");
            }
        }
    }
}
