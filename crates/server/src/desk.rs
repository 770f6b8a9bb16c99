//! The desk: the operator's key that the server itself holds, to let people in who were invited.
//!
//! Whoever runs the server can change its journal anyway; that what the desk does has a key of its own makes it visible.

use crate::data::{DataFault, OperatorKey};
use book::{Action, Actor, Command, EnrolKey, Id, KeyHolder, KeyId, Outcome, PublicKeyBytes, Time, Verdict};
use engine::{Clock, Engine};
use evidence::{SigningKey, base64url};
use zeroize::Zeroizing;

/// A new key for a desk, and the command that enrols it: its id names the key.
pub(crate) fn draw(now: Time) -> (OperatorKey, (Id, Action)) {
    let id = Id::new(now, rand::random());
    let seed = Zeroizing::new(rand::random::<[u8; 32]>());
    let public = SigningKey::ed25519(&seed).public().bytes().try_into();
    let public_key = PublicKeyBytes::Ed25519(public.expect("an Ed25519 key has 32 bytes"));
    let key = OperatorKey { key: KeyId(id).to_string(), seed: base64url::encode(&*seed) };
    (key, (id, Action::EnrolKey(EnrolKey { holder: KeyHolder::Operator, public_key })))
}

/// Gives a book its desk that was made before there were any; `operator` enrols the key.
///
/// # Errors
/// [`DataFault::Refused`] where the book does not take it.
pub(crate) fn furnish(
    engine: &Engine,
    clock: &Clock,
    operator: &OperatorKey,
) -> Result<OperatorKey, DataFault> {
    let refused = |why: String| DataFault::Refused(format!("the desk's key: {why}"));
    let key = operator.key.parse().map_err(|_| refused("the operator's key has no name".to_owned()))?;
    let (desk, (id, action)) = draw(clock.now());
    let command = Command { id, by: Actor::Operator { key }, action };
    let ticket = engine.submit(vec![command]).map_err(|busy| refused(format!("{busy:?}")))?;
    let answers = ticket.blocking_recv().map_err(|_| refused("no answer".to_owned()))?;
    match answers.into_iter().next() {
        Some(Ok(Verdict::Record(_, Outcome::Done))) => Ok(desk),
        other => Err(refused(format!("{other:?}"))),
    }
}
