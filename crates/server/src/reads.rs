//! Reads: questions to the views, asked on threads that may wait, and who may see what comes back.
//!
//! An answer shows everything that was answered before its question came, or it is no answer: what the views have not
//! come to yet is said to be so, with 503. Who can do with less asks for it with `at_least`. Each read says for whom it
//! is: what belongs to somebody else is absent, exactly as if it did not exist.

use crate::answer::json;
use crate::codes::Edge;
use crate::limits::{AT_LEAST_MILLIS_MAX, READERS_MAX};
use crate::problem::{Answered, Problem};
use crate::request::Call;
use crate::state::{App, State};
use axum::response::Response;
use book::{AgentId, KeyHolder, OwnerId, Seq, WalletId};
use engine::views::{AgentRow, DecisionRow, Kind, MandateRow, Page, PurchaseRow, Ruling, WalletRow, Whom};
use engine::{View, ViewsFault, ViewsReader};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use wire::version::POSITION_HEADER;

/// The views, and how many may read them at once.
#[derive(Clone, Debug)]
pub struct Reads {
    views: ViewsReader,
    places: Arc<Semaphore>,
}

impl Reads {
    /// Reads of these views.
    pub fn new(views: ViewsReader) -> Reads {
        Reads { views, places: Arc::new(Semaphore::new(READERS_MAX)) }
    }

    /// The place of the first entry that the views do not show.
    pub fn position(&self) -> Seq {
        self.views.position()
    }

    /// Waits until the views show more than what lies before `position`; false where they never will.
    pub async fn moved(&self, position: Seq) -> bool {
        self.views.positions().wait_for(|reached| position < *reached).await.is_ok()
    }

    /// Waits, for a bounded time, until the views show every entry before `least`.
    async fn reach(&self, least: Seq) -> Answered<()> {
        let mut positions = self.views.positions();
        let reached = positions.wait_for(|reached| least <= *reached);
        match tokio::time::timeout(Duration::from_millis(AT_LEAST_MILLIS_MAX), reached).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => Err(Edge::NotReady.into()),
            Err(_) => Err(behind(self.position(), least)),
        }
    }

    /// Asks the views a question, once they show every entry before `least`.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        least: Seq,
        question: impl FnOnce(&View) -> Answered<T> + Send + 'static,
    ) -> Answered<T> {
        self.reach(least).await?;
        let views = self.views.clone();
        let asked = self.aside(move || {
            let view = views.view()?;
            // They may have been begun again meanwhile.
            if view.position() < least {
                return Err(behind(view.position(), least));
            }
            question(&view)
        });
        asked.await
    }

    /// Reads what may wait for a disk, beside a bounded number of others who do.
    pub(crate) async fn aside<T: Send + 'static>(
        &self,
        read: impl FnOnce() -> Answered<T> + Send + 'static,
    ) -> Answered<T> {
        let place = self.places.clone().acquire_owned().await.map_err(|_| Problem::from(Edge::NotReady))?;
        let reading = tokio::task::spawn_blocking(move || {
            let answer = read();
            drop(place);
            answer
        });
        reading.await.map_err(|_| Problem::from(Edge::Internal))?
    }
}

fn behind(position: Seq, least: Seq) -> Problem {
    let why = format!("They show {} of {} entries.", position.0, least.0);
    Problem::from(Edge::ViewsBehind).because(why)
}

impl From<ViewsFault> for Problem {
    fn from(fault: ViewsFault) -> Problem {
        tracing::error!(%fault, "the views cannot be read");
        Edge::Internal.into()
    }
}

impl State {
    /// Asks the views something that shows everything answered before now.
    ///
    /// # Errors
    /// [`Edge::ViewsBehind`] where they do not show it in time, and those of the question.
    pub async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&View) -> Answered<T> + Send + 'static,
    ) -> Answered<T> {
        self.reads.ask(Seq(self.engine.size()), question).await
    }
}

/// Answers a request that only reads, and says which entries the answer shows.
pub(crate) async fn show<T: Serialize + Send + 'static>(
    app: &App,
    call: &Call,
    question: impl FnOnce(&State, &View) -> Answered<T> + Send + 'static,
) -> Answered<Response> {
    let size = Seq(app.engine.size());
    let least = call.at_least()?.map_or(size, |least| least.min(size));
    let state = app.clone();
    let shown = app.reads.ask(least, move |view| {
        let mut response = json(StatusCode::OK, &question(&state, view)?);
        let name = HeaderName::from_static(POSITION_HEADER);
        response.headers_mut().insert(name, HeaderValue::from(view.position().0));
        Ok(response)
    });
    shown.await
}

/// Whose lists a viewer's are.
pub(crate) fn whom(viewer: KeyHolder) -> Whom {
    match viewer {
        KeyHolder::Operator => Whom::Everybody,
        KeyHolder::Owner(owner) => Whom::Owner(owner),
        KeyHolder::Agent(agent) => Whom::Agent(agent),
        KeyHolder::Payee(payee) => Whom::Payee(payee),
    }
}

/// An empty list.
pub(crate) fn nothing<T>() -> Page<T> {
    Page { rows: Vec::new(), next: None }
}

/// Whether a viewer sees what is an owner's and an agent's.
pub(crate) fn sees(viewer: KeyHolder, owner: Option<OwnerId>, agent: Option<AgentId>) -> bool {
    match viewer {
        KeyHolder::Operator => true,
        KeyHolder::Owner(viewer) => owner == Some(viewer),
        KeyHolder::Agent(viewer) => agent == Some(viewer),
        KeyHolder::Payee(_) => false,
    }
}

/// A wallet, if `viewer` may see it. An agent sees the one it spends from, and its own sub-accounts.
pub(crate) fn wallet(view: &View, viewer: KeyHolder, id: WalletId) -> Answered<Option<WalletRow>> {
    let Some(row) = view.wallet(id)? else { return Ok(None) };
    let seen = match viewer {
        KeyHolder::Operator | KeyHolder::Owner(_) | KeyHolder::Payee(_) => {
            sees(viewer, Some(row.owner), None)
        }
        KeyHolder::Agent(agent) => match row.sub {
            Some(sub) => sub.agent == agent,
            None => view.agent(agent)?.is_some_and(|agent| agent.wallet == row.id),
        },
    };
    Ok(Some(row).filter(|_| seen))
}

/// The wallets that `viewer` may see. A page of an agent's may have fewer than fit and still have a next one.
pub(crate) fn wallets(
    view: &View,
    viewer: KeyHolder,
    cursor: Option<Seq>,
    limit: usize,
) -> Answered<Page<WalletRow>> {
    match viewer {
        KeyHolder::Operator => Ok(view.wallets(cursor, limit)?),
        KeyHolder::Owner(owner) => Ok(view.wallets_of(owner, cursor, limit)?),
        KeyHolder::Payee(_) => Ok(nothing()),
        KeyHolder::Agent(agent) => {
            let Some(home) = view.agent(agent)?.map(|row| row.wallet) else { return Ok(nothing()) };
            let mut page = view.sub_accounts_of(home, cursor, limit)?;
            page.rows.retain(|row| row.sub.is_some_and(|sub| sub.agent == agent));
            if page.next.is_none() {
                // The wallet is older than its sub-accounts, so it comes last, perhaps on a page of its own.
                let home = view.wallet(home)?.filter(|row| cursor.is_none_or(|cursor| row.seq <= cursor));
                match home {
                    Some(home) if page.rows.len() == limit => page.next = Some(home.seq),
                    home => page.rows.extend(home),
                }
            }
            Ok(page)
        }
    }
}

/// An agent, if `viewer` may see it.
pub(crate) fn agent(view: &View, viewer: KeyHolder, id: AgentId) -> Answered<Option<AgentRow>> {
    Ok(view.agent(id)?.filter(|row| sees(viewer, Some(row.owner), Some(row.id))))
}

/// A mandate, if `viewer` may see it.
pub(crate) fn mandate(view: &View, viewer: KeyHolder, id: book::MandateId) -> Answered<Option<MandateRow>> {
    Ok(view.mandate(id)?.filter(|row| sees(viewer, Some(row.owner), Some(row.agent))))
}

/// Whether `viewer` may see a payment, hold or meter that was made.
pub(crate) fn sees_purchase(viewer: KeyHolder, row: &PurchaseRow) -> bool {
    let collects = |payee| row.purchase.to.each().any(|each| each == payee);
    sees(viewer, row.owner, row.agent) || matches!(viewer, KeyHolder::Payee(payee) if collects(payee))
}

/// The entry at a place as the views have it, if `viewer` may see it. Payees learn of what they are paid, not of what an
/// owner was asked or a rule refused.
pub(crate) fn decision(view: &View, viewer: KeyHolder, seq: Seq) -> Answered<Option<DecisionRow>> {
    let Some(row) = view.decision(seq)? else { return Ok(None) };
    let of_everybody = matches!(row.kind, Kind::OpenBook | Kind::RegisterAsset);
    let seen = of_everybody || is_by(viewer, &row) || concerns(view, viewer, &row)?;
    Ok(Some(row).filter(|_| seen))
}

fn is_by(viewer: KeyHolder, row: &DecisionRow) -> bool {
    use book::Actor;
    match (viewer, row.by) {
        (KeyHolder::Owner(viewer), Actor::Owner { owner, .. }) => viewer == owner,
        (KeyHolder::Agent(viewer), Actor::Agent { agent, .. }) => viewer == agent,
        (KeyHolder::Payee(viewer), Actor::Payee { payee, .. }) => viewer == payee,
        (_, _) => false,
    }
}

fn concerns(view: &View, viewer: KeyHolder, row: &DecisionRow) -> Answered<bool> {
    if row.kind == Kind::Present {
        return Ok(viewer == KeyHolder::Operator);
    }
    let KeyHolder::Payee(payee) = viewer else {
        let itself = match viewer {
            KeyHolder::Owner(owner) => owner.0 == row.id,
            KeyHolder::Agent(agent) => agent.0 == row.id,
            KeyHolder::Operator | KeyHolder::Payee(_) => false,
        };
        return Ok(itself || sees(viewer, row.owner, row.agent));
    };
    let told = matches!(row.ruling, Ruling::Allowed) && !matches!(row.kind, Kind::Approve | Kind::Refuse);
    if !told || row.payee == Some(payee) || payee.0 == row.id {
        return Ok(told);
    }
    let bought = view.purchase(row.about.unwrap_or(row.id))?;
    Ok(bought.is_some_and(|bought| sees_purchase(viewer, &bought)))
}
