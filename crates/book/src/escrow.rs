//! Escrows: holds that pay the seller when their time is up, unless the buyer's side objects before.
//!
//! Whoever buys agrees to it with the purchase: it is an action of its own, and what an owner is asked says so. Nothing is
//! taken from somebody who said no, nor from somebody who is stopped: a disputed escrow can be captured by the wallet's
//! owner alone, voided by the seller, and is its payer's again when [`DISPUTE_NANOS`] more have passed.

use crate::agent::Holder;
use crate::book::{Book, Decision};
use crate::canon::{canon_enum, canon_struct};
use crate::command::Actor;
use crate::entry::{Denial, Moved, Outcome, Reject};
use crate::hold::{Hold, holdable_until};
use crate::id::{HoldId, Id};
use crate::limit::Versions;
use crate::limits::DISPUTE_NANOS;
use crate::open::deny;
use crate::purchase::{Kind, Purchase};
use crate::time::Time;

/// Sets money aside that moves by itself when the time is up. The command's id becomes the [`HoldId`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceEscrow {
    /// What it is for. The amount is the most that can be captured.
    pub purchase: Purchase,
    /// When what is left is captured by itself; at most 90 days ahead.
    pub expires_at: Time,
}

canon_struct!(PlaceEscrow { purchase, expires_at });

/// Objects to an escrow: it is not captured by itself any more. For the wallet's owner and the agent that placed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispute {
    /// Which hold.
    pub hold: HoldId,
}

canon_struct!(Dispute { hold });

/// What becomes of a hold by itself when its time is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AtExpiry {
    /// What is left goes back.
    Release,
    /// What is left is captured.
    Capture,
    /// It would have been captured, but the buyer's side objected: what is left goes back.
    Disputed,
}

canon_enum!(AtExpiry { 1 => Release, 2 => Capture, 3 => Disputed });

impl PlaceEscrow {
    pub(crate) fn decide(&self, book: &Book, at: Time, by: Actor) -> Decision {
        if !holdable_until(at, self.expires_at) {
            return Decision::Reject(Reject::TimeOutOfRange);
        }
        match book.authorize(at, by, Kind::Escrow, &self.purchase) {
            Ok(allowed) => Decision::Record(Outcome::Held(allowed.versions)),
            Err(no) => no,
        }
    }

    pub(crate) fn apply(&self, book: &mut Book, at: Time, id: Id, by: Actor) {
        book.place_hold(at, id, by, &self.purchase, self.expires_at, None);
        book.hold_mut(id).at_expiry = AtExpiry::Capture;
    }
}

impl Dispute {
    pub(crate) fn decide(&self, book: &Book, at: Time, by: Actor) -> Decision {
        let hold = match book.hold_of_buyer(self.hold.0, by) {
            Ok(hold) => hold,
            Err(no) => return no,
        };
        if !hold.open {
            return deny(Denial::HoldClosed);
        }
        match hold.at_expiry {
            AtExpiry::Release => deny(Denial::HoldNotDisputable),
            AtExpiry::Disputed => deny(Denial::HoldDisputed),
            AtExpiry::Capture if hold.expires_at <= at => deny(Denial::HoldExpired),
            AtExpiry::Capture => Decision::Record(Outcome::Done),
        }
    }

    pub(crate) fn apply(&self, book: &mut Book) {
        let id = self.hold.0;
        let hold = book.hold_mut(id);
        let before = hold.expires_at;
        let after = before.after(DISPUTE_NANOS);
        hold.at_expiry = AtExpiry::Disputed;
        hold.expires_at = after;
        book.expiries.remove(&(before, id));
        book.expiries.insert((after, id));
    }
}

impl Book {
    /// What an open hold comes to by itself: all that is left, where it was agreed, nobody objected and nothing that it hangs
    /// on is stopped.
    pub(crate) fn captured_at_expiry(&self, hold: &Hold) -> Option<Moved> {
        let amount = hold.left();
        let is_due = hold.at_expiry == AtExpiry::Capture && self.stopped(hold.payer).is_none();
        (is_due && self.has_room_for(&hold.to, amount)).then(|| {
            let parts = self.divide(&hold.to, None, amount);
            Moved { amount, parts, versions: Versions::default() }
        })
    }

    /// A hold, for its owner and the agent that placed it.
    pub(crate) fn hold_of_buyer(&self, id: Id, by: Actor) -> Result<&Hold, Decision> {
        let unknown = Decision::Reject(Reject::HoldUnknown);
        let hold = self.records.get(id).and_then(|record| record.hold()).ok_or(unknown.clone())?;
        match by {
            Actor::Owner { .. } => {
                let owner = self.wallets.at(hold.payer.wallet).owner;
                self.owner_only(by, owner, Reject::HoldUnknown).map_or(Ok(hold), Err)
            }
            Actor::Agent { agent, key } => {
                let slot = hold.payer.agent.filter(|slot| self.agents.id_at(*slot) == agent.0);
                let slot = slot.ok_or(unknown)?;
                self.check_key(key, Holder::Agent(slot)).map_or(Ok(hold), Err)
            }
            Actor::Operator { .. } | Actor::Payee { .. } | Actor::Book => Err(deny(Denial::Forbidden)),
        }
    }
}
