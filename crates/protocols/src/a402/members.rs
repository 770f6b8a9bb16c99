//! Taking a JSON object apart: every member is asked for by name, and none may be left over.

use super::error::ErrorId;
use super::headers::HeaderRole;
use super::text::Misshapen;
use crate::json::NotStrict;
use crate::limits::HEADER_VALUE_BYTES_MAX;
use serde_json::{Map, Value};

/// Why a header value is not the payload its name promises.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Longer than [`HEADER_VALUE_BYTES_MAX`].
    #[error("value of {bytes} bytes is longer than {HEADER_VALUE_BYTES_MAX}")]
    TooLong { bytes: usize },
    /// Not unpadded canonical Base64URL.
    #[error("value is not unpadded Base64URL")]
    Encoding,
    /// Not JSON, or JSON that two readers could read differently.
    #[error(transparent)]
    Json(#[from] NotStrict),
    #[error("`{path}` is not an object")]
    NotAnObject { path: &'static str },
    #[error("`{path}.{name}` is missing")]
    Missing { path: &'static str, name: &'static str },
    #[error("`{path}` has the unknown member `{}`", name.escape_debug())]
    Unknown { path: &'static str, name: String },
    #[error("`{path}.{name}`: {fault}")]
    Misshapen { path: &'static str, name: &'static str, fault: Misshapen },
    /// The layer `method` has no member.
    #[error("`method` is empty")]
    MethodEmpty,
    /// A request that may change something names no idempotency key (A402-19).
    #[error("`protocol.idempotency_key` is missing for a `{request_method}` request")]
    IdempotencyKeyMissing { request_method: String },
    /// A validation that is not `VALID` says no error, or a `VALID` one says one (A402-20).
    #[error("`protocol.error` does not go with `protocol.validation_status` `{status}`")]
    ErrorMismatch { status: &'static str },
}

impl Malformed {
    /// The catalogue's error for a header of this role.
    ///
    /// A validation that cannot be read says nothing about the payment, so that is asked for first.
    pub fn error_id(&self, role: HeaderRole) -> ErrorId {
        match role {
            HeaderRole::Needed => ErrorId::RequestInvalid,
            HeaderRole::Proof => ErrorId::ProofInvalid,
            HeaderRole::Validation => ErrorId::SystemUnavailable,
        }
    }
}

/// The members of an object that nobody has asked for yet.
pub(crate) struct Members {
    path: &'static str,
    left: Map<String, Value>,
}

impl Members {
    pub(crate) fn open(path: &'static str, value: Value) -> Result<Self, Malformed> {
        match value {
            Value::Object(left) => Ok(Members { path, left }),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                Err(Malformed::NotAnObject { path })
            }
        }
    }

    /// Takes the member `name`, which must be there.
    pub(crate) fn take(&mut self, name: &'static str) -> Result<Value, Malformed> {
        self.left.remove(name).ok_or(Malformed::Missing { path: self.path, name })
    }

    /// Takes the member `name` if it is there.
    pub(crate) fn take_if_any(&mut self, name: &'static str) -> Option<Value> {
        self.left.remove(name)
    }

    /// Takes a string that must be there, and reads it by its rule.
    pub(crate) fn text<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(String) -> Result<T, Misshapen>,
    ) -> Result<T, Malformed> {
        let value = self.take(name)?;
        self.read_text(name, value, read)
    }

    /// Takes a string that may be absent, and reads it by its rule.
    pub(crate) fn text_if_any<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(String) -> Result<T, Misshapen>,
    ) -> Result<Option<T>, Malformed> {
        match self.take_if_any(name) {
            Some(value) => self.read_text(name, value, read).map(Some),
            None => Ok(None),
        }
    }

    /// Takes an integer from `min` to `max` that must be there.
    ///
    /// `600.0` is refused, although the schema's `integer` would let it pass: nobody writes it, and
    /// not every reader takes it for 600.
    pub(crate) fn integer(&mut self, name: &'static str, bounds: (u32, u32)) -> Result<u32, Malformed> {
        let value = self.take(name)?;
        let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
        let number = number.ok_or_else(|| self.misshapen(name, &value, "an integer within its bounds"))?;
        Self::check_integer((self.path, name), number, bounds)?;
        Ok(number)
    }

    /// Takes an integer that may be absent.
    pub(crate) fn integer_if_any(
        &mut self,
        name: &'static str,
        bounds: (u32, u32),
    ) -> Result<Option<u32>, Malformed> {
        if !self.left.contains_key(name) {
            return Ok(None);
        }
        self.integer(name, bounds).map(Some)
    }

    pub(crate) fn check_integer(
        (path, name): (&'static str, &'static str),
        number: u32,
        (min, max): (u32, u32),
    ) -> Result<(), Malformed> {
        if (min..=max).contains(&number) {
            return Ok(());
        }
        Err(Self::unfit(path, name, "an integer within its bounds"))
    }

    /// Refuses a member without showing it.
    pub(crate) fn unfit(path: &'static str, name: &'static str, rule: &'static str) -> Malformed {
        Malformed::Misshapen { path, name, fault: Misshapen::unshown(rule) }
    }

    pub(crate) fn misshapen(&self, name: &'static str, value: &Value, rule: &'static str) -> Malformed {
        let fault = Misshapen::new(&value.to_string(), rule);
        Malformed::Misshapen { path: self.path, name, fault }
    }

    /// Refuses what nobody has asked for.
    pub(crate) fn end(self) -> Result<(), Malformed> {
        match self.left.into_iter().next() {
            Some((name, _)) => {
                Err(Malformed::Unknown { path: self.path, name: name.chars().take(48).collect() })
            }
            None => Ok(()),
        }
    }

    fn read_text<T>(
        &self,
        name: &'static str,
        value: Value,
        read: impl FnOnce(String) -> Result<T, Misshapen>,
    ) -> Result<T, Malformed> {
        let read = match value {
            Value::String(text) => read(text),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                Err(Misshapen::unshown("a string"))
            }
        };
        read.map_err(|fault| Malformed::Misshapen { path: self.path, name, fault })
    }
}
