//! One client under load: pays, holds, captures and voids without pause, and asks again until each is answered.

use std::sync::{Mutex, PoisonError, RwLock};
use std::time::Duration;

use anyhow::{Context as _, bail};
use book::Id;
use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use crate::blackbox::caller::{Answer, Auth, Call, Caller, now};
use crate::blackbox::installation::{fresh_id, fresh_name, money};
use crate::kill9::history::{Acknowledged, History, What};

/// The payments of one array.
const ARRAY: usize = 10;

/// A wallet and its agent.
#[derive(Clone, Debug)]
pub(crate) struct Payer {
    pub(crate) number: usize,
    pub(crate) wallet: String,
    pub(crate) caller: Caller,
}

/// A seller.
#[derive(Clone, Debug)]
pub(crate) struct Seller {
    pub(crate) number: usize,
    pub(crate) id: String,
    pub(crate) caller: Caller,
}

/// What the clients share.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    pub(crate) history: Mutex<History>,
    /// Clients read-lock it for one operation; who write-locks it finds nothing under way.
    pub(crate) gate: RwLock<Stop>,
}

/// Whether clients go on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stop {
    #[default]
    No,
    Yes,
}

/// One client.
#[derive(Debug)]
pub(crate) struct Client<'a> {
    pub(crate) payer: Payer,
    pub(crate) sellers: Vec<Seller>,
    pub(crate) shared: &'a Shared,
    random: StdRng,
}

impl<'a> Client<'a> {
    pub(crate) fn new(payer: Payer, sellers: Vec<Seller>, shared: &'a Shared, seed: u64) -> Client<'a> {
        Client { payer, sellers, shared, random: StdRng::seed_from_u64(seed) }
    }

    /// Works until it is told to stop.
    pub(crate) fn work(&mut self) -> anyhow::Result<()> {
        let shared = self.shared;
        loop {
            let gate = shared.gate.read().unwrap_or_else(PoisonError::into_inner);
            if *gate == Stop::Yes {
                return Ok(());
            }
            match self.random.random_range(0..10) {
                0..=5 => self.pay_one()?,
                6 => self.pay_array()?,
                _ => self.hold_and_end()?,
            }
        }
    }

    fn pay_one(&mut self) -> anyhow::Result<()> {
        let (body, id, what) = self.draw_payment();
        let answer = self.answered(Role::Payer, "/v1/payments", None, &body)?;
        self.note(id, &answer, what)
    }

    fn pay_array(&mut self) -> anyhow::Result<()> {
        let drawn: Vec<(Value, Id, What)> = (0..ARRAY).map(|_| self.draw_payment()).collect();
        let body: Value = drawn.iter().map(|(body, _, _)| body.clone()).collect();
        let answer = self.answered(Role::Payer, "/v1/payments", None, &body)?;
        let items = answer.json.as_array().filter(|items| items.len() == ARRAY);
        let items = items.with_context(|| format!("not an answer for each item: {}", answer.json))?;
        for ((_, id, what), item) in drawn.into_iter().zip(items) {
            self.note(id, &Answer::of_item(item), what)?;
        }
        Ok(())
    }

    fn draw_payment(&mut self) -> (Value, Id, What) {
        let id = fresh_id();
        let amount = self.random.random_range(1..=100);
        let payee = self.random.random_range(0..self.sellers.len());
        let body = json!({
            "id": format!("pay_{}", id.text()), "wallet": self.payer.wallet, "payee": self.sellers[payee].id,
            "amount": money(amount),
        });
        (body, id, What::Paid { wallet: self.payer.number, payee, amount })
    }

    /// Sets money aside; then its seller takes some of it, or gives all of it back.
    fn hold_and_end(&mut self) -> anyhow::Result<()> {
        let (id, wallet) = (fresh_id(), self.payer.number);
        let name = format!("hld_{}", id.text());
        let held = self.random.random_range(1..=100);
        let payee = self.random.random_range(0..self.sellers.len());
        let body = json!({
            "id": name, "wallet": self.payer.wallet, "payee": self.sellers[payee].id, "amount": money(held),
            "expires_at": (Timestamp::now() + Duration::from_secs(86_400)).to_string(),
        });
        let answer = self.answered(Role::Payer, "/v1/holds", None, &body)?;
        self.note(id, &answer, What::Held { wallet, amount: held })?;
        if answer.status != 201 {
            return Ok(());
        }
        let change = fresh_id();
        if self.random.random_range(0..3) == 0 {
            let answer = self.answered(
                Role::Seller(payee),
                &format!("/v1/holds/{name}/void"),
                Some(change),
                &json!({}),
            )?;
            return self.note(change, &answer, What::Released { wallet, held });
        }
        let amount = self.random.random_range(1..=held);
        let body = json!({ "amount": money(amount), "last": true });
        let answer =
            self.answered(Role::Seller(payee), &format!("/v1/holds/{name}/capture"), Some(change), &body)?;
        self.note(change, &answer, What::Captured { wallet, payee, held, amount })
    }

    /// Sends a request under one id until it is answered.
    fn answered(
        &mut self,
        role: Role,
        target: &str,
        change: Option<Id>,
        body: &Value,
    ) -> anyhow::Result<Answer> {
        let caller = match role {
            Role::Payer => &mut self.payer.caller,
            Role::Seller(number) => &mut self.sellers[number].caller,
        };
        let call = Call { method: "POST", target, change, body: Some(body) };
        let (answer, lost) = caller.until_answered(Auth::Session, &call)?;
        let mut history = self.shared.history.lock().unwrap_or_else(PoisonError::into_inner);
        history.invoked += 1;
        history.unknown += u64::from(lost);
        Ok(answer)
    }

    fn note(&self, id: Id, answer: &Answer, what: What) -> anyhow::Result<()> {
        let what = match answer.status {
            200 | 201 => what,
            403 => What::Denied,
            _ => bail!("{} came out as {} {}", id.text(), answer.status, answer.json),
        };
        let entry = answer.json["entry"].as_u64();
        let entry = entry.with_context(|| format!("{} has no entry: {}", id.text(), answer.json))?;
        let mut history = self.shared.history.lock().unwrap_or_else(PoisonError::into_inner);
        history.acknowledged.push(Acknowledged { id, entry, what });
        Ok(())
    }
}

/// Who sends a request.
#[derive(Clone, Copy, Debug)]
enum Role {
    Payer,
    Seller(usize),
}

/// Pays once with somebody whose limits are never reached, and returns how long that took.
pub(crate) fn pays_again(payer: &mut Payer, seller: &Seller, shared: &Shared) -> anyhow::Result<Duration> {
    let begun = now().0;
    let name = fresh_name("pay");
    let body = json!({ "id": name, "wallet": payer.wallet, "payee": seller.id, "amount": money(1) });
    let call = Call { method: "POST", target: "/v1/payments", change: None, body: Some(&body) };
    let (answer, _) = payer.caller.until_answered(Auth::Session, &call)?;
    let took = Duration::from_nanos(now().0.saturating_sub(begun));
    let entry = answer.json["entry"].as_u64();
    let entry =
        entry.filter(|_| answer.status == 201).with_context(|| format!("not paid: {}", answer.json))?;
    let id = name.strip_prefix("pay_").and_then(Id::from_text).context("the name has an id")?;
    let what = What::Paid { wallet: payer.number, payee: seller.number, amount: 1 };
    let mut history = shared.history.lock().unwrap_or_else(PoisonError::into_inner);
    history.acknowledged.push(Acknowledged { id, entry, what });
    Ok(took)
}
