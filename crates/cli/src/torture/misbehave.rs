//! `misbehave`: a service that does everything wrong, each thing at a path of its own. Each answer of it says which one it
//! is, so whoever is given two for one payment can be found out.

use super::relay::Body;
use crate::args;
use crate::exit::Outcome;
use crate::output::Output;
use crate::runtime;
use crate::serve::say_where;
use futures_util::stream;
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Longer than anybody waits.
const FOREVER: Duration = Duration::from_secs(600);

/// What it can do wrong, and whether what it answers is a delivery: then it is to be paid.
pub(super) const FAULTS: [(&str, bool); 9] = [
    ("fine", true),
    ("slow", true),
    ("empty", true),
    ("hangs", false),
    ("closes", false),
    ("cut", false),
    ("fails", false),
    ("unavailable", false),
    ("refuses", false),
];

/// Serves until told to stop.
pub(crate) fn run(output: &Output, args: &args::Misbehave) -> Outcome {
    runtime::run(async {
        let listener = runtime::listen(args.listen).await?;
        say_where(output, &listener)?;
        let served = Arc::new(AtomicU64::new(0));
        let serve = async {
            while let Ok((connection, _)) = listener.accept().await {
                let served = served.clone();
                tokio::spawn(async move {
                    let service = service_fn(move |request| answer(served.clone(), request));
                    // Connections are broken off on purpose.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(connection), service)
                        .await;
                });
            }
        };
        tokio::select! {
            () = serve => {}
            () = runtime::told_to_stop() => {}
        }
        Ok(())
    })
}

async fn answer(served: Arc<AtomicU64>, request: Request<Incoming>) -> io::Result<Response<Body>> {
    let path = request.uri().path().trim_end_matches('/').to_owned();
    // What is uploaded is taken first, so that nothing but the fault is wrong.
    let _ = request.into_body().collect().await;
    let number = served.fetch_add(1, Ordering::SeqCst);
    let text = Bytes::from(format!("answer {number} of {path}\n{}end\n", "it goes on\n".repeat(20)));
    let fault = path.rsplit('/').next().unwrap_or_default();
    let whole = |status: u16, body: Bytes| {
        let mut response = Response::new(Full::new(body).map_err(|never| match never {}).boxed());
        *response.status_mut() = status.try_into().expect("these are statuses");
        Ok(response)
    };
    match fault {
        "slow" => {
            let bytes = stream::unfold((text, 0), |(text, at)| async move {
                tokio::time::sleep(Duration::from_millis(2)).await;
                let byte = text.get(at..at + 1).map(Bytes::copy_from_slice)?;
                Some((Ok(Frame::data(byte)), (text, at + 1)))
            });
            Ok(Response::new(BodyExt::boxed(StreamBody::new(bytes))))
        }
        "empty" => whole(200, Bytes::new()),
        "hangs" => {
            tokio::time::sleep(FOREVER).await;
            Err(io::Error::other("nobody waited so long"))
        }
        "closes" => Err(io::Error::other("closed on purpose")),
        "cut" => {
            let length = HeaderValue::from(text.len());
            let parts =
                [Ok(Frame::data(text.slice(..text.len() / 2))), Err(io::Error::other("cut on purpose"))];
            let mut response = Response::new(BodyExt::boxed(StreamBody::new(stream::iter(parts))));
            response.headers_mut().insert(http::header::CONTENT_LENGTH, length);
            Ok(response)
        }
        "fails" => whole(500, text),
        "unavailable" => whole(503, text),
        "refuses" => whole(422, text),
        _ => whole(200, text),
    }
}
