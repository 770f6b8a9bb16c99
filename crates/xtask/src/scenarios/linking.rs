//! Payment links in stories: opened, paid by agents and people, used up, closed.

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};

use crate::blackbox::installation::{fresh_name, money};
use crate::scenarios::crowd;
use crate::scenarios::deeds::Came;
use crate::scenarios::stage::{Stage, Thing};

impl Stage {
    /// Does what a step says, where it is about links.
    pub(crate) fn act_of_linking(&mut self, words: &[&str]) -> anyhow::Result<Option<Came>> {
        let came = match words {
            [who, "opens", "link", name, "for", rest @ ..] => self.open_link(who, name, rest)?,
            [who, "closes", "link", name] => {
                self.change(who, "POST", &format!("/v1/links/{}/close", self.id(name)?), None)?
            }
            [who, "pays", "link", name, rest @ ..] => self.pay_link(who, name, rest)?,
            [who, "reads", message, "with", amount, "by", "link", name] => {
                let path = format!("/v1/links/{}/payments", self.id(name)?);
                let paid = self.party(who)?.caller.get(&path)?;
                let newest = &paid["data"][0];
                ensure!(newest["message"] == *message, "it is {}", newest["message"]);
                ensure!(newest["amount"] == money(amount.parse()?), "it came with {}", newest["amount"]);
                Came::Well
            }
            ["link", name, "is", status] => {
                let path = format!("/v1/links/{}/terms", self.id(name)?);
                let terms = self.installation.operator.get(&path)?;
                ensure!(terms["status"] == *status, "it is {}", terms["status"]);
                Came::Well
            }
            _ => return Ok(None),
        };
        Ok(Some(came))
    }

    /// `1 to 20000 [once] [as a tip] to 96 D , 4 PLAT`, `700 once`.
    fn open_link(&mut self, who: &str, name: &str, rest: &[&str]) -> anyhow::Result<Came> {
        let (least, rest) = rest.split_first().context("a link is for an amount")?;
        let (most, rest) = match rest {
            ["to", most, rest @ ..] => (*most, rest),
            rest => (*least, rest),
        };
        let (uses, rest) = match rest {
            ["once", rest @ ..] => (json!(1), rest),
            rest => (Value::Null, rest),
        };
        let (by, rest) = match rest {
            ["as", "a", "tip", rest @ ..] => ("owner", rest),
            rest => ("anyone", rest),
        };
        let id = fresh_name("lnk");
        let mut body = json!({
            "id": id, "least": money(least.parse()?), "most": money(most.parse()?), "uses": uses, "by": by,
            "until": self.later(), "what": "what a story is about",
        });
        match rest {
            [] => {}
            ["shared", shares @ ..] => body["split"] = self.split(shares)?,
            _ => bail!("`opens link L for 1 [to 9] [once] [as a tip] [shared 9 D , 1 E]`"),
        }
        let came = self.make(who, "/v1/links", body)?;
        self.put(name, Thing::Purchase(id))?;
        Ok(came)
    }

    /// `with 500 [from U] [saying hello] [approved by Q] [as P]`, `with 500 , 50 at once`.
    fn pay_link(&mut self, who: &str, name: &str, rest: &[&str]) -> anyhow::Result<Came> {
        let after = |label: &str| rest.windows(2).find(|pair| pair[0] == label).map(|pair| pair[1]);
        let wallet = match after("from") {
            Some(wallet) => self.id(wallet)?,
            None => self.wallet_of(who)?,
        };
        let amount = after("with").context("it is paid with an amount")?;
        let mut body = json!({ "wallet": wallet, "amount": money(amount.parse()?) });
        if let Some(message) = after("saying") {
            body["message"] = json!(message);
        }
        if let Some(question) = rest.windows(3).find(|words| words[..2] == ["approved", "by"]) {
            body["approval"] = json!(self.id(question[2])?);
        }
        if let Some(payee) = after("to") {
            // Whom a link pays is not the payer's to say.
            body["payee"] = json!(self.id(payee)?);
        }
        let path = format!("/v1/links/{}/pay", self.id(name)?);
        if let [count, "at", "once"] = rest.rsplit(|word| *word == ",").next().unwrap_or_default() {
            let caller = self.party(who)?.caller;
            return Ok(Came::Answers(crowd::pay_at_once(&caller, count.parse()?, &path, &body)?));
        }
        let id = fresh_name("pay");
        body["id"] = json!(id);
        let came = self.make(who, &path, body)?;
        self.name_purchase(after("as"), &id, &came)?;
        Ok(came)
    }
}
