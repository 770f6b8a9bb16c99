//! The clock: the system's, and for books of play money one that can be put forward.

use book::Time;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// What time it is. Only the writer and the border ask.
#[derive(Debug, Default)]
pub struct Clock {
    ahead_nanos: AtomicU64,
}

impl Clock {
    /// The system's clock, put forward by `nanos`.
    pub fn ahead_by(nanos: u64) -> Clock {
        Clock { ahead_nanos: AtomicU64::new(nanos) }
    }

    /// Now. A clock that is set back does no harm: entries go on in single nanoseconds until it has caught up.
    pub fn now(&self) -> Time {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let nanos = u64::try_from(since.as_nanos()).expect("the clock is before the year 2554");
        Time(nanos).after(self.ahead_nanos.load(Ordering::Relaxed))
    }

    /// Puts the clock forward, and returns how far it is ahead of the system's in all.
    pub fn advance(&self, nanos: u64) -> u64 {
        let add = |ahead: u64| Some(ahead.saturating_add(nanos));
        let before = self.ahead_nanos.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        before.unwrap_or_default().saturating_add(nanos)
    }
}
