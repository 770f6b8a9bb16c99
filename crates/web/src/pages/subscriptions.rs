//! Subscriptions: what is paid again by itself, when, and how to stop it.

use crate::page::{Place, Shown, Stop, Top, go, html};
use crate::reasons;
use crate::shown::{Money, Text, machine, moment};
use crate::visit::Visit;
use askama::Template;
use book::{Action, Cadence, CancelSubscription, SubscriptionId, Terms, Time};
use engine::views::{Standing, SubscriptionRow};
use http::StatusCode;

/// The subscriptions of one page, newest first.
const SUBSCRIPTIONS: usize = 200;

#[derive(Template)]
#[template(path = "subscriptions.html")]
struct SubscriptionsPage {
    top: Top,
    rows: Vec<Card>,
}

/// One subscription.
struct Card {
    id: String,
    seller: Text,
    agent: Option<Text>,
    price: Money,
    plan: String,
    standing: &'static str,
    /// Until when, or when next.
    when: String,
    machine: String,
    /// What counts from the next period on, where that is something else.
    next: Option<String>,
    /// Why it could not be renewed.
    why: Option<&'static str>,
    /// The name of the cancellation, where there is something to cancel.
    cancel: Option<String>,
}

/// The page.
pub async fn list(visit: &Visit) -> Shown {
    let top = Top::inside(visit, Place::Money).await?;
    let owner = visit.owner()?;
    let asked = visit
        .site
        .app
        .ask(move |view| Ok(view.subscriptions_of_owner(owner, None, SUBSCRIPTIONS)?.rows))
        .await?;
    let rows = asked.iter().map(|row| card(visit, row)).collect::<Result<_, _>>()?;
    Ok(html(StatusCode::OK, &SubscriptionsPage { top, rows }))
}

/// Ends one with the period that is paid.
pub async fn cancel(visit: &Visit) -> Shown {
    let subscription = visit.part::<SubscriptionId>(1)?;
    let caller = visit.caller()?;
    let cancel = Action::CancelSubscription(CancelSubscription { subscription });
    visit.site.app.execute(&caller, visit.change()?, cancel).await?;
    Ok(go("/subscriptions"))
}

fn card(visit: &Visit, row: &SubscriptionRow) -> Result<Card, Stop> {
    let w = visit.words();
    let now = visit.site.app.clock.now();
    let standing = row.standing(now);
    let asset = row.plan.purchase.asset;
    let show = |at: Time| moment(at, &visit.zone, visit.lang);
    let (when, at) = match (standing, row.next_try()) {
        (Standing::Trial | Standing::Active, Some(next)) => (w.say(w.next_renewal, show(next)), next),
        (Standing::Trial | Standing::Active | Standing::Cancelled, _) => {
            (w.say(w.paid_until, show(row.until)), row.until)
        }
        (Standing::Grace, _) => {
            let until = row.grace_until().unwrap_or(row.until);
            (w.say(w.grace_until, show(until)), until)
        }
        (Standing::Ended, _) => {
            let since = row.grace_until().filter(|_| row.cancelled.is_none()).unwrap_or(row.until);
            (w.say(w.over_since, show(since)), since)
        }
    };
    let next = row.next_plan.as_ref().filter(|_| standing != Standing::Ended && row.cancelled.is_none());
    let next = next.map(|plan| {
        let price = visit.money(plan.purchase.amount, asset)?.short;
        Ok::<_, Stop>(w.say(w.from_then_on, format!("{price} {}", said(visit, &plan.terms, None))))
    });
    let failed = row.denial.filter(|_| row.failed.is_some());
    let can_end = matches!(standing, Standing::Trial | Standing::Active | Standing::Grace);
    Ok(Card {
        id: row.id.to_string(),
        seller: visit.seller_called(row.payee)?,
        agent: row.plan.agent.map(|agent| visit.agent_called(agent)).transpose()?,
        price: visit.money(row.plan.purchase.amount, asset)?,
        plan: said(visit, &row.plan.terms, None),
        standing: match standing {
            Standing::Trial => w.standing_trial,
            Standing::Active => w.standing_active,
            Standing::Grace => w.standing_grace,
            Standing::Cancelled => w.standing_cancelled,
            Standing::Ended => w.standing_ended,
        },
        when,
        machine: machine(at),
        next: next.transpose()?,
        why: failed.map(|denial| reasons::denial(visit.lang, denial)),
        cancel: can_end.then(|| visit.site.app.new_id().text()),
    })
}

/// What is agreed beside the price, in a line.
pub(crate) fn said(visit: &Visit, terms: &Terms, trial_until: Option<Time>) -> String {
    let w = visit.words();
    let every = match terms.every {
        Cadence::Days(1) => w.every_day.to_owned(),
        Cadence::Days(days) => w.say(w.every_days, days),
        Cadence::Months(1) => w.every_month.to_owned(),
        Cadence::Months(months) => w.say(w.every_months, months),
    };
    let renewed = match terms.renewals {
        None => w.until_cancelled.to_owned(),
        Some(0) => w.never_renewed.to_owned(),
        Some(most) => w.say(w.renewed_at_most, most),
    };
    let free = trial_until.map(|until| w.say(w.free_until, moment(until, &visit.zone, visit.lang)));
    [Some(every), Some(renewed), free].into_iter().flatten().collect::<Vec<_>>().join(" · ")
}
