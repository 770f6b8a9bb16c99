//! Whole purchases over A402: 402, payment, proof, 200; server, gateway, seller's service and buyers on the same processors.
//!
//! The buyers are those of the SDK. What they remember of their purchases lies in memory, for their disks are their own;
//! what the server and the gateway promise is durable as always.

use super::ledger::Round;
use super::report::{Bar, Figures};
use super::workload::Workload;
use crate::args::Bench;
use crate::client;
use crate::demo::cast::{Shop, money, register_seller};
use crate::demo::stage::{Process, free_address};
use crate::exit::{Failure, Outcome};
use crate::output::Output;
use crate::pay::not_bought;
use protocols::a402::wallet::Network;
use sdk::{Auth, Buyer, BuyerSettings, Client, Fetch, PaymentOutcome, Purchases, seller_ring};
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// The buyers, each with one purchase under way.
const BUYERS: usize = 64;
/// The purchases of each in one round.
const PURCHASES: usize = 64;

/// Measures round trips.
pub(super) async fn measure(
    output: &Output,
    figures: &mut Figures,
    args: &Bench,
    scratch: &Path,
    server: SocketAddr,
    clients: &[Client],
    workload: &Workload,
) -> Outcome {
    let goods = scratch.join("goods");
    fs::create_dir_all(&goods)?;
    fs::write(goods.join("page.txt"), "a page\n")?;
    let (service_at, shop_at) = (free_address()?, free_address()?);
    let words = ["files", &goods.display().to_string(), "--listen", &service_at.to_string()];
    let _service = Process::start(&words, service_at, &scratch.join("files.log"))?;

    let address = format!("http://{server}");
    let operator =
        Client::new(&address, client::credentials(&scratch.join("served"))?).map_err(Failure::fault)?;
    let operator = operator.with_auth(Auth::Signed);
    let payee = register_seller(&operator, "bench", &scratch.join("bench-seller.json")).await?;
    let upstream = format!("http://{service_at}");
    let shop =
        Shop { name: "bench", payee, price: "0.01", server: &address, upstream: &upstream, at: shop_at };
    let config = shop.write(scratch)?;
    let words = ["gateway", "--config", &config.display().to_string(), "--listen", &shop_at.to_string()];
    let _gateway = Process::start(&words, shop_at, &scratch.join("gateway.log"))?;

    let memory = Memory::new()?;
    let keys = operator.a402_seller_keys(payee).await.map_err(client::failed)?;
    let mut buyers = Vec::new();
    for (client, spender) in clients.iter().zip(workload.spenders()).take(BUYERS) {
        let settings = BuyerSettings {
            wallet: wire::WalletId(u128::from_be_bytes(spender.wallet.0.0)),
            mandate: Some(wire::MandateId(u128::from_be_bytes(spender.mandate.0.0))),
            network: Network::Test,
            payees: Vec::new(),
            seller_keys: seller_ring(&keys).map_err(Failure::fault)?,
        };
        let purchases = Purchases::open(&memory.0.join(buyers.len().to_string())).map_err(Failure::fault)?;
        buyers.push(Arc::new(Buyer::new(client.clone(), settings, purchases).map_err(not_bought)?));
    }
    let bar = output.progress(u64::from(args.rounds), "buying");
    let mut rounds = Vec::new();
    for round in 0..args.rounds {
        rounds.push(load(&buyers, shop_at, round).await?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    figures.rounds(output, "a402_round_trips_per_s", &rounds, Bar::AtLeast(5_000.0));
    Ok(())
}

async fn load(buyers: &[Arc<Buyer>], shop: SocketAddr, round: u32) -> Outcome<Round> {
    let began = Instant::now();
    let tasks: Vec<_> =
        buyers.iter().map(|buyer| tokio::spawn(buy(Arc::clone(buyer), shop, round))).collect();
    let mut millis = Vec::new();
    for task in tasks {
        millis.extend(task.await.map_err(Failure::fault)??);
    }
    Ok(Round::of(millis.len() as f64, millis, began))
}

async fn buy(buyer: Arc<Buyer>, shop: SocketAddr, round: u32) -> Outcome<Vec<f64>> {
    let mut millis = Vec::with_capacity(PURCHASES);
    for number in 0..PURCHASES {
        let fetch = Fetch {
            method: "GET".to_owned(),
            url: format!("http://{shop}/page.txt"),
            headers: Default::default(),
            body: Vec::new(),
            purchase: format!("round {round} page {number}"),
            price_max: money(1),
            why: None,
        };
        let began = Instant::now();
        let bought = buyer.fetch(&fetch).await.map_err(not_bought)?;
        millis.push(began.elapsed().as_secs_f64() * 1e3);
        let is_paid = matches!(bought.payment, PaymentOutcome::Paid(_) | PaymentOutcome::Held(_));
        let status = bought.answer.as_ref().map(|answer| answer.status);
        if !is_paid || status != Some(200) {
            let why = format!("a page was not bought: {:?}, status {status:?}", bought.payment);
            return Err(Failure::fault(why));
        }
    }
    Ok(millis)
}

/// A directory in memory where the system has one, that ends with the run.
struct Memory(PathBuf);

impl Memory {
    fn new() -> Outcome<Memory> {
        let shared = Path::new("/dev/shm");
        let parent = if shared.is_dir() { shared.to_owned() } else { std::env::temp_dir() };
        let path = parent.join(format!("tollbridge-bench-{}", std::process::id()));
        fs::create_dir_all(&path)?;
        Ok(Memory(path))
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // What cannot be deleted lies where temporary things lie.
        let _ = fs::remove_dir_all(&self.0);
    }
}
