//! Clearer words for an intent whose words leave questions, from whatever drafts here. They are the owner's only when she
//! sends them herself, as any other sentence.

use super::draft::{Said, context, unread, words};
use super::question::{self, DRAFTERS, language_of};
use super::{find, hidden, look_up, read};
use crate::answer::json;
use crate::codes::Edge;
use crate::convert::id;
use crate::problem::{Answered, Problem};
use crate::request::{Call, path_id};
use crate::state::App;
use axum::extract::{Path, State};
use axum::response::Response;
use book::{KeyHolder, Reject, WalletId};
use http::StatusCode;
use intent::{Context, Draft, check_faithful, compile};
use wire::IntentId;
use wire::act::ClearerWords;

/// Puts the words of an intent more clearly, where the server has somebody to ask. Nothing is changed.
#[utoipa::path(post, path = "/v1/intents/{id}/clearer", tag = "intents", params(("id" = IntentId, Path)),
    responses((status = 200, description = "Other words, and what would be understood of them", body = ClearerWords)))]
pub async fn clearer_intent(
    State(app): State<App>,
    Path(text): Path<String>,
    call: Call,
) -> Answered<Response> {
    let caller = app.caller(&call, DRAFTERS).await?;
    let intent: IntentId = path_id(&text)?;
    call.no_body()?;
    app.present(&caller).await?;
    Ok(json(StatusCode::OK, &clearer(&app, caller.holder, intent).await?))
}

/// Other words for those of an intent, as far as they say the same.
///
/// # Errors
/// [`Edge::DrafterMissing`], [`Edge::DraftUnusable`], and those of [`look_up`].
pub async fn clearer(app: &App, viewer: KeyHolder, intent: IntentId) -> Answered<ClearerWords> {
    let drafter = app.drafter.as_ref().ok_or_else(|| Problem::from(Edge::DrafterMissing))?;
    look_up(app, viewer, intent).await?;
    let (text, _) = find(app, id(intent.0))?;
    let said = read(&text)?;
    let own_words = words(&said.intent)?.ok_or_else(|| Problem::from(Edge::DraftUnusable))?;
    let (own, context) = understood(app, &said, &own_words).await?;

    let other_words = drafter.rewrite(&own_words).await.map_err(|fault| {
        tracing::warn!(%fault, "nothing was drafted");
        Problem::from(Edge::DraftUnusable)
    })?;
    let stated = said.intent.language.as_deref().map(language_of).unwrap_or_else(|| own.language());
    let other = compile(&other_words, &context)
        .map_err(|refusal| Problem::from(Edge::DraftUnusable).because(refusal.text(stated)))?;
    check_faithful(&own, &other).map_err(|fault| {
        Problem::from(Edge::DraftUnusable).because(format!("The drafted words are not yours: {fault}."))
    })?;
    Ok(ClearerWords {
        sentence: other_words,
        drafted_by: drafter.host().to_owned(),
        summary: other.summary(stated).lines().map(str::to_owned).collect(),
        questions: other.questions().iter().map(|open| question::of_compiler(open, stated)).collect(),
        livemode: app.livemode,
    })
}

/// What is understood of the owner's words alone, and what they are read against.
async fn understood(app: &App, said: &Said, words: &str) -> Answered<(Draft, Context)> {
    let wallet = WalletId(id(said.intent.wallet.0));
    let asset = app.ask(move |view| Ok(view.wallet(wallet)?.map(|row| row.asset))).await.map_err(hidden)?;
    let asset = asset.ok_or_else(|| Problem::from(Reject::WalletUnknown))?;
    let context = context(&said.intent, asset, said.made_at)?;
    let language = said.intent.language.as_deref().map(language_of).unwrap_or(intent::Language::English);
    let draft = compile(words, &context).map_err(|refusal| unread(refusal, language))?;
    Ok((draft, context))
}
