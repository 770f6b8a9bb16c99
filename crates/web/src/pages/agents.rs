//! Agents: connecting one with a phrase, its limits, pausing and ending it.

use crate::page::{Place, Shown, Stop, Top, go, html};
use crate::pages::overview::{AgentCard, CARDS, agent_cards, standing};
use crate::rule::Saying;
use crate::shown::{Money, Text, money, typed};
use crate::visit::Visit;
use askama::Template;
use book::freeze::Status;
use book::{
    Action, AgentId, Asset, EnrolAgent, Id, KeyHolder, Limit, LimitSubject, Period, PublicKeyBytes,
    SetLimits, Window, Zone,
};
use engine::views::{AgentRow, KeyRow, MandateRow, WalletRow};
use evidence::Hash;
use http::StatusCode;
use server::connections::{Connecting, Connection};

#[derive(Template)]
#[template(path = "agents.html")]
struct AgentsPage {
    top: Top,
    agents: Vec<AgentCard>,
}

#[derive(Template)]
#[template(path = "connect.html")]
struct ConnectPage {
    top: Top,
    wallets: Vec<(String, Text)>,
    command: Option<String>,
    code: String,
    asking: Vec<Asking>,
}

/// A program that waits for the owner's word.
pub(crate) struct Asking {
    id: String,
    said: String,
    odd: bool,
    phrase: String,
    fingerprint: String,
    fresh: String,
}

#[derive(Template)]
#[template(path = "agent.html")]
struct AgentPage {
    top: Top,
    id: String,
    name: Text,
    status: &'static str,
    tone: &'static str,
    is_active: bool,
    is_ended: bool,
    keys: Vec<String>,
    since: String,
    spent: Money,
    limits: Vec<String>,
    rules: Vec<(String, Vec<String>)>,
    fields: LimitFields,
}

/// The limits that the form knows, as they are.
#[derive(Default)]
struct LimitFields {
    version: u32,
    per_payment: String,
    per_day: String,
    ask_above: String,
    ask_first: bool,
    ask_always: bool,
}

/// The list.
pub async fn list(visit: &Visit) -> Shown {
    let top = Top::inside(visit, Place::Agents).await?;
    let agents = agent_cards(visit).await?;
    Ok(html(StatusCode::OK, &AgentsPage { top, agents }))
}

/// How to connect a program, and those that ask.
pub async fn show_connect(visit: &Visit) -> Shown {
    let app = &visit.site.app;
    let (owner, now) = (visit.owner()?, app.clock.now());
    let top = Top::inside(visit, Place::Agents).await?;
    let wallets = own_wallets(visit).await?;
    let chosen = match visit.asked("wallet") {
        "" => wallets.first().map(|row| row.id),
        text => text.parse().ok().filter(|id| wallets.iter().any(|row| row.id == *id)),
    };
    // A code that she was shown stays good while the page is loaded again; nobody else's is ever shown.
    let shown = visit.asked("code");
    let code = app.connections.is_shown(shown, owner, now).then(|| shown.to_owned());
    let asking = asking(visit)?;
    let code = match (code, chosen) {
        (Some(code), _) => code,
        // One at a time: first the program that asks now.
        (None, _) if !asking.is_empty() => String::new(),
        (None, Some(wallet)) => {
            let code = app.connections.pair(owner, wallet, now, rand::random()).ok_or(Stop::TooMany)?;
            return Ok(go(&format!("/agents/connect?wallet={wallet}&code={code}")));
        }
        (None, None) => String::new(),
    };
    let server = visit.site.public_url.as_str().trim_end_matches('/');
    let good = !code.is_empty() && code.chars().all(|it| it.is_ascii_alphanumeric() || it == '-');
    let command = good.then(|| format!("tollbridge connect {server} --code {code} --save agent.toml"));
    let names = |row: &WalletRow| {
        let label = app.label(row.id.0)?;
        Ok((row.id.to_string(), Text::of(label.as_deref().unwrap_or(visit.words().wallet))))
    };
    let wallets = wallets.iter().map(names).collect::<Result<_, Stop>>()?;
    Ok(html(StatusCode::OK, &ConnectPage { top, wallets, command, code, asking }))
}

/// The programs that ask to be connected.
pub(crate) fn asking(visit: &Visit) -> Result<Vec<Asking>, Stop> {
    let app = &visit.site.app;
    let w = visit.words();
    let show = |it: Connection| {
        let device = Text::of(&it.device);
        Asking {
            id: it.id.text(),
            said: w.say(w.connect_wants, &device.text),
            odd: device.odd,
            phrase: it.phrase.join(" "),
            fingerprint: fingerprint(&it.public_key),
            fresh: app.new_id().text(),
        }
    };
    Ok(app.connections.waiting_for(visit.owner()?, app.clock.now()).into_iter().map(show).collect())
}

/// Makes a program an agent.
pub async fn connect(visit: &Visit) -> Shown {
    let app = &visit.site.app;
    let it = asked(visit)?;
    let caller = visit.confirmed()?;
    let agent = AgentId(visit.change()?);
    let enrol = EnrolAgent { wallet: it.wallet, limits: Vec::new(), key: it.key, public_key: it.public_key };
    app.execute(&caller, agent.0, Action::EnrolAgent(enrol)).await?;
    app.keep_label(agent.0, Some(&it.device));
    app.connections.settle(it.id, Connecting::Connected(agent), app.clock.now());
    Ok(go(&format!("/agents/{agent}")))
}

/// Sends a program away.
pub async fn refuse(visit: &Visit) -> Shown {
    let it = asked(visit)?;
    visit.site.app.connections.settle(it.id, Connecting::Refused, visit.site.app.clock.now());
    Ok(go("/agents/connect"))
}

fn asked(visit: &Visit) -> Result<Connection, Stop> {
    let app = &visit.site.app;
    let owner = visit.owner()?;
    let id = Id::from_text(visit.field("connection")).ok_or(Stop::Malformed)?;
    let found = app.connections.find(id, app.clock.now());
    found.filter(|it| it.owner == owner && it.status == Connecting::Waiting).ok_or(Stop::Missing)
}

/// One agent.
pub async fn show(visit: &Visit) -> Shown {
    let top = Top::inside(visit, Place::Agents).await?;
    let w = visit.words();
    let Found { row, wallet, keys, mandates } = find(visit).await?;
    let (status, tone) = standing(w, row.status);
    let saying = Saying::of(visit, wallet.asset);
    let now = visit.site.app.clock.now();
    let rules = mandates.iter().filter(|it| it.status != Status::Revoked && now < it.expires_at);
    let rules = rules.map(|it| {
        let until = w.say(w.until_date, crate::shown::moment(it.expires_at, &visit.zone, visit.lang));
        (until, saying.all(&it.limits))
    });
    let page = AgentPage {
        id: row.id.to_string(),
        name: visit.agent_called(row.id)?,
        status,
        tone,
        is_active: row.status == Status::Active,
        is_ended: row.status == Status::Revoked,
        keys: keys
            .iter()
            .filter(|key| key.revoked.is_none())
            .map(|key| fingerprint(&key.public_key))
            .collect(),
        since: w.say(w.since, crate::shown::moment(row.at, &visit.zone, visit.lang)),
        spent: money(row.spent.amount, wallet.asset),
        limits: saying.all(&row.limits),
        rules: rules.collect(),
        fields: LimitFields::of(&row, wallet.asset),
        top,
    };
    Ok(html(StatusCode::OK, &page))
}

/// Replaces an agent's limits.
pub async fn set_limits(visit: &Visit) -> Shown {
    let Found { row, wallet, .. } = find(visit).await?;
    let version = visit.field("version").parse().map_err(|_| Stop::Malformed)?;
    let mut limits = Vec::new();
    let amount = |name: &str| match visit.field(name) {
        "" => Ok(None),
        text => typed(text, wallet.asset).map(Some).ok_or(Stop::Malformed),
    };
    if let Some(max) = amount("per_payment")? {
        limits.push(Limit::PerPayment { max });
    }
    if let Some(max) = amount("per_day")? {
        limits.push(Limit::Window { window: day(visit), max });
    }
    if let Some(amount) = amount("ask_above")? {
        limits.push(Limit::AskAbove { amount });
    }
    if visit.field("ask_first") == "yes" {
        limits.push(Limit::AskFirstContact);
    }
    if visit.field("ask_always") == "yes" {
        limits.push(Limit::AskAlways);
    }
    // What the form does not know was agreed elsewhere, and stays.
    limits.extend(row.limits.iter().filter(|limit| !is_in_form(limit)).cloned());
    let caller = visit.confirmed()?;
    let subject = LimitSubject::Agent(row.id);
    let saying = Saying::of(visit, wallet.asset);
    let document = visit.site.app.keep_text(&saying.all(&limits).join("\n"))?;
    let change = Action::SetLimits(SetLimits { subject, version, limits, document });
    visit.site.app.execute(&caller, visit.change()?, change).await?;
    Ok(go(&format!("/agents/{}", row.id)))
}

/// The reader's calendar day, as a window of limits.
pub(crate) fn day(visit: &Visit) -> Window {
    let zone = visit.here.as_ref().and_then(|here| Zone::new(&here.preferences.zone));
    let utc = || Zone::new("UTC").expect("UTC is a zone");
    Window::Calendar { period: Period::Day, zone: zone.unwrap_or_else(utc) }
}

fn is_in_form(limit: &Limit) -> bool {
    matches!(
        limit,
        Limit::PerPayment { .. }
            | Limit::Window { window: Window::Calendar { period: Period::Day, .. }, .. }
            | Limit::AskAbove { .. }
            | Limit::AskFirstContact
            | Limit::AskAlways
    )
}

impl LimitFields {
    fn of(row: &AgentRow, asset: Asset) -> LimitFields {
        let text = |amount: &book::Amount| {
            let short = money(*amount, asset).short;
            short.chars().filter(|it| it.is_ascii_digit() || *it == '.').collect()
        };
        let mut fields = LimitFields { version: row.version, ..LimitFields::default() };
        for limit in &row.limits {
            if let Limit::PerPayment { max } = limit {
                fields.per_payment = text(max);
            }
            if let Limit::Window { window: Window::Calendar { period: Period::Day, .. }, max } = limit {
                fields.per_day = text(max);
            }
            if let Limit::AskAbove { amount } = limit {
                fields.ask_above = text(amount);
            }
            fields.ask_first |= *limit == Limit::AskFirstContact;
            fields.ask_always |= *limit == Limit::AskAlways;
        }
        fields
    }
}

/// An agent of the owner's, and what its page shows beside it.
struct Found {
    row: AgentRow,
    wallet: WalletRow,
    keys: Vec<KeyRow>,
    mandates: Vec<MandateRow>,
}

async fn find(visit: &Visit) -> Result<Found, Stop> {
    let (owner, id): (_, AgentId) = (visit.owner()?, visit.part(1)?);
    let found = visit.site.app.ask(move |view| {
        let Some(row) = view.agent(id)?.filter(|row| row.owner == owner) else { return Ok(None) };
        let Some(wallet) = view.wallet(row.wallet)? else { return Ok(None) };
        let keys = view.keys_of(KeyHolder::Agent(id), CARDS)?;
        let mandates = view.mandates_of_agent(id, None, CARDS)?.rows;
        Ok(Some(Found { row, wallet, keys, mandates }))
    });
    found.await?.ok_or(Stop::Missing)
}

/// The owner's wallets that are open, oldest first; sub-accounts are not among them.
pub(crate) async fn own_wallets(visit: &Visit) -> Result<Vec<WalletRow>, Stop> {
    let owner = visit.owner()?;
    let rows = visit.site.app.ask(move |view| Ok(view.wallets_of(owner, None, CARDS)?.rows)).await?;
    Ok(rows.into_iter().rev().filter(|row| row.sub.is_none() && row.status != Status::Revoked).collect())
}

/// A key as people compare it: the beginning of its hash.
pub(crate) fn fingerprint(key: &PublicKeyBytes) -> String {
    let Hash(hash) = match key {
        PublicKeyBytes::Ed25519(bytes) => Hash::of(bytes),
        PublicKeyBytes::Es256(bytes) => Hash::of(bytes),
    };
    let pairs: Vec<String> = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    pairs.join(":")
}
