//! Requests: read whole, within their limits, before anything is believed.

use crate::codes::Edge;
use crate::limits::TARGET_BYTES_MAX;
use crate::problem::{Answered, Problem};
use crate::state::App;
use axum::extract::{FromRequest, Request};
use book::{Id, Seq};
use bytes::Bytes;
use http::header::{AsHeaderName, CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderValue, Method, Uri};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use std::str::FromStr;
use std::time::Duration;
use wire::limits::{ARRAY_BODY_BYTES_MAX, BODY_BYTES_MAX};
use wire::version::IDEMPOTENCY_KEY_HEADER;

/// One request, whole.
#[derive(Debug)]
pub struct Call {
    /// Its method.
    pub method: Method,
    /// The authority it was sent to, in lower case.
    pub authority: Option<String>,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    uri: Uri,
}

impl FromRequest<App> for Call {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Answered<Call> {
        let (head, body) = request.into_parts();
        if head.uri.path_and_query().is_some_and(|target| TARGET_BYTES_MAX < target.as_str().len()) {
            return Err(Edge::TargetTooLong.into());
        }
        let body = read_body(body, body_bytes_max(head.uri.path()), app.patience.body).await?;
        let call = Call {
            method: head.method,
            authority: authority(&head.uri, &head.headers)?,
            headers: head.headers,
            body,
            uri: head.uri,
        };
        call.check_content_type()?;
        Ok(call)
    }
}

fn body_bytes_max(path: &str) -> usize {
    if matches!(path, "/v1/payments" | "/v1/invoices") || path.ends_with("/charges") {
        ARRAY_BODY_BYTES_MAX
    } else {
        BODY_BYTES_MAX
    }
}

async fn read_body(body: axum::body::Body, bytes_max: usize, patience: Duration) -> Answered<Bytes> {
    let read = Limited::new(body, bytes_max).collect();
    match tokio::time::timeout(patience, read).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(fault)) if fault.is::<LengthLimitError>() => Err(Edge::BodyTooLarge.into()),
        Ok(Err(_)) => Err(Edge::BodyMalformed.into()),
        Err(_) => Err(Edge::RequestTimeout.into()),
    }
}

/// Where the request was sent: once, or nobody could say which host was meant.
fn authority(uri: &Uri, headers: &HeaderMap) -> Answered<Option<String>> {
    let mut hosts = headers.get_all(HOST).iter();
    let (host, again) = (hosts.next(), hosts.next());
    if again.is_some() {
        return Err(Problem::from(Edge::HeaderMalformed).of("Host"));
    }
    let host = host.and_then(|host| host.to_str().ok());
    Ok(uri.authority().map(|authority| authority.as_str()).or(host).map(str::to_ascii_lowercase))
}

impl Call {
    /// The path as it was sent.
    pub fn path(&self) -> &str {
        self.uri.path()
    }

    /// The query as it was sent.
    pub fn query(&self) -> Option<&str> {
        self.uri.query()
    }

    /// Path and query as they were sent.
    pub fn target(&self) -> &str {
        self.uri.path_and_query().map_or("/", |target| target.as_str())
    }

    /// Before which entry everything has to be shown, where the request says so.
    ///
    /// # Errors
    /// [`Edge::ParamMalformed`].
    pub fn at_least(&self) -> Answered<Option<Seq>> {
        let mut values =
            self.query().unwrap_or_default().split('&').filter_map(|it| it.strip_prefix("at_least="));
        let malformed = || Problem::from(Edge::ParamMalformed).of("at_least");
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => value.parse().map(|seq| Some(Seq(seq))).map_err(|_| malformed()),
            (Some(_), Some(_)) => Err(malformed()),
        }
    }

    /// The one value of a header.
    ///
    /// # Errors
    /// [`Edge::HeaderMalformed`] where it comes twice.
    pub fn one_header(&self, name: impl AsHeaderName + AsRef<str> + Clone) -> Answered<Option<&HeaderValue>> {
        let mut values = self.headers.get_all(name.clone()).iter();
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            (_, Some(_)) => Err(Problem::from(Edge::HeaderMalformed).of(name.as_ref().to_owned())),
        }
    }

    /// The one value of a header, as text.
    ///
    /// # Errors
    /// [`Edge::HeaderMalformed`] where it comes twice, or is no text.
    pub fn text_header(&self, name: &'static str) -> Answered<Option<&str>> {
        let value = self.one_header(name)?;
        value
            .map(|value| value.to_str())
            .transpose()
            .map_err(|_| Problem::from(Edge::HeaderMalformed).of(name))
    }

    /// The body as JSON of one shape.
    ///
    /// # Errors
    /// [`Edge::BodyMalformed`], naming the member.
    pub fn json<T: DeserializeOwned>(&self) -> Answered<T> {
        serde_json::from_slice(&self.body).map_err(|_| self.explain::<T>())
    }

    /// The body as JSON, or the default where there is none.
    ///
    /// # Errors
    /// [`Edge::BodyMalformed`], naming the member.
    pub fn json_if_any<T: DeserializeOwned + Default>(&self) -> Answered<T> {
        if self.body.is_empty() { Ok(T::default()) } else { self.json() }
    }

    /// Checks that there is no body, or an empty object.
    ///
    /// # Errors
    /// [`Edge::BodyMalformed`].
    pub fn no_body(&self) -> Answered<()> {
        #[derive(Default, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Nothing {}
        self.json_if_any::<Nothing>().map(|_| ())
    }

    /// Reads a body again that could not be read, to say where.
    fn explain<T: DeserializeOwned>(&self) -> Problem {
        let problem = Problem::from(Edge::BodyMalformed);
        let mut reader = serde_json::Deserializer::from_slice(&self.body);
        match serde_path_to_error::deserialize::<_, T>(&mut reader) {
            Ok(_) => problem.because("something follows the end of the JSON."),
            Err(fault) => {
                let path = fault.path().to_string();
                let problem = problem.because(format!("{}.", fault.inner()));
                if path == "." { problem } else { problem.of(path) }
            }
        }
    }

    /// The id of a change that makes nothing of its own.
    ///
    /// # Errors
    /// [`Edge::IdempotencyKeyMissing`], [`Edge::IdempotencyKeyInvalid`].
    pub fn change_id(&self) -> Answered<Id> {
        let value = self.one_header(IDEMPOTENCY_KEY_HEADER)?;
        let value = value.ok_or_else(|| Problem::from(Edge::IdempotencyKeyMissing).of("Idempotency-Key"))?;
        value
            .to_str()
            .ok()
            .and_then(Id::from_text)
            .ok_or_else(|| Problem::from(Edge::IdempotencyKeyInvalid).of("Idempotency-Key"))
    }

    fn check_content_type(&self) -> Answered<()> {
        if self.body.is_empty() {
            return Ok(());
        }
        let value = self.one_header(&CONTENT_TYPE)?.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = value.split(';').next().unwrap_or_default().trim();
        if essence.eq_ignore_ascii_case("application/json") {
            Ok(())
        } else {
            Err(Edge::ContentTypeUnsupported.into())
        }
    }
}

/// An id in a path.
///
/// # Errors
/// [`Edge::ParamMalformed`].
pub fn path_id<T: FromStr>(text: &str) -> Answered<T> {
    text.parse().map_err(|_| Problem::from(Edge::ParamMalformed).of("id"))
}
