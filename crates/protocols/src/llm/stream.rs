//! Reading a stream: each event passed on as it came, and counted.

use super::answer::{anthropic_block_bytes, delta_bytes};
use super::counts::{HasOutput, TakeOutput, Tally};
use super::events::{EventTooLong, Events, data_of};
use super::shape::{Family, Shape};
use serde_json::Value;

/// A part of a stream, whole events only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// To be passed on.
    Pass(Vec<u8>),
    /// It says what was used, and nothing else: for those who asked for it.
    Usage(Vec<u8>),
    /// The last one: it says that the answer is over.
    End(Vec<u8>),
}

/// Reads the stream of one answer, in whatever parts it comes.
#[derive(Debug)]
pub struct StreamReader {
    family: Family,
    events: Events,
    tally: Tally,
    /// Whether an event said that something went wrong: then no end is a proper one.
    failed: bool,
}

impl StreamReader {
    /// A reader of an answer to a call of that shape.
    pub fn new(shape: Shape) -> StreamReader {
        StreamReader {
            family: shape.family(),
            events: Events::default(),
            tally: Tally::default(),
            failed: false,
        }
    }

    /// Takes bytes, and gives the events that are whole now.
    ///
    /// # Errors
    /// [`EventTooLong`].
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Piece>, EventTooLong> {
        let events = self.events.push(bytes)?;
        Ok(events.into_iter().map(|event| self.read(event)).collect())
    }

    /// What came after the last whole event, when nothing more comes. Readers of events ignore it.
    pub fn rest(&mut self) -> Vec<u8> {
        self.events.rest()
    }

    /// What was reported and what arrived until now.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    fn read(&mut self, event: Vec<u8>) -> Piece {
        let data = data_of(&event);
        match self.family {
            Family::OpenAi if data.trim_ascii() == b"[DONE]" => {
                self.tally.done = !self.failed;
                Piece::End(event)
            }
            Family::OpenAi => {
                // What is no JSON is passed on, and counts for nothing.
                let chunk: Value = serde_json::from_slice(&data).unwrap_or_default();
                if self.read_openai(&chunk) { Piece::Usage(event) } else { Piece::Pass(event) }
            }
            Family::Anthropic => {
                let chunk: Value = serde_json::from_slice(&data).unwrap_or_default();
                if self.read_anthropic(&chunk) { Piece::End(event) } else { Piece::Pass(event) }
            }
        }
    }

    /// Answers whether there is nothing in the chunk but usage.
    fn read_openai(&mut self, chunk: &Value) -> bool {
        self.tally.named(chunk.get("id"));
        self.failed |= chunk.get("error").is_some_and(|error| !error.is_null());
        let choices = chunk.get("choices").and_then(Value::as_array);
        for choice in choices.into_iter().flatten() {
            self.tally.arrived(delta_bytes(choice));
        }
        let Some(usage) = chunk.get("usage").filter(|usage| usage.is_object()) else { return false };
        self.tally.openai_usage(usage, HasOutput::Yes);
        choices.is_some_and(Vec::is_empty)
    }

    /// Answers whether this is the last event.
    fn read_anthropic(&mut self, chunk: &Value) -> bool {
        match chunk.get("type").and_then(Value::as_str) {
            Some("message_start") => {
                let message = chunk.get("message").unwrap_or(&Value::Null);
                self.tally.named(message.get("id"));
                if let Some(usage) = message.get("usage") {
                    self.tally.anthropic_usage(usage, TakeOutput::No);
                }
            }
            Some("content_block_start") => {
                self.tally.arrived(chunk.get("content_block").map_or(0, anthropic_block_bytes));
            }
            Some("content_block_delta") => {
                self.tally.arrived(chunk.get("delta").map_or(0, anthropic_block_bytes));
            }
            Some("message_delta") => {
                if let Some(usage) = chunk.get("usage") {
                    self.tally.anthropic_usage(usage, TakeOutput::Yes);
                }
            }
            Some("message_stop") => {
                self.tally.done = !self.failed;
                return true;
            }
            Some("error") => self.failed = true,
            Some(_) | None => {}
        }
        false
    }
}

/// An event whose data is a JSON object, with one more member in front: `value` is JSON. Any other event stays as it is.
pub fn with_member(event: &[u8], name: &str, value: &str) -> Vec<u8> {
    let is_object = serde_json::from_slice::<Value>(&data_of(event)).is_ok_and(|data| data.is_object());
    let brace = event
        .windows(5)
        .position(|window| window == b"data:")
        .and_then(|data| event.iter().skip(data).position(|byte| *byte == b'{').map(|at| data + at + 1));
    match brace {
        Some(at) if is_object => {
            let (head, tail) = event.split_at(at);
            [head, format!("\"{name}\":{value},").as_bytes(), tail].concat()
        }
        Some(_) | None => event.to_vec(),
    }
}
