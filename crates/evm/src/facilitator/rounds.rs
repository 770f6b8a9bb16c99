//! What is pending, looked at by itself: also after a restart, and where nobody asks any more.

use super::pending::Fate;
use super::{Asked, Facilitator, Network, Sign, sent_in};
use crate::limits::{ROUND_LOOKS_MAX, ROUND_SECONDS, ROUND_SECONDS_MAX};
use crate::node::Fault;
use crate::store::{Behind, Key, State};
use protocols::evm::number::Chain;
use std::sync::PoisonError;
use std::time::Duration;
use tokio::time::sleep;

impl Facilitator {
    /// Looks at what is pending on a chain again and again, for as long as it is polled.
    pub async fn watch(&self, chain: Chain, sign: Sign<'_>) {
        let mut failed = 0u32;
        loop {
            match self.round(chain, sign).await {
                Ok(()) => failed = 0,
                Err(words) => {
                    tracing::warn!(%chain, words, "what is pending cannot be looked at now");
                    failed = failed.saturating_add(1);
                }
            }
            sleep(pause(failed)).await;
        }
    }

    /// Looks at some of what is pending on a chain, behind what was looked at before: hands over what the node has lost,
    /// replaces what pays too little, notes what has moved, and gives up what is over.
    ///
    /// # Errors
    /// In words, where the node or the file cannot be asked: then the rest is left for another time.
    pub async fn round(&self, chain: Chain, sign: Sign<'_>) -> Result<(), String> {
        let Some(network) = self.network(chain) else { return Ok(()) };
        let number = chain.number();
        let pending = self.store.pending(number, network.begin(), ROUND_LOOKS_MAX).and_then(|behind| {
            let is_end = behind.is_empty();
            if is_end { self.store.pending(number, Behind::NOTHING, ROUND_LOOKS_MAX) } else { Ok(behind) }
        });
        let pending = pending.map_err(|fault| fault.to_string())?;
        for (key, place) in &pending {
            // Noted before, so that one which cannot be looked at does not keep the others from it.
            network.go_on(*place);
            self.look(network, *key, sign).await?;
        }
        if pending.len() < ROUND_LOOKS_MAX {
            network.go_on(Behind::NOTHING);
        }
        Ok(())
    }

    async fn look(&self, network: &Network, key: Key, sign: Sign<'_>) -> Result<(), String> {
        let kept = self.store.find(&key).map_err(|fault| fault.to_string())?;
        let Some(kept) = kept.filter(|kept| kept.state == State::Sent) else { return Ok(()) };
        let Some(served) = network.serves(key.token()) else { return Ok(()) };
        network.know(served).await?;
        let ((sent, _), authorization) = sent_in(&kept).ok_or("what was sent cannot be read back")?;
        let asked = Asked { network, token: &served.token, authorization, key, call: sent.data };
        let words = |fault: Fault| fault.to_string();
        // What is refused here is told to whoever asks.
        match self.fate(&asked, &kept).await.map_err(words)? {
            Fate::Open => match asked.buried(&kept).await.map_err(words)? {
                Some(mined) => drop(self.note(&asked, &kept, mined, sign).await),
                None => drop(self.replaced(&asked, kept).await),
            },
            Fate::Lost => drop(self.handed_over(&asked, kept).await),
            Fate::UsedElsewhere(_) | Fate::Over => drop(self.give_up(&asked, &kept)),
        }
        Ok(())
    }
}

impl Network {
    /// Where the next round begins.
    fn begin(&self) -> Behind {
        *self.looked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn go_on(&self, behind: Behind) {
        *self.looked.lock().unwrap_or_else(PoisonError::into_inner) = behind;
    }
}

/// How long a chain is left alone after so many rounds that failed, one after the other.
fn pause(failed: u32) -> Duration {
    let seconds = ROUND_SECONDS.saturating_mul(2u64.saturating_pow(failed));
    Duration::from_secs(seconds.min(ROUND_SECONDS_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_does_not_answer_is_asked_less_and_less() {
        for (failed, seconds) in [(0, 10), (1, 20), (2, 40), (5, 320), (6, 320), (u32::MAX, 320)] {
            assert_eq!(pause(failed), Duration::from_secs(seconds), "{failed}");
        }
    }
}
