//! The stream of decisions: server-sent events, one for each entry that the caller may see, within a second.

use crate::auth::{self, Caller};
use crate::codes::Edge;
use crate::limits::{STREAM_ENTRIES_MAX, STREAM_MILLIS, STREAM_SILENT_SECONDS};
use crate::problem::{Answered, Problem};
use crate::reads::whom;
use crate::request::Call;
use crate::routes::entries::entry_text;
use crate::state::{App, State};
use axum::extract;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use book::{Entry, Seq};
use engine::views::Kind;
use futures_util::stream::{Stream, unfold};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;

/// Decisions as they are made. `Last-Event-ID` resumes behind an event.
#[utoipa::path(
    get, path = "/v1/decisions/stream", tag = "entries",
    params(("Last-Event-ID" = Option<u64>, Header, description = "Begin behind this entry")),
    responses((status = 200, description = "Events named `decision`", body = String, content_type = "text/event-stream"))
)]
pub async fn decisions_stream(extract::State(app): extract::State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, auth::Kind::ALL).await?;
    let from = match call.text_header("last-event-id")? {
        Some(text) => {
            let last =
                text.parse::<u64>().map_err(|_| Problem::from(Edge::HeaderMalformed).of("Last-Event-ID"))?;
            Seq(last.saturating_add(1))
        }
        None => Seq(app.engine.size()),
    };
    let place = app.streams.clone().try_acquire_owned().map_err(|_| Problem::from(Edge::Busy))?;
    let silence = KeepAlive::new().interval(Duration::from_secs(STREAM_SILENT_SECONDS));
    Ok(Sse::new(events(app, caller, from, place)).keep_alive(silence).into_response())
}

struct Position {
    app: App,
    caller: Caller,
    next: Seq,
    ready: VecDeque<Event>,
    _place: OwnedSemaphorePermit,
}

fn events(
    app: App,
    caller: Caller,
    from: Seq,
    place: OwnedSemaphorePermit,
) -> impl Stream<Item = Result<Event, Infallible>> {
    let start = Position { app, caller, next: from, ready: VecDeque::new(), _place: place };
    unfold(start, |mut position| async move {
        loop {
            if let Some(event) = position.ready.pop_front() {
                return Some((Ok(event), position));
            }
            if !position.app.reads.moved(position.next).await {
                return None;
            }
            position.look().await?;
            if position.ready.is_empty() {
                tokio::time::sleep(Duration::from_millis(STREAM_MILLIS)).await;
            }
        }
    })
}

impl Position {
    /// Takes what is new. None where it cannot be read, or the key counts no longer: the stream ends.
    async fn look(&mut self) -> Option<()> {
        let enrolled = self.app.directory.key(self.caller.key)?;
        if enrolled.status == crate::directory::KeyStatus::Revoked {
            return None;
        }
        let (app, viewer, from) = (self.app.clone(), self.caller.holder, self.next);
        let asked = self.app.reads.ask(from, move |view| {
            let found = view.decisions_from(whom(viewer), from, STREAM_ENTRIES_MAX)?;
            let mut events = VecDeque::with_capacity(found.rows.len());
            for row in found.rows.iter().filter(|row| row.kind != Kind::Present) {
                let (entry, bytes) = app.entry(row.seq)?.ok_or(Problem::from(Edge::Internal))?;
                events.push_back(event(&app, &entry, &bytes));
            }
            Ok((events, found.next))
        });
        let (events, next) = asked.await.ok()?;
        self.ready = events;
        self.next = next;
        Some(())
    }
}

fn event(app: &State, entry: &Entry, bytes: &[u8]) -> Event {
    let text = serde_json::to_string(&entry_text(entry, bytes, app.livemode)).expect("an entry is JSON");
    Event::default().event("decision").id(entry.seq.0.to_string()).data(text)
}
