//! Who is let in: whoever has the token that was printed, or one that an issuer signed for us, for somebody we know.
//!
//! A token is for one audience, from one issuer, by one of its keys with the algorithm of that key; what the token itself says
//! about algorithms is only compared. Its subject is bound to one key file, and its scopes to tools.

use crate::http::{Bearer, config};
use crate::limits::{KEYS_EVERY, KEYS_FRESH};
use crate::tools::{Name, ToolSet};
use http::{HeaderMap, StatusCode, header};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};
use url::Url;

/// How far an issuer's clock may be from ours, in seconds.
const CLOCKS_DIFFER_SECONDS: u64 = 30;

/// Who is let in.
#[derive(Debug)]
pub enum Gate {
    /// Whoever has the token that was printed at the start: one principal, for one machine.
    Printed {
        /// The token.
        bearer: Bearer,
        /// Whose it is.
        principal: String,
        /// For which tools.
        tools: Vec<ToolSet>,
    },
    /// Whoever brings a token of this issuer.
    Issued(Box<Issuer>),
}

/// An issuer of tokens.
#[derive(Debug)]
pub struct Issuer {
    /// Its name, as its tokens have it.
    pub name: String,
    /// Its keys.
    pub keys: Keys,
    /// The subjects that are known, with the tools of each.
    pub subjects: HashMap<String, Vec<ToolSet>>,
}

/// The keys of an issuer as they were last read, and where they are read again.
#[derive(Debug)]
pub struct Keys {
    known: RwLock<Arc<KeySet>>,
    /// A file or an address; none where they stay what they are.
    place: Option<String>,
    read_at: Mutex<Instant>,
}

/// The keys of an issuer, each with its one algorithm.
pub struct KeySet(Vec<(String, Algorithm, DecodingKey)>);

/// The keys cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the issuer's keys: {0}")]
pub struct NotAnIssuer(String);

/// The tools a request may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted(pub Vec<ToolSet>);

/// A request that was let in.
#[derive(Debug)]
pub(super) struct Passed {
    pub(super) principal: String,
    pub(super) granted: Granted,
}

/// Why it was not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It brings no token.
    None,
    /// Its token is not for us, not by the issuer, or over.
    Invalid,
    /// Its token is good, and not for this.
    Insufficient(Option<ToolSet>),
}

#[derive(Debug, Deserialize)]
struct Claims {
    sub: String,
    #[serde(default)]
    scope: String,
}

impl Gate {
    pub(super) async fn pass(&self, headers: &HeaderMap, resource: &Url) -> Result<Passed, Refusal> {
        let token = token(headers)?;
        let (principal, tools) = match self {
            Gate::Printed { bearer, principal, tools } => {
                bearer.check(token).map_err(|_| Refusal::Invalid)?;
                (principal.clone(), tools.clone())
            }
            Gate::Issued(issuer) => issuer.read(token, resource).await?,
        };
        // Clients of 2026-07-28 say in a header which tool they call, and the body has to agree.
        let called = headers.get("mcp-name").and_then(|name| name.to_str().ok());
        let called = called.and_then(|name| Name::find(name, &ToolSet::ALL)).map(Name::set);
        match called {
            Some(set) if !tools.contains(&set) => Err(Refusal::Insufficient(Some(set))),
            _ if tools.is_empty() => Err(Refusal::Insufficient(None)),
            Some(_) | None => Ok(Passed { principal, granted: Granted(tools) }),
        }
    }

    /// Whether clients find an issuer in our metadata.
    pub(super) fn has_issuer(&self) -> bool {
        match self {
            Gate::Printed { .. } => false,
            Gate::Issued(_) => true,
        }
    }

    /// What RFC 9728 has a resource say about itself.
    pub(super) fn metadata(&self, resource: &Url) -> Option<Value> {
        match self {
            Gate::Printed { .. } => None,
            Gate::Issued(issuer) => Some(json!({
                "resource": resource.as_str(),
                "authorization_servers": [issuer.name],
                "scopes_supported": ToolSet::ALL.map(ToolSet::scope),
                "bearer_methods_supported": ["header"],
                "resource_name": "Tollbridge",
            })),
        }
    }
}

impl Issuer {
    /// Whose token it is, and for which tools.
    async fn read(&self, token: &str, resource: &Url) -> Result<(String, Vec<ToolSet>), Refusal> {
        let head = decode_header(token).map_err(|_| Refusal::Invalid)?;
        let name = head.kid.as_deref().ok_or(Refusal::Invalid)?;
        let keys = self.keys.with(name).await;
        let key = keys.0.iter().find(|(known, algorithm, _)| known == name && *algorithm == head.alg);
        let (_, algorithm, key) = key.ok_or(Refusal::Invalid)?;
        let mut validation = Validation::new(*algorithm);
        validation.leeway = CLOCKS_DIFFER_SECONDS;
        validation.validate_nbf = true;
        validation.set_issuer(&[&self.name]);
        validation.set_audience(&[resource.as_str()]);
        validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
        let claims: Claims = decode(token, key, &validation).map_err(|_| Refusal::Invalid)?.claims;
        let tools = self.subjects.get(&claims.sub).ok_or(Refusal::Insufficient(None))?;
        let scopes: Vec<&str> = claims.scope.split(' ').collect();
        let tools = tools.iter().copied().filter(|set| scopes.contains(&set.scope())).collect();
        Ok((claims.sub, tools))
    }
}

impl Keys {
    /// Keys that stay what they are.
    pub fn fixed(keys: KeySet) -> Keys {
        Keys { known: RwLock::new(Arc::new(keys)), place: None, read_at: Mutex::new(Instant::now()) }
    }

    /// Keys that are read again from where they were read.
    pub(super) fn at(place: String, keys: KeySet) -> Keys {
        Keys { place: Some(place), ..Keys::fixed(keys) }
    }

    /// The keys, read again if they are old, or none of them is called `name` and they were not read just now.
    async fn with(&self, name: &str) -> Arc<KeySet> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(place) = &self.place else { return known };
        let is_known = known.0.iter().any(|(known, ..)| known == name);
        if !self.is_due(if is_known { KEYS_FRESH } else { KEYS_EVERY }) {
            return known;
        }
        let read = config::read_keys(place).await.map_err(|fault| fault.to_string());
        match read.and_then(|text| KeySet::parse(&text).map_err(|fault| fault.to_string())) {
            Ok(keys) => {
                let keys = Arc::new(keys);
                *self.known.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&keys);
                keys
            }
            Err(fault) => {
                tracing::warn!(%fault, "the issuer's keys were not read again; those before stay");
                known
            }
        }
    }

    /// Whether they may be read again; then they count as read, so that strangers do not make us ask all the time.
    fn is_due(&self, age: Duration) -> bool {
        let mut read_at = self.read_at.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = age <= read_at.elapsed();
        if is_due {
            *read_at = Instant::now();
        }
        is_due
    }
}

impl KeySet {
    /// Reads a JWK set. Keys without a name, and of other kinds than ours, are passed over; secrets are no keys here.
    ///
    /// # Errors
    /// [`NotAnIssuer`], also where no key is left.
    pub fn parse(text: &str) -> Result<KeySet, NotAnIssuer> {
        let set: JwkSet = serde_json::from_str(text).map_err(|fault| NotAnIssuer(fault.to_string()))?;
        let keys: Vec<_> = set.keys.iter().filter_map(known).collect();
        if keys.is_empty() {
            return Err(NotAnIssuer("none is named, and of ES256, EdDSA or RS256".to_owned()));
        }
        Ok(KeySet(keys))
    }
}

impl std::fmt::Debug for KeySet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, algorithm, _)| (name, algorithm))).finish()
    }
}

/// A key with the one algorithm that it is used with.
fn known(jwk: &Jwk) -> Option<(String, Algorithm, DecodingKey)> {
    let name = jwk.common.key_id.clone()?;
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::EllipticCurve(key) => {
            (key.curve == EllipticCurve::P256).then_some(Algorithm::ES256)
        }
        AlgorithmParameters::OctetKeyPair(key) => {
            (key.curve == EllipticCurve::Ed25519).then_some(Algorithm::EdDSA)
        }
        AlgorithmParameters::RSA(_) => Some(Algorithm::RS256),
        // A secret, or of a kind that somebody thought of since: the enum is open.
        AlgorithmParameters::OctetKey(_) | AlgorithmParameters::Other(_) | _ => None,
    }?;
    let said = jwk.common.key_algorithm.map(|said| said.to_string());
    if said.is_some_and(|said| said != format!("{algorithm:?}")) {
        return None;
    }
    Some((name, algorithm, DecodingKey::from_jwk(jwk).ok()?))
}

/// The one token of a request.
fn token(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return Err(Refusal::None),
        (Some(value), None) => value.to_str().map_err(|_| Refusal::Invalid)?,
        (Some(_), Some(_)) => return Err(Refusal::Invalid),
    };
    let (scheme, token) = value.split_once(' ').ok_or(Refusal::Invalid)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(Refusal::Invalid) }
}

impl Refusal {
    pub(super) fn status(self) -> StatusCode {
        match self {
            Refusal::None | Refusal::Invalid => StatusCode::UNAUTHORIZED,
            Refusal::Insufficient(_) => StatusCode::FORBIDDEN,
        }
    }

    pub(super) fn in_words(self) -> &'static str {
        match self {
            Refusal::None => "a token is needed",
            Refusal::Invalid => "the token is not good here",
            Refusal::Insufficient(_) => "the token is not for this",
        }
    }

    /// What a client should do about it.
    pub(super) fn challenge(self, resource: &Url, has_issuer: bool) -> String {
        let scopes = match self {
            Refusal::Insufficient(Some(set)) => set.scope().to_owned(),
            Refusal::None | Refusal::Invalid | Refusal::Insufficient(None) => {
                ToolSet::ALL.map(ToolSet::scope).join(" ")
            }
        };
        let error = match self {
            Refusal::None => "",
            Refusal::Invalid => "error=\"invalid_token\", ",
            Refusal::Insufficient(_) => "error=\"insufficient_scope\", ",
        };
        if !has_issuer {
            return format!("Bearer {error}realm=\"tollbridge\"");
        }
        let origin = resource.origin().ascii_serialization();
        let metadata = format!("{origin}/.well-known/oauth-protected-resource{}", resource.path());
        format!("Bearer {error}scope=\"{scopes}\", resource_metadata=\"{metadata}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: &str) -> String {
        json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": name, "x": "A".repeat(43)}]}).to_string()
    }

    #[tokio::test]
    async fn keys_are_read_again_when_they_are_old_or_another_is_named() {
        let place = std::env::temp_dir().join(format!("tollbridge-keys-{:016x}", rand::random::<u64>()));
        let keys = Keys::at(place.display().to_string(), KeySet::parse(&set("k1")).unwrap());
        let names = async |keys: &Keys, asked: &str| -> Vec<String> {
            keys.with(asked).await.0.iter().map(|(name, ..)| name.clone()).collect()
        };
        let aged = |age: Duration| {
            *keys.read_at.lock().unwrap() = Instant::now().checked_sub(age).unwrap();
        };
        std::fs::write(&place, set("k2")).unwrap();
        assert_eq!(names(&keys, "k2").await, ["k1"], "they were read just now");
        aged(KEYS_EVERY);
        assert_eq!(names(&keys, "k1").await, ["k1"], "it is known");
        assert_eq!(names(&keys, "k2").await, ["k2"]);
        std::fs::write(&place, set("k3")).unwrap();
        aged(KEYS_FRESH);
        assert_eq!(names(&keys, "k2").await, ["k3"], "what was withdrawn is not good for ever");
        std::fs::write(&place, "nonsense").unwrap();
        aged(KEYS_FRESH);
        assert_eq!(names(&keys, "k3").await, ["k3"]);
        std::fs::remove_file(&place).unwrap();
    }

    #[test]
    fn secrets_and_keys_without_a_name_are_no_keys() {
        let secret = json!({"kty": "oct", "kid": "k", "k": "AAAA"});
        let unnamed = json!({"kty": "OKP", "crv": "Ed25519", "x": "A".repeat(43)});
        let other = json!({"kty": "OKP", "crv": "Ed25519", "kid": "k", "alg": "ES256", "x": "A".repeat(43)});
        for key in [secret, unnamed, other] {
            assert!(KeySet::parse(&json!({"keys": [key.clone()]}).to_string()).is_err(), "{key}");
        }
        assert!(KeySet::parse("{}").is_err());
    }
}
