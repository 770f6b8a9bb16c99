//! The seller's side: is this proof a payment of this bill for this request?
//!
//! The answer is a function of its arguments. It says nothing about earlier use: whoever delivers has
//! to make [`RedemptionKey`] and [`DeliveryKey`] once-only in a store that survives a restart, and keep
//! them at least until [`VerifiedProof::keep_until`] (A402-22). Whether the payment was revoked since
//! is a question to the payment service.

use super::credential::{Credential, NotGenuine};
use super::error::ErrorId;
use super::fingerprint::RequestFacts;
use super::keys::Keyring;
use super::needed::Demand;
use super::offer::{NotOurBill, Offer};
use super::proof::Proof;
use super::text::{Fingerprint, Identifier, MethodId, MethodVersion};
use crate::limits::CLOCK_SKEW_SECONDS;
use crate::sabotage::{Sabotage, has};
use book::Time;
use evidence::{MacKey, Verified};

/// A proof, the request it came with, and what is needed to judge it.
#[derive(Clone, Copy, Debug)]
pub struct ProofCheck<'a> {
    pub proof: &'a Proof,
    /// The request as it arrived now, not as it was when the bill was issued.
    pub request: &'a RequestFacts,
    /// The keys of payment services, each owned by the method it may speak for.
    pub psp_keys: &'a Keyring,
    pub now: Time,
}

/// Why a proof unlocks nothing. Each has its error in the catalogue: [`Refusal::error_id`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the proof is for another payment method or version")]
    MethodDiffers,
    /// The proof, the request, the bill and the credential do not say the same.
    #[error("`{field}` of the proof is not that of the request, the bill or the payment")]
    Differs { field: &'static str },
    /// Somebody else's proof.
    #[error("the caller is not the buyer who paid")]
    NotTheBuyer,
    #[error("credential: {0}")]
    NotGenuine(#[from] NotGenuine),
    #[error(transparent)]
    NotOurBill(#[from] NotOurBill),
    #[error("the proof has expired")]
    Expired,
    #[error("the proof is dated in the future")]
    NotYetIssued,
    #[error("the proof is valid for longer than the bill allows")]
    LivesTooLong,
    #[error("the bill was paid too late")]
    PaidLate,
}

impl Refusal {
    /// The catalogue's error for this refusal.
    pub fn error_id(&self) -> ErrorId {
        match self {
            Refusal::MethodDiffers => ErrorId::MethodUnsupported,
            Refusal::NotTheBuyer => ErrorId::ParticipantInvalid,
            Refusal::Differs { .. }
            | Refusal::NotGenuine(_)
            | Refusal::NotOurBill(_)
            | Refusal::Expired
            | Refusal::NotYetIssued
            | Refusal::LivesTooLong
            | Refusal::PaidLate => ErrorId::ProofInvalid,
        }
    }
}

/// A proof that was genuine, in time and for this request when it was checked. Not yet redeemed.
#[derive(Clone, Debug)]
pub struct VerifiedProof {
    credential: Verified<Credential>,
    demand: Demand,
}

/// What a payment may be redeemed for: once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RedemptionKey {
    pub method_id: MethodId,
    pub trade_no: Identifier,
    pub out_trade_no: Identifier,
    pub resource_id: Identifier,
}

/// What may be delivered for a payment: once, and the same result to every repetition.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryKey {
    pub method_id: MethodId,
    pub trade_no: Identifier,
    pub request_fingerprint: Fingerprint,
}

/// Checks a proof against the bill as it was issued and stored.
///
/// # Errors
/// [`Refusal`]: no resource is delivered (A402-11).
pub fn check_proof(demand: &Demand, check: ProofCheck<'_>) -> Result<VerifiedProof, Refusal> {
    let credential = open_credential((&demand.method_id, &demand.method_version), &check)?;
    accept(credential, demand.clone(), &check)
}

/// Checks a proof for whoever signed its credential: the payment service itself, which keeps no bills. What was billed is
/// what its own statement says, so there is nothing else to compare it with.
///
/// # Errors
/// [`Refusal`]: nothing may be redeemed.
pub fn check_own_proof(
    method: (&MethodId, &MethodVersion),
    check: ProofCheck<'_>,
) -> Result<VerifiedProof, Refusal> {
    let credential = open_credential(method, &check)?;
    let demand = credential.get().restated().ok_or(Refusal::LivesTooLong)?;
    accept(credential, demand, &check)
}

/// Checks a proof against a bill that was never stored, but numbered by [`Offer::bill`].
///
/// # Errors
/// [`Refusal`]: no resource is delivered (A402-11).
pub fn check_proof_of_offer(
    offer: &Offer,
    key: &MacKey,
    check: ProofCheck<'_>,
) -> Result<VerifiedProof, Refusal> {
    let credential = open_credential((&offer.method_id, &offer.method_version), &check)?;
    let claims = credential.get();
    if has(Sabotage::AnyBill) {
        let demand = claims.restated().ok_or(Refusal::LivesTooLong)?;
        return accept(credential, demand, &check);
    }
    // Where these differ the number could not fit either; comparing first says which it is.
    same("resource_id", &offer.resource_id, &claims.resource_id)?;
    same("seller_unique_id", &offer.seller_unique_id, &claims.seller_unique_id)?;
    let price = (&claims.amount, &claims.currency);
    let demand = offer.recall(check.request, key, &claims.out_trade_no, price)?;
    accept(credential, demand, &check)
}

impl VerifiedProof {
    /// What the payment service stated.
    pub fn credential(&self) -> &Credential {
        self.credential.get()
    }

    /// The bill that was paid.
    pub fn demand(&self) -> &Demand {
        &self.demand
    }

    /// To be claimed once, before delivery begins.
    pub fn redemption_key(&self) -> RedemptionKey {
        let credential = self.credential();
        RedemptionKey {
            method_id: credential.method_id.clone(),
            trade_no: credential.trade_no.clone(),
            out_trade_no: credential.out_trade_no.clone(),
            resource_id: credential.resource_id.clone(),
        }
    }

    /// To keep the result under, so that a repeated request gets it again.
    pub fn delivery_key(&self) -> DeliveryKey {
        let credential = self.credential();
        DeliveryKey {
            method_id: credential.method_id.clone(),
            trade_no: credential.trade_no.clone(),
            request_fingerprint: credential.request_fingerprint.clone(),
        }
    }

    /// The instant before which neither key may be forgotten. A method may ask for longer.
    pub fn keep_until(&self) -> Time {
        self.credential().expires_at.time()
    }
}

/// All that needs no bill: the method, the request, and the payment service's signature.
fn open_credential(
    (method_id, method_version): (&MethodId, &MethodVersion),
    check: &ProofCheck<'_>,
) -> Result<Verified<Credential>, Refusal> {
    let ProofCheck { proof, request, psp_keys, now: _ } = *check;
    if proof.method_id != *method_id || proof.method_version != *method_version {
        return Err(Refusal::MethodDiffers);
    }
    if !has(Sabotage::AnyBill) {
        same("request_method", &proof.request_method, &request.method)?;
        same("request_fingerprint", &proof.request_fingerprint, &request.fingerprint)?;
    }
    if request.caller.as_ref().is_some_and(|caller| *caller != proof.buyer_unique_id) {
        return Err(Refusal::NotTheBuyer);
    }
    let credential = Credential::open(&proof.payment_proof, method_id, psp_keys)?;
    credential.get().agrees_with_proof(proof)?;
    Ok(credential)
}

/// The rest: the bill and the times.
fn accept(
    credential: Verified<Credential>,
    demand: Demand,
    check: &ProofCheck<'_>,
) -> Result<VerifiedProof, Refusal> {
    let claims = credential.get();
    claims.agrees_with_demand(&demand)?;
    if let Some(key) = &check.request.idempotency_key {
        same("idempotency_key", &Some(key), &claims.idempotency_key.as_ref())?;
    }
    claims.is_in_time(&demand, check.now)?;
    Ok(VerifiedProof { credential, demand })
}

impl Credential {
    /// The bill as this restates it. None where it lasts for no time.
    fn restated(&self) -> Option<Demand> {
        let lasts = self.expires_at.time().0.checked_sub(self.issued_at.time().0)?;
        Some(Demand {
            method_id: self.method_id.clone(),
            method_version: self.method_version.clone(),
            out_trade_no: self.out_trade_no.clone(),
            amount: self.amount.clone(),
            currency: self.currency.clone(),
            resource_id: self.resource_id.clone(),
            pay_before: self.expires_at.clone(),
            seller_unique_id: self.seller_unique_id.clone(),
            buyer_unique_id: Some(self.buyer_unique_id.clone()),
            request_method: self.request_method.clone(),
            request_fingerprint: self.request_fingerprint.clone(),
            idempotency_key: self.idempotency_key.clone(),
            replay_window_seconds: u32::try_from(lasts.div_euclid(1_000_000_000)).ok()?,
            commerce_confirmation: None,
        })
    }

    /// Whether this is what the buyer claims in the open.
    fn agrees_with_proof(&self, proof: &Proof) -> Result<(), Refusal> {
        same("method_id", &self.method_id, &proof.method_id)?;
        same("method_version", &self.method_version, &proof.method_version)?;
        same("out_trade_no", &self.out_trade_no, &proof.out_trade_no)?;
        same("resource_id", &self.resource_id, &proof.resource_id)?;
        same("buyer_unique_id", &self.buyer_unique_id, &proof.buyer_unique_id)?;
        same("trade_no", &self.trade_no, &proof.trade_no)?;
        same("expires_at", &self.expires_at, &proof.expires_at)?;
        same("request_method", &self.request_method, &proof.request_method)?;
        same("request_fingerprint", &self.request_fingerprint, &proof.request_fingerprint)?;
        same("idempotency_key", &self.idempotency_key, &proof.idempotency_key)
    }

    /// Whether this states the payment of `demand`.
    pub(crate) fn agrees_with_demand(&self, demand: &Demand) -> Result<(), Refusal> {
        same("method_id", &self.method_id, &demand.method_id)?;
        same("method_version", &self.method_version, &demand.method_version)?;
        same("out_trade_no", &self.out_trade_no, &demand.out_trade_no)?;
        same("amount", &self.amount, &demand.amount)?;
        same("currency", &self.currency, &demand.currency)?;
        same("resource_id", &self.resource_id, &demand.resource_id)?;
        same("seller_unique_id", &self.seller_unique_id, &demand.seller_unique_id)?;
        if let Some(buyer) = &demand.buyer_unique_id {
            same("buyer_unique_id", &self.buyer_unique_id, buyer)?;
        }
        same("request_method", &self.request_method, &demand.request_method)?;
        same("request_fingerprint", &self.request_fingerprint, &demand.request_fingerprint)?;
        same("idempotency_key", &self.idempotency_key, &demand.idempotency_key)
    }

    /// Whether it was paid in time, and counts at `now`.
    pub(crate) fn is_in_time(&self, demand: &Demand, now: Time) -> Result<(), Refusal> {
        let (issued_at, expires_at) = (self.issued_at.time(), self.expires_at.time());
        let window = Time::from_seconds(demand.replay_window_seconds.into());
        if expires_at <= now {
            return Err(Refusal::Expired);
        }
        if now.after(Time::from_seconds(CLOCK_SKEW_SECONDS).0) < issued_at {
            return Err(Refusal::NotYetIssued);
        }
        if issued_at.after(window.0) < expires_at {
            return Err(Refusal::LivesTooLong);
        }
        if demand.pay_before.time() <= issued_at {
            return Err(Refusal::PaidLate);
        }
        Ok(())
    }
}

fn same<T: PartialEq>(field: &'static str, one: &T, other: &T) -> Result<(), Refusal> {
    if one == other {
        return Ok(());
    }
    Err(Refusal::Differs { field })
}
