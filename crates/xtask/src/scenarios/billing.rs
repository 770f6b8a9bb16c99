//! Invoices and credit notes in stories: issued with the sum that is expected, and read as papers.

use anyhow::{anyhow, ensure};
use serde_json::json;

use crate::blackbox::caller::{Auth, Call};
use crate::blackbox::installation::fresh_name;
use crate::scenarios::deeds::Came;
use crate::scenarios::stage::{Stage, Thing};

impl Stage {
    /// Does what a step says, where it is about these.
    pub(crate) fn act_of_billing(&mut self, words: &[&str]) -> anyhow::Result<Option<Came>> {
        let came = match words {
            [who, "invoices", total, "for", purchase, "as", name] => {
                let id = fresh_name("inv");
                let tax = json!({ "kind": "standard", "rate_ppm": 60_000 });
                let body = json!({
                    "id": id, "total": total,
                    "lines": [{ "purchase": self.id(purchase)?, "text": "model calls", "tax": tax }],
                    "seller": { "name": who, "country": "CN", "vat_id": "CN913301" },
                    "buyer": { "name": "whoever paid", "country": "CN" },
                });
                self.issue(who, "/v1/invoices", body, name, id)?
            }
            [who, "credits", total, "of", invoice, "as", name] => {
                let id = fresh_name("crn");
                let body =
                    json!({ "id": id, "invoice": self.id(invoice)?, "total": total, "note": "refunded" });
                self.issue(who, "/v1/credit_notes", body, name, id)?
            }
            [who, "reads", name, "as", form] => {
                let id = self.id(name)?;
                let list = if id.starts_with("inv_") { "invoices" } else { "credit_notes" };
                let target = format!("/v1/{list}/{id}.{form}");
                let call = Call { method: "GET", target: &target, change: None, body: None };
                let answer = self.party(who)?.caller.send(Auth::Signed, &call);
                let answer = answer.map_err(|lost| anyhow!("no answer: {}", lost.why()))?;
                ensure!(answer.status == 200, "there is no {form}: {}", answer.json);
                Came::Well
            }
            [who, "finds", due, "of", invoice, "to", "be", "credited"] => {
                let invoice = self.id(invoice)?;
                let found = self.party(who)?.caller.get(&format!("/v1/invoices/{invoice}"))?;
                ensure!(found["to_credit"]["amount"] == *due, "it is {}", found["to_credit"]);
                let list = self.party(who)?.caller.get("/v1/invoices?to_credit=true")?;
                let rows = list["data"].as_array().into_iter().flatten();
                let is_listed = rows.filter(|row| row["id"] == json!(invoice)).count() == 1;
                ensure!(is_listed == (*due != "0"), "listed: {is_listed}");
                Came::Well
            }
            _ => return Ok(None),
        };
        Ok(Some(came))
    }

    fn issue(
        &mut self,
        who: &str,
        path: &str,
        body: serde_json::Value,
        name: &str,
        id: String,
    ) -> anyhow::Result<Came> {
        let came = self.make(who, path, body)?;
        if matches!(&came, Came::Answers(answers) if answers.iter().all(|answer| answer.status == 201)) {
            self.put(name, Thing::Purchase(id))?;
        }
        Ok(came)
    }
}
