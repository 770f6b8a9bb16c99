//! A checkout as a shop keeps it, before any dialect tells of it: [`crate::acp`] and [`crate::ucp`] write the same one.
//!
//! All amounts are whole smallest units of one currency, because neither dialect can say anything else.

use crate::ap2::Iso4217;
use book::Time;
use serde_json::{Map, Value};

/// A checkout.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkout {
    /// The shop's name of it.
    pub id: String,
    pub state: State,
    pub currency: Iso4217,
    pub lines: Vec<Line>,
    pub sums: Sums,
    /// The ways of delivery there are.
    pub deliveries: Vec<Delivery>,
    /// Which of them was taken.
    pub delivery: Option<String>,
    /// The coupon that counts.
    pub coupon: Option<String>,
    pub notes: Vec<Note>,
    /// Until when it can be paid.
    pub expires_at: Option<Time>,
    /// The digest of just this cart, for tokens that are bound to it.
    pub cart: String,
    /// The buyer, as the buyer's side said it.
    pub buyer: Option<Value>,
    /// Where to, as it was said in ACP.
    pub details: Option<Value>,
    /// The same, as it was said in UCP.
    pub place: Option<Value>,
    pub order: Option<OrderMade>,
}

/// Where a checkout stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Something has to be changed before it can be paid.
    Incomplete,
    /// It can be paid.
    Ready,
    /// It is being paid; whether it is, is not known yet.
    InProgress,
    /// It is paid.
    Completed,
    /// It was ended, by whomever.
    Canceled,
}

/// One line of a checkout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub item: String,
    pub title: String,
    pub category: String,
    /// Whether it has to be carried somewhere.
    pub carried: bool,
    pub quantity: u64,
    pub unit_minor: u64,
    pub subtotal_minor: u64,
    pub image: Option<String>,
}

/// What makes up the total.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    pub goods_minor: u64,
    pub discount_minor: u64,
    pub shipping_minor: u64,
    pub taxes_minor: u64,
    pub total_minor: u64,
}

/// A way of delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub id: String,
    pub title: String,
    pub price_minor: u64,
}

/// Something that stands in the way, or that a buyer should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub kind: NoteKind,
    /// A JSONPath in the checkout.
    pub param: Option<String>,
    pub content: String,
}

/// What a note is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoteKind {
    /// Fewer are left than are wanted.
    OutOfStock,
    /// The price is another than it was.
    PriceChanged,
    /// The payment was refused.
    PaymentDeclined,
    /// There is no such coupon.
    CouponUnknown,
    /// Another coupon counts already.
    CouponAside,
    /// Its time is over.
    Expired,
    /// Why it was ended.
    Ended,
}

impl NoteKind {
    /// Whether it stands in the way.
    pub fn is_error(self) -> bool {
        match self {
            NoteKind::OutOfStock | NoteKind::PaymentDeclined | NoteKind::Expired => true,
            NoteKind::PriceChanged | NoteKind::CouponUnknown | NoteKind::CouponAside | NoteKind::Ended => {
                false
            }
        }
    }
}

/// The order that a checkout became.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderMade {
    /// Its number.
    pub id: String,
    /// Where people can look at it.
    pub url: String,
    pub state: OrderState,
    pub made_at: Time,
}

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderState {
    /// Paid, or the money is set aside.
    Confirmed,
    Fulfilled,
    Canceled,
}

/// The way of paying that a shop declares: tokens of one Tollbridge server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handler {
    /// The shop's name of it in messages.
    pub id: String,
    /// A name in reverse-DNS form, under a domain of the seller's.
    pub name: String,
    /// Where the shop itself describes it: `…/checkouts/handler` and what is below.
    pub described_at: String,
    /// The server that makes tokens and moves the money.
    pub server: String,
    /// The payee there.
    pub merchant: String,
    /// `toll:main` or `toll:test`.
    pub network: String,
}

/// The version of our handler's own description.
pub const HANDLER_VERSION: &str = "2026-11-23";

/// What an instrument of our handler is called in both dialects.
pub const INSTRUMENT: &str = "tollbridge_token";

impl Handler {
    /// What whoever makes a token has to know.
    pub fn config(&self) -> Value {
        let members = [("server", &self.server), ("merchant_id", &self.merchant), ("network", &self.network)];
        let members = members.map(|(name, value)| (name.to_owned(), Value::String(value.clone())));
        Value::Object(Map::from_iter(members))
    }

    /// Its description, for people.
    pub fn spec(&self) -> String {
        format!("{}/handler", self.described_at)
    }

    /// The shape of its configuration.
    pub fn config_schema(&self) -> String {
        format!("{}/handler/config.json", self.described_at)
    }

    /// The shape of its instrument.
    pub fn instrument_schema(&self) -> String {
        format!("{}/handler/instrument.json", self.described_at)
    }
}
