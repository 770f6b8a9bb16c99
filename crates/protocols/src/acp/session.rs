//! A checkout as ACP's `CheckoutSession`.

use crate::acp::VERSION;
use crate::checkout::{Checkout, HANDLER_VERSION, Handler, Line, Note, NoteKind, OrderState, State};
use crate::rfc3339::format_seconds;
use serde_json::{Value, json};

/// What everything that a shop says has in common.
#[derive(Clone, Copy, Debug)]
pub struct Speaker<'a> {
    pub handler: &'a Handler,
    /// Pages of the seller's, by ACP's word for them.
    pub links: &'a [(String, String)],
}

/// The session of a checkout, with its order where it has one.
pub fn session(checkout: &Checkout, speaker: Speaker<'_>) -> Value {
    let Checkout { id, currency, sums, cart, .. } = checkout;
    let mut totals = vec![total("items_base_amount", "Items", sums.goods_minor)];
    if 0 < sums.discount_minor {
        totals.push(total("discount", "Discount", sums.discount_minor));
    }
    totals.push(total("subtotal", "Subtotal", sums.goods_minor.saturating_sub(sums.discount_minor)));
    totals.push(total("fulfillment", "Delivery", sums.shipping_minor));
    totals.push(total("tax", "Tax", sums.taxes_minor));
    totals.push(total("total", "Total", sums.total_minor));
    let links = speaker.links.iter().map(|(kind, url)| json!({ "type": kind, "url": url }));
    let said = json!({
        "id": id,
        "protocol": { "version": VERSION },
        "capabilities": { "payment": { "handlers": [handler(speaker.handler)] } },
        "status": status(checkout),
        "currency": currency.as_str().to_ascii_lowercase(),
        "line_items": checkout.lines.iter().zip(1..).map(|(line, n)| line_item(line, n)).collect::<Vec<_>>(),
        "totals": totals,
        "fulfillment_options": options(checkout),
        "messages": checkout.notes.iter().map(message).collect::<Vec<_>>(),
        "links": links.collect::<Vec<_>>(),
        "metadata": { "cart": cart },
    });
    let Value::Object(mut said) = said else { return said };
    let mut add = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            said.insert(name.to_owned(), value);
        }
    };
    add("buyer", checkout.buyer.clone());
    add("fulfillment_details", checkout.details.clone());
    add(
        "selected_fulfillment_options",
        checkout.delivery.as_ref().map(|delivery| selected(checkout, delivery)),
    );
    add("expires_at", checkout.expires_at.map(|at| Value::String(format_seconds(at))));
    add("order", order(checkout));
    Value::Object(said)
}

/// The order of a checkout, as in its session and in order events.
pub fn order(checkout: &Checkout) -> Option<Value> {
    let order = checkout.order.as_ref()?;
    let status = match order.state {
        OrderState::Confirmed => "confirmed",
        OrderState::Fulfilled => "fulfilled",
        OrderState::Canceled => "canceled",
    };
    let lines = checkout.lines.iter().zip(1..).map(|(line, n)| {
        let fulfilled = if order.state == OrderState::Fulfilled { line.quantity } else { 0 };
        let current = if order.state == OrderState::Canceled { 0 } else { line.quantity };
        json!({
            "id": line_id(n),
            "title": line.title,
            "product_id": line.item,
            "quantity": { "ordered": line.quantity, "current": current, "fulfilled": fulfilled },
            "unit_price": line.unit_minor,
            "subtotal": line.subtotal_minor,
        })
    });
    let lines: Vec<Value> = lines.collect();
    let sums = &checkout.sums;
    Some(json!({
        "type": "order",
        "id": order.id,
        "checkout_session_id": checkout.id,
        "order_number": order.id,
        "permalink_url": order.url,
        "status": status,
        "line_items": lines,
        "totals": [
            total("subtotal", "Subtotal", sums.goods_minor.saturating_sub(sums.discount_minor)),
            total("fulfillment", "Delivery", sums.shipping_minor),
            total("tax", "Tax", sums.taxes_minor),
            total("total", "Total", sums.total_minor),
        ],
    }))
}

fn status(checkout: &Checkout) -> &'static str {
    let is_over = checkout.notes.iter().any(|note| note.kind == NoteKind::Expired);
    match checkout.state {
        State::Incomplete => "not_ready_for_payment",
        State::Ready => "ready_for_payment",
        State::InProgress => "complete_in_progress",
        State::Completed => "completed",
        State::Canceled if is_over => "expired",
        State::Canceled => "canceled",
    }
}

fn handler(handler: &Handler) -> Value {
    json!({
        "id": handler.id,
        "name": handler.name,
        "display_name": "Tollbridge",
        "version": HANDLER_VERSION,
        "spec": handler.spec(),
        "requires_delegate_payment": true,
        "requires_pci_compliance": false,
        "psp": "tollbridge",
        "config_schema": handler.config_schema(),
        "instrument_schemas": [handler.instrument_schema()],
        "config": handler.config(),
    })
}

fn line_item(line: &Line, n: usize) -> Value {
    let said = json!({
        "id": line_id(n),
        "item": { "id": line.item, "name": line.title, "unit_amount": line.unit_minor },
        "quantity": line.quantity,
        "name": line.title,
        "category": line.category,
        "unit_amount": line.unit_minor,
        "totals": [
            total("items_base_amount", "Items", line.subtotal_minor),
            total("subtotal", "Subtotal", line.subtotal_minor),
            total("total", "Total", line.subtotal_minor),
        ],
    });
    let Value::Object(mut said) = said else { return said };
    if let Some(image) = &line.image {
        said.insert("images".to_owned(), json!([image]));
    }
    Value::Object(said)
}

fn line_id(n: usize) -> String {
    format!("li_{n}")
}

fn total(kind: &str, text: &str, amount_minor: u64) -> Value {
    json!({ "type": kind, "display_text": text, "amount": amount_minor })
}

fn options(checkout: &Checkout) -> Vec<Value> {
    let each = checkout.deliveries.iter().map(|delivery| {
        json!({
            "type": "shipping",
            "id": delivery.id,
            "title": delivery.title,
            "totals": [total("total", "Delivery", delivery.price_minor)],
        })
    });
    each.collect()
}

fn selected(checkout: &Checkout, delivery: &str) -> Value {
    let items: Vec<&str> = checkout.lines.iter().map(|line| line.item.as_str()).collect();
    json!([{ "type": "shipping", "option_id": delivery, "item_ids": items }])
}

fn message(note: &Note) -> Value {
    let (kind, code) = match note.kind {
        NoteKind::OutOfStock => ("error", Some("out_of_stock")),
        NoteKind::PaymentDeclined => ("error", Some("payment_declined")),
        NoteKind::Expired => ("error", Some("expired")),
        NoteKind::PriceChanged => ("warning", Some("price_change")),
        NoteKind::CouponUnknown => ("warning", Some("discount_code_invalid")),
        NoteKind::CouponAside => ("warning", Some("discount_code_combination_disallowed")),
        NoteKind::Ended => ("info", None),
    };
    let said = json!({ "type": kind, "content_type": "plain", "content": note.content });
    let Value::Object(mut said) = said else { return said };
    if let Some(code) = code {
        said.insert("code".to_owned(), Value::String(code.to_owned()));
    }
    if let Some(param) = &note.param {
        said.insert("param".to_owned(), Value::String(param.clone()));
    }
    Value::Object(said)
}
