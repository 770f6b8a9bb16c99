//! Agents: the programs that spend.

use crate::answer::{Answer, json};
use crate::auth::Kind;
use crate::convert::{bits, id, limits, limits_text, new_key};
use crate::problem::{Answered, Problem};
use crate::reads::AgentRow;
use crate::request::{Call, path_id};
use crate::routes::accounts::status_text;
use crate::routes::{check_label, one_more, page, paged};
use crate::state::App;
use axum::extract::{Path, State};
use axum::response::Response;
use book::{Action, AgentId, EnrolAgent, Reject, WalletId};
use http::StatusCode;
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
    app.settle().await?;
    let rows = app.reads.agents(caller.holder, one_more(window));
    let page = paged(rows, window, app.livemode, |row| row.id.0, |row| agent_text(&app, row))?;
    Ok(json(StatusCode::OK, &page))
}

/// One agent.
#[utoipa::path(get, path = "/v1/agents/{id}", tag = "agents", params(("id" = wire::AgentId, Path)),
    responses((status = 200, description = "The agent", body = Agent)))]
pub async fn get_agent(State(app): State<App>, Path(text): Path<String>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, Kind::ALL).await?;
    let agent: AgentId = path_id(&text)?;
    app.settle().await?;
    let row = app.reads.agent(caller.holder, agent).ok_or_else(|| Problem::from(Reject::AgentUnknown))?;
    Ok(json(StatusCode::OK, &agent_text(&app, row)?))
}

fn agent_text(app: &App, row: AgentRow) -> Answered<Agent> {
    Ok(Agent {
        id: wire::AgentId(bits(row.id.0)),
        wallet: wire::WalletId(bits(row.wallet.0)),
        status: status_text(row.status, "revoked").to_owned(),
        limits: limits_text(&row.limits.0),
        limits_version: row.limits.1,
        label: app.label(row.id.0)?,
        livemode: app.livemode,
    })
}
