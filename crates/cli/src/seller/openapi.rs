//! What an OpenAPI description says can be called, and what we would ask for it.

use crate::exit::{Failure, Outcome};
use gateway::Pattern;
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use url::Url;

/// The longest description that is read, in bytes.
const DESCRIPTION_BYTES_LONGEST: u64 = 64 * 1_024 * 1_024;

/// The most operations that are priced: what a gateway takes.
const OPERATIONS_MOST: usize = gateway::limits::ROUTE_COUNT_MAX;

/// The rule, as it stands in the price list.
pub(crate) const RULE: &str = "\
#   free     GET of a path that ends in health, healthz, live, livez, ready, readyz, ping, status, version,
#            openapi.json, openapi.yaml, docs, robots.txt or favicon.ico
#   a read   any other GET, and a POST of a path that ends in search, query, lookup or count
#   a write  everything else; it costs ten times a read";

const HEALTH: &[&str] = &[
    "health",
    "healthz",
    "live",
    "livez",
    "ready",
    "readyz",
    "ping",
    "status",
    "version",
    "openapi.json",
    "openapi.yaml",
    "docs",
    "robots.txt",
    "favicon.ico",
];

const ASKS: &[&str] = &["search", "query", "lookup", "count"];

const METHODS: &[&str] = &["get", "post", "put", "patch", "delete"];

/// What kind of thing an operation is, by the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Read,
    Write,
    Health,
}

impl Kind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Kind::Read => "read",
            Kind::Write => "write",
            Kind::Health => "free",
        }
    }

    fn of(method: &str, path: &str) -> Kind {
        let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
        match method {
            "GET" if HEALTH.contains(&&*last) => Kind::Health,
            "GET" => Kind::Read,
            "POST" if ASKS.contains(&&*last) => Kind::Read,
            _ => Kind::Write,
        }
    }
}

/// What we would ask for one operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Suggestion {
    /// In capitals.
    pub(crate) method: String,
    /// From the root of the host.
    pub(crate) path: String,
    pub(crate) kind: Kind,
    pub(crate) summary: String,
    pub(crate) content_types: Vec<String>,
    /// Why it cannot be sold, if so.
    pub(crate) left_out: Option<String>,
}

/// Reads a description, in JSON or YAML, and suggests.
pub(crate) fn read(path: &Path) -> Outcome<Vec<Suggestion>> {
    let named =
        |why: &dyn std::fmt::Display| Failure::usage(format!("description `{}`: {why}", path.display()));
    let mut text = String::new();
    let file = File::open(path).map_err(|fault| named(&fault))?;
    file.take(DESCRIPTION_BYTES_LONGEST).read_to_string(&mut text).map_err(|fault| named(&fault))?;
    let description: Value = match text.trim_start().starts_with('{') {
        true => serde_json::from_str(&text).map_err(|fault| named(&fault))?,
        false => serde_saphyr::from_str(&text).map_err(|fault| named(&fault))?,
    };
    let suggestions = suggest(&description).map_err(|why| named(&why))?;
    if OPERATIONS_MOST < suggestions.len() {
        return Err(named(&format!("it has more than {OPERATIONS_MOST} operations")));
    }
    Ok(suggestions)
}

fn suggest(description: &Value) -> Result<Vec<Suggestion>, String> {
    let paths = description.get("paths").and_then(Value::as_object).ok_or("it has no `paths`")?;
    let base = base(description);
    let mut seen = HashSet::new();
    let mut suggestions = Vec::new();
    for (path, item) in paths {
        for method in METHODS {
            let Some(operation) = item.get(method).and_then(Value::as_object) else { continue };
            let path = format!("{base}{path}");
            let method = method.to_ascii_uppercase();
            let is_new = seen.insert((method.clone(), shape(&path)));
            let left_out = match Pattern::parse(&path) {
                Err(why) => Some(why),
                Ok(_) if path.len() > 150 => Some("the path is too long to name what is sold".to_owned()),
                Ok(_) if !is_new => Some("another operation has the same paths".to_owned()),
                Ok(_) => None,
            };
            suggestions.push(Suggestion {
                kind: Kind::of(&method, &path),
                summary: summary(operation),
                content_types: content_types(operation),
                left_out,
                method,
                path,
            });
        }
    }
    if suggestions.is_empty() {
        return Err("it has no operation that could be sold".to_owned());
    }
    Ok(suggestions)
}

/// The path that all paths begin with: that of the first server.
fn base(description: &Value) -> String {
    let Some(url) = description.pointer("/servers/0/url").and_then(Value::as_str) else {
        return String::new();
    };
    let path = match Url::parse(url) {
        Ok(url) => url.path().to_owned(),
        Err(_) if url.starts_with('/') => url.to_owned(),
        Err(_) => String::new(),
    };
    path.trim_end_matches('/').to_owned()
}

/// Two paths with the same shape are for the same requests.
fn shape(path: &str) -> String {
    let parts = path.trim_end_matches('/').split('/');
    parts
        .map(|part| if part.starts_with('{') { "{}".to_owned() } else { part.to_lowercase() })
        .collect::<Vec<_>>()
        .join("/")
}

fn summary(operation: &Map<String, Value>) -> String {
    let text = operation.get("summary").and_then(Value::as_str).unwrap_or_default();
    let line = text.lines().next().unwrap_or_default().trim();
    line.chars().filter(|c| !c.is_control()).take(200).collect()
}

fn content_types(operation: &Map<String, Value>) -> Vec<String> {
    let body = operation.get("requestBody");
    let is_required = body.and_then(|body| body.get("required")).and_then(Value::as_bool).unwrap_or(false);
    let content = body.and_then(|body| body.get("content")).and_then(Value::as_object);
    let kinds = content.filter(|_| is_required).into_iter().flat_map(Map::keys);
    let kinds: Vec<String> =
        kinds.map(|kind| kind.split(';').next().unwrap_or_default().trim().to_owned()).collect();
    // A range such as `image/*` is no kind that a request can have.
    if kinds.iter().any(|kind| kind.contains('*')) { Vec::new() } else { kinds }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn operations_are_reads_writes_or_health() {
        let description = json!({
            "openapi": "3.1.0",
            "servers": [{"url": "https://api.example/v1/"}],
            "paths": {
                "/items": {"get": {"summary": "List\nthem"}, "post": {"requestBody": {"required": true, "content": {"application/json; charset=utf-8": {}}}}, "parameters": []},
                "/items/{id}": {"delete": {}, "head": {}},
                "/items/{other}": {"delete": {}},
                "/search": {"post": {}},
                "/healthz": {"get": {}},
                "/a.{format}": {"get": {}},
                "/file": {"put": {"requestBody": {"required": true, "content": {"image/*": {}}}}}
            }
        });
        let found: Vec<String> = suggest(&description)
            .unwrap()
            .iter()
            .map(|it| {
                let out = if it.left_out.is_some() { " left out" } else { "" };
                format!(
                    "{} {} {}{out} [{}] {}",
                    it.method,
                    it.path,
                    it.kind.as_str(),
                    it.content_types.join(","),
                    it.summary
                )
            })
            .collect();
        let mut expected = [
            "GET /v1/items read [] List",
            "POST /v1/items write [application/json] ",
            "DELETE /v1/items/{id} write [] ",
            "DELETE /v1/items/{other} write left out [] ",
            "POST /v1/search read [] ",
            "GET /v1/healthz free [] ",
            "GET /v1/a.{format} read left out [] ",
            "PUT /v1/file write [] ",
        ];
        let mut found: Vec<&str> = found.iter().map(String::as_str).collect();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected);
        for (nothing, why) in [(json!({}), "no `paths`"), (json!({"paths": {}}), "no operation")] {
            assert!(suggest(&nothing).unwrap_err().contains(why));
        }
    }
}
