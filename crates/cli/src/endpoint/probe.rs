//! The requests of `doctor URL`: none of them can pay, and answers are read only so far.

use crate::exit::{Failure, Outcome};
use http::{HeaderMap, Method};
use std::time::Duration;
use url::Url;

/// How long one answer may take.
const TIMEOUT: Duration = Duration::from_secs(15);

/// How much of an answer is read, in bytes.
const BODY_BYTES_READ: usize = 256 * 1_024;

/// The kind of content that bodies are sent as.
pub(super) const BODY_KIND: &str = "application/json";

/// What is sold.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) url: Url,
    pub(crate) method: String,
    pub(crate) body: String,
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) status: u16,
    headers: HeaderMap,
    pub(crate) body: String,
}

impl Seen {
    pub(super) fn is_served(&self) -> bool {
        is_served(self.status)
    }

    pub(super) fn is_refused(&self) -> bool {
        (400..500).contains(&self.status)
    }

    /// All of its headers, as text.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (String, String)> {
        self.headers.iter().map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// Whether a status says that something was given.
pub(super) fn is_served(status: u16) -> bool {
    (200..300).contains(&status)
}

/// Asks.
pub(crate) struct Probe {
    client: reqwest::Client,
    target: Target,
}

type Asked = Result<Seen, String>;

impl Probe {
    pub(crate) fn new(target: Target) -> Outcome<Probe> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(TIMEOUT)
            .build()
            .map_err(|fault| Failure::fault(fault.to_string()))?;
        Ok(Probe { client, target })
    }

    pub(super) fn method(&self) -> &str {
        &self.target.method
    }

    /// The request without anything.
    pub(crate) async fn bare(&self) -> Asked {
        self.read_with(&[]).await
    }

    /// The request with headers; only the status.
    pub(super) async fn with(&self, headers: &[(&str, &str)]) -> Option<u16> {
        self.read_with(headers).await.map(|seen| seen.status).ok()
    }

    pub(super) async fn read_with(&self, headers: &[(&str, &str)]) -> Asked {
        self.send(&self.target.method, self.target.url.clone(), headers).await
    }

    /// The request by another method.
    pub(super) async fn by(&self, method: &str, headers: &[(&str, &str)]) -> Asked {
        self.send(method, self.target.url.clone(), headers).await
    }

    /// Another path of the same host.
    pub(super) async fn at(&self, path: &str, headers: &[(&str, &str)]) -> Asked {
        self.send(&self.target.method, self.url_of(path)?, headers).await
    }

    pub(super) async fn by_get(&self, path: &str) -> Asked {
        self.send("GET", self.url_of(path)?, &[]).await
    }

    /// The same request with one parameter more, which is another request.
    pub(super) async fn elsewhere(&self, headers: &[(&str, &str)]) -> Option<u16> {
        let mut url = self.target.url.clone();
        url.query_pairs_mut().append_pair("tollbridge-doctor", "1");
        self.send(&self.target.method, url, headers).await.map(|seen| seen.status).ok()
    }

    /// The path of the target as careless servers would take it.
    pub(super) fn other_spellings(&self) -> Vec<String> {
        let path = self.target.url.path();
        let query = self.target.url.query().map_or(String::new(), |query| format!("?{query}"));
        let mut spellings = vec![
            format!("/{path}"),
            format!("{path};x"),
            format!("{path}%2f"),
            format!("{path}%00"),
            path.to_uppercase(),
            format!("/x%2f..{path}"),
        ];
        if !path.ends_with('/') {
            spellings.push(format!("{path}/"));
            let (before, last) = path.rsplit_once('/').unwrap_or(("", path));
            if let Some(first) = last.chars().next().filter(char::is_ascii_alphanumeric) {
                let rest = last.get(1..).unwrap_or_default();
                spellings.push(format!("{before}/%{:02x}{rest}", u32::from(first)));
            }
        }
        spellings.retain(|spelling| spelling != path);
        spellings.into_iter().map(|spelling| format!("{spelling}{query}")).collect()
    }

    fn url_of(&self, path: &str) -> Result<Url, String> {
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        let mut url = self.target.url.clone();
        url.set_path(path);
        url.set_query(query);
        Ok(url)
    }

    async fn send(&self, method: &str, url: Url, headers: &[(&str, &str)]) -> Asked {
        let method = Method::from_bytes(method.as_bytes()).map_err(|fault| fault.to_string())?;
        let mut request = self.client.request(method, url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !self.target.body.is_empty() {
            request = request.header("content-type", BODY_KIND).body(self.target.body.clone());
        }
        let mut answer = request.send().await.map_err(|fault| fault.to_string())?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let mut body = Vec::new();
        while body.len() < BODY_BYTES_READ {
            match answer.chunk().await {
                Ok(Some(piece)) => body.extend_from_slice(&piece),
                // What broke off was read so far.
                Ok(None) | Err(_) => break,
            }
        }
        Ok(Seen { status, headers, body: String::from_utf8_lossy(&body).into_owned() })
    }
}
