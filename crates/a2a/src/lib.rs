//! A2A 1.0 with payment: a seller's agent in front of an unmodified HTTP service, and a buyer who pays agents.
//!
//! Each skill of the agent's card is a path of the seller's price list. A message becomes the request that the gateway's paywall
//! prices, so that what it checks, does once and gives back is the same at this door as at every other; only tasks are kept here.
//!
//! Reading order: [`Profile`] (what the agent says of itself), [`Agent`] (its card, and what it is made of), `till` (a message as
//! a request), `desk` (a task from its message to its end), `store` (what survives a crash), [`door`] (who may ask, in which
//! binding), [`customer`] (the other side).

#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod agent;
pub mod customer;
mod desk;
pub mod door;
pub mod limits;
mod profile;
mod store;
mod till;

pub use agent::{Agent, NotOpened};
pub use profile::{Profile, ProfileFault, Skill};
pub use store::StoreFault;
