//! Routes: one file for each family. A handler authenticates, converts, executes and answers; nothing else.

pub mod a402;
pub mod accounts;
pub mod agents;
pub mod ap2;
pub mod autonomy;
pub mod channels;
pub mod control;
pub mod coupons;
pub mod credentials;
pub mod entries;
pub mod holds;
pub mod intents;
pub mod invoices;
pub mod joining;
pub mod limits;
pub mod links;
pub mod log;
pub mod mandates;
pub mod meters;
pub mod mpp;
pub mod observations;
pub mod offers;
pub mod orders;
pub mod payment_services;
pub mod payments;
pub mod payouts;
pub mod quotas;
pub mod services;
pub mod sessions;
pub mod subscriptions;
pub mod system;
pub mod tokens;
pub mod transfers;
pub mod webhooks;
pub mod x402;

use crate::answer::Answer;
use crate::auth::Caller;
use crate::codes::Edge;
use crate::convert::id;
use crate::problem::{Answered, Problem};
use crate::request::Call;
use crate::state::{App, State};
use book::{Id, KeyHolder, PayeeId, Reject, Seq};
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::sync::Arc;
use wire::limits::{LABEL_CHARS_MAX, LIST_MAX, WHY_CHARS_MAX};
use wire::list::{Page, PageQuery};

/// The query of a request.
pub(crate) fn query<T: DeserializeOwned>(call: &Call) -> Answered<T> {
    let uri = http::Uri::builder().path_and_query(call.target()).build();
    let uri = uri.map_err(|_| Problem::from(Edge::ParamMalformed))?;
    axum::extract::Query::<T>::try_from_uri(&uri)
        .map(|query| query.0)
        .map_err(|fault| Problem::from(Edge::ParamMalformed).because(format!("{fault}.")))
}

/// Which rows of a list, newest first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    /// The place of the first row; none is the newest.
    pub(crate) cursor: Option<Seq>,
    /// How many.
    pub(crate) limit: usize,
}

/// The page of a list that a request asks for; the cursor is the place of its first row.
pub(crate) fn page(call: &Call) -> Answered<Window> {
    let PageQuery { limit, cursor, at_least: _ } = query(call)?;
    window(limit, cursor)
}

/// So many rows from a cursor on.
pub(crate) fn window(limit: u32, cursor: Option<String>) -> Answered<Window> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if limit == 0 || LIST_MAX < limit {
        return Err(Problem::from(Edge::ParamMalformed).of("limit"));
    }
    let invalid = || Problem::from(Edge::CursorInvalid).of("cursor");
    let read = |text: String| text.parse::<u64>().map(Seq).map_err(|_| invalid());
    Ok(Window { cursor: cursor.map(read).transpose()?, limit })
}

/// The page with these rows.
pub(crate) fn paged<R, T>(
    rows: engine::views::Page<R>,
    livemode: bool,
    show: impl FnMut(R) -> Answered<T>,
) -> Answered<Page<T>> {
    let next_cursor = rows.next.map(|next| next.0.to_string());
    let data = rows.rows.into_iter().map(show).collect::<Answered<_>>()?;
    Ok(Page { data, next_cursor, livemode })
}

/// A label that is not too long, or none.
pub(crate) fn check_label(label: Option<&str>) -> Answered<()> {
    check_line(label, LABEL_CHARS_MAX, "label")
}

/// Why something is bought, where that is not too long, or nothing.
pub(crate) fn check_why(why: Option<&str>) -> Answered<()> {
    check_line(why, WHY_CHARS_MAX, "why")
}

pub(crate) fn check_line(line: Option<&str>, chars_max: usize, param: &'static str) -> Answered<()> {
    let is_none = |text: &str| chars_max < text.chars().count() || text.chars().any(char::is_control);
    if line.is_some_and(is_none) {
        return Err(Problem::from(Edge::TextMalformed).of(param));
    }
    Ok(())
}

impl State {
    /// The seller that a request names, or whose key asks, where the caller may speak for it.
    pub(crate) async fn seller_named(
        self: &App,
        caller: &Caller,
        named: Option<wire::PayeeId>,
    ) -> Answered<PayeeId> {
        let payee = match (caller.holder, named) {
            (KeyHolder::Payee(payee), None) => payee,
            (_, Some(payee)) => PayeeId(id(payee.0)),
            (_, None) => return Err(Problem::from(Edge::BodyMalformed).of("payee")),
        };
        self.check_seller(caller, payee).await?;
        Ok(payee)
    }

    /// Whether a caller is a seller or its owner; whatever else is a stranger.
    pub(crate) async fn check_seller(self: &App, caller: &Caller, payee: PayeeId) -> Answered<()> {
        let unknown = || Problem::from(Reject::PayeeUnknown);
        match caller.holder {
            KeyHolder::Payee(own) if own == payee => Ok(()),
            KeyHolder::Owner(owner) => {
                let row = self.ask(move |view| Ok(view.payee(payee)?)).await?;
                row.filter(|row| row.owner == Some(owner)).map(|_| ()).ok_or_else(unknown)
            }
            KeyHolder::Payee(_) | KeyHolder::Operator | KeyHolder::Agent(_) => Err(unknown()),
        }
    }

    /// Keeps what people call something that was just made.
    pub fn keep_label(&self, id: Id, label: Option<&str>) {
        if let Some(label) = label
            && let Err(fault) = self.bodies.keep_label(id, label)
        {
            // The thing is made and answered; a label can be missing.
            tracing::warn!(%fault, "a label was not kept");
        }
    }

    /// What people call something.
    ///
    /// # Errors
    /// [`Edge::Internal`] where labels cannot be read.
    pub fn label(&self, id: Id) -> Answered<Option<String>> {
        self.bodies.label(id).map_err(|fault| {
            tracing::error!(%fault, "labels cannot be read");
            Edge::Internal.into()
        })
    }

    /// Keeps why an agent wanted to buy something, where that was recorded just now: whether it was bought, asked about or
    /// refused. The journal has the digest of the request in which it said so.
    pub(crate) fn keep_why(&self, caller: &Caller, purchase: Id, why: Option<&str>, came: &Answered<Answer>) {
        let is_new = match came {
            Ok(answer) => !answer.is_repeated(),
            Err(problem) => problem.is_new_entry(),
        };
        let (Some(why), KeyHolder::Agent(_), true) = (why, caller.holder, is_new) else { return };
        if let Err(fault) = self.bodies.keep_why(purchase, why) {
            // The purchase is decided and answered; what was said of it can be missing.
            tracing::warn!(%fault, "what an agent said was not kept");
        }
    }

    /// Why an agent wanted to buy something, in its own words.
    ///
    /// # Errors
    /// [`Edge::Internal`] where they cannot be read.
    pub fn why(&self, purchase: Id) -> Answered<Option<String>> {
        self.bodies.why(purchase).map_err(|fault| {
            tracing::error!(%fault, "what an agent said cannot be read");
            Edge::Internal.into()
        })
    }

    /// Keeps what a seller calls what was just bought from it.
    pub(crate) fn keep_sold(&self, payee: PayeeId, purchase: Id, what: &str) {
        if let Err(fault) = self.bodies.keep_sold(payee, purchase, what) {
            // The purchase is made and answered; what it was of can be missing.
            tracing::warn!(%fault, "what was sold was not kept");
        }
    }

    /// What a seller calls what it sold, of the newest `limit` purchases whose demand said so.
    ///
    /// # Errors
    /// [`Edge::Internal`] where it cannot be read.
    pub async fn sold(self: &Arc<Self>, payee: PayeeId, limit: usize) -> Answered<HashMap<Id, String>> {
        let state = self.clone();
        let read = self.reads.aside(move || {
            state.bodies.sold(payee, limit).map_err(|fault| {
                tracing::error!(%fault, "what was sold cannot be read");
                Edge::Internal.into()
            })
        });
        read.await
    }

    /// Keeps a text that an owner agreed to, and returns its digest.
    ///
    /// # Errors
    /// [`Edge::TextMalformed`] where it is too long.
    pub fn keep_text(&self, text: &str) -> Answered<evidence::Hash> {
        if wire::limits::DOCUMENT_CHARS_MAX < text.chars().count() {
            return Err(Problem::from(Edge::TextMalformed).of("document"));
        }
        self.bodies.keep_text(text).map_err(|fault| {
            tracing::error!(%fault, "a text cannot be kept");
            Edge::Internal.into()
        })
    }
}
