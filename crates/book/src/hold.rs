//! Holds: money set aside for a payee, to be captured in parts, given back, or released when its time is over.

use crate::agent::Holder;
use crate::book::{Book, Decision};
use crate::canon::canon_struct;
use crate::command::Actor;
use crate::entry::{Denial, Moved, Outcome, Refusal, Reject, Released, RuleRef, Settled};
use crate::escrow::AtExpiry;
use crate::freeze::Status;
use crate::id::{HoldId, Id};
use crate::limits::HOLD_NANOS_MAX;
use crate::meter::Meter;
use crate::money::Amount;
use crate::open::deny;
use crate::purchase::{Kind, Payees, Payer, Purchase, Rows};
use crate::time::Time;
use evidence::Hash;

/// Sets money aside. The command's id becomes the [`HoldId`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceHold {
    /// What it is for. The amount is the most that can be captured.
    pub purchase: Purchase,
    /// When what is left goes back by itself; at most 90 days ahead.
    pub expires_at: Time,
}

canon_struct!(PlaceHold { purchase, expires_at });

/// Moves held money to the payees. Several captures may not exceed the hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capture {
    /// Of which hold.
    pub hold: HoldId,
    /// How much. Never nothing.
    pub amount: Amount,
    /// Whether what is left then goes back to the payer.
    pub last: bool,
}

canon_struct!(Capture { hold, amount, last });

/// Gives back what a hold has left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Void {
    /// Which hold.
    pub hold: HoldId,
}

canon_struct!(Void { hold });

/// Ends a hold whose time is over, as was agreed when it was placed. Only the book itself says this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expire {
    /// Which hold.
    pub hold: HoldId,
}

canon_struct!(Expire { hold });

/// Uses a hold up as proof of payment, for one delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redeem {
    /// Which hold.
    pub hold: HoldId,
    /// The digest of what is delivered for it.
    pub delivery: Hash,
}

canon_struct!(Redeem { hold, delivery });

/// Money that is set aside.
#[derive(Debug)]
pub(crate) struct Hold {
    pub(crate) payer: Payer,
    pub(crate) to: Payees,
    pub(crate) amount: Amount,
    pub(crate) captured: Amount,
    pub(crate) placed_at: Time,
    pub(crate) expires_at: Time,
    pub(crate) at_expiry: AtExpiry,
    pub(crate) open: bool,
    pub(crate) redeemed: Option<Hash>,
    pub(crate) meter: Option<Box<Meter>>,
}

canon_struct!(Hold { payer, to, amount, captured, placed_at, expires_at, at_expiry, open, redeemed, meter });

impl Hold {
    pub(crate) fn left(&self) -> Amount {
        self.amount.saturating_sub(self.captured)
    }
}

impl PlaceHold {
    pub(crate) fn decide(&self, book: &Book, at: Time, by: Actor) -> Decision {
        if !holdable_until(at, self.expires_at) {
            return Decision::Reject(Reject::TimeOutOfRange);
        }
        match book.authorize(at, by, Kind::Hold, &self.purchase) {
            Ok(allowed) => Decision::Record(Outcome::Held(allowed.versions)),
            Err(no) => no,
        }
    }

    pub(crate) fn apply(&self, book: &mut Book, at: Time, id: Id, by: Actor) {
        book.place_hold(at, id, by, &self.purchase, self.expires_at, None);
    }
}

/// Whether a hold may last until then.
pub(crate) fn holdable_until(at: Time, expires_at: Time) -> bool {
    at < expires_at && expires_at <= at.after(HOLD_NANOS_MAX)
}

impl Capture {
    pub(crate) fn decide(&self, book: &Book, at: Time, by: Actor) -> Decision {
        let found = match by {
            Actor::Agent { .. } => book.hold_to_hand_over(self.hold.0, at, by),
            Actor::Owner { .. } | Actor::Operator { .. } | Actor::Payee { .. } | Actor::Book => {
                book.hold_to_capture(self.hold.0, at, by)
            }
        };
        let hold = match found {
            Ok(hold) => hold,
            Err(no) => return no,
        };
        // An agent hands over all that is left: what of it goes back is not the buyer's to say.
        let is_part = matches!(by, Actor::Agent { .. }) && self.amount != hold.left();
        if hold.meter.is_some() || is_part {
            return deny(Denial::Forbidden);
        }
        if self.amount.is_zero() {
            return Decision::Reject(Reject::AmountZero);
        }
        #[cfg(feature = "sabotage")]
        if let Some(decision) = book.capture_anyway(self, hold) {
            return decision;
        }
        if hold.left() < self.amount {
            return Decision::Record(Outcome::Denied(Refusal {
                rule: RuleRef::BOOK,
                denial: Denial::CaptureTooLarge,
                remaining: Some(hold.left()),
            }));
        }
        if !book.has_room_for(&hold.to, self.amount) {
            return Decision::Reject(Reject::AmountTooLarge);
        }
        let parts = book.divide(&hold.to, None, self.amount);
        Decision::Record(Outcome::Captured(Moved {
            amount: self.amount,
            parts,
            versions: crate::limit::Versions::default(),
        }))
    }

    pub(crate) fn apply(&self, book: &mut Book, moved: &Moved) {
        book.capture(self.hold.0, moved);
        let left = book.hold(self.hold.0).left();
        if self.last || left.is_zero() {
            book.close_hold(self.hold.0);
        }
    }
}

impl Void {
    pub(crate) fn decide(&self, book: &Book, at: Time, by: Actor) -> Decision {
        match book.hold_to_void(self.hold.0, at, by) {
            Ok(hold) => Decision::Record(Outcome::Released(Released { amount: hold.left() })),
            Err(no) => no,
        }
    }

    pub(crate) fn apply(&self, book: &mut Book) {
        book.close_hold(self.hold.0);
    }
}

impl Expire {
    pub(crate) fn decide(&self, book: &Book, at: Time, by: Actor) -> Decision {
        if by != Actor::Book {
            return deny(Denial::Forbidden);
        }
        let hold = book.records.get(self.hold.0).and_then(|record| record.hold());
        match hold.filter(|hold| hold.open && hold.expires_at <= at) {
            None => Decision::Reject(Reject::HoldUnknown),
            // Whoever can count no more gets no more: time does not wait for an account to be emptied.
            Some(Hold { meter: Some(meter), to, amount, .. }) if book.has_room_for(to, *amount) => {
                Decision::Record(Outcome::Settled(book.settle(meter, to, *amount)))
            }
            Some(hold) => Decision::Record(match book.captured_at_expiry(hold) {
                Some(moved) => Outcome::Captured(moved),
                None => Outcome::Released(Released { amount: hold.left() }),
            }),
        }
    }

    pub(crate) fn apply(&self, book: &mut Book, outcome: &Outcome) {
        if let Outcome::Settled(Settled { moved, .. }) | Outcome::Captured(moved) = outcome {
            book.capture(self.hold.0, moved);
        }
        book.close_hold(self.hold.0);
    }
}

impl Redeem {
    pub(crate) fn decide(&self, book: &Book, at: Time, by: Actor) -> Decision {
        match book.hold_to_capture(self.hold.0, at, by) {
            Ok(hold) if hold.redeemed.is_some() => deny(Denial::HoldRedeemed),
            Ok(_) => Decision::Record(Outcome::Done),
            Err(no) => no,
        }
    }

    pub(crate) fn apply(&self, book: &mut Book) {
        book.hold_mut(self.hold.0).redeemed = Some(self.delivery);
    }
}

impl Book {
    pub(crate) fn place_hold(
        &mut self,
        at: Time,
        id: Id,
        by: Actor,
        purchase: &Purchase,
        expires_at: Time,
        meter: Option<Box<Meter>>,
    ) {
        let rows = self.rows(by, purchase);
        let payer = rows.payer;
        self.count_purchase(at, rows, purchase);
        let wallet = self.wallets.at_mut(payer.wallet);
        wallet.balance.hold(purchase.amount);
        wallet.balance.assert_owes_nothing(); // I2
        let record = self.records.get_mut(id).expect("every command has its record");
        record.set_hold(
            payer.wallet,
            Hold {
                payer,
                to: purchase.to.clone(),
                amount: purchase.amount,
                captured: Amount::ZERO,
                placed_at: at,
                expires_at,
                at_expiry: AtExpiry::Release,
                open: true,
                redeemed: None,
                meter,
            },
        );
        self.expiries.insert((expires_at, id));
    }

    /// Moves held money to the payees.
    pub(crate) fn capture(&mut self, id: Id, moved: &Moved) {
        let hold = self.hold_mut(id);
        hold.captured = hold.captured.checked_add(moved.amount).expect("decided: the hold covers it");
        assert!(hold.captured <= hold.amount, "I6: a hold gives no more than was placed");
        let (payer, to) = (hold.payer, hold.to.clone());
        self.wallets.at_mut(payer.wallet).balance.release(moved.amount);
        self.move_to_payees(id, Rows { payer, payee: None }, &to, moved);
    }

    /// Gives back what is left and ends the hold (I6).
    pub(crate) fn close_hold(&mut self, id: Id) {
        let hold = self.hold_mut(id);
        assert!(hold.open, "I6: a hold ends once");
        hold.open = false;
        let (payer, left, unused) = (hold.payer, hold.left(), hold.captured.is_zero());
        let (placed_at, expires_at) = (hold.placed_at, hold.expires_at);
        self.wallets.at_mut(payer.wallet).balance.release(left);
        self.give_back(payer, placed_at, left, unused);
        self.expiries.remove(&(expires_at, id));
    }

    pub(crate) fn hold(&self, id: Id) -> &Hold {
        self.records.get(id).and_then(|record| record.hold()).expect("decided: the hold is known")
    }

    pub(crate) fn hold_mut(&mut self, id: Id) -> &mut Hold {
        let record = self.records.get_mut(id).expect("decided: the hold is known");
        record.hold_mut().expect("decided: it is a hold")
    }

    /// An open hold that `by` may capture now. While something it hangs on is stopped, only its owner and the operator
    /// may: held money waits for them. One that is disputed waits for its owner's word alone.
    pub(crate) fn hold_to_capture(&self, id: Id, at: Time, by: Actor) -> Result<&Hold, Decision> {
        self.takeable(self.open_hold(id, by)?, at, by)
    }

    /// An open hold that the agent who placed it may give to its sellers before they ask.
    fn hold_to_hand_over(&self, id: Id, at: Time, by: Actor) -> Result<&Hold, Decision> {
        let hold = self.hold_of_buyer(id, by)?;
        if hold.open { self.takeable(hold, at, by) } else { Err(deny(Denial::HoldClosed)) }
    }

    /// An open hold of which `by` may take now.
    fn takeable<'a>(&self, hold: &'a Hold, at: Time, by: Actor) -> Result<&'a Hold, Decision> {
        if hold.expires_at <= at {
            return Err(deny(Denial::HoldExpired));
        }
        if hold.at_expiry == AtExpiry::Disputed && !matches!(by, Actor::Owner { .. }) {
            return Err(deny(Denial::HoldDisputed));
        }
        match (by, self.stopped(hold.payer)) {
            (Actor::Payee { .. } | Actor::Agent { .. }, Some(denial)) => Err(deny(denial)),
            _ => Ok(hold),
        }
    }

    /// An open hold that `by` may void: its seller and the operator always, its owner once it is stopped.
    fn hold_to_void(&self, id: Id, _at: Time, by: Actor) -> Result<&Hold, Decision> {
        let hold = self.open_hold(id, by)?;
        match by {
            Actor::Owner { .. } if self.stopped(hold.payer).is_none() => Err(deny(Denial::Forbidden)),
            Actor::Owner { .. }
            | Actor::Operator { .. }
            | Actor::Payee { .. }
            | Actor::Agent { .. }
            | Actor::Book => Ok(hold),
        }
    }

    /// An open hold, for its seller, its owner and the operator.
    fn open_hold(&self, id: Id, by: Actor) -> Result<&Hold, Decision> {
        let unknown = Decision::Reject(Reject::HoldUnknown);
        let hold = self.records.get(id).and_then(|record| record.hold()).ok_or(unknown.clone())?;
        match by {
            Actor::Payee { payee, key } => {
                let slot = self.payees.find(payee.0).filter(|_| hold.to.is_led_by(payee)).ok_or(unknown)?;
                self.check_key(key, Holder::Payee(slot)).map_or(Ok(()), Err)?;
            }
            Actor::Owner { .. } => {
                let owner = self.wallets.at(hold.payer.wallet).owner;
                self.owner_only(by, owner, Reject::HoldUnknown).map_or(Ok(()), Err)?;
            }
            Actor::Operator { .. } => self.operator_only(by).map_or(Ok(()), Err)?,
            Actor::Agent { .. } | Actor::Book => return Err(deny(Denial::Forbidden)),
        }
        if hold.open { Ok(hold) } else { Err(deny(Denial::HoldClosed)) }
    }

    /// What stops the payer of a hold, if anything.
    pub(crate) fn stopped(&self, payer: Payer) -> Option<Denial> {
        let wallet = self.wallets.at(payer.wallet);
        let when = |status: Status, frozen: Denial, revoked: Denial| match status {
            Status::Active => None,
            Status::Frozen => Some(frozen),
            Status::Revoked => Some(revoked),
        };
        when(self.owners.at(wallet.owner).status, Denial::OwnerFrozen, Denial::OwnerFrozen)
            .or_else(|| when(wallet.status, Denial::WalletFrozen, Denial::WalletClosed))
            .or_else(|| {
                let (parent, _) = wallet.sub?;
                when(self.wallets.at(parent).status, Denial::WalletFrozen, Denial::WalletClosed)
            })
            .or_else(|| {
                let agent = self.agents.at(payer.agent?);
                when(agent.status, Denial::AgentFrozen, Denial::AgentRevoked)
            })
            .or_else(|| {
                let mandate = self.mandates.at(payer.mandate?);
                when(mandate.status, Denial::MandateFrozen, Denial::MandateRevoked)
                    .or_else(|| self.stopped_above(mandate.parent))
            })
    }
}
