//! The rows that lists are made of, as the journal tells them.

use crate::answer::PurchaseKind;
use book::freeze::Status;
use book::open::Balance;
use book::{
    AgentId, Amount, Asset, Id, Limit, MandateId, OwnerId, PayeeId, Purchase, Question, RegisterPayee, Seq,
    Time, Transfer, WalletId,
};

/// A wallet or sub-account.
#[derive(Clone, Debug)]
pub struct WalletRow {
    /// Its name.
    pub id: WalletId,
    /// Whose.
    pub owner: OwnerId,
    /// Of a sub-account: the wallet it belongs to, and its agent.
    pub sub: Option<(WalletId, AgentId)>,
    /// Whether it takes part; closed is revoked.
    pub status: Status,
    /// Its limits, and which version of them.
    pub limits: (Vec<Limit>, u32),
    /// Its asset and money.
    pub money: Option<(Asset, Balance)>,
}

/// An agent.
#[derive(Clone, Debug)]
pub struct AgentRow {
    /// Its name.
    pub id: AgentId,
    /// The wallet it spends from.
    pub wallet: WalletId,
    /// Whose wallet that is.
    pub owner: Option<OwnerId>,
    /// Whether it takes part.
    pub status: Status,
    /// Its limits, and which version of them.
    pub limits: (Vec<Limit>, u32),
}

/// A mandate.
#[derive(Clone, Debug)]
pub struct MandateRow {
    /// Its name.
    pub id: MandateId,
    /// From which wallet.
    pub wallet: WalletId,
    /// Whose wallet that is.
    pub owner: Option<OwnerId>,
    /// To which agent.
    pub agent: AgentId,
    /// Whether it takes part.
    pub status: Status,
    /// From when.
    pub valid_from: Time,
    /// Until when, exclusive.
    pub expires_at: Time,
    /// Its limits, and which version of them.
    pub limits: (Vec<Limit>, u32),
}

/// A payee.
#[derive(Clone, Debug)]
pub struct PayeeRow {
    /// Its name.
    pub id: PayeeId,
    /// As it was registered.
    pub registered: RegisterPayee,
    /// Whether it takes part.
    pub status: Status,
    /// Its asset and money.
    pub money: Option<(Asset, Balance)>,
}

/// Where a purchase stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PurchaseStatus {
    /// Paid at once.
    Paid,
    /// Set aside.
    Held,
    /// Over: captured for the last time, or settled.
    Captured,
    /// Over: given back.
    Released,
    /// Over: its time was.
    Expired,
    /// The owner is asked.
    Asked,
    /// A rule said no.
    Denied,
}

/// A payment, a hold or a meter, also one that was denied or asked about.
#[derive(Clone, Debug)]
pub struct PurchaseRow {
    /// The entry that decided it.
    pub seq: Seq,
    /// When.
    pub at: Time,
    /// Its name.
    pub id: Id,
    /// How it is paid.
    pub kind: PurchaseKind,
    /// Where it stands.
    pub status: PurchaseStatus,
    /// Why it was denied or asked about.
    pub code: Option<&'static str>,
    /// Whose wallet pays.
    pub owner: Option<OwnerId>,
    /// The agent that asked.
    pub agent: Option<AgentId>,
    /// What is bought.
    pub purchase: Purchase,
    /// When a hold ends by itself.
    pub expires_at: Option<Time>,
    /// What the payees got.
    pub captured: Amount,
    /// What went back after it was paid.
    pub refunded: Amount,
    /// What it was redeemed for, and by which entry.
    pub redeemed: Option<(evidence::Hash, Seq)>,
}

/// What became of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuestionStatus {
    /// The owner has not answered.
    Waiting,
    /// Good until then.
    Approved(Time),
    /// The owner said no.
    Refused,
    /// The approval was used.
    Used,
}

/// A question that was put to an owner.
#[derive(Clone, Debug)]
pub struct QuestionRow {
    /// The purchase that raised it.
    pub purchase: PurchaseRow,
    /// What was asked.
    pub question: Question,
    /// What became of it.
    pub status: QuestionStatus,
}

/// A transfer.
#[derive(Clone, Debug)]
pub struct TransferRow {
    /// The entry that decided it.
    pub seq: Seq,
    /// When.
    pub at: Time,
    /// Its name.
    pub id: Id,
    /// From where to where.
    pub transfer: Transfer,
    /// Whether it was done.
    pub done: bool,
}

/// Which items of a list.
#[derive(Clone, Copy, Debug)]
pub struct Window<K> {
    /// Behind this one; from the newest on where there is none.
    pub after: Option<K>,
    /// How many.
    pub limit: usize,
}
