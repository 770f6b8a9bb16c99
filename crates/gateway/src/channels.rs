//! The channels that buyers pay by: which are open, what is known of each, and who may be served on one.
//!
//! Reading order: `tally` (what a voucher gets), [`Inner::channel`] (how a channel is learned of), `call` (a call that is
//! paid by voucher), `flow` (a stream that is paid by vouchers as it goes), `claims` (how the money follows), `store` (what survives a crash), `terms` (what the seller chooses).

pub(crate) mod call;
mod claims;
pub(crate) mod flow;
pub(crate) mod store;
pub(crate) mod tally;
pub(crate) mod terms;

use crate::deliveries::StoreFault;
use crate::gateway::Inner;
use crate::limits::{CHANNEL_COUNT_MAX, CHANNEL_END_MARGIN, CHANNEL_LOOKUP_WAIT, CHANNEL_LOOKUPS_MAX};
use evidence::{PublicKey, base64url};
use flow::Waiting;
use protocols::a402::DateTime;
use protocols::mpp::session::Problem;
use protocols::voucher::read_sum;
use protocols::{NANOS, Time};
use sdk::Failure;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, RwLock};
use store::{Answer, Opened, Stage};
use tally::{Kept, Tally};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use wire::MeterId;
use wire::account::Algorithm;

pub(crate) use claims::Claims;

/// The channels that have not ended.
#[derive(Debug)]
pub(crate) struct Channels {
    open: RwLock<HashMap<u128, Arc<Channel>>>,
    /// Names that nobody here knows are asked for at the payment service, so many at once.
    lookups: Semaphore,
}

/// One channel.
#[derive(Debug)]
pub(crate) struct Channel {
    /// Its row.
    number: i64,
    id: MeterId,
    key: PublicKey,
    /// In billionths.
    deposit: u128,
    expires_at: Time,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    tally: Tally<Answer>,
    /// What the payment service knows of, in billionths.
    claimed: u128,
    standing: Standing,
    /// When it was claimed last, or learned of.
    claimed_at: Instant,
    /// The stream that goes on with a voucher only.
    waiting: Option<Waiting>,
}

/// Whether calls are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Standing {
    Open,
    /// The last claim was refused, for this.
    Stopped(String),
    Closing,
    Over,
}

/// Why nothing can be paid by a channel.
pub(crate) enum NoChannel {
    Refused(Problem, String),
    Unavailable(String),
}

impl Channels {
    /// The channels of an earlier life.
    pub(crate) fn new(opened: Vec<Opened>) -> Channels {
        let open = opened.into_iter().map(|opened| (opened.channel.0, Arc::new(Channel::new(opened))));
        Channels { open: RwLock::new(open.collect()), lookups: Semaphore::new(CHANNEL_LOOKUPS_MAX) }
    }

    pub(crate) fn find(&self, id: MeterId) -> Option<Arc<Channel>> {
        self.open.read().expect("nobody panics while writing it").get(&id.0).cloned()
    }

    fn all(&self) -> Vec<Arc<Channel>> {
        self.open.read().expect("nobody panics while writing it").values().cloned().collect()
    }

    fn len(&self) -> usize {
        self.open.read().expect("nobody panics while writing it").len()
    }

    /// Adds a channel, or answers the one that somebody else has added meanwhile.
    fn add(&self, channel: Channel) -> Arc<Channel> {
        let mut open = self.open.write().expect("nobody panics while writing it");
        Arc::clone(open.entry(channel.id.0).or_insert_with(|| Arc::new(channel)))
    }

    fn remove(&self, id: MeterId) {
        self.open.write().expect("nobody panics while writing it").remove(&id.0);
    }
}

impl Channel {
    fn new(opened: Opened) -> Channel {
        let standing = match opened.stage {
            Stage::Open => Standing::Open,
            Stage::Closing => Standing::Closing,
            Stage::Over => Standing::Over,
        };
        Channel {
            number: opened.number,
            id: opened.channel,
            key: opened.key,
            deposit: opened.deposit,
            expires_at: opened.expires_at,
            state: Mutex::new(State {
                tally: Tally::new(opened.deposit, opened.kept),
                claimed: opened.claimed,
                standing,
                claimed_at: Instant::now(),
                waiting: None,
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics while holding it")
    }

    /// Whether its end is so near that nothing new is delivered.
    fn is_ending(&self, now: Time) -> bool {
        self.expires_at <= now.after(u64::try_from(CHANNEL_END_MARGIN.as_nanos()).unwrap_or(u64::MAX))
    }
}

impl Inner {
    /// A channel that is open for us; one that nobody here knows yet is asked for at the payment service, once.
    async fn channel(&self, id: MeterId) -> Result<Arc<Channel>, NoChannel> {
        if let Some(channel) = self.channels.find(id) {
            return Ok(channel);
        }
        let busy = || NoChannel::Unavailable("too many channels are being asked for".to_owned());
        let place = tokio::time::timeout(CHANNEL_LOOKUP_WAIT, self.channels.lookups.acquire()).await;
        let _place = place.map_err(|_| busy())?.expect("nobody closes the semaphore");
        if CHANNEL_COUNT_MAX <= self.channels.len() {
            return Err(NoChannel::Unavailable("too many channels are open".to_owned()));
        }
        let shown = match self.client.channel(id).await {
            Ok(shown) => shown,
            Err(Failure::Refused(problem)) if problem.status < 500 => {
                let why = "this seller has no such channel".to_owned();
                return Err(NoChannel::Refused(Problem::ChannelNotFound, why));
            }
            Err(failure) => {
                tracing::warn!(%id, %failure, "a channel could not be asked for");
                return Err(NoChannel::Unavailable("the payment service cannot be asked".to_owned()));
            }
        };
        let mut opened = self.read_channel(&shown)?;
        opened.number = self.deliveries.open_channel(opened.clone()).await.map_err(store_failed)?;
        Ok(self.channels.add(Channel::new(opened)))
    }

    /// Reads what the payment service says of a channel, where it is one that pays us.
    fn read_channel(&self, shown: &wire::channel::Channel) -> Result<Opened, NoChannel> {
        let seller = &self.config.seller;
        let not_ours = |why: &str| NoChannel::Refused(Problem::ChannelNotFound, why.to_owned());
        if shown.payee != seller.payee {
            return Err(not_ours("it pays somebody else"));
        }
        if shown.status != "held" {
            return Err(NoChannel::Refused(Problem::ChannelFinalized, "it has ended".to_owned()));
        }
        if shown.amount.asset.to_string() != seller.asset.as_str() {
            return Err(not_ours("it is in another asset"));
        }
        if shown.algorithm != Algorithm::Ed25519 {
            return Err(not_ours("its vouchers are not signed with Ed25519"));
        }
        let key = base64url::decode(&shown.voucher_key).and_then(|bytes| PublicKey::ed25519(&bytes).ok());
        let claimed =
            read_sum(&shown.claimed_nanos).ok_or_else(|| not_ours("what was claimed of it is no sum"))?;
        let expires_at = DateTime::parse(&*shown.expires_at).map_err(|_| not_ours("its end is no time"))?;
        let deposit = shown.amount.amount.minor().checked_mul(NANOS);
        Ok(Opened {
            number: 0,
            channel: shown.id,
            key: key.ok_or_else(|| not_ours("its key is none"))?,
            deposit: deposit.ok_or_else(|| not_ours("it is too large"))?,
            expires_at: expires_at.time(),
            kept: Kept { total: claimed, signature: None, request: None },
            claimed,
            stage: Stage::Open,
        })
    }

    /// Why nothing is delivered on a channel now, if so.
    fn refusal(&self, channel: &Channel, standing: &Standing) -> Option<(Problem, String)> {
        let least = self.config.vouchers.deposit_minor.unwrap_or(1).saturating_mul(NANOS);
        let over = |why: &str| Some((Problem::ChannelFinalized, why.to_owned()));
        match standing {
            Standing::Open if channel.is_ending(self.service.now()) => {
                over("its end is near; close it and open another")
            }
            Standing::Open if channel.deposit < least => {
                Some((Problem::AmountExceedsDeposit, "it is smaller than this seller takes".to_owned()))
            }
            Standing::Open => None,
            Standing::Stopped(why) => over(&format!("what is owed on it cannot be claimed: {why}")),
            Standing::Closing => over("it is being closed"),
            Standing::Over => over("it has ended"),
        }
    }
}

fn store_failed(fault: StoreFault) -> NoChannel {
    tracing::error!(%fault, "a channel could not be kept");
    NoChannel::Unavailable("the store of deliveries failed".to_owned())
}
