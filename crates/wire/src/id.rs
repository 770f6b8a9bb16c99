//! Identifiers as text: a prefix that says of what, and 26 characters that begin with the time they were made.

use crate::money::read_text;
use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Reads 26 characters of Crockford's base 32, upper case, into 128 bits; no other spelling is one.
fn read_bits(text: &[u8]) -> Option<u128> {
    if text.len() != 26 || b'7' < *text.first()? {
        return None;
    }
    text.iter().try_fold(0u128, |bits, byte| {
        let digit = DIGITS.get(usize::from(*byte)).copied().filter(|digit| *digit < 32)?;
        Some((bits << 5) | u128::from(digit))
    })
}

/// The digit each byte stands for; 255 for none.
const DIGITS: [u8; 256] = {
    let mut digits = [255; 256];
    let mut place = 0;
    while place < 32 {
        digits[ALPHABET[place] as usize] = place as u8;
        place += 1;
    }
    digits
};

fn write_bits(bits: u128, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut text = [0u8; 26];
    for (place, byte) in text.iter_mut().rev().enumerate() {
        let digit = usize::try_from((bits >> (place * 5)) & 31).expect("five bits fit");
        *byte = *ALPHABET.get(digit).expect("five bits index 32 characters");
    }
    f.write_str(std::str::from_utf8(&text).expect("the alphabet is ASCII"))
}

/// The text is not an identifier of this kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAnId(&'static str);

impl fmt::Display for NotAnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for NotAnId {}

/// Describes a type that is written as a string.
#[cfg(feature = "schema")]
macro_rules! text_schema {
    ($name:path, $pattern:expr, $example:expr, $about:expr) => {
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .pattern(Some($pattern))
                    .examples([$example])
                    .description(Some($about))
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {}
    };
}
#[cfg(feature = "schema")]
pub(crate) use text_schema;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident $prefix:literal,)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u128);

        impl $name {
            /// The prefix of the text form, without the underscore.
            pub const PREFIX: &'static str = $prefix;
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!($prefix, "_"))?;
                write_bits(self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                text.strip_prefix(concat!($prefix, "_"))
                    .and_then(|rest| read_bits(rest.as_bytes()))
                    .map($name)
                    .ok_or(NotAnId(concat!("not an id that begins with `", $prefix, "_`")))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                read_text(deserializer, concat!("an id that begins with `", $prefix, "_`"))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        #[cfg(feature = "schema")]
        text_schema!(
            $name,
            concat!("^", $prefix, "_[0-7][0-9A-HJKMNP-TV-Z]{25}$"),
            concat!($prefix, "_01KAZ0A3C0ET1N8R7P6QGX5W9D"),
            concat!("An id: `", $prefix, "_` and 26 characters that begin with the time it was made, like a ULID.")
        );
    )*};
}

ids! {
    /// A change that is named by nothing it makes.
    RequestId "req",
    /// A person or organisation.
    OwnerId "own",
    /// An account that an owner's agents spend from.
    WalletId "wal",
    /// An account that collects.
    PayeeId "pye",
    /// A program that spends for an owner.
    AgentId "agt",
    /// A public key.
    KeyId "key",
    /// What an owner lets one agent do.
    MandateId "mdt",
    /// A payment made at once.
    PaymentId "pay",
    /// Money set aside.
    HoldId "hld",
    /// A hold that is drawn down by counted work.
    MeterId "mtr",
    /// Work that is paid for before it is done.
    QuotaId "qta",
    /// A seller's work by the period, renewed by itself.
    SubscriptionId "sub",
    /// What a seller asks for, to be paid by whoever is given the address.
    LinkId "lnk",
    /// What a seller collected, on its way to its bank account.
    PayoutId "pyo",
    /// Payouts that are handed to the bank together.
    PayoutBatchId "pob",
    /// Money given back.
    RefundId "ref",
    /// What a seller bills of what it was paid.
    InvoiceId "inv",
    /// What a seller takes back of an invoice.
    CreditNoteId "crn",
    /// A movement between accounts of one owner, or from and to the world outside.
    TransferId "trf",
    /// What an owner said an agent may spend on, before it is agreed to.
    IntentId "int",
    /// What a seller was ordered, in the seller's own words.
    OrderId "ord",
    /// What a seller offers on the market.
    ServiceId "svc",
    /// Somebody who is told what a seller's sales are.
    WebhookId "whk",
}

/// A SHA-256 digest: 43 characters of unpadded Base 64 for URLs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

const URL_ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_base64url(&self.0, f)
    }
}

impl FromStr for Digest {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Digest, NotAnId> {
        read_base64url(text)
            .and_then(|bytes| bytes.try_into().ok())
            .map(Digest)
            .ok_or(NotAnId("a digest is 43 characters of unpadded Base64URL"))
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_text(deserializer, "a digest in Base64URL")
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(feature = "schema")]
text_schema!(
    Digest,
    "^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$",
    "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU",
    "A SHA-256 digest in unpadded Base64URL."
);

fn write_base64url(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for chunk in bytes.chunks(3) {
        let bits =
            chunk.iter().fold(0u32, |bits, byte| (bits << 8) | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            let digit = usize::try_from((bits >> (18 - 6 * place)) & 63).expect("six bits fit");
            let byte = URL_ALPHABET.get(digit).expect("six bits index 64 characters");
            fmt::Write::write_char(f, char::from(*byte))?;
        }
    }
    Ok(())
}

/// Reads unpadded Base 64 for URLs in its one spelling.
pub(crate) fn read_base64url(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut count) = (0u32, 0u32);
    for byte in text.bytes() {
        let digit = URL_ALPHABET.iter().position(|known| *known == byte)?;
        bits = (bits << 6) | u32::try_from(digit).ok()?;
        count += 6;
        if 8 <= count {
            count -= 8;
            bytes.push(u8::try_from((bits >> count) & 255).ok()?);
        }
    }
    let left_over = bits & ((1 << count) - 1);
    (count < 6 && left_over == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_have_one_spelling() {
        let text = "pay_01HF7YAT00NENTQAXBNENTQAXB";
        assert_eq!(text.parse::<PaymentId>().unwrap().to_string(), text);
        for text in [
            "",
            "pay_",
            "hld_01HF7YAT00NENTQAXBNENTQAXB",
            "pay_01hf7yat00NENTQAXBNENTQAXB",
            "pay_81HF7YAT00NENTQAXBNENTQAXB",
            "pay_01HF7YAT00NENTQAXBNENTQAXI",
            "pay_01HF7YAT00NENTQAXBNENTQAX",
            "pay_01HF7YAT00NENTQAXBNENTQAXBB",
            " pay_01HF7YAT00NENTQAXBNENTQAXB",
        ] {
            assert!(text.parse::<PaymentId>().is_err(), "{text}");
        }
    }

    #[test]
    fn digests_have_one_spelling() {
        let text = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
        assert_eq!(text.parse::<Digest>().unwrap().to_string(), text);
        for text in [
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
            "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=",
            "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFV",
            "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuF",
            "",
        ] {
            assert!(text.parse::<Digest>().is_err(), "{text}");
        }
    }
}
