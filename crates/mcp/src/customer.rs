//! The customer: calls a priced tool of any server, and pays for it in x402, once for each purchase key.
//!
//! Whom it pays, how much, and for what is in the bill that the seller signed, as it is over HTTP; only the way to the tool is
//! another. A tool whose demand has no signed bill is not paid.

use crate::booth::{IDEMPOTENCY_KEY, Link, PRICE, Place};
use crate::limits::{CALL_TIMEOUT, SELLER_ANSWER_BYTES_MAX, TOOL_PAGES_MAX};
use protocols::tools::{self, NEEDED, PAYMENT};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use rmcp::RoleClient;
use rmcp::model::{
    CallToolRequest, CallToolRequestParams, CallToolResult, ClientRequest, JsonObject,
    PaginatedRequestParams, RequestMetaObject, ServerResult, Tool,
};
use rmcp::service::{Peer, ServiceError};
use sdk::{AskedElsewhere, Asking, Buyer, Fetch, NotBought, Purchase, SellerAnswer};
use serde_json::{Value, json};
use wire::Money;

/// One call, and what it may cost.
#[derive(Clone, Debug)]
pub struct Order {
    /// The tool.
    pub tool: String,
    /// Its arguments.
    pub arguments: JsonObject,
    /// Names the purchase: doing it again under this name pays nothing again.
    pub purchase: String,
    /// The most it may cost.
    pub price_max: Money,
    /// Why it is bought, for the owner to read.
    pub why: Option<String>,
}

/// Why nothing was called. Nothing was paid, either.
#[derive(Debug, thiserror::Error)]
pub enum NotCalled {
    /// The server is not there, or speaks something else.
    #[error("the server: {0}")]
    Server(String),
    /// It has no such tool.
    #[error("there is no tool `{0}`")]
    NoTool(String),
    /// A number in the arguments has no single meaning.
    #[error("a number in the arguments has no single meaning")]
    Arguments,
    /// It was not bought.
    #[error(transparent)]
    NotBought(#[from] NotBought),
}

/// Calls a tool, and pays for it where it costs something.
///
/// # Errors
/// [`NotCalled`]: nothing was paid by this call.
pub async fn call(buyer: Buyer, place: &Place, order: Order) -> Result<Purchase, NotCalled> {
    let link = tokio::time::timeout(CALL_TIMEOUT, Link::open(place, SELLER_ANSWER_BYTES_MAX));
    let link = link.await.map_err(|_| NotCalled::Server("it did not answer in time".to_owned()))?;
    let link = link.map_err(NotCalled::Server)?;
    let peer = link.peer().clone();
    let listed = tokio::time::timeout(CALL_TIMEOUT, find(&peer, &order.tool)).await;
    let tool = listed.map_err(|_| NotCalled::Server("it did not list its tools in time".to_owned()))??;
    let body = tools::arguments(&order.arguments).ok_or(NotCalled::Arguments)?;
    let fetch = Fetch {
        method: "POST".to_owned(),
        // What has no address is free, or is billed for an address that is not this one, and not paid.
        url: resource(&tool).unwrap_or_else(|| format!("http://tool.invalid/{}", order.tool)),
        headers: HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]),
        body,
        purchase: order.purchase,
        price_max: order.price_max,
        why: order.why,
    };
    let (name, arguments) = (order.tool, order.arguments);
    let asking = Asking::new(move |asked| {
        let (peer, name, arguments) = (peer.clone(), name.clone(), arguments.clone());
        async move { ask(&peer, &name, arguments, asked).await }
    });
    let bought = buyer.asking(asking).fetch(&fetch).await;
    drop(link);
    Ok(bought?)
}

/// The result of a tool in what was bought.
pub fn result(purchase: &Purchase) -> Option<CallToolResult> {
    serde_json::from_slice(&purchase.answer.as_ref()?.body).ok()
}

async fn find(peer: &Peer<RoleClient>, name: &str) -> Result<Tool, NotCalled> {
    let mut page = None;
    for _ in 0..TOOL_PAGES_MAX {
        let params = PaginatedRequestParams::default().with_cursor(page);
        let listed =
            peer.list_tools(Some(params)).await.map_err(|fault| NotCalled::Server(fault.to_string()))?;
        if let Some(tool) = listed.tools.into_iter().find(|tool| tool.name == name) {
            return Ok(tool);
        }
        page = listed.next_cursor;
        if page.is_none() {
            break;
        }
    }
    Err(NotCalled::NoTool(name.to_owned()))
}

/// The address of a tool as a plain request, which its bill is for.
fn resource(tool: &Tool) -> Option<String> {
    let price = tool.meta.as_ref()?.get(PRICE)?;
    Some(price.get("resource")?.as_str()?.to_owned())
}

async fn ask(
    peer: &Peer<RoleClient>,
    name: &str,
    arguments: JsonObject,
    asked: AskedElsewhere,
) -> Result<SellerAnswer, String> {
    let mut meta = RequestMetaObject::default();
    if let Some(key) = asked.headers.get("idempotency-key").and_then(|key| key.to_str().ok()) {
        meta.insert(IDEMPOTENCY_KEY.to_owned(), json!(key));
    }
    if let Some(paid) = &asked.paid {
        let payment = tools::payment(name, &paid.needed, &paid.proof).map_err(|fault| fault.to_string())?;
        meta.insert(PAYMENT.to_owned(), payment);
    }
    let mut request =
        CallToolRequest::new(CallToolRequestParams::new(name.to_owned()).with_arguments(arguments));
    request.extensions.insert(meta);
    let answer =
        tokio::time::timeout(CALL_TIMEOUT, peer.send_request(ClientRequest::CallToolRequest(request))).await;
    match answer.map_err(|_| "it did not answer in time".to_owned())? {
        Ok(ServerResult::CallToolResult(result)) => answered(&result),
        Ok(_) => Err("it answered something else than a result".to_owned()),
        Err(ServiceError::McpError(fault)) => Err(format!("it refused: {}", fault.message)),
        Err(fault) => Err(fault.to_string()),
    }
}

/// A result as what HTTP would have answered.
fn answered(result: &CallToolResult) -> Result<SellerAnswer, String> {
    let said = |name: &str| result.meta.as_ref().and_then(|meta| meta.get(name)).and_then(Value::as_str);
    let demand = result.structured_content.as_ref().filter(|value| tools::is_demand(value));
    let (status, body) = match demand {
        Some(demand) if result.is_error == Some(true) => {
            if said(NEEDED).is_none() {
                return Err("it asks for a payment without a signed bill, which is not paid".to_owned());
            }
            (402, serde_json::to_vec(&json!({ "detail": demand.get("error") })))
        }
        Some(_) | None => {
            let status = if result.is_error == Some(true) { 422 } else { 200 };
            (status, serde_json::to_vec(result))
        }
    };
    let body = body.map_err(|fault| fault.to_string())?;
    let mut headers = HeaderMap::new();
    for (header, member) in gateway::tools::SAID {
        if let Some(Ok(value)) = said(member).map(HeaderValue::try_from) {
            let name = HeaderName::try_from(*header).expect("our names are header names");
            headers.insert(name, value);
        }
    }
    Ok(SellerAnswer { status, headers, body })
}
