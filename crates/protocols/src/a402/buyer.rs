//! The buyer's side: may this demand be paid, and what is shown for it afterwards?
//!
//! Machine facts come from the header alone; the body of a 402 is for people and is not an argument
//! here (A402-05). Whether the mandate, the budget or the principal agrees is decided elsewhere, on the [`Bill`].

use super::credential::Credential;
use super::envelope::MethodLayer;
use super::error::ErrorId;
use super::fingerprint::RequestFacts;
use super::keys::{KeyFault, Keyring};
use super::members::Malformed;
use super::needed::{Demand, Needed};
use super::proof::Proof;
use super::seller::Refusal;
use super::text::{CredentialText, Identifier, MethodId, MethodVersion};
use book::Time;
use std::collections::BTreeSet;

/// What this buyer pays at all.
#[derive(Clone, Debug)]
pub struct BuyerPolicy {
    /// Who we are.
    pub buyer_unique_id: Identifier,
    /// The methods we can pay by, each in exactly the versions we know.
    pub methods: BTreeSet<(MethodId, MethodVersion)>,
    /// The shortest time we need between payment and the end of retries.
    pub replay_window_seconds_min: u32,
}

/// Why a demand is not to be paid. Each has its error in the catalogue: [`CannotPay::error_id`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotPay {
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error("payment method `{method_id}` `{method_version}` is not one we pay by")]
    MethodUnsupported { method_id: MethodId, method_version: MethodVersion },
    /// With [`KeyFault::UnknownKey`], the key may be fetched over a trusted way, and the header opened again.
    #[error("signer `{signer_id}` of seller `{seller_unique_id}`: {fault}")]
    Signature { signer_id: Identifier, seller_unique_id: Identifier, fault: KeyFault },
    /// The demand is for a request we have not sent.
    #[error("`{field}` of the demand is not that of our request")]
    RequestDiffers { field: &'static str },
    #[error("the demand is for another buyer")]
    OtherBuyer,
    #[error("the demand had to be paid earlier")]
    TooLate,
    #[error("the demand leaves {seconds} seconds for retries, too few")]
    WindowTooShort { seconds: u32 },
}

impl CannotPay {
    /// The catalogue's error for this.
    pub fn error_id(&self) -> ErrorId {
        match self {
            CannotPay::MethodUnsupported { .. } => ErrorId::MethodUnsupported,
            CannotPay::Signature { fault, .. } => match fault {
                KeyFault::UnknownKey | KeyFault::WrongOwner => ErrorId::ParticipantInvalid,
                KeyFault::WrongAlgorithm | KeyFault::BadSignature => ErrorId::SignatureInvalid,
            },
            CannotPay::OtherBuyer => ErrorId::ParticipantInvalid,
            CannotPay::Malformed(_)
            | CannotPay::RequestDiffers { .. }
            | CannotPay::TooLate
            | CannotPay::WindowTooShort { .. } => ErrorId::RequestInvalid,
        }
    }
}

/// A demand that is genuine, in time, for our request, and by a method we know. Not yet allowed.
#[derive(Clone, Debug, PartialEq)]
pub struct Bill {
    needed: Needed,
    buyer_unique_id: Identifier,
}

/// Opens the `Payment-Needed` that came in answer to the request `sent`.
///
/// # Errors
/// [`CannotPay`]: nothing is paid.
pub fn open_needed(
    value: &str,
    sent: &RequestFacts,
    seller_keys: &Keyring,
    policy: &BuyerPolicy,
    now: Time,
) -> Result<Bill, CannotPay> {
    let needed = Needed::decode(value)?;
    let demand = &needed.demand;
    let method = (demand.method_id.clone(), demand.method_version.clone());
    if !policy.methods.contains(&method) {
        let (method_id, method_version) = method;
        return Err(CannotPay::MethodUnsupported { method_id, method_version });
    }
    needed.verify(seller_keys).map_err(|fault| CannotPay::Signature {
        signer_id: needed.signer_id.clone(),
        seller_unique_id: demand.seller_unique_id.clone(),
        fault,
    })?;
    if demand.request_method != sent.method {
        return Err(CannotPay::RequestDiffers { field: "request_method" });
    }
    if demand.request_fingerprint != sent.fingerprint {
        return Err(CannotPay::RequestDiffers { field: "request_fingerprint" });
    }
    if sent.idempotency_key.is_some() && demand.idempotency_key != sent.idempotency_key {
        return Err(CannotPay::RequestDiffers { field: "idempotency_key" });
    }
    if demand.buyer_unique_id.as_ref().is_some_and(|buyer| *buyer != policy.buyer_unique_id) {
        return Err(CannotPay::OtherBuyer);
    }
    if demand.pay_before.time() <= now {
        return Err(CannotPay::TooLate);
    }
    if demand.replay_window_seconds < policy.replay_window_seconds_min {
        return Err(CannotPay::WindowTooShort { seconds: demand.replay_window_seconds });
    }
    let buyer_unique_id = policy.buyer_unique_id.clone();
    Ok(Bill { needed, buyer_unique_id })
}

impl Bill {
    /// What is demanded.
    pub fn demand(&self) -> &Demand {
        &self.needed.demand
    }

    /// The method's own facts. They change nothing in [`Bill::demand`].
    pub fn method(&self) -> &MethodLayer {
        &self.needed.method
    }

    /// The signed demand, as the payment service wants to see it.
    pub fn needed(&self) -> &Needed {
        &self.needed
    }

    /// Makes the proof to show with the original request, from the payment service's credential.
    ///
    /// # Errors
    /// [`Refusal`], if the credential does not state that we paid this bill: ask the payment service
    /// again, and do not pay again.
    pub fn proof(
        &self,
        payment_proof: CredentialText,
        psp_keys: &Keyring,
        method: MethodLayer,
    ) -> Result<Proof, Refusal> {
        let demand = self.demand();
        let credential = Credential::open(&payment_proof, &demand.method_id, psp_keys)?.into_inner();
        credential.agrees_with_demand(demand)?;
        if credential.buyer_unique_id != self.buyer_unique_id {
            return Err(Refusal::NotTheBuyer);
        }
        Ok(Proof::of(credential, payment_proof, method))
    }
}
