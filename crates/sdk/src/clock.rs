//! The time as this process sees it, and numbers that are never given out twice.

use protocols::Time;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Where the time comes from: the system, or, for a test book whose clock is put forward, a function.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Time + Send + Sync>);

impl Clock {
    /// The clock of the system.
    pub fn system() -> Clock {
        Clock::of(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            Time(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
        })
    }

    /// A clock that asks `now`.
    pub fn of(now: impl Fn() -> Time + Send + Sync + 'static) -> Clock {
        Clock(Arc::new(now))
    }

    /// What time it is.
    pub fn now(&self) -> Time {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// Gives each request its nonce: microseconds since 1970, always larger than the one before.
#[derive(Debug, Default)]
pub(crate) struct Nonces(AtomicU64);

impl Nonces {
    /// The next nonce, at `now` or, when many are drawn in one microsecond, as little later as can be.
    pub(crate) fn next(&self, now: Time) -> u64 {
        let micros = now.0 / 1_000;
        let following = |last: u64| micros.max(last.saturating_add(1));
        let last = self.0.update(Ordering::Relaxed, Ordering::Relaxed, following);
        following(last)
    }
}

/// 128 bits for an identifier made at `now`: 48 bits of milliseconds, then 80 random ones.
pub(crate) fn fresh_bits(now: Time) -> u128 {
    bits_at(now.0 / 1_000_000, rand::random())
}

/// 128 bits for an identifier that says it was made at `millis`; of `rest`, the last 80 bits are used.
pub(crate) fn bits_at(millis: u64, rest: u128) -> u128 {
    (u128::from(millis) << 80) | (rest & ((1 << 80) - 1))
}

/// When an identifier says that it was made.
pub(crate) fn made_at(bits: u128) -> Time {
    let millis = u64::try_from(bits >> 80).expect("48 bits fit");
    Time(millis.saturating_mul(1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonces_rise_though_the_clock_stands_or_steps_back() {
        let nonces = Nonces::default();
        let drawn = [5_000, 5_000, 5_999, 1_000, 9_000].map(|now| nonces.next(Time(now)));
        assert_eq!(drawn, [5, 6, 7, 8, 9]);
    }

    #[test]
    fn an_identifier_begins_with_its_time() {
        assert_eq!(bits_at(1, u128::MAX), (1 << 80) | ((1 << 80) - 1));
        assert_eq!(made_at(fresh_bits(Time(7_900_000))), Time(7_000_000));
        assert_eq!(made_at(u128::MAX), Time(u64::MAX));
    }
}
