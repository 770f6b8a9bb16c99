//! The gateway from outside: a real server, a real book, an upstream that can misbehave, and buyers of every kind.
#![allow(clippy::unwrap_used)]

mod acceptance;
mod allowances;
mod assertions;
mod buyer;
mod config;
mod coupons;
mod crash;
mod dialects;
mod failures;
mod flows;
mod forms;
mod house;
mod metered;
mod mpp;
mod place;
mod refusals;
mod routes;
mod sessions;
mod stock;
mod streams;
mod tabs;
mod tunnel;
mod upstream;
mod vouchers;
mod x402;
