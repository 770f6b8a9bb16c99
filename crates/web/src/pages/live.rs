//! The live stream: says that something was decided or waits, and nothing else. The page then asks for what it shows.

use crate::limits::{LIVE_MILLIS, SELLERS_MAX};
use crate::page::Stop;
use crate::visit::Visit;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use book::{OwnerId, Seq};
use engine::views::Whom;
use futures_util::stream::{Stream, unfold};
use server::codes::Edge;
use server::limits::{STREAM_ENTRIES_MAX, STREAM_SILENT_SECONDS};
use server::problem::Problem;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;

/// The stream of the owner who is logged in.
pub async fn stream(visit: Visit) -> Response {
    let open = || {
        let owner = visit.owner()?;
        let place = visit.site.app.streams.clone().try_acquire_owned();
        let place = place.map_err(|_| Stop::from(Problem::from(Edge::Busy)))?;
        Ok::<_, Stop>((owner, place))
    };
    match open() {
        Ok((owner, place)) => {
            let now = visit.site.app.reads.position().0;
            let from = visit.asked("from").parse().ok().filter(|from| *from <= now).unwrap_or(now);
            // Who was away for long is told at once: what was missed may be hers.
            let is_late = STREAM_ENTRIES_MAX < usize::try_from(now - from).unwrap_or(usize::MAX);
            let next = Seq(if is_late { now } else { from });
            let silence = KeepAlive::new().interval(Duration::from_secs(STREAM_SILENT_SECONDS));
            Sse::new(events(Watch { visit, owner, next, is_late, waiting: 0, _place: place }))
                .keep_alive(silence)
                .into_response()
        }
        Err(stop) => stop.show(&visit),
    }
}

struct Watch {
    visit: Visit,
    owner: OwnerId,
    next: Seq,
    is_late: bool,
    waiting: usize,
    _place: OwnedSemaphorePermit,
}

fn events(watch: Watch) -> impl Stream<Item = Result<Event, Infallible>> {
    unfold(watch, |mut watch| async move {
        loop {
            let app = &watch.visit.site.app;
            let rest = Duration::from_millis(LIVE_MILLIS);
            let moved = tokio::time::timeout(rest, app.reads.moved(watch.next)).await;
            if moved == Ok(false) || !watch.is_open() {
                return None;
            }
            let waiting = app.connections.waiting_for(watch.owner, app.clock.now()).len();
            let missed = std::mem::take(&mut watch.is_late);
            let (mut changed, owner, from) = (missed || waiting != watch.waiting, watch.owner, watch.next);
            watch.waiting = waiting;
            if moved == Ok(true) {
                let found = app.ask(move |view| {
                    let found = view.decisions_from(Whom::Owner(owner), from, STREAM_ENTRIES_MAX)?;
                    let mut changed = !found.rows.is_empty();
                    // What others buy from her is in her sellers' lists alone.
                    for row in view.payees_of(owner, None, SELLERS_MAX)?.rows {
                        let of = Whom::Payee(row.id);
                        changed = changed || !view.decisions_from(of, from, 1)?.rows.is_empty();
                    }
                    Ok((changed, found.next))
                });
                let (found, next) = found.await.ok()?;
                changed |= found;
                watch.next = next;
            }
            if changed {
                let event = Event::default().event("changed").data(watch.next.0.to_string());
                return Some((Ok(event), watch));
            }
            if moved == Ok(true) {
                // Others' decisions: there may be many.
                tokio::time::sleep(rest).await;
            }
        }
    })
}

impl Watch {
    /// Whether the session still is one.
    fn is_open(&self) -> bool {
        let app = &self.visit.site.app;
        let session =
            self.visit.here.as_ref().map(|here| self.visit.site.store.session(here.token, app.wall_clock()));
        matches!(session, Some(Ok(Some(_))))
    }
}
