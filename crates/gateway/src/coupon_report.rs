//! Telling the payment service how coupons were used, and hearing which of them the seller has switched off.
//!
//! A use is told when the seller has the money for it, until the payment service knows; telling it twice is harmless. What was
//! heard is kept on disk: a coupon that was switched off stays off while the payment service is away.

use crate::deliveries::{PaidUse, StoreFault, Switch};
use crate::gateway::Inner;
use crate::limits::{COUPONS_REPORTED_MAX, COUPONS_REST};
use crate::pricing::{Coupon, Off};
use evidence::base64url;
use protocols::a402::DateTime;
use std::collections::BTreeSet;
use std::sync::Arc;
use wire::coupon::{CouponReport, NewCouponReport, ReportedCoupon, ReportedUse};

/// What distinguishes a gateway's name from whatever else its key numbers.
const NAMED_FOR: &[u8] = b"tollbridge gateway that reports coupons\n";

/// Which coupons are off, as it was heard last since the gateway was started; none before that.
pub(crate) type Heard = Option<BTreeSet<String>>;

impl Inner {
    /// Tells and hears for ever, where there are coupons.
    pub(crate) async fn report_coupons_always(self: Arc<Inner>) {
        let mut heard = None;
        while !self.config.coupons.is_empty() {
            tokio::time::sleep(COUPONS_REST).await;
            if let Err(fault) = self.report_coupons(&mut heard).await {
                tracing::error!(%fault, "what was to be reported of coupons cannot be read or kept");
            }
        }
    }

    /// Tells all that is to be told, and keeps what was heard.
    pub(crate) async fn report_coupons(&self, heard: &mut Heard) -> Result<(), StoreFault> {
        let mut switched_off = BTreeSet::new();
        for coupons in self.config.coupons.chunks(COUPONS_REPORTED_MAX) {
            match self.report_some(coupons).await? {
                Some(off) => switched_off.extend(off),
                // Nothing is known: it stays as it was.
                None => return Ok(()),
            }
        }
        if heard.as_ref() != Some(&switched_off) {
            let to = |code: &str| if switched_off.contains(code) { Switch::Off } else { Switch::On };
            let coupons = self.config.coupons.iter().map(|it| (it.code.clone(), to(&it.code))).collect();
            self.deliveries.switch_coupons(coupons).await?;
            *heard = Some(switched_off);
        }
        Ok(())
    }

    /// Tells of these coupons, and of uses. Answers which of them are off; nothing where nobody could be told.
    async fn report_some(&self, coupons: &[Coupon]) -> Result<Option<Vec<String>>, StoreFault> {
        let codes = coupons.iter().map(|coupon| coupon.code.clone()).collect();
        let given = self.deliveries.given(codes).await?;
        let uses = self.deliveries.paid_uses(self.service.now(), COUPONS_REPORTED_MAX).await?;
        let name = self.bill_key.mac(NAMED_FOR);
        let report = NewCouponReport {
            gateway: base64url::encode(name.0.first_chunk::<12>().expect("a code has 32 bytes")),
            coupons: coupons.iter().zip(given).map(|(coupon, given)| self.reported(coupon, given)).collect(),
            uses: uses.iter().map(|used| self.reported_use(used)).collect(),
        };
        let path = format!("/v1/payees/{}/coupons", self.config.seller.payee);
        match self.client.make::<CouponReport>(&path, &report).await {
            Ok(known) => {
                if !uses.is_empty() {
                    self.deliveries.told_uses(uses.iter().map(|used| used.trade_no).collect()).await?;
                }
                Ok(Some(known.switched_off))
            }
            Err(failure) => {
                // It is told the next time; nobody waits for it.
                tracing::debug!(%failure, "coupons were not reported");
                Ok(None)
            }
        }
    }

    fn reported(&self, coupon: &Coupon, given: u128) -> ReportedCoupon {
        let (percent_off, amount_off) = match coupon.off {
            Off::Percent(percent) => (Some(percent), None),
            Off::Minor(minor) => (None, Some(self.money(minor))),
        };
        ReportedCoupon {
            code: coupon.code.clone(),
            percent_off,
            amount_off,
            budget: self.money(coupon.budget_minor),
            given: self.money(given),
            once_per_buyer: coupon.once_per_caller,
            until: coupon.until.map(|until| DateTime::second_of(until).as_str().to_owned()),
        }
    }

    fn reported_use(&self, used: &PaidUse) -> ReportedUse {
        ReportedUse { hold: used.trade_no, code: used.code.clone(), off: self.money(used.off) }
    }
}
