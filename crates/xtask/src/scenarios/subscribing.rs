//! Subscriptions and packages of uses in stories: agreed, renewed by the clock, used up, cancelled.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};

use crate::blackbox::caller::{Answer, Auth, Call};
use crate::blackbox::installation::{fresh_name, money};
use crate::scenarios::deeds::Came;
use crate::scenarios::stage::{Stage, Thing};

/// How long the book may take for what the clock has brought.
const PATIENCE: Duration = Duration::from_secs(20);

impl Stage {
    /// Does what a step says, where it is about these.
    pub(crate) fn act_of_subscribing(&mut self, words: &[&str]) -> anyhow::Result<Option<Came>> {
        let came = match words {
            [who, "subscribes", "to", payee, "for", price, "every", days, "days", rest @ ..] => {
                let (grace, name) = match rest {
                    ["with", grace, "days", "of", "grace", "as", name] => (grace.parse()?, *name),
                    ["as", name] => (0, *name),
                    _ => bail!("`subscribes to M for 1 every 1 days [with 1 days of grace] as S`"),
                };
                self.subscribe(who, payee, price.parse()?, (days.parse()?, grace), name)?
            }
            [who, "changes", name, "to", price] => {
                let path = format!("/v1/subscriptions/{}/change", self.id(name)?);
                let body = json!({
                    "id": fresh_name("pay"), "price": money(price.parse()?), "every": { "days": 30 },
                    "zone": "Asia/Shanghai", "document": "another plan",
                });
                self.make(who, &path, body)?
            }
            [who, "cancels", name] => {
                self.change(who, "POST", &format!("/v1/subscriptions/{}/cancel", self.id(name)?), None)?
            }
            ["clock", by, "renews", name, "for", "the", times] => {
                self.act(&["clock", by])?;
                let ordinal = times.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
                self.wait_for(name, "renewed", &json!(ordinal.parse::<u64>()?))?
            }
            ["clock", by, "leaves", name, "in", status] => {
                self.act(&["clock", by])?;
                self.wait_for(name, "status", &json!(status))?
            }
            [seller, "finds", name, status] => {
                let path = format!("/v1/subscriptions/{}/access", self.id(name)?);
                let access = self.party(seller)?.caller.get(&path)?;
                ensure!(access["status"] == *status, "it is {}", access["status"]);
                ensure!(access["usable"] == (*status != "ended"), "usable: {}", access["usable"]);
                Came::Well
            }
            [seller, "grants", units, "uses", "to", wallet, "for", payment, "as", name] => {
                let id = fresh_name("qta");
                let body = json!({
                    "id": id, "wallet": self.id(wallet)?, "payment": self.id(payment)?, "unit": "count",
                    "units": units, "expires_at": self.later(), "document": "a package of uses",
                });
                let came = self.make(seller, "/v1/quotas", body)?;
                self.put(name, Thing::Purchase(id))?;
                came
            }
            [seller, "deducts", units, "of", name, how @ ..] => self.deduct(seller, units, name, how)?,
            _ => return Ok(None),
        };
        Ok(Some(came))
    }

    fn subscribe(
        &mut self,
        who: &str,
        payee: &str,
        price: u128,
        (days, grace): (u16, u64),
        name: &str,
    ) -> anyhow::Result<Came> {
        let Thing::Agent { wallet, .. } = self.thing(who)?.clone() else { bail!("`{who}` is no agent") };
        let id = fresh_name("sub");
        let body = json!({
            "id": id, "wallet": self.id(&wallet)?, "payee": self.id(payee)?, "price": money(price),
            "every": { "days": days }, "zone": "Asia/Shanghai", "grace_seconds": grace * 86_400,
            "document": "everything, for a while",
        });
        let came = self.make(who, "/v1/subscriptions", body)?;
        self.put(name, Thing::Purchase(id))?;
        Ok(came)
    }

    /// Waits until the book has done what was due: it looks at its clock several times a second.
    fn wait_for(&mut self, name: &str, member: &str, wanted: &Value) -> anyhow::Result<Came> {
        let path = format!("/v1/subscriptions/{}", self.id(name)?);
        let seller = self.things_that_sell().context("nobody sells")?;
        let begun = Instant::now();
        loop {
            let found = self.party(&seller)?.caller.get(&path)?;
            if found[member] == *wanted {
                return Ok(Came::Well);
            }
            ensure!(begun.elapsed() < PATIENCE, "{member} stays {}", found[member]);
            sleep(Duration::from_millis(50));
        }
    }

    /// `1 of Q`, `1 of Q 9 times`, `1 of Q again`: the last one under its id.
    fn deduct(&mut self, seller: &str, units: &str, name: &str, how: &[&str]) -> anyhow::Result<Came> {
        let target = format!("/v1/quotas/{}/deductions", self.id(name)?);
        let times = match how {
            [] | ["again"] => 1,
            [times, "times"] => times.parse()?,
            _ => bail!("`deducts 1 of Q [9 times|again]`"),
        };
        let mut answers = Vec::new();
        for _ in 0..times {
            if how != ["again"] {
                self.changes.deduction = json!([{ "id": fresh_name("req"), "units": units }]);
            }
            let body = self.changes.deduction.clone();
            let call = Call { method: "POST", target: &target, change: None, body: Some(&body) };
            let answer = self.party(seller)?.caller.send(Auth::Signed, &call);
            let answer = answer.map_err(|lost| anyhow::anyhow!("no answer: {}", lost.why()))?;
            match answer.json.as_array() {
                Some(items) => answers.extend(items.iter().map(Answer::of_item)),
                None => answers.push(answer),
            }
        }
        Ok(Came::Answers(answers))
    }
}
