//! Payouts: asked for by sellers, handed to the bank and answered by the operator.

use crate::answer::{Answer, json};
use crate::auth::{Caller, Kind};
use crate::codes::Edge;
use crate::convert::{amount, id, registered};
use crate::limits::PAYOUTS_TOGETHER_MAX;
use crate::payouts::{bank_account, batch_id, send};
use crate::problem::{Answered, Problem};
use crate::reads::show;
use crate::request::{Call, path_id};
use crate::routes::{check_line, page, paged};
use crate::state::App;
use axum::extract::{Path, State};
use axum::response::Response;
use book::{
    Action, AdvancePayout, Denial, KeyHolder, PayeeId, PayoutBatchId, PayoutId, PayoutStep, Reject,
    SetDestination,
};
use engine::View;
use engine::views::PayoutRow;
use evidence::Hash;
use http::{HeaderValue, StatusCode, header};
use invoice::order::check_currency;
use wire::answer::Done;
use wire::limits::MESSAGE_CHARS_MAX;
use wire::list::{Page, PageQuery};
use wire::payout::{
    BankAccount, FailPayout, NewPayout, NewPayoutBatch, Payout, PayoutBatch, PayoutStanding, SettlePayout,
};

/// Who is paid out, and who pays.
const SELLERS: &[Kind] = &[Kind::Payee, Kind::Operator];

/// How the name of a bank's file ends.
const FILE: &str = ".xml";

/// Names the bank account that a seller's payouts go to. What the seller names counts a day later, and until then the one
/// before it does; naming that one again takes the change back. What the operator names counts at once.
#[utoipa::path(put, path = "/v1/payees/{id}/destination", tag = "payouts", request_body = BankAccount,
    params(("id" = wire::PayeeId, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, description = "Named", body = Done)))]
pub async fn set_destination(
    State(app): State<App>,
    Path(name): Path<String>,
    call: Call,
) -> Answered<Answer> {
    let caller = app.caller(&call, SELLERS).await?;
    let (payee, change): (PayeeId, _) = (path_id(&name)?, call.change_id()?);
    let account = bank_account(&call.json()?, "account")?;
    let destination = app.keep_account(payee, &account)?;
    app.execute(&caller, change, Action::SetDestination(SetDestination { payee, destination })).await
}

/// Where a seller's payouts go, what can be paid out now, what is on its way and what was paid.
#[utoipa::path(get, path = "/v1/payees/{id}/destination", tag = "payouts", params(("id" = wire::PayeeId, Path), ("at_least" = Option<u64>, Query, description = "Before which entry everything has to be shown; by default all that was answered until now")),
    responses((status = 200, description = "Where they go", body = PayoutStanding)))]
pub async fn get_destination(
    State(app): State<App>,
    Path(name): Path<String>,
    call: Call,
) -> Answered<Response> {
    let caller = app.caller(&call, SELLERS).await?;
    let payee: PayeeId = path_id(&name)?;
    let unknown = || Problem::from(Reject::PayeeUnknown);
    if matches!(caller.holder, KeyHolder::Payee(itself) if itself != payee) {
        return Err(unknown());
    }
    show(&app, &call, move |app, view| app.payout_standing(view, payee)?.ok_or_else(unknown)).await
}

/// Asks for a payout. The money is on its way at once; it comes back only if the bank says no.
#[utoipa::path(post, path = "/v1/payouts", tag = "payouts", request_body = NewPayout,
    responses((status = 201, description = "On its way", body = Done)))]
pub async fn create_payout(State(app): State<App>, call: Call) -> Answered<Answer> {
    let caller = app.caller(&call, SELLERS).await?;
    let new: NewPayout = call.json()?;
    let asset = registered(&app.directory, new.amount.asset, "amount.asset")?;
    let named = new.payee.map(|payee| PayeeId(id(payee.0)));
    let itself = if let KeyHolder::Payee(payee) = caller.holder { Some(payee) } else { None };
    let payee = named.or(itself).ok_or_else(|| Problem::from(Edge::BodyMalformed).of("payee"))?;
    let (name, what) = (id(new.id.0), (payee, amount(new.amount.amount), asset.code));
    let destination = new.destination.map(|digest| Hash(digest.0));
    let state = app.clone();
    let action = app.ask(move |view| state.payout_request(view, name, what, destination)).await?;
    app.execute(&caller, name, action).await
}

/// The payouts of the seller that asks, or all of them for the operator; newest first.
#[utoipa::path(get, path = "/v1/payouts", tag = "payouts", params(PageQuery),
    responses((status = 200, description = "A page", body = Page<Payout>)))]
pub async fn list_payouts(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, SELLERS).await?;
    let window = page(&call)?;
    show(&app, &call, move |app, view| {
        let rows = match caller.holder {
            KeyHolder::Payee(payee) => view.payouts_of_payee(payee, window.cursor, window.limit)?,
            KeyHolder::Operator => view.payouts(window.cursor, window.limit)?,
            KeyHolder::Owner(_) | KeyHolder::Agent(_) => return Err(Edge::AudienceWrong.into()),
        };
        paged(rows, app.livemode, |row| app.payout_text(&row))
    })
    .await
}

/// A payout as it stands, for its seller and the operator.
#[utoipa::path(get, path = "/v1/payouts/{id}", tag = "payouts", params(("id" = wire::PayoutId, Path), ("at_least" = Option<u64>, Query, description = "Before which entry everything has to be shown; by default all that was answered until now")),
    responses((status = 200, description = "The payout", body = Payout)))]
pub async fn get_payout(State(app): State<App>, Path(name): Path<String>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, SELLERS).await?;
    let payout: PayoutId = path_id(&name)?;
    show(&app, &call, move |app, view| app.payout_text(&find(view, caller.holder, payout)?)).await
}

/// Says that the bank has paid. For the operator.
#[utoipa::path(post, path = "/v1/payouts/{id}/settle", tag = "payouts", request_body = SettlePayout,
    params(("id" = wire::PayoutId, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, description = "Paid", body = Done)))]
pub async fn settle_payout(State(app): State<App>, Path(name): Path<String>, call: Call) -> Answered<Answer> {
    let caller = app.caller(&call, &[Kind::Operator]).await?;
    let said: SettlePayout = call.json()?;
    let change = (path_id(&name)?, call.change_id()?);
    end(&app, &caller, change, ("reference", &said.reference), |said| PayoutStep::Paid { said }).await
}

/// Says that the bank has not paid and will not: the money is the seller's again. For the operator.
///
/// Not hearing from the bank is no failure: what is on its way stays there until the bank has answered.
#[utoipa::path(post, path = "/v1/payouts/{id}/fail", tag = "payouts", request_body = FailPayout,
    params(("id" = wire::PayoutId, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, description = "Back with the seller", body = Done)))]
pub async fn fail_payout(State(app): State<App>, Path(name): Path<String>, call: Call) -> Answered<Answer> {
    let caller = app.caller(&call, &[Kind::Operator]).await?;
    let said: FailPayout = call.json()?;
    let change = (path_id(&name)?, call.change_id()?);
    end(&app, &caller, change, ("why", &said.why), |said| PayoutStep::Failed { said }).await
}

/// Takes the payouts of one asset that wait, the oldest first and at most 1,000, to hand them to the bank together. Each is
/// in one batch at most, so that two files do not pay it twice. For the operator.
#[utoipa::path(post, path = "/v1/payouts/batches", tag = "payouts", request_body = NewPayoutBatch,
    responses((status = 201, description = "What to hand to the bank", body = PayoutBatch),
        (status = 200, description = "Nothing waits", body = PayoutBatch)))]
pub async fn create_payout_batch(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, &[Kind::Operator]).await?;
    let new: NewPayoutBatch = call.json()?;
    let asset = registered(&app.directory, new.asset, "asset")?;
    check_currency(asset.code.as_str(), asset.scale).map_err(|wrong| {
        Problem::from(Edge::UnitMismatch).of("asset").because(format!("No bank pays it: {wrong}."))
    })?;
    let (batch, order) = (batch_id(new.id), app.keep_order(&new.from, &new.on)?);
    let waiting = app.ask(move |view| {
        let rows = view.payouts_of_batch(batch)?;
        match rows.first() {
            Some(row) if row.order != Some(order) => Err(Reject::IdReused.into()),
            Some(_) => Ok(Vec::new()),
            None => Ok(view.payouts_waiting(asset.code, PAYOUTS_TOGETHER_MAX)?),
        }
    });
    let steps: Vec<_> = waiting.await?.into_iter().map(|row| send(batch, row.id, order)).collect();
    // Also with nothing to send: whoever asks presents a nonce.
    for sent in app.execute_all(&caller, steps).await? {
        match sent {
            // Somebody else has taken it meanwhile: it is in another batch, or has ended.
            Err(problem) if is_taken(&problem) => {}
            Err(problem) => return Err(problem),
            Ok(_) => {}
        }
    }
    let state = app.clone();
    let text = app.ask(move |view| state.batch_text(batch, &new.on, &view.payouts_of_batch(batch)?)).await?;
    Ok(json(if text.count == 0 { StatusCode::OK } else { StatusCode::CREATED }, &text))
}

/// A batch as it stands. With `.xml` behind its name it is the file for the bank: ISO 20022, `pain.001.001.09`, the same
/// bytes each time. For the operator.
#[utoipa::path(get, path = "/v1/payouts/batches/{id}", tag = "payouts", params(("id" = wire::PayoutBatchId, Path), ("at_least" = Option<u64>, Query, description = "Before which entry everything has to be shown; by default all that was answered until now")),
    responses((status = 200, description = "The batch", body = PayoutBatch)))]
pub async fn get_payout_batch(
    State(app): State<App>,
    Path(name): Path<String>,
    call: Call,
) -> Answered<Response> {
    app.caller(&call, &[Kind::Operator]).await?;
    let file = name.strip_suffix(FILE);
    let batch: PayoutBatchId = path_id(file.unwrap_or(&name))?;
    let unknown = || Problem::from(Reject::PayoutUnknown);
    if file.is_none() {
        return show(&app, &call, move |app, view| {
            let rows = view.payouts_of_batch(batch)?;
            if rows.is_empty() {
                return Err(unknown());
            }
            app.batch_text(batch, &app.batch_day(&rows)?, &rows)
        })
        .await;
    }
    let state = app.clone();
    let order = app.ask(move |view| {
        let rows = view.payouts_of_batch(batch)?;
        if rows.is_empty() { Err(unknown()) } else { state.batch_order(batch, &rows) }
    });
    let mut response = Response::new(order.await?.into());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    let attached = format!("attachment; filename=\"{batch}{FILE}\"");
    headers.extend(HeaderValue::try_from(attached).ok().map(|it| (header::CONTENT_DISPOSITION, it)));
    Ok(response)
}

async fn end(
    app: &App,
    caller: &Caller,
    (payout, change): (PayoutId, book::Id),
    (member, said): (&'static str, &str),
    step: impl FnOnce(Hash) -> PayoutStep,
) -> Answered<Answer> {
    check_line(Some(said), MESSAGE_CHARS_MAX, member)?;
    if said.trim().is_empty() {
        return Err(Problem::from(Edge::TextMalformed).of(member));
    }
    let step = step(app.keep_text(said)?);
    app.execute(caller, change, Action::AdvancePayout(AdvancePayout { payout, step })).await
}

/// Whether a payout cannot be sent because it was sent, or has ended.
fn is_taken(problem: &Problem) -> bool {
    [Reject::PayoutSent.code(), Denial::PayoutEnded.code()].contains(&problem.code())
}

/// A payout, if `viewer` may see it.
fn find(view: &View, viewer: KeyHolder, payout: PayoutId) -> Answered<PayoutRow> {
    let unknown = || Problem::from(Reject::PayoutUnknown);
    let row = view.payout(payout)?.ok_or_else(unknown)?;
    let sees = match viewer {
        KeyHolder::Payee(payee) => payee == row.payee,
        KeyHolder::Operator => true,
        KeyHolder::Owner(_) | KeyHolder::Agent(_) => false,
    };
    if sees { Ok(row) } else { Err(unknown()) }
}
