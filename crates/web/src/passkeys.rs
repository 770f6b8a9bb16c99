//! Passkeys: making them, and checking what they confirm. A passkey's key is a key of its owner's in the book.

use crate::store::Passkey;
use book::{OwnerId, PublicKeyBytes};
use passki::{
    AuthenticationCredential, AuthenticationOptions, AuthenticationState, ClientData, Passki,
    RegistrationCredential, RegistrationOptions, RegistrationState, ResidentKeyRequirement, StoredPasskey,
    UserVerificationRequirement,
};
use serde_json::Value;
use url::{Host, Url};

/// ES256 in COSE: the scheme of a passkey that the book can hold, as all authenticators have it.
const ES256: i32 = -7;

/// The relying party.
pub struct Passkeys(Passki);

impl std::fmt::Debug for Passkeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Passkeys({})", self.0.rp_id)
    }
}

/// What the browser sent is no passkey of ours, or confirms something else.
#[derive(Debug, thiserror::Error)]
pub enum NoPasskey {
    /// It is not what a browser sends.
    #[error("the passkey's answer is malformed: {0}")]
    Malformed(#[from] serde_json::Error),
    /// It does not fit.
    #[error("the passkey does not fit: {0}")]
    Refused(#[from] passki::PasskiError),
    /// Its key is of a kind that the book does not hold.
    #[error("the passkey's key is not ES256")]
    Scheme,
}

impl Passkeys {
    /// For the console at this address, if it can have passkeys: they belong to a name.
    pub fn at(public_url: &Url) -> Option<Passkeys> {
        let Some(Host::Domain(host)) = public_url.host() else { return None };
        let origin = public_url.origin().ascii_serialization();
        Some(Passkeys(Passki::new(host, &[origin], "Tollbridge")))
    }

    /// What the browser needs to make a passkey for `owner`, and what to remember until it has.
    ///
    /// # Errors
    /// [`NoPasskey`].
    pub fn begin_making(
        &self,
        owner: OwnerId,
        name: &str,
        others: &[StoredPasskey],
    ) -> Result<(Value, RegistrationState), NoPasskey> {
        let mut options = RegistrationOptions::default();
        options.resident_key = ResidentKeyRequirement::Required;
        options.user_verification = UserVerificationRequirement::Required;
        options.exclude_credentials = Some(others);
        let (mut challenge, state) = self.0.start_passkey_registration(&owner.0.0, name, name, options)?;
        challenge.pub_key_cred_params.retain(|param| param.alg == ES256);
        Ok((serde_json::to_value(&challenge)?, state))
    }

    /// The passkey that the browser made, and its key.
    ///
    /// # Errors
    /// [`NoPasskey`].
    pub fn make(
        &self,
        text: &str,
        state: &RegistrationState,
    ) -> Result<(StoredPasskey, PublicKeyBytes), NoPasskey> {
        let credential: RegistrationCredential = serde_json::from_str(text)?;
        let stored = self.0.finish_passkey_registration(&credential, state)?;
        let key = coordinates(&stored).ok_or(NoPasskey::Scheme)?;
        Ok((stored, PublicKeyBytes::Es256(key)))
    }

    /// What the browser needs to use one of `passkeys`, or any of this place's where none is named.
    ///
    /// # Errors
    /// [`NoPasskey`].
    pub fn begin_using(&self, passkeys: &[Passkey]) -> Result<(Value, AuthenticationState), NoPasskey> {
        let stored: Vec<StoredPasskey> = passkeys.iter().map(|passkey| passkey.stored.clone()).collect();
        let mut options = AuthenticationOptions::default();
        options.user_verification = UserVerificationRequirement::Required;
        let (challenge, state) = self.0.start_passkey_authentication(&stored, options)?;
        Ok((serde_json::to_value(&challenge)?, state))
    }

    /// What the browser needs to use any passkey of this place's for `challenge`: whoever logs in says by it who it is.
    ///
    /// # Errors
    /// [`NoPasskey`].
    pub fn begin_log_in(&self, challenge: &[u8]) -> Result<Value, NoPasskey> {
        let (mut options, _) = self.begin_using(&[])?;
        options["challenge"] = Value::String(Passki::base64_encode(challenge));
        Ok(options)
    }

    /// What to check an answer to [`begin_log_in`](Passkeys::begin_log_in) against.
    ///
    /// # Errors
    /// [`NoPasskey`].
    pub fn log_in_state(&self, challenge: &[u8]) -> Result<AuthenticationState, NoPasskey> {
        let (_, mut state) = self.begin_using(&[])?;
        state.challenge = challenge.to_vec();
        Ok(state)
    }

    /// Checks that `passkey` confirmed what `state` was remembered for, and counts its use.
    ///
    /// # Errors
    /// [`NoPasskey`].
    pub fn check(
        &self,
        text: &str,
        state: &AuthenticationState,
        passkey: &StoredPasskey,
    ) -> Result<StoredPasskey, NoPasskey> {
        let credential: AuthenticationCredential = serde_json::from_str(text)?;
        let result = self.0.finish_passkey_authentication(&credential, state, passkey)?;
        let mut used = passkey.clone();
        used.counter = result.counter;
        Ok(used)
    }
}

/// The challenge and the credential that a browser's answer names; nothing of it is checked yet.
pub fn named(text: &str) -> Option<(String, Vec<u8>)> {
    let answer: Value = serde_json::from_str(text).ok()?;
    let data = Passki::base64_decode(answer.pointer("/response/clientDataJSON")?.as_str()?).ok()?;
    let challenge = ClientData::from_bytes(&data).ok()?.challenge;
    let credential = Passki::base64_decode(answer.get("rawId")?.as_str()?).ok()?;
    Some((challenge, credential))
}

/// The coordinates of an ES256 key as COSE has it (RFC 9053 §7.1.1): labels -2 and -3.
fn coordinates(stored: &StoredPasskey) -> Option<[u8; 64]> {
    if stored.algorithm != ES256 {
        return None;
    }
    let value: ciborium::Value = ciborium::from_reader(stored.public_key.as_slice()).ok()?;
    let map = value.as_map()?;
    let find = |label: i64| {
        let named = map.iter().find(|(key, _)| key.as_integer() == Some(label.into()));
        named.and_then(|(_, value)| value.as_bytes()).filter(|bytes| bytes.len() == 32)
    };
    let both: Vec<u8> = find(-2)?.iter().chain(find(-3)?).copied().collect();
    both.try_into().ok()
}
