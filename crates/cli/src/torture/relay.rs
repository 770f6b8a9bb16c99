//! A network that does one thing wrong, once: an HTTP proxy between a buyer and a seller.

use crate::exit::{Failure, Outcome};
use futures_util::stream;
use http::{HeaderMap, Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use protocols::a402::headers::{PAYMENT_NEEDED, PAYMENT_PROOF};
use serde_json::Value;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use url::Url;

/// How often a request is repeated by [`Fault::Repeat`].
pub(super) const REPEATS: usize = 100;

/// How long the bytes of [`Fault::Trickle`] are apart.
const TRICKLE: Duration = Duration::from_millis(2);

/// How long an answer may take on the way.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) type Body = BoxBody<Bytes, io::Error>;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The request with the proof never arrives.
    LoseRequest,
    /// It arrives, and its answer never does.
    LoseAnswer,
    /// Its answer is the demand for payment, a second time.
    DemandAgain,
    /// Its answer is 502, of somebody in between.
    BadGateway,
    /// Half of its answer arrives.
    CutAnswer,
    /// Its answer arrives byte by byte.
    Trickle,
    /// It arrives a hundred times.
    Repeat,
    /// The demand asks for more than the seller did.
    Dearer,
    /// The demand names another payee than the seller did.
    OtherPayee,
}

impl Fault {
    /// Whether it is about the demand, and not about the request that carries the proof.
    fn is_of_demand(self) -> bool {
        match self {
            Fault::Dearer | Fault::OtherPayee => true,
            Fault::LoseRequest
            | Fault::LoseAnswer
            | Fault::DemandAgain
            | Fault::BadGateway
            | Fault::CutAnswer
            | Fault::Trickle
            | Fault::Repeat => false,
        }
    }
}

/// The proxy.
#[derive(Debug)]
pub(super) struct Relay {
    pub(super) url: Url,
    way: Arc<Way>,
}

#[derive(Debug)]
struct Way {
    client: reqwest::Client,
    /// What is still to go wrong.
    fault: Mutex<Option<Fault>>,
    /// The last demand that came by.
    demand: Mutex<Option<Passing>>,
    /// The bodies that were answered to a proof, each once.
    given: Mutex<Vec<Bytes>>,
}

/// An answer on its way.
#[derive(Clone, Debug)]
struct Passing {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
}

impl Relay {
    /// A network with one fault ahead.
    pub(super) async fn start(fault: Fault) -> Outcome<Relay> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address: SocketAddr = listener.local_addr()?;
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(PATIENCE);
        let client = client.build().map_err(|fault| Failure::fault(fault.to_string()))?;
        let (demand, given) = (Mutex::default(), Mutex::default());
        let way = Arc::new(Way { client, fault: Mutex::new(Some(fault)), demand, given });
        let through = way.clone();
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let way = through.clone();
                tokio::spawn(async move {
                    let service = service_fn(move |request| pass(way.clone(), request));
                    // A connection that ends is what this is for.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(connection), service)
                        .await;
                });
            }
        });
        let url =
            Url::parse(&format!("http://{address}")).map_err(|fault| Failure::fault(fault.to_string()))?;
        Ok(Relay { url, way })
    }

    /// Whether the fault is still ahead: then nothing was shown.
    pub(super) fn is_unused(&self) -> bool {
        self.way.fault.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// The different answers that were given for a proof.
    pub(super) fn given(&self) -> usize {
        self.way.given.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

async fn pass(way: Arc<Way>, request: Request<Incoming>) -> io::Result<Response<Body>> {
    let is_paid = request.headers().contains_key(PAYMENT_PROOF);
    let fault = {
        let mut ahead = way.fault.lock().unwrap_or_else(PoisonError::into_inner);
        if ahead.is_some_and(|fault| fault.is_of_demand() != is_paid) { ahead.take() } else { None }
    };
    let lost = || io::Error::other("lost on the way");
    if fault == Some(Fault::LoseRequest) {
        return Err(lost());
    }
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let send = || async {
        let asked = way.client.request(head.method.clone(), head.uri.to_string());
        let answer = asked.headers(kept(&head.headers)).body(body.clone()).send().await;
        let answer = answer.map_err(io::Error::other)?;
        let (status, headers) = (answer.status().as_u16(), kept(answer.headers()));
        io::Result::Ok(Passing { status, headers, body: answer.bytes().await.map_err(io::Error::other)? })
    };
    let mut answer = send().await;
    if fault == Some(Fault::Repeat) {
        for _ in 1..REPEATS {
            way.note(&answer);
            answer = send().await;
        }
    }
    if is_paid {
        way.note(&answer);
    }
    let mut answer = answer?;
    if answer.status == 402 {
        *way.demand.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer.clone());
    }
    match fault {
        None | Some(Fault::Repeat | Fault::LoseRequest) => {}
        Some(Fault::LoseAnswer) => return Err(lost()),
        Some(Fault::DemandAgain) => {
            let demand = way.demand.lock().unwrap_or_else(PoisonError::into_inner).clone();
            answer = demand.ok_or_else(lost)?;
        }
        Some(Fault::BadGateway) => {
            let body = Bytes::from_static(b"bad gateway");
            answer = Passing { status: 502, headers: HeaderMap::new(), body };
        }
        Some(Fault::Dearer) => change(&mut answer.headers, &["amount"], dearer),
        Some(Fault::OtherPayee) => change(&mut answer.headers, &["seller_unique_id", "payee"], another),
        Some(Fault::CutAnswer) => return Ok(cut(answer)),
        Some(Fault::Trickle) => return Ok(trickled(answer)),
    }
    let body = Full::new(answer.body.clone()).map_err(|never| match never {}).boxed();
    Ok(respond(&answer, body))
}

impl Way {
    /// Keeps what was given for a proof.
    fn note(&self, answer: &io::Result<Passing>) {
        let Ok(answer) = answer else { return };
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        if (200..300).contains(&answer.status) && !given.contains(&answer.body) {
            given.push(answer.body.clone());
        }
    }
}

/// The headers that mean something beyond one connection.
fn kept(headers: &HeaderMap) -> HeaderMap {
    let mut kept = headers.clone();
    for name in
        ["connection", "proxy-connection", "keep-alive", "transfer-encoding", "content-length", "host", "te"]
    {
        kept.remove(name);
    }
    kept
}

fn respond(answer: &Passing, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = answer.status.try_into().expect("it came as one");
    *response.headers_mut() = answer.headers.clone();
    response
}

/// An answer that says how long it is, and ends before.
fn cut(answer: Passing) -> Response<Body> {
    let half = answer.body.slice(..answer.body.len() / 2);
    let parts = [Ok(Frame::data(half)), Err(io::Error::other("cut off"))];
    let mut response = respond(&answer, BodyExt::boxed(StreamBody::new(stream::iter(parts))));
    response.headers_mut().insert(http::header::CONTENT_LENGTH, answer.body.len().into());
    response
}

fn trickled(answer: Passing) -> Response<Body> {
    let (length, bytes) = (answer.body.len(), answer.body.clone());
    let slowly = stream::unfold((bytes, 0), |(bytes, at)| async move {
        tokio::time::sleep(TRICKLE).await;
        let byte = bytes.get(at..at + 1).map(Bytes::copy_from_slice)?;
        Some((Ok(Frame::data(byte)), (bytes, at + 1)))
    });
    let mut response = respond(&answer, BodyExt::boxed(StreamBody::new(slowly)));
    response.headers_mut().insert(http::header::CONTENT_LENGTH, length.into());
    response
}

/// Changes every member of these names in a demand. Its signature stays as it was.
fn change(headers: &mut HeaderMap, names: &[&str], to: fn(&str) -> String) {
    let Some(value) = headers.get(PAYMENT_NEEDED).and_then(|value| value.to_str().ok()) else { return };
    let decoded = evidence::base64url::decode(value).and_then(|text| serde_json::from_slice(&text).ok());
    let Some(mut demand): Option<Value> = decoded else { return };
    change_members(&mut demand, names, to);
    let text = evidence::base64url::encode(demand.to_string().as_bytes());
    if let Ok(value) = text.parse() {
        headers.insert(http::HeaderName::from_static("payment-needed"), value);
    }
}

fn change_members(value: &mut Value, names: &[&str], to: fn(&str) -> String) {
    match value {
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                if let Value::String(text) = member
                    && names.contains(&name.as_str())
                {
                    *text = to(text);
                } else {
                    change_members(member, names, to);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| change_members(item, names, to)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The amount with its first digit changed: `0.01` is `9.01` then.
fn dearer(amount: &str) -> String {
    let rest = amount.get(1..).unwrap_or_default();
    if amount.starts_with('9') { format!("99{rest}") } else { format!("9{rest}") }
}

/// A payee's id with its last character changed.
fn another(payee: &str) -> String {
    let last = if payee.ends_with('0') { '1' } else { '0' };
    let mut text = payee.to_owned();
    text.pop();
    text.push(last);
    text
}
