//! The edge: what every request passes, whatever it asks for.
//!
//! It names the request, checks the version, bounds the time, catches what panics, and writes problems: only here is the
//! request's id known.

use crate::codes::Edge;
use crate::limits::REQUEST_SECONDS_MAX;
use crate::problem::Problem;
use crate::state::App;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use book::{Id, RequestId};
use futures_util::FutureExt;
use http::{HeaderName, HeaderValue, Method};
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};
use wire::version::{REQUEST_ID_HEADER, VERSION, VERSION_HEADER};

/// Wraps every request.
pub async fn wrap(State(app): State<App>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let request_id = RequestId(Id::new(app.wall_clock(), rand::random())).to_string();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());

    let response = match check_version(&request) {
        Ok(()) => run(&app, &request_id, &method, request, next).await,
        Err(problem) => problem.into_response(),
    };
    let mut response = match response.extensions().get::<Problem>() {
        Some(problem) => {
            let mut rendered = problem.render(&request_id, app.livemode);
            if let Some(allow) = response.headers().get(http::header::ALLOW) {
                rendered.headers_mut().insert(http::header::ALLOW, allow.clone());
            }
            rendered
        }
        None => response,
    };
    let headers = response.headers_mut();
    let request_id = HeaderValue::from_str(&request_id).expect("an id is ASCII");
    headers.insert(HeaderName::from_static(REQUEST_ID_HEADER), request_id);
    headers.insert(HeaderName::from_static(VERSION_HEADER), HeaderValue::from_static(VERSION));
    headers.insert(http::header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(http::header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    app.metrics.answered(
        route.as_deref().unwrap_or("none"),
        known(&method),
        response.status().as_u16(),
        began.elapsed(),
    );
    response
}

async fn run(app: &App, request_id: &str, method: &Method, request: Request, next: Next) -> Response {
    let handled = AssertUnwindSafe(next.run(request)).catch_unwind();
    match tokio::time::timeout(Duration::from_secs(REQUEST_SECONDS_MAX), handled).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => {
            app.metrics.panicked();
            tracing::error!(request_id, %method, "a request made the server panic");
            // It may have panicked behind the book.
            Problem::from(Edge::OutcomeUnknown).into_response()
        }
        Err(_) => Problem::from(Edge::OutcomeUnknown).into_response(),
    }
}

fn check_version(request: &Request) -> Result<(), Problem> {
    let mut versions = request.headers().get_all(VERSION_HEADER).iter();
    match (versions.next(), versions.next()) {
        (None, _) => Ok(()),
        (Some(version), None) if version == VERSION => Ok(()),
        (Some(_), _) => Err(Problem::from(Edge::VersionUnknown).of("Tollbridge-Version")),
    }
}

/// A method as a label: whoever invents methods makes no new rows of metrics.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::HEAD => "HEAD",
        _ => "other",
    }
}

/// The answer for addresses where nothing is.
pub async fn not_found() -> Problem {
    Edge::NotFound.into()
}

/// The answer for methods that an address does not take.
pub async fn method_not_allowed() -> Problem {
    Edge::MethodNotAllowed.into()
}
