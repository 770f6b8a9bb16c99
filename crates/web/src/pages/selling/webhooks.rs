//! Webhooks: which programs of a seller's are told what comes in, and how that went.

use crate::limits::DELIVERIES_SHOWN_MAX;
use crate::page::{Place, Shown, Stop, Top, go, html};
use crate::pages::selling::{Head, Tab, confirmed, head, seller};
use crate::shown::{Text, machine, moment};
use crate::visit::Visit;
use askama::Template;
use book::{Id, PayeeId, Reject};
use engine::views::PayeeRow;
use http::StatusCode;
use server::codes::Edge;
use server::limits::WEBHOOKS_MAX;
use server::problem::Problem;
use server::webhooks::store::{Attempt, Delivery, Message, Webhook};

#[derive(Template)]
#[template(path = "seller_webhooks.html")]
struct ListPage {
    top: Top,
    head: Head,
    webhooks: Vec<(String, Text, String)>,
}

#[derive(Template)]
#[template(path = "seller_webhook.html")]
struct WebhookPage {
    top: Top,
    head: Head,
    id: String,
    url: Text,
    events: String,
    /// Once a passkey has confirmed that it may be seen.
    secret: Option<String>,
    told: Vec<Told>,
}

/// Something that was told, or is to be.
struct Told {
    id: String,
    kind: String,
    when: String,
    machine: String,
    state: String,
    tone: &'static str,
    last: Option<String>,
}

/// The seller's webhooks, and the form for one more.
pub async fn list(visit: &Visit) -> Shown {
    let top = Top::inside(visit, Place::Selling).await?;
    let row = seller(visit).await?;
    let payee = row.id;
    let found = visit.site.app.look_at_webhooks(move |store| store.webhooks_of(payee)).await?;
    let webhooks =
        found.iter().map(|it| (it.id.text(), Text::of(&it.url), moment(it.made_at, &visit.zone, visit.lang)));
    let webhooks = webhooks.collect();
    let head = head(visit, &row, Tab::Webhooks).await?;
    Ok(html(StatusCode::OK, &ListPage { top, head, webhooks }))
}

/// Tells one more address from now on.
pub async fn add(visit: &Visit) -> Shown {
    let (w, s) = (visit.words(), visit.lang.selling());
    let row = seller(visit).await?;
    let (name, url) = (visit.change()?, visit.field("url").to_owned());
    let caller = confirmed(visit, &row).await?;
    let added = visit.site.app.add_webhook(&caller, name, row.id, url, Vec::new()).await;
    let refused = [Problem::from(Edge::WebhookMalformed).code(), Reject::TooMany.code()];
    added.map_err(|problem| {
        if refused.contains(&problem.code()) {
            Stop::Refused(w.say(s.webhook_odd, WEBHOOKS_MAX))
        } else {
            Stop::from(problem)
        }
    })?;
    Ok(go(&address(row.id, name)))
}

fn address(payee: PayeeId, webhook: Id) -> String {
    format!("/selling/{payee}/webhooks/{}", webhook.text())
}

/// The webhook in the address, if it is this seller's.
async fn find(visit: &Visit) -> Result<(PayeeRow, Webhook), Stop> {
    let row = seller(visit).await?;
    let text: String = visit.part(3)?;
    let id = Id::from_text(&text).ok_or(Stop::Missing)?;
    let found = visit.site.app.look_at_webhooks(move |store| store.webhook(id)).await?;
    Ok((row, found.filter(|webhook| webhook.payee == row.id).ok_or(Stop::Missing)?))
}

/// One webhook, with what it was told.
pub async fn show(visit: &Visit) -> Shown {
    let (row, webhook) = find(visit).await?;
    page(visit, &row, &webhook, None).await
}

/// The same with its secret, which a passkey lets be seen.
pub async fn secret(visit: &Visit) -> Shown {
    let (row, webhook) = find(visit).await?;
    visit.confirmed()?;
    let secret = visit.site.app.webhook_text(&webhook).secret;
    page(visit, &row, &webhook, Some(secret)).await
}

async fn page(visit: &Visit, row: &PayeeRow, webhook: &Webhook, secret: Option<String>) -> Shown {
    let top = Top::inside(visit, Place::Selling).await?;
    let (s, id) = (visit.lang.selling(), webhook.id);
    let told = visit
        .site
        .app
        .look_at_webhooks(move |store| store.deliveries(id, None, DELIVERIES_SHOWN_MAX))
        .await?;
    let told = told.iter().map(|(_, message, delivery, tried)| line(visit, message, *delivery, tried));
    let page = WebhookPage {
        top,
        head: head(visit, row, Tab::Webhooks).await?,
        id: webhook.id.text(),
        url: Text::of(&webhook.url),
        events: if webhook.events.is_empty() { s.webhook_all.to_owned() } else { webhook.events.join(", ") },
        secret,
        told: told.collect(),
    };
    Ok(html(StatusCode::OK, &page))
}

fn line(visit: &Visit, message: &Message, delivery: Delivery, tried: &[Attempt]) -> Told {
    let (w, s) = (visit.words(), visit.lang.selling());
    let moment = |at| moment(at, &visit.zone, visit.lang);
    let (state, tone) = match delivery {
        Delivery::Delivered => (s.delivery_taken.to_owned(), "good"),
        Delivery::Waiting(next) => (w.say(s.delivery_waiting, moment(next)), "ask"),
        Delivery::GivenUp => (s.delivery_lost.to_owned(), "deny"),
    };
    let last = tried.first().map(|it| match it.status {
        Some(status) => w.say_two(s.delivery_answer, status, it.millis),
        None => s.delivery_no_answer.to_owned(),
    });
    Told {
        id: message.id.text(),
        kind: message.kind.clone(),
        when: moment(message.made_at),
        machine: machine(message.made_at),
        state,
        tone,
        last,
    }
}

/// Tells it something made up.
pub async fn test(visit: &Visit) -> Shown {
    let (row, webhook) = find(visit).await?;
    visit.site.app.try_webhook(&webhook).await?;
    Ok(go(&address(row.id, webhook.id)))
}

/// Sends a message again.
pub async fn again(visit: &Visit) -> Shown {
    let (row, webhook) = find(visit).await?;
    let message = Id::from_text(visit.field("message")).ok_or(Stop::Malformed)?;
    visit.site.app.tell_again(webhook.id, message).await?;
    Ok(go(&address(row.id, webhook.id)))
}

/// Tells it nothing more.
pub async fn end(visit: &Visit) -> Shown {
    let (row, webhook) = find(visit).await?;
    visit.confirmed()?;
    visit.site.app.end_webhook(webhook.id).await?;
    Ok(go(&format!("/selling/{}/webhooks", row.id)))
}
