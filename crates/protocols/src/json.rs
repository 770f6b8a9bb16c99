//! JSON that two readers cannot understand differently, and its one canonical form (RFC 8785).
//!
//! A signature covers a meaning, so a text with two meanings must not get as far as a signature
//! check. Refused are: repeated member names, lone surrogates, `-0`, integers that a double cannot
//! hold exactly, numbers out of range, and nesting deeper than 128.

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::fmt;

/// The largest integer every JSON reader agrees on (I-JSON, RFC 7493 section 2.2).
const INTEGER_MAX: u64 = (1 << 53) - 1;

/// The first integer beyond [`INTEGER_MAX`].
const INTEGER_REACH: f64 = 9_007_199_254_740_992.0;

/// Why a text is not JSON with a single meaning.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not strict JSON: {reason}")]
pub struct NotStrict {
    reason: String,
}

/// Reads one JSON text, to its last byte.
pub(crate) fn parse(text: &[u8]) -> Result<Value, NotStrict> {
    serde_json::from_slice::<Strict>(text)
        .map(|Strict(value)| value)
        .map_err(|fault| NotStrict { reason: fault.to_string() })
}

/// Writes `value` in its canonical form: sorted members, no white space, shortest numbers.
pub(crate) fn canonical(value: &Value) -> Vec<u8> {
    serde_json_canonicalizer::to_vec(value).expect("every JSON value has a canonical form")
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(text: D) -> Result<Self, D::Error> {
        Reader.deserialize(text).map(Strict)
    }
}

struct Reader;

impl<'de> DeserializeSeed<'de> for Reader {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, text: D) -> Result<Value, D::Error> {
        text.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        if INTEGER_MAX < value {
            return Err(E::custom(format_args!("integer `{value}` is beyond 2^53")));
        }
        Ok(Value::Number(value.into()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        if INTEGER_MAX < value.unsigned_abs() {
            return Err(E::custom(format_args!("integer `{value}` is beyond 2^53")));
        }
        Ok(Value::Number(value.into()))
    }

    // A method may carry any number; no amount is ever read from one.
    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        if value == 0.0 && value.is_sign_negative() {
            return Err(E::custom("`-0` is not a number every reader keeps"));
        }
        // From 1e21 on, the canonical form has an exponent and cannot be taken for an integer.
        let magnitude = value.abs();
        if (INTEGER_REACH..1e21).contains(&magnitude) {
            return Err(E::custom(format_args!("number `{value}` is beyond 2^53")));
        }
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number is not finite"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Reader)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if map.contains_key(&name) {
                return Err(A::Error::custom(format_args!("member `{name}` comes twice")));
            }
            map.insert(name, members.next_value_seed(Reader)?);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::{canonical, parse};

    /// `text` reads as the canonical `form`, or `None` if it must be refused.
    fn check(text: &str, form: Option<&str>) {
        let found = parse(text.as_bytes()).map(|value| canonical(&value));
        match form {
            Some(form) => assert_eq!(found.as_deref(), Ok(form.as_bytes()), "`{text}`"),
            None => assert!(found.is_err(), "`{text}`"),
        }
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        check(r#"{"b":1,"a":[true,null]}"#, Some(r#"{"a":[true,null],"b":1}"#));
        check(r#"{"a":1.0,"b":4.50,"c":1E21}"#, Some(r#"{"a":1,"b":4.5,"c":1e+21}"#));
        check("9007199254740991", Some("9007199254740991"));
        check("9007199254740992", None);
        check("-9007199254740992", None);
        check("18446744073709552000", None);
        check("-18446744073709552000", None);
        check("1e20", None);
        check("1e21", Some("1e+21"));
        check(r#"{"a":1,"a":1}"#, None);
        check(r#"{"a":{"b":[{"c":1,"c":2}]}}"#, None);
        check(r#"{"a":1,"\u0061":1}"#, None);
        check(r#""\ud800""#, None);
        check("-0", None);
        check("-0.0", None);
        check("1e999", None);
        check("NaN", None);
        check("{} {}", None);
        check("\u{feff}{}", None);
        check(&"[".repeat(10_000), None);
        assert!(parse(b"\"\xff\"").is_err());
    }
}
