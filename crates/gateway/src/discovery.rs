//! The discovery document: what is sold and for how much, in the form of OpenAPI that clients of the `Payment` scheme look for.
//!
//! It is advice: what a call costs is what its 402 says.

use crate::config::Seller;
use crate::pricing::Price;
use protocols::mpp::session::Unit;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Where it is looked for.
pub(crate) const PATH: &str = "/openapi.json";

/// The name under which one path of all below another is described, for OpenAPI has no other way.
const BELOW: &str = "below";

/// The document.
pub(crate) fn document(seller: &Seller, prices: &[Arc<Price>]) -> String {
    let mut paths = Map::new();
    for price in prices {
        let (path, names) = described(price.path.as_str());
        let operations = paths.entry(path).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(operations) = operations {
            operations.insert(price.method.to_ascii_lowercase(), operation(price, seller, &names));
        }
    }
    let document = json!({
        "openapi": "3.1.0",
        "info": { "title": seller.public_url.host_str().unwrap_or_default(), "version": "1" },
        "servers": [{ "url": seller.public_url.as_str().trim_end_matches('/') }],
        "x-service-info": { "docs": { "homepage": seller.public_url.as_str() } },
        "paths": paths,
    });
    document.to_string()
}

/// A pattern as OpenAPI writes it, and the names in it.
fn described(pattern: &str) -> (String, Vec<String>) {
    let path = match pattern.strip_suffix("/*") {
        Some(above) => format!("{above}/{{{BELOW}}}"),
        None => pattern.to_owned(),
    };
    let name = |segment: &str| Some(segment.strip_prefix('{')?.strip_suffix('}')?.to_owned());
    let names = path.split('/').filter_map(name).collect();
    (path, names)
}

fn operation(price: &Price, seller: &Seller, names: &[String]) -> Value {
    let offer = json!({
        "method": "toll",
        "intent": "charge",
        // What depends on the answer has no amount before it.
        "amount": price.is_exact().then(|| price.minor(&seller.asset).to_string()),
        "currency": seller.asset.code().to_ascii_lowercase(),
        "description": price.in_words,
    });
    let session = price.by_session().map(|(nanos, unit)| {
        let each = match unit {
            Unit::Call => "A call",
            Unit::Event => "An event",
        };
        json!({
            "method": "toll",
            "intent": "session",
            "amount": nanos.to_string(),
            "currency": seller.asset.code().to_ascii_lowercase(),
            "description": format!("{each} by voucher, in billionths of the smallest unit"),
        })
    });
    let offers: Vec<Value> = std::iter::once(offer).chain(session).collect();
    let mut operation = json!({
        "summary": price.description,
        "x-payment-info": { "offers": offers },
        "responses": {
            "200": { "description": price.delivery },
            "402": { "description": "What it costs, and how to pay it" },
        },
    });
    if let Value::Object(members) = &mut operation {
        if !names.is_empty() {
            let named = |name: &String| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } });
            members.insert("parameters".to_owned(), names.iter().map(named).collect());
        }
        if !matches!(price.method.as_str(), "GET" | "HEAD" | "DELETE") {
            let kinds: Vec<&str> = match price.content_types.as_slice() {
                [] => vec!["application/octet-stream"],
                kinds => kinds.iter().map(String::as_str).collect(),
            };
            let content: Map<String, Value> =
                kinds.into_iter().map(|kind| (kind.to_owned(), Value::Object(Map::new()))).collect();
            members.insert("requestBody".to_owned(), json!({ "content": content }));
        }
    }
    operation
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_a_path_of_openapi() {
        for (pattern, path, names) in [
            ("/a", "/a", vec![]),
            ("/", "/", vec![]),
            ("/a/{id}/b", "/a/{id}/b", vec!["id"]),
            ("/a/{id}/*", "/a/{id}/{below}", vec!["id", "below"]),
            ("/*", "/{below}", vec!["below"]),
        ] {
            let names = names.into_iter().map(str::to_owned).collect();
            assert_eq!(described(pattern), (path.to_owned(), names), "{pattern}");
        }
    }
}
