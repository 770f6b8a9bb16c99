//! Sessions, and who the server thinks is asking.

use crate::answer::json;
use crate::auth::{Kind, session};
use crate::codes::Edge;
use crate::convert::{bits, time_text};
use crate::problem::{Answered, Problem};
use crate::request::Call;
use crate::state::App;
use axum::extract::State;
use axum::response::Response;
use book::{KeyHolder, Presence, Time};
use evidence::base64url;
use http::StatusCode;
use wire::limits::SESSION_SECONDS_MAX;
use wire::session::{Me, NewSession, Session};

/// Opens a session. The request has to be signed; it uses up its nonce like any change.
#[utoipa::path(post, path = "/v1/sessions", tag = "sessions", request_body = NewSession,
    responses((status = 201, description = "Opened", body = Session)))]
pub async fn create_session(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, Kind::ALL).await?;
    if caller.presence != Presence::Fresh {
        return Err(Edge::SignatureMissing.into());
    }
    let NewSession { seconds } = call.json_if_any()?;
    let seconds = seconds.unwrap_or(SESSION_SECONDS_MAX);
    if seconds == 0 || SESSION_SECONDS_MAX < seconds {
        return Err(Problem::from(Edge::BodyMalformed).of("seconds"));
    }
    app.present(&caller).await?;
    let expires_at = app.clock.now().after(Time::from_seconds(u64::from(seconds)).0);
    let (session, secret) = session::create(&app.session_secret, &caller, expires_at, rand::random());
    let session = Session {
        session,
        secret: base64url::encode(secret.expose()),
        expires_at: time_text(expires_at),
        livemode: app.livemode,
    };
    Ok(json(StatusCode::CREATED, &session))
}

/// Who is asking.
#[utoipa::path(get, path = "/v1/me", tag = "sessions", responses((status = 200, description = "Whose key it is", body = Me)))]
pub async fn get_me(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, Kind::ALL).await?;
    let (kind, id) = match caller.holder {
        KeyHolder::Operator => ("operator", None),
        KeyHolder::Owner(id) => ("owner", Some(id.to_string())),
        KeyHolder::Agent(id) => ("agent", Some(id.to_string())),
        KeyHolder::Payee(id) => ("payee", Some(id.to_string())),
    };
    let presence = match caller.presence {
        Presence::Session => "session",
        Presence::Fresh => "signature",
    };
    let me = Me {
        kind: kind.to_owned(),
        id,
        key: wire::KeyId(bits(caller.key.0)),
        presence: presence.to_owned(),
        livemode: app.livemode,
    };
    Ok(json(StatusCode::OK, &me))
}
