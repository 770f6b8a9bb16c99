//! Streamable HTTP: one address, and nobody gets to it without a token for it.
//!
//! Each request is looked at by itself, before anything of its body is read: for which host it is, from which page it comes,
//! and whose token it brings. There are no sessions that anybody could take over.

mod bearer;
mod config;
mod gate;

pub use bearer::{Bearer, NotABearer};
pub use config::{Config, ConfigFault, Principal};
pub use gate::{Gate, Granted, Issuer, KeySet, Keys, NotAnIssuer};

use crate::limits::{
    CONNECTIONS_MAX, DRAIN_TIMEOUT, HEAD_BYTES_MAX, HEAD_TIMEOUT, HEADERS_MAX, REQUEST_BYTES_MAX,
};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use gate::Passed;
use http::{HeaderValue, StatusCode, header};
use hyper_util::service::TowerToHyperService;
use listen::Limits;
use protocols::sabotage::{Sabotage, has};
use rmcp::ServerHandler;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::json;
use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use tokio::net::TcpListener;
use url::Url;

/// What strangers may do to the listener.
pub(crate) const LIMITS: Limits = Limits {
    head_timeout: HEAD_TIMEOUT,
    head_bytes_max: HEAD_BYTES_MAX,
    header_count_max: HEADERS_MAX,
    connection_count_max: CONNECTIONS_MAX,
    shutdown_timeout: DRAIN_TIMEOUT,
};

/// Whether clients of revisions before 2026-07-28 get sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sessions {
    /// No: every request stands for itself.
    None,
    /// Yes, each for the principal that opened it: for servers that ask their clients something.
    Kept,
}

/// Where the server is, who may ask it, and what it is to each of them.
#[derive(Debug)]
pub struct Front<H> {
    /// The address that clients and tokens name.
    pub resource: Url,
    /// Web pages that may ask, by origin.
    pub origins: Vec<String>,
    /// Whose requests are let in.
    pub gate: Gate,
    /// What answers each principal.
    pub handlers: HashMap<String, H>,
    /// Whether old clients get sessions.
    pub sessions: Sessions,
}

struct House<H> {
    resource: Url,
    hosts: Vec<String>,
    origins: Vec<String>,
    gate: Gate,
    services: HashMap<String, StreamableHttpService<H, LocalSessionManager>>,
}

/// The routes of a front.
pub fn router<H: ServerHandler + Clone>(front: Front<H>) -> Router {
    let path = match front.resource.path() {
        "/" => "/mcp".to_owned(),
        path => path.trim_end_matches('/').to_owned(),
    };
    let hosts = hosts_of(&front.resource);
    let services = front.handlers.into_iter().map(|(principal, handler)| {
        let config = StreamableHttpServerConfig::default()
            .with_allowed_hosts(hosts.clone())
            .with_allowed_origins(front.origins.clone())
            .enforce_origin_validation()
            .with_legacy_session_mode(front.sessions == Sessions::Kept)
            .with_json_response(true)
            .with_max_request_body_bytes(REQUEST_BYTES_MAX);
        let config = match has(Sabotage::AnyHost) {
            true => config.disable_allowed_hosts().disable_allowed_origins(),
            false => config,
        };
        // Sessions are kept apart for each principal, so that nobody goes on with another one's.
        let sessions = Arc::new(LocalSessionManager::default());
        (principal, StreamableHttpService::new(move || Ok(handler.clone()), sessions, config))
    });
    let services = services.collect();
    let house = House { resource: front.resource, hosts, origins: front.origins, gate: front.gate, services };
    const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";
    Router::new()
        .route(&path, any(answer))
        .route(WELL_KNOWN, get(metadata))
        .route(&format!("{WELL_KNOWN}{path}"), get(metadata))
        .with_state(Arc::new(house))
}

/// Answers requests until `shutdown` is done, then finishes those under way.
pub async fn serve(listener: TcpListener, routes: Router, shutdown: impl Future<Output = ()>) {
    listen::serve(listener, LIMITS, TowerToHyperService::new(routes), shutdown).await;
}

async fn answer<H: ServerHandler + Clone>(
    State(house): State<Arc<House<H>>>,
    mut request: Request,
) -> Response {
    if !house.is_at_home(&request) {
        return refused(StatusCode::FORBIDDEN, "not asked for from there", None);
    }
    let passed = house.gate.pass(request.headers(), &house.resource).await;
    let Passed { principal, granted } = match passed {
        Ok(passed) => passed,
        Err(refusal) => {
            let challenge = refusal.challenge(&house.resource, house.gate.has_issuer());
            return refused(refusal.status(), refusal.in_words(), Some(challenge));
        }
    };
    let Some(service) = house.services.get(&principal) else {
        return refused(StatusCode::FORBIDDEN, "nobody here is known by this token", None);
    };
    // The token ends here: nothing behind this gets to see it, and nothing is ever sent on with it.
    request.headers_mut().remove(header::AUTHORIZATION);
    request.extensions_mut().insert(granted);
    service.handle(request).await.map(Body::new)
}

async fn metadata<H: ServerHandler + Clone>(
    State(house): State<Arc<House<H>>>,
    request: Request,
) -> Response {
    if !house.is_at_home(&request) {
        return refused(StatusCode::FORBIDDEN, "not asked for from there", None);
    }
    match house.gate.metadata(&house.resource) {
        Some(metadata) => axum::Json(metadata).into_response(),
        None => refused(StatusCode::NOT_FOUND, "there is no issuer", None),
    }
}

impl<H> House<H> {
    /// Whether a request is for our address, and from no page that is not let in: a name that somebody points at this
    /// machine is not ours.
    fn is_at_home(&self, request: &Request) -> bool {
        let named = request.headers().get(header::HOST).and_then(|value| value.to_str().ok());
        if has(Sabotage::AnyHost) {
            return true;
        }
        let host = request.uri().authority().map(|authority| authority.as_str()).or(named);
        let is_ours = host.is_some_and(|host| self.hosts.iter().any(|ours| ours.eq_ignore_ascii_case(host)));
        let mut origins = request.headers().get_all(header::ORIGIN).iter();
        is_ours && origins.all(|origin| self.origins.iter().any(|ours| ours.as_bytes() == origin.as_bytes()))
    }
}

/// How our address is written in `Host`.
pub(crate) fn hosts_of(resource: &Url) -> Vec<String> {
    let host = resource.host_str().unwrap_or_default();
    let with_port = |host: &str| match resource.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    let is_loopback = matches!(host, "127.0.0.1" | "localhost" | "[::1]");
    match is_loopback {
        true => ["127.0.0.1", "localhost", "[::1]"].map(with_port).to_vec(),
        false => vec![with_port(host)],
    }
}

fn refused(status: StatusCode, detail: &str, challenge: Option<String>) -> Response {
    let mut answer = (status, axum::Json(json!({"error": detail}))).into_response();
    if let Some(value) = challenge.and_then(|challenge| HeaderValue::try_from(challenge).ok()) {
        answer.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    }
    answer
}
