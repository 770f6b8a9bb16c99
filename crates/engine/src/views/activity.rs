//! Activity: whom each entry concerns, and its line in their lists.

use crate::views::ViewsFault;
use crate::views::batch::Batch;
use crate::views::rows::PurchaseRow;
use crate::views::stored::{Canonical, Columns, Kind, stored};
use crate::views::subjects::{Chain, Role};
use book::mandate::LimitSubject;
use book::{
    Account, Action, Actor, AgentId, Amount, Code, Command, Entry, Id, KeyHolder, MandateId, Outcome,
    OwnerId, PayeeId, Payees, Purchase, Seq, Subject, WalletId,
};

/// Whom and what a command names.
#[derive(Debug, Default)]
pub(super) struct Touched {
    pub(super) owner: Option<OwnerId>,
    pub(super) wallet: Option<WalletId>,
    pub(super) agent: Option<AgentId>,
    pub(super) payee: Option<PayeeId>,
    pub(super) mandate: Option<MandateId>,
    /// Further ones, for whom a line of the table has no column.
    pub(super) others: Vec<(Role, Id)>,
    pub(super) amount: Option<Amount>,
    pub(super) asset: Option<Code>,
    /// What of another entry it is about.
    pub(super) about: Option<Id>,
    /// The purchase it is about.
    pub(super) bought: Option<PurchaseRow>,
}

impl Touched {
    pub(super) fn buys(&mut self, purchase: &Purchase) {
        self.wallet = Some(purchase.wallet);
        self.mandate = purchase.mandate;
        self.amount = Some(purchase.amount);
        self.asset = Some(purchase.asset);
        self.pays(purchase);
    }

    fn pays(&mut self, purchase: &Purchase) {
        self.collects(&purchase.to);
    }

    pub(super) fn collects(&mut self, to: &Payees) {
        let mut payees = to.each();
        self.payee = payees.next();
        self.others.extend(payees.map(|payee| (Role::Payee, payee.0)));
    }

    fn moves(&mut self, account: Account) {
        match account {
            Account::World | Account::Fees => {}
            Account::Wallet(wallet) if self.wallet.is_none() => self.wallet = Some(wallet),
            Account::Wallet(wallet) => self.others.push((Role::Wallet, wallet.0)),
            Account::Payee(payee) if self.payee.is_none() => self.payee = Some(payee),
            Account::Payee(payee) => self.others.push((Role::Payee, payee.0)),
        }
    }

    fn speaks_for(&mut self, holder: KeyHolder) {
        match holder {
            KeyHolder::Operator => {}
            KeyHolder::Owner(owner) => self.owner = Some(owner),
            KeyHolder::Agent(agent) => self.agent = Some(agent),
            KeyHolder::Payee(payee) => self.payee = Some(payee),
        }
    }
}

impl Batch<'_> {
    /// Whom and what `command` names, before it changes anything.
    pub(super) fn touched(&mut self, command: &Command) -> Result<Touched, ViewsFault> {
        let mut touched = Touched::default();
        match &command.action {
            Action::OpenBook(_) | Action::RegisterOwner(_) | Action::Present(_) => {}
            Action::RegisterAsset(it) => touched.asset = Some(it.code),
            Action::EnrolKey(it) => touched.speaks_for(it.holder),
            Action::RevokeKey(it) => {
                touched.about = Some(it.key.0);
                if let Some(holder) = self.key_holder(it.key)? {
                    touched.speaks_for(holder);
                }
            }
            Action::OpenWallet(it) => {
                touched.owner = Some(it.owner);
                touched.asset = Some(it.asset);
            }
            Action::OpenSubAccount(it) => {
                touched.wallet = Some(it.wallet);
                touched.agent = Some(it.agent);
            }
            Action::CloseWallet(it) => touched.wallet = Some(it.wallet),
            Action::RegisterPayee(it) => {
                touched.owner = it.owner;
                touched.asset = Some(it.asset);
            }
            Action::EnrolAgent(it) => touched.wallet = Some(it.wallet),
            Action::SetLimits(it) => match it.subject {
                LimitSubject::Wallet(wallet) => touched.wallet = Some(wallet),
                LimitSubject::Agent(agent) => touched.agent = Some(agent),
                LimitSubject::Mandate(mandate) => touched.mandate = Some(mandate),
            },
            Action::GrantMandate(it) => {
                touched.wallet = Some(it.wallet);
                touched.agent = Some(it.agent);
            }
            Action::Observe(it) => {
                touched.amount = Some(it.price);
                touched.asset = Some(it.asset);
                if let Actor::Payee { payee, .. } = command.by {
                    touched.others = self.watchers(payee, it.item)?;
                }
            }
            Action::Delegate(it) => {
                touched.agent = Some(it.agent);
                touched.others.push((Role::Mandate, it.parent.0));
                touched.wallet = self.subject(Role::Mandate, it.parent.0)?.and_then(|subject| subject.wallet);
            }
            Action::Freeze(book::Freeze { subject })
            | Action::Unfreeze(book::Unfreeze { subject })
            | Action::Revoke(book::Revoke { subject }) => match *subject {
                Subject::Owner(owner) => touched.owner = Some(owner),
                Subject::Wallet(wallet) => touched.wallet = Some(wallet),
                Subject::Agent(agent) => touched.agent = Some(agent),
                Subject::Mandate(mandate) => touched.mandate = Some(mandate),
                Subject::Payee(payee) => touched.payee = Some(payee),
            },
            Action::Approve(book::Approve { question, .. })
            | Action::ApproveAlike(book::ApproveAlike { question, .. })
            | Action::Refuse(book::Refuse { question }) => {
                touched.about = Some(*question);
                if let Some((agent, purchase)) = self.question(*question)? {
                    touched.agent = agent;
                    touched.buys(&purchase);
                    touched.others.clear();
                }
            }
            Action::Transfer(it) => {
                touched.moves(it.from);
                touched.moves(it.to);
                touched.amount = Some(it.amount);
                touched.asset = Some(it.asset);
            }
            Action::Pay(book::Pay { purchase })
            | Action::PlaceHold(book::PlaceHold { purchase, .. })
            | Action::OpenMeter(book::OpenMeter { purchase, .. })
            | Action::OpenChannel(book::OpenChannel { purchase, .. })
            | Action::PlaceEscrow(book::PlaceEscrow { purchase, .. })
            | Action::Subscribe(book::Subscribe { purchase, .. }) => touched.buys(purchase),
            Action::ChangePlan(it) => {
                touched.about = Some(it.subscription.0);
                touched.buys(&it.purchase);
            }
            Action::Renew(it) => self.concerns_subscription(it.subscription, &mut touched)?,
            Action::CancelSubscription(it) => {
                self.concerns_subscription(it.subscription, &mut touched)?;
                touched.amount = None;
            }
            Action::OpenLink(it) => {
                touched.collects(&it.to);
                (touched.amount, touched.asset) = (Some(it.most), Some(it.asset));
            }
            Action::PayLink(it) => {
                touched.about = Some(it.link.0);
                touched.buys(&it.purchase);
            }
            Action::CloseLink(it) => self.concerns_link(it.link, &mut touched)?,
            Action::SetDestination(it) => touched.payee = Some(it.payee),
            Action::RequestPayout(it) => {
                touched.payee = Some(it.payee);
                (touched.amount, touched.asset) = (Some(it.amount), Some(it.asset));
            }
            Action::AdvancePayout(it) => self.concerns_payout(it.payout, &mut touched)?,
            Action::Capture(it) => {
                self.concerns(it.hold.0, &mut touched)?;
                touched.amount = Some(it.amount);
            }
            Action::Void(it) => self.concerns(it.hold.0, &mut touched)?,
            Action::Expire(it) => self.concerns(it.hold.0, &mut touched)?,
            Action::Dispute(it) => self.concerns(it.hold.0, &mut touched)?,
            Action::Redeem(it) => self.concerns(it.hold.0, &mut touched)?,
            Action::Refund(it) => {
                self.concerns(it.payment, &mut touched)?;
                touched.amount = Some(it.amount);
            }
            Action::Charge(it) => self.concerns(it.meter.0, &mut touched)?,
            Action::CloseMeter(it) => self.concerns(it.meter.0, &mut touched)?,
            Action::Claim(it) => self.concerns(it.channel.0, &mut touched)?,
            Action::GrantQuota(it) => {
                touched.about = it.into.map(|into| into.0).or(it.payment);
                touched.wallet = Some(it.wallet);
            }
            Action::Deduct(it) => self.concerns_quota(it.quota, &mut touched)?,
            Action::Restore(it) => self.concerns_deduction(it.deduct, &mut touched)?,
            Action::Allot(it) => {
                self.concerns_quota(it.from, &mut touched)?;
                touched.agent = it.agent.or(touched.agent);
            }
            Action::Reclaim(it) => self.concerns_quota(it.quota, &mut touched)?,
            Action::IssueInvoice(it) => self.concerns_bill(it, &mut touched)?,
            Action::IssueCreditNote(it) => self.concerns_invoice(it, &mut touched)?,
        }
        self.complete(command.by, &mut touched)?;
        Ok(touched)
    }

    /// Whom a purchase concerned, whatever became of it, is concerned by what is done to it.
    fn concerns(&mut self, purchase: Id, touched: &mut Touched) -> Result<(), ViewsFault> {
        touched.about = Some(purchase);
        touched.bought = self.purchase(purchase)?;
        let Some(bought) = &touched.bought else { return Ok(()) };
        let purchase = bought.purchase.clone();
        touched.agent = bought.agent;
        touched.wallet = Some(purchase.wallet);
        touched.mandate = purchase.mandate;
        touched.asset = Some(purchase.asset);
        touched.pays(&purchase);
        Ok(())
    }

    /// Adds who asked, and what an agent, a mandate and a wallet belong to.
    fn complete(&mut self, by: Actor, touched: &mut Touched) -> Result<(), ViewsFault> {
        match by {
            Actor::Operator { .. } | Actor::Book => {}
            Actor::Owner { owner, .. } => touched.owner = touched.owner.or(Some(owner)),
            Actor::Agent { agent, .. } => touched.agent = touched.agent.or(Some(agent)),
            Actor::Payee { payee, .. } => touched.payee = touched.payee.or(Some(payee)),
        }
        let parts =
            [(Role::Mandate, touched.mandate.map(|id| id.0)), (Role::Agent, touched.agent.map(|id| id.0))];
        for (role, id) in parts {
            if let (None, Some(id)) = (touched.wallet, id) {
                touched.wallet = self.subject(role, id)?.and_then(|subject| subject.wallet);
            }
        }
        let parts =
            [(Role::Wallet, touched.wallet.map(|id| id.0)), (Role::Payee, touched.payee.map(|id| id.0))];
        for (role, id) in parts {
            if let (None, Some(id)) = (touched.owner, id) {
                touched.owner = self.subject(role, id)?.and_then(|subject| subject.owner);
            }
        }
        Ok(())
    }

    /// Writes an entry's line, and puts it into the lists of those it concerns.
    ///
    /// A payee learns of what it is paid, not of what an owner was asked or a rule refused. A nonce that was taken is in
    /// nobody's list: it says nothing that the entry behind it does not.
    pub(super) fn decision(&mut self, entry: &Entry, touched: Touched) -> Result<(), ViewsFault> {
        let (ask, refusal) = match &entry.outcome {
            Outcome::Asked(question) => (Some(Canonical((question.ask, question.rule))), None),
            Outcome::Denied(refusal) => (None, Some(Canonical(*refusal))),
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
            | Outcome::Credited(_) => (None, None),
        };
        let allowed = ask.is_none() && refusal.is_none();
        let kind = Kind::of(&entry.command.action);
        let listed = kind != Kind::Present || !allowed;
        let asked_by_payee =
            matches!(entry.command.by, Actor::Payee { payee, .. } if touched.payee == Some(payee));
        let answers = matches!(kind, Kind::Approve | Kind::ApproveAlike | Kind::Refuse);
        let tells_payees = listed && (allowed && !answers || asked_by_payee);

        let owner = self.list(listed, Role::Owner, touched.owner.map(|id| id.0))?;
        let wallet = self.list(listed, Role::Wallet, touched.wallet.map(|id| id.0))?;
        let agent = self.list(listed, Role::Agent, touched.agent.map(|id| id.0))?;
        let payee = self.list(tells_payees, Role::Payee, touched.payee.map(|id| id.0))?;
        let mandate = self.list(listed, Role::Mandate, touched.mandate.map(|id| id.0))?;
        for (role, id) in touched.others {
            self.link_other(listed && allowed, role, id, Chain::Decisions)?;
        }
        self.run(
            "INSERT INTO decisions VALUES
             (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)",
            stored![
                entry.seq,
                entry.at,
                entry.command.id,
                kind,
                Canonical(entry.command.by),
                ask,
                refusal,
                touched.amount,
                touched.asset,
                touched.about,
                touched.owner,
                touched.wallet,
                touched.agent,
                touched.payee,
                touched.mandate,
                owner,
                wallet,
                agent,
                payee,
                mandate,
            ],
        )?;
        Ok(())
    }

    fn list(&mut self, listed: bool, role: Role, id: Option<Id>) -> Result<Option<Seq>, ViewsFault> {
        match id {
            Some(id) if listed => self.link(role, id, Chain::Decisions),
            Some(_) | None => Ok(None),
        }
    }

    pub(super) fn link(&mut self, role: Role, id: Id, chain: Chain) -> Result<Option<Seq>, ViewsFault> {
        let (connection, seq) = (self.connection, self.seq);
        self.subjects().link(connection, role, id, chain, seq)
    }

    /// Puts the entry into a list of somebody for whom its line has no column.
    pub(super) fn link_other(
        &mut self,
        listed: bool,
        role: Role,
        id: Id,
        chain: Chain,
    ) -> Result<(), ViewsFault> {
        if !listed {
            return Ok(());
        }
        if let Some(before) = self.link(role, id, chain)? {
            self.run("INSERT INTO links VALUES (?1, ?2, ?3, ?4)", stored![id, chain, self.seq, before])?;
        }
        Ok(())
    }

    fn key_holder(&self, key: book::KeyId) -> Result<Option<KeyHolder>, ViewsFault> {
        let holder = |columns: &mut Columns<'_>| columns.next::<Canonical<KeyHolder>>();
        let found = self.find("SELECT holder FROM keys WHERE id = ?1", stored![key], holder)?;
        Ok(found.map(|Canonical(holder)| holder))
    }

    fn question(&self, id: Id) -> Result<Option<(Option<AgentId>, Purchase)>, ViewsFault> {
        self.find("SELECT agent, purchase FROM questions WHERE id = ?1", stored![id], |columns| {
            Ok((columns.next()?, columns.next::<Canonical<Purchase>>()?.0))
        })
    }
}
