//! The shapes of calls, by their paths, and how each family says no.

use serde_json::{Value, json};

/// Whose manners a call has: names of headers, errors, and the end of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    OpenAi,
    Anthropic,
}

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `POST /v1/chat/completions`.
    Chat,
    /// `POST /v1/completions`.
    Completions,
    /// `POST /v1/embeddings`.
    Embeddings,
    /// `POST /v1/messages`.
    Messages,
}

impl Shape {
    /// Every shape.
    pub const ALL: [Shape; 4] = [Shape::Chat, Shape::Completions, Shape::Embeddings, Shape::Messages];

    /// The path of its calls.
    pub const fn path(self) -> &'static str {
        match self {
            Shape::Chat => "/v1/chat/completions",
            Shape::Completions => "/v1/completions",
            Shape::Embeddings => "/v1/embeddings",
            Shape::Messages => "/v1/messages",
        }
    }

    /// The shape of the calls to a path.
    pub fn of_path(path: &str) -> Option<Shape> {
        Shape::ALL.into_iter().find(|shape| shape.path() == path)
    }

    /// Whose manners it has.
    pub const fn family(self) -> Family {
        match self {
            Shape::Chat | Shape::Completions | Shape::Embeddings => Family::OpenAi,
            Shape::Messages => Family::Anthropic,
        }
    }
}

impl Family {
    /// The body of an error. `kind` is a word of the family's own; programs read `code` where the family has one.
    pub fn error(self, kind: &str, code: &str, message: &str) -> Value {
        match self {
            Family::OpenAi => {
                json!({ "error": { "message": message, "type": kind, "param": null, "code": code } })
            }
            Family::Anthropic => {
                json!({ "type": "error", "error": { "type": kind, "code": code, "message": message } })
            }
        }
    }
}
