//! A house to test in: a book with an owner, her agent and a seller, a server, and the gateway before a scripted model.

use crate::place::{PATIENCE, a_place, http, listener_at};
use crate::upstream::Upstream;
use evidence::{SigningKey, base64url};
use llm::{Config, Gateway};
use protocols::Time;
use protocols::a402::headers::{PAYMENT_NEEDED, PAYMENT_PROOF};
use reqwest::header::HeaderMap;
use sdk::{Answer, Auth, Client, Clock, Credentials};
use serde_json::{Value, json};
use server::data::{BookKind, Opening, init, open};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;
use wire::a402::NewA402Payment;
use wire::account::{
    Algorithm, Carry, NewAgent, NewKey, NewMandate, NewOwner, NewPayee, NewTransfer, NewWallet, Provenance,
};
use wire::limit::Limit;
use wire::{AgentId, AmountText, HoldId, KeyId, MandateId, Money, OwnerId, PayeeId, TransferId, WalletId};

/// The prices of S12: 200 fen for a million tokens in, 800 fen for a million out.
const MODELS: &str = r#"
[catalogue]
version = 1
effective_from = "2026-01-01T00:00:00Z"

[[model]]
name = "small"
input_max = 32000
output_max = 8000
source = "own"
prices = { input = "2", output = "8" }
"#;

pub(crate) struct House {
    pub(crate) directory: PathBuf,
    pub(crate) url: String,
    pub(crate) upstream: Arc<Upstream>,
    pub(crate) operator: Client,
    pub(crate) agent: Client,
    pub(crate) seller: Client,
    pub(crate) payee: PayeeId,
    pub(crate) wallet: WalletId,
    pub(crate) mandate: MandateId,
    pub(crate) gateway: Option<Gateway>,
    pub(crate) http: reqwest::Client,
    pub(crate) seller_key: (KeyId, [u8; 32]),
    server: String,
    serving: Option<JoinHandle<()>>,
    pub(crate) port: u16,
    /// Keeps the port for the shop, also while that is closed.
    _place: TcpSocket,
    /// Lines for `[upstream]`.
    pub(crate) options: String,
}

/// An answer of the gateway.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        self.headers.get(name).map(|value| value.to_str().unwrap().to_owned())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{self:?}"))
    }

    #[track_caller]
    pub(crate) fn ok(self) -> Reply {
        assert!((200..300).contains(&self.status), "{self:?}");
        self
    }

    #[track_caller]
    pub(crate) fn code(&self, status: u16, code: &str) -> &Reply {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.json()["error"]["code"], code, "{self:?}");
        self
    }
}

pub(crate) fn id() -> u128 {
    (u128::from(Clock::system().now().0 / 1_000_000) << 80) | (rand::random::<u128>() >> 48)
}

fn fen(minor: u128) -> Money {
    Money { amount: AmountText::new(minor).unwrap(), asset: "CNY/2".parse().unwrap() }
}

fn key(id: KeyId, seed: &[u8; 32]) -> NewKey {
    NewKey {
        id,
        algorithm: Algorithm::Ed25519,
        public_key: base64url::encode(SigningKey::ed25519(seed).public().bytes()),
    }
}

fn client(url: &str, (key_id, seed): (KeyId, [u8; 32])) -> Client {
    Client::new(url, Credentials { key_id, key: SigningKey::ed25519(&seed) }).unwrap()
}

impl House {
    pub(crate) async fn new() -> House {
        House::with("").await
    }

    /// A house whose `[upstream]` has these lines too. 10.00 CNY are in the wallet.
    pub(crate) async fn with(options: &str) -> House {
        let mut house = House::unopened(options).await;
        house.open_shop().await;
        house
    }

    pub(crate) async fn unopened(options: &str) -> House {
        let directory = std::env::temp_dir().join(format!("tollbridge-llm-{}", wire::RequestId(id())));
        let book = directory.join("book");
        init(&book, BookKind::Test, "tollbridge.test/book").unwrap();
        let app = {
            let book = book.clone();
            tokio::task::spawn_blocking(move || open(&book, Opening::default()).unwrap()).await.unwrap()
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            server::serve(listener, app, axum::Router::new(), std::future::pending()).await
        });
        let operator = Credentials::read(&book.join("keys/operator.toml")).unwrap();
        let new_key = || (KeyId(id()), rand::random::<[u8; 32]>());
        let (seller_key, agent_key) = (new_key(), new_key());
        let (place, port) = a_place();
        let house = House {
            url: format!("http://127.0.0.1:{port}"),
            operator: Client::new(&server, operator).unwrap(),
            agent: client(&server, agent_key),
            seller: client(&server, seller_key),
            upstream: Upstream::start().await,
            payee: PayeeId(id()),
            wallet: WalletId(id()),
            mandate: MandateId(id()),
            gateway: None,
            http: http(),
            serving: None,
            seller_key,
            server,
            directory,
            port,
            _place: place,
            options: options.to_owned(),
        };
        house.furnish(agent_key).await;
        house.write_files();
        house
    }

    /// Everybody is registered, and 10.00 CNY is in the wallet.
    async fn furnish(&self, agent_key: (KeyId, [u8; 32])) {
        let owner_key = (KeyId(id()), rand::random::<[u8; 32]>());
        let owner = OwnerId(id());
        let new_owner = NewOwner { id: owner, key: key(owner_key.0, &owner_key.1), label: None };
        self.operator.add_owner(&new_owner).await.unwrap();
        let asset: wire::AssetText = "CNY/2".parse().unwrap();
        let payee = NewPayee {
            id: self.payee,
            owner: None,
            asset,
            category: "models".to_owned(),
            provenance: Provenance::Registry,
            fee_ppm: 0,
            key: Some(key(self.seller_key.0, &self.seller_key.1)),
            label: None,
        };
        self.operator.add_payee(&payee).await.unwrap();
        let owner_client = client(&self.server, owner_key).with_auth(Auth::Signed);
        let wallet = NewWallet { id: self.wallet, owner, asset, limits: Vec::new(), label: None };
        owner_client.open_wallet(&wallet).await.unwrap();
        let agent = AgentId(id());
        let new_agent = NewAgent {
            id: agent,
            wallet: self.wallet,
            limits: Vec::new(),
            key: key(agent_key.0, &agent_key.1),
            label: None,
        };
        owner_client.add_agent(&new_agent).await.unwrap();
        let text = |time: Time| protocols::a402::DateTime::second_of(time).as_str().to_owned();
        let now = Clock::system().now();
        let mandate = NewMandate {
            id: self.mandate,
            wallet: self.wallet,
            agent,
            valid_from: text(Time(now.0 - 60_000_000_000)),
            expires_at: text(now.after(Time::from_seconds(86_400).0)),
            limits: vec![Limit::PerPayment { max: AmountText::new(1_000).unwrap() }],
            document: "models".to_owned(),
            carry: Carry::Inherit,
        };
        owner_client.grant(&mandate).await.unwrap();
        let transfer = NewTransfer {
            id: TransferId(id()),
            from: "world".to_owned(),
            to: self.wallet.to_string(),
            amount: fen(1_000),
        };
        self.operator.transfer(&transfer).await.unwrap();
    }

    fn write_files(&self) {
        let key_file = self.directory.join("seller.toml");
        let text = Credentials::file_text(self.seller_key.0, Algorithm::Ed25519, &self.seller_key.1);
        std::fs::write(&key_file, &*text).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&key_file, mode).unwrap();
        let config = format!(
            "[seller]\nserver = \"{}\"\npayee = \"{}\"\nkey_file = \"seller.toml\"\nnetwork = \"toll:test\"\n\
             public_url = \"{}\"\nasset = \"CNY/2\"\ndata = \"llm\"\n[deposit]\nmin = \"0.01\"\nmax = \"100.00\"\n\
             default = \"1.00\"\n[upstream]\nurl = \"{}\"\n{}\n{MODELS}",
            self.server, self.payee, self.url, self.upstream.url, self.options,
        );
        std::fs::write(self.directory.join("models.toml"), config).unwrap();
        let config = self.config();
        std::fs::create_dir_all(config.seller.catalogues()).unwrap();
        let (name, text) = Gateway::sign_catalogue(&config).unwrap();
        std::fs::write(config.seller.catalogues().join(name), text).unwrap();
    }

    pub(crate) fn config(&self) -> Config {
        Config::read(&self.directory.join("models.toml")).unwrap()
    }

    /// Starts the gateway, at the address it always has.
    pub(crate) async fn open_shop(&mut self) {
        let config = self.config();
        let gateway = tokio::task::spawn_blocking(move || Gateway::open(config, Clock::system()).unwrap())
            .await
            .unwrap();
        self.gateway = Some(gateway.clone());
        let listener = listener_at(self.port).await;
        self.serving = Some(tokio::spawn(llm::serve(listener, gateway, std::future::pending())));
    }

    pub(crate) async fn close_shop(&mut self) {
        self.gateway = None;
        if let Some(serving) = self.serving.take() {
            serving.abort();
            assert!(serving.await.unwrap_err().is_cancelled());
        }
    }

    pub(crate) fn shop(&self) -> &Gateway {
        self.gateway.as_ref().unwrap()
    }

    /// What can be spent, what is held, and what the seller has, in fen.
    pub(crate) async fn money(&self) -> (u128, u128, u128) {
        let wallet = self.operator.wallet(self.wallet).await.unwrap();
        let payee = self.seller.payee(self.payee).await.unwrap();
        let available = payee.available.expect("the seller sees what it has");
        (wallet.available.amount.minor(), wallet.held.amount.minor(), available.amount.minor())
    }

    pub(crate) fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> reqwest::RequestBuilder {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if body.is_empty() {
            request
        } else {
            request.header("content-type", "application/json").body(body.to_owned())
        }
    }

    pub(crate) async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let answer = self.request(method, path, headers, body).send().await.unwrap();
        Reply {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body: answer.text().await.unwrap(),
        }
    }

    /// Pays a bill of the gateway, and answers the proof.
    pub(crate) async fn pay(&self, bill: &Reply) -> String {
        let payment = NewA402Payment {
            id: HoldId(id()),
            wallet: self.wallet,
            mandate: Some(self.mandate),
            payment_needed: bill.header(PAYMENT_NEEDED).unwrap_or_else(|| panic!("{bill:?}")),
            approval: None,
            why: None,
        };
        match self.agent.a402_pay(&payment).await.unwrap() {
            Answer::Done(paid) => paid.payment_proof,
            Answer::Asked(asked) => panic!("{asked:?}"),
        }
    }

    /// Pays a deposit, and answers the key.
    pub(crate) async fn deposit(&self, amount: &str) -> String {
        let path = format!("/.tollbridge/sessions?deposit={amount}");
        let bill = self.send("POST", &path, &[], "").await;
        bill.code(402, "payment_required");
        let proof = self.pay(&bill).await;
        let session = self.send("POST", &path, &[(PAYMENT_PROOF, &proof)], "").await.ok().json();
        session["api_key"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn session(&self, key: &str) -> Value {
        self.send("GET", "/.tollbridge/sessions", &[("x-api-key", key)], "").await.ok().json()
    }

    /// Ends a session, and waits until it is settled.
    pub(crate) async fn close(&self, key: &str) -> Value {
        let closed = self.send("DELETE", "/.tollbridge/sessions", &[("x-api-key", key)], "").await;
        assert_eq!(closed.status, 200, "{closed:?}");
        closed.json()
    }

    pub(crate) async fn call(&self, key: &str, path: &str, body: &Value) -> Reply {
        self.send("POST", path, &[("authorization", &format!("Bearer {key}"))], &body.to_string()).await
    }

    /// Calls and reads exactly `events` events of the answer, then hangs up.
    pub(crate) async fn hang_up_after(&self, key: &str, path: &str, body: &Value, events: usize) -> String {
        let request = self.request("POST", path, &[("x-api-key", key)], &body.to_string());
        let mut answer = request.send().await.unwrap();
        let mut text = String::new();
        while text.matches("\n\n").count() < events {
            text.push_str(&String::from_utf8_lossy(&answer.chunk().await.unwrap().expect("there is more")));
        }
        text
    }

    /// Waits until no call is under way, and answers what the session spent.
    pub(crate) async fn spent(&self, key: &str) -> String {
        let begun = Instant::now();
        loop {
            let session = self.session(key).await;
            assert!(begun.elapsed() < PATIENCE, "{session}");
            let deposits = session["deposits"].as_array().unwrap();
            if deposits.iter().all(|deposit| deposit["reserved"] == "0 CNY") {
                return session["spent"].as_str().unwrap().to_owned();
            }
            tokio::task::yield_now().await;
        }
    }

    /// The bill of the newest meter, checked as a stranger would.
    pub(crate) async fn checked_bill(&self, key: &str) -> (Value, pricing::Checked) {
        let text = self.send("GET", "/.tollbridge/bill", &[("x-api-key", key)], "").await.ok();
        let bill = pricing::Bill::read(text.body.as_bytes()).unwrap();
        let public = SigningKey::ed25519(&self.seller_key.1).public().clone();
        let name = self.seller_key.0.to_string();
        let checked = bill.check(|known| (known == name).then(|| public.clone())).unwrap();
        (text.json(), checked)
    }
}

/// A chat whose body has 400 bytes or a few more.
pub(crate) fn chat_body(more: Value) -> Value {
    let mut body = json!({ "model": "small", "messages": [{ "role": "user", "content": "x".repeat(340) }] });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some(serving) = &self.serving {
            serving.abort();
        }
        // What a test leaves behind is nobody's.
        let _gone = std::fs::remove_dir_all(&self.directory);
    }
}
