//! Coupons of a seller's gateways: how often each was used, what it took off, what is left of it, by whom it was used; and
//! switching one off.
//!
//! Uses and what was paid with them are the book's. What a coupon took off and what is left of its budget is what a gateway
//! says; the page says so.

use crate::limits::{COUPON_SILENT_SECONDS, COUPONS_SHOWN_MAX, ROWS};
use crate::page::{Place, Shown, Stop, Top, go, html};
use crate::pages::selling::overview::{buyer_called, paid_to};
use crate::pages::selling::sales::Stand;
use crate::pages::selling::{Head, Tab, head, seller};
use crate::shown::{Money, machine, moment, money};
use crate::visit::Visit;
use crate::words::Selling;
use askama::Template;
use book::{Amount, Asset, HoldId, PayeeId, Time};
use engine::views::PurchaseRow;
use http::StatusCode;
use server::coupons::{Coupon, Known, Off, Switch, Use};

#[derive(Template)]
#[template(path = "seller_coupons.html")]
struct ListPage {
    top: Top,
    head: Head,
    coupons: Vec<Card>,
}

#[derive(Template)]
#[template(path = "seller_coupon.html")]
struct CouponPage {
    top: Top,
    head: Head,
    coupon: Card,
    uses: Vec<Line>,
    older: Option<String>,
}

/// The tone of what counts.
const COUNTS: &str = "good";

/// One coupon.
struct Card {
    code: String,
    state: &'static str,
    tone: &'static str,
    /// What it takes off a price, and for whom; none where no gateway has it any more.
    terms: Option<String>,
    off: Money,
    uses: u64,
    /// What is left of the budget, and the budget.
    left: Option<(Money, Money)>,
    until: Option<(String, String)>,
    heard: Option<(String, String)>,
    is_off: bool,
    is_known: bool,
}

/// One use.
struct Line {
    link: String,
    state: &'static str,
    tone: &'static str,
    buyer: String,
    paid: Money,
    off: Money,
    when: String,
    machine: String,
}

/// The seller's coupons, those first that count.
pub async fn list(visit: &Visit) -> Shown {
    let top = Top::inside(visit, Place::Selling).await?;
    let row = seller(visit).await?;
    let known = visit.site.app.coupons_of(row.id).await?;
    let mut coupons: Vec<Card> = known.iter().map(|it| card(visit, it, row.asset)).collect();
    coupons.sort_by_key(|it| it.tone != COUNTS);
    coupons.truncate(COUPONS_SHOWN_MAX);
    let head = head(visit, &row, Tab::Coupons).await?;
    Ok(html(StatusCode::OK, &ListPage { top, head, coupons }))
}

/// One of them, with its uses, newest first.
pub async fn show(visit: &Visit) -> Shown {
    let (top, app) = (Top::inside(visit, Place::Selling).await?, &visit.site.app);
    let row = seller(visit).await?;
    let (payee, code) = (row.id, visit.part::<String>(3)?);
    let known = app.coupons_of(payee).await?;
    let known = known.into_iter().find(|it| it.code == code).ok_or(Stop::Missing)?;
    let older = visit.asked("before").parse::<HoldId>().ok().map(|hold| hold.0);
    let mut found = app.coupon_uses(payee, code, older, ROWS + 1).await?;
    let is_more = ROWS < found.len();
    found.truncate(ROWS);
    let last = found.last().map(|used| HoldId(used.hold));
    let asked = app.ask(move |view| {
        let mut rows = Vec::with_capacity(found.len());
        for used in found {
            rows.extend(view.purchase(used.hold)?.map(|row| (used, row)));
        }
        Ok(rows)
    });
    let uses = asked.await?.iter().map(|(used, it)| line(visit, used, it, (payee, row.asset))).collect();
    let head = head(visit, &row, Tab::Coupons).await?;
    let older = last.filter(|_| is_more);
    let older = older.map(|hold| format!("/selling/{payee}/coupons/{}?before={hold}", known.code));
    let coupon = card(visit, &known, row.asset);
    Ok(html(StatusCode::OK, &CouponPage { top, head, coupon, uses, older }))
}

/// Lets one count no more.
pub async fn switch_off(visit: &Visit) -> Shown {
    switch(visit, Switch::Off).await
}

/// Lets one count again.
pub async fn switch_on(visit: &Visit) -> Shown {
    switch(visit, Switch::On).await
}

async fn switch(visit: &Visit, to: Switch) -> Shown {
    let row = seller(visit).await?;
    let code: String = visit.part(3)?;
    let (app, back) = (&visit.site.app, format!("/selling/{}/coupons/{code}", row.id));
    app.coupons_of(row.id).await?.iter().find(|it| it.code == code).ok_or(Stop::Missing)?;
    visit.confirmed()?;
    if app.switch_coupon(row.id, code, to).await? { Ok(go(&back)) } else { Err(Stop::Missing) }
}

fn card(visit: &Visit, known: &Known, asset: Asset) -> Card {
    let s = visit.lang.selling();
    let app = &visit.site.app;
    let shown = |at: Time| (moment(at, &visit.zone, visit.lang), machine(at));
    let sum = |amount: fn(&Coupon) -> Amount| {
        known.gateways.iter().fold(Amount::ZERO, |sum, (it, _)| sum.checked_add(amount(it)).unwrap_or(sum))
    };
    let (budget, given) = (sum(|it| it.budget), sum(|it| it.given));
    let left = budget.saturating_sub(given);
    let latest = known.gateways.first();
    let (state, tone) = state(s, known, left, (app.clock.now(), app.wall_clock()));
    Card {
        code: known.code.clone(),
        state,
        tone,
        terms: latest.map(|(coupon, _)| terms(visit, coupon, asset)),
        off: money(known.off, asset),
        uses: known.uses,
        left: latest.map(|_| (money(left, asset), money(budget, asset))),
        until: latest.and_then(|(coupon, _)| coupon.until).map(shown),
        heard: latest.map(|(_, heard_at)| shown(*heard_at)),
        is_off: known.switch == Switch::Off,
        is_known: latest.is_some(),
    }
}

/// Where a coupon stands, by the book's time for its end and the time outside for who was heard when.
fn state(
    s: &Selling,
    known: &Known,
    left: Amount,
    (now, outside): (Time, Time),
) -> (&'static str, &'static str) {
    let Some((latest, heard_at)) = known.gateways.first() else { return (s.coupon_gone, "soft") };
    if known.switch == Switch::Off {
        return (s.coupon_off, "deny");
    }
    if latest.until.is_some_and(|until| until <= now) {
        return (s.coupon_over, "soft");
    }
    if left.is_zero() {
        return (s.coupon_spent, "soft");
    }
    if heard_at.after(Time::from_seconds(COUPON_SILENT_SECONDS).0) <= outside {
        return (s.coupon_silent, "ask");
    }
    (s.coupon_on, COUNTS)
}

/// What it takes off, and for whom.
fn terms(visit: &Visit, coupon: &Coupon, asset: Asset) -> String {
    let (w, s) = (visit.words(), visit.lang.selling());
    let off = match coupon.off {
        Off::Percent(percent) => w.say(s.coupon_percent, percent),
        Off::Amount(amount) => w.say(s.coupon_amount, money(amount, asset).short),
    };
    if coupon.once_per_buyer { format!("{off} · {}", s.coupon_once) } else { off }
}

fn line(visit: &Visit, used: &Use, row: &PurchaseRow, (payee, asset): (PayeeId, Asset)) -> Line {
    let s = visit.lang.selling();
    let (state, tone) = Stand::of(row).said(s);
    Line {
        link: format!("/selling/{payee}/sales/{}", row.seq.0),
        state,
        tone,
        buyer: buyer_called(row, s),
        paid: money(paid_to(row, payee), asset),
        off: money(used.off, asset),
        when: moment(row.at, &visit.zone, visit.lang),
        machine: machine(row.at),
    }
}
