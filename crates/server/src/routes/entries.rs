//! Entries of the journal, and their receipts.

use crate::answer::{name, name_of_action};
use crate::auth::Kind;
use crate::codes::Edge;
use crate::convert::time_text;
use crate::problem::{Answered, Problem};
use crate::reads::{decision, show, whom};
use crate::request::Call;
use crate::routes::query;
use crate::state::{self, App};
use axum::extract::{Path, State};
use axum::response::Response;
use book::{Actor, Entry, KeyHolder, Outcome, Seq};
use engine::View;
use evidence::base64url;
use wire::entry::Receipt;
use wire::limits::LIST_MAX;
use wire::list::{Page, PageQuery};

/// The entries that the caller may see, oldest first. The cursor is a place in the journal.
#[utoipa::path(get, path = "/v1/entries", tag = "entries", params(PageQuery),
    responses((status = 200, description = "A page", body = Page<wire::entry::Entry>)))]
pub async fn list_entries(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, Kind::ALL).await?;
    let PageQuery { limit, cursor, at_least: _ } = query(&call)?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if limit == 0 || LIST_MAX < limit {
        return Err(Problem::from(Edge::ParamMalformed).of("limit"));
    }
    let invalid = || Problem::from(Edge::CursorInvalid).of("cursor");
    let from = cursor.map(|text| text.parse::<u64>().map_err(|_| invalid())).transpose()?.unwrap_or_default();
    show(&app, &call, move |app, view| {
        let (data, next) = read_entries(app, view, caller.holder, Seq(from), limit)?;
        Ok(Page { data, next_cursor: next.map(|seq| seq.0.to_string()), livemode: app.livemode })
    })
    .await
}

/// Up to `limit` entries from a place on, and the place to go on from where there may be more.
///
/// It looks at a bounded stretch of the journal, so a page may have fewer and still have a next one.
fn read_entries(
    app: &state::State,
    view: &View,
    viewer: KeyHolder,
    from: Seq,
    limit: usize,
) -> Answered<(Vec<wire::entry::Entry>, Option<Seq>)> {
    let found = view.decisions_from(whom(viewer), from, limit)?;
    let mut data = Vec::with_capacity(found.rows.len());
    for row in found.rows {
        let (entry, bytes) = app.entry(row.seq)?.ok_or(Problem::from(Edge::Internal))?;
        data.push(entry_text(&entry, &bytes, app.livemode));
    }
    Ok((data, Some(found.next).filter(|next| *next < view.position())))
}

/// One entry.
#[utoipa::path(get, path = "/v1/entries/{seq}", tag = "entries", params(("seq" = u64, Path), ("at_least" = Option<u64>, Query, description = "Before which entry everything has to be shown; by default all that was answered until now")),
    responses((status = 200, description = "The entry", body = wire::entry::Entry)))]
pub async fn get_entry(State(app): State<App>, Path(text): Path<String>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, Kind::ALL).await?;
    let seq = place(&text)?;
    show(&app, &call, move |app, view| {
        let (entry, bytes) = find(app, view, caller.holder, seq)?;
        Ok(entry_text(&entry, &bytes, app.livemode))
    })
    .await
}

/// One entry with all that is needed to check it offline.
#[utoipa::path(get, path = "/v1/entries/{seq}/receipt", tag = "entries", params(("seq" = u64, Path), ("at_least" = Option<u64>, Query, description = "Before which entry everything has to be shown; by default all that was answered until now")),
    responses((status = 200, description = "The receipt", body = Receipt)))]
pub async fn get_receipt(State(app): State<App>, Path(text): Path<String>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, Kind::ALL).await?;
    let seq = place(&text)?;
    show(&app, &call, move |app, view| {
        let (entry, bytes) = find(app, view, caller.holder, seq)?;
        receipt(app, entry.seq, &bytes)
    })
    .await
}

/// The receipt of an entry with these bytes, under the newest checkpoint.
///
/// # Errors
/// [`Edge::ReceiptPending`] where no checkpoint covers it yet.
pub fn receipt(app: &state::State, seq: Seq, bytes: &[u8]) -> Answered<Receipt> {
    let published = app.log.published();
    if published.size <= seq.0 {
        return Err(Edge::ReceiptPending.into());
    }
    let signed_by = app.log_keys.key_for(published.size).expect("a checkpoint has a key");
    let proof = evidence::proof::inclusion(&app.log.hashes(), seq.0, published.size);
    let proof = proof.map_err(|fault| {
        tracing::error!(%fault, "a proof cannot be made");
        Problem::from(Edge::Internal)
    })?;
    Ok(Receipt {
        entry: seq.0,
        bytes: base64url::encode(bytes),
        proof: proof.hashes().iter().map(ToString::to_string).collect(),
        checkpoint: published.checkpoint.clone(),
        vkey: signed_by.to_string(),
        livemode: app.livemode,
    })
}

fn place(text: &str) -> Answered<Seq> {
    text.parse().map(Seq).map_err(|_| Problem::from(Edge::ParamMalformed).of("seq"))
}

/// The entry, if the viewer may see it; somebody else's is as if there was none.
fn find(app: &state::State, view: &View, viewer: KeyHolder, seq: Seq) -> Answered<(Entry, Vec<u8>)> {
    let found = decision(view, viewer, seq)?.map(|row| app.entry(row.seq)).transpose()?;
    found.flatten().ok_or_else(|| Edge::EntryUnknown.into())
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
        Outcome::Subscribed(_) => ("subscribed", None),
        Outcome::Invoiced(_) => ("invoiced", None),
        Outcome::Credited(_) => ("credited", None),
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
