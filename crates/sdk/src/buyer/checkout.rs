//! Buying at a checkout of ACP or UCP: it is opened, its total is compared with what may be spent, and a token for just this
//! cart pays it.
//!
//! What is about to be done is on disk before it is done, and the token is named by it. So whatever dies in between, doing it
//! again under the same purchase key goes on from there; and another token is made only after the server has said that
//! nothing was, or can be, taken by the one before.

mod line;
mod record;

use super::Buyer;
use crate::clock::made_at;
use crate::failure::{Answer, Failure};
use crate::limits::{CHECKOUT_BEGUN_SECONDS, CHECKOUT_TOKEN_SECONDS};
use crate::purchase::PurchaseFault;
use line::Line;
use protocols::Time;
use protocols::a402::DateTime;
use protocols::a402::wallet::Network;
use protocols::ap2::Iso4217;
pub use protocols::offered::Dialect as CheckoutDialect;
use protocols::offered::{Offered, Refusal, Standing};
pub use record::CheckoutOrder;
use record::{Cart, Kept, Record, Stage};
use std::collections::BTreeMap;
use url::Url;
use wire::payment::PaymentState;
use wire::token::{Allowance, NewDelegatedPayment, TokenMethod};
use wire::{AmountText, AssetText, HoldId, Money, RequestId};

/// What is to be bought at a checkout.
#[derive(Clone, Debug)]
pub struct NewCheckout {
    /// Names the purchase: doing it again under this name pays nothing again.
    pub purchase: String,
    /// Where the shop is, or its checkout.
    pub shop: Url,
    /// Which dialect it speaks; found out, where nothing is said.
    pub dialect: Option<CheckoutDialect>,
    /// The key with which the shop knows this buyer.
    pub api_key: Option<String>,
    /// Where the profile of this buyer is, for UCP.
    pub profile: Option<Url>,
    /// Items by the shop's names, and how many of each.
    pub items: Vec<(String, u32)>,
    /// The most it may cost, delivery and taxes included.
    pub price_max: Money,
    /// Why it is bought, for the owner to read.
    pub why: Option<String>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub enum CheckedOut {
    /// It is sold.
    Bought(Box<CheckoutOrder>),
    /// The owner is asked first: nothing was spent. Doing it again after the answer goes on.
    Asked {
        /// The name of the question.
        question: String,
        /// Why she is asked: a code from the closed list.
        ask: String,
    },
}

/// Why nothing was bought.
#[derive(Debug, thiserror::Error)]
pub enum NotCheckedOut {
    /// What was bought under this key cannot be known or kept.
    #[error("nothing was spent by this: {0}")]
    Purchase(#[from] PurchaseFault),
    /// The shop was not reached, or did not answer, before anything was set aside.
    #[error("nothing was spent: the shop did not answer: {0}")]
    Shop(String),
    /// The shop was given the token, and nobody can say what it did. Doing it again finds out, and pays nothing twice.
    #[error("nobody can say yet whether it was sold ({hold}: {why}); do the same purchase again")]
    Unknown {
        /// What is set aside for it.
        hold: HoldId,
        /// Why nobody can say.
        why: String,
    },
    /// The shop refuses.
    #[error("nothing was spent: the shop refuses ({code}): {message}{}", stays(.set_aside))]
    Refused {
        /// Its code.
        code: String,
        /// Its words.
        message: String,
        /// What stays set aside for it until it goes back by itself, and until when.
        set_aside: Option<Box<(Money, String)>>,
    },
    /// The shop has taken the money, and says no.
    #[error("{} was paid ({hold}), and the shop has no order for it: {message}", .paid.in_words())]
    NoOrder {
        /// By which hold.
        hold: HoldId,
        /// What it took.
        paid: Money,
        /// What it says.
        message: String,
    },
    /// What the shop says cannot be read, or cannot be paid by this buyer.
    #[error("nothing was spent: {0}")]
    Checkout(String),
    /// It costs more than it may.
    #[error("nothing was spent: it costs {}, and may cost {}", .price.in_words(), .price_max.in_words())]
    TooDear {
        /// What it costs.
        price: Money,
        /// What it may cost.
        price_max: Money,
    },
    /// The server refuses, or cannot say.
    #[error(transparent)]
    Server(#[from] Failure),
}

fn stays(set_aside: &Option<Box<(Money, String)>>) -> String {
    let said = set_aside.as_deref().map(|(money, until)| {
        format!("; {} stay set aside for it, and go back by themselves at {until}", money.in_words())
    });
    said.unwrap_or_default()
}

/// One purchase under way.
struct Errand<'a> {
    buyer: &'a Buyer,
    new: &'a NewCheckout,
    kept: Kept,
    line: Line<'a>,
}

impl Buyer {
    /// Buys at a checkout, at most for what may be spent: once for each purchase key.
    ///
    /// # Errors
    /// [`NotCheckedOut`].
    pub async fn check_out(&self, new: &NewCheckout) -> Result<CheckedOut, NotCheckedOut> {
        if !counts_whole(new.price_max.asset) {
            return Err(no("what may be spent is not counted as a currency is"));
        }
        if self.settings.network == Network::Main && new.shop.scheme() != "https" {
            return Err(no("real money is spent over TLS only"));
        }
        let kept = Kept::lock(&self.purchases, new, self.settings.wallet)?;
        let before = kept.read()?;
        if let Some(Record { stage: Stage::Bought, order: Some(order), .. }) = before {
            return Ok(CheckedOut::Bought(Box::new(order)));
        }
        let door = match &before {
            Some(record) => (record.dialect()?, record.door()?),
            None => self.door(new).await?,
        };
        let record = match before {
            Some(record) => record,
            None => kept.begin(&door, RequestId(self.client.fresh_id()), self.settings.mandate),
        };
        let line = Line::new(self, new, door);
        Errand { buyer: self, new, kept, line }.go_on(record).await
    }
}

impl Errand<'_> {
    fn fresh(&self) -> RequestId {
        RequestId(self.buyer.client.fresh_id())
    }

    /// Goes on with a purchase from where it stands.
    async fn go_on(&self, record: Record) -> Result<CheckedOut, NotCheckedOut> {
        let next = |record: Record| self.kept.next(record, self.fresh(), self.buyer.settings.mandate);
        match record.stage {
            Stage::Begun => {
                let is_old =
                    made_at(record.id.0).after(Time::from_seconds(CHECKOUT_BEGUN_SECONDS).0) < self.now();
                let record = if is_old { next(record)? } else { record };
                self.begin(record).await
            }
            Stage::Paying => match self.stands(&record).await? {
                Stands::Unknown if self.is_over(&record) => self.begin(next(record)?).await,
                Stands::Returned | Stands::Refused => self.begin(next(record)?).await,
                Stands::Unknown => {
                    record.cart.as_ref().map_or(Ok(()), |cart| self.afford(cart))?;
                    self.pay(record).await
                }
                // What it might cost counted when it was set aside.
                Stands::SetAside => self.pay(record).await,
                Stands::Asked => {
                    let record = Record { approval: Some(record.hold().to_string()), ..record };
                    Box::pin(self.go_on(Record { stage: Stage::Asked, ..record })).await
                }
            },
            Stage::Asked => {
                // An answer of the owner is for exactly that cart; of another she would have to be asked anew.
                let cart = record.cart.clone().ok_or_else(|| no("what was asked about is not kept"))?;
                let same = match self.look(&cart).await {
                    Ok(offered) => self.chosen(&offered).ok().filter(|now| *now == cart),
                    Err(NotCheckedOut::Refused { .. }) => None,
                    Err(other) => return Err(other),
                };
                let approval = record.approval.clone().filter(|_| same.is_some());
                let record = Record { approval, cart: same, ..next(record)? };
                self.begin(record).await
            }
            Stage::Over | Stage::Bought => self.begin(next(record)?).await,
        }
    }

    fn now(&self) -> Time {
        self.buyer.client.clock().now()
    }

    /// Whether a token of this name could not be made any more.
    fn is_over(&self, record: &Record) -> bool {
        expires_at(record) < self.now()
    }

    /// Opens the checkout, where it is not open, and pays it.
    async fn begin(&self, mut record: Record) -> Result<CheckedOut, NotCheckedOut> {
        self.kept.write(&record).await?;
        let cart = match record.cart.clone() {
            Some(cart) => cart,
            None => {
                let told = self.line.open(&format!("open-{}", record.id)).await;
                let offered = told.map_err(NotCheckedOut::Shop)?.map_err(refused)?;
                self.chosen(&offered)?
            }
        };
        self.afford(&cart)?;
        record.cart = Some(cart);
        record.stage = Stage::Paying;
        self.kept.write(&record).await?;
        self.pay(record).await
    }

    fn afford(&self, cart: &Cart) -> Result<(), NotCheckedOut> {
        let (price, price_max) = (cart.total(self.new.price_max.asset)?, self.new.price_max);
        if price_max.amount.minor() < price.amount.minor() {
            return Err(NotCheckedOut::TooDear { price, price_max });
        }
        Ok(())
    }

    async fn look(&self, cart: &Cart) -> Result<Offered, NotCheckedOut> {
        let told = self.line.look(&cart.session).await;
        told.map_err(NotCheckedOut::Shop)?.map_err(refused)
    }

    /// What is paid of what is offered: the cart that was asked for, by a way whose server is ours.
    fn chosen(&self, offered: &Offered) -> Result<Cart, NotCheckedOut> {
        if offered.standing != Standing::Ready {
            let why = offered.errors.join(" ");
            return Err(NotCheckedOut::Refused {
                code: "not_ready".to_owned(),
                message: if why.is_empty() { "this cannot be paid now".to_owned() } else { why },
                set_aside: None,
            });
        }
        if offered.currency != self.new.price_max.asset.code() {
            return Err(no(format!("the shop sells in {}", offered.currency)));
        }
        let wanted = self.new.items.iter().map(|(item, quantity)| (item.as_str(), u64::from(*quantity)));
        let lines = offered.lines.iter().map(|line| (line.item.as_str(), line.quantity));
        if counted(wanted) != counted(lines) {
            return Err(no("the shop's cart is another than was asked for"));
        }
        let is_ours = |server: &str| {
            Url::parse(server).is_ok_and(|url| url.origin() == self.buyer.client.base_url().origin())
        };
        let network = self.buyer.settings.network.as_str();
        let way = offered.ways.iter().find(|way| is_ours(&way.server) && way.network == network);
        let way = way.ok_or_else(|| no("the shop takes no money of this wallet's server"))?;
        let payee = way.merchant.parse().map_err(|_| no("the shop says no payee that there could be"))?;
        if !self.buyer.settings.payees.is_empty() && !self.buyer.settings.payees.contains(&payee) {
            return Err(no("this shop is not one to buy from"));
        }
        Ok(Cart {
            session: offered.id.clone(),
            cart: way.cart.clone(),
            handler: way.handler.clone(),
            payee,
            total_minor: offered.total_minor,
            currency: offered.currency.clone(),
        })
    }

    /// Has the money set aside under the recorded name, gives the shop the token, and finds out what it did with it.
    async fn pay(&self, mut record: Record) -> Result<CheckedOut, NotCheckedOut> {
        let cart = record.cart.clone().ok_or_else(|| no("what is bought is not kept"))?;
        let hold = record.hold();
        let token = match self.buyer.client.delegate_payment(record.id, &self.token(&record, &cart)).await {
            Ok(Answer::Done(token)) => token.id,
            Ok(Answer::Asked(asked)) => return self.asked_first(record, asked.id, asked.ask).await,
            Err(Failure::Refused(problem)) if problem.code == "approval_pending" => {
                let question = record.approval.clone().unwrap_or_default();
                return self.asked_first(record, question, problem.code.clone()).await;
            }
            Err(Failure::Refused(problem)) if problem.entry.is_some() => {
                record.stage = Stage::Over;
                self.kept.write(&record).await?;
                return Err(Failure::Refused(problem).into());
            }
            Err(failure) if failure.is_unknown() => {
                return Err(NotCheckedOut::Unknown { hold, why: failure.to_string() });
            }
            Err(failure) => return Err(failure.into()),
        };
        let key = format!("pay-{}", record.id);
        let told = self.line.complete(&key, &cart.session, &cart.handler, &token).await;
        // Who was paid what is the server's to say, whatever the shop says.
        let state = self.buyer.client.hold(hold).await;
        let state = state.map_err(|failure| NotCheckedOut::Unknown { hold, why: failure.to_string() })?;
        let taken = state.captured.filter(|_| state.status == "captured");
        let order = match &told {
            Ok(Ok(offered)) => offered.order.clone(),
            // An answer that is lost may have been given before: the checkout itself says it again.
            Ok(Err(_)) | Err(_) if taken.is_some() => {
                self.look(&cart).await.ok().and_then(|offered| offered.order)
            }
            Ok(Err(_)) | Err(_) => None,
        };
        let said = match told {
            Ok(Ok(_)) => Err("it says neither that it is sold nor that it is not".to_owned()),
            Ok(Err(refusal)) => Ok(refusal),
            Err(why) => Err(why),
        };
        match (order, Stands::of(&state), said) {
            (Some(order), Stands::SetAside, _) => {
                let bought = CheckoutOrder {
                    dialect: record.dialect.clone(),
                    session: cart.session,
                    order: order.id,
                    url: order.url,
                    payee: cart.payee,
                    paid: taken.unwrap_or(state.amount),
                    hold,
                };
                record.stage = Stage::Bought;
                record.order = Some(bought.clone());
                self.kept.write(&record).await?;
                Ok(CheckedOut::Bought(Box::new(bought)))
            }
            (None, Stands::SetAside, Ok(Refusal { message, .. })) if taken.is_some() => {
                Err(NotCheckedOut::NoOrder { hold, paid: taken.unwrap_or(state.amount), message })
            }
            (None, Stands::SetAside, Ok(Refusal { code, message })) => {
                let until = state.expires_at.unwrap_or_default();
                Err(NotCheckedOut::Refused {
                    code,
                    message,
                    set_aside: Some(Box::new((state.amount, until))),
                })
            }
            (None, Stands::SetAside | Stands::Unknown, Err(why)) => Err(NotCheckedOut::Unknown { hold, why }),
            (_, Stands::Unknown | Stands::Asked, _) => {
                Err(NotCheckedOut::Unknown { hold, why: format!("the server says `{}`", state.status) })
            }
            (_, Stands::Returned | Stands::Refused, _) => {
                record.stage = Stage::Over;
                self.kept.write(&record).await?;
                Err(no("the money went back before the shop took it; do the same purchase again to buy anew"))
            }
        }
    }

    /// What the server knows of what a purchase has set aside.
    async fn stands(&self, record: &Record) -> Result<Stands, NotCheckedOut> {
        match self.buyer.client.hold(record.hold()).await {
            Ok(state) => Ok(Stands::of(&state)),
            Err(Failure::Refused(problem)) if problem.status == 404 => Ok(Stands::Unknown),
            Err(failure) => Err(NotCheckedOut::Unknown { hold: record.hold(), why: failure.to_string() }),
        }
    }

    /// The token that pays just this cart, the same for the same attempt.
    fn token(&self, record: &Record, cart: &Cart) -> NewDelegatedPayment {
        NewDelegatedPayment {
            payment_method: TokenMethod {
                kind: "tollbridge".to_owned(),
                wallet: self.buyer.settings.wallet,
                mandate: record.mandate,
                approval: record.approval.clone(),
                why: self.new.why.clone(),
            },
            allowance: Allowance {
                reason: "one_time".to_owned(),
                max_amount: cart.total_minor,
                currency: cart.currency.to_ascii_lowercase(),
                checkout_session_id: cart.session.clone(),
                merchant_id: cart.payee,
                expires_at: DateTime::second_of(expires_at(record)).as_str().to_owned(),
            },
            risk_signals: Vec::new(),
            metadata: BTreeMap::from([("cart".to_owned(), cart.cart.clone())]),
        }
    }

    async fn asked_first(
        &self,
        mut record: Record,
        question: String,
        ask: String,
    ) -> Result<CheckedOut, NotCheckedOut> {
        record.stage = Stage::Asked;
        record.approval = Some(question.clone());
        self.kept.write(&record).await?;
        Ok(CheckedOut::Asked { question, ask })
    }
}

/// How the money of a purchase stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stands {
    /// The server knows of none.
    Unknown,
    /// It is set aside for the shop, or the shop has taken it.
    SetAside,
    /// It went back.
    Returned,
    /// The owner was asked instead.
    Asked,
    /// A rule said no.
    Refused,
}

impl Stands {
    fn of(state: &PaymentState) -> Stands {
        match state.status.as_str() {
            "held" | "disputed" | "captured" => Stands::SetAside,
            "released" | "expired" => Stands::Returned,
            "asked" => Stands::Asked,
            "denied" => Stands::Refused,
            _other => Stands::Unknown,
        }
    }
}

fn refused(refusal: Refusal) -> NotCheckedOut {
    NotCheckedOut::Refused { code: refusal.code, message: refusal.message, set_aside: None }
}

fn no(why: impl Into<String>) -> NotCheckedOut {
    NotCheckedOut::Checkout(why.into())
}

fn expires_at(record: &Record) -> Time {
    made_at(record.id.0).after(Time::from_seconds(CHECKOUT_TOKEN_SECONDS).0)
}

/// How many of each item, whatever was chosen of it: choices may come back in other letters.
fn counted<'a>(lines: impl Iterator<Item = (&'a str, u64)>) -> BTreeMap<&'a str, u64> {
    let mut counted: BTreeMap<&str, u64> = BTreeMap::new();
    for (item, quantity) in lines {
        let name = item.split('?').next().unwrap_or(item);
        let sum = counted.entry(name).or_default();
        *sum = sum.saturating_add(quantity);
    }
    counted
}

impl Cart {
    fn total(&self, asset: AssetText) -> Result<Money, NotCheckedOut> {
        let amount = AmountText::new(self.total_minor.into()).filter(|amount| amount.minor() != 0);
        amount.map(|amount| Money { amount, asset }).ok_or_else(|| no("the total is no amount"))
    }
}

/// Whether an asset is counted in the smallest unit of a currency of ISO 4217, as both dialects count.
fn counts_whole(asset: AssetText) -> bool {
    let currency = Iso4217::parse(asset.code()).ok();
    currency.is_some_and(|currency| currency.exponent() == Some(asset.scale()))
}
