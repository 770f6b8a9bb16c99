//! The secrets and keys of a gateway: its own, and those of the payment service it trusts.

use crate::limits::{FRONT_SECRET_BYTES_MAX, FRONT_SECRET_BYTES_MIN, KEY_REFRESH_REST};
use protocols::Time;
use protocols::a402::{DateTime, Keyring};
use sdk::{Client, Clock, credential_ring};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, RwLock};
use tokio::sync::Mutex;
use wire::a402::A402Key;
use zeroize::Zeroizing;

/// Reads the secret by which a web server shows that it may ask us.
pub(crate) fn front_secret(path: &Path) -> std::io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    File::open(path)?.take(FRONT_SECRET_BYTES_MAX).read_to_string(&mut text)?;
    let secret = Zeroizing::new(text.trim().to_owned());
    if secret.len() < FRONT_SECRET_BYTES_MIN {
        let why = format!("`{}` has less than {FRONT_SECRET_BYTES_MIN} characters", path.display());
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, why));
    }
    Ok(secret)
}

/// The key that signs credentials, and how far the clock of a test book is ahead.
#[derive(Debug)]
pub(crate) struct PaymentService {
    known: RwLock<Known>,
    asked_at: Mutex<Option<std::time::Instant>>,
    pinned: bool,
    clock: Clock,
    livemode: bool,
}

#[derive(Clone, Debug, Default)]
struct Known {
    ring: Option<Arc<Keyring>>,
    ahead_nanos: u64,
}

impl PaymentService {
    pub(crate) fn new(pinned: Option<Keyring>, clock: Clock, livemode: bool) -> PaymentService {
        PaymentService {
            pinned: pinned.is_some(),
            known: RwLock::new(Known { ring: pinned.map(Arc::new), ahead_nanos: 0 }),
            asked_at: Mutex::new(None),
            clock,
            livemode,
        }
    }

    /// The ring of the credential key, if it is known.
    pub(crate) fn ring(&self) -> Option<Arc<Keyring>> {
        self.known().ring
    }

    /// What time it is in the book.
    pub(crate) fn now(&self) -> Time {
        self.clock.now().after(self.known().ahead_nanos)
    }

    fn known(&self) -> Known {
        self.known.read().expect("nobody panics while writing it").clone()
    }

    /// Asks for the key and the time, unless that was done a moment ago. Answers whether it was done now.
    pub(crate) async fn refresh(&self, client: &Client) -> bool {
        let mut asked_at = self.asked_at.lock().await;
        let is_recent = asked_at.is_some_and(|at| at.elapsed() < KEY_REFRESH_REST);
        if is_recent && self.known().ring.is_some() {
            return false;
        }
        *asked_at = Some(std::time::Instant::now());
        self.ask(client).await
    }

    /// Asks for the key and the time. Answers whether they are known now.
    pub(crate) async fn ask(&self, client: &Client) -> bool {
        let key = match client.a402_key().await {
            Ok(key) => key,
            Err(failure) => {
                tracing::warn!(%failure, "the payment service did not give its key");
                return false;
            }
        };
        self.learn(&key);
        true
    }

    fn learn(&self, key: &A402Key) {
        let mut known = self.known();
        if !self.pinned {
            match credential_ring(key) {
                Ok(ring) => known.ring = Some(Arc::new(ring)),
                Err(fault) => tracing::warn!(%fault, "the payment service's key cannot be used"),
            }
        }
        // Real money has no clock but the world's.
        if let (false, Ok(now)) = (self.livemode, DateTime::parse(&*key.now)) {
            known.ahead_nanos = now.time().0.saturating_sub(self.clock.now().0);
        }
        *self.known.write().expect("nobody panics while writing it") = known;
    }
}
