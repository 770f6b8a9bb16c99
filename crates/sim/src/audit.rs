//! The auditor: recomputes a book from the bytes of its entries, sharing no code with the book, and says what is wrong.
//!
//! It reads bytes as `docs/entry-format.md` describes them ([`entry`], [`bytes`]), keeps naive maps ([`state`]), adds
//! every limit up again from every payment ([`usage`]), and decides each purchase a second time ([`judge`]). [`walk`]
//! follows the entries and compares, [`believe`] takes over what they changed. The numbers of what is violated are those of the invariants I1 to I12.

mod action;
mod believe;
mod bytes;
mod delegate;
mod entry;
mod escrow;
mod invoice;
mod judge;
mod link;
mod meter;
mod money;
mod payout;
mod quota;
mod reasons;
mod state;
mod stop;
mod subscription;
mod usage;
mod walk;

pub use bytes::Field;
pub use entry::fields;

use entry::Place;
use state::State;
use std::fmt;

/// Something that should not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The entry it was noticed at.
    pub seq: u64,
    /// The invariant, or `form` where the bytes are wrong.
    pub rule: &'static str,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entry {}, {}: {}", self.seq, self.rule, self.what)
    }
}

/// What an audit found.
#[derive(Debug)]
pub struct Report {
    /// Everything that should not be, in order. An entry that violates something may make others look wrong.
    pub violations: Vec<Violation>,
    /// The Merkle root over the entries.
    pub root: [u8; 32],
    state: State,
}

impl Report {
    /// What is on its way to banks in `asset`: what was given, got, and nothing set aside.
    pub fn in_transit(&self, asset: &str) -> (u128, u128, u128) {
        let sums = self.state.sums(Place::Transit, asset);
        (sums.debits, sums.credits, sums.held)
    }

    /// What the wallet or payee with this identifier gave, got and has set aside.
    pub fn account(&self, id: [u8; 16]) -> (u128, u128, u128) {
        let of = |place: &Place| *place == Place::Wallet(id) || *place == Place::Payee(id);
        let found = self.state.money.iter().find(|((place, _), _)| of(place));
        found.map_or((0, 0, 0), |(_, sums)| (sums.debits, sums.credits, sums.held))
    }
}

/// Audits a whole journal, given the canonical bytes of its entries in order.
pub fn audit(entries: &[Vec<u8>]) -> Report {
    let (state, violations) = walk::walk(entries);
    Report { violations, root: money::root(entries), state }
}
