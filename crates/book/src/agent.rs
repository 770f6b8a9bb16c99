//! Agents and keys: the programs that spend, and the public keys that speak for anybody.

use crate::book::{Book, Decision};
use crate::canon::{Canon, Malformed, Reader, canon_enum, canon_struct};
use crate::command::Actor;
use crate::entry::{Denial, Outcome, Reject};
use crate::freeze::Status;
use crate::id::{AgentId, Id, KeyId, OwnerId, PayeeId, WalletId};
use crate::limit::{Limit, Policy, Usage};
use crate::limits::{AHEAD_NANOS_MAX, NONCES_MAX};
use crate::open::deny;
use crate::table::Slot;
use crate::time::Time;
use evidence::Hash;

/// A public key as it was enrolled. The border has checked that it is neither weak nor misspelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublicKeyBytes {
    /// 32 bytes of an Ed25519 key, as in RFC 8032.
    Ed25519([u8; 32]),
    /// The two coordinates of a P-256 key, as in RFC 7518.
    Es256([u8; 64]),
}

impl Canon for PublicKeyBytes {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            PublicKeyBytes::Ed25519(bytes) => {
                out.push(1);
                out.extend_from_slice(bytes);
            }
            PublicKeyBytes::Es256(bytes) => {
                out.push(2);
                out.extend_from_slice(bytes);
            }
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, Malformed> {
        match input.byte()? {
            1 => input.array().map(PublicKeyBytes::Ed25519),
            2 => input.array().map(PublicKeyBytes::Es256),
            _ => Err(Malformed),
        }
    }
}

/// Whom a key speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    Operator,
    Owner(Slot),
    Agent(Slot),
    Payee(Slot),
}

canon_enum!(Holder { 1 => Operator, 2 => Owner(it), 3 => Agent(it), 4 => Payee(it) });

/// A key that was enrolled, and the nonces it used.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) holder: Holder,
    pub(crate) status: Status,
    nonces: Option<Box<Nonces>>,
}

canon_struct!(Key { holder, status, nonces });

impl Key {
    #[cfg(feature = "sabotage")]
    pub(crate) fn forget_nonces(&mut self) {
        self.nonces = None;
    }

    pub(crate) fn new(holder: Holder) -> Key {
        Key { holder, status: Status::Active, nonces: None }
    }
}

/// The largest nonces a key used, in order. Once there are [`NONCES_MAX`], smaller ones than these are refused.
#[derive(Debug, Default)]
struct Nonces {
    largest: Vec<u64>,
    floor: u64,
}

canon_struct!(Nonces { largest, floor });

impl Nonces {
    fn is_fresh(&self, nonce: u64) -> bool {
        self.floor < nonce && self.largest.binary_search(&nonce).is_err()
    }

    fn remember(&mut self, nonce: u64) {
        if let Err(place) = self.largest.binary_search(&nonce) {
            self.largest.insert(place, nonce);
        }
        // Twice as many are kept as promised, so that the list is cut rarely.
        if self.largest.len() == NONCES_MAX.saturating_mul(2) {
            self.largest.drain(..NONCES_MAX);
            self.floor = self.largest.first().copied().unwrap_or(self.floor).saturating_sub(1);
        }
    }
}

/// Uses up a nonce: the first command of every authenticated request.
///
/// A nonce is a number of microseconds since 1970, near the time the request was made. A key may use each once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Present {
    /// At most 60 seconds ahead of the book's clock, and larger than those that are remembered or not among them.
    pub nonce: u64,
    /// The hash of the request as it was signed.
    pub request: Hash,
}

canon_struct!(Present { nonce, request });

impl Present {
    pub(crate) fn decide(&self, book: &Book, at: Time, by: Actor) -> Decision {
        let named = by.key().zip(by.holder().and_then(|holder| book.find_holder(holder).ok()));
        let Some((name, holder)) = named else {
            return Decision::Reject(Reject::KeyUnknown);
        };
        if let Some(no) = book.check_key(name, holder) {
            return no;
        }
        let key = book.keys.get(name.0).expect("checked: the key is known");
        if at.after(AHEAD_NANOS_MAX).0 / 1_000 < self.nonce {
            return Decision::Reject(Reject::NonceFromFuture);
        }
        if key.nonces.as_ref().is_some_and(|nonces| !nonces.is_fresh(self.nonce)) {
            return Decision::Reject(Reject::NonceUsed);
        }
        Decision::Record(Outcome::Done)
    }

    pub(crate) fn apply(&self, book: &mut Book, by: Actor) {
        let key = by.key().and_then(|key| book.keys.get_mut(key.0)).expect("decided: the key is known");
        key.nonces.get_or_insert_default().remember(self.nonce);
    }
}

/// Adds a key that speaks for `holder`. The command's id becomes the [`KeyId`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnrolKey {
    /// Whom the key will speak for.
    pub holder: KeyHolder,
    /// The key.
    pub public_key: PublicKeyBytes,
}

canon_struct!(EnrolKey { holder, public_key });

/// Whom a new key speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyHolder {
    /// The operator.
    Operator,
    /// An owner.
    Owner(OwnerId),
    /// An agent: another terminal of it, or the successor of a key that is to be revoked.
    Agent(AgentId),
    /// A seller.
    Payee(PayeeId),
}

canon_enum!(KeyHolder { 1 => Operator, 2 => Owner(it), 3 => Agent(it), 4 => Payee(it) });

impl EnrolKey {
    pub(crate) fn decide(&self, book: &Book, id: Id, by: Actor) -> Decision {
        let holder = match book.find_holder(self.holder) {
            Ok(holder) => holder,
            Err(reject) => return Decision::Reject(reject),
        };
        if let Some(no) = book.may_change_keys(by, holder, KeyChange::Enrol) {
            return no;
        }
        if book.keys.get(id).is_some() {
            return Decision::Reject(Reject::AlreadyExists);
        }
        Decision::Record(Outcome::Done)
    }

    pub(crate) fn apply(&self, book: &mut Book, id: Id) {
        let holder = book.find_holder(self.holder).expect("decided: the holder is known");
        book.keys.insert(id, Key::new(holder));
    }
}

/// Ends a key for good: the next request with it is refused. What it signed before stays valid evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevokeKey {
    /// Which.
    pub key: KeyId,
}

canon_struct!(RevokeKey { key });

impl RevokeKey {
    pub(crate) fn decide(&self, book: &Book, by: Actor) -> Decision {
        let Some(key) = book.keys.get(self.key.0) else {
            return Decision::Reject(Reject::KeyUnknown);
        };
        match book.may_change_keys(by, key.holder, KeyChange::Revoke) {
            Some(no) => no,
            None => Decision::Record(Outcome::Done),
        }
    }

    pub(crate) fn apply(&self, book: &mut Book) {
        let key = book.keys.get_mut(self.key.0).expect("decided: the key is known");
        key.status = Status::Revoked;
        #[cfg(feature = "sabotage")]
        if book.sabotage == Some(crate::sabotage::Sabotage::RevokedKeyCached) {
            return;
        }
        if let Holder::Agent(agent) = key.holder {
            let agent = book.agents.at_mut(agent);
            agent.first_key = agent.first_key.filter(|first| *first != self.key);
        }
    }
}

/// What is done to a key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum KeyChange {
    Enrol,
    Revoke,
}

/// A program that spends from one wallet, and from sub-accounts of it.
#[derive(Debug)]
pub(crate) struct Agent {
    pub(crate) wallet: Slot,
    pub(crate) status: Status,
    /// The key it was enrolled with, while that is not revoked: what most of its requests are made with.
    first_key: Option<KeyId>,
    /// None where the agent has no rules of its own: without a mandate, every payment then asks.
    pub(crate) policy: Option<Box<Policy>>,
    /// What was used under mandates that have ended, for the next mandate to begin with.
    pub(crate) ended: Option<Box<Usage>>,
    /// So many times it was stopped.
    pub(crate) stops: u32,
    /// So many questions since then.
    pub(crate) asked: (Time, u32),
}

canon_struct!(Agent { wallet, status, first_key, policy, ended, stops, asked });

/// Registers an agent with a wallet. The command's id becomes the [`AgentId`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnrolAgent {
    /// The wallet it may spend from.
    pub wallet: WalletId,
    /// Its limits; none leaves it to mandates, and asks for every payment without one. Any take the owner's presence.
    pub limits: Vec<Limit>,
    /// The name of its first key.
    pub key: KeyId,
    /// The key itself.
    pub public_key: PublicKeyBytes,
}

canon_struct!(EnrolAgent { wallet, limits, key, public_key });

impl EnrolAgent {
    pub(crate) fn decide(&self, book: &Book, id: Id, by: Actor) -> Decision {
        let Some(wallet) = book.wallets.get(self.wallet.0) else {
            return Decision::Reject(Reject::WalletUnknown);
        };
        if let Some(no) = book.owner_only(by, wallet.owner, Reject::WalletUnknown) {
            return no;
        }
        if book.agents.get(id).is_some() || book.keys.get(self.key.0).is_some() {
            return Decision::Reject(Reject::AlreadyExists);
        }
        if wallet.status == Status::Revoked || wallet.sub.is_some() {
            return deny(Denial::WalletClosed);
        }
        // Without rules it asks about everything; within rules it would spend alone.
        if !self.limits.is_empty()
            && let Some(no) = presence_required(by)
        {
            return no;
        }
        Decision::Record(Outcome::Done)
    }

    pub(crate) fn apply(&self, book: &mut Book, at: Time, id: Id) {
        let wallet = book.wallets.find(self.wallet.0).expect("decided: the wallet is known");
        let policy = (!self.limits.is_empty())
            .then(|| Box::new(Policy::new(self.limits.clone(), Usage::default(), at)));
        let agent = book.agents.insert(
            id,
            Agent {
                wallet,
                status: Status::Active,
                first_key: Some(self.key),
                policy,
                ended: None,
                stops: 0,
                asked: (Time(0), 0),
            },
        );
        book.keys.insert(self.key.0, Key::new(Holder::Agent(agent)));
    }
}

impl Actor {
    /// Whom the key has to speak for; nobody's for the book itself.
    pub fn holder(&self) -> Option<KeyHolder> {
        match self {
            Actor::Operator { .. } => Some(KeyHolder::Operator),
            Actor::Owner { owner, .. } => Some(KeyHolder::Owner(*owner)),
            Actor::Agent { agent, .. } => Some(KeyHolder::Agent(*agent)),
            Actor::Payee { payee, .. } => Some(KeyHolder::Payee(*payee)),
            Actor::Book => None,
        }
    }

    /// The key that spoke; the book itself has none.
    pub fn key(&self) -> Option<KeyId> {
        match self {
            Actor::Operator { key }
            | Actor::Owner { key, .. }
            | Actor::Agent { key, .. }
            | Actor::Payee { key, .. } => Some(*key),
            Actor::Book => None,
        }
    }
}

impl Book {
    /// The answer to a key that is not `holder`'s, or is his no longer.
    pub(crate) fn check_key(&self, key: KeyId, holder: Holder) -> Option<Decision> {
        if let Holder::Agent(agent) = holder
            && self.agents.at(agent).first_key == Some(key)
        {
            return None;
        }
        match self.keys.get(key.0) {
            Some(row) if row.holder == holder && row.status == Status::Active => None,
            Some(row) if row.holder == holder => Some(deny(Denial::KeyRevoked)),
            Some(_) | None => Some(Decision::Reject(Reject::KeyUnknown)),
        }
    }

    fn find_holder(&self, holder: KeyHolder) -> Result<Holder, Reject> {
        match holder {
            KeyHolder::Operator => Ok(Holder::Operator),
            KeyHolder::Owner(id) => self.owners.find(id.0).map(Holder::Owner).ok_or(Reject::OwnerUnknown),
            KeyHolder::Agent(id) => self.agents.find(id.0).map(Holder::Agent).ok_or(Reject::AgentUnknown),
            KeyHolder::Payee(id) => self.payees.find(id.0).map(Holder::Payee).ok_or(Reject::PayeeUnknown),
        }
    }

    /// The answer to whoever may not change the holder's keys.
    ///
    /// An agent's keys are its owner's to change; anybody may end, and a seller and the operator may also add, keys of
    /// their own. An owner adds a key only when just authenticated, to an agent too: a key spends what the agent may.
    fn may_change_keys(&self, by: Actor, holder: Holder, change: KeyChange) -> Option<Decision> {
        let owners = |owner| {
            let adds = change == KeyChange::Enrol;
            let no = self.owner_only(by, owner, Reject::KeyUnknown);
            no.or_else(|| if adds { presence_required(by) } else { None })
        };
        match holder {
            Holder::Operator => self.operator_only(by),
            Holder::Owner(owner) => owners(owner),
            Holder::Agent(agent) => owners(self.wallets.at(self.agents.at(agent).wallet).owner),
            Holder::Payee(payee) => match by {
                Actor::Operator { .. } => self.operator_only(by),
                Actor::Payee { payee: named, key } if self.payees.find(named.0) == Some(payee) => {
                    self.check_key(key, holder)
                }
                Actor::Payee { .. } => Some(Decision::Reject(Reject::KeyUnknown)),
                Actor::Owner { .. } | Actor::Agent { .. } | Actor::Book => Some(deny(Denial::Forbidden)),
            },
        }
    }
}

/// The answer to an owner who has not authenticated for this very request.
pub(crate) fn presence_required(by: Actor) -> Option<Decision> {
    use crate::command::Presence;
    match by {
        Actor::Owner { presence: Presence::Session, .. } => Some(deny(Denial::PresenceRequired)),
        Actor::Owner { presence: Presence::Fresh, .. }
        | Actor::Operator { .. }
        | Actor::Agent { .. }
        | Actor::Payee { .. }
        | Actor::Book => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_good_once_however_many_come_between() {
        let mut nonces = Nonces::default();
        for nonce in 1..=10_000u64 {
            assert!(nonces.is_fresh(nonce * 2));
            nonces.remember(nonce * 2);
            assert!(!nonces.is_fresh(nonce * 2));
            assert!(!nonces.is_fresh(2), "the first nonce stays used");
        }
        assert!(nonces.is_fresh(19_999), "a nonce that came late, but not too late");
        assert!(!nonces.is_fresh(3), "a nonce from before those that are remembered");
    }
}
