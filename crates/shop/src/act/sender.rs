//! Whether a message is its sender's: signed by a key that the payment service knows as the agent's, fresh, and not one of
//! too many.

use crate::desk::Shop;
use crate::limits::{AGENT_COUNT_MAX, AGENT_KEYS_SECONDS, REQUESTS_PER_MINUTE_MAX};
use evidence::PublicKey;
use protocols::Time;
use protocols::act::cid::CommerceError;
use protocols::act::psd::{SignedRequest, is_fresh, verify_signature};
use protocols::act::{Identifier, UtcTime};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use wire::AgentId;

/// Why a message is not answered: its class, and words for it.
pub(crate) type No = (CommerceError, String);

/// What is known of agents that have asked lately.
#[derive(Debug, Default)]
pub(crate) struct Senders(Mutex<HashMap<AgentId, Sender>>);

#[derive(Debug, Default)]
struct Sender {
    keys: Vec<PublicKey>,
    keys_at: Option<Time>,
    /// The minute that is counted.
    minute: u64,
    count: u32,
}

impl Senders {
    /// Whether an agent has signed this message just now, and may be answered.
    pub(crate) async fn check(
        &self,
        shop: &Shop,
        message: &impl SignedRequest,
        agent: &Identifier,
        timestamp: &UtcTime,
    ) -> Result<AgentId, No> {
        if !is_fresh(timestamp, shop.now()) {
            // The clock of a book of play money may have been put forward a moment ago.
            shop.read_time().await;
        }
        let now = shop.now();
        let restricted = |why: &str| (CommerceError::AccessRestricted, why.to_owned());
        let agent: AgentId = agent
            .as_str()
            .parse()
            .map_err(|_| restricted("nothing was locked; the sender is no agent of this payment service"))?;
        if !is_fresh(timestamp, now) {
            let why = "nothing was locked; the message is too old, or from the future: sign it anew";
            return Err((CommerceError::Format, why.to_owned()));
        }
        if shop.refuses(agent) {
            return Err(restricted("nothing was locked; this shop does not deal with this agent"));
        }
        self.count(agent, now)?;
        let unsigned = || restricted("nothing was locked; no key of the agent has signed the message");
        if let Some(keys) = self.keys(agent, now)
            && verify_signature(message, &keys).is_ok()
        {
            return Ok(agent);
        }
        // A key that was enrolled, or revoked, a moment ago is asked about once more.
        let keys = match shop.client().agent_keys(agent).await {
            Ok(keys) => sdk::agent_keys(&keys).map_err(|_| unsigned())?,
            Err(failure) if failure.code().is_some_and(|code| code.ends_with("_unknown")) => {
                return Err(restricted("nothing was locked; the payment service does not know this agent"));
            }
            Err(failure) => {
                let why = format!("nothing was locked; the agent's keys cannot be asked for now: {failure}");
                return Err((CommerceError::Unavailable, why));
            }
        };
        verify_signature(message, &keys).map_err(|_| unsigned())?;
        self.remember(agent, keys, now);
        Ok(agent)
    }

    /// Counts a message of an agent; the first one too many in a minute is refused.
    fn count(&self, agent: AgentId, now: Time) -> Result<(), No> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let minute = now.0 / 60_000_000_000;
        if AGENT_COUNT_MAX <= known.len() && !known.contains_key(&agent) {
            known.retain(|_, sender| sender.minute == minute);
        }
        if AGENT_COUNT_MAX <= known.len() && !known.contains_key(&agent) {
            return Err((
                CommerceError::TooManyRequests,
                "nothing was locked; come back in a minute".to_owned(),
            ));
        }
        let sender = known.entry(agent).or_default();
        if sender.minute != minute {
            (sender.minute, sender.count) = (minute, 0);
        }
        if REQUESTS_PER_MINUTE_MAX <= sender.count {
            return Err((
                CommerceError::TooManyRequests,
                "nothing was locked; come back in a minute".to_owned(),
            ));
        }
        sender.count += 1;
        Ok(())
    }

    fn keys(&self, agent: AgentId, now: Time) -> Option<Vec<PublicKey>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = known.get(&agent)?;
        let good_until = sender.keys_at?.after(Time::from_seconds(AGENT_KEYS_SECONDS).0);
        (now < good_until).then(|| sender.keys.clone())
    }

    fn remember(&self, agent: AgentId, keys: Vec<PublicKey>, now: Time) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = known.get_mut(&agent) {
            (sender.keys, sender.keys_at) = (keys, Some(now));
        }
    }
}
