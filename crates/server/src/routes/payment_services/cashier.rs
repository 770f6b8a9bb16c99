//! The cashier: an owner sees what she is asked for, letter by letter as it was asked, and says yes to exactly that.
//!
//! Her yes and the payment are one unit of the book. Saying no is a question's refusal, like every other.

use super::message::Message;
use super::refusal::{in_acts_words, of_class};
use super::trade::{Trade, deadline};
use super::{ids, said, stand, told};
use crate::answer::{Answer, json, purchase_name};
use crate::auth::{Caller, Kind};
use crate::codes::Edge;
use crate::convert::{bits, purchase_id, time_text};
use crate::papers::RequestPaper;
use crate::problem::{Answered, Problem};
use crate::request::Call;
use crate::routes::intents::draft::unreadable;
use crate::routes::orders;
use crate::state::App;
use axum::extract::{Path, State};
use axum::response::Response;
use book::{Action, AgentId, Approve, Command, Denial, Id, KeyHolder, Presence, Purchase, Reject, Seq, Time};
use engine::views::QuestionRow;
use evidence::Hash;
use http::StatusCode;
use protocols::act::UtcTime;
use protocols::act::psd::{PaymentError, TradeStatus};
use wire::act::{CashierPrompt, CashierYes};

/// How long an owner's yes may wait for its payment, in seconds. They are one unit, so it does not.
const YES_SECONDS: u64 = 60;

/// What an owner is asked to pay, as the request and the order say it.
#[utoipa::path(get, path = "/v1/act/cashier/{question}", tag = "payment services",
    params(("question" = String, Path)), responses((status = 200, description = "What to show", body = CashierPrompt)))]
pub async fn get_cashier_prompt(
    State(app): State<App>,
    Path(text): Path<String>,
    call: Call,
) -> Answered<Response> {
    let caller = app.caller(&call, &[Kind::Owner]).await?;
    let question = question_id(&text)?;
    Ok(json(StatusCode::OK, &prompt(&app, caller.holder, question).await?))
}

/// What to show the owner.
///
/// # Errors
/// `question_unknown`.
pub async fn prompt(app: &App, viewer: KeyHolder, question: Id) -> Answered<CashierPrompt> {
    let Asked { agent, paper, message, row } = asked(app, viewer, question).await?;
    let trade = stand(app, question, Some(message.clone())).await?;
    let claim = message.head().ok_or_else(|| Problem::from(Edge::Internal))?;
    let unknown = || Problem::from(Edge::OrderUnknown);
    let (order, of_seller) = orders::read(app, paper.order)?.ok_or_else(unknown)?;
    let until = Some(deadline(&row, Some(&message))).filter(|until| *until != Time(u64::MAX));
    Ok(CashierPrompt {
        question: purchase_name(question, row.form),
        agent: wire::AgentId(bits(agent.0)),
        amount: claim.amount.as_str().to_owned(),
        currency: claim.currency.as_str().to_owned(),
        payee_name: order.payee_name,
        payee: wire::PayeeId(bits(of_seller.payee.0)),
        payment_method: claim.payment_method.map(|method| method.as_str().to_owned()),
        order: order.id,
        digest: wire::Digest(row.digest.0),
        deadline: until.map(time_text),
        trade_status: trade.status().as_str().to_owned(),
        livemode: app.livemode,
    })
}

/// Confirms a payment: the owner signs this very request, and the payment is made with it.
#[utoipa::path(post, path = "/v1/act/cashier/{question}/confirm", tag = "payment services", request_body = CashierYes,
    params(("question" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, description = "ACT's response of the request's level: paid", body = Value)))]
pub async fn confirm_payment(
    State(app): State<App>,
    Path(text): Path<String>,
    call: Call,
) -> Answered<Response> {
    let caller = app.caller(&call, &[Kind::Owner]).await?;
    let (question, change) = (question_id(&text)?, call.change_id()?);
    let CashierYes { digest } = call.json()?;
    confirm(&app, &caller, change, question, Hash(digest.0)).await
}

/// Takes the owner's yes to what has this digest, and makes the payment. A second yes gets the first result.
///
/// # Errors
/// `presence_required`, `approval_mismatch`, and [`PaymentError::UserConfirmationFailed`] for a yes that comes too late
/// or after a no. Nothing was moved then.
pub async fn confirm(
    app: &App,
    caller: &Caller,
    change: Id,
    question: Id,
    digest: Hash,
) -> Answered<Response> {
    match caller.presence {
        Presence::Fresh => {}
        Presence::Session => return Err(Denial::PresenceRequired.into()),
    }
    let Asked { paper, message, row, .. } = asked(app, caller.holder, question).await?;
    let request = message.head().map(|claim| claim.request_id.as_str().to_owned()).unwrap_or_default();
    if row.digest != digest {
        return Err(in_acts_words(Denial::ApprovalMismatch.into(), &request));
    }
    // The order too is paid by one at a time, as when it was asked for.
    let Some(_in_hand) = app.orders_in_hand.take(paper.order) else { return Err(Edge::Busy.into()) };
    let paying = ids::approved(&app.session_secret, question);
    let (trade, paid) = {
        let trade = stand(app, question, Some(message.clone())).await?;
        let (state, order) = (app.clone(), paper.order);
        (trade, app.ask(move |view| orders::paid_by(&state, view, order)).await?)
    };
    if paid.is_some_and(|paid| paid != paying) {
        return Err(of_class(PaymentError::OrderMismatch, &request));
    }
    let is_open = matches!(trade, Trade::Waiting(_) | Trade::Approved(_));
    if is_open && paid.is_none() && orders::is_over(app, paper.order)? {
        return Err(of_class(PaymentError::OrderMismatch, &request));
    }
    let mut commands = Vec::new();
    match trade {
        Trade::Waiting(_) => {
            let until = app.clock.now().after(Time::from_seconds(YES_SECONDS).0);
            let approve = Approve { question, digest, until };
            commands.push(caller.command(change, Action::Approve(approve)));
        }
        Trade::Approved(_) | Trade::Paid { .. } => {}
        Trade::Over { .. } | Trade::Unknown => {
            return Err(of_class(PaymentError::UserConfirmationFailed, &request));
        }
    }
    // The agent has signed the request that this pays, and its key is asked about once more.
    let (entry, _) = app.entry(row.seq)?.ok_or_else(|| Problem::from(Edge::Internal))?;
    let purchase = Purchase { approval: Some(question), ..row.purchase };
    let action = orders::paying(app, paper.order, purchase)?;
    commands.push(Command { id: paying, by: entry.command.by, action });
    let results = app.execute_unit(caller, commands).await?;
    let last = results.into_iter().next_back().ok_or_else(|| Problem::from(Edge::OutcomeUnknown))?;
    let (trade_no, entry, repeated) = match last.map_err(|no| in_acts_words(no, &request))? {
        Answer::Paid(paid) => (paid.id.to_string(), paid.entry, paid.repeated),
        Answer::Held(held) => (held.id.to_string(), held.entry, held.repeated),
        Answer::Done(_)
        | Answer::Asked(_)
        | Answer::Captured(_)
        | Answer::Released(_)
        | Answer::Refunded(_)
        | Answer::Metered(_)
        | Answer::Charged(_)
        | Answer::Settled(_)
        | Answer::Subscribed(_)
        | Answer::Issued(_) => return Err(Edge::Internal.into()),
    };
    let at = app.entry(Seq(entry))?.map(|(entry, _)| UtcTime::second_of(entry.at));
    let text = said(app, &message, &trade_no, TradeStatus::Success, at).await?;
    Ok(told(app, StatusCode::CREATED, &text, |body| {
        body.insert("entry".to_owned(), entry.into());
        body.insert("repeated".to_owned(), repeated.into());
    }))
}

/// A question that came of a message.
struct Asked {
    agent: AgentId,
    paper: RequestPaper,
    message: Message,
    row: QuestionRow,
}

async fn asked(app: &App, viewer: KeyHolder, question: Id) -> Answered<Asked> {
    let unknown = || Problem::from(Reject::QuestionUnknown);
    let found = app.papers.request_of(question).map_err(|fault| unreadable(&fault))?;
    let (agent, paper) = found.ok_or_else(unknown)?;
    let message = Message::of_text(&paper.message).ok_or_else(|| Problem::from(Edge::Internal))?;
    let now = app.clock.now();
    let row = app.ask(move |view| Ok(view.question(question, now)?)).await?;
    let row = row.filter(|row| KeyHolder::Owner(row.owner) == viewer).ok_or_else(unknown)?;
    Ok(Asked { agent, paper, message, row })
}

fn question_id(text: &str) -> Answered<Id> {
    purchase_id(text, "question").map_err(|_| Problem::from(Edge::ParamMalformed).of("question"))
}
