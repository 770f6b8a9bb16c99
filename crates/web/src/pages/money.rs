//! Money: wallets, sub-accounts, what is held, topping up, and where it went.

use crate::chart::{Bars, Share};
use crate::limits::TOP_UP_MAX;
use crate::page::{Place, Shown, Stop, Top, go, html};
use crate::pages::activity::{Choice, agent_choices};
use crate::pages::entrance::id_field;
use crate::pages::overview::{CARDS, midnight};
use crate::shown::{Money, Text, machine, moment, money, typed};
use crate::visit::{Visit, form_hash};
use crate::words::{Lang, Quotas};
use askama::Template;
use book::freeze::Status;
use book::{
    Account, Action, AgentId, Amount, CloseWallet, OpenSubAccount, PayeeId, Time, Transfer, WalletId,
};
use engine::views::{PurchaseRow, WalletRow, Whom};
use http::StatusCode;
use server::codes::Edge;
use server::problem::Problem;
use std::collections::BTreeMap;

/// The days that charts show.
pub(crate) const DAYS: u64 = 30;
/// The payments that charts add up.
const CHART_ROWS: usize = 10_000;

#[derive(Template)]
#[template(path = "money.html")]
struct MoneyPage {
    top: Top,
    quotas: &'static Quotas,
    wallets: Vec<Card>,
    agents: Vec<Choice>,
    top_up: String,
    held: Vec<Held>,
    days: Bars,
    by_agent: Vec<Share>,
    by_seller: Vec<Share>,
    fresh: [String; 4],
}

/// A wallet, with its sub-accounts.
struct Card {
    id: String,
    name: Text,
    available: Money,
    held: Option<Money>,
    status: &'static str,
    subs: Vec<Sub>,
}

struct Sub {
    id: String,
    agent: Text,
    available: Money,
    status: &'static str,
    is_open: bool,
    fresh: [String; 3],
}

/// Money that is set aside.
pub(crate) struct Held {
    pub(crate) entry: u64,
    pub(crate) seller: Text,
    pub(crate) amount: Money,
    pub(crate) ends: String,
    pub(crate) machine: String,
}

/// Holds as lists show them.
pub(crate) fn held(visit: &Visit, open: &[PurchaseRow]) -> Result<Vec<Held>, Stop> {
    let show = |row: &PurchaseRow| {
        let seller = row.purchase.to.each().next().map(|payee| visit.seller_called(payee)).transpose()?;
        let ends_at = row.expires_at.unwrap_or(row.at);
        let w = visit.words();
        Ok(Held {
            entry: row.seq.0,
            seller: seller.unwrap_or(Text { text: String::new(), odd: false }),
            amount: visit.money(row.held(), row.purchase.asset)?,
            ends: w.say(w.ends_at, moment(ends_at, &visit.zone, visit.lang)),
            machine: machine(ends_at),
        })
    };
    open.iter().map(show).collect()
}

/// The page.
pub async fn show(visit: &Visit) -> Shown {
    let top = Top::inside(visit, Place::Money).await?;
    let w = visit.words();
    let owner = visit.owner()?;
    let now = visit.site.app.clock.now();
    let since = Time(midnight(now, &visit.zone).0.saturating_sub(Time::from_seconds((DAYS - 1) * 86_400).0));
    let asked = visit.site.app.ask(move |view| {
        let wallets = view.wallets_of(owner, None, CARDS.saturating_mul(2))?.rows;
        let mut held = Vec::new();
        for row in &wallets {
            held.extend(view.open_holds(row.id, None, CARDS)?.rows);
        }
        let mut bought: Vec<PurchaseRow> = Vec::new();
        for form in [true, false] {
            let mut cursor = None;
            loop {
                let of = Whom::Owner(owner);
                let page =
                    if form { view.payments(of, cursor, 1_000)? } else { view.holds(of, cursor, 1_000)? };
                let over = page.rows.last().is_none_or(|row| row.at < since);
                bought.extend(page.rows.into_iter().filter(|row| since <= row.at));
                cursor = page.next;
                if over || cursor.is_none() || CHART_ROWS <= bought.len() {
                    break;
                }
            }
        }
        Ok((wallets, held, bought))
    });
    let (rows, open, bought) = asked.await?;
    let fresh = || visit.site.app.new_id().text();
    let status = |status: Status| match status {
        Status::Active => "",
        Status::Frozen => w.paused,
        Status::Revoked => w.closed,
    };
    let mut wallets = Vec::new();
    for row in rows.iter().rev().filter(|row| row.sub.is_none()) {
        let label = visit.site.app.label(row.id.0)?;
        let mut subs = Vec::new();
        for sub in rows.iter().rev().filter(|it| it.sub.is_some_and(|sub| sub.parent == row.id)) {
            let Some(agent) = sub.sub.map(|sub| sub.agent) else { continue };
            subs.push(Sub {
                id: sub.id.to_string(),
                agent: visit.agent_called(agent)?,
                available: money(sub.balance.available(), sub.asset),
                status: status(sub.status),
                is_open: sub.status != Status::Revoked,
                fresh: [fresh(), fresh(), fresh()],
            });
        }
        wallets.push(Card {
            id: row.id.to_string(),
            name: Text::of(label.as_deref().unwrap_or(w.wallet)),
            available: money(row.balance.available(), row.asset),
            held: (!row.balance.held.is_zero()).then(|| money(row.balance.held, row.asset)),
            status: status(row.status),
            subs,
        });
    }
    let held = held(visit, &open)?;
    let asset = rows.iter().rev().find(|row| row.sub.is_none()).map(|row| row.asset);
    let spent = asset.map(|asset| Spent::of(visit, &bought, asset.code, since)).unwrap_or_default();
    let shares = |list: Vec<(Text, Amount)>| {
        let list = list.into_iter().filter_map(|(name, amount)| Some((name, amount, money(amount, asset?))));
        Share::of(list.collect())
    };
    let by_agent = spent.by_agent.iter().map(|(agent, amount)| {
        let name = match agent {
            Some(agent) => visit.agent_called(*agent)?,
            None => Text { text: w.me.to_owned(), odd: false },
        };
        Ok((name, *amount))
    });
    let by_agent = shares(by_agent.collect::<Result<_, Stop>>()?);
    let by_seller = spent.by_seller.iter().map(|(payee, amount)| Ok((visit.seller_called(*payee)?, *amount)));
    let by_seller = shares(by_seller.collect::<Result<_, Stop>>()?);
    let days = Bars::of(spent.days(now, &visit.zone, visit.lang, asset));
    let most = asset.and_then(|asset| {
        let unit = 10u128.checked_pow(u32::from(asset.scale))?;
        Some(money(Amount::new(TOP_UP_MAX.checked_mul(unit)?)?, asset).short)
    });
    let top_up = match most {
        Some(most) if !visit.site.app.livemode => w.say(w.top_up_test, most),
        Some(_) | None => w.top_up_live.to_owned(),
    };
    let agents = agent_choices(visit, None).await?;
    let fresh = [fresh(), fresh(), fresh(), fresh()];
    Ok(html(
        StatusCode::OK,
        &MoneyPage {
            top,
            quotas: visit.lang.quotas(),
            wallets,
            agents,
            top_up,
            held,
            days,
            by_agent,
            by_seller,
            fresh,
        },
    ))
}

/// What was spent in one asset since a while ago: held money included, what came back not.
#[derive(Default)]
struct Spent {
    by_day: BTreeMap<Time, Amount>,
    by_agent: Vec<(Option<AgentId>, Amount)>,
    by_seller: Vec<(PayeeId, Amount)>,
}

impl Spent {
    fn of(visit: &Visit, bought: &[PurchaseRow], asset: book::Code, since: Time) -> Spent {
        let mut spent = Spent::default();
        let mut agents: BTreeMap<Option<AgentId>, Amount> = BTreeMap::new();
        let mut sellers: BTreeMap<PayeeId, Amount> = BTreeMap::new();
        for row in bought.iter().filter(|row| row.purchase.asset == asset && since <= row.at) {
            let kept = row.purchase.amount.saturating_sub(row.released);
            let add = |sum: &mut Amount| *sum = sum.checked_add(kept).unwrap_or(*sum);
            add(spent.by_day.entry(midnight(row.at, &visit.zone)).or_insert(Amount::ZERO));
            add(agents.entry(row.agent).or_insert(Amount::ZERO));
            if let Some(payee) = row.purchase.to.each().next() {
                add(sellers.entry(payee).or_insert(Amount::ZERO));
            }
        }
        spent.by_agent = agents.into_iter().collect();
        spent.by_seller = sellers.into_iter().collect();
        spent.by_agent.sort_by_key(|(_, amount)| std::cmp::Reverse(*amount));
        spent.by_seller.sort_by_key(|(_, amount)| std::cmp::Reverse(*amount));
        spent
    }

    /// Every day, also those on which nothing was spent: label, amount as a number to draw, amount as people read it.
    fn days(
        &self,
        now: Time,
        zone: &jiff::tz::TimeZone,
        lang: Lang,
        asset: Option<book::Asset>,
    ) -> Vec<(String, Amount, Money)> {
        let Some(asset) = asset else { return Vec::new() };
        let day = |back: u64| {
            let start = days_back(now, zone, back);
            let amount = self.by_day.get(&start).copied().unwrap_or(Amount::ZERO);
            (day_label(start, zone, lang), amount, money(amount, asset))
        };
        (0..DAYS).rev().map(day).collect()
    }
}

/// When the reader's day began, so many days ago.
pub(crate) fn days_back(now: Time, zone: &jiff::tz::TimeZone, back: u64) -> Time {
    // By noon of that day: clocks are put forward and back at night.
    let noon = Time(midnight(now, zone).0.saturating_add(Time::from_seconds(43_200).0));
    midnight(Time(noon.0.saturating_sub(Time::from_seconds(back.saturating_mul(86_400)).0)), zone)
}

/// A day on the reader's calendar.
pub(crate) fn day_label(start: Time, zone: &jiff::tz::TimeZone, lang: Lang) -> String {
    let label = moment(start, zone, lang);
    let day = match lang {
        Lang::English => label.rsplit_once(',').map(|(day, _)| day.to_owned()),
        Lang::Chinese => label.split_once(' ').map(|(day, _)| day.to_owned()),
    };
    day.unwrap_or(label)
}

/// Brings play money in.
pub async fn top_up(visit: &Visit) -> Shown {
    let app = &visit.site.app;
    if app.livemode {
        return Err(Problem::from(Edge::LiveBook).into());
    }
    let row = wallet(visit, "wallet").await?;
    let amount = typed(visit.field("amount"), row.asset).filter(|it| !it.is_zero()).ok_or(Stop::Malformed)?;
    let unit = 10u128.checked_pow(u32::from(row.asset.scale)).unwrap_or(1);
    if TOP_UP_MAX.saturating_mul(unit) < amount.minor() {
        return Err(Stop::Malformed);
    }
    visit.confirmed()?;
    let desk = app.desk(form_hash(&visit.path, &visit.form))?;
    let fill = Transfer { from: Account::World, to: Account::Wallet(row.id), amount, asset: row.asset.code };
    app.execute(&desk, visit.change()?, Action::Transfer(fill)).await?;
    Ok(go("/money"))
}

/// Opens a sub-account for one agent.
pub async fn open_sub(visit: &Visit) -> Shown {
    let row = wallet(visit, "wallet").await?;
    let agent: AgentId = visit.field("agent").parse().map_err(|_| Stop::Malformed)?;
    let caller = visit.confirmed()?;
    let open = OpenSubAccount { wallet: row.id, agent, limits: Vec::new() };
    visit.site.app.execute(&caller, visit.change()?, Action::OpenSubAccount(open)).await?;
    Ok(go("/money"))
}

/// Moves money into a sub-account, or back out of it.
pub async fn move_money(visit: &Visit) -> Shown {
    let sub = wallet(visit, "sub").await?;
    let parent = sub.sub.ok_or(Stop::Malformed)?.parent;
    let amount = typed(visit.field("amount"), sub.asset).filter(|it| !it.is_zero()).ok_or(Stop::Malformed)?;
    let caller = visit.confirmed()?;
    let (from, to) = match visit.field("way") {
        "in" => (parent, sub.id),
        "out" => (sub.id, parent),
        _ => return Err(Stop::Malformed),
    };
    let (from, to) = (Account::Wallet(from), Account::Wallet(to));
    let transfer = Transfer { from, to, amount, asset: sub.asset.code };
    visit.site.app.execute(&caller, visit.change()?, Action::Transfer(transfer)).await?;
    Ok(go("/money"))
}

/// Closes a sub-account: what it has goes back.
pub async fn close_sub(visit: &Visit) -> Shown {
    let sub = wallet(visit, "sub").await?;
    if sub.sub.is_none() {
        return Err(Stop::Malformed);
    }
    let caller = visit.confirmed()?;
    let close = Action::CloseWallet(CloseWallet { wallet: sub.id });
    visit.site.app.execute(&caller, visit.change()?, close).await?;
    Ok(go("/money"))
}

/// A wallet of the owner's that a form names.
async fn wallet(visit: &Visit, field: &str) -> Result<WalletRow, Stop> {
    let id = WalletId(id_field(visit, field, "wal")?);
    find_wallet(visit, id).await
}

/// A wallet of the owner's.
pub(crate) async fn find_wallet(visit: &Visit, id: WalletId) -> Result<WalletRow, Stop> {
    let owner = visit.owner()?;
    let row = visit.site.app.ask(move |view| Ok(view.wallet(id)?)).await?;
    row.filter(|row| row.owner == owner).ok_or(Stop::Missing)
}
