//! Sessions: the key is proved once, and each request then carries a code made with the session's secret.

use crate::client::{Client, Draft, json, read};
use crate::failure::Failure;
use crate::limits::SESSION_MARGIN_SECONDS;
use evidence::{MacKey, Secret, base64url};
use protocols::Time;
use reqwest::Method;
use std::sync::Arc;
use tokio::sync::Mutex;
use wire::limits::SESSION_SECONDS_MAX;
use wire::session::{NewSession, Session};
use wire::version::SESSION_SCHEME;

/// A session that was opened.
#[derive(Debug)]
pub(crate) struct OpenSession {
    token: String,
    key: MacKey,
    renew_at: Time,
}

/// The session in use, if any. Whoever finds none opens one while the others wait.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<Option<Arc<OpenSession>>>);

impl Sessions {
    /// The session in use, opened or renewed first where there is none that lasts.
    pub(crate) async fn current(&self, client: &Client) -> Result<Arc<OpenSession>, Failure> {
        let mut slot = self.0.lock().await;
        if let Some(session) = slot.as_ref()
            && client.clock().now() < session.renew_at
        {
            return Ok(Arc::clone(session));
        }
        let session = Arc::new(open(client).await?);
        *slot = Some(Arc::clone(&session));
        Ok(session)
    }

    /// Drops a session that the server no longer takes, unless it was renewed meanwhile.
    pub(crate) async fn forget(&self, refused: &Arc<OpenSession>) {
        let mut slot = self.0.lock().await;
        if slot.as_ref().is_some_and(|session| Arc::ptr_eq(session, refused)) {
            *slot = None;
        }
    }
}

async fn open(client: &Client) -> Result<OpenSession, Failure> {
    let asked = NewSession { seconds: Some(SESSION_SECONDS_MAX) };
    let opened_at = client.clock().now();
    let draft = client.draft(Method::POST, "/v1/sessions", json(&asked), None)?;
    let session: Session = read(&client.send_signed(&draft).await?)?;
    let secret: [u8; 32] = base64url::decode(&session.secret)
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| Failure::Unreadable("the session's secret is not 32 bytes".to_owned()))?;
    let seconds = u64::from(SESSION_SECONDS_MAX).saturating_sub(SESSION_MARGIN_SECONDS);
    Ok(OpenSession {
        token: session.session,
        key: MacKey::new(&Secret::new(secret)),
        renew_at: opened_at.after(Time::from_seconds(seconds).0),
    })
}

impl OpenSession {
    /// The value of the `Authorization` header for one request.
    pub(crate) fn authorization(&self, draft: &Draft, nonce: u64) -> String {
        let mut message = covered(draft, nonce).into_bytes();
        message.extend_from_slice(&draft.body);
        let mac = base64url::encode(&self.key.mac(&message).0);
        format!("{SESSION_SCHEME} {}:{nonce}:{mac}", self.token)
    }
}

/// Method, path with query, and nonce, each on a line; the body follows.
fn covered(draft: &Draft, nonce: u64) -> String {
    let query = draft.url.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}\n{}{query}\n{nonce}\n", draft.method, draft.url.path())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::{bytes, rows, text};
    use url::Url;

    #[test]
    fn codes_of_a_session_are_made_as_by_every_client() {
        for row in rows("codes") {
            let session = OpenSession {
                token: text(&row, "session").to_owned(),
                key: MacKey::new(&Secret::new(bytes(&row, "secret"))),
                renew_at: Time(0),
            };
            let draft = Draft {
                method: text(&row, "method").parse().unwrap(),
                url: Url::parse(text(&row, "url")).unwrap(),
                body: text(&row, "body").as_bytes().to_vec(),
                idempotency_key: None,
            };
            let nonce = text(&row, "nonce").parse().unwrap();
            assert_eq!(
                session.authorization(&draft, nonce),
                text(&row, "authorization"),
                "{}",
                text(&row, "name")
            );
        }
    }
}
