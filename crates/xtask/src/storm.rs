//! `cargo xtask storm`: a thousand payments at once against one limit, round after round, each with another kind of limit.
//!
//! Whatever order they arrive in, exactly as many succeed as the limit allows: not one more, and not one fewer.

use std::path::Path;
use std::sync::{Barrier, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context as _, anyhow, ensure};
use serde_json::{Value, json};

use crate::blackbox::caller::{Auth, Call, Caller};
use crate::blackbox::installation::{Installation, Party, fresh_name, money};
use crate::blackbox::server;

/// The payments of one round.
const PAYERS: usize = 1_000;

/// What each payer's thread needs at most.
const STACK_BYTES: usize = 256 * 1_024;

/// How often one payment may be sent again because too many others overtook its nonce.
const TRIES: usize = 20;

/// One round: who pays what, and how many of them may.
#[derive(Clone, Debug)]
struct Round {
    payer: Caller,
    purchase: Value,
    wallet: String,
    allowed: usize,
    amount: u128,
    funds: u128,
    code: &'static str,
}

/// What came of one payment: `paid`, or the code of its refusal.
type Came = anyhow::Result<String>;

/// Plays `rounds` rounds.
pub(crate) fn run(root: &Path, rounds: usize) -> anyhow::Result<()> {
    raise_file_limit()?;
    let program = server::build(root)?;
    let mut installation = Installation::start(root, &program, "storm")?;
    let mut owner = installation.owner()?;
    let payee = installation.payee("storm")?;

    let round = Mutex::new(None::<Round>);
    let came = Mutex::new(Vec::<Came>::with_capacity(PAYERS));
    let (begins, ends) = (Barrier::new(PAYERS + 1), Barrier::new(PAYERS + 1));
    let of_nobody = installation.operator.clone();
    std::thread::scope(|scope| {
        for _ in 0..PAYERS {
            let (round, came, begins, ends) = (&round, &came, &begins, &ends);
            let mut caller = of_nobody.clone();
            let payer = move || {
                loop {
                    begins.wait();
                    let current = round.lock().unwrap_or_else(PoisonError::into_inner).clone();
                    let Some(current) = current else { return };
                    caller.speak_as(&current.payer);
                    let one = pay(&mut caller, &current.purchase);
                    came.lock().unwrap_or_else(PoisonError::into_inner).push(one);
                    ends.wait();
                }
            };
            std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, payer)?;
        }
        let mut played = Ok(());
        for number in 0..rounds {
            played = prepare(&mut installation, &mut owner, &payee, number).and_then(|next| {
                *round.lock().unwrap_or_else(PoisonError::into_inner) = Some(next.clone());
                let started = Instant::now();
                begins.wait();
                ends.wait();
                let took = started.elapsed();
                let came = std::mem::take(&mut *came.lock().unwrap_or_else(PoisonError::into_inner));
                check(&mut installation, &next, came).with_context(|| format!("round {}", number + 1))?;
                println!(
                    "✓ round {}: {} of {PAYERS} paid, the others {}; {:.2} s",
                    number + 1,
                    next.allowed,
                    next.code,
                    took.as_secs_f32()
                );
                Ok(())
            });
            if played.is_err() {
                break;
            }
        }
        *round.lock().unwrap_or_else(PoisonError::into_inner) = None;
        begins.wait();
        played
    })?;
    let audited = installation.audit()?;
    installation.server.verify()?;
    println!("✓ {} payments in {rounds} rounds; {} entries audited", rounds * PAYERS, audited.entries.len());
    installation.server.discard()
}

/// A fresh wallet and agent, with one limit between them and a thousand payments.
fn prepare(
    installation: &mut Installation,
    owner: &mut Party,
    payee: &Party,
    number: usize,
) -> anyhow::Result<Round> {
    // Every kind of limit in turn; amounts and counts that do not divide each other evenly.
    let amount = 1 + u128::try_from(number)? % 7;
    let allowed = 1 + (number * 379 + 137) % (PAYERS - 1);
    let spare = u128::try_from(number)? % amount;
    let max = (amount * u128::try_from(allowed)? + spare).to_string();
    let day = json!({ "kind": "calendar", "period": "day", "zone": "Asia/Shanghai" });
    let rolling = json!({ "kind": "rolling", "seconds": 86_400 });
    let rich = amount * u128::try_from(PAYERS)?;
    let (limit, code, funds) = match number % 6 {
        0 => (json!({ "kind": "total", "max": max }), "total_exceeded", rich),
        1 => (json!({ "kind": "uses", "max": allowed }), "uses_exceeded", rich),
        2 => (json!({ "kind": "window", "window": day, "max": max }), "window_exceeded", rich),
        3 => (json!({ "kind": "velocity", "window": rolling, "max": allowed }), "velocity_exceeded", rich),
        4 => (json!({ "kind": "window", "window": rolling, "max": max }), "window_exceeded", rich),
        _ => (json!({ "kind": "per_payment", "max": max }), "funds_insufficient", max.parse()?),
    };
    let wallet = installation.wallet(owner, funds, &[])?;
    let payer = installation.agent(owner, &wallet, &[limit])?.caller;
    payer.clone().get("/v1/me")?;
    let purchase = json!({ "wallet": wallet, "payee": payee.id, "amount": money(amount) });
    Ok(Round { payer, purchase, wallet, allowed, amount, funds, code })
}

/// Pays once under a new id.
fn pay(caller: &mut Caller, purchase: &Value) -> Came {
    let mut body = purchase.clone();
    body["id"] = json!(fresh_name("pay"));
    let call = Call { method: "POST", target: "/v1/payments", change: None, body: Some(&body) };
    for _ in 0..TRIES {
        let answer =
            caller.send(Auth::Session, &call).map_err(|lost| anyhow!("no answer: {}", lost.why()))?;
        match (answer.status, answer.code()) {
            (201, _) => return Ok("paid".to_owned()),
            // Nothing was done: the same id again.
            (503, _) | (_, "nonce_used") => {}
            (_, code) => return Ok(code.to_owned()),
        }
    }
    Err(anyhow!("turned away {TRIES} times"))
}

fn check(installation: &mut Installation, round: &Round, came: Vec<Came>) -> anyhow::Result<()> {
    let came = came.into_iter().collect::<anyhow::Result<Vec<String>>>()?;
    let count = |what: &str| came.iter().filter(|one| *one == what).count();
    let (paid, refused) = (count("paid"), count(round.code));
    ensure!(paid == round.allowed, "{paid} paid, and {} were allowed", round.allowed);
    ensure!(paid + refused == PAYERS, "some were refused for other reasons than {}", round.code);
    let expected = round.funds - round.amount * u128::try_from(paid)?;
    let left = installation.wallet_has(&round.wallet)?;
    ensure!(left.0 == expected, "the wallet has {}, and not {expected}", left.0);
    Ok(())
}

/// A thousand connections need more files than many a shell allows at first.
fn raise_file_limit() -> anyhow::Result<()> {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    Ok(setrlimit(Resource::Nofile, limit)?)
}
