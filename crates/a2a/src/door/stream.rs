//! What becomes of a task as server-sent events.

use crate::desk::{End, Following};
use crate::limits::KEEP_ALIVE;
use axum::response::sse::{Event as Sent, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::{HeaderName, HeaderValue, header};
use protocols::a2a::Event;
use std::convert::Infallible;

/// What has been sent so far.
enum Sending {
    /// There may be more.
    On(Following),
    /// The task is where the stream ends.
    Over,
}

/// Streams the steps of a task to its `end`, each as `write` has it.
pub(super) fn answer(
    following: Following,
    end: End,
    write: impl Fn(&Event) -> String + Send + 'static,
) -> Response {
    let steps = stream::unfold((Sending::On(following), write), move |(sending, write)| async move {
        let Sending::On(mut following) = sending else { return None };
        let event = following.next().await?;
        let sending = if end.is_at(&event) { Sending::Over } else { Sending::On(following) };
        let sent = Sent::default().data(write(&event));
        Some((Ok::<_, Infallible>(sent), (sending, write)))
    });
    let mut answer = Sse::new(steps).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response();
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Web servers in front pass it on as it comes.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    answer
}
