//! The way to the upstream: which headers go through, and which stay here.

use crate::config::Upstream;
use crate::limits::CONNECT_TIMEOUT;
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use protocols::llm::{Family, Shape};

/// The one upstream of a gateway.
#[derive(Debug)]
pub(crate) struct Forwarder {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    scheme: http::uri::Scheme,
    authority: http::uri::Authority,
    api_key: Option<HeaderValue>,
    timeout: std::time::Duration,
}

/// Headers of a call that reach the upstream. Everything else is between caller and gateway.
const PASSED: &[&str] = &["accept", "anthropic-beta", "anthropic-version", "openai-beta", "user-agent"];

/// Headers of an answer that do not reach the caller: of the connection, of the seller's account, and about money.
const KEPT_BACK: &[&str] = &[
    "connection",
    "content-length",
    "keep-alive",
    "openai-organization",
    "payment-needed",
    "payment-proof",
    "payment-validation",
    "proxy-authenticate",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "www-authenticate",
    "x-tollbridge-cost",
];

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotAnswered {
    #[error("it cannot be reached")]
    Unreachable,
    #[error("it did not answer in time")]
    TooSlow,
    #[error("its answer broke off")]
    BrokeOff,
    #[error("its answer is longer than this gateway takes")]
    TooLong,
    #[error("its answer is compressed, though nobody asked for that")]
    Compressed,
}

impl Forwarder {
    pub(crate) fn new(upstream: &Upstream) -> Result<Forwarder, String> {
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
        let uri: Uri = upstream.url.as_str().parse().map_err(|_| "the upstream's address".to_owned())?;
        let api_key = match &upstream.api_key {
            Some(key) => {
                let mut value =
                    HeaderValue::try_from(key.as_str()).map_err(|_| "the upstream's key is no header")?;
                value.set_sensitive(true);
                Some(value)
            }
            None => None,
        };
        Ok(Forwarder {
            client: Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(https),
            scheme: uri.scheme().cloned().ok_or("the upstream's scheme")?,
            authority: uri.authority().cloned().ok_or("the upstream's host")?,
            api_key,
            timeout: upstream.timeout,
        })
    }

    /// Sends a call, and answers when the head of its answer is there.
    pub(crate) async fn send(
        &self,
        shape: Shape,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<Response<Incoming>, NotAnswered> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(shape.path())
            .build()
            .expect("three valid parts are an address");
        let sent = request.headers_mut();
        for name in PASSED {
            for value in headers.get_all(*name) {
                sent.append(HeaderName::from_static(name), value.clone());
            }
        }
        sent.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        sent.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if let Some(key) = &self.api_key {
            match shape.family() {
                Family::Anthropic => sent.insert("x-api-key", key.clone()),
                Family::OpenAi => {
                    let text = [b"Bearer ", key.as_bytes()].concat();
                    let mut value =
                        HeaderValue::from_bytes(&text).expect("a header with a word in front is one");
                    value.set_sensitive(true);
                    sent.insert(header::AUTHORIZATION, value)
                }
            };
        }
        let answer = tokio::time::timeout(self.timeout, self.client.request(request)).await;
        let mut answer = answer.map_err(|_| NotAnswered::TooSlow)?.map_err(|fault| {
            if fault.is_connect() { NotAnswered::Unreachable } else { NotAnswered::BrokeOff }
        })?;
        let encoding = answer.headers().get(header::CONTENT_ENCODING);
        if encoding.is_some_and(|encoding| encoding != "identity") {
            return Err(NotAnswered::Compressed);
        }
        for name in KEPT_BACK {
            answer.headers_mut().remove(*name);
        }
        Ok(answer)
    }
}
