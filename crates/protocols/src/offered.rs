//! A checkout as a buyer's side reads it, whichever dialect the shop speaks: what it costs, how it stands, and how it can be paid.
//!
//! [`crate::acp::buying`] and [`crate::ucp::buying`] write the requests and read the answers. Whatever a shop adds is left aside;
//! what has to be there and is not makes the whole unreadable, because a price that is guessed at would be paid.

use crate::checkout::INSTRUMENT;
use crate::{acp, is_hidden, ucp};
use serde_json::Value;

/// Which of the two a shop speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Acp,
    Ucp,
}

/// A request to a shop, but for its address and whose it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub method: &'static str,
    /// Below the address of the shop's door.
    pub path: Vec<String>,
    /// Beside those for the body and for who asks.
    pub headers: Vec<(&'static str, String)>,
    pub body: Option<Value>,
}

/// What a request says beside what it asks for.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    /// Names a change, so that it happens once.
    pub key: &'a str,
    /// Where the profile of whoever asks is, for UCP.
    pub profile: &'a str,
}

/// A checkout, as a shop tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered {
    pub id: String,
    pub standing: Standing,
    /// Three letters, in upper case.
    pub currency: String,
    pub total_minor: u64,
    pub lines: Vec<OfferedLine>,
    /// The ways of paying it that are tokens of a Tollbridge server.
    pub ways: Vec<Way>,
    pub order: Option<OfferedOrder>,
    /// What the shop says stands in the way.
    pub errors: Vec<String>,
}

/// How a checkout stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It can be paid.
    Ready,
    /// Something has to be changed, or somebody has to be asked, before it can be paid.
    NotReady,
    /// Whether it is paid is not known yet.
    InProgress,
    Completed,
    /// It was ended, or its time is over.
    Over,
}

/// One line of a checkout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferedLine {
    pub item: String,
    pub title: String,
    pub quantity: u64,
}

/// One way of paying.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// The shop's name of it.
    pub handler: String,
    /// The server that makes tokens.
    pub server: String,
    /// The payee there.
    pub merchant: String,
    pub network: String,
    /// The digest of just this cart.
    pub cart: String,
}

/// The order of a checkout that is paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferedOrder {
    pub id: String,
    pub url: String,
}

/// An answer that is no checkout that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its `{0}` cannot be read")]
pub struct Unreadable(pub &'static str);

/// Why a shop did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub code: String,
    pub message: String,
}

impl Refusal {
    /// Whether it only says that the same is being done: asked again in a moment, it is answered.
    pub fn is_under_way(&self) -> bool {
        matches!(&*self.code, "idempotency_in_flight" | "in_flight")
    }
}

impl Dialect {
    /// Both.
    pub const ALL: [Dialect; 2] = [Dialect::Acp, Dialect::Ucp];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Dialect::Acp => "acp",
            Dialect::Ucp => "ucp",
        }
    }

    /// What a word stands for.
    pub fn parse(word: &str) -> Option<Dialect> {
        Dialect::ALL.into_iter().find(|dialect| dialect.as_str() == word)
    }

    /// The first part of every path: an address that ends in it says which dialect is spoken there.
    pub fn place(self) -> &'static str {
        match self {
            Dialect::Acp => acp::buying::PLACE,
            Dialect::Ucp => ucp::buying::PLACE,
        }
    }

    /// Opens a checkout of these items, paid in a currency of three letters.
    pub fn open(self, envelope: Envelope<'_>, items: &[(String, u32)], currency: &str) -> Request {
        let body = match self {
            Dialect::Acp => acp::buying::open(items, currency),
            Dialect::Ucp => ucp::buying::open(items),
        };
        self.request("POST", &[], envelope, Some(body))
    }

    /// Looks at a checkout.
    pub fn look(self, envelope: Envelope<'_>, id: &str) -> Request {
        self.request("GET", &[id], envelope, None)
    }

    /// Pays a checkout by a token.
    pub fn complete(self, envelope: Envelope<'_>, id: &str, handler: &str, token: &str) -> Request {
        let body = match self {
            Dialect::Acp => acp::buying::complete(handler, token),
            Dialect::Ucp => ucp::buying::complete(handler, token),
        };
        self.request("POST", &[id, "complete"], envelope, Some(body))
    }

    /// Reads a checkout.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn read(self, said: &Value) -> Result<Offered, Unreadable> {
        match self {
            Dialect::Acp => acp::buying::read(said),
            Dialect::Ucp => ucp::buying::read(said),
        }
    }

    /// Reads a refusal; of one that says nothing, nothing is known.
    pub fn refusal(self, said: &Value) -> Refusal {
        let place = match self {
            Dialect::Acp => (said.get("code"), said.get("message")),
            Dialect::Ucp => {
                let first = said.get("messages").and_then(|messages| messages.get(0));
                (first.and_then(|it| it.get("code")), first.and_then(|it| it.get("content")))
            }
        };
        let text = |value: Option<&Value>| {
            let text = value.and_then(Value::as_str).unwrap_or_default();
            text.chars().filter(|character| !is_hidden(*character)).take(500).collect::<String>()
        };
        let code = text(place.0);
        Refusal { code: if code.is_empty() { "unknown".to_owned() } else { code }, message: text(place.1) }
    }

    fn request(
        self,
        method: &'static str,
        path: &[&str],
        envelope: Envelope<'_>,
        body: Option<Value>,
    ) -> Request {
        let path = [self.place()].into_iter().chain(path.iter().copied()).map(str::to_owned).collect();
        let mut headers = match self {
            Dialect::Acp => vec![(acp::API_VERSION, acp::VERSION.to_owned())],
            Dialect::Ucp => vec![(ucp::UCP_AGENT, format!("profile=\"{}\"", envelope.profile))],
        };
        if body.is_some() {
            headers.push((acp::IDEMPOTENCY_KEY, envelope.key.to_owned()));
        }
        Request { method, path, headers, body }
    }
}

/// A text that shows as it is and can stand in a path.
pub(crate) fn name(value: Option<&Value>, member: &'static str) -> Result<String, Unreadable> {
    let text = value.and_then(Value::as_str).filter(|text| {
        let fits = !text.is_empty() && text.len() <= crate::limits::CHECKOUT_NAME_BYTES_MAX;
        fits && !text.chars().any(is_hidden) && *text != "." && *text != ".."
    });
    text.map(str::to_owned).ok_or(Unreadable(member))
}

/// The one total of a list of them.
pub(crate) fn total(said: &Value) -> Result<u64, Unreadable> {
    let totals = said.get("totals").and_then(Value::as_array).ok_or(Unreadable("totals"))?;
    let mut totals = totals.iter().filter(|total| total.get("type").is_some_and(|kind| kind == "total"));
    match (totals.next(), totals.next()) {
        (Some(total), None) => total.get("amount").and_then(Value::as_u64).ok_or(Unreadable("totals")),
        (Some(_), Some(_)) | (None, _) => Err(Unreadable("totals")),
    }
}

/// The currency, in upper case.
pub(crate) fn currency(said: &Value) -> Result<String, Unreadable> {
    let text = said.get("currency").and_then(Value::as_str).map(str::to_ascii_uppercase);
    text.filter(|text| text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase()))
        .ok_or(Unreadable("currency"))
}

/// The lines: an item within each, its title under `title`.
pub(crate) fn lines(said: &Value, title: &str) -> Result<Vec<OfferedLine>, Unreadable> {
    let lines = said.get("line_items").and_then(Value::as_array).ok_or(Unreadable("line_items"))?;
    let each = lines.iter().map(|line| {
        let item = line.get("item").ok_or(Unreadable("line_items"))?;
        let shown = |value: Option<&Value>| {
            let text = value.and_then(Value::as_str).unwrap_or_default();
            text.chars().filter(|character| !is_hidden(*character)).take(200).collect::<String>()
        };
        Ok(OfferedLine {
            item: shown(item.get("id")),
            title: shown(item.get(title)),
            quantity: line.get("quantity").and_then(Value::as_u64).ok_or(Unreadable("quantity"))?,
        })
    });
    each.collect()
}

/// A way of paying, if a handler is one of ours.
pub(crate) fn way(handler: &Value, cart: Option<&Value>) -> Option<Way> {
    let text = |value: Option<&Value>| name(value, "config").ok();
    let config = handler.get("config")?;
    let server = config.get("server").and_then(Value::as_str).filter(|text| text.len() <= 2_048)?;
    Some(Way {
        handler: text(handler.get("id"))?,
        server: server.to_owned(),
        merchant: text(config.get("merchant_id"))?,
        network: text(config.get("network"))?,
        cart: text(cart)?,
    })
}

/// The order, where there is one.
pub(crate) fn order(said: &Value) -> Result<Option<OfferedOrder>, Unreadable> {
    let Some(order) = said.get("order").filter(|order| !order.is_null()) else { return Ok(None) };
    let id = name(order.get("id"), "order")?;
    let url = order.get("permalink_url").and_then(Value::as_str).unwrap_or_default();
    let url: String = url.chars().filter(|character| !is_hidden(*character)).take(2_048).collect();
    Ok(Some(OfferedOrder { id, url }))
}

/// What stands in the way, in the shop's words.
pub(crate) fn errors(said: &Value) -> Vec<String> {
    let messages = said.get("messages").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let errors = messages.iter().filter(|message| message.get("type").is_some_and(|kind| kind == "error"));
    let words = errors.filter_map(|message| message.get("content").and_then(Value::as_str));
    words
        .take(8)
        .map(|text| text.chars().filter(|character| !is_hidden(*character)).take(300).collect())
        .collect()
}

/// An instrument of ours has one credential: the token.
pub(crate) fn instrument(token: &str) -> (Value, Value) {
    (Value::String(INSTRUMENT.to_owned()), serde_json::json!({ "type": "token", "token": token }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkout::{Checkout, Handler, Line, OrderMade, OrderState, State, Sums};
    use serde_json::json;

    fn checkout(state: State, order: Option<OrderMade>) -> Checkout {
        Checkout {
            id: "cs_1".to_owned(),
            state,
            currency: crate::ap2::Iso4217::parse("CNY").unwrap(),
            lines: vec![Line {
                item: "tea".to_owned(),
                title: "Milk tea".to_owned(),
                category: "drink".to_owned(),
                carried: true,
                quantity: 2,
                unit_minor: 1_800,
                subtotal_minor: 3_600,
                image: None,
            }],
            sums: Sums { goods_minor: 3_600, total_minor: 3_600, ..Sums::default() },
            deliveries: Vec::new(),
            delivery: None,
            coupon: None,
            place: None,
            notes: Vec::new(),
            expires_at: None,
            cart: "sha-256:AAAA".to_owned(),
            buyer: None,
            details: None,
            order,
        }
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

    fn said(dialect: Dialect, it: &Checkout) -> Value {
        let handler = handler();
        match dialect {
            Dialect::Acp => {
                acp::session::session(it, acp::session::Speaker { handler: &handler, links: &[] })
            }
            Dialect::Ucp => ucp::checkout::checkout(it, &handler, &[]),
        }
    }

    #[test]
    fn both_dialects_say_the_same_of_the_same_checkout() {
        let order = || {
            Some(OrderMade {
                id: "ord_1".to_owned(),
                url: "https://shop.example/o".to_owned(),
                state: OrderState::Confirmed,
                made_at: book::Time(0),
            })
        };
        for (state, order, standing) in [
            (State::Ready, None, Standing::Ready),
            (State::Incomplete, None, Standing::NotReady),
            (State::InProgress, None, Standing::InProgress),
            (State::Completed, order(), Standing::Completed),
            (State::Canceled, None, Standing::Over),
        ] {
            let it = checkout(state, order);
            let [acp, ucp] = Dialect::ALL.map(|dialect| dialect.read(&said(dialect, &it)).unwrap());
            assert_eq!(acp, ucp, "{state:?}");
            assert_eq!((acp.standing, acp.total_minor, acp.currency.as_str()), (standing, 3_600, "CNY"));
            assert_eq!(acp.order.is_some(), it.order.is_some());
            assert_eq!(acp.ways.len(), 1);
            assert_eq!(acp.ways[0].cart, "sha-256:AAAA");
            assert_eq!((acp.lines[0].item.as_str(), acp.lines[0].quantity), ("tea", 2));
        }
    }

    #[test]
    fn a_price_that_is_not_plain_is_not_guessed_at() {
        for dialect in Dialect::ALL {
            let good = said(dialect, &checkout(State::Ready, None));
            for (place, value, member) in [
                ("/id", json!("../x\n"), "id"),
                ("/id", json!(".."), "id"),
                ("/id", json!(1), "id"),
                ("/totals", json!([]), "totals"),
                (
                    "/totals",
                    json!([{"type": "total", "amount": 1}, {"type": "total", "amount": 2}]),
                    "totals",
                ),
                ("/totals", json!([{"type": "total", "amount": "1"}]), "totals"),
                ("/totals", json!([{"type": "total", "amount": -1}]), "totals"),
                ("/currency", json!("yuan"), "currency"),
                ("/status", json!("no such state"), "status"),
                ("/line_items/0/quantity", json!(-1), "quantity"),
            ] {
                let mut bad = good.clone();
                *bad.pointer_mut(place).unwrap() = value;
                assert_eq!(dialect.read(&bad), Err(Unreadable(member)), "{dialect:?} {place}");
            }
        }
    }

    #[test]
    fn what_is_sent_is_what_our_own_doors_read() {
        let items = [("tea?size=large".to_owned(), 2)];
        let envelope = Envelope { key: "k", profile: "https://p.example/ucp.json" };
        let body = |request: Request| request.body.unwrap().to_string().into_bytes();
        let create = acp::Create::read(&body(Dialect::Acp.open(envelope, &items, "CNY"))).unwrap();
        // Each mention is one.
        assert_eq!((create.items.len(), create.currency.as_str()), (2, "cny"));
        let many = [("tea".to_owned(), 65)];
        let create = acp::Create::read(&body(Dialect::Acp.open(envelope, &many, "CNY"))).unwrap();
        assert_eq!((create.items.len(), create.items[0].quantity), (1, Some(65)));
        let wanted = ucp::request::Wanted::read(&body(Dialect::Ucp.open(envelope, &items, "CNY"))).unwrap();
        assert_eq!(wanted.lines, items);
        let paid = body(Dialect::Acp.complete(envelope, "cs_1", "h", "vt_1"));
        assert_eq!(acp::Complete::read(&paid).unwrap().token, "vt_1");
        let paid = body(Dialect::Ucp.complete(envelope, "cs_1", "h", "vt_1"));
        assert_eq!(ucp::request::Complete::read(&paid).unwrap().token, "vt_1");
        let look = Dialect::Ucp.look(envelope, "cs_1");
        assert_eq!(
            (look.method, look.path, look.headers.len()),
            ("GET", vec![ucp::buying::PLACE.to_owned(), "cs_1".to_owned()], 1)
        );
    }
}
