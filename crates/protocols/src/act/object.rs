//! ACT messages as objects: each member is listed once, with its presence, and read from its own text.
//!
//! A number keeps the digits it was written with until its type has read them, so no amount ever passes
//! through a double. Names are those of the structs' fields, letter by letter: nothing renames them.

use crate::a402::Misshapen;
use crate::json::{self, NotStrict};
use crate::limits::{ACT_LIST_COUNT_MAX, ACT_MESSAGE_BYTES_MAX};
use serde_json::{Map, Value, value::RawValue};
use std::collections::BTreeMap;

/// Why a text is not the message it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Longer than [`ACT_MESSAGE_BYTES_MAX`].
    #[error("message of {bytes} bytes is longer than {ACT_MESSAGE_BYTES_MAX}")]
    TooLong { bytes: usize },
    /// Not JSON, or JSON that two readers could read differently.
    #[error(transparent)]
    Json(#[from] NotStrict),
    #[error("`{path}` is not an object")]
    NotAnObject { path: &'static str },
    #[error("`{path}.{name}` is missing")]
    Missing { path: &'static str, name: &'static str },
    /// A member we do not know may be a limit we would not keep.
    #[error("`{path}` has the unknown member `{}`", name.escape_debug())]
    Unknown { path: &'static str, name: String },
    #[error("`{path}.{name}`: {fault}")]
    Misshapen { path: &'static str, name: &'static str, fault: Misshapen },
    /// A rule between members is broken; `name` is the member to mend.
    #[error("`{path}.{name}`: {rule}")]
    Rule { path: &'static str, name: &'static str, rule: &'static str },
}

/// Why the value of one member cannot be read.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The value itself: whoever asked for it knows its name.
    Itself(Misshapen),
    /// Something inside it, which has a name of its own.
    Within(Malformed),
}

/// What the value of a member can be.
pub(crate) trait Field: Sized {
    /// Reads the value from its JSON text, which is strict already.
    fn read(raw: &str) -> Result<Self, Fault>;

    /// Adds the value's JSON text to `out`.
    fn write(&self, out: &mut String);
}

/// The members of an object that nobody has asked for yet.
pub(crate) struct Members<'a> {
    path: &'static str,
    left: BTreeMap<String, &'a RawValue>,
}

impl<'a> Members<'a> {
    pub(crate) fn open(path: &'static str, raw: &'a str) -> Result<Self, Fault> {
        let left = serde_json::from_str(raw).map_err(|_| Fault::Within(Malformed::NotAnObject { path }))?;
        Ok(Members { path, left })
    }

    pub(crate) fn required<T: Field>(&mut self, name: &'static str) -> Result<T, Fault> {
        let missing = Fault::Within(Malformed::Missing { path: self.path, name });
        self.optional(name)?.ok_or(missing)
    }

    pub(crate) fn optional<T: Field>(&mut self, name: &'static str) -> Result<Option<T>, Fault> {
        let Some(raw) = self.left.remove(name) else {
            return Ok(None);
        };
        let path = self.path;
        T::read(raw.get()).map(Some).map_err(|fault| match fault {
            Fault::Itself(fault) => Fault::Within(Malformed::Misshapen { path, name, fault }),
            Fault::Within(malformed) => Fault::Within(malformed),
        })
    }

    /// Like [`Members::optional`], for a member whose absence may also be written `null`.
    pub(crate) fn nullable<T: Field>(&mut self, name: &'static str) -> Result<Option<T>, Fault> {
        if self.left.get(name).is_some_and(|raw| raw.get() == "null") {
            self.left.remove(name);
            return Ok(None);
        }
        self.optional(name)
    }

    /// Refuses what nobody has asked for.
    pub(crate) fn closed(self) -> Result<(), Fault> {
        match self.left.into_keys().next() {
            Some(name) => {
                let name = name.chars().take(48).collect();
                Err(Fault::Within(Malformed::Unknown { path: self.path, name }))
            }
            None => Ok(()),
        }
    }

    /// Ignores what nobody has asked for: an answer may say more than we know.
    pub(crate) fn open_ended(self) -> Result<(), Fault> {
        Ok(())
    }
}

/// Reads a whole message.
pub(crate) fn read<T: Field>(path: &'static str, text: &[u8]) -> Result<T, Malformed> {
    if ACT_MESSAGE_BYTES_MAX < text.len() {
        return Err(Malformed::TooLong { bytes: text.len() });
    }
    json::parse(text)?;
    let text = std::str::from_utf8(text).map_err(|_| Malformed::NotAnObject { path })?;
    T::read(text).map_err(|fault| match fault {
        Fault::Itself(_) => Malformed::NotAnObject { path },
        Fault::Within(malformed) => malformed,
    })
}

/// Writes a whole message, its members in the order of the specification.
pub(crate) fn written(value: &impl Field) -> String {
    let mut out = String::new();
    value.write(&mut out);
    out
}

/// The message as a tree, for whoever needs its members by name.
pub(crate) fn tree(value: &impl Field) -> Value {
    json::parse(written(value).as_bytes()).expect("what we write is strict JSON")
}

/// The members of the message, for whoever needs to pick some.
pub(crate) fn members(message: &impl Field) -> Map<String, Value> {
    tree(message).as_object().cloned().unwrap_or_default()
}

/// The canonical bytes of a message (RFC 8785).
pub(crate) fn canonical(value: &impl Field) -> Vec<u8> {
    json::canonical(&tree(value))
}

/// Declares a message: a struct whose fields are its members, by name, presence and type.
///
/// `closed` refuses members that are not listed, `open_ended` ignores them.
macro_rules! object {
    ($(#[$meaning:meta])* $vis:vis struct $name:ident $strictness:ident $path:literal $(checked $rules:path)? {
        $($(#[$about:meta])* $presence:ident $field:ident $(as $wire:literal)?: $type:ty,)+
    }) => {
        $(#[$meaning])*
        #[derive(Clone, Debug, PartialEq)]
        $vis struct $name {
            $($(#[$about])* $vis $field: $crate::act::object::object!(@type $presence $type),)+
        }

        impl $crate::act::object::Field for $name {
            fn read(raw: &str) -> Result<Self, $crate::act::object::Fault> {
                let mut members = $crate::act::object::Members::open($path, raw)?;
                let message = $name {
                    $($field: members.$presence($crate::act::object::object!(@name $field $($wire)?))?,)+
                };
                members.$strictness()?;
                $($rules(&message).map_err($crate::act::object::Fault::Within)?;)?
                Ok(message)
            }

            fn write(&self, out: &mut String) {
                out.push('{');
                let mut between = "";
                $(
                    let name = $crate::act::object::object!(@name $field $($wire)?);
                    $crate::act::object::object!(@write $presence self.$field, name, between, out);
                )+
                let _ = between;
                out.push('}');
            }
        }
    };
    (@type required $type:ty) => { $type };
    (@type optional $type:ty) => { Option<$type> };
    (@type nullable $type:ty) => { Option<$type> };
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $wire:literal) => { $wire };
    (@write required $value:expr, $name:ident, $between:ident, $out:ident) => {
        $crate::act::object::member(&$value, $name, &mut $between, $out);
    };
    (@write optional $value:expr, $name:ident, $between:ident, $out:ident) => {
        if let Some(value) = &$value {
            $crate::act::object::member(value, $name, &mut $between, $out);
        }
    };
    (@write nullable $value:expr, $name:ident, $between:ident, $out:ident) => {
        match &$value {
            Some(value) => $crate::act::object::member(value, $name, &mut $between, $out),
            None => $crate::act::object::member(&$crate::act::object::Opaque::NULL, $name, &mut $between, $out),
        }
    };
}

pub(crate) use object;

/// Lets objects be read and written on their own.
macro_rules! messages {
    ($($name:ident in $path:literal),+) => { $(
        impl $name {
            /// Reads the message from JSON text.
            ///
            /// # Errors
            /// [`Malformed`](crate::act::Malformed), naming the member.
            pub fn from_json(text: &[u8]) -> Result<Self, $crate::act::object::Malformed> {
                $crate::act::object::read($path, text)
            }

            /// Writes the message as JSON text, its members in the order of the specification.
            pub fn to_json(&self) -> String {
                $crate::act::object::written(self)
            }

            /// The message's canonical bytes (RFC 8785).
            pub fn canonical(&self) -> Vec<u8> {
                $crate::act::object::canonical(self)
            }
        }
    )+ };
}

pub(crate) use messages;

/// Adds `"name":value` and what has to stand before it.
pub(crate) fn member(value: &impl Field, name: &str, between: &mut &'static str, out: &mut String) {
    out.push_str(between);
    *between = ",";
    quote(name, out);
    out.push(':');
    value.write(out);
}

/// Any JSON value, carried and never looked into.
#[derive(Clone, Debug, PartialEq)]
pub struct Opaque(Value);

/// How much deeper a message may nest what it carries than the text it was read from.
const ENVELOPE_DEPTH: usize = 16;

impl Opaque {
    /// Reads a value from its JSON text.
    ///
    /// # Errors
    /// [`Malformed::Json`], also where a message around it would nest too deep.
    pub fn from_json(text: &str) -> Result<Self, Malformed> {
        json::parse(
            format!("{}{text}{}", "[".repeat(ENVELOPE_DEPTH), "]".repeat(ENVELOPE_DEPTH)).as_bytes(),
        )?;
        json::parse(text.as_bytes()).map(Opaque).map_err(Malformed::from)
    }

    /// The value.
    pub fn value(&self) -> &Value {
        &self.0
    }

    pub(crate) const NULL: Opaque = Opaque(Value::Null);
}

impl Field for Opaque {
    fn read(raw: &str) -> Result<Self, Fault> {
        serde_json::from_str(raw).map(Opaque).map_err(|_| Fault::Itself(Misshapen::unshown("a JSON value")))
    }

    fn write(&self, out: &mut String) {
        out.push_str(&self.0.to_string());
    }
}

/// Lets the words of a `words!` enum be members.
macro_rules! word_fields {
    ($($type:ty),+) => { $(
        impl $crate::act::object::Field for $type {
            fn read(raw: &str) -> Result<Self, $crate::act::object::Fault> {
                let word = $crate::act::object::string(raw)?;
                <$type>::parse(&word).ok_or_else(|| {
                    let fault = $crate::a402::Misshapen::new(&word, "one of the listed words");
                    $crate::act::object::Fault::Itself(fault)
                })
            }

            fn write(&self, out: &mut String) {
                $crate::act::object::quote(self.as_str(), out);
            }
        }
    )+ };
}

pub(crate) use word_fields;

impl<T: Field> Field for Vec<T> {
    fn read(raw: &str) -> Result<Self, Fault> {
        let items: Vec<&RawValue> =
            serde_json::from_str(raw).map_err(|_| Fault::Itself(Misshapen::unshown("a list")))?;
        if ACT_LIST_COUNT_MAX < items.len() {
            return Err(Fault::Itself(Misshapen::unshown("a list of at most 256 entries")));
        }
        items.into_iter().map(|item| T::read(item.get())).collect()
    }

    fn write(&self, out: &mut String) {
        out.push('[');
        for (place, item) in self.iter().enumerate() {
            if 0 < place {
                out.push(',');
            }
            item.write(out);
        }
        out.push(']');
    }
}

impl Field for bool {
    fn read(raw: &str) -> Result<Self, Fault> {
        serde_json::from_str(raw).map_err(|_| Fault::Itself(Misshapen::unshown("`true` or `false`")))
    }

    fn write(&self, out: &mut String) {
        out.push_str(if *self { "true" } else { "false" });
    }
}

impl Field for u64 {
    fn read(raw: &str) -> Result<Self, Fault> {
        raw.parse().map_err(|_| Fault::Itself(Misshapen::new(raw, "an integer of at least 0")))
    }

    fn write(&self, out: &mut String) {
        out.push_str(&self.to_string());
    }
}

/// Reads a JSON string.
pub(crate) fn string(raw: &str) -> Result<String, Fault> {
    serde_json::from_str(raw).map_err(|_| Fault::Itself(Misshapen::unshown("a string")))
}

/// Adds `text` as a JSON string.
pub(crate) fn quote(text: &str, out: &mut String) {
    out.push_str(&Value::from(text).to_string());
}
