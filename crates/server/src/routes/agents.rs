//! Agents: the programs that spend.

use crate::answer::Answer;
use crate::auth::Kind;
use crate::convert::{bits, id, limits, limits_text, new_key};
use crate::problem::{Answered, Problem};
use crate::reads::{self, show};
use crate::request::{Call, path_id};
use crate::routes::accounts::status_text;
use crate::routes::{check_label, page, paged};
use crate::state::{self, App};
use axum::extract::{Path, State};
use axum::response::Response;
use book::{Action, AgentId, EnrolAgent, KeyHolder, Reject, WalletId};
use engine::views::{AgentRow, Page as Rows};
use wire::account::{Agent, NewAgent};
use wire::answer::Done;
use wire::list::{Page, PageQuery};

/// Registers an agent with a wallet.
#[utoipa::path(post, path = "/v1/agents", tag = "agents", request_body = NewAgent,
    responses((status = 201, description = "Registered", body = Done)))]
pub async fn create_agent(State(app): State<App>, call: Call) -> Answered<Answer> {
    let caller = app.caller(&call, &[Kind::Owner]).await?;
    let agent: NewAgent = call.json()?;
    check_label(agent.label.as_deref())?;
    let (key, public_key) = new_key(&agent.key)?;
    let (wallet, limits) = (WalletId(id(agent.wallet.0)), limits(&agent.limits)?);
    let action = Action::EnrolAgent(EnrolAgent { wallet, limits, key, public_key });
    let name = id(agent.id.0);
    let answer = app.execute(&caller, name, action).await?;
    app.keep_label(name, agent.label.as_deref());
    Ok(answer)
}

/// The agents that the caller may see, newest first.
#[utoipa::path(get, path = "/v1/agents", tag = "agents", params(PageQuery),
    responses((status = 200, description = "A page", body = Page<Agent>)))]
pub async fn list_agents(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, Kind::ALL).await?;
    let window = page(&call)?;
    show(&app, &call, move |app, view| {
        let rows = match caller.holder {
            KeyHolder::Operator => view.agents(window.cursor, window.limit)?,
            KeyHolder::Owner(owner) => view.agents_of_owner(owner, window.cursor, window.limit)?,
            KeyHolder::Agent(id) => {
                let behind = |row: &AgentRow| window.cursor.is_none_or(|cursor| row.seq <= cursor);
                Rows { rows: view.agent(id)?.filter(behind).into_iter().collect(), next: None }
            }
            KeyHolder::Payee(_) => reads::nothing(),
        };
        paged(rows, app.livemode, |row| agent_text(app, row))
    })
    .await
}

/// One agent.
#[utoipa::path(get, path = "/v1/agents/{id}", tag = "agents", params(("id" = wire::AgentId, Path), ("at_least" = Option<u64>, Query, description = "Before which entry everything has to be shown; by default all that was answered until now")),
    responses((status = 200, description = "The agent", body = Agent)))]
pub async fn get_agent(State(app): State<App>, Path(text): Path<String>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, Kind::ALL).await?;
    let agent: AgentId = path_id(&text)?;
    show(&app, &call, move |app, view| {
        let row = reads::agent(view, caller.holder, agent)?;
        agent_text(app, row.ok_or_else(|| Problem::from(Reject::AgentUnknown))?)
    })
    .await
}

fn agent_text(app: &state::State, row: AgentRow) -> Answered<Agent> {
    Ok(Agent {
        id: wire::AgentId(bits(row.id.0)),
        wallet: wire::WalletId(bits(row.wallet.0)),
        status: status_text(row.status, "revoked").to_owned(),
        limits: limits_text(&row.limits),
        limits_version: row.version,
        label: app.label(row.id.0)?,
        livemode: app.livemode,
    })
}
