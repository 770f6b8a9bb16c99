//! Shopping at merchants who speak ACT's commerce messages: they are asked in parallel, what they answer is compared here, one
//! cart is confirmed, and its order is paid by its number.
//!
//! Nothing that a merchant says is believed because it says so. Addresses are https, or this machine; no redirect is followed; an
//! answer is at most 64 KiB and comes within ten seconds; a confirmation counts when a key that the payment service knows as
//! the merchant's has signed it, and says what was asked for.
//!
//! Reading order: [`Shopper`]; `compare`, which chooses; `paying`, the three levels.

mod compare;
mod paying;

pub use compare::{Avoid, Compared, Decision, Wish, compare};
pub use paying::{Level, ToPay, Trade};

use crate::client::{Client, cause};
use crate::clock::Clock;
use crate::failure::Failure;
use crate::keys::seller_ring;
use crate::limits::{
    CAPABILITY_REST, CONNECT_TIMEOUT, MERCHANT_ANSWER_BYTES_MAX, MERCHANT_COUNT_MAX, MERCHANT_TIMEOUT,
};
use evidence::SigningKey;
use protocols::Time;
use protocols::act::cid::capability::{
    self, CapabilityFile, Declaration, Method, Mode, NODE, NegotiationRequest, NegotiationResponse, NoMethod,
    Pinned, Source,
};
use protocols::act::cid::cart::{
    CartConfirmation, CartRequest, NotConfirmed, OrderAction, OrderChange, OrderState,
};
use protocols::act::cid::catalogue::Catalogue;
use protocols::act::cid::transfer::{TransferRequest, TransferResponse};
use protocols::act::cid::{CommerceError, Refusal};
use protocols::act::psd::{sign, signing_bytes};
use protocols::act::{AmountNumber, Currency, Identifier, Sentence, SignatureText, UtcTime};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::task::JoinSet;
use url::Url;
use wire::{AgentId, PayeeId};

/// What is at an address, and until when it is believed.
type Published = HashMap<Url, (Time, Vec<Method>)>;

/// An agent that shops. Cloning it is cheap.
#[derive(Clone, Debug)]
pub struct Shopper {
    client: Client,
    agent: AgentId,
    clock: Clock,
    http: reqwest::Client,
    /// What merchants published of how they are paid, and until when it is believed.
    methods: Arc<Mutex<Published>>,
}

/// A merchant as its card says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merchant {
    /// Its address.
    pub base: Url,
    /// Its account at the payment service.
    pub payee: PayeeId,
    /// Its name.
    pub name: String,
    /// Where it tells how it is paid.
    pub declaration: Option<(Mode, Url)>,
}

/// Why a merchant did not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotServed {
    /// It says no, in a class of ACT's.
    #[error("the merchant says no: {1} ({0})")]
    Refused(CommerceError, String),
    /// It cannot be asked, or its answer is lost. What was asked may have been done: ask again with the same id.
    #[error("no answer came: {0}")]
    Silent(String),
    /// Its answer is none.
    #[error("the answer cannot be believed: {0}")]
    Unbelievable(String),
    /// Its confirmation is not one of the cart that was asked for.
    #[error("this is no confirmation of the cart: {0}")]
    NotConfirmed(#[from] NotConfirmed),
    /// There is no way to pay it.
    #[error(transparent)]
    NoMethod(#[from] NoMethod),
    /// The payment service does not help.
    #[error(transparent)]
    Service(#[from] Failure),
    /// This client signs nothing.
    #[error("this client has no key to sign with")]
    NoKey,
}

/// What one merchant answered.
#[derive(Clone, Debug)]
pub struct Answered {
    /// Its address.
    pub base: Url,
    /// The merchant, and what it has.
    pub answer: Result<(Merchant, TransferResponse), NotServed>,
}

impl Shopper {
    /// An agent with a client of its own payment service, and the time in its book: one of play money may have been put forward.
    ///
    /// # Errors
    /// [`NotServed::Silent`] where TLS cannot be set up.
    pub fn new(client: Client, agent: AgentId, clock: Clock) -> Result<Shopper, NotServed> {
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(MERCHANT_TIMEOUT)
            // A merchant's word comes from the address it was asked at, or it is not its word.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|fault| NotServed::Silent(fault.to_string()))?;
        Ok(Shopper { client, agent, clock, http, methods: Arc::default() })
    }

    /// The client of the payment service.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// What time it is in the book: what messages to merchants and payments are stamped with.
    pub fn now(&self) -> Time {
        self.clock.now()
    }

    /// Who is at an address.
    ///
    /// # Errors
    /// [`NotServed`].
    pub async fn merchant(&self, base: &Url) -> Result<Merchant, NotServed> {
        let url = at(base, "/.well-known/agent-card.json")?;
        let text = self.fetch(self.http.get(url.clone()), &url).await?;
        let card: serde_json::Value =
            serde_json::from_slice(&text).map_err(|fault| NotServed::Unbelievable(fault.to_string()))?;
        let odd = |what: &str| NotServed::Unbelievable(format!("the card has no {what}"));
        let payee =
            card["agent_id"].as_str().and_then(|id| id.parse().ok()).ok_or_else(|| odd("`agent_id`"))?;
        let name = card["name"].as_str().ok_or_else(|| odd("`name`"))?.chars().take(120).collect();
        let node = &card["capabilities"][NODE];
        let declaration = if node.is_null() {
            None
        } else {
            let read = Declaration::from_json(node.to_string().as_bytes());
            let read = read.map_err(|fault| NotServed::Unbelievable(fault.to_string()))?;
            let address = match read.mode {
                Mode::OneWay => read.capability_url,
                Mode::TwoWay => read.negotiation_endpoint,
            };
            let address = address.and_then(|address| Url::parse(address.as_str()).ok());
            Some((read.mode, address.ok_or_else(|| odd("address of its methods"))?))
        };
        Ok(Merchant { base: base.clone(), payee, name, declaration })
    }

    /// A page of a merchant's catalogue.
    ///
    /// # Errors
    /// [`NotServed`].
    pub async fn catalogue(&self, base: &Url, cursor: Option<&Identifier>) -> Result<Catalogue, NotServed> {
        let mut url = at(base, "/act/catalogue")?;
        if let Some(cursor) = cursor {
            url.query_pairs_mut().append_pair("cursor", cursor.as_str());
        }
        let text = self.fetch(self.http.get(url.clone()), &url).await?;
        Catalogue::from_json(&text).map_err(|fault| NotServed::Unbelievable(fault.to_string()))
    }

    /// Asks merchants for candidates, all at once. One that fails is an answer like every other.
    pub async fn ask(&self, merchants: &[Url], request: &TransferRequest) -> Vec<Answered> {
        let mut tasks = JoinSet::new();
        for (place, base) in merchants.iter().take(MERCHANT_COUNT_MAX).cloned().enumerate() {
            let (shopper, request) = (self.clone(), request.clone());
            tasks.spawn(async move {
                let answer = shopper.ask_one(&base, request).await;
                (place, Answered { base, answer })
            });
        }
        let mut answers = tasks.join_all().await;
        answers.sort_by_key(|(place, _)| *place);
        answers.into_iter().map(|(_, answered)| answered).collect()
    }

    async fn ask_one(
        &self,
        base: &Url,
        request: TransferRequest,
    ) -> Result<(Merchant, TransferResponse), NotServed> {
        let merchant = self.merchant(base).await?;
        let signed = sign(request, self.key()?);
        let text = self.post(base, "/act/intents", signed.to_json()).await?;
        let response = TransferResponse::from_json(&text);
        let response = response.map_err(|fault| NotServed::Unbelievable(fault.to_string()))?;
        if response.request_id != signed.request_id {
            return Err(NotServed::Unbelievable("it answers another request".to_owned()));
        }
        if response.merchant_id.as_str() != merchant.payee.to_string() {
            return Err(NotServed::Unbelievable("it answers for another merchant than its card".to_owned()));
        }
        Ok((merchant, response))
    }

    /// Agrees on a method: one that the buyer has, that its limits allow, and whose service is its own.
    ///
    /// # Errors
    /// [`NotServed::NoMethod`]: nothing is paid then.
    pub async fn negotiate(
        &self,
        merchant: &Merchant,
        ours: &[Identifier],
        allowed: Option<&[Identifier]>,
        amount: AmountNumber,
        currency: &Currency,
    ) -> Result<Method, NotServed> {
        let Some((mode, address)) = &merchant.declaration else { return Err(NoMethod::NoMatch.into()) };
        let source = Source { declared: address, answered: address, card: &merchant.base };
        capability::confirm_source(source)?;
        let offered = match mode {
            Mode::OneWay => self.published(address).await?,
            Mode::TwoWay => {
                let ours = ours.iter().filter(|method| allowed.is_none_or(|list| list.contains(method)));
                let request = NegotiationRequest {
                    agent_id: name(&self.agent.to_string()),
                    buyer_supported_methods: ours.cloned().collect(),
                    currency: Some(currency.clone()),
                    estimated_amount: Some(amount),
                };
                let text = self.post(address, address.path(), request.to_json()).await?;
                let read = NegotiationResponse::read(&text);
                read.map_err(|fault| NotServed::Unbelievable(fault.to_string()))?.supported_methods
            }
        };
        let mut pinned = Pinned::default();
        pinned.pin(name(self.client.base_url().as_str()), self.client.base_url());
        Ok(capability::choose(&offered, ours, allowed, &pinned)?)
    }

    /// What a merchant has published, or did some minutes ago.
    async fn published(&self, address: &Url) -> Result<Vec<Method>, NotServed> {
        let now = self.now();
        {
            let known = self.methods.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((until, methods)) = known.get(address)
                && now < *until
            {
                return Ok(methods.clone());
            }
        }
        let text = self.fetch(self.http.get(address.clone()), address).await?;
        let file = CapabilityFile::from_json(&text);
        let methods = file.map_err(|fault| NotServed::Unbelievable(fault.to_string()))?.methods();
        let until = now.after(u64::try_from(CAPABILITY_REST.as_nanos()).unwrap_or(u64::MAX));
        let mut known = self.methods.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(address.clone(), (until, methods.clone()));
        Ok(methods)
    }

    /// Has a cart confirmed. The same request again is answered by the same order.
    ///
    /// # Errors
    /// [`NotServed`]. After [`NotServed::Silent`] nobody knows whether it was locked: ask again with the same request.
    pub async fn confirm(
        &self,
        merchant: &Merchant,
        request: &CartRequest,
    ) -> Result<CartConfirmation, NotServed> {
        let signed = sign(request.clone(), self.key()?);
        let text = self.post(&merchant.base, "/act/carts", signed.to_json()).await?;
        let read = CartConfirmation::from_json(&text);
        let confirmation = read.map_err(|fault| NotServed::Unbelievable(fault.to_string()))?;
        self.is_signed(merchant, &confirmation).await?;
        confirmation.confirms(request)?;
        Ok(confirmation)
    }

    /// Whether a key that the payment service knows as the merchant's has signed a confirmation.
    async fn is_signed(&self, merchant: &Merchant, confirmation: &CartConfirmation) -> Result<(), NotServed> {
        let keys = self.client.a402_seller_keys(merchant.payee).await?;
        let ring = seller_ring(&keys).map_err(|fault| NotServed::Unbelievable(fault.to_string()))?;
        let unsigned = || NotServed::Unbelievable("no key of the merchant's has signed it".to_owned());
        let message = signing_bytes(confirmation).map_err(|_| unsigned())?;
        let bytes = evidence::base64url::decode(confirmation.signature.as_str()).ok_or_else(unsigned)?;
        let signature = evidence::Signature::from_slice(&bytes).map_err(|_| unsigned())?;
        let key = ring.key_of(&confirmation.signer_id, &name(&merchant.payee.to_string()));
        let key = key.map_err(|_| unsigned())?;
        key.verify(&message, &signature).map_err(|_| unsigned())
    }

    /// An order as its merchant tells it.
    ///
    /// # Errors
    /// [`NotServed`].
    pub async fn order(&self, base: &Url, number: &Identifier) -> Result<OrderState, NotServed> {
        let url = at(base, &format!("/act/orders/{}", number.as_str()))?;
        let text = self.fetch(self.http.get(url.clone()), &url).await?;
        OrderState::from_json(&text).map_err(|fault| NotServed::Unbelievable(fault.to_string()))
    }

    /// Ends an order that is not delivered; what was paid comes back.
    ///
    /// # Errors
    /// [`NotServed`].
    pub async fn cancel(
        &self,
        base: &Url,
        number: &Identifier,
        reason: Option<Sentence>,
    ) -> Result<OrderState, NotServed> {
        let requester = name(&self.agent.to_string());
        self.change(base, number, OrderAction::Cancel, requester, reason).await
    }

    /// Says what becomes of an order, in the name of its buyer or of its merchant: whoever this client's key is.
    ///
    /// # Errors
    /// [`NotServed`].
    pub async fn change(
        &self,
        base: &Url,
        number: &Identifier,
        action: OrderAction,
        requester_id: Identifier,
        reason: Option<Sentence>,
    ) -> Result<OrderState, NotServed> {
        let change = OrderChange {
            request_id: name(&format!("{:032x}", self.client.fresh_id())),
            merchant_order_id: number.clone(),
            action,
            requester_id,
            reason,
            timestamp: UtcTime::second_of(self.now()),
            signer_id: None,
            signature_algorithm: None,
            signature: unsigned(),
        };
        let signed = sign(change, self.key()?);
        let path = format!("/act/orders/{}", number.as_str());
        let text = self.post(base, &path, signed.to_json()).await?;
        OrderState::from_json(&text).map_err(|fault| NotServed::Unbelievable(fault.to_string()))
    }

    fn key(&self) -> Result<&SigningKey, NotServed> {
        self.client.inner.credentials.as_ref().map(|own| &own.key).ok_or(NotServed::NoKey)
    }

    async fn post(&self, base: &Url, path: &str, text: String) -> Result<Vec<u8>, NotServed> {
        let url = at(base, path)?;
        let request = self.http.post(url.clone()).header("content-type", "application/json").body(text);
        self.fetch(request, &url).await
    }

    async fn fetch(&self, request: reqwest::RequestBuilder, url: &Url) -> Result<Vec<u8>, NotServed> {
        if !capability::is_secure(url) {
            return Err(NoMethod::Insecure(url.to_string()).into());
        }
        let silent = |fault: reqwest::Error| NotServed::Silent(cause(&fault));
        let mut response = request.send().await.map_err(silent)?;
        let status = response.status();
        if status.is_redirection() {
            return Err(NoMethod::Foreign(url.to_string()).into());
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(silent)? {
            if MERCHANT_ANSWER_BYTES_MAX < body.len() + chunk.len() {
                return Err(NotServed::Unbelievable("it is longer than 64 KiB".to_owned()));
            }
            body.extend_from_slice(&chunk);
        }
        if status.is_success() {
            return Ok(body);
        }
        match Refusal::from_json(&body) {
            Ok(refusal) if refusal.error == CommerceError::Unavailable => {
                Err(NotServed::Silent(refusal.message.as_str().to_owned()))
            }
            Ok(refusal) => Err(NotServed::Refused(refusal.error, refusal.message.as_str().to_owned())),
            Err(_) if status.is_server_error() => Err(NotServed::Silent(format!("status {status}"))),
            Err(_) => Err(NotServed::Unbelievable(format!("status {status}"))),
        }
    }
}

fn at(base: &Url, path: &str) -> Result<Url, NotServed> {
    base.join(path).map_err(|fault| NotServed::Silent(fault.to_string()))
}

/// A name of ours, which is short.
pub(crate) fn name(text: &str) -> Identifier {
    Identifier::parse(text).expect("our names are identifiers")
}

/// What stands in the place of a signature until there is one.
pub(crate) fn unsigned() -> SignatureText {
    SignatureText::parse("AA").expect("two letters are a signature's text")
}
