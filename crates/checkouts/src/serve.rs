//! Serving a shop with all of its doors on one address: requests for ours are taken whole, and the others are its own.

use crate::doors::Doors;
use crate::limits::BODY_BYTES_MAX;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::service::service_fn;
use listen::{Limits, RequestBody};
use shop::Shop;
use shop::act::Desk;
use shop::limits::{
    ASKED_SECONDS_MAX, BODY_TIMEOUT, CONNECTION_COUNT_MAX, HEAD_BYTES_MAX, HEAD_TIMEOUT, HEADER_COUNT_MAX,
    SHUTDOWN_TIMEOUT, SWEEP_REST,
};
use std::convert::Infallible;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// Answers requests until `shutdown` is done, then finishes those under way. Beside it, whatever is owed is said and told.
pub async fn serve(listener: TcpListener, shop: Shop, doors: Doors, shutdown: impl Future<Output = ()>) {
    let mut beside = JoinSet::new();
    let swept = shop.clone();
    beside.spawn(async move { swept.sweep_always().await });
    let forgetting = shop.clone();
    beside.spawn(async move {
        loop {
            if let Err(no) = forgetting.forget_requests(ASKED_SECONDS_MAX).await {
                tracing::warn!(%no, "old requests are not forgotten");
            }
            tokio::time::sleep(SWEEP_REST * 30).await;
        }
    });
    let telling = doors.clone();
    beside.spawn(async move { telling.run_always().await });
    let limits = Limits {
        head_timeout: HEAD_TIMEOUT,
        head_bytes_max: HEAD_BYTES_MAX,
        header_count_max: HEADER_COUNT_MAX,
        connection_count_max: CONNECTION_COUNT_MAX,
        shutdown_timeout: SHUTDOWN_TIMEOUT,
    };
    let desk = Desk::new(shop);
    let service = service_fn(move |request: Request<RequestBody>| {
        let (doors, desk) = (doors.clone(), desk.clone());
        async move { Ok::<_, Infallible>(answer(&doors, &desk, request).await) }
    });
    listen::serve(listener, limits, service, shutdown).await;
}

async fn answer(doors: &Doors, desk: &Desk, request: Request<RequestBody>) -> Response<Full<Bytes>> {
    if !doors.is_theirs(request.uri().path()) {
        return desk.answer(request).await;
    }
    let (head, body) = request.into_parts();
    // One byte more than is taken: the door itself says that it is too much.
    let body = Limited::new(body, BODY_BYTES_MAX.saturating_add(1)).collect();
    let body = match tokio::time::timeout(BODY_TIMEOUT, body).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(_)) => return empty(StatusCode::PAYLOAD_TOO_LARGE),
        Err(_) => return empty(StatusCode::REQUEST_TIMEOUT),
    };
    match doors.answer(Request::from_parts(head, body)).await {
        Some(response) => response.map(Full::new),
        None => empty(StatusCode::NOT_FOUND),
    }
}

fn empty(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
