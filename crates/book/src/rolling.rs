//! A rolling window: the payments of the last so many seconds, and what they come to.
//!
//! Their sum is kept, so that deciding looks only at those that have grown too old since the last payment was counted.

use crate::canon::{Canon, Malformed, Reader, canon_struct};
use crate::limits::{AMOUNT_MAX, ROLLING_SPENDINGS_MAX};
use crate::money::Amount;
use crate::time::Time;
use std::collections::VecDeque;

/// The payments of one rolling window, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rolling {
    nanos: u64,
    payments: VecDeque<Spent>,
    /// What all of them come to. Each is at most 10^30 and there are at most 1,024: it fits.
    sum: u128,
    count: u64,
}

#[derive(Clone, Copy, Debug)]
struct Spent {
    /// The first payment in it; the last is at `at`.
    from: Time,
    at: Time,
    amount: Amount,
    count: u32,
}

canon_struct!(Spent { from, at, amount, count });

impl Canon for Rolling {
    fn encode(&self, out: &mut Vec<u8>) {
        self.nanos.encode(out);
        self.payments.encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (nanos, payments) = (u64::decode(input)?, VecDeque::<Spent>::decode(input)?);
        let mut rolling = Rolling { nanos, ..Rolling::default() };
        payments.iter().for_each(|spent| rolling.add(spent));
        Ok(Rolling { payments, ..rolling })
    }
}

impl Rolling {
    /// No payment yet; the window is `seconds` long.
    pub(crate) fn new(seconds: u32) -> Rolling {
        Rolling { nanos: Time::from_seconds(u64::from(seconds)).0, ..Rolling::default() }
    }

    /// What was spent in the window that ends at `at`, and in how many payments.
    pub(crate) fn used(&self, at: Time) -> (Amount, u32) {
        let old = self.payments.iter().take_while(|spent| spent.at.after(self.nanos) <= at);
        let (sum, count) = old.fold((self.sum, self.count), |(sum, count), spent| {
            (sum.saturating_sub(spent.amount.minor()), count.saturating_sub(u64::from(spent.count)))
        });
        let sum = Amount::new(sum.min(AMOUNT_MAX)).expect("it is not above the largest");
        (sum, u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// Counts payments that are made at `at`.
    pub(crate) fn count(&mut self, at: Time, amount: Amount, count: u32) {
        while let Some(oldest) = self.payments.front().copied()
            && oldest.at.after(self.nanos) <= at
        {
            self.payments.pop_front();
            self.take(&oldest);
        }
        if self.payments.len() == ROLLING_SPENDINGS_MAX {
            self.merge_oldest();
        }
        let spent = Spent { from: at, at, amount, count };
        self.add(&spent);
        self.payments.push_back(spent);
    }

    /// Takes back what a payment of `placed_at` did not use, where it is among them still.
    pub(crate) fn give_back(&mut self, placed_at: Time, amount: Amount) {
        let holds = |spent: &&mut Spent| spent.from <= placed_at && placed_at <= spent.at;
        if let Some(spent) = self.payments.iter_mut().find(holds) {
            let before = *spent;
            spent.amount = spent.amount.saturating_sub(amount);
            let after = *spent;
            self.take(&before);
            self.add(&after);
        }
    }

    /// Makes room by letting the oldest payment count as long as its neighbour.
    fn merge_oldest(&mut self) {
        let Some(oldest) = self.payments.pop_front() else { return };
        self.take(&oldest);
        if let Some(next) = self.payments.front_mut() {
            let before = *next;
            next.from = oldest.from;
            next.amount = next.amount.saturating_add(oldest.amount);
            next.count = next.count.saturating_add(oldest.count);
            let after = *next;
            self.take(&before);
            self.add(&after);
        }
    }

    fn add(&mut self, spent: &Spent) {
        self.sum = self.sum.saturating_add(spent.amount.minor());
        self.count = self.count.saturating_add(u64::from(spent.count));
    }

    fn take(&mut self, spent: &Spent) {
        self.sum = self.sum.saturating_sub(spent.amount.minor());
        self.count = self.count.saturating_sub(u64::from(spent.count));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canon;

    /// Adds up what is there, one by one.
    fn added_up(rolling: &Rolling, at: Time) -> (u128, u64) {
        let young = rolling.payments.iter().filter(|spent| at < spent.at.after(rolling.nanos));
        young.fold((0, 0), |(sum, count), spent| (sum + spent.amount.minor(), count + u64::from(spent.count)))
    }

    #[test]
    fn the_sum_is_that_of_the_payments_whatever_happens() {
        let mut rolling = Rolling::new(1_000);
        let mut random = 7u64;
        let mut at = Time::from_seconds(1);
        for step in 0..20_000u64 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let draw = random >> 33;
            // Now and then hardly a second between them, so that the oldest are merged; now and then a long rest.
            at = at.after(if draw.is_multiple_of(997) { 900_000_000_000 } else { draw % 500_000_000 });
            if draw.is_multiple_of(5) {
                let back = Time(at.0.saturating_sub(draw % 2_000_000_000_000));
                rolling.give_back(back, Amount::new(u128::from(draw % 90)).unwrap());
            } else {
                rolling.count(at, Amount::new(u128::from(draw % 100)).unwrap(), 1);
            }
            let later = at.after(draw % 1_500_000_000_000);
            for now in [at, later] {
                let (sum, count) = added_up(&rolling, now);
                let (used, times) = rolling.used(now);
                assert_eq!((used.minor(), u64::from(times)), (sum, count), "step {step}");
            }
            if step.is_multiple_of(1_000) {
                let again: Rolling = canon::value(&canon::bytes(&rolling)).unwrap();
                assert_eq!((again.sum, again.count), (rolling.sum, rolling.count));
            }
        }
    }
}
