//! What a seller asks for: a bill that it signed, as A402 has it, or a requirement of x402, which nobody signs.

use super::{Buyer, Errand, NotBought};
use crate::failure::{Answer, Failure};
use crate::purchase::Record;
use crate::said::Demanded;
use protocols::Time;
use protocols::a402::wallet::WalletTerms;
use protocols::a402::{Bill, CredentialText, RequestFacts};
use protocols::limits::UNBILLED_SECONDS_MAX;
use protocols::x402::{self, Payload, Requirements};
use serde::{Deserialize, Serialize};
use std::fmt::Display;
use url::Url;
use wire::a402::NewA402Payment;
use wire::x402::NewX402Payment;
use wire::{AmountText, Money, PayeeId};

/// In which dialect a seller asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Dialect {
    /// With a signed bill.
    #[default]
    A402,
    /// In x402, with nothing that is signed: who asks is who was connected to.
    X402,
}

impl Dialect {
    pub(crate) fn is_a402(&self) -> bool {
        *self == Dialect::A402
    }
}

/// A demand that was read: it is for this request, and is paid where we pay.
pub(super) enum Opened {
    Signed { bill: Box<Bill>, price: Money, payee: PayeeId },
    Unsigned { accepted: Box<Requirements>, resource: String, price: Money, payee: PayeeId },
}

impl Opened {
    pub(super) fn price(&self) -> Money {
        match self {
            Opened::Signed { price, .. } | Opened::Unsigned { price, .. } => *price,
        }
    }

    pub(super) fn payee(&self) -> PayeeId {
        match self {
            Opened::Signed { payee, .. } | Opened::Unsigned { payee, .. } => *payee,
        }
    }

    /// From when on it cannot be paid, if it was asked for at `asked_at`.
    pub(super) fn expires_at(&self, asked_at: Time) -> Time {
        match self {
            Opened::Signed { bill, .. } => bill.demand().pay_before.time(),
            Opened::Unsigned { accepted, .. } => {
                let seconds = u64::from(accepted.max_timeout_seconds.min(UNBILLED_SECONDS_MAX));
                asked_at.after(Time::from_seconds(seconds).0)
            }
        }
    }
}

/// What paying came to, as far as the server's answer says.
pub(super) enum Paid {
    /// The proof, as its header has it.
    Proof(String),
    /// The server says that it is paid, but not by what: nobody can say more yet.
    Unproved(String),
}

impl Buyer {
    /// Opens a demand as of `now`, and checks it against what this purchase may be.
    pub(super) async fn open(
        &self,
        errand: &Errand<'_>,
        demanded: &Demanded,
        now: Time,
    ) -> Result<Opened, NotBought> {
        let opened = self.opened((&errand.url, &errand.facts), demanded, now).await?;
        let (price, price_max) = (opened.price(), errand.fetch.price_max);
        if price.asset != price_max.asset || price_max.amount < price.amount {
            return Err(NotBought::TooDear { price, price_max });
        }
        Ok(opened)
    }

    /// Opens a demand for a request as of `now`, whatever it costs, and checks what is promised for it.
    pub(super) async fn opened(
        &self,
        (url, facts): (&Url, &RequestFacts),
        demanded: &Demanded,
        now: Time,
    ) -> Result<Opened, NotBought> {
        match demanded.dialect {
            Dialect::A402 => {
                let (bill, terms) = self.bill(facts, &demanded.needed, now).await?;
                self.quote(&bill, demanded.quote.as_deref(), now).await?;
                let (price, payee) = (price_of(&bill, &terms)?, bill.demand().seller_unique_id.as_str());
                let payee = payee.parse().map_err(|_| NotBought::PayeeUnknown(payee.to_owned()))?;
                Ok(Opened::Signed { bill: Box::new(bill), price, payee })
            }
            Dialect::X402 => self.required(url, &demanded.needed),
        }
    }

    /// The first way of paying that is ours.
    fn required(&self, url: &Url, needed: &str) -> Result<Opened, NotBought> {
        let network = self.settings.network;
        let (_, ours) = x402::read_required(needed).map_err(refused)?;
        let accepted = ours.into_iter().find(|one| one.network == network);
        let accepted =
            accepted.ok_or_else(|| refused(format!("it cannot be paid on `{}`", network.as_str())))?;
        let authority = accepted.extra.get("authority").map(|authority| authority.as_str());
        let own = self.client.base_url().origin().ascii_serialization();
        if authority.is_some_and(|authority| authority != Some(&own)) {
            return Err(refused("its payment service is not ours"));
        }
        let price = accepted.price().map_err(refused)?;
        let asset = format!("{}/{}", price.currency.as_str(), price.scale);
        let money = Money {
            amount: AmountText::new(price.amount_minor).ok_or_else(|| refused("its amount is too large"))?,
            asset: asset.parse().map_err(|fault: wire::money::NotMoney| refused(fault))?,
        };
        let payee = self.payee(accepted.pay_to.as_str())?;
        // What was asked, and not what the seller calls it: what is paid is bound to that.
        let resource = url.as_str().to_owned();
        Ok(Opened::Unsigned { accepted: Box::new(accepted), resource, price: money, payee })
    }

    /// A seller that may be bought from.
    pub(super) fn payee(&self, name: &str) -> Result<PayeeId, NotBought> {
        let payee: PayeeId = name.parse().map_err(|_| NotBought::PayeeUnknown(name.to_owned()))?;
        if !self.settings.payees.is_empty() && !self.settings.payees.contains(&payee) {
            return Err(NotBought::PayeeUnknown(payee.to_string()));
        }
        Ok(payee)
    }

    /// Has the server pay what was recorded, under the recorded name; or learns that it was paid.
    pub(super) async fn settle(
        &self,
        record: &Record,
        opened: &Opened,
        why: Option<String>,
    ) -> Result<Answer<Paid>, Failure> {
        let Record { hold: id, wallet, mandate, ref approval, .. } = *record;
        let approval = approval.clone();
        match opened {
            Opened::Signed { bill, .. } => {
                let payment_needed = record.payment_needed.clone();
                let new = NewA402Payment { id, wallet, mandate, payment_needed, approval, why };
                Ok(match self.client.a402_pay(&new).await? {
                    Answer::Asked(asked) => Answer::Asked(asked),
                    Answer::Done(paid) => Answer::Done(match self.proof(bill, &paid.payment_proof).await {
                        Ok(proof) => Paid::Proof(proof),
                        Err(why) => Paid::Unproved(why),
                    }),
                })
            }
            Opened::Unsigned { accepted, resource, .. } => {
                let (accepted, resource) = ((**accepted).clone(), resource.clone());
                let text = accepted.to_text();
                let new = NewX402Payment {
                    id,
                    wallet,
                    mandate,
                    accepted: text,
                    resource: resource.clone(),
                    approval,
                    why,
                };
                Ok(match self.client.x402_pay(&new).await? {
                    Answer::Asked(asked) => Answer::Asked(asked),
                    Answer::Done(paid) => {
                        Answer::Done(match CredentialText::parse(paid.payload.credential) {
                            Ok(credential) => Paid::Proof(
                                Payload { resource: Some(resource), accepted, credential }.encode(),
                            ),
                            Err(why) => Paid::Unproved(why.to_string()),
                        })
                    }
                })
            }
        }
    }
}

/// What a bill comes to.
fn price_of(bill: &Bill, terms: &WalletTerms) -> Result<Money, NotBought> {
    let minor = terms.amount_minor(bill.demand()).map_err(refused)?;
    Ok(Money {
        amount: AmountText::new(minor).ok_or_else(|| refused("its amount is too large"))?,
        asset: terms.asset.as_str().parse().map_err(|fault: wire::money::NotMoney| refused(fault))?,
    })
}

pub(super) fn refused(why: impl Display) -> NotBought {
    NotBought::Demand(why.to_string())
}
