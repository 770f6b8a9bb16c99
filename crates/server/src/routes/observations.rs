//! Observations: what sellers say their items cost, for mandates that wait for a price.

use crate::answer::Answer;
use crate::auth::Kind;
use crate::convert::{amount, registered};
use crate::problem::Answered;
use crate::request::Call;
use crate::state::App;
use axum::extract::State;
use book::{Action, Observe};
use evidence::Hash;
use wire::account::NewObservation;
use wire::answer::Done;

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
