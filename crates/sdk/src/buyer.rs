//! Buying one HTTP request behind 402: ask, open the bill, pay it once, ask again with the proof.
//!
//! What was chosen is on disk before it is paid, and the hold's name goes with the purchase. So whatever dies in between,
//! doing it again under the same purchase key repeats the same payment: sending the same bill under the same name is how
//! a lost answer is asked for. A new bill is taken under the same name too, until the server says that
//! nothing will ever be paid under it.

mod checkout;
mod demanded;
mod elsewhere;
mod offered;
mod sellers;

pub use checkout::{CheckedOut, CheckoutDialect, CheckoutOrder, NewCheckout, NotCheckedOut};
pub(crate) use demanded::Dialect;
pub use elsewhere::{AskedElsewhere, Asking, Shown};
pub use offered::{LastHold, Offer};
pub use sellers::Reach;

use crate::acceptance::Accepted;
use crate::client::Client;
use crate::clock::made_at;
use crate::failure::{Answer, Failure};
use crate::keys::{credential_ring, seller_ring};
use crate::limits::{BACKOFF_MIN, DELIVERY_TRIES_MAX, REPLAY_WINDOW_SECONDS_MIN};
use crate::purchase::{Locked, PurchaseFault, Purchases, Record, Stage};
use crate::said::{Demanded, demanded_by, validation_of};
use demanded::{Opened, Paid};
use evidence::{Hash, base64url};
use protocols::Time;
use protocols::a402::headers::PAYMENT_PROOF;
use protocols::a402::wallet::{Network, WalletTerms, method_version, network_layer};
use protocols::a402::{
    Bill, BuyerPolicy, CannotPay, DeliveryStatus, FulfillmentStatus, Identifier, KeyFault, Keyring, Needed,
    Proof, RequestFacts, open_needed,
};
use protocols::limits::UNBILLED_SECONDS_MAX;
use protocols::x402::PAYMENT_SIGNATURE;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::OnceCell;
use url::Url;
use wire::answer::Asked;
use wire::{HoldId, MandateId, Money, PayeeId, Problem, WalletId};

/// From what a buyer pays.
#[derive(Clone, Debug)]
pub struct BuyerSettings {
    /// The wallet or sub-account.
    pub wallet: WalletId,
    /// The mandate that allows it; without one, the agent's own limits must.
    pub mandate: Option<MandateId>,
    /// With which money.
    pub network: Network,
    /// Only these sellers; none means every seller the server knows.
    pub payees: Vec<PayeeId>,
    /// Keys of sellers that are known beforehand. Those of others are asked for at the server.
    pub seller_keys: Keyring,
}

/// One request, and what it may cost.
#[derive(Clone, Debug)]
pub struct Fetch {
    /// Such as `GET`.
    pub method: String,
    /// The address, with scheme.
    pub url: String,
    /// Any headers beside those of the payment.
    pub headers: HeaderMap,
    /// The body; empty for none.
    pub body: Vec<u8>,
    /// Names the purchase: doing it again under this name pays nothing again.
    pub purchase: String,
    /// The most it may cost.
    pub price_max: Money,
    /// Why it is bought, for the owner to read.
    pub why: Option<String>,
}

/// What came of it: the money and the answer, apart, for neither is evidence of the other.
#[derive(Clone, Debug)]
pub struct Purchase {
    /// What happened to the money.
    pub payment: PaymentOutcome,
    /// What the seller answered last, if anything.
    pub answer: Option<SellerAnswer>,
    /// What the answer came to, where it was bought on terms.
    pub accepted: Option<Accepted>,
}

/// What happened to the money.
#[derive(Clone, Debug)]
pub enum PaymentOutcome {
    /// It cost nothing.
    NotNeeded,
    /// The server refused: nothing was spent.
    Refused(Box<Problem>),
    /// The owner is asked first: nothing was spent. Fetching again after the answer goes on.
    Asked(Box<Asked>),
    /// It is held for the seller.
    Held(HoldId),
    /// The seller has it.
    Paid(HoldId),
    /// It went back: the seller did not deliver. Fetching again buys anew.
    Returned(HoldId),
    /// Nobody can say yet. Fetching again asks, and pays nothing twice.
    Unknown(HoldId, String),
}

/// What a seller answered.
#[derive(Clone, Debug)]
pub struct SellerAnswer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

/// Why nothing was bought. Nothing was paid, either.
#[derive(Debug, thiserror::Error)]
pub enum NotBought {
    /// What was bought under this key cannot be known or kept.
    #[error(transparent)]
    Purchase(#[from] PurchaseFault),
    /// The request cannot be sent.
    #[error("the request is malformed: {0}")]
    Request(String),
    /// The seller was not reached, or did not answer.
    #[error("the seller did not answer: {0}")]
    Seller(String),
    /// The demand is not to be paid: false, late, or for something else.
    #[error("the seller's demand is not to be paid: {0}")]
    Demand(String),
    /// What is promised for the price is not signed, is over, or is for something else.
    #[error("the seller's quote does not count: {0} ({code})", code = .0.code())]
    Quote(#[from] pricing::QuoteFault),
    /// It costs more than it may.
    #[error("it costs {} and may cost at most {}", .price.in_words(), .price_max.in_words())]
    TooDear {
        /// What it costs.
        price: Money,
        /// What it may cost.
        price_max: Money,
    },
    /// The seller is not one to buy from.
    #[error("seller `{0}` is not known")]
    PayeeUnknown(String),
    /// The server could not be asked about seller or bill; nothing was sent to be paid.
    #[error(transparent)]
    Server(#[from] Failure),
}

/// A buyer: a client of its payment service, and the purchases it made.
#[derive(Debug)]
pub struct Buyer {
    pub(crate) client: Client,
    pub(crate) settings: BuyerSettings,
    pub(crate) purchases: Purchases,
    sellers: sellers::Sellers,
    /// How sellers are asked, where not over HTTP.
    asking: Option<Asking>,
    identity: OnceCell<Identifier>,
    /// The keys that sign the server's statements, as they were last asked for.
    server_keys: RwLock<Option<Arc<Keyring>>>,
}

/// One purchase under way.
struct Errand<'a> {
    fetch: &'a Fetch,
    url: Url,
    headers: HeaderMap,
    facts: RequestFacts,
    locked: Locked,
}

/// Under which name an attempt is made.
enum Name {
    /// That of the attempt with this number.
    Next(u32),
    /// That of an attempt of which nothing was recorded.
    Same { attempt: u32, hold: HoldId },
}

/// What the owner was asked: an answer is good for exactly that.
struct Approval {
    question: String,
    mandate: Option<MandateId>,
}

impl Buyer {
    /// A buyer that pays through `client` and remembers in `purchases`.
    ///
    /// # Errors
    /// [`NotBought::Request`], where TLS cannot be set up.
    pub fn new(client: Client, settings: BuyerSettings, purchases: Purchases) -> Result<Buyer, NotBought> {
        Ok(Buyer {
            client,
            settings,
            purchases,
            sellers: sellers::Sellers::new(Reach::Anywhere)?,
            asking: None,
            identity: OnceCell::new(),
            server_keys: RwLock::default(),
        })
    }

    /// Sends the request, and pays for it where it costs something: once for each purchase key.
    ///
    /// # Errors
    /// [`NotBought`]: nothing was paid by this call.
    pub async fn fetch(&self, fetch: &Fetch) -> Result<Purchase, NotBought> {
        let errand = self.errand(fetch)?;
        match errand.locked.read()? {
            None => self.begin(&errand, Name::Next(1), None).await,
            Some(record) if record.request != errand.facts.fingerprint.as_str() => {
                Err(PurchaseFault::KeyReused(record.purchase).into())
            }
            Some(record) => match record.stage {
                Stage::Paid => self.deliver(&errand, record).await,
                Stage::Billed => self.resume(&errand, record).await,
                Stage::Rejected => self.begin(&errand, self.name_after_no(&record), None).await,
                Stage::Refused | Stage::Returned => {
                    self.begin(&errand, Name::Next(record.attempt + 1), None).await
                }
                Stage::Asked => {
                    let (question, mandate) = (record.hold.to_string(), record.mandate);
                    let approval = Some(Approval { question, mandate });
                    let next = Name::Next(record.attempt + 1);
                    let (now, demanded) = (self.client.clock().now(), record.demanded());
                    let Ok(opened) = self.open(&errand, &demanded, now).await else {
                        return self.begin(&errand, next, approval).await;
                    };
                    // The approval may be for this very demand.
                    let record = self.attempt(&errand, next, approval, demanded).await?;
                    self.pay(&errand, record, opened, None).await
                }
            },
        }
    }

    fn errand<'a>(&self, fetch: &'a Fetch) -> Result<Errand<'a>, NotBought> {
        let (url, headers, facts) = request_of(fetch)?;
        let locked = self.purchases.lock(&fetch.purchase)?;
        Ok(Errand { fetch, url, headers, facts, locked })
    }

    /// Asks the seller without a proof, and pays the bill it answers with.
    async fn begin(
        &self,
        errand: &Errand<'_>,
        name: Name,
        approval: Option<Approval>,
    ) -> Result<Purchase, NotBought> {
        let answer = self.ask(errand, None).await.map_err(NotBought::Seller)?;
        let Some(demanded) = demanded_by(&answer)? else {
            let payment = PaymentOutcome::NotNeeded;
            return Ok(Purchase { payment, answer: Some(answer), accepted: None });
        };
        let opened = self.open(errand, &demanded, self.client.clock().now()).await?;
        let record = self.attempt(errand, name, approval, demanded).await?;
        self.pay(errand, record, opened, Some(answer)).await
    }

    /// Under which name is bought what the server did not look at: the same, for as long as an earlier try may arrive late.
    /// What nobody billed has the time of its name, and is too late under it for ever.
    fn name_after_no(&self, record: &Record) -> Name {
        let lasts = Time::from_seconds(u64::from(UNBILLED_SECONDS_MAX)).0;
        let is_over = made_at(record.hold.0).after(lasts) < self.client.clock().now();
        match record.dialect {
            Dialect::X402 if is_over => Name::Next(record.attempt + 1),
            Dialect::X402 | Dialect::A402 => Name::Same { attempt: record.attempt, hold: record.hold },
        }
    }

    /// Puts a new attempt on disk. From here on its hold is the only one there can be.
    async fn attempt(
        &self,
        errand: &Errand<'_>,
        name: Name,
        approval: Option<Approval>,
        demanded: Demanded,
    ) -> Result<Record, NotBought> {
        let now = self.client.clock().now();
        let (attempt, hold) = match name {
            Name::Next(attempt) => (attempt, errand.locked.hold(self.settings.wallet, attempt, now)?),
            Name::Same { attempt, hold } => (attempt, hold),
        };
        let record = Record {
            purchase: errand.fetch.purchase.clone(),
            request: errand.facts.fingerprint.as_str().to_owned(),
            wallet: self.settings.wallet,
            attempt,
            hold,
            billed_at_nanos: now.0,
            dialect: demanded.dialect,
            payment_needed: demanded.needed,
            mandate: approval.as_ref().map_or(self.settings.mandate, |approval| approval.mandate),
            approval: approval.map(|approval| approval.question),
            payment_proof: None,
            quote: demanded.quote,
            stage: Stage::Billed,
        };
        errand.locked.write(&record).await?;
        Ok(record)
    }

    /// Opens a bill for a request as of `now`: it is signed by a seller we may buy from, and is paid where we pay.
    pub(crate) async fn bill(
        &self,
        facts: &RequestFacts,
        needed: &str,
        now: Time,
    ) -> Result<(Bill, WalletTerms), NotBought> {
        let refuse = |why: &dyn std::fmt::Display| NotBought::Demand(why.to_string());
        let seller = Needed::decode(needed).map_err(|fault| refuse(&fault))?.demand.seller_unique_id;
        let payee = self.payee(seller.as_str())?;
        let policy = BuyerPolicy {
            buyer_unique_id: self.identity().await?.clone(),
            methods: [(self.settings.network.method_id(), method_version())].into(),
            replay_window_seconds_min: REPLAY_WINDOW_SECONDS_MIN,
        };
        let opened = match open_needed(needed, facts, &self.settings.seller_keys, &policy, now) {
            Err(CannotPay::Signature { fault: KeyFault::UnknownKey, .. }) => {
                let keys = self.client.a402_seller_keys(payee).await?;
                let keys = seller_ring(&keys).map_err(|fault| refuse(&fault))?;
                open_needed(needed, facts, &keys, &policy, now)
            }
            opened => opened,
        };
        let bill = opened.map_err(|fault| refuse(&fault))?;
        let terms = WalletTerms::read(bill.demand(), bill.method()).map_err(|fault| refuse(&fault))?;
        if terms.payee != bill.demand().seller_unique_id {
            return Err(NotBought::Demand("it pays somebody else than the seller".to_owned()));
        }
        let psp = Url::parse(terms.psp.as_str()).map_err(|fault| refuse(&fault))?;
        if psp.origin() != self.client.base_url().origin() {
            return Err(NotBought::Demand(format!("`{}` is not our payment service", terms.psp)));
        }
        Ok((bill, terms))
    }

    /// Goes on with a bill that an earlier call chose, and may have paid.
    async fn resume(&self, errand: &Errand<'_>, record: Record) -> Result<Purchase, NotBought> {
        match self.open(errand, &record.demanded(), Time(record.billed_at_nanos)).await {
            Ok(opened) => self.pay(errand, record, opened, None).await,
            // It may be paid, so "nothing was bought" would be too much said.
            Err(why) => {
                let payment = PaymentOutcome::Unknown(record.hold, why.to_string());
                Ok(Purchase { payment, answer: None, accepted: None })
            }
        }
    }

    /// Pays what was recorded under the recorded name, or learns that it was paid.
    async fn pay(
        &self,
        errand: &Errand<'_>,
        mut record: Record,
        opened: Opened,
        answer: Option<SellerAnswer>,
    ) -> Result<Purchase, NotBought> {
        let hold = record.hold;
        let first_time = answer.is_some();
        let ended = |payment| Purchase { payment, answer, accepted: None };
        match self.settle(&record, &opened, errand.fetch.why.clone()).await {
            Ok(Answer::Done(Paid::Unproved(why))) => Ok(ended(PaymentOutcome::Unknown(hold, why))),
            Ok(Answer::Done(Paid::Proof(proof))) => {
                record.payment_proof = Some(proof);
                record.stage = Stage::Paid;
                errand.locked.write(&record).await?;
                self.deliver(errand, record).await
            }
            Ok(Answer::Asked(asked)) => {
                record.stage = Stage::Asked;
                errand.locked.write(&record).await?;
                Ok(ended(PaymentOutcome::Asked(asked)))
            }
            Err(Failure::Refused(problem)) if problem.status < 500 => {
                let (stage, payment) = self.after_no(hold, problem).await;
                if let Some(stage) = stage {
                    record.stage = stage;
                    errand.locked.write(&record).await?;
                }
                Ok(ended(payment))
            }
            Err(Failure::Unreachable(why)) if first_time => Err(NotBought::Server(Failure::Unreachable(why))),
            Err(failure) => Ok(ended(PaymentOutcome::Unknown(hold, failure.to_string()))),
        }
    }

    /// What a no means for the hold's name: a recorded no is for ever; a request that was not looked at leaves it free.
    async fn after_no(&self, hold: HoldId, problem: Box<Problem>) -> (Option<Stage>, PaymentOutcome) {
        if problem.entry.is_some() {
            return (Some(Stage::Refused), PaymentOutcome::Refused(problem));
        }
        // An earlier try of ours may have been taken all the same.
        match self.client.a402_trade(hold).await {
            Err(Failure::Refused(unknown)) if unknown.status == 404 => {
                let stage = match problem.code.as_str() {
                    // Too old a name is free for nothing any more.
                    "id_stale" => Stage::Refused,
                    _ => Stage::Rejected,
                };
                (Some(stage), PaymentOutcome::Refused(problem))
            }
            Ok(_) => match self.standing(hold).await {
                PaymentOutcome::Returned(hold) => (Some(Stage::Returned), PaymentOutcome::Returned(hold)),
                payment @ (PaymentOutcome::NotNeeded
                | PaymentOutcome::Refused(_)
                | PaymentOutcome::Asked(_)
                | PaymentOutcome::Held(_)
                | PaymentOutcome::Paid(_)
                | PaymentOutcome::Unknown(..)) => (None, payment),
            },
            Err(failure) => (None, PaymentOutcome::Unknown(hold, failure.to_string())),
        }
    }

    /// Checks that the server's statement is about this bill, and writes the proof from it.
    async fn proof(&self, bill: &Bill, value: &str) -> Result<String, String> {
        let stated = Proof::decode(value).map_err(|fault| fault.to_string())?.payment_proof;
        let layer = || network_layer(self.settings.network);
        let known = self.server_keys.read().unwrap_or_else(PoisonError::into_inner).clone();
        let proved = match known {
            Some(keys) => bill.proof(stated.clone(), &keys, layer()).ok(),
            None => None,
        };
        let proof = match proved {
            Some(proof) => proof,
            // Not by the keys that were known, if any: they may have changed.
            None => {
                let keys = self.client.a402_key().await.map_err(|failure| failure.to_string())?;
                let keys = Arc::new(credential_ring(&keys).map_err(|fault| fault.to_string())?);
                let proof = bill.proof(stated, &keys, layer()).map_err(|fault| fault.to_string())?;
                *self.server_keys.write().unwrap_or_else(PoisonError::into_inner) = Some(keys);
                proof
            }
        };
        proof.encode().map_err(|fault| fault.to_string())
    }

    /// Asks the seller with the proof, again where the answer gets lost, and finds out what became of the money.
    async fn deliver(&self, errand: &Errand<'_>, mut record: Record) -> Result<Purchase, NotBought> {
        let hold = record.hold;
        let asked_at = self.client.clock().now();
        let mut answer = self.ask(errand, paid_of(&record)).await;
        let mut tries = 1;
        while tries < DELIVERY_TRIES_MAX && answer.as_ref().map_or(true, |answer| answer.status == 503) {
            tokio::time::sleep(BACKOFF_MIN.saturating_mul(1 << tries)).await;
            answer = self.ask(errand, paid_of(&record)).await;
            tries += 1;
        }
        let confirmed = answer.as_ref().ok().and_then(validation_of).and_then(|validation| {
            let delivered = validation.delivery_status() == DeliveryStatus::Delivered
                && validation.about().trade_no.as_str() == hold.to_string();
            delivered.then(|| validation.fulfillment_status() == FulfillmentStatus::Confirmed)
        });
        let payment = match confirmed {
            Some(true) => PaymentOutcome::Paid(hold),
            Some(false) => PaymentOutcome::Held(hold),
            None => self.standing(hold).await,
        };
        let accepted = match &answer {
            Ok(answer) => self.accept(&record, answer, asked_at).await,
            Err(_) => None,
        };
        // What was delivered and came to nothing is over: buying it anew is another purchase.
        let is_delivered = accepted.as_ref().is_some_and(|accepted| accepted.said.is_some());
        if matches!(payment, PaymentOutcome::Returned(_)) && !is_delivered {
            record.stage = Stage::Returned;
            errand.locked.write(&record).await?;
        }
        let payment = match (payment, &answer) {
            (PaymentOutcome::Unknown(hold, _), Err(why)) => PaymentOutcome::Unknown(hold, why.clone()),
            (payment, _) => payment,
        };
        Ok(Purchase { payment, answer: answer.ok(), accepted })
    }

    /// What became of the money, by the server.
    async fn standing(&self, hold: HoldId) -> PaymentOutcome {
        match self.client.a402_trade(hold).await {
            Ok(trade) => match trade.payment_status.as_str() {
                "held" => PaymentOutcome::Held(hold),
                "paid" => PaymentOutcome::Paid(hold),
                "returned" => PaymentOutcome::Returned(hold),
                other => PaymentOutcome::Unknown(hold, format!("the server says `{other}`")),
            },
            Err(failure) => PaymentOutcome::Unknown(hold, failure.to_string()),
        }
    }

    async fn ask(&self, errand: &Errand<'_>, paid: Option<Shown>) -> Result<SellerAnswer, String> {
        let mut headers = errand.headers.clone();
        if let Some(asking) = &self.asking {
            let body = errand.fetch.body.clone();
            return asking.ask(AskedElsewhere { headers, body, paid }).await;
        }
        if let Some(paid) = paid {
            let mut value = HeaderValue::try_from(paid.proof).map_err(|fault| fault.to_string())?;
            value.set_sensitive(true);
            let name = match paid.dialect {
                Dialect::A402 => HeaderName::from_static("payment-proof"),
                Dialect::X402 => HeaderName::from_static(PAYMENT_SIGNATURE),
            };
            headers.insert(name, value);
        }
        self.exchange(errand.facts.method.as_str(), &errand.url, headers, errand.fetch.body.clone()).await
    }

    /// Who we are in demands and credentials.
    async fn identity(&self) -> Result<&Identifier, NotBought> {
        self.identity
            .get_or_try_init(|| async {
                let id = self.client.me().await?.id;
                id.and_then(|id| Identifier::parse(id).ok())
                    .ok_or_else(|| NotBought::Request("the key is nobody's who could buy".to_owned()))
            })
            .await
    }
}

/// What was paid for a request, if it was.
fn paid_of(record: &Record) -> Option<Shown> {
    let proof = record.payment_proof.clone()?;
    Some(Shown { dialect: record.dialect, needed: record.payment_needed.clone(), proof })
}

/// The request as it is sent, and what of it a demand is bound to.
fn request_of(fetch: &Fetch) -> Result<(Url, HeaderMap, RequestFacts), NotBought> {
    let malformed = |fault: &dyn std::fmt::Display| NotBought::Request(fault.to_string());
    let url = Url::parse(&fetch.url).map_err(|fault| malformed(&fault))?;
    let mut headers = fetch.headers.clone();
    headers.remove(PAYMENT_PROOF);
    headers.remove(PAYMENT_SIGNATURE);
    let text = |name: HeaderName, headers: &HeaderMap| match headers.get(&name).map(HeaderValue::to_str) {
        None => Ok(None),
        Some(Ok(text)) => Ok(Some(text.to_owned())),
        Some(Err(fault)) => Err(malformed(&fault)),
    };
    let content_type = text(CONTENT_TYPE, &headers)?.unwrap_or_default();
    let mut facts = RequestFacts::of(&fetch.method, url.as_str(), &content_type, &fetch.body)
        .map_err(|fault| malformed(&fault))?;
    let key_name = HeaderName::from_static("idempotency-key");
    let mut key = text(key_name.clone(), &headers)?;
    if key.is_none() && facts.method.needs_idempotency_key() {
        let derived = base64url::encode(Hash::of(fetch.purchase.as_bytes()).as_bytes());
        headers.insert(key_name, HeaderValue::try_from(&derived).map_err(|fault| malformed(&fault))?);
        key = Some(derived);
    }
    facts.idempotency_key = key.map(Identifier::parse).transpose().map_err(|fault| malformed(&fault))?;
    Ok((url, headers, facts))
}
