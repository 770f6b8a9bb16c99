//! Bindings: an owner gives her agent a reference to her wallet, and never the wallet (`PSD-PMT-BND`).
//!
//! A reference is a mandate that asks every time. It begins with the owner, who signs for it herself; an agent alone gets
//! none. What freezes, cancels or ends the mandate does so to the reference.

use super::facts::minor;
use super::refusal::{malformed, of_class, unbound};
use super::{ids, tools};
use crate::answer::{Answer, json};
use crate::auth::{Caller, Kind};
use crate::codes::Edge;
use crate::convert::{bits, time_text};
use crate::problem::{Answered, Problem};
use crate::reads;
use crate::request::Call;
use crate::state::App;
use axum::extract::{Path, State};
use axum::response::Response;
use book::{
    Action, AgentId, Carry, Freeze, GrantMandate, Id, KeyHolder, Limit, MandateId, PayeeId, Presence, Revoke,
    Subject, Unfreeze,
};
use evidence::Hash;
use http::StatusCode;
use protocols::act::psd::{BindingError, BindingRequest, BindingState, Identified, PaymentError};
use wire::act::{PaymentTool, ToolState};
use wire::answer::Done;

/// Binds an agent to its owner's wallet, within limits. The owner signs this very request.
#[utoipa::path(post, path = "/v1/act/bindings", tag = "payment services", request_body = Value,
    responses((status = 201, description = "ACT's `BindingResponse`: the reference", body = Value)))]
pub async fn create_binding(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, &[Kind::Owner]).await?;
    let request = BindingRequest::from_json(&call.body).map_err(|fault| malformed(&fault))?;
    bind(&app, &caller, &request).await
}

/// Binds an agent to its owner's wallet.
///
/// # Errors
/// A [`Problem`] with ACT's class of a failed binding; there is no reference then, not even half of one (BND-05).
pub async fn bind(app: &App, caller: &Caller, request: &BindingRequest) -> Answered<Response> {
    let name = request.request_id.as_str();
    let no = |error| unbound(error, name);
    let KeyHolder::Owner(owner) = caller.holder else { return Err(Edge::AudienceWrong.into()) };
    let mandate = MandateId(ids::of_message(&app.session_secret, owner.0, name, request.timestamp.time()));
    let token = crate::routes::intents::draft::identifier(&tools::token(mandate));
    let now = app.clock.now();

    let is_present = caller.presence == Presence::Fresh && request.principal_id.as_str() == owner.to_string();
    let agent: AgentId =
        request.agent_id.as_str().parse().map_err(|_| no(BindingError::AgentIdentificationFailed))?;
    let constraints = request.token_constraints.clone();
    let found = app.ask(move |view| {
        let Some(agent) = view.agent(agent)?.filter(|row| row.owner == owner) else { return Ok(None) };
        Ok(view.wallet(agent.wallet)?)
    });
    let wallet = found.await?;
    let identified = match (&wallet, is_present) {
        (_, false) => Identified::NoPrincipal,
        (None, true) => Identified::NoAgent,
        (Some(wallet), true) => {
            let most = constraints.max_amount_per_transaction;
            let most = most.map(|most| minor(most, wallet.asset).ok_or_else(|| no(BindingError::Other)));
            let most = most.transpose()?;
            let is_beyond = wallet.limits.iter().any(
                |limit| matches!(limit, Limit::PerPayment { max } if most.is_some_and(|most| *max < most)),
            );
            if is_beyond { Identified::BeyondAccount } else { Identified::PrincipalAndAgent }
        }
    };
    let bound = request.bind(identified, token, now);
    let Some(wallet) = wallet else { return Err(no(BindingError::AgentIdentificationFailed)) };
    if let Err(error) = bound {
        return Err(no(error));
    }
    let mut limits = vec![Limit::AskAlways];
    if let Some(most) = constraints.max_amount_per_transaction {
        let max = minor(most, wallet.asset).ok_or_else(|| no(BindingError::Other))?;
        limits.push(Limit::PerPayment { max });
    }
    if let Some(merchants) = &constraints.allowed_merchants {
        let payees = merchants.iter().map(|merchant| merchant.as_str().parse::<PayeeId>());
        let payees = payees.collect::<Result<Vec<_>, _>>().map_err(|_| no(BindingError::Other))?;
        limits.push(Limit::PayeesAllowed { payees });
    }
    let action = Action::GrantMandate(GrantMandate {
        wallet: wallet.id,
        agent,
        valid_from: constraints.validity_period.start_time.time(),
        expires_at: constraints.validity_period.end_time.time(),
        limits,
        document: Hash::of(&request.canonical()),
        carry: Carry::Inherit,
    });
    let Answer::Done(done) = app.execute(caller, mandate.0, action).await? else {
        return Err(Edge::Internal.into());
    };
    let text = request.respond(&bound, now).to_json();
    Ok(super::told(app, StatusCode::CREATED, &text, |body| {
        body.insert("entry".to_owned(), done.entry.into());
        body.insert("repeated".to_owned(), done.repeated.into());
    }))
}

/// A reference as its principal and its agent see it. The account is in neither's answer.
#[utoipa::path(get, path = "/v1/act/bindings/{token}", tag = "payment services", params(("token" = String, Path)),
    responses((status = 200, description = "The reference", body = PaymentTool)))]
pub async fn get_binding(State(app): State<App>, Path(text): Path<String>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, &[Kind::Owner, Kind::Agent]).await?;
    Ok(json(StatusCode::OK, &look_up(&app, caller.holder, text).await?))
}

/// A reference as it stands.
///
/// # Errors
/// [`PaymentError::PaymentToolInvalid`] where there is none, or it is somebody else's.
pub async fn look_up(app: &App, viewer: KeyHolder, token: String) -> Answered<PaymentTool> {
    let state = app.clone();
    app.ask(move |view| {
        let unknown = || of_class(PaymentError::PaymentToolInvalid, "");
        let (binding, row) = tools::binding(&state, view, &token)?.ok_or_else(unknown)?;
        if !reads::sees(viewer, Some(row.owner), Some(row.agent)) {
            return Err(unknown());
        }
        let merchants = binding.constraints.allowed_merchants.as_ref();
        Ok(PaymentTool {
            payment_token: token,
            agent: wire::AgentId(bits(row.agent.0)),
            state: binding.state_at(state.clock.now()).as_str().to_owned(),
            valid_from: time_text(row.valid_from),
            token_expiry: time_text(row.expires_at),
            max_amount_per_transaction: binding
                .constraints
                .max_amount_per_transaction
                .map(|it| it.to_string()),
            allowed_merchants: merchants.map(|list| list.iter().map(|it| it.as_str().to_owned()).collect()),
            livemode: state.livemode,
        })
    })
    .await
}

/// Freezes, thaws or cancels a reference.
#[utoipa::path(post, path = "/v1/act/bindings/{token}/state", tag = "payment services", request_body = ToolState,
    params(("token" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, description = "It stands so", body = Done)))]
pub async fn set_binding_state(
    State(app): State<App>,
    Path(text): Path<String>,
    call: Call,
) -> Answered<Answer> {
    let caller = app.caller(&call, &[Kind::Owner, Kind::Operator]).await?;
    let change = call.change_id()?;
    let ToolState { state } = call.json()?;
    set_state(&app, &caller, change, &text, &state).await
}

/// Brings a reference into a state.
///
/// # Errors
/// What the book refuses: what was cancelled stays cancelled, and thawing needs the owner's own signature.
pub async fn set_state(app: &App, caller: &Caller, change: Id, token: &str, to: &str) -> Answered<Answer> {
    look_up(app, caller.holder, token.to_owned()).await?;
    let mandate = tools::mandate_of(token).ok_or_else(|| of_class(PaymentError::PaymentToolInvalid, ""))?;
    let subject = Subject::Mandate(mandate);
    let action = match BindingState::parse(to) {
        Some(BindingState::Active) => Action::Unfreeze(Unfreeze { subject }),
        Some(BindingState::Frozen) => Action::Freeze(Freeze { subject }),
        Some(BindingState::Cancelled) => Action::Revoke(Revoke { subject }),
        Some(BindingState::Expired) | None => {
            return Err(Problem::from(Edge::BodyMalformed).of("state"));
        }
    };
    app.execute(caller, change, action).await
}
