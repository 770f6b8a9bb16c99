//! What the words of a step do, over the public interface: one arm for each way a line can begin.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use book::Id;
use evidence::{Hash, base64url};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::blackbox::caller::{Answer, Auth, Call};
use crate::blackbox::installation::{fresh_id, fresh_name, money};
use crate::scenarios::crowd;
use crate::scenarios::stage::{Stage, Thing};

/// How long holds, meters, mandates and approvals of stories are good for, in seconds.
const GOOD_SECONDS: u64 = 6 * 3_600;

/// What came of a step.
#[derive(Debug)]
pub(crate) enum Came {
    /// Nothing to be compared: it went well.
    Well,
    /// The answer to one request, or to the last of several that are to come out alike.
    Answers(Vec<Answer>),
    /// How long after a halt the first refusal came, and how many payments were made before.
    Halted { after: Duration, paid: usize },
}

impl Stage {
    /// Does what a step says.
    pub(crate) fn act(&mut self, words: &[&str]) -> anyhow::Result<Came> {
        if let Some(came) = self.act_of_act(words)? {
            return Ok(came);
        }
        if let Some(came) = self.act_of_subscribing(words)? {
            return Ok(came);
        }
        if let Some(came) = self.act_of_linking(words)? {
            return Ok(came);
        }
        if let Some(came) = self.act_of_paying_out(words)? {
            return Ok(came);
        }
        if let Some(came) = self.act_of_billing(words)? {
            return Ok(came);
        }
        match words {
            ["clock", "to", _, "UTC"] | ["clock", _] => self.turn_clock(words),
            ["killed", "-9", "and", "started", "again"] => {
                self.installation.server.kill()?;
                self.installation.server.restart()?;
                // A test book's clock may begin with the system's again.
                Ok(Came::Well)
            }
            ["owner" | "terminal" | "wallet" | "payee" | "agent" | "sub-account" | "mandate", ..] => {
                self.set(words)
            }
            [account, "has", amount] => self.check_balance(account, amount.parse()?),
            [who, "lists", "every", "payment", ..] => self.check_list(who),
            [who, "pays", amount, rest @ ..] => self.pay(who, amount.parse()?, rest),
            [who, "holds", amount, "for", payee, "as", name] => self.hold(who, amount.parse()?, payee, name),
            [who, "captures", amount, "of", hold] => {
                let body = json!({ "amount": money(amount.parse()?), "last": false });
                self.change(who, "POST", &format!("/v1/holds/{}/capture", self.id(hold)?), Some(body))
            }
            [who, "voids", hold] => {
                self.change(who, "POST", &format!("/v1/holds/{}/void", self.id(hold)?), None)
            }
            [who, "refunds", amount, "of", purchase] => self.refund(who, amount.parse()?, purchase),
            [who, "refunds", _, "again"] => {
                let refund = self.changes.refund.clone().context("nothing was refunded")?;
                self.make(who, "/v1/refunds", refund)
            }
            [who, "moves", amount, "from", from, "to", to] => {
                let (from, to) = (self.id(from)?, self.id(to)?);
                let amount = money(amount.parse()?);
                let body = json!({ "id": fresh_name("trf"), "from": from, "to": to, "amount": amount });
                self.make(who, "/v1/transfers", body)
            }
            [who, "freezes", agent, "while", count, "of", "it", "pay", "1", "to", payee] => {
                let (halted, spender, payee) = (self.id(agent)?, self.party(agent)?, self.id(payee)?);
                let wallet = self.wallet_of(agent)?;
                let mut owner = self.party(who)?.caller;
                let purchase = json!({ "wallet": wallet, "payee": payee, "amount": money(1) });
                let halt = crowd::halt(&mut owner, &halted, &spender.caller, count.parse()?, &purchase)?;
                Ok(Came::Halted { after: halt.after, paid: halt.paid })
            }
            [who, "revokes", "the", "key", key] => {
                self.change(who, "POST", &format!("/v1/keys/{}/revoke", self.id(key)?), None)
            }
            [who, verb @ ("freezes" | "unfreezes" | "revokes"), subject, how @ ..] => {
                let auth = if how == ["in", "a", "session"] { Auth::Session } else { Auth::Signed };
                let path = format!("/v1/{}", route_of(verb));
                let body = json!({ "subject": self.id(subject)? });
                self.send(who, auth, "POST", &path, Some(fresh_id()), Some(body))
            }
            [who, "approves", question] => {
                let Thing::Question { id, digest } = self.thing(question)?.clone() else {
                    bail!("`{question}` is no question")
                };
                let body = json!({ "digest": digest, "until": self.later() });
                self.change(who, "POST", &format!("/v1/questions/{id}/approve"), Some(body))
            }
            [who, "refuses", question] => {
                self.change(who, "POST", &format!("/v1/questions/{}/refuse", self.id(question)?), None)
            }
            [who, "sets", "limits", "of", subject, rest @ ..] => self.set_limits(who, subject, rest),
            [who, "says", item, "costs", price, ",", stock, "left", how @ ..] => {
                let (price, stock) = (money(price.parse()?), stock.parse::<u32>()?);
                let said = json!({ "item": digest(item), "price": price, "stock": stock });
                self.send(who, auth_of(how)?, "POST", "/v1/observations", Some(fresh_id()), Some(said))
            }
            [who, "closes", name] if self.is_wallet(name) => {
                self.change(who, "POST", &format!("/v1/wallets/{}/close", self.id(name)?), None)
            }
            [who, "closes", meter] => {
                self.change(who, "POST", &format!("/v1/meters/{}/close", self.id(meter)?), None)
            }
            [who, "opens", "meter", name, "with", payee, "up", "to", most, "at", price] => {
                self.open_meter(who, name, payee, most.parse()?, price)
            }
            [who, "charges", meter, rest @ ..] => self.charge(who, meter, rest),
            _ => bail!("nobody knows how to do this"),
        }
    }

    fn turn_clock(&mut self, words: &[&str]) -> anyhow::Result<Came> {
        let seconds = match words {
            ["clock", "to", time, ..] => {
                let (hours, minutes) = time.split_once(':').context("a time is `HH:MM`")?;
                let wanted = hours.parse::<u64>()? * 3_600 + minutes.parse::<u64>()? * 60;
                (wanted + 86_400 - self.now_seconds() % 86_400) % 86_400
            }
            ["clock", by] => {
                let hours =
                    by.strip_prefix('+').and_then(|by| by.strip_suffix('h')).context("`clock +Nh`")?;
                hours.parse::<u64>()? * 3_600
            }
            _ => bail!("`clock to HH:MM UTC` or `clock +Nh`"),
        };
        // The server refuses to move by nothing.
        self.advance(seconds.max(1))?;
        Ok(Came::Well)
    }

    fn pay(&mut self, who: &str, amount: u128, rest: &[&str]) -> anyhow::Result<Came> {
        let wallet = match named(rest, "from") {
            Some(wallet) => self.id(wallet)?,
            None => self.wallet_of(who)?,
        };
        let mut body = json!({ "wallet": wallet, "amount": money(amount) });
        match rest {
            ["as", _, "to", shares @ ..] => body["split"] = self.split(shares)?,
            _ => body["payee"] = json!(self.id(named(rest, "to").context("nobody is paid")?)?),
        }
        if let Some(item) = named(rest, "for") {
            body["reference"] = json!(digest(item));
        }
        if let Some(mandate) = named(rest, "under") {
            body["mandate"] = json!(self.id(mandate)?);
        }
        if let Some(question) = rest.windows(3).find(|words| words[..2] == ["approved", "by"]) {
            body["approval"] = json!(self.id(question[2])?);
        }
        if let [count, "at", "once"] = rest.rsplit(|word| *word == ",").next().unwrap_or_default() {
            let caller = self.party(who)?.caller;
            return Ok(Came::Answers(crowd::pay_at_once(&caller, count.parse()?, "/v1/payments", &body)?));
        }
        let id = fresh_name("pay");
        body["id"] = json!(id);
        let came = self.make(who, "/v1/payments", body)?;
        self.name_purchase(named(rest, "as"), &id, &came)?;
        Ok(came)
    }

    /// `60 M , 30 D , 10 PLAT`, and where they are not the whole, `of 100`.
    pub(crate) fn split(&self, words: &[&str]) -> anyhow::Result<Value> {
        let (words, whole) = match words {
            [words @ .., "of", whole] => (words, Some(whole.parse::<u64>()?)),
            _ => (words, None),
        };
        let mut shares = Vec::new();
        let mut sum = 0;
        for share in words.split(|word| *word == ",") {
            let [weight, payee] = share else { bail!("a share is `weight payee`") };
            let weight: u64 = weight.parse()?;
            sum += weight;
            shares.push(json!({ "payee": self.id(payee)?, "weight": weight }));
        }
        Ok(json!({ "whole": whole.unwrap_or(sum), "shares": shares }))
    }

    fn hold(&mut self, who: &str, amount: u128, payee: &str, name: &str) -> anyhow::Result<Came> {
        let id = fresh_name("hld");
        let body = json!({
            "id": id, "wallet": self.wallet_of(who)?, "payee": self.id(payee)?, "amount": money(amount),
            "expires_at": self.later(),
        });
        let came = self.make(who, "/v1/holds", body)?;
        self.name_purchase(Some(name), &id, &came)?;
        Ok(came)
    }

    fn refund(&mut self, who: &str, amount: u128, purchase: &str) -> anyhow::Result<Came> {
        let body = json!({ "id": fresh_name("ref"), "payment": self.id(purchase)?, "amount": money(amount) });
        let came = self.make(who, "/v1/refunds", body.clone())?;
        if matches!(&came, Came::Answers(answers) if answers.iter().all(|answer| answer.status == 201)) {
            self.changes.refund = Some(body);
        }
        Ok(came)
    }

    /// `: per_payment 500`, `with a wrong signature : per_payment 500`.
    fn set_limits(&mut self, who: &str, subject: &str, rest: &[&str]) -> anyhow::Result<Came> {
        let colon = rest.iter().position(|word| *word == ":").context("limits follow `:`")?;
        let auth = auth_of(&rest[..colon])?;
        let limits: Vec<String> = rest[colon + 1..].iter().map(|word| (*word).to_owned()).collect();
        let limits = self.limits(&limits)?;
        let kind = if matches!(self.thing(subject)?, Thing::Mandate(_)) { "mandates" } else { "agents" };
        let path = format!("/v1/{kind}/{}", self.id(subject)?);
        let version = self.installation.operator.get(&path)?["limits_version"].clone();
        let body = json!({ "version": version, "limits": limits });
        self.send(who, auth, "PUT", &format!("{path}/limits"), Some(fresh_id()), Some(body))
    }

    /// Gives a purchase its name, or the question it raised.
    pub(crate) fn name_purchase(&mut self, name: Option<&str>, id: &str, came: &Came) -> anyhow::Result<()> {
        let (Some(name), Came::Answers(answers)) = (name, came) else { return Ok(()) };
        let Some(answer) = answers.first().filter(|answer| answer.status < 300) else { return Ok(()) };
        match answer.json["digest"].as_str() {
            Some(digest) => self.put(name, Thing::Question { id: id.to_owned(), digest: digest.to_owned() }),
            None => self.put(name, Thing::Purchase(id.to_owned())),
        }
    }

    fn check_balance(&mut self, account: &str, amount: u128) -> anyhow::Result<Came> {
        let id = self.id(account)?;
        let available = match self.thing(account)? {
            Thing::Payee(_) => self.installation.payee_has(&id)?,
            _ => self.installation.wallet_has(&id)?.0,
        };
        ensure!(available == amount, "{account} has {available}");
        Ok(Came::Well)
    }

    /// Every payment that was answered as paid is in the owner's list.
    fn check_list(&mut self, who: &str) -> anyhow::Result<Came> {
        let mut caller = self.party(who)?.caller;
        let (mut paid, mut cursor) = (0, Some(String::new()));
        while let Some(after) = cursor {
            let after = if after.is_empty() { after } else { format!("&cursor={after}") };
            let page = caller.get(&format!("/v1/payments?limit=100{after}"))?;
            let rows = page["data"].as_array().into_iter().flatten();
            paid += rows.filter(|row| row["status"] == "paid").count();
            cursor = page["next_cursor"].as_str().map(str::to_owned);
        }
        ensure!(paid == self.paid, "{paid} are listed, and {} were made", self.paid);
        Ok(Came::Well)
    }

    fn is_wallet(&self, name: &str) -> bool {
        matches!(self.things.get(name), Some(Thing::Wallet { .. }))
    }

    pub(crate) fn wallet_of(&self, who: &str) -> anyhow::Result<String> {
        match self.thing(who)? {
            Thing::Agent { wallet, .. } => self.id(wallet),
            _ => bail!("`{who}` has no wallet of its own; say from which"),
        }
    }

    /// Until when things of stories are good.
    pub(crate) fn later(&self) -> String {
        let seconds = i64::try_from(self.now_seconds() + GOOD_SECONDS).expect("the year fits");
        Timestamp::from_second(seconds).expect("the year fits").to_string()
    }

    pub(crate) fn make(&mut self, who: &str, path: &str, body: Value) -> anyhow::Result<Came> {
        self.send(who, Auth::Signed, "POST", path, None, Some(body))
    }

    pub(crate) fn change(
        &mut self,
        who: &str,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> anyhow::Result<Came> {
        self.send(who, Auth::Signed, method, path, Some(fresh_id()), body)
    }

    fn send(
        &mut self,
        who: &str,
        auth: Auth,
        method: &str,
        target: &str,
        change: Option<Id>,
        body: Option<Value>,
    ) -> anyhow::Result<Came> {
        let call = Call { method, target, change, body: body.as_ref() };
        let answer = self.party(who)?.caller.send(auth, &call);
        Ok(Came::Answers(vec![answer.map_err(|lost| anyhow::anyhow!("no answer: {}", lost.why()))?]))
    }
}

/// The word after `label`.
fn named<'a>(words: &[&'a str], label: &str) -> Option<&'a str> {
    words.windows(2).find(|pair| pair[0] == label).map(|pair| pair[1])
}

/// How a request shows whose it is, where a line says more than that it is signed.
fn auth_of(how: &[&str]) -> anyhow::Result<Auth> {
    match how {
        [] => Ok(Auth::Signed),
        ["with", "a", "wrong", "signature"] => Ok(Auth::Forged),
        ["in", "a", "session"] => Ok(Auth::Session),
        _ => bail!("nobody signs `{}`", how.join(" ")),
    }
}

/// The digest that an item is known by, to its seller and to those who wait for its price.
pub(crate) fn digest(item: &str) -> String {
    base64url::encode(&Hash::of(item.as_bytes()).0)
}

/// The route of what somebody does: `freeze` for `freezes`.
fn route_of(verb: &str) -> &str {
    verb.strip_suffix('s').unwrap_or(verb)
}
