//! Webhooks: where a seller is told what came in, and how that went.

use crate::account::{answers, requests};
use crate::id::{PayeeId, WebhookId};
use serde::{Deserialize, Serialize};

requests! {
    /// Asks to be told.
    pub struct NewWebhook {
        /// The name of the new webhook.
        pub id: WebhookId,
        /// Whose sales; a seller's own key need not say.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub payee: Option<PayeeId>,
        /// Where, over HTTPS.
        pub url: String,
        /// The types of events; none for all that are told unasked.
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        pub events: Vec<String>,
    }
}

answers! {
    /// Somebody who listens.
    pub struct Webhook {
        /// Its name.
        pub id: WebhookId,
        /// Whose sales it is told of.
        pub payee: PayeeId,
        /// Where.
        pub url: String,
        /// The types of events it is told of.
        pub events: Vec<String>,
        /// When it was made.
        #[cfg_attr(feature = "schema", schema(format = DateTime))]
        pub made_at: String,
        /// The secret its messages are signed with, as Standard Webhooks writes it.
        pub secret: String,
        /// False in a book of play money.
        pub livemode: bool,
    }

    /// The webhooks of a seller.
    pub struct Webhooks {
        /// Oldest first.
        pub data: Vec<Webhook>,
        /// False in a book of play money.
        pub livemode: bool,
    }

    /// A message to a webhook, and how it went.
    pub struct Delivery {
        /// The message's name, as `webhook-id` has it.
        pub id: String,
        /// The type of the event.
        pub event: String,
        /// Where it stands.
        pub status: DeliveryStatus,
        /// Since when it is to be sent.
        #[cfg_attr(feature = "schema", schema(format = DateTime))]
        pub made_at: String,
        /// When it is tried next, where it is.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(format = DateTime))]
        pub next_at: Option<String>,
        /// What is sent.
        pub body: String,
        /// The newest attempts, newest first.
        pub attempts: Vec<Attempt>,
    }

    /// One attempt to send a message.
    pub struct Attempt {
        /// When.
        #[cfg_attr(feature = "schema", schema(format = DateTime))]
        pub at: String,
        /// The HTTP status of the answer, where there was one.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub status: Option<u16>,
        /// Why it counts as not taken.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub fault: Option<String>,
        /// How many milliseconds it took.
        pub millis: u64,
    }

    /// The key that messages to whoever shares no secret with the server are signed with.
    pub struct WebhookKey {
        /// The public half, as Standard Webhooks writes it.
        pub public_key: String,
        /// False in a book of play money.
        pub livemode: bool,
    }
}

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// It is tried, or tried again.
    Waiting,
    /// Taken.
    Delivered,
    /// Tried for days, and not taken.
    GivenUp,
}
