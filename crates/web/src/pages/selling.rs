//! Selling: the accounts that an owner sells with, and how she opens one.
//!
//! A seller has keys of its own in the book. When an owner confirms something here, her passkey acts with such a key: the
//! desk enrols the passkey's public key for the seller once, and from then on it is the seller who asks, and the book's
//! rules for sellers that decide.

pub mod coupons;
pub mod export;
pub mod keys;
pub mod links;
pub mod overview;
pub mod payouts;
pub mod quotas;
pub mod sale;
pub mod sales;
pub mod services;
pub mod webhooks;

use crate::limits::{DOMAIN_CHARS_MAX, SELLER_KEYS_SHOWN_MAX, SELLER_NAME_CHARS_MAX, SELLERS_MAX};
use crate::page::{Place, Shown, Stop, Top, go, html};
use crate::pages::activity::Choice;
use crate::shown::Text;
use crate::visit::{Visit, form_hash};
use askama::Template;
use book::{
    Action, Code, EnrolKey, Id, KeyHolder, KeyId, PartsPerMillion, PayeeId, Presence, Provenance,
    PublicKeyBytes, RegisterPayee,
};
use engine::views::{KeyRow, PayeeRow, PurchaseRow};
use http::StatusCode;
use server::auth::Caller;
use server::codes::Edge;
use server::problem::Problem;
use std::collections::HashMap;
use std::sync::Arc;

/// The parts of a seller's pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tab {
    Overview,
    Sales,
    Invoices,
    Services,
    Coupons,
    Quotas,
    Links,
    Payouts,
    Keys,
    Webhooks,
}

/// What stands above every page of a seller's.
pub(crate) struct Head {
    pub(crate) id: String,
    pub(crate) name: Text,
    /// The code of what it collects.
    pub(crate) unit: String,
    pub(crate) domain: Option<String>,
    /// All of the owner's sellers, where there are several.
    pub(crate) others: Vec<Choice>,
    pub(crate) links: Vec<(String, &'static str, bool)>,
}

/// The seller whose page this is, if it is the reader's.
pub(crate) async fn seller(visit: &Visit) -> Result<PayeeRow, Stop> {
    let owner = visit.owner()?;
    let payee: PayeeId = visit.part(1)?;
    let row = visit.site.app.ask(move |view| Ok(view.payee(payee)?)).await?;
    row.filter(|row| row.owner == Some(owner)).ok_or(Stop::Missing)
}

/// What stands above one of its pages.
pub(crate) async fn head(visit: &Visit, row: &PayeeRow, tab: Tab) -> Result<Head, Stop> {
    let (owner, s, id) = (visit.owner()?, visit.lang.selling(), row.id);
    let mine = visit.site.app.ask(move |view| Ok(view.payees_of(owner, None, SELLERS_MAX)?.rows)).await?;
    let choice = |it: &PayeeRow| {
        let said = visit.seller_called(it.id)?.in_a_line();
        Ok(Choice { value: it.id.to_string(), said, chosen: it.id == id })
    };
    let others =
        if mine.len() < 2 { Vec::new() } else { mine.iter().map(choice).collect::<Result<_, Stop>>()? };
    let domain = visit.site.store.domain(id)?.map(|domain| visit.words().say(s.domain_text, domain));
    let link = |place: &str, said, of| (format!("/selling/{id}{place}"), said, of == tab);
    let links = vec![
        link("", s.overview, Tab::Overview),
        link("/sales", s.sales, Tab::Sales),
        link("/invoices", visit.words().invoices, Tab::Invoices),
        link("/services", s.services, Tab::Services),
        link("/coupons", s.coupons, Tab::Coupons),
        link("/quotas", visit.lang.quotas().sold, Tab::Quotas),
        link("/links", s.links, Tab::Links),
        link("/payouts", s.payouts, Tab::Payouts),
        link("/keys", s.keys, Tab::Keys),
        link("/webhooks", s.webhooks, Tab::Webhooks),
    ];
    let (name, unit) = (visit.seller_called(id)?, row.asset.code.as_str().to_owned());
    Ok(Head { id: id.to_string(), name, unit, domain, others, links })
}

/// The first seller, or the one that was chosen; who has none is shown how to become one.
pub async fn first(visit: &Visit) -> Shown {
    let owner = visit.owner()?;
    let chosen: Option<PayeeId> = visit.asked("seller").parse().ok();
    let found = visit.site.app.ask(move |view| {
        let chosen = chosen.map(|payee| view.payee(payee)).transpose()?.flatten();
        let chosen = chosen.filter(|row| row.owner == Some(owner));
        Ok(match chosen {
            Some(row) => Some(row.id),
            None => view.payees_of(owner, None, 1)?.rows.first().map(|row| row.id),
        })
    });
    Ok(go(&found.await?.map_or("/selling/new".to_owned(), |payee| format!("/selling/{payee}"))))
}

#[derive(Template)]
#[template(path = "seller_new.html")]
struct NewPage {
    top: Top,
    assets: Vec<String>,
}

/// The form that opens an account.
pub async fn show_new(visit: &Visit) -> Shown {
    let top = Top::inside(visit, Place::Selling).await?;
    let assets = visit.site.app.directory.assets();
    let assets = assets.iter().map(|asset| asset.code.as_str().to_owned()).collect();
    Ok(html(StatusCode::OK, &NewPage { top, assets }))
}

/// Opens an account to sell with. Its first key is the passkey that confirmed this.
pub async fn open(visit: &Visit) -> Shown {
    let (app, s, w) = (&visit.site.app, visit.lang.selling(), visit.words());
    let owner = visit.owner()?;
    let no = |why: &str| Stop::Refused(why.to_owned());
    let name = visit.field("name").to_owned();
    let chars = name.chars().count();
    if chars == 0 || SELLER_NAME_CHARS_MAX < chars || Text::of(&name).odd {
        return Err(no(s.name_odd));
    }
    let domain = visit.field("domain").to_lowercase();
    if !domain.is_empty() && !is_domain(&domain) {
        return Err(no(s.domain_odd));
    }
    let category = Code::new(visit.field("category")).ok_or_else(|| no(s.category_odd))?;
    let asset = Code::new(visit.field("asset")).and_then(|code| app.directory.asset(code));
    let asset = asset.ok_or(Stop::Malformed)?.code;
    let payee = PayeeId(visit.change()?);
    let (labels, named) = (app.clone(), name.clone());
    let asked = app.ask(move |view| {
        let mine = view.payees_of(owner, None, SELLERS_MAX)?.rows;
        if mine.iter().any(|row| row.id == payee) {
            return Ok((0, false));
        }
        let is_seller = |id| matches!(view.payee(PayeeId(id)), Ok(Some(_)));
        let taken =
            labels.bodies.labelled(&named, 1, is_seller).map_err(|_| Problem::from(Edge::Internal))?;
        Ok((mine.len(), !taken.is_empty()))
    });
    let (count, is_taken) = asked.await?;
    if is_taken {
        return Err(no(s.name_taken));
    }
    if SELLERS_MAX <= count {
        return Err(no(&w.say(s.too_many, SELLERS_MAX)));
    }
    let caller = visit.confirmed()?;
    let register = RegisterPayee {
        owner: Some(owner),
        asset,
        category,
        // Its own key, which just signed, and nobody else.
        provenance: Provenance::Merchant,
        fee: PartsPerMillion::new(0).expect("no fee is a fee"),
        key: Some((first_key(payee), public_key(visit, caller.key).await?)),
    };
    let desk = app.desk(form_hash(&visit.path, &visit.form))?;
    app.execute(&desk, payee.0, Action::RegisterPayee(register)).await?;
    app.keep_label(payee.0, Some(&name));
    if !domain.is_empty() {
        visit.site.store.keep_domain(payee, &domain)?;
    }
    Ok(go(&format!("/selling/{payee}/keys")))
}

/// The name of an account's first key: made of the account's, so that a form that is sent twice asks for the same.
fn first_key(payee: PayeeId) -> KeyId {
    let mut id = payee.0;
    id.0[15] = !id.0[15];
    KeyId(id)
}

/// Whether a text is the name of a host: labels of letters, digits and inner hyphens, at least two of them.
fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        let plain = label.chars().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '-');
        !label.is_empty() && label.len() <= 63 && plain && !label.starts_with('-') && !label.ends_with('-')
    };
    text.len() <= DOMAIN_CHARS_MAX && text.contains('.') && text.split('.').all(label)
}

/// The public key of one of the owner's passkeys.
pub(crate) async fn public_key(visit: &Visit, key: KeyId) -> Result<PublicKeyBytes, Stop> {
    let known = visit.site.app.ask(move |view| Ok(view.key(key)?)).await?;
    Ok(known.ok_or(Stop::NotConfirmed)?.public_key)
}

/// The seller, as the passkey that has confirmed this form lets it act. A passkey that has no key of the seller's yet gets
/// one from the desk.
pub(crate) async fn confirmed(visit: &Visit, row: &PayeeRow) -> Result<Caller, Stop> {
    let app = &visit.site.app;
    let owner = visit.confirmed()?;
    let public_key = public_key(visit, owner.key).await?;
    let request = form_hash(&visit.path, &visit.form);
    let holder = KeyHolder::Payee(row.id);
    let known = keys_of(visit, row.id).await?;
    let mine = known.iter().find(|key| key.revoked.is_none() && key.public_key == public_key);
    let key = match mine {
        Some(key) => key.id,
        None => {
            let key = KeyId(app.new_id());
            let enrol = Action::EnrolKey(EnrolKey { holder, public_key });
            app.execute(&app.desk(request)?, key.0, enrol).await?;
            key
        }
    };
    Ok(app.visitor(holder, key, Presence::Fresh, request))
}

/// What a seller's sales are of: as its demands said, or else as buyers said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sold(Arc<HashMap<Id, String>>);

impl Sold {
    /// Of the newest `limit` sales.
    pub(crate) async fn of(visit: &Visit, payee: PayeeId, limit: usize) -> Result<Sold, Stop> {
        Ok(Sold(Arc::new(visit.site.app.sold(payee, limit).await?)))
    }

    /// What was bought, where anybody said so.
    pub(crate) fn what(&self, row: &PurchaseRow) -> Option<String> {
        let category = || row.purchase.category.map(|category| category.as_str().to_owned());
        self.0.get(&row.id).cloned().or_else(category)
    }
}

/// A seller's keys, newest first.
pub(crate) async fn keys_of(visit: &Visit, payee: PayeeId) -> Result<Vec<KeyRow>, Stop> {
    let holder = KeyHolder::Payee(payee);
    Ok(visit.site.app.ask(move |view| Ok(view.keys_of(holder, SELLER_KEYS_SHOWN_MAX)?)).await?)
}

/// Ends what a passkey that its owner gave up may do for her sellers.
pub(crate) async fn forget_passkey(visit: &Visit, owner: book::OwnerId, passkey: KeyId) -> Result<(), Stop> {
    let app = &visit.site.app;
    let public_key = public_key(visit, passkey).await?;
    let found = app.ask(move |view| {
        let mut found = Vec::new();
        for row in view.payees_of(owner, None, SELLERS_MAX)?.rows {
            let keys = view.keys_of(KeyHolder::Payee(row.id), SELLER_KEYS_SHOWN_MAX)?;
            found
                .extend(keys.into_iter().filter(|key| key.revoked.is_none() && key.public_key == public_key));
        }
        Ok(found)
    });
    for key in found.await? {
        let desk = app.desk(form_hash(&visit.path, &visit.form))?;
        crate::pages::entrance::revoke(visit, &desk, key.id).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_are_names_of_hosts() {
        for good in ["example.org", "a.b-c.example", "xn--fsq.example", "1.example"] {
            assert!(is_domain(good), "{good}");
        }
        let long = format!("{}.example", "a".repeat(64));
        for bad in [
            "",
            "localhost",
            "a..b",
            ".a",
            "a.",
            "-a.example",
            "a-.example",
            "a b.example",
            "ä.example",
            &long,
        ] {
            assert!(!is_domain(bad), "{bad}");
        }
    }
}
