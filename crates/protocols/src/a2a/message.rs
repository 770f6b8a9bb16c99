//! What agents say to each other: messages of parts, each one text, bytes, an address or data.

use super::fields::{Fields, Violation, put, put_list, put_members};
use crate::limits::{
    A2A_EXTENSIONS_MAX, A2A_ID_BYTES_MAX, A2A_NAME_BYTES_MAX, A2A_PARTS_MAX, A2A_REQUEST_BYTES_MAX,
    A2A_URI_BYTES_MAX,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value};

/// Either alphabet of Base64, padded or not: ProtoJSON takes them all.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const PLAIN: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::STANDARD, LENIENT);
const FOR_URLS: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::URL_SAFE, LENIENT);

/// Who says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Whoever wants something done.
    User,
    /// Whoever does it.
    Agent,
}

/// What a part is.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Words.
    Text(String),
    /// Bytes, which travel as Base64.
    Raw(Vec<u8>),
    /// Where something is.
    Url(String),
    /// Any JSON.
    Data(Value),
}

/// A part of a message or an artifact.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    pub content: Content,
    pub media_type: Option<String>,
    pub filename: Option<String>,
    pub metadata: Map<String, Value>,
}

/// A message.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Made by whoever says it: the same one twice is the same message.
    pub message_id: String,
    pub context_id: Option<String>,
    pub task_id: Option<String>,
    pub role: Role,
    pub parts: Vec<Part>,
    pub metadata: Map<String, Value>,
    pub extensions: Vec<String>,
    pub reference_task_ids: Vec<String>,
}

impl Role {
    fn as_str(self) -> &'static str {
        match self {
            Role::User => "ROLE_USER",
            Role::Agent => "ROLE_AGENT",
        }
    }
}

impl Part {
    /// Words, and nothing beside.
    pub fn text(text: impl Into<String>) -> Part {
        Part::of(Content::Text(text.into()))
    }

    /// A part with nothing beside its content.
    pub fn of(content: Content) -> Part {
        Part { content, media_type: None, filename: None, metadata: Map::new() }
    }

    /// Reads a list of parts that a service says in the words of A2A. None where it is no such list.
    pub fn list(value: Value) -> Option<Vec<Part>> {
        let Value::Array(list) = value else { return None };
        if A2A_PARTS_MAX < list.len() {
            return None;
        }
        list.into_iter().map(|part| Part::read("parts".to_owned(), part).ok()).collect()
    }

    pub(super) fn read(path: String, value: Value) -> Result<Part, Violation> {
        let mut fields = Fields::open(path.clone(), value)?;
        let mut found = Vec::new();
        for name in ["text", "raw", "url", "data"] {
            found.extend(fields.take(name).map(|value| (name, value)));
        }
        let (Some((name, value)), true) = (found.pop(), found.is_empty()) else {
            return Err(Violation::new(path, "is not just one of `text`, `raw`, `url` and `data`"));
        };
        let content = match (name, value) {
            ("data", data) => Content::Data(data),
            ("text", Value::String(text)) => Content::Text(text),
            ("url", Value::String(url)) if url.len() <= A2A_URI_BYTES_MAX => Content::Url(url),
            ("raw", Value::String(text)) => {
                let engine = if text.contains(['-', '_']) { FOR_URLS } else { PLAIN };
                let bytes = engine.decode(&text).map_err(|_| fields.wrong("raw", "is not Base64"))?;
                Content::Raw(bytes)
            }
            (name, _) => return Err(fields.wrong(name, "is not a text that it can be")),
        };
        Ok(Part {
            content,
            media_type: fields.text("mediaType", A2A_NAME_BYTES_MAX)?,
            filename: fields.text("filename", A2A_NAME_BYTES_MAX)?,
            metadata: fields.members("metadata")?,
        })
    }

    /// The part as JSON.
    pub fn to_json(&self) -> Value {
        let mut members = Map::new();
        let (name, value) = match &self.content {
            Content::Text(text) => ("text", Value::from(text.as_str())),
            Content::Raw(bytes) => ("raw", Value::from(STANDARD.encode(bytes))),
            Content::Url(url) => ("url", Value::from(url.as_str())),
            Content::Data(data) => ("data", data.clone()),
        };
        members.insert(name.to_owned(), value);
        put(&mut members, "mediaType", self.media_type.as_deref());
        put(&mut members, "filename", self.filename.as_deref());
        put_members(&mut members, "metadata", &self.metadata);
        Value::Object(members)
    }
}

impl Message {
    /// What an agent says about a task.
    pub fn of_agent(message_id: impl Into<String>, words: impl Into<String>) -> Message {
        Message {
            message_id: message_id.into(),
            context_id: None,
            task_id: None,
            role: Role::Agent,
            parts: vec![Part::text(words)],
            metadata: Map::new(),
            extensions: Vec::new(),
            reference_task_ids: Vec::new(),
        }
    }

    pub(super) fn read(path: impl Into<String>, value: Value) -> Result<Message, Violation> {
        let mut fields = Fields::open(path, value)?;
        let role = fields.needed("role")?;
        let role = match role.as_str() {
            Some("ROLE_USER") => Role::User,
            Some("ROLE_AGENT") => Role::Agent,
            Some(_) | None => return Err(fields.wrong("role", "is neither `ROLE_USER` nor `ROLE_AGENT`")),
        };
        let parts = fields.each("parts", A2A_PARTS_MAX, Part::read)?;
        if parts.is_empty() {
            return Err(fields.wrong("parts", "has no entry"));
        }
        Ok(Message {
            message_id: fields.needed_text("messageId", A2A_ID_BYTES_MAX)?,
            context_id: fields.text("contextId", A2A_ID_BYTES_MAX)?,
            task_id: fields.text("taskId", A2A_ID_BYTES_MAX)?,
            role,
            parts,
            metadata: fields.members("metadata")?,
            extensions: fields.texts("extensions", (A2A_EXTENSIONS_MAX, A2A_URI_BYTES_MAX))?,
            reference_task_ids: fields.texts("referenceTaskIds", (A2A_EXTENSIONS_MAX, A2A_ID_BYTES_MAX))?,
        })
    }

    /// The message as JSON.
    pub fn to_json(&self) -> Value {
        let mut members = Map::new();
        let texts = |list: &[String]| list.iter().map(|text| Value::from(text.as_str())).collect();
        members.insert("messageId".to_owned(), self.message_id.as_str().into());
        put(&mut members, "contextId", self.context_id.as_deref());
        put(&mut members, "taskId", self.task_id.as_deref());
        members.insert("role".to_owned(), self.role.as_str().into());
        members.insert("parts".to_owned(), self.parts.iter().map(Part::to_json).collect());
        put_members(&mut members, "metadata", &self.metadata);
        put_list(&mut members, "extensions", texts(&self.extensions));
        put_list(&mut members, "referenceTaskIds", texts(&self.reference_task_ids));
        Value::Object(members)
    }

    /// All its words, one part a line.
    pub fn words(&self) -> String {
        let words = self.parts.iter().filter_map(|part| match &part.content {
            Content::Text(text) => Some(text.as_str()),
            Content::Raw(_) | Content::Url(_) | Content::Data(_) => None,
        });
        words.collect::<Vec<_>>().join("\n")
    }
}

const _: () = assert!(A2A_URI_BYTES_MAX < A2A_REQUEST_BYTES_MAX);

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_part_is_one_thing_in_any_spelling_of_base64() {
        let read = |value| Part::read("part".to_owned(), value);
        for raw in ["+/8=", "+/8", "-_8=", "-_8"] {
            let part = read(json!({ "raw": raw })).unwrap();
            assert_eq!(part.content, Content::Raw(vec![0xfb, 0xff]));
            assert_eq!(part.to_json(), json!({ "raw": "+/8=" }));
        }
        for good in [
            json!({ "text": "" }),
            json!({ "url": "https://a.example/", "mediaType": "text/plain", "filename": "a" }),
            json!({ "data": false, "metadata": { "a": 1 } }),
            json!({ "data": [1, { "a": 2 }] }),
        ] {
            assert_eq!(read(good.clone()).unwrap().to_json(), good);
        }
        assert_eq!(read(json!({ "text": "a", "raw": null, "kind": "text" })).unwrap(), Part::text("a"));
        for bad in [
            json!({}),
            json!({ "text": "a", "data": 1 }),
            json!({ "text": 1 }),
            json!({ "raw": "!" }),
            json!({ "raw": "+-8" }),
            json!({ "data": null }),
            json!({ "text": "a", "metadata": [] }),
            json!({ "text": "a", "mediaType": 1 }),
            json!("text"),
        ] {
            assert!(read(bad.clone()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_message_says_which_member_is_wrong() {
        let good = json!({ "messageId": "m", "role": "ROLE_USER", "parts": [{ "text": "a" }], "later": 1 });
        let read = |value| Message::read("message", value);
        let message = read(good.clone()).unwrap();
        assert_eq!(read(message.to_json()).unwrap(), message);
        for (name, value, field) in [
            ("messageId", json!(""), "message.messageId"),
            ("messageId", json!(7), "message.messageId"),
            ("messageId", json!("m".repeat(A2A_ID_BYTES_MAX + 1)), "message.messageId"),
            ("role", json!("user"), "message.role"),
            ("role", json!(1), "message.role"),
            ("role", json!("ROLE_UNSPECIFIED"), "message.role"),
            ("parts", json!([]), "message.parts"),
            ("parts", json!({}), "message.parts"),
            ("parts", json!([{ "text": "a" }, {}]), "message.parts[1]"),
            ("parts", json!(vec![json!({ "text": "a" }); A2A_PARTS_MAX + 1]), "message.parts"),
            ("metadata", json!("a"), "message.metadata"),
            ("extensions", json!([1]), "message.extensions[0]"),
            ("taskId", json!({}), "message.taskId"),
        ] {
            let mut bad = good.clone();
            bad[name] = value.clone();
            assert_eq!(read(bad).unwrap_err().field, field, "{name} {value}");
        }
    }
}
