//! The client of one server: proves its key once, then sends each request with a code of its own, and again where that is safe.
//!
//! A request is repeated only as it is, under the same id, and only where it was not done or nobody knows: the server
//! was not reached, was busy, or its answer got lost. No repetition ever has a new id, so none can pay twice.

use crate::clock::{Clock, Nonces, fresh_bits};
use crate::credentials::Credentials;
use crate::failure::{Answer, Failure};
use crate::limits::{ANSWER_BYTES_MAX, BACKOFF_MAX, BACKOFF_MIN, CONNECT_TIMEOUT, TRIES_MAX, TRY_TIMEOUT};
use crate::pay::Payer;
use crate::session::Sessions;
use crate::sign::ToSign;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use url::Url;
use wire::problem::{Next, Problem};
use wire::version::{IDEMPOTENCY_KEY_HEADER, VERSION, VERSION_HEADER};
use wire::{RequestId, id};

/// How requests show whose they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Auth {
    /// By a code of the session, which costs a hundredth of a signature.
    #[default]
    Session,
    /// Each by its own signature: for what an owner has to be present for, and for evidence.
    Signed,
}

/// A client of one server. Cloning it is cheap, and clones share session and connections.
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
    auth: Auth,
}

#[derive(Debug)]
pub(crate) struct Inner {
    http: reqwest::Client,
    base: Url,
    /// None for a stranger, who signs nothing.
    pub(crate) credentials: Option<Credentials>,
    pub(crate) clock: Clock,
    nonces: Nonces,
    sessions: Sessions,
    pub(crate) payer: OnceLock<Payer>,
}

/// A base address that no request can be sent to.
#[derive(Debug, thiserror::Error)]
pub enum NotAServer {
    /// It is no address.
    #[error("`{0}` is not the address of a server: it has to be like `https://pay.example` without a path")]
    Address(String),
    /// TLS cannot be set up.
    #[error("no HTTP client: {0}")]
    Http(String),
}

/// One request before it is signed.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) body: Vec<u8>,
    pub(crate) idempotency_key: Option<RequestId>,
}

/// What came back: a status and a body, whatever they say.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) body: Vec<u8>,
    retry_after: Option<Duration>,
}

impl Client {
    /// A client of the server at `base_url`, acting with `credentials`. Nothing is sent yet.
    ///
    /// # Errors
    /// [`NotAServer`].
    pub fn new(base_url: &str, credentials: Credentials) -> Result<Client, NotAServer> {
        Client::with_clock(base_url, credentials, Clock::system())
    }

    /// The same, with a clock of its own: for a server whose clock was put forward.
    ///
    /// # Errors
    /// [`NotAServer`].
    pub fn with_clock(base_url: &str, credentials: Credentials, clock: Clock) -> Result<Client, NotAServer> {
        Client::made(base_url, Some(credentials), clock)
    }

    /// A client of nobody's, for what a server tells to everybody.
    ///
    /// # Errors
    /// [`NotAServer`].
    pub fn stranger(base_url: &str) -> Result<Client, NotAServer> {
        Ok(Client::made(base_url, None, Clock::system())?.with_auth(Auth::Signed))
    }

    fn made(base_url: &str, credentials: Option<Credentials>, clock: Clock) -> Result<Client, NotAServer> {
        let base = Url::parse(base_url)
            .ok()
            .filter(|url| {
                matches!(url.scheme(), "http" | "https") && url.path() == "/" && url.query().is_none()
            })
            .ok_or_else(|| NotAServer::Address(base_url.to_owned()))?;
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TRY_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .tcp_nodelay(true)
            .build()
            .map_err(|fault| NotAServer::Http(fault.to_string()))?;
        Ok(Client {
            inner: Arc::new(Inner {
                http,
                base,
                credentials,
                clock,
                nonces: Nonces::default(),
                sessions: Sessions::default(),
                payer: OnceLock::new(),
            }),
            auth: Auth::Session,
        })
    }

    pub(crate) fn of(inner: Arc<Inner>) -> Client {
        Client { inner, auth: Auth::Session }
    }

    /// The same client, showing whose its requests are by `auth`.
    #[must_use]
    pub fn with_auth(&self, auth: Auth) -> Client {
        Client { inner: Arc::clone(&self.inner), auth }
    }

    /// 128 bits for a new identifier, such as `PaymentId(client.fresh_id())`: once for one purchase.
    pub fn fresh_id(&self) -> u128 {
        fresh_bits(self.inner.clock.now())
    }

    /// The clock of this client.
    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// The address of the server.
    pub fn base_url(&self) -> &Url {
        &self.inner.base
    }

    /// Reads what is at `path`, which may have a query.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        let draft = self.draft(Method::GET, path, Vec::new(), None)?;
        read(&self.send(draft).await?)
    }

    /// Reads the bytes at `path`, whatever they are.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn read(&self, path: &str) -> Result<Vec<u8>, Failure> {
        let reply = self.send(self.draft(Method::GET, path, Vec::new(), None)?).await?;
        if reply.status.is_success() { Ok(reply.body) } else { Err(refused(&reply)) }
    }

    /// Makes something that has its id in `body`.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn make<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Failure> {
        let draft = self.draft(Method::POST, path, json(body), None)?;
        read(&self.send(draft).await?)
    }

    /// Makes something an owner may be asked about first.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn purchase<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Answer<T>, Failure> {
        let draft = self.draft(Method::POST, path, json(body), None)?;
        let reply = self.send(draft).await?;
        if reply.status == StatusCode::ACCEPTED {
            return Ok(Answer::Asked(Box::new(parse(&reply.body)?)));
        }
        Ok(Answer::Done(read(&reply)?))
    }

    /// A purchase that is named by `key` and not in its body.
    pub(crate) async fn keyed_purchase<T: DeserializeOwned>(
        &self,
        path: &str,
        key: RequestId,
        new: &impl Serialize,
    ) -> Result<Answer<T>, Failure> {
        let reply = self.send(self.draft(Method::POST, path, json(new), Some(key))?).await?;
        if reply.status == StatusCode::ACCEPTED {
            return Ok(Answer::Asked(Box::new(read(&reply)?)));
        }
        Ok(Answer::Done(read(&reply)?))
    }

    /// Changes something under the name `key`, so that it happens once.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn change<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        key: RequestId,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        let draft = self.draft(method, path, json(body), Some(key))?;
        read(&self.send(draft).await?)
    }

    pub(crate) fn draft(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
        idempotency_key: Option<RequestId>,
    ) -> Result<Draft, Failure> {
        let url =
            self.inner.base.join(path).map_err(|fault| Failure::Unreachable(format!("`{path}`: {fault}")))?;
        Ok(Draft { method, url, body, idempotency_key })
    }

    /// Sends a request until it is answered, at most [`TRIES_MAX`] times.
    pub(crate) async fn send(&self, draft: Draft) -> Result<Reply, Failure> {
        let mut wait = BACKOFF_MIN;
        let mut may_be_done = false;
        let mut session_is_new = false;
        let mut tries = 1;
        loop {
            let outcome = self.send_once(&draft).await;
            let again = match &outcome {
                // The server may have forgotten the session; a second refusal is the answer.
                Ok(reply) if reply.status == StatusCode::UNAUTHORIZED => {
                    self.auth == Auth::Session && !std::mem::replace(&mut session_is_new, true)
                }
                Ok(reply) => reply.is_to_be_repeated(),
                Err(Failure::Unreachable(_) | Failure::Unknown(_)) => true,
                Err(Failure::Refused(_) | Failure::Unreadable(_)) => false,
            };
            may_be_done |= matches!(&outcome, Err(Failure::Unknown(_)));
            if !again || TRIES_MAX <= tries {
                return match outcome {
                    // An earlier try went out, so "never reached" would be too much said.
                    Err(Failure::Unreachable(why)) if may_be_done => Err(Failure::Unknown(why)),
                    outcome => outcome,
                };
            }
            let asked = outcome.ok().and_then(|reply| reply.retry_after);
            tokio::time::sleep(asked.unwrap_or(wait).min(BACKOFF_MAX)).await;
            wait = wait.saturating_mul(2).min(BACKOFF_MAX);
            tries += 1;
        }
    }

    async fn send_once(&self, draft: &Draft) -> Result<Reply, Failure> {
        match self.auth {
            Auth::Signed => self.send_signed(draft).await,
            Auth::Session => {
                let session = self.inner.sessions.current(self).await?;
                let nonce = self.inner.nonces.next(self.inner.clock.now());
                let header = session.authorization(draft, nonce);
                let reply = self.exchange(draft, vec![("authorization", header)]).await?;
                if reply.status == StatusCode::UNAUTHORIZED {
                    self.inner.sessions.forget(&session).await;
                }
                Ok(reply)
            }
        }
    }

    /// The headers that show whose a request is, for whoever sends it by other means. Each call is for one request.
    ///
    /// # Errors
    /// [`Failure`], where no session can be opened.
    pub async fn auth_headers(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
    ) -> Result<Vec<(&'static str, String)>, Failure> {
        let draft = self.draft(method, path, body, None)?;
        match self.auth {
            Auth::Signed => Ok(self.signature(&draft)),
            Auth::Session => {
                let session = self.inner.sessions.current(self).await?;
                let nonce = self.inner.nonces.next(self.inner.clock.now());
                Ok(vec![("authorization", session.authorization(&draft, nonce))])
            }
        }
    }

    /// Sends a request once with a signature of its own.
    pub(crate) async fn send_signed(&self, draft: &Draft) -> Result<Reply, Failure> {
        self.exchange(draft, self.signature(draft)).await
    }

    fn signature(&self, draft: &Draft) -> Vec<(&'static str, String)> {
        let Some(credentials) = &self.inner.credentials else { return Vec::new() };
        let now = self.inner.clock.now();
        let signed = ToSign {
            method: draft.method.as_str(),
            url: &draft.url,
            body: &draft.body,
            created_seconds: now.0 / 1_000_000_000,
            nonce: self.inner.nonces.next(now),
        }
        .sign(credentials);
        let mut headers = vec![("signature-input", signed.signature_input), ("signature", signed.signature)];
        headers.extend(signed.content_digest.map(|digest| ("content-digest", digest)));
        headers
    }

    async fn exchange(&self, draft: &Draft, auth: Vec<(&'static str, String)>) -> Result<Reply, Failure> {
        let mut headers = HeaderMap::new();
        headers.insert(VERSION_HEADER, HeaderValue::from_static(VERSION));
        if !draft.body.is_empty() {
            headers.insert("content-type", HeaderValue::from_static("application/json"));
        }
        let key = draft.idempotency_key.map(|key| (IDEMPOTENCY_KEY_HEADER, ulid(key)));
        for (name, value) in auth.into_iter().chain(key) {
            let value = HeaderValue::try_from(value).expect("our headers are printable ASCII");
            headers.insert(HeaderName::from_static(name), value);
        }
        let mut response = self
            .inner
            .http
            .request(draft.method.clone(), draft.url.clone())
            .headers(headers)
            .body(draft.body.clone())
            .send()
            .await
            .map_err(lost)?;
        let status = response.status();
        let retry_after = response
            .headers()
            .get("retry-after")
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map(Duration::from_secs);
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(lost)? {
            if ANSWER_BYTES_MAX < body.len() + chunk.len() {
                return Err(Failure::Unreadable("it is too long".to_owned()));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply { status, body, retry_after })
    }
}

impl Reply {
    /// Whether the same request may be answered otherwise in a moment, and was not done now.
    fn is_to_be_repeated(&self) -> bool {
        if matches!(self.status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
            return true;
        }
        let says_so = |problem: Problem| {
            // Many requests at once may overtake each other by more nonces than the server remembers: draw again.
            problem.code == "nonce_used" || (problem.retryable && problem.next == Next::SameId)
        };
        self.status.is_client_error() && parse(&self.body).is_ok_and(says_so)
    }
}

/// Reads an answer: what was asked for, or a problem.
pub(crate) fn read<T: DeserializeOwned>(reply: &Reply) -> Result<T, Failure> {
    if reply.status.is_success() {
        return parse(&reply.body);
    }
    Err(refused(reply))
}

pub(crate) fn refused(reply: &Reply) -> Failure {
    match parse::<Problem>(&reply.body) {
        Ok(problem) => Failure::Refused(Box::new(problem)),
        Err(_) => Failure::Unreadable(format!("status {}", reply.status.as_u16())),
    }
}

pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|fault| Failure::Unreadable(fault.to_string()))
}

pub(crate) fn json(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).expect("the shapes of the API are JSON")
}

/// The 26 characters of an id, without its prefix.
fn ulid(key: id::RequestId) -> String {
    let text = key.to_string();
    text.split_once('_').map(|(_, bits)| bits.to_owned()).unwrap_or(text)
}

/// A connection that was never made did nothing; anything later may have.
fn lost(fault: reqwest::Error) -> Failure {
    let why = cause(&fault);
    if fault.is_connect() {
        return Failure::Unreachable(why);
    }
    Failure::Unknown(why)
}

/// The innermost cause, which is the one that says something.
pub(crate) fn cause(fault: &dyn std::error::Error) -> String {
    let mut fault = fault;
    while let Some(source) = fault.source() {
        fault = source;
    }
    fault.to_string()
}
