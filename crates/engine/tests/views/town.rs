//! A town: owners, agents and sellers who make a book have entries of every kind.

#[path = "bills.rs"]
mod bills;

use book::mandate::{Carry, LimitSubject};
use book::{
    Account, Action, Actor, AdvancePayout, AgentId, Allot, Amount, Approve, ApproveAlike, Book, Cadence,
    CancelSubscription, Capture, ChangePlan, Charge, Claim, CloseLink, CloseMeter, CloseWallet, Code,
    Command, Deduct, Delegate, Dispute, EnrolAgent, EnrolKey, Entry, Freeze, GrantMandate, GrantQuota,
    HoldId, Id, InvoiceId, KeyHolder, KeyId, Limit, LinkId, LinkPayer, MandateId, MeterId, Nanos,
    NanosPerUnit, Observe, OpenBook, OpenChannel, OpenLink, OpenMeter, OpenSubAccount, OpenWallet, Outcome,
    OwnerId, PartsPerMillion, Pay, PayLink, PayeeId, Payees, PayoutBatchId, PayoutId, PayoutStep,
    PlaceEscrow, PlaceHold, Presence, Present, Provenance, PublicKeyBytes, Purchase, QuotaId, QuotaUnit,
    Reclaim, Redeem, Refund, Refuse, RegisterAsset, RegisterOwner, RegisterPayee, RequestPayout, Restore,
    Revoke, RevokeKey, Rounding, SetDestination, SetLimits, Share, Split, Subject, Subscribe, SubscriptionId,
    Term, Terms, Time, Transfer, Unfreeze, Verdict, Void, VoucherSignature, WalletId, Window, Zone,
};
use evidence::{Hash, Signature};

/// A book, and every entry it made.
#[derive(Debug)]
pub(crate) struct Town {
    pub(crate) book: Book,
    pub(crate) entries: Vec<Vec<u8>>,
    pub(crate) at: Time,
    made: u64,
    operator: KeyId,
    pub(crate) owners: Vec<(OwnerId, KeyId)>,
    pub(crate) wallets: Vec<WalletId>,
    pub(crate) subs: Vec<WalletId>,
    pub(crate) payees: Vec<(PayeeId, Option<KeyId>)>,
    pub(crate) agents: Vec<(AgentId, KeyId)>,
    pub(crate) mandates: Vec<MandateId>,
    pub(crate) quotas: Vec<QuotaId>,
    pub(crate) subscriptions: Vec<SubscriptionId>,
    pub(crate) links: Vec<LinkId>,
    pub(crate) payouts: Vec<PayoutId>,
    pub(crate) invoices: Vec<InvoiceId>,
    /// What was paid or held, by whoever was asked for it.
    pub(crate) bought: Vec<Id>,
    /// What the owner was asked, with the purchase and how it would be paid.
    pub(crate) asked: Vec<(Id, Hash, Action)>,
}

pub(crate) fn code(text: &str) -> Code {
    Code::new(text).expect("a code")
}

pub(crate) fn amount(minor: u128) -> Amount {
    Amount::new(minor).expect("an amount")
}

fn public_key(number: u64) -> PublicKeyBytes {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    PublicKeyBytes::Ed25519(bytes)
}

impl Town {
    /// A book with one asset and its operator, and nobody else.
    pub(crate) fn empty() -> Town {
        let mut town = Town {
            book: Book::default(),
            entries: Vec::new(),
            at: Time::from_seconds(1_800_000_000),
            made: 0,
            operator: KeyId::default(),
            owners: Vec::new(),
            wallets: Vec::new(),
            subs: Vec::new(),
            payees: Vec::new(),
            agents: Vec::new(),
            mandates: Vec::new(),
            quotas: Vec::new(),
            subscriptions: Vec::new(),
            links: Vec::new(),
            payouts: Vec::new(),
            invoices: Vec::new(),
            bought: Vec::new(),
            asked: Vec::new(),
        };
        let key = KeyId(town.id());
        town.operator = key;
        let (test, retention_seconds) = (true, 30 * 86_400);
        let open = OpenBook { test, retention_seconds, key, public_key: public_key(0) };
        town.act(town.operator(), Action::OpenBook(open));
        for (name, scale) in [("CNY", 2), ("ETH", 18)] {
            let code = code(name);
            town.act(town.operator(), Action::RegisterAsset(RegisterAsset { code, scale }));
        }
        town
    }

    /// Two owners, three wallets and a sub-account, three agents with a mandate each, four payees; everybody funded.
    pub(crate) fn new() -> Town {
        let mut town = Town::empty();
        for _ in 0..2 {
            town.owner();
        }
        for (owner, limits) in [(0, vec![]), (0, vec![Limit::PerPayment { max: amount(700) }]), (1, vec![])] {
            let wallet = town.wallet(owner, limits);
            town.fund(wallet, 100_000);
        }
        town.payee(None, Provenance::Registry, 0);
        town.payee(None, Provenance::Merchant, 12_500);
        town.payee(Some(1), Provenance::Registry, 999);
        town.payee(None, Provenance::Agent, 0);
        for wallet in 0..3 {
            let agent = town.agent(wallet, vec![Limit::AskAbove { amount: amount(800) }]);
            town.mandate(wallet, agent, 20_000);
        }
        town.sub_account(0, 0);
        town
    }

    pub(crate) fn id(&mut self) -> Id {
        self.made += 1;
        let mut random = [0; 16];
        random[8..].copy_from_slice(&self.made.to_be_bytes());
        Id::new(self.at, random)
    }

    pub(crate) fn operator(&self) -> Actor {
        Actor::Operator { key: self.operator }
    }

    pub(crate) fn owner_of(&self, wallet: usize) -> usize {
        usize::from(wallet == 2)
    }

    pub(crate) fn as_owner(&self, owner: usize) -> Actor {
        let (owner, key) = self.owners[owner];
        let presence = Presence::Fresh;
        Actor::Owner { owner, key, presence }
    }

    pub(crate) fn as_agent(&self, agent: usize) -> Actor {
        let (agent, key) = self.agents[agent];
        Actor::Agent { agent, key }
    }

    pub(crate) fn as_payee(&self, payee: usize) -> Actor {
        let (payee, key) = self.payees[payee];
        let key = key.expect("a payee with a key");
        Actor::Payee { payee, key }
    }

    /// Does what is asked, and everything that was due before.
    pub(crate) fn act(&mut self, by: Actor, action: Action) -> (Id, Verdict) {
        let id = self.id();
        (id, self.command(Command { id, by, action }))
    }

    pub(crate) fn command(&mut self, command: Command) -> Verdict {
        self.at = self.at.after(1_000_000);
        while let Some(due) = self.book.due(self.at) {
            self.record(&due);
        }
        self.record(&command)
    }

    fn record(&mut self, command: &Command) -> Verdict {
        let mut bytes = Vec::new();
        let verdict = self.book.execute(self.at, command, &mut bytes);
        if let Verdict::Record(_, outcome) = &verdict {
            self.entries.push(bytes);
            match outcome {
                Outcome::Asked(question) => {
                    self.asked.push((command.id, question.digest, command.action.clone()));
                }
                Outcome::Paid(_) | Outcome::Held(_) | Outcome::Subscribed(Term { paid: Some(_), .. }) => {
                    self.bought.push(command.id);
                }
                Outcome::Done
                | Outcome::Subscribed(Term { paid: None, .. })
                | Outcome::Captured(_)
                | Outcome::Released(_)
                | Outcome::Refunded(_)
                | Outcome::Charged(_)
                | Outcome::Settled(_)
                | Outcome::Credited(_)
                | Outcome::Denied(_) => {}
                Outcome::Invoiced(_) => self.invoices.push(InvoiceId(command.id)),
            }
        }
        verdict
    }

    pub(crate) fn owner(&mut self) {
        let key = KeyId(self.id());
        let public_key = public_key(self.made);
        let register = Action::RegisterOwner(RegisterOwner { key, public_key });
        let (id, _) = self.act(self.operator(), register);
        self.owners.push((OwnerId(id), key));
    }

    pub(crate) fn wallet(&mut self, owner: usize, limits: Vec<Limit>) -> WalletId {
        let open = OpenWallet { owner: self.owners[owner].0, asset: code("CNY"), limits };
        let (id, _) = self.act(self.as_owner(owner), Action::OpenWallet(open));
        self.wallets.push(WalletId(id));
        WalletId(id)
    }

    pub(crate) fn fund(&mut self, wallet: WalletId, minor: u128) {
        self.transfer(self.operator(), Account::World, Account::Wallet(wallet), minor);
    }

    pub(crate) fn transfer(&mut self, by: Actor, from: Account, to: Account, minor: u128) -> (Id, Verdict) {
        let (amount, asset) = (amount(minor), code("CNY"));
        self.act(by, Action::Transfer(Transfer { from, to, amount, asset }))
    }

    pub(crate) fn payee(&mut self, owner: Option<usize>, provenance: Provenance, fee: u32) {
        let key = KeyId(self.id());
        let register = RegisterPayee {
            owner: owner.map(|owner| self.owners[owner].0),
            asset: code("CNY"),
            category: code("books"),
            provenance,
            fee: PartsPerMillion::new(fee).expect("a rate"),
            key: Some((key, public_key(self.made))),
        };
        let (id, _) = self.act(self.operator(), Action::RegisterPayee(register));
        self.payees.push((PayeeId(id), Some(key)));
    }

    pub(crate) fn agent(&mut self, wallet: usize, limits: Vec<Limit>) -> usize {
        let key = KeyId(self.id());
        let enrol =
            EnrolAgent { wallet: self.wallets[wallet], limits, key, public_key: public_key(self.made) };
        let owner = self.as_owner(self.owner_of(wallet));
        let (id, _) = self.act(owner, Action::EnrolAgent(enrol));
        self.agents.push((AgentId(id), key));
        self.agents.len() - 1
    }

    pub(crate) fn mandate(&mut self, wallet: usize, agent: usize, total: u128) -> MandateId {
        let day = Window::Rolling { seconds: 86_400 };
        let limits = vec![
            Limit::Total { max: amount(total) },
            Limit::Window { window: day, max: amount(total / 2) },
            Limit::Velocity { window: day, max: 1_000 },
        ];
        let grant = GrantMandate {
            wallet: self.wallets[wallet],
            agent: self.agents[agent].0,
            valid_from: Time(0),
            expires_at: Time::MAX,
            limits,
            document: Hash([7; 32]),
            carry: Carry::Inherit,
        };
        let owner = self.as_owner(self.owner_of(wallet));
        let (id, _) = self.act(owner, Action::GrantMandate(grant));
        self.mandates.push(MandateId(id));
        MandateId(id)
    }

    /// Lets `to` spend within a mandate of agent `from`.
    pub(crate) fn delegate(
        &mut self,
        parent: MandateId,
        from: usize,
        to: usize,
        total: u128,
    ) -> (Id, Verdict) {
        let delegate = Delegate {
            parent,
            agent: self.agents[to].0,
            valid_from: self.at,
            // The same for all of a day, so that one lies within the other.
            expires_at: Time((self.at.0 / 86_400_000_000_000 + 2) * 86_400_000_000_000),
            limits: vec![Limit::Total { max: amount(total) }],
            document: Hash([6; 32]),
        };
        self.act(self.as_agent(from), Action::Delegate(delegate))
    }

    pub(crate) fn sub_account(&mut self, wallet: usize, agent: usize) {
        let open = OpenSubAccount {
            wallet: self.wallets[wallet],
            agent: self.agents[agent].0,
            limits: vec![Limit::Uses { max: 50 }],
        };
        let owner = self.as_owner(self.owner_of(wallet));
        let (id, _) = self.act(owner, Action::OpenSubAccount(open));
        self.subs.push(WalletId(id));
        let from = Account::Wallet(self.wallets[wallet]);
        self.transfer(owner, from, Account::Wallet(WalletId(id)), 5_000);
    }

    /// What an agent buys from its own wallet under its own mandate.
    pub(crate) fn purchase(&self, agent: usize, payee: usize, minor: u128) -> Purchase {
        Purchase {
            wallet: self.wallets[agent],
            mandate: Some(self.mandates[agent]),
            to: Payees::One(self.payees[payee].0),
            amount: amount(minor),
            asset: code("CNY"),
            category: None,
            reference: Some(Hash([3; 32])),
            approval: None,
        }
    }

    pub(crate) fn split(&self, weights: &[(usize, u32)]) -> Payees {
        let share = |(payee, weight): &(usize, u32)| Share { payee: self.payees[*payee].0, weight: *weight };
        Payees::Split(Split {
            whole: weights.iter().map(|(_, weight)| weight).sum(),
            shares: weights.iter().map(share).collect(),
        })
    }

    pub(crate) fn pay(&mut self, agent: usize, payee: usize, minor: u128) -> (Id, Verdict) {
        let purchase = self.purchase(agent, payee, minor);
        self.act(self.as_agent(agent), Action::Pay(Pay { purchase }))
    }

    pub(crate) fn hold(&mut self, agent: usize, payee: usize, minor: u128) -> (Id, Verdict) {
        let purchase = self.purchase(agent, payee, minor);
        let expires_at = self.at.after(3_600_000_000_000);
        let place = Action::PlaceHold(PlaceHold { purchase, expires_at });
        self.act(self.as_agent(agent), place)
    }

    /// Two that time would capture, one of which the agent objects to.
    fn escrows(&mut self, agent: usize, payee: usize, minor: u128) {
        for objects in [false, true] {
            let purchase = self.purchase(agent, payee, minor);
            let expires_at = self.at.after(600_000_000_000);
            let place = Action::PlaceEscrow(PlaceEscrow { purchase, expires_at });
            let (hold, _) = self.act(self.as_agent(agent), place);
            if objects {
                self.act(self.as_agent(agent), Action::Dispute(Dispute { hold: HoldId(hold) }));
            }
        }
    }

    pub(crate) fn open_meter(&mut self, agent: usize, payee: usize, minor: u128) -> (Id, Verdict) {
        let open = OpenMeter {
            purchase: self.purchase(agent, payee, minor),
            expires_at: self.at.after(3_600_000_000_000),
            rates: vec![NanosPerUnit(200_000_001), NanosPerUnit(3)],
            rounding: Rounding::HalfUp,
        };
        self.act(self.as_agent(agent), Action::OpenMeter(open))
    }

    /// Sellers who grant and count work, owners who divide it, and a channel with its vouchers.
    fn quotas(&mut self, which: usize, minor: u128) {
        let (payee, wallet) = (which % 3, which % 3);
        let (seller, owner) = (self.as_payee(payee), self.as_owner(self.owner_of(wallet)));
        let units = u64::try_from(minor % 9).expect("small") + 1;
        let old = self.quotas.iter().rev().nth(which % 4).copied();
        let (paid, _) = self.pay(wallet, payee, 3);
        let grant = GrantQuota {
            wallet: self.wallets[wallet],
            payment: Some(paid).filter(|_| which.is_multiple_of(2)),
            unit: QuotaUnit::Count,
            units: units * 5,
            expires_at: self
                .at
                .after(u64::from(self.made.is_multiple_of(5)) * 86_400_000_000_000 + 3_600_000_000_000),
            into: old.filter(|_| which.is_multiple_of(3)),
            document: Hash([8; 32]),
        };
        let (granted, _) = self.act(seller, Action::GrantQuota(grant));
        self.quotas.push(QuotaId(granted));
        for quota in [old, Some(QuotaId(granted))].into_iter().flatten() {
            let (deduct, _) = self.act(seller, Action::Deduct(Deduct { quota, units }));
            self.act(seller, Action::Restore(Restore { deduct, units: units.div_ceil(2) }));
            let agent = Some(self.agents[wallet].0).filter(|_| units % 2 == 0);
            let allot = Allot { from: quota, into: None, agent, units };
            let (below, _) = self.act(owner, Action::Allot(allot));
            let again = Allot { from: quota, into: Some(QuotaId(below)), agent: None, units: 1 };
            self.act(owner, Action::Allot(again));
            self.act(owner, Action::Reclaim(Reclaim { quota: QuotaId(below), units: 1 }));
            self.quotas.push(QuotaId(below));
        }
        let open = OpenChannel {
            purchase: self.purchase(wallet, payee, minor + 1),
            expires_at: self.at.after(3_600_000_000_000),
            rounding: Rounding::HalfUp,
            voucher_key: public_key(self.made),
        };
        let (channel, _) = self.act(self.as_agent(wallet), Action::OpenChannel(open));
        let total = Nanos::new(minor * 700_000_001);
        let signature = VoucherSignature(Signature([4; 64]));
        let channel = MeterId(channel);
        self.act(seller, Action::Claim(Claim { channel, total, signature }));
        self.act(seller, Action::CloseMeter(CloseMeter { meter: channel }));
    }

    /// Work by the period: agreed, changed, cancelled by either side, and renewed as days pass.
    fn subscriptions(&mut self, which: usize, minor: u128) {
        let (payee, wallet) = (which % 3, which % 3);
        let (seller, owner) = (self.as_payee(payee), self.as_owner(self.owner_of(wallet)));
        let days = u16::try_from(minor % 3).expect("small") + 1;
        let terms = Terms {
            every: if which.is_multiple_of(4) { Cadence::Months(1) } else { Cadence::Days(days) },
            zone: Zone::new("Asia/Shanghai").expect("a zone"),
            renewals: Some(3).filter(|_| which.is_multiple_of(3)),
            grace_nanos: u64::try_from(minor).expect("small") * 600_000_000_000,
            document: Hash([9; 32]),
        };
        let old = self.subscriptions.iter().rev().nth(which % 4).copied();
        let trial_until = Some(self.at.after(7_200_000_000_000)).filter(|_| which.is_multiple_of(5));
        let purchase = self.purchase(wallet, payee, minor / 9 + 1);
        let subscribe = Subscribe { purchase, terms: terms.clone(), trial_until };
        let (made, _) = self.act(self.as_agent(wallet), Action::Subscribe(subscribe));
        let made = SubscriptionId(made);
        self.subscriptions.extend(Some(made).filter(|made| self.book.subscription(*made).is_some()));
        for subscription in [old, Some(made)].into_iter().flatten() {
            let mut purchase = self.purchase(wallet, payee, minor / 7 + 2);
            let by = if which.is_multiple_of(2) { owner } else { self.as_agent(wallet) };
            purchase.mandate = purchase.mandate.filter(|_| !which.is_multiple_of(2));
            let (terms, days) = (terms.clone(), Cadence::Days(days));
            let terms = if minor.is_multiple_of(2) { Terms { every: days, ..terms } } else { terms };
            self.act(by, Action::ChangePlan(ChangePlan { subscription, purchase, terms }));
        }
        if let Some(subscription) = old.filter(|_| self.made.is_multiple_of(2)) {
            let by = if minor.is_multiple_of(2) { self.operator() } else { seller };
            self.act(by, Action::CancelSubscription(CancelSubscription { subscription }));
        }
        self.at = self.at.after(u64::from(self.made.is_multiple_of(3)) * 50_000_000_000_000);
    }

    /// What sellers ask for by links: paid by agents and people, paid up, closed, and asked about.
    fn pay_links(&mut self, which: usize, minor: u128) {
        let (payee, wallet) = (which % 3, which % 3);
        let (seller, owner) = (self.as_payee(payee), self.as_owner(self.owner_of(wallet)));
        let mut purchase = self.purchase(wallet, payee, minor / 9 + 1);
        let open = OpenLink {
            to: purchase.to.clone(),
            asset: purchase.asset,
            least: amount(1),
            most: amount(minor / 9 + 1),
            uses: Some(2).filter(|_| !which.is_multiple_of(3)),
            until: self.at.after(7_200_000_000_000),
            by: if which.is_multiple_of(2) { LinkPayer::Owner } else { LinkPayer::Anyone },
            document: Hash([3; 32]),
        };
        let (made, _) = self.act(seller, Action::OpenLink(open));
        let link = LinkId(made);
        self.links.extend(Some(link).filter(|made| self.book.link(*made).is_some()));
        for message in [None, Some(Hash([7; 32])), None] {
            let agent = self.as_agent(wallet);
            self.act(agent, Action::PayLink(PayLink { link, purchase: purchase.clone(), message }));
        }
        purchase.mandate = None;
        self.act(owner, Action::PayLink(PayLink { link, purchase, message: None }));
        let old = self.links.iter().rev().nth(which % 4).copied();
        if let Some(link) = old.filter(|_| self.made.is_multiple_of(2)) {
            let by = if minor.is_multiple_of(2) { self.operator() } else { seller };
            self.act(by, Action::CloseLink(CloseLink { link }));
        }
    }

    /// What sellers are paid out: to an account that they or the operator named, and what banks said of it.
    fn pay_out(&mut self, which: usize, minor: u128) {
        let payee = which % 4;
        let seller = if which.is_multiple_of(3) { self.operator() } else { self.as_payee(which % 3) };
        let destination = Hash([u8::try_from(which % 2).expect("small"); 32]);
        let (payee, asset) = (self.payees[payee].0, code("CNY"));
        self.act(seller, Action::SetDestination(SetDestination { payee, destination }));
        let request = RequestPayout { payee, amount: amount(minor / 20 + 1), asset, destination };
        let (made, _) = self.act(seller, Action::RequestPayout(request));
        let made = PayoutId(made);
        self.payouts.extend(Some(made).filter(|made| self.book.payout(*made).is_some()));
        let said = Hash([4; 32]);
        let old = self.payouts.iter().rev().nth(which % 3).copied();
        for (payout, step) in [
            (Some(made), PayoutStep::Sent { batch: PayoutBatchId(Id([1; 16])), order: said }),
            (old, PayoutStep::Paid { said }),
            (old.filter(|_| minor.is_multiple_of(2)), PayoutStep::Failed { said }),
            (self.payouts.first().copied(), PayoutStep::Failed { said }),
        ] {
            if let Some(payout) = payout.filter(|_| !(minor + 1).is_multiple_of(5)) {
                self.act(self.operator(), Action::AdvancePayout(AdvancePayout { payout, step }));
            }
        }
    }

    /// One of everything, chosen by `what`; `which` and `minor` vary it. Much of it is refused, asked about or senseless.
    pub(crate) fn step(&mut self, what: u8, which: usize, minor: u128) {
        let (agent, payee, wallet) = (which % 3, which % 4, which % 3);
        let seller = self.as_payee(which % 3);
        let owner = self.as_owner(self.owner_of(wallet));
        let bought = self.bought.iter().rev().nth(which % 5).copied().unwrap_or_default();
        let asked = self.asked.iter().rev().nth(which % 3).cloned();
        match what % 29 {
            0..=2 => {
                self.pay(agent, payee, minor);
            }
            3 => {
                let mut purchase = self.purchase(agent, payee, minor);
                purchase.mandate = None;
                purchase.to = self.split(&[(0, 60), (1, 30), (3, 10)]);
                self.act(owner, Action::Pay(Pay { purchase }));
            }
            4 => {
                let mut purchase = self.purchase(0, payee, minor);
                purchase.wallet = self.subs[which % self.subs.len()];
                self.act(self.as_agent(0), Action::Pay(Pay { purchase }));
            }
            5 => {
                self.hold(agent, payee, minor);
            }
            6 => self.escrows(agent, payee, minor),
            7 => {
                let mut purchase = self.purchase(agent, payee, minor);
                purchase.to = self.split(&[(1, 2), (0, 1)]);
                let expires_at = self.at.after(60_000_000_000);
                let place = PlaceHold { purchase, expires_at };
                self.act(self.as_agent(agent), Action::PlaceHold(place));
            }
            8 | 9 => {
                let (hold, amount, last) = (HoldId(bought), amount(minor / 2), which.is_multiple_of(2));
                self.act(seller, Action::Capture(Capture { hold, amount, last }));
            }
            10 => {
                self.act(seller, Action::Void(Void { hold: HoldId(bought) }));
            }
            11 => {
                self.open_meter(agent, payee, minor);
            }
            12 => {
                let charge = Charge {
                    meter: MeterId(bought),
                    sequence: u64::try_from(self.entries.len()).expect("fits"),
                    units: vec![u64::try_from(minor).expect("fits"), 7],
                };
                self.act(seller, Action::Charge(charge));
            }
            13 => {
                let meter = MeterId(bought);
                self.act(seller, Action::CloseMeter(CloseMeter { meter }));
            }
            14 | 15 => {
                if what % 29 == 15 {
                    self.bill(seller, bought, which);
                }
                let (payment, amount) = (bought, amount(minor / 3 + 1));
                self.act(seller, Action::Refund(Refund { payment, amount }));
            }
            16 => self.fund(self.wallets[wallet], minor + 1),
            17 => {
                let (from, to) = match which % 4 {
                    0 => (Account::Wallet(self.wallets[0]), Account::Wallet(self.subs[0])),
                    1 => (Account::Wallet(self.wallets[wallet]), Account::World),
                    2 => (Account::Wallet(self.wallets[0]), Account::Wallet(self.wallets[1])),
                    _ => (Account::Wallet(self.wallets[2]), Account::Payee(self.payees[2].0)),
                };
                self.transfer(owner, from, to, minor + 1);
            }
            18 => {
                let from = [Account::Fees, Account::Payee(self.payees[payee].0)][which % 2];
                self.transfer(self.operator(), from, Account::World, minor / 20 + 1);
                self.pay_out(which, minor);
            }
            19 => {
                let subject = [
                    Subject::Owner(self.owners[which % 2].0),
                    Subject::Wallet(self.wallets[wallet]),
                    Subject::Agent(self.agents[agent].0),
                    Subject::Mandate(self.mandates[agent]),
                    Subject::Payee(self.payees[payee].0),
                ][which % 5];
                self.act(owner, Action::Freeze(Freeze { subject }));
                self.pay(agent, payee, 1);
                self.act(owner, Action::Unfreeze(Unfreeze { subject }));
            }
            20 => {
                let (subject, version) = match which % 3 {
                    0 => (LimitSubject::Wallet(self.wallets[0]), 0),
                    1 => (LimitSubject::Agent(self.agents[agent].0), 1),
                    _ => (LimitSubject::Mandate(self.mandates[agent]), 1),
                };
                let set = SetLimits {
                    subject,
                    version,
                    limits: vec![
                        Limit::Total { max: amount(15_000) },
                        Limit::AskAbove { amount: amount(400) },
                    ],
                    document: Hash([8; 32]),
                };
                self.act(owner, Action::SetLimits(set));
            }
            21 => {
                if let Some((question, digest, _)) = asked {
                    let until = self.at.after(600_000_000_000);
                    let answer = match which % 3 {
                        0 => Action::Refuse(Refuse { question }),
                        1 => Action::ApproveAlike(ApproveAlike { question, digest, until }),
                        _ => Action::Approve(Approve { question, digest, until }),
                    };
                    self.act(owner, answer);
                }
            }
            22 => {
                if let Some((question, _, mut action)) = asked {
                    if let Action::Pay(Pay { purchase })
                    | Action::PlaceHold(PlaceHold { purchase, .. })
                    | Action::OpenMeter(OpenMeter { purchase, .. }) = &mut action
                    {
                        purchase.approval = Some(question);
                    }
                    self.act(self.as_agent(agent), action);
                }
            }
            23 => {
                self.at =
                    self.at.after([1, 61_000_000_000, 3_700_000_000_000, 90_000_000_000_000][which % 4]);
            }
            24 => {
                let subject = Subject::Mandate(self.mandates[agent]);
                self.act(owner, Action::Revoke(Revoke { subject }));
                let before = self.mandates.len();
                self.mandate(agent, agent, 20_000);
                self.mandates.swap_remove(agent);
                assert_eq!(self.mandates.len(), before);
            }
            25 => {
                let holder = [
                    KeyHolder::Operator,
                    KeyHolder::Owner(self.owners[which % 2].0),
                    KeyHolder::Agent(self.agents[agent].0),
                    KeyHolder::Payee(self.payees[payee].0),
                ][which % 4];
                let public_key = public_key(self.made);
                let enrol = Action::EnrolKey(EnrolKey { holder, public_key });
                let (key, _) = self.act(owner, enrol);
                let key = KeyId(key);
                self.act(owner, Action::RevokeKey(RevokeKey { key }));
            }
            26 => {
                let (item, price) = (Hash([3; 32]), amount(minor));
                let stock = u32::try_from(which).expect("fits") % 2;
                let observe = Observe { item, price, asset: code("CNY"), stock };
                self.act(self.as_payee(which % 3), Action::Observe(observe));
                let other = self.agent(0, vec![]);
                let (child, _) = self.delegate(self.mandates[0], 0, other, minor);
                let mut purchase = self.purchase(0, payee, minor / 2 + 1);
                purchase.mandate = Some(MandateId(child));
                self.act(self.as_agent(other), Action::Pay(Pay { purchase }));
            }
            27 => {
                self.quotas(which, minor);
                self.subscriptions(which, minor);
                self.pay_links(which, minor);
            }
            _ => {
                let delivery = Hash([9; 32]);
                let hold = HoldId(bought);
                self.act(seller, Action::Redeem(Redeem { hold, delivery }));
                let (nonce, request) = (self.at.0 / 1_000, Hash([1; 32]));
                self.act(seller, Action::Present(Present { nonce, request }));
                if which.is_multiple_of(3) {
                    let wallet = self.subs[self.subs.len() - 1];
                    let owner = self.as_owner(0);
                    self.act(owner, Action::CloseWallet(CloseWallet { wallet }));
                    self.agent(0, vec![]);
                    let agent = self.agents.len() - 1;
                    self.sub_account(0, agent);
                }
            }
        }
    }

    /// The entry at a place.
    pub(crate) fn entry(&self, place: usize) -> Entry {
        Entry::from_bytes(&self.entries[place]).expect("the book wrote it")
    }
}
