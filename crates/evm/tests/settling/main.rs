//! Settling against a node that does as it is told: what is said, to whom, and how often money moves, whatever happens
//! between us and the chain. A real node has the same asked of it in `cargo xtask lane evm`.

use evm::config::{Config, Network, Token};
use evm::transaction::{Settler, call};
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
use url::Url;

const NOW: u64 = 1_800_000_000;
const PRICE: u64 = 10_000;
const NONCE: [u8; 32] = [3; 32];
/// Somebody else's transaction.
const ANOTHER: [u8; 32] = [9; 32];

/// What the node does with a transaction that it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    /// Takes it into a block.
    Takes,
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
struct World {
    does: Does,
    balance: u64,
    timestamp: u64,
    /// Transactions in blocks, and whether each moved the money.
    mined: Vec<([u8; 32], bool)>,
    /// Transactions of the settler's that are none of ours.
    others: u64,
    domain: Domain,
    authorization: Authorization,
}

impl World {
    fn used_by(&self) -> Option<[u8; 32]> {
        self.mined.iter().find(|(_, moved)| *moved).map(|(hash, _)| *hash)
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
                json!({ "number": "0x10", "timestamp": format!("{:#x}", self.timestamp), "baseFeePerGas": "0x7" })
            }
            "eth_maxPriorityFeePerGas" => json!("0x1"),
            "eth_getTransactionCount" => json!(format!("{:#x}", self.others + self.mined.len() as u64)),
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
                match self.does {
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

/// A chain, what is asked of the facilitator, and where that keeps what it sends.
struct Stage {
    world: Arc<Mutex<World>>,
    ask: Ask,
    rpc: Url,
    file: PathBuf,
}

impl Stage {
    async fn open(name: &str) -> Stage {
        let domain = Domain {
            name: "USD Coin".to_owned(),
            version: "2".to_owned(),
            chain: Chain::new(31_337).expect("it is a number of a chain"),
            token: Address::from_bytes([7; 20]),
        };
        let payer = SigningKey::from_slice(&[1; 32]).expect("it is a key");
        let pay_to = Address::from_bytes([2; 20]);
        let authorization = Authorization {
            from: address_of(payer.verifying_key()),
            to: pay_to,
            value: PRICE.into(),
            valid_after: 0.into(),
            valid_before: (NOW + 300).into(),
            nonce: NONCE,
        };
        let (ecdsa, parity) = payer.sign_prehash_recoverable(&authorization.digest(&domain));
        let requirements = Requirements { domain: domain.clone(), amount: PRICE.into(), pay_to };
        let ask = Ask {
            accepted: requirements.clone(),
            requirements,
            authorization: authorization.clone(),
            signature: Signature::of(&ecdsa, parity.is_y_odd()),
        };
        let world = World {
            does: Does::Takes,
            balance: PRICE,
            timestamp: NOW,
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
        Stage { world, ask, rpc, file }
    }

    /// A facilitator as it is after a start.
    fn start(&self) -> Facilitator {
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

    fn now(&self, change: impl FnOnce(&mut World)) {
        change(&mut self.world.lock().expect("nobody panicked"));
    }

    fn moves(&self) -> usize {
        self.world.lock().expect("nobody panicked").moves()
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

async fn settle(facilitator: &Facilitator, ask: &Ask) -> Result<Settlement, Refused> {
    let sign = |statement: &str| ("key".to_owned(), format!("signed {statement}"));
    facilitator.settle(ask, NOW, &sign).await
}

/// What came of it, without the transaction.
async fn said(facilitator: &Facilitator, ask: &Ask) -> Result<(), Reason> {
    settle(facilitator, ask).await.map(drop).map_err(|refused| refused.reason)
}

#[tokio::test]
async fn it_is_paid_once_and_only_one_is_told_so() {
    let stage = Stage::open("once").await;
    let facilitator = stage.start();
    assert_eq!(facilitator.verify(&stage.ask, NOW).await, Ok(()));
    assert_eq!(stage.moves(), 0);
    let settled = settle(&facilitator, &stage.ask).await.unwrap();
    assert_eq!(settled.evidence.signature, format!("signed {}", settled.evidence.statement));
    assert!(settled.evidence.statement.contains(&hex(&settled.transaction)));
    let again = Refused { reason: Reason::Used, transaction: Some(settled.transaction) };
    for facilitator in [facilitator, stage.start()] {
        assert_eq!(settle(&facilitator, &stage.ask).await.unwrap_err(), again);
        assert_eq!(facilitator.verify(&stage.ask, NOW).await, Err(again));
    }
    assert_eq!(stage.moves(), 1);
}

#[tokio::test]
async fn eight_at_once_are_one() {
    let stage = Stage::open("eight").await;
    let facilitator = stage.start();
    let all = futures_util::future::join_all((0..8).map(|_| said(&facilitator, &stage.ask))).await;
    assert_eq!(all.iter().filter(|said| said.is_ok()).count(), 1, "{all:?}");
    assert!(all.iter().all(|said| matches!(said, Ok(()) | Err(Reason::Used))), "{all:?}");
    assert_eq!(stage.moves(), 1);
}

#[tokio::test]
async fn what_nobody_knows_is_not_called_failed() {
    let stage = Stage::open("unknown").await;
    stage.now(|world| world.does = Does::IsAway);
    let facilitator = stage.start();
    assert_eq!(facilitator.verify(&stage.ask, NOW).await, Err(Reason::VerifyUnknown.into()));
    assert_eq!(settle(&facilitator, &stage.ask).await.unwrap_err(), Reason::SettleUnknown.into());
    stage.now(|world| world.does = Does::Refuses);
    let pending = settle(&facilitator, &stage.ask).await.unwrap_err();
    assert_eq!(pending.reason, Reason::Pending);
    // Whoever is killed here finds what was about to be sent, and sends just that.
    drop(facilitator);
    let facilitator = stage.start();
    stage.now(|world| world.does = Does::IsAway);
    assert_eq!(settle(&facilitator, &stage.ask).await.unwrap_err(), pending, "it may have been sent");
    stage.now(|world| world.does = Does::Takes);
    assert_eq!(facilitator.verify(&stage.ask, NOW).await, Ok(()));
    assert_eq!(Some(settle(&facilitator, &stage.ask).await.unwrap().transaction), pending.transaction);
    assert_eq!(stage.moves(), 1);
}

#[tokio::test]
async fn money_that_another_transaction_has_moved_is_not_called_unmoved() {
    let stage = Stage::open("overtaken").await;
    stage.now(|world| world.does = Does::IsOvertaken);
    let said = settle(&stage.start(), &stage.ask).await.unwrap_err();
    assert_eq!(said, Refused { reason: Reason::Used, transaction: Some(ANOTHER) });
    assert_eq!(stage.moves(), 1);
}

#[tokio::test]
async fn an_answer_that_is_lost_loses_no_payment() {
    let stage = Stage::open("lost").await;
    stage.now(|world| world.does = Does::TakesSilently);
    assert_eq!(said(&stage.start(), &stage.ask).await, Ok(()));
    assert_eq!(stage.moves(), 1);
}

#[tokio::test]
async fn only_our_own_transaction_counts() {
    let stage = Stage::open("other").await;
    let facilitator = stage.start();
    stage.now(|world| world.does = Does::Refuses);
    assert_eq!(said(&facilitator, &stage.ask).await, Err(Reason::Pending));
    stage.now(|world| world.mined.push(([9; 32], true)));
    let other = Refused { reason: Reason::Used, transaction: Some([9; 32]) };
    assert_eq!(settle(&facilitator, &stage.ask).await.unwrap_err(), other);
    assert_eq!(said(&facilitator, &stage.ask).await, Err(Reason::Used));
    assert_eq!(stage.moves(), 1);
}

#[tokio::test]
async fn what_can_move_nothing_any_more_is_over_and_may_begin_again() {
    let stage = Stage::open("over").await;
    let facilitator = stage.start();
    stage.now(|world| world.does = Does::Refuses);
    let pending = settle(&facilitator, &stage.ask).await.unwrap_err();
    // Its place went to another transaction of the account.
    stage.now(|world| (world.others, world.does) = (1, Does::Reverts));
    let reverted = settle(&facilitator, &stage.ask).await.unwrap_err();
    assert_eq!(reverted.reason, Reason::Failed);
    assert_ne!(reverted.transaction, pending.transaction);
    stage.now(|world| world.does = Does::Refuses);
    assert_eq!(said(&facilitator, &stage.ask).await, Err(Reason::Pending));
    // The chain's clock is what ends it, whatever ours says.
    stage.now(|world| world.timestamp = NOW + 300);
    assert_eq!(said(&facilitator, &stage.ask).await, Err(Reason::Simulation));
    assert_eq!(stage.moves(), 0);
}

#[tokio::test]
async fn nothing_is_sent_for_what_the_chain_would_refuse_or_the_operator_does_not_serve() {
    let stage = Stage::open("refused").await;
    let facilitator = stage.start();
    let another = Address::from_bytes([8; 20]);
    let asking = |change: &dyn Fn(&mut Requirements)| {
        let mut ask = stage.ask.clone();
        change(&mut ask.requirements);
        ask.accepted = ask.requirements.clone();
        ask
    };
    for (ask, reason) in [
        (asking(&|asked| asked.domain.chain = Chain::new(1).unwrap()), Reason::Network),
        (asking(&|asked| asked.domain.token = another), Reason::Token),
        (asking(&|asked| asked.domain.name = "USDC".to_owned()), Reason::Name),
        (asking(&|asked| asked.domain.version = "1".to_owned()), Reason::TokenVersion),
        (asking(&|asked| asked.pay_to = another), Reason::Recipient),
        (asking(&|asked| asked.amount = (PRICE - 1).into()), Reason::Value),
    ] {
        assert_eq!(facilitator.verify(&ask, NOW).await, Err(reason.into()));
        assert_eq!(said(&facilitator, &ask).await, Err(reason));
    }
    for (now, reason) in [(NOW + 291, Reason::ValidBefore), (NOW - 700, Reason::ValidBefore)] {
        assert_eq!(facilitator.verify(&stage.ask, now).await, Err(reason.into()));
    }
    stage.now(|world| world.balance = PRICE - 1);
    assert_eq!(said(&facilitator, &stage.ask).await, Err(Reason::Balance));
    stage.now(|world| world.balance = PRICE);
    stage.now(|world| world.domain.version = "1".to_owned());
    // A token that signs otherwise than the operator says is not served.
    assert_eq!(said(&stage.start(), &stage.ask).await, Err(Reason::SettleUnknown));
    assert!(stage.world.lock().unwrap().mined.is_empty());
}
