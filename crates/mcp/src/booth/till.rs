//! A call of a tool, as the request that the paywall prices; and its answer, as the tool's result.

use super::agreed::{PIN, listed};
use super::shop::{Caller, ERROR_KIND, RESULT_KIND};
use super::upstream::Listener;
use super::{Booth, unreachable};
use crate::answer::{Next, Trouble};
use crate::limits::SAID_BYTES_MAX;
use bytes::Bytes;
use gateway::tools::{COUPON, METHOD, SAID, Standing};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use protocols::tools::{self, PAYMENT, RESPONSE};
use protocols::x402::{PAYMENT_REQUIRED, PAYMENT_RESPONSE, PAYMENT_SIGNATURE};
use rmcp::RoleServer;
use rmcp::model::{CallToolRequestParams, CallToolResponse, CallToolResult, ErrorData, MetaObject};
use rmcp::service::RequestContext;
use serde_json::{Value, json};
use tower::ServiceExt;

/// The member of a call's `_meta` with a coupon.
const COUPON_MEMBER: &str = "tollbridge/coupon";

/// The member of a call's `_meta` with the key by which repetitions are known.
pub(crate) const IDEMPOTENCY_KEY: &str = "tollbridge/idempotency-key";

/// A header that no payment is read from.
const UNREADABLE: HeaderValue = HeaderValue::from_static("-");

impl Booth {
    /// Calls a tool: for nothing, for its price, or not at all.
    pub(super) async fn call(
        &self,
        params: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let name = params.name.as_ref();
        let unknown = || ErrorData::invalid_params("there is no such tool", None);
        if params.request_state.is_some() || params.input_responses.is_some() {
            return Err(ErrorData::invalid_params("nothing was asked in the midst of this call", None));
        }
        let path =
            gateway::tools::path(name).filter(|_| self.0.agreed.was_agreed(name)).ok_or_else(unknown)?;
        let standing = match self.0.gateway.tool(name) {
            Standing::NotSold => return Err(unknown()),
            standing @ (Standing::Free | Standing::Priced(_)) => standing,
        };
        let payment = context.meta.get(PAYMENT).cloned();
        // Nothing is billed that is not there, or is not what was agreed to.
        if payment.is_none()
            && standing != Standing::Free
            && let Err(fault) = self.look().await
        {
            return Ok(unreachable(&fault).into());
        }
        let Some(tool) = self.0.agreed.find(name) else { return Ok(changed().into()) };
        let pin = listed(tool, &standing, self.sold_by()).and_then(|tool| tool.meta?.0.remove(PIN));
        if context.meta.get(PIN).is_some_and(|wanted| Some(wanted) != pin.as_ref()) {
            return Ok(changed().into());
        }
        let body = tools::arguments(&params.arguments.unwrap_or_default());
        let body = body.ok_or_else(|| {
            ErrorData::invalid_params("a number in `arguments` has no single meaning", None)
        })?;
        let mut request = Request::new(Full::<Bytes>::new(body.into()));
        *request.method_mut() = METHOD.parse().expect("it is a method");
        *request.uri_mut() = path.parse().expect("a plain path is an address");
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(RESULT_KIND));
        if let Some(payment) = &payment {
            let value =
                tools::signature(name, payment).ok().and_then(|value| HeaderValue::try_from(value).ok());
            headers.insert(PAYMENT_SIGNATURE, value.unwrap_or(UNREADABLE));
        }
        for (member, header) in [(COUPON_MEMBER, COUPON), (IDEMPOTENCY_KEY, "idempotency-key")] {
            if let Some(said) = context.meta.get(member) {
                let value = said.as_str().and_then(|said| HeaderValue::try_from(said).ok());
                let wrong =
                    || ErrorData::invalid_params(format!("`{member}` is no text that a header has"), None);
                headers.insert(header, value.ok_or_else(wrong)?);
            }
        }
        let parts = context.extensions.get::<http::request::Parts>();
        if let Some(peer) = parts.and_then(|parts| parts.extensions.get::<listen::Peer>()) {
            request.extensions_mut().insert(*peer);
        }
        let listener = context.meta.get_progress_token();
        let listener = listener.map(|token| Listener { peer: context.peer.clone(), token });
        request.extensions_mut().insert(Caller { meta: context.meta.clone(), listener });
        let answer = tokio::select! {
            // What is paid for goes on without who asked, and is there when it is asked for again.
            () = context.ct.cancelled() => return Err(ErrorData::internal_error("the call was cancelled", None)),
            answer = self.0.till.clone().oneshot(request) => answer.unwrap_or_else(|never| match never {}),
        };
        let is_paid = payment.is_some() && standing != Standing::Free;
        self.result(name, is_paid, answer).await
    }

    /// What the paywall answers, as the result of a tool.
    async fn result(
        &self,
        name: &str,
        is_paid: bool,
        answer: Response<gateway::Body>,
    ) -> Result<CallToolResponse, ErrorData> {
        let (parts, body) = answer.into_parts();
        let bytes_max = self.0.gateway.answer_body_bytes_max().saturating_add(SAID_BYTES_MAX);
        let Ok(body) = Limited::new(body, bytes_max).collect().await else {
            return Ok(broken("The answer broke off.", is_paid).into());
        };
        let body = body.to_bytes();
        let kind = text(&parts.headers, CONTENT_TYPE.as_str()).unwrap_or_default();
        let said = text(&parts.headers, PAYMENT_RESPONSE).and_then(|value| tools::said(value).ok());
        let result = match (parts.status, kind) {
            (StatusCode::PAYMENT_REQUIRED, _) => {
                let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
                let why = problem.get("detail").and_then(Value::as_str).unwrap_or("Payment required.");
                let asked = text(&parts.headers, PAYMENT_REQUIRED);
                match asked.map(|asked| tools::demanded(asked, name, why)) {
                    Some(Ok(demand)) => CallToolResult::structured_error(demand),
                    Some(Err(_)) | None => CallToolResult::structured_error(problem),
                }
            }
            // Paid for, delivered, and never to be had by the seller: it is not given away.
            (StatusCode::OK, RESULT_KIND) if is_paid && !said.as_ref().is_some_and(tools::is_paid) => {
                broken("The payment was not settled, so the answer is withheld.", is_paid)
            }
            (StatusCode::OK | StatusCode::UNPROCESSABLE_ENTITY, RESULT_KIND) => {
                match serde_json::from_slice::<CallToolResult>(&body) {
                    Ok(result) => result,
                    Err(_) => broken("What was kept cannot be read.", is_paid),
                }
            }
            (StatusCode::UNPROCESSABLE_ENTITY, ERROR_KIND) => {
                let fault: ErrorData = serde_json::from_slice(&body)
                    .unwrap_or_else(|_| ErrorData::internal_error("an error that cannot be read", None));
                if !is_paid {
                    return Err(fault);
                }
                // An error of JSON-RPC has no place for what became of the money.
                CallToolResult::structured_error(json!({ "code": fault.code.0, "detail": fault.message }))
            }
            (_, _) => match serde_json::from_slice::<Value>(&body) {
                Ok(problem @ Value::Object(_)) => CallToolResult::structured_error(problem),
                Ok(_) | Err(_) => broken("The gateway answered something else.", is_paid),
            },
        };
        Ok(with_said(result, &parts.headers, said).into())
    }
}

/// Puts what was said about money into a result's `_meta`.
fn with_said(mut result: CallToolResult, headers: &HeaderMap, said: Option<Value>) -> CallToolResult {
    let mut meta = result.meta.take().unwrap_or_default();
    if let Some(said) = said {
        meta.0.insert(RESPONSE.to_owned(), said);
    }
    for (header, member) in SAID {
        if let Some(value) = text(headers, header) {
            meta.0.insert((*member).to_owned(), json!(value));
        }
    }
    result.with_meta(Some(meta).filter(|meta: &MetaObject| !meta.0.is_empty()))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn changed() -> CallToolResult {
    let detail = "Nothing was spent. The tool or its price is not what was listed: it is not sold until the seller agrees to it. \
                  List the tools again.";
    CallToolResult::structured_error(Trouble::new("tool_changed", Next::Stop, detail).into_value())
}

fn broken(why: &str, is_paid: bool) -> CallToolResult {
    let money = match is_paid {
        true => "Nothing is known about the payment now. Send the same payment again; pay nothing again.",
        false => "Nothing was spent.",
    };
    let detail = format!("{money} {why}");
    CallToolResult::structured_error(Trouble::new("unavailable", Next::Same, detail).into_value())
}
