//! Quotas: granted, used and restored by sellers; divided and looked at by those who bought them.

use crate::answer::{Answer, json};
use crate::auth::Kind;
use crate::codes::Edge;
use crate::convert::{bits, id, purchase_id, time, time_text};
use crate::problem::{Answered, Problem};
use crate::reads::{self, show};
use crate::request::{Call, path_id};
use crate::routes::payments::{AtMost, ItemResult, item_result};
use crate::routes::{check_label, page, paged};
use crate::state::{self, App};
use axum::extract::{Path, State};
use axum::response::Response;
use book::{
    Action, AgentId, Allot, Deduct, GrantQuota, KeyHolder, QuotaId, Reclaim, Reject, RequestId, Restore,
    WalletId,
};
use engine::View;
use engine::views::QuotaRow;
use http::StatusCode;
use wire::AmountText;
use wire::answer::Done;
use wire::limits::CHARGES_MAX;
use wire::list::{Page, PageQuery};
use wire::quota::{
    Deduction, DeductionResult, NewAllotment, NewDeduction, NewQuota, Quota, QuotaUnit, Units,
};

/// Gives a wallet units of the seller's work: bought with a payment, or as a trial.
#[utoipa::path(post, path = "/v1/quotas", tag = "quotas", request_body = NewQuota,
    responses((status = 201, description = "Granted", body = Done)))]
pub async fn create_quota(State(app): State<App>, call: Call) -> Answered<Answer> {
    let caller = app.caller(&call, &[Kind::Payee]).await?;
    let quota: NewQuota = call.json()?;
    let action = Action::GrantQuota(GrantQuota {
        wallet: WalletId(id(quota.wallet.0)),
        payment: quota.payment.as_deref().map(|text| purchase_id(text, "payment")).transpose()?,
        unit: match quota.unit {
            QuotaUnit::Count => book::QuotaUnit::Count,
            QuotaUnit::Nanos => book::QuotaUnit::Nanos,
        },
        units: units(quota.units)?,
        expires_at: time(&quota.expires_at, "expires_at")?,
        into: quota.into.map(|into| QuotaId(id(into.0))),
        document: app.keep_text(&quota.document)?,
    });
    app.execute(&caller, id(quota.id.0), action).await
}

/// What a seller granted, newest first.
#[utoipa::path(get, path = "/v1/quotas", tag = "quotas", params(PageQuery),
    responses((status = 200, description = "A page", body = Page<Quota>)))]
pub async fn list_quotas(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, &[Kind::Payee]).await?;
    let window = page(&call)?;
    show(&app, &call, move |app, view| {
        let KeyHolder::Payee(payee) = caller.holder else { return Err(Edge::AudienceWrong.into()) };
        let rows = view.quotas_of_payee(payee, window.cursor, window.limit)?;
        paged(rows, app.livemode, |row| text(app, &row))
    })
    .await
}

/// The quotas of a wallet, those below others too, newest first.
#[utoipa::path(get, path = "/v1/wallets/{id}/quotas", tag = "quotas",
    params(("id" = wire::WalletId, Path), PageQuery),
    responses((status = 200, description = "A page", body = Page<Quota>)))]
pub async fn list_wallet_quotas(
    State(app): State<App>,
    Path(text): Path<String>,
    call: Call,
) -> Answered<Response> {
    let caller = app.caller(&call, Kind::ALL).await?;
    let (wallet, window): (WalletId, _) = (path_id(&text)?, page(&call)?);
    show(&app, &call, move |app, view| {
        let found = reads::wallet(view, caller.holder, wallet)?;
        found.ok_or_else(|| Problem::from(Reject::WalletUnknown))?;
        let rows = view.quotas_of_wallet(wallet, window.cursor, window.limit)?;
        paged(rows, app.livemode, |row| self::text(app, &row))
    })
    .await
}

/// The quotas right below one, newest first: the departments of a company, the seats of a department.
#[utoipa::path(get, path = "/v1/quotas/{id}/below", tag = "quotas",
    params(("id" = wire::QuotaId, Path), PageQuery),
    responses((status = 200, description = "A page", body = Page<Quota>)))]
pub async fn list_quotas_below(
    State(app): State<App>,
    Path(text): Path<String>,
    call: Call,
) -> Answered<Response> {
    let caller = app.caller(&call, Kind::ALL).await?;
    let (quota, window): (QuotaId, _) = (path_id(&text)?, page(&call)?);
    show(&app, &call, move |app, view| {
        find(view, caller.holder, quota)?;
        let rows = view.quotas_below(quota, window.cursor, window.limit)?;
        paged(rows, app.livemode, |row| self::text(app, &row))
    })
    .await
}

/// One quota as it stands now.
#[utoipa::path(get, path = "/v1/quotas/{id}", tag = "quotas", params(("id" = wire::QuotaId, Path), ("at_least" = Option<u64>, Query, description = "Before which entry everything has to be shown; by default all that was answered until now")),
    responses((status = 200, description = "The quota", body = Quota)))]
pub async fn get_quota(State(app): State<App>, Path(text): Path<String>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, Kind::ALL).await?;
    let quota: QuotaId = path_id(&text)?;
    show(&app, &call, move |app, view| self::text(app, &find(view, caller.holder, quota)?)).await
}

/// Uses units, in the order of the array, each item all or none. Each is answered for itself.
#[utoipa::path(post, path = "/v1/quotas/{id}/deductions", tag = "quotas", request_body = Vec<NewDeduction>,
    params(("id" = wire::QuotaId, Path)),
    responses((status = 200, description = "What came of each deduction", body = Vec<DeductionResult>)))]
pub async fn create_deductions(
    State(app): State<App>,
    Path(text): Path<String>,
    call: Call,
) -> Answered<Response> {
    let caller = app.caller(&call, &[Kind::Payee]).await?;
    let quota: QuotaId = path_id(&text)?;
    let deductions: AtMost<NewDeduction, CHARGES_MAX> = call.json()?;
    let action =
        |new: NewDeduction| Ok((id(new.id.0), Action::Deduct(Deduct { quota, units: units(new.units)? })));
    let actions = deductions.0.into_iter().map(action).collect::<Answered<_>>()?;
    let results = app.execute_all(&caller, actions).await?;
    let results: Vec<ItemResult> =
        results.into_iter().map(|result| item_result(result, app.livemode)).collect();
    Ok(json(StatusCode::OK, &results))
}

/// A deduction as it stands: for a seller who does not know whether it was taken.
#[utoipa::path(get, path = "/v1/deductions/{id}", tag = "quotas", params(("id" = wire::RequestId, Path), ("at_least" = Option<u64>, Query, description = "Before which entry everything has to be shown; by default all that was answered until now")),
    responses((status = 200, description = "The deduction", body = Deduction)))]
pub async fn get_deduction(
    State(app): State<App>,
    Path(text): Path<String>,
    call: Call,
) -> Answered<Response> {
    let caller = app.caller(&call, Kind::ALL).await?;
    let deduction: RequestId = path_id(&text)?;
    show(&app, &call, move |app, view| {
        let absent = || Problem::from(Reject::DeductionUnknown);
        let row = view.deduction(deduction.0)?.ok_or_else(absent)?;
        find(view, caller.holder, row.quota).map_err(|_| absent())?;
        Ok(Deduction {
            id: wire::RequestId(bits(row.id)),
            quota: wire::QuotaId(bits(row.quota.0)),
            units: count(row.units),
            restored: count(row.restored),
            entry: row.seq.0,
            livemode: app.livemode,
        })
    })
    .await
}

/// Gives units of a deduction back: what was reserved and not used.
#[utoipa::path(post, path = "/v1/deductions/{id}/restore", tag = "quotas", request_body = Units,
    params(("id" = wire::RequestId, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, description = "Restored", body = Done)))]
pub async fn restore_deduction(
    State(app): State<App>,
    Path(text): Path<String>,
    call: Call,
) -> Answered<Answer> {
    let caller = app.caller(&call, &[Kind::Payee]).await?;
    let (deduct, change): (RequestId, _) = (path_id(&text)?, call.change_id()?);
    let Units { units: how_many } = call.json()?;
    let restore = Restore { deduct: deduct.0, units: units(how_many)? };
    app.execute(&caller, change, Action::Restore(restore)).await
}

/// Moves units to a quota below: a department's, a seat's.
#[utoipa::path(post, path = "/v1/quotas/{id}/allot", tag = "quotas", request_body = NewAllotment,
    params(("id" = wire::QuotaId, Path)),
    responses((status = 201, description = "Allotted", body = Done)))]
pub async fn allot_quota(State(app): State<App>, Path(text): Path<String>, call: Call) -> Answered<Answer> {
    let caller = app.caller(&call, &[Kind::Owner]).await?;
    let from: QuotaId = path_id(&text)?;
    let new: NewAllotment = call.json()?;
    check_label(new.label.as_deref())?;
    let name = id(new.id.0);
    let action = Action::Allot(Allot {
        from,
        into: new.into.map(|into| QuotaId(id(into.0))),
        agent: new.agent.map(|agent| AgentId(id(agent.0))),
        units: units(new.units)?,
    });
    let answer = app.execute(&caller, name, action).await?;
    app.keep_label(name, new.label.as_deref());
    Ok(answer)
}

/// Moves units back to the quota above.
#[utoipa::path(post, path = "/v1/quotas/{id}/reclaim", tag = "quotas", request_body = Units,
    params(("id" = wire::QuotaId, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, description = "Reclaimed", body = Done)))]
pub async fn reclaim_quota(State(app): State<App>, Path(text): Path<String>, call: Call) -> Answered<Answer> {
    let caller = app.caller(&call, &[Kind::Owner]).await?;
    let (quota, change): (QuotaId, _) = (path_id(&text)?, call.change_id()?);
    let Units { units: how_many } = call.json()?;
    let reclaim = Reclaim { quota, units: units(how_many)? };
    app.execute(&caller, change, Action::Reclaim(reclaim)).await
}

/// A quota, if `viewer` may see it: its seller, its owner, and the agent it is for.
fn find(view: &View, viewer: KeyHolder, quota: QuotaId) -> Answered<QuotaRow> {
    let absent = || Problem::from(Reject::QuotaUnknown);
    let row = view.quota(quota)?.ok_or_else(absent)?;
    let owner = view.wallet(row.wallet)?.map(|wallet| wallet.owner);
    let is_seller = viewer == KeyHolder::Payee(row.payee);
    if is_seller || reads::sees(viewer, owner, row.agent) { Ok(row) } else { Err(absent()) }
}

fn text(app: &state::State, row: &QuotaRow) -> Answered<Quota> {
    Ok(Quota {
        id: wire::QuotaId(bits(row.id.0)),
        payee: wire::PayeeId(bits(row.payee.0)),
        wallet: wire::WalletId(bits(row.wallet.0)),
        agent: row.agent.map(|agent| wire::AgentId(bits(agent.0))),
        parent: row.parent.map(|parent| wire::QuotaId(bits(parent.0))),
        unit: match row.unit {
            book::QuotaUnit::Count => QuotaUnit::Count,
            book::QuotaUnit::Nanos => QuotaUnit::Nanos,
        },
        granted: count(row.granted),
        used: count(row.used),
        allotted: count(row.allotted),
        left: count(row.left()),
        expires_at: time_text(row.expires_at),
        document: wire::Digest(row.document.0),
        label: app.label(row.id.0)?,
        entry: row.seq.0,
        livemode: app.livemode,
    })
}

/// Units of the wire as the book's.
fn units(text: AmountText) -> Answered<u64> {
    u64::try_from(text.minor()).map_err(|_| Problem::from(Reject::AmountTooLarge).of("units"))
}

fn count(units: u64) -> AmountText {
    AmountText::new(u128::from(units)).expect("a u64 is below 10^30")
}
