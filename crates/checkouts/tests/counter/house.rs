//! A house to test in: a book with an owner, her agent and a seller, a server, and a shop with both doors open.

use bytes::Bytes;
use checkouts::{Config, Doors};
use evidence::{SigningKey, base64url};
use http::{HeaderMap, Method, Request};
use protocols::Time;
use sdk::{Answer, Auth, Client, Clock, Credentials};
use serde_json::{Value, json};
use server::data::{BookKind, Opening, init, open};
use shop::Shop;
use std::path::PathBuf;
use tokio::net::TcpListener;
use wire::account::{
    Advance, Algorithm, Carry, NewAgent, NewKey, NewMandate, NewOwner, NewPayee, NewTransfer, NewWallet,
    Provenance,
};
use wire::limit::Limit;
use wire::{AgentId, AmountText, KeyId, MandateId, Money, OwnerId, PayeeId, RequestId, TransferId, WalletId};

/// The API keys of the two clients.
pub(crate) const KEY: &str = "a key of the assistant";
pub(crate) const OTHER_KEY: &str = "a key of somebody else";

/// The key with which the platform signs.
pub(crate) fn platform_key() -> SigningKey {
    SigningKey::es256(&[0x41; 32]).unwrap()
}

/// The seed of the key with which the shop signs, and the secret of its events.
pub(crate) const SHOP_SEED: [u8; 32] = [0x42; 32];
pub(crate) const EVENT_SECRET: [u8; 32] = [0x43; 32];

const GOODS: &str = r#"
[[delivery]]
id = "courier"
name = "Courier"
price = "3.00"

[[delivery]]
id = "self"
name = "Collect it"
price = "0.00"

[[coupon]]
code = "FIVE"
off = "5.00"

[[item]]
id = "tea"
name = "Milk tea"
category = "drink"
price = "18.00"
asset = "CNY/2"
stock = 3
[[item.option]]
name = "size"
values = ["small", "large"]
extra = { large = "2.00" }

[[item]]
id = "map"
name = "Map"
category = "data"
price = "1.50"
asset = "CNY/2"
shipped = false
stock = 5
"#;

pub(crate) struct House {
    directory: Files,
    pub(crate) operator: Client,
    pub(crate) owner: Client,
    pub(crate) agent: Client,
    pub(crate) seller: Client,
    pub(crate) payee: PayeeId,
    pub(crate) wallet: WalletId,
    pub(crate) mandate: MandateId,
    pub(crate) shop: Shop,
    pub(crate) doors: Doors,
    server: String,
    events: String,
}

/// An answer of a door.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Reply {
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    /// An error of ACP's.
    #[track_caller]
    pub(crate) fn error(self, status: u16, code: &str) -> Value {
        let body = self.expect(status);
        assert_eq!(body["code"], code, "{body}");
        assert!(body["type"].is_string() && body["message"].is_string(), "{body}");
        body
    }

    /// An error of UCP's.
    #[track_caller]
    pub(crate) fn message(self, status: u16, code: &str) -> Value {
        let body = self.expect(status);
        assert_eq!(
            (&body["ucp"]["status"], &body["messages"][0]["code"]),
            (&json!("error"), &json!(code)),
            "{body}"
        );
        body
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

pub(crate) fn id() -> u128 {
    (u128::from(Clock::system().now().0 / 1_000_000) << 80) | (rand::random::<u128>() >> 48)
}

/// A key that no request used.
pub(crate) fn fresh() -> String {
    RequestId(id()).to_string()
}

pub(crate) fn fen(minor: u128) -> Money {
    Money { amount: AmountText::new(minor).unwrap(), asset: "CNY/2".parse().unwrap() }
}

pub(crate) fn in_seconds(seconds: u64) -> String {
    text(Clock::system().now().after(Time::from_seconds(seconds).0))
}

fn text(time: Time) -> String {
    protocols::a402::DateTime::second_of(time).as_str().to_owned()
}

fn key(id: KeyId, seed: &[u8; 32]) -> NewKey {
    let public_key = base64url::encode(SigningKey::ed25519(seed).public().bytes());
    NewKey { id, algorithm: Algorithm::Ed25519, public_key }
}

fn client(url: &str, (key_id, seed): (KeyId, [u8; 32])) -> Client {
    Client::new(url, Credentials { key_id, key: SigningKey::ed25519(&seed) }).unwrap()
}

fn hex(bytes: &[u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl House {
    pub(crate) async fn new() -> House {
        House::told_at("http://127.0.0.1:9/nobody").await
    }

    /// A house whose clients are told of their orders at an address.
    pub(crate) async fn told_at(events: &str) -> House {
        let directory = std::env::temp_dir().join(format!("tollbridge-checkouts-{}", RequestId(id())));
        let book = directory.join("book");
        init(&book, BookKind::Test, "tollbridge.test/book").unwrap();
        let app = {
            let book = book.clone();
            tokio::task::spawn_blocking(move || open(&book, Opening::default()).unwrap()).await.unwrap()
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = format!("http://{}", listener.local_addr().unwrap());
        let serving = server::serve(listener, app, axum::Router::new(), std::future::pending());
        tokio::spawn(serving);
        let operator = Credentials::read(&book.join("keys/operator.toml")).unwrap();
        let operator = Client::new(&server, operator).unwrap();
        let new_key = || (KeyId(id()), rand::random::<[u8; 32]>());
        let (seller_key, agent_key, owner_key) = (new_key(), new_key(), new_key());
        let parties = Parties { payee: PayeeId(id()), wallet: WalletId(id()), mandate: MandateId(id()) };
        let owner = client(&server, owner_key).with_auth(Auth::Signed);
        furnish(&operator, &owner, &parties, [seller_key, agent_key, owner_key]).await;
        write_files(&directory, seller_key);
        let config = config(&server, parties.payee);
        let shop = Shop::open(shop::Config::parse(&config, &directory).unwrap(), Clock::system()).unwrap();
        let doors = doors(&shop, &directory, events).await;
        House {
            agent: client(&server, agent_key),
            seller: client(&server, seller_key),
            payee: parties.payee,
            wallet: parties.wallet,
            mandate: parties.mandate,
            events: events.to_owned(),
            operator,
            owner,
            directory: Files(directory),
            shop,
            doors,
            server,
        }
    }

    /// Opens the shop again, from what is on the disk.
    pub(crate) async fn reopen(self) -> House {
        let config = config(&self.server, self.payee);
        let parsed = shop::Config::parse(&config, &self.directory.0).unwrap();
        let House {
            directory,
            operator,
            owner,
            agent,
            seller,
            payee,
            wallet,
            mandate,
            shop,
            doors: open,
            server,
            events,
        } = self;
        drop((shop, open));
        let opening = tokio::task::spawn_blocking(|| Shop::open(parsed, Clock::system()).unwrap());
        let shop = opening.await.unwrap();
        let doors = doors(&shop, &directory.0, &events).await;
        House {
            directory,
            operator,
            owner,
            agent,
            seller,
            payee,
            wallet,
            mandate,
            shop,
            doors,
            server,
            events,
        }
    }

    pub(crate) async fn ask(&self, request: Request<Bytes>) -> Reply {
        let response = self.doors.answer(request).await.expect("a path of ours");
        let (head, body) = response.into_parts();
        let body = serde_json::from_slice(&body).unwrap();
        Reply { status: head.status.as_u16(), headers: head.headers, body }
    }

    /// A request of ACP under a fresh key.
    pub(crate) async fn acp(&self, path: &str, body: Value) -> Reply {
        self.acp_as(KEY, &fresh(), path, body).await
    }

    pub(crate) async fn acp_as(&self, who: &str, key: &str, path: &str, body: Value) -> Reply {
        let headers = [("authorization", format!("Bearer {who}")), ("idempotency-key", key.to_owned())];
        self.ask(request(Method::POST, path, &headers, Some(body))).await
    }

    pub(crate) async fn acp_get(&self, who: &str, path: &str) -> Reply {
        let headers = [("authorization", format!("Bearer {who}"))];
        self.ask(request(Method::GET, path, &headers, None)).await
    }

    /// A request of UCP under a fresh key.
    pub(crate) async fn ucp(&self, method: Method, path: &str, body: Option<Value>) -> Reply {
        let headers = [("x-api-key", KEY.to_owned()), ("idempotency-key", fresh())];
        self.ask(request(method, path, &headers, body)).await
    }

    /// A token of the agent's for a checkout, in ACP's shape.
    pub(crate) async fn token(&self, checkout: &str, max_minor: u64, cart: Option<&str>) -> String {
        let new = json!({
            "payment_method": {"type": "tollbridge", "wallet": self.wallet, "mandate": self.mandate},
            "allowance": {"reason": "one_time", "max_amount": max_minor, "currency": "cny",
                "checkout_session_id": checkout, "merchant_id": self.payee, "expires_at": in_seconds(3_000)},
            "metadata": cart.map_or(json!({}), |cart| json!({"cart": cart})),
        });
        let new = serde_json::from_value(new).unwrap();
        match self.agent.delegate_payment(RequestId(id()), &new).await.unwrap() {
            Answer::Done(token) => token.id,
            Answer::Asked(question) => panic!("{question:?}"),
        }
    }

    /// What the wallet can spend and what is held, and what the seller has, in fen.
    pub(crate) async fn money(&self) -> (u128, u128, u128) {
        let wallet = self.owner.wallet(self.wallet).await.unwrap();
        let payee = self.seller.payee(self.payee).await.unwrap();
        let minor = |money: Money| money.amount.minor();
        (minor(wallet.available), minor(wallet.held), minor(payee.available.unwrap()))
    }

    /// Where a buyer of the agent's remembers its purchases.
    pub(crate) fn purchases(&self) -> PathBuf {
        self.directory.0.join("purchases")
    }

    /// Puts the book's clock forward, and has the shop see it.
    pub(crate) async fn advance(&self, seconds: u64) {
        self.operator.advance_clock(&Advance { seconds }).await.unwrap();
        self.shop.sweep().await.unwrap();
    }
}

/// The files of a house, as long as it stands.
struct Files(PathBuf);

impl Drop for Files {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

struct Parties {
    payee: PayeeId,
    wallet: WalletId,
    mandate: MandateId,
}

pub(crate) fn request(
    method: Method,
    path: &str,
    headers: &[(&str, String)],
    body: Option<Value>,
) -> Request<Bytes> {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "shop.example")
        .header("api-version", "2026-04-17")
        .header("ucp-agent", "profile=\"https://platform.example/ucp.json\"");
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    if body.is_some() {
        request = request.header("content-type", "application/json");
    }
    let body = body.map(|body| body.to_string()).unwrap_or_default();
    request.body(Bytes::from(body)).unwrap()
}

fn config(server: &str, payee: PayeeId) -> String {
    format!(
        "[shop]\nname = \"Corner Tea\"\nserver = \"{server}\"\npayee = \"{payee}\"\nkey_file = \"seller.toml\"\n\
         network = \"toll:test\"\npublic_url = \"http://shop.example\"\nasset = \"CNY/2\"\ndata = \"shop\"\n\
         lock_seconds = 600\n{GOODS}"
    )
}

async fn doors(shop: &Shop, directory: &std::path::Path, events: &str) -> Doors {
    let digest = |key: &str| hex(&evidence::Hash::of(key.as_bytes()).0);
    let platform = platform_key();
    let (x, y) = platform.public().bytes()[1..].split_at(32);
    let text = format!(
        "namespace = \"example.shop.pay\"\nacp = true\nucp = true\nsigning_key_file = \"signing.key\"\n\
         links = {{ terms_of_use = \"https://shop.example/terms\" }}\n\
         [[client]]\nname = \"assistant\"\nkey_sha256 = \"{}\"\nacp_events = \"{events}\"\nacp_secret_file = \"events.key\"\n\
         ucp_events = \"{events}\"\n[client.signing_key]\nkid = \"platform-1\"\nx = \"{}\"\ny = \"{}\"\n\
         [[client]]\nname = \"other\"\nkey_sha256 = \"{}\"\n",
        digest(KEY),
        base64url::encode(x),
        base64url::encode(y),
        digest(OTHER_KEY),
    );
    let config = Config::read(toml::from_str(&text).unwrap(), directory).unwrap();
    Doors::open(shop.clone(), config).await.unwrap()
}

fn write_files(directory: &std::path::Path, seller: (KeyId, [u8; 32])) {
    let file = directory.join("seller.toml");
    std::fs::write(&file, &*Credentials::file_text(seller.0, Algorithm::Ed25519, &seller.1)).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&file, mode).unwrap();
    std::fs::write(directory.join("signing.key"), hex(&SHOP_SEED)).unwrap();
    std::fs::write(directory.join("events.key"), hex(&EVENT_SECRET)).unwrap();
}

/// Everybody is registered, and 100.00 CNY is in the wallet: 80.00 of it for the agent.
async fn furnish(
    operator: &Client,
    owner: &Client,
    parties: &Parties,
    [seller_key, agent_key, owner_key]: [(KeyId, [u8; 32]); 3],
) {
    let (owner_id, agent_id, asset) = (OwnerId(id()), AgentId(id()), "CNY/2".parse().unwrap());
    let new_owner = NewOwner { id: owner_id, key: key(owner_key.0, &owner_key.1), label: None };
    operator.add_owner(&new_owner).await.unwrap();
    let payee = NewPayee {
        id: parties.payee,
        owner: None,
        asset,
        category: "shop".to_owned(),
        provenance: Provenance::Registry,
        fee_ppm: 0,
        key: Some(key(seller_key.0, &seller_key.1)),
        label: None,
    };
    operator.add_payee(&payee).await.unwrap();
    let wallet = NewWallet { id: parties.wallet, owner: owner_id, asset, limits: Vec::new(), label: None };
    owner.open_wallet(&wallet).await.unwrap();
    let agent = NewAgent {
        id: agent_id,
        wallet: parties.wallet,
        limits: Vec::new(),
        key: key(agent_key.0, &agent_key.1),
        label: None,
    };
    owner.add_agent(&agent).await.unwrap();
    let now = Clock::system().now();
    let mandate = NewMandate {
        id: parties.mandate,
        wallet: parties.wallet,
        agent: agent_id,
        valid_from: text(Time(now.0 - 60_000_000_000)),
        expires_at: text(now.after(Time::from_seconds(86_400).0)),
        limits: vec![Limit::Total { max: AmountText::new(8_000).unwrap() }],
        document: "tea".to_owned(),
        carry: Carry::Inherit,
    };
    owner.grant(&mandate).await.unwrap();
    let transfer = NewTransfer {
        id: TransferId(id()),
        from: "world".to_owned(),
        to: parties.wallet.to_string(),
        amount: fen(10_000),
    };
    operator.transfer(&transfer).await.unwrap();
}
