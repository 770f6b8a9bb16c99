//! Entries of the journal, and their receipts.

use crate::answer::{json, name, name_of_action};
use crate::auth::{Caller, Kind};
use crate::codes::Edge;
use crate::convert::time_text;
use crate::limits::STREAM_ENTRIES_MAX;
use crate::problem::{Answered, Problem};
use crate::request::Call;
use crate::routes::query;
use crate::state::App;
use axum::extract::{Path, State};
use axum::response::Response;
use book::{Actor, Entry, Outcome, Seq};
use evidence::base64url;
use http::StatusCode;
use wire::entry::Receipt;
use wire::limits::LIST_MAX;
use wire::list::{Page, PageQuery};

/// The entries that the caller may see, oldest first. The cursor is a place in the journal.
#[utoipa::path(get, path = "/v1/entries", tag = "entries", params(PageQuery),
    responses((status = 200, description = "A page", body = Page<wire::entry::Entry>)))]
pub async fn list_entries(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, Kind::ALL).await?;
    let PageQuery { limit, cursor } = query(&call)?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if limit == 0 || LIST_MAX < limit {
        return Err(Problem::from(Edge::ParamMalformed).of("limit"));
    }
    let invalid = || Problem::from(Edge::CursorInvalid).of("cursor");
    let from = cursor.map(|text| text.parse::<u64>().map_err(|_| invalid())).transpose()?.unwrap_or_default();
    app.settle().await?;
    let (data, next) = read_entries(&app, &caller, Seq(from), limit)?;
    let page = Page { data, next_cursor: next.map(|seq| seq.0.to_string()), livemode: app.livemode };
    Ok(json(StatusCode::OK, &page))
}

/// Up to `limit` entries from a place on, and the place to go on from where there may be more.
///
/// It looks at a bounded stretch of the journal, so a page may have fewer and still have a next one.
fn read_entries(
    app: &App,
    caller: &Caller,
    from: Seq,
    limit: usize,
) -> Answered<(Vec<wire::entry::Entry>, Option<Seq>)> {
    let frames = app.engine.journal().frames(from, STREAM_ENTRIES_MAX).map_err(|fault| {
        tracing::error!(%fault, "the journal cannot be read");
        Problem::from(Edge::Internal)
    })?;
    let mut next = from;
    let mut data = Vec::new();
    for (seq, bytes) in frames.iter().flat_map(|frame| frame.entries()).filter(|(seq, _)| from <= *seq) {
        if data.len() == limit {
            break;
        }
        next = seq.next();
        let entry = Entry::from_bytes(bytes).map_err(|_| Problem::from(Edge::Internal))?;
        if app.reads.sees_entry(caller.holder, &entry) {
            data.push(entry_text(&entry, bytes, app.livemode));
        }
    }
    let more = next.0 < app.engine.size() && from < next;
    Ok((data, more.then_some(next)))
}

/// One entry.
#[utoipa::path(get, path = "/v1/entries/{seq}", tag = "entries", params(("seq" = u64, Path)),
    responses((status = 200, description = "The entry", body = wire::entry::Entry)))]
pub async fn get_entry(State(app): State<App>, Path(text): Path<String>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, Kind::ALL).await?;
    let (entry, bytes) = find(&app, &caller, &text).await?;
    Ok(json(StatusCode::OK, &entry_text(&entry, &bytes, app.livemode)))
}

/// One entry with all that is needed to check it offline.
#[utoipa::path(get, path = "/v1/entries/{seq}/receipt", tag = "entries", params(("seq" = u64, Path)),
    responses((status = 200, description = "The receipt", body = Receipt)))]
pub async fn get_receipt(State(app): State<App>, Path(text): Path<String>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, Kind::ALL).await?;
    let (entry, bytes) = find(&app, &caller, &text).await?;
    let published = app.log.published();
    if published.size <= entry.seq.0 {
        return Err(Edge::ReceiptPending.into());
    }
    let proof =
        evidence::proof::inclusion(&app.log.hashes(), entry.seq.0, published.size).map_err(|fault| {
            tracing::error!(%fault, "a proof cannot be made");
            Problem::from(Edge::Internal)
        })?;
    let receipt = Receipt {
        entry: entry.seq.0,
        bytes: base64url::encode(&bytes),
        proof: proof.hashes().iter().map(ToString::to_string).collect(),
        checkpoint: published.checkpoint.clone(),
        vkey: app.vkey.clone(),
        livemode: app.livemode,
    };
    Ok(json(StatusCode::OK, &receipt))
}

/// The entry, if the caller may see it; somebody else's is as if there was none.
async fn find(app: &App, caller: &Caller, text: &str) -> Answered<(Entry, Vec<u8>)> {
    let seq = text.parse::<u64>().map_err(|_| Problem::from(Edge::ParamMalformed).of("seq"))?;
    app.settle().await?;
    let found = app.entry(Seq(seq))?.filter(|(entry, _)| app.reads.sees_entry(caller.holder, entry));
    found.ok_or_else(|| Edge::EntryUnknown.into())
}

/// An entry in words.
pub fn entry_text(entry: &Entry, bytes: &[u8], livemode: bool) -> wire::entry::Entry {
    let by = match entry.command.by {
        Actor::Operator { .. } => "operator".to_owned(),
        Actor::Owner { owner, .. } => owner.to_string(),
        Actor::Agent { agent, .. } => agent.to_string(),
        Actor::Payee { payee, .. } => payee.to_string(),
        Actor::Book => "book".to_owned(),
    };
    let (outcome, code) = match &entry.outcome {
        Outcome::Done => ("done", None),
        Outcome::Paid(_) => ("paid", None),
        Outcome::Held(_) => ("held", None),
        Outcome::Captured(_) => ("captured", None),
        Outcome::Released(_) => ("released", None),
        Outcome::Refunded(_) => ("refunded", None),
        Outcome::Charged(_) => ("charged", None),
        Outcome::Settled(_) => ("settled", None),
        Outcome::Asked(question) => ("asked", Some(question.ask.code())),
        Outcome::Denied(refusal) => ("denied", Some(refusal.denial.code())),
    };
    wire::entry::Entry {
        entry: entry.seq.0,
        at: time_text(entry.at),
        id: name(&entry.command),
        by,
        action: name_of_action(&entry.command.action).0.to_owned(),
        outcome: outcome.to_owned(),
        code: code.map(str::to_owned),
        bytes: base64url::encode(bytes),
        livemode,
    }
}
