//! A shop's profile at `/.well-known/ucp`: where it is spoken to, what it can do, how it is paid, and by which keys it signs.

use crate::checkout::Handler;
use crate::ucp::checkout::declaration;
use crate::ucp::{CHECKOUT, DISCOUNT, FULFILLMENT, ORDER, SHOPPING, VERSION};
use evidence::{Algorithm, PublicKey, base64url};
use serde_json::{Value, json};

/// The profile of a shop.
pub fn profile(endpoint: &str, handler: &Handler, key: Option<&PublicKey>) -> Value {
    let page = |name: &str| format!("https://ucp.dev/{VERSION}/specification/{name}");
    let schema = |name: &str| format!("https://ucp.dev/{VERSION}/schemas/shopping/{name}.json");
    let keys: Vec<Value> = key.and_then(jwk).into_iter().collect();
    json!({
        "ucp": {
            "version": VERSION,
            "services": { SHOPPING: [{
                "version": VERSION,
                "spec": page("overview"),
                "transport": "rest",
                "endpoint": endpoint,
                "schema": format!("https://ucp.dev/{VERSION}/services/shopping/rest.openapi.json"),
            }] },
            "capabilities": {
                CHECKOUT: [{ "version": VERSION, "spec": page("checkout"), "schema": schema("checkout") }],
                ORDER: [{ "version": VERSION, "spec": page("order"), "schema": schema("order") }],
                FULFILLMENT: [{
                    "version": VERSION,
                    "spec": page("fulfillment"),
                    "schema": schema("fulfillment"),
                    "extends": CHECKOUT,
                }],
                DISCOUNT: [{
                    "version": VERSION,
                    "spec": page("discount"),
                    "schema": schema("discount"),
                    "extends": CHECKOUT,
                }],
            },
            "payment_handlers": { handler.name.clone(): declaration(handler, handler.config()) },
        },
        // One list under both of its names: the older is this version's, the newer that of the ones to come.
        "signing_keys": keys,
        "keys": keys,
    })
}

/// The name by which a key is found in a profile: its thumbprint.
pub fn key_id(key: &PublicKey) -> String {
    base64url::encode(key.thumbprint().as_bytes())
}

/// A key on P-256; UCP takes no other of ours.
fn jwk(key: &PublicKey) -> Option<Value> {
    if key.algorithm() != Algorithm::Es256 {
        return None;
    }
    let (x, y) = key.bytes().strip_prefix(&[4])?.split_at_checked(32)?;
    Some(json!({
        "kid": key_id(key),
        "kty": "EC",
        "crv": "P-256",
        "x": base64url::encode(x),
        "y": base64url::encode(y),
        "use": "sig",
        "alg": "ES256",
    }))
}
