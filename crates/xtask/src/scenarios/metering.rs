//! Metered work in stories: opening a meter, charging it call by call, and sending charges again.

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};

use crate::blackbox::caller::{Answer, Auth, Call, Caller};
use crate::blackbox::http::Lost;
use crate::blackbox::installation::{fresh_name, money};
use crate::scenarios::deeds::Came;
use crate::scenarios::stage::{Stage, Thing};

/// The most charges that go out together.
const TOGETHER: usize = 1_000;

impl Stage {
    /// Opens a meter whose work costs `price` of the smallest unit each, a decimal fraction.
    pub(crate) fn open_meter(
        &mut self,
        who: &str,
        name: &str,
        payee: &str,
        most: u128,
        price: &str,
    ) -> anyhow::Result<Came> {
        let Thing::Agent { wallet, .. } = self.thing(who)?.clone() else { bail!("`{who}` is no agent") };
        let id = fresh_name("mtr");
        let body = json!({
            "id": id, "wallet": self.id(&wallet)?, "payee": self.id(payee)?, "amount": money(most),
            "rates_nanos_per_unit": [nanos(price)?], "expires_at": self.later(),
        });
        let came = self.make(who, "/v1/meters", body)?;
        self.put(name, Thing::Purchase(id))?;
        Ok(came)
    }

    /// `1`, `1 x500` one request each, `1 x500 together`, `1 , killed -9 meanwhile`, `1 with a wrong signature`,
    /// `again`, `again under new ids`.
    pub(crate) fn charge(&mut self, who: &str, meter: &str, how: &[&str]) -> anyhow::Result<Came> {
        let mut caller = self.party(who)?.caller;
        let target = format!("/v1/meters/{}/charges", self.id(meter)?);
        match how {
            ["again"] => {
                let charges = self.changes.charges.clone();
                ensure!(!charges.is_empty(), "nothing was charged");
                Ok(Came::Answers(send(&mut caller, &target, &charges).map_err(lost)?))
            }
            ["again", "under", "new", "ids"] => {
                let mut charges = self.changes.charges.clone();
                charges.iter_mut().for_each(|charge| charge["id"] = json!(fresh_name("req")));
                Ok(Came::Answers(send(&mut caller, &target, &charges).map_err(lost)?))
            }
            [units, "with", "a", "wrong", "signature"] => {
                let charges = json!([self.draw_charge(meter, units.parse()?)]);
                let call = Call { method: "POST", target: &target, change: None, body: Some(&charges) };
                Ok(Came::Answers(vec![caller.send(Auth::Forged, &call).map_err(lost)?]))
            }
            [units, ",", "killed", "-9", "meanwhile"] => {
                let charges = vec![self.draw_charge(meter, units.parse()?)];
                self.killed_meanwhile(&caller, &target, &charges).map(Came::Answers)
            }
            [units, times, together @ ..] => {
                let times = times.strip_prefix('x').context("`xN`")?.parse()?;
                let width = if together == ["together"] { TOGETHER } else { 1 };
                self.charge_times(&mut caller, (meter, &target), units.parse()?, times, width)
            }
            [units] => self.charge_times(&mut caller, (meter, &target), units.parse()?, 1, 1),
            [] => bail!("charges what?"),
        }
    }

    fn charge_times(
        &mut self,
        caller: &mut Caller,
        (meter, target): (&str, &str),
        units: u64,
        times: usize,
        width: usize,
    ) -> anyhow::Result<Came> {
        let mut answers = Vec::with_capacity(times);
        let mut left = times;
        while left != 0 {
            let charges: Vec<Value> = (0..left.min(width)).map(|_| self.draw_charge(meter, units)).collect();
            left -= charges.len();
            let came = send(caller, target, &charges).map_err(lost)?;
            if came.iter().all(|answer| answer.status == 201) {
                self.changes.charges = charges;
            }
            answers.extend(came);
        }
        Ok(Came::Answers(answers))
    }

    /// The server dies while the charges are under way, and they are sent again under their ids.
    fn killed_meanwhile(
        &mut self,
        caller: &Caller,
        target: &str,
        charges: &[Value],
    ) -> anyhow::Result<Vec<Answer>> {
        let mut first = caller.clone();
        let killed = std::thread::scope(|scope| {
            let sent = scope.spawn(|| send(&mut first, target, charges));
            let killed = self.installation.server.kill();
            // Answered or lost: nobody can know beforehand, and neither may matter.
            let _either = sent.join();
            killed
        });
        killed?;
        self.installation.server.restart()?;
        let mut answers = send(&mut caller.clone(), target, charges).map_err(lost)?;
        for answer in &mut answers {
            answer.json["repeated"] = json!(false);
        }
        Ok(answers)
    }

    fn draw_charge(&mut self, meter: &str, units: u64) -> Value {
        let sequence = self.changes.sequences.entry(meter.to_owned()).or_default();
        *sequence += 1;
        json!({ "id": fresh_name("req"), "sequence": *sequence, "units": [units] })
    }
}

/// Sends charges in one signed request, and answers each as if it had been sent alone.
fn send(caller: &mut Caller, target: &str, charges: &[Value]) -> Result<Vec<Answer>, Lost> {
    let body = json!(charges);
    let call = Call { method: "POST", target, change: None, body: Some(&body) };
    let answer = caller.send(Auth::Signed, &call)?;
    Ok(match answer.json.as_array() {
        Some(items) => items.iter().map(Answer::of_item).collect(),
        None => vec![answer],
    })
}

fn lost(lost: Lost) -> anyhow::Error {
    anyhow::anyhow!("no answer: {}", lost.why())
}

/// Billionths of the smallest unit, from a decimal fraction of it.
fn nanos(price: &str) -> anyhow::Result<u64> {
    let (whole, fraction) = price.split_once('.').unwrap_or((price, ""));
    ensure!(fraction.len() <= 9, "`{price}` is finer than a billionth");
    Ok(format!("{whole}{fraction:0<9}").parse()?)
}
