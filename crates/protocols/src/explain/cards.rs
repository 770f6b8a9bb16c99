//! Cards: what agents, shops and sellers publish of themselves.

use super::{Bound, Cost, Explained, Payer, said};
use crate::a2a::paying::PRICES;
use crate::limits::EXPLAINED_LIST_COUNT_MAX;
use crate::mpp::{self, Intent};
use serde_json::Value;

/// The ways of calling an agent that A2A 1.0 names.
const BINDINGS: [&str; 3] = ["JSONRPC", "GRPC", "HTTP+JSON"];

/// What the addresses of the payment extension of A2A end with.
const PAYING: [&str; 2] = ["a2a-x402/blob/main/spec/v0.2", "a2a-x402/v0.1"];

/// The card of an agent (A2A).
pub(super) fn agent(value: &Value) -> Option<Explained> {
    let skills = value.get("skills").and_then(Value::as_array);
    let interfaces = value.get("supportedInterfaces");
    if interfaces.is_none() {
        return skills.filter(|_| value.get("url").is_some()).map(|_| older_agent(value));
    }
    let mut told = Explained::new("an agent's card (A2A)")
        .next("A card names no price: an agent that wants money says so in the task.");
    told.fact_if_any("name", said(value, "name"));
    told.fact_if_any("version", said(value, "version"));
    for name in ["name", "description", "version"] {
        if said(value, name).is_none_or(str::is_empty) {
            told.wrong(format!("`{name}` is missing"));
        }
    }
    for name in ["defaultInputModes", "defaultOutputModes", "capabilities"] {
        if value.get(name).is_none() {
            told.wrong(format!("`{name}` is missing"));
        }
    }
    match interfaces.and_then(Value::as_array) {
        Some(list) if !list.is_empty() => {
            for each in list.iter().take(EXPLAINED_LIST_COUNT_MAX) {
                interface(&mut told, each);
            }
        }
        Some(_) | None => told.wrong("`supportedInterfaces` is empty: nobody can call it"),
    }
    match skills {
        Some(skills) => {
            told.fact("skills", skills.len());
            let is_whole = |skill: &Value| {
                ["id", "name", "description"].iter().all(|name| said(skill, name).is_some())
                    && skill.get("tags").is_some_and(Value::is_array)
            };
            if !skills.iter().all(is_whole) {
                told.wrong("a skill lacks `id`, `name`, `description` or `tags`");
            }
        }
        None => told.wrong("`skills` is missing"),
    }
    let extensions = value.pointer("/capabilities/extensions").and_then(Value::as_array);
    for extension in extensions.into_iter().flatten().take(EXPLAINED_LIST_COUNT_MAX) {
        let uri = said(extension, "uri").unwrap_or("?");
        let is_required = extension.get("required").and_then(Value::as_bool) == Some(true);
        if uri == PRICES {
            prices(&mut told, extension.get("params"));
        } else if PAYING.iter().any(|end| uri.ends_with(end)) {
            told.fact("asks for money by", if is_required { "x402, always" } else { "x402" });
        } else if is_required {
            told.fact("demands the extension", uri);
        }
    }
    match value.get("signatures").and_then(Value::as_array).map_or(0, Vec::len) {
        0 => told.wrong("it is not signed: whoever serves the address can be anybody"),
        count => told.fact("signatures, not checked", count),
    }
    Some(told)
}

/// The prices of skills, where a card of ours names them.
fn prices(told: &mut Explained, params: Option<&Value>) {
    let text = |value: &Value, name: &str| said(value, name).unwrap_or("?").to_owned();
    let network = params.map_or_else(|| "?".to_owned(), |params| text(params, "network"));
    told.next = "Prices are said in words of the card's; what is paid is the signed bill in the task.";
    let skills = params.and_then(|params| params.get("skills")).and_then(Value::as_object);
    for (skill, price) in skills.into_iter().flatten().take(EXPLAINED_LIST_COUNT_MAX) {
        let bound = if said(price, "capture") == Some("exact") { Bound::Exactly } else { Bound::AtMost };
        told.cost(Cost {
            amount: format!("{} smallest units of {}", text(price, "amount"), text(price, "asset")),
            bound,
            way: format!("skill {skill}: x402 in a task, on {network}"),
            payer: if network.starts_with("toll:") { Payer::Tollbridge } else { Payer::Others },
        });
    }
}

fn interface(told: &mut Explained, each: &Value) {
    let url = said(each, "url").unwrap_or("?");
    let binding = said(each, "protocolBinding").unwrap_or("?");
    let version = said(each, "protocolVersion").unwrap_or("?");
    told.fact("called by", format!("{binding} {version} at {url}"));
    if !BINDINGS.contains(&binding) {
        told.wrong(format!("`protocolBinding` `{binding}` is none of A2A 1.0"));
    }
    if !version.starts_with("1.") {
        told.wrong(format!("`protocolVersion` is `{version}`, and not 1.0"));
    }
    in_the_open(told, url);
}

/// A card of the versions before 1.0, which had one address at the top.
fn older_agent(value: &Value) -> Explained {
    let mut told = Explained::new("an agent's card of A2A before 1.0");
    told.fact_if_any("name", said(value, "name"));
    told.fact_if_any("called at", said(value, "url"));
    told.fact_if_any("version of the protocol", said(value, "protocolVersion"));
    told.wrong("clients of A2A 1.0 look for `supportedInterfaces` and find no way to call it");
    told
}

/// The profile of a shop (UCP).
pub(super) fn commerce(value: &Value) -> Option<Explained> {
    let profile = value.get("ucp")?;
    profile.get("services").or_else(|| profile.get("capabilities"))?;
    let mut told = Explained::new("a shop's profile (UCP)");
    match said(profile, "version") {
        Some(version) => told.fact("version", version),
        None => told.wrong("`ucp.version` is missing"),
    }
    for (name, label) in
        [("services", "service"), ("capabilities", "capability"), ("payment_handlers", "is paid by")]
    {
        let names = profile.get(name).and_then(Value::as_object);
        for each in names.into_iter().flat_map(|names| names.keys()).take(EXPLAINED_LIST_COUNT_MAX) {
            told.fact(label, each);
        }
    }
    let services = profile.get("services").and_then(Value::as_object);
    let endpoints = services.into_iter().flat_map(|services| services.values()).filter_map(Value::as_array);
    for endpoint in
        endpoints.flatten().filter_map(|each| said(each, "endpoint")).take(EXPLAINED_LIST_COUNT_MAX)
    {
        in_the_open(&mut told, endpoint);
    }
    if value.get("keys").is_none() {
        told.wrong(match value.get("signing_keys") {
            Some(_) => {
                "its keys are under `signing_keys`, which newer clients do not read: `keys` is missing"
            }
            None => "`keys` is missing: nobody can check what it signs",
        });
    }
    Some(told)
}

/// A description of an API whose operations name their prices in the `Payment` scheme.
pub(super) fn discovery(value: &Value) -> Option<Explained> {
    said(value, "openapi")?;
    let paths = value.get("paths").and_then(Value::as_object)?;
    let mut told = Explained::new("a description of an API (OpenAPI)");
    told.fact_if_any("name", value.pointer("/info/title").and_then(Value::as_str));
    told.fact("paths", paths.len());
    let operations = paths.iter().flat_map(|(path, item)| {
        let operations = item.as_object().into_iter().flatten();
        operations.map(move |(method, operation)| (path, method, operation))
    });
    let mut priced = 0;
    for (path, method, operation) in operations {
        let Some(info) = operation.get("x-payment-info") else { continue };
        let place = format!("{} {path}", method.to_ascii_uppercase());
        priced += 1;
        if operation.pointer("/responses/402").is_none() {
            told.wrong(format!("{place} has a price and no answer 402"));
        }
        match info.get("offers").and_then(Value::as_array) {
            Some(offers) if !offers.is_empty() => {
                let room = EXPLAINED_LIST_COUNT_MAX.saturating_sub(told.costs.len());
                offers.iter().take(room).for_each(|offer| told.cost(offered(&place, offer)));
            }
            Some(_) | None => told.wrong(format!("{place} has a price without `offers`")),
        }
    }
    told.fact("operations with a price", priced);
    if priced == 0 {
        told.next = "It names no prices; a 402 may still.";
    }
    Some(told)
}

fn offered(place: &str, offer: &Value) -> Cost {
    let text = |name| said(offer, name).unwrap_or("?");
    let is_ours = text("method") == mpp::METHOD;
    let unit = if is_ours && text("intent") == Intent::Session.as_str() {
        "billionths of the smallest unit"
    } else {
        "smallest units"
    };
    let amount = match offer.get("amount") {
        Some(Value::String(amount)) => format!("{amount} {unit} of {}", text("currency")),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) | None => {
            "an amount that depends on the request".to_owned()
        }
    };
    let method = text("method");
    Cost {
        amount,
        bound: Bound::Exactly,
        way: format!("{place}: `Payment` scheme, `{}` by `{method}`", text("intent")),
        payer: if is_ours { Payer::Tollbridge } else { Payer::Others },
    }
}

/// Whether a call goes unencrypted over a network.
fn in_the_open(told: &mut Explained, url: &str) {
    let rest = url.strip_prefix("http://").unwrap_or_default();
    let is_here = ["localhost", "127.0.0.1", "[::1]"].iter().any(|host| {
        rest.strip_prefix(host).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
    });
    if url.starts_with("http://") && !is_here {
        told.wrong(format!("calls to `{url}` are not encrypted"));
    }
}
