//! Many signatures at once: the same answers as one by one, at a third of the cost.
//!
//! Each Ed25519 signature is an equation between points (clause 4 of [`ed25519`](crate::ed25519)). A
//! batch weighs each with a random-looking 128-bit coefficient and adds them up: keys that sign more
//! than once enter the sum once, and one multiplication of many points costs less than many of one. If
//! the sum is not zero, the batch is halved until the bad ones are found.
//!
//! The coefficients are derived from everything that is checked, so nobody can choose a signature
//! knowing its coefficient, and the result depends on the input alone. A false equation passes with
//! probability 2⁻¹²⁸; a true one always passes.

// Points and scalars never overflow, and the lint cannot tell them from integers.
#![allow(clippy::arithmetic_side_effects)]

use std::collections::BTreeMap;
use std::iter::once;

use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::{IsIdentity, VartimeMultiscalarMul};
use sha2::{Digest, Sha512};

use crate::ed25519::{Ed25519Key, Opened};
use crate::key::{PublicKey, Signature};
use crate::limits::BATCH_COUNT_MAX;

/// One signature to check.
#[derive(Clone, Copy, Debug)]
pub struct BatchItem<'a> {
    /// The key it should be by.
    pub key: &'a PublicKey,
    /// The bytes it should be over.
    pub message: &'a [u8],
    /// The signature.
    pub signature: &'a Signature,
}

/// Below this many they are checked one by one: two together gain little, and bad ones would cost more.
const TOGETHER_MIN: usize = 3;

/// What every transcript begins with, so that it can be no other's.
const TRANSCRIPT_LABEL: &[u8] = b"tollbridge ed25519 batch 1";

/// Checks many signatures; the answers are in the order of the items, and are always those of
/// [`PublicKey::verify`] for each.
///
/// Worth the most when few keys sign much. A batch with bad signatures costs up to three times as
/// much as checking one by one. ES256 signatures are checked one by one.
pub fn verify_batch(items: &[BatchItem<'_>]) -> Vec<bool> {
    items.chunks(BATCH_COUNT_MAX).flat_map(verify_chunk).collect()
}

fn verify_chunk(items: &[BatchItem<'_>]) -> Vec<bool> {
    let mut fits = vec![false; items.len()];
    let mut terms = Vec::with_capacity(items.len());
    for (item, fits) in items.iter().zip(&mut fits) {
        match item.key {
            PublicKey::Es256(key) => *fits = key.fits(item.message, item.signature),
            PublicKey::Ed25519(key) => {
                if let Some(opened) = Opened::of(key, item.message, item.signature) {
                    terms.push(Term { key, opened, fits });
                }
            }
        }
    }
    if terms.len() < TOGETHER_MIN {
        one_by_one(&mut terms);
        return fits;
    }
    let weights = weights(&terms);
    let mut weighed: Vec<Weighed<'_>> =
        terms.into_iter().zip(weights).map(|(term, weight)| Weighed::new(term, weight)).collect();
    settle(&mut weighed);
    drop(weighed);
    fits
}

/// A signature whose equation is still to be checked, and where to put the answer.
struct Term<'a> {
    key: &'a Ed25519Key,
    opened: Opened,
    fits: &'a mut bool,
}

/// A term with its equation multiplied by its coefficient.
struct Weighed<'a> {
    term: Term<'a>,
    weight: Scalar,
    weight_s: Scalar,
    weight_k: Scalar,
}

impl<'a> Weighed<'a> {
    fn new(term: Term<'a>, weight: Scalar) -> Weighed<'a> {
        let (weight_s, weight_k) = (weight * term.opened.s, weight * term.opened.k);
        Weighed { term, weight, weight_s, weight_k }
    }
}

/// The coefficients: 128 bits each, from a hash over all keys, messages and signatures.
///
/// The digest inside each item stands for the message, and for `R` and the key once more.
fn weights(terms: &[Term<'_>]) -> Vec<Scalar> {
    let mut transcript = Sha512::new().chain_update(TRANSCRIPT_LABEL);
    for Term { opened, .. } in terms {
        transcript.update(opened.digest);
        transcript.update(opened.s.as_bytes());
    }
    let transcript = transcript.finalize();
    let mut weights = Vec::with_capacity(terms.len());
    for block in 0_u64.. {
        let bytes: [u8; 64] =
            Sha512::new().chain_update(transcript).chain_update(block.to_be_bytes()).finalize().into();
        for weight in bytes.as_chunks::<16>().0 {
            if weights.len() == terms.len() {
                return weights;
            }
            weights.push(Scalar::from(u128::from_le_bytes(*weight)));
        }
    }
    weights
}

/// Answers every term: all at once if their sum is zero, else each half for itself.
fn settle(terms: &mut [Weighed<'_>]) {
    if terms.len() < TOGETHER_MIN {
        one_by_one(terms.iter_mut().map(|weighed| &mut weighed.term));
        return;
    }
    if sum(terms).mul_by_cofactor().is_identity() {
        for Weighed { term, .. } in terms {
            *term.fits = true;
        }
        return;
    }
    let (left, right) = terms.split_at_mut(terms.len().div_euclid(2));
    settle(left);
    settle(right);
}

fn one_by_one<'t, 'a: 't>(terms: impl IntoIterator<Item = &'t mut Term<'a>>) {
    for term in terms {
        *term.fits = term.opened.fits(term.key);
    }
}

/// The weighed sum of all equations: `[z·s]B − [z]R − [z·k]A` over the terms, with one `A` per key.
fn sum(terms: &[Weighed<'_>]) -> EdwardsPoint {
    let mut base = Scalar::ZERO;
    let mut keys: BTreeMap<&[u8; 32], (Scalar, &EdwardsPoint)> = BTreeMap::new();
    for Weighed { term, weight_s, weight_k, .. } in terms {
        base -= weight_s;
        let (coefficient, _) = keys.entry(term.key.bytes()).or_insert((Scalar::ZERO, term.key.minus_point()));
        *coefficient -= weight_k;
    }
    // Everything is negated, so that the coefficients of R stay 128 bits short.
    let scalars = once(&base)
        .chain(keys.values().map(|(coefficient, _)| coefficient))
        .chain(terms.iter().map(|term| &term.weight));
    let points = once(&ED25519_BASEPOINT_POINT)
        .chain(keys.values().map(|(_, point)| *point))
        .chain(terms.iter().map(|term| &term.term.opened.r));
    EdwardsPoint::vartime_multiscalar_mul(scalars, points)
}
