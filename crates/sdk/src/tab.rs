//! A tab: many calls at one seller, paid by vouchers of one channel after another, within a cap over all of them.
//!
//! What a call's voucher says is on disk before it leaves, so whatever dies in between, nothing is signed that goes beyond
//! one call that was asked for. A seller's word about what is owed is taken only as far as it was signed for; what a
//! channel came to in the end is our own server's to say.

mod channel;
mod file;

use crate::buyer::{Buyer, NotBought, SellerAnswer};
use crate::limits::{BACKOFF_MIN, TAB_PRICES_MAX, TAB_TRIES_MAX};
use crate::said::demand_of;
use evidence::{Hash, SigningKey, base64url};
use file::{CallRecord, ChannelRecord, Stage, TabFile, TabRecord};
use protocols::NANOS;
use protocols::a402::{Identifier, RequestFacts};
use protocols::voucher::{OWED, Offer, VOUCHER, Voucher, read_sum};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use std::collections::HashMap;
use std::time::Duration;
use url::Url;
use wire::answer::Asked;
use wire::{AmountText, MeterId, Money, PayeeId, Problem};

/// How a tab may spend.
#[derive(Clone, Debug)]
pub struct TabSettings {
    /// Names the tab: opening it again under this name goes on where it stopped.
    pub tab: String,
    /// The most that all its channels together may come to.
    pub cap: Money,
    /// The most that one call may cost, in billionths of the smallest unit.
    pub price_nanos_max: u128,
    /// How much each channel sets aside, where the cap leaves as much; none for the least that the seller takes.
    pub deposit: Option<Money>,
    /// How long a channel lasts, in seconds.
    pub channel_seconds: u64,
}

/// One call.
#[derive(Clone, Debug)]
pub struct TabCall {
    /// Such as `GET`.
    pub method: String,
    /// The address, with scheme; at the tab's seller.
    pub url: String,
    /// Any headers beside those of the payment.
    pub headers: HeaderMap,
    /// The body; empty for none.
    pub body: Vec<u8>,
    /// Names the call: the latest one of a tab, done again under its name, is answered again and not paid again.
    pub name: Option<String>,
}

/// What came of a call: the money and the answer, apart.
#[derive(Clone, Debug)]
pub struct Called {
    /// What happened to the money.
    pub payment: CallPayment,
    /// What the seller answered last, if anything.
    pub answer: Option<SellerAnswer>,
}

/// What happened to the money.
#[derive(Clone, Debug)]
pub enum CallPayment {
    /// It cost nothing.
    NotNeeded,
    /// So many billionths are owed for it.
    Paid(u128),
    /// It was not delivered, and nothing is owed for it.
    NotOwed,
    /// The server refused to open a channel: nothing was set aside.
    Refused(Box<Problem>),
    /// The owner is asked before a channel is opened: nothing was set aside. Calling again after the answer goes on.
    Asked(Box<Asked>),
    /// The cap leaves too little for another channel.
    CapReached,
    /// Nobody can say yet. The same call again asks, and pays nothing twice.
    Unknown(String),
}

/// A tab. It is used by one at a time, also of all processes.
#[derive(Debug)]
pub struct Tab<'a> {
    buyer: &'a Buyer,
    settings: TabSettings,
    file: TabFile,
    record: Option<TabRecord>,
    /// The channel that calls are paid by.
    signing: Option<Signing>,
    /// What calls cost, by method and path, as far as it is known.
    prices: HashMap<(String, String), u128>,
}

#[derive(Debug)]
struct Signing {
    key: SigningKey,
    id: MeterId,
    /// In billionths, like all sums here.
    deposit: u128,
    owed: u128,
    signed_max: u128,
    /// A call whose end is not known.
    pending: Option<(Hash, u128)>,
}

/// One call, ready to be sent.
struct Errand {
    url: Url,
    method: String,
    headers: HeaderMap,
    body: Vec<u8>,
    facts: RequestFacts,
    digest: Hash,
}

/// Why a call is not paid by voucher now.
enum NotNow {
    Payment(CallPayment),
    Fault(NotBought),
}

impl<E: Into<NotBought>> From<E> for NotNow {
    fn from(fault: E) -> NotNow {
        NotNow::Fault(fault.into())
    }
}

impl Buyer {
    /// Opens a tab, or goes on with it. Nothing is set aside before the first call.
    ///
    /// # Errors
    /// [`NotBought::Purchase`]: somebody else is using it, or what is known cannot be read.
    pub fn tab(&self, settings: TabSettings) -> Result<Tab<'_>, NotBought> {
        let mut file = TabFile::lock(&self.purchases, &settings.tab)?;
        let record = file.read(&settings.tab)?;
        let latest = file.read_call()?;
        let signing = match record.as_ref().and_then(|record| record.channel.as_ref()) {
            Some(channel) => Some(Signing::resume(channel, latest).map_err(NotBought::Request)?),
            None => None,
        };
        Ok(Tab { buyer: self, settings, file, record, signing, prices: HashMap::new() })
    }
}

impl Signing {
    fn resume(channel: &ChannelRecord, latest: Option<CallRecord>) -> Result<Signing, String> {
        let seed = base64url::decode(&channel.seed).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let seed = seed.ok_or("the tab's voucher key is damaged")?;
        let latest = latest.filter(|latest| latest.channel == channel.id);
        let deposit = channel.deposit.amount.minor().checked_mul(NANOS).ok_or("the deposit is too large")?;
        Ok(Signing {
            key: SigningKey::ed25519(&seed),
            id: channel.id,
            deposit,
            owed: latest.map_or(0, |latest| latest.owed),
            signed_max: latest.map_or(0, |latest| latest.signed_max),
            // One that has ended may be asked for again as well: the seller gives the same answer.
            pending: latest.map(|latest| (latest.call, latest.total)),
        })
    }

    fn voucher(&self, total: u128) -> Voucher {
        Voucher::sign(&self.key, self.id.0, total)
    }

    /// Takes a seller's word about what is owed, as far as it was signed for.
    fn believe(&mut self, owed: u128) -> Result<(), NotBought> {
        if self.signed_max < owed {
            let why = "the seller says that more is owed than was signed for";
            return Err(NotBought::Demand(why.to_owned()));
        }
        self.owed = owed;
        Ok(())
    }
}

impl Tab<'_> {
    /// Makes one call, and pays for it where it costs something.
    ///
    /// # Errors
    /// [`NotBought`]: nothing is owed for this call.
    pub async fn call(&mut self, call: &TabCall) -> Result<Called, NotBought> {
        let errand = self.errand(call)?;
        let mut last = None;
        for turn in 0..TAB_TRIES_MAX {
            match self.try_call(&errand, &mut last, turn).await {
                Ok(Some(called)) => return Ok(called),
                Ok(None) => {}
                Err(NotNow::Payment(payment)) => return Ok(Called { payment, answer: last }),
                Err(NotNow::Fault(fault)) => return Err(fault),
            }
        }
        let why = format!("the call was sent {TAB_TRIES_MAX} times");
        Ok(Called { payment: CallPayment::Unknown(why), answer: last })
    }

    /// What is owed on the open channel, in billionths, as far as this side knows.
    pub fn owed_nanos(&self) -> u128 {
        self.signing.as_ref().map_or(0, |signing| signing.owed)
    }

    /// What the channels that are closed have come to, by the server.
    pub fn spent(&self) -> Money {
        let amount = self.record.as_ref().map(|record| record.spent);
        Money { amount: amount.unwrap_or_else(nothing), asset: self.settings.cap.asset }
    }

    /// The open channel, if there is one.
    pub fn channel(&self) -> Option<MeterId> {
        self.signing.as_ref().map(|signing| signing.id)
    }

    /// Closes the open channel, answers what the whole tab has come to, and forgets the tab: its name is free for another.
    ///
    /// # Errors
    /// [`NotBought`], where it is not settled yet: closing again goes on, and its time settles it in any case.
    pub async fn close(&mut self) -> Result<Money, NotBought> {
        match self.close_channel().await {
            Ok(()) => {
                let spent = self.spent();
                self.file.remove()?;
                self.record = None;
                Ok(spent)
            }
            Err(NotNow::Fault(fault)) => Err(fault),
            Err(NotNow::Payment(_)) => {
                Err(NotBought::Seller("whether the channel was opened is not known".to_owned()))
            }
        }
    }

    fn errand(&self, call: &TabCall) -> Result<Errand, NotBought> {
        let malformed = |fault: &dyn std::fmt::Display| NotBought::Request(fault.to_string());
        let url = Url::parse(&call.url).map_err(|fault| malformed(&fault))?;
        let origin = url.origin().ascii_serialization();
        if let Some(record) = self.record.as_ref().filter(|record| record.origin != origin) {
            let why = format!("tab `{}` is for `{}`, not for `{origin}`", record.tab, record.origin);
            return Err(NotBought::Request(why));
        }
        let mut headers = call.headers.clone();
        headers.remove(VOUCHER);
        let kind = headers.get(CONTENT_TYPE).map_or(Ok(""), HeaderValue::to_str);
        let kind = kind.map_err(|fault| malformed(&fault))?;
        let mut facts = RequestFacts::of(&call.method, url.as_str(), kind, &call.body)
            .map_err(|fault| malformed(&fault))?;
        let key_name = HeaderName::from_static("idempotency-key");
        let named = match &call.name {
            Some(name) => name.clone(),
            None => format!("{:032x}", rand::random::<u128>()),
        };
        let digest = Hash::of(format!("{named}\n{}", facts.fingerprint.as_str()).as_bytes());
        if facts.method.needs_idempotency_key() && !headers.contains_key(&key_name) {
            let key = HeaderValue::try_from(base64url::encode(digest.as_bytes()));
            headers.insert(key_name.clone(), key.map_err(|fault| malformed(&fault))?);
        }
        if let Some(key) = headers.get(&key_name) {
            let key = key.to_str().map_err(|fault| malformed(&fault))?;
            facts.idempotency_key = Some(Identifier::parse(key).map_err(|fault| malformed(&fault))?);
        }
        Ok(Errand { url, method: call.method.clone(), headers, body: call.body.clone(), facts, digest })
    }

    /// Sends a call once, with a voucher where its price is known. Answers nothing where it is to be tried again.
    async fn try_call(
        &mut self,
        errand: &Errand,
        last: &mut Option<SellerAnswer>,
        turn: u32,
    ) -> Result<Option<Called>, NotNow> {
        let place = (errand.method.clone(), errand.url.path().to_owned());
        let Some(price) = self.prices.get(&place).copied().filter(|_| self.is_open()) else {
            let answer = self.send(errand, None).await.map_err(NotBought::Seller)?;
            let Some(needed) = demand_of(&answer)? else {
                return Ok(Some(Called { payment: CallPayment::NotNeeded, answer: Some(answer) }));
            };
            *last = Some(answer);
            let (offer, payee) = self.offer(errand, &needed).await?;
            self.remember(place, offer.price_nanos);
            self.ready(errand, &offer, payee).await?;
            return Ok(None);
        };
        let signing = self.signing.as_ref().expect("a tab that is open has a channel");
        let total = match signing.pending {
            // The latest call again: whether it was delivered or not, this is its voucher.
            Some((call, total)) if call == errand.digest && signing.owed <= total => total,
            Some(_) | None => signing.owed.saturating_add(price),
        };
        if signing.deposit < total {
            self.close_channel().await?;
            return Ok(None);
        }
        self.begin(errand.digest, total)?;
        let voucher = self.signing.as_ref().expect("it has a channel").voucher(total);
        let answer = match self.send(errand, Some(&voucher)).await {
            Ok(answer) => answer,
            Err(why) if turn + 1 < TAB_TRIES_MAX => {
                tokio::time::sleep(rest(turn)).await;
                *last = None;
                let _retried = why;
                return Ok(None);
            }
            Err(why) => return Err(NotNow::Payment(CallPayment::Unknown(why))),
        };
        self.judge(answer, total, last, turn).await
    }

    /// What an answer to a voucher means.
    async fn judge(
        &mut self,
        answer: SellerAnswer,
        total: u128,
        last: &mut Option<SellerAnswer>,
        turn: u32,
    ) -> Result<Option<Called>, NotNow> {
        let owed = owed_of(&answer);
        let code = code_of(&answer);
        *last = Some(answer.clone());
        let signing = self.signing.as_mut().expect("a tab that signed has a channel");
        match (answer.status, code.as_deref(), owed) {
            (402, Some("voucher_total"), Some(owed)) => {
                signing.believe(owed)?;
                signing.pending = None;
                // Its price may be another one now.
                self.prices.clear();
                Ok(None)
            }
            (402, Some("channel_refused"), _) => {
                self.close_channel().await?;
                Ok(None)
            }
            (402, _, _) => {
                let why = code.unwrap_or_else(|| "it is not one of this gateway".to_owned());
                Err(NotBought::Demand(format!("the voucher is refused: {why}")).into())
            }
            (409, Some("channel_busy"), _) | (503, _, None) => {
                tokio::time::sleep(rest(turn)).await;
                Ok(None)
            }
            (_, _, Some(owed)) if owed == total => {
                let price = total.saturating_sub(signing.owed);
                let call = signing.pending.map(|(call, _)| call);
                signing.owed = owed;
                self.ended(call)?;
                Ok(Some(Called { payment: CallPayment::Paid(price), answer: Some(answer) }))
            }
            (_, _, Some(owed)) => {
                signing.believe(owed)?;
                self.ended(None)?;
                Ok(Some(Called { payment: CallPayment::NotOwed, answer: Some(answer) }))
            }
            // Not the gateway's answer to the voucher: what became of it is asked with the next one.
            (_, _, None) => Ok(Some(Called { payment: CallPayment::NotOwed, answer: Some(answer) })),
        }
    }

    fn is_open(&self) -> bool {
        let channel = self.record.as_ref().and_then(|record| record.channel.as_ref());
        channel.is_some_and(|channel| channel.stage == Stage::Open)
    }

    fn remember(&mut self, place: (String, String), price: u128) {
        if TAB_PRICES_MAX <= self.prices.len() {
            self.prices.clear();
        }
        self.prices.insert(place, price);
    }

    /// Puts a call on disk. From here on a voucher for it may be anywhere.
    fn begin(&mut self, digest: Hash, total: u128) -> Result<(), NotBought> {
        let signing = self.signing.as_mut().expect("a tab that is open has a channel");
        signing.signed_max = signing.signed_max.max(total);
        signing.pending = Some((digest, total));
        let (channel, owed, signed_max) = (signing.id, signing.owed, signing.signed_max);
        self.file.begin_call(&CallRecord { channel, owed, total, signed_max, call: digest })?;
        Ok(())
    }

    /// Puts on disk that the call has ended; one that was delivered may be asked for again.
    fn ended(&mut self, delivered: Option<Hash>) -> Result<(), NotBought> {
        let signing = self.signing.as_mut().expect("a tab that signed has a channel");
        let (channel, owed, signed_max) = (signing.id, signing.owed, signing.signed_max);
        signing.pending = delivered.map(|call| (call, owed));
        // Nothing has the digest of zeros.
        let call = delivered.unwrap_or(Hash([0; Hash::BYTES]));
        self.file.end_call(&CallRecord { channel, owed, total: owed, signed_max, call })?;
        Ok(())
    }

    /// What the seller offers in its bill for this call, and whose it is.
    async fn offer(&self, errand: &Errand, needed: &str) -> Result<(Offer, PayeeId), NotBought> {
        let refuse = |why: &dyn std::fmt::Display| NotBought::Demand(why.to_string());
        let now = self.buyer.client.clock().now();
        let (bill, terms) = self.buyer.bill(&errand.facts, needed, now).await?;
        let offer = Offer::read(bill.method()).map_err(|fault| refuse(&fault))?;
        let offer = offer.ok_or_else(|| NotBought::Demand("it is not sold by voucher".to_owned()))?;
        if terms.asset.as_str() != self.settings.cap.asset.to_string() {
            return Err(NotBought::Demand(format!("it is sold in `{}`", terms.asset.as_str())));
        }
        if self.settings.price_nanos_max < offer.price_nanos {
            let why = format!(
                "a call costs {} billionths of the smallest unit, and may cost {}",
                offer.price_nanos, self.settings.price_nanos_max
            );
            return Err(NotBought::Demand(why));
        }
        let payee = terms.payee.as_str().parse().map_err(|_| refuse(&"it pays nobody"))?;
        Ok((offer, payee))
    }

    async fn send(&self, errand: &Errand, voucher: Option<&Voucher>) -> Result<SellerAnswer, String> {
        let mut headers = errand.headers.clone();
        if let Some(voucher) = voucher {
            put(&mut headers, voucher);
        }
        self.buyer.exchange(&errand.method, &errand.url, headers, errand.body.clone()).await
    }
}

fn put(headers: &mut HeaderMap, voucher: &Voucher) {
    let mut value = HeaderValue::try_from(voucher.to_string()).expect("a voucher is printable ASCII");
    value.set_sensitive(true);
    headers.insert(HeaderName::from_static(VOUCHER), value);
}

fn owed_of(answer: &SellerAnswer) -> Option<u128> {
    answer.headers.get(OWED)?.to_str().ok().and_then(read_sum)
}

fn code_of(answer: &SellerAnswer) -> Option<String> {
    if answer.status < 400 {
        return None;
    }
    serde_json::from_slice::<Problem>(&answer.body).ok().map(|problem| problem.code)
}

fn rest(turn: u32) -> Duration {
    BACKOFF_MIN.saturating_mul(1 << turn.min(5))
}

fn nothing() -> AmountText {
    AmountText::new(0).expect("nothing is an amount")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seller_is_believed_as_far_as_it_was_signed_for() {
        let mut signing = Signing {
            key: SigningKey::ed25519(&[7; 32]),
            id: MeterId(1),
            deposit: 100,
            owed: 10,
            signed_max: 20,
            pending: None,
        };
        for (said, owed) in [(21, None), (u128::MAX, None), (20, Some(20)), (0, Some(0)), (15, Some(15))] {
            assert_eq!(signing.believe(said).ok().map(|()| signing.owed), owed, "{said}");
        }
    }
}
