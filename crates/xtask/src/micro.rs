//! `cargo xtask micro`: counts millions of tiny charges while the server is killed, and adds them up beside it.
//!
//! Each client charges one meter after the other, a thousand charges a request, and asks again until it is answered. Costs lie
//! between a thousandth of the smallest unit and hundreds of it. What a client drew is added exactly; what the meters were settled
//! for and what was carried have to come to the same billionth, and the accounts to the same unit.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, ensure};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use crate::blackbox::caller::{Auth, Call, Caller};
use crate::blackbox::installation::{Installation, fresh_id, fresh_name, money};
use crate::blackbox::server;

/// The charges of one request.
const TOGETHER: usize = 1_000;

/// The charges of one meter.
const CHARGES_OF_A_METER: usize = 50_000;

/// What a meter sets aside: more than its charges come to.
const METER: u128 = 50_000_000;

/// What a unit of each kind of work costs, in billionths.
const RATES: [u64; 3] = [1_000_000, 7_777_777, 123];

/// The most units of each kind in one charge, which then costs less than 500 units.
const UNITS: [u64; 3] = [400_000, 10_000, 1_000_000];

/// So many entries behind a snapshot, the server makes the next.
const SNAPSHOT_EVERY: u64 = 1_000_000;

/// How long accounts may take to show every charge.
const SHOWN_WITHIN: Duration = Duration::from_secs(300);

/// How a run is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) charges: usize,
    pub(crate) clients: usize,
    pub(crate) kill_every: Duration,
    pub(crate) seed: u64,
}

/// What one client drew, and what it was told that came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sums {
    drawn_nanos: u128,
    settled: u128,
    carried_nanos: u128,
}

/// What the clients share.
#[derive(Debug, Default)]
struct Shared {
    /// Charges that nobody has drawn yet.
    left: AtomicUsize,
    counted: AtomicU64,
    lost: AtomicU64,
    /// A client has failed, and the others need not go on.
    failed: AtomicBool,
}

/// One client: an agent that opens meters, and the seller that charges them.
#[derive(Debug)]
struct Client<'a> {
    agent: Caller,
    wallet: String,
    seller: Caller,
    payee: String,
    random: StdRng,
    shared: &'a Shared,
}

/// Charges while the server is killed, and adds up.
pub(crate) fn run(root: &Path, plan: Plan) -> anyhow::Result<()> {
    let program = server::build(root)?;
    let mut installation = Installation::start_with(root, &program, "micro", SNAPSHOT_EVERY)?;
    let mut owner = installation.owner()?;
    let funds = METER * (plan.charges / CHARGES_OF_A_METER + plan.clients + 1) as u128;
    let wallet = installation.wallet(&mut owner, funds, &[])?;
    let limits = [json!({ "kind": "per_payment", "max": METER.to_string() })];
    let shared = Shared { left: AtomicUsize::new(plan.charges), ..Shared::default() };
    let mut clients = Vec::with_capacity(plan.clients);
    for number in 0..plan.clients {
        let payee = installation.payee("micro")?;
        clients.push(Client {
            agent: installation.agent(&mut owner, &wallet, &limits)?.caller,
            wallet: wallet.clone(),
            seller: payee.caller,
            payee: payee.id,
            random: StdRng::seed_from_u64(plan.seed.wrapping_add(number as u64)),
            shared: &shared,
        });
    }
    let payees: Vec<String> = clients.iter().map(|client| client.payee.clone()).collect();
    let began = Instant::now();
    let (sums, kills) = charge_and_kill(&mut installation, clients, &shared, plan)
        .with_context(|| format!("the server's directory: {}", installation.server.directory().display()))?;
    let took = began.elapsed();
    ensure!(
        sums.drawn_nanos == sums.settled * 1_000_000_000 + sums.carried_nanos,
        "{} billionths were drawn, {} units settled and {} billionths carried",
        sums.drawn_nanos,
        sums.settled,
        sums.carried_nanos
    );
    let began_to_wait = Instant::now();
    let left = loop {
        match installation.wallet_has(&wallet) {
            // What is shown follows what was decided, and so many charges are minutes of work.
            Err(_) if began_to_wait.elapsed() < SHOWN_WITHIN => {}
            shown => break shown?,
        }
    };
    ensure!(
        left == (funds - sums.settled, 0),
        "the wallet has {left:?} of {funds}, and spent {}",
        sums.settled
    );
    let mut received = 0;
    for payee in &payees {
        received += installation.payee_has(payee)?;
    }
    ensure!(received == sums.settled, "the sellers have {received} of {}", sums.settled);
    installation.server.verify()?;
    println!(
        "✓ {} charges in {:.0} s under {kills} kills, {} requests without an answer at first, seed {}",
        shared.counted.into_inner(),
        took.as_secs_f32(),
        shared.lost.into_inner(),
        plan.seed
    );
    println!(
        "  {} billionths were drawn; {} units were settled, {} billionths carried: the same",
        sums.drawn_nanos, sums.settled, sums.carried_nanos
    );
    installation.server.discard()
}

fn charge_and_kill(
    installation: &mut Installation,
    clients: Vec<Client<'_>>,
    shared: &Shared,
    plan: Plan,
) -> anyhow::Result<(Sums, usize)> {
    std::thread::scope(|scope| {
        let working: Vec<_> =
            clients.into_iter().map(|mut client| scope.spawn(move || client.work())).collect();
        let (mut kills, mut killed) = (0, Ok(()));
        let mut last = Instant::now();
        while !working.iter().all(std::thread::ScopedJoinHandle::is_finished) {
            std::thread::sleep(Duration::from_millis(20));
            if last.elapsed() < plan.kill_every || killed.is_err() {
                continue;
            }
            kills += 1;
            let server = &mut installation.server;
            killed = server.kill().and_then(|()| server.restart()).map(drop);
            shared.failed.fetch_or(killed.is_err(), Ordering::Relaxed);
            last = Instant::now();
        }
        let mut sums = Sums::default();
        for client in working {
            let of_client = client.join().map_err(|_| anyhow!("a client panicked"))??;
            sums.drawn_nanos += of_client.drawn_nanos;
            sums.settled += of_client.settled;
            sums.carried_nanos += of_client.carried_nanos;
        }
        killed.map(|()| (sums, kills))
    })
}

impl Client<'_> {
    /// Charges meter after meter, until there is nothing left to charge.
    fn work(&mut self) -> anyhow::Result<Sums> {
        let worked = self.charge_all();
        self.shared.failed.fetch_or(worked.is_err(), Ordering::Relaxed);
        worked
    }

    fn charge_all(&mut self) -> anyhow::Result<Sums> {
        let mut sums = Sums::default();
        loop {
            let take = |left: usize| left.checked_sub(left.clamp(1, CHARGES_OF_A_METER));
            let left = self.shared.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
            let Ok(left) = left else { return Ok(sums) };
            self.charge_meter(left.min(CHARGES_OF_A_METER), &mut sums)?;
        }
    }

    /// Opens a meter, charges it so many times, and settles it.
    fn charge_meter(&mut self, charges: usize, sums: &mut Sums) -> anyhow::Result<()> {
        let meter = fresh_name("mtr");
        let body = json!({
            "id": meter, "wallet": self.wallet, "payee": self.payee, "amount": money(METER),
            "rates_nanos_per_unit": RATES, "expires_at": (jiff::Timestamp::now() + Duration::from_secs(86_400)).to_string(),
        });
        self.answered(Who::Agent, "/v1/meters", &body, false)?;
        let (mut sequence, mut drawn_nanos) = (0, 0);
        while sequence < charges {
            let body: Value = (0..TOGETHER.min(charges - sequence))
                .map(|_| {
                    sequence += 1;
                    let units = self.draw();
                    drawn_nanos += cost(units);
                    json!({ "id": fresh_name("req"), "sequence": sequence, "units": units })
                })
                .collect();
            let answer = self.answered(Who::Seller, &format!("/v1/meters/{meter}/charges"), &body, false)?;
            let items = answer.as_array().with_context(|| format!("no answer for each item: {answer}"))?;
            for item in items {
                ensure!(item["status"] == 201 || item["status"] == 200, "a charge was refused: {item}");
            }
            let total = items.last().map(|item| &item["answer"]["total_nanos"]);
            let total = total.and_then(Value::as_str).and_then(|total| total.parse::<u128>().ok());
            ensure!(total == Some(drawn_nanos), "{meter} shows {total:?}, and {drawn_nanos} were drawn");
            self.shared.counted.fetch_add(items.len() as u64, Ordering::Relaxed);
            ensure!(!self.shared.failed.load(Ordering::Relaxed), "another client has failed");
        }
        let settled = self.answered(Who::Seller, &format!("/v1/meters/{meter}/close"), &json!({}), true)?;
        let number = |text: &Value| text.as_str().and_then(|text| text.parse::<u128>().ok());
        let amount = number(&settled["amount"]).with_context(|| settled.to_string())?;
        let carried = number(&settled["carry_nanos"]).with_context(|| settled.to_string())?;
        ensure!(carried < 1_000_000_000, "rounded down by {carried} billionths");
        sums.drawn_nanos += drawn_nanos;
        sums.settled += amount;
        sums.carried_nanos += carried;
        Ok(())
    }

    /// Units of each kind, at least one of the first; as many small numbers as large ones.
    fn draw(&mut self) -> [u64; 3] {
        let [first, second, third] = UNITS.map(|most| {
            let bits = u64::BITS - most.leading_zeros();
            let width = self.random.random_range(0..=bits);
            self.random.random_range(0..=most.min((1 << width) - 1))
        });
        [first.max(1), second, third]
    }

    /// Sends a request under its ids until it is answered, and answers what it says.
    fn answered(&mut self, who: Who, target: &str, body: &Value, is_change: bool) -> anyhow::Result<Value> {
        let caller = match who {
            Who::Agent => &mut self.agent,
            Who::Seller => &mut self.seller,
        };
        let call = Call { method: "POST", target, change: is_change.then(fresh_id), body: Some(body) };
        let (answer, lost) = caller.until_answered(Auth::Session, &call)?;
        self.shared.lost.fetch_add(lost.into(), Ordering::Relaxed);
        answer.expect_success(target)
    }
}

/// Who sends a request.
#[derive(Clone, Copy, Debug)]
enum Who {
    Agent,
    Seller,
}

/// The exact cost of a charge, in billionths.
fn cost(units: [u64; 3]) -> u128 {
    units.iter().zip(RATES).map(|(units, rate)| u128::from(*units) * u128::from(rate)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_charge_costs_less_than_five_hundred_units() {
        assert!(cost(UNITS) < 500 * 1_000_000_000);
        assert_eq!(cost([1, 0, 0]), 1_000_000, "the least is a thousandth");
        assert!((CHARGES_OF_A_METER as u128) * cost(UNITS) < METER * 1_000_000_000);
    }
}
