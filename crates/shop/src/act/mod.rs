//! ACT's commerce messages, as a shop answers them over HTTP: a catalogue, candidates for an intent, ways to be paid, and
//! confirmed carts.
//!
//! Reading order: [`answer`], what is answered where; [`sender`], whether a message is its sender's; [`offer`], candidates;
//! [`confirm`], carts and orders; [`publish`], what everybody may read.

mod answer;
mod confirm;
mod offer;
mod publish;
mod sender;
pub(crate) mod store;

pub use answer::{Desk, serve};
