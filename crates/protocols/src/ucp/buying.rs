//! What a platform sends to a shop that speaks UCP, how it reads the checkout, and where it finds the shop's door.

use crate::offered::{
    Offered, Standing, Unreadable, currency, errors, instrument, lines, name, order, total, way,
};
use crate::ucp::{SHOPPING, VERSION};
use serde_json::{Value, json};

/// The first part of every path.
pub const PLACE: &str = "checkout-sessions";

/// Why a profile leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoDoor {
    /// It is no profile.
    #[error("that is no profile of UCP")]
    Profile,
    /// It is of another version.
    #[error("the shop speaks UCP {0}, and we {VERSION}")]
    Version(String),
    /// It has no checkout over REST.
    #[error("the shop has no checkout over REST")]
    Rest,
}

/// Where a shop is spoken to over REST, by its profile.
///
/// # Errors
/// [`NoDoor`].
pub fn endpoint(profile: &Value) -> Result<String, NoDoor> {
    let ucp = profile.get("ucp").ok_or(NoDoor::Profile)?;
    let version = ucp.get("version").and_then(Value::as_str).ok_or(NoDoor::Profile)?;
    if version != VERSION {
        return Err(NoDoor::Version(version.escape_debug().take(32).collect()));
    }
    let services = ucp.get("services").and_then(|services| services.get(SHOPPING)).and_then(Value::as_array);
    let mut rest =
        services.into_iter().flatten().filter(|it| it.get("transport").is_some_and(|it| it == "rest"));
    let endpoint = rest.next().and_then(|it| it.get("endpoint")).and_then(Value::as_str);
    endpoint.map(str::to_owned).ok_or(NoDoor::Rest)
}

/// Items by the shop's names.
pub(crate) fn open(items: &[(String, u32)]) -> Value {
    let items: Vec<Value> =
        items.iter().map(|(id, quantity)| json!({ "item": { "id": id }, "quantity": quantity })).collect();
    json!({ "line_items": items })
}

/// A token that pays.
pub(crate) fn complete(handler: &str, token: &str) -> Value {
    let (kind, credential) = instrument(token);
    json!({ "payment": { "instruments": [{
        "id": "token", "handler_id": handler, "type": kind, "selected": true, "credential": credential,
    }] } })
}

/// Reads a checkout.
pub(crate) fn read(said: &Value) -> Result<Offered, Unreadable> {
    let standing = match said.get("status").and_then(Value::as_str).unwrap_or_default() {
        "ready_for_complete" => Standing::Ready,
        "incomplete" | "requires_escalation" => Standing::NotReady,
        "complete_in_progress" => Standing::InProgress,
        "completed" => Standing::Completed,
        "canceled" => Standing::Over,
        _ => return Err(Unreadable("status")),
    };
    let handlers = said.pointer("/ucp/payment_handlers").and_then(Value::as_object);
    let handlers = handlers.into_iter().flat_map(|handlers| handlers.values());
    let declared = handlers.filter_map(Value::as_array).flatten();
    Ok(Offered {
        id: name(said.get("id"), "id")?,
        standing,
        currency: currency(said)?,
        total_minor: total(said)?,
        lines: lines(said, "title")?,
        ways: declared.filter_map(|handler| way(handler, handler.pointer("/config/cart"))).collect(),
        order: order(said)?,
        errors: errors(said),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_says_where_its_door_is() {
        let service = |transport: &str, endpoint: &str| json!({"transport": transport, "endpoint": endpoint});
        let profile =
            |version: &str, services: Value| json!({"ucp": {"version": version, "services": services}});
        let shop = |services: &[Value]| profile(VERSION, json!({ SHOPPING: services }));
        let rest = service("rest", "https://shop.example/");
        assert_eq!(
            endpoint(&shop(&[service("mcp", "https://m"), rest])),
            Ok("https://shop.example/".to_owned())
        );
        assert_eq!(endpoint(&shop(&[service("mcp", "https://m")])), Err(NoDoor::Rest));
        assert_eq!(
            endpoint(&profile("2020-01-01", json!({}))),
            Err(NoDoor::Version("2020-01-01".to_owned()))
        );
        assert_eq!(endpoint(&json!({})), Err(NoDoor::Profile));
    }
}
