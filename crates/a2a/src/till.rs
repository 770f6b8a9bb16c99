//! A task's message, as the request that the paywall prices; and what the paywall answered, as what became of the task.

use crate::limits::SAID_BYTES_MAX;
use crate::store::Kept;
use bytes::Bytes;
use gateway::tools::{ABOVE_SKILLS, COUPON, METHOD, SAID};
use gateway::{Beyond, Gateway, Layer, NotBeyond, Paid};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use protocols::a2a::call::parse;
use protocols::a2a::paying::{Error, parts_of, signature};
use protocols::a2a::{MEDIA_TYPE, Part};
use protocols::tools::{is_paid, said};
use protocols::x402::{PAYMENT_REQUIRED, PAYMENT_RESPONSE, PAYMENT_SIGNATURE, Reason};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower::{Layer as _, ServiceExt};

/// The name of a task, for the service behind.
const TASK: HeaderName = HeaderName::from_static("a2a-task-id");
/// The name of a conversation, for the service behind.
const CONTEXT: HeaderName = HeaderName::from_static("a2a-context-id");
/// The name of a message, for the service behind.
const MESSAGE: HeaderName = HeaderName::from_static("a2a-message-id");

/// A header that no payment is read from.
const UNREADABLE: HeaderValue = HeaderValue::from_static("-");

/// What became of a message.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// It costs something: the demand, and the same in our own words.
    Asked { words: String, demand: Value, said: Map<String, Value> },
    /// It was done.
    Done { parts: Vec<Part>, receipt: Option<Value>, said: Map<String, Value> },
    /// The service behind does not do it, and says why.
    Declined { parts: Vec<Part>, receipt: Option<Value>, said: Map<String, Value> },
    /// It was not done.
    Failed { words: String, receipt: Option<Value>, error: Option<Error>, said: Map<String, Value> },
    /// Nobody can say yet what became of the payment.
    Unknown,
}

/// The prices, and what stands behind them.
#[derive(Clone, Debug)]
pub(crate) struct Till {
    paid: Paid<Shop>,
    answer_bytes_max: usize,
    origin: String,
}

/// The service behind, in which each skill has a path of its own.
#[derive(Clone, Debug)]
pub(crate) struct Shop {
    pub(crate) beyond: Beyond,
    /// The longest answer that is kept: what is longer could not be shown again, so it is not sold.
    pub(crate) answer_bytes_max: usize,
    /// The paths of skills in the price list, and in the service behind.
    pub(crate) paths: Arc<HashMap<String, String>>,
}

impl Till {
    pub(crate) fn new(gateway: &Gateway, shop: Shop) -> Till {
        Till {
            paid: Layer::new(gateway.clone()).layer(shop),
            answer_bytes_max: gateway.answer_body_bytes_max(),
            origin: gateway.public_url().as_str().trim_end_matches('/').to_owned(),
        }
    }

    /// A plain request, which has the same prices.
    pub(crate) async fn plain(&self, request: axum::extract::Request) -> Response<gateway::Body> {
        self.paid.clone().oneshot(request).await.unwrap_or_else(|never| match never {})
    }

    /// The address of a skill: what its bill is for.
    pub(crate) fn resource(&self, skill: &str) -> String {
        format!("{}{ABOVE_SKILLS}{skill}", self.origin)
    }

    /// The header of a payment for a skill; one that nothing is read from, where it is for something else.
    pub(crate) fn payment(&self, skill: &str, payment: &Value) -> String {
        let value = signature(&self.resource(skill), payment);
        value.unwrap_or_else(|_| String::from_utf8_lossy(UNREADABLE.as_bytes()).into_owned())
    }

    /// Has a message answered: with its price, for its payment, or for nothing.
    pub(crate) async fn ask(&self, kept: &Kept, peer: Option<listen::Peer>) -> Outcome {
        let mut request = Request::new(Full::<Bytes>::new(kept.body.clone().into()));
        *request.method_mut() = METHOD.parse().expect("it is a method");
        let path = format!("{ABOVE_SKILLS}{}", kept.skill);
        *request.uri_mut() = path.parse().expect("the path of a skill is an address");
        let headers = request.headers_mut();
        let texts = [
            (CONTENT_TYPE, Some(&kept.kind)),
            (HeaderName::from_static("idempotency-key"), Some(&kept.purchase)),
            (HeaderName::from_static(COUPON), kept.coupon.as_ref()),
            (HeaderName::from_static(PAYMENT_SIGNATURE), kept.payment.as_ref()),
            (TASK, Some(&kept.task.id)),
            (CONTEXT, Some(&kept.task.context_id)),
            (MESSAGE, Some(&kept.message_id)),
        ];
        for (name, text) in texts {
            // What no header carries says nothing; what has to be there was checked when the task was made.
            if let Some(Ok(value)) = text.map(HeaderValue::try_from) {
                headers.insert(name, value);
            }
        }
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer);
        }
        let answer = self.paid.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
        self.outcome(answer, kept.payment.is_some()).await
    }

    async fn outcome(&self, answer: Response<gateway::Body>, is_shown: bool) -> Outcome {
        let (parts, body) = answer.into_parts();
        let bytes_max = self.answer_bytes_max.saturating_add(SAID_BYTES_MAX);
        let body = match Limited::new(body, bytes_max).collect().await {
            Ok(body) => body.to_bytes(),
            Err(_) if is_shown => return Outcome::Unknown,
            Err(_) => return failed("Nothing was spent. The answer broke off.", None, None, Map::new()),
        };
        let about = said_in(&parts.headers);
        let response = text(&parts.headers, PAYMENT_RESPONSE).and_then(|value| said(value).ok());
        let paid = response.as_ref().map(is_paid);
        let kind = text(&parts.headers, CONTENT_TYPE.as_str()).unwrap_or_default();
        let words = || words_of(&body);
        match (parts.status, paid) {
            // Shown, and neither taken nor refused.
            (status, None) if is_shown && status.is_server_error() => Outcome::Unknown,
            (_, Some(false)) if reason_of(response.as_ref()) == Reason::Unknown => Outcome::Unknown,
            (StatusCode::PAYMENT_REQUIRED, None) if !is_shown => {
                match text(&parts.headers, PAYMENT_REQUIRED).map(said) {
                    Some(Ok(demand)) => Outcome::Asked { words: words(), demand, said: about },
                    Some(Err(_)) | None => failed(&words(), None, None, about),
                }
            }
            (StatusCode::PAYMENT_REQUIRED, _) => {
                let named = parts.extensions.get::<Reason>().copied();
                let error = Error::of_reason(named.unwrap_or_else(|| reason_of(response.as_ref())));
                failed(&words(), response, Some(error), about)
            }
            (status, Some(true) | None) if status.is_success() => {
                Outcome::Done { parts: answered(kind, &body), receipt: response, said: about }
            }
            // What the service refuses is said in its own words: the money went back, or the price list says otherwise.
            (status, _) if status.is_client_error() => {
                Outcome::Declined { parts: answered(kind, &body), receipt: response, said: about }
            }
            (_, _) => {
                let error = is_shown.then_some(Error::SettlementFailed);
                failed(&words(), response, error, about)
            }
        }
    }
}

/// Why nothing was delivered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotServed {
    #[error(transparent)]
    Beyond(#[from] NotBeyond),
    #[error("its answer broke off, or is longer than {0} bytes")]
    TooLong(usize),
}

impl tower::Service<Request<gateway::Body>> for Shop {
    type Response = Response<Full<Bytes>>;
    type Error = NotServed;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Full<Bytes>>, NotServed>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), NotServed>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<gateway::Body>) -> Self::Future {
        if let Some(path) = self.paths.get(request.uri().path()) {
            let target = match request.uri().query() {
                Some(query) => format!("{path}?{query}"),
                None => path.clone(),
            };
            *request.uri_mut() = target.parse().expect("the paths of a profile are addresses");
        }
        let (answering, bytes_max) = (tower::Service::call(&mut self.beyond, request), self.answer_bytes_max);
        Box::pin(async move {
            let (parts, body) = answering.await?.into_parts();
            let body = Limited::new(body, bytes_max).collect().await;
            let body = body.map_err(|_| NotServed::TooLong(bytes_max))?.to_bytes();
            Ok(Response::from_parts(parts, Full::new(body)))
        })
    }
}

fn failed(words: &str, receipt: Option<Value>, error: Option<Error>, said: Map<String, Value>) -> Outcome {
    Outcome::Failed { words: words.to_owned(), receipt, error, said }
}

/// The parts of an answer: those that a service says in the words of A2A, or one of the kind of the answer.
fn answered(kind: &str, body: &[u8]) -> Vec<Part> {
    let is_list = kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(MEDIA_TYPE);
    let listed =
        is_list.then(|| parse(body).ok().and_then(|value| Part::list(value.get("parts")?.clone()))).flatten();
    listed.filter(|parts| !parts.is_empty()).unwrap_or_else(|| parts_of(kind, body))
}

/// What is said about money beside the answer.
fn said_in(headers: &HeaderMap) -> Map<String, Value> {
    let said = SAID
        .iter()
        .filter_map(|(header, member)| Some(((*member).to_owned(), text(headers, header)?.into())));
    said.collect()
}

/// The sentence of an answer of the gateway's.
fn words_of(body: &[u8]) -> String {
    let problem: Value = serde_json::from_slice(body).unwrap_or_default();
    match problem.get("detail").and_then(Value::as_str) {
        Some(detail) => detail.to_owned(),
        None => "Nothing was delivered.".to_owned(),
    }
}

/// The reason that the answer to a payment names.
fn reason_of(response: Option<&Value>) -> Reason {
    let reason = response.and_then(|response| response.get("errorReason")).and_then(Value::as_str);
    reason.and_then(Reason::parse).unwrap_or(Reason::InvalidRequirements)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
