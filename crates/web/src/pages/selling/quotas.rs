//! Quotas that a seller has granted: what was paid ahead, what is still owed of it, granting, and using by hand.
//!
//! Buyers are shown by the end of their wallet's id. What an owner calls the parts of a quota stays with her.

use crate::limits::{QUOTA_PARTS_SHOWN_MAX, ROWS};
use crate::page::{Place, Shown, Stop, Top, go, html};
use crate::pages::activity::Choice;
use crate::pages::quotas::{Parts, Use, counted, document, typed_units, unit, used, uses_of};
use crate::pages::selling::overview::wallet_end;
use crate::pages::selling::{Head, Tab, confirmed, head, seller};
use crate::shown::{Money, Text, machine, moment};
use crate::visit::Visit;
use crate::words::Quotas;
use askama::Template;
use book::{Action, Asset, Deduct, GrantQuota, QuotaId, QuotaUnit, RequestId, Restore, Seq, Time, WalletId};
use engine::views::{PayeeRow, QuotaRow, QuotaSums};
use http::StatusCode;
use server::convert;
use wire::limits::DOCUMENT_CHARS_MAX;

/// The longest that the form lets a quota be good, in days.
const DAYS_MAX: u64 = 3_650;

#[derive(Template)]
#[template(path = "seller_quotas.html")]
struct ListPage {
    top: Top,
    q: &'static Quotas,
    head: Head,
    /// What is owed in units of one kind, and in how many quotas.
    owed: Vec<(Money, String)>,
    quotas: Vec<Card>,
    older: Option<String>,
    into: Vec<Choice>,
    days_max: u64,
}

#[derive(Template)]
#[template(path = "seller_quota.html")]
struct QuotaPage {
    top: Top,
    q: &'static Quotas,
    head: Head,
    card: Card,
    own: Parts,
    parts: Vec<(String, String, Parts)>,
    is_cut: bool,
    uses: Vec<Use>,
    older: Option<String>,
    unit: String,
    can_use: bool,
}

/// A quota.
struct Card {
    id: String,
    buyer: String,
    what: Text,
    granted: Money,
    used: Money,
    owed: Money,
    until: String,
    machine: String,
    is_over: bool,
}

/// What the seller has granted, newest first, and the form for one more.
pub async fn list(visit: &Visit) -> Shown {
    let top = Top::inside(visit, Place::Selling).await?;
    let (w, q, app) = (visit.words(), visit.lang.quotas(), &visit.site.app);
    let row = seller(visit).await?;
    let (payee, asset, now) = (row.id, row.asset, app.clock.now());
    let before = visit.asked("before").parse::<u64>().ok().map(Seq);
    let asked = app.ask(move |view| {
        let page = view.quotas_of_payee(payee, before, ROWS)?;
        let mut rows = Vec::with_capacity(page.rows.len());
        for row in page.rows {
            rows.push((row, view.quota_sums(row.id)?));
        }
        Ok((rows, page.next, view.quotas_owed(payee, now)?))
    });
    let (rows, next, owed) = asked.await?;
    let how_many =
        |quotas: u64| if quotas == 1 { q.owed_of_one.to_owned() } else { w.say(q.owed_of, quotas) };
    let owed = owed.iter().map(|it| (counted(it.left, it.unit, asset), how_many(it.quotas)));
    let choice = |(it, _): &(QuotaRow, QuotaSums)| {
        let granted = counted(it.granted.into(), it.unit, asset).short;
        Choice {
            value: it.id.to_string(),
            said: format!("{} · {granted}", wallet_end(it.wallet)),
            chosen: false,
        }
    };
    let into = rows.iter().filter(|(it, _)| now < it.expires_at).map(choice).collect();
    let page = ListPage {
        q,
        owed: owed.collect(),
        quotas: rows.iter().map(|(it, sums)| card(visit, it, *sums, asset)).collect::<Result<_, Stop>>()?,
        older: next.map(|next| format!("/selling/{payee}/quotas?before={}", next.0)),
        into,
        days_max: DAYS_MAX,
        head: head(visit, &row, Tab::Quotas).await?,
        top,
    };
    Ok(html(StatusCode::OK, &page))
}

/// One of them, or a part of one: what was used of it, and what of that was given back.
pub async fn show(visit: &Visit) -> Shown {
    let (top, app) = (Top::inside(visit, Place::Selling).await?, &visit.site.app);
    let seller = seller(visit).await?;
    let row = own(visit, &seller).await?;
    let (asset, q) = (seller.asset, visit.lang.quotas());
    let before = visit.asked("before").parse::<u64>().ok().map(Seq);
    let asked = app.ask(move |view| {
        let below = view.quotas_below(row.id, None, QUOTA_PARTS_SHOWN_MAX)?;
        Ok((view.quota_sums(row.id)?, below, uses_of(view, row.id, before)?))
    });
    let (sums, below, (uses, next)) = asked.await?;
    let part = |it: &QuotaRow| (it.id.to_string(), part_called(it.id), Parts::of(it, asset));
    let page = QuotaPage {
        q,
        card: card(visit, &row, sums, asset)?,
        own: Parts::of(&row, asset),
        parts: below.rows.iter().map(part).collect(),
        is_cut: below.next.is_some(),
        uses: uses.iter().map(|(it, at)| used(visit, it, *at, (row.unit, asset))).collect(),
        older: next.map(|next| format!("/selling/{}/quotas/{}?before={}", seller.id, row.id, next.0)),
        unit: unit(visit, row.unit, asset),
        can_use: row.left() != 0 && app.clock.now() < row.expires_at,
        head: head(visit, &seller, Tab::Quotas).await?,
        top,
    };
    Ok(html(StatusCode::OK, &page))
}

/// Grants one, or adds to one.
pub async fn grant(visit: &Visit) -> Shown {
    let app = &visit.site.app;
    let row = seller(visit).await?;
    let odd = || Stop::Refused(visit.lang.quotas().grant_odd.to_owned());
    let some = |name| Some(visit.field(name)).filter(|text| !text.is_empty());
    let into = some("into").map(|text| text.parse::<QuotaId>()).transpose().map_err(|_| odd())?;
    let unit = match visit.field("unit") {
        "nanos" => QuotaUnit::Nanos,
        _ => QuotaUnit::Count,
    };
    let wallet: WalletId = visit.field("wallet").parse().map_err(|_| odd())?;
    let payment = some("payment").map(|text| convert::purchase_id(text, "payment"));
    let payment = payment.transpose().map_err(|_| odd())?;
    let units = typed_units(visit.field("units"), unit, row.asset).ok_or_else(odd)?;
    let days: u64 = visit.field("days").parse().map_err(|_| odd())?;
    let what = visit.field("what");
    let fits = (1..=DAYS_MAX).contains(&days) && (1..=DOCUMENT_CHARS_MAX).contains(&what.chars().count());
    if !fits {
        return Err(odd());
    }
    let caller = confirmed(visit, &row).await?;
    let grant = GrantQuota {
        wallet,
        payment,
        unit,
        units,
        expires_at: app.clock.now().after(Time::from_seconds(days * 86_400).0),
        into,
        document: app.keep_text(what)?,
    };
    app.execute(&caller, visit.change()?, Action::GrantQuota(grant)).await?;
    Ok(go(&format!("/selling/{}/quotas", row.id)))
}

/// Uses units that no program has counted.
pub async fn deduct(visit: &Visit) -> Shown {
    let seller = seller(visit).await?;
    let row = own(visit, &seller).await?;
    let units = units(visit, &row, seller.asset)?;
    let caller = confirmed(visit, &seller).await?;
    let action = Action::Deduct(Deduct { quota: row.id, units });
    visit.site.app.execute(&caller, visit.change()?, action).await?;
    Ok(go(&format!("/selling/{}/quotas/{}", seller.id, row.id)))
}

/// Gives units of a use back.
pub async fn restore(visit: &Visit) -> Shown {
    let seller = seller(visit).await?;
    let row = own(visit, &seller).await?;
    let units = units(visit, &row, seller.asset)?;
    let deduct: RequestId = visit.field("use").parse().map_err(|_| Stop::Malformed)?;
    let found = visit.site.app.ask(move |view| Ok(view.deduction(deduct.0)?)).await?;
    found.filter(|it| it.quota == row.id).ok_or(Stop::Missing)?;
    let caller = confirmed(visit, &seller).await?;
    let action = Action::Restore(Restore { deduct: deduct.0, units });
    visit.site.app.execute(&caller, visit.change()?, action).await?;
    Ok(go(&format!("/selling/{}/quotas/{}", seller.id, row.id)))
}

/// The quota whose page this is, if the seller owes it.
async fn own(visit: &Visit, seller: &PayeeRow) -> Result<QuotaRow, Stop> {
    let quota: QuotaId = visit.part(3)?;
    let found = visit.site.app.ask(move |view| Ok(view.quota(quota)?)).await?;
    found.filter(|row| row.payee == seller.id).ok_or(Stop::Missing)
}

fn units(visit: &Visit, row: &QuotaRow, asset: Asset) -> Result<u64, Stop> {
    let odd = || Stop::Refused(visit.lang.quotas().units_odd.to_owned());
    typed_units(visit.field("units"), row.unit, asset).ok_or_else(odd)
}

fn card(visit: &Visit, row: &QuotaRow, sums: QuotaSums, asset: Asset) -> Result<Card, Stop> {
    let say = |units: u64| counted(units.into(), row.unit, asset);
    let (w, q) = (visit.words(), visit.lang.quotas());
    let is_over = row.expires_at <= visit.site.app.clock.now();
    let until = moment(row.expires_at, &visit.zone, visit.lang);
    Ok(Card {
        id: row.id.to_string(),
        buyer: wallet_end(row.wallet),
        what: document(visit, row)?,
        granted: say(row.granted),
        used: say(sums.used),
        owed: say(if is_over { 0 } else { sums.left }),
        until: w.say(if is_over { q.over_since } else { q.until }, until),
        machine: machine(row.expires_at),
        is_over,
    })
}

/// A part as sellers know it: by the end of its id.
fn part_called(quota: QuotaId) -> String {
    format!("qta …{}", quota.0.text().get(20..).unwrap_or_default())
}
