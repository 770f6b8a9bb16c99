//! Intents: what an owner says an agent may spend on, from the sentence to the credential (`ADD-INT-ICS`).
//!
//! Anybody who speaks for the wallet may draw one up and answer its questions; only the owner, present for this very
//! request, agrees to its summary, and that one yes issues the credential and grants the mandate in one entry.

pub mod clearer;
pub mod draft;
pub(crate) mod question;

use crate::answer::{Answer, json};
use crate::auth::{Caller, Kind};
use crate::codes::Edge;
use crate::convert::{bits, id, limits_text};
use crate::limits::{AGENT_QUESTIONS_MAX, SUGGESTIONS_MAX};
use crate::papers::CredentialPaper;
use crate::problem::{Answered, Problem};
use crate::reads;
use crate::request::{Call, path_id};
use crate::routes::check_label;
use crate::state::App;
use axum::extract::{Path, State};
use axum::response::Response;
use book::{
    Action, AgentId, Carry, Denial, GrantMandate, Id, KeyHolder, MandateId, Presence, Reject, WalletId,
};
use draft::{Reply, Said, Understood, identifier, malformed, understand, unreadable};
use evidence::Hash;
use http::StatusCode;
use protocols::act::iac::{IacReferences, Risk, Selection, SourceDigest, UnsignedIac};
use protocols::act::intent::Answer as Yes;
use protocols::act::intent::{ConfirmedIsr, IntentError};
use protocols::act::{Fingerprint, Uri, UtcTime, Word};
use question::DRAFTERS;
use wire::IntentId;
use wire::act::{AgentQuestion, Credential, Intent, IntentAnswer, IntentConfirmation, NewIntent, Words};

/// Draws up an intent: what is understood of the words, in plain words, and what is open.
#[utoipa::path(post, path = "/v1/intents", tag = "intents", request_body = NewIntent,
    responses((status = 201, description = "Drawn up", body = Intent)))]
pub async fn create_intent(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, DRAFTERS).await?;
    let intent: NewIntent = call.json()?;
    app.present(&caller).await?;
    Ok(json(StatusCode::CREATED, &draw_up(&app, caller.holder, intent).await?))
}

/// Draws up an intent for whoever speaks for the wallet.
///
/// # Errors
/// A [`Problem`]; nothing is kept then.
pub async fn draw_up(app: &App, viewer: KeyHolder, intent: NewIntent) -> Answered<Intent> {
    let name = id(intent.id.0);
    let by = agent_of(viewer);
    let said = Said { intent, made_at: app.clock.now().0, by, answers: Vec::new(), asked: Vec::new() };
    // What cannot be read at all is not kept.
    show(app, viewer, said.clone(), None).await?;
    let text = text_of(&said);
    let kept = app.write_papers(move |papers| papers.keep_intent(name, &text)).await?;
    let kept = read(&kept)?;
    if kept.intent != said.intent {
        return Err(Reject::IdReused.into());
    }
    let (_, granted) = find(app, name)?;
    show(app, viewer, kept, granted).await
}

/// Answers one open question of an intent.
#[utoipa::path(post, path = "/v1/intents/{id}/answers", tag = "intents", request_body = IntentAnswer,
    params(("id" = IntentId, Path)), responses((status = 201, description = "The intent as it stands then", body = Intent)))]
pub async fn answer_intent(
    State(app): State<App>,
    Path(text): Path<String>,
    call: Call,
) -> Answered<Response> {
    let caller = app.caller(&call, DRAFTERS).await?;
    let intent: IntentId = path_id(&text)?;
    let answer: IntentAnswer = call.json()?;
    app.present(&caller).await?;
    Ok(json(StatusCode::CREATED, &answer_one(&app, caller.holder, intent, answer).await?))
}

/// Answers one open question of an intent; what is no answer changes nothing. The same answer again is none.
///
/// # Errors
/// [`Edge::IntentMalformed`] for what does not answer, [`Edge::IntentChanged`] where somebody was quicker.
pub async fn answer_one(
    app: &App,
    viewer: KeyHolder,
    intent: IntentId,
    answer: IntentAnswer,
) -> Answered<Intent> {
    let name = id(intent.0);
    let (text, granted) = find(app, name)?;
    let before = read(&text)?;
    let shown = show(app, viewer, before.clone(), granted).await.map_err(hidden)?;
    let is_open = |intent: &Intent| intent.questions.iter().any(|open| open.id == answer.question);
    if granted.is_some() {
        return Err(Edge::IntentChanged.into());
    }
    let last = before.answers.last();
    if last.is_some_and(|last| last.question == answer.question && last.answer == answer.answer) {
        return Ok(shown);
    }
    let not_an_answer = || Problem::from(Edge::IntentMalformed).of("answer");
    if !is_open(&shown) {
        return Err(Problem::from(Edge::IntentMalformed).of("question"));
    }
    let mut after = before;
    let at = app.clock.now().0;
    let IntentAnswer { question, answer: words } = answer.clone();
    if wire::limits::SENTENCE_CHARS_MAX < words.chars().count() {
        return Err(not_an_answer());
    }
    after.answers.push(Reply { question, answer: words, at, by: agent_of(viewer) });
    if wire::limits::TURNS_MAX < after.answers.len() {
        return Err(not_an_answer());
    }
    let shown = show(app, viewer, after.clone(), None).await?;
    if question::Own::is_one(&answer.question) && is_open(&shown) {
        return Err(not_an_answer());
    }
    let changed = app.write_papers(move |papers| papers.change_intent(name, &text, &text_of(&after)));
    if changed.await? { Ok(shown) } else { Err(Edge::IntentChanged.into()) }
}

/// Asks the owner something that the agent has to know, such as a size. It is open until it is answered, like the others.
#[utoipa::path(post, path = "/v1/intents/{id}/questions", tag = "intents", request_body = AgentQuestion,
    params(("id" = IntentId, Path)), responses((status = 201, description = "The intent as it stands then", body = Intent)))]
pub async fn ask_about_intent(
    State(app): State<App>,
    Path(text): Path<String>,
    call: Call,
) -> Answered<Response> {
    let caller = app.caller(&call, &[Kind::Agent]).await?;
    let intent: IntentId = path_id(&text)?;
    let question: AgentQuestion = call.json()?;
    app.present(&caller).await?;
    Ok(json(StatusCode::CREATED, &ask(&app, caller.holder, intent, question).await?))
}

/// Opens a question of the agent's own; the same question again is none.
///
/// # Errors
/// [`Edge::TextMalformed`], and [`Edge::IntentChanged`] where it is agreed to already.
pub async fn ask(
    app: &App,
    viewer: KeyHolder,
    intent: IntentId,
    question: AgentQuestion,
) -> Answered<Intent> {
    let is_text = |text: &String| !text.trim().is_empty();
    let count = question.suggestions.len();
    if SUGGESTIONS_MAX < count || !question.suggestions.iter().chain([&question.question]).all(is_text) {
        return Err(Problem::from(Edge::TextMalformed).of("question"));
    }
    for text in question.suggestions.iter().chain([&question.question]) {
        check_label(Some(text))?;
    }
    let name = id(intent.0);
    let (text, granted) = find(app, name)?;
    let mut said = read(&text)?;
    show(app, viewer, said.clone(), granted).await.map_err(hidden)?;
    if granted.is_some() {
        return Err(Edge::IntentChanged.into());
    }
    if let Some(asked) = said.asked.iter().find(|asked| asked.question == question.question) {
        if *asked != question {
            return Err(Edge::IntentChanged.into());
        }
        return show(app, viewer, said, None).await;
    }
    if AGENT_QUESTIONS_MAX <= said.asked.len() {
        return Err(Reject::TooMany.into());
    }
    said.asked.push(question);
    let shown = show(app, viewer, said.clone(), None).await?;
    let changed = app.write_papers(move |papers| papers.change_intent(name, &text, &text_of(&said)));
    if changed.await? { Ok(shown) } else { Err(Edge::IntentChanged.into()) }
}

/// An intent as it stands.
#[utoipa::path(get, path = "/v1/intents/{id}", tag = "intents", params(("id" = IntentId, Path)),
    responses((status = 200, description = "The intent", body = Intent)))]
pub async fn get_intent(State(app): State<App>, Path(text): Path<String>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, DRAFTERS).await?;
    let intent: IntentId = path_id(&text)?;
    Ok(json(StatusCode::OK, &look_up(&app, caller.holder, intent).await?))
}

/// An intent as it stands, for whoever speaks for its wallet.
///
/// # Errors
/// [`Edge::IntentUnknown`].
pub async fn look_up(app: &App, viewer: KeyHolder, intent: IntentId) -> Answered<Intent> {
    let (text, granted) = find(app, id(intent.0))?;
    show(app, viewer, read(&text)?, granted).await.map_err(hidden)
}

/// The words that an intent was drawn up from, where they were given and not only their digest. Whoever asks has looked
/// the intent up, and so may see them.
///
/// # Errors
/// [`Edge::IntentUnknown`].
pub fn words_of(app: &App, intent: IntentId) -> Answered<Option<Words>> {
    let (text, _) = find(app, id(intent.0))?;
    Ok(read(&text)?.intent.conversation_history.user_intent_raw)
}

/// Agrees to the summary of an intent: issues the credential and grants the mandate. The owner signs this very request.
#[utoipa::path(post, path = "/v1/intents/{id}/confirm", tag = "intents", request_body = IntentConfirmation,
    params(("id" = IntentId, Path)), responses((status = 201, description = "Issued and granted", body = Credential)))]
pub async fn confirm_intent(
    State(app): State<App>,
    Path(text): Path<String>,
    call: Call,
) -> Answered<Response> {
    let caller = app.caller(&call, &[Kind::Owner]).await?;
    let intent: IntentId = path_id(&text)?;
    let yes: IntentConfirmation = call.json()?;
    Ok(json(StatusCode::CREATED, &confirm(&app, &caller, intent, yes).await?))
}

/// Takes the owner's yes.
///
/// # Errors
/// [`Edge::IntentOpen`], [`Edge::IntentChanged`], and what the book refuses a mandate for; nothing is granted then.
pub async fn confirm(
    app: &App,
    caller: &Caller,
    intent: IntentId,
    yes: IntentConfirmation,
) -> Answered<Credential> {
    match caller.presence {
        Presence::Fresh => {}
        Presence::Session => return Err(Denial::PresenceRequired.into()),
    }
    let (name, mandate) = (id(intent.0), MandateId(id(yes.id.0)));
    let (text, granted) = find(app, name)?;
    let said = read(&text)?;
    let understood = see(app, caller.holder, said.clone()).await.map_err(hidden)?;
    let kept = app.papers.credential(mandate).map_err(|fault| unreadable(&fault))?;
    let paper = match (granted, kept) {
        // What was agreed to before is granted again under the same name, which grants it once.
        (Some(granted), Some(paper)) if granted == mandate && paper.intent == name => paper,
        (Some(_), _) | (None, Some(_)) => return Err(Edge::IntentChanged.into()),
        (None, None) => {
            if !understood.questions.is_empty() {
                return Err(Edge::IntentOpen.into());
            }
            let paper = issue(app, caller, name, mandate, &understood, &yes)?;
            let written = paper.clone();
            let kept = app.write_papers(move |papers| papers.keep_credential(mandate, &written, &text));
            if !kept.await? {
                return Err(Edge::IntentChanged.into());
            }
            paper
        }
    };
    let rules = confirmed(&paper)?;
    if unconfirmed_digest(&rules) != yes.of {
        return Err(Edge::IntentChanged.into());
    }
    grant(app, caller, mandate, &said, &paper, &rules).await
}

async fn grant(
    app: &App,
    caller: &Caller,
    mandate: MandateId,
    said: &Said,
    paper: &CredentialPaper,
    rules: &ConfirmedIsr,
) -> Answered<Credential> {
    let isr = rules.isr();
    let at = |time: &Option<UtcTime>| time.as_ref().map(UtcTime::time).unwrap_or_default();
    let digest = Hash::of(paper.credential.as_bytes());
    let action = Action::GrantMandate(GrantMandate {
        wallet: WalletId(id(said.intent.wallet.0)),
        agent: AgentId(id(said.intent.agent.0)),
        valid_from: at(&isr.validity_start_time),
        expires_at: at(&isr.validity_end_time),
        limits: agreed_limits(isr)?,
        document: digest,
        // What she agrees to counts from nothing: she has just signed for it.
        carry: Carry::Reset,
    });
    let Answer::Done(done) = app.execute(caller, mandate.0, action).await? else {
        return Err(Edge::Internal.into());
    };
    tracing::info!(event = "act:delegation:delegation-issued", delegation_id = %mandate, entry = done.entry);
    Ok(Credential {
        delegation_id: wire::MandateId(bits(mandate.0)),
        intent: Some(IntentId(bits(paper.intent))),
        credential: paper.credential.clone(),
        digest: wire::Digest(digest.0),
        entry: done.entry,
        repeated: Some(done.repeated),
        livemode: app.livemode,
    })
}

/// The limits that were agreed to, out of the rules whose digest was confirmed.
fn agreed_limits(isr: &protocols::act::intent::IntentStructuringResult) -> Answered<Vec<book::Limit>> {
    let private = isr.ext.as_ref().and_then(|ext| ext.vendor_private.as_ref());
    let limits = private.map(|private| private.value()["tollbridge"]["limits"].clone()).unwrap_or_default();
    let limits: Vec<wire::limit::Limit> =
        serde_json::from_value(limits).map_err(|fault| unreadable(&fault))?;
    crate::convert::limits(&limits)
}

/// Signs what was agreed to. Nothing can be done with it before the book has granted the mandate.
fn issue(
    app: &App,
    caller: &Caller,
    intent: Id,
    mandate: MandateId,
    understood: &Understood,
    yes: &IntentConfirmation,
) -> Answered<CredentialPaper> {
    let now = app.clock.now();
    let method = yes.user_confirmation_method.as_deref().unwrap_or("SIGNATURE");
    let not_shown = || Problem::from(Edge::IntentChanged).of("of");
    let answer = Yes {
        to: Fingerprint::parse(yes.of.as_str()).map_err(|_| not_shown())?,
        user_confirmation_method: Word::parse(method)
            .map_err(|_| Problem::from(Edge::BodyMalformed).of("user_confirmation_method"))?,
        user_confirmation_timestamp: UtcTime::second_of(now),
    };
    let rules = understood.draft.clone().confirm(answer).map_err(|fault| match fault {
        IntentError::Unconfirmed => not_shown(),
        IntentError::Incomplete { .. } | IntentError::Contradictory { .. } => Edge::IntentOpen.into(),
        IntentError::Invalid(fault) => malformed(&fault),
    })?;
    let KeyHolder::Owner(owner) = caller.holder else { return Err(Edge::AudienceWrong.into()) };
    let unsigned = UnsignedIac::select(
        &rules,
        Selection {
            delegation_id: identifier(&mandate.to_string()),
            delegator_identity: identifier(&owner.to_string()),
            source_isr_digest: SourceDigest::Include,
        },
    );
    let status = format!("https://{}/v1/credentials/{mandate}/status", app.origin);
    let references = IacReferences {
        status_reference: Uri::parse(status).ok(),
        control_proof_ref: Some(identifier(&caller.key.to_string())),
    };
    let issued = app.authorization_key.issue(&unsigned, &references, Risk::High, now);
    let credential = issued.map_err(|fault| malformed(&fault))?;
    Ok(CredentialPaper { intent, credential, isr: rules.isr().to_json() })
}

fn confirmed(paper: &CredentialPaper) -> Answered<ConfirmedIsr> {
    let read = ConfirmedIsr::from_record(paper.isr.as_bytes(), &Default::default());
    read.map_err(|fault| unreadable(&fault))
}

/// The digest of the rules as they were shown, before they were confirmed.
fn unconfirmed_digest(rules: &ConfirmedIsr) -> String {
    let shown = protocols::act::intent::IntentStructuringResult {
        user_confirmation_method: None,
        user_confirmation_timestamp: None,
        ..rules.isr().clone()
    };
    shown.digest().as_str().to_owned()
}

fn find(app: &App, name: Id) -> Answered<(String, Option<MandateId>)> {
    let found = app.papers.intent(name).map_err(|fault| unreadable(&fault))?;
    found.ok_or_else(|| Edge::IntentUnknown.into())
}

fn read(text: &str) -> Answered<Said> {
    serde_json::from_str(text).map_err(|fault| unreadable(&fault))
}

fn text_of(said: &Said) -> String {
    serde_json::to_string(said).expect("what was said is JSON")
}

/// What is understood of an intent, for its owner or its agent.
async fn see(app: &App, viewer: KeyHolder, said: Said) -> Answered<Understood> {
    let state = app.clone();
    app.ask(move |view| {
        let wallet = WalletId(id(said.intent.wallet.0));
        let agent = AgentId(id(said.intent.agent.0));
        let row = view.wallet(wallet)?.ok_or_else(|| Problem::from(Reject::WalletUnknown))?;
        if !reads::sees(viewer, Some(row.owner), Some(agent)) {
            return Err(Reject::WalletUnknown.into());
        }
        draft::currency(row.asset)?;
        let bound = view.agent(agent)?.filter(|agent| agent.wallet == wallet);
        bound.ok_or_else(|| Problem::from(Reject::AgentUnknown))?;
        understand(&state, view, &said)
    })
    .await
}

/// Whose intent it is, is told to nobody else.
fn hidden(problem: Problem) -> Problem {
    match problem.code() {
        "wallet_unknown" | "agent_unknown" => Edge::IntentUnknown.into(),
        _ => problem,
    }
}

/// The agent that speaks, where it is one.
fn agent_of(viewer: KeyHolder) -> Option<wire::AgentId> {
    match viewer {
        KeyHolder::Agent(agent) => Some(wire::AgentId(bits(agent.0))),
        KeyHolder::Owner(_) | KeyHolder::Operator | KeyHolder::Payee(_) => None,
    }
}

async fn show(app: &App, viewer: KeyHolder, said: Said, granted: Option<MandateId>) -> Answered<Intent> {
    let (name, wallet, agent) = (said.intent.id, said.intent.wallet, said.intent.agent);
    let (drafted_by, answered_by) = (said.by, said.answers.iter().find_map(|answer| answer.by));
    let understood = see(app, viewer, said).await?;
    let Understood { draft, limits, questions, summary, particulars } = understood;
    let is_open = !questions.is_empty();
    let status = match granted {
        Some(_) => "confirmed",
        None if is_open => "questions",
        None => "ready",
    };
    Ok(Intent {
        id: name,
        status: status.to_owned(),
        wallet,
        agent,
        drafted_by,
        answered_by,
        questions,
        summary,
        particulars,
        summary_digest: (!is_open).then(|| draft.isr().digest().as_str().to_owned()),
        isr: draft.isr().to_json(),
        limits: limits_text(&limits),
        delegation_id: granted.map(|mandate| wire::MandateId(bits(mandate.0))),
        livemode: app.livemode,
    })
}
