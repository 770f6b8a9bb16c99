//! Step-up: a passkey confirms one form, once, as it was shown.
//!
//! The page sends the form it is about to send; what the passkey signs is remembered together with the form's hash. A
//! confirmation opens nothing else: not the same form with another amount, and not for another session.

use crate::limits::{CHALLENGE_SECONDS_MAX, CHALLENGES_MAX, LOGIN_FAILURES_PER_MINUTE_MAX};
use book::{KeyId, OwnerId, Time};
use evidence::Hash;
use passki::{AuthenticationState, RegistrationState};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// What passkeys were asked to confirm.
#[derive(Debug, Default)]
pub struct Challenges(Mutex<HashMap<String, Challenge>>);

/// One thing that a passkey was asked for.
#[derive(Clone, Debug)]
pub struct Challenge {
    /// The hash of the form it is for: its address and every field.
    pub form: Hash,
    /// Who is asked; none where somebody is about to log in.
    pub owner: Option<OwnerId>,
    /// What to check the answer against.
    pub state: Ceremony,
    /// Until then, exclusive.
    pub expires_at: Time,
}

/// What a challenge is for.
#[derive(Clone, Debug)]
pub enum Ceremony {
    /// To be made.
    Make(RegistrationState),
    /// To be used.
    Use(AuthenticationState),
    /// Nothing more: the passkey with this key has confirmed that another may be made.
    Confirmed(KeyId),
}

/// Failed tries to log in, of everybody together, by the minute.
#[derive(Debug, Default)]
pub struct Tries(Mutex<(u64, u32)>);

impl Tries {
    /// Whether one more try has to wait.
    pub fn is_full(&self, now: Time) -> bool {
        let (minute, count) = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        minute == minute_of(now) && LOGIN_FAILURES_PER_MINUTE_MAX <= count
    }

    /// Counts a failed one.
    pub fn count(&self, now: Time) {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (minute, count) = *counted;
        let count = if minute == minute_of(now) { count.saturating_add(1) } else { 1 };
        *counted = (minute_of(now), count);
    }
}

fn minute_of(now: Time) -> u64 {
    now.0 / 60_000_000_000
}

impl Challenges {
    /// Remembers a challenge.
    pub fn remember(&self, text: String, form: Hash, owner: Option<OwnerId>, state: Ceremony, now: Time) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, challenge| now < challenge.expires_at);
        if CHALLENGES_MAX <= known.len() {
            let oldest = known.iter().min_by_key(|(_, it)| it.expires_at).map(|(text, _)| text.clone());
            oldest.and_then(|text| known.remove(&text));
        }
        let expires_at = now.after(Time::from_seconds(CHALLENGE_SECONDS_MAX).0);
        known.insert(text, Challenge { form, owner, state, expires_at });
    }

    /// Takes a challenge out: it is good once.
    pub fn take(&self, text: &str, now: Time) -> Option<Challenge> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.remove(text).filter(|challenge| now < challenge.expires_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use passki::Passki;

    fn ceremony() -> Ceremony {
        let passki = Passki::new("localhost", &["http://localhost"], "test");
        Ceremony::Use(passki.start_passkey_authentication(&[], Default::default()).unwrap().1)
    }

    #[test]
    fn a_challenge_is_good_once_and_for_a_while() {
        let challenges = Challenges::default();
        let (form, now) = (Hash([1; 32]), Time::from_seconds(1_000));
        challenges.remember("one".to_owned(), form, None, ceremony(), now);
        assert!(challenges.take("two", now).is_none());
        assert_eq!(challenges.take("one", now).unwrap().form, form);
        assert!(challenges.take("one", now).is_none(), "good once");
        challenges.remember("late".to_owned(), form, None, ceremony(), now);
        let late = now.after(Time::from_seconds(CHALLENGE_SECONDS_MAX).0);
        assert!(challenges.take("late", late).is_none());
    }

    #[test]
    fn strangers_cannot_fill_the_memory() {
        let challenges = Challenges::default();
        for number in 0..=CHALLENGES_MAX {
            let now = Time::from_seconds(1_000).after(u64::try_from(number).unwrap());
            challenges.remember(number.to_string(), Hash([0; 32]), None, ceremony(), now);
        }
        let now = Time::from_seconds(1_001);
        assert!(challenges.take("0", now).is_none(), "the oldest was forgotten");
        assert!(challenges.take("1", now).is_some());
    }
}
