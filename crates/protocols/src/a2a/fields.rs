//! The members of an object in ProtoJSON, asked for one by one, each with a path to say which one is wrong.

use serde_json::{Map, Value};

/// A member that cannot be read, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {description}")]
pub struct Violation {
    /// Where it is, such as `message.parts[0].text`.
    pub field: String,
    /// What is wrong with it.
    pub description: String,
}

impl Violation {
    /// This member is wrong for this reason.
    pub fn new(field: impl Into<String>, description: impl Into<String>) -> Violation {
        Violation { field: field.into(), description: description.into() }
    }
}

/// The members of an object that nobody has asked for yet.
pub(super) struct Fields {
    path: String,
    left: Map<String, Value>,
}

impl Fields {
    pub(super) fn open(path: impl Into<String>, value: Value) -> Result<Fields, Violation> {
        let path = path.into();
        match value {
            Value::Object(left) => Ok(Fields { path, left }),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                Err(Violation::new(path, "is not an object"))
            }
        }
    }

    /// The path of a member.
    pub(super) fn at(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    pub(super) fn wrong(&self, name: &str, why: impl Into<String>) -> Violation {
        Violation::new(self.at(name), why)
    }

    /// A member, unless it is absent or null.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.left.remove(name).filter(|value| !value.is_null())
    }

    pub(super) fn needed(&mut self, name: &str) -> Result<Value, Violation> {
        self.take(name).ok_or_else(|| self.wrong(name, "is missing"))
    }

    /// A text of at most so many bytes; the empty one is absence, as it is to Protocol Buffers.
    pub(super) fn text(&mut self, name: &str, bytes_max: usize) -> Result<Option<String>, Violation> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.len() <= bytes_max => {
                Ok(Some(text).filter(|text| !text.is_empty()))
            }
            Some(Value::String(_)) => Err(self.wrong(name, format!("is longer than {bytes_max} bytes"))),
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                Err(self.wrong(name, "is not a text"))
            }
        }
    }

    pub(super) fn needed_text(&mut self, name: &str, bytes_max: usize) -> Result<String, Violation> {
        self.text(name, bytes_max)?.ok_or_else(|| self.wrong(name, "is missing or empty"))
    }

    pub(super) fn flag(&mut self, name: &str) -> Result<Option<bool>, Violation> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_)) => {
                Err(self.wrong(name, "is neither true nor false"))
            }
        }
    }

    /// An integer of 32 bits that is not negative: as a number, or as ProtoJSON also lets it be, as text.
    pub(super) fn count(&mut self, name: &str) -> Result<Option<u32>, Violation> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let number = match &value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.parse().ok(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        };
        let count = number
            .and_then(|number| i32::try_from(number).ok())
            .and_then(|number| u32::try_from(number).ok());
        count.map(Some).ok_or_else(|| self.wrong(name, "is not an integer from 0 to 2147483647"))
    }

    pub(super) fn members(&mut self, name: &str) -> Result<Map<String, Value>, Violation> {
        match self.take(name) {
            None => Ok(Map::new()),
            Some(Value::Object(members)) => Ok(members),
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
                Err(self.wrong(name, "is not an object"))
            }
        }
    }

    /// A list of at most so many; an absent one is empty.
    pub(super) fn list(&mut self, name: &str, count_max: usize) -> Result<Vec<Value>, Violation> {
        match self.take(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(list)) if list.len() <= count_max => Ok(list),
            Some(Value::Array(_)) => Err(self.wrong(name, format!("has more than {count_max} entries"))),
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
                Err(self.wrong(name, "is not a list"))
            }
        }
    }

    pub(super) fn texts(
        &mut self,
        name: &str,
        (count_max, bytes_max): (usize, usize),
    ) -> Result<Vec<String>, Violation> {
        let list = self.list(name, count_max)?;
        let texts = list.into_iter().enumerate().map(|(at, value)| match value {
            Value::String(text) if text.len() <= bytes_max => Ok(text),
            Value::String(_)
            | Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Array(_)
            | Value::Object(_) => {
                Err(self.wrong(&format!("{name}[{at}]"), format!("is not a text of up to {bytes_max} bytes")))
            }
        });
        texts.collect()
    }

    /// Reads each entry of a list.
    pub(super) fn each<T>(
        &mut self,
        name: &str,
        count_max: usize,
        read: impl Fn(String, Value) -> Result<T, Violation>,
    ) -> Result<Vec<T>, Violation> {
        let list = self.list(name, count_max)?;
        let read = |(at, value)| read(self.at(&format!("{name}[{at}]")), value);
        list.into_iter().enumerate().map(read).collect()
    }
}

/// Puts a member where there is something to say.
pub(super) fn put(members: &mut Map<String, Value>, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        members.insert(name.to_owned(), value.into());
    }
}

/// Puts members, or texts, where there are any.
pub(super) fn put_members(members: &mut Map<String, Value>, name: &str, inner: &Map<String, Value>) {
    put(members, name, (!inner.is_empty()).then(|| Value::Object(inner.clone())));
}

/// Puts a list, where there is anything in it.
pub(super) fn put_list(members: &mut Map<String, Value>, name: &str, list: Vec<Value>) {
    put(members, name, (!list.is_empty()).then_some(Value::Array(list)));
}
