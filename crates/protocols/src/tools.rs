//! MCP as an envelope of x402: what x402 says in three headers of HTTP, said in results and `_meta` of tools.
//!
//! A call that is not paid is answered with a result that is an error and has the demand in it, as structure and as text; a
//! paid call has the payment in its `_meta`, and its result says there what came of it. The values are those of [`crate::x402`]:
//! only their envelope is another, so what is read here is read there.

use crate::a402::wallet::WalletTerms;
use crate::a402::{Needed, Proof};
use crate::bare::{Note, Price};
use crate::json;
use crate::limits::HEADER_VALUE_BYTES_MAX;
use crate::x402::{Fault, Payload, Requirements, Scheme};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// The member of a call's `_meta` that pays for it.
pub const PAYMENT: &str = "x402/payment";

/// The member of a result's `_meta` that says what came of the payment.
pub const RESPONSE: &str = "x402/payment-response";

/// The member of a result's `_meta` with the same demand, signed by the seller: that of our own dialect.
pub const NEEDED: &str = "tollbridge/payment-needed";

/// What tools are called below, as addresses.
const SCHEME: &str = "mcp://tool/";

/// The address of a tool in a demand.
pub fn address(tool: &str) -> String {
    format!("{SCHEME}{tool}")
}

/// The one spelling of a call's arguments: what a payment is bound to. None where a number in them has no single meaning.
pub fn arguments(arguments: &Map<String, Value>) -> Option<Vec<u8>> {
    let text = json::canonical(&Value::Object(arguments.clone()));
    json::parse(&text).is_ok().then_some(text)
}

/// The payment of a call of `tool`, as the header of HTTP has it.
///
/// # Errors
/// [`Fault`], where it is too long for one, or says that it is for another address. The rest is read where headers are.
pub fn signature(tool: &str, payment: &Value) -> Result<String, Fault> {
    let named = payment.get("resource").filter(|resource| !resource.is_null());
    if named.is_some_and(|resource| resource.get("url").and_then(Value::as_str) != Some(&*address(tool))) {
        return Err(Fault::Other);
    }
    let value = STANDARD.encode(json::canonical(payment));
    if HEADER_VALUE_BYTES_MAX < value.len() {
        return Err(Fault::Encoding);
    }
    Ok(value)
}

/// The demand for a call of `tool`, from the header in which HTTP has it, and why it is made.
///
/// # Errors
/// [`Fault`].
pub fn demanded(value: &str, tool: &str, why: &str) -> Result<Value, Fault> {
    let mut demand = said(value)?;
    let Value::Object(members) = &mut demand else { return Err(Fault::Encoding) };
    members.insert("error".to_owned(), why.into());
    members.insert("resource".to_owned(), json!({ "url": address(tool), "mimeType": "application/json" }));
    Ok(demand)
}

/// What a header of x402 says, as JSON.
///
/// # Errors
/// [`Fault`].
pub fn said(value: &str) -> Result<Value, Fault> {
    if HEADER_VALUE_BYTES_MAX < value.len() {
        return Err(Fault::Encoding);
    }
    let text = STANDARD.decode(value).map_err(|_| Fault::Encoding)?;
    json::parse(&text).map_err(|_| Fault::Encoding)
}

/// Whether what came of a payment is that the seller has it.
pub fn is_paid(response: &Value) -> bool {
    response.get("success").and_then(Value::as_bool) == Some(true)
}

/// Whether a value asks for a payment: whoever reads it would pay it.
pub fn is_demand(value: &Value) -> bool {
    value.get("x402Version").is_some() && value.get("accepts").is_some_and(Value::is_array)
}

/// The payment of a bill of ours that the payment service has signed for: what a buyer puts into `_meta`.
///
/// # Errors
/// [`Fault`], where bill and proof are not what they should be.
pub fn payment(tool: &str, needed: &str, proof: &str) -> Result<Value, Fault> {
    payment_for(address(tool), needed, proof)
}

/// The same for a resource of any name.
///
/// # Errors
/// [`Fault`].
pub fn payment_for(resource: String, needed: &str, proof: &str) -> Result<Value, Fault> {
    let needed = Needed::decode(needed).map_err(|_| Fault::Other)?;
    let terms = WalletTerms::read(&needed.demand, &needed.method).map_err(|_| Fault::Other)?;
    let credential = Proof::decode(proof).map_err(|_| Fault::Other)?.payment_proof;
    let scale = terms.asset.scale();
    let demand = &needed.demand;
    let price = Price {
        network: terms.network,
        payee: demand.seller_unique_id.clone(),
        amount_minor: demand.amount.minor(scale).ok_or(Fault::Other)?,
        currency: demand.currency.clone(),
        scale,
    };
    let scheme = match needed.method.members().contains_key("capture") {
        true => Scheme::Upto,
        false => Scheme::Exact,
    };
    let seconds = demand.replay_window_seconds;
    let accepted = Requirements::of_bill(&price, &Note::of(demand), scheme, terms.psp.as_str(), seconds);
    said(&Payload { resource: Some(resource), accepted, credential }.encode())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(value: Value) -> Map<String, Value> {
        crate::bare::members_of(value)
    }

    #[test]
    fn arguments_have_one_spelling_or_none() {
        let one = arguments(&members(json!({"b": [1, {"d": 1, "c": 2}], "a": "x"}))).unwrap();
        assert_eq!(one, br#"{"a":"x","b":[1,{"c":2,"d":1}]}"#);
        assert_eq!(arguments(&Map::new()).unwrap(), b"{}");
        assert_eq!(arguments(&members(json!({"a": 9_007_199_254_740_993_u64}))), None);
    }

    #[test]
    fn a_payment_for_another_tool_is_not_one_for_this() {
        for (resource, fits) in [
            (json!({"url": "mcp://tool/search", "description": "x"}), true),
            (Value::Null, true),
            (json!({"url": "mcp://tool/Search"}), false),
            (json!({"url": "mcp://tool/search/"}), false),
            (json!({"url": "https://shop.example/search"}), false),
            (json!({}), false),
            (json!("mcp://tool/search"), false),
        ] {
            let payment = json!({"x402Version": 2, "resource": resource});
            assert_eq!(signature("search", &payment).is_ok(), fits, "{resource}");
        }
        assert!(signature("search", &json!({"x402Version": 2})).is_ok());
        assert!(signature("search", &json!({"a": "x".repeat(HEADER_VALUE_BYTES_MAX)})).is_err());
    }

    #[test]
    fn a_demand_names_the_tool_and_says_why() {
        let value = STANDARD
            .encode(r#"{"accepts":[],"error":"x","resource":{"url":"http://a/tools/t"},"x402Version":2}"#);
        let demand = demanded(&value, "t", "Nothing was spent.").unwrap();
        assert_eq!(demand["resource"]["url"], "mcp://tool/t");
        assert_eq!(demand["error"], "Nothing was spent.");
        assert!(is_demand(&demand));
        for no in ["", "!", &STANDARD.encode("[]"), &STANDARD.encode("{\"a\":1,\"a\":2}")] {
            assert!(demanded(no, "t", "").is_err(), "{no}");
        }
        assert!(!is_demand(&json!({"accepts": [], "version": 2})));
        assert!(!is_demand(&json!("x402Version")));
    }
}
