//! The server from outside: every test speaks HTTP to a real socket, and knows only the public API.

#![allow(clippy::unwrap_used)]

mod a402;
mod act;
mod act_agreements;
mod act_credentials;
mod act_intents;
mod act_invariants;
mod act_payments;
mod act_tools;
mod ap2;
mod auth;
mod autonomy;
mod coupons;
mod delegation;
mod drafting;
mod escrows;
mod house;
mod invoices;
mod links;
mod log;
mod market;
mod mpp;
mod observations;
mod offers;
mod patience;
mod payments;
mod payouts;
mod prepaid;
mod shape;
mod snapshots;
mod story;
mod stream;
mod subscriptions;
mod tokens;
mod views;
mod webhooks;
mod x402;
