//! Prepaid quotas: what is left of what was paid for, who may use it, what was used, and dividing it.
//!
//! At every quota, what came in is what was used, what was given on and what is left. So over a quota and all below it, what
//! came in is what was used and what is left of all of them together, and the report says so.

pub mod report;

use crate::limits::{QUOTA_LINES_MAX, QUOTAS_SHOWN_MAX, ROWS};
use crate::page::{Place, Shown, Stop, Top, go, html};
use crate::pages::activity::Choice;
use crate::shown::{Money, Text, machine, moment, money, typed};
use crate::visit::Visit;
use crate::words::Quotas;
use askama::Template;
use book::{Action, AgentId, Allot, Amount, Asset, QuotaId, QuotaUnit, Reclaim, Seq, Time, WalletId};
use engine::View;
use engine::views::{DeductionRow, QuotaRow, QuotaSums};
use http::StatusCode;
use server::codes::Edge;
use server::problem::Problem;
use wire::limits::LABEL_CHARS_MAX;

/// The wallets whose quotas are listed.
const WALLETS: usize = 100;
/// The agents among which the owner chooses for whom a part is.
const AGENTS: usize = 100;

#[derive(Template)]
#[template(path = "quotas.html")]
struct ListPage {
    top: Top,
    q: &'static Quotas,
    quotas: Vec<Card>,
    is_cut: bool,
}

/// A quota that a seller granted.
struct Card {
    id: String,
    seller: Text,
    what: Text,
    wallet: Text,
    left: Money,
    used: Money,
    granted: Money,
    until: String,
    machine: String,
    is_over: bool,
}

#[derive(Template)]
#[template(path = "quota.html")]
struct QuotaPage {
    top: Top,
    q: &'static Quotas,
    card: Card,
    name: Text,
    /// What it was given from.
    above: Option<(String, Text)>,
    may_use: Vec<Text>,
    lines: Vec<Line>,
    is_cut: bool,
    sum: String,
    own: Parts,
    uses: Vec<Use>,
    older: Option<String>,
    agents: Vec<Choice>,
    unit: String,
    give: Option<String>,
    more: Option<(String, String)>,
    back: Option<String>,
    label_chars: usize,
}

/// What became of what came in to one quota.
pub(crate) struct Parts {
    pub(crate) granted: Money,
    pub(crate) used: Money,
    pub(crate) allotted: Money,
    pub(crate) left: Money,
}

/// One quota of the report.
struct Line {
    id: String,
    name: Text,
    agent: Option<Text>,
    /// How far below the first, for its looks.
    depth: usize,
    parts: Parts,
}

/// One use.
pub(crate) struct Use {
    pub(crate) id: String,
    /// A name for giving some of it back.
    pub(crate) fresh: String,
    pub(crate) entry: u64,
    pub(crate) units: Money,
    /// What of it was given back, in words.
    pub(crate) restored: Option<String>,
    /// What of it can still be given back.
    pub(crate) kept: Option<Money>,
    pub(crate) when: String,
    pub(crate) machine: String,
}

impl Parts {
    pub(crate) fn of(row: &QuotaRow, asset: Asset) -> Parts {
        let say = |units: u64| counted(units.into(), row.unit, asset);
        Parts {
            granted: say(row.granted),
            used: say(row.used),
            allotted: say(row.allotted),
            left: say(row.left()),
        }
    }
}

/// What the owner has paid for before, newest first, those that are over behind the others.
pub async fn list(visit: &Visit) -> Shown {
    let top = Top::inside(visit, Place::Money).await?;
    let (owner, now) = (visit.owner()?, visit.site.app.clock.now());
    let asked = visit.site.app.ask(move |view| {
        let mut rows = Vec::new();
        let mut is_cut = false;
        for wallet in view.wallets_of(owner, None, WALLETS)?.rows {
            let page = view.quotas_of_wallet(wallet.id, None, QUOTA_LINES_MAX)?;
            is_cut |= page.next.is_some();
            for row in page.rows.into_iter().filter(|row| row.parent.is_none()) {
                rows.push((row, view.quota_sums(row.id)?));
            }
        }
        rows.sort_by_key(|(row, _)| (row.expires_at <= now, std::cmp::Reverse(row.seq)));
        is_cut |= QUOTAS_SHOWN_MAX < rows.len();
        rows.truncate(QUOTAS_SHOWN_MAX);
        with_assets(view, rows).map(|rows| (rows, is_cut))
    });
    let (rows, is_cut) = asked.await?;
    let quotas = rows.iter().map(|(row, sums, asset)| card(visit, row, *sums, *asset));
    let quotas = quotas.collect::<Result<_, Stop>>()?;
    Ok(html(StatusCode::OK, &ListPage { top, q: visit.lang.quotas(), quotas, is_cut }))
}

/// One of them, or a part of one: how it was divided, what was used, and dividing it further.
pub async fn show(visit: &Visit) -> Shown {
    let top = Top::inside(visit, Place::Money).await?;
    let (w, q, app) = (visit.words(), visit.lang.quotas(), &visit.site.app);
    let (owner, now) = (visit.owner()?, app.clock.now());
    let row = own(visit).await?;
    let before = visit.asked("before").parse::<u64>().ok().map(Seq);
    let asked = app.ask(move |view| {
        let (tree, is_cut) = tree(view, row)?;
        let uses = uses_of(view, row.id, before)?;
        let agents = view.agents_of_owner(owner, None, AGENTS)?.rows;
        let above = row.parent.map(|above| view.quota(above)).transpose()?.flatten();
        let seller = view.payee(row.payee)?.ok_or(Problem::from(Edge::Internal))?;
        Ok((view.quota_sums(row.id)?, seller.asset, tree, is_cut, uses, agents, above))
    });
    let (sums, asset, tree, is_cut, (told, next), agents, above) = asked.await?;
    let say = |units: u64| counted(units.into(), row.unit, asset);
    let card = card(visit, &row, sums, asset)?;
    let lines = tree.iter().map(|(depth, it)| {
        Ok(Line {
            id: it.id.to_string(),
            name: called(visit, it)?,
            agent: it.agent.map(|agent| visit.agent_called(agent)).transpose()?,
            depth: *depth,
            parts: Parts::of(it, asset),
        })
    });
    let uses = told.iter().map(|(it, at)| used(visit, it, *at, (row.unit, asset)));
    let of_wallet: Vec<AgentId> =
        agents.iter().filter(|it| it.wallet == row.wallet).map(|it| it.id).collect();
    let choice = |agent: &AgentId| {
        Ok(Choice { value: agent.to_string(), said: visit.agent_called(*agent)?.in_a_line(), chosen: false })
    };
    let may_use = match row.agent {
        Some(agent) => vec![visit.agent_called(agent)?],
        None => of_wallet.iter().map(|agent| visit.agent_called(*agent)).collect::<Result<_, Stop>>()?,
    };
    let fresh = || app.new_id().text();
    let counts = now < row.expires_at;
    let left_above = above.filter(|above| counts && above.left() != 0);
    let page = QuotaPage {
        top,
        q,
        name: called(visit, &row)?,
        above: above
            .map(|above| Ok::<_, Stop>((above.id.to_string(), called(visit, &above)?)))
            .transpose()?,
        may_use,
        lines: lines.collect::<Result<_, Stop>>()?,
        is_cut,
        sum: format!(
            "{} = {} + {}",
            say(row.granted).short,
            w.say(q.sum_used, say(sums.used).short),
            w.say(q.sum_left, say(sums.left).short)
        ),
        own: Parts::of(&row, asset),
        uses: uses.collect(),
        older: next.map(|next| format!("/quotas/{}?before={}", row.id, next.0)),
        agents: of_wallet.iter().map(choice).collect::<Result<_, Stop>>()?,
        unit: unit(visit, row.unit, asset),
        give: (counts && row.left() != 0).then(fresh),
        more: left_above.map(|above| (above.id.to_string(), fresh())),
        back: (row.parent.is_some() && row.left() != 0).then(fresh),
        label_chars: LABEL_CHARS_MAX,
        card,
    };
    Ok(html(StatusCode::OK, &page))
}

/// Gives a part of one to a department or an agent: to a new part, or to one that is there.
pub async fn allot(visit: &Visit) -> Shown {
    let row = own(visit).await?;
    let units = units(visit, &row).await?;
    let into = some(visit, "into").map(|text| text.parse::<QuotaId>()).transpose();
    let agent = some(visit, "agent").map(|text| text.parse::<AgentId>()).transpose();
    let (Ok(into), Ok(agent)) = (into, agent) else { return Err(Stop::Malformed) };
    let label = some(visit, "label");
    let is_odd = |label: &str| LABEL_CHARS_MAX < label.chars().count() || Text::of(label).odd;
    if label.is_some_and(is_odd) {
        return Err(Stop::Refused(visit.lang.quotas().label_odd.to_owned()));
    }
    let (caller, name) = (visit.caller()?, visit.change()?);
    let action = Action::Allot(Allot { from: row.id, into, agent, units });
    visit.site.app.execute(&caller, name, action).await?;
    if into.is_none() {
        visit.site.app.keep_label(name, label);
    }
    Ok(go(&format!("/quotas/{}", into.unwrap_or(row.id))))
}

/// Takes what is left of a part back to where it came from, or some of that.
pub async fn reclaim(visit: &Visit) -> Shown {
    let row = own(visit).await?;
    let units = units(visit, &row).await?;
    let action = Action::Reclaim(Reclaim { quota: row.id, units });
    visit.site.app.execute(&visit.caller()?, visit.change()?, action).await?;
    Ok(go(&format!("/quotas/{}", row.id)))
}

/// The quota whose page this is, if its wallet is the reader's.
async fn own(visit: &Visit) -> Result<QuotaRow, Stop> {
    let (owner, quota): (_, QuotaId) = (visit.owner()?, visit.part(1)?);
    let asked = visit.site.app.ask(move |view| {
        let Some(row) = view.quota(quota)? else { return Ok(None) };
        Ok(view.wallet(row.wallet)?.filter(|wallet| wallet.owner == owner).map(|_| row))
    });
    asked.await?.ok_or(Stop::Missing)
}

/// A quota and all below it, each before what is below it: up to a most of them, and whether there are more.
fn tree(view: &View, root: QuotaRow) -> Result<(Vec<(usize, QuotaRow)>, bool), Problem> {
    let (mut found, mut waiting, mut is_cut) = (Vec::new(), vec![(0, root)], false);
    while let Some((depth, row)) = waiting.pop() {
        found.push((depth, row));
        let room = QUOTA_LINES_MAX.saturating_sub(found.len() + waiting.len());
        let below = view.quotas_below(row.id, None, room)?;
        is_cut |= below.next.is_some();
        // The newest come first, and the last that waits is the next.
        waiting.extend(below.rows.into_iter().map(|it| (depth + 1, it)));
    }
    Ok((found, is_cut))
}

/// What each is counted in where it is money.
fn with_assets(
    view: &View,
    rows: Vec<(QuotaRow, QuotaSums)>,
) -> Result<Vec<(QuotaRow, QuotaSums, Asset)>, Problem> {
    let with = |(row, sums): (QuotaRow, QuotaSums)| {
        let payee = view.payee(row.payee)?.ok_or(Problem::from(Edge::Internal))?;
        Ok((row, sums, payee.asset))
    };
    rows.into_iter().map(with).collect()
}

fn card(visit: &Visit, row: &QuotaRow, sums: QuotaSums, asset: Asset) -> Result<Card, Stop> {
    let say = |units: u64| counted(units.into(), row.unit, asset);
    let (w, q) = (visit.words(), visit.lang.quotas());
    let is_over = row.expires_at <= visit.site.app.clock.now();
    let shown = moment(row.expires_at, &visit.zone, visit.lang);
    Ok(Card {
        id: row.id.to_string(),
        seller: visit.seller_called(row.payee)?,
        what: document(visit, row)?,
        wallet: wallet_called(visit, row.wallet)?,
        left: say(sums.left),
        used: say(sums.used),
        granted: say(row.granted),
        until: w.say(if is_over { q.over_since } else { q.until }, shown),
        machine: machine(row.expires_at),
        is_over,
    })
}

/// A use of a quota, and when it was.
type Deducted = (DeductionRow, Time);

/// One use of a quota, as lists show it.
pub(crate) fn used(visit: &Visit, it: &DeductionRow, at: Time, (unit, asset): (QuotaUnit, Asset)) -> Use {
    let say = |units: u64| counted(units.into(), unit, asset);
    let some = |units: u64| Some(units).filter(|units| *units != 0).map(say);
    let (w, q) = (visit.words(), visit.lang.quotas());
    Use {
        id: book::RequestId(it.id).to_string(),
        fresh: visit.site.app.new_id().text(),
        entry: it.seq.0,
        units: say(it.units),
        restored: some(it.restored).map(|restored| w.say(q.restored, restored.short)),
        kept: some(it.units.saturating_sub(it.restored)),
        when: moment(at, &visit.zone, visit.lang),
        machine: machine(at),
    }
}

/// The newest uses of a quota that are before a place, each with when it was, and where to go on.
pub(crate) fn uses_of(
    view: &View,
    quota: QuotaId,
    before: Option<Seq>,
) -> Result<(Vec<Deducted>, Option<Seq>), Problem> {
    let page = view.deductions_of(quota, before, ROWS)?;
    let mut uses = Vec::with_capacity(page.rows.len());
    for it in page.rows {
        let at = view.decision(it.seq)?.map_or(Time(0), |decision| decision.at);
        uses.push((it, at));
    }
    Ok((uses, page.next))
}

/// What one unit is good for, as its seller said.
pub(crate) fn document(visit: &Visit, row: &QuotaRow) -> Result<Text, Stop> {
    let said = visit.site.app.text(row.document)?;
    Ok(said.map_or_else(|| Text { text: String::new(), odd: false }, |said| Text::told(&said)))
}

fn wallet_called(visit: &Visit, wallet: WalletId) -> Result<Text, Stop> {
    let label = visit.site.app.label(wallet.0)?;
    Ok(Text::of(label.as_deref().unwrap_or(visit.words().wallet)))
}

/// What a quota is called: a part by the name its owner gave it or by its agent, what was bought by its seller.
fn called(visit: &Visit, row: &QuotaRow) -> Result<Text, Stop> {
    match (row.parent, row.agent) {
        (None, _) => visit.seller_called(row.payee),
        (Some(_), Some(agent)) if visit.site.app.label(row.id.0)?.is_none() => visit.agent_called(agent),
        (Some(_), Some(_) | None) => visit.called(row.id.0, visit.lang.quotas().part),
    }
}

/// Units as people write them: uses as a number, money to as many decimals as it has.
pub(crate) fn counted(units: u128, unit: QuotaUnit, asset: Asset) -> Money {
    match unit {
        QuotaUnit::Count => {
            let whole = Asset { scale: 0, ..asset };
            let grouped = money(Amount::new(units).unwrap_or(Amount::ZERO), whole).short;
            let plain = |it: &char| it.is_ascii_digit() || *it == ',';
            Money { short: grouped.chars().filter(plain).collect(), exact: units.to_string() }
        }
        QuotaUnit::Nanos => {
            let (minor, rest) = (units / NANOS, units % NANOS);
            let Money { short, .. } = money(Amount::new(minor).unwrap_or(Amount::ZERO), asset);
            let finer = format!("{rest:09}");
            let finer = finer.trim_end_matches('0');
            let end = short.rfind(|it: char| it.is_ascii_digit()).map_or(short.len(), |place| place + 1);
            let (digits, code) = short.split_at(end);
            let point = if finer.is_empty() || digits.contains('.') { "" } else { "." };
            let exact = format!("{units}/{NANOS} {}/{}", asset.code.as_str(), asset.scale);
            Money { short: format!("{digits}{point}{finer}{code}"), exact }
        }
    }
}

/// The billionths of a smallest unit.
const NANOS: u128 = 1_000_000_000;

/// What is typed in a field for units, in words.
pub(crate) fn unit(visit: &Visit, unit: QuotaUnit, asset: Asset) -> String {
    match unit {
        QuotaUnit::Count => visit.lang.quotas().uses_unit.to_owned(),
        QuotaUnit::Nanos => asset.code.as_str().to_owned(),
    }
}

/// Units that somebody typed: uses as a number, money in whole units of its currency.
pub(crate) fn typed_units(text: &str, unit: QuotaUnit, asset: Asset) -> Option<u64> {
    let scale = match unit {
        QuotaUnit::Count => 0,
        QuotaUnit::Nanos => asset.scale.checked_add(9)?,
    };
    let units = typed(text, Asset { scale, ..asset })?;
    u64::try_from(units.minor()).ok().filter(|units| *units != 0)
}

async fn units(visit: &Visit, row: &QuotaRow) -> Result<u64, Stop> {
    let payee = row.payee;
    let asked = visit.site.app.ask(move |view| Ok(view.payee(payee)?)).await?.ok_or(Stop::Missing)?;
    typed_units(visit.field("units"), row.unit, asked.asset)
        .ok_or_else(|| Stop::Refused(visit.lang.quotas().units_odd.to_owned()))
}

fn some<'a>(visit: &'a Visit, name: &str) -> Option<&'a str> {
    Some(visit.field(name)).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use book::Code;

    fn asset(code: &str, scale: u8) -> Asset {
        Asset::new(Code::new(code).unwrap(), scale).unwrap()
    }

    #[test]
    fn units_are_written_and_read() {
        let (cny, usdc) = (asset("CNY", 2), asset("USDC", 6));
        let yen = asset("JPY", 0);
        for (units, unit, of, written) in [
            (1_234_567, QuotaUnit::Count, cny, "1,234,567"),
            (1, QuotaUnit::Count, usdc, "1"),
            (100_000_000_000, QuotaUnit::Nanos, cny, "¥1.00"),
            (1, QuotaUnit::Nanos, cny, "¥0.00000000001"),
            (123_450_000_000, QuotaUnit::Nanos, cny, "¥1.2345"),
            (1_500_000_000, QuotaUnit::Nanos, yen, "1.5 JPY"),
            (2_000_000_000, QuotaUnit::Nanos, yen, "2 JPY"),
            (7_000_000_001, QuotaUnit::Nanos, usdc, "0.000007000000001 USDC"),
        ] {
            let shown = counted(units, unit, of).short;
            assert_eq!(shown, written);
            let typed = shown.trim_end_matches(|it: char| it.is_ascii_alphabetic() || it == ' ');
            assert_eq!(typed_units(typed, unit, of).map(u128::from), Some(units), "{typed}");
        }
        for text in ["", "0", "-1", "1.5", "ten", "99999999999999999999"] {
            assert_eq!(typed_units(text, QuotaUnit::Count, cny), None, "{text}");
        }
        assert_eq!(typed_units("0.000000000001", QuotaUnit::Nanos, cny), None, "finer than a billionth");
    }
}
