//! Webhooks: the book tells sellers what came in, and agents what became of their agreements, as Standard Webhooks 1.0.0
//! has it.
//!
//! What is to be told is read off the journal and kept, together with the place it was read to, in one transaction; it is
//! sent until it is taken or given up. So everything is told at least once, and `webhook-id` says what was told before.
//! Nothing waits for whoever listens, and nobody who listens learns more than a list would show.
//!
//! Reading order: [`events`] what is told, [`store`] what is kept, [`send`] how it is sent, [`address`] where to.

pub(crate) mod address;
pub(crate) mod events;
pub(crate) mod send;
pub mod sign;
pub mod store;

use crate::limits::{WEBHOOK_SENDS_MAX, WEBHOOK_SENDS_OF_ONE_MAX};
use crate::state::{App, State};
use book::{Id, PayeeId, Seq};
use evidence::{Secret, SigningKey, derive_key};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use store::{Message, Store, Webhook};
use tokio::sync::Notify;
use tokio::task::{JoinError, JoinSet};

pub use address::Reach;
pub use send::NoSender;
use send::Sender;

/// Who listens, what they were told, and what they are still to be told.
#[derive(Debug)]
pub struct Webhooks {
    /// What is kept.
    pub store: Store,
    /// The open ones by seller, as the store has them.
    open: RwLock<HashMap<PayeeId, Vec<Webhook>>>,
    /// Something is to be sent sooner than was thought.
    sooner: Arc<Notify>,
    secret: Secret,
    reach: Reach,
}

impl Webhooks {
    /// Opens the store. What the journal said before there was one is told to nobody.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn open(path: &Path, session_secret: &Secret, now: Seq, reach: Reach) -> rusqlite::Result<Webhooks> {
        let store = Store::open(path, now)?;
        let secret = derive_key(session_secret, b"toll:webhooks/1");
        let webhooks =
            Webhooks { store, open: RwLock::default(), sooner: Arc::new(Notify::new()), secret, reach };
        webhooks.refresh()?;
        Ok(webhooks)
    }

    /// How far messages go.
    pub fn reach(&self) -> Reach {
        self.reach
    }

    /// Learns anew who listens.
    ///
    /// # Errors
    /// Any failure of SQLite.
    pub fn refresh(&self) -> rusqlite::Result<()> {
        let mut open: HashMap<PayeeId, Vec<Webhook>> = HashMap::new();
        for webhook in self.store.open_webhooks()? {
            open.entry(webhook.payee).or_default().push(webhook);
        }
        *self.open.write().unwrap_or_else(PoisonError::into_inner) = open;
        Ok(())
    }

    /// Sends what is due at once, without waiting for the time that was set.
    pub fn hurry(&self) {
        self.sooner.notify_one();
    }

    /// The secret that a webhook's messages are signed with; `generation` counts how often it was changed.
    pub fn secret_of(&self, webhook: Id, generation: u32) -> Secret {
        derive_key(&self.secret, &[&webhook.0[..], &generation.to_be_bytes()].concat())
    }

    /// The key that messages to whoever shares no secret with us are signed with; it signs nothing else.
    pub fn key(&self) -> SigningKey {
        SigningKey::ed25519(derive_key(&self.secret, b"v1a").expose())
    }

    fn listeners(&self, payee: PayeeId) -> Vec<Webhook> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        open.get(&payee).cloned().unwrap_or_default()
    }

    fn nobody_listens(&self) -> bool {
        self.open.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }
}

/// Tells for as long as the server runs. What was not told before a restart is told after it.
///
/// # Errors
/// [`NoSender`].
pub fn run(app: App) -> Result<impl Future<Output = ()> + Send, NoSender> {
    let sender = Sender::new(app.webhooks.reach)?;
    Ok(async move {
        tokio::join!(events::follow(&app), send_all(&app, sender));
    })
}

/// Sends what is due, so many at once, and not all of them to one listener.
async fn send_all(app: &App, sender: Sender) {
    let sender = Arc::new(sender);
    let mut sending = JoinSet::new();
    // The messages on their way, and the host of each.
    let mut in_hand = HashMap::<Id, String>::new();
    loop {
        while let Some(sent) = sending.try_join_next() {
            settle(sent, &mut in_hand);
        }
        for message in due(app).await {
            let host = message.host();
            let of_one = in_hand.values().filter(|other| **other == host).count();
            let is_full = WEBHOOK_SENDS_MAX <= sending.len() || WEBHOOK_SENDS_OF_ONE_MAX <= of_one;
            if is_full || in_hand.contains_key(&message.id) {
                continue;
            }
            in_hand.insert(message.id, host);
            let (app, sender) = (app.clone(), sender.clone());
            sending.spawn(async move {
                let id = message.id;
                send::send(&app, &sender, message).await;
                id
            });
        }
        let pause = Duration::from_millis(if sending.is_empty() { 500 } else { 100 });
        tokio::select! {
            Some(sent) = sending.join_next(), if !sending.is_empty() => settle(sent, &mut in_hand),
            () = app.webhooks.sooner.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

fn settle(sent: Result<Id, JoinError>, in_hand: &mut HashMap<Id, String>) {
    match sent {
        Ok(id) => drop(in_hand.remove(&id)),
        Err(fault) => tracing::error!(%fault, "sending a message failed on our side"),
    }
}

async fn due(app: &App) -> Vec<Message> {
    let (state, now): (App, _) = (app.clone(), app.wall_clock());
    let found = tokio::task::spawn_blocking(move || state.webhooks.store.due(now)).await;
    match found {
        Ok(Ok(found)) => found,
        Ok(Err(fault)) => {
            tracing::error!(%fault, "what is to be told cannot be read");
            Vec::new()
        }
        Err(_) => Vec::new(),
    }
}

impl State {
    /// Keeps messages to be sent, and to which place the journal was read for them.
    pub(crate) fn keep_messages(&self, messages: &[Message], read_to: Option<Seq>) -> rusqlite::Result<()> {
        self.webhooks.store.keep_messages(messages, read_to)?;
        if !messages.is_empty() {
            self.webhooks.hurry();
        }
        Ok(())
    }
}
