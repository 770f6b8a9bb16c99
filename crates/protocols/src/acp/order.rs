//! Order events: what a shop tells whoever opened a session.

use crate::a402::words::words;
use crate::acp::session::order;
use crate::checkout::Checkout;
use serde_json::{Value, json};

words! {
    /// What happened to an order.
    EventKind {
        /// It was made.
        Create = "order_create",
        /// It changed: the whole of it is told again.
        Update = "order_update",
    }
}

/// The body of an event; nothing where there is no order.
pub fn event(kind: EventKind, checkout: &Checkout) -> Option<Value> {
    Some(json!({ "type": kind.as_str(), "data": order(checkout)? }))
}
