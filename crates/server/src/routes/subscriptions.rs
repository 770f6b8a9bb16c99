//! Subscriptions: begun and changed by those who pay, ended by either side, looked at by both.

use crate::answer::Answer;
use crate::auth::Kind;
use crate::codes::Edge;
use crate::convert::{Buy, bits, id, money, time, time_text};
use crate::problem::{Answered, Problem};
use crate::reads::{self, show};
use crate::request::{Call, path_id};
use crate::routes::{page, paged};
use crate::state::{self, App};
use axum::extract::{Path, State};
use axum::response::Response;
use book::{
    Action, Cadence, CancelSubscription, ChangePlan, KeyHolder, Purchase, Reject, Subscribe, SubscriptionId,
    Terms, Time, WalletId, Zone,
};
use engine::View;
use engine::views::{self, SubscriptionRow};
use wire::answer::{Asked, Done};
use wire::list::{Page, PageQuery};
use wire::subscription::{
    Access, AskedTerms, Every, NewSubscription, Plan, PlanChange, Subscription, SubscriptionTerm,
};

/// Begins a subscription. The first period is paid at once, or free until the trial ends.
#[utoipa::path(post, path = "/v1/subscriptions", tag = "subscriptions", request_body = NewSubscription,
    responses((status = 201, description = "Subscribed", body = SubscriptionTerm), (status = 202, description = "The owner is asked", body = Asked)))]
pub async fn create_subscription(State(app): State<App>, call: Call) -> Answered<Answer> {
    let caller = app.caller(&call, &[Kind::Agent, Kind::Owner]).await?;
    let new: NewSubscription = call.json()?;
    let buy = Buy {
        wallet: new.wallet,
        mandate: new.mandate,
        payee: new.payee,
        split: new.split.as_ref(),
        amount: new.price,
        category: new.category.as_deref(),
        reference: new.reference,
        approval: new.approval.as_deref(),
    };
    let action = Action::Subscribe(Subscribe {
        purchase: buy.purchase(&app.directory)?,
        terms: terms(&app, new.every, &new.zone, new.renewals, new.grace_seconds, &new.document)?,
        trial_until: new.trial_until.as_deref().map(|text| time(text, "trial_until")).transpose()?,
    });
    app.execute(&caller, id(new.id.0), action).await
}

/// Those that the caller sells or, for an owner, pays; newest first.
#[utoipa::path(get, path = "/v1/subscriptions", tag = "subscriptions", params(PageQuery),
    responses((status = 200, description = "A page", body = Page<Subscription>)))]
pub async fn list_subscriptions(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, &[Kind::Payee, Kind::Owner]).await?;
    let window = page(&call)?;
    show(&app, &call, move |app, view| {
        let rows = match caller.holder {
            KeyHolder::Payee(payee) => view.subscriptions_of_payee(payee, window.cursor, window.limit)?,
            KeyHolder::Owner(owner) => view.subscriptions_of_owner(owner, window.cursor, window.limit)?,
            KeyHolder::Operator | KeyHolder::Agent(_) => return Err(Edge::AudienceWrong.into()),
        };
        paged(rows, app.livemode, |row| text(app, &row))
    })
    .await
}

/// The subscriptions that a wallet pays, newest first.
#[utoipa::path(get, path = "/v1/wallets/{id}/subscriptions", tag = "subscriptions",
    params(("id" = wire::WalletId, Path), PageQuery),
    responses((status = 200, description = "A page", body = Page<Subscription>)))]
pub async fn list_wallet_subscriptions(
    State(app): State<App>,
    Path(text): Path<String>,
    call: Call,
) -> Answered<Response> {
    let caller = app.caller(&call, Kind::ALL).await?;
    let (wallet, window): (WalletId, _) = (path_id(&text)?, page(&call)?);
    show(&app, &call, move |app, view| {
        let found = reads::wallet(view, caller.holder, wallet)?;
        found.ok_or_else(|| Problem::from(Reject::WalletUnknown))?;
        let rows = view.subscriptions_of_wallet(wallet, window.cursor, window.limit)?;
        paged(rows, app.livemode, |row| self::text(app, &row))
    })
    .await
}

/// One subscription as it stands now.
#[utoipa::path(get, path = "/v1/subscriptions/{id}", tag = "subscriptions", params(("id" = wire::SubscriptionId, Path), ("at_least" = Option<u64>, Query, description = "Before which entry everything has to be shown; by default all that was answered until now")),
    responses((status = 200, description = "The subscription", body = Subscription)))]
pub async fn get_subscription(
    State(app): State<App>,
    Path(text): Path<String>,
    call: Call,
) -> Answered<Response> {
    let caller = app.caller(&call, Kind::ALL).await?;
    let subscription: SubscriptionId = path_id(&text)?;
    show(&app, &call, move |app, view| self::text(app, &find(view, caller.holder, subscription)?)).await
}

/// Whether it may be used now, and until when: what a seller asks before it works.
#[utoipa::path(get, path = "/v1/subscriptions/{id}/access", tag = "subscriptions", params(("id" = wire::SubscriptionId, Path), ("at_least" = Option<u64>, Query, description = "Before which entry everything has to be shown; by default all that was answered until now")),
    responses((status = 200, description = "Whether it may be used", body = Access)))]
pub async fn get_access(State(app): State<App>, Path(text): Path<String>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, Kind::ALL).await?;
    let subscription: SubscriptionId = path_id(&text)?;
    show(&app, &call, move |app, view| {
        let row = find(view, caller.holder, subscription)?;
        let now = app.clock.now();
        let until = row.usable_until(now);
        Ok(Access {
            id: wire::SubscriptionId(bits(row.id.0)),
            usable: until.is_some(),
            status: row.standing(now).code().to_owned(),
            until: until.map(time_text),
            livemode: app.livemode,
        })
    })
    .await
}

/// Ends it with the period that is paid. Nothing is given back; a seller who wants to refunds the last payment.
#[utoipa::path(post, path = "/v1/subscriptions/{id}/cancel", tag = "subscriptions",
    params(("id" = wire::SubscriptionId, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, description = "Cancelled", body = Done)))]
pub async fn cancel_subscription(
    State(app): State<App>,
    Path(text): Path<String>,
    call: Call,
) -> Answered<Answer> {
    let caller = app.caller(&call, Kind::ALL).await?;
    let (subscription, change): (SubscriptionId, _) = (path_id(&text)?, call.change_id()?);
    call.no_body()?;
    app.execute(&caller, change, Action::CancelSubscription(CancelSubscription { subscription })).await
}

/// Agrees on another price or other terms. A higher price counts at once, for the rest of the period in proportion;
/// everything else from the next period on.
#[utoipa::path(post, path = "/v1/subscriptions/{id}/change", tag = "subscriptions", request_body = PlanChange,
    params(("id" = wire::SubscriptionId, Path)),
    responses((status = 201, description = "Changed", body = SubscriptionTerm), (status = 202, description = "The owner is asked", body = Asked)))]
pub async fn change_plan(State(app): State<App>, Path(text): Path<String>, call: Call) -> Answered<Answer> {
    let caller = app.caller(&call, &[Kind::Agent, Kind::Owner]).await?;
    let subscription: SubscriptionId = path_id(&text)?;
    let new: PlanChange = call.json()?;
    let viewer = caller.holder;
    let known = app.ask(move |view| find(view, viewer, subscription)).await?.plan.purchase;
    let first = known.to.each().next().map(|payee| wire::PayeeId(bits(payee.0)));
    let buy = Buy {
        wallet: wire::WalletId(bits(known.wallet.0)),
        mandate: new.mandate,
        payee: first,
        split: None,
        amount: new.price,
        category: new.category.as_deref(),
        reference: new.reference,
        approval: new.approval.as_deref(),
    };
    let action = Action::ChangePlan(ChangePlan {
        subscription,
        purchase: Purchase { to: known.to, ..buy.purchase(&app.directory)? },
        terms: terms(&app, new.every, &new.zone, new.renewals, new.grace_seconds, &new.document)?,
    });
    app.execute(&caller, id(new.id.0), action).await
}

fn terms(
    app: &App,
    every: Every,
    zone: &str,
    renewals: Option<u32>,
    grace_seconds: u64,
    document: &str,
) -> Answered<Terms> {
    Ok(Terms {
        every: match every {
            Every::Days(days) => Cadence::Days(days),
            Every::Months(months) => Cadence::Months(months),
        },
        zone: Zone::new(zone).ok_or_else(|| Problem::from(Edge::TextMalformed).of("zone"))?,
        renewals,
        grace_nanos: Time::from_seconds(grace_seconds).0,
        document: app.keep_text(document)?,
    })
}

/// A subscription, if `viewer` may see it: those who collect, its owner, and the agent that pays.
fn find(view: &View, viewer: KeyHolder, subscription: SubscriptionId) -> Answered<SubscriptionRow> {
    let absent = || Problem::from(Reject::SubscriptionUnknown);
    let row = view.subscription(subscription)?.ok_or_else(absent)?;
    let collects = |payee| row.plan.purchase.to.each().any(|each| each == payee);
    let agents = [row.plan.agent, row.plan_to_come().agent];
    let is_seller = matches!(viewer, KeyHolder::Payee(payee) if collects(payee));
    let sees = agents.iter().any(|agent| reads::sees(viewer, row.owner, *agent));
    if is_seller || sees { Ok(row) } else { Err(absent()) }
}

fn text(app: &state::State, row: &SubscriptionRow) -> Answered<Subscription> {
    let now = app.clock.now();
    let standing = row.standing(now);
    let ended = standing == views::Standing::Ended;
    Ok(Subscription {
        id: wire::SubscriptionId(bits(row.id.0)),
        status: standing.code().to_owned(),
        wallet: wire::WalletId(bits(row.wallet.0)),
        payees: row.plan.purchase.to.each().map(|payee| wire::PayeeId(bits(payee.0))).collect(),
        plan: plan_text(app, &row.plan)?,
        next_plan: row.next_plan.as_ref().map(|plan| plan_text(app, plan)).transpose()?,
        from: time_text(row.from),
        until: time_text(row.until),
        next_renewal: row.next_try().filter(|_| !ended).map(time_text),
        grace_until: row.grace_until().map(time_text),
        code: row.denial.map(|denial| denial.code().to_owned()),
        renewed: row.renewed,
        last_payment: row.last_payment.map(|payment| wire::PaymentId(bits(payment.0))),
        entry: row.seq.0,
        at: time_text(row.at),
        livemode: app.livemode,
    })
}

fn plan_text(app: &state::State, plan: &views::Plan) -> Answered<Plan> {
    let views::Plan { agent, purchase, terms } = plan;
    let asset = app.directory.asset(purchase.asset).ok_or(Problem::from(Edge::Internal))?;
    Ok(Plan {
        agent: agent.map(|agent| wire::AgentId(bits(agent.0))),
        mandate: purchase.mandate.map(|mandate| wire::MandateId(bits(mandate.0))),
        price: money(purchase.amount, asset),
        every: every_text(terms.every),
        zone: terms.zone.name().to_owned(),
        renewals: terms.renewals,
        grace_seconds: terms.grace_nanos / 1_000_000_000,
        document: wire::Digest(terms.document.0),
    })
}

fn every_text(every: Cadence) -> Every {
    match every {
        Cadence::Days(days) => Every::Days(days),
        Cadence::Months(months) => Every::Months(months),
    }
}

/// What an owner would agree on beside the price.
pub(crate) fn asked_text((terms, trial_until): &views::AskedTerms) -> AskedTerms {
    AskedTerms {
        every: every_text(terms.every),
        zone: terms.zone.name().to_owned(),
        renewals: terms.renewals,
        trial_until: trial_until.map(time_text),
        document: wire::Digest(terms.document.0),
    }
}
