//! What a chain is sent: calls of a token's functions, and the one transaction of EIP-1559 that carries an authorization;
//! and what was sent, read back from its bytes.

use k256::ecdsa::{Signature as Ecdsa, SigningKey};
use protocols::evm::number::{Address, Chain, Uint256};
use protocols::evm::signature::{Signature, address_of};
use protocols::evm::{Authorization, keccak};
use std::fmt;
use zeroize::Zeroizing;

/// The kind of a transaction that names its fees as EIP-1559 has it.
const KIND: u8 = 2;

/// The function of a token that moves what an authorization allows.
const TRANSFER: &str =
    "transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,bytes32)";

/// The key of the account that pays the fees.
pub struct Settler(SigningKey);

impl Settler {
    /// Reads 64 hexadecimal digits, with or without `0x`; none where they are no key.
    pub fn parse(text: &str) -> Option<Settler> {
        let digits = text.trim();
        let digits = Zeroizing::new(format!("0x{}", digits.strip_prefix("0x").unwrap_or(digits)));
        let bytes = Zeroizing::new(protocols::evm::number::read_hex::<32>(&digits)?);
        SigningKey::from_slice(&*bytes).ok().map(Settler)
    }

    /// Its account.
    pub fn address(&self) -> Address {
        address_of(self.0.verifying_key())
    }
}

impl fmt::Debug for Settler {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Settler({}, [secret])", self.address())
    }
}

/// A transaction that calls a contract and sends no coin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    pub chain: Chain,
    /// How many the account has sent before.
    pub account_nonce: u64,
    /// What a unit of gas may cost beyond the block's own fee.
    pub tip_wei: u128,
    /// What a unit of gas may cost in all.
    pub fee_wei: u128,
    pub gas: u64,
    pub to: Address,
    pub data: Vec<u8>,
}

/// A transaction as a node takes it, and its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    pub raw: Vec<u8>,
    pub hash: [u8; 32],
}

impl Transaction {
    /// Signs it. The same transaction always has the same signature, and so the same name.
    pub fn sign(&self, settler: &Settler) -> Signed {
        let unsigned = self.items();
        let (ecdsa, parity) = settler.0.sign_prehash_recoverable(&keccak(&typed(&unsigned)));
        let signature = Signature::of(&ecdsa, parity.is_y_odd());
        let mut items = unsigned;
        items.push(number(u128::from(signature.parity())));
        items.push(string(shortest(signature.r())));
        items.push(string(shortest(signature.s())));
        let raw = typed(&items);
        Signed { hash: keccak(&raw), raw }
    }

    /// Reads what [`Transaction::sign`] has made, and whose account it is of; none where it is something else.
    pub fn read(raw: &[u8]) -> Option<(Transaction, Address)> {
        let (mut rest, after) = split(raw.strip_prefix(&[KIND])?)?;
        let mut items = Vec::new();
        while !rest.is_empty() {
            let (item, others) = split(rest)?;
            items.push(item);
            rest = others;
        }
        let [chain, account_nonce, tip, fee, gas, to, coin, data, access, parity, r, s] = items[..] else {
            return None;
        };
        if !(after.is_empty() && coin.is_empty() && access.is_empty()) {
            return None;
        }
        let small = |item| u64::try_from(wide(item)?).ok();
        let transaction = Transaction {
            chain: Chain::new(small(chain)?)?,
            account_nonce: small(account_nonce)?,
            tip_wei: wide(tip)?,
            fee_wei: wide(fee)?,
            gas: small(gas)?,
            to: Address::from_bytes(to.try_into().ok()?),
            data: data.to_vec(),
        };
        let ecdsa = Ecdsa::from_scalars(padded::<32>(r)?, padded::<32>(s)?).ok()?;
        let signature = Signature::of(&ecdsa, wide(parity)? == 1);
        let by = signature.signer(&keccak(&typed(&transaction.items())))?;
        Some((transaction, by))
    }

    fn items(&self) -> Vec<Vec<u8>> {
        vec![
            number(u128::from(self.chain.number())),
            number(u128::from(self.account_nonce)),
            number(self.tip_wei),
            number(self.fee_wei),
            number(u128::from(self.gas)),
            string(self.to.bytes()),
            number(0),
            string(&self.data),
            list(&[]),
        ]
    }
}

/// A call of a token's function: its selector, and its arguments in words of 32 bytes.
pub fn call(function: &str, arguments: &[[u8; 32]]) -> Vec<u8> {
    let hash = keccak(function.as_bytes());
    let (selector, _) = hash.split_at(4);
    [selector, arguments.as_flattened()].concat()
}

/// The call that moves what an authorization allows.
pub fn transfer(authorization: &Authorization, signature: &Signature) -> Vec<u8> {
    let Authorization { from, to, value, valid_after, valid_before, nonce } = authorization;
    let v = Uint256::from(27 + u64::from(signature.parity()));
    call(
        TRANSFER,
        &[
            from.word(),
            to.word(),
            *value.bytes(),
            *valid_after.bytes(),
            *valid_before.bytes(),
            *nonce,
            *v.bytes(),
            *signature.r(),
            *signature.s(),
        ],
    )
}

/// The authorization that [`transfer`] has made a call of; none where it is another call.
pub fn authorization(data: &[u8]) -> Option<Authorization> {
    let (words, []) = data.strip_prefix(call(TRANSFER, &[]).as_slice())?.as_chunks::<32>() else {
        return None;
    };
    let [from, to, value, valid_after, valid_before, nonce, _, _, _] = words else { return None };
    let address = |word: &[u8; 32]| word.last_chunk::<20>().map(|bytes| Address::from_bytes(*bytes));
    Some(Authorization {
        from: address(from)?,
        to: address(to)?,
        value: Uint256::from_bytes(*value),
        valid_after: Uint256::from_bytes(*valid_after),
        valid_before: Uint256::from_bytes(*valid_before),
        nonce: *nonce,
    })
}

fn typed(items: &[Vec<u8>]) -> Vec<u8> {
    [&[KIND], list(items).as_slice()].concat()
}

// What follows is RLP, as far as a transaction needs it.

fn number(number: u128) -> Vec<u8> {
    string(shortest(&number.to_be_bytes()))
}

fn shortest(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros..).unwrap_or_default()
}

fn string(bytes: &[u8]) -> Vec<u8> {
    match bytes {
        [byte @ ..0x80] => vec![*byte],
        _ => [head(0x80, bytes.len()).as_slice(), bytes].concat(),
    }
}

fn list(items: &[Vec<u8>]) -> Vec<u8> {
    let inside = items.concat();
    [head(0xc0, inside.len()).as_slice(), &inside].concat()
}

fn head(kind: u8, length: usize) -> Vec<u8> {
    match u8::try_from(length) {
        Ok(short @ 0..=55) => vec![kind + short],
        Ok(_) | Err(_) => {
            let bytes = length.to_be_bytes();
            let bytes = shortest(&bytes);
            let count = u8::try_from(bytes.len()).expect("a length has at most eight bytes");
            [&[kind + 55 + count], bytes].concat()
        }
    }
}

/// What is inside the first item, and what comes after it.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let short = match first {
        ..0x80 => return bytes.split_at_checked(1),
        0x80..0xc0 => first - 0x80,
        0xc0.. => first - 0xc0,
    };
    let Some(digits) = short.checked_sub(55).filter(|digits| 0 < *digits) else {
        return rest.split_at_checked(usize::from(short));
    };
    let (length, rest) = rest.split_at_checked(usize::from(digits))?;
    rest.split_at_checked(usize::try_from(wide(length)?).ok()?)
}

fn wide(item: &[u8]) -> Option<u128> {
    padded(item).map(u128::from_be_bytes)
}

fn padded<const BYTES: usize>(item: &[u8]) -> Option<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    bytes.get_mut(BYTES.checked_sub(item.len())?..)?.copy_from_slice(item);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocols::evm::number::hex;

    /// The key of nobody, and three transactions that the library `viem` signed with it.
    const KEY: &str = "0xf81d9674ef288a966207235e5daf3ced12c9f1ee990a5909e4a85ed35d018d72";

    #[test]
    fn a_transaction_is_the_one_that_another_library_signs() {
        let settler = Settler::parse(KEY).unwrap();
        assert_eq!(settler.address().to_string(), "0x865c04D4F9c9AbbF3d6bFa41931d2D6d7C2a291e");
        let usdc = "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913";
        for (chain, account_nonce, to, gas, fee_wei, tip_wei, data, hash) in [
            (
                31_337,
                0,
                "0x5FbDB2315678afecb367f032d93F642f64180aa3",
                100_000,
                2_000_000_000,
                1,
                vec![0xab; 60],
                "ed6d2fd7bef1623659f2b7e6105a0bb17fbfd596cfa4d53925433049aa5816d0",
            ),
            (
                8_453,
                300,
                usdc,
                21_000,
                0,
                0,
                vec![0x7f],
                "6cd143fd787c5505873f9f3876dbd549c3caa882b08066ababc3bf1d4301fc2e",
            ),
            (
                1,
                127,
                usdc,
                128,
                1 << 64,
                255,
                vec![],
                "1cb5fd753a0d612aaf71e358f421c81adae5c3c61e5153cf404b3ef669c04b4c",
            ),
        ] {
            let (chain, to) = (Chain::new(chain).unwrap(), Address::parse(to).unwrap());
            let transaction = Transaction { chain, account_nonce, tip_wei, fee_wei, gas, to, data };
            let signed = transaction.sign(&settler);
            assert_eq!(hex(&signed.hash), hash);
            assert_eq!(signed.raw.first(), Some(&KIND));
            assert_eq!(Transaction::read(&signed.raw), Some((transaction, settler.address())));
        }
    }

    #[test]
    fn what_was_sent_is_read_back_and_nothing_else_is_read() {
        let settler = Settler::parse(KEY).unwrap();
        let allowed = Authorization {
            from: Address::from_bytes([1; 20]),
            to: Address::from_bytes([2; 20]),
            value: Uint256::from_bytes([4; 32]),
            valid_after: 5.into(),
            valid_before: 6.into(),
            nonce: [3; 32],
        };
        let signature = Signature::parse(&format!("0x{}1b", "11".repeat(64))).unwrap();
        let data = transfer(&allowed, &signature);
        assert_eq!(authorization(&data), Some(allowed));
        assert_eq!(authorization(&data[..data.len() - 1]), None);
        assert_eq!(authorization(&[&data[..], &[0; 32]].concat()), None);
        assert_eq!(authorization(&call("balanceOf(address)", &[[0; 32]; 9])), None);
        let (chain, to) = (Chain::new(1).unwrap(), Address::from_bytes([7; 20]));
        let transaction =
            Transaction { chain, account_nonce: 9, tip_wei: 2, fee_wei: 300, gas: 70_000, to, data };
        let raw = transaction.sign(&settler).raw;
        assert_eq!(Transaction::read(&raw), Some((transaction, settler.address())));
        for length in 0..raw.len() {
            assert_eq!(Transaction::read(&raw[..length]), None, "{length}");
        }
        assert_eq!(Transaction::read(&[&raw[..], &[0]].concat()), None);
        // The bytes of another are another's: whoever changes one has not the settler's key.
        for at in 0..raw.len() {
            let mut changed = raw.clone();
            changed[at] ^= 1;
            let by = Transaction::read(&changed).map(|(_, by)| by);
            assert_ne!(by, Some(settler.address()), "{at}");
        }
    }

    #[test]
    fn a_function_is_called_by_the_head_of_its_hash() {
        for (function, selector) in [
            ("balanceOf(address)", "70a08231"),
            ("authorizationState(address,bytes32)", "e94a0102"),
            ("DOMAIN_SEPARATOR()", "3644e515"),
        ] {
            assert_eq!(hex(&call(function, &[])), selector);
        }
    }

    #[test]
    fn what_is_no_key_is_none_and_a_key_is_not_shown() {
        let order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
        for wrong in ["", "0x", "zz", &"0".repeat(64), order, &KEY[..65]] {
            assert!(Settler::parse(wrong).is_none(), "{wrong}");
        }
        let settler = Settler::parse(&format!("{}\n", &KEY[2..])).unwrap();
        assert!(!format!("{settler:?}").contains("f81d"));
    }
}
