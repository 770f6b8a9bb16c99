//! The desk: carts become orders, orders learn of their payment, and every ending is told to the payment service.
//!
//! What is to be said there is written down first, under the name it will be said by, and crossed out when it is known
//! there. A process that ends in between says it again, and nothing happens twice. Where nobody knows whether an order was
//! paid, it stays as it is.

use crate::cart::{Cart, CartNo, Wanted};
use crate::catalogue::Catalogue;
use crate::config::{Config, RealMoney, Seller, Settle};
use crate::limits::{LOCK_MARGIN_SECONDS, OPEN_SECONDS_MAX, REASON_CHARS_MAX, SWEEP_BATCH_MAX, SWEEP_REST};
use crate::order::{Event, Links, Order, Owed, Paid, Stage};
use crate::service::{Service, Standing, Trade, paid_of, standing};
use crate::snapshot::snapshot;
use crate::store::{Kept, Lock, Locked, Put, Store, StoreFault};
use evidence::SigningKey;
use protocols::Time;
use sdk::{Client, Clock, Credentials, Failure, KeyFileFault, NotAServer};
use std::collections::BTreeMap;
use std::os::unix::fs::DirBuilderExt;
use std::sync::Arc;
use wire::{AgentId, KeyId, Money, OrderId, RequestId};

/// A shop that is open. Cloning it is cheap.
#[derive(Clone, Debug)]
pub struct Shop(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    seller: Seller,
    catalogue: Catalogue,
    service: Service,
    store: Store,
    signer: Signer,
}

/// The key with which a shop signs what it confirms.
#[derive(Debug)]
pub struct Signer {
    /// Its name at the payment service.
    pub key_id: KeyId,
    /// The key.
    pub key: SigningKey,
}

/// Why a shop does not open.
#[derive(Debug, thiserror::Error)]
pub enum StartFault {
    /// The seller's key.
    #[error(transparent)]
    KeyFile(#[from] KeyFileFault),
    /// The address of the server.
    #[error(transparent)]
    Server(#[from] NotAServer),
    /// The directory with carts and orders.
    #[error("data directory: {0}")]
    Data(#[from] std::io::Error),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreFault),
}

/// Why a cart is not kept or confirmed, or an order not changed. Nothing was changed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ShopNo {
    /// There is no such cart, or it is another buyer's.
    #[error("there is no such cart")]
    CartUnknown,
    /// There is no such order.
    #[error("there is no such order")]
    OrderUnknown,
    /// The catalogue refuses it.
    #[error(transparent)]
    Cart(#[from] CartNo),
    /// The buyer has too many carts.
    #[error("too many carts of this buyer are open or locked; pay or end one of them")]
    TooMany,
    /// It has become an order, or has ended.
    #[error("the cart is {} and cannot be changed", .0.as_str())]
    NotOpen(Stage),
    /// Its price is another than was shown: this is the cart now.
    #[error("the price has changed to {}", .0.money().in_words())]
    PriceChanged(Box<Cart>),
    /// Too few are left, by item.
    #[error("{}", in_words(.0))]
    Short(BTreeMap<String, u64>),
    /// An order of this stage cannot do that.
    #[error("the order is {}", .0.as_str())]
    Stage(Stage),
    /// What was paid is not what was ordered.
    #[error("payment `{trade_no}` is not the payment of this order: {why}")]
    NotThisPayment {
        /// Which.
        trade_no: String,
        /// Why not.
        why: &'static str,
    },
    /// The payment service refused; its words.
    #[error("the payment service refuses: {0}")]
    Refused(String),
    /// The payment service cannot be asked now.
    #[error("the payment service cannot be asked now; ask again: {0}")]
    Away(String),
    /// The disk.
    #[error(transparent)]
    Store(#[from] StoreFault),
}

fn in_words(short: &BTreeMap<String, u64>) -> String {
    let each = short.iter().map(|(item, left)| format!("of item `{item}` only {left} are left"));
    each.collect::<Vec<String>>().join("; ")
}

impl Shop {
    /// Opens a shop: its store, and its way to the payment service. Nothing is sent yet.
    ///
    /// # Errors
    /// [`StartFault`].
    pub fn open(config: Config, clock: Clock) -> Result<Shop, StartFault> {
        let Config { seller, catalogue, .. } = config;
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&seller.data)?;
        let credentials = Credentials::read(&seller.key_file)?;
        let Credentials { key_id, key } = Credentials::read(&seller.key_file)?;
        let client = Client::with_clock(seller.server.as_str(), credentials, clock.clone())?;
        let store = Store::open(&seller.data)?;
        let service = Service::new(client, clock);
        Ok(Shop(Arc::new(Inner { seller, catalogue, service, store, signer: Signer { key_id, key } })))
    }

    /// What it sells.
    pub fn catalogue(&self) -> &Catalogue {
        &self.0.catalogue
    }

    /// Who sells.
    pub fn seller(&self) -> &Seller {
        &self.0.seller
    }

    /// The way to the payment service, as the seller.
    pub fn client(&self) -> &Client {
        &self.0.service.client
    }

    /// The key with which it signs what it confirms.
    pub fn signer(&self) -> &Signer {
        &self.0.signer
    }

    /// Whether it does not deal with an agent.
    pub(crate) fn refuses(&self, agent: AgentId) -> bool {
        self.0.seller.refused.contains(&agent)
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    pub(crate) fn service(&self) -> &Service {
        &self.0.service
    }

    /// Asks a book of play money for its time. Real money has no clock but the world's.
    pub(crate) async fn read_time(&self) {
        if self.0.seller.money == RealMoney::No
            && let Err(failure) = self.0.service.read_time().await
        {
            tracing::warn!(%failure, "the payment service does not tell its time");
        }
    }

    /// Forgets requests that are older than so many seconds.
    pub async fn forget_requests(&self, seconds: u64) -> Result<(), ShopNo> {
        let before = Time(self.now().0.saturating_sub(Time::from_seconds(seconds).0));
        Ok(self.0.store.forget_asked(before).await?)
    }

    /// What time it is in the book.
    pub fn now(&self) -> Time {
        self.0.service.now()
    }

    /// How many of an item are left; nothing where it does not run out.
    ///
    /// # Errors
    /// [`ShopNo::Store`].
    pub async fn stock_left(&self) -> Result<BTreeMap<String, u64>, ShopNo> {
        let taken = self.0.store.taken().await?;
        let items = self.0.catalogue.items.iter();
        let left = items.filter_map(|item| {
            let taken = taken.get(&item.id).copied().unwrap_or_default();
            Some((item.id.clone(), item.stock?.saturating_sub(taken)))
        });
        Ok(left.collect())
    }

    /// Prices what a buyer wants and keeps it as an open cart, new or in the place of what the cart held.
    ///
    /// `name` is the caller's: it is one cart of one buyer for ever.
    ///
    /// # Errors
    /// [`ShopNo`].
    pub async fn put(&self, name: &str, buyer: &str, wanted: &Wanted) -> Result<Cart, ShopNo> {
        let now = self.now();
        let cart = Cart::price(wanted, &self.0.catalogue, now)?;
        let put = self.0.store.put(name.to_owned(), buyer.to_owned(), cart.clone(), now).await?;
        match put {
            Put::Done => Ok(cart),
            Put::NotOpen(kept) => Err(ShopNo::NotOpen(kept.stage)),
            Put::Foreign => Err(ShopNo::CartUnknown),
            Put::TooMany => Err(ShopNo::TooMany),
        }
    }

    /// A cart, and the order it became.
    ///
    /// # Errors
    /// [`ShopNo::CartUnknown`].
    pub async fn cart(&self, name: &str) -> Result<Kept, ShopNo> {
        self.0.store.cart(name.to_owned()).await?.ok_or(ShopNo::CartUnknown)
    }

    /// Confirms an open cart: its price and stock are locked, it gets a number, and the payment service is told. A second time
    /// answers the order there is.
    ///
    /// # Errors
    /// [`ShopNo`]. After [`ShopNo::Away`] the cart may be locked; asking again goes on from there.
    pub async fn confirm(&self, name: &str, links: &Links) -> Result<Order, ShopNo> {
        let kept = self.cart(name).await?;
        let order = match kept.order {
            Some(order) => order,
            None if kept.stage != Stage::Open => return Err(ShopNo::NotOpen(kept.stage)),
            None => self.lock(kept, links).await?,
        };
        match (order.stage, order.owed) {
            (Stage::Locked, Owed::Announcement) => self.announce(order).await,
            (Stage::Cancelled | Stage::Expired, _) => Err(ShopNo::NotOpen(order.stage)),
            (
                Stage::Open | Stage::Locked | Stage::Paid | Stage::Fulfilled,
                Owed::Nothing | Owed::Announcement | Owed::Capture | Owed::Refund | Owed::Watch,
            ) => Ok(order),
        }
    }

    async fn lock(&self, kept: Kept, links: &Links) -> Result<Order, ShopNo> {
        let now = self.now();
        let priced = Cart::price(&kept.cart.wanted(), &self.0.catalogue, now)?;
        if priced.total != kept.cart.total || priced.lines != kept.cart.lines {
            self.0.store.put(kept.name, kept.buyer, priced.clone(), now).await?;
            return Err(ShopNo::PriceChanged(Box::new(priced)));
        }
        let confirmed_at = Time::from_seconds(now.0 / 1_000_000_000);
        let locked_for = Time::from_seconds(self.0.seller.lock_seconds.into());
        let lock_until = confirmed_at.after(locked_for.0);
        // No lock outlives the price that the catalogue promises.
        let lock_until = kept.cart.prices_until_nanos.map_or(lock_until, |end| lock_until.min(Time(end)));
        let fulfil_by = match self.0.seller.settle {
            Settle::AtOnce => None,
            Settle::OnDelivery(within) => Some(confirmed_at.after(Time::from_seconds(within.into()).0)),
        };
        let number = OrderId(self.client().fresh_id());
        let snapshot = snapshot(&kept.cart, number, self.0.seller.payee, confirmed_at, links);
        let stock = self.0.catalogue.items.iter().filter_map(|item| Some((item.id.clone(), item.stock?)));
        let wanted = kept.cart.quantities();
        let lock = Lock {
            name: kept.name,
            stock: stock.filter(|(item, _)| wanted.contains_key(item)).collect(),
            cart: kept.cart,
            number,
            confirmed_at,
            lock_until,
            fulfil_by,
            links: links.clone(),
            snapshot_hash: snapshot.hash(),
        };
        match self.0.store.lock(lock).await? {
            Locked::Order(order) => Ok(*order),
            Locked::Short(left) => Err(ShopNo::Short(left)),
            Locked::Changed => Err(ShopNo::CartUnknown),
            Locked::Ended(stage) => Err(ShopNo::NotOpen(stage)),
        }
    }

    /// Tells the payment service of a locked order. Where it will never take it, the order ends.
    async fn announce(&self, order: Order) -> Result<Order, ShopNo> {
        match self.0.service.announce(&order, &self.0.seller.name).await {
            Ok(()) => self.0.store.announced(order.number).await?.ok_or(ShopNo::OrderUnknown),
            Err(Failure::Refused(problem)) if !problem.retryable && problem.status < 500 => {
                let end = self.step(order.number, Event::Cancel, Owed::Nothing, Owed::Capture);
                end.because(&problem.detail).await?;
                Err(ShopNo::Refused(problem.detail.clone()))
            }
            Err(failure) => Err(ShopNo::Away(failure.to_string())),
        }
    }

    /// An order as it is kept here, without asking anybody.
    ///
    /// # Errors
    /// [`ShopNo::OrderUnknown`].
    pub async fn order(&self, number: OrderId) -> Result<Order, ShopNo> {
        self.0.store.order(number).await?.ok_or(ShopNo::OrderUnknown)
    }

    /// An order as it is, with the payment that the payment service knows of.
    ///
    /// # Errors
    /// [`ShopNo::OrderUnknown`], [`ShopNo::Away`], and [`ShopNo::NotThisPayment`].
    pub async fn look(&self, number: OrderId) -> Result<Order, ShopNo> {
        let order = self.order(number).await?;
        if order.stage != Stage::Locked {
            return Ok(order);
        }
        self.ask(order).await
    }

    /// Asks the payment service whether an order was paid, whatever stage it has here.
    async fn ask(&self, order: Order) -> Result<Order, ShopNo> {
        let trade_no = self.0.service.trade_of(&order).await.map_err(|failure| away(&failure))?;
        match trade_no {
            Some(trade_no) => self.noted(order.number, &trade_no, Paid::ByNumber).await,
            None => Ok(order),
        }
    }

    /// Notes that a payment is this order's, after the payment service said that it is: exactly its total, to this seller alone,
    /// and moved. The caller knows that it was made for this order, and aside: not by the order's number.
    ///
    /// # Errors
    /// [`ShopNo::NotThisPayment`] for any other; the order stays unpaid then. Where another has paid it, this one goes back.
    pub async fn paid(&self, number: OrderId, trade_no: &str) -> Result<Order, ShopNo> {
        self.noted(number, trade_no, Paid::Aside).await
    }

    async fn noted(&self, number: OrderId, trade_no: &str, by: Paid) -> Result<Order, ShopNo> {
        let order = self.order(number).await?;
        if order.trade_no.as_deref() == Some(trade_no) {
            return Ok(order);
        }
        let no = |why| ShopNo::NotThisPayment { trade_no: trade_no.to_owned(), why };
        let trade = Trade::parse(trade_no).ok_or_else(|| no("that is no trade number"))?;
        let state = self.0.service.payment(trade).await.map_err(|failure| away(&failure))?;
        if paid_of(&state) != order.cart.money() {
            return Err(no("its amount is another than the order's total"));
        }
        if state.payees != [self.0.seller.payee] {
            return Err(no("it is not paid to this seller alone"));
        }
        match standing(&state) {
            Some(Standing::Held | Standing::Collected) => {}
            Some(Standing::Returned) => return Err(no("its money went back")),
            None => return Err(no("it was not made")),
        }
        let paid = self.0.store.pay(number, trade_no.to_owned(), self.fresh(), by).await;
        let order = paid?.ok_or(ShopNo::OrderUnknown)?;
        if order.trade_no.as_deref() != Some(trade_no) {
            self.one_too_many(&order, trade_no).await?;
            return Err(no("the order is paid by another, and this one goes back"));
        }
        Ok(order)
    }

    /// Says that a paid order is delivered. What was set aside for it is the seller's then.
    ///
    /// # Errors
    /// [`ShopNo::Stage`] where it is not paid, [`ShopNo::Away`].
    pub async fn fulfil(&self, number: OrderId) -> Result<Order, ShopNo> {
        let order = self.look(number).await?;
        match order.stage {
            Stage::Paid => {}
            Stage::Fulfilled => return Ok(order),
            Stage::Open | Stage::Locked | Stage::Cancelled | Stage::Expired => {
                return Err(ShopNo::Stage(order.stage));
            }
        }
        match order.trade_no.as_deref().and_then(Trade::parse) {
            Some(Trade::Hold(_)) => {
                self.0.store.owe(number, Stage::Paid, Owed::Capture, self.fresh()).await?;
                self.tell(number).await?;
            }
            Some(Trade::Payment(_)) | None => {
                self.step(number, Event::Fulfil, Owed::Nothing, Owed::Refund).now().await?;
            }
        }
        let order = self.order(number).await?;
        if order.stage == Stage::Fulfilled { Ok(order) } else { Err(ShopNo::Stage(order.stage)) }
    }

    /// Ends an order before it is delivered: its stock comes back, and its money goes back.
    ///
    /// # Errors
    /// [`ShopNo::Stage`] where it is delivered or over.
    pub async fn cancel(&self, number: OrderId, reason: &str) -> Result<Order, ShopNo> {
        let order = self.order(number).await?;
        let owed = match order.stage {
            Stage::Locked => Owed::Watch,
            Stage::Paid => Owed::Refund,
            Stage::Cancelled => return Ok(order),
            Stage::Open | Stage::Fulfilled | Stage::Expired => return Err(ShopNo::Stage(order.stage)),
        };
        self.step(number, Event::Cancel, owed, Owed::Capture).because(reason).await?;
        let order = self.order(number).await?;
        if order.stage != Stage::Cancelled {
            return Err(ShopNo::Stage(order.stage));
        }
        if order.owed == Owed::Refund {
            self.tell(number).await?;
        }
        self.order(number).await
    }

    /// Ends an open cart, or the order that it became.
    ///
    /// # Errors
    /// As for [`Shop::cancel`].
    pub async fn cancel_cart(&self, name: &str, reason: &str) -> Result<(), ShopNo> {
        let kept = self.cart(name).await?;
        if let Some(order) = kept.order {
            return self.cancel(order.number, reason).await.map(|_| ());
        }
        match kept.stage {
            Stage::Cancelled => Ok(()),
            Stage::Open => {
                self.0.store.end_open(kept.name).await?;
                Ok(())
            }
            Stage::Locked | Stage::Paid | Stage::Fulfilled | Stage::Expired => Err(ShopNo::Stage(kept.stage)),
        }
    }

    /// Says to the payment service what is owed about an order.
    async fn tell(&self, number: OrderId) -> Result<(), ShopNo> {
        let order = self.order(number).await?;
        let key = self.0.store.act_of(number).await?.ok_or(ShopNo::OrderUnknown)?;
        self.settle(order, key).await
    }

    async fn settle(&self, order: Order, key: RequestId) -> Result<(), ShopNo> {
        let trade = order.trade_no.as_deref().and_then(Trade::parse);
        match (order.owed, trade) {
            (Owed::Announcement, _) => self.announce(order).await.map(|_| ()),
            (Owed::Capture, Some(Trade::Hold(hold))) => {
                let captured = self.0.service.capture(key, hold, order.cart.money()).await;
                let Err(failure) = captured else {
                    return self.step(order.number, Event::Fulfil, Owed::Nothing, Owed::Refund).now().await;
                };
                let refused = matches!(&failure, Failure::Refused(problem) if problem.status < 500);
                if !refused {
                    return Err(away(&failure));
                }
                // Whether the money went back meanwhile is the service's to know, not its refusal's to say.
                let state = self.0.service.payment(Trade::Hold(hold)).await.map_err(|fault| away(&fault))?;
                match standing(&state) {
                    Some(Standing::Collected) => {
                        self.step(order.number, Event::Fulfil, Owed::Nothing, Owed::Refund).now().await
                    }
                    Some(Standing::Returned) | None => {
                        let end = self.step(order.number, Event::Cancel, Owed::Nothing, Owed::Refund);
                        end.because("the money went back before the delivery was said").await
                    }
                    Some(Standing::Held) => Err(ShopNo::Refused(failure.to_string())),
                }
            }
            (Owed::Refund, Some(trade)) => {
                self.0.service.give_back(key, trade).await.map_err(|failure| away(&failure))?;
                Ok(self.0.store.told(order.number, Owed::Refund).await?)
            }
            (Owed::Watch, _) => {
                let number = order.number;
                let order = self.ask(order).await?;
                if order.trade_no.is_some() {
                    return Box::pin(self.tell(number)).await;
                }
                Ok(self.0.store.told(number, Owed::Watch).await?)
            }
            (Owed::Nothing, _) if order.stage == Stage::Locked => {
                let order = self.ask(order).await?;
                if order.stage == Stage::Locked {
                    self.step(order.number, Event::Expire, Owed::Nothing, Owed::Capture).now().await?;
                }
                Ok(())
            }
            (Owed::Nothing, _) | (Owed::Capture, Some(Trade::Payment(_)) | None) | (Owed::Refund, None) => {
                Ok(())
            }
        }
    }

    /// Says whatever is owed, ends the locks that are over, and forgets old carts. Answers how many orders could not be settled.
    ///
    /// # Errors
    /// [`ShopNo::Store`].
    pub async fn sweep(&self) -> Result<usize, ShopNo> {
        self.read_time().await;
        let now = self.now();
        let back = |seconds: u32| Time(now.0.saturating_sub(Time::from_seconds(seconds.into()).0));
        self.0.store.forget_open(back(OPEN_SECONDS_MAX)).await?;
        let due = self.0.store.due(back(LOCK_MARGIN_SECONDS), SWEEP_BATCH_MAX).await?;
        let mut unsettled = 0;
        for (order, key) in due {
            let number = order.number;
            if let Err(no) = self.settle(order, key).await {
                tracing::warn!(%number, %no, "an order waits");
                unsettled += 1;
            }
        }
        Ok(unsettled + self.watch().await? + self.give_surplus_back().await?)
    }

    /// Goes on sweeping.
    pub async fn sweep_always(&self) {
        loop {
            if let Err(no) = self.sweep().await {
                tracing::warn!(%no, "orders wait");
            }
            tokio::time::sleep(SWEEP_REST).await;
        }
    }

    /// What an order costs.
    pub fn total(order: &Order) -> Money {
        order.cart.money()
    }

    fn fresh(&self) -> RequestId {
        RequestId(self.client().fresh_id())
    }

    fn step(&self, number: OrderId, event: Event, owed: Owed, unless: Owed) -> Step<'_> {
        Step { shop: self, number, event, owed, unless }
    }
}

/// A step of an order that is about to be taken.
struct Step<'a> {
    shop: &'a Shop,
    number: OrderId,
    event: Event,
    owed: Owed,
    unless: Owed,
}

impl Step<'_> {
    async fn now(self) -> Result<(), ShopNo> {
        self.taken(None).await
    }

    async fn because(self, reason: &str) -> Result<(), ShopNo> {
        let reason: String = reason.chars().take(REASON_CHARS_MAX).collect();
        self.taken(Some(reason)).await
    }

    async fn taken(self, reason: Option<String>) -> Result<(), ShopNo> {
        let Step { shop, number, event, owed, unless } = self;
        let act = shop.fresh();
        shop.0.store.step(crate::store::Change { number, event, owed, unless, act, reason }).await?;
        Ok(())
    }
}

fn away(failure: &Failure) -> ShopNo {
    ShopNo::Away(failure.to_string())
}
