//! Holds: placed and disputed by agents, captured, voided and redeemed by sellers.

use crate::answer::Answer;
use crate::auth::Kind;
use crate::convert::{Buy, id, time};
use crate::problem::Answered;
use crate::reads::{show, whom};
use crate::request::{Call, path_id};
use crate::routes::payments::show_purchase;
use crate::routes::{check_why, page, paged};
use crate::standing::Standing;
use crate::state::App;
use axum::extract::{Path, State};
use axum::response::Response;
use book::{Action, Capture, Dispute, HoldId, PlaceEscrow, PlaceHold, Redeem, Reject, Void};
use engine::views::Form;
use evidence::Hash;
use wire::answer::{Asked, Done};
use wire::hold::{AtExpiry, Hold, NewCapture, NewHold, NewRedemption, Release};
use wire::list::{Page, PageQuery};
use wire::payment::PaymentState;

/// What is listed as holds.
const FORMS: [Form; 2] = [Form::Hold, Form::Escrow];

/// Sets money aside for a payee.
#[utoipa::path(post, path = "/v1/holds", tag = "holds", request_body = NewHold,
    responses((status = 201, description = "Held", body = Hold), (status = 202, description = "The owner is asked", body = Asked)))]
pub async fn create_hold(State(app): State<App>, call: Call) -> Answered<Answer> {
    let caller = app.caller(&call, &[Kind::Agent, Kind::Owner]).await?;
    let hold: NewHold = call.json()?;
    check_why(hold.why.as_deref())?;
    let buy = Buy {
        wallet: hold.wallet,
        mandate: hold.mandate,
        payee: hold.payee,
        split: hold.split.as_ref(),
        amount: hold.amount,
        category: hold.category.as_deref(),
        reference: hold.reference,
        approval: hold.approval.as_deref(),
    };
    let expires_at = time(&hold.expires_at, "expires_at")?;
    let purchase = buy.purchase(&app.directory)?;
    let action = match hold.at_expiry {
        AtExpiry::Release => Action::PlaceHold(PlaceHold { purchase, expires_at }),
        AtExpiry::Capture => Action::PlaceEscrow(PlaceEscrow { purchase, expires_at }),
    };
    let came = app.execute(&caller, id(hold.id.0), action).await;
    app.keep_why(&caller, id(hold.id.0), hold.why.as_deref(), &came);
    came
}

/// The holds that were placed and the caller may see, newest first. A page may have fewer and still have a next one.
#[utoipa::path(get, path = "/v1/holds", tag = "holds", params(PageQuery),
    responses((status = 200, description = "A page", body = Page<PaymentState>)))]
pub async fn list_holds(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, Kind::ALL).await?;
    let window = page(&call)?;
    show(&app, &call, move |app, view| {
        let mut rows = view.holds(whom(caller.holder), window.cursor, window.limit)?;
        rows.rows.retain(|row| FORMS.contains(&row.form));
        paged(rows, app.livemode, |row| Standing::from(row).text(app))
    })
    .await
}

/// One hold as it stands now.
#[utoipa::path(get, path = "/v1/holds/{id}", tag = "holds", params(("id" = wire::HoldId, Path), ("at_least" = Option<u64>, Query, description = "Before which entry everything has to be shown; by default all that was answered until now")),
    responses((status = 200, description = "The hold", body = PaymentState)))]
pub async fn get_hold(State(app): State<App>, Path(text): Path<String>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, Kind::ALL).await?;
    let hold: HoldId = path_id(&text)?;
    show_purchase(&app, &call, caller.holder, (hold.0, &FORMS), Reject::HoldUnknown).await
}

/// Objects to a hold that is to be captured when its time is up. For the wallet's owner and the agent that placed it.
///
/// Nothing is captured by itself then: what is left goes back seven days after the time that was agreed, unless the owner
/// captures it, in full or in part, or the seller gives it back.
#[utoipa::path(post, path = "/v1/holds/{id}/dispute", tag = "holds",
    params(("id" = wire::HoldId, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, description = "Disputed", body = Done)))]
pub async fn dispute_hold(State(app): State<App>, Path(text): Path<String>, call: Call) -> Answered<Answer> {
    let caller = app.caller(&call, &[Kind::Agent, Kind::Owner]).await?;
    let (hold, change): (HoldId, _) = (path_id(&text)?, call.change_id()?);
    call.no_body()?;
    app.execute(&caller, change, Action::Dispute(Dispute { hold })).await
}

/// Moves held money to the payees.
#[utoipa::path(post, path = "/v1/holds/{id}/capture", tag = "holds", request_body = NewCapture,
    params(("id" = wire::HoldId, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, description = "Captured", body = wire::hold::Capture)))]
pub async fn capture_hold(State(app): State<App>, Path(text): Path<String>, call: Call) -> Answered<Answer> {
    let caller = app.caller(&call, &[Kind::Payee, Kind::Owner, Kind::Operator]).await?;
    let (hold, change): (HoldId, _) = (path_id(&text)?, call.change_id()?);
    let capture: NewCapture = call.json()?;
    let amount = app.same_asset(hold.0, capture.amount, Reject::HoldUnknown).await?;
    app.execute(&caller, change, Action::Capture(Capture { hold, amount, last: capture.last })).await
}

/// Gives back what a hold has left.
#[utoipa::path(post, path = "/v1/holds/{id}/void", tag = "holds",
    params(("id" = wire::HoldId, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, description = "Released", body = Release)))]
pub async fn void_hold(State(app): State<App>, Path(text): Path<String>, call: Call) -> Answered<Answer> {
    let caller = app.caller(&call, &[Kind::Payee, Kind::Owner, Kind::Operator]).await?;
    let (hold, change): (HoldId, _) = (path_id(&text)?, call.change_id()?);
    call.no_body()?;
    app.execute(&caller, change, Action::Void(Void { hold })).await
}

/// Uses a hold up as proof of payment, for one delivery.
#[utoipa::path(post, path = "/v1/holds/{id}/redeem", tag = "holds", request_body = NewRedemption,
    params(("id" = wire::HoldId, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, description = "Redeemed", body = Done)))]
pub async fn redeem_hold(State(app): State<App>, Path(text): Path<String>, call: Call) -> Answered<Answer> {
    let caller = app.caller(&call, &[Kind::Payee, Kind::Operator]).await?;
    let (hold, change): (HoldId, _) = (path_id(&text)?, call.change_id()?);
    let redemption: NewRedemption = call.json()?;
    let delivery = Hash(redemption.delivery.0);
    app.execute(&caller, change, Action::Redeem(Redeem { hold, delivery })).await
}
