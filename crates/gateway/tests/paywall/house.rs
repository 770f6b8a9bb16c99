//! A house to test in: a book with an owner, her agent and a seller, a server, a gateway before an upstream.

use crate::place::{a_place, http, listener_at};
use crate::tunnel::Tunnel;
use crate::upstream::Upstream;
use evidence::{SigningKey, base64url};
use gateway::{Config, Gateway};
use protocols::Time;
use protocols::a402::headers::{PAYMENT_NEEDED, PAYMENT_PROOF, PAYMENT_VALIDATION};
use protocols::a402::{Identifier, Keyring, Needed, Validation, wallet::Network};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use sdk::{Answer, Auth, Buyer, BuyerSettings, Client, Clock, Credentials, Failure, Fetch, Purchases};
use server::data::{BookKind, Opening, init, open};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;
use wire::a402::{A402Payment, NewA402Payment};
use wire::account::{
    Algorithm, Carry, NewAgent, NewKey, NewMandate, NewOwner, NewPayee, NewTransfer, NewWallet, Provenance,
};
use wire::limit::Limit;
use wire::{AgentId, AmountText, HoldId, KeyId, MandateId, Money, OwnerId, PayeeId, TransferId, WalletId};

/// What is sold; `/report` costs 3 fen, as in the story of the paid search.
pub(crate) const PRICES: &str = r#"
[[price]]
method = "GET"
path = "/search"
amount = "0.03 CNY"
description = "One search."
refund = "What is not delivered is not charged."

[[price]]
method = "GET"
path = "/cheap/{id}"
amount = "0.02 CNY"

[[price]]
method = "POST"
path = "/render"
amount = "0.20 CNY"
content_types = ["application/json"]
body_bytes_max = 100

[[price]]
method = "GET"
path = "/strict"
amount = "0.01 CNY"
charge_client_errors = true

[[price]]
method = "GET"
path = "/kept"
amount = "0.03 CNY"
stream = false

[[price]]
method = "GET"
path = "/flow"
amount = "0.03 CNY"
stream = true

[[price]]
method = "GET"
path = "/pages"
unit = { json = "/usage/pages" }
unit_name = "page"
rate = "0.004 CNY"
at_most = "0.20 CNY"

[[price]]
method = "GET"
path = "/rows"
unit = { header = "x-rows" }
unit_name = "row"
tiers = [{ up_to = 10, rate = "0.01 CNY" }, { rate = "0.001 CNY" }]
at_least = "0.02 CNY"
at_most = "0.20 CNY"

[[price]]
method = "GET"
path = "/bytes"
unit = "bytes"
every = 1000
rate = "0.01 CNY"
at_most = "0.05 CNY"

[[price]]
method = "GET"
path = "/quota"
amount = "0.03 CNY"
free_calls = { count = 3, per = "day" }

[[price]]
method = "GET"
path = "/trial"
amount = "0.03 CNY"
free_calls = { count = 2, per = "ever" }

[[price]]
method = "GET"
path = "/tick"
amount = "0.01 CNY"
by_voucher = "0.001 CNY"

[[price]]
method = "POST"
path = "/tock/{id}"
amount = "0.02 CNY"
by_voucher = "0.0123456789 CNY"
charge_client_errors = true

[[price]]
method = "GET"
path = "/feed"
amount = "0.05 CNY"
stream = true
by_voucher = "0.001 CNY"

[[price]]
method = "GET"
path = "/listing"
amount = "0.05 CNY"

[[price.terms]]
schema = { type = "object", required = ["rows"] }
lost_ppm = 1000000

[[price.terms]]
rows = { at = "/rows", at_least = 2 }
lost_ppm = 600000

[[price.terms]]
latency_ms = 60000
lost_ppm = 100000

[[coupon]]
code = "SPRING"
percent_off = 50
budget = "0.04 CNY"

[[coupon]]
code = "ONCE"
amount_off = "0.01 CNY"
budget = "1.00 CNY"
once_per_caller = true
until = "2099-01-01T00:00:00Z"

[[coupon]]
code = "OLD"
amount_off = "0.01 CNY"
budget = "1.00 CNY"
until = "2020-01-01T00:00:00Z"

[[free]]
method = "GET"
path = "/about"
"#;

pub(crate) struct House {
    pub(crate) directory: PathBuf,
    pub(crate) app: server::App,
    pub(crate) url: String,
    pub(crate) upstream: Arc<Upstream>,
    pub(crate) tunnel: Arc<Tunnel>,
    pub(crate) operator: Client,
    pub(crate) agent: Client,
    pub(crate) owner: Client,
    pub(crate) seller: Client,
    pub(crate) owner_id: OwnerId,
    pub(crate) agent_id: AgentId,
    pub(crate) payee: PayeeId,
    pub(crate) wallet: WalletId,
    pub(crate) mandate: MandateId,
    pub(crate) gateway: Option<Gateway>,
    pub(crate) http: reqwest::Client,
    seller_key: (KeyId, [u8; 32]),
    agent_key: (KeyId, [u8; 32]),
    serving: Option<JoinHandle<()>>,
    life: Option<(std::sync::mpsc::Sender<()>, std::thread::JoinHandle<()>)>,
    port: u16,
    /// Keeps the port for the shop, also while that is closed.
    _place: TcpSocket,
    options: Options,
}

/// How a house differs from the usual one.
#[derive(Clone, Default)]
pub(crate) struct Options {
    /// Lines for `[seller]`.
    pub(crate) seller: String,
    /// Lines before the tables.
    pub(crate) top: String,
    /// Lines for `[upstream]`.
    pub(crate) upstream: String,
    /// Lines for `[vouchers]`.
    pub(crate) vouchers: String,
    /// Of the wallet.
    pub(crate) limits: Vec<Limit>,
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

    pub(crate) fn needed(&self) -> Needed {
        Needed::decode(&self.header(PAYMENT_NEEDED).expect("a bill")).unwrap()
    }

    pub(crate) fn validation(&self) -> Validation {
        Validation::decode(&self.header(PAYMENT_VALIDATION).expect("a validation")).unwrap()
    }

    /// The four words of the validation, which none implies another.
    pub(crate) fn words(&self) -> [&'static str; 4] {
        let found = self.validation();
        [
            found.validation_status().as_str(),
            found.delivery_status().as_str(),
            found.fulfillment_status().as_str(),
            found.transaction_state().as_str(),
        ]
    }

    #[track_caller]
    pub(crate) fn code(&self, status: u16, code: &str) -> &Reply {
        assert_eq!(self.status, status, "{self:?}");
        let problem: wire::Problem = serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{self:?}"));
        assert_eq!(problem.code, code, "{problem:?}");
        assert_eq!(problem.status, status);
        self
    }
}

pub(crate) fn id() -> u128 {
    (u128::from(Clock::system().now().0 / 1_000_000) << 80) | (rand::random::<u128>() >> 48)
}

pub(crate) fn fen(minor: u128) -> Money {
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
    let key = SigningKey::ed25519(&seed);
    Client::new(url, Credentials { key_id, key }).unwrap()
}

impl House {
    pub(crate) async fn new() -> House {
        House::with(Options::default()).await
    }

    pub(crate) async fn with(options: Options) -> House {
        let mut house = House::unopened(options).await;
        house.open_shop().await;
        house
    }

    /// A house whose shop is still closed.
    pub(crate) async fn unopened(options: Options) -> House {
        let directory = std::env::temp_dir().join(format!("tollbridge-gateway-{}", wire::RequestId(id())));
        let book = directory.join("book");
        init(&book, BookKind::Test, "tollbridge.test/book").unwrap();
        let app = {
            let book = book.clone();
            tokio::task::spawn_blocking(move || open(&book, Opening::default()).unwrap()).await.unwrap()
        };
        let serving = app.clone();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            server::serve(listener, serving, axum::Router::new(), std::future::pending()).await
        });
        let tunnel = Tunnel::start(server).await;
        let operator = Credentials::read(&book.join("keys/operator.toml")).unwrap();
        let new_key = || (KeyId(id()), rand::random::<[u8; 32]>());
        let (seller_key, agent_key, owner_key) = (new_key(), new_key(), new_key());
        let (place, port) = a_place();
        let house = House {
            app,
            url: format!("http://127.0.0.1:{port}"),
            operator: Client::new(&tunnel.url, operator).unwrap(),
            agent: client(&tunnel.url, agent_key),
            owner: client(&tunnel.url, owner_key).with_auth(Auth::Signed),
            seller: client(&tunnel.url, seller_key),
            upstream: Upstream::start().await,
            owner_id: OwnerId(id()),
            agent_id: AgentId(id()),
            payee: PayeeId(id()),
            wallet: WalletId(id()),
            mandate: MandateId(id()),
            gateway: None,
            http: http(),
            serving: None,
            life: None,
            tunnel,
            directory,
            seller_key,
            agent_key,
            port,
            _place: place,
            options,
        };
        house.furnish(owner_key).await;
        house
    }

    /// Everybody is registered, and 1.00 CNY is in the wallet.
    async fn furnish(&self, owner_key: (KeyId, [u8; 32])) {
        let owner = self.owner_id;
        let new_owner = NewOwner { id: owner, key: key(owner_key.0, &owner_key.1), label: None };
        self.operator.add_owner(&new_owner).await.unwrap();
        let payee = NewPayee {
            id: self.payee,
            owner: None,
            asset: "CNY/2".parse().unwrap(),
            category: "data".to_owned(),
            provenance: Provenance::Registry,
            fee_ppm: 0,
            key: Some(key(self.seller_key.0, &self.seller_key.1)),
            label: None,
        };
        self.operator.add_payee(&payee).await.unwrap();
        let wallet = NewWallet {
            id: self.wallet,
            owner,
            asset: "CNY/2".parse().unwrap(),
            limits: self.options.limits.clone(),
            label: None,
        };
        self.owner.open_wallet(&wallet).await.unwrap();
        let agent = NewAgent {
            id: self.agent_id,
            wallet: self.wallet,
            limits: Vec::new(),
            key: key(self.agent_key.0, &self.agent_key.1),
            label: None,
        };
        self.owner.add_agent(&agent).await.unwrap();
        let text = |time: Time| protocols::a402::DateTime::second_of(time).as_str().to_owned();
        let now = Clock::system().now();
        let mandate = NewMandate {
            id: self.mandate,
            wallet: self.wallet,
            agent: self.agent_id,
            valid_from: text(Time(now.0 - 60_000_000_000)),
            expires_at: text(now.after(Time::from_seconds(86_400).0)),
            limits: vec![Limit::PerPayment { max: AmountText::new(50).unwrap() }],
            document: "searches".to_owned(),
            carry: Carry::Inherit,
        };
        self.owner.grant(&mandate).await.unwrap();
        let transfer = NewTransfer {
            id: TransferId(id()),
            from: "world".to_owned(),
            to: self.wallet.to_string(),
            amount: fen(100),
        };
        self.operator.transfer(&transfer).await.unwrap();
    }

    pub(crate) fn config(&self) -> String {
        let key_file = self.directory.join("seller.toml");
        std::fs::write(
            &key_file,
            &*Credentials::file_text(self.seller_key.0, Algorithm::Ed25519, &self.seller_key.1),
        )
        .unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&key_file, mode).unwrap();
        format!(
            "{}\n[seller]\nserver = \"{}\"\npayee = \"{}\"\nkey_file = \"seller.toml\"\nnetwork = \"toll:test\"\n\
             public_url = \"{}\"\nasset = \"CNY/2\"\ndata = \"gateway\"\n{}\n[upstream]\nurl = \"{}\"\n{}\n{PRICES}\n[vouchers]\n{}\n",
            self.options.top,
            self.tunnel.url,
            self.payee,
            self.url,
            self.options.seller,
            self.upstream.url,
            self.options.upstream,
            self.options.vouchers,
        )
    }

    /// Starts the gateway, at the address it always has.
    pub(crate) async fn open_shop(&mut self) {
        let config = Config::parse(&self.config(), &self.directory).unwrap();
        let gateway = Gateway::open(config, Clock::system()).unwrap();
        self.gateway = Some(gateway.clone());
        let listener = listener_at(self.port).await;
        let serving = async move { gateway::serve(listener, gateway, std::future::pending()).await };
        self.serving = Some(tokio::spawn(serving));
    }

    /// A gateway for use as a layer: nothing but prices.
    pub(crate) fn gateway_without_upstream(&self) -> Gateway {
        let text = self.config();
        let (before, after) = text.split_once("[upstream]").unwrap();
        let (_, prices) = after.split_once("[[price]]").unwrap();
        let config = Config::parse(&format!("{before}\n[[price]]{prices}"), &self.directory).unwrap();
        Gateway::open(config, Clock::system()).unwrap()
    }

    /// Serves an app of the seller's own at the address of the gateway.
    pub(crate) async fn serve_app(&mut self, app: axum::Router, gateway: Gateway) {
        self.gateway = Some(gateway.clone());
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        self.serving = Some(tokio::spawn(async move {
            let telling = tokio::spawn(gateway.run());
            axum::serve(listener, app).await.unwrap();
            telling.abort();
        }));
    }

    /// Starts the gateway in a runtime of its own, which can be stopped with everything that is under way in it.
    pub(crate) async fn open_mortal_shop(&mut self) {
        self.kill_shop().await;
        let config = Config::parse(&self.config(), &self.directory).unwrap();
        let port = self.port;
        let (ready, is_ready) = tokio::sync::oneshot::channel();
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let life = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.spawn(async move {
                let gateway = Gateway::open(config, Clock::system()).unwrap();
                let listener = listener_at(port).await;
                ready.send(()).unwrap();
                gateway::serve(listener, gateway, std::future::pending()).await;
            });
            let _stopped = stopped.recv();
            // Nothing that is under way goes on: as far as the disk can tell, the process is gone.
            drop(runtime);
        });
        is_ready.await.unwrap();
        self.life = Some((stop, life));
    }

    /// Ends what [`House::open_mortal_shop`] began, in the middle of whatever it does.
    pub(crate) fn strike_dead(&mut self) {
        let (stop, life) = self.life.take().unwrap();
        stop.send(()).unwrap();
        life.join().unwrap();
    }

    /// Ends the gateway without any warning.
    pub(crate) async fn kill_shop(&mut self) {
        self.gateway = None;
        if let Some(serving) = self.serving.take() {
            serving.abort();
            assert!(serving.await.unwrap_err().is_cancelled());
        }
    }

    pub(crate) fn shop(&self) -> &Gateway {
        self.gateway.as_ref().unwrap()
    }

    /// Puts the clock of the book forward, and waits until the gateway has noticed.
    pub(crate) async fn later(&self, seconds: u64) {
        let before = self.get("/search").await.needed().demand.pay_before.time();
        self.operator.advance_clock(&wire::account::Advance { seconds }).await.unwrap();
        while self.get("/search").await.needed().demand.pay_before.time()
            < before.after(Time::from_seconds(seconds).0)
        {}
    }

    /// What can be spent, what is held, and what the seller has, in fen.
    pub(crate) async fn money(&self) -> (u128, u128, u128) {
        let wallet = self.operator.wallet(self.wallet).await.unwrap();
        let payee = self.seller.payee(self.payee).await.unwrap();
        let available = payee.available.expect("the seller sees what it has");
        (wallet.available.amount.minor(), wallet.held.amount.minor(), available.amount.minor())
    }

    /// Waits until every delivery is confirmed or voided.
    pub(crate) async fn settled(&self) {
        self.shop().settle().await.unwrap();
    }

    pub(crate) async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name = HeaderName::try_from(*name).unwrap();
            map.append(name, HeaderValue::try_from(*value).unwrap());
        }
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let request = self.http.request(method, format!("{}{path}", self.url)).headers(map);
        let request = if body.is_empty() { request } else { request.body(body.to_owned()) };
        let answer = request.send().await.unwrap();
        Reply {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body: answer.text().await.unwrap(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], "").await
    }

    pub(crate) async fn get_with(&self, path: &str, proof: &str) -> Reply {
        self.send("GET", path, &[(PAYMENT_PROOF, proof)], "").await
    }

    /// Pays a bill of the gateway.
    pub(crate) async fn pay(&self, bill: &Reply) -> A402Payment {
        match self.try_to_pay(bill).await.unwrap() {
            Answer::Done(paid) => paid,
            Answer::Asked(asked) => panic!("{asked:?}"),
        }
    }

    pub(crate) async fn try_to_pay(&self, bill: &Reply) -> Result<Answer<A402Payment>, Failure> {
        let payment = NewA402Payment {
            id: HoldId(id()),
            wallet: self.wallet,
            mandate: Some(self.mandate),
            payment_needed: bill.header(PAYMENT_NEEDED).expect("a bill"),
            approval: None,
            why: None,
        };
        self.agent.a402_pay(&payment).await
    }

    /// A good proof for a `GET`.
    pub(crate) async fn proof(&self, path: &str) -> String {
        let bill = self.get(path).await;
        self.pay(&bill).await.payment_proof
    }

    pub(crate) fn seller_key_id(&self) -> String {
        self.seller_key.0.to_string()
    }

    pub(crate) fn seller_seed(&self) -> [u8; 32] {
        self.seller_key.1
    }

    pub(crate) fn seller_signs(&self) -> SigningKey {
        SigningKey::ed25519(&self.seller_key.1)
    }

    pub(crate) fn buyer(&self) -> Buyer {
        let mut seller_keys = Keyring::default();
        let text = |text: String| Identifier::parse(text).unwrap();
        let public = SigningKey::ed25519(&self.seller_key.1).public().clone();
        seller_keys.trust(text(self.seller_key.0.to_string()), text(self.payee.to_string()), public);
        let settings = BuyerSettings {
            wallet: self.wallet,
            mandate: Some(self.mandate),
            network: Network::Test,
            payees: vec![self.payee],
            seller_keys,
        };
        let purchases = Purchases::open(&self.directory.join("purchases")).unwrap();
        Buyer::new(client(&self.tunnel.url, self.agent_key), settings, purchases).unwrap()
    }

    pub(crate) fn fetch(&self, path: &str, purchase: &str) -> Fetch {
        Fetch {
            method: "GET".to_owned(),
            url: format!("{}{path}", self.url),
            headers: HeaderMap::new(),
            body: Vec::new(),
            purchase: purchase.to_owned(),
            price_max: fen(5),
            why: None,
        }
    }
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
