//! The life of a trade: six states, seven events, and no transition that is not written here.

use super::error::ErrorId;
use super::words::words;

words! {
    /// Where a trade stands, in the words every method must translate its own states into.
    TradeState {
        Create = "CREATE",
        WaitBuyerPay = "WAIT_BUYER_PAY",
        WaitSellerFulfillment = "WAIT_SELLER_FULFILLMENT",
        WaitBuyerReceipt = "WAIT_BUYER_RECEIPT",
        /// Final: paid, delivered and confirmed.
        TradeFinished = "TRADE_FINISHED",
        /// Final: cancelled, refunded or given up.
        TradeClosed = "TRADE_CLOSED",
    }
}

words! {
    /// What can happen to a trade.
    ///
    /// A timeout is none of these: it ends no trade until somebody has asked how the payment went.
    TradeEvent {
        PaymentNeededIssued = "PAYMENT_NEEDED_ISSUED",
        PaymentValidated = "PAYMENT_VALIDATED",
        PaymentTerminated = "PAYMENT_TERMINATED",
        DeliveryCommitted = "DELIVERY_COMMITTED",
        CompensationCompleted = "COMPENSATION_COMPLETED",
        FulfillmentConfirmed = "FULFILLMENT_CONFIRMED",
        TradeTerminated = "TRADE_TERMINATED",
    }
}

/// An event that cannot happen in the state the trade is in. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{event}` cannot happen to a trade in `{from}`")]
pub struct IllegalTransition {
    /// The state the trade is still in.
    pub from: TradeState,
    /// The event that was refused.
    pub event: TradeEvent,
}

impl IllegalTransition {
    /// The catalogue's error for this.
    pub fn error_id(&self) -> ErrorId {
        ErrorId::StateConflict
    }
}

impl TradeState {
    /// The state after `event`.
    ///
    /// # Errors
    /// [`IllegalTransition`] for everything that is not listed; the two final states list nothing.
    pub fn next(self, event: TradeEvent) -> Result<TradeState, IllegalTransition> {
        use TradeEvent as E;
        use TradeState as S;
        match (self, event) {
            (S::Create, E::PaymentNeededIssued) => Ok(S::WaitBuyerPay),
            (S::WaitBuyerPay, E::PaymentValidated) => Ok(S::WaitSellerFulfillment),
            (S::WaitBuyerPay, E::PaymentTerminated) => Ok(S::TradeClosed),
            (S::WaitSellerFulfillment, E::DeliveryCommitted) => Ok(S::WaitBuyerReceipt),
            (S::WaitSellerFulfillment, E::CompensationCompleted) => Ok(S::TradeClosed),
            (S::WaitBuyerReceipt, E::FulfillmentConfirmed) => Ok(S::TradeFinished),
            (S::WaitBuyerReceipt, E::TradeTerminated) => Ok(S::TradeClosed),
            (from, event) => Err(IllegalTransition { from, event }),
        }
    }
}
