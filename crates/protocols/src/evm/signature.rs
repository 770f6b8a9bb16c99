//! Who signed an authorization: the address that the signature of its EIP-712 digest leads to.

use super::number::{Address, hex, read_hex};
use super::{Authorization, keccak};
use super::{Domain, Reason};
use crate::sabotage::{Sabotage, has};
use k256::ecdsa::{RecoveryId, Signature as Ecdsa, VerifyingKey};

/// What [`Domain::separator`] is a hash of.
const DOMAIN_TYPE: &[u8] =
    b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";

/// What [`Authorization::digest`] is a hash of.
const AUTHORIZATION_TYPE: &[u8] = b"TransferWithAuthorization(address from,address to,uint256 value,\
uint256 validAfter,uint256 validBefore,bytes32 nonce)";

/// A signature of an account that has a key: `r`, `s` in its lower half, and which of the two keys it was.
///
/// The other half of `s` is the same signature in a second spelling, and tokens refuse it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature {
    r: [u8; 32],
    s: [u8; 32],
    is_odd: bool,
}

impl Signature {
    /// Reads 65 bytes: `r`, `s`, and 27 or 28, or 0 or 1.
    ///
    /// # Errors
    /// [`Reason::SmartWallet`] for what is longer: wrapped signatures, and those of contracts. [`Reason::Signature`] for
    /// what is none.
    pub fn parse(text: &str) -> Result<Signature, Reason> {
        let Some(bytes) = read_hex::<65>(text) else {
            let is_longer = 2 + 2 * 65 < text.len();
            return Err(if is_longer { Reason::SmartWallet } else { Reason::Signature });
        };
        let [rest @ .., v] = bytes;
        let is_odd = match v {
            0 | 27 => false,
            1 | 28 => true,
            2..=26 | 29.. => return Err(Reason::Signature),
        };
        let ecdsa = Ecdsa::from_slice(&rest).map_err(|_| Reason::Signature)?;
        if ecdsa.normalize_s() != ecdsa {
            return Err(Reason::Signature);
        }
        Ok(Signature::of(&ecdsa, is_odd))
    }

    /// What a key has signed.
    pub fn of(ecdsa: &Ecdsa, is_odd: bool) -> Signature {
        let (r, s) = ecdsa.split_bytes();
        Signature { r: r.into(), s: s.into(), is_odd }
    }

    /// The first half.
    pub fn r(&self) -> &[u8; 32] {
        &self.r
    }

    /// The second half.
    pub fn s(&self) -> &[u8; 32] {
        &self.s
    }

    /// Which of the two keys: 0 or 1.
    pub fn parity(&self) -> u8 {
        u8::from(self.is_odd)
    }

    /// The address whose key signed this digest. It is of somebody for nearly any bytes: compare it.
    pub fn signer(&self, digest: &[u8; 32]) -> Option<Address> {
        let ecdsa = Ecdsa::from_scalars(self.r, self.s).ok()?;
        // Digests that need the rarer two of four recovery ids do not occur, and tokens refuse them.
        let parity = RecoveryId::new(self.is_odd, X_IS_REDUCED);
        VerifyingKey::recover_from_prehash(digest, &ecdsa, parity).ok().map(|key| address_of(&key))
    }
}

/// No signature of ours has an x coordinate beyond the order of the curve.
const X_IS_REDUCED: bool = false;

impl std::fmt::Debug for Signature {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{self}")
    }
}

impl std::fmt::Display for Signature {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "0x{}{}{:02x}", hex(&self.r), hex(&self.s), 27 + self.parity())
    }
}

/// The address of a key.
pub fn address_of(key: &VerifyingKey) -> Address {
    let point = key.to_sec1_point(UNCOMPRESSED);
    let coordinates = point.as_bytes().get(1..).expect("a point has a tag and two coordinates");
    let hash = keccak(coordinates);
    Address::from_bytes(*hash.last_chunk::<20>().expect("a hash has 32 bytes"))
}

const UNCOMPRESSED: bool = false;

impl Domain {
    /// What tells the signatures for this token on this chain from all others (EIP-712).
    pub fn separator(&self) -> [u8; 32] {
        let mut chain = [0u8; 32];
        chain[24..].copy_from_slice(&self.chain.number().to_be_bytes());
        let parts = [
            keccak(DOMAIN_TYPE),
            keccak(self.name.as_bytes()),
            keccak(self.version.as_bytes()),
            chain,
            self.token.word(),
        ];
        keccak(parts.as_flattened())
    }
}

impl Authorization {
    /// What is signed (EIP-712, and the type of EIP-3009).
    pub fn digest(&self, domain: &Domain) -> [u8; 32] {
        let parts = [
            keccak(AUTHORIZATION_TYPE),
            self.from.word(),
            self.to.word(),
            *self.value.bytes(),
            *self.valid_after.bytes(),
            *self.valid_before.bytes(),
            self.nonce,
        ];
        let message = keccak(parts.as_flattened());
        keccak(&[&[0x19, 0x01], &domain.separator()[..], &message].concat())
    }

    /// Whether whoever's money it moves has signed it.
    pub fn is_signed(&self, domain: &Domain, signature: &Signature) -> bool {
        signature.signer(&self.digest(domain)) == Some(self.from) || has(Sabotage::AnySignature)
    }
}
