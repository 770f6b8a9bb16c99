//! The account: passkeys, the recovery code, settings, logging out.

use crate::limits::PASSKEYS_MAX;
use crate::page::{Place, Shown, Stop, Top, go, html};
use crate::pages::entrance::{CodePage, enrol_recovery, keep, made, revoke};
use crate::pages::selling;
use crate::shown::{Text, moment};
use crate::step_up::Ceremony;
use crate::store::Preferences;
use crate::visit::{Visit, form_hash};
use askama::Template;
use book::{Action, EnrolKey, KeyHolder, KeyId, Presence};
use evidence::base64url;
use http::StatusCode;
use jiff::tz::TimeZone;

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    top: Top,
    passkeys: Vec<Row>,
    zone: String,
    owner: String,
}

struct Row {
    key: String,
    label: Text,
    made: String,
    in_use: bool,
    only: bool,
}

#[derive(Template)]
#[template(path = "new_passkey.html")]
struct NewPasskeyPage {
    top: Top,
    grant: String,
}

/// The page.
pub async fn show(visit: &Visit) -> Shown {
    let top = Top::inside(visit, Place::Account).await?;
    let here = visit.here()?;
    let passkeys = visit.site.store.passkeys_of(here.session.owner)?;
    let only = passkeys.len() == 1;
    let rows = passkeys.into_iter().map(|it| Row {
        key: it.key.to_string(),
        in_use: it.key == here.session.key,
        made: moment(it.made_at, &visit.zone, visit.lang),
        label: Text::of(&it.label),
        only,
    });
    let page = AccountPage {
        top,
        passkeys: rows.collect(),
        zone: here.preferences.zone.clone(),
        owner: here.session.owner.to_string(),
    };
    Ok(html(StatusCode::OK, &page))
}

/// A passkey has confirmed that another may be made: shows the form that makes it.
pub async fn add_passkey(visit: &Visit) -> Shown {
    let app = &visit.site.app;
    let caller = visit.confirmed()?;
    let owner = visit.owner()?;
    if PASSKEYS_MAX <= visit.site.store.passkeys_of(owner)?.len() {
        return Err(Stop::TooMany);
    }
    let grant = base64url::encode(&rand::random::<[u8; 24]>());
    let confirmed = Ceremony::Confirmed(caller.key);
    let form = form_hash("/account/passkeys/new", &Vec::new());
    visit.site.challenges.remember(grant.clone(), form, owner, confirmed, app.wall_clock());
    let top = Top::inside(visit, Place::Account).await?;
    Ok(html(StatusCode::OK, &NewPasskeyPage { top, grant }))
}

/// Enrols the new passkey.
pub async fn new_passkey(visit: &Visit) -> Shown {
    let app = &visit.site.app;
    let owner = visit.owner()?;
    let grant =
        visit.site.challenges.take(visit.field("grant"), app.wall_clock()).ok_or(Stop::NotConfirmed)?;
    let Ceremony::Confirmed(by) = grant.state else { return Err(Stop::NotConfirmed) };
    if grant.owner != owner {
        return Err(Stop::NotConfirmed);
    }
    let (stored, public_key) = made(visit, owner)?;
    let key = KeyId(visit.change()?);
    let request = form_hash(&visit.path, &visit.form);
    let caller = app.visitor(KeyHolder::Owner(owner), by, Presence::Fresh, request);
    let enrol = Action::EnrolKey(EnrolKey { holder: KeyHolder::Owner(owner), public_key });
    app.execute(&caller, key.0, enrol).await?;
    keep(visit, owner, key, stored, visit.field("name"))?;
    Ok(go("/account"))
}

/// Ends a passkey; never the last.
pub async fn remove_passkey(visit: &Visit) -> Shown {
    let owner = visit.owner()?;
    let key: KeyId = visit.field("key").parse().map_err(|_| Stop::Malformed)?;
    let passkeys = visit.site.store.passkeys_of(owner)?;
    if passkeys.len() < 2 || !passkeys.iter().any(|it| it.key == key) {
        return Err(Stop::Malformed);
    }
    let caller = visit.confirmed()?;
    revoke(visit, &caller, key).await?;
    selling::forget_passkey(visit, owner, key).await?;
    visit.site.store.forget_passkey(key)?;
    Ok(go("/account"))
}

/// Makes a new recovery code; the old one stops working.
pub async fn new_recovery(visit: &Visit) -> Shown {
    let owner = visit.owner()?;
    let caller = visit.confirmed()?;
    let old = visit.site.store.recovery_of(owner)?;
    let request = form_hash(&visit.path, &visit.form);
    let code = enrol_recovery(visit, owner, caller.key, request).await?;
    if let Some(old) = old {
        let app = &visit.site.app;
        let again = app.visitor(KeyHolder::Owner(owner), caller.key, Presence::Fresh, request);
        revoke(visit, &again, old).await?;
    }
    let top = Top::inside(visit, Place::Account).await?;
    Ok(html(StatusCode::OK, &CodePage { top, code, next: "/account" }))
}

/// Changes the zone.
pub async fn settings(visit: &Visit) -> Shown {
    let here = visit.here()?;
    let zone = visit.field("zone");
    if TimeZone::get(zone).is_err() || book::Zone::new(zone).is_none() {
        return Err(Stop::Malformed);
    }
    let preferences = Preferences { zone: zone.to_owned(), ..here.preferences.clone() };
    visit.site.store.prefer(here.session.owner, &preferences)?;
    Ok(go("/account"))
}
