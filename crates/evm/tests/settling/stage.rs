//! A chain that does as it is told, with one token and one authorization that matters, and a facilitator before it.

use evm::config::{Config, Network, Token};
use evm::store::{Key, State, Store};
use evm::transaction::{Settler, Transaction, call};
use evm::{Facilitator, Refused, Settlement};
use k256::ecdsa::SigningKey;
use protocols::evm::number::{Address, Chain, Uint256, hex};
use protocols::evm::signature::{Signature, address_of};
use protocols::evm::{Ask, Authorization, Domain, Reason, Requirements, keccak};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use url::Url;

pub(crate) const NOW: u64 = 1_800_000_000;
/// So long the authorization is valid.
pub(crate) const VALID_SECONDS: u64 = 600;
pub(crate) const PRICE: u64 = 10_000;
pub(crate) const NONCE: [u8; 32] = [3; 32];
/// Somebody else's transaction.
pub(crate) const ANOTHER: [u8; 32] = [9; 32];

/// What the node does with a transaction that it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Does {
    /// Takes it into a block.
    Takes,
    /// Takes it, for a block that comes later.
    Keeps,
    /// Takes it, and its answer is lost.
    TakesSilently,
    /// Says no.
    Refuses,
    /// Takes it into a block in which the token refuses it.
    Reverts,
    /// The same, for somebody else has sent the authorization before.
    IsOvertaken,
    /// Answers nothing, whatever it is asked.
    IsAway,
}

/// A chain with one token, and one authorization that matters.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) does: Does,
    pub(crate) balance: u64,
    pub(crate) timestamp: u64,
    pub(crate) block: u64,
    pub(crate) base_fee: u64,
    /// Every transaction that it was handed, whether it took it or not.
    pub(crate) handed: Vec<Vec<u8>>,
    /// Transactions that wait for a block.
    pub(crate) pool: Vec<[u8; 32]>,
    /// Receipts are not to be had yet.
    pub(crate) hides_receipts: bool,
    /// Somebody has handed it something.
    heard: Arc<Notify>,
    /// Transactions in blocks, and whether each moved the money.
    pub(crate) mined: Vec<([u8; 32], bool)>,
    /// Transactions of the settler's that are none of ours.
    pub(crate) others: u64,
    pub(crate) domain: Domain,
    pub(crate) authorization: Authorization,
}

impl World {
    fn used_by(&self) -> Option<[u8; 32]> {
        self.mined.iter().find(|(_, moved)| *moved).map(|(hash, _)| *hash)
    }

    /// What it was handed under this name.
    pub(crate) fn read(&self, hash: [u8; 32]) -> Transaction {
        let handed = self.handed.iter().find(|raw| keccak(raw) == hash).expect("it was handed over");
        Transaction::read(handed).expect("it is a transaction").0
    }

    /// The transactions that it was handed, each as often as that.
    pub(crate) fn named(&self) -> Vec<[u8; 32]> {
        self.handed.iter().map(|raw| keccak(raw)).collect()
    }

    /// So many blocks with nothing of ours come in so many seconds; then a unit of gas costs this.
    pub(crate) fn goes_on(&mut self, blocks: u64, seconds: u64, base_fee: u64) {
        self.block += blocks;
        self.timestamp += seconds;
        self.base_fee = base_fee;
    }

    /// Takes a transaction that it was handed into a block, whichever waits in its place.
    pub(crate) fn mine(&mut self, hash: [u8; 32]) {
        self.pool.clear();
        let moved =
            self.used_by().is_none() && Uint256::from(self.timestamp) < self.authorization.valid_before;
        self.mined.push((hash, moved));
    }

    /// How often the money has moved.
    fn moves(&self) -> usize {
        self.mined.iter().filter(|(_, moved)| *moved).count()
    }

    /// What the node says; nothing where its answer is lost.
    fn answer(&mut self, method: &str, params: &Value) -> Option<Value> {
        if self.does == Does::IsAway {
            return None;
        }
        let prefixed = |bytes: &[u8]| Value::from(format!("0x{}", hex(bytes)));
        let word = |number: u64| prefixed(Uint256::from(number).bytes());
        let reverted = json!({ "error": { "code": 3, "message": "execution reverted" } });
        let result = match method {
            "eth_chainId" => json!("0x7a69"),
            "eth_getCode" => json!("0x60"),
            "eth_getBlockByNumber" => {
                let hexadecimal = |number: u64| format!("{number:#x}");
                json!({
                    "number": hexadecimal(self.block),
                    "timestamp": hexadecimal(self.timestamp),
                    "baseFeePerGas": hexadecimal(self.base_fee),
                })
            }
            "eth_maxPriorityFeePerGas" => json!("0x1"),
            "eth_getTransactionCount" => {
                let waiting = if params[1] == "pending" { self.pool.len() } else { 0 };
                json!(format!("{:#x}", self.others + (self.mined.len() + waiting) as u64))
            }
            "eth_estimateGas" => json!("0x11170"),
            "eth_call" => {
                let data = params[0]["data"].as_str().expect("a call has data");
                let is = |function: &str| data.starts_with(&format!("0x{}", hex(&call(function, &[]))));
                if is("DOMAIN_SEPARATOR()") {
                    prefixed(&self.domain.separator())
                } else if is("balanceOf(address)") {
                    word(self.balance)
                } else if is("authorizationState(address,bytes32)") {
                    word(u64::from(self.used_by().is_some()))
                } else if self.used_by().is_some() || self.authorization.valid_before <= self.timestamp.into()
                {
                    return Some(reverted);
                } else {
                    json!("0x")
                }
            }
            "eth_sendRawTransaction" => {
                let raw = params[0].as_str().expect("it is text");
                assert!(raw.contains(&hex(&NONCE)), "it carries the authorization");
                let bytes: Vec<u8> = (2..raw.len())
                    .step_by(2)
                    .map(|at| u8::from_str_radix(&raw[at..at + 2], 16).expect("hexadecimal digits"))
                    .collect();
                let hash = keccak(&bytes);
                self.handed.push(bytes);
                self.heard.notify_one();
                match self.does {
                    Does::Keeps => {
                        let place = |hash: &[u8; 32]| self.read(*hash).account_nonce;
                        let replaced = self.pool.iter().position(|other| place(other) == place(&hash));
                        replaced.map(|at| self.pool.remove(at));
                        self.pool.push(hash);
                    }
                    Does::Refuses => return Some(json!({ "error": { "code": -32003, "message": "no" } })),
                    Does::Reverts => self.mined.push((hash, false)),
                    Does::IsOvertaken => self.mined.extend([(ANOTHER, true), (hash, false)]),
                    Does::Takes | Does::TakesSilently | Does::IsAway => {
                        let is_first = self.used_by().is_none();
                        self.mined.push((hash, is_first));
                    }
                }
                if self.does == Does::TakesSilently {
                    return None;
                }
                prefixed(&hash)
            }
            "eth_getTransactionByHash" if self.pool.iter().any(|hash| prefixed(hash) == params[0]) => {
                json!({})
            }
            "eth_getTransactionReceipt" if self.hides_receipts => Value::Null,
            "eth_getTransactionByHash" if self.hides_receipts => Value::Null,
            "eth_getTransactionByHash" | "eth_getTransactionReceipt" => {
                let named = params[0].as_str().expect("a hash is text");
                let found = self.mined.iter().find(|(hash, _)| prefixed(hash) == named);
                found.map_or(Value::Null, |(_, moved)| self.receipt(*moved))
            }
            "eth_getLogs" => json!(
                self.used_by()
                    .map(|hash| json!({ "transactionHash": prefixed(&hash) }))
                    .into_iter()
                    .collect::<Vec<_>>()
            ),
            other => panic!("nobody asks `{other}`"),
        };
        Some(json!({ "result": result }))
    }

    fn receipt(&self, moved: bool) -> Value {
        let prefixed = |bytes: &[u8]| format!("0x{}", hex(bytes));
        let Authorization { from, to, value, .. } = &self.authorization;
        let transfer = keccak(b"Transfer(address,address,uint256)");
        let log = json!({
            "address": self.domain.token.to_string(),
            "topics": [prefixed(&transfer), prefixed(&from.word()), prefixed(&to.word())],
            "data": prefixed(value.bytes()),
        });
        let logs = if moved { vec![log] } else { vec![] };
        json!({ "status": if moved { "0x1" } else { "0x0" }, "blockNumber": "0x11", "logs": logs })
    }
}

async fn answer(world: Arc<Mutex<World>>, stream: TcpStream) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length is a number");
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        let asked: Value = serde_json::from_slice(&body).expect("it is JSON");
        let method = asked["method"].as_str().expect("a method is text");
        let said = world.lock().expect("nobody panicked").answer(method, &asked["params"]);
        let Some(said) = said else { return Ok(()) };
        let text = said.to_string();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", text.len());
        stream.write_all(format!("{head}{text}").as_bytes()).await?;
    }
}

/// The payer allows just this, under the one nonce that matters.
fn asking(domain: &Domain, price: u64) -> Ask {
    let payer = SigningKey::from_slice(&[1; 32]).expect("it is a key");
    let pay_to = Address::from_bytes([2; 20]);
    let authorization = Authorization {
        from: address_of(payer.verifying_key()),
        to: pay_to,
        value: price.into(),
        valid_after: 0.into(),
        valid_before: (NOW + VALID_SECONDS).into(),
        nonce: NONCE,
    };
    let (ecdsa, parity) = payer.sign_prehash_recoverable(&authorization.digest(domain));
    let requirements = Requirements { domain: domain.clone(), amount: price.into(), pay_to };
    let signature = Signature::of(&ecdsa, parity.is_y_odd());
    Ask { accepted: requirements.clone(), requirements, authorization, signature }
}

/// A chain, what is asked of the facilitator, and where that keeps what it sends.
pub(crate) struct Stage {
    pub(crate) world: Arc<Mutex<World>>,
    heard: Arc<Notify>,
    pub(crate) ask: Ask,
    pub(crate) rpc: Url,
    pub(crate) file: PathBuf,
}

impl Stage {
    pub(crate) async fn open(name: &str) -> Stage {
        let domain = Domain {
            name: "USD Coin".to_owned(),
            version: "2".to_owned(),
            chain: Chain::new(31_337).expect("it is a number of a chain"),
            token: Address::from_bytes([7; 20]),
        };
        let ask = asking(&domain, PRICE);
        let authorization = ask.authorization.clone();
        let heard = Arc::new(Notify::new());
        let world = World {
            does: Does::Takes,
            balance: PRICE,
            timestamp: NOW,
            block: 16,
            base_fee: 7,
            handed: Vec::new(),
            pool: Vec::new(),
            hides_receipts: false,
            heard: heard.clone(),
            mined: Vec::new(),
            others: 0,
            domain,
            authorization,
        };
        let world = Arc::new(Mutex::new(world));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
        let rpc = Url::parse(&format!("http://{}/", listener.local_addr().expect("it listens")))
            .expect("it is an address");
        let shared = world.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(shared.clone(), stream));
            }
        });
        let file = std::env::temp_dir().join(format!("tollbridge-evm-{name}-{}", std::process::id()));
        Stage { world, heard, ask, rpc, file }
    }

    /// A facilitator as it is after a start.
    pub(crate) fn start(&self) -> Facilitator {
        let domain = self.ask.requirements.domain.clone();
        let network = Network {
            chain: domain.chain,
            rpc: self.rpc.clone(),
            settler: Settler::parse(&"22".repeat(32)).expect("it is a key"),
            confirmations: 1,
            fee_wei_max: 1_000,
            tokens: vec![Token { domain, decimals: 6, amount_min: 1_000.into() }],
            payees: vec![self.ask.requirements.pay_to],
        };
        Facilitator::open(Config { networks: vec![network] }, &self.file).expect("the file can be made")
    }

    pub(crate) fn now(&self, change: impl FnOnce(&mut World)) {
        change(&mut self.world.lock().expect("nobody panicked"));
    }

    pub(crate) fn moves(&self) -> usize {
        self.world.lock().expect("nobody panicked").moves()
    }
}

impl Stage {
    /// The same payer allows another amount under the same nonce.
    pub(crate) fn for_price(&self, price: u64) -> Ask {
        asking(&self.ask.requirements.domain, price)
    }

    /// Somebody asks, and hangs up as soon as the node was handed something.
    pub(crate) async fn asked_and_left(&self, facilitator: &Facilitator) {
        tokio::select! {
            said = settle(facilitator, &self.ask) => panic!("nobody left: {said:?}"),
            () = self.heard.notified() => {}
        }
    }

    /// What the node was handed.
    pub(crate) fn named(&self) -> Vec<[u8; 32]> {
        self.world.lock().expect("nobody panicked").named()
    }

    /// What came of a round of the facilitator's own.
    pub(crate) async fn round(&self, facilitator: &Facilitator) -> Result<(), String> {
        facilitator.round(self.ask.requirements.domain.chain, &sign).await
    }

    /// How it stands with the settlement.
    pub(crate) fn state(&self) -> Option<State> {
        let Ask { requirements, authorization, .. } = &self.ask;
        let store = Store::open(&self.file).expect("the file can be read");
        let found = store.find(&Key::of(&requirements.domain, authorization)).expect("the file can be read");
        found.map(|kept| kept.state)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        for end in ["", "-wal", "-shm"] {
            // Some of them are there.
            let _removed = std::fs::remove_file(format!("{}{end}", self.file.display()));
        }
    }
}

pub(crate) async fn settle(facilitator: &Facilitator, ask: &Ask) -> Result<Settlement, Refused> {
    facilitator.settle(ask, NOW, &sign).await
}

/// What came of it, without the transaction.
pub(crate) async fn said(facilitator: &Facilitator, ask: &Ask) -> Result<(), Reason> {
    settle(facilitator, ask).await.map(drop).map_err(|refused| refused.reason)
}

fn sign(statement: &str) -> (String, String) {
    ("key".to_owned(), format!("signed {statement}"))
}
