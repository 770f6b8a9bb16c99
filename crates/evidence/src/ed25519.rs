//! Ed25519: which keys are enrolled and which signatures are accepted. One rule, for one signature and for many.
//!
//! A signature `R || S` by key `A` over message `M` is accepted when
//!
//! 1. `A` is canonically encoded and of prime order, which enrolment saw to;
//! 2. `S` is below the group order `L`;
//! 3. `R` is canonically encoded, a point of the curve, and not of small order;
//! 4. `[8][S]B = [8]R + [8][k]A`, where `k = SHA-512(R || A || M)` (RFC 8032 §5.1.7, with the cofactor).
//!
//! The cofactor makes the sum over a batch say the same as its parts: without it, crafted signatures
//! pass alone and fail together. RFC 8032 allows either equation, and libraries differ; every verifier
//! of ours uses this one. Signatures made by the book satisfy all of them.

// Points and scalars never overflow, and the lint cannot tell them from integers.
#![allow(clippy::arithmetic_side_effects)]

use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::IsIdentity;
use sha2::{Digest, Sha512};

use crate::key::{KeyError, Signature};

/// An enrolled Ed25519 key, decompressed once.
#[derive(Clone)]
pub struct Ed25519Key {
    bytes: [u8; 32],
    minus_point: EdwardsPoint,
}

impl Ed25519Key {
    /// The key with these 32 bytes, if it is canonical and of prime order.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Ed25519Key, KeyError> {
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| KeyError::Malformed)?;
        let point = canonical_point(&bytes).ok_or(KeyError::Malformed)?;
        if point.is_small_order() || !point.is_torsion_free() {
            return Err(KeyError::Weak);
        }
        Ok(Ed25519Key { bytes, minus_point: -point })
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    pub(crate) fn minus_point(&self) -> &EdwardsPoint {
        &self.minus_point
    }

    pub(crate) fn fits(&self, message: &[u8], signature: &Signature) -> bool {
        Opened::of(self, message, signature).is_some_and(|opened| opened.fits(self))
    }
}

impl std::fmt::Debug for Ed25519Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ed25519Key({})", crate::base64url::encode(&self.bytes))
    }
}

/// A signature of which clauses 2 and 3 of the rule hold, and `k`, computed once.
pub(crate) struct Opened {
    pub(crate) r: EdwardsPoint,
    pub(crate) s: Scalar,
    /// SHA-512 of `R || A || M`: it names the key, the message and half of the signature.
    pub(crate) digest: [u8; 64],
    pub(crate) k: Scalar,
}

impl Opened {
    pub(crate) fn of(key: &Ed25519Key, message: &[u8], signature: &Signature) -> Option<Opened> {
        let (r_bytes, s_bytes) = signature.0.split_first_chunk::<32>()?;
        let s = Scalar::from_canonical_bytes(s_bytes.try_into().ok()?).into_option()?;
        let r = canonical_point(r_bytes).filter(|r| !r.is_small_order())?;
        let digest = Sha512::new().chain_update(r_bytes).chain_update(key.bytes).chain_update(message);
        let digest = digest.finalize().into();
        Some(Opened { r, s, digest, k: Scalar::from_bytes_mod_order_wide(&digest) })
    }

    /// Clause 4, for this signature alone.
    pub(crate) fn fits(&self, key: &Ed25519Key) -> bool {
        let r = EdwardsPoint::vartime_double_scalar_mul_basepoint(&self.k, &key.minus_point, &self.s);
        (r - self.r).mul_by_cofactor().is_identity()
    }
}

/// The point with this encoding, if it is the point's only canonical one (RFC 8032 §5.1.3).
///
/// Decompression takes `y` modulo `p`, and a sign for `x = 0`. The latter points have small order and
/// are refused for that by both callers; the former are refused here.
fn canonical_point(bytes: &[u8; 32]) -> Option<EdwardsPoint> {
    let [lowest, middle @ .., highest] = bytes;
    let y_is_reduced = *lowest < 0xed || highest & 0x7f != 0x7f || middle.iter().any(|byte| *byte != 0xff);
    if !y_is_reduced {
        return None;
    }
    CompressedEdwardsY(*bytes).decompress()
}
