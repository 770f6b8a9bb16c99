//! Writes what a shop says in ACP and UCP, one line of JSON each, for the lane that holds it against the published schemas;
//! and reads, of lines on standard input, what somebody else would send. `--break NAME` writes one thing wrong on purpose.

use book::Time;
use evidence::SigningKey;
use protocols::acp::order::{EventKind, event};
use protocols::acp::session::{Speaker, session};
use protocols::acp::{AcpError, Cancel, Complete, Create, Update};
use protocols::ap2::Iso4217;
use protocols::checkout::{
    Checkout, Delivery, Handler, Line, Note, NoteKind, OrderMade, OrderState, State, Sums,
};
use protocols::offered::{Dialect, Envelope};
use protocols::ucp;
use protocols::ucp::checkout::{Severity, checkout, error};
use serde_json::{Value, json};
use std::io::BufRead;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["read"] => read(),
        ["--break", name] => say(name),
        _ => say("nothing"),
    }
}

/// Says of each request whether it is read.
fn read() {
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("standard input can be read");
        let asked: Value = serde_json::from_str(&line).expect("the lane writes JSON");
        let body = asked["body"].to_string();
        let body = body.as_bytes();
        let fault = match asked["kind"].as_str().unwrap_or_default() {
            "acp create" => Create::read(body).err().map(|fault| fault.to_string()),
            "acp update" => Update::read(body).err().map(|fault| fault.to_string()),
            "acp complete" => Complete::read(body).err().map(|fault| fault.to_string()),
            "acp cancel" => Cancel::read(body).err().map(|fault| fault.to_string()),
            "ucp create" | "ucp update" => {
                ucp::request::Wanted::read(body).err().map(|fault| fault.to_string())
            }
            "ucp complete" => ucp::request::Complete::read(body).err().map(|fault| fault.to_string()),
            other => Some(format!("the lane asks for `{other}`")),
        };
        println!("{}", json!({ "fault": fault }));
    }
}

/// Writes every message in every state.
fn say(broken: &str) {
    let handler = handler();
    let links = [("terms_of_use".to_owned(), "https://shop.example/terms".to_owned())];
    let speaker = Speaker { handler: &handler, links: &links };
    let said = |kind: &str, state: &str, body: Value| {
        println!("{}", json!({ "kind": kind, "state": state, "body": broken_by(broken, kind, body) }));
    };
    for (name, it) in states() {
        let kind = if it.order.is_some() { "acp session with order" } else { "acp session" };
        said(kind, name, session(&it, speaker));
        said("ucp checkout", name, checkout(&it, &handler, &links));
        if let Some(body) = event(EventKind::Update, &it) {
            said("acp event", name, body);
        }
        if let Some(body) = ucp::order::order(&it) {
            said("ucp order", name, body);
        }
    }
    said(
        "acp error",
        "invalid",
        AcpError::invalid("invalid", "Nothing was done.").of("$.line_items").to_json(),
    );
    said("acp error", "version", AcpError::of_version());
    let items = [("tea?size=large".to_owned(), 2), ("map".to_owned(), 1)];
    let envelope = Envelope { key: "open-1", profile: "https://platform.example/ucp.json" };
    for dialect in Dialect::ALL {
        for (kind, request) in [
            ("create", dialect.open(envelope, &items, "CNY")),
            ("complete", dialect.complete(envelope, "cs_1", "tollbridge", "vt_01KAZ0A3C0ET1N8R7P6QGX5W9D")),
        ] {
            let body = request.body.expect("a change has a body");
            said(&format!("{} {kind}", dialect.as_str()), "asked", body);
        }
    }
    said("ucp error", "not found", error("not_found", "Nothing was done.", Severity::Unrecoverable));
    let key = SigningKey::es256(&[7; 32]).expect("a number of the group");
    said("ucp profile", "", ucp::profile::profile("https://shop.example", &handler, Some(key.public())));
}

/// What the lane has to find.
fn broken_by(name: &str, kind: &str, mut body: Value) -> Value {
    match (name, kind) {
        ("acp-amount-text", "acp session") => body["totals"][0]["amount"] = json!("3600"),
        ("acp-status", "acp session") => body["status"] = json!("ready_for_complete"),
        ("acp-handler", "acp session") => {
            body["capabilities"]["payment"]["handlers"][0]["requires_pci_compliance"] = Value::Null;
        }
        ("acp-create-bare", "acp create") => body["capabilities"] = Value::Null,
        ("ucp-create-count", "ucp create") => body["line_items"][0]["quantity"] = json!("2"),
        ("acp-error-nested", "acp error") => body = json!({ "error": body }),
        ("ucp-no-total", "ucp checkout") => body["totals"] = json!([{ "type": "subtotal", "amount": 1 }]),
        ("ucp-discount-up", "ucp checkout") => {
            body["totals"][1] = json!({ "type": "discount", "amount": 500 })
        }
        ("ucp-severity", "ucp error") => body["messages"][0]["severity"] = json!("fatal"),
        ("ucp-order-status", "ucp order") => body["line_items"][0]["status"] = json!("paid"),
        ("ucp-no-method", "ucp checkout") => body["fulfillment"]["methods"][0]["type"] = json!("by air"),
        ("ucp-applied-down", "ucp checkout") => body["discounts"]["applied"][0]["amount"] = json!(-500),
        ("ucp-no-endpoint", "ucp profile") => {
            body["ucp"]["services"]["dev.ucp.shopping"][0]["endpoint"] = Value::Null;
        }
        (_, _) => {}
    }
    body
}

fn handler() -> Handler {
    Handler {
        id: "tollbridge".to_owned(),
        name: "example.shop.pay".to_owned(),
        described_at: "https://shop.example/checkouts".to_owned(),
        server: "https://wallet.example".to_owned(),
        merchant: "pye_01KAZ0A3C0ET1N8R7P6QGX5W9D".to_owned(),
        network: "toll:test".to_owned(),
    }
}

fn states() -> Vec<(&'static str, Checkout)> {
    let note = |kind, param: Option<&str>| Note {
        kind,
        param: param.map(str::to_owned),
        content: "what there is to say".to_owned(),
    };
    let order = |state| OrderMade {
        id: "ord_01KAZ0A3C0ET1N8R7P6QGX5W9D".to_owned(),
        url: "https://shop.example/checkouts/orders/ord_01KAZ0A3C0ET1N8R7P6QGX5W9D".to_owned(),
        state,
        made_at: Time::from_seconds(1_790_000_000),
    };
    let of = |state, notes: Vec<Note>, order: Option<OrderMade>| Checkout { state, notes, order, ..plain() };
    vec![
        ("ready", of(State::Ready, Vec::new(), None)),
        ("short", of(State::Incomplete, vec![note(NoteKind::OutOfStock, Some("$.line_items[0]"))], None)),
        ("declined", of(State::Ready, vec![note(NoteKind::PaymentDeclined, None)], None)),
        (
            "coupons",
            of(
                State::Ready,
                vec![
                    note(NoteKind::CouponUnknown, Some("$.discounts.codes[1]")),
                    note(NoteKind::CouponAside, Some("$.discounts.codes[2]")),
                ],
                None,
            ),
        ),
        ("dearer", of(State::Ready, vec![note(NoteKind::PriceChanged, None)], None)),
        ("in progress", of(State::InProgress, Vec::new(), None)),
        ("ended", of(State::Canceled, vec![note(NoteKind::Ended, None)], None)),
        ("expired", of(State::Canceled, vec![note(NoteKind::Expired, None)], None)),
        ("paid", of(State::Completed, Vec::new(), Some(order(OrderState::Confirmed)))),
        ("fulfilled", of(State::Completed, Vec::new(), Some(order(OrderState::Fulfilled)))),
        (
            "refunded",
            of(State::Canceled, vec![note(NoteKind::Ended, None)], Some(order(OrderState::Canceled))),
        ),
    ]
}

fn plain() -> Checkout {
    let line = |item: &str, image: Option<&str>| Line {
        item: item.to_owned(),
        title: "Milk tea, large".to_owned(),
        category: "drink".to_owned(),
        carried: image.is_some(),
        quantity: 2,
        unit_minor: 1_800,
        subtotal_minor: 3_600,
        image: image.map(str::to_owned),
    };
    Checkout {
        id: "cs_abcdefghijklmnopqrstuvwx".to_owned(),
        state: State::Ready,
        currency: Iso4217::parse("CNY").expect("three letters"),
        lines: vec![line("tea?size=large", Some("https://shop.example/tea.jpg")), line("map", None)],
        sums: Sums {
            goods_minor: 7_200,
            discount_minor: 500,
            shipping_minor: 300,
            taxes_minor: 120,
            total_minor: 7_120,
        },
        deliveries: vec![
            Delivery { id: "courier".to_owned(), title: "Courier".to_owned(), price_minor: 300 },
            Delivery { id: "self".to_owned(), title: "Collect it".to_owned(), price_minor: 0 },
        ],
        delivery: Some("courier".to_owned()),
        coupon: Some("FIVE".to_owned()),
        notes: Vec::new(),
        expires_at: Some(Time::from_seconds(1_790_000_600)),
        cart: "sha-256:AAAA".to_owned(),
        buyer: Some(json!({ "email": "wen@example.com", "first_name": "Wen" })),
        details: Some(json!({ "name": "Wen" })),
        place: Some(json!({ "id": "dest_1", "street_address": "2 Example Road", "address_country": "CN" })),
        order: None,
    }
}
