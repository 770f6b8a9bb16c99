//! Somebody with a key: signs requests (RFC 9421), opens sessions, and sends requests that carry a session's code.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, anyhow};
use book::{Id, Time};
use evidence::{MacKey, Secret, SigningKey, base64url};
use serde_json::Value;

use crate::blackbox::http::{Connection, Lost, Reply, Request};

/// How long one request may stay without an answer.
const ANSWERED_WITHIN: Duration = Duration::from_secs(60);

/// The wait before a server that cannot be reached is tried again.
const AGAIN_AFTER: Duration = Duration::from_millis(20);

/// How long a read may be late.
const LATE_MAX: Duration = Duration::from_secs(30);

/// The nonces of this process: microseconds since 1970, none drawn twice.
static LAST_NONCE: AtomicU64 = AtomicU64::new(0);

/// A key, and where the server is. Clones share the session, not the connection.
#[derive(Debug)]
pub(crate) struct Caller {
    who: Arc<Who>,
    connection: Connection,
}

#[derive(Debug)]
struct Who {
    address: SocketAddr,
    key: String,
    signing: SigningKey,
    session: Mutex<Option<Session>>,
}

#[derive(Clone, Debug)]
struct Session {
    token: String,
    key: MacKey,
}

/// How a request shows whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Auth {
    /// By a signature of its own.
    Signed,
    /// By a code of the session.
    Session,
    /// By a signature that is another request's.
    Forged,
}

/// One call.
#[derive(Clone, Debug)]
pub(crate) struct Call<'a> {
    pub(crate) method: &'a str,
    pub(crate) target: &'a str,
    /// The id of a change that makes nothing of its own.
    pub(crate) change: Option<Id>,
    pub(crate) body: Option<&'a Value>,
}

/// An answer as JSON.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) json: Value,
}

impl Answer {
    /// One item of an array, as if it had been answered alone.
    pub(crate) fn of_item(item: &Value) -> Answer {
        let status =
            item["status"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or_default();
        let members = ["answer", "asked", "problem"].iter().map(|member| &item[*member]);
        let json = members.into_iter().find(|member| !member.is_null()).cloned().unwrap_or_default();
        Answer { status, json }
    }

    /// The `code` of a problem.
    pub(crate) fn code(&self) -> &str {
        self.json["code"].as_str().unwrap_or_default()
    }

    /// The answer, if it is a success.
    pub(crate) fn expect_success(self, what: &str) -> anyhow::Result<Value> {
        if (200..300).contains(&self.status) {
            return Ok(self.json);
        }
        Err(anyhow!("{what}: status {}: {}", self.status, self.json))
    }
}

impl Clone for Caller {
    fn clone(&self) -> Caller {
        Caller { who: Arc::clone(&self.who), connection: Connection::new(self.who.address) }
    }
}

impl Caller {
    /// Whoever holds the key called `key`.
    pub(crate) fn new(address: SocketAddr, key: &str, signing: SigningKey) -> Caller {
        let who = Who { address, key: key.to_owned(), signing, session: Mutex::new(None) };
        Caller { who: Arc::new(who), connection: Connection::new(address) }
    }

    /// Goes on over the same connection with the key and session of another.
    pub(crate) fn speak_as(&mut self, other: &Caller) {
        self.who = Arc::clone(&other.who);
    }

    /// Reads what is at `target`.
    pub(crate) fn get(&mut self, target: &str) -> anyhow::Result<Value> {
        let call = Call { method: "GET", target, change: None, body: None };
        let began = Instant::now();
        loop {
            let answer =
                self.send(Auth::Session, &call).map_err(|lost| anyhow!("{target}: {}", lost.why()))?;
            // On a busy machine what is shown may be late: that is said, and asked again.
            if answer.code() != "views_behind" || LATE_MAX < began.elapsed() {
                return answer.expect_success(&format!("GET {target}"));
            }
            sleep(Duration::from_millis(50));
        }
    }

    /// Posts something that carries its own id.
    pub(crate) fn make(&mut self, target: &str, body: &Value) -> anyhow::Result<Value> {
        let call = Call { method: "POST", target, change: None, body: Some(body) };
        self.must(Auth::Signed, &call)
    }

    /// Sends a call that has to succeed.
    pub(crate) fn must(&mut self, auth: Auth, call: &Call<'_>) -> anyhow::Result<Value> {
        let answer = self.send(auth, call).map_err(|lost| anyhow!("{}: {}", call.target, lost.why()))?;
        answer.expect_success(&format!("{} {}", call.method, call.target))
    }

    /// Sends a call until there is an answer, and says whether one got lost before.
    pub(crate) fn until_answered(&mut self, auth: Auth, call: &Call<'_>) -> anyhow::Result<(Answer, bool)> {
        let begun = Instant::now();
        let mut lost = false;
        let mut last = String::new();
        while begun.elapsed() < ANSWERED_WITHIN {
            match self.send(auth, call) {
                Ok(answer) if 500 <= answer.status || answer.code() == "nonce_used" => {
                    lost |= answer.status == 500;
                    last = answer.json.to_string();
                }
                Ok(answer) => return Ok((answer, lost)),
                Err(Lost::Unknown(why)) => {
                    lost = true;
                    last = why;
                }
                Err(Lost::Unsent(why)) => last = why,
            }
            sleep(AGAIN_AFTER);
        }
        Err(anyhow!("{} got no answer within {ANSWERED_WITHIN:?}: {last}", call.target))
    }

    /// Sends a call once; where the session is over, once more in a new one, for then it was not done.
    pub(crate) fn send(&mut self, auth: Auth, call: &Call<'_>) -> Result<Answer, Lost> {
        let answer = self.send_once(auth, call)?;
        if answer.code() != "session_expired" {
            return Ok(answer);
        }
        *self.who.session.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.send_once(auth, call)
    }

    fn send_once(&mut self, auth: Auth, call: &Call<'_>) -> Result<Answer, Lost> {
        let body = call.body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        let mut headers = match auth {
            Auth::Signed => self.who.signature(call, &body),
            Auth::Forged => {
                let mut headers = self.who.signature(call, &body);
                let other = self.who.signing.sign(b"another request");
                headers.retain(|(name, _)| *name != "signature");
                headers.push(("signature", format!("sig=:{}:", base64(other.as_bytes()))));
                headers
            }
            Auth::Session => {
                let session = self.session()?;
                vec![("authorization", session.code(call, &body))]
            }
        };
        if !body.is_empty() {
            headers.push(("content-type", "application/json".to_owned()));
        }
        if let Some(change) = call.change {
            headers.push(("idempotency-key", change.text()));
        }
        let request = Request { method: call.method, target: call.target, headers, body: &body };
        self.connection.exchange(&request).map(read)
    }

    fn session(&mut self) -> Result<Session, Lost> {
        // Whoever finds none opens one while the others wait.
        let who = Arc::clone(&self.who);
        let mut slot = who.session.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = slot.as_ref() {
            return Ok(session.clone());
        }
        let call = Call { method: "POST", target: "/v1/sessions", change: None, body: None };
        let request =
            Request { method: "POST", target: call.target, headers: who.signature(&call, &[]), body: &[] };
        let answer = read(self.connection.exchange(&request)?);
        let session = Session::read(&answer).map_err(|fault| Lost::Unsent(format!("{fault:#}")))?;
        *slot = Some(session.clone());
        Ok(session)
    }
}

impl Who {
    /// RFC 9421 over method, authority, path, query and the digest of the body (RFC 9530).
    fn signature(&self, call: &Call<'_>, body: &[u8]) -> Vec<(&'static str, String)> {
        let (path, query) = call.target.split_once('?').unwrap_or((call.target, ""));
        let mut covered = vec![
            ("@method", call.method.to_owned()),
            ("@authority", self.address.to_string()),
            ("@path", path.to_owned()),
            ("@query", format!("?{query}")),
        ];
        let mut headers = Vec::new();
        if !body.is_empty() {
            let digest = format!("sha-256=:{}:", base64(evidence::Hash::of(body).as_bytes()));
            covered.push(("content-digest", digest.clone()));
            headers.push(("content-digest", digest));
        }
        let names: Vec<String> = covered.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        let params = format!(
            "({});created={};keyid=\"{}\";nonce=\"{}\";tag=\"tollbridge\"",
            names.join(" "),
            now().0 / 1_000_000_000,
            self.key,
            nonce()
        );
        let mut base: String = covered.iter().map(|(name, value)| format!("\"{name}\": {value}\n")).collect();
        base.push_str(&format!("\"@signature-params\": {params}"));
        let signature = self.signing.sign(base.as_bytes());
        headers.push(("signature-input", format!("sig={params}")));
        headers.push(("signature", format!("sig=:{}:", base64(signature.as_bytes()))));
        headers
    }
}

impl Session {
    fn read(answer: &Answer) -> anyhow::Result<Session> {
        let text =
            |name: &str| answer.json[name].as_str().with_context(|| format!("no session: {}", answer.json));
        let secret = base64url::decode(text("secret")?).and_then(|bytes| bytes.try_into().ok());
        let secret: [u8; 32] = secret.context("the session's secret is not 32 bytes")?;
        Ok(Session { token: text("session")?.to_owned(), key: MacKey::new(&Secret::new(secret)) })
    }

    fn code(&self, call: &Call<'_>, body: &[u8]) -> String {
        let nonce = nonce();
        let mut message = format!("{}\n{}\n{nonce}\n", call.method, call.target).into_bytes();
        message.extend_from_slice(body);
        format!("Toll {}:{nonce}:{}", self.token, base64url::encode(&self.key.mac(&message).0))
    }
}

fn read(reply: Reply) -> Answer {
    let json = serde_json::from_slice(&reply.body)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&reply.body).into_owned()));
    Answer { status: reply.status, json }
}

/// What time it is here.
pub(crate) fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

fn nonce() -> u64 {
    let micros = now().0 / 1_000;
    let following = |last: u64| micros.max(last + 1);
    let last = LAST_NONCE.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(following(last)));
    following(last.unwrap_or_else(|last| last))
}

/// Base64 with padding, as structured headers have it.
fn base64(bytes: &[u8]) -> String {
    let text = base64url::encode(bytes).replace('-', "+").replace('_', "/");
    let padding = (4 - text.len() % 4) % 4;
    format!("{text}{}", "=".repeat(padding))
}
