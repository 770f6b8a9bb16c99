//! What the principal said, or the digest of it, and in which ways it was said.

use crate::a402::{Fingerprint, Identifier, Misshapen, digest};
use crate::act::object::{self, Fault, Field, Malformed, messages, object};
use crate::act::text::{Sentence, UtcTime, Word};
use std::collections::BTreeSet;

object! {
    /// The words an intent was drawn from: themselves, or a digest and where they lie (ICS-02, ICS-03).
    pub struct ConversationHistory closed "conversation_history" checked check {
        /// The words, where they can be passed on.
        optional user_intent_raw: UserIntent,
        /// The digest of what cannot be: a voice, an image, a card.
        optional user_intent_raw_digest: Fingerprint,
        /// How the principal spoke. The standard knows five ways, and [`InputModes`] may know more.
        optional input_mode: Vec<Word>,
        /// Where the material of the digest lies. Required with the digest.
        optional context_ref: Identifier,
    }
}

object! {
    /// One turn of a dialogue.
    pub struct Turn closed "user_intent_raw" {
        /// `USER`, `ASSISTANT`, or another word of the implementer.
        required role: Word,
        required content: Sentence,
        optional create_time: UtcTime,
    }
}

messages!(ConversationHistory in "conversation_history");

/// What was said: one text, or a dialogue of at least one turn.
#[derive(Clone, Debug, PartialEq)]
pub enum UserIntent {
    Text(Sentence),
    Dialogue(Vec<Turn>),
}

impl UserIntent {
    /// The digest of the words: SHA-256 of the text's UTF-8 bytes, or of the dialogue's canonical JSON.
    ///
    /// ACT leaves algorithm and form open; this is our rule.
    pub fn digest(&self) -> Fingerprint {
        match self {
            UserIntent::Text(text) => digest(text.as_str().as_bytes()),
            UserIntent::Dialogue(turns) => digest(&object::canonical(turns)),
        }
    }
}

impl Field for UserIntent {
    fn read(raw: &str) -> Result<Self, Fault> {
        if !raw.starts_with('[') {
            return Sentence::read(raw).map(UserIntent::Text);
        }
        let turns = Vec::<Turn>::read(raw)?;
        if turns.is_empty() {
            return Err(Fault::Itself(Misshapen::unshown("a text, or a dialogue of at least one turn")));
        }
        Ok(UserIntent::Dialogue(turns))
    }

    fn write(&self, out: &mut String) {
        match self {
            UserIntent::Text(text) => text.write(out),
            UserIntent::Dialogue(turns) => turns.write(out),
        }
    }
}

impl ConversationHistory {
    /// The history of words that can be passed on as they are.
    pub fn of(words: UserIntent) -> Self {
        ConversationHistory {
            user_intent_raw: Some(words),
            user_intent_raw_digest: None,
            input_mode: None,
            context_ref: None,
        }
    }

    /// Whether `content`, fetched from where `context_ref` says, is what the digest is of (ICS-03).
    ///
    /// A dialogue is fetched as its canonical JSON. Without a digest nothing is.
    pub fn is_of(&self, content: &[u8]) -> bool {
        self.user_intent_raw_digest.as_ref().is_some_and(|expected| *expected == digest(content))
    }

    /// Refuses a way of speaking that nobody has registered (ICS-04).
    ///
    /// # Errors
    /// [`Malformed::Rule`].
    pub fn check_modes(&self, registered: &InputModes) -> Result<(), Malformed> {
        let known = |mode: &Word| registered.0.contains(mode.as_str());
        if self.input_mode.iter().flatten().all(known) {
            return Ok(());
        }
        broken("input_mode", "only registered ways of input may be named")
    }
}

fn check(history: &ConversationHistory) -> Result<(), Malformed> {
    if history.user_intent_raw.is_none() && history.user_intent_raw_digest.is_none() {
        return broken("user_intent_raw", "either the words or their digest must be there");
    }
    if history.user_intent_raw_digest.is_some() && history.context_ref.is_none() {
        return broken("context_ref", "must say where the material of the digest lies");
    }
    Ok(())
}

fn broken(name: &'static str, rule: &'static str) -> Result<(), Malformed> {
    Err(Malformed::Rule { path: "conversation_history", name, rule })
}

/// The ways of input that may be named: the five of ACT, and what an implementer has registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputModes(BTreeSet<String>);

impl Default for InputModes {
    /// The five of ACT 2.1 section 2.1.
    fn default() -> Self {
        InputModes(["TEXT", "VOICE", "IMAGE", "INTERACTIVE_CARD", "OTHER"].map(str::to_owned).into())
    }
}

impl InputModes {
    /// Adds a way of input. The meaning of the five stays.
    pub fn register(&mut self, mode: &Word) {
        self.0.insert(mode.as_str().to_owned());
    }
}
