//! A seller's keys: which there are, which were used of late, ending one, and giving a service one of its own.

use crate::limits::KEY_USES_LOOKED_AT_MAX;
use crate::page::{Place, Shown, Stop, Top, go, html};
use crate::pages::selling::{Head, Tab, confirmed, head, keys_of, public_key, seller};
use crate::shown::moment;
use crate::visit::Visit;
use askama::Template;
use book::{Action, Actor, EnrolKey, KeyHolder, KeyId, RevokeKey, Time};
use engine::views::Whom;
use evidence::PublicKey;
use http::StatusCode;
use std::collections::BTreeMap;
use wire::account::Algorithm;

#[derive(Template)]
#[template(path = "seller_keys.html")]
struct KeysPage {
    top: Top,
    head: Head,
    keys: Vec<Row>,
    draw: String,
    prices: String,
}

struct Row {
    id: String,
    fingerprint: String,
    kind: &'static str,
    added: String,
    used: String,
    is_active: bool,
    fresh: String,
}

/// The page.
pub async fn list(visit: &Visit) -> Shown {
    let top = Top::inside(visit, Place::Selling).await?;
    let (w, s, app) = (visit.words(), visit.lang.selling(), &visit.site.app);
    let row = seller(visit).await?;
    let mut passkeys = Vec::new();
    for passkey in visit.site.store.passkeys_of(visit.owner()?)? {
        passkeys.push(public_key(visit, passkey.key).await?);
    }
    let used = used(visit, row.id).await?;
    let mut keys = Vec::new();
    for key in keys_of(visit, row.id).await? {
        let at = used.get(&key.id).map(|at| moment(*at, &visit.zone, visit.lang));
        keys.push(Row {
            id: key.id.to_string(),
            fingerprint: app.directory.key(key.id).map(|it| short(&it.key)).unwrap_or_default(),
            kind: if passkeys.contains(&key.public_key) { s.key_passkey } else { s.key_program },
            added: w.say(s.key_added, moment(key.at, &visit.zone, visit.lang)),
            used: at.map_or(s.key_unused.to_owned(), |at| w.say(s.key_used, at)),
            is_active: key.revoked.is_none(),
            fresh: app.new_id().text(),
        });
    }
    let server = visit.server_of_programs();
    let page = KeysPage {
        top,
        head: head(visit, &row, Tab::Keys).await?,
        keys,
        draw: "tollbridge seller key --save seller.json".to_owned(),
        prices: format!(
            "tollbridge seller init --server {server} --key seller.json --upstream http://127.0.0.1:3000 --openapi openapi.yaml"
        ),
    };
    Ok(html(StatusCode::OK, &page))
}

/// The beginning of a key's thumbprint: enough to tell one's own keys apart.
fn short(key: &PublicKey) -> String {
    let thumbprint = key.thumbprint();
    let digits: String = thumbprint.0.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let groups: Vec<&str> =
        digits.as_bytes().chunks(4).filter_map(|it| std::str::from_utf8(it).ok()).collect();
    groups.join(" ")
}

/// When each key was used last, as far as the newest decisions tell.
async fn used(visit: &Visit, payee: book::PayeeId) -> Result<BTreeMap<KeyId, Time>, Stop> {
    let asked = visit.site.app.ask(move |view| {
        let page = view.decisions(Whom::Payee(payee), None, KEY_USES_LOOKED_AT_MAX)?;
        let mut used = BTreeMap::new();
        for row in page.rows {
            if let Actor::Payee { payee: by, key } = row.by
                && by == payee
            {
                used.entry(key).or_insert(row.at);
            }
        }
        Ok(used)
    });
    Ok(asked.await?)
}

/// Adds the key that a program drew: `key_… ed25519 …`, as the command prints it.
pub async fn add(visit: &Visit) -> Shown {
    let row = seller(visit).await?;
    let odd = || Stop::Refused(visit.lang.selling().key_odd.to_owned());
    let words: Vec<&str> = visit.field("line").split_whitespace().collect();
    let [id, "ed25519", public] = words.as_slice() else { return Err(odd()) };
    let key: KeyId = id.parse().map_err(|_| odd())?;
    let public_key = server::convert::public_key(Algorithm::Ed25519, public, "line").map_err(|_| odd())?;
    let caller = confirmed(visit, &row).await?;
    let enrol = Action::EnrolKey(EnrolKey { holder: KeyHolder::Payee(row.id), public_key });
    visit.site.app.execute(&caller, key.0, enrol).await?;
    Ok(go(&format!("/selling/{}/keys", row.id)))
}

/// Ends a key.
pub async fn end(visit: &Visit) -> Shown {
    let row = seller(visit).await?;
    let key: KeyId = visit.field("key").parse().map_err(|_| Stop::Malformed)?;
    if !keys_of(visit, row.id).await?.iter().any(|it| it.id == key) {
        return Err(Stop::Missing);
    }
    let caller = confirmed(visit, &row).await?;
    visit.site.app.execute(&caller, visit.change()?, Action::RevokeKey(RevokeKey { key })).await?;
    Ok(go(&format!("/selling/{}/keys", row.id)))
}
