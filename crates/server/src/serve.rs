//! Serving: connections with limits on everything that a stranger chooses, and an orderly end.

use crate::edge;
use crate::limits::{
    BODY_SECONDS_MAX, CONNECTIONS_MAX, DRAIN_SECONDS_MAX, HEAD_BYTES_MAX, HEAD_SECONDS_MAX, HEADERS_MAX,
};
use crate::openapi::api;
use crate::state::App;
use axum::Router;
use axum::middleware::from_fn_with_state;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

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
pub fn router(app: App) -> Router {
    let (routes, _) = api();
    routes
        .fallback(edge::not_found)
        .method_not_allowed_fallback(edge::method_not_allowed)
        .layer(from_fn_with_state(app.clone(), edge::wrap))
        .with_state(app)
}

/// Answers requests until `shutdown` is done, then finishes those under way.
///
/// # Errors
/// Any failure of the listener that lasts.
pub async fn serve(listener: TcpListener, app: App, shutdown: impl Future<Output = ()>) -> io::Result<()> {
    let patience = app.patience;
    let router = router(app);
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(patience.head)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .pipeline_flush(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(HEAD_BYTES_MAX).expect("64 KiB fit"))
        .max_concurrent_streams(256);
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let place = places.clone().acquire_owned().await.expect("nobody closes the semaphore");
        let stream = tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(fault) => {
                    // Out of files, or a peer that is gone already: others are served, and this passes.
                    tracing::warn!(%fault, "a connection was not accepted");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    continue;
                }
            },
        };
        stream.set_nodelay(true)?;
        let service = TowerToHyperService::new(router.clone());
        let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
        let watched = graceful.watch(connection);
        tokio::spawn(async move {
            // What goes wrong on a connection is its peer's to know.
            let _ = watched.await;
            drop(place);
        });
    }
    let drain = Duration::from_secs(DRAIN_SECONDS_MAX);
    let _ = tokio::time::timeout(drain, graceful.shutdown()).await;
    Ok(())
}
