//! ACT in stories: sentences and the yes to them, orders, payments at the three levels, and the cashier.
//!
//! Whatever is sent once can be sent again, word for word: that is what `again` says.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail, ensure};
use evidence::{SigningKey, base64url};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::blackbox::caller::{Answer, Auth, Call};
use crate::blackbox::installation::{Party, fresh_id, fresh_name, money};
use crate::scenarios::deeds::Came;
use crate::scenarios::stage::{Stage, Thing};

/// What was sent, by what it made: who sent it, where, and the words.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    requests: BTreeMap<String, (String, String, Value)>,
    /// The key of each sub-account.
    keys: BTreeMap<String, Party>,
    /// The references to payment tools.
    tokens: BTreeMap<String, String>,
    /// The credentials.
    credentials: BTreeMap<String, Value>,
}

impl Stage {
    /// Does what a step says, where it is ACT's; nothing where it is not.
    pub(crate) fn act_of_act(&mut self, words: &[&str]) -> anyhow::Result<Option<Came>> {
        let came = match words {
            [agent, "hears", "as", name, said @ ..] => self.hear(agent, name, said)?,
            [who, "answers", code, "of", intent, ":", said @ ..] => {
                self.answer(who, code, intent, &sentence(said))?
            }
            [who, "agrees", "to", intent, "as", name] => self.agree(who, intent, name)?,
            [who, "binds", agent, "as", name, "up", "to", most] => self.bind(who, agent, name, most)?,
            [who, "opens", "sub-account", name, "for", agent, "with", amount] => {
                self.open_sub_account(who, name, agent, amount.parse()?)?
            }
            [agent, "asks", "about", intent, rest @ ..] => self.ask_about(agent, intent, rest)?,
            [payee, "takes", "order", name, "of", amount, ":", kinds @ ..] => {
                self.take_order(payee, name, amount.parse()?, kinds, None)?
            }
            [payee, "takes", "order", name, "of", amount, "until", "delivered", ":", kinds @ ..] => {
                let until = self.later();
                self.take_order(payee, name, amount.parse()?, kinds, Some(until))?
            }
            [payee, "delivers", order] => self.deliver(payee, order)?,
            [payee, "cannot", "deliver", order] => {
                let (trade, _) = self.set_aside(order)?;
                self.change(payee, "POST", &format!("/v1/holds/{trade}/void"), None)?
            }
            [mandate, "stands", state] => {
                let now = self.installation.operator.get(&format!("/v1/mandates/{}", self.id(mandate)?))?;
                ensure!(now["task_state"] == *state, "it stands {}", now["task_state"]);
                Came::Well
            }
            [who, "is", "told", code] => self.is_told(who, code)?,
            [payee, "takes", "order", name, "of", amount, "instead"] => {
                let mut order = self.sent(name)?.2;
                order["amount"] = money(amount.parse()?);
                self.make(payee, "/v1/orders", order)?
            }
            [agent, "asks", "for", order, "with", token, rest @ ..] => self.ask(agent, order, token, rest)?,
            [who, "confirms", question, rest @ ..] => self.confirm(who, question, rest)?,
            [agent, level @ ("buys" | "chooses"), order, "under", credential, "with", tool, rest @ ..] => {
                self.buy(agent, level, order, credential, tool, rest)?
            }
            [_, "repeats", "payment", "of", order] => self.repeat(&format!("payment of {order}"))?,
            [_, "repeats", name] => self.repeat(name)?,
            [agent, "finds", order, "paid"] => self.find(agent, order, "TRADE_SUCCESS")?,
            [agent, "finds", order, "closed"] => self.find(agent, order, "TRADE_CLOSED")?,
            [who, verb @ ("suspends" | "resumes"), credential] => {
                let path = format!("/v1/credentials/{}/{}", self.id(credential)?, verb.trim_end_matches('s'));
                self.change(who, "POST", &path, None)?
            }
            _ => return Ok(None),
        };
        Ok(Some(came))
    }

    /// `A hears as I: …`, and where the words leave something open, `A hears as I , asks CODE CODE : …`.
    fn hear(&mut self, agent: &str, name: &str, said: &[&str]) -> anyhow::Result<Came> {
        let colon = said.iter().position(|word| *word == ":").context("a sentence follows `:`")?;
        let open: Vec<&str> =
            said[..colon].iter().copied().filter(|word| !matches!(*word, "," | "asks")).collect();
        let Thing::Agent { party, wallet } = self.thing(agent)?.clone() else {
            bail!("`{agent}` is no agent")
        };
        let body = json!({
            "id": fresh_name("int"), "wallet": self.id(&wallet)?, "agent": party.id, "zone": "Asia/Shanghai",
            "conversation_history": { "user_intent_raw": sentence(&said[colon + 1..]), "input_mode": ["TEXT"] },
        });
        self.put(name, Thing::Intent(body["id"].as_str().unwrap_or_default().to_owned()))?;
        self.keep(name, agent, "/v1/intents", &body);
        let answer = self.made(agent, "/v1/intents", body)?;
        is_open(&answer.expect_success("the sentence")?, &open)
    }

    fn answer(&mut self, who: &str, code: &str, intent: &str, said: &str) -> anyhow::Result<Came> {
        let path = format!("/v1/intents/{}", self.id(intent)?);
        let now = self.party(who)?.caller.get(&path)?;
        let open = now["questions"].as_array().into_iter().flatten().find(|open| open["code"] == code);
        let open = open.with_context(|| format!("{code} is not open: {}", now["questions"]))?;
        let answered =
            self.made(who, &format!("{path}/answers"), json!({ "question": open["id"], "answer": said }))?;
        if 300 <= answered.status {
            return Ok(Came::Answers(vec![answered]));
        }
        Ok(Came::Well)
    }

    fn agree(&mut self, who: &str, intent: &str, name: &str) -> anyhow::Result<Came> {
        let path = format!("/v1/intents/{}", self.id(intent)?);
        let now = self.party(who)?.caller.get(&path)?;
        // Nothing is shown to agree to while something is open.
        let shown = now["summary_digest"].as_str().unwrap_or("sha-256:nothing");
        let body = json!({ "id": fresh_name("mdt"), "of": shown });
        let path = format!("{path}/confirm");
        self.put(name, Thing::Mandate(body["id"].as_str().unwrap_or_default().to_owned()))?;
        self.keep(name, who, &path, &body);
        let answer = self.made(who, &path, body)?;
        self.acts.credentials.insert(name.to_owned(), answer.json["credential"].clone());
        Ok(Came::Answers(vec![answer]))
    }

    fn bind(&mut self, who: &str, agent: &str, name: &str, most: &str) -> anyhow::Result<Came> {
        let most: f64 = most.parse::<u32>()?.into();
        let body = json!({
            "request_id": fresh_name("req"), "principal_id": self.id(who)?, "agent_id": self.id(agent)?,
            "payment_account_ref": "****1234", "authentication_method": "PASSKEY", "timestamp": self.second(0),
            "token_constraints": { "max_amount_per_transaction": most / 100.0,
                "validity_period": { "start_time": self.second(-60), "end_time": self.second(30 * 86_400) } },
        });
        let answer = self.made(who, "/v1/act/bindings", body)?;
        let token = answer.json["payment_token"].as_str().unwrap_or_default().to_owned();
        self.acts.tokens.insert(name.to_owned(), token);
        Ok(Came::Answers(vec![answer]))
    }

    /// A sub-account with a key of its own, filled from the agent's wallet.
    fn open_sub_account(&mut self, who: &str, name: &str, agent: &str, amount: u128) -> anyhow::Result<Came> {
        let key = {
            let mut owner = self.party(who)?;
            let agent = self.party(agent)?;
            self.installation.key_of(&mut owner, &agent.id)?
        };
        let request = |operation: &str, stage: &Stage| -> anyhow::Result<Value> {
            Ok(
                json!({ "request_id": fresh_name("req"), "operation": operation, "principal_id": stage.id(who)?,
                "agent_id": stage.id(agent)?, "currency": "CNY", "timestamp": stage.second(0) }),
            )
        };
        let mut open = request("OPEN", self)?;
        open["key_reference"] = json!({ "key_id": key.key, "key_type": "ASYMMETRIC" });
        let opened = self.made(who, "/v1/act/sub_accounts", open)?.expect_success("opening")?;
        let id = opened["subaccount_id"].as_str().context("no sub-account")?.to_owned();
        let mut fund = request("FUND", self)?;
        fund["subaccount_id"] = json!(id);
        fund["amount"] = json!(whole(amount));
        self.made(who, "/v1/act/sub_accounts", fund)?.expect_success("funding")?;
        self.put(name, Thing::Wallet { id, owner: who.to_owned() })?;
        self.open(name, 0)?;
        self.acts.keys.insert(name.to_owned(), key);
        Ok(Came::Well)
    }

    /// `A asks about I , medium or large : Which size?`
    fn ask_about(&mut self, agent: &str, intent: &str, rest: &[&str]) -> anyhow::Result<Came> {
        let colon = rest.iter().position(|word| *word == ":").context("a question follows `:`")?;
        let choices: Vec<&str> =
            rest[..colon].iter().copied().filter(|word| !matches!(*word, "," | "or")).collect();
        let path = format!("/v1/intents/{}/questions", self.id(intent)?);
        let body = json!({ "question": sentence(&rest[colon + 1..]), "suggestions": choices });
        let asked = self.made(agent, &path, body)?.expect_success("the agent's question")?;
        let mut open = asked["questions"].as_array().into_iter().flatten();
        ensure!(open.any(|open| open["code"] == "AGENT_ASKS"), "it is not open: {}", asked["questions"]);
        Ok(Came::Well)
    }

    /// The seller has delivered, and takes what was set aside for it.
    fn deliver(&mut self, payee: &str, order: &str) -> anyhow::Result<Came> {
        let (trade, amount) = self.set_aside(order)?;
        let body = json!({ "amount": amount, "last": true });
        self.change(payee, "POST", &format!("/v1/holds/{trade}/capture"), Some(body))
    }

    /// What was set aside for an order, and how much.
    fn set_aside(&mut self, order: &str) -> anyhow::Result<(String, Value)> {
        let now = self.installation.operator.get(&format!("/v1/orders/{}", self.id(order)?))?;
        let trade = now["trade_no"].as_str().context("nothing was set aside for it")?;
        Ok((trade.to_owned(), now["amount"].clone()))
    }

    /// The newest thing somebody finds among her decisions has this code.
    fn is_told(&mut self, who: &str, code: &str) -> anyhow::Result<Came> {
        let mut caller = self.party(who)?.caller;
        let (mut last, mut cursor) = (Value::Null, Some(String::new()));
        while let Some(after) = cursor {
            let after = if after.is_empty() { after } else { format!("&cursor={after}") };
            let page = caller.get(&format!("/v1/entries?limit=100{after}"))?;
            last = page["data"].as_array().and_then(|rows| rows.last()).cloned().unwrap_or(last);
            cursor = page["next_cursor"].as_str().map(str::to_owned);
        }
        ensure!(last["code"] == code, "she is told {last}");
        Ok(Came::Well)
    }

    /// An order; with `until`, its money waits for the delivery until then.
    fn take_order(
        &mut self,
        payee: &str,
        name: &str,
        amount: u128,
        kinds: &[&str],
        until: Option<String>,
    ) -> anyhow::Result<Came> {
        let mut body = json!({
            "id": fresh_name("ord"), "amount": money(amount), "categories": kinds, "payee_name": payee,
        });
        if let Some(until) = until {
            body["fulfil_by"] = json!(until);
        }
        let answer = self.made(payee, "/v1/orders", body.clone())?;
        if answer.status != 201 {
            return Ok(Came::Answers(vec![answer]));
        }
        self.put(name, Thing::Order(body["id"].as_str().unwrap_or_default().to_owned()))?;
        self.keep(name, payee, "/v1/orders", &body);
        Ok(Came::Well)
    }

    /// What an agent asks for, before it is signed. `for 2000` states another amount than the order's.
    fn request(&self, agent: &str, order: &str, rest: &[&str]) -> anyhow::Result<Value> {
        let ordered = self.sent(order)?.2["amount"]["amount"].as_str().context("no amount")?.parse()?;
        let amount: u128 = match rest {
            [.., "for", amount] => amount.parse()?,
            _ => ordered,
        };
        Ok(json!({ "request_id": fresh_name("req"), "buyer_agent_id": self.id(agent)?,
            "merchant_order_id": self.id(order)?, "amount": whole(amount), "currency": "CNY",
            "timestamp": self.second(0) }))
    }

    fn ask(&mut self, agent: &str, order: &str, token: &str, rest: &[&str]) -> anyhow::Result<Came> {
        let mut request = self.request(agent, order, rest)?;
        request["payment_token"] = json!(self.token(token)?);
        self.sign_and_send(agent, "instant", order, request, rest)
    }

    fn buy(
        &mut self,
        agent: &str,
        level: &str,
        order: &str,
        credential: &str,
        tool: &str,
        rest: &[&str],
    ) -> anyhow::Result<Came> {
        let mut request = self.request(agent, order, rest)?;
        request["delegation_id"] = json!(self.id(credential)?);
        request["iac"] = self.acts.credentials.get(credential).context("no credential")?.clone();
        match self.acts.keys.get(tool) {
            Some(key) => {
                let id = self.id(tool)?;
                let members =
                    ["request_id", "delegation_id", "merchant_order_id", "amount", "currency", "timestamp"];
                let mut proved: Value =
                    members.iter().map(|it| ((*it).to_owned(), request[*it].clone())).collect();
                proved["subaccount_id"] = json!(id);
                request["subaccount_proof"] = json!(sign(key, &proved));
                request["subaccount_id"] = json!(id);
            }
            None => request["payment_token"] = json!(self.token(tool)?),
        }
        let level = if level == "buys" { "delegated" } else { "autonomous" };
        self.sign_and_send(agent, level, order, request, rest)
    }

    fn sign_and_send(
        &mut self,
        agent: &str,
        level: &str,
        order: &str,
        mut request: Value,
        rest: &[&str],
    ) -> anyhow::Result<Came> {
        request["signature"] = json!(sign(&self.party(agent)?, &request));
        let path = format!("/v1/act/payments/{level}");
        self.keep(&format!("payment of {order}"), agent, &path, &request);
        let came = self.make_and_translate(agent, &path, request)?;
        if let ([.., "as", name] | ["as", name, ..], Came::Answers(answers)) = (rest, &came)
            && let Some(id) = answers.first().and_then(|answer| answer.json["question"].as_str())
        {
            let prompt = self.installation.operator.get("/v1/questions?limit=100")?;
            let mut rows = prompt["data"].as_array().into_iter().flatten();
            let row = rows.find(|row| row["id"] == id).context("the question is not listed")?;
            let digest = row["digest"].as_str().unwrap_or_default().to_owned();
            self.put(name, Thing::Question { id: id.to_owned(), digest })?;
        }
        Ok(came)
    }

    /// `Li confirms Q`, and where she was shown another question, `Li confirms Q having seen R`.
    fn confirm(&mut self, who: &str, question: &str, rest: &[&str]) -> anyhow::Result<Came> {
        let shown = if let ["having", "seen", other] = rest { other } else { question };
        let Thing::Question { digest, .. } = self.thing(shown)?.clone() else {
            bail!("`{shown}` is no question")
        };
        let path = format!("/v1/act/cashier/{}/confirm", self.id(question)?);
        let body = json!({ "digest": digest });
        let call = Call { method: "POST", target: &path, change: Some(fresh_id()), body: Some(&body) };
        let answer = self.party(who)?.caller.send(Auth::Signed, &call);
        let answer = answer.map_err(|lost| anyhow::anyhow!("no answer: {}", lost.why()))?;
        self.translate(answer).map(|answer| Came::Answers(vec![answer]))
    }

    /// Sends again what was sent, word for word.
    fn repeat(&mut self, name: &str) -> anyhow::Result<Came> {
        let (who, path, body) = self.sent(name)?;
        self.make_and_translate(&who, &path, body)
    }

    fn find(&mut self, agent: &str, order: &str, status: &str) -> anyhow::Result<Came> {
        let request = self.sent(&format!("payment of {order}"))?.2;
        let id = request["request_id"].as_str().unwrap_or_default();
        let found = self.party(agent)?.caller.get(&format!("/v1/act/payments/{id}"))?;
        ensure!(found["trade_status"] == status, "{found}");
        Ok(Came::Well)
    }

    fn make_and_translate(&mut self, who: &str, path: &str, body: Value) -> anyhow::Result<Came> {
        let answer = self.made(who, path, body)?;
        self.translate(answer).map(|answer| Came::Answers(vec![answer]))
    }

    /// An answer of ACT's in the words of stories: paid, asked, or turned away in ACT's class.
    fn translate(&mut self, mut answer: Answer) -> anyhow::Result<Answer> {
        if answer.json["trade_status"] == "TRADE_SUCCESS" {
            answer.json["status"] = json!("paid");
        }
        if answer.status == 202 {
            let rows = self.installation.operator.get("/v1/questions?limit=100")?;
            let mut rows = rows["data"].as_array().into_iter().flatten();
            let row = rows.find(|row| row["id"] == answer.json["question"]).context("nobody is asked")?;
            answer.json["ask"] = row["ask"].clone();
        }
        // A refusal that is recorded keeps the book's own code.
        if answer.json["entry"].is_null() && answer.json["act"]["code"].is_string() {
            answer.json["code"] = answer.json["act"]["code"].clone();
        }
        Ok(answer)
    }

    fn made(&mut self, who: &str, path: &str, body: Value) -> anyhow::Result<Answer> {
        match self.make(who, path, body)? {
            Came::Answers(mut answers) => answers.pop().context("no answer"),
            came @ (Came::Well | Came::Halted { .. }) => bail!("{came:?}"),
        }
    }

    fn keep(&mut self, name: &str, who: &str, path: &str, body: &Value) {
        self.acts.requests.insert(name.to_owned(), (who.to_owned(), path.to_owned(), body.clone()));
    }

    fn sent(&self, name: &str) -> anyhow::Result<(String, String, Value)> {
        self.acts.requests.get(name).cloned().with_context(|| format!("`{name}` was never sent"))
    }

    fn token(&self, name: &str) -> anyhow::Result<String> {
        self.acts.tokens.get(name).cloned().with_context(|| format!("no reference is called `{name}`"))
    }

    /// A second of the book's time, so many from now.
    fn second(&self, by: i64) -> String {
        let now = i64::try_from(self.now_seconds()).expect("the year fits");
        Timestamp::from_second(now + by).expect("the year fits").to_string()
    }
}

/// Whether exactly these questions are open.
fn is_open(intent: &Value, codes: &[&str]) -> anyhow::Result<Came> {
    let open = intent["questions"].as_array().into_iter().flatten();
    let open: Vec<&str> = open.filter_map(|open| open["code"].as_str()).collect();
    ensure!(open == codes, "open is {open:?}: {}", intent["questions"]);
    Ok(Came::Well)
}

/// The sentence that a step's words were.
fn sentence(words: &[&str]) -> String {
    words.join(" ").replace(" , ", ", ").replace(" : ", ": ")
}

/// Fen as ACT's messages write them.
fn whole(amount: u128) -> String {
    format!("{}.{:02}", amount / 100, amount % 100)
}

/// A signature over the canonical JSON of a message of texts: members in the order of their names, nothing between.
fn sign(party: &Party, message: &Value) -> String {
    let signature = SigningKey::ed25519(&party.seed).sign(message.to_string().as_bytes());
    base64url::encode(signature.as_bytes())
}
