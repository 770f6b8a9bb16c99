//! A seller's agent: its profile, its prices, and the card that is made of both.

use crate::desk::Desk;
use crate::door::{REST_PATH, RPC_PATH};
use crate::profile::{Profile, Skill};
use crate::store::{Store, StoreFault};
use crate::till::{Shop, Till};
use gateway::Gateway;
use gateway::tools::{Asked, Standing};
use protocols::a2a::card::{jwks, sign};
use protocols::a2a::paying::{COUPON, EXTENSIONS, IDEMPOTENCY_KEY, PRICES, SKILL};
use protocols::a2a::{MEDIA_TYPE, VERSION};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Where the keys that sign the card are found.
pub(crate) const JWKS_PATH: &str = "/.well-known/jwks.json";

/// The name of the scheme by which clients keep their tasks to themselves.
const SCHEME: &str = "ownKey";

/// An agent. Cloning it is cheap.
#[derive(Clone, Debug)]
pub struct Agent(pub(crate) Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) gateway: Gateway,
    pub(crate) desk: Arc<Desk>,
    /// The signed card, as it goes out.
    pub(crate) card: String,
    pub(crate) keys: String,
    offered: Vec<(String, Option<String>)>,
}

/// Why an agent does not open.
#[derive(Debug, thiserror::Error)]
pub enum NotOpened {
    /// The price list names no service behind.
    #[error("the price list has no `[upstream]` with a `url`: nobody does the work")]
    NoUpstream,
    /// A skill is in the profile, and in no price list.
    #[error("skill `{0}` is neither priced nor free: add a `[[price]]` or `[[free]]` with `skill = \"{0}\"`")]
    NotSold(String),
    /// The price list says that payments are not spoken of as A2A has it.
    #[error("`header_aliases` and skills do not go together: skills are paid in x402")]
    Aliases,
    /// The tasks.
    #[error(transparent)]
    Store(#[from] StoreFault),
}

impl Agent {
    /// Opens an agent on its tasks, and goes on with those that were under way.
    ///
    /// # Errors
    /// [`NotOpened`].
    pub async fn open(gateway: Gateway, profile: &Profile) -> Result<Agent, NotOpened> {
        if !gateway.speaks_x402() {
            return Err(NotOpened::Aliases);
        }
        let beyond = gateway.beyond().ok_or(NotOpened::NoUpstream)?;
        let mut offered = Vec::new();
        for skill in &profile.skills {
            match gateway.skill(&skill.id) {
                Standing::Priced(asked) => offered.push((skill.id.clone(), Some(asked.in_words))),
                Standing::Free => offered.push((skill.id.clone(), None)),
                Standing::NotSold => return Err(NotOpened::NotSold(skill.id.clone())),
            }
        }
        let paths = profile.skills.iter().map(|skill| {
            let path = skill.priced_path();
            (path.clone(), skill.path.clone().unwrap_or(path))
        });
        let till = Till::new(
            &gateway,
            Shop {
                beyond,
                answer_bytes_max: gateway.answer_body_bytes_max(),
                paths: Arc::new(paths.collect()),
            },
        );
        let key = gateway.seller_key();
        let (name, public) = (key.signer_id.as_str(), key.signing_key.public());
        let origin = gateway.public_url().as_str().trim_end_matches('/');
        let card = sign(&card(&gateway, profile), name, &format!("{origin}{JWKS_PATH}"), &key.signing_key);
        let keys = jwks(name, public);
        let store = Store::open(gateway.data())?;
        let skills = offered.iter().map(|(skill, _)| skill.clone()).collect();
        let desk = Arc::new(Desk::new(store, till, skills, gateway.timeout()));
        desk.resume().await?;
        let (card, keys) = (card.to_string(), keys.to_string());
        Ok(Agent(Arc::new(Inner { gateway, desk, card, keys, offered })))
    }

    /// The skills, and what each costs, in words; nothing for those that are free.
    pub fn offered(&self) -> &[(String, Option<String>)] {
        &self.0.offered
    }
}

/// The card, without its signature.
fn card(gateway: &Gateway, profile: &Profile) -> Value {
    let origin = gateway.public_url().as_str().trim_end_matches('/');
    let interface = |binding: &str, path: &str| json!({ "url": format!("{origin}{path}"), "protocolBinding": binding, "protocolVersion": VERSION });
    let priced = |skill: &Skill| match gateway.skill(&skill.id) {
        Standing::Priced(asked) => Some(asked),
        Standing::Free | Standing::NotSold => None,
    };
    let prices: Map<String, Value> = profile
        .skills
        .iter()
        .filter_map(|skill| {
            Some((skill.id.clone(), price(&priced(skill)?, &format!("{origin}{}", skill.priced_path()))))
        })
        .collect();
    let extensions = EXTENSIONS.iter().map(|uri| {
        json!({ "uri": uri, "description": "Experimental: payments in version 2 of x402, on the network that the prices name." })
    });
    let prices = json!({
        "uri": PRICES,
        "description": "What each skill costs, and the members of a message's metadata that choose it, name the purchase and present a coupon.",
        "params": {
            "payee": gateway.payee(), "network": gateway.network(), "skills": prices,
            "members": { "skill": SKILL, "purchase": IDEMPOTENCY_KEY, "coupon": COUPON },
        },
    });
    let skills = profile.skills.iter().map(|skill| skill_of(skill, priced(skill).as_ref()));
    let kinds = ["text/plain", "application/json", "application/octet-stream", MEDIA_TYPE];
    let mut card = json!({
        "name": profile.name, "description": profile.description, "version": profile.version,
        "supportedInterfaces": [interface("JSONRPC", RPC_PATH), interface("HTTP+JSON", REST_PATH)],
        "capabilities": {
            "streaming": true, "pushNotifications": false, "extendedAgentCard": false,
            "extensions": extensions.chain([prices]).collect::<Vec<_>>(),
        },
        "securitySchemes": { SCHEME: { "httpAuthSecurityScheme": {
            "scheme": "Bearer",
            "description": "A key that the client makes up itself, of 16 to 512 characters: its tasks are seen under the same key only. Without one, whoever knows the name of a task sees it, and nothing is listed.",
        } } },
        "defaultInputModes": kinds, "defaultOutputModes": kinds,
        "skills": skills.collect::<Vec<_>>(),
    });
    if let Some(provider) = &profile.provider {
        card["provider"] = json!({ "organization": provider.organization, "url": provider.url.as_str() });
    }
    if let Some(url) = &profile.documentation_url {
        card["documentationUrl"] = url.as_str().into();
    }
    card
}

fn skill_of(skill: &Skill, asked: Option<&Asked>) -> Value {
    let description = match asked {
        Some(asked) if asked.terms.is_empty() => {
            format!("{}\n\nEach message costs {}.", skill.description, asked.in_words)
        }
        Some(asked) => {
            format!("{}\n\nEach message costs {}. {}", skill.description, asked.in_words, asked.terms)
        }
        None => skill.description.clone(),
    };
    json!({
        "id": skill.id, "name": skill.name, "description": description, "tags": skill.tags,
        "examples": skill.examples, "inputModes": skill.input_modes, "outputModes": skill.output_modes,
    })
}

fn price(asked: &Asked, resource: &str) -> Value {
    json!({
        "amount": asked.amount_minor.to_string(), "asset": asked.asset,
        "capture": if asked.is_exact { "exact" } else { "up_to" },
        "inWords": asked.in_words, "resource": resource,
    })
}
