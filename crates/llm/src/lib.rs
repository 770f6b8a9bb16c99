//! The gateway before language models: prepaid sessions, calls counted to the billionth, and bills that buyers compute again.
//!
//! A buyer pays a deposit over A402 and gets a key that any client of OpenAI's or Anthropic's shape can use. Each call sets
//! aside the most it can come to, runs, and is charged what it used; what a call used is signed and durable before its
//! answer is over. Whoever hangs up pays for what arrived.
//!
//! Reading order: [`Config`]; `ledger` (what may be spent, at every instant), `call` (one call from its key to its record),
//! `flow` (a stream, wherever it ends), `reckon` (from counts to money), `store` (what survives a crash), `progress` (and what
//! survives one in mid-stream), `outbox` (how the meter follows), `sessions` (deposits and keys).

#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod call;
mod config;
mod decimal;
mod flow;
mod gateway;
mod ledger;
pub mod limits;
mod metrics;
mod outbox;
mod progress;
mod reckon;
mod reconcile;
mod refusal;
mod routes;
mod serve;
mod service;
mod sessions;
mod store;
mod upstream;

pub use config::{Config, ConfigFault, OnHangUp, Seller, Upstream};
pub use decimal::in_words;
pub use gateway::{Gateway, StartFault};
pub use metrics::{Counter, Metrics};
pub use reconcile::{Counts, Difference, InvoiceFault, Reason, Reconciled, reconcile};
pub use refusal::Code;
pub use serve::serve;
pub use store::StoreFault;
