//! What a simulation did, counted by kind.

use std::collections::BTreeMap;

/// Counts by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Commands by their action and what came of them.
    pub operations: BTreeMap<&'static str, u64>,
    /// What came of them.
    pub verdicts: BTreeMap<&'static str, u64>,
    /// Faults injected, by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// Entries in the journals at the end.
    pub entries: u64,
    /// Payments at one limit from all sides: how many rounds of it.
    pub storms: u64,
}

impl Tally {
    /// One more command of this kind.
    pub fn operation(&mut self, kind: &'static str) {
        *self.operations.entry(kind).or_default() += 1;
    }

    /// One more verdict of this kind.
    pub fn verdict(&mut self, kind: &'static str) {
        *self.verdicts.entry(kind).or_default() += 1;
    }

    /// One more fault of this kind.
    pub fn fault(&mut self, kind: &'static str) {
        *self.faults.entry(kind).or_default() += 1;
    }

    /// Adds what another simulation did.
    pub fn add(&mut self, other: &Tally) {
        let sums = [
            (&mut self.operations, &other.operations),
            (&mut self.verdicts, &other.verdicts),
            (&mut self.faults, &other.faults),
        ];
        for (ours, theirs) in sums {
            for (kind, count) in theirs {
                *ours.entry(kind).or_default() += count;
            }
        }
        self.entries += other.entries;
        self.storms += other.storms;
    }

    /// All commands.
    pub fn operations(&self) -> u64 {
        self.operations.values().sum()
    }

    /// All faults.
    pub fn faults(&self) -> u64 {
        self.faults.values().sum()
    }
}
