//! Payees: the accounts of sellers, and who vouched for them.

use crate::agent::{Holder, Key, PublicKeyBytes};
use crate::book::{Book, Decision};
use crate::canon::{Code, canon_enum, canon_struct};
use crate::command::Actor;
use crate::entry::{Outcome, Reject};
use crate::freeze::Status;
use crate::id::{Id, KeyId, OwnerId, PayeeId};
use crate::money::{Asset, PartsPerMillion};
use crate::observe::Observation;
use crate::open::Balance;
use crate::payout::Destinations;
use crate::table::Slot;

/// Who says that a payee is who it says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provenance {
    /// The operator's registry.
    Registry,
    /// The seller's verified signature.
    Merchant,
    /// The owner.
    Owner,
    /// An agent.
    Agent,
    /// A document nobody vouches for.
    Untrusted,
}

canon_enum!(Provenance { 1 => Registry, 2 => Merchant, 3 => Owner, 4 => Agent, 5 => Untrusted });

impl Provenance {
    /// Whether a payment may go there without asking the owner.
    pub fn is_trusted(self) -> bool {
        match self {
            Provenance::Registry | Provenance::Merchant | Provenance::Owner => true,
            Provenance::Agent | Provenance::Untrusted => false,
        }
    }
}

/// Registers a payee. The command's id becomes the [`PayeeId`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterPayee {
    /// Whose it is, where that is an owner of this book; it may then not be paid from the same owner's wallets.
    pub owner: Option<OwnerId>,
    /// What it collects.
    pub asset: Code,
    /// What it sells.
    pub category: Code,
    /// Who vouches for it.
    pub provenance: Provenance,
    /// The operator's fee on what it collects.
    pub fee: PartsPerMillion,
    /// The seller's first key.
    pub key: Option<(KeyId, PublicKeyBytes)>,
}

canon_struct!(RegisterPayee { owner, asset, category, provenance, fee, key });

/// An account that collects.
#[derive(Debug)]
pub(crate) struct Payee {
    pub(crate) owner: Option<Slot>,
    pub(crate) asset: u16,
    pub(crate) status: Status,
    pub(crate) provenance: Provenance,
    pub(crate) category: Code,
    pub(crate) fee: PartsPerMillion,
    /// Millionths of fee not yet taken.
    pub(crate) fee_carry: u32,
    pub(crate) balance: Balance,
    /// What it last said of its prices, the newest last.
    pub(crate) observed: Vec<Observation>,
    /// The numbers of its last invoice and credit note; 0 before the first.
    pub(crate) invoices: u64,
    pub(crate) credit_notes: u64,
    /// Where its payouts go.
    pub(crate) destinations: Destinations,
}

canon_struct!(Payee {
    owner,
    asset,
    status,
    provenance,
    category,
    fee,
    fee_carry,
    balance,
    observed,
    invoices,
    credit_notes,
    destinations
});

impl RegisterPayee {
    pub(crate) fn decide(&self, book: &Book, id: Id, by: Actor) -> Decision {
        if let Some(no) = book.operator_only(by) {
            return no;
        }
        let key_taken = self.key.is_some_and(|(key, _)| book.keys.get(key.0).is_some());
        if book.payees.get(id).is_some() || key_taken {
            return Decision::Reject(Reject::AlreadyExists);
        }
        if self.owner.is_some_and(|owner| book.owners.get(owner.0).is_none()) {
            return Decision::Reject(Reject::OwnerUnknown);
        }
        if book.asset(self.asset).is_none() {
            return Decision::Reject(Reject::AssetUnknown);
        }
        Decision::Record(Outcome::Done)
    }

    pub(crate) fn apply(&self, book: &mut Book, id: Id) {
        let asset = book.asset(self.asset).expect("decided: the asset is known");
        let owner = self.owner.map(|owner| book.owners.find(owner.0).expect("decided: the owner is known"));
        let payee = book.payees.insert(
            id,
            Payee {
                owner,
                asset: u16::try_from(asset).expect("ASSETS_MAX fits"),
                status: Status::Active,
                provenance: self.provenance,
                category: self.category,
                fee: self.fee,
                fee_carry: 0,
                balance: Balance::default(),
                observed: Vec::new(),
                invoices: 0,
                credit_notes: 0,
                destinations: Destinations::default(),
            },
        );
        if let Some((key, _)) = self.key {
            book.keys.insert(key.0, Key::new(Holder::Payee(payee)));
        }
    }
}

impl Book {
    /// A payee's asset and money.
    pub fn payee_balance(&self, payee: PayeeId) -> Option<(Asset, Balance)> {
        let payee = self.payees.get(payee.0)?;
        Some((self.assets.get(usize::from(payee.asset))?.asset, payee.balance))
    }
}
