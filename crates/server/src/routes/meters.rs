//! Meters: opened by agents, charged and closed by sellers.

use crate::answer::{Answer, json};
use crate::auth::Kind;
use crate::convert::{Buy, id, rates, rounding, time};
use crate::problem::Answered;
use crate::request::{Call, path_id};
use crate::routes::check_why;
use crate::routes::payments::{AtMost, ItemResult, item_result, show_purchase};
use crate::state::App;
use axum::extract::{Path, State};
use axum::response::Response;
use book::{Action, Charge, CloseMeter, MeterId, OpenMeter, Reject};
use engine::views::Form;
use http::StatusCode;
use wire::answer::Asked;
use wire::limits::CHARGES_MAX;
use wire::meter::{ChargeResult, Meter, NewCharge, NewMeter, Settlement};
use wire::payment::PaymentState;

/// Sets aside the most that metered work may cost.
#[utoipa::path(post, path = "/v1/meters", tag = "meters", request_body = NewMeter,
    responses((status = 201, description = "Opened", body = Meter), (status = 202, description = "The owner is asked", body = Asked)))]
pub async fn create_meter(State(app): State<App>, call: Call) -> Answered<Answer> {
    let caller = app.caller(&call, &[Kind::Agent, Kind::Owner]).await?;
    let meter: NewMeter = call.json()?;
    check_why(meter.why.as_deref())?;
    let buy = Buy {
        wallet: meter.wallet,
        mandate: meter.mandate,
        payee: meter.payee,
        split: meter.split.as_ref(),
        amount: meter.amount,
        category: meter.category.as_deref(),
        reference: meter.reference,
        approval: meter.approval.as_deref(),
    };
    let action = Action::OpenMeter(OpenMeter {
        purchase: buy.purchase(&app.directory)?,
        expires_at: time(&meter.expires_at, "expires_at")?,
        rates: rates(&meter.rates_nanos_per_unit),
        rounding: rounding(meter.rounding),
    });
    let came = app.execute(&caller, id(meter.id.0), action).await;
    app.keep_why(&caller, id(meter.id.0), meter.why.as_deref(), &came);
    came
}

/// One meter as it stands now.
#[utoipa::path(get, path = "/v1/meters/{id}", tag = "meters", params(("id" = wire::MeterId, Path), ("at_least" = Option<u64>, Query, description = "Before which entry everything has to be shown; by default all that was answered until now")),
    responses((status = 200, description = "The meter", body = PaymentState)))]
pub async fn get_meter(State(app): State<App>, Path(text): Path<String>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, Kind::ALL).await?;
    let meter: MeterId = path_id(&text)?;
    show_purchase(&app, &call, caller.holder, (meter.0, &[Form::Meter]), Reject::MeterUnknown).await
}

/// Counts work, in the order of the array. Each charge is answered for itself.
#[utoipa::path(post, path = "/v1/meters/{id}/charges", tag = "meters", request_body = Vec<NewCharge>,
    params(("id" = wire::MeterId, Path)),
    responses((status = 200, description = "What came of each charge", body = Vec<ChargeResult>)))]
pub async fn create_charges(
    State(app): State<App>,
    Path(text): Path<String>,
    call: Call,
) -> Answered<Response> {
    let caller = app.caller(&call, &[Kind::Payee]).await?;
    let meter: MeterId = path_id(&text)?;
    let charges: AtMost<NewCharge, CHARGES_MAX> = call.json()?;
    let action = |charge: NewCharge| {
        let NewCharge { id: name, sequence, units } = charge;
        (id(name.0), Action::Charge(Charge { meter, sequence, units }))
    };
    let results = app.execute_all(&caller, charges.0.into_iter().map(action).collect()).await?;
    let results: Vec<ItemResult> =
        results.into_iter().map(|result| item_result(result, app.livemode)).collect();
    Ok(json(StatusCode::OK, &results))
}

/// Settles a meter: captures what was counted and releases the rest.
#[utoipa::path(post, path = "/v1/meters/{id}/close", tag = "meters",
    params(("id" = wire::MeterId, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, description = "Settled", body = Settlement)))]
pub async fn close_meter(State(app): State<App>, Path(text): Path<String>, call: Call) -> Answered<Answer> {
    let caller = app.caller(&call, &[Kind::Payee, Kind::Owner, Kind::Operator]).await?;
    let (meter, change): (MeterId, _) = (path_id(&text)?, call.change_id()?);
    call.no_body()?;
    app.execute(&caller, change, Action::CloseMeter(CloseMeter { meter })).await
}
