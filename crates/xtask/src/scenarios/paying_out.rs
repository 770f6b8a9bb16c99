//! Payouts in stories: asked for by sellers, answered by their bank.

use anyhow::{Context as _, bail};
use serde_json::json;

use crate::blackbox::caller::{Auth, Call};
use crate::blackbox::installation::{fresh_id, fresh_name, money};
use crate::scenarios::deeds::Came;
use crate::scenarios::stage::{Stage, Thing};

impl Stage {
    /// Does what a step says, where it is about payouts.
    pub(crate) fn act_of_paying_out(&mut self, words: &[&str]) -> anyhow::Result<Option<Came>> {
        let came = match words {
            [who, "pays", "out", amount, "as", name] => {
                let id = fresh_name("pyo");
                let body = json!({ "id": id, "amount": money(amount.parse()?) });
                let came = self.make(who, "/v1/payouts", body)?;
                self.put(name, Thing::Purchase(id))?;
                came
            }
            ["the", "bank", "of", who, "is", "known"] => {
                let path = format!("/v1/payees/{}/destination", self.party(who)?.id);
                self.operate("PUT", &path, json!({ "holder": *who, "number": "6222 0212 3456 7890" }))?
            }
            ["the", "bank", "pays", name] => {
                let path = format!("/v1/payouts/{}/settle", self.id(name)?);
                self.operate("POST", &path, json!({ "reference": "as a story says" }))?
            }
            ["the", "bank", "turns", "down", name] => {
                let path = format!("/v1/payouts/{}/fail", self.id(name)?);
                self.operate("POST", &path, json!({ "why": "as a story says" }))?
            }
            [_, "pays", "out", ..] => bail!("`M pays out 1 as B`"),
            _ => return Ok(None),
        };
        Ok(Some(came))
    }

    fn operate(&mut self, method: &str, target: &str, body: serde_json::Value) -> anyhow::Result<Came> {
        let call = Call { method, target, change: Some(fresh_id()), body: Some(&body) };
        let answer = self.installation.operator.send(Auth::Signed, &call);
        let answer = answer.map_err(|lost| anyhow::anyhow!("{}", lost.why())).context("no answer")?;
        Ok(Came::Answers(vec![answer]))
    }
}
