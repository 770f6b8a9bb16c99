//! The body of a request, which is read to its end even where nobody wants it.

use crate::limits::{LINGER_BYTES_MAX, LINGER_TIMEOUT};
use bytes::{Buf, Bytes};
use http::header::EXPECT;
use http::{Request, Version};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::runtime::Handle;

/// The body of a request.
///
/// A service may answer before it has read it, or without. On HTTP/1.1 a connection that is closed with something unread
/// takes the answer with it, so what is left of a dropped body is read for a while and thrown away: at most
/// [`LINGER_BYTES_MAX`] in [`LINGER_TIMEOUT`]. Not where the client waits to be asked for it (`Expect: 100-continue`).
#[derive(Debug)]
pub struct RequestBody {
    incoming: Option<Incoming>,
    lingers: bool,
}

impl RequestBody {
    /// The same request, with a body that lingers.
    pub(crate) fn of(request: Request<Incoming>) -> Request<RequestBody> {
        let lingers = request.version() < Version::HTTP_2 && !request.headers().contains_key(EXPECT);
        request.map(|incoming| RequestBody { incoming: Some(incoming), lingers })
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let incoming = self.incoming.as_mut().expect("only drop takes it");
        let frame = std::task::ready!(Pin::new(incoming).poll_frame(cx));
        // A body that failed has no rest.
        self.lingers &= frame.as_ref().is_none_or(Result::is_ok);
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.as_ref().map_or_else(SizeHint::default, Body::size_hint)
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        let Some(rest) = self.incoming.take() else {
            return;
        };
        if self.lingers
            && !rest.is_end_stream()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(tokio::time::timeout(LINGER_TIMEOUT, throw_away(rest)));
        }
    }
}

async fn throw_away(mut rest: Incoming) {
    let mut left = LINGER_BYTES_MAX;
    while let Some(Ok(frame)) = rest.frame().await {
        left = left.saturating_sub(frame.data_ref().map_or(0, Buf::remaining));
        if left == 0 {
            return;
        }
    }
}
