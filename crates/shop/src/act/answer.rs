//! What is answered where, and that every no is one that a buyer can act on.

use super::sender::{No, Senders};
use super::store::Used;
use super::{confirm, offer, publish};
use crate::desk::Shop;
use crate::limits::{
    ASKED_SECONDS_MAX, BODY_BYTES_MAX, BODY_TIMEOUT, CONNECTION_COUNT_MAX, HEAD_BYTES_MAX, HEAD_TIMEOUT,
    HEADER_COUNT_MAX, RETRY_AFTER_SECONDS, SHUTDOWN_TIMEOUT, SWEEP_REST,
};
use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::service::service_fn;
use listen::{Limits, RequestBody};
use protocols::act::cid::capability::{CAPABILITY_PATH, NEGOTIATION_PATH, NegotiationRequest};
use protocols::act::cid::transfer::TransferRequest;
use protocols::act::cid::{CommerceError, Refusal};
use protocols::act::{Identifier, Sentence};
use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// A shop and what it knows of those who ask it. Cloning it is cheap.
#[derive(Clone, Debug)]
pub struct Desk(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    shop: Shop,
    senders: Senders,
}

/// Answers requests until `shutdown` is done, then finishes those under way. Beside it, whatever is owed is said, and locks that
/// are over end.
pub async fn serve(listener: TcpListener, shop: Shop, shutdown: impl Future<Output = ()>) {
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
    let limits = Limits {
        head_timeout: HEAD_TIMEOUT,
        head_bytes_max: HEAD_BYTES_MAX,
        header_count_max: HEADER_COUNT_MAX,
        connection_count_max: CONNECTION_COUNT_MAX,
        shutdown_timeout: SHUTDOWN_TIMEOUT,
    };
    let desk = Desk::new(shop);
    let service = service_fn(move |request: Request<RequestBody>| {
        let desk = desk.clone();
        async move { Ok::<_, Infallible>(desk.answer(request).await) }
    });
    listen::serve(listener, limits, service, shutdown).await;
}

impl Desk {
    /// A desk of a shop.
    pub fn new(shop: Shop) -> Desk {
        Desk(Arc::new(Inner { shop, senders: Senders::default() }))
    }

    /// Answers one request.
    pub async fn answer(&self, request: Request<RequestBody>) -> Response<Full<Bytes>> {
        let shop = &self.0.shop;
        let path = request.uri().path().to_owned();
        let is = |method: Method| *request.method() == method;
        match path.as_str() {
            "/healthz" => text("ok\n"),
            "/act/catalogue" if is(Method::GET) => {
                let cursor = request.uri().query().and_then(cursor);
                answered(publish::catalogue(shop, cursor.as_deref()).await.map(|page| page.to_json()), None)
            }
            "/.well-known/agent-card.json" if is(Method::GET) => told(200, publish::card(shop).to_string()),
            CAPABILITY_PATH if is(Method::GET) => told(200, publish::capability_file(shop).to_json()),
            NEGOTIATION_PATH if is(Method::POST) => self.negotiate(request).await,
            "/act/intents" if is(Method::POST) => self.transfer(request).await,
            "/act/carts" if is(Method::POST) => match body(request).await {
                Ok(text) => {
                    let answer = confirm::confirm(shop, &self.0.senders, &text).await;
                    answered(answer.map(|it| it.to_json()), request_id(&text))
                }
                Err(no) => answered(Err(no), None),
            },
            "/act/catalogue" | "/.well-known/agent-card.json" | CAPABILITY_PATH => only("GET"),
            NEGOTIATION_PATH | "/act/intents" | "/act/carts" => only("POST"),
            _ => match path.strip_prefix("/act/orders/") {
                Some(number) => self.order(number.to_owned(), request).await,
                None => told_no((CommerceError::NoMatch, "nothing is at this address".to_owned()), None),
            },
        }
    }

    async fn order(&self, number: String, request: Request<RequestBody>) -> Response<Full<Bytes>> {
        let shop = &self.0.shop;
        if *request.method() == Method::GET {
            return answered(confirm::state(shop, &number).await.map(|it| it.to_json()), None);
        }
        if *request.method() != Method::POST {
            return only("GET, POST");
        }
        match body(request).await {
            Ok(text) => {
                let answer = confirm::change(shop, &self.0.senders, &number, &text).await;
                answered(answer.map(|it| it.to_json()), request_id(&text))
            }
            Err(no) => answered(Err(no), None),
        }
    }

    async fn negotiate(&self, request: Request<RequestBody>) -> Response<Full<Bytes>> {
        let text = match body(request).await {
            Ok(text) => text,
            Err(no) => return answered(Err(no), None),
        };
        let read =
            NegotiationRequest::read(&text).map_err(|fault| (CommerceError::Format, fault.to_string()));
        answered(read.map(|request| publish::negotiate(&self.0.shop, &request).to_json()), None)
    }

    /// Answers what a buyer wants. Each round uses its id up, whatever it is answered.
    async fn transfer(&self, request: Request<RequestBody>) -> Response<Full<Bytes>> {
        let text = match body(request).await {
            Ok(text) => text,
            Err(no) => return answered(Err(no), None),
        };
        answered(self.transferred(&text).await, request_id(&text))
    }

    async fn transferred(&self, text: &[u8]) -> Result<String, No> {
        let shop = &self.0.shop;
        let format = |why: String| (CommerceError::Format, why);
        let mut request = TransferRequest::read(text).map_err(|fault| format(fault.to_string()))?;
        let agent = self.0.senders.check(shop, &request, &request.buyer_agent_id, &request.timestamp).await?;
        let agent = agent.to_string();
        let away = |fault: crate::store::StoreFault| confirm::class(&crate::desk::ShopNo::Store(fault));
        if let Some(previous) = &request.previous_request_id {
            let kept = shop.store().asked(agent.clone(), previous.as_str().to_owned()).await.map_err(away)?;
            let unknown = || format("`previous_request_id` is no request of this agent's here".to_owned());
            let kept = TransferRequest::from_json(&kept.ok_or_else(unknown)?)
                .map_err(|fault| format(fault.to_string()))?;
            request = request.after(&kept).map_err(|fault| format(fault.to_string()))?;
        }
        let kept = request.to_json().into_bytes();
        let id = request.request_id.as_str().to_owned();
        match shop.store().use_id(agent, id, kept, shop.now()).await.map_err(away)? {
            Used::Now => {}
            Used::Before => {
                return Err(format("`request_id` was used before: each round needs a new one".to_owned()));
            }
        }
        offer::candidates(shop, &request).await.map(|response| response.to_json())
    }
}

async fn body(request: Request<RequestBody>) -> Result<Bytes, No> {
    let limited = Limited::new(request.into_body(), BODY_BYTES_MAX);
    let read = tokio::time::timeout(BODY_TIMEOUT, limited.collect()).await;
    let format = |why: &str| (CommerceError::Format, why.to_owned());
    match read {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(_)) => Err(format("the message is longer than 64 KiB, or did not arrive whole")),
        Err(_) => Err(format("the message did not arrive in time")),
    }
}

/// The id of a request that may be anything, so that its refusal can name it.
fn request_id(text: &[u8]) -> Option<Identifier> {
    let value: serde_json::Value = serde_json::from_slice(text).ok()?;
    Identifier::parse(value.get("request_id")?.as_str()?).ok()
}

fn cursor(query: &str) -> Option<String> {
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.find(|(name, _)| name == "cursor").map(|(_, value)| value.into_owned())
}

fn answered(answer: Result<String, No>, request_id: Option<Identifier>) -> Response<Full<Bytes>> {
    match answer {
        Ok(text) => told(200, text),
        Err(no) => told_no(no, request_id),
    }
}

fn told_no((error, why): No, request_id: Option<Identifier>) -> Response<Full<Bytes>> {
    let message: String = why.chars().take(1_000).collect();
    let message = Sentence::parse(message).unwrap_or_else(|_| publish::sentence("no"));
    let refusal = Refusal { request_id, error, message, about: None };
    let mut response = told(error.status(), refusal.to_json());
    if matches!(error, CommerceError::TooManyRequests | CommerceError::Unavailable) {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
    }
    response
}

fn told(status: u16, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = StatusCode::from_u16(status).expect("our statuses are statuses");
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn text(text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

fn only(methods: &'static str) -> Response<Full<Bytes>> {
    let mut response =
        told_no((CommerceError::Format, "the address is there for other methods".to_owned()), None);
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
    response
}
