//! The file that says whose tokens are taken, and for whom each of them speaks.

use super::{Front, Gate, Issuer, KeySet, Keys, NotAnIssuer, Sessions};
use crate::desk::{Desk, NoDesk, Settings};
use crate::limits::{JWKS_BYTES_MAX, JWKS_TIMEOUT};
use crate::tools::ToolSet;
use sdk::{Credentials, KeyFileFault, Reach};
use serde::Deserialize;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use url::Url;

/// The file: TOML.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The Tollbridge server.
    pub server: String,
    /// Our own address, as clients and tokens name it, such as `https://mcp.example/mcp`.
    pub resource: Url,
    /// Whose tokens are taken.
    pub issuer: String,
    /// The issuer's keys: a file, or an address over TLS.
    pub jwks: String,
    /// Web pages that may ask, by origin, such as `https://app.example`.
    #[serde(default)]
    pub origins: Vec<String>,
    /// Where quotes and purchases are remembered.
    pub directory: PathBuf,
    /// Where owners find their pages; the server's address where nothing is said.
    pub pages: Option<Url>,
    /// Who is known.
    pub principal: Vec<Principal>,
}

/// Somebody that tokens speak for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Principal {
    /// The subject of the tokens.
    pub subject: String,
    /// The key that is used for it.
    pub key_file: PathBuf,
    /// The tools it gets.
    pub tools: Vec<ToolSet>,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigFault {
    /// It is not one.
    #[error("{0}")]
    Malformed(String),
    /// The issuer's keys cannot be read.
    #[error("the issuer's keys: {0}")]
    Unreadable(String),
    /// They cannot be used.
    #[error(transparent)]
    Keys(#[from] NotAnIssuer),
    /// A key file.
    #[error(transparent)]
    KeyFile(#[from] KeyFileFault),
    /// A principal's desk.
    #[error(transparent)]
    Desk(#[from] NoDesk),
}

impl Config {
    /// Reads a configuration. Paths in it are relative to `base`.
    ///
    /// # Errors
    /// [`ConfigFault::Malformed`].
    pub fn parse(text: &str, base: &Path) -> Result<Config, ConfigFault> {
        let mut config: Config =
            toml::from_str(text).map_err(|fault| ConfigFault::Malformed(fault.message().to_owned()))?;
        let malformed = |why: &str| Err(ConfigFault::Malformed(why.to_owned()));
        let is_plain = config.resource.query().is_none() && config.resource.fragment().is_none();
        if !is_plain || config.resource.host_str().is_none() || config.resource.path() == "/" {
            return malformed("`resource` is like `https://mcp.example/mcp`");
        }
        if config.resource.scheme() != "https" && !is_loopback(&config.resource) {
            return malformed("`resource` begins with `https:`, except on this machine");
        }
        if config.principal.is_empty() {
            return malformed("there is no `[[principal]]`");
        }
        let mut subjects: Vec<&str> = config.principal.iter().map(|it| it.subject.as_str()).collect();
        subjects.sort_unstable();
        subjects.dedup();
        if subjects.len() < config.principal.len() {
            return malformed("a `subject` is there twice");
        }
        config.directory = base.join(&config.directory);
        config.principal.iter_mut().for_each(|it| it.key_file = base.join(&it.key_file));
        if !config.jwks.contains("://") {
            config.jwks = base.join(&config.jwks).display().to_string();
        }
        Ok(config)
    }

    /// Reads the issuer's keys and the principals' key files.
    ///
    /// # Errors
    /// [`ConfigFault`].
    pub async fn open(self, reach: Reach) -> Result<Front<Desk>, ConfigFault> {
        let keys = KeySet::parse(&read_keys(&self.jwks).await?)?;
        let (mut handlers, mut subjects) = (HashMap::new(), HashMap::new());
        for principal in self.principal {
            let credentials = Credentials::read(&principal.key_file)?;
            let directory = self.directory.join(credentials.key_id.to_string());
            let desk = Desk::open(Settings {
                server: self.server.clone(),
                credentials,
                tools: principal.tools.clone(),
                directory,
                reach,
                pages: self.pages.clone(),
            })?;
            handlers.insert(principal.subject.clone(), desk);
            subjects.insert(principal.subject, principal.tools);
        }
        let keys = Keys::at(self.jwks, keys);
        let gate = Gate::Issued(Box::new(Issuer { name: self.issuer, keys, subjects }));
        let (resource, origins) = (self.resource, self.origins);
        Ok(Front { resource, origins, gate, handlers, sessions: Sessions::None })
    }
}

fn is_loopback(url: &Url) -> bool {
    matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"))
}

/// Reads an issuer's keys from a file or an address.
pub(super) async fn read_keys(place: &str) -> Result<String, ConfigFault> {
    let unreadable = |why: &dyn std::fmt::Display| ConfigFault::Unreadable(why.to_string());
    if !place.contains("://") {
        return std::fs::read_to_string(place).map_err(|fault| unreadable(&fault));
    }
    let url = Url::parse(place).map_err(|fault| unreadable(&fault))?;
    if url.scheme() != "https" && !is_loopback(&url) {
        return Err(unreadable(&"`jwks` begins with `https:`, except on this machine"));
    }
    let http = reqwest::Client::builder()
        .timeout(JWKS_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|fault| unreadable(&fault))?;
    let mut answer = http.get(url).send().await.map_err(|fault| unreadable(&fault))?;
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|fault| unreadable(&fault))? {
        if JWKS_BYTES_MAX < body.len() + chunk.len() {
            return Err(unreadable(&"they are too long"));
        }
        body.extend_from_slice(&chunk);
    }
    String::from_utf8(body).map_err(|fault| unreadable(&fault))
}
