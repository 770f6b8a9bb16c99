//! A town: a server with an owner, her agent and a payment tool, and shops beside it, each a process of its own.

use crate::books::{Directory, complained, printed, tollbridge};
use evidence::{SigningKey, base64url};
use sdk::{Auth, Client, Credentials};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use wire::account::{Algorithm, NewAgent, NewKey, NewOwner, NewPayee, NewTransfer, NewWallet, Provenance};
use wire::act::Credential;
use wire::{AgentId, AssetText, KeyId, MandateId, Money, OwnerId, PayeeId, RequestId, TransferId, WalletId};

/// What the wallet begins with, in fen.
pub(crate) const BEGINNING: u128 = 100_000;

pub(crate) struct Town {
    pub(crate) directory: Directory,
    server: RefCell<Option<Process>>,
    pub(crate) url: String,
    runtime: tokio::runtime::Runtime,
    pub(crate) operator: Client,
    pub(crate) owner: Client,
    pub(crate) agent: Client,
    pub(crate) agent_id: AgentId,
    pub(crate) wallet: WalletId,
    pub(crate) token: String,
    shops: RefCell<u32>,
}

/// A shop's account, its file and its process.
pub(crate) struct Stall {
    pub(crate) name: String,
    pub(crate) payee: PayeeId,
    pub(crate) config: PathBuf,
    pub(crate) at: String,
    /// Where it asks the server.
    pub(crate) server: String,
    pub(crate) process: Option<Process>,
}

/// A process that is killed with its owner.
pub(crate) struct Process(Child);

/// `kill -9`.
impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    /// Starts the program and waits until it says where it listens.
    fn start(words: &[&str]) -> (Process, String) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tollbridge"))
            .args(words)
            .arg("--json")
            .env("RUST_LOG", "error")
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("it is a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("it says where");
        let said: Value =
            serde_json::from_str(&line).unwrap_or_else(|_| panic!("{words:?} did not start: {line}"));
        (Process(child), said["listening"].as_str().expect("an address").to_owned())
    }
}

impl Town {
    pub(crate) fn new() -> Town {
        let directory = Directory::new();
        let data = directory.0.join("book").display().to_string();
        let made = tollbridge(&["init", &data]);
        assert_eq!(made.status.code(), Some(0), "{}", complained(&made));
        let (server, url) = Process::start(&["serve", "--data", &data, "--listen", "127.0.0.1:0"]);
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let own = server::data::operator_key(Path::new(&data)).expect("the operator's key is there");
        let seed: [u8; 32] = base64url::decode(&own.seed).expect("a seed").try_into().expect("32 bytes");
        let key_id = own.key.parse().expect("a key's name");
        let operator = Client::new(&url, Credentials { key_id, key: SigningKey::ed25519(&seed) });
        let operator = operator.expect("an address").with_auth(Auth::Signed);

        let (owner_id, wallet) = (OwnerId(operator.fresh_id()), WalletId(operator.fresh_id()));
        let agent_id = AgentId(operator.fresh_id());
        let (owner_key, owner) = party(&operator, &url, &directory.0.join("owner.toml"));
        let (agent_key, agent) = party(&operator, &url, &directory.0.join("agent.toml"));
        let token = runtime.block_on(async {
            let new = NewOwner { id: owner_id, key: owner_key, label: Some("Li".to_owned()) };
            operator.add_owner(&new).await.expect("an owner");
            let new = NewWallet { id: wallet, owner: owner_id, asset: cny(), limits: Vec::new(), label: None };
            operator.open_wallet(&new).await.expect("a wallet");
            let fill = NewTransfer {
                id: TransferId(operator.fresh_id()),
                from: "world".to_owned(),
                to: wallet.to_string(),
                amount: fen(BEGINNING),
            };
            operator.transfer(&fill).await.expect("money");
            // Wide, so that credentials, yeses and money of its own are what counts.
            let limits = vec![wire::limit::Limit::PerPayment { max: fen(BEGINNING).amount }];
            let new = NewAgent { id: agent_id, wallet, limits, key: agent_key, label: None };
            owner.add_agent(&new).await.expect("an agent");
            let now = jiff::Timestamp::now().as_second();
            let time = |seconds: i64| jiff::Timestamp::from_second(now + seconds).expect("a time").to_string();
            let binding = json!({"request_id": format!("bind-{}", operator.fresh_id()), "principal_id": owner_id,
                "agent_id": agent_id, "payment_account_ref": "CNY ****1234",
                "token_constraints": {"max_amount_per_transaction": 1000.00,
                    "validity_period": {"start_time": time(-60), "end_time": time(86_400 * 30)}},
                "authentication_method": "PASSKEY", "timestamp": time(0)});
            let bound: Value = owner.make("/v1/act/bindings", &binding).await.expect("a binding");
            bound["payment_token"].as_str().expect("a token").to_owned()
        });
        let shops = RefCell::default();
        Town {
            directory,
            server: RefCell::new(Some(server)),
            url,
            runtime,
            operator,
            owner,
            agent,
            agent_id,
            wallet,
            token,
            shops,
        }
    }

    pub(crate) fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Opens a shop of this name. `more` are lines of its own section, then its catalogue.
    pub(crate) fn shop(&self, name: &str, fee_ppm: u32, more: &str) -> Stall {
        let number = self.shops.replace_with(|number| *number + 1);
        let root = self.directory.0.join(format!("shop-{number}"));
        std::fs::create_dir(&root).expect("the directory is new");
        let (key, _) = party(&self.operator, &self.url, &root.join("key.toml"));
        let payee = PayeeId(self.operator.fresh_id());
        let new = NewPayee {
            id: payee,
            owner: None,
            asset: cny(),
            category: "shop".to_owned(),
            provenance: Provenance::Registry,
            fee_ppm,
            key: Some(key),
            label: Some(name.to_owned()),
        };
        self.run(self.operator.add_payee(&new)).expect("a payee");
        // A shop that is started again is at the same address.
        let port = TcpListener::bind("127.0.0.1:0")
            .expect("a port is free")
            .local_addr()
            .expect("an address")
            .port();
        let at = format!("http://127.0.0.1:{port}");
        let (config, server) = (root.join("shop.toml"), self.url.clone());
        let mut stall = Stall { name: name.to_owned(), payee, config, at, server, process: None };
        self.reopen(&mut stall, more);
        stall
    }

    /// Kills a shop, where it is open, and opens it with this file.
    pub(crate) fn reopen(&self, stall: &mut Stall, more: &str) {
        stall.process = None;
        let text = format!(
            "[shop]\nname = \"{}\"\nserver = \"{}\"\npayee = \"{}\"\nkey_file = \"key.toml\"\nnetwork = \"toll:test\"\n\
             public_url = \"{}\"\nasset = \"CNY/2\"\ndata = \"data\"\n{more}",
            stall.name, stall.server, stall.payee, stall.at
        );
        std::fs::write(&stall.config, text).expect("the directory is ours");
        let config = stall.config.display().to_string();
        let listen = stall.at.trim_start_matches("http://");
        let (process, _) =
            Process::start(&["seller", "shop", "serve", "--config", &config, "--listen", listen]);
        stall.process = Some(process);
    }

    /// Kills the server, and starts it again on what it has on disk.
    pub(crate) fn kill_and_restart(&self) {
        *self.server.borrow_mut() = None;
        let data = self.directory.0.join("book").display().to_string();
        let listen = self.url.trim_start_matches("http://");
        let (server, _) = Process::start(&["serve", "--data", &data, "--listen", listen]);
        *self.server.borrow_mut() = Some(server);
    }

    /// Starts another part of the town, which says where it listens.
    pub(crate) fn start(words: &[&str]) -> (Process, String) {
        Process::start(words)
    }

    /// A command of the agent's about a purchase.
    pub(crate) fn buyer(&self, verb: &str, purchase: &str, words: &[&str]) -> Bought {
        self.buyer_by(&self.url, verb, purchase, words)
    }

    /// The same, where the server is reached by another address.
    pub(crate) fn buyer_by(&self, server: &str, verb: &str, purchase: &str, words: &[&str]) -> Bought {
        let (key, purchases) = (self.directory.0.join("agent.toml"), self.directory.0.join("purchases"));
        let (key, purchases) = (key.display().to_string(), purchases.display().to_string());
        let fixed = [
            "shop",
            verb,
            "--purchase",
            purchase,
            "--purchases",
            &purchases,
            "--server",
            server,
            "--key",
            &key,
            "--json",
        ];
        Bought::of(&tollbridge(&[&fixed[..], words].concat()))
    }

    /// A command of a shop's owner about an order.
    pub(crate) fn seller(&self, stall: &Stall, verb: &str, order: &str) -> Bought {
        let config = stall.config.display().to_string();
        Bought::of(&tollbridge(&["seller", "shop", verb, order, "--config", &config, "--json"]))
    }

    /// What is free and what is set aside in the wallet, and what a shop has, in fen.
    pub(crate) fn money(&self, stall: &Stall) -> (u128, u128, u128) {
        self.run(async {
            let wallet = self.owner.wallet(self.wallet).await.expect("the wallet");
            let payee = self.operator.payee(stall.payee).await.expect("the payee");
            let got = payee.available.map_or(0, |money| money.amount.minor());
            (wallet.available.amount.minor(), wallet.held.amount.minor(), got)
        })
    }

    /// What the wallet has paid or set aside since the beginning.
    pub(crate) fn spent(&self) -> u128 {
        let wallet = self.run(self.owner.wallet(self.wallet)).expect("the wallet");
        BEGINNING - wallet.available.amount.minor()
    }

    pub(crate) fn advance(&self, seconds: u64) {
        let wait = wire::account::Advance { seconds };
        self.run(self.operator.advance_clock(&wait)).expect("a book of play money");
    }

    /// The credential on these words, which leave nothing open.
    pub(crate) fn credential(&self, words: &str) -> String {
        self.run(async {
            let intent = json!({"id": wire::IntentId(self.owner.fresh_id()), "wallet": self.wallet, "agent": self.agent_id,
                "zone": "Asia/Shanghai", "conversation_history": {"user_intent_raw": words, "input_mode": ["TEXT"]}});
            let drawn: Value = self.owner.make("/v1/intents", &intent).await.expect("an intent");
            assert_eq!(drawn["status"], "ready", "{}", drawn["questions"]);
            let id = MandateId(self.owner.fresh_id());
            let yes = json!({"id": id, "of": drawn["summary_digest"], "user_confirmation_method": "PASSKEY"});
            let path = format!("/v1/intents/{}/confirm", drawn["id"].as_str().expect("an id"));
            let issued: Credential = self.owner.make(&path, &yes).await.expect("a credential");
            issued.delegation_id.to_string()
        })
    }

    /// The owner's yes at the cashier to what has this digest, or to what she is shown.
    pub(crate) fn say_yes(&self, question: &str, digest: Option<&Value>) -> Result<Value, sdk::Failure> {
        self.run(async {
            let prompt: Value = self.owner.get(&format!("/v1/act/cashier/{question}")).await?;
            let yes = json!({ "digest": digest.unwrap_or(&prompt["digest"]) });
            let path = format!("/v1/act/cashier/{question}/confirm");
            self.owner.change(reqwest::Method::POST, &path, RequestId(self.owner.fresh_id()), &yes).await
        })
    }

    pub(crate) fn prompt(&self, question: &str) -> Value {
        self.run(self.owner.get(&format!("/v1/act/cashier/{question}"))).expect("she is asked")
    }

    pub(crate) fn record(&self, purchase: &str) -> Value {
        let file = self.directory.0.join("purchases").join(format!("{purchase}.shop.json"));
        serde_json::from_slice(&std::fs::read(file).expect("it is kept")).expect("it is JSON")
    }
}

/// What a command said, and how it ended.
pub(crate) struct Bought {
    pub(crate) code: Option<i32>,
    pub(crate) said: Vec<Value>,
    pub(crate) complaint: String,
}

impl Bought {
    pub(crate) fn of(output: &Output) -> Bought {
        let said =
            printed(output).lines().map(|line| serde_json::from_str(line).expect("it is JSON")).collect();
        Bought { code: output.status.code(), said, complaint: complained(output) }
    }

    #[track_caller]
    pub(crate) fn ends(self, code: i32) -> Bought {
        assert_eq!(self.code, Some(code), "{:?} {}", self.said, self.complaint);
        self
    }

    /// The last object it said that has such a member: the member.
    #[track_caller]
    pub(crate) fn member(&self, name: &str) -> Value {
        let found = self.said.iter().rev().map(|said| &said[name]).find(|value| !value.is_null());
        found.unwrap_or_else(|| panic!("nothing has `{name}`: {:?} {}", self.said, self.complaint)).clone()
    }

    #[track_caller]
    pub(crate) fn text(&self, name: &str) -> String {
        self.member(name).as_str().expect("a text").to_owned()
    }
}

/// A new key in a file, and a client that signs with it.
fn party(operator: &Client, url: &str, file: &Path) -> (NewKey, Client) {
    let seed: [u8; 32] = rand::random();
    let id = KeyId(operator.fresh_id());
    let text = Credentials::file_text(id, Algorithm::Ed25519, &seed);
    std::fs::write(file, text.as_bytes()).expect("the directory is ours");
    let only_ours = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(file, only_ours).expect("the file is ours");
    let key = SigningKey::ed25519(&seed);
    let public_key = base64url::encode(key.public().bytes());
    let client =
        Client::new(url, Credentials { key_id: id, key }).expect("an address").with_auth(Auth::Signed);
    (NewKey { id, algorithm: Algorithm::Ed25519, public_key }, client)
}

pub(crate) fn cny() -> AssetText {
    "CNY/2".parse().expect("an asset")
}

pub(crate) fn fen(minor: u128) -> Money {
    Money { amount: wire::AmountText::new(minor).expect("it is small"), asset: cny() }
}
