//! Shapes: the part of JSON Schema that an acceptance term may use, small enough that everybody reads it alike.
//!
//! `docs/terms.md` lists the keywords. Whatever else is in a schema is refused when it is read: a keyword that one side
//! passes over and the other one checks would make two results of one answer.

use crate::limits::{SCHEMA_DEPTH_MAX, SCHEMA_NUMBER_MAX, SCHEMA_PARTS_MAX};
use serde_json::{Map, Number, Value};
use std::collections::BTreeMap;

/// A shape that an answer's JSON can have.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schema {
    kinds: Vec<Kind>,
    members: BTreeMap<String, Schema>,
    required: Vec<String>,
    is_closed: bool,
    items: Option<Box<Schema>>,
    items_count: Range,
    length: Range,
    value: Bounds,
    one_of: Option<Vec<Value>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Null,
    Boolean,
    Integer,
    Number,
    String,
    Array,
    Object,
}

/// How many there may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Range {
    min: u64,
    max: Option<u64>,
}

/// Between which whole numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Bounds {
    min: Option<f64>,
    max: Option<f64>,
}

impl Schema {
    /// Reads a schema.
    ///
    /// # Errors
    /// A sentence that names the keyword.
    pub fn read(text: &Value) -> Result<Schema, String> {
        let mut parts = 0;
        read(text, 0, &mut parts)
    }

    /// Whether a value has this shape.
    pub fn fits(&self, value: &Value) -> bool {
        self.kinds_fit(value)
            && self.one_of.as_ref().is_none_or(|list| list.iter().any(|one| same(one, value)))
            && match value {
                Value::Null | Value::Bool(_) => true,
                Value::Number(number) => self.value.hold(number),
                Value::String(text) => self.length.holds(count(text.chars().count())),
                Value::Array(list) => {
                    self.items_count.holds(count(list.len()))
                        && self.items.as_ref().is_none_or(|shape| list.iter().all(|item| shape.fits(item)))
                }
                Value::Object(members) => self.members_fit(members),
            }
    }

    fn kinds_fit(&self, value: &Value) -> bool {
        self.kinds.is_empty() || self.kinds.iter().any(|kind| kind.is(value))
    }

    fn members_fit(&self, members: &Map<String, Value>) -> bool {
        self.required.iter().all(|name| members.contains_key(name))
            && members.iter().all(|(name, value)| match self.members.get(name) {
                Some(shape) => shape.fits(value),
                None => !self.is_closed,
            })
    }
}

impl Kind {
    fn read(text: &Value) -> Result<Kind, String> {
        Ok(match text.as_str() {
            Some("null") => Kind::Null,
            Some("boolean") => Kind::Boolean,
            Some("integer") => Kind::Integer,
            Some("number") => Kind::Number,
            Some("string") => Kind::String,
            Some("array") => Kind::Array,
            Some("object") => Kind::Object,
            Some(_) | None => return Err(format!("`type`: `{text}` is no type")),
        })
    }

    fn is(self, value: &Value) -> bool {
        match self {
            Kind::Null => value.is_null(),
            Kind::Boolean => value.is_boolean(),
            Kind::Integer => value.as_number().is_some_and(is_whole),
            Kind::Number => value.is_number(),
            Kind::String => value.is_string(),
            Kind::Array => value.is_array(),
            Kind::Object => value.is_object(),
        }
    }
}

impl Range {
    fn holds(self, count: u64) -> bool {
        self.min <= count && self.max.is_none_or(|max| count <= max)
    }
}

impl Bounds {
    /// A bound is a whole number that a double has exactly, so a comparison of doubles is right for every number.
    fn hold(self, number: &Number) -> bool {
        let Some(value) = number.as_f64() else { return self == Bounds::default() };
        self.min.is_none_or(|min| min <= value) && self.max.is_none_or(|max| value <= max)
    }
}

fn is_whole(number: &Number) -> bool {
    number.is_i64() || number.is_u64() || number.as_f64().is_some_and(|value| value.fract() == 0.0)
}

/// JSON Schema's equality, of values that are no lists and have no members: `1` and `1.0` are one number.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one == other || one.as_f64() == other.as_f64(),
        (one, other) => one == other,
    }
}

fn count(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

fn read(text: &Value, depth: usize, parts: &mut usize) -> Result<Schema, String> {
    *parts += 1;
    if SCHEMA_DEPTH_MAX < depth || SCHEMA_PARTS_MAX < *parts {
        return Err(format!(
            "a schema has at most {SCHEMA_PARTS_MAX} parts, at most {SCHEMA_DEPTH_MAX} of them inside each other"
        ));
    }
    let members = text.as_object().ok_or_else(|| format!("`{text}` is no schema"))?;
    let mut schema = Schema::default();
    for (keyword, value) in members {
        let wrong = |what: &str| format!("`{keyword}`: `{value}` is not {what}");
        match keyword.as_str() {
            "title" | "description" => drop(value.as_str().ok_or_else(|| wrong("a text"))?),
            "type" => {
                let list = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
                schema.kinds = list.iter().map(Kind::read).collect::<Result<_, _>>()?;
                if schema.kinds.is_empty() {
                    return Err(wrong("a type"));
                }
            }
            "properties" => {
                let list = value.as_object().ok_or_else(|| wrong("an object of schemas"))?;
                for (name, shape) in list {
                    schema.members.insert(name.clone(), read(shape, depth + 1, parts)?);
                }
            }
            "required" => {
                let list = value.as_array().ok_or_else(|| wrong("a list of names"))?;
                let names = list.iter().map(|name| name.as_str().map(str::to_owned));
                schema.required = names.collect::<Option<_>>().ok_or_else(|| wrong("a list of names"))?;
                if SCHEMA_PARTS_MAX < schema.required.len() {
                    return Err(format!("`required` has more than {SCHEMA_PARTS_MAX} names"));
                }
            }
            "additionalProperties" => {
                schema.is_closed = !value.as_bool().ok_or_else(|| wrong("`true` or `false`"))?;
            }
            "items" => schema.items = Some(Box::new(read(value, depth + 1, parts)?)),
            "minItems" => schema.items_count.min = whole(value).ok_or_else(|| wrong("a count"))?,
            "maxItems" => schema.items_count.max = Some(whole(value).ok_or_else(|| wrong("a count"))?),
            "minLength" => schema.length.min = whole(value).ok_or_else(|| wrong("a count"))?,
            "maxLength" => schema.length.max = Some(whole(value).ok_or_else(|| wrong("a count"))?),
            "minimum" => schema.value.min = Some(bound(value).ok_or_else(|| wrong("a whole number"))?),
            "maximum" => schema.value.max = Some(bound(value).ok_or_else(|| wrong("a whole number"))?),
            "const" => schema.one_of = Some(vec![plain(value).ok_or_else(|| wrong("a plain value"))?]),
            "enum" => {
                let list = value.as_array().filter(|list| (1..=SCHEMA_PARTS_MAX).contains(&list.len()));
                let list = list.and_then(|list| list.iter().map(plain).collect::<Option<_>>());
                schema.one_of = Some(list.ok_or_else(|| wrong("a list of plain values"))?);
            }
            _ => return Err(format!("`{keyword}` is no keyword that terms may use")),
        }
    }
    if members.contains_key("const") && members.contains_key("enum") {
        return Err("a schema has `const` or `enum`, not both".to_owned());
    }
    Ok(schema)
}

fn whole(value: &Value) -> Option<u64> {
    value.as_u64().filter(|count| *count <= SCHEMA_NUMBER_MAX)
}

fn bound(value: &Value) -> Option<f64> {
    let number = value.as_i64().filter(|number| number.unsigned_abs() <= SCHEMA_NUMBER_MAX)?;
    serde_json::Number::from(number).as_f64()
}

/// A text, a whole number, a boolean or null.
fn plain(value: &Value) -> Option<Value> {
    let fits = match value {
        Value::Null | Value::Bool(_) | Value::String(_) => true,
        Value::Number(_) => bound(value).is_some(),
        Value::Array(_) | Value::Object(_) => false,
    };
    fits.then(|| value.clone())
}
