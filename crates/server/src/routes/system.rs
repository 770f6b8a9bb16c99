//! Health, metrics, the description of the API, and the clock of test books.

use crate::answer::json;
use crate::auth::Kind;
use crate::codes::Edge;
use crate::convert::time_text;
use crate::problem::{Answered, Problem};
use crate::request::Call;
use crate::state::App;
use crate::{docs, openapi};
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use book::Time;
use evidence::{Secret, base64url};
use http::{HeaderValue, StatusCode, header};
use std::sync::PoisonError;
use wire::account::{Advance, ClockTime};
use wire::limits::ADVANCE_SECONDS_MAX;

/// Whether the process runs.
#[utoipa::path(get, path = "/healthz", tag = "system", security(()),
    responses((status = 200, description = "It does", body = String, content_type = "text/plain")))]
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether requests can be answered: the book is open, and what is read from keeps up.
#[utoipa::path(get, path = "/readyz", tag = "system", security(()),
    responses((status = 200, description = "They can", body = String, content_type = "text/plain")))]
pub async fn readyz(State(app): State<App>) -> Answered<&'static str> {
    // An empty unit passes the writer and changes nothing.
    let ticket = app.engine.submit(Vec::new()).map_err(|_| Problem::from(Edge::NotReady))?;
    ticket.await.map_err(|_| Problem::from(Edge::NotReady))?;
    Ok("ready\n")
}

/// Counters, in the text format of OpenMetrics. For the operator, or for whoever shows the token for reading them.
#[utoipa::path(get, path = "/metrics", tag = "system",
    responses((status = 200, description = "Metrics", body = String, content_type = "application/openmetrics-text")))]
pub async fn metrics(State(app): State<App>, call: Call) -> Answered<Response> {
    if !shows_token(&app, &call)? {
        app.caller(&call, &[Kind::Operator]).await?;
    }
    let positions = app.engine.positions();
    let positions = positions.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let mut response = app.metrics.text(app.engine.size(), &positions).into_response();
    let kind = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(response)
}

fn shows_token(app: &App, call: &Call) -> Answered<bool> {
    let Some(expected) = &app.metrics_token else { return Ok(false) };
    let shown = call
        .one_header(&header::AUTHORIZATION)?
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "))
        .and_then(base64url::decode)
        .and_then(|bytes| bytes.try_into().ok())
        .map(Secret::new);
    Ok(shown.is_some_and(|shown| shown == *expected))
}

/// This description.
#[utoipa::path(get, path = "/openapi.json", tag = "system", security(()),
    responses((status = 200, description = "OpenAPI 3.1", body = String, content_type = "application/json")))]
pub async fn get_openapi() -> Response {
    let mut response = openapi::text().into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The same for people.
#[utoipa::path(get, path = "/docs", tag = "system", security(()),
    responses((status = 200, description = "A page", body = String, content_type = "text/html")))]
pub async fn get_docs() -> Response {
    let mut response = Html(docs::page()).into_response();
    let policy = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'");
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

/// Puts the clock of a test book forward.
#[utoipa::path(post, path = "/v1/clock/advance", tag = "system", request_body = Advance,
    responses((status = 200, description = "What time it is now", body = ClockTime)))]
pub async fn advance_clock(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, &[Kind::Operator]).await?;
    if app.livemode {
        return Err(Edge::LiveBook.into());
    }
    let Advance { seconds } = call.json()?;
    if seconds == 0 || ADVANCE_SECONDS_MAX < seconds {
        return Err(Problem::from(Edge::BodyMalformed).of("seconds"));
    }
    app.present(&caller).await?;
    app.clock.advance(Time::from_seconds(seconds).0);
    let time = ClockTime { now: time_text(app.clock.now()), livemode: app.livemode };
    Ok(json(StatusCode::OK, &time))
}
