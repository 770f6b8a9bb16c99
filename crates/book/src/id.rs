//! Identifiers: 128 bits that begin with the time they were made, so that how long they are remembered has a limit.

use crate::time::Time;
use std::hash::{Hash, Hasher};

/// Crockford's base 32, upper case: the digits of identifiers and of codes that people type.
pub const BASE32: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The digit of [`BASE32`] that somebody meant: small letters are large ones, and those that look like others are these.
pub fn digit_meant(letter: char) -> char {
    match letter.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        letter => letter,
    }
}

/// The raw form of every identifier: 48 bits of milliseconds since 1970, then 80 bits chosen by whoever made it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id(pub [u8; 16]);

impl Hash for Id {
    // In one piece: the derived form hashes a length as well.
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(&self.0);
    }
}

impl Id {
    /// An identifier made at `at`; of `random`, the last ten bytes are used.
    pub fn new(at: Time, random: [u8; 16]) -> Id {
        let millis = (at.0 / 1_000_000).to_be_bytes();
        let mut bytes = random;
        for (byte, time) in bytes.iter_mut().zip(millis.iter().skip(2)) {
            *byte = *time;
        }
        Id(bytes)
    }

    /// When the identifier says it was made, to the millisecond.
    pub fn made_at(self) -> Time {
        let [a, b, c, d, e, f, ..] = self.0;
        let millis = u64::from_be_bytes([0, 0, a, b, c, d, e, f]);
        Time(millis.saturating_mul(1_000_000))
    }

    /// 26 characters of Crockford's base 32, upper case: the text behind the prefix.
    pub fn text(self) -> String {
        let bits = u128::from_be_bytes(self.0);
        (0..26u32)
            .rev()
            .map(|place| {
                let digit = usize::try_from((bits >> place.saturating_mul(5)) & 31).expect("five bits fit");
                char::from(*BASE32.get(digit).expect("five bits index 32 characters"))
            })
            .collect()
    }

    /// Reads [`Id::text`] back; only the canonical spelling is one.
    pub fn from_text(text: &str) -> Option<Id> {
        if text.len() != 26 {
            return None;
        }
        let mut bits = 0u128;
        for (place, byte) in text.bytes().enumerate() {
            let digit = BASE32.iter().position(|c| *c == byte)?;
            if place == 0 && 7 < digit {
                return None;
            }
            bits = (bits << 5) | u128::try_from(digit).ok()?;
        }
        Some(Id(bits.to_be_bytes()))
    }
}

/// Declares the identifiers with their prefixes: the one registry of both.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident $prefix:literal,)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Id);

        impl $name {
            /// The prefix of the text form, without the underscore.
            pub const PREFIX: &'static str = $prefix;
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.text())
            }
        }

        impl std::str::FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                let rest = text.strip_prefix(concat!($prefix, "_")).ok_or(NotAnId)?;
                Id::from_text(rest).map($name).ok_or(NotAnId)
            }
        }

        impl crate::canon::Canon for $name {
            fn encode(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.0.0);
            }

            fn decode(input: &mut crate::canon::Reader<'_>) -> Result<Self, crate::canon::Malformed> {
                input.array().map(|bytes| $name(Id(bytes)))
            }
        }
    )*};
}

ids! {
    /// Any request that is not named by the thing it makes: a freeze, a change of limits, a capture.
    RequestId "req",
    /// A person or organisation that owns wallets and payees.
    OwnerId "own",
    /// An account that an owner's agents spend from: a wallet, or one agent's sub-account of a wallet.
    WalletId "wal",
    /// An account that collects: a seller's.
    PayeeId "pye",
    /// A program that spends for an owner.
    AgentId "agt",
    /// A public key that speaks for an owner, an agent, a payee or the operator.
    KeyId "key",
    /// What an owner lets one agent do.
    MandateId "mdt",
    /// A payment made at once.
    PaymentId "pay",
    /// Money set aside for a payee until it is captured, voided or expired.
    HoldId "hld",
    /// A hold that is drawn down by metered work.
    MeterId "mtr",
    /// Work of a seller that is paid for before it is done.
    QuotaId "qta",
    /// A seller's work by the month, renewed by itself.
    SubscriptionId "sub",
    /// What a seller asks for, to be paid by whoever is given the address.
    LinkId "lnk",
    /// Money given back for a payment or a captured hold.
    RefundId "ref",
    /// What a seller bills of what it was paid.
    InvoiceId "inv",
    /// What a seller takes back of an invoice.
    CreditNoteId "crn",
    /// What a seller collected, on its way to its bank account.
    PayoutId "pyo",
    /// Payouts that are handed to the bank together.
    PayoutBatchId "pob",
    /// A movement between accounts of one owner, or from and to the world outside.
    TransferId "trf",
}

/// The text is not an identifier of this kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAnId;

impl std::fmt::Display for NotAnId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("not an identifier of this kind")
    }
}

impl std::error::Error for NotAnId {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn identifiers_carry_their_kind_and_time() {
        let id = Id::new(Time::from_seconds(1_700_000_000), [0xAB; 16]);
        assert_eq!(id.made_at(), Time::from_seconds(1_700_000_000));
        assert_eq!(PaymentId(id).to_string(), "pay_01HF7YAT00NENTQAXBNENTQAXB");
        assert_eq!("pay_01HF7YAT00NENTQAXBNENTQAXB".parse(), Ok(PaymentId(id)));
    }

    #[test]
    fn only_the_canonical_spelling_is_an_identifier() {
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
            assert_eq!(text.parse::<PaymentId>(), Err(NotAnId), "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_round_trips(bytes: [u8; 16]) {
            prop_assert_eq!(Id::from_text(&Id(bytes).text()), Some(Id(bytes)));
        }
    }
}
