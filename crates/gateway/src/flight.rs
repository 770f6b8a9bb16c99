//! One delivery for one payment: whoever comes with the same proof meanwhile waits for the same answer.
//!
//! A delivery runs in a task of its own, so that a buyer who hangs up does not stop it half-way. Before it
//! begins it looks at what was kept; so the copy that comes a moment too late gets what the first one got.

use crate::deliveries::{Delivery, Stage};
use crate::forward::{PaidRequest, write_headers};
use crate::gateway::Inner;
use crate::limits::{FLIGHT_COUNT_MAX, VOID_WAIT};
use crate::problem::Whole;
use evidence::Hash;
use http::{HeaderValue, Response};
use protocols::Time;
use protocols::a402::{Credential, ErrorId, Identifier, TradeState};
use sdk::Failure;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tokio::sync::watch;
use wire::a402::{A402Facts, NewA402Verification};
use wire::{HoldId, RequestId};

/// A request that was paid for, as far as can be said without asking the payment service.
#[derive(Clone, Debug)]
pub(crate) struct Errand {
    pub(crate) trade_no: HoldId,
    /// The value of the header.
    pub(crate) proof: String,
    pub(crate) delivery_until: Time,
    pub(crate) credential: Credential,
    pub(crate) request: PaidRequest,
    pub(crate) charge_client_errors: bool,
}

/// How a delivery went.
#[derive(Clone, Debug)]
pub(crate) enum Flown {
    /// It is kept. It is fresh if it was made now.
    Answered { delivery: Arc<Delivery>, fresh: bool },
    /// The payment service says that the proof does not count.
    Refused { error: ErrorId, trade: TradeState, why: String },
    /// Nobody can say now.
    Unavailable(String),
}

/// The deliveries under way.
#[derive(Debug, Default)]
pub(crate) struct Flights(Mutex<HashMap<HoldId, watch::Receiver<Option<Flown>>>>);

/// Takes a delivery off the list when it ends, however it ends.
struct Landing<'a>(&'a Flights, HoldId);

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        self.0.0.lock().expect("nobody panics while holding it").remove(&self.1);
    }
}

impl Inner {
    /// Has the errand done once, together with all others for the same payment.
    pub(crate) async fn fly(self: &Arc<Inner>, errand: Errand) -> Flown {
        let mut landed = {
            let mut flights = self.flights.0.lock().expect("nobody panics while holding it");
            match flights.get(&errand.trade_no) {
                Some(landed) => landed.clone(),
                None if FLIGHT_COUNT_MAX <= flights.len() => {
                    return Flown::Unavailable("too many requests are under way".to_owned());
                }
                None => {
                    let (sender, landed) = watch::channel(None);
                    flights.insert(errand.trade_no, landed.clone());
                    let inner = Arc::clone(self);
                    tokio::spawn(async move {
                        let trade_no = errand.trade_no;
                        let landing = Landing(&inner.flights, trade_no);
                        let flown = inner.deliver(errand).await;
                        // Off the list first: whoever comes now finds what was kept.
                        drop(landing);
                        sender.send_replace(Some(flown));
                    });
                    landed
                }
            }
        };
        match landed.wait_for(Option::is_some).await {
            Ok(flown) => flown.clone().expect("it was waited for"),
            Err(_) => Flown::Unavailable("the delivery broke off".to_owned()),
        }
    }

    /// Finds what was delivered, or redeems the payment, calls the upstream, and keeps what it said.
    async fn deliver(&self, errand: Errand) -> Flown {
        let fingerprint = errand.credential.request_fingerprint.as_str().to_owned();
        match self.deliveries.find(errand.trade_no).await {
            Ok(Some(delivery)) if delivery.fingerprint == fingerprint => {
                self.metrics.redelivered.count();
                let delivery = Arc::new(delivery);
                return Flown::Answered { delivery, fresh: false };
            }
            Ok(Some(_)) => return refused(ErrorId::StateConflict, "it was used for another request"),
            Ok(None) => {}
            Err(fault) => return broken(&fault),
        }
        let idempotency_key = match self.redeem(&errand).await {
            Ok(key) => key,
            Err(flown) => return flown,
        };
        self.metrics.upstream_calls.count();
        let answer = self.forwarder.call(errand.request, &idempotency_key).await;
        let (stage, answer) = match answer {
            Ok(answer) => self.judge(answer, errand.charge_client_errors),
            Err(fault) => (Stage::Failed, self.not_answered(&fault)),
        };
        let mut delivery = Delivery {
            trade_no: errand.trade_no,
            out_trade_no: errand.credential.out_trade_no.as_str().to_owned(),
            resource_id: errand.credential.resource_id.as_str().to_owned(),
            fingerprint,
            stage,
            status: answer.status().as_u16(),
            headers: write_headers(answer.headers()),
            body: answer.into_body(),
            keep_until: errand.delivery_until,
        };
        // Only what is kept is confirmed; and only what is kept is answered, so the answer is the same next time.
        if let Err(fault) = self.deliveries.store(delivery.clone()).await {
            return broken(&fault);
        }
        match stage {
            Stage::Delivered | Stage::Confirmed | Stage::Unsettled => self.metrics.delivered.count(),
            Stage::Failed | Stage::Voided => {
                self.metrics.failed.count();
                // The buyer should find the money back when the answer is read; if not now, the outbox sees to it.
                if let Ok(Ok(Some(told))) =
                    tokio::time::timeout(VOID_WAIT, self.tell(errand.trade_no, stage)).await
                {
                    delivery.stage = told;
                }
            }
        }
        self.outbox.notify_one();
        let delivery = Arc::new(delivery);
        Flown::Answered { delivery, fresh: true }
    }

    /// Uses the payment up for this delivery. Answers the key that the upstream knows repetitions by.
    async fn redeem(&self, errand: &Errand) -> Result<HeaderValue, Flown> {
        let credential = &errand.credential;
        let asked = NewA402Verification {
            payment_proof: errand.proof.clone(),
            facts: A402Facts {
                request_method: credential.request_method.as_str().to_owned(),
                request_fingerprint: credential.request_fingerprint.as_str().to_owned(),
                resource_id: credential.resource_id.as_str().to_owned(),
                out_trade_no: credential.out_trade_no.as_str().to_owned(),
                idempotency_key: credential.idempotency_key.as_ref().map(|key| key.as_str().to_owned()),
            },
        };
        let verification = match self.client.a402_verify(change(errand.trade_no, b"verify"), &asked).await {
            Ok(verification) => verification,
            Err(Failure::Refused(problem)) if problem.status < 500 => {
                let named = problem.a402.as_ref().and_then(|error| ErrorId::parse(&error.error_id));
                let error = named.unwrap_or(ErrorId::ProofInvalid);
                return Err(refused(error, problem.detail.trim_end_matches('.')));
            }
            Err(failure) => return Err(unavailable(&failure)),
        };
        if verification.trade_no != errand.trade_no {
            return Err(Flown::Unavailable("the payment service answered about another trade".to_owned()));
        }
        // Redeemed before, and nothing kept: we died in between. That is no reason to deliver for what is over.
        if verification.repeated {
            let trade =
                self.client.a402_trade(errand.trade_no).await.map_err(|failure| unavailable(&failure))?;
            if trade.payment_status != "held" {
                return Err(refused(
                    ErrorId::StateConflict,
                    "it was used, and what it was used for is no longer kept",
                ));
            }
        }
        let key = credential.idempotency_key.as_ref().map_or(&*verification.delivery_key, Identifier::as_str);
        HeaderValue::try_from(key)
            .map_err(|_| refused(ErrorId::RequestInvalid, "its idempotency key is no header"))
    }

    /// Whether an answer of the upstream is what was paid for.
    fn judge(&self, answer: Response<bytes::Bytes>, charge_client_errors: bool) -> (Stage, Whole) {
        let status = answer.status();
        if status.is_success() || (status.is_client_error() && charge_client_errors) {
            return (Stage::Delivered, answer);
        }
        if status.is_server_error() {
            return (Stage::Failed, self.not_delivered(&format!("it answered {}", status.as_u16())));
        }
        // What was asked wrongly is answered as it is, and costs nothing.
        (Stage::Failed, answer)
    }
}

/// The name of a change that follows from a trade: the same for the same change.
pub(crate) fn change(trade_no: HoldId, what: &[u8]) -> RequestId {
    let digest = Hash::of(&[&trade_no.0.to_be_bytes()[..], what].concat());
    let rest: [u8; 16] = digest.as_bytes().first_chunk().copied().expect("a SHA-256 has 32 bytes");
    let random = u128::from_be_bytes(rest) & ((1 << 80) - 1);
    RequestId((trade_no.0 >> 80 << 80) | random)
}

fn refused(error: ErrorId, why: &str) -> Flown {
    let trade = match error {
        ErrorId::StateConflict => TradeState::TradeClosed,
        ErrorId::SignatureInvalid
        | ErrorId::RequestInvalid
        | ErrorId::MethodUnsupported
        | ErrorId::ParticipantInvalid
        | ErrorId::LimitOrAssetRejected
        | ErrorId::AuthorizationRejected
        | ErrorId::RefundFailed
        | ErrorId::FulfillmentFailed
        | ErrorId::ProofInvalid
        | ErrorId::SystemUnavailable => TradeState::WaitBuyerPay,
    };
    Flown::Refused { error, trade, why: why.to_owned() }
}

fn unavailable(failure: &Failure) -> Flown {
    tracing::warn!(%failure, "the payment service could not be asked");
    Flown::Unavailable("the payment service cannot be asked".to_owned())
}

fn broken(fault: &crate::deliveries::StoreFault) -> Flown {
    tracing::error!(%fault, "a delivery could not be kept or found");
    Flown::Unavailable("the store of deliveries failed".to_owned())
}
