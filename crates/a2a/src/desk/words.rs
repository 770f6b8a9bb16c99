//! What a task says: where it stands, in words, and about money in the members of x402.

use crate::store::Kept;
use crate::till::Outcome;
use protocols::a2a::paying::Error;
use protocols::a2a::paying::{ERROR, RECEIPTS, REQUIRED, STATUS, status};
use protocols::a2a::{Artifact, Message, Part, State};
use serde_json::{Map, Value, json};

/// A name that nobody guesses, for a task, a conversation or a message.
pub(super) fn name() -> String {
    format!("{:032x}", rand::random::<u128>())
}

/// A task stands here now, and says this to it.
pub(super) fn set(kept: &mut Kept, state: State, words: &str, metadata: Map<String, Value>) {
    set_parts(kept, state, vec![Part::text(words)], metadata);
}

/// Whoever asked wants to hear the price again.
pub(super) fn asked_again(kept: &mut Kept, message: Message) {
    heard(kept, message);
    kept.task.status.state = State::Submitted;
}

/// A payment came.
pub(super) fn submitted(kept: &mut Kept, message: Message) {
    heard(kept, message);
    let words = "The payment is being checked, and the work done.";
    set(kept, State::Working, words, members([(STATUS, json!(status::SUBMITTED))]));
}

/// Whoever asked does not pay.
pub(super) fn declined(kept: &mut Kept, message: Message) {
    heard(kept, message);
    let words = "Nothing was spent. You did not take the price, so it ends here.";
    set(kept, State::Canceled, words, members([(STATUS, json!(status::REJECTED))]));
}

/// A payment came that another task has.
pub(super) fn of_other(kept: &mut Kept) {
    let words = "Nothing was spent now. The payment is another task's: it counts there, and not here.";
    let error = json!(Error::DuplicateNonce.as_str());
    set(kept, State::Failed, words, members([(STATUS, json!(status::FAILED)), (ERROR, error)]));
}

/// The paywall has answered.
pub(super) fn ended(kept: &mut Kept, outcome: Outcome) {
    match outcome {
        Outcome::Asked { words, demand, said } => {
            let mut about = members([(STATUS, json!(status::REQUIRED)), (REQUIRED, demand)]);
            about.extend(said);
            set(kept, State::InputRequired, &words, about);
        }
        Outcome::Done { parts, receipt, said } => {
            let artifact_id = name();
            let (name, metadata) = (Some("answer".to_owned()), Map::new());
            kept.task.artifacts.push(Artifact { artifact_id, name, description: None, parts, metadata });
            let words = match &receipt {
                Some(_) => "Paid for, and done.",
                None => "Done. It cost nothing.",
            };
            set(kept, State::Completed, words, told(status::COMPLETED, receipt, None, said));
        }
        Outcome::Declined { parts, receipt, said } => {
            let is_paid = receipt.as_ref().is_some_and(protocols::tools::is_paid);
            let (word, error) = match (&receipt, is_paid) {
                (Some(_), false) => (status::FAILED, Some(Error::SettlementFailed)),
                (_, _) => (status::COMPLETED, None),
            };
            set_parts(kept, State::Rejected, parts, told(word, receipt, error, said));
        }
        Outcome::Failed { words, receipt, error, said } => {
            set(kept, State::Failed, &words, told(status::FAILED, receipt, error, said));
        }
        // Whoever asks the paywall asks on until it is known.
        Outcome::Unknown => {}
    }
}

/// What is said about a payment at the end; nothing where there was none.
fn told(
    word: &str,
    receipt: Option<Value>,
    error: Option<Error>,
    said: Map<String, Value>,
) -> Map<String, Value> {
    let mut about = said;
    if receipt.is_none() && error.is_none() {
        return about;
    }
    about.insert(STATUS.to_owned(), json!(word));
    about.insert(RECEIPTS.to_owned(), receipt.into_iter().collect());
    if let Some(error) = error {
        about.insert(ERROR.to_owned(), json!(error.as_str()));
    }
    about
}

fn set_parts(kept: &mut Kept, state: State, parts: Vec<Part>, metadata: Map<String, Value>) {
    retire(kept);
    let mut message = Message::of_agent(name(), "");
    message.parts = parts;
    message.metadata = metadata;
    message.task_id = Some(kept.task.id.clone());
    message.context_id = Some(kept.task.context_id.clone());
    kept.task.status.state = state;
    kept.task.status.message = Some(message);
}

/// A message comes after what was said last.
fn heard(kept: &mut Kept, message: Message) {
    retire(kept);
    kept.task.history.push(message);
}

/// What was said last becomes history.
fn retire(kept: &mut Kept) {
    kept.task.history.extend(kept.task.status.message.take());
}

fn members<const N: usize>(all: [(&str, Value); N]) -> Map<String, Value> {
    all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
