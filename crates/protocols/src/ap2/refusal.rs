//! Why an AP2 presentation is refused, and what AP2 calls it.

use crate::a402::Malformed;
use crate::a402::words::words;
use crate::json::NotStrict;
use crate::limits::{AP2_HOPS_MAX, AP2_PRESENTATION_BYTES_MAX};

words! {
    /// The errors a receipt may name.
    ErrorCode {
        /// It is not signed, not bound, not for us, or not in time.
        InvalidCredential = "invalid_credential",
        /// A constraint does not hold, is not known, or cannot be seen.
        UnresolvedConstraint = "unresolved_constraint",
        /// It is signed, but is no mandate of its type.
        InvalidMandate = "invalid_mandate",
        /// It is of a type or a version that is not taken here.
        MandatesNotSupported = "mandates_not_supported",
    }
}

/// Why a presentation is refused. Nothing of it is paid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("presentation of {bytes} bytes is longer than {AP2_PRESENTATION_BYTES_MAX}")]
    TooLong { bytes: usize },
    #[error("the chain has more than {AP2_HOPS_MAX} tokens")]
    TooManyHops,
    /// Not tokens joined by `~~`, or not unpadded Base64URL inside.
    #[error("the presentation is not a chain of compact SD-JWTs")]
    Encoding,
    #[error(transparent)]
    Json(#[from] NotStrict),
    /// Only `ES256` is taken, whatever the token says of itself.
    #[error("token {hop} is not signed with ES256")]
    Algorithm { hop: usize },
    /// The header asks for an extension.
    #[error("token {hop} demands an extension of the signature")]
    Critical { hop: usize },
    #[error("token {hop} is of another type")]
    OtherType { hop: usize },
    /// Only SHA-256 is taken.
    #[error("the disclosures are not hashed with `sha-256`")]
    HashAlgorithm,
    #[error("the disclosures are not those of the token: {fault}")]
    Disclosure { fault: &'static str },
    #[error("nobody vouches for the key that signed the mandate")]
    UnknownKey,
    #[error("the signature of token {hop} does not fit")]
    BadSignature { hop: usize },
    #[error("token {hop} states `{claim}` in a form that is not taken, or not at all")]
    Claim { hop: usize, claim: &'static str },
    /// Not exactly one of `sd_hash` and `issuer_jwt_hash`, or another token's.
    #[error("token {hop} is not bound to the token before it")]
    Unbound { hop: usize },
    #[error("the presentation is for another audience")]
    Audience,
    #[error("the presentation is for another nonce")]
    Nonce,
    #[error("token {hop} was issued in the future")]
    IssuedInFuture { hop: usize },
    #[error("the presentation is too old")]
    TooOld,
    #[error("token {hop} is not valid yet")]
    NotYetValid { hop: usize },
    #[error("token {hop} has expired")]
    Expired { hop: usize },

    /// The token carries no mandate, or more than one of them is shown.
    #[error("token {hop} does not show exactly one mandate")]
    NotOneMandate { hop: usize },
    #[error("`{vct}` is not a mandate of AP2 0.2")]
    Unsupported { vct: String },
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// A closed mandate in the middle, or an open one where a closed one is due.
    #[error("token {hop} is {found}, where {due} is due")]
    OutOfPlace { hop: usize, found: &'static str, due: &'static str },
    #[error("`checkout_hash` is not the hash of `checkout_jwt`")]
    CheckoutHash,
    #[error("the merchant's signature of the checkout does not fit")]
    CheckoutSignature,

    /// What is hidden could be a constraint.
    #[error("token {hop} hides a part of the mandate")]
    Hidden { hop: usize },
    #[error("the constraint `{kind}` is not known")]
    UnknownConstraint { kind: String },
    #[error("the mandate has no constraint `{kind}`")]
    ConstraintMissing { kind: &'static str },
    #[error("`{constraint}`: {why}")]
    Violated { constraint: &'static str, why: &'static str },
}

impl Refusal {
    /// What a receipt calls it.
    pub fn code(&self) -> ErrorCode {
        match self {
            Refusal::TooLong { .. }
            | Refusal::TooManyHops
            | Refusal::Encoding
            | Refusal::Json(_)
            | Refusal::Algorithm { .. }
            | Refusal::Critical { .. }
            | Refusal::OtherType { .. }
            | Refusal::HashAlgorithm
            | Refusal::Disclosure { .. }
            | Refusal::UnknownKey
            | Refusal::BadSignature { .. }
            | Refusal::Claim { .. }
            | Refusal::Unbound { .. }
            | Refusal::Audience
            | Refusal::Nonce
            | Refusal::IssuedInFuture { .. }
            | Refusal::TooOld
            | Refusal::NotYetValid { .. }
            | Refusal::Expired { .. } => ErrorCode::InvalidCredential,
            Refusal::NotOneMandate { .. }
            | Refusal::Malformed(_)
            | Refusal::OutOfPlace { .. }
            | Refusal::CheckoutHash
            | Refusal::CheckoutSignature => ErrorCode::InvalidMandate,
            Refusal::Unsupported { .. } => ErrorCode::MandatesNotSupported,
            Refusal::Hidden { .. }
            | Refusal::UnknownConstraint { .. }
            | Refusal::ConstraintMissing { .. }
            | Refusal::Violated { .. } => ErrorCode::UnresolvedConstraint,
        }
    }
}

/// A stranger's word, cut to a line and made harmless.
pub(super) fn shown(word: &str) -> String {
    word.chars().take(48).collect::<String>().escape_debug().to_string()
}
