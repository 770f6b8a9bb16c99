//! Routes: one file for each family. A handler authenticates, converts, executes and answers; nothing else.

pub mod a402;
pub mod accounts;
pub mod agents;
pub mod control;
pub mod entries;
pub mod holds;
pub mod log;
pub mod mandates;
pub mod meters;
pub mod payments;
pub mod sessions;
pub mod system;
pub mod transfers;

use crate::codes::Edge;
use crate::limits::{AT_LEAST_MILLIS_MAX, CURSOR_BYTES_MAX};
use crate::problem::{Answered, Problem};
use crate::reads::Window;
use crate::request::Call;
use crate::state::State;
use book::{Id, Seq};
use serde::de::DeserializeOwned;
use std::time::Duration;
use wire::limits::{LABEL_CHARS_MAX, LIST_MAX};
use wire::list::{Page, PageQuery};

/// The query of a request.
pub(crate) fn query<T: DeserializeOwned>(call: &Call) -> Answered<T> {
    let uri = http::Uri::builder().path_and_query(call.target()).build();
    let uri = uri.map_err(|_| Problem::from(Edge::ParamMalformed))?;
    axum::extract::Query::<T>::try_from_uri(&uri)
        .map(|query| query.0)
        .map_err(|fault| Problem::from(Edge::ParamMalformed).because(format!("{fault}.")))
}

/// The page of a list that a request asks for; the cursor is the name of the last item.
pub(crate) fn page(call: &Call) -> Answered<Window<Id>> {
    let PageQuery { limit, cursor } = query(call)?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if limit == 0 || LIST_MAX < limit {
        return Err(Problem::from(Edge::ParamMalformed).of("limit"));
    }
    let read = |text: String| {
        let id = Id::from_text(&text).filter(|_| text.len() <= CURSOR_BYTES_MAX);
        id.ok_or_else(|| Problem::from(Edge::CursorInvalid).of("cursor"))
    };
    Ok(Window { after: cursor.map(read).transpose()?, limit })
}

/// One more than is shown, to know whether there is more.
pub(crate) fn one_more(window: Window<Id>) -> Window<Id> {
    Window { limit: window.limit.saturating_add(1), ..window }
}

/// The page with these rows, of which there may be one more than fits.
pub(crate) fn paged<R, T>(
    mut rows: Vec<R>,
    window: Window<Id>,
    livemode: bool,
    id: impl Fn(&R) -> Id,
    show: impl Fn(R) -> Answered<T>,
) -> Answered<Page<T>> {
    let more = window.limit < rows.len();
    rows.truncate(window.limit);
    let next_cursor = rows.last().filter(|_| more).map(|last| id(last).text());
    let data = rows.into_iter().map(show).collect::<Answered<_>>()?;
    Ok(Page { data, next_cursor, livemode })
}

/// A label that is not too long, or none.
pub(crate) fn check_label(label: Option<&str>) -> Answered<()> {
    let too_long = |text: &str| LABEL_CHARS_MAX < text.chars().count() || text.chars().any(char::is_control);
    if label.is_some_and(too_long) {
        return Err(Problem::from(Edge::TextMalformed).of("label"));
    }
    Ok(())
}

impl State {
    /// Lets the rows catch up with everything that was answered before now.
    pub(crate) async fn settle(&self) -> Answered<()> {
        let size = Seq(self.engine.size());
        if size <= self.reads.position() {
            return Ok(());
        }
        let reads = self.reads.clone();
        let waited = tokio::task::spawn_blocking(move || {
            reads.wait(size, Duration::from_millis(AT_LEAST_MILLIS_MAX));
        });
        waited.await.map_err(|_| Edge::Internal.into())
    }

    /// Keeps what people call something that was just made.
    pub(crate) fn keep_label(&self, id: Id, label: Option<&str>) {
        if let Some(label) = label
            && let Err(fault) = self.bodies.keep_label(id, label)
        {
            // The thing is made and answered; a label can be missing.
            tracing::warn!(%fault, "a label was not kept");
        }
    }

    pub(crate) fn label(&self, id: Id) -> Answered<Option<String>> {
        self.bodies.label(id).map_err(|fault| {
            tracing::error!(%fault, "labels cannot be read");
            Edge::Internal.into()
        })
    }

    /// Keeps a text that an owner agreed to, and returns its digest.
    pub(crate) fn keep_text(&self, text: &str) -> Answered<evidence::Hash> {
        if wire::limits::DOCUMENT_CHARS_MAX < text.chars().count() {
            return Err(Problem::from(Edge::TextMalformed).of("document"));
        }
        self.bodies.keep_text(text).map_err(|fault| {
            tracing::error!(%fault, "a text cannot be kept");
            Edge::Internal.into()
        })
    }
}
