//! What a platform sends in UCP. Members that UCP has are read strictly; others belong to extensions that were not agreed on.

use crate::acp::request::texts_fit;
use crate::checkout::INSTRUMENT;
use crate::json::{self, NotStrict};
use crate::limits::{ACP_BODY_BYTES_MAX, CHECKOUT_LINES_MAX, CHECKOUT_TEXT_BYTES_MAX};
use crate::ucp::fulfillment::{self, Asked};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

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
    #[error("a checkout has at most {CHECKOUT_LINES_MAX} discount codes")]
    Codes,
    #[error("{0}")]
    Fulfillment(&'static str),
    #[error("one `tollbridge_token` instrument of this shop's handler pays; numbers of cards never do")]
    Instrument,
}

/// What is wanted: a checkout is opened by it, and changed to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// Items, and how many of each.
    pub lines: Vec<(String, u32)>,
    pub buyer: Option<Value>,
    /// How it gets to the buyer, where that is said.
    pub fulfillment: Asked,
    /// Words that are to take something off, in the place of those before; nothing leaves those.
    pub codes: Option<Vec<String>>,
}

/// Pays a checkout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complete {
    pub handler: String,
    /// The payment token.
    pub token: String,
}

impl Wanted {
    /// Reads the body of a `POST` or `PUT`.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn read(body: &[u8]) -> Result<Wanted, Fault> {
        let WantedBody { line_items, buyer, fulfillment, discounts } = read(body)?;
        if line_items.is_empty() || CHECKOUT_LINES_MAX < line_items.len() {
            return Err(Fault::Lines);
        }
        if let Some(buyer) = &buyer {
            let shape: Result<Buyer, _> = serde_json::from_value(buyer.clone());
            shape.map_err(|fault| Fault::Shape(fault.to_string()))?;
        }
        let lines = line_items.into_iter().map(|line| (line.item.id, line.quantity)).collect();
        let fulfillment =
            fulfillment.map(fulfillment::Body::asked).transpose().map_err(Fault::Fulfillment)?;
        let codes = discounts.and_then(|discounts| discounts.codes);
        if codes.as_ref().is_some_and(|codes| CHECKOUT_LINES_MAX < codes.len()) {
            return Err(Fault::Codes);
        }
        Ok(Wanted { lines, buyer, fulfillment: fulfillment.unwrap_or_default(), codes })
    }
}

impl Complete {
    /// Reads a body. Where several instruments are sent, the one that is selected pays.
    ///
    /// # Errors
    /// [`Fault`]; [`Fault::Instrument`] for whatever is no token of ours.
    pub fn read(body: &[u8]) -> Result<Complete, Fault> {
        let body: CompleteBody = read(body)?;
        let alone = body.payment.instruments.len() == 1;
        let mut chosen = body.payment.instruments.into_iter().filter(|it| it.selected.unwrap_or(alone));
        let (Some(instrument), None) = (chosen.next(), chosen.next()) else { return Err(Fault::Instrument) };
        match instrument.credential {
            Some(Credential { token: Some(token) }) if instrument.kind == INSTRUMENT => {
                Ok(Complete { handler: instrument.handler_id, token })
            }
            Some(Credential { .. }) | None => Err(Fault::Instrument),
        }
    }
}

#[derive(Deserialize)]
struct WantedBody {
    line_items: Vec<WantedLine>,
    buyer: Option<Value>,
    fulfillment: Option<fulfillment::Body>,
    discounts: Option<Discounts>,
}

#[derive(Deserialize)]
struct Discounts {
    codes: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct WantedLine {
    item: WantedItem,
    quantity: u32,
}

#[derive(Deserialize)]
struct WantedItem {
    id: String,
}

/// Read for its shape; what is kept is what came.
#[derive(Deserialize)]
struct Buyer {
    #[serde(rename = "first_name")]
    _first_name: Option<String>,
    #[serde(rename = "last_name")]
    _last_name: Option<String>,
    #[serde(rename = "email")]
    _email: Option<String>,
    #[serde(rename = "phone_number")]
    _phone_number: Option<String>,
}

#[derive(Deserialize)]
struct CompleteBody {
    payment: Payment,
}

#[derive(Deserialize)]
struct Payment {
    #[serde(default)]
    instruments: Vec<Instrument>,
}

#[derive(Deserialize)]
struct Instrument {
    #[serde(rename = "id")]
    _id: String,
    handler_id: String,
    #[serde(rename = "type")]
    kind: String,
    selected: Option<bool>,
    credential: Option<Credential>,
}

#[derive(Deserialize)]
struct Credential {
    token: Option<String>,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkout_is_what_items_are_wanted() {
        let text = r#"{"line_items":[{"item":{"id":"tea"},"quantity":2}],"buyer":{"email":"w@x.example"},"context":{}}"#;
        let wanted = Wanted::read(text.as_bytes()).unwrap();
        assert_eq!(wanted.lines, [("tea".to_owned(), 2)]);
        assert_eq!((wanted.fulfillment, wanted.codes), (Asked::default(), None));
        let coupon = text.replace(r#""context":{}"#, r#""discounts":{"codes":["FIVE"]}"#);
        assert_eq!(Wanted::read(coupon.as_bytes()).unwrap().codes, Some(vec!["FIVE".to_owned()]));
        for (text, why) in [
            (text.replace(":2", ":2.5"), "invalid type"),
            (text.replace(":2", ":-2"), "invalid value"),
            (text.replace(r#","quantity":2"#, ""), "missing field `quantity`"),
            (text.replace(r#"{"item":{"id":"tea"},"quantity":2}"#, ""), "from 1 to 64 lines"),
            (text.replace(r#""w@x.example""#, "1"), "invalid type"),
            (text.replace("tea", &"t".repeat(1_025)), "longer than 1024"),
            (text.replace(r#""context":{}"#, r#""discounts":{"codes":"FIVE"}"#), "invalid type"),
            (coupon.replace(r#""FIVE""#, &[r#""FIVE""#; 65].join(",")), "at most 64 discount codes"),
            (
                text.replace(r#""context":{}"#, r#""fulfillment":{"methods":[{"type":"pickup"}]}"#),
                "only method",
            ),
            (text.replace(r#""context""#, r#""line_items""#), "comes twice"),
        ] {
            let fault = Wanted::read(text.as_bytes()).unwrap_err().to_string();
            assert!(fault.contains(why), "`{text}`: {fault}");
        }
    }

    #[test]
    fn one_token_of_ours_pays() {
        let instrument = |kind: &str, selected: &str| {
            format!(
                r#"{{"id":"i","handler_id":"h","type":"{kind}"{selected},"credential":{{"type":"token","token":"vt_1"}}}}"#
            )
        };
        let complete = |instruments: &[String]| {
            Complete::read(
                format!(r#"{{"payment":{{"instruments":[{}]}}}}"#, instruments.join(",")).as_bytes(),
            )
        };
        let (ours, card) = (instrument(INSTRUMENT, ""), instrument("card", ""));
        let chosen = instrument(INSTRUMENT, r#","selected":true"#);
        let expected = Complete { handler: "h".to_owned(), token: "vt_1".to_owned() };
        assert_eq!(complete(std::slice::from_ref(&ours)), Ok(expected.clone()));
        assert_eq!(complete(&[card.clone(), chosen.clone()]), Ok(expected));
        for instruments in
            [vec![], vec![card.clone()], vec![ours.clone(), ours], vec![chosen.clone(), chosen]]
        {
            assert_eq!(complete(&instruments), Err(Fault::Instrument), "{instruments:?}");
        }
    }
}
