//! What the auditor makes of counted work: what it adds up to, and what it is settled for.

use super::entry::{Moved, Name};
use super::money::round;
use super::walk::Walk;

impl Walk {
    pub(super) fn charge(&mut self, name: Name, sequence: u64, units: &[u128], total: u128) {
        let Some(meter) = self.hold_mut(name).and_then(|hold| hold.meter.as_mut()) else {
            self.wrong("form", "no such meter");
            return;
        };
        let should_be = meter.cost(units).and_then(|cost| cost.checked_add(meter.total));
        meter.sequence = sequence;
        meter.total = total;
        self.expect(should_be == Some(total), "I6", "the meter counted wrongly");
    }

    pub(super) fn settle(&mut self, name: Name, moved: &Moved, released: u128, carry: u128) {
        let Some(hold) = self.hold(name) else {
            self.wrong("form", "no such meter");
            return;
        };
        let amount = hold.amount;
        let should_be = hold.meter.as_ref().map(|meter| round(meter.total, meter.rounding));
        let is_exact =
            should_be == Some((moved.amount, carry)) && moved.amount.checked_add(released) == Some(amount);
        self.expect(is_exact, "I6", "the meter was settled wrongly");
        self.capture(name, moved);
        if self.hold(name).is_some_and(|hold| hold.is_open) {
            self.end_hold(name);
        }
    }
}
