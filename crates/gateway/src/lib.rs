//! The gateway: a price in front of an unmodified HTTP service, collected over A402.
//!
//! A request without a proof is checked and answered 402 with a bill, of which nothing is remembered. One with a proof is
//! checked here, redeemed at the payment service, forwarded, kept, and answered; only then is the money
//! confirmed to the seller. What was not delivered is not charged.
//!
//! Reading order: [`Config`] (what is sold), `route` (which price a request has), `paywall` (what is checked, in which order),
//! `flight` (one delivery for one payment), [`deliveries`] (what survives a crash), `outbox` (how the money follows).

#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod config;
pub mod deliveries;
mod flight;
mod forward;
mod gateway;
mod keys;
pub mod limits;
mod metrics;
mod outbox;
mod paywall;
mod problem;
mod route;
mod serve;

pub use config::{Config, ConfigFault, Price, Seller, Upstream};
pub use gateway::{Gateway, StartFault};
pub use metrics::{Counter, Metrics};
pub use problem::Code;
pub use route::{Free, PathFault, Pattern, Table, Unpriced};
pub use serve::serve;
