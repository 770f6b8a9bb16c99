//! Many at once: payments that race for one limit, and a halt in the middle of a crowd.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, ensure};
use serde_json::{Value, json};

use crate::blackbox::caller::{Answer, Auth, Call, Caller};
use crate::blackbox::installation::{fresh_id, fresh_name};

/// How long a crowd pays before it is halted.
const BEFORE_HALT: Duration = Duration::from_millis(300);

/// What a halt did.
#[derive(Debug)]
pub(crate) struct Halt {
    /// From the halt being sent to the first refusal.
    pub(crate) after: Duration,
    /// The payments that were made before.
    pub(crate) paid: usize,
}

/// Makes `count` payments at once, each on a connection of its own.
pub(crate) fn pay_at_once(
    caller: &Caller,
    count: usize,
    target: &str,
    purchase: &Value,
) -> anyhow::Result<Vec<Answer>> {
    // The session is opened first, so that the crowd does not wait for it.
    caller.clone().get("/v1/me")?;
    std::thread::scope(|scope| {
        let pay = || pay(&mut caller.clone(), target, purchase);
        let payers: Vec<_> = (0..count).map(|_| scope.spawn(pay)).collect();
        payers.into_iter().map(|payer| payer.join().map_err(|_| anyhow!("a payer panicked"))?).collect()
    })
}

/// Lets `count` payers pay as fast as they can, halts their agent, and checks what came before and after.
///
/// Every payer goes on until something that it sent after the halt was answered is refused: nothing sent then is paid. Of
/// what was under way the order is the journal's: no payment may stand behind the halt.
pub(crate) fn halt(
    owner: &mut Caller,
    agent: &str,
    payer: &Caller,
    count: usize,
    purchase: &Value,
) -> anyhow::Result<Halt> {
    payer.clone().get("/v1/me")?;
    let last_paid = AtomicUsize::new(0);
    let paid = AtomicUsize::new(0);
    let (is_answered, gave_up) = (AtomicBool::new(false), AtomicBool::new(false));
    let first_refusal = Mutex::new(None::<Instant>);
    let pay_until_refused = || -> anyhow::Result<()> {
        let mut caller = payer.clone();
        while !gave_up.load(Ordering::Acquire) {
            let is_after = is_answered.load(Ordering::Acquire);
            let answer = pay(&mut caller, "/v1/payments", purchase)?;
            if answer.status == 201 {
                ensure!(!is_after, "paid although the halt was answered before: {}", answer.json);
                paid.fetch_add(1, Ordering::Relaxed);
                let entry = answer.json["entry"].as_u64().context("a payment has an entry")?;
                last_paid.fetch_max(usize::try_from(entry)?, Ordering::Relaxed);
                continue;
            }
            ensure!(answer.code() == "agent_frozen", "refused for another reason: {}", answer.json);
            first_refusal.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(Instant::now);
            if is_after {
                return Ok(());
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let payers: Vec<_> = (0..count).map(|_| scope.spawn(pay_until_refused)).collect();
        std::thread::sleep(BEFORE_HALT);
        let halted_at = Instant::now();
        let body = json!({ "subject": agent });
        let call = Call { method: "POST", target: "/v1/freeze", change: Some(fresh_id()), body: Some(&body) };
        let halt = owner.must(Auth::Signed, &call);
        is_answered.store(halt.is_ok(), Ordering::Release);
        gave_up.store(halt.is_err(), Ordering::Release);
        for payer in payers {
            payer.join().map_err(|_| anyhow!("a payer panicked"))??;
        }
        let entry = halt?["entry"].as_u64().context("the halt has an entry")?;
        let last = last_paid.load(Ordering::Relaxed);
        ensure!(u64::try_from(last)? < entry, "entry {last} was paid after the halt in entry {entry}");
        let refused_at = first_refusal.lock().unwrap_or_else(PoisonError::into_inner);
        let refused_at = refused_at.context("nobody was refused")?;
        let paid = paid.load(Ordering::Relaxed);
        ensure!(0 < paid, "nobody paid before the halt");
        Ok(Halt { after: refused_at.saturating_duration_since(halted_at), paid })
    })
}

/// Pays once under a new id; where its nonce was overtaken by too many others, again under the same id.
fn pay(caller: &mut Caller, target: &str, purchase: &Value) -> anyhow::Result<Answer> {
    let mut body = purchase.clone();
    body["id"] = json!(fresh_name("pay"));
    let call = Call { method: "POST", target, change: None, body: Some(&body) };
    loop {
        let answer =
            caller.send(Auth::Session, &call).map_err(|lost| anyhow!("no answer: {}", lost.why()))?;
        if answer.code() != "nonce_used" {
            return Ok(answer);
        }
    }
}
