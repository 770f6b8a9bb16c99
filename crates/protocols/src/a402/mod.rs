//! ACT 2.1 `PSD-PAY-A402`: paying for an HTTP request, artefact profile 2.1-artifact.1.
//!
//! A seller answers 402 with [`Needed`]; the buyer opens it into a [`Bill`], pays by the method it
//! names, and asks again with a [`Proof`]; the seller checks that, delivers, and may add a
//! [`Validation`]. Everything a stranger sends is a claim until one of the two checks has passed it.
//!
//! Reading order:
//!
//! 1. [`headers`]: which header counts. [`Needed`], [`Proof`], [`Validation`]: what is in it.
//! 2. [`RequestFacts`]: what a payment is bound to. [`Credential`]: what a payment service states.
//! 3. [`open_needed`]: the buyer's check. [`check_proof`], [`check_proof_of_offer`]: the seller's.
//!    [`Offer`]: bills that need no memory.
//! 4. [`TradeState`], [`ErrorId`]: how a trade goes on, and what may be done when it does not.
//! 5. [`wallet`]: our own payment method.
//!
//! What is once-only, what is stored and what is asked over a network belongs to the callers.

mod buyer;
mod credential;
mod envelope;
mod error;
mod fingerprint;
pub mod headers;
mod keys;
pub(crate) mod members;
mod needed;
mod offer;
mod proof;
mod seller;
mod state;
pub(crate) mod text;
mod validation;
pub mod wallet;
pub(crate) mod words;

pub use buyer::{Bill, BuyerPolicy, CannotPay, open_needed};
pub use credential::{Credential, NotGenuine, NotPayable, Payment};
pub use envelope::MethodLayer;
pub use error::{CatalogueEntry, Category, ErrorId, ErrorName, ErrorReport, NextAction, Phase, Retryability};
pub use fingerprint::{NoFingerprint, RequestFacts, digest, fingerprint};
pub use keys::{KeyFault, Keyring, SellerKey};
pub use members::Malformed;
pub use needed::{CommerceConfirmation, Demand, Needed};
pub use offer::{NotOurBill, Offer};
pub use proof::Proof;
pub use seller::{
    DeliveryKey, ProofCheck, RedemptionKey, Refusal, VerifiedProof, check_own_proof, check_proof,
    check_proof_of_offer,
};
pub use state::{IllegalTransition, TradeEvent, TradeState};
pub use text::{
    AmountText, CredentialText, Currency, DateTime, Fingerprint, HttpMethod, Identifier, MethodId,
    MethodVersion, Misshapen, SignatureText, SignatureType, Uri,
};
pub use validation::{
    DeliveryStatus, EvidenceKind, EvidenceRef, FulfillmentStatus, Outcome, Trade, Validation,
    ValidationStatus,
};
