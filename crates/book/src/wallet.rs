//! Owners and their wallets; an agent's sub-account is a wallet that one agent alone may spend from.

use crate::agent::{Holder, Key, PublicKeyBytes};
use crate::alike::Alike;
use crate::book::{Book, Decision};
use crate::canon::{Code, canon_struct};
use crate::command::Actor;
use crate::entry::{Denial, Outcome, Reject};
use crate::freeze::Status;
use crate::id::{AgentId, Id, KeyId, OwnerId, WalletId};
use crate::limit::{Limit, Policy, Usage};
use crate::limits::CONTACTS_MAX;
use crate::open::{Balance, deny};
use crate::table::Slot;
use crate::time::Time;
use std::hint::black_box;

/// A person or organisation.
#[derive(Debug)]
pub(crate) struct Owner {
    pub(crate) status: Status,
    /// So many times it was stopped.
    pub(crate) stops: u32,
}

canon_struct!(Owner { status, stops });

/// Registers an owner with a first key. The command's id becomes the [`OwnerId`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterOwner {
    /// The name of the key.
    pub key: KeyId,
    /// The key itself.
    pub public_key: PublicKeyBytes,
}

canon_struct!(RegisterOwner { key, public_key });

impl RegisterOwner {
    pub(crate) fn decide(&self, book: &Book, id: Id, by: Actor) -> Decision {
        if let Some(no) = book.operator_only(by) {
            return no;
        }
        if book.owners.get(id).is_some() || book.keys.get(self.key.0).is_some() {
            return Decision::Reject(Reject::AlreadyExists);
        }
        Decision::Record(Outcome::Done)
    }

    pub(crate) fn apply(&self, book: &mut Book, id: Id) {
        let owner = book.owners.insert(id, Owner { status: Status::Active, stops: 0 });
        book.keys.insert(self.key.0, Key::new(Holder::Owner(owner)));
    }
}

/// An account that agents spend from, with its limits.
#[derive(Debug)]
pub(crate) struct Wallet {
    pub(crate) owner: Slot,
    pub(crate) asset: u16,
    pub(crate) status: Status,
    /// Questions of this wallet that wait, by when they were asked; most wallets never have one.
    // A pointer where a vector would take three: most wallets never ask.
    #[allow(clippy::box_collection)]
    pub(crate) asked: Option<Box<Vec<(Id, Time)>>>,
    pub(crate) balance: Balance,
    /// None where the wallet sets no limits of its own.
    pub(crate) policy: Option<Box<Policy>>,
    /// The payees it has paid, in order.
    contacts: Vec<Slot>,
    /// Of a sub-account: the wallet it belongs to, and its agent.
    pub(crate) sub: Option<(Slot, Slot)>,
    /// So many times it was stopped.
    pub(crate) stops: u32,
    /// What the owner said yes to for the rest of a day; most wallets never have any.
    #[allow(clippy::box_collection)]
    pub(crate) alike: Option<Box<Vec<Alike>>>,
}

canon_struct!(Wallet { owner, asset, status, asked, balance, policy, contacts, sub, stops, alike });

impl Wallet {
    /// The payees it has paid, in order.
    pub(crate) fn contacts(&self) -> &[Slot] {
        &self.contacts
    }

    /// See [`Book::foresee`].
    pub(crate) fn read_ahead(&self) {
        black_box(self.contacts.first());
        black_box(self.policy.as_deref().map(|policy| policy.version));
    }

    pub(crate) fn remember(&mut self, payee: Slot) {
        remember(&mut self.contacts, payee);
    }
}

/// Adds `payee` to those that were paid, while there is room.
pub(crate) fn remember(contacts: &mut Vec<Slot>, payee: Slot) {
    if let Err(place) = contacts.binary_search(&payee)
        && contacts.len() < CONTACTS_MAX
    {
        contacts.insert(place, payee);
    }
}

/// Opens a wallet. The command's id becomes the [`WalletId`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenWallet {
    /// Whose.
    pub owner: OwnerId,
    /// The one asset it holds.
    pub asset: Code,
    /// Its limits; none sets none, and leaves it to agents and mandates.
    pub limits: Vec<Limit>,
}

canon_struct!(OpenWallet { owner, asset, limits });

impl OpenWallet {
    pub(crate) fn decide(&self, book: &Book, id: Id, by: Actor) -> Decision {
        let Some(owner) = book.owners.find(self.owner.0) else {
            return Decision::Reject(Reject::OwnerUnknown);
        };
        if let Some(no) = book.owner_or_operator(by, owner) {
            return no;
        }
        if book.wallets.get(id).is_some() {
            return Decision::Reject(Reject::AlreadyExists);
        }
        if book.asset(self.asset).is_none() {
            return Decision::Reject(Reject::AssetUnknown);
        }
        Decision::Record(Outcome::Done)
    }

    pub(crate) fn apply(&self, book: &mut Book, at: Time, id: Id) {
        let owner = book.owners.find(self.owner.0).expect("decided: the owner is known");
        let asset = book.asset(self.asset).expect("decided: the asset is known");
        book.insert_wallet(at, id, owner, asset, &self.limits, None);
    }
}

/// Opens a sub-account that `agent` alone may spend from. The command's id becomes its [`WalletId`].
///
/// It is filled by the owner's transfers and never falls back on the wallet it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenSubAccount {
    /// The wallet it belongs to.
    pub wallet: WalletId,
    /// An agent of that wallet.
    pub agent: AgentId,
    /// Its limits.
    pub limits: Vec<Limit>,
}

canon_struct!(OpenSubAccount { wallet, agent, limits });

impl OpenSubAccount {
    pub(crate) fn decide(&self, book: &Book, id: Id, by: Actor) -> Decision {
        let Some(parent) = book.wallets.find(self.wallet.0) else {
            return Decision::Reject(Reject::WalletUnknown);
        };
        let wallet = book.wallets.at(parent);
        if let Some(no) = book.owner_only(by, wallet.owner, Reject::WalletUnknown) {
            return no;
        }
        if book.agents.get(self.agent.0).is_none_or(|agent| agent.wallet != parent) {
            return Decision::Reject(Reject::AgentUnknown);
        }
        if book.wallets.get(id).is_some() {
            return Decision::Reject(Reject::AlreadyExists);
        }
        if wallet.sub.is_some() {
            return Decision::Reject(Reject::AccountsMismatch);
        }
        if wallet.status == Status::Revoked {
            return deny(Denial::WalletClosed);
        }
        Decision::Record(Outcome::Done)
    }

    pub(crate) fn apply(&self, book: &mut Book, at: Time, id: Id) {
        let parent = book.wallets.find(self.wallet.0).expect("decided: the wallet is known");
        let agent = book.agents.find(self.agent.0).expect("decided: the agent is known");
        let (owner, asset) = (book.wallets.at(parent).owner, usize::from(book.wallets.at(parent).asset));
        book.insert_wallet(at, id, owner, asset, &self.limits, Some((parent, agent)));
    }
}

/// Closes a wallet for good. An empty one closes; a sub-account gives its balance back first, and its agent is revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseWallet {
    /// Which.
    pub wallet: WalletId,
}

canon_struct!(CloseWallet { wallet });

impl CloseWallet {
    pub(crate) fn decide(&self, book: &Book, by: Actor) -> Decision {
        let Some(wallet) = book.wallets.get(self.wallet.0) else {
            return Decision::Reject(Reject::WalletUnknown);
        };
        if let Some(no) = book.owner_only(by, wallet.owner, Reject::WalletUnknown) {
            return no;
        }
        if wallet.status == Status::Revoked {
            return deny(Denial::WalletClosed);
        }
        if !wallet.balance.held.is_zero() {
            return deny(Denial::AccountNotEmpty);
        }
        match wallet.sub {
            None if !wallet.balance.available().is_zero() => deny(Denial::AccountNotEmpty),
            Some((parent, _)) if book.wallets.at(parent).status == Status::Revoked => {
                deny(Denial::WalletClosed)
            }
            Some((parent, _)) if !book.wallets.at(parent).balance.has_room(wallet.balance.available()) => {
                Decision::Reject(Reject::AmountTooLarge)
            }
            None | Some(_) => Decision::Record(Outcome::Done),
        }
    }

    pub(crate) fn apply(&self, book: &mut Book) {
        let slot = book.wallets.find(self.wallet.0).expect("decided: the wallet is known");
        let wallet = book.wallets.at_mut(slot);
        wallet.status = Status::Revoked;
        let left = wallet.balance.available();
        if let Some((parent, agent)) = wallet.sub {
            wallet.balance.debit(left);
            book.wallets.at_mut(parent).balance.credit(left);
            book.agents.at_mut(agent).status = Status::Revoked;
        }
    }
}

impl Book {
    fn insert_wallet(
        &mut self,
        at: Time,
        id: Id,
        owner: Slot,
        asset: usize,
        limits: &[Limit],
        sub: Option<(Slot, Slot)>,
    ) {
        let policy =
            (!limits.is_empty()).then(|| Box::new(Policy::new(limits.to_vec(), Usage::default(), at)));
        let asset = u16::try_from(asset).expect("ASSETS_MAX fits");
        self.wallets.insert(
            id,
            Wallet {
                owner,
                asset,
                status: Status::Active,
                asked: None,
                balance: Balance::default(),
                policy,
                contacts: Vec::new(),
                sub,
                stops: 0,
                alike: None,
            },
        );
    }

    /// The answer to anybody but the owner; to strangers as if the row did not exist.
    pub(crate) fn owner_only(&self, by: Actor, owner: Slot, unknown: Reject) -> Option<Decision> {
        match by {
            Actor::Owner { owner: named, key, .. } => {
                if self.owners.find(named.0) == Some(owner) {
                    self.check_key(key, Holder::Owner(owner))
                } else {
                    Some(Decision::Reject(unknown))
                }
            }
            Actor::Operator { .. } | Actor::Agent { .. } | Actor::Payee { .. } | Actor::Book => {
                Some(deny(Denial::Forbidden))
            }
        }
    }

    /// The answer to anybody but the owner and the operator.
    pub(crate) fn owner_or_operator(&self, by: Actor, owner: Slot) -> Option<Decision> {
        match by {
            Actor::Operator { .. } => self.operator_only(by),
            Actor::Owner { .. } | Actor::Agent { .. } | Actor::Payee { .. } | Actor::Book => {
                self.owner_only(by, owner, Reject::OwnerUnknown)
            }
        }
    }

    /// A wallet's asset and money.
    pub fn wallet_balance(&self, wallet: WalletId) -> Option<(crate::money::Asset, Balance)> {
        let wallet = self.wallets.get(wallet.0)?;
        Some((self.assets.get(usize::from(wallet.asset))?.asset, wallet.balance))
    }
}
