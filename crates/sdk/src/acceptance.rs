//! Acceptance terms, as a buyer sees them: the quote is checked before it is paid, the answer is evaluated after.

use crate::buyer::{Buyer, NotBought, SellerAnswer};
use crate::keys::seller_ring;
use crate::limits::CLOCKS_DIFFER_NANOS;
use crate::purchase::Record;
use evidence::PublicKey;
use pricing::{Amount, Asked, Body, Delivery, EVALUATION_HEADER, Evaluated, Evaluation};
use pricing::{Quote, QuoteFault, SealFault, Sealed};
use protocols::Time;
use protocols::a402::wallet::WalletTerms;
use protocols::a402::{Bill, Identifier, Keyring, Needed};
use serde_json::Value;
use wire::PayeeId;

/// What an answer came to that was bought on terms.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// What was promised.
    pub quote: Sealed<Quote>,
    /// What the seller says it came to; none where nothing was said that the seller signed.
    pub said: Option<Sealed<Evaluated>>,
    /// What it comes to by our own evaluation.
    pub ours: Evaluation,
    /// Where the two differ, or the seller's cannot be right: how.
    pub disagrees: Option<String>,
    /// How long we waited for the answer, in thousandths of a second: the way there and back included.
    pub waited_ms: u64,
}

impl Buyer {
    /// Checks the quote that a bill names, if it names one.
    pub(crate) async fn quote(
        &self,
        bill: &Bill,
        header: Option<&str>,
        now: Time,
    ) -> Result<Option<Sealed<Quote>>, NotBought> {
        let named = match bill.method().members().get("quote") {
            None => return Ok(None),
            Some(Value::String(named)) => named,
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                return Err(NotBought::Demand("`method.quote` is no name".to_owned()));
            }
        };
        let refuse = |why: &dyn std::fmt::Display| NotBought::Demand(why.to_string());
        let header = header.ok_or(NotBought::Quote(QuoteFault::Missing))?;
        let demand = bill.demand();
        let quote = self.sealed::<Quote>(header, &demand.seller_unique_id).await?;
        let terms = WalletTerms::read(demand, bill.method()).map_err(|fault| refuse(&fault))?;
        let minor = terms.amount_minor(demand).map_err(|fault| refuse(&fault))?;
        let asked = Asked {
            name: named,
            payee: demand.seller_unique_id.as_str(),
            resource: demand.resource_id.as_str(),
            request: demand.request_fingerprint.as_str(),
            amount: Amount::new(minor).ok_or_else(|| refuse(&"its amount is too large"))?,
            asset: terms.asset.as_str(),
        };
        Quote::check(&quote, &asked, now)?;
        Ok(Some(quote))
    }

    /// Evaluates an answer by the quote that was paid.
    pub(crate) async fn accept(
        &self,
        record: &Record,
        answer: &SellerAnswer,
        asked_at: Time,
    ) -> Option<Accepted> {
        let header = record.quote.as_deref()?;
        let seller = Needed::decode(&record.payment_needed).ok()?.demand.seller_unique_id;
        let quote = self.sealed::<Quote>(header, &seller).await.ok()?;
        let now = self.client.clock().now();
        let waited_nanos = now.0.saturating_sub(asked_at.0);
        let waited_ms = waited_nanos / 1_000_000;
        let value = answer.headers.get(EVALUATION_HEADER).and_then(|value| value.to_str().ok());
        let said = match value {
            Some(value) => self.sealed::<Evaluated>(value, &seller).await,
            None => Err(NotBought::Demand("the seller does not say what it came to".to_owned())),
        };
        let billed_at = Time(record.billed_at_nanos);
        let own = Delivery { body: &answer.body, paid_at: billed_at, asked_at, answered_at: now };
        let evaluate = |delivery: &Delivery<'_>| quote.body().terms.evaluate(quote.body().amount, delivery);
        let (said, ours, disagrees) = match said {
            Err(why) => (None, evaluate(&own), Some(why.to_string())),
            Ok(said) => match said.body().times().filter(|times| are_possible(*times, billed_at, now)) {
                None => (Some(said), evaluate(&own), Some("its times cannot be right".to_owned())),
                Some((paid_at, asked_at, answered_at)) => {
                    let delivery = Delivery { body: &answer.body, paid_at, asked_at, answered_at };
                    let disagrees = if said.body().trade_no == record.hold.to_string() {
                        said.body().check(&quote, &answer.body).err().map(|fault| fault.to_string())
                    } else {
                        Some("it is about another payment".to_owned())
                    };
                    (Some(said), evaluate(&delivery), disagrees)
                }
            },
        };
        Some(Accepted { quote, said, ours, disagrees, waited_ms })
    }

    /// Reads what a seller signed.
    async fn sealed<T: Body>(&self, header: &str, seller: &Identifier) -> Result<Sealed<T>, NotBought> {
        let open = |ring: &Keyring| Sealed::of_header(header, |id| key_of(ring, id, seller));
        match open(&self.settings.seller_keys) {
            Err(SealFault::UnknownKey(_)) => {
                let payee: PayeeId =
                    seller.as_str().parse().map_err(|_| NotBought::PayeeUnknown(seller.to_string()))?;
                let keys = self.client.a402_seller_keys(payee).await?;
                let ring = seller_ring(&keys).map_err(|fault| NotBought::Demand(fault.to_string()))?;
                Ok(open(&ring).map_err(QuoteFault::Sealed)?)
            }
            opened => Ok(opened.map_err(QuoteFault::Sealed)?),
        }
    }
}

/// The key of that name, where it is the seller's.
fn key_of(ring: &Keyring, id: &str, seller: &Identifier) -> Option<PublicKey> {
    ring.key_of(&Identifier::parse(id).ok()?, seller).ok().cloned()
}

/// Whether it can have been paid, asked for and answered then: in this order, after it was billed and before now, as far as
/// clocks differ. The payment is known to the second.
fn are_possible((paid_at, asked_at, answered_at): (Time, Time, Time), billed_at: Time, now: Time) -> bool {
    let second_of = |at: Time| at.0 / 1_000_000_000;
    billed_at <= paid_at.after(CLOCKS_DIFFER_NANOS)
        && second_of(paid_at) <= second_of(asked_at)
        && asked_at <= answered_at
        && answered_at <= now.after(CLOCKS_DIFFER_NANOS)
}
