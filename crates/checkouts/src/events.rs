//! Order events: each client is told how its orders stand, in its dialect, until it has taken that or it is given up.
//!
//! The same rounds find out what became of payments that a crash interrupted. Where events go stands in the shop's own file,
//! so no stranger names an address; they go over TLS, unless the shop takes play money, and no redirection is followed.

use crate::config::Client;
use crate::doors::{Inner, stands};
use crate::limits::{EVENT_BATCH_MAX, EVENT_TIMEOUT, ROUND_REST, SESSION_BATCH_MAX};
use crate::store::{Dialect, Event, Session, StoreFault};
use crate::till::No;
use evidence::{MacKey, base64url};
use protocols::acp;
use protocols::checkout::OrderState;
use protocols::ucp::profile::key_id;
use protocols::ucp::signature::{Signable, sign};
use protocols::ucp::{self, UCP_AGENT};
use shop::RealMoney;
use url::Url;

/// Goes on telling and finding out.
pub(crate) async fn run(inner: &Inner) {
    let sender = reqwest::Client::builder()
        .timeout(EVENT_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .user_agent(concat!("tollbridge/", env!("CARGO_PKG_VERSION")))
        .build();
    let sender = match sender {
        Ok(sender) => Some(sender),
        Err(fault) => {
            tracing::error!(%fault, "nothing can be told from here");
            None
        }
    };
    let mut after = String::new();
    loop {
        if let Err(fault) = round(inner, &mut after, sender.as_ref()).await {
            tracing::warn!(%fault, "checkouts wait");
        }
        // Whoever has just paid is told at once.
        let _woken = tokio::time::timeout(ROUND_REST, inner.till.paid.notified()).await;
    }
}

/// One round: some sessions are looked after, what is due is sent, and what is old is forgotten.
async fn round(
    inner: &Inner,
    after: &mut String,
    sender: Option<&reqwest::Client>,
) -> Result<(), StoreFault> {
    let (till, store) = (&inner.till, &inner.till.store);
    let sessions = store.with_token(after.clone(), SESSION_BATCH_MAX).await?;
    let is_more = sessions.len() == SESSION_BATCH_MAX;
    *after = sessions.last().filter(|_| is_more).map(|session| session.name.clone()).unwrap_or_default();
    for session in sessions {
        look_after(inner, &session).await?;
    }
    if let Some(sender) = sender {
        for event in store.due(till.seconds(), EVENT_BATCH_MAX).await? {
            if send(inner, sender, &event).await {
                store.taken(event.number).await?;
            } else {
                store.put_off(&event, till.seconds()).await?;
            }
        }
    }
    store.forget(till.seconds()).await
}

/// Finds out how a session's payment and order stand, and notes what its client is to be told.
async fn look_after(inner: &Inner, session: &Session) -> Result<(), StoreFault> {
    let till = &inner.till;
    let looked = match till.is_settled(session).await {
        // Nobody who asks about it now has to wait for this.
        Ok(true) => till.look(&session.name, &session.client).await,
        Ok(false) => {
            // Whoever pays it now finds out by himself.
            let Some(_guard) = till.busy.enter(session.name.clone()) else { return Ok(()) };
            match till.settle(session).await {
                Ok(()) => till.look(&session.name, &session.client).await,
                Err(no) => Err(no),
            }
        }
        Err(no) => Err(no),
    };
    let checkout = match looked {
        Ok(checkout) => checkout,
        Err(No::Fault(fault)) => {
            tracing::error!(%fault, "a checkout cannot be read");
            return Ok(());
        }
        Err(no) => {
            tracing::info!(session = session.name, ?no, "a checkout waits");
            return Ok(());
        }
    };
    let Some(order) = &checkout.order else { return Ok(()) };
    let word = stands(order.state);
    if session.told.as_deref() == Some(word) {
        return Ok(());
    }
    let body = match session.dialect {
        Dialect::Acp => {
            let kind = match order.state {
                OrderState::Confirmed => acp::order::EventKind::Create,
                OrderState::Fulfilled | OrderState::Canceled => acp::order::EventKind::Update,
            };
            acp::order::event(kind, &checkout)
        }
        Dialect::Ucp => ucp::order::order(&checkout),
    };
    let listens = client_of(inner, &session.client).is_some_and(|client| match session.dialect {
        Dialect::Acp => client.acp_events.is_some(),
        Dialect::Ucp => client.ucp_events.is_some(),
    });
    let mac = MacKey::new(&till.secret).mac(format!("{} {word}", session.name).as_bytes());
    let event = body.filter(|_| listens).map(|body| Event {
        number: 0,
        id: format!("evt_{}", base64url::encode(mac.0.first_chunk::<18>().expect("a MAC has 32 bytes"))),
        dialect: session.dialect,
        client: session.client.clone(),
        body: body.to_string(),
        attempts: 0,
    });
    till.store.tell(session.name.clone(), word.to_owned(), event, till.seconds()).await
}

/// Whether an event was taken. One for nobody is as good as taken.
async fn send(inner: &Inner, sender: &reqwest::Client, event: &Event) -> bool {
    let Some(client) = client_of(inner, &event.client) else { return true };
    let Some((url, headers)) = signed(inner, client, event) else { return true };
    let is_allowed = match inner.till.shop.seller().money {
        RealMoney::Yes => url.scheme() == "https",
        RealMoney::No => matches!(url.scheme(), "http" | "https"),
    };
    if !is_allowed {
        tracing::warn!(client = client.name, "order events go over `https` only");
        return false;
    }
    let mut request = sender.post(url).header("content-type", "application/json").body(event.body.clone());
    for (name, value) in headers {
        request = request.header(name, value);
    }
    match request.send().await {
        Ok(answer) => answer.status().is_success(),
        Err(fault) => {
            tracing::info!(client = client.name, %fault, "an order event was not taken");
            false
        }
    }
}

/// Where an event goes, and the headers that show whose it is.
fn signed(inner: &Inner, client: &Client, event: &Event) -> Option<(Url, Vec<(&'static str, String)>)> {
    // Whoever receives it compares with the world's time.
    let seconds = inner.till.seconds();
    let body = event.body.as_bytes();
    match event.dialect {
        Dialect::Acp => {
            let (url, secret) = client.acp_events.as_ref()?;
            let signature = acp::signature::sign(secret, seconds, body);
            Some((
                url.clone(),
                vec![(acp::MERCHANT_SIGNATURE, signature), (acp::REQUEST_ID, event.id.clone())],
            ))
        }
        Dialect::Ucp => {
            let (url, key) = (client.ucp_events.as_ref()?, inner.config.signing_key.as_ref()?);
            let profile = inner.till.shop.seller().public_url.join(ucp::PROFILE_PATH).ok()?;
            let agent = format!("profile=\"{profile}\"");
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            let authority = format!("{}{port}", url.host_str()?);
            let signable = Signable {
                method: "POST",
                authority: &authority,
                path: url.path(),
                query: url.query(),
                agent: Some(&agent),
                idempotency_key: None,
                content_type: "application/json",
                body,
            };
            let headers = sign(&signable, key, &key_id(key.public()), seconds);
            let mut said = vec![
                (UCP_AGENT, agent),
                ("webhook-id", event.id.clone()),
                ("webhook-timestamp", seconds.to_string()),
                ("signature-input", headers.signature_input),
                ("signature", headers.signature),
            ];
            said.extend(headers.content_digest.map(|digest| ("content-digest", digest)));
            Some((url.clone(), said))
        }
    }
}

fn client_of<'a>(inner: &'a Inner, name: &str) -> Option<&'a Client> {
    inner.config.clients.iter().find(|client| client.name == name)
}
