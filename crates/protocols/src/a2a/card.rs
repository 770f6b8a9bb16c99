//! The card of an agent: read, signed and checked.
//!
//! A signature is a JWS over the canonical form of the card without its signatures, whose bytes do not travel. The canonical
//! form leaves out what Protocol Buffers do not write: official clients leave out everything that is empty, and the text of A2A
//! keeps what is required, so a card signed here has nothing in it that is empty, and one that is checked may be either.
//!
//! Keys are never fetched from where a card says: whoever checks has them from elsewhere.

use super::fields::{Fields, Violation};
use super::paying::{EXTENSIONS, PRICES};
use crate::json;
use crate::limits::{
    A2A_CARD_BYTES_MAX, A2A_EXTENSIONS_MAX, A2A_ID_BYTES_MAX, A2A_INTERFACES_MAX, A2A_SIGNATURES_MAX,
    A2A_SKILLS_MAX, A2A_TEXT_BYTES_MAX, A2A_URI_BYTES_MAX,
};
use evidence::{Algorithm, PublicKey, Signature, SigningKey, base64url};
use serde_json::{Map, Value, json};

/// A way to call an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    pub url: String,
    /// Such as `JSONRPC`.
    pub binding: String,
    pub version: String,
}

/// What of a card is needed to call the agent, and the card itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    pub name: String,
    pub interfaces: Vec<Interface>,
    /// The skills, by id.
    pub skills: Vec<String>,
    /// Extensions that clients have to name, beside those of money.
    pub demands: Vec<String>,
    /// What its extension for prices says, where it has one.
    pub prices: Option<Map<String, Value>>,
    value: Value,
}

/// Whether a card is what somebody signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signed {
    /// It is what the holder of a known key signed.
    Well,
    /// It has no signature.
    Not,
    /// It is signed, and by no key that is known.
    ByStrangers,
    /// A known key is named, and this is not what it signed.
    Wrong,
}

impl Card {
    /// Reads a card.
    ///
    /// # Errors
    /// [`Violation`], which names the member.
    pub fn read(text: &[u8]) -> Result<Card, Violation> {
        if A2A_CARD_BYTES_MAX < text.len() {
            return Err(Violation::new("card", format!("is longer than {A2A_CARD_BYTES_MAX} bytes")));
        }
        let value = json::parse(text).map_err(|fault| Violation::new("card", fault.to_string()))?;
        let mut fields =
            Fields::open("", value.clone()).map_err(|_| Violation::new("card", "is not an object"))?;
        let interfaces = fields.each("supportedInterfaces", A2A_INTERFACES_MAX, |path, value| {
            let mut fields = Fields::open(path, value)?;
            Ok(Interface {
                url: fields.needed_text("url", A2A_URI_BYTES_MAX)?,
                binding: fields.needed_text("protocolBinding", A2A_ID_BYTES_MAX)?,
                version: fields.needed_text("protocolVersion", A2A_ID_BYTES_MAX)?,
            })
        })?;
        let skills = fields.each("skills", A2A_SKILLS_MAX, |path, value| {
            Fields::open(path, value)?.needed_text("id", A2A_ID_BYTES_MAX)
        })?;
        let capabilities = fields.take("capabilities").unwrap_or_else(|| json!({}));
        let mut capabilities = Fields::open("capabilities", capabilities)?;
        let (mut prices, mut demands) = (None, Vec::new());
        for (uri, required, params) in
            capabilities.each("extensions", A2A_EXTENSIONS_MAX, |path, value| {
                let mut fields = Fields::open(path, value)?;
                let uri = fields.needed_text("uri", A2A_URI_BYTES_MAX)?;
                Ok((uri, fields.flag("required")? == Some(true), fields.members("params")?))
            })?
        {
            if uri == PRICES {
                prices = Some(params);
            } else if required && !EXTENSIONS.contains(&uri.as_str()) {
                demands.push(uri);
            }
        }
        Ok(Card {
            name: fields.needed_text("name", A2A_TEXT_BYTES_MAX)?,
            interfaces,
            skills,
            demands,
            prices,
            value,
        })
    }

    /// The card as it came.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Whether one of the keys signed it; `key_of` answers those that are known, by name.
    pub fn signed(&self, key_of: impl Fn(&str) -> Option<PublicKey>) -> Signed {
        let list = self.value.get("signatures").and_then(Value::as_array);
        let Some(list) = list.filter(|list| !list.is_empty()) else { return Signed::Not };
        let forms = [canonical(&self.value, Empty::LeftOut), canonical(&self.value, Empty::Kept)];
        let mut found = Signed::ByStrangers;
        for each in list.iter().take(A2A_SIGNATURES_MAX) {
            let text = |name: &str| each.get(name).and_then(Value::as_str);
            let (Some(protected), Some(signature)) = (text("protected"), text("signature")) else { continue };
            let Some((name, algorithm)) = header(protected) else { continue };
            let Some(key) = key_of(&name) else { continue };
            let is_good = key.algorithm() == algorithm
                && base64url::decode(signature)
                    .and_then(|bytes| Signature::from_slice(&bytes).ok())
                    .is_some_and(|signature| {
                        forms.iter().any(|form| key.verify(&input(protected, form), &signature).is_ok())
                    });
            if is_good {
                return Signed::Well;
            }
            found = Signed::Wrong;
        }
        found
    }
}

/// Signs a card under the name of a key, in place of any signature it has. What is empty in it is left out.
pub fn sign(card: &Value, key_id: &str, jwks_url: &str, key: &SigningKey) -> Value {
    let mut card = without_empty(card.clone()).unwrap_or_else(|| json!({}));
    if let Value::Object(members) = &mut card {
        members.remove("signatures");
    }
    let header =
        json!({ "alg": word(key.public().algorithm()), "jku": jwks_url, "kid": key_id, "typ": "JOSE" });
    let protected = base64url::encode(&json::canonical(&header));
    let form = canonical(&card, Empty::LeftOut);
    let signature = base64url::encode(key.sign(&input(&protected, &form)).as_bytes());
    card["signatures"] = json!([{ "protected": protected, "signature": signature }]);
    card
}

/// The keys that sign cards, as a set that stock clients read.
pub fn jwks(key_id: &str, key: &PublicKey) -> Value {
    let bytes = key.bytes();
    let mut jwk = match key.algorithm() {
        Algorithm::Ed25519 => json!({ "kty": "OKP", "crv": "Ed25519", "x": base64url::encode(bytes) }),
        Algorithm::Es256 => {
            // SEC 1 section 2.3.3: a byte that says so, and two coordinates.
            let (x, y) = bytes.get(1..).unwrap_or_default().split_at_checked(32).unwrap_or_default();
            json!({ "kty": "EC", "crv": "P-256", "x": base64url::encode(x), "y": base64url::encode(y) })
        }
    };
    jwk["kid"] = key_id.into();
    jwk["use"] = "sig".into();
    jwk["alg"] = word(key.algorithm()).into();
    json!({ "keys": [jwk] })
}

/// What becomes of members that are empty.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Empty {
    LeftOut,
    Kept,
}

fn canonical(card: &Value, empty: Empty) -> Vec<u8> {
    let mut card = match empty {
        Empty::LeftOut => without_empty(card.clone()).unwrap_or_else(|| json!({})),
        Empty::Kept => card.clone(),
    };
    if let Value::Object(members) = &mut card {
        members.remove("signatures");
        without_defaults(members);
    }
    json::canonical(&card)
}

/// A value without texts, lists and objects that are empty.
fn without_empty(value: Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::String(text) => (!text.is_empty()).then_some(Value::String(text)),
        Value::Array(list) => {
            let list: Vec<Value> = list.into_iter().filter_map(without_empty).collect();
            (!list.is_empty()).then_some(Value::Array(list))
        }
        Value::Object(members) => {
            let members: Map<String, Value> =
                members.into_iter().filter_map(|(name, value)| Some((name, without_empty(value)?))).collect();
            (!members.is_empty()).then_some(Value::Object(members))
        }
        value @ (Value::Bool(_) | Value::Number(_)) => Some(value),
    }
}

/// Takes out what is only false because nothing was said: an extension that is not required.
fn without_defaults(card: &mut Map<String, Value>) {
    let extensions = card.get_mut("capabilities").and_then(|all| all.get_mut("extensions"));
    for extension in extensions.and_then(Value::as_array_mut).into_iter().flatten() {
        if let Value::Object(members) = extension
            && members.get("required") == Some(&Value::Bool(false))
        {
            members.remove("required");
        }
    }
}

/// The key and the algorithm that a protected header names; none where it names more than we know how to honour.
fn header(protected: &str) -> Option<(String, Algorithm)> {
    let Value::Object(mut members) = json::parse(&base64url::decode(protected)?).ok()? else { return None };
    let algorithm = match members.remove("alg")?.as_str()? {
        "ES256" => Algorithm::Es256,
        "EdDSA" | "Ed25519" => Algorithm::Ed25519,
        _ => return None,
    };
    let name = members.remove("kid")?.as_str()?.to_owned();
    // `jku` is where strangers would look. Nothing else may change what is signed.
    let is_known = members.keys().all(|name| matches!(name.as_str(), "typ" | "jku"));
    is_known.then_some((name, algorithm))
}

fn input(protected: &str, form: &[u8]) -> Vec<u8> {
    format!("{protected}.{}", base64url::encode(form)).into_bytes()
}

fn word(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Ed25519 => "EdDSA",
        Algorithm::Es256 => "ES256",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain() -> Value {
        json!({
            "name": "Bridges \u{e9}", "description": "Finds bridges.", "version": "1",
            "supportedInterfaces": [{ "url": "https://a.example/a2a", "protocolBinding": "JSONRPC", "protocolVersion": "1.0" }],
            "capabilities": {
                "streaming": true, "pushNotifications": false,
                "extensions": [
                    { "uri": PRICES, "params": { "skills": { "find": { "amount": "3" } } } },
                    { "uri": EXTENSIONS[0], "required": true },
                ],
            },
            "defaultInputModes": ["text/plain"], "defaultOutputModes": ["text/plain"],
            "skills": [{ "id": "find", "name": "Find", "description": "Finds.", "tags": ["search"] }],
        })
    }

    fn read(card: &Value) -> Card {
        Card::read(card.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_card_is_what_was_signed_and_nothing_else() {
        for key in [SigningKey::ed25519(&[7; 32]), SigningKey::es256(&[7; 32]).unwrap()] {
            let known = |name: &str| (name == "key-1").then(|| key.public().clone());
            let signed = sign(&plain(), "key-1", "https://a.example/jwks", &key);
            assert_eq!(read(&signed).signed(known), Signed::Well);
            assert_eq!(read(&signed).signed(|_| None), Signed::ByStrangers);
            assert_eq!(read(&plain()).signed(known), Signed::Not);
            // What is empty, or false by default, is no other card.
            let mut same = signed.clone();
            same["iconUrl"] = json!("");
            same["skills"][0]["examples"] = json!([]);
            same["capabilities"]["extensions"][0]["required"] = json!(false);
            assert_eq!(read(&same).signed(known), Signed::Well);
            for (pointer, value) in [
                ("/name", json!("Bridges e")),
                ("/supportedInterfaces/0/url", json!("https://b.example/a2a")),
                ("/capabilities/streaming", json!(false)),
                ("/capabilities/extensions/0/params/skills/find/amount", json!("2")),
                ("/capabilities/extensions/1/required", json!(false)),
                ("/signatures/0/signature", json!(base64url::encode(&[1; 64]))),
                ("/signatures/0/signature", json!("")),
            ] {
                let mut changed = signed.clone();
                *changed.pointer_mut(pointer).unwrap() = value;
                assert_eq!(read(&changed).signed(known), Signed::Wrong, "{pointer}");
            }
            let mut more = signed.clone();
            more["skills"][0]["later"] = json!(1);
            assert_eq!(read(&more).signed(known), Signed::Wrong);
        }
    }

    #[test]
    fn a_header_names_one_of_two_algorithms_and_changes_nothing() {
        let key = SigningKey::es256(&[7; 32]).unwrap();
        let known = |_: &str| Some(key.public().clone());
        let form = canonical(&plain(), Empty::LeftOut);
        let with = |header: Value| {
            let protected = base64url::encode(header.to_string().as_bytes());
            let signature = base64url::encode(key.sign(&input(&protected, &form)).as_bytes());
            let mut card = plain();
            card["signatures"] = json!([{ "protected": protected, "signature": signature }]);
            read(&card).signed(known)
        };
        assert_eq!(
            with(json!({ "alg": "ES256", "kid": "k", "typ": "JOSE", "jku": "https://x.example/" })),
            Signed::Well
        );
        for header in [
            json!({ "alg": "none", "kid": "k" }),
            json!({ "alg": "HS256", "kid": "k" }),
            json!({ "alg": "ES256" }),
            json!({ "alg": "ES256", "kid": 7 }),
            json!({ "alg": "ES256", "kid": "k", "b64": false, "crit": ["b64"] }),
            json!({ "alg": "ES256", "kid": "k", "crit": [] }),
            json!({ "alg": "ES256", "kid": "k", "jwk": {} }),
            json!({ "alg": "ES256", "kid": "k", "x5u": "https://x.example/" }),
            json!([]),
        ] {
            assert_eq!(with(header.clone()), Signed::ByStrangers, "{header}");
        }
        assert_eq!(
            with(json!({ "alg": "EdDSA", "kid": "k" })),
            Signed::Wrong,
            "another algorithm than the key's"
        );
    }

    #[test]
    fn what_is_needed_to_call_is_read() {
        let card = read(&plain());
        assert_eq!(
            (card.name.as_str(), card.skills.as_slice()),
            ("Bridges \u{e9}", &["find".to_owned()][..])
        );
        assert_eq!(card.interfaces[0].binding, "JSONRPC");
        assert_eq!(card.prices.as_ref().unwrap()["skills"]["find"]["amount"], "3");
        assert_eq!(
            card.demands,
            Vec::<String>::new(),
            "money is asked for in a task, and demands nothing before"
        );
        for (pointer, value) in [
            ("/name", json!("")),
            ("/skills/0/id", json!(1)),
            ("/supportedInterfaces/0/url", Value::Null),
            ("/capabilities", json!([])),
        ] {
            let mut bad = plain();
            *bad.pointer_mut(pointer).unwrap() = value;
            assert!(Card::read(bad.to_string().as_bytes()).is_err(), "{pointer}");
        }
        assert!(Card::read(b"{\"name\":\"a\",\"name\":\"b\"}").is_err());
        assert!(Card::read(&vec![b' '; A2A_CARD_BYTES_MAX + 1]).is_err());
    }
}
