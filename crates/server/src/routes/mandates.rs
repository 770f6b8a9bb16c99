//! Mandates, and the limits of wallets, agents and mandates.

use crate::answer::Answer;
use crate::auth::Kind;
use crate::convert::{bits, carry, id, limits, limits_text, time, time_text};
use crate::problem::{Answered, Problem};
use crate::reads::{self, show};
use crate::request::{Call, path_id};
use crate::routes::accounts::status_text;
use crate::routes::payment_services::task::task;
use crate::routes::{page, paged};
use crate::state::{self, App};
use axum::extract::{Path, State};
use axum::response::Response;
use book::freeze::Status;
use book::{Action, AgentId, Delegate, GrantMandate, KeyHolder, LimitSubject, MandateId, Reject, WalletId};
use engine::View;
use engine::views::MandateRow;
use wire::account::{Mandate, NewDelegation, NewMandate, SetLimits};
use wire::answer::Done;
use wire::list::{Page, PageQuery};

/// Lets an agent spend within limits.
#[utoipa::path(post, path = "/v1/mandates", tag = "mandates", request_body = NewMandate,
    responses((status = 201, description = "Granted", body = Done)))]
pub async fn create_mandate(State(app): State<App>, call: Call) -> Answered<Answer> {
    let caller = app.caller(&call, &[Kind::Owner]).await?;
    let mandate: NewMandate = call.json()?;
    let action = Action::GrantMandate(GrantMandate {
        wallet: WalletId(id(mandate.wallet.0)),
        agent: AgentId(id(mandate.agent.0)),
        valid_from: time(&mandate.valid_from, "valid_from")?,
        expires_at: time(&mandate.expires_at, "expires_at")?,
        limits: limits(&mandate.limits)?,
        document: app.keep_text(&mandate.document)?,
        carry: carry(mandate.carry),
    });
    app.execute(&caller, id(mandate.id.0), action).await
}

/// Lets another agent of the same wallet spend within a mandate: for its agent, and for the owner.
#[utoipa::path(post, path = "/v1/mandates/{id}/delegate", tag = "mandates", request_body = NewDelegation,
    params(("id" = wire::MandateId, Path)),
    responses((status = 201, description = "Delegated", body = Done)))]
pub async fn delegate_mandate(
    State(app): State<App>,
    Path(text): Path<String>,
    call: Call,
) -> Answered<Answer> {
    let caller = app.caller(&call, &[Kind::Owner, Kind::Agent]).await?;
    let parent: MandateId = path_id(&text)?;
    let delegation: NewDelegation = call.json()?;
    let action = Action::Delegate(Delegate {
        parent,
        agent: AgentId(id(delegation.agent.0)),
        valid_from: time(&delegation.valid_from, "valid_from")?,
        expires_at: time(&delegation.expires_at, "expires_at")?,
        limits: limits(&delegation.limits)?,
        document: app.keep_text(&delegation.document)?,
    });
    app.execute(&caller, id(delegation.id.0), action).await
}

/// The mandates that the caller may see, newest first.
#[utoipa::path(get, path = "/v1/mandates", tag = "mandates", params(PageQuery),
    responses((status = 200, description = "A page", body = Page<Mandate>)))]
pub async fn list_mandates(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, Kind::ALL).await?;
    let window = page(&call)?;
    show(&app, &call, move |app, view| {
        let rows = match caller.holder {
            KeyHolder::Operator => view.mandates(window.cursor, window.limit)?,
            KeyHolder::Owner(owner) => view.mandates_of_owner(owner, window.cursor, window.limit)?,
            KeyHolder::Agent(agent) => view.mandates_of_agent(agent, window.cursor, window.limit)?,
            KeyHolder::Payee(_) => reads::nothing(),
        };
        paged(rows, app.livemode, |row| mandate_text(app, view, &row))
    })
    .await
}

/// One mandate.
#[utoipa::path(get, path = "/v1/mandates/{id}", tag = "mandates", params(("id" = wire::MandateId, Path), ("at_least" = Option<u64>, Query, description = "Before which entry everything has to be shown; by default all that was answered until now")),
    responses((status = 200, description = "The mandate", body = Mandate)))]
pub async fn get_mandate(State(app): State<App>, Path(text): Path<String>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, Kind::ALL).await?;
    let mandate: MandateId = path_id(&text)?;
    show(&app, &call, move |app, view| {
        let row = reads::mandate(view, caller.holder, mandate)?;
        mandate_text(app, view, &row.ok_or_else(|| Problem::from(Reject::MandateUnknown))?)
    })
    .await
}

fn mandate_text(app: &state::State, view: &View, row: &MandateRow) -> Answered<Mandate> {
    let expired = row.expires_at <= app.clock.now() && row.status != Status::Revoked;
    Ok(Mandate {
        id: wire::MandateId(bits(row.id.0)),
        task_state: task(view, row, app.clock.now())?.as_str().to_owned(),
        wallet: wire::WalletId(bits(row.wallet.0)),
        agent: wire::AgentId(bits(row.agent.0)),
        status: if expired { "expired" } else { status_text(row.status, "revoked") }.to_owned(),
        valid_from: time_text(row.valid_from),
        expires_at: time_text(row.expires_at),
        limits: limits_text(&row.limits),
        limits_version: row.version,
        parent: row.parent.map(|parent| wire::MandateId(bits(parent.0))),
        depth: row.depth,
        livemode: app.livemode,
    })
}

/// Replaces the limits of a wallet or sub-account.
#[utoipa::path(put, path = "/v1/wallets/{id}/limits", tag = "mandates", request_body = SetLimits,
    params(("id" = wire::WalletId, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, description = "Changed", body = Done)))]
pub async fn set_wallet_limits(
    State(app): State<App>,
    Path(text): Path<String>,
    call: Call,
) -> Answered<Answer> {
    set_limits(&app, &call, path_id(&text).map(LimitSubject::Wallet)).await
}

/// Replaces the limits of an agent.
#[utoipa::path(put, path = "/v1/agents/{id}/limits", tag = "mandates", request_body = SetLimits,
    params(("id" = wire::AgentId, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, description = "Changed", body = Done)))]
pub async fn set_agent_limits(
    State(app): State<App>,
    Path(text): Path<String>,
    call: Call,
) -> Answered<Answer> {
    set_limits(&app, &call, path_id(&text).map(LimitSubject::Agent)).await
}

/// Replaces the limits of a mandate.
#[utoipa::path(put, path = "/v1/mandates/{id}/limits", tag = "mandates", request_body = SetLimits,
    params(("id" = wire::MandateId, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, description = "Changed", body = Done)))]
pub async fn set_mandate_limits(
    State(app): State<App>,
    Path(text): Path<String>,
    call: Call,
) -> Answered<Answer> {
    set_limits(&app, &call, path_id(&text).map(LimitSubject::Mandate)).await
}

async fn set_limits(app: &App, call: &Call, subject: Answered<LimitSubject>) -> Answered<Answer> {
    let caller = app.caller(call, &[Kind::Owner]).await?;
    let (subject, change) = (subject?, call.change_id()?);
    let change_to: SetLimits = call.json()?;
    let action = Action::SetLimits(book::SetLimits {
        subject,
        version: change_to.version,
        limits: limits(&change_to.limits)?,
        document: app.keep_text(&change_to.document)?,
    });
    app.execute(&caller, change, action).await
}
