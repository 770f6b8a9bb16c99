//! A checkout in UCP's shape, and UCP's errors.

use crate::checkout::{Checkout, HANDLER_VERSION, Handler, INSTRUMENT, Line, Note, NoteKind, State};
use crate::rfc3339::format_seconds;
use crate::ucp::fulfillment::fulfillment;
use crate::ucp::{CHECKOUT, DISCOUNT, FULFILLMENT, ORDER, VERSION};
use serde_json::{Value, json};

/// A checkout, as every answer about it has it.
pub fn checkout(checkout: &Checkout, handler: &Handler, links: &[(String, String)]) -> Value {
    let lines = checkout.lines.iter().zip(1..).map(|(line, n)| {
        json!({
            "id": line_id(n),
            "item": item(line),
            "quantity": line.quantity,
            "totals": line_totals(line),
        })
    });
    let lines: Vec<Value> = lines.collect();
    let links = links.iter().map(|(kind, url)| json!({ "type": link_kind(kind), "url": url }));
    let said = json!({
        "ucp": meta(checkout, handler),
        "id": checkout.id,
        "line_items": lines,
        "status": status(checkout.state),
        "currency": checkout.currency.as_str(),
        "totals": totals(checkout),
        "messages": checkout.notes.iter().map(message).collect::<Vec<_>>(),
        "links": links.collect::<Vec<_>>(),
    });
    let Value::Object(mut said) = said else { return said };
    if let Some(buyer) = &checkout.buyer {
        said.insert("buyer".to_owned(), buyer.clone());
    }
    said.extend(fulfillment(checkout).map(|ways| ("fulfillment".to_owned(), ways)));
    said.extend(discounts(checkout).map(|applied| ("discounts".to_owned(), applied)));
    if let Some(at) = checkout.expires_at {
        said.insert("expires_at".to_owned(), Value::String(format_seconds(at)));
    }
    if let Some(order) = &checkout.order {
        said.insert("order".to_owned(), json!({ "id": order.id, "permalink_url": order.url }));
    }
    Value::Object(said)
}

/// An error of a whole request: nothing was done, or it says otherwise.
pub fn error(code: &str, content: &str, severity: Severity) -> Value {
    json!({
        "ucp": { "version": VERSION, "status": "error" },
        "messages": [{ "type": "error", "code": code, "content": content, "severity": severity.as_str() }],
    })
}

/// Who can do something about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The platform, by another request.
    Recoverable,
    /// Nobody, in this checkout.
    Unrecoverable,
}

impl Severity {
    fn as_str(self) -> &'static str {
        match self {
            Severity::Recoverable => "recoverable",
            Severity::Unrecoverable => "unrecoverable",
        }
    }
}

/// A handler's declaration; `config` is told where it is used.
pub(super) fn declaration(handler: &Handler, config: Value) -> Value {
    json!([{
        "id": handler.id,
        "version": HANDLER_VERSION,
        "spec": handler.spec(),
        "schema": handler.instrument_schema(),
        "available_instruments": [{ "type": INSTRUMENT }],
        "config": config,
    }])
}

pub(super) fn line_id(n: usize) -> String {
    format!("li_{n}")
}

pub(super) fn item(line: &Line) -> Value {
    let said = json!({ "id": line.item, "title": line.title, "price": line.unit_minor });
    let Value::Object(mut said) = said else { return said };
    if let Some(image) = &line.image {
        said.insert("image_url".to_owned(), Value::String(image.clone()));
    }
    Value::Object(said)
}

pub(super) fn line_totals(line: &Line) -> Value {
    json!([
        { "type": "subtotal", "amount": line.subtotal_minor },
        { "type": "total", "amount": line.subtotal_minor },
    ])
}

/// What makes up the total. A discount is what changes it downwards, so it is negative here.
pub(super) fn totals(checkout: &Checkout) -> Value {
    let sums = &checkout.sums;
    let mut totals = vec![json!({ "type": "subtotal", "amount": sums.goods_minor })];
    if 0 < sums.discount_minor {
        let off = i64::try_from(sums.discount_minor).map_or(i64::MIN, |minor| -minor);
        totals.push(json!({ "type": "discount", "amount": off }));
    }
    totals.push(json!({ "type": "fulfillment", "amount": sums.shipping_minor }));
    totals.push(json!({ "type": "tax", "amount": sums.taxes_minor }));
    totals.push(json!({ "type": "total", "amount": sums.total_minor }));
    Value::Array(totals)
}

/// What a coupon takes off: as much as the total says, and positive here.
fn discounts(checkout: &Checkout) -> Option<Value> {
    let code = checkout.coupon.as_ref()?;
    let applied = json!({ "code": code, "title": code, "amount": checkout.sums.discount_minor });
    Some(json!({ "codes": [code], "applied": [applied] }))
}

fn meta(checkout: &Checkout, handler: &Handler) -> Value {
    let mut config = handler.config();
    if let Value::Object(members) = &mut config {
        members.insert("cart".to_owned(), Value::String(checkout.cart.clone()));
    }
    json!({
        "version": VERSION,
        "status": "success",
        "capabilities": {
            CHECKOUT: [{ "version": VERSION }],
            ORDER: [{ "version": VERSION }],
            FULFILLMENT: [{ "version": VERSION, "extends": CHECKOUT }],
            DISCOUNT: [{ "version": VERSION, "extends": CHECKOUT }],
        },
        "payment_handlers": { handler.name.clone(): declaration(handler, config) },
    })
}

fn status(state: State) -> &'static str {
    match state {
        State::Incomplete => "incomplete",
        State::Ready => "ready_for_complete",
        State::InProgress => "complete_in_progress",
        State::Completed => "completed",
        State::Canceled => "canceled",
    }
}

/// ACP's word for a page, in UCP's.
fn link_kind(kind: &str) -> &str {
    match kind {
        "terms_of_use" => "terms_of_service",
        "return_policy" => "refund_policy",
        other => other,
    }
}

fn message(note: &Note) -> Value {
    let (kind, code) = match note.kind {
        NoteKind::OutOfStock => ("error", Some("out_of_stock")),
        NoteKind::PaymentDeclined => ("error", Some("payment_declined")),
        NoteKind::Expired => ("error", Some("expired")),
        NoteKind::PriceChanged => ("warning", Some("price_changed")),
        NoteKind::CouponUnknown => ("warning", Some("discount_code_invalid")),
        NoteKind::CouponAside => ("warning", Some("discount_code_combination_disallowed")),
        NoteKind::Ended => ("info", None),
    };
    let said = json!({ "type": kind, "content": note.content });
    let Value::Object(mut said) = said else { return said };
    if let Some(code) = code {
        said.insert("code".to_owned(), Value::String(code.to_owned()));
    }
    if note.kind.is_error() {
        let severity =
            if note.kind == NoteKind::Expired { Severity::Unrecoverable } else { Severity::Recoverable };
        said.insert("severity".to_owned(), Value::String(severity.as_str().to_owned()));
    }
    if let Some(param) = &note.param {
        said.insert("path".to_owned(), Value::String(param.clone()));
    }
    Value::Object(said)
}
