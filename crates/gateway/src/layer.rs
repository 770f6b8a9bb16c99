//! The price as a layer: around any service of `tower`'s kind, such as a router of `axum`, in the same program.
//!
//! The same checks, the same once-only and the same outbox as in front of another server; only the call stays at home.
//! Whoever uses the layer also runs [`Gateway::run`], which tells the payment service how deliveries ended.

use crate::forward::{Answering, Behind, Body, BodyFault, NotAnswered};
use crate::gateway::Gateway;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use tower::{Service, ServiceExt};

/// Puts prices in front of a service.
///
/// Where requests carry a [`Peer`](crate::Peer) among their extensions, free calls are counted by address; otherwise only by
/// the header that names the caller.
#[derive(Clone, Debug)]
pub struct Layer(Gateway);

impl Layer {
    /// A layer with the prices of a gateway.
    pub fn new(gateway: Gateway) -> Layer {
        Layer(gateway)
    }
}

impl<S> tower::Layer<S> for Layer {
    type Service = Paid<S>;

    fn layer(&self, inner: S) -> Paid<S> {
        Paid { gateway: self.0.clone(), inner }
    }
}

/// What stands behind the price, as a service of its own.
#[derive(Clone, Debug)]
pub struct Beyond(pub(crate) Arc<dyn Behind>);

/// Why it did not answer.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct NotBeyond(NotAnswered);

impl Service<Request<Body>> for Beyond {
    type Response = Response<Body>;
    type Error = NotBeyond;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, NotBeyond>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), NotBeyond>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let answering = self.0.pass(request);
        Box::pin(async move { answering.await.map_err(NotBeyond) })
    }
}

/// A service with a price in front of it.
#[derive(Clone, Debug)]
pub struct Paid<S> {
    gateway: Gateway,
    inner: S,
}

impl<S, A, B> Service<Request<A>> for Paid<S>
where
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: fmt::Display + Send,
    A: http_body::Body<Data = Bytes> + Send + 'static,
    A::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    /// Always ready: what is behind is waited for where it is called, since most requests do not get there.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let gateway = self.gateway.clone();
        let behind: Arc<dyn Behind> = Arc::new(Wrapped(Mutex::new(self.inner.clone())));
        let request = request.map(|body| body.map_err(BodyFault::of).boxed_unsync());
        Box::pin(async move { Ok(gateway.0.answer(request, behind).await) })
    }
}

/// The service behind the layer. It is cloned for every call.
struct Wrapped<S>(Mutex<S>);

impl<S> fmt::Debug for Wrapped<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wrapped")
    }
}

impl<S, B> Behind for Wrapped<S>
where
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: fmt::Display + Send,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    fn pass(&self, request: Request<Body>) -> Answering {
        let service = self.0.lock().expect("nobody panics while holding it").clone();
        let answering = service.oneshot(request);
        Box::pin(async move {
            match answering.await {
                Ok(answer) => Ok(answer.map(|body| body.map_err(BodyFault::of).boxed_unsync())),
                Err(fault) => Err(NotAnswered::Failed(fault.to_string())),
            }
        })
    }
}
