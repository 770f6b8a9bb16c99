//! The binding of HTTP+JSON: the method in the path, and parameters in the query where there is no body.

use super::{Answer, REST_PATH, asker, body_of, call, is_json, said, stream, with_extensions};
use crate::agent::Agent;
use axum::extract::{Request, State};
use axum::response::Response;
use http::Method;
use http::request::Parts;
use protocols::a2a::call::parse;
use protocols::a2a::{Call, Fault, MEDIA_TYPE, VERSION_HEADER};
use serde_json::{Map, Value};
use url::form_urlencoded;

pub(super) async fn answer(State(agent): State<Agent>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let done = match asker(&parts) {
        Ok(asker) => match asked(&parts, body).await {
            Ok(asked) => call(&agent.0.desk, asker, asked).await,
            Err(fault) => Err(fault),
        },
        Err(fault) => Err(fault),
    };
    let answer = match done {
        Ok(Answer::Value(result)) => said(200, MEDIA_TYPE, &result),
        Ok(Answer::Stream(following, end)) => {
            stream::answer(following, end, |event| event.to_json().to_string())
        }
        Err(fault) => said(fault.http_code().0, MEDIA_TYPE, &fault.to_rest()),
    };
    with_extensions(&parts.headers, answer)
}

/// The call that a request is.
async fn asked(parts: &Parts, body: axum::body::Body) -> Result<Call, Fault> {
    let path = parts.uri.path().strip_prefix(REST_PATH).unwrap_or_default();
    let (method, id) = method_of(&parts.method, path).ok_or(Fault::Method)?;
    let mut params = match parts.method {
        Method::POST => {
            let body = body_of(body).await?;
            // Calls that name everything in their path may have none.
            if body.is_empty() && id.is_some() {
                Map::new()
            } else {
                if !is_json(&parts.headers, &[MEDIA_TYPE, "application/json"]) {
                    return Err(Fault::Request(format!("a body is `{MEDIA_TYPE}` or `application/json`")));
                }
                match parse(&body)? {
                    Value::Object(params) => params,
                    Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                        return Err(Fault::Request("a body is one object".to_owned()));
                    }
                }
            }
        }
        _ => params_of(parts.uri.query().unwrap_or_default()),
    };
    if let Some(id) = id {
        params.insert("id".to_owned(), id.into());
    }
    Call::of(method, Value::Object(params))
}

/// The method that a path stands for, and the task that it names.
fn method_of<'a>(method: &Method, path: &'a str) -> Option<(&'static str, Option<&'a str>)> {
    let (is_get, is_post) = (*method == Method::GET, *method == Method::POST);
    match path {
        "/message:send" if is_post => return Some(("SendMessage", None)),
        "/message:stream" if is_post => return Some(("SendStreamingMessage", None)),
        "/tasks" if is_get => return Some(("ListTasks", None)),
        "/extendedAgentCard" if is_get => return Some(("GetExtendedAgentCard", None)),
        _ => {}
    }
    let rest = path.strip_prefix("/tasks/").filter(|rest| !rest.is_empty())?;
    if let Some((id, below)) = rest.split_once('/') {
        let is_of_push = below == "pushNotificationConfigs" || below.starts_with("pushNotificationConfigs/");
        return is_of_push.then_some(("ListTaskPushNotificationConfigs", Some(id)));
    }
    match rest.rsplit_once(':') {
        Some((id, "cancel")) if is_post => Some(("CancelTask", Some(id))),
        Some((id, "subscribe")) if is_get || is_post => Some(("SubscribeToTask", Some(id))),
        Some(_) => None,
        None if is_get => Some(("GetTask", Some(rest))),
        None => None,
    }
}

/// The members of a query, which are texts, as the kinds that they stand for.
fn params_of(query: &str) -> Map<String, Value> {
    let members = form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| !name.eq_ignore_ascii_case(VERSION_HEADER));
    let members = members.map(|(name, value)| {
        let value = match (&*name, &*value) {
            ("includeArtifacts", "true") => Value::Bool(true),
            ("includeArtifacts", "false") => Value::Bool(false),
            (_, text) => Value::from(text),
        };
        (name.into_owned(), value)
    });
    members.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stands_for_one_method() {
        for (method, path, expected) in [
            ("POST", "/message:send", Some(("SendMessage", None))),
            ("POST", "/message:stream", Some(("SendStreamingMessage", None))),
            ("GET", "/tasks", Some(("ListTasks", None))),
            ("GET", "/tasks/a", Some(("GetTask", Some("a")))),
            ("POST", "/tasks/a:cancel", Some(("CancelTask", Some("a")))),
            ("GET", "/tasks/a:subscribe", Some(("SubscribeToTask", Some("a")))),
            ("POST", "/tasks/a:subscribe", Some(("SubscribeToTask", Some("a")))),
            (
                "DELETE",
                "/tasks/a/pushNotificationConfigs/b",
                Some(("ListTaskPushNotificationConfigs", Some("a"))),
            ),
            ("GET", "/extendedAgentCard", Some(("GetExtendedAgentCard", None))),
            ("GET", "/message:send", None),
            ("GET", "/tasks/a:cancel", None),
            ("DELETE", "/tasks/a", None),
            ("GET", "/tasks/", None),
            ("GET", "/tasks/a/b", None),
            ("GET", "/tenant/tasks", None),
            ("GET", "", None),
        ] {
            assert_eq!(method_of(&method.parse().unwrap(), path), expected, "{method} {path}");
        }
    }

    #[test]
    fn a_query_says_what_a_body_would() {
        let params = params_of("pageSize=5&includeArtifacts=true&contextId=a%20b&A2A-Version=1.0");
        assert_eq!(
            Value::Object(params),
            serde_json::json!({ "pageSize": "5", "includeArtifacts": true, "contextId": "a b" })
        );
    }
}
