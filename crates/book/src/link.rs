//! Payment links: what a seller asks for once, to be paid by whoever is given the address.
//!
//! A link says whom it pays, how much, how often and until when. Paying one is a purchase like any other, by the same
//! rules; its use is counted in the same entry as the money, so a link that is good once is paid once, whoever comes at
//! the same time. What a tip is given for only a person can tell: such a link an agent pays with its owner's word alone.

use crate::agent::{Holder, presence_required};
use crate::book::{Book, Decision};
use crate::canon::{self, Code, canon_enum, canon_struct};
use crate::command::Actor;
use crate::entry::{Ask, Denial, Moved, Outcome, Refusal, Reject, RuleRef};
use crate::freeze::Status;
use crate::id::{Id, LinkId};
use crate::limits::LINK_NANOS_MAX;
use crate::money::Amount;
use crate::open::deny;
use crate::purchase::{Kind, Moves, Payees, Purchase, Rows};
use crate::time::Time;
use evidence::Hash;

/// Asks for payments. The command's id becomes the [`LinkId`]. For the seller that leads its payees, and the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenLink {
    /// Who collects.
    pub to: Payees,
    /// What; it must be that of every payee.
    pub asset: Code,
    /// The least that one payment may be. Never nothing.
    pub least: Amount,
    /// The most; where it is the least, the price.
    pub most: Amount,
    /// How often it may be paid; none is as often as anybody likes.
    pub uses: Option<u32>,
    /// Until then, exclusive; at most 366 days ahead.
    pub until: Time,
    /// Whose word it takes.
    pub by: LinkPayer,
    /// The digest of what is paid for.
    pub document: Hash,
}

canon_struct!(OpenLink { to, asset, least, most, uses, until, by, document });

/// Whose word a link takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkPayer {
    /// Anybody who may spend: an agent under its limits, or an owner.
    Anyone,
    /// A person: an owner who is there now, or an agent whose owner was asked about this very payment.
    Owner,
}

canon_enum!(LinkPayer { 1 => Anyone, 2 => Owner });

/// Pays what a link asks for. The command's id becomes the [`PaymentId`](crate::PaymentId).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayLink {
    /// Which.
    pub link: LinkId,
    /// From where and how much; the payees, the asset and the reference are the link's.
    pub purchase: Purchase,
    /// The digest of what the payer says to the seller.
    pub message: Option<Hash>,
}

canon_struct!(PayLink { link, purchase, message });

/// Ends a link. For whoever may open it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseLink {
    /// Which.
    pub link: LinkId,
}

canon_struct!(CloseLink { link });

/// Where a link stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkState {
    /// How often it was paid.
    pub used: u32,
    /// Whether it was closed.
    pub is_closed: bool,
}

/// A link, and how often it was paid.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) asked: OpenLink,
    pub(crate) used: u32,
    pub(crate) is_closed: bool,
}

canon_struct!(Link { asked, used, is_closed });

impl OpenLink {
    /// Whether anything could be paid by it.
    pub(crate) fn is_well_formed(&self) -> bool {
        !self.least.is_zero() && self.least <= self.most && self.uses != Some(0)
    }

    pub(crate) fn decide(&self, book: &Book, at: Time, id: Id, by: Actor) -> Decision {
        if let Some(no) = book.not_of_link(by, &self.to, Reject::PayeeUnknown) {
            return no;
        }
        if book.links.get(id).is_some() {
            return Decision::Reject(Reject::AlreadyExists);
        }
        if self.until <= at || at.after(LINK_NANOS_MAX) < self.until {
            return Decision::Reject(Reject::TimeOutOfRange);
        }
        for payee in self.to.each() {
            let Some(row) = book.payees.get(payee.0) else {
                return Decision::Reject(Reject::PayeeUnknown);
            };
            if row.status != Status::Active {
                return deny(Denial::PayeeClosed);
            }
            if book.asset(self.asset) != Some(usize::from(row.asset)) {
                return deny(Denial::AssetMismatch);
            }
        }
        Decision::Record(Outcome::Done)
    }

    pub(crate) fn apply(&self, book: &mut Book, id: Id) {
        book.links.insert(id, Link { asked: self.clone(), used: 0, is_closed: false });
    }
}

impl PayLink {
    /// What tells it from another one that an owner may have been asked about: the link, and what she would say.
    pub(crate) fn kind(&self) -> Kind {
        let mut bytes = b"tollbridge link 1\n".to_vec();
        bytes.extend_from_slice(&canon::bytes(&self.link));
        bytes.extend_from_slice(&canon::bytes(&self.message));
        Kind::Link { terms: Hash::of(&bytes) }
    }

    pub(crate) fn decide(&self, book: &Book, at: Time, by: Actor, rows: &mut Option<Rows>) -> Decision {
        let buy = &self.purchase;
        if buy.amount.is_zero() {
            return Decision::Reject(Reject::AmountZero);
        }
        let Some(link) = book.links.get(self.link.0) else {
            return Decision::Reject(Reject::LinkUnknown);
        };
        let payer = match book.find_payer(by, buy) {
            Ok(payer) => payer,
            Err(no) => return no,
        };
        if let Some(no) = link.says_no(at, by, buy) {
            return no;
        }
        let weighed = match book.weigh(at, payer, buy, Moves::Amount(buy.amount)) {
            Ok(weighed) => weighed,
            Err(no) => return no,
        };
        let asked = match (link.asked.by, payer.agent) {
            (LinkPayer::Owner, Some(_)) => Some((RuleRef::BOOK, Ask::PersonRequired)),
            (LinkPayer::Owner, None) | (LinkPayer::Anyone, _) => weighed.asked,
        };
        if let Err(no) = book.check_asked(at, payer, self.kind(), buy, asked) {
            return no;
        }
        *rows = Some(Rows { payer, payee: weighed.payee });
        Decision::Record(Outcome::Paid(book.moved(buy, buy.amount, weighed)))
    }

    pub(crate) fn apply(&self, book: &mut Book, at: Time, id: Id, rows: Rows, moved: &Moved) {
        let link = book.links.get_mut(self.link.0).expect("decided: the link is known");
        link.used = link.used.saturating_add(1);
        book.count_purchase(at, rows, &self.purchase);
        book.move_to_payees(id, rows, &self.purchase.to, moved);
    }
}

impl CloseLink {
    pub(crate) fn decide(&self, book: &Book, by: Actor) -> Decision {
        let Some(link) = book.links.get(self.link.0) else {
            return Decision::Reject(Reject::LinkUnknown);
        };
        match book.not_of_link(by, &link.asked.to, Reject::LinkUnknown) {
            Some(no) => no,
            None if link.is_closed => deny(Denial::LinkClosed),
            None => Decision::Record(Outcome::Done),
        }
    }

    pub(crate) fn apply(&self, book: &mut Book) {
        book.links.get_mut(self.link.0).expect("decided: the link is known").is_closed = true;
    }
}

impl Link {
    /// Why a purchase is not what the link asks for, or asks for no more.
    fn says_no(&self, at: Time, by: Actor, buy: &Purchase) -> Option<Decision> {
        let asked = &self.asked;
        if (&buy.to, buy.asset, buy.reference) != (&asked.to, asked.asset, Some(asked.document)) {
            return Some(deny(Denial::LinkMismatch));
        }
        if self.is_closed {
            return Some(deny(Denial::LinkClosed));
        }
        if asked.uses.is_some_and(|uses| uses <= self.used) {
            return Some(deny(Denial::LinkUsed));
        }
        if asked.until <= at {
            return Some(deny(Denial::LinkExpired));
        }
        if buy.amount < asked.least || asked.most < buy.amount {
            let bound = if asked.most < buy.amount { asked.most } else { asked.least };
            let (rule, denial) = (RuleRef::BOOK, Denial::LinkAmount);
            return Some(Decision::Record(Outcome::Denied(Refusal { rule, denial, remaining: Some(bound) })));
        }
        match (asked.by, by) {
            (LinkPayer::Owner, Actor::Owner { .. }) => presence_required(by),
            (LinkPayer::Owner | LinkPayer::Anyone, _) => None,
        }
    }
}

impl Book {
    /// Where a link stands.
    pub fn link(&self, id: LinkId) -> Option<LinkState> {
        self.links.get(id.0).map(|row| LinkState { used: row.used, is_closed: row.is_closed })
    }

    /// The answer to whoever is neither the seller that leads `to` nor the operator.
    fn not_of_link(&self, by: Actor, to: &Payees, unknown: Reject) -> Option<Decision> {
        match by {
            Actor::Operator { .. } => self.operator_only(by),
            Actor::Payee { payee, key } => {
                let seller = self.payees.find(payee.0).filter(|_| to.is_led_by(payee));
                seller.map_or(Some(Decision::Reject(unknown)), |seller| {
                    self.check_key(key, Holder::Payee(seller))
                })
            }
            Actor::Owner { .. } | Actor::Agent { .. } | Actor::Book => Some(deny(Denial::Forbidden)),
        }
    }
}
