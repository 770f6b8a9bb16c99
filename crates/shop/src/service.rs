//! The payment service as a seller uses it: what it is told of an order, what it knows of its payment, and its time.

use crate::order::Order;
use protocols::Time;
use protocols::a402::DateTime;
use protocols::act::UtcTime;
use sdk::{Client, Clock, Failure};
use std::sync::atomic::{AtomicU64, Ordering};
use wire::act::NewOrder;
use wire::hold::NewCapture;
use wire::limits::ORDER_CATEGORIES_MAX;
use wire::payment::{NewRefund, PaymentState};
use wire::{HoldId, Money, PaymentId, RefundId, RequestId};

/// A payment service and the seller's account there.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) client: Client,
    clock: Clock,
    /// How far the clock of a test book was put forward.
    ahead_nanos: AtomicU64,
}

/// A payment as a trade number names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trade {
    /// It was made at once.
    Payment(PaymentId),
    /// It is set aside until the delivery.
    Hold(HoldId),
}

/// What became of the money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is set aside.
    Held,
    /// It is the seller's.
    Collected,
    /// It went back.
    Returned,
}

impl Trade {
    pub(crate) fn parse(text: &str) -> Option<Trade> {
        text.parse().map(Trade::Hold).or_else(|_| text.parse().map(Trade::Payment)).ok()
    }
}

impl Service {
    pub(crate) fn new(client: Client, clock: Clock) -> Service {
        Service { client, clock, ahead_nanos: AtomicU64::new(0) }
    }

    /// What time it is in the book.
    pub(crate) fn now(&self) -> Time {
        self.clock.now().after(self.ahead_nanos.load(Ordering::Relaxed))
    }

    /// Asks a book of play money for its time, which may have been put forward.
    pub(crate) async fn read_time(&self) -> Result<(), Failure> {
        let key = self.client.a402_key().await?;
        // Real money has no clock but the world's.
        if let (false, Ok(now)) = (key.livemode, DateTime::parse(&*key.now)) {
            let ahead = now.time().0.saturating_sub(self.clock.now().0);
            self.ahead_nanos.store(ahead, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Tells the service of an order, so that it can be paid. A second time changes nothing.
    pub(crate) async fn announce(&self, order: &Order, payee_name: &str) -> Result<(), Failure> {
        let mut categories = order.cart.categories();
        categories.truncate(ORDER_CATEGORIES_MAX);
        let new = NewOrder {
            id: order.number,
            amount: order.cart.money(),
            categories,
            cart_snapshot_hash: Some(order.snapshot_hash.as_str().to_owned()),
            payee_name: payee_name.to_owned(),
            pay_before: Some(UtcTime::second_of(order.lock_until).as_str().to_owned()),
            merchant_reference: None,
            fulfil_by: order.fulfil_by.map(|until| UtcTime::second_of(until).as_str().to_owned()),
        };
        self.client.confirm_order(&new).await.map(|_| ())
    }

    /// The trade number of an order's payment, where there is one; nothing for an order that it does not know.
    pub(crate) async fn trade_of(&self, order: &Order) -> Result<Option<String>, Failure> {
        match self.client.order(order.number).await {
            Ok(known) => Ok(known.trade_no),
            Err(failure) if failure.code() == Some("order_unknown") => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// A payment as the service knows it.
    pub(crate) async fn payment(&self, trade: Trade) -> Result<PaymentState, Failure> {
        match trade {
            Trade::Payment(id) => self.client.payment(id).await,
            Trade::Hold(id) => self.client.hold(id).await,
        }
    }

    /// Takes what was set aside.
    pub(crate) async fn capture(&self, key: RequestId, hold: HoldId, amount: Money) -> Result<(), Failure> {
        self.client.capture(key, hold, &NewCapture { amount, last: true }).await.map(|_| ())
    }

    /// Gives back what was paid, or set aside.
    pub(crate) async fn give_back(&self, key: RequestId, trade: Trade) -> Result<(), Failure> {
        let state = self.payment(trade).await?;
        match (trade, standing(&state)) {
            (Trade::Hold(hold), Some(Standing::Held)) => self.client.void(key, hold).await.map(|_| ()),
            (Trade::Hold(_) | Trade::Payment(_), Some(Standing::Collected) | Some(Standing::Held)) => {
                let paid = paid_of(&state);
                if paid == state.refunded {
                    return Ok(());
                }
                let new = NewRefund { id: RefundId(key.0), payment: state.id, amount: paid };
                self.client.refund(&new).await.map(|_| ())
            }
            (Trade::Hold(_) | Trade::Payment(_), Some(Standing::Returned) | None) => Ok(()),
        }
    }
}

/// What a payment comes to: what was set aside, and once it was taken what was taken, which may be less.
pub(crate) fn paid_of(state: &PaymentState) -> Money {
    match standing(state) {
        Some(Standing::Collected) => state.captured.unwrap_or(state.amount),
        Some(Standing::Held | Standing::Returned) | None => state.amount,
    }
}

/// What became of a payment's money; nothing where none moved.
pub(crate) fn standing(state: &PaymentState) -> Option<Standing> {
    match state.status.as_str() {
        "held" | "disputed" => Some(Standing::Held),
        "paid" | "captured" => Some(Standing::Collected),
        "released" | "expired" => Some(Standing::Returned),
        _other => None,
    }
}
