//! Buying in two steps: what does it cost, and then exactly that.

use super::{Approval, Buyer, Dialect, Errand, Fetch, Name, NotBought, PaymentOutcome, Purchase, request_of};
use crate::limits::OFFER_TEXT_CHARS_MAX;
use crate::purchase::{PurchaseFault, Stage};
use crate::said::{Demanded, demanded_by};
use protocols::Time;
use serde::{Deserialize, Serialize};
use wire::{HoldId, Money, PayeeId};

/// The last hold of a purchase, under which it was paid or is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastHold {
    /// Its name; also that of the question.
    pub hold: HoldId,
    /// Whether the owner was asked, and nothing was tried since.
    pub is_asked: bool,
}

/// What a seller asks for one request: it was checked, and not paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// What it costs.
    pub price: Money,
    /// Who is paid.
    pub payee: PayeeId,
    /// From then on it cannot be paid, in nanoseconds since 1970.
    pub expires_at_nanos: u64,
    /// What the seller says about it. Nobody has checked it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub said: Option<String>,
    /// What is asked for, as its header has it.
    needed: String,
    /// In which dialect.
    #[serde(skip_serializing_if = "Dialect::is_a402", default)]
    dialect: Dialect,
    /// The quote that came with it, if any.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    quote: Option<String>,
}

impl Buyer {
    /// Asks what a request costs, and pays nothing. None where it costs nothing.
    ///
    /// Of `fetch`, the purchase key counts and has to be the same later; the most it may cost does not.
    ///
    /// # Errors
    /// [`NotBought`].
    pub async fn offer(&self, fetch: &Fetch) -> Result<Option<Offer>, NotBought> {
        let (url, headers, facts) = request_of(fetch)?;
        let answer = self.exchange(facts.method.as_str(), &url, headers, fetch.body.clone()).await;
        let answer = answer.map_err(NotBought::Seller)?;
        let Some(demanded) = demanded_by(&answer)? else { return Ok(None) };
        let now = self.client.clock().now();
        let opened = self.opened((&url, &facts), &demanded, now).await?;
        Ok(Some(Offer {
            price: opened.price(),
            payee: opened.payee(),
            expires_at_nanos: opened.expires_at(now).0,
            said: detail_of(&answer.body),
            needed: demanded.needed,
            dialect: demanded.dialect,
            quote: demanded.quote,
        }))
    }

    /// Pays an offer, once, and asks the seller with the proof; doing it again answers what came of it.
    ///
    /// Never pays anybody else, more, or for another request: where the owner said yes only after the bill had run out,
    /// a new one is taken, if it is for the same price and payee. What was refused or given back is not bought anew.
    /// The price has to be within `fetch`, too.
    ///
    /// # Errors
    /// [`NotBought`]: nothing was paid by this call.
    pub async fn fetch_offered(&self, fetch: &Fetch, offer: &Offer) -> Result<Purchase, NotBought> {
        let errand = self.errand(fetch)?;
        let now = self.client.clock().now();
        let Some(record) = errand.locked.read()? else {
            return self.pay_offer(&errand, offer, (Name::Next(1), None), now).await;
        };
        if record.request != errand.facts.fingerprint.as_str() {
            return Err(PurchaseFault::KeyReused(record.purchase).into());
        }
        match record.stage {
            Stage::Paid => self.deliver(&errand, record).await,
            // Under the same name: a refusal is answered again, and what was not looked at is looked at.
            Stage::Billed | Stage::Rejected | Stage::Refused => self.resume(&errand, record).await,
            Stage::Returned => {
                let payment = self.standing(record.hold).await;
                Ok(Purchase { payment, answer: None, accepted: None })
            }
            Stage::Asked => {
                let approval = Approval { question: record.hold.to_string(), mandate: record.mandate };
                let next = (Name::Next(record.attempt + 1), Some(approval));
                if now.0 < offer.expires_at_nanos {
                    return self.pay_offer(&errand, offer, next, now).await;
                }
                match self.offer(fetch).await? {
                    Some(new) if new.price == offer.price && new.payee == offer.payee => {
                        self.pay_offer(&errand, &new, next, now).await
                    }
                    Some(_) => Err(NotBought::Demand("the seller asks for something else by now".to_owned())),
                    None => {
                        let payment = PaymentOutcome::NotNeeded;
                        Ok(Purchase { payment, answer: None, accepted: None })
                    }
                }
            }
        }
    }

    /// The last hold of a purchase, if it was begun.
    ///
    /// # Errors
    /// [`PurchaseFault`].
    pub fn last_hold(&self, purchase: &str) -> Result<Option<LastHold>, PurchaseFault> {
        let record = self.purchases.lock(purchase)?.read()?;
        Ok(record.map(|record| LastHold { hold: record.hold, is_asked: record.stage == Stage::Asked }))
    }

    async fn pay_offer(
        &self,
        errand: &Errand<'_>,
        offer: &Offer,
        (name, approval): (Name, Option<Approval>),
        now: Time,
    ) -> Result<Purchase, NotBought> {
        let (needed, quote) = (offer.needed.clone(), offer.quote.clone());
        let demanded = Demanded { dialect: offer.dialect, needed, quote };
        let opened = self.open(errand, &demanded, now).await?;
        let record = self.attempt(errand, name, approval, demanded).await?;
        self.pay(errand, record, opened, None).await
    }
}

/// The sentence in the body of a demand, where it is a problem.
fn detail_of(body: &[u8]) -> Option<String> {
    let problem: serde_json::Value = serde_json::from_slice(body).ok()?;
    let detail = problem.get("detail")?.as_str()?;
    Some(detail.chars().take(OFFER_TEXT_CHARS_MAX).collect())
}
