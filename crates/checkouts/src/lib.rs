//! The doors of a shop for clients of ACP and of UCP: checkouts over the shop's own carts and orders, paid by tokens of a
//! Tollbridge server.
//!
//! There is one cart and one stock: what is sold through one door is sold out at the others. Reading order: [`Config`];
//! `till`, what both doors do; `acp` and `ucp`, how each says it; [`Doors`], which answers requests.

#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod acp;
mod config;
mod doors;
mod events;
pub mod limits;
mod once;
mod said;
mod serve;
mod store;
mod till;
mod ucp;

pub use config::{Config, ConfigFault};
pub use doors::{Doors, StartFault};
pub use serve::serve;
