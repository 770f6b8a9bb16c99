//! Parties: who is who in the tables, what each may do, and what stopped it.

use crate::limits::VIEWS_WATCHERS_MAX;
use crate::views::ViewsFault;
use crate::views::activity::Touched;
use crate::views::batch::{Batch, raise};
use crate::views::links::asked_link;
use crate::views::rows::{Form, Spent};
use crate::views::stored::{Canonical, stored};
use crate::views::subjects::{Role, Subject};
use crate::views::subscriptions::asked_terms;
use book::freeze::Status;
use book::limits::OBSERVATIONS_MAX;
use book::mandate::{Carry, LimitSubject};
use book::{
    Action, AgentId, Amount, CloseWallet, Delegate, EnrolAgent, Entry, GrantMandate, Id, KeyHolder, KeyId,
    Limit, MandateId, Observe, OpenSubAccount, OpenWallet, OwnerId, PayeeId, PublicKeyBytes, Question,
    RegisterPayee, SetLimits, WalletId,
};
use evidence::Hash;

impl Batch<'_> {
    /// Makes so what an entry says became so.
    pub(super) fn change(&mut self, entry: &Entry, touched: &mut Touched) -> Result<(), ViewsFault> {
        let (at, id) = (entry.at, entry.command.id);
        match &entry.command.action {
            Action::OpenBook(it) => {
                self.run(
                    "INSERT INTO opened VALUES (?1, ?2, ?3, ?4)",
                    stored![entry.seq, at, it.test, it.retention_seconds],
                )?;
                self.enrol(entry, it.key, KeyHolder::Operator, it.public_key)
            }
            Action::RegisterAsset(it) => {
                self.add_asset(it.code)?;
                let nothing = Amount::ZERO;
                self.run(
                    "INSERT INTO assets VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?5, ?5, ?5, ?5)",
                    stored![entry.seq, at, it.code, it.scale, nothing],
                )?;
                Ok(())
            }
            Action::RegisterOwner(it) => {
                let owner = OwnerId(id);
                touched.owner = Some(owner);
                self.run(
                    "INSERT INTO owners VALUES (?1, ?2, ?3, ?4)",
                    stored![entry.seq, at, owner, Status::Active],
                )?;
                self.add_subject(id, Subject::new(entry.seq, Role::Owner, None, None));
                self.enrol(entry, it.key, KeyHolder::Owner(owner), it.public_key)
            }
            Action::EnrolKey(it) => self.enrol(entry, KeyId(id), it.holder, it.public_key),
            Action::RevokeKey(it) => {
                // Revoking twice is done twice; the first time counts.
                self.run_one(
                    "UPDATE keys SET revoked = coalesce(revoked, ?2) WHERE id = ?1",
                    stored![it.key, entry.seq],
                )
            }
            Action::OpenWallet(it) => self.open_wallet(entry, it, touched),
            Action::OpenSubAccount(it) => self.open_sub_account(entry, it, touched),
            Action::CloseWallet(it) => self.close_wallet(it, touched),
            Action::RegisterPayee(it) => self.register_payee(entry, it, touched),
            Action::EnrolAgent(it) => self.enrol_agent(entry, it, touched),
            Action::SetLimits(it) => self.set_limits(it),
            Action::GrantMandate(it) => self.grant(entry, it, touched),
            Action::Delegate(it) => self.delegate(entry, it, touched),
            Action::Freeze(it) => self.set_status(it.subject, Status::Frozen),
            Action::Unfreeze(it) => self.set_status(it.subject, Status::Active),
            Action::Revoke(it) => self.revoke(it.subject),
            Action::Approve(it) => self.run_one(
                "UPDATE questions SET answer = 2, until = ?2, answered = ?3 WHERE id = ?1",
                stored![it.question, it.until, entry.seq],
            ),
            Action::ApproveAlike(it) => self.run_one(
                "UPDATE questions SET answer = 2, until = ?2, answered = ?3 WHERE id = ?1",
                stored![it.question, it.until, entry.seq],
            ),
            Action::Refuse(it) => self.run_one(
                "UPDATE questions SET answer = 3, answered = ?2 WHERE id = ?1",
                stored![it.question, entry.seq],
            ),
            Action::Observe(it) => self.observe(entry, it, touched),
            Action::Present(_) => Ok(()),
            Action::Transfer(_)
            | Action::Pay(_)
            | Action::PlaceHold(_)
            | Action::Capture(_)
            | Action::Void(_)
            | Action::Expire(_)
            | Action::Refund(_)
            | Action::OpenMeter(_)
            | Action::Charge(_)
            | Action::CloseMeter(_)
            | Action::OpenChannel(_)
            | Action::Claim(_)
            | Action::PlaceEscrow(_)
            | Action::Dispute(_)
            | Action::Redeem(_) => self.spend(entry, touched),
            Action::GrantQuota(_)
            | Action::Deduct(_)
            | Action::Restore(_)
            | Action::Allot(_)
            | Action::Reclaim(_) => self.change_quota(entry),
            Action::Subscribe(_)
            | Action::Renew(_)
            | Action::ChangePlan(_)
            | Action::CancelSubscription(_) => self.change_subscription(entry, touched),
            Action::OpenLink(_) | Action::PayLink(_) | Action::CloseLink(_) => {
                self.change_link(entry, touched)
            }
            Action::IssueInvoice(_) | Action::IssueCreditNote(_) => self.issue(entry, touched),
            Action::SetDestination(_) | Action::RequestPayout(_) | Action::AdvancePayout(_) => {
                self.change_payout(entry, touched)
            }
        }
    }

    fn enrol(
        &mut self,
        entry: &Entry,
        key: KeyId,
        holder: KeyHolder,
        public_key: PublicKeyBytes,
    ) -> Result<(), ViewsFault> {
        self.run(
            "INSERT INTO keys VALUES (?1, ?2, ?3, ?4, ?5, NULL)",
            stored![entry.seq, entry.at, key, Canonical(holder), Canonical(public_key)],
        )?;
        Ok(())
    }

    fn open_wallet(
        &mut self,
        entry: &Entry,
        it: &OpenWallet,
        touched: &mut Touched,
    ) -> Result<(), ViewsFault> {
        let wallet = WalletId(entry.command.id);
        touched.wallet = Some(wallet);
        self.run(
            "INSERT INTO wallets VALUES (?1, ?2, ?3, ?4, ?5, ?6, NULL, NULL, ?7, ?8)",
            stored![
                entry.seq,
                entry.at,
                wallet,
                it.owner,
                it.asset,
                Status::Active,
                Canonical(it.limits.clone()),
                first_version(&it.limits),
            ],
        )?;
        self.add_subject(wallet.0, Subject::new(entry.seq, Role::Wallet, Some(it.owner), None));
        Ok(())
    }

    /// Both the wallet and its new sub-account have it in their lists.
    fn open_sub_account(
        &mut self,
        entry: &Entry,
        it: &OpenSubAccount,
        touched: &mut Touched,
    ) -> Result<(), ViewsFault> {
        let sub = WalletId(entry.command.id);
        touched.others.push((Role::Wallet, sub.0));
        let owner = self.subject_mut(Role::Wallet, it.wallet.0)?.owner;
        self.run_one(
            "INSERT INTO wallets SELECT ?1, ?2, ?3, owner, asset, ?4, id, ?5, ?6, ?7 FROM wallets WHERE id = ?8",
            stored![
                entry.seq,
                entry.at,
                sub,
                Status::Active,
                it.agent,
                Canonical(it.limits.clone()),
                first_version(&it.limits),
                it.wallet,
            ],
        )?;
        self.add_subject(sub.0, Subject::new(entry.seq, Role::Wallet, owner, None));
        Ok(())
    }

    /// What a sub-account has left goes to its wallet, and its agent is revoked.
    fn close_wallet(&mut self, it: &CloseWallet, touched: &mut Touched) -> Result<(), ViewsFault> {
        self.set_status(book::Subject::Wallet(it.wallet), Status::Revoked)?;
        let sub = self.find(
            "SELECT parent, agent, asset FROM wallets WHERE id = ?1 AND parent IS NOT NULL",
            stored![it.wallet],
            |columns| {
                let parent: WalletId = columns.next()?;
                let agent: AgentId = columns.next()?;
                Ok((parent, agent, columns.next()?))
            },
        )?;
        let Some((parent, agent, asset)) = sub else {
            return Ok(());
        };
        let seq = self.seq;
        let balance = &mut self.subject_mut(Role::Wallet, it.wallet.0)?.balance;
        let left = balance.available();
        raise(&mut balance.debits, left, seq)?;
        raise(&mut self.subject_mut(Role::Wallet, parent.0)?.balance.credits, left, seq)?;
        touched.agent = Some(agent);
        touched.amount = Some(left);
        touched.asset = Some(asset);
        touched.others.push((Role::Wallet, parent.0));
        self.set_status(book::Subject::Agent(agent), Status::Revoked)
    }

    fn register_payee(
        &mut self,
        entry: &Entry,
        it: &RegisterPayee,
        touched: &mut Touched,
    ) -> Result<(), ViewsFault> {
        let payee = book::PayeeId(entry.command.id);
        touched.payee = Some(payee);
        self.run(
            "INSERT INTO payees VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            stored![
                entry.seq,
                entry.at,
                payee,
                it.owner,
                it.asset,
                Status::Active,
                it.category,
                Canonical(it.provenance),
                Canonical(it.fee),
            ],
        )?;
        self.add_subject(payee.0, Subject::new(entry.seq, Role::Payee, it.owner, None));
        match it.key {
            Some((key, public_key)) => self.enrol(entry, key, KeyHolder::Payee(payee), public_key),
            None => Ok(()),
        }
    }

    fn enrol_agent(
        &mut self,
        entry: &Entry,
        it: &EnrolAgent,
        touched: &mut Touched,
    ) -> Result<(), ViewsFault> {
        let agent = AgentId(entry.command.id);
        touched.agent = Some(agent);
        self.run(
            "INSERT INTO agents VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0)",
            stored![
                entry.seq,
                entry.at,
                agent,
                it.wallet,
                Status::Active,
                Canonical(it.limits.clone()),
                first_version(&it.limits),
                Amount::ZERO,
            ],
        )?;
        self.add_subject(agent.0, Subject::new(entry.seq, Role::Agent, None, Some(it.wallet)));
        self.enrol(entry, it.key, KeyHolder::Agent(agent), it.public_key)
    }

    fn set_limits(&mut self, it: &SetLimits) -> Result<(), ViewsFault> {
        let (statement, id) = match it.subject {
            LimitSubject::Wallet(id) => {
                ("UPDATE wallets SET limits = ?2, version = version + 1 WHERE id = ?1", id.0)
            }
            LimitSubject::Agent(id) => {
                ("UPDATE agents SET limits = ?2, version = version + 1 WHERE id = ?1", id.0)
            }
            LimitSubject::Mandate(id) => {
                self.watch(id, &it.limits)?;
                ("UPDATE mandates SET limits = ?2, version = version + 1 WHERE id = ?1", id.0)
            }
        };
        self.run_one(statement, stored![id, Canonical(it.limits.clone())])
    }

    /// A mandate begins with what was used under those of the agent that ended, unless the owner says otherwise.
    fn grant(&mut self, entry: &Entry, it: &GrantMandate, touched: &mut Touched) -> Result<(), ViewsFault> {
        let mandate = MandateId(entry.command.id);
        touched.mandate = Some(mandate);
        let ended = self.ended(it.agent)?;
        self.set_ended(it.agent, Spent::default())?;
        let inherited = match it.carry {
            Carry::Inherit => ended,
            Carry::Reset => Spent::default(),
        };
        self.run(
            "INSERT INTO mandates VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 1, ?11, ?12, NULL, 0)",
            stored![
                entry.seq,
                entry.at,
                mandate,
                it.wallet,
                it.agent,
                Status::Active,
                it.valid_from,
                it.expires_at,
                it.document,
                Canonical(it.limits.clone()),
                inherited.amount,
                inherited.uses,
            ],
        )?;
        let mut subject = Subject::new(entry.seq, Role::Mandate, None, Some(it.wallet));
        subject.spent = inherited.amount;
        subject.uses = inherited.uses;
        self.add_subject(mandate.0, subject);
        self.watch(mandate, &it.limits)
    }

    /// A mandate that another one was delegated as. It begins with nothing used.
    fn delegate(&mut self, entry: &Entry, it: &Delegate, touched: &mut Touched) -> Result<(), ViewsFault> {
        let mandate = MandateId(entry.command.id);
        touched.mandate = Some(mandate);
        self.run_one(
            "INSERT INTO mandates SELECT ?1, ?2, ?3, wallet, ?4, ?5, ?6, ?7, ?8, ?9, 1, ?10, 0, id, depth + 1
             FROM mandates WHERE id = ?11",
            stored![
                entry.seq,
                entry.at,
                mandate,
                it.agent,
                Status::Active,
                it.valid_from,
                it.expires_at,
                it.document,
                Canonical(it.limits.clone()),
                Amount::ZERO,
                it.parent,
            ],
        )?;
        let mut subject = Subject::new(entry.seq, Role::Mandate, None, touched.wallet);
        subject.is_delegated = true;
        self.add_subject(mandate.0, subject);
        self.watch(mandate, &it.limits)
    }

    /// Notes which prices a mandate waits for, in place of those it waited for before.
    fn watch(&mut self, mandate: MandateId, limits: &[Limit]) -> Result<(), ViewsFault> {
        self.run("DELETE FROM watches WHERE mandate = ?1", stored![mandate])?;
        for limit in limits {
            if let Limit::PriceAtMost { trigger } = limit {
                self.run(
                    "INSERT OR IGNORE INTO watches VALUES (?1, ?2, ?3)",
                    stored![trigger.payee, trigger.item, mandate],
                )?;
            }
        }
        Ok(())
    }

    /// The latest word of a seller on an item takes the place of the one before.
    fn observe(&mut self, entry: &Entry, it: &Observe, touched: &Touched) -> Result<(), ViewsFault> {
        self.run(
            "INSERT OR REPLACE INTO observations VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            stored![entry.seq, entry.at, touched.payee, it.item, it.price, it.asset, it.stock],
        )?;
        // What the book forgets nobody can buy by.
        self.run(
            "DELETE FROM observations WHERE seq IN
             (SELECT seq FROM observations WHERE payee = ?1 ORDER BY seq DESC LIMIT -1 OFFSET ?2)",
            stored![touched.payee, u64::try_from(OBSERVATIONS_MAX).unwrap_or(u64::MAX)],
        )?;
        Ok(())
    }

    /// The agents whose mandates wait for the price of `item`, and the owners of their wallets; so many at most.
    pub(super) fn watchers(&self, payee: PayeeId, item: Hash) -> Result<Vec<(Role, Id)>, ViewsFault> {
        let mut watchers = Vec::new();
        let mut last = MandateId::default();
        while watchers.len() < VIEWS_WATCHERS_MAX {
            let next = self.find(
                "SELECT t.mandate, m.agent, w.owner FROM watches t JOIN mandates m ON m.id = t.mandate
                 JOIN wallets w ON w.id = m.wallet WHERE t.payee = ?1 AND t.item = ?2 AND ?3 < t.mandate
                 ORDER BY t.mandate LIMIT 1",
                stored![payee, item, last],
                |columns| {
                    let mandate: MandateId = columns.next()?;
                    Ok((mandate, columns.next::<AgentId>()?, columns.next::<OwnerId>()?))
                },
            )?;
            let Some((mandate, agent, owner)) = next else { break };
            last = mandate;
            for watcher in [(Role::Agent, agent.0), (Role::Owner, owner.0)] {
                if !watchers.contains(&watcher) {
                    watchers.push(watcher);
                }
            }
        }
        Ok(watchers)
    }

    fn set_status(&mut self, subject: book::Subject, status: Status) -> Result<(), ViewsFault> {
        let (statement, id) = match subject {
            book::Subject::Owner(id) => ("UPDATE owners SET status = ?2 WHERE id = ?1", id.0),
            book::Subject::Wallet(id) => ("UPDATE wallets SET status = ?2 WHERE id = ?1", id.0),
            book::Subject::Agent(id) => ("UPDATE agents SET status = ?2 WHERE id = ?1", id.0),
            book::Subject::Mandate(id) => {
                // Stopping what is stopped changes nothing: the first time counts.
                self.run(
                    "INSERT INTO changes SELECT id, ?3, ?2 FROM mandates WHERE id = ?1 AND status <> ?2",
                    stored![id, status, self.seq],
                )?;
                ("UPDATE mandates SET status = ?2 WHERE id = ?1", id.0)
            }
            book::Subject::Payee(id) => ("UPDATE payees SET status = ?2 WHERE id = ?1", id.0),
        };
        self.run_one(statement, stored![id, status])
    }

    /// What was used under a mandate that ends waits with the agent for its next one.
    fn revoke(&mut self, subject: book::Subject) -> Result<(), ViewsFault> {
        if let book::Subject::Mandate(mandate) = subject {
            self.watch(mandate, &[])?;
            let found =
                self.find("SELECT agent, status FROM mandates WHERE id = ?1", stored![mandate], |columns| {
                    Ok((columns.next::<AgentId>()?, columns.next::<Status>()?))
                })?;
            let (agent, status) = found.ok_or_else(|| self.disagrees())?;
            let row = *self.subject_mut(Role::Mandate, mandate.0)?;
            // What was used of a delegated one was used of those above it.
            if status != Status::Revoked && !row.is_delegated {
                let mut ended = self.ended(agent)?;
                raise(&mut ended.amount, row.spent, self.seq)?;
                ended.uses = ended.uses.saturating_add(row.uses);
                self.set_ended(agent, ended)?;
            }
        }
        self.set_status(subject, Status::Revoked)
    }

    fn ended(&self, agent: AgentId) -> Result<Spent, ViewsFault> {
        let found = self.find(
            "SELECT ended_spent, ended_uses FROM agents WHERE id = ?1",
            stored![agent],
            |columns| Ok(Spent { amount: columns.next()?, uses: columns.next()? }),
        )?;
        found.ok_or_else(|| self.disagrees())
    }

    fn set_ended(&self, agent: AgentId, ended: Spent) -> Result<(), ViewsFault> {
        self.run_one(
            "UPDATE agents SET ended_spent = ?2, ended_uses = ?3 WHERE id = ?1",
            stored![agent, ended.amount, ended.uses],
        )
    }

    /// Notes a question for the owner of the wallet that would pay.
    pub(super) fn ask(
        &mut self,
        entry: &Entry,
        question: &Question,
        touched: &Touched,
    ) -> Result<(), ViewsFault> {
        let Some((purchase, form)) = Form::of(&entry.command.action) else {
            return Err(self.disagrees());
        };
        self.run(
            "INSERT INTO questions VALUES
             (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 1, NULL, NULL, NULL, ?12, ?13)",
            stored![
                entry.seq,
                entry.at,
                entry.command.id,
                form,
                touched.owner,
                purchase.wallet,
                touched.agent,
                Canonical(purchase.clone()),
                question.digest,
                Canonical(question.ask),
                Canonical(question.rule),
                asked_terms(&entry.command.action).map(Canonical),
                asked_link(&entry.command.action).map(Canonical),
            ],
        )?;
        Ok(())
    }
}

fn first_version(limits: &[Limit]) -> u32 {
    u32::from(!limits.is_empty())
}
