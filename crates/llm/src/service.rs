//! The payment service: its key, its time, and whether a proof of a deposit counts.

use crate::limits::{CLOCK_REST, TEST_CLOCK_REST};
use protocols::Time;
use protocols::a402::{DateTime, Keyring};
use sdk::{Client, Clock, credential_ring};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What time it is in the book, and who signs its credentials.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) client: Client,
    clock: Clock,
    /// How far the clock of a test book was put forward.
    ahead_nanos: AtomicU64,
    livemode: bool,
}

impl Service {
    pub(crate) fn new(client: Client, clock: Clock, livemode: bool) -> Service {
        Service { client, clock, ahead_nanos: AtomicU64::new(0), livemode }
    }

    /// What time it is in the book.
    pub(crate) fn now(&self) -> Time {
        self.clock.now().after(self.ahead_nanos.load(Ordering::Relaxed))
    }

    /// Asks for the key that signs credentials, and for the time.
    pub(crate) async fn ring(&self) -> Result<Keyring, String> {
        let key = self.client.a402_key().await.map_err(|failure| failure.to_string())?;
        // Real money has no clock but the world's.
        if let (false, Ok(now)) = (self.livemode, DateTime::parse(&*key.now)) {
            let ahead = now.time().0.saturating_sub(self.clock.now().0);
            self.ahead_nanos.store(ahead, Ordering::Relaxed);
        }
        credential_ring(&key).map_err(|fault| fault.to_string())
    }

    /// Goes on asking for the time.
    pub(crate) async fn keep_time(&self) {
        loop {
            if let Err(why) = self.ring().await {
                tracing::warn!(why, "the payment service did not give its key");
            }
            tokio::time::sleep(self.rest()).await;
        }
    }

    fn rest(&self) -> Duration {
        if self.livemode { CLOCK_REST } else { TEST_CLOCK_REST }
    }
}
