//! The customer: asks an agent for one of its skills, and pays for it in x402, once for each purchase key.
//!
//! Whom it pays, how much, and for what is in the bill that the seller signed, as it is over HTTP; only the way to the skill is
//! another. A task that asks for money without a signed bill is not paid. The card is checked against the keys that the payment
//! service knows of the seller; an agent whose card was signed once is not taken without that signature again.

mod line;
mod pin;

use crate::limits::{ATTEMPTS_MAX, PATIENCE, POLL_MAX, POLL_MIN};
use evidence::{Hash, base64url};
use line::Line;
use pin::Pins;
pub use pin::Seen;
use protocols::a2a::card::{Card, Signed};
use protocols::a2a::paying::{EXTENSIONS, IDEMPOTENCY_KEY, PAYLOAD, SKILL, STATUS, body_of, status};
use protocols::a2a::{Content, Message, Part, Role, State, Task};
use protocols::a402::Identifier;
use protocols::a402::Needed;
use protocols::tools::{NEEDED, payment_for};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use sdk::{
    AskedElsewhere, Asking, Buyer, Client, Clock, Fetch, NotBought, Purchase, SellerAnswer, kept_secret,
    seller_ring,
};
use serde_json::{Map, Value, json};
use std::path::Path;
use std::sync::Arc;
use url::Url;
use wire::{Money, PayeeId};

/// One message, and what it may cost.
#[derive(Clone, Debug)]
pub struct Order {
    /// Where the agent is: its scheme, host and port.
    pub at: Url,
    /// The skill; the agent's first, where nothing is said.
    pub skill: Option<String>,
    /// What is said.
    pub parts: Vec<Part>,
    /// Names the purchase: doing it again under this name pays nothing again.
    pub purchase: String,
    /// The most it may cost.
    pub price_max: Money,
    /// Why it is bought, for the owner to read.
    pub why: Option<String>,
}

/// What was bought, and of whom.
#[derive(Debug)]
pub struct Called {
    /// The money and the answer, apart.
    pub purchase: Purchase,
    /// Whether the agent's card is what its seller signed.
    pub card: Seen,
    /// The name that the agent gives itself.
    pub agent: String,
}

/// Why nothing was asked. Nothing was paid, either.
#[derive(Debug, thiserror::Error)]
pub enum NotCalled {
    /// The agent is not there, or speaks something else.
    #[error("the agent: {0}")]
    Agent(String),
    /// The card is not what its seller signed.
    #[error("the card: {0}")]
    Card(String),
    /// It has no such skill.
    #[error("there is no skill `{0}`")]
    NoSkill(String),
    /// The message cannot be sent.
    #[error("the message: {0}")]
    Message(&'static str),
    /// What has to be remembered cannot be kept.
    #[error("cannot be remembered: {0}")]
    Memory(#[from] std::io::Error),
    /// It was not bought.
    #[error(transparent)]
    NotBought(#[from] NotBought),
}

/// Says something to an agent, and pays for it where it costs something. What has to be remembered of agents is in `memory`.
///
/// # Errors
/// [`NotCalled`]: nothing was paid by this call.
pub async fn call(buyer: Buyer, client: &Client, memory: &Path, order: Order) -> Result<Called, NotCalled> {
    let origin = order.at.origin();
    let card = line::card(&order.at).await.map_err(NotCalled::Agent)?;
    let seen = check(client, &Pins::open(memory)?, &order.at, &card).await?;
    if let Some(uri) = card.demands.first() {
        return Err(NotCalled::Agent(format!(
            "it demands the extension `{}`, which we do not speak",
            uri.escape_debug()
        )));
    }
    let skill = match order.skill.or_else(|| card.skills.first().cloned()) {
        Some(skill) if card.skills.contains(&skill) => skill,
        Some(skill) => return Err(NotCalled::NoSkill(skill)),
        None => return Err(NotCalled::Agent("its card has no skills".to_owned())),
    };
    let (kind, body) = body_of(&order.parts).ok_or(NotCalled::Message("a part has no single meaning"))?;
    let kind = HeaderValue::try_from(kind).map_err(|_| NotCalled::Message("a media type is none"))?;
    // A key for this agent alone: no other learns from it what we do elsewhere.
    let secret = kept_secret(&memory.join("a2a.key"))?;
    let key = base64url::encode(&secret.mac(origin.ascii_serialization().as_bytes()).0);
    let line = Arc::new(Line::new(&order.at, &card, &key).map_err(NotCalled::Agent)?);
    let fetch = Fetch {
        method: gateway::tools::METHOD.to_owned(),
        // What has no address is free, or is billed for an address that is not this one, and not paid.
        url: resource(&card, &skill).unwrap_or_else(|| format!("http://skill.invalid/{skill}")),
        headers: HeaderMap::from_iter([(CONTENT_TYPE, kind)]),
        body,
        purchase: order.purchase.clone(),
        price_max: order.price_max,
        why: order.why,
    };
    let resource = fetch.url.clone();
    let errand = Arc::new(Errand { line, skill, resource, parts: order.parts, purchase: order.purchase });
    let asking = Asking::new(move |asked| {
        let errand = Arc::clone(&errand);
        async move { errand.ask(asked).await }
    });
    let purchase = buyer.asking(asking).fetch(&fetch).await?;
    Ok(Called { purchase, card: seen, agent: card.name })
}

/// The task in what was bought.
pub fn task(purchase: &Purchase) -> Option<Task> {
    Task::read(serde_json::from_slice(&purchase.answer.as_ref()?.body).ok()?).ok()
}

/// Checks a card by the keys that the payment service knows of the payee whom it names, and by what was seen here before.
async fn check(client: &Client, pins: &Pins, at: &Url, card: &Card) -> Result<Seen, NotCalled> {
    let named = card.prices.as_ref().and_then(|prices| prices.get("payee")).and_then(Value::as_str);
    let payee: Option<PayeeId> = named.and_then(|payee| payee.parse().ok());
    let signed = match payee {
        Some(payee) => {
            let keys = client.a402_seller_keys(payee).await;
            let ring = keys.ok().and_then(|keys| seller_ring(&keys).ok());
            card.signed(|name| {
                let (name, owner) =
                    (Identifier::parse(name).ok()?, Identifier::parse(payee.to_string()).ok()?);
                ring.as_ref()?.key_of(&name, &owner).ok().cloned()
            })
        }
        None => card.signed(|_| None),
    };
    if signed == Signed::Wrong {
        return Err(NotCalled::Card("it was changed after its seller signed it".to_owned()));
    }
    let vouched = payee.filter(|_| signed == Signed::Well);
    pins.see(at, vouched).map_err(NotCalled::Card)?;
    Ok(match signed {
        Signed::Well => Seen::Signed,
        Signed::Not => Seen::Unsigned,
        Signed::ByStrangers | Signed::Wrong => Seen::ByStrangers,
    })
}

/// The address of a skill as a plain request, which its bill is for.
fn resource(card: &Card, skill: &str) -> Option<String> {
    let price = card.prices.as_ref()?.get("skills")?.get(skill)?;
    Some(price.get("resource")?.as_str()?.to_owned())
}

/// One purchase under way.
struct Errand {
    line: Arc<Line>,
    skill: String,
    resource: String,
    parts: Vec<Part>,
    purchase: String,
}

impl Errand {
    /// Asks once, and waits for what comes of it.
    async fn ask(&self, asked: AskedElsewhere) -> Result<SellerAnswer, String> {
        let key = asked.headers.get("idempotency-key").and_then(|key| key.to_str().ok());
        let mut task = self.begin(key).await?;
        if let Some(paid) = &asked.paid
            && task.status.state == State::InputRequired
        {
            let payment = payment_for(self.resource.clone(), &paid.needed, &paid.proof);
            let payment = payment.map_err(|fault| fault.to_string())?;
            let mut message = self.message(&format!("{}-paid", task.id));
            message.task_id = Some(task.id.clone());
            message.parts = vec![Part::text("Here is the payment.")];
            message.metadata.insert(STATUS.to_owned(), json!(status::SUBMITTED));
            message.metadata.insert(PAYLOAD.to_owned(), payment);
            task = self.line.send(&message).await?;
        } else if asked.paid.is_none() && is_late(&task) {
            let mut message = self.message(&format!("{:032x}", rand::random::<u128>()));
            message.task_id = Some(task.id.clone());
            message.parts = vec![Part::text("What does it cost now?")];
            task = self.line.send(&message).await?;
        }
        answered(&self.until_rest(task).await?)
    }

    /// The task of this purchase: the one there is, or a new one where those before failed.
    async fn begin(&self, key: Option<&str>) -> Result<Task, String> {
        for attempt in 1..=ATTEMPTS_MAX {
            let name = format!("{attempt}\n{}", self.purchase);
            let mut message = self.message(&base64url::encode(Hash::of(name.as_bytes()).as_bytes()));
            message.metadata.insert(SKILL.to_owned(), json!(self.skill));
            if let Some(key) = key {
                message.metadata.insert(IDEMPOTENCY_KEY.to_owned(), json!(key));
            }
            let task = self.until_rest(self.line.send(&message).await?).await?;
            match task.status.state {
                State::Failed | State::Rejected | State::Canceled if says_money(&task) => {}
                State::Submitted
                | State::Working
                | State::Completed
                | State::Failed
                | State::Canceled
                | State::InputRequired
                | State::Rejected
                | State::AuthRequired => return Ok(task),
            }
        }
        Err(format!("{ATTEMPTS_MAX} tasks of this purchase failed"))
    }

    fn message(&self, message_id: &str) -> Message {
        Message {
            message_id: message_id.to_owned(),
            context_id: None,
            task_id: None,
            role: Role::User,
            parts: self.parts.clone(),
            metadata: Map::new(),
            extensions: EXTENSIONS.iter().map(|uri| (*uri).to_owned()).collect(),
            reference_task_ids: Vec::new(),
        }
    }

    async fn until_rest(&self, mut task: Task) -> Result<Task, String> {
        let mut rest = POLL_MIN;
        let looking = async {
            while !task.status.state.is_over() && !task.status.state.is_waiting() {
                tokio::time::sleep(rest).await;
                rest = rest.saturating_mul(2).min(POLL_MAX);
                task = self.line.look(&task.id).await?;
            }
            Ok(task)
        };
        tokio::time::timeout(PATIENCE, looking).await.map_err(|_| "it is still at work".to_owned())?
    }
}

/// Whether a task asks for money by a bill that is too old to be paid.
fn is_late(task: &Task) -> bool {
    let needed = said(task).and_then(|said| said.get(NEEDED)).and_then(Value::as_str);
    let needed = needed.and_then(|needed| Needed::decode(needed).ok());
    task.status.state == State::InputRequired
        && needed.is_some_and(|needed| needed.demand.pay_before.time() <= Clock::system().now())
}

/// Whether a task that failed says something about a payment: another may be made for another task.
fn says_money(task: &Task) -> bool {
    said(task).is_some_and(|said| said.contains_key(STATUS))
}

fn said(task: &Task) -> Option<&Map<String, Value>> {
    Some(&task.status.message.as_ref()?.metadata)
}

/// A task as what HTTP would have answered.
fn answered(task: &Task) -> Result<SellerAnswer, String> {
    let about = said(task).cloned().unwrap_or_default();
    let words = task.status.message.as_ref().map(Message::words).unwrap_or_default();
    let asks = about.get(STATUS).and_then(Value::as_str) == Some(status::REQUIRED);
    let (status, body) = match task.status.state {
        State::InputRequired if asks && !about.contains_key(NEEDED) => {
            return Err("it asks for a payment without a signed bill, which is not paid".to_owned());
        }
        State::InputRequired if asks => (402, json!({ "detail": words })),
        State::InputRequired | State::AuthRequired => {
            return Err(format!("it asks for more: {}", words.escape_debug()));
        }
        State::Submitted | State::Working => return Err("it is still at work".to_owned()),
        State::Completed => (200, task.to_json()),
        State::Failed | State::Rejected | State::Canceled => (422, task.to_json()),
    };
    let body = serde_json::to_vec(&body).map_err(|fault| fault.to_string())?;
    let mut headers = HeaderMap::new();
    for (header, member) in gateway::tools::SAID {
        if let Some(Ok(value)) = about.get(*member).and_then(Value::as_str).map(HeaderValue::try_from) {
            let name = HeaderName::try_from(*header).expect("our names are header names");
            headers.insert(name, value);
        }
    }
    Ok(SellerAnswer { status, headers, body })
}

/// All that a task made, in words where it is words.
pub fn shown(task: &Task) -> Vec<String> {
    let parts = task.artifacts.iter().flat_map(|artifact| &artifact.parts);
    parts
        .map(|part| match &part.content {
            Content::Text(text) => text.clone(),
            Content::Raw(_) | Content::Url(_) | Content::Data(_) => part.to_json().to_string(),
        })
        .collect()
}
