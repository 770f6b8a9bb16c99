//! Payment services: ACT's payment tools and payments at the three levels, in front of the book.
//!
//! Reading order: [`message`] is what is asked for, [`facts`] what the checks are told, [`trade`] where a payment stands,
//! [`cashier`] how an owner confirms one. [`agreements`], [`bindings`] and [`sub_accounts`] make tools. However a request arrived, it
//! passes the same checks, and what they let through the book decides again.

pub mod agreements;
pub mod bindings;
pub mod cashier;
pub(crate) mod facts;
pub(crate) mod ids;
pub mod message;
pub(crate) mod refusal;
pub mod sub_accounts;
pub(crate) mod task;
pub(crate) mod tools;
pub(crate) mod trade;

use crate::answer::{Answer, json, purchase_name};
use crate::auth::{Caller, Kind};
use crate::codes::Edge;
use crate::convert::{amount, bits, code, id, purchase_id};
use crate::papers::RequestPaper;
use crate::problem::{Answered, Problem};
use crate::request::{Call, path_id};
use crate::routes::intents::draft::{identifier, unreadable};
use crate::routes::orders;
use crate::state::App;
use axum::extract::{Path, State};
use axum::response::Response;
use book::{AgentId, Id, KeyHolder, Payees, Purchase, Seq, WalletId};
use engine::views::QuestionRow;
use facts::Facts;
use http::StatusCode;
use message::{Message, UNREAD};
use protocols::act::UtcTime;
use protocols::act::psd::{Level, PaymentError, ToolClaim, TradeStatus};
use refusal::{in_acts_words, of_class};
use serde_json::Value;
use trade::Trade;
use wire::act::{ActTrade, AgentKeys};

/// The keys with which an agent signs ACT's messages, for merchants who check them before they answer.
#[utoipa::path(get, path = "/v1/act/agents/{agent}/keys", tag = "payment services",
    params(("agent" = wire::AgentId, Path)),
    responses((status = 200, description = "The keys that count now", body = AgentKeys)))]
pub async fn get_agent_keys(
    State(app): State<App>,
    Path(text): Path<String>,
    call: Call,
) -> Answered<Response> {
    app.caller(&call, Kind::ALL).await?;
    let agent: AgentId = path_id(&text)?;
    let rows = app.ask(move |view| {
        view.agent(agent)?.ok_or(book::Reject::AgentUnknown)?;
        Ok(view.keys_of(KeyHolder::Agent(agent), wire::limits::LIST_MAX)?)
    });
    let active = rows.await?.into_iter().filter(|row| row.revoked.is_none());
    let keys =
        active.filter_map(|row| Some(crate::routes::a402::said(row.id, &app.directory.key(row.id)?.key)));
    let keys =
        AgentKeys { agent: wire::AgentId(bits(agent.0)), keys: keys.collect(), livemode: app.livemode };
    Ok(json(StatusCode::OK, &keys))
}

/// Pays what the owner confirms (`PSD-PAY-INS`). She is asked; the payment is made when she says yes.
#[utoipa::path(post, path = "/v1/act/payments/instant", tag = "payment services", request_body = Value,
    responses((status = 201, description = "ACT's `InstantResponse`: paid", body = Value),
              (status = 202, description = "ACT's `InstantResponse`: the owner is asked", body = Value)))]
pub async fn pay_instant(State(app): State<App>, call: Call) -> Answered<Response> {
    handle(&app, &call, Level::Instant).await
}

/// Pays for what was fixed beforehand, under a `SPECIFIED` credential (`PSD-PAY-DEL`).
#[utoipa::path(post, path = "/v1/act/payments/delegated", tag = "payment services", request_body = Value,
    responses((status = 201, description = "ACT's `DelegatedResponse`: paid", body = Value),
              (status = 202, description = "ACT's `DelegatedResponse`: the owner is asked", body = Value)))]
pub async fn pay_delegated(State(app): State<App>, call: Call) -> Answered<Response> {
    handle(&app, &call, Level::Delegated).await
}

/// Pays for what the agent chose, under a `BOUNDED` credential (`PSD-PAY-AUP`).
#[utoipa::path(post, path = "/v1/act/payments/autonomous", tag = "payment services", request_body = Value,
    responses((status = 201, description = "ACT's `AutonomousResponse`: paid", body = Value),
              (status = 202, description = "ACT's `AutonomousResponse`: the owner is asked", body = Value)))]
pub async fn pay_autonomous(State(app): State<App>, call: Call) -> Answered<Response> {
    handle(&app, &call, Level::Autonomous).await
}

async fn handle(app: &App, call: &Call, level: Level) -> Answered<Response> {
    let caller = app.caller(call, &[Kind::Agent]).await?;
    pay(app, &caller, Message::read(level, &call.body)?).await
}

/// Pays, or says in which class not. The same request again is answered with what came of it.
///
/// # Errors
/// A [`Problem`] with ACT's class. Nothing was moved then, unless it is [`PaymentError::ResultUnknown`].
pub async fn pay(app: &App, caller: &Caller, message: Message) -> Answered<Response> {
    let claim = message.head().ok_or_else(|| of_class(UNREAD, ""))?;
    let request = claim.request_id.as_str().to_owned();
    let agent = its_agent(caller, claim.agent_id.as_str());
    let agent = agent.ok_or_else(|| of_class(PaymentError::AgentIdentityMismatch, &request))?;
    let order = claim.order_no.as_str().parse::<wire::OrderId>();
    let order = order.map_err(|_| of_class(PaymentError::OrderMismatch, &request))?;
    let order = id(order.0);

    // One request at a time for each order: between the check that it is unpaid and the payment stands nobody.
    let Some(_in_hand) = app.orders_in_hand.take(order) else { return Err(Edge::Busy.into()) };
    let kept = app.papers.request(agent, &request).map_err(|fault| unreadable(&fault))?;
    if let Some(kept) = kept {
        if !message.is_kept_as(&kept.message) {
            return Err(of_class(PaymentError::DuplicateRequest, &request));
        }
        let trade = stand(app, kept.command, Some(message.clone())).await?;
        if !matches!(trade, Trade::Unknown) {
            return repeat(app, caller, &message, kept.command, trade).await;
        }
    }
    let purchase = check(app, message.clone()).await?;
    let command = ids::of_message(&app.session_secret, agent.0, &request, claim.timestamp.time());
    let paper = RequestPaper { command, order, message: message.text() };
    let name = request.clone();
    let kept = app.write_papers(move |papers| papers.keep_request(agent, &name, &paper)).await?;
    if kept.is_none_or(|kept| kept.command != command) {
        return Err(of_class(PaymentError::DuplicateRequest, &request));
    }
    execute(app, caller, &message, command, purchase).await
}

/// The agent that asks, if it speaks for itself.
fn its_agent(caller: &Caller, named: &str) -> Option<AgentId> {
    let KeyHolder::Agent(agent) = caller.holder else { return None };
    (agent.to_string() == named).then_some(agent)
}

/// Everything that says no before the book; what is left is what the book is asked for.
async fn check(app: &App, message: Message) -> Answered<Purchase> {
    let state = app.clone();
    app.ask(move |view| {
        let head = message.head().ok_or_else(|| of_class(UNREAD, ""))?;
        let request = head.request_id.as_str();
        let facts = Facts::of(&state, view, head.agent_id, message.credential());
        let checked = message.check(&facts, state.clock.now());
        facts.fault()?;
        checked.map_err(|no| of_class(no, request))?;
        if let Message::Agreed(it) = &message {
            return agreements::payment::purchase(&state, view, it);
        }
        let claim = message.claim().ok_or_else(|| of_class(UNREAD, request))?;

        let unknown = || of_class(PaymentError::OrderMismatch, request);
        let name: wire::OrderId = claim.order_no.as_str().parse().map_err(|_| unknown())?;
        let (order, paper) = orders::read(&state, id(name.0))?.ok_or_else(unknown)?;
        let tool = || of_class(PaymentError::PaymentToolInvalid, request);
        let wallet = match claim.tool {
            ToolClaim::Token(token) => {
                tools::binding(&state, view, token.as_str())?.ok_or_else(tool)?.1.wallet
            }
            ToolClaim::SubAccount { subaccount_id, .. } => {
                subaccount_id.as_str().parse::<WalletId>().map_err(|_| tool())?
            }
        };
        let category = order.categories.first().map(|text| code(text, "categories")).transpose()?;
        Ok(Purchase {
            wallet,
            mandate: Some(message.mandate().ok_or_else(tool)?),
            to: Payees::One(paper.payee),
            amount: amount(order.amount.amount),
            asset: code(order.amount.asset.code(), "amount.asset")?,
            category,
            reference: Some(orders::digest(&paper)),
            approval: None,
        })
    })
    .await
}

async fn execute(
    app: &App,
    caller: &Caller,
    message: &Message,
    command: Id,
    purchase: Purchase,
) -> Answered<Response> {
    let request = message.head().map(|claim| claim.request_id.as_str().to_owned()).unwrap_or_default();
    let order = message.order().ok_or_else(|| of_class(UNREAD, &request))?;
    let answer = app.execute(caller, command, orders::paying(app, order, purchase)?).await;
    let (status, trade_no, entry, repeated) = match answer.map_err(|no| in_acts_words(no, &request))? {
        Answer::Paid(paid) => (TradeStatus::Success, paid.id.to_string(), paid.entry, paid.repeated),
        Answer::Held(held) => (TradeStatus::Success, held.id.to_string(), held.entry, held.repeated),
        Answer::Asked(asked) => {
            // The owner is asked once about one thing: it may be another request of the agent's that she thinks about.
            let waiting = purchase_id(&asked.id, "id")?;
            let trade = stand(app, waiting, Some(message.clone())).await?;
            if let Trade::Waiting(question) = trade {
                return pending(app, message, &question, asked.repeated).await;
            }
            if waiting != command {
                return Err(of_class(PaymentError::DuplicateRequest, &request));
            }
            return repeat(app, caller, message, command, trade).await;
        }
        Answer::Done(_)
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
    let text = said(app, message, &trade_no, status, at).await?;
    Ok(told(app, StatusCode::CREATED, &text, |body| {
        body.insert("entry".to_owned(), entry.into());
        body.insert("repeated".to_owned(), repeated.into());
    }))
}

/// Answers a request that was answered before. What its owner has approved of meanwhile is paid now.
async fn repeat(
    app: &App,
    caller: &Caller,
    message: &Message,
    command: Id,
    trade: Trade,
) -> Answered<Response> {
    match trade {
        Trade::Waiting(question) => {
            app.present(caller).await?;
            pending(app, message, &question, true).await
        }
        Trade::Approved(question) => {
            let paying = ids::approved(&app.session_secret, command);
            let claim = message.head().ok_or_else(|| of_class(UNREAD, ""))?;
            let mismatch = || of_class(PaymentError::OrderMismatch, claim.request_id.as_str());
            let order: wire::OrderId = claim.order_no.as_str().parse().map_err(|_| mismatch())?;
            let (state, order) = (app.clone(), id(order.0));
            // Another request of the agent's may have paid the order while the owner thought about this one.
            let paid = app.ask(move |view| orders::paid_by(&state, view, order)).await?;
            if paid.is_some_and(|paid| paid != paying) {
                return Err(mismatch());
            }
            if paid.is_none() && orders::is_over(app, order)? {
                return Err(mismatch());
            }
            let purchase = Purchase { approval: Some(command), ..question.purchase };
            Box::pin(execute(app, caller, message, paying, purchase)).await
        }
        Trade::Paid { entry, .. } => {
            let (entry, _) = app.entry(entry)?.ok_or_else(|| Problem::from(Edge::Internal))?;
            let purchase = entry.command.action.purchase().cloned();
            let purchase = purchase.ok_or_else(|| Problem::from(Edge::Internal))?;
            Box::pin(execute(app, caller, message, entry.command.id, purchase)).await
        }
        Trade::Over { entry, code } => {
            let request = message.head().map(|claim| claim.request_id.as_str().to_owned());
            let request = request.unwrap_or_default();
            let (entry, _) = app.entry(entry)?.ok_or_else(|| Problem::from(Edge::Internal))?;
            if code.starts_with("approval_") {
                app.present(caller).await?;
                return Err(of_class(PaymentError::UserConfirmationFailed, &request));
            }
            let again = app.execute(caller, entry.command.id, entry.command.action).await;
            match again {
                Err(no) => Err(in_acts_words(no, &request)),
                Ok(_) => Err(Edge::Internal.into()),
            }
        }
        Trade::Unknown => Err(Edge::OutcomeUnknown.into()),
    }
}

/// The answer to a message in ACT's form.
pub(crate) async fn said(
    app: &App,
    message: &Message,
    trade_no: &str,
    status: TradeStatus,
    at: Option<UtcTime>,
) -> Answered<String> {
    let agreement = match message {
        Message::Agreed(it) => Some(agreements::payment::counted(app, it.clone()).await?),
        Message::Instant(_) | Message::Delegated(_) | Message::Autonomous(_) => None,
    };
    let text = message.answer(identifier(trade_no), status, at, agreement, app.clock.now());
    text.ok_or_else(|| Edge::Internal.into())
}

/// That the owner is asked: nothing was moved, and the number under which it will be.
async fn pending(app: &App, message: &Message, question: &QuestionRow, repeated: bool) -> Answered<Response> {
    let trade_no = purchase_name(ids::approved(&app.session_secret, question.id), question.form);
    let text = said(app, message, &trade_no, TradeStatus::Pending, None).await?;
    Ok(told(app, StatusCode::ACCEPTED, &text, |body| {
        body.insert("question".to_owned(), purchase_name(question.id, question.form).into());
        body.insert("entry".to_owned(), question.seq.0.into());
        body.insert("repeated".to_owned(), repeated.into());
    }))
}

/// An answer of ACT's with what every answer of ours has.
pub(crate) fn told(
    app: &App,
    status: StatusCode,
    text: &str,
    more: impl FnOnce(&mut serde_json::Map<String, Value>),
) -> Response {
    let mut body: Value = serde_json::from_str(text).expect("what was written is JSON");
    if let Some(body) = body.as_object_mut() {
        more(body);
        body.insert("livemode".to_owned(), app.livemode.into());
    }
    json(status, &body)
}

/// Where a payment stands now.
pub(crate) async fn stand(app: &App, command: Id, message: Option<Message>) -> Answered<Trade> {
    let now = app.clock.now();
    let state = app.clone();
    app.ask(move |view| Trade::of(&state.session_secret, view, command, message.as_ref(), now)).await
}

/// What came of a request: an agent that does not know asks here first, and pays never twice.
#[utoipa::path(get, path = "/v1/act/payments/{request_id}", tag = "payment services",
    params(("request_id" = String, Path)),
    responses((status = 200, description = "Where it stands", body = ActTrade)))]
pub async fn query_payment(
    State(app): State<App>,
    Path(request): Path<String>,
    call: Call,
) -> Answered<Response> {
    let caller = app.caller(&call, &[Kind::Agent]).await?;
    let KeyHolder::Agent(agent) = caller.holder else { return Err(Edge::AudienceWrong.into()) };
    Ok(json(StatusCode::OK, &query(&app, agent, request).await?))
}

/// What came of an agent's request, from the book; also where its papers are lost.
///
/// # Errors
/// [`Edge::ActRequestUnknown`] where nothing is recorded: the same request may be sent again.
pub async fn query(app: &App, agent: AgentId, request: String) -> Answered<ActTrade> {
    let kept = app.papers.request(agent, &request).map_err(|fault| unreadable(&fault))?;
    let message = kept.as_ref().and_then(|kept| Message::of_text(&kept.message));
    let (now, state) = (app.clock.now(), app.clone());
    let named = request.clone();
    app.ask(move |view| {
        let mut found = kept.map(|kept| kept.command);
        if found.is_none() {
            for command in ids::in_every_epoch(&state.session_secret, agent.0, &named, now) {
                if view.decision_of(command)?.is_some() {
                    found = Some(command);
                    break;
                }
            }
        }
        let unknown = || Problem::from(Edge::ActRequestUnknown);
        let command = found.ok_or_else(unknown)?;
        let trade = Trade::of(&state.session_secret, view, command, message.as_ref(), now)?;
        let first = view.decision_of(command)?.ok_or_else(unknown)?;
        let asset = first.asset.and_then(|code| state.directory.asset(code));
        let error = match &trade {
            Trade::Over { code, .. } => refusal::of_code(code, &named),
            Trade::Unknown | Trade::Paid { .. } | Trade::Waiting(_) | Trade::Approved(_) => None,
        };
        let (trade_no, payment_time, entry) = match &trade {
            Trade::Paid { name, at, entry, .. } => {
                (Some(name.clone()), Some(crate::convert::time_text(*at)), *entry)
            }
            Trade::Waiting(question) | Trade::Approved(question) => {
                let name = purchase_name(ids::approved(&state.session_secret, command), question.form);
                (Some(name), None, question.seq)
            }
            Trade::Over { entry, .. } => (None, None, *entry),
            Trade::Unknown => return Err(unknown()),
        };
        let question = match &trade {
            Trade::Waiting(question) | Trade::Approved(question) => Some(question),
            Trade::Unknown | Trade::Paid { .. } | Trade::Over { .. } => None,
        };
        Ok(ActTrade {
            request_id: named.clone(),
            trade_no,
            trade_status: trade.status().as_str().to_owned(),
            amount: first.amount.zip(asset).map(|(amount, asset)| crate::convert::money(amount, asset)),
            question: question.map(|question| purchase_name(command, question.form)),
            payment_time,
            error,
            entry: entry.0,
            livemode: state.livemode,
        })
    })
    .await
}
