//! The ids of what messages ask for: made of who asks and the message's own id, so that one message is one command.
//!
//! A message states its own time, and the book remembers an id as long as the id is young. So the time in a command's id
//! is that of the epoch the message was sent in: the same request id under another time is the same command still.
//!
//! The rest is a code of the server's. Whoever makes a command of the ordinary API chooses its id, and must not be able to
//! take one beforehand that a message will need.

use crate::limits::{REQUEST_EPOCH_DAYS, REQUEST_EPOCHS_MAX};
use book::{Id, Time};
use evidence::{MacKey, Secret, derive_key};

const EPOCH_NANOS: u64 = REQUEST_EPOCH_DAYS * 86_400 * 1_000_000_000;

/// The id of the command that a message of `sender` asks for, sent at `at`.
pub(crate) fn of_message(secret: &Secret, sender: Id, message: &str, at: Time) -> Id {
    let epoch = at.0 / EPOCH_NANOS;
    made(secret, Time(epoch * EPOCH_NANOS), sender, message)
}

/// The ids that a message may have had in every epoch that is remembered at `now`, newest first.
pub(crate) fn in_every_epoch(
    secret: &Secret,
    sender: Id,
    message: &str,
    now: Time,
) -> impl Iterator<Item = Id> {
    // A message may be of a moment ahead, and that may be in the epoch to come.
    let newest = now.0 / EPOCH_NANOS + 1;
    let (secret, message) = (secret.clone(), message.to_owned());
    (0..=REQUEST_EPOCHS_MAX)
        .filter_map(move |back| newest.checked_sub(back))
        .map(move |epoch| made(&secret, Time(epoch * EPOCH_NANOS), sender, &message))
}

/// The id of the payment that is made once its owner has approved of what `asked` asked for.
pub(crate) fn approved(secret: &Secret, asked: Id) -> Id {
    made(secret, asked.made_at(), asked, "approved")
}

fn made(secret: &Secret, at: Time, of: Id, message: &str) -> Id {
    let key = MacKey::new(&derive_key(secret, b"act request"));
    let code = key.mac(&[&of.0[..], message.as_bytes()].concat()).0;
    Id::new(at, code.first_chunk::<16>().copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_message_is_one_command_whatever_time_it_says() {
        let (secret, sender) = (Secret::new([1; 32]), Id([7; 16]));
        let day = |day: u64| Time::from_seconds(20_000 * 86_400 + day * 86_400);
        let first = of_message(&secret, sender, "req-1", day(0));
        assert_eq!(of_message(&secret, sender, "req-1", day(1)), first, "another time, the same request");
        assert_ne!(of_message(&secret, sender, "req-2", day(0)), first);
        assert_ne!(of_message(&secret, Id([8; 16]), "req-1", day(0)), first);
        assert_ne!(approved(&secret, first), first);
        assert_ne!(of_message(&Secret::new([2; 32]), sender, "req-1", day(0)), first, "strangers know none");
        assert!(first.made_at() <= day(0));
        for later in [0, 29, 31, 300, 380] {
            assert!(
                in_every_epoch(&secret, sender, "req-1", day(later)).any(|id| id == first),
                "{later} days later"
            );
        }
    }
}
