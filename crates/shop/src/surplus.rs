//! Payments that are one too many: an order that is paid in two dialects at the same moment keeps the first, and gives the
//! other one back.
//!
//! Which is the second is decided by the store, in one transaction. What is to be given back is written down under the name it
//! will be given back by, before anything is said to the payment service; a shop that ends in between says it again.

pub(crate) mod store;

use crate::desk::{Shop, ShopNo};
use crate::limits::SWEEP_BATCH_MAX;
use crate::order::Order;
use crate::service::Trade;
use store::Surplus;
use wire::{OrderId, RequestId};

impl Shop {
    /// Notes that a payment is one too many for an order, and gives it back: now, or as soon as the payment service can be asked.
    /// The caller knows that it was made for this order, which another payment has paid.
    ///
    /// # Errors
    /// [`ShopNo::Store`].
    pub async fn one_too_many(&self, order: &Order, trade_no: &str) -> Result<(), ShopNo> {
        if Trade::parse(trade_no).is_none() || order.trade_no.as_deref() == Some(trade_no) {
            return Ok(());
        }
        let act = RequestId(self.client().fresh_id());
        let surplus = Surplus { trade_no: trade_no.to_owned(), number: order.number, act };
        self.store().note_surplus(surplus).await?;
        self.give_surplus_back().await?;
        Ok(())
    }

    /// Gives back what is one too many. Answers how many payments could not be given back yet.
    pub(crate) async fn give_surplus_back(&self) -> Result<usize, ShopNo> {
        let mut left = 0;
        for Surplus { trade_no, number, act } in self.store().surplus(SWEEP_BATCH_MAX).await? {
            let Some(trade) = Trade::parse(&trade_no) else { continue };
            match self.service().give_back(act, trade).await {
                Ok(()) => {
                    tracing::info!(%number, trade_no, "a second payment of an order went back");
                    self.store().gave_back(trade_no).await?;
                }
                Err(failure) => {
                    tracing::warn!(%number, trade_no, %failure, "a second payment of an order waits");
                    left += 1;
                }
            }
        }
        Ok(left)
    }

    /// Asks whether orders that were paid aside, by a token, were paid at the payment service as well.
    pub(crate) async fn watch(&self) -> Result<usize, ShopNo> {
        let mut left = 0;
        for number in self.store().watched(self.now(), SWEEP_BATCH_MAX).await? {
            if let Err(no) = self.look_twice(number).await {
                tracing::warn!(%number, %no, "whether an order was paid twice is not known yet");
                left += 1;
            }
        }
        Ok(left)
    }

    async fn look_twice(&self, number: OrderId) -> Result<(), ShopNo> {
        let order = self.order(number).await?;
        let asked_at = self.now();
        let known = self.service().trade_of(&order).await;
        if let Some(trade_no) = known.map_err(|failure| ShopNo::Away(failure.to_string()))? {
            self.one_too_many(&order, &trade_no).await?;
        }
        Ok(self.store().looked(number, asked_at).await?)
    }
}
