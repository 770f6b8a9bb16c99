//! A market to measure in: a server, a gateway before a service that costs next to nothing, and channels to pay by.
//!
//! The service and the load lie in this process, and the server and the gateway each in one of their own, all on the same
//! processors. What the gateway promises is durable as always.

use super::http::whole;
use crate::client::{self, failed, new_key};
use crate::demo::cast::{asset, money, register_seller};
use crate::demo::stage::{Process, free_address};
use crate::exit::{Failure, Outcome};
use evidence::{SigningKey, base64url};
use protocols::a402::DateTime;
use protocols::voucher::Voucher;
use sdk::{Answer, Auth, Client};
use server::data::BookKind;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wire::account::{Algorithm, NewAgent, NewOwner, NewTransfer, NewWallet};
use wire::channel::NewChannel;
use wire::limit::Limit;
use wire::meter::Rounding;
use wire::{AgentId, MeterId, OwnerId, TransferId, WalletId};

/// What a call costs: a ten-thousandth of a fen, in billionths.
const PRICE_NANOS: u128 = 100_000;
/// The same as the seller writes it.
const PRICE: &str = "0.000001 CNY";
/// What a channel sets aside, in fen.
const DEPOSIT: u128 = 10;
/// What the wallet has, in fen.
const WEALTH: u128 = 10_000_000;
/// How long channels last.
const CHANNEL_NANOS: u64 = 6 * 3_600 * 1_000_000_000;
/// What the service answers.
const GOODS: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 28\r\n\r\n{\"bid\":\"7.21\",\"ask\":\"7.22\"}\n";

/// Everything that runs.
pub(super) struct Market {
    pub(super) service: SocketAddr,
    pub(super) gateway: SocketAddr,
    agent: Client,
    agent_file: PathBuf,
    server: String,
    wallet: WalletId,
    payee: wire::PayeeId,
    _server: Process,
    _gateway: Process,
}

/// One connection that sends the same call again and again.
pub(super) struct Line {
    stream: TcpStream,
    buffer: Vec<u8>,
    way: Way,
}

/// How a call is sent.
pub(super) enum Way {
    /// As it is.
    Bare(Vec<u8>),
    /// With the next voucher of a channel.
    Voucher { id: MeterId, key: Arc<SigningKey>, total: u128 },
}

impl Market {
    /// Opens the market in `scratch`.
    pub(super) async fn open(scratch: &Path) -> Outcome<Market> {
        let book = scratch.join("book");
        server::data::init(&book, BookKind::Test, "bench.tollbridge.invalid")?;
        let server_at = free_address()?;
        let words = ["serve", "--data", &book.display().to_string(), "--listen", &server_at.to_string()];
        let server_process = Process::start(&words, server_at, &scratch.join("server.log"))?;
        let address = format!("http://{server_at}");
        let operator = Client::new(&address, client::credentials(&book)?).map_err(Failure::fault)?;
        let operator = operator.with_auth(Auth::Signed);
        let agent_file = scratch.join("agent.json");
        let (agent, wallet) = buyer(&operator, &address, scratch, &agent_file).await?;
        let payee = register_seller(&operator, "bench", &scratch.join("bench-seller.json")).await?;
        let service = serve_goods().await?;
        let gateway_at = free_address()?;
        let text = format!(
            "[seller]\nserver = \"{address}\"\npayee = \"{payee}\"\nkey_file = \"bench-seller.json\"\n\
             network = \"toll:test\"\npublic_url = \"http://{gateway_at}\"\nasset = \"CNY/2\"\ndata = \"gateway\"\n\n\
             [upstream]\nurl = \"http://{service}\"\n\n\
             [[price]]\nmethod = \"GET\"\npath = \"/quote\"\namount = \"0.01 CNY\"\nby_voucher = \"{PRICE}\"\n\n\
             [[free]]\nmethod = \"GET\"\npath = \"/about\"\n"
        );
        let config = scratch.join("prices.toml");
        fs::write(&config, text)?;
        let words =
            ["gateway", "--config", &config.display().to_string(), "--listen", &gateway_at.to_string()];
        let gateway_process = Process::start(&words, gateway_at, &scratch.join("gateway.log"))?;
        Ok(Market {
            service,
            gateway: gateway_at,
            agent,
            agent_file,
            server: address,
            wallet,
            payee,
            _server: server_process,
            _gateway: gateway_process,
        })
    }

    /// The server's address.
    pub(super) fn server(&self) -> &str {
        &self.server
    }

    /// The key of who pays.
    pub(super) fn agent_file(&self) -> &Path {
        &self.agent_file
    }

    /// The address of what is sold.
    pub(super) fn page(&self) -> String {
        format!("http://{}/quote", self.gateway)
    }

    /// A line to the service itself.
    pub(super) async fn bare(&self) -> Outcome<Line> {
        Line::new(self.service, Way::Bare(call(self.service, "/about", ""))).await
    }

    /// A line through the gateway, where nothing is to be paid.
    pub(super) async fn unpriced(&self) -> Outcome<Line> {
        Line::new(self.gateway, Way::Bare(call(self.gateway, "/about", ""))).await
    }

    /// A line through the gateway that pays by a channel of its own.
    pub(super) async fn paid(&self) -> Outcome<Line> {
        let (id, key) = (MeterId(self.agent.fresh_id()), SigningKey::ed25519(&rand::random()));
        let new = NewChannel {
            id,
            wallet: self.wallet,
            mandate: None,
            payee: self.payee,
            amount: money(DEPOSIT),
            category: None,
            reference: None,
            approval: None,
            expires_at: DateTime::second_of(self.agent.clock().now().after(CHANNEL_NANOS))
                .as_str()
                .to_owned(),
            rounding: Rounding::HalfUp,
            algorithm: Algorithm::Ed25519,
            voucher_key: base64url::encode(key.public().bytes()),
        };
        match self.agent.open_channel(&new).await.map_err(failed)? {
            Answer::Done(_) => {}
            Answer::Asked(asked) => return Err(Failure::fault(format!("the owner is asked: {}", asked.ask))),
        }
        Line::new(self.gateway, Way::Voucher { id, key: Arc::new(key), total: 0 }).await
    }
}

impl Line {
    async fn new(to: SocketAddr, way: Way) -> Outcome<Line> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(Line { stream, buffer: Vec::with_capacity(4_096), way })
    }

    /// Makes one call, which has to be delivered and, where it is paid, to be counted.
    pub(super) async fn call(&mut self) -> Outcome {
        let owed = match &mut self.way {
            Way::Bare(request) => {
                self.stream.write_all(request).await?;
                None
            }
            Way::Voucher { id, key, total } => {
                *total += PRICE_NANOS;
                let voucher = Voucher::sign(key, id.0, *total);
                let to = self.stream.peer_addr()?;
                let header = format!("tollbridge-voucher: {voucher}\r\n");
                self.stream.write_all(&call(to, "/quote", &header)).await?;
                Some(format!("tollbridge-owed: {total}\r\n"))
            }
        };
        self.buffer.clear();
        let end = loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(Failure::fault("the connection was closed"));
            }
            if let Some(end) = whole(&self.buffer) {
                break end;
            }
        };
        let answer = self.buffer.get(..end).unwrap_or_default();
        let has = |part: &str| answer.windows(part.len()).any(|window| window == part.as_bytes());
        let is_good = answer.starts_with(b"HTTP/1.1 200") && owed.as_deref().is_none_or(has);
        if !is_good {
            let text: String = String::from_utf8_lossy(answer).chars().take(2_000).collect();
            return Err(Failure::fault(format!("a call was not delivered: {text}")));
        }
        Ok(())
    }
}

fn call(host: SocketAddr, path: &str, header: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n{header}\r\n").into_bytes()
}

/// An owner with a wallet, and her agent.
async fn buyer(
    operator: &Client,
    address: &str,
    scratch: &Path,
    agent_file: &Path,
) -> Outcome<(Client, WalletId)> {
    let owner_file = scratch.join("owner.json");
    let key = new_key(operator, &owner_file)?;
    let owner = OwnerId(operator.fresh_id());
    operator.add_owner(&NewOwner { id: owner, key, label: None }).await.map_err(failed)?;
    let wallet = WalletId(operator.fresh_id());
    let new = NewWallet { id: wallet, owner, asset: asset(), limits: Vec::new(), label: None };
    operator.open_wallet(&new).await.map_err(failed)?;
    let fill = NewTransfer {
        id: TransferId(operator.fresh_id()),
        from: "world".to_owned(),
        to: wallet.to_string(),
        amount: money(WEALTH),
    };
    operator.transfer(&fill).await.map_err(failed)?;
    let present = Client::new(address, client::credentials(&owner_file)?).map_err(Failure::fault)?;
    let present = present.with_auth(Auth::Signed);
    let key = new_key(&present, agent_file)?;
    // An agent without limits has to ask.
    let limits = vec![Limit::Total { max: money(WEALTH).amount }];
    let new = NewAgent { id: AgentId(present.fresh_id()), wallet, limits, key, label: None };
    present.add_agent(&new).await.map_err(failed)?;
    let agent = Client::new(address, client::credentials(agent_file)?).map_err(Failure::fault)?;
    Ok((agent, wallet))
}

/// The cheapest service there can be: the same answer to every request.
async fn serve_goods() -> Outcome<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let at = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve_one(stream));
        }
    });
    Ok(at)
}

async fn serve_one(mut stream: TcpStream) {
    // Slow, and works.
    let _slow = stream.set_nodelay(true);
    let mut buffer = Vec::with_capacity(4_096);
    while let Ok(1..) = stream.read_buf(&mut buffer).await {
        while let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            buffer.drain(..end + 4);
            if stream.write_all(GOODS.as_bytes()).await.is_err() {
                return;
            }
        }
    }
}
