//! Standing agreements of ACT 2.0: an agent applies, the owner signs, and what is signed is a mandate.
//!
//! The application waits in the papers. Signed, it is a mandate whose document is the application's digest: its limits,
//! its total, its times and its end are the book's to judge, and where its task stands is read from there every time.

pub(crate) mod payment;
pub(crate) mod standing;

use super::facts::minor;
use super::message::Message;
use super::refusal::{malformed, named, of_class};
use super::{ids, pay, told};
use crate::answer::json;
use crate::auth::{Caller, Kind};
use crate::codes::Edge;
use crate::limits::AGREEMENTS_WAITING_MAX;
use crate::papers::{AgreementPaper, Party};
use crate::problem::{Answered, Problem};
use crate::request::Call;
use crate::routes::intents::draft::{identifier, unreadable};
use crate::state::{App, State as Shared};
use crate::webhooks::events;
use crate::webhooks::store::Message as Told;
use axum::extract::{Path, State};
use axum::response::Response;
use book::{
    Action, AgentId, Carry, Denial, GrantMandate, KeyHolder, Limit, MandateId, OwnerId, PayeeId, Presence,
    Reject, Revoke, Subject,
};
use engine::View;
use engine::views::WalletRow;
use evidence::{Hash, PublicKey};
use http::StatusCode;
use protocols::act::psd::agreement::{
    ApplyRequest, ApplyResponse, CancelRequest, CancelResponse, CancelStatus, QueryRequest, QueryResponse,
    TaskEvent, TaskState,
};
use protocols::act::psd::{PaymentError, SignedRequest, verify_signature};
use protocols::act::{AmountNumber, AmountText, Identifier, Uri, UtcTime};
use standing::{Found, find, found, mandate_of, number_of, read, standing, standing_agreement};
use wire::act::{AgreementYes, StandingAgreement, StandingAgreements};
use wire::limits::LIST_MAX;

/// Applies for an agreement (`PSD-PAY-DEL-APPLY`). Nothing is allowed by it before the owner has signed.
#[utoipa::path(post, path = "/v1/act/agreements", tag = "payment services", request_body = Value,
    responses((status = 201, description = "ACT's `ApplyResponse`: where the owner signs", body = Value)))]
pub async fn apply_for_agreement(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, &[Kind::Agent]).await?;
    let request = ApplyRequest::from_json(&call.body).map_err(|fault| malformed(&fault))?;
    apply(&app, &caller, &request).await
}

/// Keeps what an agent applies for, for its owner to sign.
///
/// # Errors
/// A [`Problem`] with ACT's class; nothing is kept then.
pub async fn apply(app: &App, caller: &Caller, request: &ApplyRequest) -> Answered<Response> {
    let name = request.request_id.as_str().to_owned();
    let agent = its_agent(caller, &request.agent_id, &name)?;
    let at = request.timestamp.time();
    let mandate = MandateId(ids::of_message(&app.session_secret, agent.0, &format!("apply {name}"), at));
    let Some(_in_hand) = app.orders_in_hand.take(mandate.0) else { return Err(Edge::Busy.into()) };
    let kept = app.papers.agreement(mandate).map_err(|fault| unreadable(&fault))?;
    if let Some(kept) = kept {
        // One signature may differ from another of the same.
        let same = ApplyRequest::from_json(kept.text.as_bytes())
            .is_ok_and(|kept| ApplyRequest { signature: request.signature.clone(), ..kept } == *request);
        if !same {
            return Err(of_class(PaymentError::DuplicateRequest, &name));
        }
        app.present(caller).await?;
        return applied(app, request, mandate, true).await;
    }
    let (state, asked) = (app.clone(), request.clone());
    let owner = app.ask(move |view| check_application(&state, view, agent, &asked)).await?;
    app.present(caller).await?;
    let paper = AgreementPaper {
        mandate,
        agent,
        owner,
        external: request.external_agreement_no.as_ref().map(|number| number.as_str().to_owned()),
        text: String::from_utf8_lossy(&request.canonical()).into_owned(),
        is_declined: false,
        cancelled: None,
    };
    let kept = app.write_papers(move |papers| papers.keep_agreement(&paper)).await?;
    if kept.is_none() {
        // The agent's own number stands for another agreement.
        return Err(of_class(PaymentError::DuplicateRequest, &name));
    }
    tracing::info!(agreement = %number_of(mandate), "an agreement waits for its owner");
    applied(app, request, mandate, false).await
}

/// Everything that says no to an application; what is left is who is to sign it.
fn check_application(app: &Shared, view: &View, agent: AgentId, request: &ApplyRequest) -> Answered<OwnerId> {
    let no = |error| of_class(error, request.request_id.as_str());
    let now = app.clock.now();
    authentic(
        app,
        view,
        KeyHolder::Agent(agent),
        request,
        (&request.timestamp, request.request_id.as_str()),
    )?;
    let row = view.agent(agent)?.ok_or_else(|| no(PaymentError::AgentIdentityMismatch))?;
    if request.principal_id.as_str() != row.owner.to_string() {
        return Err(no(PaymentError::AgentIdentityMismatch));
    }
    if request.sign_validity.end_time.time() <= now {
        return Err(no(PaymentError::AgreementExpired));
    }
    let wallet = view.wallet(row.wallet)?.ok_or_else(|| no(PaymentError::PaymentToolInvalid))?;
    limits(request, &wallet)?;
    let mut waiting = 0usize;
    let of = Party::Agent(agent);
    for paper in app.papers.agreements(of, None, LIST_MAX).map_err(|fault| unreadable(&fault))? {
        let (state, _) = standing(view, &paper, now)?;
        waiting = waiting.saturating_add(usize::from(state == TaskState::Signing));
    }
    if AGREEMENTS_WAITING_MAX <= waiting {
        return Err(Reject::TooMany.into());
    }
    Ok(row.owner)
}

/// What the owner signs, as limits of a mandate.
fn limits(request: &ApplyRequest, wallet: &WalletRow) -> Answered<Vec<Limit>> {
    let no = |error| of_class(error, request.request_id.as_str());
    if request.currency.as_str() != wallet.asset.code.as_str() {
        return Err(no(PaymentError::CurrencyMismatch));
    }
    let unread = || no(PaymentError::RequestInvalid);
    let read = |text: &AmountText| {
        let amount = AmountNumber::of_text(text).and_then(|amount| minor(amount, wallet.asset));
        amount.filter(|amount| !amount.is_zero()).ok_or_else(unread)
    };
    let mut limits = vec![Limit::PerPayment { max: read(&request.single_amount_limit)? }];
    if let Some(total) = &request.total_amount_limit {
        limits.push(Limit::Total { max: read(total)? });
    }
    if let Some(max) = request.times_limit {
        limits.push(Limit::Uses { max });
    }
    if let Some(merchants) = &request.allowed_merchants {
        let payees = merchants.iter().map(|merchant| merchant.as_str().parse::<PayeeId>());
        let payees =
            payees.collect::<Result<Vec<_>, _>>().map_err(|_| no(PaymentError::MerchantNotInScope))?;
        limits.push(Limit::PayeesAllowed { payees });
    }
    Ok(limits)
}

async fn applied(
    app: &App,
    request: &ApplyRequest,
    mandate: MandateId,
    repeated: bool,
) -> Answered<Response> {
    let (state, number) = (app.clone(), number_of(mandate));
    let found = app
        .ask(move |view| {
            let paper = state.papers.agreement(mandate).map_err(|fault| unreadable(&fault))?;
            let paper = paper.ok_or_else(|| Problem::from(Edge::Internal))?;
            found(view, paper, state.clock.now())
        })
        .await?;
    let url = format!("https://{}/v1/act/agreements/{number}/sign", app.origin);
    let is_open = found.state == TaskState::Signing;
    let response = ApplyResponse {
        request_id: request.request_id.clone(),
        agreement_no: Some(identifier(&number)),
        external_agreement_no: request.external_agreement_no.clone(),
        status: Some(found.state.agreement()),
        sign_url: if is_open { Uri::parse(url).ok() } else { None },
        validity: Some(request.sign_validity.clone()),
        principal_id: Some(request.principal_id.clone()),
        agent_id: Some(request.agent_id.clone()),
        psp_id: Some(identifier(&app.origin)),
        error_code: None,
        error_message: None,
        timestamp: UtcTime::second_of(app.clock.now()),
    };
    Ok(told(app, StatusCode::CREATED, &response.to_json(), |body| {
        body.insert("repeated".to_owned(), repeated.into());
        body.insert("task_state".to_owned(), found.state.as_str().into());
    }))
}

/// The agreements of the caller, newest first; so many as a list has at most.
#[utoipa::path(get, path = "/v1/act/agreements", tag = "payment services",
    responses((status = 200, description = "The agreements", body = StandingAgreements)))]
pub async fn list_agreements(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, &[Kind::Owner, Kind::Agent]).await?;
    Ok(json(StatusCode::OK, &list(&app, caller.holder).await?))
}

/// The agreements of an owner or an agent.
///
/// # Errors
/// [`Edge::AudienceWrong`] for whoever has none.
pub async fn list(app: &App, viewer: KeyHolder) -> Answered<StandingAgreements> {
    let (of, state) = (party(viewer)?, app.clone());
    app.ask(move |view| {
        let papers = state.papers.agreements(of, None, LIST_MAX).map_err(|fault| unreadable(&fault))?;
        let show = |paper| Ok(standing_agreement(&state, &found(view, paper, state.clock.now())?));
        Ok(StandingAgreements {
            data: papers.into_iter().map(show).collect::<Answered<_>>()?,
            livemode: state.livemode,
        })
    })
    .await
}

/// One agreement, for its owner and its agent.
#[utoipa::path(get, path = "/v1/act/agreements/{agreement_no}", tag = "payment services",
    params(("agreement_no" = String, Path)),
    responses((status = 200, description = "The agreement", body = StandingAgreement)))]
pub async fn get_agreement(
    State(app): State<App>,
    Path(text): Path<String>,
    call: Call,
) -> Answered<Response> {
    let caller = app.caller(&call, &[Kind::Owner, Kind::Agent]).await?;
    let found = look_up(&app, caller.holder, text).await?;
    Ok(json(StatusCode::OK, &standing_agreement(&app, &found)))
}

/// Signs an agreement: the owner signs this very request, and the mandate is granted with it.
#[utoipa::path(post, path = "/v1/act/agreements/{agreement_no}/sign", tag = "payment services",
    request_body = AgreementYes, params(("agreement_no" = String, Path)),
    responses((status = 201, description = "The agreement, signed", body = StandingAgreement)))]
pub async fn sign_agreement(
    State(app): State<App>,
    Path(text): Path<String>,
    call: Call,
) -> Answered<Response> {
    let caller = app.caller(&call, &[Kind::Owner]).await?;
    let AgreementYes { digest } = call.json()?;
    Ok(json(StatusCode::CREATED, &sign(&app, &caller, text, Hash(digest.0)).await?))
}

/// Takes the owner's yes to what has this digest.
///
/// # Errors
/// [`Edge::AgreementState`] where it does not wait for one, `approval_mismatch`, `presence_required`.
pub async fn sign(app: &App, caller: &Caller, number: String, digest: Hash) -> Answered<StandingAgreement> {
    // A refusal would be remembered under the mandate's name.
    match caller.presence {
        Presence::Fresh => {}
        Presence::Session => return Err(Denial::PresenceRequired.into()),
    }
    let mandate = mandate_of(&number).ok_or_else(|| Problem::from(Edge::AgreementUnknown))?;
    let Some(_in_hand) = app.orders_in_hand.take(mandate.0) else { return Err(Edge::Busy.into()) };
    let found = look_up(app, caller.holder, number.clone()).await?;
    if Hash::of(found.paper.text.as_bytes()) != digest {
        return Err(Denial::ApprovalMismatch.into());
    }
    if found.row.is_none() {
        moved(found.state, TaskEvent::Sign)?;
    }
    let request = read(&found.paper)?;
    let (agent, asked) = (found.paper.agent, request.clone());
    let (wallet, limits) = app
        .ask(move |view| {
            let row = view.agent(agent)?.ok_or_else(|| Problem::from(Reject::AgentUnknown))?;
            let wallet = view.wallet(row.wallet)?.ok_or_else(|| Problem::from(Reject::WalletUnknown))?;
            let limits = limits(&asked, &wallet)?;
            Ok((wallet.id, limits))
        })
        .await?;
    let grant = GrantMandate {
        wallet,
        agent,
        valid_from: request.sign_validity.start_time.time(),
        expires_at: request.sign_validity.end_time.time(),
        limits,
        document: digest,
        // What she agrees to counts from nothing: she has just signed for it.
        carry: Carry::Reset,
    };
    app.execute(caller, mandate.0, Action::GrantMandate(grant)).await?;
    Ok(standing_agreement(app, &look_up(app, caller.holder, number).await?))
}

/// Turns an agreement down.
#[utoipa::path(post, path = "/v1/act/agreements/{agreement_no}/decline", tag = "payment services",
    params(("agreement_no" = String, Path)),
    responses((status = 201, description = "The agreement, turned down", body = StandingAgreement)))]
pub async fn decline_agreement(
    State(app): State<App>,
    Path(text): Path<String>,
    call: Call,
) -> Answered<Response> {
    let caller = app.caller(&call, &[Kind::Owner]).await?;
    call.no_body()?;
    Ok(json(StatusCode::CREATED, &decline(&app, &caller, text).await?))
}

/// Takes the owner's no. The same again is the same no.
///
/// # Errors
/// [`Edge::AgreementState`] where it does not wait for one.
pub async fn decline(app: &App, caller: &Caller, number: String) -> Answered<StandingAgreement> {
    let mandate = mandate_of(&number).ok_or_else(|| Problem::from(Edge::AgreementUnknown))?;
    let Some(_in_hand) = app.orders_in_hand.take(mandate.0) else { return Err(Edge::Busy.into()) };
    let found = look_up(app, caller.holder, number.clone()).await?;
    if !found.paper.is_declined {
        moved(found.state, TaskEvent::Decline)?;
    }
    app.present(caller).await?;
    app.write_papers(move |papers| papers.decline_agreement(mandate)).await?;
    let found = look_up(app, caller.holder, number).await?;
    // The journal knows nothing of what was never signed, so it is told from here.
    let told = ending(app, standing::notify_url(&found.paper)?, &found, events::DECLINED, b"declined")?;
    tell(app, told).await?;
    Ok(standing_agreement(app, &found))
}

/// Asks for agreements by one key (`PSD-PAY-DEL-QUERY`). An agent asks for its own.
#[utoipa::path(post, path = "/v1/act/agreements/query", tag = "payment services", request_body = Value,
    responses((status = 200, description = "ACT's `QueryResponse`", body = Value)))]
pub async fn query_agreements(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, &[Kind::Owner, Kind::Agent]).await?;
    let request = QueryRequest::from_json(&call.body).map_err(|fault| malformed(&fault))?;
    let response = query(&app, caller.holder, request).await?;
    Ok(told(&app, StatusCode::OK, &response.to_json(), |_| {}))
}

/// The agreements that a key stands for, of those the asker is a party of.
///
/// # Errors
/// [`PaymentError::AgreementUnknown`] for a number that is none.
pub async fn query(app: &App, asker: KeyHolder, request: QueryRequest) -> Answered<QueryResponse> {
    let (of, state) = (party(asker)?, app.clone());
    app.ask(move |view| {
        let name = request.request_id.as_str();
        authentic(&state, view, asker, &request, (&request.timestamp, name))?;
        let now = state.clock.now();
        let (number, external) = (request.agreement_no.as_ref(), request.external_agreement_no.as_ref());
        let found = if number.is_some() || external.is_some() {
            let one = find(&state, view, of, number, external)?;
            vec![one.ok_or_else(|| of_class(PaymentError::AgreementUnknown, name))?]
        } else {
            let papers = state.papers.agreements(of, None, LIST_MAX).map_err(|fault| unreadable(&fault))?;
            let is_named = |paper: &AgreementPaper| {
                let fits = |named: &Option<Identifier>, is: String| {
                    named.as_ref().is_some_and(|named| named.as_str() == is)
                };
                fits(&request.principal_id, paper.owner.to_string())
                    && fits(&request.agent_id, paper.agent.to_string())
            };
            let papers = papers.into_iter().filter(is_named);
            papers.map(|paper| found(view, paper, now)).collect::<Answered<_>>()?
        };
        Ok(QueryResponse {
            request_id: request.request_id.clone(),
            agreements: found.into_iter().map(|found| found.shown).collect(),
            timestamp: UtcTime::second_of(now),
        })
    })
    .await
}

/// Ends an agreement (`PSD-PAY-DEL-CANCEL`), for its owner and its agent. Nothing is paid under it from then on.
#[utoipa::path(post, path = "/v1/act/agreements/cancel", tag = "payment services", request_body = Value,
    responses((status = 201, description = "ACT's `CancelResponse`: ended", body = Value)))]
pub async fn cancel_agreement(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, &[Kind::Owner, Kind::Agent]).await?;
    let request = CancelRequest::from_json(&call.body).map_err(|fault| malformed(&fault))?;
    cancel(&app, &caller, request).await
}

/// Ends an agreement. The same request again has the same answer.
///
/// # Errors
/// A [`Problem`] with `CANCEL_FAILED`: whose agreement it is stays unsaid.
pub async fn cancel(app: &App, caller: &Caller, request: CancelRequest) -> Answered<Response> {
    let (asker, of) = (caller.holder, party(caller.holder)?);
    let name = request.request_id.as_str().to_owned();
    let sender = match of {
        Party::Agent(agent) => agent.0,
        Party::Owner(owner) => owner.0,
    };
    let command =
        ids::of_message(&app.session_secret, sender, &format!("cancel {name}"), request.timestamp.time());
    let failed = |why: &str| named(Edge::AgreementState, "CANCEL_FAILED", "NEVER", why, &name);
    let (state, asked) = (app.clone(), request.clone());
    let (found, repeated) = app
        .ask(move |view| {
            let repeated = view.decision_of(command)?.is_some();
            let name = asked.request_id.as_str();
            if !repeated {
                authentic(&state, view, asker, &asked, (&asked.timestamp, name))?;
            }
            let (number, external) = (asked.agreement_no.as_ref(), asked.external_agreement_no.as_ref());
            Ok((find(&state, view, of, number, external)?, repeated))
        })
        .await?;
    let principal = request.principal_id.as_str();
    let found = found.filter(|found| found.paper.owner.to_string() == principal);
    let found = found.ok_or_else(|| failed("there is no such agreement of this principal"))?;
    if !repeated && let Err(no) = found.state.after(TaskEvent::Cancel) {
        return Err(failed(&no.to_string()));
    }
    let (mandate, reason) = (found.paper.mandate, request.cancel_reason.as_str().to_owned());
    let Some(_in_hand) = app.orders_in_hand.take(mandate.0) else { return Err(Edge::Busy.into()) };
    app.write_papers(move |papers| papers.cancel_agreement(mandate, &reason)).await?;
    let subject = Subject::Mandate(mandate);
    app.execute(caller, command, Action::Revoke(Revoke { subject })).await?;
    let ended = look_up(app, asker, number_of(mandate)).await?;
    let applied_with = standing::notify_url(&ended.paper)?;
    if let Some(url) = request.notify_url.as_ref().filter(|url| url.as_str() != applied_with) {
        tell(app, ending(app, url.as_str().to_owned(), &ended, events::ENDED, &command.0)?).await?;
    }
    let ended = ended.shown;
    let response = CancelResponse {
        request_id: request.request_id.clone(),
        agreement_no: Some(ended.agreement_no),
        status: CancelStatus::Cancelled,
        cancel_time: ended.cancel_time,
        cancel_reason: ended.cancel_reason,
        error_code: None,
        timestamp: UtcTime::second_of(app.clock.now()),
    };
    Ok(told(app, StatusCode::CREATED, &response.to_json(), |body| {
        body.insert("repeated".to_owned(), repeated.into());
    }))
}

/// That an agreement has ended, for an address that its agent named.
fn ending(app: &App, url: String, found: &Found, kind: &str, about: &[u8]) -> Answered<Told> {
    let about = [&found.paper.mandate.0.0[..], about].concat();
    Ok(events::to_address(url, kind, &about, app.wall_clock(), &standing::told_of(found)?))
}

async fn tell(app: &App, message: Told) -> Answered<()> {
    let state = app.clone();
    app.look_at_webhooks(move |_| state.keep_messages(&[message], None)).await
}

/// Pays under an agreement (`PSD-PAY-DEL-PAY`).
#[utoipa::path(post, path = "/v1/act/agreements/pay", tag = "payment services", request_body = Value,
    responses((status = 201, description = "ACT's `PayResponse`: paid", body = Value),
              (status = 202, description = "ACT's `PayResponse`: the owner is asked", body = Value)))]
pub async fn pay_agreed(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, &[Kind::Agent]).await?;
    pay(&app, &caller, Message::read_agreed(&call.body)?).await
}

async fn look_up(app: &App, viewer: KeyHolder, number: String) -> Answered<Found> {
    let (of, state) = (party(viewer)?, app.clone());
    let found = app.ask(move |view| {
        let number = Identifier::parse(number).ok();
        find(&state, view, of, number.as_ref(), None)
    });
    found.await?.ok_or_else(|| Edge::AgreementUnknown.into())
}

/// A message that its sender has signed, and just now.
fn authentic<R: SignedRequest>(
    app: &Shared,
    view: &View,
    sender: KeyHolder,
    request: &R,
    (timestamp, name): (&UtcTime, &str),
) -> Answered<()> {
    if !protocols::act::psd::is_fresh(timestamp, app.clock.now()) {
        return Err(of_class(PaymentError::RequestExpired, name));
    }
    let rows = view.keys_of(sender, LIST_MAX)?;
    let active = rows.into_iter().filter(|row| row.revoked.is_none());
    let keys: Vec<PublicKey> =
        active.filter_map(|row| Some((*app.directory.key(row.id)?.key).clone())).collect();
    verify_signature(request, &keys).map_err(|_| of_class(PaymentError::AgentSignatureInvalid, name))
}

fn its_agent(caller: &Caller, named: &Identifier, request: &str) -> Answered<AgentId> {
    let mismatch = || of_class(PaymentError::AgentIdentityMismatch, request);
    let KeyHolder::Agent(agent) = caller.holder else { return Err(mismatch()) };
    if agent.to_string() == named.as_str() { Ok(agent) } else { Err(mismatch()) }
}

fn party(holder: KeyHolder) -> Answered<Party> {
    match holder {
        KeyHolder::Agent(agent) => Ok(Party::Agent(agent)),
        KeyHolder::Owner(owner) => Ok(Party::Owner(owner)),
        KeyHolder::Operator | KeyHolder::Payee(_) => Err(Edge::AudienceWrong.into()),
    }
}

fn moved(from: TaskState, event: TaskEvent) -> Answered<TaskState> {
    from.after(event).map_err(|no| Problem::from(Edge::AgreementState).because(format!("{no}.")))
}
