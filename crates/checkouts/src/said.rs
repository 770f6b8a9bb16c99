//! A request as the doors see it, and what is said to it.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use serde_json::Value;

/// A request, whole.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// Where it was sent, in lower case.
    pub(crate) authority: Option<String>,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What a request about checkouts asks for.
pub(crate) enum Asked<'a> {
    Look(&'a str),
    Change(Act<'a>),
}

/// A change, which has a key of its own.
pub(crate) enum Act<'a> {
    Create,
    Update(&'a str),
    Complete(&'a str),
    Cancel(&'a str),
}

/// Why a request asks for nothing.
pub(crate) enum NotAsked {
    /// There is no such address.
    Address,
    /// The address takes only these methods.
    Method(String),
}

/// An answer before it has headers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Said {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
    pub(crate) headers: Vec<(HeaderName, String)>,
}

impl Call {
    pub(crate) fn of(request: Request<Bytes>) -> Call {
        let (head, body) = request.into_parts();
        let host = head.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let authority = head.uri.authority().map(|authority| authority.as_str()).or(host);
        Call {
            authority: authority.map(str::to_ascii_lowercase),
            method: head.method,
            path: head.uri.path().to_owned(),
            query: head.uri.query().map(str::to_owned),
            headers: head.headers,
            body,
        }
    }

    /// The one value of a header; nothing where it is missing, comes twice, or is no text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => value.to_str().ok(),
            (_, _) => None,
        }
    }

    /// The parts of the path.
    pub(crate) fn parts(&self) -> Vec<&str> {
        self.path.strip_prefix('/').unwrap_or_default().split('/').collect()
    }

    /// What is asked for below a dialect's own first part, where `update` is the method that changes a checkout.
    pub(crate) fn asked(&self, update: &Method) -> Result<Asked<'_>, NotAsked> {
        let parts = self.parts();
        let act = match (&self.method, parts.get(1..).unwrap_or_default()) {
            (&Method::GET, [id]) => return Ok(Asked::Look(id)),
            (&Method::POST, []) => Act::Create,
            (method, [id]) if method == update => Act::Update(id),
            (&Method::POST, [id, "complete"]) => Act::Complete(id),
            (&Method::POST, [id, "cancel"]) => Act::Cancel(id),
            (_, []) | (_, [_, "complete" | "cancel"]) => return Err(NotAsked::Method("POST".to_owned())),
            (_, [_]) => return Err(NotAsked::Method(format!("GET, {update}"))),
            _ => return Err(NotAsked::Address),
        };
        Ok(Asked::Change(act))
    }

    pub(crate) fn is_json(&self) -> bool {
        let kind = self.header("content-type").unwrap_or_default();
        self.body.is_empty() || kind.split(';').next().unwrap_or_default().trim() == "application/json"
    }
}

impl Said {
    pub(crate) fn new(status: StatusCode, body: Value) -> Said {
        Said { status, body, headers: Vec::new() }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Said {
        self.headers.push((HeaderName::from_static(name), value.into()));
        self
    }

    pub(crate) fn respond(self) -> Response<Bytes> {
        let mut response = Response::new(Bytes::from(self.body.to_string()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        for (name, value) in self.headers {
            // What came as a header goes as one.
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
        response
    }
}
