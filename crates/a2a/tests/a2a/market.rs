//! A market to test at: a book with an owner, her agent and a seller; the seller's agent before a service; and a client that
//! speaks A2A as a stranger does.

use a2a::{Agent, Profile, door};
use evidence::{SigningKey, base64url};
use gateway::{Config, Gateway};
use protocols::Time;
use sdk::{Answer, Auth, Buyer, BuyerSettings, Client, Clock, Credentials, Purchases};
use serde_json::{Value, json};
use server::data::{BookKind, Opening, init, open};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use wire::account::{
    Algorithm, Carry, NewAgent, NewKey, NewMandate, NewOwner, NewPayee, NewTransfer, NewWallet, Provenance,
};
use wire::limit::Limit;
use wire::x402::NewX402Payment;
use wire::{AgentId, AmountText, HoldId, KeyId, MandateId, Money, OwnerId, PayeeId, TransferId, WalletId};

const PRICES: &str = r#"
[[price]]
skill = "find"
amount = "0.03 CNY"
refund = "What fails costs nothing."
[[price]]
skill = "*"
amount = "0.02 CNY"
[[free]]
skill = "ping"
"#;

/// Who is called by whom, over which connection: the key that a stranger made up.
pub(crate) const KEY: &str = "a-key-that-nobody-else-has";

pub(crate) struct Market {
    pub(crate) directory: PathBuf,
    pub(crate) server: String,
    pub(crate) operator: Client,
    pub(crate) seller: Client,
    pub(crate) payee: PayeeId,
    pub(crate) wallet: WalletId,
    pub(crate) mandate: MandateId,
    pub(crate) url: String,
    pub(crate) gateway: Gateway,
    pub(crate) workshop: Arc<Workshop>,
    pub(crate) http: reqwest::Client,
    agent_key: (KeyId, [u8; 32]),
    tasks: Vec<JoinHandle<()>>,
}

/// The service behind, which knows nothing of agents and of money.
#[derive(Debug, Default)]
pub(crate) struct Workshop {
    /// What it was asked: path, body, and the key by which it knows repetitions.
    pub(crate) asked: Mutex<Vec<(String, String, String)>>,
    /// Lets what waits go on.
    pub(crate) go: Notify,
    pub(crate) came: Notify,
}

/// A key that a test draws.
fn new_key() -> (KeyId, [u8; 32]) {
    (KeyId(id()), rand::random())
}

pub(crate) fn id() -> u128 {
    (u128::from(Clock::system().now().0 / 1_000_000) << 80) | (rand::random::<u128>() >> 48)
}

pub(crate) fn fen(minor: u128) -> Money {
    Money { amount: AmountText::new(minor).expect("an amount"), asset: "CNY/2".parse().expect("an asset") }
}

fn enrolled((id, seed): (KeyId, [u8; 32])) -> NewKey {
    let public_key = base64url::encode(SigningKey::ed25519(&seed).public().bytes());
    NewKey { id, algorithm: Algorithm::Ed25519, public_key }
}

fn credentials((key_id, seed): (KeyId, [u8; 32])) -> Credentials {
    Credentials { key_id, key: SigningKey::ed25519(&seed) }
}

impl Market {
    pub(crate) async fn new() -> Market {
        let directory = std::env::temp_dir().join(format!("tollbridge-a2a-{}", wire::RequestId(id())));
        let book = directory.join("book");
        init(&book, BookKind::Test, "tollbridge.test/book").expect("a book");
        let app = {
            let book = book.clone();
            let opened =
                tokio::task::spawn_blocking(move || open(&book, Opening::default()).expect("it opens"));
            opened.await.expect("it opens")
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let server = format!("http://{}", listener.local_addr().expect("it is bound"));
        let serving = tokio::spawn(async move {
            server::serve(listener, app, axum::Router::new(), std::future::pending()).await;
        });
        let operator = Credentials::read(&book.join("keys/operator.toml")).expect("the operator's key");
        let operator = Client::new(&server, operator).expect("an address");
        let (seller_key, agent_key, owner_key) = (new_key(), new_key(), new_key());
        let client = |key| Client::new(&server, credentials(key)).expect("an address");
        let (owner, seller) = (client(owner_key).with_auth(Auth::Signed), client(seller_key));
        let (owner_id, payee, wallet) = (OwnerId(id()), PayeeId(id()), WalletId(id()));
        let (agent_id, mandate) = (AgentId(id()), MandateId(id()));
        let asset = fen(0).asset;
        let new = NewOwner { id: owner_id, key: enrolled(owner_key), label: None };
        operator.add_owner(&new).await.expect("an owner");
        let new = NewPayee {
            id: payee,
            owner: None,
            asset,
            category: "data".to_owned(),
            provenance: Provenance::Registry,
            fee_ppm: 0,
            key: Some(enrolled(seller_key)),
            label: None,
        };
        operator.add_payee(&new).await.expect("a payee");
        let new = NewWallet { id: wallet, owner: owner_id, asset, limits: Vec::new(), label: None };
        owner.open_wallet(&new).await.expect("a wallet");
        let new =
            NewAgent { id: agent_id, wallet, limits: Vec::new(), key: enrolled(agent_key), label: None };
        owner.add_agent(&new).await.expect("an agent");
        let text = |time: Time| protocols::a402::DateTime::second_of(time).as_str().to_owned();
        let now = Clock::system().now();
        let new = NewMandate {
            id: mandate,
            wallet,
            agent: agent_id,
            valid_from: text(Time(now.0 - 60_000_000_000)),
            expires_at: text(now.after(Time::from_seconds(86_400).0)),
            limits: vec![Limit::PerPayment { max: AmountText::new(50).expect("an amount") }],
            document: "searches".to_owned(),
            carry: Carry::Inherit,
        };
        owner.grant(&new).await.expect("a mandate");
        let (from, to) = ("world".to_owned(), wallet.to_string());
        let new = NewTransfer { id: TransferId(id()), from, to, amount: fen(100) };
        operator.transfer(&new).await.expect("money");
        let text = Credentials::file_text(seller_key.0, Algorithm::Ed25519, &seller_key.1);
        let key_file = directory.join("seller.toml");
        std::fs::write(&key_file, &*text).expect("a file");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&key_file, mode).expect("a file of ours");

        let workshop = Arc::new(Workshop::default());
        let behind = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let behind_at = behind.local_addr().expect("it is bound");
        let routes = workshop_routes(Arc::clone(&workshop));
        let working = tokio::spawn(async move { axum::serve(behind, routes).await.expect("it serves") });
        let place = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", place.local_addr().expect("it is bound"));
        let config = format!(
            "[seller]\nserver = \"{server}\"\npayee = \"{payee}\"\nkey_file = \"seller.toml\"\nnetwork = \"toll:test\"\n\
             public_url = \"{url}\"\nasset = \"CNY/2\"\ndata = \"agent\"\n[upstream]\nurl = \"http://{behind_at}\"\n\
             timeout_seconds = 20\nanswer_body_bytes_max = 65536\n{PRICES}"
        );
        let (gateway, selling) = sell(place, &config, &directory).await;
        Market {
            directory,
            server,
            operator,
            seller,
            payee,
            wallet,
            mandate,
            url,
            gateway,
            workshop,
            http: reqwest::Client::new(),
            agent_key,
            tasks: vec![serving, working, selling],
        }
    }

    /// The agent as a client of the server.
    pub(crate) fn client(&self) -> Client {
        Client::new(&self.server, credentials(self.agent_key)).expect("an address")
    }

    /// The agent as a buyer, who remembers what it bought.
    pub(crate) fn buyer(&self) -> Buyer {
        let settings = BuyerSettings {
            wallet: self.wallet,
            mandate: Some(self.mandate),
            network: protocols::a402::wallet::Network::Test,
            payees: Vec::new(),
            seller_keys: Default::default(),
        };
        let purchases = Purchases::open(&self.memory()).expect("a directory");
        Buyer::new(self.client(), settings, purchases).expect("a buyer")
    }

    pub(crate) fn memory(&self) -> PathBuf {
        self.directory.join("purchases")
    }

    /// What the service behind was asked at a path.
    pub(crate) fn asked(&self, path: &str) -> Vec<(String, String, String)> {
        let asked = self.workshop.asked.lock().expect("nobody panics while holding it");
        asked.iter().filter(|(at, ..)| at == path).cloned().collect()
    }

    /// What can be spent, what is held, and what the seller has, once everything is told.
    pub(crate) async fn settled(&self) -> (u128, u128, u128) {
        self.gateway.settle().await.expect("it settles");
        let wallet = self.operator.wallet(self.wallet).await.expect("the wallet");
        let payee = self.seller.payee(self.payee).await.expect("the payee");
        let available = payee.available.expect("the seller sees what it has");
        (wallet.available.amount.minor(), wallet.held.amount.minor(), available.amount.minor())
    }

    /// A call by JSON-RPC under this key; its status and its body.
    pub(crate) async fn rpc_as(&self, key: Option<&str>, method: &str, params: Value) -> (u16, Value) {
        let body = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params });
        let mut request = self.http.post(format!("{}/a2a", self.url)).header("a2a-version", "1.0");
        if let Some(key) = key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let request = request.header("content-type", "application/json").body(body.to_string());
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        (status, serde_json::from_slice(&answer.bytes().await.expect("a body")).expect("JSON"))
    }

    /// What a call by JSON-RPC comes to.
    #[track_caller]
    pub(crate) fn rpc(&self, method: &str, params: Value) -> impl Future<Output = Value> {
        let asking = self.rpc_as(Some(KEY), method, params.clone());
        let method = method.to_owned();
        async move {
            let (status, answer) = asking.await;
            assert_eq!(status, 200, "{answer}");
            assert_eq!(answer["id"], 7);
            let result = answer.get("result").cloned();
            result.unwrap_or_else(|| panic!("{method} {params}: {answer}"))
        }
    }

    /// The code that a call is refused with.
    pub(crate) async fn code(&self, method: &str, params: Value) -> i64 {
        let (_, answer) = self.rpc_as(Some(KEY), method, params.clone()).await;
        answer["error"]["code"].as_i64().unwrap_or_else(|| panic!("{method} {params}: {answer}"))
    }

    /// Sends a message about bridges to a skill, and answers its task.
    pub(crate) async fn say(&self, skill: &str) -> Value {
        let message =
            message(&format!("{:032x}", rand::random::<u128>()), json!({ "tollbridge/skill": skill }));
        self.rpc("SendMessage", json!({ "message": message })).await["task"].clone()
    }

    /// Pays what a task asks for, once, as a stock client: it echoes what it accepted.
    pub(crate) async fn pay(&self, task: &Value) -> Value {
        let demand = &about(task)["x402.payment.required"];
        let new = NewX402Payment {
            id: HoldId(id()),
            wallet: self.wallet,
            mandate: Some(self.mandate),
            accepted: demand["accepts"][0].to_string(),
            resource: demand["resource"]["url"].as_str().expect("an address").to_owned(),
            approval: None,
            why: None,
        };
        let paid = match self.client().x402_pay(&new).await.expect("it is paid") {
            Answer::Done(paid) => paid,
            Answer::Asked(asked) => panic!("{asked:?}"),
        };
        json!({
            "x402Version": 2, "resource": demand["resource"], "accepted": demand["accepts"][0],
            "payload": { "credential": paid.payload.credential },
        })
    }

    /// Shows a payment to a task, and answers what it is then.
    pub(crate) async fn show(&self, task: &Value, payment: Value) -> Value {
        self.rpc("SendMessage", json!({ "message": paying(task, payment) })).await["task"].clone()
    }
}

impl Drop for Market {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
        // What a test leaves behind is nobody's.
        let _gone = std::fs::remove_dir_all(&self.directory);
    }
}

async fn sell(place: TcpListener, config: &str, directory: &std::path::Path) -> (Gateway, JoinHandle<()>) {
    let config = Config::parse(config, directory).expect("a configuration");
    let gateway = Gateway::open(config, Clock::system()).expect("a gateway");
    let skill = |id: &str, more: &str| {
        format!(
            "[[skill]]\nid = \"{id}\"\nname = \"{id}\"\ndescription = \"Does {id}.\"\ntags = [\"test\"]\n{more}"
        )
    };
    let skills = [
        skill("find", "path = \"/search\"\noutput_modes = [\"text/plain\"]\n"),
        skill("refuse", ""),
        skill("break", ""),
        skill("long", ""),
        skill("wait", ""),
        skill("ping", ""),
    ];
    let profile =
        format!("name = \"Bridges\"\ndescription = \"Finds bridges.\"\nversion = \"1\"\n{}", skills.concat());
    let profile = Profile::parse(&profile).expect("a profile");
    let agent = Agent::open(gateway.clone(), &profile).await.expect("an agent");
    (gateway, tokio::spawn(door::serve(place, agent, std::future::pending())))
}

fn workshop_routes(workshop: Arc<Workshop>) -> axum::Router {
    use axum::response::IntoResponse;
    let answer = move |request: axum::extract::Request| {
        let workshop = Arc::clone(&workshop);
        async move {
            let (parts, body) = request.into_parts();
            let body = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
            let body = String::from_utf8_lossy(&body).into_owned();
            let header =
                |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
            assert!(
                !parts.headers.keys().any(|name| name.as_str().contains("payment")),
                "{:?}",
                parts.headers
            );
            assert!(!header("a2a-task-id").is_empty() || header("a2a-message-id").is_empty());
            let path = parts.uri.path().to_owned();
            let asked = (path.clone(), body.clone(), header("idempotency-key").to_owned());
            workshop.asked.lock().expect("nobody panics while holding it").push(asked);
            workshop.came.notify_one();
            match path.as_str() {
                "/search" => format!("found {body}").into_response(),
                "/skills/refuse" => {
                    (http::StatusCode::UNPROCESSABLE_ENTITY, "no such bridge").into_response()
                }
                "/skills/break" => (http::StatusCode::INTERNAL_SERVER_ERROR, "oh").into_response(),
                "/skills/long" => "a".repeat(100_000).into_response(),
                "/skills/wait" => {
                    workshop.go.notified().await;
                    "waited".into_response()
                }
                "/skills/ping" => axum::Json(json!({ "pong": body })).into_response(),
                _ => http::StatusCode::NOT_FOUND.into_response(),
            }
        }
    };
    axum::Router::new().fallback(answer)
}

/// A message about bridges.
pub(crate) fn message(message_id: &str, metadata: Value) -> Value {
    json!({ "messageId": message_id, "role": "ROLE_USER", "parts": [{ "text": "bridges" }], "metadata": metadata })
}

/// A message that pays for a task.
pub(crate) fn paying(task: &Value, payment: Value) -> Value {
    json!({
        "messageId": format!("{:032x}", rand::random::<u128>()), "role": "ROLE_USER", "taskId": task["id"],
        "parts": [{ "text": "paid" }],
        "metadata": { "x402.payment.status": "payment-submitted", "x402.payment.payload": payment },
    })
}

/// What the status of a task says beside words.
#[track_caller]
pub(crate) fn about(task: &Value) -> &Value {
    &task["status"]["message"]["metadata"]
}

pub(crate) fn state(task: &Value) -> &str {
    task["status"]["state"].as_str().unwrap_or_else(|| panic!("no task: {task}"))
}

/// The words of what a task made.
pub(crate) fn made(task: &Value) -> &str {
    task["artifacts"][0]["parts"][0]["text"].as_str().unwrap_or_else(|| panic!("nothing was made: {task}"))
}
