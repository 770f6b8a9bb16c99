//! Reads: the rows that answers to questions are made of, computed from the journal by a follower.
//!
//! Each read says for whom it is: what belongs to somebody else is absent, exactly as if it did not exist.

use crate::answer::{PurchaseKind, purchase_kind};
use crate::directory::Holder;
use book::freeze::Status;
use book::open::Balance;
use book::{
    Account, Action, Actor, AgentId, Amount, Asset, Book, Entry, Id, Limit, LimitSubject, MandateId, Outcome,
    OwnerId, PayeeId, Purchase, Question, Seq, Subject, WalletId,
};
use engine::{Follower, FollowerFault};
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

mod rows;

pub use rows::*;

/// Every row. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Reads(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    rows: Mutex<Rows>,
    moved: Condvar,
}

#[derive(Debug, Default)]
struct Rows {
    book: Book,
    owners: BTreeMap<Id, Status>,
    wallets: BTreeMap<Id, WalletRow>,
    agents: BTreeMap<Id, AgentRow>,
    mandates: BTreeMap<Id, MandateRow>,
    payees: BTreeMap<Id, PayeeRow>,
    purchases: BTreeMap<Id, PurchaseRow>,
    questions: BTreeMap<Id, (Question, QuestionStatus)>,
    transfers: BTreeMap<Id, TransferRow>,
}

impl Reads {
    /// The follower that fills them.
    pub fn follower(&self) -> ReadsFollower {
        ReadsFollower(self.clone())
    }

    /// The place of the next entry they want.
    pub fn position(&self) -> Seq {
        self.rows().book.head().seq
    }

    /// Waits until everything before `seq` is in the rows, or the time is over.
    pub fn wait(&self, seq: Seq, most: Duration) {
        let end = Instant::now() + most;
        let mut rows = self.rows();
        while rows.book.head().seq < seq {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            rows = self.0.moved.wait_timeout(rows, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The assets, with the accounts of the world and of the fees.
    pub fn assets(&self) -> Vec<(Asset, Balance, Balance)> {
        self.rows().book.assets().collect()
    }

    /// A wallet, if `viewer` may see it.
    pub fn wallet(&self, viewer: Holder, id: WalletId) -> Option<WalletRow> {
        let rows = self.rows();
        let row = rows.wallets.get(&id.0).filter(|row| rows.sees_wallet(viewer, row))?;
        Some(rows.with_money(row))
    }

    /// The wallets that `viewer` may see, newest first.
    pub fn wallets(&self, viewer: Holder, window: Window<Id>) -> Vec<WalletRow> {
        let rows = self.rows();
        let seen = |row: &&WalletRow| rows.sees_wallet(viewer, row);
        newest(&rows.wallets, window, seen).map(|row| rows.with_money(row)).collect()
    }

    /// An agent, if `viewer` may see it.
    pub fn agent(&self, viewer: Holder, id: AgentId) -> Option<AgentRow> {
        self.rows().agents.get(&id.0).filter(|row| sees(viewer, row.owner, Some(row.id))).cloned()
    }

    /// The agents that `viewer` may see, newest first.
    pub fn agents(&self, viewer: Holder, window: Window<Id>) -> Vec<AgentRow> {
        let rows = self.rows();
        newest(&rows.agents, window, |row| sees(viewer, row.owner, Some(row.id))).cloned().collect()
    }

    /// A mandate, if `viewer` may see it.
    pub fn mandate(&self, viewer: Holder, id: MandateId) -> Option<MandateRow> {
        self.rows().mandates.get(&id.0).filter(|row| sees(viewer, row.owner, Some(row.agent))).cloned()
    }

    /// The mandates that `viewer` may see, newest first.
    pub fn mandates(&self, viewer: Holder, window: Window<Id>) -> Vec<MandateRow> {
        let rows = self.rows();
        newest(&rows.mandates, window, |row| sees(viewer, row.owner, Some(row.agent))).cloned().collect()
    }

    /// A payee. Everybody may see whom they could pay; the money only the payee and the operator.
    pub fn payee(&self, viewer: Holder, id: PayeeId) -> Option<PayeeRow> {
        let rows = self.rows();
        rows.payees.get(&id.0).map(|row| rows.payee_for(viewer, row))
    }

    /// The payees, newest first.
    pub fn payees(&self, viewer: Holder, window: Window<Id>) -> Vec<PayeeRow> {
        let rows = self.rows();
        newest(&rows.payees, window, |_| true).map(|row| rows.payee_for(viewer, row)).collect()
    }

    /// What is bought by a payment, hold or meter, whoever asks.
    pub fn purchase(&self, id: Id) -> Option<(Purchase, PurchaseKind)> {
        self.rows().purchases.get(&id).map(|row| (row.purchase.clone(), row.kind))
    }

    /// A payment, hold or meter, if `viewer` may see it.
    pub fn purchase_row(&self, viewer: Holder, id: Id) -> Option<PurchaseRow> {
        self.rows().purchases.get(&id).filter(|row| sees_purchase(viewer, row)).cloned()
    }

    /// The payments, holds or meters that `viewer` may see, newest first.
    pub fn purchases(&self, viewer: Holder, kinds: &[PurchaseKind], window: Window<Id>) -> Vec<PurchaseRow> {
        let rows = self.rows();
        let seen = |row: &&PurchaseRow| kinds.contains(&row.kind) && sees_purchase(viewer, row);
        newest(&rows.purchases, window, seen).cloned().collect()
    }

    /// The questions that `viewer` may see, newest first.
    pub fn questions(&self, viewer: Holder, window: Window<Id>) -> Vec<QuestionRow> {
        let rows = self.rows();
        let seen = |row: &&PurchaseRow| rows.questions.contains_key(&row.id) && sees_purchase(viewer, row);
        let asked = newest(&rows.purchases, window, seen);
        asked
            .filter_map(|row| {
                let (question, status) = *rows.questions.get(&row.id)?;
                Some(QuestionRow { purchase: row.clone(), question, status })
            })
            .collect()
    }

    /// The transfers that `viewer` may see, newest first.
    pub fn transfers(&self, viewer: Holder, window: Window<Id>) -> Vec<TransferRow> {
        let rows = self.rows();
        newest(&rows.transfers, window, |row| rows.sees_transfer(viewer, row)).cloned().collect()
    }

    /// Whether `viewer` may see an entry.
    pub fn sees_entry(&self, viewer: Holder, entry: &Entry) -> bool {
        let rows = self.rows();
        let by_viewer = match (viewer, entry.command.by) {
            (Holder::Operator, _) => true,
            (Holder::Owner(owner), Actor::Owner { owner: by, .. }) => owner == by,
            (Holder::Agent(agent), Actor::Agent { agent: by, .. }) => agent == by,
            (Holder::Payee(payee), Actor::Payee { payee: by, .. }) => payee == by,
            (_, _) => false,
        };
        by_viewer || rows.concerns(viewer, entry)
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.0.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn newest<'a, R>(
    rows: &'a BTreeMap<Id, R>,
    window: Window<Id>,
    seen: impl Fn(&&'a R) -> bool + 'a,
) -> impl Iterator<Item = &'a R> {
    let end = window.after.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
    let before = rows.range((std::ops::Bound::Unbounded, end)).rev();
    before.map(|(_, row)| row).filter(seen).take(window.limit)
}

fn sees(viewer: Holder, owner: Option<OwnerId>, agent: Option<AgentId>) -> bool {
    match viewer {
        Holder::Operator => true,
        Holder::Owner(viewer) => owner == Some(viewer),
        Holder::Agent(viewer) => agent == Some(viewer),
        Holder::Payee(_) => false,
    }
}

fn sees_purchase(viewer: Holder, row: &PurchaseRow) -> bool {
    let collects = |payee| {
        let made = !matches!(row.status, PurchaseStatus::Asked | PurchaseStatus::Denied);
        made && payees_of(&row.purchase).contains(&payee)
    };
    sees(viewer, row.owner, row.agent) || matches!(viewer, Holder::Payee(payee) if collects(payee))
}

/// Who collects.
pub fn payees_of(purchase: &Purchase) -> Vec<PayeeId> {
    match &purchase.to {
        book::Payees::One(payee) => vec![*payee],
        book::Payees::Split(split) => split.shares.iter().map(|share| share.payee).collect(),
    }
}

impl Rows {
    fn sees_wallet(&self, viewer: Holder, row: &WalletRow) -> bool {
        match viewer {
            Holder::Operator | Holder::Owner(_) | Holder::Payee(_) => sees(viewer, Some(row.owner), None),
            Holder::Agent(agent) => {
                let home = self.agents.get(&agent.0).map(|agent| agent.wallet);
                row.sub.map_or(home == Some(row.id), |(_, of)| of == agent)
            }
        }
    }

    fn sees_transfer(&self, viewer: Holder, row: &TransferRow) -> bool {
        let of = |account| match (viewer, account) {
            (Holder::Operator, _) => true,
            (Holder::Owner(owner), Account::Wallet(id)) => self.owner_of(id) == Some(owner),
            (Holder::Owner(owner), Account::Payee(id)) => {
                self.payees.get(&id.0).and_then(|payee| payee.registered.owner) == Some(owner)
            }
            (Holder::Payee(payee), Account::Payee(id)) => payee == id,
            (_, _) => false,
        };
        of(row.transfer.from) || of(row.transfer.to)
    }

    fn concerns(&self, viewer: Holder, entry: &Entry) -> bool {
        let of_purchase = |id: Id| self.purchases.get(&id).is_some_and(|row| sees_purchase(viewer, row));
        let of_wallet =
            |id: WalletId| self.wallets.get(&id.0).is_some_and(|row| self.sees_wallet(viewer, row));
        match &entry.command.action {
            Action::Pay(_) | Action::PlaceHold(_) | Action::OpenMeter(_) => of_purchase(entry.command.id),
            Action::Capture(it) => of_purchase(it.hold.0),
            Action::Void(it) => of_purchase(it.hold.0),
            Action::Expire(it) => of_purchase(it.hold.0),
            Action::Redeem(it) => of_purchase(it.hold.0),
            Action::Refund(it) => of_purchase(it.payment),
            Action::Charge(it) => of_purchase(it.meter.0),
            Action::CloseMeter(it) => of_purchase(it.meter.0),
            Action::Approve(it) => of_purchase(it.question),
            Action::Refuse(it) => of_purchase(it.question),
            Action::OpenWallet(_) => of_wallet(WalletId(entry.command.id)),
            Action::OpenSubAccount(_) => of_wallet(WalletId(entry.command.id)),
            Action::CloseWallet(it) => of_wallet(it.wallet),
            Action::EnrolAgent(it) => of_wallet(it.wallet),
            Action::GrantMandate(it) => of_wallet(it.wallet),
            Action::Transfer(_) => {
                self.transfers.get(&entry.command.id).is_some_and(|row| self.sees_transfer(viewer, row))
            }
            Action::OpenBook(_) | Action::RegisterAsset(_) => true,
            Action::RegisterOwner(_) => matches!(viewer, Holder::Owner(owner) if owner.0 == entry.command.id),
            Action::RegisterPayee(_) => matches!(viewer, Holder::Payee(payee) if payee.0 == entry.command.id),
            Action::Freeze(book::Freeze { subject })
            | Action::Unfreeze(book::Unfreeze { subject })
            | Action::Revoke(book::Revoke { subject }) => match *subject {
                Subject::Owner(owner) => matches!(viewer, Holder::Owner(viewer) if viewer == owner),
                Subject::Wallet(id) => of_wallet(id),
                Subject::Agent(id) => {
                    self.agents.get(&id.0).is_some_and(|row| sees(viewer, row.owner, Some(row.id)))
                }
                Subject::Mandate(id) => {
                    self.mandates.get(&id.0).is_some_and(|row| sees(viewer, row.owner, Some(row.agent)))
                }
                Subject::Payee(id) => matches!(viewer, Holder::Payee(viewer) if viewer == id),
            },
            Action::SetLimits(it) => match it.subject {
                LimitSubject::Wallet(id) => of_wallet(id),
                LimitSubject::Agent(id) => {
                    self.agents.get(&id.0).is_some_and(|row| sees(viewer, row.owner, Some(row.id)))
                }
                LimitSubject::Mandate(id) => {
                    self.mandates.get(&id.0).is_some_and(|row| sees(viewer, row.owner, Some(row.agent)))
                }
            },
            Action::EnrolKey(_) | Action::RevokeKey(_) | Action::Present(_) => false,
        }
    }

    fn with_money(&self, row: &WalletRow) -> WalletRow {
        WalletRow { money: self.book.wallet_balance(row.id), ..row.clone() }
    }

    fn payee_for(&self, viewer: Holder, row: &PayeeRow) -> PayeeRow {
        let may_see = match viewer {
            Holder::Operator => true,
            Holder::Payee(payee) => payee == row.id,
            Holder::Owner(owner) => row.registered.owner == Some(owner),
            Holder::Agent(_) => false,
        };
        let money = self.book.payee_balance(row.id).filter(|_| may_see);
        PayeeRow { money, ..row.clone() }
    }

    fn owner_of(&self, wallet: WalletId) -> Option<OwnerId> {
        self.wallets.get(&wallet.0).map(|row| row.owner)
    }

    fn take(&mut self, entry: &Entry) {
        let (id, done) = (entry.command.id, entry.outcome == Outcome::Done);
        if let Some((purchase, kind)) = purchase_kind(&entry.command.action) {
            let (purchase, kind) = (purchase.clone(), kind);
            self.take_purchase(entry, purchase, kind);
        }
        match &entry.command.action {
            Action::RegisterOwner(_) if done => {
                self.owners.insert(id, Status::Active);
            }
            Action::OpenWallet(it) if done => {
                let row = wallet_row(WalletId(id), it.owner, None, &it.limits);
                self.wallets.insert(id, row);
            }
            Action::OpenSubAccount(it) if done => {
                if let Some(owner) = self.owner_of(it.wallet) {
                    let row = wallet_row(WalletId(id), owner, Some((it.wallet, it.agent)), &it.limits);
                    self.wallets.insert(id, row);
                }
            }
            Action::CloseWallet(it) if done => {
                if let Some(row) = self.wallets.get_mut(&it.wallet.0) {
                    row.status = Status::Revoked;
                }
            }
            Action::RegisterPayee(it) if done => {
                let registered = it.clone();
                let row = PayeeRow { id: PayeeId(id), registered, status: Status::Active, money: None };
                self.payees.insert(id, row);
            }
            Action::EnrolAgent(it) if done => {
                let row = AgentRow {
                    id: AgentId(id),
                    wallet: it.wallet,
                    owner: self.owner_of(it.wallet),
                    status: Status::Active,
                    limits: (it.limits.clone(), u32::from(!it.limits.is_empty())),
                };
                self.agents.insert(id, row);
            }
            Action::GrantMandate(it) if done => {
                let row = MandateRow {
                    id: MandateId(id),
                    wallet: it.wallet,
                    owner: self.owner_of(it.wallet),
                    agent: it.agent,
                    status: Status::Active,
                    valid_from: it.valid_from,
                    expires_at: it.expires_at,
                    limits: (it.limits.clone(), 1),
                };
                self.mandates.insert(id, row);
            }
            Action::SetLimits(it) if done => {
                let limits = (it.limits.clone(), it.version.saturating_add(1));
                match it.subject {
                    LimitSubject::Wallet(id) => self.wallets.get_mut(&id.0).map(|row| row.limits = limits),
                    LimitSubject::Agent(id) => self.agents.get_mut(&id.0).map(|row| row.limits = limits),
                    LimitSubject::Mandate(id) => self.mandates.get_mut(&id.0).map(|row| row.limits = limits),
                };
            }
            Action::Freeze(it) if done => self.set_status(it.subject, Status::Frozen),
            Action::Unfreeze(it) if done => self.set_status(it.subject, Status::Active),
            Action::Revoke(it) if done => self.set_status(it.subject, Status::Revoked),
            Action::Approve(it) if done => self.answer(it.question, QuestionStatus::Approved(it.until)),
            Action::Refuse(it) if done => self.answer(it.question, QuestionStatus::Refused),
            Action::Transfer(it) => {
                let transfer = it.clone();
                self.transfers.insert(id, TransferRow { seq: entry.seq, at: entry.at, id, transfer, done });
            }
            Action::Redeem(it) if done => {
                if let Some(row) = self.purchases.get_mut(&it.hold.0) {
                    row.redeemed = Some((it.delivery, entry.seq));
                }
            }
            Action::OpenBook(_)
            | Action::RegisterAsset(_)
            | Action::RegisterOwner(_)
            | Action::EnrolKey(_)
            | Action::RevokeKey(_)
            | Action::OpenWallet(_)
            | Action::OpenSubAccount(_)
            | Action::CloseWallet(_)
            | Action::RegisterPayee(_)
            | Action::EnrolAgent(_)
            | Action::SetLimits(_)
            | Action::GrantMandate(_)
            | Action::Freeze(_)
            | Action::Unfreeze(_)
            | Action::Revoke(_)
            | Action::Approve(_)
            | Action::Refuse(_)
            | Action::Pay(_)
            | Action::PlaceHold(_)
            | Action::Capture(_)
            | Action::Void(_)
            | Action::Expire(_)
            | Action::Refund(_)
            | Action::OpenMeter(_)
            | Action::Charge(_)
            | Action::CloseMeter(_)
            | Action::Redeem(_)
            | Action::Present(_) => self.take_movement(entry),
        }
    }

    fn take_movement(&mut self, entry: &Entry) {
        let (hold, last) = match &entry.command.action {
            Action::Capture(it) => (it.hold.0, it.last),
            Action::Void(it) => (it.hold.0, true),
            Action::Expire(it) => (it.hold.0, true),
            Action::CloseMeter(it) => (it.meter.0, true),
            Action::Refund(it) => (it.payment, false),
            Action::OpenBook(_)
            | Action::RegisterAsset(_)
            | Action::RegisterOwner(_)
            | Action::EnrolKey(_)
            | Action::RevokeKey(_)
            | Action::OpenWallet(_)
            | Action::OpenSubAccount(_)
            | Action::CloseWallet(_)
            | Action::RegisterPayee(_)
            | Action::EnrolAgent(_)
            | Action::SetLimits(_)
            | Action::GrantMandate(_)
            | Action::Freeze(_)
            | Action::Unfreeze(_)
            | Action::Revoke(_)
            | Action::Approve(_)
            | Action::Refuse(_)
            | Action::Transfer(_)
            | Action::Pay(_)
            | Action::PlaceHold(_)
            | Action::OpenMeter(_)
            | Action::Charge(_)
            | Action::Redeem(_)
            | Action::Present(_) => return,
        };
        let expired = matches!(entry.command.action, Action::Expire(_));
        let Some(row) = self.purchases.get_mut(&hold) else { return };
        match &entry.outcome {
            Outcome::Captured(moved) => {
                row.captured = row.captured.checked_add(moved.amount).unwrap_or(row.captured);
                if last || row.captured == row.purchase.amount {
                    row.status = PurchaseStatus::Captured;
                }
            }
            Outcome::Settled(settled) => {
                row.captured = settled.moved.amount;
                row.status = PurchaseStatus::Captured;
            }
            Outcome::Released(_) if expired => row.status = PurchaseStatus::Expired,
            Outcome::Released(_) => row.status = PurchaseStatus::Released,
            Outcome::Refunded(_) => {
                if let Action::Refund(it) = &entry.command.action {
                    row.refunded = row.refunded.checked_add(it.amount).unwrap_or(row.refunded);
                }
            }
            Outcome::Done
            | Outcome::Paid(_)
            | Outcome::Held(_)
            | Outcome::Charged(_)
            | Outcome::Asked(_)
            | Outcome::Denied(_) => {}
        }
    }

    fn take_purchase(&mut self, entry: &Entry, purchase: Purchase, kind: PurchaseKind) {
        let id = entry.command.id;
        let (status, code) = match &entry.outcome {
            Outcome::Paid(_) => (PurchaseStatus::Paid, None),
            Outcome::Asked(question) => {
                self.questions.insert(id, (*question, QuestionStatus::Waiting));
                (PurchaseStatus::Asked, Some(question.ask.code()))
            }
            Outcome::Denied(refusal) => (PurchaseStatus::Denied, Some(refusal.denial.code())),
            Outcome::Done
            | Outcome::Held(_)
            | Outcome::Captured(_)
            | Outcome::Released(_)
            | Outcome::Refunded(_)
            | Outcome::Charged(_)
            | Outcome::Settled(_) => (PurchaseStatus::Held, None),
        };
        if !matches!(status, PurchaseStatus::Denied | PurchaseStatus::Asked)
            && let Some(question) = purchase.approval
        {
            self.answer(question, QuestionStatus::Used);
        }
        let agent = match entry.command.by {
            Actor::Agent { agent, .. } => Some(agent),
            Actor::Operator { .. } | Actor::Owner { .. } | Actor::Payee { .. } | Actor::Book => None,
        };
        let expires_at = match &entry.command.action {
            Action::PlaceHold(it) => Some(it.expires_at),
            Action::OpenMeter(it) => Some(it.expires_at),
            Action::OpenBook(_)
            | Action::RegisterAsset(_)
            | Action::RegisterOwner(_)
            | Action::EnrolKey(_)
            | Action::RevokeKey(_)
            | Action::OpenWallet(_)
            | Action::OpenSubAccount(_)
            | Action::CloseWallet(_)
            | Action::RegisterPayee(_)
            | Action::EnrolAgent(_)
            | Action::SetLimits(_)
            | Action::GrantMandate(_)
            | Action::Freeze(_)
            | Action::Unfreeze(_)
            | Action::Revoke(_)
            | Action::Approve(_)
            | Action::Refuse(_)
            | Action::Transfer(_)
            | Action::Pay(_)
            | Action::Capture(_)
            | Action::Void(_)
            | Action::Expire(_)
            | Action::Refund(_)
            | Action::Charge(_)
            | Action::CloseMeter(_)
            | Action::Redeem(_)
            | Action::Present(_) => None,
        };
        let captured = if status == PurchaseStatus::Paid { purchase.amount } else { Amount::ZERO };
        let row = PurchaseRow {
            seq: entry.seq,
            at: entry.at,
            id,
            kind,
            status,
            code,
            owner: self.owner_of(purchase.wallet),
            agent,
            purchase,
            expires_at,
            captured,
            refunded: Amount::ZERO,
            redeemed: None,
        };
        self.purchases.insert(id, row);
    }

    fn answer(&mut self, question: Id, status: QuestionStatus) {
        if let Some(row) = self.questions.get_mut(&question) {
            row.1 = status;
        }
    }

    fn set_status(&mut self, subject: Subject, status: Status) {
        match subject {
            Subject::Owner(id) => self.owners.get_mut(&id.0).map(|row| *row = status),
            Subject::Wallet(id) => self.wallets.get_mut(&id.0).map(|row| row.status = status),
            Subject::Agent(id) => self.agents.get_mut(&id.0).map(|row| row.status = status),
            Subject::Mandate(id) => self.mandates.get_mut(&id.0).map(|row| row.status = status),
            Subject::Payee(id) => self.payees.get_mut(&id.0).map(|row| row.status = status),
        };
    }
}

fn wallet_row(id: WalletId, owner: OwnerId, sub: Option<(WalletId, AgentId)>, limits: &[Limit]) -> WalletRow {
    let version = u32::from(!limits.is_empty());
    WalletRow { id, owner, sub, status: Status::Active, limits: (limits.to_vec(), version), money: None }
}

/// Reads the journal into the rows.
#[derive(Debug)]
pub struct ReadsFollower(Reads);

impl Follower for ReadsFollower {
    fn name(&self) -> &'static str {
        "reads"
    }

    fn position(&self) -> Seq {
        self.0.position()
    }

    fn handle(&mut self, first: Seq, entries: &[&[u8]]) -> Result<(), FollowerFault> {
        let mut rows = self.0.rows();
        let mut seq = first;
        for bytes in entries {
            if rows.book.head().seq == seq {
                let entry = rows.book.replay(bytes).map_err(|fault| FollowerFault(fault.to_string()))?;
                rows.take(&entry);
            }
            seq = seq.next();
        }
        drop(rows);
        self.0.0.moved.notify_all();
        Ok(())
    }
}
