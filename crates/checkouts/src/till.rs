//! What both doors do with the shop: open, change, pay and end a checkout.
//!
//! A token is noted before it is taken, and the order is locked before that. So a process that ends in between finds out
//! afterwards what became of the money: it takes the token again, which takes nothing twice, or gives the order up.

use crate::limits::SESSIONS_A_DAY_MAX;
use crate::once::Busy;
use crate::store::{Dialect, Session, Store, StoreFault};
use evidence::{Hash, MacKey, Secret, base64url};
use protocols::ap2::Iso4217;
use protocols::checkout::{
    Checkout, Delivery, Handler, Line, Note, NoteKind, OrderMade, OrderState, State, Sums,
};
use protocols::sabotage::{Sabotage, has};
use sdk::Failure;
use serde_json::Value;
use shop::{Cart, CartNo, Kept, Links, Order, Shipped, Shop, ShopNo, Stage, Wanted, WantedLine};
use std::collections::BTreeMap;
use tokio::sync::Notify;
use url::form_urlencoded;
use wire::token::{NewDetokenization, NewTaking, UcpBinding};
use wire::{AmountText, HoldId};

const DAY_SECONDS: u64 = 86_400;

/// The largest amount that both dialects can say, in the smallest unit: what every JSON reader agrees on.
const AMOUNT_MINOR_LARGEST: u64 = (1 << 53) - 1;

/// A shop's till.
#[derive(Debug)]
pub(crate) struct Till {
    pub(crate) shop: Shop,
    pub(crate) store: Store,
    pub(crate) handler: Handler,
    pub(crate) currency: Iso4217,
    pub(crate) secret: Secret,
    /// The sessions that are being changed or paid now.
    pub(crate) busy: Busy<String>,
    /// Woken when one was paid.
    pub(crate) paid: Notify,
}

/// What is put in the place of what a session says; nothing leaves it.
#[derive(Debug, Default)]
pub(crate) struct Change {
    pub(crate) lines: Option<Vec<(String, u32)>>,
    pub(crate) coupon: Option<Option<String>>,
    pub(crate) delivery: Option<String>,
    pub(crate) buyer: Option<Value>,
    pub(crate) details: Option<Value>,
}

/// Why something is not done. Nothing was spent, unless it says that nobody knows.
#[derive(Debug)]
pub(crate) enum No {
    /// There is no such session of this client.
    Unknown,
    /// The catalogue refuses it.
    Cart(CartNo),
    /// It cannot be taken as it is.
    Unfit(String),
    /// The session does not do that now.
    State(String),
    /// Another request about the same session is under way.
    Busy,
    /// The payment was refused.
    Declined(String),
    /// Too few are left.
    Short(String),
    /// Too many sessions.
    TooMany,
    /// Nobody can say now; the same request later finds out.
    Away(String),
    /// Our fault.
    Fault(String),
}

impl From<StoreFault> for No {
    fn from(fault: StoreFault) -> No {
        No::Fault(fault.to_string())
    }
}

impl From<ShopNo> for No {
    fn from(no: ShopNo) -> No {
        let said = no.to_string();
        match no {
            ShopNo::CartUnknown | ShopNo::OrderUnknown => No::Unknown,
            ShopNo::Cart(no) => No::Cart(no),
            ShopNo::TooMany => No::TooMany,
            ShopNo::Short(_) => No::Short(said),
            ShopNo::NotOpen(_) | ShopNo::PriceChanged(_) | ShopNo::Stage(_) => No::State(said),
            ShopNo::NotThisPayment { .. } | ShopNo::Refused(_) => No::Declined(said),
            ShopNo::Away(_) => No::Away(said),
            ShopNo::Store(_) => No::Fault(said),
        }
    }
}

impl Till {
    /// The name of the session that a request opens: the same for the same request, and nobody's to guess.
    pub(crate) fn name(&self, client: &str, key: &str, body: &[u8]) -> String {
        let request = [client.as_bytes(), b"\0", key.as_bytes(), b"\0", Hash::of(body).as_bytes()].concat();
        let mac = MacKey::new(&self.secret).mac(&request);
        format!("cs_{}", base64url::encode(mac.0.first_chunk::<18>().expect("a MAC has 32 bytes")))
    }

    /// Opens a session, or answers the one that the same request opened.
    pub(crate) async fn open(
        &self,
        name: &str,
        client: &str,
        dialect: Dialect,
        change: Change,
    ) -> Result<Checkout, No> {
        let wanted = changed(Wanted::default(), &change)?;
        let yesterday = self.seconds().saturating_sub(DAY_SECONDS);
        if SESSIONS_A_DAY_MAX <= self.store.count(client.to_owned(), yesterday).await? {
            return Err(No::TooMany);
        }
        let session = Session {
            name: name.to_owned(),
            dialect,
            client: client.to_owned(),
            buyer: change.buyer,
            details: change.details,
            token: None,
            note: None,
            told: None,
        };
        // The buyer is the session: a client asks for many people, and none of them has another's carts.
        match self.shop.put(name, name, &wanted).await {
            Ok(_) | Err(ShopNo::NotOpen(_)) => {}
            Err(no) => return Err(no.into()),
        }
        self.store.put(session, self.seconds()).await?;
        self.look(name, client).await
    }

    /// Changes a session that is not being paid.
    pub(crate) async fn change(&self, name: &str, client: &str, change: Change) -> Result<Checkout, No> {
        let _guard = self.busy.enter(name.to_owned()).ok_or(No::Busy)?;
        let (mut session, kept) = self.find(name, client).await?;
        if kept.stage != Stage::Open {
            if has(Sabotage::NeverOver) {
                return self.look(name, client).await;
            }
            return Err(No::State(format!("the checkout is {} and cannot be changed", kept.stage.as_str())));
        }
        let before = kept.cart.wanted();
        let wanted = changed(before.clone(), &change)?;
        if wanted != before {
            self.shop.put(name, name, &wanted).await?;
        }
        session.buyer = change.buyer.or(session.buyer);
        session.details = change.details.or(session.details);
        self.store.put(session, self.seconds()).await?;
        self.look(name, client).await
    }

    /// A session as it stands.
    pub(crate) async fn look(&self, name: &str, client: &str) -> Result<Checkout, No> {
        let (session, kept) = self.find(name, client).await?;
        self.checkout(&session, &kept).await
    }

    /// The session that became an order, as it stands.
    pub(crate) async fn ordered(&self, number: &str, client: &str) -> Result<Checkout, No> {
        let order = self.shop.order(number.parse().map_err(|_| No::Unknown)?).await?;
        self.look(&order.cart_name, client).await
    }

    /// Pays a session by a token: once. Of one that is paid, it says so again.
    pub(crate) async fn pay(
        &self,
        name: &str,
        client: &str,
        handler: &str,
        token: &str,
    ) -> Result<Checkout, No> {
        if handler != self.handler.id {
            return Err(No::Declined("nothing was spent: this shop has no such payment handler".to_owned()));
        }
        let guard = self.busy.enter(name.to_owned()).ok_or(No::Busy)?;
        let (mut session, mut kept) = self.find(name, client).await?;
        if session.token.as_ref().is_some_and(|before| before != token) {
            // What became of the one before has to be known first.
            self.settle(&session).await?;
            (session, kept) = self.find(name, client).await?;
        }
        match kept.stage {
            Stage::Paid | Stage::Fulfilled => return self.checkout(&session, &kept).await,
            Stage::Cancelled | Stage::Expired => {
                return Err(No::State(format!("the checkout is {}: nothing was spent", kept.stage.as_str())));
            }
            Stage::Open | Stage::Locked => {}
        }
        let is_again = session.token.as_deref() == Some(token) && kept.stage == Stage::Locked;
        if !is_again {
            self.check(name, token, &kept.cart).await?;
        }
        self.store.paying(name.to_owned(), token.to_owned()).await?;
        match self.shop.confirm(name, &Links::default()).await {
            Ok(order) => self.take(&order, token).await?,
            Err(ShopNo::Away(why)) => return Err(No::Away(why)),
            Err(no) => {
                self.store.declined(name.to_owned(), no.to_string()).await?;
                return Err(no.into());
            }
        }
        let paid = self.look(name, client).await;
        // Whoever tells of orders finds the session free.
        drop(guard);
        self.paid.notify_one();
        paid
    }

    /// Ends a session that is not paid.
    pub(crate) async fn cancel(&self, name: &str, client: &str, reason: &str) -> Result<Checkout, No> {
        let _guard = self.busy.enter(name.to_owned()).ok_or(No::Busy)?;
        let (session, kept) = self.find(name, client).await?;
        let stage = kept.stage;
        let is_being_paid = session.token.is_some() && stage == Stage::Locked;
        if is_being_paid
            || matches!(stage, Stage::Paid | Stage::Fulfilled | Stage::Cancelled | Stage::Expired)
        {
            let stands = if is_being_paid { "being paid" } else { stage.as_str() };
            return Err(No::State(format!("the checkout is {stands} and cannot be canceled")));
        }
        self.shop.cancel_cart(name, reason).await?;
        self.look(name, client).await
    }

    /// Whether a session's order is paid by the token that was noted for it: then there is nothing to find out.
    pub(crate) async fn is_settled(&self, session: &Session) -> Result<bool, No> {
        let kept = self.shop.cart(&session.name).await?;
        let paid = kept.order.filter(|_| matches!(kept.stage, Stage::Paid | Stage::Fulfilled));
        let by = paid.zip(session.token.as_deref());
        Ok(by.is_some_and(|(order, token)| !is_paid_by_another(&order, token)))
    }

    /// Finds out what became of a token that was noted, and brings the order to where that leads.
    pub(crate) async fn settle(&self, session: &Session) -> Result<(), No> {
        let Some(token) = session.token.as_deref() else { return Ok(()) };
        let kept = self.shop.cart(&session.name).await?;
        match (kept.stage, kept.order) {
            (Stage::Locked, Some(order)) => match self.take(&order, token).await {
                Ok(()) | Err(No::Declined(_)) => Ok(()),
                Err(no) => Err(no),
            },
            (Stage::Paid | Stage::Fulfilled | Stage::Cancelled | Stage::Expired, Some(order))
                if is_paid_by_another(&order, token) =>
            {
                // Paid in another dialect at the same moment: what the token stands for goes back, taken or not.
                if let Some(hold) = hold_of(token) {
                    self.shop.one_too_many(&order, &hold.to_string()).await?;
                }
                let why = "the order was paid by another payment, and this one goes back";
                Ok(self.store.declined(session.name.clone(), why.to_owned()).await?)
            }
            (Stage::Cancelled | Stage::Expired, Some(order)) if order.trade_no.is_none() => {
                let hold = hold_of(token).ok_or_else(|| No::Declined("that is no token".to_owned()))?;
                let state = self.shop.client().hold(hold).await.map_err(|failure| away(&failure))?;
                if state.status == "captured" {
                    // It was taken in the last moment: the shop notes it, and gives it back.
                    self.shop.paid(order.number, &hold.to_string()).await?;
                } else if state.status != "held" {
                    let why = "nobody took the money in time: it went back";
                    self.store.declined(session.name.clone(), why.to_owned()).await?;
                }
                Ok(())
            }
            (Stage::Open, _) => {
                let why = "the payment service could not be asked: nothing was taken";
                Ok(self.store.declined(session.name.clone(), why.to_owned()).await?)
            }
            (Stage::Locked | Stage::Paid | Stage::Fulfilled | Stage::Cancelled | Stage::Expired, _) => Ok(()),
        }
    }

    /// Whether a token would pay for a cart: asked before the stock of others is locked for it.
    async fn check(&self, name: &str, token: &str, cart: &Cart) -> Result<(), No> {
        let ask = NewDetokenization {
            token: token.to_owned(),
            binding: UcpBinding { checkout_id: name.to_owned(), identity: None },
            cart: Some(digest(cart)),
        };
        let shown = match self.shop.client().ucp_detokenize(&ask).await {
            Ok(shown) => shown,
            Err(failure) => return Err(declined_or_away(&failure)),
        };
        let total = cart.money();
        if shown.amount.asset != total.asset || shown.amount.amount.minor() < total.amount.minor() {
            let most = shown.amount.in_words();
            return Err(No::Declined(format!(
                "nothing was spent: the token is for at most {most}, and this costs {}",
                total.in_words()
            )));
        }
        let state = self.shop.client().hold(shown.hold).await.map_err(|failure| away(&failure))?;
        if state.status != "held" {
            let stands = state.status;
            return Err(No::Declined(format!("nothing was spent now: the money of the token is {stands}")));
        }
        Ok(())
    }

    /// Takes the token for a locked order, and notes it as the order's payment.
    async fn take(&self, order: &Order, token: &str) -> Result<(), No> {
        if matches!(order.stage, Stage::Paid | Stage::Fulfilled) {
            return Ok(());
        }
        let name = &order.cart_name;
        let taking =
            NewTaking { checkout: name.clone(), cart: Some(digest(&order.cart)), amount: order.cart.money() };
        match self.shop.client().take_token(token, &taking).await {
            Ok(capture) => {
                self.shop.paid(order.number, &capture.hold.to_string()).await?;
                Ok(())
            }
            Err(failure) => {
                let no = declined_or_away(&failure);
                if let No::Declined(why) = &no {
                    self.store.declined(name.clone(), why.clone()).await?;
                }
                Err(no)
            }
        }
    }

    async fn find(&self, name: &str, client: &str) -> Result<(Session, Kept), No> {
        let session = self.store.session(name.to_owned(), client.to_owned()).await?.ok_or(No::Unknown)?;
        Ok((session, self.shop.cart(name).await?))
    }

    /// A session in the words that both dialects share.
    pub(crate) async fn checkout(&self, session: &Session, kept: &Kept) -> Result<Checkout, No> {
        let cart = &kept.cart;
        let mut notes = Vec::new();
        if kept.stage == Stage::Open {
            notes.extend(self.shortages(cart).await?);
        }
        let is_short = !notes.is_empty();
        let reason = kept.order.as_ref().and_then(|order| order.reason.clone());
        let mut note = |kind, content: String| notes.push(Note { kind, param: None, content });
        match kept.stage {
            Stage::Expired => note(NoteKind::Expired, "Nobody paid in time.".to_owned()),
            Stage::Cancelled => note(NoteKind::Ended, reason.unwrap_or_else(|| "It was ended.".to_owned())),
            Stage::Open | Stage::Locked => {
                if let Some(why) = &session.note {
                    note(NoteKind::PaymentDeclined, why.clone());
                }
            }
            Stage::Paid | Stage::Fulfilled => {}
        }
        let state = match kept.stage {
            Stage::Open if is_short => State::Incomplete,
            Stage::Locked if session.token.is_some() => State::InProgress,
            Stage::Open | Stage::Locked => State::Ready,
            Stage::Paid | Stage::Fulfilled => State::Completed,
            Stage::Cancelled | Stage::Expired => State::Canceled,
        };
        let lines = cart.lines.iter().map(|line| {
            let item = self.shop.catalogue().item(&line.item);
            Ok(Line {
                item: item_text(&line.item, &line.options),
                title: line.name.clone(),
                category: line.category.clone(),
                carried: item.is_none_or(|item| item.shipped == Shipped::Yes),
                quantity: line.quantity.into(),
                unit_minor: minor(line.price)?,
                subtotal_minor: minor(line.subtotal)?,
                image: item.and_then(|item| item.image.clone()),
            })
        });
        let deliveries =
            cart.delivery.iter().flat_map(|_| &self.shop.catalogue().deliveries).map(|delivery| {
                let price_minor = minor(delivery.price)?;
                Ok(Delivery { id: delivery.id.clone(), title: delivery.name.clone(), price_minor })
            });
        let (details, place) = match session.dialect {
            Dialect::Acp => (session.details.clone(), None),
            Dialect::Ucp => (None, session.details.clone()),
        };
        Ok(Checkout {
            id: session.name.clone(),
            state,
            currency: self.currency,
            lines: lines.collect::<Result<_, No>>()?,
            sums: Sums {
                goods_minor: minor(cart.goods)?,
                discount_minor: minor(cart.discount)?,
                shipping_minor: minor(cart.shipping)?,
                taxes_minor: minor(cart.taxes)?,
                total_minor: minor(cart.total)?,
            },
            deliveries: deliveries.collect::<Result<_, No>>()?,
            delivery: cart.delivery.as_ref().map(|delivery| delivery.id.clone()),
            coupon: cart.coupon.clone(),
            notes,
            expires_at: match kept.stage {
                Stage::Locked => kept.order.as_ref().map(|order| order.lock_until),
                Stage::Open => cart.prices_until_nanos.map(protocols::Time),
                Stage::Paid | Stage::Fulfilled | Stage::Cancelled | Stage::Expired => None,
            },
            cart: digest(cart),
            buyer: session.buyer.clone(),
            details,
            place,
            order: kept.order.as_ref().and_then(|order| self.order_made(order)),
        })
    }

    fn order_made(&self, order: &Order) -> Option<OrderMade> {
        let state = match order.stage {
            Stage::Paid => OrderState::Confirmed,
            Stage::Fulfilled => OrderState::Fulfilled,
            Stage::Cancelled | Stage::Expired if order.trade_no.is_some() => OrderState::Canceled,
            Stage::Open | Stage::Locked | Stage::Cancelled | Stage::Expired => return None,
        };
        Some(OrderMade {
            id: order.number.to_string(),
            url: format!("{}/orders/{}", self.handler.described_at, order.number),
            state,
            made_at: order.confirmed_at,
        })
    }

    async fn shortages(&self, cart: &Cart) -> Result<Vec<Note>, No> {
        let left = self.shop.stock_left().await?;
        let wanted = cart.quantities();
        let lines = cart.lines.iter().enumerate().filter_map(|(n, line)| {
            let left = left.get(&line.item).filter(|left| **left < wanted[&line.item])?;
            Some(Note {
                kind: NoteKind::OutOfStock,
                param: Some(format!("$.line_items[{n}]")),
                content: format!("Of this item {left} are left."),
            })
        });
        Ok(lines.collect())
    }

    /// Seconds since 1970, in the book.
    pub(crate) fn seconds(&self) -> u64 {
        self.shop.now().0 / 1_000_000_000
    }
}

/// What is wanted after a change.
fn changed(mut wanted: Wanted, change: &Change) -> Result<Wanted, No> {
    if let Some(lines) = &change.lines {
        wanted.lines = merged(lines)?;
    }
    if let Some(coupon) = &change.coupon {
        wanted.coupon.clone_from(coupon);
    }
    if let Some(delivery) = &change.delivery {
        wanted.delivery = Some(delivery.clone());
    }
    if let Some(details) = &change.details {
        wanted.address = Some(details.to_string());
    }
    Ok(wanted)
}

/// Each item once, with how often it was named.
fn merged(lines: &[(String, u32)]) -> Result<Vec<WantedLine>, No> {
    let mut merged: Vec<WantedLine> = Vec::with_capacity(lines.len());
    for (text, quantity) in lines {
        let (item, choices) = text.split_once('?').unwrap_or((text, ""));
        let options: BTreeMap<String, String> =
            form_urlencoded::parse(choices.as_bytes()).into_owned().collect();
        let same = merged.iter_mut().find(|line| line.item == item && line.options == options);
        if let Some(line) = same {
            let sum = line.quantity.checked_add(*quantity);
            line.quantity = sum.ok_or_else(|| No::Cart(CartNo::Quantity(item.to_owned())))?;
        } else {
            merged.push(WantedLine { item: item.to_owned(), quantity: *quantity, options });
        }
    }
    Ok(merged)
}

/// An item and what was chosen of it, as both dialects name it: `tea?size=large`.
fn item_text(item: &str, options: &BTreeMap<String, String>) -> String {
    if options.is_empty() {
        return item.to_owned();
    }
    let choices = form_urlencoded::Serializer::new(String::new()).extend_pairs(options).finish();
    format!("{item}?{choices}")
}

/// The digest of exactly this cart: what it holds, what each costs, and where it goes.
fn digest(cart: &Cart) -> String {
    let text = serde_json::to_vec(cart).expect("a cart is JSON");
    format!("sha-256:{}", base64url::encode(Hash::of(&text).as_bytes()))
}

fn minor(amount: AmountText) -> Result<u64, No> {
    let minor = u64::try_from(amount.minor()).ok().filter(|minor| *minor <= AMOUNT_MINOR_LARGEST);
    minor.ok_or_else(|| No::Unfit("an amount is larger than this protocol can say".to_owned()))
}

/// Whether an order has a payment, and it is not this token's.
fn is_paid_by_another(order: &Order, token: &str) -> bool {
    let ours = hold_of(token).map(|hold| hold.to_string());
    order.trade_no.is_some() && order.trade_no != ours
}

/// The hold behind a token.
fn hold_of(token: &str) -> Option<HoldId> {
    format!("hld_{}", token.strip_prefix("vt_")?).parse().ok()
}

fn away(failure: &Failure) -> No {
    No::Away(failure.to_string())
}

/// A refusal is one only where asking again would not change it.
fn declined_or_away(failure: &Failure) -> No {
    match failure {
        Failure::Refused(problem) if problem.status < 500 && !problem.retryable => {
            No::Declined(problem.detail.clone())
        }
        Failure::Refused(_) | Failure::Unreachable(_) | Failure::Unknown(_) | Failure::Unreadable(_) => {
            away(failure)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_and_its_choices_come_back_as_they_went() {
        for text in ["tea", "tea?size=large", "tea?a+b=%26&size=l%3D1"] {
            let lines = merged(&[(text.to_owned(), 1)]).unwrap();
            assert_eq!(item_text(&lines[0].item, &lines[0].options), text);
        }
    }

    #[test]
    fn an_item_that_is_named_twice_is_wanted_twice() {
        let lines = |lines: &[(&str, u32)]| {
            let lines: Vec<_> = lines.iter().map(|(item, n)| ((*item).to_owned(), *n)).collect();
            merged(&lines).map(|lines| lines.iter().map(|line| line.quantity).collect::<Vec<_>>())
        };
        assert_eq!(lines(&[("a", 1), ("b", 2), ("a", 3)]).unwrap(), [4, 2]);
        assert_eq!(lines(&[("a?x=1", 1), ("a?x=2", 1)]).unwrap(), [1, 1]);
        assert!(matches!(lines(&[("a", u32::MAX), ("a", 1)]), Err(No::Cart(CartNo::Quantity(_)))));
    }
}
