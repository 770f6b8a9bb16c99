//! Numbers, addresses and chains, as EVM chains and x402 write them, read in one spelling each.

use super::keccak;
use std::fmt;

/// The most digits of a number of 256 bits.
const DIGITS_MAX: usize = 78;

/// A number of 256 bits that is not negative: an amount in a token's smallest unit, or a moment in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uint256([u8; 32]);

impl Uint256 {
    /// Reads decimal digits without a sign, a fraction or a leading zero.
    pub fn parse(text: &str) -> Option<Uint256> {
        let is_canonical = text == "0" || !text.starts_with('0');
        if text.is_empty() || DIGITS_MAX < text.len() || !is_canonical {
            return None;
        }
        let mut bytes = [0u8; 32];
        for digit in text.bytes() {
            let mut carry = u16::from(char::from(digit).to_digit(10).and_then(|it| u8::try_from(it).ok())?);
            for byte in bytes.iter_mut().rev() {
                let product = u16::from(*byte) * 10 + carry;
                [_, *byte] = product.to_be_bytes();
                carry = product >> 8;
            }
            if carry != 0 {
                return None;
            }
        }
        Some(Uint256(bytes))
    }

    /// A number from its 32 bytes, the most significant first.
    pub fn from_bytes(bytes: [u8; 32]) -> Uint256 {
        Uint256(bytes)
    }

    /// Its 32 bytes, the most significant first.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The same as a number of 64 bits, where it is one.
    pub fn as_u64(&self) -> Option<u64> {
        let (high, low) = self.0.split_last_chunk::<8>()?;
        high.iter().all(|byte| *byte == 0).then(|| u64::from_be_bytes(*low))
    }
}

impl From<u64> for Uint256 {
    fn from(number: u64) -> Uint256 {
        let mut bytes = [0u8; 32];
        bytes[24..].copy_from_slice(&number.to_be_bytes());
        Uint256(bytes)
    }
}

impl fmt::Display for Uint256 {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = self.0;
        let mut digits = Vec::new();
        while left.iter().any(|byte| *byte != 0) {
            let mut rest = 0u16;
            for byte in &mut left {
                let part = rest * 256 + u16::from(*byte);
                [_, *byte] = (part / 10).to_be_bytes();
                rest = part % 10;
            }
            let digit = char::from_digit(u32::from(rest), 10).expect("a rest of ten is a digit");
            digits.push(digit);
        }
        if digits.is_empty() {
            digits.push('0');
        }
        out.write_str(&digits.iter().rev().collect::<String>())
    }
}

/// An account or a contract of a chain.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address([u8; 20]);

impl Address {
    /// Reads `0x` and forty hexadecimal digits. Letters of both cases are the checksum of EIP-55, and have to be right;
    /// of one case they say nothing.
    pub fn parse(text: &str) -> Option<Address> {
        let address = Address(read_hex(text)?);
        let digits = text.strip_prefix("0x")?;
        let has = |is_case: fn(&u8) -> bool| digits.bytes().any(|digit| is_case(&digit));
        let is_mixed = has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
        (!is_mixed || address.to_string() == text).then_some(address)
    }

    /// An address from its 20 bytes.
    pub fn from_bytes(bytes: [u8; 20]) -> Address {
        Address(bytes)
    }

    /// Its 20 bytes.
    pub fn bytes(&self) -> &[u8; 20] {
        &self.0
    }

    /// The same with zeros before it, as contracts take it.
    pub fn word(&self) -> [u8; 32] {
        let mut word = [0u8; 32];
        word[12..].copy_from_slice(&self.0);
        word
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = hex(&self.0);
        let hash = keccak(digits.as_bytes());
        out.write_str("0x")?;
        for (place, digit) in digits.chars().enumerate() {
            let byte = hash.get(place / 2).copied().unwrap_or_default();
            let nibble = if place % 2 == 0 { byte >> 4 } else { byte & 15 };
            let digit = if nibble < 8 { digit } else { digit.to_ascii_uppercase() };
            write!(out, "{digit}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{self}")
    }
}

/// A chain, by its number in EIP-155.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Chain(u64);

/// What the name of every such network begins with, as CAIP-2 has it.
pub const NAMESPACE: &str = "eip155:";

impl Chain {
    /// The chain of this number; none has 0, nor one that not every reader of JSON can hold.
    pub fn new(number: u64) -> Option<Chain> {
        (1..1 << 53).contains(&number).then_some(Chain(number))
    }

    /// Reads `eip155:` and the number.
    pub fn parse(text: &str) -> Option<Chain> {
        Uint256::parse(text.strip_prefix(NAMESPACE)?)?.as_u64().and_then(Chain::new)
    }

    /// Its number.
    pub fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{NAMESPACE}{}", self.0)
    }
}

/// Writes bytes as hexadecimal digits in lower case, without `0x`.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads `0x` and two hexadecimal digits of either case for each byte, no more and no fewer.
pub fn read_hex<const BYTES: usize>(text: &str) -> Option<[u8; BYTES]> {
    let digits = text.strip_prefix("0x").filter(|digits| digits.len() == 2 * BYTES)?;
    let mut bytes = [0u8; BYTES];
    for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks(2)) {
        let pair = std::str::from_utf8(pair).ok().filter(|pair| !pair.starts_with('+'))?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The largest number of 256 bits.
    const MOST: &str = "115792089237316195423570985008687907853269984665640564039457584007913129639935";

    #[test]
    fn a_number_has_one_spelling() {
        for text in ["0", "1", "10000", "340282366920938463463374607431768211456", MOST] {
            assert_eq!(Uint256::parse(text).unwrap().to_string(), text);
        }
        let beyond = format!("{}6", &MOST[..77]);
        for wrong in ["", "00", "01", "+1", "-1", "1.0", "1e3", " 1", "1 ", "0x1", "１", "1_000", &beyond] {
            assert_eq!(Uint256::parse(wrong), None, "{wrong}");
        }
        assert_eq!(Uint256::parse(&format!("{MOST}0")), None);
        assert_eq!(Uint256::parse("18446744073709551615").unwrap().as_u64(), Some(u64::MAX));
        assert_eq!(Uint256::parse("18446744073709551616").unwrap().as_u64(), None);
    }

    #[test]
    fn an_address_is_read_with_its_checksum_or_without_one() {
        // The first three are of EIP-55 itself.
        for text in [
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            "0x52908400098527886E0F7030069857D2E4169EE7",
            "0xde709f2102306220921060314715629080e2fb77",
        ] {
            let read = Address::parse(text).unwrap();
            assert_eq!(read.to_string(), text);
            assert_eq!(Address::parse(&text.to_lowercase()), Some(read));
            assert_eq!(Address::parse(&format!("0x{}", text[2..].to_uppercase())), Some(read));
        }
        for wrong in [
            "0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            "0X5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
            "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beae",
            "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed0",
            "0x+aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
            "0xgaaeb6053f3e94c9b9a09f33669435e7ef1beaed",
            "0x5aaeb6053f3e94c9b9a09f33669435e7ef1bea\u{e9}",
            "",
        ] {
            assert_eq!(Address::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_chain_is_named_by_its_number() {
        assert_eq!(Chain::parse("eip155:8453").map(Chain::number), Some(8453));
        assert_eq!(Chain::parse("eip155:8453").unwrap().to_string(), "eip155:8453");
        for wrong in
            ["eip155:0", "eip155:08453", "eip155:", "8453", "EIP155:1", "eip155:*", "eip155:9007199254740992"]
        {
            assert_eq!(Chain::parse(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn numbers_are_ordered_and_written_as_they_are(left in any::<u128>(), right in any::<u128>()) {
            let read = |number: u128| Uint256::parse(&number.to_string()).unwrap();
            prop_assert_eq!(read(left).to_string(), left.to_string());
            prop_assert_eq!(read(left).cmp(&read(right)), left.cmp(&right));
        }

        #[test]
        fn whatever_bytes_a_number_has_it_is_read_back(bytes in any::<[u8; 32]>()) {
            let number = Uint256::from_bytes(bytes);
            prop_assert_eq!(Uint256::parse(&number.to_string()), Some(number));
        }

        #[test]
        fn whatever_bytes_an_address_has_it_is_read_back(bytes in any::<[u8; 20]>()) {
            let address = Address::from_bytes(bytes);
            prop_assert_eq!(Address::parse(&address.to_string()), Some(address));
        }
    }
}
