//! Joining: inviting owners, and connecting programs as their agents.

use crate::answer::json;
use crate::auth::Kind;
use crate::codes::Edge;
use crate::connections::{self, Connecting};
use crate::convert::{bits, new_key, time_text};
use crate::invitations;
use crate::limits::INVITATION_SECONDS_MAX;
use crate::problem::{Answered, Problem};
use crate::request::Call;
use crate::routes::check_label;
use crate::state::App;
use axum::extract::{Path, State};
use axum::response::Response;
use book::{Id, OwnerId, Time};
use http::StatusCode;
use wire::joining::{Connection, Invitation, NewConnection, NewInvitation};

/// Invites somebody to become an owner: the link is good once.
#[utoipa::path(post, path = "/v1/invitations", tag = "accounts", request_body = NewInvitation,
    responses((status = 201, description = "A link", body = Invitation)))]
pub async fn create_invitation(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, &[Kind::Operator]).await?;
    let NewInvitation { seconds } = call.json_if_any()?;
    let seconds = seconds.unwrap_or(INVITATION_SECONDS_MAX);
    if seconds == 0 || INVITATION_SECONDS_MAX < seconds {
        return Err(Problem::from(Edge::BodyMalformed).of("seconds"));
    }
    app.present(&caller).await?;
    let expires_at = app.clock.now().after(Time::from_seconds(seconds).0);
    let text = invitations::create(&app.session_secret, OwnerId(app.new_id()), expires_at);
    let invitation = Invitation {
        path: format!("/join/{text}"),
        expires_at: time_text(expires_at),
        livemode: app.livemode,
    };
    Ok(json(StatusCode::CREATED, &invitation))
}

/// Asks to be connected as an agent of whoever was shown the code. The owner then compares the words.
#[utoipa::path(post, path = "/v1/connections", tag = "agents", request_body = NewConnection, security(()),
    responses((status = 201, description = "It waits for the owner", body = Connection),
              (status = 404, description = "No such code", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn create_connection(State(app): State<App>, call: Call) -> Answered<Response> {
    let NewConnection { code, device, key } = call.json()?;
    check_label(Some(&device)).map_err(|_| Problem::from(Edge::TextMalformed).of("device"))?;
    let key = new_key(&key)?;
    let asked = app.connections.ask(&code, device, key, app.clock.now(), app.new_id());
    let connection = asked.ok_or(Problem::from(Edge::ConnectionUnknown))?;
    Ok(json(StatusCode::CREATED, &connection_text(&connection, app.livemode)))
}

/// Where a connection stands.
#[utoipa::path(get, path = "/v1/connections/{id}", tag = "agents", params(("id" = String, Path)), security(()),
    responses((status = 200, description = "Where it stands", body = Connection),
              (status = 404, description = "No such connection", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn get_connection(State(app): State<App>, Path(text): Path<String>) -> Answered<Response> {
    let unknown = || Problem::from(Edge::ConnectionUnknown);
    let id = text.strip_prefix("con_").and_then(Id::from_text).ok_or_else(unknown)?;
    let connection = app.connections.find(id, app.clock.now()).ok_or_else(unknown)?;
    Ok(json(StatusCode::OK, &connection_text(&connection, app.livemode)))
}

fn connection_text(connection: &connections::Connection, livemode: bool) -> Connection {
    let (status, agent) = match connection.status {
        Connecting::Waiting => ("waiting", None),
        Connecting::Connected(agent) => ("connected", Some(wire::AgentId(bits(agent.0)))),
        Connecting::Refused => ("refused", None),
    };
    Connection {
        id: format!("con_{}", connection.id.text()),
        status: status.to_owned(),
        phrase: connection.phrase.iter().map(|word| (*word).to_owned()).collect(),
        agent,
        wallet: wire::WalletId(bits(connection.wallet.0)),
        expires_at: time_text(connection.expires_at),
        livemode,
    }
}
