//! Canonical bytes: one spelling for every value that enters the journal, so that equal values have equal hashes.
//!
//! Integers are little-endian base-128 without leading zero groups; identifiers and hashes are raw; lists and texts
//! begin with their length; an enum begins with its number, and numbers are never reused. A decoder accepts nothing
//! but what the encoder writes.

use crate::limits::CODE_BYTES_MAX;
use crate::money::{Amount, Nanos, NanosPerUnit, PartsPerMillion};
use crate::time::{Seq, Time};
use evidence::Hash;
use std::collections::VecDeque;

/// A value with canonical bytes.
pub trait Canon: Sized {
    /// Appends the value's bytes.
    fn encode(&self, out: &mut Vec<u8>);

    /// Reads the value back.
    ///
    /// # Errors
    /// [`Malformed`] for anything but what `encode` writes.
    fn decode(input: &mut Reader<'_>) -> Result<Self, Malformed>;
}

/// The bytes are not the canonical bytes of any value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("not the canonical bytes of an entry")
    }
}

impl std::error::Error for Malformed {}

/// The part of the input that is not read yet.
#[derive(Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Reads from the beginning of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader(bytes)
    }

    /// Whether everything was read.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Succeeds when everything was read.
    ///
    /// # Errors
    /// [`Malformed`] where bytes are left.
    pub fn finish(self) -> Result<(), Malformed> {
        if self.0.is_empty() { Ok(()) } else { Err(Malformed) }
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    /// [`Malformed`] where fewer are left.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(Malformed)?;
        self.0 = rest;
        Ok(*head)
    }

    /// The next `count` bytes.
    ///
    /// # Errors
    /// [`Malformed`] where fewer are left.
    pub fn bytes(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (head, rest) = self.0.split_at_checked(count).ok_or(Malformed)?;
        self.0 = rest;
        Ok(head)
    }

    /// One byte.
    ///
    /// # Errors
    /// [`Malformed`] where none is left.
    pub fn byte(&mut self) -> Result<u8, Malformed> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// An integer in its shortest base-128 form.
    ///
    /// # Errors
    /// [`Malformed`] for a longer form or more than 128 bits.
    pub fn integer(&mut self) -> Result<u128, Malformed> {
        let mut value = 0u128;
        for group in 0..19u32 {
            let byte = self.byte()?;
            let bits = u128::from(byte & 0x7F);
            if group == 18 && 3 < bits {
                return Err(Malformed);
            }
            value |= bits << group.saturating_mul(7);
            if byte & 0x80 == 0 {
                return if byte == 0 && 0 < group { Err(Malformed) } else { Ok(value) };
            }
        }
        Err(Malformed)
    }

    /// A length of at most `max`.
    ///
    /// # Errors
    /// [`Malformed`] above it.
    pub fn length(&mut self, max: usize) -> Result<usize, Malformed> {
        let length = usize::try_from(self.integer()?).map_err(|_| Malformed)?;
        if max < length { Err(Malformed) } else { Ok(length) }
    }
}

/// Appends an integer in its shortest base-128 form.
pub(crate) fn integer(mut value: u128, out: &mut Vec<u8>) {
    loop {
        let group = u8::try_from(value & 0x7F).expect("seven bits fit");
        value >>= 7;
        if value == 0 {
            out.push(group);
            return;
        }
        out.push(group | 0x80);
    }
}

macro_rules! integers {
    ($($type:ty),*) => {$(
        impl Canon for $type {
            fn encode(&self, out: &mut Vec<u8>) {
                integer(u128::from(*self), out);
            }

            fn decode(input: &mut Reader<'_>) -> Result<Self, Malformed> {
                <$type>::try_from(input.integer()?).map_err(|_| Malformed)
            }
        }
    )*};
}

integers!(u8, u16, u32, u64, u128);

macro_rules! wrapped_integers {
    ($($type:ident($get:expr, $new:expr)),* $(,)?) => {$(
        impl Canon for $type {
            fn encode(&self, out: &mut Vec<u8>) {
                integer(u128::from($get(*self)), out);
            }

            fn decode(input: &mut Reader<'_>) -> Result<Self, Malformed> {
                $new(input.integer()?)
            }
        }
    )*};
}

wrapped_integers! {
    Seq(|s: Seq| s.0, |v| u64::try_from(v).map(Seq).map_err(|_| Malformed)),
    Time(|t: Time| t.0, |v| u64::try_from(v).map(Time).map_err(|_| Malformed)),
    Amount(Amount::minor, |v| Amount::new(v).ok_or(Malformed)),
    Nanos(Nanos::get, |v| Ok(Nanos::new(v))),
    NanosPerUnit(|n: NanosPerUnit| n.0, |v| u64::try_from(v).map(NanosPerUnit).map_err(|_| Malformed)),
    PartsPerMillion(PartsPerMillion::get, |v| {
        u32::try_from(v).ok().and_then(PartsPerMillion::new).ok_or(Malformed)
    }),
}

impl Canon for Hash {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, Malformed> {
        input.array().map(Hash)
    }
}

impl Canon for bool {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, Malformed> {
        match input.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed),
        }
    }
}

impl<T: Canon> Canon for Option<T> {
    fn encode(&self, out: &mut Vec<u8>) {
        self.is_some().encode(out);
        if let Some(value) = self {
            value.encode(out);
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, Malformed> {
        if bool::decode(input)? { T::decode(input).map(Some) } else { Ok(None) }
    }
}

impl<T: Canon> Canon for Box<T> {
    fn encode(&self, out: &mut Vec<u8>) {
        T::encode(self, out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, Malformed> {
        T::decode(input).map(Box::new)
    }
}

impl<A: Canon, B: Canon> Canon for (A, B) {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
        self.1.encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok((A::decode(input)?, B::decode(input)?))
    }
}

/// The most items of any list in the journal; each list has a tighter limit of its own where it is decided.
const LIST_ITEMS: usize = 1 << 12;

impl<T: Canon> Canon for Vec<T> {
    fn encode(&self, out: &mut Vec<u8>) {
        integer(u128::try_from(self.len()).expect("a length fits"), out);
        for item in self {
            item.encode(out);
        }
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, Malformed> {
        let length = input.length(LIST_ITEMS)?;
        let mut items = Vec::with_capacity(length.min(64));
        for _ in 0..length {
            items.push(T::decode(input)?);
        }
        Ok(items)
    }
}

/// A list of the state, which no request brings: as long as its bytes.
macro_rules! lists_of_state {
    ($($list:ty),*) => {$(
        impl<T: Canon> Canon for $list {
            fn encode(&self, out: &mut Vec<u8>) {
                integer(u128::try_from(self.len()).expect("a length fits"), out);
                for item in self {
                    item.encode(out);
                }
            }

            fn decode(input: &mut Reader<'_>) -> Result<Self, Malformed> {
                let length = u64::decode(input)?;
                (0..length).map(|_| T::decode(input)).collect()
            }
        }
    )*};
}

lists_of_state!(Box<[T]>, VecDeque<T>);

/// A short name from a closed alphabet: an asset, a category. 1 to [`CODE_BYTES_MAX`] of `A-Z a-z 0-9 _ - . /`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code([u8; CODE_BYTES_MAX]);

impl Code {
    /// The code spelled `text`, or `None` where it is empty, too long or outside the alphabet.
    pub fn new(text: &str) -> Option<Code> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"_-./".contains(&b);
        if text.is_empty() || CODE_BYTES_MAX < text.len() || !text.bytes().all(allowed) {
            return None;
        }
        let mut code = [0; CODE_BYTES_MAX];
        for (place, byte) in code.iter_mut().zip(text.bytes()) {
            *place = byte;
        }
        Some(Code(code))
    }

    /// The spelling.
    pub fn as_str(&self) -> &str {
        let length = self.0.iter().position(|b| *b == 0).unwrap_or(CODE_BYTES_MAX);
        let bytes = self.0.get(..length).expect("a position lies inside");
        std::str::from_utf8(bytes).expect("the alphabet is ASCII")
    }
}

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Canon for Code {
    fn encode(&self, out: &mut Vec<u8>) {
        let text = self.as_str();
        integer(u128::try_from(text.len()).expect("a length fits"), out);
        out.extend_from_slice(text.as_bytes());
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, Malformed> {
        let length = input.length(CODE_BYTES_MAX)?;
        let text = std::str::from_utf8(input.bytes(length)?).map_err(|_| Malformed)?;
        Code::new(text).ok_or(Malformed)
    }
}

/// Derives [`Canon`] for a struct, field by field in the order given.
macro_rules! canon_struct {
    ($name:ident { $($field:ident),* $(,)? }) => {
        impl $crate::canon::Canon for $name {
            #[allow(unused_variables)]
            fn encode(&self, out: &mut Vec<u8>) {
                $($crate::canon::Canon::encode(&self.$field, out);)*
            }

            #[allow(unused_variables)]
            fn decode(input: &mut $crate::canon::Reader<'_>) -> Result<Self, $crate::canon::Malformed> {
                Ok($name { $($field: $crate::canon::Canon::decode(input)?),* })
            }
        }
    };
}

/// Derives [`Canon`] for an enum of units, tuples of one and structs, each with its number.
macro_rules! canon_enum {
    ($name:ident {
        $($number:literal => $variant:ident $(($inner:ident))? $({ $($field:ident),* $(,)? })?),* $(,)?
    }) => {
        impl $crate::canon::Canon for $name {
            fn encode(&self, out: &mut Vec<u8>) {
                match self {
                    $($name::$variant $(($inner))? $({ $($field),* })? => {
                        out.push($number);
                        $($crate::canon::Canon::encode($inner, out);)?
                        $($($crate::canon::Canon::encode($field, out);)*)?
                    })*
                }
            }

            fn decode(input: &mut $crate::canon::Reader<'_>) -> Result<Self, $crate::canon::Malformed> {
                match input.byte()? {
                    $($number => Ok($name::$variant
                        $(({ let $inner = $crate::canon::Canon::decode(input)?; $inner }))?
                        $({ $($field: $crate::canon::Canon::decode(input)?),* })?),)*
                    _ => Err($crate::canon::Malformed),
                }
            }
        }
    };
}

pub(crate) use {canon_enum, canon_struct};

/// The canonical bytes of `value`.
pub fn bytes<T: Canon>(value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    value.encode(&mut out);
    out
}

/// The value whose canonical bytes these are.
///
/// # Errors
/// [`Malformed`] for any other bytes.
pub fn value<T: Canon>(bytes: &[u8]) -> Result<T, Malformed> {
    let mut input = Reader::new(bytes);
    let value = T::decode(&mut input)?;
    input.finish()?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_integer_has_one_spelling() {
        for (number, spelled) in
            [(0u128, vec![0]), (127, vec![127]), (128, vec![128, 1]), (300, vec![172, 2])]
        {
            assert_eq!(bytes(&number), spelled);
        }
        for bad in [
            vec![],
            vec![128],
            vec![128, 0],
            vec![255, 0],
            vec![0x80; 19],
            [vec![0xFF; 18], vec![4]].concat(),
        ] {
            assert_eq!(value::<u128>(&bad), Err(Malformed), "{bad:?}");
        }
        assert_eq!(value::<u8>(&[172, 2]), Err(Malformed));
        assert_eq!(value::<bool>(&[2]), Err(Malformed));
    }

    #[test]
    fn codes_keep_to_their_alphabet() {
        assert_eq!(Code::new("CNY").map(|c| c.as_str().to_owned()).as_deref(), Some("CNY"));
        for bad in ["", "a b", "é", "12345678901234567", "a\0"] {
            assert!(Code::new(bad).is_none(), "{bad:?}");
        }
        assert_eq!(value::<Code>(&[0]), Err(Malformed));
    }

    proptest! {
        #[test]
        fn integers_round_trip(number: u128) {
            prop_assert_eq!(value::<u128>(&bytes(&number)), Ok(number));
        }

        #[test]
        fn what_decodes_encodes_to_the_same_bytes(input in proptest::collection::vec(any::<u8>(), 0..24)) {
            if let Ok(number) = value::<u128>(&input) {
                prop_assert_eq!(bytes(&number), input);
            }
        }
    }
}
