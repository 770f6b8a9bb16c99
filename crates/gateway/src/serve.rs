//! Serving: requests behind limits on everything that a stranger chooses, and the outbox beside them.

use crate::forward::{BodyFault, Nobody};
use crate::gateway::{Gateway, Inner};
use crate::limits::{
    CLOCK_REST, CONNECTION_COUNT_MAX, HEAD_BYTES_MAX, HEADER_COUNT_MAX, HEADER_TIMEOUT, KEY_REFRESH_REST,
    SHUTDOWN_TIMEOUT,
};
use http_body_util::BodyExt;
use hyper::service::service_fn;
use listen::{Limits, RequestBody};
use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

impl Inner {
    /// Asks for the payment service's key, and goes on asking for the time where a test book's clock may be put forward.
    pub(crate) async fn keep_time(self: Arc<Inner>) {
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
/// Whatever it spawned ends with this future: a gateway that is dropped does nothing more.
pub async fn serve(listener: TcpListener, gateway: Gateway, shutdown: impl Future<Output = ()>) {
    let mut beside = JoinSet::new();
    beside.spawn(gateway.clone().run());
    let limits = Limits {
        head_timeout: HEADER_TIMEOUT,
        head_bytes_max: HEAD_BYTES_MAX,
        header_count_max: HEADER_COUNT_MAX,
        connection_count_max: CONNECTION_COUNT_MAX,
        shutdown_timeout: SHUTDOWN_TIMEOUT,
    };
    let inner = Arc::clone(&gateway.0);
    let behind = inner.upstream.clone().unwrap_or_else(|| Arc::new(Nobody));
    let service = service_fn(move |request: http::Request<RequestBody>| {
        let (inner, behind) = (Arc::clone(&inner), Arc::clone(&behind));
        let request = request.map(|body| body.map_err(BodyFault::of).boxed_unsync());
        async move { Ok::<_, Infallible>(inner.answer(request, behind).await) }
    });
    listen::serve(listener, limits, service, shutdown).await;
    let _untold = tokio::time::timeout(SHUTDOWN_TIMEOUT, gateway.settle()).await;
}
