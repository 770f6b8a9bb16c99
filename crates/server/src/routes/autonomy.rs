//! Autonomy levels: limits to begin with. The book knows nothing of them; see `docs/autonomy.md`.

use crate::answer::json;
use crate::codes::Edge;
use crate::convert::{amount, id, limits_text};
use crate::problem::{Answered, Problem};
use crate::request::Call;
use crate::routes::query;
use crate::state::App;
use axum::extract::State;
use axum::response::Response;
use book::limits::LIST_MAX;
use book::{Budget, Level, PayeeId, Zone};
use http::StatusCode;
use wire::autonomy::{Autonomy, BudgetQuery};

/// The autonomy levels; with a budget, each with the limits that it comes to.
#[utoipa::path(get, path = "/v1/autonomy", tag = "mandates", params(BudgetQuery), security(()),
    responses((status = 200, description = "The levels, least first", body = Autonomy)))]
pub async fn get_autonomy(State(app): State<App>, call: Call) -> Answered<Response> {
    let budget = budget(query(&call)?)?;
    let level = |level: &Level| wire::autonomy::Level {
        level: level.code().to_owned(),
        meaning: level.meaning().to_owned(),
        own_definition: level.is_our_own(),
        limits: budget.as_ref().map(|budget| limits_text(&level.limits(budget))),
    };
    let data = Level::ALL.iter().map(level).collect();
    Ok(json(StatusCode::OK, &Autonomy { data, livemode: app.livemode }))
}

/// A whole budget, or none at all.
fn budget(query: BudgetQuery) -> Answered<Option<Budget>> {
    let malformed = |param: &'static str| Problem::from(Edge::ParamMalformed).of(param);
    let BudgetQuery { small, per_payment, per_day, zone, total, payees } = query;
    if small.or(per_payment).or(per_day).or(total).is_none() && zone.is_none() && payees.is_none() {
        return Ok(None);
    }
    let named = payees.as_deref().unwrap_or_default().split(',').filter(|text| !text.is_empty());
    let payee = |text: &str| text.parse::<wire::PayeeId>().map(|payee| PayeeId(id(payee.0)));
    let payees: Vec<PayeeId> = named.map(payee).collect::<Result<_, _>>().map_err(|_| malformed("payees"))?;
    if LIST_MAX < payees.len() {
        return Err(malformed("payees"));
    }
    Ok(Some(Budget {
        small: amount(small.ok_or_else(|| malformed("small"))?),
        per_payment: amount(per_payment.ok_or_else(|| malformed("per_payment"))?),
        per_day: amount(per_day.ok_or_else(|| malformed("per_day"))?),
        zone: zone.and_then(|name| Zone::new(&name)).ok_or_else(|| malformed("zone"))?,
        total: amount(total.ok_or_else(|| malformed("total"))?),
        payees,
    }))
}
