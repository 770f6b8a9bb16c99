//! Where the booth is reached: by one client over standard input and output, or by anybody over streamable HTTP, where the same
//! tools are also sold as plain requests.

use super::{Booth, Clients};
use crate::http::{LIMITS, hosts_of};
use crate::limits::REQUEST_BYTES_MAX;
use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use hyper_util::service::TowerToHyperService;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tower::ServiceExt;

/// The path at which clients of MCP ask.
pub const PATH: &str = "/mcp";

type Service = StreamableHttpService<Booth, LocalSessionManager>;

/// The routes of a booth. They need no token: what is free is free for all, and what is not is paid for.
pub fn router(booth: Booth) -> Router {
    let config = StreamableHttpServerConfig::default()
        .with_allowed_hosts(hosts_of(booth.0.gateway.public_url()))
        .enforce_origin_validation()
        .with_legacy_session_mode(false)
        // So that how a call gets on is told while it does.
        .with_json_response(false)
        .with_max_request_body_bytes(REQUEST_BYTES_MAX);
    let till = booth.0.till.clone();
    let booth = booth.for_clients(Clients::Many);
    let service = Service::new(move || Ok(booth.clone()), Arc::new(LocalSessionManager::default()), config);
    Router::new().route(PATH, any(answer)).with_state(service).fallback(move |request: Request| {
        let till = till.clone();
        async move { Ok::<_, Infallible>(till.oneshot(request).await.unwrap_or_else(|never| match never {})) }
    })
}

/// Answers requests until `shutdown` is done, then finishes those under way and tells the payment service what is left.
pub async fn serve(listener: TcpListener, booth: Booth, shutdown: impl Future<Output = ()>) {
    let gateway = booth.0.gateway.clone();
    let routes = router(booth);
    beside(gateway, listen::serve(listener, LIMITS, TowerToHyperService::new(routes), shutdown)).await;
}

/// Serves one client over its streams until it goes.
///
/// # Errors
/// [`crate::stdio::NotServed`].
pub async fn serve_one(
    booth: Booth,
    streams: (
        impl tokio::io::AsyncRead + Send + Unpin + 'static,
        impl tokio::io::AsyncWrite + Send + Unpin + 'static,
    ),
) -> Result<(), crate::stdio::NotServed> {
    let gateway = booth.0.gateway.clone();
    beside(gateway, crate::stdio::serve(booth.for_clients(Clients::One), streams)).await
}

/// Serves while the gateway tells the payment service how deliveries ended.
async fn beside<T>(gateway: gateway::Gateway, serving: impl Future<Output = T>) -> T {
    let mut running = JoinSet::new();
    running.spawn(gateway.clone().run());
    let served = serving.await;
    drop(running);
    if let Err(fault) = gateway.settle().await {
        tracing::error!(%fault, "what is left could not be told; it is told at the next start");
    }
    served
}

async fn answer(State(service): State<Service>, request: Request) -> Response {
    service.handle(request).await.map(axum::body::Body::new)
}
