//! Serving: requests behind limits on everything that a stranger chooses, and the outbox beside them.

use crate::gateway::Gateway;
use crate::limits::{
    CONNECTION_COUNT_MAX, HEAD_BYTES_MAX, HEADER_COUNT_MAX, HEADER_TIMEOUT, SHUTDOWN_TIMEOUT,
};
use hyper::service::service_fn;
use listen::Limits;
use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// Charges what a killed process left, answers requests until `shutdown` is done, finishes those under way, and tells the
/// payment service what is left.
///
/// Whatever it spawned ends with this future: a gateway that is dropped does nothing more.
pub async fn serve(listener: TcpListener, gateway: Gateway, shutdown: impl Future<Output = ()>) {
    if let Err(fault) = gateway.0.recover().await {
        tracing::error!(%fault, "calls that were cut by a crash are not charged");
    }
    let mut beside = JoinSet::new();
    beside.spawn(Arc::clone(&gateway.0).tell_always());
    let inner = Arc::clone(&gateway.0);
    beside.spawn(async move { inner.service.keep_time().await });
    let limits = Limits {
        head_timeout: HEADER_TIMEOUT,
        head_bytes_max: HEAD_BYTES_MAX,
        header_count_max: HEADER_COUNT_MAX,
        connection_count_max: CONNECTION_COUNT_MAX,
        shutdown_timeout: SHUTDOWN_TIMEOUT,
    };
    let inner = Arc::clone(&gateway.0);
    let service = service_fn(move |request| {
        let inner = Arc::clone(&inner);
        async move { Ok::<_, Infallible>(inner.answer(request).await) }
    });
    listen::serve(listener, limits, service, shutdown).await;
    let _untold = tokio::time::timeout(SHUTDOWN_TIMEOUT, gateway.settle()).await;
}
