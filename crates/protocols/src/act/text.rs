//! The texts of ACT messages beyond those of A402: sentences, extensible words, masked accounts, UTC times.

use super::object::{Fault, Field, quote, string};
use crate::a402::{
    AmountText, Currency, DateTime, Fingerprint, Identifier, Misshapen, SignatureText, Uri, text::text,
};
use crate::limits::{ACCOUNT_DIGITS_RUN_MAX, ACT_SENTENCE_BYTES_MAX};
use book::Time;
use std::fmt;

text! {
    /// Words a person or an agent wrote: 1 byte to 16 KiB.
    Sentence, "a text of 1 to 16384 bytes", |text| {
        !text.is_empty() && text.len() <= ACT_SENTENCE_BYTES_MAX
    }
}

text! {
    /// A word of a list that implementers may extend, such as `FINGERPRINT`.
    Word, "a word of 1 to 64 capitals, digits and `_`", |text| {
        (1..=64).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
    }
}

text! {
    /// An account as its holder may show it: masked, so no long run of digits stands in it (BND-01).
    MaskedAccount, "a masked account reference of 1 to 256 characters without long runs of digits", |text| {
        let longest = text.split(|letter: char| !letter.is_ascii_digit()).map(str::len).max();
        (1..=256).contains(&text.chars().count()) && longest <= Some(ACCOUNT_DIGITS_RUN_MAX)
    }
}

/// An instant in UTC as ISO 8601 writes it: an offset other than zero is refused (ICS-08).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UtcTime(DateTime);

impl UtcTime {
    /// Takes `text` if it is a date-time that ends in `Z` or `+00:00`.
    ///
    /// # Errors
    /// [`Misshapen`].
    pub fn parse(text: impl Into<String>) -> Result<Self, Misshapen> {
        let text = text.into();
        if !(text.ends_with('Z') || text.ends_with("+00:00")) {
            return Err(Misshapen::new(&text, "an ISO 8601 date-time in UTC"));
        }
        DateTime::parse(text).map(UtcTime)
    }

    /// The second in which `at` lies.
    pub fn second_of(at: Time) -> Self {
        UtcTime(DateTime::second_of(at))
    }

    /// The instant.
    pub fn time(&self) -> Time {
        self.0.time()
    }

    /// The text, letter by letter.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

macro_rules! text_fields {
    ($($type:ty),+) => { $(
        impl Field for $type {
            fn read(raw: &str) -> Result<Self, Fault> {
                <$type>::parse(string(raw)?).map_err(Fault::Itself)
            }

            fn write(&self, out: &mut String) {
                quote(self.as_str(), out);
            }
        }
    )+ };
}

text_fields! {
    AmountText, Currency, Fingerprint, Identifier, MaskedAccount, Sentence, SignatureText, Uri, UtcTime, Word
}
