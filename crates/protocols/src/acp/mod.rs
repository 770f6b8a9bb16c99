//! ACP 2026-04-17: checkout sessions of a shop, payment tokens for them, and order events.
//!
//! Reading order: [`request`] (what a buyer's side sends), [`session`] and [`order`] (what it is answered and told), [`error`],
//! [`signature`]; [`buying`], the other side. What ACP leaves open, and what is done about it here, stands in `docs/checkouts.md`.

pub mod buying;
pub mod error;
pub mod order;
pub mod request;
pub mod session;
pub mod signature;

pub use error::{AcpError, ErrorKind};
pub use request::{Cancel, Complete, Create, Fault, Update, WantedItem};

/// The version that is spoken.
pub const VERSION: &str = "2026-04-17";

/// Says which version a request is of.
pub const API_VERSION: &str = "api-version";

/// Names a request, so that it happens once.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Says that an answer was given before.
pub const REPLAYED: &str = "idempotent-replayed";

/// Comes back as it was sent.
pub const REQUEST_ID: &str = "request-id";

/// Signs an order event.
pub const MERCHANT_SIGNATURE: &str = "merchant-signature";
