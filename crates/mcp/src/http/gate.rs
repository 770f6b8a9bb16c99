//! Who is let in: whoever has the token that was printed, or one that an issuer signed for us, for somebody we know.
//!
//! A token is for one audience, from one issuer, by one of its keys with the algorithm of that key; what the token itself says
//! about algorithms is only compared. Its subject is bound to one key file, and its scopes to tools.

use crate::http::Bearer;
use crate::tools::{Name, ToolSet};
use http::{HeaderMap, StatusCode, header};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
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
    pub keys: KeySet,
    /// The subjects that are known, with the tools of each.
    pub subjects: HashMap<String, Vec<ToolSet>>,
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
            Gate::Issued(issuer) => issuer.read(token, resource)?,
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
    fn read(&self, token: &str, resource: &Url) -> Result<(String, Vec<ToolSet>), Refusal> {
        let head = decode_header(token).map_err(|_| Refusal::Invalid)?;
        let key = self
            .keys
            .0
            .iter()
            .find(|(name, algorithm, _)| head.kid.as_ref() == Some(name) && *algorithm == head.alg);
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
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => Algorithm::ES256,
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => Algorithm::EdDSA,
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        _ => return None,
    };
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
