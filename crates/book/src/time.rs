//! Positions and instants: the two orders every entry of a book has.

/// The position of an entry in its book's journal, counted from 0 without gaps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(pub u64);

impl Seq {
    /// The position behind this one.
    pub fn next(self) -> Seq {
        Seq(self.0.checked_add(1).expect("a journal holds fewer than 2^64 entries"))
    }
}

/// An instant: nanoseconds since 1970-01-01T00:00:00Z, without leap seconds. Reaches the year 2554.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub u64);

impl Time {
    /// The end of time, for whatever has no end.
    pub const MAX: Time = Time(u64::MAX);

    /// The instant one nanosecond later.
    pub fn next(self) -> Time {
        Time(self.0.checked_add(1).expect("the clock is before the year 2554"))
    }

    /// The instant `nanos` later, or [`Time::MAX`] where that lies beyond it.
    pub fn after(self, nanos: u64) -> Time {
        Time(self.0.saturating_add(nanos))
    }

    /// The instant `seconds` after 1970-01-01T00:00:00Z, or [`Time::MAX`] beyond it.
    pub fn from_seconds(seconds: u64) -> Time {
        Time(seconds.saturating_mul(1_000_000_000))
    }
}
