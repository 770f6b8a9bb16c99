//! The directory: who holds which key, and which assets there are. Filled from the journal, all in memory.
//!
//! It only says whom a signature would be of. Whether a key still counts for a change is decided by the book.

mod saved;

use book::{Action, Asset, Code, Command, Entry, KeyHolder, KeyId, Outcome, PayeeId, PublicKeyBytes, Seq};
use book::{AgentId, OwnerId};
use engine::{Follower, FollowerFault};
use evidence::PublicKey;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Whether a key was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStatus {
    /// It was not.
    Active,
    /// It was.
    Revoked,
}

/// A key that was enrolled.
#[derive(Clone, Debug)]
pub struct Enrolled {
    /// Whom it speaks for.
    pub holder: KeyHolder,
    /// The key, with the work that depends on it alone done.
    pub key: Arc<PublicKey>,
    /// Whether it was revoked.
    pub status: KeyStatus,
}

/// Every key and asset of the book. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Directory(Arc<RwLock<Known>>);

#[derive(Debug, Default)]
struct Known {
    keys: HashMap<KeyId, Enrolled>,
    /// The keys of each seller: demands are checked with them.
    of_payees: HashMap<PayeeId, Vec<KeyId>>,
    assets: Vec<Asset>,
    next: Seq,
}

impl Directory {
    /// The key of that name.
    pub fn key(&self, id: KeyId) -> Option<Enrolled> {
        self.read().keys.get(&id).cloned()
    }

    /// The active keys of one seller.
    pub fn keys_of_payee(&self, payee: PayeeId) -> Vec<(KeyId, Arc<PublicKey>)> {
        let known = self.read();
        let of_payee = known.of_payees.get(&payee).into_iter().flatten();
        let active = of_payee.filter_map(|id| {
            let enrolled = known.keys.get(id).filter(|enrolled| enrolled.status == KeyStatus::Active)?;
            Some((*id, enrolled.key.clone()))
        });
        active.collect()
    }

    /// The asset with that code.
    pub fn asset(&self, code: Code) -> Option<Asset> {
        self.read().assets.iter().find(|asset| asset.code == code).copied()
    }

    /// The assets in the order they were registered.
    pub fn assets(&self) -> Vec<Asset> {
        self.read().assets.clone()
    }

    /// The place of the next entry it wants.
    pub fn position(&self) -> Seq {
        self.read().next
    }

    /// Learns from what was recorded at once, so that whoever asked for it can use it. The follower sees it again.
    pub fn learn(&self, command: &Command, outcome: &Outcome) {
        // Payments and holds teach nothing, and shall not wait for the lock.
        if *outcome != Outcome::Done {
            return;
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.learn(command, outcome);
    }

    /// Learns from the entries of a journal while it is read, in order.
    pub fn learn_next(&self, entry: &Entry) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.learn(&entry.command, &entry.outcome);
        known.next = entry.seq.next();
    }

    /// The follower that fills it.
    pub fn follower(&self) -> DirectoryFollower {
        DirectoryFollower(self.clone())
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Known> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn learn(&mut self, command: &Command, outcome: &Outcome) {
        if *outcome != Outcome::Done {
            return;
        }
        let id = command.id;
        match &command.action {
            Action::OpenBook(it) => self.enrol(it.key, KeyHolder::Operator, &it.public_key),
            Action::RegisterOwner(it) => self.enrol(it.key, KeyHolder::Owner(OwnerId(id)), &it.public_key),
            Action::EnrolAgent(it) => self.enrol(it.key, KeyHolder::Agent(AgentId(id)), &it.public_key),
            Action::RegisterPayee(it) => {
                if let Some((key, public_key)) = &it.key {
                    self.enrol(*key, KeyHolder::Payee(PayeeId(id)), public_key);
                }
            }
            Action::EnrolKey(it) => {
                self.enrol(KeyId(id), it.holder, &it.public_key);
            }
            Action::RevokeKey(it) => {
                if let Some(enrolled) = self.keys.get_mut(&it.key) {
                    enrolled.status = KeyStatus::Revoked;
                }
            }
            Action::RegisterAsset(it) => {
                let known = self.assets.iter().any(|asset| asset.code == it.code);
                self.assets.extend(Asset::new(it.code, it.scale).filter(|_| !known));
            }
            Action::OpenWallet(_)
            | Action::OpenSubAccount(_)
            | Action::CloseWallet(_)
            | Action::SetLimits(_)
            | Action::GrantMandate(_)
            | Action::Delegate(_)
            | Action::Freeze(_)
            | Action::Unfreeze(_)
            | Action::Revoke(_)
            | Action::Approve(_)
            | Action::Refuse(_)
            | Action::Transfer(_)
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
            | Action::Present(_)
            | Action::Observe(_)
            | Action::ApproveAlike(_)
            | Action::GrantQuota(_)
            | Action::Deduct(_)
            | Action::Restore(_)
            | Action::Allot(_)
            | Action::Reclaim(_)
            | Action::OpenChannel(_)
            | Action::Claim(_)
            | Action::Subscribe(_)
            | Action::Renew(_)
            | Action::ChangePlan(_)
            | Action::CancelSubscription(_)
            | Action::OpenLink(_)
            | Action::PayLink(_)
            | Action::CloseLink(_)
            | Action::PlaceEscrow(_)
            | Action::Dispute(_)
            | Action::SetDestination(_)
            | Action::RequestPayout(_)
            | Action::AdvancePayout(_)
            | Action::IssueInvoice(_)
            | Action::IssueCreditNote(_) => {}
        }
    }

    fn enrol(&mut self, id: KeyId, holder: KeyHolder, bytes: &PublicKeyBytes) {
        // The border has checked the key before it was enrolled; a journal with another one names nobody.
        if let Some(key) = parse_key(bytes).filter(|_| !self.keys.contains_key(&id)) {
            self.keys.insert(id, Enrolled { holder, key: Arc::new(key), status: KeyStatus::Active });
            if let KeyHolder::Payee(payee) = holder {
                self.of_payees.entry(payee).or_default().push(id);
            }
        }
    }
}

pub(crate) fn parse_key(bytes: &PublicKeyBytes) -> Option<PublicKey> {
    match bytes {
        PublicKeyBytes::Ed25519(bytes) => PublicKey::ed25519(bytes).ok(),
        PublicKeyBytes::Es256(bytes) => {
            let (x, y) = bytes.split_first_chunk::<32>()?;
            PublicKey::es256(x, y).ok()
        }
    }
}

/// Reads the journal into the directory.
#[derive(Debug)]
pub struct DirectoryFollower(Directory);

impl Follower for DirectoryFollower {
    fn name(&self) -> &'static str {
        "directory"
    }

    fn position(&self) -> Seq {
        self.0.position()
    }

    fn handle(&mut self, first: Seq, entries: &[&[u8]]) -> Result<(), FollowerFault> {
        let mut seq = first;
        for bytes in entries {
            let entry = Entry::from_bytes(bytes).map_err(|fault| FollowerFault(fault.to_string()))?;
            let mut known = self.0.0.write().unwrap_or_else(PoisonError::into_inner);
            known.learn(&entry.command, &entry.outcome);
            seq = seq.next();
            known.next = known.next.max(seq);
        }
        Ok(())
    }
}
