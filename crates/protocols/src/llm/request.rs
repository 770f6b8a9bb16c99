//! Reading a call: how far it can go, and the few members that metering adds to it.
//!
//! Two readers must not read a call differently, or one would set the money aside for another call than the other one makes:
//! repeated members are refused, at every depth. What is changed is changed in the text, so that everything else reaches the
//! model letter by letter.

use super::shape::{Family, Shape};
use crate::json::{self, NotStrict};
use crate::limits::{LLM_CHOICES_MAX, LLM_COUNT_MAX, LLM_MODEL_BYTES_MAX};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use std::fmt;

/// What a call asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub shape: Shape,
    pub model: String,
    /// The most tokens of one answer, where the call says so.
    pub output_max: Option<u64>,
    /// How many answers it asks for.
    pub choices: u64,
    /// Whether the answer is to come as a stream.
    pub streams: bool,
    /// Whether the caller asked for usage in the stream, or always gets it.
    pub wants_usage: bool,
    /// Whether the input is more than its text: pictures, files, tools that fetch. Then its bytes bound nothing.
    pub has_media: bool,
    /// The bytes of the whole body. Each token of a text is a byte of it or more.
    pub body_bytes: u64,
    /// The bytes of the text alone.
    pub text_bytes: u64,
    /// How many tokens were sent as numbers.
    pub token_ids: u64,
}

/// What to add to a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rewrite<'a> {
    /// The member that bounds an answer, and its value; it is not there yet.
    pub output_max: Option<(&'a str, u64)>,
    /// Whether the stream is to say at each event what was used so far, as far as the upstream knows that.
    pub continuous_usage: bool,
}

/// Why a body is no call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotACall {
    #[error(transparent)]
    Json(#[from] NotStrict),
    #[error("the body is not a JSON object")]
    NotAnObject,
    #[error("`{name}` is missing")]
    Missing { name: &'static str },
    #[error("`{name}` is not {rule}")]
    Misshapen { name: &'static str, rule: &'static str },
}

impl Call {
    /// Reads the body of a call.
    ///
    /// # Errors
    /// [`NotACall`].
    pub fn read(shape: Shape, body: &[u8]) -> Result<Call, NotACall> {
        let value = json::parse(body)?;
        if !value.is_object() {
            return Err(NotACall::NotAnObject);
        }
        let model = match value.get("model") {
            None => return Err(NotACall::Missing { name: "model" }),
            Some(model) => model.as_str().filter(|name| (1..=LLM_MODEL_BYTES_MAX).contains(&name.len())),
        };
        let model = model.ok_or(NotACall::Misshapen { name: "model", rule: "a name of 1 to 128 bytes" })?;
        let streams = flag(&value, "stream")? && shape != Shape::Embeddings;
        let mut input = Input::default();
        for name in
            ["messages", "system", "prompt", "input", "suffix", "tools", "functions", "response_format"]
        {
            if let Some(part) = value.get(name) {
                input.read(part);
            }
        }
        let fetches = ["web_search_options", "mcp_servers", "container"];
        let serves = |tool: &Value| {
            let kind = tool.get("type").and_then(Value::as_str).unwrap_or("function");
            !matches!(kind, "function" | "custom")
        };
        let tools = value.get("tools").and_then(Value::as_array);
        let has_media = input.has_media
            || fetches.iter().any(|name| value.get(name).is_some_and(|value| !value.is_null()))
            || tools.is_some_and(|tools| tools.iter().any(serves));
        let options = value.get("stream_options").unwrap_or(&Value::Null);
        Ok(Call {
            shape,
            model: model.to_owned(),
            output_max: output_max(shape, &value)?,
            choices: choices(shape, &value)?,
            streams,
            wants_usage: shape.family() == Family::Anthropic || flag(options, "include_usage")?,
            has_media,
            body_bytes: body.len().try_into().unwrap_or(u64::MAX),
            text_bytes: input.text_bytes,
            token_ids: input.token_ids,
        })
    }

    /// The body of the call as the upstream gets it: what is to be added is added, everything else stays letter by letter.
    ///
    /// # Errors
    /// [`NotACall::NotAnObject`], for a body that [`Call::read`] did not read.
    pub fn rewrite(&self, body: &[u8], add: Rewrite<'_>) -> Result<Vec<u8>, NotACall> {
        let Members(mut members) = serde_json::from_slice(body).map_err(|_| NotACall::NotAnObject)?;
        let mut changed = false;
        if let Some((name, most)) = add.output_max {
            members.retain(|(known, _)| known != name);
            members.push((name.to_owned(), most.to_string()));
            changed = true;
        }
        if self.streams && self.shape.family() == Family::OpenAi {
            let at = members.iter().position(|(name, _)| name == "stream_options");
            let before = at.and_then(|at| members.get(at)).map_or("{}", |(_, text)| text.as_str());
            let mut options: Value = serde_json::from_str(before).unwrap_or_default();
            if !options.is_object() {
                options = Value::Object(serde_json::Map::new());
            }
            let mut wanted = vec!["include_usage"];
            wanted.extend(add.continuous_usage.then_some("continuous_usage_stats"));
            if let Some(options) = options.as_object_mut()
                && wanted.iter().any(|name| options.get(*name) != Some(&Value::Bool(true)))
            {
                options.extend(wanted.into_iter().map(|name| (name.to_owned(), Value::Bool(true))));
                members.retain(|(name, _)| name != "stream_options");
                members.push(("stream_options".to_owned(), Value::Object(options.clone()).to_string()));
                changed = true;
            }
        }
        if !changed {
            return Ok(body.to_vec());
        }
        let texts = members.iter().map(|(name, text)| format!("{}:{text}", Value::String(name.clone())));
        Ok(format!("{{{}}}", texts.collect::<Vec<_>>().join(",")).into_bytes())
    }
}

/// The members of an object in their order, each as its text.
struct Members(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(text: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Members;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some((name, text)) = map.next_entry::<String, Box<RawValue>>()? {
                    members.push((name, text.get().to_owned()));
                }
                Ok(Members(members))
            }
        }
        text.deserialize_map(Reader)
    }
}

fn flag(of: &Value, name: &'static str) -> Result<bool, NotACall> {
    match of.get(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_)) => {
            Err(NotACall::Misshapen { name, rule: "`true` or `false`" })
        }
    }
}

fn number(of: &Value, name: &'static str, most: u64) -> Result<Option<u64>, NotACall> {
    match of.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let number = value.as_u64().filter(|number| (1..=most).contains(number));
            number.map(Some).ok_or(NotACall::Misshapen { name, rule: "a whole number within its bounds" })
        }
    }
}

fn output_max(shape: Shape, value: &Value) -> Result<Option<u64>, NotACall> {
    match shape {
        Shape::Chat => {
            // Upstreams differ in which one counts.
            let newer = number(value, "max_completion_tokens", LLM_COUNT_MAX)?;
            Ok(newer.max(number(value, "max_tokens", LLM_COUNT_MAX)?))
        }
        Shape::Completions | Shape::Messages => number(value, "max_tokens", LLM_COUNT_MAX),
        Shape::Embeddings => Ok(Some(0)),
    }
}

fn choices(shape: Shape, value: &Value) -> Result<u64, NotACall> {
    let n = number(value, "n", LLM_CHOICES_MAX)?.unwrap_or(1);
    let choices = match shape {
        Shape::Chat => n,
        Shape::Completions => {
            let each = n.max(number(value, "best_of", LLM_CHOICES_MAX)?.unwrap_or(1));
            let several = |list: &&Vec<Value>| list.iter().any(|item| item.is_string() || item.is_array());
            let prompts = value.get("prompt").and_then(Value::as_array).filter(several).map_or(1, Vec::len);
            each.saturating_mul(prompts.try_into().unwrap_or(u64::MAX))
        }
        Shape::Embeddings | Shape::Messages => 1,
    };
    if LLM_CHOICES_MAX < choices {
        return Err(NotACall::Misshapen { name: "n", rule: "at most 1024, all prompts together" });
    }
    Ok(choices)
}

/// What is in the input.
#[derive(Debug, Default)]
struct Input {
    text_bytes: u64,
    token_ids: u64,
    has_media: bool,
}

impl Input {
    fn read(&mut self, value: &Value) {
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::Number(_) => self.token_ids += 1,
            Value::String(text) => {
                self.text_bytes = self.text_bytes.saturating_add(text.len().try_into().unwrap_or(u64::MAX));
            }
            Value::Array(items) => items.iter().for_each(|item| self.read(item)),
            Value::Object(members) => {
                let kind = members.get("type").and_then(Value::as_str);
                let names_media = kind.is_some_and(|kind| MEDIA.iter().any(|media| kind.contains(media)))
                    || has_reference(members);
                if names_media {
                    self.has_media = true;
                    return;
                }
                members.values().for_each(|member| self.read(member));
            }
        }
    }
}

/// Parts of the names that kinds of content have which are not text.
const MEDIA: &[&str] = &[
    "image",
    "audio",
    "video",
    "file",
    "document",
    "pdf",
    "search",
    "container",
    "server",
    "mcp",
    "reference",
];

/// Whether an object points to something that the upstream fetches.
fn has_reference(members: &serde_json::Map<String, Value>) -> bool {
    let of_media = |name: &str| matches!(name, "image_url" | "input_audio" | "video_url" | "file" | "source");
    members.keys().any(|name| of_media(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(shape: Shape, body: &str) -> Result<Call, NotACall> {
        Call::read(shape, body.as_bytes())
    }

    #[test]
    fn a_call_says_how_far_it_can_go() {
        // Most output, answers, streams, asked for usage, media, bytes of text, token ids.
        type Found = (Option<u64>, u64, bool, bool, bool, u64, u64);
        let rows: &[(Shape, &str, Found)] = &[
            (
                Shape::Chat,
                r#"{"model":"m","messages":[{"role":"user","content":"hello"}]}"#,
                (None, 1, false, false, false, 9, 0),
            ),
            (
                Shape::Chat,
                r#"{"model":"m","max_tokens":7,"max_completion_tokens":9,"n":3,"stream":true,"stream_options":{"include_usage":true},"messages":[]}"#,
                (Some(9), 3, true, true, false, 0, 0),
            ),
            (
                Shape::Chat,
                r#"{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"hi"},{"type":"image_url","image_url":{"url":"https://x.example/a.png"}}]}]}"#,
                (None, 1, false, false, true, 10, 0),
            ),
            (
                Shape::Chat,
                r#"{"model":"m","messages":[],"tools":[{"type":"web_search"}]}"#,
                (None, 1, false, false, true, 0, 0),
            ),
            (
                Shape::Chat,
                r#"{"model":"m","messages":[],"web_search_options":{}}"#,
                (None, 1, false, false, true, 0, 0),
            ),
            (
                Shape::Completions,
                r#"{"model":"m","prompt":["ab","cd"],"n":2,"best_of":5}"#,
                (None, 10, false, false, false, 4, 0),
            ),
            (
                Shape::Completions,
                r#"{"model":"m","prompt":[1,2,3],"max_tokens":4}"#,
                (Some(4), 1, false, false, false, 0, 3),
            ),
            (
                Shape::Embeddings,
                r#"{"model":"m","input":["ab","c"],"stream":true}"#,
                (Some(0), 1, false, false, false, 3, 0),
            ),
            (
                Shape::Messages,
                r#"{"model":"m","max_tokens":5,"system":"be","messages":[{"role":"user","content":"x"}],"stream":true}"#,
                (Some(5), 1, true, true, false, 7, 0),
            ),
            (
                Shape::Messages,
                r#"{"model":"m","max_tokens":5,"messages":[{"role":"user","content":[{"type":"document","source":{"type":"url","url":"https://x.example"}}]}]}"#,
                (Some(5), 1, false, true, true, 4, 0),
            ),
        ];
        for (shape, body, expected) in rows {
            let call = read(*shape, body).unwrap();
            let found = (
                call.output_max,
                call.choices,
                call.streams,
                call.wants_usage,
                call.has_media,
                call.text_bytes,
                call.token_ids,
            );
            assert_eq!(found, *expected, "{body}");
            assert_eq!(call.body_bytes, body.len() as u64);
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_no_call() {
        for body in [
            "",
            "[]",
            "{}",
            r#"{"model":7}"#,
            r#"{"model":""}"#,
            r#"{"model":"m","max_tokens":1,"max_tokens":1000}"#,
            r#"{"model":"m","messages":[{"content":[{"type":"text","type":"image_url"}]}]}"#,
            r#"{"model":"m","max_tokens":-1}"#,
            r#"{"model":"m","max_tokens":1.5}"#,
            r#"{"model":"m","max_tokens":"9"}"#,
            r#"{"model":"m","n":0}"#,
            r#"{"model":"m","n":1025}"#,
            r#"{"model":"m","stream":"yes"}"#,
        ] {
            assert!(read(Shape::Chat, body).is_err(), "{body}");
        }
        assert!(read(Shape::Completions, r#"{"model":"m","n":600,"prompt":["a","b"]}"#).is_err());
    }

    #[test]
    fn only_what_metering_needs_is_changed() {
        let rows = [
            (
                r#"{"z":1.50, "model":"m", "a":{"y":1,"b":2}}"#,
                Rewrite::default(),
                r#"{"z":1.50, "model":"m", "a":{"y":1,"b":2}}"#,
            ),
            (
                r#"{"z":1.50, "model":"m", "a":{"y":1,"b":2}}"#,
                Rewrite { output_max: Some(("max_tokens", 8)), continuous_usage: true },
                r#"{"z":1.50,"model":"m","a":{"y":1,"b":2},"max_tokens":8}"#,
            ),
            (
                r#"{"model":"m","stream":true}"#,
                Rewrite::default(),
                r#"{"model":"m","stream":true,"stream_options":{"include_usage":true}}"#,
            ),
            (
                r#"{"model":"m","stream":true,"stream_options":{"include_usage":false,"x":1}}"#,
                Rewrite { output_max: None, continuous_usage: true },
                r#"{"model":"m","stream":true,"stream_options":{"continuous_usage_stats":true,"include_usage":true,"x":1}}"#,
            ),
            (
                r#"{"model":"m", "stream":true,"stream_options":{"include_usage":true}}"#,
                Rewrite::default(),
                r#"{"model":"m", "stream":true,"stream_options":{"include_usage":true}}"#,
            ),
            (
                r#"{"model":"m","stream":true,"max_tokens":null}"#,
                Rewrite { output_max: Some(("max_tokens", 8)), continuous_usage: false },
                r#"{"model":"m","stream":true,"max_tokens":8,"stream_options":{"include_usage":true}}"#,
            ),
        ];
        for (body, add, expected) in rows {
            let call = read(Shape::Chat, body).unwrap();
            let found = String::from_utf8(call.rewrite(body.as_bytes(), add).unwrap()).unwrap();
            assert_eq!(found, expected);
            assert!(Call::read(Shape::Chat, found.as_bytes()).is_ok());
        }
    }
}
