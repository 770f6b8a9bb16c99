//! The loop that accepts connections, and its end.

use crate::body::RequestBody;
use crate::limits::{ACCEPT_REST, STREAMS_PER_CONNECTION_MAX};
use bytes::Bytes;
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use std::error::Error;
use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Whose connection a request came over, among its extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// What strangers may do to one listener.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long a connection may take to send the head of a request.
    pub head_timeout: Duration,
    /// The longest head of a request, in bytes.
    pub head_bytes_max: u32,
    /// The most headers of a request.
    pub header_count_max: usize,
    /// The connections that are open at once; further ones wait in the kernel.
    pub connection_count_max: usize,
    /// How long connections may take to finish after the listener was told to stop.
    pub shutdown_timeout: Duration,
}

/// Answers requests until `shutdown` is done, then finishes those under way. Dropping the future ends them all.
pub async fn serve<S, B>(
    listener: TcpListener,
    limits: Limits,
    service: S,
    shutdown: impl Future<Output = ()>,
) where
    S: Service<Request<RequestBody>, Response = Response<B>> + Clone + Send + Sync + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let builder = builder(limits);
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(limits.connection_count_max));
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        while connections.try_join_next().is_some() {}
        let place = Arc::clone(&places).acquire_owned().await.expect("nobody closes the semaphore");
        let (stream, peer) = tokio::select! {
            () = &mut shutdown => break,
            accepted = accept(&listener) => accepted,
        };
        let service = service.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(Peer(peer));
            service.call(RequestBody::of(request))
        });
        let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
        let watched = graceful.watch(connection);
        connections.spawn(async move {
            // What goes wrong on a connection is its peer's to know.
            let _ended = watched.await;
            drop(place);
        });
    }
    drop(listener);
    let _late = tokio::time::timeout(limits.shutdown_timeout, graceful.shutdown()).await;
}

fn builder(limits: Limits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    let head_bytes_max = usize::try_from(limits.head_bytes_max).expect("a usize has at least 32 bits");
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .max_buf_size(head_bytes_max)
        .max_headers(limits.header_count_max)
        .pipeline_flush(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(limits.head_bytes_max)
        .max_concurrent_streams(STREAMS_PER_CONNECTION_MAX);
    builder
}

async fn accept(listener: &TcpListener) -> (TcpStream, IpAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // A connection that cannot be hurried is slow, and works.
                let _slow = stream.set_nodelay(true);
                return (stream, peer.ip());
            }
            Err(fault) => {
                // Out of files, or a peer that is gone already: others are served, and this passes.
                tracing::warn!(%fault, "a connection was not accepted");
                tokio::time::sleep(ACCEPT_REST).await;
            }
        }
    }
}
