//! What a proof gets: an answer for the first time, the same answer again, or why it does not count.
//!
//! Everything that can refuse a proof comes before it is redeemed.

// An error here is the answer that goes out, whole.
#![allow(clippy::result_large_err)]

use crate::deliveries::{CouponUse, Delivery, Measured, Stage};
use crate::flight::{Errand, Landed, Task};
use crate::forward::{Body, DELIVERY, read_headers};
use crate::gateway::Inner;
use crate::limits::KEEP_SECONDS_AFTER;
use crate::paywall::{Order, whole};
use crate::problem::{Code, Whole};
use http::header::CACHE_CONTROL;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::BodyExt;
use protocols::Time;
use protocols::a402::headers::{PAYMENT_VALIDATION, PAYMENT_VALIDATION_ALIAS};
use protocols::a402::wallet::network_layer;
use protocols::a402::{
    AmountText, DateTime, ErrorId, KeyFault, MethodLayer, NotGenuine, Offer, Outcome, Proof, ProofCheck,
    Refusal, RequestFacts, Trade, TradeState, Validation, VerifiedProof, check_proof_of_offer,
};
use protocols::x402::Reason;
use std::sync::Arc;

enum NotChecked {
    Refused(Refusal),
    Unavailable,
}

impl Inner {
    /// Serves a request that came with a proof, or says why the proof does not count.
    pub(crate) async fn serve_paid(
        self: &Arc<Inner>,
        order: &Order,
        value: String,
        task: Task,
    ) -> Response<Body> {
        let proof = match Proof::decode(&value) {
            Ok(proof) => proof,
            Err(fault) => {
                self.metrics.proofs_refused.count();
                let detail = format!("Nothing was spent now. The proof cannot be read: {fault}.");
                return whole(self.with_bill(
                    self.problem(Code::ProofRefused, detail),
                    &order.price,
                    &order.facts,
                ));
            }
        };
        match self.errand(order, &proof, value, task).await {
            Ok(errand) => self.served(order, &proof, errand).await,
            Err(refusal) => whole(refusal),
        }
    }

    /// What a proof is good for, if all that can be checked without the payment service holds. `Err` is the answer.
    async fn errand(&self, order: &Order, proof: &Proof, value: String, task: Task) -> Result<Errand, Whole> {
        let refuse =
            |error: ErrorId, why: &str| self.refuse_proof(order, proof, error, TradeState::WaitBuyerPay, why);
        let asset = &self.config.seller.asset;
        // What was sold says by which coupon it was cheaper; the bill's number vouches for that.
        let coupon = match order.price.coupon_of(proof.resource_id.as_str()) {
            Some(code) => match self.config.coupons.iter().find(|coupon| coupon.code == code) {
                Some(coupon) => Some(coupon),
                None => {
                    let why = "the coupon it was paid with is no longer taken";
                    return Err(refuse(ErrorId::ProofInvalid, why));
                }
            },
            None => None,
        };
        let sold = match coupon {
            Some(coupon) => &Arc::new(order.price.with_coupon(coupon, asset)),
            None => &order.price,
        };
        let verified = match self.check(proof, &sold.offer, &order.facts).await {
            Ok(verified) => verified,
            Err(NotChecked::Refused(refusal)) => {
                let mut answer = refuse(refusal.error_id(), &refusal.to_string());
                answer.extensions_mut().insert(reason_of(&refusal));
                return Err(answer);
            }
            Err(NotChecked::Unavailable) => {
                return Err(self.unavailable(proof, "the payment service did not give its key"));
            }
        };
        let credential = verified.credential().clone();
        let no_trade = || refuse(ErrorId::ProofInvalid, "it is no trade of this payment service");
        let trade_no = credential.trade_no.as_str().parse().map_err(|_| no_trade())?;
        let held = credential.amount.minor(asset.scale()).ok_or_else(no_trade)?;
        let coupon = coupon.map(|coupon| {
            let coupon_use = CouponUse {
                trade_no,
                code: coupon.code.clone(),
                buyer: credential.buyer_unique_id.as_str().to_owned(),
                off: coupon.off.of(order.price.minor(asset)),
                budget: coupon.budget_minor,
                once: coupon.once_per_caller,
            };
            (coupon_use, coupon.off)
        });
        let quote = self.quote(sold, verified.demand());
        Ok(Errand {
            trade_no,
            asked_at: self.service.now(),
            quote,
            proof: value,
            delivery_until: verified.keep_until().after(Time::from_seconds(KEEP_SECONDS_AFTER).0),
            credential,
            held,
            price: Arc::clone(sold),
            coupon,
            task,
        })
    }

    async fn served(self: &Arc<Inner>, order: &Order, proof: &Proof, errand: Errand) -> Response<Body> {
        match self.fly(errand).await {
            Landed::Answered { delivery, fresh: false } if delivery.stage == Stage::Voided => {
                let why = "it was given back, because nothing was delivered for it";
                let (error, trade) = (ErrorId::StateConflict, TradeState::TradeClosed);
                whole(self.refuse_proof(order, proof, error, trade, why))
            }
            Landed::Answered { delivery, .. } => {
                let answer = self.delivered(proof, &delivery);
                if answer.status() == StatusCode::PAYMENT_REQUIRED {
                    // Only a coupon that counts no more ends so; the next bill is without it.
                    return whole(self.with_bill(answer, &order.price, &order.facts));
                }
                whole(answer)
            }
            Landed::Streaming(delivery, reading) => {
                let (mut parts, _none) = self.delivered(proof, &delivery).into_parts();
                parts.headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
                Response::from_parts(parts, reading.boxed_unsync())
            }
            Landed::Begun(delivery) => {
                let mut answer = self.delivered(proof, &delivery);
                let name = HeaderName::from_static(DELIVERY);
                let id = HeaderValue::try_from(delivery.trade_no.to_string());
                answer.headers_mut().insert(name, id.expect("an id is a header"));
                whole(answer)
            }
            Landed::Refused { error, trade, why } => {
                whole(self.refuse_proof(order, proof, error, trade, &why))
            }
            Landed::Unavailable(why) => whole(self.unavailable(proof, &why)),
        }
    }

    /// Checks a proof offline, once more with fresh keys where those we have may be old.
    async fn check(
        &self,
        proof: &Proof,
        offer: &Offer,
        facts: &RequestFacts,
    ) -> Result<VerifiedProof, NotChecked> {
        let mut refreshed = false;
        loop {
            let Some(ring) = self.service.ring() else {
                if refreshed {
                    return Err(NotChecked::Unavailable);
                }
                refreshed = true;
                self.service.refresh(&self.client).await;
                continue;
            };
            let check = ProofCheck { proof, request: facts, psp_keys: &ring, now: self.service.now() };
            let refusal = match check_proof_of_offer(offer, &self.bill_key, check) {
                Ok(verified) => return Ok(verified),
                Err(refusal) => refusal,
            };
            let may_be_old = match refusal {
                Refusal::NotGenuine(NotGenuine::Key(KeyFault::UnknownKey)) => true,
                // The clock of a test book may have been put forward.
                Refusal::NotYetIssued | Refusal::Expired => !self.livemode,
                Refusal::MethodDiffers
                | Refusal::Differs { .. }
                | Refusal::NotTheBuyer
                | Refusal::NotGenuine(_)
                | Refusal::NotOurBill(_)
                | Refusal::LivesTooLong
                | Refusal::PaidLate => false,
            };
            if refreshed || !may_be_old {
                return Err(NotChecked::Refused(refusal));
            }
            refreshed = true;
            self.service.refresh(&self.client).await;
        }
    }

    /// A proof that does not count: a new bill, and why.
    fn refuse_proof(
        &self,
        order: &Order,
        proof: &Proof,
        error: ErrorId,
        trade: TradeState,
        why: &str,
    ) -> Whole {
        self.metrics.proofs_refused.count();
        let detail = format!("Nothing was spent now. The proof does not count: {why}.");
        let answer = self.with_bill(self.problem(Code::ProofRefused, detail), &order.price, &order.facts);
        let outcome = Outcome::ProofRefused { error: error.report(), trade };
        let mut answer = self.with_validation(answer, proof, outcome, None);
        if error == ErrorId::StateConflict {
            answer.extensions_mut().insert(Reason::AlreadySettled);
        }
        answer
    }

    /// Nobody can say whether the proof counts: the payment may well stand, so no other is asked for.
    fn unavailable(&self, proof: &Proof, why: &str) -> Whole {
        self.metrics.unavailable.count();
        let detail = format!(
            "Nothing is known about the payment now: {why}. Send the same proof again; pay nothing again."
        );
        let error = ErrorId::SystemUnavailable.report();
        let outcome = Outcome::ProofUnchecked {
            error: error.retry_after(crate::limits::RETRY_AFTER_SECONDS),
            trade: TradeState::WaitBuyerPay,
        };
        self.with_validation(self.problem(Code::Unavailable, detail), proof, outcome, None)
    }

    /// What was delivered, or why nothing was.
    fn delivered(&self, proof: &Proof, delivery: &Delivery) -> Whole {
        let failed = matches!(delivery.stage, Stage::Failed | Stage::Voided);
        let body = match &delivery.body {
            None if failed => {
                let answer = self.not_delivered("its answer broke off");
                return self.with_validation(answer, proof, Outcome::DeliveryFailed, None);
            }
            body => body.clone().unwrap_or_default(),
        };
        let mut answer = Response::new(body);
        let (Ok(status), Some(headers)) =
            (StatusCode::from_u16(delivery.status), read_headers(&delivery.headers))
        else {
            return self.unavailable(proof, "what was kept cannot be read");
        };
        *answer.status_mut() = status;
        *answer.headers_mut() = headers;
        // It was sold to one.
        answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let outcome = match delivery.stage {
            Stage::Delivered => Outcome::Delivered,
            Stage::Confirmed => Outcome::Finished,
            Stage::Unsettled => Outcome::FulfillmentFailed,
            Stage::Failed | Stage::Voided => Outcome::DeliveryFailed,
            Stage::Begun => Outcome::Delivering,
        };
        self.with_validation(answer, proof, outcome, delivery.measured.as_ref())
    }

    fn with_validation(
        &self,
        mut answer: Whole,
        proof: &Proof,
        outcome: Outcome,
        measured: Option<&Measured>,
    ) -> Whole {
        let about = Trade {
            method_id: proof.method_id.clone(),
            method_version: proof.method_version.clone(),
            out_trade_no: proof.out_trade_no.clone(),
            resource_id: proof.resource_id.clone(),
            trade_no: proof.trade_no.clone(),
            request_fingerprint: proof.request_fingerprint.clone(),
        };
        let at = DateTime::second_of(self.service.now());
        let layer = self.said_about(measured);
        // What a stranger claims at length does not have to be repeated.
        if let Ok(value) = Validation::report(about, outcome, at, layer).encode() {
            self.put(&mut answer, (PAYMENT_VALIDATION, PAYMENT_VALIDATION_ALIAS), &value);
        }
        answer
    }

    /// The method's part of a validation: what was held and what it cost, where that depends on the answer.
    fn said_about(&self, measured: Option<&Measured>) -> MethodLayer {
        let layer = network_layer(self.config.seller.network);
        let Some(measured) = measured else { return layer };
        let scale = self.config.seller.asset.scale();
        let text =
            |minor| AmountText::of_minor(minor, scale).expect("no scale is beyond 18").as_str().to_owned();
        let mut members = layer.members().clone();
        members.insert("held".to_owned(), text(measured.held).into());
        members.insert("charged".to_owned(), text(measured.charged).into());
        match &measured.units {
            Some(units) => members.insert("units".to_owned(), units.clone().into()),
            None => members.insert("marked".to_owned(), "units_missing".into()),
        };
        MethodLayer::new(members).expect("four members are not none")
    }
}

/// Why a proof does not count, finer than A402 says it: it goes with the answer, for whoever says it in other words.
fn reason_of(refusal: &Refusal) -> Reason {
    match refusal {
        Refusal::MethodDiffers => Reason::InvalidNetwork,
        Refusal::Differs { .. } | Refusal::NotOurBill(_) => Reason::InvalidRequirements,
        Refusal::NotTheBuyer | Refusal::NotGenuine(_) => Reason::InvalidSignature,
        Refusal::Expired | Refusal::NotYetIssued | Refusal::LivesTooLong | Refusal::PaidLate => {
            Reason::Expired
        }
    }
}
