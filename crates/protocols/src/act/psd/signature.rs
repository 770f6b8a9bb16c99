//! What an agent signs of a request, and the check of it.
//!
//! The signed bytes are the canonical JSON of an object with exactly the covered members. A request may
//! list them in `signature_covered_fields`; without a list, every member but the signature is covered.
//! ACT leaves this form open; it is ours.

use crate::a402::{Identifier, SignatureText};
use crate::act::text::Word;
use crate::json;
use evidence::{Algorithm, PublicKey, Signature, SigningKey, base64url};
use serde_json::{Map, Value};

/// The member that carries the signature.
const SIGNATURE: &str = "signature";

/// The member that lists what is covered.
const COVERED_FIELDS: &str = "signature_covered_fields";

/// A request an agent signs.
pub trait SignedRequest {
    /// The signature it carries.
    fn signature(&self) -> &SignatureText;

    /// The members it says are covered, where it lists them.
    fn covered_fields(&self) -> Option<&[Identifier]>;

    /// The algorithm it says it is signed with, where it says so. The key decides; this may only agree.
    fn algorithm(&self) -> Option<&Word>;

    /// The members that have to be covered, for the signature to say anything (DEL-04).
    fn must_cover(&self) -> Vec<&'static str>;

    /// Every member by its name.
    fn members(&self) -> Map<String, Value>;

    /// Takes another signature in place of the one it carries.
    fn set_signature(&mut self, signature: SignatureText);

    /// Takes a list of covered members, where the request has a place for one.
    fn set_covered_fields(&mut self, fields: Vec<Identifier>);
}

/// Why a request is not signed by its agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSigned {
    #[error("the signature leaves out `{0}`")]
    NotCovered(&'static str),
    /// A name that is no member, comes twice, or is the signature's own.
    #[error("the list of covered members names what cannot be covered")]
    CannotCover,
    #[error("the signature does not fit any key of the agent")]
    BadSignature,
}

/// The bytes an agent signs.
///
/// # Errors
/// [`NotSigned::NotCovered`] and [`NotSigned::CannotCover`].
pub fn signing_bytes(request: &impl SignedRequest) -> Result<Vec<u8>, NotSigned> {
    let mut members = request.members();
    members.remove(SIGNATURE);
    let listed = members.remove(COVERED_FIELDS).is_some();
    let mut covered = match (listed, request.covered_fields()) {
        (true, Some(fields)) => Map::from_iter(taken(&mut members, fields)?),
        (true, None) | (false, _) => members,
    };
    let left_out = |name: &&'static str| !covered.contains_key(*name);
    if let Some(name) = request.must_cover().into_iter().find(left_out) {
        return Err(NotSigned::NotCovered(name));
    }
    covered.sort_keys();
    Ok(json::canonical(&Value::Object(covered)))
}

/// Checks that one of the agent's keys signed the request.
///
/// # Errors
/// [`NotSigned`].
pub fn verify_signature(request: &impl SignedRequest, keys: &[PublicKey]) -> Result<(), NotSigned> {
    let message = signing_bytes(request)?;
    let bytes = base64url::decode(request.signature().as_str()).ok_or(NotSigned::BadSignature)?;
    let signature = Signature::from_slice(&bytes).map_err(|_| NotSigned::BadSignature)?;
    let named =
        |key: &PublicKey| request.algorithm().is_none_or(|word| word.as_str() == name_of(key.algorithm()));
    let fits = |key: &PublicKey| named(key) && key.verify(&message, &signature).is_ok();
    if keys.iter().any(fits) { Ok(()) } else { Err(NotSigned::BadSignature) }
}

/// Signs a request, every member of it, in place of whatever signature it carried.
pub fn sign<R: SignedRequest>(mut request: R, key: &SigningKey) -> R {
    let names = request.members().into_iter().map(|(name, _)| name);
    let covered = names.filter(|name| name != SIGNATURE && name != COVERED_FIELDS);
    let named = |name| Identifier::parse(name).expect("the name of a member is an identifier");
    request.set_covered_fields(covered.map(named).collect());
    let message = signing_bytes(&request).expect("whoever covers every member covers enough");
    let signature = base64url::encode(key.sign(&message).as_bytes());
    request.set_signature(SignatureText::parse(signature).expect("Base64URL of 64 bytes is its text"));
    request
}

/// What `signature_algorithm` calls an algorithm.
fn name_of(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Ed25519 => "ED25519",
        Algorithm::Es256 => "ES256",
    }
}

fn taken(members: &mut Map<String, Value>, fields: &[Identifier]) -> Result<Vec<(String, Value)>, NotSigned> {
    let take = |field: &Identifier| members.remove_entry(field.as_str()).ok_or(NotSigned::CannotCover);
    fields.iter().map(take).collect()
}

/// Makes a message a [`SignedRequest`]: what must be covered, and whether it lists that.
macro_rules! signed_request {
    ($name:ident lists its coverage, must cover $must:ident) => {
        $crate::act::psd::signature::signed_request!(@common $name $must {
            fn algorithm(&self) -> Option<&$crate::act::Word> {
                None
            }

            fn covered_fields(&self) -> Option<&[$crate::a402::Identifier]> {
                self.signature_covered_fields.as_deref()
            }

            fn set_covered_fields(&mut self, fields: Vec<$crate::a402::Identifier>) {
                self.signature_covered_fields = Some(fields);
            }
        });
    };
    ($name:ident covers every member) => {
        $crate::act::psd::signature::signed_request!(@common $name (|_: &$name| Vec::new()) {
            fn algorithm(&self) -> Option<&$crate::act::Word> {
                (&self.signature_algorithm).into()
            }

            fn covered_fields(&self) -> Option<&[$crate::a402::Identifier]> {
                None
            }

            fn set_covered_fields(&mut self, _fields: Vec<$crate::a402::Identifier>) {}
        });
    };
    (@common $name:ident $must:tt { $($coverage:tt)+ }) => {
        impl $crate::act::psd::signature::SignedRequest for $name {
            fn signature(&self) -> &$crate::a402::SignatureText {
                &self.signature
            }

            fn must_cover(&self) -> Vec<&'static str> {
                ($must)(self)
            }

            fn members(&self) -> serde_json::Map<String, serde_json::Value> {
                $crate::act::object::members(self)
            }

            fn set_signature(&mut self, signature: $crate::a402::SignatureText) {
                self.signature = signature;
            }

            $($coverage)+
        }
    };
}

pub(crate) use signed_request;
