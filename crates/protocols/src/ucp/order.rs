//! An order in UCP's shape: what a shop tells the platform that opened the checkout.

use crate::checkout::{Checkout, OrderState};
use crate::ucp::checkout::{item, line_id, line_totals, totals};
use crate::ucp::fulfillment::expectations;
use crate::ucp::{ORDER, VERSION};
use serde_json::{Value, json};

/// The order of a checkout; nothing where there is none.
pub fn order(checkout: &Checkout) -> Option<Value> {
    let order = checkout.order.as_ref()?;
    let lines = checkout.lines.iter().zip(1..).map(|(line, n)| {
        let (total, fulfilled, status) = match order.state {
            OrderState::Confirmed => (line.quantity, 0, "processing"),
            OrderState::Fulfilled => (line.quantity, line.quantity, "fulfilled"),
            OrderState::Canceled => (0, 0, "removed"),
        };
        json!({
            "id": line_id(n),
            "item": item(line),
            "quantity": { "original": line.quantity, "total": total, "fulfilled": fulfilled },
            "totals": line_totals(line),
            "status": status,
        })
    });
    let lines: Vec<Value> = lines.collect();
    Some(json!({
        "ucp": { "version": VERSION, "status": "success", "capabilities": { ORDER: [{ "version": VERSION }] } },
        "id": order.id,
        "checkout_id": checkout.id,
        "permalink_url": order.url,
        "line_items": lines,
        "fulfillment": { "expectations": expectations(checkout), "events": [] },
        "currency": checkout.currency.as_str(),
        "totals": totals(checkout),
    }))
}
