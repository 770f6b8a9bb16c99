//! The console: the pages on which an owner says what her agents may do, sees what they did, and stops them.
//!
//! Pages are made on the server and readable without scripts. Whoever changes something does it as the owner, through
//! the same commands as the API; what widens an agent's authority is confirmed with a passkey for that very form.
//!
//! Reading order: [`visit`] (who is here, and what was sent), [`passkeys`] and [`step_up`] (how somebody shows that she
//! is there), [`store`] (what is kept beside the journal), [`page`] (the frame of every page), then [`pages`], one file
//! for each. [`words`] has every sentence in both languages, [`reasons`] why a rule said no, [`rule`] what a limit means, [`qr`] how an address becomes a picture,
//! [`shown`] how texts of strangers are made safe to look at.

#![forbid(unsafe_code)]

pub mod chart;
pub mod limits;
pub mod names;
pub mod notify;
pub mod page;
pub mod pages;
pub mod passkeys;
pub mod preview;
pub mod qr;
pub mod reasons;
pub mod recovery;
pub mod rule;
pub mod shown;
pub mod step_up;
pub mod store;
pub mod visit;
pub mod words;

use crate::passkeys::Passkeys;
use crate::step_up::{Challenges, Tries};
use crate::store::Store;
use axum::Router;
use evidence::Secret;
use server::App;
use std::path::Path;
use std::sync::Arc;
use url::Url;

/// Handlers get it by reference count.
pub type Site = Arc<Console>;

/// What every page needs.
#[derive(Debug)]
pub struct Console {
    /// The server behind it.
    pub app: App,
    /// Passkeys, sessions and drafts.
    pub store: Store,
    /// Makes and checks passkeys.
    pub passkeys: Passkeys,
    /// What passkeys were asked to confirm.
    pub challenges: Challenges,
    /// Failed tries to log in.
    pub tries: Tries,
    /// Where people find it: scheme, host and port.
    pub public_url: Url,
}

/// Why there can be no console.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleFault {
    /// Passkeys belong to a host with a name.
    #[error("the public address `{0}` has no host name: passkeys need one, such as `http://localhost:8402`")]
    Address(String),
    /// The file fails.
    #[error("console.sqlite: {0}")]
    Store(#[from] rusqlite::Error),
}

/// Opens the console of a data directory.
///
/// # Errors
/// [`ConsoleFault`].
pub fn open(app: App, directory: &Path, public_url: Url) -> Result<Site, ConsoleFault> {
    let passkeys =
        Passkeys::at(&public_url).ok_or_else(|| ConsoleFault::Address(public_url.as_str().to_owned()))?;
    let store = Store::open(&directory.join("console.sqlite"))?;
    Ok(Arc::new(Console {
        app,
        store,
        passkeys,
        challenges: Challenges::new(Secret::new(rand::random())),
        tries: Tries::default(),
        public_url,
    }))
}

/// Every page.
pub fn router(site: Site) -> Router {
    pages::router().with_state(site)
}
