//! What goes through to the upstream and back, and what stays here.

use crate::dialects::strip_credentials;
use crate::limits::CONNECT_TIMEOUT;
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, Request, Response, Uri};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use protocols::a402::headers as a402;
use protocols::mpp;
use protocols::voucher;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;
use url::Url;

/// Whatever went wrong with a body on its way.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BodyFault(Box<dyn std::error::Error + Send + Sync>);

impl BodyFault {
    pub(crate) fn of(fault: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> BodyFault {
        BodyFault(fault.into())
    }
}

/// A body that is there.
pub(crate) fn full(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

/// A body that is passed on as it comes.
pub type Body = UnsyncBoxBody<Bytes, BodyFault>;

/// The one upstream of a gateway.
#[derive(Clone, Debug)]
pub(crate) struct Forwarder {
    client: Client<HttpsConnector<HttpConnector>, Body>,
    scheme: http::uri::Scheme,
    authority: http::uri::Authority,
}

/// A future that is behind a service of any kind.
pub(crate) type Answering = Pin<Box<dyn Future<Output = Result<Response<Body>, NotAnswered>> + Send>>;

/// What stands behind the price: another server, or the service that a layer wraps.
pub(crate) trait Behind: Send + Sync + std::fmt::Debug {
    /// Has a request answered; payments are not spoken of in it.
    fn pass(&self, request: Request<Body>) -> Answering;
}

/// Headers that speak about one connection (RFC 9110 section 7.6.1).
const HOP_BY_HOP: &[&str] = &[
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Headers about payments, of any dialect: they are ours to read, and nobody's behind us.
const PAYMENT: &[&str] = &[
    a402::PAYMENT_NEEDED,
    a402::PAYMENT_PROOF,
    a402::PAYMENT_VALIDATION,
    a402::PAYMENT_NEEDED_ALIAS,
    a402::PAYMENT_PROOF_ALIAS,
    a402::PAYMENT_VALIDATION_ALIAS,
    "x-payment",
    "x-payment-response",
    mpp::RECEIPT,
    voucher::VOUCHER,
    voucher::OWED,
    pricing::QUOTE_HEADER,
    pricing::EVALUATION_HEADER,
    COUPON,
    FREE,
    FRONT,
    DELIVERY,
];

/// The header in which a coupon is presented.
pub(crate) const COUPON: &str = "tollbridge-coupon";

/// The header that says how many free calls are left.
pub(crate) const FREE: &str = "tollbridge-free";

/// The header with the secret of a front.
pub(crate) const FRONT: &str = "tollbridge-front";

/// The header that names a delivery to a front.
pub(crate) const DELIVERY: &str = "tollbridge-delivery";

/// Headers by which some servers route another request than the one they were sent, and would so give away what is sold.
const REROUTING: &[&str] =
    &["x-http-method", "x-http-method-override", "x-method-override", "x-original-url", "x-rewrite-url"];

/// Headers that ask for a part of the answer, or for none: what was paid for is whole, and kept whole.
const PARTIAL: &[&str] =
    &["if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "range"];

/// Why nothing was delivered.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum NotAnswered {
    #[error("it cannot be reached")]
    Unreachable,
    #[error("it did not answer in time")]
    TooSlow,
    #[error("its answer broke off")]
    BrokeOff,
    #[error("its answer is longer than this gateway keeps")]
    TooLong,
    #[error("it failed: {0}")]
    Failed(String),
}

/// A request that was paid for, whole.
#[derive(Clone, Debug)]
pub(crate) struct PaidRequest {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) extensions: http::Extensions,
    pub(crate) body: Bytes,
    /// The room that the body takes.
    pub(crate) _room: Option<Arc<OwnedSemaphorePermit>>,
}

impl Forwarder {
    pub(crate) fn new(upstream: &Url) -> Result<Forwarder, String> {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let https = HttpsConnectorBuilder::new()
            .try_with_platform_verifier()
            .map_err(|fault| fault.to_string())?
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        let uri: Uri = upstream.as_str().parse().map_err(|_| "the upstream's address".to_owned())?;
        Ok(Forwarder {
            client: Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(https),
            scheme: uri.scheme().cloned().ok_or("the upstream's scheme")?,
            authority: uri.authority().cloned().ok_or("the upstream's host")?,
        })
    }

    fn address(&self, target: PathAndQuery) -> Uri {
        Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(target)
            .build()
            .expect("three valid parts are an address")
    }
}

/// Nobody stands behind: a gateway that only advises fronts.
#[derive(Debug)]
pub(crate) struct Nobody;

impl Behind for Nobody {
    fn pass(&self, _request: Request<Body>) -> Answering {
        Box::pin(std::future::ready(Err(NotAnswered::Unreachable)))
    }
}

impl Behind for Forwarder {
    fn pass(&self, request: Request<Body>) -> Answering {
        let (mut parts, body) = request.into_parts();
        let target = parts.uri.path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/"));
        parts.uri = self.address(target);
        parts.version = http::Version::HTTP_11;
        parts.extensions = http::Extensions::new();
        strip_hop_by_hop(&mut parts.headers);
        // `Host` is set anew from the address.
        parts.headers.remove(header::HOST);
        parts.headers.remove(header::EXPECT);
        let answer = self.client.request(Request::from_parts(parts, body));
        Box::pin(async move {
            let (mut parts, body) = answer.await.map_err(|fault| lost(&fault))?.into_parts();
            strip_hop_by_hop(&mut parts.headers);
            Ok(Response::from_parts(parts, body.map_err(BodyFault::of).boxed_unsync()))
        })
    }
}

impl PaidRequest {
    /// The request as it goes on: whole, without the payment, and with the key that repetitions are known by.
    pub(crate) fn into_request(self, idempotency_key: &HeaderValue) -> Request<Body> {
        let mut request = Request::new(full(self.body));
        *request.method_mut() = self.method;
        *request.uri_mut() = self.uri;
        *request.headers_mut() = self.headers;
        *request.extensions_mut() = self.extensions;
        strip_payment(request.headers_mut());
        for name in PARTIAL {
            request.headers_mut().remove(*name);
        }
        let name = HeaderName::from_static("idempotency-key");
        request.headers_mut().entry(name).or_insert_with(|| idempotency_key.clone());
        request
    }
}

fn lost(fault: &hyper_util::client::legacy::Error) -> NotAnswered {
    if fault.is_connect() {
        return NotAnswered::Unreachable;
    }
    NotAnswered::BrokeOff
}

/// Removes what is about the payment from a request, and what could make another request of it.
pub(crate) fn strip_payment(headers: &mut HeaderMap) {
    for name in PAYMENT.iter().chain(REROUTING) {
        headers.remove(*name);
    }
    strip_credentials(headers, &header::AUTHORIZATION);
}

/// Removes what does not go to the buyer: nobody behind us speaks about payments in our name.
pub(crate) fn strip_answer(headers: &mut HeaderMap) {
    for name in PAYMENT {
        headers.remove(*name);
    }
    strip_credentials(headers, &header::WWW_AUTHENTICATE);
}

fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| HeaderName::try_from(name.trim()).ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in HOP_BY_HOP {
        headers.remove(*name);
    }
}

/// Headers as they are kept: one a line. Values are bytes without line ends, so this is read back exactly.
pub(crate) fn write_headers(headers: &HeaderMap) -> Bytes {
    let mut block = Vec::new();
    for (name, value) in headers {
        block.extend_from_slice(name.as_str().as_bytes());
        block.push(b':');
        block.extend_from_slice(value.as_bytes());
        block.push(b'\n');
    }
    block.into()
}

/// Reads what [`write_headers`] wrote.
pub(crate) fn read_headers(block: &[u8]) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    for line in block.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = line.split_at(colon);
        headers.append(HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(value.get(1..)?).ok()?);
    }
    Some(headers)
}
