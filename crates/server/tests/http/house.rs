//! A house to test in: a book with an operator, an owner, her agent and a seller, behind a loopback socket.

use book::{Id, Time};
use bytes::Bytes;
use evidence::{Algorithm, MacKey, Secret, SigningKey, base64url};
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use server::State;
use server::data::{BookKind, Opening, init, open, operator_key};
use server::drafting::Drafter;
use server::serve::Patience;
use server::state::LogReaders;
use server::webhooks::Reach;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Somebody with a key.
#[derive(Clone)]
pub(crate) struct Party {
    /// Whose key: `own_…`, `agt_…`, `pye_…`, or `operator`.
    pub(crate) id: String,
    pub(crate) key: String,
    pub(crate) seed: [u8; 32],
    pub(crate) algorithm: Algorithm,
}

/// A session of somebody.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) token: String,
    pub(crate) secret: Secret,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

pub(crate) struct House {
    pub(crate) directory: PathBuf,
    pub(crate) authority: String,
    pub(crate) operator: Party,
    pub(crate) owner: Party,
    pub(crate) agent: Party,
    pub(crate) seller: Party,
    pub(crate) wallet: String,
    pub(crate) mandate: String,
    pub(crate) patience: Patience,
    pub(crate) queue_units_max: usize,
    pub(crate) log_readers: LogReaders,
    pub(crate) drafts_at: Option<url::Url>,
    pub(crate) app: Weak<State>,
    client: Client<HttpConnector, Full<Bytes>>,
    stop: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<()>>,
    telling: Option<JoinHandle<()>>,
}

pub(crate) fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

/// A nonce nobody used.
pub(crate) fn nonce() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let micros = u64::try_from(now().as_micros()).unwrap();
    let last =
        LAST.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |last| Some(micros.max(last + 1))).unwrap();
    micros.max(last + 1)
}

/// A new id, without prefix.
pub(crate) fn ulid() -> String {
    Id::new(Time(u64::try_from(now().as_nanos()).unwrap()), rand::random()).text()
}

pub(crate) fn new_id(prefix: &str) -> String {
    format!("{prefix}_{}", ulid())
}

pub(crate) fn cny(amount: &str) -> Value {
    json!({"amount": amount, "asset": "CNY/2"})
}

/// RFC 3339, so many seconds from now.
pub(crate) fn in_seconds(seconds: i64) -> String {
    let second = i64::try_from(now().as_secs()).unwrap() + seconds;
    jiff::Timestamp::from_second(second).unwrap().to_string()
}

impl Party {
    pub(crate) fn new(prefix: &str) -> Party {
        Party { id: new_id(prefix), key: new_id("key"), seed: rand::random(), algorithm: Algorithm::Ed25519 }
    }

    pub(crate) fn signing_key(&self) -> SigningKey {
        match self.algorithm {
            Algorithm::Ed25519 => SigningKey::ed25519(&self.seed),
            Algorithm::Es256 => SigningKey::es256(&self.seed).unwrap(),
        }
    }

    pub(crate) fn public_key(&self) -> String {
        let key = self.signing_key();
        let bytes = key.public().bytes();
        base64url::encode(match self.algorithm {
            Algorithm::Ed25519 => bytes,
            Algorithm::Es256 => bytes.strip_prefix(&[4]).unwrap(),
        })
    }

    pub(crate) fn key_json(&self) -> Value {
        let algorithm = match self.algorithm {
            Algorithm::Ed25519 => "ed25519",
            Algorithm::Es256 => "es256",
        };
        json!({"id": self.key, "algorithm": algorithm, "public_key": self.public_key()})
    }
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {:?}", self.body))
    }

    /// The answer, which must have this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self.json()
    }

    /// A problem with this status and code.
    #[track_caller]
    pub(crate) fn problem(self, status: u16, code: &str) -> Value {
        let kind = self.headers.get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
        let problem = self.expect(status);
        assert_eq!(kind.as_deref(), Some("application/problem+json"));
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["type"], format!("https://tollbridge.dev/errors/{code}"));
        assert!(problem["request_id"].as_str().unwrap().starts_with("req_"));
        assert_eq!(problem["status"], status);
        problem
    }
}

/// How a signed request differs from an honest one.
#[derive(Clone, Default)]
pub(crate) struct Tricks {
    pub(crate) nonce: Option<u64>,
    pub(crate) created: Option<u64>,
    pub(crate) sent_body: Option<Value>,
    pub(crate) sent_path: Option<String>,
    pub(crate) sent_method: Option<Method>,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) without: Option<&'static str>,
}

impl House {
    /// A new book with everybody in it, and 1,000.00 CNY in the wallet.
    pub(crate) async fn new() -> House {
        House::with_mandate(json!([{"kind": "per_payment", "max": "20000"}])).await
    }

    pub(crate) async fn with_mandate(limits: Value) -> House {
        let directory = std::env::temp_dir().join(format!("tollbridge-http-{}", ulid()));
        init(&directory, BookKind::Test, "tollbridge.test/book").unwrap();
        let operator = operator_key(&directory).unwrap();
        let seed = base64url::decode(&operator.seed).unwrap().try_into().unwrap();
        let operator =
            Party { id: "operator".into(), key: operator.key, seed, algorithm: Algorithm::Ed25519 };
        let mut house = House {
            directory,
            authority: String::new(),
            operator,
            owner: Party::new("own"),
            agent: Party::new("agt"),
            seller: Party::new("pye"),
            wallet: new_id("wal"),
            mandate: new_id("mdt"),
            patience: Patience::default(),
            queue_units_max: engine::limits::QUEUE_UNITS_MAX,
            log_readers: LogReaders::Operator,
            drafts_at: None,
            app: Weak::new(),
            client: client(),
            stop: None,
            task: None,
            telling: None,
        };
        house.start().await;
        house.furnish(limits).await;
        house
    }

    async fn furnish(&self, limits: Value) {
        let (op, owner) = (&self.operator, &self.owner);
        self.post(op, "/v1/owners", json!({"id": owner.id, "key": owner.key_json(), "label": "Wen"}))
            .await
            .expect(201);
        let payee = json!({"id": self.seller.id, "asset": "CNY/2", "category": "data", "provenance": "registry",
            "key": self.seller.key_json()});
        self.post(op, "/v1/payees", payee).await.expect(201);
        let wallet = json!({"id": self.wallet, "owner": owner.id, "asset": "CNY/2", "label": "Household"});
        self.post(owner, "/v1/wallets", wallet).await.expect(201);
        let agent = json!({"id": self.agent.id, "wallet": self.wallet, "key": self.agent.key_json()});
        self.post(owner, "/v1/agents", agent).await.expect(201);
        let mandate = json!({"id": self.mandate, "wallet": self.wallet, "agent": self.agent.id, "limits": limits,
            "valid_from": in_seconds(-60), "expires_at": in_seconds(86_400 * 30), "document": "buy data"});
        self.post(owner, "/v1/mandates", mandate).await.expect(201);
        let transfer =
            json!({"id": new_id("trf"), "from": "world", "to": self.wallet, "amount": cny("100000")});
        self.post(op, "/v1/transfers", transfer).await.expect(201);
    }

    /// Opens the book and serves it.
    pub(crate) async fn start(&mut self) {
        let (directory, patience) = (self.directory.clone(), self.patience);
        let (queue_units_max, log_readers) = (self.queue_units_max, self.log_readers);
        let drafts_at = self.drafts_at.clone();
        let open_it = move || {
            let drafter = || {
                let url = drafts_at.as_ref()?;
                Some(Drafter::new(url, "plain-words".to_owned(), None).unwrap())
            };
            for _ in 0..200 {
                let reach = Reach::Anywhere;
                let drafter = drafter();
                let opening =
                    Opening { patience, queue_units_max, log_readers, reach, drafter, ..Opening::default() };
                match open(&directory, opening) {
                    Ok(app) => return app,
                    // The one before may still be ending.
                    Err(server::data::DataFault::Journal(engine::JournalFault::Locked(_))) => {
                        std::thread::sleep(Duration::from_millis(50));
                    }
                    Err(fault) => panic!("{fault}"),
                }
            }
            panic!("the journal stays locked");
        };
        let app = tokio::task::spawn_blocking(open_it).await.unwrap();
        self.app = Arc::downgrade(&app);
        let (telling, looking) =
            (server::webhooks::run(app.clone()).unwrap(), server::market::run(app.clone()).unwrap());
        self.telling = Some(tokio::spawn(async move { tokio::join!(telling, looking).0 }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        self.authority = listener.local_addr().unwrap().to_string();
        let (stop, stopped) = oneshot::channel::<()>();
        self.stop = Some(stop);
        self.client = client();
        self.task = Some(tokio::spawn(async move {
            let shutdown = async move {
                let _ = stopped.await;
            };
            server::serve(listener, app, axum::Router::new(), shutdown).await;
        }));
    }

    /// Stops the server and opens the book again.
    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        self.start().await;
    }

    /// Stops the server, and waits until it has let go of its files.
    pub(crate) async fn stop(&mut self) {
        self.client = client();
        drop(self.stop.take());
        self.telling.take().unwrap().abort();
        self.task.take().unwrap().await.unwrap();
        while self.app.strong_count() != 0 {
            tokio::task::yield_now().await;
        }
    }

    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Reply {
        let response = self.client.request(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Reply { status: head.status.as_u16(), headers: head.headers, body }
    }

    /// A request signed by itself.
    pub(crate) fn signed(
        &self,
        who: &Party,
        method: Method,
        path: &str,
        body: Option<&Value>,
        tricks: Tricks,
    ) -> Request<Full<Bytes>> {
        let text = body.map(|body| serde_json::to_vec(body).unwrap()).unwrap_or_default();
        self.signed_bytes(who, method, path, text, tricks)
    }

    /// A signed POST of exactly this text.
    pub(crate) fn signed_text(
        &self,
        who: &Party,
        path: &str,
        text: &str,
        tricks: Tricks,
    ) -> Request<Full<Bytes>> {
        self.signed_bytes(who, Method::POST, path, text.as_bytes().to_vec(), tricks)
    }

    fn signed_bytes(
        &self,
        who: &Party,
        method: Method,
        path: &str,
        text: Vec<u8>,
        tricks: Tricks,
    ) -> Request<Full<Bytes>> {
        let created = tricks.created.unwrap_or(now().as_secs());
        let nonce = tricks.nonce.unwrap_or_else(nonce);
        let (bare, query) = path.split_once('?').unwrap_or((path, ""));
        let digest = format!("sha-256=:{}:", evidence::Hash::of(&text));
        let mut names = vec!["@method", "@authority", "@path", "@query"];
        let mut base = format!(
            "\"@method\": {method}\n\"@authority\": {}\n\"@path\": {bare}\n\"@query\": ?{query}\n",
            self.authority
        );
        if !text.is_empty() {
            names.push("content-digest");
            base.push_str(&format!("\"content-digest\": {digest}\n"));
        }
        let names: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
        let params = format!(
            "({});created={created};keyid=\"{}\";nonce=\"{nonce}\";tag=\"tollbridge\"",
            names.join(" "),
            who.key
        );
        base.push_str(&format!("\"@signature-params\": {params}"));
        let signature = who.signing_key().sign(base.as_bytes());
        let signature = base64_standard(signature.as_bytes());
        let sent_path = tricks.sent_path.as_deref().unwrap_or(path);
        let sent = tricks.sent_body.map(|body| serde_json::to_vec(&body).unwrap()).unwrap_or(text);
        let mut request = Request::builder()
            .method(tricks.sent_method.unwrap_or(method))
            .uri(format!("http://{}{sent_path}", self.authority));
        if !sent.is_empty() {
            request = request.header("content-type", "application/json").header("content-digest", digest);
        }
        request = request.header("signature-input", format!("sig={params}"));
        request = request.header("signature", format!("sig=:{signature}:"));
        for (name, value) in tricks.headers {
            request = request.header(name, value);
        }
        let mut request = request.body(Full::from(sent)).unwrap();
        if let Some(name) = tricks.without {
            request.headers_mut().remove(name);
        }
        request
    }

    pub(crate) async fn post(&self, who: &Party, path: &str, body: Value) -> Reply {
        self.tricky(who, Method::POST, path, Some(&body), Tricks::default()).await
    }

    /// A change without a name of its own.
    pub(crate) async fn change(&self, who: &Party, method: Method, path: &str, body: Option<Value>) -> Reply {
        let headers = vec![("idempotency-key", ulid())];
        self.tricky(who, method, path, body.as_ref(), Tricks { headers, ..Tricks::default() }).await
    }

    pub(crate) async fn get(&self, who: &Party, path: &str) -> Reply {
        self.tricky(who, Method::GET, path, None, Tricks::default()).await
    }

    pub(crate) async fn tricky(
        &self,
        who: &Party,
        method: Method,
        path: &str,
        body: Option<&Value>,
        tricks: Tricks,
    ) -> Reply {
        self.send(self.signed(who, method, path, body, tricks)).await
    }

    /// A request that nobody signed.
    pub(crate) async fn plain(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Reply {
        let mut request = Request::builder().method(method).uri(format!("http://{}{path}", self.authority));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Full::from(body.to_owned())).unwrap()).await
    }

    pub(crate) async fn session(&self, who: &Party) -> Session {
        let opened = self.post(who, "/v1/sessions", json!({})).await.expect(201);
        let secret = base64url::decode(opened["secret"].as_str().unwrap()).unwrap().try_into().unwrap();
        Session { token: opened["session"].as_str().unwrap().to_owned(), secret: Secret::new(secret) }
    }

    pub(crate) fn in_session(
        &self,
        session: &Session,
        method: Method,
        path: &str,
        body: &str,
        nonce: u64,
    ) -> Request<Full<Bytes>> {
        let message = format!("{method}\n{path}\n{nonce}\n{body}");
        let mac = base64url::encode(&MacKey::new(&session.secret).mac(message.as_bytes()).0);
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.authority))
            .header("authorization", format!("Toll {}:{nonce}:{mac}", session.token));
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        request.body(Full::from(body.to_owned())).unwrap()
    }

    pub(crate) fn payment(&self, amount: &str) -> Value {
        json!({"id": new_id("pay"), "wallet": self.wallet, "mandate": self.mandate, "payee": self.seller.id,
            "amount": cny(amount)})
    }

    /// What the wallet can spend and what is held, and what the seller has.
    pub(crate) async fn money(&self) -> (String, String, String) {
        let wallet = self.get(&self.owner, &format!("/v1/wallets/{}", self.wallet)).await.expect(200);
        let seller = self.get(&self.seller, &format!("/v1/payees/{}", self.seller.id)).await.expect(200);
        let text = |value: &Value| value["amount"].as_str().unwrap().to_owned();
        (text(&wallet["available"]), text(&wallet["held"]), text(&seller["available"]))
    }

    /// A second owner with a wallet of her own.
    pub(crate) async fn stranger(&self) -> (Party, String) {
        let stranger = Party::new("own");
        let owner = json!({"id": stranger.id, "key": stranger.key_json()});
        self.post(&self.operator, "/v1/owners", owner).await.expect(201);
        let wallet = new_id("wal");
        let new = json!({"id": wallet, "owner": stranger.id, "asset": "CNY/2"});
        self.post(&stranger, "/v1/wallets", new).await.expect(201);
        (stranger, wallet)
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

fn client() -> Client<HttpConnector, Full<Bytes>> {
    Client::builder(TokioExecutor::new()).build_http()
}

fn base64_standard(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
