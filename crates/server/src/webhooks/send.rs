//! Sending a message: one POST, whose answer counts by its status alone.

use super::address::{Reach, allowed, client};
use super::sign;
use super::store::{Attempt, Message};
use crate::limits::{WEBHOOK_MILLIS_MAX, WEBHOOK_OVERLAP_SECONDS};
use crate::state::App;
use book::Time;
use std::time::{Duration, Instant};

/// Sends messages, as far as it may.
#[derive(Clone, Debug)]
pub(super) struct Sender {
    client: reqwest::Client,
    reach: Reach,
}

/// TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
#[error("nothing can be sent from here: {0}")]
pub struct NoSender(#[from] reqwest::Error);

impl Sender {
    /// A sender that goes as far as `reach` and follows no redirection.
    ///
    /// # Errors
    /// [`NoSender`].
    pub(super) fn new(reach: Reach) -> Result<Sender, NoSender> {
        Ok(Sender { client: client(reach, Duration::from_millis(WEBHOOK_MILLIS_MAX))?, reach })
    }

    /// Posts JSON. What comes back beside the status is not read.
    async fn post(
        &self,
        url: &str,
        headers: [(&'static str, String); 3],
        body: String,
    ) -> (Option<u16>, Option<String>) {
        let Some(url) = allowed(url, self.reach) else {
            return (None, Some("messages do not go to this address".to_owned()));
        };
        let mut request = self.client.post(url).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        match request.body(body).send().await {
            Ok(answer) if answer.status().is_success() => (Some(answer.status().as_u16()), None),
            Ok(answer) => (Some(answer.status().as_u16()), Some(format!("answered {}", answer.status()))),
            Err(fault) if fault.is_timeout() => (None, Some("no answer in time".to_owned())),
            Err(fault) if fault.is_connect() => (None, Some("nobody could be reached there".to_owned())),
            Err(_) => (None, Some("the answer was none of HTTP's".to_owned())),
        }
    }
}

/// Tries to send a message, and notes how it went.
pub(super) async fn send(app: &App, sender: &Sender, message: Message) {
    let at = app.wall_clock();
    let seconds = at.0 / 1_000_000_000;
    let (id, began) = (name_of(&message), Instant::now());
    let headers = [
        ("webhook-id", id.clone()),
        ("webhook-timestamp", seconds.to_string()),
        ("webhook-signature", signatures(app, &message, &id, seconds, at)),
    ];
    let (status, fault) = sender.post(&message.url, headers, message.body.clone()).await;
    let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let attempt = Attempt { at, status, fault, millis };
    let state = app.clone();
    let kept = tokio::task::spawn_blocking(move || state.webhooks.store.attempted(&message, &attempt)).await;
    if let Ok(Err(fault)) = kept {
        tracing::error!(%fault, "how a message went was not kept: it is sent again");
    }
}

/// A message's name as its receiver sees it.
pub(crate) fn name_of(message: &Message) -> String {
    format!("msg_{}", message.id.text())
}

/// With the webhook's secret, and for a while after a change with the one before as well; with the server's own key
/// where there is none.
fn signatures(app: &App, message: &Message, id: &str, seconds: u64, now: Time) -> String {
    let webhook = message.webhook.and_then(|id| app.webhooks.store.webhook(id).ok().flatten());
    let Some(webhook) = webhook else {
        return sign::with_key(&app.webhooks.key(), id, seconds, &message.body);
    };
    let with = |generation| {
        sign::with_secret(&app.webhooks.secret_of(webhook.id, generation), id, seconds, &message.body)
    };
    let overlap = Time::from_seconds(WEBHOOK_OVERLAP_SECONDS).0;
    match webhook.rotated_at.filter(|at| now < at.after(overlap)) {
        Some(_) => format!("{} {}", with(webhook.generation), with(webhook.generation.saturating_sub(1))),
        None => with(webhook.generation),
    }
}
