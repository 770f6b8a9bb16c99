//! The frame of every page, and what is answered where there is no page to show.

use crate::limits::ROWS;
use crate::visit::Visit;
use crate::words::{Lang, Selling, Words};
use askama::Template;
use axum::response::{IntoResponse, Redirect, Response};
use book::freeze::Status;
use engine::views::Whom;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_FRAME_OPTIONS};
use http::{HeaderValue, StatusCode};
use server::problem::Problem;
use url::form_urlencoded;

/// What a page may do: its own scripts and styles, and nothing from anywhere else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'; trusted-types 'none'";

/// The places of the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Place {
    Overview,
    Agents,
    Rules,
    Approvals,
    Activity,
    Money,
    Market,
    Selling,
    Account,
    Paying,
    Outside,
}

/// What the frame shows around a page.
#[derive(Debug)]
pub struct Top {
    /// Every sentence.
    pub w: &'static Words,
    /// Every sentence for sellers.
    pub s: &'static Selling,
    /// The language's code.
    pub code: &'static str,
    /// Where the reader is.
    pub place: Place,
    /// What every form carries.
    pub csrf: String,
    /// Whether everything is frozen.
    pub frozen: bool,
    /// How many things wait for the owner's word.
    pub waiting: usize,
    /// Whether she has anything to sell with.
    pub sells: bool,
    /// Whether it is play money.
    pub test: bool,
    /// Where the reader is, to come back to.
    pub path: String,
    /// A fresh name for the change that the frame's own form asks for.
    pub fresh: String,
    /// Before which entry the page shows everything, at least.
    pub seen: u64,
}

impl Top {
    /// For a page that anybody may see.
    pub fn outside(visit: &Visit) -> Top {
        Top {
            w: visit.words(),
            s: visit.lang.selling(),
            code: visit.lang.code(),
            place: Place::Outside,
            // Also there, somebody who is logged in can change the language.
            csrf: visit.here.as_ref().map(|here| here.session.csrf.clone()).unwrap_or_default(),
            frozen: false,
            waiting: 0,
            sells: false,
            test: !visit.site.app.livemode,
            path: visit.path.clone(),
            fresh: String::new(),
            seen: 0,
        }
    }

    /// For a page of an owner who is logged in.
    ///
    /// # Errors
    /// [`Stop`] where nobody is, or the views do not answer.
    pub async fn inside(visit: &Visit, place: Place) -> Result<Top, Stop> {
        let owner = visit.owner()?;
        let app = &visit.site.app;
        let now = app.clock.now();
        let seen = app.reads.position().0;
        let (frozen, asked, sells) = app
            .ask(move |view| {
                let frozen = view.owner(owner)?.is_some_and(|row| row.status == Status::Frozen);
                let asked = view.open_questions_of_owner(owner, now, None, ROWS)?.rows.len();
                Ok((frozen, asked, !view.payees_of(owner, None, 1)?.rows.is_empty()))
            })
            .await?;
        let waiting = asked + app.connections.waiting_for(owner, now).len();
        Ok(Top { place, frozen, waiting, sells, fresh: app.new_id().text(), seen, ..Top::outside(visit) })
    }

    /// Whether the reader is logged in.
    pub fn inside_now(&self) -> bool {
        self.place != Place::Outside
    }

    /// The navigation.
    pub fn links(&self) -> Vec<Link> {
        let w = self.w;
        let all = [
            (Place::Overview, "/", w.overview),
            (Place::Approvals, "/approvals", w.approvals),
            (Place::Agents, "/agents", w.agents),
            (Place::Rules, "/rules", w.rules),
            (Place::Activity, "/activity", w.activity),
            (Place::Money, "/money", w.money),
            (Place::Market, "/market", w.find_services),
            (Place::Selling, "/selling", self.s.selling),
            (Place::Account, "/account", w.account),
        ];
        let link = |(place, href, said)| Link {
            href,
            said,
            here: place == self.place,
            count: if place == Place::Approvals { self.waiting } else { 0 },
        };
        let shown = |place: &Place| *place != Place::Selling || self.sells || self.place == Place::Selling;
        all.into_iter().filter(|(place, ..)| shown(place)).map(link).collect()
    }
}

/// One link of the navigation.
#[derive(Debug)]
pub struct Link {
    /// Where it leads.
    pub href: &'static str,
    /// What it says.
    pub said: &'static str,
    /// Whether the reader is there.
    pub here: bool,
    /// How many things wait there.
    pub count: usize,
}

/// Whose lists an owner's are.
pub fn whom(visit: &Visit) -> Result<Whom, Stop> {
    Ok(Whom::Owner(visit.owner()?))
}

/// Why there is no page.
#[derive(Debug)]
pub enum Stop {
    /// Nobody is logged in.
    LogIn {
        /// Where she wanted to go.
        next: String,
    },
    /// No passkey of hers confirmed this form.
    NotConfirmed,
    /// A field is missing or cannot be read.
    Malformed,
    /// Nothing is there, or it is somebody else's.
    Missing,
    /// What was sent cannot be done, and why.
    Refused(String),
    /// The invitation was used, or its time is over.
    InvitationOver,
    /// Too many tries.
    TooMany,
    /// The server or the book said no.
    Problem(Box<Problem>),
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Stop {
        Stop::Problem(Box::new(problem))
    }
}

impl From<engine::ViewsFault> for Stop {
    fn from(fault: engine::ViewsFault) -> Stop {
        Stop::from(Problem::from(fault))
    }
}

impl From<rusqlite::Error> for Stop {
    fn from(fault: rusqlite::Error) -> Stop {
        tracing::error!(%fault, "console.sqlite cannot be read or written");
        Stop::from(Problem::from(server::codes::Edge::Internal))
    }
}

/// What every handler answers.
pub type Shown = Result<Response, Stop>;

#[derive(Template)]
#[template(path = "stop.html")]
struct StopPage {
    top: Top,
    said: String,
    next: &'static str,
}

impl Stop {
    /// The page that says so.
    pub fn show(self, visit: &Visit) -> Response {
        let w = visit.words();
        let (status, said) = match self {
            Stop::LogIn { next } => {
                let query: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
                return Redirect::to(&format!("/login?next={query}")).into_response();
            }
            Stop::NotConfirmed => (StatusCode::FORBIDDEN, w.not_confirmed.to_owned()),
            Stop::Malformed => (StatusCode::BAD_REQUEST, w.not_a_form.to_owned()),
            Stop::Missing => (StatusCode::NOT_FOUND, w.nothing_there.to_owned()),
            Stop::Refused(why) => (StatusCode::UNPROCESSABLE_ENTITY, why),
            Stop::InvitationOver => (StatusCode::GONE, w.join_over.to_owned()),
            Stop::TooMany => (StatusCode::TOO_MANY_REQUESTS, w.too_many_tries.to_owned()),
            Stop::Problem(problem) => {
                let status =
                    StatusCode::from_u16(problem.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                (status, crate::reasons::problem(visit.lang, &problem))
            }
        };
        let next = if visit.here.is_some() { "/" } else { "/login" };
        html(status, &StopPage { top: Top::outside(visit), said, next })
    }
}

/// A refusal of a request that did not become a visit.
pub fn refuse(lang: Lang, status: StatusCode, said: &str) -> Response {
    let w = lang.words();
    let top = Top {
        w,
        s: lang.selling(),
        code: lang.code(),
        place: Place::Outside,
        csrf: String::new(),
        frozen: false,
        waiting: 0,
        sells: false,
        test: false,
        path: "/".to_owned(),
        fresh: String::new(),
        seen: 0,
    };
    html(status, &StopPage { top, said: said.to_owned(), next: "/" })
}

/// A page, with what its browser may do with it.
pub fn html(status: StatusCode, page: &impl Template) -> Response {
    let text = page.render().unwrap_or_else(|fault| {
        tracing::error!(%fault, "a page cannot be written");
        String::new()
    });
    let mut response = (status, text).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// After a form: the page that shows what came of it.
pub fn go(path: &str) -> Response {
    Redirect::to(path).into_response()
}
