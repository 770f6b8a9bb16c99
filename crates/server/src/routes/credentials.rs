//! Credentials: intent authorization credentials as their holders fetch them, and where each stands (`ADD-IAC-LCM`).
//!
//! A credential is a mandate with a signature: its state is the mandate's, its end is the mandate's, and whoever freezes
//! or revokes the mandate suspends or revokes the credential. Nothing of that is kept twice.

use crate::answer::{Answer, json};
use crate::auth::{Caller, Kind};
use crate::codes::Edge;
use crate::convert::{bits, time_text};
use crate::limits::STATUS_AGE_SECONDS_MAX;
use crate::papers::CredentialPaper;
use crate::problem::{Answered, Problem};
use crate::reads::{self, show};
use crate::request::{Call, path_id};
use crate::routes::intents::draft::unreadable;
use crate::routes::{Window, page};
use crate::state::{App, State as Shared};
use axum::extract::{Path, State};
use axum::response::Response;
use book::freeze::Status;
use book::{Action, Actor, Freeze, Id, KeyHolder, MandateId, Revoke, Seq, Subject, Time, Unfreeze};
use engine::View;
use engine::views::MandateRow;
use evidence::{Hash, PublicKey, base64url};
use http::{HeaderValue, StatusCode, header};
use protocols::act::lifecycle::{Caller as Asker, Change, IacState, Lifecycle, NotChanged};
use wire::act::{Credential, CredentialEvent, CredentialKey, CredentialKeys, CredentialStatus};
use wire::answer::Done;
use wire::list::{Page, PageQuery};

/// The credential itself, for its principal and its agent.
#[utoipa::path(get, path = "/v1/credentials/{id}", tag = "credentials", params(("id" = wire::MandateId, Path)),
    responses((status = 200, description = "The credential", body = Credential)))]
pub async fn get_credential(
    State(app): State<App>,
    Path(text): Path<String>,
    call: Call,
) -> Answered<Response> {
    let caller = app.caller(&call, &[Kind::Owner, Kind::Agent]).await?;
    let mandate: MandateId = path_id(&text)?;
    Ok(json(StatusCode::OK, &look_up(&app, caller.holder, mandate).await?))
}

/// The credential of a mandate that was granted, for whoever may see the mandate.
///
/// # Errors
/// [`Edge::CredentialUnknown`], also where its text was lost: the mandate stands, and nothing can be paid under it here.
pub async fn look_up(app: &App, viewer: KeyHolder, mandate: MandateId) -> Answered<Credential> {
    let state = app.clone();
    app.ask(move |view| {
        let unknown = || Problem::from(Edge::CredentialUnknown);
        let row = reads::mandate(view, viewer, mandate)?.ok_or_else(unknown)?;
        let paper = paper(&state, &row)?.ok_or_else(unknown)?;
        Ok(Credential {
            delegation_id: wire::MandateId(bits(mandate.0)),
            intent: Some(wire::IntentId(bits(paper.intent))),
            digest: wire::Digest(row.document.0),
            credential: paper.credential,
            entry: row.seq.0,
            repeated: None,
            livemode: state.livemode,
        })
    })
    .await
}

/// The text of a credential, if it is the one whose digest the journal holds.
pub(crate) fn paper(app: &Shared, row: &MandateRow) -> Answered<Option<CredentialPaper>> {
    let found = app.papers.credential(row.id).map_err(|fault| unreadable(&fault))?;
    Ok(found.filter(|paper| Hash::of(paper.credential.as_bytes()) == row.document))
}

/// Where a credential stands, for everybody who was shown it.
#[utoipa::path(get, path = "/v1/credentials/{id}/status", tag = "credentials", security(()),
    params(("id" = wire::MandateId, Path)),
    responses((status = 200, description = "Where it stands", body = CredentialStatus),
              (status = 404, description = "No such credential", body = wire::Problem, content_type = "application/problem+json")))]
pub async fn get_credential_status(State(app): State<App>, Path(text): Path<String>) -> Answered<Response> {
    let mandate: MandateId = path_id(&text)?;
    let status = status(&app, mandate).await?;
    let mut response = json(StatusCode::OK, &status);
    let age = HeaderValue::from_str(&format!("max-age={STATUS_AGE_SECONDS_MAX}"));
    response.headers_mut().insert(header::CACHE_CONTROL, age.expect("a number of seconds is a header"));
    Ok(response)
}

/// Where a credential stands at this moment.
///
/// # Errors
/// [`Edge::CredentialUnknown`].
pub async fn status(app: &App, mandate: MandateId) -> Answered<CredentialStatus> {
    let state = app.clone();
    app.ask(move |view| {
        let row = view.mandate(mandate)?.ok_or_else(|| Problem::from(Edge::CredentialUnknown))?;
        let unknown = || Problem::from(Edge::CredentialUnknown);
        paper(&state, &row)?.ok_or_else(unknown)?;
        let now = state.clock.now();
        let (lifecycle, by) = lifecycle(view, &row)?;
        let standing = lifecycle.state_at(now);
        Ok(CredentialStatus {
            delegation_id: wire::MandateId(bits(mandate.0)),
            status: standing.as_str().to_owned(),
            usable: lifecycle.usable(now).is_ok(),
            changed_at: time_text(lifecycle.changed_at(now)),
            changed_by: by.filter(|_| standing != IacState::Expired),
            as_of: time_text(now),
            max_age_seconds: STATUS_AGE_SECONDS_MAX,
            livemode: state.livemode,
        })
    })
    .await
}

/// The life of a credential as its mandate tells it, and who changed it last.
pub(crate) fn lifecycle(view: &View, row: &MandateRow) -> Answered<(Lifecycle, Option<String>)> {
    let state = match row.status {
        Status::Active => IacState::Active,
        Status::Frozen => IacState::Suspended,
        Status::Revoked => IacState::Revoked,
    };
    let change = match row.changed {
        Some(seq) => view.decision(seq)?,
        None => None,
    };
    let changed_at = change.as_ref().map_or(row.at, |change| change.at);
    let life = Lifecycle::stored((row.valid_from, row.expires_at), state, changed_at);
    Ok((life, change.and_then(|change| name_of(change.by))))
}

/// What happened to a credential: every change of its state once, newest first, down to the intent it began with.
#[utoipa::path(get, path = "/v1/credentials/{id}/events", tag = "credentials",
    params(("id" = wire::MandateId, Path), PageQuery),
    responses((status = 200, description = "A page", body = Page<CredentialEvent>)))]
pub async fn list_credential_events(
    State(app): State<App>,
    Path(text): Path<String>,
    call: Call,
) -> Answered<Response> {
    let caller = app.caller(&call, &[Kind::Owner, Kind::Agent, Kind::Operator]).await?;
    let (mandate, window): (MandateId, _) = (path_id(&text)?, page(&call)?);
    show(&app, &call, move |app, view| events(app, view, caller.holder, mandate, window)).await
}

/// The events of a credential. They are read from the journal's views: there is no other store that could miss one, and
/// none that a payment could wait for.
fn events(
    app: &Shared,
    view: &View,
    viewer: KeyHolder,
    mandate: MandateId,
    window: Window,
) -> Answered<Page<CredentialEvent>> {
    let unknown = || Problem::from(Edge::CredentialUnknown);
    let row = reads::mandate(view, viewer, mandate)?.ok_or_else(unknown)?;
    let paper = paper(app, &row)?.ok_or_else(unknown)?;
    let event = |name: &str, at: Time, by: Option<Actor>, entry: Option<Seq>| CredentialEvent {
        event: format!("act:delegation:{name}"),
        delegation_id: wire::MandateId(bits(mandate.0)),
        intent_id: wire::IntentId(bits(paper.intent)),
        at: time_text(at),
        by: by.and_then(name_of),
        entry: entry.map(|entry| entry.0),
        livemode: app.livemode,
    };
    let changes = view.changes_of_mandate(mandate, window.cursor, window.limit)?;
    let mut data = Vec::new();
    if window.cursor.is_none() && row.expires_at <= app.clock.now() {
        let last = changes.rows.iter().find(|change| change.at < row.expires_at);
        if last.is_none_or(|change| change.status != Status::Revoked) {
            data.push(event("delegation-expired", row.expires_at, None, None));
        }
    }
    // What came after the end changed nothing any more.
    for change in changes.rows.iter().filter(|change| change.at < row.expires_at) {
        let name = match change.status {
            Status::Active => "delegation-resumed",
            Status::Frozen => "delegation-suspended",
            Status::Revoked => "delegation-revoked",
        };
        data.push(event(name, change.at, Some(change.by), Some(change.seq)));
    }
    if changes.next.is_none() {
        let by = view.decision(row.seq)?.map(|granted| granted.by);
        data.push(event("delegation-issued", row.at, by, Some(row.seq)));
        data.push(event("intent-created", row.at, by, Some(row.seq)));
    }
    let next_cursor = changes.next.map(|next| next.0.to_string());
    Ok(Page { data, next_cursor, livemode: app.livemode })
}

fn name_of(by: Actor) -> Option<String> {
    match by.holder()? {
        KeyHolder::Operator => Some("operator".to_owned()),
        KeyHolder::Owner(owner) => Some(owner.to_string()),
        KeyHolder::Agent(agent) => Some(agent.to_string()),
        KeyHolder::Payee(payee) => Some(payee.to_string()),
    }
}

/// Suspends a credential: nothing is paid under it for now.
#[utoipa::path(post, path = "/v1/credentials/{id}/suspend", tag = "credentials",
    params(("id" = wire::MandateId, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, description = "Suspended", body = Done)))]
pub async fn suspend_credential(
    State(app): State<App>,
    Path(text): Path<String>,
    call: Call,
) -> Answered<Answer> {
    changed(&app, &text, &call, Change::Suspend).await
}

/// Lets a suspended credential be used again. The owner signs this very request.
#[utoipa::path(post, path = "/v1/credentials/{id}/resume", tag = "credentials",
    params(("id" = wire::MandateId, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, description = "Active", body = Done)))]
pub async fn resume_credential(
    State(app): State<App>,
    Path(text): Path<String>,
    call: Call,
) -> Answered<Answer> {
    changed(&app, &text, &call, Change::Resume).await
}

/// Takes a credential back for good.
#[utoipa::path(post, path = "/v1/credentials/{id}/revoke", tag = "credentials",
    params(("id" = wire::MandateId, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, description = "Revoked", body = Done)))]
pub async fn revoke_credential(
    State(app): State<App>,
    Path(text): Path<String>,
    call: Call,
) -> Answered<Answer> {
    changed(&app, &text, &call, Change::Revoke).await
}

async fn changed(app: &App, text: &str, call: &Call, to: Change) -> Answered<Answer> {
    let caller = app.caller(call, Kind::ALL).await?;
    let (mandate, id): (MandateId, _) = (path_id(text)?, call.change_id()?);
    call.no_body()?;
    change(app, &caller, id, mandate, to).await
}

/// Changes where a credential stands, as far as its life and the caller allow (LCM-02, LCM-04).
///
/// # Errors
/// [`Edge::CredentialState`], and what the book refuses.
pub async fn change(app: &App, caller: &Caller, id: Id, mandate: MandateId, to: Change) -> Answered<Answer> {
    let (state, viewer) = (app.clone(), caller.holder);
    let allowed = app.ask(move |view| {
        let unknown = || Problem::from(Edge::CredentialUnknown);
        let row = view.mandate(mandate)?.ok_or_else(unknown)?;
        paper(&state, &row)?.ok_or_else(unknown)?;
        // A repeated change is answered by the book, whatever stands now.
        if view.decision_of(id)?.is_some() {
            return Ok(());
        }
        let asker = match viewer {
            KeyHolder::Owner(owner) if owner == row.owner => Asker::Principal,
            KeyHolder::Operator => Asker::RiskSystem,
            KeyHolder::Agent(agent) if agent == row.agent => Asker::DelegatedAgent,
            KeyHolder::Owner(_) | KeyHolder::Agent(_) | KeyHolder::Payee(_) => return Err(unknown()),
        };
        let (lifecycle, _) = lifecycle(view, &row)?;
        refused(lifecycle.change(to, asker, state.clock.now()).err())
    });
    allowed.await?;
    let subject = Subject::Mandate(mandate);
    let action = match to {
        Change::Suspend => Action::Freeze(Freeze { subject }),
        Change::Resume => Action::Unfreeze(Unfreeze { subject }),
        Change::Revoke => Action::Revoke(Revoke { subject }),
    };
    app.execute(caller, id, action).await
}

fn refused(no: Option<NotChanged>) -> Answered<()> {
    match no {
        None => Ok(()),
        Some(no @ (NotChanged::NotAllowed { .. } | NotChanged::NoSuchTransition { .. })) => {
            Err(Problem::from(Edge::CredentialState).because(format!("{no}.")))
        }
    }
}

/// The keys that sign credentials: who has them needs nobody to verify one.
#[utoipa::path(get, path = "/v1/credentials/keys", tag = "credentials", security(()),
    responses((status = 200, description = "The keys", body = CredentialKeys)))]
pub async fn get_credential_keys(State(app): State<App>) -> Response {
    json(StatusCode::OK, &keys(&app))
}

/// The keys that sign credentials.
pub fn keys(app: &App) -> CredentialKeys {
    let name = app.authorization_key.key_id().as_str().to_owned();
    key_set(app.authorization_key.public(), name)
}

/// The set of one key on P-256, under its name.
pub(crate) fn key_set(key: &PublicKey, name: String) -> CredentialKeys {
    // Both coordinates stand behind the byte that says so.
    let point = key.bytes();
    let (x, y) = point.get(1..).and_then(|point| point.split_at_checked(32)).unwrap_or_default();
    let key = CredentialKey {
        kid: name,
        kty: "EC".to_owned(),
        crv: "P-256".to_owned(),
        x: base64url::encode(x),
        y: base64url::encode(y),
        alg: "ES256".to_owned(),
        used_for: "sig".to_owned(),
    };
    CredentialKeys { keys: vec![key] }
}
