//! Rows of what was said and done about something that goes on: prices, and what stops a mandate.

use book::freeze::Status;
use book::{Actor, Amount, Code, PayeeId, Seq, Time};
use evidence::Hash;

/// What changed whether a mandate takes part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeRow {
    /// The entry that did.
    pub seq: Seq,
    /// What it is since.
    pub status: Status,
    /// When.
    pub at: Time,
    /// By whom.
    pub by: Actor,
}

/// The latest word of a seller on one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservationRow {
    /// The entry that says it.
    pub seq: Seq,
    /// When.
    pub at: Time,
    /// The seller.
    pub payee: PayeeId,
    /// The digest of what is sold.
    pub item: Hash,
    /// What one costs.
    pub price: Amount,
    /// Of what.
    pub asset: Code,
    /// How many there are.
    pub stock: u32,
}
