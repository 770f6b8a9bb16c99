//! The gateway: a price in front of an unmodified HTTP service, collected over A402.
//!
//! A request without a proof is checked and answered 402 with a bill, of which nothing is remembered. One with a proof is
//! checked here, redeemed at the payment service, forwarded, kept, and answered; only then is the money
//! confirmed to the seller. What was not delivered is not charged.
//!
//! It has three forms: a server of its own before another ([`serve`]), a layer around a service in the same program
//! ([`Layer`]), and an adviser whom a web server asks before it answers (`front`). All three take the same way.
//!
//! Reading order: [`Config`] (what is sold), `pricing` and `tariff` (what it costs), `route` (which price a request has),
//! `paywall` and `proof` (what is checked, in which order), `flight` (one delivery for one payment), [`deliveries`] (what
//! survives a crash), `outbox` (how the money follows); and `channels` for calls that are paid by voucher.

#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod acceptance;
mod channels;
mod config;
mod coupon;
mod coupon_report;
pub mod deliveries;
mod dialects;
mod discovery;
mod flight;
mod forward;
mod front;
mod gateway;
mod keys;
mod layer;
pub mod limits;
mod metrics;
mod offers;
mod outbox;
mod paywall;
pub mod plan;
mod pricing;
mod problem;
mod proof;
mod route;
mod serve;
mod session;
mod stream;
mod tariff;
pub mod tools;

pub use crate::pricing::{Answers, Coupon, FreeCalls, Off, Period, Price};
pub use channels::terms::VoucherTerms;
pub use config::{Config, ConfigFault, Seller, Upstream};
pub use coupon::caller_at;
pub use forward::{Body, BodyFault};
pub use gateway::{Gateway, StartFault};
pub use layer::{Beyond, Layer, NotBeyond, Paid};
pub use listen::Peer;
pub use metrics::{Counter, Metrics};
pub use problem::Code;
pub use route::{Free, PathFault, Pattern, Table, Unpriced};
pub use serve::serve;
pub use tariff::{Cost, Measure, Metered, Tariff, Tier, Units};
