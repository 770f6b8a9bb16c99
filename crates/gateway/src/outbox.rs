//! Telling the payment service how deliveries ended, until it knows: the table of deliveries is the outbox.
//!
//! Telling twice is harmless: a trade ends once, and the server names the change after the trade.

use crate::deliveries::{Due, Stage, StoreFault};
use crate::flight::change;
use crate::gateway::Inner;
use crate::limits::{OUTBOX_BATCH_MAX, OUTBOX_PARALLEL_MAX, OUTBOX_REST};
use sdk::Failure;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use wire::a402::{A402Outcome, NewA402Confirmation};
use wire::limits::AMOUNT_MAX;
use wire::{AmountText, Money};

impl Inner {
    /// Sweeps for ever. Dropping the future stops it; what is left is found again.
    pub(crate) async fn tell_always(self: Arc<Inner>) {
        loop {
            let told = match self.sweep().await {
                Ok(told) => told,
                Err(fault) => {
                    tracing::error!(%fault, "the outbox cannot be read");
                    0
                }
            };
            if told == OUTBOX_BATCH_MAX {
                continue;
            }
            if let Err(fault) = self.deliveries.forget(self.service.now()).await {
                tracing::error!(%fault, "old deliveries cannot be forgotten");
            }
            // Woken by the next delivery, or after a rest for those that could not be told.
            let _rested = tokio::time::timeout(OUTBOX_REST, self.outbox.notified()).await;
        }
    }

    /// Tells all that is due, at most one batch. Answers how many are told.
    pub(crate) async fn sweep(self: &Arc<Inner>) -> Result<usize, StoreFault> {
        let due = self.deliveries.due(OUTBOX_BATCH_MAX).await?;
        let places = Arc::new(Semaphore::new(OUTBOX_PARALLEL_MAX));
        let mut telling = JoinSet::new();
        for due in due {
            let (inner, places) = (Arc::clone(self), Arc::clone(&places));
            telling.spawn(async move {
                let _place = places.acquire().await.expect("nobody closes the semaphore");
                inner.tell(due).await
            });
        }
        let mut told = 0;
        while let Some(result) = telling.join_next().await {
            if let Ok(Some(_)) = result.unwrap_or(Ok(None)) {
                told += 1;
            }
        }
        Ok(told)
    }

    /// So many of the asset's smallest units, or the most that can be said.
    pub(crate) fn money(&self, minor: u128) -> Money {
        let asset = self.config.seller.asset.as_str().parse().expect("the seller's asset is one on the wire");
        Money { amount: AmountText::new(minor.min(AMOUNT_MAX)).expect("no more than the most"), asset }
    }

    /// Tells how one delivery ended, and writes down what the payment service says. Nothing if it cannot be told now.
    pub(crate) async fn tell(&self, due: Due) -> Result<Option<Stage>, StoreFault> {
        let Due { trade_no, stage, charged } = due;
        let (outcome, what) = match stage {
            Stage::Delivered => (A402Outcome::Fulfilled, &b"fulfilled"[..]),
            Stage::Failed => (A402Outcome::Failed, &b"failed"[..]),
            Stage::Confirmed | Stage::Voided | Stage::Unsettled | Stage::Begun => return Ok(Some(stage)),
        };
        let amount = charged.filter(|_| stage == Stage::Delivered).map(|charged| self.money(charged));
        let confirmation = NewA402Confirmation { trade_no, outcome, amount };
        let trade = match self.client.a402_confirm(change(trade_no, what), &confirmation).await {
            // It may have ended otherwise: what stands is the server's to say.
            Err(Failure::Refused(problem)) if problem.status < 500 => {
                tracing::warn!(%trade_no, code = %problem.code, "a delivery was not confirmed");
                self.client.a402_trade(trade_no).await
            }
            told => told,
        };
        let ended = match trade {
            Ok(trade) => match (trade.payment_status.as_str(), stage) {
                ("paid", Stage::Delivered) => Stage::Confirmed,
                ("returned", Stage::Failed) => Stage::Voided,
                ("returned", Stage::Delivered) if charged == Some(0) => Stage::Confirmed,
                ("paid" | "returned", _) => Stage::Unsettled,
                // Frozen money waits for its owner, and so do we.
                (_, _) => return Ok(None),
            },
            Err(failure) => {
                tracing::warn!(%trade_no, %failure, "the payment service could not be told");
                return Ok(None);
            }
        };
        self.deliveries.end(trade_no, ended).await?;
        match ended {
            Stage::Confirmed => self.metrics.confirmed.count(),
            Stage::Voided => self.metrics.voided.count(),
            Stage::Delivered | Stage::Failed | Stage::Unsettled | Stage::Begun => {
                tracing::error!(%trade_no, "a delivery and its payment ended differently");
                self.metrics.unsettled.count();
            }
        }
        Ok(Some(ended))
    }
}
