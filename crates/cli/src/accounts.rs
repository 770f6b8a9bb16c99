//! `owner`, `wallet`, `agent`, `mandate`, `payee`, `freeze`, `unfreeze`, `revoke`, `clock`: who there is, and what they may do.

use crate::args::{
    AgentCommand, Caller, ClockCommand, LimitArgs, MandateCommand, OwnerCommand, PayeeCommand, Stop,
    WalletCommand,
};
use crate::client::{connect, failed, new_key};
use crate::exit::{Failure, Outcome};
use crate::output::Output;
use crate::{money, runtime};
use protocols::act::{AmountNumber, UtcTime};
use sdk::Client;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::io::{IsTerminal, Write};
use url::Url;
use wire::account::{
    Advance, Carry, ClockTime, NewAgent, NewMandate, NewOwner, NewPayee, NewTransfer, NewWallet, Provenance,
    Subject, Wallet,
};
use wire::answer::Done;
use wire::ap2::{Ap2Key, NewAp2Approval, NewOpenMandates};
use wire::joining::{Invitation, NewInvitation};
use wire::limit::{Limit, Period, Window};
use wire::list::Page;
use wire::money::AssetText;
use wire::{AgentId, HoldId, MandateId, OwnerId, PayeeId, RequestId, TransferId, WalletId};

const PAGE: usize = 100;

pub(crate) fn owner(output: &Output, command: &OwnerCommand) -> Outcome {
    runtime::run(async {
        match command {
            OwnerCommand::Create { caller, key_out, label } => {
                let client = connect(caller)?;
                let key = new_key(&client, key_out)?;
                let new = NewOwner { id: OwnerId(client.fresh_id()), key, label: label.clone() };
                made(output, &client.add_owner(&new).await.map_err(failed)?);
            }
            OwnerCommand::Invite { caller, public_url } => {
                let link = invite(&connect(caller)?, public_url).await?;
                output.line(&link.url);
                output.object(&link);
            }
        }
        Ok(())
    })
}

#[derive(Serialize)]
pub(crate) struct Link {
    pub(crate) url: String,
    expires_at: String,
}

/// A link with which somebody becomes an owner.
pub(crate) async fn invite(operator: &Client, public_url: &Url) -> Outcome<Link> {
    let invitation: Invitation =
        operator.make("/v1/invitations", &NewInvitation::default()).await.map_err(failed)?;
    let url = format!("{}{}", public_url.as_str().trim_end_matches('/'), invitation.path);
    Ok(Link { url, expires_at: invitation.expires_at })
}

pub(crate) fn wallet(output: &Output, command: &WalletCommand) -> Outcome {
    runtime::run(async {
        match command {
            WalletCommand::Create { caller, owner, asset, limits, label } => {
                let client = connect(caller)?;
                let asset: AssetText = asset.parse().map_err(Failure::usage)?;
                let id = WalletId(client.fresh_id());
                let limits = limits.read(asset)?;
                let new = NewWallet { id, owner: id_of(owner)?, asset, limits, label: label.clone() };
                made(output, &client.open_wallet(&new).await.map_err(failed)?);
            }
            WalletCommand::Fill { caller, wallet, amount } => {
                let client = connect(caller)?;
                let asset = client.wallet(id_of(wallet)?).await.map_err(failed)?.available.asset;
                let new = NewTransfer {
                    id: TransferId(client.fresh_id()),
                    from: "world".to_owned(),
                    to: wallet.clone(),
                    amount: money::read(amount, asset)?,
                };
                made(output, &client.transfer(&new).await.map_err(failed)?);
            }
            WalletCommand::Ap2 { caller, wallet, payee, amount, checkout, id } => {
                let client = connect(caller)?;
                let wallet = id_of(wallet)?;
                let asset = client.wallet(wallet).await.map_err(failed)?.available.asset;
                let text = std::fs::read_to_string(checkout)
                    .map_err(|fault| Failure::from(fault).during(checkout.display()))?;
                let new = NewAp2Approval {
                    id: id.as_deref().map_or_else(|| Ok(HoldId(client.fresh_id())), id_of)?,
                    wallet,
                    payee: id_of(payee)?,
                    amount: money::read(amount, asset)?,
                    checkout_jwt: text.trim().to_owned(),
                };
                let said = client.approve_checkout(&new).await.map_err(failed)?;
                output.line(format!(
                    "{} is set aside until {}, as {}",
                    new.amount.in_words(),
                    said.expires_at,
                    said.id
                ));
                output.line(format!("checkout_mandate  {}", said.checkout_mandate));
                output.line(format!("payment_mandate   {}", said.payment_mandate));
                output.line(format!("credential        {}", said.credential));
                output.object(&said);
            }
            WalletCommand::List { caller } => list(output, caller, "/v1/wallets").await?,
            WalletCommand::Show { caller, id } => show(output, caller, "/v1/wallets", id).await?,
        }
        Ok(())
    })
}

pub(crate) fn agent(output: &Output, command: &AgentCommand) -> Outcome {
    runtime::run(async {
        match command {
            AgentCommand::Create { caller, wallet, key_out, limits, label } => {
                let client = connect(caller)?;
                let found = client.wallet(id_of(wallet)?).await.map_err(failed)?;
                let limits = limits.read(found.available.asset)?;
                let key = new_key(&client, key_out)?;
                let id = AgentId(client.fresh_id());
                let new = NewAgent { id, wallet: found.id, limits, key, label: label.clone() };
                made(output, &client.add_agent(&new).await.map_err(failed)?);
            }
            AgentCommand::Bind { caller, id, max, days } => bind(output, caller, id, max, *days).await?,
            AgentCommand::List { caller } => list(output, caller, "/v1/agents").await?,
            AgentCommand::Show { caller, id } => show(output, caller, "/v1/agents", id).await?,
        }
        Ok(())
    })
}

/// Binds the agent's wallet as a payment tool, by the clock of the book.
async fn bind(output: &Output, caller: &Caller, agent: &str, max: &str, days: u32) -> Outcome {
    let client = connect(caller)?;
    let agent: AgentId = id_of(agent)?;
    let max = AmountNumber::parse(max).map_err(Failure::usage)?;
    let max: serde_json::Value =
        serde_json::from_str(&max.to_string()).expect("an amount is a number of JSON");
    let me = client.me().await.map_err(failed)?;
    let now = crate::shop::book_time(&caller.server).await?.now();
    let end = now.after(protocols::Time::from_seconds(u64::from(days) * 86_400).0);
    let [now, end] = [now, end].map(|time| UtcTime::second_of(time).as_str().to_owned());
    let request = serde_json::json!({
        "request_id": format!("bind-{:032x}", client.fresh_id()), "principal_id": me.id, "agent_id": agent,
        "payment_account_ref": "wallet ****", "authentication_method": "PASSWORD", "timestamp": now,
        "token_constraints": {
            "max_amount_per_transaction": max, "validity_period": { "start_time": now, "end_time": end },
        },
    });
    let bound: serde_json::Value = client.make("/v1/act/bindings", &request).await.map_err(failed)?;
    let token = bound["payment_token"].as_str().unwrap_or_default();
    output.line(format!("{token}  until {end}"));
    output.object(&bound);
    Ok(())
}

pub(crate) fn mandate(output: &Output, command: &MandateCommand) -> Outcome {
    runtime::run(async {
        match command {
            MandateCommand::Create { caller, wallet, agent, valid_for, limits, document } => {
                let client = connect(caller)?;
                let found = client.wallet(id_of(wallet)?).await.map_err(failed)?;
                let now = jiff::Timestamp::now();
                let span =
                    jiff::SignedDuration::from_secs(i64::try_from(*valid_for).map_err(Failure::usage)?);
                let new = NewMandate {
                    id: MandateId(client.fresh_id()),
                    wallet: found.id,
                    agent: id_of(agent)?,
                    valid_from: now.to_string(),
                    expires_at: now.checked_add(span).map_err(Failure::usage)?.to_string(),
                    limits: limits.read(found.available.asset)?,
                    document: document.clone().unwrap_or_default(),
                    carry: Carry::Inherit,
                };
                made(output, &client.grant(&new).await.map_err(failed)?);
            }
            MandateCommand::Ap2 { caller, id, agent_key, checkout } => {
                let malformed = || Failure::usage("`--agent-key` is two coordinates with a point between");
                let (x, y) = agent_key.split_once('.').ok_or_else(malformed)?;
                let new = NewOpenMandates {
                    agent_key: Ap2Key { x: x.to_owned(), y: y.to_owned() },
                    checkout: std::fs::read_to_string(checkout)
                        .map_err(|fault| Failure::from(fault).during(checkout.display()))?,
                };
                let said = connect(caller)?.open_mandates(id_of(id)?, &new).await.map_err(failed)?;
                output.line(format!("open_checkout  {}", said.open_checkout));
                output.line(format!("open_payment   {}", said.open_payment));
                output.line(format!("audience       {}", said.audience));
                output.object(&said);
            }
            MandateCommand::List { caller } => list(output, caller, "/v1/mandates").await?,
            MandateCommand::Show { caller, id } => show(output, caller, "/v1/mandates", id).await?,
        }
        Ok(())
    })
}

pub(crate) fn payee(output: &Output, command: &PayeeCommand) -> Outcome {
    runtime::run(async {
        match command {
            PayeeCommand::Create { caller, asset, category, key_out, fee_ppm, label } => {
                let client = connect(caller)?;
                let key = key_out.as_deref().map(|path| new_key(&client, path)).transpose()?;
                let new = NewPayee {
                    id: PayeeId(client.fresh_id()),
                    owner: None,
                    asset: asset.parse().map_err(Failure::usage)?,
                    category: category.clone(),
                    provenance: Provenance::Registry,
                    fee_ppm: *fee_ppm,
                    key,
                    label: label.clone(),
                };
                made(output, &client.add_payee(&new).await.map_err(failed)?);
            }
            PayeeCommand::List { caller } => list(output, caller, "/v1/payees").await?,
            PayeeCommand::Show { caller, id } => show(output, caller, "/v1/payees", id).await?,
        }
        Ok(())
    })
}

/// Which of the three ways to stop or start something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Switch {
    Freeze,
    Unfreeze,
    Revoke,
}

pub(crate) fn switch(output: &Output, switch: Switch, args: &Stop) -> Outcome {
    if switch == Switch::Revoke && !args.yes {
        confirm(&format!("end `{}` for good?", args.id))?;
    }
    runtime::run(async {
        let client = connect(&args.caller)?;
        let (key, subject) = (RequestId(client.fresh_id()), Subject { subject: args.id.clone() });
        let done = match switch {
            Switch::Freeze => client.freeze(key, &subject).await,
            Switch::Unfreeze => client.unfreeze(key, &subject).await,
            Switch::Revoke => client.revoke(key, &subject).await,
        };
        made(output, &done.map_err(failed)?);
        Ok(())
    })
}

pub(crate) fn clock(output: &Output, command: &ClockCommand) -> Outcome {
    let ClockCommand::Advance { caller, by } = command;
    runtime::run(async {
        let client = connect(caller)?;
        let time: ClockTime = client.advance_clock(&Advance { seconds: *by }).await.map_err(failed)?;
        output.line(format!("it is now {}", time.now));
        output.object(&time);
        Ok(())
    })
}

/// Asks a person; a program has to say `--yes` beforehand.
fn confirm(question: &str) -> Outcome {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage(format!("{question} Nobody is here to ask: say `--yes`")));
    }
    eprint!("{question} [y/N] ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    if matches!(answer.trim(), "y" | "yes") {
        return Ok(());
    }
    Err(Failure::usage("nothing was done"))
}

fn made(output: &Output, done: &Done) {
    let again = if done.repeated { ", as before" } else { "" };
    output.line(format!("{}  (entry {}{again})", done.id, done.entry));
    output.object(done);
}

async fn show(output: &Output, caller: &Caller, path: &str, id: &str) -> Outcome {
    let found: Value = connect(caller)?.get(&format!("{path}/{id}")).await.map_err(failed)?;
    output.line(serde_json::to_string_pretty(&found).expect("an answer is JSON"));
    output.object(&found);
    Ok(())
}

async fn list(output: &Output, caller: &Caller, path: &str) -> Outcome {
    let client = connect(caller)?;
    let mut cursor: Option<String> = None;
    loop {
        let page: Page<Value> = client.list(path, PAGE, cursor.as_deref()).await.map_err(failed)?;
        for row in &page.data {
            output.line(row_text(row));
            output.object(row);
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(());
        }
    }
}

/// A row in a line: its money first, then its id, its label and how it stands.
fn row_text(row: &Value) -> String {
    let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let money = serde_json::from_value::<wire::Money>(row["available"].clone());
    let money = money.map_or(String::new(), |money| format!("{:>16}  ", money.in_words()));
    format!("{money}{}  {}  {}", text("id"), text("status"), text("label"))
}

fn id_of<T: DeserializeOwned + Serialize>(text: &str) -> Outcome<T> {
    serde_json::from_value(Value::String(text.to_owned()))
        .map_err(|fault| Failure::usage(format!("`{text}`: {fault}")))
}

impl LimitArgs {
    /// The limits, in the asset of their wallet.
    pub(crate) fn read(&self, asset: AssetText) -> Outcome<Vec<Limit>> {
        let amount = |text: &Option<String>| {
            text.as_deref().map(|text| money::read(text, asset).map(|money| money.amount)).transpose()
        };
        let mut limits = Vec::new();
        limits.extend(amount(&self.per_payment)?.map(|max| Limit::PerPayment { max }));
        limits.extend(amount(&self.total)?.map(|max| Limit::Total { max }));
        let calendar = |period| Window::Calendar { period, zone: self.zone.clone() };
        let periods =
            [(&self.per_day, Period::Day), (&self.per_week, Period::Week), (&self.per_month, Period::Month)];
        for (max, period) in periods {
            limits.extend(amount(max)?.map(|max| Limit::Window { window: calendar(period), max }));
        }
        limits.extend(self.uses.map(|max| Limit::Uses { max }));
        limits.extend(amount(&self.ask_above)?.map(|amount| Limit::AskAbove { amount }));
        limits.extend(self.ask_first_contact.then_some(Limit::AskFirstContact));
        Ok(limits)
    }
}

/// The asset and money of a wallet.
pub(crate) async fn wallet_of(client: &Client, id: WalletId) -> Outcome<Wallet> {
    client.wallet(id).await.map_err(failed)
}
