//! The shell around a book: one writer thread, its journal, and those who follow it.
//!
//! Nothing here knows HTTP, JSON or a rule. Begin with [`writer`], how a batch becomes durable; then [`journal`], which
//! is the truth, and from which everything else in a book's life can be computed again; then [`engine`].

#![cfg_attr(
    not(test),
    deny(clippy::indexing_slicing, clippy::as_conversions, clippy::arithmetic_side_effects)
)]
#![forbid(unsafe_code)]

pub mod clock;
pub mod engine;
pub mod follower;
mod growth;
pub mod journal;
pub mod limits;
mod queue;
mod recovery;
pub mod schedule;
pub mod snapshot;
pub mod tiles;
pub mod views;
pub mod writer;

pub use clock::Clock;
pub use engine::{Busy, Engine, Options, Recovered, Ticket};
pub use follower::{Follower, FollowerFault, Pace, Positions};
pub use growth::Growths;
pub use journal::{BookId, FileJournal, Journal, JournalFault, MemoryJournal};
pub use snapshot::{Beside, SnapshotFault, SnapshotNews, Snapshots};
pub use tiles::{Log, Published, TileHashes, Tiles};
pub use views::{View, Views, ViewsFault, ViewsReader};
pub use writer::{Answer, Fault, RecoveryError, Stepdown, Unit, Writer};
