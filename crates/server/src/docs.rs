//! The page about the API, for people: no scripts, nothing fetched, readable on a phone and in the dark.

use crate::codes;
use crate::openapi::api;
use std::fmt::Write;
use std::sync::OnceLock;
use utoipa::openapi::path::Operation;

const STYLE: &str = "
:root { color-scheme: light dark; --line: #8884; --soft: #8881 }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem; overflow-wrap: anywhere }
h1 { font-size: 1.6rem } h2 { border-bottom: 1px solid var(--line); margin-top: 2.5rem; text-transform: capitalize }
section { border: 1px solid var(--line); border-radius: .5rem; margin: .75rem 0; padding: .5rem .75rem }
h3 { font: 600 1rem/1.4 ui-monospace, monospace; margin: 0 } p { margin: .25rem 0 }
b.verb { background: var(--soft); border-radius: .25rem; margin-right: .5rem; padding: .1rem .4rem }
dl { display: grid; gap: .1rem .75rem; grid-template-columns: max-content 1fr; font-size: .875rem; margin: .5rem 0 0 }
dt { font-family: ui-monospace, monospace } dd { margin: 0 }
@media (max-width: 30rem) { dl { grid-template-columns: 1fr } dd { padding-left: 1rem } }
";

/// The page.
pub fn page() -> &'static str {
    static PAGE: OnceLock<String> = OnceLock::new();
    PAGE.get_or_init(write_page)
}

fn write_page() -> String {
    let (_, api) = api();
    let mut operations: Vec<(String, &str, String, &Operation)> = Vec::new();
    for (path, item) in &api.paths.paths {
        let verbs = [("GET", &item.get), ("POST", &item.post), ("PUT", &item.put)];
        for (verb, operation) in verbs {
            if let Some(operation) = operation {
                let tag = operation.tags.as_ref().and_then(|tags| tags.first().cloned()).unwrap_or_default();
                operations.push((tag, verb, path.clone(), operation));
            }
        }
    }
    operations.sort_by(|a, b| (&a.0, &a.2, a.1).cmp(&(&b.0, &b.2, b.1)));
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\"><title>Tollbridge API</title><style>{STYLE}</style>\
         <h1>Tollbridge API {}</h1><p>{}</p><p>The whole description: <a href=\"/openapi.json\">openapi.json</a>. \
         <a href=\"#codes\">Codes</a>.</p>",
        escape(&api.info.version),
        escape(api.info.description.as_deref().unwrap_or_default())
    );
    let mut tag = "";
    for (of, verb, path, operation) in &operations {
        if of != tag {
            add(&mut page, format_args!("<h2>{}</h2>", escape(of)));
            tag = of;
        }
        add_operation(&mut page, verb, path, operation);
    }
    page.push_str("<h2 id=\"codes\">Codes</h2><dl>");
    for code in codes::all() {
        let (name, detail) = (escape(code.code), escape(code.detail));
        add(&mut page, format_args!("<dt id=\"{name}\">{name} · {}</dt><dd>{detail}</dd>", code.status));
    }
    page.push_str("</dl></html>");
    page
}

fn add_operation(page: &mut String, verb: &str, path: &str, operation: &Operation) {
    let name = operation.operation_id.as_deref().unwrap_or_default();
    let summary = operation.summary.as_deref().unwrap_or_default();
    let more = operation.description.as_deref().unwrap_or_default();
    add(
        page,
        format_args!(
            "<section id=\"{}\"><h3><b class=\"verb\">{verb}</b>{}</h3><p>{}</p><p>{}</p><dl>",
            escape(name),
            escape(path),
            escape(summary),
            escape(more)
        ),
    );
    for (status, response) in
        operation.responses.responses.iter().filter(|(status, _)| status.starts_with('2'))
    {
        let description = match response {
            utoipa::openapi::RefOr::T(response) => response.description.as_str(),
            utoipa::openapi::RefOr::Ref(_) => "",
        };
        add(page, format_args!("<dt>{}</dt><dd>{}</dd>", escape(status), escape(description)));
    }
    page.push_str("</dl></section>");
}

fn add(page: &mut String, text: std::fmt::Arguments<'_>) {
    page.write_fmt(text).expect("a string takes everything");
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
