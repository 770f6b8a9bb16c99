//! What stands behind the price: a call that has passed it, asked of the server behind.
//!
//! A result that is an error is answered as 422, which by a price list is no delivery unless the seller says so. What is
//! longer than is kept, asks its caller something, or speaks about payments is none at all: the money goes back.

use super::agreed::{Agreed, is_ours, without_ours};
use super::upstream::{Listener, NotAsked, Upstream};
use bytes::Bytes;
use gateway::tools::{ABOVE, METHOD};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use protocols::tools::is_demand;
use rmcp::model::{
    CallToolRequest, CallToolRequestParams, CallToolResult, ClientRequest, ErrorData, JsonObject,
    RequestMetaObject, ServerResult,
};
use serde_json::{Value, json};
use std::fmt::{self, Display};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The kind of an answer that is a tool's result.
pub(crate) const RESULT_KIND: &str = "application/json";

/// The kind of an answer that is an error of JSON-RPC.
pub(crate) const ERROR_KIND: &str = "application/vnd.tollbridge.mcp-error+json";

/// What the server behind knows repetitions of a paid call by.
const DELIVERY_KEY: &str = "tollbridge/delivery-key";

/// The server behind, as a service that a price can stand before.
#[derive(Clone, Debug)]
pub(crate) struct Shop {
    pub(crate) upstream: Arc<Upstream>,
    pub(crate) agreed: Arc<Agreed>,
    pub(crate) answer_bytes_max: usize,
}

/// Who calls, beside what: goes with a request.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) meta: RequestMetaObject,
    pub(crate) listener: Option<Listener>,
}

/// Nothing was delivered, and why.
#[derive(Debug)]
pub(crate) struct NotServed(String);

impl Display for NotServed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

type Answer = Response<Full<Bytes>>;

impl tower::Service<Request<gateway::Body>> for Shop {
    type Response = Answer;
    type Error = NotServed;
    type Future = Pin<Box<dyn Future<Output = Result<Answer, NotServed>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), NotServed>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<gateway::Body>) -> Self::Future {
        let shop = self.clone();
        Box::pin(async move { shop.serve(request).await })
    }
}

impl Shop {
    async fn serve(&self, request: Request<gateway::Body>) -> Result<Answer, NotServed> {
        let (mut parts, body) = request.into_parts();
        let kind = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        let name = parts.uri.path().strip_prefix(ABOVE).unwrap_or_default();
        let Some(tool) = self.agreed.find(name).filter(|_| parts.method == METHOD) else {
            return Ok(refusal(StatusCode::NOT_FOUND, "there is no such tool"));
        };
        // Web pages of others can send anything but this without asking.
        if !kind.eq_ignore_ascii_case(RESULT_KIND) {
            return Ok(refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, "arguments are `application/json`"));
        }
        let body = body.collect().await.map_err(|_| NotServed("the arguments did not arrive".to_owned()))?;
        let Ok(arguments) = serde_json::from_slice::<JsonObject>(&body.to_bytes()) else {
            return Ok(refusal(StatusCode::BAD_REQUEST, "arguments are one JSON object"));
        };
        let caller = parts.extensions.remove::<Caller>();
        let (mut meta, listener) =
            caller.map_or_else(Default::default, |caller| (caller.meta, caller.listener));
        meta.retain(|name, _| !is_passed_by_us(name));
        if let Some(key) = parts.headers.get("idempotency-key").and_then(|key| key.to_str().ok()) {
            meta.insert(DELIVERY_KEY.to_owned(), json!(key));
        }
        let params = CallToolRequestParams::new(tool.name.clone()).with_arguments(arguments);
        let mut request = CallToolRequest::new(params);
        request.extensions.insert(meta);
        match self.upstream.ask(ClientRequest::CallToolRequest(request), listener).await {
            Ok(ServerResult::CallToolResult(result)) => self.answer(result),
            Ok(ServerResult::InputRequiredResult(_) | ServerResult::CreateTaskResult(_)) => {
                Err(NotServed("it asks for more in the midst of a call, which cannot be sold".to_owned()))
            }
            Ok(_) => Err(NotServed("its answer is no tool's".to_owned())),
            Err(NotAsked::Refused(fault)) => Ok(fault_answer(&fault)),
            Err(fault @ (NotAsked::Gone(_) | NotAsked::TooSlow | NotAsked::Busy)) => {
                Err(NotServed(fault.to_string()))
            }
        }
    }

    fn answer(&self, mut result: CallToolResult) -> Result<Answer, NotServed> {
        if asks_for_payment(&result) {
            return Err(NotServed("its answer asks for a payment, and it has none to ask for".to_owned()));
        }
        result.meta = without_ours(result.meta.take());
        let status = match result.is_error {
            Some(true) => StatusCode::UNPROCESSABLE_ENTITY,
            Some(false) | None => StatusCode::OK,
        };
        let text = serde_json::to_vec(&result).map_err(|fault| NotServed(fault.to_string()))?;
        if self.answer_bytes_max < text.len() {
            return Err(NotServed(format!("its answer is longer than {} bytes", self.answer_bytes_max)));
        }
        Ok(answer(status, RESULT_KIND, text))
    }
}

/// Whether a client of x402 would read a demand in a result.
fn asks_for_payment(result: &CallToolResult) -> bool {
    let says = |text: &str| {
        text.contains("x402Version")
            && serde_json::from_str::<Value>(text).is_ok_and(|value| is_demand(&value))
    };
    result.structured_content.as_ref().is_some_and(is_demand)
        || result.content.iter().filter_map(|block| block.as_text()).any(|block| says(&block.text))
}

/// What is about the way to us, or about money: not for the server behind.
fn is_passed_by_us(name: &str) -> bool {
    is_ours(name) || name.starts_with("io.modelcontextprotocol/") || name == "progressToken"
}

fn fault_answer(fault: &ErrorData) -> Answer {
    let text = serde_json::to_vec(fault).expect("an error is JSON");
    answer(StatusCode::UNPROCESSABLE_ENTITY, ERROR_KIND, text)
}

fn refusal(status: StatusCode, detail: &str) -> Answer {
    let text = serde_json::to_vec(&json!({ "detail": detail })).expect("it is JSON");
    answer(status, "application/problem+json", text)
}

fn answer(status: StatusCode, kind: &'static str, text: Vec<u8>) -> Answer {
    let mut answer = Response::new(Full::<Bytes>::new(text.into()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}
