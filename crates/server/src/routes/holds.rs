//! Holds: placed by agents, captured, voided and redeemed by sellers.

use crate::answer::{Answer, PurchaseKind, json, same_asset};
use crate::auth::Kind;
use crate::convert::{Buy, id, time};
use crate::problem::{Answered, Problem};
use crate::request::{Call, path_id};
use crate::routes::payments::{list_purchases, purchase_state};
use crate::state::App;
use axum::extract::{Path, State};
use axum::response::Response;
use book::{Action, Capture, HoldId, PlaceHold, Redeem, Reject, Void};
use evidence::Hash;
use http::StatusCode;
use wire::answer::{Asked, Done};
use wire::hold::{Hold, NewCapture, NewHold, NewRedemption, Release};
use wire::list::{Page, PageQuery};
use wire::payment::PaymentState;

/// Sets money aside for a payee.
#[utoipa::path(post, path = "/v1/holds", tag = "holds", request_body = NewHold,
    responses((status = 201, description = "Held", body = Hold), (status = 202, description = "The owner is asked", body = Asked)))]
pub async fn create_hold(State(app): State<App>, call: Call) -> Answered<Answer> {
    let caller = app.caller(&call, &[Kind::Agent, Kind::Owner]).await?;
    let hold: NewHold = call.json()?;
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
    let action = Action::PlaceHold(PlaceHold { purchase: buy.purchase(&app.directory)?, expires_at });
    app.execute(&caller, id(hold.id.0), action).await
}

/// The holds that the caller may see, newest first.
#[utoipa::path(get, path = "/v1/holds", tag = "holds", params(PageQuery),
    responses((status = 200, description = "A page", body = Page<PaymentState>)))]
pub async fn list_holds(State(app): State<App>, call: Call) -> Answered<Response> {
    list_purchases(&app, &call, &[PurchaseKind::Hold]).await
}

/// One hold as it stands now.
#[utoipa::path(get, path = "/v1/holds/{id}", tag = "holds", params(("id" = wire::HoldId, Path)),
    responses((status = 200, description = "The hold", body = PaymentState)))]
pub async fn get_hold(State(app): State<App>, Path(text): Path<String>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, Kind::ALL).await?;
    let hold: HoldId = path_id(&text)?;
    app.settle().await?;
    let row = app.reads.purchase_row(caller.holder, hold.0).filter(|row| row.kind == PurchaseKind::Hold);
    let row = row.ok_or_else(|| Problem::from(Reject::HoldUnknown))?;
    Ok(json(StatusCode::OK, &purchase_state(&app, row)?))
}

/// Moves held money to the payees.
#[utoipa::path(post, path = "/v1/holds/{id}/capture", tag = "holds", request_body = NewCapture,
    params(("id" = wire::HoldId, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, description = "Captured", body = wire::hold::Capture)))]
pub async fn capture_hold(State(app): State<App>, Path(text): Path<String>, call: Call) -> Answered<Answer> {
    let caller = app.caller(&call, &[Kind::Payee, Kind::Owner, Kind::Operator]).await?;
    let (hold, change): (HoldId, _) = (path_id(&text)?, call.change_id()?);
    let capture: NewCapture = call.json()?;
    app.settle().await?;
    let amount = same_asset(&app.reads, &app.directory, hold.0, capture.amount, Reject::HoldUnknown)?;
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
    app.settle().await?;
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
