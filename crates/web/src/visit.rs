//! Visits: who is here, in which language, and what was sent. Every page and form begins with one.

use crate::limits::{FORM_BYTES_MAX, FORM_FIELDS_MAX};
use crate::page::{Stop, refuse};
use crate::passkeys::named;
use crate::step_up::{Ceremony, Challenge};
use crate::store::{Preferences, Session};
use crate::words::{Lang, Words};
use crate::{Console, Site};
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Redirect, Response};
use book::{Id, KeyHolder, OwnerId, Presence};
use evidence::{Hash, base64url};
use http::header::{ACCEPT_LANGUAGE, CONTENT_TYPE, COOKIE, HOST, ORIGIN};
use http::{HeaderMap, HeaderName, Method, StatusCode};
use http_body_util::{BodyExt, Limited};
use jiff::tz::TimeZone;
use server::auth::Caller;
use server::directory::KeyStatus;
use std::str::FromStr;
use url::form_urlencoded;

/// The session's cookie: for this host alone, never over a connection that others read, never for scripts.
pub const SESSION_COOKIE: &str = "__Host-tollbridge";

/// Where the browser keeps a language that was chosen before there was anybody to remember it for.
pub const LANGUAGE_COOKIE: &str = "language";

/// The field with what a passkey confirmed.
pub const PASSKEY_FIELD: &str = "passkey";

/// Fields of a form or query, in the order they were sent.
pub type Fields = Vec<(String, String)>;

/// One request of a browser.
#[derive(Debug)]
pub struct Visit {
    /// The console.
    pub site: Site,
    /// Its path.
    pub path: String,
    /// The page to show whoever has to log in first: what a form was sent to is none.
    wanted: String,
    /// Its query.
    pub query: Fields,
    /// The form, where one was sent.
    pub form: Fields,
    /// Who is here, where somebody is.
    pub here: Option<Here>,
    /// In which language.
    pub lang: Lang,
    /// The zone that days begin in.
    pub zone: TimeZone,
}

/// Somebody who is logged in.
#[derive(Clone, Debug)]
pub struct Here {
    /// The hash of the session's token.
    pub token: Hash,
    /// The session.
    pub session: Session,
    /// What she prefers.
    pub preferences: Preferences,
}

impl FromRequest<Site> for Visit {
    type Rejection = Response;

    async fn from_request(request: Request, site: &Site) -> Result<Visit, Response> {
        let (head, body) = request.into_parts();
        let lang = language(&head.headers, None);
        let path = head.uri.path().to_owned();
        if !is_ours(site, &head.headers) {
            return Err(elsewhere(
                site,
                &head.method,
                head.uri.path_and_query().map_or("/", |it| it.as_str()),
            ));
        }
        let mut form = Vec::new();
        if head.method == Method::POST {
            if !is_same_origin(site, &head.headers) {
                return Err(refuse(lang, StatusCode::FORBIDDEN, lang.words().from_elsewhere));
            }
            let kind = head.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
            if !kind.starts_with("application/x-www-form-urlencoded") {
                return Err(refuse(lang, StatusCode::UNSUPPORTED_MEDIA_TYPE, lang.words().not_a_form));
            }
            let read = Limited::new(body, FORM_BYTES_MAX).collect();
            let read = tokio::time::timeout(site.app.patience.body, read).await;
            let Ok(Ok(body)) = read else {
                return Err(refuse(lang, StatusCode::PAYLOAD_TOO_LARGE, lang.words().not_a_form));
            };
            form = fields(&body.to_bytes());
            if FORM_FIELDS_MAX < form.len() {
                return Err(refuse(lang, StatusCode::BAD_REQUEST, lang.words().not_a_form));
            }
        }
        let here = find(site, &head.headers);
        let lang = language(&head.headers, here.as_ref());
        let zone = here.as_ref().map(|here| here.preferences.zone.as_str());
        let zone = zone.and_then(|zone| TimeZone::get(zone).ok()).unwrap_or(TimeZone::UTC);
        let query = fields(head.uri.query().unwrap_or_default().as_bytes());
        let wanted = if head.method == Method::POST { "/".to_owned() } else { path.clone() };
        let visit = Visit { site: site.clone(), path, wanted, query, form, here, lang, zone };
        if head.method == Method::POST
            && let Some(here) = &visit.here
            && visit.field("csrf") != here.session.csrf
        {
            return Err(refuse(lang, StatusCode::FORBIDDEN, lang.words().from_elsewhere));
        }
        Ok(visit)
    }
}

impl Visit {
    /// Every sentence in the visitor's language.
    pub fn words(&self) -> &'static Words {
        self.lang.words()
    }

    /// A field of the form, without the blanks around it; empty where there is none.
    pub fn field(&self, name: &str) -> &str {
        value(&self.form, name)
    }

    /// A field of the query; empty where there is none.
    pub fn asked(&self, name: &str) -> &str {
        value(&self.query, name)
    }

    /// The part of the path at a place, such as the id in `/agents/agt_…`.
    ///
    /// # Errors
    /// [`Stop::Missing`] where it is none.
    pub fn part<T: FromStr>(&self, place: usize) -> Result<T, Stop> {
        let part = self.path.trim_start_matches('/').split('/').nth(place).unwrap_or_default();
        part.parse().map_err(|_| Stop::Missing)
    }

    /// Whoever is logged in.
    ///
    /// # Errors
    /// [`Stop::LogIn`].
    pub fn here(&self) -> Result<&Here, Stop> {
        self.here.as_ref().ok_or_else(|| Stop::LogIn { next: self.wanted.clone() })
    }

    /// The owner who is logged in.
    ///
    /// # Errors
    /// [`Stop::LogIn`].
    pub fn owner(&self) -> Result<OwnerId, Stop> {
        Ok(self.here()?.session.owner)
    }

    /// The owner as the book knows her in this session: she may stop things, and widen nothing.
    ///
    /// # Errors
    /// [`Stop::LogIn`].
    pub fn caller(&self) -> Result<Caller, Stop> {
        let Session { owner, key, .. } = self.here()?.session;
        let request = form_hash(&self.path, &self.form);
        Ok(self.site.app.visitor(KeyHolder::Owner(owner), key, Presence::Session, request))
    }

    /// The owner who has confirmed this very form with a passkey.
    ///
    /// # Errors
    /// [`Stop::NotConfirmed`] where no passkey of hers did.
    pub fn confirmed(&self) -> Result<Caller, Stop> {
        let owner = self.owner()?;
        let (found, key) = self.passkey()?;
        if found != owner {
            return Err(Stop::NotConfirmed);
        }
        let request = form_hash(&self.path, &self.form);
        Ok(self.site.app.visitor(KeyHolder::Owner(owner), key, Presence::Fresh, request))
    }

    /// Whose passkey has confirmed this very form, and its key.
    ///
    /// # Errors
    /// [`Stop::NotConfirmed`].
    pub fn passkey(&self) -> Result<(OwnerId, book::KeyId), Stop> {
        let Console { app, store, passkeys, challenges, .. } = &*self.site;
        let text = self.field(PASSKEY_FIELD);
        let (challenge, credential) = named(text).ok_or(Stop::NotConfirmed)?;
        let (now, form) = (app.wall_clock(), form_hash(&self.path, &self.form));
        let passkey = store.passkey(&credential)?.ok_or(Stop::NotConfirmed)?;
        let counts = app.directory.key(passkey.key).is_some_and(|key| key.status == KeyStatus::Active);
        let (state, of_log_in) = match challenges.take(&challenge, now) {
            Some(Challenge { form: of, owner, state: Ceremony::Use(state), .. })
                if of == form && owner == passkey.owner =>
            {
                (state, None)
            }
            Some(_) => return Err(Stop::NotConfirmed),
            None => {
                let bytes = base64url::decode(&challenge).ok_or(Stop::NotConfirmed)?;
                if self.path != "/login" || !challenges.is_for_log_in(&bytes, form, now) {
                    return Err(Stop::NotConfirmed);
                }
                (passkeys.log_in_state(&bytes)?, Some(bytes))
            }
        };
        let used = passkeys.check(text, &state, &passkey.stored).map_err(|fault| {
            tracing::info!(%fault, "a passkey was refused");
            Stop::NotConfirmed
        })?;
        if !counts || of_log_in.is_some_and(|bytes| !challenges.use_up(bytes, now)) {
            return Err(Stop::NotConfirmed);
        }
        store.count_passkey(&used)?;
        Ok((passkey.owner, passkey.key))
    }

    /// Where programs reach the server. Buyers pay demands of the server that they know: programs on this machine know it by
    /// number, browsers by name.
    pub fn server_of_programs(&self) -> String {
        let server = self.site.public_url.as_str().trim_end_matches('/');
        server.replacen("http://localhost:", "http://127.0.0.1:", 1)
    }

    /// The id of the change that the form asks for: drawn with the page, so that sending it twice changes one thing.
    ///
    /// # Errors
    /// [`Stop::Malformed`].
    pub fn change(&self) -> Result<Id, Stop> {
        Id::from_text(self.field("id")).ok_or(Stop::Malformed)
    }
}

/// The hash of a form: its address and every field but what the passkey says.
pub fn form_hash(path: &str, form: &Fields) -> Hash {
    let mut text = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form.iter().filter(|(name, _)| name != PASSKEY_FIELD) {
        text.append_pair(name, value);
    }
    Hash::of(format!("{path}\n{}", text.finish()).as_bytes())
}

/// The fields of a form or query.
pub fn fields(bytes: &[u8]) -> Fields {
    form_urlencoded::parse(bytes).into_owned().take(FORM_FIELDS_MAX + 1).collect()
}

fn value<'a>(fields: &'a Fields, name: &str) -> &'a str {
    fields.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.trim())
}

/// Whether the request was sent to the console's own address: what is sent to another name proves nothing.
fn is_ours(site: &Site, headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let (host, again) = (hosts.next().and_then(|host| host.to_str().ok()), hosts.next());
    let ours = site.public_url.as_str().trim_start_matches("https://").trim_start_matches("http://");
    again.is_none() && host.is_some_and(|host| host.eq_ignore_ascii_case(ours.trim_end_matches('/')))
}

/// Leads a reader to the console's own address; a form is not carried over.
fn elsewhere(site: &Site, method: &Method, target: &str) -> Response {
    if method != Method::GET && method != Method::HEAD {
        return StatusCode::MISDIRECTED_REQUEST.into_response();
    }
    let url = site.public_url.as_str().trim_end_matches('/');
    Redirect::temporary(&format!("{url}{target}")).into_response()
}

/// Whether a form was sent from one of our own pages.
fn is_same_origin(site: &Site, headers: &HeaderMap) -> bool {
    let ours = site.public_url.origin().ascii_serialization();
    let one = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let site = one(HeaderName::from_static("sec-fetch-site")).is_none_or(|site| site == "same-origin");
    site && one(ORIGIN) == Some(ours.as_str())
}

/// The value of a cookie.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let pairs = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    pairs.flat_map(|text| text.split(';')).find_map(|pair| {
        let (known, value) = pair.trim().split_once('=')?;
        (known == name).then_some(value)
    })
}

/// The hash under which a session is kept: who reads the file cannot log in.
pub fn token_hash(token: &[u8]) -> Hash {
    Hash::of(&[b"tollbridge session\n", token].concat())
}

fn find(site: &Site, headers: &HeaderMap) -> Option<Here> {
    let token = token_hash(&base64url::decode(cookie(headers, SESSION_COOKIE)?)?);
    let found = site.store.session(token, site.app.wall_clock());
    let session = found.inspect_err(|fault| tracing::error!(%fault, "sessions cannot be read")).ok()??;
    // A key that was revoked opens nothing any more, whatever was opened with it before.
    let key = site.app.directory.key(session.key)?;
    let preferences = site.store.preferences(session.owner).ok().flatten();
    let preferences = preferences.unwrap_or(Preferences { language: None, zone: "UTC".to_owned() });
    let belongs = key.holder == KeyHolder::Owner(session.owner) && key.status == KeyStatus::Active;
    belongs.then_some(Here { token, session, preferences })
}

/// The language that was chosen, or else the browser's first that we speak.
fn language(headers: &HeaderMap, here: Option<&Here>) -> Lang {
    let chosen = here.and_then(|here| here.preferences.language.as_deref());
    let chosen = chosen.or_else(|| cookie(headers, LANGUAGE_COOKIE)).and_then(Lang::of);
    let header = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    chosen.or_else(|| header.split(',').find_map(Lang::of)).unwrap_or(Lang::English)
}
