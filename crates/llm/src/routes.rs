//! What is answered where. Every path either debits a deposit, belongs to the gateway itself, or is refused.

use crate::call::Body;
use crate::gateway::Inner;
use crate::refusal::{Code, Whole, json, refusal};
use bytes::Bytes;
use evidence::Hash;
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use listen::RequestBody;
use protocols::llm::{Family, Shape};
use std::sync::Arc;
use wire::MeterId;

/// Under which path the gateway answers for itself.
pub(crate) const OWN: &str = "/.tollbridge";

impl Inner {
    /// Answers one request.
    pub(crate) async fn answer(self: &Arc<Inner>, request: Request<RequestBody>) -> Response<Body> {
        self.metrics.requests.count();
        if let Some(shape) = Shape::of_path(request.uri().path()) {
            if request.method() != Method::POST {
                return whole(self.refuse(
                    Code::MethodRefused,
                    shape.family(),
                    "Nothing was spent. Calls are POSTs.",
                ));
            }
            return self.call(shape, request).await;
        }
        whole(match self.own(request).await {
            Ok(answer) | Err(answer) => answer,
        })
    }

    /// Refuses a request.
    pub(crate) fn refuse(&self, code: Code, family: Family, message: &str) -> Whole {
        self.metrics.refused.count();
        refusal(code, family, message)
    }

    fn refuse_own(&self, code: Code, message: &str) -> Whole {
        self.refuse(code, Family::OpenAi, message)
    }

    /// Our own pages. `Err` is an answer as well: the one that ended it early.
    #[allow(clippy::result_large_err)]
    async fn own(self: &Arc<Inner>, request: Request<RequestBody>) -> Result<Whole, Whole> {
        let path = request.uri().path().to_owned();
        if path == "/v1/models" {
            self.only(&request, &[Method::GET])?;
            return Ok(self.models());
        }
        let page = path.strip_prefix(OWN).unwrap_or_default();
        match page {
            "/healthz" => Ok(text("ok\n".to_owned())),
            "/metrics" => Ok(text(self.metrics.text())),
            "/sessions" => {
                self.only(&request, &[Method::GET, Method::POST, Method::DELETE])?;
                match *request.method() {
                    Method::POST => self.open_session(request).await,
                    Method::DELETE => self.close_session(self.key_of(request.headers())?).await,
                    _ => self.show_session(&self.key_of(request.headers())?),
                }
            }
            "/bill" => {
                self.only(&request, &[Method::GET])?;
                let key = self.key_of(request.headers())?;
                let named = query(&request, "meter").map(|text| text.parse::<MeterId>());
                let named = named.transpose().map_err(|_| self.no_page())?;
                self.bill(&key, named).await
            }
            _ if page == "/catalogue" || page.starts_with("/catalogue/") => {
                self.only(&request, &[Method::GET])?;
                let named = page.strip_prefix("/catalogue/");
                let found = match named {
                    Some(name) => self.history.named(name),
                    None => self.history.in_force(self.timestamp()),
                };
                Ok(json(200, &found.ok_or_else(|| self.no_page())?.to_value()))
            }
            _ => Err(self.no_page()),
        }
    }

    fn no_page(&self) -> Whole {
        self.refuse_own(Code::NotSold, "Nothing was spent. This is not sold here.")
    }

    #[allow(clippy::result_large_err)]
    fn only<B>(&self, request: &Request<B>, methods: &[Method]) -> Result<(), Whole> {
        if methods.contains(request.method()) {
            return Ok(());
        }
        Err(self.refuse_own(Code::MethodRefused, "Nothing was spent. The path is there for other methods."))
    }

    /// The models that have a price now, as OpenAI lists them.
    fn models(&self) -> Whole {
        let models = self.history.in_force(self.timestamp()).map_or(&[][..], |sealed| sealed.body().models());
        let owner = self.config.seller.payee.to_string();
        let listed = models.iter().map(|model| {
            serde_json::json!({ "id": model.name, "object": "model", "created": 0, "owned_by": owner })
        });
        json(200, &serde_json::json!({ "object": "list", "data": listed.collect::<Vec<_>>() }))
    }

    /// What time it is in the book.
    pub(crate) fn timestamp(&self) -> jiff::Timestamp {
        jiff::Timestamp::from_nanosecond(i128::from(self.service.now().0)).unwrap_or(jiff::Timestamp::MAX)
    }

    #[allow(clippy::result_large_err)]
    fn key_of(&self, headers: &HeaderMap) -> Result<Hash, Whole> {
        match key(headers) {
            Ok(Some(key)) => Ok(key),
            Ok(None) | Err(TwoKeys) => {
                Err(self.refuse_own(Code::KeyUnknown, "Nothing was spent. No key came with the request."))
            }
        }
    }
}

/// Two different keys came with one request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TwoKeys;

/// The hash of the key that came with a request, in whichever header.
pub(crate) fn key(headers: &HeaderMap) -> Result<Option<Hash>, TwoKeys> {
    let bearer = headers.get_all(AUTHORIZATION).iter().map(|value| {
        let bytes = value.as_bytes();
        let scheme = bytes.get(..7).unwrap_or_default();
        if scheme.eq_ignore_ascii_case(b"bearer ") { bytes.get(7..).unwrap_or_default() } else { bytes }
    });
    let mut keys = bearer.chain(headers.get_all("x-api-key").iter().map(HeaderValue::as_bytes));
    let first = keys.next();
    match first {
        Some(first) if keys.any(|other| other != first) => Err(TwoKeys),
        first => Ok(first.map(Hash::of)),
    }
}

/// The value of a parameter of the query.
pub(crate) fn query<B>(request: &Request<B>, name: &str) -> Option<String> {
    let query = request.uri().query().unwrap_or_default();
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

fn text(text: String) -> Whole {
    let mut answer = Response::new(Bytes::from(text));
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// An answer whose body is known, as one whose body may come in parts.
pub(crate) fn whole(answer: Whole) -> Response<Body> {
    answer.map(|body| Full::new(body).map_err(|never| match never {}).boxed_unsync())
}
