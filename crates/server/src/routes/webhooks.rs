//! Webhooks: where a seller wants to be told what came in, for the seller and its owner.

use crate::answer::json;
use crate::auth::{Caller, Kind};
use crate::codes::Edge;
use crate::convert::{bits, id, time_text};
use crate::limits::WEBHOOKS_MAX;
use crate::problem::{Answered, Problem};
use crate::request::{Call, path_id};
use crate::routes::intents::draft::unreadable;
use crate::routes::page;
use crate::state::App;
use crate::webhooks::store::{Delivery, Message, Store, Stored, Webhook};
use crate::webhooks::{address, events, sign};
use axum::extract::{Path, State};
use axum::response::Response;
use book::{Id, PayeeId, Reject, Seq};
use http::StatusCode;
use serde_json::json as value;
use wire::list::{Page, PageQuery};
use wire::webhook::{Attempt, DeliveryStatus, NewWebhook, WebhookKey, Webhooks};

const WHOSE: &[Kind] = &[Kind::Payee, Kind::Owner];

/// Asks to be told what comes in. The answer has the secret that messages are signed with.
#[utoipa::path(post, path = "/v1/webhooks", tag = "webhooks", request_body = NewWebhook,
    responses((status = 201, description = "It is told from now on", body = wire::webhook::Webhook)))]
pub async fn create_webhook(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, WHOSE).await?;
    let new: NewWebhook = call.json()?;
    let payee = app.seller_named(&caller, new.payee).await?;
    let webhook = app.add_webhook(&caller, id(new.id.0), payee, new.url, new.events).await?;
    Ok(json(StatusCode::CREATED, &app.webhook_text(&webhook)))
}

/// The webhooks of a seller.
#[utoipa::path(get, path = "/v1/payees/{id}/webhooks", tag = "webhooks", params(("id" = wire::PayeeId, Path)),
    responses((status = 200, description = "The webhooks", body = Webhooks)))]
pub async fn list_webhooks(
    State(app): State<App>,
    Path(text): Path<String>,
    call: Call,
) -> Answered<Response> {
    let caller = app.caller(&call, WHOSE).await?;
    let payee: PayeeId = path_id(&text)?;
    app.check_seller(&caller, payee).await?;
    let found = app.look_at_webhooks(move |store| store.webhooks_of(payee)).await?;
    let data = found.iter().map(|webhook| app.webhook_text(webhook)).collect();
    Ok(json(StatusCode::OK, &Webhooks { data, livemode: app.livemode }))
}

/// Gives a webhook a new secret. For a day messages are signed with the one before as well.
#[utoipa::path(post, path = "/v1/webhooks/{id}/secret", tag = "webhooks", params(("id" = wire::WebhookId, Path)),
    responses((status = 201, description = "The webhook with its new secret", body = wire::webhook::Webhook)))]
pub async fn rotate_webhook(
    State(app): State<App>,
    Path(text): Path<String>,
    call: Call,
) -> Answered<Response> {
    let webhook = app.webhook_to_change(&text, &call).await?;
    let (name, from, now) = (webhook.id, webhook.generation, app.wall_clock());
    app.look_at_webhooks(move |store| store.rotate(name, from, now)).await?;
    let found = app.look_at_webhooks(move |store| store.webhook(name)).await?;
    let found = found.ok_or_else(|| Problem::from(Edge::WebhookUnknown))?;
    Ok(json(StatusCode::CREATED, &app.webhook_text(&found)))
}

/// Ends a webhook: it is told nothing more.
#[utoipa::path(post, path = "/v1/webhooks/{id}/close", tag = "webhooks", params(("id" = wire::WebhookId, Path)),
    responses((status = 201, description = "It is told nothing more", body = wire::webhook::Webhook)))]
pub async fn close_webhook(
    State(app): State<App>,
    Path(text): Path<String>,
    call: Call,
) -> Answered<Response> {
    let webhook = app.webhook_to_change(&text, &call).await?;
    app.end_webhook(webhook.id).await?;
    Ok(json(StatusCode::CREATED, &app.webhook_text(&webhook)))
}

/// Tells a webhook something made up, so that whoever listens can see that it is heard.
#[utoipa::path(post, path = "/v1/webhooks/{id}/test", tag = "webhooks", params(("id" = wire::WebhookId, Path)),
    responses((status = 201, description = "It is told", body = wire::webhook::Webhook)))]
pub async fn test_webhook(
    State(app): State<App>,
    Path(text): Path<String>,
    call: Call,
) -> Answered<Response> {
    let webhook = app.webhook_to_change(&text, &call).await?;
    app.try_webhook(&webhook).await?;
    Ok(json(StatusCode::CREATED, &app.webhook_text(&webhook)))
}

/// What a webhook was told, newest first, and how that went.
#[utoipa::path(get, path = "/v1/webhooks/{id}/deliveries", tag = "webhooks",
    params(("id" = wire::WebhookId, Path), PageQuery),
    responses((status = 200, description = "A page", body = Page<wire::webhook::Delivery>)))]
pub async fn list_deliveries(
    State(app): State<App>,
    Path(text): Path<String>,
    call: Call,
) -> Answered<Response> {
    let (_, webhook) = app.its_webhook(&text, &call).await?;
    let window = page(&call)?;
    let (name, before, limit) = (webhook.id, window.cursor.map(|Seq(place)| place), window.limit);
    let found = app.look_at_webhooks(move |store| store.deliveries(name, before, limit)).await?;
    let last = found.last().filter(|_| found.len() == limit).map(|(place, ..)| place.to_string());
    let data = found.into_iter().map(|(_, message, status, tried)| delivery(message, status, tried));
    let page = Page { data: data.collect(), next_cursor: last, livemode: app.livemode };
    Ok(json(StatusCode::OK, &page))
}

/// Sends a message again, as it was.
#[utoipa::path(post, path = "/v1/webhooks/{id}/deliveries/{message}/replay", tag = "webhooks",
    params(("id" = wire::WebhookId, Path), ("message" = String, Path)),
    responses((status = 201, description = "It is sent again", body = wire::webhook::Webhook)))]
pub async fn replay_delivery(
    State(app): State<App>,
    Path((text, message)): Path<(String, String)>,
    call: Call,
) -> Answered<Response> {
    let webhook = app.webhook_to_change(&text, &call).await?;
    let message = message.strip_prefix("msg_").and_then(Id::from_text);
    let message = message.ok_or_else(|| Problem::from(Edge::WebhookUnknown))?;
    app.tell_again(webhook.id, message).await?;
    Ok(json(StatusCode::CREATED, &app.webhook_text(&webhook)))
}

/// The key that messages to whoever shares no secret with the server are signed with: those to a `notify_url`.
#[utoipa::path(get, path = "/v1/webhook-key", tag = "webhooks", security(()),
    responses((status = 200, description = "The key", body = WebhookKey)))]
pub async fn get_webhook_key(State(app): State<App>) -> Answered<Response> {
    let public_key = sign::key_text(&app.webhooks.key());
    Ok(json(StatusCode::OK, &WebhookKey { public_key, livemode: app.livemode }))
}

impl crate::state::State {
    /// Keeps a webhook for a seller. The same again is the same webhook.
    ///
    /// # Errors
    /// [`Edge::WebhookMalformed`], [`Reject::TooMany`], [`Reject::IdReused`].
    pub async fn add_webhook(
        self: &App,
        caller: &Caller,
        name: Id,
        payee: PayeeId,
        url: String,
        events: Vec<String>,
    ) -> Answered<Webhook> {
        let malformed = |param| Problem::from(Edge::WebhookMalformed).of(param);
        let reach = self.webhooks.reach();
        address::allowed(&url, reach).ok_or_else(|| malformed("url"))?;
        if !events.iter().all(|event| events::types().any(|known| known == event)) {
            let known: Vec<_> = events::types().collect();
            return Err(malformed("events").because(format!("The types are {}.", known.join(", "))));
        }
        let (now, from) = (self.wall_clock(), Seq(self.engine.size()));
        let webhook =
            Webhook { id: name, payee, url, events, generation: 0, rotated_at: None, made_at: now, from };
        self.present(caller).await?;
        let kept = self
            .look_at_webhooks(move |store| {
                let others = store.webhooks_of(payee)?;
                if WEBHOOKS_MAX <= others.iter().filter(|other| other.id != name).count() {
                    return Ok(None);
                }
                Ok(Some((store.keep_webhook(&webhook)?, webhook)))
            })
            .await?;
        let Some((Some((kept, is_open)), asked)) = kept else { return Err(Reject::TooMany.into()) };
        let same = (kept.payee, &kept.url, &kept.events) == (asked.payee, &asked.url, &asked.events);
        if !same || !is_open {
            return Err(Reject::IdReused.into());
        }
        self.webhooks.refresh().map_err(|fault| unreadable(&fault))?;
        Ok(kept)
    }

    /// Ends a webhook.
    ///
    /// # Errors
    /// [`Edge::Internal`].
    pub async fn end_webhook(self: &App, webhook: Id) -> Answered<()> {
        let now = self.wall_clock();
        self.look_at_webhooks(move |store| store.close_webhook(webhook, now)).await?;
        self.webhooks.refresh().map_err(|fault| unreadable(&fault))
    }

    /// Tells a webhook something made up.
    ///
    /// # Errors
    /// [`Edge::Internal`].
    pub async fn try_webhook(self: &App, webhook: &Webhook) -> Answered<()> {
        let about: [u8; 16] = rand::random();
        let data = value!({"livemode": self.livemode});
        let message = webhook.message(events::TEST, &about, self.wall_clock(), &data);
        let state = self.clone();
        self.look_at_webhooks(move |_| state.keep_messages(&[message], None)).await
    }

    /// Sends a message again.
    ///
    /// # Errors
    /// [`Edge::WebhookUnknown`] where that webhook was sent none of that name.
    pub async fn tell_again(self: &App, webhook: Id, message: Id) -> Answered<()> {
        let now = self.wall_clock();
        let found = self.look_at_webhooks(move |store| store.replay(webhook, message, now)).await?;
        self.webhooks.hurry();
        if found { Ok(()) } else { Err(Edge::WebhookUnknown.into()) }
    }

    /// Asks the webhooks' file something, where that may wait for the disk.
    ///
    /// # Errors
    /// [`Edge::Internal`].
    pub async fn look_at_webhooks<T: Send + 'static>(
        self: &App,
        look: impl FnOnce(&Store) -> Stored<T> + Send + 'static,
    ) -> Answered<T> {
        let state = self.clone();
        self.reads.aside(move || look(&state.webhooks.store).map_err(|fault| unreadable(&fault))).await
    }

    async fn its_webhook(self: &App, text: &str, call: &Call) -> Answered<(Caller, Webhook)> {
        let caller = self.caller(call, WHOSE).await?;
        let unknown = || Problem::from(Edge::WebhookUnknown);
        let name: wire::WebhookId = path_id(text)?;
        let name = id(name.0);
        let webhook = self.look_at_webhooks(move |store| store.webhook(name)).await?.ok_or_else(unknown)?;
        self.check_seller(&caller, webhook.payee).await.map_err(|_| unknown())?;
        Ok((caller, webhook))
    }

    /// The webhook that a request without a body is to change.
    async fn webhook_to_change(self: &App, text: &str, call: &Call) -> Answered<Webhook> {
        let (caller, webhook) = self.its_webhook(text, call).await?;
        call.no_body()?;
        self.present(&caller).await?;
        Ok(webhook)
    }

    /// A webhook as it is shown, with its secret.
    pub fn webhook_text(&self, webhook: &Webhook) -> wire::webhook::Webhook {
        wire::webhook::Webhook {
            id: wire::WebhookId(bits(webhook.id)),
            payee: wire::PayeeId(bits(webhook.payee.0)),
            url: webhook.url.clone(),
            events: webhook.events.clone(),
            made_at: time_text(webhook.made_at),
            secret: sign::secret_text(&self.webhooks.secret_of(webhook.id, webhook.generation)),
            livemode: self.livemode,
        }
    }
}

fn delivery(
    message: Message,
    status: Delivery,
    tried: Vec<crate::webhooks::store::Attempt>,
) -> wire::webhook::Delivery {
    let (status, next_at) = match status {
        Delivery::Waiting(next) => (DeliveryStatus::Waiting, Some(time_text(next))),
        Delivery::Delivered => (DeliveryStatus::Delivered, None),
        Delivery::GivenUp => (DeliveryStatus::GivenUp, None),
    };
    let attempts = tried.into_iter().map(|it| Attempt {
        at: time_text(it.at),
        status: it.status,
        fault: it.fault,
        millis: it.millis,
    });
    wire::webhook::Delivery {
        id: crate::webhooks::send::name_of(&message),
        event: message.kind,
        status,
        made_at: time_text(message.made_at),
        next_at,
        body: message.body,
        attempts: attempts.collect(),
    }
}
