//! Writing mandates: the user's, and those that agents add to a chain.

use super::chain::{Claimed, seconds};
use super::mandate::{Mandate, State};
use super::refusal::Refusal;
use super::token::{Token, digest, sign};
use crate::json;
use crate::limits::AP2_PRESENTATION_BYTES_MAX;
use book::Time;
use evidence::{Algorithm, SigningKey, base64url};
use serde_json::{Map, Value, json};

/// Draws the sixteen bytes that hide what a digest stands for. The same bytes twice would show what they hide.
pub type Salts<'a> = &'a mut dyn FnMut() -> [u8; 16];

/// For whom a chain is passed on or presented.
#[derive(Clone, Copy, Debug)]
pub struct Addressed<'a> {
    pub audience: &'a str,
    pub nonce: &'a str,
    pub at: Time,
}

/// Signs a mandate for a user: the first token of a chain, or a closed mandate that stands alone.
///
/// Merchants, payees, instruments and items that a constraint lists can be shown one by one.
///
/// # Errors
/// [`Refusal::Algorithm`] for a key that is not for ES256, [`Refusal::TooLong`] for a mandate that nobody would read.
pub fn issue(mandate: &Mandate, key: &SigningKey, key_id: &str, salts: Salts<'_>) -> Result<String, Refusal> {
    first(mandate, Map::new(), (key, key_id), salts)
}

/// Signs a closed mandate for a user who is there: it stands alone, for one verifier and under one name.
///
/// # Errors
/// As [`issue`].
pub fn approve(
    mandate: &Mandate,
    key: &SigningKey,
    key_id: &str,
    to: &Addressed<'_>,
    salts: Salts<'_>,
) -> Result<String, Refusal> {
    first(mandate, addressed(to), (key, key_id), salts)
}

/// Adds a mandate to a chain: a closed one to present it, or an open one to pass it on. It binds the chain as it is shown.
///
/// # Errors
/// [`Refusal`]: the chain cannot be read, the key is not for ES256, or the whole would be too long.
pub fn present(
    chain: &str,
    mandate: &Mandate,
    key: &SigningKey,
    to: &Addressed<'_>,
    salts: Salts<'_>,
) -> Result<String, Refusal> {
    let before = Claimed::read(chain)?;
    let typ = match mandate.state() {
        State::Closed => "kb+sd-jwt",
        State::Open => "kb+sd-jwt+kb",
    };
    let header = json!({ "alg": "ES256", "typ": typ });
    let mut claims = addressed(to);
    claims.insert("sd_hash".to_owned(), before.last_sd_hash().into());
    let added = write(mandate, claims, &header, (key, before.tokens_count()), salts)?;
    let joint = if chain.ends_with('~') { "~" } else { "~~" };
    check_length([chain, joint, &added].concat())
}

/// Shows of the last token of a chain only those merchants, payees, instruments and items for which `shows` says so.
///
/// Only whoever presents the chain next can still take something away: the binding covers what is shown.
///
/// # Errors
/// [`Refusal`] of form.
pub fn show_only(chain: &str, mut shows: impl FnMut(&Value) -> bool) -> Result<String, Refusal> {
    Claimed::read(chain)?;
    let (before, last) = chain.rsplit_once("~~").map_or(("", chain), |(before, last)| (before, last));
    let mut parts = last.trim_end_matches('~').split('~');
    let mut kept: Vec<&str> = parts.next().into_iter().collect();
    for part in parts {
        let disclosure = base64url::decode(part).ok_or(Refusal::Encoding)?;
        let Value::Array(disclosure) = json::parse(&disclosure)? else { return Err(Refusal::Encoding) };
        let is_choice = match disclosure.as_slice() {
            [_, element] => element.get("vct").is_none(),
            [..] => false,
        };
        if !is_choice || disclosure.last().is_some_and(&mut shows) {
            kept.push(part);
        }
    }
    let joint = if before.is_empty() { "" } else { "~~" };
    Ok([before, joint, &kept.join("~"), "~"].concat())
}

/// A user's own token, which nothing comes before.
fn first(
    mandate: &Mandate,
    claims: Map<String, Value>,
    (key, key_id): (&SigningKey, &str),
    salts: Salts<'_>,
) -> Result<String, Refusal> {
    let header = json!({ "alg": "ES256", "kid": key_id, "typ": "mandate+sd-jwt" });
    check_length(write(mandate, claims, &header, (key, 0), salts)?)
}

fn addressed(to: &Addressed<'_>) -> Map<String, Value> {
    let claims =
        [("iat", Value::from(seconds(to.at))), ("aud", to.audience.into()), ("nonce", to.nonce.into())];
    claims.map(|(name, value)| (name.to_owned(), value)).into_iter().collect()
}

fn write(
    mandate: &Mandate,
    mut claims: Map<String, Value>,
    header: &Value,
    (key, hop): (&SigningKey, usize),
    salts: Salts<'_>,
) -> Result<String, Refusal> {
    match key.public().algorithm() {
        Algorithm::Es256 => {}
        Algorithm::Ed25519 => return Err(Refusal::Algorithm { hop }),
    }
    let mut hiding = Hiding { salts, disclosures: Vec::new() };
    let mut content = mandate.to_json();
    if let Some(Value::Array(constraints)) = content.get_mut("constraints") {
        constraints.iter_mut().for_each(|constraint| hiding.choices(constraint));
    }
    hiding.checkout(&mut content);
    claims.insert("delegate_payload".to_owned(), Value::Array(vec![hiding.element(content)]));
    claims.insert("_sd_alg".to_owned(), "sha-256".into());
    let mut text = sign(header, &Value::Object(claims), key);
    for disclosure in &hiding.disclosures {
        text.extend(["~", disclosure]);
    }
    text.push('~');
    Ok(text)
}

/// Puts digests in the place of what can be shown or not.
struct Hiding<'a> {
    salts: Salts<'a>,
    disclosures: Vec<String>,
}

impl Hiding<'_> {
    fn element(&mut self, value: Value) -> Value {
        let digest = self.disclose(|salt| json!([salt, value]));
        json!({ "...": digest })
    }

    /// The lists of a constraint out of which one entry is enough.
    fn choices(&mut self, constraint: &mut Value) {
        // The format lets initiators of payments be hidden nowhere.
        let is_choice =
            constraint.get("type").and_then(Value::as_str) != Some(super::constraint::ALLOWED_PISPS);
        if let Some(Value::Array(allowed)) = constraint.get_mut("allowed").filter(|_| is_choice) {
            self.elements(allowed);
        }
        let Some(Value::Array(items)) = constraint.get_mut("items") else { return };
        for item in items {
            if let Some(Value::Array(acceptable)) = item.get_mut("acceptable_items") {
                self.elements(acceptable);
            }
        }
    }

    fn elements(&mut self, list: &mut [Value]) {
        for element in list {
            *element = self.element(element.take());
        }
    }

    /// What was bought is for the merchant; others know it by its hash.
    fn checkout(&mut self, content: &mut Value) {
        const NAME: &str = "checkout_jwt";
        let Value::Object(members) = content else { return };
        if let Some(jwt) = members.remove(NAME) {
            let digest = self.disclose(|salt| json!([salt, NAME, jwt]));
            members.insert("_sd".to_owned(), json!([digest]));
        }
    }

    fn disclose(&mut self, disclosure: impl FnOnce(String) -> Value) -> String {
        let salt = base64url::encode(&(self.salts)());
        let text = base64url::encode(&json::canonical(&disclosure(salt)));
        let digest = digest(&text);
        self.disclosures.push(text);
        digest
    }
}

impl Claimed {
    fn last_sd_hash(&self) -> String {
        self.tokens().last().map(Token::sd_hash).unwrap_or_default()
    }

    fn tokens_count(&self) -> usize {
        self.tokens().len()
    }
}

fn check_length(text: String) -> Result<String, Refusal> {
    if AP2_PRESENTATION_BYTES_MAX < text.len() {
        return Err(Refusal::TooLong { bytes: text.len() });
    }
    Ok(text)
}
