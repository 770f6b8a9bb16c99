//! `cargo xtask kill9`: kills a working server again and again, and looks for what it then no longer knows.
//!
//! [`client`] is one of many who keep asking until they are answered; [`history`] is what they were told. After every
//! kill, with nothing under way, the journal, the auditor, the accounts and the history have to agree: no
//! acknowledged payment is lost, none is doubled, sums are zero, limits hold, and the log signs that very journal.

mod client;
mod history;

use std::path::Path;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, ensure};
use book::Entry;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::json;

use crate::blackbox::installation::{Installation, Party};
use crate::blackbox::server;
use client::{Client, Payer, Seller, Shared, Stop};
use history::{Has, History};

/// The wallets that clients spend from, each with an agent whose limits fill up during the run.
const WALLETS: usize = 16;

/// What each of them begins with.
const FUNDS: u128 = 1_000_000;

/// The sellers.
const SELLERS: usize = 8;

/// How soon after a kill a new payment has to succeed.
const PAYS_WITHIN: Duration = Duration::from_secs(10);

/// How a run is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) kills: usize,
    pub(crate) clients: usize,
    pub(crate) seed: u64,
}

/// What a run measured.
#[derive(Debug, Default)]
struct Measured {
    ready: Vec<Duration>,
    paid: Vec<Duration>,
    stumbles: usize,
}

/// The installation, and who is in it.
#[derive(Debug)]
struct Town {
    installation: Installation,
    payers: Vec<Payer>,
    sellers: Vec<Seller>,
    /// Whoever shows that a new payment succeeds: without limits.
    witness: Payer,
}

/// Kills a server under load, and checks everything after each kill.
pub(crate) fn run(root: &Path, plan: Plan) -> anyhow::Result<()> {
    let program = server::build(root)?;
    let mut town = Town::build(root, &program)?;
    let shared = Shared::default();
    let mut measured = Measured::default();
    let again =
        format!("cargo xtask kill9 --kills {} --clients {} --seed {}", plan.kills, plan.clients, plan.seed);
    let began = Instant::now();
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..plan.clients)
            .map(|number| {
                let payer = town.payers[number % WALLETS].clone();
                let seed = plan.seed.wrapping_mul(1_000_003).wrapping_add(number as u64);
                let mut client = Client::new(payer, town.sellers.clone(), &shared, seed);
                scope.spawn(move || client.work())
            })
            .collect();
        let killed = kill_and_check(&mut town, &shared, plan, &mut measured);
        *shared.gate.write().unwrap_or_else(PoisonError::into_inner) = Stop::Yes;
        if killed.is_err() {
            // Whoever waits for the server would wait long: let it answer once more.
            let _running_already = town.installation.server.restart();
        }
        let clients =
            clients.into_iter().map(|client| client.join().map_err(|_| anyhow!("a client panicked"))?);
        let worked = clients.collect::<anyhow::Result<Vec<()>>>();
        killed.and(worked.map(drop))
    })
    .with_context(|| format!("the server's directory: {}", town.installation.server.directory().display()))
    .with_context(|| format!("to repeat it: {again}"))?;
    let mut history = shared.history.into_inner().unwrap_or_else(PoisonError::into_inner);
    let entries = town.check(&mut history)?;
    town.installation.server.verify()?;
    let starts = town.installation.server.starts()?;
    ensure!(0 < starts.0, "no start began with a snapshot");
    measured.print(&history, plan, entries, began.elapsed());
    println!("  {} starts began with a snapshot, {} read the whole journal", starts.0, starts.1);
    town.installation.server.discard()
}

fn kill_and_check(
    town: &mut Town,
    shared: &Shared,
    plan: Plan,
    measured: &mut Measured,
) -> anyhow::Result<()> {
    let mut random = StdRng::seed_from_u64(plan.seed);
    for kill in 1..=plan.kills {
        std::thread::sleep(Duration::from_millis(random.random_range(20..400)));
        town.installation.server.kill()?;
        // Now and then it dies again while it recovers.
        while random.random_range(0..4) == 0 {
            town.installation.server.stumble(Duration::from_millis(random.random_range(0..60)))?;
            measured.stumbles += 1;
        }
        let ready = town.installation.server.restart().with_context(|| format!("after kill {kill}"))?;
        let paid = client::pays_again(&mut town.witness, &town.sellers[0], shared)?;
        ensure!(
            ready + paid <= PAYS_WITHIN,
            "after kill {kill}, ready took {ready:?} and a new payment {paid:?}"
        );
        measured.ready.push(ready);
        measured.paid.push(ready + paid);
        let _quiet = shared.gate.write().unwrap_or_else(PoisonError::into_inner);
        let mut history = shared.history.lock().unwrap_or_else(PoisonError::into_inner);
        town.check(&mut history).with_context(|| format!("after kill {kill}"))?;
        town.installation.server.verify().with_context(|| format!("after kill {kill}, offline"))?;
    }
    Ok(())
}

impl Town {
    fn build(root: &Path, program: &Path) -> anyhow::Result<Town> {
        let mut installation = Installation::start(root, program, "kill9")?;
        let mut owner = installation.owner()?;
        let mut payers = Vec::with_capacity(WALLETS);
        for number in 0..WALLETS {
            // From nearly nothing to more than the run spends, so that every run has both answers.
            let most = 2_000 * (1 << (number % 8));
            let day = json!({ "kind": "calendar", "period": "day", "zone": "Asia/Shanghai" });
            let limits = [
                json!({ "kind": "per_payment", "max": "95" }),
                json!({ "kind": "total", "max": most.to_string() }),
                json!({ "kind": "window", "window": day, "max": (most - most / 8).to_string() }),
            ];
            payers.push(Payer::new(&mut installation, &mut owner, number, &limits)?);
        }
        let generous = [json!({ "kind": "per_payment", "max": "1" })];
        let witness = Payer::new(&mut installation, &mut owner, WALLETS, &generous)?;
        let mut sellers = Vec::with_capacity(SELLERS);
        for number in 0..SELLERS {
            let Party { id, caller, .. } = installation.payee("kill9")?;
            sellers.push(Seller { number, id, caller });
        }
        Ok(Town { installation, payers, sellers, witness })
    }

    /// With nothing under way: journal, auditor, accounts and history say the same. Returns the journal's length.
    fn check(&mut self, history: &mut History) -> anyhow::Result<usize> {
        let audited = self.installation.audit()?;
        history.compare(&audited.entries)?;
        History::check_once(&audited.entries)?;
        let (wallets, sellers) = history.expected(WALLETS + 1, SELLERS);
        let mut sum = 0;
        for (payer, has) in self.payers.iter().chain([&self.witness]).zip(wallets) {
            let Has { spent, held } = has;
            let expected = (FUNDS - spent - held, held);
            let shown = self.installation.wallet_has(&payer.wallet)?;
            let recomputed = audited.account(&payer.wallet)?;
            ensure!(shown == expected, "wallet {}: shown {shown:?}, told {expected:?}", payer.number);
            ensure!(
                recomputed == expected,
                "wallet {}: audited {recomputed:?}, told {expected:?}",
                payer.number
            );
            sum += expected.0 + expected.1;
        }
        for (seller, expected) in self.sellers.iter().zip(sellers) {
            let shown = self.installation.payee_has(&seller.id)?;
            ensure!(shown == expected, "seller {}: shown {shown}, told {expected}", seller.number);
            let (recomputed, _) = audited.account(&seller.id)?;
            ensure!(
                recomputed == expected,
                "seller {}: audited {recomputed}, told {expected}",
                seller.number
            );
            sum += expected;
        }
        let (in_circulation, _) = self.installation.circulation()?;
        ensure!(sum == in_circulation, "accounts have {sum}, and {in_circulation} came in");
        let entries: &[Entry] = &audited.entries;
        Ok(entries.len())
    }
}

impl Payer {
    fn new(
        installation: &mut Installation,
        owner: &mut Party,
        number: usize,
        limits: &[serde_json::Value],
    ) -> anyhow::Result<Payer> {
        let wallet = installation.wallet(owner, FUNDS, &[])?;
        let caller = installation.agent(owner, &wallet, limits)?.caller;
        Ok(Payer { number, wallet, caller })
    }
}

impl Measured {
    fn print(mut self, history: &History, plan: Plan, entries: usize, took: Duration) {
        let denied =
            history.acknowledged.iter().filter(|told| matches!(told.what, history::What::Denied)).count();
        println!(
            "✓ {} kills under {} clients (and {} while recovering), seed {}: {:.1} s",
            plan.kills,
            plan.clients,
            self.stumbles,
            plan.seed,
            took.as_secs_f32()
        );
        println!(
            "  {} requests, {} of them without an answer at first; {} answers, {denied} of them refusals; {entries} entries",
            history.invoked,
            history.unknown,
            history.acknowledged.len()
        );
        println!("  ready after a kill: {}", spread(&mut self.ready));
        println!("  first new payment after a kill: {}", spread(&mut self.paid));
        println!("  lost 0, doubled 0, over a limit 0; evidence equals the ledger");
    }
}

/// Median and worst.
fn spread(times: &mut [Duration]) -> String {
    times.sort_unstable();
    let at = |place: usize| times.get(place).copied().unwrap_or_default().as_millis();
    format!("median {} ms, worst {} ms", at(times.len() / 2), at(times.len().saturating_sub(1)))
}
