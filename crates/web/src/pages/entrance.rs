//! The entrance: creating a wallet with an invitation, logging in and out, coming back with the recovery code.

use crate::limits::{PLAY_MONEY, SESSION_SECONDS_MAX};
use crate::page::{Shown, Stop, Top, go, html};
use crate::pages::selling;
use crate::passkeys::{NoPasskey, named};
use crate::recovery::{self, RecoveryCode};
use crate::step_up::Ceremony;
use crate::store::{Passkey, Preferences, Session};
use crate::visit::{LANGUAGE_COOKIE, PASSKEY_FIELD, SESSION_COOKIE, Visit, fields, form_hash, token_hash};
use askama::Template;
use axum::response::{IntoResponse, Response};
use book::{
    Account, Action, Amount, Code, EnrolKey, Freeze, Id, KeyHolder, KeyId, OpenWallet, OwnerId, Presence,
    PublicKeyBytes, RegisterOwner, RevokeKey, Subject, Transfer, WalletId,
};
use evidence::{Hash, base64url};
use http::header::{CONTENT_TYPE, SET_COOKIE};
use http::{HeaderValue, StatusCode};
use passki::StoredPasskey;
use server::invitations;

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    top: Top,
    next: String,
}

#[derive(Template)]
#[template(path = "join.html")]
struct JoinPage {
    top: Top,
    assets: Vec<String>,
}

#[derive(Template)]
#[template(path = "recover.html")]
struct RecoverPage {
    top: Top,
}

#[derive(Template)]
#[template(path = "code.html")]
pub(crate) struct CodePage {
    pub(crate) top: Top,
    pub(crate) code: String,
    pub(crate) next: &'static str,
}

/// The log-in.
pub async fn show_login(visit: &Visit) -> Shown {
    if visit.here.is_some() {
        return Ok(go("/"));
    }
    Ok(html(StatusCode::OK, &LoginPage { top: Top::outside(visit), next: inner(visit.asked("next")) }))
}

/// Logs in with a passkey.
pub async fn log_in(visit: &Visit) -> Shown {
    let (owner, key) = visit.passkey().map_err(|stop| failed(visit, stop))?;
    let next = inner(visit.field("next"));
    begin_session(visit, owner, key, go(&next))
}

/// Ends the session.
pub async fn log_out(visit: &Visit) -> Shown {
    visit.site.store.close_session(visit.here()?.token)?;
    Ok(with_cookie(
        go("/login"),
        &format!("{SESSION_COOKIE}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"),
    ))
}

/// The form for somebody who was invited.
pub async fn show_join(visit: &Visit) -> Shown {
    if visit.here.is_some() {
        return Ok(go("/"));
    }
    invited(visit)?;
    let mut assets: Vec<String> =
        visit.site.app.directory.assets().iter().map(|it| it.code.as_str().to_owned()).collect();
    assets.truncate(8);
    Ok(html(StatusCode::OK, &JoinPage { top: Top::outside(visit), assets }))
}

/// Makes an owner with a passkey, a wallet and a recovery code. Sent again after a crash, it goes on where it was.
pub async fn join(visit: &Visit) -> Shown {
    let owner = invited(visit)?;
    let app = &visit.site.app;
    let (name, zone) = (visit.field("name"), visit.field("zone"));
    let asset =
        Code::new(visit.field("asset")).and_then(|code| app.directory.asset(code)).ok_or(Stop::Malformed)?;
    let (stored, public_key) = made(visit, owner)?;
    let request = form_hash(&visit.path, &visit.form);

    let key = KeyId(app.new_id());
    let desk = app.desk(request)?;
    app.execute(&desk, owner.0, Action::RegisterOwner(RegisterOwner { key, public_key })).await?;
    app.keep_label(owner.0, Some(name).filter(|name| !name.is_empty()));
    keep(visit, owner, key, stored, name)?;
    let zone = jiff::tz::TimeZone::get(zone).map_or("UTC", |_| zone).to_owned();
    visit.site.store.prefer(owner, &Preferences { language: Some(visit.lang.tag().to_owned()), zone })?;

    let here = || app.visitor(KeyHolder::Owner(owner), key, Presence::Fresh, request);
    let wallet = WalletId(app.new_id());
    let open = OpenWallet { owner, asset: asset.code, limits: Vec::new() };
    app.execute(&here(), wallet.0, Action::OpenWallet(open)).await?;
    if !app.livemode {
        let unit = 10u128.checked_pow(u32::from(asset.scale)).unwrap_or(1);
        let amount = Amount::new(PLAY_MONEY.saturating_mul(unit)).ok_or(Stop::Malformed)?;
        let fill = Transfer { from: Account::World, to: Account::Wallet(wallet), amount, asset: asset.code };
        app.execute(&app.desk(request)?, app.new_id(), Action::Transfer(fill)).await?;
    }
    let code = enrol_recovery(visit, owner, key, request).await?;
    let top = Top::outside(visit);
    begin_session(visit, owner, key, html(StatusCode::OK, &CodePage { top, code, next: "/" }))
}

/// The form for somebody who lost every passkey.
pub async fn show_recover(visit: &Visit) -> Shown {
    if visit.here.is_some() {
        return Ok(go("/account"));
    }
    Ok(html(StatusCode::OK, &RecoverPage { top: Top::outside(visit) }))
}

/// Freezes everything, takes a new passkey, and ends every key that is lost.
pub async fn recover(visit: &Visit) -> Shown {
    let app = &visit.site.app;
    let found = recovery::find(visit, visit.field("code")).await?;
    let (owner, old) = found.ok_or(Stop::NotConfirmed).map_err(|stop| failed(visit, stop))?;
    let (stored, public_key) = made(visit, owner)?;
    let request = form_hash(&visit.path, &visit.form);
    let here = |key| app.visitor(KeyHolder::Owner(owner), key, Presence::Fresh, request);

    let stop = Action::Freeze(Freeze { subject: Subject::Owner(owner) });
    app.execute(&here(old), app.new_id(), stop).await?;
    let key = KeyId(app.new_id());
    let enrol = Action::EnrolKey(EnrolKey { holder: KeyHolder::Owner(owner), public_key });
    app.execute(&here(old), key.0, enrol).await?;
    let lost = visit.site.store.passkeys_of(owner)?;
    keep(visit, owner, key, stored, visit.words().me)?;
    let code = enrol_recovery(visit, owner, key, request).await?;
    for passkey in lost {
        revoke(visit, &here(key), passkey.key).await?;
        selling::forget_passkey(visit, owner, passkey.key).await?;
        visit.site.store.forget_passkey(passkey.key)?;
    }
    revoke(visit, &here(key), old).await?;
    let top = Top::outside(visit);
    begin_session(visit, owner, key, html(StatusCode::OK, &CodePage { top, code, next: "/" }))
}

/// What a passkey is asked for, before it confirms a form.
pub async fn challenge(visit: &Visit) -> Shown {
    let site = &visit.site;
    let path = visit.field("path");
    let form = fields(visit.field("form").as_bytes());
    let hash = form_hash(path, &form);
    let now = site.app.wall_clock();
    let here = visit.here.as_ref().map(|here| here.session.owner);
    let refused = |fault: NoPasskey| {
        tracing::info!(%fault, "no passkey could be asked for");
        Stop::Malformed
    };
    let (options, known) = if visit.field("ceremony") == "make" {
        let code = form.iter().find(|(name, _)| name == "code").map(|(_, code)| code.as_str());
        let owner = match (here, path.strip_prefix("/join/"), code) {
            (Some(owner), _, _) => owner,
            (None, Some(text), _) => invitation(visit, text)?,
            (None, None, Some(code)) if path == "/recover" => {
                let found = recovery::find(visit, code).await?;
                found.ok_or(Stop::NotConfirmed).map_err(|stop| failed(visit, stop))?.0
            }
            (None, _, _) => return Err(Stop::LogIn { next: "/".to_owned() }),
        };
        let named = form.iter().find(|(name, _)| name == "name").map(|(_, name)| name.as_str());
        let name = match named {
            Some(name) if here.is_none() => name.to_owned(),
            Some(_) | None => site.app.label(owner.0)?.unwrap_or_default(),
        };
        let name = if name.trim().is_empty() { visit.words().brand.to_owned() } else { name };
        let others = site.store.passkeys_of(owner)?.into_iter().map(|passkey| passkey.stored);
        let others: Vec<StoredPasskey> = others.collect();
        let (options, state) = site.passkeys.begin_making(owner, &name, &others).map_err(refused)?;
        (options, Some((owner, Ceremony::Make(state))))
    } else {
        match here {
            Some(owner) => {
                let passkeys = site.store.passkeys_of(owner)?;
                let (options, state) = site.passkeys.begin_using(&passkeys).map_err(refused)?;
                (options, Some((owner, Ceremony::Use(state))))
            }
            None => {
                let challenge = site.challenges.for_log_in(hash, now, rand::random());
                (site.passkeys.begin_log_in(&challenge).map_err(refused)?, None)
            }
        }
    };
    if let Some((owner, state)) = known {
        let text = options.get("challenge").and_then(|text| text.as_str()).unwrap_or_default().to_owned();
        site.challenges.remember(text, hash, owner, state, now);
    }
    let mut response = options.to_string().into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// Changes the language.
pub async fn choose_language(visit: &Visit) -> Shown {
    let other = visit.lang.other().tag();
    if let Some(here) = &visit.here {
        let preferences = Preferences { language: Some(other.to_owned()), ..here.preferences.clone() };
        visit.site.store.prefer(here.session.owner, &preferences)?;
    }
    let back = go(&inner(visit.field("next")));
    Ok(with_cookie(back, &format!("{LANGUAGE_COOKIE}={other}; Path=/; SameSite=Lax; Max-Age=31536000")))
}

/// Counts a failed try. Where there were too many, whoever tries is told to wait; who does get in never has to.
fn failed(visit: &Visit, stop: Stop) -> Stop {
    let (tries, now) = (&visit.site.tries, visit.site.app.wall_clock());
    if !matches!(stop, Stop::NotConfirmed) {
        return stop;
    }
    if tries.is_full(now) {
        return Stop::TooMany;
    }
    tries.count(now);
    stop
}

/// The owner whom the invitation in the address makes.
fn invited(visit: &Visit) -> Result<OwnerId, Stop> {
    invitation(visit, visit.path.strip_prefix("/join/").unwrap_or_default())
}

fn invitation(visit: &Visit, text: &str) -> Result<OwnerId, Stop> {
    let app = &visit.site.app;
    let owner = invitations::open(&app.session_secret, text, app.clock.now()).ok_or(Stop::InvitationOver)?;
    // Used: the book has this owner, and passkeys are hers to add.
    let used = !visit.site.store.passkeys_of(owner)?.is_empty();
    if used { Err(Stop::InvitationOver) } else { Ok(owner) }
}

/// The passkey that was made for this very form.
pub(crate) fn made(visit: &Visit, owner: OwnerId) -> Result<(StoredPasskey, PublicKeyBytes), Stop> {
    let site = &visit.site;
    let text = visit.field(PASSKEY_FIELD);
    let (challenge, _) = named(text).ok_or(Stop::NotConfirmed)?;
    let challenge = site.challenges.take(&challenge, site.app.wall_clock()).ok_or(Stop::NotConfirmed)?;
    if challenge.form != form_hash(&visit.path, &visit.form) || challenge.owner != owner {
        return Err(Stop::NotConfirmed);
    }
    let Ceremony::Make(state) = challenge.state else { return Err(Stop::NotConfirmed) };
    site.passkeys.make(text, &state).map_err(|fault| {
        tracing::info!(%fault, "a new passkey was refused");
        Stop::NotConfirmed
    })
}

/// Keeps a passkey whose key is enrolled.
pub(crate) fn keep(
    visit: &Visit,
    owner: OwnerId,
    key: KeyId,
    stored: StoredPasskey,
    label: &str,
) -> Result<(), Stop> {
    let made_at = visit.site.app.wall_clock();
    let label = if label.is_empty() { visit.words().me } else { label };
    let passkey = Passkey { owner, key, stored, label: label.chars().take(60).collect(), made_at };
    Ok(visit.site.store.keep_passkey(&passkey)?)
}

/// Enrols the key of a new recovery code, and returns the code: it is kept nowhere.
pub(crate) async fn enrol_recovery(
    visit: &Visit,
    owner: OwnerId,
    key: KeyId,
    request: Hash,
) -> Result<String, Stop> {
    let app = &visit.site.app;
    let code = RecoveryCode::draw(owner, app.new_id());
    let enrol = EnrolKey { holder: KeyHolder::Owner(owner), public_key: code.public_key() };
    let caller = app.visitor(KeyHolder::Owner(owner), key, Presence::Fresh, request);
    app.execute(&caller, code.key().0, Action::EnrolKey(enrol)).await?;
    visit.site.store.keep_recovery(owner, code.key())?;
    Ok(code.text())
}

/// Ends a key, whether or not it had ended.
pub(crate) async fn revoke(visit: &Visit, caller: &server::auth::Caller, key: KeyId) -> Result<(), Stop> {
    let app = &visit.site.app;
    let ended = app.execute(caller, app.new_id(), Action::RevokeKey(RevokeKey { key })).await;
    ended.map(|_| ()).map_err(Stop::from)
}

/// Opens a session, whose token only the browser keeps, and answers with `response`.
fn begin_session(visit: &Visit, owner: OwnerId, key: KeyId, response: Response) -> Shown {
    let store = &visit.site.store;
    // Nobody goes on in a session that was there before the log-in.
    if let Some(here) = &visit.here {
        store.close_session(here.token)?;
    }
    let token: [u8; 32] = rand::random();
    let csrf = base64url::encode(&rand::random::<[u8; 18]>());
    store.open_session(token_hash(&token), &Session { owner, key, csrf }, visit.site.app.wall_clock())?;
    let token = base64url::encode(&token);
    let cookie = format!(
        "{SESSION_COOKIE}={token}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={SESSION_SECONDS_MAX}"
    );
    Ok(with_cookie(response, &cookie))
}

fn with_cookie(mut response: Response, cookie: &str) -> Response {
    let value = HeaderValue::from_str(cookie).expect("a cookie is ASCII");
    response.headers_mut().append(SET_COOKIE, value);
    response
}

/// An address of this console, or its first page: nobody is led elsewhere.
fn inner(next: &str) -> String {
    let odd = |it: char| it == '\\' || it.is_control() || !it.is_ascii();
    let ours = next.starts_with('/') && !next.starts_with("//") && !next.contains(odd);
    if ours { next.to_owned() } else { "/".to_owned() }
}

/// The id of something that the reader owns, out of a form.
pub(crate) fn id_field(visit: &Visit, name: &str, prefix: &str) -> Result<Id, Stop> {
    let text = visit.field(name).strip_prefix(prefix).and_then(|text| text.strip_prefix('_'));
    text.and_then(Id::from_text).ok_or(Stop::Malformed)
}

impl From<NoPasskey> for Stop {
    fn from(_: NoPasskey) -> Stop {
        Stop::NotConfirmed
    }
}
