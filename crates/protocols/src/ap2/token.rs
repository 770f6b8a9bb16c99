//! One SD-JWT (RFC 9901): a signed payload, and the disclosures that are shown of it.
//!
//! Every disclosure has to be referred to exactly once, and whatever is referred to and not shown is kept in mind: a
//! mandate may hide who else could have been paid, and nothing that limits it.

use super::refusal::Refusal;
use crate::json;
use crate::limits::{AP2_DEPTH_MAX, AP2_DISCLOSURES_MAX};
use crate::sabotage::{Sabotage, has};
use evidence::{Hash, PublicKey, Signature, SigningKey, base64url};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// The member under which the digests of hidden members stand.
const SD: &str = "_sd";
/// The member that stands for a hidden element of a list.
const ELEMENT: &str = "...";
/// The name of the hash, in the payload.
const SD_ALG: &str = "_sd_alg";
/// The one hash that is taken.
const SHA_256: &str = "sha-256";

/// A token that was read, and whose signature nobody has checked yet.
#[derive(Clone, Debug)]
pub(super) struct Token {
    /// The token with its disclosures, ending with `~`.
    text: String,
    jwt_bytes: usize,
    signed_bytes: usize,
    signature: Signature,
    pub(super) typ: Option<String>,
    pub(super) key_id: Option<String>,
    /// The payload with what is disclosed in its place.
    pub(super) payload: Map<String, Value>,
    pub(super) hidden: Vec<Hidden>,
}

/// A place where something is referred to and not shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hidden {
    /// The list or object it is missing from.
    pub(super) at: Vec<Step>,
    pub(super) what: Missing,
}

/// What is missing there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    Element,
    Member,
}

/// One step from the payload inwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Member(String),
    Element,
}

impl Token {
    /// Takes apart the `hop`-th token of a chain: `header.payload.signature~disclosure~…~`.
    pub(super) fn read(text: String, hop: usize) -> Result<Token, Refusal> {
        let mut parts = text.split('~');
        let jwt = parts.next().filter(|jwt| !jwt.is_empty()).ok_or(Refusal::Encoding)?;
        let mut disclosed: Vec<&str> = parts.collect();
        // What stands behind the last `~` would be another way of binding a key.
        if disclosed.pop() != Some("") || disclosed.contains(&"") {
            return Err(Refusal::Encoding);
        }
        let (signed, signature) = jwt.rsplit_once('.').ok_or(Refusal::Encoding)?;
        let (header, payload) = signed.split_once('.').ok_or(Refusal::Encoding)?;
        let signature = base64url::decode(signature).ok_or(Refusal::Encoding)?;
        let signature = Signature::from_slice(&signature).map_err(|_| Refusal::BadSignature { hop })?;

        let mut header = object(header)?;
        if header.get("alg").and_then(Value::as_str) != Some("ES256") {
            return Err(Refusal::Algorithm { hop });
        }
        if header.contains_key("crit") || header.contains_key("b64") {
            return Err(Refusal::Critical { hop });
        }
        let mut word = |name| match header.remove(name) {
            None => Ok(None),
            Some(Value::String(word)) => Ok(Some(word)),
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                Err(Refusal::OtherType { hop })
            }
        };
        let (typ, key_id) = (word("typ")?, word("kid")?);

        let mut payload = object(payload)?;
        match payload.remove(SD_ALG) {
            None => {}
            Some(Value::String(name)) if name == SHA_256 => {}
            Some(_) => return Err(Refusal::HashAlgorithm),
        }
        let mut resolver = Resolver::of(&disclosed)?;
        let payload = resolver.object(payload, 0)?;
        let hidden = resolver.end()?;
        let (jwt_bytes, signed_bytes) = (jwt.len(), signed.len());
        Ok(Token { jwt_bytes, signed_bytes, signature, typ, key_id, payload, hidden, text })
    }

    pub(super) fn is_signed_by(&self, key: &PublicKey) -> bool {
        let signed = self.text.get(..self.signed_bytes).expect("it was cut there");
        key.verify(signed.as_bytes(), &self.signature).is_ok() || has(Sabotage::AnySignature)
    }

    /// The signed part alone, without disclosures.
    pub(super) fn jwt(&self) -> &str {
        self.text.get(..self.jwt_bytes).expect("it was cut there")
    }

    /// The hash of the token with what is disclosed of it.
    pub(super) fn sd_hash(&self) -> String {
        digest(&self.text)
    }

    /// The hash of the signed part alone.
    pub(super) fn jwt_hash(&self) -> String {
        digest(self.jwt())
    }
}

/// SHA-256 of a text, in Base64URL: how AP2 refers to whatever it refers to.
pub(super) fn digest(text: &str) -> String {
    base64url::encode(&Hash::of(text.as_bytes()).0)
}

/// Writes `header.payload.signature`.
pub(super) fn sign(header: &Value, payload: &Value, key: &SigningKey) -> String {
    let part = |value: &Value| base64url::encode(&json::canonical(value));
    let signed = format!("{}.{}", part(header), part(payload));
    let signature = base64url::encode(key.sign(signed.as_bytes()).as_bytes());
    format!("{signed}.{signature}")
}

/// Takes `header.payload.signature` apart, and says whether `key` has signed it with ES256.
pub(super) fn read_signed(jwt: &str, key: &PublicKey) -> Result<Option<Value>, Refusal> {
    let (signed, signature) = jwt.rsplit_once('.').ok_or(Refusal::Encoding)?;
    let (header, payload) = signed.split_once('.').ok_or(Refusal::Encoding)?;
    let header = object(header)?;
    if header.get("alg").and_then(Value::as_str) != Some("ES256") || header.contains_key("crit") {
        return Err(Refusal::Algorithm { hop: 0 });
    }
    let payload = Value::Object(object(payload)?);
    let signature = base64url::decode(signature).and_then(|bytes| Signature::from_slice(&bytes).ok());
    let signature = signature.ok_or(Refusal::Encoding)?;
    let is_es256 = match key.algorithm() {
        evidence::Algorithm::Es256 => true,
        evidence::Algorithm::Ed25519 => false,
    };
    let is_signed = key.verify(signed.as_bytes(), &signature).is_ok() || has(Sabotage::AnySignature);
    let fits = is_es256 && is_signed;
    Ok(fits.then_some(payload))
}

/// What a signed text says, whoever signed it.
pub(super) fn read_unverified(jwt: &str) -> Result<Map<String, Value>, Refusal> {
    let (signed, _) = jwt.rsplit_once('.').ok_or(Refusal::Encoding)?;
    let (header, payload) = signed.split_once('.').ok_or(Refusal::Encoding)?;
    object(header)?;
    object(payload)
}

fn object(part: &str) -> Result<Map<String, Value>, Refusal> {
    let bytes = base64url::decode(part).ok_or(Refusal::Encoding)?;
    match json::parse(&bytes)? {
        Value::Object(members) => Ok(members),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(Refusal::Encoding)
        }
    }
}

/// What a disclosure shows.
enum Shown {
    Member(String, Value),
    Element(Value),
}

/// Puts disclosures where they belong.
struct Resolver {
    left: BTreeMap<String, Shown>,
    seen: BTreeSet<String>,
    path: Vec<Step>,
    hidden: Vec<Hidden>,
}

fn wrong(fault: &'static str) -> Refusal {
    Refusal::Disclosure { fault }
}

impl Resolver {
    fn of(disclosed: &[&str]) -> Result<Resolver, Refusal> {
        if AP2_DISCLOSURES_MAX < disclosed.len() {
            return Err(wrong("there are too many"));
        }
        let mut left = BTreeMap::new();
        for text in disclosed {
            let bytes = base64url::decode(text).ok_or(wrong("one is not Base64URL"))?;
            let Value::Array(parts) = json::parse(&bytes)? else { return Err(wrong("one is not a list")) };
            let mut parts = parts.into_iter();
            let shown = match (parts.next(), parts.next(), parts.next(), parts.next()) {
                (Some(Value::String(_)), Some(value), None, None) => Shown::Element(value),
                (Some(Value::String(_)), Some(Value::String(name)), Some(value), None) => {
                    Shown::Member(name, value)
                }
                _ => return Err(wrong("one is neither an element nor a member")),
            };
            if left.insert(digest(text), shown).is_some() {
                return Err(wrong("one comes twice"));
            }
        }
        Ok(Resolver { left, seen: BTreeSet::new(), path: Vec::new(), hidden: Vec::new() })
    }

    /// What is hidden, if every disclosure has found its place.
    fn end(self) -> Result<Vec<Hidden>, Refusal> {
        if self.left.is_empty() { Ok(self.hidden) } else { Err(wrong("one belongs nowhere")) }
    }

    fn value(&mut self, value: Value, depth: usize) -> Result<Value, Refusal> {
        if AP2_DEPTH_MAX < depth {
            return Err(wrong("they are nested too deep"));
        }
        match value {
            Value::Object(members) => self.object(members, depth).map(Value::Object),
            Value::Array(elements) => self.array(elements, depth).map(Value::Array),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(value),
        }
    }

    fn object(
        &mut self,
        mut members: Map<String, Value>,
        depth: usize,
    ) -> Result<Map<String, Value>, Refusal> {
        let digests = members.remove(SD);
        if members.contains_key(ELEMENT) {
            return Err(wrong("`...` stands outside a list"));
        }
        let mut whole = Map::new();
        for (name, value) in members {
            let value = self.member(&name, value, depth)?;
            whole.insert(name, value);
        }
        for digest in read_digests(digests)? {
            match self.take(digest)? {
                None => self.hide(Missing::Member),
                Some(Shown::Element(_)) => return Err(wrong("an element stands for a member")),
                Some(Shown::Member(name, value)) => {
                    if name == SD || name == ELEMENT || whole.contains_key(&name) {
                        return Err(wrong("a member is one that is there, or cannot be"));
                    }
                    let value = self.member(&name, value, depth)?;
                    whole.insert(name, value);
                }
            }
        }
        Ok(whole)
    }

    fn member(&mut self, name: &str, value: Value, depth: usize) -> Result<Value, Refusal> {
        self.path.push(Step::Member(name.to_owned()));
        let value = self.value(value, depth.saturating_add(1))?;
        self.path.pop();
        Ok(value)
    }

    fn array(&mut self, elements: Vec<Value>, depth: usize) -> Result<Vec<Value>, Refusal> {
        let mut whole = Vec::with_capacity(elements.len());
        for element in elements {
            let shown = match reference(&element)? {
                None => element,
                Some(digest) => match self.take(digest)? {
                    None => {
                        self.hide(Missing::Element);
                        continue;
                    }
                    Some(Shown::Member(..)) => return Err(wrong("a member stands for an element")),
                    Some(Shown::Element(value)) => value,
                },
            };
            self.path.push(Step::Element);
            whole.push(self.value(shown, depth.saturating_add(1))?);
            self.path.pop();
        }
        Ok(whole)
    }

    /// The disclosure with this digest, which nobody else may refer to.
    fn take(&mut self, digest: String) -> Result<Option<Shown>, Refusal> {
        let shown = self.left.remove(&digest);
        if self.seen.insert(digest) { Ok(shown) } else { Err(wrong("a digest comes twice")) }
    }

    fn hide(&mut self, what: Missing) {
        self.hidden.push(Hidden { at: self.path.clone(), what });
    }
}

/// The digest that stands in place of an element, if one does.
fn reference(element: &Value) -> Result<Option<String>, Refusal> {
    let Some(digest) = element.get(ELEMENT) else { return Ok(None) };
    match digest {
        Value::String(digest) if element.as_object().is_some_and(|members| members.len() == 1) => {
            Ok(Some(digest.clone()))
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => Err(wrong("`...` does not stand alone")),
    }
}

fn read_digests(digests: Option<Value>) -> Result<Vec<String>, Refusal> {
    let Some(digests) = digests else { return Ok(Vec::new()) };
    let Value::Array(digests) = digests else { return Err(wrong("`_sd` is not a list")) };
    let read = |digest| match digest {
        Value::String(digest) => Ok(digest),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Err(wrong("`_sd` is not a list of digests"))
        }
    };
    digests.into_iter().map(read).collect()
}
