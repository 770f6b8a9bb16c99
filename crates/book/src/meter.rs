//! Meters: a hold that is drawn down by counted work and settled once, to the billionth of a smallest unit.

use crate::book::{Book, Decision};
use crate::canon::{canon_enum, canon_struct};
use crate::command::Actor;
use crate::entry::{Denial, Metered, Moved, Outcome, Refusal, Reject, RuleRef, Settled};
use crate::hold::holdable_until;
use crate::id::{Id, MeterId};
use crate::limit::Versions;
use crate::money::{Amount, NANOS, Nanos, NanosPerUnit, Rounding};
use crate::open::deny;
use crate::purchase::{Kind, Payees, Purchase};
use crate::time::Time;

canon_enum!(Rounding { 1 => Down, 2 => HalfUp, 3 => Up });

/// Sets aside the most that metered work may cost. The command's id becomes the [`MeterId`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenMeter {
    /// Who works, and the most it may cost.
    pub purchase: Purchase,
    /// When it is settled by itself; at most 90 days ahead.
    pub expires_at: Time,
    /// What a unit of each kind of work costs: 1 to 16 kinds.
    pub rates: Vec<NanosPerUnit>,
    /// How the exact cost becomes an amount when it is settled.
    pub rounding: Rounding,
}

canon_struct!(OpenMeter { purchase, expires_at, rates, rounding });

/// Counts work. The exact cost of everything counted may not exceed the hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// On which meter.
    pub meter: MeterId,
    /// The seller's number of this charge; larger than the one before.
    pub sequence: u64,
    /// The units of each kind, in the order of the rates.
    pub units: Vec<u64>,
}

canon_struct!(Charge { meter, sequence, units });

/// Settles a meter: captures what was counted and releases the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseMeter {
    /// Which.
    pub meter: MeterId,
}

canon_struct!(CloseMeter { meter });

/// The part of a hold that counts.
#[derive(Debug)]
pub(crate) struct Meter {
    rates: Vec<NanosPerUnit>,
    rounding: Rounding,
    sequence: u64,
    total: Nanos,
    by_vouchers: bool,
}

canon_struct!(Meter { rates, rounding, sequence, total, by_vouchers });

impl Meter {
    /// One that no charge can move, only vouchers.
    pub(crate) fn by_vouchers(rounding: Rounding) -> Meter {
        Meter { rates: Vec::new(), rounding, sequence: 0, total: Nanos::ZERO, by_vouchers: true }
    }

    pub(crate) fn is_by_vouchers(&self) -> bool {
        self.by_vouchers
    }

    pub(crate) fn total(&self) -> Nanos {
        self.total
    }

    pub(crate) fn set_total(&mut self, total: Nanos) {
        self.total = total;
    }

    /// What everything would cost with `units` more.
    fn total_with(&self, units: &[u64]) -> Option<Nanos> {
        let prices = self.rates.iter().zip(units).map(|(rate, units)| rate.price(*units));
        prices.into_iter().try_fold(self.total, Nanos::checked_add)
    }
}

impl OpenMeter {
    pub(crate) fn decide(&self, book: &Book, at: Time, by: Actor) -> Decision {
        if !holdable_until(at, self.expires_at) {
            return Decision::Reject(Reject::TimeOutOfRange);
        }
        match book.authorize(at, by, Kind::Meter, &self.purchase) {
            Ok(allowed) => Decision::Record(Outcome::Held(allowed.versions)),
            Err(no) => no,
        }
    }

    pub(crate) fn apply(&self, book: &mut Book, at: Time, id: Id, by: Actor) {
        let (rates, rounding) = (self.rates.clone(), self.rounding);
        let meter = Meter { rates, rounding, sequence: 0, total: Nanos::ZERO, by_vouchers: false };
        book.place_hold(at, id, by, &self.purchase, self.expires_at, Some(Box::new(meter)));
    }
}

impl Charge {
    pub(crate) fn decide(&self, book: &Book, at: Time, by: Actor) -> Decision {
        let hold = match book.hold_to_capture(self.meter.0, at, by) {
            Ok(hold) => hold,
            Err(Decision::Reject(Reject::HoldUnknown)) => return Decision::Reject(Reject::MeterUnknown),
            Err(no) => return no,
        };
        let Some(meter) = hold.meter.as_ref().filter(|meter| !meter.by_vouchers) else {
            return Decision::Reject(Reject::MeterUnknown);
        };
        if !matches!(by, Actor::Payee { .. }) {
            return deny(Denial::Forbidden);
        }
        if self.units.len() != meter.rates.len() {
            return Decision::Reject(Reject::LimitsMalformed);
        }
        if self.units.iter().all(|units| *units == 0) {
            return Decision::Reject(Reject::AmountZero);
        }
        if self.sequence <= meter.sequence {
            return deny(Denial::MeterSequence);
        }
        let limit = nanos_of(hold.amount);
        match meter.total_with(&self.units).filter(|total| *total <= limit) {
            Some(total) => Decision::Record(Outcome::Charged(Metered { total })),
            None => Decision::Record(Outcome::Denied(Refusal {
                rule: RuleRef::BOOK,
                denial: Denial::MeterExceeded,
                remaining: meter.total.round(Rounding::Up).map(|(used, _)| hold.amount.saturating_sub(used)),
            })),
        }
    }

    pub(crate) fn apply(&self, book: &mut Book, metered: &Metered) {
        let meter = book.hold_mut(self.meter.0).meter.as_mut().expect("decided: the hold is metered");
        meter.sequence = self.sequence;
        meter.total = metered.total;
    }
}

/// An amount in billionths of its smallest unit.
pub(crate) fn nanos_of(amount: Amount) -> Nanos {
    amount.minor().checked_mul(NANOS).map_or(Nanos::new(u128::MAX), Nanos::new)
}

impl CloseMeter {
    pub(crate) fn decide(&self, book: &Book, at: Time, by: Actor) -> Decision {
        let hold = match book.hold_to_capture(self.meter.0, at, by) {
            Ok(hold) => hold,
            Err(Decision::Reject(Reject::HoldUnknown)) => return Decision::Reject(Reject::MeterUnknown),
            Err(no) => return no,
        };
        match &hold.meter {
            Some(_) if !book.has_room_for(&hold.to, hold.amount) => Decision::Reject(Reject::AmountTooLarge),
            Some(meter) => Decision::Record(Outcome::Settled(book.settle(meter, &hold.to, hold.amount))),
            None => Decision::Reject(Reject::MeterUnknown),
        }
    }

    pub(crate) fn apply(&self, book: &mut Book, settled: &Settled) {
        book.capture(self.meter.0, &settled.moved);
        book.close_hold(self.meter.0);
    }
}

impl Book {
    /// What a meter comes to: the one place where counted work is rounded.
    pub(crate) fn settle(&self, meter: &Meter, to: &Payees, held: Amount) -> Settled {
        let rounded = meter.total.round(meter.rounding);
        // Rounding up may pass the hold by less than one unit; the hold is the most that can be taken.
        let (amount, carry) =
            rounded.map_or((held, Nanos::ZERO), |(amount, carry)| (amount.min(held), carry));
        let moved = Moved { amount, parts: self.divide(to, None, amount), versions: Versions::default() };
        Settled { moved, released: held.saturating_sub(amount), carry }
    }
}
