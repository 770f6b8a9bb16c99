//! Issuing: members selected from a confirmed intent, sealed by a key that signs nothing else.

use super::payload::IacPayload;
use super::verify::{CREDENTIAL_TYPES, IacClaims, IacCredential, IacHeader, JWT_TYPE};
use crate::a402::{Identifier, Uri};
use crate::act::intent::{ConfirmedIsr, Extension};
use crate::act::object::canonical;
use crate::limits::IAC_TEXT_BYTES_MAX;
use book::Time;
use evidence::{Algorithm, PublicKey, SigningKey, base64url};

/// What is not in the intent: whose credential it is, under which name, and what it refers back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// A name nobody has used for a credential before: the caller draws it.
    pub delegation_id: Identifier,
    /// The principal whose key will sign.
    pub delegator_identity: Identifier,
    pub source_isr_digest: SourceDigest,
}

/// Whether the credential quotes the digest of the rules it was selected from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceDigest {
    Include,
    Omit,
}

/// A credential nobody has signed yet. Only a confirmed intent becomes one (ISS-01).
#[derive(Clone, Debug, PartialEq)]
pub struct UnsignedIac(IacPayload);

impl UnsignedIac {
    /// Selects what later checks need, and nothing else: no words of the dialogue, no address, nothing
    /// private to a vendor (ISS-03).
    pub fn select(isr: &ConfirmedIsr, selection: Selection) -> Self {
        let source_isr_digest = match selection.source_isr_digest {
            SourceDigest::Include => Some(isr.digest()),
            SourceDigest::Omit => None,
        };
        let (limits, isr) = (&isr.limits, isr.isr());
        let ext = isr.ext.as_ref().map(|ext| Extension {
            commerce: ext.commerce.clone(),
            agent_behavior: ext.agent_behavior.clone(),
            fulfillment: None,
            vendor_private: None,
        });
        UnsignedIac(IacPayload {
            delegation_id: selection.delegation_id,
            intent_id: Some(isr.intent_id.clone()),
            conversation_history: None,
            delegator_identity: selection.delegator_identity,
            agent_id: limits.agent_id.clone(),
            delegation_mode: Some(limits.mode),
            validity_start_time: limits.start.clone(),
            validity_end_time: limits.end.clone(),
            max_total_amount: limits.total,
            currency: Some(limits.currency.clone()),
            allowed_payment_methods: isr.allowed_payment_methods.clone(),
            user_confirmation_method: isr.user_confirmation_method.clone(),
            user_confirmation_timestamp: isr.user_confirmation_timestamp.clone(),
            source_isr_digest,
            ext: ext.filter(|ext| ext.commerce.is_some() || ext.agent_behavior.is_some()),
        })
    }

    /// Takes the words along instead of the intent's name, for an intent nobody can look up (ISS-06).
    pub fn with_words_instead_of_intent(self, isr: &ConfirmedIsr) -> Self {
        UnsignedIac(IacPayload {
            intent_id: None,
            conversation_history: Some(isr.isr().conversation_history.clone()),
            ..self.0
        })
    }

    /// What will be signed.
    pub fn payload(&self) -> &IacPayload {
        &self.0
    }
}

/// What a credential refers to beside its limits. Both are under the signature.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IacReferences {
    /// Where to ask for the credential's state.
    pub status_reference: Option<Uri>,
    /// The evidence that the key was under control when it signed.
    pub control_proof_ref: Option<Identifier>,
}

/// How much hangs on a credential, by the issuer's own measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Risk {
    Ordinary,
    /// Both references have to be there (ISS-11).
    High,
}

/// Why a credential was not issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssueError {
    #[error("the key is not the one of the principal who delegates")]
    OtherDelegator,
    #[error("the intent's validity is over")]
    WindowOver,
    #[error("a credential of high risk needs `status_reference` and `control_proof_ref`")]
    ReferencesMissing,
    /// The credential would have more than [`IAC_TEXT_BYTES_MAX`] characters: shorten its lists.
    #[error("the credential would be longer than {IAC_TEXT_BYTES_MAX} characters")]
    TooLong,
}

/// Why a key cannot be one for credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key for credentials signs with ES256")]
pub struct NotAnIacKey;

/// A principal's key for credentials. It takes a signing key in and never lets it out or use it for
/// anything else (ISS-10).
#[derive(Debug)]
pub struct IacKey {
    key_id: Identifier,
    /// The one principal it speaks for; a service's key speaks for each who confirmed to the service.
    owner: Option<Identifier>,
    signing_key: SigningKey,
}

impl IacKey {
    /// The key of `owner` that others know as `key_id`.
    ///
    /// # Errors
    /// [`NotAnIacKey`] unless it signs with ES256.
    pub fn new(key_id: Identifier, owner: Identifier, signing_key: SigningKey) -> Result<Self, NotAnIacKey> {
        IacKey::of(key_id, Some(owner), signing_key)
    }

    /// The key of a service that issues for its principals what they confirmed to it.
    ///
    /// # Errors
    /// [`NotAnIacKey`] unless it signs with ES256.
    pub fn of_service(key_id: Identifier, signing_key: SigningKey) -> Result<Self, NotAnIacKey> {
        IacKey::of(key_id, None, signing_key)
    }

    fn of(
        key_id: Identifier,
        owner: Option<Identifier>,
        signing_key: SigningKey,
    ) -> Result<Self, NotAnIacKey> {
        match signing_key.public().algorithm() {
            Algorithm::Es256 => Ok(IacKey { key_id, owner, signing_key }),
            Algorithm::Ed25519 => Err(NotAnIacKey),
        }
    }

    /// The name under which others know it.
    pub fn key_id(&self) -> &Identifier {
        &self.key_id
    }

    /// The public half, for those who verify.
    pub fn public(&self) -> &PublicKey {
        self.signing_key.public()
    }

    /// Signs and seals a credential: a compact VC-JWT. The intent's confirmation is all it takes (ISS-02).
    ///
    /// # Errors
    /// [`IssueError`]; nothing was signed then.
    pub fn issue(
        &self,
        iac: &UnsignedIac,
        references: &IacReferences,
        risk: Risk,
        now: Time,
    ) -> Result<String, IssueError> {
        let payload = &iac.0;
        if self.owner.as_ref().is_some_and(|owner| payload.delegator_identity != *owner) {
            return Err(IssueError::OtherDelegator);
        }
        if payload.validity_end_time.time() <= now {
            return Err(IssueError::WindowOver);
        }
        let referred = references.status_reference.is_some() && references.control_proof_ref.is_some();
        match risk {
            Risk::High if !referred => return Err(IssueError::ReferencesMissing),
            Risk::High | Risk::Ordinary => {}
        }

        let header = IacHeader { alg: word("ES256"), kid: self.key_id.clone(), typ: word(JWT_TYPE) };
        let claims = IacClaims {
            iss: payload.delegator_identity.clone(),
            sub: payload.agent_id.clone(),
            jti: payload.delegation_id.clone(),
            iat: seconds(now),
            nbf: Some(seconds(payload.validity_start_time.time())),
            exp: seconds(payload.validity_end_time.time()),
            vc: IacCredential {
                context: None,
                kinds: CREDENTIAL_TYPES.map(word).into(),
                credential_subject: payload.clone(),
                status_reference: references.status_reference.clone(),
                control_proof_ref: references.control_proof_ref.clone(),
            },
        };
        let part = |bytes: Vec<u8>| base64url::encode(&bytes);
        let signed = format!("{}.{}", part(canonical(&header)), part(canonical(&claims)));
        let signature = base64url::encode(self.signing_key.sign(signed.as_bytes()).as_bytes());
        let token = format!("{signed}.{signature}");
        if IAC_TEXT_BYTES_MAX < token.len() {
            return Err(IssueError::TooLong);
        }
        Ok(token)
    }
}

/// The second in which `at` lies. For an end of validity it is the stricter of the two readings.
pub(crate) fn seconds(at: Time) -> u64 {
    at.0 / 1_000_000_000
}

fn word(text: &str) -> Identifier {
    Identifier::parse(text).expect("a fixed word is an identifier")
}
