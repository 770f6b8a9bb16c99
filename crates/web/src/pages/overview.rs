//! The overview: what there is, what is left today for each agent, what waits, and what happened last.

use crate::page::{Place, Shown, Stop, Top, html, whom};
use crate::pages::line::{Line, is_part, lines};
use crate::pages::money::{Held, held};
use crate::shown::{Money, Text, money};
use crate::visit::Visit;
use crate::words::Words;
use askama::Template;
use book::freeze::Status;
use book::{Amount, Limit, Period, Time, Window};
use engine::views::{AgentRow, MandateRow, View, ViewsFault, Whom};
use http::StatusCode;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The agents and wallets that one page shows.
pub(crate) const CARDS: usize = 100;
/// The lines of the overview.
const LATEST: usize = 6;
/// The decisions that are looked through for them: a purchase is several.
const LATEST_LOOKED_AT: usize = 30;

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    top: Top,
    wallets: Vec<WalletCard>,
    agents: Vec<AgentCard>,
    lines: Vec<Line>,
    waiting: String,
    /// What is still held while everything is frozen: the owner decides over each.
    held: Vec<Held>,
}

struct WalletCard {
    name: Text,
    available: Money,
    held: Money,
    holds: bool,
}

/// An agent as lists show it.
pub(crate) struct AgentCard {
    pub(crate) id: String,
    pub(crate) name: Text,
    pub(crate) status: &'static str,
    pub(crate) tone: &'static str,
    pub(crate) left: String,
    pub(crate) spent: Money,
}

/// Shows it.
pub async fn show(visit: &Visit) -> Shown {
    let top = Top::inside(visit, Place::Overview).await?;
    let (owner, of) = (visit.owner()?, whom(visit)?);
    let frozen = top.frozen;
    let asked = visit.site.app.ask(move |view| {
        let wallets = view.wallets_of(owner, None, CARDS)?.rows;
        let mut open = Vec::new();
        for row in wallets.iter().filter(|_| frozen) {
            open.extend(view.open_holds(row.id, None, CARDS)?.rows);
        }
        Ok((wallets, view.decisions(of, None, LATEST_LOOKED_AT)?.rows, open))
    });
    let (wallets, latest, open) = asked.await?;
    let held = held(visit, &open)?;
    let mut cards = Vec::new();
    for row in wallets.iter().rev().filter(|row| row.sub.is_none() && row.status != Status::Revoked) {
        let label = visit.site.app.label(row.id.0)?;
        cards.push(WalletCard {
            name: Text::of(label.as_deref().unwrap_or(visit.words().wallet)),
            available: money(row.balance.available(), row.asset),
            held: money(row.balance.held, row.asset),
            holds: !row.balance.held.is_zero(),
        });
    }
    let agents = agent_cards(visit).await?;
    let latest = latest.into_iter().filter(|row| !is_part(row.kind)).take(LATEST).collect();
    let lines = lines(visit, latest).await?;
    let waiting = top.w.say(top.w.waits, top.waiting);
    Ok(html(StatusCode::OK, &OverviewPage { top, wallets: cards, agents, lines, waiting, held }))
}

/// Every agent of the owner's, newest first.
pub(crate) async fn agent_cards(visit: &Visit) -> Result<Vec<AgentCard>, Stop> {
    let owner = visit.owner()?;
    let app = &visit.site.app;
    let (now, today) = (app.clock.now(), midnight(app.clock.now(), &visit.zone));
    let found = app
        .ask(move |view| {
            let agents = view.agents_of_owner(owner, None, CARDS)?.rows;
            let mandates = view.mandates_of_owner(owner, None, CARDS.saturating_mul(3))?.rows;
            let mut rows = Vec::new();
            for agent in agents {
                let asset = view.wallet(agent.wallet)?.map(|row| row.asset);
                let spent = view.spent_since(Whom::Agent(agent.id), today)?.map(|spent| spent.amount);
                let mine: Vec<&MandateRow> =
                    mandates.iter().filter(|row| row.agent == agent.id && is_live(row, now)).collect();
                let left = left_today(view, &agent, &mine, today, spent)?;
                let asks = agent.limits.is_empty() && mine.is_empty();
                rows.push((agent, asset, spent.unwrap_or(Amount::ZERO), left, asks));
            }
            Ok(rows)
        })
        .await?;
    let w = visit.words();
    let mut cards = Vec::new();
    for (agent, asset, spent, left, asks) in found {
        let Some(asset) = asset else { continue };
        let (status, tone) = standing(w, agent.status);
        let left = match left {
            Some(left) => format!("{} {}", money(left, asset).short, w.left_today),
            None if asks => w.asks_every_time.to_owned(),
            None => w.no_limit_today.to_owned(),
        };
        cards.push(AgentCard {
            id: agent.id.to_string(),
            name: visit.agent_called(agent.id)?,
            status,
            tone,
            left,
            spent: money(spent, asset),
        });
    }
    Ok(cards)
}

/// How an agent or a rule stands, in a word and its colour.
pub(crate) fn standing(w: &Words, status: Status) -> (&'static str, &'static str) {
    match status {
        Status::Active => (w.active, "good"),
        Status::Frozen => (w.paused, "ask"),
        Status::Revoked => (w.ended, "soft"),
    }
}

/// Whether a mandate allows anything now.
pub(crate) fn is_live(row: &MandateRow, now: Time) -> bool {
    row.status == Status::Active && row.valid_from <= now && now < row.expires_at
}

/// What an agent may still spend today: the least that its own daily limits, or the most that its rules' leave.
fn left_today(
    view: &View,
    agent: &AgentRow,
    mandates: &[&MandateRow],
    today: Time,
    spent: Option<Amount>,
) -> Result<Option<Amount>, ViewsFault> {
    let own = daily(&agent.limits).zip(spent).map(|(max, spent)| max.saturating_sub(spent));
    let mut most = None;
    for row in mandates {
        // What was spent is added up purchase by purchase: only where a limit asks for it.
        let Some(max) = daily(&row.limits) else { return Ok(own) };
        let Some(spent) = view.spent_since(Whom::Mandate(row.id), today)? else { return Ok(own) };
        most = most.max(Some(max.saturating_sub(spent.amount)));
    }
    Ok(match (own, most) {
        (Some(own), Some(most)) => Some(own.min(most)),
        (own, most) => own.or(most),
    })
}

/// The least that limits allow in a day.
fn daily(limits: &[Limit]) -> Option<Amount> {
    let daily = limits.iter().filter_map(|limit| {
        let Limit::Window { window: Window::Calendar { period: Period::Day, .. }, max } = limit else {
            return None;
        };
        Some(*max)
    });
    daily.min()
}

/// When the reader's day began.
pub(crate) fn midnight(now: Time, zone: &TimeZone) -> Time {
    let at = Timestamp::from_nanosecond(i128::from(now.0)).ok();
    let start = at.and_then(|at| at.to_zoned(zone.clone()).start_of_day().ok());
    let nanos = start.and_then(|start| u64::try_from(start.timestamp().as_nanosecond()).ok());
    nanos.map_or(now, Time)
}
