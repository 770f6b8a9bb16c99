//! Where the agent is reached: its card for everybody, and its tasks in two bindings, by whoever speaks the version.
//!
//! Nobody needs a key. Whoever shows one that they made up themselves keeps their tasks to themselves and can list them; whoever
//! shows none is known by the names of their tasks, which nobody guesses.

mod rest;
mod rpc;
mod stream;

use crate::agent::{Agent, JWKS_PATH};
use crate::desk::{Accepted, Asker, Desk, End, Following, write_token};
use crate::limits::{
    BODY_TIMEOUT, CARD_FRESH_SECONDS, CLIENT_KEY_CHARS_MAX, CLIENT_KEY_CHARS_MIN, CONNECTIONS_MAX,
    DRAIN_TIMEOUT, HEAD_BYTES_MAX, HEAD_TIMEOUT, HEADERS_MAX,
};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use bytes::Bytes;
use evidence::Hash;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper_util::service::TowerToHyperService;
use listen::Limits;
use protocols::a2a::paying::EXTENSIONS;
use protocols::a2a::{
    CARD_PATH, Call, EXTENSIONS_HEADER, Fault, OLD_EXTENSIONS_HEADER, Send, VERSION_HEADER, Wait, speaks,
};
use protocols::limits::A2A_REQUEST_BYTES_MAX;
use protocols::sabotage::{Sabotage, has};
use serde_json::{Value, json};
use std::future::Future;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use url::form_urlencoded;

/// The path at which clients ask in JSON-RPC.
pub const RPC_PATH: &str = "/a2a";

/// The path below which clients ask in HTTP+JSON.
pub const REST_PATH: &str = "/a2a/http";

/// What strangers may do to the listener.
const LIMITS: Limits = Limits {
    head_timeout: HEAD_TIMEOUT,
    head_bytes_max: HEAD_BYTES_MAX,
    header_count_max: HEADERS_MAX,
    connection_count_max: CONNECTIONS_MAX,
    shutdown_timeout: DRAIN_TIMEOUT,
};

/// What a call came to.
enum Answer {
    /// This.
    Value(Value),
    /// What becomes of a task from now on, until then.
    Stream(Following, End),
}

/// The routes of an agent. What is at none of its own paths is a plain request, under the same prices.
pub fn router(agent: Agent) -> Router {
    Router::new()
        .route(CARD_PATH, get(card))
        .route(JWKS_PATH, get(keys))
        .route(RPC_PATH, any(rpc::answer))
        // What some clients make of it, who join an empty path to it.
        .route(&format!("{RPC_PATH}/"), any(rpc::answer))
        .route(REST_PATH, any(rest::answer))
        .route(&format!("{REST_PATH}/{{*path}}"), any(rest::answer))
        .fallback(plain)
        .with_state(agent)
}

/// Answers requests until `shutdown` is done, then finishes those under way and tells the payment service what is left.
pub async fn serve(listener: TcpListener, agent: Agent, shutdown: impl Future<Output = ()>) {
    let gateway = agent.0.gateway.clone();
    let mut beside = JoinSet::new();
    beside.spawn(gateway.clone().run());
    let routes = router(agent);
    listen::serve(listener, LIMITS, TowerToHyperService::new(routes), shutdown).await;
    drop(beside);
    if let Err(fault) = gateway.settle().await {
        tracing::error!(%fault, "what is left could not be told; it is told at the next start");
    }
}

async fn card(State(agent): State<Agent>) -> Response {
    published(&agent.0.card)
}

async fn keys(State(agent): State<Agent>) -> Response {
    published(&agent.0.keys)
}

async fn plain(State(agent): State<Agent>, request: Request) -> Response {
    agent.0.desk.till().plain(request).await.map(Body::new)
}

fn published(text: &str) -> Response {
    let tag = format!("\"{}\"", evidence::base64url::encode(Hash::of(text.as_bytes()).as_bytes()));
    let headers = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::CACHE_CONTROL, format!("public, max-age={CARD_FRESH_SECONDS}")),
        (header::ETAG, tag),
    ];
    (headers, text.to_owned()).into_response()
}

/// Who asks, if they speak the version, and show a key or none.
fn asker(parts: &Parts) -> Result<Asker, Fault> {
    let version =
        parts.headers.get(VERSION_HEADER).map(|value| value.to_str().unwrap_or_default().to_owned());
    let version = version.or_else(|| {
        let query = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        query
            .into_iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(VERSION_HEADER))
            .map(|(_, value)| value.into_owned())
    });
    if !version.is_some_and(|version| speaks(&version)) && !has(Sabotage::AnyVersion) {
        return Err(Fault::VersionNotSupported);
    }
    let peer = parts.extensions.get::<listen::Peer>().copied();
    let mut shown = parts.headers.get_all(header::AUTHORIZATION).iter();
    let client = match (shown.next(), shown.next()) {
        (None, _) => None,
        (Some(value), None) => Some(client_of(value).ok_or(Fault::Unauthenticated)?),
        (Some(_), Some(_)) => return Err(Fault::Unauthenticated),
    };
    Ok(Asker { client, peer })
}

/// The digest of a client's key.
fn client_of(value: &HeaderValue) -> Option<Hash> {
    let (scheme, key) = value.to_str().ok()?.split_once(' ')?;
    let is_key = scheme.eq_ignore_ascii_case("bearer")
        && (CLIENT_KEY_CHARS_MIN..=CLIENT_KEY_CHARS_MAX).contains(&key.len())
        && key.bytes().all(|byte| byte.is_ascii_graphic());
    is_key.then(|| Hash::of(key.as_bytes()))
}

/// The body of a request, whole.
async fn body_of(body: Body) -> Result<Bytes, Fault> {
    let late = || Fault::Request("its body did not arrive".to_owned());
    let reading = Limited::new(body, A2A_REQUEST_BYTES_MAX).collect();
    match tokio::time::timeout(BODY_TIMEOUT, reading).await.map_err(|_| late())? {
        Ok(body) => Ok(body.to_bytes()),
        Err(fault) if fault.is::<LengthLimitError>() => {
            Err(Fault::Request(format!("it is longer than {A2A_REQUEST_BYTES_MAX} bytes")))
        }
        Err(_) => Err(late()),
    }
}

/// Does what is asked, the same in both bindings.
async fn call(desk: &Arc<Desk>, asker: Asker, call: Call) -> Result<Answer, Fault> {
    match call {
        Call::SendMessage(send) => {
            let (wait, history) = (send.wait, send.history_length);
            let (following, accepted) = take(desk, asker, *send).await?;
            desk.start(accepted, asker.peer);
            let kept = match wait {
                Wait::UntilDone => desk.wait(following).await?,
                Wait::No => desk.find(asker, following.id()).await?,
            };
            Ok(Answer::Value(json!({ "task": kept.task.with_history(history).to_json() })))
        }
        Call::SendStreamingMessage(send) => {
            let (following, accepted) = take(desk, asker, *send).await?;
            desk.start(accepted, asker.peer);
            Ok(Answer::Stream(following, End::AtRest))
        }
        Call::GetTask { id, history_length } => {
            let kept = desk.find(asker, &id).await?;
            Ok(Answer::Value(kept.task.with_history(history_length).to_json()))
        }
        Call::ListTasks(listing) => {
            let size = listing.page_size;
            let page = desk.list(asker, listing).await?;
            let tasks: Vec<Value> = page.tasks.iter().map(protocols::a2a::Task::to_json).collect();
            let next = page.next.map(write_token).unwrap_or_default();
            Ok(Answer::Value(
                json!({ "tasks": tasks, "nextPageToken": next, "pageSize": size, "totalSize": page.count }),
            ))
        }
        Call::CancelTask { id } => Ok(Answer::Value(desk.cancel(asker, &id).await?.task.to_json())),
        Call::SubscribeToTask { id } => {
            let kept = desk.find(asker, &id).await?;
            if kept.task.status.state.is_over() {
                return Err(Fault::UnsupportedOperation(
                    "the task is over: nothing more becomes of it".to_owned(),
                ));
            }
            // It may wait now, and be paid for by another.
            Ok(Answer::Stream(desk.follow(&id).await?, End::WhenOver))
        }
        Call::PushNotifications => Err(Fault::PushNotificationNotSupported),
        Call::GetExtendedAgentCard => {
            Err(Fault::UnsupportedOperation("this agent has one card, for everybody".to_owned()))
        }
    }
}

/// Takes a message, and follows its task from before anything is done for it.
async fn take(desk: &Arc<Desk>, asker: Asker, send: Send) -> Result<(Following, Accepted), Fault> {
    let accepted = desk.accept(asker, send).await?;
    let following = desk.follow(&accepted.kept.task.id).await?;
    Ok((following, accepted))
}

/// Says which of the extensions that a client named count, in the headers of both names.
fn with_extensions(asked: &HeaderMap, mut answer: Response) -> Response {
    let named = [EXTENSIONS_HEADER, OLD_EXTENSIONS_HEADER].into_iter().flat_map(|name| asked.get_all(name));
    let named = named.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let mut count: Vec<&str> = named.map(str::trim).filter(|uri| EXTENSIONS.contains(uri)).collect();
    count.dedup();
    if let Ok(value) = HeaderValue::try_from(count.join(", "))
        && !value.is_empty()
    {
        for name in [EXTENSIONS_HEADER, OLD_EXTENSIONS_HEADER] {
            answer.headers_mut().insert(HeaderName::from_static(name), value.clone());
        }
    }
    answer
}

/// An answer with a body of JSON, which nobody keeps for others.
fn said(status: u16, kind: &'static str, body: &Value) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-store")];
    let mut answer = (status, headers, body.to_string()).into_response();
    if status == StatusCode::UNAUTHORIZED {
        answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    answer
}

/// Whether a request says that its body is JSON. Web pages of others can send anything but this without asking.
fn is_json(headers: &HeaderMap, kinds: &[&str]) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kinds.iter().any(|wanted| kind.eq_ignore_ascii_case(wanted))
}
