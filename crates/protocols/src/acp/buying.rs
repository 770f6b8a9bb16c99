//! What a buyer's side sends to a shop that speaks ACP, and how it reads the session.

use crate::limits::CHECKOUT_LINES_MAX;
use crate::offered::{
    Offered, Standing, Unreadable, currency, errors, instrument, lines, name, order, total, way,
};
use serde_json::{Value, json};

/// The first part of every path.
pub const PLACE: &str = "checkout_sessions";

/// Items by the shop's names. Each mention is one; only of more than fit, it is said how many, as older shops read it.
pub(crate) fn open(items: &[(String, u32)], currency: &str) -> Value {
    let mentions = items.iter().try_fold(0_u32, |sum, (_, quantity)| sum.checked_add(*quantity));
    let fits =
        mentions.and_then(|sum| usize::try_from(sum).ok()).is_some_and(|sum| sum <= CHECKOUT_LINES_MAX);
    let each = items.iter().flat_map(|(id, quantity)| {
        let (count, item) = if fits {
            (*quantity, json!({ "id": id }))
        } else {
            (1, json!({ "id": id, "quantity": quantity }))
        };
        (0..count).map(move |_| item.clone())
    });
    let items: Vec<Value> = each.collect();
    json!({ "line_items": items, "currency": currency.to_ascii_lowercase(), "capabilities": {} })
}

/// A token that pays.
pub(crate) fn complete(handler: &str, token: &str) -> Value {
    let (kind, credential) = instrument(token);
    json!({ "payment_data": { "handler_id": handler, "instrument": { "type": kind, "credential": credential } } })
}

/// Reads a session.
pub(crate) fn read(said: &Value) -> Result<Offered, Unreadable> {
    let standing = match said.get("status").and_then(Value::as_str).unwrap_or_default() {
        "ready_for_payment" => Standing::Ready,
        "incomplete"
        | "not_ready_for_payment"
        | "requires_escalation"
        | "authentication_required"
        | "pending_approval" => Standing::NotReady,
        "complete_in_progress" | "in_progress" => Standing::InProgress,
        "completed" => Standing::Completed,
        "canceled" | "expired" => Standing::Over,
        _ => return Err(Unreadable("status")),
    };
    let handlers = said.pointer("/capabilities/payment/handlers").and_then(Value::as_array);
    let cart = said.pointer("/metadata/cart");
    Ok(Offered {
        id: name(said.get("id"), "id")?,
        standing,
        currency: currency(said)?,
        total_minor: total(said)?,
        lines: lines(said, "name")?,
        ways: handlers.into_iter().flatten().filter_map(|handler| way(handler, cart)).collect(),
        order: order(said)?,
        errors: errors(said),
    })
}
