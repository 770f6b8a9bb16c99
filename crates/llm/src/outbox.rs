//! Telling the payment service what was counted, until it knows: signed records are the outbox.
//!
//! All calls that wait on a meter are one charge, whose number is that of its last record. A charge that was written down
//! stays the same until it is told, and none follows before. So telling it twice is harmless: under the same name it is a
//! repetition, and under another one its number was used.

use crate::gateway::Inner;
use crate::limits::{CHARGE_PAUSE, OUTBOX_BATCH_MAX, OUTBOX_REST};
use crate::store::{Due, Ended, StoreFault};
use sdk::Failure;
use std::sync::Arc;
use tokio::task::JoinSet;
use wire::a402::{A402Outcome, NewA402Confirmation};
use wire::meter::NewCharge;
use wire::{HoldId, MeterId, RequestId};

impl Inner {
    /// Charges and settles for ever. Dropping the future stops it; what is left is found again.
    pub(crate) async fn tell_always(self: Arc<Inner>) {
        loop {
            if let Err(fault) = self.sweep().await {
                tracing::error!(%fault, "the outbox cannot be read");
            }
            if let Err(fault) = self.store.forget(self.service.now()).await {
                tracing::error!(%fault, "old answers cannot be forgotten");
            }
            // Woken by the next call, or after a rest for those that could not be told.
            let _rested = tokio::time::timeout(OUTBOX_REST, self.outbox.notified()).await;
            tokio::time::sleep(CHARGE_PAUSE).await;
        }
    }

    /// Charges everything that is due, then settles every meter that is over.
    pub(crate) async fn sweep(self: &Arc<Inner>) -> Result<(), StoreFault> {
        let _one_at_a_time = self.sweeping.lock().await;
        loop {
            let fresh = (0..OUTBOX_BATCH_MAX).map(|_| RequestId(self.service.client.fresh_id())).collect();
            let due = self.store.due(fresh).await?;
            let mut telling = JoinSet::new();
            for due in due {
                let inner = Arc::clone(self);
                telling.spawn(async move { inner.charge(due).await });
            }
            let mut told = 0;
            while let Some(result) = telling.join_next().await {
                told += usize::from(result.unwrap_or(Ok(false))?);
            }
            if told == 0 {
                break;
            }
        }
        for (meter, trade_no) in self.ledger.to_settle(self.service.now()) {
            if self.store.is_told(meter).await? {
                self.settle_meter(meter, trade_no).await?;
            }
        }
        Ok(())
    }

    /// Charges one meter. Answers whether that is done.
    async fn charge(&self, due: Due) -> Result<bool, StoreFault> {
        let sequence = u64::try_from(due.upto).unwrap_or(u64::MAX);
        let charge = NewCharge { id: due.id, sequence, units: vec![due.nanos] };
        let problem = match self.service.client.charge(due.meter, &[charge]).await {
            Ok(results) => match results.into_iter().next() {
                Some(result) if result.answer.is_some() => None,
                Some(result) => match result.problem {
                    Some(problem) => Some(problem),
                    None => return Ok(false),
                },
                None => return Ok(false),
            },
            Err(Failure::Refused(problem)) => Some(*problem),
            Err(failure) => {
                tracing::warn!(meter = %due.meter, %failure, "a meter could not be charged now");
                return Ok(false);
            }
        };
        match problem.as_ref().map(|problem| problem.code.as_str()) {
            // A number that was used is this charge's own: it was told under a name that is too old to be repeated.
            None | Some("meter_sequence") => {
                self.store.told(due).await?;
                self.metrics.charges.count();
                Ok(true)
            }
            Some("id_stale") => {
                self.store.rename(due, RequestId(self.service.client.fresh_id())).await?;
                Ok(true)
            }
            Some(code @ ("hold_closed" | "hold_expired" | "meter_unknown" | "meter_exceeded")) => {
                tracing::error!(meter = %due.meter, code, nanos = due.nanos, "a meter cannot be charged any more");
                self.metrics.unsettled.count();
                self.store.end(due.meter, Ended::Unsettled).await?;
                self.ledger.settled(due.meter);
                Ok(true)
            }
            // Frozen money waits for its owner, and so do we.
            Some(code) => {
                tracing::warn!(meter = %due.meter, code, "a meter could not be charged now");
                Ok(false)
            }
        }
    }

    /// Settles a meter of which everything was told.
    async fn settle_meter(&self, meter: MeterId, trade_no: HoldId) -> Result<(), StoreFault> {
        let confirmation = NewA402Confirmation { trade_no, outcome: A402Outcome::Fulfilled, amount: None };
        let change = RequestId(self.service.client.fresh_id());
        let trade = match self.service.client.a402_confirm(change, &confirmation).await {
            // It may have ended by itself: what stands is the server's to say.
            Err(Failure::Refused(problem)) if problem.status < 500 => {
                tracing::warn!(%meter, code = %problem.code, "a meter was not settled");
                self.service.client.a402_trade(trade_no).await
            }
            told => told,
        };
        match trade {
            Ok(trade) if trade.payment_status == "paid" => {
                self.store.end(meter, Ended::Settled).await?;
                self.metrics.settled.count();
            }
            Ok(trade) if trade.payment_status == "returned" => {
                self.store.end(meter, Ended::Unsettled).await?;
                self.metrics.unsettled.count();
            }
            Ok(_) => return Ok(()),
            Err(failure) => {
                tracing::warn!(%meter, %failure, "a meter could not be settled now");
                return Ok(());
            }
        }
        self.ledger.settled(meter);
        Ok(())
    }
}
