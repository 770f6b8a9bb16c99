//! The server: HTTP in front of a book. It converts, authenticates and shows; it decides nothing.
//!
//! Begin with [`routes::payments`]: how a payment arrives. [`request`] reads it, [`auth`] says who sent it, [`convert`]
//! turns it into a command, [`state`] hands that to the engine, [`answer`] turns what came of it into JSON, and
//! [`problem`] everything else, by the closed list of [`codes`]. [`reads`] asks the views. [`data`] makes and opens a data directory.

#![forbid(unsafe_code)]

pub mod answer;
pub mod auth;
mod bills;
pub mod bodies;
#[cfg(feature = "evm")]
pub mod chains;
pub mod codes;
pub mod connections;
pub mod convert;
pub mod coupons;
pub mod data;
pub mod desk;
pub mod directory;
pub mod docs;
pub mod drafting;
pub mod edge;
pub mod invitations;
pub mod invoicing;
pub mod limits;
pub mod log_keys;
pub mod market;
pub mod metrics;
pub mod offers;
pub mod openapi;
pub mod papers;
pub mod payouts;
pub mod problem;
pub mod reads;
pub mod recent;
pub mod reported;
pub mod request;
pub mod routes;
pub mod serve;
pub mod standing;
pub mod state;
pub mod stream;
pub mod webhooks;

pub use serve::serve;
pub use state::{App, State};
