//! The section `checkouts` of a shop's file: who may come through which door, and what they are told.

use crate::limits::{CLIENT_COUNT_MAX, CLIENT_NAME_CHARS_MAX};
use evidence::{Hash, PublicKey, Secret, SigningKey, base64url};
use serde::Deserialize;
use std::path::Path;
use url::Url;

/// Which doors are open, and to whom.
#[derive(Debug)]
pub struct Config {
    /// The payment handler's name, in reverse-DNS form, under a domain of the seller's.
    pub(crate) namespace: String,
    /// Pages of the seller's, by ACP's word for them.
    pub(crate) links: Vec<(String, String)>,
    pub(crate) acp: Door,
    pub(crate) ucp: Door,
    /// The key that signs UCP's order events.
    pub(crate) signing_key: Option<SigningKey>,
    pub(crate) clients: Vec<Client>,
}

/// Whether a door is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    Open,
    Shut,
}

/// Somebody who may open sessions.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) name: String,
    /// The digest of its API key.
    pub(crate) key: Option<Hash>,
    /// The key that signs its requests in UCP, and what it is called there.
    pub(crate) signs: Option<(String, PublicKey)>,
    /// Where it is told of orders in ACP's form, and the secret that both have.
    pub(crate) acp_events: Option<(Url, Secret)>,
    /// Where it is told of orders in UCP's form.
    pub(crate) ucp_events: Option<Url>,
}

/// Why a section cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("[checkouts]: {0}")]
pub struct ConfigFault(String);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    namespace: String,
    #[serde(default)]
    acp: bool,
    #[serde(default)]
    ucp: bool,
    signing_key_file: Option<String>,
    #[serde(default)]
    links: toml::Table,
    #[serde(default)]
    client: Vec<ClientSection>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClientSection {
    name: String,
    key_sha256: Option<String>,
    signing_key: Option<Jwk>,
    acp_events: Option<Url>,
    acp_secret_file: Option<String>,
    ucp_events: Option<Url>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Jwk {
    kid: String,
    x: String,
    y: String,
}

/// The pages that ACP knows.
const PAGES: [&str; 8] = [
    "terms_of_use",
    "privacy_policy",
    "return_policy",
    "shipping_policy",
    "contact_us",
    "about_us",
    "faq",
    "support",
];

impl Config {
    /// Reads the section. Files that it names are found beside the shop's own.
    ///
    /// # Errors
    /// [`ConfigFault`].
    pub fn read(section: toml::Table, directory: &Path) -> Result<Config, ConfigFault> {
        let section: Section = section.try_into().map_err(wrong)?;
        if !is_reverse_dns(&section.namespace) {
            return Err(wrong(format!(
                "namespace `{}` is not the reverse of a domain of yours, like `example.shop.pay`",
                section.namespace
            )));
        }
        let is_twice = |name: &str| section.client.iter().filter(|client| client.name == name).count() != 1;
        if CLIENT_COUNT_MAX < section.client.len()
            || section.client.iter().any(|client| is_twice(&client.name))
        {
            return Err(wrong(format!(
                "there are at most {CLIENT_COUNT_MAX} clients, each with a name of its own"
            )));
        }
        let links = section.links.into_iter().map(|(page, url)| {
            let url = url.as_str().and_then(|text| Url::parse(text).ok()).filter(|_| PAGES.contains(&&*page));
            let url = url.ok_or_else(|| wrong(format!("links.{page} is none of {}", PAGES.join(", "))))?;
            Ok((page, String::from(url)))
        });
        let seed = section.signing_key_file.map(|file| secret(&directory.join(file))).transpose()?;
        let signing_key = seed.map(|seed| SigningKey::es256(seed.expose()).map_err(wrong)).transpose()?;
        let door = |open| if open { Door::Open } else { Door::Shut };
        let clients = section.client.into_iter().map(|client| client.read(directory));
        let config = Config {
            namespace: section.namespace,
            links: links.collect::<Result<_, ConfigFault>>()?,
            acp: door(section.acp),
            ucp: door(section.ucp),
            signing_key,
            clients: clients.collect::<Result<_, ConfigFault>>()?,
        };
        if config.signing_key.is_none() && config.clients.iter().any(|client| client.ucp_events.is_some()) {
            return Err(wrong("events of UCP are signed: name a signing_key_file"));
        }
        Ok(config)
    }
}

impl ClientSection {
    fn read(self, directory: &Path) -> Result<Client, ConfigFault> {
        let ClientSection { name, key_sha256, signing_key, acp_events, acp_secret_file, ucp_events } = self;
        let chars = name.chars().count();
        if chars == 0 || CLIENT_NAME_CHARS_MAX < chars || name.chars().any(char::is_control) {
            return Err(wrong(format!(
                "a client's name is a line of 1 to {CLIENT_NAME_CHARS_MAX} characters"
            )));
        }
        let no = |what: &str| wrong(format!("client `{name}`: {what}"));
        let key =
            key_sha256.map(|text| hex(&text).ok_or_else(|| no("key_sha256 is not 64 digits of base 16")));
        let key = key.transpose()?.map(Hash);
        let signs = signing_key.map(|jwk| {
            let (x, y) = (base64url::decode(&jwk.x), base64url::decode(&jwk.y));
            let key = x.zip(y).and_then(|(x, y)| PublicKey::es256(&x, &y).ok());
            key.map(|key| (jwk.kid, key)).ok_or_else(|| no("signing_key is not a key on P-256"))
        });
        let signs = signs.transpose()?;
        if key.is_none() && signs.is_none() {
            return Err(no("it has neither a key_sha256 nor a signing_key, so nobody could be it"));
        }
        let acp_events = match (acp_events, acp_secret_file) {
            (Some(url), Some(file)) => Some((url, secret(&directory.join(file))?)),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => {
                return Err(no("acp_events and acp_secret_file come together"));
            }
        };
        Ok(Client { name, key, signs, acp_events, ucp_events })
    }
}

/// 32 bytes as 64 digits of base 16, in a file that nobody else reads.
fn secret(file: &Path) -> Result<Secret, ConfigFault> {
    let text =
        std::fs::read_to_string(file).map_err(|fault| wrong(format!("{}: {fault}", file.display())))?;
    let bytes = hex(text.trim())
        .ok_or_else(|| wrong(format!("{} does not hold 32 bytes as 64 digits of base 16", file.display())))?;
    Ok(Secret::new(bytes))
}

fn hex(text: &str) -> Option<[u8; 32]> {
    let digits = text.bytes().map(|byte| char::from(byte).to_digit(16).and_then(|it| u8::try_from(it).ok()));
    let digits: Vec<u8> = digits.collect::<Option<_>>()?;
    let bytes: Vec<u8> =
        digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |sum, it| sum << 4 | it)).collect();
    if digits.len() == 64 { bytes.try_into().ok() } else { None }
}

fn is_reverse_dns(name: &str) -> bool {
    let is_label = |label: &str| {
        let fits = label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'));
        fits && label.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase())
    };
    name.len() <= 253 && 2 < name.split('.').count() && name.split('.').all(is_label)
}

fn wrong(why: impl std::fmt::Display) -> ConfigFault {
    ConfigFault(why.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, ConfigFault> {
        Config::read(toml::from_str(text).unwrap(), Path::new("/nowhere"))
    }

    const GOOD: &str = r#"
        namespace = "example.shop.pay"
        acp = true
        links = { terms_of_use = "https://shop.example/terms" }
        [[client]]
        name = "assistant"
        key_sha256 = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
    "#;

    #[test]
    fn a_door_is_shut_unless_it_is_opened() {
        let config = read(GOOD).unwrap();
        assert_eq!((config.acp, config.ucp), (Door::Open, Door::Shut));
        assert_eq!(config.links, [("terms_of_use".to_owned(), "https://shop.example/terms".to_owned())]);
        assert!(config.clients[0].key.is_some());
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, says) in [
            (GOOD.replace("example.shop.pay", "pay"), "reverse of a domain"),
            (GOOD.replace("example.shop.pay", "Example.shop.pay"), "reverse of a domain"),
            (GOOD.replace("terms_of_use", "terms"), "links.terms is none of"),
            (GOOD.replace("0011", "001"), "64 digits"),
            (GOOD.replace("key_sha256", "key_md5"), "unknown field"),
            (GOOD.replace("assistant", ""), "name"),
            (format!("{GOOD}[[client]]\nname = \"b\"\n"), "neither"),
            (format!("{GOOD}acp_events = \"https://a.example/\"\n"), "come together"),
            (format!("{GOOD}ucp_events = \"https://a.example/\"\n"), "signing_key_file"),
            (format!("{GOOD}signing_key = {{ kid = \"k\", x = \"a\", y = \"b\" }}\n"), "P-256"),
            (format!("{GOOD}acp_events = \"https://a.example/\"\nacp_secret_file = \"no\"\n"), "/nowhere/no"),
            (format!("{GOOD}{}", &GOOD[GOOD.find("[[client]]").unwrap()..]), "a name of its own"),
        ] {
            let no = read(&text).unwrap_err().to_string();
            assert!(no.contains(says), "{says}: {no}");
        }
    }
}
