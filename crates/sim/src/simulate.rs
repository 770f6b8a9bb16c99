//! The simulator: a book's life under clients, clocks and disks that misbehave, all of it decided by one seed.
//!
//! [`run`] lives one life. [`ask`] and [`rule`] make up what clients ask, [`clients`] send it, again and again until they
//! are answered, [`clock`] and [`disk`] break what can break, and [`history`] holds every answer against the journal.
//! [`probe`] compares a book with what its journal replays to, [`snapshots`] with what a snapshot comes to, and [`crate::audit`] goes over every entry at the end.

mod ask;
mod billed;
mod clients;
mod clock;
mod disk;
mod held;
mod history;
mod life;
mod linked;
mod paid_out;
mod prepaid;
mod probe;
mod rule;
mod snapshots;
mod storm;
mod subscribed;
mod swell;
mod tally;

pub use life::{Failure, Life, Planted, run};
pub use tally::Tally;
