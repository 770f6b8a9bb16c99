//! The stream of decisions: server-sent events, one for each entry that the caller may see, within a second.

use crate::auth::{Caller, Kind};
use crate::codes::Edge;
use crate::limits::{STREAM_ENTRIES_MAX, STREAM_MILLIS, STREAM_SILENT_SECONDS};
use crate::problem::{Answered, Problem};
use crate::request::Call;
use crate::routes::entries::entry_text;
use crate::state::{App, State};
use axum::extract;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use book::{Action, Entry, Seq};
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
    let caller = app.caller(&call, Kind::ALL).await?;
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
            let before = position.next;
            position.look()?;
            if position.next == before {
                tokio::time::sleep(Duration::from_millis(STREAM_MILLIS)).await;
            }
        }
    })
}

impl Position {
    /// Takes what is new. None where the journal cannot be read, or the key counts no longer: the stream ends.
    fn look(&mut self) -> Option<()> {
        let enrolled = self.app.directory.key(self.caller.key)?;
        if enrolled.status == crate::directory::KeyStatus::Revoked {
            return None;
        }
        // Only what the rows know can be shown to the right people.
        let seen = self.app.reads.position();
        if seen <= self.next {
            return Some(());
        }
        let frames = self.app.engine.journal().frames(self.next, STREAM_ENTRIES_MAX).ok()?;
        for (seq, bytes) in frames.iter().flat_map(|frame| frame.entries()) {
            if seq < self.next || seen <= seq {
                continue;
            }
            self.next = seq.next();
            let entry = Entry::from_bytes(bytes).ok()?;
            if is_decision(&entry) && self.app.reads.sees_entry(self.caller.holder, &entry) {
                self.ready.push_back(event(&self.app, &entry, bytes));
            }
        }
        Some(())
    }
}

fn is_decision(entry: &Entry) -> bool {
    !matches!(entry.command.action, Action::Present(_))
}

fn event(app: &State, entry: &Entry, bytes: &[u8]) -> Event {
    let text = serde_json::to_string(&entry_text(entry, bytes, app.livemode)).expect("an entry is JSON");
    Event::default().event("decision").id(entry.seq.0.to_string()).data(text)
}
