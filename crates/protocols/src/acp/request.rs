//! What a buyer's side sends in ACP, read strictly: a member that is not known is an error, and so is one that comes twice.

use crate::json::{self, NotStrict};
use crate::limits::{ACP_BODY_BYTES_MAX, CHECKOUT_LINES_MAX, CHECKOUT_TEXT_BYTES_MAX};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Why a request cannot be read. Nothing was done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("the body of {bytes} bytes is longer than {ACP_BODY_BYTES_MAX}")]
    TooLong { bytes: usize },
    #[error(transparent)]
    Json(#[from] NotStrict),
    #[error("the body does not have its shape: {0}")]
    Shape(String),
    #[error("a text is longer than {CHECKOUT_TEXT_BYTES_MAX} bytes")]
    Text,
    #[error("a checkout has from 1 to {CHECKOUT_LINES_MAX} lines")]
    Lines,
    #[error(
        "only `tollbridge_token` instruments of this shop's handler are taken; numbers of cards never are"
    )]
    Instrument,
}

/// One item that is wanted. Each mention is one, unless it says how many.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WantedItem {
    pub id: String,
    pub name: Option<String>,
    /// What the buyer's side thinks one costs. The shop's price counts.
    pub unit_amount: Option<u64>,
    /// Not of the published shape, whose items are one each: older clients say it, and no other reading is possible.
    pub quantity: Option<u32>,
}

/// Opens a session.
#[derive(Clone, Debug, PartialEq)]
pub struct Create {
    pub items: Vec<WantedItem>,
    /// In lower case, as it came.
    pub currency: String,
    pub buyer: Option<Value>,
    pub details: Option<Value>,
    pub coupons: Vec<String>,
}

/// Changes a session; what is not named stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Update {
    pub items: Option<Vec<WantedItem>>,
    pub buyer: Option<Value>,
    pub details: Option<Value>,
    pub coupons: Option<Vec<String>>,
    /// The way of delivery.
    pub delivery: Option<String>,
}

/// Pays a session.
#[derive(Clone, Debug, PartialEq)]
pub struct Complete {
    pub handler: String,
    /// The payment token.
    pub token: String,
    pub buyer: Option<Value>,
}

/// Ends a session.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cancel {
    /// In the buyer's words, where it says why.
    pub reason: Option<String>,
}

impl Create {
    /// Reads a body.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn read(body: &[u8]) -> Result<Create, Fault> {
        let body: CreateBody = read(body)?;
        if body.line_items.is_empty() || CHECKOUT_LINES_MAX < body.line_items.len() {
            return Err(Fault::Lines);
        }
        let coupons = coupons(body.coupons, body.discounts).unwrap_or_default();
        let (buyer, details) = (checked::<Buyer>(body.buyer)?, checked::<Details>(body.fulfillment_details)?);
        Ok(Create { items: body.line_items, currency: body.currency, buyer, details, coupons })
    }
}

impl Update {
    /// Reads a body.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn read(body: &[u8]) -> Result<Update, Fault> {
        let body: UpdateBody = read(body)?;
        if body.line_items.as_ref().is_some_and(|items| items.is_empty() || CHECKOUT_LINES_MAX < items.len())
        {
            return Err(Fault::Lines);
        }
        let selected = body.selected_fulfillment_options.unwrap_or_default();
        Ok(Update {
            items: body.line_items,
            buyer: checked::<Buyer>(body.buyer)?,
            details: checked::<Details>(body.fulfillment_details)?,
            coupons: coupons(body.coupons, body.discounts),
            delivery: selected.into_iter().next().map(|selected| selected.option_id),
        })
    }
}

impl Complete {
    /// Reads a body.
    ///
    /// # Errors
    /// [`Fault`]; [`Fault::Instrument`] for whatever is no token of ours.
    pub fn read(body: &[u8]) -> Result<Complete, Fault> {
        let body: CompleteBody = read(body)?;
        let (Some(handler), Some(instrument)) = (body.payment_data.handler_id, body.payment_data.instrument)
        else {
            return Err(Fault::Instrument);
        };
        if instrument.kind != crate::checkout::INSTRUMENT {
            return Err(Fault::Instrument);
        }
        let buyer = checked::<Buyer>(body.buyer)?;
        Ok(Complete { handler, token: instrument.credential.token, buyer })
    }
}

impl Cancel {
    /// Reads a body; none is an empty one.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn read(body: &[u8]) -> Result<Cancel, Fault> {
        if body.is_empty() {
            return Ok(Cancel::default());
        }
        let body: CancelBody = read(body)?;
        let reason = body.intent_trace.map(|trace| match trace.trace_summary {
            Some(summary) => format!("{}: {summary}", trace.reason_code),
            None => trace.reason_code,
        });
        Ok(Cancel { reason })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CreateBody {
    line_items: Vec<WantedItem>,
    currency: String,
    #[serde(rename = "capabilities")]
    _capabilities: Map<String, Value>,
    buyer: Option<Value>,
    fulfillment_details: Option<Value>,
    #[serde(rename = "fulfillment_groups")]
    _fulfillment_groups: Option<Vec<Map<String, Value>>>,
    #[serde(rename = "affiliate_attribution")]
    _affiliate_attribution: Option<Map<String, Value>>,
    coupons: Option<Vec<String>>,
    discounts: Option<Discounts>,
    #[serde(rename = "locale")]
    _locale: Option<String>,
    #[serde(rename = "timezone")]
    _timezone: Option<String>,
    #[serde(rename = "quote_id")]
    _quote_id: Option<String>,
    #[serde(rename = "metadata")]
    _metadata: Option<Map<String, Value>>,
    #[serde(rename = "order_notes")]
    _order_notes: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UpdateBody {
    buyer: Option<Value>,
    line_items: Option<Vec<WantedItem>>,
    fulfillment_details: Option<Value>,
    #[serde(rename = "fulfillment_groups")]
    _fulfillment_groups: Option<Vec<Map<String, Value>>>,
    selected_fulfillment_options: Option<Vec<Selected>>,
    coupons: Option<Vec<String>>,
    discounts: Option<Discounts>,
    #[serde(rename = "order_notes")]
    _order_notes: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Selected {
    #[serde(rename = "type")]
    _kind: String,
    option_id: String,
    #[serde(rename = "item_ids")]
    _item_ids: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Discounts {
    #[serde(default)]
    codes: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CompleteBody {
    buyer: Option<Value>,
    payment_data: PaymentData,
    #[serde(rename = "authentication_result")]
    _authentication_result: Option<Map<String, Value>>,
    #[serde(rename = "affiliate_attribution")]
    _affiliate_attribution: Option<Map<String, Value>>,
    #[serde(rename = "risk_signals")]
    _risk_signals: Option<Map<String, Value>>,
    #[serde(rename = "marketing_consents")]
    _marketing_consents: Option<Vec<Map<String, Value>>>,
    #[serde(rename = "order_notes")]
    _order_notes: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PaymentData {
    handler_id: Option<String>,
    instrument: Option<Instrument>,
    #[serde(rename = "billing_address")]
    _billing_address: Option<Address>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Instrument {
    #[serde(rename = "type")]
    kind: String,
    credential: Credential,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Credential {
    #[serde(rename = "type")]
    _kind: String,
    token: String,
}

#[derive(Deserialize)]
struct CancelBody {
    intent_trace: Option<Trace>,
}

#[derive(Deserialize)]
struct Trace {
    reason_code: String,
    trace_summary: Option<String>,
}

/// Read for its shape; what is kept is what came.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Buyer {
    #[serde(rename = "email")]
    _email: String,
    #[serde(rename = "first_name")]
    _first_name: Option<String>,
    #[serde(rename = "last_name")]
    _last_name: Option<String>,
    #[serde(rename = "full_name")]
    _full_name: Option<String>,
    #[serde(rename = "phone_number")]
    _phone_number: Option<String>,
    #[serde(rename = "customer_id")]
    _customer_id: Option<String>,
    #[serde(rename = "account_type")]
    _account_type: Option<String>,
    #[serde(rename = "authentication_status")]
    _authentication_status: Option<String>,
    #[serde(rename = "company")]
    _company: Option<Map<String, Value>>,
    #[serde(rename = "loyalty")]
    _loyalty: Option<Map<String, Value>>,
    #[serde(rename = "tax_exemption")]
    _tax_exemption: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Details {
    #[serde(rename = "name")]
    _name: Option<String>,
    #[serde(rename = "phone_number")]
    _phone_number: Option<String>,
    #[serde(rename = "email")]
    _email: Option<String>,
    #[serde(rename = "address")]
    _address: Option<Address>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Address {
    #[serde(rename = "name")]
    _name: String,
    #[serde(rename = "line_one")]
    _line_one: String,
    #[serde(rename = "line_two")]
    _line_two: Option<String>,
    #[serde(rename = "city")]
    _city: String,
    #[serde(rename = "state")]
    _state: String,
    #[serde(rename = "country")]
    _country: String,
    #[serde(rename = "postal_code")]
    _postal_code: String,
}

/// Both names that ACP has for the words of coupons; the newer one counts.
fn coupons(older: Option<Vec<String>>, newer: Option<Discounts>) -> Option<Vec<String>> {
    newer.map(|discounts| discounts.codes).or(older)
}

fn checked<T: DeserializeOwned>(value: Option<Value>) -> Result<Option<Value>, Fault> {
    let Some(value) = value else { return Ok(None) };
    let shape: Result<T, _> = serde_json::from_value(value.clone());
    shape.map(|_| Some(value)).map_err(|fault| Fault::Shape(fault.to_string()))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Fault> {
    if ACP_BODY_BYTES_MAX < body.len() {
        return Err(Fault::TooLong { bytes: body.len() });
    }
    let value = json::parse(body)?;
    if !texts_fit(&value) {
        return Err(Fault::Text);
    }
    serde_json::from_value(value).map_err(|fault| Fault::Shape(fault.to_string()))
}

/// Whether no text of a body is longer than anything of it is kept.
pub(crate) fn texts_fit(value: &Value) -> bool {
    match value {
        Value::String(text) => text.len() <= CHECKOUT_TEXT_BYTES_MAX,
        Value::Array(items) => items.iter().all(texts_fit),
        Value::Object(members) => members.values().all(texts_fit),
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CREATE: &str =
        r#"{"line_items":[{"id":"tea"},{"id":"tea","unit_amount":1800}],"currency":"cny","capabilities":{}}"#;

    #[test]
    fn a_session_is_opened_by_items_currency_and_capabilities() {
        let create = Create::read(CREATE.as_bytes()).unwrap();
        assert_eq!((create.items.len(), create.currency.as_str()), (2, "cny"));
        for (text, why) in [
            (CREATE.replace(r#","capabilities":{}"#, ""), "missing field `capabilities`"),
            (CREATE.replace(r#""cny""#, r#""cny","colour":1"#), "unknown field `colour`"),
            (CREATE.replace(r#""id":"tea""#, r#""id":"tea","id":"tea""#), "comes twice"),
            (CREATE.replace("1800", "18.5"), "invalid type"),
            (CREATE.replace("1800", "-1"), "invalid value"),
            (CREATE.replace(r#"{"id":"tea"},{"id":"tea","unit_amount":1800}"#, ""), "from 1 to 64 lines"),
            (CREATE.replace("cny", &"c".repeat(1_025)), "longer than 1024 bytes"),
            (CREATE.replace(r#""capabilities""#, r#""buyer":{"first_name":"W"},"capabilities""#), "email"),
            (format!("{CREATE}{}", " ".repeat(64 * 1024)), "longer than 65536"),
            ("[]".to_owned(), "shape"),
        ] {
            let fault = Create::read(text.as_bytes()).unwrap_err().to_string();
            assert!(fault.contains(why), "`{text}`: {fault}");
        }
    }

    #[test]
    fn what_an_update_does_not_name_stays() {
        assert_eq!(Update::read(b"{}").unwrap(), Update::default());
        let text = br#"{"selected_fulfillment_options":[{"type":"shipping","option_id":"courier","item_ids":["tea"]}],
            "coupons":["OLD"],"discounts":{"codes":["NEW"]}}"#;
        let update = Update::read(text).unwrap();
        assert_eq!(
            (update.delivery.as_deref(), update.coupons),
            (Some("courier"), Some(vec!["NEW".to_owned()]))
        );
        assert_eq!(Update::read(br#"{"line_items":[]}"#), Err(Fault::Lines));
    }

    #[test]
    fn only_a_token_of_ours_pays() {
        let text = |kind: &str, more: &str| {
            format!(
                r#"{{"payment_data":{{"handler_id":"h","instrument":{{"type":"{kind}",
                    "credential":{{"type":"token","token":"vt_1"{more}}}}}}}}}"#
            )
        };
        let complete = Complete::read(text("tollbridge_token", "").as_bytes()).unwrap();
        assert_eq!((complete.handler.as_str(), complete.token.as_str()), ("h", "vt_1"));
        assert_eq!(Complete::read(text("card", "").as_bytes()), Err(Fault::Instrument));
        let with_number = text("tollbridge_token", r#","number":"4242424242424242""#);
        let fault = Complete::read(with_number.as_bytes()).unwrap_err().to_string();
        assert!(fault.contains("unknown field `number`") && !fault.contains("4242"), "{fault}");
        let order = br#"{"payment_data":{"purchase_order_number":"1"}}"#;
        assert!(Complete::read(order).unwrap_err().to_string().contains("purchase_order_number"));
        assert_eq!(Complete::read(br#"{"payment_data":{}}"#), Err(Fault::Instrument));
    }

    #[test]
    fn a_cancellation_may_say_why() {
        assert_eq!(Cancel::read(b"").unwrap().reason, None);
        let text = br#"{"intent_trace":{"reason_code":"shipping_cost","trace_summary":"too dear"}}"#;
        assert_eq!(Cancel::read(text).unwrap().reason.as_deref(), Some("shipping_cost: too dear"));
    }
}
