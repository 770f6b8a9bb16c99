//! Serving: connections with limits on everything that a stranger chooses, the outbox beside them, and an orderly end.

use crate::gateway::{Gateway, Inner};
use crate::limits::{CLOCK_REST, CONNECTION_COUNT_MAX, HEADER_TIMEOUT, KEY_REFRESH_REST, SHUTDOWN_TIMEOUT};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

impl Inner {
    /// Asks for the payment service's key, and goes on asking for the time where a test book's clock may be put forward.
    async fn keep_time(self: Arc<Inner>) {
        loop {
            let known = self.service.ask(&self.client).await;
            if known && self.livemode {
                return;
            }
            tokio::time::sleep(if known { CLOCK_REST } else { KEY_REFRESH_REST }).await;
        }
    }
}

/// Answers requests until `shutdown` is done, then finishes those under way and tells the payment service what is left.
///
/// # Errors
/// Any failure of the listener that lasts.
pub async fn serve(
    listener: TcpListener,
    gateway: Gateway,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    builder.http2().timer(TokioTimer::new());
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(CONNECTION_COUNT_MAX));
    // Whatever was spawned ends with this future: a gateway that is dropped does nothing more.
    let mut tasks = JoinSet::new();
    tasks.spawn(Arc::clone(&gateway.0).tell_always());
    tasks.spawn(Arc::clone(&gateway.0).keep_time());
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        while tasks.try_join_next().is_some() {}
        let place = Arc::clone(&places).acquire_owned().await.expect("nobody closes the semaphore");
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
        // A connection that cannot be hurried is slow, and works.
        let _slow = stream.set_nodelay(true);
        let inner = Arc::clone(&gateway.0);
        let service = service_fn(move |request| {
            let inner = Arc::clone(&inner);
            async move { Ok::<_, Infallible>(inner.answer(request).await) }
        });
        let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
        let watched = graceful.watch(connection);
        tasks.spawn(async move {
            // What goes wrong on a connection is its peer's to know.
            let _ended = watched.await;
            drop(place);
        });
    }
    drop(listener);
    let _late = tokio::time::timeout(SHUTDOWN_TIMEOUT, graceful.shutdown()).await;
    let _untold = tokio::time::timeout(SHUTDOWN_TIMEOUT, gateway.settle()).await;
    Ok(())
}
