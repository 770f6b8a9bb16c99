//! Verifying a credential offline: form, algorithm, key, signature, agreement of its parts, and both windows.

use super::payload::IacPayload;
use crate::a402::{Identifier, KeyFault, Keyring, Uri};
use crate::act::object::{self, Malformed, Opaque, object};
use crate::limits::{CLOCK_SKEW_SECONDS, IAC_TEXT_BYTES_MAX};
use book::Time;
use evidence::{Algorithm, Signature, Signed, Verified, base64url};

pub(super) const JWT_TYPE: &str = "vc+jwt";
pub(super) const CREDENTIAL_TYPES: [&str; 2] = ["VerifiableCredential", "ACTIntentAuthorization"];

object! {
    /// The protected header: no member may point to a key, name another algorithm or demand an extension.
    pub(super) struct IacHeader closed "header" {
        required alg: Identifier,
        required kid: Identifier,
        required typ: Identifier,
    }
}

object! {
    /// The claims around the payload. Seconds since 1970.
    pub(super) struct IacClaims closed "claims" {
        required iss: Identifier,
        required sub: Identifier,
        required jti: Identifier,
        required iat: u64,
        optional nbf: u64,
        required exp: u64,
        required vc: IacCredential,
    }
}

object! {
    /// The credential inside the claims. The two references are ours: ACT names them, but not their place.
    pub(super) struct IacCredential closed "vc" {
        optional context as "@context": Opaque,
        required kinds as "type": Vec<Identifier>,
        required credential_subject as "credentialSubject": IacPayload,
        optional status_reference: Uri,
        optional control_proof_ref: Identifier,
    }
}

/// A credential as its text states it.
#[derive(Clone, Debug, PartialEq)]
pub struct Iac {
    pub payload: IacPayload,
    /// The second in which it was issued.
    pub issued_at: Time,
    pub status_reference: Option<Uri>,
    pub control_proof_ref: Option<Identifier>,
    valid_from: Time,
    valid_until: Time,
}

/// Why a text is no credential to act on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IacError {
    /// Longer than [`IAC_TEXT_BYTES_MAX`].
    #[error("credential of {bytes} characters is longer than {IAC_TEXT_BYTES_MAX}")]
    TooLong { bytes: usize },
    #[error("the credential is not three parts of unpadded Base64URL")]
    Encoding,
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// Only `ES256` is accepted, whatever the text says of itself.
    #[error("the credential is not signed with ES256")]
    Algorithm,
    #[error("the credential is of another type")]
    OtherType,
    /// The envelope says something else than the signed payload.
    #[error("`{claim}` is not what the payload says")]
    Disagreement { claim: &'static str },
    #[error(transparent)]
    Key(#[from] KeyFault),
    #[error("the credential was issued in the future")]
    IssuedInFuture,
    #[error("the credential is not valid yet")]
    NotYetValid,
    #[error("the credential has expired")]
    Expired,
}

/// A credential that was read, and whose signature nobody has checked yet.
#[derive(Clone, Debug)]
pub struct ClaimedIac {
    key_id: Identifier,
    iac: Iac,
    signed: Vec<u8>,
    signature: Signature,
}

/// A credential its principal has signed, and that was inside its window at the time it was verified.
///
/// Whether it was suspended or revoked since is a question of its [`lifecycle`](crate::act::lifecycle).
#[derive(Clone, Debug, PartialEq)]
pub struct VerifiedIac(Verified<Iac>);

/// Checks a compact credential at `now`, with nothing but `keys`.
///
/// `keys` are keys for credentials only, each owned by the principal it speaks for: a key in it that
/// also signs requests would let one signature pass for the other (ISS-10).
///
/// # Errors
/// [`IacError`], of the first thing wrong: form, algorithm, agreement, signature, window.
pub fn verify(token: &str, keys: &Keyring, now: Time) -> Result<VerifiedIac, IacError> {
    ClaimedIac::read(token)?.verify(keys, now)
}

impl ClaimedIac {
    /// Takes a compact credential apart.
    ///
    /// # Errors
    /// [`IacError`] of form, algorithm and agreement.
    pub fn read(token: &str) -> Result<Self, IacError> {
        if IAC_TEXT_BYTES_MAX < token.len() {
            return Err(IacError::TooLong { bytes: token.len() });
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(IacError::Encoding)?;
        let (header, claims) = signed.split_once('.').ok_or(IacError::Encoding)?;
        let header = base64url::decode(header).ok_or(IacError::Encoding)?;
        let claims = base64url::decode(claims).ok_or(IacError::Encoding)?;

        let header = object::read::<IacHeader>("header", &header)?;
        if header.alg.as_str() != "ES256" {
            return Err(IacError::Algorithm);
        }
        let claims = object::read::<IacClaims>("claims", &claims)?;
        let named = |kind: &str| claims.vc.kinds.iter().any(|found| found.as_str() == kind);
        if header.typ.as_str() != JWT_TYPE || !CREDENTIAL_TYPES.into_iter().all(named) {
            return Err(IacError::OtherType);
        }
        let signature = base64url::decode(signature).ok_or(IacError::Encoding)?;
        let signature = Signature::from_slice(&signature).map_err(|_| KeyFault::BadSignature)?;
        let (key_id, signed) = (header.kid, signed.as_bytes().to_vec());
        Ok(ClaimedIac { key_id, iac: agreeing(claims)?, signed, signature })
    }

    /// The key it says it is signed by, for whoever has to fetch that first.
    pub fn key_id(&self) -> &Identifier {
        &self.key_id
    }

    /// What it claims.
    pub fn claimed(&self) -> &Iac {
        &self.iac
    }

    /// Checks signature and windows.
    ///
    /// # Errors
    /// [`IacError::Key`] and those of time.
    pub fn verify(self, keys: &Keyring, now: Time) -> Result<VerifiedIac, IacError> {
        let key = keys.key_of(&self.key_id, &self.iac.payload.delegator_identity)?.clone();
        match key.algorithm() {
            Algorithm::Es256 => {}
            Algorithm::Ed25519 => return Err(KeyFault::WrongAlgorithm.into()),
        }
        let iac = self.iac;
        let signed = Signed::read(self.signed, key, self.signature, |_| Ok::<_, KeyFault>(iac))?;
        let verified = VerifiedIac(signed.verify().map_err(|_| KeyFault::BadSignature)?);
        verified.check_window(now)?;
        Ok(verified)
    }
}

impl VerifiedIac {
    /// The credential.
    pub fn iac(&self) -> &Iac {
        self.0.get()
    }

    /// What it states.
    pub fn payload(&self) -> &IacPayload {
        &self.0.get().payload
    }

    /// The first instant it is good by envelope and payload both.
    pub fn valid_from(&self) -> Time {
        self.0.get().valid_from
    }

    /// The instant from which envelope or payload says it is good no longer.
    pub fn valid_until(&self) -> Time {
        self.0.get().valid_until
    }

    /// Checks the window again, at another time.
    ///
    /// # Errors
    /// [`IacError::IssuedInFuture`], [`IacError::NotYetValid`] and [`IacError::Expired`].
    pub fn check_window(&self, now: Time) -> Result<(), IacError> {
        if self.valid_until() <= now {
            return Err(IacError::Expired);
        }
        if now < self.valid_from() {
            return Err(IacError::NotYetValid);
        }
        if now.after(Time::from_seconds(CLOCK_SKEW_SECONDS).0) < self.iac().issued_at {
            return Err(IacError::IssuedInFuture);
        }
        Ok(())
    }
}

/// The credential, if envelope and payload speak of the same; of two windows the stricter counts.
fn agreeing(claims: IacClaims) -> Result<Iac, IacError> {
    let payload = claims.vc.credential_subject;
    for (claim, said, signed) in [
        ("iss", &claims.iss, &payload.delegator_identity),
        ("sub", &claims.sub, &payload.agent_id),
        ("jti", &claims.jti, &payload.delegation_id),
    ] {
        if said != signed {
            return Err(IacError::Disagreement { claim });
        }
    }
    let not_before = claims.nbf.map_or(Time(0), Time::from_seconds);
    Ok(Iac {
        issued_at: Time::from_seconds(claims.iat),
        valid_from: payload.validity_start_time.time().max(not_before),
        valid_until: payload.validity_end_time.time().min(Time::from_seconds(claims.exp)),
        status_reference: claims.vc.status_reference,
        control_proof_ref: claims.vc.control_proof_ref,
        payload,
    })
}
