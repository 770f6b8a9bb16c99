//! Control: what an owner does while agents spend: freeze, revoke, and answer questions.

use crate::answer::{Answer, purchase_name};
use crate::auth::Kind;
use crate::codes::Edge;
use crate::convert::{bits, money, purchase_id, subject, time, time_text};
use crate::problem::{Answered, Problem};
use crate::reads::{self, show};
use crate::request::Call;
use crate::routes::{links, subscriptions};
use crate::routes::{page, paged};
use crate::state::{self, App};
use axum::extract::{Path, State};
use axum::response::Response;
use book::{Action, Approve, ApproveAlike, Freeze, KeyHolder, Refuse, Revoke, Unfreeze};
use engine::views::{self, QuestionRow};
use evidence::Hash;
use wire::account::{Question, Subject};
use wire::answer::Done;
use wire::list::{Page, PageQuery};

/// Who stops things and lets them go on.
const OWNERS: &[Kind] = &[Kind::Owner, Kind::Operator];

/// Stops something for now. What is held stays held.
#[utoipa::path(post, path = "/v1/freeze", tag = "control", request_body = Subject,
    params(("Idempotency-Key" = String, Header)), responses((status = 201, description = "Frozen", body = Done)))]
pub async fn freeze(State(app): State<App>, call: Call) -> Answered<Answer> {
    control(&app, &call, OWNERS, |subject| Action::Freeze(Freeze { subject })).await
}

/// Lets something go on. The owner has to sign this very request.
#[utoipa::path(post, path = "/v1/unfreeze", tag = "control", request_body = Subject,
    params(("Idempotency-Key" = String, Header)), responses((status = 201, description = "Active", body = Done)))]
pub async fn unfreeze(State(app): State<App>, call: Call) -> Answered<Answer> {
    control(&app, &call, OWNERS, |subject| Action::Unfreeze(Unfreeze { subject })).await
}

/// Ends an agent or a mandate for good. An agent hands its own mandate back, or takes back one delegated from it.
#[utoipa::path(post, path = "/v1/revoke", tag = "control", request_body = Subject,
    params(("Idempotency-Key" = String, Header)), responses((status = 201, description = "Revoked", body = Done)))]
pub async fn revoke(State(app): State<App>, call: Call) -> Answered<Answer> {
    let kinds = &[Kind::Owner, Kind::Operator, Kind::Agent];
    control(&app, &call, kinds, |subject| Action::Revoke(Revoke { subject })).await
}

async fn control(
    app: &App,
    call: &Call,
    kinds: &[Kind],
    action: fn(book::Subject) -> Action,
) -> Answered<Answer> {
    let caller = app.caller(call, kinds).await?;
    let change = call.change_id()?;
    let Subject { subject: text } = call.json()?;
    app.execute(&caller, change, action(subject(&text)?)).await
}

/// The questions that the caller may see, newest first.
#[utoipa::path(get, path = "/v1/questions", tag = "control", params(PageQuery),
    responses((status = 200, description = "A page", body = Page<Question>)))]
pub async fn list_questions(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, &[Kind::Owner, Kind::Agent, Kind::Operator]).await?;
    let window = page(&call)?;
    show(&app, &call, move |app, view| {
        let (now, cursor, limit) = (app.clock.now(), window.cursor, window.limit);
        let rows = match caller.holder {
            KeyHolder::Operator => view.questions_of_all(now, cursor, limit)?,
            KeyHolder::Owner(owner) => view.questions_of_owner(owner, now, cursor, limit)?,
            KeyHolder::Agent(agent) => view.questions_of_agent(agent, now, cursor, limit)?,
            KeyHolder::Payee(_) => reads::nothing(),
        };
        paged(rows, app.livemode, |row| question_text(app, &row))
    })
    .await
}

fn question_text(app: &state::State, row: &QuestionRow) -> Answered<Question> {
    let asset = app.directory.asset(row.purchase.asset).ok_or(Problem::from(Edge::Internal))?;
    let status = match row.answer {
        views::Answer::Waiting { .. } => "waiting",
        views::Answer::Approved { .. } => "approved",
        views::Answer::Refused => "refused",
        views::Answer::Used => "used",
        views::Answer::Expired => "expired",
    };
    Ok(Question {
        id: purchase_name(row.id, row.form),
        wallet: wire::WalletId(bits(row.purchase.wallet.0)),
        agent: row.agent.map(|agent| wire::AgentId(bits(agent.0))),
        payees: row.purchase.to.each().map(|payee| wire::PayeeId(bits(payee.0))).collect(),
        amount: money(row.purchase.amount, asset),
        subscription: row.terms.as_ref().map(subscriptions::asked_text),
        link: row.link.as_ref().map(|link| links::asked_text(app, link)).transpose()?,
        ask: row.ask.code().to_owned(),
        why: app.why(row.id)?,
        digest: wire::Digest(row.digest.0),
        status: status.to_owned(),
        asked_at: time_text(row.at),
        livemode: app.livemode,
    })
}

/// Says yes to one question: to exactly what was asked, once, until a time; or to the rest of today, if signed for.
#[utoipa::path(post, path = "/v1/questions/{id}/approve", tag = "control", request_body = wire::account::Approve,
    params(("id" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, description = "Approved", body = Done)))]
pub async fn approve_question(
    State(app): State<App>,
    Path(text): Path<String>,
    call: Call,
) -> Answered<Answer> {
    let caller = app.caller(&call, &[Kind::Owner]).await?;
    let (question, change) = (question_id(&text)?, call.change_id()?);
    let approve: wire::account::Approve = call.json()?;
    let until = time(&approve.until, "until")?;
    let digest = Hash(approve.digest.0);
    let action = if approve.alike {
        Action::ApproveAlike(ApproveAlike { question, digest, until })
    } else {
        Action::Approve(Approve { question, digest, until })
    };
    app.execute(&caller, change, action).await
}

/// Says no to one question.
#[utoipa::path(post, path = "/v1/questions/{id}/refuse", tag = "control",
    params(("id" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, description = "Refused", body = Done)))]
pub async fn refuse_question(
    State(app): State<App>,
    Path(text): Path<String>,
    call: Call,
) -> Answered<Answer> {
    let caller = app.caller(&call, &[Kind::Owner]).await?;
    let (question, change) = (question_id(&text)?, call.change_id()?);
    call.no_body()?;
    app.execute(&caller, change, Action::Refuse(Refuse { question })).await
}

fn question_id(text: &str) -> Answered<book::Id> {
    purchase_id(text, "id").map_err(|_| Problem::from(Edge::ParamMalformed).of("id"))
}
