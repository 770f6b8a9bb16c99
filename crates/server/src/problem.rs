//! Problems: what handlers return instead of an answer, and how it becomes JSON.

use crate::codes::{self, Edge, Explained};
use axum::response::{IntoResponse, Response};
use book::{Denial, Refusal, Reject, RuleRef, Scope};
use http::{HeaderValue, StatusCode, header};
use std::borrow::Cow;
use wire::Money;
use wire::act::ActError;
use wire::problem::{A402Error, NextAction, Rule};
use wire::version::PROBLEM_TYPE;

/// Where the pages about codes are.
const PAGES: &str = "https://tollbridge.dev/errors/";

/// Why a request is not answered with what it asked for.
#[derive(Clone, Debug)]
pub struct Problem {
    what: Explained,
    more: Option<Box<More>>,
}

/// What only some problems have.
#[derive(Clone, Debug, Default)]
struct More {
    why: Option<String>,
    param: Option<Cow<'static, str>>,
    rule: Option<Rule>,
    remaining: Option<Money>,
    entry: Option<u64>,
    repeated: Option<bool>,
    a402: Option<A402Error>,
    act: Option<ActError>,
}

/// The result of every handler.
pub type Answered<T = Response> = Result<T, Problem>;

impl From<Edge> for Problem {
    fn from(edge: Edge) -> Problem {
        Problem { what: edge.explained(), more: None }
    }
}

impl From<Reject> for Problem {
    fn from(reject: Reject) -> Problem {
        Problem { what: codes::reject(reject), more: None }
    }
}

impl From<Denial> for Problem {
    fn from(denial: Denial) -> Problem {
        Problem { what: codes::denial(denial), more: None }
    }
}

impl Problem {
    /// Names the member, header or parameter that is meant.
    pub fn of(mut self, param: impl Into<Cow<'static, str>>) -> Problem {
        self.more.get_or_insert_default().param = Some(param.into());
        self
    }

    /// Adds a sentence to the detail.
    pub fn because(mut self, why: impl Into<String>) -> Problem {
        self.more.get_or_insert_default().why = Some(why.into());
        self
    }

    /// Adds the error of the A402 catalogue.
    pub fn with_a402(mut self, error: A402Error) -> Problem {
        self.more.get_or_insert_default().a402 = Some(error);
        self
    }

    /// Adds the class of ACT's payment services.
    pub fn with_act(mut self, error: ActError) -> Problem {
        self.more.get_or_insert_default().act = Some(error);
        self
    }

    /// A recorded refusal.
    pub fn denied(
        refusal: &Refusal,
        rule: Rule,
        remaining: Option<Money>,
        entry: u64,
        repeated: bool,
    ) -> Problem {
        let mut problem = Problem::from(refusal.denial);
        let more = problem.more.get_or_insert_default();
        more.why = remaining.map(|left| format!("{} would still be possible.", left.in_words()));
        more.rule = Some(rule);
        more.remaining = remaining;
        more.entry = Some(entry);
        more.repeated = Some(repeated);
        problem
    }

    /// Its HTTP status.
    pub fn status(&self) -> u16 {
        self.what.status
    }

    /// Its code.
    pub fn code(&self) -> &'static str {
        self.what.code
    }

    /// The place in the journal of a refusal that was recorded.
    pub fn entry(&self) -> Option<u64> {
        self.more.as_deref().and_then(|more| more.entry)
    }

    /// Whether it is a refusal that was recorded just now.
    pub fn is_new_entry(&self) -> bool {
        self.more.as_deref().is_some_and(|more| more.entry.is_some() && more.repeated == Some(false))
    }

    /// The problem as the public API shows it.
    pub fn to_wire(&self, request_id: Option<&str>, livemode: bool) -> wire::Problem {
        let more = self.more.as_deref().cloned().unwrap_or_default();
        let detail = match more.why {
            Some(why) => format!("{} {why}", self.what.detail),
            None => self.what.detail.to_owned(),
        };
        wire::Problem {
            kind: format!("{PAGES}{}", self.what.code),
            title: self.what.title.to_owned(),
            status: self.what.status,
            code: self.what.code.to_owned(),
            detail,
            param: more.param.map(Cow::into_owned),
            request_id: request_id.map(str::to_owned),
            retryable: self.what.retryable,
            next: self.what.next,
            next_action: NextAction { kind: self.what.next, url: None },
            rule: more.rule,
            remaining: more.remaining,
            entry: more.entry,
            repeated: more.repeated,
            a402: more.a402,
            act: more.act,
            livemode,
        }
    }

    /// The answer, once the request's id is known.
    pub fn render(&self, request_id: &str, livemode: bool) -> Response {
        let body = serde_json::to_vec(&self.to_wire(Some(request_id), livemode)).expect("a problem is JSON");
        let mut response = Response::new(body.into());
        *response.status_mut() =
            StatusCode::from_u16(self.what.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_TYPE));
        if self.what.status == 503 {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(crate::limits::RETRY_AFTER_SECONDS));
        }
        if self.what.status == 401 {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(wire::version::SESSION_SCHEME));
        }
        response
    }
}

/// The edge of the server renders it, for only that knows the request's id.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::default();
        *response.status_mut() =
            StatusCode::from_u16(self.what.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        response.extensions_mut().insert(self);
        response
    }
}

/// The rule that decided, with the id of whose it is.
pub fn rule(rule: RuleRef, wallet: Option<String>, agent: Option<String>, mandate: Option<String>) -> Rule {
    let (scope, id, above) = match rule.scope {
        Scope::Book => (wire::problem::Scope::Book, None, None),
        Scope::Wallet => (wire::problem::Scope::Wallet, wallet, None),
        Scope::Agent => (wire::problem::Scope::Agent, agent, None),
        Scope::Mandate => (wire::problem::Scope::Mandate, mandate, None),
        Scope::Parent { above } => (wire::problem::Scope::Parent, None, Some(above)),
        Scope::ParentAgent { above } => (wire::problem::Scope::ParentAgent, None, Some(above)),
    };
    Rule { scope, id, above, version: rule.version, limit: rule.limit }
}
