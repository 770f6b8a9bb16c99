//! How the money follows: what is owed is claimed from time to time, before a channel ends, when it is closed, and when
//! the gateway stops.
//!
//! Claiming twice is harmless: a sum that is claimed is claimed. What stands is the payment service's to say.

use crate::channels::store::Stage;
use crate::channels::{Channel, Standing};
use crate::gateway::Inner;
use crate::limits::{CHANNEL_CLAIM_MARGIN, CLAIM_REST, OUTBOX_PARALLEL_MAX};
use evidence::base64url;
use protocols::Time;
use protocols::voucher::read_sum;
use sdk::Failure;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;
use wire::channel::NewClaim;
use wire::{Problem, RequestId};

/// Which channels are claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claims {
    /// Those whose time it is.
    Due,
    /// All that owe something.
    All,
}

impl Channel {
    fn is_to_be_claimed(&self, which: Claims, now: Time, claim_every: Duration) -> bool {
        let state = self.state();
        let owes = state.claimed < state.tally.kept().total;
        let margin = u64::try_from(CHANNEL_CLAIM_MARGIN.as_nanos()).unwrap_or(u64::MAX);
        let is_time = claim_every <= state.claimed_at.elapsed() || self.expires_at <= now.after(margin);
        match state.standing {
            Standing::Open | Standing::Stopped(_) => {
                (owes && (which == Claims::All || is_time)) || self.expires_at <= now
            }
            Standing::Closing => true,
            Standing::Over => false,
        }
    }
}

impl Inner {
    /// Claims for ever. Dropping the future stops it; what is left is found again.
    pub(crate) async fn claim_always(self: Arc<Inner>) {
        loop {
            self.claim_all(Claims::Due).await;
            tokio::time::sleep(CLAIM_REST).await;
        }
    }

    /// Claims what is owed on so many channels at once.
    pub(crate) async fn claim_all(self: &Arc<Inner>, which: Claims) {
        let now = self.service.now();
        let places = Arc::new(Semaphore::new(OUTBOX_PARALLEL_MAX));
        let mut claiming = JoinSet::new();
        for channel in self.channels.all() {
            if channel.is_to_be_claimed(which, now, self.config.vouchers.claim_every) {
                let (inner, places) = (Arc::clone(self), Arc::clone(&places));
                claiming.spawn(async move {
                    let _place = places.acquire().await.expect("nobody closes the semaphore");
                    inner.claim(&channel).await;
                });
            }
        }
        while claiming.join_next().await.is_some() {}
    }

    /// Claims what is owed on one channel, and settles it where its buyer has closed it.
    pub(crate) async fn claim(&self, channel: &Channel) {
        let (kept, claimed, is_closing) = {
            let state = channel.state();
            (state.tally.kept().clone(), state.claimed, state.standing == Standing::Closing)
        };
        let id = RequestId(self.client.fresh_id());
        match kept.signature {
            Some(signature) if claimed < kept.total => {
                let signature = base64url::encode(signature.as_bytes());
                let new = NewClaim { total_nanos: kept.total.to_string(), signature };
                match self.client.claim(id, channel.id, &new).await {
                    Ok(_) => self.learned(channel, kept.total, None).await,
                    Err(failure) => return self.not_claimed(channel, failure).await,
                }
            }
            // Whether it has ended by itself is asked for.
            Some(_) | None if !is_closing => return self.ask_about(channel, None).await,
            Some(_) | None => {}
        }
        if !is_closing {
            return;
        }
        match self.client.close_meter(RequestId(self.client.fresh_id()), channel.id).await {
            Ok(_) => self.learned(channel, kept.total, Some(Standing::Over)).await,
            Err(failure) => self.not_claimed(channel, failure).await,
        }
    }

    async fn not_claimed(&self, channel: &Channel, failure: Failure) {
        tracing::warn!(channel = %channel.id, %failure, "what is owed could not be claimed");
        match failure {
            Failure::Refused(problem) if problem.status < 500 => self.ask_about(channel, Some(problem)).await,
            Failure::Refused(_) | Failure::Unreachable(_) | Failure::Unknown(_) | Failure::Unreadable(_) => {}
        }
    }

    /// Asks how a channel stands, after the payment service has said `no` if it has.
    async fn ask_about(&self, channel: &Channel, no: Option<Box<Problem>>) {
        let shown = match self.client.channel(channel.id).await {
            Ok(shown) => shown,
            Err(failure) => {
                tracing::warn!(channel = %channel.id, %failure, "a channel could not be asked for");
                return;
            }
        };
        let claimed = read_sum(&shown.claimed_nanos).unwrap_or(0);
        let owed = channel.state().tally.kept().total;
        if shown.status == "held" {
            // Frozen money waits for its owner, and so do we; nothing more is delivered meanwhile.
            let stopped = no.filter(|_| claimed < owed).map(|problem| Standing::Stopped(problem.code));
            return self.learned(channel, claimed, stopped).await;
        }
        if claimed < owed {
            self.metrics.channels_lost.count();
            tracing::error!(channel = %channel.id, owed, claimed, "a channel ended before all was claimed");
        }
        self.learned(channel, claimed, Some(Standing::Over)).await;
    }

    /// Writes down what the payment service said of a channel. One that was stopped goes on where nothing is said against it.
    async fn learned(&self, channel: &Channel, claimed: u128, standing: Option<Standing>) {
        let stage = {
            let mut state = channel.state();
            if state.claimed < claimed {
                self.metrics.claims.count();
            }
            state.claimed = state.claimed.max(claimed);
            state.claimed_at = Instant::now();
            state.standing = match (standing, &state.standing) {
                (_, Standing::Over) | (Some(Standing::Over), _) => Standing::Over,
                (_, Standing::Closing) => Standing::Closing,
                (Some(standing), Standing::Open | Standing::Stopped(_)) => standing,
                (None, Standing::Open | Standing::Stopped(_)) => Standing::Open,
            };
            match state.standing {
                Standing::Open | Standing::Stopped(_) => Stage::Open,
                Standing::Closing => Stage::Closing,
                Standing::Over => Stage::Over,
            }
        };
        if let Err(fault) = self.deliveries.claimed(channel.number, claimed, stage).await {
            tracing::error!(%fault, "what was claimed could not be written down");
        }
        if stage == Stage::Over {
            self.channels.remove(channel.id);
        }
    }
}
