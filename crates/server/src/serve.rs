//! Serving: every route, behind limits on everything that a stranger chooses.

use crate::edge;
use crate::limits::{
    BODY_SECONDS_MAX, CONNECTIONS_MAX, DRAIN_SECONDS_MAX, HEAD_BYTES_MAX, HEAD_SECONDS_MAX, HEADERS_MAX,
};
use crate::openapi::api;
use crate::state::App;
use axum::Router;
use axum::middleware::from_fn_with_state;
use hyper_util::service::TowerToHyperService;
use listen::Limits;
use std::future::Future;
use std::time::Duration;
use tokio::net::TcpListener;

/// How long strangers may take over a request.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Over its head.
    pub head: Duration,
    /// Over its body.
    pub body: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience { head: Duration::from_secs(HEAD_SECONDS_MAX), body: Duration::from_secs(BODY_SECONDS_MAX) }
    }
}

/// Every route of the server.
pub fn router(app: App, pages: Router) -> Router {
    let (routes, _) = api();
    routes
        .with_state(app.clone())
        .merge(pages)
        .fallback(edge::not_found)
        .method_not_allowed_fallback(edge::method_not_allowed)
        .layer(from_fn_with_state(app, edge::wrap))
}

/// Answers requests, for the API and for `pages` beside it, until `shutdown` is done, then finishes those under way.
pub async fn serve(listener: TcpListener, app: App, pages: Router, shutdown: impl Future<Output = ()>) {
    let limits = Limits {
        head_timeout: app.patience.head,
        head_bytes_max: HEAD_BYTES_MAX,
        header_count_max: HEADERS_MAX,
        connection_count_max: CONNECTIONS_MAX,
        shutdown_timeout: Duration::from_secs(DRAIN_SECONDS_MAX),
    };
    listen::serve(listener, limits, TowerToHyperService::new(router(app, pages)), shutdown).await;
}
