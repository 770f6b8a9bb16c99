//! Step-up: a passkey confirms one form, once, as it was shown.
//!
//! The page sends the form it is about to send; what the passkey signs is remembered together with the form's hash. A
//! confirmation opens nothing else: not the same form with another amount, and not for another session.

use crate::limits::{
    CHALLENGE_SECONDS_MAX, CHALLENGES_MAX, CHALLENGES_OF_OWNER_MAX, LOGIN_FAILURES_PER_MINUTE_MAX,
};
use book::{KeyId, OwnerId, Time};
use evidence::{Hash, MacKey, Secret};
use passki::{AuthenticationState, RegistrationState};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// What passkeys were asked to confirm.
///
/// What is asked of somebody who is known is remembered, a few things for each owner. What is asked of somebody who is about to
/// log in is not: strangers could ask for as many as they like, and so the challenge itself says, under a code of ours, which
/// form it is for and until when. Only those that were used are remembered.
#[derive(Debug)]
pub struct Challenges {
    known: Mutex<HashMap<String, Challenge>>,
    used: Mutex<HashMap<Vec<u8>, Time>>,
    secret: Secret,
}

const RANDOM_BYTES: usize = 16;
const EXPIRY_BYTES: usize = 8;

/// One thing that a passkey was asked for.
#[derive(Clone, Debug)]
pub struct Challenge {
    /// The hash of the form it is for: its address and every field.
    pub form: Hash,
    /// Who is asked.
    pub owner: OwnerId,
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
    /// None yet; `secret` is random, and lives as long as the process.
    pub fn new(secret: Secret) -> Challenges {
        Challenges { known: Mutex::default(), used: Mutex::default(), secret }
    }

    /// A challenge for a log-in with this form.
    pub fn for_log_in(&self, form: Hash, now: Time, random: [u8; RANDOM_BYTES]) -> Vec<u8> {
        let expires_at = now.after(Time::from_seconds(CHALLENGE_SECONDS_MAX).0);
        let said = [&random[..], &expires_at.0.to_be_bytes()].concat();
        let code = self.code(&said, form);
        [&said[..], &code].concat()
    }

    /// Whether a challenge is one of ours for a log-in with this form, in time and not used.
    pub fn is_for_log_in(&self, challenge: &[u8], form: Hash, now: Time) -> bool {
        let Some((said, code)) = challenge.split_at_checked(RANDOM_BYTES + EXPIRY_BYTES) else {
            return false;
        };
        let expires_at = said.last_chunk::<EXPIRY_BYTES>().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let ours = <[u8; 32]>::try_from(code)
            .is_ok_and(|code| Secret::new(code) == Secret::new(self.code(said, form)));
        ours && now < Time(expires_at) && !used.contains_key(challenge)
    }

    /// Uses a challenge up, after a passkey of ours has answered it; false where another request was quicker.
    pub fn use_up(&self, challenge: Vec<u8>, now: Time) -> bool {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|_, until| now < *until);
        used.insert(challenge, now.after(Time::from_seconds(CHALLENGE_SECONDS_MAX).0)).is_none()
    }

    fn code(&self, said: &[u8], form: Hash) -> [u8; 32] {
        MacKey::new(&self.secret).mac(&[said, &form.0[..]].concat()).0
    }

    /// Remembers a challenge for somebody who is known.
    pub fn remember(&self, text: String, form: Hash, owner: OwnerId, state: Ceremony, now: Time) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, challenge| now < challenge.expires_at);
        let mine = known.iter().filter(|(_, it)| it.owner == owner);
        if CHALLENGES_OF_OWNER_MAX <= mine.clone().count() {
            let oldest = mine.min_by_key(|(_, it)| it.expires_at).map(|(text, _)| text.clone());
            oldest.and_then(|text| known.remove(&text));
        }
        if CHALLENGES_MAX <= known.len() {
            let oldest = known.iter().min_by_key(|(_, it)| it.expires_at).map(|(text, _)| text.clone());
            oldest.and_then(|text| known.remove(&text));
        }
        let expires_at = now.after(Time::from_seconds(CHALLENGE_SECONDS_MAX).0);
        known.insert(text, Challenge { form, owner, state, expires_at });
    }

    /// Takes a challenge out: it is good once.
    pub fn take(&self, text: &str, now: Time) -> Option<Challenge> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
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

    fn challenges() -> Challenges {
        Challenges::new(Secret::new([3; 32]))
    }

    fn owner(number: usize) -> OwnerId {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&number.to_be_bytes());
        OwnerId(book::Id(id))
    }

    #[test]
    fn a_challenge_is_good_once_and_for_a_while() {
        let challenges = challenges();
        let (form, now) = (Hash([1; 32]), Time::from_seconds(1_000));
        challenges.remember("one".to_owned(), form, owner(1), ceremony(), now);
        assert!(challenges.take("two", now).is_none());
        assert_eq!(challenges.take("one", now).unwrap().form, form);
        assert!(challenges.take("one", now).is_none(), "good once");
        challenges.remember("late".to_owned(), form, owner(1), ceremony(), now);
        let late = now.after(Time::from_seconds(CHALLENGE_SECONDS_MAX).0);
        assert!(challenges.take("late", late).is_none());
    }

    #[test]
    fn a_log_in_is_for_one_form_once_and_for_a_while() {
        let challenges = challenges();
        let (form, now) = (Hash([1; 32]), Time::from_seconds(1_000));
        let challenge = challenges.for_log_in(form, now, [9; 16]);
        assert!(challenges.is_for_log_in(&challenge, form, now));
        assert!(!challenges.is_for_log_in(&challenge, Hash([2; 32]), now), "another form");
        assert!(!challenges.is_for_log_in(
            &challenge,
            form,
            now.after(Time::from_seconds(CHALLENGE_SECONDS_MAX).0)
        ));
        for place in 0..challenge.len() {
            let mut other = challenge.clone();
            other[place] ^= 1;
            assert!(!challenges.is_for_log_in(&other, form, now), "changed at {place}");
        }
        assert!(challenges.use_up(challenge.clone(), now));
        assert!(!challenges.use_up(challenge.clone(), now), "good once");
        assert!(!challenges.is_for_log_in(&challenge, form, now));
    }

    #[test]
    fn nobody_can_fill_the_memory_of_others() {
        let challenges = challenges();
        let (form, now) = (Hash([0; 32]), Time::from_seconds(1_000));
        challenges.remember("hers".to_owned(), form, owner(7), ceremony(), now);
        for number in 0..1_000 {
            let at = now.after(1 + u64::try_from(number).unwrap());
            challenges.remember(number.to_string(), form, owner(8), ceremony(), at);
        }
        assert!(challenges.take("hers", now).is_some());
        assert!(challenges.take("0", now).is_none(), "the oldest of the same owner was forgotten");
        assert!(challenges.take("999", now).is_some());
        assert_eq!(challenges.known.lock().unwrap().len(), CHALLENGES_OF_OWNER_MAX - 1);
    }
}
