//! The clock that the writer is shown: it stands still, creeps, leaps over days and goes back.

use crate::seed::Chance;
use book::Time;

const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Shortly before the clocks change somewhere, in seconds since 1970.
const BEGINNINGS: &[u64] = &[
    1_772_900_000, // 2026-03-07: New York goes forward on the 8th
    1_774_650_000, // 2026-03-27: Berlin and Beirut go forward on the 29th
    1_775_200_000, // 2026-04-03: Lord Howe and Santiago go back on the 4th and 5th
    1_793_350_000, // 2026-10-30: New York goes back on the 1st
    1_792_850_000, // 2026-10-24: Berlin and Beirut go back on the 25th
    1_798_700_000, // 2026-12-31: another year
    1_772_150_000, // 2026-02-27: a short month
];

/// A clock and its whims.
#[derive(Debug)]
pub(super) struct Clock {
    now: u64,
    leaps: u64,
}

/// What the clock did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tick {
    /// What clocks do.
    On,
    Frozen,
    Forward,
    Back,
}

impl Clock {
    pub(super) fn new(chance: &mut Chance) -> Clock {
        let start = chance.pick(BEGINNINGS).copied().unwrap_or_default() * SECOND;
        Clock { now: start + chance.below(12 * HOUR), leaps: chance.between(6, 40) }
    }

    pub(super) fn now(&self) -> Time {
        Time(self.now)
    }

    /// Goes on in its way.
    pub(super) fn tick(&mut self, chance: &mut Chance) -> Tick {
        if !chance.one_in(self.leaps) {
            self.now += chance.below(3 * SECOND);
            return Tick::On;
        }
        match chance.weigh(&[(3, Tick::Forward), (1, Tick::Back), (1, Tick::Frozen)]) {
            Tick::Forward => {
                let most = chance.weigh(&[(6, HOUR), (6, 12 * HOUR), (3, 3 * DAY), (1, 20 * DAY)]);
                self.now += chance.below(most);
                Tick::Forward
            }
            Tick::Back => {
                let most = chance.weigh(&[(4, SECOND), (4, HOUR), (1, DAY)]);
                self.now -= chance.below(most);
                Tick::Back
            }
            still @ (Tick::On | Tick::Frozen) => still,
        }
    }

    /// Is at least as late as `at`.
    pub(super) fn catch_up(&mut self, at: Time) {
        self.now = self.now.max(at.0);
    }

    /// Goes on for so long.
    pub(super) fn pass(&mut self, seconds: u64) {
        self.now += seconds * SECOND;
    }
}
