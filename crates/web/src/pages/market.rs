//! The market for those who buy: services that are open, in the order of the API, and how an agent of the owner's buys one.
//!
//! What a seller says of a service is shown as a stranger's words. The figures beside it are those that its place comes from,
//! and are of the ledger.

use crate::limits::ROWS;
use crate::page::{Place, Shown, Stop, Top, html};
use crate::pages::activity::Choice;
use crate::shown::{Money, Text, machine, moment, money, typed};
use crate::visit::Visit;
use crate::words::Market;
use askama::Template;
use book::{Amount, Asset, Code, Id, PayeeId, Provenance};
use engine::views::{AgentRow, PayeeRow};
use http::StatusCode;
use server::convert;
use server::limits::{SERVICE_SKIP_MAX, SERVICE_WORDS_MAX};
use server::market::rank::{Record, record, record_of_owner};
use server::market::store::{Search, Service};
use server::webhooks::Reach;
use url::{Url, form_urlencoded};
use wire::service::{ServiceMethod, ServiceState};

/// The agents among which the owner chooses who is to buy.
const AGENTS: usize = 100;
/// The calls that the sentence about a seller has room for, on one day and in all.
const RULE_CALLS_A_DAY: u128 = 10;
const RULE_CALLS: u128 = 100;

#[derive(Template)]
#[template(path = "market.html")]
struct ListPage {
    top: Top,
    m: &'static Market,
    query: String,
    kind: String,
    most: String,
    assets: Vec<Choice>,
    services: Vec<Line>,
    next: Option<String>,
}

/// One service, as the list shows it.
struct Line {
    id: String,
    name: Text,
    description: Text,
    price: Money,
    seller: Text,
    is_mine: bool,
    host: Text,
    proved: &'static str,
    is_proved: bool,
    record: String,
    /// How many bought; none where nobody has.
    buyers: Option<String>,
}

#[derive(Template)]
#[template(path = "market_service.html")]
struct ServicePage {
    top: Top,
    m: &'static Market,
    service: Line,
    state: &'static str,
    tone: &'static str,
    looked: Option<(String, String)>,
    method: &'static str,
    url: String,
    category: Text,
    vouched: &'static str,
    payee: String,
    own: String,
    takes: Option<String>,
    gives: Option<String>,
    agents: Vec<Choice>,
    command: Option<String>,
    /// The form for rules, with a sentence about this seller in it.
    rule: Option<String>,
    no_agent: Option<&'static str>,
}

/// What the owner looks for.
struct Asked {
    query: String,
    kind: String,
    most: String,
    asset: Option<Asset>,
    skip: u32,
}

impl Asked {
    fn of(visit: &Visit) -> Asked {
        let asset = Code::new(visit.asked("asset")).and_then(|code| visit.site.app.directory.asset(code));
        Asked {
            query: visit.asked("q").to_owned(),
            kind: visit.asked("kind").to_owned(),
            most: visit.asked("most").to_owned(),
            asset,
            skip: visit.asked("after").parse().unwrap_or(0).min(SERVICE_SKIP_MAX),
        }
    }

    /// What is looked for on the market. A highest price is one in a currency.
    fn search(&self, m: &Market) -> Result<Search, Stop> {
        let words: Vec<String> = self.query.split_whitespace().map(str::to_owned).collect();
        if SERVICE_WORDS_MAX < words.len() {
            return Err(Stop::Refused(m.words_many.to_owned()));
        }
        let price_max = match (self.most.as_str(), self.asset) {
            ("", _) => None,
            (text, Some(asset)) => {
                Some(typed(text, asset).ok_or_else(|| Stop::Refused(m.most_odd.to_owned()))?)
            }
            (_, None) => return Err(Stop::Refused(m.most_odd.to_owned())),
        };
        Ok(Search {
            words,
            category: Some(self.kind.clone()).filter(|kind| !kind.is_empty()),
            asset: self.asset.map(convert::asset_text),
            price_max,
        })
    }

    /// The address of the page that goes on after so many.
    fn after(&self, skip: u32) -> String {
        let mut link = form_urlencoded::Serializer::new("/market?".to_owned());
        let asset = self.asset.map(|asset| asset.code);
        let asset = asset.as_ref().map_or("", Code::as_str);
        for (name, value) in
            [("q", &*self.query), ("kind", &self.kind), ("most", &self.most), ("asset", asset)]
        {
            link.append_pair(name, value);
        }
        link.append_pair("after", &skip.to_string()).finish()
    }
}

/// The services that fit, the best first.
pub async fn list(visit: &Visit) -> Shown {
    let top = Top::inside(visit, Place::Market).await?;
    let (m, app, asked) = (visit.lang.market(), &visit.site.app, Asked::of(visit));
    let (search, skip) = (asked.search(m)?, asked.skip);
    let mut found = app.look_at_market(move |store| store.search(&search, skip, ROWS + 1)).await?;
    let is_more = ROWS < found.len();
    found.truncate(ROWS);
    let sellers: Vec<PayeeId> = found.iter().map(|service| service.said.payee).collect();
    let rows = app.ask(move |view| {
        sellers.into_iter().map(|payee| Ok(view.payee(payee)?)).collect::<Result<Vec<Option<PayeeRow>>, _>>()
    });
    let rows = rows.await?;
    let lines = found.iter().zip(&rows).map(|(service, seller)| line(visit, service, seller.as_ref()));
    let shown = u32::try_from(ROWS).unwrap_or_default();
    let next = Some(skip + shown).filter(|next| is_more && *next <= SERVICE_SKIP_MAX);
    let choice = |asset: Asset| Choice {
        value: asset.code.as_str().to_owned(),
        said: asset.code.as_str().to_owned(),
        chosen: asked.asset == Some(asset),
    };
    let page = ListPage {
        top,
        m,
        assets: app.directory.assets().into_iter().map(choice).collect(),
        services: lines.collect::<Result<_, Stop>>()?,
        next: next.map(|next| asked.after(next)),
        query: asked.query,
        kind: asked.kind,
        most: asked.most,
    };
    Ok(html(StatusCode::OK, &page))
}

/// One of them: all that is said and known of it, and how it is bought.
pub async fn show(visit: &Visit) -> Shown {
    let top = Top::inside(visit, Place::Market).await?;
    let (m, app, owner) = (visit.lang.market(), &visit.site.app, visit.owner()?);
    let id: wire::ServiceId = visit.part(1)?;
    let id: Id = convert::id(id.0);
    let mut service = app.look_at_market(move |store| store.service(id)).await?.ok_or(Stop::Missing)?;
    let payee = service.said.payee;
    let asked = app.ask(move |view| {
        let mut agents = Vec::new();
        for agent in view.agents_of_owner(owner, None, AGENTS)?.rows {
            agents.extend(view.wallet(agent.wallet)?.map(|wallet| (agent, wallet.asset)));
        }
        let records = (record(view, payee)?, record_of_owner(view, payee, owner)?);
        Ok((view.payee(payee)?, records, agents))
    });
    let (seller, (of_all, own), agents) = asked.await?;
    // The list has what stood when somebody looked last; beside the reader's own purchases it has to be of now.
    service.found.record = of_all;
    let said = &service.said;
    let asset = asset(visit, &service)?;
    let agents: Vec<AgentRow> =
        agents.into_iter().filter(|(_, of)| *of == asset).map(|(row, _)| row).collect();
    let chosen = visit.asked("agent").parse().ok();
    let chosen = agents.iter().find(|row| Some(row.id) == chosen).or(agents.first());
    let choice = |row: &AgentRow| {
        let is_chosen = chosen.is_some_and(|chosen| chosen.id == row.id);
        Ok(Choice {
            value: row.id.to_string(),
            said: visit.agent_called(row.id)?.in_a_line(),
            chosen: is_chosen,
        })
    };
    let (state, tone) = state(m, service.found.state);
    let provenance = seller.as_ref().map(|row| row.provenance);
    let is_open = service.found.state == ServiceState::Open;
    let address = callable(&said.url, app.market.reach());
    let is_vouched = provenance.is_some_and(Provenance::is_trusted);
    let command = address.as_ref().zip(chosen).filter(|_| is_open);
    let rule = chosen.filter(|_| is_vouched);
    let page = ServicePage {
        m,
        state,
        tone,
        looked: service.found.at.map(|at| (moment(at, &visit.zone, visit.lang), machine(at))),
        method: method(said.method),
        url: address.as_ref().map_or_else(|| Text::of(&said.url).text, |url| url.as_str().to_owned()),
        category: Text::of(&said.category),
        vouched: vouched(visit, provenance),
        payee: payee.to_string(),
        own: own_record(visit, &own),
        takes: said.input.as_deref().map(pretty),
        gives: said.output.as_deref().map(pretty),
        agents: agents.iter().map(choice).collect::<Result<_, Stop>>()?,
        command: command.map(|(url, agent)| command_of(visit, &service, asset, url, agent)),
        rule: rule.map(|agent| rule_for(visit, &service, asset, agent)).transpose()?,
        no_agent: agents.is_empty().then_some(m.no_agent),
        service: line(visit, &service, seller.as_ref())?,
        top,
    };
    Ok(html(StatusCode::OK, &page))
}

fn line(visit: &Visit, service: &Service, seller: Option<&PayeeRow>) -> Result<Line, Stop> {
    let (w, m, owner) = (visit.words(), visit.lang.market(), visit.owner()?);
    let (said, found) = (&service.said, &service.found);
    let host = Url::parse(&said.url).ok().and_then(|url| url.host_str().map(str::to_owned));
    Ok(Line {
        id: wire::ServiceId(convert::bits(said.id)).to_string(),
        name: Text::of(&said.name),
        description: Text::told(&said.description),
        price: money(said.price, asset(visit, service)?),
        seller: visit.seller_called(said.payee)?,
        is_mine: seller.is_some_and(|row| row.owner == Some(owner)),
        host: Text::of(&host.unwrap_or_default()),
        proved: if found.proved { m.proved } else { m.unproved },
        is_proved: found.proved,
        record: delivered(visit, &found.record),
        buyers: match found.record.buyers {
            0 => None,
            1 => Some(w.say(m.buyer, 1)),
            many => Some(w.say(m.buyers, many)),
        },
    })
}

/// How many of the purchases that are over were delivered.
fn delivered(visit: &Visit, record: &Record) -> String {
    let (w, m) = (visit.words(), visit.lang.market());
    if record.purchases == 0 {
        return m.nobody_bought.to_owned();
    }
    let part = record.delivered * 100 / record.purchases;
    format!("{} ({part} %)", w.say_two(m.delivered, record.delivered, record.purchases))
}

/// Which of them are the reader's own.
fn own_record(visit: &Visit, own: &Record) -> String {
    let (w, m) = (visit.words(), visit.lang.market());
    if own.purchases == 0 { m.own_none.to_owned() } else { w.say_two(m.own, own.delivered, own.purchases) }
}

fn asset(visit: &Visit, service: &Service) -> Result<Asset, Stop> {
    visit.asset(Code::new(service.said.asset.code()).ok_or(Stop::Missing)?)
}

fn state(m: &Market, state: ServiceState) -> (&'static str, &'static str) {
    match state {
        ServiceState::Open => (m.open, "good"),
        ServiceState::Unchecked => (m.unchecked, "soft"),
        ServiceState::PriceDiffers => (m.price_differs, "deny"),
        ServiceState::NotSold => (m.not_sold, "deny"),
        ServiceState::Unreachable => (m.unreachable, "deny"),
        ServiceState::Withdrawn => (m.withdrawn, "deny"),
    }
}

fn vouched(visit: &Visit, provenance: Option<Provenance>) -> &'static str {
    let w = visit.words();
    match provenance {
        Some(Provenance::Registry) => w.vouched_registry,
        Some(Provenance::Merchant) => w.vouched_merchant,
        Some(Provenance::Owner) => visit.lang.selling().vouched_buyer,
        Some(Provenance::Agent) => w.vouched_agent,
        Some(Provenance::Untrusted) | None => w.vouched_untrusted,
    }
}

fn method(method: ServiceMethod) -> &'static str {
    match method {
        ServiceMethod::Get => "GET",
        ServiceMethod::Post => "POST",
    }
}

/// The address as programs read it: nothing in it but what ASCII shows.
fn callable(text: &str, reach: Reach) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let fits = match reach {
        Reach::Public => url.scheme() == "https",
        Reach::Anywhere => matches!(url.scheme(), "https" | "http"),
    };
    (fits && url.host_str().is_some()).then_some(url)
}

/// What an agent's own shell runs to buy it once.
fn command_of(visit: &Visit, service: &Service, asset: Asset, url: &Url, agent: &AgentRow) -> String {
    let server = visit.server_of_programs();
    let price = convert::money(service.said.price, asset).decimal();
    let body = match service.said.method {
        ServiceMethod::Get => "",
        ServiceMethod::Post => " --method POST --body '{}'",
    };
    let (url, wallet) = (quoted(url), agent.wallet);
    format!(
        "tollbridge pay {url}{body} --purchase first --max-price {price} --server {server} --key agent.toml --wallet {wallet}"
    )
}

/// An address as one word of a shell, whatever a stranger has put into it.
fn quoted(url: &Url) -> String {
    let text = url.as_str();
    let plain = |it: u8| it.is_ascii_alphanumeric() || b":/.-_%".contains(&it);
    if text.bytes().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', "%27")) }
}

/// The form for rules, with a sentence that allows this seller and no other: the owner reads and changes it before it counts.
fn rule_for(visit: &Visit, service: &Service, asset: Asset, agent: &AgentRow) -> Result<String, Stop> {
    let (w, m) = (visit.words(), visit.lang.market());
    let name = visit.site.app.label(service.said.payee.0)?.unwrap_or_default();
    let is_quotable = !name.trim().is_empty()
        && !Text::of(&name).odd
        && !name.contains(['"', '“', '”', '「', '」', '『', '』', '《', '》']);
    let name = if is_quotable { name } else { service.said.payee.to_string() };
    let written =
        |amount: Amount| format!("{} {}", convert::money(amount, asset).decimal(), asset.code.as_str());
    let calls = |count| {
        let price = service.said.price;
        written(Amount::new(price.minor().saturating_mul(count)).unwrap_or(price))
    };
    let limits = w.say_two(m.rule_day_and_total, calls(RULE_CALLS_A_DAY), calls(RULE_CALLS));
    let sentence = format!("{}{}{limits}", w.say(m.rule_only, name), w.say(m.rule_each, calls(1)));
    let mut link = form_urlencoded::Serializer::new("/rules?".to_owned());
    Ok(link.append_pair("agent", &agent.id.to_string()).append_pair("sentence", &sentence).finish())
}

/// A schema as people read it.
fn pretty(text: &str) -> String {
    let value: Option<serde_json::Value> = serde_json::from_str(text).ok();
    let lines = value.and_then(|value| serde_json::to_string_pretty(&value).ok());
    Text::told(&lines.unwrap_or_else(|| text.to_owned())).text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_word_of_a_shell() {
        for (text, word) in [
            ("https://tides.example/today", "https://tides.example/today"),
            ("https://tides.example/?a=1&b=2", "'https://tides.example/?a=1&b=2'"),
            ("https://tides.example/$(reboot)", "'https://tides.example/$(reboot)'"),
            ("https://tides.example/'; reboot; '", "'https://tides.example/%27;%20reboot;%20%27'"),
            ("https://tides.example/`reboot`", "https://tides.example/%60reboot%60"),
        ] {
            let url = callable(text, Reach::Public).unwrap();
            assert_eq!(quoted(&url), word);
            assert!(url.as_str().is_ascii());
        }
        for text in ["http://tides.example/", "ftp://tides.example/", "javascript:alert(1)", "tides", ""] {
            assert_eq!(callable(text, Reach::Public), None, "{text}");
        }
    }

    #[test]
    fn a_schema_has_no_hidden_letters() {
        assert_eq!(pretty("{\"a\":\"x\u{202e}y\"}"), "{\n  \"a\": \"x⟨U+202E⟩y\"\n}");
    }
}
