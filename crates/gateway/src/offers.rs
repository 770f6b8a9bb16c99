//! Telling the payment service how many bills were made, so that the seller's page can say how many of them were paid.
//!
//! Each start of a gateway is one of its own there: what it counted on a day only grows, and telling it twice is harmless.

use crate::gateway::Inner;
use crate::limits::{OFFERS_DAYS_KEPT, OFFERS_REST};
use evidence::base64url;
use protocols::a402::DateTime;
use std::collections::BTreeMap;
use std::sync::Arc;
use wire::offers::{DayOfOffers, NewOffers, Offers};

/// What was counted, day by day.
#[derive(Debug, Default)]
struct Counted {
    days: BTreeMap<String, u64>,
    seen: u64,
    told: bool,
}

impl Counted {
    /// Counts what came since the last time as of `day`. Answers whether there is anything to tell.
    fn count(&mut self, bills: u64, day: &str) -> bool {
        if self.seen < bills {
            let sum = self.days.entry(day.to_owned()).or_default();
            *sum = sum.saturating_add(bills - self.seen);
            self.seen = bills;
            self.told = false;
            while OFFERS_DAYS_KEPT < self.days.len() {
                self.days.pop_first();
            }
        }
        !self.told && !self.days.is_empty()
    }
}

impl Inner {
    /// Tells for ever, a little after there was something to tell.
    pub(crate) async fn report_always(self: Arc<Inner>) {
        let gateway = base64url::encode(&rand::random::<[u8; 12]>());
        let path = format!("/v1/payees/{}/offers", self.config.seller.payee);
        let mut counted = Counted::default();
        loop {
            tokio::time::sleep(OFFERS_REST).await;
            // Not the book's time, which in a test book may be ahead: the server takes reports by its own clock.
            let now = DateTime::second_of(sdk::Clock::system().now());
            let day = now.as_str().get(..10).unwrap_or_default();
            let bills = self.metrics.bills.get().saturating_sub(self.metrics.looks.get());
            if !counted.count(bills, day) {
                continue;
            }
            let days = counted.days.iter();
            let days = days.map(|(day, demands)| DayOfOffers { day: day.clone(), demands: *demands });
            let report = NewOffers { gateway: gateway.clone(), days: days.collect() };
            let told: Result<Offers, _> = self.client.make(&path, &report).await;
            match told {
                Ok(_) => counted.told = true,
                // It is told with the next count; nobody waits for it.
                Err(failure) => tracing::debug!(%failure, "bills were not reported"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_is_told_again_only_with_more() {
        let mut counted = Counted::default();
        assert!(!counted.count(0, "2026-11-22"));
        assert!(counted.count(3, "2026-11-22"));
        // Not told: the same again.
        assert!(counted.count(3, "2026-11-22"));
        counted.told = true;
        assert!(!counted.count(3, "2026-11-23"));
        assert!(counted.count(5, "2026-11-23"));
        let days: Vec<_> = counted.days.iter().map(|(day, count)| (day.as_str(), *count)).collect();
        assert_eq!(days, [("2026-11-22", 3), ("2026-11-23", 2)]);
        for day in 0..20 {
            counted.count(6 + day, &format!("2026-12-{day:02}"));
        }
        assert_eq!(counted.days.len(), OFFERS_DAYS_KEPT);
    }
}
