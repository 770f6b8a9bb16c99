//! Observations: what sellers say their items cost, for mandates that wait for a price.

use crate::answer::Answer;
use crate::auth::Kind;
use crate::codes::Edge;
use crate::convert::{amount, bits, money, registered, time_text};
use crate::problem::{Answered, Problem};
use crate::reads::show;
use crate::request::Call;
use crate::routes::{page, paged};
use crate::state::{self, App};
use axum::extract::State;
use axum::response::Response;
use book::{Action, KeyHolder, Observe};
use engine::views::ObservationRow;
use evidence::Hash;
use wire::account::{NewObservation, Observation};
use wire::answer::Done;
use wire::list::{Page, PageQuery};

/// Says what an item costs. Agents whose mandates wait for it, and their owners, find it among their decisions.
#[utoipa::path(post, path = "/v1/observations", tag = "accounts", request_body = NewObservation,
    params(("Idempotency-Key" = String, Header)), responses((status = 201, description = "Noted", body = Done)))]
pub async fn create_observation(State(app): State<App>, call: Call) -> Answered<Answer> {
    let caller = app.caller(&call, &[Kind::Payee]).await?;
    let change = call.change_id()?;
    let said: NewObservation = call.json()?;
    let action = Action::Observe(Observe {
        item: Hash(said.item.0),
        price: amount(said.price.amount),
        asset: registered(&app.directory, said.price.asset, "price")?.code,
        stock: said.stock,
    });
    app.execute(&caller, change, action).await
}

/// The latest prices, newest first: a seller's own, and for agents and owners those that their mandates wait for.
#[utoipa::path(get, path = "/v1/observations", tag = "accounts", params(PageQuery),
    responses((status = 200, description = "A page", body = Page<Observation>)))]
pub async fn list_observations(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, Kind::ALL).await?;
    let window = page(&call)?;
    show(&app, &call, move |app, view| {
        let (cursor, limit) = (window.cursor, window.limit);
        let rows = match caller.holder {
            KeyHolder::Operator => view.observations(cursor, limit)?,
            KeyHolder::Owner(owner) => view.observations_for_owner(owner, cursor, limit)?,
            KeyHolder::Agent(agent) => view.observations_for_agent(agent, cursor, limit)?,
            KeyHolder::Payee(payee) => view.observations_of_payee(payee, cursor, limit)?,
        };
        paged(rows, app.livemode, |row| observation_text(app, &row))
    })
    .await
}

fn observation_text(app: &state::State, row: &ObservationRow) -> Answered<Observation> {
    let asset = app.directory.asset(row.asset).ok_or(Problem::from(Edge::Internal))?;
    Ok(Observation {
        payee: wire::PayeeId(bits(row.payee.0)),
        item: wire::Digest(row.item.0),
        price: money(row.price, asset),
        stock: row.stock,
        observed_at: time_text(row.at),
        entry: row.seq.0,
        livemode: app.livemode,
    })
}
